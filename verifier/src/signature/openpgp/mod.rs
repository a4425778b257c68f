// SPDX-License-Identifier: Apache-2.0
//! Detached OpenPGP signatures, pinned by the fingerprint of the signer's primary key.
//!
//! In: a signature file, key files, pins, a time; then the file's bytes, once, front to back. Out: one
//! verdict. [`prepare`] reads what needs no data, [`Check::hasher`] says what must see the bytes,
//! [`Check::judge`] concludes.
//!
//! Where several places of one file carry signatures over different bytes of it, [`Signers`] reads keys and pins
//! once and [`Signers::expect`] makes a [`Check`] for each such place.
//!
//! Of several signatures, in this order: one that a supplied key refutes makes the file `bad`; a pinned one
//! within policy makes it `good`; a pinned one outside makes it `outside-policy`; any other, `wrong-signer`.
//!
//! Stricter than sequoia in one point: the two octets of the digest that a signature carries in clear must
//! be those of the digest (RFC 9580 §5.2.3 offers the test, gpg applies it).

pub mod cleartext;
mod hashing;
mod policy;
mod read;

use std::sync::Arc;
use std::time::SystemTime;

use manifests::digest::Sha256Digest;
use manifests::evidence::{Covered, Evidence, Signer, TimeSource, Verdict};
use manifests::fingerprint::Fingerprint;
use manifests::time::Timestamp;
use sequoia_openpgp::cert::Cert;
use sequoia_openpgp::cert::amalgamation::key::ErasedKeyAmalgamation;
use sequoia_openpgp::packet::{Signature, key};

use super::{Reason, Stop};
use crate::hash::sha256::Midstate;
pub use hashing::Hasher;
use hashing::Mode;
use policy::Rules;
pub use policy::Version3;

/// A signature file holds a few signatures. The largest known kind, SLH-DSA-256s, has 30 KiB, 40 in armour.
pub const MAX_SIGNATURE_BYTES: usize = 256 * 1024;
/// Signature packets in one signature file, those that are passed over included: vendors use one to four.
pub const MAX_SIGNATURES: usize = 32;
/// Passes over the file side by side: distinct hashes, modes and salts. Vendors need one or two.
pub const MAX_STREAMS: usize = 8;
/// Supplied keys that one signature may name as its issuer: one, unless key ids collide or certificates share a subkey.
pub const MAX_CANDIDATES: usize = 64;
/// One key file. A certificate with thousands of certifications has half a MiB.
pub const MAX_KEY_BYTES: usize = 8 * 1024 * 1024;
/// All key files of one demand.
pub const MAX_KEY_BYTES_TOTAL: usize = 32 * 1024 * 1024;
/// Certificates in all key files: several times a large distribution's keyring.
pub const MAX_CERTIFICATES: usize = 4096;

/// Components of one certificate times its signatures: the library may try each on each, and 50,000 checks
/// take seconds. A key with forty user ids and a thousand certifications fits.
pub const MAX_CERTIFICATE_WORK: usize = 50_000;
/// Packets in all key files: sorting them out takes milliseconds for each thousand.
pub const MAX_KEY_PACKETS: usize = 100_000;

/// Whether SHA-1 may bear a signature or a self-signature (`--allow sha1`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sha1 {
    /// As the policy says: refused since 2013 and 2023.
    Refused,
    /// Named by the demand.
    Allowed,
}

/// What is demanded of a file.
#[derive(Clone, Copy, Debug)]
pub struct Demand<'a> {
    /// The signature file, binary or armoured.
    pub signature: &'a [u8],
    /// Key files, binary or armoured, each with any number of certificates.
    pub keys: &'a [&'a [u8]],
    /// Primary keys, any of which is enough.
    pub pins: &'a [Fingerprint],
    /// The time of judgement.
    pub now: Timestamp,
    /// Whether SHA-1 was named.
    pub sha1: Sha1,
}

/// Whose signatures count, and when: a [`Demand`] without its signature file.
#[derive(Clone, Copy, Debug)]
pub struct Supplied<'a> {
    /// Key files, binary or armoured, each with any number of certificates.
    pub keys: &'a [&'a [u8]],
    /// Primary keys, any of which is enough.
    pub pins: &'a [Fingerprint],
    /// The time of judgement.
    pub now: Timestamp,
    /// Whether SHA-1 was named.
    pub sha1: Sha1,
}

