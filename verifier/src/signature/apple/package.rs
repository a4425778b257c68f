// SPDX-License-Identifier: Apache-2.0
//! Flat packages: a XAR archive and a demand in, evidence out.
//!
//! Proven for a good package: a Developer ID Installer certificate of the demanded team signed the table of
//! contents, and every file in the package has the checksums that the table states. What lies in the heap and
//! the table does not name is not covered, and reported as such.

use std::io;

use const_oid::ObjectIdentifier;
use manifests::evidence::{Covered, Evidence, Verdict};
use spki::AlgorithmIdentifierOwned;

use super::certificates::Role;
use super::fields::{as_u64, malformed};
use super::heap::{self, Heap};
use super::judge::{Detached, Padding, Sound, detached, judge, unfit};
use super::macho::read;
use super::ticket;
use super::toc::{self, HeapRange, Toc, TocSignature};
use super::xar::{self, Xar};
use crate::bytes::{Bytes, Part};
use crate::signature::digest::Algorithm;
use crate::signature::x509::demand::CertificateDemand;
use crate::signature::x509::key::{Failure, PublicKey};
use crate::signature::{Reason, Stop, Tolerated, conclude};
use manifests::evidence::Weak;

/// The kind as documents name it.
pub const KIND: &str = "apple-pkg";

/// Most bytes of one signature. `productsign` keeps 9 KiB free for a CMS signature with its timestamp.
pub const MAX_SIGNATURE_BYTES: u64 = 256 * 1024;
/// Most signatures of one package: there are an RSA and a CMS signature.
pub const MAX_SIGNATURES: usize = 8;

/// Judges a package.
pub fn check(file: &dyn Bytes, demand: &CertificateDemand<'_>) -> io::Result<Evidence> {
    examine(file, demand).or_else(|stop| stop.into_evidence(KIND))
}

fn examine(file: &dyn Bytes, demand: &CertificateDemand<'_>) -> Result<Evidence, Stop> {
    let xar = xar::open(file)?;
    let toc = toc::parse(&xar.text)?;
    let heap = Part::new(file, xar.heap, file.length().saturating_sub(xar.heap))
        .ok_or_else(|| malformed("the file ends before its heap"))?;
    let ticket = ticket::at_end(file)?;
    let open = not_covered(&toc, &heap, ticket)?;
    if toc.signatures.is_empty() {
        return Err(Stop::found(Reason::NoSignature, "the table of contents names no signature"));
    }
    if toc.signatures.len() > MAX_SIGNATURES {
        return Err(Stop::found(Reason::LimitExceeded, format!("{} signatures", toc.signatures.len())));
    }
    let algorithm = table_matches(&xar, &toc, &heap)?;
    let contents = heap::check(&heap, &toc)?;
    let subject = Subject { xar: &xar, toc: &toc, heap: &heap, algorithm, demand };
    let mut judged = Vec::new();
    for signature in &toc.signatures {
        judged.extend(subject.signature(signature)?);
    }
    let mut judged = conclude(judged).ok_or_else(|| malformed("there is no signature"))?;
    report(&mut judged, contents, open, &xar, ticket);
    Ok(judged)
}

/// Whether the stored checksum is that of the table. It is not what signatures are checked against, but a
/// reader that trusts it would take another table for the signed one.
fn table_matches(xar: &Xar, toc: &Toc, heap: &dyn Bytes) -> Result<Algorithm, Stop> {
    let (Some(algorithm), Some((style, range))) = (xar.algorithm, toc.checksum) else {
        return Err(malformed("the table of contents is signed, and has no checksum"));
    };
    if algorithm != style {
        return Err(malformed(format!(
            "the header says that the table's checksum is made with {}, the table says {}",
            algorithm.name(),
            style.name()
        )));
    }
    if range.length != as_u64(algorithm.length()) {
        return Err(malformed(format!("a checksum of {} bytes by {}", range.length, algorithm.name())));
    }
    if read(heap, range.start, range.length, "the checksum")? != xar.checksum {
        let note = "the table of contents does not have the checksum that is stored for it";
        return Err(Stop::found(Reason::DigestMismatch, note));
    }
    Ok(algorithm)
}

/// What the table names nowhere, in words; nothing may share bytes.
fn not_covered(toc: &Toc, heap: &dyn Bytes, ticket: Option<u64>) -> Result<Vec<String>, Stop> {
    let ticket = ticket.unwrap_or(0);
    let mut open = Vec::new();
    let length = heap.length().saturating_sub(ticket);
    let used = heap::gaps(toc, length)?;
    for HeapRange { start, length } in used {
        open.push(format!("{length} bytes of the heap from {start} on, in which no file stands"));
    }
    if ticket > 0 {
        open.push(format!("{ticket} bytes of a stapled notarization ticket"));
    }
    if toc.attributes > 0 {
        open.push(format!("{} extended attributes of files, which installers do not read", toc.attributes));
    }
    Ok(open)
}

/// A package whose table is the one that its checksum is about.
struct Subject<'a> {
    xar: &'a Xar,
    toc: &'a Toc,
    heap: &'a dyn Bytes,
    algorithm: Algorithm,
    demand: &'a CertificateDemand<'a>,
}

