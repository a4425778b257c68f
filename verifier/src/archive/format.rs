// SPDX-License-Identifier: Apache-2.0
//! The one form that an entry's header has (`docs/formats/archive.md` §3), as bytes.
//!
//! The writer writes these bytes, the reader compares with them: nobody parses a header.

use manifests::bundle::EntryMode;
use manifests::size::wide;
use manifests::time::Timestamp;

/// The unit of a tar archive, in bytes.
pub const RECORD: usize = 512;
/// The same, as offsets count.
pub const RECORD_BYTES: u64 = wide(RECORD);
/// The end of an archive: two records of zeros (POSIX.1-2017, pax, "ustar Interchange Format").
pub const END: usize = 2 * RECORD;

/// What decides a header's bytes.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The whole path, the archive's folder included.
    pub path: &'a str,
    /// Bytes of content.
    pub size: u64,
    /// Permission bits.
    pub mode: EntryMode,
    /// The manifest's `created`: the same for all entries.
    pub time: Timestamp,
}

/// Bytes that fill the last record of an entry's content.
pub const fn padding(size: u64) -> u64 {
    // RECORD is a power of two, so it divides the 2⁶⁴ that the negation wraps at.
    size.wrapping_neg() % RECORD_BYTES
}

/// The header of an entry: one record, or three where the path needs a pax header (§3.4).
pub fn header(entry: &Entry<'_>) -> Vec<u8> {
    match split(entry.path) {
        Some((prefix, name)) => ustar(prefix, name, b'0', entry.size, entry).to_vec(),
        None => {
            let record = pax_path(entry.path);
            let size = wide(record.len());
            // The name in both ustar headers says where to look; it is cut so that it always fits.
            let mut bytes = ustar("", "PaxHeaders/path", b'x', size, entry).to_vec();
            bytes.extend_from_slice(record.as_bytes());
            bytes.resize(bytes.len().next_multiple_of(RECORD), 0);
            bytes.extend_from_slice(&ustar("", "PaxPath", b'0', entry.size, entry));
            bytes
        }
    }
}

/// Bytes of [`header`] for this path.
pub fn header_length(path: &str) -> u64 {
    match split(path) {
        Some(_) => RECORD_BYTES,
        None => {
            let record = wide(pax_path(path).len());
            (2 * RECORD_BYTES).saturating_add(record).saturating_add(padding(record))
        }
    }
}

/// Where ustar's prefix ends: at the first `/` that leaves a name of at most 100 bytes.
///
/// None where no `/` gives a prefix of at most 155 bytes and a name of at most 100.
fn split(path: &str) -> Option<(&str, &str)> {
    if path.len() <= 100 {
        return Some(("", path));
    }
    let mut splits = path.match_indices('/').filter_map(|(at, _)| path.split_at_checked(at));
    let (prefix, rest) = splits.find(|(_, rest)| rest.len() <= 1 + 100)?;
    Some((prefix, rest.strip_prefix('/')?)).filter(|(prefix, _)| prefix.len() <= 155)
}

/// `LENGTH path=PATH\n`, where LENGTH counts itself.
fn pax_path(path: &str) -> String {
    let rest = format!(" path={path}\n");
    let digits = |number: usize| number.to_string().len();
    let with_digits = |number: usize| rest.len().saturating_add(digits(number));
    // Counting its own digits may take one digit more.
    let length = with_digits(with_digits(rest.len()));
    format!("{length}{rest}")
}

fn ustar(prefix: &str, name: &str, kind: u8, size: u64, entry: &Entry<'_>) -> [u8; RECORD] {
    let mut header = [0; RECORD];
    let mut put = |at: usize, bytes: &[u8]| {
        // Every field fits: what follows are constants, and `split` bounds both parts of the path.
        if let Some(field) = header.get_mut(at..).and_then(|rest| rest.get_mut(..bytes.len())) {
            field.copy_from_slice(bytes);
        }
    };
    put(0, name.as_bytes());
    put(100, format!("{:07o}", entry.mode.bits()).as_bytes());
    put(108, b"0000000");
    put(116, b"0000000");
    put(124, &number(size));
    put(136, format!("{:011o}", entry.time.seconds()).as_bytes());
    put(148, b"        ");
    put(156, &[kind]);
    put(257, b"ustar\x0000");
    put(329, b"0000000");
    put(337, b"0000000");
    put(345, prefix.as_bytes());
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

/// A size in eleven octal digits and a zero; in base 256 from 8 GiB on, as GNU tar writes it.
fn number(size: u64) -> [u8; 12] {
    let mut field = [0; 12];
    if size < 1 << 33 {
        field[..11].copy_from_slice(format!("{size:011o}").as_bytes());
    } else {
        field[0] = 0x80;
        field[4..].copy_from_slice(&size.to_be_bytes());
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, size: u64) -> Entry<'_> {
        let time = Timestamp::parse("2026-11-22T00:00:00Z").unwrap();
        Entry { path, size, mode: EntryMode::Plain, time }
    }

    #[test]
    fn long_paths_are_split_at_the_first_slash_that_works() {
        let name = "n".repeat(100);
        let prefix = "p".repeat(155);
        assert_eq!(split(&name), Some(("", name.as_str())));
        let both = format!("{prefix}/{name}");
        assert_eq!(split(&both), Some((prefix.as_str(), name.as_str())));
        assert_eq!(split(&format!("x{both}")), None);
        assert_eq!(split(&"n".repeat(101)), None);
        assert_eq!(split(&format!("a/b/{}", "n".repeat(98))), Some(("a", &*format!("b/{}", "n".repeat(98)))));
    }

    #[test]
    fn pax_record_counts_its_own_length() {
        for length in 80..300 {
            let record = pax_path(&"x".repeat(length));
            let (count, _) = record.split_once(' ').unwrap();
            assert_eq!(count.parse::<usize>().unwrap(), record.len());
        }
    }

    #[test]
    fn header_is_one_record_or_three() {
        assert_eq!(header(&entry("a/b", 8)).len(), RECORD);
        assert_eq!(header(&entry(&"n".repeat(200), 8)).len(), 3 * RECORD);
        for length in [1, 100, 101, 200, 256, 400, 500] {
            let path = "n".repeat(length);
            assert_eq!(header_length(&path), wide(header(&entry(&path, 8)).len()));
        }
        assert_eq!(&header(&entry("a", (1 << 33) - 1))[124..136], b"77777777777\0");
        assert_eq!(&header(&entry("a", 1 << 33))[124..136], b"\x80\0\0\0\0\0\0\x02\0\0\0\0");
    }
}
