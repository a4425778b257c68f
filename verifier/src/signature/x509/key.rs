// SPDX-License-Identifier: Apache-2.0
//! Public keys of certificates, and the signatures that they verify: RSA, ECDSA on P-256, P-384 and P-521,
//! Ed25519. Only public operations: no secret is near, so their timing tells nothing.

use std::fmt;

use der::asn1::BitStringRef;
use der::{Decode, Sequence};
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::traits::{PublicKeyParts, SignatureScheme};
use rsa::{BigUint, Pkcs1v15Sign, Pss, RsaPublicKey};
use sha2::{Sha224, Sha256, Sha384, Sha512};
use spki::AlgorithmIdentifierOwned;

use super::algorithm::{Scheme, scheme};
use crate::signature::Reason;
use crate::signature::digest::Algorithm;

/// Bits of an RSA modulus, at least (NIST SP 800-131A; `command-line.md`).
pub const MIN_RSA_BITS: usize = 2048;
/// Bits of an RSA modulus, at most: vendors have up to 4096, and the time grows with the third power.
pub const MAX_RSA_BITS: usize = 8192;

/// Bits of an RSA exponent, at most: nearly all are 65537, and the time grows with it.
pub const MAX_RSA_EXPONENT_BITS: usize = 32;

/// Why a key verifies nothing here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// Of an algorithm that is no longer accepted.
    Weak(String),
    /// Of an algorithm, curve or size that this program does not know.
    Unknown(String),
    /// Not well-formed.
    Malformed(String),
}

/// Why a signature does not convince.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It was computed, and does not belong to these bytes.
    Mismatch,
    /// A digest that is no longer accepted, and not computed.
    WeakDigest(String),
    /// A kind of key that is no longer accepted, and not computed.
    WeakKey(String),
    /// An algorithm that is not known.
    Unknown(String),
    /// The key or the parameters are not well-formed, or key and algorithm do not go together.
    Malformed(String),
}

impl Failure {
    /// The reason that a signature which fails so is refused for.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Mismatch => Reason::DigestMismatch,
            Self::WeakDigest(_) => Reason::WeakHash,
            Self::WeakKey(_) => Reason::WeakKey,
            Self::Unknown(_) => Reason::UnknownAlgorithm,
            Self::Malformed(_) => Reason::SignatureMalformed,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mismatch => f.write_str("the signature does not verify under the signer's key"),
            Self::WeakDigest(what) | Self::WeakKey(what) | Self::Unknown(what) | Self::Malformed(what) => {
                f.write_str(what)
            }
        }
    }
}

/// A public key.
#[derive(Clone)]
pub struct PublicKey {
    kind: Kind,
    weakness: Option<String>,
}

#[derive(Clone)]
enum Kind {
    Rsa { key: RsaPublicKey, pss_only: bool },
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    P521(Box<p521::ecdsa::VerifyingKey>),
    Ed25519(ed25519_dalek::VerifyingKey),
}

/// RFC 5280 §4.1.2.7.
#[derive(Sequence)]
struct KeyInfo<'a> {
    algorithm: AlgorithmIdentifierOwned,
    key: BitStringRef<'a>,
}

