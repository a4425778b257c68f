// SPDX-License-Identifier: Apache-2.0
//! `bundle.toml`: what goes across, who must have signed it, where it is installed.
//!
//! In: TOML text and the values of `--set`. Out: a [`Recipe`] whose names, times, modes and fingerprints
//! are all well-formed and whose parts refer only to each other. No other file has been touched yet.

mod check;
mod evidence;
mod hosts;
mod image;
mod location;
mod notary;
mod platform;
mod read;
pub mod schema;
mod sections;
mod shapes;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use manifests::bundle::{self, Check, Component, FileInstall, Identity, Platform, StoreType, TreeInstall};
use manifests::digest::Sha256Digest;
use manifests::evidence::Weak;
use manifests::fingerprint::Fingerprint;
use manifests::name::{Name, PortablePath};
use verifier::hash::sha256;

use crate::failure::Failure;
use crate::fetch::hosts::Hosts;
use crate::files;
use crate::source::Source;

pub use location::Location;

/// What an author wants in a bundle.
#[derive(Clone, Debug)]
pub struct Recipe {
    source: Source,
    folder: PathBuf,
    digest: Sha256Digest,
    sets: BTreeMap<String, String>,
    /// The bundle itself.
    pub bundle: Identity,
    /// Who is trusted for artifacts.
    pub signers: BTreeMap<Name, Signer>,
    /// How to fetch from hosts.
    pub hosts: Hosts,
    /// Groups that are installed or left out together.
    pub components: Vec<Component>,
    /// Single files, in the order of the text.
    pub artifacts: Vec<Artifact>,
    /// Folders, in the order of the text.
    pub trees: Vec<Tree>,
    /// Trust stores of the Notary Project, in the order of the text.
    pub trust_stores: Vec<TrustStore>,
    /// Trust policies of the Notary Project, in the order of the text.
    pub trust_policies: Vec<TrustPolicy>,
    /// OCI images, in the order of the text.
    pub images: Vec<Image>,
    /// What must be true after the install, in the order of the text.
    pub checks: Vec<Check>,
}

/// Somebody whose signatures count.
#[derive(Clone, Debug)]
pub struct Signer {
    /// What decides.
    pub identity: SignerIdentity,
    /// Weak algorithms that are tolerated.
    pub allow: Vec<Weak>,
}

/// How a signer is told from others; as [`manifests::bundle::SignerIdentity`], with files of this machine.
#[derive(Clone, Debug)]
pub enum SignerIdentity {
    /// By an OpenPGP key.
    Key {
        /// Primary key fingerprints, alternatives to each other: these decide.
        openpgp: Vec<Fingerprint>,
        /// The file that carries the keys.
        key: Location,
    },
    /// By a certificate.
    Certificate {
        /// Authenticode: the leaf's CN or DN.
        publisher: Option<String>,
        /// Apple's team.
        team: Option<String>,
        /// Digests of leaves.
        certificates: Vec<Sha256Digest>,
        /// CAs that a chain may end in.
        authorities: Vec<Authority>,
        /// The same for timestamps.
        timestamp_authorities: Vec<Authority>,
    },
}

/// A CA certificate.
#[derive(Clone, Debug)]
pub struct Authority {
    /// The file that carries it.
    pub source: Location,
    /// SHA-256 of the certificate: it decides.
    pub fingerprint: Sha256Digest,
}

impl Signer {
    /// The files that carry keys or certificates, each once.
    pub fn sources(&self) -> Vec<&Location> {
        let mut sources: Vec<&Location> = match &self.identity {
            SignerIdentity::Key { key, .. } => vec![key],
            SignerIdentity::Certificate { authorities, timestamp_authorities, .. } => {
                authorities.iter().chain(timestamp_authorities).map(|authority| &authority.source).collect()
            }
        };
        let mut seen = BTreeSet::new();
        sources.retain(|source| seen.insert(source.text.clone()));
        sources
    }

    /// What decides, as the lock keeps it: fingerprints of keys, digests of certificates.
    pub fn fingerprints(&self) -> Vec<String> {
        match &self.identity {
            SignerIdentity::Key { openpgp, .. } => {
                openpgp.iter().map(|pin| pin.as_str().to_owned()).collect()
            }
            SignerIdentity::Certificate { certificates, authorities, timestamp_authorities, .. } => {
                let authorities = authorities.iter().chain(timestamp_authorities);
                let authorities = authorities.map(|authority| authority.fingerprint);
                certificates.iter().copied().chain(authorities).map(|digest| digest.to_string()).collect()
            }
        }
    }

