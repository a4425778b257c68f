// SPDX-License-Identifier: Apache-2.0
//! Not there yet.

use manifests::evidence::Evidence;

use super::Request;
use super::read::FileError;
use crate::bytes::Bytes;

pub(super) fn check(_file: &dyn Bytes, _request: &Request<'_>) -> Result<Evidence, FileError> {
    Err(FileError::Demand("this kind is not built yet".to_owned()))
}
