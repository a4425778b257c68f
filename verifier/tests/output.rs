// SPDX-License-Identifier: Apache-2.0
//! Standard output and standard error of the program: results on the one, talk on the other.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot lay out its case has failed")]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use manifests::bundle::{Arch, Os, Package, Platform};
use manifests::digest::Sha256Digest;
use serde_json::Value;
use support::bundle::Bundle;
use support::{Host, scratch};
use verifier::hash::Kernel;
use verifier::report::human::size;
use verifier::signature::x509::read::entries;

/// What a run said: exit code, standard output, standard error.
type Said = (i32, String, String);

struct Scene {
    host: Host,
    bundle: Vec<u8>,
}

impl Scene {
    fn new(folder: &Path) -> Self {
        let host = Host::new(folder);
        let bundle = Bundle::new("app", 1).file("a", &[7; 3000], "/opt/a", "0644").build();
        Self { host, bundle }
    }

    /// The bundle under a name of its own.
    fn named(&self, name: &str) -> String {
        let path = self.host.base.join(name);
        fs::write(&path, &self.bundle).unwrap();
        path.into_os_string().into_string().unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Said {
        self.run_from(Stdio::null(), arguments)
    }

    fn run_from(&self, stdin: Stdio, arguments: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_verifier"));
        command.arg("--state").arg(self.host.base.join("state")).args(arguments);
        let output = command.stdin(stdin).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }
}

/// Compares what is said with and without an option: the result must be the same.
fn talk(scene: &Scene, arguments: &[&str]) -> String {
    let plain = scene.run(arguments);
    let verbose = scene.run(&[arguments, &["-v"]].concat());
    assert_eq!((plain.0, &*plain.2), (0, ""), "{arguments:?}");
    assert_eq!((verbose.0, verbose.1), (plain.0, plain.1), "{arguments:?}: -v changes the result");
    verbose.2
}

#[test]
fn verbose_tells_what_is_done_on_standard_error() {
    let scratch = scratch();
    let scene = Scene::new(scratch.path());
    let path = scene.named("app.bundle.tar");
    let root = scene.host.root().into_os_string().into_string().unwrap();
    let state =
        format!("state: {}, trust root version 1 of enclave lab", scene.host.base.join("state").display());
    let size = size(scene.bundle.len() as u64);
    let carrier = format!("carrier: {path}, a file of {size}");
    let kernel = format!("hashing: {} on ", Kernel::detect().name());
    let proven = "proven: 2.93 KiB in 0.";
    for (arguments, told) in [
        (&["verify", &path][..], &[&*state, &carrier, &kernel, proven][..]),
        (&["install", &path, "--plan", "--root", &root], &[&state, &carrier, &kernel, proven]),
        (&["show", &path], &[&carrier]),
        (&["trust", "show"], &[&state]),
    ] {
        let said = talk(&scene, arguments);
        for line in told {
            assert!(said.lines().any(|said| said.starts_with(line)), "{arguments:?}: no {line} in {said}");
        }
        assert_eq!(said.lines().count(), told.len(), "{arguments:?}: {said}");
    }
    let (code, _, said) = scene.run(&["install", &path, "--root", &root, "-v", "--format", "json"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("\nproven and installed: 2.93 KiB in 0."), "{said}");

    let stdin = Stdio::from(fs::File::open(&path).unwrap());
    let (code, _, said) = scene.run_from(stdin, &["verify", "-", "-v"]);
    assert!(code == 0 && said.contains("carrier: -, a stream\n"), "{said}");
}

/// A policy whose signers and repositories the site gives.
const POLICY: &[u8] = br#"{"version": "1.0", "trustPolicies": [{"name": "app", "registryScopes": ["$scopes"],
    "signatureVerification": {"level": "strict"}, "trustStores": ["ca:corp"], "trustedIdentities": ["$profile-arn"]}]}"#;

/// A bundle with something of everything that is not for every host.
fn for_many(certificate: &[u8], pin: Sha256Digest) -> Bundle {
    Bundle::new("app", 1)
        .file("tool", b"t", "/tool", "0755")
        .component("tools", true)
        .alternative(
            "tools",
            Platform { os: Some(Os::Linux), arch: Some(Arch::Arm64), package: Some(Package::Rpm) },
        )
        .partition("west")
        .trust_store("corp", Some("west"), certificate, pin)
        .trust_policy("trustpolicy.json", None, POLICY, &["scopes", "profile-arn"])
        .check(
            r#"{"name": "it answers", "component": "tools", "for": {"os": "linux"}, "run": ["tool", "say", "two words"],
                "expect": {"column": "ERROR", "equals": "<nil>"}}"#,
        )
}

