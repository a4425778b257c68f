// SPDX-License-Identifier: Apache-2.0
//! What is read of a manifest before anything else is.

use serde::Deserialize;

use super::{KNOWN_FEATURES, Requirement};
use crate::json::{JsonError, Scanned};
use crate::name::BundleName;

/// The little that is read of a manifest before its form is: which rules apply, and whether this
/// reader can go on at all. Members that it does not know are passed over.
#[derive(Debug, Deserialize)]
pub struct Preface {
    predicate: PrefacePredicate,
}

#[derive(Debug, Deserialize)]
struct PrefacePredicate {
    bundle: PrefaceBundle,
    requires: Vec<Requirement>,
}

#[derive(Debug, Deserialize)]
struct PrefaceBundle {
    name: BundleName,
}

impl Preface {
    /// Reads the beginnings of a manifest.
    pub fn from_scanned(document: Scanned<'_>) -> Result<Self, JsonError> {
        document.read_part()
    }

    /// The bundle's name.
    pub const fn name(&self) -> &BundleName {
        &self.predicate.bundle.name
    }

    /// The first feature that this version does not know.
    pub fn unknown_requirement(&self) -> Option<&Requirement> {
        self.predicate
            .requires
            .iter()
            .find(|requirement| !KNOWN_FEATURES.contains(&requirement.feature.as_str()))
    }
}
