// SPDX-License-Identifier: Apache-2.0
//! PE images (PE32 and PE32+): a file in; the ranges that a signature covers, and the signatures, out.
//!
//! The digest is that of the whole file up to the certificate table but the CheckSum field and the table's
//! own directory entry ("Windows Authenticode Portable Executable Signature Format", 2008). That text goes
//! by sections; going by bytes is the same for files whose sections do not overlap, and leaves nothing
//! out, so overlapping sections are refused. The table must end the file (Microsoft bulletin MS12-024).

use std::ops::Range;

use super::fields::{Fields, index, malformed, read, size};
use super::{MAX_SIGNATURE_BYTES, is_padding};
use crate::bytes::Bytes;
use crate::signature::{Reason, Stop};

/// Sections of an image that is signed: the loader of old Windows takes 96; linkers make a dozen.
pub const MAX_SECTIONS: usize = 1000;
/// Entries in the certificate table: nearly always one; boot loaders have two or three.
pub const MAX_CERTIFICATE_ENTRIES: usize = 16;

/// `IMAGE_DOS_HEADER`: the last field is the offset of the PE header.
const DOS_HEADER: usize = 64;
/// Signature and `IMAGE_FILE_HEADER`.
const FILE_HEADER: usize = 24;
/// `IMAGE_SECTION_HEADER`.
const SECTION_HEADER: usize = 40;
/// The certificate table's place among the data directories.
const CERTIFICATE_TABLE: usize = 4;
/// Directories that the format defines.
const DIRECTORIES: u32 = 16;
/// `WIN_CERTIFICATE` without its content.
const ENTRY_HEADER: usize = 8;

/// A PE image, by what its headers say.
#[derive(Debug)]
pub(super) struct Image {
    /// What the digest is computed over, in order.
    pub(super) covered: Vec<Range<u64>>,
    /// The headers, then each section that has bytes in the file, in the order of the section table.
    pub(super) parts: Vec<Range<u64>>,
    /// The content of each certificate entry.
    pub(super) signatures: Vec<Vec<u8>>,
}

/// Whether the file begins like a PE image: MZ, and a PE header where that says.
pub(super) fn recognise(file: &dyn Bytes) -> Result<bool, Stop> {
    let begins = |at, length| read(file, at, length, "a header");
    if file.length() < size(DOS_HEADER) {
        return Ok(false);
    }
    let dos = begins(0, DOS_HEADER)?;
    let at = u64::from(Fields(&dos).u32(60)?);
    Ok(dos.starts_with(b"MZ") && at.saturating_add(4) <= file.length() && begins(at, 4)? == b"PE\0\0")
}

/// Reads the headers and the certificate table.
pub(super) fn read_image(file: &dyn Bytes) -> Result<Image, Stop> {
    let dos = read(file, 0, DOS_HEADER, "the MS-DOS header")?;
    let start = Fields(&dos).u32(60)?;
    if !dos.starts_with(b"MZ") || index(start) < DOS_HEADER {
        return Err(malformed("this is no PE image: the MS-DOS header is wrong"));
    }
    let start = u64::from(start);
    let header = read(file, start, FILE_HEADER, "the PE header")?;
    if !header.starts_with(b"PE\0\0") {
        return Err(malformed(format!("no PE header at byte {start}")));
    }
    let sections = usize::from(Fields(&header).u16(6)?);
    let optional_length = usize::from(Fields(&header).u16(20)?);
    let optional_at = start.saturating_add(size(FILE_HEADER));
    let optional = read(file, optional_at, optional_length, "the optional header")?;
    let table = certificate_table(&optional)?;
    let Some(table) = table else {
        return Ok(Image { covered: Vec::new(), parts: Vec::new(), signatures: Vec::new() });
    };
    let Table { offset, length, entry_at } = table;
    if offset.checked_add(length) != Some(file.length()) {
        return Err(malformed(format!(
            "the certificate table should end the file: it covers bytes {offset} to {}, the file has {}",
            offset.saturating_add(length),
            file.length()
        )));
    }
    let sections_at = optional_at.saturating_add(size(optional_length));
    let parts = parts(file, &optional, sections_at, sections, offset)?;
    let checksum = optional_at.saturating_add(size(CHECKSUM));
    let entry = optional_at.saturating_add(size(entry_at));
    let covered = vec![0..checksum, checksum.saturating_add(4)..entry, entry.saturating_add(8)..offset];
    if covered.iter().any(|range| range.start > range.end) {
        return Err(malformed("the certificate table begins within the headers"));
    }
    Ok(Image { covered, parts, signatures: entries(file, offset, length)? })
}

/// The CheckSum field in the optional header, of both kinds.
const CHECKSUM: usize = 64;

struct Table {
    offset: u64,
    length: u64,
    /// Of its directory entry, in the optional header.
    entry_at: usize,
}