#[test]
fn for_whom_and_what_to_trust_is_shown() {
    let scratch = scratch();
    let certificate = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/corpus/certificate/good");
    let certificate = fs::read(certificate).unwrap();
    let pin = entries(&certificate).unwrap().remove(0).unwrap().digest();
    let host = Host::new(scratch.path());
    let scene = Scene { host, bundle: for_many(&certificate, pin).build() };
    let path = scene.named("app.bundle.tar");
    let lines = [
        "trust      store ca:corp (partition west)".to_owned(),
        format!("           {pin}"),
        "trust      policy trustpolicy.json: needs scopes, profile-arn".to_owned(),
        "check      it answers (component tools, linux): tool say \"two words\"; expects <nil> in column ERROR"
            .to_owned(),
    ];
    let (code, verified, said) = scene.run(&["verify", &path]);
    assert_eq!((code, &*said), (0, ""));
    let block =
        format!("  unsigned   tool (linux/arm64 rpm, partition west): a test\n  {}\n", lines.join("\n  "));
    assert!(verified.contains(&block), "{verified}");
    let open = "  not checked: the parameters of trust policy trustpolicy.json, until they are given\n";
    assert!(verified.contains(open), "{verified}");
    let (code, shown, _) = scene.run(&["show", &path]);
    let (mark, tool) =
        ("\nnot verified  ", "artifact   tool (linux/arm64 rpm, partition west) (unsigned: a test)");
    assert_eq!(code, 0);
    assert!(shown.contains(&format!("{mark}{tool}{mark}{}\n", lines.join(mark))), "{shown}");

    let json = |arguments: &[&str]| -> Value {
        let (code, document, _) = scene.run(&[arguments, &["--format", "json"]].concat());
        assert_eq!(code, 0, "{document}");
        serde_json::from_str(&document).unwrap()
    };
    let verified = json(&["verify", &path]);
    let shown = &json(&["show", &path])["predicate"];
    let meant = &verified["artifacts"][0];
    assert_eq!(meant["for"], serde_json::json!({"os": "linux", "arch": "arm64", "package": "rpm"}));
    assert_eq!(meant["partition"], "west");
    for (list, member, value) in [
        ("trustStores", "type", "ca"),
        ("trustStores", "partition", "west"),
        ("trustPolicies", "name", "trustpolicy.json"),
        ("checks", "component", "tools"),
    ] {
        assert_eq!(verified[list][0][member], value);
        assert_eq!(verified[list], shown[list]);
    }
    assert_eq!(verified["trustStores"][0]["certificates"][0]["fingerprint"], pin.to_string());
    assert_eq!(verified["trustPolicies"][0]["parameters"], serde_json::json!(["scopes", "profile-arn"]));
    assert_eq!(verified["checks"][0]["run"][2], "two words");
    let open = "the parameters of trust policy trustpolicy.json, until they are given";
    assert_eq!(verified["notChecked"], serde_json::json!([open]));
}

#[test]
fn a_partition_that_nobody_chose_is_told() {
    let scratch = scratch();
    let bundle = Bundle::new("app", 1)
        .file("a", b"a", "/a", "0644")
        .file("b", b"b", "/b", "0644")
        .partition("west")
        .file("c", b"c", "/c", "0644")
        .partition("east");
    let scene = Scene { host: Host::new(scratch.path()), bundle: bundle.build() };
    let path = scene.named("app.bundle.tar");
    let root = scene.host.root().into_os_string().into_string().unwrap();
    let install = |more: &[&str]| {
        let (code, result, said) =
            scene.run(&[&["install", &path, "--root", &root, "--progress", "none"], more].concat());
        assert_eq!(code, 0, "{said}");
        (result.lines().filter(|line| line.starts_with("  create ")).count(), said)
    };
    let told = "left out: what is tied to east, west; choose with --partition\n".to_owned();
    assert_eq!(install(&["--plan"]), (1, told.clone()));
    assert_eq!(install(&["--plan", "-q"]), (1, String::new()));
    let both = ["--partition", "west", "--partition", "east"];
    assert_eq!(install(&[&["--plan"], &both[..]].concat()), (3, String::new()));
    assert_eq!(install(&["--partition", "west"]).1, told.replace("east, west", "east"));
    assert!(scene.host.at("/b").exists() && !scene.host.at("/c").exists());
}

#[test]
fn quiet_leaves_the_result_and_the_refusal() {
    let scratch = scratch();
    let scene = Scene::new(scratch.path());
    let path = scene.named("app.bundle.tar");
    let progress = ["--progress", "bar"];
    let (code, result, _) = scene.run(&[&["verify", &path], &progress[..]].concat());
    assert_eq!(scene.run(&[&["verify", &path, "-q"], &progress[..]].concat()), (code, result, String::new()));
    let (code, result, said) = scene.run(&["verify", "missing", "-q"]);
    assert_eq!((code, &*result), (2, ""));
    assert!(said.starts_with("error: missing does not exist\n"), "{said}");
}

#[test]
fn names_cannot_write_on_the_terminal() {
    let scratch = scratch();
    let scene = Scene::new(scratch.path());
    // It would clear the line, start one of its own, and turn what stands beside it.
    let evil = "a\u{1b}[2K\nerror: b\u{202e}c.bundle.tar";
    let path = scene.named(evil);
    fs::create_dir(scene.host.base.join("two")).unwrap();
    scene.named(&format!("two/1{evil}"));
    let folder = Path::new(&scene.named(&format!("two/2{evil}"))).parent().unwrap().to_owned();
    let folder = folder.to_str().unwrap();
    for arguments in [
        &["verify", evil][..],
        &["verify", &path, "-v"],
        &["verify", folder],
        &["verify", &path, "--signatures", &path],
        &["install", &path, "--root", evil],
        &["install", &path, "--root", &path],
        &["show", evil],
        &["check", &path],
        &["check", evil],
        &["check", &path, "--signature", &path, "--key", &path],
        &["trust", "init", &path, "--fingerprint", &"0".repeat(64)],
        &["trust", "update", &path],
        &["trust", "show", "--state", evil],
    ] {
        let (_, result, said) = scene.run(arguments);
        let all = result + &said;
        assert!(!all.contains(['\u{1b}', '\u{202e}']), "{arguments:?}: {all}");
        assert!(!all.lines().any(|line| line.starts_with("error: b")), "{arguments:?}: {all}");
        assert!(all.contains("\\u{1b}[2K\\u{a}error: b\\u{202e}c"), "{arguments:?}: {all}");
    }
}
