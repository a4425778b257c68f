// SPDX-License-Identifier: Apache-2.0
//! One function for each section of a recipe.

use manifests::bundle::{
    self, Component, FileInstall, Identity, InstallMode, MAX_TEXT_BYTES, ManifestError, Owner, Profile,
    TreeInstall,
};
use manifests::name::{BundleName, BundleVersion, InstallPath, Name, is_control_or_bidi};
use manifests::sequence::Sequence;
use manifests::time::Timestamp;

use super::platform::{self, Alternative};
use super::shapes::{BUNDLE_NAME, INSTALL_PATH, LOCATION, NAME, PATH, PROSE, TEXTS, TIME};
use super::{Artifact, Location, Tree, evidence};
use verifier::nearest::nearest;

use crate::failure::Failure;
use crate::keys::{Key, Keys, Repeats, Rule, Shape, Way};
use crate::source::{Table, Value, list};

pub(super) const BUNDLE: Keys = Keys::of(&[
    Key::required("name", BUNDLE_NAME, "Bundle name: lower-case letters, digits and . _ + ~ -."),
    Key::required("version", NAME, "Plain name."),
    Key::required("sequence", Shape::Number(1, (1 << 53) - 1), "Number from 1 to 2⁵³ − 1; only ever grows."),
    Key::required(
        "created",
        TIME,
        "Time; written into the bundle, so that the same inputs give the same bytes.",
    ),
    Key::optional("expires", TIME, "Time after `created`."),
    Key::optional("audience", Shape::List(&NAME, 1, Repeats::Refused), "List of enclaves, none twice."),
    Key::optional("profile", Shape::Words(|| vec![STANDARD.to_owned()]), "The profile."),
]);
pub(super) const COMPONENT: Keys = Keys::of(&[
    Key::required("name", NAME, "Plain name."),
    Key::optional("title", PROSE, "Text."),
    Key::optional(
        "default",
        Shape::Flag,
        "Whether it is installed when nobody chooses; `true`, where absent.",
    ),
]);
pub(super) const ARTIFACT: Keys = Keys::of(&[
    Key::required("name", NAME, ABOUT_NAME),
    Key::optional("component", NAME, ABOUT_COMPONENT),
    Key::required("source", LOCATION, "Location of the file: a path beside the recipe, or a URL."),
    Key::optional("for", Shape::Table(&platform::FOR), "The hosts that it is for; all, where absent."),
    Key::optional("partition", NAME, ABOUT_PARTITION),
    Key::optional("signed-by", NAME, "Name of a signer; then `signature` is required."),
    Key::optional(
        "signature",
        evidence::SIGNATURES,
        "Location of a detached signature, \"embedded\", the files of a Debian repository, or a list; all must be \
         good.",
    ),
    Key::optional(
        "member",
        Shape::Text(r#"^[^/\\:<>"|?*]+(?:/[^/\\:<>"|?*]+)*$"#),
        "Path of a file inside a zip: the detached signatures are over this file, not over the zip.",
    ),
    Key::optional("unsigned", PROSE, ABOUT_UNSIGNED),
    Key::optional(
        "install",
        Shape::AnyOf(&[Shape::Words(actions), Shape::Table(&FILE_INSTALL)]),
        "What becomes of it on the target: { file = INSTALL PATH, mode = \"0644\", owner = USER }, or an action.",
    ),
])
.later(&[("version", "stated versions")])
.rules(&[Rule::OneOf(&[
    Way { all: &["signed-by", "signature"], may: &["member"] },
    Way { all: &["unsigned"], may: &[] },
])]);
pub(super) const TREE: Keys = Keys::of(&[
    Key::required("name", NAME, ABOUT_NAME),
    Key::optional("component", NAME, ABOUT_COMPONENT),
    Key::required("source", PATH, "Path of a folder."),
    Key::optional("include", TEXTS, "List of patterns; all files, where absent."),
    Key::optional(
        "exclude",
        TEXTS,
        "List of patterns; wins over `include`, and applies to links and empty folders too.",
    ),
    Key::required("unsigned", PROSE, ABOUT_UNSIGNED),
    Key::optional(
        "install",
        Shape::Table(&TREE_INSTALL),
        "What becomes of it on the target: { directory = INSTALL PATH, owner = USER }.",
    ),
])
.later(&[("signed-by", "signed trees"), ("for", "alternatives by platform")]);
const FILE_INSTALL: Keys = Keys::of(&[
    Key::required("file", INSTALL_PATH, "Absolute path on the target."),
    Key::required("mode", Shape::Text("^0[0-7]{3}$"), "Four octal digits, as \"0644\"."),
    Key::optional("owner", NAME, ABOUT_OWNER),
]);
const TREE_INSTALL: Keys = Keys::of(&[
    Key::required("directory", INSTALL_PATH, "Absolute path on the target."),
    Key::optional("owner", NAME, ABOUT_OWNER),
]);

/// The only profile of this version.
const STANDARD: &str = "standard";
const ABOUT_NAME: &str = "Plain name; differs from others by more than case.";
const ABOUT_OWNER: &str = "A user of the target; the installing user, where absent.";
pub(super) const ABOUT_COMPONENT: &str = "The component that it belongs to; its own name, where absent.";
pub(super) const ABOUT_PARTITION: &str = "It is installed only where this partition is chosen.";
pub(super) const ABOUT_UNSIGNED: &str = "Text: why there is no vendor signature.";

fn actions() -> Vec<String> {
    FileInstall::WORDS.iter().map(|action| action.word().to_owned()).collect()
}

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
        STANDARD => Ok(Profile::Standard),
        "cnsa2" => Err(value.not_yet("the profile `cnsa2`")),
        _ => Err(value.error("has a bad value for `profile`").expected("\"standard\"")),
    }
}

