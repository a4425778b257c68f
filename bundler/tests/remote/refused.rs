// SPDX-License-Identifier: Apache-2.0
//! Everything that is wrong is told in one run, and nothing is written.

use std::process::Command;

use serde_json::Value;

use crate::site::{SIGNED, Site, errors, example};

/// A recipe in which each part is wrong in its own way.
fn wrong() -> Site {
    let more = "
[[artifact]]
name = \"gone\"
source = \"$site/gone.txt\"
unsigned = \"ours\"

[[artifact]]
name = \"local\"
source = \"local.txt\"
unsigned = \"ours\"

[[artifact]]
name = \"forged\"
source = \"forged.sh\"
signed-by = \"vendor\"
signature = \"$site/v1/hello.sh.sig\"

[[tree]]
name = \"docs\"
source = \"docs\"
unsigned = \"ours\"
";
    let site = Site::new(&format!("{SIGNED}{more}"));
    site.serve("/keys/vendor.asc", example("vendor.asc"));
    site.serve("/v1/hello.sh", "another");
    site.serve("/v1/hello.sh.sig", example("hello.sh.sig"));
    site.serve_as("/notes%20here.txt", "<!DOCTYPE html><title>Log in</title>", "text/html; charset=utf-8");
    site.write("forged.sh", "forged");
    site
}

const TOLD: [&str; 6] = [
    "/gone.txt cannot be fetched: the server answers 404",
    "/v1/hello.sh is not what its vendor signed",
    "/notes%20here.txt is a web page, where a file was wanted",
    "names a file that does not exist",
    "forged.sh is not what its vendor signed",
    "names a folder that does not exist",
];

#[test]
fn all_failures_are_told_in_one_run() {
    let site = wrong();
    let refused = site.run(&["lock"]).refused(4);
    assert_eq!(errors(&refused), TOLD.len(), "{refused}");
    for told in TOLD {
        assert!(refused.contains(told), "{told}: {refused}");
    }
    assert!(refused.contains("| source = \"$site/gone.txt\"\n"), "{refused}");
    assert!(!site.path("bundle.lock").exists());
}

#[test]
fn a_document_has_all_refusals_and_the_worst_apart() {
    let site = wrong();
    let run = site.run(&["lock", "--format", "json", "--progress", "none"]);
    assert_eq!((run.code, &*run.talk), (4, ""));
    let document: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(document["schema"], "sealift.lock/1");
    assert_eq!(document["outcome"], "refused");
    assert_eq!(document["refusal"]["code"], "fetch-failed");
    let all = document["refusals"].as_array().unwrap();
    assert_eq!(all.len(), TOLD.len(), "{document}");
    let classes: Vec<u64> = all.iter().map(|one| one["class"].as_u64().unwrap()).collect();
    assert!(classes.contains(&1) && classes.contains(&2) && classes.contains(&4), "{document}");
    // One refusal alone stands alone.
    let site = Site::signed();
    site.unserve("/notes%20here.txt");
    let document: Value =
        serde_json::from_str(&site.run(&["lock", "--format", "json", "--progress", "none"]).out).unwrap();
    assert_eq!(document["refusal"]["code"], "fetch-failed");
    assert!(document.get("refusals").is_none(), "{document}");
}

#[test]
fn what_was_fetched_is_kept_for_the_next_run() {
    let site = Site::signed();
    site.good(&["lock"]);
    site.serve("/v2/hello.sh", example("hello.sh"));
    site.edit("/v1/", "/v2/");
    site.run(&["lock"]).refused(4);
    site.serve("/v2/hello.sh.sig", example("hello.sh.sig"));
    let asked = site.asked();
    site.good(&["lock"]);
    let new = site.asked().len() - asked.len();
    assert_eq!(new, 1, "the signature alone: {:?}", site.asked());
}

#[test]
fn what_was_refused_is_asked_for_again() {
    let site = Site::signed();
    site.serve("/v1/hello.sh", "not yet published as a whole");
    site.run(&["lock"]).refused(1);
    site.serve("/v1/hello.sh", example("hello.sh"));
    site.good(&["lock"]);
    let hello = site.asked().into_iter().filter(|path| path == "/v1/hello.sh").count();
    assert_eq!(hello, 2);
}

#[test]
fn a_damaged_file_of_the_store_is_told_removed_and_fetched_again() {
    let site = Site::signed();
    site.good(&["lock"]);
    let lock = site.lock();
    let path = site.stored(&example("hello.sh"));
    let mut bytes = example("hello.sh");
    bytes[20] ^= 1;
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, bytes).unwrap();
    let refused = site.run(&["build"]).refused(3);
    assert!(refused.contains(" is damaged\n") && refused.contains("run `bundler lock`"), "{refused}");
    assert!(!path.exists() && !site.path("remote-1.0.bundle.tar").exists());
    site.good(&["lock"]);
    assert_eq!(site.lock(), lock);
    site.good(&["build"]);
}

/// What the vendor signed is in the zip, and the zip has bytes that no entry owns.
#[test]
fn a_signed_member_of_a_zip_that_is_not_well_formed_is_refused() {
    let zipped = "[[artifact]]\nname = \"hello-zip\"\nsource = \"$site/hello.zip\"\nsigned-by = \"vendor\"\n\
                  signature = \"$site/v1/hello.sh.sig\"\nmember = \"hello.sh\"\n";
    let site = Site::new(&format!("{SIGNED}\n{zipped}"));
    site.serve("/keys/vendor.asc", example("vendor.asc"));
    site.serve("/v1/hello.sh", example("hello.sh"));
    site.serve("/v1/hello.sh.sig", example("hello.sh.sig"));
    site.serve("/notes%20here.txt", "notes");
    site.write("hello.sh", example("hello.sh"));
    let made =
        Command::new("zip").args(["-q", "-X", "hello.zip", "hello.sh"]).current_dir(site.path("")).status();
    match made {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("SKIPPED: zip is not installed here");
            return;
        }
        made => assert!(made.unwrap().success()),
    }
    let zip = std::fs::read(site.path("hello.zip")).unwrap();
    site.serve("/hello.zip", [b"before".as_slice(), &zip].concat());
    let refused = site.run(&["lock"]).refused(1);
    assert!(refused.contains("/hello.zip has vendor evidence that cannot be read"), "{refused}");
    assert!(!site.path("bundle.lock").exists());
    site.serve("/hello.zip", zip);
    site.good(&["lock"]);
}
