// SPDX-License-Identifier: Apache-2.0
//! Proven times: RFC 3161 tokens, and PKCS#9 countersignatures as Authenticode has them.
//!
//! The octets of a signature come in, and what is said to stamp them; out comes the time that an authority
//! vouches for, proven by a chain to a given CA that is judged at that very time.

mod countersignature;
mod token;

use manifests::time::Timestamp;

use super::cms::{Sha1, SignerInfo};
use super::x509::{Budget, Certificate, PathDemand, Purpose, build};
use super::{Reason, Stop, Tolerated};
pub use countersignature::countersignature;
pub use token::token;

/// Seconds that a proven time may lie after the time of judgement: an authority's clock that runs ahead.
pub const SKEW: u64 = 60;

/// Timestamps of one signature that are looked at: one or two are usual.
pub const MAX_TIMESTAMPS: usize = 8;

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

fn broken(what: impl std::fmt::Display) -> Stop {
    Stop::Found(Reason::TimestampBroken, format!("timestamp: {what}"))
}

/// What a failed signature within a timestamp means for the timestamp.
fn within(stop: Stop) -> Stop {
    match stop {
        Stop::Found(Reason::DigestMismatch | Reason::SignatureMalformed, note) => broken(note),
        Stop::Found(reason, note) => Stop::Found(reason, format!("timestamp: {note}")),
        Stop::Read(error) => Stop::Read(error),
    }
}

/// Whether SHA-1 may bear the stamp itself. The authority's certificates need the wider permission.
fn sha1(tolerated: Tolerated<'_>) -> Sha1 {
    if tolerated.sha1_in_timestamps() { Sha1::Allowed } else { Sha1::Refused }
}

/// The authority's certificate, from those that came along, or one of the given CAs itself.
fn authority<'a>(
    signer: &SignerInfo,
    certificates: &'a [Certificate],
    authorities: &'a [Certificate],
) -> Result<&'a Certificate, Stop> {
    signer.certificate(certificates).or_else(|| signer.certificate(authorities)).ok_or_else(|| {
        Stop::found(Reason::TimestampUntrusted, "timestamp: the authority's certificate does not come along")
    })
}

/// The chain of the authority at the time that it states.
fn chain(
    leaf: &Certificate,
    certificates: &[Certificate],
    authorities: &[Certificate],
    at: Timestamp,
    tolerated: Tolerated<'_>,
    budget: &Budget,
) -> Result<Vec<Certificate>, Stop> {
    let demand = PathDemand {
        authorities,
        intermediates: certificates,
        purpose: Purpose::Timestamping,
        at,
        tolerated,
        known_critical: &[],
        budget,
    };
    build(leaf, &demand).map_err(|stop| match stop {
        Stop::Found(Reason::UntrustedChain | Reason::ChainBroken | Reason::CertificateMalformed, note) => {
            Stop::Found(Reason::TimestampUntrusted, format!("timestamp: {note}"))
        }
        Stop::Found(reason, note) => Stop::Found(reason, format!("timestamp: {note}")),
        Stop::Read(error) => Stop::Read(error),
    })
}

/// A proven time does not lie in the future.
fn not_after_now(at: Timestamp, now: Timestamp) -> Result<(), Stop> {
    if at.seconds() <= now.seconds().saturating_add(SKEW) {
        return Ok(());
    }
    Err(Stop::Found(Reason::TimestampFromTheFuture, format!("timestamp: it states {at}, judged at {now}")))
}
