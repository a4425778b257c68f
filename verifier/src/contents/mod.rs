// SPDX-License-Identifier: Apache-2.0
//! Every byte of a bundle against its manifest: nothing missing, changed or extra.
//!
//! In: an [`Archive`] and the manifest that it must be ([`Claim`]). Out: [`Contents`]. On the way every
//! proven byte may go to a [`Sink`], and files whose evidence needs another digest than SHA-256 are
//! shown in order to an [`InOrder`] hasher, so that nothing is read twice.

mod diagnosis;
mod layout;
mod queue;
mod random;
mod reader;
mod source;
mod spool;
mod stream;

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};

use manifests::bundle::{Artifact, Demand, EntryMode, EvidenceDemand, Manifest};
use manifests::digest::Sha256Digest;
use manifests::name::PortablePath;

use crate::archive::format::{END, Entry, RECORD, header, padding};
use crate::archive::reader::{
    Archive, CHAINS, MANIFEST, SIGNATURES, read_at, read_next, require_same, truncated,
};
use crate::bytes::Bytes;
use crate::error::{Code, Refusal};
use crate::hash::sha256::{self, Midstate};
use crate::hash::{Kernel, State};
use crate::media::{Carrier, Medium, length};
use crate::trust::Claim;
use layout::Layout;
use reader::ProvingBytes;
use source::Source;
use spool::{Spool, Spooling};

/// The longest file of signatures, keys, certificates or a trust policy, in bytes: one chunk, so that it is proven as a whole.
const MAX_EVIDENCE_BYTES: u64 = 4 * 1024 * 1024;
/// All of these files together, in bytes: they are kept in memory.
const MAX_KEPT_BYTES: u64 = 16 * 1024 * 1024;
/// Worker threads at most: more would only wait for the medium, and each holds 1 MiB of buffers.
const MAX_WORKERS: usize = 16;

/// Where proven bytes go besides the proof.
///
/// Bytes arrive before their entry is proven, in any order and from several threads: a sink keeps
/// them where nobody looks until the whole proof has succeeded.
pub trait Sink: Sync {
    /// Takes bytes of an entry, counted from the entry's start.
    fn put(&self, entry: usize, offset: u64, bytes: &[u8]) -> Result<(), Refusal>;
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug)]
pub struct Nowhere;

impl Sink for Nowhere {
    fn put(&self, _: usize, _: u64, _: &[u8]) -> Result<(), Refusal> {
        Ok(())
    }
}

/// A digest that must see a file front to back.
pub trait InOrder: Any + Send {
    /// The next bytes.
    fn update(&mut self, bytes: &[u8]);
}

/// Says, once an artifact's evidence is proven and before its file is read, what else to compute.
pub trait Watch: Sync {
    /// A hasher for the artifact's file; none where SHA-256 is enough.
    fn in_order(&self, artifact: &Artifact, manifest: &Manifest, kept: &Kept) -> Option<Box<dyn InOrder>>;
}

/// Watches nothing.
#[derive(Clone, Copy, Debug)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn in_order(&self, _: &Artifact, _: &Manifest, _: &Kept) -> Option<Box<dyn InOrder>> {
        None
    }
}

/// What a proof does besides proving.
#[derive(Clone, Copy)]
pub struct Proof<'a> {
    /// Where bytes go.
    pub sink: &'a dyn Sink,
    /// What else is computed.
    pub watch: &'a dyn Watch,
    /// Called with the number of bytes that were proven since the last call.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

/// Files of signatures, keys, certificates and trust policies: proven, and small enough to keep.
#[derive(Debug, Default)]
pub struct Kept(BTreeMap<Box<str>, Vec<u8>>);

impl Kept {
    /// The content of a kept file.
    pub fn get(&self, path: &PortablePath) -> Option<&[u8]> {
        self.0.get(path.as_str()).map(Vec::as_slice)
    }
}

/// What was computed over an artifact's file while it was proven.
pub struct Watched {
    /// SHA-256 before its padding.
    pub midstate: Midstate,
    /// What [`Watch::in_order`] asked for.
    pub in_order: Option<Box<dyn InOrder>>,
}

