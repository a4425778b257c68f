// SPDX-License-Identifier: Apache-2.0
//! The recipe's files, within reach: those of this machine where they lie, all others fetched into the store.
//!
//! In: a recipe, the lock before, what shall be renewed. Out: for each file its bytes, or one failure that is told
//! with all others. A URL is fetched once, however often the recipe names it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;

use manifests::name::Name;
use manifests::time::Timestamp;
use verifier::hash::sha256;
use verifier::nearest::nearest;
use verifier::report::human::size;

use super::{Lock, LockedFile};
use crate::digest::Locked;
use crate::failure::{Failure, Gathered};
use crate::fetch::limits::{MAX_ARTIFACT_BYTES, MAX_EVIDENCE_BYTES};
use crate::fetch::url::Url;
use crate::fetch::{Fetched, Fetcher, Missed, Origin, Settings, Wanted};
use crate::files::read_limited;
use crate::recipe::{Location, Recipe, Signature};
use crate::report::Printer;
use crate::store::Store;
use crate::store::note::Errand;

/// What a recipe with URLs needs beside itself.
#[derive(Debug)]
pub struct Remote {
    /// Where downloads go.
    pub store: Arc<Store>,
    /// The lock before: what it says of a URL is what the URL must bring.
    pub before: Option<Lock>,
    /// What is fetched anew, whatever the lock before says.
    pub renewal: Renewal,
    /// How to fetch.
    pub settings: Settings,
}

/// What `bundler update` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// Nothing: `bundler lock`.
    Nothing,
    /// Every URL of the recipe.
    Everything,
    /// The files of what has these names.
    Named(BTreeSet<Name>),
}

impl Renewal {
    /// What the command line names: nothing in particular is everything. The name of a section with a list stands for
    /// all artifacts that it makes. Refused: a name that nothing in the recipe has.
    pub fn of(names: &[Name], recipe: &Recipe) -> Result<Self, Failure> {
        if names.is_empty() {
            return Ok(Self::Everything);
        }
        let artifacts = recipe.artifacts.iter().flat_map(|artifact| [&artifact.name, &artifact.section]);
        let trees = recipe.trees.iter().map(|tree| &tree.name);
        let stores = recipe.trust_stores.iter().map(|store| &store.name);
        let policies = recipe.trust_policies.iter().map(|policy| &policy.name);
        let others = recipe.signers.keys().chain(stores).chain(policies);
        let known: BTreeSet<&Name> = artifacts.chain(trees).chain(others).collect();
        match names.iter().find(|name| !known.contains(name)) {
            None => {
                let made = recipe.artifacts.iter().filter(|artifact| names.contains(&artifact.section));
                let made = made.map(|artifact| artifact.name.clone());
                Ok(Self::Named(names.iter().cloned().chain(made).collect()))
            }
            Some(name) => {
                let failure = Failure::usage(
                    name.as_str(),
                    "is no artifact, signer, tree, trust store or trust policy of the recipe",
                );
                Err(match nearest(name.as_str(), known.into_iter().map(Name::as_str)) {
                    Some(near) => failure.hint(format!("did you mean `{near}`?")),
                    None => failure,
                })
            }
        }
    }

    const fn errand(&self) -> Errand {
        match self {
            Self::Nothing => Errand::Lock,
            Self::Everything | Self::Named(_) => Errand::Update,
        }
    }

    fn covers(&self, name: &Name) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Named(names) => names.contains(name),
        }
    }
}

/// A file that was fetched, now or for the lock before.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) state: Locked,
    pub(super) fetched_at: Timestamp,
    /// What the lock before says, where that is something else.
    pub(super) before: Option<Locked>,
    /// The server calls it a web page.
    pub(super) page: bool,
    /// The store has a note of it.
    noted: bool,
}

/// A file within reach.
#[derive(Clone, Debug)]
pub(super) struct Found<'s> {
    /// Where its bytes are.
    pub(super) path: PathBuf,
    /// What is known of one that was fetched.
    pub(super) remote: Option<&'s Stored>,
}

/// A key or signature file: small, and read whole.
pub(super) struct Small {
    pub(super) file: LockedFile,
    pub(super) bytes: Arc<Vec<u8>>,
}

/// Every file of a recipe.
pub(super) struct Supply<'a> {
    pub(super) recipe: &'a Recipe,
    remote: Option<&'a Remote>,
    fetched: BTreeMap<&'a str, Stored>,
}

