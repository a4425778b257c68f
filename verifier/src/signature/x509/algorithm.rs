// SPDX-License-Identifier: Apache-2.0
//! Algorithm identifiers of digests and signatures (RFC 4055, 5754, 5758, 8410), as values.

use const_oid::ObjectIdentifier;
use der::asn1::AnyRef;
use der::{Decode, Encode, Sequence, Tag, Tagged};
use spki::AlgorithmIdentifierOwned;

use super::key::Failure;
use crate::signature::digest::Algorithm;

/// How a signature was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2).
    Pkcs1(Algorithm),
    /// RSASSA-PSS (§8.1), mask and message by one digest.
    Pss { digest: Algorithm, salt: usize },
    /// ECDSA over a digest (RFC 5758 §3.2).
    Ecdsa(Algorithm),
    /// Ed25519 over the message itself (RFC 8410).
    Ed25519,
}

/// `RSASSA-PSS-params` (RFC 4055 §3.1). Absent ones mean SHA-1, MGF1 with SHA-1, 20 and 1.
#[derive(Sequence)]
struct PssParameters {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    digest: Option<AlgorithmIdentifierOwned>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    mask: Option<AlgorithmIdentifierOwned>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    salt: Option<u16>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    trailer: Option<u8>,
}

/// The digest that an identifier names. Parameters are absent or NULL (RFC 5754 §2).
pub(crate) fn digest(identifier: &AlgorithmIdentifierOwned) -> Result<Algorithm, Failure> {
    let algorithm = match identifier.oid.to_string().as_str() {
        "1.3.14.3.2.26" => Algorithm::Sha1,
        "2.16.840.1.101.3.4.2.4" => Algorithm::Sha224,
        "2.16.840.1.101.3.4.2.1" => Algorithm::Sha256,
        "2.16.840.1.101.3.4.2.2" => Algorithm::Sha384,
        "2.16.840.1.101.3.4.2.3" => Algorithm::Sha512,
        "1.2.840.113549.2.2" | "1.2.840.113549.2.5" => {
            return Err(Failure::WeakDigest("MD2 or MD5".to_owned()));
        }
        other => return Err(Failure::Unknown(format!("digest algorithm {other}"))),
    };
    without_parameters(identifier)?;
    Ok(algorithm)
}

/// How a signature with this identifier was made. `beside` is the digest that a CMS signer names beside it:
/// there the identifier may be that of the key alone (RFC 3370 §3.2), else both must agree.
pub(super) fn scheme(
    identifier: &AlgorithmIdentifierOwned,
    beside: Option<Algorithm>,
) -> Result<Scheme, Failure> {
    let name = identifier.oid.to_string();
    let scheme = match name.as_str() {
        "1.2.840.113549.1.1.10" => pss(identifier)?,
        "1.2.840.113549.1.1.1" => Scheme::Pkcs1(beside.ok_or_else(|| unknown(&name))?),
        "1.2.840.10045.2.1" => Scheme::Ecdsa(beside.ok_or_else(|| unknown(&name))?),
        "1.2.840.113549.1.1.5" | "1.3.14.3.2.29" => Scheme::Pkcs1(Algorithm::Sha1),
        "1.2.840.113549.1.1.14" => Scheme::Pkcs1(Algorithm::Sha224),
        "1.2.840.113549.1.1.11" => Scheme::Pkcs1(Algorithm::Sha256),
        "1.2.840.113549.1.1.12" => Scheme::Pkcs1(Algorithm::Sha384),
        "1.2.840.113549.1.1.13" => Scheme::Pkcs1(Algorithm::Sha512),
        "1.2.840.10045.4.1" => Scheme::Ecdsa(Algorithm::Sha1),
        "1.2.840.10045.4.3.1" => Scheme::Ecdsa(Algorithm::Sha224),
        "1.2.840.10045.4.3.2" => Scheme::Ecdsa(Algorithm::Sha256),
        "1.2.840.10045.4.3.3" => Scheme::Ecdsa(Algorithm::Sha384),
        "1.2.840.10045.4.3.4" => Scheme::Ecdsa(Algorithm::Sha512),
        "1.3.101.112" => Scheme::Ed25519,
        "1.2.840.113549.1.1.2" | "1.2.840.113549.1.1.3" | "1.2.840.113549.1.1.4" | "1.3.14.3.2.3" => {
            return Err(Failure::WeakDigest("MD2, MD4 or MD5".to_owned()));
        }
        "1.2.840.10040.4.3" | "1.3.14.3.2.27" | "2.16.840.1.101.3.4.3.1" | "2.16.840.1.101.3.4.3.2" => {
            return Err(Failure::WeakKey("DSA".to_owned()));
        }
        other => return Err(unknown(other)),
    };
    if !matches!(scheme, Scheme::Pss { .. }) && name != "1.2.840.10045.2.1" {
        without_parameters(identifier)?;
    }
    let named = match scheme {
        Scheme::Pkcs1(digest) | Scheme::Pss { digest, .. } | Scheme::Ecdsa(digest) => Some(digest),
        Scheme::Ed25519 => None,
    };
    match (named, beside) {
        (Some(named), Some(beside)) if named != beside => Err(Failure::Malformed(format!(
            "the signature is made with {}, but {} is stated beside it",
            named.name(),
            beside.name()
        ))),
        _ => Ok(scheme),
    }
}

