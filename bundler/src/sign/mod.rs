// SPDX-License-Identifier: Apache-2.0
//! Adds one signature to a bundle: in place, or to a file beside it; with a key here, or from elsewhere.
//!
//! Nothing is signed, exported or imported before the verifier's own code has proven every byte of the
//! bundle: a signature says that somebody looked.

pub mod key_file;
pub mod passphrase;
pub mod slot;

use std::path::{Path, PathBuf};

use manifests::bundle::Manifest;
use manifests::digest::Sha256Digest;
use manifests::dsse::{Base64, MAX_SLOT, STATEMENT_TYPE, Signature, Signatures, pae};
use manifests::name::Name;
use verifier::error::Code;
use verifier::hash::sha256;
use verifier::trust::Claim;
use verifier::trust::key::PublicKey;
use verifier::trust::root::Candidate;

use self::key_file::{KeyPair, read_public};
use self::slot::{Front, Writable, front};
use crate::build::prove;
use crate::failure::Failure;
use crate::files::{Access, create_new, exists, read_limited, replace, require_absent};
use crate::report::Printer;

/// The longest raw signature, in bytes.
const MAX_RAW_BYTES: u64 = 64 * 1024;

/// Where the signature goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Into the bundle's own slot.
    InPlace,
    /// To this file, with the signatures that it and the bundle have already.
    Beside(PathBuf),
}

/// What was signed, by which key.
#[derive(Clone, Debug)]
pub struct Signed {
    /// SHA-256 of the manifest: the bundle's identity.
    pub bundle: Sha256Digest,
    /// `NAME-VERSION`.
    pub folder: String,
    /// The key.
    pub key: Sha256Digest,
    /// Whose key it is and in which role, where a root was given.
    pub standing: Option<Standing>,
    /// How many signatures there are now.
    pub signatures: usize,
}

/// Whose key it is by a root, and what it signs bundles as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The owner.
    pub owner: Name,
    /// The role.
    pub role: Name,
}

/// Signs with a key that is here.
pub fn with_key(
    bundle: &Path,
    key: &KeyPair,
    trust: Option<&Path>,
    target: &Target,
    printer: &Printer,
) -> Result<Signed, Failure> {
    let session = Session::open(bundle, target, printer)?;
    let standing = trust.map(|root| standing(root, key.public(), &session.manifest, printer)).transpose()?;
    let raw = key.sign(&session.message());
    session.add(key.public(), raw, standing)
}

/// Takes a signature that was made elsewhere over the exported bytes.
pub fn import(
    bundle: &Path,
    signature: &Path,
    public: &Path,
    trust: Option<&Path>,
    target: &Target,
    printer: &Printer,
) -> Result<Signed, Failure> {
    let key = read_public(public)?;
    let raw = read_limited(signature, MAX_RAW_BYTES)?;
    let session = Session::open(bundle, target, printer)?;
    let standing = trust.map(|root| standing(root, &key, &session.manifest, printer)).transpose()?;
    if !key.verifies(&session.message(), &raw) {
        return Err(Failure::new(
            Code::BadSignature,
            signature.display().to_string(),
            "is not this key's signature over this bundle",
        )
        .expected(format!("64 raw bytes by key {}, over what --export writes", key.id().hex()))
        .found(format!("{} bytes that do not verify", raw.len()))
        .hint(
            "sign exactly the exported file, as `openssl pkeyutl -sign -rawin` does, and name the right key",
        ));
    }
    session.add(&key, raw, standing)
}

/// Writes exactly the bytes that a signature covers.
pub fn export(bundle: &Path, to: &Path, printer: &Printer) -> Result<Sha256Digest, Failure> {
    require_absent(to)?;
    let session = Session::open(bundle, &Target::Beside(to.to_owned()), printer)?;
    create_new(to, &session.message(), Access::Public)?;
    Ok(session.id)
}

/// A [`Target`] that is ready to be written.
enum Place {
    Slot(Writable),
    File(PathBuf),
}

/// A bundle of which every byte is proven, held against other writers where it is to be changed.
struct Session {
    place: Place,
    front: Front,
    manifest: Manifest,
    id: Sha256Digest,
    name: String,
}

