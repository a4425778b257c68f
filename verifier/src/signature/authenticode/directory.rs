// SPDX-License-Identifier: Apache-2.0
//! The directory of a compound file (MS-CFB 2.6): entries in; the tree of storages and streams out, in the
//! order in which a signature covers them.

use std::cmp::Ordering;

use super::fields::{Fields, index, malformed};
use super::sectors::{Header, Sectors};
use crate::signature::{Reason, Stop};

/// Entries of a directory, 128 bytes each in memory: installers have some hundreds.
pub const MAX_DIRECTORY_ENTRIES: usize = 65_536;
/// Storages within storages: installers have one or two levels (transforms of patches).
pub const MAX_STORAGE_DEPTH: usize = 32;

/// One entry (MS-CFB 2.6.1).
const ENTRY: usize = 128;
/// No entry (MS-CFB 2.6.1, `NOSTREAM`).
const NONE: u32 = 0xffff_ffff;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Storage,
    Stream,
    Root,
}

/// One entry, as it stands in the file.
pub(super) struct Entry<'a>(&'a [u8]);

impl<'a> Entry<'a> {
    pub(super) fn kind(&self) -> Result<Kind, Stop> {
        match Fields(self.0).u8(66)? {
            1 => Ok(Kind::Storage),
            2 => Ok(Kind::Stream),
            5 => Ok(Kind::Root),
            other => Err(malformed(format!("a directory entry of kind {other}"))),
        }
    }

    /// UTF-16LE without the zero that ends it.
    pub(super) fn name(&self) -> Result<&'a [u8], Stop> {
        let length = usize::from(Fields(self.0).u16(64)?);
        let name = Fields(self.0).bytes(0, length.saturating_sub(2))?;
        let terminated = length.is_multiple_of(2)
            && (2..=64).contains(&length)
            && Fields(self.0).u16(length.saturating_sub(2))? == 0
            && !units(name).any(|unit| unit == 0);
        if terminated { Ok(name) } else { Err(malformed("a directory entry without a proper name")) }
    }

    pub(super) fn class(&self) -> Result<&'a [u8], Stop> {
        Fields(self.0).bytes(80, 16)
    }

    pub(super) fn state(&self) -> Result<&'a [u8], Stop> {
        Fields(self.0).bytes(96, 4)
    }

    /// Of creation and of change.
    pub(super) fn times(&self) -> Result<&'a [u8], Stop> {
        Fields(self.0).bytes(100, 16)
    }

    pub(super) fn start(&self) -> Result<u32, Stop> {
        Fields(self.0).u32(116)
    }

    /// The lower half of the length, as it stands there.
    pub(super) fn length_bytes(&self) -> Result<&'a [u8], Stop> {
        Fields(self.0).bytes(120, 4)
    }

    fn link(&self, at: usize) -> Result<Option<u32>, Stop> {
        Ok(Some(Fields(self.0).u32(at)?).filter(|link| *link != NONE))
    }
}

/// A step through the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Into a storage.
    Enter(u32),
    /// A stream.
    Stream(u32),
    /// Out of a storage, behind its children.
    Leave(u32),
}

/// The directory's entries.
pub(super) struct Directory {
    entries: Vec<[u8; ENTRY]>,
    version: u16,
}

impl Directory {
    /// Reads all entries, and tells `sectors` where the mini stream lies.
    pub(super) fn read(sectors: &mut Sectors<'_>, header: &Header) -> Result<Self, Stop> {
        let mut entries = Vec::new();
        sectors.each_sector(header.directory, "the directory", &mut |sector| {
            entries.extend_from_slice(sector.as_chunks::<ENTRY>().0);
            if entries.len() > MAX_DIRECTORY_ENTRIES {
                let note = format!("more than {MAX_DIRECTORY_ENTRIES} directory entries");
                return Err(Stop::found(Reason::LimitExceeded, note));
            }
            Ok(())
        })?;
        let directory = Self { entries, version: header.version };
        let root = directory.entry(0)?;
        if root.kind()? != Kind::Root {
            return Err(malformed("the directory does not begin with the root"));
        }
        sectors.set_mini_stream(root.start()?, directory.length(&root)?)?;
        Ok(directory)
    }

