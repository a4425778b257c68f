// SPDX-License-Identifier: Apache-2.0
//! Apple's signatures against independent tools: packages that bsdtar writes and rcodesign signs, code that
//! rcodesign signs, CMS signatures that openssl verifies; and bytes changed in genuine files.
//!
//! Where a tool or the vendors' files are absent, the test says that it was skipped.
// A test that cannot start its tool should stop where it stands.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use manifests::evidence::{Evidence, Verdict, Weak};
use manifests::time::Timestamp;
use verifier::signature::Tolerated;
use verifier::signature::apple::{code, package};
use verifier::signature::x509::demand::CertificateDemand;
use verifier::signature::x509::{Certificate, read};

/// Where `testdata/make/rcodesign` installs it.
const RCODESIGN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/rcodesign/bin/rcodesign");

/// Runs a tool in a folder; none where it is not here.
fn run(folder: &Path, program: &str, arguments: &[&str]) -> Option<Output> {
    let (path, remedy) = match program {
        "rcodesign" if Path::new(RCODESIGN).is_file() => (RCODESIGN, ""),
        "rcodesign" => (program, "; testdata/make/rcodesign installs it"),
        _ => (program, ""),
    };
    let done = Command::new(path).args(arguments).current_dir(folder).output();
    if done.is_err() {
        eprintln!("skipped: {program} is not here{remedy}");
    }
    done.ok()
}

fn check(file: &[u8], authorities: &[Certificate], now: &str, allow: &[Weak]) -> Evidence {
    let demand = CertificateDemand {
        authorities,
        timestamp_authorities: None,
        pins: &[],
        publisher: None,
        team: None,
        now: Timestamp::parse(now).unwrap(),
        tolerated: Tolerated(allow),
        budget: &verifier::signature::x509::Budget::default(),
    };
    let file = file.to_vec();
    let check = if file.starts_with(b"xar!") { package::check } else { code::check };
    check(&file, &demand).unwrap()
}

/// A self-signed certificate with the markers of Developer ID, by rcodesign; and a time at which it is valid.
fn rcodesign_identity(folder: &Path, profile: &str) -> Option<(Certificate, String)> {
    let pem = format!("{profile}.pem");
    let words = ["generate-self-signed-certificate", "--profile", profile, "--team-id", "TEAM123456"];
    let more = ["--person-name", "Fixture", "--pem-unified-filename", &pem];
    let done = run(folder, "rcodesign", &[&words[..], &more].concat())?;
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let found = read::certificates(&[fs::read(folder.join(pem)).unwrap()]).unwrap();
    let certificate = found.certificates.into_iter().next().unwrap();
    let now = certificate.not_before().to_string();
    Some((certificate, now))
}

