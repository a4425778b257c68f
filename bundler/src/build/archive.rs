// SPDX-License-Identifier: Apache-2.0
//! Where every byte of the archive goes, known before the first source is opened.
//!
//! Sizes come from the lock, and no digest changes the length of anything. So the payload is written at
//! its final place while it is read for the first and only time, and manifest and chaining values go into
//! the room that was left for them in front.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use manifests::bundle::{CHUNK_BYTES, EntryMode, Manifest, chaining_values};
use manifests::digest::SHA256_BYTES;
use manifests::dsse::{SLOT_UNIT, Signatures};
use manifests::time::Timestamp;
use verifier::archive::format::{END, Entry, header, padding};
use verifier::archive::reader::{CHAINS, MANIFEST, SIGNATURES};
use verifier::error::Code;
use verifier::hash::sha256::state_bytes;

use super::manifest::{Plan, render};
use crate::digest::{Job, Place, Read};
use crate::failure::Failure;

/// The places of all entries.
#[derive(Debug)]
pub struct Layout {
    /// The header and the content of each of the three entries in front.
    manifest: Front,
    signatures: Front,
    chains: Front,
    payload: Vec<Place>,
    size: u64,
}

#[derive(Clone, Debug)]
struct Front {
    name: &'static str,
    header: Vec<u8>,
    /// Where the content starts.
    offset: u64,
    size: u64,
}

impl Layout {
    /// Computes every place.
    pub fn new(plan: &Plan) -> Result<Self, Failure> {
        let manifest = plan.manifest(verifier::hash::sha256::digest(&[]))?;
        let rendered = render(&manifest)?;
        let folder = manifest.folder();
        let time = manifest.bundle().created;
        let mut at = 0;
        let mut front = |name: &'static str, size: u64| {
            let header = entry_header(&folder, name, size, EntryMode::Plain, time);
            let offset = at + header.len() as u64;
            at = offset + size + padding(size);
            Front { name, header, offset, size }
        };
        let values: u64 = plan.entries.iter().map(|entry| chaining_values(entry.locked.size)).sum();
        let manifest = front(MANIFEST, rendered.len() as u64);
        let signatures = front(SIGNATURES, SLOT_UNIT as u64);
        let chains = front(CHAINS, values * SHA256_BYTES as u64);
        let payload = plan.entries.iter().map(|entry| {
            let size = entry.locked.size;
            let header = entry_header(&folder, entry.path.as_str(), size, entry.mode, time);
            let offset = at;
            // Each size is below 2⁶¹, and the rules have bounded their sum by that of the chaining values.
            at += header.len() as u64 + size + padding(size);
            Place { header, offset }
        });
        let payload = payload.collect();
        Ok(Self { manifest, signatures, chains, payload, size: at + END as u64 })
    }

    /// Bytes of the archive.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Where the content of the signature slot lies.
    pub const fn slot(&self) -> Range<u64> {
        self.signatures.offset..self.signatures.offset + self.signatures.size
    }

    /// The payload as work for [`crate::digest::read_all`].
    pub fn jobs(&self, plan: &Plan) -> Vec<Job> {
        let pairs = plan.entries.iter().zip(&self.payload);
        pairs
            .map(|(entry, place)| Job {
                name: entry.name.clone(),
                path: entry.source.clone(),
                locked: Some(entry.locked),
                place: Some(place.clone()),
                follow: entry.follow,
                keeper: entry.keeper.clone(),
            })
            .collect()
    }

    /// Writes the three entries in front. Padding and the end of the archive are zeros, and those the file
    /// had from the start.
    pub fn write_front(&self, file: &File, manifest: &Manifest, chains: &[u8]) -> Result<(), Failure> {
        let rendered = render(manifest)?;
        let slot = Signatures::default()
            .to_slot(SLOT_UNIT)
            .map_err(|error| Failure::new(Code::IoError, SIGNATURES, error.to_string()))?;
        let parts = [(&self.manifest, &*rendered), (&self.signatures, &*slot), (&self.chains, chains)];
        for (front, content) in parts {
            if front.size != content.len() as u64 {
                return Err(Failure::fault(front.name, "does not fit the room that was left for it")
                    .expected(format!("{} bytes", front.size))
                    .found(format!("{} bytes", content.len())));
            }
            let bytes = [&front.header, content].concat();
            file.write_all_at(&bytes, front.offset - front.header.len() as u64)
                .map_err(|error| Failure::writing("the bundle", &error))?;
        }
        Ok(())
    }
}

fn entry_header(folder: &str, name: &str, size: u64, mode: EntryMode, time: Timestamp) -> Vec<u8> {
    header(&Entry { path: &format!("{folder}/{name}"), size, mode, time })
}

/// The content of `chains.bin`: the states at the chunk boundaries of all files, in the archive's order.
pub fn chains(read: &[Read]) -> Vec<u8> {
    const _: () = assert!(CHUNK_BYTES > 0);
    read.iter().flat_map(|file| &file.chain).flat_map(state_bytes).collect()
}
