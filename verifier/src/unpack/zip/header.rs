// SPDX-License-Identifier: Apache-2.0
//! The two headers of an entry (APPNOTE 4.3.7 and 4.3.12): what each says, and that they say the same.

use std::io::Read;

use super::extra::{self, Extra};
use super::fields::{Fields, read};
use crate::bytes::{Bytes, read_full};
use crate::unpack::{Error, Fault, Rule, fault, length};

pub(super) const LOCAL: [u8; 4] = *b"PK\x03\x04";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const LOCAL_BYTES: u64 = 30;
/// After the signature.
const CENTRAL_BYTES: usize = 42;
const CENTRAL_NAME_AT: u64 = 46;

const FLAG_DESCRIPTOR: u16 = 1 << 3;
/// Encryption (0), enhanced deflate (4), patch data (5), strong encryption (6), masked headers (13): APPNOTE 4.4.4.
const FLAGS_REFUSED: u16 = 1 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 13;

/// The last version of the format there is, 6.3.
const MAX_VERSION: u8 = 63;

/// How an entry is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Stored,
    Deflated,
}

/// What both headers must agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Common {
    flags: u16,
    method: u16,
    /// Time and date of MS-DOS.
    time: u32,
}

/// A header of the central directory.
pub(super) struct Central {
    common: Common,
    pub(super) method: Method,
    pub(super) crc: u32,
    pub(super) packed: u64,
    pub(super) plain: u64,
    pub(super) local_at: u64,
    /// Which system's attributes `attributes` are.
    pub(super) host: u8,
    pub(super) attributes: u32,
    /// Where the name stands in the central directory, counted from its start.
    pub(super) name_at: u64,
    pub(super) name_length: usize,
}

impl Central {
    /// Whether nothing tells a reader from the front where the entry ends: stored, with its size behind it. A
    /// deflated entry tells by itself.
    pub(super) fn has_no_end_from_the_front(&self) -> bool {
        self.common.flags & FLAG_DESCRIPTOR != 0 && self.method == Method::Stored
    }
}

/// The next header of the central directory, `at` bytes from its start; its name; and how long it is.
pub(super) fn central(from: &mut dyn Read, at: u64) -> Result<(Central, Vec<u8>, u64), Error> {
    let mut signature = [0; 4];
    let mut fixed = [0; CENTRAL_BYTES];
    if read_full(from, &mut signature)? < signature.len() || signature != CENTRAL {
        let note = "the central directory does not hold the entries that it is said to hold";
        return Err(Fault::new(Rule::Structure, note).into());
    }
    let cut = || Fault::new(Rule::Structure, "the central directory is cut short");
    if read_full(from, &mut fixed)? < fixed.len() {
        return Err(cut().into());
    }
    let mut fields = Fields::new(&fixed);
    let [_, host] = fields.u16()?.to_le_bytes();
    version(&mut fields)?;
    let common = Common { flags: fields.u16()?, method: fields.u16()?, time: fields.u32()? };
    let crc = fields.u32()?;
    let (packed, plain) = (fields.u32()?, fields.u32()?);
    let lengths = [fields.u16()?, fields.u16()?, fields.u16()?].map(usize::from);
    let disk = fields.u16()?;
    // Internal attributes: whether somebody took it for text.
    fields.take(2)?;
    let (attributes, local_at) = (fields.u32()?, fields.u32()?);
    let mut variable = vec![0; lengths.into_iter().fold(0, usize::saturating_add)];
    if read_full(from, &mut variable)? < variable.len() {
        return Err(cut().into());
    }
    let mut fields = Fields::new(&variable);
    let [name, extra, comment] = lengths;
    let (name, extra) = (fields.take(name)?.to_vec(), fields.take(extra)?);
    fields.take(comment)?;
    let extra = Extra::read(extra)?;
    extra.same_name(&name)?;
    let wide = extra.central_sizes(plain, packed, local_at, disk)?;
    if wide.disk != 0 {
        return Err(Fault::new(Rule::Structure, "an entry on another disk").into());
    }
    let name_at = at.saturating_add(CENTRAL_NAME_AT);
    let size = CENTRAL_NAME_AT.saturating_add(length(variable.len()));
    let central = Central {
        common,
        method: method(common)?,
        crc,
        packed: wide.packed,
        plain: wide.plain,
        local_at: wide.local_at,
        host,
        attributes,
        name_at,
        name_length: name.len(),
    };
    Ok((central, name, size))
}

/// The version that a reader must know (4.4.3), whose upper byte some writers use for their host. The two
/// headers are not compared: writers put different ones into them.
fn version(fields: &mut Fields<'_>) -> Result<(), Fault> {
    let [needed, _] = fields.u16()?.to_le_bytes();
    if needed > MAX_VERSION {
        return fault(Rule::Method, format!("needs version {}.{} of the format", needed / 10, needed % 10));
    }
    Ok(())
}

fn method(common: Common) -> Result<Method, Fault> {
    if common.flags & FLAGS_REFUSED != 0 {
        let note = format!("encrypted, or of another form that is not read (flags {:#06x})", common.flags);
        return fault(Rule::Method, note);
    }
    match common.method {
        0 => Ok(Method::Stored),
        8 => Ok(Method::Deflated),
        other => fault(Rule::Method, format!("method {other}: only stored (0) and deflated (8) are read")),
    }
}

