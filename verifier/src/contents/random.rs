// SPDX-License-Identifier: Apache-2.0
//! Files and folders, proven on all cores and in several lanes a core.
//!
//! Work is handed out in the archive's order: single chunks of long entries, which fill the lanes of
//! a worker, and batches of short entries, which are hashed side by side. After a fault nothing more
//! is handed out, so the fault that is reported is the first one in the archive, whatever the timing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use manifests::bundle::CHUNK_BYTES;

use super::diagnosis::{Bytes, Diagnosis};
use super::queue::{BATCH_BYTES, Queue, Work};
use super::source::{Opened, Source};
use super::{Fault, InOrder, Job, Kept, Spot, Watched, require_digest};
use crate::archive::format::padding;
use crate::archive::reader::read_at;
use crate::error::Refusal;
use crate::hash::lanes::{LastBlocks, absorb};
use crate::hash::sha256::{self, Midstate, state_bytes};
use crate::hash::{BLOCK, State};

/// Bytes read for a lane at once: with sixteen lanes the buffers stay in the second-level cache.
const READ_BYTES: usize = 32 * 1024;
/// Distance of two lanes' buffers: not a multiple of a page, or all lanes would share cache sets.
const LANE_STRIDE: usize = READ_BYTES + 5 * BLOCK;

struct Shared<'a> {
    job: &'a Job<'a>,
    source: Source<'a>,
    queue: Mutex<Queue>,
    stop: AtomicBool,
    fault: Mutex<Option<(Spot, Fault)>>,
    watched: Mutex<BTreeMap<usize, Watched>>,
}

/// A worker that panics has not proven anything; the others' data is whole all the same.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn prove(job: &Job<'_>, source: Source<'_>) -> Result<(Kept, BTreeMap<usize, Watched>), Refusal> {
    let kept = keep(job, source)?;
    let ordered: BTreeMap<usize, Box<dyn InOrder>> =
        job.demanding.keys().filter_map(|entry| Some((*entry, job.in_order(*entry, &kept)?))).collect();
    let shared = Shared {
        job,
        source,
        queue: Mutex::new(Queue::new(job, ordered)),
        stop: AtomicBool::new(false),
        fault: Mutex::new(None),
        watched: Mutex::new(BTreeMap::new()),
    };
    std::thread::scope(|scope| {
        for _ in 1..job.workers {
            scope.spawn(|| Worker::new(&shared).run());
        }
        Worker::new(&shared).run();
    });
    match shared.fault.into_inner().unwrap_or_else(PoisonError::into_inner) {
        None => Ok((kept, shared.watched.into_inner().unwrap_or_else(PoisonError::into_inner))),
        Some((_, Fault::Refused(refusal))) => Err(refusal),
        Some((spot, Fault::BrokenLink)) => Err(diagnose(job, source, spot)),
    }
}

/// Reads and proves the signature and key files.
fn keep(job: &Job<'_>, source: Source<'_>) -> Result<Kept, Refusal> {
    let mut kept = Kept::default();
    for entry in job.kept.iter().copied() {
        let (place, path) = (job.layout.place(entry), job.path(entry));
        let mut bytes = vec![0; place.size as usize];
        require_frame(job, source, entry)?;
        source.open(job.layout, entry)?.read(0, &mut bytes, path)?;
        require_digest(
            path,
            super::Sha256Digest::new(state_bytes(&job.layout.after(entry, 0))),
            sha256::digest(&bytes),
        )?;
        job.proof.sink.put(entry, 0, &bytes)?;
        (job.proof.progress)(place.size);
        kept.0.insert(path.into(), bytes);
    }
    Ok(kept)
}

/// Compares the header of an entry and the zeros behind it.
fn require_frame(job: &Job<'_>, source: Source<'_>, entry: usize) -> Result<(), Refusal> {
    let Source::File { file, length } = source else { return Ok(()) };
    let place = job.layout.place(entry);
    let mut header = vec![0; (place.data_at - place.header_at) as usize];
    read_at(file, length, place.header_at, &mut header, job.name)?;
    job.require_header(entry, &header)?;
    let mut zeros = vec![0; padding(place.size) as usize];
    read_at(file, length, place.data_at + place.size, &mut zeros, job.name)?;
    job.zeros(entry, &zeros)
}

