// SPDX-License-Identifier: Apache-2.0
//! Lock, build, lock again, update: what is fetched, what is written, what stays.

use std::fs;

use serde_json::{Value, json};
use verifier::hash::sha256;

use crate::site::{Site, example};

#[test]
fn from_urls_to_a_bundle() {
    let site = Site::signed();
    let talk = site.good(&["lock", "-v"]).talk;
    assert!(talk.contains(&format!("fetched {}: 5 bytes", site.server.url("/notes%20here.txt"))), "{talk}");
    let lock = site.lock();
    let (url, hello) = (site.server.url("/v1/hello.sh"), example("hello.sh"));
    let entry = format!(
        "[[artifact]]\nname = \"hello\"\nurl = \"{url}\"\nsize = {}\nsha256 = \"{}\"\nfetched-at = \"20",
        hello.len(),
        sha256::digest(&hello).hex()
    );
    assert!(lock.contains(&entry), "{lock}");
    assert!(lock.contains("signer = \"29D896479579C2608A6E8F3489CBB31370DEC574\"\nsigned-at = "), "{lock}");
    assert_eq!(site.asked(), ["/keys/vendor.asc", "/notes%20here.txt", "/v1/hello.sh", "/v1/hello.sh.sig"]);
    site.good(&["build"]);
    let names: Vec<String> = tar::Archive::new(fs::File::open(site.path("remote-1.0.bundle.tar")).unwrap())
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .skip(3)
        .collect();
    assert_eq!(
        names,
        [
            "remote-1.0/files/signers/vendor/vendor.asc",
            "remote-1.0/files/hello/hello.sh.sig",
            "remote-1.0/files/hello/hello.sh",
            "remote-1.0/files/notes/notes here.txt",
        ]
    );
}

#[test]
fn a_second_lock_fetches_nothing_and_needs_no_server() {
    let site = Site::signed();
    site.good(&["lock"]);
    let (lock, asked) = (site.lock(), site.asked());
    assert!(site.good(&["lock"]).out.starts_with("bundle.lock is up to date: 4 files"));
    // Another recipe with the same URLs fetches nothing either, and judges the signatures again.
    site.edit("\"our own\"", "\"our very own\"");
    site.good(&["lock"]);
    assert_eq!(site.asked(), asked);
    let rest = |text: &str| text.split("[[signer]]").nth(1).map(ToOwned::to_owned).unwrap();
    assert_eq!(rest(&site.lock()), rest(&lock));
    site.edit("29D8", "29D9");
    let refused = site.run(&["lock"]).refused(1);
    assert!(refused.contains("is not signed by the vendor that is pinned"), "{refused}");
    assert_eq!(site.asked(), asked);
}

#[test]
fn an_empty_store_is_filled_again_and_the_lock_stays_as_it_is() {
    let site = Site::signed();
    site.good(&["lock"]);
    let lock = site.lock();
    fs::remove_dir_all(site.path("store")).unwrap();
    let refused = site.run(&["build"]).refused(3);
    assert_eq!(refused.matches("is not in the store").count(), 4, "{refused}");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    site.good(&["lock"]);
    assert_eq!(site.lock(), lock);
    site.good(&["build"]);
}

#[test]
fn a_lock_is_shown_whole() {
    let site = Site::signed();
    site.good(&["lock"]);
    let shown = site.good(&["show", "bundle.lock"]).out;
    let vendor = "29D896479579C2608A6E8F3489CBB31370DEC574";
    for part in [
        format!("signer     vendor\n           {vendor}\n"),
        format!("artifact   hello\n           from {}\n", site.server.url("/v1/hello.sh")),
        format!("           signed by vendor: openpgp {vendor}, 20"),
        format!("           from {}\n", site.server.url("/v1/hello.sh.sig")),
        format!("{}, 5 bytes, fetched 20", sha256::digest(b"notes")),
        "           unsigned: our own\n".to_owned(),
    ] {
        assert!(shown.contains(&part), "{part}: {shown}");
    }
    let document: Value =
        serde_json::from_str(&site.good(&["show", "bundle.lock", "--format", "json"]).out).unwrap();
    assert_eq!(document["signatures"][0]["signedBy"], "vendor");
    let (hello, notes) = (&document["lock"]["artifacts"][0], &document["lock"]["artifacts"][1]);
    assert_eq!(notes["url"], site.server.url("/notes%20here.txt"));
    assert_eq!((&notes["digest"], &notes["size"]), (&json!(sha256::digest(b"notes").to_string()), &json!(5)));
    assert!(notes["fetchedAt"].is_string(), "{notes}");
    assert_eq!(hello["signatures"][0]["signer"], vendor);
    assert_eq!(hello["signatures"][0]["files"][0]["url"], site.server.url("/v1/hello.sh.sig"));
    assert_eq!(document["lock"]["signers"][0]["fingerprints"], json!([vendor]));
    // Without the recipe, the name is known by the pin.
    fs::rename(site.path("bundle.toml"), site.path("away.toml")).unwrap();
    let shown = site.good(&["show", "bundle.lock"]).out;
    assert!(shown.contains(&format!("signed by vendor: openpgp {vendor}")), "{shown}");
}

