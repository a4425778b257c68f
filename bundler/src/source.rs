// SPDX-License-Identifier: Apache-2.0
//! TOML that people write, read strictly: every key is known, and every complaint points at its place.
//!
//! In: the text of a recipe, a lock or a root's rules. Out: tables whose keys are all known, values of
//! the wanted type, and failures with file, line, column and the line itself.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use verifier::error::Code;
use verifier::nearest::nearest;

use crate::failure::{Excerpt, Failure};
use crate::keys::Keys;

/// A text file, by the name that people know it by.
#[derive(Clone, Debug)]
pub struct Source {
    name: String,
    text: String,
    variables: Option<BTreeMap<String, String>>,
    hint: Option<&'static str>,
}

impl Source {
    /// Reads a file of at most 64 MiB.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let bytes = crate::files::read_limited(path, 64 << 20)?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            Failure::new(Code::RecipeInvalid, &name, format!("is not UTF-8 at byte {at}"))
        })?;
        Ok(Self::new(name, text))
    }

    /// Text that is already in memory.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), variables: None, hint: None }
    }

    /// From now on `$name` in values stands for these.
    #[must_use]
    pub fn with_variables(mut self, variables: BTreeMap<String, String>) -> Self {
        self.variables = Some(variables);
        self
    }

    /// What to do about any complaint, where no better advice is given.
    #[must_use]
    pub const fn with_hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The document; no key is judged yet.
    pub fn parse(&self) -> Result<Spanned<DeTable<'_>>, Failure> {
        DeTable::parse(&self.text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            let message = error.message().lines().next().unwrap_or_default().to_owned();
            self.error(span, format!("is not TOML: {message}"))
        })
    }

    /// A complaint about a place.
    pub fn error(&self, span: Range<usize>, what: impl Into<String>) -> Failure {
        let excerpt = self.excerpt(span);
        let subject = format!("{}:{}:{}", self.name, excerpt.line, excerpt.column);
        let failure = Failure::new(Code::RecipeInvalid, subject, what).with_excerpt(excerpt);
        match self.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }

    /// The line of a place, for a failure that has a subject of its own.
    pub fn excerpt_beside(&self, span: Range<usize>) -> Excerpt {
        let excerpt = self.excerpt(span);
        let place = format!("{}:{}:{}", self.name, excerpt.line, excerpt.column);
        Excerpt { place: Some(place), ..excerpt }
    }

    /// The line of a place.
    pub fn excerpt(&self, span: Range<usize>) -> Excerpt {
        let start = self.text.floor_char_boundary(span.start.min(self.text.len()));
        let before = &self.text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = self.text[line_start..].lines().next().unwrap_or_default();
        let line_end = line_start + line.len();
        let end = self.text.floor_char_boundary(span.end.clamp(start, line_end.max(start)));
        Excerpt {
            line: before.matches('\n').count() + 1,
            column: self.text[line_start..start].chars().count() + 1,
            width: self.text[start..end].chars().count().max(1),
            text: line.to_owned(),
            place: None,
        }
    }
}

/// A table whose keys are all known.
#[derive(Clone, Debug)]
pub struct Table<'a> {
    source: &'a Source,
    /// As people write it: `[bundle]`, `[[artifact]]`, `install`.
    title: String,
    span: Range<usize>,
    entries: &'a DeTable<'a>,
    locals: Locals,
}

