// SPDX-License-Identifier: Apache-2.0
//! Recipe + lock → the order of the payload, and the manifest that says so.
//!
//! Order: the signers' keys by name; then each artifact as the recipe lists them, its signatures before
//! it; then each tree, by the bytes of its paths. Whatever evidence needs thus comes before what needs it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use manifests::bundle::{self, Chains, EntryMode, Manifest, Predicate, Reserved, chaining_values};
use manifests::digest::{SHA256_BYTES, Sha256Digest};
use manifests::name::{Name, PortablePath};
use manifests::statement::Subject;
use verifier::error::Code;
use verifier::trust::manifest_refusal;

use crate::digest::{Follow, Locked};
use crate::failure::Failure;
use crate::inside::Facts;
use crate::lock::tree::{self, Found};
use crate::lock::{Lock, LockedArtifact, LockedFile, LockedTree};
use crate::place;
use crate::recipe::{Artifact, Demand, LocalPath, Recipe, Tree};

/// What goes where in the archive.
#[derive(Debug)]
pub struct Plan {
    /// Payload entries, in the archive's order.
    pub entries: Vec<PlannedEntry>,
    predicate: Predicate,
}

/// One payload entry and the file that it comes from.
#[derive(Clone, Debug)]
pub struct PlannedEntry {
    /// Where in the bundle.
    pub path: PortablePath,
    /// Where on this machine.
    pub source: PathBuf,
    /// What people call it.
    pub name: String,
    /// What it must be.
    pub locked: Locked,
    /// Whether it can be run.
    pub mode: EntryMode,
    /// Whether its last component may be a link.
    pub follow: Follow,
}

/// Lays out the payload; refuses where the lock does not fit the recipe or the trees on disk.
pub fn plan(recipe: &Recipe, lock: &Lock) -> Result<Plan, Failure> {
    let mut planner = Planner { recipe, entries: Vec::new() };
    let mut signers = std::collections::BTreeMap::new();
    for (name, signer) in &recipe.signers {
        let locked = lock.signers.get(name).ok_or_else(|| outdated(name))?;
        let sources = signer.sources();
        if sources.len() != locked.len() {
            return Err(outdated(name));
        }
        for (path, locked) in sources.into_iter().zip(locked) {
            planner.local(path, locked, place::of_signer(recipe, name, path)?)?;
        }
        signers.insert(name.clone(), place::signer(recipe, name, signer)?);
    }
    let mut artifacts = Vec::with_capacity(recipe.artifacts.len());
    for artifact in &recipe.artifacts {
        let locked = lock.artifacts.get(&artifact.name).ok_or_else(|| outdated(&artifact.name))?;
        artifacts.push(planner.artifact(artifact, locked)?);
    }
    let mut trees = Vec::with_capacity(recipe.trees.len());
    for tree in &recipe.trees {
        let locked = lock.trees.get(&tree.name).ok_or_else(|| outdated(&tree.name))?;
        trees.push(planner.tree(tree, locked)?);
    }
    let entries = planner.entries;
    let values: u64 = entries.iter().map(|entry| chaining_values(entry.locked.size)).sum();
    let files = entries.iter().map(|entry| bundle::File {
        path: entry.path.clone(),
        size: entry.locked.size,
        mode: entry.mode,
    });
    let predicate = Predicate {
        bundle: recipe.bundle.clone(),
        requires: Vec::new(),
        chains: Chains { size: values.saturating_mul(SHA256_BYTES as u64), digest: placeholder().into() },
        files: files.collect(),
        signers,
        components: recipe.components.clone(),
        artifacts,
        trees,
        trust_stores: Reserved,
        trust_policies: Reserved,
        images: Reserved,
        checks: Reserved,
    };
    let plan = Plan { entries, predicate };
    // Every rule of the format is checked before the first byte is read.
    plan.manifest(placeholder())?;
    Ok(plan)
}

impl Plan {
    /// The manifest; its length does not depend on the digest.
    pub fn manifest(&self, chains: Sha256Digest) -> Result<Manifest, Failure> {
        let subject = self
            .entries
            .iter()
            .map(|entry| Subject { name: entry.path.clone(), digest: entry.locked.digest.into() });
        let mut predicate = self.predicate.clone();
        predicate.chains.digest = chains.into();
        Manifest::from_parts(subject.collect(), predicate).map_err(|error| {
            Failure::from(manifest_refusal(&error)).hint("correct the recipe: the bundle would be refused")
        })
    }
}

/// The bytes to sign.
pub fn render(manifest: &Manifest) -> Result<Vec<u8>, Failure> {
    manifest.render().map_err(|error| Failure::new(Code::IoError, "manifest.json", error.to_string()))
}

const fn placeholder() -> Sha256Digest {
    Sha256Digest::new([0; SHA256_BYTES])
}

struct Planner<'r> {
    recipe: &'r Recipe,
    entries: Vec<PlannedEntry>,
}

