// SPDX-License-Identifier: Apache-2.0
//! A lock as one of the two sides. Its reader has held it to its one spelling; then it is compared as it is
//! written, so that a key which nobody here has heard of is compared too.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::proven::by_name;
use super::side::{Item, Place, Side, Signature};
use crate::failure::Failure;
use crate::lock::{self, LockedArtifact};
use crate::source::Source;
use crate::store::{Look, Store};

/// Keys of an artifact that are compared in their own way.
const COMPARED: [&str; 5] = ["name", "size", "sha256", "inside", "signature"];

/// Reads a lock.
pub(super) fn side(path: &Path, store: Option<&Path>) -> Result<Side, Failure> {
    let source = Source::read(path)?;
    let text = source.text().to_owned();
    let lock = lock::file::read(source)?;
    let written: Map<String, Value> = toml::from_str(&text)
        .map_err(|error| Failure::fault(path.display().to_string(), error.message().to_owned()))?;
    let store = store.map(Store::existing).transpose()?.flatten();
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut head = Map::new();
    head.insert("kind".to_owned(), "lock".into());
    head.insert("file".to_owned(), path.display().to_string().into());
    head.insert("recipe".to_owned(), lock.recipe.to_string().into());
    let (mut other, mut rest) = (Map::new(), BTreeMap::new());
    let mut trees = BTreeMap::new();
    for (key, value) in written {
        match (key.as_str(), value) {
            ("artifact", Value::Array(items)) => rest = items.into_iter().filter_map(named).collect(),
            ("tree", Value::Array(items)) => {
                trees =
                    items.into_iter().filter_map(named).map(|(name, tree)| (name, paths(&tree))).collect();
            }
            // Two recipes are two recipes: what follows from that stands below.
            ("recipe", _) => {}
            (_, value) => by_name(&key, value, &mut other),
        }
    }
    let artifacts = lock.artifacts.iter().map(|(name, artifact)| {
        let mut other = rest.remove(name.as_str()).unwrap_or_default();
        COMPARED.iter().for_each(|key| drop(other.remove(*key)));
        (name.as_str().to_owned(), item(artifact, other, folder, store.as_ref()))
    });
    let artifacts = artifacts.collect();
    Ok(Side { head, artifacts, trees, trusted: BTreeMap::new(), other, bundle: None })
}

fn named(item: Value) -> Option<(String, Map<String, Value>)> {
    let Value::Object(members) = item else { return None };
    Some((members.get("name")?.as_str()?.to_owned(), members))
}

fn item(artifact: &LockedArtifact, other: Map<String, Value>, folder: &Path, store: Option<&Store>) -> Item {
    let state = artifact.file.state;
    let signatures = artifact.signatures.iter().map(|signature| Signature {
        kind: Some(signature.kind.as_str().to_owned()),
        signer: signature.signer.clone(),
        name: None,
    });
    let in_store = store.filter(|store| store.look(&state) == Look::Whole);
    let mut candidates: Vec<PathBuf> = in_store.map(|store| store.path(&state.digest)).into_iter().collect();
    if artifact.file.fetched_at.is_none() {
        candidates.push(folder.join(&artifact.file.source));
    }
    Item {
        size: state.size,
        digest: state.digest.to_string(),
        signatures: signatures.collect::<BTreeSet<_>>(),
        other,
        place: Place::Files { candidates, digest: state.digest, facts: Box::new(artifact.inside.clone()) },
    }
}

/// Files, links and empty folders by their paths.
fn paths(tree: &Map<String, Value>) -> Map<String, Value> {
    let mut paths = Map::new();
    let list = |key: &str| tree.get(key).and_then(Value::as_array).into_iter().flatten();
    let path = |item: &Value| item.get("path").and_then(Value::as_str).unwrap_or_default().to_owned();
    for item in list("file").chain(list("link")) {
        let mut state = item.as_object().cloned().unwrap_or_default();
        state.remove("path");
        paths.insert(path(item), state.into());
    }
    for item in list("empty-directory") {
        paths.insert(format!("{}/", path(item)), json!({}));
    }
    paths
}
