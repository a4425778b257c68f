// SPDX-License-Identifier: Apache-2.0
//! URLs as they may be fetched: `https` with a host, or `file` with an absolute path; nothing that carries a
//! secret, and one spelling for one host.
//!
//! In: text of a recipe, or a `Location` header. Out: a [`Url`], or what is wrong with it.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// The longest URL: signed ones of object stores have some 2 KiB (RFC 9110 §4.1 asks for 8,000 octets).
pub const MAX_URL_BYTES: usize = 8192;

/// A URL that can be fetched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Url {
    /// None: a file of this machine.
    authority: Option<Authority>,
    /// From the first `/`, as it was written.
    path: String,
    query: Option<String>,
}

/// A host and its port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Authority {
    host: String,
    port: Option<u16>,
}

/// Why a text is no URL to fetch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// Longer than [`MAX_URL_BYTES`].
    #[error("is longer than {MAX_URL_BYTES} bytes")]
    TooLong,
    /// Plain HTTP.
    #[error("uses plain HTTP, which anybody on the way can read and change: only https and file are fetched")]
    PlainHttp,
    /// Another scheme, or none.
    #[error("is neither an https nor a file URL")]
    Scheme,
    /// A user or password before the host.
    #[error("carries a user or password: give it as a header under [host.\"…\"], from the environment")]
    UserInfo,
    /// A part behind `#`.
    #[error("has a fragment (#…), which no server ever sees")]
    Fragment,
    /// A character that must be written as `%` and two digits.
    #[error("has the character {0:?}, which a URL writes as %XX")]
    Character(char),
    /// No host, or one that is none.
    #[error("has a bad host or port")]
    Host,
    /// A `file` URL without an absolute path, or with a query.
    #[error("is no file URL of the form file:///absolute/path")]
    File,
}

impl Authority {
    /// `host` or `host:port`; the port of https is left out.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        if text.contains('@') {
            return Err(UrlError::UserInfo);
        }
        // An address of IPv6 stands in brackets, because it has colons.
        let end = if text.starts_with('[') { text.find(']').map(|at| at + 1) } else { text.find(':') };
        let (host, port) = text.split_at(end.unwrap_or(text.len()));
        let port = match port {
            "" => None,
            port => {
                let digits = port.strip_prefix(':').ok_or(UrlError::Host)?;
                let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
                Some(digits.parse::<u16>().ok().filter(|port| plain && *port > 0).ok_or(UrlError::Host)?)
            }
        };
        let host = host.to_ascii_lowercase();
        let good = match host.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').is_some_and(|ip| ip.parse::<std::net::Ipv6Addr>().is_ok()),
            None => host.split('.').all(is_label) && host.len() <= 253,
        };
        if good { Ok(Self { host, port: port.filter(|port| *port != 443) }) } else { Err(UrlError::Host) }
    }

    /// The host, in lower case.
    pub fn host(&self) -> &str {
        &self.host
    }
}