/// A bundle of which every byte is proven against the manifest `M`.
pub struct Contents<M> {
    claim: M,
    layout: Layout,
    medium: Medium,
    kept: Kept,
    spool: Option<Spool>,
    /// By the path of the artifact's file.
    watched: BTreeMap<Box<str>, Watched>,
}

impl<M: Claim> Contents<M> {
    /// The manifest that it is proven against.
    pub const fn claim(&self) -> &M {
        &self.claim
    }

    /// Gives the manifest back, once the bytes are no longer needed.
    pub fn into_claim(self) -> M {
        self.claim
    }

    /// A signature or key file.
    pub const fn kept(&self) -> &Kept {
        &self.kept
    }

    /// What was computed over an artifact's file; each artifact's can be taken once.
    pub fn take_watched(&mut self, artifact: &Artifact) -> Option<Watched> {
        self.watched.remove(artifact.file.as_str())
    }

    /// Reads an entry again, at any place. Each chunk is proven again as it is read; what came in a stream
    /// and was kept in the file without a name is read from there, where nobody else can write.
    ///
    /// None for a path that is no entry, or one of a stream that nobody said would be read again.
    pub fn open(&self, path: &PortablePath) -> Result<Option<Box<dyn Bytes + '_>>, Refusal> {
        let Some(entry) = self.claim.manifest().position(path) else { return Ok(None) };
        let source = match &self.medium.carrier {
            Carrier::File { file, length } => Source::File { file, length: *length },
            Carrier::Folder(folder) => Source::Folder(folder),
            Carrier::Stream(_) => {
                let spooled = self.spool.as_ref().and_then(|spool| spool.get(entry));
                return Ok(spooled.map(|spooled| -> Box<dyn Bytes + '_> { Box::new(spooled) }));
            }
        };
        Ok(Some(Box::new(ProvingBytes::open(source, &self.layout, entry)?)))
    }
}

/// Which part of an entry failed: ordered as the archive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Spot {
    entry: usize,
    chunk: u64,
}

/// Why a part failed.
pub(crate) enum Fault {
    /// Something that is refused as it is.
    Refused(Refusal),
    /// A chunk that does not lead from its state to the next: list or bytes are wrong.
    BrokenLink,
}

/// What all parts of a proof share.
struct Job<'a> {
    name: &'a str,
    layout: &'a Layout,
    manifest: &'a Manifest,
    /// Entries that are kept, and those whose midstate is wanted with the artifact's index.
    kept: BTreeSet<usize>,
    demanding: BTreeMap<usize, usize>,
    proof: Proof<'a>,
    kernel: Kernel,
    workers: usize,
}

/// Proves that an archive holds exactly what the manifest names.
pub fn prove<M: Claim>(archive: Archive, claim: M, proof: Proof<'_>) -> Result<Contents<M>, Refusal> {
    let manifest = claim.manifest();
    archive.require_front(manifest)?;
    let start = archive.next_offset();
    let mut medium = archive.into_medium();
    require_entries(&medium, manifest)?;
    let (values, payload_at) = chains(&mut medium, manifest, start)?;
    let layout = Layout::new(manifest, payload_at, values);
    let demanding = demanding(manifest);
    let mut job = Job {
        name: &medium.name,
        layout: &layout,
        manifest,
        kept: evidence(manifest)?,
        demanding,
        proof,
        kernel: Kernel::detect(),
        workers: workers(&medium.carrier),
    };
    let mut spool = None;
    let (kept, watched) = match &mut medium.carrier {
        Carrier::File { file, length } => {
            require_length(&medium.name, *length, layout.end_at + END as u64)?;
            let mut end = [0; END];
            read_at(file, *length, layout.end_at, &mut end, &medium.name)?;
            require_same("end of archive", layout.end_at, &[0; END], &end)?;
            random::prove(&job, Source::File { file, length: *length })?
        }
        Carrier::Folder(folder) => random::prove(&job, Source::Folder(folder))?,
        Carrier::Stream(stream) => {
            spool = Spool::new(&job, read_again(manifest))?;
            let spooling = spool.as_ref().map(|spool| Spooling { spool, sink: proof.sink });
            if let Some(spooling) = &spooling {
                job.proof.sink = spooling;
            }
            stream::prove(&job, stream)?
        }
    };
    let watched = watched.into_iter().map(|(entry, watched)| (layout.path(entry).into(), watched)).collect();
    Ok(Contents { claim, layout, medium, kept, spool, watched })
}

