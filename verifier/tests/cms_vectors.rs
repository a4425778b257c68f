// SPDX-License-Identifier: Apache-2.0
//! Every SignedData that lies anywhere in the vendors' files beside the project, nested signatures and tokens
//! included: each parses, and each with its content inside verifies by a certificate that came along.
// A test that cannot read its files should stop where it stands.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};

use const_oid::ObjectIdentifier;
use manifests::evidence::Weak;
use manifests::time::Timestamp;
use verifier::signature::cms::SignedData;
use verifier::signature::x509::{Budget, Certificate};
use verifier::signature::{Reason, Stop, Tolerated, timestamp};

/// `id-signedData`, with its tag and length.
const SIGNED_DATA: [u8; 11] = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.is_file() {
            found.push(path);
        }
    }
}

/// Where ContentInfo structures start: a SEQUENCE of any length form right before the identifier.
fn starts(bytes: &[u8]) -> Vec<usize> {
    let mut starts = Vec::new();
    for at in 0..bytes.len().saturating_sub(SIGNED_DATA.len()) {
        if bytes[at..].starts_with(&SIGNED_DATA) {
            for header in [2, 3, 4, 5, 6] {
                let Some(start) = at.checked_sub(header) else { continue };
                let length = bytes[start + 1];
                let fits =
                    if length <= 0x80 { header == 2 } else { usize::from(length & 0x7f) + 2 == header };
                if bytes[start] == 0x30 && fits {
                    starts.push(start);
                    break;
                }
            }
        }
    }
    starts
}

/// Files that are broken on purpose, or whose structures lie in pieces: what is found in them may not hold.
const BROKEN: [&str; 6] = [
    "exe-truncated-cert-table.exe",
    "macho-truncated",
    // An MSI: its streams lie in sectors that need not follow on each other.
    "IviNetSharedComponents32_Fx20_1.3.0.msi",
    // MD5, which is never computed.
    "SoftwareUpdate.exe",
    "TimeStampTokenWithInvalideContentType.p7s",
    "TimeStampTokenWithInvalidSignature.p7s",
];

/// RFC 3161 tokens as an unsigned attribute: RFC 3161 Appendix A, and Microsoft's.
const TOKENS: [&str; 2] = ["1.2.840.113549.1.9.16.2.14", "1.3.6.1.4.1.311.3.3.1"];
const COUNTERSIGNATURE: &str = "1.2.840.113549.1.9.6";

#[derive(Default)]
struct Counts {
    parsed: usize,
    verified: usize,
    tokens: usize,
    countersignatures: usize,
    failures: Vec<String>,
}

impl Counts {
    fn fail(&mut self, path: &Path, what: impl std::fmt::Display) {
        let name = path.file_name().unwrap().to_string_lossy();
        if !BROKEN.contains(&name.as_ref()) {
            self.failures.push(format!("{}: {what}", path.display()));
        }
    }
}

#[test]
fn every_intact_blob_of_vendors_parses_and_verifies() {
    let vectors = std::env::var_os("SEALIFT_VECTORS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors"), PathBuf::from);
    if !vectors.is_dir() {
        eprintln!("skipped: {} is not here", vectors.display());
        return;
    }
    let mut paths = Vec::new();
    for topic in ["authenticode", "apple", "notation"] {
        files(&vectors.join(topic), &mut paths);
    }
    let mut counts = Counts::default();
    for path in &paths {
        let bytes = std::fs::read(path).unwrap();
        for start in starts(&bytes) {
            match SignedData::parse(&bytes[start..]) {
                Ok((signed, _)) => judge(path, &signed, &mut counts),
                Err(error) => counts.fail(path, error),
            }
        }
    }
    eprintln!(
        "{} parsed, {} verified, {} tokens, {} countersignatures",
        counts.parsed, counts.verified, counts.tokens, counts.countersignatures
    );
    assert!(counts.failures.is_empty(), "{:#?}", counts.failures);
    assert!(counts.parsed >= 100 && counts.verified >= 90, "the files that are here hold more");
    assert!(counts.tokens >= 10 && counts.countersignatures >= 3, "the files that are here hold more");
}

fn judge(path: &Path, signed: &SignedData, counts: &mut Counts) {
    counts.parsed += 1;
    let tolerated = Tolerated(&[Weak::Sha1]);
    let now = Timestamp::parse("2026-11-29T00:00:00Z").unwrap();
    for signer in signed.signers() {
        if let (Some(content), Some(certificate)) =
            (signed.content(), signer.certificate(signed.certificates()))
        {
            match signer.verify(certificate, content.value(), signed.content_type(), tolerated) {
                Ok(()) => counts.verified += 1,
                Err(stop) => counts.fail(path, format!("{stop:?}")),
            }
        }
        for id in TOKENS {
            for token in signer.unsigned_attributes(ObjectIdentifier::new_unwrap(id)) {
                // Whether the root is the right one is not the question here: the topmost CA that came along
                // stands for it.
                let (inside, _) = SignedData::parse(token).unwrap();
                let authorities: Vec<_> =
                    inside.certificates().iter().filter(|one| is_authority(one)).cloned().collect();
                match timestamp::token(
                    token,
                    signer.signature(),
                    &authorities,
                    now,
                    tolerated,
                    &Budget::default(),
                ) {
                    Ok(proven) => {
                        counts.tokens += 1;
                        let other = timestamp::token(
                            token,
                            b"another",
                            &authorities,
                            now,
                            tolerated,
                            &Budget::default(),
                        );
                        assert!(matches!(other, Err(Stop::Found(Reason::TimestampBroken, _))));
                        let early = Timestamp::from_seconds(proven.at.seconds() - 61).unwrap();
                        let early = timestamp::token(
                            token,
                            signer.signature(),
                            &authorities,
                            early,
                            tolerated,
                            &Budget::default(),
                        );
                        assert!(matches!(early, Err(Stop::Found(Reason::TimestampFromTheFuture, _))));
                    }
                    Err(stop) => counts.fail(path, format!("token: {stop:?}")),
                }
            }
        }
        for info in signer.unsigned_attributes(ObjectIdentifier::new_unwrap(COUNTERSIGNATURE)) {
            let among = signed.certificates();
            let authorities: Vec<_> = among.iter().filter(|one| is_authority(one)).cloned().collect();
            match timestamp::countersignature(
                info,
                signer.signature(),
                among,
                &authorities,
                now,
                tolerated,
                &Budget::default(),
            ) {
                Ok(_) => counts.countersignatures += 1,
                Err(stop) => counts.fail(path, format!("countersignature: {stop:?}")),
            }
        }
    }
}

fn is_authority(certificate: &Certificate) -> bool {
    certificate
        .extension(ObjectIdentifier::new_unwrap("2.5.29.19"))
        .is_some_and(|found| found.value.len() > 2)
}
