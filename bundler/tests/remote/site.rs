// SPDX-License-Identifier: Apache-2.0
//! A folder with a recipe and a store, and a server whose files the test can exchange.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use verifier::hash::sha256;

use crate::server::{Authority, Server, file, status};

/// What the server has, by path; a second word in the path's value is the content type.
type Files = Arc<Mutex<BTreeMap<String, (Vec<u8>, Option<&'static str>)>>>;

pub(crate) struct Site {
    folder: tempfile::TempDir,
    pub(crate) server: Server,
    files: Files,
}

/// The head of every recipe here; `$site` is the server.
const HEAD: &str = r#"[bundle]
name = "remote"
version = "1.0"
sequence = 1
created = "2026-11-22T00:00:00Z"

"#;

/// The vendor of the example that ships, and what he signed.
pub(crate) const SIGNED: &str = r#"[signer.vendor]
openpgp = "29D8 9647 9579 C260 8A6E 8F34 89CB B313 70DE C574"
key = "$site/keys/vendor.asc"

[[artifact]]
name = "hello"
source = "$site/v1/hello.sh"
signed-by = "vendor"
signature = "$source.sig"
install = { file = "/opt/drop/hello.sh", mode = "0755" }

[[artifact]]
name = "notes"
source = "$site/notes%20here.txt"
unsigned = "our own"
"#;

impl Site {
    /// The example that ships, with its files on the server.
    pub(crate) fn signed() -> Self {
        let site = Self::new(SIGNED);
        site.serve("/keys/vendor.asc", example("vendor.asc"));
        site.serve("/v1/hello.sh", example("hello.sh"));
        site.serve("/v1/hello.sh.sig", example("hello.sh.sig"));
        site.serve("/notes%20here.txt", "notes");
        site
    }

    pub(crate) fn new(sections: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new();
        authority.write(&folder.path().join("ca.pem"));
        let files = Files::default();
        let served = files.clone();
        let server = Server::start(authority.leaf(&["localhost"], |_| ()), move |request, tls| {
            let found = served.lock().unwrap().get(&request.path).cloned();
            match found {
                None => status(tls, "404 Not Found", &[]),
                Some((body, None)) => {
                    file(request, tls, &body, &format!("\"{}\"", sha256::digest(&body).hex()))
                }
                Some((body, Some(kind))) => {
                    crate::server::whole(tls, &[format!("Content-Type: {kind}")], &body)
                }
            }
        });
        let site = Self { folder, server, files };
        let host = format!("[host.\"{}\"]\nca = \"ca.pem\"\n\n", site.server.authority());
        let variables = format!("[variables]\nsite = \"{}\"\n\n", site.server.url(""));
        site.write("bundle.toml", format!("{HEAD}{variables}{host}{sections}"));
        site
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Replaces words of the recipe.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let text = self.text("bundle.toml");
        assert!(text.contains(from), "{from}: {text}");
        self.write("bundle.toml", text.replace(from, to));
    }

    pub(crate) fn serve(&self, path: &str, body: impl AsRef<[u8]>) {
        self.files.lock().unwrap().insert(path.to_owned(), (body.as_ref().to_vec(), None));
    }

    pub(crate) fn serve_as(&self, path: &str, body: impl AsRef<[u8]>, kind: &'static str) {
        self.files.lock().unwrap().insert(path.to_owned(), (body.as_ref().to_vec(), Some(kind)));
    }

    pub(crate) fn unserve(&self, path: &str) {
        assert!(self.files.lock().unwrap().remove(path).is_some());
    }

    /// The paths that were asked for so far, sorted.
    pub(crate) fn asked(&self) -> Vec<String> {
        let mut paths: Vec<String> = self.server.requests().into_iter().map(|request| request.path).collect();
        paths.sort();
        paths
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bundler"));
        command.args(arguments).current_dir(self.folder.path());
        for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "SEALIFT_PASSPHRASE"] {
            command.env_remove(name);
        }
        command.env("SEALIFT_STORE", self.path("store"));
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        Run::of(self.command(arguments).output().unwrap())
    }

    pub(crate) fn good(&self, arguments: &[&str]) -> Run {
        self.run(arguments).good()
    }

    pub(crate) fn lock(&self) -> String {
        self.text("bundle.lock")
    }

    /// Where the store has these bytes.
    pub(crate) fn stored(&self, body: &[u8]) -> PathBuf {
        let hex = sha256::digest(body).hex();
        self.path("store/sha256").join(&hex[..2]).join(&hex)
    }
}

/// A file of the recipe that ships.
pub(crate) fn example(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/recipes/first").join(name)).unwrap()
}

/// How a run ended.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) talk: String,
}

impl Run {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap(), out: text(output.stdout), talk: text(output.stderr) }
    }

    pub(crate) fn good(self) -> Self {
        assert_eq!(self.code, 0, "{}{}", self.out, self.talk);
        self
    }

    /// Expects a refusal, and gives its text.
    pub(crate) fn refused(self, code: i32) -> String {
        assert_eq!((self.code, &*self.out), (code, ""), "{}", self.talk);
        self.talk
    }
}

/// How many refusals a text has.
pub(crate) fn errors(talk: &str) -> usize {
    talk.lines().filter(|line| line.starts_with("error: ")).count()
}
