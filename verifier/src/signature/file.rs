// SPDX-License-Identifier: Apache-2.0
//! `verifier check --as openpgp` without its arguments and its printing: paths in, evidence out.
//!
//! The file is read once, in blocks, and may be standard input. What cannot be read is an error of the
//! machine; what can be read and does not convince is evidence.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use manifests::digest::Sha256Digest;
use manifests::evidence::Evidence;
use manifests::fingerprint::Fingerprint;
use manifests::time::Timestamp;

use super::openpgp::{self, Demand, Hasher, MAX_KEY_BYTES, MAX_KEY_BYTES_TOTAL, MAX_SIGNATURE_BYTES, Sha1};
use crate::hash::Kernel;
use crate::hash::sha256::Midstate;

/// Large enough that starting a thread for it costs nothing, small enough to stay in the cache.
const BLOCK: usize = 1024 * 1024;

/// One file and what is demanded of it. A path `-` is standard input.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The file.
    pub file: &'a Path,
    /// Its signature; without, `FILE.sig` or `FILE.asc` beside it.
    pub signature: Option<&'a Path>,
    /// Key files, or folders of them.
    pub keys: &'a [PathBuf],
    /// Primary keys, any of which is enough.
    pub pins: &'a [Fingerprint],
    /// The time of judgement.
    pub now: Timestamp,
    /// Whether SHA-1 was named.
    pub sha1: Sha1,
}

/// The evidence, and what the file was.
#[derive(Clone, Debug)]
pub struct Checked {
    /// What was found out.
    pub evidence: Evidence,
    /// SHA-256 of the whole file; none where the verdict stood before it was read.
    pub digest: Option<Sha256Digest>,
}

/// Checks one file.
pub fn check_openpgp(request: &Request<'_>) -> Result<Checked, FileError> {
    let signature = locate(request)?;
    let standard_input = [Some(request.file), signature.path.as_deref()];
    if standard_input
        .into_iter()
        .flatten()
        .chain(request.keys.iter().map(PathBuf::as_path))
        .filter(|path| is_standard_input(path))
        .count()
        > 1
    {
        return Err(FileError::StandardInputTwice);
    }
    let mut file = open(request.file)?;
    let with_notes = |mut evidence: Evidence| {
        evidence.notes.extend(signature.note.clone());
        evidence
    };
    let Some(path) = &signature.path else {
        return Ok(Checked { evidence: openpgp::unsigned(), digest: None });
    };
    let signature_bytes = read_whole(path, MAX_SIGNATURE_BYTES)?;
    let keys = read_keys(request.keys)?;
    let demand = Demand {
        signature: &signature_bytes,
        keys: &keys.iter().map(Vec::as_slice).collect::<Vec<_>>(),
        pins: request.pins,
        now: request.now,
        sha1: request.sha1,
    };
    let check = match openpgp::prepare(&demand) {
        Ok(check) => check,
        Err(evidence) => return Ok(Checked { evidence: with_notes(evidence), digest: None }),
    };
    let mut hasher = check.hasher();
    let hashers = std::slice::from_mut(&mut hasher);
    let midstate = hash(&mut file, hashers, &|_| {}).map_err(|source| read_error(request.file, source))?;
    Ok(Checked { evidence: with_notes(check.judge(&midstate, hasher)), digest: Some(midstate.digest()) })
}

/// One pass: the file's own digest, and beside it on other threads whatever its signatures need.
pub fn hash(
    mut file: &mut dyn Read,
    hashers: &mut [Option<Hasher>],
    progress: &dyn Fn(usize),
) -> io::Result<Midstate> {
    let kernel = Kernel::detect();
    let mut midstate = Midstate::EMPTY;
    let mut block = Vec::with_capacity(BLOCK);
    loop {
        block.clear();
        let bytes = (&mut file).take(u64::try_from(BLOCK).unwrap_or(u64::MAX)).read_to_end(&mut block)?;
        if bytes == 0 {
            return Ok(midstate);
        }
        std::thread::scope(|scope| {
            for hasher in hashers.iter_mut().flatten() {
                scope.spawn(|| hasher.update(&block));
            }
            midstate.update(kernel, &block);
        });
        progress(bytes);
    }
}

struct Located {
    path: Option<PathBuf>,
    note: Option<String>,
}

/// The signature that was named, or the one beside the file: `.sig` before `.asc`.
fn locate(request: &Request<'_>) -> Result<Located, FileError> {
    if let Some(path) = request.signature {
        return Ok(Located { path: Some(path.to_owned()), note: None });
    }
    if is_standard_input(request.file) {
        return Ok(Located { path: None, note: None });
    }
    let mut beside = Vec::new();
    for extension in [".sig", ".asc"] {
        let mut path = request.file.as_os_str().to_owned();
        path.push(extension);
        let path = PathBuf::from(path);
        match fs::metadata(&path) {
            Ok(_) => beside.push(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(read_error(&path, source)),
        }
    }
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().escape_debug().to_string());
    let note = match beside.as_slice() {
        [first, second] => name(first)
            .zip(name(second))
            .map(|(first, second)| format!("{first} was used, {second} beside it was not")),
        _ => None,
    };
    Ok(Located { path: beside.into_iter().next(), note })
}

fn read_keys(paths: &[PathBuf]) -> Result<Vec<Vec<u8>>, FileError> {
    let mut files = Vec::new();
    let mut total = 0_usize;
    for path in paths {
        for path in expand(path)? {
            let bytes = read_whole(&path, MAX_KEY_BYTES)?;
            total = total.saturating_add(bytes.len());
            files.push(bytes);
            if total > MAX_KEY_BYTES_TOTAL {
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
    for entry in fs::read_dir(path).map_err(|source| read_error(path, source))? {
        let entry = entry.map_err(|source| read_error(path, source))?.path();
        if entry.is_file() {
            files.push(entry);
        }
    }
    files.sort();
    Ok(files)
}

/// The whole content, or one byte more than `limit` of it, so that the checker sees the excess.
fn read_whole(path: &Path, limit: usize) -> Result<Vec<u8>, FileError> {
    let limit = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    open(path)?.take(limit).read_to_end(&mut bytes).map_err(|source| read_error(path, source))?;
    Ok(bytes)
}

fn open(path: &Path) -> Result<Box<dyn Read>, FileError> {
    if is_standard_input(path) {
        return Ok(Box::new(io::stdin().lock()));
    }
    Ok(Box::new(File::open(path).map_err(|source| read_error(path, source))?))
}

fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn read_error(path: &Path, source: io::Error) -> FileError {
    FileError::Read { path: path.to_owned(), source }
}

/// A file that cannot be read: nothing was concluded.
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
}
