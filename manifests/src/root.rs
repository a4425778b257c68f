// SPDX-License-Identifier: Apache-2.0
//! The trust root: owners, their keys, the roles they fill, and the rules for bundle names.
//!
//! `docs/formats/trust-root.md`. Reading decides nothing about signatures: `verifier` does.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::digest::Sha256Digest;
use crate::dsse::Base64;
use crate::json::{self, JsonError, Scanned};
use crate::name::{BundleName, Name};
use crate::sequence::{RootVersion, Sequence};
use crate::time::Timestamp;

/// `type` of a root.
pub const ROOT_DOCUMENT: &str = "sealift-root/1";
/// The longest root with its signatures, in bytes.
pub const MAX_ROOT_BYTES: usize = 1024 * 1024;
/// The role that signs roots; it is no bundle role.
pub const ROOT_ROLE: &str = "root";

/// A way to sign. Comes from the root, never from what is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// RFC 8032, checked strictly.
    Ed25519,
}

impl Algorithm {
    /// The name in documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Algorithm {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Algorithm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "ed25519" => Ok(Self::Ed25519),
            _ => Err(de::Error::custom("an unknown algorithm: this version knows ed25519")),
        }
    }
}

/// One public key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// How it signs.
    pub algorithm: Algorithm,
    /// SubjectPublicKeyInfo, DER.
    pub spki: Base64,
}

/// A person, machine or token that signs: counted once, however many keys it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// One key per algorithm.
    pub keys: Vec<Key>,
}

/// Who can fill a role, and how many of them must.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Owners, by name.
    pub owners: BTreeSet<Name>,
    /// How many distinct ones must have signed.
    pub threshold: u32,
}

/// Which roles bundles of some names need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Any of these patterns.
    pub names: Vec<NamePattern>,
    /// All of these roles.
    pub require: BTreeSet<Name>,
}

/// A bundle name with `*` for any run of characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct NamePattern(String);

impl NamePattern {
    /// Accepts a bundle name in which any part may be `*`.
    pub fn new(text: &str) -> Option<Self> {
        // With each `*` taken as a letter, it must be a name: so every pattern can match something.
        let plain = BundleName::new(&text.replace('*', "a")).is_ok();
        plain.then(|| Self(text.to_owned()))
    }

    /// Whether the whole name fits.
    pub fn matches(&self, name: &BundleName) -> bool {
        let Some((first, rest)) = self.0.split_once('*') else {
            return self.0 == name.as_str();
        };
        let Some(mut text) = name.as_str().strip_prefix(first) else {
            return false;
        };
        let mut parts: Vec<&str> = rest.split('*').collect();
        let last = parts.pop().unwrap_or_default();
        for part in parts {
            match text.split_once(part) {
                Some((_, after)) => text = after,
                None => return false,
            }
        }
        text.ends_with(last)
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for NamePattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).ok_or_else(|| de::Error::custom("not a pattern of bundle names"))
    }
}

/// The document as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RootDocument {
    /// Always [`ROOT_DOCUMENT`].
    #[serde(rename = "type")]
    pub document_type: String,
    /// N; the next is N + 1.
    pub version: RootVersion,
    /// The name of the enclave whose hosts hold this root.
    pub enclave: Name,
    /// Trusts nothing after this instant.
    pub expires: Timestamp,
    /// Algorithms that are required together: an owner counts when all of them verify.
    pub algorithms: Vec<Algorithm>,
    /// Whether every bundle must name its enclaves.
    pub require_audience: bool,
    /// Who signs.
    pub owners: BTreeMap<Name, Owner>,
    /// What for.
    pub roles: BTreeMap<Name, Role>,
    /// For which bundles.
    pub rules: Vec<Rule>,
    /// The lowest sequence accepted, by bundle name.
    pub floors: BTreeMap<BundleName, Sequence>,
    /// Manifest digests that are refused.
    pub denied: BTreeSet<Sha256Digest>,
}

/// A root in which every rule of `docs/formats/trust-root.md` §2 holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root(RootDocument);

/// Why a root is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RootError {
    /// Not JSON of this form.
    #[error("{0}")]
    Json(#[from] JsonError),
    /// An algorithm that this version does not know.
    #[error("algorithm `{}`, where this version knows ed25519", crate::name::printable(name))]
    UnknownAlgorithm {
        /// As the root writes it.
        name: String,
    },
    /// Parts that contradict each other.
    #[error("{at}: {wrong}")]
    Inconsistent {
        /// Where.
        at: String,
        /// What is wrong there.
        wrong: &'static str,
    },
}

/// The first algorithm that is not known, in a root that could not be read: such a root may be sound, and
/// deserves another word than a broken one.
fn unknown_algorithm(document: Scanned<'_>) -> Option<String> {
    #[derive(Deserialize)]
    struct Root {
        algorithms: Vec<String>,
        owners: BTreeMap<String, Owner>,
    }
    #[derive(Deserialize)]
    struct Owner {
        keys: Vec<Key>,
    }
    #[derive(Deserialize)]
    struct Key {
        algorithm: String,
    }
    let root: Root = document.read_part().ok()?;
    let keys = root.owners.into_values().flat_map(|owner| owner.keys).map(|key| key.algorithm);
    root.algorithms.into_iter().chain(keys).find(|name| name != Algorithm::Ed25519.as_str())
}

