// SPDX-License-Identifier: Apache-2.0
//! Rules of tar that are told by single bytes.

use verifier::unpack::tar::{MAX_EXTENDED_BYTES, prove};
use verifier::unpack::{Bound, Entry, EntryKind, Error, Rule};

use super::tar_writer::{END, blocks, changed, entry, file, header, link, pax, record};
use super::{read_tar, rule};

type Entries = Vec<(Entry, Vec<u8>)>;

fn read(parts: &[Vec<u8>]) -> Result<Entries, Rule> {
    read_tar(&[&parts.concat()[..], &END].concat()).map_err(rule)
}

fn names(parts: &[Vec<u8>]) -> Result<Vec<String>, Rule> {
    Ok(read(parts)?.into_iter().map(|(entry, _)| entry.path.into_string()).collect())
}

fn verdict(parts: &[Vec<u8>]) -> Result<(), Rule> {
    read(parts).map(|_| ())
}

#[test]
fn an_honest_one_is_read_to_the_byte() {
    let entries = read(&[
        entry(b'5', "./", b""),
        entry(b'5', "./d/", b""),
        file("./d/a", b"first"),
        link(b'1', "h", "d/a"),
        link(b'2', "d/s", "../h"),
        changed(file("d/long", &[7; 600]), 345, b"prefix"),
    ])
    .unwrap();
    let seen: Vec<_> =
        entries.iter().map(|(entry, content)| (&*entry.path, &entry.kind, content.len())).collect();
    assert_eq!(
        seen,
        [
            ("", &EntryKind::Directory, 0),
            ("d", &EntryKind::Directory, 0),
            ("d/a", &EntryKind::File, 5),
            ("h", &EntryKind::Hardlink("d/a".into()), 0),
            ("d/s", &EntryKind::Symlink("../h".into()), 0),
            ("prefix/d/long", &EntryKind::File, 600),
        ]
    );
    assert_eq!(entries[2].0.mode, Some(0o644));
    assert_eq!(verdict(&[]), Ok(()));
}

#[test]
fn the_end_is_two_blocks_of_zeros_and_then_only_zeros() {
    let one = file("a", b"x");
    let with = |tail: &[u8]| read_tar(&[&one[..], tail].concat()).map(|_| ()).map_err(rule);
    assert_eq!(with(&END), Ok(()));
    assert_eq!(with(&[0; 10_240]), Ok(()));
    assert_eq!(with(&[0; 1025]), Ok(()));
    assert_eq!(with(&[]), Err(Rule::Structure));
    assert_eq!(with(&[0; 512]), Err(Rule::Structure));
    assert_eq!(with(&[&[0; 512][..], &file("b", b""), &END].concat()), Err(Rule::Structure));
    assert_eq!(with(&[&END[..], &file("b", b""), &END].concat()), Err(Rule::Unowned));
    assert_eq!(with(&[&END[..], &[0; 70_000], b"x"].concat()), Err(Rule::Unowned));
    assert_eq!(read_tar(b"").map_err(rule), Err(Rule::Structure));
    let whole = [&one[..], &END].concat();
    for end in 0..whole.len() {
        assert!(read_tar(&whole[..end]).is_err(), "{end}");
    }
}

#[test]
fn a_header_keeps_its_form() {
    let plain = || file("a", b"");
    let mut summed_wrong = plain();
    summed_wrong[0] = b'b';
    assert_eq!(verdict(&[summed_wrong]), Err(Rule::Checksum));
    // GNU, star and v7; and what no writer writes.
    assert_eq!(names(&[changed(plain(), 257, b"ustar  \0")]), Ok(vec!["a".into()]));
    assert_eq!(names(&[changed(plain(), 257, &[0; 8])]), Ok(vec!["a".into()]));
    assert_eq!(names(&[changed(changed(plain(), 345, b"p"), 508, b"tar\0")]), Ok(vec!["p/a".into()]));
    assert_eq!(names(&[changed(changed(plain(), 345, b"p"), 257, b"ustar  \0")]), Ok(vec!["a".into()]));
    assert_eq!(verdict(&[changed(plain(), 257, b"utsar\x0000")]), Err(Rule::Structure));
    for (at, field) in [(100, b"000o644\0"), (108, b"-000001\0"), (116, b"0000008\0"), (124, b"0x000000")] {
        assert_eq!(verdict(&[changed(plain(), at, field)]), Err(Rule::Structure), "{at}");
    }
    assert_eq!(verdict(&[changed(plain(), 124, &[0xff; 12])]), Err(Rule::Structure));
    let large = changed(file("a", b"12345"), 124, &[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]);
    assert_eq!(read(&[large]).unwrap()[0].1, b"12345");
    // Owner and time before 1970 may be negative: nothing rests on them.
    assert_eq!(verdict(&[changed(plain(), 136, &[0xff; 12])]), Ok(()));
}

