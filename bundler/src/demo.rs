// SPDX-License-Identifier: Apache-2.0
//! `bundler demo`: the whole story on an embedded example, told in the commands that anybody can type.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clap::Parser;
use manifests::name::printable;
use verifier::error::{Class, Code};
use verifier::outcome::Outcome;

use crate::cli::Cli;
use crate::failure::Failure;
use crate::files::{Access, create_new};
use crate::report::{shown, write_result};
use crate::run;

/// The files of the example, as they lie in `testdata/recipes/first`.
const EXAMPLE: &[(&str, &[u8])] = &[
    ("bundle.toml", include_bytes!("../../testdata/recipes/first/bundle.toml")),
    ("vendor.asc", include_bytes!("../../testdata/recipes/first/vendor.asc")),
    ("hello.sh", include_bytes!("../../testdata/recipes/first/hello.sh")),
    ("hello.sh.sig", include_bytes!("../../testdata/recipes/first/hello.sh.sig")),
    ("notes.txt", include_bytes!("../../testdata/recipes/first/notes.txt")),
    ("docs/README.md", include_bytes!("../../testdata/recipes/first/docs/README.md")),
    ("docs/drafts/todo.md", include_bytes!("../../testdata/recipes/first/docs/drafts/todo.md")),
];

/// Bytes of the vendor's program that the first tampered copy changes.
const PROGRAM_TEXT: &[u8] = b"hello from the far side";
/// Bytes of the manifest that the second one changes.
const MANIFEST_TEXT: &[u8] = b"\"sequence\":1";

/// Tells the story in `folder`, which must be new or empty; a new temporary one, where none is named.
pub fn tell(folder: Option<&Path>) -> Result<(), Failure> {
    let folder = match folder {
        Some(folder) => fresh(folder)?,
        None => tempfile::Builder::new()
            .prefix("sealift-demo-")
            .tempdir()
            .map_err(|error| Failure::writing(std::env::temp_dir().display().to_string(), &error))?
            .keep(),
    };
    match (Story { folder }).tell() {
        Err(Stop::Failed(failure)) => Err(failure),
        Err(Stop::Unheard) | Ok(()) => Ok(()),
    }
}

/// Why the story ends early.
enum Stop {
    Failed(Failure),
    /// Whoever listened has closed the pipe.
    Unheard,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

fn print(text: &str) -> Result<(), Stop> {
    write_result(text).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Stop::Unheard,
        _ => Failure::writing("standard output", &error).into(),
    })
}

fn fresh(folder: &Path) -> Result<PathBuf, Failure> {
    let name = folder.display().to_string();
    fs::create_dir_all(folder).map_err(|error| Failure::writing(&name, &error))?;
    let mut listing = fs::read_dir(folder).map_err(|error| Failure::reading(&name, &error))?;
    if listing.next().is_some() {
        return Err(Failure::usage(name, "is not empty").hint("name a new folder for the demo"));
    }
    Ok(folder.to_owned())
}

struct Story {
    folder: PathBuf,
}

impl Story {
    fn tell(&self) -> Result<(), Stop> {
        self.write_example()?;
        self.connected_side()?;
        self.isolated_side()?;
        self.tampered_copies()?;
        self.say(&format!(
            "Go on by hand: everything lies in {}.\n  {}",
            shown(&self.folder),
            self.command("verifier", &["--state", &self.path("state"), "trust", "show"])
        ))
    }

