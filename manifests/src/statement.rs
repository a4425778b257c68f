// SPDX-License-Identifier: Apache-2.0
//! The in-toto Statement v1 that `manifest.json` is.

use serde::{Deserialize, Serialize};

use crate::digest::DigestSet;
use crate::name::PortablePath;

/// `_type` of every statement.
pub const STATEMENT_V1: &str = "https://in-toto.io/Statement/v1";

/// One file that a statement speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// The file's path in the bundle.
    pub name: PortablePath,
    /// Its digest.
    pub digest: DigestSet,
}

/// A statement about subjects, of predicate type `P`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement<P> {
    /// Always [`STATEMENT_V1`].
    #[serde(rename = "_type")]
    pub statement_type: String,
    /// What is spoken of.
    pub subject: Vec<Subject>,
    /// What kind of thing is said.
    #[serde(rename = "predicateType")]
    pub predicate_type: String,
    /// What is said.
    pub predicate: P,
}
