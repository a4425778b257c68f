// SPDX-License-Identifier: Apache-2.0
//! Who made a signature that fits its data: chain, time, pins, team and marker, as evidence.

use std::io;

use const_oid::ObjectIdentifier;
use der::Decode as _;
use der::asn1::AnyRef;
use manifests::evidence::{Evidence, Signer, TimeSource, Verdict};
use manifests::time::Timestamp;

use super::certificates::{self, Role};
use super::fields::malformed;
use crate::signature::cms::{SignedData, SignerInfo};
use crate::signature::timestamp::{self, MAX_TIMESTAMPS, ProvenTime};
use crate::signature::x509::demand::CertificateDemand;
use crate::signature::x509::{Certificate, PathDemand, Purpose, build, signing_time};
use crate::signature::{Reason, Stop, Tolerated, evidence};

/// `id-aa-timeStampToken` (RFC 3161, appendix A).
const TIMESTAMP_TOKEN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.14");
/// `id-data` (RFC 5652 §4): what Apple's tools say that they sign.
const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");

/// `id-signingTime` (RFC 5652 §11.3).
const SIGNING_TIME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.5");

/// A signature that fits its data.
pub(super) struct Sound<'a> {
    /// The certificate that verifies it.
    pub(super) leaf: &'a Certificate,
    /// What came along and may stand between the leaf and a given CA.
    pub(super) intermediates: &'a [Certificate],
    /// The signature's octets, which timestamps stamp.
    pub(super) signature: &'a [u8],
    /// Timestamp tokens.
    pub(super) tokens: &'a [&'a [u8]],
    /// When the signer says that it was made: shown where no time is proven, and decides nothing.
    pub(super) claimed: Option<Timestamp>,
    /// Why it rests on something that the demand does not tolerate, if it does.
    pub(super) weak: Option<Stop>,
    /// A fault of what was signed, which the signer vouches for: it counts once the signer is known.
    pub(super) signed_fault: Option<Stop>,
    /// What the signer could have signed this for.
    pub(super) role: Role,
}

/// The evidence that a sound signature amounts to.
pub(super) fn judge(
    kind: &'static str,
    sound: Sound<'_>,
    demand: &CertificateDemand<'_>,
) -> io::Result<Evidence> {
    let mut known = Known { path: vec![sound.leaf.clone()], proven: None, notes: Vec::new() };
    let claimed = sound.claimed;
    let answer = answer(sound, demand, &mut known);
    let Known { path, proven, notes } = known;
    let mut judged = match answer {
        Ok(()) => evidence(kind, Ok(())),
        Err(stop) => stop.into_evidence(kind)?,
    };
    judged.notes.extend(notes);
    judged.signer = path.first().map(|leaf| Signer {
        id: leaf.digest().to_string(),
        name: Some(leaf.subject()),
        chain: path.iter().map(|one| one.digest().to_string()).collect(),
    });
    let source = if proven.is_some() { TimeSource::Timestamp } else { TimeSource::Signature };
    judged.signed_at = proven.or(claimed);
    judged.time_source = judged.signed_at.map(|_| source);
    Ok(judged)
}

/// What was found out on the way to an answer.
struct Known {
    path: Vec<Certificate>,
    proven: Option<Timestamp>,
    notes: Vec<String>,
}

fn answer(sound: Sound<'_>, demand: &CertificateDemand<'_>, known: &mut Known) -> Result<(), Stop> {
    let chained = chain(&sound, demand, known);
    let path = match chained {
        Err(stop @ Stop::Read(_)) => return Err(stop),
        Err(Stop::Found(reason, note)) if reason.verdict() != Verdict::OutsidePolicy => {
            return Err(Stop::Found(reason, note));
        }
        chained => chained,
    };
    if !demand.pins(sound.leaf) {
        return Err(Stop::found(Reason::NotPinned, "the signer's certificate is none of the pinned ones"));
    }
    if let Some(wanted) = demand.team {
        let found = certificates::team(sound.leaf);
        if found.as_deref() != Some(wanted) {
            let found = found.as_deref().unwrap_or("none");
            return Err(Stop::found(
                Reason::NotPinned,
                format!("the signer's team is {found}, not {wanted}"),
            ));
        }
    }
    if let Some(weak) = sound.weak {
        return Err(weak);
    }
    known.path = path?;
    certificates::may_sign(&known.path, sound.role)?;
    sound.signed_fault.map_or(Ok(()), Err)
}

