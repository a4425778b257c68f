// SPDX-License-Identifier: Apache-2.0
//! Scripts that packages run, before and after: what changed, as the unified difference that reviewers know.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use similar::TextDiff;

use crate::inside::Script;

/// Lines of a script that is compared line by line: real ones have up to some hundreds, and the work grows with
/// the square of lines that differ.
pub const MAX_DIFF_LINES: usize = 5000;
/// Bytes of a script that is compared line by line.
pub const MAX_SHOWN_BYTES: usize = 256 * 1024;
/// Lines that stand around a change.
const CONTEXT: usize = 3;

/// What became of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    /// NEW runs it, OLD does not.
    Added,
    /// OLD runs it, NEW does not.
    Removed,
    /// Both run it, and it is another.
    Changed,
    /// Both run it, and it is too long to be read: nothing is known about it.
    Unread,
}

/// A script that is not the same in both.
#[derive(Debug, Serialize)]
pub(super) struct ScriptChange {
    pub(super) script: String,
    pub(super) change: Kind,
    /// What runs it, before and after, where that changed or it is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) interpreter: Option<super::Pair<Option<String>>>,
    /// The unified difference; none where it is too long to be shown.
    pub(super) diff: Option<String>,
}

/// Scripts that differ, by name.
pub(super) fn changes(old: &[Script], new: &[Script]) -> Vec<ScriptChange> {
    let by_name = |scripts: &'_ [Script]| -> BTreeMap<String, Script> {
        scripts.iter().map(|script| (script.name.clone(), script.clone())).collect()
    };
    let (old, new) = (by_name(old), by_name(new));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    names.into_iter().filter_map(|name| change(name, old.get(name), new.get(name))).collect()
}

fn change(name: &str, old: Option<&Script>, new: Option<&Script>) -> Option<ScriptChange> {
    let change = match (old, new) {
        (Some(old), Some(new)) if old.text.is_none() && new.text.is_none() => Kind::Unread,
        (old, new) if old == new => return None,
        (None, _) => Kind::Added,
        (_, None) => Kind::Removed,
        _ => Kind::Changed,
    };
    let runs = |script: Option<&Script>| script.and_then(|script| script.interpreter.clone());
    let text = |script: Option<&Script>| script.map_or(Some(Vec::new()), |script| script.text.clone());
    let diff = text(old).zip(text(new)).and_then(|(old, new)| unified(&old, &new));
    Some(ScriptChange {
        script: name.to_owned(),
        change,
        interpreter: super::Pair::of(runs(old), runs(new)),
        diff,
    })
}

fn unified(old: &[u8], new: &[u8]) -> Option<String> {
    let short = |text: &[u8]| {
        text.len() <= MAX_SHOWN_BYTES && text.iter().filter(|byte| **byte == b'\n').count() <= MAX_DIFF_LINES
    };
    if !short(old) || !short(new) {
        return None;
    }
    // Bytes that are no text are escaped before they are compared, so that no two of them look alike.
    let (old, new) = (escaped(old), escaped(new));
    let diff = TextDiff::from_lines(&old, &new);
    let mut unified = diff.unified_diff();
    // rpm takes the last line feed off every script, which is no news.
    unified.missing_newline_hint(old.ends_with('\n') != new.ends_with('\n'));
    Some(unified.context_radius(CONTEXT).header("old", "new").to_string())
}

fn escaped(text: &[u8]) -> String {
    text.utf8_chunks()
        .map(|chunk| {
            let rest: String = chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")).collect();
            chunk.valid().to_owned() + &rest
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn script(name: &str, text: &[u8]) -> Script {
        Script { name: name.to_owned(), interpreter: Some("/bin/sh".to_owned()), text: Some(text.to_vec()) }
    }

    #[test]
    fn changes_are_shown_line_by_line() {
        let old = [script("%pre", b"same\n"), script("%post", b"one\ntwo\n"), script("%postun", b"gone\n")];
        let new = [script("%pre", b"same\n"), script("%post", b"one\nthree\n"), script("%preun", b"new\n")];
        let found = changes(&old, &new);
        let kinds: Vec<_> = found.iter().map(|change| (change.script.as_str(), change.change)).collect();
        let expected = [("%post", Kind::Changed), ("%postun", Kind::Removed), ("%preun", Kind::Added)];
        assert_eq!(kinds, expected);
        let diff = found[0].diff.as_deref().unwrap();
        assert_eq!(diff, "--- old\n+++ new\n@@ -1,2 +1,2 @@\n one\n-two\n+three\n");
        assert!(found[2].diff.as_deref().unwrap().contains("+new\n"));
    }

    #[test]
    fn bytes_that_are_no_text_differ_too() {
        let found = changes(&[script("a", b"\xff\n")], &[script("a", b"\xfe\n")]);
        assert_eq!(found[0].diff.as_deref().unwrap(), "--- old\n+++ new\n@@ -1 +1 @@\n-\\xff\n+\\xfe\n");
    }

    #[test]
    fn another_program_that_runs_it_is_a_change() {
        let mut new = script("a", b"text");
        new.interpreter = Some("/bin/bash".to_owned());
        let found = changes(&[script("a", b"text")], &[new]);
        assert_eq!(found[0].change, Kind::Changed);
        assert!(found[0].interpreter.is_some());
    }

    #[test]
    fn what_is_too_long_is_said_to_be_so() {
        let long = script("a", &b"x\n".repeat(MAX_DIFF_LINES + 1));
        let found = changes(&[script("a", b"")], &[long]);
        assert_eq!((found[0].change, &found[0].diff), (Kind::Changed, &None));
        let unread = Script { text: None, ..script("a", b"") };
        assert_eq!(
            changes(std::slice::from_ref(&unread), std::slice::from_ref(&unread))[0].change,
            Kind::Unread
        );
    }
}
