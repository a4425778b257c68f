// SPDX-License-Identifier: Apache-2.0
//! From proven contents to approved ones: each artifact carries the vendor evidence that it demands, and what
//! others are to trust is what the manifest says.
//!
//! Evidence is read only from what was proven; the pins stand in the manifest, the keys that travel in
//! the bundle authorise nothing.

mod judge;
mod trust;

use std::any::Any;
use std::io;

use manifests::bundle::{Artifact, Demand, EvidenceDemand, Manifest, Platform, Signer};
use manifests::evidence::{Evidence, Verdict};
use manifests::name::{Name, PortablePath};
use manifests::time::Timestamp;

use super::openpgp::{self, Check, Hasher};
use crate::bytes::Bytes;
use crate::contents::{Contents, InOrder, Kept, Watch, Watched};
use crate::error::{Code, Refusal};
use crate::trust::Claim;

pub use judge::{Beside, Case};

/// Something that holds proven contents: the contents themselves, or what was staged from them.
pub trait Proven {
    /// The manifest that the contents are proven against.
    type Manifest: Claim;
    /// The contents.
    fn contents(&self) -> &Contents<Self::Manifest>;
    /// The contents, to take what was computed over them.
    fn contents_mut(&mut self) -> &mut Contents<Self::Manifest>;
}

impl<M: Claim> Proven for Contents<M> {
    type Manifest = M;

    fn contents(&self) -> &Self {
        self
    }

    fn contents_mut(&mut self) -> &mut Self {
        self
    }
}

/// What is known of one artifact's or tree's vendor evidence.
#[derive(Clone, Debug)]
pub struct Approval {
    /// The artifact or tree.
    pub name: Name,
    /// The hosts that it is for; all, where none.
    pub platform: Option<Platform>,
    /// The partition that it is tied to.
    pub partition: Option<Name>,
    /// The evidence, all of it good; or the reason why none was demanded.
    pub basis: Basis,
}

/// Why an artifact may be used.
#[derive(Clone, Debug)]
pub enum Basis {
    /// Every demanded signature is good.
    Vendor(Vec<(Name, Evidence)>),
    /// The manifest says why there is none.
    Unsigned(String),
}

/// Proven contents of which every artifact has the evidence that it demands.
pub struct Approved<P> {
    proven: P,
    approvals: Vec<Approval>,
}

impl<P> Approved<P> {
    /// What was approved.
    pub const fn get(&self) -> &P {
        &self.proven
    }

    /// Each artifact and tree, in the manifest's order.
    pub fn approvals(&self) -> &[Approval] {
        &self.approvals
    }

    /// Gives up the approval for what was approved.
    pub fn into_inner(self) -> P {
        self.proven
    }
}

/// Checks every artifact's evidence at `now`, and what the bundle brings for others to trust.
pub fn approve<P: Proven>(mut proven: P, now: Timestamp) -> Result<Approved<P>, Refusal> {
    let predicate = proven.contents().claim().manifest().predicate().clone();
    trust::judge_trust(&predicate, proven.contents().kept())?;
    let mut approvals = Vec::new();
    for artifact in &predicate.artifacts {
        let basis = match &artifact.demand {
            Demand::Unsigned(reason) => Basis::Unsigned(reason.clone()),
            Demand::Vendor(demands) => Basis::Vendor(vendor(proven.contents_mut(), artifact, demands, now)?),
        };
        let Artifact { name, platform, partition, .. } = artifact.clone();
        approvals.push(Approval { name, platform, partition, basis });
    }
    for tree in &predicate.trees {
        let basis = Basis::Unsigned(tree.unsigned.clone());
        approvals.push(Approval { name: tree.name.clone(), platform: None, partition: None, basis });
    }
    Ok(Approved { proven, approvals })
}

fn vendor<M: Claim>(
    contents: &mut Contents<M>,
    artifact: &Artifact,
    demands: &[EvidenceDemand],
    now: Timestamp,
) -> Result<Vec<(Name, Evidence)>, Refusal> {
    let Some(Watched { midstate, in_order }) = contents.take_watched(artifact) else {
        return Err(Refusal::new(
            Code::EvidenceMalformed,
            artifact.file.as_str(),
            "was not shown to its checker",
        ));
    };
    let hashers: Option<Box<Hashers>> = in_order.and_then(|hasher| {
        let any: Box<dyn Any> = hasher;
        any.downcast().ok()
    });
    let mut hashers = hashers.map_or_else(Vec::new, |hashers| hashers.0).into_iter();
    let mut good = Vec::new();
    for demand in demands {
        let hasher = hashers.next().flatten();
        let signer = signer(contents.claim().manifest(), demand)?;
        let case = Case { demand, signer, now };
        let evidence = match demand {
            EvidenceDemand::Openpgp { signature, .. } => match prepare(&case, signature, contents.kept()) {
                Ok(check) => check.judge(&midstate, hasher),
                Err(verdict) => *verdict,
            },
            _ => {
                let file = artifact.file.as_str();
                let opened = contents.open(&artifact.file)?.ok_or_else(|| unread(file))?;
                case.judge(&*opened, contents).map_err(|error| reading(file, error))?
            }
        };
        if evidence.verdict != Verdict::Good {
            return Err(refusal(artifact.file.as_str(), &case, &evidence));
        }
        good.push((demand.signer().clone(), evidence));
    }
    Ok(good)
}

