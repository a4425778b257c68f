// SPDX-License-Identifier: Apache-2.0
//! PKCS#9 countersignatures (RFC 5652 §11.4) as Authenticode has them: the time is the countersigner's signed
//! attribute.

use const_oid::ObjectIdentifier;
use der::Decode;
use der::asn1::AnyRef;
use manifests::time::Timestamp;

use super::{ProvenTime, authority, broken, chain, not_after_now, sha1, within};
use crate::signature::cms::{ContentType, DATA, SignerInfo};
use crate::signature::x509::{Budget, Certificate, signing_time};
use crate::signature::{Stop, Tolerated};

/// `id-signingTime` (RFC 5652 §11.3).
const SIGNING_TIME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.5");

/// The time that a PKCS#9 countersignature proves for `stamped`, the octets of a signature. `certificates`
/// are those of the signature that is countersigned. For Authenticode only: elsewhere a signing time proves
/// nothing, here the countersigner's certificate is for time stamping and no other purpose.
pub fn countersignature(
    signer_info: &[u8],
    stamped: &[u8],
    certificates: &[Certificate],
    authorities: &[Certificate],
    now: Timestamp,
    tolerated: Tolerated<'_>,
    budget: &Budget,
) -> Result<ProvenTime, Stop> {
    let signer = SignerInfo::parse(signer_info).map_err(broken)?;
    let certificate = authority(&signer, certificates, authorities)?;
    let at = signer.signed_attribute(SIGNING_TIME).map_err(broken)?;
    let at = at.ok_or_else(|| broken("a countersignature without a time"))?;
    let at = signing_time(AnyRef::from_der(at).map_err(broken)?).map_err(broken)?;
    // §11.4: what is digested is the signature itself.
    budget.signature(certificate)?;
    signer.verify_as(certificate, stamped, ContentType::Optional(DATA), sha1(tolerated)).map_err(within)?;
    let chain = chain(certificate, certificates, authorities, at, tolerated, budget)?;
    not_after_now(at, now)?;
    Ok(ProvenTime { at, chain, notes: Vec::new() })
}
