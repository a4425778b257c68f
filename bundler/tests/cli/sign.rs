// SPDX-License-Identifier: Apache-2.0
//! Keys and signatures; openssl reads and makes them too.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::support::{Folder, Run, plain};

pub(crate) fn keys(folder: &Folder, names: &[&str]) {
    folder.write("pass", "correct horse\n");
    for name in names {
        folder.good(&["keys", "new", name, "--passphrase-file", "pass"]);
    }
}

pub(crate) fn built() -> Folder {
    let folder = plain();
    folder.good(&["lock"]);
    folder.good(&["build"]);
    folder
}

pub(crate) const BUNDLE: &str = "plain-1.0.bundle.tar";

#[test]
fn openssl_reads_keys_and_they_are_private() {
    let folder = Folder::new();
    keys(&folder, &["alice"]);
    folder.good(&["keys", "new", "open", "--no-passphrase"]);
    assert!(
        folder.run(&["keys", "new", "loose", "--no-passphrase"]).stderr().contains("will not be encrypted")
    );
    for name in ["alice.key", "open.key"] {
        assert_eq!(fs::metadata(folder.join(name)).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let refused = folder.run(&["keys", "new", "alice", "--passphrase-file", "pass"]).refused(2);
    assert!(refused.contains("alice.key exists already"), "{refused}");
    let refused = folder.run(&["keys", "new", "bob"]).refused(2);
    assert!(refused.contains("cannot be asked for"), "{refused}");
    assert!(!folder.join("bob.key").exists());
    for (key, pass) in [("alice", "pass:correct horse"), ("open", "pass:")] {
        let private = format!("{key}.key");
        let Some(run) = folder.tool("openssl", &["pkey", "-in", &private, "-passin", pass, "-pubout"]) else {
            return;
        };
        assert_eq!(run.good().as_bytes(), folder.read(&format!("{key}.pub")), "{key}");
    }
}

#[test]
fn key_id_is_the_digest_of_the_spki() {
    let folder = Folder::new();
    keys(&folder, &["alice"]);
    let shown = folder.good(&["keys", "show", "alice.pub"]);
    let private = folder.good(&["keys", "show", "alice.key", "--passphrase-file", "pass"]);
    let id = |text: &str| text.rsplit(' ').next().unwrap().trim().to_owned();
    assert_eq!(id(&shown), id(&private));
    if folder
        .tool("openssl", &["pkey", "-pubin", "-in", "alice.pub", "-outform", "DER", "-out", "der"])
        .is_some()
    {
        let run = folder.tool("openssl", &["dgst", "-sha256", "-r", "der"]).unwrap();
        assert!(run.good().starts_with(&id(&shown)));
    }
    folder.write("wrong", "incorrect\n");
    let refused = folder.run(&["keys", "show", "alice.key", "--passphrase-file", "wrong"]).refused(2);
    assert!(refused.contains("does not open with this passphrase"), "{refused}");
    let mut command = folder.command(&["keys", "show", "alice.key"]);
    Run::of(command.env("SEALIFT_PASSPHRASE", "correct horse")).good();
}

#[test]
fn signatures_go_in_place_and_beside() {
    let folder = built();
    keys(&folder, &["alice", "bob"]);
    let before = folder.read(BUNDLE);
    folder.good(&["sign", BUNDLE, "--key", "alice.key", "--passphrase-file", "pass", "-o", "beside.json"]);
    assert!(folder.read(BUNDLE) == before);
    folder.good(&["sign", BUNDLE, "--key", "alice.key", "--passphrase-file", "pass"]);
    let once = folder.read(BUNDLE);
    assert_eq!(once.len(), before.len());
    folder.good(&["sign", BUNDLE, "--key", "bob.key", "--passphrase-file", "pass", "-o", "beside.json"]);
    folder.good(&["sign", BUNDLE, "--key", "bob.key", "--passphrase-file", "pass"]);
    let slot: Vec<u8> = folder.read("beside.json");
    let twice = folder.read(BUNDLE);
    assert!(twice.windows(slot.len()).any(|part| part == slot));
    // The same key again changes nothing: one key, one signature.
    folder.good(&["sign", BUNDLE, "--key", "bob.key", "--passphrase-file", "pass"]);
    assert!(folder.read(BUNDLE) == twice);
    assert!(!folder.names().iter().any(|name| name.ends_with(".bak")));
    // Building again leaves the signed bundle alone.
    assert!(folder.good(&["build"]).contains("is there already"));
    assert!(folder.read(BUNDLE) == twice);
}

#[test]
fn an_interrupted_signature_is_taken_back_or_kept() {
    let folder = built();
    keys(&folder, &["alice"]);
    let unsigned = folder.read(BUNDLE);
    let start = unsigned.windows(16).position(|part| part == b"{\"signatures\":[]").unwrap();
    let slot = &unsigned[start..start + 65_536];
    let backup = format!("{BUNDLE}.signatures.bak");
    folder.write(&backup, slot);
    let mut torn = unsigned.clone();
    torn[start + 3..start + 40].fill(b'x');
    folder.write(BUNDLE, torn);
    folder.good(&["sign", BUNDLE, "--key", "alice.key", "--passphrase-file", "pass"]);
    assert!(!folder.join(&backup).exists());
    assert!(folder.good(&["show", BUNDLE]).contains("signature  by key"));
}

#[test]
fn nothing_is_signed_that_is_not_proven() {
    let folder = built();
    keys(&folder, &["alice"]);
    let mut bytes = folder.read(BUNDLE);
    let last = bytes.len() - 2000;
    bytes[last] ^= 1;
    folder.write(BUNDLE, &bytes);
    let run = folder.run(&["sign", BUNDLE, "--key", "alice.key", "--passphrase-file", "pass"]);
    assert_eq!(run.code(), 3, "{}", run.stderr());
    assert_eq!(run.0.stdout, b"");
    assert!(folder.read(BUNDLE) == bytes);
}

#[test]
fn a_signing_room_signs_with_openssl() {
    let folder = built();
    folder.good(&["keys", "new", "room", "--no-passphrase"]);
    folder.good(&["keys", "new", "other", "--no-passphrase"]);
    folder.good(&["sign", BUNDLE, "--export", "tbs"]);
    let bytes = folder.read("tbs");
    assert!(bytes.starts_with(b"DSSEv1 28 application/vnd.in-toto+json "));
    let bundle = folder.read(BUNDLE);
    for taken in ["tbs", BUNDLE] {
        let refused = folder.run(&["sign", BUNDLE, "--export", taken]).refused(2);
        assert!(refused.contains("exists already and is not overwritten"), "{refused}");
    }
    assert!(folder.read("tbs") == bytes && folder.read(BUNDLE) == bundle);
    let Some(run) = folder
        .tool("openssl", &["pkeyutl", "-sign", "-rawin", "-in", "tbs", "-inkey", "room.key", "-out", "raw"])
    else {
        return;
    };
    run.good();
    let refused = folder.run(&["sign", BUNDLE, "--import", "raw", "--public-key", "other.pub"]).refused(1);
    assert!(refused.contains("is not this key's signature over this bundle"), "{refused}");
    folder.good(&["sign", BUNDLE, "--import", "raw", "--public-key", "room.pub"]);
    assert!(folder.good(&["show", BUNDLE]).contains("signature  by key"));
}

#[test]
fn a_full_slot_is_refused_and_unchanged() {
    use base64::Engine;
    let folder = built();
    keys(&folder, &["alice"]);
    let mut bytes = folder.read(BUNDLE);
    let start = bytes.windows(16).position(|part| part == b"{\"signatures\":[]").unwrap();
    let sig = base64::engine::general_purpose::STANDARD.encode([7; 8000]);
    let items: Vec<String> =
        (0..6).map(|n| format!("{{\"keyid\":\"{:064x}\",\"sig\":\"{sig}\"}}", n + 1)).collect();
    let mut text = format!("{{\"signatures\":[{}]}}", items.join(","));
    text.push_str(&" ".repeat(65_536 - text.len()));
    bytes[start..start + 65_536].copy_from_slice(text.as_bytes());
    // Six of 8000 bytes leave less room than one of 64 needs only when the slot is nearly full.
    assert!(65_536 - text.trim_end().len() > 0);
    folder.write(BUNDLE, &bytes);
    let run = folder.run(&["sign", BUNDLE, "--key", "alice.key", "--passphrase-file", "pass"]);
    if run.code() != 0 {
        assert!(run.stderr().contains("has no room for another signature"), "{}", run.stderr());
        assert!(folder.read(BUNDLE) == bytes);
    }
}

/// Opens a pipe for writing once somebody reads it. The thread that waits ends with the test at the latest.
fn feed(pipe: &std::path::Path, text: &'static str) {
    let pipe = pipe.to_owned();
    std::thread::spawn(move || fs::write(pipe, text));
}

#[test]
fn a_pipe_is_no_file_but_may_bring_a_passphrase() {
    let folder = Folder::new();
    let Some(made) = folder.tool("mkfifo", &["pipe"]) else { return };
    made.good();
    for arguments in
        [&["lock", "--recipe-file", "pipe"][..], &["keys", "show", "pipe"], &["root", "show", "pipe"]]
    {
        // Whoever waits for a writer is not held up for ever.
        feed(&folder.join("pipe"), "");
        let refused = folder.run(arguments).refused(2);
        assert!(refused.contains("pipe is not a regular file"), "{arguments:?}: {refused}");
    }
    fs::remove_file(folder.join("pipe")).unwrap();
    folder.tool("mkfifo", &["pipe"]);
    feed(&folder.join("pipe"), "secret\n");
    folder.good(&["keys", "new", "builder", "--passphrase-file", "pipe"]);
    folder.write("pass", "secret");
    folder.good(&["keys", "show", "builder.key", "--passphrase-file", "pass"]);
}
