// SPDX-License-Identifier: Apache-2.0
//! Trust stores and trust policies, judged as Notation on the target will: when they are locked, and again when they
//! are built.

use std::collections::{BTreeMap, BTreeSet};

use manifests::bundle::StoreType;
use manifests::name::Name;
use verifier::error::Code;
use verifier::notary::carried::{self, Misplaced, require_alone};
use verifier::notary::identity::Identity;
use verifier::notary::policy::Statement;
use verifier::notary::template::{Template, Values};

use super::change::{self, Owner};
use super::supply::Supply;
use super::{LockedFile, LockedKeys};
use crate::failure::{Failure, Gathered};
use crate::place;
use crate::recipe::{Authority, Location, Recipe, TrustPolicy};
use crate::report::Printer;

pub use verifier::notary::policy::MAX_POLICY_BYTES;

/// The partitions of AWS, whose signing profiles say which they are of.
const PARTITIONS: [&str; 3] = ["aws", "aws-us-gov", "aws-cn"];

/// A small file that is neither an artifact nor its signature, with what the lock says of it; none where it is refused,
/// which is told.
fn named_file(
    supply: &Supply<'_>,
    (name, source): (&Name, &Location),
    gathered: &mut Gathered,
    printer: &Printer,
    judge: impl FnOnce(&[u8]) -> Result<(), Failure>,
) -> Option<LockedFile> {
    if let Some(failure) = change::refusal(supply, &Owner::Named(name), source, None) {
        gathered.add(failure);
        return None;
    }
    let small = gathered.keep(supply.small(source, MAX_POLICY_BYTES, printer)?)?;
    let judged = gathered.keep(judge(&small.bytes));
    if judged.is_none() {
        supply.forget([source]);
    }
    judged.map(|()| small.file)
}

/// The trust stores whose certificates are all there and those that are pinned.
pub(super) fn stores(
    supply: &Supply<'_>,
    gathered: &mut Gathered,
    printer: &Printer,
) -> BTreeMap<(StoreType, Name), LockedKeys> {
    let mut stores = BTreeMap::new();
    for store in &supply.recipe.trust_stores {
        gathered.keep(place::require_distinct_certificates(supply.recipe, store));
        let mut files = Vec::new();
        for certificate in &store.certificates {
            files.extend(named_file(
                supply,
                (&store.name, &certificate.source),
                gathered,
                printer,
                |bytes| require_certificate(supply.recipe, store.store_type, certificate, bytes),
            ));
        }
        let fingerprints =
            store.certificates.iter().map(|certificate| certificate.fingerprint.to_string()).collect();
        stores.insert((store.store_type, store.name.clone()), LockedKeys { fingerprints, files });
    }
    stores
}

/// The trust policies that keep every rule.
pub(super) fn policies(
    supply: &Supply<'_>,
    gathered: &mut Gathered,
    printer: &Printer,
) -> BTreeMap<(Name, Option<Name>), LockedFile> {
    let mut policies = BTreeMap::new();
    for policy in &supply.recipe.trust_policies {
        let file = named_file(supply, (&policy.name, &policy.template), gathered, printer, |bytes| {
            let template = filled(supply.recipe, policy, bytes)?;
            for doubt in doubts(supply.recipe, policy, &template) {
                printer.note(&format!("{}: {doubt}", policy.template.text));
            }
            Ok(())
        });
        policies.extend(file.map(|file| ((policy.name.clone(), policy.partition.clone()), file)));
    }
    policies
}

/// Refuses a file of a trust store that is anything but the one certificate that the recipe pins.
fn require_certificate(
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
fn doubts(recipe: &Recipe, wanted: &TrustPolicy, filled: &Template) -> Vec<String> {
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
    let profiles = document.statements().iter().flat_map(Statement::identities);
    let elsewhere = profiles.filter_map(|identity| match identity {
        Identity::SigningProfile(profile) => Some(profile.partition.as_str()),
        _ => None,
    });
    if let Some(partition) =
        wanted.partition.as_ref().map(Name::as_str).filter(|name| PARTITIONS.contains(name))
        && filled.parameters().is_empty()
        && let Some(other) = elsewhere.into_iter().find(|other| *other != partition)
    {
        doubts.push(format!(
            "trusts a signing profile of the partition {other}, and is for {partition}: no signature there can meet it"
        ));
    }
    if !missing.is_empty() {
        doubts.push(format!("names trust stores that this recipe does not carry: {}", missing.join(", ")));
    }
    doubts
}
