// SPDX-License-Identifier: Apache-2.0
//! Debian repositories, pinned by the fingerprint of the archive key: the chain Release → Packages → .deb.
//!
//! In: an `InRelease`, or a Release file with its signature; for a package also the Packages file and the .deb; keys,
//! pins, a time. Out: one verdict. Each link is held by a digest of at least SHA-256 in the one before, and the
//! first by the signature; only the signed part of an `InRelease` is ever read.

pub mod packages;
pub mod release;
pub mod stanza;

use std::io;

use manifests::evidence::{Covered, Evidence, Verdict};

use super::deb::control::Identity;
use super::deb::{self, ar};
use super::digest::{Algorithm, sha256};
use super::openpgp::cleartext::{self, Cleartext};
use super::openpgp::{Sha1, Signers, Supplied, Version3};
use super::pass::{Sink, pass};
use super::{Reason, Stop, evidence};
use crate::bytes::Bytes;
use crate::hash::sha256::Midstate;
use packages::Candidate;
use release::{Listed, MAX_RELEASE_BYTES, Release};

const RELEASE_KIND: &str = "apt-release";
const PACKAGE_KIND: &str = "apt-deb";

/// What stands between the archive key and a .deb.
#[derive(Clone, Copy)]
pub struct Chain<'a> {
    /// `InRelease`, or `Release`.
    pub release: &'a [u8],
    /// `Release.gpg`, where `release` is not signed in the clear.
    pub signature: Option<&'a [u8]>,
    /// `Packages`, as it is or compressed.
    pub packages: &'a dyn Bytes,
}

/// Checks a Release file.
pub fn release(file: &[u8], signature: Option<&[u8]>, supplied: &Supplied<'_>) -> io::Result<Evidence> {
    match proven(file, signature, supplied) {
        Ok(proven) => Ok(Evidence { kind: RELEASE_KIND, ..proven.evidence }),
        Err(stop) => stop.into_evidence(RELEASE_KIND),
    }
}

/// Checks a .deb by way of the repository that lists it.
pub fn package(file: &dyn Bytes, chain: &Chain<'_>, supplied: &Supplied<'_>) -> io::Result<Evidence> {
    let proven = match proven(chain.release, chain.signature, supplied) {
        Ok(proven) => proven,
        Err(stop) => return stop.into_evidence(PACKAGE_KIND),
    };
    let mut answer = Evidence { kind: PACKAGE_KIND, ..proven.evidence };
    let Some(release) = proven.release else {
        answer.notes.push("the chain breaks at the Release file".to_owned());
        return Ok(answer);
    };
    match listed(file, chain.packages, &release, supplied.sha1) {
        Ok(found) => {
            answer.covers.splice(0..0, found.covers);
            answer.notes.splice(0..0, found.notes);
            Ok(answer)
        }
        Err(Stop::Read(error)) => Err(error),
        // Release and its signer stay named: the chain holds as far as there.
        Err(Stop::Found(reason, note)) => {
            answer.verdict = reason.verdict();
            answer.reason = Some(reason.as_str());
            answer.covers.clear();
            answer.notes.insert(0, note);
            Ok(answer)
        }
    }
}

/// A Release file and the verdict on it.
struct Proven {
    evidence: Evidence,
    /// Where the verdict is good.
    release: Option<Release>,
}

fn proven(file: &[u8], signature: Option<&[u8]>, supplied: &Supplied<'_>) -> Result<Proven, Stop> {
    if file.len() > MAX_RELEASE_BYTES {
        return Err(Stop::found(Reason::LimitExceeded, format!("Release over {MAX_RELEASE_BYTES} bytes")));
    }
    let (text, signed, signatures) = match signature {
        None if cleartext::begins(file) => {
            let Cleartext { text, canonical, signatures } = Cleartext::read(file)?;
            (text, canonical, signatures)
        }
        None => {
            // Is it one at all? That it is not signed says less.
            Release::read(file)?;
            return Ok(Proven { evidence: evidence(RELEASE_KIND, Err(Reason::NoSignature)), release: None });
        }
        Some(signature) => (file.to_vec(), file.to_vec(), signature.to_vec()),
    };
    let signers = Signers::read(supplied, Version3::Refused)?;
    let check = signers.expect(&[&signatures])?;
    let (mut midstate, mut hasher) = (Midstate::EMPTY, check.hasher());
    midstate.take(&signed);
    hasher.iter_mut().for_each(|hasher| hasher.update(&signed));
    let mut evidence = check.judge(&midstate, hasher);
    evidence.notes.extend(signers.notes().iter().cloned());
    if evidence.verdict != Verdict::Good {
        return Ok(Proven { evidence, release: None });
    }
    let release = Release::read(&text)?;
    let until = release
        .valid_until
        .map_or_else(|| "it names no end of its validity".to_owned(), |until| format!("valid until {until}"));
    let made = release.date.map_or_else(|| "without a date".to_owned(), |date| format!("of {date}"));
    evidence.notes.insert(0, format!("Release {} {made}, {until}", release.name));
    evidence.covers = vec![Covered { what: "Release".to_owned(), digest: sha256(&text) }];
    if let Err(reason) = release.judge(supplied.now) {
        evidence.verdict = reason.verdict();
        evidence.reason = Some(reason.as_str());
        evidence.covers.clear();
        return Ok(Proven { evidence, release: None });
    }
    Ok(Proven { evidence, release: Some(release) })
}