/// Threads that prove what comes on this carrier.
pub fn workers(carrier: &Carrier) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    match carrier {
        Carrier::Stream(_) => cores.min(stream::WORKERS),
        Carrier::File { .. } | Carrier::Folder(_) => cores.min(MAX_WORKERS),
    }
}

/// In a folder, what does not belong there is refused before anything is read.
fn require_entries(medium: &Medium, manifest: &Manifest) -> Result<(), Refusal> {
    let Carrier::Folder(folder) = &medium.carrier else { return Ok(()) };
    let mut expected: BTreeSet<&str> = [MANIFEST, SIGNATURES, CHAINS].into();
    expected.extend(manifest.files().map(|(file, _)| file.path.as_str()));
    folder.require_only(&expected)
}

fn require_length(name: &str, found: u64, expected: u64) -> Result<(), Refusal> {
    match found.cmp(&expected) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Less => Err(truncated(name, expected, found)),
        std::cmp::Ordering::Greater => Err(trailing(name, expected, found)),
    }
}

fn trailing(name: &str, expected: u64, found: u64) -> Refusal {
    Refusal::new(Code::TrailingBytes, name, "goes on behind its end")
        .expected(format!("{expected} bytes"))
        .found(format!("{found} bytes"))
}

/// The content of `chains.bin`, proven, and where the payload begins.
fn chains(medium: &mut Medium, manifest: &Manifest, start: u64) -> Result<(Vec<u8>, u64), Refusal> {
    let facts = manifest.predicate().chains;
    let path = format!("{}/{CHAINS}", manifest.folder());
    let entry =
        Entry { path: &path, size: facts.size, mode: EntryMode::Plain, time: manifest.bundle().created };
    let header = header(&entry);
    let mut found = vec![0; header.len()];
    // At most 32 MiB, by the rules of the manifest.
    let mut values = vec![0; facts.size as usize];
    let mut rest = vec![0; padding(facts.size) as usize];
    let name = medium.name.as_str();
    match &mut medium.carrier {
        Carrier::File { file, length } => {
            let data_at = start + header.len() as u64;
            read_at(file, *length, start, &mut found, name)?;
            read_at(file, *length, data_at, &mut values, name)?;
            read_at(file, *length, data_at + facts.size, &mut rest, name)?;
        }
        Carrier::Stream(stream) => {
            read_next(stream, &mut found, name)?;
            read_next(stream, &mut values, name)?;
            read_next(stream, &mut rest, name)?;
        }
        Carrier::Folder(folder) => {
            let file = folder.file(CHAINS)?;
            let found_length = length(&file, CHAINS)?;
            require_length(CHAINS, found_length, facts.size)?;
            read_at(&file, found_length, 0, &mut values, CHAINS)?;
            found.clone_from(&header);
        }
    }
    require_same(CHAINS, start, &header, &found)?;
    require_same(CHAINS, start + header.len() as u64 + facts.size, &vec![0; rest.len()], &rest)?;
    require_digest(CHAINS, facts.digest.sha256, sha256::digest(&values))?;
    let payload_at = start + header.len() as u64 + facts.size + rest.len() as u64;
    Ok((values, payload_at))
}

fn require_digest(subject: &str, expected: Sha256Digest, found: Sha256Digest) -> Result<(), Refusal> {
    if expected == found {
        return Ok(());
    }
    Err(Refusal::new(Code::DigestMismatch, subject, "is not the file that was signed")
        .expected(expected)
        .found(found))
}

/// What is demanded of artifacts, each with its artifact.
fn demands(manifest: &Manifest) -> impl Iterator<Item = (&Artifact, &EvidenceDemand)> {
    manifest.predicate().artifacts.iter().flat_map(|artifact| {
        let demands = match &artifact.demand {
            Demand::Vendor(demands) => demands.as_slice(),
            Demand::Unsigned(_) => &[],
        };
        demands.iter().map(move |demand| (artifact, demand))
    })
}

