// SPDX-License-Identifier: Apache-2.0
//! Trust stores and trust policies, judged as Notation on the target will: when they are locked, and again when they
//! are built.

use std::collections::BTreeSet;

use manifests::bundle::StoreType;
use verifier::error::Code;
use verifier::notary::carried::{self, Misplaced, require_alone};
use verifier::notary::identity::Identity;
use verifier::notary::policy::Statement;
use verifier::notary::template::{Template, Values};

use crate::failure::Failure;
use crate::recipe::{Authority, Recipe, TrustPolicy};

pub use verifier::notary::policy::MAX_POLICY_BYTES;

/// Refuses a file of a trust store that is anything but the one certificate that the recipe pins.
pub fn require_certificate(
    recipe: &Recipe,
    store_type: StoreType,
    certificate: &Authority,
    bytes: &[u8],
) -> Result<(), Failure> {
    let refused = |code, what: &str| {
        let failure = Failure::new(code, &certificate.source.text, what).expected(certificate.fingerprint);
        recipe.beside(&certificate.source, failure)
    };
    match require_alone(bytes, store_type, certificate.fingerprint) {
        Ok(()) => Ok(()),
        Err(Misplaced::Read(error)) => Err(Failure::reading(&certificate.source.text, &error)),
        Err(found @ Misplaced::Another(_)) => {
            Err(refused(Code::EvidenceWrongSigner, "is another certificate than the recipe pins")
                .found(found))
        }
        Err(found @ Misplaced::NoAnchor(_)) => {
            Err(refused(Code::TrustStoreInvalid, "is no certificate for a trust store").found(found))
        }
        Err(found @ Misplaced::Several(_)) => {
            Err(refused(Code::TrustStoreInvalid, "holds several certificates, where the recipe pins one")
                .found(found)
                .hint("a trust store is trusted as a whole: split the file, and pin each certificate"))
        }
    }
}

/// A trust policy, with the values of `--set` filled in, and every rule of the Notary Project checked: for parameters
/// that are still open, with stand-ins.
pub fn filled(recipe: &Recipe, wanted: &TrustPolicy, bytes: &[u8]) -> Result<Template, Failure> {
    let at = &wanted.template;
    let refused = |what: String| recipe.beside(at, Failure::new(Code::TrustPolicyInvalid, &at.text, what));
    let template = Template::read(bytes).map_err(|wrong| refused(format!("is no template: {wrong}")))?;
    let declared: BTreeSet<_> = wanted.parameters.iter().cloned().collect();
    if let Some(unknown) = template.parameters().difference(&declared).next() {
        return Err(refused(format!("uses the parameter `{unknown}`, which its `parameters` do not name"))
            .hint(format!("name it: parameters = [\"{unknown}\"]")));
    }
    if let Some(unused) = declared.difference(template.parameters()).next() {
        return Err(refused(format!("does not use the parameter `{unused}`"))
            .expected(format!("a string \"${unused}\" in it"))
            .hint("correct the template, or take the name out of `parameters`"));
    }
    let mut values = Values::new();
    for name in &wanted.parameters {
        if let Some(value) = recipe.sets().get(name.as_str()) {
            values.insert(name.clone(), several(name.as_str(), value)?);
        }
    }
    let template = template.fill(&values).map_err(|wrong| refused(wrong.to_string()))?;
    let policy = carried::policy(&template)
        .map_err(|wrong| refused(format!("breaks a rule of trust policies: {wrong}")))?;
    // Notation accepts such identities, and then nobody has them: an ARN with a slip in it would shut all out.
    let mut identities = policy.statements().iter().flat_map(Statement::identities);
    match identities.find(|identity| matches!(identity, Identity::Unknown(_))) {
        Some(Identity::Unknown(text)) => Err(refused(format!(
            "trusts an identity that no signature has: `{text}`"
        ))
        .expected(
            "*, x509.subject:C=…, ST=…, O=…, or arn:PARTITION:signer:REGION:ACCOUNT:/signing-profiles/NAME",
        )),
        _ => Ok(template),
    }
}

/// The values of `--set NAME=VALUE`: a list of JSON, or one text as it stands.
fn several(name: &str, value: &str) -> Result<Vec<String>, Failure> {
    if !value.starts_with('[') {
        return Ok(vec![value.to_owned()]);
    }
    serde_json::from_str(value).map_err(|error| {
        Failure::usage(format!("--set {name}"), format!("is no list of texts: {error}"))
            .expected(format!("--set {name}=TEXT, or --set '{name}=[\"TEXT\", \"TEXT\"]'"))
    })
}

/// What is valid in a policy and probably not meant: stores that the recipe does not carry, and what the policy's own
/// reader notes.
pub fn doubts(recipe: &Recipe, wanted: &TrustPolicy, filled: &Template) -> Vec<String> {
    let Ok(document) = carried::policy(filled) else { return Vec::new() };
    let mut doubts = document.notes();
    let carried: BTreeSet<String> = recipe
        .trust_stores
        .iter()
        .filter(|store| store.partition.is_none() || store.partition == wanted.partition)
        .map(crate::recipe::TrustStore::reference)
        .collect();
    let stores = document.stores().into_iter().map(ToString::to_string);
    let missing: Vec<String> = stores.filter(|store| !carried.contains(store)).collect();
    if !missing.is_empty() {
        doubts.push(format!("names trust stores that this recipe does not carry: {}", missing.join(", ")));
    }
    doubts
}
