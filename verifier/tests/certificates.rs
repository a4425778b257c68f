// SPDX-License-Identifier: Apache-2.0
//! Chains that `openssl` makes, judged by it and by us: same answer, or the reason stands beside the case.
// A test that cannot start its tool should stop where it stands.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::process::Command;

use manifests::evidence::{Evidence, Verdict, Weak};
use manifests::time::Timestamp;
use verifier::signature::Tolerated;
use verifier::signature::x509::Purpose;
use verifier::signature::x509::leaf::{self, LeafDemand};

fn openssl(folder: &Path, arguments: &str) -> bool {
    let done = Command::new("openssl").current_dir(folder).args(arguments.split(' ')).output().unwrap();
    if !done.status.success() {
        eprintln!("openssl {arguments}: {}", String::from_utf8_lossy(&done.stderr));
    }
    done.status.success()
}

fn is_missing() -> bool {
    let missing = Command::new("openssl").arg("version").output().is_err();
    if missing {
        eprintln!("skipped: openssl is not here");
    }
    missing
}

const P256: &str = "ec -pkeyopt ec_paramgen_curve:P-256";
const AUTHORITY: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n";
const IDENTIFIERS: &str = "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n";

/// Makes `name.pem`, certified by `issuer` (by itself where none).
fn certify(folder: &Path, name: &str, issuer: Option<&str>, key: &str, how: &str, extensions: &str) {
    let subject = format!("/C=DE/O=Vectors/CN={name}");
    assert!(openssl(
        folder,
        &format!("req -new -newkey {key} -nodes -keyout {name}.key -subj {subject} -out {name}.csr")
    ));
    std::fs::write(folder.join(format!("{name}.ext")), extensions).unwrap();
    let by = issuer.map_or_else(
        || format!("-signkey {name}.key"),
        |issuer| format!("-CA {issuer}.pem -CAkey {issuer}.key -CAcreateserial"),
    );
    let how = if how.is_empty() { String::new() } else { format!(" {how}") };
    assert!(openssl(
        folder,
        &format!("x509 -req -in {name}.csr {by} -days 365 -extfile {name}.ext -out {name}.pem{how}")
    ));
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_seconds(since.as_secs()).unwrap()
}

fn judge(folder: &Path, purpose: Purpose, between: &[&str], tolerated: &[Weak]) -> Evidence {
    judge_at(folder, purpose, between, tolerated, now())
}

fn judge_at(
    folder: &Path,
    purpose: Purpose,
    between: &[&str],
    tolerated: &[Weak],
    now: Timestamp,
) -> Evidence {
    let read = |name: &str| std::fs::read(folder.join(format!("{name}.pem"))).unwrap();
    let demand = LeafDemand {
        authorities: &[read("root")],
        intermediates: &between.iter().map(|name| read(name)).collect::<Vec<_>>(),
        pins: &[],
        purpose,
        now,
        tolerated: Tolerated(tolerated),
    };
    leaf::check(&read("leaf"), &demand).unwrap()
}

#[track_caller]
fn answers(evidence: &Evidence, verdict: Verdict, reason: Option<&str>) {
    assert_eq!((evidence.verdict, evidence.reason), (verdict, reason), "{:?}", evidence.notes);
}

