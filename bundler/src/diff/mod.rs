// SPDX-License-Identifier: Apache-2.0
//! `bundler diff`: what changed between two bundles or two locks, for whoever decides whether it may cross.
//!
//! In: OLD and NEW. Bundles are proven first, every byte and every vendor's signature, by the far side's own code;
//! a lock is taken as it stands. Out: a `Difference`, for people (`human`) and for programs. Who signed the
//! bundles themselves is not looked at: that is what somebody decides after reading this.

mod human;
mod locked;
mod proven;
mod scripts;
mod side;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::inside::Facts;
use crate::lock::{Lock, document};
use crate::report::{Printer, Report};
use scripts::ScriptChange;
pub use scripts::{MAX_DIFF_LINES, MAX_SHOWN_BYTES};
use side::{Item, Scripts, Seen, Side, Signature};

/// Of OLD and NEW one each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Pair<T> {
    old: T,
    new: T,
}

impl<T: PartialEq> Pair<T> {
    /// None where both are the same.
    fn of(old: T, new: T) -> Option<Self> {
        (old != new).then_some(Self { old, new })
    }
}

/// All that changed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Difference {
    old: Map<String, Value>,
    new: Map<String, Value>,
    changed_signers: Vec<SignerChange>,
    added: Vec<Summary>,
    removed: Vec<Summary>,
    changed: Vec<Change>,
    trees: Vec<TreeChange>,
    /// Everything else that the documents say, by its place in them.
    other: BTreeMap<String, Pair<Value>>,
    unchanged: usize,
}

/// Another signer than before: of an artifact, or behind a name that the recipe trusts.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SignerChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signer: Option<String>,
    old: Vec<Signature>,
    new: Vec<Signature>,
}

/// An artifact that only one of the two has.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    artifact: String,
    size: u64,
    digest: String,
    inside: Value,
    signatures: Vec<Signature>,
    /// A signer that signed nothing in OLD.
    new_signer: bool,
    /// Scripts that it runs; none where it runs some, or may, and they cannot be shown.
    scripts: Option<Vec<ScriptChange>>,
}

/// An artifact that both have.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    artifact: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<Pair<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<Pair<u64>>,
    /// What it says of itself, by the names of the lock.
    inside: BTreeMap<String, Pair<Value>>,
    /// None where they have changed or may have, and cannot be shown.
    scripts: Option<Vec<ScriptChange>>,
    other: BTreeMap<String, Pair<Value>>,
}

/// A tree of which something changed.
#[derive(Debug, Serialize)]
struct TreeChange {
    tree: String,
    added: Vec<String>,
    removed: Vec<String>,
    changed: BTreeMap<String, Pair<Value>>,
}

/// Compares two bundles or two locks.
pub fn diff(old: &Path, new: &Path, store: Option<&Path>, printer: &Printer) -> Result<Report, Failure> {
    let is_lock =
        |path: &Path| path.extension().is_some_and(|extension| extension == "lock") && !path.is_dir();
    if old == new && old.as_os_str() == "-" {
        return Err(Failure::usage("-", "cannot be both OLD and NEW: standard input is read once"));
    }
    let (old, new) = match (is_lock(old), is_lock(new)) {
        (false, false) => (proven::side(old, printer)?, proven::side(new, printer)?),
        (true, true) => (locked::side(old, store)?, locked::side(new, store)?),
        (mixed, _) => {
            let subject = if mixed { new } else { old };
            return Err(Failure::usage(
                subject.display().to_string(),
                "is a bundle, and the other is a lock",
            )
            .expected("two bundles or two locks")
            .hint("compare the lock with the lock that the other bundle was built from"));
        }
    };
    let difference = compare(&old, &new)?;
    let body = serde_json::to_value(&difference);
    let body = body.map_err(|error| Failure::fault("the difference", error.to_string()))?;
    let outcome = if difference.is_empty() { "same" } else { "different" };
    Ok(Report { schema: "diff", outcome, text: human::text(&difference), body })
}

/// What a lock that was written anew changes.
#[derive(Clone, Debug)]
pub struct Relocked {
    /// Lines for people, changed signers first; escaped.
    pub text: String,
    /// The members of `bundler diff`, without those that name the two sides.
    pub members: Value,
}

/// Compares two locks; none where nothing has changed. No file is opened: of scripts the digests tell.
pub fn locks(old: &Lock, new: &Lock) -> Result<Option<Relocked>, Failure> {
    let side = |lock: &Lock| locked::of(lock, Map::new(), |_| Vec::new());
    let difference = compare(&side(old), &side(new))?;
    if difference.is_empty() {
        return Ok(None);
    }
    let members = serde_json::to_value(&difference);
    let mut members = members.map_err(|error| Failure::fault("the difference", error.to_string()))?;
    if let Value::Object(members) = &mut members {
        members.retain(|key, _| key != "old" && key != "new");
    }
    Ok(Some(Relocked { text: human::brief(&difference), members }))
}

impl Difference {
    fn is_empty(&self) -> bool {
        self.changed_signers.is_empty()
            && self.added.is_empty()
            && self.removed.is_empty()
            && self.changed.is_empty()
            && self.trees.is_empty()
            && self.other.is_empty()
    }
}

