// SPDX-License-Identifier: Apache-2.0
//! Where proven bytes are written: a slot per path, with its final owner and mode, without its name.
//!
//! Small files are made, written and closed in one go, so that twenty thousand need no more handles
//! than the workers are many; longer ones stay open until their last byte is there.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustix::fs::{
    AtFlags, Gid, Mode, OFlags, Uid, chownat, fchmod, fchown, fsync, mkdirat, openat2, symlinkat,
};
use rustix::io::Errno;

use super::FEW;
use super::folder::StageFolder;
use crate::beneath::BENEATH;
use crate::contents::Sink;
use crate::error::{Code, Refusal};
use crate::journal::Inode;
use crate::plan::{Content, FOLDER_MODE, Outcome, Placement, Plan};
use crate::target::{Ids, Node, refused};

/// A file that is not whole yet.
struct Open {
    file: File,
    written: AtomicU64,
}

/// The slots of a plan.
pub(super) struct Slots<'a> {
    plan: &'a Plan,
    folders: &'a [Option<StageFolder>],
    /// Payload entry → the placements that want its bytes.
    wanted: HashMap<usize, Vec<usize>>,
    open: Mutex<HashMap<usize, Arc<Open>>>,
    done: Vec<OnceLock<Inode>>,
    sync_each: bool,
}

impl<'a> Slots<'a> {
    pub(super) fn new(plan: &'a Plan, folders: &'a [Option<StageFolder>]) -> Self {
        let mut wanted: HashMap<usize, Vec<usize>> = HashMap::new();
        let mut count = 0;
        for (at, placement) in plan.placements.iter().enumerate() {
            if placement.outcome == Outcome::Unchanged {
                continue;
            }
            count += 1;
            if let Content::File { entry, .. } = placement.content {
                wanted.entry(entry).or_default().push(at);
            }
        }
        Self {
            plan,
            folders,
            wanted,
            open: Mutex::default(),
            done: (0..plan.placements.len()).map(|_| OnceLock::new()).collect(),
            sync_each: count <= FEW,
        }
    }

