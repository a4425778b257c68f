// SPDX-License-Identifier: Apache-2.0
//! Windows Installer packages: a compound file in; what its table `Property` and its summary say, out.
//!
//! Tables are streams of the root whose names are packed, two letters in one code unit; texts stand in a pool of
//! their own, and a table holds their numbers, column after column. Microsoft documents what tables mean, not how
//! they are stored; Wine (`dlls/msi/string.c`, `table.c`) and the crate `msi` agree on what is used here. The
//! summary is a property set (MS-OLEPS 2.21). The compound file is read by the verifier's own reader.

use manifests::time::Timestamp;
use verifier::bytes::Bytes;
use verifier::signature::Stop;
use verifier::signature::authenticode::root_streams;

use super::fields::{Fields, Order, index, unreadable};
use super::{Facts, Inside, claim};

/// A stream that is read: the texts of large installers have a few MiB.
pub const MAX_TABLE_BYTES: u64 = 16 * 1024 * 1024;

const SUMMARY: &str = "\u{5}SummaryInformation";
/// `PIDSI_TEMPLATE`: platforms, a semicolon, languages.
const TEMPLATE: u32 = 7;
/// `PIDSI_CREATE_DTM`.
const CREATED: u32 = 12;
/// Properties of a summary: there are nineteen.
const MAX_PROPERTIES: u32 = 64;
/// `VT_LPSTR`, `VT_FILETIME`.
const TEXT: u32 = 0x1e;
const FILE_TIME: u32 = 0x40;
/// From 1601 to 1970, in seconds.
const EPOCHS_APART: u64 = 11_644_473_600;

pub(super) fn read(file: &dyn Bytes) -> Result<Option<Inside>, Stop> {
    let tables = ["_StringPool", "_StringData", "Property"].map(packed);
    let [pool, data, table] = &tables;
    let streams = root_streams(file, &[pool.as_str(), data, table, SUMMARY], MAX_TABLE_BYTES)?;
    let Ok([Some(pool), Some(data), Some(table), summary]) = <[_; 4]>::try_from(streams) else {
        return Err(unreadable());
    };
    let wanted = ["ProductName", "ProductVersion", "ProductCode"];
    let [name, version, product_code] = properties(&Pool::read(&pool, &data)?, &table, wanted)?;
    let (arch, made_at) = match summary {
        // What it says beside the table is worth having; its absence takes nothing away.
        Some(summary) => summary_of(&summary).unwrap_or_default(),
        None => (None, None),
    };
    let facts = Facts { name, version, arch, made_at, product_code, ..Facts::default() };
    Ok(Inside::new(facts, Vec::new()))
}

/// A table's name as its stream has it.
fn packed(table: &str) -> String {
    const LETTERS: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._";
    let number = |letter: &u8| {
        LETTERS.iter().position(|known| known == letter).and_then(|at| u32::try_from(at).ok()).unwrap_or(0)
    };
    let mut name = String::from('\u{4840}');
    for pair in table.as_bytes().chunks(2) {
        let unit = match pair {
            [one, two] => number(two).saturating_mul(64).saturating_add(number(one)).saturating_add(0x3800),
            [one] => number(one).saturating_add(0x4800),
            _ => continue,
        };
        name.extend(char::from_u32(unit));
    }
    name
}

/// The texts of all tables.
struct Pool<'a> {
    /// By their number; those that nothing uses are empty.
    texts: Vec<&'a [u8]>,
    /// Bytes of a text's number in a table.
    width: usize,
    code_page: u32,
}

impl<'a> Pool<'a> {
    /// The first four bytes are the code page, and a bit for numbers of three bytes; then for each text length
    /// and number of uses. A length that does not fit stands in the entry that follows.
    fn read(pool: &[u8], data: &'a [u8]) -> Result<Self, Stop> {
        let fields = Fields::new(pool, Order::Little);
        let first = fields.u32(0)?;
        // Nobody has number 0.
        let mut texts: Vec<&[u8]> = vec![&[]];
        let (mut rest, mut at) = (data, 4_usize);
        while at < pool.len() {
            let (length, uses) = (fields.u16(at)?, fields.u16(at.saturating_add(2))?);
            at = at.saturating_add(4);
            let length = if length == 0 && uses > 0 {
                at = at.saturating_add(4);
                index(fields.u32(at.saturating_sub(4))?)
            } else {
                usize::from(length)
            };
            let (text, after) = rest.split_at_checked(length).ok_or_else(unreadable)?;
            texts.push(text);
            rest = after;
        }
        let width = if first & 0x8000_0000 == 0 { 2 } else { 3 };
        Ok(Self { texts, width, code_page: first & 0x7fff_ffff })
    }

