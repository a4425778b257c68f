// SPDX-License-Identifier: Apache-2.0
//! What the far side will do with a bundle, done here first, by the far side's own code.

use std::path::Path;

use verifier::archive::reader::Archive;
use verifier::contents::{self, Contents, Nowhere, Proof, Unwatched};
use verifier::error::Refusal;
use verifier::media::Medium;
use verifier::trust::UnsignedManifest;

/// Proves every byte of a bundle against its own manifest. Who signed it is another question.
pub fn prove(path: &Path) -> Result<Contents<UnsignedManifest>, Refusal> {
    let archive = Archive::open(Medium::open(path)?)?;
    archive.signatures()?;
    let manifest = UnsignedManifest::read(archive.manifest())?;
    let proof = Proof { sink: &Nowhere, watch: &Unwatched, progress: &|_| {} };
    contents::prove(archive, manifest, proof)
}
