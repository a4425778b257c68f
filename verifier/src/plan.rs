// SPDX-License-Identifier: Apache-2.0
//! What an install would do, path by path: create, replace, or nothing.
//!
//! In: a manifest, what is asked for, the target. Out: a [`Plan`]. Nothing is written.
//! Refused: two things at one path, and anything on the target that is not what it must be.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use manifests::bundle::{File, Inside, Manifest, Payload, Tree, TreeInstall};
use manifests::digest::Sha256Digest;
use manifests::name::{Name, is_reserved};
use rustix::fs::FileType;
use serde::{Deserialize, Serialize};

use crate::error::{Code, Refusal};
use crate::hash::Kernel;
use crate::hash::sha256::Midstate;
use crate::host::Host;
use crate::select::{ChosenFile, Selection};
use crate::target::{
    Ids, KnownFolder, Node, Passwd, Place, Target, installing_user, refused, split, unsafe_target,
};

/// Folders that are made on the way, and those of a tree.
pub(crate) const FOLDER_MODE: u32 = 0o755;
/// Bytes read at a time while a file on the target is compared.
const COMPARE_BYTES: usize = 1024 * 1024;

/// What becomes, or became, of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Nothing was there.
    Created,
    /// Something else of the same kind was there.
    Replaced,
    /// It was there already, identical.
    Unchanged,
}

/// What lies at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A regular file.
    File,
    /// A symbolic link.
    Link,
    /// A folder.
    Folder,
}

/// One path of an install.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Where, absolute on the target.
    pub path: String,
    /// The artifact or tree that it belongs to.
    pub item: Name,
    /// What lies there.
    pub kind: Kind,
    /// What becomes, or became, of it.
    pub outcome: Outcome,
}

/// What an install does.
pub struct Plan {
    /// Every path, a folder before what lies in it.
    pub(crate) placements: Vec<Placement>,
    /// The file systems that they lie on.
    pub(crate) disks: Vec<Disk>,
}

/// Something at a path.
pub(crate) struct Placement {
    pub(crate) path: String,
    pub(crate) item: Name,
    pub(crate) content: Content,
    pub(crate) owner: Ids,
    /// What is there now.
    pub(crate) found: Option<Node>,
    pub(crate) outcome: Outcome,
    /// Index of its file system.
    pub(crate) disk: usize,
}

/// What is to be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    File { entry: usize, size: u64, digest: Sha256Digest, mode: u32 },
    Link { target: String },
    Folder,
}

/// A file system that something is installed on.
pub(crate) struct Disk {
    pub(crate) place: Place,
    /// Folders on it that exist, topmost first: where a stage may lie.
    pub(crate) folders: Vec<KnownFolder>,
}

impl Plan {
    /// What would happen. Folders that are there already are left out.
    pub fn changes(&self) -> impl Iterator<Item = Change> + '_ {
        let shown = |placement: &&Placement| {
            placement.outcome != Outcome::Unchanged || placement.content != Content::Folder
        };
        self.placements.iter().filter(shown).map(Placement::change)
    }
}

impl Placement {
    pub(crate) fn change(&self) -> Change {
        let kind = match self.content {
            Content::File { .. } => Kind::File,
            Content::Link { .. } => Kind::Link,
            Content::Folder => Kind::Folder,
        };
        Change { path: self.path.clone(), item: self.item.clone(), kind, outcome: self.outcome }
    }

    pub(crate) const fn bytes(&self) -> u64 {
        match (&self.content, self.outcome) {
            (Content::File { size, .. }, Outcome::Created | Outcome::Replaced) => *size,
            _ => 0,
        }
    }
}

