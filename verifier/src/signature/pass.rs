// SPDX-License-Identifier: Apache-2.0
//! One pass over bytes for everything that wants to see them: ranges in, digests out.
//!
//! The next block is read while the last one is hashed, and each digest beyond the first has a thread of its
//! own, so that the slowest of them sets the pace and no byte is read twice.

use std::io;

use sequoia_openpgp::crypto::hash::Context;

use super::digest::Digest;
use super::openpgp::Hasher;
use crate::bytes::Bytes;
use crate::hash::Kernel;
use crate::hash::sha256::Midstate;

/// Large enough that starting threads for it costs nothing, small enough to stay in the cache.
const BLOCK: usize = 1024 * 1024;

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
    let Some((first, others)) = sinks.split_first_mut() else { return Ok(()) };
    let (mut block, mut next) = (Vec::new(), Vec::new());
    let mut at = fill(bytes, 0, &mut block)?;
    while !block.is_empty() {
        if at == bytes.length() && (others.is_empty() || block.len() < BLOCK) {
            first.take(&block);
            others.iter_mut().for_each(|sink| sink.take(&block));
            return Ok(());
        }
        let shown = block.as_slice();
        at = std::thread::scope(|scope| {
            let reading = scope.spawn(|| fill(bytes, at, &mut next));
            for sink in others.iter_mut() {
                scope.spawn(|| sink.take(shown));
            }
            first.take(shown);
            reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })?;
        std::mem::swap(&mut block, &mut next);
    }
    Ok(())
}

/// The block at `at`, empty at the end; where the one after it begins.
fn fill(bytes: &dyn Bytes, at: u64, block: &mut Vec<u8>) -> io::Result<u64> {
    let rest = bytes.length().saturating_sub(at);
    let length = usize::try_from(rest).unwrap_or(BLOCK).min(BLOCK);
    block.resize(length, 0);
    bytes.read_at(at, block)?;
    Ok(at.saturating_add(u64::try_from(length).unwrap_or(rest)))
}

#[cfg(test)]
mod tests {
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
            pass(&bytes, &mut [&mut alone]).unwrap();
            assert_eq!(alone.digest(), file.digest(), "{length}");
        }
    }
}