#[test]
fn a_new_lock_tells_what_it_changes() {
    let site = Site::signed();
    let first = site.good(&["lock"]).out;
    assert_eq!(first.lines().count(), 1, "{first}");
    site.serve("/more", "more");
    site.edit("name = \"notes\"", "name = \"more\"");
    site.edit("/notes%20here.txt", "/more");
    let told = site.good(&["lock"]).out;
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines[0], "new more, 4 bytes");
    assert!(lines.contains(&"removed notes, 5 bytes"), "{told}");
    assert!(lines.contains(&"1 new artifact, 1 removed artifact, 1 unchanged artifact"), "{told}");
    assert!(lines[lines.len() - 1].starts_with("bundle.lock written: 4 files"), "{told}");
}

#[test]
fn other_bytes_than_locked_are_shown_and_taken_by_update_alone() {
    let site = Site::signed();
    site.good(&["lock"]);
    let lock = site.lock();
    site.serve("/notes%20here.txt", "other notes");
    // What is in the store is not asked for.
    site.good(&["lock"]);
    fs::remove_file(site.stored(b"notes")).unwrap();
    let refused = site.run(&["lock"]).refused(2);
    for part in [
        format!("error: {} is another file than the lock says\n", site.server.url("/notes%20here.txt")),
        "| source = \"$site/notes%20here.txt\"\n".to_owned(),
        format!("expected: {} (5 bytes)\n", sha256::digest(b"notes")),
        format!("found: {} (11 bytes)\n", sha256::digest(b"other notes")),
        "run `bundler update notes`".to_owned(),
    ] {
        assert!(refused.contains(&part), "{part}: {refused}");
    }
    assert_eq!(site.lock(), lock);
    let asked = site.asked().len();
    fs::write(site.path("before.lock"), &lock).unwrap();
    let told = site.good(&["update", "notes", "--format", "json"]).out;
    assert_eq!(site.asked().len(), asked + 1, "one file is asked for: {:?}", site.asked());
    let document: Value = serde_json::from_str(&told).unwrap();
    let changes = &document["changes"];
    assert_eq!((&changes["changed"][0]["artifact"], &changes["unchanged"]), (&json!("notes"), &json!(1)));
    // In all documents the members have one spelling, and people read words.
    let found = site.good(&["diff", "before.lock", "bundle.lock", "--format", "json"]).out;
    assert!(!found.contains("fetched-at") && !found.contains("\"sha256\""), "{found}");
    let sheet = site.good(&["diff", "before.lock", "bundle.lock"]).out;
    assert!(sheet.contains("changed notes\n") && !sheet.contains('{'), "{sheet}");
    let changed: Vec<(String, String)> = lock
        .lines()
        .zip(site.lock().lines())
        .filter(|(old, new)| old != new)
        .map(|(old, new)| (old.to_owned(), new.to_owned()))
        .collect();
    assert!(changed.len() == 2 || changed.len() == 3, "size, digest, and perhaps the second: {changed:?}");
    site.good(&["build"]);
}

#[test]
fn a_changed_artifact_tells_what_became_of_its_signature() {
    let site = Site::signed();
    site.good(&["lock"]);
    site.serve("/v1/hello.sh", "#!/bin/sh\necho another\n");
    fs::remove_file(site.stored(&example("hello.sh"))).unwrap();
    let refused = site.run(&["lock"]).refused(2);
    assert!(
        refused.contains("bytes), signed by 29D896479579C2608A6E8F3489CBB31370DEC574 at 20"),
        "{refused}"
    );
    assert!(refused.contains("(23 bytes), not signed as the recipe asks: it is not what"), "{refused}");
    assert!(refused.contains("do not update: what the server has now would be refused"), "{refused}");
    let refused = site.run(&["update", "hello"]).refused(1);
    assert!(refused.contains("is not what its vendor signed"), "{refused}");
}

#[test]
fn update_without_names_renews_everything_and_keeps_what_is_the_same() {
    let site = Site::signed();
    site.good(&["lock", "--set", &format!("site={}", site.server.url(""))]);
    let lock = site.lock();
    let asked = site.asked().len();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert!(site.good(&["update"]).out.starts_with("bundle.lock is up to date"), "{}", site.lock());
    assert_eq!(site.asked().len(), 2 * asked);
    assert_eq!(site.lock(), lock);
    let refused = site.run(&["update", "helo"]).refused(2);
    assert!(
        refused.contains("helo is no artifact, signer, tree, trust store or trust policy of the recipe"),
        "{refused}"
    );
    assert!(refused.contains("did you mean `hello`?"), "{refused}");
}

#[test]
fn a_lock_that_cannot_be_read_is_not_thrown_away() {
    let site = Site::signed();
    site.good(&["lock"]);
    let broken = site.lock().replacen("size = ", "size =  ", 1);
    site.write("bundle.lock", &broken);
    let refused = site.run(&["lock"]).refused(2);
    assert!(refused.contains("take it from version control, or remove it"), "{refused}");
    assert_eq!(site.lock(), broken);
}

#[test]
fn files_of_this_machine_by_url_are_in_the_store() {
    let site =
        Site::new("[[artifact]]\nname = \"a\"\nsource = \"file://$mirror/a%20b\"\nunsigned = \"ours\"\n");
    let mirror = site.path("mirror");
    site.edit("[variables]\n", &format!("[variables]\nmirror = \"{}\"\n", mirror.display()));
    site.write("mirror/a b", "from the mirror");
    site.good(&["lock"]);
    assert!(site.lock().contains("url = \"file:///"), "{}", site.lock());
    fs::remove_dir_all(mirror).unwrap();
    site.good(&["build"]);
    assert_eq!(site.asked(), Vec::<String>::new());
}
