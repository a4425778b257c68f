// SPDX-License-Identifier: Apache-2.0
//! What Notation is given to trust: the trust policy (which repository needs whose signature) and the trust
//! stores (certificates by name). Files in; out comes what they say, or which rule they break.
//!
//! The rules are those of the Notary Project's specification "trust store and trust policy", and of Notation's
//! code where that is stricter; where we are stricter than both, `docs/vendor-signatures/notary.md` says why.
#![deny(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::indexing_slicing)]

pub mod carried;
pub mod identity;
pub mod policy;
mod scope;
pub mod store;
pub mod template;
mod value;

use std::fmt;

pub use manifests::bundle::StoreType;
use manifests::json::JsonError;

/// A trust store by type and name. Its name is that of a folder, and of no other one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreName {
    store_type: StoreType,
    name: String,
}

/// Bytes of a store's name: what file systems hold.
pub const MAX_STORE_NAME_BYTES: usize = 255;

impl StoreName {
    /// A store's name as the specification wants it (`[a-zA-Z0-9_.-]+`); not `.` or `..`, which Notation's
    /// pattern lets pass.
    pub fn new(store_type: StoreType, name: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        let fits = (1..=MAX_STORE_NAME_BYTES).contains(&name.len()) && !matches!(name, "." | "..");
        (fits && name.bytes().all(plain)).then(|| Self { store_type, name: name.to_owned() })
    }

    /// A store as policies name it: `TYPE:NAME`, cut at the first colon.
    pub fn parse(text: &str) -> Option<Self> {
        let (store_type, name) = text.split_once(':')?;
        Self::new(StoreType::parse(store_type)?, name)
    }

    /// Its type.
    pub const fn store_type(&self) -> StoreType {
        self.store_type
    }

    /// Its name alone.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it lies, from the folder that holds `x509`.
    pub fn path(&self) -> String {
        format!("x509/{}/{}", self.store_type.as_str(), self.name)
    }
}

impl fmt::Display for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.store_type.as_str(), self.name)
    }
}

/// Why bytes are not a trust policy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// Not the JSON that every reader reads alike.
    #[error("trust policy: {0}")]
    Json(#[from] JsonError),
    /// A rule that the document breaks.
    #[error("{at}: wanted {wanted}, found {found}")]
    Rule {
        /// The statement, by number and name, and the key.
        at: String,
        /// What the rule asks for.
        wanted: String,
        /// What stands there; quoted and cut where it came from outside.
        found: String,
    },
}

/// A rule that is broken at `at`.
fn broken(at: impl Into<String>, wanted: impl Into<String>, found: impl Into<String>) -> Malformed {
    Malformed::Rule { at: at.into(), wanted: wanted.into(), found: found.into() }
}

/// Characters of a text from outside in a message.
const QUOTED_CHARACTERS: usize = 200;

/// A text from outside, safe to print.
fn quoted(text: &str) -> String {
    let mut characters = text.chars();
    let start: String = characters.by_ref().take(QUOTED_CHARACTERS).collect();
    let cut = if characters.next().is_some() { " … (cut)" } else { "" };
    format!("\"{}\"{cut}", start.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_are_named_by_type_and_a_plain_folder() {
        for good in ["ca:e2e", "signingAuthority:aws-signer-ts", "tsa:a.b_C-1", "ca:..."] {
            assert_eq!(StoreName::parse(good).unwrap().to_string(), good);
        }
        assert_eq!(StoreName::parse("tsa:x").unwrap().path(), "x509/tsa/x");
        let long = format!("ca:{}", "a".repeat(256));
        for bad in [
            "", "ca", "ca:", ":x", "CA:x", "x509:x", "ca:.", "ca:..", "ca:a/b", "ca:a:b", "ca:ä", "ca: x",
            &long,
        ] {
            assert_eq!(StoreName::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_came_from_outside_is_quoted_and_cut() {
        assert_eq!(quoted("a\u{1b}[m\"b"), "\"a\\u{1b}[m\\\"b\"");
        assert_eq!(quoted(&"x".repeat(201)), format!("\"{}\" … (cut)", "x".repeat(200)));
    }
}
