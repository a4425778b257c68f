// SPDX-License-Identifier: Apache-2.0
//! Our verdicts on Debian packages beside those of `debsig-verify`, on packages that `dpkg-deb` makes and `gpg` and
//! `debsigs` sign here.
//!
//! Where we differ from `debsig-verify`, and why:
//! - it takes members in any order, and others beside them: we refuse what no signature covers;
//! - it looks at `_gpgorigin` unless a policy names another role: any role counts, and is named.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "support/gpg.rs"]
mod gpg;

use std::fs;
use std::path::Path;
use std::process::Command;

use gpg::{Gpg, Key, have, mutations, reason, run, unhashed};
use manifests::evidence::{Evidence, Verdict};
use sequoia_openpgp::types::HashAlgorithm;
use verifier::signature::deb::{self, Package, ar};
use verifier::signature::openpgp::Sha1;

const TOOLS: [&str; 3] = ["gpg", "dpkg-deb", "ar"];

/// An unsigned package of a few KiB.
fn build(folder: &Path, compression: &str) -> Vec<u8> {
    let tree = folder.join("tree");
    fs::create_dir_all(tree.join("DEBIAN")).unwrap();
    fs::create_dir_all(tree.join("opt")).unwrap();
    let control =
        "Package: hello\nVersion: 1:2-3\nArchitecture: all\nMaintainer: a <a@b.c>\nDescription: x\n";
    fs::write(tree.join("DEBIAN/control"), control).unwrap();
    fs::write(tree.join("opt/numbers"), (0..2000).map(|n| format!("{n}\n")).collect::<String>()).unwrap();
    let file = folder.join("a.deb");
    let mut dpkg = Command::new("dpkg-deb");
    dpkg.args(["--root-owner-group", &format!("-Z{compression}"), "--uniform-compression", "--build"]);
    run(dpkg.arg(&tree).arg(&file));
    fs::read(file).unwrap()
}

/// What debsigs signs.
fn signed_part(package: &[u8]) -> Vec<u8> {
    let package = package.to_vec();
    let members = ar::members(&package).unwrap();
    members[..3].iter().flat_map(|member| member.read(&package, 1 << 20).unwrap()).collect()
}

fn member(name: &str, content: &[u8]) -> Vec<u8> {
    let mut bytes =
        format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100_644, content.len()).into_bytes();
    bytes.extend_from_slice(content);
    if content.len() % 2 == 1 {
        bytes.push(b'\n');
    }
    bytes
}

fn with(package: &[u8], name: &str, content: &[u8]) -> Vec<u8> {
    [package, &member(name, content)].concat()
}

fn judge(key: &Key, package: &[u8]) -> Evidence {
    key.judge(|supplied| deb::check(&package.to_vec(), supplied))
}

/// The exit code of debsig-verify with a policy that wants this key's `origin`; none where it is not installed.
fn debsig_verify(gpg: &Gpg, package: &[u8], key: &Key) -> Option<i32> {
    if !have("deb", &["debsig-verify"]) {
        return None;
    }
    let folder = tempfile::tempdir_in(gpg.home()).unwrap();
    let id = key.pin.as_str();
    let (rings, policies) = (folder.path().join("rings").join(id), folder.path().join("policies").join(id));
    fs::create_dir_all(&rings).unwrap();
    fs::create_dir_all(&policies).unwrap();
    fs::write(rings.join("ring.pgp"), &key.public).unwrap();
    let policy = format!(
        "<?xml version=\"1.0\"?><!DOCTYPE Policy SYSTEM \"https://www.debian.org/debsig/1.0/policy.dtd\">\
         <Policy xmlns=\"https://www.debian.org/debsig/1.0/\"><Origin Name=\"t\" id=\"{id}\" Description=\"t\"/>\
         <Selection><Required Type=\"origin\" File=\"ring.pgp\" id=\"{id}\"/></Selection>\
         <Verification MinOptional=\"0\"><Required Type=\"origin\" File=\"ring.pgp\" id=\"{id}\"/></Verification></Policy>"
    );
    fs::write(policies.join("a.pol"), policy).unwrap();
    let file = folder.path().join("a.deb");
    fs::write(&file, package).unwrap();
    let mut command = Command::new("debsig-verify");
    command.arg("--policies-dir").arg(folder.path().join("policies"));
    command.arg("--keyrings-dir").arg(folder.path().join("rings")).arg(file).env("GNUPGHOME", gpg.home());
    command.output().unwrap().status.code()
}