/// Variables that only some values know.
type Locals = Vec<(&'static str, String)>;

impl<'a> Table<'a> {
    /// Accepts a table in which every key is known.
    pub fn new(
        source: &'a Source,
        title: impl Into<String>,
        span: Range<usize>,
        entries: &'a DeTable<'a>,
        keys: Keys,
    ) -> Result<Self, Failure> {
        let table = Self::open(source, title, span, entries);
        // In the order of the text, so that the first complaint is the first line.
        let mut written: Vec<_> = entries.keys().collect();
        written.sort_by_key(|key| key.span().start);
        for key in written {
            let name = key.get_ref().as_ref();
            if keys.names().any(|known| known == name) {
                continue;
            }
            if let Some((_, what)) = keys.later.iter().find(|(later, _)| *later == name) {
                return Err(not_yet(source, key.span(), what));
            }
            return Err(table.unknown(key.span(), name, keys));
        }
        Ok(table)
    }

    /// A table whose keys are names that the author chose.
    pub fn open(
        source: &'a Source,
        title: impl Into<String>,
        span: Range<usize>,
        entries: &'a DeTable<'a>,
    ) -> Self {
        Self { source, title: title.into(), span, entries, locals: Locals::new() }
    }

    fn unknown(&self, span: Range<usize>, name: &str, keys: Keys) -> Failure {
        let all = keys.names().chain(keys.later.iter().map(|(key, _)| *key));
        let failure = self.source.error(span, format!("has an unknown key `{name}` in {}", self.title));
        match nearest(name, all) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure.hint(format!("{} knows {}", self.title, list(&keys.names().collect::<Vec<_>>()))),
        }
    }

    /// A value that must be there.
    pub fn required(&self, key: &str) -> Result<Value<'a>, Failure> {
        self.optional(key).ok_or_else(|| self.error(format!("lacks the key `{key}` in {}", self.title)))
    }

    /// A value that may be there.
    pub fn optional(&self, key: &str) -> Option<Value<'a>> {
        let (key, value) = self.entries.get_key_value(key)?;
        Some(Value {
            source: self.source,
            key: key.get_ref().to_string(),
            key_span: key.span(),
            value,
            locals: self.locals.clone(),
        })
    }

    /// Every entry, in the order of the text.
    pub fn entries(&self) -> Vec<Value<'a>> {
        let mut all: Vec<_> = self
            .entries
            .iter()
            .map(|(key, value)| Value {
                source: self.source,
                key: key.get_ref().to_string(),
                key_span: key.span(),
                value,
                locals: self.locals.clone(),
            })
            .collect();
        all.sort_by_key(|value| value.key_span.start);
        all
    }

    /// A complaint about the table itself.
    pub fn error(&self, what: impl Into<String>) -> Failure {
        self.source.error(self.span.clone(), what)
    }
}

/// A value and the key that it stands under.
#[derive(Clone, Debug)]
pub struct Value<'a> {
    source: &'a Source,
    key: String,
    key_span: Range<usize>,
    value: &'a Spanned<DeValue<'a>>,
    locals: Locals,
}

/// A string with its variables filled in, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// What it says.
    pub text: String,
    /// Where.
    pub span: Range<usize>,
}

impl<'a> Value<'a> {
    /// The key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Where the key stands.
    pub fn key_span(&self) -> Range<usize> {
        self.key_span.clone()
    }

    /// Where the value stands.
    pub fn span(&self) -> Range<usize> {
        self.value.span()
    }

    /// A complaint about the value.
    pub fn error(&self, what: impl Into<String>) -> Failure {
        self.source.error(self.value.span(), what)
    }

    /// A feature that the contract names and this version does not have.
    pub fn not_yet(&self, what: &str) -> Failure {
        not_yet(self.source, self.value.span(), what)
    }

    fn wrong_type(&self, wanted: &str) -> Failure {
        let found = self.value.get_ref().type_str();
        self.error(format!("has the wrong type for `{}`", self.key)).expected(wanted).found(article(found))
    }

    /// Whether it is written as a string.
    pub fn is_string(&self) -> bool {
        self.value.get_ref().is_str()
    }

    /// What is written, where it is a string.
    pub fn string_before_variables(&self) -> Option<&str> {
        self.value.get_ref().as_str()
    }

    /// The same value, for which and in which `$name` stands for this too.
    #[must_use]
    pub fn with_variable(&self, name: &'static str, value: &str) -> Self {
        let mut with = self.clone();
        with.locals.push((name, value.to_owned()));
        with
    }

    /// Whether it is written as a table.
    pub fn is_table(&self) -> bool {
        self.value.get_ref().is_table()
    }

    /// A string, variables filled in.
    pub fn string(&self) -> Result<Text, Failure> {
        let text = self.value.get_ref().as_str().ok_or_else(|| self.wrong_type("a string"))?;
        let text = match &self.source.variables {
            Some(variables) => expand(text, variables, &self.locals).map_err(|wrong| {
                let failure = self.error(wrong.what);
                match wrong.hint {
                    Some(hint) => failure.hint(hint),
                    None => failure,
                }
            })?,
            None => text.to_owned(),
        };
        Ok(Text { text, span: self.value.span() })
    }

