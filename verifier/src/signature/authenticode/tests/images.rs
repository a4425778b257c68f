// SPDX-License-Identifier: Apache-2.0
//! PE images.

use super::super::pages::Pages;
use super::super::pe::{read_image, recognise};
use super::super::spc::IndirectData;
use super::*;

const PE: usize = 0x80;
const OPTIONAL: usize = PE + 24;
/// PE32+: the directory entry of the certificate table.
const ENTRY: usize = OPTIONAL + 112 + 4 * 8;
const SECTIONS: usize = OPTIONAL + 240;
const HEADERS: usize = 512;

/// PE32+ with two sections of 512 and 5000 bytes, and a certificate table behind them.
fn image(table: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; HEADERS + 512 + 5000];
    for (place, byte) in bytes.iter_mut().enumerate().skip(HEADERS) {
        *byte = (place % 251) as u8;
    }
    put(&mut bytes, 0, b"MZ");
    put(&mut bytes, 60, &(PE as u32).to_le_bytes());
    put(&mut bytes, PE, b"PE\0\0");
    put(&mut bytes, PE + 6, &2_u16.to_le_bytes());
    put(&mut bytes, PE + 20, &240_u16.to_le_bytes());
    put(&mut bytes, OPTIONAL, &0x020b_u16.to_le_bytes());
    put(&mut bytes, OPTIONAL + 60, &(HEADERS as u32).to_le_bytes());
    put(&mut bytes, OPTIONAL + 108, &16_u32.to_le_bytes());
    for (place, (length, start)) in [(512_u32, 512_u32), (5000, 1024)].into_iter().enumerate() {
        put(&mut bytes, SECTIONS + place * 40 + 16, &length.to_le_bytes());
        put(&mut bytes, SECTIONS + place * 40 + 20, &start.to_le_bytes());
    }
    if !table.is_empty() {
        let at = bytes.len() as u32;
        put(&mut bytes, ENTRY, &at.to_le_bytes());
        put(&mut bytes, ENTRY + 4, &(table.len() as u32).to_le_bytes());
        bytes.extend_from_slice(table);
    }
    bytes
}

/// One entry, its length as given.
fn entry(content: &[u8], length: usize) -> Vec<u8> {
    let mut bytes = (length as u32).to_le_bytes().to_vec();
    bytes.extend_from_slice(&[0, 2, 2, 0]);
    bytes.extend_from_slice(content);
    bytes
}

fn malformed_image(bytes: &[u8]) -> String {
    refused(read_image(&bytes.to_vec()), Reason::FileMalformed)
}

#[test]
fn all_but_checksum_entry_and_table_is_covered() {
    let bytes = image(&entry(&[7; 16], 24));
    assert!(recognise(&bytes).unwrap());
    let read = read_image(&bytes).unwrap();
    let end = (HEADERS + 5512) as u64;
    assert_eq!(read.signatures, [vec![7; 16]]);
    let (checksum, entry) = ((OPTIONAL + 64) as u64, ENTRY as u64);
    assert_eq!(read.covered, [0..checksum, checksum + 4..entry, entry + 8..end]);
    assert_eq!(read.parts, [0..512, 512..1024, 1024..6024]);
}

#[test]
fn no_table_is_unsigned_whatever_the_sections() {
    let mut bytes = image(&[]);
    put(&mut bytes, SECTIONS + 16, &u32::MAX.to_le_bytes());
    assert!(read_image(&bytes).unwrap().signatures.is_empty());
    // Four directories: there is no room for the table's entry.
    put(&mut bytes, OPTIONAL + 108, &4_u32.to_le_bytes());
    assert!(read_image(&bytes).unwrap().signatures.is_empty());
}

#[test]
fn the_table_ends_the_file() {
    let mut bytes = image(&entry(&[7; 16], 24));
    bytes.push(0);
    assert!(malformed_image(&bytes).contains("should end the file"));
    bytes.truncate(bytes.len() - 2);
    assert!(malformed_image(&bytes).contains("should end the file"));
}

#[test]
fn every_byte_of_the_table_is_an_entry_or_padding() {
    let two = [entry(&[7; 13], 21), vec![0; 3], entry(&[8; 16], 24)].concat();
    assert_eq!(read_image(&image(&two)).unwrap().signatures, [vec![7; 13], vec![8; 16]]);
    // The last needs no padding (EFI programs), and may have it.
    assert_eq!(read_image(&image(&entry(&[7; 13], 21))).unwrap().signatures, [vec![7; 13]]);
    let stuffed = [entry(&[7; 13], 21), vec![0, 1, 0]].concat();
    assert!(malformed_image(&image(&stuffed)).contains("other than zero"));
    let behind = [entry(&[7; 16], 24), vec![0; 8]].concat();
    assert!(malformed_image(&image(&behind)).contains("nobody reads"));
    for length in [0, 8, 25, u32::MAX as usize] {
        assert!(malformed_image(&image(&entry(&[7; 16], length))).contains("certificate entry"), "{length}");
    }
    let mut other = entry(&[7; 16], 24);
    other[6] = 1;
    assert!(malformed_image(&image(&other)).contains("nobody reads"));
}

