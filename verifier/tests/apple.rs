// SPDX-License-Identifier: Apache-2.0
//! Apple's signatures on files that independent writers make (`testdata/make`): each rule by a file with one
//! fault, and single bytes changed all over good files.
// A test that cannot make its files should stop where it stands.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

use manifests::evidence::{Evidence, TimeSource, Verdict, Weak};
use manifests::time::Timestamp;
use verifier::signature::Tolerated;
use verifier::signature::apple::{code, package};
use verifier::signature::x509::Certificate;
use verifier::signature::x509::demand::CertificateDemand;

/// Files by one of the writers; none where Python or openssl is not here.
struct Made {
    folder: tempfile::TempDir,
    root: Certificate,
}

fn make(script: &str) -> Option<Made> {
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/make").join(script);
    let openssl = Command::new("openssl").arg("version").output();
    let python = Command::new("python3").arg("-B").arg(script).arg(folder.path()).output();
    let (Ok(_), Ok(done)) = (openssl, python) else {
        eprintln!("skipped: python3 or openssl is not here");
        return None;
    };
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let root = Certificate::from_der(&fs::read(folder.path().join("root.cer")).unwrap()).unwrap();
    Some(Made { folder, root })
}

impl Made {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    fn check(&self, file: &[u8], now: &str, allow: &[Weak]) -> Evidence {
        let demand = CertificateDemand {
            authorities: std::slice::from_ref(&self.root),
            timestamp_authorities: None,
            pins: &[],
            publisher: None,
            team: Some("TEAM123456"),
            now: Timestamp::parse(now).unwrap(),
            tolerated: Tolerated(allow),
            budget: &verifier::signature::x509::Budget::default(),
        };
        let file = file.to_vec();
        let check = if file.starts_with(b"xar!") { package::check } else { code::check };
        check(&file, &demand).unwrap()
    }

    /// Every file of `cases.tsv` against the verdict that stands there.
    fn all(&self) {
        let mut count = 0;
        for line in fs::read_to_string(self.path("cases.tsv")).unwrap().lines() {
            let [name, options, verdict] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let after = |option: &str| {
                let mut words = options.split_whitespace();
                words.by_ref().find(|word| *word == option).and_then(|_| words.next())
            };
            let allow: Vec<Weak> =
                Weak::ALL.into_iter().filter(|weak| after("--allow") == Some(weak.as_str())).collect();
            let found = self.check(&self.read(name), after("--now").unwrap(), &allow);
            assert_eq!(found.verdict.as_str(), verdict, "{name}: {found:#?}");
            assert_eq!(found.covers.is_empty(), found.verdict != Verdict::Good, "{name}");
            count += 1;
        }
        assert!(count > 70, "{count} cases");
    }
}

const NOW: &str = "2026-11-22T00:00:00Z";

#[test]
fn packages() {
    let Some(made) = make("flat_package.py") else { return };
    made.all();
    let good = |name: &str, now| made.check(&made.read(name), now, &[]);

    let plain = good("good.pkg", NOW);
    let covered: Vec<&str> = plain.covers.iter().map(|one| one.what.as_str()).collect();
    assert_eq!(covered, ["table of contents", "Distribution", "a.pkg/Payload", "a.pkg/PackageInfo"]);
    let payload: Vec<u8> = (0..300).flat_map(|_| 0..=255).collect();
    assert_eq!(plain.covers[2].digest, verifier::hash::sha256::digest(&payload));
    assert!(
        plain.not_covered.is_empty() && plain.not_checked.contains(&"revocation".to_owned()),
        "{plain:?}"
    );
    assert_eq!(plain.signer.as_ref().unwrap().chain.len(), 3);

    let ticket = good("good-stapled-ticket.pkg", NOW);
    assert_eq!(ticket.not_covered, ["68 bytes of a stapled notarization ticket"]);
    assert!(ticket.not_checked[1].contains("a stapled ticket"), "{ticket:?}");
    let more = good("good-bytes-that-nobody-names.pkg", NOW);
    assert_eq!(more.not_covered.len(), 1, "{more:?}");
    let unknown = good("good-unknown-encoding-is-said.pkg", NOW);
    assert!(unknown.not_checked.iter().any(|text| text.contains("application/x-unknown")), "{unknown:?}");
    let lapsed = good("good-lapsed-with-token.pkg", "2031-01-01T00:00:00Z");
    assert_eq!(lapsed.signed_at.unwrap().to_string(), "2025-06-01T00:00:00Z");
    assert_eq!(lapsed.time_source, Some(TimeSource::Timestamp));
}

#[test]
fn signed_code() {
    let Some(made) = make("signed_code.py") else { return };
    made.all();
    let good = |name: &str| made.check(&made.read(name), NOW, &[]);

    let outside = good("good-info-plist-outside").not_covered;
    assert_eq!(outside, ["Info.plist, outside this file", "resources, outside this file"]);
    assert!(good("good-info-plist-inside").not_covered.is_empty());
    let fat = good("good-fat");
    assert_eq!(fat.covers.len(), 2, "{fat:?}");
    assert!(fat.covers[1].what.starts_with("arm64 code"), "{fat:?}");
    assert_eq!(good("good-loose-bytes").not_covered.len(), 1);
    let hoc = good("ad-hoc");
    assert!(hoc.notes[0].contains("signed ad hoc") && hoc.notes[0].contains("its hashes fit"), "{hoc:?}");
    assert!(good("ad-hoc-page-changed").notes[0].contains("do not even fit"));
    assert!(good("good-ticket").not_checked[1].contains("a stapled ticket of 4 bytes"));
}

