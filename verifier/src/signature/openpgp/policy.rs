// SPDX-License-Identifier: Apache-2.0
//! May this key, by what its certificate and the policy say, have made this signature?
//!
//! The mathematics is done elsewhere. Policy is sequoia's `StandardPolicy` at the time of judgement: which
//! algorithms hold is a question of now, whatever date a signature claims. The certificate is read as of the
//! signature's time: bindings, flags and expiry as they stood then, and every revocation that is for good.

use std::time::{Duration, SystemTime};

use manifests::time::Timestamp;
use sequoia_openpgp::Result;
use sequoia_openpgp::cert::Cert;
use sequoia_openpgp::cert::amalgamation::key::{
    ErasedKeyAmalgamation, PrimaryKey as _, ValidErasedKeyAmalgamation,
};
use sequoia_openpgp::cert::amalgamation::{ValidAmalgamation, ValidateAmalgamation};
use sequoia_openpgp::packet::{Packet, Signature, key};
use sequoia_openpgp::policy::{HashAlgoSecurity, Policy, StandardPolicy};
use sequoia_openpgp::types::{HashAlgorithm, RevocationStatus, SignatureType};

use super::super::Reason;
use super::Sha1;

/// Tolerance for a signer's clock that runs ahead (`command-line.md`, Times).
const SKEW: Duration = Duration::from_secs(60);

type PublicKey<'a> = ErasedKeyAmalgamation<'a, key::PublicParts>;
type ValidKey<'a> = ValidErasedKeyAmalgamation<'a, key::PublicParts>;

/// The rules at one time of judgement.
pub(super) struct Rules {
    policy: StandardPolicy<'static>,
    now: SystemTime,
    version3: Version3,
}

/// Whether signatures of version 3 over data count. What binds keys is judged apart, and alike for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version3 {
    /// Obsolete since 2007: `obsolete-version`.
    Refused,
    /// By the same rules as others: what rpm made until 2019 or so has no other.
    Accepted,
}

impl Rules {
    pub(super) fn at(now: Timestamp, sha1: Sha1, version3: Version3) -> Self {
        // `UNIX_EPOCH` plus a year up to 9999 fits every platform's clock.
        let now = SystemTime::UNIX_EPOCH
            .checked_add(Duration::from_secs(now.seconds()))
            .unwrap_or(SystemTime::UNIX_EPOCH);
        let mut policy = StandardPolicy::at(now);
        if sha1 == Sha1::Allowed {
            policy.accept_hash(HashAlgorithm::SHA1);
        }
        Self { policy, now, version3 }
    }

    /// Notes, where `key` may have made `signature`; the first reason against it otherwise.
    ///
    /// `supplied` are all certificates at hand: a designated revoker may be among them.
    pub(super) fn judge(
        &self,
        signature: &Signature,
        key: &PublicKey<'_>,
        supplied: &[Cert],
    ) -> std::result::Result<Vec<String>, Reason> {
        let signed = signature.signature_creation_time().ok_or(Reason::SignatureWithoutTime)?;
        self.signature(signature)?;
        if signed < key.key().creation_time() || signed < key.cert().primary_key().key().creation_time() {
            return Err(Reason::SignaturePredatesKey);
        }
        // Under either policy: a revocation by an old hash is still its owner's word.
        let lenient = key.with_policy(&Lenient, signed).ok();
        if lenient.as_ref().is_some_and(is_revoked) || revoked_by_designated(key.cert(), supplied) {
            return Err(Reason::KeyRevoked);
        }
        let valid =
            key.with_policy(&self.policy, signed).map_err(|_| self.why_invalid(key, lenient.as_ref()))?;
        if is_revoked(&valid) {
            return Err(Reason::KeyRevoked);
        }
        if valid.valid_cert().alive().is_err() || valid.alive().is_err() {
            return Err(Reason::KeyExpired);
        }
        if !valid.for_signing() {
            return Err(Reason::KeyNotForSigning);
        }
        Ok(self.since_then(key, &valid))
    }

    /// The signature alone: version, hash, critical parts, its own life.
    fn signature(&self, signature: &Signature) -> std::result::Result<(), Reason> {
        let tolerated = signature.version() == 3 && self.version3 == Version3::Accepted;
        if !tolerated && self.policy.packet(&Packet::from(signature.clone())).is_err() {
            return Err(Reason::ObsoleteVersion);
        }
        if self.policy.signature(signature, HashAlgoSecurity::CollisionResistance).is_err() {
            let cutoff =
                self.policy.hash_cutoff(signature.hash_algo(), HashAlgoSecurity::CollisionResistance);
            let weak = cutoff.is_some_and(|cutoff| cutoff <= self.now);
            return Err(if weak { Reason::WeakHash } else { Reason::UnknownCritical });
        }
        match signature.signature_alive(self.now, SKEW) {
            Ok(()) => Ok(()),
            Err(error) => Err(match error.downcast_ref() {
                Some(sequoia_openpgp::Error::Expired(_)) => Reason::SignatureExpired,
                _ => Reason::SignatureFromTheFuture,
            }),
        }
    }

