// SPDX-License-Identifier: Apache-2.0
//! One header structure of an RPM package: its bytes in, entries that were all checked out.
//!
//! Layout (rpm, `docs/manual/format_header.md`): magic, count of entries, bytes of data; entries of sixteen
//! bytes (tag, type, offset, count), sorted as the writer likes; data. The first entry of all but the oldest
//! headers names a *region*: the part that is stored in the database as it is, and that a signature covers.
//!
//! rpm skims what it does not use. Here every entry must be sound, whichever tag it has: inside the data, of a
//! known type, aligned, ended by a zero where it is text, overlapping no other, and its tag occurring once.

use super::super::{Reason, Stop};

/// Where a header begins (`rpm_header_magic`): the magic, version 1, four reserved zeros.
pub const MAGIC: [u8; 8] = [0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0];
/// The magic, and the two counts.
pub const INTRODUCTION: usize = 16;
/// Bytes of an entry, and of a region's trailer, which has the same form.
const ENTRY: usize = 16;
/// Entries of a header: what rpm itself reads (`HEADER_TAGS_MAX`).
pub const MAX_ENTRIES: u32 = 65_535;
/// Data of a package's header, which is kept in memory. A package of a hundred thousand files has 20 MiB.
pub const MAX_DATA_BYTES: u32 = 32 * 1024 * 1024;
/// Entries of a signature header: what rpm itself reads (32, `HEADERSIGS`), doubled.
pub const MAX_SIGNATURE_ENTRIES: u32 = 64;
/// Data of a signature header: signatures of single files (IMA) are most of it, 300 bytes for each of thousands.
pub const MAX_SIGNATURE_DATA_BYTES: u32 = 8 * 1024 * 1024;

/// `RPMTAG_HEADERIMAGE`: the region of headers written before 2000.
const TAG_IMAGE: u32 = 61;
/// `RPMTAG_HEADERSIGNATURES`: the region of a signature header.
const TAG_SIGNATURES: u32 = 62;
/// `RPMTAG_HEADERIMMUTABLE`: the region of a package's header.
const TAG_IMMUTABLE: u32 = 63;

/// Which of the two headers of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Signatures and digests, which nothing covers itself.
    Signature,
    /// The package: what signatures cover.
    Package,
}

impl Role {
    const fn name(self) -> &'static str {
        match self {
            Self::Signature => "signature header",
            Self::Package => "package header",
        }
    }

    const fn limits(self) -> (u32, u32) {
        match self {
            Self::Signature => (MAX_SIGNATURE_ENTRIES, MAX_SIGNATURE_DATA_BYTES),
            Self::Package => (MAX_ENTRIES, MAX_DATA_BYTES),
        }
    }
}

/// A refusal to read a header, in words.
pub(super) fn malformed<T>(role: Role, note: impl std::fmt::Display) -> Result<T, Stop> {
    Err(Stop::found(Reason::FileMalformed, format!("{}: {note}", role.name())))
}

/// Types of data (`rpmTagType_e`). Type 0 has no data, and no writer uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Characters, bytes, or binary data.
    Bytes(u32),
    /// 16, 32 or 64 bits, big endian: the bytes of one.
    Integers(u32),
    /// One text, ended by a zero.
    Text,
    /// Texts one after the other, in one language or several.
    Texts(u32),
}

impl Type {
    fn new(number: u32) -> Option<Self> {
        Some(match number {
            1 | 2 | 7 => Self::Bytes(number),
            3 => Self::Integers(2),
            4 => Self::Integers(4),
            5 => Self::Integers(8),
            6 => Self::Text,
            8 | 9 => Self::Texts(number),
            _ => return None,
        })
    }
}

/// `RPM_BIN_TYPE`.
const BINARY: Type = Type::Bytes(7);

/// One entry, whose data was found sound.
#[derive(Clone, Copy, Debug)]
struct Entry {
    tag: u32,
    kind: Type,
    count: u32,
    /// Within the data.
    start: usize,
    end: usize,
}

/// The sizes that the first sixteen bytes of a header tell.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    entries: usize,
    data: usize,
}

