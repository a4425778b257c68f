// SPDX-License-Identifier: Apache-2.0
//! One path at a time: the new into place, the old back.
//!
//! What has happened to a path is told by inode numbers alone: the new one keeps its number in the
//! stage and in its place, and it exists until the stage is removed, so nothing else can have it.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, RenameFlags, fsync, linkat, renameat, renameat_with, unlinkat};
use rustix::io::Errno;

use super::{Action, Inode, refused};
use crate::error::{Code, Refusal};
use crate::plan::Kind;
use crate::stage::FEW;
use crate::stage::folder::{StageFolder, may_not_sync};
use crate::target::{Node, Target, split, unsafe_target};

/// What moves things between the stage folders and the target.
pub(super) struct Hands<'a> {
    target: &'a Target,
    /// In the order that actions number them.
    stages: Vec<&'a StageFolder>,
    /// The folder worked in last: paths come folder by folder.
    last: Option<(String, OwnedFd)>,
}

/// What a link that was planted on the way means.
#[derive(Clone, Copy)]
pub(super) enum Planted {
    /// What was put behind it is not where it should be.
    Refuse,
    /// Nothing: all that was put in place has been taken back.
    PassOver,
}

/// Where an action takes place.
struct Spot<'s> {
    stage: BorrowedFd<'s>,
    slot: String,
    /// Where the old one waits on file systems that cannot exchange two names.
    aside: String,
    folder: Option<BorrowedFd<'s>>,
    name: &'s str,
}

impl<'a> Hands<'a> {
    pub(super) const fn new(target: &'a Target, stages: Vec<&'a StageFolder>) -> Self {
        Self { target, stages, last: None }
    }

    fn spot<'s>(&'s mut self, action: &'s Action) -> Result<Spot<'s>, Refusal> {
        let (folder, name) = split(action.path.as_str());
        if self.last.as_ref().is_none_or(|(last, _)| last != folder) {
            self.last = self.target.folder(folder)?.map(|handle| (folder.to_owned(), handle));
        }
        let Some(stage) = self.stages.get(action.stage) else {
            return Err(Refusal::new(Code::IoError, action.path.as_str(), "has lost its stage folder"));
        };
        Ok(Spot {
            stage: stage.handle(),
            slot: action.slot.to_string(),
            aside: format!("{}.old", action.slot),
            folder: self.last.as_ref().map(|(_, handle)| handle.as_fd()),
            name,
        })
    }

    /// Brings the new one to its place, which holds the old one until then.
    pub(super) fn put(&mut self, action: &Action) -> Result<(), Refusal> {
        let path = action.path.as_str();
        let spot = self.spot(action)?;
        let Some(folder) = spot.folder else {
            return Err(unsafe_target(path, "its folder", "nothing: it was removed meanwhile"));
        };
        let put = match action.old {
            None => spot.enter(folder, action.kind),
            Some(old) => spot.replace(folder, old, action.kind),
        };
        put.map_err(|errno| match errno {
            Errno::EXIST => unsafe_target(path, "nothing", "something that came meanwhile"),
            Errno::NOENT | Errno::STALE => {
                unsafe_target(path, "what was there when the plan was made", "something else, or nothing")
            }
            errno => refused(path, errno),
        })
    }

    /// Makes the changes last: few folders each, many by their file systems.
    pub(super) fn sync(&self, actions: &[Action], planted: Planted) -> Result<(), Refusal> {
        let folders: BTreeSet<&str> = actions.iter().map(|action| split(action.path.as_str()).0).collect();
        if folders.len() > FEW {
            return self.stages.iter().try_for_each(|stage| stage.sync_all());
        }
        for path in folders {
            let folder = match (self.target.folder(path), planted) {
                (Err(refusal), Planted::PassOver) if refusal.code == Code::UnsafeTarget => None,
                (folder, _) => folder?,
            };
            if let Some(folder) = folder {
                fsync(&folder).or_else(may_not_sync).map_err(|errno| refused(path, errno))?;
            }
        }
        for stage in &self.stages {
            fsync(stage.handle()).or_else(may_not_sync).map_err(|errno| refused("stage folder", errno))?;
        }
        Ok(())
    }

    /// Takes everything back, the last first, and makes that last. As much as can be, whatever fails.
    pub(super) fn take_all_back(&mut self, actions: &[Action]) -> Result<(), Refusal> {
        let mut first = None;
        for action in actions.iter().rev() {
            if let Err(refusal) = self.take_back(action) {
                first.get_or_insert(refusal);
            }
        }
        match first {
            Some(refusal) => Err(refusal),
            None => self.sync(actions, Planted::PassOver),
        }
    }

    /// Whether the new one still waits in the stage, and the old one has not been moved there.
    fn is_to_come(&self, action: &Action) -> Result<bool, Refusal> {
        let Some(stage) = self.stages.get(action.stage) else { return Ok(false) };
        let named = |name: String| {
            Node::named(stage.handle(), &name).map_err(|errno| refused(action.path.as_str(), errno))
        };
        let waits = named(action.slot.to_string())?.is_some_and(|node| action.new.is(&node));
        Ok(waits && named(format!("{}.old", action.slot))?.is_none())
    }

