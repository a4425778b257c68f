// SPDX-License-Identifier: Apache-2.0
//! XAR archives, the container of flat packages: bytes in; header, table of contents as text, and the place of
//! the heap out. Layout: `xar.h` of Apple's xar, all numbers big-endian.
//!
//! Header and table are read within stated limits before anything is proven, and the table's checksum over its
//! compressed bytes is computed along: that is what signatures stand over.

use std::io::Read;

use flate2::{Decompress, FlushDecompress, Status};
use manifests::digest::Sha256Digest;

use super::fields::{Fields, Order, as_u64, malformed};
use super::macho::read;
use crate::bytes::Bytes;
use crate::signature::digest::{self, Algorithm};
use crate::signature::{Reason, Stop};

/// Most bytes of a table of contents. A file takes some 1.5 KiB; packages have a dozen to a few hundred.
pub const MAX_TOC_BYTES: u64 = 4 * 1024 * 1024;
/// Most bytes of a table of contents as it is stored.
pub const MAX_TOC_COMPRESSED_BYTES: u64 = 4 * 1024 * 1024;
/// Most bytes of a header: 28, and the name of a checksum.
const MAX_HEADER_BYTES: u16 = 1024;

/// The four bytes that a XAR begins with.
pub const MAGIC: [u8; 4] = *b"xar!";

/// A XAR whose front was read.
pub(super) struct Xar {
    /// The table of contents.
    pub(super) text: String,
    /// Where the heap begins.
    pub(super) heap: u64,
    /// What the header says that the table's checksum is made with; none: there is no checksum.
    pub(super) algorithm: Option<Algorithm>,
    /// The checksum of the table as it is stored, by that algorithm.
    pub(super) checksum: Vec<u8>,
    /// The table as it is stored: what signatures stand over.
    pub(super) table: Vec<u8>,
    /// SHA-256 of the same bytes, for the report.
    pub(super) digest: Sha256Digest,
}

/// Reads header and table of contents.
pub(super) fn open(file: &dyn Bytes) -> Result<Xar, Stop> {
    let mut magic = [0; 4];
    if file.length() < 28 {
        return Err(malformed(format!("{} bytes are too few for a XAR archive", file.length())));
    }
    file.read_at(0, &mut magic)?;
    if magic != MAGIC {
        return Err(malformed("not a XAR archive: it does not begin with `xar!`"));
    }
    let start = read(file, 0, 28, "the XAR header")?;
    let mut fields = Fields::new(&start, Order::Big, "the XAR header");
    fields.take(4)?;
    let (header, version) = (fields.u16()?, fields.u16()?);
    let (compressed, expanded, checksum) = (fields.u64()?, fields.u64()?, fields.u32()?);
    if version != 1 {
        return Err(malformed(format!("XAR version {version}; there is only 1")));
    }
    if !(28..=MAX_HEADER_BYTES).contains(&header) {
        return Err(malformed(format!("a XAR header of {header} bytes")));
    }
    for (what, bytes, limit) in
        [("stored", compressed, MAX_TOC_COMPRESSED_BYTES), ("expanded", expanded, MAX_TOC_BYTES)]
    {
        if bytes > limit {
            let note = format!("a table of contents of {bytes} bytes {what}, at most {limit} are read");
            return Err(Stop::found(Reason::LimitExceeded, note));
        }
    }
    let header_bytes = read(file, 0, u64::from(header), "the XAR header")?;
    let name = header_bytes.get(28..).unwrap_or_default();
    let algorithm = algorithm(checksum, name)?;
    let table = read(file, u64::from(header), compressed, "the table of contents")?;
    let checksum = algorithm.map(|algorithm| algorithm.digest(&table)).unwrap_or_default();
    Ok(Xar {
        text: expand(&table, expanded)?,
        heap: u64::from(header).saturating_add(compressed),
        algorithm,
        checksum,
        digest: digest::sha256(&table),
        table,
    })
}

