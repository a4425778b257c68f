// SPDX-License-Identifier: Apache-2.0
//! Mach-O files: a thin or fat file in; its slices, and where in each the signature lies, out.
//!
//! Layout: `<mach-o/fat.h>`, `<mach-o/loader.h>` of Apple's cctools. Nothing here is proven. Bytes between the
//! slices of a fat file must be zero, and nothing may follow the last one: `codesign --verify --strict` refuses
//! such files too, since no signature covers what would stand there.

use super::fields::{Fields, Order, as_u64, malformed};
use crate::bytes::{Bytes, Part};
use crate::signature::{Reason, Stop};

/// Most slices of a fat file: there are a dozen kinds of processor, and Java's class files, which begin with
/// the same four bytes, have a number from 45 on in this place.
pub const MAX_SLICES: u32 = 32;

/// Most bytes of one image's load commands: large applications have 20 KiB.
pub const MAX_LOAD_COMMAND_BYTES: u32 = 1024 * 1024;

const FAT: u32 = 0xcafe_babe;
const FAT_64: u32 = 0xcafe_babf;
const LC_SEGMENT: u32 = 0x1;
const LC_SEGMENT_64: u32 = 0x19;
const LC_CODE_SIGNATURE: u32 = 0x1d;
/// `CPU_SUBTYPE_MASK`: these bits of a subtype are capabilities, not a processor.
const CAPABILITY_BITS: u32 = 0xff00_0000;

/// What a file is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// One image.
    Thin,
    /// Several.
    Fat,
}

/// The sort of Mach-O that begins like this, if it is one.
pub fn recognise(start: &[u8; 8]) -> Option<Sort> {
    let [a, b, c, d, count @ ..] = *start;
    match u32::from_be_bytes([a, b, c, d]) {
        FAT | FAT_64 => (1..=MAX_SLICES).contains(&u32::from_be_bytes(count)).then_some(Sort::Fat),
        _ => image_order(&[a, b, c, d]).map(|_| Sort::Thin),
    }
}

/// One image of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slice {
    pub(super) start: u64,
    pub(super) length: u64,
    pub(super) processor: Processor,
}

/// A kind of processor (`<mach/machine.h>`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Processor {
    kind: u32,
    subtype: u32,
}

impl Processor {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Stop> {
        Ok(Self { kind: fields.u32()?, subtype: fields.u32()? & !CAPABILITY_BITS })
    }

    /// As `lipo` names it.
    pub(super) fn name(self) -> String {
        match (self.kind, self.subtype) {
            (7, _) => "i386".to_owned(),
            (0x0100_0007, 8) => "x86_64h".to_owned(),
            (0x0100_0007, _) => "x86_64".to_owned(),
            (12, subtype) => format!("arm (subtype {subtype})"),
            (0x0100_000c, 2) => "arm64e".to_owned(),
            (0x0100_000c, _) => "arm64".to_owned(),
            (0x0200_000c, _) => "arm64_32".to_owned(),
            (18, _) => "ppc".to_owned(),
            (0x0100_0012, _) => "ppc64".to_owned(),
            (kind, subtype) => format!("processor {kind} subtype {subtype}"),
        }
    }
}

/// A run of bytes of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) start: u64,
    pub(super) length: u64,
}

impl Range {
    /// None where it would go beyond `length` bytes.
    fn within(start: u64, length: u64, whole: u64) -> Option<Self> {
        (start.checked_add(length)? <= whole).then_some(Self { start, length })
    }

    pub(super) const fn end(self) -> u64 {
        self.start.saturating_add(self.length)
    }
}

/// The images of a file, in its order.
pub(super) fn slices(file: &dyn Bytes) -> Result<Vec<Slice>, Stop> {
    let mut start = [0; 8];
    if file.length() < as_u64(start.len()) {
        return Err(malformed(format!("{} bytes are too few for a Mach-O file", file.length())));
    }
    file.read_at(0, &mut start)?;
    match recognise(&start) {
        None => Err(malformed("not a Mach-O file: neither a thin nor a fat header is at its start")),
        Some(Sort::Thin) => {
            let processor = header(file)?.processor;
            Ok(vec![Slice { start: 0, length: file.length(), processor }])
        }
        Some(Sort::Fat) => fat(file, start),
    }
}

