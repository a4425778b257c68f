// SPDX-License-Identifier: Apache-2.0
//! Fields of fixed place and size, little-endian, as all three file formats write them.

use std::io;

use crate::bytes::Bytes;
use crate::signature::{Reason, Stop};

/// A file that is not what its format says.
pub(super) fn malformed(note: impl Into<String>) -> Stop {
    Stop::found(Reason::FileMalformed, note)
}

/// `length` bytes from `at` on; `what` names them where the file ends before.
pub(super) fn read(file: &dyn Bytes, at: u64, length: usize, what: &str) -> Result<Vec<u8>, Stop> {
    let mut bytes = vec![0; length];
    fill(file, at, &mut bytes, what)?;
    Ok(bytes)
}

/// Fills `into` from `at` on; `what` names the bytes where the file ends before.
pub(super) fn fill(file: &dyn Bytes, at: u64, into: &mut [u8], what: &str) -> Result<(), Stop> {
    file.read_at(at, into).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            let wanted = at.saturating_add(size(into.len()));
            malformed(format!("{what}: wanted up to byte {wanted}, the file has {}", file.length()))
        }
        _ => Stop::Read(error),
    })
}

/// Bytes of one header.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    /// `length` bytes from `at` on.
    pub(super) fn bytes(self, at: usize, length: usize) -> Result<&'a [u8], Stop> {
        let found = at.checked_add(length).and_then(|end| self.0.get(at..end));
        found.ok_or_else(|| malformed(format!("a header of {} bytes has no byte {at}", self.0.len())))
    }

    fn array<const N: usize>(self, at: usize) -> Result<[u8; N], Stop> {
        let bytes = self.bytes(at, N)?;
        bytes.try_into().map_err(|_| malformed("a header ends within a field"))
    }

    /// One byte.
    pub(super) fn u8(self, at: usize) -> Result<u8, Stop> {
        Ok(u8::from_le_bytes(self.array(at)?))
    }

    /// Two bytes.
    pub(super) fn u16(self, at: usize) -> Result<u16, Stop> {
        Ok(u16::from_le_bytes(self.array(at)?))
    }

    /// Four bytes.
    pub(super) fn u32(self, at: usize) -> Result<u32, Stop> {
        Ok(u32::from_le_bytes(self.array(at)?))
    }

    /// Eight bytes.
    pub(super) fn u64(self, at: usize) -> Result<u64, Stop> {
        Ok(u64::from_le_bytes(self.array(at)?))
    }
}

/// A length in memory as a length in a file.
pub(super) fn size(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// A number in a file as an index into memory: one that is out of reach anyway where it does not fit.
pub(super) fn index(number: impl TryInto<usize>) -> usize {
    number.try_into().unwrap_or(usize::MAX)
}