#[test]
fn every_algorithm_that_openssl_signs_with() {
    if is_missing() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let p384 = "ec -pkeyopt ec_paramgen_curve:P-384";
    let p521 = "ec -pkeyopt ec_paramgen_curve:P-521";
    let pss = "-sha384 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:48";
    let extensions = format!("{AUTHORITY}subjectKeyIdentifier=hash\n");
    for (key, how, reason) in [
        ("rsa:2048", "-sha256", None),
        ("rsa:3072", "-sha512", None),
        ("rsa:2048", "-sha224", None),
        ("rsa:2048", pss, None),
        (P256, "-sha256", None),
        (P256, "-sha512", None),
        (p384, "-sha384", None),
        (p384, "-sha224", None),
        (p521, "-sha512", None),
        (p521, "-sha256", None),
        ("ed25519", "", None),
        ("ed448", "", Some("unknown-algorithm")),
        ("rsa:1024", "-sha256", Some("weak-key")),
        ("rsa:2048", "-sha1", Some("weak-hash")),
        ("rsa:2048", "-md5", Some("weak-hash")),
        ("rsa:2048", "-sha1 -sigopt rsa_padding_mode:pss", Some("weak-hash")),
        ("rsa:2048", "-sha3-256", Some("unknown-algorithm")),
        ("ec -pkeyopt ec_paramgen_curve:prime192v1", "-sha256", Some("weak-key")),
        ("ec -pkeyopt ec_paramgen_curve:secp256k1", "-sha256", Some("unknown-algorithm")),
    ] {
        certify(folder, "root", None, key, how, &extensions);
        certify(folder, "leaf", Some("root"), P256, how, "basicConstraints=CA:FALSE\n");
        // OpenSSL knows all of these; what it refuses by its security level is a matter of its configuration.
        let by_openssl = openssl(folder, "verify -auth_level 0 -CAfile root.pem leaf.pem");
        assert!(by_openssl, "{key} {how}");
        let evidence = judge(folder, Purpose::Any, &[], &[]);
        let verdict = if reason.is_none() { Verdict::Good } else { Verdict::OutsidePolicy };
        assert_eq!(
            (evidence.verdict, evidence.reason),
            (verdict, reason),
            "{key} {how}: {:?}",
            evidence.notes
        );
        let sha1 = judge(folder, Purpose::Any, &[], &[Weak::Sha1]).verdict == Verdict::Good;
        assert_eq!(sha1, reason.is_none() || how == "-sha1", "{key} {how} with SHA-1 allowed");
    }
}

/// Extensions of the CA between, extensions of the leaf, our reason, and what OpenSSL says to it.
type Case = (&'static str, &'static str, Option<&'static str>, Oracle);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Oracle {
    Same,
    /// OpenSSL accepts what we refuse.
    Laxer,
}

const CASES: [Case; 29] = [
    ("", "", None, Oracle::Same),
    ("basicConstraints=critical,CA:FALSE", "", Some("issuer-not-ca"), Oracle::Same),
    ("basicConstraints=CA:TRUE,pathlen:0", "", None, Oracle::Same),
    ("basicConstraints=critical,CA:TRUE\nkeyUsage=digitalSignature", "", Some("issuer-not-ca"), Oracle::Same),
    ("", "1.2.3.4=critical,ASN1:NULL", Some("unknown-critical"), Oracle::Same),
    ("CA\n1.2.3.4=critical,ASN1:NULL", "", Some("unknown-critical"), Oracle::Same),
    ("", "1.2.3.4=ASN1:NULL", None, Oracle::Same),
    // Revocation is not checked offline, so what says critically where to look for it is not processed.
    ("", "crlDistributionPoints=critical,URI:http://example/crl", Some("unknown-critical"), Oracle::Laxer),
    (
        "CA\nnameConstraints=critical,permitted;DNS:in.example",
        "subjectAltName=DNS:a.in.example",
        None,
        Oracle::Same,
    ),
    (
        "CA\nnameConstraints=permitted;DNS:in.example",
        "subjectAltName=DNS:a.out.example",
        Some("name-not-permitted"),
        Oracle::Same,
    ),
    (
        "CA\nnameConstraints=critical,excluded;DNS:out.example",
        "subjectAltName=DNS:a.out.example",
        Some("name-not-permitted"),
        Oracle::Same,
    ),
    (
        "CA\nnameConstraints=critical,permitted;email:in.example",
        "subjectAltName=email:me@in.example",
        None,
        Oracle::Same,
    ),
    (
        "CA\nnameConstraints=critical,permitted;email:in.example",
        "subjectAltName=email:me@sub.in.example",
        Some("name-not-permitted"),
        Oracle::Same,
    ),
    (
        "CA\nnameConstraints=critical,permitted;email:.in.example",
        "subjectAltName=email:me@sub.in.example",
        None,
        Oracle::Same,
    ),
    (
        "CA\nnameConstraints=critical,permitted;URI:.in.example",
        "subjectAltName=URI:https://a.in.example/x",
        None,
        Oracle::Same,
    ),
    (
        "CA\nnameConstraints=critical,permitted;URI:in.example",
        "subjectAltName=URI:https://a.in.example/x",
        Some("name-not-permitted"),
        Oracle::Same,
    ),
    (
        "CA\nnameConstraints=critical,permitted;IP:192.0.2.0/255.255.255.0",
        "subjectAltName=IP:192.0.2.7",
        None,
        Oracle::Same,
    ),
    (
        "CA\nnameConstraints=critical,permitted;IP:192.0.2.0/255.255.255.0",
        "subjectAltName=IP:192.0.3.7",
        Some("name-not-permitted"),
        Oracle::Same,
    ),
    (
        "CA\nnameConstraints=critical,permitted;IP:192.0.2.0/255.255.255.0",
        "subjectAltName=IP:2001:db8::1",
        Some("name-not-permitted"),
        Oracle::Same,
    ),
    ("CA\nnameConstraints=critical,permitted;dirName:in\n[in]\nC=DE\nO=Vectors", "", None, Oracle::Same),
    ("CA\nnameConstraints=critical,permitted;dirName:in\n[in]\nC=DE\nO=vectors", "", None, Oracle::Same),
    (
        "CA\nnameConstraints=critical,permitted;dirName:in\n[in]\nC=FR",
        "",
        Some("name-not-permitted"),
        Oracle::Same,
    ),
    (
        "CA\nnameConstraints=critical,excluded;dirName:in\n[in]\nC=DE",
        "",
        Some("name-not-permitted"),
        Oracle::Same,
    ),
    (
        "CA\nnameConstraints=critical,permitted;RID:1.2.3",
        "subjectAltName=RID:1.2.3",
        Some("name-not-permitted"),
        Oracle::Same,
    ),
    (
        "CA\npolicyConstraints=critical,requireExplicitPolicy:0\ncertificatePolicies=1.2.3.9",
        "certificatePolicies=1.2.3.9",
        None,
        Oracle::Same,
    ),
    (
        "CA\npolicyConstraints=critical,requireExplicitPolicy:0\ncertificatePolicies=1.2.3.9",
        "certificatePolicies=1.2.3.8",
        Some("policy-not-fulfilled"),
        Oracle::Same,
    ),
    (
        "CA\npolicyConstraints=critical,requireExplicitPolicy:0\ncertificatePolicies=2.5.29.32.0",
        "certificatePolicies=1.2.3.8",
        None,
        Oracle::Same,
    ),
    (
        "CA\npolicyConstraints=critical,requireExplicitPolicy:0\ninhibitAnyPolicy=0\ncertificatePolicies=1.2.3.9",
        "certificatePolicies=2.5.29.32.0",
        Some("policy-not-fulfilled"),
        Oracle::Same,
    ),
    (
        "CA\npolicyConstraints=critical,requireExplicitPolicy:0\ncertificatePolicies=1.2.3.9\npolicyMappings=1.2.3.9:1.2.3.7",
        "certificatePolicies=1.2.3.7",
        None,
        Oracle::Same,
    ),
];

