// SPDX-License-Identifier: Apache-2.0
//! JSON documents on standard output: public, versioned by their `schema`.

use std::borrow::Cow;
use std::fmt::Write;

use manifests::bundle::{Check, Identity, Platform, Predicate, TrustPolicy, TrustStore};
use manifests::digest::Sha256Digest;
use manifests::evidence::{Evidence, Verdict};
use manifests::name::{BundleName, Name, is_control_or_bidi};
use manifests::root::RootDocument;
use manifests::sequence::Sequence;
use manifests::time::Timestamp;
use serde::Serialize;

use crate::contents::Contents;
use crate::error::Refusal;
use crate::install::{Change, Recovered};
use crate::signature::approve::{Approval, Approved, Basis};
use crate::trust::ledger::{Ledger, Standing};
use crate::trust::root::TrustRoot;
use crate::trust::{Claim, TrustedManifest};

/// One document and a line feed.
pub fn line(document: &impl Serialize) -> String {
    // Maps have string keys and nothing here can fail to serialise.
    escaped(&serde_json::to_string(document).unwrap_or_default()) + "\n"
}

/// JSON for a terminal: serde_json escapes the control characters below U+0020 only.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_control_or_bidi(c) {
            // All of them lie in the basic plane, so four digits are enough (RFC 8259 §7).
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// What a refused command prints.
#[derive(Debug, Serialize)]
pub struct Refused<'a> {
    schema: &'a str,
    outcome: &'static str,
    refusal: &'a Refusal,
}

impl<'a> Refused<'a> {
    /// The refusal of the command whose documents have this schema.
    pub const fn new(schema: &'a str, refusal: &'a Refusal) -> Self {
        Self { schema, outcome: "refused", refusal }
    }
}

/// `bundle` in every document that names one.
#[derive(Debug, Serialize)]
pub struct Bundle<'a> {
    id: Sha256Digest,
    name: &'a BundleName,
    version: &'a str,
    sequence: Sequence,
}

impl<'a> Bundle<'a> {
    /// A bundle's names.
    pub fn new(id: Sha256Digest, bundle: &'a Identity) -> Self {
        Self { id, name: &bundle.name, version: bundle.version.as_str(), sequence: bundle.sequence }
    }
}

#[derive(Debug, Serialize)]
struct RootSummary<'a> {
    version: u64,
    enclave: &'a Name,
}

#[derive(Debug, Serialize)]
struct SignerLine<'a> {
    role: &'a Name,
    owner: &'a Name,
    keyid: String,
}

/// An artifact or tree in a `trusted` document.
#[derive(Debug, Serialize)]
pub struct ArtifactLine<'a> {
    name: &'a Name,
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    platform: Option<Platform>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partition: Option<&'a Name>,
    verdict: Verdict,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    evidence: Vec<EvidenceLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct EvidenceLine<'a> {
    kind: &'a str,
    verdict: Verdict,
    signer: &'a Name,
    id: Option<&'a str>,
    signed_at: Option<Timestamp>,
    notes: &'a [String],
}

/// What `verify` prints of a trusted bundle.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trusted<'a> {
    schema: &'static str,
    outcome: &'static str,
    bundle: Bundle<'a>,
    root: RootSummary<'a>,
    signers: Vec<SignerLine<'a>>,
    unknown_signatures: Vec<String>,
    files: usize,
    bytes: u64,
    artifacts: Vec<ArtifactLine<'a>>,
    trust_stores: &'a [TrustStore],
    trust_policies: &'a [TrustPolicy],
    checks: &'a [Check],
    not_checked: Vec<Cow<'a, str>>,
    notes: Vec<String>,
}

impl<'a> Trusted<'a> {
    /// The facts of an approved bundle.
    pub fn new(approved: &'a Approved<Contents<TrustedManifest>>) -> Self {
        let claim = approved.get().claim();
        Self::of(claim, approved.approvals())
    }

    /// The facts of a trusted manifest and of its artifacts' evidence.
    pub fn of(claim: &'a TrustedManifest, approvals: &'a [Approval]) -> Self {
        let manifest = claim.manifest();
        let predicate = manifest.predicate();
        Self {
            schema: "sealift.verify/1",
            outcome: "trusted",
            bundle: Bundle::new(claim.id(), manifest.bundle()),
            root: RootSummary { version: claim.root_version().get(), enclave: claim.enclave() },
            signers: claim
                .signers()
                .iter()
                .flat_map(|signer| {
                    let line = |keyid: &Sha256Digest| SignerLine {
                        role: &signer.role,
                        owner: &signer.owner,
                        keyid: keyid.hex(),
                    };
                    signer.keyids.iter().map(line)
                })
                .collect(),
            unknown_signatures: claim.unknown_signatures().iter().map(Sha256Digest::hex).collect(),
            files: manifest.files().len(),
            bytes: manifest.files().map(|(file, _)| file.size).sum(),
            artifacts: approvals.iter().map(ArtifactLine::new).collect(),
            trust_stores: &predicate.trust_stores,
            trust_policies: &predicate.trust_policies,
            checks: &predicate.checks,
            not_checked: not_checked(predicate, approvals),
            notes: notes(claim),
        }
    }
}

impl<'a> ArtifactLine<'a> {
    /// The facts of one artifact or tree.
    pub fn new(approval: &'a Approval) -> Self {
        let (verdict, evidence, reason) = match &approval.basis {
            Basis::Unsigned(reason) => (Verdict::Unsigned, Vec::new(), Some(reason.as_str())),
            Basis::Vendor(evidence) => {
                let lines = evidence.iter().map(|(signer, evidence)| EvidenceLine::new(signer, evidence));
                (Verdict::Good, lines.collect(), None)
            }
        };
        let Approval { name, platform, partition, .. } = approval;
        Self { name, platform: *platform, partition: partition.as_ref(), verdict, evidence, reason }
    }
}

