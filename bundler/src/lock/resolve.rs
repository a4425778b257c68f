// SPDX-License-Identifier: Apache-2.0
//! A recipe and the files that it names → a lock. Every file is read once.

use std::collections::BTreeMap;

use manifests::name::Name;
use verifier::hash::sha256::{self, Midstate};
use verifier::progress::Progress;
use verifier::report::human::size;
use verifier::signature::openpgp::{MAX_KEY_BYTES, MAX_SIGNATURE_BYTES};

use super::evidence::{self, Pending};
use super::tree::{self, Found};
use super::{Lock, LockedArtifact, LockedFile, LockedSignature, LockedTree, TreeFile};
use crate::digest::{Follow, Job, Locked, read_all};
use crate::failure::Failure;
use crate::files::read_limited;
use crate::recipe::{Artifact, Demand, LocalPath, Recipe, Tree};
use crate::report::{Printer, count};

/// Reads everything that the recipe names, and checks every signature.
pub fn resolve(recipe: &Recipe, printer: &Printer) -> Result<Lock, Failure> {
    let keys = keys(recipe, printer)?;
    let mut total = 0;
    let mut pending = Vec::with_capacity(recipe.artifacts.len());
    for artifact in &recipe.artifacts {
        total += require_file(recipe, &artifact.source)?;
        pending.push(signatures(recipe, artifact, &keys, printer)?);
    }
    let mut trees = Vec::with_capacity(recipe.trees.len());
    for tree in &recipe.trees {
        let found = tree::walk(recipe, tree)?;
        total += found.files.iter().map(|file| file.size).sum::<u64>();
        printer.detail(|| format!("walked {}: {}", tree.source.text, count(found.files.len(), "file")));
        trees.push((tree, found));
    }
    let progress = &printer.progress("locking", total);
    let mut read = read_all(&jobs(recipe, &pending, &trees), None, progress)?.into_iter();
    let mut next = |name: &str| read.next().ok_or_else(|| Failure::fault(name, "was not read"));

    let mut artifacts = BTreeMap::new();
    for (artifact, pending) in recipe.artifacts.iter().zip(pending) {
        let locked = match pending {
            Some(signed) if signed.check.needs_bytes() => signed.read(recipe, artifact, progress)?,
            pending => finish(artifact, &next(&artifact.source.text)?.midstate, pending)?,
        };
        artifacts.insert(artifact.name.clone(), locked);
    }
    let mut locked_trees = BTreeMap::new();
    for (tree, found) in trees {
        let files = found.files.into_iter().map(|file| {
            let read = next(file.path.as_str())?;
            let state = Locked { size: read.size(), digest: read.digest() };
            Ok(TreeFile { path: file.path, mode: file.mode, state })
        });
        let locked = LockedTree {
            path: tree.source.text.clone(),
            files: files.collect::<Result<_, Failure>>()?,
            links: found.links,
            empty_directories: found.empty_directories,
        };
        locked_trees.insert(tree.name.clone(), locked);
    }
    Ok(Lock {
        recipe: recipe.digest(),
        sets: recipe.sets().clone(),
        trees: locked_trees,
        artifacts,
        signers: keys.into_iter().map(|(name, small)| (name, small.file)).collect(),
    })
}

/// A key or signature file: small, and read whole.
struct Small {
    file: LockedFile,
    bytes: Vec<u8>,
}

fn small(recipe: &Recipe, path: &LocalPath, limit: usize, printer: &Printer) -> Result<Small, Failure> {
    require_file(recipe, path)?;
    let bytes = read_limited(&recipe.resolve(path), limit as u64)?;
    let state = Locked { size: bytes.len() as u64, digest: sha256::digest(&bytes) };
    printer.detail(|| format!("read {}: {}", path.text, size(state.size)));
    Ok(Small { file: LockedFile { path: path.text.clone(), state }, bytes })
}

