// SPDX-License-Identifier: Apache-2.0
//! A private folder on a file system of the target, and whether there is room for it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, fchmod, fstat, fstatvfs, fsync, mkdirat, openat, openat2, statat,
    syncfs, unlinkat,
};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::FEW;
use crate::beneath::BENEATH;
use crate::error::{Code, Refusal};
use crate::journal::StageRecord;
use crate::plan::{Disk, Outcome, Plan};
use crate::target::{KnownFolder, Node, Target, refused};

/// An open stage folder and the folder that it lies in.
pub(crate) struct StageFolder {
    record: StageRecord,
    above: OwnedFd,
    handle: OwnedFd,
}

impl StageFolder {
    /// Makes one, as far up on the file system as this user may.
    pub(super) fn make(target: &Target, disk: &Disk, name: &str) -> Result<Self, Refusal> {
        let mut first = None;
        for KnownFolder { path: folder, .. } in &disk.folders {
            let path = format!("{}/{name}", folder.trim_end_matches('/'));
            let Some(above) = target.folder(folder)? else { continue };
            let there = Node::of(&above).map_err(|errno| refused(folder, errno))?;
            if there.place != disk.place {
                return Err(Refusal::new(Code::UnsafeTarget, folder, "was mounted or moved meanwhile"));
            }
            match mkdirat(&above, name, Mode::RWXU) {
                Ok(()) => {
                    let there = Node::of(&above).map_err(|errno| refused(folder, errno))?;
                    let folders = vec![KnownFolder::new(folder, &there)];
                    let record = StageRecord { name: name.to_owned(), folders };
                    let handle = open(above.as_fd(), name).map_err(|errno| refused(&path, errno))?;
                    // A default ACL, a set-group-id bit or a umask above may have changed it.
                    fchmod(&handle, Mode::RWXU).map_err(|errno| refused(&path, errno))?;
                    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
                    openat(&handle, MARK, flags, Mode::RUSR).map_err(|errno| refused(&path, errno))?;
                    return Ok(Self { record, above, handle });
                }
                Err(errno @ (Errno::ACCESS | Errno::PERM | Errno::ROFS)) => {
                    first.get_or_insert_with(|| refused(&path, errno));
                }
                Err(errno) => return Err(refused(&path, errno)),
            }
        }
        Err(first.unwrap_or_else(|| Refusal::new(Code::IoError, target.path(), "has no folder to stage in")))
    }

    /// Removes one that was made and could not be used.
    pub(super) fn unmake(target: &Target, disk: &Disk, name: &str) -> Result<(), Refusal> {
        for KnownFolder { path: folder, .. } in &disk.folders {
            let Some(above) = target.folder(folder)? else { continue };
            match unlinkat(&above, name, AtFlags::REMOVEDIR) {
                Ok(()) | Err(Errno::NOENT | Errno::ROFS) => {}
                Err(errno) => return Err(refused(folder, errno)),
            }
        }
        Ok(())
    }

