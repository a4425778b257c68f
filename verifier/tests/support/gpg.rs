// SPDX-License-Identifier: Apache-2.0
//! A GnuPG home of its own for tests of packages, and the time at which they judge.
#![allow(dead_code, missing_docs, clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::SystemTime;

use manifests::evidence::Evidence;
use manifests::fingerprint::Fingerprint;
use manifests::time::Timestamp;
use sequoia_openpgp::Cert;
use sequoia_openpgp::crypto::Signer as _;
use sequoia_openpgp::parse::Parse as _;
use sequoia_openpgp::serialize::MarshalInto as _;
use sequoia_openpgp::types::{HashAlgorithm, PublicKeyAlgorithm};
use verifier::signature::openpgp::{Sha1, Supplied};

/// Now: signing programs take the time of the machine.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp::from_seconds(since.as_secs()).unwrap()
}

/// Whether all of these programs are here; says aloud where not.
pub fn have(test: &str, programs: &[&str]) -> bool {
    let missing = programs.iter().find(|program| Command::new(program).arg("--version").output().is_err());
    if let Some(program) = missing {
        eprintln!("{test}: SKIPPED: {program} is not installed");
    }
    missing.is_none()
}

pub fn reason(evidence: &Evidence) -> &'static str {
    evidence.reason.unwrap_or("good")
}

/// Runs a program that must succeed.
pub fn run(program: &mut Command) -> Output {
    let output = program.output().unwrap();
    assert!(output.status.success(), "{program:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

pub struct Gpg {
    home: tempfile::TempDir,
}

impl Gpg {
    pub fn new() -> Self {
        // The agent's socket lies in it, and may not have a long path.
        Self { home: tempfile::Builder::new().prefix("g").tempdir_in("/tmp").unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn run(&self, arguments: &[&str]) -> Vec<u8> {
        let mut gpg = Command::new("gpg");
        gpg.arg("--homedir").arg(self.home.path());
        gpg.args([
            "--batch",
            "--yes",
            "--quiet",
            "--no-tty",
            "--passphrase",
            "",
            "--pinentry-mode",
            "loopback",
        ]);
        run(gpg.args(arguments).current_dir(self.home.path())).stdout
    }

    /// A key of 2023 that signs: its public part, and its fingerprint.
    pub fn key(&self, name: &str, algorithm: &str) -> Key {
        let then = ["--faked-system-time", "20230101T120000!"];
        self.run(&[&then[..], &["--quick-generate-key", name, algorithm, "sign,cert", "never"]].concat());
        let listing = String::from_utf8(self.run(&["--with-colons", "--list-keys", name])).unwrap();
        let line = listing.lines().find(|line| line.starts_with("fpr:")).unwrap();
        let pin = Fingerprint::parse(line.split(':').nth(9).unwrap()).unwrap();
        Key { public: self.run(&["--export", name]), pin }
    }

    /// The output of gpg over `data`: `--detach-sign`, `--clear-sign`, ….
    pub fn sign(&self, name: &str, data: &[u8], options: &[&str]) -> Vec<u8> {
        fs::write(self.path("to-sign"), data).unwrap();
        self.run(&[options, &["--local-user", name, "--output", "-"], &["to-sign"]].concat())
    }

    /// A signature of version 3 (RFC 9580 §5.2.2) by an RSA key, over a document: gpg has not made any since 2.1.
    pub fn sign_version_3(&self, name: &str, data: &[u8], hash: HashAlgorithm) -> Vec<u8> {
        let secret = self.run(&["--export-secret-keys", name]);
        let cert = Cert::from_bytes(&secret).unwrap();
        let mut signer =
            cert.primary_key().key().clone().parts_into_secret().unwrap().into_keypair().unwrap();
        // 2023-11-14T22:13:20Z, and type 0: a binary document.
        let hashed = [&[0][..], &1_700_000_000_u32.to_be_bytes()].concat();
        let mut context = hash.context().unwrap().for_digest();
        context.update(data);
        context.update(&hashed);
        let digest = context.into_digest().unwrap();
        let numbers = signer.sign(hash, &digest).unwrap().to_vec().unwrap();
        let algorithms = [PublicKeyAlgorithm::RSAEncryptSign.into(), hash.into()];
        let id = cert.keyid();
        let body = [&[3, 5], &hashed[..], id.as_bytes(), &algorithms, &digest[..2], &numbers].concat();
        // A packet of the old format, its length in two bytes (RFC 9580 §4.2.2).
        [&[0x89][..], &u16::try_from(body.len()).unwrap().to_be_bytes(), &body].concat()
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        let stop = ["--homedir", &self.home.path().display().to_string(), "--kill", "all"].map(str::to_owned);
        // Where there is no agent left, there is nothing to stop.
        let _ = Command::new("gpgconf").args(stop).output();
    }
}

pub struct Key {
    pub public: Vec<u8>,
    pub pin: Fingerprint,
}

impl Key {
    /// Judges with this key, supplied and pinned.
    pub fn judge(&self, checker: impl Fn(&Supplied<'_>) -> std::io::Result<Evidence>) -> Evidence {
        self.judge_with(&[&self.public], Sha1::Refused, checker)
    }

    /// Judges with this key pinned.
    pub fn judge_with(
        &self,
        keys: &[&[u8]],
        sha1: Sha1,
        checker: impl Fn(&Supplied<'_>) -> std::io::Result<Evidence>,
    ) -> Evidence {
        checker(&Supplied { keys, pins: std::slice::from_ref(&self.pin), now: now(), sha1 }).unwrap()
    }
}

/// Changed copies of `bytes`: one byte each, at about `count` places that are spread over `range`.
pub fn mutations(
    bytes: &[u8],
    range: std::ops::Range<usize>,
    count: usize,
) -> impl Iterator<Item = (usize, Vec<u8>)> + '_ {
    let step = (range.len() / count).max(1);
    range.step_by(step).map(|at| {
        let mut changed = bytes.to_vec();
        // Every bit has its turn, and sometimes several.
        changed[at] ^= if at % 3 == 0 { (at % 255 + 1) as u8 } else { 1 << (at % 8) };
        (at, changed)
    })
}

/// Where an OpenPGP v4 signature packet holds what is not signed (RFC 9580 §5.2.3: the unhashed subpackets and
/// their length), as a range of the packet.
pub fn unhashed(packet: &[u8]) -> std::ops::Range<usize> {
    let body = match packet[0] {
        0x88 => 2,
        0x89 => 3,
        0xc2 if packet[1] < 192 => 2,
        0xc2 if packet[1] < 224 => 3,
        other => panic!("packet begins with {other:02x}"),
    };
    assert_eq!(packet[body], 4, "a signature of version 4");
    let length = |at: usize| usize::from(u16::from_be_bytes([packet[at], packet[at + 1]]));
    let start = body + 6 + length(body + 4);
    start..start + 2 + length(start)
}