#[test]
fn packages_that_bsdtar_writes_and_rcodesign_signs() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let Some((certificate, now)) = rcodesign_identity(folder, "developer-id-installer") else { return };
    fs::write(folder.join("Distribution"), "<installer-gui-script/>\n".repeat(100)).unwrap();
    let payload: Vec<u8> = (0..200_000u32).map(|n| (n.wrapping_mul(n) >> 7) as u8).collect();
    fs::write(folder.join("Payload"), &payload).unwrap();
    for (compression, decoded) in [("none", true), ("gzip", true), ("bzip2", false), ("xz", false)] {
        let options = format!("xar:compression={compression},xar:checksum=sha1,xar:toc-checksum=sha1");
        let arguments =
            ["--format=xar", "--options", &options, "-cf", "plain.pkg", "Distribution", "Payload"];
        let Some(done) = run(folder, "bsdtar", &arguments) else { return };
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let plain = fs::read(folder.join("plain.pkg")).unwrap();
        let authorities = std::slice::from_ref(&certificate);
        assert_eq!(check(&plain, authorities, &now, &[Weak::Sha1Toc]).verdict, Verdict::Unsigned);

        let sign = ["sign", "--pem-file", "developer-id-installer.pem", "--timestamp-url", "none"];
        let done = run(folder, "rcodesign", &[&sign[..], &["plain.pkg", "signed.pkg"]].concat()).unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let signed = fs::read(folder.join("signed.pkg")).unwrap();
        let found = check(&signed, authorities, &now, &[Weak::Sha1Toc]);
        assert_eq!(found.verdict, Verdict::Good, "{compression}: {found:?}");
        let whole = found.covers.iter().find(|one| one.what == "Payload").map(|one| one.digest);
        assert_eq!(whole == Some(verifier::hash::sha256::digest(&payload)), decoded, "{compression}");
        assert_eq!(found.not_checked.iter().any(|text| text.contains("Payload")), !decoded, "{compression}");
        assert_eq!(check(&signed, authorities, &now, &[]).reason, Some("weak-hash"));

        // bsdtar takes out of the signed package what went in.
        let listed = run(folder, "bsdtar", &["-xOf", "signed.pkg", "Payload"]).unwrap();
        assert_eq!(listed.stdout, payload, "{compression}");
        // A changed member is refused by both.
        let mut changed = signed;
        let last = changed.len() - 1000;
        changed[last] ^= 1;
        assert_eq!(check(&changed, authorities, &now, &[Weak::Sha1Toc]).verdict, Verdict::Bad);
        fs::write(folder.join("changed.pkg"), &changed).unwrap();
        let refused = run(folder, "bsdtar", &["-xOf", "changed.pkg", "Payload"]).unwrap();
        assert!(!refused.status.success(), "{compression}");
    }
}

#[test]
fn code_that_rcodesign_signs() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let Some((certificate, now)) = rcodesign_identity(folder, "developer-id-application") else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/make/signed_code.py");
    let Some(done) = run(folder, "python3", &["-B", script.to_str().unwrap(), "."]) else { return };
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let authorities = std::slice::from_ref(&certificate);
    for name in ["not-signed", "ad-hoc", "good", "good-fat"] {
        let sign =
            ["sign", "--pem-file", "developer-id-application.pem", "--timestamp-url", "none", name, "signed"];
        let done = run(folder, "rcodesign", &sign).unwrap();
        assert!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr));
        let signed = fs::read(folder.join("signed")).unwrap();
        let found = check(&signed, authorities, &now, &[]);
        assert_eq!(found.verdict, Verdict::Good, "{name}: {found:?}");
        let verified = run(folder, "rcodesign", &["verify", "signed"]).unwrap();
        assert!(verified.status.success(), "{name}: {}", String::from_utf8_lossy(&verified.stdout));

        let mut changed = signed;
        let text = changed.len() / 4;
        changed[text] ^= 1;
        assert_eq!(check(&changed, authorities, &now, &[]).verdict, Verdict::Bad, "{name}");
        fs::write(folder.join("changed"), &changed).unwrap();
        let refused = run(folder, "rcodesign", &["verify", "changed"]).unwrap();
        assert!(!refused.status.success(), "{name}: {}", String::from_utf8_lossy(&refused.stdout));
    }
}

#[test]
fn openssl_agrees_about_the_cms_signature_of_a_package() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/make/flat_package.py");
    let Some(done) = run(folder, "python3", &["-B", script.to_str().unwrap(), "."]) else { return };
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let file = fs::read(folder.join("good.pkg")).unwrap();
    let table = u64::from_be_bytes(file[8..16].try_into().unwrap()) as usize;
    let heap = &file[28 + table..];
    fs::write(folder.join("checksum"), &heap[..32]).unwrap();
    fs::write(folder.join("other"), [0; 32]).unwrap();
    fs::write(folder.join("cms"), &heap[32 + 256..32 + 256 + 9216]).unwrap();
    let pem = ["x509", "-inform", "DER", "-in", "root.cer", "-out", "root.pem"];
    let Some(done) = run(folder, "openssl", &pem) else { return };
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    for (content, fits) in [("checksum", true), ("other", false)] {
        let words = ["cms", "-verify", "-inform", "DER", "-in", "cms", "-content", content, "-binary"];
        let more = ["-CAfile", "root.pem", "-purpose", "any", "-ignore_critical", "-attime", "1795305600"];
        let Some(done) = run(folder, "openssl", &[&words[..], &more].concat()) else { return };
        assert_eq!(done.status.success(), fits, "{}", String::from_utf8_lossy(&done.stderr));
    }
}

