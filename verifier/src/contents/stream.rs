// SPDX-License-Identifier: Apache-2.0
//! A stream, read once by this thread and proven by others.
//!
//! The reader fills buffers with chunks and short entries; workers prove a buffer's parts side by side
//! and hand it back. Buffers retire in the order in which they were read, so that after a broken link
//! everything from that link on is still in memory or still to come, and can be told apart
//! ([`Diagnosis`]). Memory: [`BUFFERS`] times [`BUFFER_BYTES`], whatever the number of cores.

use std::collections::{BTreeMap, VecDeque};
use std::io::Read;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use super::diagnosis::{Bytes, Diagnosis};
use super::{Fault, InOrder, Job, Kept, Spot, Watched, require_digest, trailing};
use crate::archive::format::{END, padding};
use crate::archive::reader::{read_next, require_same};
use crate::error::Refusal;
use crate::hash::lanes::{LastBlocks, absorb};
use crate::hash::sha256::{self, Midstate, state_bytes};
use crate::hash::{BLOCK, State};

/// Two chunks: a pair of lanes for processors without the wide kernel.
const BUFFER_BYTES: usize = 8 * 1024 * 1024;
/// One to fill and one for each of two workers, and one to wait.
const BUFFERS: usize = 4;
/// More workers would find no buffer.
pub(super) const WORKERS: usize = BUFFERS - 1;

/// A chunk, or a whole short entry, in a buffer.
struct Part {
    spot: Spot,
    bytes: std::ops::Range<usize>,
}

#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    parts: Vec<Part>,
}

impl Buffer {
    fn part(&self, at: usize) -> &[u8] {
        &self.bytes[self.parts[at].bytes.clone()]
    }
}

/// What a worker found out about one buffer.
struct Outcome {
    buffer: Buffer,
    midstates: Vec<(usize, Midstate)>,
    fault: Option<(usize, Fault)>,
}

struct Reader<'a, 'j> {
    job: &'a Job<'j>,
    stream: &'a mut dyn Read,
    buffer: Buffer,
    spare: Vec<Buffer>,
    to_workers: SyncSender<(Buffer, Sender<Outcome>)>,
    waiting: VecDeque<Receiver<Outcome>>,
    kept: Kept,
    in_order: BTreeMap<usize, Box<dyn InOrder>>,
    watched: BTreeMap<usize, Watched>,
}

pub(super) fn prove(
    job: &Job<'_>,
    stream: &mut dyn Read,
) -> Result<(Kept, BTreeMap<usize, Watched>), Refusal> {
    let (to_workers, from_reader) = sync_channel::<(Buffer, Sender<Outcome>)>(BUFFERS);
    let from_reader = Arc::new(Mutex::new(from_reader));
    std::thread::scope(|scope| {
        for _ in 0..job.workers {
            let from_reader = Arc::clone(&from_reader);
            scope.spawn(move || {
                loop {
                    let next = from_reader.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((buffer, back)) = next else { return };
                    // The reader is gone only when it has refused already.
                    let _ = back.send(examine(job, buffer));
                }
            });
        }
        let mut reader = Reader {
            job,
            stream,
            buffer: Buffer::default(),
            spare: (1..BUFFERS).map(|_| Buffer::default()).collect(),
            to_workers,
            waiting: VecDeque::new(),
            kept: Kept::default(),
            in_order: BTreeMap::new(),
            watched: BTreeMap::new(),
        };
        for entry in 0..job.layout.len() {
            reader.entry(entry)?;
        }
        reader.hand_over()?;
        while !reader.waiting.is_empty() {
            reader.retire()?;
        }
        reader.end()?;
        Ok((reader.kept, reader.watched))
    })
}

impl Reader<'_, '_> {
    fn entry(&mut self, entry: usize) -> Result<(), Refusal> {
        let (job, place) = (self.job, *self.job.layout.place(entry));
        let mut header = vec![0; (place.data_at - place.header_at) as usize];
        self.read_frame(entry, &mut header, |job, found| job.require_header(entry, found))?;
        if job.kept.contains(&entry) {
            self.keep(entry)?;
        } else {
            if let Some(hasher) = job.in_order(entry, &self.kept) {
                self.in_order.insert(entry, hasher);
            }
            for chunk in 0..place.chunks() {
                self.chunk(Spot { entry, chunk })?;
            }
        }
        let mut zeros = vec![0; padding(place.size) as usize];
        self.read_frame(entry, &mut zeros, |job, found| job.zeros(entry, found))
    }

