// SPDX-License-Identifier: Apache-2.0
//! The folder beneath which a bundle is installed: `/`, or the one that `--root` names.
//!
//! Everything on the target is reached from one open handle, downwards and through no link. Paths are
//! absolute as in the manifest; `/` is the target's own root.

mod known;
mod lock;
mod owner;

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::OnceLock;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, StatxFlags, openat2, readlinkat, statx};
use rustix::io::Errno;

use manifests::name::{is_beneath, is_control_or_bidi};

use crate::beneath::BENEATH;
use crate::error::{Code, Refusal};
use crate::trust::state::StateFolder;
use lock::Held;

pub(crate) use known::KnownFolder;
pub(crate) use owner::{Ids, Passwd, installing_user};

/// The longest text of a symbolic link (Linux' `PATH_MAX`).
const LINK_BYTES: usize = 4096;

/// An open root directory.
pub struct Target {
    handle: OwnedFd,
    path: String,
    /// Where the verifier's own state lies on it: no bundle goes there.
    own: Vec<String>,
    held: OnceLock<Held>,
}

/// Which file system something lies on, and by which mount it was reached: a rename crosses neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    device: (u32, u32),
    mount: u64,
}

impl Place {
    /// The device number, as the journal writes it.
    pub(crate) const fn device(self) -> u64 {
        (self.device.0 as u64) << 32 | self.device.1 as u64
    }
}

/// What was found at a path. Two looks are equal only if nothing was changed in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) kind: FileType,
    /// Permission bits, those that lend rights included.
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) inode: u64,
    pub(crate) size: u64,
    pub(crate) place: Place,
    /// When it was made; none where the file system does not keep that.
    born: Option<(u64, u32)>,
    modified: (i64, u32),
    changed: (i64, u32),
}

impl Node {
    /// Looks at what a handle holds.
    pub(crate) fn of(handle: impl AsFd) -> Result<Self, Errno> {
        Self::at(handle.as_fd(), "", AtFlags::EMPTY_PATH)
    }

    /// Looks at a name in a folder; a link is looked at itself.
    pub(crate) fn named(folder: impl AsFd, name: &str) -> Result<Option<Self>, Errno> {
        match Self::at(folder.as_fd(), name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(node) => Ok(Some(node)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    fn at(folder: BorrowedFd<'_>, name: &str, flags: AtFlags) -> Result<Self, Errno> {
        let facts = StatxFlags::BASIC_STATS | StatxFlags::MNT_ID | StatxFlags::BTIME;
        let found = statx(folder, name, flags, facts)?;
        let told = |fact: StatxFlags| found.stx_mask & fact.bits() != 0;
        let mode = u32::from(found.stx_mode);
        // No document holds a time before 1970.
        let born = u64::try_from(found.stx_btime.tv_sec).ok().filter(|_| told(StatxFlags::BTIME));
        Ok(Self {
            kind: FileType::from_raw_mode(mode),
            mode: mode & 0o7777,
            uid: found.stx_uid,
            gid: found.stx_gid,
            inode: found.stx_ino,
            size: found.stx_size,
            place: Place {
                device: (found.stx_dev_major, found.stx_dev_minor),
                mount: if told(StatxFlags::MNT_ID) { found.stx_mnt_id } else { 0 },
            },
            born: born.map(|seconds| (seconds, found.stx_btime.tv_nsec)),
            modified: (found.stx_mtime.tv_sec, found.stx_mtime.tv_nsec),
            changed: (found.stx_ctime.tv_sec, found.stx_ctime.tv_nsec),
        })
    }

    /// In words.
    pub(crate) const fn describe(&self) -> &'static str {
        describe(self.kind)
    }
}

pub(crate) const fn describe(kind: FileType) -> &'static str {
    match kind {
        FileType::RegularFile => "a file",
        FileType::Directory => "a folder",
        FileType::Symlink => "a symbolic link",
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        _ => "something unknown",
    }
}

impl Target {
    /// Opens `/`, or the folder that the user named: a link there is the user's own choice.
    pub fn open(root: Option<&Path>) -> Result<Self, Refusal> {
        let path = root.unwrap_or(Path::new("/"));
        let name = path.display().to_string();
        let refused = |error: std::io::Error| Refusal::argument(&name, &error);
        let canonical = std::fs::canonicalize(path).map_err(refused)?;
        // The journal names the target: no document holds such characters, and a path that is not
        // UTF-8 would be named like any other that differs in those bytes alone.
        let plain = canonical.to_str().filter(|text| !text.chars().any(is_control_or_bidi));
        let Some(plain) = plain else {
            return Err(Refusal::new(
                Code::Usage,
                canonical.to_string_lossy(),
                "has a control or bidirectional character in its path, or is not UTF-8",
            )
            .hint("install into a folder with a plain name"));
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle =
            rustix::fs::open(&canonical, flags, Mode::empty()).map_err(|errno| refused(errno.into()))?;
        Ok(Self { handle, path: plain.to_owned(), own: Vec::new(), held: OnceLock::new() })
    }

    /// The same target, of which a state folder and the install lock are kept out of any bundle's reach.
    #[must_use]
    pub fn keeping(mut self, state: &StateFolder) -> Self {
        // A state folder that is not there yet has nothing to keep.
        let folder = std::fs::canonicalize(state.path()).unwrap_or_else(|_| state.path().to_owned());
        for own in [folder, lock::run_lock()] {
            let inside = own.strip_prefix(&self.path).ok().and_then(Path::to_str);
            self.own.extend(inside.map(|inside| format!("/{inside}")));
        }
        self
    }

    /// Whether a path on the target is the verifier's own, or beneath it.
    pub(crate) fn is_own(&self, path: &str) -> bool {
        self.own.iter().any(|own| is_beneath(path, own))
    }

    /// Where it lies, absolute.
    pub fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn handle(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }

    /// Keeps every other install away from this target and this state, until the target is dropped.
    pub(crate) fn hold(&self, state: &StateFolder) -> Result<(), Refusal> {
        if self.held.get().is_some() {
            return Ok(());
        }
        let held = Held::take(self, state)?;
        // Only one thread installs, so nobody else can have set it.
        let _ = self.held.set(held);
        Ok(())
    }

    /// Looks at a path; none where nothing is there. A link or a file on the way is refused by name.
    pub(crate) fn look(&self, path: &str) -> Result<Option<Node>, Refusal> {
        match self.peek(path)? {
            Some(handle) => Node::of(&handle).map(Some).map_err(|errno| refused(path, errno)),
            None => Ok(None),
        }
    }

    fn peek(&self, path: &str) -> Result<Option<OwnedFd>, Refusal> {
        self.reach(path, OFlags::PATH | OFlags::NOFOLLOW)
    }

    fn reach(&self, path: &str, flags: OFlags) -> Result<Option<OwnedFd>, Refusal> {
        let opened = openat2(&self.handle, relative(path), flags | OFlags::CLOEXEC, Mode::empty(), BENEATH);
        match opened {
            Ok(handle) => Ok(Some(handle)),
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::LOOP | Errno::NOTDIR | Errno::XDEV) => Err(self.in_the_way(path)),
            Err(errno) => Err(refused(path, errno)),
        }
    }