/// Reads the local header of an entry, compares it with the central one and its `name`, and so for the data
/// descriptor. Returns where the packed bytes begin. `next` is where what follows the entry begins: the only thing that tells how long the descriptor is.
pub(super) fn local(file: &dyn Bytes, central: &Central, name: &[u8], next: u64) -> Result<u64, Error> {
    let mut fixed = [0; 30];
    read(file, central.local_at, &mut fixed, "the local header")?;
    let mut fields = Fields::new(&fixed);
    if fields.take(4)? != LOCAL {
        let note = format!("no local header at {}, where the central directory says", central.local_at);
        return Err(Fault::new(Rule::Structure, note).into());
    }
    version(&mut fields)?;
    let common = Common { flags: fields.u16()?, method: fields.u16()?, time: fields.u32()? };
    let crc = fields.u32()?;
    let (packed, plain) = (fields.u32()?, fields.u32()?);
    let lengths = [fields.u16()?, fields.u16()?].map(usize::from);
    let mut variable = vec![0; lengths.into_iter().fold(0, usize::saturating_add)];
    let variable_at = central.local_at.saturating_add(LOCAL_BYTES);
    read(file, variable_at, &mut variable, "the local header")?;
    let mut fields = Fields::new(&variable);
    let differs = |what: &str| {
        Fault::new(
            Rule::Contradiction,
            format!("the local header has another {what} than the central directory"),
        )
    };
    let [name_length, _] = lengths;
    if fields.take(name_length)? != name {
        return Err(differs("name").into());
    }
    let extra = Extra::read(fields.rest())?;
    extra.same_name(name)?;
    for (what, same) in [
        ("set of flags", common.flags == central.common.flags),
        ("method", common.method == central.common.method),
        ("time", common.time == central.common.time),
    ] {
        if !same {
            return Err(differs(what).into());
        }
    }
    let (local_plain, local_packed) = extra.local_sizes(plain, packed)?;
    let streamed = common.flags & FLAG_DESCRIPTOR != 0;
    // With a descriptor, the header was written before the content was known: zeros, mostly (4.4.4).
    let agrees = |local: u64, central: u64| local == central || (streamed && local == 0);
    if !agrees(u64::from(crc), u64::from(central.crc)) {
        return Err(differs("CRC").into());
    }
    if !agrees(local_plain, central.plain) || !agrees(local_packed, central.packed) {
        return Err(differs("size").into());
    }
    let data = variable_at.saturating_add(length(variable.len()));
    let Some(data_end) = data.checked_add(central.packed).filter(|end| *end <= next) else {
        return Err(Fault::new(Rule::Unowned, "reaches into the next entry, or beyond the archive").into());
    };
    if streamed {
        descriptor(file, central, data_end, next, extra.has_wide_sizes())?;
    } else if data_end != next {
        let note = format!("{} bytes after it belong to no entry", next.saturating_sub(data_end));
        return Err(Fault::new(Rule::Unowned, note).into());
    }
    Ok(data)
}

/// The data descriptor (4.3.9): with or without signature, with sizes of 32 or 64 bits.
fn descriptor(
    file: &dyn Bytes,
    central: &Central,
    at: u64,
    next: u64,
    wide_header: extra::Wide,
) -> Result<(), Error> {
    const SIGNATURE: [u8; 4] = *b"PK\x07\x08";
    let mut bytes = [0; 24];
    let gap = usize::try_from(next.saturating_sub(at)).unwrap_or(usize::MAX);
    let (signed, wide) = match gap {
        12 => (false, false),
        16 => (true, false),
        20 => (false, true),
        24 => (true, true),
        _ => {
            let note = format!("{gap} bytes after it, where its data descriptor should be and nothing else");
            return Err(Fault::new(Rule::Unowned, note).into());
        }
    };
    let bytes = bytes.get_mut(..gap).unwrap_or_default();
    read(file, at, bytes, "the data descriptor")?;
    let mut fields = Fields::new(bytes);
    if signed && fields.take(4)? != SIGNATURE {
        return Err(Fault::new(Rule::Structure, "no data descriptor where it should be").into());
    }
    let crc = fields.u32()?;
    let (packed, plain) = if wide {
        (fields.u64()?, fields.u64()?)
    } else {
        (u64::from(fields.u32()?), u64::from(fields.u32()?))
    };
    if (crc, packed, plain) != (central.crc, central.packed, central.plain) {
        let note = "the data descriptor has another CRC or size than the central directory";
        return Err(Fault::new(Rule::Contradiction, note).into());
    }
    // A reader from the front goes by the header: it must take the descriptor for as long as it is. Sizes
    // above 32 bits leave no choice, and some writers know them too late for the header.
    let large = packed.max(plain) > u64::from(u32::MAX);
    if wide != (wide_header == extra::Wide::Present) && !large {
        let note = "the data descriptor has sizes of another width than the local header announces";
        return Err(Fault::new(Rule::Contradiction, note).into());
    }
    Ok(())
}
