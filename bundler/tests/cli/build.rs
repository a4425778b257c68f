// SPDX-License-Identifier: Apache-2.0
//! One recipe, one lock, the same files: the same bytes, which any tar can list.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::support::{Folder, PLAIN, Run, plain};

const NAMES: &str = "\
plain-1.0/manifest.json
plain-1.0/signatures.json
plain-1.0/chains.bin
plain-1.0/files/notes.txt/notes.txt
plain-1.0/files/docs/a/one.md
plain-1.0/files/docs/two.md
";

#[test]
fn same_bytes_whoever_builds_where_and_when() {
    let first = plain();
    first.good(&["lock"]);
    first.good(&["build"]);
    let second = plain();
    let script = format!("umask 077; exec {} \"$@\"", env!("CARGO_BIN_EXE_bundler"));
    for arguments in [vec!["lock"], vec!["build", "-o", "x.tar", "--progress", "plain"]] {
        let mut command = Command::new("sh");
        command.args(["-c", &script, "sh"]).args(arguments).current_dir(second.path());
        command.env("TZ", "Pacific/Kiritimati").env("LANG", "tr_TR.UTF-8").env("LC_ALL", "tr_TR.UTF-8");
        Run::of(command.env("HOME", "/nonexistent").env("USER", "somebody")).good();
    }
    assert_eq!(first.read("bundle.lock"), second.read("bundle.lock"));
    assert!(first.read("plain-1.0.bundle.tar") == second.read("x.tar"));
    let Some(third) = built_by_another_user() else { return };
    assert_eq!(first.read("bundle.lock"), third.read("bundle.lock"));
    assert!(first.read("plain-1.0.bundle.tar") == third.read("plain-1.0.bundle.tar"));
}

/// The same recipe, locked and built as `nobody`; none where we may not become somebody else, which is said aloud.
fn built_by_another_user() -> Option<Folder> {
    const NOBODY: &str = "65534";
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: only root can build as another user");
        return None;
    }
    let folder = plain();
    // Where the program was built nobody else may come.
    let program = folder.join("bundler");
    std::fs::copy(env!("CARGO_BIN_EXE_bundler"), &program).unwrap();
    folder.tool("chown", &["-R", NOBODY, "."])?.good();
    for command in ["lock", "build"] {
        let (user, group) = (format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"));
        let words = [&user, &group, "--clear-groups", program.to_str().unwrap(), command];
        folder.tool("setpriv", &words)?.good();
    }
    Some(folder)
}

#[test]
fn any_tar_lists_it() {
    let folder = plain();
    folder.good(&["lock"]);
    folder.good(&["build"]);
    for tool in ["tar", "bsdtar"] {
        if let Some(run) = folder.tool(tool, &["-tf", "plain-1.0.bundle.tar"]) {
            assert_eq!(run.good(), NAMES, "{tool}");
            assert_eq!(run.stderr(), "");
        }
    }
    let mut archive = tar::Archive::new(File::open(folder.join("plain-1.0.bundle.tar")).unwrap());
    let names: Vec<String> =
        archive.entries().unwrap().map(|e| e.unwrap().path().unwrap().display().to_string()).collect();
    assert_eq!(names.join("\n") + "\n", NAMES);
    assert_eq!(folder.read("docs/two.md"), {
        folder.tool("tar", &["-xf", "plain-1.0.bundle.tar"]).unwrap().good();
        folder.read("plain-1.0/files/docs/two.md")
    });
}

