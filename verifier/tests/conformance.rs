// SPDX-License-Identifier: Apache-2.0
//! `verifier check` on the conformance sets, by the tool that comes with it.
//!
//! Sets and tool lie beside the project, in `../shared`. Where they or Python are absent, the test says that
//! it was skipped. What differs on purpose stands in `known-differences/`; an unexpected pass fails too.
// A test that cannot start its tool should stop where it stands.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

macro_rules! topics {
    ($($topic:ident)*) => {
        $(#[test]
        fn $topic() {
            conforms(stringify!($topic));
        })*
    };
}

topics! { apple archives authenticode aws deb gzip openpgp rpm x509 }

/// The folder of vectors; none, said aloud, where it, the cases of the topic or their tool are not here.
fn vectors(topic: &str) -> Option<PathBuf> {
    let vectors = std::env::var_os("SEALIFT_VECTORS")
        .map_or_else(|| package().join("../../shared/vectors"), PathBuf::from);
    let (tool, cases) = (vectors.join("../tools/run-cases"), vectors.join(topic).join("cases.tsv"));
    if tool.is_file() && cases.is_file() {
        return Some(vectors);
    }
    eprintln!("skipped: {} or {} is not here", tool.display(), cases.display());
    None
}

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn conforms(topic: &str) {
    let Some(vectors) = vectors(topic) else { return };
    run(&vectors, topic, &vectors.join(topic).join("cases.tsv"));
}

/// Of the topic `notation`, trust policies and trust stores. Layouts and envelopes come with the checker of signatures.
#[test]
fn notation_policies_and_stores() {
    let Some(vectors) = vectors("notation") else { return };
    let cases = std::fs::read_to_string(vectors.join("notation/cases.tsv")).unwrap();
    let (head, rows) = cases.split_once('\n').unwrap();
    let (ours, later): (Vec<&str>, Vec<&str>) = rows.lines().partition(|row| {
        let (case, arguments) = row.split_once('\t').unwrap();
        match arguments.strip_prefix("--as ").and_then(|kind| kind.split(' ').next()) {
            Some(kind) => kind == "trust-policy" || kind == "trust-store",
            None => case.starts_with("policy-") || case.starts_with("store-"),
        }
    });
    let of_others = later.iter().find(|row| row.starts_with("policy-") || row.starts_with("store-"));
    assert!(of_others.is_none() && ours.len() > 90, "{of_others:?}, {} cases", ours.len());
    eprintln!("{} cases of kinds notation and notation-envelope are left out: not built yet", later.len());
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("cases.tsv");
    std::fs::write(&file, format!("{head}\n{}\n", ours.join("\n"))).unwrap();
    run(&vectors, "notation", &file);
}

fn run(vectors: &Path, topic: &str, cases: &Path) {
    let mut python = Command::new("python3");
    python.arg(vectors.join("../tools/run-cases")).arg(env!("CARGO_BIN_EXE_verifier")).arg(cases);
    python.arg("--root").arg(vectors.join(topic));
    let known = package().join(format!("tests/known-differences/{topic}.txt"));
    if known.is_file() {
        python.arg("--known").arg(known);
    }
    let Ok(done) = python.output() else {
        eprintln!("skipped: python3 is not here");
        return;
    };
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{out}{err}");
    assert!(err.contains("wrongly accepted: 0"), "{err}");
    assert!(!out.starts_with("0 passed"), "no case was run: {out}");
}
