// SPDX-License-Identifier: Apache-2.0
//! What is the verifier's own on a target, and what only has its name.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use support::bundle::Bundle;
use support::{Host, scratch};
use verifier::error::Code;
use verifier::install::{Recovered, Selection, Target, plan};
use verifier::trust::Claim;
use verifier::trust::state::StateFolder;

/// The stage folder of an install that was interrupted.
fn stage_folder(host: &Host) -> PathBuf {
    let items = fs::read_dir(host.root()).unwrap().map(|item| item.unwrap().path());
    let mut stages = items.filter(|path| path.to_string_lossy().contains(".sealift-stage-"));
    stages.next().unwrap()
}

/// Stages, dies, lets `plant` put something else under the stage's name, and resumes.
fn resumed_over(plant: impl FnOnce(&Path)) -> (tempfile::TempDir, PathBuf) {
    let scratch = scratch();
    let host = Host::new(scratch.path());
    let bundle = Bundle::new("app", 1).file("a", b"a", "/a", "0644").build();
    let target = host.target();
    // As a process that dies leaves it.
    std::mem::forget(host.stage(&target, &bundle, &Selection::default()).unwrap());
    drop(target);
    let stage = stage_folder(&host);
    fs::remove_dir_all(&stage).unwrap();
    plant(&stage);
    assert!(matches!(host.recover().unwrap(), Recovered::Removed { .. }));
    (scratch, stage)
}

fn folder(path: &Path, mode: u32) {
    fs::create_dir(path).unwrap();
    fs::write(path.join("precious"), "kept").unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_folder_that_has_a_stages_name_is_left_alone() {
    // Private, but without the mark.
    let (_scratch, stage) = resumed_over(|stage| folder(stage, 0o700));
    assert_eq!(fs::read_to_string(stage.join("precious")).unwrap(), "kept");
    // Marked, but open to others, who may have put what they like in it.
    let (_scratch, stage) = resumed_over(|stage| {
        folder(stage, 0o755);
        fs::write(stage.join("stage"), "").unwrap();
    });
    assert_eq!(fs::read_to_string(stage.join("precious")).unwrap(), "kept");
    // A mark with something in it is none.
    let (_scratch, stage) = resumed_over(|stage| {
        folder(stage, 0o700);
        fs::write(stage.join("stage"), "x").unwrap();
    });
    assert_eq!(fs::read_to_string(stage.join("precious")).unwrap(), "kept");
    // Somebody else's, where the tests may make one.
    if rustix::process::geteuid().is_root() {
        let (_scratch, stage) = resumed_over(|stage| {
            folder(stage, 0o700);
            fs::write(stage.join("stage"), "").unwrap();
            std::os::unix::fs::chown(stage, Some(4242), None).unwrap();
        });
        assert_eq!(fs::read_to_string(stage.join("precious")).unwrap(), "kept");
    }
    // Ours, marked: the folder goes, and with it what lies in it.
    let (_scratch, stage) = resumed_over(|stage| {
        folder(stage, 0o700);
        fs::write(stage.join("stage"), "").unwrap();
    });
    assert!(!stage.exists());
}

#[test]
fn no_bundle_reaches_the_hosts_own_state() {
    let scratch = scratch();
    let host = Host::new(scratch.path());
    let state = StateFolder::new(host.at("/var/state"));
    fs::create_dir_all(state.path()).unwrap();
    let planned = |path: &str, target: &Target| {
        let bundle = Bundle::new("app", 1).file("a", b"a", path, "0644").build();
        let (_, claim) = host.open(&bundle).unwrap();
        plan(claim.manifest(), &Selection::default(), target).map(drop)
    };
    let target = host.target().keeping(&state);
    for path in ["/var/state", "/var/state/ledger.json", "/var/state/journal/000001.json"] {
        let refusal = planned(path, &target).unwrap_err();
        assert_eq!((refusal.code, &*refusal.subject), (Code::UnsafeName, path), "{refusal}");
    }
    for path in ["/var/state-of-affairs", "/var/other/state"] {
        planned(path, &target).unwrap();
    }
    planned("/var/state/ledger.json", &host.target()).unwrap();
}
