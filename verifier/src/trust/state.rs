// SPDX-License-Identifier: Apache-2.0
//! A host's state folder: the trust root, the ledger and the host's own key.
//!
//! Missing is not unreadable: `trust init` writes the ledger before the root, so a ledger that is gone
//! while the root is there is damage. Files are replaced whole: written beside, synced, renamed.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{EncodePrivateKey, EncodePublicKey};
use manifests::root::MAX_ROOT_BYTES;
use zeroize::Zeroizing;

use super::ledger::{Ledger, MAX_LEDGER_BYTES};
use super::root::TrustRoot;
use crate::error::{Code, Refusal};

/// A state folder, whatever lies in it.
#[derive(Clone, Debug)]
pub struct StateFolder(PathBuf);

/// What a host believes and remembers.
#[derive(Clone, Debug)]
pub struct State {
    /// Whom it trusts.
    pub root: TrustRoot,
    /// What it accepted.
    pub ledger: Ledger,
}

impl StateFolder {
    /// The folder at this path.
    pub const fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.0
    }

    fn root(&self) -> PathBuf {
        self.0.join("root.json")
    }

    fn ledger(&self) -> PathBuf {
        self.0.join("ledger.json")
    }

    /// Reads root and ledger. Refused where there is none yet, and, otherwise, where one is damaged.
    pub fn load(&self) -> Result<State, Refusal> {
        match self.try_load()? {
            Some(state) => Ok(state),
            None => {
                Err(Refusal::new(Code::NoTrustRoot, self.0.display().to_string(), "holds no trust root yet"))
            }
        }
    }

    /// Reads root and ledger; none where `trust init` was not run to its end here.
    pub fn try_load(&self) -> Result<Option<State>, Refusal> {
        let root = read(&self.root(), MAX_ROOT_BYTES)?;
        let ledger = read(&self.ledger(), MAX_LEDGER_BYTES)?;
        match (root, ledger) {
            (None, None) => Ok(None),
            (Some(root), Some(ledger)) => Ok(Some(State {
                root: TrustRoot::restore(&root, &self.root().display().to_string())?,
                ledger: Ledger::read(&ledger, &self.ledger().display().to_string())?,
            })),
            (Some(_), None) => Err(lost(&self.ledger())),
            // `trust init` was interrupted, or the root is gone: in both cases a root must be established.
            (None, Some(_)) => Ok(None),
        }
    }

    /// The ledger alone, for `trust init`: where one lies here without a root, an earlier `init` was
    /// interrupted, or the root is gone; either way what it remembers is kept.
    pub fn try_load_ledger(&self) -> Result<Option<Ledger>, Refusal> {
        let bytes = read(&self.ledger(), MAX_LEDGER_BYTES)?;
        bytes.map(|bytes| Ledger::read(&bytes, &self.ledger().display().to_string())).transpose()
    }

    /// Writes the first state of a host: its key, the ledger, and last the root, which makes it one.
    ///
    /// Where there is no room for all of it, nothing is left of it.
    pub fn found(&self, state: &State) -> Result<(), Refusal> {
        let names = ["host.key", "host.pub", "ledger.json", "root.json"];
        let new: Vec<PathBuf> =
            names.iter().map(|name| self.0.join(name)).filter(|path| !path.exists()).collect();
        let folder_is_new = !self.0.exists();
        let written = self.write_first(state);
        if written.is_err() {
            // The first error is what is reported.
            new.iter().for_each(|path| drop(fs::remove_file(path)));
            if folder_is_new {
                let _ = fs::remove_dir(&self.0);
            }
        }
        written
    }

    fn write_first(&self, state: &State) -> Result<(), Refusal> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(&self.0)
            .map_err(|error| Refusal::writing(self.0.display().to_string(), &error))?;
        self.ensure_host_key()?;
        self.save_ledger(&state.ledger)?;
        replace(&self.root(), state.root.bytes(), 0o644)
    }

    /// Writes another root and the ledger that goes with it: root first, so that a crash in between
    /// leaves the new root with the old ledger, which is the stricter one.
    pub fn replace_root(&self, state: &State) -> Result<(), Refusal> {
        // Both are written before either is renamed: a full disk must not leave the one without the other.
        let root = Part::write(self.root(), state.root.bytes(), 0o644)?;
        let ledger = Part::write(self.ledger(), &self.render(&state.ledger)?, 0o644)?;
        root.publish()?;
        ledger.publish()
    }

    /// Writes the ledger.
    pub fn save_ledger(&self, ledger: &Ledger) -> Result<(), Refusal> {
        replace(&self.ledger(), &self.render(ledger)?, 0o644)
    }

    fn render(&self, ledger: &Ledger) -> Result<Vec<u8>, Refusal> {
        ledger.render().map_err(|error| {
            Refusal::new(Code::IoError, self.ledger().display().to_string(), "cannot be rendered")
                .found(error)
        })
    }

    /// Makes the key that signs this host's receipts, unless there is one.
    fn ensure_host_key(&self) -> Result<(), Refusal> {
        let (private, public) = (self.0.join("host.key"), self.0.join("host.pub"));
        if private.exists() && public.exists() {
            return Ok(());
        }
        let unusable = |error: &dyn std::fmt::Display| {
            Refusal::new(Code::IoError, private.display().to_string(), "cannot be made").found(error)
        };
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *seed).map_err(|error| unusable(&error))?;
        let key = SigningKey::from_bytes(&seed);
        let private_pem = key.to_pkcs8_pem(LineEnding::LF).map_err(|error| unusable(&error))?;
        let public_pem =
            key.verifying_key().to_public_key_pem(LineEnding::LF).map_err(|error| unusable(&error))?;
        replace(&private, private_pem.as_bytes(), 0o600)?;
        replace(&public, public_pem.as_bytes(), 0o644)
    }

    /// The public key of this host, PEM, for enrolment on the connected side.
    pub fn host_key(&self) -> Result<String, Refusal> {
        let path = self.0.join("host.pub");
        let bytes = read(&path, 4096)?.ok_or_else(|| lost(&path))?;
        String::from_utf8(bytes)
            .map_err(|_| Refusal::new(Code::StateUnreadable, path.display().to_string(), "is damaged"))
    }
}

