// SPDX-License-Identifier: Apache-2.0
//! Extended headers (POSIX.1-2001 pax, and GNU's long names): what they say of the entry after them.
//!
//! Some readers know them and some do not, and readers that know them differ in what they make of odd ones.
//! So a value may only say what the header itself could not hold.

use crate::unpack::{Fault, Rule, fault};

use super::header::{Header, MAX_OCTAL};

/// One extended header, and one long name with its zeros: attributes of a file fit, its content does not.
pub const MAX_EXTENDED_BYTES: u64 = 1024 * 1024;
/// What the name fields of a header hold for certain: all writers use these bytes of them.
const FIELD_BYTES: usize = 99;

/// What is said of the next entry.
#[derive(Debug, Default)]
pub(super) struct Extended {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    size: Option<u64>,
    /// Whether a pax header was read for this entry.
    pax: bool,
}

/// Whom a pax header speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    NextEntry,
    AllEntries,
}

impl Extended {
    /// Whether anything was said that still waits for its entry.
    pub(super) const fn is_pending(&self) -> bool {
        self.pax || self.path.is_some() || self.link.is_some()
    }

    /// Reads the records of a pax header: `length key=value newline`, the length counting all of it.
    pub(super) fn pax(&mut self, mut bytes: &[u8], scope: Scope) -> Result<(), Fault> {
        if scope == Scope::NextEntry {
            if self.is_pending() {
                return fault(Rule::Contradiction, "two extended headers for one entry");
            }
            self.pax = true;
        }
        while !bytes.is_empty() {
            let (key, value, rest) = record(bytes)?;
            bytes = rest;
            self.keep(key, value, scope)?;
        }
        Ok(())
    }

    fn keep(&mut self, key: &str, value: &[u8], scope: Scope) -> Result<(), Fault> {
        if key.starts_with("GNU.sparse.") || matches!(key, "SCHILY.realsize" | "SUN.holesdata") {
            return fault(Rule::Special, format!("a sparse file (pax record `{key}`)"));
        }
        if key.starts_with("GNU.volume.") {
            return fault(
                Rule::Special,
                format!("a part of an archive in several volumes (pax record `{key}`)"),
            );
        }
        if !matches!(key, "path" | "linkpath" | "size") {
            return Ok(());
        }
        if scope == Scope::AllEntries {
            return fault(Rule::Contradiction, format!("pax record `{key}` for all entries at once"));
        }
        if value.is_empty() {
            return fault(Rule::Structure, format!("pax record `{key}` without a value"));
        }
        let known = match key {
            "path" => self.path.replace(value.to_vec()).is_some(),
            "linkpath" => self.link.replace(value.to_vec()).is_some(),
            _ => {
                let digits = value.iter().all(u8::is_ascii_digit);
                let size = str::from_utf8(value).ok().filter(|_| digits).and_then(|text| text.parse().ok());
                let size =
                    size.ok_or_else(|| Fault::new(Rule::Structure, "the size in a pax header is no number"))?;
                self.size.replace(size).is_some()
            }
        };
        if known {
            return fault(Rule::Contradiction, format!("pax record `{key}` twice in one header"));
        }
        Ok(())
    }

    /// Takes the content of GNU's `L` (path) or `K` (link): text with a zero at its end.
    pub(super) fn gnu(&mut self, kind: u8, bytes: &[u8]) -> Result<(), Fault> {
        if self.pax {
            return fault(Rule::Contradiction, "a pax header and a long name of GNU for one entry");
        }
        let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
        let text = bytes.get(..end).unwrap_or_default();
        if text.is_empty() {
            return fault(Rule::Structure, "an empty long name");
        }
        let place = if kind == b'L' { &mut self.path } else { &mut self.link };
        if place.replace(text.to_vec()).is_some() {
            return fault(Rule::Contradiction, "two long names for one entry");
        }
        Ok(())
    }

    /// The header with what was said of it, where the two do not contradict each other.
    pub(super) fn apply(self, mut header: Header) -> Result<Header, Fault> {
        if let Some(size) = self.size {
            if size <= MAX_OCTAL && size != header.size {
                let note = format!("its pax header says {size} bytes, its own {}", header.size);
                return fault(Rule::Contradiction, note);
            }
            header.size = size;
        }
        for (long, own, what) in
            [(self.path, &mut header.name, "name"), (self.link, &mut header.link, "target")]
        {
            let Some(long) = long else { continue };
            let same = components(&long).eq(components(own));
            if long.len() <= FIELD_BYTES && long.is_ascii() && !same {
                let note = format!(
                    "its extended header has the {what} `{}`, its own `{}`",
                    String::from_utf8_lossy(&long).escape_debug(),
                    String::from_utf8_lossy(own).escape_debug()
                );
                return fault(Rule::Contradiction, note);
            }
            *own = long;
        }
        Ok(header)
    }
}

/// A path without what does not count in it.
fn components(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b"."))
}

fn record(bytes: &[u8]) -> Result<(&str, &[u8], &[u8]), Fault> {
    let broken = || Fault::new(Rule::Structure, "a pax record is not `length key=value` and a line's end");
    let blank = bytes.iter().position(|byte| *byte == b' ').ok_or_else(broken)?;
    let digits = bytes.get(..blank).unwrap_or_default();
    let length = decimal(digits).and_then(|length| usize::try_from(length).ok()).ok_or_else(broken)?;
    let (record, rest) = bytes.split_at_checked(length).ok_or_else(broken)?;
    let body = record.get(blank.saturating_add(1)..).and_then(|body| body.strip_suffix(b"\n"));
    let body = body.ok_or_else(broken)?;
    let equals = body.iter().position(|byte| *byte == b'=').ok_or_else(broken)?;
    let (key, value) = body.split_at_checked(equals).ok_or_else(broken)?;
    let key = str::from_utf8(key).ok().filter(|key| !key.is_empty()).ok_or_else(broken)?;
    Ok((key, value.get(1..).unwrap_or_default(), rest))
}

/// Decimal digits and nothing else, without a zero in front.
fn decimal(digits: &[u8]) -> Option<u64> {
    let plain = match digits {
        [b'0', _, ..] => false,
        _ => digits.iter().all(u8::is_ascii_digit),
    };
    str::from_utf8(digits).ok().filter(|_| plain)?.parse().ok()
}
