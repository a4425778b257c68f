// SPDX-License-Identifier: Apache-2.0
//! Our verdicts on RPM packages beside those of `rpmkeys`, on packages that `rpmbuild` and `rpmsign` make here.
//!
//! Where we differ from `rpmkeys -Kv`, and why:
//! - it prints `OK` for digests alone: no signature is no signature for us;
//! - it has no pins: any key in its database counts;
//! - it calls a package good whose header has no digest of its payload, once MD5 fits: nothing signs MD5.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "support/gpg.rs"]
mod gpg;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use gpg::{Gpg, Key, have, mutations, reason, run, unhashed};
use manifests::evidence::{Evidence, Verdict};
use sequoia_openpgp::types::HashAlgorithm;
use verifier::hash::Kernel;
use verifier::hash::sha256::Midstate;
use verifier::signature::openpgp::{Demand, Sha1, Supplied, prepare};
use verifier::signature::rpm::{self, package::Package};

const TOOLS: [&str; 5] = ["gpg", "rpmbuild", "rpmsign", "rpmkeys", "rpm"];

/// An unsigned package of a few KiB.
fn build(folder: &Path, defines: &[&str]) -> Vec<u8> {
    let spec = folder.join("a.spec");
    let text = "Name: hello\nEpoch: 3\nVersion: 1.2\nRelease: 4\nSummary: x\nLicense: x\nBuildArch: noarch\n\
                %description\nx\n%install\nmkdir -p %{buildroot}/opt\n\
                seq 3000 > %{buildroot}/opt/numbers\n%files\n/opt/numbers\n";
    fs::write(&spec, text).unwrap();
    let mut rpmbuild = Command::new("rpmbuild");
    rpmbuild.arg("-bb").args(["--define", &format!("_topdir {}", folder.display())]);
    rpmbuild.args(["--define", "_build_id_links none"]);
    for define in defines {
        rpmbuild.args(["--define", define]);
    }
    run(rpmbuild.arg(&spec));
    fs::read(folder.join("RPMS/noarch/hello-1.2-4.noarch.rpm")).unwrap()
}

fn sign(gpg: &Gpg, name: &str, package: &[u8], options: &[&str]) -> Vec<u8> {
    let path = gpg.path("package.rpm");
    fs::write(&path, package).unwrap();
    let program = run(Command::new("sh").args(["-c", "command -v gpg"])).stdout;
    let program = String::from_utf8(program).unwrap();
    let mut rpmsign = Command::new("rpmsign");
    rpmsign.arg("--addsign").args(options);
    rpmsign.args(["--define", &format!("__gpg {}", program.trim())]);
    rpmsign.args(["--define", &format!("_gpg_name {name}")]);
    rpmsign.args(["--define", &format!("_gpg_path {}", gpg.home().display())]);
    run(rpmsign.env("GNUPGHOME", gpg.home()).arg(&path));
    fs::read(path).unwrap()
}

