// SPDX-License-Identifier: Apache-2.0
//! Cabinets.

use super::super::cabinet::{read_cabinet, recognise};
use super::*;

/// A cabinet of 100 bytes with a signature of 16 behind it.
fn cabinet() -> Vec<u8> {
    let mut bytes = vec![5; 116];
    put(&mut bytes, 0, b"MSCF\0\0\0\0");
    put(&mut bytes, 8, &100_u32.to_le_bytes());
    put(&mut bytes, 30, &[4, 0, 0, 0, 0, 0]);
    put(&mut bytes, 36, &[0x14, 0, 0, 0, 0, 0, 0x10, 0, 100, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]);
    bytes
}

#[test]
fn the_signature_follows_the_cabinet() {
    let bytes = cabinet();
    assert!(recognise(&bytes).unwrap());
    let read = read_cabinet(&bytes).unwrap();
    assert_eq!(read.covered, [0..4, 8..34, 56..100]);
    assert_eq!(read.signature, Some(vec![5; 16]));
}

#[test]
fn without_a_reserve_for_it_there_is_none() {
    for (at, field) in [(30, &[0, 0][..]), (36, &[0x18]), (43, &[1]), (44, &[0; 8]), (48, &[0; 4])] {
        let mut bytes = cabinet();
        put(&mut bytes, at, field);
        assert_eq!(read_cabinet(&bytes).unwrap().signature, None, "{at}");
    }
}

#[test]
fn what_the_digest_leaves_out_has_one_value() {
    for (at, field) in [
        (4, &[1][..]),
        (30, &[5]),
        (30, &[6]),
        (34, &[1]),
        (44, &[99]),
        (44, &[101]),
        (8, &[99]),
        (48, &[15]),
        (48, &[17]),
        (52, &[1]),
        (55, &[1]),
    ] {
        let mut bytes = cabinet();
        put(&mut bytes, at, field);
        refused(read_cabinet(&bytes), Reason::FileMalformed);
    }
    let mut bytes = cabinet();
    bytes.push(0);
    refused(read_cabinet(&bytes), Reason::FileMalformed);
    bytes.truncate(50);
    refused(read_cabinet(&bytes), Reason::FileMalformed);
}
