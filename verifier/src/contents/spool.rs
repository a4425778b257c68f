// SPDX-License-Identifier: Apache-2.0
//! From a stream, entries whose evidence is read at any place lie in one file without a name until the end.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use rustix::fs::fstatvfs;

use super::{Job, Sink};
use crate::bytes::Bytes;
use crate::error::{Code, Refusal};

/// A file without a name, and where in it each entry lies, by the entry's index.
#[derive(Debug)]
pub(super) struct Spool {
    file: File,
    places: BTreeMap<usize, Range<u64>>,
}

impl Spool {
    /// Makes room for the entries that will be read again; none where there are none. Refused where they do not
    /// fit.
    pub(super) fn new(
        job: &Job<'_>,
        entries: impl IntoIterator<Item = usize>,
    ) -> Result<Option<Self>, Refusal> {
        let mut places = BTreeMap::new();
        let mut end = 0_u64;
        for entry in entries {
            let start = end;
            end = end.saturating_add(job.layout.place(entry).size);
            places.insert(entry, start..end);
        }
        if places.is_empty() {
            return Ok(None);
        }
        let folder = std::env::temp_dir().display().to_string();
        let file = tempfile::tempfile().map_err(|error| Refusal::writing(&folder, &error))?;
        let room = fstatvfs(&file).map_err(|errno| Refusal::writing(&folder, &errno.into()))?;
        let free = room.f_bavail.saturating_mul(room.f_frsize);
        // File systems without limits say zero.
        if room.f_blocks > 0 && end > free {
            return Err(Refusal::new(Code::NoSpace, folder, "has no room for what must be read again")
                .expected(format!("{end} bytes"))
                .found(format!("{free} bytes"))
                .hint("set TMPDIR to a folder with room, or copy the bundle to a file first"));
        }
        Ok(Some(Self { file, places }))
    }

    /// The bytes of an entry that was put here.
    pub(super) fn get(&self, entry: usize) -> Option<Spooled<'_>> {
        Some(Spooled { file: &self.file, place: self.places.get(&entry)?.clone() })
    }
}

/// One entry in the spool.
pub(super) struct Spooled<'a> {
    file: &'a File,
    place: Range<u64>,
}

impl Spooled<'_> {
    /// Where `count` bytes from `at` on lie in the file.
    fn inside(&self, at: u64, count: usize) -> io::Result<u64> {
        let start = self.place.start.checked_add(at);
        let end = start.and_then(|start| start.checked_add(count as u64));
        start
            .filter(|_| end.is_some_and(|end| end <= self.place.end))
            .ok_or(io::ErrorKind::UnexpectedEof.into())
    }
}

impl Bytes for Spooled<'_> {
    fn length(&self) -> u64 {
        self.place.end.saturating_sub(self.place.start)
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(into, self.inside(at, into.len())?)
    }
}

/// Puts bytes where they are wanted anyway, and into the spool.
pub(super) struct Spooling<'a> {
    pub(super) spool: &'a Spool,
    pub(super) sink: &'a dyn Sink,
}

impl Sink for Spooling<'_> {
    fn put(&self, entry: usize, offset: u64, bytes: &[u8]) -> Result<(), Refusal> {
        if let Some(spooled) = self.spool.get(entry) {
            let written = spooled
                .inside(offset, bytes.len())
                .and_then(|place| self.spool.file.write_all_at(bytes, place));
            written.map_err(|error| Refusal::writing(std::env::temp_dir().display().to_string(), &error))?;
        }
        self.sink.put(entry, offset, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_share_a_file_and_no_byte() {
        let file = tempfile::tempfile().unwrap();
        let spool = Spool { file, places: BTreeMap::from([(3, 0..4), (7, 4..10)]) };
        let sink = Spooling { spool: &spool, sink: &super::super::Nowhere };
        sink.put(7, 0, b"second").unwrap();
        sink.put(3, 2, b"st").unwrap();
        sink.put(3, 0, b"fi").unwrap();
        sink.put(5, 0, b"not kept").unwrap();
        assert!(sink.put(3, 1, b"over the end").is_err(), "an entry is written into its neighbour");
        for (entry, expected) in [(3, &b"fist"[..]), (7, b"second")] {
            let spooled = spool.get(entry).unwrap();
            let mut bytes = vec![0; expected.len()];
            spooled.read_at(0, &mut bytes).unwrap();
            assert_eq!((spooled.length(), &*bytes), (expected.len() as u64, expected));
            assert!(
                spooled.read_at(1, &mut bytes).is_err() && spooled.read_at(u64::MAX, &mut bytes).is_err()
            );
        }
        assert!(spool.get(5).is_none());
    }
}