/// Points at the recipe's line when a file is missing; says how long the file is.
fn require_file(recipe: &Recipe, path: &LocalPath) -> Result<u64, Failure> {
    let place = recipe.resolve(path);
    match std::fs::metadata(&place) {
        Ok(metadata) if metadata.is_file() => Ok(metadata.len()),
        Ok(metadata) => {
            let failure = recipe.error(path, "names something that is not a file").found(place.display());
            Err(if metadata.is_dir() { failure.hint("say [[tree]] for a folder") } else { failure })
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(recipe
            .error(path, "names a file that does not exist")
            .found(place.display())
            .hint("paths are relative to the recipe's folder")),
        Err(error) => Err(Failure::argument(place.display().to_string(), &error)),
    }
}

fn keys(recipe: &Recipe, printer: &Printer) -> Result<BTreeMap<Name, Small>, Failure> {
    let keys = recipe.signers.iter();
    keys.map(|(name, signer)| Ok((name.clone(), small(recipe, &signer.key, MAX_KEY_BYTES, printer)?)))
        .collect()
}

/// The signatures of one artifact, and what waits for its bytes.
struct Signed<'r> {
    files: Vec<LockedFile>,
    check: Pending<'r>,
}

impl Signed<'_> {
    fn read(
        mut self,
        recipe: &Recipe,
        artifact: &Artifact,
        progress: &Progress,
    ) -> Result<LockedArtifact, Failure> {
        let midstate = self.check.read(&recipe.resolve(&artifact.source), progress)?;
        finish(artifact, &midstate, Some(self))
    }
}

fn signatures<'r>(
    recipe: &'r Recipe,
    artifact: &'r Artifact,
    keys: &BTreeMap<Name, Small>,
    printer: &Printer,
) -> Result<Option<Signed<'r>>, Failure> {
    let Demand::SignedBy { signer, signatures } = &artifact.demand else { return Ok(None) };
    let (Some(pins), Some(key)) = (recipe.signers.get(signer), keys.get(signer)) else {
        // The recipe's reader has refused this already.
        return Err(Failure::usage(signer.as_str(), "is no signer of the recipe"));
    };
    let mut files = Vec::with_capacity(signatures.len());
    let mut bytes = Vec::with_capacity(signatures.len());
    for path in signatures {
        let small = small(recipe, path, MAX_SIGNATURE_BYTES, printer)?;
        bytes.push((path.text.clone(), small.bytes));
        files.push(small.file);
    }
    let (artifact, pins, now) = (&*artifact.source.text, &*pins.openpgp, recipe.bundle.created);
    let demand = evidence::Demand { artifact, signer, pins, now };
    let check = Pending::prepare(demand, &bytes, &key.bytes)?;
    Ok(Some(Signed { files, check }))
}

/// Files that SHA-256 alone is enough for, artifacts first.
fn jobs(recipe: &Recipe, pending: &[Option<Signed<'_>>], trees: &[(&Tree, Found)]) -> Vec<Job> {
    let artifacts = recipe.artifacts.iter().zip(pending).filter_map(|(artifact, signed)| {
        let in_lanes = !signed.as_ref().is_some_and(|signed| signed.check.needs_bytes());
        in_lanes.then(|| Job {
            name: artifact.source.text.clone(),
            path: recipe.resolve(&artifact.source),
            locked: None,
            place: None,
            follow: Follow::Yes,
        })
    });
    let trees = trees.iter().flat_map(|(tree, found)| {
        let folder = recipe.resolve(&tree.source);
        found.files.iter().map(move |file| {
            let path = folder.join(file.path.as_str());
            Job { name: path.display().to_string(), path, locked: None, place: None, follow: Follow::No }
        })
    });
    artifacts.chain(trees).collect()
}

fn finish(
    artifact: &Artifact,
    midstate: &Midstate,
    signed: Option<Signed<'_>>,
) -> Result<LockedArtifact, Failure> {
    let path = artifact.source.text.clone();
    let state = Locked { size: midstate.length(), digest: midstate.digest() };
    let signatures = match signed {
        None => Vec::new(),
        Some(signed) => {
            let good = signed.check.judge(midstate)?;
            let pairs = signed.files.into_iter().zip(good);
            pairs
                .map(|(file, good)| LockedSignature { file, signer: good.signer, signed_at: good.signed_at })
                .collect()
        }
    };
    Ok(LockedArtifact { file: LockedFile { path, state }, signatures })
}
