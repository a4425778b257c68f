// SPDX-License-Identifier: Apache-2.0
//! Names and paths. The only way to hold one is to pass its rules (`docs/formats/manifest.md` §2).

use std::borrow::Borrow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

use caseless::Caseless;
use serde::{Deserialize, Deserializer, Serialize, de};
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Longest path in a bundle, in bytes: what ustar's prefix and name can hold between them.
pub const MAX_PATH_BYTES: usize = 255;
/// Longest name of a bundle, artifact, owner, role …, in bytes: leaves room for a version and a path.
pub const MAX_NAME_BYTES: usize = 64;
/// Longest path on a target, in bytes: Linux's own limit (PATH_MAX less the terminating zero).
pub const MAX_INSTALL_PATH_BYTES: usize = 4095;

/// A name that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` {rule}", printable(name))]
pub struct NameError {
    name: String,
    rule: &'static str,
}

impl NameError {
    fn new(name: &str, rule: &'static str) -> Self {
        Self { name: name.chars().take(MAX_PATH_BYTES).collect(), rule }
    }

    /// Whether there are more names than are allowed, rather than one that is not.
    pub fn is_limit(&self) -> bool {
        self.rule == TOO_MANY
    }

    /// The rule that was broken, as the end of a sentence.
    pub const fn rule(&self) -> &'static str {
        self.rule
    }
}

/// Text from outside, made safe to print: control and bidirectional characters are escaped.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_control_or_bidi(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    out
}

/// Whether a character moves the cursor, hides, or reorders what stands beside it (CVE-2021-42574).
pub fn is_control_or_bidi(c: char) -> bool {
    // Nearly all text is plain ASCII, and a manifest has millions of characters.
    if matches!(c, ' '..='~') {
        return false;
    }
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                     | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Box<str>);

        impl $name {
            /// Accepts text that passes the rules of this type.
            pub fn new(text: &str) -> Result<Self, NameError> {
                $check(text).map_err(|rule| NameError::new(text, rule))?;
                Ok(Self(text.into()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(&String::deserialize(deserializer)?).map_err(de::Error::custom)
            }
        }
    };
}

text_type!(
    /// A bundle's name: the series that its sequence counts in. Lower case.
    BundleName,
    bundle_name
);
text_type!(
    /// A bundle's version: a label for people, never compared.
    BundleVersion,
    plain_name
);
text_type!(
    /// The name of an artifact, tree, component, signer, owner, role, enclave or feature.
    Name,
    plain_name
);
text_type!(
    /// A relative path that every operating system can hold, in one spelling.
    PortablePath,
    portable_path
);
text_type!(
    /// An absolute path on the target.
    InstallPath,
    install_path
);

impl PortablePath {
    /// The part after the last `/`.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

impl InstallPath {
    /// The components, root first.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').skip(1)
    }
}

fn bundle_name(text: &str) -> Result<(), &'static str> {
    plain_name(text)?;
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err("has upper-case letters: a bundle's name is lower case");
    }
    Ok(())
}

fn plain_name(text: &str) -> Result<(), &'static str> {
    if text.len() > MAX_NAME_BYTES {
        return Err("is longer than 64 bytes");
    }
    if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Err("does not start with a letter or digit (A–Z, a–z, 0–9)");
    }
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+~-".contains(&b)) {
        return Err("has characters other than A–Z, a–z, 0–9 and . _ + ~ -");
    }
    component(text)
}

fn portable_path(text: &str) -> Result<(), &'static str> {
    if text.len() > MAX_PATH_BYTES {
        return Err("is longer than 255 bytes");
    }
    if text.starts_with('/') {
        return Err("is absolute");
    }
    if !is_nfc(text) {
        return Err("is not in Unicode normalisation form C");
    }
    text.split('/').try_for_each(component)
}