fn lost(path: &Path) -> Refusal {
    Refusal::new(
        Code::StateUnreadable,
        path.display().to_string(),
        "is missing, although this host was set up",
    )
}

/// Reads a whole file of at most `limit` bytes; none where there is none.
pub(crate) fn read(path: &Path, limit: usize) -> Result<Option<Vec<u8>>, Refusal> {
    let subject = path.display().to_string();
    let unreadable = |error: &std::io::Error| {
        Refusal::new(Code::StateUnreadable, subject.as_str(), "cannot be read").found(error)
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(&error)),
    };
    let mut bytes = Vec::new();
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() > limit {
        return Err(Refusal::new(Code::StateUnreadable, subject, "is damaged")
            .found(format!("more than {limit} bytes")));
    }
    Ok(Some(bytes))
}

/// Gives a file new content: old or new after a crash, never between.
pub(crate) fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Refusal> {
    Part::write(path.to_owned(), bytes, mode)?.publish()
}

/// A file's new content, whole and synced, under another name beside it; removed unless it is published.
struct Part {
    part: PathBuf,
    path: PathBuf,
}

impl Part {
    fn write(path: PathBuf, bytes: &[u8], mode: u32) -> Result<Self, Refusal> {
        let part = Self { part: path.with_extension("part"), path };
        // A part that a crash left is nobody's: only one verifier writes here at a time.
        match fs::remove_file(&part.part) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(part.refused(&error)),
            _ => {}
        }
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&part.part)
            .and_then(|mut file| {
                file.write_all(bytes)?;
                file.sync_all()
            })
            .map_err(|error| part.refused(&error))?;
        Ok(part)
    }

    fn publish(self) -> Result<(), Refusal> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::rename(&self.part, &self.path)
            .and_then(|()| File::open(folder)?.sync_all())
            .map_err(|error| self.refused(&error))
    }

    fn refused(&self, error: &std::io::Error) -> Refusal {
        Refusal::writing(self.path.display().to_string(), error)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Gone already where it was published. Left behind, it is removed by the next write.
        let _ = fs::remove_file(&self.part);
    }
}
