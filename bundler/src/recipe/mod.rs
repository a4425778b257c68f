// SPDX-License-Identifier: Apache-2.0
//! `bundle.toml`: what goes across, who must have signed it, where it is installed.
//!
//! In: TOML text and the values of `--set`. Out: a [`Recipe`] whose names, times, modes and fingerprints
//! are all well-formed and whose parts refer only to each other. No other file has been touched yet.

mod read;
mod sections;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use manifests::bundle::{Component, FileInstall, Identity, TreeInstall};
use manifests::digest::Sha256Digest;
use manifests::fingerprint::Fingerprint;
use manifests::name::Name;
use verifier::hash::sha256;

use crate::failure::Failure;
use crate::files;
use crate::source::Source;

/// What an author wants in a bundle.
#[derive(Clone, Debug)]
pub struct Recipe {
    source: Source,
    folder: PathBuf,
    digest: Sha256Digest,
    sets: BTreeMap<String, String>,
    /// The bundle itself.
    pub bundle: Identity,
    /// Who is trusted for artifacts.
    pub signers: BTreeMap<Name, Signer>,
    /// Groups that are installed or left out together.
    pub components: Vec<Component>,
    /// Single files, in the order of the text.
    pub artifacts: Vec<Artifact>,
    /// Folders, in the order of the text.
    pub trees: Vec<Tree>,
}

/// Somebody whose signatures count.
#[derive(Clone, Debug)]
pub struct Signer {
    /// Primary key fingerprints, alternatives to each other: these decide.
    pub openpgp: Vec<Fingerprint>,
    /// The file that carries the keys.
    pub key: LocalPath,
}

/// A single file.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// Its name.
    pub name: Name,
    /// The component it belongs to; its own name, where absent.
    pub component: Option<Name>,
    /// The file.
    pub source: LocalPath,
    /// What it demands.
    pub demand: Demand,
    /// What becomes of it on the target.
    pub install: Option<FileInstall>,
}

/// There is no third way and no default.
#[derive(Clone, Debug)]
pub enum Demand {
    /// Every one of these detached signatures must be good and by this signer.
    SignedBy {
        /// Who.
        signer: Name,
        /// The signatures.
        signatures: Vec<LocalPath>,
    },
    /// The bundle's own signature is all there is, and why.
    Unsigned(String),
}

/// A folder.
#[derive(Clone, Debug)]
pub struct Tree {
    /// Its name.
    pub name: Name,
    /// The component it belongs to; its own name, where absent.
    pub component: Option<Name>,
    /// The folder.
    pub source: LocalPath,
    /// Which files are carried; all of them, where empty.
    pub include: Vec<String>,
    /// What is not carried, links and empty folders included.
    pub exclude: Vec<String>,
    /// Why no vendor signature is demanded.
    pub unsigned: String,
    /// What becomes of it on the target.
    pub install: Option<TreeInstall>,
}

/// A path on this machine, as the recipe writes it: relative to the recipe's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalPath {
    /// As written, variables filled in.
    pub text: String,
    /// Where the recipe says so.
    pub span: Range<usize>,
}

impl LocalPath {
    /// The part after the last `/`.
    pub fn file_name(&self) -> &str {
        let text = self.text.trim_end_matches('/');
        text.rsplit('/').next().unwrap_or(text)
    }
}

impl Recipe {
    /// Reads a recipe; `sets` are the values of `--set`.
    pub fn load(path: &Path, sets: BTreeMap<String, String>) -> Result<Self, Failure> {
        read::recipe(Source::read(path)?, files::folder(path), sets)
    }

    /// Reads a recipe that is already in memory, as if it lay in `folder`.
    pub fn from_text(
        name: &str,
        text: &str,
        folder: PathBuf,
        sets: BTreeMap<String, String>,
    ) -> Result<Self, Failure> {
        read::recipe(Source::new(name, text), folder, sets)
    }

    /// Where a path of the recipe leads.
    pub fn resolve(&self, path: &LocalPath) -> PathBuf {
        self.folder.join(&path.text)
    }

    /// SHA-256 of the text.
    pub const fn digest(&self) -> Sha256Digest {
        self.digest
    }

    /// The values of `--set`.
    pub const fn sets(&self) -> &BTreeMap<String, String> {
        &self.sets
    }

    /// A complaint that points at a path of the recipe.
    pub fn error(&self, path: &LocalPath, what: impl Into<String>) -> Failure {
        self.source.error(path.span.clone(), what)
    }
}

/// The digest that the lock binds a recipe by.
fn digest(source: &Source) -> Sha256Digest {
    sha256::digest(source.text().as_bytes())
}
