// SPDX-License-Identifier: Apache-2.0
//! The recipe that has every key, changed in one place at a time: reader and schema must agree.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use toml::Value;

use super::{EVERY_KEY, Schema, read};

/// How the reader says that a recipe has not the form of one.
const OF_FORM: [&str; 5] =
    ["has an unknown key", "lacks the key", "has the wrong type for", "has a bad value for", "says neither"];

/// A step from a table or list to what is in it.
#[derive(Clone, Debug)]
enum Step {
    Key(String),
    Item(usize),
}

/// What is done in one place.
#[derive(Clone, Debug)]
enum Change {
    Remove,
    Rename,
    Add,
    Replace(Value),
}

impl Change {
    fn all() -> Vec<Self> {
        let texts = ["", "word", "$site", "/", "source"].map(|text| Value::String(text.to_owned()));
        let others = [
            Value::Integer(7),
            Value::Integer(-1),
            Value::Boolean(true),
            Value::Float(1.5),
            Value::Array(Vec::new()),
            Value::Array(vec![Value::String("word".to_owned())]),
            Value::Table(toml::Table::new()),
        ];
        let replaced = texts.into_iter().chain(others).map(Self::Replace);
        [Self::Remove, Self::Rename, Self::Add].into_iter().chain(replaced).collect()
    }

    /// A text that only its variable's value could tell.
    fn is_variable(&self) -> bool {
        matches!(self, Self::Replace(Value::String(text)) if text.contains('$'))
    }

    /// The recipe with this change; none where it is no change there.
    fn of(&self, recipe: &Value, place: &[Step]) -> Option<Value> {
        let mut recipe = recipe.clone();
        let (last, above) = place.split_last()?;
        let holder = above.iter().fold(&mut recipe, |value, step| match step {
            Step::Key(key) => &mut value[key.as_str()],
            Step::Item(at) => &mut value[*at],
        });
        match (self, last) {
            (Self::Remove, Step::Key(key)) => drop(holder.as_table_mut()?.remove(key)),
            (Self::Remove, Step::Item(at)) => drop(holder.as_array_mut()?.remove(*at)),
            (Self::Rename, Step::Key(key)) => {
                let value = holder.as_table_mut()?.remove(key)?;
                holder.as_table_mut()?.insert(format!("{key}x"), value);
            }
            (Self::Rename, Step::Item(_)) => return None,
            (Self::Add, Step::Key(key)) => {
                let value = holder.as_table()?[key].clone();
                holder.as_table_mut()?.insert("zzz".to_owned(), value);
            }
            (Self::Add, Step::Item(at)) => {
                let value = holder.as_array()?[*at].clone();
                holder.as_array_mut()?.push(value);
            }
            (Self::Replace(value), Step::Key(key)) => holder[key.as_str()] = value.clone(),
            (Self::Replace(value), Step::Item(at)) => holder[*at] = value.clone(),
        }
        Some(recipe)
    }
}

/// Whether a place is in this section.
fn is_in(place: &[Step], section: &str) -> bool {
    matches!(place.first(), Some(Step::Key(key)) if key == section)
}

