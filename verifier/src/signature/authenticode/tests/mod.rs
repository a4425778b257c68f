// SPDX-License-Identifier: Apache-2.0
//! The file formats by themselves, on files that are built here: which are refused, and what is covered.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions
)]

mod cabinets;
mod images;
mod installers;

use super::*;

/// The particulars of a refusal, which must be of this reason.
fn refused<T>(answer: Result<T, Stop>, reason: Reason) -> String {
    match answer {
        Err(Stop::Found(found, note)) => {
            assert_eq!(found, reason, "{note}");
            note
        }
        Err(Stop::Read(error)) => panic!("{error}"),
        Ok(_) => panic!("accepted, where {} was expected", reason.as_str()),
    }
}

fn put(bytes: &mut [u8], at: usize, field: &[u8]) {
    bytes[at..at + field.len()].copy_from_slice(field);
}

#[test]
fn what_is_none_of_the_kinds_is_not_recognised() {
    for bytes in [&b""[..], b"MZ", b"MZ and text", b"MSCF", &[0xd0, 0xcf, 0x11, 0xe0], &[0x30; 600]] {
        assert!(!recognise(&bytes.to_vec()).unwrap());
        let read = Container::read(&bytes.to_vec()).map(|_| ());
        assert!(matches!(read, Err(Stop::Found(Reason::FileMalformed, _))), "{bytes:?}");
    }
}

#[test]
fn only_a_few_zeros_are_padding() {
    assert!(is_padding(&[]) && is_padding(&[0; 7]));
    assert!(!is_padding(&[0; 8]) && !is_padding(&[0, 0, 1]));
}
