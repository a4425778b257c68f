// SPDX-License-Identifier: Apache-2.0
//! A case laid out on disk: the bundle on its carrier, the host's state, the target. And what was there.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use manifests::digest::Sha256Digest;
use manifests::dsse::{ROOT_TYPE, pae};
use tempfile::TempDir;
use verifier::hash::sha256;

use crate::base::{Item, Parts, built, built_small, identity, testdata};
use crate::case::{Case, Given, Place};
use crate::edit::{Bytes, TextEdit};
use crate::keys;
use crate::medium::{Carrier, Medium, slot};

/// Everything that a run of `verifier` can touch, in one temporary folder.
pub(crate) struct Scene {
    folder: TempDir,
    mounted: Option<PathBuf>,
    fingerprint: Sha256Digest,
    carrier: Carrier,
}

/// A case whose machine cannot be made here.
pub(crate) struct Impossible(pub(crate) String);

/// Bundle and manifest of a case.
pub(crate) fn bundle(case: &Case) -> (Medium, Vec<u8>) {
    let mut parts = if case.chained { built() } else { built_small() }.0.clone();
    for edit in &case.payload {
        let item = parts.item(&edit.file);
        if let Some(content) = &edit.content {
            item.content = content.get();
        }
        if let Some(path) = &edit.from {
            item.content = fs::read(testdata().join(path)).unwrap();
        }
        if let Some(more) = &edit.append {
            item.content.extend(more.get());
        }
    }
    let mut chains = parts.chains();
    for edit in &case.chains {
        edit.apply(&mut chains);
    }
    let mut manifest = parts.manifest(&chains);
    for edit in &case.manifest {
        edit.apply(&mut manifest);
    }
    let slot = slot(case, &manifest);
    let mut medium = Medium::new(&parts, &manifest, slot, chains);
    for fault in &case.archive {
        medium.spoil(fault, parts.predicate.bundle.created);
    }
    (medium, manifest)
}

impl Parts {
    fn item(&mut self, path: &str) -> &mut Item {
        self.items.iter_mut().find(|item| item.path == path).unwrap_or_else(|| panic!("no file {path}"))
    }
}

/// The base root with edits, as the payload of an envelope.
fn root_document(edits: &[TextEdit], bundle: Sha256Digest) -> Vec<u8> {
    let mut text = fs::read(testdata().join("bundles/base/root.json")).unwrap();
    for edit in edits {
        edit.apply(&mut text);
    }
    let text = String::from_utf8_lossy(&text).trim_end().replace("{id}", &bundle.to_string());
    keys::fill(text.as_bytes())
}

/// A root's envelope. A signer `mallory as alice` signs with one key under the id of another.
fn envelope(payload: &[u8], signers: &[String]) -> Vec<u8> {
    let message = pae(ROOT_TYPE, payload);
    let mut signatures: Vec<(String, String)> = signers
        .iter()
        .map(|name| name.split_once(" as ").unwrap_or((name, name)))
        .map(|(by, claims)| (keys::id(claims).hex(), STANDARD.encode(keys::sign(by, &message))))
        .collect();
    signatures.sort();
    let items: Vec<String> =
        signatures.into_iter().map(|(id, sig)| format!("{{\"keyid\":\"{id}\",\"sig\":\"{sig}\"}}")).collect();
    let payload = STANDARD.encode(payload);
    format!(
        "{{\"payloadType\":\"{ROOT_TYPE}\",\"payload\":\"{payload}\",\"signatures\":[{}]}}\n",
        items.join(",")
    )
    .into_bytes()
}

