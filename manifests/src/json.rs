// SPDX-License-Identifier: Apache-2.0
//! Strict JSON: what one reader accepts and another reads otherwise is refused before it is read.
//!
//! serde alone is not enough: its maps keep the last of two members, and serde_json follows 128
//! levels. So every document is walked once by [`scan`], and only then read into its type. serde also takes
//! a list of its values for an object, null for an absent member, and drops the second of two items of a
//! set: what was read must therefore have the shape of the text.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt;
use std::io;

use serde::Serialize;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::name::is_control_or_bidi;

/// Deepest nesting of objects and arrays: our documents need 8.
pub const MAX_DEPTH: usize = 32;
/// Most members in one object: bounds the memory that finding doubles takes.
pub const MAX_MEMBERS: usize = 10_000;

/// Why bytes are not the document that was wanted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// Longer than its kind may be.
    #[error("{found} bytes are more than the {limit} that are allowed")]
    TooLong {
        /// Bytes found.
        found: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Not UTF-8.
    #[error("not UTF-8 at byte {at}")]
    NotUtf8 {
        /// The first byte that does not fit.
        at: usize,
    },
    /// Read as something else than what is written.
    #[error("a list stands for an object, null for an absent member, or an item twice in a set")]
    Shape,
    /// Not JSON, or JSON that breaks a rule.
    #[error("{0}")]
    Malformed(#[from] serde_json::Error),
}

/// Reads one document of at most `limit` bytes, with nothing before or after it but white space.
pub fn read<T: DeserializeOwned + Serialize>(bytes: &[u8], limit: usize) -> Result<T, JsonError> {
    scan(bytes, limit)?.read()
}

/// A document in which every rule holds that is common to all: it may be read into any type.
#[derive(Clone, Copy, Debug)]
pub struct Scanned<'a> {
    text: &'a str,
    shape: Shape,
}

impl Scanned<'_> {
    /// Reads the document into a type, whose own rules are checked now.
    pub fn read<T: DeserializeOwned + Serialize>(self) -> Result<T, JsonError> {
        let document = self.read_part()?;
        if Shape::of(&document)? == self.shape { Ok(document) } else { Err(JsonError::Shape) }
    }

    /// Reads into a type that passes over what it does not know; its shape can tell nothing.
    pub fn read_part<T: DeserializeOwned>(self) -> Result<T, JsonError> {
        Ok(serde_json::from_str(self.text)?)
    }
}

/// How many values of each composite kind a document has, whatever order they come in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Shape {
    objects: usize,
    members: usize,
    lists: usize,
    items: usize,
    nulls: usize,
}

impl Shape {
    /// The shape that a value is written in; nothing is kept of the text.
    fn of(value: &impl Serialize) -> Result<Self, JsonError> {
        let mut shape = Self::default();
        value.serialize(&mut serde_json::Serializer::with_formatter(io::sink(), &mut shape))?;
        Ok(shape)
    }
}

/// Counts; a document has fewer values than bytes, so the end of the range is never reached.
fn one_more(count: &mut usize) {
    *count = count.saturating_add(1);
}

impl serde_json::ser::Formatter for &mut Shape {
    fn begin_object<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        one_more(&mut self.objects);
        Ok(())
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, _: &mut W, _: bool) -> io::Result<()> {
        one_more(&mut self.members);
        Ok(())
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        one_more(&mut self.lists);
        Ok(())
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, _: &mut W, _: bool) -> io::Result<()> {
        one_more(&mut self.items);
        Ok(())
    }

    fn write_null<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        one_more(&mut self.nulls);
        Ok(())
    }
}

/// Checks every rule that is common to all documents.
pub fn scan(bytes: &[u8], limit: usize) -> Result<Scanned<'_>, JsonError> {
    if bytes.len() > limit {
        return Err(JsonError::TooLong { found: bytes.len(), limit });
    }
    let text = std::str::from_utf8(bytes).map_err(|e| JsonError::NotUtf8 { at: e.valid_up_to() })?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let shape = Cell::default();
    Scan { depth: 0, shape: &shape }.deserialize(&mut reader)?;
    reader.end()?;
    Ok(Scanned { text, shape: shape.get() })
}