/// The entries that evidence is read from at any place, once they are proven.
fn read_again(manifest: &Manifest) -> BTreeSet<usize> {
    let paths = demands(manifest).flat_map(|(artifact, demand)| match demand {
        EvidenceDemand::Openpgp { .. } => Vec::new(),
        EvidenceDemand::AptDeb { .. } => [vec![&artifact.file], demand.files()].concat(),
        _ => vec![&artifact.file],
    });
    let paths: BTreeSet<&str> = paths.map(PortablePath::as_str).collect();
    let files = manifest.files().enumerate();
    files.filter(|(_, (file, _))| paths.contains(file.path.as_str())).map(|(entry, _)| entry).collect()
}

/// The entries that hold detached signatures, keys, certificates and trust policies.
fn evidence(manifest: &Manifest) -> Result<BTreeSet<usize>, Refusal> {
    let signatures = demands(manifest).flat_map(|(_, demand)| match demand {
        EvidenceDemand::Openpgp { .. } | EvidenceDemand::ZipMember { .. } => demand.files(),
        _ => Vec::new(),
    });
    let predicate = manifest.predicate();
    let signers = predicate.signers.values().flat_map(|signer| signer.files());
    let stores = predicate.trust_stores.iter().flat_map(|store| &store.certificates);
    let stores = stores.map(|certificate| &certificate.file);
    let policies = predicate.trust_policies.iter().map(|policy| &policy.file);
    let paths: BTreeSet<&str> =
        signatures.chain(signers).chain(stores).chain(policies).map(PortablePath::as_str).collect();
    let mut kept = BTreeSet::new();
    let mut bytes = 0u64;
    for (entry, (file, _)) in manifest.files().enumerate() {
        if !paths.contains(file.path.as_str()) {
            continue;
        }
        bytes = bytes.saturating_add(file.size);
        if file.size > MAX_EVIDENCE_BYTES || bytes > MAX_KEPT_BYTES {
            return Err(Refusal::new(
                Code::LimitExceeded,
                file.path.as_str(),
                "is too long for a file of signatures, keys, certificates or a trust policy",
            )
            .expected(format!("at most {MAX_EVIDENCE_BYTES} bytes, and {MAX_KEPT_BYTES} for all together"))
            .found(format!("{} bytes, and {bytes} up to here", file.size)));
        }
        kept.insert(entry);
    }
    Ok(kept)
}

/// The entries that vendor evidence is demanded for, each with its artifact's index.
fn demanding(manifest: &Manifest) -> BTreeMap<usize, usize> {
    let by_path: BTreeMap<&str, usize> = manifest
        .predicate()
        .artifacts
        .iter()
        .enumerate()
        .filter(|(_, artifact)| matches!(artifact.demand, Demand::Vendor(_)))
        .map(|(at, artifact)| (artifact.file.as_str(), at))
        .collect();
    let files = manifest.files().enumerate();
    files.filter_map(|(entry, (file, _))| Some((entry, *by_path.get(file.path.as_str())?))).collect()
}

impl Job<'_> {
    /// What else to compute over an entry that evidence is demanded for.
    fn in_order(&self, entry: usize, kept: &Kept) -> Option<Box<dyn InOrder>> {
        let artifact = &self.manifest.predicate().artifacts[*self.demanding.get(&entry)?];
        self.proof.watch.in_order(artifact, self.manifest, kept)
    }

    /// Takes note of the state before the padding where somebody will ask for it.
    fn watch(&self, entry: usize, state: State, tail: &[u8]) -> Option<Midstate> {
        self.demanding
            .contains_key(&entry)
            .then(|| Midstate::from_parts(state, tail, self.layout.place(entry).size))?
    }

    fn path(&self, entry: usize) -> &str {
        self.layout.path(entry)
    }

    fn zeros(&self, entry: usize, found: &[u8]) -> Result<(), Refusal> {
        let place = self.layout.place(entry);
        require_same(self.path(entry), place.data_at + place.size, &[0; RECORD][..found.len()], found)
    }

    fn require_header(&self, entry: usize, found: &[u8]) -> Result<(), Refusal> {
        require_same(self.path(entry), self.layout.place(entry).header_at, &self.layout.header(entry), found)
    }
}
