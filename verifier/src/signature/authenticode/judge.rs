// SPDX-License-Identifier: Apache-2.0
//! One signature: its bytes, the file's digests and a demand in; evidence out.
//!
//! What decides, in this order: does it match (`bad`); is the signer the demanded one (`wrong-signer`); are
//! algorithms, usages and times within policy (`outside-policy`).

use manifests::evidence::{Covered, Evidence, Signer, TimeSource, Verdict};

use super::hashing::Digests;
use super::pages::Pages;
use super::spc::{IndirectData, NESTED, OPUS_INFO, Subject, opus_info};
use super::times::{self, Proven};
use super::{KIND, MAX_SIGNATURES, Metadata, is_padding};
use crate::signature::cms::{SignedData, SignerInfo};
use crate::signature::digest::Algorithm;
use crate::signature::x509::demand::CertificateDemand;
use crate::signature::x509::{Certificate, PathDemand, Purpose, build};
use crate::signature::{Reason, Stop, evidence};

use std::ops::Range;

/// A signature that was read.
pub(super) enum Signature {
    /// It has the form of one.
    Read(Box<Read>),
    /// A nested one that does not; what is wrong.
    Unreadable(String),
}

/// Its parts.
pub(super) struct Read {
    signed: SignedData,
    signer: SignerInfo,
    says: IndirectData,
}

/// What a signature came to: good, or why not.
type Answer = Result<(), Stop>;

impl Signature {
    /// Reads a signature and those that are nested in it, outermost first. An outer one that cannot be read is
    /// an error; a nested one stands in an unsigned attribute, so anybody may have put it there.
    pub(super) fn read_all(bytes: &[u8], into: &mut Vec<Self>) -> Result<(), Stop> {
        let outer = Read::from_bytes(bytes).map_err(|note| Stop::found(Reason::SignatureMalformed, note))?;
        let mut waiting = vec![Self::Read(Box::new(outer))];
        while let Some(signature) = waiting.pop() {
            if let Self::Read(read) = &signature {
                for nested in read.signer.unsigned_attributes(NESTED) {
                    waiting.push(match Read::from_bytes(nested) {
                        Ok(nested) => Self::Read(Box::new(nested)),
                        Err(note) => Self::Unreadable(note),
                    });
                }
            }
            into.push(signature);
            if into.len().saturating_add(waiting.len()) > MAX_SIGNATURES {
                let note = format!("more than {MAX_SIGNATURES} signatures");
                return Err(Stop::found(Reason::LimitExceeded, note));
            }
        }
        Ok(())
    }

    /// The digest of the file that it needs.
    pub(super) fn algorithm(&self) -> Option<Algorithm> {
        match self {
            Self::Read(read) => read.says.algorithm,
            Self::Unreadable(_) => None,
        }
    }

    /// The page hashes that it has, laid over the parts of the image.
    pub(super) fn pages(&self, parts: &[Range<u64>]) -> Option<Pages> {
        match self {
            Self::Read(read) => read.says.pages.clone().map(|table| Pages::new(table, parts)),
            Self::Unreadable(_) => None,
        }
    }

    /// The verdict over this one; `place` is its place among all.
    pub(super) fn judge(
        &self,
        place: usize,
        subject: Subject,
        digests: &Digests,
        metadata: &Metadata,
        demand: &CertificateDemand<'_>,
    ) -> Evidence {
        match self {
            Self::Read(read) => read.judge(place, subject, digests, metadata, demand),
            Self::Unreadable(note) => {
                Evidence { notes: vec![note.clone()], ..evidence(KIND, Err(Reason::SignatureMalformed)) }
            }
        }
    }
}

