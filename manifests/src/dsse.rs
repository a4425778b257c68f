// SPDX-License-Identifier: Apache-2.0
//! DSSE: the bytes that are signed, the envelope around a document, and the signatures alone.
//!
//! <https://github.com/secure-systems-lab/dsse/blob/master/protocol.md>, with the freedoms that it
//! leaves to readers closed: one base64 alphabet, key ids in order, no member that we do not know.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::digest::Sha256Digest;
use crate::json::{self, JsonError};

/// Payload type of a bundle's manifest and of a receipt.
pub const STATEMENT_TYPE: &str = "application/vnd.in-toto+json";
/// Payload type of a trust root.
pub const ROOT_TYPE: &str = "application/vnd.sealift.root+json";

/// Most signatures on one document: more owners than any ceremony brings together.
pub const MAX_SIGNATURES: usize = 1_000;
/// The longest signature, in bytes: ML-DSA-87 has 4,627.
pub const MAX_SIGNATURE_BYTES: usize = 8_192;

/// Pre-authentication encoding: the exact bytes that a signature covers.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

/// One signature. The key id is the SHA-256 of the key's SPKI; the algorithm comes from the root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Which key: looked up exactly, never tried.
    #[serde(with = "key_id")]
    pub keyid: Sha256Digest,
    /// The raw signature.
    pub sig: Base64,
}

mod key_id {
    use super::{Deserialize, Deserializer, Serializer, Sha256Digest, de};

    pub(super) fn serialize<S: Serializer>(id: &Sha256Digest, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&id.hex())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Sha256Digest, D::Error> {
        Sha256Digest::from_hex(&String::deserialize(from)?).map_err(de::Error::custom)
    }
}

/// Bytes that JSON carries as padded standard base64 (RFC 4648 §4), in its one canonical spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base64(pub Vec<u8>);

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(|_| de::Error::custom("not padded standard base64"))
    }
}

/// The signatures of one document: sorted by key id, no key twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signatures(Vec<Signature>);

impl Signatures {
    /// Accepts signatures in strictly rising order of their key ids.
    pub fn new(list: Vec<Signature>) -> Result<Self, SignaturesError> {
        if list.len() > MAX_SIGNATURES {
            return Err(SignaturesError::TooMany { found: list.len() });
        }
        if let Some(long) = list.iter().find(|signature| signature.sig.0.len() > MAX_SIGNATURE_BYTES) {
            return Err(SignaturesError::TooLong { keyid: long.keyid, found: long.sig.0.len() });
        }
        for (before, Signature { keyid, .. }) in list.iter().zip(list.iter().skip(1)) {
            match before.keyid.cmp(keyid) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => return Err(SignaturesError::Double { keyid: *keyid }),
                std::cmp::Ordering::Greater => {
                    return Err(SignaturesError::OutOfOrder { keyid: *keyid });
                }
            }
        }
        Ok(Self(list))
    }

    /// The signatures, sorted by key id.
    pub fn iter(&self) -> impl Iterator<Item = &Signature> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These and one more; a signature by the same key is replaced.
    #[must_use]
    pub fn with(&self, added: Signature) -> Self {
        let mut list: Vec<Signature> = self.iter().filter(|s| s.keyid != added.keyid).cloned().collect();
        list.push(added);
        list.sort_by_key(|signature| signature.keyid);
        Self(list)
    }
}

impl Serialize for Signatures {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Signatures {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Vec::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Why a list of signatures is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignaturesError {
    /// More than any ceremony needs.
    #[error("{found} signatures are more than the {MAX_SIGNATURES} that are allowed")]
    TooMany {
        /// Signatures found.
        found: usize,
    },
    /// One that is longer than any algorithm's.
    #[error("the signature by key {} has {found} bytes, more than {MAX_SIGNATURE_BYTES}", keyid.hex())]
    TooLong {
        /// Whose.
        keyid: Sha256Digest,
        /// Bytes found.
        found: usize,
    },
    /// One key, two signatures: a threshold is about owners, not copies (CVE-2020-15093).
    #[error("key {} has two signatures", keyid.hex())]
    Double {
        /// Whose.
        keyid: Sha256Digest,
    },
    /// Not sorted.
    #[error("the signature by key {} is out of order", keyid.hex())]
    OutOfOrder {
        /// Whose.
        keyid: Sha256Digest,
    },
    /// The slot holds other bytes than the canonical rendering and spaces.
    #[error("not the canonical rendering followed by spaces")]
    NotCanonical,
    /// Not JSON of this form.
    #[error("{0}")]
    Json(#[from] JsonError),
    /// More than the slot holds.
    #[error("{needed} bytes of signatures do not fit the slot of {slot}")]
    SlotFull {
        /// Bytes that the rendering takes.
        needed: usize,
        /// Bytes in the slot.
        slot: usize,
    },
}

/// `signatures.json`: the signatures in a slot of fixed size, so that one is added in place.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SlotDocument {
    signatures: Signatures,
}

/// The unit of a slot's size, in bytes, and the default size.
pub const SLOT_UNIT: usize = 64 * 1024;
/// The largest slot, in bytes.
pub const MAX_SLOT: usize = 1024 * 1024;

impl Signatures {
    /// The canonical rendering, without the spaces that fill a slot.
    pub fn render(&self) -> Result<Vec<u8>, JsonError> {
        Ok(serde_json::to_vec(&SlotDocument { signatures: self.clone() })?)
    }

