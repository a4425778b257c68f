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
use verifier::error::{Class, Code};
use verifier::install::Recovered;

const CHILD: &str = "SEALIFT_TEST_INSTALL";
const CHILD_BUNDLE: &str = "SEALIFT_TEST_BUNDLE";
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

/// More files and folders than are synced one by one.
fn many(sequence: u64) -> Vec<u8> {
    let text = format!("content of {sequence}");
    let mut bundle = Bundle::new("app", sequence).tree("t", "/srv/t", None);
    for i in 0..70 {
        bundle = bundle.tree_file(&format!("{i}/f"), text.as_bytes(), Plain);
    }
    bundle.build()
}

/// A bundle with its sequence, by the name that the child knows it by.
fn named(bundle: &str, sequence: u64) -> Vec<u8> {
    match bundle {
        "few" => self::bundle(sequence),
        "many" => many(sequence),
        other => panic!("no bundle {other}"),
    }
}

/// A host with bundle 1, and bundle 2 beside it.
struct Model {
    base: PathBuf,
    bundle: &'static str,
    old: Snapshot,
    new: Snapshot,
}

fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(done.success());
}

impl Model {
    fn new(scratch: &Path) -> Self {
        Self::of("few", scratch)
    }

    fn of(bundle: &'static str, scratch: &Path) -> Self {
        let base = scratch.join("model");
        fs::create_dir(&base).unwrap();
        let host = Host::new(&base);
        host.install(&named(bundle, 1)).unwrap();
        let old = host.snapshot();
        let after = scratch.join("after");
        copy(&base, &after);
        let host = Host { base: after };
        host.install(&named(bundle, 2)).unwrap();
        Self { base, bundle, old, new: host.snapshot() }
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
            .env(CHILD_BUNDLE, self.bundle)
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
    match host.install(&named(&std::env::var(CHILD_BUNDLE).unwrap(), 2)) {
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
            // The lock files are removed in passing: where that fails, the next install takes them.
            let _ = fs::remove_file(host.at("/.sealift.lock"));
            let _ = fs::remove_file(host.state().path().join(".lock"));
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

/// Killed where some of the new files are in place and some are not.
fn kill_half_way(model: &Model, scratch: &Path) -> Host {
    let (status, host, talk) = model.run(scratch, &["-e", "inject=renameat2:signal=SIGKILL:when=3"]);
    assert_eq!(status.signal(), Some(9), "{talk}");
    host
}

fn journals(host: &Host) -> usize {
    fs::read_dir(host.state().path().join("journal")).unwrap().count()
}

#[test]
fn more_files_than_are_synced_one_by_one() {
    let scratch = scratch();
    let model = Model::of("many", scratch.path());
    if !can_trace(&model, scratch.path()) {
        return;
    }
    let mut synced = 0;
    for fault in ["signal=SIGKILL", "error=EIO"] {
        for when in 1..ENOUGH {
            let inject = format!("inject=syncfs:{fault}:when={when}");
            let (status, host, talk) = model.run(scratch.path(), &["-e", &inject]);
            if status.success() {
                assert_eq!(host.snapshot(), model.new, "{inject}");
                break;
            }
            synced += 1;
            let refused = status.code().map(|code| code - 40);
            assert!(status.signal() == Some(9) || refused < Some(Class::InstallBroken as i32), "{talk}");
            host.recover().unwrap_or_else(|refusal| panic!("{inject}: {refusal}"));
            assert_eq!(require_old_or_new(&model, &host, &inject), "old");
        }
    }
    // Of what is staged, and of what is in place: each met by both faults.
    assert_eq!(synced, 4);
    for when in [1, 35, 69, 70, 71] {
        let inject = format!("inject=renameat2:signal=SIGKILL:when={when}");
        let (_, host, _) = model.run(scratch.path(), &["-e", &inject]);
        host.recover().unwrap_or_else(|refusal| panic!("{inject}: {refusal}"));
        require_old_or_new(&model, &host, &inject);
    }
}

#[test]
fn half_an_install_waits_until_its_target_is_mounted() {
    let scratch = scratch();
    let model = Model::new(scratch.path());
    if !can_trace(&model, scratch.path()) {
        return;
    }
    let host = kill_half_way(&model, scratch.path());
    let away = scratch.path().join("away");
    fs::rename(host.root(), &away).unwrap();
    fs::create_dir(host.root()).unwrap();
    for refusal in [host.recover().unwrap_err(), host.install(&bundle(2)).unwrap_err()] {
        assert_eq!(refusal.code, Code::UnsafeTarget, "{refusal}");
        assert_eq!(journals(&host), 1);
    }
    fs::remove_dir(host.root()).unwrap();
    fs::rename(&away, host.root()).unwrap();
    assert!(matches!(host.recover().unwrap(), Recovered::RolledBack { .. }));
    assert_eq!(host.snapshot(), model.old);
}

/// A mount, for as long as this lives.
struct Mounted<'a>(&'a Path);

impl<'a> Mounted<'a> {
    fn new(options: &[&str], at: &'a Path) -> Option<Self> {
        let out = Command::new("mount").args(options).arg(at).output().ok()?;
        out.status.success().then_some(Self(at))
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[test]
fn half_an_install_waits_until_each_of_its_file_systems_is_mounted() {
    let scratch = scratch();
    let model = Model::new(scratch.path());
    if !can_trace(&model, scratch.path()) {
        return;
    }
    // The model, with `/opt` moved to a file system of its own.
    let base = scratch.path().join("two");
    copy(&model.base, &base);
    let host = Host { base: base.clone() };
    let (opt, disk) = (host.at("/opt"), scratch.path().join("disk"));
    fs::rename(&opt, &disk).unwrap();
    fs::create_dir(&opt).unwrap();
    let bind = ["--bind", disk.to_str().unwrap()];
    let Some(mounted) = Mounted::new(&bind, &opt) else {
        println!("skipped: cannot mount here");
        return;
    };
    // Before the last action: everything else is in place, on both.
    let (status, _, talk) = model.again(&base, &["-e", "inject=renameat2:signal=SIGKILL:when=6"]);
    assert_eq!(status.signal(), Some(9), "{talk}");
    drop(mounted);

    let mut refusals = vec![host.recover().unwrap_err()];
    let half = host.snapshot();
    refusals.push(host.install(&bundle(2)).unwrap_err());
    assert_eq!(host.snapshot(), half);
    assert_eq!(journals(&host), 1);
    let mounted = Mounted::new(&["-t", "tmpfs", "tmpfs"], &opt).expect("mounts");
    refusals.push(host.recover().unwrap_err());
    drop(mounted);
    for refusal in refusals {
        assert_eq!(
            (refusal.code, &*refusal.subject),
            (Code::UnsafeTarget, opt.to_str().unwrap()),
            "{refusal}"
        );
    }

    let mounted = Mounted::new(&bind, &opt).expect("mounts");
    assert!(matches!(host.recover().unwrap(), Recovered::RolledBack { .. }));
    assert_eq!(host.snapshot(), model.old);
    drop(mounted);
}

#[test]
fn a_file_that_took_the_place_of_the_new_one_is_told_how_to_be_got_rid_of() {
    let scratch = scratch();
    let model = Model::new(scratch.path());
    if !can_trace(&model, scratch.path()) {
        return;
    }
    let host = kill_half_way(&model, scratch.path());
    let path = host.at("/etc/app.conf");
    fs::remove_file(&path).unwrap();
    fs::write(&path, b"somebody else's").unwrap();
    let refusal = host.recover().unwrap_err();
    assert_eq!(refusal.code, Code::InstallBroken, "{refusal}");
    assert!(refusal.hint.starts_with("move it away"), "{refusal}");
    fs::remove_file(&path).unwrap();
    assert!(matches!(host.recover().unwrap(), Recovered::RolledBack { .. }));
    assert_eq!(host.snapshot(), model.old);
}
