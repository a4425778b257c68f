// SPDX-License-Identifier: Apache-2.0
//! CMS and timestamps that `openssl cms` and `openssl ts` make: every form is read, and what is changed in
//! them is noticed, by them and by us.
// A test that cannot start its tool should stop where it stands.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::process::Command;

use const_oid::ObjectIdentifier;
use der::asn1::AnyRef;
use der::{Decode, Encode, Reader, SliceReader};
use manifests::evidence::{Verdict, Weak};
use manifests::time::Timestamp;
use verifier::signature::cms::{SignedData, SignerInfo};
use verifier::signature::x509::{Budget, Certificate, PathDemand, Purpose, build, read};
use verifier::signature::{Reason, Stop, Tolerated, timestamp};

const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const CONTENT: &[u8] = b"The content that is signed.\n";

fn openssl(folder: &Path, arguments: &str) -> bool {
    let done = Command::new("openssl").current_dir(folder).args(arguments.split(' ')).output().unwrap();
    if !done.status.success() {
        eprintln!("openssl {arguments}: {}", String::from_utf8_lossy(&done.stderr));
    }
    done.status.success()
}

/// A folder with content, a root, and a signer `NAME` with a key of this kind. None without openssl.
fn scene(name: &str, key: &str, extensions: &str) -> Option<tempfile::TempDir> {
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("skipped: openssl is not here");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("content"), CONTENT).unwrap();
    let p256 = "ec -pkeyopt ec_paramgen_curve:P-256";
    let authority = "basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash\n";
    certify(folder.path(), "root", "-signkey root.key", p256, authority);
    let by = "-CA root.pem -CAkey root.key -CAcreateserial";
    certify(folder.path(), name, by, key, &format!("subjectKeyIdentifier=hash\n{extensions}"));
    Some(folder)
}

fn certify(folder: &Path, name: &str, by: &str, key: &str, extensions: &str) {
    let subject = format!("/O=Vectors/CN={name}");
    assert!(openssl(
        folder,
        &format!("req -new -newkey {key} -nodes -keyout {name}.key -subj {subject} -out {name}.csr")
    ));
    std::fs::write(folder.join(format!("{name}.ext")), extensions).unwrap();
    assert!(openssl(
        folder,
        &format!("x509 -req -in {name}.csr {by} -days 365 -extfile {name}.ext -out {name}.pem")
    ));
}

fn certificates(folder: &Path, name: &str) -> Vec<Certificate> {
    let file = std::fs::read(folder.join(format!("{name}.pem"))).unwrap();
    read::certificates(&[file]).unwrap().certificates
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_seconds(since.as_secs()).unwrap()
}

/// Who signed what, as far as it verifies.
fn verified(cms: &[u8], detached: Option<&[u8]>, weak: &[Weak]) -> Result<(Certificate, Vec<u8>), Stop> {
    let malformed = |error| Stop::found(Reason::SignatureMalformed, format!("{error}"));
    let (signed, taken) = SignedData::parse(cms).map_err(malformed)?;
    if taken != cms.len() {
        return Err(Stop::found(Reason::SignatureMalformed, "bytes follow"));
    }
    let [signer] = signed.signers() else { return Err(Stop::found(Reason::NoSignature, "")) };
    let certificate = signer.certificate(signed.certificates());
    let certificate = certificate.ok_or_else(|| Stop::found(Reason::KeyNotSupplied, ""))?.clone();
    let content = detached.or_else(|| signed.content().map(|content| content.value()));
    let content = content.ok_or_else(|| Stop::found(Reason::NoSignature, "no content"))?;
    signer.verify(&certificate, content, signed.content_type(), Tolerated(weak))?;
    if signed.content_type() != DATA {
        return Err(Stop::found(Reason::DigestMismatch, "another content type"));
    }
    Ok((certificate, content.to_vec()))
}

