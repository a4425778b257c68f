// SPDX-License-Identifier: Apache-2.0
//! ELF (gABI 4.1): where a program's build information may lie: the section `.go.buildinfo`, else the first
//! segment that is written to and not run.

use verifier::bytes::Bytes;
use verifier::signature::Stop;

use super::super::fields::{Fields, Order, block, index, unreadable};
use super::{Range, table};

const SECTION: &[u8] = b".go.buildinfo\0";
const PT_LOAD: u32 = 1;
const EXECUTABLE: u32 = 1;
const WRITABLE: u32 = 2;
/// A section that takes no room in the file.
const SHT_NOBITS: u32 = 8;
/// Names of sections: the longest tables are those of debuggers.
const MAX_NAMES_BYTES: u64 = 4 * 1024 * 1024;

/// The header's fields that are needed.
struct Header {
    order: Order,
    wide: bool,
    segments: (u64, u64, u64),
    sections: (u64, u64, u64),
    /// Which section holds the names.
    names: usize,
}

pub(super) fn range(file: &dyn Bytes) -> Result<Option<Range>, Stop> {
    let header = Header::read(file)?;
    let (at, size, count) = header.sections;
    let sections = if count > 0 { table(file, at, count, size)? } else { Vec::new() };
    if let Some(found) = header.named(file, &sections, index(size))? {
        return Ok(Some(found));
    }
    let (at, size, count) = header.segments;
    let segments = table(file, at, count, size)?;
    for segment in segments.chunks(index(size).max(1)) {
        let fields = Fields::new(segment, header.order);
        let (kind, flags) = (fields.u32(0)?, fields.u32(if header.wide { 4 } else { 24 })?);
        if kind == PT_LOAD && flags & (EXECUTABLE | WRITABLE) == WRITABLE {
            let number = |wide, narrow| header.number(fields, wide, narrow);
            return Ok(Some(Range { start: number(8, 4)?, length: number(32, 16)? }));
        }
    }
    Ok(None)
}

impl Header {
    fn read(file: &dyn Bytes) -> Result<Self, Stop> {
        let start = block(file, 0, 52, 52)?;
        let (wide, order) = match start.get(4..6) {
            Some([class @ (1 | 2), data @ (1 | 2)]) => {
                (*class == 2, if *data == 1 { Order::Little } else { Order::Big })
            }
            _ => return Err(unreadable()),
        };
        let start = if wide { block(file, 0, 64, 64)? } else { start };
        let fields = Fields::new(&start, order);
        let half = |wide_at, narrow_at| fields.u16(if wide { wide_at } else { narrow_at });
        let this = Self { order, wide, segments: (0, 0, 0), sections: (0, 0, 0), names: 0 };
        let segments = (this.number(fields, 32, 28)?, half(54, 42)?.into(), half(56, 44)?.into());
        let sections = (this.number(fields, 40, 32)?, half(58, 46)?.into(), half(60, 48)?.into());
        let least = if wide { (56, 64) } else { (32, 40) };
        let sound = |(_, size, count): (u64, u64, u64), least: u64| count == 0 || size >= least;
        if !sound(segments, least.0) || !sound(sections, least.1) {
            return Err(unreadable());
        }
        Ok(Self { segments, sections, names: half(62, 50)?.into(), ..this })
    }

    /// A number of four or eight bytes, whose place depends on the class.
    fn number(&self, fields: Fields<'_>, wide: usize, narrow: usize) -> Result<u64, Stop> {
        if self.wide { fields.u64(wide) } else { fields.u32(narrow).map(u64::from) }
    }

    fn place(&self, section: Fields<'_>) -> Result<Range, Stop> {
        Ok(Range { start: self.number(section, 24, 16)?, length: self.number(section, 32, 20)? })
    }

    fn named(&self, file: &dyn Bytes, sections: &[u8], size: usize) -> Result<Option<Range>, Stop> {
        let mut all = sections.chunks(size.max(1)).map(|section| Fields::new(section, self.order));
        let Some(names) = all.clone().nth(self.names) else { return Ok(None) };
        let place = self.place(names)?;
        let names = block(file, place.start, place.length, MAX_NAMES_BYTES)?;
        let found = all.find(|section| {
            section
                .u32(0)
                .is_ok_and(|name| names.get(index(name)..).is_some_and(|at| at.starts_with(SECTION)))
                && section.u32(4).is_ok_and(|kind| kind != SHT_NOBITS)
        });
        found.map(|section| self.place(section)).transpose()
    }
}