impl Read {
    fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let (signed, taken) = SignedData::parse(bytes).map_err(|error| error.to_string())?;
        let rest = bytes.get(taken..).unwrap_or_default();
        if !is_padding(rest) {
            let first = rest.iter().position(|byte| *byte != 0);
            let which = if first.is_some() { "bytes" } else { "zeros" };
            return Err(format!("{} {which} behind the signature, which nothing covers", rest.len()));
        }
        if signed.content_type() != super::spc::INDIRECT_DATA {
            let found = signed.content_type();
            return Err(format!("the signature is over {found}, where Authenticode signs indirect data"));
        }
        let content = signed.content().ok_or("the signature has no content")?;
        let says = IndirectData::from_der(content.der())
            .map_err(|error| format!("what the signature says of the file: {error}"))?;
        let [signer] = signed.signers() else {
            return Err(format!(
                "{} signers in one signature, where there must be one",
                signed.signers().len()
            ));
        };
        Ok(Self { signer: signer.clone(), says, signed })
    }

    fn judge(
        &self,
        place: usize,
        subject: Subject,
        digests: &Digests,
        metadata: &Metadata,
        demand: &CertificateDemand<'_>,
    ) -> Evidence {
        let mut notes = self.signed.notes().to_vec();
        notes.extend(self.words());
        let certificates = self.signed.certificates();
        let leaf = self.signer.certificate(certificates);
        // A given CA may be the signer itself, and need not come along.
        let leaf = leaf.or_else(|| self.signer.certificate(demand.authorities)).cloned();
        // Filled once the file's digest and the signature fit: a file of nobody costs little.
        let mut proven = Proven::default();
        let mut chain = Vec::new();
        let answer = self
            .matches(place, subject, digests, metadata, &mut notes)
            .and_then(|()| self.signer_fits(leaf.as_ref(), &mut proven, demand, &mut chain));
        let reason = match answer {
            Ok(()) => Ok(()),
            Err(Stop::Found(reason, note)) => {
                notes.extend(Some(note).filter(|note| !note.is_empty()));
                Err(reason)
            }
            // Nothing here reads files.
            Err(Stop::Read(error)) => {
                notes.push(error.to_string());
                Err(Reason::SignatureMalformed)
            }
        };
        let mut answer = evidence(KIND, reason);
        let refuted = matches!(answer.verdict, Verdict::Bad | Verdict::Malformed);
        if let Some(leaf) = &leaf {
            if chain.is_empty() {
                chain.push(leaf.clone());
            }
            answer.signer = Some(Signer {
                id: leaf.digest().to_string(),
                name: Some(leaf.subject()),
                chain: chain.iter().map(|certificate| certificate.digest().to_string()).collect(),
            });
        }
        notes.extend(proven.notes.iter().cloned());
        if let Some(time) = proven.first().filter(|_| !refuted) {
            (answer.signed_at, answer.time_source) = (Some(time.at), Some(TimeSource::Timestamp));
            notes.extend(time.notes.iter().cloned());
            notes.extend(time.chain.first().map(|by| format!("timestamp by {}", by.subject())));
        } else if let Some(claimed) = times::claimed(&self.signer).filter(|_| !refuted) {
            (answer.signed_at, answer.time_source) = (Some(claimed), Some(TimeSource::Signature));
        }
        if reason.is_ok() {
            answer.covers = vec![Covered { what: String::new(), digest: digests.sha256 }];
        }
        if !matches!(answer.verdict, Verdict::Malformed) {
            answer.not_checked.push("revocation".to_owned());
        }
        answer.notes = notes;
        answer
    }

    /// What the signer says about the program.
    fn words(&self) -> Vec<String> {
        match self.signer.signed_attribute(OPUS_INFO) {
            Ok(Some(der)) => {
                opus_info(der).unwrap_or_else(|_| vec!["opus info that cannot be read".to_owned()])
            }
            _ => Vec::new(),
        }
    }

    /// Whether the signature is for this file as it is.
    fn matches(
        &self,
        place: usize,
        subject: Subject,
        digests: &Digests,
        metadata: &Metadata,
        notes: &mut Vec<String>,
    ) -> Answer {
        if self.says.subject != subject {
            return Err(Stop::found(Reason::SignatureMalformed, "a signature for another kind of file"));
        }
        // An unknown algorithm is left for the policy, which knows who signed.
        let Some(algorithm) = self.says.algorithm else { return Ok(()) };
        if let Some((_, false)) = metadata.iter().find(|(other, _)| *other == algorithm) {
            let note = "names, lengths or times of streams are not those of MsiDigitalSignatureEx";
            return Err(Stop::found(Reason::DigestMismatch, note));
        }
        let found = digests.by(algorithm).unwrap_or_default();
        if found != self.says.digest {
            let note = format!(
                "{} of the file: signed {}, found {}",
                algorithm.name(),
                hex(&self.says.digest),
                hex(found)
            );
            return Err(Stop::found(Reason::DigestMismatch, note));
        }
        match digests.pages.get(place) {
            Some(Some(pages)) if !pages.agree() => {
                Err(Stop::found(Reason::DigestMismatch, "the page hashes are not those of the image"))
            }
            Some(Some(_)) => {
                notes.push("the page hashes agree too".to_owned());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Whether the demanded signer made the signature, within policy.
    fn signer_fits(
        &self,
        leaf: Option<&Certificate>,
        proven: &mut Proven,
        demand: &CertificateDemand<'_>,
        chain: &mut Vec<Certificate>,
    ) -> Answer {
        let Some(leaf) = leaf else {
            return Err(Stop::found(Reason::KeyNotSupplied, "the signer's certificate is not there"));
        };
        let tolerated = demand.tolerated;
        let content = self.signed.content().map(|content| content.value()).unwrap_or_default();
        demand.budget.signature(leaf)?;
        let made = self.signer.verify(leaf, content, self.signed.content_type(), tolerated);
        if let Err(Stop::Found(reason, note)) = &made
            && matches!(reason.verdict(), Verdict::Bad | Verdict::Malformed)
        {
            return Err(Stop::found(*reason, note.clone()));
        }
        *proven = times::proven(&self.signer, self.signed.certificates(), demand);
        let path = self.path(leaf, proven, demand);
        let decides =
            |stop: &Stop, verdict| matches!(stop, Stop::Found(reason, _) if reason.verdict() == verdict);
        match path {
            Ok(path) => *chain = path,
            // Who it is comes before what is wrong with it.
            Err(stop) if !decides(&stop, Verdict::OutsidePolicy) => return Err(stop),
            Err(stop) => {
                identity(leaf, demand)?;
                return Err(made.err().unwrap_or(stop));
            }
        }
        identity(leaf, demand)?;
        made?;
        match self.says.algorithm {
            Some(Algorithm::Sha1) if !tolerated.sha1() => {
                Err(Stop::found(Reason::WeakHash, "the file's digest is SHA-1"))
            }
            Some(_) => Ok(()),
            None => {
                let note = format!("the file's digest is {}", self.says.algorithm_id);
                Err(Stop::found(Reason::UnknownAlgorithm, note))
            }
        }
    }

    /// The path at the time that counts: a proven one, else the time of judgement; always the latter for a
    /// certificate with the usage "lifetime signing", which no timestamp prolongs.
    fn path(
        &self,
        leaf: &Certificate,
        proven: &Proven,
        demand: &CertificateDemand<'_>,
    ) -> Result<Vec<Certificate>, Stop> {
        let at = |at| {
            let demand = PathDemand {
                authorities: demand.anchors(leaf),
                intermediates: self.signed.certificates(),
                purpose: Purpose::CodeSigning,
                at,
                tolerated: demand.tolerated,
                known_critical: &[],
                budget: demand.budget,
            };
            build(leaf, &demand)
        };
        let usages = leaf.extended_key_usage().unwrap_or_default();
        if usages.contains(&super::spc::LIFETIME_SIGNING) {
            return proven.instead(at(demand.now));
        }
        let mut first = None;
        for time in &proven.times {
            match at(time.at) {
                Ok(path) => return Ok(path),
                Err(stop) => first = first.or(Some(stop)),
            }
        }
        if let Some(stop) = first {
            return Err(stop);
        }
        proven.instead(at(demand.now))
    }
}

/// Whether it is one of the demanded signers.
fn identity(leaf: &Certificate, demand: &CertificateDemand<'_>) -> Answer {
    if !demand.pins(leaf) {
        return Err(Stop::found(Reason::NotPinned, "the signer's certificate is none of the pinned ones"));
    }
    if !demand.names(leaf) {
        let wanted = demand.publisher.unwrap_or_default();
        let note = format!("the publisher is {}, demanded was {wanted}", leaf.subject());
        return Err(Stop::found(Reason::NotPinned, note));
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