#[test]
fn locked_means_locked() {
    let folder = plain();
    folder.good(&["lock"]);
    assert!(folder.good(&["lock"]).starts_with("bundle.lock is up to date"));
    let before = folder.names();

    folder.write("notes.txt", "HELLO\n");
    let text = folder.run(&["build"]).refused(2);
    assert!(
        text.starts_with("error: notes.txt has changed since it was locked\n  expected: sha256:"),
        "{text}"
    );
    assert!(text.contains("(6 bytes)\n     found: sha256:") && text.contains("run `bundler lock`"), "{text}");
    folder.write("notes.txt", "longer than before\n");
    assert!(folder.run(&["build"]).refused(2).contains("(19 bytes)"));
    folder.write("notes.txt", "hello\n");

    folder.write("docs/new.md", "");
    assert!(folder.run(&["build"]).refused(2).contains("found: new.md (mode 0644)"));
    fs::remove_file(folder.join("docs/new.md")).unwrap();
    fs::set_permissions(folder.join("docs/two.md"), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(folder.run(&["build"]).refused(2).contains("two.md (mode 0755)"));
    fs::set_permissions(folder.join("docs/two.md"), fs::Permissions::from_mode(0o600)).unwrap();

    folder.write("bundle.toml", PLAIN.replace("\"1.0\"", "\"1.1\""));
    assert!(folder.run(&["build"]).refused(2).contains("bundle.lock was made from another recipe"));
    folder.write("bundle.toml", PLAIN);

    let lock = String::from_utf8(folder.read("bundle.lock")).unwrap();
    folder.write("bundle.lock", lock.replace("size = 6", "size = 0x6"));
    assert!(folder.run(&["build"]).refused(2).contains("is not written as `bundler lock` writes it"));
    folder.write("bundle.lock", lock.replace("size = 6", "sise = 6"));
    let text = folder.run(&["build"]).refused(2);
    assert!(text.contains("has an unknown key `sise`") && text.contains("did you mean `size`?"), "{text}");
    folder.write("bundle.lock", lock);
    assert_eq!(folder.names(), before);
    folder.good(&["build"]);
}

#[test]
fn another_file_of_that_name_is_not_replaced() {
    let folder = plain();
    folder.good(&["lock"]);
    folder.write("plain-1.0.bundle.tar", "mine");
    let text = folder.run(&["build"]).refused(2);
    assert!(text.contains("exists and is another file"), "{text}");
    assert_eq!(folder.read("plain-1.0.bundle.tar"), b"mine");
    assert!(folder.good(&["build", "--replace"]).contains("built"));
    assert!(folder.good(&["build"]).contains("is there already, byte for byte"));
    assert_eq!(folder.names(), ["bundle.lock", "bundle.toml", "docs", "notes.txt", "plain-1.0.bundle.tar"]);
}

#[test]
fn links_that_leave_and_special_files_are_refused_by_name() {
    let folder = plain();
    for target in ["/etc/passwd", "../notes.txt", "a/../../notes.txt"] {
        std::os::unix::fs::symlink(target, folder.join("docs/bad")).unwrap();
        let text = folder.run(&["lock"]).refused(1);
        assert!(text.contains("docs/bad is a symbolic link that leaves its tree"), "{text}");
        fs::remove_file(folder.join("docs/bad")).unwrap();
    }
    if folder.tool("mkfifo", &["docs/pipe"]).is_some() {
        assert!(folder.run(&["lock"]).refused(2).contains("docs/pipe is neither file, folder nor"));
        fs::remove_file(folder.join("docs/pipe")).unwrap();
    }
    folder.write("docs/CON.txt", "");
    assert!(folder.run(&["lock"]).refused(1).contains("docs/CON.txt names a Windows device"));
}

#[test]
fn sizes_around_chunks_and_sparse_files_beyond_8_gib_and_long_names() {
    let folder = Folder::new();
    const CHUNK: usize = 4 << 20;
    for size in [0, 1, 63, 64, 511, 512, 513, 65_536, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
        let bytes: Vec<u8> = (0..size).map(|n| ((n * 31) >> 3) as u8 | 1).collect();
        folder.write(&format!("tree/{size}"), bytes);
    }
    let long = "n".repeat(150);
    folder.write(&format!("tree/{long}"), "pax");
    folder.write(&format!("tree/{}/{}", "d".repeat(90), "e".repeat(90)), "prefix");
    let big = File::create(folder.join("tree/big")).unwrap();
    big.set_len((8 << 30) + 5).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&big, b"end", (8 << 30) + 2).unwrap();
    folder.write(
        "bundle.toml",
        "[bundle]\nname = \"b\"\nversion = \"1\"\nsequence = 1\ncreated = \"2026-11-22T00:00:00Z\"\n\
         [[tree]]\nname = \"t\"\nsource = \"tree\"\nunsigned = \"test\"\n",
    );
    folder.good(&["lock"]);
    folder.good(&["build"]);
    for tool in ["tar", "bsdtar"] {
        if let Some(run) = folder.tool(tool, &["-tvf", "b-1.bundle.tar"]) {
            let listing = run.good();
            assert!(listing.contains("8589934597 "), "{listing}");
            assert!(listing.contains(&format!("b-1/files/t/{long}\n")), "{listing}");
            assert_eq!(run.stderr(), "");
        }
    }
    use std::os::unix::fs::MetadataExt;
    let on_disk = fs::metadata(folder.join("b-1.bundle.tar")).unwrap().blocks() * 512;
    assert!(on_disk < 1 << 30, "holes stay holes: {on_disk}");
}
