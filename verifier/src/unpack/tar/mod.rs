// SPDX-License-Identifier: Apache-2.0
//! Tar files: v7, ustar, pax, GNU and star, read front to back.
//!
//! In: the file as a stream, which may come out of a [gzip](super::gzip). [`prove`] reads it to its last
//! byte and gives its entries; [`Proven::unpack`] reads it once more and hands each entry's content out.
//! Twice, because only the last entry tells whether the first may be unpacked.

mod header;
mod pax;

use std::io::{self, BufReader, Read};

use super::name::{Ending, EntryName, target};
use super::tree::{SameDirectory, Tree};
use super::{Bound, Entry, EntryKind, Error, Fault, MAX_TARGET_BYTES, Rule, drain, fault, length};
use crate::bytes::read_full;
pub use header::begins as has_magic;
use header::{BLOCK, Header};
pub use pax::MAX_EXTENDED_BYTES;
use pax::{Extended, Scope};

/// What is read ahead: headers are short.
const BUFFER_BYTES: usize = 64 * 1024;

/// The entries of a tar that was read to its end.
#[derive(Debug)]
pub struct Proven {
    entries: Vec<Entry>,
}

/// Reads a tar to its end.
pub fn prove(from: &mut dyn Read, bound: Bound) -> Result<Proven, Error> {
    let mut tree = Tree::new(SameDirectory::Allowed);
    let mut total = 0_u64;
    walk(from, &mut |entry, content| {
        bound.check(total, entry.size, entry.size).map_err(|fault| fault.of(&entry.path))?;
        total = total.saturating_add(entry.size);
        tree.insert(entry.clone())?;
        drain(content)?;
        Ok(())
    })?;
    Ok(Proven { entries: tree.finish()? })
}

impl Proven {
    /// The entries, in the order of the archive.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Reads the same tar again, and shows `visit` each entry with its content, which it may leave unread.
    /// A stream that has become another one is an error of the machine.
    pub fn unpack(
        &self,
        from: &mut dyn Read,
        visit: &mut dyn FnMut(&Entry, &mut dyn Read) -> io::Result<()>,
    ) -> Result<(), Error> {
        let changed = || io::Error::other("the archive has changed since it was checked");
        let mut expected = self.entries.iter();
        walk(from, &mut |entry, content| {
            if expected.next() != Some(entry) {
                return Err(changed().into());
            }
            visit(entry, content)?;
            drain(content)?;
            Ok(())
        })?;
        if expected.next().is_some() { Err(changed().into()) } else { Ok(()) }
    }
}

type Visit<'a> = &'a mut dyn FnMut(&Entry, &mut dyn Read) -> Result<(), Error>;

/// Every entry with its content, up to the end of the stream. `visit` reads the content to its end.
fn walk(from: &mut dyn Read, visit: Visit<'_>) -> Result<(), Error> {
    let from: &mut dyn Read = &mut BufReader::with_capacity(BUFFER_BYTES, from);
    let mut extended = Extended::default();
    let mut first = true;
    while let Some(block) = next_block(from, first)? {
        first = false;
        let header = Header::read(&block)?;
        match header.kind {
            b'x' => {
                let records = small(from, &header)?;
                extended.pax(&records, Scope::NextEntry)?;
            }
            b'g' if extended.is_pending() => {
                let note = "a pax header for all entries between an entry and its own extended header";
                return Err(Fault::new(Rule::Contradiction, note).into());
            }
            b'g' => {
                let records = small(from, &header)?;
                Extended::default().pax(&records, Scope::AllEntries)?;
            }
            kind @ (b'L' | b'K') => {
                let name = small(from, &header)?;
                extended.gnu(kind, &name)?;
            }
            _ => {
                let entry = entry(std::mem::take(&mut extended).apply(header)?)?;
                content(from, &entry, visit)?;
            }
        }
    }
    if extended.is_pending() {
        return Err(Fault::new(Rule::Structure, "an extended header without an entry").into());
    }
    // The blocks of zeros up to the record's end: whatever else stands there, some reader would read.
    let mut rest = vec![0; 64 * 1024];
    loop {
        match read_full(from, &mut rest)? {
            0 => return Ok(()),
            count if rest.iter().take(count).all(|byte| *byte == 0) => {}
            _ => return Err(Fault::new(Rule::Unowned, "bytes after the end that are not zero").into()),
        }
    }
}

