// SPDX-License-Identifier: Apache-2.0
//! What tests of several kinds need: a ceremony, bundles made in memory, a host to install on.
#![allow(dead_code, missing_docs, clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

pub mod bundle;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ed25519_dalek::Signer;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePublicKey;
use manifests::digest::Sha256Digest;
use manifests::dsse::{Base64, Envelope, ROOT_TYPE, Signature, Signatures, pae};
use manifests::name::Name;
use manifests::root::{Algorithm, Key, NamePattern, Owner, ROOT_DOCUMENT, Role, Root, RootDocument, Rule};
use manifests::sequence::RootVersion;
use manifests::time::Timestamp;
use verifier::archive::reader::Archive;
use verifier::contents::Unwatched;
use verifier::error::Refusal;
use verifier::hash::sha256;
use verifier::install::{Installed, Recovered, Selection, Target, install, recover};
use verifier::media::{Carrier, Medium};
use verifier::signature::approve::{Approved, approve};
use verifier::stage::{Staged, stage};
use verifier::trust::ledger::Ledger;
use verifier::trust::root::Candidate;
use verifier::trust::state::{State, StateFolder};
use verifier::trust::{TrustedManifest, open};

pub const CREATED: &str = "2026-01-02T03:04:05Z";
pub const NOW: &str = "2026-06-01T00:00:00Z";

pub fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// The one key of the tests' ceremony.
pub fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn spki(key: &SigningKey) -> Vec<u8> {
    key.verifying_key().to_public_key_der().unwrap().into_vec()
}

pub fn sign(key: &SigningKey, payload_type: &str, payload: &[u8]) -> Signatures {
    let sig = key.sign(&pae(payload_type, payload)).to_bytes().to_vec();
    let keyid: Sha256Digest = sha256::digest(&spki(key));
    Signatures::new(vec![Signature { keyid, sig: Base64(sig) }]).unwrap()
}

/// A root with one owner, `ann`, who signs roots and bundles of every name.
pub fn root_envelope() -> Vec<u8> {
    root_envelope_until("2099-01-01T00:00:00Z")
}

/// The same, and another one for each expiry.
pub fn root_envelope_until(expires: &str) -> Vec<u8> {
    let owner = Owner { keys: vec![Key { algorithm: Algorithm::Ed25519, spki: Base64(spki(&key())) }] };
    let role = || Role { owners: BTreeSet::from([name("ann")]), threshold: 1 };
    let document = RootDocument {
        document_type: ROOT_DOCUMENT.to_owned(),
        version: RootVersion::new(1).unwrap(),
        enclave: name("lab"),
        expires: time(expires),
        algorithms: vec![Algorithm::Ed25519],
        require_audience: false,
        owners: BTreeMap::from([(name("ann"), owner)]),
        roles: BTreeMap::from([(name("root"), role()), (name("builder"), role())]),
        rules: vec![Rule {
            names: vec![NamePattern::new("*").unwrap()],
            require: BTreeSet::from([name("builder")]),
        }],
        floors: BTreeMap::new(),
        denied: BTreeSet::new(),
    };
    let payload = Root::new(document).unwrap().render().unwrap();
    let signatures = sign(&key(), ROOT_TYPE, &payload);
    let envelope = Envelope { payload_type: ROOT_TYPE.to_owned(), payload: Base64(payload), signatures };
    envelope.render().unwrap()
}

/// Approves what was staged, at the time of these tests.
pub fn approved(staged: Staged) -> Approved<Staged> {
    approve(staged, time(NOW)).unwrap()
}

/// A state folder and a staging root, beneath a folder of their own.
pub struct Host {
    pub base: PathBuf,
}

impl Host {
    /// Sets one up as `trust init` would.
    pub fn new(base: &Path) -> Self {
        let host = Self { base: base.to_owned() };
        fs::create_dir(host.root()).unwrap();
        let candidate = Candidate::read(&root_envelope(), "root.json").unwrap();
        let fingerprint = candidate.fingerprint();
        let root = candidate.establish(fingerprint, time(NOW)).unwrap();
        host.state().write(&State { root, ledger: Ledger::empty(fingerprint) }).unwrap();
        host
    }

    pub fn root(&self) -> PathBuf {
        self.base.join("root")
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.root().join(path.trim_start_matches('/'))
    }

    pub fn state(&self) -> StateFolder {
        StateFolder::new(self.base.join("state"))
    }

    pub fn target(&self) -> Target {
        Target::open(Some(&self.root())).unwrap()
    }

    /// The sequence of the bundle that the ledger holds.
    pub fn sequence(&self, bundle: &str) -> Option<u64> {
        let name = manifests::name::BundleName::new(bundle).unwrap();
        Some(self.state().load().unwrap().ledger.accepted(&name)?.sequence.get())
    }

    pub fn recover(&self) -> Result<Recovered, Refusal> {
        recover(&self.target(), &self.state())
    }

    pub fn stage(&self, target: &Target, bundle: &[u8], selection: &Selection) -> Result<Staged, Refusal> {
        let (archive, claim) = self.open(bundle)?;
        stage(archive, claim, selection, target, &self.state(), &Unwatched, &|_| ())
    }

    pub fn open(&self, bundle: &[u8]) -> Result<(Archive, TrustedManifest), Refusal> {
        let carrier = Carrier::Stream(Box::new(std::io::Cursor::new(bundle.to_vec())));
        let archive = Archive::open(Medium { name: "test".to_owned(), carrier })?;
        let state = self.state().load()?;
        let claim = open(archive.manifest(), &archive.signatures()?, &state.root, &state.ledger, time(NOW))?;
        Ok((archive, claim))
    }

    pub fn install_some(&self, bundle: &[u8], selection: &Selection) -> Result<Installed, Refusal> {
        let target = self.target();
        recover(&target, &self.state())?;
        let staged = self.stage(&target, bundle, selection)?;
        install(approved(staged), &target, &self.state())
    }

    pub fn install(&self, bundle: &[u8]) -> Result<Installed, Refusal> {
        self.install_some(bundle, &Selection::default())
    }

    /// Everything there is, target and state: what it is, mode, owner, content.
    pub fn snapshot(&self) -> BTreeMap<String, String> {
        let mut seen = BTreeMap::new();
        look(&self.base, &self.base, &mut seen);
        seen
    }
}

fn look(base: &Path, folder: &Path, seen: &mut BTreeMap<String, String>) {
    for item in fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        let facts = fs::symlink_metadata(&path).unwrap();
        let what = if facts.is_dir() {
            look(base, &path, seen);
            "folder".to_owned()
        } else if facts.is_symlink() {
            format!("-> {}", fs::read_link(&path).unwrap().display())
        } else if facts.is_file() {
            format!("file of {} {}", facts.len(), sha256::digest(&fs::read(&path).unwrap()))
        } else {
            "special".to_owned()
        };
        let mode = facts.permissions().mode();
        let line = format!("{what} {mode:o} {}:{}", facts.uid(), facts.gid());
        seen.insert(path.strip_prefix(base).unwrap().display().to_string(), line);
    }
}

/// A folder in memory where the system has one: tests sync a lot.
pub fn scratch() -> tempfile::TempDir {
    let fast = Path::new("/dev/shm");
    if fast.is_dir() { tempfile::tempdir_in(fast).unwrap() } else { tempfile::tempdir().unwrap() }
}
