// SPDX-License-Identifier: Apache-2.0
//! One function for each section of a recipe.

use manifests::bundle::{
    self, Component, FileInstall, Identity, InstallMode, MAX_TEXT_BYTES, ManifestError, Owner, Profile,
    TreeInstall,
};
use manifests::fingerprint::Fingerprint;
use manifests::name::{BundleName, BundleVersion, InstallPath, Name, is_control_or_bidi};
use manifests::sequence::Sequence;
use manifests::time::Timestamp;

use super::{Artifact, Demand, LocalPath, Signer, Tree};
use crate::failure::Failure;
use crate::source::{Keys, Table, Value};

const BUNDLE: Keys =
    Keys { known: &["name", "version", "sequence", "created", "expires", "audience", "profile"], later: &[] };
const SIGNER: Keys = Keys {
    known: &["openpgp", "key"],
    later: &[
        ("ca", "signers by certificate"),
        ("certificate", "signers by certificate"),
        ("apple-team", "Apple's signatures"),
        ("authenticode", "Authenticode"),
        ("allow", "weak algorithms by name"),
        ("tsa-ca", "timestamps"),
    ],
};
const COMPONENT: Keys = Keys { known: &["name", "title", "default"], later: &[] };
const ARTIFACT: Keys = Keys {
    known: &["name", "component", "source", "signed-by", "signature", "unsigned", "install"],
    later: &[
        ("for", "alternatives by platform"),
        ("member", "signatures over a file inside a zip"),
        ("partition", "partitions"),
        ("version", "stated versions"),
    ],
};
const TREE: Keys = Keys {
    known: &["name", "component", "source", "include", "exclude", "unsigned", "install"],
    later: &[("signed-by", "signed trees"), ("for", "alternatives by platform")],
};
const FILE_INSTALL: Keys = Keys { known: &["file", "mode", "owner"], later: &[] };
const TREE_INSTALL: Keys = Keys { known: &["directory", "owner"], later: &[] };

pub(super) fn bundle(value: &Value<'_>) -> Result<Identity, Failure> {
    let table = value.table("[bundle]", BUNDLE)?;
    let audience = table.optional("audience").map(|value| {
        value.array()?.iter().map(|item| item.parse(Name::new)).collect::<Result<Vec<Name>, Failure>>()
    });
    let sequence = table.required("sequence")?;
    let identity = Identity {
        name: table.required("name")?.parse(BundleName::new)?,
        version: table.required("version")?.parse(BundleVersion::new)?,
        sequence: Sequence::new(sequence.integer()?).ok_or_else(|| {
            sequence.error("has a bad value for `sequence`").expected("a number from 1 to 2^53 - 1")
        })?,
        created: table.required("created")?.parse(Timestamp::parse)?,
        expires: table.optional("expires").map(|value| value.parse(Timestamp::parse)).transpose()?,
        audience: audience.transpose()?,
        profile: profile(&table)?,
    };
    match bundle::identity(&identity) {
        Err(ManifestError::Inconsistent { at, wrong }) => Err(match at.strip_prefix("bundle.") {
            Some(key) => table.required(key)?.error(format!("has a bad value for `{key}`: it {wrong}")),
            None => table.error(wrong),
        }),
        Err(error) => Err(table.error(error.to_string())),
        Ok(()) => Ok(identity),
    }
}

fn profile(table: &Table<'_>) -> Result<Profile, Failure> {
    let Some(value) = table.optional("profile") else { return Ok(Profile::Standard) };
    match value.string()?.text.as_str() {
        "standard" => Ok(Profile::Standard),
        "cnsa2" => Err(value.not_yet("the profile `cnsa2`")),
        _ => Err(value.error("has a bad value for `profile`").expected("\"standard\"")),
    }
}

pub(super) fn signer(value: &Value<'_>) -> Result<(Name, Signer), Failure> {
    let name = Name::new(value.key())
        .map_err(|wrong| value.error(format!("has a bad name for a signer: {wrong}")))?;
    let table = value.table(format!("[signer.{name}]"), SIGNER)?;
    let pins = table.required("openpgp")?;
    let openpgp: Result<Vec<_>, _> =
        pins.string_or_array()?.iter().map(|item| item.parse(Fingerprint::parse)).collect();
    let openpgp = openpgp?;
    if openpgp.is_empty() {
        return Err(pins.error("pins no fingerprint: nobody could sign"));
    }
    Ok((name, Signer { openpgp, key: local(&table.required("key")?)? }))
}

pub(super) fn component(value: &Value<'_>) -> Result<Component, Failure> {
    let table = value.table("[[component]]", COMPONENT)?;
    Ok(Component {
        name: table.required("name")?.parse(Name::new)?,
        title: table.optional("title").map(|title| prose(&title)).transpose()?,
        default: table.optional("default").map_or(Ok(true), |default| default.boolean())?,
    })
}

pub(super) fn artifact(value: &Value<'_>) -> Result<Artifact, Failure> {
    let table = value.table("[[artifact]]", ARTIFACT)?;
    let name = table.required("name")?.parse(Name::new)?;
    let source = local(&table.required("source")?)?;
    Ok(Artifact {
        component: table.optional("component").map(|value| value.parse(Name::new)).transpose()?,
        demand: demand(&table, &name, &source)?,
        install: table.optional("install").map(|value| file_install(&value)).transpose()?,
        name,
        source,
    })
}

