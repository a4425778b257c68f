// SPDX-License-Identifier: Apache-2.0
//! Windows Installer files (MSI, MSP, MST): a compound file in; what a signature covers, and the signature,
//! out.
//!
//! The digest is that of all streams, and behind each storage's children its class id. With a stream
//! `MsiDigitalSignatureEx` the digest begins with that of the metadata (names, lengths, states, times),
//! which that stream repeats. No text of Microsoft's says so; osslsigncode and relic agree, and so do
//! Microsoft's files.

use std::ops::Range;

use super::MAX_SIGNATURE_BYTES;
use super::directory::{Directory, Entry, Kind, Step};
use super::fields::{index, malformed, read, size};
use super::hashing::Hashes;
use super::sectors::{HEADER, Header, MAGIC, Sectors};
use crate::bytes::Bytes;
use crate::signature::digest::Algorithm;
use crate::signature::{Reason, Stop};

/// The stream that holds the signature, in the root.
const SIGNATURE: &str = "\u{5}DigitalSignature";
/// The stream that holds the digest of the metadata, in the root.
const EXTENDED: &str = "\u{5}MsiDigitalSignatureEx";
/// The longest digest there is.
const LONGEST_DIGEST: u64 = 64;

/// An installer file, by its directory.
pub(super) struct Installer<'a> {
    file: &'a dyn Bytes,
    sectors: Sectors<'a>,
    directory: Directory,
    steps: Vec<Step>,
    /// The signature, where there is one.
    pub(super) signature: Option<Vec<u8>>,
    /// What is said to be the digest of the metadata, where the file has one.
    pub(super) extended: Option<Vec<u8>>,
}

/// Whether the file begins like a compound file.
pub(super) fn recognise(file: &dyn Bytes) -> Result<bool, Stop> {
    Ok(file.length() >= size(HEADER) && read(file, 0, MAGIC.len(), "a header")? == MAGIC)
}

/// Streams of the root by their names, in the order of `names`; none for one that is not there. Nothing is
/// proven: the signature is [`check`](super::check)'s business.
pub fn root_streams(file: &dyn Bytes, names: &[&str], limit: u64) -> Result<Vec<Option<Vec<u8>>>, Stop> {
    let mut installer = Installer::read(file)?;
    names.iter().map(|name| installer.take(name, limit)).collect()
}

impl<'a> Installer<'a> {
    /// Reads the directory and the two streams of a signature.
    pub(super) fn read(file: &'a dyn Bytes) -> Result<Self, Stop> {
        let header = Header::read(file)?;
        let mut sectors = Sectors::open(file, &header)?;
        let directory = Directory::read(&mut sectors, &header)?;
        let steps = directory.steps()?;
        let mut this = Self { file, sectors, directory, steps, signature: None, extended: None };
        this.signature = this.take(SIGNATURE, size(MAX_SIGNATURE_BYTES))?;
        this.extended = this.take(EXTENDED, LONGEST_DIGEST)?;
        Ok(this)
    }