#[derive(Clone, Copy)]
struct Scan<'s> {
    depth: usize,
    shape: &'s Cell<Shape>,
}

impl Scan<'_> {
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom(format_args!("nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(Self { depth: self.depth.saturating_add(1), ..self })
    }

    fn count(self, add: impl FnOnce(&mut Shape)) {
        let mut shape = self.shape.get();
        add(&mut shape);
        self.shape.set(shape);
    }
}

impl<'de> DeserializeSeed<'de> for Scan<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Scan<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value without fractions")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.count(|shape| one_more(&mut shape.nulls));
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        if text.chars().any(is_control_or_bidi) {
            return Err(E::custom("a string has a control or bidirectional character"));
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        self.count(|shape| one_more(&mut shape.lists));
        while items.next_element_seed(inner)?.is_some() {
            self.count(|shape| one_more(&mut shape.items));
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        self.count(|shape| one_more(&mut shape.objects));
        let mut seen = BTreeSet::new();
        while let Some(key) = members.next_key::<String>()? {
            self.visit_str(&key)?;
            if seen.len() >= MAX_MEMBERS {
                return Err(de::Error::custom(format_args!("an object has more than {MAX_MEMBERS} members")));
            }
            if let Some(double) = seen.replace(key) {
                return Err(de::Error::custom(format_args!("member `{double}` appears twice")));
            }
            members.next_value_seed(inner)?;
            self.count(|shape| one_more(&mut shape.members));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        scan(text.as_bytes(), 1000).expect_err(text).to_string()
    }

    #[test]
    fn what_is_read_has_the_shape_of_what_is_written() {
        #[derive(Debug, Serialize, serde::Deserialize)]
        struct Document {
            set: BTreeSet<u8>,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            maybe: Option<Box<Document>>,
        }
        let read = |text: &str| read::<Document>(text.as_bytes(), 1000);
        assert!(read(r#"{"set":[2,1]}"#).is_ok());
        assert!(read(r#" { "maybe" : {"set":[]}, "set" : [1] } "#).is_ok());
        for bad in [
            r#"[[1],null]"#,
            r#"{"set":[1],"maybe":null}"#,
            r#"{"set":[1],"maybe":[[2],null]}"#,
            r#"{"set":[1,1]}"#,
        ] {
            assert!(serde_json::from_str::<Document>(bad).is_ok(), "serde alone takes {bad}");
            assert!(matches!(read(bad), Err(JsonError::Shape)), "{bad}");
        }
    }

    #[test]
    fn what_readers_disagree_on_is_refused() {
        assert!(refusal(r#"{"a":1,"b":{"c":1,"c":2}}"#).contains("`c` appears twice"));
        assert!(refusal(r#"{"a":1,"\u0061":2}"#).contains("`a` appears twice"));
        assert!(refusal("{} {}").contains("trailing"));
        assert!(refusal("[1.5]").contains("without fractions"));
        assert!(refusal("[-1]").contains("without fractions"));
        assert!(refusal("[1e2]").contains("without fractions"));
        assert!(refusal("{\"a\":\"\\u202e\"}").contains("bidirectional"));
        assert!(refusal("{\"\\u0007\":1}").contains("bidirectional"));
        assert!(refusal(&"[".repeat(33)).contains("deeper than 32"));
        assert!(refusal(&format!("[\"{}\"]", "x".repeat(1000))).contains("more than the 1000"));
        assert!(scan(b"[\"\xff\"]", 1000).unwrap_err().to_string().contains("UTF-8 at byte 2"));
        assert!(scan(format!("{}{}", "[".repeat(32), "]".repeat(32)).as_bytes(), 1000).is_ok());
    }
}
