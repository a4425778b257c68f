// SPDX-License-Identifier: Apache-2.0
//! One of the two that are compared: the same shape for a bundle and for a lock.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use manifests::digest::Sha256Digest;
use manifests::name::PortablePath;
use serde::Serialize;
use serde_json::{Map, Value};
use verifier::bytes::{Bytes, FileBytes};
use verifier::check::openpgp::hash;
use verifier::contents::Contents;
use verifier::signature::approve::Approved;
use verifier::trust::UnsignedManifest;

use crate::failure::Failure;
use crate::inside::{self, Facts, Inside, Script};

/// OLD or NEW.
pub(super) struct Side {
    /// What it is, for the head of the report.
    pub(super) head: Map<String, Value>,
    pub(super) artifacts: BTreeMap<String, Item>,
    /// By tree and path: what lies there.
    pub(super) trees: BTreeMap<String, Map<String, Value>>,
    /// What is pinned, by the name of the signer.
    pub(super) trusted: BTreeMap<String, BTreeSet<Signature>>,
    pub(super) other: Map<String, Value>,
    /// The bundle; none for a lock.
    pub(super) bundle: Option<Approved<Contents<UnsignedManifest>>>,
}

/// An artifact.
pub(super) struct Item {
    pub(super) size: u64,
    pub(super) digest: String,
    /// Signers that were found; none where the bundle's own signature is all there is.
    pub(super) signatures: BTreeSet<Signature>,
    /// What else is said about it.
    pub(super) other: Map<String, Value>,
    pub(super) place: Place,
}

/// Where an artifact's bytes are.
pub(super) enum Place {
    /// An entry of the bundle.
    Entry(PortablePath),
    /// Files that may be the one that was locked; and what the lock says of it.
    Files { candidates: Vec<PathBuf>, digest: Sha256Digest, facts: Box<Option<Facts>> },
}

/// Who signed: two are the same when kind and identity are, whatever names they give themselves.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Signature {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<String>,
    pub(super) signer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
}

impl Signature {
    fn identity(&self) -> (&Option<String>, &str) {
        (&self.kind, &self.signer)
    }
}

impl PartialEq for Signature {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for Signature {}

impl Ord for Signature {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.identity().cmp(&other.identity())
    }
}

impl PartialOrd for Signature {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// What an artifact says of itself.
pub(super) struct Seen {
    pub(super) facts: Option<Facts>,
    pub(super) scripts: Scripts,
}

/// What is known of an artifact's scripts.
pub(super) enum Scripts {
    /// All of them.
    Known(Vec<Script>),
    /// No more than their digest: the artifact is not at hand.
    Digest,
    /// It is a package that cannot be read.
    Unreadable,
}

impl Seen {
    fn read(bytes: &dyn Bytes) -> io::Result<Self> {
        let (facts, scripts) = match inside::read(bytes)? {
            Some(Inside { facts, scripts }) => (Some(facts), Scripts::Known(scripts)),
            None if inside::runs_scripts(bytes)? => (None, Scripts::Unreadable),
            None => (None, Scripts::Known(Vec::new())),
        };
        Ok(Self { facts, scripts })
    }
}

impl Side {
    /// Looks inside an artifact.
    pub(super) fn inside(&self, item: &Item) -> Result<Seen, Failure> {
        match &item.place {
            Place::Entry(path) => {
                let entry = self.bundle.as_ref().map(|bundle| bundle.get().open(path)).transpose()?.flatten();
                let entry = entry.ok_or_else(|| Failure::fault(path.as_str(), "cannot be read again"))?;
                Seen::read(&*entry).map_err(|error| Failure::reading(path.as_str(), &error))
            }
            Place::Files { candidates, digest, facts } => {
                // Without scripts, the lock says all that there is.
                if facts.iter().any(|facts| facts.scripts.is_none()) {
                    return Ok(Seen { facts: (**facts).clone(), scripts: Scripts::Known(Vec::new()) });
                }
                for path in candidates {
                    if let Some(file) = the_one(path, item.size, *digest) {
                        let failed = |error| Failure::reading(path.display().to_string(), &error);
                        return FileBytes::new(file).and_then(|bytes| Seen::read(&bytes)).map_err(failed);
                    }
                }
                Ok(Seen { facts: (**facts).clone(), scripts: Scripts::Digest })
            }
        }
    }
}

/// A file, where it is the one that was locked. What is not is no error: a lock says enough by itself.
fn the_one(path: &Path, size: u64, digest: Sha256Digest) -> Option<File> {
    let mut file = File::open(path).ok()?;
    file.metadata().ok().filter(|found| found.is_file() && found.len() == size)?;
    let found = hash(&mut file, &mut [], &|_| {}).ok()?;
    (found.digest() == digest).then_some(file)
}
