// SPDX-License-Identifier: Apache-2.0
//! How to fetch from a host: `[host."artifacts.example.com"]`. Nothing of it is ever in the lock.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::location::Location;
use super::shapes::PATH;
use crate::failure::Failure;
use crate::fetch::hosts::{Header, Hosts};
use crate::fetch::url::Authority;
use crate::keys::{Key, Keys, Shape};
use crate::source::{Table, Value};

pub(super) const HOST: Keys = Keys::of(&[
    Key::optional(
        "headers",
        Shape::Map("^[!-~]+$", &Shape::Verbatim("^[^$]*$")),
        "Headers by name. In a value each word `env:NAME` stands for a variable of the environment.",
    ),
    Key::optional("ca", PATH, "Path of CA certificates that this host may have, beside the system's own."),
]);

/// Every host's section; paths are relative to `folder`.
pub(super) fn hosts(root: &Table<'_>, folder: &Path) -> Result<Hosts, Failure> {
    let mut hosts = Hosts::new();
    let Some(section) = root.optional("host") else { return Ok(hosts) };
    let mut seen = BTreeSet::new();
    for value in section.open_table("[host]")?.entries() {
        let title = || format!("[host.\"{}\"]", value.key());
        let authority = Authority::parse(value.key()).map_err(|wrong| {
            value.error(format!("has a section {} that {wrong}", title())).expected("a host, or host:port")
        })?;
        if !seen.insert(authority) {
            return Err(value.error(format!("has a second section for the host of {}", title())));
        }
        let table = value.table(title(), HOST)?;
        let headers = table.optional("headers").map_or(Ok(Vec::new()), |headers| headers_of(&headers))?;
        let ca = table.optional("ca").map(|ca| Location::anywhere(&ca)).transpose()?;
        let ca: Option<PathBuf> = ca.map(|ca| folder.join(ca.text));
        hosts
            .add(value.key(), &headers, ca)
            .map_err(|wrong| value.error(format!("has a section {} that {wrong}", title())))?;
    }
    Ok(hosts)
}

fn headers_of(value: &Value<'_>) -> Result<Vec<(String, String)>, Failure> {
    let mut headers = Vec::new();
    for value in value.open_table("`headers`")?.entries() {
        let written = value.string_before_variables().unwrap_or_default();
        // Values of --set stand in the lock, and nothing of a header may.
        if written.contains('$') {
            return Err(value
                .error(format!("uses a variable of the recipe in the header `{}`", value.key()))
                .hint("write \"env:NAME\": a variable of the environment stands in no lock"));
        }
        let text = value.string()?.text;
        Header::new(value.key(), &text)
            .map_err(|wrong| value.error(format!("names a header `{}` that {wrong}", value.key())))?;
        headers.push((value.key().to_owned(), text));
    }
    Ok(headers)
}
