// SPDX-License-Identifier: Apache-2.0
//! What all searches for chains of one file may cost together. Each signature of a file and each of its timestamps
//! starts a search among certificates that anybody may have put there; a bound for one search alone would be
//! multiplied by their number.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use manifests::digest::Sha256Digest;

use super::Certificate;
use super::key::Failure;
use crate::signature::digest::Algorithm;
use crate::signature::{Reason, Stop};

/// What the signatures on certificates and timestamps that are verified for one file cost, each once: one by
/// RSA-2048 costs 1, one by RSA-8192 at least 16. Real files need ten of them; it is half a second's work.
pub const MAX_SIGNATURE_COST: usize = 2000;
/// Certificates that the searches for one file put on a path, over all paths that they try. Real files need ten
/// for each signature and timestamp.
pub const MAX_SEARCH_STEPS: usize = 10_000;
/// Whole paths of one file that are judged by every rule. Real files have one or two for each signature and
/// timestamp.
pub const MAX_PATHS: usize = 256;

/// Certificates of one name that are looked at for the price of a step.
const CANDIDATES_OF_A_STEP: usize = 32;

/// Whether a key verifies a certificate, and by which digest.
pub(super) type Verified = Result<Option<Algorithm>, Failure>;

/// What was spent for one file, and what is known for it. Make one for each file.
#[derive(Debug, Default)]
pub struct Budget {
    cost: AtomicUsize,
    steps: AtomicUsize,
    paths: AtomicUsize,
    /// Of a certificate and its issuer, by their digests.
    links: Mutex<HashMap<(Sha256Digest, Sha256Digest), Verified>>,
}

impl Budget {
    /// Before a signature is verified under the key of `signer`. A key that cannot be used costs nothing.
    pub fn signature(&self, signer: &Certificate) -> Result<(), Stop> {
        let cost = signer.key().map_or(0, super::key::PublicKey::cost);
        spend(&self.cost, cost, MAX_SIGNATURE_COST, "signatures of certificates and timestamps cost")
    }

    /// Before the candidates for the next place on a path are looked at.
    pub(super) fn step(&self, candidates: usize) -> Result<(), Stop> {
        let steps = (candidates / CANDIDATES_OF_A_STEP).saturating_add(1);
        spend(&self.steps, steps, MAX_SEARCH_STEPS, "steps in search of chains took")
    }

    /// Before a whole path is judged.
    pub(super) fn path(&self) -> Result<(), Stop> {
        spend(&self.paths, 1, MAX_PATHS, "chains to a given CA were")
    }

    /// Whether `issuer`'s key verifies `certificate`, by `compute` where it is not known yet.
    pub(super) fn link(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        compute: impl FnOnce() -> Verified,
    ) -> Result<Verified, Stop> {
        let pair = (certificate.digest(), issuer.digest());
        let known = |links: &HashMap<_, Verified>| links.get(&pair).cloned();
        // A lock that a panic elsewhere poisoned holds no half-made entries.
        if let Some(known) = known(&self.links.lock().unwrap_or_else(|poisoned| poisoned.into_inner())) {
            return Ok(known);
        }
        self.signature(issuer)?;
        let verified = compute();
        let mut links = self.links.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        links.insert(pair, verified.clone());
        Ok(verified)
    }
}

fn spend(spent: &AtomicUsize, more: usize, limit: usize, what: &str) -> Result<(), Stop> {
    let before = spent.fetch_add(more, Ordering::Relaxed);
    if before.saturating_add(more) <= limit {
        return Ok(());
    }
    Err(Stop::found(Reason::LimitExceeded, format!("{what} more than {limit} for one file")))
}