    fn text(&self, number: &[u8]) -> Result<&'a [u8], Stop> {
        let number =
            number.iter().rev().fold(0_usize, |sum, byte| sum.saturating_mul(256) | usize::from(*byte));
        self.texts.get(number).copied().ok_or_else(unreadable)
    }

    /// UTF-8, or what Latin-1 and Windows' code page 1252 have in common.
    fn decoded(&self, text: &[u8]) -> Option<String> {
        const WINDOWS_1252: u32 = 1252;
        match std::str::from_utf8(text) {
            Ok(text) => Some(text.to_owned()),
            Err(_) if self.code_page == WINDOWS_1252 => {
                let common = !text.iter().any(|byte| matches!(byte, 0x80..=0x9f));
                common.then(|| text.iter().copied().map(char::from).collect())
            }
            Err(_) => None,
        }
    }
}

/// The values of some properties. The table has two columns of texts, `Property` and `Value`.
fn properties<const N: usize>(
    pool: &Pool<'_>,
    table: &[u8],
    wanted: [&str; N],
) -> Result<[Option<String>; N], Stop> {
    let half = table.len().checked_div(2).unwrap_or(0);
    let (names, values) = table.split_at_checked(half).ok_or_else(unreadable)?;
    if names.len() != values.len() || !half.is_multiple_of(pool.width) {
        return Err(unreadable());
    }
    let mut found = [const { None }; N];
    for (name, value) in names.chunks(pool.width).zip(values.chunks(pool.width)) {
        let name = pool.text(name)?;
        for (wanted, found) in wanted.iter().zip(&mut found) {
            if name == wanted.as_bytes() {
                *found = pool.decoded(pool.text(value)?).and_then(claim);
            }
        }
    }
    Ok(found)
}

/// Platform and time of creation.
fn summary_of(set: &[u8]) -> Result<(Option<String>, Option<Timestamp>), Stop> {
    let fields = Fields::new(set, Order::Little);
    // Byte order, version, system, class, number of sets, format of the first, its place (MS-OLEPS 2.21).
    if fields.u16(0)? != 0xfffe {
        return Err(unreadable());
    }
    let section = index(fields.u32(44)?);
    let section = Fields::new(set.get(section..).ok_or_else(unreadable)?, Order::Little);
    let count = section.u32(4)?.min(MAX_PROPERTIES);
    let (mut arch, mut created) = (None, None);
    for number in 0..index(count) {
        let at = number.saturating_mul(8).saturating_add(8);
        let (property, value) = (section.u32(at)?, index(section.u32(at.saturating_add(4))?));
        let (kind, content) = (section.u32(value)?, value.saturating_add(4));
        match (property, kind) {
            (TEMPLATE, TEXT) => {
                let length = index(section.u32(content)?);
                let text = section.bytes(content.saturating_add(4), length)?;
                let text = text.split(|byte| matches!(byte, 0 | b';')).next().unwrap_or_default();
                arch = super::claim_of(text);
            }
            // 100 nanoseconds each.
            (CREATED, FILE_TIME) => {
                let seconds = section.u64(content)?.checked_div(10_000_000);
                let seconds = seconds.and_then(|seconds| seconds.checked_sub(EPOCHS_APART));
                created = seconds.and_then(Timestamp::from_seconds);
            }
            _ => {}
        }
    }
    Ok((arch, created))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn names_are_packed_as_windows_installer_does() {
        assert_eq!(packed("Property"), "\u{4840}\u{4559}\u{44f2}\u{4568}\u{4737}");
        assert_eq!(packed("_StringPool"), "\u{4840}\u{3f3f}\u{4577}\u{446c}\u{3e6a}\u{44b2}\u{482f}");
    }

    #[test]
    fn texts_of_every_width_and_length_are_found() {
        let long = vec![b'x'; 70_000];
        let mut data = b"ProductName\xc4pfel".to_vec();
        data.extend_from_slice(&long);
        // Name, an unused number, value, a long text.
        let mut pool = vec![0xe4, 0x04, 0, 0, 11, 0, 1, 0, 0, 0, 0, 0, 5, 0, 1, 0, 0, 0, 1, 0];
        pool.extend_from_slice(&70_000_u32.to_le_bytes());
        let read = Pool::read(&pool, &data).unwrap();
        assert_eq!(read.texts[4], long);
        let [name] = properties(&read, &[1, 0, 3, 0], ["ProductName"]).unwrap();
        assert_eq!(name.unwrap(), "\u{c4}pfel");
        pool[3] = 0x80;
        let read = Pool::read(&pool, &data).unwrap();
        let [name] = properties(&read, &[1, 0, 0, 3, 0, 0], ["ProductName"]).unwrap();
        assert_eq!(name.unwrap(), "\u{c4}pfel");
        for table in [&[1, 0, 0, 9, 0, 0][..], &[1, 0, 0], &[1, 0, 0, 3]] {
            assert!(properties(&read, table, ["ProductName"]).is_err(), "{table:?}");
        }
        assert!(Pool::read(&pool, &data[..20]).is_err());
        assert!(Pool::read(&pool[..6], &data).is_err());
    }
}
