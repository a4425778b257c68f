// SPDX-License-Identifier: Apache-2.0
//! The fuzz targets on inputs that are kept: no panic, whatever is read.
//!
//! `testdata/corpus/TARGET/` holds a good input for each, and every input that once did harm. Each good one is
//! also cut and changed at many places. Where the conformance sets lie beside the project, every target reads all
//! their files too, whatever they are.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "a library of its own, where it is fuzzed")]
mod targets;

use std::fs;
use std::path::{Path, PathBuf};

/// Longer files would only make the test slow.
const MAX_BYTES: u64 = 512 * 1024;

type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 18] = [
    ("apple_code", targets::apple_code),
    ("apple_package", targets::apple_package),
    ("apt_packages", targets::apt_packages),
    ("apt_release", targets::apt_release),
    ("authenticode", targets::authenticode),
    ("bundle", targets::bundle),
    ("certificate", targets::certificate),
    ("cms", targets::cms),
    ("deb", targets::deb),
    ("documents", targets::documents),
    ("gzip", targets::gzip),
    ("kind", targets::kind),
    ("openpgp", targets::openpgp),
    ("rpm", targets::rpm),
    ("tar", targets::tar),
    ("timestamp", targets::timestamp),
    ("trust_policy", targets::trust_policy),
    ("zip", targets::zip),
];

fn files(folder: &Path, to: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        match fs::symlink_metadata(&path).unwrap() {
            facts if facts.is_dir() => files(&path, to),
            facts if facts.is_file() && facts.len() <= MAX_BYTES => to.push(path),
            _ => {}
        }
    }
}

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_target_has_a_fuzz_target_of_its_name() {
    let mut found = Vec::new();
    files(&package().join("fuzz/targets"), &mut found);
    let names: Vec<_> = found.iter().map(|path| path.file_stem().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, TARGETS.map(|(name, _)| name));
}

#[test]
fn kept_inputs_whole_cut_and_changed() {
    for (name, target) in TARGETS {
        let folder = package().join("../testdata/corpus").join(name);
        let mut kept = Vec::new();
        if folder.is_dir() {
            files(&folder, &mut kept);
        }
        for path in kept {
            let bytes = fs::read(path).unwrap();
            target(&bytes);
            let step = (bytes.len() / 200).max(1);
            for at in (0..bytes.len()).step_by(step) {
                target(&bytes[..at]);
                let mut changed = bytes.clone();
                for value in [changed[at] ^ 0xff, 0, 0x7f, 0x80] {
                    changed[at] = value;
                    target(&changed);
                }
            }
        }
    }
}

#[test]
fn every_target_on_files_of_others() {
    let vectors = std::env::var_os("SEALIFT_VECTORS")
        .map_or_else(|| package().join("../../shared/vectors"), PathBuf::from);
    if !vectors.is_dir() {
        eprintln!("skipped: {} is not here", vectors.display());
        return;
    }
    let mut found = Vec::new();
    files(&vectors, &mut found);
    assert!(!found.is_empty());
    for path in found {
        let bytes = fs::read(&path).unwrap();
        TARGETS.iter().for_each(|(_, target)| target(&bytes));
    }
}
