// SPDX-License-Identifier: Apache-2.0
//! Carriers that can be read at any place, and entries of theirs.

use std::fs::File;
use std::num::NonZeroU64;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use super::layout::Layout;
use super::require_length;
use crate::error::Refusal;
use crate::media::folder::Folder;
use crate::media::length;

/// A carrier that can be read anywhere.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    /// One file, and its length in bytes.
    File { file: &'a File, length: u64 },
    /// A folder of files.
    Folder(&'a Folder),
}

/// An entry of a bundle, open for reading at any place.
pub(super) enum Opened<'a> {
    /// A part of the one file, from this place on.
    Part { file: &'a File, start: u64 },
    /// A file of its own.
    Own(File),
}

impl<'a> Source<'a> {
    /// Opens an entry; in a folder, its length is compared at once.
    pub(super) fn open(self, layout: &Layout, entry: usize) -> Result<Opened<'a>, Refusal> {
        let place = layout.place(entry);
        match self {
            Self::File { file, .. } => Ok(Opened::Part { file, start: place.data_at }),
            Self::Folder(folder) => {
                let path = layout.path(entry);
                let file = folder.file(path)?;
                require_length(path, length(&file, path)?, place.size)?;
                Ok(Opened::Own(file))
            }
        }
    }
}

impl Opened<'_> {
    /// Fills `bytes` from a place in the entry.
    pub(super) fn read(&self, at: u64, bytes: &mut [u8], path: &str) -> Result<(), Refusal> {
        let (file, start) = self.place();
        file.read_exact_at(bytes, start + at).map_err(|error| Refusal::reading(path, &error))
    }

    /// Asks the system to fetch a range as one run: a disc that serves sixteen lanes would seek else.
    pub(super) fn fetch(&self, range: Range<u64>) {
        let (file, start) = self.place();
        let Some(length) = NonZeroU64::new(range.end - range.start) else { return };
        // Advice only: where it is not taken, the bytes come all the same.
        let _ = rustix::fs::fadvise(file, start + range.start, Some(length), rustix::fs::Advice::WillNeed);
    }

    fn place(&self) -> (&File, u64) {
        match self {
            Self::Part { file, start } => (file, *start),
            Self::Own(file) => (file, 0),
        }
    }
}
