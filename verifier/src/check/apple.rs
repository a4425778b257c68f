// SPDX-License-Identifier: Apache-2.0
//! `verifier check --as apple-pkg` and `--as apple-code`: paths and options to calls of the checkers.

use std::io;

use manifests::evidence::Evidence;

use super::Request;
use super::read::{FileError, read_all};
use crate::bytes::Bytes;
use crate::signature::Stop;
use crate::signature::apple::{code as signed_code, package as signed_package};
use crate::signature::x509::demand::CertificateDemand;
use crate::signature::x509::read::{self, MAX_FILE_BYTES, MAX_FILE_BYTES_TOTAL};

pub(super) fn package(file: &dyn Bytes, request: &Request<'_>) -> Result<Evidence, FileError> {
    check(request, signed_package::KIND, &|demand| signed_package::check(file, demand))
}

pub(super) fn code(file: &dyn Bytes, request: &Request<'_>) -> Result<Evidence, FileError> {
    check(request, signed_code::KIND, &|demand| signed_code::check(file, demand))
}

/// Reads what the options name, and hands it to a checker.
fn check(
    request: &Request<'_>,
    kind: &'static str,
    checker: &dyn Fn(&CertificateDemand<'_>) -> io::Result<Evidence>,
) -> Result<Evidence, FileError> {
    let options = request.demand;
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
            (Err(stop), _) | (_, Err(stop)) => return Stop::into_evidence(stop, kind).map_err(reading),
        };
    let given = !options.timestamp_authorities.is_empty();
    let demand = CertificateDemand {
        authorities: &authorities.certificates,
        timestamp_authorities: given.then_some(timestamps.certificates.as_slice()),
        pins: &request.certificate_pins()?,
        publisher: None,
        team: options.team.as_deref(),
        now: request.now,
        tolerated: request.tolerated(),
    };
    let mut evidence = checker(&demand).map_err(reading)?;
    evidence.notes.extend(authorities.notes.into_iter().chain(timestamps.notes));
    Ok(evidence)
}
