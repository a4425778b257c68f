// SPDX-License-Identifier: Apache-2.0
//! What the options of the kinds that rest on certificates amount to.

use manifests::digest::Sha256Digest;
use manifests::time::Timestamp;

use super::Certificate;
use crate::signature::Tolerated;

/// Whose signature is good enough, for formats that carry certificates.
#[derive(Clone, Copy, Debug)]
pub struct CertificateDemand<'a> {
    /// The CAs that a signer's chain may end in. None: a leaf that is pinned by its digest stands by itself.
    pub authorities: &'a [Certificate],
    /// The CAs that a timestamp's chain may end in; none: those of signers serve.
    pub timestamp_authorities: Option<&'a [Certificate]>,
    /// SHA-256 of the signer's certificate, any of them; empty: any signer.
    pub pins: &'a [Sha256Digest],
    /// The signer's whole common name, or whole subject.
    pub publisher: Option<&'a str>,
    /// The signer's team (Apple).
    pub team: Option<&'a str>,
    /// The time of judgement.
    pub now: Timestamp,
    /// Weaknesses that are named.
    pub tolerated: Tolerated<'a>,
}

impl<'a> CertificateDemand<'a> {
    /// Where the chain of `leaf` may end.
    pub fn anchors<'l>(&self, leaf: &'l Certificate) -> &'l [Certificate]
    where
        'a: 'l,
    {
        match self.authorities {
            [] if self.pins.contains(&leaf.digest()) => std::slice::from_ref(leaf),
            given => given,
        }
    }

    /// The CAs that a timestamp's chain may end in.
    pub fn for_timestamps(&self) -> &'a [Certificate] {
        self.timestamp_authorities.unwrap_or(self.authorities)
    }

    /// Whether `leaf` is one of the pinned certificates; any is, where none is pinned.
    pub fn pins(&self, leaf: &Certificate) -> bool {
        self.pins.is_empty() || self.pins.contains(&leaf.digest())
    }

    /// Whether `leaf` bears the demanded publisher: as its whole common name, or as its whole subject in the
    /// form of RFC 4514.
    pub fn names(&self, leaf: &Certificate) -> bool {
        self.publisher.is_none_or(|publisher| {
            leaf.common_name().is_some_and(|name| name == publisher) || leaf.subject() == publisher
        })
    }
}
