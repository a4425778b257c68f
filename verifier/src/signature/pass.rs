// SPDX-License-Identifier: Apache-2.0
//! One pass over bytes for everything that wants to see them: ranges in, digests out.
//!
//! Blocks are read while earlier ones are hashed, and each digest has a thread of its own, so that the slowest
//! of them sets the pace and no byte is read twice.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::mpsc::{channel, sync_channel};

use sequoia_openpgp::crypto::hash::Context;

use super::digest::Digest;
use super::openpgp::Hasher;
use crate::bytes::{Bytes, read_full};
use crate::hash::Kernel;
use crate::hash::sha256::Midstate;

/// Large enough that handing it to a thread costs nothing, small enough that those on their way stay in the cache.
const BLOCK: usize = 256 * 1024;

/// Blocks that wait before a sink: they bridge the moments in which the reading thread does not run.
const AHEAD: usize = 4;

/// Something that takes bytes, front to back.
pub trait Sink: Send {
    /// The next bytes.
    fn take(&mut self, bytes: &[u8]);
}

impl Sink for Midstate {
    fn take(&mut self, bytes: &[u8]) {
        self.update(Kernel::detect(), bytes);
    }
}

impl Sink for Hasher {
    fn take(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }
}

impl Sink for Digest {
    fn take(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }
}

impl Sink for Context {
    fn take(&mut self, bytes: &[u8]) {
        Context::update(self, bytes);
    }
}

/// Shows all of `bytes` to every sink.
pub fn pass(bytes: &dyn Bytes, sinks: &mut [&mut dyn Sink]) -> io::Result<()> {
    let mut at = 0;
    feed(sinks, |block| {
        let rest = bytes.length().saturating_sub(at);
        let length = usize::try_from(rest).unwrap_or(BLOCK).min(BLOCK);
        block.resize(length, 0);
        bytes.read_at(at, block)?;
        at = at.saturating_add(u64::try_from(length).unwrap_or(rest));
        Ok(())
    })
}

/// Shows a stream to every sink, up to its end; `progress` is told how many bytes were read, again and again.
pub fn stream(from: &mut dyn Read, sinks: &mut [&mut dyn Sink], progress: &dyn Fn(usize)) -> io::Result<()> {
    feed(sinks, |block| {
        // A block that was used before is whole already. `read_to_end` would fill it with zeros, and begin with small
        // reads.
        block.resize(BLOCK, 0);
        let length = read_full(from, block)?;
        block.truncate(length);
        progress(length);
        Ok(())
    })
}