pub(super) fn component(value: &Value<'_>) -> Result<Component, Failure> {
    let table = value.table("[[component]]", COMPONENT)?;
    Ok(Component {
        name: table.required("name")?.parse(Name::new)?,
        title: table.optional("title").map(|title| prose(&title)).transpose()?,
        default: table.optional("default").map_or(Ok(true), |default| default.boolean())?,
    })
}

/// The artifacts of a section: one for each item of the lists in `for`.
pub(super) fn artifacts(value: &Value<'_>) -> Result<Vec<Artifact>, Failure> {
    let table = value.table("[[artifact]]", ARTIFACT)?;
    platform::alternatives(&table)?.iter().map(|alternative| artifact(value, alternative)).collect()
}

/// The component that artifacts made by a list belong to where nobody named one: they are alternatives, and a host
/// needs one of them.
pub(super) fn component_of_alternatives(
    value: &Value<'_>,
    artifacts: &[Artifact],
) -> Result<Option<Component>, Failure> {
    let alone =
        artifacts.iter().any(|artifact| artifact.component.is_none() && artifact.name != artifact.section);
    if !alone {
        return Ok(None);
    }
    let name = value.table("[[artifact]]", ARTIFACT)?.required("name")?.parse(Name::new)?;
    Ok(Some(Component { name, title: None, default: true }))
}

fn artifact(value: &Value<'_>, alternative: &Alternative) -> Result<Artifact, Failure> {
    let table = alternative.within(value).table("[[artifact]]", ARTIFACT)?;
    let base = table.required("name")?;
    let name = Name::new(&format!("{}{}", base.string()?.text, alternative.suffix))
        .map_err(|wrong| base.error(format!("has a bad value for `name`: {wrong}")))?;
    let source = Location::read(&table.required("source")?)?;
    let install = table.optional("install").map(|value| file_install(&value)).transpose()?;
    let os = alternative.platform.and_then(|platform| platform.os);
    if let (Some(install), Some(os)) = (&install, os)
        && install.os().is_some_and(|only| only != os)
    {
        return Err(table.required("install")?.error(format!(
            "is no way to install on {}: `{}`",
            os.as_str(),
            install.word()
        )));
    }
    let package = alternative.platform.and_then(|platform| platform.package);
    if let (Some(install), Some(package)) = (&install, package)
        && install.package().is_some_and(|only| only != package)
    {
        return Err(table.required("install")?.error(format!(
            "is no way to install what is for `{}`: `{}`",
            package.as_str(),
            install.word()
        )));
    }
    Ok(Artifact {
        section: Name::new(&base.string()?.text).unwrap_or_else(|_| name.clone()),
        component: table.optional("component").map(|value| value.parse(Name::new)).transpose()?,
        platform: alternative.platform,
        partition: table.optional("partition").map(|value| value.parse(Name::new)).transpose()?,
        demand: evidence::demand(&table, &name, &source)?,
        install,
        name,
        source,
    })
}

pub(super) fn tree(value: &Value<'_>) -> Result<Tree, Failure> {
    let table = value.table("[[tree]]", TREE)?;
    Ok(Tree {
        name: table.required("name")?.parse(Name::new)?,
        component: table.optional("component").map(|value| value.parse(Name::new)).transpose()?,
        source: Location::path(&table.required("source")?)?,
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
        return action(value);
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

/// An action that is one word.
fn action(value: &Value<'_>) -> Result<FileInstall, Failure> {
    let said = value.string()?.text;
    let words: Vec<&str> = FileInstall::WORDS.iter().map(FileInstall::word).collect();
    FileInstall::WORDS.iter().find(|action| action.word() == said).cloned().ok_or_else(|| {
        let failure = value
            .error(format!("has a bad value for `install`: `{said}`"))
            .expected(format!("{}, or {{ file = …, mode = … }}", list(&words)));
        match nearest(&said, words.into_iter()) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure,
        }
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

/// Text for people: what a manifest can carry.
pub(super) fn prose(value: &Value<'_>) -> Result<String, Failure> {
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
