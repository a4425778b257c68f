// SPDX-License-Identifier: Apache-2.0
//! Recipe + lock + store + local files → a bundle, with nobody's signature yet; nothing is fetched.
//!
//! In: a recipe, the lock made from it, and the store where the lock has URLs. Out: a file of which the verifier's own code has proven every
//! byte before it got its name. The same recipe, lock and files give the same bytes, whoever builds where.

pub mod archive;
pub mod manifest;
mod output;
pub(crate) mod prove;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use manifests::digest::Sha256Digest;
use verifier::hash::sha256;
use verifier::report::human::size;

use crate::digest::{Job, read_all};
use crate::failure::{Failure, Failures};
use crate::lock::Lock;
use crate::recipe::Recipe;
use crate::report::Printer;
use crate::store::Store;

pub use output::Existing;
pub use prove::prove;

/// A finished bundle.
#[derive(Clone, Debug)]
pub struct Built {
    /// Where it is.
    pub path: PathBuf,
    /// SHA-256 of the manifest: the bundle's identity.
    pub id: Sha256Digest,
    /// Files in the payload.
    pub files: usize,
    /// Bytes of the payload.
    pub payload: u64,
    /// Bytes of the archive.
    pub size: u64,
    /// Whether it was there already, byte for byte but for its signatures.
    pub outcome: Outcome,
}

/// What became of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A new file.
    Written,
    /// The same bundle was there already; it was left alone, with the signatures that it has.
    Unchanged,
}

/// Builds a bundle.
pub fn build(
    recipe: &Recipe,
    lock: &Lock,
    store: Option<&Arc<Store>>,
    output: &Path,
    existing: Existing,
    printer: &Printer,
) -> Result<Built, Failures> {
    let plan = manifest::plan(recipe, lock, store)?;
    Ok(write(&plan, output, existing, printer)?)
}

fn write(
    plan: &manifest::Plan,
    output: &Path,
    existing: Existing,
    printer: &Printer,
) -> Result<Built, Failure> {
    let layout = archive::Layout::new(plan)?;
    let part = output::Part::create(output, existing, layout.size())?;

    let jobs: Vec<Job> = layout.jobs(plan);
    for entry in &plan.entries {
        printer.detail(|| format!("{} from {}: {}", entry.path, entry.name, size(entry.locked.size)));
    }
    let payload = plan.entries.iter().map(|entry| entry.locked.size).sum();
    let read = read_all(&jobs, Some(part.file()), &printer.progress("building", payload))?;
    let chains = archive::chains(&read);
    let manifest = plan.manifest(sha256::digest(&chains))?;
    layout.write_front(part.file(), &manifest, &chains)?;
    part.sync()?;

    prove(part.path(), printer)?;
    let rendered = manifest::render(&manifest)?;
    let outcome = part.publish(layout.slot())?;
    Ok(Built {
        path: output.to_owned(),
        id: sha256::digest(&rendered),
        files: plan.entries.len(),
        payload,
        size: layout.size(),
        outcome,
    })
}

/// Where a bundle is written when nobody says: `NAME-VERSION.bundle.tar` in the current folder.
pub fn default_output(recipe: &Recipe) -> PathBuf {
    PathBuf::from(format!("{}-{}.bundle.tar", recipe.bundle.name, recipe.bundle.version))
}