/// The next header, or none at the two blocks of zeros that end a tar.
fn next_block(from: &mut dyn Read, first: bool) -> Result<Option<[u8; BLOCK]>, Error> {
    let mut block = [0; BLOCK];
    let cut = || {
        let what = if first {
            "not a tar: too short"
        } else {
            "cut short: the two blocks that end a tar are missing"
        };
        Error::from(Fault::new(Rule::Structure, what))
    };
    if read_full(from, &mut block)? < BLOCK {
        return Err(cut());
    }
    if block != [0; BLOCK] {
        return Ok(Some(block));
    }
    if read_full(from, &mut block)? < BLOCK {
        return Err(cut());
    }
    if block != [0; BLOCK] {
        return Err(Fault::new(Rule::Structure, "a single block of zeros, and a tar ends with two").into());
    }
    Ok(None)
}

/// The content of an extended header.
fn small(from: &mut dyn Read, header: &Header) -> Result<Vec<u8>, Error> {
    if header.size > MAX_EXTENDED_BYTES {
        let note = format!("an extended header of {} bytes, more than {MAX_EXTENDED_BYTES}", header.size);
        return Err(Fault::new(Rule::Limit, note).into());
    }
    let mut bytes = Vec::new();
    let mut content = Content { from, rest: header.size, padding: padding(header.size) };
    content.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn content(from: &mut dyn Read, entry: &Entry, visit: Visit<'_>) -> Result<(), Error> {
    let mut content = Content { from, rest: entry.size, padding: padding(entry.size) };
    visit(entry, &mut content)
}

/// What fills an entry's last block.
fn padding(size: u64) -> u64 {
    size.checked_next_multiple_of(length(BLOCK)).map_or(0, |end| end.saturating_sub(size))
}

/// What a header amounts to.
fn entry(header: Header) -> Result<Entry, Fault> {
    let shown = String::from_utf8_lossy(&header.name).into_owned();
    let name = EntryName::new(&header.name)?;
    let hardlink = || -> Result<EntryKind, Fault> {
        let target = EntryName::new(&header.link).map_err(|fault| Fault { rule: Rule::Link, ..fault });
        Ok(EntryKind::Hardlink(target.map_err(|fault| fault.of(&shown))?.path))
    };
    let kind = match header.kind {
        // Before there was a kind for folders, a slash told them. `0` is of a later time.
        0 if name.ending == Ending::Slash => EntryKind::Directory,
        0 | b'0' | b'7' if name.ending != Ending::Plain => {
            return Err(
                Fault::new(Rule::Contradiction, "a folder by its name, a file by its kind").of(&shown)
            );
        }
        0 | b'0' | b'7' => EntryKind::File,
        b'1' => hardlink()?,
        b'2' => EntryKind::Symlink(symlink(&header.link).map_err(|fault| fault.of(&shown))?.into()),
        b'5' => EntryKind::Directory,
        b'3' | b'4' | b'6' => return Err(Fault::new(Rule::Special, "a device or FIFO").of(&shown)),
        b'S' => return Err(Fault::new(Rule::Special, "a sparse file").of(&shown)),
        other => {
            let note =
                format!("an entry of kind `{}`, which is not unpacked", char::from(other).escape_debug());
            return Err(Fault::new(Rule::Special, note).of(&shown));
        }
    };
    if header.size != 0 && kind != EntryKind::File {
        let note = "a link or folder with content: where the next header stands depends on the reader";
        return Err(Fault::new(Rule::Contradiction, note).of(&shown));
    }
    Ok(Entry { path: name.path, kind, size: header.size, mode: Some(header.mode) })
}

fn symlink(link: &[u8]) -> Result<&str, Fault> {
    if length(link.len()) > MAX_TARGET_BYTES {
        return fault(Rule::Limit, format!("a link with a target of more than {MAX_TARGET_BYTES} bytes"));
    }
    target(link)
}

/// The content of one entry; at its end its padding is passed over.
struct Content<'a> {
    from: &'a mut dyn Read,
    rest: u64,
    padding: u64,
}

impl Read for Content<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        let cut = || io::Error::from(Fault::new(Rule::Structure, "the file ends within an entry"));
        if self.rest == 0 {
            let mut padding = [0; BLOCK];
            let count = usize::try_from(std::mem::take(&mut self.padding)).unwrap_or(BLOCK);
            let padding = padding.get_mut(..count).unwrap_or_default();
            return if read_full(self.from, padding)? < padding.len() { Err(cut()) } else { Ok(0) };
        }
        let most = usize::try_from(self.rest).unwrap_or(usize::MAX).min(into.len());
        match self.from.read(into.get_mut(..most).unwrap_or_default())? {
            0 => Err(cut()),
            count => {
                self.rest = self.rest.saturating_sub(length(count));
                Ok(count)
            }
        }
    }
}
