// SPDX-License-Identifier: Apache-2.0
//! From a stream, entries whose evidence is read at any place lie in files without a name until the end.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;

use rustix::fs::fstatvfs;

use super::{Job, Sink};
use crate::error::{Code, Refusal};

/// Files without names, by the index of their entry.
#[derive(Debug, Default)]
pub(super) struct Spool(BTreeMap<usize, File>);

impl Spool {
    /// One file for each entry that will be read again. Refused where there is no room for all of them.
    pub(super) fn new(job: &Job<'_>, entries: impl IntoIterator<Item = usize>) -> Result<Self, Refusal> {
        let folder = std::env::temp_dir().display().to_string();
        let mut files = BTreeMap::new();
        let mut needed = 0_u64;
        for entry in entries {
            let file = tempfile::tempfile().map_err(|error| Refusal::writing(&folder, &error))?;
            needed = needed.saturating_add(job.layout.place(entry).size);
            files.insert(entry, file);
        }
        if let Some(file) = files.values().next() {
            let room = fstatvfs(file).map_err(|errno| Refusal::writing(&folder, &errno.into()))?;
            let free = room.f_bavail.saturating_mul(room.f_frsize);
            // File systems without limits say zero.
            if room.f_blocks > 0 && needed > free {
                return Err(Refusal::new(Code::NoSpace, folder, "has no room for what must be read again")
                    .expected(format!("{needed} bytes"))
                    .found(format!("{free} bytes"))
                    .hint("set TMPDIR to a folder with room, or copy the bundle to a file first"));
            }
        }
        Ok(Self(files))
    }

    pub(super) fn get(&self, entry: usize) -> Option<&File> {
        self.0.get(&entry)
    }
}

/// Puts bytes where they are wanted anyway, and into the spool.
pub(super) struct Spooling<'a> {
    pub(super) spool: &'a Spool,
    pub(super) sink: &'a dyn Sink,
}

impl Sink for Spooling<'_> {
    fn put(&self, entry: usize, offset: u64, bytes: &[u8]) -> Result<(), Refusal> {
        if let Some(file) = self.spool.get(entry) {
            let folder = || std::env::temp_dir().display().to_string();
            file.write_all_at(bytes, offset).map_err(|error| Refusal::writing(folder(), &error))?;
        }
        self.sink.put(entry, offset, bytes)
    }
}
