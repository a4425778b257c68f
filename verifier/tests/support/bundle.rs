// SPDX-License-Identifier: Apache-2.0
//! A canonical bundle, made in memory.

use std::collections::BTreeMap;

use manifests::bundle::{
    Artifact, Authority, CHUNK_BYTES, Chains, Check, Component, Demand, EntryMode, File, FileInstall,
    Identity, InstallMode, Link, Manifest, Owner, Platform, Predicate, Profile, Reserved, StoreType, Tree,
    TreeInstall, TrustPolicy, TrustStore,
};
use manifests::digest::Sha256Digest;
use manifests::dsse::{SLOT_UNIT, STATEMENT_TYPE};
use manifests::name::{BundleName, BundleVersion, InstallPath, PortablePath};
use manifests::sequence::Sequence;
use manifests::statement::Subject;
use verifier::archive::format::{END, Entry, header, padding};
use verifier::hash::Kernel;
use verifier::hash::sha256::{self, Midstate, state_bytes};

use super::{CREATED, key, name, sign, time};

/// What goes into a bundle.
pub struct Bundle {
    predicate: Predicate,
    payload: BTreeMap<String, (EntryMode, Vec<u8>)>,
}

impl Bundle {
    pub fn new(bundle: &str, sequence: u64) -> Self {
        let predicate = Predicate {
            bundle: Identity {
                name: BundleName::new(bundle).unwrap(),
                version: BundleVersion::new(&format!("1.{sequence}")).unwrap(),
                sequence: Sequence::new(sequence).unwrap(),
                created: time(CREATED),
                expires: None,
                audience: None,
                profile: Profile::Standard,
            },
            requires: Vec::new(),
            chains: Chains { size: 0, digest: sha256::digest(&[]).into() },
            files: Vec::new(),
            signers: BTreeMap::new(),
            components: Vec::new(),
            artifacts: Vec::new(),
            trees: Vec::new(),
            trust_stores: Vec::new(),
            trust_policies: Vec::new(),
            images: Reserved,
            checks: Vec::new(),
        };
        Self { predicate, payload: BTreeMap::new() }
    }

    /// An artifact that is laid down as a file.
    pub fn file(self, artifact: &str, content: &[u8], path: &str, mode: &str) -> Self {
        self.owned_file(artifact, content, path, mode, None)
    }

    pub fn owned_file(
        mut self,
        artifact: &str,
        content: &[u8],
        path: &str,
        mode: &str,
        owner: Option<&str>,
    ) -> Self {
        let file = format!("files/{artifact}.bin");
        self.payload.insert(file.clone(), (EntryMode::Plain, content.to_vec()));
        self.predicate.artifacts.push(Artifact {
            name: name(artifact),
            component: None,
            file: PortablePath::new(&file).unwrap(),
            platform: None,
            partition: None,
            version: None,
            demand: Demand::Unsigned("a test".to_owned()),
            install: Some(FileInstall::File {
                path: InstallPath::new(path).unwrap(),
                mode: InstallMode::parse(mode).unwrap(),
                owner: owner.map(|owner| Owner::new(name(owner))),
            }),
        });
        self
    }

    /// Puts the artifact added last into a component.
    pub fn component(mut self, component: &str, default: bool) -> Self {
        self.predicate.components.push(Component { name: name(component), title: None, default });
        self.predicate.artifacts.last_mut().unwrap().component = Some(name(component));
        self
    }

    /// Puts the artifact added last into a component that is there.
    pub fn alternative(mut self, component: &str, platform: Platform) -> Self {
        let last = self.predicate.artifacts.last_mut().unwrap();
        (last.component, last.platform) = (Some(name(component)), Some(platform));
        self
    }

    /// Ties the artifact added last to a partition.
    pub fn partition(mut self, partition: &str) -> Self {
        self.predicate.artifacts.last_mut().unwrap().partition = Some(name(partition));
        self
    }

    /// Has the artifact added last installed in another way.
    pub fn action(mut self, action: Option<FileInstall>) -> Self {
        self.predicate.artifacts.last_mut().unwrap().install = action;
        self
    }

    fn carried(&mut self, path: String, content: &[u8]) -> PortablePath {
        let file = PortablePath::new(&path).unwrap();
        self.payload.insert(path, (EntryMode::Plain, content.to_vec()));
        file
    }

    /// A trust store of one certificate.
    pub fn trust_store(
        mut self,
        store: &str,
        partition: Option<&str>,
        content: &[u8],
        pin: Sha256Digest,
    ) -> Self {
        let file = self.carried(format!("files/trust-stores/ca/{store}/root.pem"), content);
        self.predicate.trust_stores.push(TrustStore {
            name: name(store),
            store_type: StoreType::Ca,
            partition: partition.map(name),
            certificates: vec![Authority { file, fingerprint: pin }],
        });
        self
    }

