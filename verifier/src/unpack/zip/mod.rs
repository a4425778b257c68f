// SPDX-License-Identifier: Apache-2.0
//! Zip files (PKWARE's APPNOTE 6.3), stored and deflated entries.
//!
//! In: bytes that can be read anywhere. [`Archive::open`] proves all that stands around the content: the
//! central directory and the local headers say the same, each byte of the file belongs to exactly one entry
//! or record, names and links stay in the folder. [`Member`] proves an entry's content as it streams out,
//! [`Archive::prove`] that of all.
//!
//! Readers go by the front, by the back, or by both; what they could see differently is refused.

mod end;
mod extra;
mod fields;
mod header;
mod member;

use std::io::{BufReader, Read};

use super::name::{Ending, EntryName, target};
use super::tree::{MAX_NAMES_BYTES, SameDirectory, Tree};
use super::{Bound, Entry, EntryKind, Error, Fault, MAX_TARGET_BYTES, Rule};
use crate::bytes::{Bytes, Part, Sequential, read_full};
pub use end::begins as has_magic;
use header::Central;
pub use member::Member;

/// Plain bytes that are handed on at once.
const BLOCK_BYTES: usize = 256 * 1024;

/// A zip whose structure is proven.
pub struct Archive<'a> {
    file: &'a dyn Bytes,
    entries: Vec<Entry>,
    /// For each entry its header, and where its packed bytes begin.
    places: Vec<(Central, u64)>,
}

impl<'a> Archive<'a> {
    /// Reads everything but the content.
    pub fn open(file: &'a dyn Bytes, bound: Bound) -> Result<Self, Error> {
        let directory = end::locate(file)?;
        end::check_count(&directory)?;
        let part = Part::new(file, directory.start, directory.size)
            .ok_or_else(|| Fault::new(Rule::Structure, "the central directory lies beyond the end"))?;
        let mut from = BufReader::with_capacity(64 * 1024, Sequential::new(&part));
        let (mut centrals, mut names) = (Vec::new(), Vec::new());
        let (mut at, mut total, mut name_bytes) = (0_u64, 0_u64, 0_usize);
        for _ in 0..directory.entries {
            let (central, raw, size) = header::central(&mut from, at)?;
            at = at.saturating_add(size);
            let name = EntryName::new(&raw)?;
            bound.check(total, central.plain, central.packed).map_err(|fault| fault.of(&name.path))?;
            total = total.saturating_add(central.plain);
            name_bytes = name_bytes.saturating_add(raw.len());
            if name_bytes > MAX_NAMES_BYTES {
                return Err(
                    Fault::new(Rule::Limit, format!("more than {MAX_NAMES_BYTES} bytes of names")).into()
                );
            }
            centrals.push(central);
            names.push(name);
        }
        if at != directory.size {
            let note = format!(
                "{} bytes in the central directory belong to no entry",
                directory.size.saturating_sub(at)
            );
            return Err(Fault::new(Rule::Unowned, note).into());
        }
        let starts = local_headers(file, directory.start, &part, &centrals, &names)?;
        let places: Vec<(Central, u64)> = centrals.into_iter().zip(starts).collect();
        let mut tree = Tree::new(SameDirectory::Refused);
        for ((central, data), name) in places.iter().zip(names) {
            let shown = name.path.clone();
            tree.insert(entry(file, central, *data, name).map_err(|error| said_of(error, &shown))?)?;
        }
        Ok(Self { file, entries: tree.finish()?, places })
    }

    /// The entries, in the order of the central directory.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The first entry that readers from the front may take other bytes for than readers of the central
    /// directory do.
    pub fn ambiguous_from_the_front(&self) -> Option<&Entry> {
        let at = self.places.iter().position(|(central, _)| central.has_no_end_from_the_front())?;
        self.entries.get(at)
    }

    /// The content of the entry of this number; none where there is no such entry.
    pub fn member(&self, number: usize) -> Option<Member<'a>> {
        let (central, data) = self.places.get(number)?;
        Some(Member::new(self.file, central, *data))
    }

    /// Reads all content; `watch` sees that of the entry of number `watched` on the way.
    pub fn prove(&self, watched: Option<usize>, watch: &mut dyn FnMut(&[u8])) -> Result<(), Error> {
        let mut block = vec![0; BLOCK_BYTES];
        for (number, entry) in self.entries.iter().enumerate() {
            let Some(mut member) = self.member(number) else { continue };
            let ignore: &mut dyn FnMut(&[u8]) = &mut |_| {};
            let watch: &mut dyn FnMut(&[u8]) = if watched == Some(number) { &mut *watch } else { ignore };
            show(&mut member, &mut block, watch).map_err(|error| said_of(error, &entry.path))?;
        }
        Ok(())
    }
}

