// SPDX-License-Identifier: Apache-2.0
//! The recipes that ship, as a user runs them: `init`, `lock`, `build`, `sign`, then `verify` on another host. Only
//! hosts, CAs and pins are the replica's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::made::Replica;

/// Both programs, a folder to work in, and the state of an isolated host.
struct Site {
    folder: tempfile::TempDir,
    replica: Replica,
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

impl Site {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, program: &str) -> Command {
        let built = Path::new(env!("CARGO_BIN_EXE_bundler")).with_file_name(program);
        let mut command = Command::new(built);
        command
            .current_dir(self.folder.path())
            .env("SEALIFT_STORE", self.path("store"))
            .env("SEALIFT_STATE", self.path("state"))
            .env("SEALIFT_PASSPHRASE", "a passphrase for this test only")
            .env_remove("HTTPS_PROXY")
            .env_remove("https_proxy");
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        self.command(program).args(arguments).output().unwrap()
    }

    fn good(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.run(program, arguments);
        assert!(output.status.success(), "{program} {arguments:?}\n{}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, program: &str, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.good(program, &[arguments, &["--format", "json"]].concat())).unwrap()
    }

    /// A fresh folder with the recipe, in which everything that the replica does not share with AWS is replaced.
    fn new(replica: Replica, recipe: &str) -> Self {
        let site = Self { folder: tempfile::tempdir().unwrap(), replica };
        let text = fs::read_to_string(
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../manifests/recipes/{recipe}.toml")),
        );
        let text = text.unwrap();
        let sets = site.replica.sets().into_iter();
        let sets: Vec<String> = sets
            .filter(|(name, _)| text.contains(&format!("\n{name} = ")))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let sets = sets.iter().flat_map(|set| ["--set", set]);
        let init: Vec<&str> = ["init", "--recipe", recipe].into_iter().chain(sets).collect();
        let wrote = site.good("bundler", &init);
        assert!(!wrote.contains("without a value yet"), "{wrote}");
        let path = site.path("bundle.toml");
        let host = format!(
            "\n[host.\"{}\"]\nca = \"{}\"\n",
            site.replica.server.authority(),
            site.replica.ca().display()
        );
        fs::write(&path, fs::read_to_string(&path).unwrap() + &host).unwrap();
        site
    }

    /// Keys, a trust root, and a host that trusts it.
    fn trusted(&self) {
        for key in ["owner", "builder-1"] {
            self.good("bundler", &["keys", "new", key]);
        }
        self.good(
            "bundler",
            &[
                "root",
                "new",
                "-o",
                "root.json",
                "--key",
                "root=owner.pub",
                "--key",
                "builder=builder-1.pub",
                "--enclave",
                "west",
                "--expires",
                "2099-01-01T00:00:00Z",
            ],
        );
        self.good("bundler", &["root", "sign", "root.json", "--key", "owner.key"]);
        let root = self.json("bundler", &["root", "show", "root.json"]);
        let fingerprint = root["fingerprint"].as_str().unwrap();
        self.good("verifier", &["trust", "init", "root.json", "--fingerprint", fingerprint]);
    }

    /// `lock`, `build` and `sign`; the bundle.
    fn bundle(&self, lock: &[&str]) -> String {
        self.good("bundler", &[&["lock"], lock].concat());
        let _ = fs::remove_file(self.path("out.bundle.tar"));
        self.good("bundler", &["build", "-o", "out.bundle.tar"]);
        self.good("bundler", &["sign", "out.bundle.tar", "--key", "builder-1.key", "--trust", "root.json"]);
        "out.bundle.tar".to_owned()
    }
}

/// The verdicts of a `verify` document, by artifact.
fn verdicts(document: &Value) -> Vec<(String, String)> {
    let of = |artifact: &Value, key: &str| artifact[key].as_str().unwrap().to_owned();
    let artifacts = document["artifacts"].as_array().unwrap();
    artifacts.iter().map(|artifact| (of(artifact, "name"), of(artifact, "verdict"))).collect()
}

fn everything(replica: &Replica) -> bool {
    let lacking: Vec<&str> =
        ["rpm", "deb", "windows"].into_iter().filter(|kind| replica.lacks(kind)).collect();
    if !lacking.is_empty() {
        eprintln!("SKIPPED: this machine could not make these files of the replica: {}", lacking.join(", "));
    }
    lacking.is_empty()
}

#[test]
fn the_signing_environment_crosses_the_gap_for_both_partitions() {
    let Some(replica) = Replica::open().filter(everything) else { return };
    let site = Site::new(replica, "aws-signer");
    site.trusted();
    let mut bundles = Vec::new();
    for (partition, arn) in [
        ("aws", "arn:aws:signer:us-west-2:111122223333:/signing-profiles/release"),
        ("aws-us-gov", "arn:aws-us-gov:signer:us-gov-west-1:111122223333:/signing-profiles/release"),
    ] {
        let (arn, scopes) = (format!("profile-arn={arn}"), "scopes=[\"registry.west.example/app\"]");
        let bundle = site.bundle(&["--set", &arn, "--set", scopes, "--set", "revocation=skip"]);
        let document = site.json("verifier", &["verify", &bundle]);
        assert_eq!(document["outcome"], "trusted", "{document}");
        let verdicts = verdicts(&document);
        let unsigned: Vec<&str> = verdicts
            .iter()
            .filter(|(_, verdict)| verdict == "unsigned")
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(unsigned, ["changelog"]);
        let good: Vec<&str> =
            verdicts.iter().filter(|(_, verdict)| verdict == "good").map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            good,
            [
                "notation-rpm-amd64",
                "notation-rpm-arm64",
                "notation-deb-amd64",
                "notation-deb-arm64",
                "notation-pkg-amd64",
                "notation-pkg-arm64",
                "notation-msi",
                "plugin-zip-amd64",
                "plugin-zip-arm64",
                "plugin-zip-darwin-amd64",
                "plugin-zip-darwin-arm64",
                "plugin-zip-windows"
            ]
        );
        let stores = document["trustStores"].as_array().unwrap();
        let store = stores.iter().find(|store| store["partition"] == partition).unwrap();
        assert!(store["name"].as_str().unwrap().ends_with("signer-ts"), "{document}");
        let policies = document["trustPolicies"].as_array().unwrap();
        let policy = policies.iter().find(|policy| policy["partition"] == partition).unwrap();
        assert_eq!(policy["parameters"], Value::Array(Vec::new()), "{document}");
        bundles.push(fs::read(site.path(&bundle)).unwrap());
    }
    assert_ne!(bundles[0], bundles[1], "the policies name other profiles");
    let lock = fs::read_to_string(site.path("bundle.lock")).unwrap();
    for version in ["version = \"2.2.0-1\"", "version = \"2.2.0\"", "toolchain = \"go1."] {
        assert!(lock.contains(version), "{version}: {lock}");
    }
}

