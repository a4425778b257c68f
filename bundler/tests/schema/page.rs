// SPDX-License-Identifier: Apache-2.0
//! docs/formats/recipe.md names exactly the keys that the schema has, which are those that the reader knows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use super::{between, schema, top};

fn document(name: &str) -> String {
    fs::read_to_string(top().join("docs/formats").join(name)).unwrap()
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The cells of the rows of the tables whose first column has this head; the head itself is the first row.
fn rows<'t>(text: &'t str, head: &str) -> Vec<Vec<&'t str>> {
    let is_row = |line: &&&str| line.starts_with('|');
    let lines: Vec<&str> = text.lines().collect();
    let start = lines.iter().position(|line| line.starts_with(&format!("| {head} |")));
    let table = start.map(|at| lines[at..].iter().take_while(is_row)).into_iter().flatten();
    let cells = |row: &&'t str| row.trim_matches('|').split(" | ").map(str::trim).collect();
    table.filter(|row| !row.starts_with("|---")).map(cells).collect()
}

/// `[[artifact]]`, `[signer.NAME]`, `[host."HOST"]`: the key at the top of the recipe.
fn key_of(title: &str) -> &str {
    title.trim_matches(['[', ']']).split('.').next().unwrap()
}

/// The page's clause of each section.
fn clauses(page: &str) -> BTreeMap<&str, &str> {
    page.split("\n## ")
        .filter_map(|clause| {
            let title = quoted(clause.lines().next().unwrap()).next()?;
            Some((key_of(title), clause))
        })
        .collect()
}

/// The table of one section in the schema: none where the author chooses its keys.
fn section(of: &Value) -> Option<&Value> {
    [of, &of["items"], &of["additionalProperties"]].into_iter().find(|of| of["properties"].is_object())
}

fn names(table: &Value) -> BTreeSet<&str> {
    table["properties"].as_object().unwrap().keys().map(String::as_str).collect()
}

fn required(table: &Value) -> BTreeSet<&str> {
    table["required"].as_array().into_iter().flatten().map(|key| key.as_str().unwrap()).collect()
}

/// The keys of the tables within a value, and the words that it may be.
fn within<'s>(value: &'s Value, keys: &mut BTreeSet<&'s str>, words: &mut BTreeSet<&'s str>) {
    match value {
        Value::Object(object) => {
            if let Some(properties) = object.get("properties") {
                keys.extend(properties.as_object().unwrap().keys().map(String::as_str));
            }
            let of_enum = object.get("enum").and_then(Value::as_array).into_iter().flatten();
            words.extend(of_enum.map(|word| word.as_str().unwrap()));
            object.values().for_each(|value| within(value, keys, words));
        }
        Value::Array(items) => items.iter().for_each(|item| within(item, keys, words)),
        _ => {}
    }
}

/// The keys that stand before a `=` in what is between backticks.
fn assigned(text: &str) -> BTreeSet<&str> {
    let parts = quoted(text).flat_map(|code| code.split(['{', ',']));
    parts.filter_map(|part| Some(part.split_once(" = ")?.0.trim())).collect()
}

#[test]
fn sections_are_those_of_the_schema() {
    let (schema, page) = (schema(), document("recipe.md"));
    let rows = rows(&page, "section");
    let listed = rows.iter().skip(1).map(|row| (key_of(quoted(row[0]).next().unwrap()), row[1]));
    let listed: BTreeMap<&str, &str> = listed.collect();
    assert_eq!(listed.keys().copied().collect::<BTreeSet<_>>(), names(&schema));
    let once: BTreeSet<&str> =
        listed.into_iter().filter(|(_, often)| *often == "once").map(|(key, _)| key).collect();
    assert_eq!(once, required(&schema));
    assert_eq!(clauses(&page).keys().copied().collect::<BTreeSet<_>>(), names(&schema));
}

#[test]
fn keys_are_those_of_the_schema() {
    let (schema, page) = (schema(), document("recipe.md"));
    for (name, clause) in clauses(&page) {
        let Some(table) = section(&schema["properties"][name]) else {
            assert_eq!(name, "variables");
            continue;
        };
        let rows = rows(clause, "key");
        let (head, rows) = rows.split_first().unwrap();
        let listed: Vec<&str> = rows.iter().flat_map(|row| quoted(row[0])).collect();
        assert_eq!(listed.iter().copied().collect::<BTreeSet<_>>(), names(table), "{name}");
        assert_eq!(listed.len(), names(table).len(), "{name}");
        if head[1] != "required" {
            assert_eq!(name, "signer");
            continue;
        }
        for row in rows {
            for key in quoted(row[0]) {
                match row[1] {
                    "yes" => assert!(required(table).contains(key), "{name}: {key}"),
                    "as for artifacts" => assert_eq!(name, "tree"),
                    _ => assert!(!required(table).contains(key), "{name}: {key}"),
                }
            }
        }
    }
}

#[test]
fn inner_keys_and_words_are_those_of_the_schema() {
    let (schema, page, manifest) = (schema(), document("recipe.md"), document("manifest.md"));
    let on_page = assigned(&page);
    let mut count = 0;
    for (name, clause) in clauses(&page) {
        let Some(table) = section(&schema["properties"][name]) else { continue };
        let (mut inner, mut words) = (BTreeSet::new(), BTreeSet::new());
        for (_, value) in table["properties"].as_object().unwrap() {
            within(value, &mut inner, &mut words);
        }
        for key in &inner {
            assert!(on_page.contains(key), "{name}: the page does not name {key}");
        }
        // Keys that a brace holds: `{ os = OS, arch = ARCH }`; capitals stand for names that the author chooses.
        for braces in between_braces(clause) {
            for part in braces.split(',') {
                let key = part.split(" = ").next().unwrap().trim();
                if !key.starts_with(|c: char| c.is_ascii_uppercase()) {
                    assert!(inner.contains(key), "{name}: the page names {key}");
                    count += 1;
                }
            }
        }
        // Platforms are pairs of words.
        for word in words.iter().filter(|word| !word.contains('/')) {
            let named = page.contains(&format!("\"{word}\"")) || manifest.contains(&format!("`{word}`"));
            assert!(named, "{name}: no page names {word}");
        }
    }
    assert!(count >= 10, "{count}");
}

fn between_braces(clause: &str) -> impl Iterator<Item = &str> {
    quoted(clause).filter(|code| code.contains("{ ")).flat_map(|code| between(code, "{ ", " }"))
}
