// SPDX-License-Identifier: Apache-2.0
//! All digests of a file in one pass: pieces in, in the order that a format covers them; digests out.
//!
//! SHA-256 is always among them, for the report says what was covered by it. What a signature needs beside
//! it runs on a thread of its own.

use std::ops::Range;

use manifests::digest::Sha256Digest;

use super::fields::{fill, index, size};
use super::pages::Pages;
use crate::bytes::Bytes;
use crate::hash::Kernel;
use crate::hash::sha256::Midstate;
use crate::signature::Stop;
use crate::signature::digest::{Algorithm, Digest};

/// Large enough that starting a thread for it costs nothing, small enough to stay in the cache.
const BLOCK: usize = 1024 * 1024;

/// Digests that are being computed over the same bytes.
pub(super) struct Hashes {
    kernel: Kernel,
    sha256: Midstate,
    others: Vec<(Algorithm, Digest)>,
    pages: Vec<Option<Pages>>,
    /// Short pieces wait here until they fill a block.
    waiting: Vec<u8>,
}

/// Finished digests.
pub(super) struct Digests {
    /// Of all bytes that were fed.
    pub(super) sha256: Sha256Digest,
    others: Vec<(Algorithm, Vec<u8>)>,
    /// The page hashes of each signature, compared.
    pub(super) pages: Vec<Option<Pages>>,
}

impl Digests {
    /// The digest by `algorithm`, where it was asked for.
    pub(super) fn by(&self, algorithm: Algorithm) -> Option<&[u8]> {
        if algorithm == Algorithm::Sha256 {
            return Some(self.sha256.as_bytes());
        }
        self.others.iter().find(|(other, _)| *other == algorithm).map(|(_, digest)| digest.as_slice())
    }
}

impl Hashes {
    /// Digests by `algorithms` and SHA-256, and `pages` to compare on the way.
    pub(super) fn new(algorithms: &[Algorithm], pages: Vec<Option<Pages>>) -> Self {
        let mut others: Vec<Algorithm> = algorithms.to_vec();
        others.sort_unstable();
        others.dedup();
        others.retain(|algorithm| *algorithm != Algorithm::Sha256);
        let others = others.into_iter().map(|algorithm| (algorithm, algorithm.start())).collect();
        Self { kernel: Kernel::detect(), sha256: Midstate::EMPTY, others, pages, waiting: Vec::new() }
    }

    /// The algorithms in use.
    pub(super) fn algorithms(&self) -> Vec<Algorithm> {
        let others = self.others.iter().map(|(algorithm, _)| *algorithm);
        others.chain([Algorithm::Sha256]).collect()
    }

    /// What only the digest by `algorithm` begins with.
    pub(super) fn begin_with(&mut self, algorithm: Algorithm, bytes: &[u8]) {
        if algorithm == Algorithm::Sha256 {
            self.sha256.update(self.kernel, bytes);
        }
        for (_, digest) in self.others.iter_mut().filter(|(other, _)| *other == algorithm) {
            digest.update(bytes);
        }
    }

    /// A range of the file, read in blocks.
    pub(super) fn range(&mut self, file: &dyn Bytes, range: Range<u64>) -> Result<(), Stop> {
        let length = range.end.saturating_sub(range.start);
        if length < size(BLOCK / 16) && self.pages.iter().all(Option::is_none) {
            let held = self.waiting.len();
            self.waiting.resize(held.saturating_add(index(length)), 0);
            fill(file, range.start, self.waiting.get_mut(held..).unwrap_or_default(), "content")?;
            self.flush_full();
            return Ok(());
        }
        self.flush();
        let mut block = vec![0; BLOCK.min(index(length))];
        let mut at = range.start;
        while at < range.end {
            let take = index(range.end.saturating_sub(at)).min(BLOCK);
            let block = block.get_mut(..take).unwrap_or_default();
            fill(file, at, block, "content")?;
            for pages in self.pages.iter_mut().flatten() {
                pages.update(at, block);
            }
            self.update(block);
            at = at.saturating_add(size(take));
        }
        Ok(())
    }

    /// Bytes at hand.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
        self.flush_full();
    }

    /// The digests of everything.
    pub(super) fn finish(mut self) -> Digests {
        self.flush();
        let others = self.others.into_iter().map(|(algorithm, digest)| (algorithm, digest.finish()));
        let sha256 = self.sha256.digest();
        Digests { sha256, others: others.collect(), pages: self.pages }
    }

    fn flush_full(&mut self) {
        if self.waiting.len() >= BLOCK {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let mut waiting = std::mem::take(&mut self.waiting);
        self.update(&waiting);
        waiting.clear();
        self.waiting = waiting;
    }

    fn update(&mut self, block: &[u8]) {
        let Self { kernel, sha256, others, .. } = self;
        if others.is_empty() {
            return sha256.update(*kernel, block);
        }
        std::thread::scope(|scope| {
            for (_, digest) in others.iter_mut() {
                scope.spawn(|| digest.update(block));
            }
            sha256.update(*kernel, block);
        });
    }
}
