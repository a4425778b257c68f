// SPDX-License-Identifier: Apache-2.0
//! Who is trusted, and where an artifact's signatures are: `[signer.NAME]`, `signed-by` and `signature`.

use manifests::digest::Sha256Digest;
use manifests::evidence::Weak;
use manifests::fingerprint::Fingerprint;
use manifests::name::{Name, PortablePath, is_control_or_bidi};

use super::sections::prose;
use super::shapes::{LOCATION, PIN, PROSE};
use super::{Authority, Demand, Location, Signature, Signer, SignerIdentity};
use crate::failure::Failure;
use crate::keys::{Key, Keys, Repeats, Rule, Shape, Way, words};
use crate::source::{Table, Value, list};

pub(super) const SIGNER: Keys = Keys::of(&[
    Key::optional(
        "openpgp",
        Shape::AnyOf(&[KEY_PIN, Shape::List(&KEY_PIN, 1, Repeats::Allowed)]),
        "Fingerprint of a primary key, or a list of alternatives; 40 or 64 hex digits, spaces allowed.",
    ),
    Key::optional(
        "key",
        LOCATION,
        "Location of the key file; it only carries the key, the fingerprint decides.",
    ),
    Key::optional("authenticode", PROSE, "The whole CN of the leaf, or its whole DN."),
    Key::optional("apple-team", PROSE, "The Apple team."),
    Key::optional(
        "certificate",
        Shape::AnyOf(&[PIN, Shape::List(&PIN, 0, Repeats::Allowed)]),
        "SHA-256 of a leaf, or a list of alternatives; `sha256:`, colons and spaces allowed.",
    ),
    Key::optional(
        "ca",
        AUTHORITIES,
        "{ source = LOCATION, fingerprint = SHA-256 }, or a list of alternatives; required with `authenticode` \
         and `apple-team`.",
    ),
    Key::optional("tsa-ca", AUTHORITIES, "The same for timestamps; `ca` serves, where absent."),
    Key::optional(
        "allow",
        Shape::List(&Shape::Words(|| words(&Weak::ALL, Weak::as_str)), 0, Repeats::Refused),
        "Weak algorithms that are tolerated.",
    ),
])
.rules(&[Rule::OneOf(&[
    Way { all: &["openpgp", "key"], may: &[] },
    Way { all: &["authenticode", "ca"], may: &["certificate", "tsa-ca"] },
    Way { all: &["apple-team", "ca"], may: &["certificate", "tsa-ca"] },
    Way { all: &["certificate"], may: &["ca", "tsa-ca"] },
])]);
pub(super) const AUTHORITY: Keys = Keys::of(&[
    Key::required("source", LOCATION, "Location of the certificate."),
    Key::required("fingerprint", PIN, "SHA-256 of the certificate: it decides."),
]);
const REPOSITORY: Keys = Keys::of(&[
    Key::required("release", LOCATION, "InRelease, or Release."),
    Key::optional("signature", LOCATION, "Release.gpg, with Release instead of InRelease."),
    Key::required("packages", LOCATION, "Packages, as the repository serves it."),
]);

const KEY_PIN: Shape = Shape::Text("^ *(?:[0-9A-Fa-f] *){40}(?:(?:[0-9A-Fa-f] *){24})?$");
const AUTHORITIES: Shape =
    Shape::AnyOf(&[Shape::Table(&AUTHORITY), Shape::List(&Shape::Table(&AUTHORITY), 0, Repeats::Allowed)]);
const ONE_SIGNATURE: Shape =
    Shape::AnyOf(&[Shape::Words(|| vec![EMBEDDED.to_owned()]), LOCATION, Shape::Table(&REPOSITORY)]);
/// What `signature` of an artifact is.
pub(super) const SIGNATURES: Shape =
    Shape::AnyOf(&[ONE_SIGNATURE, Shape::List(&ONE_SIGNATURE, 1, Repeats::Allowed)]);
/// The signature inside the artifact.
const EMBEDDED: &str = "embedded";

