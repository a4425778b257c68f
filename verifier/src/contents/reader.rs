// SPDX-License-Identifier: Apache-2.0
//! Reading a proven entry again, at any place: each chunk is proven again before a byte of it is handed out.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use manifests::bundle::CHUNK_BYTES;

use super::layout::Layout;
use super::source::{Opened, Source};
use crate::bytes::Bytes;
use crate::error::{Code, Refusal};
use crate::hash::Kernel;
use crate::hash::sha256::{Midstate, state_bytes};

/// Proven chunks in memory. Vendors' formats are read front to back, with a look at headers and at the end
/// in between: fewer would prove the same chunk again and again.
const HELD: usize = 4;

/// One entry of a bundle, of which a few proven chunks are held in memory.
pub(super) struct ProvingBytes<'a> {
    opened: Opened<'a>,
    layout: &'a Layout,
    entry: usize,
    /// The latest at the end.
    held: Mutex<VecDeque<(u64, Arc<Vec<u8>>)>>,
}

impl<'a> ProvingBytes<'a> {
    pub(super) fn open(source: Source<'a>, layout: &'a Layout, entry: usize) -> Result<Self, Refusal> {
        let opened = source.open(layout, entry)?;
        Ok(Self { opened, layout, entry, held: Mutex::default() })
    }

    /// A chunk that was proven just now; refused where it is no longer what was proven before.
    fn chunk(&self, chunk: u64) -> Result<Arc<Vec<u8>>, Refusal> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = held.iter().position(|(number, _)| *number == chunk)
            && let Some(found) = held.remove(at)
        {
            let bytes = Arc::clone(&found.1);
            held.push_back(found);
            return Ok(bytes);
        }
        if held.len() >= HELD {
            held.pop_front();
        }
        let (place, path) = (self.layout.place(self.entry), self.layout.path(self.entry));
        let range = place.chunk(chunk);
        let mut bytes = vec![0; (range.end - range.start) as usize];
        self.opened.read(range.start, &mut bytes, path)?;
        let after = self.layout.after(self.entry, chunk);
        let before = Midstate::from_parts(self.layout.before(self.entry, chunk), &[], range.start);
        let holds = before.is_some_and(|mut state| {
            state.update(Kernel::detect(), &bytes);
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
        let bytes = Arc::new(bytes);
        held.push_back((chunk, Arc::clone(&bytes)));
        Ok(bytes)
    }
}

impl Bytes for ProvingBytes<'_> {
    fn length(&self) -> u64 {
        self.layout.place(self.entry).size
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        let end = at.checked_add(into.len() as u64).filter(|end| *end <= self.length());
        end.ok_or(io::ErrorKind::UnexpectedEof)?;
        let (mut at, mut rest) = (at, into);
        while !rest.is_empty() {
            let chunk = self.chunk(at / CHUNK_BYTES).map_err(io::Error::other)?;
            let proven = &chunk[(at % CHUNK_BYTES) as usize..];
            let count = proven.len().min(rest.len());
            let (now, later) = rest.split_at_mut(count);
            now.copy_from_slice(&proven[..count]);
            (at, rest) = (at + count as u64, later);
        }
        Ok(())
    }
}
