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

/// A manifest with one of everything that is for some hosts or partitions only.
fn conditional() -> Value {
    let mut document = good();
    let digest = json!({"sha256": "ab".repeat(32)});
    let fingerprint = format!("sha256:{}", "cd".repeat(32));
    let paths = ["files/trust-stores/ca/s/root.cert", "files/trust-policies/west/trustpolicy.json"];
    for path in paths {
        document["subject"].as_array_mut().unwrap().push(json!({"name": path, "digest": digest}));
        let files = document["predicate"]["files"].as_array_mut().unwrap();
        files.push(json!({"path": path, "size": 1, "mode": "0644"}));
    }
    let predicate = &mut document["predicate"];
    predicate["artifacts"][0]["for"] = json!({"os": "linux", "arch": "arm64", "package": "rpm"});
    predicate["artifacts"][0]["install"] = json!({"action": "rpm"});
    predicate["artifacts"][1]["partition"] = json!("west");
    predicate["trustStores"] = json!([{"name": "s", "type": "ca", "partition": "west",
        "certificates": [{"file": paths[0], "fingerprint": fingerprint}]}]);
    predicate["trustPolicies"] = json!([{"name": "trustpolicy.json", "partition": "west", "file": paths[1], "parameters": ["scopes"]}]);
    predicate["checks"] = json!([
        {"name": "healthy", "component": "a", "for": {"os": "linux"}, "run": ["notation", "plugin", "ls"],
         "expect": {"column": "ERROR", "equals": "<nil>"}},
        {"name": "says its version", "run": ["/usr/bin/notation", "version"], "expect": {"contains": "1.3.2"}}]);
    document
}

#[test]
fn what_is_for_some_hosts_is_read_and_written_the_same() {
    let manifest = read(&conditional()).unwrap();
    assert_eq!(Manifest::read(&manifest.render().unwrap()).unwrap(), manifest);
    let predicate = manifest.predicate();
    assert_eq!(predicate.artifacts[0].platform.unwrap().describe(), "linux/arm64 rpm");
    assert_eq!(predicate.trust_stores[0].store_type.as_str(), "ca");
}

#[test]
fn conditions_that_cannot_hold_are_refused() {
    for (place, value, said) in [
        ("/predicate/artifacts/0/for", json!({}), "says nothing"),
        ("/predicate/artifacts/0/for", json!({"os": "windows"}), "do not know"),
        ("/predicate/artifacts/0/for", json!({"os": "linux", "package": "msi"}), "do not install"),
        ("/predicate/artifacts/0/for", json!({"os": "plan9"}), "plan9"),
        ("/predicate/artifacts/0/for", json!({"os": "linux", "libc": "musl"}), "libc"),
        ("/predicate/artifacts/0/install", json!({"action": "rpm", "path": "/opt/a"}), "path"),
        ("/predicate/artifacts/0/install", json!({"action": "rmp"}), "rmp"),
        ("/predicate/artifacts/0/install", json!({"action": "deb"}), "in another way than the packages"),
        ("/predicate/artifacts/0/for", json!({"package": "msi"}), "do not know"),
        ("/predicate/artifacts/0/for", json!({"package": "zip"}), "in another way than the packages"),
        ("/predicate/trustStores/0/name", json!("a+b"), "Notation does not take"),
        ("/predicate/artifacts/0/partition", json!("a b"), "characters other"),
        ("/predicate/trustStores/0/certificates", json!([]), "no certificate"),
        ("/predicate/trustStores/0/type", json!("signingauthority"), "signingauthority"),
        ("/predicate/trustStores/0/certificates/0/file", json!("files/c"), "not in `files`"),
        ("/predicate/trustStores/0/extra", json!(1), "extra"),
        ("/predicate/trustPolicies/0/parameters", json!(["a", "a"]), "twice"),
        ("/predicate/trustPolicies/0/file", json!("files/c"), "not in `files`"),
        ("/predicate/trustPolicies", json!([]), "belongs to no artifact"),
        ("/predicate/checks/0/run", json!([]), "runs nothing"),
        ("/predicate/checks/0/run", json!(["../x"]), "neither"),
        ("/predicate/checks/0/run", json!(vec!["a"; 65]), "64 words"),
        ("/predicate/checks/0/component", json!("z"), "does not exist"),
        ("/predicate/checks/0/for", json!({}), "says nothing"),
        ("/predicate/checks/0/expect", json!({"column": "A"}), "Expect"),
        ("/predicate/checks/0/expect", json!({"contains": "a", "equals": "b"}), "Expect"),
        ("/predicate/checks/0/expect", json!({"contains": " "}), "empty"),
        ("/predicate/checks/0/name", json!("says its version"), "two checks"),
    ] {
        let mut document = conditional();
        let at = place.rfind('/').unwrap();
        document.pointer_mut(&place[..at]).unwrap();
        match document.pointer_mut(place) {
            Some(there) => *there = value,
            None => {
                let above = document.pointer_mut(&place[..at]).unwrap();
                above[&place[at + 1..]] = value;
            }
        }
        let found = read(&document).expect_err(place).to_string();
        assert!(found.contains(said), "{place}: {found}");
    }
}

