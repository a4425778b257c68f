// SPDX-License-Identifier: Apache-2.0
//! Compound files.

use super::super::msi::{Installer, recognise};
use super::*;
use crate::signature::digest::Algorithm;

const SECTOR: usize = 512;
const END: u32 = 0xffff_fffe;
const NONE: u32 = 0xffff_ffff;
/// Where the parts lie: the allocation table, four sectors of directory, the mini allocation table, two
/// sectors of mini stream, then the long stream of ten sectors.
const FAT: usize = SECTOR;
const DIRECTORY: usize = 2 * SECTOR;
const MINI_FAT: usize = 6 * SECTOR;
const LONG: u32 = 8;
const LAST: usize = SECTOR * (1 + LONG as usize + 10);

fn entry(bytes: &mut [u8], number: usize, name: &str, kind: u8, links: [u32; 3], start: u32, length: u32) {
    let at = DIRECTORY + number * 128;
    let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    put(bytes, at, &units);
    put(bytes, at + 64, &(units.len() as u16 + 2).to_le_bytes());
    bytes[at + 66] = kind;
    for (place, link) in links.into_iter().enumerate() {
        put(bytes, at + 68 + place * 4, &link.to_le_bytes());
    }
    put(bytes, at + 80, &[number as u8; 16]);
    put(bytes, at + 96, &[number as u8 ^ 0xff; 20]);
    put(bytes, at + 116, &start.to_le_bytes());
    put(bytes, at + 120, &length.to_le_bytes());
}

fn link(bytes: &mut [u8], table: usize, place: u32, next: u32) {
    put(bytes, table + place as usize * 4, &next.to_le_bytes());
}

/// Version 3. Root: `b` (short), `ba` (long, 5000 bytes), the signature, a storage `dir` with `b` (short).
fn compound() -> Vec<u8> {
    let mut bytes = vec![0; LAST];
    put(&mut bytes, 0, &[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]);
    put(&mut bytes, 26, &[3, 0, 0xfe, 0xff, 9, 0, 6, 0]);
    put(&mut bytes, 44, &1_u32.to_le_bytes());
    put(&mut bytes, 48, &1_u32.to_le_bytes());
    put(&mut bytes, 56, &4096_u32.to_le_bytes());
    put(&mut bytes, 60, &5_u32.to_le_bytes());
    put(&mut bytes, 64, &1_u32.to_le_bytes());
    put(&mut bytes, 68, &END.to_le_bytes());
    bytes[76..512].fill(0xff);
    put(&mut bytes, 76, &0_u32.to_le_bytes());
    bytes[FAT..FAT + SECTOR].fill(0xff);
    bytes[MINI_FAT..MINI_FAT + SECTOR].fill(0xff);
    link(&mut bytes, FAT, 0, 0xffff_fffd);
    for (from, to) in [(1, 2), (2, 3), (3, 4), (4, END), (5, END), (6, 7), (7, END)] {
        link(&mut bytes, FAT, from, to);
    }
    for sector in LONG..LONG + 10 {
        link(&mut bytes, FAT, sector, if sector == LONG + 9 { END } else { sector + 1 });
    }
    for (from, to) in [(0, 1), (1, END), (2, END), (3, 4), (4, END)] {
        link(&mut bytes, MINI_FAT, from, to);
    }
    entry(&mut bytes, 0, "Root Entry", 5, [NONE, NONE, 3], 6, 10 * 64);
    entry(&mut bytes, 1, "b", 2, [NONE, NONE, NONE], 0, 100);
    entry(&mut bytes, 2, "ba", 2, [1, NONE, NONE], LONG, 5000);
    entry(&mut bytes, 3, "dir", 1, [2, 4, 5], 0, 0);
    entry(&mut bytes, 4, "\u{5}DigitalSignature", 2, [NONE, NONE, NONE], 3, 70);
    entry(&mut bytes, 5, "b", 2, [NONE, NONE, NONE], 2, 3);
    for (place, byte) in bytes.iter_mut().enumerate().skip(7 * SECTOR) {
        *byte = (place % 253) as u8;
    }
    bytes
}

