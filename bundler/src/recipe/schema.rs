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
    let mut schema = table(&read::DOCUMENT);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("bundle.toml");
    schema["description"] =
        json!("What goes across, who must have signed it, where it is installed: docs/formats/recipe.md.");
    schema
}

/// Text in which a variable stands may become anything.
const VARIABLE: &str = r"\$";

fn of(shape: &Shape) -> Value {
    match shape {
        Shape::Bare => json!({}),
        Shape::Text("") | Shape::Verbatim("") => json!({ "type": "string" }),
        Shape::Text(pattern) => json!({ "type": "string", "pattern": format!("{pattern}|{VARIABLE}") }),
        Shape::Verbatim(pattern) => json!({ "type": "string", "pattern": pattern }),
        Shape::Number(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Words(words) => {
            json!({ "anyOf": [{ "enum": words() }, { "type": "string", "pattern": VARIABLE }] })
        }
        Shape::List(item, least, repeats) => list(item, *least, *repeats),
        Shape::Table(keys) => table(keys),
        Shape::Map(names, value) => json!({
            "type": "object",
            "propertyNames": { "pattern": names },
            "additionalProperties": of(value),
        }),
        Shape::AnyOf(shapes) => json!({ "anyOf": shapes.iter().map(of).collect::<Vec<_>>() }),
    }
}

fn list(item: &Shape, least: u64, repeats: Repeats) -> Value {
    let mut schema = json!({ "type": "array", "items": of(item) });
    if least > 0 {
        schema["minItems"] = json!(least);
    }
    if repeats == Repeats::Refused {
        schema["uniqueItems"] = json!(true);
    }
    schema
}

fn table(keys: &Keys) -> Value {
    let mut properties = Map::new();
    for key in keys.known {
        let mut schema = of(&key.shape);
        schema["description"] = json!(key.about);
        properties.insert(key.name.to_owned(), schema);
    }
    let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    let required = keys.known.iter().filter(|key| key.need == Need::Required);
    let required: Vec<&str> = required.map(|key| key.name).collect();
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    for rule in keys.rules {
        match rule {
            Rule::NotEmpty => schema["minProperties"] = json!(1),
            Rule::OneOf(ways) => {
                schema["oneOf"] = ways.iter().map(|way| of_way(way, ways)).collect();
            }
            Rule::WithText(text, with) => {
                schema["if"] = json!({ "properties": { *text: { "type": "string" } } });
                schema["then"] = json!({ "required": [with] });
                schema["else"] = json!({ "properties": { *with: false } });
            }
        }
    }
    schema
}

fn of_way(way: &Way, ways: &[Way]) -> Value {
    let keys = |way: &Way| way.all.iter().chain(way.may).copied().collect::<Vec<_>>();
    let own = keys(way);
    let others = ways.iter().flat_map(keys).filter(|key| !own.contains(key));
    let refused: Map<String, Value> = others.map(|key| (key.to_owned(), json!(false))).collect();
    json!({ "required": way.all, "properties": refused })
}
