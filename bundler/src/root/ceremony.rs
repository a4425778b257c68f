// SPDX-License-Identifier: Apache-2.0
//! Roots as files: an envelope that grows by one signature at a time.

use std::path::{Path, PathBuf};

use manifests::digest::Sha256Digest;
use manifests::dsse::{Base64, Envelope, ROOT_TYPE, Signature, Signatures};
use manifests::name::Name;
use manifests::root::{MAX_ROOT_BYTES, ROOT_ROLE, RootDocument};
use verifier::error::Code;
use verifier::trust::root::Candidate;
use verifier::trust::threshold::{self, Signers, Tally};

use super::change::{self, Change};
use crate::failure::Failure;
use crate::files::{Access, create_new, read_limited, replace};
use crate::sign::key_file::KeyPair;

/// A root file that was read; its signatures are counted, but whether to trust it is the host's decision.
pub struct Root {
    path: PathBuf,
    candidate: Candidate,
}

/// What `root sign` did.
#[derive(Clone, Debug)]
pub struct RootSigned {
    /// Who signed.
    pub owner: Name,
    /// With which key.
    pub key: Sha256Digest,
    /// How many of the root's owners have signed now, and how many must.
    pub tally: Tally,
}

impl Root {
    /// Reads a root file.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        Self::from_bytes(&read_limited(path, MAX_ROOT_BYTES as u64)?, path)
    }

    fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self, Failure> {
        let candidate = Candidate::read(bytes, &path.display().to_string())?;
        Ok(Self { path: path.to_owned(), candidate })
    }

    /// What it says.
    pub fn document(&self) -> &RootDocument {
        self.candidate.root().document()
    }

    /// SHA-256 of the signed payload.
    pub fn fingerprint(&self) -> Sha256Digest {
        self.candidate.fingerprint()
    }

    /// Who of its own owners signed it.
    pub fn signers(&self) -> Result<Signers, Failure> {
        Ok(self.candidate.signed_by(self.candidate.ring())?)
    }

    /// How many of its `root` owners signed, and how many must.
    pub fn tally(&self) -> Result<Tally, Failure> {
        let (Ok(tally) | Err(tally)) =
            threshold::require(&self.document().roles[ROOT_ROLE], &self.signers()?);
        Ok(tally)
    }
}

/// Makes the first root.
pub fn create(change: &Change, output: &Path) -> Result<Root, Failure> {
    write_new(change::new(change)?, output)
}

/// Makes the root after `old`.
pub fn next(old: &Root, change: &Change, output: &Path) -> Result<Root, Failure> {
    write_new(change::next(old.document(), change)?, output)
}

fn write_new(document: RootDocument, output: &Path) -> Result<Root, Failure> {
    let root = manifests::root::Root::new(document)
        .map_err(|error| Failure::usage("the root", format!("would contradict itself: {error}")))?;
    let io = |error: &dyn std::fmt::Display| {
        Failure::new(Code::IoError, output.display().to_string(), format!("cannot be made: {error}"))
    };
    let payload = root.render().map_err(|error| io(&error))?;
    let envelope = Envelope {
        payload_type: ROOT_TYPE.to_owned(),
        payload: Base64(payload),
        signatures: Signatures::default(),
    };
    let bytes = envelope.render().map_err(|error| io(&error))?;
    // What hosts would refuse is not written.
    let root = Root::from_bytes(&bytes, output)?;
    create_new(output, &bytes, Access::Public)?;
    Ok(root)
}

/// Adds a signature by an owner of role `root`: in this root, or in the one that it follows.
pub fn sign(root: &Root, key: &KeyPair, previous: Option<&Root>) -> Result<RootSigned, Failure> {
    let keyid = key.public().id();
    let roots = [Some(root), previous];
    let owner = roots.into_iter().flatten().find_map(|root| {
        let owner = root.candidate.ring().owner(keyid)?;
        root.document().roles[ROOT_ROLE].owners.contains(owner.as_str()).then(|| owner.clone())
    });
    let owner = owner.ok_or_else(|| {
        let failure = Failure::new(Code::NoRole, format!("key {}", keyid.hex()), "has no part in this root")
            .expected(format!("a key of an owner in the role `{ROOT_ROLE}` of {}", root.path.display()));
        match previous {
            None => failure.hint("when the owner is leaving, name the root before this one with --previous"),
            Some(_) => failure,
        }
    })?;
    if let Some(previous) = previous {
        require_consecutive(root, previous)?;
    }
    let envelope = root.candidate.envelope();
    let signature = Signature { keyid, sig: Base64(key.sign(&envelope.pae())) };
    let signed = Envelope { signatures: envelope.signatures.with(signature), ..envelope.clone() };
    let bytes = signed
        .render()
        .map_err(|error| Failure::new(Code::IoError, root.path.display().to_string(), error.to_string()))?;
    // Hosts hold it against the owners of both roots, and refuse it for one bad signature: so does this.
    let signed = Root::from_bytes(&bytes, &root.path)?;
    let tally = signed.tally()?;
    if let Some(previous) = previous {
        signed.candidate.signed_by(previous.candidate.ring())?;
    }
    replace(&root.path, &bytes)?;
    Ok(RootSigned { owner, key: keyid, tally })
}

fn require_consecutive(root: &Root, previous: &Root) -> Result<(), Failure> {
    let (version, before) = (root.document().version, previous.document().version);
    if before.next() == Some(version) {
        return Ok(());
    }
    Err(Failure::new(Code::RootGap, previous.path.display().to_string(), "is not the root before this one")
        .expected(format!("version {}", version.get() - 1))
        .found(format!("version {before}")))
}
