// SPDX-License-Identifier: Apache-2.0
//! From a leaf to an authority that is given: any one valid path is enough, so all are tried, within bounds.
//!
//! A certificate follows on another where its subject is the other's issuer and its key verifies the other's
//! signature; a namesake with another key does not. What else a path must fulfil, [`super::rules`] says.

use std::collections::{HashMap, HashSet};

use const_oid::ObjectIdentifier;
use manifests::time::Timestamp;

use super::budget::Budget;
use super::extensions::AUTHORITY_KEY_IDENTIFIER;
use super::key::Failure;
use super::rules::{self, Fault};
use super::{Certificate, extensions};
use crate::signature::digest::Algorithm;
use crate::signature::{Reason, Stop, Tolerated};

/// Certificates of one path, leaf and authority included. Real ones have two to five.
pub const MAX_PATH_CERTIFICATES: usize = 12;
/// Certificates that paths are sought among; PKITS as a whole has 400.
pub const MAX_POOL_CERTIFICATES: usize = 4096;

/// What a leaf must be good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Nothing is asked of usages.
    Any,
    /// Extended key usage code signing, and digitalSignature where a key usage is present.
    CodeSigning,
    /// Extended key usage time stamping and no other (RFC 3161 §2.3).
    Timestamping,
}

/// What is asked of a path.
#[derive(Clone, Copy, Debug)]
pub struct PathDemand<'a> {
    /// Where a path may end. Each counts by its key and name alone.
    pub authorities: &'a [Certificate],
    /// What may stand between; none of them is believed for being here.
    pub intermediates: &'a [Certificate],
    /// What the leaf must be good for.
    pub purpose: Purpose,
    /// When each certificate of the path must be valid.
    pub at: Timestamp,
    /// Weaknesses that are named.
    pub tolerated: Tolerated<'a>,
    /// Critical extensions that the calling checker processes itself.
    pub known_critical: &'a [ObjectIdentifier],
    /// What the searches for one file may cost together.
    pub budget: &'a Budget,
}

/// A path from `leaf` to a given authority, both included; they may be one.
///
/// Without one, the reason is that of the path that came furthest: one whose signatures lead to an authority
/// (`outside-policy`), else a signature that does not fit (`bad`), else none at all (`wrong-signer`).
pub fn build(leaf: &Certificate, demand: &PathDemand<'_>) -> Result<Vec<Certificate>, Stop> {
    let mut search = Search {
        demand,
        authorities: by_subject(demand.authorities),
        pool: by_subject(demand.intermediates),
        longest: 0,
        cut: Cut::No,
        outside: None,
        broken: None,
    };
    if demand.authorities.contains(leaf) {
        match rules::check(leaf, &[], demand) {
            Ok(()) => return Ok(vec![leaf.clone()]),
            Err(fault) => search.outside = Some(fault),
        }
    }
    // Short paths first: a way out of a thicket of CAs that certify each other is found before all of it is walked.
    for longest in 2..=MAX_PATH_CERTIFICATES {
        (search.longest, search.cut) = (longest, Cut::No);
        if let Some(path) = search.extend(&mut vec![leaf])? {
            return Ok(path.into_iter().cloned().collect());
        }
        if search.cut == Cut::No {
            break;
        }
    }
    let fault = search.outside.or(search.broken).unwrap_or_else(|| {
        let note = format!("no chain leads from {} to a given CA", leaf.subject());
        Fault::new(Reason::UntrustedChain, note)
    });
    Err(Stop::Found(fault.reason, fault.note))
}

/// Certificates by their subject, doubles left out.
fn by_subject(certificates: &[Certificate]) -> HashMap<&[Vec<Vec<u8>>], Vec<&Certificate>> {
    let mut seen = HashSet::new();
    let mut grouped: HashMap<_, Vec<&Certificate>> = HashMap::new();
    for certificate in certificates.iter().take(MAX_POOL_CERTIFICATES) {
        if seen.insert(certificate.digest()) {
            grouped.entry(certificate.subject_name().folded()).or_default().push(certificate);
        }
    }
    grouped
}

/// Whether an issuer's key verifies a certificate.
#[derive(Clone, Debug)]
enum Link {
    Sound,
    /// It does, or that was not computed; in any case by means that are outside policy.
    Outside(Fault),
    Broken,
}

/// Whether something would follow on paths of the length that is being tried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    Yes,
    No,
}

struct Search<'a> {
    demand: &'a PathDemand<'a>,
    authorities: HashMap<&'a [Vec<Vec<u8>>], Vec<&'a Certificate>>,
    pool: HashMap<&'a [Vec<Vec<u8>>], Vec<&'a Certificate>>,
    /// Certificates of the paths that are being tried, the authority included.
    longest: usize,
    cut: Cut,
    outside: Option<Fault>,
    broken: Option<Fault>,
}

