// SPDX-License-Identifier: Apache-2.0
//! What the far side will do with a bundle, done here first, by the far side's own code.

use std::path::Path;

use verifier::archive::reader::Archive;
use verifier::contents::{self, Contents, Nowhere, Proof};
use verifier::error::Refusal;
use verifier::media::Medium;
use verifier::signature::approve::{Approved, Vendors, approve};
use verifier::trust::{Claim, UnsignedManifest};

/// Proves every byte of a bundle against its own manifest, and every vendor's signature in it.
///
/// Judged at the bundle's `created`, so that an old lock still builds. Who signed the bundle itself is
/// another question.
pub fn prove(path: &Path) -> Result<Approved<Contents<UnsignedManifest>>, Refusal> {
    let archive = Archive::open(Medium::open(path)?)?;
    archive.signatures()?;
    let claim = UnsignedManifest::read(archive.manifest())?;
    let now = claim.manifest().bundle().created;
    let proof = Proof { sink: &Nowhere, watch: &Vendors { now }, progress: &|_| {} };
    approve(contents::prove(archive, claim, proof)?, now)
}