/// A path to a given CA, valid at the proven time, or else at the time of judgement.
fn chain(
    sound: &Sound<'_>,
    demand: &CertificateDemand<'_>,
    known: &mut Known,
) -> Result<Vec<Certificate>, Stop> {
    let at = |at| path(sound, demand, at);
    match proven_time(sound, demand) {
        Some(Ok(proven)) => {
            known.proven = Some(proven.at);
            known.notes.extend(proven.notes);
            at(proven.at)
        }
        None => at(demand.now),
        Some(Err(stop @ Stop::Read(_))) => Err(stop),
        // A proven time that has not come yet is wrong, whether it is needed or not.
        Some(Err(stop @ Stop::Found(Reason::TimestampFromTheFuture, _))) => match at(demand.now) {
            Err(Stop::Found(reason, note)) if reason.verdict() == Verdict::WrongSigner => {
                Err(Stop::Found(reason, note))
            }
            Err(read @ Stop::Read(_)) => Err(read),
            _ => Err(stop),
        },
        Some(Err(Stop::Found(reason, note))) => match at(demand.now) {
            Err(stop) if is_of_time(&stop) => Err(needed(reason, note, stop)),
            path => {
                known.notes.push(format!(
                    "the timestamp was not needed and proves nothing ({}): {note}",
                    reason.as_str()
                ));
                path
            }
        },
    }
}

/// What a token that proves nothing amounts to where the certificates have lapsed: broken ones are `bad`, weak
/// ones say so; an authority that nobody gave leaves the lapse.
fn needed(reason: Reason, note: String, lapsed: Stop) -> Stop {
    match reason.verdict() {
        Verdict::Bad | Verdict::OutsidePolicy => {
            Stop::found(reason, format!("the timestamp is needed, since a certificate has lapsed: {note}"))
        }
        Verdict::Malformed => Stop::found(
            Reason::TimestampBroken,
            format!("the timestamp is needed, since a certificate has lapsed, and is broken: {note}"),
        ),
        _ => match lapsed {
            Stop::Found(lapse, what) => {
                Stop::found(lapse, format!("{what}; and the timestamp proves nothing: {note}"))
            }
            read => read,
        },
    }
}

/// Whether it is the dates of certificates that stand in the way.
fn is_of_time(stop: &Stop) -> bool {
    matches!(stop, Stop::Found(Reason::CertificateExpired | Reason::CertificateNotYetValid, _))
}

fn path(sound: &Sound<'_>, demand: &CertificateDemand<'_>, at: Timestamp) -> Result<Vec<Certificate>, Stop> {
    let demand = PathDemand {
        authorities: demand.anchors(sound.leaf),
        intermediates: sound.intermediates,
        purpose: Purpose::Any,
        at,
        tolerated: demand.tolerated,
        known_critical: &certificates::known_critical(),
        budget: demand.budget,
    };
    build(sound.leaf, &demand)
}

/// The time that the first good token proves; where none is good, why the first is not.
fn proven_time(sound: &Sound<'_>, demand: &CertificateDemand<'_>) -> Option<Result<ProvenTime, Stop>> {
    let mut first = None;
    for token in sound.tokens.iter().take(MAX_TIMESTAMPS) {
        let (authorities, stamped) = (demand.for_timestamps(), sound.signature);
        let proven =
            timestamp::token(token, stamped, authorities, demand.now, demand.tolerated, demand.budget);
        if proven.is_ok() {
            return Some(proven);
        }
        first = first.or(Some(proven));
    }
    first
}

/// What is to be known of a detached CMS signature.
pub(super) struct Detached<'a> {
    /// The SignedData.
    pub(super) cms: &'a [u8],
    /// Zeros that may follow it, where a place of fixed size was kept free.
    pub(super) padding: Padding,
    /// What is signed.
    pub(super) content: &'a [u8],
    /// Certificates that came along outside.
    pub(super) beside: &'a [Certificate],
    /// Weaknesses that this signature may have.
    pub(super) tolerated: Tolerated<'a>,
    /// Why what is signed rests on something that the demand does not tolerate, if it does.
    pub(super) weak: &'a dyn Fn() -> Option<Stop>,
    pub(super) role: Role,
}

