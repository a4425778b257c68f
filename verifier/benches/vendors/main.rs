// SPDX-License-Identifier: Apache-2.0
//! `verifier check` beside the public tool for the same signature, in one run, as ratios.
//!
//! ```sh
//! .ci/static && cargo bench -p verifier --bench vendors [-- FOLDER]
//! ```
//! FOLDER (default: the system's temporary folder) needs 3 GB. Files are made there with the vendors' tools:
//! wixl, osslsigncode and openssl; rpmbuild, rpmsign and gpg. A peer that is not installed is named and left
//! out. Two commands run in turn (A B A B …) on a warm page cache; the medians are compared.
#![allow(clippy::expect_used)]

mod make;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

const RUNS: usize = 5;

fn main() {
    let folder = std::env::args().skip(1).find(|argument| argument != "--bench");
    let base = folder.map_or_else(std::env::temp_dir, PathBuf::from);
    let scratch = tempfile::Builder::new().prefix("sealift-vendors-").tempdir_in(base).expect("a folder");
    let bench = Bench { scratch: scratch.path(), verifier: verifier() };
    println!("verifier: {}", bench.verifier.display());
    bench.msi();
    bench.rpm();
    bench.openpgp();
    bench.start();
}

/// The static program that ships, where it was built; else the one that `cargo build --release` made.
fn verifier() -> PathBuf {
    let here = std::env::current_exe().expect("a program has a path");
    let release = here.ancestors().nth(2).expect("target/release/deps/vendors");
    let shipped = release.parent().expect("target").join("static/verifier");
    if shipped.is_file() { shipped } else { release.join("verifier") }
}

struct Bench<'a> {
    scratch: &'a Path,
    verifier: PathBuf,
}

impl Bench<'_> {
    /// A Windows installer of 100 MB with a timestamped SHA-256 signature, against `osslsigncode verify`.
    fn msi(&self) {
        if !present(&["osslsigncode", "wixl", "openssl"]) {
            return;
        }
        make::run(self.scratch, make::MSI);
        let ours = self.check("setup.msi --as authenticode --ca ca.pem");
        self.compare("MSI of 100 MB", &ours, "osslsigncode verify -CAfile ca.pem -in setup.msi");
    }

    /// An RPM package of 100 MB with a signed header, against `rpmkeys -K`.
    fn rpm(&self) {
        if !present(&["rpmbuild", "rpmsign", "rpmkeys", "gpg"]) {
            return;
        }
        make::run(self.scratch, make::RPM);
        let ours = self.check("big-1-1.noarch.rpm --as rpm --key vendor.pgp --pin $(cat pin)");
        self.compare("RPM of 100 MB", &ours, "rpmkeys --dbpath $PWD/rpmdb -K big-1-1.noarch.rpm");
    }

    /// 1 GiB with a detached signature, by SHA-256 and by SHA-512, against `sqv` and `gpgv`.
    fn openpgp(&self) {
        if !present(&["gpg"]) {
            return;
        }
        make::run(self.scratch, make::OPENPGP);
        for digest in ["sha256", "sha512"] {
            let what = format!("OpenPGP over 1 GiB by {digest}");
            let ours = self.check(&format!("big --signature big.{digest} --key vendor.pgp --pin $(cat pin)"));
            if present(&["sqv"]) {
                self.compare(&what, &ours, &format!("sqv --keyring vendor.pgp big.{digest} big"));
            }
            if present(&["gpgv"]) {
                self.compare(&what, &ours, &format!("gpgv --keyring ./vendor.pgp big.{digest} big"));
            }
        }
    }

    /// How long the program takes to say its version: what every call pays.
    fn start(&self) {
        let seconds =
            median((0..RUNS * 10).map(|_| self.time(&format!("{} --version", self.verifier.display()))));
        println!("start: {:.1} ms, a shell's own start included", seconds * 1e3);
    }

    fn check(&self, arguments: &str) -> String {
        format!("{} check {arguments}", self.verifier.display())
    }

    /// Prints the medians and how many times faster ours is.
    fn compare(&self, what: &str, ours: &str, theirs: &str) {
        let _warm = (self.time(ours), self.time(theirs));
        let times: Vec<(f64, f64)> = (0..RUNS).map(|_| (self.time(ours), self.time(theirs))).collect();
        let (a, b) = (median(times.iter().map(|time| time.0)), median(times.iter().map(|time| time.1)));
        let peer = theirs.split(' ').next().unwrap_or_default();
        println!("{what}: {a:.3} s; {peer}: {b:.3} s; {:.2} times as fast", b / a);
    }

    /// Seconds that a shell command takes; one that fails ends the benchmark.
    fn time(&self, script: &str) -> f64 {
        let start = Instant::now();
        let done = Command::new("sh")
            .args(["-ec", script])
            .current_dir(self.scratch)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .output()
            .expect("sh");
        let seconds = start.elapsed().as_secs_f64();
        assert!(done.status.success(), "{script}: {}", String::from_utf8_lossy(&done.stderr));
        seconds
    }
}

/// Whether all of these programs are installed; says so where one is not.
fn present(programs: &[&str]) -> bool {
    let found = |program: &&&str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    };
    let missing: Vec<_> = programs.iter().filter(|program| !found(program)).collect();
    if !missing.is_empty() {
        println!("left out: {missing:?} not installed");
    }
    missing.is_empty()
}

fn median(times: impl Iterator<Item = f64>) -> f64 {
    let mut times: Vec<f64> = times.collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
