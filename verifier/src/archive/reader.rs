// SPDX-License-Identifier: Apache-2.0
//! The first two entries, found within limits before anything is trusted.
//!
//! In: a carrier. Out: an [`Archive`]: the bytes of `manifest.json` and of the signature slot, and the
//! carrier at the place behind them. Of a header only the size is read, and it is compared with the
//! one form that it may have as soon as the manifest is trusted ([`Archive::require_front`]).

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::FileExt;

use manifests::bundle::{EntryMode, MAX_MANIFEST_BYTES, Manifest};
use manifests::dsse::{MAX_SLOT, SLOT_UNIT, Signatures};
use manifests::size::wide;

use super::format::{Entry, RECORD, RECORD_BYTES, header};
use crate::error::{Code, Refusal};
use crate::media::{Carrier, Medium};

/// The manifest's name in the archive's folder.
pub const MANIFEST: &str = "manifest.json";
/// The slot's name.
pub const SIGNATURES: &str = "signatures.json";
/// The name of the list of chaining values.
pub const CHAINS: &str = "chains.bin";

/// A carrier whose first two entries were found; nothing in it is trusted.
pub struct Archive {
    medium: Medium,
    manifest: Vec<u8>,
    slot: Vec<u8>,
    /// What stood around the two entries; none in a folder.
    frame: Option<Frame>,
}

struct Frame {
    manifest_header: [u8; RECORD],
    manifest_padding: Vec<u8>,
    slot_header: [u8; RECORD],
}

impl Archive {
    /// Finds the manifest and the signature slot.
    pub fn open(mut medium: Medium) -> Result<Self, Refusal> {
        let name = medium.name.clone();
        let (manifest, slot, frame) = match &mut medium.carrier {
            Carrier::File { file, length } => {
                let (file, end) = (&*file, *length);
                front(&name, &mut |at, bytes: &mut [u8]| read_at(file, end, at, bytes, &name))?
            }
            Carrier::Stream(stream) => {
                front(&name, &mut |_, bytes: &mut [u8]| read_next(stream, bytes, &name))?
            }
            Carrier::Folder(folder) => {
                let manifest = whole(folder.file(MANIFEST)?, MANIFEST, MAX_MANIFEST_BYTES)?;
                let slot = whole(folder.file(SIGNATURES)?, SIGNATURES, MAX_SLOT)?;
                require_slot_size(&name, wide(slot.len()))?;
                (manifest, slot, None)
            }
        };
        Ok(Self { medium, manifest, slot, frame })
    }

    /// The bytes of `manifest.json`.
    pub fn manifest(&self) -> &[u8] {
        &self.manifest
    }

    /// The signatures in the slot.
    pub fn signatures(&self) -> Result<Signatures, Refusal> {
        Signatures::from_slot(&self.slot).map_err(|error| {
            Refusal::new(Code::SignaturesMalformed, SIGNATURES, "is not a signature slot").found(error)
        })
    }

    /// Bytes in the slot.
    pub fn slot_size(&self) -> usize {
        self.slot.len()
    }

    /// Where the slot's header begins: behind the manifest, its header and its padding.
    fn slot_header_at(&self) -> usize {
        self.manifest.len().next_multiple_of(RECORD).saturating_add(RECORD)
    }

    /// Where the slot's content begins in a file, in bytes.
    pub fn slot_offset(&self) -> u64 {
        wide(self.slot_header_at().saturating_add(RECORD))
    }

    /// Where the entry behind the slot begins in a file, in bytes.
    pub fn next_offset(&self) -> u64 {
        self.slot_offset().saturating_add(wide(self.slot.len()))
    }

    /// The carrier's name, for refusals.
    pub fn name(&self) -> &str {
        &self.medium.name
    }

    /// What it comes on.
    pub const fn carrier(&self) -> &Carrier {
        &self.medium.carrier
    }

    /// Compares what stood around the first two entries with the form that this manifest gives them.
    pub fn require_front(&self, manifest: &Manifest) -> Result<(), Refusal> {
        let Some(frame) = &self.frame else { return Ok(()) };
        let folder = manifest.folder();
        let expect = |name: &str, size: usize| {
            let path = format!("{folder}/{name}");
            header(&Entry {
                path: &path,
                size: wide(size),
                mode: EntryMode::Plain,
                time: manifest.bundle().created,
            })
        };
        require_same(MANIFEST, 0, &expect(MANIFEST, self.manifest.len()), &frame.manifest_header)?;
        let zeros = vec![0; frame.manifest_padding.len()];
        let padded = wide(self.manifest.len().saturating_add(RECORD));
        require_same(MANIFEST, padded, &zeros, &frame.manifest_padding)?;
        let slot_header = expect(SIGNATURES, self.slot.len());
        require_same(SIGNATURES, wide(self.slot_header_at()), &slot_header, &frame.slot_header)
    }

    /// Gives up the carrier, to read on behind the slot.
    pub(crate) fn into_medium(self) -> Medium {
        self.medium
    }
}