#[test]
fn a_policy_may_leave_its_parameters_to_the_site() {
    let Some(replica) = Replica::open().filter(everything) else { return };
    let site = Site::new(replica, "aws-signer");
    site.trusted();
    let bundle = site.bundle(&[]);
    let document = site.json("verifier", &["verify", &bundle]);
    for policy in document["trustPolicies"].as_array().unwrap() {
        assert_eq!(policy["parameters"], serde_json::json!(["profile-arn", "revocation", "scopes"]));
    }
    assert_eq!(document["outcome"], "trusted");
}

#[test]
fn the_aws_cli_crosses_the_gap() {
    let Some(replica) = Replica::open().filter(everything) else { return };
    let site = Site::new(replica, "aws-cli");
    site.trusted();
    let bundle = site.bundle(&[]);
    let document = site.json("verifier", &["verify", &bundle]);
    assert_eq!(document["outcome"], "trusted");
    let found = verdicts(&document);
    let expected = ["aws-cli-zip-amd64", "aws-cli-zip-arm64", "aws-cli-pkg", "aws-cli-msi"];
    assert_eq!(found, expected.map(|name| (name.to_owned(), "good".to_owned())));
}

#[test]
fn what_only_the_site_knows_is_asked_and_stops_the_lock() {
    let Some(replica) = Replica::open() else { return };
    let site = Site { folder: tempfile::tempdir().unwrap(), replica };
    let wrote = site.good("bundler", &["init", "--recipe", "aws-signer"]);
    assert!(wrote.contains("mac_team, windows_publisher, windows_ca"), "{wrote}");
    let output = site.run("bundler", &["lock"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("uses `$mac_team`, which has no value yet"), "{}", said(&output));
}
