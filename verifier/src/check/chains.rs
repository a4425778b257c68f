// SPDX-License-Identifier: Apache-2.0
//! `verifier check` for the kinds that rest on certificates: Authenticode and Apple's. Paths and options to calls
//! of the checkers.

use std::io;

use manifests::evidence::Evidence;

use super::Request;
use super::read::{FileError, read_all};
use crate::bytes::Bytes;
use crate::cli::Kind;
use crate::signature::x509::demand::CertificateDemand;
use crate::signature::x509::read::{self, MAX_FILE_BYTES, MAX_FILE_BYTES_TOTAL};
use crate::signature::{apple, authenticode};

pub(super) fn authenticode(file: &dyn Bytes, request: &Request<'_>) -> Result<Evidence, FileError> {
    check(request, Kind::Authenticode, &|demand| authenticode::check(file, demand))
}

pub(super) fn apple_package(file: &dyn Bytes, request: &Request<'_>) -> Result<Evidence, FileError> {
    check(request, Kind::ApplePkg, &|demand| apple::package::check(file, demand))
}

pub(super) fn apple_code(file: &dyn Bytes, request: &Request<'_>) -> Result<Evidence, FileError> {
    check(request, Kind::AppleCode, &|demand| apple::code::check(file, demand))
}

/// Reads what the options name, and hands it to a checker.
fn check(
    request: &Request<'_>,
    kind: Kind,
    checker: &dyn Fn(&CertificateDemand<'_>) -> io::Result<Evidence>,
) -> Result<Evidence, FileError> {
    let (options, kind) = (request.demand, kind.as_str());
    if options.authorities.is_empty() {
        let note = format!("{kind} needs --ca: the CAs that a signer's chain may end in");
        return Err(FileError::Demand(note));
    }
    let reading = |source| FileError::reading(request.file, source);
    let certificates = |paths| {
        let files = read_all(paths, MAX_FILE_BYTES, MAX_FILE_BYTES_TOTAL)?;
        Ok::<_, FileError>(read::certificates(&files))
    };
    let (authorities, timestamps) =
        match (certificates(&options.authorities)?, certificates(&options.timestamp_authorities)?) {
            (Ok(authorities), Ok(timestamps)) => (authorities, timestamps),
            (Err(stop), _) | (_, Err(stop)) => return stop.into_evidence(kind).map_err(reading),
        };
    let given = !options.timestamp_authorities.is_empty();
    let demand = CertificateDemand {
        authorities: &authorities.certificates,
        timestamp_authorities: given.then_some(timestamps.certificates.as_slice()),
        pins: &request.certificate_pins()?,
        publisher: options.publisher.as_deref(),
        team: options.team.as_deref(),
        now: request.now,
        tolerated: request.tolerated(),
    };
    let mut evidence = checker(&demand).map_err(reading)?;
    evidence.notes.extend(authorities.notes.into_iter().chain(timestamps.notes));
    Ok(evidence)
}