fn fat(file: &dyn Bytes, start: [u8; 8]) -> Result<Vec<Slice>, Stop> {
    let mut fields = Fields::new(&start, Order::Big, "the fat header");
    let wide = fields.u32()? == FAT_64;
    let count = fields.u32()?;
    let entry: u32 = if wide { 32 } else { 20 };
    let table_bytes =
        count.checked_mul(entry).ok_or_else(|| malformed("the fat header's count is absurd"))?;
    let table = read(file, 8, u64::from(table_bytes), "the table of slices")?;
    let mut fields = Fields::new(&table, Order::Big, "the table of slices");
    let mut slices = Vec::new();
    for _ in 0..count {
        let processor = Processor::read(&mut fields)?;
        let (start, length) = if wide {
            (fields.u64()?, fields.u64()?)
        } else {
            (u64::from(fields.u32()?), u64::from(fields.u32()?))
        };
        fields.take(if wide { 8 } else { 4 })?; // alignment, and a reserved field
        let name = processor.name();
        if Range::within(start, length, file.length()).is_none() {
            return Err(malformed(format!("the slice for {name} lies beyond the end of the file")));
        }
        if slices.iter().any(|other: &Slice| other.processor == processor) {
            return Err(malformed(format!("there are two slices for {name}")));
        }
        slices.push(Slice { start, length, processor });
    }
    only_zeros_between(file, u64::from(table_bytes).saturating_add(8), &slices)?;
    for slice in &slices {
        let image = Part::new(file, slice.start, slice.length).ok_or_else(|| malformed("a slice"))?;
        let found = header(&image)?.processor;
        if found != slice.processor {
            return Err(malformed(format!(
                "the fat header says that a slice is for {}, the slice says {}",
                slice.processor.name(),
                found.name()
            )));
        }
    }
    Ok(slices)
}

/// Slices that share no byte, with nothing but padding between them and nothing behind.
fn only_zeros_between(file: &dyn Bytes, table_end: u64, slices: &[Slice]) -> Result<(), Stop> {
    let mut ordered = slices.to_vec();
    ordered.sort_by_key(|slice| slice.start);
    let mut end = table_end;
    for slice in &ordered {
        if slice.start < end {
            return Err(malformed(format!(
                "the slice for {} overlaps what stands before it",
                slice.processor.name()
            )));
        }
        if let Some(at) = first_nonzero(file, end, slice.start)? {
            return Err(malformed(format!("byte {at} belongs to no slice and is not zero")));
        }
        end = slice.start.saturating_add(slice.length);
    }
    if end == file.length() {
        return Ok(());
    }
    Err(malformed(format!("{} bytes follow the last slice", file.length().saturating_sub(end))))
}

/// Where the first byte from `start` to `end` stands that is not zero.
pub(super) fn first_nonzero(file: &dyn Bytes, start: u64, end: u64) -> Result<Option<u64>, Stop> {
    let mut block = vec![0; 64 * 1024];
    let mut at = start;
    while at < end {
        let count = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX).min(block.len());
        let Some(part) = block.get_mut(..count) else { break };
        file.read_at(at, part)?;
        if let Some(found) = part.iter().position(|&byte| byte != 0) {
            return Ok(Some(at.saturating_add(as_u64(found))));
        }
        at = at.saturating_add(as_u64(count));
    }
    Ok(None)
}

/// `length` bytes from `start` on, which the caller has bounded.
pub(super) fn read(file: &dyn Bytes, start: u64, length: u64, what: &str) -> Result<Vec<u8>, Stop> {
    let Some(range) = Range::within(start, length, file.length()) else {
        return Err(malformed(format!(
            "{what} would end at byte {}, the file at {}",
            start.saturating_add(length),
            file.length()
        )));
    };
    let mut bytes =
        vec![0; usize::try_from(range.length).map_err(|_| malformed(format!("{what} is absurd")))?];
    file.read_at(start, &mut bytes)?;
    Ok(bytes)
}

/// What an image says about itself.
#[derive(Clone, Debug)]
pub(super) struct Image {
    /// Where its signature lies, if it has one.
    pub(super) signature: Option<Range>,
    /// A property list inside (`__TEXT,__info_plist`): what slot 1 may be about.
    pub(super) info_plist: Option<Range>,
    /// Where the last segment other than `__LINKEDIT` ends in the file.
    pub(super) segments_end: u64,
}

#[derive(Clone, Copy)]
struct Header {
    processor: Processor,
    order: Order,
    /// Bytes of the header itself.
    bytes: u64,
    command_count: u32,
    command_bytes: u32,
}

