// SPDX-License-Identifier: Apache-2.0
//! Trust stores and trust policies: pinned, judged by the Notary Project's rules, filled in, carried.

use super::support::{Folder, Run};

const POLICY: &str = r#"{
  "version": "1.0",
  "trustPolicies": [
    {
      "name": "app",
      "registryScopes": ["$scopes"],
      "signatureVerification": {"level": "strict", "override": {"revocation": "skip"}},
      "trustStores": ["signingAuthority:west-ts"],
      "trustedIdentities": ["$profile-arn"]
    }
  ]
}
"#;
const PROFILE: &str = "profile-arn=arn:aws:signer:us-west-2:111122223333:/signing-profiles/release";

/// A recipe with one store and one policy; none where openssl is not installed, which is said aloud.
fn folder() -> Option<Folder> {
    let folder = Folder::new();
    let made = folder.tool(
        "openssl",
        &[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-384",
            "-nodes",
            "-keyout",
            "ca.key",
            "-out",
            "root.cert",
            "-days",
            "3650",
            "-subj",
            "/C=US/ST=WA/O=Example/CN=Signing Root",
            "-addext",
            "keyUsage=critical,digitalSignature,keyCertSign,cRLSign",
        ],
    )?;
    made.good();
    let printed =
        folder.tool("openssl", &["x509", "-in", "root.cert", "-noout", "-fingerprint", "-sha256"])?;
    let fingerprint = printed.good().trim().rsplit('=').next().unwrap().to_owned();
    folder.write("trustpolicy.json.in", POLICY);
    folder.write(
        "bundle.toml",
        format!(
            r#"[bundle]
name = "trust"
version = "1.0"
sequence = 1
created = "2026-11-22T00:00:00Z"

[[trust-store]]
name = "west-ts"
type = "signingAuthority"
partition = "west"
certificate = "root.cert"
fingerprint = "{fingerprint}"

[[trust-policy]]
name = "trustpolicy.json"
template = "trustpolicy.json.in"
partition = "west"
parameters = ["profile-arn", "scopes"]
"#
        ),
    );
    Some(folder)
}

fn edited(folder: &Folder, from: &str, to: &str) -> Run {
    let text = String::from_utf8(folder.read("bundle.toml")).unwrap();
    assert!(text.contains(from), "{from}");
    folder.write("bundle.toml", text.replacen(from, to, 1));
    folder.run(&["lock"])
}

/// A payload entry of the bundle, by its path.
fn carried(folder: &Folder, path: &str) -> String {
    let bytes = folder.read("out.bundle.tar");
    let mut archive = tar::Archive::new(bytes.as_slice());
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.path().unwrap().to_string_lossy().ends_with(path) {
            return std::io::read_to_string(&mut entry).unwrap();
        }
    }
    panic!("{path} is not in the bundle");
}