/// Keys, pins and rules, read once for any number of signatures.
pub struct Signers {
    certs: Vec<Cert>,
    pins: Vec<Fingerprint>,
    rules: Rules,
    notes: Vec<String>,
}

/// Signatures over the same bytes, which wait for their digest.
pub struct Check {
    signatures: Vec<Signature>,
    signers: Arc<Signers>,
    notes: Vec<String>,
}

/// Reads signatures and keys. An error is the verdict already.
pub fn prepare(demand: &Demand<'_>) -> Result<Check, Evidence> {
    let &Demand { signature, keys, pins, now, sha1 } = demand;
    let refused =
        |refused: read::Unreadable| Evidence { notes: vec![refused.note], ..evidence(Err(refused.reason)) };
    let supplied = Supplied { keys, pins, now, sha1 };
    let signers = Signers::supplied(&supplied, Version3::Refused).map_err(refused)?;
    let found = read::signatures(&[signature]).map_err(refused)?;
    let mut check = Signers::prepare(&Arc::new(signers), found).map_err(refused)?;
    check.notes.splice(0..0, check.signers.notes.clone());
    Ok(check)
}

impl Signers {
    /// Reads the key files.
    pub fn read(supplied: &Supplied<'_>, version3: Version3) -> Result<Arc<Self>, Stop> {
        Ok(Arc::new(Self::supplied(supplied, version3)?))
    }

    /// What was passed over in the key files.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Reads signatures, which must all be over the same bytes. Each of `files` stands for itself, binary or
    /// armoured; what occurs twice counts once.
    pub fn expect(self: &Arc<Self>, files: &[&[u8]]) -> Result<Check, Stop> {
        let mut found = read::signatures(files)?;
        let mut distinct: Vec<Signature> = Vec::new();
        for signature in found.items {
            if !distinct.contains(&signature) {
                distinct.push(signature);
            }
        }
        found.items = distinct;
        Ok(Self::prepare(self, found)?)
    }

    fn supplied(supplied: &Supplied<'_>, version3: Version3) -> Result<Self, read::Unreadable> {
        let keys = read::certificates(supplied.keys)?;
        Ok(Self {
            certs: keys.items,
            pins: supplied.pins.to_vec(),
            rules: Rules::at(supplied.now, supplied.sha1, version3),
            notes: keys.notes,
        })
    }

    fn prepare(signers: &Arc<Self>, found: read::Found<Signature>) -> Result<Check, read::Unreadable> {
        let check = Check { signatures: found.items, signers: Arc::clone(signers), notes: found.notes };
        let exceeded =
            if check.signatures.iter().any(|signature| check.candidates(signature).len() > MAX_CANDIDATES) {
                format!("more than {MAX_CANDIDATES} keys for one signature")
            } else if check.streams().streams() > MAX_STREAMS {
                format!("more than {MAX_STREAMS} distinct hashes to compute")
            } else {
                return Ok(check);
            };
        Err(read::Unreadable { reason: Reason::LimitExceeded, note: exceeded })
    }
}

/// The evidence for a file that has no signature.
pub fn unsigned() -> Evidence {
    evidence(Err(Reason::NoSignature))
}

impl Check {
    /// The hashing that must see the file's bytes; none where its SHA-256 midstate is enough.
    pub fn hasher(&self) -> Option<Hasher> {
        let hasher = self.streams();
        (hasher.streams() > 0).then_some(hasher)
    }

