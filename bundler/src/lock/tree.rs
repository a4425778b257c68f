// SPDX-License-Identifier: Apache-2.0
//! What a folder holds: files, links that stay inside, empty folders; in the order of the bytes of paths.
//!
//! `include` chooses among files. Links and empty folders are carried unless `exclude` names them: what
//! makes up the shape of a tree has no extension to choose it by.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use manifests::bundle::{EntryMode, Link, stays_inside};
use manifests::name::PortablePath;
use verifier::error::Code;
use walkdir::WalkDir;

use crate::failure::Failure;
use crate::recipe::{Recipe, Tree};

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Files to read.
    pub files: Vec<FoundFile>,
    /// Links, as they are.
    pub links: Vec<Link>,
    /// Folders that hold nothing.
    pub empty_directories: Vec<PortablePath>,
}

/// A file to read.
#[derive(Debug, PartialEq, Eq)]
pub struct FoundFile {
    /// Relative to the folder.
    pub path: PortablePath,
    /// Whether its owner can run it.
    pub mode: EntryMode,
    /// Bytes, when it was found.
    pub size: u64,
}

/// Walks the folder; links are never followed.
pub fn walk(recipe: &Recipe, tree: &Tree) -> Result<Found, Failure> {
    let folder = recipe.resolve(&tree.source);
    match fs::metadata(&folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(recipe
                .error(&tree.source, "names a folder that does not exist")
                .found(folder.display()));
        }
        Err(error) => return Err(Failure::argument(folder.display().to_string(), &error)),
        Ok(kind) if !kind.is_dir() => {
            return Err(recipe
                .error(&tree.source, "names a tree that is not a folder")
                .hint("say [[artifact]] for a single file"));
        }
        Ok(_) => {}
    }
    let patterns = Patterns { include: globs(&tree.include)?, exclude: globs(&tree.exclude)? };
    let mut found = Found::default();
    for entry in WalkDir::new(&folder).min_depth(1) {
        let entry = entry.map_err(|error| unreadable(&folder, error))?;
        patterns.sort(&folder, &entry, &mut found)?;
    }
    found.files.sort_by(|a, b| a.path.cmp(&b.path));
    found.links.sort_by(|a, b| a.path.cmp(&b.path));
    found.empty_directories.sort();
    if found == Found::default() {
        return Err(recipe
            .error(&tree.source, "names a tree of which nothing is carried")
            .hint("check `include` and `exclude`: ** crosses folders, * does not"));
    }
    Ok(found)
}

struct Patterns {
    include: Option<GlobSet>,
    exclude: Option<GlobSet>,
}

impl Patterns {
    fn sort(&self, folder: &Path, entry: &walkdir::DirEntry, found: &mut Found) -> Result<(), Failure> {
        let name = || entry.path().display().to_string();
        let relative = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        let kind = entry.file_type();
        if self.exclude.as_ref().is_some_and(|exclude| exclude.is_match(relative)) {
            return Ok(());
        }
        if kind.is_file() {
            if self.include.as_ref().is_none_or(|include| include.is_match(relative)) {
                let metadata = entry.metadata().map_err(|error| unreadable(folder, error))?;
                let executable = metadata.permissions().mode() & 0o100 != 0;
                let mode = if executable { EntryMode::Executable } else { EntryMode::Plain };
                found.files.push(FoundFile {
                    path: portable(relative, &name())?,
                    mode,
                    size: metadata.len(),
                });
            }
        } else if kind.is_symlink() {
            let target = fs::read_link(entry.path()).map_err(|error| Failure::reading(name(), &error))?;
            found.links.push(link(portable(relative, &name())?, &target, &name())?);
        } else if kind.is_dir() {
            let mut inside = fs::read_dir(entry.path()).map_err(|error| Failure::reading(name(), &error))?;
            if inside.next().is_none() {
                found.empty_directories.push(portable(relative, &name())?);
            }
        } else {
            return Err(Failure::usage(name(), "is neither file, folder nor symbolic link")
                .hint("devices, pipes and sockets are not carried: name it in `exclude`"));
        }
        Ok(())
    }
}

fn link(path: PortablePath, target: &Path, name: &str) -> Result<Link, Failure> {
    if let Some(text) = target.to_str()
        && stays_inside(path.as_str(), text)
    {
        return Ok(Link { path, target: text.to_owned() });
    }
    Err(Failure::new(Code::UnsafeName, name, "is a symbolic link that leaves its tree")
        .expected("a relative target inside the tree, with `..` only at its front")
        .found(target.display())
        .hint("make it point inside the tree, or name it in `exclude`"))
}

fn portable(relative: &Path, name: &str) -> Result<PortablePath, Failure> {
    let refused =
        |what: String| Failure::new(Code::UnsafeName, name, what).hint("rename it, or name it in `exclude`");
    let text = relative.to_str().ok_or_else(|| refused("has a name that is not UTF-8".to_owned()))?;
    PortablePath::new(text).map_err(|error| refused(error.rule().to_owned()))
}

fn globs(patterns: &[String]) -> Result<Option<GlobSet>, Failure> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let glob = GlobBuilder::new(pattern).literal_separator(true).build();
        set.add(glob.map_err(|error| Failure::usage(pattern, error.to_string()))?);
    }
    let set = set.build().map_err(|error| Failure::usage("include or exclude", error.to_string()))?;
    Ok(Some(set))
}

fn unreadable(folder: &Path, error: walkdir::Error) -> Failure {
    let path: PathBuf = error.path().unwrap_or(folder).to_owned();
    let error = error.into_io_error().unwrap_or_else(|| std::io::Error::other("a loop of links"));
    Failure::reading(path.display().to_string(), &error)
}