fn inconsistent<T>(at: impl Into<String>, wrong: &'static str) -> Result<T, RootError> {
    Err(RootError::Inconsistent { at: at.into(), wrong })
}

impl Root {
    /// Reads the payload of a root's envelope.
    pub fn read(payload: &[u8]) -> Result<Self, RootError> {
        let document = json::scan(payload, MAX_ROOT_BYTES)?;
        match document.read() {
            Ok(root) => Self::new(root),
            Err(error) => {
                Err(unknown_algorithm(document)
                    .map_or(error.into(), |name| RootError::UnknownAlgorithm { name }))
            }
        }
    }

    /// Checks a document made in memory: the same rules.
    pub fn new(document: RootDocument) -> Result<Self, RootError> {
        if document.document_type != ROOT_DOCUMENT {
            return inconsistent("type", "is not `sealift-root/1`");
        }
        algorithms(&document)?;
        owners(&document)?;
        roles(&document)?;
        rules(&document)?;
        Ok(Self(document))
    }

    /// The bytes to sign: compact JSON, members in the order of the type.
    pub fn render(&self) -> Result<Vec<u8>, JsonError> {
        Ok(serde_json::to_vec(&self.0)?)
    }

    /// What the root says.
    pub const fn document(&self) -> &RootDocument {
        &self.0
    }

    /// Every role that some matching rule requires for this name; empty when no rule matches.
    pub fn required_roles(&self, name: &BundleName) -> BTreeSet<&Name> {
        let matching =
            self.0.rules.iter().filter(|rule| rule.names.iter().any(|pattern| pattern.matches(name)));
        matching.flat_map(|rule| &rule.require).collect()
    }

    /// The one bundle role that an owner fills.
    pub fn bundle_role(&self, owner: &Name) -> Option<&Name> {
        let mut filled = self
            .0
            .roles
            .iter()
            .filter(|(name, role)| name.as_str() != ROOT_ROLE && role.owners.contains(owner));
        filled.next().map(|(name, _)| name)
    }
}

fn algorithms(document: &RootDocument) -> Result<(), RootError> {
    let distinct: BTreeSet<_> = document.algorithms.iter().collect();
    if distinct.is_empty() || distinct.len() != document.algorithms.len() {
        return inconsistent("algorithms", "is empty or names one twice");
    }
    Ok(())
}

fn owners(document: &RootDocument) -> Result<(), RootError> {
    let mut keys = BTreeSet::new();
    for (name, owner) in &document.owners {
        let mut held = BTreeSet::new();
        for key in &owner.keys {
            if !held.insert(key.algorithm) {
                return inconsistent(format!("owners.{name}"), "holds two keys of one algorithm");
            }
            if !keys.insert(&key.spki.0) {
                return inconsistent(format!("owners.{name}"), "holds a key that another owner holds too");
            }
        }
        if document.algorithms.iter().any(|algorithm| !held.contains(algorithm)) {
            return inconsistent(format!("owners.{name}"), "lacks a key of a required algorithm");
        }
    }
    Ok(())
}

fn roles(document: &RootDocument) -> Result<(), RootError> {
    if !document.roles.contains_key(ROOT_ROLE) {
        return inconsistent("roles", "has no role `root`");
    }
    let mut filled: BTreeMap<&Name, &Name> = BTreeMap::new();
    for (name, role) in &document.roles {
        let at = || format!("roles.{name}");
        if let Some(missing) = role.owners.iter().find(|owner| !document.owners.contains_key(owner.as_str()))
        {
            return inconsistent(format!("roles.{name}.owners.{missing}"), "is not in `owners`");
        }
        let reachable = usize::try_from(role.threshold).is_ok_and(|threshold| threshold <= role.owners.len());
        if role.threshold == 0 || !reachable {
            return inconsistent(at(), "has a threshold of zero or of more than its owners");
        }
        if name.as_str() != ROOT_ROLE {
            for owner in &role.owners {
                if filled.insert(owner, name).is_some() {
                    return inconsistent(format!("owners.{owner}"), "stands in two bundle roles");
                }
            }
        }
    }
    Ok(())
}

fn rules(document: &RootDocument) -> Result<(), RootError> {
    for (index, rule) in document.rules.iter().enumerate() {
        let at = || format!("rules[{index}]");
        if rule.names.is_empty() || rule.require.is_empty() {
            return inconsistent(at(), "names no bundles or requires no role");
        }
        for role in &rule.require {
            if role.as_str() == ROOT_ROLE {
                return inconsistent(at(), "requires `root`, which is no bundle role");
            }
            if !document.roles.contains_key(role.as_str()) {
                return inconsistent(at(), "requires a role that is not in `roles`");
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        let matches = |pattern: &str, name: &str| {
            NamePattern::new(pattern).unwrap().matches(&BundleName::new(name).unwrap())
        };
        assert!(matches("*", "anything"));
        assert!(matches("firmware-*", "firmware-a"));
        assert!(matches("firmware-*", "firmware-"));
        assert!(!matches("firmware-*", "firmware"));
        assert!(matches("a*b*c", "axxbyyc"));
        assert!(matches("a*b*c", "abbcc"));
        assert!(!matches("a*b*c", "acb"));
        assert!(!matches("ab*ba", "aba"));
        assert!(!matches("first", "first-two"));
        for bad in ["", "A*", "a/b", "[a]", "*."] {
            assert!(NamePattern::new(bad).is_none(), "{bad}");
        }
    }
}
