// SPDX-License-Identifier: Apache-2.0
//! Vendors' signatures, made by gpg, judged when a recipe is locked.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::support::Folder;

#[test]
fn vendors_signatures_are_checked_when_locked() {
    let folder = Folder::new();
    let home = folder.join("gpg");
    fs::create_dir(&home).unwrap();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
    let gpg = |arguments: &[&str]| {
        let base = ["-q", "--batch", "--yes", "--passphrase", ""];
        folder.tool("gpg", &[&base[..], arguments].concat())
    };
    let time = ["--faked-system-time", "20260101T000000!"];
    for (user, algorithm) in [("vendor", "ed25519"), ("other", "rsa2048")] {
        let Some(run) = gpg(&[&time[..], &["--quick-gen-key", user, algorithm, "sign", "0"]].concat()) else {
            return;
        };
        run.good();
        gpg(&["--export", "-a", "-o", &format!("{user}.asc"), user]).unwrap().good();
    }
    let listing = gpg(&["--with-colons", "-k", "vendor"]).unwrap().good();
    let pin = listing.lines().find(|l| l.starts_with("fpr")).unwrap().split(':').nth(9).unwrap().to_owned();
    folder.write("hello.deb", vec![3; 5_000_000]);
    folder.write("notes.txt", "n\n");
    folder.write("docs/x.md", "x\n");
    for digest in ["SHA256", "SHA512"] {
        let sign =
            ["--digest-algo", digest, "-u", "vendor", "--detach-sign", "-o", "hello.deb.sig", "hello.deb"];
        gpg(&[&["--faked-system-time", "20260201T000000!"], &sign[..]].concat()).unwrap().good();
        let _ = fs::remove_file(folder.join("bundle.toml"));
        folder.good(&["init"]);
        let recipe = String::from_utf8(folder.read("bundle.toml")).unwrap();
        folder
            .write("bundle.toml", recipe.replace("A1B2 C3D4 E5F6 A7B8 C9D0  E1F2 A3B4 C5D6 E7F8 A9B0", &pin));
        folder.good(&["lock"]);
        let lock = String::from_utf8(folder.read("bundle.lock")).unwrap();
        assert!(
            lock.contains(&format!("signer = \"{pin}\"\nsigned-at = \"2026-02-01T00:00:00Z\"\n")),
            "{lock}"
        );
        folder.good(&["build", "--replace"]);
        folder.write("hello.deb", vec![4; 5_000_000]);
        let refused = folder.run(&["lock"]).refused(1);
        assert!(refused.contains("hello.deb is not what its vendor signed"), "{refused}");
        folder.write("hello.deb", vec![3; 5_000_000]);
    }
    gpg(&[&time[..], &["-u", "other", "--detach-sign", "-o", "hello.deb.sig", "hello.deb"]].concat())
        .unwrap()
        .good();
    let refused = folder.run(&["lock"]).refused(1);
    assert!(refused.contains("hello.deb is not signed by the vendor that is pinned"), "{refused}");
    assert!(refused.contains(", in hello.deb.sig\n") && refused.contains(&pin), "{refused}");
}