fn digest_of(bytes: &Vec<u8>) -> (Vec<u8>, Vec<String>) {
    let mut installer = Installer::read(bytes).unwrap();
    let mut hashes = Hashes::new(&[Algorithm::Sha1], Vec::new());
    let open = installer.hash(&mut hashes).unwrap();
    let digests = hashes.finish();
    assert_eq!(digests.by(Algorithm::Sha256).unwrap(), digests.sha256.as_bytes());
    assert_eq!(digests.by(Algorithm::Sha1).unwrap().len(), 20);
    (digests.sha256.as_bytes().to_vec(), open)
}

fn malformed_file(bytes: &Vec<u8>) -> String {
    let answer =
        Installer::read(bytes).and_then(|mut installer| installer.hash(&mut Hashes::new(&[], Vec::new())));
    refused(answer, Reason::FileMalformed)
}

#[test]
fn streams_in_the_order_of_their_names_then_class_ids() {
    let bytes = compound();
    assert!(recognise(&bytes).unwrap());
    let mini = 7 * SECTOR;
    let long = (1 + LONG as usize) * SECTOR;
    let mut expected = bytes[mini..mini + 100].to_vec();
    expected.extend_from_slice(&bytes[long..long + 5000]);
    expected.extend_from_slice(&bytes[mini + 128..mini + 131]);
    expected.extend_from_slice(&[3; 16]);
    expected.extend_from_slice(&[0; 16]);
    let (digest, open) = digest_of(&bytes);
    assert_eq!(digest, crate::hash::sha256::digest(&expected).as_bytes());
    assert_eq!(open.len(), 2, "{open:?}");
    let installer = Installer::read(&bytes).unwrap();
    assert_eq!(installer.signature.unwrap(), bytes[mini + 192..mini + 262]);
    assert_eq!(installer.extended, None);
}

#[test]
fn metadata_are_names_lengths_states_and_times() {
    let bytes = compound();
    let name = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let rest = |number: u8| vec![number ^ 0xff; 20];
    let expected = [
        vec![0; 16],
        vec![0xff; 4],
        name("b"),
        100_u32.to_le_bytes().to_vec(),
        rest(1),
        name("ba"),
        5000_u32.to_le_bytes().to_vec(),
        rest(2),
        name("dir"),
        vec![3; 16],
        rest(3),
        name("b"),
        3_u32.to_le_bytes().to_vec(),
        rest(5),
    ]
    .concat();
    let installer = Installer::read(&bytes).unwrap();
    assert_eq!(installer.metadata(Algorithm::Sha256).unwrap(), Algorithm::Sha256.digest(&expected));
}

#[test]
fn a_sector_has_one_owner() {
    for (table, from, to, what) in [
        // A cycle; a chain that runs into another; one that is too short, too long, and beyond the table.
        (FAT, LONG + 9, LONG, "belongs to something else"),
        (FAT, LONG + 9, LONG + 10, "longer than it"),
        (FAT, LONG + 3, LONG + 3, "belongs to something else"),
        (FAT, LONG + 9, 6, "belongs to something else"),
        (FAT, LONG + 4, 6, "belongs to something else"),
        (FAT, LONG + 8, END, "ends"),
        (FAT, LONG + 5, 1000, "is none"),
        (FAT, 4, 1, "belongs to something else"),
        (FAT, 5, 1, "belongs to something else"),
        (FAT, 6, END, "mini stream has 1"),
        (MINI_FAT, 1, 0, "belongs to something else"),
        (MINI_FAT, 1, 5, "longer than it"),
        (MINI_FAT, 0, END, "ends"),
        (MINI_FAT, 0, 2, "belongs to something else"),
        (MINI_FAT, 0, 11, "outside the mini stream"),
    ] {
        let mut bytes = compound();
        link(&mut bytes, table, from, to);
        let found = Installer::read(&bytes)
            .and_then(|mut installer| installer.hash(&mut Hashes::new(&[], Vec::new())).map(|_| ()));
        let note = refused(found, Reason::FileMalformed);
        assert!(note.contains(what), "{from} to {to}: {note}");
    }
}

