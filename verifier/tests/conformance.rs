// SPDX-License-Identifier: Apache-2.0
//! `verifier check` on the conformance sets, by the tool that comes with it.
//!
//! Sets and tool lie beside the project, in `../shared`. Where they or Python are absent, the test says that
//! it was skipped. What differs on purpose stands in `known-differences/`; an unexpected pass fails too.
// A test that cannot start its tool should stop where it stands.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
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

fn conforms(topic: &str) {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let vectors = std::env::var_os("SEALIFT_VECTORS")
        .map_or_else(|| package.join("../../shared/vectors"), std::path::PathBuf::from);
    let (tool, cases) = (vectors.join("../tools/run-cases"), vectors.join(topic).join("cases.tsv"));
    if !tool.is_file() || !cases.is_file() {
        eprintln!("skipped: {} or {} is not here", tool.display(), cases.display());
        return;
    }
    let mut python = Command::new("python3");
    python.arg(tool).arg(env!("CARGO_BIN_EXE_verifier")).arg(cases);
    let known = package.join(format!("tests/known-differences/{topic}.txt"));
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
