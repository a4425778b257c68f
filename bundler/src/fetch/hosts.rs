// SPDX-License-Identifier: Apache-2.0
//! What the recipe says about hosts, `[host."artifacts.example.com"]`: headers whose secrets come from the
//! environment by name, and a CA of the site's own.
//!
//! Nothing of this is ever in a lock, in a message or in a log: a secret is looked up when a request is made.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::url::{Authority, UrlError};
use crate::failure::Failure;

/// Looks a variable of the environment up.
pub type Environment = fn(&str) -> Option<String>;

/// Headers that are part of how a download works, or that speak of the connection.
const RESERVED: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "if-range",
    "proxy-authorization",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// Headers whose value is a secret: written in a recipe, it would be in version control.
const SECRET: &[&str] =
    &["authorization", "cookie", "private-token", "job-token", "x-api-key", "x-jfrog-art-api"];

/// All hosts that the recipe says something about.
#[derive(Clone, Debug, Default)]
pub struct Hosts(BTreeMap<Authority, Host>);

/// One host: exactly this name and this port.
#[derive(Clone, Debug, Default)]
pub struct Host {
    headers: Vec<Header>,
    ca: Option<PathBuf>,
}

/// A header, with its value as the recipe writes it.
#[derive(Clone, PartialEq, Eq)]
pub struct Header {
    name: String,
    value: String,
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: …", self.name)
    }
}

/// Why a host's section cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The name in the section's title.
    #[error("is no host or host:port: it {0}")]
    Authority(#[from] UrlError),
    /// No header name (RFC 9110 §5.1).
    #[error("is no name of a header")]
    Name,
    /// One of those that downloads set themselves.
    #[error("is a header that downloads set themselves")]
    Reserved,
    /// A secret, written down.
    #[error(
        "is a secret, and a recipe is kept in version control: write \"env:NAME\" or \"Bearer env:NAME\""
    )]
    Secret,
    /// A value with a control character.
    #[error("has a value that no header can have")]
    Value,
    /// `env:` without a name.
    #[error("has no name of a variable behind `env:`")]
    Variable,
}

impl Hosts {
    /// Hosts of which nothing is said.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one section in; `ca` is a path as the program can open it.
    ///
    /// In a value, each word `env:NAME` stands for a variable of the environment: `env:TOKEN`,
    /// `Bearer env:TOKEN`.
    pub fn add(
        &mut self,
        authority: &str,
        headers: &[(String, String)],
        ca: Option<PathBuf>,
    ) -> Result<(), HostError> {
        let authority = Authority::parse(authority)?;
        let headers = headers.iter().map(|(name, value)| Header::new(name, value));
        let headers = headers.collect::<Result<Vec<_>, _>>()?;
        self.0.insert(authority, Host { headers, ca });
        Ok(())
    }

    /// What is said of a host.
    pub(super) fn of(&self, authority: &Authority) -> Option<&Host> {
        self.0.get(authority)
    }
}

impl Host {
    pub(super) fn ca(&self) -> Option<&Path> {
        self.ca.as_deref()
    }

    /// The headers with their secrets; a failure names the variable, and never shows a value.
    pub(super) fn headers(&self, environment: Environment) -> Result<Vec<(String, String)>, Failure> {
        self.headers.iter().map(|header| Ok((header.name.clone(), header.filled(environment)?))).collect()
    }
}

impl Header {
    /// A header as the recipe writes it.
    pub fn new(name: &str, value: &str) -> Result<Self, HostError> {
        let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if name.is_empty() || !name.chars().all(token) {
            return Err(HostError::Name);
        }
        let lower = name.to_ascii_lowercase();
        if RESERVED.contains(&lower.as_str()) {
            return Err(HostError::Reserved);
        }
        if !value.chars().all(|c| c == ' ' || c.is_ascii_graphic()) {
            return Err(HostError::Value);
        }
        let variables: Vec<&str> = value.split(' ').filter_map(|word| word.strip_prefix("env:")).collect();
        if variables.iter().any(|variable| variable.is_empty() || variable.contains('=')) {
            return Err(HostError::Variable);
        }
        if SECRET.contains(&lower.as_str()) && variables.is_empty() {
            return Err(HostError::Secret);
        }
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }

    fn filled(&self, environment: Environment) -> Result<String, Failure> {
        let words = self.value.split(' ').map(|word| match word.strip_prefix("env:") {
            None => Ok(word.to_owned()),
            Some(variable) => {
                let value = environment(variable).filter(|value| !value.is_empty()).ok_or_else(|| {
                    Failure::usage(format!("the variable {variable}"), "is not set")
                        .hint(format!("set it to what the header {} needs, and run it again", self.name))
                })?;
                if value.chars().all(|c| c == ' ' || c.is_ascii_graphic()) {
                    Ok(value)
                } else {
                    Err(Failure::usage(format!("the variable {variable}"), "cannot stand in a header")
                        .hint("it has a line end or another character that is not printable ASCII"))
                }
            }
        });
        Ok(words.collect::<Result<Vec<_>, _>>()?.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, value: &str) -> Result<Header, HostError> {
        Header::new(name, value)
    }

    #[test]
    fn secrets_come_from_the_environment_and_are_never_printed() {
        let environment: Environment = |name| (name == "TOKEN").then(|| "s3cret".to_owned());
        let bearer = header("Authorization", "Bearer env:TOKEN").unwrap();
        assert_eq!(bearer.filled(environment).unwrap(), "Bearer s3cret");
        assert!(!format!("{bearer:?}").contains("TOKEN"));
        let missing = header("X-Other", "env:MISSING").unwrap().filled(environment).unwrap_err();
        assert!(missing.to_string().contains("the variable MISSING is not set"), "{missing}");
        let broken = header("X-Other", "env:A").unwrap().filled(|_| Some("a\r\nHost: b".to_owned()));
        assert!(broken.unwrap_err().to_string().contains("cannot stand in a header"));
    }

    #[test]
    fn headers_that_could_do_harm_are_refused() {
        for (name, value, error) in [
            ("Authorization", "Bearer abc", HostError::Secret),
            ("cookie", "a=b", HostError::Secret),
            ("Range", "bytes=0-1", HostError::Reserved),
            ("Host", "b", HostError::Reserved),
            ("a b", "c", HostError::Name),
            ("", "c", HostError::Name),
            ("X-A", "a\nb", HostError::Value),
            ("X-A", "env:", HostError::Variable),
        ] {
            assert_eq!(header(name, value), Err(error), "{name}: {value}");
        }
        let mut hosts = Hosts::new();
        assert!(matches!(hosts.add("https://a/", &[], None), Err(HostError::Authority(_))));
        hosts.add("Example.com:443", &[], None).unwrap();
        assert!(hosts.of(&Authority::parse("example.com").unwrap()).is_some());
        assert!(hosts.of(&Authority::parse("example.com:8443").unwrap()).is_none());
    }
}
