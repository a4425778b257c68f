// SPDX-License-Identifier: Apache-2.0
//! Installs through the library: what lands, what is refused, and that a refusal changes nothing.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use manifests::bundle::EntryMode::{Executable, Plain};
use support::bundle::Bundle;
use support::{Host, name, scratch};
use verifier::error::Code;
use verifier::install::{Kind, Outcome, Recovered, Selection};

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The change of each path that is no folder.
fn outcomes(installed: &verifier::install::Installed) -> Vec<(&str, Outcome)> {
    let files = installed.changes.iter().filter(|change| change.kind != Kind::Folder);
    files.map(|change| (change.path.as_str(), change.outcome)).collect()
}

/// Refused with this code, naming this subject, and nothing is another than before.
fn refused(host: &Host, bundle: &[u8], code: Code, subject: &str) {
    let before = host.snapshot();
    let refusal = host.install(bundle).unwrap_err();
    assert_eq!((refusal.code, refusal.subject.as_str()), (code, subject), "{refusal}");
    assert_eq!(host.snapshot(), before, "{refusal}");
}

#[test]
fn fresh_then_unchanged_then_replaced() {
    let scratch = scratch();
    let host = Host::new(scratch.path());
    let bundle = |sequence, b: &[u8]| {
        Bundle::new("app", sequence)
            .file("a", b"alpha", "/opt/app/a.conf", "0640")
            .file("b", b, "/opt/app/b", "0755")
            .file("empty", b"", "/srv/empty", "0600")
            .build()
    };
    let installed = host.install(&bundle(1, b"one")).unwrap();
    assert!(installed.changes.iter().all(|change| change.outcome == Outcome::Created));
    assert_eq!(fs::read(host.at("/opt/app/b")).unwrap(), b"one");
    for (path, mode) in [("opt", 0o755), ("opt/app", 0o755), ("opt/app/a.conf", 0o640), ("srv/empty", 0o600)]
    {
        assert_eq!(fs::metadata(host.at(path)).unwrap().permissions().mode() & 0o7777, mode, "{path}");
    }
    assert_eq!(host.sequence("app"), Some(1));

    let before = host.snapshot();
    let inode = fs::metadata(host.at("/opt/app/a.conf")).unwrap().ino();
    let again = host.install(&bundle(1, b"one")).unwrap();
    assert!(outcomes(&again).iter().all(|(_, outcome)| *outcome == Outcome::Unchanged));
    assert_eq!(host.snapshot(), before);

    let next = host.install(&bundle(2, b"two!")).unwrap();
    assert_eq!(
        outcomes(&next),
        [
            ("/opt/app/a.conf", Outcome::Unchanged),
            ("/opt/app/b", Outcome::Replaced),
            ("/srv/empty", Outcome::Unchanged)
        ]
    );
    assert_eq!(fs::read(host.at("/opt/app/b")).unwrap(), b"two!");
    assert_eq!(fs::metadata(host.at("/opt/app/a.conf")).unwrap().ino(), inode);
    assert_eq!(host.sequence("app"), Some(2));
    let names: Vec<String> = host.snapshot().into_keys().collect();
    assert!(!names.iter().any(|name| name.contains("sealift") || name.contains("journal")), "{names:?}");
    assert_eq!(host.recover().unwrap(), Recovered::Nothing);
}

#[test]
fn long_files_arrive_whole() {
    let scratch = scratch();
    let host = Host::new(scratch.path());
    let long: Vec<u8> = (0..9_500_000u32).map(|i| (i.wrapping_mul(7) >> 3) as u8).collect();
    let bundle = Bundle::new("app", 1).file("long", &long, "/long", "0644").build();
    host.install(&bundle).unwrap();
    assert!(fs::read(host.at("/long")).unwrap() == long);
}

#[test]
fn modes_and_times_of_the_target_decide_what_is_unchanged() {
    let scratch = scratch();
    let host = Host::new(scratch.path());
    let bundle = Bundle::new("app", 1).file("a", b"alpha", "/a", "0600").build();
    fs::write(host.at("/a"), b"alpha").unwrap();
    fs::set_permissions(host.at("/a"), fs::Permissions::from_mode(0o644)).unwrap();
    let installed = host.install(&bundle).unwrap();
    assert_eq!(outcomes(&installed), [("/a", Outcome::Replaced)]);
    assert_eq!(fs::metadata(host.at("/a")).unwrap().permissions().mode() & 0o7777, 0o600);
}

