// SPDX-License-Identifier: Apache-2.0
//! Paragraphs of fields, as Release, Packages and control files have them (deb822(5)).
//!
//! In: text, read a line at a time. Out: one paragraph after the other, of which only the fields that the
//! checkers use are kept. A field that occurs twice is refused, because programs differ on which one counts.

use std::io::{self, BufRead};

use super::super::deb::compression::is_about_content;
use super::super::{Reason, Stop};

/// One paragraph of Packages, one control file: the longest of Debian's have 100 KiB, mostly `Provides`.
pub const MAX_STANZA_BYTES: usize = 4 * 1024 * 1024;

/// Fields that are kept; all others are passed over.
const KEPT: [&str; 14] = [
    "package",
    "version",
    "architecture",
    "filename",
    "size",
    "sha1",
    "sha256",
    "sha512",
    "origin",
    "suite",
    "codename",
    "date",
    "valid-until",
    "files",
];

/// One paragraph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stanza {
    fields: Vec<(String, String)>,
}

impl Stanza {
    /// The value of a field, by its name in lower case; lines after the first begin with a LF.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// Whether it has none of the fields that are kept.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}

/// Reads paragraphs.
pub struct Stanzas<R> {
    lines: R,
    /// What this is, for people.
    what: &'static str,
}

impl<R: BufRead> Stanzas<R> {
    /// Of `lines`, which people know as `what`.
    pub const fn new(lines: R, what: &'static str) -> Self {
        Self { lines, what }
    }

    /// The next paragraph; none at the end.
    pub fn next_stanza(&mut self) -> Result<Option<Stanza>, Stop> {
        let mut stanza = Stanza::default();
        let mut line = Vec::new();
        let (mut total, mut last, mut begun) = (0_usize, None, false);
        loop {
            line.clear();
            let limit = u64::try_from(MAX_STANZA_BYTES.saturating_sub(total)).unwrap_or(0).saturating_add(1);
            let count = io::Read::take(&mut self.lines, limit).read_until(b'\n', &mut line);
            let count = count.map_err(|error| self.stop(error))?;
            total = total.saturating_add(count);
            if total > MAX_STANZA_BYTES {
                let note = format!("{}: a paragraph over {MAX_STANZA_BYTES} bytes", self.what);
                return Err(Stop::found(Reason::LimitExceeded, note));
            }
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            if text.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r')) {
                if begun || count == 0 {
                    return Ok(begun.then_some(stanza));
                }
                // Empty lines before a paragraph.
                total = 0;
                continue;
            }
            begun = true;
            last = self.line(text, &mut stanza, last)?;
        }
    }

    /// Takes one line; returns the field that the next one may continue, where that is kept.
    fn line(&self, text: &[u8], stanza: &mut Stanza, last: Option<Field>) -> Result<Option<Field>, Stop> {
        if text.iter().any(|byte| matches!(byte, 0 | b'\r')) {
            return self.refuse("a zero or a lone CR");
        }
        if matches!(text.first(), Some(b' ' | b'\t')) {
            let Some(field) = last else { return self.refuse("begins with a line that continues nothing") };
            if let Field::Kept(index) = field
                && let Some((_, value)) = stanza.fields.get_mut(index)
            {
                value.push('\n');
                value.push_str(&String::from_utf8_lossy(text));
            }
            return Ok(Some(field));
        }
        let Some(colon) = text.iter().position(|byte| *byte == b':') else {
            return self.refuse("a line that is no field");
        };
        let (name, value) = text.split_at(colon);
        // deb822(5): printable ASCII but space and colon, and not beginning with # or -.
        if name.is_empty()
            || !name.iter().all(u8::is_ascii_graphic)
            || matches!(name.first(), Some(b'#' | b'-'))
        {
            return self.refuse("a line that is no field");
        }
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        if !KEPT.contains(&name.as_str()) {
            return Ok(Some(Field::PassedOver));
        }
        if stanza.get(&name).is_some() {
            return self.refuse(&format!("the field {name} twice"));
        }
        let value = String::from_utf8_lossy(value.get(1..).unwrap_or_default()).trim().to_owned();
        stanza.fields.push((name, value));
        Ok(Some(Field::Kept(stanza.fields.len().saturating_sub(1))))
    }

    fn refuse<T>(&self, note: &str) -> Result<T, Stop> {
        Err(Stop::found(Reason::FileMalformed, format!("{}: {note}", self.what)))
    }

    fn stop(&self, error: io::Error) -> Stop {
        if is_about_content(&error) {
            let note: String = error.to_string().chars().take(200).collect();
            Stop::found(Reason::FileMalformed, format!("{}: {note}", self.what))
        } else {
            Stop::Read(error)
        }
    }
}

#[derive(Clone, Copy)]
enum Field {
    Kept(usize),
    PassedOver,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Result<Vec<Stanza>, String> {
        let mut stanzas = Stanzas::new(text.as_bytes(), "test");
        let mut found = Vec::new();
        loop {
            match stanzas.next_stanza() {
                Ok(Some(stanza)) => found.push(stanza),
                Ok(None) => return Ok(found),
                Err(Stop::Found(_, note)) => return Err(note),
                Err(Stop::Read(error)) => panic!("{error}"),
            }
        }
    }

    #[test]
    fn paragraphs_are_parted_by_empty_lines() {
        let found = all("\n\nPackage: a\nDepends: b,\n c\nSHA256:\n 1 2\n\t3\n \n\t\npackage:d").unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].get("package"), Some("a"));
        assert_eq!(found[0].get("sha256"), Some("\n 1 2\n\t3"));
        assert_eq!(found[0].get("depends"), None);
        assert_eq!(found[1].get("package"), Some("d"));
        assert!(all("").unwrap().is_empty() && all("\n \n").unwrap().is_empty());
        assert!(all("Depends: x\n").unwrap()[0].is_empty());
    }

    #[test]
    fn what_has_two_readings_is_refused() {
        for (text, note) in [
            ("Package: a\nPACKAGE: b\n", "twice"),
            (" x\n", "continues nothing"),
            ("Package\n", "no field"),
            ("-x: y\n", "no field"),
            ("a b: y\n", "no field"),
            (": y\n", "no field"),
            ("Package: a\rSize: 3\n", "lone CR"),
            ("Package: a\0\n", "zero"),
        ] {
            assert!(all(text).unwrap_err().contains(note), "{text:?}");
        }
        let long = format!("Depends: {}", "x".repeat(MAX_STANZA_BYTES));
        assert!(all(&long).unwrap_err().contains("over"));
        let many = format!("Package: a\n{}", " x\n".repeat(MAX_STANZA_BYTES / 3));
        assert!(all(&many).unwrap_err().contains("over"));
    }
}