/// A component of a host name: what DNS and certificates have, and `_`, which some private names have.
fn is_label(label: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !label.is_empty() && label.len() <= 63 && label.chars().all(inner)
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl Url {
    /// Reads a URL that somebody wrote.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        if text.contains('#') {
            return Err(UrlError::Fragment);
        }
        Self::absolute(text)
    }

    fn absolute(text: &str) -> Result<Self, UrlError> {
        if text.len() > MAX_URL_BYTES {
            return Err(UrlError::TooLong);
        }
        if let Some(bad) = text.chars().find(|c| !c.is_ascii_graphic() || "\"<>\\^`{|}".contains(*c)) {
            return Err(UrlError::Character(bad));
        }
        let (scheme, rest) = text.split_once(':').ok_or(UrlError::Scheme)?;
        match scheme.to_ascii_lowercase().as_str() {
            "https" => {
                let rest = rest.strip_prefix("//").ok_or(UrlError::Host)?;
                let end = rest.find(['/', '?']).unwrap_or(rest.len());
                let (authority, target) = rest.split_at(end);
                let (path, query) = split_query(target);
                let path = if path.is_empty() { "/" } else { path };
                let authority = Some(Authority::parse(authority)?);
                Ok(Self { authority, path: path.to_owned(), query })
            }
            "file" => {
                let path = rest.strip_prefix("//localhost").or_else(|| rest.strip_prefix("//"));
                let path = path.filter(|path| path.starts_with('/') && !path.contains('?'));
                let path = path.ok_or(UrlError::File)?;
                Ok(Self { authority: None, path: path.to_owned(), query: None })
            }
            "http" => Err(UrlError::PlainHttp),
            _ => Err(UrlError::Scheme),
        }
    }

    /// Where a `Location` header leads from here (RFC 3986 §5.2); never to a file of this machine.
    pub fn join(&self, location: &str) -> Result<Self, UrlError> {
        // What is behind `#` is for browsers.
        let location = location.split('#').next().unwrap_or_default();
        let scheme = location.split([':', '/', '?']).next().unwrap_or_default();
        if location.get(scheme.len()..).is_some_and(|rest| rest.starts_with(':')) && !scheme.is_empty() {
            return Self::absolute(location).and_then(Self::remote);
        }
        if location.starts_with("//") {
            return Self::absolute(&format!("https:{location}"));
        }
        let (path, query) = split_query(location);
        let path = match path {
            "" => self.path.clone(),
            path if path.starts_with('/') => without_dots(path),
            path => {
                let folder = self.path.rfind('/').map_or("/", |at| &self.path[..=at]);
                without_dots(&format!("{folder}{path}"))
            }
        };
        let query = if location.is_empty() { self.query.clone() } else { query };
        let joined = Self { authority: self.authority.clone(), path, query };
        Self::absolute(&joined.to_string()).and_then(Self::remote)
    }

    fn remote(self) -> Result<Self, UrlError> {
        if self.authority.is_some() { Ok(self) } else { Err(UrlError::Scheme) }
    }

    /// The host and port; none for a file.
    pub fn authority(&self) -> Option<&Authority> {
        self.authority.as_ref()
    }

    /// The path on this machine that a file URL names.
    pub fn file_path(&self) -> Option<PathBuf> {
        if self.authority.is_some() {
            return None;
        }
        Some(PathBuf::from(OsString::from_vec(decoded(&self.path))))
    }

    /// The part of the path after the last `/`, `%XX` undone; U+FFFD stands for what is not UTF-8.
    pub fn file_name(&self) -> String {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        String::from_utf8_lossy(&decoded(name)).into_owned()
    }

    /// The file URL of an absolute path.
    pub fn of_file(path: &std::path::Path) -> Result<Self, UrlError> {
        use std::fmt::Write;
        use std::os::unix::ffi::OsStrExt;
        if !path.is_absolute() {
            return Err(UrlError::File);
        }
        let mut text = String::from("file://");
        for byte in path.as_os_str().as_bytes() {
            if byte.is_ascii_alphanumeric() || b"/-._~+@=,".contains(byte) {
                text.push(char::from(*byte));
            } else {
                // Writing to a String does not fail.
                let _ = write!(text, "%{byte:02X}");
            }
        }
        Self::parse(&text)
    }

    /// Whether the last part of the path names a web page: then it is no surprise to get one.
    pub fn names_a_page(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.rsplit_once('.')
            .is_some_and(|(_, kind)| matches!(kind.to_ascii_lowercase().as_str(), "html" | "htm" | "xhtml"))
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.authority {
            Some(authority) => write!(f, "https://{authority}")?,
            None => f.write_str("file://")?,
        }
        f.write_str(&self.path)?;
        self.query.as_ref().map_or(Ok(()), |query| write!(f, "?{query}"))
    }
}

fn split_query(text: &str) -> (&str, Option<String>) {
    match text.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (text, None),
    }
}

