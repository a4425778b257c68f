// SPDX-License-Identifier: Apache-2.0
//! What kind of evidence a file carries, by its content and the demand, never by its name.

use std::io;

use crate::bytes::Bytes;
use crate::cli::{Demand, Kind};
use crate::signature::apple::{macho, xar};

/// How much of a file is looked at. Text that stands before a PEM certificate may fill a few pages.
const LOOKED_AT: usize = 64 * 1024;

/// The kind of `file`, for this demand.
pub fn recognise(file: &dyn Bytes, demand: &Demand) -> io::Result<Kind> {
    let length = usize::try_from(file.length()).unwrap_or(usize::MAX).min(LOOKED_AT);
    let mut start = vec![0; length];
    file.read_at(0, &mut start)?;
    if crate::signature::authenticode::recognise(file)? {
        return Ok(Kind::Authenticode);
    if start.starts_with(&xar::MAGIC) {
        return Ok(Kind::ApplePkg);
    }
    if start.first_chunk().and_then(macho::recognise).is_some() {
        return Ok(Kind::AppleCode);
    }
    if !demand.authorities.is_empty() && is_certificate(&start) {
        return Ok(Kind::Certificate);
    }
    if let Some(kind) = super::packages::recognise(file, demand)? {
        return Ok(kind);
    }
    Ok(Kind::Openpgp)
}

/// DER of a SEQUENCE with a long length, or PEM.
fn is_certificate(start: &[u8]) -> bool {
    let label = b"-----BEGIN CERTIFICATE-----";
    matches!(start, [0x30, 0x81..=0x83, ..]) || start.windows(label.len()).any(|window| window == label)
}
