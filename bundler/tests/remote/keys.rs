// SPDX-License-Identifier: Apache-2.0
//! Key files from a URL: the pinned fingerprint decides, whatever else is in the file.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::site::Site;

const RECIPE: &str = "[signer.vendor]
openpgp = \"PIN\"
key = \"$site/public.key\"

[[artifact]]
name = \"tool\"
source = \"$site/tool.bin\"
signed-by = \"vendor\"
signature = \"$source.sig\"
";

/// Two users' keys and what each signed; none where gpg is missing, which is said aloud.
fn vendors(site: &Site) -> Option<[String; 2]> {
    let home = site.path("gpg");
    fs::create_dir(&home).unwrap();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
    let gpg = |arguments: &[&str]| {
        let mut command = Command::new("gpg");
        command.args([
            "-q",
            "--batch",
            "--yes",
            "--passphrase",
            "",
            "--faked-system-time",
            "20260101T000000!",
        ]);
        let output = command.args(arguments).current_dir(site.path("")).env("GNUPGHOME", &home).output();
        match output {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            output => {
                let output = output.unwrap();
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                Some(String::from_utf8(output.stdout).unwrap())
            }
        }
    };
    site.write("tool.bin", "a tool");
    site.serve("/tool.bin", "a tool");
    let mut pins = Vec::new();
    for user in ["vendor", "other"] {
        let Some(_) = gpg(&["--quick-gen-key", user, "ed25519", "sign", "0"]) else {
            eprintln!("SKIPPED: gpg is not installed here");
            return None;
        };
        gpg(&["--export", "-a", "-o", &format!("{user}.asc"), user]);
        gpg(&["-u", user, "--detach-sign", "-o", &format!("{user}.sig"), "tool.bin"]);
        let listing = gpg(&["--with-colons", "-k", user]).unwrap();
        let line = listing.lines().find(|line| line.starts_with("fpr")).unwrap();
        pins.push(line.split(':').nth(9).unwrap().to_owned());
    }
    pins.try_into().ok()
}

#[test]
fn a_key_file_counts_only_for_its_pinned_key() {
    let site = Site::new(RECIPE);
    let Some([pin, other]) = vendors(&site) else { return };
    site.edit("PIN", &pin);
    let read = |name: &str| fs::read(site.path(name)).unwrap();
    let both = [read("other.asc"), read("vendor.asc")].concat();
    let cases: [(&str, Vec<u8>, &str, Option<&str>); 5] = [
        ("the key", read("vendor.asc"), "vendor.sig", None),
        ("two keys", both.clone(), "vendor.sig", None),
        (
            "two keys, signed by the other",
            both,
            "other.sig",
            Some(" is not signed by the vendor that is pinned"),
        ),
        ("another key", read("other.asc"), "other.sig", Some(" is not signed by the vendor that is pinned")),
        (
            "a login page",
            b"<html>log in</html>".to_vec(),
            "vendor.sig",
            Some(" has vendor evidence that cannot be read"),
        ),
    ];
    for (what, key, signature, refused) in cases {
        let _ = fs::remove_file(site.path("bundle.lock"));
        site.serve("/public.key", key);
        site.serve("/tool.bin.sig", read(signature));
        match refused {
            None => {
                site.good(&["lock"]);
                assert!(site.lock().contains(&format!("signer = \"{pin}\"")), "{what}: {}", site.lock());
                site.good(&["build", "--replace"]);
            }
            Some(told) => {
                let refused = site.run(&["lock"]).refused(1);
                assert!(refused.contains(told), "{what}: {refused}");
                assert!(!site.path("bundle.lock").exists(), "{what}");
            }
        }
    }
    // A lock by one signer tells when another has signed what the URL brings now.
    site.serve("/public.key", [read("vendor.asc"), read("other.asc")].concat());
    site.serve("/tool.bin.sig", read("vendor.sig"));
    site.good(&["lock"]);
    site.serve("/tool.bin.sig", read("other.sig"));
    site.edit(&pin, &format!("{pin}\", \"{other}"));
    site.edit(&format!("openpgp = \"{pin}\", \"{other}\""), &format!("openpgp = [\"{pin}\", \"{other}\"]"));
    fs::remove_file(site.stored(&read("vendor.sig"))).unwrap();
    let refused = site.run(&["lock"]).refused(2);
    assert!(refused.contains(&format!("bytes), signed by {pin} at 2026-01-01")), "{refused}");
    assert!(refused.contains(&format!("bytes), signed by {other} at 2026-01-01")), "{refused}");
}
