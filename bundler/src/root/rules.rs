// SPDX-License-Identifier: Apache-2.0
//! `root.toml`, the file of `--from`: what a root says besides keys, in the words of `root.json`.
//!
//! ```toml
//! require-audience = true
//! denied = ["sha256:…"]
//!
//! [floors]
//! aws-signer = 7
//!
//! [[rules]]
//! names = ["firmware-*"]
//! require = ["release-authority"]
//! ```

use std::path::Path;

use manifests::digest::Sha256Digest;
use manifests::name::{BundleName, Name};
use manifests::root::{NamePattern, RootDocument, Rule};
use manifests::sequence::Sequence;

use crate::failure::Failure;
use crate::keys::{Keys, bare};
use crate::source::{Source, Table};

const DOCUMENT: Keys = Keys::of(&bare(["rules", "floors", "denied", "require-audience"]));
const RULE: Keys = Keys::of(&bare(["names", "require"]));
const HINT: &str = "correct the line that is shown; docs/formats/trust-root.md has every key";

/// Whether the file says anything about rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// It does, and they take the place of the old ones.
    Rules,
    /// It does not.
    Nothing,
}

/// Takes over what the file says; what it does not mention stays.
pub(super) fn apply(document: &mut RootDocument, path: &Path) -> Result<Given, Failure> {
    let source = Source::read(path)?.with_hint(HINT);
    let text = source.parse()?;
    let table = Table::new(&source, "the file", 0..0, text.get_ref(), DOCUMENT)?;
    if let Some(value) = table.optional("require-audience") {
        document.require_audience = value.boolean()?;
    }
    if let Some(value) = table.optional("floors") {
        for floor in value.open_table("[floors]")?.entries() {
            let name = BundleName::new(floor.key())
                .map_err(|error| source.error(floor.key_span(), format!("names no bundle: {error}")))?;
            let sequence = Sequence::new(floor.integer()?)
                .ok_or_else(|| floor.error("has a sequence that is not from 1 to 2^53 - 1"))?;
            document.floors.insert(name, sequence);
        }
    }
    if let Some(value) = table.optional("denied") {
        for item in value.array()? {
            document.denied.insert(item.parse(Sha256Digest::parse)?);
        }
    }
    let Some(value) = table.optional("rules") else { return Ok(Given::Nothing) };
    let mut rules = Vec::new();
    for item in value.array()? {
        let table = item.table("[[rules]]", RULE)?;
        let names: Result<Vec<_>, Failure> = table
            .required("names")?
            .array()?
            .iter()
            .map(|name| {
                name.parse(|text| NamePattern::new(text).ok_or("not a bundle name with `*` for any part"))
            })
            .collect();
        let require: Result<_, Failure> =
            table.required("require")?.array()?.iter().map(|role| role.parse(Name::new)).collect();
        rules.push(Rule { names: names?, require: require? });
    }
    document.rules = rules;
    Ok(Given::Rules)
}
