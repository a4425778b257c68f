// SPDX-License-Identifier: Apache-2.0
//! A recipe and the files that it names → a lock. Every file is read once, and all that is wrong is told at once.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

use manifests::bundle::{self, Package};
use manifests::name::Name;
use verifier::check::openpgp::hash;
use verifier::cli::Kind;
use verifier::error::Code;
use verifier::hash::sha256::Midstate;
use verifier::progress::Progress;
use verifier::report::human::size;
use verifier::signature::openpgp::{MAX_KEY_BYTES, MAX_SIGNATURE_BYTES};

use super::change::{self, Owner};
use super::evidence::{self, Asked, Content, Good, LocalFiles, Pending};
use super::supply::{Found, Remote, Stored, Supply, begins_as_a_page, require_file};
use super::tree;
use super::{Lock, LockedArtifact, LockedFile, LockedKeys, LockedSignature, LockedTree, TreeFile, notary};
use crate::digest::{Follow, Job, Locked, Read, read_each};
use crate::failure::{Failure, Failures, Gathered};
use crate::inside;
use crate::place;
use crate::recipe::{Artifact, Demand, Location, Recipe, Signature, Signer, Tree};
use crate::report::{Printer, count};

/// Fetches and reads everything that the recipe names, and checks every signature. `remote` is needed where the
/// recipe has URLs.
pub fn resolve(recipe: &Recipe, remote: Option<&Remote>, printer: &Printer) -> Result<Lock, Failures> {
    let mut gathered = Gathered::default();
    let supply = Supply::new(recipe, remote, &mut gathered, printer);
    let trusted = signers(&supply, &mut gathered, printer);
    let trust_stores = notary::stores(&supply, &mut gathered, printer);
    let trust_policies = notary::policies(&supply, &mut gathered, printer);
    for image in &recipe.images {
        gathered.add(
            recipe
                .error_at(
                    image.span.clone(),
                    format!("names the image `{}`, and this version carries no images yet", image.name),
                )
                .hint("remove the section, or use a later version of bundler"),
        );
    }
    let mut artifacts = BTreeMap::new();
    let mut tasks = Vec::new();
    for artifact in &recipe.artifacts {
        match unchanged(&supply, artifact, &trusted) {
            Some(locked) => drop(artifacts.insert(artifact.name.clone(), locked.clone())),
            None => tasks.extend(task(&supply, artifact, &trusted, &mut gathered, printer)),
        }
    }
    let walk = |tree| Some((tree, gathered.keep(tree::walk(recipe, tree))?));
    let trees: Vec<(&Tree, tree::Found)> = recipe.trees.iter().filter_map(walk).collect();
    for (tree, found) in &trees {
        printer.detail(|| format!("walked {}: {}", tree.source.text, count(found.files.len(), "file")));
    }

    let in_trees = trees.iter().flat_map(|(_, found)| found.files.iter().map(|file| file.size));
    let total = tasks.iter().map(|task| task.size).chain(in_trees).sum();
    let progress = &printer.progress("locking", total);
    let mut read = read_each(&jobs(&supply, &tasks, &trees), progress).into_iter();
    for task in tasks {
        let read = if task.in_lanes() { read.next() } else { None };
        let artifact = task.artifact;
        if let Some(locked) = task.finish(&supply, read, &mut gathered, progress) {
            if let Some(doubt) = inside::other_platform(artifact.platform, locked.inside.as_ref()) {
                printer.note(&format!("{}: {doubt}", artifact.name));
            }
            artifacts.insert(artifact.name.clone(), locked);
        }
    }
    let trees = trees
        .into_iter()
        .map(|(tree, found)| (tree.name.clone(), locked_tree(tree, found, &mut read, &mut gathered)));
    let trees = trees.collect();
    gathered.end()?;
    supply.forget(recipe.sources());
    Ok(Lock {
        recipe: recipe.digest(),
        sets: recipe.sets().clone(),
        trees,
        artifacts,
        signers: trusted.into_iter().map(|(name, trusted)| (name, trusted.locked)).collect(),
        trust_stores,
        trust_policies,
    })
}

