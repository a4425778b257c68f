// SPDX-License-Identifier: Apache-2.0
//! What must be true after an install (`docs/formats/manifest.md` §1.20).

use serde::{Deserialize, Serialize};

use super::platform::Platform;
use crate::name::{InstallPath, Name};

/// Most words of a check's command line.
pub const MAX_CHECK_WORDS: usize = 64;

/// A program that is run after the install, without network, and what it must say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// What it shows, for people.
    pub name: String,
    /// The component that it belongs to; where absent, it runs after every install.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<Name>,
    /// The hosts that it is for.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// The partition that it is tied to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<Name>,
    /// Program and arguments, for no shell.
    pub run: Vec<String>,
    /// What it must print; where absent, its exit status 0 is enough, which it must have always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expect>,
}

/// What a program must print on standard output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Expect {
    /// A table with a heading: in every row, and there is one, the column has this text.
    Column(Column),
    /// A text somewhere in it.
    Contains(Contains),
}

/// See [`Expect::Column`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its heading.
    pub column: String,
    /// What stands beneath.
    pub equals: String,
}

/// See [`Expect::Contains`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contains {
    /// The text.
    pub contains: String,
}

impl Check {
    /// What is wrong with what it runs or expects; none where it can be run.
    ///
    /// A program is a plain name (of a file that the bundle installs) or an absolute path: never a name that is
    /// looked up in a search path.
    pub fn fault(&self) -> Option<&'static str> {
        let Some(program) = self.run.first() else { return Some("runs nothing") };
        if Name::new(program).is_err() && InstallPath::new(program).is_err() {
            return Some("runs what is neither a plain name nor an absolute path");
        }
        if self.run.len() > MAX_CHECK_WORDS {
            return Some("has more than 64 words in its command line");
        }
        let texts: &[&str] = match &self.expect {
            None => &[],
            Some(Expect::Column(Column { column, equals })) => &[column, equals],
            Some(Expect::Contains(Contains { contains })) => &[contains],
        };
        if texts.iter().any(|text| text.trim().is_empty()) {
            return Some("expects a text that is empty");
        }
        self.platform.as_ref().and_then(Platform::fault)
    }
}