#[test]
fn owners_come_from_the_targets_own_passwd() {
    let scratch = scratch();
    let host = Host::new(scratch.path());
    fs::create_dir(host.at("/etc")).unwrap();
    fs::write(host.at("/etc/passwd"), "svc:x:4242:4343::/:/bin/false\n").unwrap();
    let bundle = |owner| Bundle::new(owner, 1).owned_file("a", b"x", "/d/a", "0640", Some(owner)).build();
    refused(&host, &bundle("nobody-here"), Code::UnknownOwner, "nobody-here");
    if !is_root() {
        refused(&host, &bundle("svc"), Code::Permission, "/d/a");
        println!("skipped: only root may give files away");
        return;
    }
    host.install(&bundle("svc")).unwrap();
    let facts = fs::metadata(host.at("/d/a")).unwrap();
    assert_eq!((facts.uid(), facts.gid(), facts.mode() & 0o7777), (4242, 4343, 0o640));
    assert_eq!(fs::metadata(host.at("/d")).unwrap().uid(), 0, "a folder on the way is the installing user's");
    let again = host.install(&bundle("4242")).unwrap();
    assert_eq!(outcomes(&again), [("/d/a", Outcome::Unchanged)]);
    let tree = Bundle::new("tree", 1)
        .tree("t", "/x/t", Some("svc"))
        .tree_file("sub/f", b"f", Executable)
        .tree_link("l", "sub/f")
        .build();
    host.install(&tree).unwrap();
    for (path, uid) in [("x", 0), ("x/t", 4242), ("x/t/sub", 4242), ("x/t/sub/f", 4242), ("x/t/l", 4242)] {
        assert_eq!(fs::symlink_metadata(host.at(path)).unwrap().uid(), uid, "{path}");
    }
}

