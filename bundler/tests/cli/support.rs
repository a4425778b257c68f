// SPDX-License-Identifier: Apache-2.0
//! A folder to work in, and the program as people run it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.join(name)).unwrap()
    }

    /// Every name in the folder, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let listing = fs::read_dir(self.path()).unwrap();
        let mut names: Vec<String> =
            listing.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bundler"));
        command.args(arguments).current_dir(self.path()).env_remove("SEALIFT_PASSPHRASE");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        Run::of(&mut self.command(arguments))
    }

    /// Runs and expects success.
    pub(crate) fn good(&self, arguments: &[&str]) -> String {
        self.run(arguments).good()
    }

    /// Runs another program; none where it is not installed, which is said aloud.
    pub(crate) fn tool(&self, name: &str, arguments: &[&str]) -> Option<Run> {
        match Command::new(name)
            .args(arguments)
            .current_dir(self.path())
            .env("GNUPGHOME", self.join("gpg"))
            .output()
        {
            Ok(output) => Some(Run(output)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                eprintln!("SKIPPED: {name} is not installed here");
                None
            }
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

pub(crate) struct Run(pub(crate) Output);

impl Run {
    pub(crate) fn of(command: &mut Command) -> Self {
        Self(command.output().unwrap())
    }

    pub(crate) fn stdout(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    pub(crate) fn code(&self) -> i32 {
        self.0.status.code().unwrap()
    }

    pub(crate) fn good(&self) -> String {
        assert!(self.0.status.success(), "{}\n{}", self.stdout(), self.stderr());
        self.stdout()
    }

    /// Expects a refusal, and gives its text.
    pub(crate) fn refused(&self, code: i32) -> String {
        assert_eq!(self.code(), code, "{}\n{}", self.stdout(), self.stderr());
        assert_eq!(self.stdout(), "");
        self.stderr()
    }
}

/// A recipe without signatures: a note and a tree.
pub(crate) const PLAIN: &str = r#"[bundle]
name = "plain"
version = "1.0"
sequence = 1
created = "2026-11-22T00:00:00Z"

[[artifact]]
name = "notes.txt"
source = "notes.txt"
unsigned = "written by this site"
install = { file = "/etc/motd.d/notes", mode = "0644" }

[[tree]]
name = "docs"
source = "docs/"
unsigned = "our own documents"
install = { directory = "/usr/share/doc/site" }
"#;

/// The files that [`PLAIN`] names.
pub(crate) fn plain() -> Folder {
    let folder = Folder::new();
    folder.write("bundle.toml", PLAIN);
    folder.write("notes.txt", "hello\n");
    folder.write("docs/a/one.md", "one\n");
    folder.write("docs/two.md", vec![7; 9_000_000]);
    fs::create_dir(folder.join("docs/empty")).unwrap();
    std::os::unix::fs::symlink("a/one.md", folder.join("docs/latest")).unwrap();
    folder
}
