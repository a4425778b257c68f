// SPDX-License-Identifier: Apache-2.0
//! A lock as JSON: all of it, by the names that the manifest has for the same things.

use serde_json::{Map, Value, json};

use super::{Lock, LockedArtifact, LockedFile, LockedKeys, LockedSignature, LockedTree, TreeFile};
use crate::inside::Facts;
use crate::recipe::{Recipe, TrustPolicy};

/// Every value of a lock (`docs/formats/documents.md` §8.5). All fields are named, so that none is forgotten.
pub fn document(lock: &Lock) -> Map<String, Value> {
    let Lock { recipe, sets, signers, artifacts, trees, trust_stores, trust_policies } = lock;
    let signers = signers.iter().map(|(name, keys)| with(json!({"name": name.as_str()}), keys_of(keys)));
    let artifacts = artifacts.iter().map(|(name, artifact)| {
        let LockedArtifact { file: locked, inside: facts, signatures } = artifact;
        let mut members = with(json!({"name": name.as_str()}), file(locked));
        members.extend(facts.iter().map(|facts| ("inside".to_owned(), all_inside(facts).into())));
        members.insert("signatures".to_owned(), signatures.iter().map(signature).collect());
        members
    });
    let trees = trees.iter().map(|(name, tree)| with(json!({"name": name.as_str()}), tree_of(tree)));
    let stores = trust_stores.iter().map(|((store_type, name), keys)| {
        with(json!({"name": name.as_str(), "type": store_type.as_str()}), keys_of(keys))
    });
    let policies = trust_policies.iter().map(|((name, partition), template)| {
        let mut members = with(json!({"name": name.as_str()}), file(template));
        members.extend(partition.iter().map(|name| ("partition".to_owned(), name.as_str().into())));
        members
    });
    members(json!({
        "recipe": recipe.to_string(), "set": sets, "signers": list(signers), "artifacts": list(artifacts),
        "trees": list(trees), "trustStores": list(stores), "trustPolicies": list(policies),
    }))
}

/// What an artifact says of itself, without the digest over its scripts.
pub fn inside(facts: &Facts) -> Map<String, Value> {
    let Facts { name, version, arch, made_at, product_code, toolchain, scripts: _ } = facts;
    let time = made_at.map(|time| time.to_string());
    let all = [
        ("name", name),
        ("version", version),
        ("arch", arch),
        ("madeAt", &time),
        ("productCode", product_code),
        ("toolchain", toolchain),
    ];
    all.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value.clone()?.into()))).collect()
}

/// Trust policies of which the site must give parameters when it installs, and these.
pub fn open_parameters(recipe: &Recipe) -> Vec<(&TrustPolicy, Vec<&str>)> {
    let open = recipe.trust_policies.iter().map(|policy| {
        let names = policy.parameters.iter().map(|name| name.as_str());
        (policy, names.filter(|name| !recipe.sets().contains_key(*name)).collect::<Vec<_>>())
    });
    open.filter(|(_, parameters)| !parameters.is_empty()).collect()
}

fn all_inside(facts: &Facts) -> Map<String, Value> {
    let mut members = inside(facts);
    members.extend(facts.scripts.map(|digest| ("scriptsSha256".to_owned(), digest.to_string().into())));
    members
}

fn keys_of(keys: &LockedKeys) -> Map<String, Value> {
    let LockedKeys { fingerprints, files } = keys;
    members(json!({"fingerprints": fingerprints, "files": list(files.iter().map(file))}))
}

fn signature(signature: &LockedSignature) -> Value {
    let LockedSignature { kind, files, signer, signed_at } = signature;
    json!({"kind": kind.as_str(), "signer": signer, "signedAt": signed_at.map(|time| time.to_string()),
           "files": list(files.iter().map(file))})
}

fn file(file: &LockedFile) -> Map<String, Value> {
    let LockedFile { source, state, fetched_at } = file;
    let mut members = members(json!({"size": state.size, "digest": state.digest.to_string()}));
    let place = if fetched_at.is_some() { "url" } else { "path" };
    members.insert(place.to_owned(), source.as_str().into());
    members.extend(fetched_at.map(|time| ("fetchedAt".to_owned(), time.to_string().into())));
    members
}

fn tree_of(tree: &LockedTree) -> Map<String, Value> {
    let LockedTree { path, files, links, empty_directories } = tree;
    let empty: Vec<&str> = empty_directories.iter().map(|path| path.as_str()).collect();
    members(json!({"path": path, "files": list(files.iter().map(tree_file)), "links": links,
                   "emptyDirectories": empty}))
}

fn tree_file(file: &TreeFile) -> Map<String, Value> {
    with(json!({"path": file.path.as_str()}), tree_file_state(file))
}

/// What is said of a file of a tree besides its path.
pub fn tree_file_state(file: &TreeFile) -> Map<String, Value> {
    let TreeFile { path: _, mode, state } = file;
    members(json!({"mode": format!("{:04o}", mode.bits()), "size": state.size,
                   "digest": state.digest.to_string()}))
}

fn list(items: impl Iterator<Item = Map<String, Value>>) -> Value {
    items.map(Value::Object).collect()
}

fn with(first: Value, rest: Map<String, Value>) -> Map<String, Value> {
    let mut all = members(first);
    all.extend(rest);
    all
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
