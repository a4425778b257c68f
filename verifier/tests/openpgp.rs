// SPDX-License-Identifier: Apache-2.0
//! Our verdicts on detached OpenPGP signatures beside those of `gpgv` (and `sqv`, where installed), on
//! fixtures that `gpg` makes here and now.
//!
//! `gpgv` is read by its status lines, never by its exit code: it exits 0 for signatures by expired and
//! revoked keys. Where we differ, and why:
//! - a key that expired *after* it signed is `EXPKEYSIG` for gpgv, whenever it signed; good for us and sqv, with a note;
//! - SHA-1 is `GOODSIG` for gpgv 2.2; outside policy for us and sqv;
//! - gpgv and sqv have no pins: any key that they are given counts.
#![expect(clippy::unwrap_used, reason = "a test that cannot make its fixtures must stop")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use manifests::evidence::{Evidence, Verdict};
use manifests::fingerprint::Fingerprint;
use manifests::time::Timestamp;
use verifier::hash::Kernel;
use verifier::hash::sha256::Midstate;
use verifier::signature::openpgp::{Demand, Sha1, prepare};

const NOW: &str = "2026-11-22T00:00:00Z";
const DATA: &[u8] = b"first line\nsecond line\r\nno end";

fn judge(data: &[u8], signature: &[u8], keys: &[&[u8]], pin: &Fingerprint) -> Evidence {
    let now = Timestamp::parse(NOW).unwrap();
    let pins = std::slice::from_ref(pin);
    let check = match prepare(&Demand { signature, keys, pins, now, sha1: Sha1::Refused }) {
        Ok(check) => check,
        Err(evidence) => return evidence,
    };
    let (mut hasher, mut midstate) = (check.hasher(), Midstate::EMPTY);
    for block in data.chunks(7) {
        midstate.update(Kernel::detect(), block);
        hasher.iter_mut().for_each(|hasher| hasher.update(block));
    }
    check.judge(&midstate, hasher)
}

fn reason(evidence: &Evidence) -> &'static str {
    evidence.reason.unwrap_or("good")
}

/// A GnuPG home of its own, with the clock set by hand.
struct Gpg {
    home: tempfile::TempDir,
}

