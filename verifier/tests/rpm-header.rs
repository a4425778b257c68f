// SPDX-License-Identifier: Apache-2.0
//! Rules of RPM headers that no package in the world shows: each header here is made by hand, with one fault.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use verifier::signature::Stop;
use verifier::signature::rpm::header::{Extent, Header, INTRODUCTION, MAGIC, MAX_DATA_BYTES, Role};

/// Tag, type, offset, count.
type Entry = (u32, u32, u32, u32);

fn entry((tag, kind, offset, count): Entry) -> Vec<u8> {
    [tag, kind, offset, count].iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn header(entries: &[Entry], data: &[u8]) -> Vec<u8> {
    let counts = [entries.len(), data.len()].map(|count| u32::try_from(count).unwrap().to_be_bytes());
    let entries: Vec<u8> = entries.iter().flat_map(|one| entry(*one)).collect();
    [&MAGIC[..], &counts.concat(), &entries, data].concat()
}

/// The same within a region over everything.
fn region(entries: &[Entry], data: &[u8]) -> Vec<u8> {
    let end = u32::try_from(data.len()).unwrap();
    let count = u32::try_from(entries.len() + 1).unwrap();
    let trailer = entry((63, 7, (count * 16).wrapping_neg(), 16));
    header(&[&[(63, 7, end, 16)], entries].concat(), &[data, &trailer].concat())
}

fn read(role: Role, bytes: &[u8]) -> Result<Header, String> {
    let introduction: &[u8; INTRODUCTION] = bytes.first_chunk().unwrap();
    let extent = Extent::read(role, introduction).map_err(note)?;
    assert_eq!(extent.length(), bytes.len());
    Header::new(role, extent, bytes.to_vec()).map_err(note)
}

fn note(stop: Stop) -> String {
    match stop {
        Stop::Found(reason, note) => format!("{}: {note}", reason.as_str()),
        Stop::Read(error) => panic!("{error}"),
    }
}

fn refused(bytes: &[u8]) -> String {
    read(Role::Package, bytes).unwrap_err()
}

#[test]
fn values_are_found_by_tag_and_type() {
    let data = b"name\0\0\0\0\0\0\0\x07one\0two\0\x01\x02";
    let entries = [(1000, 6, 0, 1), (1003, 4, 8, 1), (5092, 8, 12, 2), (1100, 7, 20, 2)];
    for bytes in [header(&entries, data), region(&entries, data)] {
        let header = read(Role::Package, &bytes).unwrap();
        assert_eq!(header.text(1000), Some(&b"name"[..]));
        assert_eq!(header.integer(1003), Some(7));
        assert_eq!(header.texts(5092).unwrap().collect::<Vec<_>>(), [&b"one"[..], b"two"]);
        assert_eq!(header.text(5092), None, "two are not one");
        assert_eq!(header.binary(1100), Some(&b"\x01\x02"[..]));
        assert_eq!((header.text(1003), header.integer(1000), header.binary(1000)), (None, None, None));
        assert!(header.has(1003) && !header.has(1004));
        assert_eq!(header.blob(), bytes);
    }
}

#[test]
fn entries_must_be_sound() {
    for (fault, entry) in [
        ("unknown type", (1000, 0, 0, 1)),
        ("unknown type", (1000, 10, 0, 1)),
        ("holds nothing", (1000, 7, 0, 0)),
        ("goes beyond", (1000, 7, 0, 9)),
        ("goes beyond", (1000, 7, 9, 1)),
        ("goes beyond", (1000, 7, u32::MAX, 1)),
        ("goes beyond", (1000, 7, 1, u32::MAX)),
        ("goes beyond", (1000, 5, 0, u32::MAX)),
        ("not aligned", (1000, 4, 2, 1)),
        ("not aligned", (1000, 3, 1, 1)),
        ("not aligned", (1000, 5, 4, 1)),
        ("several texts", (1000, 6, 0, 2)),
        ("goes beyond", (1000, 6, 4, 1)),
        ("goes beyond", (1000, 8, 0, 3)),
        ("goes beyond", (1000, 8, 99, 1)),
    ] {
        let found = refused(&header(&[entry], b"a\0b\0cdef"));
        assert!(found.contains(fault) && found.starts_with("file-malformed"), "{entry:?}: {found}");
    }
}

#[test]
fn tags_and_data_are_nobody_elses() {
    assert!(
        refused(&header(&[(1, 7, 0, 1), (2, 7, 1, 1), (1, 7, 2, 1)], b"abc")).contains("tag 1 occurs twice")
    );
    assert!(refused(&header(&[(1, 7, 0, 2), (2, 7, 1, 1)], b"abc")).contains("share data"));
    assert!(refused(&header(&[(1, 7, 0, 3), (2, 7, 0, 1)], b"abc")).contains("shares data"));
    let started = std::time::Instant::now();
    let many: Vec<Entry> = (1000..60_000).map(|tag| (tag, 8, 0, 1)).collect();
    let mut data = vec![b'x'; 16 * 1024 * 1024];
    data.push(0);
    assert!(refused(&header(&many, &data)).contains("shares data"));
    assert!(started.elapsed().as_secs() < 10, "each byte is searched once");
    // In any order.
    assert!(refused(&header(&[(2, 7, 1, 1), (1, 7, 0, 2)], b"abc")).contains("share data"));
    assert!(read(Role::Package, &header(&[(2, 7, 1, 1), (1, 7, 0, 1)], b"ab")).is_ok());
}

#[test]
fn sizes_are_refused_before_anything_is_allocated() {
    let with = |entries: u32, data: u32| {
        let bytes = [&MAGIC[..], &entries.to_be_bytes(), &data.to_be_bytes()].concat();
        let introduction: &[u8; INTRODUCTION] = bytes.first_chunk().unwrap();
        Extent::read(Role::Package, introduction).map(|extent| extent.length()).map_err(note)
    };
    assert!(with(0, 0).unwrap_err().contains("no entries"));
    assert!(with(u32::MAX, 0).unwrap_err().starts_with("file-malformed"));
    assert!(with(1, u32::MAX).unwrap_err().starts_with("file-malformed"));
    assert!(with(1, MAX_DATA_BYTES + 1).unwrap_err().starts_with("limit-exceeded"));
    assert_eq!(with(1, MAX_DATA_BYTES), Ok(32 + 32 * 1024 * 1024));
    let mut bytes = header(&[(1, 7, 0, 1)], b"a");
    bytes[7] = 1;
    assert!(
        Extent::read(Role::Package, bytes.first_chunk().unwrap())
            .map_err(note)
            .unwrap_err()
            .contains("magic")
    );
}

#[test]
fn nothing_lies_outside_the_region() {
    let good = region(&[(1000, 6, 0, 1)], b"a\0");
    assert!(read(Role::Package, &good).is_ok());
    let trailer = good.len() - 16;
    let with = |at: usize, bytes: &[u8]| {
        let mut changed = good.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        refused(&changed)
    };
    assert!(with(trailer, &62_u32.to_be_bytes()).contains("trailer"));
    assert!(with(trailer + 4, &6_u32.to_be_bytes()).contains("trailer"));
    assert!(with(trailer + 8, &32_u32.to_be_bytes()).contains("larger"), "a positive offset");
    assert!(with(trailer + 8, &8_u32.wrapping_neg().to_be_bytes()).contains("trailer"));
    assert!(with(trailer + 8, &0_u32.to_be_bytes()).contains("larger"));
    assert!(with(trailer + 8, &48_u32.wrapping_neg().to_be_bytes()).contains("larger"));
    assert!(with(trailer + 12, &15_u32.to_be_bytes()).contains("trailer"));
    // An entry more than the region has, and data behind it.
    assert!(with(trailer + 8, &16_u32.wrapping_neg().to_be_bytes()).contains("outside the region"));
    let trailer = entry((63, 7, 32_u32.wrapping_neg(), 16));
    let behind = header(&[(63, 7, 0, 16), (1000, 6, 16, 1)], &[&trailer[..], b"a\0"].concat());
    assert!(refused(&behind).contains("outside the region"));
    // A signature header may have such, as rpm reads them: nothing in it is signed anyway.
    let trailer = entry((62, 7, 16_u32.wrapping_neg(), 16));
    let behind = header(&[(62, 7, 0, 16), (1000, 4, 16, 1)], &[&trailer[..], &[0; 4]].concat());
    assert!(read(Role::Signature, &behind).is_ok());
    assert!(refused(&behind).contains("no sound region"));
}

#[test]
fn a_region_is_the_first_entry_and_one() {
    let trailer = entry((63, 7, 16_u32.wrapping_neg(), 16));
    let second = header(&[(1000, 7, 16, 1), (63, 7, 0, 16)], &[&trailer[..], b"a"].concat());
    assert!(refused(&second).contains("not the first"));
    assert!(refused(&header(&[(63, 6, 0, 1)], b"a\0")).contains("no sound region"));
    assert!(refused(&header(&[(63, 7, 0, 15)], &trailer)).contains("no sound region"));
    assert!(refused(&header(&[(61, 7, 0, 16)], &trailer)).contains("no sound region"));
}
