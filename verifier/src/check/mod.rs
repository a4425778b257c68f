// SPDX-License-Identifier: Apache-2.0
//! `verifier check` without its printing: a file and a demand in, evidence out.
//!
//! What cannot be read, and a demand that makes no sense, are errors: nothing was concluded. What can be
//! read and does not convince is evidence.

mod archives;
mod certificate;
mod chains;
pub mod kind;
mod notary;
pub mod openpgp;
mod packages;
pub mod read;

use std::path::Path;

use manifests::digest::Sha256Digest;
use manifests::evidence::{Evidence, Weak};
use manifests::fingerprint::Fingerprint;
use manifests::time::Timestamp;

use crate::bytes::Sequential;
use crate::cli::{Demand, Kind};
use crate::notary::store::is_store;
use crate::signature::Tolerated;
use crate::signature::openpgp::{MAX_KEY_BYTES, MAX_KEY_BYTES_TOTAL, Sha1};
use read::{FileError, is_standard_input, open, open_anywhere, read_all};

/// One file and what is demanded of it. Any path may be `-` for standard input, but only one.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The file.
    pub file: &'a Path,
    /// The kind of evidence; what the content says, where none.
    pub kind: Option<Kind>,
    /// Keys, certificates, pins.
    pub demand: &'a Demand,
    /// Weaknesses that are named.
    pub allow: &'a [Weak],
    /// The time of judgement.
    pub now: Timestamp,
}

/// Checks one file.
pub fn check(request: &Request<'_>) -> Result<Evidence, FileError> {
    require_one_standard_input(std::slice::from_ref(&request.file), request.demand)?;
    let demand = request.demand;
    if request.kind == Some(Kind::Openpgp) {
        // The one kind that reads front to back: standard input needs no file.
        request.require_only(Kind::Openpgp)?;
        return openpgp::check(request, &mut *open(request.file)?);
    }
    let is_store = || !is_standard_input(request.file) && is_store(request.file);
    if request.kind == Some(Kind::TrustStore) || (request.kind.is_none() && is_store()) {
        // The one kind that is a folder.
        request.require_only(Kind::TrustStore)?;
        return notary::trust_store(request);
    }
    let file = open_anywhere(request.file)?;
    let reading = |source| FileError::reading(request.file, source);
    let kind = match request.kind {
        Some(kind) => kind,
        None => kind::recognise(&file, demand).map_err(reading)?,
    };
    request.require_only(kind)?;
    match kind {
        // What came on standard input has been read: it lies in `file`.
        Kind::Openpgp => openpgp::check(request, &mut Sequential::new(&file)),
        Kind::Rpm => packages::rpm(&file, request),
        Kind::Deb => packages::deb(&file, request),
        Kind::AptRelease => packages::apt_release(&file, request),
        Kind::AptDeb => packages::apt_deb(&file, request),
        Kind::Authenticode => chains::authenticode(&file, request),
        Kind::ApplePkg => chains::apple_package(&file, request),
        Kind::AppleCode => chains::apple_code(&file, request),
        Kind::ZipMember => archives::zip_member(&file, request),
        Kind::TrustPolicy => notary::trust_policy(&file, request),
        Kind::TrustStore => notary::trust_store(request),
        Kind::Certificate => certificate::check(&file, request),
        Kind::Zip => archives::zip(&file, request),
        Kind::Tar => archives::tar(&file, request),
        Kind::Gzip => archives::gzip(&file, request),
    }
}

/// Refuses a command line that reads standard input more than once: it is empty the second time.
pub fn require_one_standard_input(files: &[impl AsRef<Path>], demand: &Demand) -> Result<(), FileError> {
    let single = [&demand.signature, &demand.release, &demand.packages];
    let named = [&demand.keys, &demand.authorities, &demand.timestamp_authorities, &demand.intermediates]
        .into_iter()
        .flatten()
        .chain(single.into_iter().flatten());
    // What is demanded is read again for each file.
    let demanded = named.filter(|path| is_standard_input(path)).count().saturating_mul(files.len());
    let checked = files.iter().filter(|path| is_standard_input(path.as_ref())).count();
    if demanded.saturating_add(checked) > 1 { Err(FileError::StandardInputTwice) } else { Ok(()) }
}

impl Request<'_> {
    /// Key files, folders spread out; each a byte beyond its limit at most.
    pub fn keys(&self) -> Result<Vec<Vec<u8>>, FileError> {
        read_all(&self.demand.keys, MAX_KEY_BYTES, MAX_KEY_BYTES_TOTAL)
    }

    /// The pins, as fingerprints of primary keys.
    pub fn key_pins(&self) -> Result<Vec<Fingerprint>, FileError> {
        let parse = |pin: &String| {
            Fingerprint::parse(pin).map_err(|error| FileError::Demand(format!("--pin {pin}: {error}")))
        };
        self.demand.pins.iter().map(parse).collect()
    }

    /// The pins, as digests of leaf certificates.
    pub fn certificate_pins(&self) -> Result<Vec<Sha256Digest>, FileError> {
        let parse = |pin: &String| {
            Sha256Digest::parse_spaced(pin)
                .map_err(|error| FileError::Demand(format!("--pin {pin}: {error}")))
        };
        self.demand.pins.iter().map(parse).collect()
    }

    /// The weaknesses that are named.
    pub const fn tolerated(&self) -> Tolerated<'_> {
        Tolerated(self.allow)
    }

    /// Whether OpenPGP may rest on SHA-1.
    pub fn sha1(&self) -> Sha1 {
        if self.tolerated().sha1() { Sha1::Allowed } else { Sha1::Refused }
    }

    /// Refuses options that this kind has no use for: whoever gives them expects that they count.
    fn require_only(&self, kind: Kind) -> Result<(), FileError> {
        use Kind as K;
        let demand = self.demand;
        let by_key = [K::Openpgp, K::Rpm, K::Deb, K::AptRelease, K::AptDeb, K::ZipMember];
        let by_chain = [K::Authenticode, K::ApplePkg, K::AppleCode, K::Certificate];
        let signed = [&by_key[..], &by_chain].concat();
        let given: [(&str, bool, &[Kind]); 13] = [
            ("--pin", !demand.pins.is_empty(), &signed),
            ("--key", !demand.keys.is_empty(), &by_key),
            (
                "--signature",
                demand.signature.is_some(),
                &[K::Openpgp, K::AptRelease, K::AptDeb, K::ZipMember],
            ),
            ("--release", demand.release.is_some(), &[K::AptDeb]),
            ("--packages", demand.packages.is_some(), &[K::AptDeb]),
            ("--member", demand.member.is_some(), &[K::ZipMember]),
            ("--ca", !demand.authorities.is_empty(), &by_chain),
            (
                "--tsa-ca",
                !demand.timestamp_authorities.is_empty(),
                &[K::Authenticode, K::ApplePkg, K::AppleCode],
            ),
            ("--intermediate", !demand.intermediates.is_empty(), &[K::Certificate]),
            ("--purpose", demand.purpose.is_some(), &[K::Certificate]),
            ("--publisher", demand.publisher.is_some(), &[K::Authenticode]),
            ("--team-id", demand.team.is_some(), &[K::ApplePkg, K::AppleCode]),
            ("--allow", !self.allow.is_empty(), &signed),
        ];
        for (option, given, kinds) in given {
            if given && !kinds.contains(&kind) {
                let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
                return Err(FileError::Demand(format!(
                    "{option} says nothing about {}, only about {}",
                    kind.as_str(),
                    kinds.join(", ")
                )));
            }
        }
        Ok(())
    }
}
