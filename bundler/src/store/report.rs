// SPDX-License-Identifier: Apache-2.0
//! What `bundler store` tells: the same facts for people and for programs.

use std::path::Path;
use std::time::SystemTime;

use manifests::time::Timestamp;
use serde_json::{Value, json};
use verifier::error::Code;
use verifier::report::human::size;

use super::{Action, Entry, Keep, Store};
use crate::failure::Failure;
use crate::report::{Printer, Report, count, shown};

/// `bundler store list`
pub fn list(root: &Path) -> Result<Report, Failure> {
    let Some(store) = Store::existing(root)? else { return Ok(nothing(root)) };
    let entries = store.entries()?;
    let mut lines: Vec<String> = entries.iter().map(line).collect();
    lines.push(format!("{}: {}, {}", shown(root), count(entries.len(), "file"), size(total(&entries))));
    Ok(Report {
        schema: "store",
        outcome: "listed",
        text: lines.join("\n"),
        body: json!({"store": root.display().to_string(), "files": entries.iter().map(document).collect::<Vec<_>>(),
                     "bytes": total(&entries)}),
    })
}

/// `bundler store verify`: a refusal where a file is damaged, unless it may be removed.
pub fn verify(root: &Path, action: Action, printer: &Printer) -> Result<Report, Failure> {
    let Some(store) = Store::existing(root)? else { return Ok(nothing(root)) };
    let progress = printer.progress("verifying", total(&store.entries()?));
    let audit = store.audit(&progress)?;
    drop(progress);
    for damage in &audit.damaged {
        printer.note(&damage.failure.to_string());
    }
    let number = audit.damaged.len();
    if action == Action::Remove {
        store.remove_damaged(&audit.damaged)?;
    } else if number > 0 {
        return Err(Failure::new(Code::DigestMismatch, root.display().to_string(), "has damaged files")
            .expected("every file to be what its name says")
            .found(format!("{} damaged, {} sound", number, audit.sound))
            .hint("run `bundler store verify --remove`, then `bundler lock`, which fetches them again"));
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

/// `bundler store prune`
pub fn prune(root: &Path, keep: &Keep, action: Action) -> Result<Report, Failure> {
    if keep.named.is_none() && keep.since.is_none() {
        return Err(Failure::usage("store prune", "is not told what stays")
            .hint("name every lock that is in use with --lock, or give --older-than DAYS, or both"));
    }
    let Some(store) = Store::existing(root)? else { return Ok(nothing(root)) };
    let pruned = store.prune(keep, action)?;
    let (outcome, verb) = match action {
        Action::Remove => ("pruned", "removed"),
        Action::Plan => ("planned", "would remove"),
    };
    let mut lines: Vec<String> = match action {
        Action::Remove => Vec::new(),
        Action::Plan => pruned.files.iter().map(line).collect(),
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
        body: json!({"store": root.display().to_string(), "files": pruned.files.iter().map(document).collect::<Vec<_>>(),
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

fn line(entry: &Entry) -> String {
    format!("{}  {}  {}", entry.digest, used(entry), size(entry.size))
}

fn document(entry: &Entry) -> Value {
    json!({"digest": entry.digest.to_string(), "size": entry.size, "used": used(entry)})
}

fn used(entry: &Entry) -> String {
    let seconds = entry.used.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Timestamp::from_seconds(seconds).map_or_else(|| "-".to_owned(), |time| time.to_string())
}

fn total(entries: &[Entry]) -> u64 {
    entries.iter().map(|entry| entry.size).sum()
}
