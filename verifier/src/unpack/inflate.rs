// SPDX-License-Identifier: Apache-2.0
//! Deflate streams (RFC 1951), read as they come: in go bytes of any source, out come plain ones.
//!
//! Proven at the end: the stream ended by itself. Whether bytes follow, and what their sum is, is the
//! business of the format around it.

use std::io::{self, BufRead};

use flate2::{Decompress, FlushDecompress, Status};

use super::{Fault, Rule, length};

/// One deflate stream.
pub(super) struct Inflate {
    stream: Decompress,
    ended: bool,
}

impl Inflate {
    /// Before the first byte.
    pub(super) fn new() -> Self {
        Self { stream: Decompress::new(false), ended: false }
    }

    /// Packed bytes that were used so far.
    pub(super) fn packed(&self) -> u64 {
        self.stream.total_in()
    }

    /// Fills some of `into`; 0 when the stream has ended.
    pub(super) fn read(&mut self, from: &mut impl BufRead, into: &mut [u8]) -> io::Result<usize> {
        while !self.ended && !into.is_empty() {
            let packed = from.fill_buf()?;
            let (before_in, before_out) = (self.stream.total_in(), self.stream.total_out());
            let at_end = packed.is_empty();
            let status = self
                .stream
                .decompress(packed, into, FlushDecompress::None)
                .map_err(|_| Fault::new(Rule::Structure, "not a deflate stream, or a damaged one"))?;
            let used = self.stream.total_in().saturating_sub(before_in);
            let made = self.stream.total_out().saturating_sub(before_out);
            from.consume(usize::try_from(used).unwrap_or(usize::MAX));
            self.ended = status == Status::StreamEnd;
            if made > 0 {
                return Ok(usize::try_from(made).unwrap_or(usize::MAX));
            }
            if !self.ended && used == 0 {
                let what = if at_end {
                    "the deflate stream is cut short"
                } else {
                    "the deflate stream stands still"
                };
                return Err(Fault::new(Rule::Structure, what).into());
            }
        }
        Ok(0)
    }

    /// Once more from the front, for the next stream.
    pub(super) fn reset(&mut self) {
        self.stream.reset(false);
        self.ended = false;
    }
}

/// CRC-32 and length of plain bytes, as zip and gzip both keep them.
#[derive(Debug)]
pub(super) struct Sum {
    crc: flate2::Crc,
    length: u64,
}

impl Sum {
    pub(super) fn new() -> Self {
        Self { crc: flate2::Crc::new(), length: 0 }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.crc.update(bytes);
        // The library's own count is of 32 bits.
        self.length = self.length.saturating_add(length(bytes.len()));
    }

    pub(super) fn crc(&self) -> u32 {
        self.crc.sum()
    }

    pub(super) const fn length(&self) -> u64 {
        self.length
    }
}
