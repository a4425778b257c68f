// SPDX-License-Identifier: Apache-2.0
//! Vendors' signatures, judged by the verifier's own checkers at the time that the recipe gives the bundle.
//!
//! That time, and not the clock: an old lock still builds, and any machine comes to the same verdict.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use manifests::bundle::{EvidenceDemand, Signer};
use manifests::evidence::{Evidence, Verdict};
use manifests::name::PortablePath;
use manifests::time::Timestamp;
use verifier::bytes::{Bytes, FileBytes};
use verifier::check::kind::recognise;
use verifier::check::openpgp::hash;
use verifier::cli::{self, Kind};
use verifier::error::Code;
use verifier::hash::sha256::Midstate;
use verifier::progress::Progress;
use verifier::signature::approve::{self, Beside, Case};
use verifier::signature::openpgp::{Check, Hasher};
use verifier::signature::zip_member::extract;
use verifier::signature::{Reason, Stop};
use verifier::unpack::Bound;

use crate::failure::Failure;
use crate::recipe::Signature;

/// What the recipe asks of one artifact's signatures, in the words of a manifest.
pub(super) struct Asked {
    /// The artifact, for people.
    pub(super) artifact: String,
    /// Its file.
    pub(super) path: PathBuf,
    /// Who must have signed.
    pub(super) signer: Signer,
    /// Files of this machine by their place in the bundle: signatures, keys, certificates.
    pub(super) beside: LocalFiles,
    /// The time of judgement.
    pub(super) now: Timestamp,
}

/// Files of this machine by their place in the bundle.
#[derive(Clone, Default)]
pub(super) struct LocalFiles(BTreeMap<PortablePath, Local>);

#[derive(Clone)]
struct Local {
    /// As the recipe writes it.
    text: String,
    content: Content,
}

/// What a file holds.
#[derive(Clone)]
pub(super) enum Content {
    /// Small, and read once: a signature, a key, a certificate.
    Read(Arc<Vec<u8>>),
    /// A repository's index.
    At(PathBuf),
}

impl LocalFiles {
    pub(super) fn insert(&mut self, place: PortablePath, text: &str, content: Content) {
        self.0.insert(place, Local { text: text.to_owned(), content });
    }

    /// A small file.
    fn bytes(&self, path: &PortablePath) -> Result<&[u8], Failure> {
        match self.0.get(path) {
            Some(Local { content: Content::Read(bytes), .. }) => Ok(bytes),
            _ => Err(Failure::fault(path.as_str(), "was not read")),
        }
    }
}

impl Beside for LocalFiles {
    fn get(&self, path: &PortablePath) -> io::Result<Option<Box<dyn Bytes + '_>>> {
        Ok(match self.0.get(path).map(|local| &local.content) {
            None => None,
            Some(Content::Read(bytes)) => Some(Box::new(bytes.as_slice())),
            Some(Content::At(path)) => Some(Box::new(FileBytes::new(File::open(path)?)?)),
        })
    }
}

/// Of which kind a signature is; for one inside the artifact, or inside a member of it, the content tells. `name` is what
/// people call the artifact.
pub(super) fn kind(signature: &Signature, name: &str, artifact: &Path) -> Result<Kind, Failure> {
    let member = match signature {
        Signature::Detached(_) => return Ok(Kind::Openpgp),
        Signature::Member { .. } => return Ok(Kind::ZipMember),
        Signature::Repository { .. } => return Ok(Kind::AptDeb),
        Signature::Embedded { member, .. } => member,
    };
    let Some(member) = member else { return kind_of_content(name, artifact) };
    let failed = |error| Failure::argument(name, &error);
    let file = File::open(artifact).and_then(FileBytes::new).map_err(failed)?;
    match extract(&file, member.as_str(), Bound::Ratio) {
        Ok(member) => recognise(&member.bytes, &cli::Demand::default()).map_err(failed),
        Err(Stop::Read(error)) => Err(failed(error)),
        Err(Stop::Found(reason, note)) => {
            Err(Failure::new(Code::EvidenceMalformed, name, "is no zip with the member that is asked for")
                .expected(format!("a well-formed zip that holds the file `{member}`"))
                .found(format!("{}: {note}", reason.as_str())))
        }
    }
}

/// What a file is, by its content.
pub(super) fn kind_of_content(name: &str, artifact: &Path) -> Result<Kind, Failure> {
    let recognised = File::open(artifact)
        .and_then(FileBytes::new)
        .and_then(|file| recognise(&file, &cli::Demand::default()));
    recognised.map_err(|error| Failure::argument(name, &error))
}