/// The signer of a demand; the rules of the manifest have made sure that there is one, and that it suits.
fn signer<'m>(manifest: &'m Manifest, demand: &EvidenceDemand) -> Result<&'m Signer, Refusal> {
    let name = demand.signer();
    manifest.predicate().signers.get(name).ok_or_else(|| {
        Refusal::new(Code::ManifestMalformed, name.as_str(), "is a signer that the manifest does not have")
    })
}

fn unread(path: &str) -> Refusal {
    Refusal::new(Code::EvidenceMalformed, path, "was not kept for its checker")
}

/// What was refused while a proven entry was read again stays what it is.
fn reading(path: &str, error: io::Error) -> Refusal {
    match error.downcast::<Refusal>() {
        Ok(refusal) => refusal,
        Err(error) => Refusal::reading(path, &error),
    }
}

fn prepare(case: &Case<'_>, signature: &PortablePath, kept: &Kept) -> Result<Check, Box<Evidence>> {
    let bytes = |path: &PortablePath| kept.get(path).ok_or_else(|| Box::new(openpgp::unsigned()));
    let keys = case.signer.files().into_iter().map(bytes).collect::<Result<Vec<_>, _>>()?;
    case.openpgp(bytes(signature)?, &keys).map_err(Box::new)
}

impl<M: Claim> Beside for Contents<M> {
    fn get(&self, path: &PortablePath) -> io::Result<Option<Box<dyn Bytes + '_>>> {
        match self.kept().get(path) {
            Some(kept) => Ok(Some(Box::new(kept))),
            None => self.open(path).map_err(io::Error::other),
        }
    }
}

/// What `subject` is refused for when the evidence that is demanded of it is not good.
pub fn refusal(subject: &str, case: &Case<'_>, evidence: &Evidence) -> Refusal {
    let (code, what) = match evidence.verdict {
        // `good` never comes here; were it to, it would be refused as a fault of ours.
        Verdict::Good | Verdict::Malformed => {
            (Code::EvidenceMalformed, "has vendor evidence that cannot be read")
        }
        Verdict::Bad => (Code::EvidenceBad, "is not what its vendor signed"),
        Verdict::WrongSigner => (Code::EvidenceWrongSigner, "is not signed by the vendor that is pinned"),
        Verdict::OutsidePolicy => (Code::EvidenceOutsidePolicy, "is signed outside what still counts"),
        Verdict::Unsigned => (Code::EvidenceUnsigned, "is not signed by its vendor"),
    };
    let signer = case.demand.signer();
    let reason = evidence.reason.unwrap_or("no reason given");
    let by = evidence.signer.as_ref().map(|signer| format!(", signed by {}", signer.id)).unwrap_or_default();
    let notes: String = evidence.notes.iter().map(|note| format!("; {note}")).collect();
    Refusal::new(code, subject, what)
        .expected(format!(
            "a good {} signature by `{signer}` ({})",
            case.demand.title(),
            case.signer.pins_in_words()
        ))
        .found(format!("{} ({reason}{by}{notes})", evidence.verdict))
}

/// Asks for the hashes that OpenPGP signatures need besides SHA-256.
#[derive(Clone, Copy, Debug)]
pub struct Vendors {
    /// The time of judgement.
    pub now: Timestamp,
}

/// One hasher for each demand of an artifact that needs one.
struct Hashers(Vec<Option<Hasher>>);

impl InOrder for Hashers {
    fn update(&mut self, bytes: &[u8]) {
        self.0.iter_mut().flatten().for_each(|hasher| hasher.update(bytes));
    }
}

impl Watch for Vendors {
    fn in_order(&self, artifact: &Artifact, manifest: &Manifest, kept: &Kept) -> Option<Box<dyn InOrder>> {
        let Demand::Vendor(demands) = &artifact.demand else { return None };
        let hashers: Vec<Option<Hasher>> = demands
            .iter()
            .map(|demand| {
                let EvidenceDemand::Openpgp { signature, .. } = demand else { return None };
                let case = Case { demand, signer: signer(manifest, demand).ok()?, now: self.now };
                prepare(&case, signature, kept).ok()?.hasher()
            })
            .collect();
        if hashers.iter().all(Option::is_none) {
            return None;
        }
        Some(Box::new(Hashers(hashers)))
    }
}