impl Gpg {
    /// None, said aloud, where gpg or gpgv is missing.
    fn new(test: &str) -> Option<Self> {
        for program in ["gpg", "gpgv"] {
            if Command::new(program).arg("--version").output().is_err() {
                eprintln!("{test}: SKIPPED: {program} is not installed");
                return None;
            }
        }
        // The agent's socket lies in it, and may not have a long path.
        Some(Self { home: tempfile::Builder::new().prefix("g").tempdir_in("/tmp").unwrap() })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn run(&self, date: &str, arguments: &[&str]) -> Vec<u8> {
        let output = Command::new("gpg")
            .arg("--homedir")
            .arg(self.home.path())
            .args([
                "--batch",
                "--yes",
                "--quiet",
                "--no-tty",
                "--passphrase",
                "",
                "--pinentry-mode",
                "loopback",
            ])
            .args(["--faked-system-time", &format!("{date}T120000!")])
            .args(arguments)
            .current_dir(self.home.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "gpg {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    fn key(&self, name: &str, algorithm: &str) -> Fingerprint {
        self.run("20230101", &["--quick-generate-key", name, algorithm, "sign,cert", "never"]);
        let listing =
            String::from_utf8(self.run("20230101", &["--with-colons", "--list-keys", name])).unwrap();
        let line = listing.lines().find(|line| line.starts_with("fpr:")).unwrap();
        Fingerprint::parse(line.split(':').nth(9).unwrap()).unwrap()
    }

    fn export(&self, name: &str) -> Vec<u8> {
        self.run("20230101", &["--export", name])
    }

    fn sign(&self, date: &str, name: &str, data: &[u8], options: &[&str]) -> Vec<u8> {
        fs::write(self.path("to-sign"), data).unwrap();
        let arguments =
            [options, &["--local-user", name, "--output", "-", "--detach-sign", "to-sign"]].concat();
        self.run(date, &arguments)
    }

    /// The status words of gpgv about the signature itself.
    fn gpgv(&self, data: &[u8], signature: &[u8], key: &[u8]) -> String {
        let output = self.other("gpgv", &["--status-fd", "1", "--keyring"], data, signature, key).unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let words: Vec<_> = text
            .lines()
            .filter_map(|line| line.strip_prefix("[GNUPG:] ")?.split(' ').next())
            .filter(|word| {
                matches!(*word, "NO_PUBKEY" | "BADSIG" | "GOODSIG" | "EXPSIG" | "EXPKEYSIG" | "REVKEYSIG")
            })
            .collect();
        words.join("+")
    }

    fn sqv(&self, data: &[u8], signature: &[u8], key: &[u8]) -> Option<bool> {
        self.other("sqv", &["--keyring"], data, signature, key).map(|output| output.status.success())
    }

    fn other(
        &self,
        program: &str,
        options: &[&str],
        data: &[u8],
        signature: &[u8],
        key: &[u8],
    ) -> Option<Output> {
        for (name, bytes) in [("data", data), ("signature", signature), ("key.gpg", key)] {
            fs::write(self.path(name), bytes).unwrap();
        }
        let files = ["key.gpg", "signature", "data"].map(|name| self.path(name));
        Command::new(program).args(options).args(files).env("GNUPGHOME", self.home.path()).output().ok()
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        let _ =
            Command::new("gpgconf").arg("--homedir").arg(self.home.path()).args(["--kill", "all"]).output();
    }
}

/// One row: what was tried, and what each of us says.
struct Row<'a> {
    what: &'a str,
    data: &'a [u8],
    signature: &'a [u8],
    key: &'a [u8],
    pin: &'a Fingerprint,
    ours: &'a str,
    gpgv: &'a str,
}

#[test]
fn verdicts_agree_with_gpgv_and_sqv() {
    let Some(gpg) = Gpg::new("verdicts_agree_with_gpgv_and_sqv") else { return };
    let (alice, bob, rsa) =
        (gpg.key("alice", "ed25519"), gpg.key("bob", "ed25519"), gpg.key("rsa", "rsa2048"));
    let (alice_key, bob_key, rsa_key) = (gpg.export("alice"), gpg.export("bob"), gpg.export("rsa"));
    let sha256 = gpg.sign("20230301", "alice", DATA, &["--digest-algo", "SHA256"]);
    let sha512 = gpg.sign("20230301", "rsa", DATA, &["--armor", "--digest-algo", "SHA512"]);
    let text = gpg.sign("20230301", "alice", DATA, &["--textmode"]);
    let text_sha256 = gpg.sign("20230301", "rsa", DATA, &["--textmode", "--digest-algo", "SHA256"]);
    let sha1 = gpg.sign("20230301", "rsa", DATA, &["--digest-algo", "SHA1"]);
    let lapsed = gpg.sign("20230301", "alice", DATA, &["--default-sig-expire", "2023-04-01"]);
    let crlf = b"first line\r\nsecond line\r\nno end";

    // A self-signature of February ends the key in June; gpg made the signature of 2024 before it knew.
    let short = gpg.key("short", "ed25519");
    let before = gpg.sign("20230301", "short", DATA, &[]);
    let after = gpg.sign("20240101", "short", DATA, &[]);
    gpg.run("20230201", &["--quick-set-expire", short.as_str(), "20230601T000000"]);
    let short_key = gpg.export("short");

    // gpg writes a revocation certificate beside every new key, disarmed by a colon.
    let revoked = gpg.key("revoked", "ed25519");
    let by_revoked = gpg.sign("20230301", "revoked", DATA, &[]);
    let unrevoked_key = gpg.export("revoked");
    let revocation = fs::read_to_string(gpg.path(&format!("openpgp-revocs.d/{revoked}.rev"))).unwrap();
    fs::write(gpg.path("revocation"), revocation.replace(":-----BEGIN", "-----BEGIN")).unwrap();
    gpg.run("20240101", &["--import", "revocation"]);
    let revoked_key = gpg.export("revoked");

    let row =
        |what, data, signature, key, pin, ours, gpgv| Row { what, data, signature, key, pin, ours, gpgv };
    let rows: &[Row<'_>] = &[
        row("SHA-256, from the midstate", DATA, &sha256, &alice_key, &alice, "good", "GOODSIG"),
        row("SHA-512, armoured", DATA, &sha512, &rsa_key, &rsa, "good", "GOODSIG"),
        row("text mode", DATA, &text, &alice_key, &alice, "good", "GOODSIG"),
        row("text mode, other line ends", crlf, &text, &alice_key, &alice, "good", "GOODSIG"),
        row("text mode, SHA-256", crlf, &text_sha256, &rsa_key, &rsa, "good", "GOODSIG"),
        row("other line ends, not text mode", crlf, &sha256, &alice_key, &alice, "digest-mismatch", "BADSIG"),
        row("tampered", b"other", &sha256, &alice_key, &alice, "digest-mismatch", "BADSIG"),
        row("tampered, SHA-512", b"other", &sha512, &rsa_key, &rsa, "digest-mismatch", "BADSIG"),
        row("tampered, text", b"other", &text, &alice_key, &alice, "digest-mismatch", "BADSIG"),
        row("key not supplied", DATA, &sha256, &bob_key, &bob, "key-not-supplied", "NO_PUBKEY"),
        row("key supplied, another pinned", DATA, &sha256, &alice_key, &bob, "not-pinned", "GOODSIG"),
        row("signature expired", DATA, &lapsed, &alice_key, &alice, "signature-expired", "EXPSIG"),
        row("SHA-1", DATA, &sha1, &rsa_key, &rsa, "weak-hash", "GOODSIG"),
        row("key expired before it signed", DATA, &after, &short_key, &short, "key-expired", "EXPKEYSIG"),
        row("key expired after it signed", DATA, &before, &short_key, &short, "good", "EXPKEYSIG"),
        row("key revoked", DATA, &by_revoked, &revoked_key, &revoked, "key-revoked", "REVKEYSIG"),
        row("the same before the revocation", DATA, &by_revoked, &unrevoked_key, &revoked, "good", "GOODSIG"),
    ];
    for Row { what, data, signature, key, pin, ours, gpgv } in rows {
        let evidence = judge(data, signature, &[key], pin);
        assert_eq!(reason(&evidence), *ours, "{what}: {evidence:?}");
        assert_eq!(gpg.gpgv(data, signature, key), *gpgv, "{what}, gpgv");
        match gpg.sqv(data, signature, key) {
            Some(sqv) => assert_eq!(sqv, matches!(*ours, "good" | "not-pinned"), "{what}, sqv"),
            None => eprintln!("{what}: sqv is not installed, not compared"),
        }
        assert_eq!(evidence.covers.is_empty(), evidence.verdict != Verdict::Good, "{what}");
    }

    let expired = judge(DATA, &before, &[&short_key], &short);
    assert_eq!(expired.notes, ["the key expired on 2023-06-01T00:00:00Z, after it signed"]);
    let copies: [&[u8]; 2] = [&revoked_key, &unrevoked_key];
    assert_eq!(
        reason(&judge(DATA, &by_revoked, &copies, &revoked)),
        "key-revoked",
        "a revocation in any copy holds"
    );
    // Two signatures in one file: a refuted one outranks a good one, if its key was supplied.
    let both = [&sha256[..], &gpg.sign("20230301", "bob", b"other", &[])].concat();
    assert_eq!(reason(&judge(DATA, &both, &[&alice_key, &bob_key], &alice)), "digest-mismatch");
    assert_eq!(reason(&judge(DATA, &both, &[&alice_key], &alice)), "good");
}

/// Every truncation and every single-bit flip: no panic, and never `good` but where no signature reaches.
///
/// Those places are: the unhashed area of a signature (RFC 9580 §5.2.3.2: advisory), and in the key's own
/// self-signature also the two octets of its digest that are written in clear, which only save work.
#[test]
fn damaged_signatures_and_keys_are_never_good() {
    let Some(gpg) = Gpg::new("damaged_signatures_and_keys_are_never_good") else { return };
    let pin = gpg.key("alice", "ed25519");
    let key = gpg.export("alice");
    for hash in ["SHA256", "SHA512"] {
        let signature = gpg.sign("20230301", "alice", DATA, &["--digest-algo", hash]);
        assert_eq!(reason(&judge(DATA, &signature, &[&key], &pin)), "good");
        let (unhashed, _) = advisory(&signature);
        damage(&signature, |damaged, at| {
            let evidence = judge(DATA, damaged, &[&key], &pin);
            let allowed = at.is_some_and(|at| unhashed.contains(&at));
            assert!(allowed || evidence.verdict != Verdict::Good, "signature, {at:?}: {evidence:?}");
        });
    }
    let signature = gpg.sign("20230301", "alice", DATA, &[]);
    assert_eq!(reason(&judge(DATA, &signature, &[&key], &pin)), "good");
    let (unhashed, prefix) = advisory(&key);
    damage(&key, |damaged, at| {
        let evidence = judge(DATA, &signature, &[damaged], &pin);
        let allowed = at.is_some_and(|at| unhashed.contains(&at) || prefix.contains(&at));
        assert!(allowed || evidence.verdict != Verdict::Good, "key, {at:?}: {evidence:?}");
    });
    // In armour a flip may hit a header or the checksum: only the absence of panics is asked, and that
    // nothing counts before the footer is there.
    let armoured = gpg.sign("20230301", "alice", DATA, &["--armor"]);
    let footer = armoured.windows(9).rposition(|window| window == b"-----END ").unwrap();
    damage(&armoured, |damaged, at| {
        let evidence = judge(DATA, damaged, &[&key], &pin);
        let cut = at.is_none() && damaged.len() <= footer;
        assert!(!cut || evidence.verdict != Verdict::Good, "armour cut at {}", damaged.len());
    });
}

fn damage(bytes: &[u8], mut check: impl FnMut(&[u8], Option<usize>)) {
    for length in 0..bytes.len() {
        check(&bytes[..length], None);
    }
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.to_vec();
            damaged[at] ^= 1 << bit;
            check(&damaged, Some(at));
        }
    }
}

type Places = std::ops::Range<usize>;

/// Where the unhashed area and the digest's first octets of the last packet lie, which is a signature.
fn advisory(file: &[u8]) -> (Places, Places) {
    use sequoia_openpgp::parse::Parse;
    use sequoia_openpgp::serialize::MarshalInto;
    let pile = sequoia_openpgp::PacketPile::from_bytes(file).unwrap();
    let Some(sequoia_openpgp::Packet::Signature(last)) = pile.children().last() else {
        panic!("no signature")
    };
    // Version, type, two algorithms, length; hashed area; length; unhashed area; two octets (RFC 9580 §5.2.3).
    let unhashed = file.len() - last.serialized_len() + 6 + last.hashed_area().serialized_len() + 2;
    let prefix = unhashed + last.unhashed_area().serialized_len();
    (unhashed..prefix, prefix..prefix + 2)
}
