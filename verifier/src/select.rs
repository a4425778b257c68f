// SPDX-License-Identifier: Apache-2.0
//! Which of a bundle's items a host installs: by component, by partition, by platform.
//!
//! In: a manifest, what was asked for, the host. Out: [`Chosen`]. Refused: names that the bundle does not know,
//! a component of which not exactly one alternative is for this host, and what this version cannot install.

use std::collections::{BTreeMap, BTreeSet};

use manifests::bundle::{
    Artifact, Check, FileInstall, InstallMode, Manifest, Owner, Predicate, Tree, TrustPolicy, TrustStore,
};
use manifests::name::{InstallPath, Name};

use crate::error::{Code, Refusal};
use crate::host::{Host, matches};
use crate::nearest::nearest;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// These components and no others; the default ones, where empty.
    pub only: Vec<Name>,
    /// Not these components.
    pub except: Vec<Name>,
    /// What is tied to one of these partitions, too.
    pub partitions: Vec<Name>,
}

/// What is installed. What is only carried is not among it.
#[derive(Debug)]
pub struct Chosen<'m> {
    /// Artifacts that are laid down as files, in the manifest's order.
    pub files: Vec<ChosenFile<'m>>,
    /// Trees, in the manifest's order.
    pub trees: Vec<&'m Tree>,
}

/// An artifact that is laid down as a file.
#[derive(Debug)]
pub struct ChosenFile<'m> {
    /// Which.
    pub artifact: &'m Artifact,
    /// Where.
    pub path: &'m InstallPath,
    /// With which permissions.
    pub mode: InstallMode,
    /// Whose.
    pub owner: Option<&'m Owner>,
}

/// Every partition that something in a bundle is tied to.
pub fn partitions(predicate: &Predicate) -> BTreeSet<&Name> {
    let artifacts = predicate.artifacts.iter().map(|artifact| &artifact.partition);
    let stores = predicate.trust_stores.iter().map(|store| &store.partition);
    let policies = predicate.trust_policies.iter().map(|policy| &policy.partition);
    let checks = predicate.checks.iter().map(|check| &check.partition);
    artifacts.chain(stores).chain(policies).chain(checks).flatten().collect()
}

impl Selection {
    /// What a host installs of a bundle.
    pub fn choose<'m>(&self, manifest: &'m Manifest, host: &Host) -> Result<Chosen<'m>, Refusal> {
        let predicate = manifest.predicate();
        let components = self.components(predicate)?;
        self.require_partitions(predicate)?;
        self.require_what_was_named(predicate)?;
        let is_chosen = |own: &Option<Name>, name| components.contains(own.as_ref().unwrap_or(name));
        let asked = predicate.artifacts.iter().filter(|artifact| {
            is_chosen(&artifact.component, &artifact.name) && self.has(artifact.partition.as_ref())
        });
        let artifacts = for_host(asked, host)?;
        let checks = predicate.checks.iter().filter(|check| {
            self.has(check.partition.as_ref())
                && check.component.as_ref().is_none_or(|component| components.contains(component))
                && check.platform.is_none_or(|platform| matches(&platform, host))
        });
        let files = Wanted {
            artifacts,
            stores: predicate.trust_stores.iter().filter(|it| self.has(it.partition.as_ref())).collect(),
            policies: predicate.trust_policies.iter().filter(|it| self.has(it.partition.as_ref())).collect(),
            checks: checks.collect(),
        }
        .files(manifest)?;
        let trees = predicate.trees.iter().filter(|tree| is_chosen(&tree.component, &tree.name)).collect();
        Ok(Chosen { files, trees })
    }

    /// The partitions that something is tied to and nobody has chosen.
    pub fn left_out<'m>(&self, manifest: &'m Manifest) -> Vec<&'m Name> {
        partitions(manifest.predicate()).into_iter().filter(|it| !self.partitions.contains(it)).collect()
    }

    /// Whether what is tied to this partition, or to none, is installed.
    fn has(&self, partition: Option<&Name>) -> bool {
        partition.is_none_or(|partition| self.partitions.contains(partition))
    }

    fn components<'m>(&self, predicate: &'m Predicate) -> Result<BTreeSet<&'m Name>, Refusal> {
        let mut known: BTreeMap<&Name, bool> =
            predicate.components.iter().map(|component| (&component.name, component.default)).collect();
        let artifacts = predicate.artifacts.iter().map(|item| (&item.name, &item.component));
        let trees = predicate.trees.iter().map(|item| (&item.name, &item.component));
        // What belongs to no component is one by itself, and nobody has said to leave it out.
        known.extend(artifacts.chain(trees).filter(|(_, of)| of.is_none()).map(|(name, _)| (name, true)));
        if let Some(unknown) = self.only.iter().chain(&self.except).find(|name| !known.contains_key(*name)) {
            let hint = "choose among these with --only and --except";
            return Err(unknown_name(unknown, "is no component of this bundle", known.keys(), hint));
        }
        let wanted = |name: &Name, default: bool| {
            let asked = if self.only.is_empty() { default } else { self.only.contains(name) };
            asked && !self.except.contains(name)
        };
        Ok(known.into_iter().filter(|(name, default)| wanted(name, *default)).map(|(name, _)| name).collect())
    }

    /// Refuses a component that was asked for by name and of which nothing would be installed, since all of it waits for
    /// a partition that nobody chose.
    fn require_what_was_named(&self, predicate: &Predicate) -> Result<(), Refusal> {
        for name in &self.only {
            let own = |of: &Option<Name>, item: &Name| of.as_ref().unwrap_or(item) == name;
            let mut artifacts =
                predicate.artifacts.iter().filter(|it| own(&it.component, &it.name)).peekable();
            let trees = predicate.trees.iter().any(|it| own(&it.component, &it.name));
            let waits = artifacts.peek().is_some() && artifacts.all(|it| !self.has(it.partition.as_ref()));
            if waits && !trees {
                let partitions: Vec<&str> = partitions(predicate).into_iter().map(Name::as_str).collect();
                return Err(Refusal::new(
                    Code::Usage,
                    name.as_str(),
                    "is tied to a partition that was not chosen",
                )
                .expected(format!("--partition, one of {}", partitions.join(", ")))
                .hint("choose its partition, or do not name it"));
            }
        }
        Ok(())
    }

    fn require_partitions(&self, predicate: &Predicate) -> Result<(), Refusal> {
        let known = partitions(predicate);
        match self.partitions.iter().find(|name| !known.contains(name)) {
            None => Ok(()),
            Some(unknown) if known.is_empty() => {
                Err(Refusal::new(Code::Usage, unknown.as_str(), "is no partition of this bundle")
                    .expected("no --partition: nothing in this bundle is tied to one")
                    .hint("leave --partition out"))
            }
            Some(unknown) => {
                let hint = "choose among these with --partition";
                Err(unknown_name(
                    unknown,
                    "is a partition that nothing in this bundle is tied to",
                    &known,
                    hint,
                ))
            }
        }
    }
}