/// What the lists of a proven Release say about a package.
struct Found {
    covers: Vec<Covered>,
    notes: Vec<String>,
}

fn listed(file: &dyn Bytes, packages: &dyn Bytes, release: &Release, sha1: Sha1) -> Result<Found, Stop> {
    let (algorithm, listed) = release.list(sha1)?;
    // Before anything of it is unpacked.
    let index = index(packages, algorithm, listed)?;
    let identity = deb::claimed_identity(file);
    let expected = (algorithm, index.digest.as_str());
    let candidates = packages::search(packages, expected, file.length(), identity.as_ref())?;
    let same_size: Vec<&Candidate> =
        candidates.iter().filter(|candidate| candidate.size == file.length()).collect();
    let digests = digests(file, &same_size)?;
    let fits =
        |candidate: &&&Candidate| candidate.digest.as_ref().is_some_and(|digest| digests.contains(digest));
    let Some(found) = same_size.iter().find(fits) else {
        return Err(unlisted(file, &candidates, identity.as_ref())?);
    };
    if found.digest.as_ref().is_some_and(|(algorithm, _)| *algorithm == Algorithm::Sha1)
        && sha1 == Sha1::Refused
    {
        return Err(Stop::found(
            Reason::WeakHash,
            format!("Packages names {} by SHA-1 alone", found.identity),
        ));
    }
    // What the archive vouches for must be a package, too.
    let own = deb::Package::read(file)?.identity(file)?;
    let mut notes = vec![format!("package {}, listed in {}", found.identity, index.path)];
    if own != found.identity {
        notes.push(format!("the package calls itself {own}"));
    }
    let mut covers = Vec::new();
    let sha256 = |text: &str| manifests::digest::Sha256Digest::from_hex(text).ok();
    let whole = digests.iter().find(|(algorithm, _)| *algorithm == Algorithm::Sha256);
    let whole = whole.and_then(|(_, digest)| sha256(digest));
    covers.extend(whole.map(|digest| Covered { what: "whole file".to_owned(), digest }));
    if algorithm == Algorithm::Sha256 {
        covers.extend(sha256(&index.digest).map(|digest| Covered { what: index.path.clone(), digest }));
    }
    Ok(Found { covers, notes })
}

/// The entry of Release for this Packages file, which is told by what it holds, not by its name.
fn index<'a>(packages: &dyn Bytes, algorithm: Algorithm, listed: &'a [Listed]) -> Result<&'a Listed, Stop> {
    let is_packages = |listed: &&Listed| {
        let name = listed.path.rsplit('/').next().unwrap_or_default();
        matches!(name.strip_prefix("Packages"), Some("" | ".gz" | ".xz" | ".zst"))
    };
    let size = packages.length();
    let same_size = || listed.iter().filter(is_packages).filter(|listed| listed.size == size);
    let Some(first) = same_size().next() else {
        return Err(Stop::found(Reason::NotListed, "Release lists no such Packages file"));
    };
    let digest = packages::digest(packages, algorithm)?;
    same_size().find(|listed| listed.digest == digest).ok_or_else(|| {
        let note = format!("Packages has the size of {} in Release, and another digest", first.path);
        Stop::found(Reason::DigestMismatch, note)
    })
}

/// SHA-256 of the package, and whatever else the candidates name it by.
fn digests(file: &dyn Bytes, candidates: &[&Candidate]) -> io::Result<Vec<(Algorithm, String)>> {
    let mut algorithms = vec![Algorithm::Sha256];
    algorithms
        .extend(candidates.iter().filter_map(|candidate| candidate.digest.as_ref()).map(|(one, _)| *one));
    algorithms.sort_unstable();
    algorithms.dedup();
    let mut running: Vec<_> =
        algorithms.into_iter().map(|algorithm| (algorithm, packages::Running::new(algorithm))).collect();
    let mut sinks: Vec<&mut dyn Sink> =
        running.iter_mut().map(|(_, sink)| -> &mut dyn Sink { sink }).collect();
    pass(file, &mut sinks)?;
    Ok(running.into_iter().map(|(algorithm, running)| (algorithm, running.finish())).collect())
}

/// Why no paragraph of Packages is this file's.
fn unlisted(file: &dyn Bytes, candidates: &[Candidate], identity: Option<&Identity>) -> io::Result<Stop> {
    let same = |candidate: &&Candidate| identity.is_none_or(|identity| candidate.identity == *identity);
    if let Some(other) = candidates.iter().find(same) {
        let note = format!("Packages lists {} with another size or digest", other.identity);
        return Ok(Stop::found(Reason::DigestMismatch, note));
    }
    Ok(match (identity, ar::members(file)) {
        (Some(identity), _) => Stop::found(Reason::NotListed, format!("Packages does not list {identity}")),
        (None, Err(stop)) => stop,
        (None, Ok(_)) => Stop::found(Reason::NotListed, "Packages lists no package of this size"),
    })
}

/// Whether a file, by its first few thousand bytes, is an `InRelease`: signed in the clear, and with fields of one.
pub fn begins(start: &[u8]) -> bool {
    const FIELDS: [&[u8]; 6] = [b"origin:", b"label:", b"suite:", b"codename:", b"date:", b"sha256:"];
    let is_field = |line: &[u8]| {
        FIELDS
            .iter()
            .any(|field| line.get(..field.len()).is_some_and(|name| name.eq_ignore_ascii_case(field)))
    };
    cleartext::begins(start) && start.split(|byte| *byte == b'\n').any(is_field)
}
