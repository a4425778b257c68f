// SPDX-License-Identifier: Apache-2.0
//! Numbers at given places of headers: bytes in, numbers out, nothing beyond the end.

use verifier::bytes::Bytes;
use verifier::signature::{Reason, Stop};

/// The order of the bytes of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// The most significant byte first.
    Big,
    /// The least significant byte first.
    Little,
}

/// A part of a file in memory.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    order: Order,
}

impl<'a> Fields<'a> {
    pub(super) const fn new(bytes: &'a [u8], order: Order) -> Self {
        Self { bytes, order }
    }

    /// `length` bytes from `at` on.
    pub(super) fn bytes(self, at: usize, length: usize) -> Result<&'a [u8], Stop> {
        at.checked_add(length).and_then(|end| self.bytes.get(at..end)).ok_or_else(unreadable)
    }

    fn array<const N: usize>(self, at: usize) -> Result<[u8; N], Stop> {
        self.bytes(at, N)?.try_into().map_err(|_| unreadable())
    }

    pub(super) fn u16(self, at: usize) -> Result<u16, Stop> {
        let bytes = self.array(at)?;
        Ok(if self.order == Order::Big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    pub(super) fn u32(self, at: usize) -> Result<u32, Stop> {
        let bytes = self.array(at)?;
        Ok(if self.order == Order::Big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    pub(super) fn u64(self, at: usize) -> Result<u64, Stop> {
        let bytes = self.array(at)?;
        Ok(if self.order == Order::Big { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
    }
}

/// What is not of its format, or larger than what is read: the caller answers that it knows nothing.
pub(super) fn unreadable() -> Stop {
    Stop::found(Reason::FileMalformed, "not read")
}

/// `length` bytes of a file, at most `limit` of them.
pub(super) fn block(file: &dyn Bytes, at: u64, length: u64, limit: u64) -> Result<Vec<u8>, Stop> {
    let inside = at.checked_add(length).is_some_and(|end| end <= file.length());
    let Some(length) = usize::try_from(length).ok().filter(|_| inside && length <= limit) else {
        return Err(unreadable());
    };
    let mut bytes = vec![0; length];
    file.read_at(at, &mut bytes)?;
    Ok(bytes)
}

/// A number in a file as an index into memory: one that is out of reach anyway where it does not fit.
pub(super) fn index(number: impl TryInto<usize>) -> usize {
    number.try_into().unwrap_or(usize::MAX)
}
