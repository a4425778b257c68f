// SPDX-License-Identifier: Apache-2.0
//! The sectors of a compound file (MS-CFB 2.2 to 2.5): a file in; chains of sectors out, as byte ranges.
//!
//! Each sector has one owner: a second owner, a cycle, a chain shorter or longer than its stream is
//! refused. So every walk ends, and no two streams share bytes.

use std::ops::Range;

use super::fields::{Fields, fill, index, malformed, read, size};
use crate::bytes::Bytes;
use crate::signature::{Reason, Stop};

/// How a compound file begins (MS-CFB 2.2).
pub(super) const MAGIC: [u8; 8] = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
/// The header, without what fills up a sector of version 4.
pub(super) const HEADER: usize = 512;
/// Entries of the file allocation table, 4 bytes each in memory: 2 GiB, the most that Windows Installer
/// opens, in sectors of 512 bytes; 16 GiB in sectors of 4096.
pub const MAX_SECTORS: usize = 4 * 1024 * 1024;
/// Mini sectors, 4 bytes each in memory: 64 MiB of streams that are shorter than 4096 bytes.
pub const MAX_MINI_SECTORS: usize = 1024 * 1024;
/// Streams from this length on have sectors of their own (`Mini Stream Cutoff Size`).
pub(super) const CUTOFF: u64 = 4096;
/// `Mini Sector Shift` is 6.
const MINI_SECTOR: u64 = 64;

/// Special sector numbers begin here; below are those that can exist (MS-CFB 2.1).
const FIRST_SPECIAL: u32 = 0xffff_fffa;
const END_OF_CHAIN: u32 = 0xffff_fffe;
const FREE: u32 = 0xffff_ffff;
/// FAT sectors that the header itself lists.
const IN_HEADER: usize = 109;

/// The header's fields that are needed.
pub(super) struct Header {
    /// 3 or 4.
    pub(super) version: u16,
    /// 9 or 12.
    shift: u32,
    /// First sector of the directory.
    pub(super) directory: u32,
    fat_sectors: u32,
    mini_fat: u32,
    difat: u32,
    listed: Vec<u32>,
}

impl Header {
    /// Reads and checks it (MS-CFB 2.2).
    pub(super) fn read(file: &dyn Bytes) -> Result<Self, Stop> {
        let bytes = read(file, 0, HEADER, "the header of a compound file")?;
        let fields = Fields(&bytes);
        if !bytes.starts_with(&MAGIC) {
            return Err(malformed("this is no compound file: its header begins otherwise"));
        }
        let (version, order) = (fields.u16(26)?, fields.u16(28)?);
        let (shift, mini_shift, cutoff) = (fields.u16(30)?, fields.u16(32)?, fields.u32(56)?);
        if !matches!((version, shift), (3, 9) | (4, 12))
            || (order, mini_shift, u64::from(cutoff)) != (0xfffe, 6, CUTOFF)
        {
            return Err(malformed(format!(
                "a compound file of version {version}, byte order {order:#06x}, sectors of 2^{shift} and \
                 2^{mini_shift} bytes, cutoff {cutoff}: the format has 3 with 2^9 or 4 with 2^12, 0xfffe, \
                 2^6, 4096"
            )));
        }
        let listed = (0..IN_HEADER).map(|n| fields.u32(n.saturating_mul(4).saturating_add(76)));
        Ok(Self {
            version,
            shift: shift.into(),
            directory: fields.u32(48)?,
            fat_sectors: fields.u32(44)?,
            mini_fat: fields.u32(60)?,
            difat: fields.u32(68)?,
            listed: listed.collect::<Result<_, _>>()?,
        })
    }
}

/// One bit for each sector: whether it has an owner.
struct Owned(Vec<u64>);

impl Owned {
    fn new(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    /// Takes a sector; false where it has an owner, or is none.
    fn take(&mut self, sector: u32) -> bool {
        let mask = 1_u64.checked_shl(sector % 64).unwrap_or(0);
        let Some(word) = self.0.get_mut(index(sector / 64)) else { return false };
        let free = *word & mask == 0;
        *word |= mask;
        free
    }

    fn has(&self, sector: usize) -> bool {
        let mask = 1_u64.checked_shl(u32::try_from(sector % 64).unwrap_or(0)).unwrap_or(0);
        self.0.get(sector / 64).is_some_and(|word| word & mask != 0)
    }
}

/// Which sector follows which, and which have an owner.
struct Chains {
    next: Vec<u32>,
    owned: Owned,
}

impl Chains {
    fn new(next: Vec<u32>) -> Self {
        let owned = Owned::new(next.len());
        Self { next, owned }
    }

