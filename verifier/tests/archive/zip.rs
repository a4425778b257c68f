// SPDX-License-Identifier: Apache-2.0
//! Rules of zip that are told by single bytes.

use verifier::unpack::zip::Archive;
use verifier::unpack::{Bound, EntryKind, FREE_EXPANSION, Rule};

use super::zip_writer::{Descriptor, File, crc, deflate, extra, file, link, zip};
use super::{read_zip, rule};

fn verdict(bytes: &[u8]) -> Result<(), Rule> {
    read_zip(bytes).map(|_| ()).map_err(rule)
}

fn of(files: &[File]) -> Result<(), Rule> {
    verdict(&zip(files, b"").bytes)
}

fn two() -> [File; 2] {
    [file("a.txt", b"first"), File { deflated: false, ..file("dir/b.txt", b"second") }]
}

#[test]
fn an_honest_one_is_read_to_the_byte() {
    let entries =
        read_zip(&zip(&[&two()[..], &[link("l", "dir/b.txt")]].concat(), b"comment").bytes).unwrap();
    assert_eq!(entries.len(), 3);
    assert_eq!((&*entries[0].0.path, entries[0].0.size, &entries[0].1[..]), ("a.txt", 5, &b"first"[..]));
    assert_eq!(
        (&*entries[1].0.path, entries[1].0.mode, &entries[1].1[..]),
        ("dir/b.txt", Some(0o644), &b"second"[..])
    );
    assert_eq!(entries[2].0.kind, EntryKind::Symlink("dir/b.txt".into()));
    assert_eq!(of(&[]), Ok(()));
}

#[test]
fn both_headers_say_the_same() {
    let zip = zip(&two(), b"");
    // Flags, method, time, date, CRC, sizes, name: in the local header, then in the central one.
    for (header, offsets) in [
        (zip.locals[0], vec![7, 8, 10, 12, 14, 18, 22, 30]),
        (zip.centrals[0], vec![9, 10, 12, 14, 16, 20, 24, 46]),
    ] {
        for at in offsets {
            let changed = [zip.bytes[header + at] ^ 8];
            let found = verdict(&zip.with(header + at, &changed)).unwrap_err();
            assert!(
                matches!(
                    found,
                    Rule::Contradiction | Rule::Checksum | Rule::Method | Rule::Unowned | Rule::Structure
                ),
                "{at}: {found:?}"
            );
        }
    }
    // Attributes, and what the writer was, are in the central directory alone.
    assert_eq!(verdict(&zip.with(zip.centrals[0] + 4, &[63])), Ok(()));
}

#[test]
fn every_byte_has_one_owner() {
    let plain = zip(&two(), b"xy");
    let [first, second] = [plain.locals[0], plain.locals[1]];
    assert_eq!(verdict(&[b"#!".to_vec(), plain.bytes.clone()].concat()), Err(Rule::Unowned));
    assert_eq!(verdict(&[plain.bytes.clone(), b"z".to_vec()].concat()), Err(Rule::Unowned));
    assert_eq!(verdict(&plain.bytes[..plain.bytes.len() - 1]), Err(Rule::Unowned));
    let gap = File { after: b"hidden".to_vec(), ..file("a", b"") };
    assert_eq!(of(&[gap.clone(), file("b", b"")]), Err(Rule::Unowned));
    assert_eq!(of(&[file("b", b""), gap]), Err(Rule::Unowned));
    // Two entries, one local header.
    let shared = plain.with(plain.centrals[1] + 42, &u32::try_from(first).unwrap().to_le_bytes());
    assert!(verdict(&shared).is_err());
    assert_ne!(first, second);
    // The directory in another order than the file owns nothing else.
    let mut files = two();
    let forward = zip(&files, b"");
    files.reverse();
    assert_eq!(verdict(&forward.bytes), Ok(()));
    // Packed bytes that the stream does not use.
    let padded = File { packed: Some([deflate(b"first"), vec![0]].concat()), ..file("a", b"first") };
    assert_eq!(of(&[padded]), Err(Rule::Unowned));
    // One entry less than the directory holds, one more, and another size of it.
    for (at, value) in [(8, 1), (8, 3), (12, 0)] {
        let mut bytes = plain.with(plain.end + at, &[value]);
        if at == 8 {
            bytes[plain.end + 10] = value;
        }
        assert!(verdict(&bytes).is_err(), "{at} {value}");
    }
    // A second end record within the comment: readers from the back may stop at it.
    assert_eq!(verdict(&zip(&two(), &zip(&[], b"").bytes).bytes), Err(Rule::Unowned));
    assert_eq!(verdict(&zip(&two(), b"-PK\x05\x06-----------------------").bytes), Err(Rule::Unowned));
}