fn demand(table: &Table<'_>, name: &Name, source: &LocalPath) -> Result<Demand, Failure> {
    match (table.optional("signed-by"), table.optional("unsigned")) {
        (Some(signer), None) => {
            if signer.is_table() {
                return Err(signer.not_yet("a trust policy as signer"));
            }
            let signer = signer.parse(Name::new)?;
            let at = table.required("signature")?;
            if at.is_table() {
                return Err(at.not_yet("signatures through a package repository"));
            }
            let signatures: Result<Vec<_>, _> =
                at.string_or_array()?.iter().map(|item| signature(item, source)).collect();
            let signatures = signatures?;
            if signatures.is_empty() {
                return Err(at.error("has a `signature` that names none"));
            }
            Ok(Demand::SignedBy { signer, signatures })
        }
        (None, Some(reason)) => {
            if let Some(signature) = table.optional("signature") {
                return Err(signature
                    .error(format!("gives a signature for `{name}`, which is `unsigned`"))
                    .hint("say `signed-by` instead of `unsigned`, or remove the signature"));
            }
            Ok(Demand::Unsigned(prose(&reason)?))
        }
        (Some(_), Some(reason)) => Err(reason
            .error(format!("says both `signed-by` and `unsigned` for `{name}`"))
            .hint("an artifact says one of the two")),
        (None, None) => Err(table
            .error(format!("says neither `signed-by` nor `unsigned` for `{name}`"))
            .hint("name the signer, or say why there is none: there is no default")),
    }
}

fn signature(value: &Value<'_>, source: &LocalPath) -> Result<LocalPath, Failure> {
    if value.string_before_variables() == Some("embedded") {
        return Err(value.not_yet("embedded signatures"));
    }
    local(&value.with_variable("source", &source.text))
}

pub(super) fn tree(value: &Value<'_>) -> Result<Tree, Failure> {
    let table = value.table("[[tree]]", TREE)?;
    Ok(Tree {
        name: table.required("name")?.parse(Name::new)?,
        component: table.optional("component").map(|value| value.parse(Name::new)).transpose()?,
        source: local(&table.required("source")?)?,
        include: globs(table.optional("include"))?,
        exclude: globs(table.optional("exclude"))?,
        unsigned: prose(&table.required("unsigned")?)?,
        install: table.optional("install").map(|value| tree_install(&value)).transpose()?,
    })
}

fn globs(value: Option<Value<'_>>) -> Result<Vec<String>, Failure> {
    let Some(value) = value else { return Ok(Vec::new()) };
    value
        .array()?
        .iter()
        .map(|item| item.parse(|text| globset::Glob::new(text).map(|_| text.to_owned())))
        .collect()
}

fn file_install(value: &Value<'_>) -> Result<FileInstall, Failure> {
    if value.is_string() {
        return Err(value.not_yet("this way to install"));
    }
    let table = value.table("`install`", FILE_INSTALL)?;
    Ok(FileInstall::File {
        path: table.required("file")?.parse(InstallPath::new)?,
        mode: table.required("mode")?.parse(|text| {
            InstallMode::parse(text).ok_or("a mode is four octal digits from \"0000\" to \"0777\"")
        })?,
        owner: owner(&table)?,
    })
}

fn tree_install(value: &Value<'_>) -> Result<TreeInstall, Failure> {
    if value.is_string() {
        return Err(value.not_yet("this way to install"));
    }
    let table = value.table("`install`", TREE_INSTALL)?;
    Ok(TreeInstall::Directory {
        path: table.required("directory")?.parse(InstallPath::new)?,
        owner: owner(&table)?,
    })
}

fn owner(table: &Table<'_>) -> Result<Option<Owner>, Failure> {
    table.optional("owner").map(|value| value.parse(Name::new).map(Owner::new)).transpose()
}

/// A path on this machine.
fn local(value: &Value<'_>) -> Result<LocalPath, Failure> {
    if value.is_table() {
        return Err(value.not_yet("files with a pinned fingerprint"));
    }
    let text = value.string()?;
    if ["https://", "http://", "oci://", "pkcs11:"].iter().any(|scheme| text.text.starts_with(scheme)) {
        return Err(value.not_yet("sources from the network"));
    }
    if text.text.is_empty() || text.text.contains('\0') {
        return Err(value.error("has an empty path"));
    }
    Ok(LocalPath { text: text.text, span: text.span })
}

/// Text for people: what a manifest can carry.
fn prose(value: &Value<'_>) -> Result<String, Failure> {
    value.parse(|text| {
        if text.trim().is_empty() {
            return Err("it says nothing".to_owned());
        }
        if text.len() > MAX_TEXT_BYTES {
            return Err(format!("it is longer than {MAX_TEXT_BYTES} bytes"));
        }
        if text.chars().any(is_control_or_bidi) {
            return Err("it has a control or bidirectional character; write it on one line".to_owned());
        }
        Ok(text.to_owned())
    })
}
