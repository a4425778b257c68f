// SPDX-License-Identifier: Apache-2.0
//! What was found out about a vendor's signature, as data. The words are those of `verifier check`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::Sha256Digest;
use crate::time::Timestamp;

/// The answer to "did the pinned identity sign this?". Ordered as `docs/exit-codes.md` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Signed by the pinned identity, within policy.
    Good,
    /// A signature that does not match its data.
    Bad,
    /// A sound signature, but not by the pinned identity.
    WrongSigner,
    /// The pinned identity, but expired, revoked, weak, of wrong usage or not yet valid.
    OutsidePolicy,
    /// No signature that covers it.
    Unsigned,
    /// Not a well-formed file or signature of its kind: nothing was concluded.
    Malformed,
}

impl Verdict {
    /// The word as documents print it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::WrongSigner => "wrong-signer",
            Self::OutsidePolicy => "outside-policy",
            Self::Unsigned => "unsigned",
            Self::Malformed => "malformed",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who signed, as the signature's own format names them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Signer {
    /// Primary key fingerprint (OpenPGP, upper-case hex) or leaf certificate digest.
    pub id: String,
    /// A user id or subject name, as the key claims it: it proves nothing, the pin does.
    pub name: Option<String>,
    /// From the signing key up to what is pinned: fingerprints or `sha256:` digests.
    pub chain: Vec<String>,
}

/// Where the signing time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimeSource {
    /// Stated inside the signature by the signer.
    Signature,
    /// Proven by a timestamp authority.
    Timestamp,
}

/// A thing that the signature covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Covered {
    /// In words: `whole file`, `member NAME`, ….
    pub what: String,
    /// SHA-256 of those bytes.
    pub digest: Sha256Digest,
}

/// One checker's whole answer about one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// The kind of signature: `openpgp`, ….
    pub kind: &'static str,
    /// The answer.
    pub verdict: Verdict,
    /// A stable kebab-case word for why it is not `good`, listed in `docs/exit-codes.md`.
    pub reason: Option<&'static str>,
    /// Who signed, where that could be told.
    pub signer: Option<Signer>,
    /// When it was signed, where that could be told.
    pub signed_at: Option<Timestamp>,
    /// Who says so.
    pub time_source: Option<TimeSource>,
    /// What the good signature covers; empty unless the verdict is `good`.
    pub covers: Vec<Covered>,
    /// What lies in the file and no signature covers.
    pub not_covered: Vec<String>,
    /// What could not be checked offline.
    pub not_checked: Vec<String>,
    /// Facts worth knowing that decide nothing.
    pub notes: Vec<String>,
}

/// An algorithm that is too weak, unless a demand names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weak {
    /// SHA-1 in file digests, signatures, keys, certificates and timestamps.
    Sha1,
    /// SHA-1 in timestamp tokens only.
    Sha1Timestamp,
    /// SHA-1 as checksum of a .pkg's table of contents only.
    Sha1Toc,
}

impl Weak {
    /// All of them, with their words.
    pub const ALL: [Self; 3] = [Self::Sha1, Self::Sha1Timestamp, Self::Sha1Toc];

    /// The word as demands and documents write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha1Timestamp => "sha1-timestamp",
            Self::Sha1Toc => "sha1-toc",
        }
    }
}