    /// The same signer as a manifest has it, `place` saying where in the bundle each file lies.
    pub fn in_bundle<E>(
        &self,
        mut place: impl FnMut(&Location) -> Result<PortablePath, E>,
    ) -> Result<bundle::Signer, E> {
        let identity = match &self.identity {
            SignerIdentity::Key { openpgp, key } => {
                bundle::SignerIdentity::Key { openpgp: openpgp.clone(), key: place(key)? }
            }
            SignerIdentity::Certificate {
                publisher,
                team,
                certificates,
                authorities,
                timestamp_authorities,
            } => {
                let mut placed = |authorities: &[Authority]| {
                    let place = |authority: &Authority| {
                        let file = place(&authority.source)?;
                        Ok(bundle::Authority { file, fingerprint: authority.fingerprint })
                    };
                    authorities.iter().map(place).collect::<Result<Vec<_>, E>>()
                };
                bundle::SignerIdentity::Certificate(bundle::CertificateIdentity {
                    publisher: publisher.clone(),
                    team: team.clone(),
                    certificates: certificates.clone(),
                    authorities: placed(authorities)?,
                    timestamp_authorities: placed(timestamp_authorities)?,
                })
            }
        };
        Ok(bundle::Signer { identity, allow: self.allow.clone() })
    }

    /// What makes no sense together, by the rules of the manifest.
    fn fault(&self) -> Option<&'static str> {
        let anywhere = PortablePath::new("files").ok()?;
        let signer = self.in_bundle(|_| Ok::<_, std::convert::Infallible>(anywhere.clone()));
        signer.ok()?.fault()
    }
}

/// A single file.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// Its name.
    pub name: Name,
    /// The name as the section has it, without what a list in `for` adds.
    pub section: Name,
    /// The component it belongs to; its own name, where absent.
    pub component: Option<Name>,
    /// The hosts that it is for; all, where absent.
    pub platform: Option<Platform>,
    /// The partition that it is tied to.
    pub partition: Option<Name>,
    /// The file.
    pub source: Location,
    /// What it demands.
    pub demand: Demand,
    /// What becomes of it on the target.
    pub install: Option<FileInstall>,
}

impl Artifact {
    /// The file, and those of its signatures.
    pub fn sources(&self) -> Vec<&Location> {
        let signatures = self.signatures().iter().flat_map(Signature::sources);
        [&self.source].into_iter().chain(signatures).collect()
    }

    /// The signatures that it demands.
    pub fn signatures(&self) -> &[Signature] {
        match &self.demand {
            Demand::SignedBy { signatures, .. } => signatures,
            Demand::Unsigned(_) => &[],
        }
    }
}

/// There is no third way and no default.
#[derive(Clone, Debug)]
pub enum Demand {
    /// Every one of these signatures must be good and by this signer.
    SignedBy {
        /// Who.
        signer: Name,
        /// The signatures.
        signatures: Vec<Signature>,
    },
    /// The bundle's own signature is all there is, and why.
    Unsigned(String),
}

/// Where a signature is.
#[derive(Clone, Debug)]
pub enum Signature {
    /// In a file of its own, over the whole artifact.
    Detached(Location),
    /// In a file of its own, over one member of a zip.
    Member {
        /// The member.
        member: PortablePath,
        /// The signature.
        signature: Location,
    },
    /// Inside the artifact, or inside one member of it.
    Embedded {
        /// The member of a zip; none: the artifact itself.
        member: Option<PortablePath>,
        /// Where the recipe says so.
        span: Range<usize>,
    },
    /// In the signed index of a Debian repository.
    Repository {
        /// InRelease, or Release.
        release: Location,
        /// Release.gpg, where InRelease is not used.
        signature: Option<Location>,
        /// Packages, as the repository serves it.
        packages: Location,
    },
}

impl Signature {
    /// The files that it needs besides the artifact.
    pub fn sources(&self) -> Vec<&Location> {
        match self {
            Self::Detached(signature) | Self::Member { signature, .. } => vec![signature],
            Self::Embedded { .. } => Vec::new(),
            Self::Repository { release, signature, packages } => {
                [release].into_iter().chain(signature).chain([packages]).collect()
            }
        }
    }
}

/// A folder.
#[derive(Clone, Debug)]
pub struct Tree {
    /// Its name.
    pub name: Name,
    /// The component it belongs to; its own name, where absent.
    pub component: Option<Name>,
    /// The folder.
    pub source: Location,
    /// Which files are carried; all of them, where empty.
    pub include: Vec<String>,
    /// What is not carried, links and empty folders included.
    pub exclude: Vec<String>,
    /// Why no vendor signature is demanded.
    pub unsigned: String,
    /// What becomes of it on the target.
    pub install: Option<TreeInstall>,
}