#[test]
fn kinds_that_are_not_unpacked_are_refused() {
    for kind in *b"346SVMDNXAZ8" {
        assert_eq!(verdict(&[entry(kind, "a", b"")]), Err(Rule::Special), "{}", char::from(kind));
    }
    assert_eq!(read(&[entry(b'7', "a", b"x"), entry(0, "b", b"y")]).unwrap().len(), 2);
    // Folders of old tars have a slash; those of later ones a kind.
    assert_eq!(read(&[entry(0, "d/", b"")]).unwrap()[0].0.kind, EntryKind::Directory);
    assert_eq!(verdict(&[entry(b'0', "d/", b"")]), Err(Rule::Contradiction));
    assert_eq!(verdict(&[entry(0, "d/.", b"")]), Err(Rule::Contradiction));
    for kind in *b"125" {
        let with_content = [header(kind, b"a", b"b", 3), blocks(b"abc")].concat();
        assert_eq!(
            verdict(&[file("b", b""), with_content]),
            Err(Rule::Contradiction),
            "{}",
            char::from(kind)
        );
    }
}

#[test]
fn links_stay_inside() {
    assert_eq!(verdict(&[link(b'2', "l", "x"), file("x", b"")]), Ok(()));
    for target in ["../x", "/x", "", "..\\x", "d/../../x"] {
        assert_eq!(verdict(&[link(b'2', "l", target)]), Err(Rule::Link), "{target}");
        assert_eq!(verdict(&[file("x", b""), link(b'1', "l", target)]), Err(Rule::Link), "{target}");
    }
    let endless = pax(b'x', &record("linkpath", &"y/".repeat(3000)));
    assert_eq!(verdict(&[endless, link(b'2', "l", "y")]), Err(Rule::Limit));
}

#[test]
fn an_extended_header_says_what_the_header_could_not_hold() {
    let long = "n".repeat(120);
    let path = |value: &str| pax(b'x', &record("path", value));
    assert_eq!(names(&[path(&long), file(&long[..100], b"")]), Ok(vec![long.clone()]));
    assert_eq!(names(&[path("ü"), file("u", b"")]), Ok(vec!["ü".into()]));
    assert_eq!(names(&[path("./d/a"), file("d/a", b"")]), Ok(vec!["d/a".into()]));
    assert_eq!(verdict(&[path("b"), file("a", b"")]), Err(Rule::Contradiction));
    assert_eq!(
        verdict(&[pax(b'x', &record("linkpath", "b")), link(b'2', "l", "a")]),
        Err(Rule::Contradiction)
    );
    assert_eq!(verdict(&[entry(b'L', "././@LongLink", b"b\0"), file("a", b"")]), Err(Rule::Contradiction));
    assert_eq!(
        verdict(&[entry(b'K', "././@LongLink", b"b\0"), link(b'2', "l", "a")]),
        Err(Rule::Contradiction)
    );
    assert_eq!(
        names(&[entry(b'L', "././@LongLink", long.as_bytes()), file("n", b"")]),
        Ok(vec![long.clone()])
    );
    // Sizes: eleven octal digits hold 8 GiB less one.
    let size = |value: &str| pax(b'x', &record("size", value));
    assert_eq!(verdict(&[size("3"), file("a", b"abc")]), Ok(()));
    assert_eq!(verdict(&[size("4"), file("a", b"abc")]), Err(Rule::Contradiction));
    assert_eq!(verdict(&[size("0"), file("a", b"abc")]), Err(Rule::Contradiction));
    // Beyond that the record counts: the file ends before.
    assert_eq!(verdict(&[size("8589934592"), file("a", b"abc")]), Err(Rule::Structure));
    for bad in ["-1", "+3", "3 ", "0x3", "99999999999999999999999"] {
        assert_eq!(verdict(&[size(bad), file("a", b"abc")]), Err(Rule::Structure), "{bad}");
    }
}

