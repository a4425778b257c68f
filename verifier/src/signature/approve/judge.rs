// SPDX-License-Identifier: Apache-2.0
//! One demand, the signer that it names and the bytes that it needs → one checker's evidence.
//!
//! The one place that leads from a kind of demand to its checker, for a bundle that is proven and for a
//! recipe that is locked alike.

use std::io;

use manifests::bundle::{Authority, CertificateIdentity, EvidenceDemand, Signer, SignerIdentity};
use manifests::evidence::Evidence;
use manifests::name::PortablePath;
use manifests::time::Timestamp;

use crate::bytes::Bytes;
use crate::signature::apt::release::MAX_RELEASE_BYTES;
use crate::signature::openpgp::{self, Check, MAX_KEY_BYTES, MAX_SIGNATURE_BYTES, Sha1, Supplied};
use crate::signature::x509::Budget;
use crate::signature::x509::demand::CertificateDemand;
use crate::signature::x509::{self, Certificate};
use crate::signature::{Reason, Stop, Tolerated, apple, apt, authenticode, deb, rpm, zip_member};
use crate::unpack::Bound;

/// A demand and who is to meet it.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// What is demanded.
    pub demand: &'a EvidenceDemand,
    /// The signer that it names.
    pub signer: &'a Signer,
    /// The time of judgement.
    pub now: Timestamp,
}

/// The bytes that stand beside an artifact: signatures, keys, CA certificates, a repository's index.
pub trait Beside {
    /// The file at this place in the bundle; none where there is none.
    fn get(&self, path: &PortablePath) -> io::Result<Option<Box<dyn Bytes + '_>>>;
}

impl<'a> Case<'a> {
    /// Reads a detached OpenPGP signature over a whole file, and the keys for it. An error is the verdict
    /// already.
    pub fn openpgp(&self, signature: &[u8], keys: &[&[u8]]) -> Result<Check, Evidence> {
        let SignerIdentity::Key { openpgp: pins, .. } = &self.signer.identity else {
            return Err(openpgp::unsigned());
        };
        openpgp::prepare(&openpgp::Demand { signature, keys, pins, now: self.now, sha1: self.sha1() })
    }

    /// Judges a demand of any kind but a detached signature over the whole file, for which [`Case::openpgp`]
    /// asks for no more than digests.
    pub fn judge(&self, file: &dyn Bytes, beside: &impl Beside) -> io::Result<Evidence> {
        let judged = match &self.signer.identity {
            SignerIdentity::Key { openpgp, key } => whole(beside, key, MAX_KEY_BYTES).and_then(|key| {
                let (keys, now, sha1) = (&[&*key][..], self.now, self.sha1());
                self.by_key(file, beside, &Supplied { keys, pins: openpgp, now, sha1 })
            }),
            SignerIdentity::Certificate(identity) => self.by_certificate(file, beside, identity),
        };
        judged.or_else(|stop| stop.into_evidence(self.demand.kind()))
    }

    fn by_key(
        &self,
        file: &dyn Bytes,
        beside: &impl Beside,
        supplied: &Supplied<'_>,
    ) -> Result<Evidence, Stop> {
        Ok(match self.demand {
            EvidenceDemand::Rpm { .. } => rpm::check(file, supplied)?,
            EvidenceDemand::Deb { .. } => deb::check(file, supplied)?,
            EvidenceDemand::AptDeb { release, signature, packages, .. } => {
                let release = whole(beside, release, MAX_RELEASE_BYTES)?;
                let signature =
                    signature.as_ref().map(|path| whole(beside, path, MAX_SIGNATURE_BYTES)).transpose()?;
                let packages = &*get(beside, packages)?;
                let chain = apt::Chain { release: &release, signature: signature.as_deref(), packages };
                apt::package(file, &chain, supplied)?
            }
            EvidenceDemand::ZipMember { member, signature, .. } => {
                let signature = whole(beside, signature, MAX_SIGNATURE_BYTES)?;
                let Supplied { keys, pins, now, sha1 } = *supplied;
                let demand = openpgp::Demand { signature: &signature, keys, pins, now, sha1 };
                zip_member::check(file, member.as_str(), Some(&demand), Bound::Ratio)?
            }
            _ => return Err(unsuited()),
        })
    }

