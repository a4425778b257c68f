// SPDX-License-Identifier: Apache-2.0
//! The journal of an install: intent before act, so that the next run knows what to take back.
//!
//! One file in the state folder, `journal/NNNNNN.json`, replaced whole and synced:
//! 1. `staging`: the folders that hold proven bytes. Nothing on the target has changed, or nothing of
//!    it is left: whoever finds this removes the folders.
//! 2. `intent`: every path that is about to change, with the inode numbers of the new and the old.
//!    Whoever finds this tells by them what has happened, and takes it back.
//! 3. `committed`: the install counts. Whoever finds this moves the ledger and removes the folders.
//!
//! Then the file is removed. Device numbers are written for people only: they may change when the
//! system starts again.

mod document;

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use manifests::bundle::Identity;
use manifests::digest::Sha256Digest;
use manifests::name::STAGE_PREFIX;

use crate::error::{Code, Refusal};
use crate::target::{KnownFolder, Node, Target, refused};
use crate::trust::state::{StateFolder, read, replace};
use document::{Document, ID_DIGITS, MAX_JOURNAL_BYTES};

pub(crate) use document::{Action, Inode, Phase, StageRecord};

/// A journal on disk, and what it says.
pub(crate) struct Journal {
    path: PathBuf,
    document: Document,
}

impl Journal {
    /// Begins one: from here on the next run removes the stage folders.
    pub(crate) fn begin(
        state: &StateFolder,
        target: &Target,
        bundle: &Identity,
        manifest: Sha256Digest,
        stages: Vec<StageRecord>,
    ) -> Result<Self, Refusal> {
        let folder = folder(state);
        match fs::DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => sync_folder(state.path()).inspect_err(|_| remove_empty(&folder))?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Refusal::writing(folder.display().to_string(), &error)),
        }
        let number = numbers(state)?.last().map_or(1, |last| last + 1);
        let root = KnownFolder::new(target.path(), &node_of(target)?);
        let document = Document::new(root, bundle, manifest, stages);
        let journal = Self { path: folder.join(format!("{number:06}.json")), document };
        journal.write().inspect_err(|_| {
            // It may be there and not be synced. Nothing was made that it would have to tell of.
            let _ = fs::remove_file(&journal.path);
            remove_empty(&folder);
        })?;
        Ok(journal)
    }

    /// Every journal that is left, oldest first.
    pub(crate) fn pending(state: &StateFolder) -> Result<Vec<Self>, Refusal> {
        let numbers = numbers(state)?;
        let paths = numbers.iter().map(|number| folder(state).join(format!("{number:06}.json")));
        paths.map(Self::read).collect()
    }

    fn read(path: PathBuf) -> Result<Self, Refusal> {
        let subject = path.display().to_string();
        let damaged = |found: String| {
            Refusal::new(Code::StateUnreadable, subject.as_str(), "is damaged: nothing was done")
                .found(found)
                .hint("do not delete it: it says which files an interrupted install had in hand")
        };
        let bytes = read(&path, MAX_JOURNAL_BYTES)?.ok_or_else(|| damaged("no such file".to_owned()))?;
        let document = Document::read(&bytes).map_err(damaged)?;
        Ok(Self { path, document })
    }

    fn write(&self) -> Result<(), Refusal> {
        let bytes = self.document.render(&self.path.display().to_string(), MAX_JOURNAL_BYTES)?;
        replace(&self.path, &bytes, 0o600)
    }

    /// Says which paths are about to change.
    pub(crate) fn intend(&mut self, stages: Vec<StageRecord>, actions: Vec<Action>) -> Result<(), Refusal> {
        self.document.stages = stages;
        self.document.actions = actions;
        self.document.phase = Phase::Intent;
        self.write()
    }

    /// Says so once more, after a commit record that may or may not have reached the disk.
    pub(crate) fn intend_again(&self) -> Result<(), Refusal> {
        self.write()
    }

    /// From here on the install counts. The actions are still at hand, should this fail.
    pub(crate) fn commit(&self) -> Result<(), Refusal> {
        Self { path: self.path.clone(), document: self.document.committed() }.write()
    }

    /// Everything is taken back: only the stage folders are left to be removed.
    pub(crate) fn withdraw(&mut self) -> Result<(), Refusal> {
        self.document.actions.clear();
        self.document.phase = Phase::Staging;
        self.write()
    }

    /// Removes it, and the folder if this was the last: an install that never was leaves no trace.
    pub(crate) fn remove(&self) -> Result<(), Refusal> {
        let failed = |error: std::io::Error| Refusal::writing(self.path.display().to_string(), &error);
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let folder = self.path.parent().unwrap_or(Path::new("."));
        sync_folder(folder)?;
        remove_empty(folder);
        Ok(())
    }

    /// Refuses another target than the one that it speaks of.
    pub(crate) fn require_target(&self, target: &Target) -> Result<(), Refusal> {
        let root = &self.document.root;
        if root.path == target.path() || root.is_at(&node_of(target)?) {
            return Ok(());
        }
        Err(Refusal::new(Code::Busy, target.path(), "must wait: an install elsewhere was interrupted")
            .found(format!("an unfinished install beneath {}", root.path))
            .hint(format!("run {} first", self.resume())))
    }

    /// A stage that is not found is gone only where the folder is there that it was made in: elsewhere a
    /// file system is not mounted, and what is half installed waits on it.
    pub(crate) fn require_gone(&self, stage: &StageRecord, target: &Target) -> Result<(), Refusal> {
        if !self.document.root.is(&node_of(target)?) {
            return Err(self.not_mounted(target.path()));
        }
        for folder in &stage.folders {
            if target.look(&folder.path)?.is_some_and(|node| folder.is(&node)) {
                return Ok(());
            }
        }
        let above = stage.folders.first().map_or("/", |folder| &folder.path);
        Err(self.not_mounted(&format!("{}{above}", target.path().trim_end_matches('/'))))
    }

    fn not_mounted(&self, folder: &str) -> Refusal {
        let journal = self.path.display();
        Refusal::new(Code::UnsafeTarget, folder, "is not the folder of the install that was interrupted")
            .expected(format!("the folder that {journal} tells of"))
            .found("another folder, or none: its file system is not mounted, or it was replaced")
            .hint(format!(
                "mount the target, then run {}; only if it is gone for good, move the journal away",
                self.resume()
            ))
    }

    fn resume(&self) -> String {
        format!("`verifier install --resume --root {}`", self.document.root.path)
    }

    pub(crate) const fn phase(&self) -> Phase {
        self.document.phase
    }

    pub(crate) const fn bundle(&self) -> &Identity {
        &self.document.bundle
    }

    pub(crate) const fn manifest(&self) -> Sha256Digest {
        self.document.manifest
    }

    pub(crate) fn stages(&self) -> &[StageRecord] {
        &self.document.stages
    }

    pub(crate) fn actions(&self) -> &[Action] {
        &self.document.actions
    }
}

