// SPDX-License-Identifier: Apache-2.0
//! Files that a bundle carries for Notation: judged the same way when they are locked, built, and verified.

use std::io;

use manifests::bundle::StoreType;
use manifests::digest::Sha256Digest;

use super::Malformed;
use super::policy::TrustPolicy;
use super::store::certificates;
use super::template::{Template, TemplateError};
use crate::signature::Stop;
use crate::signature::x509::Budget;

/// Why a file has no place in a trust store.
#[derive(Debug, thiserror::Error)]
pub enum Misplaced {
    /// It holds one certificate, and it is another.
    #[error("the certificate {0}")]
    Another(Sha256Digest),
    /// A store is trusted as a whole: what is not pinned must not be in it.
    #[error("{0} certificates")]
    Several(usize),
    /// Notation would not take it in a store of this type.
    #[error("{0}")]
    NoAnchor(String),
    /// It could not be read.
    #[error(transparent)]
    Read(#[from] io::Error),
}

/// Accepts a file of a trust store that holds the certificate that is pinned and no other.
pub fn require_alone(file: &[u8], store_type: StoreType, pinned: Sha256Digest) -> Result<(), Misplaced> {
    let found = certificates(file, store_type, &Budget::default()).map_err(|stop| match stop {
        Stop::Found(_, note) => Misplaced::NoAnchor(note),
        Stop::Read(error) => Misplaced::Read(error),
    })?;
    match found.as_slice() {
        [one] if one.digest() == pinned => Ok(()),
        [one] => Err(Misplaced::Another(one.digest())),
        several => Err(Misplaced::Several(several.len())),
    }
}

/// Why a document is no trust policy.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// As a template.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// By the Notary Project's rules.
    #[error(transparent)]
    Rule(#[from] Malformed),
}

/// A trust policy by every rule, with something plausible in the place of parameters that are still open.
pub fn policy(template: &Template) -> Result<TrustPolicy, Unfit> {
    Ok(TrustPolicy::read(&template.stand_in()?)?)
}
