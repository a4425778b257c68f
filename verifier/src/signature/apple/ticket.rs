// SPDX-License-Identifier: Apache-2.0
//! A notarization ticket at the end of a package (`stapler`): found and named, never verified.
//!
//! Apple publishes no format. A ticket stands between two trailers of sixteen bytes, little-endian: `t8lr`,
//! version 1, a kind (1 ends the list, 2 is a ticket), the length of what stands before, and nothing.

use std::io;

use super::fields::as_u64;
use crate::bytes::Bytes;

const TRAILER: usize = 16;

/// Bytes of a ticket at the end of `file`, trailers included; none where there is none.
pub(super) fn at_end(file: &dyn Bytes) -> io::Result<Option<u64>> {
    let size = as_u64(TRAILER);
    let Some(last) = file.length().checked_sub(size) else { return Ok(None) };
    let Some(length) = trailer(file, last, 2)? else { return Ok(None) };
    let first = last.checked_sub(length).and_then(|at| at.checked_sub(size));
    match first {
        Some(first) if trailer(file, first, 1)? == Some(0) => Ok(file.length().checked_sub(first)),
        _ => Ok(None),
    }
}

/// The length that a trailer of this kind states.
fn trailer(file: &dyn Bytes, at: u64, kind: u8) -> io::Result<Option<u64>> {
    let mut bytes = [0; TRAILER];
    file.read_at(at, &mut bytes)?;
    let [m0, m1, m2, m3, v0, v1, k0, k1, l0, l1, l2, l3, ..] = bytes;
    let fits = [m0, m1, m2, m3] == *b"t8lr" && [v0, v1, k0, k1] == [1, 0, kind, 0];
    Ok(fits.then(|| u64::from(u32::from_le_bytes([l0, l1, l2, l3]))))
}
