// SPDX-License-Identifier: Apache-2.0
//! What the entries of an archive amount to in a folder: no name twice, no file that is a folder, no entry
//! behind a link, no link that leads out.
//!
//! In: entries, in the order of the archive. Proven is that they can be unpacked into an empty folder on
//! any system, in that order, without touching anything outside and without one replacing another.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use super::name::{folded, shown};
use super::{Entry, EntryKind, Fault, MAX_ENTRIES, Rule, fault};

/// Files and folders that all names of an archive name together: two for each entry. Bounds memory.
pub const MAX_NODES: usize = 200_000;
/// All names and targets of an archive together: 80 bytes for each of 100,000 entries. Bounds memory.
pub const MAX_NAMES_BYTES: usize = 8 * 1024 * 1024;
/// Links that lead to links: where Linux stops (MAXSYMLINKS).
pub const MAX_LINK_HOPS: usize = 40;
/// Steps in following all links of an archive: a hundred links of the longest kind, or forty steps for each of
/// 100,000. Bounds time.
pub const MAX_LINK_STEPS: usize = 4_000_000;

/// Whether the same folder may be named twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameDirectory {
    /// Tar: writers that append do it, and every reader makes it once.
    Allowed,
    /// Zip.
    Refused,
}

/// The entries so far.
#[derive(Debug)]
pub struct Tree {
    same_directory: SameDirectory,
    /// By the number of the folder that it lies in, and the form of its name that may not occur twice there.
    nodes: HashMap<(usize, Box<str>), Node>,
    entries: Vec<Entry>,
    names: usize,
}

#[derive(Clone, Debug)]
struct Node {
    number: usize,
    /// As it was first written; none where that is the key itself.
    spelling: Option<Box<str>>,
    shape: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// A folder that only stands in front of other names.
    Implied,
    Directory,
    File,
    /// The number of the entry that holds the target.
    Symlink(usize),
}

impl Tree {
    /// No entries yet.
    pub fn new(same_directory: SameDirectory) -> Self {
        Self { same_directory, nodes: HashMap::new(), entries: Vec::new(), names: 0 }
    }

    /// Adds the next entry.
    pub fn insert(&mut self, entry: Entry) -> Result<(), Fault> {
        let target = match &entry.kind {
            EntryKind::Symlink(target) | EntryKind::Hardlink(target) => target.len(),
            EntryKind::File | EntryKind::Directory => 0,
        };
        self.names = self.names.saturating_add(entry.path.len()).saturating_add(target);
        if self.entries.len() >= MAX_ENTRIES {
            return fault(Rule::Limit, format!("more than {MAX_ENTRIES} entries"));
        }
        if self.names > MAX_NAMES_BYTES {
            return fault(Rule::Limit, format!("more than {MAX_NAMES_BYTES} bytes of names"));
        }
        let shape = match &entry.kind {
            EntryKind::File => Shape::File,
            EntryKind::Directory => Shape::Directory,
            EntryKind::Symlink(_) => Shape::Symlink(self.entries.len()),
            EntryKind::Hardlink(target) => self.earlier(&entry.path, target)?,
        };
        self.add(&entry.path, shape)?;
        self.entries.push(entry);
        Ok(())
    }

    /// Follows every link, now that all entries are known, and gives the entries out.
    pub fn finish(self) -> Result<Vec<Entry>, Fault> {
        let mut steps = 0_usize;
        for entry in &self.entries {
            let target = match &entry.kind {
                EntryKind::Symlink(target) => Some(&**target),
                // Another name of a link leads elsewhere than the first where it lies in another folder.
                EntryKind::Hardlink(first) => self.find(first).and_then(|node| self.link(node.shape)),
                EntryKind::File | EntryKind::Directory => None,
            };
            if let Some(target) = target {
                self.follow(&entry.path, target, &mut steps)?;
            }
        }
        Ok(self.entries)
    }

