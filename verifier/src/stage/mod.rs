// SPDX-License-Identifier: Apache-2.0
//! Proves while copying: the proven bytes lie in a private folder on each destination file system.
//!
//! In: an archive, a trusted manifest, the components that are wanted. Out: [`Staged`]. What is wanted is
//! planned here, behind the lock, so that no plan can be another manifest's or another target's. Space is checked before a byte is
//! written; what is on the target already and identical is proven but not copied. Nothing that is
//! staged has a name that anybody looks for, and all of it goes when a [`Staged`] is dropped.

pub(crate) mod folder;
mod slots;

use crate::archive::reader::Archive;
use crate::contents::{Contents, Proof, Watch, prove};
use crate::error::{Code, Refusal};
use crate::journal::{Action, Inode, Journal, StageRecord, stage_names};
use crate::plan::{Outcome, Plan, plan};
use crate::select::Selection;
use crate::signature::approve::Proven;
use crate::target::Target;
use crate::trust::state::StateFolder;
use crate::trust::{Claim, TrustedManifest};
use folder::StageFolder;
use slots::Slots;

/// Up to this many files or folders each is synced by itself; beyond, their whole file system once.
pub(crate) const FEW: usize = 64;

/// Proven contents, and the proven bytes in private folders.
pub struct Staged {
    contents: Contents<TrustedManifest>,
    plan: Plan,
    work: Work,
    /// Per placement, the inode in its slot; none where it is unchanged.
    slots: Vec<Option<Inode>>,
}

/// The stage folders and the journal that tells of them: removed on drop, unless they are handed on.
pub(crate) struct Work {
    /// Per file system of the plan.
    pub(crate) folders: Vec<Option<StageFolder>>,
    pub(crate) journal: Option<Journal>,
    kept: bool,
}

impl Proven for Staged {
    type Manifest = TrustedManifest;

    fn contents(&self) -> &Contents<TrustedManifest> {
        &self.contents
    }

    fn contents_mut(&mut self) -> &mut Contents<TrustedManifest> {
        &mut self.contents
    }
}

impl Staged {
    pub(crate) fn into_parts(self) -> (Contents<TrustedManifest>, Plan, Work, Vec<Option<Inode>>) {
        (self.contents, self.plan, self.work, self.slots)
    }
}

/// Proves an archive and lays the bytes of the wanted components beside their destination.
///
/// Takes the install lock, which is held until `target` is dropped.
pub fn stage(
    archive: Archive,
    claim: TrustedManifest,
    selection: &Selection,
    target: &Target,
    state: &StateFolder,
    watch: &dyn Watch,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Staged, Refusal> {
    target.hold(state)?;
    let plan = plan(claim.manifest(), selection, target)?;
    folder::require_space(&plan, target)?;
    let work = Work::begin(&plan, target, state, &claim)?;
    let slots = Slots::new(&plan, &work.folders);
    let contents = prove(archive, claim, Proof { sink: &slots, watch, progress })?;
    let slots = slots.finish()?;
    for folder in work.folders.iter().flatten() {
        folder.sync(slots.iter().flatten().count())?;
    }
    Ok(Staged { contents, plan, work, slots })
}

impl Work {
    /// Makes a stage folder on each file system that something is written to, journalled before it is.
    fn begin(
        plan: &Plan,
        target: &Target,
        state: &StateFolder,
        claim: &TrustedManifest,
    ) -> Result<Self, Refusal> {
        let mut needed = vec![false; plan.disks.len()];
        for placement in &plan.placements {
            needed[placement.disk] |= placement.outcome != Outcome::Unchanged;
        }
        let mut work = Self { folders: Vec::new(), journal: None, kept: false };
        if !needed.contains(&true) {
            return Ok(work);
        }
        let names = stage_names(plan.disks.len())?;
        let records = names.iter().zip(&plan.disks).zip(&needed).filter(|(_, needed)| **needed);
        let records = records
            .map(|((name, disk), _)| StageRecord { name: name.clone(), folders: disk.folders.clone() })
            .collect();
        let bundle = claim.manifest().bundle();
        work.journal = Some(Journal::begin(state, target, bundle, claim.id(), records)?);
        for ((name, disk), needed) in names.iter().zip(&plan.disks).zip(needed) {
            if !needed {
                work.folders.push(None);
                continue;
            }
            match StageFolder::make(target, disk, name) {
                Ok(folder) => work.folders.push(Some(folder)),
                Err(refusal) => {
                    // Made, but not opened: the journal goes only if the folder does.
                    work.kept = StageFolder::unmake(target, disk, name).is_err();
                    return Err(refusal);
                }
            }
        }
        Ok(work)
    }

    /// Where each stage folder lies, and the number that actions know each file system's by.
    pub(crate) fn records(&self) -> (Vec<StageRecord>, Vec<usize>) {
        let (mut records, mut numbers) = (Vec::new(), Vec::new());
        for folder in &self.folders {
            numbers.push(records.len());
            records.extend(folder.as_ref().map(StageFolder::record));
        }
        (records, numbers)
    }

    /// From here on what lies in the folders belongs to the journal.
    pub(crate) const fn keep(&mut self) {
        self.kept = true;
    }

    /// Removes the folders, then the journal.
    pub(crate) fn remove(&mut self) -> Result<(), Refusal> {
        for folder in self.folders.iter().flatten() {
            folder.remove()?;
        }
        if let Some(journal) = &self.journal {
            journal.remove()?;
        }
        self.kept = true;
        Ok(())
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be removed now stays in the journal: the next run tries again.
            let _ = self.remove();
        }
    }
}

/// The actions that a plan comes to, in order.
pub(crate) fn actions(
    plan: &Plan,
    slots: &[Option<Inode>],
    numbers: &[usize],
) -> Result<Vec<Action>, Refusal> {
    let mut actions = Vec::new();
    for (slot, (placement, new)) in plan.placements.iter().zip(slots).enumerate() {
        let Some(new) = *new else { continue };
        let path = manifests::name::InstallPath::new(&placement.path).map_err(|error| {
            Refusal::new(Code::UnsafeName, placement.path.as_str(), "cannot be a path on the target")
                .found(error)
        })?;
        let change = placement.change();
        actions.push(Action {
            path,
            kind: change.kind,
            stage: numbers[placement.disk],
            slot,
            new,
            old: placement.found.as_ref().map(Inode::of),
        });
    }
    Ok(actions)
}
