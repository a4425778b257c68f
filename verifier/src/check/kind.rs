// SPDX-License-Identifier: Apache-2.0
//! What kind of evidence a file carries, by its content and the demand, never by its name.

use std::io;

use crate::bytes::Bytes;
use crate::cli::{Demand, Kind};

/// The kind of `file`, for this demand.
pub fn recognise(file: &dyn Bytes, demand: &Demand) -> io::Result<Kind> {
    if let Some(kind) = super::packages::recognise(file, demand)? {
        return Ok(kind);
    }
    Ok(Kind::Openpgp)
}
