// SPDX-License-Identifier: Apache-2.0
//! The good bundle: made once by the product itself, then taken apart into what faults are applied to.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use bundler::build::{Existing, build};
use bundler::lock;
use bundler::recipe::Recipe;
use bundler::report::Printer;
use manifests::bundle::{CHUNK_BYTES, EntryMode, Manifest, Predicate};
use manifests::digest::Sha256Digest;
use manifests::statement::Subject;
use verifier::hash::Kernel;
use verifier::hash::sha256::{self, Midstate, state_bytes};

/// A component of more than a hundred bytes has no split in ustar: its entry needs a pax header.
pub(crate) const LONG: &str = "files/docs/a-name-of-a-hundred-and-forty-bytes-that-no-split-of-ustar-can-hold-so-that-its-entry-gets-a-header-of-three-records-instead-of-one-like-all-of-the-others.md";

/// One payload entry.
#[derive(Clone)]
pub(crate) struct Item {
    pub(crate) path: String,
    pub(crate) mode: EntryMode,
    pub(crate) content: Vec<u8>,
}

/// A bundle before it is written down.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) predicate: Predicate,
    pub(crate) items: Vec<Item>,
}

pub(crate) fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata")
}

/// The good bundle's parts, and the very bytes that `bundler build` made of them.
pub(crate) fn built() -> &'static (Parts, Vec<u8>) {
    static BUILT: OnceLock<(Parts, Vec<u8>)> = OnceLock::new();
    BUILT.get_or_init(|| make(true))
}

/// The same without the file of 8 MiB: for what is done thousands of times.
pub(crate) fn built_small() -> &'static (Parts, Vec<u8>) {
    static BUILT: OnceLock<(Parts, Vec<u8>)> = OnceLock::new();
    BUILT.get_or_init(|| make(false))
}

fn make(with_chains: bool) -> (Parts, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (testdata().join("recipes/first"), folder.path());
    for name in ["hello.sh", "hello.sh.sig", "notes.txt", "vendor.asc"] {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
    fs::create_dir(to.join("docs")).unwrap();
    fs::copy(from.join("docs/README.md"), to.join("docs/README.md")).unwrap();
    fs::write(to.join("docs").join(LONG.rsplit('/').next().unwrap()), "A long name, a short text.\n")
        .unwrap();
    let size = if with_chains { 2 * CHUNK_BYTES + 17 } else { 1000 };
    let big: Vec<u8> = (0..size).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    fs::write(to.join("big.bin"), big).unwrap();
    let recipe_file = to.join("bundle.toml");
    fs::copy(testdata().join("bundles/base/bundle.toml"), &recipe_file).unwrap();
    let recipe = Recipe::load(&recipe_file, std::collections::BTreeMap::new()).unwrap();
    let printer = Printer::silent();
    let lock = lock::resolve(&recipe, None, &printer).unwrap();
    let output = to.join("base.bundle.tar");
    build(&recipe, &lock, None, &output, Existing::Keep, &printer).unwrap();
    let bytes = fs::read(output).unwrap();
    (take_apart(&bytes), bytes)
}

/// Read by somebody else's tar reader: one more witness that the archive is what it says.
fn take_apart(bytes: &[u8]) -> Parts {
    let mut entries = Vec::new();
    for entry in tar::Archive::new(bytes).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        let mode = match entry.header().mode().unwrap() {
            0o755 => EntryMode::Executable,
            _ => EntryMode::Plain,
        };
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut content).unwrap();
        entries.push(Item { path: path.split_once('/').unwrap().1.to_owned(), mode, content });
    }
    let items = entries.split_off(3);
    let predicate = Manifest::read(&entries[0].content).unwrap().predicate().clone();
    Parts { predicate, items }
}

impl Parts {
    /// The chaining values of all items.
    pub(crate) fn chains(&self) -> Vec<u8> {
        let mut values = Vec::new();
        for item in &self.items {
            let mut state = Midstate::EMPTY;
            let chunks: Vec<&[u8]> = item.content.chunks(CHUNK_BYTES as usize).collect();
            for chunk in &chunks[..chunks.len().saturating_sub(1)] {
                state.update(Kernel::detect(), chunk);
                values.extend(state_bytes(&state.chaining_value().unwrap()));
            }
        }
        values
    }

    /// The manifest of these items with these chains, as a builder who means well writes it.
    ///
    /// Sizes and digests are filled in unchecked, so that a list of the wrong length can be signed too.
    pub(crate) fn manifest(&self, chains: &[u8]) -> Vec<u8> {
        let mut predicate = self.predicate.clone();
        for (file, item) in predicate.files.iter_mut().zip(&self.items) {
            file.size = item.content.len() as u64;
        }
        let right = self.chains().len() as u64;
        predicate.chains.size = right;
        predicate.chains.digest = sha256::digest(chains).into();
        let subject = |item: &Item| Subject {
            name: manifests::name::PortablePath::new(&item.path).unwrap(),
            digest: sha256::digest(&item.content).into(),
        };
        let manifest = Manifest::from_parts(self.items.iter().map(subject).collect(), predicate).unwrap();
        let text = String::from_utf8(manifest.render().unwrap()).unwrap();
        let size = |bytes: u64| format!("\"chains\":{{\"size\":{bytes},");
        text.replace(&size(right), &size(chains.len() as u64)).into_bytes()
    }
}

/// The identity of a manifest.
pub(crate) fn identity(manifest: &[u8]) -> Sha256Digest {
    sha256::digest(manifest)
}