fn locked_tree(
    tree: &Tree,
    found: tree::Found,
    read: &mut impl Iterator<Item = Result<Read, Failure>>,
    gathered: &mut Gathered,
) -> LockedTree {
    let files = found.files.into_iter().filter_map(|file| {
        let untold = || Err(Failure::fault(file.path.as_str(), "was not read"));
        let read = gathered.keep(read.next().unwrap_or_else(untold))?;
        let state = Locked { size: read.size(), digest: read.digest() };
        Some(TreeFile { path: file.path, mode: file.mode, state })
    });
    LockedTree {
        path: tree.source.text.clone(),
        files: files.collect(),
        links: found.links,
        empty_directories: found.empty_directories,
    }
}

/// Who may sign, in the words of the manifest, and the files that carry keys and certificates.
struct Trusted {
    signer: bundle::Signer,
    locked: LockedKeys,
    beside: LocalFiles,
}

/// Every signer whose files are all there.
fn signers(supply: &Supply<'_>, gathered: &mut Gathered, printer: &Printer) -> BTreeMap<Name, Trusted> {
    let mut signers = BTreeMap::new();
    for (name, signer) in &supply.recipe.signers {
        let (mut files, mut beside) = (Vec::new(), LocalFiles::default());
        let sources = signer.sources();
        for source in &sources {
            if let Some(failure) = change::refusal(supply, &Owner::Named(name), source, None) {
                gathered.add(failure);
            }
            let Some(small) = supply.small(source, MAX_KEY_BYTES, printer) else { continue };
            let placed = small.and_then(|small| Ok((place::of_signer(supply.recipe, name, source)?, small)));
            if let Some((place, small)) = gathered.keep(placed) {
                beside.insert(place, &source.text, Content::Read(small.bytes));
                files.push(small.file);
            }
        }
        let locked = LockedKeys { fingerprints: signer.fingerprints(), files };
        let signer = gathered.keep(place::signer(supply.recipe, name, signer));
        if let Some(signer) = signer.filter(|_| locked.files.len() == sources.len()) {
            signers.insert(name.clone(), Trusted { signer, locked, beside });
        }
    }
    signers
}

/// What the lock before says of an artifact that was fetched, where it still says all that there is to say: the
/// same recipe, the same files of signer, signature and artifact. `build` judges the signatures again.
fn unchanged<'a>(
    supply: &Supply<'a>,
    artifact: &Artifact,
    trusted: &BTreeMap<Name, Trusted>,
) -> Option<&'a LockedArtifact> {
    let before = supply.before()?;
    artifact.source.url.as_ref()?;
    if before.recipe != supply.recipe.digest() || before.sets != *supply.recipe.sets() {
        return None;
    }
    let locked = before.artifacts.get(&artifact.name)?;
    let signatures = artifact.signatures();
    if let Demand::SignedBy { signer, .. } = &artifact.demand
        && trusted.get(signer)?.locked != *before.signers.get(signer)?
    {
        return None;
    }
    let files = signatures.iter().flat_map(Signature::sources);
    let known = locked.signatures.iter().flat_map(|signature| &signature.files);
    let mut pairs = [&artifact.source].into_iter().chain(files).zip([&locked.file].into_iter().chain(known));
    let same = pairs.all(|(location, locked)| {
        let found = supply.find(location);
        let remote = found.as_ref().and_then(|found| found.remote);
        remote.is_some_and(|stored| stored.state == locked.state && *location.text == locked.source)
    });
    (same && signatures.len() == locked.signatures.len()).then_some(locked)
}

/// An artifact whose files are all there.
struct Task<'a, 's> {
    artifact: &'a Artifact,
    found: Found<'s>,
    size: u64,
    signed: Option<Signed>,
}

/// The signatures of one artifact, and what waits for its bytes.
struct Signed {
    kind: Vec<Kind>,
    files: Vec<Vec<LockedFile>>,
    check: Pending,
}