fn diagnose(job: &Job<'_>, source: Source<'_>, spot: Spot) -> Refusal {
    let read_on = || -> Result<Option<Diagnosis>, Refusal> {
        let Some(mut diagnosis) = Diagnosis::new(job.layout, spot, Bytes::ReadAgain) else { return Ok(None) };
        let opened = source.open(job.layout, spot.entry)?;
        let size = job.layout.place(spot.entry).size;
        let mut buffer = vec![0; BATCH_BYTES as usize];
        while diagnosis.length() < size {
            let count = (size - diagnosis.length()).min(BATCH_BYTES) as usize;
            opened.read(diagnosis.length(), &mut buffer[..count], job.path(spot.entry))?;
            diagnosis.update(job.layout, &buffer[..count]);
        }
        Ok(Some(diagnosis))
    };
    match read_on() {
        Ok(Some(diagnosis)) => diagnosis.conclude(job.layout),
        Ok(None) => Refusal::new(
            crate::error::Code::DigestMismatch,
            job.path(spot.entry),
            "is not the file that was signed",
        ),
        Err(refusal) => refusal,
    }
}

impl Shared<'_> {
    fn take(&self, busy_lanes: usize) -> Option<Work> {
        if self.stop.load(Ordering::Relaxed) {
            return None;
        }
        lock(&self.queue).take(self.job, busy_lanes)
    }

    fn fail(&self, spot: Spot, fault: Fault) {
        self.stop.store(true, Ordering::Relaxed);
        let mut first = lock(&self.fault);
        if first.as_ref().is_none_or(|(before, _)| spot < *before) {
            *first = Some((spot, fault));
        }
    }

    fn failed_before(&self, spot: Spot) -> bool {
        self.stop.load(Ordering::Relaxed)
            && lock(&self.fault).as_ref().is_some_and(|(first, _)| *first < spot)
    }

    fn note(&self, entry: usize, midstate: Option<Midstate>, in_order: Option<Box<dyn InOrder>>) {
        if let Some(midstate) = midstate {
            lock(&self.watched).insert(entry, Watched { midstate, in_order });
        }
    }
}

/// A chunk on its way through a lane.
struct Lane<'a> {
    spot: Spot,
    opened: Opened<'a>,
    /// Bytes of the entry that were absorbed, counted from its start.
    at: u64,
    end: u64,
    state: State,
    /// Bytes in this lane's buffer.
    filled: usize,
}

struct Worker<'a> {
    shared: &'a Shared<'a>,
    lanes: Vec<Lane<'a>>,
    buffers: Vec<u8>,
    batch: Vec<u8>,
}

impl<'a> Worker<'a> {
    fn new(shared: &'a Shared<'a>) -> Self {
        Self { shared, lanes: Vec::new(), buffers: Vec::new(), batch: Vec::new() }
    }

    fn run(mut self) {
        let most = self.shared.job.kernel.lanes();
        loop {
            while self.lanes.len() < most {
                let Some(work) = self.shared.take(self.lanes.len()) else { break };
                self.start(work);
            }
            if self.lanes.is_empty() {
                return;
            }
            self.step();
        }
    }

    fn start(&mut self, work: Work) {
        let (spot, done) = match work {
            Work::Chunk(spot) => (spot, self.start_lane(spot)),
            Work::Batch(entries) => (Spot { entry: entries.start, chunk: 0 }, self.batch(entries)),
            Work::Ordered(entry, hasher) => (Spot { entry, chunk: 0 }, self.ordered(entry, hasher)),
        };
        match done {
            Ok(()) => {}
            Err((at, fault)) => self.shared.fail(at.unwrap_or(spot), fault),
        }
    }

    fn start_lane(&mut self, spot: Spot) -> Result<(), (Option<Spot>, Fault)> {
        let (job, source) = (self.shared.job, self.shared.source);
        let refused = |refusal| (None, Fault::Refused(refusal));
        if spot.chunk == 0 {
            require_frame(job, source, spot.entry).map_err(refused)?;
        }
        let opened = source.open(job.layout, spot.entry).map_err(refused)?;
        let range = job.layout.place(spot.entry).chunk(spot.chunk);
        opened.fetch(range.clone());
        let state = job.layout.before(spot.entry, spot.chunk);
        self.lanes.push(Lane { spot, opened, at: range.start, end: range.end, state, filled: 0 });
        Ok(())
    }

