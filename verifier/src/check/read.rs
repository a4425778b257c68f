// SPDX-License-Identifier: Apache-2.0
//! What the command line names, as bytes: files, folders of files, standard input.

use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use crate::bytes::FileBytes;

/// Whether a path stands for standard input.
pub fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// A file to read front to back.
pub fn open(path: &Path) -> Result<Box<dyn Read>, FileError> {
    if is_standard_input(path) {
        return Ok(Box::new(io::stdin().lock()));
    }
    Ok(Box::new(File::open(path).map_err(|source| FileError::reading(path, source))?))
}

/// A file to read at any place. What comes on standard input goes to a file without a name first.
pub fn open_anywhere(path: &Path) -> Result<FileBytes, FileError> {
    let reading = |source| FileError::reading(path, source);
    if !is_standard_input(path) {
        let file = File::open(path).map_err(reading)?;
        if file.metadata().map_err(reading)?.is_file() {
            return FileBytes::new(file).map_err(reading);
        }
        return spool(file).map_err(reading);
    }
    spool(io::stdin().lock()).map_err(reading)
}

fn spool(mut from: impl Read) -> io::Result<FileBytes> {
    let mut file = tempfile::tempfile()?;
    io::copy(&mut from, &mut file)?;
    file.rewind()?;
    FileBytes::new(file)
}

/// The whole content, or one byte more than `limit` of it, so that the checker sees the excess.
pub fn read_whole(path: &Path, limit: usize) -> Result<Vec<u8>, FileError> {
    let limit = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    open(path)?.take(limit).read_to_end(&mut bytes).map_err(|source| FileError::reading(path, source))?;
    Ok(bytes)
}

/// The content of each file, a folder standing for the files in it: each up to one byte more than `limit`,
/// and no more of them once all together exceed `limit_total`.
pub fn read_all(paths: &[PathBuf], limit: usize, limit_total: usize) -> Result<Vec<Vec<u8>>, FileError> {
    let mut files = Vec::new();
    let mut total = 0_usize;
    for path in paths {
        for path in expand(path)? {
            let bytes = read_whole(&path, limit)?;
            total = total.saturating_add(bytes.len());
            files.push(bytes);
            if total > limit_total {
                // Enough to be refused by the reader; the rest would only fill memory.
                return Ok(files);
            }
        }
    }
    Ok(files)
}

/// A folder stands for the files in it, in the order of their names.
fn expand(path: &Path) -> Result<Vec<PathBuf>, FileError> {
    if is_standard_input(path) || !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(|source| FileError::reading(path, source))? {
        let entry = entry.map_err(|source| FileError::reading(path, source))?.path();
        if entry.is_file() {
            files.push(entry);
        }
    }
    files.sort();
    Ok(files)
}

/// Nothing was concluded: a file cannot be read, or the demand makes no sense.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// Missing, not permitted, a folder, or a failing medium.
    #[error("cannot read {}", path.display().to_string().escape_debug())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// `-` was named for more than one thing.
    #[error("standard input can only be one of the files")]
    StandardInputTwice,
    /// An option that this kind has no use for, or one that it lacks.
    #[error("{0}")]
    Demand(String),
}

impl FileError {
    /// An error in reading `path`.
    pub fn reading(path: &Path, source: io::Error) -> Self {
        Self::Read { path: path.to_owned(), source }
    }
}
