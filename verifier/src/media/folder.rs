// SPDX-License-Identifier: Apache-2.0
//! A bundle as a folder of files, read beneath one directory handle and through no link.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Dir, FileType, Mode, OFlags, openat2};
use rustix::io::Errno;

use crate::beneath::BENEATH;
use crate::error::{Code, Refusal};

/// Deepest folder below the bundle's: a path of 255 bytes has at most 128 components.
const MAX_DEPTH: usize = 128;

/// An open folder.
pub struct Folder {
    handle: OwnedFd,
    name: String,
}

impl Folder {
    /// Opens a folder that the user named; a link there is the user's own choice.
    pub fn open(path: &Path) -> Result<Self, Refusal> {
        let name = path.display().to_string();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = rustix::fs::open(path, flags, Mode::empty())
            .map_err(|errno| Refusal::argument(&name, &errno.into()))?;
        Ok(Self { handle, name })
    }

    /// Opens a regular file beneath the folder: no link on the way, no device at the end.
    pub fn file(&self, path: &str) -> Result<File, Refusal> {
        // NONBLOCK: a FIFO planted under this name must not hold us up before we see what it is.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = match openat2(&self.handle, path, flags, Mode::empty(), BENEATH) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT | Errno::NOTDIR) => {
                return Err(Refusal::new(Code::MissingFile, path, format!("is missing from {}", self.name))
                    .expected("a regular file")
                    .found("nothing"));
            }
            Err(Errno::LOOP | Errno::XDEV) => return Err(foreign(path, "a symbolic link")),
            Err(errno) => return Err(Refusal::reading(path, &errno.into())),
        };
        let kind = file.metadata().map_err(|error| Refusal::reading(path, &error))?.file_type();
        if kind.is_file() { Ok(file) } else { Err(foreign(path, "something that is no file")) }
    }

    /// Refuses whatever lies in the folder and is not among `expected`.
    pub fn require_only(&self, expected: &BTreeSet<&str>) -> Result<(), Refusal> {
        let folders: BTreeSet<&str> =
            expected.iter().flat_map(|path| path.match_indices('/').map(|(at, _)| &path[..at])).collect();
        self.visit(self.handle.as_fd(), "", &mut |path, kind| {
            let known = match kind {
                FileType::Directory => folders.contains(path),
                FileType::RegularFile => expected.contains(path),
                _ => false,
            };
            if known {
                return Ok(());
            }
            Err(Refusal::new(Code::ExtraFile, path, format!("is no part of the bundle in {}", self.name))
                .expected("only what the manifest names")
                .found(describe(kind)))
        })
    }

    fn visit(
        &self,
        folder: BorrowedFd<'_>,
        prefix: &str,
        meet: &mut dyn FnMut(&str, FileType) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let unreadable = |errno: Errno| Refusal::reading(format!("{}/{prefix}", self.name), &errno.into());
        let mut below = Vec::new();
        for item in Dir::read_from(folder).map_err(unreadable)? {
            let item = item.map_err(unreadable)?;
            let Ok(name) = item.file_name().to_str() else {
                return Err(Refusal::new(
                    Code::ExtraFile,
                    item.file_name().to_string_lossy(),
                    "is not UTF-8",
                ));
            };
            if name == "." || name == ".." {
                continue;
            }
            let path = format!("{prefix}{name}");
            let kind = match item.file_type() {
                FileType::Unknown => {
                    let stat = rustix::fs::statat(folder, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW);
                    FileType::from_raw_mode(stat.map_err(unreadable)?.st_mode)
                }
                known => known,
            };
            meet(&path, kind)?;
            if kind == FileType::Directory {
                below.push(name.to_owned());
            }
        }
        for name in below {
            if prefix.matches('/').count() >= MAX_DEPTH {
                return Err(Refusal::new(Code::LimitExceeded, format!("{prefix}{name}"), "lies too deep"));
            }
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
            let inner = openat2(folder, &*name, flags, Mode::empty(), BENEATH).map_err(unreadable)?;
            self.visit(inner.as_fd(), &format!("{prefix}{name}/"), meet)?;
        }
        Ok(())
    }
}

fn foreign(path: &str, found: &str) -> Refusal {
    Refusal::new(Code::ExtraFile, path, "is not a plain file").expected("a regular file").found(found)
}

fn describe(kind: FileType) -> &'static str {
    match kind {
        FileType::RegularFile => "another file",
        FileType::Directory => "another folder",
        FileType::Symlink => "a symbolic link",
        _ => "something that is no file",
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// Looked at once more here, since a link may come after the listing was compared.
    #[test]
    fn no_link_on_the_way_is_followed() {
        let scratch = tempfile::tempdir().unwrap();
        let (medium, outside) = (scratch.path().join("medium"), scratch.path().join("outside"));
        for folder in [medium.join("files"), outside.clone()] {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("a"), "a").unwrap();
        }
        let opened = Folder::open(&medium).unwrap();
        opened.file("files/a").unwrap();
        std::fs::rename(medium.join("files"), medium.join("away")).unwrap();
        for target in [outside.as_path(), Path::new("away")] {
            symlink(target, medium.join("files")).unwrap();
            assert_eq!(opened.file("files/a").unwrap_err().code, Code::ExtraFile, "{}", target.display());
            std::fs::remove_file(medium.join("files")).unwrap();
        }
        assert_eq!(opened.file("../outside/a").unwrap_err().code, Code::ExtraFile);
    }
}
