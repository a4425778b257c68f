// SPDX-License-Identifier: Apache-2.0
//! A bundle as one of the two sides: proven, and laid out by name.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Seek};
use std::path::Path;

use manifests::bundle::{Demand, Manifest, Signer};
use manifests::name::PortablePath;
use serde::Serialize;
use serde_json::{Map, Value, json};
use verifier::media::{Carrier, Medium};
use verifier::signature::approve::{Approval, Basis};
use verifier::trust::Claim;

use super::side::{Item, Place, Side, Signature};
use crate::build::prove::prove_medium;
use crate::failure::Failure;
use crate::report::Printer;

/// Members of the manifest that are compared in their own way, or follow from what is.
const COMPARED: [&str; 6] = ["artifacts", "bundle", "chains", "files", "signers", "trees"];

/// Proves a bundle.
pub(super) fn side(path: &Path, printer: &Printer) -> Result<Side, Failure> {
    let proven = prove_medium(seekable(Medium::open(path)?)?, printer)?;
    let claim = proven.get().claim();
    let (id, manifest) = (claim.id().to_string(), claim.manifest());
    let identity = manifest.bundle();
    let found: BTreeMap<&str, &Basis> =
        proven.approvals().iter().map(|Approval { name, basis, .. }| (name.as_str(), basis)).collect();
    let mut head = Map::new();
    head.insert("kind".to_owned(), "bundle".into());
    head.insert("file".to_owned(), path.display().to_string().into());
    head.insert(
        "bundle".to_owned(),
        json!({"id": id, "name": identity.name.as_str(), "version": identity.version.as_str(),
               "sequence": identity.sequence.get()}),
    );
    let predicate = object(manifest.predicate())?;
    let mut other = Map::new();
    for (key, value) in object(identity)? {
        other.insert(format!("bundle.{key}"), value);
    }
    for (key, value) in predicate.into_iter().filter(|(key, _)| !COMPARED.contains(&key.as_str())) {
        by_name(&key, value, &mut other);
    }
    let (artifacts, trees) = (artifacts(manifest, &found)?, trees(manifest, &mut other)?);
    let trusted = trusted(manifest, &mut other)?;
    Ok(Side { head, artifacts, trees, trusted, other, bundle: Some(proven) })
}

/// What comes on standard input is kept in a file without a name: packages are looked into more than once.
fn seekable(medium: Medium) -> Result<Medium, Failure> {
    let Medium { name, carrier: Carrier::Stream(mut stream) } = medium else { return Ok(medium) };
    let kept = || -> io::Result<Carrier> {
        let mut file = tempfile::tempfile()?;
        let length = io::copy(&mut stream, &mut file)?;
        file.rewind()?;
        Ok(Carrier::File { file, length })
    };
    let carrier = { kept }().map_err(|error| Failure::reading(&name, &error))?;
    Ok(Medium { name, carrier })
}

fn object(of: &impl Serialize) -> Result<Map<String, Value>, Failure> {
    match serde_json::to_value(of) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Failure::fault("the manifest", "is no object")),
        Err(error) => Err(Failure::fault("the manifest", error.to_string())),
    }
}

/// Items of a list by their names, so that one more does not make all of them others: `PARTITION/TYPE:NAME`, of what
/// there is.
pub(super) fn by_name(key: &str, value: Value, to: &mut Map<String, Value>) {
    let named = |item: &Value| {
        let text = |key: &str| item.get(key).and_then(Value::as_str);
        let before =
            |key: &str, sign: &str| text(key).map(|text| format!("{text}{sign}")).unwrap_or_default();
        text("name").map(|name| format!("{}{}{name}", before("partition", "/"), before("type", ":")))
    };
    match value {
        Value::Array(items) if !items.is_empty() && items.iter().all(|item| named(item).is_some()) => {
            for item in items {
                let name = named(&item).unwrap_or_default();
                to.insert(format!("{key}.{name}"), item);
            }
        }
        Value::Array(items) if items.is_empty() => {}
        value => {
            to.insert(key.to_owned(), value);
        }
    }
}

