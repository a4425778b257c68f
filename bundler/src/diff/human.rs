// SPDX-License-Identifier: Apache-2.0
//! A difference as text: what needs a decision first, then each artifact by name. All that came from outside is
//! escaped.

use std::fmt::Write;

use manifests::name::printable;
use serde_json::{Map, Value};
use verifier::report::human::size;

use super::scripts::{Kind, ScriptChange};
use super::side::Signature;
use super::words::{self, plain};
use super::{Change, Difference, Pair, SignerChange, Summary, TreeChange};
use crate::report::count;

/// Paths of a tree that are listed; the JSON document has all.
const MAX_PATHS: usize = 50;

/// The whole report.
pub(super) fn text(difference: &Difference) -> String {
    let mut out = String::new();
    line(&mut out, 0, &format!("old: {}", head(&difference.old)));
    line(&mut out, 0, &format!("new: {}", head(&difference.new)));
    if difference.is_empty() {
        line(&mut out, 0, "no difference");
        return out;
    }
    difference.changed_signers.iter().for_each(|change| signer(&mut out, change));
    difference.added.iter().for_each(|summary| only(&mut out, "new", summary));
    difference.removed.iter().for_each(|summary| only(&mut out, "removed", summary));
    difference.changed.iter().for_each(|change| changed(&mut out, change));
    difference.trees.iter().for_each(|change| tree(&mut out, change));
    for (place, pair) in &difference.other {
        elsewhere(&mut out, 0, place, pair);
    }
    numbers(&mut out, difference);
    out
}

/// What a lock that was written anew changes, in short: a line for each artifact.
pub(super) fn brief(difference: &Difference) -> String {
    let mut out = String::new();
    difference.changed_signers.iter().for_each(|change| signer(&mut out, change));
    for change in &difference.changed {
        let what = match (change.inside.get("version"), &change.digest) {
            (Some(pair), _) => format!(" {}", values(pair)),
            (None, Some(_)) => ": other bytes".to_owned(),
            (None, None) => ": the same bytes".to_owned(),
        };
        let scripts = if change.scripts.is_none() { ", OTHER SCRIPTS" } else { "" };
        line(&mut out, 0, &format!("{}{what}{scripts}", change.artifact));
        if change.digest.is_none() {
            change.other.iter().for_each(|(key, pair)| elsewhere(&mut out, 1, key, pair));
        }
    }
    difference.added.iter().for_each(|summary| only(&mut out, "new", summary));
    difference.removed.iter().for_each(|summary| only(&mut out, "removed", summary));
    difference.trees.iter().for_each(|change| tree(&mut out, change));
    for (place, pair) in &difference.other {
        elsewhere(&mut out, 0, place, pair);
    }
    numbers(&mut out, difference);
    out
}

/// How many there are of each.
fn numbers(out: &mut String, difference: &Difference) {
    let parts = [
        (difference.changed_signers.len(), "changed signer"),
        (difference.added.len(), "new artifact"),
        (difference.removed.len(), "removed artifact"),
        (difference.changed.len(), "changed artifact"),
        (difference.unchanged, "unchanged artifact"),
    ];
    let parts = parts.into_iter().filter(|(number, _)| *number > 0);
    let parts: Vec<String> = parts.map(|(number, what)| count(number, what)).collect();
    if !parts.is_empty() {
        line(out, 0, &parts.join(", "));
    }
}

/// One line, indented; nothing in it moves the cursor.
fn line(out: &mut String, depth: usize, text: &str) {
    // Writing to a String does not fail.
    let _ = writeln!(out, "{:1$}{2}", "", depth * 2, printable(text));
}

fn head(head: &Map<String, Value>) -> String {
    let text = |value: Option<&Value>| value.map(plain).unwrap_or_default();
    let file = text(head.get("file"));
    match head.get("bundle") {
        Some(bundle) => format!(
            "{file}: bundle {} {}, sequence {}, {}",
            text(bundle.get("name")),
            text(bundle.get("version")),
            text(bundle.get("sequence")),
            text(bundle.get("id"))
        ),
        None => format!("{file}: lock of recipe {}", text(head.get("recipe"))),
    }
}

fn values(pair: &Pair<Value>) -> String {
    format!("{} -> {}", plain(&pair.old), plain(&pair.new))
}

fn signed(signatures: &[Signature]) -> String {
    let one = |signature: &Signature| {
        let kind = signature.kind.as_ref().map(|kind| format!(" ({kind})")).unwrap_or_default();
        let name = signature.name.as_ref().map(|name| format!(" \"{name}\"")).unwrap_or_default();
        format!("{}{name}{kind}", signature.signer)
    };
    let all: Vec<String> = signatures.iter().map(one).collect();
    if all.is_empty() { "nobody: unsigned".to_owned() } else { all.join(" and ") }
}

