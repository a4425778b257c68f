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

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use manifests::bundle::Identity;
use manifests::digest::Sha256Digest;
use manifests::json;
use manifests::name::InstallPath;
use serde::{Deserialize, Serialize};

use crate::error::{Code, Refusal};
use crate::plan::{Kind, STAGE_PREFIX};
use crate::target::{Node, Target, refused};
use crate::trust::state::{StateFolder, read, replace};

/// `type` of a journal.
const JOURNAL_DOCUMENT: &str = "sealift-journal/1";
/// The longest journal, in bytes: 200,000 paths of 1,000 bytes, and their numbers.
const MAX_JOURNAL_BYTES: usize = 256 * 1024 * 1024;
/// Digits of a stage folder's random part.
const ID_DIGITS: usize = 16;

/// How far an install came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Phase {
    Staging,
    Intent,
    Committed,
}

/// A folder that holds proven bytes on a file system of the target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StageRecord {
    /// `.sealift-stage-…`.
    pub(crate) name: String,
    /// The folders in which it may lie; in the intent, the one in which it does.
    pub(crate) folders: Vec<String>,
}

/// What names a file for as long as it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Inode {
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

impl Inode {
    pub(crate) const fn of(node: &Node) -> Self {
        Self { device: node.place.device(), inode: node.inode }
    }

    /// Whether this is the one: by its number, on the file system that the caller looked at.
    pub(crate) const fn is(&self, node: &Node) -> bool {
        self.inode == node.inode
    }
}

/// One path that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Action {
    pub(crate) path: InstallPath,
    pub(crate) kind: Kind,
    /// Index of the stage folder.
    pub(crate) stage: usize,
    /// Its name there.
    pub(crate) slot: usize,
    pub(crate) new: Inode,
    /// What it replaces.
    pub(crate) old: Option<Inode>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Root {
    path: String,
    device: u64,
    inode: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "type")]
    document_type: String,
    phase: Phase,
    root: Root,
    bundle: Identity,
    manifest: Sha256Digest,
    stages: Vec<StageRecord>,
    actions: Vec<Action>,
}

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
        let root = Node::of(target.handle()).map_err(|errno| refused(target.path(), errno))?;
        let number = numbers(state)?.last().map_or(1, |last| last + 1);
        let document = Document {
            document_type: JOURNAL_DOCUMENT.to_owned(),
            phase: Phase::Staging,
            root: Root { path: target.path().to_owned(), device: root.place.device(), inode: root.inode },
            bundle: bundle.clone(),
            manifest,
            stages,
            actions: Vec::new(),
        };
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
        let document: Document =
            json::read(&bytes, MAX_JOURNAL_BYTES).map_err(|error| damaged(error.to_string()))?;
        document.check().map_err(|wrong| damaged(wrong.to_owned()))?;
        Ok(Self { path, document })
    }

    fn write(&self) -> Result<(), Refusal> {
        let subject = self.path.display().to_string();
        let bytes = serde_json::to_vec(&self.document)
            .map_err(|error| Refusal::new(Code::IoError, subject, "cannot be rendered").found(error))?;
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
        let document = Document { phase: Phase::Committed, actions: Vec::new(), ..self.document.clone() };
        Self { path: self.path.clone(), document }.write()
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
        let here = Node::of(target.handle()).map_err(|errno| refused(target.path(), errno))?;
        let root = &self.document.root;
        if root.path == target.path() || (root.device, root.inode) == (here.place.device(), here.inode) {
            return Ok(());
        }
        Err(Refusal::new(Code::Busy, target.path(), "must wait: an install elsewhere was interrupted")
            .found(format!("an unfinished install beneath {}", root.path))
            .hint(format!("run `verifier install --resume --root {}` first", root.path)))
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

impl Document {
    /// What is wrong. A journal says what to remove as root, so nothing in it is taken on trust.
    fn check(&self) -> Result<(), &'static str> {
        if self.document_type != JOURNAL_DOCUMENT {
            return Err("it is of another type");
        }
        if (self.phase == Phase::Intent) == self.actions.is_empty() {
            return Err("its phase does not go with its actions");
        }
        for stage in &self.stages {
            let id = stage.name.strip_prefix(STAGE_PREFIX).unwrap_or_default();
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
            let named = id
                .split_once('-')
                .is_some_and(|(id, disk)| id.len() == ID_DIGITS && digits(id) && digits(disk));
            let placed = stage.folders.iter().all(|folder| folder == "/" || InstallPath::new(folder).is_ok());
            if !named || !placed || stage.folders.is_empty() {
                return Err("it names a stage folder that is none");
            }
        }
        let one_folder = self.stages.iter().all(|stage| stage.folders.len() == 1);
        if self.phase == Phase::Intent && !one_folder {
            return Err("its intent does not say where the stage is");
        }
        if self.actions.iter().any(|action| action.stage >= self.stages.len()) {
            return Err("an action names a stage that is not listed");
        }
        Ok(())
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
