// SPDX-License-Identifier: Apache-2.0
//! Recipe + lock → the order of the payload, and the manifest that says so.
//!
//! Order: the signers' keys by name; then each artifact as the recipe lists them, its signatures before
//! it; then each tree, by the bytes of its paths. Whatever evidence needs thus comes before what needs it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use manifests::bundle::{self, Chains, EntryMode, Manifest, Predicate, Reserved, chaining_values};
use manifests::digest::{SHA256_BYTES, Sha256Digest};
use manifests::name::{Name, PortablePath};
use manifests::statement::Subject;
use verifier::error::Code;
use verifier::trust::manifest_refusal;

use crate::digest::{Follow, Locked};
use crate::failure::{Failure, Failures, Gathered};
use crate::inside::Facts;
use crate::lock::tree::{self, Found};
use crate::lock::{Lock, LockedArtifact, LockedFile, LockedTree};
use crate::place;
use crate::recipe::{Artifact, Demand, Location, Recipe, Tree};
use crate::store::Store;

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
    /// The store that it is in.
    pub keeper: Option<Arc<Store>>,
}

/// Lays out the payload; refuses where the lock does not fit the recipe or the trees on disk, or where the store
/// lacks what was fetched: all that it lacks is told at once.
pub fn plan(recipe: &Recipe, lock: &Lock, store: Option<&Arc<Store>>) -> Result<Plan, Failures> {
    let mut planner = Planner { recipe, store, entries: Vec::new(), lacking: Gathered::default() };
    let plan = planner.plan(lock)?;
    planner.lacking.end()?;
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
    store: Option<&'r Arc<Store>>,
    entries: Vec<PlannedEntry>,
    /// What the store does not have.
    lacking: Gathered,
}

impl Planner<'_> {
    fn plan(&mut self, lock: &Lock) -> Result<Plan, Failure> {
        let recipe = self.recipe;
        let mut signers = std::collections::BTreeMap::new();
        for (name, signer) in &recipe.signers {
            let locked = lock.signers.get(name).ok_or_else(|| outdated(name))?;
            let sources = signer.sources();
            if sources.len() != locked.len() {
                return Err(outdated(name));
            }
            for (path, locked) in sources.into_iter().zip(locked) {
                self.file(path, locked, place::of_signer(recipe, name, path)?)?;
            }
            signers.insert(name.clone(), place::signer(recipe, name, signer)?);
        }
        let mut artifacts = Vec::with_capacity(recipe.artifacts.len());
        for artifact in &recipe.artifacts {
            let locked = lock.artifacts.get(&artifact.name).ok_or_else(|| outdated(&artifact.name))?;
            artifacts.push(self.artifact(artifact, locked)?);
        }
        let mut trees = Vec::with_capacity(recipe.trees.len());
        for tree in &recipe.trees {
            let locked = lock.trees.get(&tree.name).ok_or_else(|| outdated(&tree.name))?;
            trees.push(self.tree(tree, locked)?);
        }
        let entries = std::mem::take(&mut self.entries);
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
            trust_stores: Vec::new(),
            trust_policies: Vec::new(),
            images: Reserved,
            checks: Vec::new(),
        };
        let plan = Plan { entries, predicate };
        // Every rule of the format is checked before the first byte is read.
        plan.manifest(placeholder())?;
        Ok(plan)
    }

    /// Adds a file that the recipe names at its place in the bundle.
    fn file(&mut self, path: &Location, locked: &LockedFile, place: PortablePath) -> Result<(), Failure> {
        if locked.source != path.text || locked.fetched_at.is_some() != path.url.is_some() {
            return Err(Failure::new(Code::LockOutdated, &path.text, "is not the file that was locked")
                .expected(&locked.source)
                .found(&path.text));
        }
        let (source, follow, keeper) = match path.url {
            None => (self.recipe.resolve(path), Follow::Yes, None),
            Some(_) => {
                let store = self.in_store(locked)?;
                let source = store.as_ref().map(|store| store.path(&locked.state.digest));
                (source.unwrap_or_default(), Follow::No, store)
            }
        };
        let (name, locked) = (path.text.clone(), locked.state);
        self.entries.push(PlannedEntry {
            path: place,
            source,
            name,
            locked,
            mode: EntryMode::Plain,
            follow,
            keeper,
        });
        Ok(())
    }

    /// The store, where it has the file; that it has not is noted. By its length, since every byte is hashed when it is read.
    fn in_store(&mut self, locked: &LockedFile) -> Result<Option<Arc<Store>>, Failure> {
        if let Some(store) = self.store
            && store.claim(&locked.state)?
        {
            return Ok(Some(store.clone()));
        }
        let failure = Failure::new(Code::MissingFile, &locked.source, "is not in the store")
            .expected(locked.state)
            .hint("run `bundler lock`, which fetches it, or name the store that has it with --store");
        self.lacking.add(failure);
        Ok(None)
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
                            self.file(path, locked, place)?;
                        }
                    }
                    evidence.push(place::demand(self.recipe, name, signer, signature, locked.kind)?);
                }
                bundle::Demand::Vendor(evidence)
            }
        };
        let file = place::beside(self.recipe, name, &artifact.source)?;
        self.file(&artifact.source, &locked.file, file.clone())?;
        Ok(bundle::Artifact {
            name: name.clone(),
            component: artifact.component.clone(),
            file,
            platform: None,
            partition: None,
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
                keeper: None,
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
