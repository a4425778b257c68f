// SPDX-License-Identifier: Apache-2.0
//! When a signature was made: its unsigned attributes in; times that an authority proves out.

use std::time::Duration;

use der::asn1::{GeneralizedTime, UtcTime};
use der::{AnyRef, Decode};
use manifests::time::Timestamp;

use super::spc::{COUNTERSIGNATURE, SIGNING_TIME, TOKEN};
use crate::signature::cms::SignerInfo;
use crate::signature::timestamp::{MAX_TIMESTAMPS, ProvenTime, countersignature, token};
use crate::signature::x509::Certificate;
use crate::signature::x509::demand::CertificateDemand;
use crate::signature::{Reason, Stop};

/// What a signature's timestamps came to.
#[derive(Default)]
pub(super) struct Proven {
    /// Those that hold.
    pub(super) times: Vec<ProvenTime>,
    /// Why the others do not.
    failed: Vec<Reason>,
    /// The same for people.
    pub(super) notes: Vec<String>,
}

impl Proven {
    /// The one to show.
    pub(super) fn first(&self) -> Option<&ProvenTime> {
        self.times.first()
    }

    /// The answer at the time of judgement, where no time is proven: one that a timestamp would have been
    /// needed for blames the timestamp, where that is broken. One of the future is never passed over, for it
    /// says that the signature did not exist yet.
    pub(super) fn instead<T>(&self, answer: Result<T, Stop>) -> Result<T, Stop> {
        let blamed = |reason: Reason| Err(Stop::found(reason, "see the note on the timestamp"));
        let has = |reason| self.failed.contains(&reason);
        match answer {
            Err(Stop::Found(Reason::CertificateExpired, _)) if has(Reason::TimestampBroken) => {
                blamed(Reason::TimestampBroken)
            }
            Ok(_) if has(Reason::TimestampFromTheFuture) => blamed(Reason::TimestampFromTheFuture),
            answer => answer,
        }
    }
}

/// The times that are proven for a signature: by RFC 3161 tokens, then by PKCS #9 countersignatures.
pub(super) fn proven(
    signer: &SignerInfo,
    certificates: &[Certificate],
    demand: &CertificateDemand<'_>,
) -> Proven {
    let (authorities, now, tolerated) = (demand.for_timestamps(), demand.now, demand.tolerated);
    let (budget, stamped) = (demand.budget, signer.signature());
    let tokens = signer.unsigned_attributes(TOKEN);
    let tokens = tokens.into_iter().map(|der| token(der, stamped, authorities, now, tolerated, budget));
    let old = signer.unsigned_attributes(COUNTERSIGNATURE);
    let old = old
        .into_iter()
        .map(|der| countersignature(der, stamped, certificates, authorities, now, tolerated, budget));
    let mut proven = Proven::default();
    for answer in tokens.chain(old).take(MAX_TIMESTAMPS) {
        match answer {
            Ok(time) => proven.times.push(time),
            Err(Stop::Found(reason, note)) => {
                proven.notes.push(format!("a timestamp does not count: {}: {note}", reason.as_str()));
                proven.failed.push(reason);
            }
            Err(Stop::Read(error)) => proven.notes.push(error.to_string()),
        }
    }
    proven
}

/// The time that the signer claims. It decides nothing.
pub(super) fn claimed(signer: &SignerInfo) -> Option<Timestamp> {
    let der = signer.signed_attribute(SIGNING_TIME).ok()??;
    let any = AnyRef::from_der(der).ok()?;
    let since: Duration = any
        .decode_as::<UtcTime>()
        .map(|time| time.to_unix_duration())
        .or_else(|_| any.decode_as::<GeneralizedTime>().map(|time| time.to_unix_duration()))
        .ok()?;
    Timestamp::from_seconds(since.as_secs())
}
