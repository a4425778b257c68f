// SPDX-License-Identifier: Apache-2.0
//! Authenticode: signatures inside programs (PE), Windows Installer files (MSI, MSP) and cabinets.
//!
//! In: a file and a demand. Out: one verdict over all signatures that the file carries: those of the
//! certificate table, and those nested in them (a SHA-256 signature beside one of SHA-1). The file is read
//! once. What is proven: that the demanded publisher, by a chain to a given CA, signed every byte of the
//! file but those that [`Evidence::not_covered`] lists.
//!
//! Order: the file's own structure (`pe`, `msi`, `cabinet`), the signatures (`spc`), one pass of
//! digests (`hashing`), then each signature by itself (`judge`).

mod cabinet;
mod directory;
mod fields;
mod hashing;
mod judge;
mod msi;
mod pages;
mod pe;
mod sectors;
mod spc;
#[cfg(test)]
mod tests;
mod times;

use std::io;
use std::ops::Range;

use manifests::evidence::Evidence;

use super::x509::demand::CertificateDemand;
use super::{Reason, Stop, conclude, evidence};
use crate::bytes::Bytes;
pub use directory::{MAX_DIRECTORY_ENTRIES, MAX_STORAGE_DEPTH};
use fields::malformed;
use hashing::{Digests, Hashes};
use judge::Signature;
use msi::Installer;
pub use msi::root_streams;
pub use pe::{MAX_CERTIFICATE_ENTRIES, MAX_SECTIONS};
pub use sectors::{MAX_MINI_SECTORS, MAX_SECTORS};
use spc::Subject;

/// The word for this kind in documents.
pub const KIND: &str = "authenticode";
/// All signatures of one file. With page hashes of a driver of 100 MiB one has a MiB.
pub const MAX_SIGNATURE_BYTES: usize = 4 * 1024 * 1024;
/// Signatures of one file, nested ones included: one or two are usual.
pub const MAX_SIGNATURES: usize = 16;

/// Whether a file is of one of the kinds that Authenticode signs, by its content.
pub fn recognise(file: &dyn Bytes) -> io::Result<bool> {
    let answer = pe::recognise(file)
        .and_then(|found| if found { Ok(true) } else { msi::recognise(file) })
        .and_then(|found| if found { Ok(true) } else { cabinet::recognise(file) });
    match answer {
        Ok(found) => Ok(found),
        Err(Stop::Read(error)) => Err(error),
        // It ends within its first header.
        Err(Stop::Found(..)) => Ok(false),
    }
}

/// Checks a file.
pub fn check(file: &dyn Bytes, demand: &CertificateDemand<'_>) -> io::Result<Evidence> {
    judge_file(file, demand).or_else(|stop| stop.into_evidence(KIND))
}

fn judge_file(file: &dyn Bytes, demand: &CertificateDemand<'_>) -> Result<Evidence, Stop> {
    let mut container = Container::read(file)?;
    let mut signatures = Vec::new();
    for bytes in container.signatures() {
        Signature::read_all(bytes, &mut signatures)?;
    }
    if signatures.is_empty() {
        let mut answer = evidence(KIND, Err(Reason::NoSignature));
        answer.not_checked.push("catalogues: one may cover this file".to_owned());
        return Ok(answer);
    }
    let (digests, not_covered) = container.digests(file, &signatures)?;
    let metadata = container.metadata(&signatures)?;
    let subject = container.subject();
    let judged = signatures.iter().enumerate().map(|(place, signature)| {
        let mut answer = signature.judge(place, subject, &digests, &metadata, demand);
        if answer.reason.is_none() {
            answer.covers.iter_mut().for_each(|covered| covered.what = container.covers().to_owned());
            answer.not_covered = not_covered.clone();
        }
        answer
    });
    conclude(judged.collect()).ok_or_else(|| malformed("no signature was judged"))
}

/// A file, by its format.
enum Container<'a> {
    Image(pe::Image),
    Installer(Installer<'a>),
    Cabinet(cabinet::Cabinet),
}

/// For each digest algorithm in use, whether `MsiDigitalSignatureEx` is the digest of the metadata.
type Metadata = Vec<(super::digest::Algorithm, bool)>;

