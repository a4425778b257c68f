// SPDX-License-Identifier: Apache-2.0
//! RPM packages, pinned by the fingerprint of the signer's primary key.
//!
//! In: a package's bytes, keys, pins, a time. Out: one verdict. `good` proves header and payload: a signature
//! over the header, by a pinned key and within policy, and in that header a digest that the payload has; or one
//! of the old signatures over header and payload together. A signature over a header without such a digest
//! leaves the payload open and proves nothing that could be installed.
//!
//! Sources: rpm's `docs/manual/format_*.md` and `lib/rpmvs.cc`, `lib/header.cc` for what is checked there.

pub mod header;
pub mod package;

use std::io;

use manifests::evidence::{Covered, Evidence, Verdict};
use sequoia_openpgp::crypto::hash::Context;
use sequoia_openpgp::types::HashAlgorithm;

use super::digest::{Algorithm, Digest};
use super::openpgp::{Check, Hasher, Sha1, Signers, Supplied, Version3};
use super::pass::{Sink, pass};
use super::{Reason, Stop, conclude, evidence};
use crate::bytes::{Bytes, Part};
use crate::hash::Kernel;
use crate::hash::sha256::Midstate;
use package::{Claim, Hash, Package};

const KIND: &str = "rpm";

/// Checks a package.
pub fn check(bytes: &dyn Bytes, supplied: &Supplied<'_>) -> io::Result<Evidence> {
    judge(bytes, supplied).or_else(|stop| stop.into_evidence(KIND))
}

fn judge(bytes: &dyn Bytes, supplied: &Supplied<'_>) -> Result<Evidence, Stop> {
    let package = Package::read(bytes)?;
    let name = format!("package {}", package.name());
    let (over_header, over_all) = (package.header_signatures()?, package.legacy_signatures()?);
    let (header_claims, payload_claims) = (package.header_claims()?, package.payload_claims()?);
    if over_header.is_empty() && over_all.is_empty() {
        let notes = vec![name, "digests without a signature prove nothing and were not computed".to_owned()];
        return Ok(Evidence { notes, ..evidence(KIND, Err(Reason::NoSignature)) });
    }
    let signers = Signers::read(supplied, Version3::Accepted)?;
    let expect = |packets: &[Vec<u8>]| {
        let packets: Vec<&[u8]> = packets.iter().map(Vec::as_slice).collect();
        if packets.is_empty() { Ok(None) } else { signers.expect(&packets).map(Some) }
    };
    let (over_header, over_all) = (expect(&over_header)?, expect(&over_all)?);

    let seen = Seen::of(bytes, &package, &payload_claims, over_all.as_ref())?;
    let state = Payload::judge(&package, &payload_claims, &seen.payload, supplied.sha1);
    let mut contradictions = contradicted(&header_claims, |hash| digest(hash, package.header()), "header");
    contradictions.extend(state.contradictions);

    let header = over_header.map(|check| header_signature(check, &package));
    let all = over_all.map(|check| whole_signature(check, seen.whole, &package, &seen.payload));
    let whole_is_good = all.as_ref().is_some_and(|all| all.verdict == Verdict::Good);
    let header = header.map(|header| with_payload(header, state.proven, whole_is_good, &seen.payload));
    let judged = [header, all].into_iter().flatten().map(|judged| contradict(judged, &contradictions));
    let mut answer = conclude(judged.collect()).unwrap_or_else(|| evidence(KIND, Err(Reason::NoSignature)));
    answer.notes.insert(0, name);
    answer.notes.extend(signers.notes().iter().cloned());
    if answer.verdict == Verdict::Good {
        let frame = "lead and signature header, which frame the package and name nothing";
        answer.not_covered.push(frame.to_owned());
    }
    if package.has_md5() {
        answer.not_checked.push("MD5 of header and payload (tag 1004), which nothing signs".to_owned());
    }
    Ok(answer)
}

/// What one pass over the payload showed.
struct Seen {
    payload: Vec<(Hash, Vec<u8>)>,
    /// Header and payload together, where a signature covers them.
    whole: Option<(Midstate, Option<Hasher>)>,
}

