// SPDX-License-Identifier: Apache-2.0
//! What RFC 5280 §6.1 asks of one path whose signatures hold, and what the purpose asks. The authority at its
//! end counts by key and name alone.

use const_oid::ObjectIdentifier;
use der::asn1::BitString;
use der::{Any, Sequence};
use x509_cert::certificate::Version;

use super::extensions::{
    ANY_EXTENDED_KEY_USAGE, BASIC_CONSTRAINTS, CODE_SIGNING, EXTENDED_KEY_USAGE, KEY_USAGE, PROCESSED,
    TIME_STAMPING, decode,
};
use super::key::Unusable;
use super::time::Instant;
use super::{Certificate, Malformed, PathDemand, Purpose, constraints, policies};
use crate::signature::Reason;

/// Why a path does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) reason: Reason,
    pub(super) note: String,
}

impl Fault {
    pub(super) fn new(reason: Reason, note: String) -> Self {
        Self { reason, note }
    }
}

impl From<Malformed> for Fault {
    fn from(error: Malformed) -> Self {
        Self::new(Reason::CertificateMalformed, error.to_string())
    }
}

/// `BasicConstraints` (§4.2.1.9). That of `x509-cert` holds lengths up to 255 only.
#[derive(Sequence)]
struct BasicConstraints {
    #[asn1(default = "Default::default")]
    authority: bool,
    path_length: Option<u32>,
}

/// Judges a path from the leaf upwards. `below` leaves out the authority; it is empty where the leaf is the
/// authority itself, and then only the leaf's own rules apply.
pub(super) fn check(
    leaf: &Certificate,
    below: &[&Certificate],
    demand: &PathDemand<'_>,
) -> Result<(), Fault> {
    let own = [leaf];
    let certificates = if below.is_empty() { &own } else { below };
    for certificate in certificates {
        known_criticals(certificate, demand.known_critical)?;
        strong_key(certificate)?;
    }
    let issuers = certificates.get(1..).unwrap_or_default();
    for issuer in issuers {
        may_certify(issuer)?;
    }
    path_lengths(issuers)?;
    let downwards: Vec<&Certificate> = below.iter().rev().copied().collect();
    constraints::check(&downwards)?;
    policies::check(&downwards)?;
    for certificate in certificates {
        in_validity(certificate, demand)?;
    }
    purpose(leaf, issuers, demand.purpose)
}

/// §4.2: a critical extension is processed, or the certificate refused.
fn known_criticals(certificate: &Certificate, known: &[ObjectIdentifier]) -> Result<(), Fault> {
    let unknown = certificate.extensions().iter().find(|extension| {
        extension.critical && !PROCESSED.contains(&extension.extn_id) && !known.contains(&extension.extn_id)
    });
    let Some(unknown) = unknown else { return Ok(()) };
    let note = format!("{} has the critical extension {}", certificate.subject(), unknown.extn_id);
    Err(Fault::new(Reason::UnknownCritical, note))
}

/// Keys of leaf, CAs between and the authority are held to the same strength.
pub(super) fn strong_key(certificate: &Certificate) -> Result<(), Fault> {
    let (reason, what) = match certificate.key() {
        Ok(key) => match key.weakness() {
            None => return Ok(()),
            Some(weakness) => (Reason::WeakKey, weakness.to_owned()),
        },
        Err(unusable @ Unusable::Weak(_)) => (Reason::WeakKey, unusable.to_string()),
        Err(unusable @ Unusable::Unknown(_)) => (Reason::UnknownAlgorithm, unusable.to_string()),
        Err(unusable @ Unusable::Malformed(_)) => (Reason::CertificateMalformed, unusable.to_string()),
    };
    Err(Fault::new(reason, format!("{}: {what}", certificate.subject())))
}

/// §6.1.4 (k) and (n). A certificate before version 3 cannot say that it is a CA's.
pub(super) fn may_certify(issuer: &Certificate) -> Result<(), Fault> {
    let refused = |why: &str| Err(Fault::new(Reason::IssuerNotCa, format!("{} {why}", issuer.subject())));
    if issuer.version() != Version::V3 {
        return refused("issued a certificate, but its own is older than version 3");
    }
    let constraints: Option<BasicConstraints> = decode(issuer, BASIC_CONSTRAINTS)?;
    if constraints.is_none_or(|constraints| !constraints.authority) {
        return refused("issued a certificate, but is no CA");
    }
    if key_usage(issuer)?.is_some_and(|usage| !usage.certificates) {
        return refused("issued a certificate, but its key is not for that");
    }
    Ok(())
}