impl<'a> Search<'a> {
    /// Goes on from the last certificate of `path`, up to the length that is being tried.
    fn extend(&mut self, path: &mut Vec<&'a Certificate>) -> Result<Option<Vec<&'a Certificate>>, Stop> {
        let Some(&last) = path.last() else { return Ok(None) };
        let issuer = last.issuer().folded();
        self.demand.budget.step(self.pool.get(issuer).map_or(0, Vec::len))?;
        if path.len().saturating_add(1) == self.longest {
            if self.pool.contains_key(issuer) {
                self.cut = Cut::Yes;
            }
            return self.finish(path, last);
        }
        let mut candidates = self.pool.get(issuer).cloned().unwrap_or_default();
        candidates.sort_by_cached_key(|candidate| !identifiers_agree(last, candidate));
        for candidate in candidates {
            // The same name and key again is a loop, whatever else differs.
            let is_loop = path.iter().any(|earlier| {
                earlier.key_info() == candidate.key_info()
                    && earlier.subject_name().same(candidate.subject_name())
            });
            if is_loop || matches!(self.link(last, candidate)?, Link::Broken) {
                continue;
            }
            path.push(candidate);
            if let Some(found) = self.extend(path)? {
                return Ok(Some(found));
            }
            path.pop();
        }
        Ok(None)
    }

    /// Ends `path` in an authority.
    fn finish(
        &mut self,
        path: &[&'a Certificate],
        last: &'a Certificate,
    ) -> Result<Option<Vec<&'a Certificate>>, Stop> {
        let authorities = self.authorities.get(last.issuer().folded()).cloned().unwrap_or_default();
        for authority in authorities {
            if matches!(self.link(last, authority)?, Link::Broken) {
                continue;
            }
            match self.judge(path, authority)? {
                Ok(()) => return Ok(Some(path.iter().copied().chain([authority]).collect())),
                Err(fault) => self.outside = self.outside.take().or(Some(fault)),
            }
        }
        Ok(None)
    }

    /// Judges the whole path that ends in `authority`.
    fn judge(
        &mut self,
        below: &[&'a Certificate],
        authority: &'a Certificate,
    ) -> Result<Result<(), Fault>, Stop> {
        self.demand.budget.path()?;
        let Some((leaf, _)) = below.split_first() else { return Ok(Ok(())) };
        if let Err(fault) = rules::strong_key(authority) {
            return Ok(Err(fault));
        }
        let issuers = below.iter().skip(1).copied().chain([authority]);
        for (certificate, issuer) in below.iter().zip(issuers) {
            if let Link::Outside(fault) = self.link(certificate, issuer)? {
                return Ok(Err(fault));
            }
        }
        Ok(rules::check(leaf, below, self.demand))
    }

    /// Whether `issuer`'s key verifies `certificate`; computed once for each pair in a file.
    fn link(&mut self, certificate: &Certificate, issuer: &Certificate) -> Result<Link, Stop> {
        let link = compute(certificate, issuer, self.demand)?;
        // A namesake whose key identifier differs never claimed to have signed.
        if matches!(link, Link::Broken) && self.broken.is_none() && identifiers_agree(certificate, issuer) {
            let note = format!(
                "the signature on {} does not verify under the key of {}",
                certificate.subject(),
                issuer.subject()
            );
            self.broken = Some(Fault::new(Reason::ChainBroken, note));
        }
        Ok(link)
    }
}

fn compute(certificate: &Certificate, issuer: &Certificate, demand: &PathDemand<'_>) -> Result<Link, Stop> {
    let outside = |reason, what: &str| {
        Link::Outside(Fault::new(reason, format!("the signature on {}: {what}", certificate.subject())))
    };
    let Ok(key) = issuer.key() else {
        // Why, the rule on keys says.
        return Ok(match rules::strong_key(issuer) {
            Err(fault) => Link::Outside(fault),
            Ok(()) => Link::Broken,
        });
    };
    let verified = demand.budget.link(certificate, issuer, || {
        key.verify(certificate.algorithm(), None, certificate.signed(), certificate.signature())
    })?;
    Ok(match verified {
        Ok(Some(Algorithm::Sha1)) if !demand.tolerated.sha1() => outside(Reason::WeakHash, "SHA-1"),
        Ok(_) => Link::Sound,
        // A key of another kind is another key: a namesake's.
        Err(Failure::Mismatch | Failure::Malformed(_)) => Link::Broken,
        Err(Failure::WeakDigest(what)) => outside(Reason::WeakHash, &what),
        Err(Failure::WeakKey(what)) => outside(Reason::WeakKey, &what),
        Err(Failure::Unknown(what)) => outside(Reason::UnknownAlgorithm, &what),
    })
}

/// `AuthorityKeyIdentifier` (RFC 5280 §4.2.1.1), of which the key's alone serves here.
#[derive(der::Sequence)]
struct AuthorityKeyIdentifier {
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    key: Option<der::asn1::OctetString>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    issuer: Option<Vec<der::Any>>,
    #[asn1(context_specific = "2", tag_mode = "IMPLICIT", optional = "true")]
    serial: Option<der::asn1::Int>,
}

/// Whether the key that `certificate` names as its issuer's can be `issuer`'s. A hint for the order, no proof.
fn identifiers_agree(certificate: &Certificate, issuer: &Certificate) -> bool {
    let read = extensions::decode::<AuthorityKeyIdentifier>(certificate, AUTHORITY_KEY_IDENTIFIER);
    let named = read.ok().flatten().and_then(|read| read.key);
    match (named, issuer.subject_key_identifier()) {
        (Some(named), Some(own)) => named.as_bytes() == own,
        _ => true,
    }
}