fn task<'a, 's>(
    supply: &'s Supply<'_>,
    artifact: &'a Artifact,
    trusted: &BTreeMap<Name, Trusted>,
    gathered: &mut Gathered,
    printer: &Printer,
) -> Option<Task<'a, 's>> {
    let found = supply.find(&artifact.source);
    let size = match &found {
        Some(Found { remote: Some(stored), .. }) => Some(stored.state.size),
        Some(_) => gathered.keep(require_file(supply.recipe, &artifact.source)),
        None => None,
    };
    let signed = match &artifact.demand {
        Demand::Unsigned(_) => None,
        Demand::SignedBy { signer, signatures } => {
            let Some(files) = signature_files(supply, artifact, signatures, gathered, printer) else {
                tell_changes(supply, artifact, None, gathered);
                return None;
            };
            let path = found.as_ref().filter(|_| size.is_some()).map(|found| found.path.clone())?;
            let signed =
                signed(supply.recipe, artifact, trusted.get(signer)?, signer, (path, signatures, files));
            let failed = |failure| tell(supply, artifact, Err(failure), gathered);
            Some(signed.map_err(failed).ok()?)
        }
    };
    Some(Task { artifact, found: found?, size: size?, signed })
}

/// One file of a signature: where it lies in the bundle, what the lock says of it, what it holds.
type SignatureFile = (Location, LockedFile, Content);

/// The files of an artifact's signatures; none where one of them is missing, which is told.
fn signature_files(
    supply: &Supply<'_>,
    artifact: &Artifact,
    signatures: &[Signature],
    gathered: &mut Gathered,
    printer: &Printer,
) -> Option<Vec<Vec<SignatureFile>>> {
    gathered.keep(place::require_no_collision(supply.recipe, artifact, signatures))?;
    let mut whole = true;
    let mut all = Vec::new();
    for signature in signatures {
        let mut files = Vec::new();
        for source in signature.sources() {
            let read = match signature {
                Signature::Repository { .. } => index(supply, source, printer),
                _ => supply
                    .small(source, MAX_SIGNATURE_BYTES, printer)
                    .map(|small| small.map(|small| (small.file, Content::Read(small.bytes)))),
            };
            match read.and_then(|read| gathered.keep(read)) {
                Some((file, content)) => files.push((source.clone(), file, content)),
                None => whole = false,
            }
        }
        all.push(files);
    }
    whole.then_some(all)
}

/// What an artifact demands, ready for its bytes.
fn signed(
    recipe: &Recipe,
    artifact: &Artifact,
    trusted: &Trusted,
    name: &Name,
    (path, signatures, files): (PathBuf, &[Signature], Vec<Vec<SignatureFile>>),
) -> Result<Signed, Failure> {
    let mut beside = trusted.beside.clone();
    let (mut kinds, mut locked, mut demands) = (Vec::new(), Vec::new(), Vec::new());
    for (signature, files) in signatures.iter().zip(files) {
        let mut its_files = Vec::new();
        for (source, file, content) in files {
            beside.insert(place::beside(recipe, &artifact.name, &source)?, &source.text, content);
            its_files.push(file);
        }
        let kind = evidence::kind(signature, &artifact.source.text, &path)?;
        demands.push(place::demand(recipe, &artifact.name, name, signature, kind)?);
        kinds.push(kind);
        locked.push(its_files);
    }
    let (signer, now) = (trusted.signer.clone(), recipe.bundle.created);
    let asked = Asked { artifact: artifact.source.text.clone(), path, signer, beside, now };
    Ok(Signed { kind: kinds, files: locked, check: Pending::prepare(asked, demands)? })
}