    fn write_example(&self) -> Result<(), Failure> {
        for (name, content) in EXAMPLE {
            let path = self.folder.join(name);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)
                    .map_err(|error| Failure::writing(parent.display().to_string(), &error))?;
            }
            create_new(&path, content, Access::Public)?;
        }
        let program = self.folder.join("hello.sh");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))
            .map_err(|error| Failure::writing(program.display().to_string(), &error))
    }

    fn connected_side(&self) -> Result<(), Stop> {
        self.say("Connected side: keys, and the trust root that says whose signatures count.")?;
        for owner in ["alice", "builder"] {
            self.bundler(&["keys", "new", owner, "--no-passphrase", "-o", &self.path("")])?;
        }
        let root = self.path("root.json");
        let keys =
            [format!("root={}", self.path("alice.pub")), format!("builder={}", self.path("builder.pub"))];
        let new = ["root", "new", "-o", &root, "--key", &keys[0], "--key", &keys[1]];
        self.bundler(&[&new[..], &["--enclave", "demo", "--expires", "2036-11-22"]].concat())?;
        self.bundler(&["root", "sign", &root, "--key", &self.path("alice.key")])?;

        self.say("Pin what goes across, build the bundle, sign it.")?;
        let (recipe, bundle) = (self.path("bundle.toml"), self.bundle());
        self.bundler(&["lock", "--recipe-file", &recipe])?;
        self.bundler(&["build", "--recipe-file", &recipe, "-o", &bundle])?;
        self.bundler(&["sign", &bundle, "--key", &self.path("builder.key"), "--trust", &root])
    }

    fn isolated_side(&self) -> Result<(), Stop> {
        self.say("Isolated host: trust the root, whose fingerprint came another way; prove; install.")?;
        let root = self.path("root.json");
        let fingerprint = crate::root::Root::read(Path::new(&root))?.fingerprint().hex();
        let target = self.path("target");
        fs::create_dir_all(&target).map_err(|error| Failure::writing(&target, &error))?;
        self.verifier(&["trust", "init", &root, "--fingerprint", &fingerprint], Outcome::Done)?;
        self.verifier(&["verify", &self.bundle()], Outcome::Done)?;
        self.verifier(&["install", &self.bundle(), "--root", &target], Outcome::Done)
    }

    fn tampered_copies(&self) -> Result<(), Stop> {
        self.say("A copy with one bit changed in the vendor's program:")?;
        let copy = self.tampered("flipped-bit.tar", PROGRAM_TEXT)?;
        self.verifier(&["verify", &copy], Outcome::Refused(Class::Medium))?;
        self.say("A copy with one digit changed in the manifest:")?;
        let copy = self.tampered("forged-sequence.tar", MANIFEST_TEXT)?;
        self.verifier(&["verify", &copy], Outcome::Refused(Class::Refused))
    }

    /// A copy of the bundle in which the last byte of the first `text` is another.
    fn tampered(&self, name: &str, text: &[u8]) -> Result<String, Failure> {
        let (bundle, copy) = (self.bundle(), self.path(name));
        let mut bytes = fs::read(&bundle).map_err(|error| Failure::reading(&bundle, &error))?;
        let Some(at) = bytes.windows(text.len()).position(|window| window == text) else {
            return Err(Failure::new(Code::NotABundle, bundle, "is not the bundle of this demo"));
        };
        bytes[at + text.len() - 1] ^= 1;
        create_new(Path::new(&copy), &bytes, Access::Public)?;
        Ok(copy)
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    fn bundle(&self) -> String {
        self.path("first-1.0.bundle.tar")
    }

    fn say(&self, text: &str) -> Result<(), Stop> {
        print(&format!("\n# {text}"))
    }

    fn command(&self, program: &str, words: &[&str]) -> String {
        let quoted: Vec<String> = words
            .iter()
            .map(|word| match word.contains([' ', '\'', '$', '"']) {
                true => format!("'{}'", word.replace('\'', "'\\''")),
                false => (*word).to_owned(),
            })
            .collect();
        printable(&format!("{program} {}", quoted.join(" ")))
    }

    fn bundler(&self, words: &[&str]) -> Result<(), Stop> {
        print(&format!("$ {}", self.command("bundler", words)))?;
        let cli = Cli::try_parse_from([&["bundler"], words].concat()).map_err(|error| unexpected(&error))?;
        run::run(cli).map_err(|class| unexpected(&format!("exit code {}", class as u8)).into())
    }

    fn verifier(&self, words: &[&str], expected: Outcome) -> Result<(), Stop> {
        let state = self.path("state");
        let words = [&["--state", &state], words].concat();
        print(&format!("$ {}", self.command("verifier", &words)))?;
        let cli = verifier::cli::Cli::try_parse_from([&["verifier"], &words[..]].concat())
            .map_err(|error| unexpected(&error))?;
        match verifier::run::run(&cli) {
            outcome if outcome == expected => Ok(()),
            outcome => {
                // A pipe that was closed meanwhile is no fault of anybody's.
                print("")?;
                Err(unexpected(&format!("{outcome:?}")).into())
            }
        }
    }
}

/// A step of the story that did not end as it must: the programs are at fault, not the user.
fn unexpected(found: &impl std::fmt::Display) -> Failure {
    Failure::fault("the demo", "did not go as it must").found(found)
}
