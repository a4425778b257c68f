// SPDX-License-Identifier: Apache-2.0
//! Lock files: one writer at a time.
//!
//! A lock file belongs to whoever takes it and nobody else may open it, so that no other user can hold
//! it to keep an administrator out. It is removed again by whoever holds it; one that was removed or
//! replaced while we waited at its door is not taken for the lock.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use rustix::fs::{
    AtFlags, FileType, FlockOperation, Mode, OFlags, Stat, flock, fstat, openat, statat, unlinkat,
};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::state::StateFolder;
use crate::error::{Code, Refusal};

/// The lock's name in a state folder.
const STATE_LOCK: &str = ".lock";

/// A lock, given back when this is dropped.
#[derive(Debug)]
pub struct Held {
    folder: OwnedFd,
    name: &'static str,
    file: OwnedFd,
    /// A state folder that was made for the lock: it goes again, unless something came to lie in it.
    made: Option<PathBuf>,
}

impl StateFolder {
    /// Keeps every other verifier from writing here. Refused where there is no state folder.
    pub fn lock(&self) -> Result<Held, Refusal> {
        let name = self.path().display().to_string();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = match rustix::fs::open(self.path(), flags, Mode::empty()) {
            Ok(folder) => folder,
            Err(Errno::NOENT) => {
                return Err(Refusal::new(Code::NoTrustRoot, name, "holds no trust root yet"));
            }
            Err(errno) => {
                return Err(Refusal::new(Code::StateUnreadable, name, "cannot be read").found(errno));
            }
        };
        let path = self.path().join(STATE_LOCK).display().to_string();
        Held::take(folder, STATE_LOCK, &path)
    }

    /// The same for `trust init`, which may be the first to come here.
    pub fn lock_new(&self) -> Result<Held, Refusal> {
        let there = self.path().exists();
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(self.path())
            .map_err(|error| Refusal::writing(self.path().display().to_string(), &error))?;
        let mut held = self.lock()?;
        held.made = (!there).then(|| self.path().to_owned());
        Ok(held)
    }
}

impl Held {
    /// Takes the lock file of this name in a folder; `path` is what it is called in a refusal.
    pub(crate) fn take(folder: OwnedFd, name: &'static str, path: &str) -> Result<Self, Refusal> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let refused = |errno: Errno| Refusal::writing(path, &errno.into());
        loop {
            let file = match openat(&folder, name, flags, Mode::RUSR | Mode::WUSR) {
                Ok(file) => file,
                Err(Errno::LOOP) => return Err(no_lock(path, "a symbolic link")),
                // Whoever made the folder for its lock has removed it between our opening both.
                Err(Errno::NOENT) => return Err(busy(path)),
                Err(errno) => return Err(refused(errno)),
            };
            let ours = fstat(&file).map_err(refused)?;
            require_private(&ours, path)?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => return Err(busy(path)),
                Err(errno) => return Err(refused(errno)),
            }
            match statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(named) if (named.st_dev, named.st_ino) == (ours.st_dev, ours.st_ino) => {
                    return Ok(Self { folder, name, file, made: None });
                }
                // The one before us removed it between our opening and our locking: take the next.
                Ok(_) | Err(Errno::NOENT) => {}
                Err(errno) => return Err(refused(errno)),
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Left behind, it hinders nobody: the next one takes it.
        let _ = unlinkat(&self.folder, self.name, AtFlags::empty());
        if let Some(made) = &self.made {
            // Not empty: the state came to lie in it.
            let _ = fs::remove_dir(made);
        }
        // Said aloud: a child that another thread is just starting has the handle too, until it becomes
        // another program.
        let _ = flock(self.file.as_fd(), FlockOperation::Unlock);
    }
}

/// Where another user may open the file, that user can hold it for ever.
fn require_private(file: &Stat, path: &str) -> Result<(), Refusal> {
    let mode = file.st_mode & 0o7777;
    if FileType::from_raw_mode(file.st_mode) != FileType::RegularFile {
        return Err(no_lock(path, "something else"));
    }
    if file.st_uid == geteuid().as_raw() && mode & 0o077 == 0 {
        return Ok(());
    }
    Err(no_lock(path, &format!("a file of user {} with mode {mode:04o}", file.st_uid)))
}

fn no_lock(path: &str, found: &str) -> Refusal {
    Refusal::new(Code::UnsafeTarget, path, "is no lock file of ours")
        .expected(format!("nothing, or a file of user {} with mode 0600", geteuid().as_raw()))
        .found(found)
        .hint("see that no install of that user is at work, then remove the file")
}

fn busy(path: &str) -> Refusal {
    Refusal::new(Code::Busy, path, "is held by another verifier")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    fn state() -> (tempfile::TempDir, StateFolder) {
        let scratch = tempfile::tempdir().unwrap();
        let folder = StateFolder::new(scratch.path().join("a/state"));
        (scratch, folder)
    }

    #[test]
    fn a_held_state_is_busy_and_a_dropped_one_leaves_nothing() {
        let (_scratch, state) = state();
        assert_eq!(state.lock().unwrap_err().code, Code::NoTrustRoot);
        let held = state.lock_new().unwrap();
        let facts = fs::metadata(state.path().join(STATE_LOCK)).unwrap();
        assert_eq!((facts.mode() & 0o7777, facts.uid()), (0o600, geteuid().as_raw()));
        assert_eq!(state.lock().unwrap_err().code, Code::Busy);
        assert_eq!(state.lock_new().unwrap_err().code, Code::Busy);
        drop(held);
        assert!(!state.path().exists());

        let held = state.lock_new().unwrap();
        fs::write(state.path().join("root.json"), b"").unwrap();
        drop(held);
        let left: Vec<_> =
            fs::read_dir(state.path()).unwrap().map(|item| item.unwrap().file_name()).collect();
        assert_eq!(left, ["root.json"]);
        drop(state.lock().unwrap());
    }

    #[test]
    fn whoever_may_read_the_folder_cannot_hold_the_lock() {
        let (_scratch, state) = state();
        let held = state.lock_new().unwrap();
        fs::write(state.path().join("root.json"), b"").unwrap();
        drop(held);
        // What any user can do with a folder of mode 0755.
        let folder = fs::File::open(state.path()).unwrap();
        flock(&folder, FlockOperation::NonBlockingLockExclusive).unwrap();
        drop(state.lock().unwrap());
    }

    #[test]
    fn a_lock_file_that_others_may_open_is_refused() {
        let (_scratch, state) = state();
        fs::create_dir_all(state.path()).unwrap();
        let path = state.path().join(STATE_LOCK);
        symlink("/nowhere", &path).unwrap();
        assert_eq!(state.lock().unwrap_err().code, Code::UnsafeTarget);
        fs::remove_file(&path).unwrap();
        fs::write(&path, b"").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(state.lock().unwrap_err().code, Code::UnsafeTarget);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        if geteuid().is_root() {
            std::os::unix::fs::chown(&path, Some(4242), None).unwrap();
            let refusal = state.lock().unwrap_err();
            assert_eq!(refusal.found.as_deref(), Some("a file of user 4242 with mode 0600"), "{refusal}");
            std::os::unix::fs::chown(&path, Some(0), None).unwrap();
        }
        // One that a crash left is taken.
        drop(state.lock().unwrap());
        assert!(!path.exists());
    }
}
