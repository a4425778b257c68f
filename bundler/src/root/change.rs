// SPDX-License-Identifier: Apache-2.0
//! What the command line asks of a root, applied to an empty one or to the one before.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use manifests::digest::Sha256Digest;
use manifests::dsse::Base64;
use manifests::name::{BundleName, Name};
use manifests::root::{
    Algorithm, Key, NamePattern, Owner, ROOT_DOCUMENT, ROOT_ROLE, Role, RootDocument, Rule,
};
use manifests::sequence::{RootVersion, Sequence};
use manifests::time::Timestamp;
use verifier::error::Code;

use super::rules;
use crate::failure::Failure;
use crate::sign::key_file::read_public;

/// The role that every root has besides `root`.
const BUILDER_ROLE: &str = "builder";
/// The enclave's name where nobody gives one.
const DEFAULT_ENCLAVE: &str = "default";

/// Everything that `root new` and `root next` can be told.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// `--key ROLE=[OWNER:]PUB`.
    pub keys: Vec<KeyOption>,
    /// `--remove OWNER`.
    pub remove: Vec<Name>,
    /// `--threshold ROLE=N`.
    pub thresholds: Vec<(Name, u32)>,
    /// `--enclave NAME`.
    pub enclave: Option<Name>,
    /// `--expires DATE`.
    pub expires: Option<Timestamp>,
    /// `--floor NAME=SEQUENCE`.
    pub floors: Vec<(BundleName, Sequence)>,
    /// `--deny sha256:…`.
    pub denied: Vec<Sha256Digest>,
    /// `--from FILE`.
    pub rules: Option<PathBuf>,
}

/// One `--key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyOption {
    /// What it signs.
    pub role: Name,
    /// Whose it is; the file's name without its ending, where nobody says.
    pub owner: Option<Name>,
    /// The public key.
    pub path: PathBuf,
}

impl std::str::FromStr for KeyOption {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (role, rest) = text.split_once('=').ok_or("is not of the form ROLE=[OWNER:]PUB")?;
        let (owner, path) = match rest.split_once(':') {
            Some((owner, path)) => (Some(owner), path),
            None => (None, rest),
        };
        let name = |text: &str| Name::new(text).map_err(|error| error.to_string());
        Ok(Self { role: name(role)?, owner: owner.map(name).transpose()?, path: PathBuf::from(path) })
    }
}

impl KeyOption {
    fn owner(&self) -> Result<Name, Failure> {
        if let Some(owner) = &self.owner {
            return Ok(owner.clone());
        }
        let stem = self.path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        Name::new(stem).map_err(|error| {
            Failure::usage(self.path.display().to_string(), "does not give the owner a name")
                .found(error)
                .hint("say --key ROLE=OWNER:PUB")
        })
    }
}

/// Version 1, without anything that was not asked for.
pub(super) fn new(change: &Change) -> Result<RootDocument, Failure> {
    let expires = change
        .expires
        .ok_or_else(|| Failure::usage("--expires", "is missing").hint("a root says when its trust ends"))?;
    let (Some(version), Ok(enclave)) = (RootVersion::new(1), Name::new(DEFAULT_ENCLAVE)) else {
        return Err(Failure::usage("the root", "has no first version"));
    };
    let mut document = RootDocument {
        document_type: ROOT_DOCUMENT.to_owned(),
        version,
        enclave,
        expires,
        algorithms: vec![Algorithm::Ed25519],
        require_audience: false,
        owners: BTreeMap::new(),
        roles: BTreeMap::new(),
        rules: Vec::new(),
        floors: BTreeMap::new(),
        denied: BTreeSet::new(),
    };
    apply(&mut document, change)?;
    for role in [ROOT_ROLE, BUILDER_ROLE] {
        if !document.roles.contains_key(role) {
            return Err(Failure::usage("the root", format!("has nobody in the role `{role}`"))
                .hint(format!("say --key {role}=NAME.pub at least once")));
        }
    }
    Ok(document)
}

