// SPDX-License-Identifier: Apache-2.0
//! What goes wrong between here and a server, and whether it may pass.
//!
//! In: errors of TLS, HTTP and sockets. Out: a failure for people, and whether another attempt makes sense.
//! A certificate that is not accepted is never tried again, and there is no option that accepts it.

use std::io;
use std::time::Duration;

use rustls::CertificateError;
use ureq::Timeout;
use verifier::error::Code;

use super::url::{Authority, Url};
use crate::failure::Failure;

/// Why a request did not bring what was wanted.
#[derive(Clone, Debug)]
pub(super) enum Trouble {
    /// Another attempt would end the same way.
    Lasting(Failure),
    /// Another attempt may do better.
    Passing {
        /// What is told when no attempt is left.
        failure: Failure,
        /// How long the server asks to wait.
        wait: Option<Duration>,
        /// Whether anybody answered.
        reached: Reached,
    },
}

/// How far a request came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    /// No connection to this host stood: all its other files will meet the same.
    Nobody(Authority),
    /// The server was there.
    Server,
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Lasting(failure)
    }
}

/// A download that did not succeed.
pub(super) fn failed(url: &Url, what: impl Into<String>) -> Failure {
    Failure::new(Code::FetchFailed, url.to_string(), what)
}

pub(super) fn passing(failure: Failure) -> Trouble {
    Trouble::Passing { failure, wait: None, reached: Reached::Server }
}

fn unreachable(at: &Url, failure: Failure) -> Trouble {
    let reached = at.authority().cloned().map_or(Reached::Server, Reached::Nobody);
    Trouble::Passing { failure, wait: None, reached }
}

/// What an error of the HTTP client means; `at` is where the request went, after redirects.
pub(super) fn of_request(url: &Url, at: &Url, error: ureq::Error) -> Trouble {
    let failed = |what: &str| at_host(failed(url, what), url, at);
    match error {
        ureq::Error::Rustls(error) => of_tls(url, at, &error),
        ureq::Error::Io(error) => of_io(url, at, &error),
        ureq::Error::HostNotFound => no_such_host(url, at),
        ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve) => {
            unreachable(at, failed("cannot be fetched: the host does not answer"))
        }
        ureq::Error::Timeout(_) => passing(failed("cannot be fetched: the server has fallen silent")),
        ureq::Error::ConnectProxyFailed(text) => unreachable(
            at,
            failed("cannot be fetched: the proxy refused the connection")
                .found(text)
                .hint("check HTTPS_PROXY and NO_PROXY, and the proxy's own rules"),
        ),
        error => passing(failed("cannot be fetched").found(error)),
    }
}

fn no_such_host(url: &Url, at: &Url) -> Trouble {
    let failure = failed(url, "cannot be fetched: no such host");
    unreachable(at, at_host(failure, url, at).hint("check the name, and this machine's name service"))
}

/// What an error while a body was read means.
pub(super) fn of_body(url: &Url, at: &Url, error: &io::Error) -> Trouble {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
        Some(ureq::Error::Timeout(_)) => {
            passing(at_host(failed(url, "was cut off: the server has fallen silent"), url, at))
        }
        _ if error.kind() == io::ErrorKind::TimedOut => {
            passing(at_host(failed(url, "was cut off: the server has fallen silent"), url, at))
        }
        _ => passing(at_host(failed(url, "was cut off").found(error), url, at)),
    }
}

fn of_io(url: &Url, at: &Url, error: &io::Error) -> Trouble {
    if let Some(inner) = error.get_ref() {
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return of_tls(url, at, tls);
        }
        if let Some(ureq::Error::Rustls(tls)) = inner.downcast_ref::<ureq::Error>() {
            return of_tls(url, at, tls);
        }
    }
    // The standard library has no kind for this; where the words change, it is tried again for each file.
    if error.to_string().starts_with("failed to lookup address") {
        return no_such_host(url, at);
    }
    let failure = at_host(failed(url, "cannot be fetched").found(error), url, at);
    match error.kind() {
        io::ErrorKind::ConnectionRefused
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NetworkDown => unreachable(at, failure),
        _ => passing(failure),
    }
}

fn of_tls(url: &Url, at: &Url, error: &rustls::Error) -> Trouble {
    let host = at.authority().map(ToString::to_string).unwrap_or_default();
    let rustls::Error::InvalidCertificate(reason) = error else {
        return passing(at_host(failed(url, "cannot be fetched: TLS failed").found(error), url, at));
    };
    let (what, hint) = match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            ("has expired", "tell those who run it, and check this machine's clock".to_owned())
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ("is not valid yet", "check this machine's clock".to_owned())
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            ("is another host's", "check the URL: something else answers under this name".to_owned())
        }
        // A CA that has the name of one that is trusted, and not its key, is another CA.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => (
            "is from a CA that is not trusted here",
            format!("if the site has a CA of its own, name it: [host.\"{host}\"] ca = \"site-ca.pem\""),
        ),
        CertificateError::Revoked => ("is revoked", "tell those who run it".to_owned()),
        _ => ("is not acceptable", "tell those who run it".to_owned()),
    };
    let failure = failed(url, format!("cannot be fetched: the certificate of {host} {what}"));
    Trouble::Lasting(failure.found(reason).hint(hint))
}

/// What a status means that brings no file.
pub(super) fn of_status(
    url: &Url,
    at: &Url,
    status: u16,
    wait: Option<Duration>,
    longest: Duration,
) -> Trouble {
    let failure = at_host(failed(url, format!("cannot be fetched: the server answers {status}")), url, at);
    let host = at.authority().map(ToString::to_string).unwrap_or_default();
    match status {
        408 | 425 | 429 | 500 | 502 | 503 | 504 => match wait {
            Some(wait) if wait > longest => Trouble::Lasting(
                failure
                    .found(format!("asks to come back in {} seconds", wait.as_secs()))
                    .hint("run it again then: what is here already is kept"),
            ),
            wait => Trouble::Passing { failure, wait, reached: Reached::Server },
        },
        401 | 403 | 407 => Trouble::Lasting(failure.hint(format!(
            "it wants to know who asks: give a token, [host.\"{host}\"] headers = {{ Authorization = \"env:NAME\" }}"
        ))),
        404 | 410 => Trouble::Lasting(failure.hint("check the URL in the recipe: the file is not there (any more)")),
        _ => Trouble::Lasting(failure),
    }
}

/// Names the host that a redirect led to. Not its URL: signed URLs of object stores are passwords.
pub(super) fn at_host(failure: Failure, url: &Url, at: &Url) -> Failure {
    match at.authority() {
        Some(authority) if url.authority() != Some(authority) => {
            failure.expected(format!("the file, by way of a redirect to {authority}"))
        }
        _ => failure,
    }
}
