// SPDX-License-Identifier: Apache-2.0
//! `verifier check --as certificate`: paths and options to a call of [`crate::signature::x509::leaf`].

use manifests::evidence::Evidence;

use super::Request;
use super::read::{FileError, read_all};
use crate::bytes::Bytes;
use crate::cli::Purpose as Asked;
use crate::signature::x509::Purpose;
use crate::signature::x509::leaf::{self, LeafDemand};
use crate::signature::x509::read::{MAX_FILE_BYTES, MAX_FILE_BYTES_TOTAL};

pub(super) fn check(file: &dyn Bytes, request: &Request<'_>) -> Result<Evidence, FileError> {
    let demand = request.demand;
    if demand.authorities.is_empty() {
        return Err(FileError::Demand(
            "a certificate needs --ca: the CAs that its chain may end in".to_owned(),
        ));
    }
    let read = |paths| read_all(paths, MAX_FILE_BYTES, MAX_FILE_BYTES_TOTAL);
    let demand = LeafDemand {
        authorities: &read(&demand.authorities)?,
        intermediates: &read(&demand.intermediates)?,
        pins: &request.certificate_pins()?,
        purpose: match demand.purpose.unwrap_or(Asked::Any) {
            Asked::Any => Purpose::Any,
            Asked::CodeSigning => Purpose::CodeSigning,
            Asked::Timestamping => Purpose::Timestamping,
        },
        now: request.now,
        tolerated: request.tolerated(),
    };
    leaf::check(file, &demand).map_err(|source| FileError::reading(request.file, source))
}
