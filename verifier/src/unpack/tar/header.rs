// SPDX-License-Identifier: Apache-2.0
//! One header block of a tar: v7, ustar (POSIX.1-1988), GNU, star.

use crate::unpack::{Fault, Rule, fault};

/// All of a tar comes in blocks of this size.
pub(super) const BLOCK: usize = 512;
/// The largest number of eleven octal digits: what a ustar header can hold.
pub(super) const MAX_OCTAL: u64 = 0o77_777_777_777;

/// What a header block says.
pub(super) struct Header {
    pub(super) kind: u8,
    /// Prefix and name together.
    pub(super) name: Vec<u8>,
    pub(super) link: Vec<u8>,
    pub(super) size: u64,
    pub(super) mode: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// Before 1988: no magic, no prefix.
    V7,
    /// POSIX: with a prefix of 155 bytes.
    Ustar,
    /// Schilling's: with a prefix of 131 bytes.
    Star,
    /// GNU tar's old format: other things in the prefix's place.
    Gnu,
}

/// Whether a first block is that of a tar: by its magic, or by its checksum.
pub fn begins(block: &[u8]) -> bool {
    let Some(block) = block.first_chunk::<BLOCK>() else { return false };
    field(block, 257, 5) == b"ustar" || (block.first() != Some(&0) && checksum_fits(block))
}

impl Header {
    /// Reads a block that is not all zeros.
    pub(super) fn read(block: &[u8; BLOCK]) -> Result<Self, Fault> {
        if !checksum_fits(block) {
            return fault(Rule::Checksum, "no tar header, or one whose checksum does not fit");
        }
        let format = format(block)?;
        let name = text(field(block, 0, 100));
        let prefix = match format {
            Format::Ustar => text(field(block, 345, 155)),
            Format::Star => text(field(block, 345, 131)),
            Format::V7 | Format::Gnu => b"",
        };
        let name = if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() };
        let mode = number(field(block, 100, 8), "mode")?.unwrap_or(0);
        for (at, length, what) in [(108, 8, "user id"), (116, 8, "group id"), (136, 12, "time")] {
            number(field(block, at, length), what)?;
        }
        let size = number(field(block, 124, 12), "size")?;
        Ok(Self {
            kind: field(block, 156, 1).first().copied().unwrap_or(0),
            name,
            link: text(field(block, 157, 100)).to_vec(),
            size: size
                .ok_or_else(|| Fault::new(Rule::Structure, "the size is negative, or beyond 64 bits"))?,
            mode: u32::try_from(mode & 0o7777).unwrap_or(0),
        })
    }
}

fn field(block: &[u8; BLOCK], at: usize, length: usize) -> &[u8] {
    block.get(at..).and_then(|rest| rest.get(..length)).unwrap_or_default()
}

fn format(block: &[u8; BLOCK]) -> Result<Format, Fault> {
    match field(block, 257, 8) {
        [0, 0, 0, 0, 0, 0, 0, 0] => Ok(Format::V7),
        [b'u', b's', b't', b'a', b'r', 0, ..] if field(block, 508, 4) == b"tar\0" => Ok(Format::Star),
        [b'u', b's', b't', b'a', b'r', 0, ..] => Ok(Format::Ustar),
        b"ustar  \0" => Ok(Format::Gnu),
        other => {
            let shown = String::from_utf8_lossy(other).escape_debug().to_string();
            fault(Rule::Structure, format!("a tar of an unknown kind: its magic is `{shown}`"))
        }
    }
}

/// A text ends at its first zero, or fills its field.
fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// POSIX sums bytes without a sign; some early writers took them with one.
fn checksum_fits(block: &[u8; BLOCK]) -> bool {
    let Ok(Some(stated)) = number(field(block, 148, 8), "checksum") else { return false };
    let (mut unsigned, mut signed) = (0_u64, 0_i64);
    for (at, byte) in block.iter().enumerate() {
        let byte = if (148..156).contains(&at) { b' ' } else { *byte };
        unsigned = unsigned.saturating_add(u64::from(byte));
        signed = signed.saturating_add(i64::from(i8::from_ne_bytes([byte])));
    }
    stated == unsigned || u64::try_from(signed) == Ok(stated)
}

/// A number in octal digits, blanks before and blanks or zeros after them; or in base 256 where the first
/// bit is set (GNU, star). Nothing but blanks and zeros counts as 0; a zero before digits ends the field for
/// some readers. None where it is negative or too large.
fn number(field: &[u8], what: &str) -> Result<Option<u64>, Fault> {
    if let [first, rest @ ..] = field
        && first & 0x80 != 0
    {
        if first & 0x40 != 0 {
            return Ok(None);
        }
        let mut value = u64::from(first & 0x3f);
        for byte in rest {
            let Some(shifted) = value.checked_mul(256) else { return Ok(None) };
            value = shifted | u64::from(*byte);
        }
        return Ok(Some(value));
    }
    let blank = |byte: &u8| matches!(byte, b' ' | 0);
    let start = field.iter().position(|byte| *byte != b' ').unwrap_or(field.len());
    let mut digits = field.get(start..).unwrap_or_default();
    let mut value = 0_u64;
    while let [digit @ b'0'..=b'7', rest @ ..] = digits {
        // Eleven or twelve digits fit well into 64 bits.
        value = value.saturating_mul(8).saturating_add(u64::from(digit.wrapping_sub(b'0')));
        digits = rest;
    }
    if !digits.iter().all(blank) {
        let shown = String::from_utf8_lossy(field).escape_debug().to_string();
        return fault(Rule::Structure, format!("the {what} `{shown}` is no octal number"));
    }
    Ok(Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_in_octal_and_in_base_256() {
        let read = |field: &[u8]| number(field, "size").map_err(|fault| fault.rule);
        assert_eq!(read(b"0000644\0"), Ok(Some(0o644)));
        assert_eq!(read(b"   644 \0"), Ok(Some(0o644)));
        assert_eq!(read(b"77777777777 "), Ok(Some(MAX_OCTAL)));
        assert_eq!(read(b"\0\0\0\0\0\0\0\0"), Ok(Some(0)));
        assert_eq!(read(b"\x80\0\0\0\0\0\x01\x02"), Ok(Some(258)));
        // 2 to the power of 64.
        assert_eq!(read(b"\x80\0\0\x01\0\0\0\0\0\0\0\0"), Ok(None));
        assert_eq!(read(b"\xff\xff\xff\xff\xff\xff\xff\xff"), Ok(None));
        for bad in [&b"0000648\0"[..], b"64 4    ", b"-1      ", b"0x10    ", b"644\0junk", b"\0 644   "] {
            assert_eq!(read(bad), Err(Rule::Structure), "{bad:?}");
        }
    }
}
