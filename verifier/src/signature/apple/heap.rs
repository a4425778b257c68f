// SPDX-License-Identifier: Apache-2.0
//! A XAR's heap against its table: no two things share a byte, and every file has the checksums that the table
//! states, as it is stored and as it will be unpacked. Each byte is read once.

use std::io::{self, Read as _};

use manifests::digest::Sha256Digest;
use manifests::evidence::Covered;

use super::fields::{as_u64, malformed};
use super::toc::{Checksum, Encoding, HeapRange, Member, Toc};
use super::xar::inflate;
use crate::bytes::{Bytes, Part, Sequential};
use crate::hash::Kernel;
use crate::hash::sha256::Midstate;
use crate::signature::digest::{Algorithm, Digest};
use crate::signature::{Reason, Stop};

/// How many times longer than stored a file of more than 1 MiB may be (`command-line.md`, what is safe to
/// unpack). zlib cannot do more than 1,032.
pub(super) const MAX_EXPANSION: u64 = 1000;
const FREE_EXPANSION: u64 = 1024 * 1024;

/// What the heap holds.
#[derive(Debug, Default)]
pub(super) struct Heap {
    pub(super) covers: Vec<Covered>,
    /// Files whose content could not be decoded, so that only their stored bytes are proven.
    pub(super) undecoded: Vec<String>,
}

/// The runs that nobody references, up to the heap's end; refuses runs that overlap or lie beyond its
/// `length`.
pub(super) fn gaps(toc: &Toc, length: u64) -> Result<Vec<HeapRange>, Stop> {
    let mut ranges = toc.ranges();
    ranges.sort();
    let mut gaps = Vec::new();
    let (mut end, mut before) = (0_u64, String::new());
    for (range, what) in ranges {
        let next = range.end().filter(|&next| next <= length);
        let next = next.ok_or_else(|| malformed(format!("{what} lies beyond the end of the file")))?;
        if range.start < end {
            return Err(malformed(format!("{before} and {what} share bytes of the heap")));
        }
        if range.start > end {
            gaps.push(HeapRange { start: end, length: range.start.saturating_sub(end) });
        }
        (end, before) = (next, what);
    }
    if length > end {
        gaps.push(HeapRange { start: end, length: length.saturating_sub(end) });
    }
    Ok(gaps)
}

/// Checks every file.
pub(super) fn check(heap: &dyn Bytes, toc: &Toc) -> Result<Heap, Stop> {
    let mut found = Heap::default();
    for member in &toc.members {
        let data = &member.data;
        let bytes = Part::new(heap, data.range.start, data.range.length)
            .ok_or_else(|| malformed(format!("{} lies beyond the end of the file", member.path)))?;
        let digest = require(&bytes, member)?;
        let what = match &data.encoding {
            Encoding::Stored | Encoding::Zlib => member.path.clone(),
            Encoding::Other(style) => {
                found.undecoded.push(format!("what {} unpacks to: {style} is not read here", member.path));
                format!("{}, as it is stored", member.path)
            }
        };
        found.covers.push(Covered { what, digest });
    }
    Ok(found)
}

/// Checks one file, whose stored bytes these are.
pub(super) fn require(bytes: &dyn Bytes, member: &Member) -> Result<Sha256Digest, Stop> {
    match &member.data.encoding {
        Encoding::Stored => stored(bytes, member),
        Encoding::Zlib => compressed(bytes, member),
        Encoding::Other(_) => {
            let mut digests = Digests::new(&[&member.data.archived]);
            each_block(bytes, |block| digests.update(block))?;
            digests.finish(member, &["as it is stored"])
        }
    }
}

/// A file that is stored as it is: one digest mostly, since both checksums are about the same bytes.
fn stored(bytes: &dyn Bytes, member: &Member) -> Result<Sha256Digest, Stop> {
    let data = &member.data;
    if data.size != data.range.length {
        return Err(malformed(format!("{} is stored as it is, with another length", member.path)));
    }
    let mut digests = Digests::new(&[&data.archived, &data.extracted]);
    each_block(bytes, |block| digests.update(block))?;
    digests.finish(member, &["as it is stored", "unpacked"])
}