#[test]
fn trees_keep_what_is_not_theirs() {
    let scratch = scratch();
    let host = Host::new(scratch.path());
    fs::create_dir_all(host.at("/opt/t/sub")).unwrap();
    fs::set_permissions(host.at("/opt/t"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(host.at("/opt/t/foreign"), b"mine").unwrap();
    let tree = |sequence, to: &str| {
        Bundle::new("tree", sequence)
            .tree("t", "/opt/t", None)
            .tree_file("bin/run", b"#!", Executable)
            .tree_file("sub/doc", b"doc", Plain)
            .tree_link("latest", to)
            .tree_folder("empty/deep")
            .build()
    };
    host.install(&tree(1, "bin/run")).unwrap();
    assert_eq!(fs::read(host.at("/opt/t/foreign")).unwrap(), b"mine");
    assert_eq!(fs::metadata(host.at("/opt/t")).unwrap().permissions().mode() & 0o7777, 0o700);
    assert_eq!(fs::metadata(host.at("/opt/t/bin/run")).unwrap().permissions().mode() & 0o7777, 0o755);
    assert_eq!(fs::read_link(host.at("/opt/t/latest")).unwrap(), Path::new("bin/run"));
    assert!(host.at("/opt/t/empty/deep").is_dir());
    let installed = host.install(&tree(2, "sub/doc")).unwrap();
    let replaced: Vec<&str> = installed
        .changes
        .iter()
        .filter(|change| change.outcome == Outcome::Replaced)
        .map(|change| change.path.as_str())
        .collect();
    assert_eq!(replaced, ["/opt/t/latest"]);
    assert_eq!(fs::read_link(host.at("/opt/t/latest")).unwrap(), Path::new("sub/doc"));
}

#[test]
fn many_small_files() {
    let scratch = scratch();
    let host = Host::new(scratch.path());
    let mut bundle = Bundle::new("many", 1).tree("t", "/t", None);
    for i in 0..3000 {
        bundle = bundle.tree_file(&format!("{}/{i}", i % 70), format!("{i}").as_bytes(), Plain);
    }
    let bundle = bundle.build();
    let limit = |soft| {
        let now = rustix::process::getrlimit(rustix::process::Resource::Nofile);
        let new = rustix::process::Rlimit { current: Some(soft), ..now };
        rustix::process::setrlimit(rustix::process::Resource::Nofile, new).unwrap();
    };
    limit(256);
    host.install(&bundle).unwrap();
    assert_eq!(fs::read(host.at("/t/1/2941")).unwrap(), b"2941");
}

#[test]
fn links_in_the_target_are_refused_by_name() {
    let scratch = scratch();
    let host = Host::new(scratch.path());
    let outside = scratch.path().join("outside");
    fs::create_dir(&outside).unwrap();
    let bundle = Bundle::new("app", 1).file("a", b"x", "/opt/app/a", "0644").build();
    symlink(&outside, host.at("/opt")).unwrap();
    refused(&host, &bundle, Code::UnsafeTarget, "/opt");
    fs::remove_file(host.at("/opt")).unwrap();
    fs::create_dir_all(host.at("/opt/app")).unwrap();
    symlink(outside.join("f"), host.at("/opt/app/a")).unwrap();
    refused(&host, &bundle, Code::UnsafeTarget, "/opt/app/a");
    fs::remove_file(host.at("/opt/app/a")).unwrap();
    fs::remove_dir(host.at("/opt/app")).unwrap();
    symlink("/", host.at("/opt/app")).unwrap();
    refused(&host, &bundle, Code::UnsafeTarget, "/opt/app");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    symlink("/nowhere", host.at("/.sealift.lock")).unwrap();
    let refusal = host.install(&bundle).unwrap_err();
    assert_eq!(refusal.code, Code::UnsafeTarget, "{refusal}");
}

#[test]
fn what_is_in_the_way_is_refused() {
    let scratch = scratch();
    let host = Host::new(scratch.path());
    let bundle = Bundle::new("app", 1).file("a", b"x", "/opt/a", "0644").build();
    fs::create_dir_all(host.at("/opt/a")).unwrap();
    refused(&host, &bundle, Code::UnsafeTarget, "/opt/a");
    fs::remove_dir(host.at("/opt/a")).unwrap();
    fs::remove_dir(host.at("/opt")).unwrap();
    fs::write(host.at("/opt"), b"a file").unwrap();
    refused(&host, &bundle, Code::UnsafeTarget, "/opt");
    fs::remove_file(host.at("/opt")).unwrap();
    Command::new("mkfifo").arg(host.at("/opt")).status().unwrap();
    refused(&host, &bundle, Code::UnsafeTarget, "/opt");
}

#[test]
fn a_link_planted_after_the_plan_is_undone() {
    let scratch = scratch();
    let host = Host::new(scratch.path());
    let outside = scratch.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::create_dir_all(host.at("/a")).unwrap();
    fs::create_dir_all(host.at("/b")).unwrap();
    fs::write(host.at("/a/f"), b"old").unwrap();
    let bundle =
        Bundle::new("app", 1).file("f", b"new", "/a/f", "0644").file("g", b"g", "/b/g", "0644").build();
    let target = host.target();
    let staged = host.stage(&target, &bundle, &Selection::default()).unwrap();
    fs::remove_dir(host.at("/b")).unwrap();
    symlink(&outside, host.at("/b")).unwrap();
    let approved = support::approved(staged);
    let refusal = verifier::install::install(approved, &target, &host.state()).unwrap_err();
    assert_eq!((refusal.code, refusal.subject.as_str()), (Code::InstallFailed, "/b"), "{refusal}");
    drop(target);
    assert_eq!(host.recover().unwrap(), Recovered::Nothing);
    assert_eq!(fs::read(host.at("/a/f")).unwrap(), b"old");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    assert_eq!(host.sequence("app"), None);
}

#[test]
fn a_file_that_comes_meanwhile_is_not_overwritten() {
    let scratch = scratch();
    let host = Host::new(scratch.path());
    fs::write(host.at("/same"), b"same").unwrap();
    fs::write(host.at("/z"), b"old").unwrap();
    let bundle = Bundle::new("app", 1)
        .file("a", b"a", "/new/a", "0644")
        .file("same", b"same", "/same", "0644")
        .file("z", b"z", "/z", "0644")
        .build();
    fs::set_permissions(host.at("/same"), fs::Permissions::from_mode(0o644)).unwrap();
    for (path, whole) in [("/new/a", "/new"), ("/same", "/same")] {
        let target = host.target();
        let staged = host.stage(&target, &bundle, &Selection::default()).unwrap();
        fs::create_dir_all(host.at(path).parent().unwrap()).unwrap();
        fs::write(host.at(path), b"meanwhile").unwrap();
        let approved = support::approved(staged);
        let refusal = verifier::install::install(approved, &target, &host.state()).unwrap_err();
        assert_eq!((refusal.code, refusal.subject.as_str()), (Code::InstallFailed, whole), "{refusal}");
        drop(target);
        assert_eq!(fs::read(host.at(path)).unwrap(), b"meanwhile");
        assert_eq!(fs::read(host.at("/z")).unwrap(), b"old");
        assert_eq!(host.sequence("app"), None);
        assert_eq!(host.recover().unwrap(), Recovered::Nothing);
    }
}

#[test]
fn components_are_chosen_by_name() {
    let scratch = scratch();
    let host = Host::new(scratch.path());
    let bundle = Bundle::new("app", 1)
        .file("plain", b"p", "/plain", "0644")
        .file("usual", b"u", "/usual", "0644")
        .component("usual-part", true)
        .file("extra", b"e", "/extra", "0644")
        .component("extra-part", false)
        .build();
    let pick = |only: &[&str], except: &[&str]| {
        let names = |list: &[&str]| list.iter().map(|text| name(text)).collect();
        let selection = Selection { only: names(only), except: names(except), ..Selection::default() };
        host.install_some(&bundle, &selection).map(|installed| {
            outcomes(&installed).iter().map(|(path, _)| path.to_string()).collect::<Vec<_>>()
        })
    };
    assert_eq!(pick(&[], &[]).unwrap(), ["/plain", "/usual"]);
    assert_eq!(pick(&["extra-part"], &[]).unwrap(), ["/extra"]);
    assert_eq!(pick(&[], &["usual-part"]).unwrap(), ["/plain"]);
    let refusal = pick(&["extra"], &[]).unwrap_err();
    assert_eq!(refusal.code, Code::Usage);
    assert_eq!(refusal.expected.unwrap(), "one of extra-part, plain, usual-part");
}

#[test]
fn a_damaged_bundle_leaves_nothing() {
    let scratch = scratch();
    let host = Host::new(scratch.path());
    let mut bundle = Bundle::new("app", 1).file("a", &[5; 9000], "/opt/a", "0644").build();
    let at = bundle.len() - 4096;
    bundle[at] ^= 1;
    refused(&host, &bundle, Code::DigestMismatch, "files/a.bin");
}

#[test]
fn one_install_at_a_time() {
    let scratch = scratch();
    let host = Host::new(scratch.path());
    let bundle = Bundle::new("app", 1).file("a", b"a", "/a", "0644").build();
    let target = host.target();
    let staged = host.stage(&target, &bundle, &Selection::default()).unwrap();
    assert_eq!(host.install(&bundle).unwrap_err().code, Code::Busy);
    drop((staged, target));
    host.install(&bundle).unwrap();
}

#[test]
fn damaged_journals_are_not_guessed_at() {
    let scratch = scratch();
    let host = Host::new(scratch.path());
    let bundle = Bundle::new("app", 1).file("a", b"a", "/a", "0644").build();
    let journal = scratch.path().join("state/journal");
    fs::create_dir(&journal).unwrap();
    for (file, text) in [("000001.json", "{}"), ("000001.json", ""), ("odd", "x")] {
        fs::write(journal.join(file), text).unwrap();
        let refusal = host.install(&bundle).unwrap_err();
        assert_eq!(refusal.code, Code::StateUnreadable, "{refusal}");
        assert!(!host.at("/a").exists());
        fs::remove_file(journal.join(file)).unwrap();
    }
}

#[test]
fn an_interrupted_install_is_for_its_own_target() {
    let scratch = scratch();
    let host = Host::new(scratch.path());
    let bundle = Bundle::new("app", 1).file("a", b"a", "/a", "0644").build();
    let before = host.snapshot();
    let target = host.target();
    // As a process that dies leaves it.
    std::mem::forget(host.stage(&target, &bundle, &Selection::default()).unwrap());
    drop(target);
    let elsewhere = scratch.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let other = verifier::install::Target::open(Some(&elsewhere)).unwrap();
    let refusal = verifier::install::recover(&other, &host.state()).unwrap_err();
    assert_eq!(refusal.code, Code::Busy, "{refusal}");
    assert!(refusal.hint.contains(&host.root().display().to_string()), "{refusal}");
    drop(other);
    fs::remove_dir(&elsewhere).unwrap();

    // What a journal says is removed as root, so it may name nothing but stage folders.
    let journal = scratch.path().join("state/journal/000001.json");
    let good = fs::read_to_string(&journal).unwrap();
    for (from, to) in [
        (".sealift-stage-", "../"),
        (".sealift-stage-", "etc"),
        ("\"folders\":[{\"path\":\"/\"", "\"folders\":[{\"path\":\"/../x\""),
        ("\"staging\"", "\"intent\""),
        ("\"actions\":[]", "\"actions\":[],\"more\":1"),
    ] {
        assert!(good.contains(from), "{good}");
        fs::write(&journal, good.replace(from, to)).unwrap();
        assert_eq!(host.recover().unwrap_err().code, Code::StateUnreadable, "{from} {to}");
    }
    fs::write(&journal, good).unwrap();
    assert!(matches!(host.recover().unwrap(), Recovered::Removed { .. }));
    assert_eq!(host.snapshot(), before);
}

#[test]
fn a_target_that_is_not_mounted_keeps_its_journal() {
    let scratch = scratch();
    let host = Host::new(scratch.path());
    fs::create_dir_all(host.at("/opt")).unwrap();
    let bundle = Bundle::new("app", 1).file("a", b"a", "/opt/a", "0644").build();
    let before = host.snapshot();
    let target = host.target();
    std::mem::forget(host.stage(&target, &bundle, &Selection::default()).unwrap());
    drop(target);
    // An empty folder where the file system belongs.
    let away = scratch.path().join("away");
    fs::rename(host.root(), &away).unwrap();
    fs::create_dir(host.root()).unwrap();
    let journal = scratch.path().join("state/journal/000001.json");
    let said = fs::read(&journal).unwrap();
    for refusal in [host.recover().unwrap_err(), host.install(&bundle).unwrap_err()] {
        assert_eq!(refusal.code, Code::UnsafeTarget, "{refusal}");
        assert_eq!(refusal.subject, host.root().display().to_string());
        assert!(refusal.hint.contains("mount the target"), "{refusal}");
        assert!(refusal.expected.as_ref().unwrap().contains(&journal.display().to_string()), "{refusal}");
    }
    assert_eq!(fs::read(&journal).unwrap(), said);
    assert_eq!(fs::read_dir(host.root()).unwrap().count(), 0);
    fs::remove_dir(host.root()).unwrap();
    fs::rename(&away, host.root()).unwrap();
    assert!(matches!(host.recover().unwrap(), Recovered::Removed { .. }));
    assert_eq!(host.snapshot(), before);
}

#[test]
fn targets_that_no_document_can_name_are_refused() {
    use std::os::unix::ffi::OsStrExt;
    let scratch = scratch();
    for name in [&b"a\xff"[..], b"a\xfe", b"a\nb"] {
        let path = scratch.path().join(std::ffi::OsStr::from_bytes(name));
        fs::create_dir(&path).unwrap();
        let refusal = verifier::install::Target::open(Some(&path)).err().unwrap();
        assert_eq!(refusal.code, Code::Usage, "{refusal}");
    }
}

#[test]
fn a_lock_file_of_somebody_else_is_told() {
    let scratch = scratch();
    let host = Host::new(scratch.path());
    let bundle = Bundle::new("app", 1).file("a", b"a", "/a", "0644").build();
    let lock = host.at("/.sealift.lock");
    fs::write(&lock, b"").unwrap();
    fs::set_permissions(&lock, fs::Permissions::from_mode(0o666)).unwrap();
    refused(&host, &bundle, Code::UnsafeTarget, &lock.display().to_string());
    fs::set_permissions(&lock, fs::Permissions::from_mode(0o600)).unwrap();
    host.install(&bundle).unwrap();
    assert!(!lock.exists());
}

/// A small file system of its own; none where this user may not mount one.
struct Mount(std::path::PathBuf);

impl Mount {
    fn new(at: &Path, options: &[&str]) -> Option<Self> {
        if !is_root() {
            println!("skipped: only root may mount");
            return None;
        }
        fs::create_dir_all(at).unwrap();
        let made = Command::new("mount").args(options).arg(at).output().ok()?;
        if !made.status.success() {
            println!("skipped: {}", String::from_utf8_lossy(&made.stderr));
            return None;
        }
        Some(Self(at.to_owned()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_told_before_anything_is_written() {
    let scratch = scratch();
    let host = Host::new(scratch.path());
    let options = ["-t", "tmpfs", "-o", "size=256k", "tmpfs"];
    let Some(_mount) = Mount::new(&host.at("/small"), &options) else { return };
    let bundle = |bytes: usize| {
        Bundle::new("app", 1)
            .file("a", &vec![1; bytes], "/small/a", "0644")
            .file("b", b"b", "/b", "0644")
            .build()
    };
    refused(&host, &bundle(300_000), Code::NoSpace, &host.at("/small").display().to_string());
    // Two file systems, one install.
    host.install(&bundle(100_000)).unwrap();
    assert_eq!(fs::read(host.at("/small/a")).unwrap().len(), 100_000);
    assert_eq!(fs::read_dir(host.at("/small")).unwrap().count(), 1);
}

#[test]
fn a_read_only_target_is_refused() {
    let scratch = scratch();
    let host = Host::new(scratch.path());
    let options = ["-t", "tmpfs", "-o", "ro,size=256k", "tmpfs"];
    let bundle = Bundle::new("app", 1).file("a", b"a", "/ro/a", "0644").build();
    let Some(_mount) = Mount::new(&host.at("/ro"), &options) else { return };
    let before = host.snapshot();
    let refusal = host.install(&bundle).unwrap_err();
    assert_eq!(refusal.code, Code::Permission, "{refusal}");
    assert_eq!(host.snapshot(), before);
}
