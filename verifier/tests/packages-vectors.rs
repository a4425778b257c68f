// SPDX-License-Identifier: Apache-2.0
//! Mutations of packages and repositories of others, where `../shared/vectors` lies beside the project: versions and
//! keys that no program here can make.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "support/gpg.rs"]
mod gpg;

use std::fs;
use std::path::PathBuf;

use gpg::mutations;
use manifests::evidence::{Evidence, Verdict};
use manifests::fingerprint::Fingerprint;
use manifests::time::Timestamp;
use verifier::signature::apt::{self, Chain};
use verifier::signature::openpgp::{Sha1, Supplied};
use verifier::signature::{deb, rpm};

fn vector(name: &str) -> Option<Vec<u8>> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors");
    let path = std::env::var_os("SEALIFT_VECTORS").map_or(beside, PathBuf::from).join(name);
    let found = fs::read(&path).ok();
    if found.is_none() {
        eprintln!("SKIPPED: {} is not here", path.display());
    }
    found
}

fn judge(
    key: &[u8],
    pin: &str,
    now: &str,
    checker: impl Fn(&Supplied<'_>) -> std::io::Result<Evidence>,
) -> Verdict {
    let pin = Fingerprint::parse(pin).unwrap();
    let (now, pins) = (Timestamp::parse(now).unwrap(), std::slice::from_ref(&pin));
    checker(&Supplied { keys: &[key], pins, now, sha1: Sha1::Refused }).unwrap().verdict
}

#[test]
fn rpm_packages() {
    for (package, key, pin) in [
        (
            "rpm-rs/RPMS/v4/signed/rpm-basic-with-rsa4096-2.3.4-5.el9.noarch.rpm",
            "rpm-rs/signing_keys/v4/rpm-testkey-v4-rsa4096.asc",
            "D996AEDC0D64D1E621B95AD2E964F9FB30D073B5",
        ),
        (
            "rpm-rs/RPMS/v6/signed/rpm-basic-multiple-signatures-2.3.4-5.el9.noarch.rpm",
            "rpm-rs/signing_keys/v6/rpm-testkey-v6-ed25519.asc",
            "EE11ADB4FB08151E04CED70B413E0ACE80950F1E78E7ECC6FDB8F64041DD35AF",
        ),
        (
            "rpm-upstream/RPMS/hello-2.0-1.x86_64-signed-mldsa87.rpm",
            "rpm-upstream/keys/rpm.org-rsa-2048-test.pub",
            "771B18D3D7BAA28734333C424344591E1964C5FC",
        ),
    ] {
        let both = vector(&format!("rpm/{package}")).zip(vector(&format!("rpm/{key}")));
        let Some((package, key)) = both else { return };
        let verdict = |bytes: &Vec<u8>| {
            judge(&key, pin, "2026-11-22T00:00:00Z", |supplied| rpm::check(bytes, supplied))
        };
        assert_eq!(verdict(&package), Verdict::Good);
        let read = rpm::package::Package::read(&package).unwrap();
        let header = usize::try_from(read.payload).unwrap() - read.header().len();
        for (at, changed) in mutations(&package, header..package.len(), 2_000) {
            let verdict = verdict(&changed);
            assert!(matches!(verdict, Verdict::Bad | Verdict::Malformed), "byte {at}: {verdict}");
        }
        // Nothing covers lead and signature header: an answer, whatever it is.
        mutations(&package, 0..header, 2_000).for_each(|(_, changed)| _ = verdict(&changed));
    }
}

#[test]
fn debian_packages() {
    let key = "deb/debsig-verify/keyrings/B2551A215CE5C74584C6AE0DE9F3837DB59CDACD/pubring.pgp";
    let both = vector("deb/tool-made/deb-origin-sha256-good.deb").zip(vector(key));
    let Some((package, key)) = both else { return };
    let pin = "B2551A215CE5C74584C6AE0DE9F3837DB59CDACD";
    let verdict =
        |bytes: &Vec<u8>| judge(&key, pin, "2026-11-23T00:00:00Z", |supplied| deb::check(bytes, supplied));
    assert_eq!(verdict(&package), Verdict::Good);
    let read = deb::Package::read(&package).unwrap();
    for member in &read.contents {
        let start = usize::try_from(member.start).unwrap();
        for (at, changed) in
            mutations(&package, start..start + usize::try_from(member.length).unwrap(), 2_000)
        {
            let verdict = verdict(&changed);
            assert!(matches!(verdict, Verdict::Bad | Verdict::Malformed), "byte {at}: {verdict}");
        }
    }
}

#[test]
fn a_repository() {
    let files = [
        "debian_dists_bookworm-updates_InRelease",
        "debian_dists_bookworm-updates_main_binary-amd64_Packages",
        "samba-ad-dc_4.17.12+dfsg-0+deb12u2_all.deb",
        "debian-archive-trixie-automatic.gpg",
    ];
    let files: Option<Vec<Vec<u8>>> =
        files.iter().map(|name| vector(&format!("deb/debian-archive/{name}"))).collect();
    let Some([release, packages, package, key]) = files.as_deref() else { return };
    let pin = "04B54C3CDCA79751B16BC6B5225629DF75B188BD";
    let verdict = |release: &Vec<u8>, packages: &Vec<u8>, package: &Vec<u8>| {
        let chain = Chain { release, signature: None, packages };
        judge(key, pin, "2026-11-22T00:00:00Z", |supplied| apt::package(package, &chain, supplied))
    };
    assert_eq!(verdict(release, packages, package), Verdict::Good);
    let end = release.windows(10).position(|window| window == b"-----BEGIN").unwrap();
    let text = release.windows(2).position(|window| window == b"\n\n").unwrap() + 2;
    let end = end + release[end + 1..].windows(10).position(|window| window == b"-----BEGIN").unwrap();
    for (at, changed) in mutations(release, text..end, 2_000) {
        let verdict = verdict(&changed, packages, package);
        assert!(matches!(verdict, Verdict::Bad | Verdict::Malformed), "byte {at} of Release: {verdict}");
    }
    for (at, changed) in mutations(packages, 0..packages.len(), 2_000) {
        let verdict = verdict(release, &changed, package);
        assert!(matches!(verdict, Verdict::Bad), "byte {at} of Packages: {verdict}");
    }
    for (at, changed) in mutations(package, 0..package.len(), 2_000) {
        let verdict = verdict(release, packages, &changed);
        assert!(matches!(verdict, Verdict::Bad), "byte {at} of the package: {verdict}");
    }
}
