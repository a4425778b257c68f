// SPDX-License-Identifier: Apache-2.0
//! X.509 certificates and paths to given authorities (RFC 5280).
//!
//! Certificates come in as DER; out comes a path from a leaf to an authority that the demand names, or the
//! reason why there is none. Roots come from the demand, never from the file that is judged. The structures
//! are read by `der` and `x509-cert`; which of them `x509-cert` alone cannot hold stands in
//! `docs/decisions/0009-cms-and-x509.md`.

mod algorithm;
pub mod anchor;
mod budget;
mod certificate;
mod constraints;
pub mod demand;
mod extensions;
pub mod key;
pub mod leaf;
mod name;
mod path;
mod policies;
pub mod read;
mod rules;
mod time;

pub(crate) use algorithm::digest as digest_algorithm;
pub use budget::{Budget, MAX_PATHS, MAX_SEARCH_STEPS, MAX_SIGNATURE_COST};
pub use certificate::{Certificate, Extension, MAX_CERTIFICATE_BYTES};
pub use name::{COMMON_NAME, Name};
pub use path::{MAX_PATH_CERTIFICATES, MAX_POOL_CERTIFICATES, PathDemand, Purpose, build};
pub(crate) use time::{generalized_time, signing_time};

/// Something that is not of its format: what was wanted and what was found, for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(String);

impl Malformed {
    /// With the text for people.
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    /// For `what`, with the decoder's complaint.
    pub(crate) fn within(what: &str) -> impl Fn(der::Error) -> Self + '_ {
        move |error| Self(format!("{what}: {error}"))
    }
}
