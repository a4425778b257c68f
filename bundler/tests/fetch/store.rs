// SPDX-License-Identifier: Apache-2.0
//! The store by itself, and the commands that keep it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use bundler::digest::Locked;
use bundler::fetch::Origin;
use bundler::store::note::Errand;
use bundler::store::{Look, Store};
use manifests::time::Timestamp;

use crate::server::whole;
use crate::support::{Site, locked, state, wanted};

fn run(store: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bundler"))
        .args(["store"])
        .args(arguments)
        .env("SEALIFT_STORE", store)
        .output()
        .unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), output.stderr.as_slice()].concat()).into_owned()
}

/// A store with these files, closed.
fn filled(bodies: &[&'static [u8]]) -> (tempfile::TempDir, std::path::PathBuf, Vec<Locked>) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    let store = Store::open(&root).unwrap();
    let states = bodies.iter().map(|body| {
        let mut part = store.part(&format!("test:{}", state(body).digest)).unwrap();
        part.write(body).unwrap();
        part.publish(&store).unwrap()
    });
    let states = states.collect();
    (folder, root, states)
}

/// Where a file is.
fn path(root: &Path, state: &Locked) -> std::path::PathBuf {
    let hex = state.digest.hex();
    root.join("sha256").join(&hex[..2]).join(hex)
}

/// Puts other bytes in the place of a file, of the same length or another.
fn damage(root: &Path, state: &Locked, bytes: &[u8]) {
    let path = path(root, state);
    fs::remove_file(&path).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_damaged_file_is_found_when_it_is_used() {
    let mut site = Site::new();
    let server = site.server(|_, tls| whole(tls, &[], b"the file"));
    let url = server.url("/a");
    let good = site.fetch(wanted(&url)).unwrap().state;
    // Another length is seen at a look, and the file is fetched again.
    damage(site.store.root(), &good, b"short");
    assert_eq!(site.store.look(&good), Look::Damaged);
    assert!(matches!(site.fetch(locked(&url, b"the file")).unwrap().origin, Origin::Network { .. }));
    // The same length is seen by whoever reads it; then it is gone, and fetched again.
    damage(site.store.root(), &good, b"tne file");
    assert_eq!(site.store.read(&good, 100).unwrap(), None);
    assert_eq!(site.store.look(&good), Look::Absent);
    assert!(matches!(site.fetch(locked(&url, b"the file")).unwrap().origin, Origin::Network { .. }));
    damage(site.store.root(), &good, b"tne file");
    let failure = site.store.damaged(&good, &state(b"tne file").digest).to_string();
    assert!(failure.contains("is damaged") && failure.contains("run `bundler lock`"), "{failure}");
    assert_eq!(site.store.look(&good), Look::Absent);
    // A link is none of the store's files, wherever it leads.
    let path = site.store.path(&good.digest);
    fs::write(site.path().join("elsewhere"), b"the file").unwrap();
    std::os::unix::fs::symlink(site.path().join("elsewhere"), &path).unwrap();
    assert!(site.store.get(&good).unwrap().is_none());
    assert_eq!(site.store.look(&good), Look::Damaged);
    assert!(matches!(site.fetch(locked(&url, b"the file")).unwrap().origin, Origin::Network { .. }));
    assert_eq!(site.bytes(&good), b"the file");
}

#[test]
fn list_and_verify_tell_what_is_there() {
    let (_folder, root, states) = filled(&[b"one", b"two", b"three"]);
    let (url, now) = ("https://a.example/one", Timestamp::from_seconds(1_800_000_000).unwrap());
    Store::open(&root).unwrap().note(Errand::Lock, url, &states[0], now);
    let listed = told(&run(&root, &["list"]));
    let noted = |line: &&str| line.starts_with(&states[0].digest.to_string()) && line.ends_with(url);
    assert_eq!(listed.lines().filter(noted).count(), 1, "{listed}");
    assert_eq!(listed.matches("https://").count(), 1, "{listed}");
    let listed_for_programs = run(&root, &["list", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_slice(&listed_for_programs.stdout).unwrap();
    let urls = document["files"].as_array().unwrap().iter().map(|file| &file["urls"]);
    let none = serde_json::json!([]);
    let urls: Vec<_> = urls.filter(|urls| **urls != none).collect();
    assert_eq!(urls, [&serde_json::json!([url])]);
    for state in &states {
        assert!(listed.contains(&state.digest.to_string()), "{listed}");
    }
    assert!(listed.contains("3 files, 11 bytes"), "{listed}");
    let verified = run(&root, &["verify"]);
    assert!(verified.status.success() && told(&verified).contains("3 files verified"), "{}", told(&verified));
    damage(&root, &states[1], b"TWO");
    damage(&root, &states[2], b"");
    let refused = run(&root, &["verify"]);
    assert_eq!(refused.status.code(), Some(3));
    for state in &states[1..] {
        assert!(told(&refused).contains(&state.digest.hex()), "{}", told(&refused));
    }
    assert!(told(&refused).contains("2 damaged, 1 sound"), "{}", told(&refused));
    // The document names each of them, whoever reads standard error or not.
    let refused = run(&root, &["verify", "--format", "json", "-q"]);
    let document: serde_json::Value = serde_json::from_slice(&refused.stdout).unwrap();
    let mut subjects: Vec<_> =
        document["refusals"].as_array().unwrap().iter().map(|one| one["subject"].as_str().unwrap()).collect();
    let mut expected: Vec<_> =
        states[1..].iter().map(|state| path(&root, state).display().to_string()).collect();
    subjects.sort_unstable();
    expected.sort_unstable();
    assert_eq!(subjects, expected);
    let removed = run(&root, &["verify", "--remove", "--format", "json"]);
    assert!(removed.status.success());
    let notes = String::from_utf8(removed.stderr).unwrap();
    assert!(notes.lines().count() == 2 && !notes.contains("u{a}"), "{notes}");
    assert!(notes.lines().all(|line| line.contains(" is damaged: found sha256:")), "{notes}");
    let document: serde_json::Value = serde_json::from_slice(&removed.stdout).unwrap();
    assert_eq!(document["removed"].as_array().unwrap().len(), 2);
    assert_eq!(document["sound"], 1);
    assert!(run(&root, &["verify"]).status.success());
}

#[test]
fn prune_keeps_what_locks_name_and_what_was_used_lately() {
    let (folder, root, states) = filled(&[b"named", b"old", b"fresh"]);
    let old = SystemTime::now() - Duration::from_secs(100 * 86_400);
    let store = Store::open(&root).unwrap();
    for state in &states[..2] {
        fs::File::open(store.path(&state.digest)).unwrap().set_modified(old).unwrap();
    }
    let mut part = store.part("https://example.com/unfinished").unwrap();
    part.write(&vec![1; 2 << 20]).unwrap();
    drop((part, store));
    let lock = folder.path().join("bundle.lock");
    let text = format!(
        "recipe = \"sha256:{}\"\n[[artifact]]\nsha256 = \"{}\"\n",
        "0".repeat(64),
        states[0].digest.hex()
    );
    fs::write(&lock, text).unwrap();
    let lock = lock.to_str().unwrap();

    let unsaid = run(&root, &["prune"]);
    assert_eq!(unsaid.status.code(), Some(2), "{}", told(&unsaid));
    let recipe = folder.path().join("bundle.toml");
    fs::write(&recipe, "[bundle]\nname = \"x\"\n").unwrap();
    let wrong = run(&root, &["prune", "--lock", recipe.to_str().unwrap()]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(told(&wrong).contains("is not a lock"), "{}", told(&wrong));

    let planned = run(&root, &["prune", "--lock", lock, "--older-than", "90", "--plan"]);
    assert!(told(&planned).contains("would remove 1 file and 0 unfinished"), "{}", told(&planned));
    let pruned = run(&root, &["prune", "--lock", lock, "--older-than", "90"]);
    assert!(told(&pruned).contains("removed 1 file and 0 unfinished downloads"), "{}", told(&pruned));
    let store = Store::open(&root).unwrap();
    let looks: Vec<Look> = states.iter().map(|state| store.look(state)).collect();
    assert_eq!(looks, [Look::Whole, Look::Absent, Look::Whole]);

    // Whoever has the store open may be about to lock what is there.
    let busy = run(&root, &["prune", "--lock", lock]);
    assert_eq!(busy.status.code(), Some(4));
    assert!(told(&busy).contains("is in use by another bundler"), "{}", told(&busy));
    drop(store);
    let pruned = run(&root, &["prune", "--lock", lock]);
    assert!(told(&pruned).contains("removed 1 file and 1 unfinished download,"), "{}", told(&pruned));
    assert_eq!(fs::read_dir(root.join("parts")).unwrap().count(), 0);
}

#[test]
fn a_folder_that_is_no_store_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.txt"), "years of work").unwrap();
    assert!(Store::open(folder.path()).unwrap_err().to_string().contains("is not a store"));
    for arguments in [&["list"][..], &["verify", "--remove"], &["prune", "--older-than", "0"]] {
        let refused = run(folder.path(), arguments);
        assert_eq!(refused.status.code(), Some(2), "{}", told(&refused));
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let absent = run(&folder.path().join("none"), &["list"]);
    assert!(absent.status.success() && told(&absent).contains("there is no store yet"), "{}", told(&absent));
    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("sealift-store"), "sealift store 2\n").unwrap();
    assert!(Store::open(other.path()).unwrap_err().to_string().contains("another version"));
}

#[test]
fn whoever_may_write_to_the_store_may_write_to_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("shared");
    fs::create_dir(&root).unwrap();
    fs::set_permissions(&root, fs::Permissions::from_mode(0o2770)).unwrap();
    let store = Store::open(&root).unwrap();
    let mut part = store.part("test:a").unwrap();
    part.write(b"a").unwrap();
    let state = part.publish(&store).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    let file = store.path(&state.digest);
    for path in [root.join("parts"), root.join("sha256"), file.parent().unwrap().to_owned()] {
        assert_eq!(mode(&path), 0o2770, "{}", path.display());
    }
    assert_eq!(mode(&root.join("sealift-store")), 0o660);
    assert_eq!(mode(&file), 0o444);
    // A store that we make is its owner's.
    let own = folder.path().join("own");
    drop(Store::open(&own).unwrap());
    assert_eq!(mode(&own), 0o700);
}
