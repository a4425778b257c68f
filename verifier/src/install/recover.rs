// SPDX-License-Identifier: Apache-2.0
//! After an interruption: back to the old state, or, where the commit record was written, on to the
//! new one. Run before every install.

use manifests::bundle::Identity;
use manifests::digest::Sha256Digest;
use serde::Serialize;

use super::files::Hands;
use super::{Action, broken};
use crate::error::{Code, Refusal};
use crate::journal::{Journal, Phase, StageRecord, sweep};
use crate::stage::folder::StageFolder;
use crate::target::{Node, Target, refused};
use crate::trust::state::StateFolder;

/// What had been left of an interrupted install.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "recovered", rename_all = "kebab-case")]
pub enum Recovered {
    /// Nothing.
    Nothing,
    /// Files that were not in place yet.
    Removed {
        /// Of this bundle.
        bundle: Identity,
    },
    /// Files in place, which are now as they were before.
    RolledBack {
        /// Of this bundle.
        bundle: Identity,
    },
    /// An install that counted, and of which the rest was done.
    Finished {
        /// Of this bundle.
        bundle: Identity,
    },
}

/// Takes an interrupted install back, or finishes it after its commit record.
///
/// Takes the install lock, which is held until `target` is dropped.
pub fn recover(target: &Target, state: &StateFolder) -> Result<Recovered, Refusal> {
    target.hold(state)?;
    let pending = Journal::pending(state)?;
    pending.iter().try_for_each(|journal| journal.require_target(target))?;
    let mut recovered = Recovered::Nothing;
    for mut journal in pending.into_iter().rev() {
        let bundle = journal.bundle().clone();
        let found = take_up(&journal, target)?;
        recovered = match journal.phase() {
            Phase::Staging => Recovered::Removed { bundle },
            Phase::Intent => {
                roll_back(&mut journal, &found, target)
                    .map_err(|refusal| broken(&refusal, "could not be put back"))?;
                Recovered::RolledBack { bundle }
            }
            Phase::Committed => {
                move_ledger(state, journal.bundle(), journal.manifest())?;
                Recovered::Finished { bundle }
            }
        };
        remove_stages(journal.stages(), target)?;
        journal.remove()?;
    }
    sweep(state)?;
    Ok(recovered)
}

/// The stage folders, before anything is done: each is found, or known to be gone.
fn take_up(journal: &Journal, target: &Target) -> Result<Vec<Option<StageFolder>>, Refusal> {
    let take_up = |stage| {
        let found = StageFolder::find(target, stage)?;
        if found.is_none() {
            journal.require_gone(stage, target)?;
        }
        Ok(found)
    };
    journal.stages().iter().map(take_up).collect()
}

fn roll_back(journal: &mut Journal, found: &[Option<StageFolder>], target: &Target) -> Result<(), Refusal> {
    let stages: Vec<&StageFolder> = found.iter().flatten().collect();
    if stages.len() == found.len() {
        Hands::new(target, stages).take_all_back(journal.actions())?;
    } else {
        require_untouched(journal.actions(), target)?;
    }
    journal.withdraw()
}

/// A stage is gone, and the old files with it: that is fine only where none of the new is in place,
/// because somebody has put the old state back.
fn require_untouched(actions: &[Action], target: &Target) -> Result<(), Refusal> {
    for action in actions {
        let path = action.path.as_str();
        if target.look(path)?.is_some_and(|node| action.new.is(&node)) {
            return Err(Refusal::new(Code::InstallBroken, path, "is new, but the stage folder is gone")
                .expected("the stage folder with the old files")
                .found("nothing")
                .hint("restore the old files from a backup, or remove this one, then run it again"));
        }
    }
    Ok(())
}

fn remove_stages(stages: &[StageRecord], target: &Target) -> Result<(), Refusal> {
    for stage in stages {
        while let Some(folder) = StageFolder::find(target, stage)? {
            let node = Node::of(folder.handle()).map_err(|errno| refused(&stage.name, errno))?;
            if node.mode & 0o077 != 0 {
                return Err(Refusal::new(
                    Code::UnsafeTarget,
                    &stage.name,
                    "is not the private folder it was",
                )
                .expected("mode 0700")
                .found(format!("mode {:04o}", node.mode)));
            }
            folder.remove()?;
        }
    }
    Ok(())
}

/// Brings the ledger to where this bundle is accepted; one that is further already stays there.
pub(super) fn move_ledger(
    state: &StateFolder,
    bundle: &Identity,
    manifest: Sha256Digest,
) -> Result<(), Refusal> {
    let before = state.load()?.ledger;
    let after = before.with(bundle, manifest);
    if before.judge(bundle, manifest).is_err() || after == before {
        return Ok(());
    }
    state.save_ledger(&after)
}