/// The table's algorithm, by the header's number (`XAR_CKSUM_…`) and, where the number is 3 and the header is
/// longer, by the name in it: Apple's xar has 3 for SHA-256, others for "see the name".
fn algorithm(number: u32, name: &[u8]) -> Result<Option<Algorithm>, Stop> {
    // What stands behind the name is covered by nothing.
    let (name, rest) = name.split_at(name.iter().position(|&byte| byte == 0).unwrap_or(name.len()));
    if rest.iter().any(|&byte| byte != 0) {
        return Err(malformed("bytes other than zero behind the checksum's name in the XAR header"));
    }
    match (number, name) {
        (0, [_, ..]) => Err(malformed("a XAR header with a name for a checksum that it has not")),
        (0, _) => Ok(None),
        (1, b"" | b"sha1") => Ok(Some(Algorithm::Sha1)),
        (3, b"" | b"sha256") => Ok(Some(Algorithm::Sha256)),
        (4, b"" | b"sha512") | (3, b"sha512") => Ok(Some(Algorithm::Sha512)),
        (3, b"sha384") => Ok(Some(Algorithm::Sha384)),
        (2, _) | (3, b"md5") => {
            Err(Stop::found(Reason::WeakHash, "the table of contents has an MD5 checksum"))
        }
        (3, b"sha224") => Ok(Some(Algorithm::Sha224)),
        (number, _) => {
            Err(Stop::found(Reason::UnknownAlgorithm, format!("checksum {number} of a table of contents")))
        }
    }
}

/// Inflates the table, which must have exactly the length that the header says, and nothing behind it.
fn expand(table: &[u8], length: u64) -> Result<String, Stop> {
    let mut text = Vec::new();
    let mut rest = table;
    let taken = inflate(&mut rest, |part| {
        text.extend_from_slice(part);
        if as_u64(text.len()) <= length {
            return Ok(());
        }
        Err(malformed("the table of contents is longer than the header says"))
    })?;
    if as_u64(text.len()) != length || taken != as_u64(table.len()) {
        return Err(malformed(format!(
            "the table of contents has {} bytes out of {taken}, the header says {length} out of {}",
            text.len(),
            table.len()
        )));
    }
    String::from_utf8(text).map_err(|_| malformed("the table of contents is not UTF-8"))
}

/// Inflates one zlib stream (RFC 1950) piece by piece, and says how many bytes it took. The checksum at its end
/// is checked.
pub(super) fn inflate(
    from: &mut dyn Read,
    mut each: impl FnMut(&[u8]) -> Result<(), Stop>,
) -> Result<u64, Stop> {
    let mut state = Decompress::new(true);
    let (mut input, mut output) = (vec![0; 64 * 1024], vec![0; 256 * 1024]);
    loop {
        let count = from.read(&mut input)?;
        let mut rest = input.get(..count).unwrap_or_default();
        loop {
            let (before_in, before_out) = (state.total_in(), state.total_out());
            let status = state
                .decompress(rest, &mut output, FlushDecompress::None)
                .map_err(|error| malformed(format!("compressed bytes cannot be read: {error}")))?;
            let taken = usize::try_from(state.total_in().saturating_sub(before_in)).unwrap_or(usize::MAX);
            let made = usize::try_from(state.total_out().saturating_sub(before_out)).unwrap_or(usize::MAX);
            each(output.get(..made).unwrap_or_default())?;
            rest = rest.get(taken..).unwrap_or_default();
            if status == Status::StreamEnd {
                return Ok(state.total_in());
            }
            if taken == 0 && made == 0 {
                break;
            }
        }
        if count == 0 {
            return Err(malformed("compressed bytes end too early"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hides_behind_the_name_of_the_checksum() {
        assert_eq!(algorithm(3, b"sha512\0\0").unwrap_or_default(), Some(Algorithm::Sha512));
        assert_eq!(algorithm(1, b"\0\0").unwrap_or_default(), Some(Algorithm::Sha1));
        for (number, name) in [(3, &b"sha256\0x"[..]), (1, b"\0\0x"), (0, b"sha256"), (0, b"\0x")] {
            let answer = algorithm(number, name);
            assert!(
                matches!(answer, Err(Stop::Found(Reason::FileMalformed, _))),
                "{number} {name:?}: {answer:?}"
            );
        }
    }
}
