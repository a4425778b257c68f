// SPDX-License-Identifier: Apache-2.0
//! `manifest.json`: what a bundle holds, who must have signed it, where it goes.
//!
//! The types here are the document as written (`docs/formats/manifest.md`); [`Manifest`] is the only
//! one that the rest of the system uses, and it exists only when every rule holds.

mod check;
mod demand;
mod error;
mod install;
mod notary;
mod payload;
mod platform;
mod preface;
mod rules;
mod targets;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::{DigestSet, Sha256Digest};
use crate::json::{self, JsonError, Scanned};
use crate::name::{BundleName, BundleVersion, Name, PortablePath};
use crate::sequence::Sequence;
use crate::statement::{STATEMENT_V1, Statement, Subject};
use crate::time::Timestamp;

pub use check::{Check, Column, Contains, Expect, MAX_CHECK_WORDS};
pub use demand::{Authority, CertificateIdentity, EvidenceDemand, Signer, SignerIdentity};
pub use error::ManifestError;
pub use install::{FileInstall, InstallMode, Owner, TreeInstall};
pub use notary::{StoreType, TrustPolicy, TrustStore};
pub use payload::{Inside, Payload};
pub use platform::{Arch, Os, Package, Platform};
pub use preface::Preface;
pub use rules::conditions::{MAX_CHECKS, MAX_TRUSTED};
pub use rules::{MAX_TEXT_BYTES, identity, stays_inside};

/// `predicateType` of a bundle's manifest.
pub const BUNDLE_TYPE: &str = "urn:sealift:bundle:1";
/// The longest manifest, in bytes: 100,000 entries of 300 bytes.
pub const MAX_MANIFEST_BYTES: usize = 32 * 1024 * 1024;
/// Most payload entries in a bundle.
pub const MAX_FILES: usize = 100_000;
/// Bytes between two chaining values: fixed for ever (`docs/formats/chains.md` §1).
pub const CHUNK_BYTES: u64 = 4 * 1024 * 1024;
/// Sizes are below this, so that their count of bits fits SHA-256's padding (FIPS 180-4 §5.1.1).
pub const SIZE_LIMIT: u64 = 1 << 61;
/// The longest list of chaining values, in bytes: 4 TiB of payload.
pub const MAX_CHAINS_BYTES: u64 = 32 * 1024 * 1024;
/// Features that this version knows, by the name under `requires`: none is needed yet.
pub const KNOWN_FEATURES: &[&str] = &[];

/// What the manifest says of the bundle itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The series that the sequence counts in.
    pub name: BundleName,
    /// For people.
    pub version: BundleVersion,
    /// Only ever grows.
    pub sequence: Sequence,
    /// When the recipe says that it was made; also the time of every entry in the archive.
    pub created: Timestamp,
    /// Refused after this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// The enclaves that it is for; any, where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Vec<Name>>,
    /// The digest profile.
    pub profile: Profile,
}

/// Which digests prove the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// SHA-256 and its chaining values.
    Standard,
}

/// A feature that a reader must know, and the version of `verifier` that brought it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// The feature's name.
    pub feature: Name,
    /// The first version that knows it.
    pub since: BundleVersion,
}

/// The list of chaining values, bound by size and digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chains {
    /// Bytes of `chains.bin`.
    pub size: u64,
    /// Its digest.
    pub digest: DigestSet,
}

/// Size and mode of a payload entry; its digest stands in the subject of the same index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Where in the bundle.
    pub path: PortablePath,
    /// Bytes.
    pub size: u64,
    /// Whether it can be run.
    pub mode: EntryMode,
}

/// The two modes that an entry in the archive can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryMode {
    /// `0644`.
    #[serde(rename = "0644")]
    Plain,
    /// `0755`.
    #[serde(rename = "0755")]
    Executable,
}