    fn folder(&self, placement: &Placement) -> Result<BorrowedFd<'a>, Refusal> {
        let folder = self.folders.get(placement.disk).and_then(Option::as_ref);
        folder.map(StageFolder::handle).ok_or_else(|| lost(placement))
    }

    fn make(&self, at: usize) -> Result<File, Refusal> {
        let placement = &self.plan.placements[at];
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened =
            openat2(self.folder(placement)?, at.to_string(), flags, Mode::RUSR | Mode::WUSR, BENEATH);
        opened.map(File::from).map_err(|errno| refused(&placement.path, errno))
    }

    /// The file is whole: gives it owner and mode, and takes down what it is known by.
    fn close(&self, at: usize, file: &File, mode: u32) -> Result<(), Refusal> {
        let placement = &self.plan.placements[at];
        let node = own(file, placement.owner, mode)
            .and_then(|()| if self.sync_each { fsync(file) } else { Ok(()) })
            .and_then(|()| Node::of(file))
            .map_err(|errno| denied(placement, errno))?;
        if self.done[at].set(Inode::of(&node)).is_err() {
            return Err(lost(placement));
        }
        Ok(())
    }

    fn put_at(&self, at: usize, offset: u64, bytes: &[u8]) -> Result<(), Refusal> {
        let placement = &self.plan.placements[at];
        let Content::File { size, mode, .. } = placement.content else { return Ok(()) };
        let written = |error: std::io::Error| Refusal::writing(placement.path.as_str(), &error);
        if bytes.len() as u64 == size {
            let file = self.make(at)?;
            file.write_all_at(bytes, 0).map_err(written)?;
            return self.close(at, &file, mode);
        }
        let open = self.open(at)?;
        open.file.write_all_at(bytes, offset).map_err(written)?;
        let added = bytes.len() as u64;
        if open.written.fetch_add(added, Ordering::AcqRel) + added == size {
            self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&at);
            self.close(at, &open.file, mode)?;
        }
        Ok(())
    }

    fn open(&self, at: usize) -> Result<Arc<Open>, Refusal> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(there) = open.get(&at) {
            return Ok(there.clone());
        }
        let made = Arc::new(Open { file: self.make(at)?, written: AtomicU64::new(0) });
        open.insert(at, made.clone());
        Ok(made)
    }

    /// Once everything is proven: links, folders and files without a byte. Every slot is then filled.
    pub(super) fn finish(self) -> Result<Vec<Option<Inode>>, Refusal> {
        for (at, placement) in self.plan.placements.iter().enumerate() {
            if placement.outcome == Outcome::Unchanged {
                continue;
            }
            match &placement.content {
                Content::File { size: 0, mode, .. } if self.done[at].get().is_none() => {
                    self.close(at, &self.make(at)?, *mode)?;
                }
                Content::File { .. } => {}
                Content::Link { target } => self.link(at, placement, target)?,
                Content::Folder => self.make_folder(at, placement)?,
            }
            if self.done[at].get().is_none() {
                return Err(lost(placement));
            }
        }
        Ok(self.done.into_iter().map(OnceLock::into_inner).collect())
    }

    fn link(&self, at: usize, placement: &Placement, target: &str) -> Result<(), Refusal> {
        let (folder, slot) = (self.folder(placement)?, at.to_string());
        let made = || {
            symlinkat(target, folder, &*slot)?;
            let node = Node::named(folder, &slot)?.ok_or(Errno::NOENT)?;
            let (uid, gid) = change(&node, placement.owner);
            if uid.is_some() || gid.is_some() {
                chownat(folder, &*slot, uid, gid, AtFlags::SYMLINK_NOFOLLOW)?;
            }
            Ok(Inode::of(&node))
        };
        let inode = made().map_err(|errno| denied(placement, errno))?;
        self.done[at].set(inode).map_err(|_| lost(placement))
    }

    fn make_folder(&self, at: usize, placement: &Placement) -> Result<(), Refusal> {
        let (folder, slot) = (self.folder(placement)?, at.to_string());
        let made = || {
            mkdirat(folder, &*slot, Mode::RWXU)?;
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let handle = openat2(folder, &*slot, flags, Mode::empty(), BENEATH)?;
            own(&handle, placement.owner, FOLDER_MODE)?;
            if self.sync_each {
                fsync(&handle).or_else(super::folder::may_not_sync)?;
            }
            Ok(Inode::of(&Node::of(&handle)?))
        };
        let inode = made().map_err(|errno| denied(placement, errno))?;
        self.done[at].set(inode).map_err(|_| lost(placement))
    }
}

impl Sink for Slots<'_> {
    fn put(&self, entry: usize, offset: u64, bytes: &[u8]) -> Result<(), Refusal> {
        let Some(wanted) = self.wanted.get(&entry) else { return Ok(()) };
        wanted.iter().try_for_each(|at| self.put_at(*at, offset, bytes))
    }
}

/// Owner first: giving a file away clears bits of its mode.
fn own(file: impl AsFd, owner: Ids, mode: u32) -> Result<(), Errno> {
    let file = file.as_fd();
    let (uid, gid) = change(&Node::of(file)?, owner);
    if uid.is_some() || gid.is_some() {
        fchown(file, uid, gid)?;
    }
    fchmod(file, Mode::from_raw_mode(mode))
}

fn change(node: &Node, owner: Ids) -> (Option<Uid>, Option<Gid>) {
    let uid = (node.uid != owner.uid).then(|| Uid::from_raw(owner.uid));
    let gid = (node.gid != owner.gid).then(|| Gid::from_raw(owner.gid));
    (uid, gid)
}

fn denied(placement: &Placement, errno: Errno) -> Refusal {
    if errno == Errno::PERM {
        let Ids { uid, gid } = placement.owner;
        return Refusal::new(Code::Permission, placement.path.as_str(), "cannot be given to its owner")
            .expected(format!("user {uid}, group {gid}"))
            .found(errno);
    }
    refused(&placement.path, errno)
}

fn lost(placement: &Placement) -> Refusal {
    Refusal::new(Code::IoError, placement.path.as_str(), "did not arrive whole in the stage")
}
