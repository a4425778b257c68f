// SPDX-License-Identifier: Apache-2.0
//! An install that is killed, or refused by the system, before each of its system calls: the next run
//! finds the old state or the new one, whole, and nothing else beside it.
//!
//! The test runs itself as a child under `strace`, which injects the fault.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use manifests::bundle::EntryMode::Plain;
use support::bundle::Bundle;
use support::{Host, scratch};
use verifier::error::Class;
use verifier::install::Recovered;

const CHILD: &str = "SEALIFT_TEST_INSTALL";
/// System calls that change something, or after which something has changed.
const CALLS: &[&str] = &[
    "renameat2",
    "rename",
    "renameat",
    "linkat",
    "mkdir",
    "mkdirat",
    "openat2",
    "openat",
    "write",
    "pwrite64",
    "fchmod",
    "fchown",
    "fsync",
    "syncfs",
    "unlink",
    "unlinkat",
    "rmdir",
    "symlinkat",
];
const ENOUGH: usize = 400;
/// Only what is traced can be injected into.
const TRACED: &str = "trace=renameat2,rename,renameat,linkat,mkdir,mkdirat,openat2,openat,write,pwrite64,\
                      fchmod,fchown,fchownat,fsync,syncfs,unlink,unlinkat,rmdir,symlinkat";

type Snapshot = BTreeMap<String, String>;

fn bundle(sequence: u64) -> Vec<u8> {
    let text = format!("content of {sequence}");
    Bundle::new("app", sequence)
        .file("conf", text.as_bytes(), "/etc/app.conf", "0640")
        .file("same", b"same", "/etc/same", "0644")
        .file("fresh", text.as_bytes(), &format!("/opt/app/v{sequence}/run"), "0755")
        .tree("t", "/srv/t", None)
        .tree_file("doc", text.as_bytes(), Plain)
        .tree_link("latest", &format!("v{sequence}"))
        .tree_folder(&format!("v{sequence}"))
        .build()
}

/// A host with bundle 1, and bundle 2 beside it.
struct Model {
    base: PathBuf,
    old: Snapshot,
    new: Snapshot,
}

fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(done.success());
}

impl Model {
    fn new(scratch: &Path) -> Self {
        let base = scratch.join("model");
        fs::create_dir(&base).unwrap();
        let host = Host::new(&base);
        host.install(&bundle(1)).unwrap();
        let old = host.snapshot();
        let after = scratch.join("after");
        copy(&base, &after);
        let host = Host { base: after };
        host.install(&bundle(2)).unwrap();
        Self { base, old, new: host.snapshot() }
    }

    /// Installs bundle 2 in a child with a fault; what is then there, after the next run.
    fn run(&self, scratch: &Path, options: &[&str]) -> (ExitStatus, Host, String) {
        let base = scratch.join("run");
        let _ = fs::remove_dir_all(&base);
        copy(&self.base, &base);
        self.again(&base, options)
    }

    /// The same, where another run left off.
    fn again(&self, base: &Path, options: &[&str]) -> (ExitStatus, Host, String) {
        let out = Command::new("strace")
            .args(["-f", "-qqq", "-o", "/dev/null", "-e", "signal=none", "-e", TRACED])
            .args(options)
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"])
            .env(CHILD, base)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let talk = String::from_utf8_lossy(&out.stderr).into_owned();
        (out.status, Host { base: base.to_owned() }, talk)
    }
}

#[test]
#[ignore = "run by the tests of this file"]
fn child() {
    let Some(base) = std::env::var_os(CHILD) else { return };
    let host = Host { base: base.into() };
    match host.install(&bundle(2)) {
        Ok(_) => std::process::exit(0),
        Err(refusal) => {
            eprintln!("{refusal}");
            std::process::exit(refusal.class as i32 + 40);
        }
    }
}

/// Where `strace` may trace; else why not.
fn can_trace(model: &Model, scratch: &Path) -> bool {
    let (status, host, talk) = match Command::new("strace").arg("-V").output() {
        Ok(_) => model.run(scratch, &[]),
        Err(error) => {
            println!("skipped: no strace: {error}");
            return false;
        }
    };
    if status.success() {
        assert_eq!(host.snapshot(), model.new);
        return true;
    }
    println!("skipped: strace cannot trace here: {talk}");
    false
}

fn require_old_or_new(model: &Model, host: &Host, at: &str) -> &'static str {
    let now = host.snapshot();
    let difference = |other: &Snapshot| {
        let gone = other.iter().filter(|(path, line)| now.get(*path) != Some(*line));
        let come = now.iter().filter(|(path, line)| other.get(*path) != Some(*line));
        format!("\n  wanted {:?}\n  found {:?}", gone.collect::<Vec<_>>(), come.collect::<Vec<_>>())
    };
    if now == model.old {
        return "old";
    }
    assert!(
        now == model.new,
        "{at}: neither old{} \nnor new{}",
        difference(&model.old),
        difference(&model.new)
    );
    "new"
}

