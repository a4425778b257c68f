// SPDX-License-Identifier: Apache-2.0
//! Digests and chaining values: parsed and printed here, computed elsewhere.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Bytes in a SHA-256 digest, and in a SHA-256 chaining value (FIPS 180-4 §6.2).
pub const SHA256_BYTES: usize = 32;

/// A SHA-256 digest. Printed as `sha256:<64 lower-case hex digits>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256Digest([u8; SHA256_BYTES]);

impl Sha256Digest {
    /// Wraps 32 bytes that are a digest.
    pub const fn new(bytes: [u8; SHA256_BYTES]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; SHA256_BYTES] {
        &self.0
    }

    /// 64 lower-case hex digits, as `sha256sum` prints them.
    pub fn hex(&self) -> String {
        hex(&self.0)
    }

    /// Reads exactly 64 lower-case hex digits.
    pub fn from_hex(text: &str) -> Result<Self, DigestError> {
        bytes_from_hex(text).map(Self)
    }

    /// Reads `sha256:<hex>`, or the bare hex digits that `sha256sum` prints.
    pub fn parse(text: &str) -> Result<Self, DigestError> {
        Self::from_hex(text.strip_prefix("sha256:").unwrap_or(text))
    }

    /// Reads what tools print and people paste: digits in either case, with or without `sha256:`, spaces and
    /// colons anywhere.
    pub fn parse_spaced(text: &str) -> Result<Self, DigestError> {
        let text = text.trim().strip_prefix("sha256:").unwrap_or(text.trim());
        let digits: String = text.chars().filter(|c| !matches!(c, ' ' | ':')).collect();
        Self::from_hex(&digits.to_ascii_lowercase())
    }
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Sha256Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sha256Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let hex = text.strip_prefix("sha256:").ok_or_else(|| de::Error::custom(DigestError))?;
        Self::from_hex(hex).map_err(de::Error::custom)
    }
}

/// in-toto's digest set, with the one member that profile `standard` has: `{"sha256": "<hex>"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DigestSet {
    /// SHA-256 of the whole content.
    #[serde(with = "bare_hex")]
    pub sha256: Sha256Digest,
}

impl From<Sha256Digest> for DigestSet {
    fn from(sha256: Sha256Digest) -> Self {
        Self { sha256 }
    }
}

mod bare_hex {
    use super::{Deserialize, Deserializer, Serializer, Sha256Digest, de};

    pub(super) fn serialize<S: Serializer>(digest: &Sha256Digest, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&digest.hex())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Sha256Digest, D::Error> {
        Sha256Digest::from_hex(&String::deserialize(from)?).map_err(de::Error::custom)
    }
}

/// Text that is not a SHA-256 digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 digest (64 lower-case hex digits)")]
pub struct DigestError;

/// Lower-case hex of any bytes.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| match nibble & 0xf {
        low @ 0..=9 => char::from(b'0'.wrapping_add(low)),
        high => char::from((b'a' - 10).wrapping_add(high)),
    };
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

fn bytes_from_hex(text: &str) -> Result<[u8; SHA256_BYTES], DigestError> {
    let text = text.as_bytes();
    if text.len() != SHA256_BYTES * 2 {
        return Err(DigestError);
    }
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => Ok(digit.wrapping_sub(b'0')),
        b'a'..=b'f' => Ok(digit.wrapping_sub(b'a' - 10)),
        _ => Err(DigestError),
    };
    let mut bytes = [0; SHA256_BYTES];
    let (pairs, _) = text.as_chunks::<2>();
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = (nibble(*high)? << 4) | nibble(*low)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upper_case_short_and_foreign_digits_are_refused() {
        let good = "ab".repeat(32);
        assert_eq!(Sha256Digest::from_hex(&good).unwrap().hex(), good);
        for bad in ["AB".repeat(32), "ab".repeat(31), "ab".repeat(33), "ag".repeat(32), "é".repeat(32)] {
            assert_eq!(Sha256Digest::from_hex(&bad), Err(DigestError), "{bad}");
        }
    }

    #[test]
    fn prefix_is_required_in_documents_and_optional_on_the_command_line() {
        let hex = "0f".repeat(32);
        assert!(serde_json::from_str::<Sha256Digest>(&format!("\"{hex}\"")).is_err());
        assert_eq!(Sha256Digest::parse(&hex), Sha256Digest::parse(&format!("sha256:{hex}")));
    }
}
