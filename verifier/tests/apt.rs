// SPDX-License-Identifier: Apache-2.0
//! Chains of repositories: Release files that `gpg` signs here, their Packages and packages of `dpkg-deb`; the
//! signature itself is put before `gpgv` too.
//!
//! Where we differ from `gpgv` and apt, and why:
//! - gpgv reads past text around a signed document; apt and we refuse it;
//! - a key's expiry, SHA-1 and pins: as for detached signatures, see `openpgp.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "support/gpg.rs"]
mod gpg;

use std::fs;
use std::process::Command;

use gpg::{Gpg, Key, have, mutations, reason, run};
use manifests::evidence::{Evidence, Verdict};
use sequoia_openpgp::types::HashAlgorithm;
use verifier::hash::sha256;
use verifier::signature::apt::{self, Chain};
use verifier::signature::digest::Algorithm;
use verifier::signature::openpgp::Sha1;

const TOOLS: [&str; 3] = ["gpg", "gpgv", "dpkg-deb"];
const DATES: &str = "Date: Sat, 21 Nov 2020 02:11:18 UTC\n";

struct Repository {
    gpg: Gpg,
    key: Key,
    deb: Vec<u8>,
    packages: String,
}

impl Repository {
    fn new() -> Self {
        let (gpg, folder) = (Gpg::new(), tempfile::tempdir().unwrap());
        let tree = folder.path().join("tree");
        fs::create_dir_all(tree.join("DEBIAN")).unwrap();
        let control =
            "Package: hello\nVersion: 1:2-3\nArchitecture: all\nMaintainer: a <a@b.c>\nDescription: x\n";
        fs::write(tree.join("DEBIAN/control"), control).unwrap();
        let file = folder.path().join("a.deb");
        run(Command::new("dpkg-deb").args(["--root-owner-group", "-Zxz", "--build"]).arg(&tree).arg(&file));
        let (key, deb) = (gpg.key("archive", "rsa3072"), fs::read(file).unwrap());
        let packages = Self::paragraph("other", 7, "Description: a package\n of the same archive\n")
            + "\n"
            + &Self::paragraph("hello", deb.len(), &format!("SHA256: {}\n", sha256::digest(&deb).hex()));
        Self { gpg, key, deb, packages }
    }

    fn paragraph(name: &str, size: usize, rest: &str) -> String {
        let version = "Version: 1:2-3\nArchitecture: all";
        format!("Package: {name}\n{version}\nFilename: pool/{name}.deb\nSize: {size}\n{rest}")
    }

    fn release(packages: &[u8], path: &str) -> String {
        let digest = sha256::digest(packages).hex();
        format!("Origin: Test\nSuite: s\n{DATES}SHA256:\n {digest} {} {path}\n", packages.len())
    }

    fn inline(&self, text: &str) -> Vec<u8> {
        self.gpg.sign("archive", text.as_bytes(), &["--clear-sign"])
    }

    fn chain(&self, deb: &[u8], release: &[u8], packages: &[u8]) -> Evidence {
        let packages = packages.to_vec();
        let chain = Chain { release, signature: None, packages: &packages };
        self.key.judge(|supplied| apt::package(&deb.to_vec(), &chain, supplied))
    }

    fn judge(&self, release: &[u8]) -> Evidence {
        self.key.judge(|supplied| apt::release(release, None, supplied))
    }

    /// Whether gpgv finds a good signature by this key.
    fn gpgv(&self, document: &[u8]) -> bool {
        let (ring, file) = (self.gpg.path("ring.gpg"), self.gpg.path("document"));
        fs::write(&ring, &self.key.public).unwrap();
        fs::write(&file, document).unwrap();
        let mut gpgv = Command::new("gpgv");
        gpgv.args(["--status-fd", "1", "--output", "/dev/null", "--keyring"]).arg(ring).arg(file);
        String::from_utf8_lossy(&gpgv.output().unwrap().stdout).contains("GOODSIG")
    }
}

