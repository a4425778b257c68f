// SPDX-License-Identifier: Apache-2.0
//! What must hold between the parts of a manifest (`docs/formats/manifest.md` §3).

pub(super) mod conditions;

use std::collections::{BTreeSet, HashMap};

use serde::Deserialize;

use self::conditions::platform_fault;
use super::error::ManifestError;
use super::payload::{Inside, Payload};
use super::{
    BUNDLE_TYPE, Demand, EvidenceDemand, Identity, MAX_CHAINS_BYTES, MAX_FILES, Predicate, SIZE_LIMIT, Tree,
    chaining_values, targets,
};
use crate::digest::SHA256_BYTES;
use crate::json::Scanned;
use crate::name::{InstallPath, Name, NameError, PathSet, PortablePath};
use crate::size::wide;
use crate::statement::{STATEMENT_V1, Statement};
use crate::time::Timestamp;

/// ustar holds a modification time in eleven octal digits: until the year 2242.
const LAST_CREATED: Option<Timestamp> = Timestamp::from_seconds(0o77_777_777_777);
/// Longest text for people, in bytes: a reason fits on a screen.
pub const MAX_TEXT_BYTES: usize = 1_000;

fn inconsistent<T>(at: impl Into<String>, wrong: &'static str) -> Result<T, ManifestError> {
    Err(ManifestError::Inconsistent { at: at.into(), wrong })
}

/// The first path that breaks a rule in a document that could not be read: a reader's own error is only
/// text, and a name that could harm a host deserves its own word.
pub(super) fn unsafe_name(document: Scanned<'_>) -> Option<NameError> {
    #[derive(Deserialize)]
    struct Statement {
        predicate: Predicate,
    }
    #[derive(Deserialize)]
    struct Predicate {
        files: Vec<At>,
        artifacts: Vec<Item>,
        trees: Vec<Item>,
    }
    #[derive(Deserialize)]
    struct Item {
        install: Option<Install>,
    }
    #[derive(Deserialize)]
    struct Install {
        path: Option<String>,
    }
    #[derive(Deserialize)]
    struct At {
        path: String,
    }
    let Predicate { files, artifacts, trees } = document.read_part::<Statement>().ok()?.predicate;
    let installs = artifacts.into_iter().chain(trees).filter_map(|item| item.install?.path);
    let in_bundle = files.iter().find_map(|file| PortablePath::new(&file.path).err());
    in_bundle.or_else(|| installs.into_iter().find_map(|install| InstallPath::new(&install).err()))
}

pub(super) fn check(statement: &Statement<Predicate>) -> Result<(), ManifestError> {
    if statement.statement_type != STATEMENT_V1 {
        return inconsistent("_type", "is not that of an in-toto Statement v1");
    }
    if statement.predicate_type != BUNDLE_TYPE {
        return inconsistent("predicateType", "is not that of a bundle");
    }
    let predicate = &statement.predicate;
    identity(&predicate.bundle)?;
    files(statement)?;
    chains(predicate)?;
    Claims::of(predicate)?
        .signers(predicate)?
        .artifacts(predicate)?
        .trees(predicate)?
        .trust_stores(predicate)?
        .trust_policies(predicate)?
        .checks(predicate)?
        .nothing_left(predicate)?;
    targets::check(predicate)
}

/// What must hold within `bundle`; `at` is `bundle.` and the member that is wrong.
pub fn identity(bundle: &Identity) -> Result<(), ManifestError> {
    if Some(bundle.created) > LAST_CREATED {
        return inconsistent("bundle.created", "is later than an archive can hold (2242)");
    }
    if bundle.expires.is_some_and(|expires| expires <= bundle.created) {
        return inconsistent("bundle.expires", "is not after `created`");
    }
    if let Some(audience) = &bundle.audience {
        let distinct: BTreeSet<_> = audience.iter().collect();
        if audience.is_empty() || distinct.len() != audience.len() {
            return inconsistent("bundle.audience", "is empty or names an enclave twice");
        }
    }
    Ok(())
}

fn files(statement: &Statement<Predicate>) -> Result<(), ManifestError> {
    let files = &statement.predicate.files;
    limit("files", wide(files.len()), wide(MAX_FILES))?;
    if statement.subject.len() != files.len() {
        return inconsistent("subject", "has another number of files than `files`");
    }
    let mut paths = PathSet::portable();
    for (file, subject) in files.iter().zip(&statement.subject) {
        if file.path != subject.name {
            return inconsistent(file.path.as_str(), "is not at the same place in `subject` and `files`");
        }
        if !file.path.as_str().starts_with("files/") {
            return inconsistent(file.path.as_str(), "does not lie under files/");
        }
        limit("size of a file in bytes", file.size, SIZE_LIMIT - 1)?;
        paths.insert(file.path.as_str())?;
    }
    Ok(())
}

