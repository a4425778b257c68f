// SPDX-License-Identifier: Apache-2.0
//! One byte of a good file changed: it is not good any more, unless the byte is of a field that a signature
//! leaves open.

use std::ops::Range;

use manifests::evidence::Verdict;

use super::fixtures::{Ask, STAMPED, Workshop};

/// Positions that are tried for each file.
const SAMPLE: usize = 2000;

/// Every position of a short file, and an even sample of a long one.
fn sample(length: usize) -> impl Iterator<Item = usize> {
    let step = length.div_ceil(SAMPLE + length % 7).max(1);
    // A step that shares no factor with the fields' sizes.
    let step = if step.is_multiple_of(2) { step - 1 } else { step };
    (0..length).step_by(step.max(1))
}

/// The positions at which a change goes unnoticed.
fn unnoticed(bytes: &[u8], ask: &Ask, positions: impl Iterator<Item = usize>) -> (usize, Vec<usize>) {
    let mut changed = bytes.to_vec();
    let (mut tried, mut found) = (0, Vec::new());
    for at in positions {
        changed[at] ^= 1 << (at % 8);
        if ask.of(&changed).verdict == Verdict::Good {
            found.push(at);
        }
        changed[at] = bytes[at];
        tried += 1;
    }
    (tried, found)
}

fn outside(found: &[usize], open: &[Range<usize>]) -> Vec<usize> {
    found.iter().copied().filter(|at| !open.iter().any(|range| range.contains(at))).collect()
}

fn find(bytes: &[u8], needle: &[u8]) -> usize {
    bytes.windows(needle.len()).position(|window| window == needle).unwrap()
}

#[test]
fn a_program() {
    let Some(shop) = Workshop::new("a_program", &[]) else { return };
    shop.unsigned();
    shop.sign("code", "program64.exe", "signed", &["-h", "sha256", "-ph"]);
    let bytes = shop.read("signed");
    // "Windows Authenticode Portable Executable Signature Format": the CheckSum field.
    let mut open = vec![0x98 + 64..0x98 + 68];
    open.extend(open_in_cms(&bytes));
    check(&shop, &bytes, &open);
}

#[test]
fn a_cabinet() {
    let Some(shop) = Workshop::new("a_cabinet", &["gcab"]) else { return };
    shop.unsigned();
    shop.sign("code", "cabinet.cab", "signed", &["-h", "sha256"]);
    let bytes = shop.read("signed");
    check(&shop, &bytes, &open_in_cms(&bytes));
}

#[test]
fn an_installer_with_its_metadata() {
    let Some(shop) = Workshop::new("an_installer_with_its_metadata", &["wixl"]) else { return };
    shop.unsigned();
    shop.sign("code", "small.msi", "signed", &["-h", "sha256", "-add-msi-dse"]);
    let bytes = shop.read("signed");
    let mut open = open_in_cms(&bytes);
    open.extend(open_in_compound_file(&bytes));
    check(&shop, &bytes, &open);
}

#[test]
fn a_timestamp_that_is_needed() {
    let Some(shop) = Workshop::new("a_timestamp_that_is_needed", &[]) else { return };
    shop.unsigned();
    let stamp = ["-h", "sha256", "-TSA-certs", "time.pem", "-TSA-key", "time.key", "-TSA-time", STAMPED];
    shop.sign("code", "program32.exe", "signed", &stamp);
    let bytes = shop.read("signed");
    let mut ask = Ask::new(shop.certificates("root"));
    ask.now = super::fixtures::AFTER;
    assert_eq!(ask.of(&bytes).verdict, Verdict::Good);
    let table = bytes.len() - 4000;
    let (tried, found) = unnoticed(&bytes, &ask, (table..bytes.len()).step_by(2));
    assert!(tried >= SAMPLE);
    let found = outside(&found, &open_in_cms(&bytes));
    assert!(found.is_empty(), "{found:?} of {tried}");
}

fn check(shop: &Workshop, bytes: &[u8], open: &[Range<usize>]) {
    let ask = Ask::new(shop.certificates("root"));
    assert_eq!(ask.of(&bytes.to_vec()).verdict, Verdict::Good);
    let (tried, found) = unnoticed(bytes, &ask, sample(bytes.len()));
    assert!(tried >= SAMPLE, "{tried}");
    let found = outside(&found, open);
    assert!(found.is_empty(), "{found:?} of {tried}");
}

/// What RFC 5652 leaves open around a signature.
fn open_in_cms(_bytes: &[u8]) -> Vec<Range<usize>> {
    let _ = find;
    Vec::new()
}

/// What a signature of a compound file leaves open.
fn open_in_compound_file(_bytes: &[u8]) -> Vec<Range<usize>> {
    Vec::new()
}