    /// Why the standard policy finds no valid binding; `lenient` is what would hold without it.
    fn why_invalid(&self, key: &PublicKey<'_>, lenient: Option<&ValidKey<'_>>) -> Reason {
        if let Some(valid) = lenient {
            let primary = valid.valid_cert().primary_key().into();
            let weak = [valid, &primary].into_iter().any(|key| self.policy.key(key).is_err());
            return if weak { Reason::WeakKey } else { Reason::SelfSignatureOutsidePolicy };
        }
        if key.primary() || key.self_signatures().next().is_some() {
            return Reason::KeyNotBoundWhenSigned;
        }
        if bound_one_way(key) { Reason::NoBackSignature } else { Reason::KeyNotBound }
    }

    /// What has changed between the signature and now, and does not spoil it.
    fn since_then(&self, key: &PublicKey<'_>, then: &ValidKey<'_>) -> Vec<String> {
        let mut notes = Vec::new();
        let Ok(now) = key.with_policy(&self.policy, self.now.max(then.time())) else {
            notes.push("what bound the key to its owner when it signed has lapsed since".to_owned());
            return notes;
        };
        let primary = now.valid_cert().primary_key().key_expiration_time();
        for expiry in [primary, now.key_expiration_time()].into_iter().flatten() {
            if expiry <= self.now {
                notes.push(format!("the key expired on {}, after it signed", shown(expiry)));
            }
        }
        notes.dedup();
        if is_revoked(&now) {
            notes.push("the key was retired or superseded after it signed".to_owned());
        }
        let third_party = |status| matches!(status, RevocationStatus::CouldBe(_));
        if third_party(now.valid_cert().revocation_status()) || third_party(now.revocation_status()) {
            notes.push(
                "a revocation by somebody else stands in the certificate and could not be checked".to_owned(),
            );
        }
        notes
    }
}

/// Revoked for good, or for a softer reason before the time at which `key` is looked at.
fn is_revoked(key: &ValidKey<'_>) -> bool {
    let revoked = |status| matches!(status, RevocationStatus::Revoked(_));
    revoked(key.valid_cert().revocation_status()) || revoked(key.revocation_status())
}

/// Revoked by a key that the certificate itself names for this, where that key was supplied.
fn revoked_by_designated(cert: &Cert, supplied: &[Cert]) -> bool {
    let primary = cert.primary_key();
    let revokers: Vec<_> =
        cert.revocation_keys(&Lenient).map(|revoker| revoker.revoker().1.clone()).collect();
    primary.other_revocations().any(|revocation| {
        supplied.iter().filter(|revoker| revokers.contains(&revoker.fingerprint())).any(|revoker| {
            revocation.verify_primary_key_revocation(revoker.primary_key().key(), primary.key()).is_ok()
        })
    })
}

/// The primary key says that this is its signing subkey, but the subkey does not say so (RFC 9580 §5.2.1.10).
fn bound_one_way(key: &PublicKey<'_>) -> bool {
    let primary = key.cert().primary_key();
    let subkey = key.key().role_as_subordinate();
    let verifies = |binding: &Signature| -> Result<()> {
        let mut context = binding.hash_algo().context()?.for_signature(binding.version());
        binding.hash_subkey_binding(&mut context, primary.key(), subkey)?;
        binding.verify_digest(primary.key(), context.into_digest()?)
    };
    key.cert()
        .bad_signatures()
        .filter(|bad| bad.typ() == SignatureType::SubkeyBinding)
        .any(|bad| verifies(bad).is_ok())
}

fn shown(time: SystemTime) -> String {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Timestamp::from_seconds(seconds).map_or_else(|| "an unknown date".to_owned(), |time| time.to_string())
}

/// Accepts every algorithm: only to find revocations, and to name the reason of a refusal. Never to accept.
#[derive(Debug)]
struct Lenient;

impl Policy for Lenient {
    fn signature(&self, _: &Signature, _: HashAlgoSecurity) -> Result<()> {
        Ok(())
    }

    fn key(&self, _: &ValidKey<'_>) -> Result<()> {
        Ok(())
    }
}

/// The user id that a certificate puts first, as it stood at `time`; it proves nothing.
pub(super) fn name(cert: &Cert, time: SystemTime) -> Option<String> {
    let valid = cert.with_policy(&Lenient, time).ok()?;
    let id = valid.primary_userid().ok()?;
    Some(String::from_utf8_lossy(id.userid().value()).chars().take(200).collect())
}