impl Extent {
    /// Reads the beginning of a header, and holds it to the limits before anything is allocated for it.
    pub fn read(role: Role, introduction: &[u8; INTRODUCTION]) -> Result<Self, Stop> {
        if !introduction.starts_with(&MAGIC) {
            return malformed(role, "does not begin with the magic number of a header");
        }
        let (entries, data) = (number(introduction, 8), number(introduction, 12));
        let (Some(entries), Some(data)) = (entries, data) else {
            return malformed(role, "cut off");
        };
        let (max_entries, max_data) = role.limits();
        if entries == 0 {
            return malformed(role, "has no entries");
        }
        if entries > max_entries || data > max_data {
            let (reason, what) = if entries > MAX_ENTRIES || data > 0x0fff_ffff {
                // rpm calls these numbers impossible; they are damage, not size.
                (Reason::FileMalformed, "impossible size")
            } else {
                (Reason::LimitExceeded, "too large")
            };
            let note = format!(
                "{}: {what}: {entries} entries and {data} bytes of data, where {max_entries} and {max_data} are read",
                role.name()
            );
            return Err(Stop::found(reason, note));
        }
        let size = |number: u32| usize::try_from(number).ok();
        match (size(entries), size(data)) {
            (Some(entries), Some(data)) => Ok(Self { entries, data }),
            _ => malformed(role, "larger than this machine's memory"),
        }
    }

    /// Bytes of the whole header, its beginning included.
    pub fn length(self) -> usize {
        // Bounded by the limits above, so nothing saturates.
        self.entries.saturating_mul(ENTRY).saturating_add(self.data).saturating_add(INTRODUCTION)
    }
}

/// A header, all of whose entries are sound.
#[derive(Debug)]
pub struct Header {
    role: Role,
    blob: Vec<u8>,
    entries: Vec<Entry>,
    data: usize,
}

impl Header {
    /// Checks a whole header: [`Extent::length`] bytes, the beginning included.
    pub fn new(role: Role, extent: Extent, blob: Vec<u8>) -> Result<Self, Stop> {
        let data = extent.entries.saturating_mul(ENTRY).saturating_add(INTRODUCTION);
        let mut header = Self { role, blob, entries: Vec::with_capacity(extent.entries), data };
        // Entries that share no data cannot have more of it together than there is. Counted as they come, so that
        // no byte is searched for the ends of texts once for each of thousands of entries.
        let mut left = extent.data;
        for index in 0..extent.entries {
            let entry = header.entry(index.saturating_mul(ENTRY).saturating_add(INTRODUCTION))?;
            match left.checked_sub(entry.end.saturating_sub(entry.start)) {
                Some(rest) => left = rest,
                None => return malformed(role, format!("tag {} shares data with others", entry.tag)),
            }
            header.entries.push(entry);
        }
        header.check_region()?;
        header.check_uniqueness()?;
        Ok(header)
    }

    /// The header as it is stored: what signatures cover.
    pub fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// The texts of a tag; none where there is no such tag, or where it is of another type.
    ///
    /// They are found one by one: there may be as many as bytes of data.
    pub fn texts(&self, tag: u32) -> Option<impl Iterator<Item = &[u8]>> {
        let entry = self.find(tag)?;
        matches!(entry.kind, Type::Text | Type::Texts(_)).then_some(())?;
        let data = self.data().get(entry.start..entry.end)?;
        // The last byte is the zero of the last text.
        Some(data.strip_suffix(&[0])?.split(|byte| *byte == 0))
    }

    /// The one text of a tag.
    pub fn text(&self, tag: u32) -> Option<&[u8]> {
        self.find(tag).filter(|entry| entry.count == 1)?;
        self.texts(tag)?.next()
    }

    /// The binary data of a tag.
    pub fn binary(&self, tag: u32) -> Option<&[u8]> {
        let entry = self.find(tag).filter(|entry| entry.kind == BINARY)?;
        self.data().get(entry.start..entry.end)
    }

    /// The single 32-bit number of a tag.
    pub fn integer(&self, tag: u32) -> Option<u32> {
        let entry = self.find(tag).filter(|entry| entry.kind == Type::Integers(4) && entry.count == 1)?;
        number(self.data(), entry.start)
    }

    /// Whether a tag occurs, of whatever type.
    pub fn has(&self, tag: u32) -> bool {
        self.find(tag).is_some()
    }

