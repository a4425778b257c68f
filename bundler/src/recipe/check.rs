// SPDX-License-Identifier: Apache-2.0
//! `[[check]]`: what must be true after the install.

use manifests::bundle::{Check, Column, Contains, Expect};
use manifests::name::{Name, is_control_or_bidi};

use super::platform;
use super::sections::prose;
use crate::failure::Failure;
use crate::source::{Keys, Value};

const CHECK: Keys = Keys { known: &["name", "component", "for", "partition", "run", "expect"], later: &[] };
const EXPECT: Keys = Keys { known: &["column", "equals", "contains"], later: &[] };

pub(super) fn check(value: &Value<'_>) -> Result<Check, Failure> {
    let table = value.table("[[check]]", CHECK)?;
    let run = table.required("run")?;
    let words = run.array()?.iter().map(plain).collect::<Result<Vec<_>, _>>()?;
    let check = Check {
        name: prose(&table.required("name")?)?,
        component: table.optional("component").map(|value| value.parse(Name::new)).transpose()?,
        platform: platform::single(&table)?,
        partition: table.optional("partition").map(|value| value.parse(Name::new)).transpose()?,
        run: words,
        expect: table.optional("expect").map(|value| expect(&value)).transpose()?,
    };
    match check.fault() {
        Some(fault) => Err(run.error(format!("has a check that {fault}"))),
        None => Ok(check),
    }
}

fn expect(value: &Value<'_>) -> Result<Expect, Failure> {
    let table = value.table("`expect`", EXPECT)?;
    let text = |key| table.optional(key).map(|value| plain(&value)).transpose();
    match (text("column")?, text("equals")?, text("contains")?) {
        (Some(column), Some(equals), None) => Ok(Expect::Column(Column { column, equals })),
        (None, None, Some(contains)) => Ok(Expect::Contains(Contains { contains })),
        _ => Err(value
            .error("expects neither a column nor a text")
            .expected("{ column = \"…\", equals = \"…\" } or { contains = \"…\" }")),
    }
}

/// Text that a manifest can carry and that is compared as it stands.
fn plain(value: &Value<'_>) -> Result<String, Failure> {
    value.parse(|text| match text {
        _ if text.is_empty() => Err("it is empty"),
        _ if text.chars().any(is_control_or_bidi) => Err("it has a control or bidirectional character"),
        _ => Ok(text.to_owned()),
    })
}