impl EntryMode {
    /// The permission bits.
    pub const fn bits(self) -> u32 {
        match self {
            Self::Plain => 0o644,
            Self::Executable => 0o755,
        }
    }
}

/// What a site installs or leaves out as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// What `--only` and `--except` name.
    pub name: Name,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Whether it is installed when nobody asks.
    pub default: bool,
}

/// A file with the evidence that it demands and the place where it goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "ArtifactDocument", try_from = "ArtifactDocument")]
pub struct Artifact {
    /// Its name in the recipe.
    pub name: Name,
    /// The component it belongs to; its own name, where absent.
    pub component: Option<Name>,
    /// The payload entry.
    pub file: PortablePath,
    /// The hosts that it is for; all, where absent.
    pub platform: Option<Platform>,
    /// The partition that it is tied to.
    pub partition: Option<Name>,
    /// What was read from inside, for people.
    pub version: Option<BundleVersion>,
    /// Vendor evidence, or why there is none.
    pub demand: Demand,
    /// What becomes of it on the target; carried only, where absent.
    pub install: Option<FileInstall>,
}

/// There is no third way and no default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demand {
    /// Every item must be `good`.
    Vendor(Vec<EvidenceDemand>),
    /// The bundle's own signature is all there is, and why.
    Unsigned(String),
}

/// An artifact as written: `evidence` or `unsigned`, one of them.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ArtifactDocument {
    name: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    component: Option<Name>,
    file: PortablePath,
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    platform: Option<Platform>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    partition: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<BundleVersion>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    evidence: Option<Vec<EvidenceDemand>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unsigned: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    install: Option<FileInstall>,
}

impl TryFrom<ArtifactDocument> for Artifact {
    type Error = String;

    fn try_from(document: ArtifactDocument) -> Result<Self, String> {
        let ArtifactDocument {
            name,
            component,
            file,
            platform,
            partition,
            version,
            evidence,
            unsigned,
            install,
        } = document;
        let demand = match (evidence, unsigned) {
            (Some(evidence), None) => Demand::Vendor(evidence),
            (None, Some(reason)) => Demand::Unsigned(reason),
            _ => return Err(format!("artifact `{name}` must have either `evidence` or `unsigned`")),
        };
        Ok(Self { name, component, file, platform, partition, version, demand, install })
    }
}

impl From<Artifact> for ArtifactDocument {
    fn from(artifact: Artifact) -> Self {
        let Artifact { name, component, file, platform, partition, version, demand, install } = artifact;
        let (evidence, unsigned) = match demand {
            Demand::Vendor(evidence) => (Some(evidence), None),
            Demand::Unsigned(reason) => (None, Some(reason)),
        };
        Self { name, component, file, platform, partition, version, evidence, unsigned, install }
    }
}

/// A folder of files that go together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tree {
    /// Its name in the recipe.
    pub name: Name,
    /// The component it belongs to; its own name, where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<Name>,
    /// The folder in the bundle, with a `/` at its end: `files/NAME/`.
    pub directory: String,
    /// Symbolic links, which the archive does not hold.
    pub links: Vec<Link>,
    /// Folders without files, which the archive does not hold.
    pub empty_directories: Vec<PortablePath>,
    /// Why no vendor signature is demanded.
    pub unsigned: String,
    /// What becomes of it on the target; carried only, where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub install: Option<TreeInstall>,
}

/// A symbolic link that stays inside its tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Where the link lies, in the tree.
    pub path: PortablePath,
    /// What it says: relative, `/` between components.
    pub target: String,
}

