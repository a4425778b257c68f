// SPDX-License-Identifier: Apache-2.0
//! Small files of a flat package, for what people want to know of it: a XAR archive in; names, and the content
//! of some, out. Their lengths and checksums are held; who signed is [`check`](super::package::check)'s business.

use super::fields::malformed;
use super::toc::{self, Encoding, Toc};
use super::{heap, xar};
use crate::bytes::{Bytes, Part, Sequential};
use crate::signature::{Reason, Stop};

/// A package whose table of contents was read.
pub struct Members<'a> {
    file: &'a dyn Bytes,
    heap: u64,
    toc: Toc,
}

impl<'a> Members<'a> {
    /// Reads the table.
    pub fn open(file: &'a dyn Bytes) -> Result<Self, Stop> {
        let xar = xar::open(file)?;
        Ok(Self { file, heap: xar.heap, toc: toc::parse(&xar.text)? })
    }

    /// Paths of the files, in the order of the table.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.toc.members.iter().map(|member| member.path.as_str())
    }

    /// When the package was made, as the table says it.
    pub fn created(&self) -> Option<&str> {
        self.toc.created.as_deref()
    }

    /// The content of a file, of at most `limit` bytes; none where there is no such file, or where it is
    /// encoded in a way that is not read here.
    pub fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, Stop> {
        let Some(member) = self.toc.members.iter().find(|member| member.path == path) else {
            return Ok(None);
        };
        let data = &member.data;
        if data.size > limit || data.range.length > limit {
            let note = format!("{path}: {} bytes, where {limit} are read", data.size);
            return Err(Stop::found(Reason::LimitExceeded, note));
        }
        let start = self.heap.checked_add(data.range.start);
        let part = start.and_then(|start| Part::new(self.file, start, data.range.length));
        let part = part.ok_or_else(|| malformed(format!("{path} lies beyond the end of the file")))?;
        heap::require(&part, member)?;
        let mut content = Vec::new();
        match data.encoding {
            Encoding::Stored => {
                std::io::Read::read_to_end(&mut Sequential::new(&part), &mut content)?;
            }
            Encoding::Zlib => {
                xar::inflate(&mut Sequential::new(&part), |block| {
                    content.extend_from_slice(block);
                    Ok(())
                })?;
            }
            Encoding::Other(_) => return Ok(None),
        }
        Ok(Some(content))
    }
}
