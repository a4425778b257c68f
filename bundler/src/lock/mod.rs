// SPDX-License-Identifier: Apache-2.0
//! `bundle.lock`: exactly which files a recipe meant, when somebody last looked.
//!
//! In: a [`Recipe`], the files that it names, and for URLs the lock before. Out: a [`Lock`]: size and digest of each of them, and for
//! signed artifacts who signed them and when, after the verifier's own check. `build` accepts nothing else.

mod change;
pub mod document;
mod evidence;
pub mod file;
pub mod notary;
mod resolve;
mod supply;
pub mod tree;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use manifests::bundle::{EntryMode, Link, StoreType};
use manifests::digest::Sha256Digest;
use manifests::name::{Name, PortablePath};
use manifests::time::Timestamp;
use verifier::cli::Kind;
use verifier::error::Code;

use crate::digest::Locked;
use crate::failure::Failure;
use crate::inside::Facts;
use crate::recipe::Recipe;

pub use resolve::resolve;
pub use supply::{Remote, Renewal};

/// What `bundle.lock` holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// SHA-256 of the recipe's text.
    pub recipe: Sha256Digest,
    /// The values of `--set`.
    pub sets: BTreeMap<String, String>,
    /// The signers' key files and CA certificates.
    pub signers: BTreeMap<Name, LockedKeys>,
    /// Single files.
    pub artifacts: BTreeMap<Name, LockedArtifact>,
    /// Folders.
    pub trees: BTreeMap<Name, LockedTree>,
    /// Trust stores, by type and name.
    pub trust_stores: BTreeMap<(StoreType, Name), LockedKeys>,
    /// The templates of trust policies, by name and partition.
    pub trust_policies: BTreeMap<(Name, Option<Name>), LockedFile>,
}

/// Files that carry keys or certificates, and what decides whether they are the right ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedKeys {
    /// Fingerprints that the recipe pins, in its order: of OpenPGP keys, or SHA-256 of certificates.
    pub fingerprints: Vec<String>,
    /// The files, in the order of the recipe.
    pub files: Vec<LockedFile>,
}

/// A file that the recipe names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedFile {
    /// A path as the recipe writes it, variables filled in; or a URL.
    pub source: String,
    /// Size and digest.
    pub state: Locked,
    /// When a URL first brought these bytes; none: it is a path.
    pub fetched_at: Option<Timestamp>,
}

/// A single file and the signatures that were good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedArtifact {
    /// The file.
    pub file: LockedFile,
    /// What it says of itself, for people.
    pub inside: Option<Facts>,
    /// In the order of the recipe.
    pub signatures: Vec<LockedSignature>,
}

/// A signature that was good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedSignature {
    /// Of which kind it is: for one inside the artifact, what its content was recognised as.
    pub kind: Kind,
    /// Its files, in the order of the recipe; none where it is inside the artifact.
    pub files: Vec<LockedFile>,
    /// Who made it: a primary key's fingerprint, or the digest of a leaf certificate.
    pub signer: String,
    /// When, as the signature or a timestamp says.
    pub signed_at: Option<Timestamp>,
}

/// A folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedTree {
    /// As the recipe writes it.
    pub path: String,
    /// In the order of the bytes of their paths.
    pub files: Vec<TreeFile>,
    /// In the order of the bytes of their paths.
    pub links: Vec<Link>,
    /// In the order of the bytes of their paths.
    pub empty_directories: Vec<PortablePath>,
}

/// A file in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeFile {
    /// Relative to the folder.
    pub path: PortablePath,
    /// Whether its owner can run it.
    pub mode: EntryMode,
    /// Size and digest.
    pub state: Locked,
}

/// Where the lock of a recipe lies: beside it, `.lock` for `.toml`.
pub fn path_beside(recipe: &Path) -> PathBuf {
    recipe.with_extension("lock")
}

impl Lock {
    /// Refuses when the lock was made from another recipe or with other values.
    pub fn require_current(&self, recipe: &Recipe, name: &str) -> Result<(), Failure> {
        if self.recipe != recipe.digest() {
            return Err(Failure::new(Code::LockOutdated, name, "was made from another recipe")
                .expected(format!("a recipe of {}", self.recipe))
                .found(recipe.digest()));
        }
        if self.sets != *recipe.sets() {
            return Err(Failure::new(Code::LockOutdated, name, "was made with other values of --set")
                .expected(show(&self.sets))
                .found(show(recipe.sets())));
        }
        Ok(())
    }

    /// Artifacts and the files of trees: path or URL, state, and the signatures that were good.
    pub fn contents(&self) -> impl Iterator<Item = (String, &Locked, &[LockedSignature])> {
        let artifacts = self.artifacts.values().map(|artifact| {
            (artifact.file.source.clone(), &artifact.file.state, artifact.signatures.as_slice())
        });
        let trees = self.trees.values().flat_map(|tree| {
            let folder = tree.path.trim_end_matches('/');
            tree.files.iter().map(move |file| (format!("{folder}/{}", file.path), &file.state, &[][..]))
        });
        artifacts.chain(trees)
    }

    /// All bytes that a bundle of this lock carries.
    pub fn bytes(&self) -> u64 {
        let files = self.singles().map(|file| file.state.size);
        let trees = self.trees.values().flat_map(|tree| tree.files.iter().map(|file| file.state.size));
        files.chain(trees).fold(0, u64::saturating_add)
    }

    /// Files that a bundle of this lock carries.
    pub fn files(&self) -> usize {
        let trees: usize = self.trees.values().map(|tree| tree.files.len()).sum();
        self.singles().count() + trees
    }

    /// Files that lie in no tree.
    fn singles(&self) -> impl Iterator<Item = &LockedFile> {
        let artifacts = self.artifacts.values().flat_map(|artifact| {
            let signatures = artifact.signatures.iter().flat_map(|signature| &signature.files);
            [&artifact.file].into_iter().chain(signatures)
        });
        let keys = self.signers.values().chain(self.trust_stores.values()).flat_map(|keys| &keys.files);
        keys.chain(self.trust_policies.values()).chain(artifacts)
    }
}

fn show(sets: &BTreeMap<String, String>) -> String {
    let options: Vec<String> = sets.iter().map(|(name, value)| format!("--set {name}={value}")).collect();
    if options.is_empty() { "none".to_owned() } else { options.join(" ") }
}