    fn add(&mut self, path: &str, shape: Shape) -> Result<(), Fault> {
        if path.is_empty() {
            return match shape {
                // A tar often names the folder itself.
                Shape::Directory => Ok(()),
                _ => fault(Rule::Name, "an entry in the place of the folder itself"),
            };
        }
        let mut folder = 0;
        let mut names = path.split('/').peekable();
        while let Some(name) = names.next() {
            let shape = if names.peek().is_some() { Shape::Implied } else { shape };
            folder = self.enter(folder, name, shape).map_err(|fault| fault.of(path))?;
        }
        Ok(())
    }

    /// The number of what has this name in this folder.
    fn enter(&mut self, folder: usize, name: &str, shape: Shape) -> Result<usize, Fault> {
        let known = self.nodes.len();
        let node = match self.nodes.entry((folder, folded(name).into())) {
            Slot::Vacant(_) if known >= MAX_NODES => {
                return fault(Rule::Limit, format!("more than {MAX_NODES} files and folders"));
            }
            Slot::Vacant(free) => {
                let spelling = (*free.key().1 != *name).then(|| name.into());
                // 0 is the folder that all lie in.
                let number = known.saturating_add(1);
                free.insert(Node { number, spelling, shape });
                return Ok(number);
            }
            Slot::Occupied(taken) => {
                if taken.get().spelling.as_deref().unwrap_or(&taken.key().1) != name {
                    let note = "another name differs only by upper and lower case, by how its characters are \
                                composed, or by dots and blanks at its end";
                    return fault(Rule::Name, note);
                }
                taken.into_mut()
            }
        };
        match (node.shape, shape) {
            (Shape::Implied | Shape::Directory, Shape::Implied) => {}
            (Shape::Implied, Shape::Directory) => node.shape = Shape::Directory,
            (Shape::Directory, Shape::Directory) if self.same_directory == SameDirectory::Allowed => {}
            (Shape::Symlink(_), Shape::Implied) => {
                return fault(Rule::Link, "would be written through a link of the same archive");
            }
            (Shape::File, Shape::Implied | Shape::Directory) => {
                return fault(Rule::Name, "is a file in one place and a folder in another");
            }
            (Shape::Implied | Shape::Directory, Shape::File | Shape::Symlink(_)) => {
                return fault(Rule::Name, "is a folder in one place and none in another");
            }
            _ => return fault(Rule::Name, "appears twice"),
        }
        Ok(node.number)
    }

    /// The shape of the earlier entry that a hard link names.
    fn earlier(&self, path: &str, target: &str) -> Result<Shape, Fault> {
        match self.find(target).map(|node| node.shape) {
            Some(shape @ (Shape::File | Shape::Symlink(_))) => Ok(shape),
            _ => {
                let note =
                    format!("hard link to `{}`, which is no earlier file of the archive", shown(target));
                Err(Fault::new(Rule::Link, note).of(path))
            }
        }
    }

    /// What has exactly this path.
    fn find(&self, path: &str) -> Option<&Node> {
        let mut folder = 0;
        let mut found = None;
        for name in path.split('/') {
            let key = (folder, folded(name).into_boxed_str());
            let node = self.nodes.get(&key)?;
            if node.spelling.as_deref().unwrap_or(&key.1) != name {
                return None;
            }
            folder = node.number;
            found = Some(node);
        }
        found
    }

    fn link(&self, shape: Shape) -> Option<&str> {
        let Shape::Symlink(entry) = shape else { return None };
        match &self.entries.get(entry)?.kind {
            EntryKind::Symlink(target) => Some(&**target),
            _ => None,
        }
    }

