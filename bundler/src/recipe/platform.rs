// SPDX-License-Identifier: Apache-2.0
//! `for`: the hosts that an artifact is for. A list makes one artifact for each of its items.

use manifests::bundle::{Arch, Os, Package, Platform};

use verifier::nearest::nearest;

use crate::failure::Failure;
use crate::keys::{Key, Keys, Repeats, Rule, Shape, words};
use crate::source::{Table, Value, list};

/// `for` of an artifact.
pub(super) const FOR: Keys = Keys::of(&[
    Key::optional(
        "os",
        Shape::AnyOf(&[OS, Shape::List(&OS, 1, Repeats::Refused)]),
        "Operating system, or a list: an artifact for each.",
    ),
    Key::optional(
        "arch",
        Shape::AnyOf(&[ARCH, Shape::List(&ARCH, 1, Repeats::Refused)]),
        "Architecture, or a list: an artifact for each.",
    ),
    Key::optional("package", PACKAGE, ABOUT_PACKAGE),
])
.rules(&[Rule::NotEmpty]);
/// `for` of a section that a list cannot multiply.
pub(super) const FOR_ONE: Keys = Keys::of(&[
    Key::optional("os", OS, "Operating system."),
    Key::optional("arch", ARCH, "Architecture."),
    Key::optional("package", PACKAGE, ABOUT_PACKAGE),
])
.rules(&[Rule::NotEmpty]);

const OS: Shape = Shape::Words(|| words(Os::ALL, Os::as_str));
const ARCH: Shape = Shape::Words(|| words(Arch::ALL, Arch::as_str));
const PACKAGE: Shape = Shape::Words(|| words(Package::ALL, Package::as_str));
const ABOUT_PACKAGE: &str = "The kind of package that its hosts install.";

/// One of the artifacts that a section makes.
#[derive(Clone, Debug, Default)]
pub(super) struct Alternative {
    /// The hosts that it is for; none: all.
    pub(super) platform: Option<Platform>,
    /// What its name has behind that of the section: `-linux-arm64`.
    pub(super) suffix: String,
}

impl Alternative {
    /// The section's item, in which `$os`, `$arch` and `$machine` are those of this alternative.
    pub(super) fn within<'a>(&self, item: &Value<'a>) -> Value<'a> {
        let Some(Platform { os, arch, .. }) = self.platform else { return item.clone() };
        let item = match os {
            Some(os) => item.with_variable("os", os.as_str()),
            None => item.clone(),
        };
        match arch {
            Some(arch) => item.with_variable("arch", arch.as_str()).with_variable("machine", arch.machine()),
            None => item,
        }
    }
}

/// The artifacts that `for` of a section makes; one, where it has none.
pub(super) fn alternatives(table: &Table<'_>) -> Result<Vec<Alternative>, Failure> {
    choose(table, FOR)
}

fn choose(table: &Table<'_>, keys: Keys) -> Result<Vec<Alternative>, Failure> {
    let Some(value) = table.optional("for") else { return Ok(vec![Alternative::default()]) };
    let table = value.table("`for`", keys)?;
    let oses = choices(table.optional("os"), Os::ALL, Os::as_str)?;
    let arches = choices(table.optional("arch"), Arch::ALL, Arch::as_str)?;
    let package = table.optional("package").map(|value| word(&value, Package::ALL, Package::as_str));
    let package = package.transpose()?;
    let mut all = Vec::new();
    for (os, os_suffix) in &oses {
        for (arch, arch_suffix) in &arches {
            let platform = Platform { os: *os, arch: *arch, package };
            if let Some(fault) = platform.fault() {
                return Err(value.error(format!("{fault}: `{}`", platform.describe())));
            }
            all.push(Alternative { platform: Some(platform), suffix: format!("{os_suffix}{arch_suffix}") });
        }
    }
    Ok(all)
}

/// The one platform of a section that a list cannot multiply.
pub(super) fn single(table: &Table<'_>) -> Result<Option<Platform>, Failure> {
    match choose(table, FOR_ONE)?.as_slice() {
        [one] if one.suffix.is_empty() => Ok(one.platform),
        _ => Err(table.required("for")?.error("has a list where one value is wanted")),
    }
}

/// The values of a key, each with what it adds to the artifact's name: only those of a list do.
fn choices<T: Copy + PartialEq>(
    value: Option<Value<'_>>,
    all: &'static [T],
    text: fn(T) -> &'static str,
) -> Result<Vec<(Option<T>, String)>, Failure> {
    let Some(value) = value else { return Ok(vec![(None, String::new())]) };
    if value.is_string() {
        return Ok(vec![(Some(word(&value, all, text)?), String::new())]);
    }
    let mut chosen = Vec::new();
    for item in value.array()? {
        let one = word(&item, all, text)?;
        if chosen.iter().any(|(other, _)| *other == Some(one)) {
            return Err(item.error(format!("names `{}` twice", text(one))));
        }
        chosen.push((Some(one), format!("-{}", text(one))));
    }
    if chosen.is_empty() {
        return Err(value.error(format!("has an empty list for `{}`: nothing would be carried", value.key())));
    }
    Ok(chosen)
}

/// One of the words that a type has.
pub(super) fn word<T: Copy>(
    value: &Value<'_>,
    all: &'static [T],
    text: fn(T) -> &'static str,
) -> Result<T, Failure> {
    let said = value.string()?.text;
    all.iter().copied().find(|known| text(*known) == said).ok_or_else(|| {
        let words: Vec<&str> = all.iter().map(|known| text(*known)).collect();
        let failure = value
            .error(format!("has a bad value for `{}`: `{said}`", value.key()))
            .expected(format!("one of {}", list(&words)));
        let meant = match said.as_str() {
            "x86_64" | "x64" | "x86-64" => Some("amd64"),
            "aarch64" => Some("arm64"),
            "macos" | "macosx" | "osx" => Some("darwin"),
            _ => None,
        };
        match meant.filter(|meant| words.contains(meant)).or_else(|| nearest(&said, words.into_iter())) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure,
        }
    })
}
