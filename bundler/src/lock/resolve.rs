// SPDX-License-Identifier: Apache-2.0
//! A recipe and the files that it names → a lock. Every file is read once.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use manifests::bundle;
use manifests::name::Name;
use verifier::bytes::FileBytes;
use verifier::check::kind::recognise;
use verifier::check::openpgp::hash;
use verifier::cli::{self, Kind};
use verifier::hash::sha256::{self, Midstate};
use verifier::progress::Progress;
use verifier::report::human::size;
use verifier::signature::openpgp::{MAX_KEY_BYTES, MAX_SIGNATURE_BYTES};

use super::evidence::{Asked, Content, Good, LocalFiles, Pending};
use super::tree::{self, Found};
use super::{Lock, LockedArtifact, LockedFile, LockedSignature, LockedTree, TreeFile};
use crate::digest::{Follow, Job, Locked, read_all};
use crate::failure::Failure;
use crate::files::read_limited;
use crate::inside;
use crate::place;
use crate::recipe::{Artifact, Demand, LocalPath, Recipe, Signature, Tree};
use crate::report::{Printer, count};

/// Reads everything that the recipe names, and checks every signature.
pub fn resolve(recipe: &Recipe, printer: &Printer) -> Result<Lock, Failure> {
    let trusted = signers(recipe, printer)?;
    let mut total = 0;
    let mut pending = Vec::with_capacity(recipe.artifacts.len());
    for artifact in &recipe.artifacts {
        total += require_file(recipe, &artifact.source)?;
        pending.push(signatures(recipe, artifact, &trusted, printer)?);
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
            Some(signed) if signed.check.needs_bytes() => signed.read(artifact, progress)?,
            pending => finish(artifact, &next(&artifact.source.text)?.midstate, pending)?,
        };
        let inside = inside::of_file(&recipe.resolve(&artifact.source))?.map(|inside| inside.facts);
        artifacts.insert(artifact.name.clone(), LockedArtifact { inside, ..locked });
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
        signers: trusted.into_iter().map(|(name, trusted)| (name, trusted.files)).collect(),
    })
}

/// A key or signature file: small, and read whole.
struct Small {
    file: LockedFile,
    bytes: Arc<Vec<u8>>,
}

