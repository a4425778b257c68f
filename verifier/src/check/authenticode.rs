// SPDX-License-Identifier: Apache-2.0
//! `verifier check --as authenticode` without its arguments and its printing: paths in, evidence out.

use manifests::evidence::Evidence;

use super::Request;
use super::read::{FileError, read_all};
use crate::bytes::Bytes;
use crate::signature::authenticode::{self, KIND};
use crate::signature::x509::demand::CertificateDemand;
use crate::signature::x509::read::{Found, MAX_FILE_BYTES, MAX_FILE_BYTES_TOTAL, certificates};

/// Checks one program, installer or cabinet.
pub(super) fn check(file: &dyn Bytes, request: &Request<'_>) -> Result<Evidence, FileError> {
    let reading = |source| FileError::reading(request.file, source);
    let demand = request.demand;
    if demand.authorities.is_empty() {
        return Err(FileError::Demand("authenticode needs --ca: the roots come from you".to_owned()));
    }
    let pins = request.certificate_pins()?;
    let mut notes = Vec::new();
    let mut read = |paths| -> Result<Result<Found, Evidence>, FileError> {
        let files = read_all(paths, MAX_FILE_BYTES, MAX_FILE_BYTES_TOTAL)?;
        match certificates(&files) {
            Ok(found) => {
                notes.extend(found.notes.iter().cloned());
                Ok(Ok(found))
            }
            Err(stop) => Ok(Err(stop.into_evidence(KIND).map_err(reading)?)),
        }
    };
    let authorities = match read(&demand.authorities)? {
        Ok(found) => found.certificates,
        Err(answer) => return Ok(answer),
    };
    let for_timestamps = match demand.timestamp_authorities.as_slice() {
        [] => None,
        _ => match read(&demand.timestamp_authorities)? {
            Ok(found) => Some(found.certificates),
            Err(answer) => return Ok(answer),
        },
    };
    let wanted = CertificateDemand {
        authorities: &authorities,
        timestamp_authorities: for_timestamps.as_deref(),
        pins: &pins,
        publisher: demand.publisher.as_deref(),
        team: None,
        now: request.now,
        tolerated: request.tolerated(),
    };
    let mut answer = authenticode::check(file, &wanted).map_err(reading)?;
    answer.notes.extend(notes);
    Ok(answer)
}
