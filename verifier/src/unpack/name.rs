// SPDX-License-Identifier: Apache-2.0
//! One rule of names for zip and tar.
//!
//! In: the bytes of a name. Out: a relative path that no system takes for another place than the one that
//! it shows. Looser than [`manifests::name::PortablePath`], because vendors' archives are what they are:
//! `./` in front, doubled slashes and characters that only Windows cannot hold are taken.

use manifests::name::{fold, is_control_or_bidi, is_windows_device, printable};

use super::{Fault, Rule, fault};

/// What every file system holds in one component.
pub const MAX_COMPONENT_BYTES: usize = 255;
/// Longest name: the most that a zip can hold.
pub const MAX_ENTRY_NAME_BYTES: usize = 65_535;

/// How a name ends: before there were modes and kinds, that told folders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With a component.
    Plain,
    /// With a slash: a folder.
    Slash,
    /// With `.`: a folder for the system, a file for readers that look for the slash.
    Dot,
}

/// A name that passed the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryName {
    /// Components joined by `/`; empty for the folder itself.
    pub path: Box<str>,
    /// What stood at the end.
    pub ending: Ending,
}

impl EntryName {
    /// The name of an entry.
    pub fn new(bytes: &[u8]) -> Result<Self, Fault> {
        let name =
            |text: &str, rule: &str| Fault::new(Rule::Name, format!("the name `{}` {rule}", shown(text)));
        let text = text(bytes, name)?;
        let mut path = String::with_capacity(text.len());
        for component in text.split('/').filter(|part| !matches!(*part, "" | ".")) {
            plain(component).map_err(|rule| name(text, rule))?;
            if !path.is_empty() {
                path.push('/');
            }
            path.push_str(component);
        }
        let ending = match text.rsplit('/').next() {
            Some("") => Ending::Slash,
            Some(".") => Ending::Dot,
            _ => Ending::Plain,
        };
        Ok(Self { path: path.into(), ending })
    }
}

/// The target of a symbolic link: relative, with `..` where it must be; where it leads is the
/// [tree](super::tree)'s business.
pub fn target(bytes: &[u8]) -> Result<&str, Fault> {
    let link =
        |text: &str, rule: &str| Fault::new(Rule::Link, format!("link to `{}`, which {rule}", shown(text)));
    let text = text(bytes, link)?;
    for component in text.split('/').filter(|part| !matches!(*part, "" | "." | "..")) {
        plain(component).map_err(|rule| link(text, rule))?;
    }
    Ok(text)
}

/// What holds of a name or target as a whole.
fn text(bytes: &[u8], named: impl Fn(&str, &str) -> Fault) -> Result<&str, Fault> {
    if bytes.len() > MAX_ENTRY_NAME_BYTES {
        return fault(Rule::Limit, format!("a name of more than {MAX_ENTRY_NAME_BYTES} bytes"));
    }
    let Ok(text) = str::from_utf8(bytes) else {
        let shown = String::from_utf8_lossy(bytes);
        return Err(named(&shown, "is not UTF-8: which characters it has depends on the reader"));
    };
    let rule = if text.is_empty() {
        "is empty"
    } else if text.contains('\0') {
        "holds a NUL: some readers end it there"
    } else if text.contains('\\') {
        "holds a backslash: on Windows it separates folders"
    } else if text.starts_with('/') {
        "is absolute"
    } else if has_drive(text) {
        "begins with a drive letter"
    } else {
        return Ok(text);
    };
    Err(named(text, rule))
}

/// What holds of every component but `.` and, in targets, `..`.
fn plain(component: &str) -> Result<(), &'static str> {
    if component == ".." {
        return Err("holds `..`");
    }
    if component.trim_end_matches(['.', ' ']).is_empty() {
        return Err("holds a component of dots and blanks: Windows takes it for `.` or `..`");
    }
    if component.len() > MAX_COMPONENT_BYTES {
        return Err("has a component longer than 255 bytes");
    }
    if component.chars().any(is_control_or_bidi) {
        return Err("has a control or bidirectional character");
    }
    if is_windows_device(component) {
        return Err("names a Windows device");
    }
    if component.contains(":$") {
        return Err("names a part of another file: on NTFS `a::$DATA` is `a`");
    }
    Ok(())
}

fn has_drive(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic()) && chars.next() == Some(':')
}

/// A path for people: not endless, and nothing in it that moves the cursor.
pub(super) fn shown(path: &str) -> String {
    let cut: String = path.chars().take(MAX_COMPONENT_BYTES).collect();
    printable(&cut)
}

/// The form in which two components are the same file somewhere: upper and lower case, composed and
/// decomposed characters (macOS, Windows), dots and blanks at the end (Windows).
pub(super) fn folded(component: &str) -> String {
    let mut key = fold(component);
    key.truncate(key.trim_end_matches(['.', ' ']).len());
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_brought_to_one_form() {
        let path = |name: &str| EntryName::new(name.as_bytes()).map(|name| name.path.into_string());
        assert_eq!(path("./usr//bin/./x").unwrap(), "usr/bin/x");
        assert_eq!(path("./").unwrap(), "");
        assert_eq!(path(".hidden").unwrap(), ".hidden");
        assert_eq!(path("Foo::Bar.3pm").unwrap(), "Foo::Bar.3pm");
        for (name, ending) in
            [("a/", Ending::Slash), ("a/.", Ending::Dot), (".", Ending::Dot), ("a/b.", Ending::Plain)]
        {
            assert_eq!(EntryName::new(name.as_bytes()).unwrap().ending, ending, "{name}");
        }
    }

    #[test]
    fn names_that_mean_another_place_somewhere_are_refused() {
        for bad in [
            "",
            "/a",
            "a/../b",
            "..",
            "...",
            "x/.. ",
            "a\\b",
            "C:a",
            "z:/a",
            "a\0b",
            "a\nb",
            "a\u{7f}",
            "a\u{202e}b",
            "a\u{2066}b",
            "x/NUL",
            "x/com1.txt",
            "CON",
        ] {
            assert_eq!(EntryName::new(bad.as_bytes()).unwrap_err().rule, Rule::Name, "{bad:?}");
        }
        assert_eq!(EntryName::new(b"caf\xe9").unwrap_err().rule, Rule::Name);
        assert!(EntryName::new("x".repeat(255).as_bytes()).is_ok());
        assert_eq!(EntryName::new("x".repeat(256).as_bytes()).unwrap_err().rule, Rule::Name);
        assert_eq!(EntryName::new(&vec![b'a'; MAX_ENTRY_NAME_BYTES + 1]).unwrap_err().rule, Rule::Limit);
    }

    #[test]
    fn targets_may_climb() {
        assert_eq!(target(b"../lib/./x").unwrap(), "../lib/./x");
        for bad in [&b"/etc/passwd"[..], b"..\\x", b"C:x", b"", b"a\0", b"../aux"] {
            assert_eq!(target(bad).unwrap_err().rule, Rule::Link, "{bad:?}");
        }
    }

    #[test]
    fn spellings_of_one_file_fold_to_one_key() {
        assert_eq!(folded("STRASSE"), folded("straße"));
        assert_eq!(folded("u\u{308}"), folded("ü"));
        assert_eq!(folded("a. ."), folded("A"));
        assert_ne!(folded("a"), folded("a.b"));
    }
}