    /// The entry of a number.
    pub(super) fn entry(&self, number: u32) -> Result<Entry<'_>, Stop> {
        let entry = self.entries.get(index(number)).map(|entry| Entry(entry));
        entry.ok_or_else(|| malformed(format!("there is no directory entry {number}")))
    }

    /// A stream's length. In version 3 the upper half may hold anything (MS-CFB 2.6.1).
    pub(super) fn length(&self, entry: &Entry<'_>) -> Result<u64, Stop> {
        let length = Fields(entry.0).u64(120)?;
        Ok(if self.version == 3 { length & u64::from(u32::MAX) } else { length })
    }

    /// Every storage and stream once. Children come in the order of the bytes of their names, a shorter one
    /// before a longer one that begins with it (osslsigncode and files of Microsoft agree): not the order
    /// of the tree, which is by length and then by upper-case letters (MS-CFB 2.6.4).
    pub(super) fn steps(&self) -> Result<Vec<Step>, Stop> {
        let mut visited = vec![false; self.entries.len()];
        let mut steps = Vec::new();
        self.walk(0, 0, &mut visited, &mut steps)?;
        let lost = self.entries.iter().zip(&visited).filter(|(entry, seen)| !**seen && kind(*entry) != 0);
        match lost.count() {
            0 => Ok(steps),
            lost => Err(malformed(format!("{lost} directory entries that no storage holds"))),
        }
    }

    fn walk(
        &self,
        storage: u32,
        depth: usize,
        visited: &mut [bool],
        steps: &mut Vec<Step>,
    ) -> Result<(), Stop> {
        if depth > MAX_STORAGE_DEPTH {
            let note = format!("more than {MAX_STORAGE_DEPTH} storages within each other");
            return Err(Stop::found(Reason::LimitExceeded, note));
        }
        steps.push(Step::Enter(storage));
        let mut children = Vec::new();
        for child in self.children(storage, visited)? {
            children.push((self.entry(child)?.name()?, child));
        }
        children.sort_unstable();
        for (_, child) in children {
            match self.entry(child)?.kind()? {
                Kind::Stream => steps.push(Step::Stream(child)),
                Kind::Storage => self.walk(child, depth.saturating_add(1), visited, steps)?,
                Kind::Root => return Err(malformed("a root within a storage")),
            }
        }
        steps.push(Step::Leave(storage));
        Ok(())
    }

    /// A storage's children in the order of their tree, which must be that of MS-CFB 2.6.4: what looks for a
    /// name goes by it, and would find others than what goes through all.
    fn children(&self, storage: u32, visited: &mut [bool]) -> Result<Vec<u32>, Stop> {
        let mut visit = |number: u32| match visited.get_mut(index(number)) {
            Some(seen) if !*seen => {
                *seen = true;
                Ok(())
            }
            _ => Err(malformed(format!("directory entry {number} does not exist, or stands in two places"))),
        };
        if storage == 0 {
            visit(0)?;
        }
        let mut ordered: Vec<u32> = Vec::new();
        let mut above = Vec::new();
        let mut next = self.entry(storage)?.link(76)?;
        loop {
            while let Some(number) = next {
                visit(number)?;
                above.push(number);
                next = self.entry(number)?.link(68)?;
            }
            let Some(number) = above.pop() else { return Ok(ordered) };
            let entry = self.entry(number)?;
            if entry.kind()? == Kind::Stream && entry.link(76)?.is_some() {
                return Err(malformed("a stream that has children"));
            }
            if let Some(before) = ordered.last()
                && compare(self.entry(*before)?.name()?, entry.name()?) != Ordering::Less
            {
                return Err(malformed("a directory whose names are not in order, or stand there twice"));
            }
            ordered.push(number);
            next = entry.link(72)?;
        }
    }
}

fn kind(entry: &[u8; ENTRY]) -> u8 {
    Fields(entry).u8(66).unwrap_or(0)
}

fn units(name: &[u8]) -> impl Iterator<Item = u16> {
    name.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit))
}

/// MS-CFB 2.6.4: the shorter first, then by simple upper-case letters.
fn compare(one: &[u8], other: &[u8]) -> Ordering {
    one.len().cmp(&other.len()).then_with(|| units(one).map(upper).cmp(units(other).map(upper)))
}

fn upper(unit: u16) -> u16 {
    let Some(letter) = char::from_u32(unit.into()) else { return unit };
    let mut letters = letter.to_uppercase();
    match (letters.next().and_then(|letter| u16::try_from(u32::from(letter)).ok()), letters.next()) {
        (Some(upper), None) => upper,
        _ => unit,
    }
}
