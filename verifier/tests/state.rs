// SPDX-License-Identifier: Apache-2.0
//! A host's state as a crash or a careless hand leaves it (`docs/formats/state.md`).
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs;
use std::path::PathBuf;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use support::{Host, root_envelope, root_envelope_until, scratch};
use verifier::error::Code;

/// What the files of a host's state are called.
fn path(host: &Host, name: &str) -> PathBuf {
    host.state().path().join(name)
}

#[test]
fn the_ledger_says_which_root_is_in_force() {
    let scratch = scratch();
    let host = Host::new(scratch.path());
    let (ours, other) = (root_envelope(), root_envelope_until("2098-01-01T00:00:00Z"));
    assert_ne!(ours, other);
    let lay = |root: Option<&[u8]>, next: Option<&[u8]>| {
        for (name, bytes) in [("root.json", root), ("root.next.json", next)] {
            match bytes {
                Some(bytes) => fs::write(path(&host, name), bytes).unwrap(),
                None => drop(fs::remove_file(path(&host, name))),
            }
        }
        host.state().try_load()
    };
    let fingerprint = lay(Some(&ours), None).unwrap().unwrap().root.fingerprint();
    // Interrupted before the ledger moved, and after it: the root that it names counts.
    for (root, next) in [(Some(&ours), Some(&other)), (Some(&other), Some(&ours)), (None, Some(&ours))] {
        let state = lay(root.map(Vec::as_slice), next.map(Vec::as_slice)).unwrap().unwrap();
        assert_eq!(state.root.fingerprint(), fingerprint);
    }
    // No root that it names: nothing is in force, and no `trust init` starts over in silence.
    for (root, next) in [(Some(&other), None), (Some(&other), Some(&other)), (None, None)] {
        let refusal = lay(root.map(Vec::as_slice), next.map(Vec::as_slice)).err().unwrap();
        assert_eq!(refusal.code, Code::StateUnreadable, "{refusal}");
        assert!(refusal.expected.unwrap().contains(&fingerprint.to_string()));
    }
}

#[test]
fn what_is_no_file_holds_nobody_up() {
    let scratch = scratch();
    for name in ["root.json", "ledger.json"] {
        let host = Host::new(scratch.path());
        fs::remove_file(path(&host, name)).unwrap();
        mknodat(CWD, path(&host, name), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let refusal = host.state().load().err().unwrap();
        assert_eq!(refusal.code, Code::StateUnreadable, "{refusal}");
        assert_eq!(refusal.subject, path(&host, name).display().to_string());
        assert_eq!(refusal.what, "is not a regular file");
        fs::remove_dir_all(host.root()).unwrap();
        fs::remove_dir_all(host.state().path()).unwrap();
    }
}
