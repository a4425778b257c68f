// SPDX-License-Identifier: Apache-2.0
//! Rules between the parts of a manifest: a good one, and one change at a time.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test whose own document is wrong has failed")]

use manifests::bundle::{Manifest, ManifestError};
use serde_json::{Value, json};

fn good() -> Value {
    let digest = json!({"sha256": "ab".repeat(32)});
    let paths = ["files/a/a.bin", "files/b/b.bin", "files/t/x/y.md", "files/t/z.md"];
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": paths.iter().map(|path| json!({"name": path, "digest": digest})).collect::<Vec<_>>(),
        "predicateType": "urn:sealift:bundle:1",
        "predicate": {
            "bundle": {"name": "n", "version": "1", "sequence": 1, "created": "2026-11-22T00:00:00Z", "profile": "standard"},
            "requires": [], "chains": {"size": 0, "digest": digest},
            "files": paths.iter().map(|path| json!({"path": path, "size": 1, "mode": "0644"})).collect::<Vec<_>>(),
            "signers": {},
            "components": [{"name": "extra", "default": false}],
            "artifacts": [
                {"name": "a", "file": "files/a/a.bin", "unsigned": "why", "install": {"action": "file", "path": "/opt/a", "mode": "0644"}},
                {"name": "b", "file": "files/b/b.bin", "unsigned": "why", "install": {"action": "file", "path": "/opt/b", "mode": "0644"}}],
            "trees": [{"name": "t", "directory": "files/t/", "links": [{"path": "l", "target": "x/y.md"}],
                       "emptyDirectories": ["e"], "unsigned": "why", "install": {"action": "directory", "path": "/opt/t"}}],
            "trustStores": [], "trustPolicies": [], "images": [], "checks": []}})
}

fn read(document: &Value) -> Result<Manifest, ManifestError> {
    Manifest::read(document.to_string().as_bytes())
}

/// What the reader says when the value at a place is another.
fn refusal(place: &str, value: Value) -> String {
    let mut document = good();
    *document.pointer_mut(place).unwrap() = value;
    read(&document).expect_err(place).to_string()
}

#[test]
fn a_good_manifest_is_read_and_written_the_same() {
    let manifest = read(&good()).unwrap();
    let again = Manifest::read(&manifest.render().unwrap()).unwrap();
    assert_eq!(manifest, again);
}

#[test]
fn two_things_never_go_to_one_place() {
    let path = "/predicate/artifacts/1/install/path";
    for taken in ["/opt/a", "/opt/a/b", "/opt/t", "/opt/t/z.md", "/opt/t/l", "/opt/t/x", "/opt/t/e"] {
        assert!(refusal(path, json!(taken)).contains("two things"), "{taken}");
    }
    let mut document = good();
    for free in ["/opt/t/other", "/opt/t/e/x", "/opt/t-x"] {
        *document.pointer_mut(path).unwrap() = json!(free);
        assert!(read(&document).is_ok(), "{free}");
    }
}

/// What stands between two things when paths are sorted hides neither from the other.
#[test]
fn two_things_never_go_to_one_place_whatever_lies_beside() {
    let mut document = good();
    document["predicate"]["artifacts"][0]["install"]["path"] = json!("/opt/t-x");
    document["predicate"]["artifacts"][1]["install"]["path"] = json!("/opt/t/z.md");
    assert!(read(&document).unwrap_err().to_string().contains("two things"));
}

#[test]
fn two_trees_never_put_two_things_at_one_place() {
    let second = |installed: &str, file: &str| {
        let mut document = good();
        let path = format!("files/u/{file}");
        let digest = json!({"sha256": "ab".repeat(32)});
        let predicate = &mut document["predicate"];
        predicate["files"].as_array_mut().unwrap().push(json!({"path": path, "size": 1, "mode": "0644"}));
        predicate["trees"].as_array_mut().unwrap().push(json!({"name": "u", "directory": "files/u/", "links": [],
            "emptyDirectories": [], "unsigned": "why", "install": {"action": "directory", "path": installed}}));
        document["subject"].as_array_mut().unwrap().push(json!({"name": path, "digest": digest}));
        read(&document).map(drop).map_err(|error| error.to_string())
    };
    for (installed, file) in [("/opt", "t/z.md"), ("/opt/t", "z.md"), ("/opt/t/x", "y.md")] {
        assert!(second(installed, file).unwrap_err().contains("two things"), "{installed} {file}");
    }
    for (installed, file) in
        [("/opt", "t/other"), ("/opt/t", "other"), ("/opt/t/x", "other"), ("/opt/t-x", "z.md")]
    {
        assert_eq!(second(installed, file), Ok(()), "{installed} {file}");
    }
}

#[test]
fn alternatives_may_go_to_one_place() {
    let mut document = good();
    document["predicate"]["artifacts"][1]["install"]["path"] = json!("/opt/a");
    document["predicate"]["artifacts"][1]["component"] = json!("extra");
    assert!(read(&document).is_ok());
}

#[test]
fn names_of_the_verifier_itself_are_refused() {
    assert!(
        refusal("/predicate/artifacts/0/install/path", json!("/.sealift.lock")).contains("verifier itself")
    );
    assert!(
        refusal("/predicate/trees/0/install/path", json!("/x/.sealift-stage-1")).contains("verifier itself")
    );
    assert!(
        refusal("/predicate/trees/0/emptyDirectories", json!([".sealift-stage-1"]))
            .contains("verifier itself")
    );
    let long = format!("/{}", "a/".repeat(2045) + "abcd");
    assert!(refusal("/predicate/trees/0/install/path", json!(long)).contains("longer than a path"));
}

#[test]
fn every_file_serves_one_thing() {
    assert!(refusal("/predicate/artifacts/1/file", json!("files/a/a.bin")).contains("same file"));
    assert!(refusal("/predicate/artifacts/1/file", json!("files/c")).contains("not in `files`"));
    let mut document = good();
    document["predicate"]["trees"] = json!([]);
    assert!(read(&document).unwrap_err().to_string().contains("belongs to no artifact"));
}

#[test]
fn parts_that_contradict_each_other_are_refused() {
    for (place, value, said) in [
        ("/_type", json!("other"), "Statement"),
        ("/predicateType", json!("other"), "bundle"),
        ("/predicate/bundle/created", json!("2300-01-01T00:00:00Z"), "2242"),
        ("/predicate/bundle/profile", json!("cnsa2"), "cnsa2"),
        ("/predicate/chains/size", json!(32), "chaining values"),
        ("/predicate/files/0/path", json!("files/a/b.bin"), "same place"),
        ("/predicate/files/0/path", json!("files/../b.bin"), "`..`"),
        ("/predicate/files/0/size", json!(1u64 << 61), "more than"),
        ("/predicate/files/0/mode", json!("4755"), "4755"),
        ("/predicate/trees/0/directory", json!("files/u/"), "files/NAME/"),
        ("/predicate/trees/0/links/0/target", json!("../../x"), "leaves its tree"),
        ("/predicate/trees/0/emptyDirectories", json!(["x"]), "not empty"),
        ("/predicate/trees/0/emptyDirectories", json!(["e", "e"]), "twice"),
        ("/predicate/components/0/name", json!("a"), "does not belong to"),
        ("/predicate/artifacts/0/unsigned", json!(" "), "empty"),
        ("/predicate/images", json!([{}]), "must be empty"),
    ] {
        let found = refusal(place, value);
        assert!(found.contains(said), "{place}: {found}");
    }
}
