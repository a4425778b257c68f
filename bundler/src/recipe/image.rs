// SPDX-License-Identifier: Apache-2.0
//! `[[image]]`: read and checked as far as a recipe goes. Fetching images is later work, and says so.

use manifests::digest::Sha256Digest;
use manifests::name::Name;

use super::sections::{ABOUT_COMPONENT, ABOUT_UNSIGNED};
use super::shapes::{ANY, NAME, PROSE};
use super::{Image, TrustPolicy};
use verifier::nearest::nearest;

use crate::failure::Failure;
use crate::keys::{Key, Keys, Repeats, Rule, Shape, Way};
use crate::source::Value;
use manifests::bundle::{Arch, Os};

pub(super) const IMAGE: Keys = Keys::of(&[
    Key::required("name", NAME, "Plain name."),
    Key::optional("component", NAME, ABOUT_COMPONENT),
    Key::required(
        "source",
        Shape::Text(r"^oci://[^/@\s]+/[^@:\s]+@(?:sha256:)?[0-9a-f]{64}$"),
        "oci://HOST[:PORT]/REPOSITORY@sha256:…",
    ),
    Key::optional(
        "platforms",
        Shape::List(&Shape::Words(platforms), 0, Repeats::Allowed),
        "List of OS/ARCH.",
    ),
    Key::optional("signed-by", Shape::Table(&SIGNED_BY), "The trust policy that decides who may sign."),
    Key::optional("unsigned", PROSE, ABOUT_UNSIGNED),
])
.rules(&[Rule::OneOf(&[Way { all: &["signed-by"], may: &[] }, Way { all: &["unsigned"], may: &[] }])]);
const SIGNED_BY: Keys =
    Keys::of(&[Key::required("trust-policy", ANY, "The name of a trust policy of the recipe.")]);

fn platforms() -> Vec<String> {
    let pairs = Os::ALL.iter().flat_map(|os| Arch::ALL.iter().map(move |arch| (os.as_str(), arch.as_str())));
    pairs.map(|(os, arch)| format!("{os}/{arch}")).collect()
}

pub(super) fn image(value: &Value<'_>, policies: &[TrustPolicy]) -> Result<Image, Failure> {
    let table = value.table("[[image]]", IMAGE)?;
    let name = table.required("name")?.parse(Name::new)?;
    let source = table.required("source")?;
    source.parse(reference)?;
    for platform in table.optional("platforms").map(|value| value.array()).transpose()?.unwrap_or_default() {
        platform.parse(|text| match text.split_once('/') {
            Some((os, arch)) if is_one(os, Os::ALL, Os::as_str) && is_one(arch, Arch::ALL, Arch::as_str) => {
                Ok(())
            }
            _ => Err("a platform is OS/ARCH, as linux/amd64"),
        })?;
    }
    match (table.optional("signed-by"), table.optional("unsigned")) {
        (Some(signer), None) => {
            let policy = signer.table("`signed-by`", SIGNED_BY)?.required("trust-policy")?;
            let wanted = policy.string()?.text;
            let mut names = policies.iter().map(|policy| policy.name.as_str());
            if !names.clone().any(|known| known == wanted) {
                let failure = policy
                    .error(format!("names the trust policy `{wanted}`, which the recipe does not have"));
                return Err(match nearest(&wanted, &mut names) {
                    Some(near) => failure.hint(format!("did you mean `{near}`?")),
                    None => failure.hint("add a [[trust-policy]] of that name"),
                });
            }
        }
        (None, Some(reason)) => drop(super::sections::prose(&reason)?),
        (Some(_), Some(reason)) => {
            return Err(reason.error(format!("says both `signed-by` and `unsigned` for `{name}`")));
        }
        (None, None) => {
            return Err(table.error(format!("says neither `signed-by` nor `unsigned` for `{name}`")));
        }
    }
    Ok(Image { name, span: source.span() })
}

fn is_one<T: Copy>(text: &str, all: &'static [T], word_of: fn(T) -> &'static str) -> bool {
    all.iter().any(|known| word_of(*known) == text)
}

/// `oci://HOST[:PORT]/REPOSITORY@sha256:…`: a tag names another image tomorrow.
fn reference(text: &str) -> Result<(), String> {
    let rest = text.strip_prefix("oci://").ok_or("it does not begin with oci://")?;
    let (name, digest) =
        rest.split_once('@').ok_or("it has no digest: write oci://HOST/REPOSITORY@sha256:…")?;
    Sha256Digest::parse(digest).map_err(|wrong| wrong.to_string())?;
    let (host, repository) = name.split_once('/').ok_or("it has no repository behind the host")?;
    let fine = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control());
    if !fine(host) || !repository.split('/').all(fine) || repository.contains(':') {
        return Err(
            "its host or repository is not well-formed; a tag has no place beside a digest".to_owned()
        );
    }
    Ok(())
}