/// The predicate of a bundle's statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Predicate {
    /// The bundle itself.
    pub bundle: Identity,
    /// What a reader must know.
    pub requires: Vec<Requirement>,
    /// The list of chaining values.
    pub chains: Chains,
    /// Payload entries, in the archive's order.
    pub files: Vec<File>,
    /// Who is trusted for artifacts.
    pub signers: BTreeMap<Name, Signer>,
    /// Groups that are installed or left out together.
    pub components: Vec<Component>,
    /// Single files.
    pub artifacts: Vec<Artifact>,
    /// Folders.
    pub trees: Vec<Tree>,
    /// Trust stores of the Notary Project.
    pub trust_stores: Vec<TrustStore>,
    /// Trust policies of the Notary Project.
    pub trust_policies: Vec<TrustPolicy>,
    /// Reserved: OCI images.
    pub images: Reserved,
    /// What must be true after the install.
    pub checks: Vec<Check>,
}

/// A list that later versions fill: this one knows no item of it, so it accepts none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<serde::de::IgnoredAny>", into = "[u8; 0]")]
pub struct Reserved;

impl TryFrom<Vec<serde::de::IgnoredAny>> for Reserved {
    type Error = &'static str;

    fn try_from(items: Vec<serde::de::IgnoredAny>) -> Result<Self, Self::Error> {
        if items.is_empty() { Ok(Self) } else { Err("this list must be empty in this version") }
    }
}

impl From<Reserved> for [u8; 0] {
    fn from(Reserved: Reserved) -> Self {
        []
    }
}

/// A manifest in which every rule of `docs/formats/manifest.md` holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest(Statement<Predicate>);

impl Manifest {
    /// Reads the bytes of `manifest.json`, of at most [`MAX_MANIFEST_BYTES`].
    pub fn read(bytes: &[u8]) -> Result<Self, ManifestError> {
        Self::from_scanned(json::scan(bytes, MAX_MANIFEST_BYTES)?)
    }

    /// Reads a manifest that was scanned already.
    pub fn from_scanned(document: Scanned<'_>) -> Result<Self, ManifestError> {
        match document.read() {
            Ok(statement) => Self::new(statement),
            Err(error) => Err(rules::unsafe_name(document).map_or(error.into(), ManifestError::Name)),
        }
    }

    /// Checks a statement made in memory: the same rules.
    pub fn new(statement: Statement<Predicate>) -> Result<Self, ManifestError> {
        rules::check(&statement)?;
        Ok(Self(statement))
    }

    /// Joins subjects and predicate into a statement of the one type there is, and checks it.
    pub fn from_parts(subject: Vec<Subject>, predicate: Predicate) -> Result<Self, ManifestError> {
        Self::new(Statement {
            statement_type: STATEMENT_V1.to_owned(),
            subject,
            predicate_type: BUNDLE_TYPE.to_owned(),
            predicate,
        })
    }

    /// The bytes to sign: compact JSON, members in the order of the types, no line feed.
    pub fn render(&self) -> Result<Vec<u8>, JsonError> {
        Ok(serde_json::to_vec(&self.0)?)
    }

    /// What the manifest says.
    pub const fn predicate(&self) -> &Predicate {
        &self.0.predicate
    }

    /// The bundle itself.
    pub const fn bundle(&self) -> &Identity {
        &self.0.predicate.bundle
    }

    /// Payload entries and their digests, in the archive's order.
    pub fn files(&self) -> impl ExactSizeIterator<Item = (&File, Sha256Digest)> + Clone {
        self.0
            .predicate
            .files
            .iter()
            .zip(&self.0.subject)
            .map(|(file, subject)| (file, subject.digest.sha256))
    }

    /// The index of a payload entry; the rules have made sure that every path named elsewhere has one.
    pub fn position(&self, path: &PortablePath) -> Option<usize> {
        self.0.predicate.files.iter().position(|file| file.path == *path)
    }

    /// The archive's folder: `NAME-VERSION`.
    pub fn folder(&self) -> String {
        format!("{}-{}", self.bundle().name, self.bundle().version)
    }
}

/// How many chaining values a file of this size has: one at every chunk boundary inside it.
pub const fn chaining_values(size: u64) -> u64 {
    size.div_ceil(CHUNK_BYTES).saturating_sub(1)
}
