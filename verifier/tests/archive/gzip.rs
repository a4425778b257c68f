// SPDX-License-Identifier: Apache-2.0
//! Rules of gzip that are told by single bytes.

use std::io::Read;

use verifier::unpack::gzip::{MAX_FIELD_BYTES, Reader};
use verifier::unpack::{Bound, Error, FREE_EXPANSION, Rule};

use super::zip_writer::{crc, deflate};
use super::{read_gzip, rule};

/// A member with these flags, and fields after the ten bytes of its header.
pub(crate) fn member(flags: u8, fields: &[u8], plain: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3];
    bytes.extend(fields);
    bytes.extend(deflate(plain));
    bytes.extend(crc(plain).to_le_bytes());
    bytes.extend(u32::try_from(plain.len()).unwrap().to_le_bytes());
    bytes
}

fn verdict(bytes: &[u8]) -> Result<Vec<u8>, Rule> {
    read_gzip(bytes).map_err(rule)
}

#[test]
fn members_follow_each_other_and_nothing_else() {
    let one = member(0, b"", b"one ");
    let two = member(0, b"", b"two");
    assert_eq!(verdict(&[one.clone(), two.clone()].concat()), Ok(b"one two".to_vec()));
    assert_eq!(verdict(&[one.clone(), member(0, b"", b""), two].concat()), Ok(b"one two".to_vec()));
    for tail in [&b"\0"[..], b"\0\0\0\0", b"\x1f", b"junk"] {
        assert_eq!(verdict(&[&one[..], tail].concat()), Err(Rule::Unowned), "{tail:?}");
    }
    assert_eq!(verdict(&[&one[..], &[0x1f, 0x8b]].concat()), Err(Rule::Structure));
    assert_eq!(verdict(b""), Err(Rule::Structure));
    for end in 1..one.len() {
        assert_eq!(verdict(&one[..end]), Err(Rule::Structure), "{end}");
    }
}

#[test]
fn header_fields_are_passed_over_and_no_more() {
    let fields = b"\x03\0abcname\0comment\0";
    assert_eq!(verdict(&member(0x1c, fields, b"x")), Ok(b"x".to_vec()));
    assert_eq!(verdict(&member(0x01, b"", b"x")), Ok(b"x".to_vec()));
    let header = [&[0x1f, 0x8b, 8, 0x1e, 0, 0, 0, 0, 0, 3][..], fields].concat();
    let sum = crc(&header).to_le_bytes();
    assert_eq!(verdict(&member(0x1e, &[&fields[..], &sum[..2]].concat(), b"x")), Ok(b"x".to_vec()));
    assert_eq!(verdict(&member(0x1e, &[&fields[..], &sum[2..]].concat(), b"x")), Err(Rule::Checksum));
    for reserved in [0x20, 0x40, 0x80] {
        assert_eq!(verdict(&member(reserved, b"", b"x")), Err(Rule::Structure), "{reserved}");
    }
    let mut stored = member(0, b"", b"x");
    stored[2] = 0;
    assert_eq!(verdict(&stored), Err(Rule::Method));
    let endless = vec![b'n'; usize::try_from(MAX_FIELD_BYTES).unwrap() + 1];
    assert_eq!(verdict(&member(0x08, &[&endless[..], b"\0"].concat(), b"x")), Err(Rule::Limit));
}

#[test]
fn sum_and_length_hold() {
    let good = member(0, b"", b"content");
    for back in 1..=8 {
        let mut bad = good.clone();
        let at = bad.len() - back;
        bad[at] ^= 0x10;
        assert_eq!(verdict(&bad), Err(Rule::Checksum), "{back}");
    }
}

#[test]
fn expansion_has_a_bound() {
    let most = usize::try_from(FREE_EXPANSION).unwrap();
    assert!(verdict(&member(0, b"", &vec![0; most])).is_ok());
    assert_eq!(verdict(&member(0, b"", &vec![0; 4 * most])), Err(Rule::Expansion));
    // Members are judged one by one; with a stated size, all together.
    let small = member(0, b"", &vec![0; most]).repeat(5);
    assert!(verdict(&small).is_ok());
    let within = |total: usize| {
        let bound = Bound::Total(u64::try_from(total).unwrap());
        Reader::new(&small[..], bound).read_to_end(&mut Vec::new()).map_err(|error| rule(Error::from(error)))
    };
    assert_eq!(within(5 * most), Ok(5 * most));
    assert_eq!(within(5 * most - 1), Err(Rule::Expansion));
}
