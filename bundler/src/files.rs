// SPDX-License-Identifier: Apache-2.0
//! Reading files within a limit, and writing them so that nothing half-written has the real name.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use verifier::error::Code;

use crate::failure::Failure;

/// Who may read a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody: 0644 less the umask.
    Public,
    /// Its owner: 0600.
    Private,
}

/// Opens a regular file that is named on the command line or in a recipe; `name` is what a failure calls it.
pub fn open_regular(path: &Path, name: &str) -> Result<File, Failure> {
    // A pipe under this name would otherwise block for ever.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = rustix::fs::open(path, flags, Mode::empty()).map(File::from);
    let file = file.map_err(|error| Failure::argument(name, &error.into()))?;
    let found = file.metadata().map_err(|error| Failure::reading(name, &error))?;
    if found.is_dir() {
        return Err(Failure::usage(name, "is a folder, where a file is wanted").hint("name a file in it"));
    }
    if !found.is_file() {
        return Err(Failure::usage(name, "is not a regular file").hint("name a file"));
    }
    Ok(file)
}

/// Reads a whole regular file that is named on the command line or in a recipe.
pub fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    let name = path.display().to_string();
    read_open(open_regular(path, &name)?, &name, limit)
}

/// Reads an open file to its end; `name` is what a failure calls it.
pub fn read_open(file: File, name: &str, limit: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::argument(name, &error))?;
    if bytes.len() as u64 > limit {
        return Err(Failure::new(Code::LimitExceeded, name, "is longer than a file of its kind may be")
            .expected(format!("at most {limit} bytes")));
    }
    Ok(bytes)
}

/// Whether anything has this name, a link that leads nowhere included.
pub fn exists(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

/// Refuses early what [`create_new`] would refuse after the work.
pub fn require_absent(path: &Path) -> Result<(), Failure> {
    if exists(path) { Err(in_the_way(path)) } else { Ok(()) }
}

fn in_the_way(path: &Path) -> Failure {
    Failure::usage(path.display().to_string(), "exists already and is not overwritten")
        .hint("choose another name, or move the old file away")
}

/// Makes a file that was not there before: an existing one is never touched.
pub fn create_new(path: &Path, bytes: &[u8], access: Access) -> Result<(), Failure> {
    let name = || path.display().to_string();
    let mode = match access {
        Access::Public => 0o644,
        Access::Private => 0o600,
    };
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(|error| match error
            .kind()
        {
            io::ErrorKind::AlreadyExists => in_the_way(path),
            _ => Failure::writing(name(), &error),
        })?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.map_err(|error| {
        // Only the file that this call made is removed.
        let _ = std::fs::remove_file(path);
        Failure::writing(name(), &error)
    })
}

/// Replaces a file, or makes it: readers see the old bytes or the new ones.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed = |error: &io::Error| Failure::writing(path.display().to_string(), error);
    let mut part = tempfile::Builder::new()
        .prefix(".sealift-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(folder(path))
        .map_err(|error| failed(&error))?;
    part.write_all(bytes).and_then(|()| part.as_file().sync_all()).map_err(|error| failed(&error))?;
    part.persist(path).map_err(|error| failed(&error.error))?;
    sync_folder(path)
}

/// Makes a rename or a new name in the folder of `path` survive a power cut.
pub fn sync_folder(path: &Path) -> Result<(), Failure> {
    let folder = folder(path);
    File::open(&folder)
        .and_then(|handle| handle.sync_all())
        .map_err(|error| Failure::writing(folder.display().to_string(), &error))
}

/// The folder that a path lies in.
pub fn folder(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}