    /// Reads for every lane, absorbs for all of them at once, and lets go of those that are done.
    fn step(&mut self) {
        let shared = self.shared;
        self.buffers.resize(self.lanes.len() * LANE_STRIDE, 0);
        let mut bytes = 0;
        let buffers = &mut self.buffers;
        let mut at = 0;
        self.lanes.retain_mut(|lane| {
            let buffer = &mut buffers[at * LANE_STRIDE..];
            match lane.fill(buffer, shared) {
                Ok(()) => {
                    bytes += lane.filled as u64;
                    at += 1;
                    true
                }
                Err(refusal) => {
                    shared.fail(lane.spot, Fault::Refused(refusal));
                    false
                }
            }
        });
        let mut states: Vec<State> = self.lanes.iter().map(|lane| lane.state).collect();
        let streams: Vec<&[u8]> = self
            .lanes
            .iter()
            .enumerate()
            .map(|(at, lane)| lane.whole_blocks(&self.buffers[at * LANE_STRIDE..]))
            .collect();
        absorb(shared.job.kernel, &mut states, &streams);
        let mut ended = Vec::new();
        for (at, (lane, state)) in self.lanes.iter_mut().zip(states).enumerate() {
            lane.state = state;
            lane.at += lane.filled as u64;
            if lane.at == lane.end {
                let tail = &self.buffers[at * LANE_STRIDE..][lane.filled - lane.filled % BLOCK..lane.filled];
                ended.push(Ended { spot: lane.spot, state, tail });
            }
        }
        shared.finish(ended);
        self.lanes.retain(|lane| lane.at < lane.end);
        (shared.job.proof.progress)(bytes);
    }

    /// Reads neighbours with one call where the carrier allows, and hashes them side by side.
    fn batch(&mut self, entries: std::ops::Range<usize>) -> Result<(), (Option<Spot>, Fault)> {
        let (job, source) = (self.shared.job, self.shared.source);
        let layout = job.layout;
        let first = Spot { entry: entries.start, chunk: 0 };
        let start = layout.place(first.entry).header_at;
        let end = layout.place(entries.end - 1).end();
        self.batch.resize((end - start) as usize, 0);
        let at = |entry: usize| Some(Spot { entry, chunk: 0 });
        let inside = |place: u64| (place - start) as usize;
        if let Source::File { file, length } = source {
            read_at(file, length, start, &mut self.batch, job.name)
                .map_err(|refusal| (Some(first), Fault::Refused(refusal)))?;
        }
        let mut states = Vec::with_capacity(entries.len());
        let mut streams: Vec<&[u8]> = Vec::with_capacity(entries.len());
        for entry in entries.clone() {
            let refused = |refusal| (at(entry), Fault::Refused(refusal));
            let place = layout.place(entry);
            let content = inside(place.data_at)..inside(place.data_at + place.size);
            match source {
                Source::File { .. } => {
                    job.require_header(entry, &self.batch[inside(place.header_at)..content.start])
                        .map_err(refused)?;
                    job.zeros(entry, &self.batch[content.end..inside(place.end())]).map_err(refused)?;
                }
                Source::Folder(_) => {
                    let opened = source.open(layout, entry).map_err(refused)?;
                    opened.read(0, &mut self.batch[content.clone()], job.path(entry)).map_err(refused)?;
                }
            }
            job.proof.sink.put(entry, 0, &self.batch[content]).map_err(refused)?;
        }
        for entry in entries.clone() {
            let place = layout.place(entry);
            let content = &self.batch[inside(place.data_at)..inside(place.data_at + place.size)];
            states.push(layout.before(entry, 0));
            streams.push(&content[..content.len() - content.len() % BLOCK]);
        }
        absorb(job.kernel, &mut states, &streams);
        let ended = entries.zip(states).map(|(entry, state)| {
            let place = layout.place(entry);
            let tail = &self.batch[inside(place.data_at + place.size - place.size % BLOCK as u64)
                ..inside(place.data_at + place.size)];
            Ended { spot: Spot { entry, chunk: 0 }, state, tail }
        });
        self.shared.finish(ended.collect());
        (job.proof.progress)(end - start);
        Ok(())
    }

