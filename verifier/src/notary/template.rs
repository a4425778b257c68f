// SPDX-License-Identifier: Apache-2.0
//! A trust policy in which the string `"$NAME"` stands for what a site gives: its signing profiles, its repositories.
//!
//! In: the JSON text of a template, values by name. Out: the text with each such string replaced by the value,
//! written as JSON, so that no value can be more than a string. Several values take the place of one in a list.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use manifests::json;
use manifests::name::Name;
use serde_json::Value;

use super::policy::MAX_POLICY_BYTES;

/// Most values of one parameter: a policy is read by people.
pub const MAX_VALUES: usize = 1_000;

/// What is given for a parameter: one text or several.
pub type Values = BTreeMap<Name, Vec<String>>;

/// A template whose JSON is well-formed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: String,
    parameters: BTreeSet<Name>,
}

/// Why a text is no template, or why values do not fit it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It cannot be read at all.
    #[error("it is not JSON: {0}")]
    Json(String),
    /// A string begins with `$`, but no name follows.
    #[error("it has the string `{0}`, which begins with $ but names no parameter")]
    Name(String),
    /// A parameter stands where a member's name stands.
    #[error("the parameter `{0}` stands in the place of a member's name")]
    Key(Name),
    /// A parameter without a value, or with too many.
    #[error("the parameter `{0}` has no value, or more than {MAX_VALUES}")]
    Values(Name),
    /// A value that would be read as a parameter.
    #[error("the parameter `{0}` has a value that begins with $")]
    Nested(Name),
    /// With its values it is longer than a policy can be.
    #[error("with its values it is longer than {MAX_POLICY_BYTES} bytes")]
    Long,
}