fn show(from: &mut dyn Read, block: &mut [u8], watch: &mut dyn FnMut(&[u8])) -> Result<(), Error> {
    loop {
        match read_full(from, block)? {
            0 => return Ok(()),
            count => watch(block.get(..count).unwrap_or_default()),
        }
    }
}

/// Compares every local header with its central one, in the order of the file, so that no byte is left over
/// and none is used twice. Returns where each entry's packed bytes begin.
fn local_headers(
    file: &dyn Bytes,
    end: u64,
    directory: &Part<'_>,
    centrals: &[Central],
    names: &[EntryName],
) -> Result<Vec<u64>, Error> {
    let mut order: Vec<(u64, usize)> =
        centrals.iter().enumerate().map(|(number, central)| (central.local_at, number)).collect();
    order.sort_unstable();
    let first = order.first().map_or(end, |(at, _)| *at);
    if first != 0 {
        let note = format!("{first} bytes before the first entry belong to none");
        return Err(Fault::new(Rule::Unowned, note).into());
    }
    let nexts = order.iter().skip(1).map(|(at, _)| *at).chain([end]);
    let mut starts = vec![0; centrals.len()];
    let mut raw = Vec::new();
    for ((_, number), next) in order.iter().zip(nexts) {
        let (Some(central), Some(name), Some(start)) =
            (centrals.get(*number), names.get(*number), starts.get_mut(*number))
        else {
            continue;
        };
        raw.resize(central.name_length, 0);
        directory.read_at(central.name_at, &mut raw)?;
        *start = header::local(file, central, &raw, next).map_err(|error| said_of(error, &name.path))?;
    }
    Ok(starts)
}

/// What an entry is: by the type in its Unix mode where it has one, else by the slash at the end of its name.
fn entry(file: &dyn Bytes, central: &Central, data: u64, name: EntryName) -> Result<Entry, Error> {
    const TYPE: u32 = 0o170_000;
    const REGULAR: u32 = 0o100_000;
    const DIRECTORY: u32 = 0o040_000;
    const SYMLINK: u32 = 0o120_000;
    // Systems whose attributes know a folder by this bit: FAT, OS/2, NTFS, VFAT.
    const FOLDER_BIT: u32 = 0x10;
    let dos = matches!(central.host, 0 | 6 | 10 | 11 | 14);
    // Readers look there whatever the host is.
    let mode = central.attributes >> 16;
    let kind = match (mode & TYPE, name.ending) {
        (0 | DIRECTORY, Ending::Slash) => EntryKind::Directory,
        (0, Ending::Plain) if dos && central.attributes & FOLDER_BIT != 0 => {
            return Err(
                Fault::new(Rule::Contradiction, "a folder by its attributes, none by its name").into()
            );
        }
        (0 | REGULAR, Ending::Plain) => EntryKind::File,
        (SYMLINK, Ending::Plain) => EntryKind::Symlink(link_target(file, central, data)?.into()),
        (0 | REGULAR | DIRECTORY | SYMLINK, _) => {
            let note = "a folder by its name and none by its mode, or the other way round";
            return Err(Fault::new(Rule::Contradiction, note).into());
        }
        (other, _) => {
            let note = format!("a device, FIFO or socket (mode {other:o})");
            return Err(Fault::new(Rule::Special, note).into());
        }
    };
    if kind == EntryKind::Directory && central.plain != 0 {
        return Err(Fault::new(Rule::Contradiction, "a folder with content").into());
    }
    let size = if kind == EntryKind::File { central.plain } else { 0 };
    let mode = Some(mode & 0o7777).filter(|_| mode != 0);
    Ok(Entry { path: name.path, kind, size, mode })
}

/// The target of a symbolic link is its content.
fn link_target(file: &dyn Bytes, central: &Central, data: u64) -> Result<String, Error> {
    if central.plain > MAX_TARGET_BYTES {
        let note = format!("a link with a target of {} bytes, more than {MAX_TARGET_BYTES}", central.plain);
        return Err(Fault::new(Rule::Limit, note).into());
    }
    let mut bytes = Vec::new();
    Member::new(file, central, data).read_to_end(&mut bytes)?;
    Ok(target(&bytes)?.to_owned())
}

fn said_of(error: Error, path: &str) -> Error {
    match error {
        Error::Fault(fault) => Error::Fault(fault.of(path)),
        Error::Read(error) => Error::Read(error),
    }
}
