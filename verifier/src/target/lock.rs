// SPDX-License-Identifier: Apache-2.0
//! One install at a time: a lock on the target, wherever the state lies, and one on the state.
//!
//! The target's lock file lies in it (`.sealift.lock`), or in `/run` where the target is the host
//! itself.

use rustix::process::geteuid;

use super::Target;
use crate::error::{Code, Refusal};
use crate::trust::lock;
use crate::trust::state::StateFolder;

/// The lock's name in a staging root.
pub(crate) const LOCK: &str = manifests::name::TARGET_LOCK;
/// The lock's name in `/run`.
const RUN_LOCK: &str = "sealift.lock";

/// The lock of `/`.
pub(super) fn run_lock() -> std::path::PathBuf {
    std::path::Path::new("/run").join(RUN_LOCK)
}

/// Locks that are given back when this is dropped.
pub(super) struct Held {
    _state: lock::Held,
    _target: Option<lock::Held>,
}

impl Held {
    pub(super) fn take(target: &Target, state: &StateFolder) -> Result<Self, Refusal> {
        Ok(Self { _state: state.lock()?, _target: lock_target(target)? })
    }
}

fn lock_target(target: &Target) -> Result<Option<lock::Held>, Refusal> {
    if target.path() != "/" {
        let folder = target.handle().try_clone_to_owned().map_err(|error| Refusal::writing(LOCK, &error))?;
        return lock::Held::take(folder, LOCK, &format!("{}/{LOCK}", target.path())).map(Some);
    }
    let path = run_lock().display().to_string();
    let Some(run) = target.folder("/run")? else {
        return Err(Refusal::new(Code::IoError, path, "cannot be made: there is no /run"));
    };
    match lock::Held::take(run, RUN_LOCK, &path) {
        // Users cannot write to /run, and root's lock is none of theirs: their state's lock serves them.
        Err(refusal) if refusal.code == Code::Permission && !geteuid().is_root() => Ok(None),
        taken => taken.map(Some),
    }
}
