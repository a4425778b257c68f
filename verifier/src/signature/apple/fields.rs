// SPDX-License-Identifier: Apache-2.0
//! Numbers out of headers: bytes in, one field after another out, nothing beyond the end.

use crate::signature::{Reason, Stop};

/// The order of the bytes of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// The most significant byte first.
    Big,
    /// The least significant byte first.
    Little,
}

/// The rest of a header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
    order: Order,
    /// What is read, for the message.
    what: &'static str,
}

impl<'a> Fields<'a> {
    /// All of `bytes`.
    pub(super) const fn new(bytes: &'a [u8], order: Order, what: &'static str) -> Self {
        Self { rest: bytes, order, what }
    }

    /// The next `count` bytes.
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Stop> {
        let Some((taken, rest)) = self.rest.split_at_checked(count) else {
            return Err(malformed(format!(
                "{} ends too early: {count} more bytes were wanted, {} are there",
                self.what,
                self.rest.len()
            )));
        };
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N)?);
        Ok(bytes)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Stop> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Stop> {
        let bytes = self.array()?;
        Ok(if self.order == Order::Big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    pub(super) fn u32(&mut self) -> Result<u32, Stop> {
        let bytes = self.array()?;
        Ok(if self.order == Order::Big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    pub(super) fn u64(&mut self) -> Result<u64, Stop> {
        let bytes = self.array()?;
        Ok(if self.order == Order::Big { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
    }
}

/// A file, or a structure in it, that is not of its format.
pub(super) fn malformed(note: impl Into<String>) -> Stop {
    Stop::found(Reason::FileMalformed, note)
}

/// A number of bytes in memory as one in a file.
pub(super) fn as_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// A number out of a 32-bit field as an index. One that does not fit lies beyond anything in memory.
pub(super) fn as_index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
