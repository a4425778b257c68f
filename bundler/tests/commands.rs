// SPDX-License-Identifier: Apache-2.0
//! Every command that the documents and `--help` show is run here, as written.
#![allow(clippy::unwrap_used, reason = "a test that cannot prepare its folder has failed")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use clap::CommandFactory;

/// The folder with both programs; `cargo test -p bundler` alone has not built the second.
fn programs() -> PathBuf {
    let folder = Path::new(env!("CARGO_BIN_EXE_bundler")).parent().unwrap().to_owned();
    if !folder.join("verifier").exists() {
        let built = Command::new(env!("CARGO")).args(["build", "-p", "verifier"]).status().unwrap();
        assert!(built.success());
    }
    folder
}

/// Runs a script in a folder, with both programs on `PATH`; what it needs comes as variables.
fn run(script: &str, folder: &Path, variables: &[(&str, &str)]) -> Output {
    let path = std::env::join_paths(
        std::iter::once(programs()).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    Command::new("bash")
        .args(["-euo", "pipefail", "-c", script])
        .current_dir(folder)
        .env("PATH", path.unwrap())
        .env("SEALIFT_PASSPHRASE", "for tests only")
        // The examples prune: not the store of whoever runs the tests.
        .env("SEALIFT_STORE", folder.join("store"))
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

fn succeed(script: &str, folder: &Path, variables: &[(&str, &str)]) -> String {
    let output = run(script, folder, variables);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{script}\n{}\n{}\n{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// What `bundler demo` leaves, and what else the examples of `--help` speak of.
fn site(folder: &Path) -> String {
    let script = r#"
        bundler demo . >/dev/null 2>&1
        bundler root next root.json -o root-2.json --expires 2036-11-22 --floor first=1
        bundler root sign root-2.json --key alice.key
        bundler root next root-2.json -o root-3.json --expires 2037-11-22
        bundler root sign root-3.json --key alice.key
        bundler sign first-1.0.bundle.tar --key builder.key -o countersigned.json
        mkdir disc image && tar xf first-1.0.bundle.tar -C disc
        bundler sign first-1.0.bundle.tar --export to-sign
        openssl pkeyutl -sign -rawin -inkey builder.key -in to-sign -out raw.sig
        for name in bob release ci; do bundler keys new $name --no-passphrase; done
        echo 'a passphrase' > alice.txt
        mkdir site && echo note > site/note.txt && printf '%s\n' '[bundle]' 'name = "site"' \
            'version = "$version"' 'sequence = 1' 'created = "2026-11-22T00:00:00Z"' '[variables]' 'version = "2.0"' \
            '[[artifact]]' 'name = "note"' 'source = "note.txt"' 'unsigned = "our own"' > site/bundle.toml
        bundler lock --recipe-file site/bundle.toml
        sed 's/^version = .*/version = "1.1"/; s/^sequence = .*/sequence = 2/' bundle.toml > next.toml
        bundler lock --recipe-file next.toml && bundler build --recipe-file next.toml
        printf '%s\n' '[[rules]]' 'names = ["*"]' 'require = ["builder"]' > root.toml"#;
    succeed(script, folder, &[]);
    let show = succeed("bundler root show root.json --format json", folder, &[]);
    let document: serde_json::Value = serde_json::from_str(&show).unwrap();
    document["fingerprint"].as_str().unwrap().to_owned()
}

/// The `sh` blocks of a document, one after the other.
fn blocks(document: &str) -> String {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(document)).unwrap();
    let parts = text.split("```sh\n").skip(1).map(|part| part.split("```").next().unwrap());
    parts.collect::<Vec<_>>().join("\n")
}

#[test]
fn guides_run_as_written() {
    let folder = tempfile::tempdir().unwrap();
    let fingerprint = site(folder.path());
    for guide in ["review", "first-bundle", "key-ceremony", "rotate-keys", "aws"] {
        succeed(&blocks(&format!("guides/{guide}.md")), folder.path(), &[]);
    }
    let on_site = [("BUNDLE", "disc"), ("ROOT", "root.json"), ("FINGERPRINT", &*fingerprint)];
    succeed(&blocks("guides/install-on-site.md"), folder.path(), &on_site);
}

#[test]
fn bundle_is_checked_by_hand_and_a_changed_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    site(folder.path());
    let script = blocks("guides/verify-by-hand.md");
    let told = succeed(&script, folder.path(), &[("BUNDLE", "first-1.0.bundle.tar")]);
    assert!(told.contains("signed by:\nbuilder\n"), "{told}");
    assert!(told.contains("the archive holds these files and nothing else"), "{told}");
    for changed in ["flipped-bit.tar", "forged-sequence.tar"] {
        let output = run(&script, folder.path(), &[("BUNDLE", changed)]);
        assert!(!output.status.success(), "{changed}");
    }
}

/// The examples at the end of a command's help; a line that ends in `\` goes on in the next.
fn examples(command: &mut clap::Command, to: &mut Vec<String>) {
    let help = command.render_long_help().to_string();
    if let Some((_, examples)) = help.rsplit_once("Examples:\n") {
        to.extend(examples.replace("\\\n", " ").lines().map(|line| line.trim().to_owned()));
    }
    command.get_subcommands_mut().filter(|sub| sub.get_name() != "help").for_each(|sub| examples(sub, to));
}

#[test]
fn examples_of_help_run_as_written() {
    let prepared = tempfile::tempdir().unwrap();
    let fingerprint = site(prepared.path());
    let mut all = Vec::new();
    for mut program in [bundler::cli::Cli::command(), verifier::cli::Cli::command()] {
        program.build();
        examples(&mut program, &mut all);
    }
    assert!(all.len() > 30, "{all:?}");
    let prepared = prepared.path().display();
    for example in all {
        let folder = tempfile::tempdir().unwrap();
        succeed(&format!("cp -a {prepared}/. ."), folder.path(), &[]);
        // What an example is there to make must not be there before it.
        let words: Vec<&str> = example.split(' ').collect();
        let made = match words.as_slice() {
            ["bundler", "init", ..] => "bundle.toml site",
            ["bundler", "keys", "new", name, ..] => &format!("{name}.key {name}.pub"),
            ["verifier", "trust", "init", ..] if !example.contains("--replace") => "state",
            _ => example.split(" -o ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_default(),
        };
        let variables = [
            ("SEALIFT_STATE", "state"),
            ("FINGERPRINT", &*fingerprint),
            ("PIN", "29D896479579C2608A6E8F3489CBB31370DEC574"),
        ];
        succeed(&format!("rm -rf {made}\n{example}"), folder.path(), &variables);
    }
}
