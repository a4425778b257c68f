// SPDX-License-Identifier: Apache-2.0
//! Standard output and standard error: a result that is lost is told, talk is there for who asks.

use std::fs::{self, File};
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

/// A name that would move the cursor, start a line of its own, and turn what stands beside it.
const EVIL: &str = "a\u{1b}[2K\nerror: b\u{202e}c";
/// The same as it may be printed.
const ESCAPED: &str = "a\\u{1b}[2K\\u{a}error: b\\u{202e}c";

#[test]
fn names_cannot_write_on_the_terminal() {
    // Whatever is done with such a name reads as with a tame one, but for the name.
    let folder = built();
    keys(&folder, &["builder"]);
    let told = |name: &str| {
        let run = |arguments: &[&str]| {
            let run = folder.run(arguments);
            format!("{} {arguments:?}\n{}{}", run.code(), run.stdout(), run.stderr())
        };
        let named = |ending: &str| format!("{name}.{ending}");
        fs::copy(folder.join("bundle.toml"), folder.join(&named("toml"))).unwrap();
        fs::create_dir(folder.join(&named("site"))).unwrap();
        fs::copy(folder.join("builder.pub"), folder.join(&named("pub"))).unwrap();
        fs::write(folder.join(&named("pass")), "two\nlines").unwrap();
        vec![
            run(&["show", name]),
            run(&["show", &named("pub")]),
            run(&["keys", "show", &named("pub")]),
            run(&["lock", "--recipe-file", &named("toml"), "-v"]),
            run(&["build", "--recipe-file", &named("toml"), "-o", &named("tar"), "-v"]),
            run(&["build", "--recipe-file", &named("toml"), "-o", &named("pub")]),
            run(&["sign", &named("tar"), "--export", &named("raw")]),
            run(&["sign", &named("tar"), "--key", "builder.key", "--passphrase-file", &named("pass")]),
            run(&["sign", &named("tar"), "--key", &named("pub")]),
            run(&["sign", &named("tar"), "--key", "builder.key", "--passphrase-file", "pass", "-v"]),
            run(&[
                "sign",
                &named("tar"),
                "--key",
                "builder.key",
                "--passphrase-file",
                "pass",
                "--trust",
                name,
            ]),
            run(&["init", &named("site")]),
            run(&["init", "--recipe", name]),
            run(&["init", "other", "--set", &named("key=1")]),
            run(&[
                "root",
                "new",
                "-o",
                &named("root"),
                "--key",
                "root=builder.pub",
                "--expires",
                "2031-01-01",
            ]),
            run(&["root", "sign", &named("root"), "--key", "builder.key", "--passphrase-file", "pass"]),
            run(&["root", "show", &named("pub")]),
            run(&["demo", &named("site")]),
        ]
    };
    for (evil, tame) in told(EVIL).iter().zip(told("tame")) {
        let (command, text) = evil.split_once('\n').unwrap();
        let (_, tame) = tame.split_once('\n').unwrap();
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{command}: {text}");
        assert_eq!(text.replace(ESCAPED, "tame"), tame, "{command}");
    }
    fs::write(folder.join(&format!("docs/{EVIL}")), "x").unwrap();
    let refused = folder.run(&["lock"]).refused(1);
    assert!(refused.contains(ESCAPED) && !refused.contains(EVIL), "{refused}");
}

#[test]
fn a_document_names_a_file_as_it_is_and_writes_nothing_on_the_terminal() {
    let folder = built();
    keys(&folder, &["builder"]);
    let name = format!("{EVIL}\u{9b}.pub");
    fs::copy(folder.join("builder.pub"), folder.join(&name)).unwrap();
    for (arguments, member) in
        [(["keys", "show", &name], "/file"), (["show", &format!("{name}.gone"), "-q"], "/refusal/subject")]
    {
        let run = folder.run(&[&arguments[..], &["--format", "json"]].concat());
        let text = run.stdout();
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{9b}']), "{arguments:?}: {text}");
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(document.pointer(member).unwrap().as_str().unwrap().starts_with(&name), "{text}");
    }
}
