// SPDX-License-Identifier: Apache-2.0
//! A bundle by a writer that was made from `docs/formats` alone, and readers that know nothing of us.
#![allow(clippy::unwrap_used, reason = "a test that cannot prepare its folder has failed")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs a program; none where it is not installed, which is said aloud.
fn run(program: &str, arguments: &[&str], folder: &Path) -> Option<Output> {
    match Command::new(program).args(arguments).current_dir(folder).stdin(Stdio::null()).output() {
        Ok(output) => Some(output),
        Err(error) => {
            println!("skipped: {program} cannot be run: {error}");
            None
        }
    }
}

fn verifier(arguments: &[&str], folder: &Path) -> Output {
    run(env!("CARGO_BIN_EXE_verifier"), &[&["--state", "state"], arguments].concat(), folder).unwrap()
}

#[test]
fn bundle_from_the_documents_alone_is_trusted_and_read_by_others() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/make/bundle.py");
    let Some(made) = run("python3", &[script.to_str().unwrap(), folder.to_str().unwrap()], folder) else {
        return;
    };
    assert!(made.status.success(), "{made:?}");
    let fingerprint = String::from_utf8(made.stdout).unwrap();
    let trusted = verifier(&["trust", "init", "root.json", "--fingerprint", fingerprint.trim()], folder);
    assert!(trusted.status.success(), "{trusted:?}");

    let bundle = "first-1.0.bundle.tar";
    let verified = verifier(&["verify", bundle, "--format", "json"], folder);
    assert!(verified.status.success(), "{verified:?}");
    std::fs::write(folder.join("verified.json"), &verified.stdout).unwrap();
    let question = ".outcome == \"trusted\" and .files == 6 and (.unknownSignatures | length) == 1";
    if let Some(answer) = run("jq", &["-e", question, "verified.json"], folder) {
        assert!(answer.status.success(), "{answer:?}");
    }

    let list =
        |program: &str| Some(String::from_utf8(run(program, &["tf", bundle], folder)?.stdout).unwrap());
    let (Some(gnu), Some(bsd)) = (list("tar"), list("bsdtar")) else { return };
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&gnu).len(), 9);
    assert_eq!(lines(&gnu).last(), lines(&bsd).last());
    assert_eq!(lines(&gnu)[..5], lines(&bsd)[..5]);
}
