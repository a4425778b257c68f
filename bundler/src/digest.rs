// SPDX-License-Identifier: Apache-2.0
//! Many files read once, on all cores and in several lanes a core: digests, chaining values, copies.
//!
//! In: files, what is expected of each, and where in an output each goes. Out: for each file its size, the
//! state of SHA-256 before the padding, and the state at every chunk boundary. `lock` and `build` share it.

mod lane;

use std::fmt;
use std::fs::File;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use manifests::bundle::CHUNK_BYTES;
use manifests::digest::Sha256Digest;
use verifier::error::Code;
use verifier::hash::sha256::Midstate;
use verifier::hash::{Kernel, State};
use verifier::progress::Progress;

use self::lane::Lane;
use crate::failure::Failure;
use crate::store::Store;

/// Bytes read at once for a lane: a divisor of a chunk, so that boundaries fall between reads, and small
/// enough that all lanes of a core stay in its cache.
const READ_BYTES: usize = 64 * 1024;
/// Lanes of a core: what the widest kernel takes at once.
const MAX_LANES: usize = 16;

const _: () = assert!(CHUNK_BYTES.is_multiple_of(READ_BYTES as u64));

/// One file to read.
#[derive(Clone, Debug)]
pub struct Job {
    /// What people call it.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// What the lock says of it: anything else is refused.
    pub locked: Option<Locked>,
    /// Where it goes in the output.
    pub place: Option<Place>,
    /// Whether the last component of the path may be a symbolic link.
    pub follow: Follow,
    /// The store that the file is in: where it is not what was locked, it is damaged and goes.
    pub keeper: Option<Arc<Store>>,
}

/// Whether a name that is a symbolic link is read through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// The author named it, so it is.
    Yes,
    /// It was found in a tree as a plain file: if it is a link by now, something else is at work.
    No,
}

/// What a file was when it was locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Locked {
    /// Bytes.
    pub size: u64,
    /// SHA-256.
    pub digest: Sha256Digest,
}

/// Where a file goes in the output: its header, and right after it the content.
#[derive(Clone, Debug)]
pub struct Place {
    /// The header's bytes.
    pub header: Vec<u8>,
    /// Where the header starts.
    pub offset: u64,
}

/// What was read.
#[derive(Clone, Debug)]
pub struct Read {
    /// SHA-256 before the padding: the file's own digest, and what a signature over it starts from.
    pub midstate: Midstate,
    /// The state at every chunk boundary inside the file.
    pub chain: Vec<State>,
}

impl Read {
    /// Bytes.
    pub const fn size(&self) -> u64 {
        self.midstate.length()
    }

    /// SHA-256 of the whole.
    pub fn digest(&self) -> Sha256Digest {
        self.midstate.digest()
    }
}

/// Reads every file once; the answers come in the order of the jobs.
///
/// A refusal stops the work, and the first by the order of the jobs is returned. With several cores, which
/// others were found by then is chance, so of several changed files any may be the one that is named.
pub fn read_all(jobs: &[Job], output: Option<&File>, progress: &Progress) -> Result<Vec<Read>, Failure> {
    let results = work(jobs, output, AtFailure::Stop, progress);
    let read: Vec<Read> = results.into_iter().map(|(_, result)| result).collect::<Result<_, _>>()?;
    if read.len() != jobs.len() {
        return Err(Failure::fault("the payload", "was not read to its end")
            .expected(format!("{} files", jobs.len()))
            .found(read.len()));
    }
    Ok(read)
}

/// Reads every file once, whatever becomes of the others; the answers come in the order of the jobs.
pub fn read_each(jobs: &[Job], progress: &Progress) -> Vec<Result<Read, Failure>> {
    let mut results = work(jobs, None, AtFailure::GoOn, progress).into_iter().peekable();
    let untold = |job: &Job| Err(Failure::fault(&job.name, "was not read"));
    let answer = |(index, job)| {
        results.next_if(|(found, _)| *found == index).map_or_else(|| untold(job), |(_, result)| result)
    };
    jobs.iter().enumerate().map(answer).collect()
}

/// What a file that cannot be read means for the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AtFailure {
    Stop,
    GoOn,
}

