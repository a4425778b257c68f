// SPDX-License-Identifier: Apache-2.0
//! Standard output and standard error: a result that is lost is told, talk is there for who asks.

use std::fs::File;
use std::process::{Command, Stdio};

use super::sign::{BUNDLE, built, keys};
use super::support::{Folder, Run, plain};

/// A refusal in an environment that wants colours.
fn colours(folder: &Folder) -> Command {
    let mut command = folder.command(&["show", "missing"]);
    command.env_remove("NO_COLOR").env("CLICOLOR_FORCE", "1");
    command
}

#[test]
fn a_result_that_cannot_be_written_is_a_refusal() {
    let folder = built();
    for arguments in [
        &["show", BUNDLE][..],
        &["show", BUNDLE, "--format", "json"],
        &["build"],
        &["init", "--list"],
        &["demo", "demo"],
    ] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let run = Run::of(folder.command(arguments).stdout(full).stderr(Stdio::piped()));
        assert_eq!(run.code(), 4, "{arguments:?}: {}", run.stderr());
        assert!(run.stderr().starts_with("error: standard output cannot be written"), "{}", run.stderr());
        assert!(run.stderr().contains("hint: free some space"), "{}", run.stderr());
    }
}

#[test]
fn a_listener_who_has_gone_is_no_error() {
    let folder = built();
    for arguments in [&["show", BUNDLE][..], &["lock", "--format", "json"], &["demo", "demo"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let run = Run::of(folder.command(arguments).stdout(writer).stderr(Stdio::piped()));
        assert_eq!((run.code(), &*run.stderr()), (0, ""), "{arguments:?}");
    }
}

#[test]
fn any_value_of_no_color_but_an_empty_one_is_heeded() {
    let folder = &Folder::new();
    let red = |command: &mut Command| Run::of(command).stderr().starts_with("\u{1b}[1;31merror:\u{1b}[0m ");
    assert!(red(&mut colours(folder)));
    assert!(red(colours(folder).env("NO_COLOR", "")));
    for value in ["0", "1", "no"] {
        assert!(!red(colours(folder).env("NO_COLOR", value)), "{value}");
    }
    assert!(!red(colours(folder).env("CLICOLOR_FORCE", "0")));
    assert!(red(colours(folder).env("NO_COLOR", "1").args(["--color", "always"])));
}

#[test]
fn verbose_tells_what_is_done_on_standard_error() {
    let folder = plain();
    keys(&folder, &["alice", "builder"]);
    let key = ["--key", "root=alice.pub", "--key", "builder=builder.pub", "--expires", "2031-01-01"];
    folder.good(&[&["root", "new", "-o", "root.json"], &key[..]].concat());
    let pass = ["--passphrase-file", "pass"];
    let sign = [&["sign", BUNDLE, "--key", "builder.key", "--trust", "root.json"], &pass[..]].concat();
    for (arguments, told) in [
        (
            &["lock"][..],
            &["walked docs/: 2 files", "locked notes.txt: 6 bytes, sha256:", "locked docs/two.md: "][..],
        ),
        (
            &["build"],
            &["files/notes.txt/notes.txt from notes.txt: 6 bytes", "proven docs: unsigned: our own"],
        ),
        (&sign, &["proven notes.txt: unsigned: written", "root.json needs role builder: 1 of builder"]),
        (&sign, &["plain-1.0.bundle.tar has a signature by key "]),
    ] {
        let run = folder.run(&[arguments, &["-v"]].concat());
        run.good();
        for line in told {
            assert!(run.stderr().contains(line), "{arguments:?}: {}", run.stderr());
        }
        let quiet = folder.run(arguments);
        quiet.good();
        assert_eq!(quiet.stderr(), "", "{arguments:?}");
    }
}
