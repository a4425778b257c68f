// SPDX-License-Identifier: Apache-2.0
//! What a certificate says of itself where others trust it for lying in a folder. Whoever pins it needs none of this;
//! a program that reads such folders refuses them for one certificate that is no anchor.

use super::budget::Budget;
use super::key::Failure;
use super::{Certificate, rules};
use crate::signature::Stop;
use crate::signature::digest::Algorithm;

/// Refuses a key that is too weak or unknown, as chains do.
pub fn require_strong_key(certificate: &Certificate) -> Result<(), Stop> {
    rules::strong_key(certificate).map_err(|fault| Stop::Found(fault.reason, fault.note))
}

/// Why it is no CA: not of version 3, no basic constraints that say so, or a key usage without certificates
/// (RFC 5280 §4.2.1.3, §4.2.1.9). None where it is one.
pub fn why_no_ca(certificate: &Certificate) -> Option<String> {
    rules::may_certify(certificate).err().map(|fault| fault.note)
}

/// Whether issuer and subject are one name, byte by byte.
pub fn is_issued_to_itself(certificate: &Certificate) -> bool {
    certificate.issuer().identical(certificate.subject_name())
}

/// Why its own key does not verify its signature; SHA-1 proves nothing. None where it does.
pub fn why_not_self_signed(certificate: &Certificate, budget: &Budget) -> Result<Option<String>, Stop> {
    let key = match certificate.key() {
        Ok(key) => key,
        Err(unusable) => return Ok(Some(unusable.to_string())),
    };
    let verified = budget.link(certificate, certificate, || {
        key.verify(certificate.algorithm(), None, certificate.signed(), certificate.signature())
    })?;
    Ok(match verified {
        Ok(Some(Algorithm::Sha1)) => Some("its signature rests on SHA-1".to_owned()),
        Ok(_) => None,
        Err(Failure::Mismatch) => Some("its own key does not verify its signature".to_owned()),
        Err(failure) => Some(failure.to_string()),
    })
}