/// `RSAPublicKey` (RFC 8017 A.1.1).
#[derive(Sequence)]
struct RsaNumbers<'a> {
    modulus: der::asn1::UintRef<'a>,
    exponent: der::asn1::UintRef<'a>,
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo.
    pub fn parse(key_info: &[u8]) -> Result<Self, Unusable> {
        let malformed = |what: &str| Unusable::Malformed(format!("public key: {what}"));
        let info = KeyInfo::from_der(key_info).map_err(|error| malformed(&error.to_string()))?;
        let key = info.key.as_bytes().ok_or_else(|| malformed("no whole number of bytes"))?;
        let on_curve = |_| malformed("not a point of its curve");
        let kind = match info.algorithm.oid.to_string().as_str() {
            "1.2.840.113549.1.1.1" => return rsa(key, false),
            // RFC 4055 §1.2: such a key is for PSS alone. Its parameters restrict the digest; a signature by
            // another one would be the key holder's own breach, not a forgery.
            "1.2.840.113549.1.1.10" => return rsa(key, true),
            "1.2.840.10045.2.1" => match curve(&info.algorithm)?.as_str() {
                "1.2.840.10045.3.1.7" => {
                    Kind::P256(p256::ecdsa::VerifyingKey::from_sec1_bytes(key).map_err(on_curve)?)
                }
                "1.3.132.0.34" => {
                    Kind::P384(p384::ecdsa::VerifyingKey::from_sec1_bytes(key).map_err(on_curve)?)
                }
                "1.3.132.0.35" => {
                    Kind::P521(Box::new(p521::ecdsa::VerifyingKey::from_sec1_bytes(key).map_err(on_curve)?))
                }
                // secp192r1, secp160r1, secp224r1: below 128 bits of strength.
                "1.2.840.10045.3.1.1" | "1.3.132.0.8" | "1.3.132.0.33" => {
                    return Err(Unusable::Weak("an elliptic curve below 256 bits".to_owned()));
                }
                other => return Err(Unusable::Unknown(format!("elliptic curve {other}"))),
            },
            "1.3.101.112" => {
                let bytes = key.try_into().map_err(|_| malformed("not 32 bytes"))?;
                Kind::Ed25519(ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(on_curve)?)
            }
            "1.2.840.10040.4.1" => return Err(Unusable::Weak("DSA".to_owned())),
            other => return Err(Unusable::Unknown(format!("public key algorithm {other}"))),
        };
        Ok(Self { kind, weakness: None })
    }

    /// Why the key is too weak to count, where it is. It still computes, so that a mismatch can be told.
    pub fn weakness(&self) -> Option<&str> {
        self.weakness.as_deref()
    }

    /// What verifying one signature costs, in those by RSA-2048 with its usual exponent: estimated from a chain of RSA-8192, and rounded up.
    pub fn cost(&self) -> usize {
        match &self.kind {
            Kind::Rsa { key, .. } => {
                let width = key.n().bits().div_ceil(MIN_RSA_BITS);
                // Beside the squarings there is the table of powers, about as large as those of 65537.
                let powers = key.e().bits().saturating_add(16).div_ceil(32);
                width.saturating_mul(width).saturating_mul(powers)
            }
            Kind::Ed25519(_) => 2,
            Kind::P256(_) => 4,
            Kind::P384(_) => 8,
            Kind::P521(_) => 16,
        }
    }

    /// Whether `signature` is one over `message`, and by which digest it was made (none for Ed25519). `beside`
    /// is the digest that a CMS signer names beside the algorithm. Whether SHA-1 is enough, the caller says.
    pub fn verify(
        &self,
        algorithm: &AlgorithmIdentifierOwned,
        beside: Option<Algorithm>,
        message: &[u8],
        signature: &[u8],
    ) -> Result<Option<Algorithm>, Failure> {
        let scheme = scheme(algorithm, beside)?;
        let (fits, digest) = match (scheme, &self.kind) {
            (Scheme::Pkcs1(digest), Kind::Rsa { key, pss_only: false }) => {
                (pkcs1(key, digest, &digest.digest(message), signature), digest)
            }
            (Scheme::Pss { digest, salt }, Kind::Rsa { key, .. }) => {
                (pss(key, digest, salt, &digest.digest(message), signature), digest)
            }
            (Scheme::Ecdsa(digest), kind) => {
                (ecdsa(kind, digest.digest(message), signature).ok_or_else(foreign)?, digest)
            }
            (Scheme::Ed25519, Kind::Ed25519(key)) => {
                // Strictly: a key of small order would accept what nobody signed (RFC 8032 §8.9 and on).
                let fits = ed25519_dalek::Signature::from_slice(signature)
                    .and_then(|signature| key.verify_strict(message, &signature));
                return fits.map(|()| None).map_err(|_| Failure::Mismatch);
            }
            _ => return Err(foreign()),
        };
        if fits { Ok(Some(digest)) } else { Err(Failure::Mismatch) }
    }
}

fn foreign() -> Failure {
    Failure::Malformed("the signature's algorithm is for another kind of key".to_owned())
}

fn curve(algorithm: &AlgorithmIdentifierOwned) -> Result<String, Unusable> {
    let oid = algorithm.parameters.as_ref().map(|any| any.decode_as::<const_oid::ObjectIdentifier>());
    match oid {
        Some(Ok(oid)) => Ok(oid.to_string()),
        // RFC 5480 §2.1.1: explicit parameters must not be used; they were once a way to forge (CVE-2020-0601).
        _ => Err(Unusable::Unknown("elliptic curve without a name".to_owned())),
    }
}

fn rsa(key: &[u8], pss_only: bool) -> Result<PublicKey, Unusable> {
    let malformed = |what: String| Unusable::Malformed(format!("RSA key: {what}"));
    let numbers = RsaNumbers::from_der(key).map_err(|error| malformed(error.to_string()))?;
    let modulus = BigUint::from_bytes_be(numbers.modulus.as_bytes());
    let bits = modulus.bits();
    if bits > MAX_RSA_BITS {
        return Err(Unusable::Unknown(format!("RSA key of {bits} bits, at most {MAX_RSA_BITS}")));
    }
    let exponent = BigUint::from_bytes_be(numbers.exponent.as_bytes());
    let exponent_bits = exponent.bits();
    if exponent_bits > MAX_RSA_EXPONENT_BITS {
        let note =
            format!("RSA key with an exponent of {exponent_bits} bits, at most {MAX_RSA_EXPONENT_BITS}");
        return Err(Unusable::Unknown(note));
    }
    let key = RsaPublicKey::new_with_max_size(modulus, exponent, MAX_RSA_BITS)
        .map_err(|error| malformed(error.to_string()))?;
    let weakness = (bits < MIN_RSA_BITS).then(|| format!("RSA key of {bits} bits, at least {MIN_RSA_BITS}"));
    Ok(PublicKey { kind: Kind::Rsa { key, pss_only }, weakness })
}