    fn by_certificate(
        &self,
        file: &dyn Bytes,
        beside: &impl Beside,
        identity: &CertificateIdentity,
    ) -> Result<Evidence, Stop> {
        let for_signers = authorities(beside, &identity.authorities)?;
        let for_timestamps = authorities(beside, &identity.timestamp_authorities)?;
        let demand = CertificateDemand {
            authorities: &for_signers,
            timestamp_authorities: (!for_timestamps.is_empty()).then_some(&for_timestamps),
            pins: &identity.certificates,
            publisher: identity.publisher.as_deref(),
            team: identity.team.as_deref(),
            now: self.now,
            tolerated: self.tolerated(),
            budget: &Budget::default(),
        };
        Ok(match self.demand {
            EvidenceDemand::Authenticode { member, .. } => {
                within(file, member.as_ref(), |file| authenticode::check(file, &demand))?
            }
            EvidenceDemand::ApplePkg { .. } => apple::package::check(file, &demand)?,
            EvidenceDemand::AppleCode { member, .. } => {
                within(file, member.as_ref(), |file| apple::code::check(file, &demand))?
            }
            _ => return Err(unsuited()),
        })
    }

    fn tolerated(&self) -> Tolerated<'a> {
        Tolerated(&self.signer.allow)
    }

    fn sha1(&self) -> Sha1 {
        if self.tolerated().sha1() { Sha1::Allowed } else { Sha1::Refused }
    }
}

/// Checks a file, or the member of a zip that the demand names: then the zip as a whole keeps the rules of archives.
fn within(
    file: &dyn Bytes,
    member: Option<&PortablePath>,
    check: impl FnOnce(&dyn Bytes) -> io::Result<Evidence>,
) -> Result<Evidence, Stop> {
    let Some(member) = member else { return Ok(check(file)?) };
    let zip_member::Extracted { bytes, others } = zip_member::extract(file, member.as_str(), Bound::Ratio)?;
    let mut evidence = check(&bytes)?;
    for covered in &mut evidence.covers {
        covered.what = format!("member {member}: {}", covered.what);
    }
    evidence.not_covered.extend(others);
    Ok(evidence)
}

/// The rules of the manifest keep a demand from a signer that cannot meet it.
fn unsuited() -> Stop {
    Stop::found(Reason::NotHashed, "the signer cannot give such evidence")
}

fn get<'b>(beside: &'b impl Beside, path: &PortablePath) -> Result<Box<dyn Bytes + 'b>, Stop> {
    beside.get(path)?.ok_or_else(|| Stop::found(Reason::NotHashed, format!("{path} was not kept")))
}

/// All of a file, or one byte more than `limit`, so that the checker sees the excess.
fn whole(beside: &impl Beside, path: &PortablePath, limit: usize) -> Result<Vec<u8>, Stop> {
    let bytes = get(beside, path)?;
    let length = usize::try_from(bytes.length()).unwrap_or(usize::MAX).min(limit.saturating_add(1));
    let mut whole = vec![0; length];
    bytes.read_at(0, &mut whole)?;
    Ok(whole)
}

/// The CAs that are pinned, of those that their files carry.
fn authorities(beside: &impl Beside, pinned: &[Authority]) -> Result<Vec<Certificate>, Stop> {
    let mut authorities = Vec::new();
    for Authority { file, fingerprint } in pinned {
        let bytes = whole(beside, file, x509::read::MAX_FILE_BYTES)?;
        let found = x509::read::certificates(&[bytes])?.certificates;
        let of_pin = found.into_iter().find(|certificate| certificate.digest() == *fingerprint);
        authorities.push(of_pin.ok_or_else(|| {
            Stop::found(Reason::AuthorityNotCarried, format!("{file} carries no certificate {fingerprint}"))
        })?);
    }
    Ok(authorities)
}
