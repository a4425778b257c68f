// SPDX-License-Identifier: Apache-2.0
//! The kind of a file by its content and the demand: the table of `docs/vendor-signatures/archives.md`, and
//! every case of the conformance sets that names no kind (skipped, aloud, where they are not here).
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};

use clap::Parser;
use verifier::bytes::FileBytes;
use verifier::check::kind::recognise;
use verifier::cli::{Cli, Command, Kind};

/// What `verifier check FILE options` recognises; none where the options are not of this version.
fn kind(arguments: &[&str], folder: &Path) -> Option<Kind> {
    let parsed = Cli::try_parse_from(["verifier", "check"].iter().chain(arguments)).ok()?;
    let Command::Check(check) = parsed.command else { panic!("not a check") };
    let file = FileBytes::new(std::fs::File::open(folder.join(&check.files[0])).unwrap()).unwrap();
    Some(recognise(&file, &check.demand).unwrap())
}

fn of_content(content: &[u8], options: &str) -> Kind {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), content).unwrap();
    let arguments: Vec<&str> = ["file"].into_iter().chain(options.split_whitespace()).collect();
    kind(&arguments, folder.path()).unwrap()
}

fn program() -> Vec<u8> {
    let mut bytes = vec![0; 0x80];
    bytes[..2].copy_from_slice(b"MZ");
    bytes[60] = 0x80;
    bytes.extend(b"PE\0\0");
    bytes
}

fn old_tar() -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..4].copy_from_slice(b"MZ.c");
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block.resize(2048, 0);
    block
}

const RELEASE: &[u8] =
    b"Origin: Debian\nSuite: stable\nDate: Sat, 01 Jan 2026 00:00:00 UTC\nSHA256:\n 00 1 a\n";

#[test]
fn content_decides() {
    let ustar = [vec![b'a'; 257], b"ustar\x0000".to_vec(), vec![0; 300]].concat();
    let contents: [(&[u8], Kind); 35] = [
        (&[0xed, 0xab, 0xee, 0xdb, 3, 0], Kind::Rpm),
        (b"!<arch>\ndebian-binary   1", Kind::Deb),
        (b"!<arch>\nlibc.o/         1", Kind::Openpgp),
        (b"-----BEGIN PGP SIGNED MESSAGE-----\nHash", Kind::AptRelease),
        (b"\n \r\n-----BEGIN PGP SIGNED MESSAGE-----\nHash", Kind::AptRelease),
        (b"text\n-----BEGIN PGP SIGNED MESSAGE-----\nHash", Kind::Openpgp),
        (&program(), Kind::Authenticode),
        (b"MZ and nothing of a program", Kind::Openpgp),
        (&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1], Kind::Authenticode),
        (b"MSCF\0\0\0\0", Kind::Authenticode),
        (b"MSCF\x01\0\0\0", Kind::Authenticode),
        (b"xar!\0\x1c", Kind::ApplePkg),
        (&[0xfe, 0xed, 0xfa, 0xce], Kind::AppleCode),
        (&[0xfe, 0xed, 0xfa, 0xcf], Kind::AppleCode),
        (&[0xce, 0xfa, 0xed, 0xfe], Kind::AppleCode),
        (&[0xcf, 0xfa, 0xed, 0xfe], Kind::AppleCode),
        (&[0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 2], Kind::AppleCode),
        (&[0xca, 0xfe, 0xba, 0xbf, 0, 0, 0, 2], Kind::AppleCode),
        // A Java class of version 61.
        (&[0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 61], Kind::Openpgp),
        (b"PK\x03\x04", Kind::Zip),
        (b"PK\x05\x06", Kind::Zip),
        (b"PK\x07\x08PK\x03\x04", Kind::Zip),
        (b"PKnot a zip", Kind::Openpgp),
        (&[0x1f, 0x8b, 8], Kind::Gzip),
        (&ustar, Kind::Tar),
        (&old_tar(), Kind::Tar),
        (&[0; 10240], Kind::Openpgp),
        (b"-----BEGIN CERTIFICATE-----\n", Kind::Certificate),
        (b"text, then\n-----BEGIN CERTIFICATE-----\n", Kind::Openpgp),
        (RELEASE, Kind::Openpgp),
        (b"{\"version\":\"1.0\",\"trustPolicies\":[]}", Kind::TrustPolicy),
        (b"\n { \"TrustPolicies\" : 1", Kind::TrustPolicy),
        (b"[{\"trustPolicies\":[]}]", Kind::Openpgp),
        (b"{\"payload\":\"\"}", Kind::Openpgp),
        (b"", Kind::Openpgp),
    ];
    for (content, wanted) in contents {
        assert_eq!(of_content(content, ""), wanted, "{:?}", content.get(..40.min(content.len())));
    }
}