/// A file of a repository's index, which may be long; none where its failure has been told already.
fn index(
    supply: &Supply<'_>,
    path: &Location,
    printer: &Printer,
) -> Option<Result<(LockedFile, Content), Failure>> {
    let found = supply.find(path)?;
    let read = || {
        if found.remote.is_none() {
            require_file(supply.recipe, path)?;
        }
        let failed = |error| Failure::argument(found.path.display().to_string(), &error);
        let read =
            File::open(&found.path).and_then(|mut file| hash(&mut file, &mut [], &|_| {})).map_err(failed)?;
        let state = Locked { size: read.length(), digest: read.digest() };
        require_sound(supply, &found, &state)?;
        printer.detail(|| format!("read {}: {}", path.text, size(state.size)));
        Ok((Supply::locked(path, &found, state), Content::At(found.path.clone())))
    };
    Some(read())
}

/// Refuses a file of the store that is not what its name says.
fn require_sound(supply: &Supply<'_>, found: &Found<'_>, state: &Locked) -> Result<(), Failure> {
    match (found.remote, supply.store()) {
        (Some(stored), Some(store)) if stored.state != *state => {
            Err(store.damaged(&stored.state, &state.digest))
        }
        _ => Ok(()),
    }
}

/// Files that SHA-256 alone is enough for, artifacts first.
fn jobs(supply: &Supply<'_>, tasks: &[Task<'_, '_>], trees: &[(&Tree, tree::Found)]) -> Vec<Job> {
    let artifacts = tasks.iter().filter(|task| task.in_lanes()).map(|task| Job {
        name: task.artifact.source.text.clone(),
        path: task.found.path.clone(),
        locked: task.found.remote.map(|stored| stored.state),
        place: None,
        follow: if task.found.remote.is_some() { Follow::No } else { Follow::Yes },
        keeper: task.found.remote.and(supply.store().cloned()),
    });
    let trees = trees.iter().flat_map(|(tree, found)| {
        let folder = supply.recipe.resolve(&tree.source);
        found.files.iter().map(move |file| {
            let path = folder.join(file.path.as_str());
            let name = path.display().to_string();
            Job { name, path, locked: None, place: None, follow: Follow::No, keeper: None }
        })
    });
    artifacts.chain(trees).collect()
}

impl Task<'_, '_> {
    /// Whether it is read beside the others. What was fetched and has no signature is not read at all.
    fn in_lanes(&self) -> bool {
        match &self.signed {
            None => self.found.remote.is_none(),
            Some(signed) => !signed.check.needs_bytes(),
        }
    }

    /// Judges the artifact; none where it is refused, which is told.
    fn finish(
        mut self,
        supply: &Supply<'_>,
        read: Option<Result<Read, Failure>>,
        gathered: &mut Gathered,
        progress: &Progress,
    ) -> Option<LockedArtifact> {
        let midstate = match (read, &mut self.signed) {
            (Some(read), _) => Some(gathered.keep(read)?.midstate),
            (None, Some(signed)) => {
                let midstate = gathered.keep(signed.check.read(progress))?;
                let state = Locked { size: midstate.length(), digest: midstate.digest() };
                gathered.keep(require_sound(supply, &self.found, &state))?;
                Some(midstate)
            }
            (None, None) => None,
        };
        let state = match (&midstate, self.found.remote) {
            (Some(midstate), _) => Locked { size: midstate.length(), digest: midstate.digest() },
            (None, Some(stored)) => stored.state,
            (None, None) => {
                gathered.add(Failure::fault(&self.artifact.source.text, "was not read"));
                return None;
            }
        };
        let judged = self.signatures(midstate.as_ref());
        let judged = judged.and_then(|signatures| self.require_no_page().map(|()| signatures));
        let judged = judged.and_then(|signatures| self.require_installable().map(|()| signatures));
        let file = Supply::locked(&self.artifact.source, &self.found, state);
        let signatures = tell(supply, self.artifact, judged, gathered)?;
        let inside = gathered.keep(inside::of_file(&self.found.path))?.map(|inside| inside.facts);
        Some(LockedArtifact { file, inside, signatures })
    }

    fn signatures(&mut self, midstate: Option<&Midstate>) -> Result<Vec<LockedSignature>, Failure> {
        let (Some(signed), Some(midstate)) = (self.signed.take(), midstate) else { return Ok(Vec::new()) };
        let good = signed.check.judge(midstate)?;
        let parts = signed.kind.into_iter().zip(signed.files).zip(good);
        Ok(parts
            .map(|((kind, files), Good { signer, signed_at })| LockedSignature {
                kind,
                files,
                signer,
                signed_at,
            })
            .collect())
    }

