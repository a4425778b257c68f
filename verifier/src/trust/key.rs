// SPDX-License-Identifier: Apache-2.0
//! Public keys that sign bundles and roots: read from SPKI, named by its digest, checked strictly.

use ed25519_dalek::VerifyingKey;
use ed25519_dalek::pkcs8::{DecodePublicKey, EncodePublicKey};
use manifests::digest::Sha256Digest;
use manifests::root::Algorithm;

use crate::hash::sha256;

/// A public key that is sound enough to check signatures with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    id: Sha256Digest,
    ed25519: VerifyingKey,
}

/// Why a public key is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Not SubjectPublicKeyInfo of a known algorithm in its one DER form.
    #[error("not an Ed25519 public key in SubjectPublicKeyInfo form (RFC 8410 §4)")]
    Malformed,
    /// A point of small order: its signatures fit every message.
    #[error("a key of small order, whose signatures prove nothing")]
    Weak,
}

impl PublicKey {
    /// Reads DER as a root carries it.
    pub fn from_spki(der: &[u8]) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_public_key_der(der).map_err(|_| KeyError::Malformed)?;
        Self::checked(key, der)
    }

    /// Reads `-----BEGIN PUBLIC KEY-----`, as `openssl pkey -pubout` writes it.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_public_key_pem(pem).map_err(|_| KeyError::Malformed)?;
        let der = key.to_public_key_der().map_err(|_| KeyError::Malformed)?;
        Self::checked(key, der.as_bytes())
    }

    fn checked(ed25519: VerifyingKey, der: &[u8]) -> Result<Self, KeyError> {
        // The key id is the digest of these bytes, so only one spelling of a key may pass.
        let canonical = ed25519.to_public_key_der().map_err(|_| KeyError::Malformed)?;
        if canonical.as_bytes() != der || !is_canonical(ed25519.as_bytes()) {
            return Err(KeyError::Malformed);
        }
        if ed25519.is_weak() {
            return Err(KeyError::Weak);
        }
        Ok(Self { id: sha256::digest(der), ed25519 })
    }

    /// SHA-256 of the SPKI.
    pub const fn id(&self) -> Sha256Digest {
        self.id
    }

    /// How it signs.
    pub const fn algorithm(&self) -> Algorithm {
        Algorithm::Ed25519
    }

    /// SubjectPublicKeyInfo, DER.
    pub fn spki(&self) -> Result<Vec<u8>, KeyError> {
        Ok(self.ed25519.to_public_key_der().map_err(|_| KeyError::Malformed)?.into_vec())
    }

    /// Whether `signature` is this key's over `message`: RFC 8032 with no small-order points and no
    /// second spelling of a signature (measured: a forgery for weak keys passes the plain check).
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let Ok(signature) = ed25519_dalek::Signature::from_slice(signature) else {
            return false;
        };
        self.ed25519.verify_strict(message, &signature).is_ok()
    }
}

/// Whether y is below p = 2²⁵⁵ − 19 (RFC 8032 §5.1.3 step 1): y + p would be a second spelling of the key,
/// with an id of its own, and the curve's own decoder lets it pass.
fn is_canonical(key: &[u8; 32]) -> bool {
    let [first, middle @ .., last] = key;
    *first < 0xed || last & 0x7f != 0x7f || middle.iter().any(|byte| *byte != 0xff)
}