/// A named trust store.
#[derive(Clone, Debug)]
pub struct TrustStore {
    /// What trust policies call it.
    pub name: Name,
    /// Which signatures it is for.
    pub store_type: StoreType,
    /// The partition that it is tied to.
    pub partition: Option<Name>,
    /// Its certificates.
    pub certificates: Vec<Authority>,
    /// Where the recipe names it.
    pub span: Range<usize>,
}

impl TrustStore {
    /// As trust policies name it: `TYPE:NAME`.
    pub fn reference(&self) -> String {
        format!("{}:{}", self.store_type.as_str(), self.name)
    }
}

/// A trust policy document.
#[derive(Clone, Debug)]
pub struct TrustPolicy {
    /// Its file's name on the target.
    pub name: Name,
    /// The partition that it is tied to.
    pub partition: Option<Name>,
    /// The document, in which `"$NAME"` stands for a parameter.
    pub template: Location,
    /// What is given by `--set`, or by the site when it installs.
    pub parameters: Vec<Name>,
}

impl TrustPolicy {
    /// What tells it from others: `PARTITION/NAME`, or its name.
    pub fn key(&self) -> String {
        match &self.partition {
            Some(partition) => format!("{partition}/{}", self.name),
            None => self.name.to_string(),
        }
    }
}

/// An OCI image: named, and not carried by this version.
#[derive(Clone, Debug)]
pub struct Image {
    /// Its name.
    pub name: Name,
    /// Where the recipe says where it is.
    pub span: Range<usize>,
}

impl Recipe {
    /// Reads a recipe; `sets` are the values of `--set`.
    pub fn load(path: &Path, sets: BTreeMap<String, String>) -> Result<Self, Failure> {
        read::recipe(Source::read(path)?, files::folder(path), sets)
    }

    /// What `--set` can give in a recipe: its variables, and the parameters of its trust policies.
    pub fn settable(path: &Path) -> Result<BTreeSet<String>, Failure> {
        read::settable(&Source::read(path)?)
    }

    /// Reads a recipe that is already in memory, as if it lay in `folder`.
    pub fn from_text(
        name: &str,
        text: &str,
        folder: PathBuf,
        sets: BTreeMap<String, String>,
    ) -> Result<Self, Failure> {
        read::recipe(Source::new(name, text), folder, sets)
    }

    /// Where a path of the recipe leads. What a URL leads to is in the store.
    pub fn resolve(&self, path: &Location) -> PathBuf {
        self.folder.join(&path.text)
    }

    /// SHA-256 of the text.
    pub const fn digest(&self) -> Sha256Digest {
        self.digest
    }

    /// The values of `--set`.
    pub const fn sets(&self) -> &BTreeMap<String, String> {
        &self.sets
    }

    /// The single files that the recipe names, in the order of the recipe; a URL may come several times.
    pub fn sources(&self) -> impl Iterator<Item = &Location> {
        let signers = self.signers.values().flat_map(Signer::sources);
        let stores = self.trust_stores.iter().flat_map(|store| &store.certificates);
        signers
            .chain(self.artifacts.iter().flat_map(Artifact::sources))
            .chain(stores.map(|certificate| &certificate.source))
            .chain(self.trust_policies.iter().map(|policy| &policy.template))
    }

    /// Who must have signed an artifact.
    pub fn signer_of(&self, artifact: &Artifact) -> Option<&Signer> {
        match &artifact.demand {
            Demand::SignedBy { signer, .. } => self.signers.get(signer),
            Demand::Unsigned(_) => None,
        }
    }

    /// Whether anything must be fetched.
    pub fn is_remote(&self) -> bool {
        self.sources().any(|source| source.url.is_some())
    }

    /// Shows the recipe's line with a failure that has a subject of its own.
    pub fn beside(&self, at: &Location, failure: Failure) -> Failure {
        failure.with_excerpt(self.source.excerpt_beside(at.span.clone()))
    }

    /// A complaint that points at a path of the recipe.
    pub fn error(&self, path: &Location, what: impl Into<String>) -> Failure {
        self.error_at(path.span.clone(), what)
    }

    /// A complaint that points at a place in the recipe.
    pub fn error_at(&self, span: Range<usize>, what: impl Into<String>) -> Failure {
        self.source.error(span, what)
    }
}

/// The digest that the lock binds a recipe by.
fn digest(source: &Source) -> Sha256Digest {
    sha256::digest(source.text().as_bytes())
}