impl Seen {
    fn of(
        bytes: &dyn Bytes,
        package: &Package,
        claims: &[Claim],
        over_all: Option<&Check>,
    ) -> Result<Self, Stop> {
        let length = bytes.length().saturating_sub(package.payload);
        let Some(payload) = Part::new(bytes, package.payload, length) else {
            return Err(Stop::found(Reason::FileMalformed, "the payload is cut off"));
        };
        let mut sha256 = Midstate::EMPTY;
        let mut others: Vec<(Hash, Running)> = Vec::new();
        for hash in claims.iter().map(|claim| claim.hash) {
            if hash != Hash::Known(Algorithm::Sha256) && others.iter().all(|(other, _)| *other != hash) {
                others.push((hash, Running::new(hash)?));
            }
        }
        let mut whole = over_all.map(|check| (Midstate::EMPTY, check.hasher()));
        if let Some((midstate, hasher)) = &mut whole {
            midstate.update(Kernel::detect(), package.header());
            hasher.iter_mut().for_each(|hasher| hasher.update(package.header()));
        }
        let mut sinks: Vec<&mut dyn Sink> = vec![&mut sha256];
        sinks.extend(others.iter_mut().map(|(_, running)| running.sink()));
        if let Some((midstate, hasher)) = &mut whole {
            sinks.push(midstate);
            sinks.extend(hasher.iter_mut().map(|hasher| -> &mut dyn Sink { hasher }));
        }
        pass(&payload, &mut sinks)?;
        let mut seen = vec![(Hash::Known(Algorithm::Sha256), sha256.digest().as_bytes().to_vec())];
        for (hash, running) in others {
            seen.push((hash, running.finish()?));
        }
        Ok(Self { payload: seen, whole })
    }
}

/// A digest of any hash that RPM names.
enum Running {
    Known(Box<Digest>),
    Sha3(Context),
}

impl Running {
    fn new(hash: Hash) -> Result<Self, Stop> {
        match hash {
            Hash::Known(algorithm) => Ok(Self::Known(Box::new(algorithm.start()))),
            Hash::Sha3 => {
                let builder = HashAlgorithm::SHA3_256.context();
                let builder = builder.map_err(|_| Stop::found(Reason::UnknownAlgorithm, "SHA3-256"))?;
                Ok(Self::Sha3(builder.for_digest()))
            }
        }
    }

    fn sink(&mut self) -> &mut dyn Sink {
        match self {
            Self::Known(digest) => digest.as_mut(),
            Self::Sha3(context) => context,
        }
    }

    fn finish(self) -> Result<Vec<u8>, Stop> {
        match self {
            Self::Known(digest) => Ok(digest.finish()),
            Self::Sha3(context) => {
                context.into_digest().map_err(|_| Stop::found(Reason::UnknownAlgorithm, "SHA3-256"))
            }
        }
    }
}

/// The digest of bytes at hand; none where the hash cannot be had.
fn digest(hash: Hash, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut running = Running::new(hash).ok()?;
    running.sink().take(bytes);
    running.finish().ok()
}

/// What the digests in the header say about the payload.
struct Payload {
    /// Whether one that is strong enough holds; why not, otherwise.
    proven: Result<(), Reason>,
    contradictions: Vec<String>,
}

impl Payload {
    fn judge(package: &Package, claims: &[Claim], seen: &[(Hash, Vec<u8>)], sha1: Sha1) -> Self {
        let found = |hash| seen.iter().find(|(other, _)| *other == hash).map(|(_, digest)| digest.clone());
        let weak = |claim: &Claim| claim.hash == Hash::Known(Algorithm::Sha1) && sha1 == Sha1::Refused;
        let proven = match claims {
            [] => Err(package.unread_payload_digest().unwrap_or(Reason::PayloadNotSigned)),
            claims if claims.iter().all(weak) => Err(Reason::WeakHash),
            _ => Ok(()),
        };
        Self { proven, contradictions: contradicted(claims, found, "payload") }
    }
}