/// Whether zeros may follow a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Padding {
    Zeros,
    Nothing,
}

/// Whether what a signer signed along fits, and, where it does, what is wrong in itself with what was signed.
pub(super) type Bound<'a> = &'a dyn Fn(&SignerInfo, &Certificate) -> Result<Option<Stop>, Stop>;

/// Judges every signer of a detached CMS signature.
pub(super) fn detached(
    kind: &'static str,
    detached: &Detached<'_>,
    demand: &CertificateDemand<'_>,
    bound: Bound<'_>,
) -> Result<Vec<Evidence>, Stop> {
    let broken = |error| Stop::found(Reason::SignatureMalformed, format!("the CMS signature: {error}"));
    let (signed, taken) = SignedData::parse(detached.cms).map_err(broken)?;
    let rest = detached.cms.get(taken..).unwrap_or_default();
    if (detached.padding == Padding::Nothing && !rest.is_empty()) || rest.iter().any(|&byte| byte != 0) {
        return Err(Stop::found(
            Reason::SignatureMalformed,
            format!("{} bytes follow the CMS signature", rest.len()),
        ));
    }
    if signed.content().is_some() {
        return Err(Stop::found(Reason::SignatureMalformed, "the CMS signature brings its own content"));
    }
    let certificates: Vec<Certificate> =
        signed.certificates().iter().chain(detached.beside).cloned().collect();
    let among: Vec<Certificate> = certificates.iter().chain(demand.authorities).cloned().collect();
    let mut judged = Vec::new();
    for signer in signed.signers() {
        let Some(leaf) = signer.certificate(&among) else {
            let note = "the certificate of a signer is not there";
            judged.push(Stop::found(Reason::KeyNotSupplied, note).into_evidence(kind)?);
            continue;
        };
        let verify = |tolerated| signer.verify(leaf, detached.content, DATA, tolerated);
        // First whether it fits at all, then whether that is worth anything: bad comes before weak.
        let fits = verify(Tolerated(&EVERY_WEAKNESS)).and_then(|()| bound(signer, leaf));
        let tokens = signer.unsigned_attributes(TIMESTAMP_TOKEN);
        let (weak, signed_fault) = match fits {
            Ok(fault) => ((detached.weak)().or_else(|| verify(detached.tolerated).err()), fault),
            Err(Stop::Found(reason, note)) if reason.verdict() == Verdict::OutsidePolicy => {
                (Some(Stop::Found(reason, note)), None)
            }
            Err(stop) => {
                judged.push(unfit(kind, stop, leaf)?);
                continue;
            }
        };
        let sound = Sound {
            leaf,
            intermediates: &certificates,
            signature: signer.signature(),
            tokens: &tokens,
            claimed: claimed_time(signer),
            weak,
            signed_fault,
            role: detached.role,
        };
        judged.push(judge(kind, sound, demand)?);
    }
    if judged.is_empty() {
        return Err(malformed("the CMS signature has no signer"));
    }
    Ok(judged)
}

/// The signing-time attribute (RFC 5652 §11.3). One that cannot be read is none.
fn claimed_time(signer: &SignerInfo) -> Option<Timestamp> {
    let der = signer.signed_attribute(SIGNING_TIME).ok().flatten()?;
    AnyRef::from_der(der).ok().and_then(|value| signing_time(value).ok())
}

/// All that a demand could name: used to tell what does not fit from what is weak.
const EVERY_WEAKNESS: [manifests::evidence::Weak; 3] = manifests::evidence::Weak::ALL;

/// A signature that does not fit, by whoever's certificate verifies it.
pub(super) fn unfit(kind: &'static str, stop: Stop, leaf: &Certificate) -> io::Result<Evidence> {
    let mut judged = stop.into_evidence(kind)?;
    let id = leaf.digest().to_string();
    judged.signer = Some(Signer { chain: vec![id.clone()], id, name: Some(leaf.subject()) });
    Ok(judged)
}