#[test]
fn every_form_that_openssl_writes() {
    let p521 = "ec -pkeyopt ec_paramgen_curve:P-521";
    for (key, how) in [
        ("rsa:2048", "-md sha256"),
        ("rsa:2048", "-md sha512 -keyopt rsa_padding_mode:pss"),
        ("rsa:2048", "-md sha256 -noattr"),
        ("rsa:2048", "-md sha256 -keyid"),
        ("rsa:2048", "-md sha256 -stream -indef"),
        ("rsa:2048", "-md sha256 -nosmimecap -stream -indef"),
        ("ec -pkeyopt ec_paramgen_curve:P-256", "-md sha256"),
        ("ec -pkeyopt ec_paramgen_curve:P-384", "-md sha384 -noattr"),
        (p521, "-md sha512"),
        (p521, "-md sha256"),
    ] {
        let Some(scene) = scene("signer", key, "") else { return };
        let folder = scene.path();
        let sign =
            format!("cms -sign -binary -in content -signer signer.pem -inkey signer.key -outform DER {how}");
        assert!(openssl(folder, &format!("{sign} -nodetach -out attached")));
        assert!(openssl(folder, &format!("{sign} -out detached")));
        assert!(openssl(
            folder,
            "cms -verify -binary -inform DER -in attached -CAfile root.pem -purpose any -out out"
        ));
        let signer = &certificates(folder, "signer")[0];
        let attached = std::fs::read(folder.join("attached")).unwrap();
        let detached = std::fs::read(folder.join("detached")).unwrap();
        for found in [verified(&attached, None, &[]), verified(&detached, Some(CONTENT), &[])] {
            let (by, content) = found.unwrap_or_else(|stop| panic!("{key} {how}: {stop:?}"));
            assert!(by == *signer && content == CONTENT, "{key} {how}");
        }
        let other = verified(&detached, Some(b"other content"), &[]);
        assert!(matches!(other, Err(Stop::Found(Reason::DigestMismatch, _))), "{key} {how}: {other:?}");
    }
}

#[test]
fn sha1_needs_permission_and_md5_gets_none() {
    let Some(scene) = scene("signer", "rsa:2048", "") else { return };
    let folder = scene.path();
    for (digest, allowed) in [("sha1", true), ("md5", false)] {
        let sign =
            "cms -sign -binary -nodetach -in content -signer signer.pem -inkey signer.key -outform DER";
        assert!(openssl(folder, &format!("{sign} -md {digest} -out signed")));
        let signed = std::fs::read(folder.join("signed")).unwrap();
        let weak = |found| matches!(found, Err(Stop::Found(Reason::WeakHash, _)));
        assert!(weak(verified(&signed, None, &[])), "{digest}");
        assert!(weak(verified(&signed, None, &[Weak::Sha1Timestamp])), "{digest}");
        assert_eq!(verified(&signed, None, &[Weak::Sha1]).is_ok(), allowed, "{digest}");
    }
}