#[test]
fn what_is_given_is_filled_in_and_the_rest_stays_open() {
    let Some(folder) = folder() else { return };
    let needs = "needs at install: profile-arn, scopes\n";
    let told = folder.good(&["lock"]);
    assert!(
        told.starts_with(&format!("trust policy west/trustpolicy.json {needs}bundle.lock written")),
        "{told}"
    );
    let document: serde_json::Value =
        serde_json::from_str(&folder.good(&["lock", "--format", "json"])).unwrap();
    let open = &document["openParameters"][0];
    assert_eq!((&open["name"], &open["partition"]), (&"trustpolicy.json".into(), &"west".into()));
    assert_eq!(open["parameters"], serde_json::json!(["profile-arn", "scopes"]));
    assert_eq!(document["changes"], serde_json::Value::Null);
    let shown = folder.good(&["show", "bundle.lock"]);
    for line in [
        "trust      store signingAuthority:west-ts\n           sha256:",
        "trust      policy trustpolicy.json (partition west)\n           from trustpolicy.json.in\n",
        needs,
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    let lock = String::from_utf8(folder.read("bundle.lock")).unwrap();
    assert!(
        lock.contains("[[trust-store]]\nname = \"west-ts\"\ntype = \"signingAuthority\"\nfingerprint = [\n")
    );
    assert!(lock.contains("[[trust-policy]]\nname = \"trustpolicy.json\"\npartition = \"west\"\npath = "));
    folder.good(&["build", "-o", "out.bundle.tar"]);
    assert_eq!(carried(&folder, "files/trust-policies/west/trustpolicy.json"), POLICY);
    assert!(carried(&folder, "manifest.json").contains("\"parameters\":[\"profile-arn\",\"scopes\"]"));

    let shown = folder.good(&["show", "out.bundle.tar"]);
    assert_eq!(shown.matches("not verified").count(), 1, "{shown}");
    assert!(shown.contains("trust      store signingAuthority:west-ts (partition west)\n"), "{shown}");
    assert!(
        shown.contains("policy trustpolicy.json (partition west): needs profile-arn, scopes\n"),
        "{shown}"
    );

    std::fs::remove_file(folder.join("out.bundle.tar")).unwrap();
    let told = folder.good(&["lock", "--set", PROFILE, "--set", r#"scopes=["a.example/x", "b.example/y"]"#]);
    assert!(told.contains("set profile-arn: nothing -> arn:aws:signer:us-west-2:"), "{told}");
    assert!(!told.contains("needs at install"), "{told}");
    folder.good(&["build", "-o", "out.bundle.tar"]);
    let filled = carried(&folder, "files/trust-policies/west/trustpolicy.json");
    assert!(filled.contains(r#""registryScopes": ["a.example/x", "b.example/y"]"#), "{filled}");
    assert!(filled.contains("/signing-profiles/release\"]"), "{filled}");
    assert!(carried(&folder, "manifest.json").contains("\"parameters\":[]"));
    assert!(
        carried(&folder, "files/trust-stores/signingAuthority/west-ts/root.cert")
            .contains("BEGIN CERTIFICATE")
    );
}

#[test]
fn a_certificate_that_is_not_the_pinned_one_is_refused() {
    let Some(folder) = folder() else { return };
    let text = String::from_utf8(folder.read("bundle.toml")).unwrap();
    let pinned = text.lines().find(|line| line.starts_with("fingerprint")).unwrap().to_owned();
    let refused = edited(&folder, &pinned, &format!("fingerprint = \"{}\"", "ab".repeat(32))).refused(1);
    assert!(refused.contains("is another certificate than the recipe pins"), "{refused}");
    folder.write("bundle.toml", &text);
    let twice = [folder.read("root.cert"), folder.read("root.cert")].concat();
    folder.write("two.cert", twice);
    let refused = edited(&folder, "\"root.cert\"", "\"two.cert\"").refused(1);
    assert!(refused.contains("several certificates"), "{refused}");
    folder.write("bundle.toml", &text);
    let refused = edited(&folder, "\"root.cert\"", "\"trustpolicy.json.in\"").refused(1);
    assert!(refused.contains("is no certificate for a trust store"), "{refused}");
    folder.write("bundle.toml", &text);
    assert!(edited(&folder, &pinned, "").refused(2).contains("without its `fingerprint`"));
    assert!(!folder.names().contains(&"bundle.lock".to_owned()));
}

#[test]
fn a_policy_that_breaks_a_rule_is_refused() {
    let Some(folder) = folder() else { return };
    for (from, to, expected) in [
        ("\"strict\"", "\"stern\"", "breaks a rule of trust policies"),
        ("\"trustStores\": [\"signingAuthority:west-ts\"]", "\"trustStores\": []", "breaks a rule"),
        ("\"version\"", "\"Version\"", "breaks a rule"),
        ("\"$scopes\"", "\"$registries\"", "uses the parameter `registries`"),
        ("[\"$scopes\"]", "[\"a.example/x\"]", "does not use the parameter `scopes`"),
        ("\"$scopes\"", "\"$\"", "names no parameter"),
        ("{\n", "", "is no template"),
        ("\"strict\"", "\"\\u0024oops\"", "breaks a rule of trust policies"),
        ("\"level\"", "\"$scopes\"", "stands in the place of a member's name"),
    ] {
        folder.write("trustpolicy.json.in", POLICY.replacen(from, to, 1));
        let text = folder.run(&["lock"]).refused(1);
        assert!(text.contains(expected) && text.contains("trustpolicy.json.in"), "{to}: {text}");
    }
    folder.write("trustpolicy.json.in", POLICY);
    for (value, code, expected) in [
        ("scopes=https://a.example/x", 1, "breaks a rule of trust policies"),
        ("scopes=[1]", 2, "is no list of texts"),
        ("scopes=[]", 1, "has no value"),
        ("scopes=$profile-arn", 1, "has a value that begins with $"),
        ("profile-arn=arn:aws:signer:us-west-2:11112222333:/signing-profiles/release", 1, "no signature has"),
        ("profile-arn=arn:aws:signer:us-west-2:111122223333:signing-profiles/release", 1, "no signature has"),
        ("profile-arn=arn:aws:iam::111122223333:role/release", 1, "trusts an identity that no signature has"),
        ("scope=a.example/x", 2, "did you mean `scopes`?"),
    ] {
        let text = folder.run(&["lock", "--set", value]).refused(code);
        assert!(text.contains(expected), "{value}: {text}");
    }
}

#[test]
fn a_store_that_a_policy_names_and_nobody_carries_is_noted() {
    let Some(folder) = folder() else { return };
    folder.write("trustpolicy.json.in", POLICY.replace(":west-ts", ":east-ts"));
    let run = folder.run(&["lock"]);
    run.good();
    assert!(run.stderr().contains("does not carry: signingAuthority:east-ts"), "{}", run.stderr());
}

#[test]
fn what_changed_since_it_was_locked_is_refused_when_it_is_built() {
    let Some(folder) = folder() else { return };
    folder.good(&["lock"]);
    folder.write("trustpolicy.json.in", POLICY.replace("\"app\"", "\"apple\""));
    let text = folder.run(&["build", "-o", "out.bundle.tar"]).refused(2);
    assert!(text.contains("has changed since it was locked"), "{text}");
    assert!(!folder.names().contains(&"out.bundle.tar".to_owned()));
}

#[test]
fn what_was_given_stays_until_it_is_taken_back() {
    let Some(folder) = folder() else { return };
    folder.good(&["lock", "--set", PROFILE, "--set", "scopes=a.example/x"]);
    let lock = folder.read("bundle.lock");
    folder.good(&["lock"]);
    assert!(lock == folder.read("bundle.lock"), "a second lock keeps the values");
    folder.good(&["lock", "--set", "scopes="]);
    let lock = String::from_utf8(folder.read("bundle.lock")).unwrap();
    assert!(lock.contains("profile-arn = ") && !lock.contains("scopes = "), "{lock}");
    // A name that the recipe no longer has goes with it.
    let recipe = String::from_utf8(folder.read("bundle.toml")).unwrap();
    folder.write("bundle.toml", recipe.replace("\"profile-arn\", ", ""));
    folder.write("trustpolicy.json.in", POLICY.replace("$profile-arn", "x509.subject:C=US,ST=WA,O=Example"));
    folder.good(&["lock"]);
    assert!(!String::from_utf8(folder.read("bundle.lock")).unwrap().contains("[set]"));
}

#[test]
fn names_of_all_sorts_make_a_lock_that_can_be_read() {
    let Some(folder) = folder() else { return };
    let recipe = String::from_utf8(folder.read("bundle.toml")).unwrap();
    folder.write("bundle.toml", recipe.replace("\"scopes\"", "\"a.b+c\""));
    folder.write("trustpolicy.json.in", POLICY.replace("$scopes", "$a.b+c"));
    folder.good(&["lock", "--set", "a.b+c=a.example/x"]);
    folder.good(&["build", "-o", "out.bundle.tar"]);
    assert!(carried(&folder, "files/trust-policies/west/trustpolicy.json").contains("\"a.example/x\""));
    folder.write("bundle.toml", format!("{recipe}\n[variables]\nscopes = \"x\"\n"));
    let text = folder.run(&["lock"]).refused(2);
    assert!(text.contains("has a variable and a parameter of one name: `scopes`"), "{text}");
}

/// Two policies whose places in the bundle differ by a slash alone.
#[test]
fn filled_policies_do_not_meet() {
    let Some(folder) = folder() else { return };
    let recipe = String::from_utf8(folder.read("bundle.toml")).unwrap();
    let second = "\n[[trust-policy]]\nname = \"west-trustpolicy.json\"\ntemplate = \"second.json\"\nparameters = [\"scopes\"]\n";
    folder.write("bundle.toml", recipe + second);
    folder.write("second.json", POLICY.replace("$profile-arn", "x509.subject:C=US,ST=WA,O=Second"));
    folder.good(&["lock", "--set", PROFILE, "--set", "scopes=a.example/x"]);
    folder.good(&["build", "-o", "out.bundle.tar"]);
    assert!(carried(&folder, "files/trust-policies/west-trustpolicy.json").contains("O=Second"));
    assert!(carried(&folder, "files/trust-policies/west/trustpolicy.json").contains("signing-profiles"));
}

#[test]
fn a_profile_of_another_partition_is_noted() {
    let Some(folder) = folder() else { return };
    let recipe = String::from_utf8(folder.read("bundle.toml")).unwrap();
    folder.write("bundle.toml", recipe.replace("\"west\"", "\"aws-us-gov\""));
    let run = folder.run(&["lock", "--set", PROFILE, "--set", "scopes=a.example/x"]);
    run.good();
    assert!(run.stderr().contains("partition aws, and is for aws-us-gov"), "{}", run.stderr());
}