fn chains(predicate: &Predicate) -> Result<(), ManifestError> {
    // At most 100,000 files of below 2⁶¹ bytes: below 2³⁹ values each, the sum fits.
    let values: u64 = predicate.files.iter().map(|file| chaining_values(file.size)).sum();
    let expected = values.saturating_mul(wide(SHA256_BYTES));
    limit("chaining values in bytes", expected, MAX_CHAINS_BYTES)?;
    if predicate.chains.size != expected {
        return Err(ManifestError::Chains { expected, found: predicate.chains.size });
    }
    Ok(())
}

fn limit(what: &'static str, found: u64, limit: u64) -> Result<(), ManifestError> {
    if found > limit { Err(ManifestError::Limit { what, found, limit }) } else { Ok(()) }
}

fn text(at: &str, text: &str) -> Result<(), ManifestError> {
    if text.trim().is_empty() || text.len() > MAX_TEXT_BYTES {
        return inconsistent(at, "has a text that is empty or longer than 1000 bytes");
    }
    Ok(())
}

/// Which payload entry serves what: every entry must serve something, or nobody could say why it is there.
struct Claims<'m> {
    position: HashMap<&'m str, usize>,
    claimed: Vec<bool>,
    names: BTreeSet<&'m Name>,
    /// Items that are a component by themselves.
    alone: BTreeSet<&'m Name>,
    installed: BTreeSet<&'m PortablePath>,
    components: BTreeSet<&'m Name>,
}

impl<'m> Claims<'m> {
    fn of(predicate: &'m Predicate) -> Result<Self, ManifestError> {
        let position =
            predicate.files.iter().enumerate().map(|(at, file)| (file.path.as_str(), at)).collect();
        let mut components = BTreeSet::new();
        for component in &predicate.components {
            if !components.insert(&component.name) {
                return inconsistent(component.name.as_str(), "is the name of two components");
            }
            if let Some(title) = &component.title {
                text(component.name.as_str(), title)?;
            }
        }
        Ok(Self {
            position,
            claimed: vec![false; predicate.files.len()],
            names: BTreeSet::new(),
            alone: BTreeSet::new(),
            installed: BTreeSet::new(),
            components,
        })
    }

    fn claim(&mut self, by: &Name, path: &PortablePath) -> Result<usize, ManifestError> {
        let Some(at) = self.position.get(path.as_str()).copied() else {
            return inconsistent(by.as_str(), "names a file that is not in `files`");
        };
        self.mark(at);
        Ok(at)
    }

    /// Notes that an entry serves something. One that is not there stays without, and is refused.
    fn mark(&mut self, at: usize) {
        if let Some(claimed) = self.claimed.get_mut(at) {
            *claimed = true;
        }
    }

    fn member(&mut self, name: &'m Name, component: Option<&'m Name>) -> Result<(), ManifestError> {
        if !self.names.insert(name) {
            return inconsistent(name.as_str(), "is the name of two artifacts or trees");
        }
        match component {
            Some(component) if !self.components.contains(component) => {
                inconsistent(name.as_str(), "belongs to a component that is not in `components`")
            }
            None if self.components.contains(name) => {
                inconsistent(name.as_str(), "has the name of a component that it does not belong to")
            }
            None => {
                self.alone.insert(name);
                Ok(())
            }
            Some(_) => Ok(()),
        }
    }

    fn signers(mut self, predicate: &'m Predicate) -> Result<Self, ManifestError> {
        for (name, signer) in &predicate.signers {
            if let Some(fault) = signer.fault() {
                return inconsistent(name.as_str(), fault);
            }
            for file in signer.files() {
                self.claim(name, file)?;
            }
        }
        Ok(self)
    }

    fn artifacts(mut self, predicate: &'m Predicate) -> Result<Self, ManifestError> {
        for artifact in &predicate.artifacts {
            self.member(&artifact.name, artifact.component.as_ref())?;
            let at = self.claim(&artifact.name, &artifact.file)?;
            if !self.installed.insert(&artifact.file) {
                return inconsistent(artifact.name.as_str(), "has the same file as another artifact");
            }
            if let Some(fault) = platform_fault(artifact) {
                return inconsistent(artifact.name.as_str(), fault);
            }
            match &artifact.demand {
                Demand::Unsigned(reason) => text(artifact.name.as_str(), reason)?,
                Demand::Vendor(demands) if demands.is_empty() => {
                    return inconsistent(artifact.name.as_str(), "demands no evidence and gives no reason");
                }
                Demand::Vendor(demands) => {
                    for demand in demands {
                        self.demand(&artifact.name, at, demand, predicate)?;
                    }
                }
            }
        }
        Ok(self)
    }