#[test]
fn rules_on_chains_agree_with_openssl() {
    if is_missing() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let root = format!("{AUTHORITY}subjectKeyIdentifier=hash\n");
    certify(folder, "root", None, P256, "-sha256", &root);
    for (between, leaf, reason, oracle) in CASES {
        let between = match between.strip_prefix("CA") {
            Some(more) => format!("{AUTHORITY}{}", more.trim_start()),
            None if between.is_empty() => AUTHORITY.to_owned(),
            None => between.to_owned(),
        };
        // A section of its own stays behind what belongs to the certificate.
        certify(folder, "between", Some("root"), P256, "-sha256", &format!("{IDENTIFIERS}{between}\n"));
        certify(folder, "leaf", Some("between"), P256, "-sha256", &format!("{IDENTIFIERS}{leaf}\n"));
        let evidence = judge(folder, Purpose::Any, &["between"], &[]);
        let verdict = if reason.is_none() { Verdict::Good } else { Verdict::OutsidePolicy };
        assert_eq!(
            (evidence.verdict, evidence.reason),
            (verdict, reason),
            "{between} | {leaf}: {:?}",
            evidence.notes
        );
        let by_openssl = openssl(
            folder,
            "verify -policy_check -policy anyPolicy -CAfile root.pem -untrusted between.pem leaf.pem",
        );
        let wanted = reason.is_none() || oracle == Oracle::Laxer;
        assert_eq!(by_openssl, wanted, "openssl on {between} | {leaf}");
    }
}