impl<'a> Container<'a> {
    fn read(file: &'a dyn Bytes) -> Result<Self, Stop> {
        if msi::recognise(file)? {
            return Ok(Self::Installer(Installer::read(file)?));
        }
        if cabinet::recognise(file)? {
            return Ok(Self::Cabinet(cabinet::read_cabinet(file)?));
        }
        let mut magic = [0; 2];
        if file.length() >= 2 {
            file.read_at(0, &mut magic)?;
        }
        if &magic == b"MZ" {
            return Ok(Self::Image(pe::read_image(file)?));
        }
        Err(malformed("neither a PE image (MZ) nor a compound file (MSI) nor a cabinet (MSCF)"))
    }

    const fn subject(&self) -> Subject {
        match self {
            Self::Image(_) => Subject::Image,
            Self::Installer(_) => Subject::Installer,
            Self::Cabinet(_) => Subject::Cabinet,
        }
    }

    const fn covers(&self) -> &'static str {
        match self {
            Self::Image(_) => "the image, but its CheckSum and its certificate table",
            Self::Installer(installer) if installer.extended.is_some() => {
                "the digest of the metadata, all streams and class ids"
            }
            Self::Installer(_) => "all streams and class ids",
            Self::Cabinet(_) => "the cabinet, but the place of its signature",
        }
    }

    fn signatures(&self) -> Vec<&[u8]> {
        match self {
            Self::Image(image) => image.signatures.iter().map(Vec::as_slice).collect(),
            Self::Installer(installer) => installer.signature.as_deref().into_iter().collect(),
            Self::Cabinet(cabinet) => cabinet.signature.as_deref().into_iter().collect(),
        }
    }

    /// Compares `MsiDigitalSignatureEx`, where there is one.
    fn metadata(&self, signatures: &[Signature]) -> Result<Metadata, Stop> {
        let Self::Installer(Installer { extended: Some(extended), .. }) = self else { return Ok(Vec::new()) };
        let Self::Installer(installer) = self else { return Ok(Vec::new()) };
        let mut compared = Vec::new();
        for algorithm in signatures.iter().filter_map(Signature::algorithm) {
            compared.push((algorithm, installer.metadata(algorithm)? == *extended));
        }
        Ok(compared)
    }

    /// One pass over the file. Beside the digests: what is not covered.
    fn digests(
        &mut self,
        file: &dyn Bytes,
        signatures: &[Signature],
    ) -> Result<(Digests, Vec<String>), Stop> {
        let algorithms: Vec<_> = signatures.iter().filter_map(Signature::algorithm).collect();
        let mut not_covered =
            vec!["unsigned attributes and further certificates in the signature".to_owned()];
        let digests = match self {
            Self::Image(image) => {
                let pages = signatures.iter().map(|signature| signature.pages(&image.parts)).collect();
                not_covered.push("the CheckSum field".to_owned());
                flat(file, &image.covered, Hashes::new(&algorithms, pages))?
            }
            Self::Cabinet(cabinet) => flat(file, &cabinet.covered, Hashes::new(&algorithms, Vec::new()))?,
            Self::Installer(installer) => {
                let mut hashes = Hashes::new(&algorithms, Vec::new());
                if installer.extended.is_some() {
                    for algorithm in hashes.algorithms() {
                        hashes.begin_with(algorithm, &installer.metadata(algorithm)?);
                    }
                }
                not_covered.extend(installer.hash(&mut hashes)?);
                hashes.finish()
            }
        };
        Ok((digests, not_covered))
    }
}

fn flat(file: &dyn Bytes, covered: &[Range<u64>], mut hashes: Hashes) -> Result<Digests, Stop> {
    for range in covered {
        hashes.range(file, range.clone())?;
    }
    Ok(hashes.finish())
}

/// Whether these bytes are nothing but what fills up to a multiple of eight. What stands behind a signature
/// and is longer, or not zero, is nobody's (CVE-2013-3900).
fn is_padding(bytes: &[u8]) -> bool {
    bytes.len() < 8 && bytes.iter().all(|byte| *byte == 0)
}