    /// Reads bytes that must be what they must be; an earlier fault in the archive is told first.
    fn read_frame(
        &mut self,
        entry: usize,
        bytes: &mut [u8],
        require: impl FnOnce(&Job<'_>, &[u8]) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let read = read_next(self.stream, bytes, self.job.path(entry));
        match read.and_then(|()| require(self.job, bytes)) {
            Ok(()) => Ok(()),
            Err(refusal) => Err(self.first_fault(refusal)),
        }
    }

    /// Waits for everything before this fault; what fails there is the first fault.
    fn first_fault(&mut self, refusal: Refusal) -> Refusal {
        let earlier = self.hand_over().and_then(|()| {
            while !self.waiting.is_empty() {
                self.retire()?;
            }
            Ok(())
        });
        earlier.err().unwrap_or(refusal)
    }

    fn keep(&mut self, entry: usize) -> Result<(), Refusal> {
        let (job, path) = (self.job, self.job.path(entry));
        let mut bytes = vec![0; job.layout.place(entry).size as usize];
        let expected = super::Sha256Digest::new(state_bytes(&job.layout.after(entry, 0)));
        let proven = read_next(self.stream, &mut bytes, path)
            .and_then(|()| require_digest(path, expected, sha256::digest(&bytes)))
            .and_then(|()| job.proof.sink.put(entry, 0, &bytes));
        if let Err(refusal) = proven {
            return Err(self.first_fault(refusal));
        }
        (job.proof.progress)(bytes.len() as u64);
        self.kept.0.insert(path.into(), bytes);
        Ok(())
    }

    fn chunk(&mut self, spot: Spot) -> Result<(), Refusal> {
        let range = self.job.layout.place(spot.entry).chunk(spot.chunk);
        let count = (range.end - range.start) as usize;
        if self.buffer.bytes.len() + count > BUFFER_BYTES {
            self.hand_over()?;
        }
        let start = self.buffer.bytes.len();
        self.buffer.bytes.resize(start + count, 0);
        let bytes = &mut self.buffer.bytes[start..];
        if let Err(refusal) = read_next(self.stream, bytes, self.job.path(spot.entry)) {
            self.buffer.bytes.truncate(start);
            return Err(self.first_fault(refusal));
        }
        if let Some(hasher) = self.in_order.get_mut(&spot.entry) {
            hasher.update(&self.buffer.bytes[start..]);
        }
        self.buffer.parts.push(Part { spot, bytes: start..start + count });
        Ok(())
    }

    /// Gives the buffer to the workers and takes an empty one, waiting for the oldest if need be.
    fn hand_over(&mut self) -> Result<(), Refusal> {
        if self.buffer.parts.is_empty() {
            return Ok(());
        }
        if self.spare.is_empty() {
            self.retire()?;
        }
        let empty = self.spare.pop().unwrap_or_default();
        let full = std::mem::replace(&mut self.buffer, empty);
        let (back, outcome) = channel();
        self.waiting.push_back(outcome);
        // Fails only when every worker is gone; then the outcome is missing, which `receive` reports.
        let _ = self.to_workers.send((full, back));
        Ok(())
    }

    fn receive(&mut self) -> Result<Outcome, Refusal> {
        let lost =
            || Refusal::new(crate::error::Code::IoError, self.job.name, "was not proven: a worker died");
        self.waiting.pop_front().and_then(|outcome| outcome.recv().ok()).ok_or_else(lost)
    }

    /// Takes back the oldest buffer.
    fn retire(&mut self) -> Result<(), Refusal> {
        let outcome = self.receive()?;
        match outcome.fault {
            None => {}
            Some((_, Fault::Refused(refusal))) => return Err(refusal),
            Some((part, Fault::BrokenLink)) => return Err(self.diagnose(outcome.buffer, part)),
        }
        for (entry, midstate) in outcome.midstates {
            let in_order = self.in_order.remove(&entry);
            self.watched.insert(entry, Watched { midstate, in_order });
        }
        (self.job.proof.progress)(outcome.buffer.bytes.len() as u64);
        let mut buffer = outcome.buffer;
        buffer.bytes.clear();
        buffer.parts.clear();
        self.spare.push(buffer);
        Ok(())
    }

    /// Hashes the rest of an entry in order: from this buffer, those behind it, and the stream.
    fn diagnose(&mut self, buffer: Buffer, part: usize) -> Refusal {
        let (layout, spot) = (self.job.layout, buffer.parts[part].spot);
        let path = self.job.path(spot.entry);
        let Some(mut diagnosis) = Diagnosis::new(layout, spot, Bytes::Same) else {
            return Refusal::new(crate::error::Code::DigestMismatch, path, "is not the file that was signed");
        };
        let feed = |buffer: &Buffer, first: usize, diagnosis: &mut Diagnosis| {
            let parts = (first..buffer.parts.len()).filter(|at| buffer.parts[*at].spot.entry == spot.entry);
            parts.for_each(|at| diagnosis.update(layout, buffer.part(at)));
        };
        feed(&buffer, part, &mut diagnosis);
        while !self.waiting.is_empty() {
            match self.receive() {
                Ok(outcome) => feed(&outcome.buffer, 0, &mut diagnosis),
                Err(refusal) => return refusal,
            }
        }
        feed(&self.buffer, 0, &mut diagnosis);
        let size = layout.place(spot.entry).size;
        let mut bytes = vec![0; BUFFER_BYTES];
        while diagnosis.length() < size {
            let count = (size - diagnosis.length()).min(BUFFER_BYTES as u64) as usize;
            if let Err(refusal) = read_next(self.stream, &mut bytes[..count], path) {
                return refusal;
            }
            diagnosis.update(layout, &bytes[..count]);
        }
        diagnosis.conclude(layout)
    }

    /// The end-of-archive blocks, and nothing behind them.
    fn end(&mut self) -> Result<(), Refusal> {
        let at = self.job.layout.end_at;
        let mut end = [0; END];
        read_next(self.stream, &mut end, self.job.name)?;
        require_same("end of archive", at, &[0; END], &end)?;
        let mut more = [0; 1];
        match self.stream.read(&mut more) {
            Ok(0) => Ok(()),
            Ok(_) => Err(trailing(self.job.name, at + END as u64, at + END as u64 + 1)),
            Err(error) => Err(Refusal::reading(self.job.name, &error)),
        }
    }
}

/// Proves the parts of a buffer side by side.
fn examine(job: &Job<'_>, buffer: Buffer) -> Outcome {
    let layout = job.layout;
    let contents: Vec<&[u8]> = (0..buffer.parts.len()).map(|at| buffer.part(at)).collect();
    let mut fault = None;
    for (at, (part, content)) in buffer.parts.iter().zip(&contents).enumerate() {
        let offset = layout.place(part.spot.entry).chunk(part.spot.chunk).start;
        if let Err(refusal) = job.proof.sink.put(part.spot.entry, offset, content) {
            fault = Some((at, Fault::Refused(refusal)));
            break;
        }
    }
    let whole = |content: &[u8]| content.len() - content.len() % BLOCK;
    let mut states: Vec<State> =
        buffer.parts.iter().map(|part| layout.before(part.spot.entry, part.spot.chunk)).collect();
    let streams: Vec<&[u8]> = contents.iter().map(|content| &content[..whole(content)]).collect();
    absorb(job.kernel, &mut states, &streams);
    let is_last = |spot: Spot| spot.chunk + 1 == layout.place(spot.entry).chunks();
    let mut midstates = Vec::new();
    let (mut last, mut blocks) = (Vec::new(), Vec::new());
    for (at, part) in buffer.parts.iter().enumerate().filter(|(_, part)| is_last(part.spot)) {
        let tail = &contents[at][whole(contents[at])..];
        midstates
            .extend(job.watch(part.spot.entry, states[at], tail).map(|midstate| (part.spot.entry, midstate)));
        blocks.push(LastBlocks::new(tail, layout.place(part.spot.entry).size));
        last.push(at);
    }
    let mut ends: Vec<State> = last.iter().map(|at| states[*at]).collect();
    absorb(job.kernel, &mut ends, &blocks.iter().map(LastBlocks::bytes).collect::<Vec<_>>());
    for (at, state) in last.into_iter().zip(ends) {
        states[at] = state;
    }
    let broken = buffer
        .parts
        .iter()
        .zip(&states)
        .position(|(part, state)| *state != layout.after(part.spot.entry, part.spot.chunk));
    if let Some(at) = broken
        && fault.as_ref().is_none_or(|(before, _)| at < *before)
    {
        fault = Some((at, Fault::BrokenLink));
    }
    Outcome { buffer, midstates, fault }
}
