// SPDX-License-Identifier: Apache-2.0
//! The schema for editors, by a validator that is not ours: it accepts every recipe that the reader accepts,
//! refuses what the reader refuses for its form, and has the keys of docs/formats/recipe.md.
#![allow(clippy::unwrap_used, reason = "a test that cannot read its own files has failed")]

mod changes;
mod page;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bundler::failure::Failure;
use bundler::recipe::Recipe;
use bundler::recipe::schema::schema;
use jsonschema::{Draft, Validator};

/// A recipe that has every key there is.
const EVERY_KEY: &str = include_str!("every-key.toml");

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(recipe: &str) -> Result<Recipe, Failure> {
    Recipe::from_text("bundle.toml", recipe, PathBuf::from("."), BTreeMap::new())
}

/// The schema as editors read it: some know its draft, others take it for draft 7.
struct Schema {
    by_its_draft: Validator,
    by_draft_7: Validator,
}

impl Schema {
    fn new() -> Self {
        let text = fs::read_to_string(top().join("docs/formats/recipe.schema.json")).unwrap();
        let schema = serde_json::from_str(&text).unwrap();
        Self {
            by_its_draft: jsonschema::validator_for(&schema).unwrap(),
            by_draft_7: jsonschema::options().with_draft(Draft::Draft7).build(&schema).unwrap(),
        }
    }

    /// What it says against a recipe; nothing where it accepts it.
    fn complaints(&self, recipe: &toml::Value) -> Vec<String> {
        let recipe = serde_json::to_value(recipe).unwrap();
        let complaints: Vec<String> = self
            .by_its_draft
            .iter_errors(&recipe)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert_eq!(self.by_draft_7.is_valid(&recipe), complaints.is_empty(), "{recipe}: {complaints:?}");
        complaints
    }

    fn accepts(&self, name: &str, recipe: &str) {
        let value = toml::from_str(recipe).unwrap_or_else(|error| panic!("{name}: {error}"));
        let complaints = self.complaints(&value);
        assert!(complaints.is_empty(), "{name}: {complaints:#?}");
    }
}

#[test]
fn it_is_a_schema_of_its_draft() {
    assert!(jsonschema::meta::is_valid(&schema()));
    assert_eq!(schema()["$schema"], "https://json-schema.org/draft/2020-12/schema");
}

#[test]
fn shipped_recipes_are_accepted() {
    let schema = Schema::new();
    let mut count = 0;
    for folder in ["manifests/recipes", "testdata/recipes/first", "testdata/bundles/base"] {
        for entry in fs::read_dir(top().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if name.ends_with(".toml") && name != "rules.toml" {
                schema.accepts(&path.display().to_string(), &fs::read_to_string(&path).unwrap());
                count += 1;
            }
        }
    }
    assert!(count >= 6, "{count}");
}

#[test]
fn recipes_of_the_guides_are_accepted() {
    let schema = Schema::new();
    let (mut whole, mut parts) = (0, 0);
    for entry in fs::read_dir(top().join("docs/guides")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.display().to_string();
        let text = fs::read_to_string(&path).unwrap();
        for recipe in between(&text, "<<'RECIPE'\n", "\nRECIPE\n") {
            schema.accepts(&name, recipe);
            whole += 1;
        }
        for part in between(&text, "```toml\n", "\n```\n") {
            let bundle =
                "[bundle]\nname = \"x\"\nversion = \"1\"\nsequence = 1\ncreated = \"2026-11-22T00:00:00Z\"\n";
            schema.accepts(&name, &format!("{bundle}{part}"));
            parts += 1;
        }
    }
    assert!(whole >= 1 && parts >= 1, "{whole} {parts}");
}

#[test]
fn recipes_of_other_tests_are_accepted() {
    let schema = Schema::new();
    let support = fs::read_to_string(top().join("bundler/tests/cli/support.rs")).unwrap();
    let recipes: Vec<&str> = between(&support, "PLAIN: &str = r#\"", "\"#;").collect();
    assert_eq!(recipes.len(), 1);
    schema.accepts("PLAIN", recipes[0]);
}

/// Each text between these two.
fn between<'t>(text: &'t str, from: &'t str, to: &'t str) -> impl Iterator<Item = &'t str> {
    text.split(from).skip(1).map(move |rest| rest.split_once(to).unwrap().0)
}