impl<'a> EvidenceLine<'a> {
    fn new(signer: &'a Name, evidence: &'a Evidence) -> Self {
        Self {
            kind: evidence.kind,
            verdict: evidence.verdict,
            signer,
            id: evidence.signer.as_ref().map(|signer| signer.id.as_str()),
            signed_at: evidence.signed_at,
            notes: &evidence.notes,
        }
    }
}

/// What no checker could check offline, each thing once, and what cannot be checked yet.
pub fn not_checked<'a>(predicate: &'a Predicate, approvals: &'a [Approval]) -> Vec<Cow<'a, str>> {
    let mut all: Vec<Cow<'_, str>> = approvals
        .iter()
        .filter_map(|approval| match &approval.basis {
            Basis::Vendor(evidence) => Some(evidence),
            Basis::Unsigned(_) => None,
        })
        .flatten()
        .flat_map(|(_, evidence)| evidence.not_checked.iter().map(|thing| thing.as_str().into()))
        .collect();
    let open = predicate.trust_policies.iter().filter(|policy| !policy.parameters.is_empty());
    all.extend(open.map(|policy| {
        Cow::from(format!("the parameters of trust policy {}, until they are given", policy.name))
    }));
    all.sort_unstable();
    all.dedup();
    all
}

/// What is worth knowing of a bundle's place in its series, and of who signed in vain.
pub fn notes(claim: &TrustedManifest) -> Vec<String> {
    let mut notes = match claim.standing() {
        Standing::First => vec!["the first bundle of this name on this host".to_owned()],
        Standing::Same => vec!["this very bundle was installed here before".to_owned()],
        Standing::Newer { skipped: 0 } => Vec::new(),
        Standing::Newer { skipped } => vec![format!("{skipped} sequences before this one never came here")],
    };
    let idle = claim.signers_without_role().iter();
    notes.extend(idle.map(|owner| format!("`{owner}` signed too, but has no role for bundles")));
    notes
}

/// What `check` prints for one file.
#[derive(Debug, Serialize)]
pub struct Checked<'a> {
    schema: &'static str,
    file: String,
    #[serde(flatten)]
    evidence: &'a Evidence,
}

impl<'a> Checked<'a> {
    /// The facts found out about a file.
    pub const fn new(file: String, evidence: &'a Evidence) -> Self {
        Self { schema: "sealift.check/1", file, evidence }
    }
}

/// What `trust show`, `trust init` and `trust update` print.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trust<'a> {
    schema: &'static str,
    outcome: &'a str,
    fingerprint: Sha256Digest,
    root: &'a RootDocument,
    ledger: &'a Ledger,
}

impl<'a> Trust<'a> {
    /// A host's root and ledger.
    pub fn new(outcome: &'a str, root: &'a TrustRoot, ledger: &'a Ledger) -> Self {
        Self {
            schema: "sealift.trust/1",
            outcome,
            fingerprint: root.fingerprint(),
            root: root.root().document(),
            ledger,
        }
    }
}

/// What `show` prints: claims, none of them verified.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown<'a> {
    schema: &'static str,
    verified: bool,
    bundle: Bundle<'a>,
    created: Timestamp,
    expires: Option<Timestamp>,
    audience: Option<&'a [Name]>,
    signatures: Vec<String>,
    files: usize,
    bytes: u64,
    predicate: &'a manifests::bundle::Predicate,
}

impl<'a> Shown<'a> {
    /// What a manifest and its signatures claim.
    pub fn new(claim: &'a impl Claim, signatures: &manifests::dsse::Signatures) -> Self {
        let manifest = claim.manifest();
        let bundle = manifest.bundle();
        Self {
            schema: "sealift.show/1",
            verified: false,
            bundle: Bundle::new(claim.id(), bundle),
            created: bundle.created,
            expires: bundle.expires,
            audience: bundle.audience.as_deref(),
            signatures: signatures.iter().map(|signature| signature.keyid.hex()).collect(),
            files: manifest.files().len(),
            bytes: manifest.files().map(|(file, _)| file.size).sum(),
            predicate: manifest.predicate(),
        }
    }
}

/// What `install` prints.
#[derive(Debug, Serialize)]
pub struct Installed<'a> {
    #[serde(flatten)]
    trusted: Trusted<'a>,
    changes: Vec<Change>,
}

impl<'a> Installed<'a> {
    /// The facts of an approved bundle, and what became or becomes of each path.
    pub fn new(
        outcome: &'static str,
        claim: &'a TrustedManifest,
        approvals: &'a [Approval],
        changes: Vec<Change>,
    ) -> Self {
        let trusted = Trusted { schema: "sealift.install/1", outcome, ..Trusted::of(claim, approvals) };
        Self { trusted, changes }
    }
}

/// What `install --resume` prints.
#[derive(Debug, Serialize)]
pub struct Resumed<'a> {
    schema: &'static str,
    outcome: &'static str,
    #[serde(flatten)]
    recovered: &'a Recovered,
}

impl<'a> Resumed<'a> {
    /// What had been left of an interrupted install.
    pub const fn new(recovered: &'a Recovered) -> Self {
        Self { schema: "sealift.install/1", outcome: "resumed", recovered }
    }
}