/// §6.1.4 (l) and (m), from the top down. Self-issued certificates do not count.
fn path_lengths(issuers: &[&Certificate]) -> Result<(), Fault> {
    let mut left = u32::MAX;
    for issuer in issuers.iter().rev() {
        if !issuer.is_self_issued() {
            left = left.checked_sub(1).ok_or_else(|| {
                let note = format!("{}: a CA above permits no more CAs beneath it", issuer.subject());
                Fault::new(Reason::PathLengthExceeded, note)
            })?;
        }
        let constraints: Option<BasicConstraints> = decode(issuer, BASIC_CONSTRAINTS)?;
        left = left.min(constraints.and_then(|constraints| constraints.path_length).unwrap_or(u32::MAX));
    }
    Ok(())
}

/// §6.1.3 (a) (2); the first and the last second belong to the period (§4.1.2.5).
fn in_validity(certificate: &Certificate, demand: &PathDemand<'_>) -> Result<(), Fault> {
    let at = Instant::from(demand.at);
    let (first, last) = certificate.validity();
    let subject = certificate.subject();
    if at < first {
        let note = format!("{subject} is valid from {}, judged at {}", certificate.not_before(), demand.at);
        return Err(Fault::new(Reason::CertificateNotYetValid, note));
    }
    if at > last {
        let note = format!("{subject} ended on {}, judged at {}", certificate.not_after(), demand.at);
        return Err(Fault::new(Reason::CertificateExpired, note));
    }
    Ok(())
}

/// The bits of §4.2.1.3 that count here.
struct KeyUsage {
    signatures: bool,
    commitments: bool,
    certificates: bool,
}

fn key_usage(certificate: &Certificate) -> Result<Option<KeyUsage>, Malformed> {
    let bits: Option<BitString> = decode(certificate, KEY_USAGE)?;
    Ok(bits.map(|bits| {
        let bit = |at: usize| bits.bits().nth(at).unwrap_or(false);
        KeyUsage { signatures: bit(0), commitments: bit(1), certificates: bit(5) }
    }))
}

/// The extended key usages (§4.2.1.12); one that `const-oid` cannot hold counts, as one that nobody asks for.
fn usages(certificate: &Certificate) -> Result<Option<Vec<Option<ObjectIdentifier>>>, Malformed> {
    let listed: Option<Vec<Any>> = decode(certificate, EXTENDED_KEY_USAGE)?;
    Ok(listed.map(|listed| listed.iter().map(|one| one.decode_as().ok()).collect()))
}

/// What the purpose asks of the leaf, and of each CA that restricts usages (its list binds all beneath).
fn purpose(leaf: &Certificate, issuers: &[&Certificate], purpose: Purpose) -> Result<(), Fault> {
    let wrong = |who: &Certificate, why: &str| {
        Err(Fault::new(Reason::WrongUsage, format!("{} {why}", who.subject())))
    };
    let (wanted, word) = match purpose {
        Purpose::Any => return Ok(()),
        Purpose::CodeSigning => (CODE_SIGNING, "code signing"),
        Purpose::Timestamping => (TIME_STAMPING, "time stamping"),
    };
    let listed = usages(leaf)?.unwrap_or_default();
    if !listed.contains(&Some(wanted)) {
        return wrong(leaf, &format!("is not for {word}"));
    }
    let usage = key_usage(leaf)?;
    match purpose {
        Purpose::Timestamping => {
            // RFC 3161 §2.3. It also wants the extension critical, which old certificates of Microsoft are not.
            if listed.iter().any(|one| *one != Some(wanted)) {
                return wrong(leaf, "is for time stamping and for something else");
            }
            if usage.is_some_and(|usage| !usage.signatures && !usage.commitments) {
                return wrong(leaf, "has a key usage without signatures");
            }
        }
        Purpose::CodeSigning | Purpose::Any => {
            if usage.is_some_and(|usage| !usage.signatures) {
                return wrong(leaf, "has a key usage without digital signatures");
            }
        }
    }
    for issuer in issuers {
        let permits = |listed: Vec<Option<ObjectIdentifier>>| {
            listed.contains(&Some(wanted)) || listed.contains(&Some(ANY_EXTENDED_KEY_USAGE))
        };
        if usages(issuer)?.is_some_and(|listed| !permits(listed)) {
            return wrong(issuer, &format!("issues no certificates for {word}"));
        }
    }
    Ok(())
}