/// Shows every sink the blocks that `read` makes. One that is not full is the last.
///
/// This thread reads. Each sink has a thread of its own, which has a few blocks before it: so none waits for a
/// block, for the start of a thread or for another sink, unless that one is slower.
fn feed(sinks: &mut [&mut dyn Sink], mut read: impl FnMut(&mut Vec<u8>) -> io::Result<()>) -> io::Result<()> {
    let mut block = Vec::new();
    read(&mut block)?;
    if block.len() < BLOCK {
        sinks.iter_mut().for_each(|sink| sink.take(&block));
        return Ok(());
    }
    std::thread::scope(|scope| {
        let (free, freed) = channel();
        let queues: Vec<_> = sinks
            .iter_mut()
            .map(|sink| {
                let (queue, blocks) = sync_channel::<Arc<Vec<u8>>>(AHEAD);
                let free = free.clone();
                scope.spawn(move || {
                    for block in blocks {
                        sink.take(&block);
                        // The last that saw a block hands its memory back; at the end nobody takes it.
                        if let Some(memory) = Arc::into_inner(block) {
                            let _ = free.send(memory);
                        }
                    }
                });
                queue
            })
            .collect();
        loop {
            let last = block.len() < BLOCK;
            let shown = Arc::new(block);
            // A queue is closed where its sink panicked: the scope hands that on.
            if queues.iter().any(|queue| queue.send(Arc::clone(&shown)).is_err()) || last {
                return Ok(());
            }
            block = Arc::into_inner(shown).or_else(|| freed.try_recv().ok()).unwrap_or_default();
            read(&mut block)?;
        }
    })
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::super::digest::Algorithm;
    use super::*;

    #[test]
    fn every_sink_sees_every_byte_once() {
        for length in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 3 * BLOCK + 5] {
            let bytes: Vec<u8> = (0..=250).cycle().take(length).collect();
            let mut file = Midstate::EMPTY;
            let mut strong = Algorithm::Sha512.start();
            pass(&bytes, &mut [&mut file, &mut strong]).unwrap();
            assert_eq!(file.digest(), crate::hash::sha256::digest(&bytes), "{length}");
            assert_eq!(strong.finish(), Algorithm::Sha512.digest(&bytes), "{length}");
            let mut alone = Midstate::EMPTY;
            let told = Cell::new(0);
            stream(&mut bytes.as_slice(), &mut [&mut alone], &|read| told.set(told.get() + read)).unwrap();
            assert_eq!(alone.digest(), file.digest(), "{length}");
            assert_eq!(told.get(), length);
        }
    }

    /// Reads a few bytes at a time, is interrupted in between, and fails after some.
    struct Halting<'a> {
        bytes: &'a [u8],
        calls: usize,
        fails_at: Option<usize>,
    }

    impl Read for Halting<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.calls = self.calls.saturating_add(1);
            if self.calls.is_multiple_of(3) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            if self.fails_at.is_some_and(|calls| self.calls > calls) {
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            let few = (self.calls.wrapping_mul(997) % 5000).clamp(1, into.len());
            self.bytes.read(into.get_mut(..few).unwrap_or_default())
        }
    }

    #[test]
    fn a_stream_that_halts_is_seen_to_its_end() {
        for length in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 3 * BLOCK + 5] {
            let bytes: Vec<u8> = (0..=250).cycle().take(length).collect();
            let (mut file, mut strong) = (Midstate::EMPTY, Algorithm::Sha512.start());
            let told = Cell::new(0);
            let mut halting = Halting { bytes: &bytes, calls: 0, fails_at: None };
            let progress = |read: usize| told.set(read.saturating_add(told.get()));
            stream(&mut halting, &mut [&mut file, &mut strong], &progress).unwrap();
            assert_eq!(file.digest(), crate::hash::sha256::digest(&bytes), "{length}");
            assert_eq!(strong.finish(), Algorithm::Sha512.digest(&bytes), "{length}");
            assert_eq!(told.get(), length);
        }
        let (bytes, mut file) = (vec![7; 3 * BLOCK], Midstate::EMPTY);
        for calls in [0, 100, 250] {
            let mut failing = Halting { bytes: &bytes, calls: 0, fails_at: Some(calls) };
            let failed = stream(&mut failing, &mut [&mut file], &|_| {}).unwrap_err();
            assert_eq!(failed.kind(), io::ErrorKind::ConnectionReset, "{calls}");
        }
    }

    /// As many good bytes, then an error.
    struct Broken(u64);

    impl Bytes for Broken {
        fn length(&self) -> u64 {
            u64::MAX
        }

        fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
            into.fill(7);
            if at.saturating_add(into.length()) > self.0 {
                Err(io::ErrorKind::TimedOut.into())
            } else {
                Ok(())
            }
        }
    }

    #[test]
    fn an_error_in_the_middle_ends_the_pass() {
        for good in [0, BLOCK + BLOCK / 2, 12 * BLOCK] {
            let (mut one, mut other) = (Midstate::EMPTY, Midstate::EMPTY);
            let failed =
                pass(&Broken(u64::try_from(good).unwrap()), &mut [&mut one, &mut other]).unwrap_err();
            assert_eq!(failed.kind(), io::ErrorKind::TimedOut, "{good}");
        }
    }

    struct Panics;

    impl Sink for Panics {
        fn take(&mut self, _: &[u8]) {
            panic!("as asked");
        }
    }

    #[test]
    #[should_panic(expected = "a scoped thread panicked")]
    fn a_panic_of_a_sink_is_handed_on() {
        let mut file = Midstate::EMPTY;
        let _ = pass(&vec![0; 20 * BLOCK], &mut [&mut file, &mut Panics]);
    }
}
