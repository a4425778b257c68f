// SPDX-License-Identifier: Apache-2.0
//! Files of this machine that are named by a `file` URL: a mirror on a disk or a share, copied into the store.
//!
//! In: a URL of a file, or of a folder. Out: the file in the store; the files of the folder, each to be fetched.

use std::io::{self, Read};
use std::path::Path;

use verifier::error::Code;
use walkdir::WalkDir;

use super::progress::Row;
use super::url::Url;
use super::{Fetched, Fetcher, Missed, Origin, Wanted};
use crate::failure::Failure;
use crate::files::open_regular;
use crate::store::Validator;

/// Bytes read at once.
const READ_BYTES: usize = 256 * 1024;

impl Fetcher<'_> {
    /// Copies a file into the store.
    pub(super) fn copy_file(
        &self,
        wanted: &Wanted,
        path: &Path,
        row: &mut Row<'_>,
    ) -> Result<Fetched, Missed> {
        let name = wanted.url.to_string();
        let mut file = open_regular(path, &name)?;
        let size = file.metadata().map_err(|error| Failure::reading(&name, &error))?.len();
        if size > wanted.ceiling {
            return Err(too_long(wanted).found(format!("{size} bytes")).into());
        }
        // A copy is quicker than a look at what an earlier one left.
        let mut part = self.store.part(&name)?;
        part.restart(Validator { tag: None, total: Some(size) })?;
        part.require_space(size)?;
        row.at(0, Some(size));
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let length = match file.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read.map_err(|error| Failure::reading(&name, &error))?,
            };
            let Some(bytes) = buffer.get(..length).filter(|bytes| !bytes.is_empty()) else { break };
            if part.length() + length as u64 > wanted.ceiling {
                return Err(too_long(wanted).into());
            }
            part.write(bytes)?;
            row.add(length as u64);
        }
        if part.length() != size {
            part.discard()?;
            return Err(Failure::new(Code::ChangedWhileRead, name, "changed while it was read")
                .hint("something else still writes to it: wait until it is finished")
                .into());
        }
        let state = part.publish(self.store)?;
        let found = Fetched { state, origin: Origin::File { at: self.settings.now } };
        match wanted.expected {
            Some(expected) if expected != state => Err(Missed::Changed { expected, found }),
            _ => Ok(found),
        }
    }
}

fn too_long(wanted: &Wanted) -> Failure {
    Failure::new(Code::LimitExceeded, wanted.url.to_string(), "is longer than a file of its kind may be")
        .expected(format!("at most {} bytes", wanted.ceiling))
        .hint("check what the URL names")
}

/// The files of a folder that a `file` URL names, sorted, with their paths below it; links are not followed.
pub fn files_below(folder: &Url) -> Result<Vec<(String, Url)>, Failure> {
    let name = folder.to_string();
    let top = folder.file_path().ok_or_else(|| {
        Failure::usage(&name, "is no folder of this machine").hint("name a folder with file:///…")
    })?;
    let mut files = Vec::new();
    for entry in WalkDir::new(&top).min_depth(1).sort_by_file_name() {
        let entry = entry.map_err(|error| Failure::argument(&name, &error.into()))?;
        if entry.file_type().is_dir() {
            continue;
        }
        let below = entry.path().strip_prefix(&top).ok().and_then(Path::to_str);
        let below = below.ok_or_else(|| Failure::usage(&name, "holds a name that is not UTF-8"))?;
        if !entry.file_type().is_file() {
            return Err(Failure::usage(&name, "holds what is not a regular file").found(below));
        }
        let url = Url::of_file(entry.path()).map_err(|error| Failure::usage(&name, error.to_string()))?;
        files.push((below.to_owned(), url));
    }
    Ok(files)
}