fn contradicted(claims: &[Claim], found: impl Fn(Hash) -> Option<Vec<u8>>, what: &str) -> Vec<String> {
    claims
        .iter()
        .filter(|claim| found(claim.hash).as_ref() != Some(&claim.digest))
        .map(|claim| format!("the {what} does not have the {} that the package names", claim.hash.name()))
        .collect()
}

fn header_signature(check: Check, package: &Package) -> Evidence {
    let mut midstate = Midstate::EMPTY;
    midstate.update(Kernel::detect(), package.header());
    let mut hasher = check.hasher();
    hasher.iter_mut().for_each(|hasher| hasher.update(package.header()));
    Evidence { kind: KIND, ..check.judge(&midstate, hasher) }
}

fn whole_signature(
    check: Check,
    whole: Option<(Midstate, Option<Hasher>)>,
    package: &Package,
    payload: &[(Hash, Vec<u8>)],
) -> Evidence {
    let (midstate, hasher) = whole.unwrap_or((Midstate::EMPTY, None));
    let mut answer = Evidence { kind: KIND, ..check.judge(&midstate, hasher) };
    if answer.verdict == Verdict::Good && midstate.length() == package.header_length() {
        // No package is without one: this is a signature over a header, put where it was not made for.
        answer.covers.clear();
        answer.verdict = Reason::PayloadNotSigned.verdict();
        answer.reason = Some(Reason::PayloadNotSigned.as_str());
        answer.notes.push("the payload is empty: the signature covers a header alone".to_owned());
    } else if answer.verdict == Verdict::Good {
        answer.covers = covers(package, payload);
        answer.notes.push("signed over header and payload together, as rpm 3 and 4 did".to_owned());
    }
    answer
}

fn covers(package: &Package, payload: &[(Hash, Vec<u8>)]) -> Vec<Covered> {
    let header = Covered { what: "header".to_owned(), digest: package.header_digest() };
    [header].into_iter().chain(covered_payload(payload)).collect()
}

fn covered_payload(payload: &[(Hash, Vec<u8>)]) -> Option<Covered> {
    let (_, digest) = payload.iter().find(|(hash, _)| *hash == Hash::Known(Algorithm::Sha256))?;
    let digest = manifests::digest::Sha256Digest::new(digest.as_slice().try_into().ok()?);
    Some(Covered { what: "payload".to_owned(), digest })
}

/// A good signature over the header is as good as what the header says about the payload.
fn with_payload(
    mut answer: Evidence,
    proven: Result<(), Reason>,
    whole_is_good: bool,
    payload: &[(Hash, Vec<u8>)],
) -> Evidence {
    if answer.verdict != Verdict::Good {
        return answer;
    }
    for covered in &mut answer.covers {
        covered.what = "header".to_owned();
    }
    match proven {
        Ok(()) => answer.covers.extend(covered_payload(payload)),
        // The other signature says it.
        Err(_) if whole_is_good => answer.covers.extend(covered_payload(payload)),
        Err(reason) => {
            answer.covers.clear();
            answer.verdict = reason.verdict();
            answer.reason = Some(reason.as_str());
            answer
                .notes
                .push("the signature over the header is good, and leaves the payload open".to_owned());
        }
    }
    answer
}

/// Whoever signed, if a supplied key has: what was signed is not what is here.
fn contradict(mut answer: Evidence, contradictions: &[String]) -> Evidence {
    if contradictions.is_empty() {
        return answer;
    }
    answer.notes.extend(contradictions.iter().cloned());
    if answer.reason != Some(Reason::KeyNotSupplied.as_str()) {
        answer.covers.clear();
        answer.verdict = Verdict::Bad;
        answer.reason = Some(Reason::DigestMismatch.as_str());
        answer.signed_at = None;
        answer.time_source = None;
    }
    answer
}

/// Whether a file claims to be a package.
pub fn begins(bytes: &dyn Bytes) -> io::Result<bool> {
    let mut magic = [0; 4];
    if bytes.length() < 4 {
        return Ok(false);
    }
    bytes.read_at(0, &mut magic)?;
    Ok(magic == package::MAGIC)
}