impl Subject<'_> {
    fn signature(&self, signature: &TocSignature) -> Result<Vec<Evidence>, Stop> {
        if signature.range.length > MAX_SIGNATURE_BYTES {
            let note = format!("a signature of {} bytes", signature.range.length);
            return Err(Stop::found(Reason::LimitExceeded, note));
        }
        let bytes = read(self.heap, signature.range.start, signature.range.length, "a signature")?;
        match signature.style.as_str() {
            "RSA" => Ok(vec![self.rsa(signature, &bytes)?]),
            "CMS" => self.cms(signature, &bytes),
            other => {
                let note = format!("a signature of style {other}, which is not known here");
                Ok(vec![Stop::found(Reason::KeyNotSupplied, note).into_evidence(KIND)?])
            }
        }
    }

    /// What the demand tolerates of what stands over the table. `sha1-toc` is about the table's checksum, and
    /// so about those of files that stand in it and about signatures that stand over it.
    fn tolerated(&self) -> Tolerated<'_> {
        const SHA1: [Weak; 1] = [Weak::Sha1];
        let tolerated = self.demand.tolerated;
        let bears = self.algorithm == Algorithm::Sha1 && tolerated.sha1_in_table_of_contents();
        if bears { Tolerated(&SHA1) } else { tolerated }
    }

    /// Why the package rests on SHA-1 where the demand does not tolerate it.
    fn weak(&self) -> Option<Stop> {
        let weak = |what| Some(Stop::found(Reason::WeakHash, format!("{what} SHA-1")));
        // `sha1-toc` is for tables by SHA-1, whose files' checksums are no better in genuine packages.
        if self.tolerated().sha1() {
            None
        } else if self.algorithm == Algorithm::Sha1 {
            weak("the checksum of the table of contents is made with")
        } else if self.toc.members_by(Algorithm::Sha1) {
            weak("the table of contents states checksums of files made with")
        } else {
            None
        }
    }

    /// PKCS#1 v1.5 by the first certificate. Apple's tools sign the checksum as the digest that it is
    /// (`kSecPaddingPKCS1SHA1` and its like), which is a signature over the table; others, rcodesign among
    /// them, sign the checksum as a message. Both bind the table.
    fn rsa(&self, signature: &TocSignature, bytes: &[u8]) -> Result<Evidence, Stop> {
        let Some(leaf) = signature.certificates.first() else {
            let note = "the RSA signature names no certificate";
            return Ok(Stop::found(Reason::KeyNotSupplied, note).into_evidence(KIND)?);
        };
        let weak = match leaf.key() {
            Err(unusable) => {
                let note = format!("the signer's key: {unusable}");
                return Ok(unfit(KIND, Stop::found(Reason::UnknownAlgorithm, note), leaf)?);
            }
            Ok(key) => match self.rsa_fits(key, bytes) {
                Ok(()) => self.weak(),
                Err(stop @ Stop::Found(Reason::WeakKey | Reason::UnknownAlgorithm, _)) => Some(stop),
                Err(stop) => return Ok(unfit(KIND, stop, leaf)?),
            },
        };
        let sound = Sound {
            leaf,
            intermediates: &signature.certificates,
            signature: bytes,
            tokens: &[],
            claimed: None,
            weak,
            signed_fault: None,
            role: Role::Installer,
        };
        Ok(judge(KIND, sound, self.demand)?)
    }

    fn rsa_fits(&self, key: &PublicKey, signature: &[u8]) -> Result<(), Stop> {
        let checksum = &self.xar.checksum;
        let ways =
            [(self.algorithm, &self.xar.table), (self.algorithm, checksum), (Algorithm::Sha256, checksum)];
        let mut last = Failure::Mismatch;
        for (algorithm, message) in ways {
            match key.verify(&rsa_with(algorithm)?, None, message, signature) {
                Ok(_) => return Ok(()),
                Err(failure) => last = failure,
            }
        }
        Err(match last {
            Failure::Mismatch => Stop::found(
                Reason::DigestMismatch,
                "the RSA signature was not made over this table of contents by the key of its certificate",
            ),
            Failure::WeakKey(what) | Failure::WeakDigest(what) => Stop::found(Reason::WeakKey, what),
            Failure::Unknown(what) => Stop::found(Reason::UnknownAlgorithm, what),
            Failure::Malformed(what) => Stop::found(Reason::SignatureMalformed, what),
        })
    }

    fn cms(&self, signature: &TocSignature, bytes: &[u8]) -> Result<Vec<Evidence>, Stop> {
        let cms = Detached {
            cms: bytes,
            padding: Padding::Zeros,
            content: &self.xar.checksum,
            beside: &signature.certificates,
            tolerated: self.tolerated(),
            weak: &|| self.weak(),
            role: Role::Installer,
        };
        detached(KIND, &cms, self.demand, &|_, _| Ok(None))
    }
}

/// `…WithRSAEncryption` (RFC 8017 A.2.4).
fn rsa_with(algorithm: Algorithm) -> Result<AlgorithmIdentifierOwned, Stop> {
    let last = match algorithm {
        Algorithm::Sha1 => "1.2.840.113549.1.1.5",
        Algorithm::Sha224 => "1.2.840.113549.1.1.14",
        Algorithm::Sha256 => "1.2.840.113549.1.1.11",
        Algorithm::Sha384 => "1.2.840.113549.1.1.12",
        Algorithm::Sha512 => "1.2.840.113549.1.1.13",
    };
    let oid = ObjectIdentifier::new(last).map_err(|_| malformed("no such algorithm"))?;
    Ok(AlgorithmIdentifierOwned { oid, parameters: None })
}

/// What people should know beside the verdict.
fn report(judged: &mut Evidence, contents: Heap, open: Vec<String>, xar: &Xar, ticket: Option<u64>) {
    if judged.verdict == Verdict::Good {
        judged.covers.push(Covered { what: "table of contents".to_owned(), digest: xar.digest });
        judged.covers.extend(contents.covers);
    }
    judged.not_covered.extend(open);
    judged.not_checked.push("revocation".to_owned());
    judged.not_checked.push(match ticket {
        Some(bytes) => format!("notarization: a stapled ticket of {bytes} bytes is present"),
        None => "notarization".to_owned(),
    });
    judged.not_checked.extend(contents.undecoded);
}