#[test]
fn killed_before_any_call() {
    let scratch = scratch();
    let model = Model::new(scratch.path());
    if !can_trace(&model, scratch.path()) {
        return;
    }
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut runs = 0;
    for calls in CALLS {
        for when in 1..ENOUGH {
            let inject = format!("inject={calls}:signal=SIGKILL:when={when}");
            let (status, host, talk) = model.run(scratch.path(), &["-e", &inject]);
            if status.success() {
                break;
            }
            runs += 1;
            assert_eq!(status.signal(), Some(9), "{inject}: {talk}");
            let recovered = host.recover().unwrap_or_else(|refusal| panic!("{inject}: {refusal}"));
            let state = require_old_or_new(&model, &host, &inject);
            let expected = match recovered {
                Recovered::Finished { .. } => "new",
                Recovered::RolledBack { .. } | Recovered::Removed { .. } => "old",
                Recovered::Nothing => state,
            };
            assert_eq!(state, expected, "{inject}");
            *seen.entry(recovered_word(&recovered)).or_default() += 1;
            host.install(&bundle(2)).unwrap();
            assert_eq!(host.snapshot(), model.new, "{inject}");
        }
    }
    println!("{runs} kills: {seen:?}");
    assert_eq!(seen.len(), 4, "every phase was met: {seen:?}");
}

#[test]
fn killed_again_while_the_first_kill_is_recovered_from() {
    let scratch = scratch();
    let model = Model::new(scratch.path());
    if !can_trace(&model, scratch.path()) {
        return;
    }
    let run = scratch.path().join("run");
    for first in ["inject=renameat2:signal=SIGKILL:when=5", "inject=rmdir:signal=SIGKILL:when=1"] {
        // A copy would have other inode numbers: the first kill is made anew each time.
        for calls in ["renameat2", "rename", "renameat", "openat2", "fsync", "unlink", "unlinkat"] {
            for when in 1..ENOUGH {
                let (status, ..) = model.run(scratch.path(), &["-e", first]);
                assert_eq!(status.signal(), Some(9), "{first}");
                let second = format!("inject={calls}:signal=SIGKILL:when={when}");
                let (status, host, talk) = model.again(&run, &["-e", &second]);
                let at = format!("{first}, then {second}");
                if status.success() {
                    assert_eq!(host.snapshot(), model.new, "{at}");
                    break;
                }
                assert_eq!(status.signal(), Some(9), "{at}: {talk}");
                host.recover().unwrap_or_else(|refusal| panic!("{at}: {refusal}"));
                require_old_or_new(&model, &host, &at);
            }
        }
    }
}

fn recovered_word(recovered: &Recovered) -> &'static str {
    match recovered {
        Recovered::Nothing => "nothing",
        Recovered::Removed { .. } => "removed",
        Recovered::RolledBack { .. } => "rolled back",
        Recovered::Finished { .. } => "finished",
    }
}

#[test]
fn refused_by_the_system_at_any_call() {
    let scratch = scratch();
    let model = Model::new(scratch.path());
    if !can_trace(&model, scratch.path()) {
        return;
    }
    let mut classes: BTreeMap<i32, usize> = BTreeMap::new();
    for calls in
        ["renameat2", "rename", "mkdir", "mkdirat", "openat2", "fsync", "unlink", "unlinkat", "pwrite64"]
    {
        for when in 1..ENOUGH {
            let inject = format!("inject={calls}:error=EIO:when={when}");
            let (status, host, talk) = model.run(scratch.path(), &["-e", &inject]);
            // The lock file is removed in passing: where that fails, the next install takes it.
            let _ = fs::remove_file(host.at("/.sealift.lock"));
            if status.success() {
                // Either the fault was in something that does not matter, or there was none.
                assert_eq!(host.snapshot(), model.new, "{inject}");
                if !happens(&model, scratch.path(), calls, when) {
                    break;
                }
                continue;
            }
            let class = status.code().unwrap() - 40;
            *classes.entry(class).or_default() += 1;
            if class < Class::InstallBroken as i32 && class > 0 {
                let before = require_old_or_new(&model, &host, &format!("{inject}: {talk}"));
                assert_eq!(before, "old", "{inject}: {talk}");
            }
            host.recover().unwrap_or_else(|refusal| panic!("{inject}: {refusal}"));
            require_old_or_new(&model, &host, &inject);
        }
    }
    println!("classes of refusals: {classes:?}");
}

/// Whether there is a call of this number at all: a kill there would be noticed.
fn happens(model: &Model, scratch: &Path, calls: &str, when: usize) -> bool {
    let inject = format!("inject={calls}:signal=SIGKILL:when={when}");
    !model.run(scratch, &["-e", &inject]).0.success()
}

#[test]
fn file_systems_that_know_no_exchange() {
    let scratch = scratch();
    let model = Model::new(scratch.path());
    if !can_trace(&model, scratch.path()) {
        return;
    }
    let without = "inject=renameat2:error=EINVAL";
    let (status, host, talk) = model.run(scratch.path(), &["-e", without]);
    assert!(status.success(), "{talk}");
    assert_eq!(host.snapshot(), model.new);
    for calls in ["rename", "renameat", "linkat", "unlink", "unlinkat"] {
        for when in 1..ENOUGH {
            let inject = format!("inject={calls}:signal=SIGKILL:when={when}");
            let (status, host, talk) = model.run(scratch.path(), &["-e", without, "-e", &inject]);
            if status.success() {
                break;
            }
            assert_eq!(status.signal(), Some(9), "{inject}: {talk}");
            host.recover().unwrap_or_else(|refusal| panic!("{inject}: {refusal}"));
            require_old_or_new(&model, &host, &inject);
        }
    }
}