    /// Takes a stream of the root out of what is covered. Each sector is owned once, so it is read once.
    fn take(&mut self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Stop> {
        let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut depth = 0_usize;
        let mut found = None;
        for (place, step) in self.steps.iter().enumerate() {
            let number = match step {
                Step::Enter(number) => {
                    depth = depth.saturating_add(1);
                    *number
                }
                Step::Leave(_) => {
                    depth = depth.saturating_sub(1);
                    continue;
                }
                Step::Stream(number) => *number,
            };
            let entry = self.directory.entry(number)?;
            let in_root = depth == if entry.kind()? == Kind::Stream { 1 } else { 2 };
            if in_root && entry.name()? == name {
                found = Some((place, number, entry.kind()?));
            }
        }
        let Some((place, number, kind)) = found else { return Ok(None) };
        if kind != Kind::Stream {
            return Err(malformed("a storage, where a stream should be"));
        }
        self.steps.remove(place);
        let entry = self.directory.entry(number)?;
        let length = self.directory.length(&entry)?;
        if length > limit {
            let note = format!("a stream of {length} bytes, where {limit} are read");
            return Err(Stop::found(Reason::LimitExceeded, note));
        }
        let (file, mut content) = (self.file, Vec::new());
        self.sectors.stream(entry.start()?, length, "a stream", &mut |range: Range<u64>| {
            let length = index(range.end.saturating_sub(range.start));
            content.extend(read(file, range.start, length, "a stream")?);
            Ok(())
        })?;
        Ok(Some(content))
    }

    /// The digest of the metadata: names (but the root's), class ids or lengths, states, times (but the
    /// root's), a storage before its children.
    pub(super) fn metadata(&self, algorithm: Algorithm) -> Result<Vec<u8>, Stop> {
        let mut digest = algorithm.start();
        for step in &self.steps {
            let (Step::Enter(number) | Step::Stream(number)) = step else { continue };
            let entry: Entry<'_> = self.directory.entry(*number)?;
            let kind = entry.kind()?;
            if kind != Kind::Root {
                digest.update(entry.name()?);
            }
            digest.update(if kind == Kind::Stream { entry.length_bytes()? } else { entry.class()? });
            digest.update(entry.state()?);
            if kind != Kind::Root {
                digest.update(entry.times()?);
            }
        }
        Ok(digest.finish())
    }

    /// Whether what is hashed first may be the digest of the metadata under another name: with that name it
    /// would be compared, without it the same signature would hold for other metadata.
    fn is_renamed(&self, hashes: &Hashes) -> Result<bool, Stop> {
        let streams = self.steps.iter().find_map(|step| match step {
            Step::Stream(number) => Some(*number),
            Step::Enter(_) | Step::Leave(_) => None,
        });
        let (None, Some(first)) = (&self.extended, streams) else { return Ok(false) };
        let length = self.directory.length(&self.directory.entry(first)?)?;
        Ok(hashes.algorithms().iter().any(|algorithm| size(algorithm.length()) == length))
    }

    /// Feeds what is covered, and says what is not.
    pub(super) fn hash(&mut self, hashes: &mut Hashes) -> Result<Vec<String>, Stop> {
        if self.is_renamed(hashes)? {
            let note =
                "the first stream has the length of a digest: MsiDigitalSignatureEx may have been renamed";
            return Err(malformed(note));
        }
        let mut first = Vec::new();
        for step in &self.steps {
            match step {
                Step::Enter(_) => {}
                Step::Leave(number) => hashes.bytes(self.directory.entry(*number)?.class()?),
                Step::Stream(number) => {
                    let entry = self.directory.entry(*number)?;
                    let length = self.directory.length(&entry)?;
                    let file = self.file;
                    self.sectors.stream(entry.start()?, length, "a stream", &mut |range| {
                        let wanted = LONGEST_DIGEST.saturating_sub(size(first.len()));
                        let taken = wanted.min(range.end.saturating_sub(range.start));
                        first.extend(read(file, range.start, index(taken), "a stream")?);
                        hashes.range(file, range)
                    })?;
                }
            }
        }
        if self.extended.is_none() {
            may_be_digest(&first, hashes)?;
        }
        let unowned = self.sectors.unowned()?;
        let mut not_covered = vec!["unused room in sectors and tables of the compound file".to_owned()];
        if self.extended.is_none() {
            let what = "names, lengths, states and times of the streams (there is no MsiDigitalSignatureEx)";
            not_covered.push(what.to_owned());
        }
        if unowned.between > 0 {
            not_covered.push(format!("{} sectors that no stream uses", unowned.between));
        }
        if unowned.zeros_at_end > 0 {
            not_covered.push(format!("{} zero bytes at the end", unowned.zeros_at_end));
        }
        Ok(not_covered)
    }
}

/// Refuses what begins as the digest of some metadata would. A signature over a file with
/// `MsiDigitalSignatureEx` holds as well where that digest stands in streams of other names, alone or with what
/// follows it; nobody can tell of which metadata it was the digest, but what tables, programs, pictures, text and
/// cabinets begin with does not look like one.
fn may_be_digest(first: &[u8], hashes: &Hashes) -> Result<(), Stop> {
    let lengths = hashes.algorithms().into_iter().map(Algorithm::length);
    if lengths.filter_map(|length| first.get(..length)).any(looks_random) {
        let note = "what is hashed first looks like a digest: MsiDigitalSignatureEx may have been renamed, split or \
                    merged with a stream";
        return Err(malformed(note));
    }
    Ok(())
}

/// Whether bytes have none of the marks of ordinary content. A digest has one of them in one case of thousands.
fn looks_random(bytes: &[u8]) -> bool {
    let parts = |count: usize| count.saturating_mul(32).checked_div(bytes.len()).unwrap_or(32);
    let below = |limit: u8| parts(bytes.iter().filter(|byte| **byte < limit).count());
    let mut distinct = bytes.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    // Repetitions; zeros; the upper halves of small numbers, which tables consist of; text.
    parts(distinct.len()) > 22 && below(1) < 4 && below(0x20) < 15 && below(0x40) < 20 && below(0x80) < 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_look_random_and_the_beginnings_of_streams_do_not() {
        for algorithm in [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha384, Algorithm::Sha512] {
            let counted = (0..1000_u32).filter(|n| looks_random(&algorithm.digest(&n.to_le_bytes()))).count();
            assert!(counted >= 995, "{algorithm:?}: {counted}");
        }
        let ids: Vec<u8> = (0..16_u16).flat_map(|n| (0x0123 + n * 301).to_le_bytes()).collect();
        let text = b"<html><head>A licence of many words";
        let cabinet = b"MSCF\0\0\0\0\x1c\x2d\0\0\0\0\0\0\x2c\0\0\0\0\0\0\0\x03\x01\x01\0\x01\0\0\0";
        for content in [&ids[..], &text[..32], &cabinet[..]] {
            assert!(!looks_random(content) && !looks_random(&content[..20]), "{content:?}");
        }
    }
}