    /// Refuses a file that cannot be installed in the way that the recipe says.
    fn require_installable(&self) -> Result<(), Failure> {
        let Some(install) = &self.artifact.install else { return Ok(()) };
        let wanted = match install.package() {
            None => return Ok(()),
            Some(Package::Rpm) => Kind::Rpm,
            Some(Package::Deb) => Kind::Deb,
            Some(Package::Pkg) => Kind::ApplePkg,
            Some(Package::Msi) => Kind::Authenticode,
            Some(Package::Zip) => Kind::Zip,
        };
        let source = &self.artifact.source;
        let found = evidence::kind_of_content(&source.text, &self.found.path)?;
        if found == wanted {
            return Ok(());
        }
        let word = install.word();
        Err(Failure::new(
            Code::RecipeInvalid,
            &source.text,
            format!("is nothing that `install = \"{word}\"` installs"),
        )
        .expected(format!("a file of the kind `{}`", wanted.as_str()))
        .found(format!("`{}`", found.as_str()))
        .hint("correct the source, or the way to install"))
    }

    /// Refuses a login or error page in the place of a file that nobody signed.
    fn require_no_page(&self) -> Result<(), Failure> {
        let name = self.artifact.source.file_name().to_ascii_lowercase();
        let wanted = name.ends_with(".html") || name.ends_with(".htm");
        let page = self.found.remote.is_some() && !wanted && begins_as_a_page(&self.found);
        if !page || matches!(self.artifact.demand, Demand::SignedBy { .. }) {
            return Ok(());
        }
        Err(page_failure(&self.artifact.source))
    }
}

fn page_failure(source: &Location) -> Failure {
    Failure::new(verifier::error::Code::FetchFailed, &source.text, "is a web page, where a file was wanted")
        .hint("open it in a browser: the server asks to log in, or has moved the file")
}

/// What was judged, or none where something is refused. Where the lock before says something else of the files, that
/// is told, with what was judged of the new ones.
fn tell(
    supply: &Supply<'_>,
    artifact: &Artifact,
    judged: Result<Vec<LockedSignature>, Failure>,
    gathered: &mut Gathered,
) -> Option<Vec<LockedSignature>> {
    if judged.is_err() {
        supply.forget(artifact.sources());
        supply.forget(supply.recipe.signer_of(artifact).into_iter().flat_map(Signer::sources));
    }
    let judged = judged.map_err(|failure| {
        let pages: Vec<&str> = artifact
            .sources()
            .into_iter()
            .filter(|source| {
                let found = supply.find(source);
                found.is_some_and(|found| {
                    found.remote.is_some_and(|stored| is_page(stored) || begins_as_a_page(&found))
                })
            })
            .map(|source| &*source.text)
            .collect();
        let failure = supply.recipe.beside(&artifact.source, failure);
        if pages.is_empty() {
            return failure;
        }
        let found = failure.refusal().found.clone().map(|found| format!("{found}; ")).unwrap_or_default();
        failure.found(format!("{found}{} is a web page", pages.join(" and ")))
    });
    match tell_changes(supply, artifact, Some(&judged), gathered) {
        0 => gathered.keep(judged),
        _ => None,
    }
}

/// Tells which files of an artifact are not what the lock before says; how many they are.
fn tell_changes(
    supply: &Supply<'_>,
    artifact: &Artifact,
    judged: Option<&Result<Vec<LockedSignature>, Failure>>,
    gathered: &mut Gathered,
) -> usize {
    let owner = Owner::Artifact(artifact);
    let sources = artifact.sources().into_iter();
    let changes = sources.filter_map(|source| change::refusal(supply, &owner, source, judged));
    changes.map(|failure| gathered.add(failure)).count()
}

fn is_page(stored: &Stored) -> bool {
    stored.page
}