    /// Whether a program whose root this target is would find something at a path: through links, which lead nowhere
    /// outside. Not for what is read or written.
    pub(crate) fn has(&self, path: &str) -> Result<bool, Refusal> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let inside = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        match openat2(&self.handle, relative(path), flags, Mode::empty(), inside) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(false),
            Err(errno) => Err(refused(path, errno)),
        }
    }

    /// Names the first part of a path that is no folder.
    fn in_the_way(&self, path: &str) -> Refusal {
        let ends = path.match_indices('/').map(|(at, _)| at).skip(1).chain([path.len()]);
        for end in ends {
            let part = &path[..end];
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let Ok(handle) = openat2(&self.handle, relative(part), flags, Mode::empty(), BENEATH) else {
                break;
            };
            match Node::of(&handle) {
                Ok(node) if node.kind == FileType::Directory => {}
                Ok(node) => return unsafe_target(part, "a folder", node.describe()),
                Err(_) => break,
            }
        }
        unsafe_target(path, "a path of folders", "a link or a file on the way")
    }

    /// Opens a folder to work in it.
    pub(crate) fn folder(&self, path: &str) -> Result<Option<OwnedFd>, Refusal> {
        self.reach(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW)
    }

    /// Opens a file to read it; none where there is no file.
    pub(crate) fn file(&self, path: &str) -> Result<Option<File>, Refusal> {
        // NONBLOCK: a FIFO must not hold us up before we see what it is.
        let opened = self.reach(path, OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK)?;
        Ok(opened.map(File::from))
    }

    /// What a symbolic link says.
    pub(crate) fn link(&self, path: &str) -> Result<Option<String>, Refusal> {
        let Some(handle) = self.peek(path)? else { return Ok(None) };
        let text =
            readlinkat(&handle, "", Vec::with_capacity(LINK_BYTES)).map_err(|errno| refused(path, errno))?;
        Ok(text.into_string().ok())
    }
}

/// A path below the target's root, as the system calls want it.
pub(crate) fn relative(path: &str) -> &str {
    match path.trim_start_matches('/') {
        "" => ".",
        below => below,
    }
}

/// A path's folder and its name there; the folder of `/a` is `/`.
pub(crate) fn split(path: &str) -> (&str, &str) {
    match path.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some(parts) => parts,
        None => ("/", path),
    }
}

pub(crate) fn refused(path: &str, errno: Errno) -> Refusal {
    Refusal::writing(path, &errno.into())
}

/// Something is where it must not be.
pub(crate) fn unsafe_target(path: &str, expected: &str, found: &str) -> Refusal {
    Refusal::new(Code::UnsafeTarget, path, "is not what it must be on the target")
        .expected(expected)
        .found(found)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// Whatever was planned: a link may come at any moment.
    #[test]
    fn no_link_on_the_way_is_followed() {
        let scratch = tempfile::tempdir().unwrap();
        let (root, outside) = (scratch.path().join("root"), scratch.path().join("outside"));
        for folder in [root.join("there"), outside.clone()] {
            std::fs::create_dir_all(folder.join("inner")).unwrap();
            std::fs::write(folder.join("inner/a"), "a").unwrap();
        }
        let target = Target::open(Some(&root)).unwrap();
        assert!(target.folder("/there/inner").unwrap().is_some());
        for (name, to) in [("out", outside.as_path()), ("in", Path::new("there"))] {
            symlink(to, root.join(name)).unwrap();
            let link = format!("/{name}");
            for refusal in [
                target.folder(&format!("{link}/inner")).map(drop).unwrap_err(),
                target.file(&format!("{link}/inner/a")).map(drop).unwrap_err(),
                target.look(&format!("{link}/inner")).map(drop).unwrap_err(),
                target.folder(&link).map(drop).unwrap_err(),
            ] {
                assert_eq!((refusal.code, &*refusal.subject), (Code::UnsafeTarget, &*link), "{refusal}");
            }
        }
        assert_eq!(target.folder("/../outside").map(drop).unwrap_err().code, Code::UnsafeTarget);
    }
}
