// SPDX-License-Identifier: Apache-2.0
//! One install at a time: a lock on the target, wherever the state lies, and one on the state.
//!
//! The lock file lies in the target (`.sealift.lock`), or in `/run` where the target is the host
//! itself. It is removed again by whoever holds it, so that a staging root is left without it; a file
//! that was removed or replaced while we waited at its door is not taken for the lock.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, flock, openat2, unlinkat};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::{Node, Target, beneath, refused, unsafe_target};
use crate::error::{Code, Refusal};
use crate::trust::state::StateFolder;

/// The lock's name in a staging root.
pub(crate) const LOCK: &str = ".sealift.lock";
/// The lock's name in `/run`.
const RUN_LOCK: &str = "sealift.lock";

/// Locks that are given back when this is dropped.
pub(super) struct Held {
    state: OwnedFd,
    _target: Option<LockFile>,
}

struct LockFile {
    folder: OwnedFd,
    name: &'static str,
    file: OwnedFd,
}

// Both say that they let go: a child that another thread is just starting has the handles too, until
// it becomes another program.
impl Drop for LockFile {
    fn drop(&mut self) {
        // Left behind, it hinders nobody: the next install takes it.
        let _ = unlinkat(&self.folder, self.name, AtFlags::empty());
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = flock(&self.state, FlockOperation::Unlock);
    }
}

impl Held {
    pub(super) fn take(target: &Target, state: &StateFolder) -> Result<Self, Refusal> {
        let state = lock_state(state)?;
        let _target = lock_target(target)?;
        Ok(Self { state, _target })
    }
}

fn lock_state(state: &StateFolder) -> Result<OwnedFd, Refusal> {
    let name = state.path().display().to_string();
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = match rustix::fs::open(state.path(), flags, Mode::empty()) {
        Ok(folder) => folder,
        Err(Errno::NOENT) => return Err(Refusal::new(Code::NoTrustRoot, name, "holds no trust root yet")),
        Err(errno) => {
            return Err(Refusal::new(Code::StateUnreadable, name, "cannot be read").found(errno));
        }
    };
    lock(&folder, &name)?;
    Ok(folder)
}

fn lock_target(target: &Target) -> Result<Option<LockFile>, Refusal> {
    if target.path() != "/" {
        let folder = target.handle().try_clone_to_owned().map_err(|error| Refusal::writing(LOCK, &error))?;
        return LockFile::take(folder, LOCK, &format!("{}/{LOCK}", target.path())).map(Some);
    }
    let path = format!("/run/{RUN_LOCK}");
    let Some(run) = target.folder("/run")? else {
        return Err(Refusal::new(Code::IoError, path, "cannot be made: there is no /run"));
    };
    match LockFile::take(run, RUN_LOCK, &path) {
        // Users cannot write to /run, and root's lock is none of theirs: their state's lock serves them.
        Err(refusal) if refusal.code == Code::Permission && !geteuid().is_root() => Ok(None),
        taken => taken.map(Some),
    }
}

impl LockFile {
    fn take(folder: OwnedFd, name: &'static str, path: &str) -> Result<Self, Refusal> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        loop {
            let file = match openat2(&folder, name, flags, Mode::RUSR | Mode::WUSR, beneath()) {
                Ok(file) => file,
                Err(Errno::LOOP) => return Err(unsafe_target(path, "a lock file", "a symbolic link")),
                Err(errno) => return Err(refused(path, errno)),
            };
            lock(&file, path)?;
            let ours = Node::of(&file).map_err(|errno| refused(path, errno))?;
            let named = Node::named(&folder, name).map_err(|errno| refused(path, errno))?;
            if named.is_some_and(|named| (named.inode, named.place) == (ours.inode, ours.place)) {
                return Ok(Self { folder, name, file });
            }
            // The one before us removed it between our opening and our locking: take the next.
        }
    }
}

fn lock(file: &impl AsFd, path: &str) -> Result<(), Refusal> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(()),
        Err(Errno::WOULDBLOCK) => Err(Refusal::new(Code::Busy, path, "is held by another install")),
        Err(errno) => Err(refused(path, errno)),
    }
}