#[test]
fn changed_signatures_never_verify_as_something_else() {
    for (key, how) in
        [("rsa:2048", "-md sha256"), ("ec -pkeyopt ec_paramgen_curve:P-256", "-md sha256 -stream -indef")]
    {
        let Some(scene) = scene("signer", key, "") else { return };
        let folder = scene.path();
        let sign =
            "cms -sign -binary -nodetach -in content -signer signer.pem -inkey signer.key -outform DER";
        assert!(openssl(folder, &format!("{sign} {how} -out signed")));
        let signed = std::fs::read(folder.join("signed")).unwrap();
        let certificate = certificates(folder, "signer").remove(0);
        let root = certificates(folder, "root");
        let demand = PathDemand {
            authorities: &root,
            intermediates: &[],
            purpose: Purpose::Any,
            at: now(),
            tolerated: Tolerated(&[]),
            known_critical: &[],
            budget: &Budget::default(),
        };
        assert!(build(&certificate, &demand).is_ok());
        let (parsed, _) = SignedData::parse(&signed).unwrap();
        let signer = &parsed.signers()[0];
        let digest =
            signer.signed_attribute(ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4")).unwrap().unwrap();
        // No byte of content, certificate, digest and signature may change. The rest is open where RFC 5652 leaves
        // it so: versions (§5.1, §5.3), the list of digests (§5.1), and how lengths are written (BER).
        let closed = [CONTENT, certificate.der(), digest, signer.signature()];
        let closed: Vec<_> = closed
            .map(|part| {
                let at = signed
                    .windows(part.len())
                    .position(|window| window == part)
                    .expect("stands there in one piece");
                at..at + part.len()
            })
            .into();
        let (mut mutations, mut open) = (0, Vec::new());
        for at in 0..signed.len() {
            for mask in [0x01, 0x20, 0xff] {
                let mut changed = signed.clone();
                changed[at] ^= mask;
                mutations += 1;
                let Ok((by, content)) = verified(&changed, None, &[]) else { continue };
                if by != certificate {
                    // The key is the same, but no CA vouches for what else the certificate says now.
                    assert!(build(&by, &demand).is_err(), "byte {at} with {mask:#x}");
                    continue;
                }
                // Whatever still verifies says the same.
                assert!(content == CONTENT, "byte {at} with {mask:#x}");
                assert!(
                    !closed.iter().any(|range| range.contains(&at)),
                    "byte {at} with {mask:#x}: {:x?}",
                    signed.get(at.saturating_sub(8)..at + 8)
                );
                open.push(at);
            }
        }
        assert!(mutations >= 2000, "{mutations}");
        // The two versions, the list of digests, and letters of the signer's name in the other case (§5.3: it only
        // leads to the certificate).
        open.dedup();
        assert!(open.len() <= 40, "open: {open:?}");
    }
}

const AUTHORITY: &str = "extendedKeyUsage=critical,timeStamping\n";

/// A token by `openssl ts` over the content.
fn token(folder: &Path, digest: &str, more: &str) -> Vec<u8> {
    std::fs::write(folder.join("serial"), "01\n").unwrap();
    let config = format!(
        "[tsa]\ndefault_tsa=one\n[one]\nserial=serial\nsigner_digest=sha256\ndefault_policy=1.2.3\n\
         digests=sha1,sha256,sha384,sha512\naccuracy=secs:1,millisecs:500\nordering=yes\ntsa_name=yes\n{more}\n"
    );
    std::fs::write(folder.join("tsa.cnf"), config).unwrap();
    assert!(openssl(folder, &format!("ts -query -data content -{digest} -cert -out query")));
    assert!(openssl(
        folder,
        "ts -reply -config tsa.cnf -queryfile query -signer authority.pem -inkey authority.key -token_out -out token"
    ));
    assert!(openssl(folder, "ts -verify -data content -in token -token_in -CAfile root.pem"));
    std::fs::read(folder.join("token")).unwrap()
}

fn reason<T: std::fmt::Debug>(found: Result<T, Stop>) -> Reason {
    match found {
        Err(Stop::Found(reason, _)) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn tokens_of_openssl() {
    for key in ["rsa:2048", "ec -pkeyopt ec_paramgen_curve:P-384"] {
        let Some(scene) = scene("authority", key, AUTHORITY) else { return };
        let folder = scene.path();
        let root = certificates(folder, "root");
        for (digest, more) in [
            ("sha256", ""),
            ("sha512", "ess_cert_id_alg=sha256"),
            ("sha256", "ess_cert_id_alg=sha512"),
            ("sha384", "ess_cert_id_alg=sha1\nclock_precision_digits=3"),
        ] {
            let token = token(folder, digest, more);
            let strict = Tolerated(&[]);
            let proven = timestamp::token(&token, CONTENT, &root, now(), strict, &Budget::default()).unwrap();
            assert!(now().seconds() - proven.at.seconds() < 60, "{}", proven.at);
            assert_eq!(proven.chain.len(), 2);
            let later = |seconds| Timestamp::from_seconds(proven.at.seconds() - seconds).unwrap();
            assert!(timestamp::token(&token, CONTENT, &root, later(60), strict, &Budget::default()).is_ok());
            let early =
                reason(timestamp::token(&token, CONTENT, &root, later(61), strict, &Budget::default()));
            assert_eq!(early, Reason::TimestampFromTheFuture);
            let other = reason(timestamp::token(&token, b"other", &root, now(), strict, &Budget::default()));
            assert_eq!(other, Reason::TimestampBroken);
            let untrusted = reason(timestamp::token(&token, CONTENT, &[], now(), strict, &Budget::default()));
            assert_eq!(untrusted, Reason::TimestampUntrusted);
            // The authority itself may be given.
            let own = certificates(folder, "authority");
            assert_eq!(
                timestamp::token(&token, CONTENT, &own, now(), strict, &Budget::default())
                    .unwrap()
                    .chain
                    .len(),
                1
            );
        }
        let weak = token(folder, "sha1", "");
        assert_eq!(
            reason(timestamp::token(&weak, CONTENT, &root, now(), Tolerated(&[]), &Budget::default())),
            Reason::WeakHash
        );
        for allowed in [Weak::Sha1, Weak::Sha1Timestamp] {
            assert!(
                timestamp::token(&weak, CONTENT, &root, now(), Tolerated(&[allowed]), &Budget::default())
                    .is_ok()
            );
        }
        let toc =
            timestamp::token(&weak, CONTENT, &root, now(), Tolerated(&[Weak::Sha1Toc]), &Budget::default());
        assert_eq!(reason(toc), Reason::WeakHash);
    }
}

#[test]
fn changed_tokens_prove_no_other_time() {
    let Some(scene) = scene("authority", "rsa:2048", AUTHORITY) else { return };
    let folder = scene.path();
    let root = certificates(folder, "root");
    let token = token(folder, "sha256", "");
    let good = timestamp::token(&token, CONTENT, &root, now(), Tolerated(&[]), &Budget::default()).unwrap();
    let (mut mutations, mut open) = (0, Vec::new());
    for at in 0..token.len() {
        for mask in [0x01, 0xff] {
            let mut changed = token.clone();
            changed[at] ^= mask;
            mutations += 1;
            match timestamp::token(&changed, CONTENT, &root, now(), Tolerated(&[]), &Budget::default()) {
                Ok(proven) => {
                    assert!(proven.at == good.at && proven.chain == good.chain, "byte {at} with {mask:#x}");
                    open.push(at);
                }
                Err(Stop::Read(error)) => panic!("{error}"),
                Err(Stop::Found(reason, _)) => assert!(
                    [Verdict::Bad, Verdict::OutsidePolicy].contains(&reason.verdict()),
                    "byte {at}: {reason:?}"
                ),
            }
        }
    }
    assert!(mutations >= 2000, "{mutations}");
    assert!(open.len() <= 45, "versions and the list of digests, RFC 5652 §5.1 and §5.3: {open:?}");
}

/// The one SignerInfo of a detached signature, by the structure of RFC 5652 §5.1.
fn signer_info(cms: &[u8]) -> Vec<u8> {
    let last = |der: &[u8]| {
        let value = AnyRef::from_der(der).unwrap();
        let mut reader = SliceReader::new(value.value()).unwrap();
        let mut last = None;
        while !reader.is_finished() {
            last = Some(AnyRef::decode(&mut reader).unwrap());
        }
        last.unwrap().to_der().unwrap()
    };
    let content_info = last(cms);
    let signed_data = last(&content_info);
    let signer_infos = last(&signed_data);
    last(&signer_infos)
}

/// A countersignature is a SignerInfo over the octets of another signature (RFC 5652 §11.4): one over any
/// octets, detached.
#[test]
fn countersignatures_made_with_openssl() {
    let Some(scene) = scene("authority", "rsa:2048", AUTHORITY) else { return };
    let folder = scene.path();
    let root = certificates(folder, "root");
    let own = certificates(folder, "authority");
    let sign = "cms -sign -binary -in content -signer authority.pem -inkey authority.key -outform DER";
    assert!(openssl(folder, &format!("{sign} -md sha256 -out signed")));
    let info = signer_info(&std::fs::read(folder.join("signed")).unwrap());
    assert!(SignerInfo::parse(&info).is_ok());
    let strict = Tolerated(&[]);
    let proven =
        timestamp::countersignature(&info, CONTENT, &own, &root, now(), strict, &Budget::default()).unwrap();
    assert!(now().seconds() - proven.at.seconds() < 60 && proven.chain.len() == 2);
    let other = timestamp::countersignature(&info, b"other", &own, &root, now(), strict, &Budget::default());
    assert_eq!(reason(other), Reason::TimestampBroken);
    let untrusted = timestamp::countersignature(&info, CONTENT, &own, &[], now(), strict, &Budget::default());
    assert_eq!(reason(untrusted), Reason::TimestampUntrusted);
    let early = Timestamp::from_seconds(proven.at.seconds() - 61).unwrap();
    let early = timestamp::countersignature(&info, CONTENT, &own, &root, early, strict, &Budget::default());
    assert_eq!(reason(early), Reason::TimestampFromTheFuture);

    assert!(openssl(folder, &format!("{sign} -noattr -out signed")));
    let info = signer_info(&std::fs::read(folder.join("signed")).unwrap());
    let timeless =
        timestamp::countersignature(&info, CONTENT, &own, &root, now(), strict, &Budget::default());
    assert_eq!(reason(timeless), Reason::TimestampBroken);

    // A time that a code signer states of itself proves nothing.
    let by = "-CA root.pem -CAkey root.key -CAcreateserial";
    certify(folder, "authority", by, "rsa:2048", "extendedKeyUsage=codeSigning\n");
    assert!(openssl(folder, &format!("{sign} -md sha256 -out signed")));
    let info = signer_info(&std::fs::read(folder.join("signed")).unwrap());
    let own = certificates(folder, "authority");
    let claimed = timestamp::countersignature(&info, CONTENT, &own, &root, now(), strict, &Budget::default());
    assert_eq!(reason(claimed), Reason::WrongUsage);
}
