// SPDX-License-Identifier: Apache-2.0
//! What must hold of all that is for some hosts only, and of what Notation is given (`docs/formats/manifest.md` §3.16–3.18).

use std::collections::BTreeSet;

use super::{Claims, inconsistent, limit, text};
use crate::bundle::error::ManifestError;
use crate::bundle::platform::Package;
use crate::bundle::{Artifact, FileInstall, Predicate, TrustPolicy, TrustStore};
use crate::name::{Name, fold};
use crate::size::wide;

/// Most checks of a bundle: each starts a program on every host.
pub const MAX_CHECKS: usize = 1_000;
/// Most certificates of trust stores and trust policies together: each is judged as a whole, and an enclave has a few.
pub const MAX_TRUSTED: usize = 100;

/// What is wrong with the hosts that an artifact is for; none where it can be installed on them.
pub(super) fn platform_fault(artifact: &Artifact) -> Option<&'static str> {
    let platform = artifact.platform?;
    if let Some(fault) = platform.fault() {
        return Some(fault);
    }
    let action = artifact.install.as_ref();
    let os = platform.os.or_else(|| platform.package.and_then(Package::os));
    match (os, action.and_then(FileInstall::os)) {
        (Some(os), Some(only)) if os != only => {
            return Some("is installed in a way that hosts of its operating system do not know");
        }
        _ => {}
    }
    match (platform.package, action.and_then(FileInstall::package)) {
        (Some(package), Some(only)) if package != only => {
            Some("is installed in another way than the packages that it is for")
        }
        _ => None,
    }
}

impl<'m> Claims<'m> {
    pub(super) fn trust_stores(mut self, predicate: &'m Predicate) -> Result<Self, ManifestError> {
        let certificates: usize = predicate.trust_stores.iter().map(|store| store.certificates.len()).sum();
        let trusted = certificates.saturating_add(predicate.trust_policies.len());
        limit("certificates of trust stores, and trust policies", wide(trusted), wide(MAX_TRUSTED))?;
        let mut stores = BTreeSet::new();
        for store in &predicate.trust_stores {
            let TrustStore { name, store_type, certificates, .. } = store;
            if name.as_str().contains(['+', '~']) {
                return inconsistent(name.as_str(), "is a name of a trust store that Notation does not take");
            }
            if !stores.insert((store_type, fold(name.as_str()))) {
                return inconsistent(name.as_str(), "is the name of two trust stores of one type");
            }
            let names: BTreeSet<String> =
                certificates.iter().map(|certificate| fold(certificate.file.file_name())).collect();
            if names.is_empty() || names.len() != certificates.len() {
                return inconsistent(name.as_str(), "has no certificate, or two in files of one name");
            }
            for certificate in certificates {
                self.claim(name, &certificate.file)?;
            }
        }
        Ok(self)
    }

    pub(super) fn trust_policies(mut self, predicate: &'m Predicate) -> Result<Self, ManifestError> {
        let mut files = BTreeSet::new();
        let mut policies: BTreeSet<(String, Option<&Name>)> = BTreeSet::new();
        for policy in &predicate.trust_policies {
            let TrustPolicy { name, partition, file, parameters } = policy;
            let called = fold(name.as_str());
            // One for all beside one for some would be two at one place.
            let taken = policies.iter().any(|(other, of)| {
                *other == called && (of.is_none() || partition.is_none() || *of == partition.as_ref())
            });
            if taken {
                return inconsistent(name.as_str(), "is the name of two trust policies of one partition");
            }
            policies.insert((called, partition.as_ref()));
            let distinct: BTreeSet<&Name> = parameters.iter().collect();
            if distinct.len() != parameters.len() {
                return inconsistent(name.as_str(), "names a parameter twice");
            }
            if !files.insert(file) {
                return inconsistent(name.as_str(), "has the same file as another trust policy");
            }
            self.claim(name, file)?;
        }
        Ok(self)
    }

    pub(super) fn checks(self, predicate: &'m Predicate) -> Result<Self, ManifestError> {
        limit("checks", wide(predicate.checks.len()), wide(MAX_CHECKS))?;
        let mut names = BTreeSet::new();
        for check in &predicate.checks {
            text("checks", &check.name)?;
            if !names.insert(&check.name) {
                return inconsistent(check.name.as_str(), "is the name of two checks");
            }
            // An item that belongs to a component is none by itself: a check of it would run nowhere.
            if let Some(component) = &check.component
                && !self.components.contains(component)
                && !self.alone.contains(component)
            {
                return inconsistent(check.name.as_str(), "belongs to a component that does not exist");
            }
            if let Some(fault) = check.fault() {
                return inconsistent(check.name.as_str(), fault);
            }
        }
        Ok(self)
    }
}
