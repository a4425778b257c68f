// SPDX-License-Identifier: Apache-2.0
//! Not there yet.

use manifests::evidence::Evidence;

use super::Request;
use super::read::FileError;
use crate::bytes::Bytes;

pub(super) fn rpm(_file: &dyn Bytes, _request: &Request<'_>) -> Result<Evidence, FileError> {
    Err(FileError::Demand("this kind is not built yet".to_owned()))
}

pub(super) fn deb(_file: &dyn Bytes, _request: &Request<'_>) -> Result<Evidence, FileError> {
    Err(FileError::Demand("this kind is not built yet".to_owned()))
}

pub(super) fn apt_release(_file: &dyn Bytes, _request: &Request<'_>) -> Result<Evidence, FileError> {
    Err(FileError::Demand("this kind is not built yet".to_owned()))
}

pub(super) fn apt_deb(_file: &dyn Bytes, _request: &Request<'_>) -> Result<Evidence, FileError> {
    Err(FileError::Demand("this kind is not built yet".to_owned()))
}
