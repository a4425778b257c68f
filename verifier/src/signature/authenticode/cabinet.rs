// SPDX-License-Identifier: Apache-2.0
//! Cabinets: a file in; the ranges that a signature covers, and the signature, out.
//!
//! A signed cabinet reserves 20 bytes in its header (MS-CAB 2.1, `abReserve`), which hold where the
//! signature lies; it follows the cabinet and ends the file. The digest is that of the cabinet without
//! `reserved1`, without `iCabinet`, and without the reserve but its last four bytes. No text of Microsoft's
//! says so; two independent programs agree (osslsigncode, relic). What the digest leaves out has one
//! allowed value here, the place of the signature excepted, so that nothing can hide in it.

use std::ops::Range;

use super::MAX_SIGNATURE_BYTES;
use super::fields::{Fields, index, malformed, read, size};
use crate::bytes::Bytes;
use crate::signature::{Reason, Stop};

/// How a cabinet begins.
const MAGIC: &[u8] = b"MSCF";
/// Up to the optional fields.
const HEADER: usize = 36;
/// With the reserve of a signed one.
const SIGNED_HEADER: usize = 60;
/// `cfhdrPREV_CABINET`, `cfhdrNEXT_CABINET`, `cfhdrRESERVE_PRESENT`.
const PREVIOUS: u16 = 1;
const NEXT: u16 = 2;
const RESERVE: u16 = 4;
/// `cbCFHeader` 20, `cbCFFolder` and `cbCFData` 0; then what every signed cabinet's reserve begins with.
const SIGNATURE_RESERVE: [u8; 8] = [0x14, 0, 0, 0, 0, 0, 0x10, 0];

/// A cabinet, by what its header says.
#[derive(Debug)]
pub(super) struct Cabinet {
    /// What the digest is computed over, in order.
    pub(super) covered: Vec<Range<u64>>,
    /// The signature, where there is one.
    pub(super) signature: Option<Vec<u8>>,
}

/// Whether the file begins like a cabinet.
pub(super) fn recognise(file: &dyn Bytes) -> Result<bool, Stop> {
    Ok(file.length() >= size(HEADER) && read(file, 0, MAGIC.len(), "a header")? == MAGIC)
}

/// Reads the header and the signature.
pub(super) fn read_cabinet(file: &dyn Bytes) -> Result<Cabinet, Stop> {
    let header = read(file, 0, HEADER, "the header of a cabinet")?;
    let fields = Fields(&header);
    if !header.starts_with(MAGIC) || fields.u32(4)? != 0 {
        return Err(malformed("this is no cabinet: its header begins otherwise"));
    }
    let cabinet_end = u64::from(fields.u32(8)?);
    let (flags, number) = (fields.u16(30)?, fields.u16(34)?);
    let unsigned = Cabinet { covered: Vec::new(), signature: None };
    if flags & RESERVE == 0 {
        return Ok(unsigned);
    }
    let reserve = read(file, size(HEADER), 8, "the reserve of a cabinet")?;
    if reserve != SIGNATURE_RESERVE {
        // A reserve that is for somebody else's use (MS-CAB 2.1).
        return Ok(unsigned);
    }
    let header = read(file, 0, SIGNED_HEADER, "the header of a signed cabinet")?;
    let fields = Fields(&header);
    let (offset, length) = (u64::from(fields.u32(44)?), u64::from(fields.u32(48)?));
    if (offset, length) == (0, 0) || (offset == cabinet_end && length == 0) {
        return Ok(unsigned);
    }
    if flags & (PREVIOUS | NEXT) != 0 || number != 0 {
        return Err(malformed("a signed cabinet of a set: what its signature covers is nowhere written"));
    }
    if fields.u32(52)? != 0 {
        return Err(malformed("bytes other than zero in a part of the reserve that nothing covers"));
    }
    if offset != cabinet_end || offset < size(SIGNED_HEADER) {
        return Err(malformed(format!(
            "the signature should follow the cabinet: that ends at byte {cabinet_end}, it begins at {offset}"
        )));
    }
    if offset.checked_add(length) != Some(file.length()) {
        let found = file.length();
        let end = offset.saturating_add(length);
        return Err(malformed(format!("the signature ends at byte {end}, the file has {found}")));
    }
    if length > size(MAX_SIGNATURE_BYTES) {
        let note = format!("a signature of {length} bytes, the limit is {MAX_SIGNATURE_BYTES}");
        return Err(Stop::found(Reason::LimitExceeded, note));
    }
    let signature = read(file, offset, index(length), "the signature")?;
    Ok(Cabinet { covered: vec![0..4, 8..34, 56..offset], signature: Some(signature) })
}
