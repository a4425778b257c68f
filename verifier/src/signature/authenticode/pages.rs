// SPDX-License-Identifier: Apache-2.0
//! Page hashes: a table from a signature and the pages of a PE image in; whether they agree, out.
//!
//! The table (`SPC_PE_IMAGE_PAGE_HASHES`, in `SpcPeImageData`) holds for each page of 4096 bytes its offset
//! in the file and its digest, and ends with the offset of the end and zeros. Older tools write that as if the
//! last page were whole (Oracle's files of 2023 have it); the entry hashes nothing. A page is that of the headers
//! or of one section; the last of each is padded with zeros. Windows looks at the table when it maps pages
//! of protected processes, not when it verifies a file. Here both must hold.

use std::ops::Range;

use super::fields::{index, size};
use super::spc::PageTable;
use crate::signature::digest::Digest;

/// What Windows maps at once on every architecture that Authenticode knows. The alignment of an image's
/// sections may be another (a Microsoft sample has it).
pub(super) const PAGE: u64 = 4096;

/// A table that is being compared with the file's bytes, which come once, in ascending order.
pub(super) struct Pages {
    table: PageTable,
    /// In ascending order: where the page lies, and its place in the table.
    pages: Vec<(Range<u64>, usize)>,
    next: usize,
    running: Option<Digest>,
    agrees: bool,
}

impl Pages {
    /// A table that should describe these parts of the file (the headers first, then each section).
    pub(super) fn new(table: PageTable, parts: &[Range<u64>]) -> Self {
        let mut pages = Vec::new();
        for part in parts {
            let mut at = part.start;
            while at < part.end {
                let end = at.saturating_add(PAGE).min(part.end);
                pages.push((at..end, pages.len()));
                at = end;
            }
        }
        let end = parts.last().map_or(0, |part| part.end);
        let whole = pages.last().map_or(0, |(page, _)| page.start.saturating_add(PAGE));
        let described = pages.iter().all(|(page, place)| table.offset(*place) == Some(page.start))
            && table.offset(pages.len()).is_some_and(|at| at == end || at == whole)
            && table.digest(pages.len()).is_some_and(|digest| digest.iter().all(|byte| *byte == 0))
            && table.len() == pages.len().saturating_add(1);
        pages.sort_by_key(|(page, _)| page.start);
        Self { table, pages, next: 0, running: None, agrees: described }
    }

    /// Whether every page had its digest. Only after all bytes came.
    pub(super) fn agree(&self) -> bool {
        self.agrees && self.next == self.pages.len()
    }

    /// Bytes of the file from `at` on.
    pub(super) fn update(&mut self, mut at: u64, mut bytes: &[u8]) {
        while self.agrees && !bytes.is_empty() {
            let Some((page, place)) = self.pages.get(self.next).cloned() else { return };
            let skip = index(page.start.saturating_sub(at)).min(bytes.len());
            bytes = bytes.get(skip..).unwrap_or_default();
            at = at.saturating_add(size(skip));
            let take = index(page.end.saturating_sub(at)).min(bytes.len());
            let (now, rest) = bytes.split_at_checked(take).unwrap_or((bytes, &[]));
            if now.is_empty() {
                return;
            }
            let algorithm = self.table.algorithm;
            let running = self.running.get_or_insert_with(|| algorithm.start());
            running.update(now);
            bytes = rest;
            at = at.saturating_add(size(now.len()));
            if at == page.end {
                self.finish(&page, place);
            }
        }
    }

    fn finish(&mut self, page: &Range<u64>, place: usize) {
        let Some(mut digest) = self.running.take() else { return };
        let missing = PAGE.saturating_sub(page.end.saturating_sub(page.start));
        digest.update(&vec![0; index(missing)]);
        self.agrees &= self.table.digest(place) == Some(&digest.finish());
        self.next = self.next.saturating_add(1);
    }
}