/// One component of a path that must exist on Linux, macOS and Windows under the same name.
fn component(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("has an empty component");
    }
    if text == "." || text == ".." {
        return Err("has a component `.` or `..`");
    }
    if text.chars().any(is_control_or_bidi) {
        return Err("has a control or bidirectional character");
    }
    if text.contains('\\') {
        return Err("has a backslash");
    }
    if text.contains([':', '<', '>', '"', '|', '?', '*']) {
        return Err("has a character that Windows cannot hold in a name");
    }
    if text.ends_with(['.', ' ']) {
        return Err("has a component that ends in a dot or a space");
    }
    if is_windows_device(text) {
        return Err("names a Windows device");
    }
    Ok(())
}

/// CON, NUL and the like are devices in every folder of Windows, with any extension and in any case.
pub fn is_windows_device(component: &str) -> bool {
    let stem = component.split('.').next().unwrap_or(component).trim_end_matches(' ').to_ascii_lowercase();
    if matches!(stem.as_str(), "con" | "prn" | "aux" | "nul" | "conin$" | "conout$") {
        return true;
    }
    let number = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
    number.is_some_and(|rest| {
        let mut digits = rest.chars();
        matches!((digits.next(), digits.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
    })
}

/// The lock of a target, which `verifier` makes in it.
pub const TARGET_LOCK: &str = ".sealift.lock";
/// How the folders begin that `verifier` stages files in.
pub const STAGE_PREFIX: &str = ".sealift-stage-";

/// Whether a component of a path on the target stands for the verifier's own work there.
pub fn is_reserved(component: &str) -> bool {
    component == TARGET_LOCK || component.starts_with(STAGE_PREFIX)
}

/// Whether a path is `top` itself or lies in it.
pub fn is_beneath(path: &str, top: &str) -> bool {
    path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn install_path(text: &str) -> Result<(), &'static str> {
    if text.len() > MAX_INSTALL_PATH_BYTES {
        return Err("is longer than 4095 bytes");
    }
    let Some(relative) = text.strip_prefix('/') else {
        return Err("is not absolute");
    };
    for component in relative.split('/') {
        if component.is_empty() {
            return Err("has an empty component");
        }
        if component == "." || component == ".." {
            return Err("has a component `.` or `..`");
        }
        if component.len() > MAX_PATH_BYTES {
            return Err("has a component longer than 255 bytes");
        }
        if component.chars().any(is_control_or_bidi) {
            return Err("has a control or bidirectional character");
        }
        if is_reserved(component) {
            return Err("has a name that the verifier itself uses");
        }
    }
    Ok(())
}

/// Most files and folders in a [`PathSet`]: ten for each of 100,000 paths. Bounds its memory.
pub const MAX_NODES: usize = 1_000_000;
/// The rule that a set with more breaks.
const TOO_MANY: &str = "is in a set of more than 1,000,000 files and folders";

/// Paths that can all exist in one folder.
///
/// Two collide when they are the same, or one names as a file what the other needs as a folder. In a
/// set for any operating system, two also collide that differ only by Unicode case folding.
#[derive(Debug)]
pub struct PathSet {
    /// What two names in one folder must not have in common.
    key: fn(&str) -> String,
    /// By the number of the folder that it lies in, and its key.
    nodes: HashMap<(usize, String), Node>,
}

#[derive(Debug)]
struct Node {
    number: usize,
    /// As first seen; none where that is the key itself.
    spelling: Option<Box<str>>,
    directory: bool,
}

impl PathSet {
    /// For paths that must exist on any operating system.
    pub fn portable() -> Self {
        Self { key: fold, nodes: HashMap::new() }
    }

    /// For paths on the target, which tells upper from lower case.
    pub fn exact() -> Self {
        Self { key: str::to_owned, nodes: HashMap::new() }
    }

    /// Adds a file or link.
    pub fn insert(&mut self, path: &str) -> Result<(), NameError> {
        self.add(path, false)
    }

    /// Adds a folder; the same one twice is no error.
    pub fn insert_directory(&mut self, path: &str) -> Result<(), NameError> {
        self.add(path, true)
    }

    fn add(&mut self, path: &str, directory: bool) -> Result<(), NameError> {
        let mut folder = 0;
        let mut names = path.split('/').peekable();
        while let Some(name) = names.next() {
            let is_folder = directory || names.peek().is_some();
            folder = self.enter(folder, name, is_folder).map_err(|rule| NameError::new(path, rule))?;
        }
        Ok(())
    }

    /// The number of what has this name in this folder.
    fn enter(&mut self, folder: usize, name: &str, directory: bool) -> Result<usize, &'static str> {
        let key = (self.key)(name);
        let known = self.nodes.len();
        match self.nodes.entry((folder, key)) {
            Entry::Vacant(_) if known >= MAX_NODES => Err(TOO_MANY),
            Entry::Vacant(free) => {
                let spelling = (free.key().1 != name).then(|| name.into());
                // 0 is the folder that all lie in.
                let number = known.saturating_add(1);
                free.insert(Node { number, spelling, directory });
                Ok(number)
            }
            Entry::Occupied(taken) => {
                let node = taken.get();
                if node.spelling.as_deref().unwrap_or(&taken.key().1) != name {
                    Err("differs from another path only by upper and lower case")
                } else if node.directory != directory {
                    Err("is a file in one place and a folder in another")
                } else if directory {
                    Ok(node.number)
                } else {
                    Err("appears twice")
                }
            }
        }
    }
}

/// The form in which two spellings that some system takes for one are the same.
pub fn fold(part: &str) -> String {
    if part.is_ascii() {
        return part.to_ascii_lowercase();
    }
    part.chars().nfd().default_case_fold().nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_some_system_cannot_hold_are_refused() {
        for good in ["files/a/b.rpm", "files/ünï/x", "com10", "a.b-c_d", "console", "files/.hidden"] {
            assert!(PortablePath::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/a",
            "a//b",
            "a/",
            "./a",
            "a/../b",
            "..",
            "a\\b",
            "C:a",
            "a\u{7}",
            "a\u{202e}b",
            "nul",
            "files/NUL.txt",
            "COM1",
            "lpt9.log",
            "com¹",
            "a.",
            "a ",
            "x/con .txt",
            "u\u{308}",
            "a*b",
            "a\0b",
            "aux",
        ] {
            assert!(PortablePath::new(bad).is_err(), "{bad:?}");
        }
        assert!(PortablePath::new(&"x".repeat(256)).is_err());
    }

    #[test]
    fn a_set_is_bounded() {
        let mut set = PathSet::exact();
        for number in 0..MAX_NODES {
            set.insert(&number.to_string()).unwrap();
        }
        assert!(set.insert("one/more").unwrap_err().is_limit());
        assert!(!set.insert("1").unwrap_err().is_limit());
    }

    #[test]
    fn collisions_are_found_in_every_part_of_a_path() {
        let collide = |paths: &[&str]| {
            let mut set = PathSet::portable();
            paths.iter().try_for_each(|path| set.insert(path)).is_err()
        };
        assert!(!collide(&["a/b", "a/c", "b"]));
        assert!(collide(&["a", "a"]));
        assert!(collide(&["a", "A"]));
        assert!(collide(&["Dir/x", "dir/y"]));
        assert!(collide(&["straße", "STRASSE"]));
        assert!(collide(&["a", "a/b"]));
        assert!(collide(&["a/b", "a"]));
        assert!(!collide(&["a/b", "b/a", "a/c/a", "c"]));
    }

    #[test]
    fn install_paths_are_absolute_and_plain() {
        assert!(InstallPath::new("/opt/drop/hello.deb").is_ok());
        for bad in ["", "opt", "/", "/a/../b", "/a//b", "/a/", "/a\n", "//a"] {
            assert!(InstallPath::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn bundle_names_are_lower_case() {
        assert!(BundleName::new("aws-signer").is_ok());
        for bad in ["", "Aws", "-a", ".a", "a/b", "a b", "nul", "é", "a."] {
            assert!(BundleName::new(bad).is_err(), "{bad:?}");
        }
    }
}