/// Says what an install of what is asked for would do.
pub fn plan(manifest: &Manifest, selection: &Selection, target: &Target) -> Result<Plan, Refusal> {
    let chosen = selection.choose(manifest, &Host::of(target)?)?;
    let files: Vec<(&File, Sha256Digest)> = manifest.files().collect();
    let mut wanted = Wanted { target, files, passwd: Passwd::default(), paths: BTreeMap::new() };
    let entries: HashMap<&str, usize> =
        manifest.files().enumerate().map(|(entry, (file, _))| (file.path.as_str(), entry)).collect();
    for file in &chosen.files {
        wanted.file(file, &entries)?;
    }
    let payload = Payload::new(&manifest.predicate().files);
    for tree in chosen.trees {
        wanted.tree(tree, &payload)?;
    }
    survey(wanted.paths, target)
}

/// What is to lie where, a folder before what lies in it.
struct Wanted<'a> {
    target: &'a Target,
    files: Vec<(&'a File, Sha256Digest)>,
    passwd: Passwd,
    paths: BTreeMap<String, Item>,
}

struct Item {
    name: Name,
    content: Content,
    owner: Ids,
}

impl Wanted<'_> {
    fn file(&mut self, chosen: &ChosenFile<'_>, entries: &HashMap<&str, usize>) -> Result<(), Refusal> {
        let ChosenFile { artifact, path, mode, owner } = *chosen;
        let Some(entry) = entries.get(artifact.file.as_str()).copied() else {
            return Err(Refusal::new(
                Code::ManifestMalformed,
                artifact.name.as_str(),
                "names no payload file",
            ));
        };
        let (file, digest) = self.files[entry];
        let owner = self.passwd.ids(owner, self.target)?;
        let content = Content::File { entry, size: file.size, digest, mode: mode.bits() };
        self.add(path.as_str(), &artifact.name, content, owner, path.as_str().len())
    }

    fn tree(&mut self, tree: &Tree, payload: &Payload<'_>) -> Result<(), Refusal> {
        let Some(TreeInstall::Directory { path, owner }) = &tree.install else { return Ok(()) };
        let owner = self.passwd.ids(owner.as_ref(), self.target)?;
        let top = path.as_str();
        let name = &tree.name;
        self.add(top, name, Content::Folder, owner, top.len())?;
        for Inside { entry, path: below } in payload.inside(&tree.directory).iter().copied() {
            let (file, digest) = self.files[entry];
            let content = Content::File { entry, size: file.size, digest, mode: file.mode.bits() };
            self.add(&format!("{top}/{below}"), name, content, owner, top.len())?;
        }
        for link in &tree.links {
            let content = Content::Link { target: link.target.clone() };
            self.add(&format!("{top}/{}", link.path), name, content, owner, top.len())?;
        }
        for folder in &tree.empty_directories {
            self.add(&format!("{top}/{folder}"), name, Content::Folder, owner, top.len())?;
        }
        Ok(())
    }

    /// Adds a path and the folders above it; those from length `top` on belong to `owner`.
    fn add(
        &mut self,
        path: &str,
        name: &Name,
        content: Content,
        owner: Ids,
        top: usize,
    ) -> Result<(), Refusal> {
        if path.split('/').any(is_reserved) || self.target.is_own(path) {
            return Err(Refusal::new(Code::UnsafeName, path, "is a place that the verifier itself uses")
                .expected("a path outside this host's state")
                .found("one in it"));
        }
        for (at, _) in path.match_indices('/').skip(1) {
            let owner = if at >= top { owner } else { installing_user() };
            self.enter(&path[..at], name, Content::Folder, owner)?;
        }
        self.enter(path, name, content, owner)
    }

    fn enter(&mut self, path: &str, name: &Name, content: Content, owner: Ids) -> Result<(), Refusal> {
        match self.paths.get(path) {
            None => {
                self.paths.insert(path.to_owned(), Item { name: name.clone(), content, owner });
                Ok(())
            }
            Some(there) if there.content == Content::Folder && content == Content::Folder => Ok(()),
            Some(there) => {
                Err(Refusal::new(Code::ManifestMalformed, path, "is where two things would be installed")
                    .expected("one thing at a path, and only folders above others")
                    .found(format!("{} and {name}", there.name)))
            }
        }
    }
}