fn compressed(program: &str, content: &[u8]) -> Vec<u8> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), content).unwrap();
    run(Command::new(program).arg("-c").arg(file.path())).stdout
}

#[test]
fn a_package_is_proven_through_packages_of_any_compression() {
    if !have("apt", &TOOLS) {
        return;
    }
    let repository = Repository::new();
    for (program, extension) in [("cat", ""), ("gzip", ".gz"), ("xz", ".xz"), ("zstd", ".zst")] {
        if program != "cat" && !have("apt", &[program]) {
            continue;
        }
        let plain = repository.packages.as_bytes();
        let packages = if program == "cat" { plain.to_vec() } else { compressed(program, plain) };
        let path = format!("main/binary-all/Packages{extension}");
        let release = repository.inline(&Repository::release(&packages, &path));
        assert!(repository.gpgv(&release));
        assert_eq!(reason(&repository.judge(&release)), "good");
        let evidence = repository.chain(&repository.deb, &release, &packages);
        assert_eq!(reason(&evidence), "good", "{program}: {evidence:?}");
        assert_eq!(evidence.notes[0], format!("package hello 1:2-3 all, listed in {path}"));
        assert_eq!(evidence.covers.len(), 3);
        assert_eq!(evidence.covers[0].digest, sha256::digest(&repository.deb));
        // Another file of the release is no Packages, whatever it holds.
        let release = repository.inline(&Repository::release(&packages, "main/source/Sources"));
        assert_eq!(reason(&repository.chain(&repository.deb, &release, &packages)), "not-listed");
    }
    if have("apt", &["bzip2"]) {
        let packages = compressed("bzip2", repository.packages.as_bytes());
        let release = repository.inline(&Repository::release(&packages, "main/binary-all/Packages.xz"));
        let evidence = repository.chain(&repository.deb, &release, &packages);
        assert_eq!(reason(&evidence), "compression-not-supported");
        assert!(evidence.notes[0].contains(".xz"), "{evidence:?}");
    }
}

#[test]
fn every_link_counts() {
    if !have("apt", &TOOLS) {
        return;
    }
    let repository = Repository::new();
    let packages = repository.packages.as_bytes();
    let release = repository.inline(&Repository::release(packages, "main/binary-all/Packages"));
    let flipped = |bytes: &[u8], at: usize| {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= 1;
        bytes
    };
    let chain = |deb: &[u8], release: &[u8], packages: &[u8]| {
        let evidence = repository.chain(deb, release, packages);
        assert!(evidence.covers.is_empty() || evidence.verdict == Verdict::Good);
        reason(&evidence)
    };
    let deb = &repository.deb;
    assert_eq!(chain(&flipped(deb, deb.len() - 9), &release, packages), "digest-mismatch");
    assert_eq!(chain(&[&deb[..], b"junk"].concat(), &release, packages), "digest-mismatch");
    assert_eq!(chain(&deb[..deb.len() - 50], &release, packages), "digest-mismatch");
    assert_eq!(chain(b"no package", &release, packages), "file-malformed");
    assert_eq!(chain(deb, &release, &flipped(packages, 20)), "digest-mismatch");
    assert_eq!(chain(deb, &release, &[packages, b"\n"].concat()), "not-listed");
    assert_eq!(chain(deb, &release, b""), "not-listed");
    assert_eq!(chain(deb, &flipped(&release, 70), packages), "digest-mismatch");
    // Lists that are signed, and do not fit.
    let signed = |packages: &str| {
        let release =
            repository.inline(&Repository::release(packages.as_bytes(), "main/binary-all/Packages"));
        chain(deb, &release, packages.as_bytes())
    };
    let digest = sha256::digest(deb).hex();
    assert_eq!(signed(&Repository::paragraph("other", 7, "")), "not-listed");
    assert_eq!(signed(&Repository::paragraph("hello", 7, &format!("SHA256: {digest}\n"))), "digest-mismatch");
    assert_eq!(signed(&Repository::paragraph("hello", deb.len(), "")), "digest-mismatch");
    assert_eq!(signed(&Repository::paragraph("hello", deb.len(), "SHA256: 12\n")), "file-malformed");
    assert_eq!(signed("Package: hello\n"), "file-malformed");
    let twice =
        format!("{}SHA256: {digest}\nSHA256: {digest}\n", Repository::paragraph("hello", deb.len(), ""));
    assert_eq!(signed(&twice), "file-malformed");
    // By stronger and weaker digests.
    let by = |field: &str, algorithm: Algorithm| {
        let digest = manifests::digest::hex(&algorithm.digest(deb));
        signed(&Repository::paragraph("hello", deb.len(), &format!("{field}: {digest}\n")))
    };
    assert_eq!(by("SHA512", Algorithm::Sha512), "good");
    assert_eq!(by("SHA1", Algorithm::Sha1), "weak-hash");
    // What is listed right, and is no package.
    let text = b"no package".to_vec();
    let packages =
        Repository::paragraph("hello", text.len(), &format!("SHA256: {}\n", sha256::digest(&text).hex()));
    let release = repository.inline(&Repository::release(packages.as_bytes(), "Packages"));
    assert_eq!(chain(&text, &release, packages.as_bytes()), "file-malformed");
}