/// What the data directory says; none where there is no table.
fn certificate_table(optional: &[u8]) -> Result<Option<Table>, Stop> {
    let fields = Fields(optional);
    let directories_at = match fields.u16(0)? {
        0x010b => 96_usize,
        0x020b => 112,
        other => return Err(malformed(format!("an optional header of an unknown kind: {other:#06x}"))),
    };
    let count = fields.u32(directories_at.saturating_sub(4))?;
    if count > DIRECTORIES {
        return Err(malformed(format!("{count} data directories, where the format has {DIRECTORIES}")));
    }
    if index(count) <= CERTIFICATE_TABLE {
        return Ok(None);
    }
    // All of those that are counted must be there.
    fields.bytes(directories_at, index(count).saturating_mul(8))?;
    let entry_at = directories_at.saturating_add(CERTIFICATE_TABLE.saturating_mul(8));
    let (offset, length) = (fields.u32(entry_at)?, fields.u32(entry_at.saturating_add(4))?);
    match (offset, length) {
        (0, 0) => Ok(None),
        (0, _) | (_, 0) => Err(malformed("a certificate table without a place or without a length")),
        _ if !offset.is_multiple_of(8) => {
            Err(malformed(format!("the certificate table begins at byte {offset}, not a multiple of 8")))
        }
        _ => Ok(Some(Table { offset: offset.into(), length: length.into(), entry_at })),
    }
}

/// Headers and sections as ranges of the file: apart from each other, and before `end`.
fn parts(
    file: &dyn Bytes,
    optional: &[u8],
    sections_at: u64,
    count: usize,
    end: u64,
) -> Result<Vec<Range<u64>>, Stop> {
    if count > MAX_SECTIONS {
        let note = format!("{count} sections, the limit is {MAX_SECTIONS}");
        return Err(Stop::found(Reason::LimitExceeded, note));
    }
    let headers_end = u64::from(Fields(optional).u32(60)?);
    let table = read(file, sections_at, count.saturating_mul(SECTION_HEADER), "the section table")?;
    let table_end = sections_at.saturating_add(size(table.len()));
    if headers_end < table_end || headers_end > end {
        return Err(malformed(format!(
            "SizeOfHeaders is {headers_end}: the headers end at {table_end}, the image at {end}"
        )));
    }
    let mut parts = vec![0..headers_end];
    for section in table.chunks_exact(SECTION_HEADER) {
        let (length, start) = (Fields(section).u32(16)?, Fields(section).u32(20)?);
        let (length, start) = (u64::from(length), u64::from(start));
        // A section of zeros that only memory has.
        if length > 0 && start > 0 {
            parts.push(start..start.saturating_add(length));
        }
    }
    // SizeOfHeaders may reach into the first section, as UPX writes it: what counts is where the headers end.
    let headers = std::iter::once(0..table_end);
    let mut ascending: Vec<_> = headers.chain(parts.iter().skip(1).cloned()).collect();
    ascending.sort_by_key(|part| part.start);
    for (part, next) in ascending.iter().zip(ascending.iter().skip(1)) {
        if part.end > next.start {
            return Err(malformed(format!(
                "sections overlap each other or the headers: one ends at byte {}, the next begins at {}",
                part.end, next.start
            )));
        }
    }
    if let Some(last) = ascending.last().filter(|last| last.end > end) {
        return Err(malformed(format!("a section goes up to byte {}, the image ends at {end}", last.end)));
    }
    Ok(parts)
}

/// The table's entries. Every byte of the table belongs to one, or is a zero that fills up to eight.
fn entries(file: &dyn Bytes, offset: u64, length: u64) -> Result<Vec<Vec<u8>>, Stop> {
    if length > size(MAX_SIGNATURE_BYTES) {
        let note = format!("a certificate table of {length} bytes, the limit is {MAX_SIGNATURE_BYTES}");
        return Err(Stop::found(Reason::LimitExceeded, note));
    }
    let table = read(file, offset, index(length), "the certificate table")?;
    let mut rest = table.as_slice();
    let mut signatures = Vec::new();
    while !rest.is_empty() {
        let header = Fields(rest);
        let (length, revision, kind) = (index(header.u32(0)?), header.u16(4)?, header.u16(6)?);
        // WIN_CERT_REVISION_2_0, WIN_CERT_TYPE_PKCS_SIGNED_DATA.
        if (revision, kind) != (0x0200, 2) {
            let found = format!("revision {revision:#06x}, type {kind}");
            return Err(malformed(format!("an entry of the certificate table that nobody reads: {found}")));
        }
        if length <= ENTRY_HEADER || length > rest.len() {
            let note = format!("a certificate entry of {length} bytes, where {} are left", rest.len());
            return Err(malformed(note));
        }
        let content = header.bytes(ENTRY_HEADER, length.saturating_sub(ENTRY_HEADER))?;
        signatures.push(content.to_vec());
        if signatures.len() > MAX_CERTIFICATE_ENTRIES {
            let note = format!("more than {MAX_CERTIFICATE_ENTRIES} certificate entries");
            return Err(Stop::found(Reason::LimitExceeded, note));
        }
        let next = length.next_multiple_of(8).min(rest.len());
        if !is_padding(header.bytes(length, next.saturating_sub(length))?) {
            return Err(malformed("bytes other than zero fill up an entry of the certificate table"));
        }
        rest = rest.get(next..).unwrap_or_default();
    }
    Ok(signatures)
}