fn image_order(magic: &[u8; 4]) -> Option<(Order, bool)> {
    match magic {
        [0xce, 0xfa, 0xed, 0xfe] => Some((Order::Little, false)),
        [0xcf, 0xfa, 0xed, 0xfe] => Some((Order::Little, true)),
        [0xfe, 0xed, 0xfa, 0xce] => Some((Order::Big, false)),
        [0xfe, 0xed, 0xfa, 0xcf] => Some((Order::Big, true)),
        _ => None,
    }
}

fn header(image: &dyn Bytes) -> Result<Header, Stop> {
    let bytes = read(image, 0, 28, "a Mach-O header")?;
    let mut magic = [0; 4];
    let mut fields = Fields::new(&bytes, Order::Big, "a Mach-O header");
    magic.copy_from_slice(fields.take(4)?);
    let Some((order, wide)) = image_order(&magic) else {
        return Err(malformed("a slice does not begin with a Mach-O header"));
    };
    let mut fields = Fields::new(&bytes, order, "a Mach-O header");
    fields.take(4)?;
    let processor = Processor::read(&mut fields)?;
    fields.u32()?; // kind of file: any kind may be signed
    let (command_count, command_bytes) = (fields.u32()?, fields.u32()?);
    Ok(Header { processor, order, bytes: if wide { 32 } else { 28 }, command_count, command_bytes })
}

/// Reads the load commands of an image.
pub(super) fn image(image: &dyn Bytes) -> Result<Image, Stop> {
    let header = header(image)?;
    if header.command_bytes > MAX_LOAD_COMMAND_BYTES {
        let note = format!("{} bytes of load commands", header.command_bytes);
        return Err(Stop::found(Reason::LimitExceeded, note));
    }
    let commands = read(image, header.bytes, u64::from(header.command_bytes), "the load commands")?;
    let mut rest = Fields::new(&commands, header.order, "the load commands");
    let mut found = Image { signature: None, info_plist: None, segments_end: 0 };
    for _ in 0..header.command_count {
        let mut start = rest;
        let (command, size) = (start.u32()?, start.u32()?);
        if size < 8 {
            return Err(malformed(format!("a load command of {size} bytes")));
        }
        let body = rest.take(usize::try_from(size).unwrap_or(usize::MAX))?.get(8..).unwrap_or_default();
        let mut body = Fields::new(body, header.order, "a load command");
        match command {
            LC_CODE_SIGNATURE => {
                let (start, length) = (u64::from(body.u32()?), u64::from(body.u32()?));
                let Some(range) = Range::within(start, length, image.length()) else {
                    return Err(malformed(format!(
                        "the signature would end at byte {}, the image ends at {}",
                        start.saturating_add(length),
                        image.length()
                    )));
                };
                if found.signature.replace(range).is_some() {
                    return Err(malformed("there are two LC_CODE_SIGNATURE commands"));
                }
            }
            LC_SEGMENT | LC_SEGMENT_64 => {
                segment(&mut body, command == LC_SEGMENT_64, image.length(), &mut found)?;
            }
            _ => {}
        }
    }
    Ok(found)
}

fn segment(fields: &mut Fields<'_>, wide: bool, length: u64, image: &mut Image) -> Result<(), Stop> {
    let number = |fields: &mut Fields<'_>| if wide { fields.u64() } else { fields.u32().map(u64::from) };
    let name = fields.take(16)?;
    number(fields)?; // address
    number(fields)?; // size in memory
    let (start, count) = (number(fields)?, number(fields)?);
    fields.take(8)?; // protection
    let sections = fields.u32()?;
    fields.u32()?; // flags
    let Some(range) = Range::within(start, count, length) else {
        return Err(malformed("a segment lies beyond the end of the image"));
    };
    if !is(name, b"__LINKEDIT") && count > 0 {
        image.segments_end = image.segments_end.max(range.end());
    }
    for _ in 0..sections {
        let (section, segment) = (fields.take(16)?, fields.take(16)?);
        number(fields)?; // address
        let size = number(fields)?;
        let offset = u64::from(fields.u32()?);
        fields.take(if wide { 28 } else { 24 })?;
        if is(section, b"__info_plist") && is(segment, b"__TEXT") {
            image.info_plist = Range::within(offset, size, length);
        }
    }
    Ok(())
}

/// Whether a field of sixteen bytes, padded with zeros, holds `name`.
fn is(field: &[u8], name: &[u8]) -> bool {
    field.split(|&byte| byte == 0).next() == Some(name)
}
