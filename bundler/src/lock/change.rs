// SPDX-License-Identifier: Apache-2.0
//! A URL that brings other bytes than the lock says: what was, what is now, and what to do.

use manifests::name::Name;
use verifier::error::Code;

use super::supply::Supply;
use super::{Lock, LockedSignature};
use crate::failure::Failure;
use crate::inside;
use crate::recipe::{Artifact, Location};

/// Whose file it is.
pub(super) enum Owner<'a> {
    Artifact(&'a Artifact),
    /// A signer, trust store or trust policy.
    Named(&'a Name),
}

impl Owner<'_> {
    const fn name(&self) -> &Name {
        match self {
            Self::Artifact(artifact) => &artifact.name,
            Self::Named(name) => name,
        }
    }
}

/// The refusal, where the lock before says something else of this file; `judged` is what became of the check of the
/// new files.
pub(super) fn refusal(
    supply: &Supply<'_>,
    owner: &Owner<'_>,
    location: &Location,
    judged: Option<&Result<Vec<LockedSignature>, Failure>>,
) -> Option<Failure> {
    let found = supply.find(location)?.remote?;
    let before = found.before?;
    let name = owner.name();
    let (was, is) = match owner {
        Owner::Artifact(artifact) => {
            let whole = location.text == artifact.source.text;
            let version = |version: Option<String>| {
                version.filter(|_| whole).map(|version| format!(", version {version}")).unwrap_or_default()
            };
            (
                version(version_before(supply.before(), name)) + &signed_before(supply.before(), name),
                version(version_now(supply, location)) + &judged.map(told).unwrap_or_default(),
            )
        }
        Owner::Named(_) => (String::new(), String::new()),
    };
    let failure = Failure::new(Code::LockOutdated, &location.text, "is another file than the lock says")
        .expected(format!("{before}{was}"))
        .found(format!("{}{is}", found.state));
    let failure = match judged {
        Some(Err(_)) => failure.hint("do not update: what the server has now would be refused; ask the vendor"),
        _ => failure.hint(format!(
            "where the vendor has published a new one, run `bundler update {name}`, and review what it changes in the lock"
        )),
    };
    Some(supply.recipe.beside(location, failure))
}

fn version_before(before: Option<&Lock>, name: &Name) -> Option<String> {
    before?.artifacts.get(name)?.inside.as_ref()?.version.clone()
}

fn version_now(supply: &Supply<'_>, location: &Location) -> Option<String> {
    inside::of_file(&supply.find(location)?.path).ok()??.facts.version
}

fn signed_before(before: Option<&Lock>, name: &Name) -> String {
    before.and_then(|lock| lock.artifacts.get(name)).map(|locked| by(&locked.signatures)).unwrap_or_default()
}

fn told(judged: &Result<Vec<LockedSignature>, Failure>) -> String {
    match judged {
        Ok(signatures) => by(signatures),
        Err(failure) => format!(", not signed as the recipe asks: it {}", failure.refusal().what),
    }
}

fn by(signatures: &[LockedSignature]) -> String {
    let one = |signature: &LockedSignature| match signature.signed_at {
        Some(time) => format!("{} at {time}", signature.signer),
        None => signature.signer.clone(),
    };
    let all: Vec<String> = signatures.iter().map(one).collect();
    if all.is_empty() { String::new() } else { format!(", signed by {}", all.join(" and ")) }
}