#[test]
fn packages_of_every_compression_and_key() {
    if !have("deb", &TOOLS) {
        return;
    }
    let gpg = Gpg::new();
    let stranger = gpg.key("stranger", "ed25519");
    for (algorithm, compression) in
        [("rsa3072", "xz"), ("ed25519", "gzip"), ("nistp256", "none"), ("ed25519", "zstd")]
    {
        let folder = tempfile::tempdir().unwrap();
        let unsigned = build(folder.path(), compression);
        let name = format!("{algorithm}-{compression}");
        let key = gpg.key(&name, algorithm);
        let evidence = judge(&key, &unsigned);
        assert_eq!(
            (reason(&evidence), &*evidence.notes[0]),
            ("no-signature", "package hello 1:2-3 all"),
            "{name}"
        );
        let signature =
            gpg.sign(&name, &signed_part(&unsigned), &["--digest-algo", "SHA256", "--detach-sign"]);
        let package = with(&unsigned, "_gpgorigin", &signature);
        assert_eq!(reason(&judge(&key, &package)), "good", "{name}");
        assert_eq!(reason(&judge(&stranger, &package)), "key-not-supplied", "{name}");
        let armoured = gpg.sign(&name, &signed_part(&unsigned), &["--armor", "--detach-sign"]);
        assert_eq!(reason(&judge(&key, &with(&unsigned, "_gpgvendor", &armoured))), "good", "{name}");
        let other = gpg.sign(&name, b"other", &["--detach-sign"]);
        assert_eq!(reason(&judge(&key, &with(&package, "_gpgmaint", &other))), "digest-mismatch", "{name}");
        if algorithm == "rsa3072" {
            let obsolete = gpg.sign_version_3(&name, &signed_part(&unsigned), HashAlgorithm::SHA256);
            assert_eq!(reason(&judge(&key, &with(&unsigned, "_gpgorigin", &obsolete))), "obsolete-version");
            assert!(matches!(debsig_verify(&gpg, &package, &key), None | Some(0)), "{name}");
            let mut damaged = package.clone();
            damaged[unsigned.len() - 9] ^= 1;
            assert!(matches!(debsig_verify(&gpg, &damaged, &key), None | Some(13)), "{name}");
            assert_eq!(reason(&judge(&key, &damaged)), "digest-mismatch", "{name}");
            // Members that nobody signed: debsig-verify does not mind.
            let extra = with(&package, "extra", b"unsigned");
            assert!(matches!(debsig_verify(&gpg, &extra, &key), None | Some(0)), "{name}");
            assert_eq!(reason(&judge(&key, &extra)), "file-malformed", "{name}");
        }
    }
}

#[test]
fn what_debsigs_makes() {
    if !have("deb", &TOOLS) || !have("deb", &["debsigs"]) {
        return;
    }
    let (gpg, folder) = (Gpg::new(), tempfile::tempdir().unwrap());
    let key = gpg.key("one", "rsa3072");
    build(folder.path(), "xz");
    let file = folder.path().join("a.deb");
    let mut debsigs = Command::new("debsigs");
    debsigs.args(["--sign=origin", "--default-key", key.pin.as_str()]).env("GNUPGHOME", gpg.home());
    run(debsigs.arg(&file));
    let package = fs::read(file).unwrap();
    // It asks gpg for `--openpgp`, whose default hash may be SHA-1: gpg 2.2.
    let found = key.judge_with(&[&key.public], Sha1::Allowed, |supplied| deb::check(&package, supplied));
    assert_eq!(reason(&found), "good", "{found:?}");
    assert!(found.notes.contains(&"role origin".to_owned()));
}