/// What rpmkeys says with this key in an empty database: whether it exits well, and its words.
fn rpmkeys(gpg: &Gpg, package: &[u8], key: &Key) -> (bool, String) {
    let folder = tempfile::tempdir_in(gpg.home()).unwrap();
    let file = |name: &str, bytes: &[u8]| -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let database = format!("_dbpath {}", folder.path().join("db").display());
    let armoured = Command::new("gpg")
        .arg("--homedir")
        .arg(gpg.home())
        .args(["--armor", "--export", key.pin.as_str()])
        .output()
        .unwrap()
        .stdout;
    let key = file("key.asc", &armoured);
    run(Command::new("rpmkeys").args(["--define", &database, "--import"]).arg(key));
    let package = file("a.rpm", package);
    let output = Command::new("rpmkeys").args(["--define", &database, "-Kv"]).arg(package).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

fn judge(key: &Key, package: &[u8]) -> Evidence {
    key.judge(|supplied| rpm::check(&package.to_vec(), supplied))
}

#[test]
fn packages_that_rpm_makes() {
    if !have("rpm", &TOOLS) {
        return;
    }
    let (gpg, folder) = (Gpg::new(), tempfile::tempdir().unwrap());
    let unsigned = build(folder.path(), &[]);
    let stranger = gpg.key("stranger", "ed25519");
    for algorithm in ["rsa3072", "ed25519"] {
        let key = gpg.key(algorithm, algorithm);
        assert_eq!(reason(&judge(&key, &unsigned)), "no-signature");
        for options in [&[][..], &["--rpmv3"]] {
            let package = sign(&gpg, algorithm, &unsigned, options);
            let name = format!("{algorithm} {options:?}");
            let evidence = judge(&key, &package);
            assert_eq!(reason(&evidence), "good", "{name}: {evidence:?}");
            assert_eq!(evidence.covers.len(), 2, "{name}");
            assert_eq!(evidence.notes[0], "package hello-3:1.2-4.noarch");
            assert_eq!(reason(&judge(&stranger, &package)), "key-not-supplied", "{name}");
            let both = [&key.public[..], &stranger.public];
            let other = stranger.judge_with(&both, Sha1::Refused, |supplied| rpm::check(&package, supplied));
            assert_eq!(reason(&other), "not-pinned", "{name}");
            let (good, words) = rpmkeys(&gpg, &package, &key);
            assert!(good && words.contains("Signature") | words.contains("signature"), "{name}: {words}");
            let (known, words) = rpmkeys(&gpg, &package, &stranger);
            assert!(!known && words.contains("NOKEY"), "{name}: {words}");
            let mut damaged = package.clone();
            *damaged.last_mut().unwrap() ^= 1;
            assert_eq!(reason(&judge(&key, &damaged)), "digest-mismatch", "{name}");
            assert!(!rpmkeys(&gpg, &damaged, &key).0, "{name}");
            assert_eq!(reason(&judge(&key, &[&package[..], b"x"].concat())), "digest-mismatch", "{name}");
        }
    }
}

#[test]
fn sha1_signatures_are_outside_policy() {
    if !have("rpm", &TOOLS) {
        return;
    }
    let (gpg, folder) = (Gpg::new(), tempfile::tempdir().unwrap());
    let unsigned = build(folder.path(), &[]);
    let key = gpg.key("old", "rsa3072");
    let package = sign(&gpg, "old", &unsigned, &["--define", "_gpg_digest_algo sha1"]);
    assert_eq!(reason(&judge(&key, &package)), "weak-hash");
    let allowed = key.judge_with(&[&key.public], Sha1::Allowed, |supplied| rpm::check(&package, supplied));
    assert_eq!(reason(&allowed), "good");
}

#[test]
fn no_mutation_of_what_is_signed_is_good() {
    if !have("rpm", &TOOLS) {
        return;
    }
    let (gpg, folder) = (Gpg::new(), tempfile::tempdir().unwrap());
    let unsigned = build(folder.path(), &[]);
    let key = gpg.key("ed25519", "ed25519");
    for options in [&[][..], &["--rpmv3"]] {
        let package = sign(&gpg, "ed25519", &unsigned, options);
        let (read, length) = (Package::read(&package).unwrap(), package.len());
        let payload = usize::try_from(read.payload).unwrap();
        let header = payload - read.header().len();
        assert_eq!(reason(&judge(&key, &package)), "good");
        for (at, changed) in mutations(&package, header..length, 2_500) {
            let verdict = judge(&key, &changed).verdict;
            assert!(matches!(verdict, Verdict::Bad | Verdict::Malformed), "byte {at}: {verdict}");
        }
        // The one signature: all but its unhashed part. Where there are two, the other stands without it.
        let packets = read.header_signatures().unwrap();
        for packet in packets.into_iter().filter(|_| options.is_empty()) {
            let start = package.windows(packet.len()).position(|window| window == packet).unwrap();
            let open = unhashed(&packet);
            for (at, changed) in mutations(&package, start..start + packet.len(), 500) {
                let verdict = judge(&key, &changed).verdict;
                let good = verdict == Verdict::Good;
                assert!(!good || open.contains(&(at - start)), "byte {at} of a signature: {verdict}");
            }
        }
        // Lead and signature header are signed by nobody (format_v4.md): good or not, but an answer.
        let mut good = 0_usize;
        for (_, changed) in mutations(&package, 0..header, 2_500) {
            good += usize::from(judge(&key, &changed).verdict == Verdict::Good);
        }
        eprintln!("{options:?}: {good} of {header} changes to lead and signature header change nothing");
    }
}

#[test]
fn every_cut_is_refused() {
    if !have("rpm", &TOOLS) {
        return;
    }
    let (gpg, folder) = (Gpg::new(), tempfile::tempdir().unwrap());
    let key = gpg.key("ed25519", "ed25519");
    let package = sign(&gpg, "ed25519", &build(folder.path(), &[]), &[]);
    for length in (0..package.len()).step_by(7) {
        assert_ne!(judge(&key, &package[..length]).verdict, Verdict::Good, "{length}");
    }
}

/// The package with another signature header, made by hand: texts (type 8) or packets (type 7) by tag.
fn with_signatures(package: &[u8], entries: &[(u32, u32, Vec<u8>)]) -> Vec<u8> {
    let read = Package::read(&package.to_vec()).unwrap();
    let header = usize::try_from(read.payload).unwrap() - read.header().len();
    let (mut index, mut data) = (Vec::new(), Vec::new());
    for (tag, kind, value) in entries {
        let count = if *kind == 7 { value.len() } else { value.iter().filter(|byte| **byte == 0).count() };
        for number in [*tag, *kind, u32::try_from(data.len()).unwrap(), u32::try_from(count).unwrap()] {
            index.extend(number.to_be_bytes());
        }
        data.extend(value);
    }
    let counts = [entries.len(), data.len()].map(|count| u32::try_from(count).unwrap().to_be_bytes());
    let magic = verifier::signature::rpm::header::MAGIC;
    let mut made = [&package[..96], &magic, &counts.concat(), &index, &data].concat();
    made.resize(made.len().next_multiple_of(8), 0);
    [&made, &package[header..]].concat()
}

#[test]
fn signatures_in_every_place_that_rpm_has_for_them() {
    use base64::Engine as _;
    if !have("rpm", &TOOLS) {
        return;
    }
    let (gpg, folder) = (Gpg::new(), tempfile::tempdir().unwrap());
    let unsigned = build(folder.path(), &[]);
    let read = Package::read(&unsigned).unwrap();
    let header = read.header().to_vec();
    let whole = &unsigned[usize::try_from(read.payload).unwrap() - header.len()..];
    let (one, two) = (gpg.key("one", "nistp256"), gpg.key("two", "nistp384"));
    let packet = |name: &str, data: &[u8]| gpg.sign(name, data, &["--detach-sign"]);
    let text = |packet: &[u8]| {
        let mut text = base64::engine::general_purpose::STANDARD.encode(packet).into_bytes();
        text.push(0);
        text
    };
    let over_header = packet("one", &header);
    let verdict = |entries: &[(u32, u32, Vec<u8>)]| {
        let package = with_signatures(&unsigned, entries);
        reason(&one.judge_with(&[&one.public], Sha1::Refused, |supplied| rpm::check(&package, supplied)))
    };
    for tag in [267, 268] {
        assert_eq!(verdict(&[(tag, 7, over_header.clone())]), "good", "ECDSA in {tag}");
    }
    assert_eq!(verdict(&[(278, 8, text(&over_header))]), "good");
    let second = [text(&packet("two", &header)), text(&over_header)].concat();
    assert_eq!(verdict(&[(278, 8, second.clone())]), "good", "the second of two");
    assert_eq!(verdict(&[(278, 8, second), (267, 7, over_header.clone())]), "good");
    for tag in [1002, 1005] {
        assert_eq!(verdict(&[(tag, 7, packet("one", whole))]), "good", "over all in {tag}");
        assert_eq!(verdict(&[(tag, 7, over_header.clone())]), "digest-mismatch", "over the header in {tag}");
    }
    assert_eq!(verdict(&[(267, 7, packet("one", whole))]), "digest-mismatch");
    assert_eq!(verdict(&[(267, 7, packet("two", &header))]), "key-not-supplied");
    // A good one beside one that is not: bad comes first.
    assert_eq!(verdict(&[(267, 7, over_header.clone()), (1005, 7, packet("one", b"x"))]), "digest-mismatch");
    // Digests that nobody signed can refuse, and nothing else.
    assert_eq!(
        verdict(&[(267, 7, over_header.clone()), (273, 8, [b"0".repeat(64), vec![0]].concat())]),
        "digest-mismatch"
    );
    assert_eq!(verdict(&[(273, 8, [b"0".repeat(64), vec![0]].concat())]), "no-signature");
    assert_eq!(verdict(&[(267, 7, over_header.clone()), (273, 8, b"0\0".to_vec())]), "file-malformed");
    // What is no signature.
    assert_eq!(verdict(&[(267, 8, b"text\0".to_vec())]), "signature-malformed");
    assert_eq!(verdict(&[(278, 8, b"no base64!\0".to_vec())]), "file-malformed");
    assert_eq!(verdict(&[(278, 7, over_header.clone())]), "file-malformed");
    // As many texts as bytes: counted, not kept.
    assert_eq!(verdict(&[(278, 8, vec![0; 8 * 1024 * 1024 - 64])]), "limit-exceeded");
    assert_eq!(
        verdict(&[(267, 7, gpg.sign("one", &header, &["--armor", "--detach-sign"]))]),
        "signature-malformed"
    );
    assert_eq!(verdict(&[(267, 7, one.public.clone())]), "no-detached-signature");
    assert_eq!(verdict(&[(1004, 7, vec![0; 16])]), "no-signature");
    let _ = two;
}

#[test]
fn version_3_counts_and_is_judged_like_any() {
    if !have("rpm", &TOOLS) {
        return;
    }
    let (gpg, folder) = (Gpg::new(), tempfile::tempdir().unwrap());
    let unsigned = build(folder.path(), &[]);
    let read = Package::read(&unsigned).unwrap();
    let whole = &unsigned[usize::try_from(read.payload).unwrap() - read.header().len()..];
    let key = gpg.key("old", "rsa3072");
    let packet = |data: &[u8], hash| gpg.sign_version_3("old", data, hash);
    // rpmkeys wants a digest of the header beside its signature.
    let digest = [read.header_digest().to_string().trim_start_matches("sha256:").as_bytes(), b"\0"].concat();
    let made = |tag, packet| with_signatures(&unsigned, &[(tag, 7, packet), (273, 6, digest.clone())]);
    let over_header = made(268, packet(read.header(), HashAlgorithm::SHA256));
    assert_eq!(reason(&judge(&key, &over_header)), "good");
    let (good, words) = rpmkeys(&gpg, &over_header, &key);
    assert!(good && words.contains("V3 RSA/SHA256 Signature"), "{words}");
    assert_eq!(reason(&judge(&key, &made(1002, packet(whole, HashAlgorithm::SHA512)))), "good");
    assert_eq!(reason(&judge(&key, &made(268, packet(read.header(), HashAlgorithm::SHA1)))), "weak-hash");
    assert_eq!(reason(&judge(&key, &made(268, packet(whole, HashAlgorithm::SHA256)))), "digest-mismatch");
    let stranger = gpg.key("stranger", "rsa3072");
    assert_eq!(reason(&judge(&stranger, &over_header)), "key-not-supplied");
    // The same signature over the same bytes, outside a package.
    let detached = packet(read.header(), HashAlgorithm::SHA256);
    let alone = key.judge(|supplied| {
        let &Supplied { keys, pins, now, sha1 } = supplied;
        let check = prepare(&Demand { signature: &detached, keys, pins, now, sha1 }).unwrap();
        let mut file = Midstate::EMPTY;
        file.update(Kernel::detect(), read.header());
        Ok(check.judge(&file, None))
    });
    assert_eq!(reason(&alone), "obsolete-version");
    let mut damaged = over_header;
    *damaged.last_mut().unwrap() ^= 1;
    assert_eq!(reason(&judge(&key, &damaged)), "digest-mismatch");
}

#[test]
fn a_header_that_names_no_payload_leaves_it_open() {
    if !have("rpm", &TOOLS) {
        return;
    }
    let (gpg, folder) = (Gpg::new(), tempfile::tempdir().unwrap());
    let unsigned = build(folder.path(), &[]);
    let key = gpg.key("one", "ed25519");
    let read = Package::read(&unsigned).unwrap();
    let start = usize::try_from(read.payload).unwrap() - read.header().len();
    // Other tags for the digests of the payload: 5092 to 5999, as an old rpm would have none.
    let mut old = unsigned.clone();
    let index = old[start..].windows(4).position(|tag| tag == 5092_u32.to_be_bytes()).unwrap();
    old[start + index..start + index + 4].copy_from_slice(&5999_u32.to_be_bytes());
    let header = Package::read(&old).unwrap().header().to_vec();
    let (over_header, over_all) =
        (gpg.sign("one", &header, &["--detach-sign"]), gpg.sign("one", &old[start..], &["--detach-sign"]));
    let header_only = with_signatures(&old, &[(267, 7, over_header.clone())]);
    let evidence = judge(&key, &header_only);
    assert_eq!((evidence.verdict, reason(&evidence)), (Verdict::Unsigned, "payload-not-signed"));
    assert!(evidence.covers.is_empty());
    let both = with_signatures(&old, &[(267, 7, over_header.clone()), (1005, 7, over_all.clone())]);
    assert_eq!(reason(&judge(&key, &both)), "good");
    // A signature over the header, passed off as one over an empty payload too.
    let start_of_payload = usize::try_from(Package::read(&both).unwrap().payload).unwrap();
    for tag in [1002, 1005] {
        for first in [None, Some((267, 7, over_header.clone()))] {
            let entries: Vec<_> = first.into_iter().chain([(tag, 7, over_header.clone())]).collect();
            let made = with_signatures(&old, &entries);
            let payload = old.len() - usize::try_from(read.payload).unwrap();
            let emptied = &made[..made.len() - payload];
            let evidence = judge(&key, emptied);
            assert_eq!(reason(&evidence), "payload-not-signed", "{tag}: {evidence:?}");
            assert!(evidence.covers.is_empty());
        }
    }
    assert_eq!(reason(&judge(&key, &both[..start_of_payload])), "digest-mismatch");
    let mut damaged = both.clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert_eq!(reason(&judge(&key, &damaged)), "digest-mismatch");
    // A digest by MD5 (5093 says 1) is none.
    let mut weak = unsigned;
    let index = weak[start..].windows(4).position(|tag| tag == 5093_u32.to_be_bytes()).unwrap();
    let offset: [u8; 4] = weak[start + index + 8..start + index + 12].try_into().unwrap();
    let entries: [u8; 4] = weak[start + 8..start + 12].try_into().unwrap();
    let data = start + 16 + 16 * usize::try_from(u32::from_be_bytes(entries)).unwrap();
    let at = data + usize::try_from(u32::from_be_bytes(offset)).unwrap();
    weak[at..at + 4].copy_from_slice(&1_u32.to_be_bytes());
    let header = Package::read(&weak).unwrap().header().to_vec();
    let signed = with_signatures(&weak, &[(267, 7, gpg.sign("one", &header, &["--detach-sign"]))]);
    assert_eq!(reason(&judge(&key, &signed)), "weak-hash");
}