fn small(recipe: &Recipe, path: &LocalPath, limit: usize, printer: &Printer) -> Result<Small, Failure> {
    require_file(recipe, path)?;
    let bytes = read_limited(&recipe.resolve(path), limit as u64)?;
    let state = Locked { size: bytes.len() as u64, digest: sha256::digest(&bytes) };
    printer.detail(|| format!("read {}: {}", path.text, size(state.size)));
    Ok(Small { file: LockedFile { path: path.text.clone(), state }, bytes: Arc::new(bytes) })
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

/// Who may sign, in the words of the manifest, and the files that carry keys and certificates.
struct Trusted {
    signer: bundle::Signer,
    files: Vec<LockedFile>,
    beside: LocalFiles,
}

fn signers(recipe: &Recipe, printer: &Printer) -> Result<BTreeMap<Name, Trusted>, Failure> {
    let mut signers = BTreeMap::new();
    for (name, signer) in &recipe.signers {
        let (mut files, mut beside) = (Vec::new(), LocalFiles::default());
        for path in signer.sources() {
            let small = small(recipe, path, MAX_KEY_BYTES, printer)?;
            beside.insert(place::of_signer(recipe, name, path)?, &path.text, Content::Read(small.bytes));
            files.push(small.file);
        }
        let signer = place::signer(recipe, name, signer)?;
        signers.insert(name.clone(), Trusted { signer, files, beside });
    }
    Ok(signers)
}

/// The signatures of one artifact, and what waits for its bytes.
struct Signed {
    kind: Vec<Kind>,
    files: Vec<Vec<LockedFile>>,
    check: Pending,
}

impl Signed {
    fn read(mut self, artifact: &Artifact, progress: &Progress) -> Result<LockedArtifact, Failure> {
        let midstate = self.check.read(progress)?;
        finish(artifact, &midstate, Some(self))
    }
}

fn signatures(
    recipe: &Recipe,
    artifact: &Artifact,
    trusted: &BTreeMap<Name, Trusted>,
    printer: &Printer,
) -> Result<Option<Signed>, Failure> {
    let Demand::SignedBy { signer: name, signatures } = &artifact.demand else { return Ok(None) };
    let Some(trusted) = trusted.get(name) else {
        // The recipe's reader has refused this already.
        return Err(Failure::usage(name.as_str(), "is no signer of the recipe"));
    };
    place::require_no_collision(recipe, artifact, signatures)?;
    let path = recipe.resolve(&artifact.source);
    let mut beside = trusted.beside.clone();
    let (mut kinds, mut files, mut demands) = (Vec::new(), Vec::new(), Vec::new());
    for signature in signatures {
        let mut its_files = Vec::new();
        for source in signature.sources() {
            let place = place::beside(recipe, &artifact.name, source)?;
            let (file, content) = match signature {
                Signature::Repository { .. } => index(recipe, source, printer)?,
                _ => {
                    let small = small(recipe, source, MAX_SIGNATURE_BYTES, printer)?;
                    (small.file, Content::Read(small.bytes))
                }
            };
            beside.insert(place, &source.text, content);
            its_files.push(file);
        }
        let kind = kind(signature, &path)?;
        demands.push(place::demand(recipe, &artifact.name, name, signature, kind)?);
        kinds.push(kind);
        files.push(its_files);
    }
    let (signer, now) = (trusted.signer.clone(), recipe.bundle.created);
    let asked = Asked { artifact: artifact.source.text.clone(), path, signer, beside, now };
    Ok(Some(Signed { kind: kinds, files, check: Pending::prepare(asked, demands)? }))
}

/// Of which kind a signature is; for one inside the artifact the content tells.
fn kind(signature: &Signature, artifact: &Path) -> Result<Kind, Failure> {
    Ok(match signature {
        Signature::Detached(_) => Kind::Openpgp,
        Signature::Member { .. } => Kind::ZipMember,
        Signature::Repository { .. } => Kind::AptDeb,
        Signature::Embedded(_) => {
            let failed = |error| Failure::argument(artifact.display().to_string(), &error);
            let file = File::open(artifact).and_then(FileBytes::new).map_err(failed)?;
            recognise(&file, &cli::Demand::default()).map_err(failed)?
        }
    })
}

/// A file of a repository's index, which may be long.
fn index(recipe: &Recipe, path: &LocalPath, printer: &Printer) -> Result<(LockedFile, Content), Failure> {
    require_file(recipe, path)?;
    let place = recipe.resolve(path);
    let failed = |error| Failure::argument(place.display().to_string(), &error);
    let read = File::open(&place).and_then(|mut file| hash(&mut file, &mut [], &|_| {})).map_err(failed)?;
    let state = Locked { size: read.length(), digest: read.digest() };
    printer.detail(|| format!("read {}: {}", path.text, size(state.size)));
    Ok((LockedFile { path: path.text.clone(), state }, Content::At(place)))
}

/// Files that SHA-256 alone is enough for, artifacts first.
fn jobs(recipe: &Recipe, pending: &[Option<Signed>], trees: &[(&Tree, Found)]) -> Vec<Job> {
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
    signed: Option<Signed>,
) -> Result<LockedArtifact, Failure> {
    let path = artifact.source.text.clone();
    let state = Locked { size: midstate.length(), digest: midstate.digest() };
    let signatures = match signed {
        None => Vec::new(),
        Some(signed) => {
            let good = signed.check.judge(midstate)?;
            let parts = signed.kind.into_iter().zip(signed.files).zip(good);
            parts
                .map(|((kind, files), Good { signer, signed_at })| LockedSignature {
                    kind,
                    files,
                    signer,
                    signed_at,
                })
                .collect()
        }
    };
    Ok(LockedArtifact { file: LockedFile { path, state }, inside: None, signatures })
}
