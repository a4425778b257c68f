// SPDX-License-Identifier: Apache-2.0
//! The trust root's ceremony from the first key to the second version.

use super::sign::{BUNDLE, built, keys};

#[test]
fn a_root_is_made_signed_rotated_and_shown() {
    let folder = built();
    keys(&folder, &["alice", "bob", "dora", "builder"]);
    let pass = ["--passphrase-file", "pass"];
    folder.write("root.toml", "require-audience = false\n\n[floors]\nplain = 1\n\n[[rules]]\nnames = [\"*\"]\nrequire = [\"builder\"]\n");
    folder.good(&[
        "root",
        "new",
        "-o",
        "root.json",
        "--key",
        "root=alice.pub",
        "--key",
        "root=Robert:bob.pub",
        "--threshold",
        "root=2",
        "--key",
        "builder=builder.pub",
        "--enclave",
        "west",
        "--expires",
        "2031-01-01",
        "--from",
        "root.toml",
    ]);
    let shown = folder.good(&["root", "show", "root.json"]);
    assert!(
        shown.contains("enclave west, version 1") && shown.contains("signed by nobody: 0 of 2"),
        "{shown}"
    );
    let fingerprint = |name: &str| {
        let text = folder.good(&["root", "show", name, "--format", "json"]);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        json["fingerprint"].as_str().unwrap().strip_prefix("sha256:").unwrap().to_owned()
    };
    let before = fingerprint("root.json");
    assert_eq!(before.len(), 64);
    let groups: Vec<String> =
        shown.lines().skip(2).take(2).map(|l| l.replace("to read:", "").replace(' ', "")).collect();
    assert_eq!(groups.concat(), before);
    folder.good(&[&["root", "sign", "root.json", "--key", "alice.key"], &pass[..]].concat());
    folder.good(&[&["root", "sign", "root.json", "--key", "bob.key"], &pass[..]].concat());
    let refused = folder.run(&[&["root", "sign", "root.json", "--key", "builder.key"], &pass[..]].concat());
    assert!(refused.refused(1).contains("has no part in this root"));
    assert_eq!(fingerprint("root.json"), before);
    // Nobody signs beside a signature that does not hold: hosts would refuse the whole.
    let mut document: serde_json::Value = serde_json::from_slice(&folder.read("root.json")).unwrap();
    let spoilt = document["signatures"][0]["keyid"].as_str().unwrap().to_owned();
    document["signatures"][0]["sig"] = format!("{}==", "A".repeat(86)).into();
    folder.write("root.json", serde_json::to_vec(&document).unwrap());
    let written = folder.read("root.json");
    let by_alice = folder.good(&["keys", "show", "alice.pub"]).contains(&spoilt);
    let (own, other) = if by_alice { ("alice.key", "bob.key") } else { ("bob.key", "alice.key") };
    let refused =
        folder.run(&[&["root", "sign", "root.json", "--key", other], &pass[..]].concat()).refused(1);
    assert!(refused.contains("root.json is not what `"), "{refused}");
    assert!(folder.read("root.json") == written);
    folder.good(&[&["root", "sign", "root.json", "--key", own], &pass[..]].concat());
    assert!(folder.good(&["root", "show", "root.json"]).contains("2 of 2 needed"));

    folder.good(&[
        "root",
        "next",
        "root.json",
        "-o",
        "two.json",
        "--remove",
        "Robert",
        "--key",
        "root=dora.pub",
        "--floor",
        "plain=9",
    ]);
    let shown = folder.good(&["root", "show", "two.json"]);
    assert!(shown.contains("version 2") && shown.contains("2 of alice, dora"), "{shown}");
    let sign_bob = [&["root", "sign", "two.json", "--key", "bob.key"], &pass[..]].concat();
    assert!(folder.run(&sign_bob).refused(1).contains("--previous"));
    folder.good(&[&sign_bob[..], &["--previous", "root.json"]].concat());
    let again = folder.run(&[
        "root",
        "new",
        "-o",
        "root.json",
        "--key",
        "root=alice.pub",
        "--key",
        "builder=builder.pub",
        "--expires",
        "2031-01-01",
    ]);
    assert!(again.refused(2).contains("is not overwritten"));

    let sign =
        |key: &'static str| [&["sign", BUNDLE, "--key", key, "--trust", "root.json"], &pass[..]].concat();
    assert!(folder.good(&sign("builder.key")).contains("by owner builder in the role builder"));
    assert!(folder.run(&sign("dora.key")).refused(1).contains("belongs to nobody in the trust root"));
    assert!(folder.run(&sign("alice.key")).refused(1).contains("has no role for bundles"));
}
