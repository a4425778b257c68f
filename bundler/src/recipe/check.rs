// SPDX-License-Identifier: Apache-2.0
//! `[[check]]`: what must be true after the install.

use manifests::bundle::{Check, Column, Contains, Expect};
use manifests::name::{Name, is_control_or_bidi};

use super::sections::prose;
use super::shapes::{NAME, PLAIN, PROSE};
use super::{platform, sections};
use crate::failure::Failure;
use crate::keys::{Key, Keys, Repeats, Rule, Shape, Way};
use crate::source::Value;

pub(super) const CHECK: Keys = Keys::of(&[
    Key::required("name", PROSE, "What it shows, for people. No two checks have one name."),
    Key::optional("component", NAME, "It runs where this component was installed."),
    Key::optional("for", Shape::Table(&platform::FOR_ONE), "The hosts that it is for; all, where absent."),
    Key::optional("partition", NAME, sections::ABOUT_PARTITION),
    Key::required(
        "run",
        Shape::List(&PLAIN, 1, Repeats::Allowed),
        "A program and its arguments. The program is a plain name, of a file that this bundle installs, or an \
         absolute path.",
    ),
    Key::optional(
        "expect",
        Shape::Table(&EXPECT),
        "What it must print: a value in a column, or a text. The exit status is 0 in any case.",
    ),
]);
const EXPECT: Keys = Keys::of(&[
    Key::optional("column", PROSE, "The head of a column of the table that is printed."),
    Key::optional("equals", PROSE, "What stands in that column, in every row."),
    Key::optional("contains", PROSE, "A text that is printed."),
])
.rules(&[Rule::OneOf(&[Way { all: &["column", "equals"], may: &[] }, Way { all: &["contains"], may: &[] }])]);

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