fn compare(old: &Side, new: &Side) -> Result<Difference, Failure> {
    let known: BTreeSet<&Signature> = old.artifacts.values().flat_map(|item| &item.signatures).collect();
    let mut difference = Difference {
        old: old.head.clone(),
        new: new.head.clone(),
        changed_signers: signers(old, new),
        added: Vec::new(),
        removed: Vec::new(),
        changed: Vec::new(),
        trees: trees(old, new),
        other: pairs(&old.other, &new.other),
        unchanged: 0,
    };
    for (name, item) in &old.artifacts {
        match new.artifacts.get(name) {
            None => difference.removed.push(summary(old, name, item, |_| false)?),
            Some(other) => match change(old, new, name, item, other)? {
                Some(change) => difference.changed.push(change),
                None => difference.unchanged += 1,
            },
        }
    }
    for (name, item) in new.artifacts.iter().filter(|(name, _)| !old.artifacts.contains_key(*name)) {
        difference.added.push(summary(new, name, item, |signature| !known.contains(signature))?);
    }
    Ok(difference)
}

/// Signers of artifacts that both have, and what stands behind the names that the recipe trusts.
fn signers(old: &Side, new: &Side) -> Vec<SignerChange> {
    let list = |signatures: &BTreeSet<Signature>| signatures.iter().cloned().collect();
    let artifacts = old.artifacts.iter().filter_map(|(name, item)| {
        let other = new.artifacts.get(name).filter(|other| other.signatures != item.signatures)?;
        Some(SignerChange {
            artifact: Some(name.clone()),
            signer: None,
            old: list(&item.signatures),
            new: list(&other.signatures),
        })
    });
    let trusted = old.trusted.iter().filter_map(|(name, pins)| {
        let other = new.trusted.get(name).filter(|other| *other != pins)?;
        Some(SignerChange { artifact: None, signer: Some(name.clone()), old: list(pins), new: list(other) })
    });
    artifacts.chain(trusted).collect()
}

fn summary(
    side: &Side,
    name: &str,
    item: &Item,
    is_new: impl Fn(&Signature) -> bool,
) -> Result<Summary, Failure> {
    let Seen { facts, scripts } = side.inside(item)?;
    Ok(Summary {
        artifact: name.to_owned(),
        size: item.size,
        digest: item.digest.clone(),
        inside: facts
            .as_ref()
            .map_or_else(|| Value::Object(Map::new()), |facts| Value::Object(document::inside(facts))),
        signatures: item.signatures.iter().cloned().collect(),
        new_signer: item.signatures.iter().any(is_new),
        scripts: match scripts {
            Scripts::Known(all) => Some(scripts::changes(&[], &all)),
            Scripts::Digest if facts.is_none_or(|facts| facts.scripts.is_none()) => Some(Vec::new()),
            Scripts::Digest | Scripts::Unreadable => None,
        },
    })
}

fn change(old: &Side, new: &Side, name: &str, item: &Item, other: &Item) -> Result<Option<Change>, Failure> {
    let rest = pairs(&item.other, &other.other);
    if item.digest == other.digest && rest.is_empty() {
        // A change of signers alone is told with the signers.
        return Ok(None);
    }
    let (mut inside, mut scripts) = (BTreeMap::new(), Some(Vec::new()));
    if item.digest != other.digest {
        let (before, after) = (old.inside(item)?, new.inside(other)?);
        let named = |facts: &Option<Facts>| facts.as_ref().map(document::inside).unwrap_or_default();
        inside = pairs(&named(&before.facts), &named(&after.facts));
        let digest = |seen: &Seen| seen.facts.as_ref().and_then(|facts| facts.scripts);
        scripts = match (&before.scripts, &after.scripts) {
            (Scripts::Known(before), Scripts::Known(after)) => Some(scripts::changes(before, after)),
            (Scripts::Unreadable, _) | (_, Scripts::Unreadable) => None,
            // What is not at hand is known by its digest.
            _ => (digest(&before) == digest(&after)).then(Vec::new),
        };
    }
    Ok(Some(Change {
        artifact: name.to_owned(),
        digest: Pair::of(item.digest.clone(), other.digest.clone()),
        size: Pair::of(item.size, other.size),
        inside,
        scripts,
        other: rest,
    }))
}

/// Members that differ; what is missing is `null`.
fn pairs(old: &Map<String, Value>, new: &Map<String, Value>) -> BTreeMap<String, Pair<Value>> {
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let value = |map: &Map<String, Value>, key: &str| map.get(key).cloned().unwrap_or_default();
    keys.into_iter()
        .filter_map(|key| Some((key.clone(), Pair::of(value(old, key), value(new, key))?)))
        .collect()
}

fn trees(old: &Side, new: &Side) -> Vec<TreeChange> {
    let nothing = Map::new();
    let names: BTreeSet<&String> = old.trees.keys().chain(new.trees.keys()).collect();
    let changes = names.into_iter().filter_map(|name| {
        let (before, after) =
            (old.trees.get(name).unwrap_or(&nothing), new.trees.get(name).unwrap_or(&nothing));
        let only = |these: &Map<String, Value>, those: &Map<String, Value>| -> Vec<String> {
            these.keys().filter(|path| !those.contains_key(*path)).cloned().collect()
        };
        let mut changed = pairs(before, after);
        changed.retain(|path, _| before.contains_key(path) && after.contains_key(path));
        let change = TreeChange {
            tree: name.clone(),
            added: only(after, before),
            removed: only(before, after),
            changed,
        };
        let is_empty = change.added.is_empty() && change.removed.is_empty() && change.changed.is_empty();
        (!is_empty).then_some(change)
    });
    changes.collect()
}
