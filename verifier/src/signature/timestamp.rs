// SPDX-License-Identifier: Apache-2.0
//! Proven times: RFC 3161 tokens, and PKCS#9 countersignatures as Authenticode has them.

use manifests::time::Timestamp;

use super::x509::Certificate;
use super::{Reason, Stop, Tolerated};

/// A time that a timestamp authority vouches for.
#[derive(Clone, Debug)]
pub struct ProvenTime {
    /// The time.
    pub at: Timestamp,
    /// From the authority's certificate to a given CA.
    pub chain: Vec<Certificate>,
    /// What people should know.
    pub notes: Vec<String>,
}

/// The time that an RFC 3161 token proves for `stamped`, the octets of a signature.
pub fn token(
    _token: &[u8],
    _stamped: &[u8],
    _authorities: &[Certificate],
    _now: Timestamp,
    _tolerated: Tolerated<'_>,
) -> Result<ProvenTime, Stop> {
    Err(Stop::found(Reason::UnknownAlgorithm, "not built yet"))
}

/// The time that a PKCS#9 countersignature proves for `stamped`, the octets of a signature. `certificates`
/// are those of the signature that is countersigned. For Authenticode only.
pub fn countersignature(
    _signer_info: &[u8],
    _stamped: &[u8],
    _certificates: &[Certificate],
    _authorities: &[Certificate],
    _now: Timestamp,
    _tolerated: Tolerated<'_>,
) -> Result<ProvenTime, Stop> {
    Err(Stop::found(Reason::UnknownAlgorithm, "not built yet"))
}