    fn take_back(&mut self, action: &Action) -> Result<(), Refusal> {
        let path = action.path.as_str();
        let waits = self.is_to_come(action)?;
        let spot = match self.spot(action) {
            // A link was planted on the way, before this action came: it leads to nothing of ours.
            Err(refusal) if refusal.code == Code::UnsafeTarget && waits => return Ok(()),
            other => other?,
        };
        let taken = match action.old {
            None => spot.leave(action),
            Some(_) => spot.restore(action),
        };
        taken.map_err(|errno| match errno {
            Errno::STALE => unsafe_target(path, "the file that was installed", "another one")
                .hint("move it away, then run `verifier install --resume`: the old file is kept until then"),
            errno => refused(path, errno),
        })
    }
}

impl Spot<'_> {
    fn in_stage(&self, name: &str) -> Result<Option<Node>, Errno> {
        Node::named(self.stage, name)
    }

    fn in_place(&self) -> Result<Option<Node>, Errno> {
        self.folder.map_or(Ok(None), |folder| Node::named(folder, self.name))
    }

    /// Where nothing is: never over something that came meanwhile.
    fn enter(&self, folder: BorrowedFd<'_>, kind: Kind) -> Result<(), Errno> {
        match renameat_with(self.stage, &*self.slot, folder, self.name, RenameFlags::NOREPLACE) {
            Err(errno) if is_unsupported(errno) => {}
            other => return other,
        }
        if kind != Kind::Folder {
            match linkat(self.stage, &*self.slot, folder, self.name, AtFlags::empty()) {
                Ok(()) => return unlinkat(self.stage, &*self.slot, AtFlags::empty()),
                Err(errno) if is_unsupported(errno) || errno == Errno::PERM => {}
                Err(errno) => return Err(errno),
            }
        }
        match self.in_place()? {
            None => renameat(self.stage, &*self.slot, folder, self.name),
            Some(_) => Err(Errno::EXIST),
        }
    }

    /// Old or new at every moment, where the file system can exchange two names.
    fn replace(&self, folder: BorrowedFd<'_>, old: Inode, kind: Kind) -> Result<(), Errno> {
        match renameat_with(self.stage, &*self.slot, folder, self.name, RenameFlags::EXCHANGE) {
            Ok(()) => return self.require(&self.slot, old),
            Err(errno) if is_unsupported(errno) => {}
            Err(errno) => return Err(errno),
        }
        renameat(folder, self.name, self.stage, &*self.aside)?;
        self.require(&self.aside, old)?;
        self.enter(folder, kind)
    }

    fn require(&self, name: &str, old: Inode) -> Result<(), Errno> {
        match self.in_stage(name)? {
            Some(node) if old.is(&node) => Ok(()),
            _ => Err(Errno::STALE),
        }
    }

    /// Takes away what was created.
    fn leave(&self, action: &Action) -> Result<(), Errno> {
        let there = self.in_place()?.filter(|node| action.new.is(node));
        let (Some(_), Some(folder)) = (there, self.folder) else { return Ok(()) };
        if action.kind == Kind::Folder {
            return match unlinkat(folder, self.name, AtFlags::REMOVEDIR) {
                // Somebody else has put something into it: that is not ours to remove.
                Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(()),
                other => other,
            };
        }
        if self.in_stage(&self.slot)?.is_some() {
            return unlinkat(folder, self.name, AtFlags::empty());
        }
        // Moved back, not removed: its number must stay taken until all is taken back.
        renameat(folder, self.name, self.stage, &*self.slot)
    }

    /// Puts the old one back.
    fn restore(&self, action: &Action) -> Result<(), Errno> {
        let slot = self.in_stage(&self.slot)?;
        let untouched = slot.as_ref().is_some_and(|node| action.new.is(node));
        let keeps = match (slot, self.in_stage(&self.aside)?) {
            (Some(_), None) if untouched => return Ok(()),
            (_, Some(_)) => &self.aside,
            (Some(_), None) => &self.slot,
            (None, None) => {
                let lost = self.in_place()?.is_some_and(|node| action.new.is(&node));
                return if lost { Err(Errno::NOENT) } else { Ok(()) };
            }
        };
        let folder = self.folder.ok_or(Errno::NOENT)?;
        match self.in_place()? {
            None => renameat(self.stage, &**keeps, folder, self.name),
            Some(node) if action.new.is(&node) => {
                match renameat_with(self.stage, &**keeps, folder, self.name, RenameFlags::EXCHANGE) {
                    Err(errno) if is_unsupported(errno) => renameat(self.stage, &**keeps, folder, self.name),
                    other => other,
                }
            }
            Some(_) => Err(Errno::STALE),
        }
    }
}

/// How kernels and file systems say that they do not know a way to rename.
fn is_unsupported(errno: Errno) -> bool {
    matches!(errno, Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP)
}
