// SPDX-License-Identifier: Apache-2.0
//! The parts of a JSON document, each with its place, so that a message can name it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Malformed, broken, quoted};

/// A value, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Place<'a> {
    pub(super) at: String,
    value: &'a Value,
}

/// An object of which every member must be asked for.
pub(super) struct Object<'a> {
    at: String,
    /// Between the object's place and a key.
    joint: &'static str,
    members: &'a Map<String, Value>,
}

impl<'a> Place<'a> {
    pub(super) fn new(at: impl Into<String>, value: &'a Value) -> Self {
        Self { at: at.into(), value }
    }

    /// The same value, by a name that says more.
    pub(super) fn called(self, at: String) -> Self {
        Self { at, ..self }
    }

    /// That something else stands here than is wanted.
    pub(super) fn wanted(&self, what: &str) -> Malformed {
        broken(&self.at, what, found(self.value))
    }

    pub(super) fn text(&self) -> Result<&'a str, Malformed> {
        self.value.as_str().ok_or_else(|| self.wanted("a string"))
    }

    pub(super) fn boolean(&self) -> Result<bool, Malformed> {
        self.value.as_bool().ok_or_else(|| self.wanted("true or false"))
    }

    /// The items of a list, each as `KEY[N]`, counted from 1.
    pub(super) fn items(&self) -> Result<Vec<Place<'a>>, Malformed> {
        let items = self.value.as_array().ok_or_else(|| self.wanted("a list"))?;
        let item = |(number, value)| Place::new(format!("{}[{number}]", self.at), value);
        Ok((1_usize..).zip(items).map(item).collect())
    }

    /// The members of an object whose keys the caller judges.
    pub(super) fn members(&self) -> Result<BTreeMap<&'a str, Place<'a>>, Malformed> {
        let members = self.value.as_object().ok_or_else(|| self.wanted("an object"))?;
        let member =
            |(key, value): (&'a String, _)| (key.as_str(), Place::new(format!("{}.{key}", self.at), value));
        Ok(members.iter().map(member).collect())
    }

    /// An object with no other members than `known`.
    pub(super) fn object(&self, known: &[&str], joint: &'static str) -> Result<Object<'a>, Malformed> {
        let members = self.value.as_object().ok_or_else(|| self.wanted("an object"))?;
        let Some(unknown) = members.keys().find(|key| !known.contains(&key.as_str())) else {
            return Ok(Object { at: self.at.clone(), joint, members });
        };
        let wanted = match known.iter().find(|known| known.eq_ignore_ascii_case(unknown)) {
            Some(meant) => format!("the key `{meant}`, in this letter case"),
            None => format!("no other keys than {}", known.join(", ")),
        };
        Err(broken(&self.at, wanted, format!("the key {}", quoted(unknown))))
    }
}

impl<'a> Object<'a> {
    /// A member, where it is there.
    pub(super) fn maybe(&self, key: &str) -> Option<Place<'a>> {
        let value = self.members.get(key)?;
        Some(Place::new(self.place(key), value))
    }

    /// A member that must be there.
    pub(super) fn member(&self, key: &str, wanted: &str) -> Result<Place<'a>, Malformed> {
        self.maybe(key).ok_or_else(|| broken(self.place(key), wanted, "nothing"))
    }

    /// Where a member stands, or would.
    pub(super) fn place(&self, key: &str) -> String {
        format!("{}{}{key}", self.at, self.joint)
    }
}

/// A value as messages show it.
fn found(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => quoted(text),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
