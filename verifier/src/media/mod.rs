// SPDX-License-Identifier: Apache-2.0
//! What a bundle comes on: a file, the folder that `tar xf` made of one, or a stream.
//!
//! In: what the command line calls BUNDLE. Out: a [`Carrier`] of one of the three sorts. Nothing is
//! read yet but folder listings, and nothing is trusted.

pub mod folder;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::error::{Code, Refusal};
use folder::Folder;

/// Where the bytes of a bundle are read from.
pub enum Carrier {
    /// One file, read at any place.
    File {
        /// The open file.
        file: File,
        /// Its bytes, when it was opened.
        length: u64,
    },
    /// A folder that holds the archive's entries as files.
    Folder(Folder),
    /// Standard input, a pipe or a tape: read once, front to back.
    Stream(Box<dyn Read + Send>),
}

/// A carrier and the name that refusals give it.
pub struct Medium {
    /// As the user wrote it.
    pub name: String,
    /// What it is.
    pub carrier: Carrier,
}

impl Medium {
    /// Opens what BUNDLE names: `-`, a file, an extracted tree, or a folder with one of either.
    pub fn open(bundle: &Path) -> Result<Self, Refusal> {
        let name = bundle.display().to_string();
        if name == "-" {
            return Ok(Self { name, carrier: Carrier::Stream(Box::new(io::stdin())) });
        }
        let kind = fs::metadata(bundle).map_err(|error| Refusal::argument(&name, &error))?;
        if kind.is_dir() {
            return Self::open_folder(bundle, name);
        }
        let file = File::open(bundle).map_err(|error| Refusal::argument(&name, &error))?;
        let carrier = match kind.is_file() {
            true => Carrier::File { length: length(&file, &name)?, file },
            false => Carrier::Stream(Box::new(file)),
        };
        Ok(Self { name, carrier })
    }

    fn open_folder(path: &Path, name: String) -> Result<Self, Refusal> {
        if path.join("manifest.json").is_file() {
            return Ok(Self { carrier: Carrier::Folder(Folder::open(path)?), name });
        }
        let (mut trees, mut files) = (Vec::new(), Vec::new());
        let listing = fs::read_dir(path).map_err(|error| Refusal::reading(&name, &error))?;
        for item in listing {
            let item = item.map_err(|error| Refusal::reading(&name, &error))?;
            // What lies on the medium is not the user's choice, so its links are not followed.
            let kind = item.file_type().map_err(|error| Refusal::reading(&name, &error))?;
            let item = item.path();
            if kind.is_dir() && item.join("manifest.json").is_file() {
                trees.push(item);
            } else if kind.is_file() && item.to_string_lossy().ends_with(".bundle.tar") {
                files.push(item);
            }
        }
        match (only(trees, "extracted bundles", &name)?, only(files, "bundle files", &name)?) {
            (Some(tree), _) => {
                Ok(Self { name: tree.display().to_string(), carrier: Carrier::Folder(Folder::open(&tree)?) })
            }
            (None, Some(file)) => Self::open(&file),
            (None, None) => Err(Refusal::new(Code::NotABundle, name, "holds no bundle")
                .expected("an extracted bundle (manifest.json) or one *.bundle.tar")
                .found("neither")),
        }
    }
}

/// The only one of its sort; two are for the user to choose between, not for us.
fn only(mut found: Vec<PathBuf>, sort: &str, folder: &str) -> Result<Option<PathBuf>, Refusal> {
    if found.len() > 1 {
        found.sort();
        let names: Vec<String> = found.iter().map(|path| path.display().to_string()).collect();
        return Err(Refusal::new(Code::Usage, folder, format!("holds several {sort}"))
            .expected("one")
            .found(names.join(", "))
            .hint("name the one that you mean"));
    }
    Ok(found.pop())
}

/// The length of an open file, in bytes.
pub(crate) fn length(file: &File, name: &str) -> Result<u64, Refusal> {
    Ok(file.metadata().map_err(|error| Refusal::reading(name, &error))?.len())
}