/// The answers so far as the work went, by the number of their jobs.
fn work(
    jobs: &[Job],
    output: Option<&File>,
    at_failure: AtFailure,
    progress: &Progress,
) -> Vec<(usize, Result<Read, Failure>)> {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let workers = cores.min(jobs.len()).max(1);
    let shared = Shared {
        jobs,
        order: largest_first(jobs),
        next: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
        at_failure,
        results: Mutex::new(Vec::with_capacity(jobs.len())),
        output,
        progress,
    };
    // With fewer files than lanes, no core may take them all.
    let lanes = jobs.len().div_ceil(workers).clamp(1, MAX_LANES);
    std::thread::scope(|scope| {
        for _ in 1..workers {
            scope.spawn(|| shared.work(lanes));
        }
        shared.work(lanes);
    });
    let mut results = shared.results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    results
}

/// Long files first: what is left at the end is short, so that no core waits for another. Files of one
/// length stay in the order of the archive.
fn largest_first(jobs: &[Job]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..jobs.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(jobs[*index].locked.map_or(0, |locked| locked.size)));
    order
}

struct Shared<'a> {
    jobs: &'a [Job],
    order: Vec<usize>,
    next: AtomicUsize,
    stop: AtomicBool,
    at_failure: AtFailure,
    results: Mutex<Vec<(usize, Result<Read, Failure>)>>,
    output: Option<&'a File>,
    progress: &'a Progress,
}

impl Shared<'_> {
    fn work(&self, lanes: usize) {
        let kernel = Kernel::detect();
        let mut lanes: Vec<Lane> = (0..lanes).map(|_| Lane::new()).collect();
        let mut done = Vec::new();
        while !self.stop.load(Ordering::Relaxed) {
            for lane in &mut lanes {
                // One that fails leaves its lane to the next.
                while let Err((index, failure)) = self.fill(lane) {
                    done.push((index, Err(failure)));
                    if self.at_failure == AtFailure::Stop {
                        self.stop.store(true, Ordering::Relaxed);
                        break;
                    }
                }
            }
            if lanes.iter().all(|lane| lane.job().is_none()) {
                break;
            }
            lane::compress(kernel, &mut lanes);
            for lane in &mut lanes {
                if let Some((index, read)) = lane.take_finished(self.jobs) {
                    let result = read.and_then(|read| check(&self.jobs[index], read));
                    if result.is_err() && self.at_failure == AtFailure::Stop {
                        self.stop.store(true, Ordering::Relaxed);
                    }
                    done.push((index, result));
                }
            }
        }
        self.results.lock().unwrap_or_else(std::sync::PoisonError::into_inner).append(&mut done);
    }

    /// Gives the lane its next bytes, of its file or of the next one that nobody has taken.
    fn fill(&self, lane: &mut Lane) -> Result<(), (usize, Failure)> {
        if lane.job().is_none() {
            let Some(index) = self.order.get(self.next.fetch_add(1, Ordering::Relaxed)).copied() else {
                return Ok(());
            };
            lane.open(index, &self.jobs[index]).map_err(|failure| (index, failure))?;
        }
        let Some(index) = lane.job() else { return Ok(()) };
        let bytes = lane.read(&self.jobs[index], self.output).map_err(|failure| {
            lane.drop_job();
            (index, failure)
        })?;
        self.progress.add(bytes);
        Ok(())
    }
}

/// Compares what was read with what was locked.
fn check(job: &Job, read: Read) -> Result<Read, Failure> {
    let Some(locked) = job.locked else { return Ok(read) };
    let found = Locked { size: read.size(), digest: read.digest() };
    if found == locked { Ok(read) } else { Err(changed(job, &locked, &found)) }
}

/// A file that is not what was locked.
fn changed(job: &Job, locked: &Locked, found: &Locked) -> Failure {
    match &job.keeper {
        Some(store) => store.damaged(locked, &found.digest),
        None => Failure::new(Code::LockOutdated, &job.name, "has changed since it was locked")
            .expected(locked)
            .found(found),
    }
}

/// As people compare it: `sha256:… (48,211,968 bytes)`.
impl fmt::Display for Locked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.digest, thousands(self.size))
    }
}

/// `48,211,968`.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
