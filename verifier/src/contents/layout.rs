// SPDX-License-Identifier: Apache-2.0
//! Where everything lies that a manifest names, and what every chunk of it must lead to.
//!
//! The security argument for proving chunks alone is in `docs/formats/chains.md`.

use std::ops::Range;

use manifests::bundle::{CHUNK_BYTES, EntryMode, Manifest, chaining_values};
use manifests::digest::SHA256_BYTES;
use manifests::time::Timestamp;

use crate::archive::format::{Entry, header, header_length, padding};
use crate::hash::sha256::state_from_bytes;
use crate::hash::{INITIAL, State};

/// One payload entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Where its header begins in the archive.
    pub header_at: u64,
    /// Where its content begins.
    pub data_at: u64,
    /// Bytes of content.
    pub size: u64,
    mode: EntryMode,
    /// The state that its digest is.
    digest: State,
    /// Its first value in the list.
    first_value: u64,
}

impl Place {
    /// Where the next entry begins.
    pub(super) fn end(&self) -> u64 {
        self.data_at + self.size + padding(self.size)
    }

    /// How many chunks it has: at least one, which may be empty.
    pub(super) fn chunks(&self) -> u64 {
        chaining_values(self.size) + 1
    }

    /// The bytes of a chunk, counted from the entry's start.
    pub(super) fn chunk(&self, chunk: u64) -> Range<u64> {
        let start = chunk * CHUNK_BYTES;
        start..self.size.min(start + CHUNK_BYTES)
    }
}

/// The places of all payload entries, and the list of chaining values.
#[derive(Debug)]
pub(crate) struct Layout {
    folder: String,
    paths: Vec<Box<str>>,
    places: Vec<Place>,
    values: Vec<u8>,
    time: Timestamp,
    /// Where the end-of-archive blocks begin.
    pub end_at: u64,
}

impl Layout {
    /// The layout behind the entry `chains.bin`, whose proven content is `values`.
    pub(super) fn new(manifest: &Manifest, start: u64, values: Vec<u8>) -> Self {
        let folder = manifest.folder();
        let time = manifest.bundle().created;
        let mut layout = Self { folder, paths: Vec::new(), places: Vec::new(), values, time, end_at: start };
        let mut first_value = 0;
        for (file, digest) in manifest.files() {
            let path = file.path.as_str();
            let size = file.size;
            let header_at = layout.end_at;
            let data_at = header_at + header_length(&layout.whole_path(path));
            let digest = state_from_bytes(digest.as_bytes());
            let place = Place { header_at, data_at, size, mode: file.mode, digest, first_value };
            layout.end_at = place.end();
            first_value += chaining_values(size);
            layout.places.push(place);
            layout.paths.push(path.into());
        }
        layout
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn place(&self, entry: usize) -> &Place {
        &self.places[entry]
    }

    /// The entry's path in the bundle.
    pub(super) fn path(&self, entry: usize) -> &str {
        &self.paths[entry]
    }

    /// The only header that the entry may have.
    pub(super) fn header(&self, entry: usize) -> Vec<u8> {
        let place = self.place(entry);
        self.header_of(self.path(entry), place.size, place.mode)
    }

    fn header_of(&self, path: &str, size: u64, mode: EntryMode) -> Vec<u8> {
        let path = self.whole_path(path);
        header(&Entry { path: &path, size, mode, time: self.time })
    }

    fn whole_path(&self, path: &str) -> String {
        format!("{}/{path}", self.folder)
    }

    /// The state before a chunk: the standard's own constant before the first.
    pub(super) fn before(&self, entry: usize, chunk: u64) -> State {
        match chunk.checked_sub(1) {
            None => INITIAL,
            Some(previous) => self.value(self.place(entry).first_value + previous),
        }
    }

    /// The state after a chunk: behind the last one, and its padding, the signed digest.
    pub(super) fn after(&self, entry: usize, chunk: u64) -> State {
        let place = self.place(entry);
        if chunk + 1 == place.chunks() { place.digest } else { self.value(place.first_value + chunk) }
    }

    fn value(&self, index: u64) -> State {
        // The rules of the manifest tie the list's size to the files' sizes, so every index is inside.
        let at = index as usize * SHA256_BYTES;
        let mut bytes = [0; SHA256_BYTES];
        bytes.copy_from_slice(&self.values[at..at + SHA256_BYTES]);
        state_from_bytes(&bytes)
    }
}
