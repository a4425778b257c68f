// SPDX-License-Identifier: Apache-2.0
//! What the far side will do with a bundle, done here first, by the far side's own code.

use std::path::Path;

use verifier::archive::reader::Archive;
use verifier::contents::{self, Contents, Nowhere, Proof};
use verifier::error::Refusal;
use verifier::media::Medium;
use verifier::signature::approve::{Approved, Basis, Vendors, approve};
use verifier::trust::{Claim, UnsignedManifest};

use crate::report::Printer;

/// Proves every byte of a bundle against its own manifest, and every vendor's signature in it.
///
/// Judged at the bundle's `created`, so that an old lock still builds. Who signed the bundle itself is
/// another question.
pub fn prove(path: &Path, printer: &Printer) -> Result<Approved<Contents<UnsignedManifest>>, Refusal> {
    prove_medium(Medium::open(path)?, printer)
}

/// The same for a bundle that is open.
pub(crate) fn prove_medium(
    medium: Medium,
    printer: &Printer,
) -> Result<Approved<Contents<UnsignedManifest>>, Refusal> {
    let archive = Archive::open(medium)?;
    archive.signatures()?;
    let claim = UnsignedManifest::read(archive.manifest())?;
    let now = claim.manifest().bundle().created;
    let total = claim.manifest().files().map(|(file, _)| file.size).sum();
    let progress = printer.progress("proving", total);
    let proof = Proof { sink: &Nowhere, watch: &Vendors { now }, progress: &|bytes| progress.add(bytes) };
    let approved = approve(contents::prove(archive, claim, proof)?, now)?;
    drop(progress);
    for approval in approved.approvals() {
        printer.detail(|| format!("proven {}: {}", approval.name, basis(&approval.basis)));
    }
    Ok(approved)
}

fn basis(basis: &Basis) -> String {
    match basis {
        Basis::Unsigned(reason) => format!("unsigned: {reason}"),
        Basis::Vendor(evidence) => {
            let signers: Vec<&str> = evidence.iter().map(|(signer, _)| signer.as_str()).collect();
            format!("signed by {}", signers.join(" and "))
        }
    }
}