/// RFC 8017 §8.2.2: the whole encoded message is compared, so nothing can hide behind the digest
/// (CVE-2006-4339), and the digest is named within, with its NULL (§9.2).
fn pkcs1(key: &RsaPublicKey, digest: Algorithm, hashed: &[u8], signature: &[u8]) -> bool {
    let prefix: &[u8] = match digest {
        Algorithm::Sha1 => &[48, 33, 48, 9, 6, 5, 43, 14, 3, 2, 26, 5, 0, 4, 20],
        Algorithm::Sha224 => &[48, 45, 48, 13, 6, 9, 96, 134, 72, 1, 101, 3, 4, 2, 4, 5, 0, 4, 28],
        Algorithm::Sha256 => &[48, 49, 48, 13, 6, 9, 96, 134, 72, 1, 101, 3, 4, 2, 1, 5, 0, 4, 32],
        Algorithm::Sha384 => &[48, 65, 48, 13, 6, 9, 96, 134, 72, 1, 101, 3, 4, 2, 2, 5, 0, 4, 48],
        Algorithm::Sha512 => &[48, 81, 48, 13, 6, 9, 96, 134, 72, 1, 101, 3, 4, 2, 3, 5, 0, 4, 64],
    };
    let scheme = Pkcs1v15Sign { hash_len: Some(digest.length()), prefix: prefix.into() };
    is_below_modulus(key, signature) && scheme.verify(key, hashed, signature).is_ok()
}

/// RFC 8017 §8.1.2, the salt exactly as long as the parameters say.
fn pss(key: &RsaPublicKey, digest: Algorithm, salt: usize, hashed: &[u8], signature: &[u8]) -> bool {
    let scheme = match digest {
        // Refused when the parameters were read.
        Algorithm::Sha1 => return false,
        Algorithm::Sha224 => Pss::new_with_salt::<Sha224>(salt),
        Algorithm::Sha256 => Pss::new_with_salt::<Sha256>(salt),
        Algorithm::Sha384 => Pss::new_with_salt::<Sha384>(salt),
        Algorithm::Sha512 => Pss::new_with_salt::<Sha512>(salt),
    };
    is_below_modulus(key, signature) && scheme.verify(key, hashed, signature).is_ok()
}

/// RFC 8017 §5.2.2: the signature representative is below the modulus; one spelling of each signature.
fn is_below_modulus(key: &RsaPublicKey, signature: &[u8]) -> bool {
    signature.len() == key.size() && BigUint::from_bytes_be(signature) < *key.n()
}

/// SEC 1 §4.1.4. None where the key is of another kind.
fn ecdsa(kind: &Kind, hashed: Vec<u8>, signature: &[u8]) -> Option<bool> {
    let fits = match kind {
        Kind::P256(key) => p256::ecdsa::Signature::from_der(signature)
            .is_ok_and(|signature| key.verify_prehash(&hashed, &signature).is_ok()),
        Kind::P384(key) => p384::ecdsa::Signature::from_der(signature)
            .is_ok_and(|signature| key.verify_prehash(&widened(hashed, 48), &signature).is_ok()),
        Kind::P521(key) => p521::ecdsa::Signature::from_der(signature)
            .is_ok_and(|signature| key.verify_prehash(&widened(hashed, 66), &signature).is_ok()),
        Kind::Rsa { .. } | Kind::Ed25519(_) => return None,
    };
    Some(fits)
}

/// A digest as a number of at least `bytes`. The crate refuses one below half the field, as SHA-256 is with
/// P-521, unless its leading zeros are written.
fn widened(hashed: Vec<u8>, bytes: usize) -> Vec<u8> {
    let mut widened = vec![0; bytes.saturating_sub(hashed.len())];
    widened.extend(hashed);
    widened
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::Rsa { .. } => "RSA",
            Kind::P256(_) => "P-256",
            Kind::P384(_) => "P-384",
            Kind::P521(_) => "P-521",
            Kind::Ed25519(_) => "Ed25519",
        })
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Weak(what) | Self::Unknown(what) | Self::Malformed(what) => f.write_str(what),
        }
    }
}