fn compressed(bytes: &dyn Bytes, member: &Member) -> Result<Sha256Digest, Stop> {
    let data = &member.data;
    if data.size > FREE_EXPANSION && data.size > data.range.length.saturating_mul(MAX_EXPANSION) {
        let note = format!("{} unpacks to more than {MAX_EXPANSION} times its length", member.path);
        return Err(Stop::found(Reason::LimitExceeded, note));
    }
    let mut stored = Tee { from: Sequential::new(bytes), digests: Digests::new(&[&data.archived]) };
    let mut extracted = Digests::new(&[&data.extracted]);
    let mut size = 0_u64;
    let inflated = inflate(&mut stored, |part| {
        size = size.saturating_add(as_u64(part.len()));
        extracted.update(part);
        if size <= data.size {
            return Ok(());
        }
        Err(malformed(format!("{} unpacks to more than it says", member.path)))
    });
    // Whether the stored bytes are the right ones says more than what is wrong with them.
    io::copy(&mut stored, &mut io::sink())?;
    stored.digests.finish(member, &["as it is stored"])?;
    let taken = inflated?;
    if size != data.size || taken != data.range.length {
        return Err(malformed(format!(
            "{} unpacks to {size} bytes out of {taken}, the table says {} out of {}",
            member.path, data.size, data.range.length
        )));
    }
    extracted.finish(member, &["unpacked"])
}

/// Bytes that are digested as they are read.
struct Tee<'a> {
    from: Sequential<'a>,
    digests: Digests,
}

impl io::Read for Tee<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(into)?;
        self.digests.update(into.get(..count).unwrap_or_default());
        Ok(count)
    }
}

/// Digests of the same bytes: those that checksums ask for, each algorithm once, and SHA-256 for the report.
struct Digests {
    wanted: Vec<Checksum>,
    /// Those besides SHA-256.
    running: Vec<(Algorithm, Digest)>,
    sha256: Midstate,
    kernel: Kernel,
}

impl Digests {
    fn new(wanted: &[&Checksum]) -> Self {
        let mut algorithms: Vec<Algorithm> = wanted.iter().map(|one| one.algorithm).collect();
        algorithms.sort_unstable();
        algorithms.dedup();
        algorithms.retain(|&one| one != Algorithm::Sha256);
        Self {
            wanted: wanted.iter().map(|&one| one.clone()).collect(),
            running: algorithms.into_iter().map(|one| (one, one.start())).collect(),
            sha256: Midstate::EMPTY,
            kernel: Kernel::detect(),
        }
    }

    fn update(&mut self, block: &[u8]) {
        for (_, digest) in &mut self.running {
            digest.update(block);
        }
        self.sha256.update(self.kernel, block);
    }

    /// Compares with what was wanted, in its order; `states` say of which state of the file each is.
    fn finish(self, member: &Member, states: &[&str]) -> Result<Sha256Digest, Stop> {
        let sha256 = self.sha256.digest();
        let mut found: Vec<(Algorithm, Vec<u8>)> =
            self.running.into_iter().map(|(algorithm, digest)| (algorithm, digest.finish())).collect();
        found.push((Algorithm::Sha256, sha256.as_bytes().to_vec()));
        for (wanted, state) in self.wanted.iter().zip(states) {
            let fits = found
                .iter()
                .any(|(algorithm, digest)| *algorithm == wanted.algorithm && *digest == wanted.digest);
            if !fits {
                let (path, name) = (&member.path, wanted.algorithm.name());
                let note = format!("{path}, {state}, has another {name} than the table of contents says");
                return Err(Stop::found(Reason::DigestMismatch, note));
            }
        }
        Ok(sha256)
    }
}

/// Reads all of `bytes`, block by block.
fn each_block(bytes: &dyn Bytes, mut each: impl FnMut(&[u8])) -> io::Result<()> {
    let mut block = vec![0; 256 * 1024];
    let mut from = Sequential::new(bytes);
    loop {
        let count = from.read(&mut block)?;
        if count == 0 {
            return Ok(());
        }
        each(block.get(..count).unwrap_or_default());
    }
}