fn unknown(oid: &str) -> Failure {
    Failure::Unknown(format!("signature algorithm {oid}"))
}

fn without_parameters(identifier: &AlgorithmIdentifierOwned) -> Result<(), Failure> {
    match &identifier.parameters {
        None => Ok(()),
        Some(any) if any.tag() == Tag::Null && any.value().is_empty() => Ok(()),
        Some(_) => Err(Failure::Malformed(format!("algorithm {} has parameters", identifier.oid))),
    }
}

/// Id of MGF1 (RFC 8017 B.2.1), the only mask there is.
const MGF1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.8");

fn pss(identifier: &AlgorithmIdentifierOwned) -> Result<Scheme, Failure> {
    let malformed = |_| Failure::Malformed("parameters of RSASSA-PSS".to_owned());
    let any = identifier.parameters.as_ref().map(AnyRef::from);
    let der = any.map(|any| any.to_der()).transpose().map_err(malformed)?;
    let der = der.ok_or_else(|| Failure::Malformed("RSASSA-PSS without parameters".to_owned()))?;
    let parameters = PssParameters::from_der(&der).map_err(malformed)?;
    let digest_used = parameters.digest.as_ref().map_or(Ok(Algorithm::Sha1), digest)?;
    if digest_used == Algorithm::Sha1 {
        // The default of RFC 4055, which no vendor uses: not worth a path of its own even where SHA-1 is allowed.
        return Err(Failure::WeakDigest("RSASSA-PSS with SHA-1".to_owned()));
    }
    let masked_with = match &parameters.mask {
        None => Algorithm::Sha1,
        Some(mask) if mask.oid == MGF1 => {
            let inner = mask.parameters.as_ref().map(|any| any.to_der()).transpose().map_err(malformed)?;
            let inner = AlgorithmIdentifierOwned::from_der(&inner.unwrap_or_default()).map_err(malformed)?;
            digest(&inner)?
        }
        Some(mask) => return Err(Failure::Unknown(format!("mask generation {}", mask.oid))),
    };
    if masked_with != digest_used {
        return Err(Failure::Unknown("RSASSA-PSS with two digests".to_owned()));
    }
    if parameters.trailer.is_some_and(|trailer| trailer != 1) {
        return Err(Failure::Malformed("trailer field of RSASSA-PSS".to_owned()));
    }
    Ok(Scheme::Pss { digest: digest_used, salt: usize::from(parameters.salt.unwrap_or(20)) })
}