#[test]
fn the_layout_leaves_no_choice() {
    if !have("deb", &TOOLS) {
        return;
    }
    let (gpg, folder) = (Gpg::new(), tempfile::tempdir().unwrap());
    let key = gpg.key("one", "ed25519");
    let unsigned = build(folder.path(), "gzip");
    let signature = gpg.sign("one", &signed_part(&unsigned), &["--detach-sign"]);
    let members = ar::members(&unsigned).unwrap();
    let content = |index: usize| members[index].read(&unsigned, 1 << 20).unwrap();
    let made = |parts: &[(&str, &[u8])]| {
        let members = parts.iter().flat_map(|(name, content)| member(name, content));
        let package: Vec<u8> = ar::MAGIC.iter().copied().chain(members).collect();
        reason(&judge(&key, &package))
    };
    let (binary, control, data) = (content(0), content(1), content(2));
    let (b, c, d) = (("debian-binary", &*binary), ("control.tar.gz", &*control), ("data.tar.gz", &*data));
    let s = ("_gpgorigin", &*signature);
    assert_eq!(made(&[b, c, d, s]), "good");
    assert_eq!(made(&[("debian-binary/", &binary), c, d, s]), "good");
    for (what, parts) in [
        ("signature first", &[s, b, c, d][..]),
        ("signature before data", &[b, c, s, d]),
        ("order", &[b, d, c, s]),
        ("no data", &[b, c, s]),
        ("two signatures of one role", &[b, c, d, s, s]),
        ("two data", &[b, c, d, ("data.tar.xz", &data), s]),
        ("role without a name", &[b, c, d, ("_gpg", &signature)]),
        ("another member", &[b, c, d, s, ("_extra", b"")]),
        ("other compression", &[b, c, ("data.tar.xz", &data), s]),
        ("no compression", &[b, ("control.tar", &control), d, s]),
        ("version 3", &[("debian-binary", b"3.0\n"), c, d, s]),
        ("version with more", &[("debian-binary", b"2.0\nx\n"), c, d, s]),
        ("nothing", &[]),
    ] {
        assert_eq!(made(parts), "file-malformed", "{what}");
    }
    // The same signed bytes, cut at another place: control.tar.gz would end within data.tar.gz.
    let moved = [&control[..], &data[..100]].concat();
    assert_eq!(made(&[b, ("control.tar.gz", &moved), ("data.tar.gz", &data[100..]), s]), "file-malformed");
    let whole = [&control[..], &data[..]].concat();
    let second = gpg.sign("one", &[&binary[..], &whole, &data].concat(), &["--detach-sign"]);
    assert_eq!(made(&[b, ("control.tar.gz", &whole), d, ("_gpgorigin", &second)]), "file-malformed");
}

#[test]
fn plain_members_are_cut_at_one_place_only() {
    if !have("deb", &TOOLS) {
        return;
    }
    let (gpg, folder) = (Gpg::new(), tempfile::tempdir().unwrap());
    let key = gpg.key("one", "ed25519");
    let (plain, packed) = (build(folder.path(), "none"), build(folder.path(), "xz"));
    let content = |package: &Vec<u8>, index: usize| {
        let members = ar::members(package).unwrap();
        members[index].read(package, 1 << 20).unwrap()
    };
    let (binary, control) = (content(&plain, 0), content(&plain, 1));
    let used = control.iter().rposition(|byte| *byte != 0).unwrap().next_multiple_of(512);
    for (name, data) in [("data.tar", content(&plain, 2)), ("data.tar.xz", content(&packed, 2))] {
        let signed = [&binary[..], &control, &data].concat();
        let signature = gpg.sign("one", &signed, &["--detach-sign"]);
        let cut = |at: usize, name: &str| {
            let (control, data) = signed[binary.len()..].split_at(at);
            let parts = [
                ("debian-binary", &*binary),
                ("control.tar", control),
                (name, data),
                ("_gpgorigin", &*signature),
            ];
            let members = parts.iter().flat_map(|(name, content)| member(name, content));
            let package: Vec<u8> = ar::MAGIC.iter().copied().chain(members).collect();
            reason(&judge(&key, &package))
        };
        assert_eq!(cut(control.len(), name), "good");
        // Zeros of control.tar before data.tar: dpkg would see an empty archive there. And the other way round.
        let around = [used, used + 512, used + 1024, control.len() - 512, control.len() - 1];
        for at in around.into_iter().chain([control.len() + 1, control.len() + 512, signed.len() - 4]) {
            for name in ["data.tar", name] {
                assert_eq!(cut(at, name), "file-malformed", "{name} at {at}");
            }
        }
    }
}

#[test]
fn signatures_share_what_is_hashed() {
    if !have("deb", &TOOLS) {
        return;
    }
    let (gpg, folder) = (Gpg::new(), tempfile::tempdir().unwrap());
    let key = gpg.key("one", "rsa3072");
    let unsigned = build(folder.path(), "gzip");
    let part = signed_part(&unsigned);
    let signed = |package: &[u8], role: &str, options: &[&str]| {
        with(package, role, &gpg.sign("one", &part, &[options, &["--detach-sign"]].concat()))
    };
    let mut package = unsigned.clone();
    for (at, hash) in ["SHA256", "SHA384", "SHA512"].iter().cycle().take(8).enumerate() {
        package = signed(&package, &format!("_gpg{at}"), &["--digest-algo", hash]);
    }
    let evidence = judge(&key, &package);
    assert_eq!(reason(&evidence), "good", "{evidence:?}");
    assert_eq!(reason(&judge(&key, &signed(&package, "_gpgninth", &[]))), "limit-exceeded");
    // Four distinct hashes in one member, five in another: each fits, and both together do not.
    let several = |hashes: &[&str], options: &[&str]| {
        let one = |hash| [&["--digest-algo", hash], options, &["--detach-sign"]].concat();
        hashes.iter().flat_map(|hash| gpg.sign("one", &part, &one(*hash))).collect::<Vec<u8>>()
    };
    let binary = several(&["SHA1", "SHA224", "SHA384", "SHA512"], &[]);
    let text = several(&["SHA1", "SHA224", "SHA256", "SHA384", "SHA512"], &["--textmode"]);
    let (one, other) = (with(&unsigned, "_gpgone", &binary), with(&unsigned, "_gpgother", &text));
    assert_eq!(reason(&judge(&key, &one)), "good");
    assert_ne!(reason(&judge(&key, &other)), "limit-exceeded");
    assert_eq!(reason(&judge(&key, &with(&one, "_gpgother", &text))), "limit-exceeded");
}