/// Signatures that wait for the artifact's bytes.
pub(super) struct Pending {
    asked: Asked,
    waiting: Vec<Waiting>,
    /// One for each that waits, where it needs more than SHA-256.
    hashers: Vec<Option<Hasher>>,
}

struct Waiting {
    demand: EvidenceDemand,
    /// A detached signature over the whole file, which needs nothing but digests.
    check: Option<Check>,
}

/// Who made a good signature, and when.
pub(super) struct Good {
    pub(super) signer: String,
    pub(super) signed_at: Option<Timestamp>,
}

impl Pending {
    /// Reads the detached signatures of one artifact.
    pub(super) fn prepare(asked: Asked, demands: Vec<EvidenceDemand>) -> Result<Self, Failure> {
        let mut waiting = Vec::with_capacity(demands.len());
        for demand in demands {
            let check = match &demand {
                EvidenceDemand::Openpgp { signature, .. } => Some(asked.openpgp(&demand, signature)?),
                _ => None,
            };
            waiting.push(Waiting { demand, check });
        }
        let hashers = waiting.iter().map(|one| one.check.as_ref().and_then(Check::hasher)).collect();
        Ok(Self { asked, waiting, hashers })
    }

    /// Whether SHA-256 is not enough, so that the bytes must be seen in order.
    pub(super) fn needs_bytes(&self) -> bool {
        self.hashers.iter().any(Option::is_some)
    }

    /// Reads the file once for its own digest and for all that its detached signatures need.
    pub(super) fn read(&mut self, progress: &Progress) -> Result<Midstate, Failure> {
        let name = &*self.asked.artifact;
        let mut opened = File::open(&self.asked.path).map_err(|error| Failure::argument(name, &error))?;
        hash(&mut opened, &mut self.hashers, &|bytes| progress.add(bytes as u64))
            .map_err(|error| Failure::reading(name, &error))
    }

    /// Judges every signature; all must be good.
    pub(super) fn judge(self, file: &Midstate) -> Result<Vec<Good>, Failure> {
        let Self { asked, waiting, hashers } = self;
        let judged = waiting.into_iter().zip(hashers).map(|(one, hasher)| {
            let evidence = match one.check {
                Some(check) => check.judge(file, hasher),
                None => asked.anywhere(&one.demand)?,
            };
            good(&evidence).ok_or_else(|| asked.refusal(&one.demand, &evidence))
        });
        judged.collect()
    }
}

fn good(evidence: &Evidence) -> Option<Good> {
    let signer = evidence.signer.as_ref().filter(|_| evidence.verdict == Verdict::Good)?;
    Some(Good { signer: signer.id.clone(), signed_at: evidence.signed_at })
}

impl Asked {
    const fn case<'a>(&'a self, demand: &'a EvidenceDemand) -> Case<'a> {
        Case { demand, signer: &self.signer, now: self.now }
    }

    fn openpgp(&self, demand: &EvidenceDemand, signature: &PortablePath) -> Result<Check, Failure> {
        let keys = self.signer.files().into_iter().map(|key| self.beside.bytes(key));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        let checked = self.case(demand).openpgp(self.beside.bytes(signature)?, &keys);
        checked.map_err(|evidence| self.refusal(demand, &evidence))
    }

    /// Evidence that is read at any place of the file.
    fn anywhere(&self, demand: &EvidenceDemand) -> Result<Evidence, Failure> {
        let failed = |error: io::Error| Failure::reading(&*self.artifact, &error);
        let file = File::open(&self.path).and_then(FileBytes::new).map_err(failed)?;
        self.case(demand).judge(&file, &self.beside).map_err(failed)
    }

    /// What an isolated host would refuse, here with the signature's file.
    fn refusal(&self, demand: &EvidenceDemand, evidence: &Evidence) -> Failure {
        let mut refusal = approve::refusal(&self.artifact, &self.case(demand), evidence);
        let local = |path: &&PortablePath| self.beside.0.get(*path).map(|local| local.text.clone());
        let files: Vec<String> = demand.files().iter().filter_map(local).collect();
        if !files.is_empty() {
            refusal.found = refusal.found.map(|found| format!("{found}, in {}", files.join(" and ")));
        }
        let future =
            [Reason::SignatureFromTheFuture, Reason::TimestampFromTheFuture, Reason::ReleaseFromTheFuture];
        let hint = match evidence.reason {
            Some(reason) if future.iter().any(|known| known.as_str() == reason) => {
                "signatures are judged at `created` in the recipe, which is earlier than this one: set it to now"
            }
            _ => "fetch file and signature from the vendor again; ask the vendor before you change a pin",
        };
        refusal.hint(hint).into()
    }
}