fn signer(out: &mut String, change: &SignerChange) {
    match (&change.artifact, &change.signer) {
        (Some(artifact), _) => line(out, 0, &format!("CHANGED SIGNER of {artifact}")),
        (None, name) => {
            let name = name.as_deref().unwrap_or_default();
            line(out, 0, &format!("CHANGED SIGNER `{name}`: another identity is trusted"));
        }
    }
    line(out, 1, &format!("old: {}", signed(&change.old)));
    line(out, 1, &format!("new: {}", signed(&change.new)));
}

fn only(out: &mut String, what: &str, summary: &Summary) {
    let inside = |key: &str| summary.inside.get(key).map(plain);
    let known: Vec<String> = ["name", "version", "arch"].into_iter().filter_map(inside).collect();
    let known = if known.is_empty() { String::new() } else { format!(": {}", known.join(" ")) };
    line(out, 0, &format!("{what} {}{known}, {}", summary.artifact, size(summary.size)));
    let seen = if summary.new_signer { "; A NEW SIGNER: signs nothing in old" } else { "" };
    line(out, 1, &format!("signed by {}{seen}", signed(&summary.signatures)));
    // What is taken away runs nothing any more.
    if what == "new" {
        scripts(out, summary.scripts.as_deref());
    }
}

fn changed(out: &mut String, change: &Change) {
    line(out, 0, &format!("changed {}", change.artifact));
    for (key, pair) in &change.inside {
        line(out, 1, &format!("{}: {}", words::words(key), values(pair)));
    }
    match (&change.size, &change.digest) {
        (Some(Pair { old, new }), _) => {
            let by = if new > old { format!("+{}", new - old) } else { format!("-{}", old - new) };
            line(out, 1, &format!("size: {} -> {} ({by} bytes)", size(*old), size(*new)));
        }
        (None, Some(_)) => line(out, 1, "size: the same"),
        (None, None) => line(out, 1, "content: the same"),
    }
    if let Some(Pair { old, new }) = &change.digest {
        line(out, 1, &format!("digest: {old} -> {new}"));
    }
    scripts(out, change.scripts.as_deref());
    for (key, pair) in &change.other {
        elsewhere(out, 1, key, pair);
    }
}

/// What stands in the documents themselves.
fn elsewhere(out: &mut String, depth: usize, place: &str, pair: &Pair<Value>) {
    words::lines(place, pair).iter().for_each(|text| line(out, depth, text));
}

fn scripts(out: &mut String, changes: Option<&[ScriptChange]>) {
    let Some(changes) = changes else {
        line(out, 1, "SCRIPTS: others, or unknown: the package cannot be read, or is not at hand");
        return;
    };
    for change in changes {
        let what = match change.change {
            Kind::Added => "new",
            Kind::Removed => "removed",
            Kind::Changed => "changed",
            Kind::Unread => "too long to be compared",
        };
        let by = match &change.interpreter {
            None => String::new(),
            Some(Pair { old: Some(one), new: None } | Pair { old: None, new: Some(one) }) => {
                format!(", run by {one}")
            }
            Some(Pair { old, new }) => {
                let words = |program: &Option<String>| program.clone().unwrap_or_default();
                format!(", run by {} -> {}", words(old), words(new))
            }
        };
        line(out, 1, &format!("SCRIPT {}: {what}{by}", change.script));
        match &change.diff {
            None => line(out, 2, "(too long to be shown)"),
            Some(diff) => diff.split_terminator('\n').for_each(|text| code(out, text)),
        }
    }
}

/// A line of a script: tabs stay, for they move nothing but what follows on the line.
fn code(out: &mut String, text: &str) {
    let parts: Vec<String> = text.split('\t').map(printable).collect();
    let _ = writeln!(out, "    {}", parts.join("\t"));
}

fn tree(out: &mut String, change: &TreeChange) {
    line(out, 0, &format!("tree {}", change.tree));
    let paths = |mark: &str, paths: &mut dyn Iterator<Item = &String>| -> Vec<String> {
        paths.map(|path| format!("{mark} {path}")).collect()
    };
    let mut all = paths("+", &mut change.added.iter());
    all.extend(paths("-", &mut change.removed.iter()));
    all.extend(paths("!", &mut change.changed.keys()));
    all.iter().take(MAX_PATHS).for_each(|path| line(out, 1, path));
    if let Some(more) = all.len().checked_sub(MAX_PATHS).filter(|more| *more > 0) {
        line(out, 1, &format!("and {more} more: --format json lists them"));
    }
}
