// SPDX-License-Identifier: Apache-2.0
//! PE (Microsoft's "PE Format"): where a program's build information may lie: the first section of data that is
//! initialised, read and written.

use verifier::bytes::Bytes;
use verifier::signature::Stop;

use super::super::fields::{Fields, Order, block, unreadable};
use super::{Range, table};

/// `IMAGE_SCN_CNT_INITIALIZED_DATA`, `…_MEM_READ`, `…_MEM_WRITE`.
const DATA: u32 = 0x40 | 0x4000_0000 | 0x8000_0000;
/// `IMAGE_SCN_ALIGN_…`, which old linkers leave.
const ALIGNMENT_BITS: u32 = 0x00f0_0000;
const SECTION_HEADER: usize = 40;

pub(super) fn range(file: &dyn Bytes) -> Result<Option<Range>, Stop> {
    let dos = block(file, 0, 64, 64)?;
    let start = u64::from(Fields::new(&dos, Order::Little).u32(60)?);
    let header = block(file, start, 24, 24)?;
    let fields = Fields::new(&header, Order::Little);
    if fields.bytes(0, 4)? != b"PE\0\0" {
        return Err(unreadable());
    }
    let (count, optional) = (u64::from(fields.u16(6)?), u64::from(fields.u16(20)?));
    let sections = table(file, start.saturating_add(24).saturating_add(optional), count, 40)?;
    for section in sections.chunks(SECTION_HEADER) {
        let fields = Fields::new(section, Order::Little);
        let (length, start, flags) = (fields.u32(16)?, fields.u32(20)?, fields.u32(36)?);
        if flags & !ALIGNMENT_BITS == DATA && length > 0 && start > 0 {
            return Ok(Some(Range { start: start.into(), length: length.into() }));
        }
    }
    Ok(None)
}