impl Session {
    fn open(bundle: &Path, target: &Target, printer: &Printer) -> Result<Self, Failure> {
        let place = match target {
            Target::InPlace => Place::Slot(Writable::open(bundle)?),
            Target::Beside(path) => Place::File(path.clone()),
        };
        let contents = prove(bundle, printer)?;
        let claim = contents.get().claim();
        let front = front(bundle)?;
        let name = bundle.display().to_string();
        // It is read twice, so it must be the same twice.
        if sha256::digest(&front.manifest) != claim.id() {
            return Err(Failure::new(Code::ChangedWhileRead, name, "changed while it was read"));
        }
        for signature in front.signatures.iter() {
            printer.detail(|| format!("{name} has a signature by key {}", signature.keyid.hex()));
        }
        Ok(Self { place, front, manifest: claim.manifest().clone(), id: claim.id(), name })
    }

    fn message(&self) -> Vec<u8> {
        pae(STATEMENT_TYPE, &self.front.manifest)
    }

    fn add(self, key: &PublicKey, raw: Vec<u8>, standing: Option<Standing>) -> Result<Signed, Failure> {
        let added = Signature { keyid: key.id(), sig: Base64(raw) };
        let signatures = match &self.place {
            Place::Slot(writable) => {
                let signatures = self.front.signatures.with(added);
                writable.write(&self.front, &signatures)?;
                signatures
            }
            Place::File(path) => {
                let signatures = beside(path, &self.front.signatures)?.with(added);
                let bytes = signatures
                    .render()
                    .map_err(|error| Failure::new(Code::IoError, &self.name, error.to_string()))?;
                replace(path, &bytes)?;
                signatures
            }
        };
        Ok(Signed {
            bundle: self.id,
            folder: self.manifest.folder(),
            key: key.id(),
            standing,
            signatures: signatures.len(),
        })
    }
}

/// The signatures in a file beside the bundle, if it is there, and those of the bundle.
fn beside(path: &Path, in_bundle: &Signatures) -> Result<Signatures, Failure> {
    if !exists(path) {
        return Ok(in_bundle.clone());
    }
    let bytes = read_limited(path, MAX_SLOT as u64)?;
    let there = Signatures::from_slot(&bytes).map_err(|error| {
        Failure::new(Code::SignaturesMalformed, path.display().to_string(), "is no file of signatures")
            .found(error)
            .hint("name another file with -o: this one is not overwritten")
    })?;
    Ok(there.iter().fold(in_bundle.clone(), |all, signature| all.with(signature.clone())))
}

/// The role that a root gives a key; none is a refusal.
fn standing(
    root: &Path,
    key: &PublicKey,
    manifest: &Manifest,
    printer: &Printer,
) -> Result<Standing, Failure> {
    let subject = root.display().to_string();
    let bytes = read_limited(root, manifests::root::MAX_ROOT_BYTES as u64)?;
    let candidate = Candidate::read(&bytes, &subject)?;
    let required = candidate.root().required_roles(&manifest.bundle().name);
    for (name, role) in candidate.root().document().roles.iter().filter(|(name, _)| required.contains(name)) {
        let owners: Vec<&str> = role.owners.iter().map(Name::as_str).collect();
        let (threshold, owners) = (role.threshold, owners.join(", "));
        printer.detail(|| format!("{subject} needs role {name}: {threshold} of {owners}"));
    }
    let refused = |what: &str| {
        let name = &manifest.bundle().name;
        Failure::new(Code::NoRole, format!("key {}", key.id().hex()), what.to_owned())
            .expected(format!("a key whose owner has a role that {subject} requires for `{name}`"))
    };
    let owner =
        candidate.ring().owner(key.id()).ok_or_else(|| refused("belongs to nobody in the trust root"))?;
    let role = candidate.root().bundle_role(owner).ok_or_else(|| {
        refused("has no role for bundles in the trust root").found(format!("owner `{owner}`"))
    })?;
    if !required.contains(role) {
        return Err(refused("has a role that this bundle does not need").found(format!("role `{role}`")));
    }
    Ok(Standing { owner: owner.clone(), role: role.clone() })
}
