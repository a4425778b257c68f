// SPDX-License-Identifier: Apache-2.0
//! What the Notary Project's verifiers on the target trust (`docs/formats/manifest.md` §1.18, §1.19).

use serde::{Deserialize, Serialize};

use super::demand::Authority;
use crate::name::{Name, PortablePath};

/// Which signatures a trust store is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StoreType {
    /// Those of the scheme `notary.x509`.
    Ca,
    /// Those of the scheme `notary.x509.signingAuthority`.
    SigningAuthority,
    /// Timestamps.
    Tsa,
}

impl StoreType {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Ca, Self::SigningAuthority, Self::Tsa];

    /// As the Notary Project writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ca => "ca",
            Self::SigningAuthority => "signingAuthority",
            Self::Tsa => "tsa",
        }
    }

    /// The type of that word, in this letter case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// A named trust store: `truststore/x509/TYPE/NAME/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustStore {
    /// What trust policies call it.
    pub name: Name,
    /// Which signatures it is for.
    #[serde(rename = "type")]
    pub store_type: StoreType,
    /// The partition that it is tied to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<Name>,
    /// Its certificates: digests decide, files only carry them.
    pub certificates: Vec<Authority>,
}

/// A trust policy document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustPolicy {
    /// The file's name on the target.
    pub name: Name,
    /// The partition that it is tied to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<Name>,
    /// The payload entry.
    pub file: PortablePath,
    /// What the site must give when it installs: the names that stand in the document as `"$NAME"`.
    pub parameters: Vec<Name>,
}
