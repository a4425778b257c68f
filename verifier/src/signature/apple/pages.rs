// SPDX-License-Identifier: Apache-2.0
//! The code of an image against its CodeDirectories: one read, all hashes.

use std::io;

use manifests::digest::Sha256Digest;

use super::directory::{CodeDirectory, HashKind};
use super::fields::as_u64;
use crate::bytes::Bytes;
use crate::hash::Kernel;
use crate::hash::sha256::Midstate;
use crate::signature::digest::Digest;

/// Read at once: large enough that starting threads for it costs nothing.
const BLOCK: usize = 1024 * 1024;

/// What came out of hashing.
#[derive(Debug)]
pub(super) struct Pages {
    /// SHA-256 of all bytes before the code limit.
    pub(super) digest: Sha256Digest,
    /// The first page of some CodeDirectory that has another hash: which bytes, by which algorithm.
    pub(super) wrong: Option<String>,
}

/// Hashes the first bytes of `image`, up to the code limit that all `directories` share.
pub(super) fn hash(
    image: &dyn Bytes,
    code_limit: u64,
    directories: &[CodeDirectory<'_>],
) -> io::Result<Pages> {
    let kernel = Kernel::detect();
    let mut whole = Midstate::EMPTY;
    let mut runs: Vec<Run<'_>> = directories.iter().map(Run::new).collect();
    let mut buffer = vec![0; BLOCK.min(usize::try_from(code_limit).unwrap_or(BLOCK))];
    let mut at = 0_u64;
    while at < code_limit {
        let count = usize::try_from(code_limit.saturating_sub(at)).unwrap_or(BLOCK).min(buffer.len());
        let Some(block) = buffer.get_mut(..count) else { break };
        image.read_at(at, block)?;
        let block = &*block;
        std::thread::scope(|scope| {
            for run in &mut runs {
                scope.spawn(|| run.update(block));
            }
            whole.update(kernel, block);
        });
        at = at.saturating_add(as_u64(count));
    }
    let wrong = runs.into_iter().find_map(Run::finish);
    Ok(Pages { digest: whole.digest(), wrong })
}

/// The pages of one CodeDirectory, as far as they have come.
struct Run<'a> {
    hash: HashKind,
    wanted: &'a [u8],
    page_size: u64,
    page: Digest,
    /// Bytes of the present page that are hashed already.
    filled: u64,
    number: u64,
    wrong: Option<u64>,
}

impl<'a> Run<'a> {
    fn new(directory: &CodeDirectory<'a>) -> Self {
        Self {
            hash: directory.hash,
            wanted: directory.pages,
            page_size: directory.page_size.unwrap_or(u64::MAX),
            page: directory.hash.algorithm.start(),
            filled: 0,
            number: 0,
            wrong: None,
        }
    }

    fn update(&mut self, mut block: &[u8]) {
        while !block.is_empty() {
            let room = usize::try_from(self.page_size.saturating_sub(self.filled)).unwrap_or(usize::MAX);
            let (now, later) = block.split_at_checked(room).unwrap_or((block, &[]));
            self.page.update(now);
            self.filled = self.filled.saturating_add(as_u64(now.len()));
            if self.filled == self.page_size {
                self.close();
            }
            block = later;
        }
    }

    fn close(&mut self) {
        let page = std::mem::replace(&mut self.page, self.hash.algorithm.start());
        let (wanted, rest) = self.wanted.split_at_checked(self.hash.length).unwrap_or_default();
        if self.hash.kept(page.finish()) != wanted && self.wrong.is_none() {
            self.wrong = Some(self.number);
        }
        self.wanted = rest;
        self.filled = 0;
        self.number = self.number.saturating_add(1);
    }

    fn finish(mut self) -> Option<String> {
        if self.filled > 0 || !self.wanted.is_empty() {
            self.close();
        }
        if self.wrong.is_none() && !self.wanted.is_empty() {
            self.wrong = Some(self.number);
        }
        let name = self.hash.algorithm.name();
        self.wrong.map(|page| {
            let start = page.saturating_mul(self.page_size);
            format!("page {page} of the code, from byte {start} on, has another {name} than was signed")
        })
    }
}
