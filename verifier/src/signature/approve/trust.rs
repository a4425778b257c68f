// SPDX-License-Identifier: Apache-2.0
//! What a bundle brings for others to trust: each file is what the manifest says that it is
//! (`docs/formats/manifest.md` §1.18, §1.19).

use manifests::bundle::{Authority, Predicate, StoreType, TrustPolicy};
use manifests::name::PortablePath;

use crate::contents::Kept;
use crate::error::{Code, Refusal};
use crate::notary::carried::{self, Misplaced};
use crate::notary::template::Template;

/// Proves that each file of a trust store holds the one certificate that is pinned, and that each trust policy keeps
/// every rule; whatever host and partition they are for.
pub(super) fn judge_trust(predicate: &Predicate, kept: &Kept) -> Result<(), Refusal> {
    for store in &predicate.trust_stores {
        for certificate in &store.certificates {
            require_alone(certificate, store.store_type, kept)?;
        }
    }
    predicate.trust_policies.iter().try_for_each(|policy| require_policy(policy, kept))
}

fn require_alone(pinned: &Authority, store_type: StoreType, kept: &Kept) -> Result<(), Refusal> {
    let Authority { file, fingerprint } = pinned;
    match carried::require_alone(bytes(file, kept)?, store_type, *fingerprint) {
        Ok(()) => Ok(()),
        Err(Misplaced::Read(error)) => Err(Refusal::reading(file.as_str(), &error)),
        Err(found) => Err(Refusal::new(
            Code::TrustStoreInvalid,
            file.as_str(),
            "is not the certificate of its trust store",
        )
        .expected(format!("the certificate {fingerprint} and no other"))
        .found(found)),
    }
}

fn require_policy(policy: &TrustPolicy, kept: &Kept) -> Result<(), Refusal> {
    let refused = |what: &str| Refusal::new(Code::TrustPolicyInvalid, policy.file.as_str(), what);
    let template = Template::read(bytes(&policy.file, kept)?)
        .map_err(|wrong| refused("is no trust policy").found(wrong))?;
    if !template.parameters().iter().eq(sorted(policy)) {
        let list = |names: Vec<&str>| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        return Err(refused("has other parameters than the manifest says")
            .expected(list(sorted(policy).map(|name| name.as_str()).collect()))
            .found(list(template.parameters().iter().map(|name| name.as_str()).collect())));
    }
    carried::policy(&template)
        .map(drop)
        .map_err(|wrong| refused("breaks a rule of trust policies").found(wrong))
}

fn sorted(policy: &TrustPolicy) -> impl Iterator<Item = &manifests::name::Name> {
    policy.parameters.iter().collect::<std::collections::BTreeSet<_>>().into_iter()
}

/// The contents keep every file that a trust store or trust policy names.
fn bytes<'k>(file: &PortablePath, kept: &'k Kept) -> Result<&'k [u8], Refusal> {
    kept.get(file)
        .ok_or_else(|| Refusal::new(Code::ManifestMalformed, file.as_str(), "names no payload file"))
}
