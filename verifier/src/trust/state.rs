// SPDX-License-Identifier: Apache-2.0
//! A host's state folder: the trust root, the ledger and the host's own key (`docs/formats/state.md`).
//!
//! Missing is not unreadable: the ledger names the root that is in force, so each without the other is
//! damage. A root changes together with its ledger: the new root is written as `root.next.json`, the ledger
//! that names it takes the place of the old one, and then the root gets its name. At each moment the ledger
//! says which of the two roots counts.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey};
use manifests::root::MAX_ROOT_BYTES;
use zeroize::Zeroizing;

use super::ledger::{Ledger, MAX_LEDGER_BYTES};
use super::root::TrustRoot;
use crate::error::{Code, Refusal};

/// The longest key file, in bytes.
const MAX_KEY_BYTES: usize = 4096;

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

    fn next_root(&self) -> PathBuf {
        self.0.join("root.next.json")
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
        let Some(ledger) = read(&self.ledger(), MAX_LEDGER_BYTES)? else {
            return if root.is_some() { Err(lost(&self.ledger())) } else { Ok(None) };
        };
        let ledger = Ledger::read(&ledger, &self.ledger().display().to_string())?;
        for (path, bytes) in
            [(self.root(), root), (self.next_root(), read(&self.next_root(), MAX_ROOT_BYTES)?)]
        {
            let Some(bytes) = bytes else { continue };
            let root = TrustRoot::restore(&bytes, &path.display().to_string())?;
            if root.fingerprint() == ledger.root() {
                return Ok(Some(State { root, ledger }));
            }
        }
        Err(lost(&self.root())
            .expected(format!("the root with fingerprint {}, which the ledger names", ledger.root())))
    }

    /// Writes another state, or the first one: all of it, or nothing.
    ///
    /// The ledger must name the root. The first state brings the host's key with it.
    pub fn write(&self, state: &State) -> Result<(), Refusal> {
        let folder_is_new = !self.0.exists();
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(&self.0)
            .map_err(|error| Refusal::writing(self.0.display().to_string(), &error))?;
        let mut new = Vec::new();
        let committed = self.ensure_host_key(&mut new).and_then(|()| self.commit(state, &mut new));
        if let Err(refusal) = committed {
            // The ledger may have got its name before the error: then the new state is the one in force.
            let moved = self
                .try_load()
                .is_ok_and(|now| now.is_some_and(|now| now.ledger.root() == state.ledger.root()));
            if moved {
                return Err(refusal);
            }
            // The first error is what is reported; what could not be removed is no state without a ledger.
            new.iter().for_each(|path| drop(fs::remove_file(path)));
            if folder_is_new {
                let _ = fs::remove_dir(&self.0);
            }
            return Err(refusal);
        }
        // From here on the ledger has moved: the root's own name is only where the next reader looks first.
        let named = fs::rename(self.next_root(), self.root()).and_then(|()| File::open(&self.0)?.sync_all());
        named.map_err(|error| Refusal::writing(self.root().display().to_string(), &error))
    }

    fn commit(&self, state: &State, new: &mut Vec<PathBuf>) -> Result<(), Refusal> {
        new.push(self.next_root());
        replace(&self.next_root(), state.root.bytes(), 0o644)?;
        self.save_ledger(&state.ledger)
    }

    /// Writes the ledger, under the root that it names.
    pub fn save_ledger(&self, ledger: &Ledger) -> Result<(), Refusal> {
        let path = self.ledger();
        let bytes = ledger.render().map_err(|error| {
            Refusal::new(Code::IoError, path.display().to_string(), "cannot be rendered").found(error)
        })?;
        replace(&path, &bytes, 0o644)
    }

    /// Makes the key that signs this host's receipts, unless there is one: a host keeps the key that was
    /// enrolled at home.
    fn ensure_host_key(&self, new: &mut Vec<PathBuf>) -> Result<(), Refusal> {
        let (private, public) = (self.0.join("host.key"), self.0.join("host.pub"));
        let subject = private.display().to_string();
        let unusable = |error: &dyn std::fmt::Display| {
            Refusal::new(Code::IoError, subject.as_str(), "cannot be made").found(error)
        };
        let key = match read(&private, MAX_KEY_BYTES)?.map(Zeroizing::new) {
            Some(pem) => {
                let key = std::str::from_utf8(&pem).ok().and_then(|pem| SigningKey::from_pkcs8_pem(pem).ok());
                key.ok_or_else(|| Refusal::new(Code::StateUnreadable, subject.as_str(), "is damaged"))?
            }
            None => {
                let mut seed = Zeroizing::new([0; 32]);
                getrandom::fill(&mut *seed).map_err(|error| unusable(&error))?;
                let key = SigningKey::from_bytes(&seed);
                let pem = key.to_pkcs8_pem(LineEnding::LF).map_err(|error| unusable(&error))?;
                new.push(private.clone());
                replace(&private, pem.as_bytes(), 0o600)?;
                key
            }
        };
        if read(&public, MAX_KEY_BYTES)?.is_none() {
            let pem =
                key.verifying_key().to_public_key_pem(LineEnding::LF).map_err(|error| unusable(&error))?;
            new.push(public.clone());
            replace(&public, pem.as_bytes(), 0o644)?;
        }
        Ok(())
    }

    /// The public key of this host, PEM, for enrolment on the connected side.
    pub fn host_key(&self) -> Result<String, Refusal> {
        let path = self.0.join("host.pub");
        let bytes = read(&path, MAX_KEY_BYTES)?.ok_or_else(|| lost(&path))?;
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
    let folder = path.parent().unwrap_or(Path::new("."));
    let part = Part(path.with_extension("part"));
    // A part that a crash left is nobody's: only one verifier writes here at a time.
    let cleared = match fs::remove_file(&part.0) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    cleared
        .and_then(|()| OpenOptions::new().write(true).create_new(true).mode(mode).open(&part.0))
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&part.0, path))
        .and_then(|()| File::open(folder)?.sync_all())
        .map_err(|error| Refusal::writing(path.display().to_string(), &error))
}

/// A file under a name that nobody looks for; gone when this goes, unless it got another name.
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        // Gone already where it got its name. Left behind, it is removed by the next write.
        let _ = fs::remove_file(&self.0);
    }
}
