// SPDX-License-Identifier: Apache-2.0
//! The keys of files that people write: one description, from which the strict reader has the names that it
//! knows and the schema for editors has all it says.
//!
//! In: nothing. Out: constants beside the readers of each section. No value is judged here.

/// The keys that a table may have.
#[derive(Clone, Copy, Debug)]
pub struct Keys {
    /// Those that this version reads.
    pub known: &'static [Key],
    /// Those that the contract names and a later version brings, each with what it is about.
    pub later: &'static [(&'static str, &'static str)],
    /// What they demand of each other.
    pub rules: &'static [Rule],
}

/// A key that a table may have.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What its value is like.
    pub shape: Shape,
    /// Whether it may be left out.
    pub need: Need,
    /// What it is for, in the words of the format's page; empty where no schema is made.
    pub about: &'static str,
}

/// Whether a key may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// A table without it is refused.
    Required,
    /// Only a [`Rule`] may ask for it.
    Optional,
}

/// What a value is like, before its variables are filled in.
///
/// A shape never refuses what the reader accepts; it need not refuse all that the reader refuses.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// Not described: its file has no schema.
    Bare,
    /// Text that matches a pattern, or in which a variable stands. The pattern is one of ECMA-262 that means the
    /// same in Rust.
    Text(&'static str),
    /// Text that matches a pattern as it stands: no variable is filled in.
    Verbatim(&'static str),
    /// A whole number within these, both included.
    Number(u64, u64),
    /// `true` or `false`.
    Flag,
    /// One of the words of a type, or text in which a variable stands.
    Words(fn() -> Vec<String>),
    /// A list of at least so many.
    List(&'static Shape, u64, Repeats),
    /// A table whose keys are all known.
    Table(&'static Keys),
    /// A table whose keys are names that the author chose, all of one pattern.
    Map(&'static str, &'static Shape),
    /// Any of these.
    AnyOf(&'static [Shape]),
}

/// Whether a list may name one thing twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeats {
    /// It may.
    Allowed,
    /// It may not.
    Refused,
}

/// What keys of one table demand of each other.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// At least one key is given.
    NotEmpty,
    /// Exactly one of these ways is taken.
    OneOf(&'static [Way]),
    /// The second key stands where the value of the first is text, and nowhere else.
    WithText(&'static str, &'static str),
}

/// One way of several. Keys that belong to other ways only are refused with it.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// The keys that it demands.
    pub all: &'static [&'static str],
    /// The keys that it allows.
    pub may: &'static [&'static str],
}

impl Keys {
    /// Keys that stand by themselves.
    pub const fn of(known: &'static [Key]) -> Self {
        Self { known, later: &[], rules: &[] }
    }

    /// The same keys, with those of a later version.
    pub const fn later(self, later: &'static [(&'static str, &'static str)]) -> Self {
        Self { later, ..self }
    }

    /// The same keys, with what they demand of each other.
    pub const fn rules(self, rules: &'static [Rule]) -> Self {
        Self { rules, ..self }
    }

    /// The names of those that this version reads, in the order of the description.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.known.iter().map(|key| key.name)
    }
}

impl Key {
    /// A key that must be there.
    pub const fn required(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self { name, shape, need: Need::Required, about }
    }

    /// A key that may be left out.
    pub const fn optional(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self { name, shape, need: Need::Optional, about }
    }
}

/// Keys of a file without a schema.
pub const fn bare<const N: usize>(names: [&'static str; N]) -> [Key; N] {
    let mut keys = [Key::optional("", Shape::Bare, ""); N];
    let mut at = 0;
    while at < N {
        keys[at].name = names[at];
        at += 1;
    }
    keys
}

/// The words of a type.
pub fn words<T: Copy>(all: &[T], text: fn(T) -> &'static str) -> Vec<String> {
    all.iter().map(|one| text(*one).to_owned()).collect()
}
