// SPDX-License-Identifier: Apache-2.0
//! `verifier check --as openpgp` without its arguments and its printing: paths in, evidence out.
//!
//! The file is read once, in blocks, and may be standard input. What cannot be read is an error of the
//! machine; what can be read and does not convince is evidence.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use manifests::evidence::Evidence;
use manifests::fingerprint::Fingerprint;

use super::Request;
use super::read::{FileError, is_standard_input, read_whole};
use crate::hash::sha256::Midstate;
use crate::signature::openpgp::{self, Demand, Hasher, MAX_SIGNATURE_BYTES};
use crate::signature::pass::{Sink, stream};

/// Checks a file, as a stream, against its detached signature.
pub fn check(request: &Request<'_>, file: &mut dyn Read) -> Result<Evidence, FileError> {
    let Some(supplied) = Supplied::read(request)? else {
        let note = "no file of the same name with .sig or .asc lies beside it, and --signature names none";
        return Ok(Evidence { notes: vec![note.to_owned()], ..openpgp::unsigned() });
    };
    let check = match openpgp::prepare(&supplied.demand(request, &supplied.keys())) {
        Ok(check) => check,
        Err(evidence) => return Ok(supplied.annotate(evidence)),
    };
    let mut hasher = check.hasher();
    let hashers = std::slice::from_mut(&mut hasher);
    let midstate = hash(file, hashers, &|_| {}).map_err(|source| FileError::reading(request.file, source))?;
    Ok(supplied.annotate(check.judge(&midstate, hasher)))
}

/// What the paths of a demand hold.
pub(super) struct Supplied {
    signature: Vec<u8>,
    keys: Vec<Vec<u8>>,
    pins: Vec<Fingerprint>,
    note: Option<String>,
}

impl Supplied {
    /// None where there is no signature.
    pub(super) fn read(request: &Request<'_>) -> Result<Option<Self>, FileError> {
        let located = locate(request)?;
        let Some(path) = &located.path else { return Ok(None) };
        Ok(Some(Self {
            signature: read_whole(path, MAX_SIGNATURE_BYTES)?,
            keys: request.keys()?,
            pins: request.key_pins()?,
            note: located.note,
        }))
    }

    /// The key files.
    pub(super) fn keys(&self) -> Vec<&[u8]> {
        self.keys.iter().map(Vec::as_slice).collect()
    }

    /// The demand, with the `keys` of this.
    pub(super) fn demand<'a>(&'a self, request: &Request<'_>, keys: &'a [&'a [u8]]) -> Demand<'a> {
        let (now, sha1) = (request.now, request.sha1());
        Demand { signature: &self.signature, keys, pins: &self.pins, now, sha1 }
    }

    /// Says which signature was used, where there was a choice.
    pub(super) fn annotate(&self, mut evidence: Evidence) -> Evidence {
        evidence.notes.extend(self.note.clone());
        evidence
    }
}

/// One pass: the file's own digest, and beside it on other threads whatever its signatures need.
pub fn hash(
    file: &mut dyn Read,
    hashers: &mut [Option<Hasher>],
    progress: &dyn Fn(usize),
) -> io::Result<Midstate> {
    let mut midstate = Midstate::EMPTY;
    let mut sinks: Vec<&mut dyn Sink> = vec![&mut midstate];
    sinks.extend(hashers.iter_mut().flatten().map(|hasher| hasher as &mut dyn Sink));
    stream(file, &mut sinks, progress)?;
    Ok(midstate)
}

pub(super) struct Located {
    pub(super) path: Option<PathBuf>,
    note: Option<String>,
}

/// The signature that was named, or the one beside the file: `.sig` before `.asc`.
pub(super) fn locate(request: &Request<'_>) -> Result<Located, FileError> {
    if let Some(path) = &request.demand.signature {
        return Ok(Located { path: Some(path.clone()), note: None });
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
            Err(source) => return Err(FileError::reading(&path, source)),
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