#[test]
fn purposes_bind_leaf_and_authorities_above() {
    if is_missing() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    certify(folder, "root", None, P256, "-sha256", &format!("{AUTHORITY}extendedKeyUsage=serverAuth\n"));
    let cases: [(&str, &str, Purpose, bool); 12] = [
        ("", "extendedKeyUsage=codeSigning", Purpose::CodeSigning, true),
        ("", "extendedKeyUsage=codeSigning,clientAuth", Purpose::CodeSigning, true),
        ("", "extendedKeyUsage=anyExtendedKeyUsage", Purpose::CodeSigning, false),
        ("", "", Purpose::CodeSigning, false),
        ("", "extendedKeyUsage=codeSigning\nkeyUsage=keyEncipherment", Purpose::CodeSigning, false),
        ("extendedKeyUsage=codeSigning", "extendedKeyUsage=codeSigning", Purpose::CodeSigning, true),
        ("extendedKeyUsage=anyExtendedKeyUsage", "extendedKeyUsage=codeSigning", Purpose::CodeSigning, true),
        ("extendedKeyUsage=timeStamping", "extendedKeyUsage=codeSigning", Purpose::CodeSigning, false),
        ("", "extendedKeyUsage=critical,timeStamping", Purpose::Timestamping, true),
        ("", "extendedKeyUsage=timeStamping", Purpose::Timestamping, true),
        ("", "extendedKeyUsage=critical,timeStamping,codeSigning", Purpose::Timestamping, false),
        ("", "extendedKeyUsage=critical,timeStamping\nkeyUsage=keyAgreement", Purpose::Timestamping, false),
    ];
    for (between, leaf, purpose, good) in cases {
        certify(folder, "between", Some("root"), P256, "-sha256", &format!("{AUTHORITY}{between}\n"));
        certify(folder, "leaf", Some("between"), P256, "-sha256", &format!("{IDENTIFIERS}{leaf}\n"));
        let evidence = judge(folder, purpose, &["between"], &[]);
        let wanted = if good { (Verdict::Good, None) } else { (Verdict::OutsidePolicy, Some("wrong-usage")) };
        assert_eq!((evidence.verdict, evidence.reason), wanted, "{between} | {leaf}: {:?}", evidence.notes);
        answers(&judge(folder, Purpose::Any, &["between"], &[]), Verdict::Good, None);
    }
}

#[test]
fn path_lengths_and_times() {
    if is_missing() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    certify(folder, "root", None, P256, "-sha256", AUTHORITY);
    certify(folder, "upper", Some("root"), P256, "-sha256", "basicConstraints=critical,CA:TRUE,pathlen:0\n");
    certify(folder, "lower", Some("upper"), P256, "-sha256", AUTHORITY);
    certify(folder, "leaf", Some("lower"), P256, "-sha256", "basicConstraints=CA:FALSE\n");
    let found = judge(folder, Purpose::Any, &["lower", "upper"], &[]);
    answers(&found, Verdict::OutsidePolicy, Some("path-length-exceeded"));
    assert!(!openssl(folder, "verify -CAfile root.pem -untrusted upper.pem -untrusted lower.pem leaf.pem"));
    answers(&judge(folder, Purpose::Any, &["lower"], &[]), Verdict::WrongSigner, Some("untrusted-chain"));

    certify(folder, "leaf", Some("upper"), P256, "-sha256", "basicConstraints=CA:FALSE\n");
    let at = |days: i64| {
        let seconds = i64::try_from(now().seconds()).unwrap() + days * 86_400;
        judge_at(
            folder,
            Purpose::Any,
            &["upper"],
            &[],
            Timestamp::from_seconds(seconds.cast_unsigned()).unwrap(),
        )
    };
    answers(&at(364), Verdict::Good, None);
    answers(&at(366), Verdict::OutsidePolicy, Some("certificate-expired"));
    answers(&at(-1), Verdict::OutsidePolicy, Some("certificate-not-yet-valid"));
}

#[test]
fn no_byte_of_a_certificate_can_change_unseen() {
    if is_missing() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    certify(folder, "root", None, "rsa:2048", "-sha256", AUTHORITY);
    certify(
        folder,
        "leaf",
        Some("root"),
        "rsa:2048",
        "-sha256",
        &format!("{IDENTIFIERS}keyUsage=digitalSignature\n"),
    );
    assert!(openssl(folder, "x509 -in leaf.pem -outform DER -out leaf.der"));
    let leaf = std::fs::read(folder.join("leaf.der")).unwrap();
    let root = [std::fs::read(folder.join("root.pem")).unwrap()];
    let demand = LeafDemand {
        authorities: &root,
        intermediates: &[],
        pins: &[],
        purpose: Purpose::Any,
        now: now(),
        tolerated: Tolerated(&[]),
    };
    answers(&leaf::check(&leaf, &demand).unwrap(), Verdict::Good, None);
    let mut mutations = 0;
    for at in 0..leaf.len() {
        for mask in [0x01, 0x80, 0xff] {
            let mut changed = leaf.clone();
            changed[at] ^= mask;
            let verdict = leaf::check(&changed, &demand).unwrap().verdict;
            assert!(verdict != Verdict::Good, "byte {at} with {mask:#x}");
            mutations += 1;
        }
    }
    assert!(mutations >= 2000, "{mutations}");
}

