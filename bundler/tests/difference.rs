// SPDX-License-Identifier: Apache-2.0
//! `bundler diff` between two releases, as bundles on every carrier and as locks.
#![allow(clippy::unwrap_used, reason = "a test that cannot prepare its folder has failed")]

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

const TOOLS: [&str; 3] = ["dpkg-deb", "gpg", "rpmbuild"];
const OLD: &str = "old/tools-1.1.bundle.tar";
const NEW: &str = "new/tools-1.2.bundle.tar";

/// Both releases, locked and built; none where a tool is missing, which is said aloud.
fn releases() -> Option<tempfile::TempDir> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = |tool: &&&str| std::env::split_paths(&path).any(|folder| folder.join(tool).is_file());
    let missing: Vec<_> = TOOLS.iter().filter(|tool| !on_path(tool)).collect();
    if !missing.is_empty() {
        eprintln!("SKIPPED: {missing:?} not installed here");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/make/releases");
    let done = Command::new(script).arg(folder.path()).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    for side in ["old", "new"] {
        for command in ["lock", "build"] {
            let done = bundler(&folder.path().join(side), &[command]).output().unwrap();
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        }
    }
    Some(folder)
}

fn bundler(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bundler"));
    command.args(arguments).current_dir(folder).env("SEALIFT_STORE", folder.join("store"));
    command
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn human(folder: &Path, old: &str, new: &str) -> String {
    let done = bundler(folder, &["diff", old, new]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    text(&done)
}

fn document(folder: &Path, old: &str, new: &str) -> Value {
    let done = bundler(folder, &["diff", old, new, "--format", "json"]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

fn pin(folder: &Path, who: &str) -> String {
    fs::read_to_string(folder.join(format!("{who}.pin"))).unwrap().trim().to_owned()
}

/// The member of a list of which `key` is `value`.
fn find<'a>(list: &'a Value, key: &str, value: &str) -> &'a Value {
    list.as_array().unwrap().iter().find(|item| item[key] == value).unwrap_or(&Value::Null)
}

#[test]
fn everything_that_changed_is_told() {
    let Some(folder) = releases() else { return };
    let path = folder.path();
    for (old, new) in [(OLD, NEW), ("old/bundle.lock", "new/bundle.lock")] {
        let found = document(path, old, new);
        assert_eq!((&found["schema"], &found["outcome"]), (&json!("sealift.diff/1"), &json!("different")));
        let signer = find(&found["changedSigners"], "artifact", "hello");
        assert_eq!(signer["old"][0]["signer"], pin(path, "one"), "{found}");
        assert_eq!(signer["new"][0]["signer"], pin(path, "two"));
        assert_eq!(found["added"][0]["artifact"], "only-1.2");
        assert_eq!(found["removed"][0]["artifact"], "only-1.1");
        let deb = find(&found["changed"], "artifact", "deb");
        assert_eq!(deb["inside"]["version"], json!({"old": "1.1", "new": "1.2"}));
        assert_eq!(deb["scripts"][0]["script"], "postinst");
        let diff = deb["scripts"][0]["diff"].as_str().unwrap();
        assert!(diff.contains("-\techo \"version 1.1\"\n+\techo \"version 1.2\"\n"), "{diff}");
        let rpm = find(&found["changed"], "artifact", "rpm");
        assert_eq!(rpm["inside"]["version"], json!({"old": "2:1.1-1", "new": "2:1.2-1"}));
        let scripts: Vec<_> =
            rpm["scripts"].as_array().unwrap().iter().map(|one| (&one["script"], &one["change"])).collect();
        let expected =
            [("%post", "changed"), ("%postun", "added")].map(|(one, other)| (json!(one), json!(other)));
        assert!(
            scripts
                .iter()
                .zip(&expected)
                .all(|(found, expected)| *found.0 == expected.0 && *found.1 == expected.1)
        );
        assert_eq!(scripts.len(), 2, "{scripts:?}");
        let docs = find(&found["trees"], "tree", "docs");
        assert_eq!((&docs["added"], &docs["removed"]), (&json!(["only-1.2"]), &json!(["only-1.1"])));
        assert_eq!(docs["changed"].as_object().unwrap().keys().collect::<Vec<_>>(), ["changed"]);
    }
    let found = document(path, OLD, NEW);
    assert_eq!(found["other"]["bundle.sequence"], json!({"old": 1, "new": 2}));
    let rpm = find(&found["changed"], "artifact", "rpm");
    assert_eq!(rpm["other"]["install"]["new"]["path"], "/opt/tool-1.2.rpm");
    assert_eq!(find(&found["changedSigners"], "signer", "vendor")["new"][0]["signer"], pin(path, "two"));

    let sheet = human(path, OLD, NEW);
    // What needs a decision stands first.
    assert_eq!(sheet.lines().nth(2), Some("CHANGED SIGNER of hello"), "{sheet}");
    for line in [
        "  SCRIPT postinst: changed",
        "    +\techo \"version 1.2\"",
        "  SCRIPT %postun: new, run by /bin/true",
        "  install path: /opt/tool-1.1.rpm -> /opt/tool-1.2.rpm",
        "bundle sequence: 1 -> 2",
    ] {
        assert!(sheet.lines().any(|found| found == line), "{line}: {sheet}");
    }
    // Of bundles and of locks, a key file is told by its name.
    for sheet in [sheet, human(path, "old/bundle.lock", "new/bundle.lock")] {
        assert!(sheet.contains("\nsigner vendor: key vendor.asc: sha256:"), "{sheet}");
    }
}

#[test]
fn every_carrier_shows_the_same() {
    let Some(folder) = releases() else { return };
    let path = folder.path();
    let without_head = |sheet: &str| sheet.lines().skip(2).collect::<Vec<_>>().join("\n");
    let expected = without_head(&human(path, OLD, NEW));
    tar::Archive::new(File::open(path.join(NEW)).unwrap()).unpack(path.join("disc")).unwrap();
    assert_eq!(without_head(&human(path, OLD, "disc")), expected);
    let stream = File::open(path.join(NEW)).unwrap();
    let done = bundler(path, &["diff", OLD, "-"]).stdin(Stdio::from(stream)).output().unwrap();
    assert!(done.status.success());
    assert_eq!(without_head(&text(&done)), expected);
    assert!(human(path, OLD, OLD).ends_with("no difference\n"));
    assert_eq!(document(path, "old/bundle.lock", "old/bundle.lock")["outcome"], "same");
}

#[test]
fn packages_that_are_not_at_hand_are_known_by_the_digest_of_their_scripts() {
    let Some(folder) = releases() else { return };
    let path = folder.path();
    fs::remove_file(path.join("old/tool.deb")).unwrap();
    let found = document(path, "old/bundle.lock", "new/bundle.lock");
    let deb = find(&found["changed"], "artifact", "deb");
    assert_eq!((&deb["scripts"], &deb["inside"]["version"]["new"]), (&Value::Null, &json!("1.2")));
    assert!(human(path, "old/bundle.lock", "new/bundle.lock").contains("  SCRIPTS: others, or unknown"));
    // Another file of that name is not the one that was locked.
    fs::copy(path.join("new/tool.deb"), path.join("old/tool.deb")).unwrap();
    let found = document(path, "old/bundle.lock", "new/bundle.lock");
    assert_eq!(find(&found["changed"], "artifact", "deb")["scripts"], Value::Null);
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let Some(folder) = releases() else { return };
    let path = folder.path();
    let refused = |old: &str, new: &str| {
        let done = bundler(path, &["diff", old, new]).stdin(Stdio::null()).output().unwrap();
        (done.status.code().unwrap(), String::from_utf8(done.stderr).unwrap())
    };
    let (code, told) = refused(OLD, "new/bundle.lock");
    assert!(code == 2 && told.contains("two bundles or two locks"), "{told}");
    let (code, told) = refused("-", "-");
    assert!(code == 2 && told.contains("read once"), "{told}");
    let (code, told) = refused(OLD, "nowhere.tar");
    assert!(code == 2 && told.contains("does not exist"), "{told}");
    // A bundle that does not hold is no subject for a review.
    let mut bytes = fs::read(path.join(NEW)).unwrap();
    let at = bytes.windows(9).rposition(|window| window == b"hello 1.2").unwrap();
    bytes[at] ^= 1;
    fs::write(path.join(NEW), bytes).unwrap();
    let (code, told) = refused(OLD, NEW);
    assert!(code == 3 && told.contains("is not the file that was signed"), "{told}");
}
