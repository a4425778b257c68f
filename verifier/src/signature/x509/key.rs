// SPDX-License-Identifier: Apache-2.0
//! Public keys of certificates, and the signatures that they verify.

use std::fmt;

/// Why a key verifies nothing here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// Too short, or of an algorithm that is no longer accepted.
    Weak(String),
    /// Of an algorithm or curve that this program does not know.
    Unknown(String),
    /// Not well-formed.
    Malformed(String),
}

/// A public key.
#[derive(Clone, Debug)]
pub struct PublicKey(());

impl PublicKey {
    pub(super) fn parse(_key_info: &[u8]) -> Result<Self, Unusable> {
        Err(Unusable::Unknown(String::new()))
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Weak(what) | Self::Unknown(what) | Self::Malformed(what) => f.write_str(what),
        }
    }
}
