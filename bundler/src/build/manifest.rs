// SPDX-License-Identifier: Apache-2.0
//! Recipe + lock → the order of the payload, and the manifest that says so.
//!
//! Order: the signers' keys by name; then each artifact as the recipe lists them, its signatures before
//! it; then each tree, by the bytes of its paths; then certificates of trust stores; then trust policies. Whatever evidence needs thus comes before what needs it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use manifests::bundle::{self, Chains, EntryMode, Manifest, Predicate, Reserved, chaining_values};
use manifests::digest::{SHA256_BYTES, Sha256Digest};
use manifests::name::{Name, PortablePath};
use manifests::statement::Subject;
use tempfile::TempDir;
use verifier::error::Code;
use verifier::hash::sha256;
use verifier::trust::manifest_refusal;

use crate::digest::{Follow, Locked};
use crate::failure::{Failure, Failures, Gathered};
use crate::files::read_limited;
use crate::inside::Facts;
use crate::lock::tree::{self, Found};
use crate::lock::{Lock, LockedArtifact, LockedFile, LockedTree, notary};
use crate::place;
use crate::recipe::{Artifact, Demand, Location, Recipe, Tree, TrustPolicy, TrustStore};
use crate::store::Store;

/// What goes where in the archive.
#[derive(Debug)]
pub struct Plan {
    /// Payload entries, in the archive's order.
    pub entries: Vec<PlannedEntry>,
    predicate: Predicate,
    /// Keeps what was written for this bundle until it is built.
    #[expect(dead_code, reason = "its end removes the folder")]
    written: Option<TempDir>,
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
    let lacking = Gathered::default();
    let mut planner = Planner { recipe, store, entries: Vec::new(), lacking, written: None };
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
    /// Where trust policies lie whose parameters are filled in.
    written: Option<TempDir>,
}

impl Planner<'_> {
    fn plan(&mut self, lock: &Lock) -> Result<Plan, Failure> {
        let recipe = self.recipe;
        require_nothing_else(recipe, lock)?;
        let mut signers = std::collections::BTreeMap::new();
        for (name, signer) in &recipe.signers {
            let locked = lock.signers.get(name).ok_or_else(|| outdated(name))?;
            let sources = signer.sources();
            if sources.len() != locked.files.len() || signer.fingerprints() != locked.fingerprints {
                return Err(outdated(name));
            }
            for (path, locked) in sources.into_iter().zip(&locked.files) {
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
        let trust_stores = recipe.trust_stores.iter().map(|store| self.trust_store(store, lock));
        let trust_stores = trust_stores.collect::<Result<_, _>>()?;
        let policies = recipe.trust_policies.iter().map(|policy| self.trust_policy(policy, lock));
        let trust_policies = policies.collect::<Result<_, _>>()?;
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
            trust_stores,
            trust_policies,
            images: Reserved,
            checks: recipe.checks.clone(),
        };
        let plan = Plan { entries, predicate, written: self.written.take() };
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
            platform: artifact.platform,
            partition: artifact.partition.clone(),
            version: locked.inside.as_ref().and_then(Facts::label),
            demand,
            install: artifact.install.clone(),
        })
    }

    fn trust_store(&mut self, store: &TrustStore, lock: &Lock) -> Result<bundle::TrustStore, Failure> {
        let locked = lock.trust_stores.get(&(store.store_type, store.name.clone()));
        let locked = locked.ok_or_else(|| outdated(&store.name))?;
        let pins = store.certificates.iter().map(|certificate| certificate.fingerprint.to_string());
        if store.certificates.len() != locked.files.len() || !pins.eq(locked.fingerprints.iter().cloned()) {
            return Err(outdated(&store.name));
        }
        let mut certificates = Vec::with_capacity(locked.files.len());
        for (certificate, locked) in store.certificates.iter().zip(&locked.files) {
            let place = place::of_trust_store(self.recipe, store, &certificate.source)?;
            self.file(&certificate.source, locked, place.clone())?;
            certificates.push(bundle::Authority { file: place, fingerprint: certificate.fingerprint });
        }
        Ok(bundle::TrustStore {
            name: store.name.clone(),
            store_type: store.store_type,
            partition: store.partition.clone(),
            certificates,
        })
    }

    /// The template with the values of `--set` in it, in a file of its own where that changes it.
    fn trust_policy(&mut self, policy: &TrustPolicy, lock: &Lock) -> Result<bundle::TrustPolicy, Failure> {
        let locked = lock.trust_policies.get(&(policy.name.clone(), policy.partition.clone()));
        let locked = locked.ok_or_else(|| outdated(&policy.name))?;
        let place = place::of_trust_policy(self.recipe, policy)?;
        self.file(&policy.template, locked, place.clone())?;
        let mut parameters = Vec::new();
        let number = self.entries.len().to_string();
        if let Some(entry) = self.entries.last_mut().filter(|entry| !entry.source.as_os_str().is_empty()) {
            let bytes = read_limited(&entry.source, notary::MAX_POLICY_BYTES as u64)?;
            let found = Locked { size: bytes.len() as u64, digest: sha256::digest(&bytes) };
            match &entry.keeper {
                _ if found == locked.state => {}
                Some(store) => return Err(store.damaged(&locked.state, &found.digest)),
                None => {
                    return Err(Failure::new(
                        Code::LockOutdated,
                        &entry.name,
                        "has changed since it was locked",
                    )
                    .expected(locked.state)
                    .found(found));
                }
            }
            let filled = notary::filled(self.recipe, policy, &bytes)?;
            parameters = filled.parameters().iter().cloned().collect();
            if filled.text().as_bytes() != bytes {
                let folder = match self.written.take() {
                    Some(folder) => folder,
                    None => TempDir::new()
                        .map_err(|error| Failure::writing("a folder for trust policies", &error))?,
                };
                let path = folder.path().join(&number);
                std::fs::write(&path, filled.text())
                    .map_err(|error| Failure::writing(path.display().to_string(), &error))?;
                self.written = Some(folder);
                let text = filled.text().as_bytes();
                entry.locked = Locked { size: text.len() as u64, digest: sha256::digest(text) };
                (entry.source, entry.keeper) = (path, None);
            }
        }
        Ok(bundle::TrustPolicy {
            name: policy.name.clone(),
            partition: policy.partition.clone(),
            file: place,
            parameters,
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

/// What the lock says and the recipe does not is not built: a reviewer would read of it all the same.
fn require_nothing_else(recipe: &Recipe, lock: &Lock) -> Result<(), Failure> {
    let counts = [
        ("signers", recipe.signers.len(), lock.signers.len()),
        ("artifacts", recipe.artifacts.len(), lock.artifacts.len()),
        ("trees", recipe.trees.len(), lock.trees.len()),
        ("trust stores", recipe.trust_stores.len(), lock.trust_stores.len()),
        ("trust policies", recipe.trust_policies.len(), lock.trust_policies.len()),
    ];
    match counts.into_iter().find(|(_, wanted, found)| wanted < found) {
        None => Ok(()),
        Some((what, wanted, found)) => {
            Err(Failure::new(Code::LockOutdated, what, "are more in the lock than in the recipe")
                .expected(wanted)
                .found(found))
        }
    }
}

fn described(path: &str, mode: EntryMode) -> String {
    format!("{path} (mode {:04o})", mode.bits())
}

fn outdated(name: &Name) -> Failure {
    Failure::new(Code::LockOutdated, name.as_str(), "is not in the lock as the recipe has it")
}