    /// What a demand of the artifact whose file is entry `at` names.
    fn demand(
        &mut self,
        artifact: &Name,
        at: usize,
        demand: &EvidenceDemand,
        predicate: &Predicate,
    ) -> Result<(), ManifestError> {
        let Some(signer) = predicate.signers.get(demand.signer()) else {
            return inconsistent(artifact.as_str(), "names a signer that is not in `signers`");
        };
        if !demand.suits(signer) {
            return inconsistent(artifact.as_str(), "demands evidence that its signer cannot give");
        }
        for file in demand.files().into_iter().chain(signer.files()) {
            if self.claim(artifact, file)? >= at {
                return inconsistent(artifact.as_str(), "comes before its own evidence");
            }
        }
        Ok(())
    }

    fn trees(mut self, predicate: &'m Predicate) -> Result<Self, ManifestError> {
        let payload = Payload::new(&predicate.files);
        for tree in &predicate.trees {
            self.member(&tree.name, tree.component.as_ref())?;
            text(tree.name.as_str(), &tree.unsigned)?;
            if tree.directory != format!("files/{}/", tree.name) {
                return inconsistent(tree.name.as_str(), "does not lie in files/NAME/");
            }
            let mut inside = PathSet::portable();
            let mut filled = BTreeSet::new();
            for Inside { entry, path } in payload.inside(&tree.directory) {
                inside.insert(path)?;
                filled.extend(folders_above(path));
                self.mark(*entry);
            }
            shape(tree, inside, filled)?;
        }
        Ok(self)
    }

    fn nothing_left(self, predicate: &'m Predicate) -> Result<(), ManifestError> {
        match predicate.files.iter().zip(&self.claimed).find(|(_, claimed)| !**claimed) {
            Some((file, _)) => inconsistent(
                file.path.as_str(),
                "belongs to no artifact, signer, tree, trust store or trust policy",
            ),
            None => Ok(()),
        }
    }
}

/// Every folder on the way to a path.
fn folders_above(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

/// The links and empty folders of a tree: beside its files, and never out of it.
fn shape<'t>(
    tree: &'t Tree,
    mut inside: PathSet,
    mut filled: BTreeSet<&'t str>,
) -> Result<(), ManifestError> {
    limit(
        "links and empty folders",
        wide(tree.links.len().saturating_add(tree.empty_directories.len())),
        wide(MAX_FILES),
    )?;
    for link in &tree.links {
        inside.insert(link.path.as_str())?;
        filled.extend(folders_above(link.path.as_str()));
        if !stays_inside(link.path.as_str(), &link.target) {
            return inconsistent(
                format!("{}{}", tree.directory, link.path),
                "is a link that leaves its tree",
            );
        }
    }
    filled.extend(tree.empty_directories.iter().flat_map(|directory| folders_above(directory.as_str())));
    let mut empty = BTreeSet::new();
    for directory in &tree.empty_directories {
        inside.insert_directory(directory.as_str())?;
        if filled.contains(directory.as_str()) || !empty.insert(directory) {
            return inconsistent(
                format!("{}{directory}", tree.directory),
                "is listed as an empty folder twice, or is not empty",
            );
        }
    }
    Ok(())
}

/// Whether a link at `path` that says `target` ends inside the tree, read component by component.
///
/// `..` stands only at the front: after another component it could pass through a second link.
pub fn stays_inside(path: &str, target: &str) -> bool {
    let up = target.split('/').take_while(|component| *component == "..").count();
    let depth = path.matches('/').count();
    let rest: Vec<&str> = target.split('/').skip(up).collect();
    let plain = rest.is_empty() && up > 0 || PortablePath::new(&rest.join("/")).is_ok();
    up <= depth && plain
}

#[cfg(test)]
mod tests {
    use super::stays_inside;

    #[test]
    fn links_end_inside_their_tree() {
        for (path, target) in
            [("latest", "1.0"), ("a/latest", "../b"), ("a/b/c", "../../d/e"), ("a/b", ".."), ("l", "a/b")]
        {
            assert!(stays_inside(path, target), "{path} -> {target}");
        }
        for (path, target) in [
            ("l", ".."),
            ("l", "../x"),
            ("a/l", "../../x"),
            ("l", "/etc"),
            ("l", ""),
            ("l", "a/../b"),
            ("l", "a//b"),
            ("l", "."),
            ("l", "a\\b"),
        ] {
            assert!(!stays_inside(path, target), "{path} -> {target}");
        }
    }
}
