// SPDX-License-Identifier: Apache-2.0
//! From a leaf to an authority that is given: any one valid path is enough, so all are tried, within bounds.
//!
//! A certificate follows on another where its subject is the other's issuer and its key verifies the other's
//! signature; a namesake with another key does not. What else a path must fulfil, [`super::rules`] says.

use std::collections::{HashMap, HashSet};

use const_oid::ObjectIdentifier;
use manifests::digest::Sha256Digest;
use manifests::time::Timestamp;

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
/// Certificates that the search puts on a path, over all paths that it tries. Real pools need ten.
pub const MAX_SEARCH_STEPS: usize = 10_000;
/// Signatures on certificates that the search verifies, each once. Real pools need ten; it is a second's work.
pub const MAX_SIGNATURE_CHECKS: usize = 1000;
/// Whole paths that are judged by every rule. Real pools have one or two.
pub const MAX_PATHS: usize = 256;

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
        links: HashMap::new(),
        steps: 0,
        paths: 0,
        outside: None,
        broken: None,
    };
    if demand.authorities.contains(leaf) {
        match rules::check(leaf, &[], demand) {
            Ok(()) => return Ok(vec![leaf.clone()]),
            Err(fault) => search.outside = Some(fault),
        }
    }
    if let Some(path) = search.extend(&mut vec![leaf])? {
        return Ok(path.into_iter().cloned().collect());
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

struct Search<'a> {
    demand: &'a PathDemand<'a>,
    authorities: HashMap<&'a [Vec<Vec<u8>>], Vec<&'a Certificate>>,
    pool: HashMap<&'a [Vec<Vec<u8>>], Vec<&'a Certificate>>,
    links: HashMap<(Sha256Digest, Sha256Digest), Link>,
    steps: usize,
    paths: usize,
    outside: Option<Fault>,
    broken: Option<Fault>,
}

impl<'a> Search<'a> {
    /// Goes on from the last certificate of `path`, the authorities first.
    fn extend(&mut self, path: &mut Vec<&'a Certificate>) -> Result<Option<Vec<&'a Certificate>>, Stop> {
        self.steps = self.steps.saturating_add(1);
        if self.steps > MAX_SEARCH_STEPS {
            return Err(exceeded(format!("more than {MAX_SEARCH_STEPS} steps in search of a chain")));
        }
        let Some(&last) = path.last() else { return Ok(None) };
        let issuer = last.issuer().folded();
        for authority in self.authorities.get(issuer).cloned().unwrap_or_default() {
            match self.link(last, authority)? {
                Link::Broken => {}
                Link::Sound | Link::Outside(_) => match self.judge(path, authority)? {
                    Ok(()) => {
                        path.push(authority);
                        return Ok(Some(path.clone()));
                    }
                    Err(fault) => self.outside = self.outside.take().or(Some(fault)),
                },
            }
        }
        if path.len().saturating_add(2) > MAX_PATH_CERTIFICATES {
            return Ok(None);
        }
        let mut candidates = self.pool.get(issuer).cloned().unwrap_or_default();
        candidates.sort_by_key(|candidate| !identifiers_agree(last, candidate));
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

    /// Judges the whole path that ends in `authority`.
    fn judge(
        &mut self,
        below: &[&'a Certificate],
        authority: &'a Certificate,
    ) -> Result<Result<(), Fault>, Stop> {
        self.paths = self.paths.saturating_add(1);
        if self.paths > MAX_PATHS {
            return Err(exceeded(format!("more than {MAX_PATHS} chains to a given CA, none of them valid")));
        }
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

    /// Whether `issuer`'s key verifies `certificate`; computed once for each pair.
    fn link(&mut self, certificate: &Certificate, issuer: &Certificate) -> Result<Link, Stop> {
        let pair = (certificate.digest(), issuer.digest());
        if let Some(link) = self.links.get(&pair) {
            return Ok(link.clone());
        }
        if self.links.len() >= MAX_SIGNATURE_CHECKS {
            return Err(exceeded(format!(
                "more than {MAX_SIGNATURE_CHECKS} signatures in search of a chain"
            )));
        }
        let link = compute(certificate, issuer, self.demand.tolerated);
        // A namesake whose key identifier differs never claimed to have signed.
        if matches!(link, Link::Broken) && self.broken.is_none() && identifiers_agree(certificate, issuer) {
            let note = format!(
                "the signature on {} does not verify under the key of {}",
                certificate.subject(),
                issuer.subject()
            );
            self.broken = Some(Fault::new(Reason::ChainBroken, note));
        }
        self.links.insert(pair, link.clone());
        Ok(link)
    }
}

fn exceeded(note: String) -> Stop {
    Stop::Found(Reason::LimitExceeded, note)
}

fn compute(certificate: &Certificate, issuer: &Certificate, tolerated: Tolerated<'_>) -> Link {
    let outside = |reason, what: &str| {
        Link::Outside(Fault::new(reason, format!("the signature on {}: {what}", certificate.subject())))
    };
    let Ok(key) = issuer.key() else {
        // Why, the rule on keys says.
        return match rules::strong_key(issuer) {
            Err(fault) => Link::Outside(fault),
            Ok(()) => Link::Broken,
        };
    };
    match key.verify(certificate.algorithm(), None, certificate.signed(), certificate.signature()) {
        Ok(Some(Algorithm::Sha1)) if !tolerated.sha1() => outside(Reason::WeakHash, "SHA-1"),
        Ok(_) => Link::Sound,
        // A key of another kind is another key: a namesake's.
        Err(Failure::Mismatch | Failure::Malformed(_)) => Link::Broken,
        Err(Failure::WeakDigest(what)) => outside(Reason::WeakHash, &what),
        Err(Failure::WeakKey(what)) => outside(Reason::WeakKey, &what),
        Err(Failure::Unknown(what)) => outside(Reason::UnknownAlgorithm, &what),
    }
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
