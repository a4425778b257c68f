// SPDX-License-Identifier: Apache-2.0
//! Our verdicts beside those of `osslsigncode verify`.
//!
//! Where we differ, and why:
//! - SHA-1 is good for osslsigncode; outside policy for us, unless it is allowed;
//! - osslsigncode has neither pins nor publishers;
//! - osslsigncode takes bytes behind the signature within its WIN_CERTIFICATE; for us they are nobody's
//!   (CVE-2013-3900);
//! - osslsigncode takes bytes behind an installer's last sector; for us they are nobody's (CVE-2020-1464).

use manifests::evidence::{TimeSource, Verdict, Weak};

use super::fixtures::{AFTER, Ask, NOW, STAMPED, STAMPED_AT, Workshop};

const STAMP: [&str; 6] = ["-TSA-certs", "time.pem", "-TSA-key", "time.key", "-TSA-time", STAMPED];

#[test]
fn every_format_digest_and_key() {
    let Some(shop) = Workshop::new("every_format_digest_and_key", &[]) else { return };
    shop.leaf("p256", "root", "/CN=Curve 256", "codeSigning", &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    shop.leaf("p384", "root", "/CN=Curve 384", "codeSigning", &["ec", "-pkeyopt", "ec_paramgen_curve:P-384"]);
    let ask = Ask::new(shop.certificates("root"));
    for file in shop.unsigned() {
        let answer = ask.of(&shop.read(file));
        assert_eq!((answer.verdict, answer.reason), (Verdict::Unsigned, Some("no-signature")), "{file}");
        let variants: [(&str, &str, &[&str]); 7] = [
            ("code", "sha256", &[]),
            ("code", "sha384", &[]),
            ("code", "sha512", &[]),
            ("p256", "sha256", &[]),
            ("p384", "sha384", &[]),
            ("code", "sha256", if file.ends_with("msi") { &["-add-msi-dse"] } else { &["-ph"] }),
            ("code", "sha256", &["-n", "Fixture ä", "-i", "https://example.invalid/"]),
        ];
        for (by, digest, more) in variants {
            let options = [&["-h", digest], more].concat();
            shop.sign(by, file, "signed", &options);
            let bytes = shop.read("signed");
            let answer = ask.of(&bytes);
            assert!(shop.osslsigncode("signed", "root", NOW), "{file} {by} {options:?}");
            assert_eq!(answer.verdict, Verdict::Good, "{file} {by} {options:?}: {answer:?}");
            assert!(answer.signer.unwrap().name.unwrap().contains("CN="));
            assert_eq!(answer.not_checked, ["revocation"]);
            if more == ["-ph"] && file.ends_with("exe") {
                assert!(answer.notes.contains(&"the page hashes agree too".to_owned()), "{:?}", answer.notes);
            }
            if more.first() == Some(&"-n") {
                assert!(answer.notes.iter().any(|note| note.contains("Fixture ä")), "{:?}", answer.notes);
            }
            let open =
                answer.not_covered.iter().any(|open| open.contains("there is no MsiDigitalSignatureEx"));
            assert_eq!(open, file.ends_with("msi") && more != ["-add-msi-dse"], "{:?}", answer.not_covered);
            // One bit of the content.
            let mut other = bytes.clone();
            let place = bytes.windows(32).rposition(|window| shop.read("content.txt").starts_with(window));
            let place = place.unwrap_or(if file.ends_with("exe") { 2000 } else { 1100 });
            other[place] ^= 1;
            shop.write("changed", &other);
            assert!(!shop.osslsigncode("changed", "root", NOW), "{file} {by}");
            assert_ne!(ask.of(&other).verdict, Verdict::Good, "{file} {by}");
        }
    }
}

#[test]
fn chains_usages_and_times() {
    let Some(shop) = Workshop::new("chains_usages_and_times", &[]) else { return };
    shop.leaf("server", "root", "/CN=Fixture Server", "serverAuth", &["rsa:2048"]);
    shop.leaf("twin", "other", "/CN=Fixture Publisher/O=Fixtures/C=DE", "codeSigning", &["rsa:2048"]);
    shop.leaf("life", "root", "/CN=Lifetime", "codeSigning,1.3.6.1.4.1.311.10.3.13", &["rsa:2048"]);
    let good = ("good", true);
    for file in shop.unsigned().into_iter().filter(|file| *file != "long.msi") {
        for (by, stamp, now, ours, theirs) in [
            ("code", &[][..], NOW, good.0, good.1),
            ("code", &[], AFTER, "certificate-expired", false),
            ("code", &STAMP, NOW, good.0, good.1),
            ("code", &STAMP, AFTER, good.0, good.1),
            ("server", &STAMP, NOW, "wrong-usage", false),
            ("twin", &[], NOW, "untrusted-chain", false),
            ("life", &STAMP, NOW, good.0, good.1),
            // osslsigncode knows the usage since 2.10: its answer is not compared.
            ("life", &STAMP, AFTER, "certificate-expired", false),
        ] {
            shop.sign(by, file, "signed", &[&["-h", "sha256"], stamp].concat());
            let mut ask = Ask::new(shop.certificates("root"));
            ask.now = now;
            let answer = ask.of(&shop.read("signed"));
            let case = format!("{file} by {by}, {} stamped, at {now}: {answer:?}", !stamp.is_empty());
            assert_eq!(answer.reason.unwrap_or("good"), ours, "{case}");
            if (by, now) != ("life", AFTER) {
                assert_eq!(shop.osslsigncode("signed", "root", now), theirs, "{case}");
            }
            if !stamp.is_empty() {
                assert_eq!(answer.time_source, Some(TimeSource::Timestamp), "{case}");
                assert_eq!(answer.signed_at.unwrap().to_string(), STAMPED_AT, "{case}");
            }
            // The timestamp leads nowhere: it proves nothing.
            ask.timestamp_authorities = Some(shop.certificates("other"));
            let expected = if now == AFTER && by == "code" { "certificate-expired" } else { ours };
            assert_eq!(ask.of(&shop.read("signed")).reason.unwrap_or("good"), expected, "{case}");
        }
        // Stamped in 2025, judged in 2024: nobody could have seen it.
        shop.sign("code", file, "signed", &[&["-h", "sha256"], &STAMP[..]].concat());
        let mut ask = Ask::new(shop.certificates("root"));
        ask.now = "2024-06-01T00:00:00Z";
        assert_eq!(ask.of(&shop.read("signed")).reason, Some("timestamp-from-the-future"));
    }
}

#[test]
fn who_is_demanded() {
    let Some(shop) = Workshop::new("who_is_demanded", &[]) else { return };
    shop.unsigned();
    shop.sign("code", "program64.exe", "signed", &["-h", "sha256"]);
    let bytes = shop.read("signed");
    let leaf = shop.certificates("code").remove(0);
    let verdict = |change: &dyn Fn(&mut Ask)| {
        let mut ask = Ask::new(shop.certificates("root"));
        change(&mut ask);
        ask.of(&bytes).reason.unwrap_or("good")
    };
    let publisher = |name: &str| verdict(&|ask| ask.publisher = Some(name.to_owned()));
    assert_eq!(publisher("Fixture Publisher"), "good");
    assert_eq!(publisher(&leaf.subject()), "good");
    for other in ["Fixture", "Fixtures", "fixture publisher", "CN=Fixture Publisher", ""] {
        assert_eq!(publisher(other), "not-pinned", "{other}");
    }
    let root = shop.certificates("root").remove(0);
    assert_eq!(verdict(&|ask| ask.pins = vec![leaf.digest()]), "good");
    assert_eq!(verdict(&|ask| ask.pins = vec![root.digest(), leaf.digest()]), "good");
    assert_eq!(verdict(&|ask| ask.pins = vec![root.digest()]), "not-pinned");
    assert_eq!(verdict(&|ask| ask.authorities = shop.certificates("other")), "untrusted-chain");
    // The signer itself may be the given CA.
    assert_eq!(verdict(&|ask| ask.authorities = vec![leaf.clone()]), "good");
}

#[test]
fn two_signatures_are_judged_each() {
    let Some(shop) = Workshop::new("two_signatures_are_judged_each", &[]) else { return };
    shop.leaf("second", "other", "/CN=Second Publisher", "codeSigning", &["rsa:2048"]);
    for file in shop.unsigned().into_iter().filter(|file| *file != "long.msi") {
        shop.sign("code", file, "first", &["-h", "sha1"]);
        let mut ask = Ask::new(shop.certificates("root"));
        assert!(shop.osslsigncode("first", "root", NOW));
        assert_eq!(ask.of(&shop.read("first")).reason, Some("weak-hash"), "{file}");
        ask.allow = vec![Weak::Sha1];
        assert_eq!(ask.of(&shop.read("first")).verdict, Verdict::Good, "{file}");
        ask.allow = vec![Weak::Sha1Timestamp];
        assert_eq!(ask.of(&shop.read("first")).reason, Some("weak-hash"), "{file}");
        ask.allow.clear();

        shop.sign("second", "first", "both", &["-h", "sha256", "-nest"]);
        let both = shop.read("both");
        let answer = ask.of(&both);
        // Only the SHA-1 one leads to the first root.
        assert_eq!(answer.reason, Some("weak-hash"), "{file}: {answer:?}");
        assert!(answer.notes.iter().any(|note| note.contains("another signature")), "{answer:?}");
        ask.authorities = shop.certificates("other");
        let answer = ask.of(&both);
        assert_eq!(answer.verdict, Verdict::Good, "{file}: {answer:?}");
        assert!(answer.signer.unwrap().name.unwrap().contains("Second Publisher"));
        assert!(answer.notes.iter().any(|note| note.contains("another signature")));
        // One that does not match beside one that does: a nested one of another file.
        ask.authorities.extend(shop.certificates("root"));
        ask.allow = vec![Weak::Sha1];
        assert_eq!(ask.of(&both).verdict, Verdict::Good, "{file}");
        ask.publisher = Some("Fixture Publisher".to_owned());
        ask.pins = vec![shop.certificates("second").remove(0).digest()];
        assert_eq!(ask.of(&both).reason, Some("not-pinned"), "publisher of one, pin of the other");
    }
}

#[test]
fn bytes_that_nobody_signed() {
    let Some(shop) = Workshop::new("bytes_that_nobody_signed", &[]) else { return };
    let files = shop.unsigned();
    let ask = Ask::new(shop.certificates("root"));
    for file in &files {
        shop.sign("code", file, "signed", &["-h", "sha256"]);
        for more in [&[0][..], &[0; 8], b"PK\x05\x06 and so on"] {
            let appended = [&shop.read("signed"), more].concat();
            let answer = ask.of(&appended);
            if file.ends_with("msi") && more.iter().all(|byte| *byte == 0) {
                let told = answer.not_covered.iter().any(|open| open.contains("zero bytes at the end"));
                assert!(answer.verdict == Verdict::Good && told, "{file}: {answer:?}");
                continue;
            }
            assert_eq!(answer.reason, Some("file-malformed"), "{file} {more:?}");
            shop.write("appended", &appended);
            let theirs = shop.osslsigncode("appended", "root", NOW);
            assert_eq!(theirs, file.ends_with("msi"), "{file} {more:?}");
        }
    }
    // Within the WIN_CERTIFICATE, whose lengths are not covered.
    for (stuffing, ours) in
        [(&[0; 8][..], "signature-malformed"), (b"evil payload 16.", "signature-malformed")]
    {
        shop.sign("code", "program64.exe", "signed", &["-h", "sha256"]);
        let mut bytes = shop.read("signed");
        let entry = 0x98 + 112 + 32;
        let number = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let (table, length) = (number(&bytes, entry) as usize, number(&bytes, entry + 4));
        let longer = (length + stuffing.len() as u32).to_le_bytes();
        bytes[entry + 4..entry + 8].copy_from_slice(&longer);
        bytes[table..table + 4].copy_from_slice(&longer);
        bytes.extend_from_slice(stuffing);
        shop.write("stuffed", &bytes);
        assert!(shop.osslsigncode("stuffed", "root", NOW), "osslsigncode accepts it");
        assert_eq!(ask.of(&bytes).reason, Some(ours), "{stuffing:?}");
    }
}