    /// A string that a type of ours accepts.
    pub fn parse<T, E: std::fmt::Display>(
        &self,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, Failure> {
        let text = self.string()?;
        read(&text.text).map_err(|wrong| self.error(format!("has a bad value for `{}`: {wrong}", self.key)))
    }

    /// `true` or `false`.
    pub fn boolean(&self) -> Result<bool, Failure> {
        self.value.get_ref().as_bool().ok_or_else(|| self.wrong_type("true or false"))
    }

    /// A whole number from 0 on.
    pub fn integer(&self) -> Result<u64, Failure> {
        let number = self.value.get_ref().as_integer().ok_or_else(|| self.wrong_type("a whole number"))?;
        u64::from_str_radix(number.as_str(), number.radix()).map_err(|_| {
            self.error(format!("has a bad value for `{}`: not a number from 0 to 2^64 - 1", self.key))
        })
    }

    /// The items of an array.
    pub fn array(&self) -> Result<Vec<Value<'a>>, Failure> {
        let items = self.value.get_ref().as_array().ok_or_else(|| self.wrong_type("an array"))?;
        Ok(items
            .iter()
            .map(|value| Value {
                source: self.source,
                key: self.key.clone(),
                key_span: value.span(),
                value,
                locals: self.locals.clone(),
            })
            .collect())
    }

    /// A string, or the strings of an array.
    pub fn string_or_array(&self) -> Result<Vec<Value<'a>>, Failure> {
        if self.is_string() { Ok(vec![self.clone()]) } else { self.array() }
    }

    /// A table whose keys are all known.
    pub fn table(&self, title: impl Into<String>, keys: Keys) -> Result<Table<'a>, Failure> {
        let entries = self.value.get_ref().as_table().ok_or_else(|| self.wrong_type("a table"))?;
        let table = Table::new(self.source, title, self.place(), entries, keys)?;
        Ok(Table { locals: self.locals.clone(), ..table })
    }

    /// A table whose keys are names that the author chose.
    pub fn open_table(&self, title: impl Into<String>) -> Result<Table<'a>, Failure> {
        let entries = self.value.get_ref().as_table().ok_or_else(|| self.wrong_type("a table"))?;
        let table = Table::open(self.source, title, self.place(), entries);
        Ok(Table { locals: self.locals.clone(), ..table })
    }

    /// Where to point for the whole table: its header or its braces.
    fn place(&self) -> Range<usize> {
        let span = self.value.span();
        if span.is_empty() { self.key_span.clone() } else { span }
    }
}

fn not_yet(source: &Source, span: Range<usize>, what: &str) -> Failure {
    source
        .error(span, format!("uses {what}, which this version does not have yet"))
        .hint("remove it, or use a later version of bundler")
}

struct BadVariable {
    what: String,
    hint: Option<String>,
}

/// Fills in `$name`; `$$` is one dollar.
fn expand(text: &str, variables: &BTreeMap<String, String>, locals: &Locals) -> Result<String, BadVariable> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let length = after.find(|c: char| !is_variable(c)).unwrap_or(after.len());
        let (name, after) = after.split_at(length);
        if name.is_empty() {
            return Err(BadVariable {
                what: "has a `$` that no name follows".to_owned(),
                hint: Some("write `$$` for a dollar sign".to_owned()),
            });
        }
        let own = locals.iter().find(|(own, _)| *own == name).map(|(_, value)| value);
        let Some(value) = own.or_else(|| variables.get(name)) else {
            let near = nearest(name, variables.keys().map(String::as_str));
            if GIVEN.contains(&name) {
                return Err(BadVariable {
                    what: format!("uses `${name}`, which nothing gives here"),
                    hint: Some(
                        "`for = { os = …, arch = … }` of an artifact gives `$os`, `$arch` and `$machine`"
                            .to_owned(),
                    ),
                });
            }
            return Err(BadVariable {
                what: format!("uses `${name}`, which is not in [variables]"),
                hint: Some(near.map_or_else(
                    || "define it under [variables]; write `$$` for a dollar sign".to_owned(),
                    |near| format!("did you mean `${near}`?"),
                )),
            });
        };
        if value.is_empty() && own.is_none() {
            return Err(BadVariable {
                what: format!("uses `${name}`, which has no value yet"),
                hint: Some(unanswered(name, variables)),
            });
        }
        out.push_str(value);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// What to do about a variable without a value; all others without one are named too.
fn unanswered(name: &str, variables: &BTreeMap<String, String>) -> String {
    let how = "under [variables], where the recipe says how to find it out";
    let others: Vec<&str> = variables
        .iter()
        .filter(|(other, value)| value.is_empty() && *other != name)
        .map(|(other, _)| other.as_str())
        .collect();
    if others.is_empty() {
        return format!("give it one {how}, or with --set {name}=VALUE");
    }
    format!("give it one {how}, or with --set {name}=VALUE; without one too: {}", others.join(", "))
}

/// Variables that the language gives in some places, and that nobody may define.
pub const GIVEN: [&str; 4] = ["source", "os", "arch", "machine"];

/// What a variable's name is made of.
pub fn is_variable(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// `a`, `b` and `c`, each in backquotes.
pub fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => "nothing".to_owned(),
    }
}

fn article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
}
