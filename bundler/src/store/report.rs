// SPDX-License-Identifier: Apache-2.0
//! What `bundler store` tells: the same facts for people and for programs.

use std::path::Path;
use std::time::SystemTime;

use manifests::name::printable;
use manifests::time::Timestamp;
use serde_json::{Value, json};
use verifier::error::Refusal;
use verifier::report::human::size;

use super::note::Origins;
use super::{Action, Entry, Keep, Store};
use crate::failure::{Failure, Failures, Gathered};
use crate::report::{Printer, Report, count, shown};

/// `bundler store list`
pub fn list(root: &Path) -> Result<Report, Failure> {
    let Some(store) = Store::existing(root)? else { return Ok(nothing(root)) };
    let (entries, origins) = (store.entries()?, store.origins()?);
    let mut lines: Vec<String> = entries.iter().map(|entry| line(entry, &origins)).collect();
    lines.push(format!("{}: {}, {}", shown(root), count(entries.len(), "file"), size(total(&entries))));
    Ok(Report {
        schema: "store",
        outcome: "listed",
        text: lines.join("\n"),
        body: json!({"store": root.display().to_string(), "files": documents(&entries, &origins),
                     "bytes": total(&entries)}),
    })
}

/// `bundler store verify`: a refusal for each file that is damaged, unless they may be removed.
pub fn verify(root: &Path, action: Action, printer: &Printer) -> Result<Report, Failures> {
    let Some(store) = Store::existing(root)? else { return Ok(nothing(root)) };
    let progress = printer.progress("verifying", total(&store.entries()?));
    let audit = store.audit(&progress)?;
    drop(progress);
    let number = audit.damaged.len();
    if action == Action::Remove {
        audit.damaged.iter().for_each(|damage| printer.note(&in_a_line(damage.failure.refusal())));
        store.remove_damaged(&audit.damaged)?;
    } else {
        let mut gathered = Gathered::default();
        audit.damaged.iter().for_each(|damage| gathered.add(damage.failure.clone()));
        if number > 0 {
            printer.note(&format!("{}: {number} damaged, {} sound", root.display(), audit.sound));
        }
        gathered.end()?;
    }
    let removed = if number > 0 { format!("; {number} damaged, removed") } else { String::new() };
    Ok(Report {
        schema: "store",
        outcome: "verified",
        text: format!(
            "{}: {} verified, {}{removed}",
            shown(root),
            count(audit.sound, "file"),
            size(audit.bytes)
        ),
        body: json!({"store": root.display().to_string(), "sound": audit.sound, "bytes": audit.bytes,
                     "removed": audit.damaged.iter().map(|damage| damage.digest.to_string()).collect::<Vec<_>>()}),
    })
}

/// A refusal where it refuses nothing: what is wrong with which file.
fn in_a_line(refusal: &Refusal) -> String {
    let found = refusal.found.as_ref().map(|found| format!(": found {found}")).unwrap_or_default();
    format!("{} {}{found}", refusal.subject, refusal.what)
}

/// `bundler store prune`
pub fn prune(root: &Path, keep: &Keep, action: Action) -> Result<Report, Failure> {
    if keep.named.is_none() && keep.since.is_none() {
        return Err(Failure::usage("store prune", "is not told what stays")
            .hint("name every lock that is in use with --lock, or give --older-than DAYS, or both"));
    }
    let Some(store) = Store::existing(root)? else { return Ok(nothing(root)) };
    let origins = store.origins()?;
    let pruned = store.prune(keep, action)?;
    let (outcome, verb) = match action {
        Action::Remove => ("pruned", "removed"),
        Action::Plan => ("planned", "would remove"),
    };
    let mut lines: Vec<String> = match action {
        Action::Remove => Vec::new(),
        Action::Plan => pruned.files.iter().map(|entry| line(entry, &origins)).collect(),
    };
    lines.push(format!(
        "{}: {verb} {} and {}, {}; {} stay",
        shown(root),
        count(pruned.files.len(), "file"),
        count(pruned.parts, "unfinished download"),
        size(pruned.bytes),
        pruned.kept
    ));
    Ok(Report {
        schema: "store",
        outcome,
        text: lines.join("\n"),
        body: json!({"store": root.display().to_string(), "files": documents(&pruned.files, &origins),
                     "parts": pruned.parts, "bytes": pruned.bytes, "kept": pruned.kept}),
    })
}

fn nothing(root: &Path) -> Report {
    Report {
        schema: "store",
        outcome: "absent",
        text: format!("{}: there is no store yet", shown(root)),
        body: json!({"store": root.display().to_string(), "files": [], "bytes": 0}),
    }
}

fn line(entry: &Entry, origins: &Origins) -> String {
    let urls = origins.get(&entry.digest).into_iter().flatten();
    let urls: String = urls.map(|url| format!("  {}", printable(url))).collect();
    format!("{}  {}  {}{urls}", entry.digest, used(entry), size(entry.size))
}

fn documents(entries: &[Entry], origins: &Origins) -> Vec<Value> {
    let urls = |entry: &Entry| origins.get(&entry.digest).into_iter().flatten().cloned().collect::<Vec<_>>();
    let document = |entry: &Entry| json!({"digest": entry.digest.to_string(), "size": entry.size, "used": used(entry), "urls": urls(entry)});
    entries.iter().map(document).collect()
}

fn used(entry: &Entry) -> String {
    let seconds = entry.used.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Timestamp::from_seconds(seconds).map_or_else(|| "-".to_owned(), |time| time.to_string())
}

fn total(entries: &[Entry]) -> u64 {
    entries.iter().map(|entry| entry.size).sum()
}
