// SPDX-License-Identifier: Apache-2.0
//! From bytes and signatures to a manifest that this host may believe.
//!
//! In: the bytes of `manifest.json`, signatures, the host's root and ledger, the time. Out: a
//! [`TrustedManifest`]: enough distinct owners in the required roles signed these exact bytes; they
//! are not expired, not denied, not older than what this host accepted, and meant for this enclave.
//! Nothing of the manifest is read before some owner's signature over it has held.

pub mod key;
pub mod ledger;
pub mod lock;
pub mod root;
pub mod state;
pub mod threshold;

use std::collections::BTreeMap;

use manifests::bundle::{MAX_MANIFEST_BYTES, Manifest, ManifestError, Preface};
use manifests::digest::Sha256Digest;
use manifests::dsse::{STATEMENT_TYPE, Signatures, pae};
use manifests::json;
use manifests::name::Name;
use manifests::sequence::RootVersion;
use manifests::time::Timestamp;

use crate::error::{Code, Refusal};
use crate::hash::sha256;
use ledger::{Ledger, Standing};
use root::TrustRoot;
use threshold::Signers;

/// A manifest with its identity: read, whoever vouches for it.
pub trait Claim {
    /// What the manifest says.
    fn manifest(&self) -> &Manifest;
    /// SHA-256 of `manifest.json`: the bundle's identity.
    fn id(&self) -> Sha256Digest;
}

/// A manifest that is well-formed and that nobody has vouched for: the builder's own.
#[derive(Clone, Debug)]
pub struct UnsignedManifest {
    manifest: Manifest,
    id: Sha256Digest,
}

/// An owner whose signature counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedBy {
    /// The role that the owner fills.
    pub role: Name,
    /// The owner.
    pub owner: Name,
    /// The keys that verified.
    pub keyids: Vec<Sha256Digest>,
}

/// A manifest that this host believes.
#[derive(Clone, Debug)]
pub struct TrustedManifest {
    manifest: Manifest,
    id: Sha256Digest,
    signers: Vec<SignedBy>,
    unknown: Vec<Sha256Digest>,
    without_role: Vec<Name>,
    root_version: RootVersion,
    enclave: Name,
    standing: Standing,
}

impl Claim for UnsignedManifest {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn id(&self) -> Sha256Digest {
        self.id
    }
}

impl Claim for TrustedManifest {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn id(&self) -> Sha256Digest {
        self.id
    }
}

impl UnsignedManifest {
    /// Reads a manifest that the reader itself made or is about to sign.
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let manifest = Manifest::read(bytes).map_err(|error| manifest_refusal(&error))?;
        Ok(Self { manifest, id: sha256::digest(bytes) })
    }
}

impl TrustedManifest {
    /// Who signed, and in which role.
    pub fn signers(&self) -> &[SignedBy] {
        &self.signers
    }

    /// Signatures by keys that the root does not know: they counted for nothing.
    pub fn unknown_signatures(&self) -> &[Sha256Digest] {
        &self.unknown
    }

    /// Owners who signed, but fill no role for bundles: they counted for nothing.
    pub fn signers_without_role(&self) -> &[Name] {
        &self.without_role
    }

    /// The version of the root that it was judged by.
    pub const fn root_version(&self) -> RootVersion {
        self.root_version
    }

    /// This host's enclave.
    pub const fn enclave(&self) -> &Name {
        &self.enclave
    }

    /// How it stands to what this host accepted before.
    pub const fn standing(&self) -> Standing {
        self.standing
    }
}

/// Judges a manifest by this host's root and ledger, at a time that the caller read from the clock.
pub fn open(
    bytes: &[u8],
    signatures: &Signatures,
    root: &TrustRoot,
    ledger: &Ledger,
    clock: Timestamp,
) -> Result<TrustedManifest, Refusal> {
    let now = ledger.now(clock);
    root.require_unexpired(now)?;
    let signers = signed(bytes, signatures, root)?;
    let malformed = |error| manifest_refusal(&ManifestError::Json(error));
    let document = json::scan(bytes, MAX_MANIFEST_BYTES).map_err(malformed)?;
    let preface = Preface::from_scanned(document).map_err(malformed)?;
    let by_role = require_roles(&preface, root, &signers)?;
    require_known_features(&preface)?;
    let manifest = Manifest::from_scanned(document).map_err(|error| manifest_refusal(&error))?;
    let id = sha256::digest(bytes);
    require_allowed(&manifest, id, root, now)?;
    let standing = ledger.judge(manifest.bundle(), id)?;
    let trusted_by = root.root().document();
    let idle = |owner: &&Name| root.root().bundle_role(owner).is_none();
    let without_role = signers.owners.keys().filter(idle).cloned().collect();
    Ok(TrustedManifest {
        manifest,
        id,
        signers: by_role,
        unknown: signers.unknown,
        without_role,
        root_version: trusted_by.version,
        enclave: trusted_by.enclave.clone(),
        standing,
    })
}

/// At least one owner of the root signed these bytes, and no known key's signature fails.
fn signed(bytes: &[u8], signatures: &Signatures, root: &TrustRoot) -> Result<Signers, Refusal> {
    let subject = "manifest.json";
    let signers = threshold::count(root.ring(), &pae(STATEMENT_TYPE, bytes), signatures, subject)?;
    if signers.owners.is_empty() {
        let found = match signatures.len() {
            0 => "no signature at all".to_owned(),
            several => format!("{several} by keys that the root does not know"),
        };
        let version = root.root().document().version;
        return Err(Refusal::new(Code::Unsigned, subject, "is not signed by anyone whom this host trusts")
            .expected(format!("a signature by an owner in trust root version {version}"))
            .found(found));
    }
    Ok(signers)
}