#[test]
fn data_descriptors_are_as_long_as_they_are_said_to_be() {
    let wide = extra(1, &[0; 16]);
    for (descriptor, local_extra, wanted) in [
        (Descriptor::Narrow, vec![], Ok(())),
        (Descriptor::NarrowSigned, vec![], Ok(())),
        (Descriptor::Wide, wide.clone(), Ok(())),
        (Descriptor::WideSigned, wide.clone(), Ok(())),
        // Whoever reads from the front would take sixteen bytes of the twenty-four, or more than there are.
        (Descriptor::WideSigned, vec![], Err(Rule::Contradiction)),
        (Descriptor::NarrowSigned, wide, Err(Rule::Contradiction)),
    ] {
        let streamed = File { descriptor, local_extra, ..file("a", b"content") };
        assert_eq!(of(&[streamed.clone(), file("b", b"")]), wanted, "{descriptor:?}");
        let honest = zip(&[streamed], b"");
        for at in honest.data[0].end..honest.directory {
            let changed = [honest.bytes[at] ^ 1];
            assert!(verdict(&honest.with(at, &changed)).is_err(), "{descriptor:?} {at}");
        }
    }
}

#[test]
fn zip64_values_stand_where_they_are_asked_for() {
    let sizes = |plain: u64, packed: u64| [plain.to_le_bytes(), packed.to_le_bytes()].concat();
    let stored = |local: &[u8], central: &[u8]| File {
        deflated: false,
        local_extra: local.to_vec(),
        central_extra: central.to_vec(),
        ..file("a", b"12345")
    };
    let honest = zip(&[stored(&extra(1, &sizes(5, 5)), &extra(1, &sizes(5, 5)))], b"");
    assert_eq!(verdict(&honest.bytes), Ok(()));
    // All ones in the headers: the field counts.
    let mut ones = honest.bytes.clone();
    for at in [honest.locals[0] + 18, honest.centrals[0] + 20] {
        ones[at..at + 8].fill(0xff);
    }
    assert_eq!(verdict(&ones), Ok(()));
    // The field says another size than a header that needs none.
    assert_eq!(of(&[stored(&[], &extra(1, &sizes(5, 6)))]), Err(Rule::Contradiction));
    assert_eq!(of(&[stored(&extra(1, &sizes(6, 5)), &[])]), Err(Rule::Contradiction));
    // More values than asked for, two fields, a field that is too short.
    let more = [sizes(5, 5), vec![0; 16]].concat();
    assert_eq!(of(&[stored(&[], &extra(1, &more))]), Err(Rule::Contradiction));
    let twice = [extra(1, &sizes(5, 5)), extra(1, &sizes(5, 5))].concat();
    assert_eq!(of(&[stored(&[], &twice)]), Err(Rule::Contradiction));
    assert_eq!(of(&[stored(&extra(1, &[5, 0, 0, 0]), &[])]), Err(Rule::Structure));
    // Fields that are not whole; zeros of `zipalign` are none.
    assert_eq!(of(&[stored(&[9, 9, 200, 0], &[])]), Err(Rule::Structure));
    assert_eq!(of(&[stored(&[9, 9], &[])]), Err(Rule::Structure));
    assert_eq!(of(&[stored(&[0, 0, 0], &[])]), Ok(()));
}

#[test]
fn a_unicode_path_is_the_same_path() {
    let field = |version: u8, of: &[u8], path: &[u8]| {
        extra(0x7075, &[&[version][..], &crc(of).to_le_bytes(), path].concat())
    };
    let with = |local: Vec<u8>, central: Vec<u8>| File {
        local_extra: local,
        central_extra: central,
        ..file("a", b"")
    };
    let same = field(1, b"a", b"a");
    assert_eq!(of(&[with(same.clone(), same.clone())]), Ok(()));
    for other in [field(1, b"a", b"b"), field(2, b"a", b"a"), field(1, b"b", b"a"), extra(0x7075, b"")] {
        assert_eq!(of(&[with(vec![], other.clone())]), Err(Rule::Contradiction));
        assert_eq!(of(&[with(other, vec![])]), Err(Rule::Contradiction));
    }
}

