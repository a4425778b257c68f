// SPDX-License-Identifier: Apache-2.0
//! Where in the bundle the files of a recipe lie (`docs/formats/manifest.md` §1.16), and with it the
//! recipe's signers and demands as a manifest has them.

use std::collections::BTreeSet;

use manifests::bundle::{self, EvidenceDemand};
use manifests::name::{Name, PortablePath};
use verifier::cli::Kind;

use crate::failure::Failure;
use crate::recipe::{Artifact, Location, Recipe, Signature, Signer, TrustPolicy, TrustStore};

/// A file in the folder of an artifact, tree or signer: under its own base name.
fn file(recipe: &Recipe, folder: &str, path: &Location) -> Result<PortablePath, Failure> {
    PortablePath::new(&format!("{folder}/{}", path.file_name()))
        .map_err(|error| recipe.error(path, format!("names a file whose name {}", error.rule())))
}

/// The file of an artifact, or one of its signatures.
pub fn beside(recipe: &Recipe, artifact: &Name, path: &Location) -> Result<PortablePath, Failure> {
    file(recipe, &format!("files/{artifact}"), path)
}

/// A signer's key or CA certificate.
pub fn of_signer(recipe: &Recipe, signer: &Name, path: &Location) -> Result<PortablePath, Failure> {
    file(recipe, &format!("files/signers/{signer}"), path)
}

/// A certificate of a trust store.
pub fn of_trust_store(recipe: &Recipe, store: &TrustStore, path: &Location) -> Result<PortablePath, Failure> {
    file(recipe, &format!("files/trust-stores/{}/{}", store.store_type.as_str(), store.name), path)
}

/// A trust policy.
pub fn of_trust_policy(recipe: &Recipe, policy: &TrustPolicy) -> Result<PortablePath, Failure> {
    PortablePath::new(&format!("files/trust-policies/{}", policy.key())).map_err(|error| {
        recipe.error(&policy.template, format!("is carried under a name that {}", error.rule()))
    })
}

/// Refuses a trust store with two files of one name.
pub fn require_distinct_certificates(recipe: &Recipe, store: &TrustStore) -> Result<(), Failure> {
    require_distinct(recipe, store.certificates.iter().map(|certificate| &certificate.source).collect())
}

/// A signer as the manifest has it.
pub fn signer(recipe: &Recipe, name: &Name, signer: &Signer) -> Result<bundle::Signer, Failure> {
    require_distinct(recipe, signer.sources())?;
    signer.in_bundle(|path| of_signer(recipe, name, path))
}

/// What one signature of an artifact amounts to; `kind` is that of one inside the artifact.
pub fn demand(
    recipe: &Recipe,
    artifact: &Name,
    signer: &Name,
    signature: &Signature,
    kind: Kind,
) -> Result<EvidenceDemand, Failure> {
    let signer = signer.clone();
    let place = |path: &Location| beside(recipe, artifact, path);
    Ok(match signature {
        Signature::Detached(signature) => EvidenceDemand::Openpgp { signer, signature: place(signature)? },
        Signature::Member { member, signature } => {
            EvidenceDemand::ZipMember { signer, member: member.clone(), signature: place(signature)? }
        }
        Signature::Repository { release, signature, packages } => EvidenceDemand::AptDeb {
            signer,
            release: place(release)?,
            signature: signature.as_ref().map(place).transpose()?,
            packages: place(packages)?,
        },
        Signature::Embedded { member, span } => match kind {
            Kind::Authenticode => EvidenceDemand::Authenticode { signer, member: member.clone() },
            Kind::AppleCode => EvidenceDemand::AppleCode { signer, member: member.clone() },
            Kind::Rpm if member.is_none() => EvidenceDemand::Rpm { signer },
            Kind::Deb if member.is_none() => EvidenceDemand::Deb { signer },
            Kind::ApplePkg if member.is_none() => EvidenceDemand::ApplePkg { signer },
            _ => {
                return Err(recipe
                    .error_at(span.clone(), "says `embedded` of a file that carries no signature inside")
                    .expected(match member {
                        None => "an rpm, a deb, an exe, dll, sys, msi or cab, a macOS package or program",
                        Some(_) => "a member that is an exe, dll, sys, msi or cab, or a macOS program",
                    })
                    .found(kind.as_str())
                    .hint("name the file of its signature, or say why it is `unsigned`"));
            }
        },
    })
}

/// Refuses two files of one artifact that would lie at one place of the bundle.
pub fn require_no_collision(
    recipe: &Recipe,
    artifact: &Artifact,
    signatures: &[Signature],
) -> Result<(), Failure> {
    let mut sources = vec![&artifact.source];
    let mut seen = BTreeSet::new();
    // One index of a repository may serve several signatures.
    sources.extend(signatures.iter().flat_map(Signature::sources).filter(|path| seen.insert(&*path.text)));
    require_distinct(recipe, sources)
}

fn require_distinct(recipe: &Recipe, sources: Vec<&Location>) -> Result<(), Failure> {
    let mut taken = BTreeSet::new();
    match sources.into_iter().find(|path| !taken.insert(path.file_name().to_lowercase())) {
        None => Ok(()),
        Some(path) => Err(recipe
            .error(path, "has the file name of another file of this artifact, signer or trust store")
            .hint("they lie in one folder of the bundle: rename one of them")),
    }
}
