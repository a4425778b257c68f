// SPDX-License-Identifier: Apache-2.0
//! What programs say of themselves, against Go's own tool: ELF, PE and Mach-O, in a zip, and damaged.
#![allow(clippy::unwrap_used, reason = "a test that cannot prepare its folder has failed")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use bundler::inside::{Facts, read};

fn on_path(tool: &str) -> bool {
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .any(|folder| folder.join(tool).is_file())
}

/// Programs of a module that has a version, since it comes from a proxy: one in a folder here.
const SCRIPT: &str = r#"
    set -eu
    module=example.org/tool version=v1.2.3
    at=proxy/$module/@v
    mkdir -p "$at" "pack/$module@$version"
    printf 'module %s\n\ngo 1.18\n' $module >"pack/$module@$version/go.mod"
    printf 'package main\n\nfunc main() {}\n' >"pack/$module@$version/main.go"
    cp "pack/$module@$version/go.mod" "$at/$version.mod"
    printf '{"Version": "%s", "Time": "2026-01-02T03:04:05Z"}' $version >"$at/$version.info"
    echo $version >"$at/list"
    (cd pack && zip -q -r -D "../$at/$version.zip" .)
    export GOPROXY=file://$PWD/proxy GOSUMDB=off GOFLAGS=-modcacherw GOPATH=$PWD/go CGO_ENABLED=0 GOTOOLCHAIN=local
    for target in linux/amd64 darwin/arm64 darwin/amd64 windows/amd64; do
        GOOS=${target%/*} GOARCH=${target#*/} go install $module@$version
    done
    mv go/bin built
"#;

