// SPDX-License-Identifier: Apache-2.0
//! What a bundle brings for others to trust: each file is what the manifest says that it is
//! (`docs/formats/manifest.md` §1.18, §1.19).

use manifests::bundle::{Authority, Predicate, TrustPolicy};
use manifests::json;
use manifests::name::PortablePath;

use crate::contents::Kept;
use crate::error::{Code, Refusal};
use crate::signature::Stop;
use crate::signature::x509::read::entries;

/// The longest trust policy, in bytes. Real ones have less than 100 KiB.
const MAX_POLICY_BYTES: usize = 1024 * 1024;

/// Proves that each file of a trust store holds the one certificate that is pinned, and that each trust policy is
/// one; whatever host and partition they are for.
pub(super) fn judge_trust(predicate: &Predicate, kept: &Kept) -> Result<(), Refusal> {
    for certificate in predicate.trust_stores.iter().flat_map(|store| &store.certificates) {
        require_alone(certificate, kept)?;
    }
    predicate.trust_policies.iter().try_for_each(|policy| require_policy(policy, kept))
}

fn require_alone(pinned: &Authority, kept: &Kept) -> Result<(), Refusal> {
    let Authority { file, fingerprint } = pinned;
    let found = match entries(bytes(file, kept)?) {
        Ok(entries) => match entries.as_slice() {
            [Ok(certificate)] if certificate.digest() == *fingerprint => return Ok(()),
            [Ok(certificate)] => format!("the certificate {}", certificate.digest()),
            [Err(malformed)] => malformed.to_string(),
            several => format!("{} certificates", several.len()),
        },
        Err(Stop::Found(_, note)) => note,
        Err(Stop::Read(error)) => return Err(Refusal::reading(file.as_str(), &error)),
    };
    Err(Refusal::new(Code::TrustStoreInvalid, file.as_str(), "is not the certificate of its trust store")
        .expected(format!("the certificate {fingerprint} and no other"))
        .found(found))
}

/// What the Notary Project's rules say of a policy, its parameters given, is judged where they are given.
fn require_policy(policy: &TrustPolicy, kept: &Kept) -> Result<(), Refusal> {
    match json::scan(bytes(&policy.file, kept)?, MAX_POLICY_BYTES) {
        Ok(_) => Ok(()),
        Err(error) => Err(Refusal::new(Code::TrustPolicyInvalid, policy.file.as_str(), "is no trust policy")
            .expected("one JSON document, as every reader reads it alike")
            .found(error)),
    }
}

/// The contents keep every file that a trust store or trust policy names.
fn bytes<'k>(file: &PortablePath, kept: &'k Kept) -> Result<&'k [u8], Refusal> {
    kept.get(file)
        .ok_or_else(|| Refusal::new(Code::ManifestMalformed, file.as_str(), "names no payload file"))
}
