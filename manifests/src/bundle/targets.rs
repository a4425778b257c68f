// SPDX-License-Identifier: Apache-2.0
//! Where things go on the target (`docs/formats/manifest.md` §3): what a host would refuse must not be built.

use std::collections::BTreeSet;

use super::rules::ManifestError;
use super::{FileInstall, Predicate, Tree, TreeInstall};
use crate::name::{MAX_INSTALL_PATH_BYTES, Name, PathSet, is_reserved};

/// Refuses two things at one path among what is installed when nobody chooses, and paths that no
/// target can hold.
///
/// Components that are alternatives to each other may share a path: a host chooses one of them.
pub(super) fn check(predicate: &Predicate) -> Result<(), ManifestError> {
    let left_out: BTreeSet<&Name> = predicate
        .components
        .iter()
        .filter(|component| !component.default)
        .map(|component| &component.name)
        .collect();
    let chosen = |component: Option<&Name>| component.is_none_or(|name| !left_out.contains(name));
    let mut paths = PathSet::exact();
    let mut tops = BTreeSet::new();
    for artifact in &predicate.artifacts {
        if let Some(FileInstall::File { path, .. }) = &artifact.install
            && chosen(artifact.component.as_ref())
        {
            paths.insert(relative(path.as_str())).map_err(|_| two_at(path.as_str()))?;
            tops.insert(path.as_str());
        }
    }
    let mut trees = Vec::new();
    for tree in &predicate.trees {
        if let Some(TreeInstall::Directory { path, .. }) = &tree.install {
            fits(predicate, tree, path.as_str())?;
            if chosen(tree.component.as_ref()) {
                paths.insert_directory(relative(path.as_str())).map_err(|_| two_at(path.as_str()))?;
                trees.push((tree, path.as_str()));
            }
        }
    }
    for (tree, top) in &trees {
        let shared = trees.iter().any(|(other, path)| other.name != tree.name && is_beneath(path, top));
        // Inside a tree nothing collides; only where something else goes there too is each path looked at.
        if shared || tops.range(*top..).next().is_some_and(|path| is_beneath(path, top)) {
            for path in contents(predicate, tree) {
                let path = format!("{top}/{path}");
                paths.insert(relative(&path)).map_err(|_| two_at(&path))?;
            }
        }
    }
    Ok(())
}

fn two_at(path: &str) -> ManifestError {
    ManifestError::Inconsistent { at: path.to_owned(), wrong: "is where two things would be installed" }
}

fn relative(path: &str) -> &str {
    path.trim_start_matches('/')
}

fn is_beneath(path: &str, top: &str) -> bool {
    path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Files and links of a tree, relative to it.
fn contents<'p>(predicate: &'p Predicate, tree: &'p Tree) -> impl Iterator<Item = &'p str> {
    let files = predicate.files.iter().filter_map(|file| file.path.as_str().strip_prefix(&tree.directory));
    files.chain(tree.links.iter().map(|link| link.path.as_str()))
}

/// Every path of a tree is short enough on the target, and none is the verifier's own.
fn fits(predicate: &Predicate, tree: &Tree, top: &str) -> Result<(), ManifestError> {
    let folders = tree.empty_directories.iter().map(|directory| directory.as_str());
    for path in contents(predicate, tree).chain(folders) {
        let length = top.len().saturating_add(path.len()).saturating_add(1);
        if length > MAX_INSTALL_PATH_BYTES || path.split('/').any(is_reserved) {
            return Err(ManifestError::Inconsistent {
                at: format!("{top}/{path}"),
                wrong: "is longer than a path on the target can be, or has a name that the verifier itself uses",
            });
        }
    }
    Ok(())
}
