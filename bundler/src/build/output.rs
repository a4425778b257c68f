// SPDX-License-Identifier: Apache-2.0
//! The output: a private file beside its target until it is proven, then the target.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use verifier::error::Code;

use super::Outcome;
use crate::failure::Failure;
use crate::files::{exists, folder, sync_folder};

/// What becomes of a file that has the output's name already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// The same bundle stays as it is, with its signatures; anything else is left alone and refused.
    Keep,
    /// It is replaced, whatever it is: `--replace`.
    Replace,
}

/// A file that is removed unless it is published.
pub(super) struct Part {
    part: NamedTempFile,
    target: PathBuf,
    existing: Existing,
}

impl Part {
    /// Makes a file of `size` zeros; holes, where the file system has them.
    pub(super) fn create(target: &Path, existing: Existing, size: u64) -> Result<Self, Failure> {
        if fs::symlink_metadata(target).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(Failure::usage(target.display().to_string(), "is not a regular file")
                .hint("name the file to write with -o"));
        }
        let failed = |error: &io::Error| Failure::writing(target.display().to_string(), error);
        let part = tempfile::Builder::new()
            .prefix(".sealift-")
            .suffix(".part")
            .permissions(fs::Permissions::from_mode(0o644))
            .tempfile_in(folder(target))
            .map_err(|error| failed(&error))?;
        part.as_file().set_len(size).map_err(|error| failed(&error))?;
        Ok(Self { part, target: target.to_owned(), existing })
    }

    pub(super) fn file(&self) -> &File {
        self.part.as_file()
    }

    pub(super) fn path(&self) -> &Path {
        self.part.path()
    }

    pub(super) fn sync(&self) -> Result<(), Failure> {
        self.file().sync_all().map_err(|error| Failure::writing(self.target.display().to_string(), &error))
    }

    /// Gives the file its name. A different file of that name is never replaced unless that was asked for.
    pub(super) fn publish(self, slot: Range<u64>) -> Result<Outcome, Failure> {
        let Self { part, target, existing } = self;
        let failed = |error: &io::Error| Failure::writing(target.display().to_string(), error);
        match existing {
            Existing::Replace => {
                part.persist(&target).map_err(|error| failed(&error.error))?;
            }
            Existing::Keep if exists(&target) => {
                let same = same_but_for(part.as_file(), &target, slot).map_err(|error| failed(&error))?;
                if same {
                    return Ok(Outcome::Unchanged);
                }
                return Err(in_the_way(&target));
            }
            Existing::Keep => {
                part.persist_noclobber(&target).map_err(|error| match error.error.kind() {
                    io::ErrorKind::AlreadyExists => in_the_way(&target),
                    _ => failed(&error.error),
                })?;
            }
        }
        sync_folder(&target)?;
        Ok(Outcome::Written)
    }
}

fn in_the_way(target: &Path) -> Failure {
    Failure::new(
        Code::Usage,
        target.display().to_string(),
        "exists and is another file than this build makes",
    )
    .hint("name another output with -o, move the old file away, or say --replace")
}

/// Whether two files are the same outside one range, that of the signature slot.
fn same_but_for(built: &File, target: &Path, slot: Range<u64>) -> io::Result<bool> {
    const BLOCK: u64 = 1 << 20;
    let there = File::open(target)?;
    let size = built.metadata()?.len();
    if there.metadata()?.len() != size {
        return Ok(false);
    }
    let (mut ours, mut theirs) = (vec![0; BLOCK as usize], vec![0; BLOCK as usize]);
    for range in [0..slot.start, slot.end..size] {
        let mut at = range.start;
        while at < range.end {
            let length = BLOCK.min(range.end - at) as usize;
            built.read_exact_at(&mut ours[..length], at)?;
            there.read_exact_at(&mut theirs[..length], at)?;
            if ours[..length] != theirs[..length] {
                return Ok(false);
            }
            at += length as u64;
        }
    }
    Ok(true)
}