    /// Refuses a target that leaves the folder: as it is written, and when the links on its way are followed.
    fn follow(&self, path: &str, target: &str, steps: &mut usize) -> Result<(), Fault> {
        let refuse = |what: &str| {
            let note = format!("link to `{}`, which {what}", shown(target));
            Err(Fault::new(Rule::Link, note).of(path))
        };
        // Folders from the top down to where the target is read; none for one that the archive does not have.
        let mut place: Vec<Option<usize>> = Vec::new();
        let mut folder = Some(0);
        let mut names: Vec<&str> = path.split('/').collect();
        names.pop();
        for name in &names {
            folder = folder.and_then(|folder| self.child(folder, name)).map(|node| node.number);
            place.push(folder);
        }
        if climbs_out(names.len(), target) {
            return refuse("leaves the folder");
        }
        let mut rest: Vec<&str> = target.rsplit('/').collect();
        let mut hops = 0_usize;
        while let Some(name) = rest.pop() {
            *steps = steps.saturating_add(1);
            if *steps > MAX_LINK_STEPS {
                return fault(Rule::Limit, format!("more than {MAX_LINK_STEPS} steps to follow all links"));
            }
            match name {
                "" | "." => continue,
                ".." => {
                    if place.pop().is_none() {
                        return refuse("leaves the folder by way of other links");
                    }
                    continue;
                }
                _ => {}
            }
            let node = place.last().copied().unwrap_or(Some(0)).and_then(|folder| self.child(folder, name));
            if let Some(next) = node.and_then(|node| self.link(node.shape)) {
                hops = hops.saturating_add(1);
                if hops > MAX_LINK_HOPS {
                    return refuse("leads in a circle, or through more than 40 links");
                }
                rest.extend(next.rsplit('/'));
            } else {
                place.push(node.map(|node| node.number));
            }
        }
        Ok(())
    }

    fn child(&self, folder: usize, name: &str) -> Option<&Node> {
        self.nodes.get(&(folder, folded(name).into_boxed_str()))
    }
}