#[test]
fn extended_headers_are_whole_single_and_of_one_entry() {
    let path = |value: &str| pax(b'x', &record("path", value));
    let a = || file("a", b"");
    assert_eq!(verdict(&[path("a"), path("a"), a()]), Err(Rule::Contradiction));
    assert_eq!(verdict(&[path("a"), entry(b'L', "L", b"a\0"), a()]), Err(Rule::Contradiction));
    assert_eq!(verdict(&[entry(b'L', "L", b"a\0"), path("a"), a()]), Err(Rule::Contradiction));
    assert_eq!(verdict(&[entry(b'L', "L", b"a\0"), entry(b'L', "L", b"a\0"), a()]), Err(Rule::Contradiction));
    assert_eq!(
        verdict(&[pax(b'x', &[record("path", "a"), record("path", "a")].concat()), a()]),
        Err(Rule::Contradiction)
    );
    assert_eq!(verdict(&[a(), path("b")]), Err(Rule::Structure));
    assert_eq!(verdict(&[entry(b'L', "L", b"\0\0"), a()]), Err(Rule::Structure));
    let cut = "a".repeat(100) + "\0b\0";
    assert_eq!(verdict(&[entry(b'L', "L", cut.as_bytes()), a()]), Err(Rule::Name));
    // For all entries only what changes none of them.
    assert_eq!(verdict(&[pax(b'g', &record("comment", "0123")), a()]), Ok(()));
    for key in ["path", "linkpath", "size"] {
        assert_eq!(verdict(&[pax(b'g', &record(key, "1")), a()]), Err(Rule::Contradiction), "{key}");
    }
    assert_eq!(verdict(&[path("a"), pax(b'g', &record("comment", "x")), a()]), Err(Rule::Contradiction));
    for (key, wanted) in
        [("GNU.sparse.major", Rule::Special), ("SCHILY.realsize", Rule::Special), ("path", Rule::Structure)]
    {
        assert_eq!(verdict(&[pax(b'x', &record(key, "")), a()]), Err(wanted), "{key}");
    }
    for bad in [
        &b"9 path=a\0"[..],
        b"11 path=a\n",
        b"09 path=a\n",
        b"9path=aa\n",
        b"8 =value\n",
        b"8 patha\n",
        b"\0",
        b"1 ",
    ] {
        assert_eq!(verdict(&[pax(b'x', bad), a()]), Err(Rule::Structure), "{bad:?}");
    }
    let most = usize::try_from(MAX_EXTENDED_BYTES).unwrap();
    assert_eq!(verdict(&[header(b'x', b"x", b"", most + 1), a()]), Err(Rule::Limit));
    assert_eq!(verdict(&[header(b'g', b"x", b"", most + 1), a()]), Err(Rule::Limit));
}

#[test]
fn a_stated_size_is_a_bound() {
    let bytes = [&file("a", b"123")[..], &file("b", b"45"), &END].concat();
    assert!(prove(&mut &bytes[..], Bound::Total(5)).is_ok());
    assert_eq!(prove(&mut &bytes[..], Bound::Total(4)).map(|_| ()).map_err(rule), Err(Rule::Expansion));
}

#[test]
fn a_tar_that_changed_between_the_readings_is_no_tar() {
    let first = [&file("a", b"123")[..], &END].concat();
    let proven = prove(&mut &first[..], Bound::Ratio).unwrap();
    for other in [
        [&file("b", b"123")[..], &END].concat(),
        END.to_vec(),
        [&file("a", b"123")[..], &file("b", b""), &END].concat(),
    ] {
        let again = proven.unpack(&mut &other[..], &mut |_, _| Ok(()));
        assert!(matches!(again, Err(Error::Read(_))));
    }
    // Content that nobody reads is passed over.
    let two = [&file("a", &[1; 700])[..], &file("b", b"x"), &END].concat();
    let mut seen = Vec::new();
    let proven = prove(&mut &two[..], Bound::Ratio).unwrap();
    let visit = &mut |entry: &Entry, _: &mut dyn std::io::Read| {
        seen.push(entry.path.clone());
        Ok(())
    };
    proven.unpack(&mut &two[..], visit).unwrap();
    assert_eq!(seen, ["a".into(), "b".into()]);
}
