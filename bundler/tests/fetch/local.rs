// SPDX-License-Identifier: Apache-2.0
//! Files and folders of this machine, by `file` URL.

use bundler::fetch::url::Url;
use bundler::fetch::{Missed, Origin, Wanted, files_below};
use verifier::error::Code;

use crate::support::{Site, bytes, failure, locked, state, wanted};

#[test]
fn a_mirror_on_disk_is_copied_into_the_store() {
    let site = Site::new();
    let body = bytes(3_000_000, 1);
    let path = site.path().join("a b.rpm");
    std::fs::write(&path, &body).unwrap();
    let url = Url::of_file(&path).unwrap().to_string();
    assert!(url.ends_with("/a%20b.rpm"), "{url}");
    let found = site.fetch(wanted(&url)).unwrap();
    assert_eq!(found.state, state(&body));
    assert!(matches!(found.origin, Origin::File { .. }));
    // It is the store's own copy.
    std::fs::write(&path, b"another").unwrap();
    assert_eq!(site.bytes(&state(&body)), body);
    assert_eq!(site.fetch(locked(&url, &body)).unwrap().origin, Origin::Store);
    match site.fetch(locked(&url, b"yet another")) {
        Err(Missed::Changed { found, .. }) => assert_eq!(found.state, state(b"another")),
        other => panic!("{other:?}"),
    }
    assert_eq!(site.parts(), Vec::<String>::new());
}

#[test]
fn what_is_no_file_is_told() {
    let site = Site::new();
    let file = |name: &str| Url::of_file(&site.path().join(name)).unwrap().to_string();
    std::fs::write(site.path().join("long"), [0; 100]).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, site.path().join("pipe"), rustix::fs::Mode::RWXU).unwrap();
    for (name, what) in [("", "is a folder"), ("none", "does not exist"), ("pipe", "is not a regular file")] {
        let told = site.refused(wanted(&file(name)));
        assert!(told.contains(what), "{told}");
    }
    let long = failure(site.fetch(Wanted { ceiling: 99, ..wanted(&file("long")) }));
    assert_eq!(long.refusal().code, Code::LimitExceeded);
}

#[test]
fn a_folder_gives_its_files_in_order() {
    let site = Site::new();
    let top = site.path().join("mirror");
    for name in ["b/2", "a", "b/1"] {
        let path = top.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, name).unwrap();
    }
    let folder = Url::of_file(&top).unwrap();
    let files = files_below(&folder).unwrap();
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a", "b/1", "b/2"]);
    let all: Vec<Wanted> =
        files.iter().map(|(_, url)| Wanted { url: url.clone(), expected: None, ceiling: 100 }).collect();
    for (found, name) in site.fetcher().fetch_all(&all).into_iter().zip(names) {
        assert_eq!(found.unwrap().state, state(name.as_bytes()));
    }
    std::os::unix::fs::symlink("/etc/passwd", top.join("link")).unwrap();
    let told = files_below(&folder).unwrap_err().to_string();
    assert!(told.contains("holds what is not a regular file"), "{told}");
}