/// The version after `old`, with what was asked for changed and all else as it was.
pub(super) fn next(old: &RootDocument, change: &Change) -> Result<RootDocument, Failure> {
    let mut document = old.clone();
    document.version =
        old.version.next().ok_or_else(|| Failure::usage("the root", "has the last version there is"))?;
    apply(&mut document, change)?;
    Ok(document)
}

fn apply(document: &mut RootDocument, change: &Change) -> Result<(), Failure> {
    let by_default = document.rules == default_rules(document);
    for owner in &change.remove {
        remove(document, owner)?;
    }
    add_keys(document, &change.keys)?;
    for (role, threshold) in &change.thresholds {
        let Some(filled) = document.roles.get_mut(role.as_str()) else {
            return Err(Failure::usage(
                format!("--threshold {role}={threshold}"),
                "names a role that nobody has",
            ));
        };
        filled.threshold = *threshold;
    }
    if let Some(enclave) = &change.enclave {
        document.enclave = enclave.clone();
    }
    if let Some(expires) = change.expires {
        document.expires = expires;
    }
    let given = match &change.rules {
        Some(path) => rules::apply(document, path)?,
        None => rules::Given::Nothing,
    };
    document.floors.extend(change.floors.iter().cloned());
    document.denied.extend(change.denied.iter().copied());
    if by_default && given == rules::Given::Nothing {
        document.rules = default_rules(document);
    }
    Ok(())
}

/// Every bundle needs every role but `root`.
fn default_rules(document: &RootDocument) -> Vec<Rule> {
    let require: BTreeSet<Name> =
        document.roles.keys().filter(|role| role.as_str() != ROOT_ROLE).cloned().collect();
    match NamePattern::new("*") {
        Some(any) if !require.is_empty() => vec![Rule { names: vec![any], require }],
        _ => Vec::new(),
    }
}

fn remove(document: &mut RootDocument, owner: &Name) -> Result<(), Failure> {
    if document.owners.remove(owner.as_str()).is_none() {
        return Err(Failure::usage(format!("--remove {owner}"), "names nobody in the root"));
    }
    for role in document.roles.values_mut() {
        role.owners.remove(owner.as_str());
    }
    // A role that nobody is left in is gone, so that a root without it says so where it is needed.
    document.roles.retain(|_, role| !role.owners.is_empty());
    Ok(())
}

/// Gives owners keys and roles. A key given for an owner who has one of its algorithm takes its place;
/// two such keys in one command are a mistake.
fn add_keys(document: &mut RootDocument, options: &[KeyOption]) -> Result<(), Failure> {
    let mut given: BTreeMap<Name, (Key, &Path)> = BTreeMap::new();
    for option in options {
        let owner = option.owner()?;
        let public = read_public(&option.path)?;
        let spki = public.spki().map_err(|error| {
            Failure::new(Code::WeakAlgorithm, option.path.display().to_string(), error.to_string())
        })?;
        let key = Key { algorithm: public.algorithm(), spki: Base64(spki) };
        if let Some((other, path)) = given.get(&owner)
            && *other != key
        {
            return Err(Failure::usage(format!("owner `{owner}`"), "is given two keys of one algorithm")
                .expected(path.display())
                .found(option.path.display())
                .hint("give one of them another owner: --key ROLE=OWNER:PUB"));
        }
        given.insert(owner.clone(), (key.clone(), &option.path));
        let entry = document.owners.entry(owner.clone()).or_insert_with(|| Owner { keys: Vec::new() });
        entry.keys.retain(|held| held.algorithm != key.algorithm);
        entry.keys.push(key);
        let role = document
            .roles
            .entry(option.role.clone())
            .or_insert_with(|| Role { owners: BTreeSet::new(), threshold: 1 });
        role.owners.insert(owner);
    }
    Ok(())
}