    /// A trust policy with its open parameters.
    pub fn trust_policy(
        mut self,
        policy: &str,
        partition: Option<&str>,
        content: &[u8],
        parameters: &[&str],
    ) -> Self {
        let file = self.carried(format!("files/trust-policies/{policy}"), content);
        self.predicate.trust_policies.push(TrustPolicy {
            name: name(policy),
            partition: partition.map(name),
            file,
            parameters: parameters.iter().copied().map(name).collect(),
        });
        self
    }

    /// A check, given as the manifest writes it.
    pub fn check(mut self, check: &str) -> Self {
        let check: Check = serde_json::from_str(check).unwrap();
        self.predicate.checks.push(check);
        self
    }

    /// A tree; the calls that follow fill it.
    pub fn tree(mut self, tree: &str, path: &str, owner: Option<&str>) -> Self {
        self.predicate.trees.push(Tree {
            name: name(tree),
            component: None,
            directory: format!("files/{tree}/"),
            links: Vec::new(),
            empty_directories: Vec::new(),
            unsigned: "a test".to_owned(),
            install: Some(TreeInstall::Directory {
                path: InstallPath::new(path).unwrap(),
                owner: owner.map(|owner| Owner::new(name(owner))),
            }),
        });
        self
    }

    fn last_tree(&mut self) -> &mut Tree {
        self.predicate.trees.last_mut().unwrap()
    }

    pub fn tree_file(mut self, path: &str, content: &[u8], mode: EntryMode) -> Self {
        let path = format!("{}{path}", self.last_tree().directory);
        self.payload.insert(path, (mode, content.to_vec()));
        self
    }

    pub fn tree_link(mut self, path: &str, target: &str) -> Self {
        let path = PortablePath::new(path).unwrap();
        self.last_tree().links.push(Link { path, target: target.to_owned() });
        self
    }

    pub fn tree_folder(mut self, path: &str) -> Self {
        self.last_tree().empty_directories.push(PortablePath::new(path).unwrap());
        self
    }

    /// The manifest alone.
    pub fn manifest(mut self) -> Manifest {
        self.seal().0
    }

    /// The manifest of what was added, and its list of chaining values.
    fn seal(&mut self) -> (Manifest, Vec<u8>) {
        let mut subjects = Vec::new();
        let mut chains = Vec::new();
        for (path, (mode, content)) in &self.payload {
            let path = PortablePath::new(path).unwrap();
            self.predicate.files.push(File { path: path.clone(), size: content.len() as u64, mode: *mode });
            subjects.push(Subject { name: path, digest: chain(content, &mut chains).into() });
        }
        self.predicate.chains = Chains { size: chains.len() as u64, digest: sha256::digest(&chains).into() };
        (Manifest::from_parts(subjects, self.predicate.clone()).unwrap(), chains)
    }

    /// The archive, signed.
    pub fn build(mut self) -> Vec<u8> {
        let (manifest, chains) = self.seal();
        let bytes = manifest.render().unwrap();
        let slot = sign(&key(), STATEMENT_TYPE, &bytes).to_slot(SLOT_UNIT).unwrap();
        let mut archive = Vec::new();
        let mut add = |path: &str, mode: EntryMode, content: &[u8]| {
            let path = format!("{}/{path}", manifest.folder());
            let size = content.len() as u64;
            archive.extend(header(&Entry { path: &path, size, mode, time: manifest.bundle().created }));
            archive.extend_from_slice(content);
            archive.resize(archive.len() + padding(size) as usize, 0);
        };
        add("manifest.json", EntryMode::Plain, &bytes);
        add("signatures.json", EntryMode::Plain, &slot);
        add("chains.bin", EntryMode::Plain, &chains);
        for (path, (mode, content)) in &self.payload {
            add(path, *mode, content);
        }
        archive.resize(archive.len() + END, 0);
        archive
    }
}

/// The digest of a file; its chaining values go to the end of the list.
fn chain(content: &[u8], chains: &mut Vec<u8>) -> Sha256Digest {
    let mut state = Midstate::EMPTY;
    let mut chunks = content.chunks(CHUNK_BYTES as usize).peekable();
    while let Some(chunk) = chunks.next() {
        state.update(Kernel::detect(), chunk);
        if chunks.peek().is_some() {
            chains.extend_from_slice(&state_bytes(&state.chaining_value().unwrap()));
        }
    }
    state.digest()
}
