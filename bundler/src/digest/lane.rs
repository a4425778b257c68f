// SPDX-License-Identifier: Apache-2.0
//! One file on its way through a core: opened, read piece by piece, copied, absorbed.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt;

use manifests::bundle::{CHUNK_BYTES, SIZE_LIMIT, chaining_values};
use manifests::digest::Sha256Digest;
use rustix::fs::{Mode, OFlags};
use verifier::archive::format::RECORD;
use verifier::error::Code;
use verifier::hash::lanes::absorb;
use verifier::hash::sha256::Midstate;
use verifier::hash::{BLOCK, INITIAL, Kernel, State};

use super::{Follow, Job, Locked, READ_BYTES, Read};
use crate::failure::Failure;

/// The longest header: one record, or three with a pax header.
const HEADER_BYTES: usize = 3 * RECORD;

pub(super) struct Lane {
    /// Room for a header, then for the bytes of one read: a small file goes out in one write.
    buffer: Vec<u8>,
    current: Option<Current>,
}

struct Current {
    index: usize,
    file: File,
    size: u64,
    /// Bytes read before those in the buffer.
    before: u64,
    /// Bytes in the buffer.
    held: usize,
    state: State,
    chain: Vec<State>,
}

impl Lane {
    pub(super) fn new() -> Self {
        Self { buffer: vec![0; HEADER_BYTES + READ_BYTES], current: None }
    }

    pub(super) fn job(&self) -> Option<usize> {
        self.current.as_ref().map(|current| current.index)
    }

    pub(super) fn drop_job(&mut self) {
        self.current = None;
    }

    pub(super) fn open(&mut self, index: usize, job: &Job) -> Result<(), Failure> {
        let follow = match job.follow {
            Follow::Yes => OFlags::empty(),
            Follow::No => OFlags::NOFOLLOW,
        };
        // A pipe under this name would otherwise block for ever.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | follow;
        let file = rustix::fs::open(&job.path, flags, Mode::empty())
            .map(File::from)
            .map_err(|error| Failure::argument(&job.name, &error.into()))?;
        let metadata = file.metadata().map_err(|error| Failure::reading(&job.name, &error))?;
        if !metadata.is_file() {
            return Err(Failure::usage(&job.name, "is not a regular file").hint("name a file"));
        }
        let size = metadata.len();
        if size >= SIZE_LIMIT {
            return Err(Failure::new(Code::LimitExceeded, &job.name, "is too long for a bundle"));
        }
        if let Some(locked) = &job.locked
            && locked.size != size
        {
            return Err(size_changed(job, locked, file, size));
        }
        let values = usize::try_from(chaining_values(size)).unwrap_or(0);
        let chain = Vec::with_capacity(values);
        self.current = Some(Current { index, file, size, before: 0, held: 0, state: INITIAL, chain });
        Ok(())
    }

    /// Reads the next bytes and writes them where they go; says how many they were.
    pub(super) fn read(&mut self, job: &Job, output: Option<&File>) -> Result<u64, Failure> {
        let Some(current) = &mut self.current else { return Ok(0) };
        current.before += current.held as u64;
        let left = current.size - current.before;
        current.held = usize::try_from(left).map_or(READ_BYTES, |left| left.min(READ_BYTES));
        let content = &mut self.buffer[HEADER_BYTES..HEADER_BYTES + current.held];
        current.file.read_exact(content).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => still_written(&job.name),
            _ => Failure::reading(&job.name, &error),
        })?;
        // Under a lock, the digest tells; without one, growth must be noticed here.
        if job.locked.is_none() && current.held as u64 == left {
            let more = current.file.read(&mut [0]).map_err(|error| Failure::reading(&job.name, &error))?;
            if more > 0 {
                return Err(still_written(&job.name));
            }
        }
        if let (Some(output), Some(place)) = (output, &job.place) {
            write(&mut self.buffer, current, place, output)
                .map_err(|error| Failure::writing("the bundle", &error))?;
        }
        Ok(self.current.as_ref().map_or(0, |current| current.held as u64))
    }

    /// The answer, when the whole file has been absorbed; the lane is free then.
    pub(super) fn take_finished(&mut self, jobs: &[Job]) -> Option<(usize, Result<Read, Failure>)> {
        let current = self.current.take_if(|current| current.before + current.held as u64 == current.size)?;
        let whole = current.held - current.held % BLOCK;
        let tail = &self.buffer[HEADER_BYTES + whole..HEADER_BYTES + current.held];
        let read = match Midstate::from_parts(current.state, tail, current.size) {
            Some(midstate) => Ok(Read { midstate, chain: current.chain }),
            None => Err(Failure::fault(&jobs[current.index].name, "was read without being absorbed")),
        };
        Some((current.index, read))
    }
}

/// Writes the bytes in the buffer, with the header before the first of them. What is zero is left out:
/// the output was made with its full length, so that holes read as zeros.
fn write(buffer: &mut [u8], current: &Current, place: &super::Place, output: &File) -> io::Result<()> {
    let end = HEADER_BYTES + current.held;
    if current.before == 0 {
        let start = HEADER_BYTES - place.header.len();
        buffer[start..HEADER_BYTES].copy_from_slice(&place.header);
        return output.write_all_at(&buffer[start..end], place.offset);
    }
    let content = &buffer[HEADER_BYTES..end];
    if is_zero(content) {
        return Ok(());
    }
    output.write_all_at(content, place.offset + place.header.len() as u64 + current.before)
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.chunks(64).all(|part| part.iter().fold(0, |sum, byte| sum | byte) == 0)
}

/// Absorbs all whole blocks that the lanes hold, side by side, and notes the states at chunk boundaries.
pub(super) fn compress(kernel: Kernel, lanes: &mut [Lane]) {
    let mut states = Vec::with_capacity(lanes.len());
    let mut streams = Vec::with_capacity(lanes.len());
    for lane in lanes.iter() {
        if let Some(current) = &lane.current {
            let whole = current.held - current.held % BLOCK;
            states.push(current.state);
            streams.push(&lane.buffer[HEADER_BYTES..HEADER_BYTES + whole]);
        }
    }
    absorb(kernel, &mut states, &streams);
    for (current, state) in lanes.iter_mut().filter_map(|lane| lane.current.as_mut()).zip(states) {
        current.state = state;
        let position = current.before + current.held as u64;
        if position > 0 && position < current.size && position.is_multiple_of(CHUNK_BYTES) {
            current.chain.push(state);
        }
    }
}

/// Another size tells enough to refuse, but people want to see the digest too.
fn size_changed(job: &Job, locked: &Locked, file: File, size: u64) -> Failure {
    /// Up to here, reading it all takes no noticeable time.
    const SHOWN_BYTES: u64 = 256 << 20;
    let mut bytes = Vec::new();
    if size <= SHOWN_BYTES && file.take(SHOWN_BYTES).read_to_end(&mut bytes).is_ok() {
        let digest: Sha256Digest = verifier::hash::sha256::digest(&bytes);
        return super::changed(job, locked, &Locked { size: bytes.len() as u64, digest });
    }
    Failure::new(Code::LockOutdated, &job.name, "has changed since it was locked")
        .expected(format!("{} bytes", super::thousands(locked.size)))
        .found(format!("{} bytes", super::thousands(size)))
}

fn still_written(name: &str) -> Failure {
    Failure::new(Code::ChangedWhileRead, name, "changed while it was read")
        .hint("something else still writes to it: wait until it is finished")
}