impl Template {
    /// Reads a template: strict JSON of at most [`MAX_POLICY_BYTES`], whatever it says.
    pub fn read(bytes: &[u8]) -> Result<Self, TemplateError> {
        json::scan(bytes, MAX_POLICY_BYTES).map_err(|error| TemplateError::Json(error.to_string()))?;
        let text = std::str::from_utf8(bytes).map_err(|error| TemplateError::Json(error.to_string()))?;
        let mut parameters = BTreeSet::new();
        for (span, said) in strings(text) {
            let Some(named) = parameter(said) else { continue };
            let name = named.map_err(|said| TemplateError::Name(said.to_owned()))?;
            let behind = text.get(span.end..).unwrap_or_default();
            if behind.trim_start().starts_with(':') {
                return Err(TemplateError::Key(name));
            }
            parameters.insert(name);
        }
        Ok(Self { text: text.to_owned(), parameters })
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The names that stand in it.
    pub const fn parameters(&self) -> &BTreeSet<Name> {
        &self.parameters
    }

    /// The text with values in the place of those parameters that have some; all else stays as it is.
    pub fn fill(&self, values: &Values) -> Result<Self, TemplateError> {
        let mut written = BTreeMap::new();
        for name in self.parameters.iter().filter(|name| values.contains_key(*name)) {
            let texts = values.get(name).map(Vec::as_slice).unwrap_or_default();
            if texts.is_empty() || texts.len() > MAX_VALUES {
                return Err(TemplateError::Values(name.clone()));
            }
            // In a filled text it could not be told from a parameter.
            if texts.iter().any(|text| text.starts_with('$')) {
                return Err(TemplateError::Nested(name.clone()));
            }
            let quoted = texts.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>();
            let quoted = quoted.map_err(|error| TemplateError::Json(error.to_string()))?;
            written.insert(name, quoted.join(", "));
        }
        let mut out = String::with_capacity(self.text.len());
        let mut copied = 0;
        for (span, said) in strings(&self.text) {
            let Some(Ok(name)) = parameter(said) else { continue };
            let Some(value) = written.get(&name) else { continue };
            out.push_str(self.text.get(copied..span.start).unwrap_or_default());
            out.push_str(value);
            copied = span.end;
            if out.len() > MAX_POLICY_BYTES {
                return Err(TemplateError::Long);
            }
        }
        out.push_str(self.text.get(copied..).unwrap_or_default());
        if out.len() > MAX_POLICY_BYTES {
            return Err(TemplateError::Long);
        }
        // Several values where only one can stand make no JSON.
        Self::read(out.as_bytes())
    }

    /// The document with something plausible for each parameter that is still open, so that all other rules of a
    /// trust policy can be checked before the site has given its values.
    pub fn stand_in(&self) -> Result<Vec<u8>, TemplateError> {
        let document =
            serde_json::from_str(&self.text).map_err(|error| TemplateError::Json(error.to_string()))?;
        let mut places = BTreeMap::new();
        stands(&document, "", &mut places);
        let plausible = |(number, name): (usize, &Name)| {
            let place = places.get(name.as_str()).copied().unwrap_or_default();
            (name.clone(), vec![plausible(place, number)])
        };
        let values = self.parameters.iter().enumerate().map(plausible).collect();
        Ok(self.fill(&values)?.text.into_bytes())
    }
}

/// Beneath which member each string that is a parameter stands first.
fn stands<'v>(value: &'v Value, key: &'v str, places: &mut BTreeMap<&'v str, &'v str>) {
    match value {
        Value::String(said) => {
            if let Some(name) = said.strip_prefix('$') {
                places.entry(name).or_insert(key);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| stands(item, key, places)),
        Value::Object(members) => members.iter().for_each(|(key, value)| stands(value, key, places)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What could stand beneath a member of a trust policy; no two numbers give the same.
fn plausible(key: &str, number: usize) -> String {
    match key {
        "registryScopes" => format!("parameter.invalid/p{number}"),
        "trustedIdentities" => format!("arn:aws:signer:us-east-1:111122223333:/signing-profiles/p{number}"),
        "trustStores" => format!("ca:p{number}"),
        "level" => "strict".to_owned(),
        "version" => "1.0".to_owned(),
        "verifyTimestamp" => "always".to_owned(),
        "revocation" => "skip".to_owned(),
        "authenticity" | "authenticTimestamp" | "expiry" => "enforce".to_owned(),
        _ => format!("p{number}"),
    }
}

/// The parameter that a string is, as it is written between its quotes; an error where it begins with `$` and
/// names none.
fn parameter(said: &str) -> Option<Result<Name, &str>> {
    let name = said.strip_prefix('$')?;
    Some(Name::new(name).map_err(|_| said))
}

/// Every string of a well-formed JSON text: its place, quotes included, and what is written between them.
fn strings(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    let mut bytes = text.bytes().enumerate();
    std::iter::from_fn(move || {
        let (start, _) = bytes.find(|(_, byte)| *byte == b'"')?;
        let mut escaped = false;
        let (end, _) = bytes.find(|(_, byte)| {
            let ends = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            ends
        })?;
        let literal = text.get(start..=end)?;
        let said = literal.strip_prefix('"')?.strip_suffix('"')?;
        Some((start..start.saturating_add(literal.len()), said))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test whose own document is wrong has failed")]
    use super::*;

    const POLICY: &str = r#"{ "version": "1.0", "trustPolicies": [
  { "name": "a \"$b\" c", "registryScopes": ["$scopes"], "trustedIdentities": [ "$profile-arn" ] } ] }"#;

    fn values(pairs: &[(&str, &[&str])]) -> Values {
        let one = |(name, values): &(&str, &[&str])| {
            (Name::new(name).unwrap(), values.iter().map(|value| (*value).to_owned()).collect())
        };
        pairs.iter().map(one).collect()
    }

    #[test]
    fn whole_strings_are_parameters_and_nothing_else_is() {
        let template = Template::read(POLICY.as_bytes()).unwrap();
        let names: Vec<&str> = template.parameters().iter().map(Name::as_str).collect();
        assert_eq!(names, ["profile-arn", "scopes"]);
    }

    #[test]
    fn values_stand_where_the_parameter_stood_and_the_rest_stays() {
        let template = Template::read(POLICY.as_bytes()).unwrap();
        let half = template.fill(&values(&[("scopes", &["a.example/x", "b.example/y"])])).unwrap();
        assert_eq!(half.text(), POLICY.replace("\"$scopes\"", "\"a.example/x\", \"b.example/y\""));
        assert_eq!(half.parameters().len(), 1);
        let whole = half.fill(&values(&[("profile-arn", &["arn:x"])])).unwrap();
        assert!(whole.parameters().is_empty());
        assert_eq!(whole.stand_in().unwrap(), whole.text().as_bytes());
    }

    #[test]
    fn a_value_is_never_more_than_a_string() {
        let template = Template::read(POLICY.as_bytes()).unwrap();
        let hostile = r#"x"], "trustPolicies": [{"#;
        let filled = template.fill(&values(&[("scopes", &[hostile])])).unwrap();
        let document: Value = serde_json::from_str(filled.text()).unwrap();
        assert_eq!(document["trustPolicies"][0]["registryScopes"][0], hostile);
        // What a value says is no parameter of its own.
        for nested in ["$profile-arn", "$new", "$"] {
            let refused = template.fill(&values(&[("scopes", &["a.example/x", nested])])).unwrap_err();
            assert_eq!(refused, TemplateError::Nested(Name::new("scopes").unwrap()));
        }
    }

    #[test]
    fn what_cannot_be_filled_is_refused() {
        let template = Template::read(br#"{"version": "$v"}"#).unwrap();
        for several in [&["1", "2"][..], &[]] {
            assert!(template.fill(&values(&[("v", several)])).is_err(), "{several:?}");
        }
        for (text, wrong) in
            [("{\"a\": \"$\"}", "$"), ("{\"a\": \"$b c\"}", "$b c"), ("{\"a\": \"$b/\"}", "$b/")]
        {
            assert_eq!(Template::read(text.as_bytes()), Err(TemplateError::Name(wrong.to_owned())));
        }
        assert!(Template::read(b"{").is_err());
        // What a map of JSON would hide is seen before there is one.
        assert!(Template::read(br#"{"a": "$b", "a": 1}"#).is_err());
        assert!(Template::read(b"\"\xff\"").is_err());
    }

    #[test]
    fn what_only_looks_like_a_parameter_stays_as_it_is() {
        let escaped = POLICY.replace("1.0", r"\u0024version");
        let template = Template::read(escaped.as_bytes()).unwrap();
        assert_eq!(template.parameters().len(), 2);
        let document: Value = serde_json::from_slice(&template.stand_in().unwrap()).unwrap();
        assert_eq!(document["version"], "$version");
        let key = Template::read(br#"{"a": {"$k" : "v"}}"#).unwrap_err();
        assert_eq!(key, TemplateError::Key(Name::new("k").unwrap()));
    }

    #[test]
    fn a_filled_policy_is_no_longer_than_a_policy() {
        let many = format!("[{}]", ["\"$a\""; 10_000].join(","));
        let template = Template::read(many.as_bytes()).unwrap();
        let long = "x".repeat(100_000);
        assert_eq!(template.fill(&values(&[("a", &[&long])])), Err(TemplateError::Long));
        assert!(template.fill(&values(&[("a", &["x"])])).is_ok());
    }

    #[test]
    fn names_that_are_alike_have_different_stand_ins() {
        let text = r#"{"registryScopes": ["$a+b", "$a~b", "$a..b", "$A", "$a", "$a-"]}"#;
        let document: Value =
            serde_json::from_slice(&Template::read(text.as_bytes()).unwrap().stand_in().unwrap()).unwrap();
        let scopes: BTreeSet<&str> =
            document["registryScopes"].as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect();
        assert_eq!(scopes.len(), 6);
    }

    #[test]
    fn open_parameters_have_stand_ins() {
        let stand_in = Template::read(POLICY.as_bytes()).unwrap().stand_in().unwrap();
        let document: Value = serde_json::from_slice(&stand_in).unwrap();
        assert_eq!(document["trustPolicies"][0]["registryScopes"][0], "parameter.invalid/p1");
        let identity = document["trustPolicies"][0]["trustedIdentities"][0].as_str().unwrap();
        assert!(identity.ends_with("/signing-profiles/p0"), "{identity}");
    }
}