    /// Proves an entry front to back and shows it to its hasher.
    fn ordered(&mut self, entry: usize, mut hasher: Box<dyn InOrder>) -> Result<(), (Option<Spot>, Fault)> {
        let (job, source) = (self.shared.job, self.shared.source);
        let refused = |refusal| (None, Fault::Refused(refusal));
        require_frame(job, source, entry).map_err(refused)?;
        let opened = source.open(job.layout, entry).map_err(refused)?;
        let place = *job.layout.place(entry);
        let mut state = Midstate::EMPTY;
        self.batch.resize(BATCH_BYTES as usize, 0);
        while state.length() < place.size {
            // A fault further on may have stopped the others; only an earlier one makes this one moot.
            if self.shared.failed_before(Spot { entry, chunk: 0 }) {
                return Ok(());
            }
            let at = state.length();
            let chunk = at / CHUNK_BYTES;
            let count = (place.chunk(chunk).end - at).min(BATCH_BYTES) as usize;
            let bytes = &mut self.batch[..count];
            opened.read(at, bytes, job.path(entry)).map_err(refused)?;
            job.proof.sink.put(entry, at, bytes).map_err(refused)?;
            state.update(job.kernel, bytes);
            hasher.update(bytes);
            let boundary = state.length() == place.chunk(chunk).end && chunk + 1 < place.chunks();
            if boundary && state.chaining_value() != Some(job.layout.after(entry, chunk)) {
                return Err((Some(Spot { entry, chunk }), Fault::BrokenLink));
            }
            (job.proof.progress)(count as u64);
        }
        let last = place.chunks() - 1;
        if state.digest().as_bytes() != &state_bytes(&job.layout.after(entry, last)) {
            return Err((Some(Spot { entry, chunk: last }), Fault::BrokenLink));
        }
        self.shared.note(entry, Some(state), Some(hasher));
        Ok(())
    }
}

impl Lane<'_> {
    fn fill(&mut self, buffer: &mut [u8], shared: &Shared<'_>) -> Result<(), Refusal> {
        self.filled = (self.end - self.at).min(READ_BYTES as u64) as usize;
        let bytes = &mut buffer[..self.filled];
        self.opened.read(self.at, bytes, shared.job.path(self.spot.entry))?;
        shared.job.proof.sink.put(self.spot.entry, self.at, bytes)
    }

    fn whole_blocks<'b>(&self, buffer: &'b [u8]) -> &'b [u8] {
        &buffer[..self.filled - self.filled % BLOCK]
    }
}

/// A chunk whose whole blocks are absorbed, and what is left of it.
struct Ended<'b> {
    spot: Spot,
    state: State,
    tail: &'b [u8],
}

impl Shared<'_> {
    /// Compares chunks with the state that each must lead to, behind the padding where an entry ends.
    fn finish(&self, ended: Vec<Ended<'_>>) {
        let layout = self.job.layout;
        let is_last = |spot: Spot| spot.chunk + 1 == layout.place(spot.entry).chunks();
        let (last, inner): (Vec<_>, Vec<_>) = ended.into_iter().partition(|ended| is_last(ended.spot));
        let blocks: Vec<LastBlocks> = last
            .iter()
            .map(|ended| LastBlocks::new(ended.tail, layout.place(ended.spot.entry).size))
            .collect();
        let mut states: Vec<State> = last.iter().map(|ended| ended.state).collect();
        let streams: Vec<&[u8]> = blocks.iter().map(LastBlocks::bytes).collect();
        absorb(self.job.kernel, &mut states, &streams);
        for ended in &last {
            self.note(ended.spot.entry, self.job.watch(ended.spot.entry, ended.state, ended.tail), None);
        }
        let proven = inner.iter().map(|ended| (ended.spot, ended.state));
        for (spot, state) in proven.chain(last.iter().map(|ended| ended.spot).zip(states)) {
            if state != layout.after(spot.entry, spot.chunk) {
                self.fail(spot, Fault::BrokenLink);
            }
        }
    }
}