#[test]
fn the_header_is_of_one_of_two_forms() {
    for (at, value) in [(26, 4_u8), (28, 0), (30, 12), (32, 7), (57, 0), (0, 0), (44, 2), (44, 0), (76, 200)]
    {
        let mut bytes = compound();
        bytes[at] = value;
        refused(Installer::read(&bytes).map(|_| ()), Reason::FileMalformed);
    }
    let mut bytes = compound();
    put(&mut bytes, 44, &u32::MAX.to_le_bytes());
    refused(Installer::read(&bytes).map(|_| ()), Reason::LimitExceeded);
    // A chain of further tables that leads to itself ends.
    let mut bytes = compound();
    put(&mut bytes, 44, &5_u32.to_le_bytes());
    put(&mut bytes, 68, &9_u32.to_le_bytes());
    refused(Installer::read(&bytes).map(|_| ()), Reason::FileMalformed);
}

#[test]
fn the_directory_is_one_tree_in_order() {
    let field = |number: usize, at: usize| DIRECTORY + number * 128 + at;
    for (at, value, what) in [
        (field(2, 68), &[3, 0, 0, 0][..], "two places"),
        (field(5, 72), &[4, 0, 0, 0], "two places"),
        (field(5, 72), &[77, 0, 0, 0], "does not exist"),
        (field(2, 68), &[0xff; 4], "no storage holds"),
        (field(0, 76), &[0xff; 4], "no storage holds"),
        (field(1, 76), &[5, 0, 0, 0], "children"),
        (field(2, 66), &[3], "kind 3"),
        (field(2, 66), &[5], "within a storage"),
        (field(0, 66), &[1], "begin with the root"),
        (field(2, 64), &[5], "proper name"),
        (field(2, 64), &[8], "proper name"),
        (field(2, 64), &[66], "proper name"),
        (field(2, 64), &[0], "proper name"),
        (field(2, 0), &[0], "proper name"),
        (field(2, 4), &[0x61], "proper name"),
    ] {
        let mut bytes = compound();
        put(&mut bytes, at, value);
        let note = malformed_file(&bytes);
        assert!(note.contains(what), "{at}: {note}");
    }
    // The same name twice but for case; left and right exchanged.
    let mut bytes = compound();
    entry(&mut bytes, 2, "B", 2, [1, NONE, NONE], LONG, 5000);
    bytes[field(2, 2)..field(2, 64)].fill(0);
    assert!(malformed_file(&bytes).contains("not in order"));
    let mut bytes = compound();
    entry(&mut bytes, 3, "dir", 1, [4, 2, 5], 0, 0);
    assert!(malformed_file(&bytes).contains("not in order"));
}

#[test]
fn bytes_behind_the_last_stream_are_refused_unless_zero() {
    let mut bytes = compound();
    let good = digest_of(&bytes).0;
    bytes.extend_from_slice(&[0; 700]);
    let (digest, open) = digest_of(&bytes);
    assert_eq!(digest, good);
    assert!(open.contains(&"700 zero bytes at the end".to_owned()), "{open:?}");
    bytes[LAST + 650] = 1;
    assert!(malformed_file(&bytes).contains("after the last sector"));
    // A file that ends within its last sector has all of its streams.
    let mut bytes = compound();
    bytes.truncate(LAST - 100);
    assert_eq!(digest_of(&bytes).0, good);
    bytes.truncate(LAST - SECTOR);
    assert!(malformed_file(&bytes).contains("the file has"));
}

#[test]
fn sectors_without_an_owner_are_told() {
    let mut bytes = compound();
    // The long stream without its tenth sector, which something else has.
    bytes.extend_from_slice(&[9; SECTOR]);
    link(&mut bytes, FAT, LONG + 8, LONG + 10);
    link(&mut bytes, FAT, LONG + 9, NONE);
    link(&mut bytes, FAT, LONG + 10, END);
    let (_, open) = digest_of(&bytes);
    assert!(open.contains(&"1 sectors that no stream uses".to_owned()), "{open:?}");
}

#[test]
fn a_signature_is_a_stream_of_the_root() {
    let mut bytes = compound();
    bytes[DIRECTORY + 4 * 128 + 66] = 1;
    assert!(refused(Installer::read(&bytes).map(|_| ()), Reason::FileMalformed).contains("storage"));
    // The same name one level down is a stream like any other.
    let mut bytes = compound();
    entry(&mut bytes, 3, "dir", 1, [2, NONE, 4], 0, 0);
    entry(&mut bytes, 4, "\u{5}DigitalSignature", 2, [5, NONE, NONE], 3, 70);
    assert_eq!(Installer::read(&bytes).unwrap().signature, None);
}
