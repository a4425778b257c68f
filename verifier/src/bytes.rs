// SPDX-License-Identifier: Apache-2.0
//! Bytes that can be read at any place: a file, memory, an entry of a proven bundle.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Something of a fixed length that can be read anywhere, from several threads.
pub trait Bytes: Sync {
    /// How many bytes there are.
    fn length(&self) -> u64;

    /// Fills `into` from the byte at `at`.
    ///
    /// [`io::ErrorKind::UnexpectedEof`] where that goes beyond the end; any other error is the machine's.
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()>;
}

impl Bytes for [u8] {
    fn length(&self) -> u64 {
        u64::try_from(self.len()).unwrap_or(u64::MAX)
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        let rest = usize::try_from(at).ok().and_then(|at| self.get(at..));
        let found = rest.and_then(|rest| rest.get(..into.len())).ok_or(io::ErrorKind::UnexpectedEof)?;
        into.copy_from_slice(found);
        Ok(())
    }
}

impl<B: Bytes + ?Sized> Bytes for &B {
    fn length(&self) -> u64 {
        (**self).length()
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        (**self).read_at(at, into)
    }
}

impl Bytes for Vec<u8> {
    fn length(&self) -> u64 {
        self.as_slice().length()
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        self.as_slice().read_at(at, into)
    }
}

/// A regular file, with the length that it had when it was opened.
#[derive(Debug)]
pub struct FileBytes {
    file: File,
    length: u64,
}

impl FileBytes {
    /// Takes an open file that can be read at any place.
    pub fn new(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self { file, length })
    }
}

impl Bytes for FileBytes {
    fn length(&self) -> u64 {
        self.length
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(into, at)
    }
}

/// A part of other bytes.
#[derive(Clone, Copy)]
pub struct Part<'a> {
    whole: &'a dyn Bytes,
    start: u64,
    length: u64,
}

impl<'a> Part<'a> {
    /// `length` bytes from `start` on; none where `whole` ends before.
    pub fn new(whole: &'a dyn Bytes, start: u64, length: u64) -> Option<Self> {
        (start.checked_add(length)? <= whole.length()).then_some(Self { whole, start, length })
    }
}

impl Bytes for Part<'_> {
    fn length(&self) -> u64 {
        self.length
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        let end = at.checked_add(u64::try_from(into.len()).unwrap_or(u64::MAX));
        if end.is_none_or(|end| end > self.length) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let at = self.start.checked_add(at).ok_or(io::ErrorKind::UnexpectedEof)?;
        self.whole.read_at(at, into)
    }
}

/// Reads bytes from the front to the end.
pub struct Sequential<'a> {
    bytes: &'a dyn Bytes,
    at: u64,
}

impl<'a> Sequential<'a> {
    /// From the first byte on.
    pub const fn new(bytes: &'a dyn Bytes) -> Self {
        Self { bytes, at: 0 }
    }
}

impl io::Read for Sequential<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(self.bytes.length().saturating_sub(self.at)).unwrap_or(usize::MAX);
        let count = rest.min(into.len());
        let Some(into) = into.get_mut(..count) else { return Ok(0) };
        self.bytes.read_at(self.at, into)?;
        self.at = self.at.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(count)
    }
}

/// Reads until `into` is full or the stream ends; returns how many bytes there were.
pub(crate) fn read_full(from: &mut dyn io::Read, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0_usize;
    while let Some(rest) = into.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) => break,
            Ok(count) => filled = filled.saturating_add(count.min(rest.len())),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn a_part_has_no_bytes_outside() {
        let whole = b"0123456789".to_vec();
        let part = Part::new(&whole, 2, 5).unwrap();
        let mut read = Vec::new();
        Sequential::new(&part).read_to_end(&mut read).unwrap();
        assert_eq!(read, b"23456");
        let mut two = [0; 2];
        part.read_at(3, &mut two).unwrap();
        assert_eq!(&two, b"56");
        assert_eq!(part.read_at(4, &mut two).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert!(part.read_at(u64::MAX, &mut two).is_err());
        assert!(Part::new(&whole, 6, 5).is_none() && Part::new(&whole, u64::MAX, 2).is_none());
    }
}