    /// One hashing for all of `checks`, whose signatures are over the same bytes: equal work is done once, and
    /// [`MAX_STREAMS`] bounds it for all of them together.
    pub fn shared_hasher<'a>(checks: impl Iterator<Item = &'a Self>) -> Result<Option<Hasher>, Stop> {
        let mut shared: Option<Hasher> = None;
        for hasher in checks.filter_map(Self::hasher) {
            match &mut shared {
                None => shared = Some(hasher),
                Some(shared) => shared.unite(hasher),
            }
        }
        if shared.as_ref().is_some_and(|shared| shared.streams() > MAX_STREAMS) {
            let note = format!("more than {MAX_STREAMS} distinct hashes to compute");
            return Err(Stop::found(Reason::LimitExceeded, note));
        }
        Ok(shared)
    }

    /// Concludes. `file` and `hasher`, where one was asked for, have seen the same bytes, all of them.
    pub fn judge(self, file: &Midstate, hasher: Option<Hasher>) -> Evidence {
        let needed = self.streams();
        let hasher = match hasher {
            Some(hasher) if hasher.length() == file.length() && hasher.serves(&needed) => hasher,
            None if needed.streams() == 0 => needed,
            _ => return evidence(Err(Reason::NotHashed)),
        };
        let mut judged: Vec<Judged> =
            self.signatures.iter().map(|signature| self.signature(signature, file, &hasher)).collect();
        // The sort is stable: of equals the first in the file speaks.
        judged.sort_by_key(Judged::rank);
        let mut judged = judged.into_iter();
        let Some(first) = judged.next() else { return unsigned() };
        let others = judged.map(|other| other.in_words());
        let mut answer = first.into_evidence(file.digest());
        answer.notes.extend(others.chain(self.notes));
        answer
    }

    /// One pass for each distinct shape among the signatures that a supplied key may have made.
    fn streams(&self) -> Hasher {
        Hasher::new(self.signatures.iter().filter(|signature| !self.candidates(signature).is_empty()))
    }

    /// The supplied keys that a signature names as its issuer. One that names nobody is nobody's.
    fn candidates(&self, signature: &Signature) -> Vec<ErasedKeyAmalgamation<'_, key::PublicParts>> {
        let issuers = signature.get_issuers();
        if issuers.is_empty() {
            return Vec::new();
        }
        self.signers.certs.iter().flat_map(|cert| cert.keys().key_handles(issuers.iter())).collect()
    }

    /// The best answer over all candidate keys: a signature is refuted when none of them fits.
    fn signature(&self, signature: &Signature, file: &Midstate, hasher: &Hasher) -> Judged {
        let signed_at = signature.signature_creation_time().and_then(timestamp);
        let candidates = self.candidates(signature);
        if candidates.is_empty() {
            let issuers: Vec<_> = signature.get_issuers().iter().map(ToString::to_string).collect();
            let note = format!("the key that signed was not supplied: {}", issuers.join(", "));
            return Judged {
                answer: Err(Reason::KeyNotSupplied),
                mode: Mode::of(signature),
                signer: None,
                signed_at: None,
                notes: vec![note],
            };
        }
        let digest = hasher.digest(signature, file);
        let mut answers: Vec<Judged> = candidates
            .into_iter()
            .map(|key| {
                let (answer, notes) = self.candidate(signature, &key, digest.as_deref());
                // A refuted signature proves neither who nor when.
                let proven = answer != Err(Reason::DigestMismatch);
                let time = signature.signature_creation_time().unwrap_or(SystemTime::UNIX_EPOCH);
                Judged {
                    answer,
                    mode: Mode::of(signature),
                    signer: Some(signer(&key, time)),
                    signed_at: signed_at.filter(|_| proven),
                    notes,
                }
            })
            .collect();
        answers.sort_by_key(|judged| (judged.answer == Err(Reason::DigestMismatch), judged.rank()));
        // Not empty: there was a candidate.
        answers.swap_remove(0)
    }

    fn candidate(
        &self,
        signature: &Signature,
        key: &ErasedKeyAmalgamation<'_, key::PublicParts>,
        digest: Option<&[u8]>,
    ) -> (Result<(), Reason>, Vec<String>) {
        let id = key.cert().fingerprint().to_hex();
        let pinned = self.signers.pins.iter().any(|pin| pin.as_str() == id);
        let within = match fits(signature, key, digest) {
            Err(Reason::DigestMismatch) => return (Err(Reason::DigestMismatch), Vec::new()),
            Err(reason) => Err(reason),
            Ok(()) => self.signers.rules.judge(signature, key, &self.signers.certs),
        };
        match (pinned, within) {
            (true, Ok(notes)) => (Ok(()), notes),
            (true, Err(reason)) => (Err(reason), Vec::new()),
            (false, Ok(notes)) => (Err(Reason::NotPinned), notes),
            (false, Err(reason)) => (
                Err(Reason::NotPinned),
                vec![format!("the signer, who is not pinned, is also refused: {}", reason.as_str())],
            ),
        }
    }
}

