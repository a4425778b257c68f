// SPDX-License-Identifier: Apache-2.0
//! Trust roots: the first one by its fingerprint, each later one from the one before.

use manifests::digest::Sha256Digest;
use manifests::dsse::{Envelope, ROOT_TYPE};
use manifests::json::JsonError;
use manifests::root::{MAX_ROOT_BYTES, ROOT_ROLE, Role, Root, RootError};
use manifests::time::Timestamp;

use super::threshold::{self, KeyRing, Signers, Tally};
use crate::error::{Code, Refusal};
use crate::hash::sha256;

/// A root as it came: well-formed, but nobody has vouched for it.
#[derive(Clone, Debug)]
pub struct Candidate {
    subject: String,
    bytes: Vec<u8>,
    envelope: Envelope,
    root: Root,
    ring: KeyRing,
}

/// A root that this host trusts.
#[derive(Clone, Debug)]
pub struct TrustRoot(Candidate);

impl Candidate {
    /// Reads a root's envelope; `subject` names it in refusals.
    pub fn read(bytes: &[u8], subject: &str) -> Result<Self, Refusal> {
        let envelope = Envelope::read(bytes, MAX_ROOT_BYTES).map_err(|error| malformed(subject, &error))?;
        if envelope.payload_type != ROOT_TYPE {
            return Err(Refusal::new(Code::RootMalformed, subject, "is an envelope around something else")
                .expected(ROOT_TYPE)
                .found(envelope.payload_type));
        }
        let root = Root::read(&envelope.payload.0).map_err(|error| match &error {
            RootError::Json(json) => malformed(subject, json),
            RootError::UnknownAlgorithm { .. } => {
                Refusal::new(Code::UnknownAlgorithm, subject, "needs an algorithm that is not known here")
                    .found(&error)
            }
            _ => Refusal::new(Code::RootMalformed, subject, "contradicts itself").found(&error),
        })?;
        let ring = KeyRing::of(&root, subject)?;
        Ok(Self { subject: subject.to_owned(), bytes: bytes.to_vec(), envelope, root, ring })
    }

    /// SHA-256 of the signed payload: co-signing does not change it.
    pub fn fingerprint(&self) -> Sha256Digest {
        sha256::digest(&self.envelope.payload.0)
    }

    /// What it says.
    pub const fn root(&self) -> &Root {
        &self.root
    }

    /// The envelope that it came in.
    pub const fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// Who of `ring`'s owners signed it.
    pub fn signed_by(&self, ring: &KeyRing) -> Result<Signers, Refusal> {
        threshold::count(ring, &self.envelope.pae(), &self.envelope.signatures, &self.subject)
    }

    /// The keys that it lists.
    pub const fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// Trusts it because somebody compared the fingerprint, once its own threshold holds.
    pub fn establish(self, fingerprint: Sha256Digest, now: Timestamp) -> Result<TrustRoot, Refusal> {
        if self.fingerprint() != fingerprint {
            return Err(Refusal::new(
                Code::FingerprintMismatch,
                &self.subject,
                "is not the root that was named",
            )
            .expected(fingerprint)
            .found(self.fingerprint()));
        }
        let signers = self.signed_by(&self.ring)?;
        self.require(&self.root, &signers, Code::BelowThreshold)?;
        let trusted = TrustRoot(self);
        trusted.require_unexpired(now)?;
        Ok(trusted)
    }

    fn require(&self, by: &Root, signers: &Signers, code: Code) -> Result<(), Refusal> {
        let Some(role) = by.document().roles.get(ROOT_ROLE) else {
            return Err(Refusal::new(Code::RootMalformed, &self.subject, "has no role `root`"));
        };
        threshold::require(role, signers)
            .map(drop)
            .map_err(|shortfall| below(code, &self.subject, by, role, shortfall))
    }
}

fn below(code: Code, subject: &str, by: &Root, role: &Role, shortfall: Tally) -> Refusal {
    let owners: Vec<&str> = role.owners.iter().map(|owner| owner.as_str()).collect();
    let version = by.document().version;
    let asks = format!("{} of {} (role `root` of version {version})", shortfall.threshold, owners.join(", "));
    Refusal::new(code, subject, "is not signed by enough owners")
        .expected(asks)
        .found(format!("{} of them", shortfall.found))
}

fn malformed(subject: &str, error: &JsonError) -> Refusal {
    Refusal::new(Code::RootMalformed, subject, "cannot be read as a trust root").found(error)
}

impl TrustRoot {
    /// Trusts the next root: one version further, signed as this root and it itself ask for.
    ///
    /// This root may have expired since; whoever walks on asks [`Self::require_unexpired`] of the last.
    pub fn walk(&self, next: Candidate) -> Result<Self, Refusal> {
        let (here, there) = (self.root().document(), next.root.document());
        if there.version == here.version && next.fingerprint() != self.fingerprint() {
            return Err(Refusal::new(
                Code::Equivocation,
                &next.subject,
                "is another root of the same version",
            )
            .expected(self.fingerprint())
            .found(next.fingerprint()));
        }
        if here.version.next() != Some(there.version) {
            return Err(Refusal::new(Code::RootGap, &next.subject, "is not the next root")
                .expected(format!("version {}", here.version.get() + 1))
                .found(format!("version {}", there.version)));
        }
        if there.enclave != here.enclave {
            return Err(Refusal::new(Code::WrongAudience, &next.subject, "is the root of another enclave")
                .expected(&here.enclave)
                .found(&there.enclave)
                .hint("a host changes its enclave only by `verifier trust init --replace`"));
        }
        let by_old = next.signed_by(&self.0.ring)?;
        let by_new = next.signed_by(&next.ring)?;
        next.require(&self.0.root, &by_old, Code::RootNotSignedByBoth)?;
        next.require(&next.root, &by_new, Code::RootNotSignedByBoth)?;
        Ok(Self(next))
    }

    /// Takes up a root that this host wrote down when it was proven; anything odd is damage.
    pub fn restore(bytes: &[u8], subject: &str) -> Result<Self, Refusal> {
        let damaged = |refusal: Refusal| {
            Refusal::new(Code::StateUnreadable, subject, "is damaged")
                .found(format!("{} {}", refusal.subject, refusal.what))
        };
        let candidate = Candidate::read(bytes, subject).map_err(damaged)?;
        let signers = candidate.signed_by(&candidate.ring).map_err(damaged)?;
        candidate.require(&candidate.root, &signers, Code::BelowThreshold).map_err(damaged)?;
        Ok(Self(candidate))
    }

    /// Refuses when the root's own time is over.
    pub fn require_unexpired(&self, now: Timestamp) -> Result<(), Refusal> {
        let expires = self.root().document().expires;
        if now <= expires {
            return Ok(());
        }
        let version = self.root().document().version;
        Err(Refusal::new(Code::RootExpired, format!("trust root version {version}"), "has expired")
            .expected(format!("a time up to {expires}"))
            .found(now))
    }

    /// What it says.
    pub const fn root(&self) -> &Root {
        &self.0.root
    }

    /// Its keys.
    pub const fn ring(&self) -> &KeyRing {
        &self.0.ring
    }

    /// SHA-256 of the signed payload.
    pub fn fingerprint(&self) -> Sha256Digest {
        self.0.fingerprint()
    }

    /// The file as it came, to be written down.
    pub fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }
}