pub(super) fn signer(value: &Value<'_>) -> Result<(Name, Signer), Failure> {
    let name = Name::new(value.key())
        .map_err(|wrong| value.error(format!("has a bad name for a signer: {wrong}")))?;
    let table = value.table(format!("[signer.{name}]"), SIGNER)?;
    let by_key = ["openpgp", "key"];
    let by_chain = ["authenticode", "apple-team", "certificate", "ca", "tsa-ca"];
    let given = |keys: &[&'static str]| keys.iter().copied().find(|key| table.optional(key).is_some());
    let identity = match (given(&by_key), given(&by_chain)) {
        (Some(one), Some(other)) => {
            return Err(table
                .required(other)?
                .error(format!("gives `{other}` to a signer that has `{one}`"))
                .hint("a signer is told by an OpenPGP key or by a certificate: make two signers"));
        }
        (None, Some(_)) => by_certificate(&table)?,
        _ => by_openpgp(&table)?,
    };
    let allow = match table.optional("allow") {
        Some(value) => value.array()?.iter().map(weak).collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    let signer = Signer { identity, allow };
    match signer.fault() {
        Some(fault) => Err(table.error(format!("has a signer `{name}` that {fault}"))),
        None => Ok((name, signer)),
    }
}

fn by_openpgp(table: &Table<'_>) -> Result<SignerIdentity, Failure> {
    let pins = table.required("openpgp")?;
    let openpgp: Vec<_> =
        pins.string_or_array()?.iter().map(|pin| pin.parse(Fingerprint::parse)).collect::<Result<_, _>>()?;
    if openpgp.is_empty() {
        return Err(pins.error("pins no fingerprint: nobody could sign"));
    }
    Ok(SignerIdentity::Key { openpgp, key: Location::read(&table.required("key")?)? })
}

fn by_certificate(table: &Table<'_>) -> Result<SignerIdentity, Failure> {
    let text = |key: &str| table.optional(key).map(|value| identity_text(&value)).transpose();
    let certificates = match table.optional("certificate") {
        Some(value) => value.string_or_array()?.iter().map(certificate_pin).collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    Ok(SignerIdentity::Certificate {
        publisher: text("authenticode")?,
        team: text("apple-team")?,
        certificates,
        authorities: authorities(table, "ca")?,
        timestamp_authorities: authorities(table, "tsa-ca")?,
    })
}

/// A name as a certificate has it: compared letter for letter, so it is taken letter for letter.
fn identity_text(value: &Value<'_>) -> Result<String, Failure> {
    value.parse(|text| match text {
        _ if text.trim().is_empty() => Err("it is empty"),
        _ if text.chars().any(is_control_or_bidi) => Err("it has a control or bidirectional character"),
        _ => Ok(text.to_owned()),
    })
}

/// Digits in either case, with or without `sha256:`, colons or spaces: as tools print them.
pub(super) fn certificate_pin(value: &Value<'_>) -> Result<Sha256Digest, Failure> {
    value.parse(Sha256Digest::parse_spaced)
}

/// One table `{ source, fingerprint }`, or an array of them.
pub(super) fn authorities(table: &Table<'_>, key: &'static str) -> Result<Vec<Authority>, Failure> {
    let Some(value) = table.optional(key) else { return Ok(Vec::new()) };
    let items = if value.is_table() { vec![value] } else { value.array()? };
    let read = |item: &Value<'_>| {
        let table = item.table(format!("`{key}`"), AUTHORITY)?;
        let source = Location::read(&table.required("source")?)?;
        Ok(Authority { source, fingerprint: certificate_pin(&table.required("fingerprint")?)? })
    };
    items.iter().map(read).collect()
}

fn weak(value: &Value<'_>) -> Result<Weak, Failure> {
    let words = Weak::ALL.map(Weak::as_str);
    value.parse(|text| {
        let found = Weak::ALL.into_iter().find(|weak| weak.as_str() == text);
        found.ok_or_else(|| format!("it is none of {}", list(&words)))
    })
}

/// `signed-by` with `signature`, or `unsigned`: there is no third way.
pub(super) fn demand(table: &Table<'_>, name: &Name, source: &Location) -> Result<Demand, Failure> {
    match (table.optional("signed-by"), table.optional("unsigned")) {
        (Some(signer), None) => signed_by(table, &signer, source),
        (None, Some(reason)) => match ["signature", "member"].iter().find_map(|key| table.optional(key)) {
            None => Ok(Demand::Unsigned(prose(&reason)?)),
            Some(value) => Err(value
                .error(format!("gives a {} for `{name}`, which is `unsigned`", value.key()))
                .hint(format!("say `signed-by` instead of `unsigned`, or remove the {}", value.key()))),
        },
        (Some(_), Some(reason)) => Err(reason
            .error(format!("says both `signed-by` and `unsigned` for `{name}`"))
            .hint("an artifact says one of the two")),
        (None, None) => Err(table
            .error(format!("says neither `signed-by` nor `unsigned` for `{name}`"))
            .hint("name the signer, or say why there is none: there is no default")),
    }
}

fn signed_by(table: &Table<'_>, signer: &Value<'_>, source: &Location) -> Result<Demand, Failure> {
    if signer.is_table() {
        return Err(signer.not_yet("a trust policy as signer"));
    }
    let member = table.optional("member").map(|value| value.parse(PortablePath::new)).transpose()?;
    let at = table.required("signature")?;
    let items = if at.is_table() { vec![at.clone()] } else { at.string_or_array()? };
    let signatures: Vec<_> =
        items.iter().map(|item| signature(item, source, member.as_ref())).collect::<Result<_, Failure>>()?;
    if signatures.is_empty() {
        return Err(at.error("has a `signature` that names none"));
    }
    let of_member = |signature: &Signature| !matches!(signature, Signature::Repository { .. });
    if member.is_some() && !signatures.iter().any(of_member) {
        return Err(at
            .error("has no signature of the `member`")
            .hint("name the file of its detached signature, or say `embedded` where it carries its own"));
    }
    Ok(Demand::SignedBy { signer: signer.parse(Name::new)?, signatures })
}

fn signature(
    value: &Value<'_>,
    source: &Location,
    member: Option<&PortablePath>,
) -> Result<Signature, Failure> {
    if value.is_table() {
        let table = value.table("`signature`", REPOSITORY)?;
        let path = |value: Value<'_>| Location::read(&value.with_variable("source", &source.text));
        return Ok(Signature::Repository {
            release: path(table.required("release")?)?,
            signature: table.optional("signature").map(path).transpose()?,
            packages: path(table.required("packages")?)?,
        });
    }
    if value.string_before_variables() == Some(EMBEDDED) {
        return Ok(Signature::Embedded { member: member.cloned(), span: value.span() });
    }
    let path = Location::read(&value.with_variable("source", &source.text))?;
    Ok(match member {
        Some(member) => Signature::Member { member: member.clone(), signature: path },
        None => Signature::Detached(path),
    })
}