impl<'a> Supply<'a> {
    /// Fetches what must be fetched, all at once.
    pub(super) fn new(
        recipe: &'a Recipe,
        remote: Option<&'a Remote>,
        gathered: &mut Gathered,
        printer: &Printer,
    ) -> Self {
        let mut supply = Self { recipe, remote, fetched: BTreeMap::new() };
        let Some(remote) = remote else { return supply };
        let pins = pins(remote.before.as_ref());
        let (places, wanted) = wanted(recipe, remote, &pins);
        let fetcher = Fetcher::new(&remote.store, recipe.hosts.clone(), remote.settings.clone());
        let fetcher = fetcher.noting(remote.renewal.errand());
        for (place, found) in places.into_iter().zip(fetcher.fetch_all(&wanted)) {
            let (found, before) = match found {
                Ok(found) => (found, None),
                Err(Missed::Changed { expected, found }) => (found, Some(expected)),
                Err(Missed::Failed(failure)) => {
                    gathered.add(recipe.beside(place, failure));
                    continue;
                }
            };
            let pin = pins.get(&*place.text).copied();
            supply.fetched.insert(&place.text, stored(found, before, pin, remote, place, printer));
        }
        supply
    }

    /// Whatever a URL brought was refused: the next run asks for it again.
    pub(super) fn forget<'l>(&self, locations: impl IntoIterator<Item = &'l Location>) {
        let Some(remote) = self.remote else { return };
        for location in locations {
            if self.fetched.get(&*location.text).is_some_and(|stored| stored.noted) {
                remote.store.forget(remote.renewal.errand(), &location.text);
            }
        }
    }

    /// The store, where the recipe has URLs.
    pub(super) fn store(&self) -> Option<&Arc<Store>> {
        self.remote.map(|remote| &remote.store)
    }

    /// The lock before, where the recipe has URLs.
    pub(super) fn before(&self) -> Option<&'a Lock> {
        self.remote.and_then(|remote| remote.before.as_ref())
    }

    /// Where a file is; none where its failure has been told already.
    pub(super) fn find(&self, location: &Location) -> Option<Found<'_>> {
        if location.url.is_none() {
            return Some(Found { path: self.recipe.resolve(location), remote: None });
        }
        let remote = self.fetched.get(&*location.text)?;
        Some(Found { path: self.store()?.path(&remote.state.digest), remote: Some(remote) })
    }

    /// What the lock says of a file; `state` is that of a local one.
    pub(super) fn locked(location: &Location, found: &Found<'_>, state: Locked) -> LockedFile {
        let (state, fetched_at) = match found.remote {
            Some(remote) => (remote.state, Some(remote.fetched_at)),
            None => (state, None),
        };
        LockedFile { source: location.text.clone(), state, fetched_at }
    }

    /// Reads a small file whole; none where its failure has been told already.
    pub(super) fn small(
        &self,
        location: &Location,
        limit: usize,
        printer: &Printer,
    ) -> Option<Result<Small, Failure>> {
        let found = self.find(location)?;
        Some(self.read_small(location, &found, limit as u64).inspect(|small| {
            printer.detail(|| format!("read {}: {}", location.text, size(small.file.state.size)));
        }))
    }

    fn read_small(&self, location: &Location, found: &Found<'_>, limit: u64) -> Result<Small, Failure> {
        let (bytes, state) = match (found.remote, self.store()) {
            (Some(remote), Some(store)) => {
                let bytes = store.read(&remote.state, limit)?;
                (bytes.ok_or_else(|| damaged(location))?, remote.state)
            }
            _ => {
                require_file(self.recipe, location)?;
                let bytes = read_limited(&found.path, limit)?;
                let state = Locked { size: bytes.len() as u64, digest: sha256::digest(&bytes) };
                (bytes, state)
            }
        };
        Ok(Small { file: Self::locked(location, found, state), bytes: Arc::new(bytes) })
    }
}

/// A short file of the store that was not what its name says; the store has removed it.
fn damaged(location: &Location) -> Failure {
    Failure::new(verifier::error::Code::DigestMismatch, &location.text, "is damaged in the store")
        .hint("it was removed from the store: run it again, which fetches it again")
}

/// What the lock before says of URLs, and when they were fetched.
fn pins(before: Option<&Lock>) -> BTreeMap<&str, (Locked, Timestamp)> {
    let files = before.into_iter().flat_map(Lock::singles);
    files.filter_map(|file| Some((&*file.source, (file.state, file.fetched_at?)))).collect()
}