/// CAs that all certify each other: the number of paths grows with the factorial of theirs.
#[test]
fn a_thicket_of_cross_certificates_ends() {
    if is_missing() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let extensions = &format!("{IDENTIFIERS}{AUTHORITY}");
    certify(folder, "root", None, P256, "-sha256", AUTHORITY);
    let count = 8;
    for one in 0..count {
        certify(folder, &format!("ca{one}"), Some("root"), P256, "-sha256", extensions);
    }
    certify(folder, "leaf", Some("ca7"), P256, "-sha256", "basicConstraints=CA:FALSE\n");
    let mut bundle = Vec::new();
    for one in 0..count {
        for other in (0..count).filter(|other| *other != one) {
            let by = format!("-CA ca{other}.pem -CAkey ca{other}.key -CAcreateserial -extfile ca{one}.ext");
            assert!(openssl(folder, &format!("x509 -req -in ca{one}.csr {by} -days 365 -out cross.pem")));
            bundle.extend(std::fs::read(folder.join("cross.pem")).unwrap());
        }
    }
    std::fs::write(folder.join("thicket.pem"), bundle).unwrap();
    let start = std::time::Instant::now();
    answers(&judge(folder, Purpose::Any, &["thicket"], &[]), Verdict::Malformed, Some("limit-exceeded"));
    // One way out is enough, wherever it stands.
    answers(&judge(folder, Purpose::Any, &["thicket", "ca0"], &[]), Verdict::Good, None);
    answers(&judge(folder, Purpose::Any, &["ca7", "thicket"], &[]), Verdict::Good, None);
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}

#[test]
fn pins_and_namesakes() {
    if is_missing() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    certify(folder, "root", None, P256, "-sha256", AUTHORITY);
    certify(folder, "leaf", Some("root"), P256, "-sha256", "basicConstraints=CA:FALSE\n");
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let (root, leaf) = ([read("root.pem")], read("leaf.pem"));
    let judge = |pins: &[_], authorities: &[Vec<u8>], now| {
        let demand = LeafDemand {
            authorities,
            intermediates: &[],
            pins,
            purpose: Purpose::Any,
            now,
            tolerated: Tolerated(&[]),
        };
        leaf::check(&leaf, &demand).unwrap()
    };
    let found = judge(&[], &root, now());
    answers(&found, Verdict::Good, None);
    assert_eq!(found.not_checked, ["revocation"]);
    let own = found.covers[0].digest;
    let other = verifier::signature::digest::sha256(b"other");
    answers(&judge(&[other, own], &root, now()), Verdict::Good, None);
    answers(&judge(&[other], &root, now()), Verdict::WrongSigner, Some("not-pinned"));
    // Outside policy is said of a pinned certificate only.
    answers(&judge(&[other], &root, Timestamp::EPOCH), Verdict::WrongSigner, Some("not-pinned"));
    answers(
        &judge(&[own], &root, Timestamp::EPOCH),
        Verdict::OutsidePolicy,
        Some("certificate-not-yet-valid"),
    );
    // The leaf as its own authority: its own dates hold all the same.
    let itself = [leaf.clone()];
    answers(&judge(&[], &itself, now()), Verdict::Good, None);
    answers(
        &judge(&[], &itself, Timestamp::EPOCH),
        Verdict::OutsidePolicy,
        Some("certificate-not-yet-valid"),
    );
    // A root of the same name with another key, without and beside the real one.
    certify(folder, "root", None, P256, "-sha256", AUTHORITY);
    let namesake = read("root.pem");
    let both = [namesake, root[0].clone()];
    answers(&judge(&[], &both[..1], now()), Verdict::WrongSigner, Some("untrusted-chain"));
    answers(&judge(&[], &both, now()), Verdict::Good, None);
}