/// Compares what is wanted with what is there.
fn survey(wanted: BTreeMap<String, Item>, target: &Target) -> Result<Plan, Refusal> {
    let root = Node::of(target.handle()).map_err(|errno| refused("/", errno))?;
    let mut disks = vec![Disk { place: root.place, folders: vec![KnownFolder::new("/", &root)] }];
    // Per folder: its file system, and whether it is there.
    let mut folders: HashMap<String, (usize, bool)> = HashMap::from([("/".to_owned(), (0, true))]);
    let mut placements = Vec::with_capacity(wanted.len());
    let mut buffer = Vec::new();
    for (path, Item { name, content, owner }) in wanted {
        let (mut disk, above) = folders.get(split(&path).0).copied().unwrap_or((0, true));
        let found = if above { target.look(&path)? } else { None };
        let outcome = compare(&path, &content, owner, found.as_ref(), target, &mut buffer)?;
        if content == Content::Folder {
            if let Some(node) = found {
                disk = enter_disk(&mut disks, &node, &path);
            }
            folders.insert(path.clone(), (disk, found.is_some()));
        }
        placements.push(Placement { path, item: name, content, owner, found, outcome, disk });
    }
    Ok(Plan { placements, disks })
}

fn enter_disk(disks: &mut Vec<Disk>, node: &Node, path: &str) -> usize {
    /// Where a stage may lie besides the topmost folder, for users who may not write there.
    const MOST_FOLDERS: usize = 16;
    if let Some(at) = disks.iter().position(|disk| disk.place == node.place) {
        if disks[at].folders.len() < MOST_FOLDERS {
            disks[at].folders.push(KnownFolder::new(path, node));
        }
        return at;
    }
    disks.push(Disk { place: node.place, folders: vec![KnownFolder::new(path, node)] });
    disks.len() - 1
}

fn compare(
    path: &str,
    content: &Content,
    owner: Ids,
    found: Option<&Node>,
    target: &Target,
    buffer: &mut Vec<u8>,
) -> Result<Outcome, Refusal> {
    let Some(node) = found else { return Ok(Outcome::Created) };
    let (kind, expected) = match content {
        Content::File { .. } => (FileType::RegularFile, "a file, or nothing"),
        Content::Link { .. } => (FileType::Symlink, "a symbolic link, or nothing"),
        Content::Folder => (FileType::Directory, "a folder, or nothing"),
    };
    if node.kind != kind {
        return Err(unsafe_target(path, expected, node.describe()));
    }
    let owned = (node.uid, node.gid) == (owner.uid, owner.gid);
    let same = match content {
        // A folder that is there is somebody's: neither mode nor owner is touched.
        Content::Folder => true,
        Content::Link { target: text } => owned && target.link(path)?.as_ref() == Some(text),
        Content::File { size, digest, mode, .. } => {
            owned && node.size == *size && node.mode == *mode && holds(path, node, *digest, target, buffer)?
        }
    };
    Ok(if same { Outcome::Unchanged } else { Outcome::Replaced })
}

/// Whether a file on the target has this digest; one that cannot be read counts as another.
fn holds(
    path: &str,
    node: &Node,
    digest: Sha256Digest,
    target: &Target,
    buffer: &mut Vec<u8>,
) -> Result<bool, Refusal> {
    let mut file = match target.file(path) {
        Ok(Some(file)) => file,
        Ok(None) => return Ok(false),
        Err(refusal) if refusal.code == Code::Permission => return Ok(false),
        Err(refusal) => return Err(refusal),
    };
    buffer.resize(COMPARE_BYTES, 0);
    let kernel = Kernel::detect();
    let mut state = Midstate::EMPTY;
    loop {
        match file.read(buffer) {
            Ok(0) => break,
            Ok(count) => state.update(kernel, &buffer[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return Ok(false),
        }
    }
    // The same file, not changed since: what was read is what was looked at.
    let after = Node::of(&file).map_err(|errno| refused(path, errno))?;
    Ok(after == *node && state.digest() == digest)
}