/// RFC 3986 §5.2.4.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut parts = path.split('/').skip(1).peekable();
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        match part {
            "." | ".." => {
                if part == ".." {
                    kept.pop();
                }
                if last {
                    kept.push("");
                }
            }
            part => kept.push(part),
        }
    }
    format!("/{}", kept.join("/"))
}

/// Undoes `%XX`; what is no such triple stays.
fn decoded(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digit = |at: usize| after.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or(b'%'));
                rest = &after[2..];
            }
            _ => {
                out.push(*first);
                rest = after;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_host_has_one_spelling() {
        for (text, printed) in [
            ("https://Example.COM", "https://example.com/"),
            ("HTTPS://example.com:443/a?b=c", "https://example.com/a?b=c"),
            ("https://example.com:8443?x", "https://example.com:8443/?x"),
            ("https://[::1]:9/a", "https://[::1]:9/a"),
            ("file:///mnt/a%20b", "file:///mnt/a%20b"),
            ("file://localhost/mnt", "file:///mnt"),
        ] {
            assert_eq!(Url::parse(text).unwrap().to_string(), printed);
        }
        assert_eq!(
            Url::parse("file:///mnt/a%20b%zz").unwrap().file_path().unwrap(),
            PathBuf::from("/mnt/a b%zz")
        );
        let odd = std::path::Path::new("/mnt/a b/ü%?#");
        assert_eq!(Url::of_file(odd).unwrap().file_path().unwrap(), odd);
    }

    #[test]
    fn what_cannot_be_fetched_is_told_why() {
        for (text, error) in [
            ("http://example.com/", UrlError::PlainHttp),
            ("ftp://example.com/", UrlError::Scheme),
            ("example.com/a", UrlError::Scheme),
            ("https://user:secret@example.com/", UrlError::UserInfo),
            ("https://example.com/#a", UrlError::Fragment),
            ("https://example.com/a b", UrlError::Character(' ')),
            ("https://exa\u{200b}mple.com/", UrlError::Character('\u{200b}')),
            ("https:///a", UrlError::Host),
            ("https://example.com:0/", UrlError::Host),
            ("https://example.com:+1/", UrlError::Host),
            ("https://example.com:/", UrlError::Host),
            ("https://a..b/", UrlError::Host),
            ("https://[::1/", UrlError::Host),
            ("https://[::1]x/", UrlError::Host),
            ("file://server/share", UrlError::File),
            ("file:relative", UrlError::File),
        ] {
            assert_eq!(Url::parse(text), Err(error), "{text}");
        }
        assert_eq!(Url::parse(&format!("https://a/{}", "x".repeat(9000))), Err(UrlError::TooLong));
    }

    /// The examples of RFC 3986 §5.4 that a server may send.
    #[test]
    fn locations_lead_where_the_standard_says() {
        let base = Url::parse("https://a/b/c/d;p?q").unwrap();
        for (location, target) in [
            ("g", "https://a/b/c/g"),
            ("./g", "https://a/b/c/g"),
            ("g/", "https://a/b/c/g/"),
            ("/g", "https://a/g"),
            ("//g", "https://g/"),
            ("?y", "https://a/b/c/d;p?y"),
            ("g?y#s", "https://a/b/c/g?y"),
            ("", "https://a/b/c/d;p?q"),
            (".", "https://a/b/c/"),
            ("..", "https://a/b/"),
            ("../../../g", "https://a/g"),
            ("g?y/../x", "https://a/b/c/g?y/../x"),
            ("https://h:1/i", "https://h:1/i"),
        ] {
            assert_eq!(base.join(location).unwrap().to_string(), target, "{location}");
        }
        assert_eq!(base.join("http://a/"), Err(UrlError::PlainHttp));
        assert_eq!(base.join("file:///etc/passwd"), Err(UrlError::Scheme));
        assert_eq!(base.join("javascript:x"), Err(UrlError::Scheme));
        assert_eq!(base.join("https://user@h/"), Err(UrlError::UserInfo));
    }
}
