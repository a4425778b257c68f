// SPDX-License-Identifier: Apache-2.0
//! The one error of reading and building manifests.

use crate::json::JsonError;
use crate::name::NameError;

/// Why a manifest is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// Not JSON of this form.
    #[error("{0}")]
    Json(#[from] JsonError),
    /// A path or name that no other system could hold.
    #[error("{0}")]
    Name(#[from] NameError),
    /// More of something than is allowed.
    #[error("{what}: {found} is more than the {limit} that are allowed")]
    Limit {
        /// Of what.
        what: &'static str,
        /// How many were found.
        found: u64,
        /// How many are allowed.
        limit: u64,
    },
    /// The list of chaining values cannot be that of these files.
    #[error("chains.size is {found}, but the files need {expected} bytes of chaining values")]
    Chains {
        /// Bytes that follow from the files' sizes.
        expected: u64,
        /// Bytes that the manifest states.
        found: u64,
    },
    /// Two parts that contradict each other, or a part that is not what it must be.
    #[error("{at}: {wrong}")]
    Inconsistent {
        /// Where.
        at: String,
        /// What is wrong there.
        wrong: &'static str,
    },
}