/// Whether `key` made `signature` over `digest`: mathematics only.
fn fits(
    signature: &Signature,
    key: &ErasedKeyAmalgamation<'_, key::PublicParts>,
    digest: Option<&[u8]>,
) -> Result<(), Reason> {
    let key = key.key();
    // No digest: a hash that is not known, or SHA-1 input that was made to collide.
    let digest = digest.ok_or(if signature.hash_algo().is_supported() {
        Reason::WeakHash
    } else {
        Reason::UnknownAlgorithm
    })?;
    if !digest.starts_with(signature.digest_prefix()) {
        return Err(Reason::DigestMismatch);
    }
    if !key.pk_algo().is_supported() || !signature.pk_algo().is_supported() {
        return Err(Reason::UnknownAlgorithm);
    }
    if let Err(error) = key.verify(signature.mpis(), signature.hash_algo(), digest) {
        use sequoia_openpgp::Error;
        return Err(match error.downcast_ref() {
            Some(
                Error::UnsupportedPublicKeyAlgorithm(_)
                | Error::UnsupportedEllipticCurve(_)
                | Error::UnsupportedHashAlgorithm(_),
            ) => Reason::UnknownAlgorithm,
            _ => Reason::DigestMismatch,
        });
    }
    // Once more with what the library asks beyond the mathematics: versions that go together, size of the
    // salt, order of dates.
    match signature.verify_digest(key, digest) {
        Ok(()) => Ok(()),
        Err(_) => Err(match signature.signature_creation_time() {
            None => Reason::SignatureWithoutTime,
            Some(signed) if signed < key.creation_time() => Reason::SignaturePredatesKey,
            Some(_) => Reason::VersionMismatch,
        }),
    }
}

/// What became of one signature.
struct Judged {
    answer: Result<(), Reason>,
    mode: Mode,
    signer: Option<Signer>,
    signed_at: Option<Timestamp>,
    notes: Vec<String>,
}

impl Judged {
    /// The order of verdicts among several signatures (`command-line.md`).
    fn rank(&self) -> u8 {
        match verdict(self.answer) {
            Verdict::Bad => 0,
            Verdict::Good => 1,
            Verdict::OutsidePolicy => 2,
            // What is known says more than what is not.
            Verdict::WrongSigner if self.answer == Err(Reason::NotPinned) => 3,
            Verdict::WrongSigner => 4,
            Verdict::Unsigned | Verdict::Malformed => 5,
        }
    }

    fn in_words(self) -> String {
        let who = self.signer.map_or_else(|| "an unknown key".to_owned(), |signer| signer.id);
        let what = self.answer.map_or_else(Reason::as_str, |()| "good");
        let notes: String = self.notes.iter().map(|note| format!("; {note}")).collect();
        format!("another signature, by {who}: {what}{notes}")
    }

    fn into_evidence(self, digest: Sha256Digest) -> Evidence {
        let what = match self.mode {
            Mode::Binary => "whole file",
            Mode::Text => "whole file as text",
        };
        let covers = self.answer.map(|()| Covered { what: what.to_owned(), digest });
        let line_ends = "how its lines end: the signature is over text (RFC 9580 §5.2.1.2)";
        let not_covered = (self.mode == Mode::Text && covers.is_ok()).then(|| line_ends.to_owned());
        Evidence {
            time_source: self.signed_at.map(|_| TimeSource::Signature),
            signer: self.signer,
            signed_at: self.signed_at,
            covers: covers.into_iter().collect(),
            not_covered: not_covered.into_iter().collect(),
            notes: self.notes,
            ..evidence(self.answer)
        }
    }
}

fn verdict(answer: Result<(), Reason>) -> Verdict {
    answer.map_or_else(Reason::verdict, |()| Verdict::Good)
}

/// An answer with nothing else known.
fn evidence(answer: Result<(), Reason>) -> Evidence {
    let mut evidence = super::evidence("openpgp", answer);
    if !matches!(evidence.verdict, Verdict::Unsigned | Verdict::Malformed) {
        evidence.not_checked.push("revocation after the key was collected".to_owned());
    }
    evidence
}

fn signer(key: &ErasedKeyAmalgamation<'_, key::PublicParts>, time: SystemTime) -> Signer {
    let id = key.cert().fingerprint().to_hex();
    let mut chain = vec![key.key().fingerprint().to_hex(), id.clone()];
    chain.dedup();
    Signer { name: policy::name(key.cert(), time), id, chain }
}

fn timestamp(time: SystemTime) -> Option<Timestamp> {
    Timestamp::from_seconds(time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs())
}