    fn find(&self, tag: u32) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }

    fn data(&self) -> &[u8] {
        self.blob.get(self.data..).unwrap_or_default()
    }

    fn entry(&self, at: usize) -> Result<Entry, Stop> {
        let field = |index: usize| number(&self.blob, index.saturating_mul(4).saturating_add(at));
        let (Some(tag), Some(kind), Some(offset), Some(count)) = (field(0), field(1), field(2), field(3))
        else {
            return malformed(self.role, "cut off");
        };
        let broken = |what: &str| {
            malformed(self.role, format!("tag {tag}: {what} (type {kind}, offset {offset}, count {count})"))
        };
        let Some(kind) = Type::new(kind) else { return broken("unknown type") };
        let (Ok(start), Ok(many)) = (usize::try_from(offset), usize::try_from(count)) else {
            return broken("not in the data");
        };
        if many == 0 {
            return broken("holds nothing");
        }
        let length = match kind {
            Type::Bytes(_) => Some(many),
            Type::Integers(size) if !offset.is_multiple_of(size) => return broken("not aligned"),
            Type::Integers(size) => usize::try_from(size).ok().and_then(|size| many.checked_mul(size)),
            Type::Text if many != 1 => return broken("several texts where there is one"),
            Type::Text => self.texts_length(start, 1),
            Type::Texts(_) => self.texts_length(start, many),
        };
        match length.and_then(|length| start.checked_add(length)) {
            Some(end) if end <= self.data().len() => Ok(Entry { tag, kind, count, start, end }),
            _ => broken("goes beyond the data"),
        }
    }

    /// Bytes of `count` texts from `start` on, their zeros included.
    fn texts_length(&self, start: usize, count: usize) -> Option<usize> {
        let texts = self.data().get(start..)?;
        let last = texts.iter().enumerate().filter(|(_, byte)| **byte == 0).nth(count.checked_sub(1)?)?;
        last.0.checked_add(1)
    }

    /// The region must name itself in its trailer, and in a package's header nothing may lie outside of it.
    ///
    /// A header of rpm 3 has none; then the header as it is stored is all that there is.
    fn check_region(&self) -> Result<(), Stop> {
        let is_region = |tag: u32| matches!(tag, TAG_IMAGE..=TAG_IMMUTABLE);
        let Some((first, rest)) = self.entries.split_first() else { return Ok(()) };
        if rest.iter().any(|entry| is_region(entry.tag)) {
            return malformed(self.role, "a region that is not the first entry");
        }
        if !is_region(first.tag) {
            return Ok(());
        }
        let own = if self.role == Role::Signature { TAG_SIGNATURES } else { TAG_IMMUTABLE };
        let sound =
            first.tag == own && first.kind == BINARY && first.end.checked_sub(first.start) == Some(ENTRY);
        if !sound {
            return malformed(self.role, format!("tag {} is no sound region", first.tag));
        }
        let field = |index: usize| number(self.data(), index.saturating_mul(4).saturating_add(first.start));
        // Old signature headers have the tag of old regions in their trailers (rpm, `hdrblobVerifyRegion`).
        let tag = field(0).filter(|tag| *tag == own || (*tag == TAG_IMAGE && self.role == Role::Signature));
        // The offset in the trailer is negative: where the entries begin, seen from their end.
        let covered = field(2).map(u32::wrapping_neg).and_then(|bytes| usize::try_from(bytes).ok());
        let covered =
            covered.filter(|bytes| bytes.is_multiple_of(ENTRY)).map(|bytes| bytes.wrapping_div(ENTRY));
        let (Some(_), Some(7), Some(covered), Some(16)) = (tag, field(1), covered, field(3)) else {
            return malformed(self.role, "the trailer of the region is not sound");
        };
        if covered == 0 || covered > self.entries.len() {
            return malformed(self.role, "the region is larger than the header");
        }
        if self.role == Role::Package && (covered < self.entries.len() || first.end < self.data().len()) {
            return malformed(self.role, "entries or data outside the region that is signed");
        }
        Ok(())
    }

    /// No tag twice, no byte in two entries.
    fn check_uniqueness(&self) -> Result<(), Stop> {
        let mut sorted: Vec<&Entry> = self.entries.iter().collect();
        sorted.sort_unstable_by_key(|entry| entry.tag);
        if let Some([twice, _]) = sorted.array_windows().find(|[one, other]| one.tag == other.tag) {
            return malformed(self.role, format!("tag {} occurs twice", twice.tag));
        }
        sorted.sort_unstable_by_key(|entry| (entry.start, entry.end));
        if let Some([one, other]) = sorted.array_windows().find(|[one, other]| other.start < one.end) {
            return malformed(self.role, format!("tags {} and {} share data", one.tag, other.tag));
        }
        Ok(())
    }
}

/// The big-endian number at `at`.
fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|four| u32::from_be_bytes(*four))
}