fn artifacts(manifest: &Manifest, found: &BTreeMap<&str, &Basis>) -> Result<BTreeMap<String, Item>, Failure> {
    let digests: BTreeMap<&str, (u64, String)> = manifest
        .files()
        .map(|(file, digest)| (file.path.as_str(), (file.size, digest.to_string())))
        .collect();
    let mut items = BTreeMap::new();
    for artifact in &manifest.predicate().artifacts {
        let (size, digest) = digests.get(artifact.file.as_str()).cloned().unwrap_or_default();
        let mut other = object(artifact)?;
        for key in ["name", "file", "version"] {
            other.remove(key);
        }
        // Where signatures lie is of no interest, and their names often hold a version.
        for demand in other.get_mut("evidence").and_then(Value::as_array_mut).into_iter().flatten() {
            for key in ["signature", "release", "packages"] {
                demand.as_object_mut().map(|demand| demand.remove(key));
            }
        }
        let signatures = match (found.get(artifact.name.as_str()), &artifact.demand) {
            (Some(Basis::Vendor(evidence)), Demand::Vendor(_)) => {
                let signers = evidence.iter().filter_map(|(_, evidence)| {
                    let signer = evidence.signer.as_ref()?;
                    let (kind, name) = (Some(evidence.kind.to_owned()), signer.name.clone());
                    Some(Signature { kind, signer: signer.id.clone(), name })
                });
                signers.collect()
            }
            _ => BTreeSet::new(),
        };
        let item = Item { size, digest, signatures, other, place: Place::Entry(artifact.file.clone()) };
        items.insert(artifact.name.as_str().to_owned(), item);
    }
    Ok(items)
}

fn trees(
    manifest: &Manifest,
    other: &mut Map<String, Value>,
) -> Result<BTreeMap<String, Map<String, Value>>, Failure> {
    let mut trees = BTreeMap::new();
    for tree in &manifest.predicate().trees {
        let mut paths = Map::new();
        for (file, digest) in manifest.files() {
            if let Some(path) = file.path.as_str().strip_prefix(&tree.directory) {
                let mode = format!("{:04o}", file.mode.bits());
                let state = json!({"size": file.size, "digest": digest.to_string(), "mode": mode});
                paths.insert(path.to_owned(), state);
            }
        }
        for link in &tree.links {
            paths.insert(link.path.as_str().to_owned(), json!({ "target": link.target }));
        }
        for path in &tree.empty_directories {
            paths.insert(format!("{path}/"), json!({}));
        }
        let mut rest = object(tree)?;
        for key in ["name", "directory", "links", "emptyDirectories"] {
            rest.remove(key);
        }
        other.insert(format!("trees.{}", tree.name), rest.into());
        trees.insert(tree.name.as_str().to_owned(), paths);
    }
    Ok(trees)
}

/// What is pinned; and what else is said of signers, with the digests of the files that carry their keys.
fn trusted(
    manifest: &Manifest,
    other: &mut Map<String, Value>,
) -> Result<BTreeMap<String, BTreeSet<Signature>>, Failure> {
    let digests: BTreeMap<&str, String> =
        manifest.files().map(|(file, digest)| (file.path.as_str(), digest.to_string())).collect();
    let mut trusted = BTreeMap::new();
    for (name, signer) in &manifest.predicate().signers {
        let pins = |signer: &Signer| Signature { kind: None, signer: signer.pins_in_words(), name: None };
        trusted.insert(name.as_str().to_owned(), BTreeSet::from([pins(signer)]));
        let mut said = object(signer)?;
        said.remove("key");
        let file = |path: &PortablePath| {
            digests.get(path.as_str()).map(|digest| json!({"path": path.as_str(), "digest": digest}))
        };
        let files: Vec<Value> = signer.files().into_iter().filter_map(file).collect();
        said.insert("files".to_owned(), files.into());
        other.insert(format!("signers.{name}"), said.into());
    }
    Ok(trusted)
}