/// A check of an item that belongs to a component would run nowhere: it must not be taken for one of a component.
#[test]
fn a_check_belongs_to_what_can_be_chosen() {
    let mut document = conditional();
    document["predicate"]["artifacts"][0]["component"] = json!("extra");
    assert!(read(&document).unwrap_err().to_string().contains("a component that does not exist"));
    document["predicate"]["checks"][0]["component"] = json!("extra");
    assert!(read(&document).is_ok());
}

#[test]
fn what_would_lie_at_one_place_is_refused() {
    let again = |list: &str, change: &dyn Fn(&mut Value)| {
        let mut document = conditional();
        let path = format!("files/again/{list}");
        document["subject"]
            .as_array_mut()
            .unwrap()
            .push(json!({"name": path, "digest": {"sha256": "ab".repeat(32)}}));
        document["predicate"]["files"]
            .as_array_mut()
            .unwrap()
            .push(json!({"path": path, "size": 1, "mode": "0644"}));
        let items = document["predicate"][list].as_array_mut().unwrap();
        let mut item = items[0].clone();
        match list {
            "trustStores" => item["certificates"][0]["file"] = json!(path),
            _ => item["file"] = json!(path),
        }
        change(&mut item);
        items.push(item);
        read(&document).map(drop).map_err(|error| error.to_string())
    };
    assert!(
        again("trustStores", &|store| store["name"] = json!("S")).unwrap_err().contains("two trust stores")
    );
    assert_eq!(again("trustStores", &|store| store["name"] = json!("other")), Ok(()));
    for partition in [json!("west"), Value::Null] {
        let refused = again("trustPolicies", &|policy| {
            policy["name"] = json!("TrustPolicy.json");
            match &partition {
                Value::Null => drop(policy.as_object_mut().unwrap().remove("partition")),
                some => policy["partition"] = some.clone(),
            }
        });
        assert!(refused.unwrap_err().contains("two trust policies"), "{partition}");
    }
    assert_eq!(again("trustPolicies", &|policy| policy["partition"] = json!("east")), Ok(()));
    let shared = again("trustPolicies", &|policy| {
        policy["partition"] = json!("east");
        policy["file"] = json!("files/trust-policies/west/trustpolicy.json");
    });
    assert!(shared.unwrap_err().contains("same file"));
}

#[test]
fn trust_is_counted() {
    let mut document = conditional();
    let certificate = document["predicate"]["trustStores"][0]["certificates"][0].clone();
    document["predicate"]["trustStores"][0]["certificates"] = vec![certificate; 100].into();
    assert!(matches!(read(&document), Err(ManifestError::Limit { found: 101, limit: 100, .. })));
}

#[test]
fn a_path_that_could_harm_is_told_beside_other_actions() {
    let mut document = conditional();
    document["predicate"]["artifacts"][1]["install"]["path"] = json!("/opt/../etc/x");
    assert!(matches!(read(&document), Err(ManifestError::Name(_))));
}

#[test]
fn no_two_stores_policies_or_checks_are_told_apart_by_nothing() {
    for list in ["trustStores", "trustPolicies", "checks"] {
        let mut document = conditional();
        let items = document["predicate"][list].as_array_mut().unwrap();
        items.push(items[0].clone());
        assert!(read(&document).unwrap_err().to_string().contains("two"), "{list}");
    }
    let mut document = conditional();
    let again = document["predicate"]["checks"][0].clone();
    let many = (0..1001).map(|number| {
        let mut check = again.clone();
        check["name"] = json!(number.to_string());
        check
    });
    document["predicate"]["checks"] = many.collect();
    assert!(read(&document).unwrap_err().to_string().contains("checks"));
}