#[test]
fn what_an_entry_is_stands_in_name_and_mode_alike() {
    let of_mode = |name: &str, mode: u32| of(&[File { mode, ..file(name, b"") }]);
    for (name, mode) in
        [("d/", 0o040_755), ("d/", 0), ("d/", 0o755), ("f", 0), ("f", 0o600), ("f", 0o104_755)]
    {
        assert_eq!(of_mode(name, mode), Ok(()), "{name} {mode:o}");
    }
    for (name, mode) in
        [("d", 0o040_755), ("d/.", 0o040_755), ("d/.", 0), ("f/", 0o100_644), ("l/", 0o120_777)]
    {
        assert_eq!(of_mode(name, mode), Err(Rule::Contradiction), "{name} {mode:o}");
    }
    for mode in [0o010_644, 0o020_644, 0o060_644, 0o140_644, 0o160_000] {
        assert_eq!(of_mode("f", mode), Err(Rule::Special), "{mode:o}");
    }
    assert_eq!(of(&[file("d/", b"content")]).unwrap_err(), Rule::Contradiction);
    assert_eq!(of(&[file("d/", b""), file("d/", b"")]), Err(Rule::Contradiction));
    let folder = File { mode: 0, ..file("d/", b"") };
    assert_eq!(of(&[folder.clone(), folder.clone()]), Err(Rule::Name));
    assert_eq!(of(&[folder.clone(), file("d/x", b"")]), Ok(()));
    // A folder by the attributes of Windows, none by its name.
    let windows = zip(&[File { mode: 0, ..file("d", b"") }], b"");
    let mut bytes = windows.with(windows.centrals[0] + 5, &[0]);
    bytes[windows.centrals[0] + 38] = 0x10;
    assert_eq!(verdict(&bytes), Err(Rule::Contradiction));
}

#[test]
fn links_of_zips_stay_inside() {
    assert_eq!(of(&[link("d/l", "../x"), file("x", b"")]), Ok(()));
    assert_eq!(of(&[File { deflated: true, ..link("l", "x") }]), Ok(()));
    for target in ["../x", "/x", "a\\..\\x", "x\0", "", "C:x"] {
        assert_eq!(of(&[link("l", target)]), Err(Rule::Link), "{target}");
    }
    assert_eq!(of(&[link("l", "x"), file("l/y", b"")]), Err(Rule::Link));
    assert_eq!(of(&[link("l", &"x/".repeat(2049))]), Err(Rule::Limit));
    // Links count whatever the host is, because readers do not look.
    let fat = zip(&[link("l", "../x")], b"");
    assert_eq!(verdict(&fat.with(fat.centrals[0] + 5, &[0])), Err(Rule::Link));
}

#[test]
fn other_methods_and_encryption_are_refused() {
    let honest = zip(&[file("a", b"content")], b"");
    for (at, value) in [(0, 1_u8), (0, 0x10), (0, 0x20), (0, 0x40), (1, 0x20), (2, 9), (2, 12), (2, 99)] {
        let mut bytes = honest.with(honest.locals[0] + 6 + at, &[value]);
        bytes[honest.centrals[0] + 8 + at] = value;
        assert_eq!(verdict(&bytes), Err(Rule::Method), "{at} {value}");
    }
}

#[test]
fn content_is_what_the_headers_say() {
    for deflated in [true, false] {
        let honest = zip(&[File { deflated, ..file("a", b"some content, some content") }], b"");
        let mut bytes = honest.bytes.clone();
        for at in [honest.locals[0] + 14, honest.centrals[0] + 16] {
            bytes[at] ^= 1;
        }
        assert_eq!(verdict(&bytes), Err(Rule::Checksum));
    }
    // A stream that refers to what was never written. Some readers give zeros for it.
    let far = File { packed: Some(vec![0x63, 0x00, 0x42, 0x00]), ..file("a", &[0; 4]) };
    assert_eq!(of(&[far]), Err(Rule::Structure));
    let cut = File { packed: Some(deflate(b"first")[..4].to_vec()), ..file("a", b"first") };
    assert_eq!(of(&[cut]), Err(Rule::Structure));
}

#[test]
fn expansion_has_a_bound() {
    let most = usize::try_from(FREE_EXPANSION).unwrap();
    assert_eq!(of(&[file("a", &vec![0; most])]), Ok(()));
    assert_eq!(of(&[file("a", &vec![0; 3 * most])]), Err(Rule::Expansion));
    // With a size that a manifest states, that alone counts.
    let bytes = zip(&[file("a", &vec![0; 3 * most]), file("b", b"1234")], b"").bytes;
    let total = u64::try_from(3 * most).unwrap() + 4;
    assert!(Archive::open(&bytes, Bound::Total(total)).is_ok());
    assert_eq!(Archive::open(&bytes, Bound::Total(total - 1)).err().map(rule), Some(Rule::Expansion));
}
