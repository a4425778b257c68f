// SPDX-License-Identifier: Apache-2.0
//! Which payload entries lie in which folder of the bundle: found once, however many trees there are.

use std::collections::HashMap;

use super::File;

/// Payload entries by the folder of the artifact, tree or signers that they lie in.
#[derive(Debug)]
pub struct Payload<'p>(HashMap<&'p str, Vec<Inside<'p>>>);

/// An entry in such a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inside<'p> {
    /// Its index in `files`.
    pub entry: usize,
    /// Its path, relative to the folder.
    pub path: &'p str,
}

impl<'p> Payload<'p> {
    /// Sorts entries into their folders, each in the order of `files`.
    pub fn new(files: &'p [File]) -> Self {
        let mut folders: HashMap<&str, Vec<Inside<'_>>> = HashMap::new();
        for (entry, file) in files.iter().enumerate() {
            let path = file.path.as_str();
            let folder = folder(path);
            if let Some(path) = path.strip_prefix(folder) {
                folders.entry(folder).or_default().push(Inside { entry, path });
            }
        }
        Self(folders)
    }

    /// What lies in `files/NAME/`.
    pub fn inside(&self, folder: &str) -> &[Inside<'p>] {
        self.0.get(folder).map_or(&[], Vec::as_slice)
    }
}

/// `files/NAME/`: the folder of an artifact, tree or of all signers.
fn folder(path: &str) -> &str {
    let end = path.match_indices('/').nth(1).map(|(at, slash)| at.saturating_add(slash.len()));
    end.and_then(|end| path.get(..end)).unwrap_or(path)
}