fn places(value: &Value, here: &[Step], found: &mut Vec<Vec<Step>>) {
    let inside: Vec<(Step, &Value)> = match value {
        Value::Table(table) => table.iter().map(|(key, value)| (Step::Key(key.clone()), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(at, value)| (Step::Item(at), value)).collect(),
        _ => Vec::new(),
    };
    for (step, value) in inside {
        let place = [here, &[step]].concat();
        places(value, &place, found);
        found.push(place);
    }
}

#[test]
fn every_change_is_judged_as_the_reader_judges_it() {
    read(EVERY_KEY).unwrap_or_else(|failure| panic!("{failure}"));
    let schema = Schema::new();
    schema.accepts("every key", EVERY_KEY);
    let recipe: Value = toml::from_str(EVERY_KEY).unwrap();
    let mut all = Vec::new();
    places(&recipe, &[], &mut all);
    let mut accepted = 0;
    let mut refused = BTreeMap::new();
    let mut disagree = Vec::new();
    // No version carries images: the reader does not look at the component of one, the schema does.
    all.retain(|place| {
        !is_in(place, "image") || !matches!(place.last(), Some(Step::Key(key)) if key == "component")
    });
    for place in &all {
        for change in Change::all() {
            let Some(changed) = change.of(&recipe, place) else { continue };
            let complaints = schema.complaints(&changed);
            match read(&toml::to_string(&changed).unwrap()) {
                Ok(_) => {
                    accepted += 1;
                    if !complaints.is_empty() {
                        disagree.push(format!("reader accepts: {place:?} {change:?}: {complaints:?}"));
                    }
                }
                Err(failure) => {
                    let text = failure.to_string();
                    let Some(form) = OF_FORM.into_iter().find(|form| text.contains(form)) else { continue };
                    *refused.entry(form).or_insert(0) += 1;
                    // What a variable makes of a text, no schema can tell.
                    if complaints.is_empty() && !change.is_variable() && !is_in(place, "variables") {
                        disagree.push(format!("schema accepts: {place:?} {change:?}: {text}"));
                    }
                }
            }
        }
    }
    assert!(disagree.is_empty(), "{}", disagree.join("\n"));
    assert!(accepted > 100, "{accepted}");
    assert_eq!(refused.len(), OF_FORM.len(), "{refused:?}");
}

#[test]
fn the_recipe_that_is_changed_has_every_key() {
    fn of_schema(schema: &Json, keys: &mut BTreeSet<String>) {
        match schema {
            Json::Object(object) => {
                let properties = object.get("properties").and_then(Json::as_object).into_iter().flatten();
                keys.extend(properties.map(|(key, _)| key.clone()));
                object.values().for_each(|value| of_schema(value, keys));
            }
            Json::Array(items) => items.iter().for_each(|item| of_schema(item, keys)),
            _ => {}
        }
    }
    fn of_recipe(value: &Value, keys: &mut BTreeSet<String>) {
        match value {
            Value::Table(table) => {
                keys.extend(table.keys().cloned());
                table.values().for_each(|value| of_recipe(value, keys));
            }
            Value::Array(items) => items.iter().for_each(|item| of_recipe(item, keys)),
            _ => {}
        }
    }
    let (mut known, mut used) = (BTreeSet::new(), BTreeSet::new());
    of_schema(&super::schema(), &mut known);
    of_recipe(&toml::from_str(EVERY_KEY).unwrap(), &mut used);
    let missing: Vec<_> = known.difference(&used).collect();
    assert!(known.len() > 40 && missing.is_empty(), "{missing:?}");
}

/// One line of the recipe, what it becomes, and what the reader says.
const WRONG: &[(&str, &str, &str)] = &[
    ("sequence = 1\n", "sequnce = 1\n", "has an unknown key `sequnce`"),
    ("[bundle]", "[bundl]", "did you mean `bundle`?"),
    ("source = \"docs/\"\n", "", "lacks the key `source` in [[tree]]"),
    ("sequence = 1\n", "sequence = \"1\"\n", "wrong type for `sequence`"),
    ("sequence = 1\n", "sequence = 0\n", "bad value for `sequence`"),
    ("name = \"every-key\"", "name = \"Every-key\"", "upper-case letters"),
    ("created = \"2026-11-22T00:00:00Z\"", "created = 2026-11-22T00:00:00Z", "wrong type for `created`"),
    ("profile = \"standard\"", "profile = \"cnsa2\"", "does not have yet"),
    ("audience = [\"line-3\", \"line-4\"]", "audience = []", "bad value for `audience`"),
    ("system = \"linux\"", "system = \"linux\"\narch = \"x\"", "bad name for a variable"),
    ("system = \"linux\"", "system = \"linux\"\nos = \"x\"", "bad name for a variable"),
    ("system = \"linux\"", "system = \"linux\"\nmachine = \"x\"", "bad name for a variable"),
    ("system = \"linux\"", "system = \"linux\"\nsource = \"x\"", "bad name for a variable"),
    ("Bearer env:TOKEN", "Bearer $site", "variable of the recipe in the header"),
    ("[signer.leaf]", "[signer.\"a b\"]", "bad name for a signer"),
    ("key = \"key.asc\"\n", "", "lacks the key `key`"),
    ("apple-team = \"94KV3E626L\"", "apple-team = \"94KV3E626L\"\nkey = \"k\"", "to a signer that has `key`"),
    (
        "apple-team = \"94KV3E626L\"",
        "apple-team = \"94KV3E626L\"\nauthenticode = \"X\"",
        "both by a publisher",
    ),
    ("apple-team = \"94KV3E626L\"\n", "", "pins neither"),
    ("allow = [\"sha1\"]", "allow = [\"md5\"]", "it is none of"),
    ("allow = [\"sha1\"]", "allow = [\"sha1\", \"sha1\"]", "one weakness twice"),
    ("arch = [\"amd64\", \"arm64\"]", "arch = [\"amd64\", \"amd64\"]", "names `amd64` twice"),
    ("arch = [\"amd64\", \"arm64\"]", "arch = []", "empty list"),
    ("{ os = [\"linux\"], arch = \"amd64\" }", "{ os = \"macos\" }", "did you mean `darwin`?"),
    ("{ os = [\"linux\"], arch = \"amd64\" }", "{}", "says nothing"),
    ("{ os = \"linux\", arch = \"amd64\", package = \"zip\" }", "{ os = [\"linux\"] }", "a list where one"),
    ("package = \"zip\" }\npartition", "package = \"tgz\" }\npartition", "bad value for `package`"),
    ("install = \"deb\"", "install = \"dep\"", "did you mean `deb`?"),
    ("source = \"package.deb\"", "source = \"http://a.example/package.deb\"", "names a URL that"),
    ("signature = \"embedded\"\n", "", "lacks the key `signature`"),
    ("signature = \"embedded\"\n", "signature = []\n", "names none"),
    ("signature = \"embedded\"\n", "signature = \"embedded\"\nunsigned = \"x\"\n", "says both"),
    ("unsigned = \"written by this site\"\n", "", "says neither"),
    ("unsigned = \"written by this site\"\n", "unsigned = \"x\"\nmember = \"m\"\n", "which is `unsigned`"),
    ("unsigned = \"written by this site\"\n", "unsigned = \" \"\n", "it says nothing"),
    ("mode = \"0644\"", "mode = \"0888\"", "four octal digits"),
    ("unsigned = \"our own documents\"\n", "signed-by = \"key\"\n", "does not have yet"),
    ("source = \"docs/\"", "source = \"https://a.example/docs\"", "a URL where a path is wanted"),
    ("directory = \"/usr", "directory = \"usr", "is not absolute"),
    ("fingerprint = \"sha256:b0", "# \"", "names a certificate without its `fingerprint`"),
    ("type = \"tsa\"", "type = \"tsa\"\nfingerprint = \"AA\"", "wrong type for `certificate`"),
    ("type = \"ca\"", "type = \"CA\"", "bad value for `type`"),
    ("parameters = [\"profile-arn\", \"scopes\"]", "parameters = [\"a\", \"a\"]", "the parameter `a` twice"),
    ("platforms = [\"linux/amd64\"]", "platforms = [\"linux\"]", "a platform is OS/ARCH"),
    ("source = \"oci://a.example/mirror@", "source = \"oci://a.example/mirror:1@", "beside a digest"),
    ("signed-by = { trust-policy = \"trustpolicy.json\" }\n", "", "says neither"),
    ("run = [\"tool\", \"--version\"]", "run = []", "runs nothing"),
    ("{ contains = \"tool 2.\" }", "{ column = \"a\" }", "neither a column nor a text"),
    (
        "{ contains = \"tool 2.\" }",
        "{ column = \"a\", equals = \"b\", contains = \"c\" }",
        "neither a column",
    ),
];

#[test]
fn wrong_recipes_are_refused_by_both() {
    let schema = Schema::new();
    for (from, to, said) in WRONG {
        assert!(EVERY_KEY.contains(from), "{from}");
        let recipe = EVERY_KEY.replacen(from, to, 1);
        let failure = read(&recipe).expect_err(to).to_string();
        assert!(failure.contains(said), "{to}: {failure}");
        let complaints = schema.complaints(&toml::from_str(&recipe).unwrap());
        assert!(!complaints.is_empty(), "the schema accepts what the reader refuses: {failure}");
    }
}
