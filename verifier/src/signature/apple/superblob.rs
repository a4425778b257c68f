// SPDX-License-Identifier: Apache-2.0
//! The embedded signature of one Mach-O image, taken apart: bytes in; CodeDirectories, the CMS signature and
//! the other blobs out. Layout: `osfmk/kern/cs_blobs.h` of XNU, all numbers big-endian.
//!
//! Nothing here is proven. The SuperBlob's own header, the order of its blobs and the bytes between them are
//! signed by nobody, so they may say nothing: blobs share no byte, and no slot occurs twice.

use super::directory::CodeDirectory;
use super::fields::{Fields, Order, as_index, malformed};
use crate::signature::{Reason, Stop};

/// Most bytes of an image's embedded signature: page hashes of 2 GiB of code, by SHA-1 and SHA-256, take
/// 26 MiB. It is kept in memory.
pub const MAX_SIGNATURE_BYTES: u64 = 32 * 1024 * 1024;

/// Most blobs of an embedded signature: there are some twenty kinds, and each occurs once.
pub const MAX_BLOBS: u32 = 64;

const EMBEDDED_SIGNATURE: u32 = 0xfade_0cc0;
const CODE_DIRECTORY: u32 = 0xfade_0c02;
const WRAPPER: u32 = 0xfade_0b01;

const SLOT_CODE_DIRECTORY: u32 = 0;
/// `CSSLOT_ALTERNATE_CODEDIRECTORIES` and the four behind it (`CSSLOT_ALTERNATE_CODEDIRECTORY_MAX`).
const ALTERNATE_CODE_DIRECTORIES: std::ops::Range<u32> = 0x1000..0x1005;
const SLOT_SIGNATURE: u32 = 0x1_0000;
const SLOT_IDENTIFICATION: u32 = 0x1_0001;
const SLOT_TICKET: u32 = 0x1_0002;

/// What an image carries as signature.
#[derive(Debug)]
pub(super) struct EmbeddedSignature<'a> {
    /// The first is the primary one, over which the CMS signature stands.
    pub(super) directories: Vec<CodeDirectory<'a>>,
    /// What stands in the CMS wrapper; none where there is no wrapper or nothing in it.
    pub(super) cms: Option<&'a [u8]>,
    /// The blobs that CodeDirectories bind by special slots: slot number, whole blob.
    pub(super) special: Vec<(u32, &'a [u8])>,
    /// Bytes of a stapled notarization ticket.
    pub(super) ticket: Option<usize>,
    /// What lies in the signature and is bound by nothing, for people.
    pub(super) loose: Vec<String>,
}

/// Takes apart the bytes that `LC_CODE_SIGNATURE` names.
pub(super) fn parse(bytes: &[u8]) -> Result<EmbeddedSignature<'_>, Stop> {
    let what = "the embedded signature";
    let mut fields = Fields::new(bytes, Order::Big, what);
    let (magic, length, count) = (fields.u32()?, as_index(fields.u32()?), fields.u32()?);
    if magic != EMBEDDED_SIGNATURE {
        return Err(malformed(format!("the embedded signature begins with {magic:#010x}, not a SuperBlob")));
    }
    if count > MAX_BLOBS {
        return Err(Stop::found(Reason::LimitExceeded, format!("{count} blobs in a signature")));
    }
    let Some((whole, padding)) = bytes.split_at_checked(length) else {
        return Err(malformed(format!(
            "the SuperBlob claims {length} bytes, {} are there for it",
            bytes.len()
        )));
    };
    let mut found = EmbeddedSignature {
        directories: Vec::new(),
        cms: None,
        special: Vec::new(),
        ticket: None,
        loose: Vec::new(),
    };
    let mut alternates = Vec::new();
    for (slot, blob) in blobs(whole, &mut fields, count, &mut found.loose)? {
        let content = blob.get(8..).unwrap_or_default();
        match slot {
            SLOT_CODE_DIRECTORY => found.directories.push(CodeDirectory::parse(blob)?),
            slot if ALTERNATE_CODE_DIRECTORIES.contains(&slot) => {
                alternates.push(CodeDirectory::parse(blob)?);
            }
            SLOT_SIGNATURE => {
                expect(blob, WRAPPER, "the CMS wrapper")?;
                found.cms = Some(content).filter(|content| !content.is_empty());
            }
            SLOT_TICKET => found.ticket = Some(content.len()),
            slot if slot < 0x1000 => found.special.push((slot, blob)),
            SLOT_IDENTIFICATION => found.loose.push("the identification blob of the signature".to_owned()),
            slot => found.loose.push(format!("a blob in slot {slot:#x} of the signature")),
        }
    }
    if found.directories.is_empty() {
        return Err(malformed("the embedded signature has no CodeDirectory"));
    }
    found.directories.append(&mut alternates);
    if padding.iter().any(|&byte| byte != 0) {
        found.loose.push(format!("{} bytes behind the SuperBlob, not all zero", padding.len()));
    }
    Ok(found)
}

/// The blobs, each with its slot, in the order of the index.
fn blobs<'a>(
    whole: &'a [u8],
    index: &mut Fields<'_>,
    count: u32,
    loose: &mut Vec<String>,
) -> Result<Vec<(u32, &'a [u8])>, Stop> {
    let mut blobs: Vec<(u32, &[u8])> = Vec::new();
    let mut ranges = Vec::new();
    for _ in 0..count {
        let (slot, offset) = (index.u32()?, as_index(index.u32()?));
        if blobs.iter().any(|&(other, _)| other == slot) {
            return Err(malformed(format!("slot {slot:#x} occurs twice in the signature")));
        }
        let rest = whole.get(offset..).unwrap_or_default();
        let mut fields = Fields::new(rest, Order::Big, "a blob of the signature");
        fields.u32()?;
        let length = as_index(fields.u32()?);
        let Some(blob) = rest.get(..length).filter(|blob| blob.len() >= 8) else {
            return Err(malformed(format!("the blob in slot {slot:#x} claims {length} bytes")));
        };
        blobs.push((slot, blob));
        ranges.push((offset, offset.saturating_add(length)));
    }
    ranges.sort_unstable();
    let mut end = as_index(count).saturating_mul(8).saturating_add(12);
    for (start, next) in ranges.into_iter().chain([(whole.len(), whole.len())]) {
        if start < end {
            return Err(malformed("blobs of the signature overlap"));
        }
        if whole.get(end..start).unwrap_or_default().iter().any(|&byte| byte != 0) {
            loose.push(format!("{} bytes between blobs of the signature", start.saturating_sub(end)));
        }
        end = next;
    }
    Ok(blobs)
}

fn expect(blob: &[u8], magic: u32, what: &'static str) -> Result<(), Stop> {
    let found = Fields::new(blob, Order::Big, what).u32()?;
    if found == magic {
        return Ok(());
    }
    Err(malformed(format!("{what} begins with {found:#010x}, {magic:#010x} was wanted")))
}

/// The magic number that a CodeDirectory begins with.
pub(super) fn is_code_directory(blob: &[u8]) -> Result<(), Stop> {
    expect(blob, CODE_DIRECTORY, "a CodeDirectory")
}