/// Every role that a matching rule requires has enough distinct owners among the signers.
fn require_roles(preface: &Preface, root: &TrustRoot, signers: &Signers) -> Result<Vec<SignedBy>, Refusal> {
    let (name, document) = (preface.name(), root.root().document());
    let subject = format!("bundle {name}");
    let required = root.root().required_roles(name);
    if required.is_empty() {
        let patterns: Vec<String> =
            document.rules.iter().flat_map(|rule| &rule.names).map(ToString::to_string).collect();
        return Err(Refusal::new(Code::NoRule, subject, "has a name that no rule of the trust root covers")
            .expected(format!("a name that matches one of: {}", patterns.join(" ")))
            .found(name));
    }
    for role_name in required {
        let Some(role) = document.roles.get(role_name) else {
            return Err(Refusal::new(Code::RootMalformed, subject, "needs a role that the root lacks"));
        };
        threshold::require(role, signers).map_err(|shortfall| {
            let owners: Vec<&str> = role.owners.iter().map(Name::as_str).collect();
            Refusal::new(Code::BelowThreshold, &subject, "is not signed by enough owners")
                .expected(format!("{} of {} (role `{role_name}`)", shortfall.threshold, owners.join(", ")))
                .found(format!("{} of them", shortfall.found))
        })?;
    }
    let owners: &BTreeMap<Name, Vec<Sha256Digest>> = &signers.owners;
    Ok(owners
        .iter()
        .filter_map(|(owner, keyids)| {
            let role = root.root().bundle_role(owner)?;
            Some(SignedBy { role: role.clone(), owner: owner.clone(), keyids: keyids.clone() })
        })
        .collect())
}

fn require_known_features(preface: &Preface) -> Result<(), Refusal> {
    let Some(unknown) = preface.unknown_requirement() else {
        return Ok(());
    };
    Err(Refusal::new(Code::VerifierTooOld, format!("bundle {}", preface.name()), "needs a newer verifier")
        .expected(format!("feature `{}`, which verifier {} brought", unknown.feature, unknown.since))
        .found(format!("verifier {}", env!("CARGO_PKG_VERSION"))))
}

/// Not denied, not dated past the root, not expired, for this enclave, not below the root's floor.
fn require_allowed(
    manifest: &Manifest,
    id: Sha256Digest,
    root: &TrustRoot,
    now: Timestamp,
) -> Result<(), Refusal> {
    let (bundle, document) = (manifest.bundle(), root.root().document());
    let subject = format!("bundle {} {}", bundle.name, bundle.version);
    if document.denied.contains(&id) {
        return Err(Refusal::new(Code::Denied, subject, "is denied by the trust root").found(id));
    }
    if bundle.created > document.expires {
        return Err(Refusal::new(Code::DatedBeyondRoot, subject, "is dated beyond the trust root")
            .expected(format!("a time up to {}", document.expires))
            .found(bundle.created));
    }
    if let Some(expires) = bundle.expires.filter(|expires| *expires < now) {
        return Err(Refusal::new(Code::Expired, subject, "has expired")
            .expected(format!("a time up to {expires}"))
            .found(now));
    }
    require_audience(manifest, &document.enclave, document.require_audience, &subject)?;
    match document.floors.get(&bundle.name) {
        Some(floor) if bundle.sequence < *floor => {
            Err(Refusal::new(Code::SequenceTooOld, subject, "is below the floor that the trust root sets")
                .expected(format!("sequence {floor} or higher"))
                .found(format!("sequence {}", bundle.sequence)))
        }
        _ => Ok(()),
    }
}

fn require_audience(
    manifest: &Manifest,
    enclave: &Name,
    required: bool,
    subject: &str,
) -> Result<(), Refusal> {
    let refusal = |found: String| {
        Err(Refusal::new(Code::WrongAudience, subject, "is not meant for this enclave")
            .expected(enclave)
            .found(found))
    };
    match &manifest.bundle().audience {
        Some(audience) if audience.contains(enclave) => Ok(()),
        Some(audience) => refusal(audience.iter().map(Name::as_str).collect::<Vec<_>>().join(", ")),
        None if required => refusal("no audience, where the trust root requires one".to_owned()),
        None => Ok(()),
    }
}

/// Which refusal a fault in a manifest is.
pub fn manifest_refusal(error: &ManifestError) -> Refusal {
    let (code, what) = match error {
        ManifestError::Name(error) if error.is_limit() => (Code::LimitExceeded, "is beyond a limit"),
        ManifestError::Name(_) => (Code::UnsafeName, "has a name that not every system can hold"),
        ManifestError::Limit { .. } => (Code::LimitExceeded, "is beyond a limit"),
        ManifestError::Json(manifests::json::JsonError::TooLong { .. }) => {
            (Code::LimitExceeded, "is too long")
        }
        ManifestError::Chains { .. } => {
            (Code::ChainsInconsistent, "promises a list of chaining values that cannot be that of its files")
        }
        _ => (Code::ManifestMalformed, "breaks the format"),
    };
    Refusal::new(code, "manifest.json", what).found(error)
}