    /// Takes up one that an interrupted install left; none where it is not found.
    pub(crate) fn find(target: &Target, record: &StageRecord) -> Result<Option<Self>, Refusal> {
        for folder in &record.folders {
            let Some(above) = target.folder(&folder.path)? else { continue };
            match open(above.as_fd(), &record.name) {
                Ok(handle) => {
                    let path = format!("{}/{}", folder.path, record.name);
                    if is_ours(&handle).map_err(|errno| refused(&path, errno))? {
                        let record = StageRecord { name: record.name.clone(), folders: vec![folder.clone()] };
                        return Ok(Some(Self { record, above, handle }));
                    }
                }
                // Something else under this name is not ours, and in nobody's way.
                Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR) => {}
                Err(errno) => return Err(refused(&format!("{}/{}", folder.path, record.name), errno)),
            }
        }
        Ok(None)
    }

    pub(crate) fn handle(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }

    pub(crate) fn record(&self) -> StageRecord {
        self.record.clone()
    }

    fn path(&self) -> String {
        let above = self.record.folders.first().map_or("", |folder| folder.path.trim_end_matches('/'));
        format!("{above}/{}", self.record.name)
    }

    /// Makes what lies in it last; files of which there are few were synced as they were written.
    pub(super) fn sync(&self, count: usize) -> Result<(), Refusal> {
        let synced = if count > FEW { syncfs(&self.handle) } else { fsync(&self.handle) };
        synced.and_then(|()| fsync(&self.above)).or_else(may_not_sync).map_err(|e| refused(&self.path(), e))
    }

    /// Syncs the whole file system.
    pub(crate) fn sync_all(&self) -> Result<(), Refusal> {
        syncfs(&self.handle).map_err(|errno| refused(&self.path(), errno))
    }

    /// Removes it with all that lies in it.
    pub(crate) fn remove(&self) -> Result<(), Refusal> {
        let failed = |errno: Errno| refused(&self.path(), errno);
        for item in Dir::read_from(&self.handle).map_err(failed)? {
            let item = item.map_err(failed)?;
            let name = item.file_name();
            // The mark goes last: a removal that is interrupted must be known for ours when it goes on.
            if name == c"." || name == c".." || name.to_bytes() == MARK.as_bytes() {
                continue;
            }
            let flags = match item.file_type() {
                FileType::Directory => AtFlags::REMOVEDIR,
                _ => AtFlags::empty(),
            };
            match unlinkat(&self.handle, name, flags) {
                Err(Errno::ISDIR) => unlinkat(&self.handle, name, AtFlags::REMOVEDIR),
                other => other,
            }
            .map_err(failed)?;
        }
        match unlinkat(&self.handle, MARK, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(failed(errno)),
        }
        unlinkat(&self.above, &*self.record.name, AtFlags::REMOVEDIR).map_err(failed)?;
        fsync(&self.above).or_else(may_not_sync).map_err(failed)
    }
}

/// An empty file in each stage folder, which tells it from any other that came to have its name: a folder
/// of root's own may lie in one of somebody who can rename it.
const MARK: &str = "stage";

/// Whether this folder was made by us: private, this user's, and marked; or still empty.
fn is_ours(folder: &OwnedFd) -> Result<bool, Errno> {
    let facts = fstat(folder)?;
    if facts.st_uid != geteuid().as_raw() || facts.st_mode & 0o077 != 0 {
        return Ok(false);
    }
    let marked = match statat(folder, MARK, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(mark) => FileType::from_raw_mode(mark.st_mode) == FileType::RegularFile && mark.st_size == 0,
        Err(Errno::NOENT) => false,
        Err(errno) => return Err(errno),
    };
    if marked {
        return Ok(true);
    }
    for item in Dir::read_from(folder)? {
        let item = item?;
        if item.file_name() != c"." && item.file_name() != c".." {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Some file systems cannot sync a folder, and say so.
pub(crate) fn may_not_sync(errno: Errno) -> Result<(), Errno> {
    if errno == Errno::INVAL { Ok(()) } else { Err(errno) }
}

fn open(above: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat2(above, name, flags, Mode::empty(), BENEATH)
}

/// Refuses where the bytes that are going to be written, or the files, do not fit.
pub(super) fn require_space(plan: &Plan, target: &Target) -> Result<(), Refusal> {
    for (at, disk) in plan.disks.iter().enumerate() {
        let written = plan
            .placements
            .iter()
            .filter(|placement| placement.disk == at && placement.outcome != Outcome::Unchanged);
        let Some(KnownFolder { path, .. }) = disk.folders.first() else { continue };
        let Some(folder) = target.folder(path)? else { continue };
        let room = fstatvfs(&folder).map_err(|errno| refused(path, errno))?;
        let block = room.f_frsize.max(1);
        let blocks = |bytes: u64| bytes.div_ceil(block);
        let (mut count, mut need) = (0u64, 0u64);
        for placement in written {
            count += 1;
            need = need.saturating_add(blocks(placement.bytes()));
        }
        // File systems without limits say zero.
        let full = room.f_blocks > 0 && need > room.f_bavail;
        let many = room.f_files > 0 && count >= room.f_favail;
        if full || many {
            let name = format!("{}{}", target.path().trim_end_matches('/'), path);
            return Err(Refusal::new(Code::NoSpace, name, "has no room for what is to be installed")
                .expected(format!("{} bytes in {count} files", need.saturating_mul(block)))
                .found(format!("{} bytes in {} files", room.f_bavail * block, room.f_favail)));
        }
    }
    Ok(())
}