    /// The sectors from `start` on, each of which must have no owner yet.
    fn follow(
        &mut self,
        start: u32,
        what: &str,
        each: &mut dyn FnMut(u32) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let mut sector = start;
        while sector != END_OF_CHAIN {
            let next = self.next.get(index(sector)).copied();
            let Some(next) = next.filter(|_| self.owned.take(sector)) else {
                return Err(malformed(format!(
                    "{what}: sector {sector} is none, or belongs to something else too"
                )));
            };
            each(sector)?;
            sector = next;
        }
        Ok(())
    }
}

/// The sectors of an open compound file.
pub(super) struct Sectors<'a> {
    file: &'a dyn Bytes,
    shift: u32,
    fat: Chains,
    mini: Chains,
    /// Sectors of the stream that holds the mini sectors, and its length.
    mini_stream: (Vec<u32>, u64),
}

/// Sectors that nothing owns, though the file has them.
pub(super) struct Unowned {
    /// Among others.
    pub(super) between: u64,
    /// Bytes behind the last that has an owner; all zero.
    pub(super) zeros_at_end: u64,
}

impl<'a> Sectors<'a> {
    /// Reads the allocation tables.
    pub(super) fn open(file: &'a dyn Bytes, header: &Header) -> Result<Self, Stop> {
        let per_sector = sector_length(header.shift) / 4;
        let entries = size(index(header.fat_sectors)).saturating_mul(per_sector);
        if entries > size(MAX_SECTORS) {
            let note = format!("room for {entries} sectors, the limit is {MAX_SECTORS}");
            return Err(Stop::found(Reason::LimitExceeded, note));
        }
        let (fat, difat) = fat_sectors(file, header)?;
        let mut next = Vec::with_capacity(index(entries));
        for sector in &fat {
            next.extend(table_sector(file, header.shift, *sector)?);
        }
        let mut chains = Chains::new(next);
        if !fat.iter().chain(&difat).all(|sector| chains.owned.take(*sector)) {
            return Err(malformed("a sector of the allocation table is none, or stands in it twice"));
        }
        let mut mini = Vec::new();
        chains.follow(header.mini_fat, "the mini allocation table", &mut |sector| {
            mini.extend(table_sector(file, header.shift, sector)?);
            if mini.len() > MAX_MINI_SECTORS {
                let note = format!("more than {MAX_MINI_SECTORS} mini sectors");
                return Err(Stop::found(Reason::LimitExceeded, note));
            }
            Ok(())
        })?;
        let mini = Chains::new(mini);
        Ok(Self { file, shift: header.shift, fat: chains, mini, mini_stream: (Vec::new(), 0) })
    }

    /// A chain whose length nothing states, sector by sector.
    pub(super) fn each_sector(
        &mut self,
        start: u32,
        what: &str,
        each: &mut dyn FnMut(&[u8]) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let (file, shift) = (self.file, self.shift);
        let mut bytes = vec![0; index(sector_length(shift))];
        self.fat.follow(start, what, &mut |sector| {
            fill(file, sector_offset(shift, sector), &mut bytes, what)?;
            each(&bytes)
        })
    }

    /// Says where the mini sectors lie: in the root entry's stream (MS-CFB 2.6.3).
    pub(super) fn set_mini_stream(&mut self, start: u32, length: u64) -> Result<(), Stop> {
        let mut sectors = Vec::new();
        let wanted = length.div_ceil(sector_length(self.shift));
        let limit = size(MAX_MINI_SECTORS).saturating_mul(MINI_SECTOR);
        if length > limit {
            let note = format!("{length} bytes of short streams, the limit is {limit}");
            return Err(Stop::found(Reason::LimitExceeded, note));
        }
        if length > 0 {
            self.fat.follow(start, "the mini stream", &mut |sector| {
                sectors.push(sector);
                Ok(())
            })?;
        }
        if size(sectors.len()) != wanted {
            return Err(malformed(format!("the mini stream has {} sectors, not {wanted}", sectors.len())));
        }
        self.mini_stream = (sectors, length);
        Ok(())
    }

