// SPDX-License-Identifier: Apache-2.0
//! Where a file of the recipe is: a path beside the recipe, or a URL.

use std::borrow::Cow;
use std::ops::Range;

use crate::failure::Failure;
use crate::fetch::url::{Url, UrlError};
use crate::source::Value;

/// A file that the recipe names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// A path as written, variables filled in; a URL in its one spelling.
    pub text: String,
    /// Where the recipe says so.
    pub span: Range<usize>,
    /// What is fetched; none: a path, relative to the recipe's folder.
    pub url: Option<Box<Url>>,
}

impl Location {
    /// The part after the last `/`: for a URL that of its path, `%XX` undone.
    pub fn file_name(&self) -> Cow<'_, str> {
        match &self.url {
            Some(url) => Cow::Owned(url.file_name()),
            None => {
                let text = self.text.trim_end_matches('/');
                Cow::Borrowed(text.rsplit('/').next().unwrap_or(text))
            }
        }
    }

    /// A file, by path or URL.
    pub(super) fn read(value: &Value<'_>) -> Result<Self, Failure> {
        let text = value.string()?;
        let location = match scheme(&text.text) {
            None => return Self::path(value),
            Some("oci") => return Err(value.not_yet("OCI images")),
            Some("pkcs11") => return Err(value.not_yet("keys on tokens")),
            Some(_) => {
                let url = Url::parse(&text.text).map_err(|wrong| refused(value, &wrong))?;
                Self { text: url.to_string(), span: text.span, url: Some(Box::new(url)) }
            }
        };
        let name = location.file_name();
        if name.is_empty() || name.contains(['/', '\0', char::REPLACEMENT_CHARACTER]) {
            return Err(value
                .error("names a URL that does not end in the name of a file")
                .expected("https://HOST/…/FILE")
                .found(&location.text)
                .hint("the file has its name in the bundle from there"));
        }
        Ok(location)
    }

    /// A file or folder beside the recipe, or beneath its folder.
    pub(super) fn path(value: &Value<'_>) -> Result<Self, Failure> {
        let location = Self::anywhere(value)?;
        let text = &location.text;
        if text.starts_with('/') || text.split('/').any(|part| part == "..") {
            return Err(value
                .error("names a path that leaves the recipe's folder")
                .expected("a path beneath the folder of the recipe")
                .found(text)
                .hint("what lies elsewhere is a URL: file:///…, which is copied into the store"));
        }
        Ok(location)
    }

    /// A file of this machine that no bundle carries.
    pub(super) fn anywhere(value: &Value<'_>) -> Result<Self, Failure> {
        let text = value.string()?;
        if scheme(&text.text).is_some() {
            return Err(value.error("names a URL where a path is wanted").hint(
                "keep this one beside the recipe; single files of [[artifact]] and [signer] may be URLs",
            ));
        }
        if text.text.is_empty() || text.text.contains('\0') {
            return Err(value.error("has an empty path"));
        }
        Ok(Self { text: text.text, span: text.span, url: None })
    }
}

fn refused(value: &Value<'_>, wrong: &UrlError) -> Failure {
    let failure = value.error(format!("names a URL that {wrong}"));
    match wrong {
        UrlError::PlainHttp => failure.hint("write https://; a file of this machine is file:///…"),
        _ => failure,
    }
}

/// The scheme of a text that is meant as a URL. A path may have a colon; a scheme that we know or `//` behind
/// it tells.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once(':')?;
    let mut letters = scheme.chars();
    let first = letters.next().is_some_and(|c| c.is_ascii_alphabetic());
    let others = letters.all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let known = ["https", "http", "file", "oci", "pkcs11"];
    let known = known.into_iter().find(|known| scheme.eq_ignore_ascii_case(known));
    (first && others && (known.is_some() || rest.starts_with("//"))).then(|| known.unwrap_or(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_told_from_paths() {
        for (text, expected) in [
            ("https://a.example/x", Some("https")),
            ("HTTP:x", Some("http")),
            ("file:///x", Some("file")),
            ("oci://a/b", Some("oci")),
            ("oci:a", Some("oci")),
            ("ftp://a/b", Some("ftp")),
            ("pkcs11:token=a", Some("pkcs11")),
            ("notes.txt", None),
            ("a:b", None),
            ("1:2//", None),
            ("a/b://c", None),
            ("", None),
        ] {
            assert_eq!(scheme(text), expected, "{text}");
        }
    }
}