#[test]
fn options_say_what_content_leaves_open() {
    let (exe, zip, tar) = (program(), b"PK\x03\x04".to_vec(), old_tar());
    for (content, options, wanted) in [
        // A detached signature is meant.
        (&zip[..], "--key k", Kind::Openpgp),
        (&zip, "--pin AA", Kind::Openpgp),
        (&tar, "--key k --pin AA", Kind::Openpgp),
        (&zip, "--signature s", Kind::Openpgp),
        (&exe, "--signature s --key k", Kind::Openpgp),
        (&exe, "--key k", Kind::Openpgp),
        (b"xar!\0", "--key k", Kind::Openpgp),
        (b"-----BEGIN CERTIFICATE-----\n", "--key k", Kind::Openpgp),
        (b"!<arch>\ndebian-binary", "--signature s --key k", Kind::Openpgp),
        (&[0xed, 0xab, 0xee, 0xdb], "--signature s --key k", Kind::Openpgp),
        // The digest of a leaf; or the checker inside refuses the option by name.
        (&exe, "--pin AA", Kind::Authenticode),
        (&exe, "--key k --ca c", Kind::Authenticode),
        (b"!<arch>\ndebian-binary", "--key k", Kind::Deb),
        (b"{\"trustPolicies\":1}", "--key k", Kind::Openpgp),
        (b"{\"trustPolicies\":1}", "--pin AA", Kind::Openpgp),
        (b"{\"trustPolicies\":1}", "--ca c", Kind::TrustPolicy),
        (&[0xed, 0xab, 0xee, 0xdb], "--key k --pin AA", Kind::Rpm),
        (&zip, "--ca c", Kind::Zip),
        // Options of one kind.
        (&zip, "--member m --key k --signature s", Kind::ZipMember),
        (b"no zip", "--member m", Kind::ZipMember),
        (b"!<arch>\ndebian-binary", "--release r --packages p", Kind::AptDeb),
        (RELEASE, "--signature s --key k", Kind::AptRelease),
        (b"-----BEGIN PGP SIGNED MESSAGE-----\n", "--signature s", Kind::Openpgp),
        (b"-----BEGIN PGP SIGNED MESSAGE-----\n", "--key k", Kind::AptRelease),
        // What it was expected to be; its checker says that it is not.
        (b"MZ cut", "--ca c", Kind::Authenticode),
        (b"junk", "--publisher p --ca c", Kind::Authenticode),
        (b"junk", "--team-id T --ca c", Kind::AppleCode),
        (b"junk", "--ca c", Kind::Certificate),
        (b"text, then\n-----BEGIN CERTIFICATE-----\n", "--ca c", Kind::Certificate),
    ] {
        assert_eq!(of_content(content, options), wanted, "{options} on {:?}", content.get(..20));
    }
}

#[test]
fn what_comes_on_standard_input_is_recognised_and_then_checked() {
    let vectors = vectors().join("openpgp");
    let Ok(data) = std::fs::File::open(vectors.join("tool-made/data.bin")) else {
        eprintln!("skipped: {} is not here", vectors.display());
        return;
    };
    let done = std::process::Command::new(env!("CARGO_BIN_EXE_verifier"))
        .args([
            "check",
            "-",
            "--signature",
            "tool-made/good-rsa-binary.sig",
            "--key",
            "tool-made/key-good-rsa.asc",
        ])
        .args(["--pin", "2E707E658102BFFFDB65C04F41F62CA38E4EE03F", "--now", "2026-11-22T00:00:00Z"])
        .current_dir(&vectors)
        .stdin(data)
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
}

fn vectors() -> PathBuf {
    std::env::var_os("SEALIFT_VECTORS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors"), PathBuf::from)
}

#[test]
fn every_case_without_a_kind_is_recognised() {
    let vectors = vectors();
    let Ok(topics) = std::fs::read_dir(&vectors) else {
        eprintln!("skipped: {} is not here", vectors.display());
        return;
    };
    let mut seen = 0;
    for topic in topics.map(|topic| topic.unwrap().path()).filter(|topic| topic.join("cases.tsv").is_file()) {
        let name = topic.file_name().unwrap().to_str().unwrap().to_owned();
        for line in std::fs::read_to_string(topic.join("cases.tsv")).unwrap().lines().skip(1) {
            let mut columns = line.split('\t');
            let (case, arguments) = (columns.next().unwrap(), columns.next().unwrap());
            let arguments: Vec<&str> = arguments.split_whitespace().collect();
            if arguments.contains(&"--as") || !topic.join(arguments[0]).is_file() {
                continue;
            }
            let Some(found) = kind(&arguments, &topic) else { continue };
            let wanted = match (name.as_str(), case) {
                ("apple", _) if case.starts_with("pkg-") => Kind::ApplePkg,
                ("apple", _) if arguments[0].ends_with(".gz") => Kind::Gzip,
                ("apple", _) => Kind::AppleCode,
                ("authenticode", _) => Kind::Authenticode,
                ("rpm", _) => Kind::Rpm,
                ("x509", _) => Kind::Certificate,
                ("gzip", _) => Kind::Gzip,
                _ if case.starts_with("apt-") || case.starts_with("inrelease-") => Kind::AptRelease,
                _ if case.starts_with("deb-") => Kind::Deb,
                _ if case.starts_with("certificate-") => Kind::Certificate,
                ("openpgp", _) => Kind::Openpgp,
                ("archives", _) if case.starts_with("tar-") => Kind::Tar,
                ("archives", _) if case.starts_with("gzip-") => Kind::Gzip,
                ("archives", _) => Kind::Zip,
                ("notation", _) if case.starts_with("policy-") => Kind::TrustPolicy,
                // Kinds that do not exist yet.
                ("notation", _) => continue,
                other => panic!("no kind is known for {other:?}"),
            };
            assert_eq!(found, wanted, "{name}: {case}");
            seen += 1;
        }
    }
    assert!(seen > 20, "only {seen} cases");
}