    /// The ranges of the file that make up a stream, as long as they come.
    pub(super) fn stream(
        &mut self,
        start: u32,
        length: u64,
        what: &str,
        each: &mut dyn FnMut(Range<u64>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        if length == 0 {
            return Ok(());
        }
        let shift = self.shift;
        let mut run = Run { range: 0..0, left: length, each };
        if length >= CUTOFF {
            self.fat.follow(start, what, &mut |sector| {
                run.extend(sector_offset(shift, sector), sector_length(shift), what)
            })?;
        } else {
            let (sectors, end) = &self.mini_stream;
            self.mini.follow(start, what, &mut |mini| {
                let at = u64::from(mini).saturating_mul(MINI_SECTOR);
                let take = run.left.min(MINI_SECTOR);
                let sector = sectors.get(index(at.checked_shr(shift).unwrap_or(0)));
                let Some(sector) = sector.filter(|_| at.saturating_add(take) <= *end) else {
                    return Err(malformed(format!(
                        "{what}: mini sector {mini} lies outside the mini stream"
                    )));
                };
                let within = at % sector_length(shift);
                run.extend(sector_offset(shift, *sector).saturating_add(within), MINI_SECTOR, what)
            })?;
        }
        run.end(what)
    }

    /// What nothing owns. Bytes behind everything that is owned are refused unless they are zero: appended
    /// bytes make a signed installer into another kind of file (CVE-2020-1464).
    pub(super) fn unowned(&self) -> Result<Unowned, Stop> {
        let length = sector_length(self.shift);
        let count = index(self.file.length().div_ceil(length).saturating_sub(1));
        let described = count.min(self.fat.next.len());
        let last = (0..described).rev().find(|sector| self.fat.owned.has(*sector));
        let owned_end = last.map_or(0, |last| last.saturating_add(1));
        let between = (0..owned_end).filter(|sector| !self.fat.owned.has(*sector)).count();
        let mut at = length.saturating_mul(size(owned_end).saturating_add(1));
        let zeros_at_end = self.file.length().saturating_sub(at);
        let mut block = vec![0; index(zeros_at_end.min(64 * 1024))];
        while at < self.file.length() {
            let take = index(self.file.length().saturating_sub(at)).min(block.len());
            let block = block.get_mut(..take).unwrap_or_default();
            fill(self.file, at, block, "the end of the file")?;
            if block.iter().any(|byte| *byte != 0) {
                return Err(malformed(format!("bytes after the last sector in use, about byte {at}")));
            }
            at = at.saturating_add(size(take));
        }
        Ok(Unowned { between: size(between), zeros_at_end })
    }
}

/// Neighbouring sectors, read at once.
struct Run<'a> {
    range: Range<u64>,
    left: u64,
    each: &'a mut dyn FnMut(Range<u64>) -> Result<(), Stop>,
}

impl Run<'_> {
    fn extend(&mut self, offset: u64, length: u64, what: &str) -> Result<(), Stop> {
        if self.left == 0 {
            return Err(malformed(format!("{what}: its chain is longer than it")));
        }
        if self.range.end != offset {
            self.emit()?;
            self.range = offset..offset;
        }
        let take = self.left.min(length);
        self.range.end = self.range.end.saturating_add(take);
        self.left = self.left.saturating_sub(take);
        Ok(())
    }

    fn emit(&mut self) -> Result<(), Stop> {
        if self.range.is_empty() { Ok(()) } else { (self.each)(self.range.clone()) }
    }

    fn end(mut self, what: &str) -> Result<(), Stop> {
        if self.left > 0 {
            return Err(malformed(format!("{what}: its chain ends {} bytes before it", self.left)));
        }
        self.emit()
    }
}

fn sector_length(shift: u32) -> u64 {
    1_u64.checked_shl(shift).unwrap_or(u64::MAX)
}

/// Sector 0 follows the header, which takes one sector (MS-CFB 2.2).
fn sector_offset(shift: u32, sector: u32) -> u64 {
    u64::from(sector).saturating_add(1).saturating_mul(sector_length(shift))
}

/// The numbers in a sector of a table.
fn table_sector(file: &dyn Bytes, shift: u32, sector: u32) -> Result<Vec<u32>, Stop> {
    let bytes = read(file, sector_offset(shift, sector), index(sector_length(shift)), "an allocation table")?;
    Ok(bytes.as_chunks::<4>().0.iter().map(|number| u32::from_le_bytes(*number)).collect())
}

/// The sectors of the allocation table, from the header and the chain that goes on from it (MS-CFB 2.5);
/// and the sectors of that chain.
fn fat_sectors(file: &dyn Bytes, header: &Header) -> Result<(Vec<u32>, Vec<u32>), Stop> {
    let wanted = index(header.fat_sectors);
    let mut fat: Vec<u32> = header.listed.iter().copied().filter(|sector| *sector != FREE).collect();
    let mut difat = Vec::new();
    let mut sector = header.difat;
    while sector < FIRST_SPECIAL && fat.len() <= wanted && difat.len() <= wanted {
        difat.push(sector);
        let mut numbers = table_sector(file, header.shift, sector)?;
        sector = numbers.pop().unwrap_or(END_OF_CHAIN);
        fat.extend(numbers.into_iter().filter(|sector| *sector != FREE));
    }
    if fat.len() != wanted {
        let note = format!("{} sectors of the allocation table are listed, not {wanted}", fat.len());
        return Err(malformed(note));
    }
    Ok((fat, difat))
}
