// SPDX-License-Identifier: Apache-2.0
//! From a leaf to an authority that is given: any one valid path is enough.

use const_oid::ObjectIdentifier;
use manifests::time::Timestamp;

use super::Certificate;
use crate::signature::{Reason, Stop, Tolerated};

/// Certificates of one path, leaf and authority included. Real ones have two to five.
pub const MAX_PATH_CERTIFICATES: usize = 12;
/// Certificates that paths are sought among; PKITS as a whole has 400.
pub const MAX_POOL_CERTIFICATES: usize = 4096;
/// Certificates that the search puts on a path, over all paths that it tries. Real pools need ten.
pub const MAX_SEARCH_STEPS: usize = 10_000;
/// Signatures on certificates that the search verifies; each is verified once. A second's work.
pub const MAX_SIGNATURE_CHECKS: usize = 1000;

/// What a leaf must be good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Nothing is asked of usages.
    Any,
    /// Extended key usage code signing, and digitalSignature where a key usage is present.
    CodeSigning,
    /// Extended key usage time stamping and no other (RFC 3161 §2.3).
    Timestamping,
}

/// What is asked of a path.
#[derive(Clone, Copy, Debug)]
pub struct PathDemand<'a> {
    /// Where a path may end. Each counts by its key and name alone.
    pub authorities: &'a [Certificate],
    /// What may stand between; none of them is believed for being here.
    pub intermediates: &'a [Certificate],
    /// What the leaf must be good for.
    pub purpose: Purpose,
    /// When each certificate of the path must be valid.
    pub at: Timestamp,
    /// Weaknesses that are named.
    pub tolerated: Tolerated<'a>,
    /// Critical extensions that the calling checker processes itself.
    pub known_critical: &'a [ObjectIdentifier],
}

/// A path from `leaf` to a given authority, both included; they may be one.
pub fn build(_leaf: &Certificate, _demand: &PathDemand<'_>) -> Result<Vec<Certificate>, Stop> {
    Err(Stop::found(Reason::UnknownAlgorithm, "not built yet"))
}