fn unknown_name<'n>(
    name: &Name,
    what: &str,
    known: impl IntoIterator<Item = &'n &'n Name>,
    hint: &str,
) -> Refusal {
    let names: Vec<&str> = known.into_iter().map(|name| name.as_str()).collect();
    let near = nearest(name.as_str(), names.iter().copied());
    Refusal::new(Code::Usage, name.as_str(), what)
        .expected(format!("one of {}", names.join(", ")))
        .hint(near.map_or_else(|| hint.to_owned(), |near| format!("did you mean `{near}`?")))
}

/// Of each component's alternatives the one that is for this host, and all that is for every host.
fn for_host<'m>(
    artifacts: impl Iterator<Item = &'m Artifact>,
    host: &Host,
) -> Result<Vec<&'m Artifact>, Refusal> {
    let mut alternatives: BTreeMap<&Name, Vec<&Artifact>> = BTreeMap::new();
    let mut chosen = Vec::new();
    for artifact in artifacts {
        let is_for_host = artifact.platform.is_none_or(|platform| matches(&platform, host));
        if artifact.platform.is_some() {
            let component = artifact.component.as_ref().unwrap_or(&artifact.name);
            alternatives.entry(component).or_default().push(artifact);
        }
        if is_for_host {
            chosen.push(artifact);
        }
    }
    for (component, all) in alternatives {
        let fit: Vec<&Artifact> = all
            .iter()
            .copied()
            .filter(|it| it.platform.is_some_and(|platform| matches(&platform, host)))
            .collect();
        match fit.as_slice() {
            [_] => {}
            [] => {
                return Err(Refusal::new(
                    Code::NoAlternative,
                    component.as_str(),
                    "is a component of which nothing is for this host",
                )
                .expected(format!("one artifact for {}", host.describe()))
                .found(with_platforms(&all))
                .hint(format!("leave it out with --except {component}, or ask the sender for one")));
            }
            several => {
                return Err(Refusal::new(
                    Code::AmbiguousAlternative,
                    component.as_str(),
                    "is a component of which more than one artifact is for this host",
                )
                .expected(format!("exactly one for {}", host.describe()))
                .found(with_platforms(several)));
            }
        }
    }
    Ok(chosen)
}

/// `notation-rpm (linux/amd64 rpm), notation-deb (linux/amd64 deb)`.
fn with_platforms(artifacts: &[&Artifact]) -> String {
    let each = |artifact: &&Artifact| {
        let platform = artifact.platform.unwrap_or_default().describe();
        format!("{} ({platform})", artifact.name)
    };
    artifacts.iter().map(each).collect::<Vec<_>>().join(", ")
}

/// All that would be installed here, whether this version can or not.
struct Wanted<'m> {
    artifacts: Vec<&'m Artifact>,
    stores: Vec<&'m TrustStore>,
    policies: Vec<&'m TrustPolicy>,
    checks: Vec<&'m Check>,
}

impl<'m> Wanted<'m> {
    /// The artifacts as files. Whatever is to be installed in another way is refused, all of it at once.
    fn files(self, manifest: &Manifest) -> Result<Vec<ChosenFile<'m>>, Refusal> {
        let mut files = Vec::new();
        let mut unable = Vec::new();
        for artifact in self.artifacts {
            match &artifact.install {
                None => {}
                Some(FileInstall::File { path, mode, owner }) => {
                    files.push(ChosenFile { artifact, path, mode: *mode, owner: owner.as_ref() });
                }
                Some(other) => unable.push(format!("artifact {} (`{}`)", artifact.name, other.word())),
            }
        }
        let store = |it: &&TrustStore| format!("trust store {}:{}", it.store_type.as_str(), it.name);
        unable.extend(self.stores.iter().map(store));
        unable.extend(self.policies.iter().map(|policy| format!("trust policy {}", policy.name)));
        unable.extend(self.checks.iter().map(|check| format!("check \"{}\"", check.name)));
        if unable.is_empty() {
            return Ok(files);
        }
        let bundle = manifest.bundle().name.as_str();
        Err(Refusal::new(Code::VerifierTooOld, bundle, "has what this version cannot install yet")
            .expected("files (`file`) and folders (`directory`) alone")
            .found(unable.join(", "))
            .hint(
                "upgrade verifier on this host; or leave out components with --except, and partitions by not choosing \
                 them",
            ))
    }
}