fn built() -> Option<(tempfile::TempDir, Vec<PathBuf>)> {
    if !on_path("go") || !on_path("zip") {
        eprintln!("SKIPPED: go or zip not installed here");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let done = Command::new("bash").args(["-c", SCRIPT]).current_dir(folder.path()).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let files = walkdir::WalkDir::new(folder.path().join("built")).sort_by_file_name();
    let files = files.into_iter().map(|entry| entry.unwrap().into_path()).filter(|path| path.is_file());
    Some((folder, files.collect()))
}

fn facts(bytes: &[u8]) -> Option<Facts> {
    read(&bytes).unwrap().map(|inside| inside.facts)
}

/// What `go version -m` prints, as facts.
fn told(path: &Path) -> Facts {
    let printed = Command::new("go").args(["version", "-m"]).arg(path).output().unwrap();
    let text = String::from_utf8(printed.stdout).unwrap();
    let word = |start: &str, at: usize| {
        let line = text.lines().find(|line| line.trim_start().starts_with(start)).unwrap();
        line.split_whitespace().nth(at).unwrap().to_owned()
    };
    let setting = |name: &str| word(&format!("build\t{name}="), 1).split_once('=').unwrap().1.to_owned();
    Facts {
        name: Some(word("mod\t", 1)),
        version: Some(word("mod\t", 2)),
        arch: Some(format!("{}/{}", setting("GOOS"), setting("GOARCH"))),
        toolchain: Some(text.lines().next().unwrap().rsplit(' ').next().unwrap().to_owned()),
        ..Facts::default()
    }
}

/// A universal binary of these images.
fn fat(images: &[(u32, &Vec<u8>)]) -> Vec<u8> {
    let mut bytes = [0xcafe_babe_u32, u32::try_from(images.len()).unwrap()].map(u32::to_be_bytes).concat();
    let mut at = 1 << 14;
    for (processor, image) in images {
        let entry = [*processor, 0, at, u32::try_from(image.len()).unwrap(), 14];
        bytes.extend(entry.map(u32::to_be_bytes).concat());
        at = (at + u32::try_from(image.len()).unwrap()).next_multiple_of(1 << 14);
    }
    for (_, image) in images {
        bytes.resize(bytes.len().next_multiple_of(1 << 14), 0);
        bytes.extend_from_slice(image);
    }
    bytes
}

#[test]
fn go_programs_say_what_go_says_of_them() {
    let Some((folder, programs)) = built() else { return };
    let mut darwin = Vec::new();
    assert_eq!(programs.len(), 4, "{programs:?}");
    for path in &programs {
        let bytes = fs::read(path).unwrap();
        let found = facts(&bytes).unwrap();
        assert_eq!(found, told(path), "{}", path.display());
        assert_eq!(
            (found.name.as_deref(), found.version.as_deref()),
            (Some("example.org/tool"), Some("v1.2.3"))
        );
        match found.arch.as_deref() {
            Some("darwin/amd64") => darwin.push((0x0100_0007, bytes.clone())),
            Some("darwin/arm64") => darwin.push((0x0100_000c, bytes.clone())),
            _ => {}
        }
        damaged(&bytes);
    }
    let slices: Vec<(u32, &Vec<u8>)> = darwin.iter().map(|(processor, image)| (*processor, image)).collect();
    let arch = facts(&fat(&slices)).unwrap().arch;
    assert!(
        matches!(arch.as_deref(), Some("darwin/amd64,darwin/arm64" | "darwin/arm64,darwin/amd64")),
        "{arch:?}"
    );
    zipped(folder.path(), &programs);
}

/// A program in a zip speaks for it, two do not.
fn zipped(folder: &Path, programs: &[PathBuf]) {
    fs::write(folder.join("LICENSE"), "do as you please\n").unwrap();
    let zip = |name: &str, members: &[&Path]| {
        let made =
            Command::new("zip").current_dir(folder).args(["-q", "-j", name]).args(members).status().unwrap();
        assert!(made.success());
        fs::read(folder.join(name)).unwrap()
    };
    let licence = Path::new("LICENSE");
    let one = zip("one.zip", &[licence, &programs[0]]);
    assert_eq!(facts(&one), facts(&fs::read(&programs[0]).unwrap()));
    assert_eq!(facts(&zip("none.zip", &[licence])), None);
    let second = folder.join("second");
    fs::copy(&programs[0], &second).unwrap();
    assert_eq!(facts(&zip("two.zip", &[&programs[0], &second])), None);
    damaged(&one);
}

/// Whatever became of a file: an answer or none, and neither an error nor a panic.
fn damaged(intact: &[u8]) {
    let mut bytes = intact.to_vec();
    // Headers, and a sample of the rest.
    let places = (0..200).chain((0..40).map(|at| at * (intact.len() / 40)));
    for place in places {
        let old = bytes[place];
        for new in [0, 0xff, old ^ 1] {
            bytes[place] = new;
            read(&bytes).unwrap();
        }
        bytes[place] = old;
    }
    for length in (0..200).chain((1..10).map(|part| intact.len() / 10 * part)) {
        read(&intact[..length].to_vec()).unwrap();
    }
}

#[test]
fn what_is_no_program_says_nothing() {
    for bytes in [&b""[..], b"MZ", b"\x7fELF", b"#!/bin/sh\nexit\n", b"!<arch>\n", b"PK\x03\x04", &[0; 4096]]
    {
        assert_eq!(facts(bytes), None, "{bytes:?}");
    }
}

#[test]
fn a_file_for_other_processors_is_noticed() {
    use manifests::bundle::{Arch, Platform};
    let noticed = |wanted, said: &str| {
        let facts = Facts { arch: Some(said.to_owned()), ..Facts::default() };
        let platform = Platform { arch: Some(wanted), ..Platform::default() };
        bundler::inside::other_platform(Some(platform), Some(&facts)).is_some()
    };
    for said in ["x86_64", "amd64", "x64", "linux/amd64", "x86_64,arm64", "noarch", "all", "Intel", "src"] {
        assert!(!noticed(Arch::Amd64, said), "{said}");
    }
    for said in ["aarch64", "arm64", "Arm64", "linux/arm64", "s390x"] {
        assert!(noticed(Arch::Amd64, said), "{said}");
    }
    assert!(bundler::inside::other_platform(None, None).is_none());
}
