// SPDX-License-Identifier: Apache-2.0
//! A zip of which one member is signed: by `gpg`, here and now.

use std::fs;
use std::process::Command;

use manifests::evidence::{Evidence, Verdict};
use manifests::fingerprint::Fingerprint;
use manifests::time::Timestamp;
use verifier::bytes::Bytes;
use verifier::signature::openpgp::{Demand, Sha1};
use verifier::signature::zip_member::{self, Extracted, MAX_MEMBER_BYTES, extract};
use verifier::signature::{Reason, Stop};
use verifier::unpack::Bound;

use super::oracle::has;
use super::zip_writer::{Descriptor, File, Zip, extra, file, zip};

const CONTENT: &[u8] = b"#!/bin/sh\necho plug-in, plug-in, plug-in\n";

struct Signed {
    key: Vec<u8>,
    signature: Vec<u8>,
    pin: Fingerprint,
}

impl Signed {
    fn new() -> Option<Self> {
        if !has("gpg") {
            return None;
        }
        let home = tempfile::Builder::new().prefix("g").tempdir_in("/tmp").unwrap();
        let gpg = |arguments: &[&str]| {
            let done = Command::new("gpg")
                .arg("--homedir")
                .arg(home.path())
                .args(["--batch", "--quiet", "--passphrase", "", "--pinentry-mode", "loopback"])
                .args(["--faked-system-time", "20260101T000000!"])
                .args(arguments)
                .output()
                .unwrap();
            assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
            done.stdout
        };
        gpg(&["--quick-generate-key", "vendor", "ed25519", "sign", "0"]);
        let key = gpg(&["--export"]);
        let listed = String::from_utf8(gpg(&["--with-colons", "--list-keys"])).unwrap();
        let fingerprint = listed.lines().find_map(|line| line.strip_prefix("fpr:")).unwrap().replace(':', "");
        let data = home.path().join("data");
        fs::write(&data, CONTENT).unwrap();
        let signature = gpg(&["--detach-sign", "--output", "-", data.to_str().unwrap()]);
        let _ = Command::new("gpgconf").arg("--homedir").arg(home.path()).args(["--kill", "all"]).output();
        Some(Self { key, signature, pin: Fingerprint::parse(&fingerprint).unwrap() })
    }

    fn check(&self, bytes: &[u8], member: &str) -> Evidence {
        let demand = Demand {
            signature: &self.signature,
            keys: &[&self.key],
            pins: std::slice::from_ref(&self.pin),
            now: Timestamp::parse("2026-11-22T00:00:00Z").unwrap(),
            sha1: Sha1::Refused,
        };
        zip_member::check(&bytes.to_vec(), member, Some(&demand), Bound::Ratio).unwrap()
    }
}

fn archive() -> Zip {
    zip(
        &[
            file("LICENSE", b"do what you like"),
            File {
                mode: 0o100_755,
                descriptor: Descriptor::NarrowSigned,
                central_extra: extra(0x5455, &[1, 2, 3, 4, 5]),
                ..file("bin/plug-in", CONTENT)
            },
            File { mode: 0o040_755, deflated: false, ..file("empty/", b"") },
        ],
        b"made for a test",
    )
}

#[test]
fn the_named_member_is_what_was_signed() {
    let Some(signed) = Signed::new() else { return };
    let zip = archive();
    let good = signed.check(&zip.bytes, "bin/plug-in");
    assert_eq!((good.kind, good.verdict), ("zip-member", Verdict::Good), "{good:?}");
    assert_eq!(good.covers.len(), 1);
    assert_eq!(good.covers[0].what, "member bin/plug-in");
    assert_eq!(good.not_covered, ["member LICENSE", "names, modes and times of all members"]);
    assert_eq!(signed.check(&zip.bytes, "./bin/plug-in").verdict, Verdict::Good);
    for (member, verdict, reason) in [
        ("LICENSE", Verdict::Bad, "digest-mismatch"),
        ("bin", Verdict::Unsigned, "member-not-found"),
        ("empty", Verdict::Unsigned, "member-not-found"),
        ("bin/plug-in/", Verdict::Unsigned, "member-not-found"),
        ("BIN/PLUG-IN", Verdict::Unsigned, "member-not-found"),
    ] {
        let found = signed.check(&zip.bytes, member);
        assert_eq!((found.verdict, found.reason), (verdict, Some(reason)), "{member}");
    }
    // Without a signature; and a zip that breaks a rule, with one that is good.
    let none = zip_member::check(&zip.bytes, "bin/plug-in", None, Bound::Ratio).unwrap();
    assert_eq!((none.kind, none.verdict), ("zip-member", Verdict::Unsigned));
    let twice = super::zip_writer::zip(&[file("a", CONTENT), file("A", b"")], b"");
    assert_eq!(signed.check(&twice.bytes, "a").reason, Some("unsafe-name"));
}

/// What neither the signature nor the rules of zips bind, by APPNOTE's clauses.
fn open_fields(zip: &Zip) -> Vec<std::ops::Range<usize>> {
    let mut open = Vec::new();
    open.push(zip.end + 22..zip.bytes.len()); // 4.4.26 comment
    for local in &zip.locals {
        open.push(local + 4..local + 6); // 4.4.3 version needed
    }
    for central in &zip.centrals {
        open.push(central + 4..central + 8); // 4.4.2 and 4.4.3 versions
        open.push(central + 36..central + 42); // 4.4.14 and 4.4.15 attributes
    }
    // 4.5 the body of an extra field that means nothing here, and its number
    let field = zip.centrals[1] + 46 + "bin/plug-in".len();
    open.push(field..field + 2);
    open.push(field + 4..field + 9);
    // 4.4.4 reserved bits of the flags stand in two places, so one changed byte is found
    for data in &zip.data {
        // RFC 1951 §3.2.3: what is left of the last byte after the end of the stream
        open.push(data.end.saturating_sub(1)..data.end);
    }
    open
}

#[test]
fn no_changed_byte_is_good_but_in_open_fields() {
    let Some(signed) = Signed::new() else { return };
    let zip = archive();
    let open = open_fields(&zip);
    let (mut tried, mut good) = (0, 0);
    for at in 0..zip.bytes.len() {
        for change in [0x01, 0x02, 0x10, 0x20, 0x80, 0xff] {
            tried += 1;
            let found = signed.check(&zip.with(at, &[zip.bytes[at] ^ change]), "bin/plug-in");
            if found.verdict == Verdict::Good {
                good += 1;
                assert!(open.iter().any(|range| range.contains(&at)), "byte {at} ^ {change:#04x}");
            }
        }
    }
    assert!(tried >= 2_000, "{tried}");
    assert!(good > 0, "the list of open fields is not empty for nothing");
}

#[test]
fn a_member_that_is_too_long_is_refused_before_it_is_written() {
    let archive = zip(&[file("program", CONTENT)], b"");
    let too_long = u32::try_from(MAX_MEMBER_BYTES + 1).unwrap().to_le_bytes();
    // The unpacked size in both headers: the content contradicts it, but is not looked at.
    let local = archive.with(archive.locals[0] + 22, &too_long);
    let central = Zip { bytes: local, ..archive.clone() }.with(archive.centrals[0] + 24, &too_long);
    let Err(Stop::Found(reason, note)) = extract(&central, "program", Bound::Total(u64::MAX)) else {
        panic!()
    };
    assert_eq!(reason, Reason::LimitExceeded, "{note}");
    let Ok(Extracted { bytes, .. }) = extract(&archive.bytes, "program", Bound::Ratio) else { panic!() };
    assert_eq!(bytes.length(), CONTENT.len() as u64);
}
