// SPDX-License-Identifier: Apache-2.0
//! `verifier check` on what Notation is given to trust: is it valid by every rule. Nothing is signed in it, so `good`
//! says that, and no more.

use std::io::Read;

use manifests::evidence::{Covered, Evidence};
use manifests::json::JsonError;

use super::Request;
use super::read::{FileError, is_standard_input};
use crate::bytes::{Bytes, Sequential};
use crate::notary::Malformed;
use crate::notary::policy::{MAX_POLICY_BYTES, TrustPolicy};
use crate::notary::store::{self, Store};
use crate::signature::digest::sha256;
use crate::signature::{Reason, Stop, evidence};

const POLICY: &str = "trust-policy";
const STORE: &str = "trust-store";

pub(super) fn trust_policy(file: &dyn Bytes, request: &Request<'_>) -> Result<Evidence, FileError> {
    let most = u64::try_from(MAX_POLICY_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    let read = Sequential::new(file).take(most).read_to_end(&mut bytes);
    read.map_err(|source| FileError::reading(request.file, source))?;
    let policy = match TrustPolicy::read(&bytes) {
        Ok(policy) => policy,
        Err(error) => {
            let reason = match &error {
                Malformed::Json(JsonError::TooLong { .. }) => Reason::LimitExceeded,
                _ => Reason::TrustPolicyMalformed,
            };
            return Ok(Evidence { notes: vec![error.to_string()], ..evidence(POLICY, Err(reason)) });
        }
    };
    let mut stores: Vec<String> = policy.stores().iter().map(ToString::to_string).collect();
    if stores.is_empty() {
        stores.push("no store".to_owned());
    }
    let covers = vec![Covered { what: "whole file".to_owned(), digest: sha256(&bytes) }];
    let not_checked = vec![format!("whether these trust stores exist: {}", stores.join(", "))];
    Ok(Evidence { covers, not_checked, notes: policy.notes(), ..evidence(POLICY, Ok(())) })
}

pub(super) fn trust_store(request: &Request<'_>) -> Result<Evidence, FileError> {
    let reading = |source| FileError::reading(request.file, source);
    if is_standard_input(request.file) {
        return Err(FileError::Demand("trust-store needs a folder, not standard input".to_owned()));
    }
    if !request.file.metadata().map_err(reading)?.is_dir() {
        let note = "a trust store is a folder: name the one that holds x509, or one x509/TYPE/NAME";
        return Stop::found(Reason::TrustStoreMalformed, note).into_evidence(STORE).map_err(reading);
    }
    match store::read(request.file) {
        Ok(stores) => Ok(sound(&stores, request)),
        Err(stop) => stop.into_evidence(STORE).map_err(reading),
    }
}

/// Each certificate with its digest, for whoever compares them with what was handed over.
fn sound(stores: &[Store], request: &Request<'_>) -> Evidence {
    let mut found = evidence(STORE, Ok(()));
    for store in stores {
        for file in &store.files {
            for certificate in &file.certificates {
                let what = format!("{}/{}: {}", store.name.path(), file.name, certificate.subject());
                if certificate.not_after() < request.now {
                    found.notes.push(format!("{what} ended on {}", certificate.not_after()));
                }
                found.covers.push(Covered { what, digest: certificate.digest() });
            }
        }
    }
    found.not_checked.push("revocation".to_owned());
    found
}
