// SPDX-License-Identifier: Apache-2.0
//! Where things go on the target (`docs/formats/manifest.md` §3): what a host would refuse must not be built.

use std::collections::{BTreeMap, BTreeSet};

use super::error::ManifestError;
use super::payload::Payload;
use super::{FileInstall, Predicate, Tree, TreeInstall};
use crate::name::{MAX_INSTALL_PATH_BYTES, Name, PathSet, is_beneath, is_reserved};

/// Refuses two things at one path among what is installed when nobody chooses, and paths that no
/// target can hold.
///
/// What is left out of this, since a host chooses: components that are not installed by default, and what is tied to a
/// platform or partition. The same place twice among those refuses the install (`verifier/src/plan.rs`).
pub(super) fn check(predicate: &Predicate) -> Result<(), ManifestError> {
    let payload = Payload::new(&predicate.files);
    let left_out: BTreeSet<&Name> = predicate
        .components
        .iter()
        .filter(|component| !component.default)
        .map(|component| &component.name)
        .collect();
    let chosen = |component: Option<&Name>| component.is_none_or(|name| !left_out.contains(name));
    let mut paths = PathSet::exact();
    let mut tops = Tops::default();
    for artifact in &predicate.artifacts {
        if let Some(FileInstall::File { path, .. }) = &artifact.install
            && chosen(artifact.component.as_ref())
            && (artifact.platform, &artifact.partition) == (None, &None)
        {
            paths.insert(relative(path.as_str())).map_err(|_| two_at(path.as_str()))?;
            tops.add(path.as_str());
        }
    }
    let mut trees = Vec::new();
    for tree in &predicate.trees {
        if let Some(TreeInstall::Directory { path, .. }) = &tree.install {
            fits(&payload, tree, path.as_str())?;
            if chosen(tree.component.as_ref()) {
                paths.insert_directory(relative(path.as_str())).map_err(|_| two_at(path.as_str()))?;
                tops.add(path.as_str());
                trees.push((tree, path.as_str()));
            }
        }
    }
    for (tree, top) in trees {
        // Inside a tree nothing collides; only where something else goes there too is each path looked at.
        if tops.meet(top) {
            for path in contents(&payload, tree) {
                let path = format!("{top}/{path}");
                paths.insert(relative(&path)).map_err(|_| two_at(&path))?;
            }
            for path in folders(tree) {
                let path = format!("{top}/{path}");
                paths.insert_directory(relative(&path)).map_err(|_| two_at(&path))?;
            }
        }
    }
    Ok(())
}

/// Where each thing is installed, and how many there.
#[derive(Default)]
struct Tops<'p>(BTreeMap<&'p str, usize>);

impl<'p> Tops<'p> {
    fn add(&mut self, path: &'p str) {
        let count = self.0.entry(path).or_default();
        *count = count.saturating_add(1);
    }

    /// Whether something else goes to this place, beneath it, or around it.
    fn meet(&self, top: &str) -> bool {
        let beneath = format!("{top}/");
        let mut above = top.match_indices('/').filter_map(|(at, _)| top.get(..at));
        self.0.get(top).is_some_and(|count| *count > 1)
            || self.0.range(beneath.as_str()..).next().is_some_and(|(path, _)| is_beneath(path, top))
            || above.any(|path| self.0.contains_key(path))
    }
}

fn two_at(path: &str) -> ManifestError {
    ManifestError::Inconsistent { at: path.to_owned(), wrong: "is where two things would be installed" }
}

fn relative(path: &str) -> &str {
    path.trim_start_matches('/')
}

/// Files and links of a tree, relative to it.
fn contents<'t>(payload: &Payload<'t>, tree: &'t Tree) -> impl Iterator<Item = &'t str> {
    let files = payload.inside(&tree.directory).iter().map(|inside| inside.path);
    files.chain(tree.links.iter().map(|link| link.path.as_str()))
}

/// Empty folders of a tree, relative to it.
fn folders(tree: &Tree) -> impl Iterator<Item = &str> {
    tree.empty_directories.iter().map(|directory| directory.as_str())
}

/// Every path of a tree is short enough on the target, and none is the verifier's own.
fn fits(payload: &Payload<'_>, tree: &Tree, top: &str) -> Result<(), ManifestError> {
    for path in contents(payload, tree).chain(folders(tree)) {
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