/// Changes single bytes at more than 2,000 places. Whatever is still good must lie in what no signature covers.
fn mutate(made: &Made, name: &str, open: &[Range<usize>]) {
    let good = made.read(name);
    assert_eq!(made.check(&good, NOW, &[]).verdict, Verdict::Good, "{name}");
    // A step that has no factor in common with the structures, so that every field is met somewhere; all of
    // the places near the start, where headers are.
    let step = (good.len() / 2000).max(1) | 1;
    let places = (0..good.len()).step_by(step).chain(0..512.min(good.len()));
    let mut tried = 0;
    for (count, at) in places.enumerate() {
        let mut changed = good.clone();
        changed[at] ^= [1, 0x80, 0xff][count % 3];
        let verdict = made.check(&changed, NOW, &[]).verdict;
        let is_open = open.iter().any(|range| range.contains(&at));
        assert!(verdict != Verdict::Good || is_open, "{name}: byte {at} of {} does not matter", good.len());
        tried += 1;
    }
    assert!(tried >= 2000, "{tried} places");
}

/// The one place where `what` stands.
fn find(file: &[u8], what: &[u8]) -> usize {
    let mut places = file.windows(what.len()).enumerate().filter(|(_, window)| *window == what);
    let (Some((at, _)), None) = (places.next(), places.next()) else { panic!("not once") };
    at
}

/// What a CMS signature leaves open (RFC 5652 §5.1, 5.4): the version, the list of digest algorithms, and the
/// certificates, as long as those that are needed are still found. The writers put nothing behind the signer.
fn open_in_cms(file: &[u8], start: usize) -> Range<usize> {
    // SEQUENCE { OID, [0] { SEQUENCE { version, … } } }: each of the lengths takes two bytes and a marker.
    let version = start + 4 + 11 + 4 + 4;
    assert_eq!(file[version..version + 3], [2, 1, 1]);
    // `[0]` of the certificates follows the content info; its length leads to the signers.
    let certificates = version + 3 + 17 + 13 + 2;
    let certificates = (version..certificates + 8).find(|&at| file[at..at + 2] == [0xa0, 0x82]).unwrap();
    let length = usize::from(file[certificates + 2]) << 8 | usize::from(file[certificates + 3]);
    version..certificates + 4 + length
}

#[test]
fn a_changed_byte_of_a_package_is_refused() {
    let Some(made) = make("flat_package.py") else { return };
    // With two signatures one may become unknown, and the other is enough: each alone, then.
    let room = padding_of_the_cms(&made.read("good-rsa-alone.pkg"));
    mutate(&made, "good-rsa-alone.pkg", std::slice::from_ref(&room));
    let file = made.read("good-cms-alone.pkg");
    let cms = find(&file, b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02") - 4;
    // The room for the RSA signature is one that nobody references.
    mutate(&made, "good-cms-alone.pkg", &[cms - 256..cms, open_in_cms(&file, cms)]);
}

/// The room for a CMS signature that is not there: the table does not name it.
fn padding_of_the_cms(file: &[u8]) -> Range<usize> {
    let zeros = vec![0; 9216];
    let at = file.windows(zeros.len()).position(|window| window == zeros).unwrap();
    at..at + zeros.len()
}

#[test]
fn a_changed_byte_of_code_is_refused() {
    let Some(made) = make("signed_code.py") else { return };
    for name in ["good", "good-sha256"] {
        let file = made.read(name);
        let open = open_in_code(&file, 0);
        mutate(&made, name, &open);
    }
    let file = made.read("good-fat");
    let mut open = Vec::new();
    for entry in [8, 28] {
        let number = |at: usize| u32::from_be_bytes(file[at..at + 4].try_into().unwrap()) as usize;
        let (start, length) = (number(entry + 8), number(entry + 12));
        open.extend(open_in_code(&file[..start + length], start));
        // A slice's alignment, and the capabilities beside its processor's subtype (`<mach/machine.h>`).
        open.extend([entry + 16..entry + 20, entry + 4..entry + 5]);
    }
    mutate(&made, "good-fat", &open);
}

/// What the signature of an image leaves open, besides the CMS: the SuperBlob's own length and the number of an
/// alternate CodeDirectory's slot, since both are signed by nobody, and the zeros behind the SuperBlob.
fn open_in_code(file: &[u8], start: usize) -> Vec<Range<usize>> {
    let image = &file[start..];
    let magic = image.windows(4).position(|window| window == [0xfa, 0xde, 0x0c, 0xc0]).unwrap();
    let number = |at: usize| u32::from_be_bytes(image[at..at + 4].try_into().unwrap()) as usize;
    let (length, count) = (number(magic + 4), number(magic + 8));
    let mut open = vec![magic + 4..magic + 8, magic + length..image.len()];
    for entry in (0..count).map(|entry| magic + 12 + 8 * entry) {
        match number(entry) {
            0x1000 => open.push(entry..entry + 4),
            0x10000 => open.push(open_in_cms(image, magic + number(entry + 4) + 8)),
            _ => {}
        }
    }
    open.into_iter().map(|range| range.start + start..range.end + start).collect()
}