impl Planner<'_> {
    /// Adds a file that the recipe names at its place in the bundle.
    fn local(&mut self, path: &LocalPath, locked: &LockedFile, place: PortablePath) -> Result<(), Failure> {
        if locked.path != path.text {
            return Err(Failure::new(Code::LockOutdated, &path.text, "is not the file that was locked")
                .expected(&locked.path)
                .found(&path.text));
        }
        self.entries.push(PlannedEntry {
            path: place,
            source: self.recipe.resolve(path),
            name: path.text.clone(),
            locked: locked.state,
            mode: EntryMode::Plain,
            follow: Follow::Yes,
        });
        Ok(())
    }

    fn artifact(
        &mut self,
        artifact: &Artifact,
        locked: &LockedArtifact,
    ) -> Result<bundle::Artifact, Failure> {
        let name = &artifact.name;
        let demand = match &artifact.demand {
            Demand::Unsigned(reason) => bundle::Demand::Unsigned(reason.clone()),
            Demand::SignedBy { signer, signatures } => {
                if signatures.len() != locked.signatures.len() {
                    return Err(outdated(name));
                }
                place::require_no_collision(self.recipe, artifact, signatures)?;
                let mut laid = BTreeSet::new();
                let mut evidence = Vec::with_capacity(signatures.len());
                for (signature, locked) in signatures.iter().zip(&locked.signatures) {
                    let sources = signature.sources();
                    if sources.len() != locked.files.len() {
                        return Err(outdated(name));
                    }
                    for (path, locked) in sources.into_iter().zip(&locked.files) {
                        let place = place::beside(self.recipe, name, path)?;
                        if laid.insert(place.clone()) {
                            self.local(path, locked, place)?;
                        }
                    }
                    evidence.push(place::demand(self.recipe, name, signer, signature, locked.kind)?);
                }
                bundle::Demand::Vendor(evidence)
            }
        };
        let file = place::beside(self.recipe, name, &artifact.source)?;
        self.local(&artifact.source, &locked.file, file.clone())?;
        Ok(bundle::Artifact {
            name: name.clone(),
            component: artifact.component.clone(),
            file,
            version: locked.inside.as_ref().and_then(Facts::label),
            demand,
            install: artifact.install.clone(),
        })
    }

    fn tree(&mut self, tree: &Tree, locked: &LockedTree) -> Result<bundle::Tree, Failure> {
        if locked.path != tree.source.text {
            return Err(outdated(&tree.name));
        }
        require_same_tree(&tree::walk(self.recipe, tree)?, locked, &tree.source.text)?;
        let directory = format!("files/{}/", tree.name);
        let folder = self.recipe.resolve(&tree.source);
        for file in &locked.files {
            let path = PortablePath::new(&format!("{directory}{}", file.path)).map_err(|error| {
                Failure::new(Code::UnsafeName, file.path.as_str(), format!("in a bundle {}", error.rule()))
                    .hint("shorten or rename it, or name it in `exclude`")
            })?;
            let source = folder.join(file.path.as_str());
            self.entries.push(PlannedEntry {
                path,
                name: source.display().to_string(),
                source,
                locked: file.state,
                mode: file.mode,
                follow: Follow::No,
            });
        }
        Ok(bundle::Tree {
            name: tree.name.clone(),
            component: tree.component.clone(),
            directory,
            links: locked.links.clone(),
            empty_directories: locked.empty_directories.clone(),
            unsigned: tree.unsigned.clone(),
            install: tree.install.clone(),
        })
    }
}

/// What lies on disk must be what was locked: a file that was added since would be left out in silence.
fn require_same_tree(found: &Found, locked: &LockedTree, tree: &str) -> Result<(), Failure> {
    let on_disk: BTreeSet<String> = found
        .files
        .iter()
        .map(|file| described(file.path.as_str(), file.mode))
        .chain(found.links.iter().map(|link| format!("{} -> {}", link.path, link.target)))
        .chain(found.empty_directories.iter().map(|path| format!("{path}/")))
        .collect();
    let in_lock: BTreeSet<String> = locked
        .files
        .iter()
        .map(|file| described(file.path.as_str(), file.mode))
        .chain(locked.links.iter().map(|link| format!("{} -> {}", link.path, link.target)))
        .chain(locked.empty_directories.iter().map(|path| format!("{path}/")))
        .collect();
    let refused = || Failure::new(Code::LockOutdated, tree, "holds other files than when it was locked");
    match (in_lock.difference(&on_disk).next(), on_disk.difference(&in_lock).next()) {
        (None, None) => Ok(()),
        (Some(gone), None) => Err(refused().expected(gone).found("nothing of that sort")),
        (None, Some(new)) => Err(refused().expected("nothing that is not in the lock").found(new)),
        (Some(gone), Some(new)) => Err(refused().expected(gone).found(new)),
    }
}

fn described(path: &str, mode: EntryMode) -> String {
    format!("{path} (mode {:04o})", mode.bits())
}

fn outdated(name: &Name) -> Failure {
    Failure::new(Code::LockOutdated, name.as_str(), "is not in the lock as the recipe has it")
}
