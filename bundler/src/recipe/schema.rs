// SPDX-License-Identifier: Apache-2.0
//! The schema of recipes for editors, made of the keys that the reader knows.
//!
//! In: the constants beside the readers of the sections. Out: a JSON Schema of draft 2020-12. It uses only what
//! draft 7 has too, and no `$ref`: editors for TOML read it by either.

use serde_json::{Map, Value, json};

use super::read;
use crate::keys::{Keys, Need, Repeats, Rule, Shape, Way};

/// The schema. It accepts every recipe that the reader accepts; what lies in files, and what parts of a recipe
/// say of each other, only the reader judges.
pub fn schema() -> Value {
    let mut schema = of(&Shape::Table(&read::DOCUMENT));
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("title".to_owned(), json!("bundle.toml"));
    let about = "What goes across, who must have signed it, where it is installed: docs/formats/recipe.md.";
    schema.insert("description".to_owned(), json!(about));
    Value::Object(schema)
}

fn of(shape: &Shape) -> Map<String, Value> {
    match shape {
        Shape::Bare => Map::new(),
        Shape::Text("") | Shape::Verbatim("") => object(json!({ "type": "string" })),
        Shape::Text(pattern) => {
            object(json!({ "type": "string", "pattern": format!("{pattern}|{VARIABLE}") }))
        }
        Shape::Verbatim(pattern) => object(json!({ "type": "string", "pattern": pattern })),
        Shape::Number(least, most) => object(json!({ "type": "integer", "minimum": least, "maximum": most })),
        Shape::Flag => object(json!({ "type": "boolean" })),
        Shape::Words(words) => object(json!({
            "anyOf": [{ "enum": words() }, { "type": "string", "pattern": VARIABLE }]
        })),
        Shape::List(item, least, repeats) => list(item, *least, *repeats),
        Shape::Table(keys) => table(keys),
        Shape::Map(names, value) => object(json!({
            "type": "object",
            "propertyNames": { "pattern": names },
            "additionalProperties": of(value),
        })),
        Shape::AnyOf(shapes) => object(json!({ "anyOf": shapes.iter().map(of).collect::<Vec<_>>() })),
    }
}

/// Text in which a variable stands may become anything.
const VARIABLE: &str = r"\$";

fn list(item: &Shape, least: u64, repeats: Repeats) -> Map<String, Value> {
    let mut schema = object(json!({ "type": "array", "items": of(item) }));
    if least > 0 {
        schema.insert("minItems".to_owned(), json!(least));
    }
    if repeats == Repeats::Refused {
        schema.insert("uniqueItems".to_owned(), json!(true));
    }
    schema
}

fn table(keys: &Keys) -> Map<String, Value> {
    let properties: Map<String, Value> = keys
        .known
        .iter()
        .map(|key| {
            let mut schema = of(&key.shape);
            schema.insert("description".to_owned(), json!(key.about));
            (key.name.to_owned(), Value::Object(schema))
        })
        .collect();
    let mut schema = object(json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    }));
    let required: Vec<&str> =
        keys.known.iter().filter(|key| key.need == Need::Required).map(|key| key.name).collect();
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    keys.rules.iter().for_each(|rule| schema.extend(of_rule(rule)));
    schema
}

/// What a rule adds to the schema of its table. No two rules of one table add the same.
fn of_rule(rule: &Rule) -> Map<String, Value> {
    object(match rule {
        Rule::NotEmpty => json!({ "minProperties": 1 }),
        Rule::OneOf(ways) => json!({ "oneOf": ways.iter().map(|way| of_way(way, ways)).collect::<Vec<_>>() }),
        Rule::WithText(text, with) => json!({
            "if": { "properties": { *text: { "type": "string" } } },
            "then": { "required": [with] },
            "else": { "properties": { *with: false } },
        }),
    })
}

fn of_way(way: &Way, ways: &[Way]) -> Value {
    let keys = |way: &Way| way.all.iter().chain(way.may).copied().collect::<Vec<_>>();
    let own = keys(way);
    let others = ways.iter().flat_map(keys).filter(|key| !own.contains(key));
    let refused: Map<String, Value> = others.map(|key| (key.to_owned(), json!(false))).collect();
    json!({ "required": way.all, "properties": refused })
}

/// What `json!` makes of braces.
fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => Map::from_iter([("const".to_owned(), other)]),
    }
}
