// SPDX-License-Identifier: Apache-2.0
//! What is left to prove, handed out in the archive's order.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{InOrder, Job, Spot};

/// Entries up to this many bytes are read in batches.
const SHORT_BYTES: u64 = 64 * 1024;
/// Bytes in a batch, headers included.
pub(super) const BATCH_BYTES: u64 = 512 * 1024;

/// A piece of work for one worker.
pub(super) enum Work {
    /// One chunk of a long entry.
    Chunk(Spot),
    /// Short entries that lie side by side.
    Batch(Range<usize>),
    /// An entry that somebody wants to see in order.
    Ordered(usize, Box<dyn InOrder>),
}

/// What is left to hand out.
pub(super) struct Queue {
    next: Spot,
    /// Chunks of long entries that nobody has taken.
    chunks_left: u64,
    ordered: BTreeMap<usize, Box<dyn InOrder>>,
}

impl Queue {
    /// All entries but those that are kept; `ordered` are the ones that must be seen front to back.
    pub(super) fn new(job: &Job<'_>, ordered: BTreeMap<usize, Box<dyn InOrder>>) -> Self {
        let long = |entry: &usize| !job.kept.contains(entry) && !ordered.contains_key(entry);
        let chunks_left = (0..job.layout.len())
            .filter(long)
            .map(|entry| job.layout.place(entry))
            .filter(|place| place.size > SHORT_BYTES)
            .map(|place| place.chunks())
            .sum();
        Self { next: Spot { entry: 0, chunk: 0 }, chunks_left, ordered }
    }

    /// The next piece of work; a chunk only for a worker with fewer busy lanes than its share.
    pub(super) fn take(&mut self, job: &Job<'_>, busy_lanes: usize) -> Option<Work> {
        loop {
            let Spot { entry, chunk } = self.next;
            if entry == job.layout.len() {
                return None;
            }
            if job.kept.contains(&entry) {
                self.next = Spot { entry: entry + 1, chunk: 0 };
                continue;
            }
            if let Some(hasher) = self.ordered.remove(&entry) {
                self.next = Spot { entry: entry + 1, chunk: 0 };
                return Some(Work::Ordered(entry, hasher));
            }
            let place = job.layout.place(entry);
            if place.size <= SHORT_BYTES {
                let batch = entry..self.batch_end(job, entry);
                self.next = Spot { entry: batch.end, chunk: 0 };
                return Some(Work::Batch(batch));
            }
            let share = self.chunks_left.div_ceil(job.workers as u64).max(1);
            if busy_lanes as u64 >= share {
                return None;
            }
            self.chunks_left = self.chunks_left.saturating_sub(1);
            self.next = if chunk + 1 < place.chunks() {
                Spot { entry, chunk: chunk + 1 }
            } else {
                Spot { entry: entry + 1, chunk: 0 }
            };
            return Some(Work::Chunk(Spot { entry, chunk }));
        }
    }

    fn batch_end(&self, job: &Job<'_>, first: usize) -> usize {
        let start = job.layout.place(first).header_at;
        (first + 1..job.layout.len())
            .find(|entry| {
                let place = job.layout.place(*entry);
                place.size > SHORT_BYTES
                    || place.end() - start > BATCH_BYTES
                    || job.kept.contains(entry)
                    || self.ordered.contains_key(entry)
            })
            .unwrap_or(job.layout.len())
    }
}