#[test]
fn what_release_does_not_list_is_not_unpacked() {
    if !have("apt", &TOOLS) {
        return;
    }
    let repository = Repository::new();
    // Neither compressed data nor paragraphs: whoever reads them would say so.
    for junk in [&b"\x1f\x8b\x08junk"[..], b"junk"] {
        let release = repository.inline(&Repository::release(b"x", "main/binary-all/Packages"));
        assert_eq!(reason(&repository.chain(&repository.deb, &release, junk)), "not-listed");
        let mut other = junk.to_vec();
        other[3] ^= 1;
        let release = repository.inline(&Repository::release(&other, "main/binary-all/Packages"));
        assert_eq!(reason(&repository.chain(&repository.deb, &release, junk)), "digest-mismatch");
        let release = repository.inline(&Repository::release(junk, "main/binary-all/Packages"));
        assert_eq!(reason(&repository.chain(&repository.deb, &release, junk)), "file-malformed");
    }
    let long = Repository::paragraph(&"x".repeat(1025), 7, "");
    let release = repository.inline(&Repository::release(long.as_bytes(), "Packages"));
    assert_eq!(reason(&repository.chain(&repository.deb, &release, long.as_bytes())), "limit-exceeded");
}

#[test]
fn releases_are_read_as_they_are_signed() {
    if !have("apt", &TOOLS) {
        return;
    }
    let repository = Repository::new();
    let text = Repository::release(b"x", "Packages");
    // Lines that need a dash escape, blanks at their ends, and no last line end.
    for text in [&*text, &format!("{text}X-Note: y \t \n -- z\n"), text.trim_end()] {
        let document = repository.inline(text);
        assert!(repository.gpgv(&document), "{text:?}");
        assert_eq!(reason(&repository.judge(&document)), "good", "{text:?}");
        let crlf = String::from_utf8(document).unwrap().replace('\n', "\r\n");
        assert_eq!(reason(&repository.judge(crlf.as_bytes())), "good", "{text:?}");
    }
    let document = repository.inline(&text);
    for (around, refused) in [
        ([b"Suite: evil\n", &document[..]].concat(), "no-signature"),
        ([&document[..], b"Suite: evil\n"].concat(), "signature-malformed"),
        ([&document[..], &document[..]].concat(), "signature-malformed"),
    ] {
        let evidence = repository.judge(&around);
        assert!(evidence.verdict != Verdict::Good, "{evidence:?}");
        assert!([refused, "file-malformed"].contains(&reason(&evidence)), "{evidence:?}");
    }
    // Beside it, as Release and Release.gpg, by either type of signature.
    for options in [&["--detach-sign"][..], &["--textmode", "--armor", "--detach-sign"]] {
        let signature = repository.gpg.sign("archive", text.as_bytes(), options);
        let judge = |text: &str| {
            let judged =
                repository.key.judge(|supplied| apt::release(text.as_bytes(), Some(&signature), supplied));
            reason(&judged)
        };
        assert_eq!(judge(&text), "good");
        assert_eq!(judge(&text.replace("Suite: s", "Suite: t")), "digest-mismatch");
    }
    let obsolete = repository.gpg.sign_version_3("archive", text.as_bytes(), HashAlgorithm::SHA256);
    let judged = repository.key.judge(|supplied| apt::release(text.as_bytes(), Some(&obsolete), supplied));
    assert_eq!(reason(&judged), "obsolete-version");
    assert_eq!(reason(&repository.judge(text.as_bytes())), "no-signature");
    let dated = |dates: &str| reason(&repository.judge(&repository.inline(&text.replace(DATES, dates))));
    let future = "Date: Sat, 21 Nov 9000 02:11:18 UTC\n";
    assert_eq!(dated(future), "release-from-the-future");
    assert_eq!(dated(&format!("{DATES}Valid-Until: Sat, 21 Nov 2020 02:11:19 UTC\n")), "release-expired");
    assert_eq!(dated(&format!("{DATES}Valid-Until: soon\n")), "file-malformed");
    assert_eq!(dated(""), "good");
    assert_eq!(reason(&repository.judge(&repository.inline("Hello, world\n"))), "file-malformed");
    // SHA-1, only where it is named.
    let weak = repository
        .inline(&text.replace("SHA256:", "SHA1:").replace(&sha256::digest(b"x").hex(), &"a".repeat(40)));
    let packages = b"y".to_vec();
    let chain = Chain { release: &weak, signature: None, packages: &packages };
    let judged = |sha1| {
        repository.key.judge_with(&[&repository.key.public], sha1, |supplied| {
            apt::package(&repository.deb, &chain, supplied)
        })
    };
    assert_eq!(reason(&judged(Sha1::Refused)), "weak-hash");
    assert_eq!(reason(&judged(Sha1::Allowed)), "digest-mismatch");
}

