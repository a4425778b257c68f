// SPDX-License-Identifier: Apache-2.0
//! Why a command of `bundler` does nothing: a refusal of the one table, and the line that caused it.

mod several;

use std::fmt;
use std::io;

use manifests::name::printable;
use verifier::error::{Code, Refusal};

pub use several::{Failures, Gathered};

/// A refusal, with the line of the text file that it speaks of, where there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(Box<Parts>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    refusal: Refusal,
    excerpt: Option<Excerpt>,
}

/// One line of a text file, and the part of it that is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// How many characters are meant, at least one.
    pub width: usize,
    /// The whole line.
    pub text: String,
    /// `FILE:LINE:COLUMN`, where the failure does not begin with it.
    pub place: Option<String>,
}

impl Failure {
    /// A refusal without a line to show.
    pub fn new(code: Code, subject: impl Into<String>, what: impl Into<String>) -> Self {
        Refusal::new(code, subject, what).into()
    }

    /// Something that cannot be, whatever the user does: it is not worked around.
    pub fn fault(subject: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(Code::IoError, subject, what)
            .hint("this is a fault in Sealift: please report it with the lines above")
    }

    /// Something about the command line.
    pub fn usage(subject: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(Code::Usage, subject, what)
    }

    /// An error from the system while a file that the command line names was read.
    pub fn argument(subject: impl Into<String>, error: &io::Error) -> Self {
        Refusal::argument(subject, error).into()
    }

    /// An error from the system while reading.
    pub fn reading(subject: impl Into<String>, error: &io::Error) -> Self {
        Refusal::reading(subject, error).into()
    }

    /// An error from the system while writing.
    pub fn writing(subject: impl Into<String>, error: &io::Error) -> Self {
        Refusal::writing(subject, error).into()
    }

    /// Adds the line that is meant.
    #[must_use]
    pub fn with_excerpt(mut self, excerpt: Excerpt) -> Self {
        self.0.excerpt = Some(excerpt);
        self
    }

    /// Says what was wanted.
    #[must_use]
    pub fn expected(mut self, expected: impl fmt::Display) -> Self {
        self.0.refusal = self.0.refusal.expected(expected);
        self
    }

    /// Says what was found.
    #[must_use]
    pub fn found(mut self, found: impl fmt::Display) -> Self {
        self.0.refusal = self.0.refusal.found(found);
        self
    }

    /// Says what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.refusal = self.0.refusal.hint(hint);
        self
    }

    /// The refusal alone, as JSON documents carry it.
    pub const fn refusal(&self) -> &Refusal {
        &self.0.refusal
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self(Box::new(Parts { refusal, excerpt: None }))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.refusal.to_string();
        let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
        f.write_str(first)?;
        if let Some(excerpt) = &self.0.excerpt {
            if let Some(place) = &excerpt.place {
                write!(f, "\n{}--> {}", " ".repeat(excerpt.line.to_string().len()), printable(place))?;
            }
            write!(f, "\n{excerpt}")?;
        }
        write!(f, "\n{rest}")
    }
}

impl std::error::Error for Failure {}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        // A tab would move the caret, an escape would widen the line: one column each.
        let line: String = self
            .text
            .chars()
            .map(|c| {
                if c == '\t' || printable(c.encode_utf8(&mut [0; 4])).len() != c.len_utf8() { ' ' } else { c }
            })
            .collect();
        let carets = "^".repeat(self.width.max(1));
        let indent = " ".repeat(self.column.saturating_sub(1));
        write!(f, " {margin} |\n {number} | {}\n {margin} | {indent}{carets}", line.trim_end())
    }
}
