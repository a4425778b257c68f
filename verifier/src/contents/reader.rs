// SPDX-License-Identifier: Apache-2.0
//! Reading a proven entry again: each chunk is proven again before a byte of it is handed out.

use std::io::{self, Read, Seek, SeekFrom};

use manifests::bundle::CHUNK_BYTES;

use super::layout::Layout;
use super::source::{Opened, Source};
use crate::error::{Code, Refusal};
use crate::hash::Kernel;
use crate::hash::sha256::{Midstate, state_bytes};
use crate::media::{Carrier, Medium};

/// A reader of one entry that holds one proven chunk in memory.
pub struct ProvingReader<'a> {
    opened: Opened<'a>,
    layout: &'a Layout,
    entry: usize,
    at: u64,
    held: Option<u64>,
    chunk: Vec<u8>,
}

impl<'a> ProvingReader<'a> {
    pub(super) fn open(
        medium: &'a Medium,
        layout: &'a Layout,
        entry: usize,
    ) -> Result<Option<Self>, Refusal> {
        let source = match &medium.carrier {
            Carrier::File { file, length } => Source::File { file, length: *length },
            Carrier::Folder(folder) => Source::Folder(folder),
            Carrier::Stream(_) => return Ok(None),
        };
        let opened = source.open(layout, entry)?;
        Ok(Some(Self { opened, layout, entry, at: 0, held: None, chunk: Vec::new() }))
    }

    /// Makes the chunk the one that is held; refused where it is no longer what was proven.
    fn hold(&mut self, chunk: u64) -> Result<(), Refusal> {
        if self.held == Some(chunk) {
            return Ok(());
        }
        self.held = None;
        let (place, path) = (self.layout.place(self.entry), self.layout.path(self.entry));
        let range = place.chunk(chunk);
        self.chunk.resize((range.end - range.start) as usize, 0);
        self.opened.read(range.start, &mut self.chunk, path)?;
        let after = self.layout.after(self.entry, chunk);
        let before = Midstate::from_parts(self.layout.before(self.entry, chunk), &[], range.start);
        let holds = before.is_some_and(|mut state| {
            state.update(Kernel::detect(), &self.chunk);
            match chunk + 1 == place.chunks() {
                true => state.digest().as_bytes() == &state_bytes(&after),
                false => state.chaining_value() == Some(after),
            }
        });
        if !holds {
            return Err(Refusal::new(
                Code::ChangedWhileRead,
                path,
                "is no longer what was proven a moment ago",
            )
            .expected("the same bytes at each read")
            .found(format!("others in bytes {} to {}", range.start, range.end.saturating_sub(1))));
        }
        self.held = Some(chunk);
        Ok(())
    }
}

impl Read for ProvingReader<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let size = self.layout.place(self.entry).size;
        if self.at >= size || bytes.is_empty() {
            return Ok(0);
        }
        self.hold(self.at / CHUNK_BYTES).map_err(io::Error::other)?;
        let rest = &self.chunk[(self.at % CHUNK_BYTES) as usize..];
        let count = rest.len().min(bytes.len());
        bytes[..count].copy_from_slice(&rest[..count]);
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for ProvingReader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let size = self.layout.place(self.entry).size;
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => size.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