/// Every URL of the recipe once, with the place that names it first.
fn wanted<'a>(
    recipe: &'a Recipe,
    remote: &Remote,
    pins: &BTreeMap<&str, (Locked, Timestamp)>,
) -> (Vec<&'a Location>, Vec<Wanted>) {
    let (mut places, mut wanted, mut known) = (Vec::new(), Vec::<Wanted>::new(), BTreeMap::new());
    for (name, location, ceiling) in uses(recipe) {
        let Some(url) = &location.url else { continue };
        let at = *known.entry(&*location.text).or_insert_with(|| {
            places.push(location);
            let expected = pins.get(&*location.text).map(|(state, _)| *state);
            wanted.push(Wanted { url: Url::clone(url), expected, ceiling });
            wanted.len() - 1
        });
        if let Some(one) = wanted.get_mut(at) {
            one.ceiling = one.ceiling.max(ceiling);
            if remote.renewal.covers(name) {
                one.expected = None;
            }
        }
    }
    (places, wanted)
}

/// Every file of the recipe, with what it belongs to and the longest that it may be.
fn uses(recipe: &Recipe) -> Vec<(&Name, &Location, u64)> {
    let mut uses = Vec::new();
    for (name, signer) in &recipe.signers {
        uses.extend(signer.sources().into_iter().map(|source| (name, source, MAX_EVIDENCE_BYTES)));
    }
    for artifact in &recipe.artifacts {
        uses.push((&artifact.name, &artifact.source, MAX_ARTIFACT_BYTES));
        for signature in artifact.signatures() {
            let sources = signature.sources().into_iter();
            uses.extend(sources.map(|source| (&artifact.name, source, ceiling(signature))));
        }
    }
    for store in &recipe.trust_stores {
        let files = store.certificates.iter().map(|certificate| &certificate.source);
        uses.extend(files.map(|source| (&store.name, source, MAX_EVIDENCE_BYTES)));
    }
    uses.extend(
        recipe.trust_policies.iter().map(|policy| (&policy.name, &policy.template, MAX_EVIDENCE_BYTES)),
    );
    uses
}

/// A repository's index may be long, as a file that is read through; any other evidence is short.
const fn ceiling(signature: &Signature) -> u64 {
    match signature {
        Signature::Repository { .. } => verifier::signature::apt::packages::MAX_PACKAGES_BYTES,
        _ => MAX_EVIDENCE_BYTES,
    }
}

fn stored(
    found: Fetched,
    before: Option<Locked>,
    pin: Option<(Locked, Timestamp)>,
    remote: &Remote,
    place: &Location,
    printer: &Printer,
) -> Stored {
    let mut page = false;
    let mut came = remote.settings.now;
    match &found.origin {
        Origin::Store => {}
        Origin::Earlier { at } => {
            came = *at;
            printer.detail(|| format!("was fetched before, at {at}: {}", place.text));
        }
        Origin::File { .. } => {
            printer.detail(|| format!("copied {}: {}", place.text, size(found.state.size)));
        }
        Origin::Network { redirected_to, surprising, .. } => {
            page = *surprising;
            printer.detail(|| {
                let by = redirected_to.as_ref().map(|host| format!(", by way of {host}")).unwrap_or_default();
                format!("fetched {}: {}{by}", place.text, size(found.state.size))
            });
        }
    }
    // The time of the first fetch stays as long as the bytes do.
    let fetched_at = match pin {
        Some((state, at)) if state == found.state => at,
        _ => came,
    };
    let noted = found.origin != Origin::Store;
    Stored { state: found.state, fetched_at, before, page, noted }
}

/// Whether a file begins as a web page does.
pub(super) fn begins_as_a_page(found: &Found<'_>) -> bool {
    let mut start = Vec::new();
    let read = std::fs::File::open(&found.path).and_then(|file| file.take(512).read_to_end(&mut start));
    let text = String::from_utf8_lossy(&start).to_ascii_lowercase();
    let text = text.trim_start_matches('\u{feff}').trim_start();
    read.is_ok() && (text.starts_with("<!doctype html") || text.starts_with("<html"))
}

/// Points at the recipe's line when a file is missing; says how long the file is.
pub(super) fn require_file(recipe: &Recipe, path: &Location) -> Result<u64, Failure> {
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