/// Whether a target that is read `depth` folders down leaves the top as it is written.
fn climbs_out(depth: usize, target: &str) -> bool {
    let mut depth = Some(depth);
    for name in target.split('/') {
        depth = match name {
            "" | "." => depth,
            ".." => depth.and_then(|depth| depth.checked_sub(1)),
            _ => depth.map(|depth| depth.saturating_add(1)),
        };
    }
    depth.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &str) -> Entry {
        let (path, kind) = if let Some((path, target)) = text.split_once(" -> ") {
            (path, EntryKind::Symlink(target.into()))
        } else if let Some((path, target)) = text.split_once(" = ") {
            (path, EntryKind::Hardlink(target.into()))
        } else if let Some(path) = text.strip_suffix('/') {
            (path, EntryKind::Directory)
        } else {
            (text, EntryKind::File)
        };
        Entry { path: path.into(), kind, size: 0, mode: None }
    }

    fn tree(same: SameDirectory, entries: &[&str]) -> Result<(), Rule> {
        let mut tree = Tree::new(same);
        let all = entries.iter().try_for_each(|text| tree.insert(entry(text)));
        all.and_then(|()| tree.finish().map(|_| ())).map_err(|fault| fault.rule)
    }

    fn tar(entries: &[&str]) -> Result<(), Rule> {
        tree(SameDirectory::Allowed, entries)
    }

    #[test]
    fn a_name_is_one_thing() {
        assert_eq!(tar(&["a/b", "a/", "a/c", "b"]), Ok(()));
        assert_eq!(tar(&["a/", "a/b", "a/"]), Ok(()));
        assert_eq!(tree(SameDirectory::Refused, &["a/b", "a/"]), Ok(()));
        assert_eq!(tree(SameDirectory::Refused, &["a/", "a/b", "a/"]), Err(Rule::Name));
        for clash in [
            ["a", "a"],
            ["a", "A"],
            ["Dir/x", "dir/y"],
            ["straße", "STRASSE"],
            ["u\u{308}", "ü"],
            ["a", "a."],
            ["a", "a/b"],
            ["a/b", "a"],
            ["a/", "a"],
            ["a", "a/"],
            ["a -> b", "a"],
            ["a", "a -> b"],
            ["a/", "a -> b"],
            ["a -> b", "a/"],
            ["a -> b", "a -> b"],
        ] {
            assert_eq!(tar(&clash), Err(Rule::Name), "{clash:?}");
        }
        assert_eq!(tar(&["/"]), Ok(()));
        assert_eq!(tar(&[""]), Err(Rule::Name));
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        assert_eq!(tar(&["d -> e", "e/x"]), Ok(()));
        assert_eq!(tar(&["d -> e", "d/x"]), Err(Rule::Link));
        assert_eq!(tar(&["e/", "d -> e", "d/f/"]), Err(Rule::Link));
        assert_eq!(tar(&["f", "l -> f", "h = l", "h/x"]), Err(Rule::Link));
    }

    #[test]
    fn links_stay_inside() {
        assert_eq!(tar(&["a/b/l -> ../../c", "c"]), Ok(()));
        assert_eq!(tar(&["d -> .", "l -> nowhere/yet"]), Ok(()));
        assert_eq!(tar(&["l -> ../x"]), Err(Rule::Link));
        assert_eq!(tar(&["a/l -> b/../../../x"]), Err(Rule::Link));
        // As written it stays inside; `s` leads to the top, from where `..` leaves.
        assert_eq!(tar(&["a/b/s -> ../..", "t -> a/b/s/.."]), Err(Rule::Link));
        // On some systems `S` is `s`.
        assert_eq!(tar(&["a/b/s -> ../..", "t -> a/B/S/.."]), Err(Rule::Link));
        // Following `s` it would stay inside; a reader that only looks at the words sees it leave.
        assert_eq!(tar(&["s -> a/b/c", "t -> s/../../x"]), Err(Rule::Link));
        assert_eq!(tar(&["a -> b", "b -> a"]), Err(Rule::Link));
    }

    #[test]
    fn a_hard_link_names_an_earlier_file() {
        assert_eq!(tar(&["a/f", "h = a/f", "i = h"]), Ok(()));
        for bad in [&["h = f", "f"][..], &["d/", "h = d"], &["h = h"], &["f", "h = F"], &["h = ../f"]] {
            assert_eq!(tar(bad), Err(Rule::Link), "{bad:?}");
        }
        // The second name of the link lies higher, and leads out.
        assert_eq!(tar(&["a/b/l -> ../x", "h = a/b/l"]), Err(Rule::Link));
        assert_eq!(tar(&["a/b/l -> ../x", "a/h = a/b/l"]), Ok(()));
    }

    #[test]
    fn work_and_memory_are_bounded() {
        let deep = "d/".repeat(1500);
        let mut entries: Vec<String> = (0..42).map(|n| format!("{deep}l{n} -> {deep}x")).collect();
        assert_eq!(tar(&entries.iter().map(String::as_str).collect::<Vec<_>>()), Ok(()));
        entries = (0..MAX_NODES).map(|n| format!("{n}/f")).collect();
        assert_eq!(tar(&entries.iter().map(String::as_str).collect::<Vec<_>>()), Err(Rule::Limit));
        entries = (0..=MAX_ENTRIES).map(|n| n.to_string()).collect();
        assert_eq!(tar(&entries.iter().map(String::as_str).collect::<Vec<_>>()), Err(Rule::Limit));
        let long = "x/".repeat(32_000);
        entries = (0..300).map(|n| format!("{long}{n}")).collect();
        assert_eq!(tar(&entries.iter().map(String::as_str).collect::<Vec<_>>()), Err(Rule::Limit));
        // Each goes to the next by a long way, forty times.
        let way = "./".repeat(1000);
        entries = (0..2000).map(|n| format!("l{n} -> {way}l{}", n + 1)).collect();
        entries.reverse();
        assert!(tar(&entries.iter().map(String::as_str).collect::<Vec<_>>()).is_err());
        entries = (0..4000).map(|n| format!("{n:04} -> {way}{way}x")).collect();
        assert_eq!(tar(&entries.iter().map(String::as_str).collect::<Vec<_>>()), Err(Rule::Limit));
    }
}
