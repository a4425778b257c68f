// SPDX-License-Identifier: Apache-2.0
//! What a journal says, as JSON (docs/formats/state.md §5).

use manifests::bundle::Identity;
use manifests::digest::Sha256Digest;
use manifests::json;
use manifests::name::{InstallPath, STAGE_PREFIX};
use serde::{Deserialize, Serialize};

use crate::error::{Code, Refusal};
use crate::plan::Kind;
use crate::target::{KnownFolder, Node};

/// `type` of a journal.
const JOURNAL_DOCUMENT: &str = "sealift-journal/1";
/// The longest journal, in bytes: 200,000 paths of 1,000 bytes, and their numbers.
pub(super) const MAX_JOURNAL_BYTES: usize = 256 * 1024 * 1024;
/// Digits of a stage folder's random part.
pub(super) const ID_DIGITS: usize = 16;

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
    pub(crate) folders: Vec<KnownFolder>,
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
pub(super) struct Document {
    #[serde(rename = "type")]
    document_type: String,
    pub(super) phase: Phase,
    pub(super) root: KnownFolder,
    pub(super) bundle: Identity,
    pub(super) manifest: Sha256Digest,
    pub(super) stages: Vec<StageRecord>,
    pub(super) actions: Vec<Action>,
}

impl Document {
    /// What is said before anything is done.
    pub(super) fn new(
        root: KnownFolder,
        bundle: &Identity,
        manifest: Sha256Digest,
        stages: Vec<StageRecord>,
    ) -> Self {
        Self {
            document_type: JOURNAL_DOCUMENT.to_owned(),
            phase: Phase::Staging,
            root,
            bundle: bundle.clone(),
            manifest,
            stages,
            actions: Vec::new(),
        }
    }

    /// What is said once the install counts.
    pub(super) fn committed(&self) -> Self {
        let said = Self::new(self.root.clone(), &self.bundle, self.manifest, self.stages.clone());
        Self { phase: Phase::Committed, ..said }
    }

    /// Reads what `render` wrote; else what is wrong with it.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let document: Self = json::read(bytes, MAX_JOURNAL_BYTES).map_err(|error| error.to_string())?;
        document.check()?;
        Ok(document)
    }

    /// The bytes of the file named `subject`; refused where they are more than the next run would read.
    pub(super) fn render(&self, subject: &str, limit: usize) -> Result<Vec<u8>, Refusal> {
        let bytes = serde_json::to_vec(self)
            .map_err(|error| Refusal::new(Code::IoError, subject, "cannot be rendered").found(error))?;
        if bytes.len() > limit {
            return Err(Refusal::new(Code::LimitExceeded, subject, "would be too long: nothing was changed")
                .expected(format!("at most {limit} bytes"))
                .found(format!("{} bytes for {} paths", bytes.len(), self.actions.len()))
                .hint("install it in parts with `--only`, or ask the sender for smaller bundles"));
        }
        Ok(bytes)
    }

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
            let placed = stage
                .folders
                .iter()
                .all(|folder| folder.path == "/" || InstallPath::new(&folder.path).is_ok());
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

#[cfg(test)]
mod tests {
    use super::*;
    use manifests::bundle::Profile;
    use manifests::name::{BundleName, BundleVersion};
    use manifests::sequence::Sequence;
    use manifests::time::Timestamp;

    #[test]
    fn a_journal_that_the_next_run_would_not_read_is_not_written() {
        let bundle = Identity {
            name: BundleName::new("app").unwrap(),
            version: BundleVersion::new("1").unwrap(),
            sequence: Sequence::new(1).unwrap(),
            created: Timestamp::EPOCH,
            expires: None,
            audience: None,
            profile: Profile::Standard,
        };
        let root = KnownFolder::new("/", &Node::of(std::fs::File::open("/").unwrap()).unwrap());
        let document = Document::new(root, &bundle, crate::hash::sha256::digest(b""), Vec::new());
        let bytes = document.render("000001.json", MAX_JOURNAL_BYTES).unwrap();
        assert_eq!(Document::read(&bytes).unwrap(), document);
        assert_eq!(document.render("000001.json", bytes.len()).unwrap(), bytes);
        let refusal = document.render("000001.json", bytes.len() - 1).unwrap_err();
        assert_eq!(refusal.code, Code::LimitExceeded, "{refusal}");
    }
}
