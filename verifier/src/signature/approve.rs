// SPDX-License-Identifier: Apache-2.0
//! From proven contents to approved ones: each artifact carries the vendor evidence that it demands.
//!
//! Evidence is read only from what was proven; the pins stand in the manifest, the keys that travel in
//! the bundle authorise nothing.

use std::any::Any;

use manifests::bundle::{Artifact, Demand, EvidenceDemand, Manifest};
use manifests::evidence::{Evidence, Verdict};
use manifests::fingerprint::Fingerprint;
use manifests::name::Name;
use manifests::time::Timestamp;

use super::openpgp::{self, Check, Hasher, Sha1};
use crate::contents::{Contents, InOrder, Kept, Watch, Watched};
use crate::error::{Code, Refusal};
use crate::trust::Claim;

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

/// Checks every artifact's evidence at `now`.
pub fn approve<P: Proven>(mut proven: P, now: Timestamp) -> Result<Approved<P>, Refusal> {
    let predicate = proven.contents().claim().manifest().predicate().clone();
    let mut approvals = Vec::new();
    for artifact in &predicate.artifacts {
        let basis = match &artifact.demand {
            Demand::Unsigned(reason) => Basis::Unsigned(reason.clone()),
            Demand::Vendor(demands) => Basis::Vendor(vendor(proven.contents_mut(), artifact, demands, now)?),
        };
        approvals.push(Approval { name: artifact.name.clone(), basis });
    }
    for tree in &predicate.trees {
        approvals.push(Approval { name: tree.name.clone(), basis: Basis::Unsigned(tree.unsigned.clone()) });
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
        let EvidenceDemand::Openpgp { signer, .. } = demand;
        let hasher = hashers.next().flatten();
        let evidence = match prepare(demand, contents.claim().manifest(), contents.kept(), now) {
            Ok(check) => check.judge(&midstate, hasher),
            Err(verdict) => *verdict,
        };
        if evidence.verdict != Verdict::Good {
            let signers = &contents.claim().manifest().predicate().signers;
            let pins = signers.get(signer).map_or(&[][..], |signer| &signer.openpgp);
            return Err(refusal(artifact.file.as_str(), signer, pins, &evidence));
        }
        good.push((signer.clone(), evidence));
    }
    Ok(good)
}

fn prepare(
    demand: &EvidenceDemand,
    manifest: &Manifest,
    kept: &Kept,
    now: Timestamp,
) -> Result<Check, Box<Evidence>> {
    let EvidenceDemand::Openpgp { signer, signature } = demand;
    // The rules of the manifest tie every demand to a signer and to entries, and the proof keeps those.
    let unsigned = || Box::new(openpgp::unsigned());
    let signer = manifest.predicate().signers.get(signer).ok_or_else(unsigned)?;
    let signature = kept.get(signature).ok_or_else(unsigned)?;
    let key = kept.get(&signer.key).ok_or_else(unsigned)?;
    let demand = openpgp::Demand { signature, keys: &[key], pins: &signer.openpgp, now, sha1: Sha1::Refused };
    openpgp::prepare(&demand).map_err(Box::new)
}

/// What `subject` is refused for when the evidence that is demanded of it is not good.
pub fn refusal(subject: &str, signer: &Name, pins: &[Fingerprint], evidence: &Evidence) -> Refusal {
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
    let pins: Vec<String> = pins.iter().map(ToString::to_string).collect();
    let reason = evidence.reason.unwrap_or("no reason given");
    let by = evidence.signer.as_ref().map(|signer| format!(", signed by {}", signer.id)).unwrap_or_default();
    let notes: String = evidence.notes.iter().map(|note| format!("; {note}")).collect();
    Refusal::new(code, subject, what)
        .expected(format!("a good OpenPGP signature by `{signer}` ({})", pins.join(" or ")))
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
            .map(|demand| prepare(demand, manifest, kept, self.now).ok().and_then(|check| check.hasher()))
            .collect();
        if hashers.iter().all(Option::is_none) {
            return None;
        }
        Some(Box::new(Hashers(hashers)))
    }
}