#[test]
fn no_mutation_of_what_is_signed_is_good() {
    if !have("apt", &TOOLS) {
        return;
    }
    let repository = Repository::new();
    let more: String = (0..40).map(|n| format!(" {} {n} main/{n}\n", "ab".repeat(32))).collect();
    let packages = repository.packages.as_bytes();
    let document = repository.inline(&(Repository::release(packages, "main/binary-all/Packages") + &more));
    let find = |text: &[u8]| document.windows(text.len()).position(|window| window == text).unwrap();
    // Signed is what stands between the empty line after the Hash header and the signature. Open: that header, which
    // says nothing (RFC 9580 §7), and armour, whose checksum may be wrong (§6.1) and which may hold unhashed parts.
    let (start, end) = (find(b"\n\n") + 2, find(b"-----BEGIN PGP SIGNATURE"));
    for (at, changed) in mutations(&document, start..end, 4_000) {
        let evidence = repository.chain(&repository.deb, &changed, packages);
        assert!(matches!(evidence.verdict, Verdict::Bad | Verdict::Malformed), "byte {at}: {evidence:?}");
    }
    for (_, changed) in mutations(&document, 0..document.len(), 1_000) {
        // An answer, whatever it is.
        drop(repository.judge(&changed));
    }
    for (at, changed) in mutations(packages, 0..packages.len(), 2_000) {
        let evidence = repository.chain(&repository.deb, &document, &changed);
        assert!(matches!(evidence.verdict, Verdict::Bad | Verdict::Unsigned), "byte {at}: {evidence:?}");
    }
    for (at, changed) in mutations(&repository.deb, 0..repository.deb.len(), 2_000) {
        let verdict = repository.chain(&changed, &document, packages).verdict;
        assert!(verdict != Verdict::Good, "byte {at}: {verdict}");
    }
}
