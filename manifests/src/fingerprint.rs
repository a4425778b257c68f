// SPDX-License-Identifier: Apache-2.0
//! The fingerprint of an OpenPGP primary key: what a demand pins. Parsed and printed, never computed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// 20 bytes (version 4 keys) or 32 bytes (version 6), printed as upper-case hex without spaces.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Reads 40 or 64 hex digits in either case, spaces anywhere: as `gpg` prints them and people paste them.
    pub fn parse(text: &str) -> Result<Self, FingerprintError> {
        let mut digits = String::with_capacity(64);
        for digit in text.chars().filter(|c| *c != ' ') {
            if !digit.is_ascii_hexdigit() || digits.len() == 64 {
                return Err(FingerprintError);
            }
            digits.push(digit.to_ascii_uppercase());
        }
        if matches!(digits.len(), 40 | 64) { Ok(Self(digits)) } else { Err(FingerprintError) }
    }

    /// The digits, upper-case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        Self::parse(text)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// In documents only the printed form is read: one fingerprint, one spelling.
impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let read = Self::parse(&text).map_err(de::Error::custom)?;
        if read.0 == text { Ok(read) } else { Err(de::Error::custom(FingerprintError)) }
    }
}

/// Text that is not the fingerprint of an OpenPGP key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an OpenPGP fingerprint (40 or 64 hex digits)")]
pub struct FingerprintError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_and_case_do_not_matter_on_the_command_line() {
        let pasted = "fb5d b77f d5c1 18b8 0511  ada8 a631 0acc 4672 475c";
        let read = Fingerprint::parse(pasted).unwrap();
        assert_eq!(read.to_string(), "FB5DB77FD5C118B80511ADA8A6310ACC4672475C");
        assert_eq!(Fingerprint::parse(&"0A".repeat(32)).unwrap().as_str().len(), 64);
    }

    #[test]
    fn other_lengths_digits_and_separators_are_refused() {
        for bad in
            ["", "A6310ACC4672475C", &"A".repeat(39), &"A".repeat(41), &"A".repeat(63), &"A".repeat(65)]
        {
            assert_eq!(Fingerprint::parse(bad), Err(FingerprintError), "{bad}");
        }
        for bad in ["G".repeat(40), "é".repeat(20), format!("0x{}", "A".repeat(40)), "A\t".repeat(40)] {
            assert_eq!(Fingerprint::parse(&bad), Err(FingerprintError), "{bad}");
        }
    }

    #[test]
    fn documents_have_one_spelling() {
        let read = |text: &str| serde_json::from_str::<Fingerprint>(&format!("\"{text}\""));
        assert!(read(&"A".repeat(40)).is_ok());
        assert!(read(&"a".repeat(40)).is_err());
        assert!(read(&format!(" {}", "A".repeat(40))).is_err());
    }
}