/// Compares bytes of the frame with the only ones that are right there.
pub(crate) fn require_same(subject: &str, at: u64, expected: &[u8], found: &[u8]) -> Result<(), Refusal> {
    if expected == found {
        return Ok(());
    }
    let differs = expected.iter().zip(found).take_while(|(want, have)| want == have).count();
    let byte = |bytes: &[u8]| bytes.get(differs).map_or("nothing".to_owned(), |byte| format!("0x{byte:02x}"));
    Err(Refusal::new(Code::HeaderMismatch, subject, "does not have the header that its manifest gives it")
        .expected(format!("{} at byte {} of the archive", byte(expected), at.saturating_add(wide(differs))))
        .found(byte(found)))
}

/// Fills bytes from a place in the archive; a stream only ever asks for what comes next.
type ReadAt<'a> = dyn FnMut(u64, &mut [u8]) -> Result<(), Refusal> + 'a;
type FrontParts = (Vec<u8>, Vec<u8>, Option<Frame>);

fn front(name: &str, read: &mut ReadAt<'_>) -> Result<FrontParts, Refusal> {
    let mut manifest_header = [0; RECORD];
    read(0, &mut manifest_header)?;
    let size = entry_size(name, &manifest_header, MANIFEST, wide(MAX_MANIFEST_BYTES))?;
    let mut manifest = vec![0; size];
    read(RECORD_BYTES, &mut manifest)?;
    let at = RECORD_BYTES.saturating_add(wide(size));
    let mut manifest_padding = vec![0; size.next_multiple_of(RECORD).saturating_sub(size)];
    read(at, &mut manifest_padding)?;
    let at = at.saturating_add(wide(manifest_padding.len()));
    let mut slot_header = [0; RECORD];
    read(at, &mut slot_header)?;
    let size = entry_size(name, &slot_header, SIGNATURES, wide(MAX_SLOT))?;
    require_slot_size(name, wide(size))?;
    let mut slot = vec![0; size];
    read(at.saturating_add(RECORD_BYTES), &mut slot)?;
    Ok((manifest, slot, Some(Frame { manifest_header, manifest_padding, slot_header })))
}

/// The size in a header that looks like that of the entry that must be here.
fn entry_size(name: &str, header: &[u8; RECORD], entry: &str, limit: u64) -> Result<usize, Refusal> {
    let not = |found: &str| {
        Refusal::new(Code::NotABundle, name, "is not a Sealift bundle")
            .expected(format!("the entry `…/{entry}` at this place"))
            .found(found.to_owned())
    };
    if &header[257..265] != b"ustar\x0000" || header[156] != b'0' {
        return Err(not("something that is no plain ustar entry"));
    }
    let title = header[..100].split(|byte| *byte == 0).next().unwrap_or_default();
    let fits =
        title.strip_suffix(entry.as_bytes()).is_some_and(|rest| rest.is_empty() || rest.ends_with(b"/"));
    if !fits {
        return Err(not("an entry of another name"));
    }
    let digits = &header[124..135];
    if !digits.iter().all(|digit| (b'0'..=b'7').contains(digit)) || header[135] != 0 {
        return Err(not("a size that is not octal"));
    }
    // Eleven digits of three bits; `0` to `7` end in theirs.
    let size = digits.iter().fold(0u64, |size, digit| (size << 3) | u64::from(digit & 7));
    if size > limit {
        return Err(Refusal::new(Code::LimitExceeded, name, format!("has a `{entry}` that is too long"))
            .expected(format!("at most {limit} bytes"))
            .found(format!("{size} bytes")));
    }
    usize::try_from(size).map_err(|_| not("a size that this machine cannot hold"))
}

fn require_slot_size(name: &str, size: u64) -> Result<(), Refusal> {
    if size > 0 && size.is_multiple_of(wide(SLOT_UNIT)) && size <= wide(MAX_SLOT) {
        return Ok(());
    }
    Err(Refusal::new(Code::SignaturesMalformed, name, "has a signature slot of a size that does not exist")
        .expected(format!("a multiple of {SLOT_UNIT} bytes, at most {MAX_SLOT}"))
        .found(format!("{size} bytes")))
}

/// Fills `bytes` from a place in a file of `length` bytes.
pub(crate) fn read_at(
    file: &File,
    length: u64,
    at: u64,
    bytes: &mut [u8],
    name: &str,
) -> Result<(), Refusal> {
    let end = at.saturating_add(wide(bytes.len()));
    if end > length {
        return Err(truncated(name, end, length));
    }
    file.read_exact_at(bytes, at).map_err(|error| Refusal::reading(name, &error))
}

/// Fills `bytes` with what comes next in a stream.
pub(crate) fn read_next(stream: &mut dyn Read, bytes: &mut [u8], name: &str) -> Result<(), Refusal> {
    stream.read_exact(bytes).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => Refusal::new(Code::Truncated, name, "ends too early")
            .expected(format!("{} bytes more at this place", bytes.len()))
            .found("the end of the stream"),
        _ => Refusal::reading(name, &error),
    })
}

pub(crate) fn truncated(name: &str, expected: u64, found: u64) -> Refusal {
    Refusal::new(Code::Truncated, name, "ends too early")
        .expected(format!("at least {expected} bytes"))
        .found(format!("{found} bytes"))
}

/// A whole file of at most `limit` bytes.
fn whole(file: File, name: &str, limit: usize) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    file.take(wide(limit).saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| Refusal::reading(name, &error))?;
    if bytes.len() > limit {
        return Err(
            Refusal::new(Code::LimitExceeded, name, "is too long").expected(format!("at most {limit} bytes"))
        );
    }
    Ok(bytes)
}
