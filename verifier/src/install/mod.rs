// SPDX-License-Identifier: Apache-2.0
//! Brings staged files to their places, all or none.
//!
//! In: [`Approved<Staged>`](Approved), which nothing unproven can be. Out: [`Installed`]. The journal
//! says what is about to change before anything does; every file is moved into place whole, so that at
//! each moment a path holds the old or the new; the ledger moves with the commit record and not before.
//! What fails on the way is taken back; what was interrupted is taken back, or finished, by
//! [`recover()`].

mod files;
mod recover;

use crate::error::{Code, Refusal};
use crate::journal::{Action, Inode, Journal};
use crate::signature::approve::Approved;
use crate::stage::{Staged, Work, actions};
use crate::target::refused;
use crate::trust::state::StateFolder;
use crate::trust::{Claim, TrustedManifest};
use files::{Hands, Planted};

pub use crate::plan::{Change, Kind, Outcome, Plan, plan};
pub use crate::select::Selection;
pub use crate::target::Target;
pub use recover::{Recovered, recover};

/// What was installed.
#[derive(Clone, Debug)]
pub struct Installed {
    /// The manifest that it came under.
    pub claim: TrustedManifest,
    /// Every path; folders that were there already are left out.
    pub changes: Vec<Change>,
}

/// Installs what was staged. On a refusal of class 5 or below the target is as it was before.
pub fn install(
    approved: Approved<Staged>,
    target: &Target,
    state: &StateFolder,
) -> Result<Installed, Refusal> {
    target.hold(state)?;
    let (contents, plan, mut work, slots) = approved.into_inner().into_parts();
    let claim = contents.claim();
    // The lock came after the caller's own look at the ledger, perhaps.
    state.load()?.ledger.judge(claim.manifest().bundle(), claim.id())?;
    let (records, numbers) = work.records();
    let actions = actions(&plan, &slots, &numbers)?;
    if let Some(journal) = &mut work.journal {
        journal.intend(records, actions)?;
    }
    work.keep();
    if let Err(cause) = act(&plan, &work, target) {
        return Err(take_back(&mut work, target, &cause));
    }
    settle(&mut work, claim, state)
        .map_err(|cause| broken(&cause, "is installed, but not all is recorded"))?;
    Ok(Installed { claim: contents.into_claim(), changes: plan.changes().collect() })
}

/// Everything up to and including the commit record.
fn act(plan: &Plan, work: &Work, target: &Target) -> Result<(), Refusal> {
    let actions = work.journal.as_ref().map_or(&[][..], Journal::actions);
    let mut hands = Hands::new(target, work.folders.iter().flatten().collect());
    for action in actions {
        hands.put(action)?;
    }
    require_unchanged(plan, target)?;
    hands.sync(actions, Planted::Refuse)?;
    work.journal.as_ref().map_or(Ok(()), Journal::commit)
}

/// What the plan found identical must still be what it was when it was compared.
fn require_unchanged(plan: &Plan, target: &Target) -> Result<(), Refusal> {
    for placement in &plan.placements {
        let (Outcome::Unchanged, Some(before)) = (placement.outcome, placement.found) else { continue };
        let now = target.look(&placement.path)?;
        let same = now.is_some_and(|now| match placement.change().kind {
            // What is put into a folder changes its times.
            Kind::Folder => (now.kind, now.inode, now.place) == (before.kind, before.inode, before.place),
            Kind::File | Kind::Link => now == before,
        });
        if !same {
            return Err(Refusal::new(Code::UnsafeTarget, &placement.path, "was changed during the install")
                .expected("what was there when it was compared")
                .found("something else")
                .hint("stop whatever else writes there, and run it again"));
        }
    }
    Ok(())
}

/// After the commit record: the ledger, then the stage folders, then the journal.
fn settle(work: &mut Work, claim: &TrustedManifest, state: &StateFolder) -> Result<(), Refusal> {
    recover::move_ledger(state, claim.manifest().bundle(), claim.id())?;
    work.remove()
}

fn take_back(work: &mut Work, target: &Target, cause: &Refusal) -> Refusal {
    match undo(work, target) {
        Ok(()) => Refusal {
            code: Code::InstallFailed,
            class: Code::InstallFailed.class(),
            hint: format!("nothing was changed; {}", cause.hint),
            ..cause.clone()
        },
        Err(left) => broken(&left, "could not be put back").found(format!(
            "{}; the install had failed because {} {}",
            left.found.as_deref().unwrap_or(&left.what),
            cause.subject,
            cause.what
        )),
    }
}

fn undo(work: &mut Work, target: &Target) -> Result<(), Refusal> {
    let Some(journal) = &mut work.journal else { return Ok(()) };
    // The commit record may be what failed: nothing is taken back while the disk might say it counts.
    journal.intend_again()?;
    let mut hands = Hands::new(target, work.folders.iter().flatten().collect());
    hands.take_all_back(journal.actions())?;
    journal.withdraw()?;
    work.remove()
}

/// Not all could be put back, or recorded. What the cause itself has to say about the next act is better
/// than what this code says; what the cause's code says is not.
fn broken(cause: &Refusal, what: &str) -> Refusal {
    let found = cause.found.as_ref().map_or_else(String::new, |found| format!(": {found}"));
    let broken = Refusal::new(Code::InstallBroken, cause.subject.as_str(), what)
        .found(format!("{} {}{found}", cause.subject, cause.what));
    if cause.hint == cause.code.hint() { broken } else { broken.hint(cause.hint.as_str()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_of_what_is_broken_is_the_causes_own() {
        let cause = Refusal::new(Code::UnsafeTarget, "/a", "is not what it must be on the target");
        let plain = broken(&cause, "could not be put back");
        assert_eq!((plain.code, plain.hint.as_str()), (Code::InstallBroken, Code::InstallBroken.hint()));
        let told = broken(&cause.hint("move it away"), "could not be put back");
        assert_eq!((told.code, told.hint.as_str()), (Code::InstallBroken, "move it away"));
    }
}
