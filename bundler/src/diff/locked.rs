// SPDX-License-Identifier: Apache-2.0
//! A lock as one of the two sides, by the names of its JSON document.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::proven::by_name;
use super::side::{Item, Place, Side, Signature};
use crate::failure::Failure;
use crate::lock::document::{document, tree_file_state};
use crate::lock::{self, Lock, LockedArtifact, LockedFile, LockedTree};
use crate::source::Source;
use crate::store::{Look, Store};

/// Members of an artifact that are compared in their own way.
const COMPARED: [&str; 5] = ["name", "size", "digest", "inside", "signatures"];

/// Reads a lock.
pub(super) fn side(path: &Path, store: Option<&Path>) -> Result<Side, Failure> {
    let lock = lock::file::read(Source::read(path)?)?;
    let store = store.map(Store::existing).transpose()?.flatten();
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut head = Map::new();
    head.insert("kind".to_owned(), "lock".into());
    head.insert("file".to_owned(), path.display().to_string().into());
    head.insert("recipe".to_owned(), lock.recipe.to_string().into());
    Ok(of(&lock, head, |file| {
        let in_store = store.as_ref().filter(|store| store.look(&file.state) == Look::Whole);
        let mut places: Vec<PathBuf> =
            in_store.map(|store| store.path(&file.state.digest)).into_iter().collect();
        if file.fetched_at.is_none() {
            places.push(folder.join(&file.source));
        }
        places
    }))
}

/// A lock that has been read; `places` are files that may be the one that was locked.
pub(super) fn of(
    lock: &Lock,
    head: Map<String, Value>,
    places: impl Fn(&LockedFile) -> Vec<PathBuf>,
) -> Side {
    let (mut other, mut rest) = (Map::new(), BTreeMap::new());
    for (key, value) in document(lock) {
        match (key.as_str(), value) {
            ("artifacts", Value::Array(items)) => rest = items.into_iter().filter_map(named).collect(),
            ("set", Value::Object(values)) => {
                other.extend(values.into_iter().map(|(name, value)| (format!("set.{name}"), value)));
            }
            // Two recipes are two recipes: what follows from that stands below. Trees are compared by their paths.
            ("recipe" | "trees", _) => {}
            (_, value) => by_name(&key, value, &mut other),
        }
    }
    for (name, tree) in &lock.trees {
        other.insert(format!("trees.{name}"), json!({"path": tree.path}));
    }
    let artifacts = lock.artifacts.iter().map(|(name, artifact)| {
        let mut other = rest.remove(name.as_str()).unwrap_or_default();
        COMPARED.iter().for_each(|key| drop(other.remove(*key)));
        (name.as_str().to_owned(), item(artifact, other, places(&artifact.file)))
    });
    let artifacts = artifacts.collect();
    let trees = lock.trees.iter().map(|(name, tree)| (name.as_str().to_owned(), paths(tree))).collect();
    Side { head, artifacts, trees, trusted: BTreeMap::new(), other, bundle: None }
}

fn named(item: Value) -> Option<(String, Map<String, Value>)> {
    let Value::Object(members) = item else { return None };
    Some((members.get("name")?.as_str()?.to_owned(), members))
}

fn item(artifact: &LockedArtifact, other: Map<String, Value>, candidates: Vec<PathBuf>) -> Item {
    let state = artifact.file.state;
    let signatures = artifact.signatures.iter().map(|signature| Signature {
        kind: Some(signature.kind.as_str().to_owned()),
        signer: signature.signer.clone(),
        name: None,
    });
    Item {
        size: state.size,
        digest: state.digest.to_string(),
        signatures: signatures.collect::<BTreeSet<_>>(),
        other,
        place: Place::Files { candidates, digest: state.digest, facts: Box::new(artifact.inside.clone()) },
    }
}

/// Files, links and empty folders by their paths.
fn paths(tree: &LockedTree) -> Map<String, Value> {
    let files = tree.files.iter().map(|file| (file.path.as_str().to_owned(), tree_file_state(file).into()));
    let links = tree.links.iter().map(|link| (link.path.as_str().to_owned(), json!({"target": link.target})));
    let empty = tree.empty_directories.iter().map(|path| (format!("{path}/"), json!({})));
    files.chain(links).chain(empty).collect()
}