#[test]
fn lists_of_dpkg_sig_are_sha1() {
    if !have("deb", &TOOLS) || !have("deb", &["sha1sum", "md5sum"]) {
        return;
    }
    let (gpg, folder) = (Gpg::new(), tempfile::tempdir().unwrap());
    let key = gpg.key("one", "rsa3072");
    let unsigned = build(folder.path(), "xz");
    let line = |index: usize| {
        let member = &ar::members(&unsigned).unwrap()[index];
        let content = member.read(&unsigned, 1 << 20).unwrap();
        let path = folder.path().join("member");
        fs::write(&path, &content).unwrap();
        let sha1 = run(Command::new("sha1sum").arg(&path)).stdout;
        let sha1 = String::from_utf8(sha1[..40].to_vec()).unwrap();
        format!("\t{} {sha1} {} {}\n", "0".repeat(32), content.len(), member.name)
    };
    let list = |lines: &[String]| {
        let head = "Version: 4\nSigner: one\nDate: Sat Nov 21 2026\nRole: builder\nFiles: \n";
        let text = format!("{head}{}", lines.concat());
        with(&unsigned, "_gpgbuilder", &gpg.sign("one", text.as_bytes(), &["--clear-sign"]))
    };
    let good = list(&[line(0), line(1), line(2)]);
    assert_eq!(reason(&judge(&key, &good)), "weak-hash");
    let allowed = |package: &[u8]| {
        let package = package.to_vec();
        key.judge_with(&[&key.public], Sha1::Allowed, |supplied| deb::check(&package, supplied))
    };
    assert_eq!(reason(&allowed(&good)), "good");
    assert!(allowed(&good).notes.iter().any(|note| note.contains("dpkg-sig")));
    for package in [list(&[line(0), line(1)]), list(&[line(0), line(1), line(2).replace(" data", " date")])] {
        assert_eq!(reason(&allowed(&package)), "digest-mismatch");
    }
    assert_eq!(reason(&allowed(&list(&[line(0), line(1), line(2), line(2)]))), "file-malformed");
    let mut damaged = good.clone();
    damaged[unsigned.len() - 9] ^= 1;
    assert_eq!(reason(&allowed(&damaged)), "digest-mismatch");
    assert_eq!(reason(&judge(&key, &damaged)), "digest-mismatch");
}

#[test]
fn no_mutation_of_what_is_signed_is_good() {
    if !have("deb", &TOOLS) {
        return;
    }
    let (gpg, folder) = (Gpg::new(), tempfile::tempdir().unwrap());
    let key = gpg.key("one", "ed25519");
    let unsigned = build(folder.path(), "gzip");
    let signature = gpg.sign("one", &signed_part(&unsigned), &["--detach-sign"]);
    let package = with(&unsigned, "_gpgorigin", &signature);
    assert_eq!(reason(&judge(&key, &package)), "good");
    let read = Package::read(&package).unwrap();
    // Open: date, owner, group and mode in the header of each member (ar(5)), the role after `_gpg`, and the
    // unhashed subpackets of the signature (RFC 9580 §5.2.3).
    let mut open = Vec::new();
    for member in read.contents.iter().chain(&read.signatures) {
        let header = usize::try_from(member.start).unwrap() - 60;
        open.push(header + 16..header + 48);
    }
    let start = usize::try_from(read.signatures[0].start).unwrap();
    open.push(start - 60 + 4..start - 60 + 16);
    let unsigned_part = unhashed(&signature);
    open.push(start + unsigned_part.start..start + unsigned_part.end);
    for (at, changed) in mutations(&package, 0..package.len(), 4_000) {
        let verdict = judge(&key, &changed).verdict;
        let closed = !open.iter().any(|range| range.contains(&at));
        assert!(verdict != Verdict::Good || !closed, "byte {at}: {verdict}");
    }
    // The last byte is padding, which ar may leave out.
    for length in (0..package.len() - 1).step_by(5) {
        assert_ne!(judge(&key, &package[..length]).verdict, Verdict::Good, "cut at {length}");
    }
}