    /// Exactly `slot` bytes: the canonical rendering, then spaces.
    pub fn to_slot(&self, slot: usize) -> Result<Vec<u8>, SignaturesError> {
        if self.len() > MAX_SIGNATURES {
            return Err(SignaturesError::TooMany { found: self.len() });
        }
        let mut bytes = self.render()?;
        if bytes.len() > slot {
            return Err(SignaturesError::SlotFull { needed: bytes.len(), slot });
        }
        bytes.resize(slot, b' ');
        Ok(bytes)
    }

    /// Reads a slot, or the file that `--signatures` names: its bytes must equal what they are read as.
    pub fn from_slot(bytes: &[u8]) -> Result<Self, SignaturesError> {
        let spaces = bytes.iter().rev().take_while(|byte| **byte == b' ').count();
        let (content, _) = bytes.split_at(bytes.len().saturating_sub(spaces));
        let document: SlotDocument = json::read(content, MAX_SLOT)?;
        let signatures = document.signatures;
        if signatures.render()? == content { Ok(signatures) } else { Err(SignaturesError::NotCanonical) }
    }
}

/// A document and its signatures in one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Envelope {
    /// What the payload is: bound by the signature.
    pub payload_type: String,
    /// The signed bytes.
    pub payload: Base64,
    /// Who signed them.
    pub signatures: Signatures,
}

impl Envelope {
    /// Reads an envelope of at most `limit` bytes.
    pub fn read(bytes: &[u8], limit: usize) -> Result<Self, JsonError> {
        json::read(bytes, limit)
    }

    /// One line of JSON and a line feed.
    pub fn render(&self) -> Result<Vec<u8>, JsonError> {
        let mut bytes = serde_json::to_vec(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// The exact bytes that the signatures cover.
    pub fn pae(&self) -> Vec<u8> {
        pae(&self.payload_type, &self.payload.0)
    }
}

#[cfg(test)]
#[allow(clippy::as_conversions, clippy::indexing_slicing, reason = "a test that is wrong here has failed")]
mod tests {
    use super::*;

    fn signature(id: u8) -> Signature {
        Signature { keyid: Sha256Digest::new([id; 32]), sig: Base64(vec![id; 64]) }
    }

    #[test]
    fn pae_is_that_of_the_protocol() {
        assert_eq!(
            pae("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
    }

    #[test]
    fn more_signatures_than_are_read_are_not_written() {
        let mut signatures = Signatures::default();
        for number in 0..=MAX_SIGNATURES {
            let mut id = [0; 32];
            id[..8].copy_from_slice(&(number as u64).to_be_bytes());
            signatures =
                signatures.with(Signature { keyid: Sha256Digest::new(id), sig: Base64(vec![0; 64]) });
            let slot = signatures.to_slot(MAX_SLOT);
            match number < MAX_SIGNATURES {
                true => assert_eq!(Signatures::from_slot(&slot.unwrap()).unwrap(), signatures),
                false => assert!(matches!(slot, Err(SignaturesError::TooMany { .. }))),
            }
        }
    }

    #[test]
    fn slot_comes_back_as_it_went_in() {
        let signatures = Signatures::default().with(signature(2)).with(signature(1)).with(signature(2));
        let slot = signatures.to_slot(SLOT_UNIT).unwrap();
        assert_eq!(slot.len(), SLOT_UNIT);
        assert_eq!(Signatures::from_slot(&slot).unwrap(), signatures);
        assert_eq!(signatures.len(), 2);
        assert!(matches!(signatures.to_slot(100), Err(SignaturesError::SlotFull { .. })));
    }

    #[test]
    fn any_other_rendering_is_refused() {
        let slot = Signatures::default().with(signature(1)).render().unwrap();
        let text = String::from_utf8(slot).unwrap();
        for bad in [
            format!(" {text}"),
            format!("{text}\n"),
            text.replace(":", ": "),
            text.replace("==", ""),
            text.replace("\"sig\"", "\"note\":1,\"sig\""),
        ] {
            assert!(Signatures::from_slot(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn double_and_unsorted_keys_are_told_apart() {
        assert!(matches!(
            Signatures::new(vec![signature(1), signature(1)]),
            Err(SignaturesError::Double { .. })
        ));
        assert!(matches!(
            Signatures::new(vec![signature(2), signature(1)]),
            Err(SignaturesError::OutOfOrder { .. })
        ));
    }
}