fn owners(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The host's own root, for those who need no scene.
pub(crate) fn good_root() -> (Vec<u8>, Sha256Digest) {
    let document = root_document(&[], Sha256Digest::new([0; 32]));
    (envelope(&document, &owners(&["alice", "bob"])), sha256::digest(&document))
}

impl Scene {
    /// Lays out a case on one carrier.
    pub(crate) fn lay(case: &Case, carrier: Carrier) -> Result<Self, Impossible> {
        let folder = tempfile::tempdir().unwrap();
        let mut scene = Self { folder, mounted: None, fingerprint: Sha256Digest::new([0; 32]), carrier };
        for name in ["state", "target", "given", "medium"] {
            fs::create_dir(scene.path(name)).unwrap();
        }
        scene.mount(case)?;
        let (medium, manifest) = bundle(case);
        match carrier {
            Carrier::Folder => medium.extract(&scene.path("medium/base-1.0")),
            Carrier::File | Carrier::Stream => {
                fs::write(scene.path("medium/base.bundle.tar"), medium.archive()).unwrap();
            }
        }
        scene.host(case, identity(&manifest));
        for given in &case.given {
            scene.give(given, identity(&manifest));
        }
        let target = scene.path("target");
        for path in &case.target.folders {
            fs::create_dir_all(target.join(path)).unwrap();
        }
        for (path, text) in &case.target.files {
            fs::create_dir_all(target.join(path).parent().unwrap()).unwrap();
            fs::write(target.join(path), text).unwrap();
        }
        for (path, to) in &case.target.links {
            fs::create_dir_all(target.join(path).parent().unwrap()).unwrap();
            symlink(to, target.join(path)).unwrap();
        }
        if case.target.read_only {
            scene.remount_read_only()?;
        }
        Ok(scene)
    }

    fn host(&self, case: &Case, bundle: Sha256Digest) {
        let host = &case.host;
        let document = root_document(&host.root, bundle);
        let fingerprint = sha256::digest(&document);
        let root = envelope(&document, &owners(&["alice", "bob"]));
        let other = sha256::digest(b"another manifest");
        let accepted = host.accepted.map_or_else(String::new, |sequence| {
            let manifest = if host.same { bundle } else { other };
            format!("\"base\":{{\"sequence\":{sequence},\"manifest\":\"{manifest}\"}}")
        });
        let seen = host.latest_seen.as_ref().map_or_else(|| "null".to_owned(), |time| format!("\"{time}\""));
        let ledger = format!(
            "{{\"type\":\"sealift-ledger/1\",\"root\":\"{fingerprint}\",\"latestSeen\":{seen},\"bundles\":{{{accepted}}},\"replacements\":[]}}\n"
        );
        for (name, content) in [("root.json", root), ("ledger.json", ledger.into_bytes())] {
            if !host.missing.iter().any(|missing| missing == name) {
                fs::write(self.path("state").join(name), content).unwrap();
            }
        }
        for (name, content) in &host.files {
            let path = self.path("state").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content.get()).unwrap();
        }
    }

    fn give(&mut self, given: &Given, bundle: Sha256Digest) {
        let document = root_document(&given.root, bundle);
        let content = given.content.as_ref().map(Bytes::get).unwrap_or_else(|| {
            let signers = given.signed_by.clone().unwrap_or_else(|| owners(&["alice", "bob"]));
            let mut bytes = envelope(&document, &signers);
            given.envelope.iter().for_each(|edit| edit.apply(&mut bytes));
            self.fingerprint = sha256::digest(&document);
            bytes
        });
        fs::write(self.path("given").join(&given.name), content).unwrap();
    }

    fn mount(&mut self, case: &Case) -> Result<(), Impossible> {
        if case.target.size.is_none() && !case.target.read_only {
            return Ok(());
        }
        let at = match case.target.of {
            Place::Target => self.path("target"),
            Place::State => self.path("state"),
        };
        let size = format!("size={}", case.target.size.unwrap_or(32 << 20));
        system(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "sealift-test"]).arg(&at))?;
        self.mounted = Some(at);
        Ok(())
    }

    fn remount_read_only(&self) -> Result<(), Impossible> {
        let at = self.mounted.as_ref().unwrap();
        system(Command::new("mount").args(["-o", "remount,ro"]).arg(at))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The command with its places filled in, and standard input where the bundle comes that way.
    pub(crate) fn command(&self, program: &Path, words: &[String]) -> Command {
        let mut command = Command::new(program);
        let path = |name: &str| self.path(name).display().to_string();
        let bundle = match self.carrier {
            Carrier::File => path("medium/base.bundle.tar"),
            Carrier::Folder => path("medium/base-1.0"),
            Carrier::Stream => "-".to_owned(),
        };
        for word in words {
            command.arg(
                word.replace("{bundle}", &bundle)
                    .replace("{target}", &path("target"))
                    .replace("{given}", &path("given"))
                    .replace("{fingerprint}", &self.fingerprint.hex()),
            );
        }
        command.arg("--state").arg(self.path("state"));
        command.env_remove("SEALIFT_STATE").env("LC_ALL", "C");
        match self.carrier {
            Carrier::Stream => {
                command.stdin(fs::File::open(self.path("medium/base.bundle.tar")).unwrap());
            }
            Carrier::File | Carrier::Folder => {
                command.stdin(std::process::Stdio::null());
            }
        }
        command
    }

    /// Names, kinds, sizes, modes, owners, times and inode numbers of everything there is; and contents.
    pub(crate) fn snapshot(&self, look: Look) -> BTreeMap<PathBuf, String> {
        let mut all = BTreeMap::new();
        for item in walkdir::WalkDir::new(self.folder.path()) {
            let item = item.unwrap();
            let facts = item.path().symlink_metadata().unwrap();
            let mut line = format!("{:o} {} {}:{}", facts.mode(), facts.ino(), facts.uid(), facts.gid());
            if facts.is_file() || look.folder_times {
                line += &format!(" {} {}.{}", facts.size(), facts.mtime(), facts.mtime_nsec());
            }
            if facts.is_symlink() {
                line += &format!(" -> {}", fs::read_link(item.path()).unwrap().display());
            } else if facts.is_file() && look.contents {
                line += &format!(" {}", sha256::digest(&fs::read(item.path()).unwrap()).hex());
            }
            all.insert(item.path().to_owned(), line);
        }
        all
    }
}

/// How closely a snapshot looks.
#[derive(Clone, Copy)]
pub(crate) struct Look {
    pub(crate) contents: bool,
    /// Not where something is written on the way: an install takes a lock, a file that comes and goes.
    pub(crate) folder_times: bool,
}

impl Drop for Scene {
    fn drop(&mut self) {
        if let Some(at) = &self.mounted {
            let _ = Command::new("umount").arg(at).status();
        }
    }
}

fn system(command: &mut Command) -> Result<(), Impossible> {
    match command.output() {
        Ok(done) if done.status.success() => Ok(()),
        Ok(done) => Err(Impossible(String::from_utf8_lossy(&done.stderr).trim().to_owned())),
        Err(error) => Err(Impossible(error.to_string())),
    }
}