#[test]
fn sections_lie_apart_within_the_image() {
    let good = image(&entry(&[7; 16], 24));
    for (at, value, what) in [
        (SECTIONS + 20, 1020_u32, "overlap"),
        (SECTIONS + 20, 256, "overlap"),
        (SECTIONS + 40 + 16, 5001, "image ends"),
        (OPTIONAL + 60, 300, "SizeOfHeaders"),
        (OPTIONAL + 60, 60_000, "SizeOfHeaders"),
        (OPTIONAL + 108, 17, "data directories"),
        (ENTRY, (HEADERS + 5508) as u32, "multiple of 8"),
        (ENTRY, 0, "without a place"),
        (ENTRY + 4, 0, "without a place"),
        (OPTIONAL, 0x0107, "unknown kind"),
        (60, 63, "MS-DOS"),
    ] {
        let mut bytes = good.clone();
        put(&mut bytes, at, &value.to_le_bytes());
        let note = malformed_image(&bytes);
        assert!(note.contains(what), "{note}");
    }
    // UPX: SizeOfHeaders reaches into the first section.
    let mut bytes = good;
    put(&mut bytes, OPTIONAL + 60, &600_u32.to_le_bytes());
    assert!(read_image(&bytes).is_ok());
}

#[test]
fn limits_hold() {
    let mut bytes = image(&entry(&[7; 16], 24));
    put(&mut bytes, PE + 6, &1001_u16.to_le_bytes());
    refused(read_image(&bytes), Reason::LimitExceeded);
    let many = entry(&[7; 8], 16).repeat(MAX_CERTIFICATE_ENTRIES + 1);
    refused(read_image(&image(&many)), Reason::LimitExceeded);
}

/// `SpcIndirectDataContent` of an image with page hashes by SHA-256.
fn indirect_data(table: &[u8]) -> Vec<u8> {
    fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = content.len() as u16;
        let [high, low] = length.to_be_bytes();
        match length {
            0..128 => [&[tag, low], content].concat(),
            128..256 => [&[tag, 0x81, low], content].concat(),
            _ => [&[tag, 0x82, high, low], content].concat(),
        }
    }
    fn id(last: &[u8]) -> Vec<u8> {
        let content = [&[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2], last].concat();
        [&[6, content.len() as u8], content.as_slice()].concat()
    }
    let hashes = tlv(0x30, &[id(&[3, 2]), tlv(0x31, &tlv(4, table))].concat());
    let class = [0xa6, 0xb5, 0x86, 0xd5, 0xb4, 0xa1, 0x24, 0x66, 0xae, 5, 0xa2, 0x17, 0xda, 0x8e, 0x60, 0xd6];
    let object = tlv(0xa1, &[[&[4, 16], class.as_slice()].concat(), tlv(4, &tlv(0x31, &hashes))].concat());
    let image = tlv(0x30, &[vec![3, 1, 0], tlv(0xa0, &object)].concat());
    let sha256 = [0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0];
    let digest = tlv(0x30, &[sha256.as_slice(), &[4, 32], &[9; 32]].concat());
    tlv(0x30, &[tlv(0x30, &[id(&[1, 15]), image].concat()), digest].concat())
}

/// The right table for [`image`]: each page padded to 4096 bytes, the headers without what is left out.
fn page_table(bytes: &[u8]) -> Vec<u8> {
    let headers: Vec<u8> = (0..512)
        .filter(|at| !(OPTIONAL + 64..OPTIONAL + 68).contains(at) && !(ENTRY..ENTRY + 8).contains(at))
        .map(|at| bytes[at])
        .collect();
    let mut table = Vec::new();
    let pages = [
        (0_u32, headers, 4096 - 512),
        (512, bytes[512..1024].to_vec(), 4096 - 512),
        (1024, bytes[1024..5120].to_vec(), 0),
        (5120, bytes[5120..6024].to_vec(), 4096 - 904),
    ];
    for (at, mut page, padding) in pages {
        page.resize(page.len() + padding, 0);
        table.extend_from_slice(&at.to_le_bytes());
        table.extend_from_slice(crate::hash::sha256::digest(&page).as_bytes());
    }
    table.extend_from_slice(&6024_u32.to_le_bytes());
    table.extend_from_slice(&[0; 32]);
    table
}

fn agrees(bytes: &[u8], table: &[u8]) -> bool {
    let says = IndirectData::from_der(&indirect_data(table)).unwrap();
    let image = read_image(&bytes.to_vec()).unwrap();
    let pages = Pages::new(says.pages.unwrap(), &image.parts);
    let digests = flat(&bytes.to_vec(), &image.covered, Hashes::new(&[], vec![Some(pages)])).unwrap();
    digests.pages[0].as_ref().unwrap().agree()
}

#[test]
fn page_hashes_are_compared() {
    let bytes = image(&entry(&[7; 16], 24));
    let table = page_table(&bytes);
    assert!(agrees(&bytes, &table));
    for at in [4, 36 + 5, 2 * 36 + 35, 3 * 36 + 4, 4 * 36, 4 * 36 + 10] {
        let mut other = table.clone();
        other[at] ^= 1;
        assert!(!agrees(&bytes, &other), "{at}");
    }
    for at in [2, HEADERS, 1024, 5120, 6023] {
        let mut other = bytes.clone();
        other[at] ^= 1;
        assert!(!agrees(&other, &table), "{at}");
    }
    // The end as older tools write it, and others.
    for (end, right) in [(5120 + 4096_u32, true), (5120 + 4095, false), (6023, false), (0, false)] {
        let mut other = table.clone();
        other[4 * 36..4 * 36 + 4].copy_from_slice(&end.to_le_bytes());
        assert_eq!(agrees(&bytes, &other), right, "{end}");
    }
    // A page left out, a page too many, half an entry.
    assert!(!agrees(&bytes, &[&table[..72], &table[108..]].concat()));
    assert!(!agrees(&bytes, &[&table[..], &table[144..]].concat()));
    assert!(!agrees(&bytes, &table[..table.len() - 1]));
    assert!(!agrees(&bytes, &[]));
}
