// SPDX-License-Identifier: Apache-2.0
//! The kind `certificate`: a certificate file and a demand in, [`Evidence`] out.

use std::io;

use manifests::digest::Sha256Digest;
use manifests::evidence::{Covered, Evidence, Signer};
use manifests::time::Timestamp;

use super::{Budget, Certificate, PathDemand, Purpose, build, read};
use crate::bytes::{Bytes, Sequential};
use crate::signature::{Reason, Stop, Tolerated, evidence};

const KIND: &str = "certificate";

/// What is demanded of a certificate.
#[derive(Clone, Copy, Debug)]
pub struct LeafDemand<'a> {
    /// Files with the CAs that the chain may end in.
    pub authorities: &'a [Vec<u8>],
    /// Files with what may stand between.
    pub intermediates: &'a [Vec<u8>],
    /// SHA-256 of the certificate, any of them; empty: any certificate.
    pub pins: &'a [Sha256Digest],
    /// What it must be good for.
    pub purpose: Purpose,
    /// The time of judgement.
    pub now: Timestamp,
    /// Weaknesses that are named.
    pub tolerated: Tolerated<'a>,
}

/// Judges the first certificate of a file. Further ones in it may stand between it and a CA.
pub fn check(file: &dyn Bytes, demand: &LeafDemand<'_>) -> io::Result<Evidence> {
    let mut found = evidence(KIND, Ok(()));
    match judge(file, demand, &mut found) {
        Ok(()) => Ok(found),
        Err(Stop::Read(error)) => Err(error),
        Err(Stop::Found(reason, note)) => {
            found.notes.insert(0, note);
            Ok(Evidence { verdict: reason.verdict(), reason: Some(reason.as_str()), ..found })
        }
    }
}

fn judge(file: &dyn Bytes, demand: &LeafDemand<'_>, found: &mut Evidence) -> Result<(), Stop> {
    let (leaf, beside) = read_leaf(file)?;
    found.signer = Some(signer(&leaf, std::slice::from_ref(&leaf)));
    let authorities = read::certificates(demand.authorities)?;
    // Files of which nothing can be read put nothing between; what that means, the search says.
    let mut intermediates = match read::certificates(demand.intermediates) {
        Err(Stop::Found(Reason::CertificateMalformed, note)) => {
            read::Found { notes: vec![note], ..Default::default() }
        }
        read => read?,
    };
    intermediates.certificates.extend(beside);
    found.notes.extend(authorities.notes);
    found.notes.extend(intermediates.notes);
    let path = build(
        &leaf,
        &PathDemand {
            authorities: &authorities.certificates,
            intermediates: &intermediates.certificates,
            purpose: demand.purpose,
            at: demand.now,
            tolerated: demand.tolerated,
            known_critical: &[],
            budget: &Budget::default(),
        },
    );
    let is_pinned = demand.pins.is_empty() || demand.pins.contains(&leaf.digest());
    let path = match path {
        Err(Stop::Found(reason, note)) if is_pinned || !is_about_policy(reason) => {
            return Err(Stop::Found(reason, note));
        }
        Err(Stop::Read(error)) => return Err(Stop::Read(error)),
        Ok(path) if is_pinned => path,
        _ => {
            let note = format!("the certificate is {}, which is not pinned", leaf.digest());
            return Err(Stop::Found(Reason::NotPinned, note));
        }
    };
    found.signer = Some(signer(&leaf, &path));
    found.covers.push(Covered { what: "whole certificate".to_owned(), digest: leaf.digest() });
    found.not_checked.push("revocation".to_owned());
    Ok(())
}

fn is_about_policy(reason: Reason) -> bool {
    reason.verdict() == manifests::evidence::Verdict::OutsidePolicy
}

fn read_leaf(file: &dyn Bytes) -> Result<(Certificate, Vec<Certificate>), Stop> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(read::MAX_FILE_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    io::Read::read_to_end(&mut io::Read::take(Sequential::new(file), limit), &mut bytes)?;
    let mut entries = read::entries(&bytes)?.into_iter();
    match entries.next() {
        Some(Ok(leaf)) => Ok((leaf, entries.filter_map(Result::ok).collect())),
        Some(Err(error)) => Err(Stop::found(Reason::CertificateMalformed, error.to_string())),
        None => Err(Stop::found(Reason::CertificateMalformed, "no certificate")),
    }
}

/// A certificate as reports name it, with its chain.
pub fn signer(leaf: &Certificate, chain: &[Certificate]) -> Signer {
    Signer {
        id: leaf.digest().to_string(),
        name: Some(leaf.subject()),
        chain: chain.iter().map(|certificate| certificate.digest().to_string()).collect(),
    }
}
