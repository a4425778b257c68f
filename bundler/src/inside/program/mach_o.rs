// SPDX-License-Identifier: Apache-2.0
//! Mach-O (`<mach-o/loader.h>`, `<mach-o/fat.h>`): where the build information of each slice may lie: the section
//! `__go_buildinfo`, else the first segment that is read and written.

use verifier::bytes::Bytes;
use verifier::signature::Stop;
use verifier::signature::apple::macho::{MAX_LOAD_COMMAND_BYTES, MAX_SLICES};

use super::super::fields::{Fields, Order, block, index, unreadable};
use super::{Range, table};

const FAT: u32 = 0xcafe_babe;
const FAT_64: u32 = 0xcafe_babf;
const LC_SEGMENT: u32 = 0x1;
const LC_SEGMENT_64: u32 = 0x19;
const SECTION: &[u8] = b"__go_buildinfo\0\0";
/// `VM_PROT_READ | VM_PROT_WRITE`.
const READ_AND_WRITE: u32 = 3;

/// For each slice its place in the file; none for one that has no such place.
pub(super) fn ranges(file: &dyn Bytes) -> Result<Vec<Option<Range>>, Stop> {
    let start = block(file, 0, 8, 8)?;
    let fields = Fields::new(&start, Order::Big);
    let magic = fields.u32(0)?;
    if magic != FAT && magic != FAT_64 {
        return Ok(vec![image(file, 0)?]);
    }
    let (wide, count) = (magic == FAT_64, fields.u32(4)?);
    if count > MAX_SLICES {
        return Err(unreadable());
    }
    let size: usize = if wide { 32 } else { 20 };
    let slices = table(file, 8, count.into(), if wide { 32 } else { 20 })?;
    slices
        .chunks(size)
        .map(|slice| {
            let fields = Fields::new(slice, Order::Big);
            image(file, if wide { fields.u64(8)? } else { fields.u32(8)?.into() })
        })
        .collect()
}

/// The image that begins at `start`.
fn image(file: &dyn Bytes, start: u64) -> Result<Option<Range>, Stop> {
    let header = block(file, start, 28, 28)?;
    let (order, wide) = match header.first_chunk() {
        Some([0xce, 0xfa, 0xed, 0xfe]) => (Order::Little, false),
        Some([0xcf, 0xfa, 0xed, 0xfe]) => (Order::Little, true),
        Some([0xfe, 0xed, 0xfa, 0xce]) => (Order::Big, false),
        Some([0xfe, 0xed, 0xfa, 0xcf]) => (Order::Big, true),
        _ => return Err(unreadable()),
    };
    let fields = Fields::new(&header, order);
    let (count, length) = (fields.u32(16)?, fields.u32(20)?);
    let at = start.saturating_add(if wide { 32 } else { 28 });
    let commands = block(file, at, length.into(), MAX_LOAD_COMMAND_BYTES.into())?;
    let (mut rest, mut data) = (commands.as_slice(), None);
    for _ in 0..count {
        let fields = Fields::new(rest, order);
        let (command, size) = (fields.u32(0)?, index(fields.u32(4)?));
        let (body, after) = rest.split_at_checked(size.max(8)).ok_or_else(unreadable)?;
        if matches!(command, LC_SEGMENT | LC_SEGMENT_64) {
            let segment = Segment { fields: Fields::new(body, order), wide: command == LC_SEGMENT_64 };
            if let Some(range) = segment.section()? {
                return Ok(moved(range, start));
            }
            if data.is_none() {
                data = segment.data()?;
            }
        }
        rest = after;
    }
    Ok(data.and_then(|range| moved(range, start)))
}

/// A place in an image as one in the file.
fn moved(range: Range, by: u64) -> Option<Range> {
    Some(Range { start: range.start.checked_add(by)?, ..range })
}

/// `segment_command` or `segment_command_64`.
struct Segment<'a> {
    fields: Fields<'a>,
    wide: bool,
}

impl Segment<'_> {
    fn number(&self, wide: usize, narrow: usize) -> Result<u64, Stop> {
        if self.wide { self.fields.u64(wide) } else { self.fields.u32(narrow).map(u64::from) }
    }

    fn half(&self, wide: usize, narrow: usize) -> Result<u32, Stop> {
        self.fields.u32(if self.wide { wide } else { narrow })
    }

    /// Where the section of the build information lies.
    fn section(&self) -> Result<Option<Range>, Stop> {
        let (count, first, size) =
            (self.half(64, 48)?, if self.wide { 72 } else { 56 }, if self.wide { 80 } else { 68 });
        for number in 0..index(count) {
            let at = number.saturating_mul(size).saturating_add(first);
            if self.fields.bytes(at, 16)? == SECTION {
                let within =
                    |wide: usize, narrow: usize| (at.saturating_add(wide), at.saturating_add(narrow));
                let (length, place) = (within(40, 36), within(48, 40));
                let start = self.half(place.0, place.1)?;
                return Ok(Some(Range { start: start.into(), length: self.number(length.0, length.1)? }));
            }
        }
        Ok(None)
    }

    /// The segment itself, where it holds data.
    fn data(&self) -> Result<Option<Range>, Stop> {
        let (start, length) = (self.number(40, 32)?, self.number(48, 36)?);
        let (most, initial) = (self.half(56, 40)?, self.half(60, 44)?);
        let is_data = (most, initial) == (READ_AND_WRITE, READ_AND_WRITE) && length > 0;
        Ok(is_data.then_some(Range { start, length }))
    }
}