/// A name that nobody can have taken or can foresee.
pub(crate) fn stage_names(disks: usize) -> Result<Vec<String>, Refusal> {
    let mut random = [0; ID_DIGITS / 2];
    getrandom::fill(&mut random).map_err(|error| {
        Refusal::new(Code::IoError, "stage folder", "cannot be given a random name").found(error)
    })?;
    let id = manifests::digest::hex(&random);
    Ok((0..disks).map(|disk| format!("{STAGE_PREFIX}{id}-{disk}")).collect())
}

/// Removes parts of state files that a crash left.
pub(crate) fn sweep(state: &StateFolder) -> Result<(), Refusal> {
    let folder = folder(state);
    let mut parts = vec![state.path().join("ledger.part")];
    parts.extend(listing(&folder)?.into_iter().filter(|path| path.extension().is_some_and(|e| e == "part")));
    for part in parts {
        match fs::remove_file(&part) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(Refusal::writing(part.display().to_string(), &error));
            }
            _ => {}
        }
    }
    remove_empty(&folder);
    Ok(())
}

fn node_of(target: &Target) -> Result<Node, Refusal> {
    Node::of(target.handle()).map_err(|errno| refused(target.path(), errno))
}

fn folder(state: &StateFolder) -> PathBuf {
    state.path().join("journal")
}

fn numbers(state: &StateFolder) -> Result<Vec<u32>, Refusal> {
    let mut numbers = Vec::new();
    for path in listing(&folder(state))? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".part") {
            continue;
        }
        let number = name.strip_suffix(".json").filter(|digits| digits.len() >= 6).map(str::parse);
        let Some(Ok(number)) = number else {
            return Err(Refusal::new(
                Code::StateUnreadable,
                path.display().to_string(),
                "is no journal, yet lies among them",
            ));
        };
        numbers.push(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn listing(folder: &Path) -> Result<Vec<PathBuf>, Refusal> {
    let unreadable = |error: &std::io::Error| {
        Refusal::new(Code::StateUnreadable, folder.display().to_string(), "cannot be read").found(error)
    };
    match fs::read_dir(folder) {
        Ok(items) => items.map(|item| Ok(item.map_err(|error| unreadable(&error))?.path())).collect(),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(unreadable(&error)),
    }
}

fn sync_folder(folder: &Path) -> Result<(), Refusal> {
    fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| Refusal::writing(folder.display().to_string(), &error))
}

/// Removes the journals' folder when it is empty; when it is not, that is no error.
fn remove_empty(folder: &Path) {
    let _ = fs::remove_dir(folder);
}