/// Genuine files lie beside the project, with the conformance set.
fn genuine(name: &str) -> Option<Vec<u8>> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let vectors = std::env::var_os("SEALIFT_VECTORS")
        .map_or_else(|| package.join("../../shared/vectors"), PathBuf::from);
    let file = fs::read(vectors.join("apple").join(name)).ok();
    if file.is_none() {
        eprintln!("skipped: {name} is not here");
    }
    file
}

/// Flips a byte at some 2,000 places, those near the signatures closer together, and returns where the verdict
/// stays good.
fn still_good(name: &str, now: &str, allow: &[Weak], dense: std::ops::Range<usize>) -> Option<Vec<usize>> {
    let root = genuine("apple-platform-rs/apple-certs/AppleIncRootCertificate.cer")?;
    let root = [Certificate::from_der(&root).unwrap()];
    let file = genuine(name)?;
    assert_eq!(check(&file, &root, now, allow).verdict, Verdict::Good, "{name}");
    let near = dense.clone().step_by((dense.len() / 1400).max(1));
    let places: Vec<usize> = near.chain((0..file.len()).step_by(file.len() / 700)).collect();
    assert!(places.len() >= 2000, "{}", places.len());
    let good = |&at: &usize| {
        let mut changed = file.clone();
        changed[at] ^= 0x41;
        check(&changed, &root, now, allow).verdict == Verdict::Good
    };
    Some(places.into_iter().filter(good).collect())
}

#[test]
fn a_changed_byte_of_genuine_code_is_refused() {
    let name = "macho/wch-kext-CH34xVCPControlDriver-x86_64-devid-sha1+sha256";
    // The embedded signature begins at 29,248 and its SuperBlob ends 10,154 bytes later; the CMS wrapper lies
    // at 1,010 in it. Leaf and CA are needed of the certificates, the root is not, nor is the token while the
    // leaf is valid (both are outside what is signed, RFC 5652 §5.1).
    let Some(good) = still_good(name, "2026-06-01T00:00:00Z", &[], 0..29_248 + 1_010) else { return };
    let open: Vec<usize> = good.into_iter().filter(|&at| at < 29_248 + 1_010).collect();
    // The SuperBlob's length, and the number of the alternate CodeDirectory's slot.
    assert!(open.iter().all(|at| (29_252..29_256).contains(at) || (29_276..29_280).contains(at)), "{open:?}");
}

#[test]
fn a_changed_byte_of_a_genuine_package_is_refused() {
    // Header and table end at 6,214. The heap: checksum, RSA signature, room for the CMS signature up to 9,492;
    // its last file ends at 1,948,512, and a stapled ticket follows.
    let toc = [Weak::Sha1Toc];
    let Some(good) = still_good("pkg/CH34xVCPDriver.pkg", "2026-11-22T00:00:00Z", &toc, 0..6_214 + 276)
    else {
        return;
    };
    let heap = 6_214;
    let open = |at: usize| {
        // Extended attributes only, or nothing: 9,572 to 9,590, 10,079 to 10,704, 1,948,104 to 1,948,127.
        let gaps = [9_572..9_590, 10_079..10_704, 1_948_104..1_948_127];
        let gap = gaps.iter().any(|gap| at >= heap && gap.contains(&(at - heap)));
        // The CMS signature may become one by nobody known, since the RSA signature is enough.
        let cms = (heap + 276..heap + 9_492).contains(&at);
        gap || cms || at >= heap + 1_948_512
    };
    let wrong: Vec<usize> = good.into_iter().filter(|&at| !open(at)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}
