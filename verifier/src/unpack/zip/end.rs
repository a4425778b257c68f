// SPDX-License-Identifier: Apache-2.0
//! Where the central directory is: the records at the end (APPNOTE 4.3.14 to 4.3.16).
//!
//! Readers look for the end record from the back, and differ in what they make of a second signature, of
//! bytes after the comment, and of zip64 records that nothing asks for. Taken is only what leaves no choice.

use super::fields::{Fields, read};
use crate::bytes::Bytes;
use crate::unpack::{Error, Fault, Rule, fault, length};

const END: [u8; 4] = *b"PK\x05\x06";
const LOCATOR: [u8; 4] = *b"PK\x06\x07";
const END_64: [u8; 4] = *b"PK\x06\x06";
const END_BYTES: usize = 22;
const LOCATOR_BYTES: u64 = 20;
const END_64_BYTES: u64 = 56;

/// The central directory: so many entries in these bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Directory {
    pub(super) start: u64,
    pub(super) size: u64,
    pub(super) entries: u64,
}

/// Finds it. What follows it up to the end of the file is owned by the end records.
pub(super) fn locate(file: &dyn Bytes) -> Result<Directory, Error> {
    let (record_at, record) = end_record(file)?;
    let mut fields = Fields::new(&record);
    fields.take(END.len())?;
    let disks = [fields.u16()?, fields.u16()?];
    let counts = [fields.u16()?, fields.u16()?];
    let [size, start] = [fields.u32()?, fields.u32()?];
    let zip64 = zip64(file, record_at)?;
    // A field of the old record may be all ones where the new one has its value (4.4.1.4).
    let (directory, end) = match zip64 {
        None => {
            let [here, all] = counts.map(u64::from);
            if disks != [0, 0] || here != all {
                return Err(disk().into());
            }
            (Directory { start: u64::from(start), size: u64::from(size), entries: all }, record_at)
        }
        Some((directory, at)) => {
            let agrees = |old: u32, new: u64| old == u32::MAX || u64::from(old) == new;
            let agrees_16 = |old: u16, new: u64| old == u16::MAX || u64::from(old) == new;
            if !disks.into_iter().all(|disk| agrees_16(disk, 0))
                || !counts.into_iter().all(|count| agrees_16(count, directory.entries))
                || !agrees(size, directory.size)
                || !agrees(start, directory.start)
            {
                let note = "the end record and its zip64 form contradict each other";
                return Err(Fault::new(Rule::Contradiction, note).into());
            }
            (directory, at)
        }
    };
    if directory.start.checked_add(directory.size) != Some(end) {
        let note = format!(
            "the central directory is said to have {} bytes from {} on, its end record begins at {end}: bytes \
             stand before the archive, or between the two",
            directory.size, directory.start
        );
        return Err(Fault::new(Rule::Unowned, note).into());
    }
    Ok(directory)
}

/// The last end record, whose comment must reach to the end of the file.
fn end_record(file: &dyn Bytes) -> Result<(u64, Vec<u8>), Error> {
    let longest = length(END_BYTES).saturating_add(u64::from(u16::MAX));
    let tail_at = file.length().saturating_sub(longest);
    let mut tail = vec![0; usize::try_from(file.length().saturating_sub(tail_at)).unwrap_or(0)];
    file.read_at(tail_at, &mut tail)?;
    let Some(at) = tail.windows(END.len()).rposition(|window| window == END) else {
        return Err(Fault::new(Rule::Structure, "not a zip: no end record").into());
    };
    let mut fields = Fields::new(tail.get(at..).unwrap_or_default());
    let record = fields.take(END_BYTES)?.to_vec();
    let comment = record.last_chunk::<2>().map_or(0, |bytes| usize::from(u16::from_le_bytes(*bytes)));
    if fields.rest().len() != comment {
        let note = format!(
            "the last end record announces a comment of {comment} bytes, {} follow it",
            fields.rest().len()
        );
        return Err(Fault::new(Rule::Unowned, note).into());
    }
    Ok((tail_at.saturating_add(length(at)), record))
}

/// The zip64 end record, where a locator stands before the old record; and where it begins.
fn zip64(file: &dyn Bytes, end_at: u64) -> Result<Option<(Directory, u64)>, Error> {
    let Some(locator_at) = end_at.checked_sub(LOCATOR_BYTES) else { return Ok(None) };
    let mut locator = [0; 20];
    read(file, locator_at, &mut locator, "the zip64 locator")?;
    let mut fields = Fields::new(&locator);
    if fields.take(4)? != LOCATOR {
        return Ok(None);
    }
    let (disk_of_record, at, disks) = (fields.u32()?, fields.u64()?, fields.u32()?);
    if (disk_of_record, disks) != (0, 1) {
        return Err(disk().into());
    }
    // Without the extensible data sector, in which nothing is defined but encryption.
    if at.checked_add(END_64_BYTES) != Some(locator_at) {
        let note =
            format!("the zip64 locator at {locator_at} does not follow the record that it names ({at})");
        return Err(Fault::new(Rule::Structure, note).into());
    }
    let mut record = [0; 56];
    read(file, at, &mut record, "the zip64 end record")?;
    let mut fields = Fields::new(&record);
    if fields.take(4)? != END_64 || fields.u64()?.checked_add(12) != Some(END_64_BYTES) {
        return Err(Fault::new(Rule::Structure, "no zip64 end record where its locator says").into());
    }
    // Made by, needed.
    fields.take(4)?;
    let (disk_here, disk_of_directory) = (fields.u32()?, fields.u32()?);
    let (here, entries) = (fields.u64()?, fields.u64()?);
    let (size, start) = (fields.u64()?, fields.u64()?);
    if (disk_here, disk_of_directory) != (0, 0) || here != entries {
        return Err(disk().into());
    }
    Ok(Some((Directory { start, size, entries }, at)))
}

fn disk() -> Fault {
    Fault::new(Rule::Structure, "a part of an archive that spans several disks")
}

/// Whether the first bytes are those of a zip: a local header, an empty archive, or the mark of a spanned one.
pub fn begins(start: &[u8]) -> bool {
    const SPANNED: [u8; 4] = *b"PK\x07\x08";
    const SINGLE: [u8; 4] = *b"PK00";
    [super::header::LOCAL, END, END_64, SPANNED, SINGLE].iter().any(|magic| start.starts_with(magic))
}

/// Refuses more entries than are read, before anything is kept of them.
pub(super) fn check_count(directory: &Directory) -> Result<(), Fault> {
    let most = length(crate::unpack::MAX_ENTRIES);
    if directory.entries > most {
        return fault(Rule::Limit, format!("{} entries, more than {most}", directory.entries));
    }
    Ok(())
}
