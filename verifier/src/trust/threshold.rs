// SPDX-License-Identifier: Apache-2.0
//! The only place that counts signers, for roots and bundles alike (`docs/formats/trust-root.md` §4).
//!
//! In: a root's keys, the signed bytes, the signatures. Out: the distinct owners who signed.

use std::collections::{BTreeMap, BTreeSet};

use manifests::digest::Sha256Digest;
use manifests::dsse::Signatures;
use manifests::name::Name;
use manifests::root::{Algorithm, Role, Root};

use super::key::{KeyError, PublicKey};
use crate::error::{Code, Refusal};

/// Every key of a root, by its id.
#[derive(Clone, Debug)]
pub struct KeyRing {
    keys: BTreeMap<Sha256Digest, (Name, PublicKey)>,
    together: BTreeSet<Algorithm>,
}

impl KeyRing {
    /// Reads the keys of a root; a weak or malformed one refuses the whole root.
    pub fn of(root: &Root, subject: &str) -> Result<Self, Refusal> {
        let document = root.document();
        let mut keys = BTreeMap::new();
        for (owner, held) in &document.owners {
            for key in &held.keys {
                let read = PublicKey::from_spki(&key.spki.0).map_err(|error| {
                    let code = match error {
                        KeyError::Weak => Code::WeakAlgorithm,
                        KeyError::Malformed => Code::RootMalformed,
                    };
                    Refusal::new(code, subject, format!("has a key of owner `{owner}` that is not used"))
                        .expected("a sound Ed25519 public key")
                        .found(error)
                })?;
                keys.insert(read.id(), (owner.clone(), read));
            }
        }
        Ok(Self { keys, together: document.algorithms.iter().copied().collect() })
    }

    /// The owner of a key.
    pub fn owner(&self, keyid: Sha256Digest) -> Option<&Name> {
        self.keys.get(&keyid).map(|(owner, _)| owner)
    }
}

/// Who signed one document.
#[derive(Clone, Debug, Default)]
pub struct Signers {
    /// Owners of whom every required algorithm verified, with the keys that did.
    pub owners: BTreeMap<Name, Vec<Sha256Digest>>,
    /// Key ids that the root does not know: they count for nothing.
    pub unknown: Vec<Sha256Digest>,
}

/// Checks every signature by a known key, and counts owners once.
///
/// A signature by a known key that fails refuses the document: somebody's name stands under bytes
/// that they did not sign.
pub fn count(
    ring: &KeyRing,
    message: &[u8],
    signatures: &Signatures,
    subject: &str,
) -> Result<Signers, Refusal> {
    let mut verified: BTreeMap<&Name, BTreeMap<Algorithm, Sha256Digest>> = BTreeMap::new();
    let mut signers = Signers::default();
    for signature in signatures.iter() {
        let Some((owner, key)) = ring.keys.get(&signature.keyid) else {
            signers.unknown.push(signature.keyid);
            continue;
        };
        if !key.verifies(message, &signature.sig.0) {
            return Err(Refusal::new(Code::BadSignature, subject, format!("is not what `{owner}` signed"))
                .expected(format!("a signature by key {}", key.id().hex()))
                .found("one that does not fit these bytes"));
        }
        verified.entry(owner).or_default().insert(key.algorithm(), key.id());
    }
    for (owner, by_algorithm) in verified {
        if ring.together.iter().all(|algorithm| by_algorithm.contains_key(algorithm)) {
            signers.owners.insert(owner.clone(), by_algorithm.into_values().collect());
        }
    }
    Ok(signers)
}

/// How many of a role's owners signed, and how many had to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Distinct owners who signed.
    pub found: usize,
    /// Distinct owners who had to.
    pub threshold: usize,
}

/// Whether enough distinct owners of the role signed; either way, how many.
pub fn require(role: &Role, signers: &Signers) -> Result<Tally, Tally> {
    let found = role.owners.iter().filter(|owner| signers.owners.contains_key(owner.as_str())).count();
    let threshold = usize::try_from(role.threshold).unwrap_or(usize::MAX);
    let tally = Tally { found, threshold };
    if found >= threshold && threshold > 0 { Ok(tally) } else { Err(tally) }
}
