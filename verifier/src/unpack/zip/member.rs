// SPDX-License-Identifier: Apache-2.0
//! The bytes of one entry, proven at their end: size and CRC are those of the headers.

use std::io::{self, BufReader, Read};

use super::header::{Central, Method};
use crate::bytes::Bytes;
use crate::unpack::inflate::{Inflate, Sum};
use crate::unpack::{Fault, Rule};

/// What is read ahead of the packed bytes.
const BUFFER_BYTES: usize = 64 * 1024;

/// The plain bytes of one entry. They count only once a read has returned 0.
pub struct Member<'a> {
    from: BufReader<Packed<'a>>,
    inflate: Option<Inflate>,
    sum: Sum,
    crc: u32,
    packed: u64,
    plain: u64,
}

/// Packed bytes between two places of the file.
struct Packed<'a> {
    file: &'a dyn Bytes,
    at: u64,
    end: u64,
}

impl Read for Packed<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let into = into.get_mut(..rest.min(into.len())).unwrap_or_default();
        self.file.read_at(self.at, into)?;
        self.at = self.at.saturating_add(crate::unpack::length(into.len()));
        Ok(into.len())
    }
}

impl<'a> Member<'a> {
    pub(super) fn new(file: &'a dyn Bytes, central: &Central, data: u64) -> Self {
        let end = data.saturating_add(central.packed);
        // Most entries are short, and an archive has many.
        let buffer = usize::try_from(central.packed).unwrap_or(BUFFER_BYTES).clamp(1, BUFFER_BYTES);
        Self {
            from: BufReader::with_capacity(buffer, Packed { file, at: data, end }),
            inflate: match central.method {
                Method::Stored => None,
                Method::Deflated => Some(Inflate::new()),
            },
            sum: Sum::new(),
            crc: central.crc,
            packed: central.packed,
            plain: central.plain,
        }
    }

    fn end(&self) -> Result<(), Fault> {
        let used = self.inflate.as_ref().map_or(self.sum.length(), Inflate::packed);
        if used != self.packed {
            let note = format!("{} packed bytes, of which {used} are used", self.packed);
            return Err(Fault::new(Rule::Unowned, note));
        }
        if self.sum.length() != self.plain {
            let note = format!("unpacks to {} bytes, its headers say {}", self.sum.length(), self.plain);
            return Err(Fault::new(Rule::Contradiction, note));
        }
        if self.sum.crc() != self.crc {
            return Err(Fault::new(Rule::Checksum, "the CRC-32 does not fit the content"));
        }
        Ok(())
    }
}

impl Read for Member<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        let count = match &mut self.inflate {
            None => self.from.read(into)?,
            Some(inflate) => inflate.read(&mut self.from, into)?,
        };
        if count == 0 {
            self.end()?;
            return Ok(0);
        }
        self.sum.update(into.get(..count).unwrap_or_default());
        if self.sum.length() > self.plain {
            let note = format!("unpacks to more than the {} bytes that its headers say", self.plain);
            return Err(Fault::new(Rule::Contradiction, note).into());
        }
        Ok(count)
    }
}
