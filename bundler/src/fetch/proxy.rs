// SPDX-License-Identifier: Apache-2.0
//! The proxy that the environment names: `HTTPS_PROXY`, else `ALL_PROXY`, and the hosts of `NO_PROXY`.
//!
//! A proxy is asked to connect (`CONNECT`) and sees no more than the host's name: TLS goes through it.

use super::hosts::Environment;
use super::url::Authority;
use crate::failure::Failure;

/// A proxy, and the hosts that are reached without it.
#[derive(Clone, Debug)]
pub struct Proxy {
    proxy: ureq::Proxy,
    exceptions: Vec<String>,
}

impl Proxy {
    /// The proxy of the environment; upper case before lower case, and an empty value is none.
    pub fn from_environment(environment: Environment) -> Result<Option<Self>, Failure> {
        let set = |name: &&str| environment(name).is_some_and(|value| !value.trim().is_empty());
        let Some(name) = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"].into_iter().find(set)
        else {
            return Ok(None);
        };
        let value = environment(name).unwrap_or_default();
        let wrong = || {
            // The value may hold a password.
            Failure::usage(format!("the variable {name}"), "names no proxy that can be used")
                .expected("http://[USER:PASSWORD@]HOST[:PORT], or https://…")
        };
        let proxy = ureq::Proxy::new(value.trim()).map_err(|_| wrong())?;
        if !matches!(proxy.protocol(), ureq::ProxyProtocol::Http | ureq::ProxyProtocol::Https) {
            return Err(wrong());
        }
        let exceptions = environment("NO_PROXY").or_else(|| environment("no_proxy")).unwrap_or_default();
        Ok(Some(Self { proxy, exceptions: list(&exceptions) }))
    }

    pub(super) fn proxy(&self) -> &ureq::Proxy {
        &self.proxy
    }

    /// Whether a host is reached through it. As with curl: `*` is every host, a name is itself and all below it.
    pub(super) fn serves(&self, authority: &Authority) -> bool {
        let (host, whole) = (authority.host(), authority.to_string());
        !self.exceptions.iter().any(|exception| {
            let below = host.strip_suffix(exception.as_str()).is_some_and(|front| front.ends_with('.'));
            exception == "*" || *exception == whole || exception == host || below
        })
    }
}

fn list(text: &str) -> Vec<String> {
    text.split([',', ' '])
        .map(|entry| entry.trim().to_ascii_lowercase())
        .map(|entry| {
            entry.strip_prefix("*.").or_else(|| entry.strip_prefix('.')).unwrap_or(&entry).to_owned()
        })
        .filter(|entry| !entry.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_no_proxy_are_reached_directly() {
        let environment: Environment = |name| match name {
            "https_proxy" => Some("http://proxy.example:3128".to_owned()),
            "NO_PROXY" => Some("localhost, .internal.example,one.example:8443".to_owned()),
            _ => None,
        };
        let proxy = Proxy::from_environment(environment).unwrap().unwrap();
        for (authority, served) in [
            ("localhost", false),
            ("localhost:8443", false),
            ("internal.example", false),
            ("a.internal.example", false),
            ("notinternal.example", true),
            ("one.example:8443", false),
            ("one.example", true),
            ("example.com", true),
        ] {
            assert_eq!(proxy.serves(&Authority::parse(authority).unwrap()), served, "{authority}");
        }
    }

    #[test]
    fn a_bad_proxy_is_named_by_its_variable_and_not_shown() {
        let environment: Environment =
            |name| (name == "HTTPS_PROXY").then(|| "socks5://user:s3cret@proxy:1080".to_owned());
        let told = Proxy::from_environment(environment).unwrap_err().to_string();
        assert!(told.contains("HTTPS_PROXY") && !told.contains("s3cret"), "{told}");
        assert!(Proxy::from_environment(|_| Some(String::new())).unwrap().is_none());
    }
}
