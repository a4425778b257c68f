// SPDX-License-Identifier: Apache-2.0
//! The replica: made once for each state of its scripts, kept in the target folder, and served on loopback.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use verifier::hash::sha256;

use crate::server::{Server, folder, identity_of_files};

/// The sites, while they are served.
pub(crate) struct Replica {
    made: PathBuf,
    pub(crate) server: Server,
}

impl Replica {
    /// Makes and serves it; none where this machine lacks what cannot be installed, which is said aloud.
    pub(crate) fn open() -> Option<Self> {
        let builder = root().join("../shared/tools/build-notation");
        if !builder.is_file() {
            eprintln!("SKIPPED: {} is not here", builder.display());
            return None;
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        if !std::env::split_paths(&path).any(|folder| folder.join("go").is_file()) {
            eprintln!("SKIPPED: Go is not installed here");
            return None;
        }
        let made = made();
        for line in fs::read_to_string(made.join("skipped")).unwrap().lines() {
            eprintln!("SKIPPED: {line}");
        }
        let tls = made.join("tls");
        let site = made.join("site");
        let identity = identity_of_files(&tls.join("server.pem"), &tls.join("server.key"));
        let server = Server::start(identity, move |request, tls| folder(request, tls, &site));
        Some(Self { made, server })
    }

    /// Where the two sites and the CA certificates are served.
    pub(crate) fn url(&self) -> String {
        self.server.url("")
    }

    /// The CA of the server, in PEM, for a recipe's `[host."…"]`.
    pub(crate) fn ca(&self) -> PathBuf {
        self.made.join("tls/ca.pem")
    }

    /// What the recipe that ships must have replaced: variables and their values.
    pub(crate) fn sets(&self) -> BTreeMap<String, String> {
        let text = fs::read_to_string(self.made.join("sets")).unwrap().replace("@URL@", &self.url());
        let pair = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        text.lines().map(|line| pair(line).unwrap()).collect()
    }

    /// The folder that is served.
    pub(crate) fn site(&self) -> PathBuf {
        self.made.join("site")
    }

    /// Whether this machine could not make a kind of files: `rpm`, `deb`, `windows`.
    pub(crate) fn lacks(&self, kind: &str) -> bool {
        let skipped = fs::read_to_string(self.made.join("skipped")).unwrap();
        skipped.lines().any(|line| line.starts_with(&format!("{kind}: ")))
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The folder that the script wrote, now or before. One process makes it, others wait.
fn made() -> PathBuf {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("replica");
    fs::create_dir_all(&kept).unwrap();
    let lock = File::create(kept.join("lock")).unwrap();
    lock.lock().unwrap();
    let made = kept.join(state_of_scripts());
    // What was skipped may be possible by now.
    if fs::metadata(made.join("skipped")).is_ok_and(|skipped| skipped.len() == 0) {
        return made;
    }
    for old in fs::read_dir(&kept).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        fs::remove_dir_all(old).unwrap();
    }
    let part = kept.join("part");
    let done = Command::new(root().join("testdata/make/replica")).arg(&part).output().unwrap();
    let (out, talk) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{out}{talk}");
    fs::rename(part, &made).unwrap();
    made
}

/// A digest of all that the replica is made by.
fn state_of_scripts() -> String {
    let mut all = fs::read(root().join("../shared/tools/build-notation")).unwrap();
    for entry in walkdir::WalkDir::new(root().join("testdata/make")).sort_by_file_name() {
        let entry = entry.unwrap();
        if entry.file_type().is_file() && entry.path().extension().is_none_or(|kind| kind != "pyc") {
            all.extend_from_slice(entry.path().as_os_str().as_encoded_bytes());
            all.extend_from_slice(&fs::read(entry.path()).unwrap());
        }
    }
    sha256::digest(&all).hex()
}
