// SPDX-License-Identifier: Apache-2.0
//! Vendors' signatures, judged by the verifier's own checker at the time that the recipe gives the bundle.
//!
//! That time, and not the clock: an old lock still builds, and any machine comes to the same verdict.

use std::fs::File;
use std::path::Path;

use manifests::evidence::{Evidence, Verdict};
use manifests::fingerprint::Fingerprint;
use manifests::name::Name;
use manifests::time::Timestamp;
use verifier::check::openpgp::hash;
use verifier::hash::sha256::Midstate;
use verifier::progress::Progress;
use verifier::signature::approve;
use verifier::signature::openpgp::{self, Check, Hasher, Sha1};

use crate::failure::Failure;

/// What the recipe asks of one artifact's signatures.
pub(super) struct Demand<'r> {
    /// The artifact, for people.
    pub(super) artifact: &'r str,
    /// Who must have signed.
    pub(super) signer: &'r Name,
    /// Any of these keys.
    pub(super) pins: &'r [Fingerprint],
    /// The time of judgement.
    pub(super) now: Timestamp,
}

/// Signatures that were read and wait for the file.
pub(super) struct Pending<'r> {
    demand: Demand<'r>,
    /// Each with the signature's path, for people.
    checks: Vec<(String, Check)>,
    /// One for each check, where it needs more than SHA-256.
    hashers: Vec<Option<Hasher>>,
}

/// Who made a good signature, and when.
pub(super) struct Good {
    pub(super) signer: Fingerprint,
    pub(super) signed_at: Option<Timestamp>,
}

impl<'r> Pending<'r> {
    /// Reads all signatures of one artifact; each is a path for people and its bytes.
    pub(super) fn prepare(
        demand: Demand<'r>,
        signatures: &[(String, Vec<u8>)],
        key: &[u8],
    ) -> Result<Self, Failure> {
        let mut checks = Vec::with_capacity(signatures.len());
        for (name, signature) in signatures {
            let (pins, now) = (demand.pins, demand.now);
            let asked = openpgp::Demand { signature, keys: &[key], pins, now, sha1: Sha1::Refused };
            let check = openpgp::prepare(&asked).map_err(|evidence| demand.refusal(name, &evidence))?;
            checks.push((name.clone(), check));
        }
        let hashers = checks.iter().map(|(_, check)| check.hasher()).collect();
        Ok(Self { demand, checks, hashers })
    }

    /// Whether SHA-256 is not enough, so that the bytes must be seen in order.
    pub(super) fn needs_bytes(&self) -> bool {
        self.hashers.iter().any(Option::is_some)
    }

    /// Reads the file once for its own digest and for all that its signatures need.
    pub(super) fn read(&mut self, path: &Path, progress: &Progress) -> Result<Midstate, Failure> {
        let name = self.demand.artifact;
        let mut opened = File::open(path).map_err(|error| Failure::argument(name, &error))?;
        hash(&mut opened, &mut self.hashers, &|bytes| progress.add(bytes as u64))
            .map_err(|error| Failure::reading(name, &error))
    }

    /// Judges every signature; all must be good.
    pub(super) fn judge(self, file: &Midstate) -> Result<Vec<Good>, Failure> {
        let Self { demand, checks, hashers } = self;
        let judged = checks.into_iter().zip(hashers).map(|((name, check), hasher)| {
            let evidence = check.judge(file, hasher);
            good(&evidence).ok_or_else(|| demand.refusal(&name, &evidence))
        });
        judged.collect()
    }
}

fn good(evidence: &Evidence) -> Option<Good> {
    let signer = evidence.signer.as_ref().filter(|_| evidence.verdict == Verdict::Good)?;
    Some(Good { signer: Fingerprint::parse(&signer.id).ok()?, signed_at: evidence.signed_at })
}

impl Demand<'_> {
    /// What an isolated host would refuse, here with the signature's file.
    fn refusal(&self, signature: &str, evidence: &Evidence) -> Failure {
        let mut refusal = approve::refusal(self.artifact, self.signer, self.pins, evidence);
        refusal.found = refusal.found.map(|found| format!("{found}, in {signature}"));
        refusal
            .hint("fetch file and signature from the vendor again; ask the vendor before you change a pin")
            .into()
    }
}
