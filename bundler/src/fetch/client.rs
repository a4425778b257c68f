// SPDX-License-Identifier: Apache-2.0
//! One request: over TLS, through redirects, with each host's own headers and CA.
//!
//! Redirects are followed here and not by the HTTP library: every step is https, is counted, and gets the
//! headers of the host that it goes to and of no other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use ureq::http::{HeaderMap, header};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body};

use super::gates::Gates;
use super::hosts::{Environment, Hosts};
use super::limits::{Limits, MAX_REDIRECTS};
use super::proxy::Proxy;
use super::retry;
use super::trouble::{self, Trouble, at_host, failed};
use super::url::{Authority, Url, UrlError};
use crate::failure::Failure;
use crate::files::read_limited;

/// The longest file of CA certificates: the system's own sets have a quarter of a MiB.
const MAX_CA_BYTES: u64 = 4 * 1024 * 1024;

/// An answer that brings bytes.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
    /// Where it came from, after redirects.
    pub(super) at: Url,
}

/// What a request asks for beyond the whole file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rest<'a> {
    /// The first byte that is wanted.
    pub(super) from: u64,
    /// Only if the file is still this one.
    pub(super) tag: Option<&'a str>,
}

/// Which connections can serve a host: those of its CA, through the proxy or not.
type Kind = (Option<PathBuf>, bool);

pub(super) struct Client {
    hosts: Hosts,
    environment: Environment,
    proxy: Option<Proxy>,
    limits: Limits,
    pub(super) gates: Gates,
    agents: Mutex<BTreeMap<Kind, Agent>>,
}

impl Client {
    pub(super) fn new(hosts: Hosts, environment: Environment, proxy: Option<Proxy>, limits: Limits) -> Self {
        let agents = Mutex::new(BTreeMap::new());
        Self { hosts, environment, proxy, limits, gates: Gates::default(), agents }
    }

    /// Asks for a file, or its rest.
    pub(super) fn get(&self, url: &Url, rest: Option<Rest<'_>>) -> Result<Answer, Trouble> {
        let mut at = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let Some(authority) = at.authority() else {
                return Err(failed(url, "leads to no host").into());
            };
            self.gates.pass(url, authority)?;
            let mut request =
                self.agent(authority)?.get(at.to_string()).header(header::ACCEPT_ENCODING, "identity");
            if let Some(host) = self.hosts.of(authority) {
                for (name, value) in host.headers(self.environment)? {
                    request = request.header(name, value);
                }
            }
            if let Some(rest) = rest {
                request = request.header(header::RANGE, format!("bytes={}-", rest.from));
                if let Some(tag) = rest.tag {
                    request = request.header(header::IF_RANGE, tag);
                }
            }
            let response = request.call().map_err(|error| trouble::of_request(url, &at, error))?;
            let (parts, body) = response.into_parts();
            match parts.status.as_u16() {
                301 | 302 | 303 | 307 | 308 => at = next(url, &at, &parts.headers)?,
                status @ (200 | 206 | 416) => return Ok(Answer { status, headers: parts.headers, body, at }),
                status => {
                    let wait = retry::after(&parts.headers, SystemTime::now());
                    let trouble = trouble::of_status(url, &at, status, wait, self.limits.wait);
                    if let Trouble::Passing { wait: Some(wait), .. } = &trouble {
                        self.gates.close(authority, *wait);
                    }
                    return Err(trouble);
                }
            }
        }
        let failure =
            failed(url, format!("cannot be fetched: it is redirected more than {MAX_REDIRECTS} times"));
        Err(failure.hint("check the URL: the server sends in circles").into())
    }

    fn agent(&self, authority: &Authority) -> Result<Agent, Failure> {
        let ca = self.hosts.of(authority).and_then(|host| host.ca());
        let proxy = self.proxy.as_ref().filter(|proxy| proxy.serves(authority));
        let kind = (ca.map(Path::to_owned), proxy.is_some());
        let mut agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(agent) = agents.get(&kind) {
            return Ok(agent.clone());
        }
        let agent = self.new_agent(roots(ca)?, proxy);
        agents.insert(kind, agent.clone());
        Ok(agent)
    }

    fn new_agent(&self, roots: Vec<Certificate<'static>>, proxy: Option<&Proxy>) -> Agent {
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let limits = &self.limits;
        Agent::config_builder()
            // A second guard: no request of ours is plain HTTP.
            .https_only(true)
            .max_redirects(0)
            .http_status_as_error(false)
            .proxy(proxy.map(|proxy| proxy.proxy().clone()))
            .user_agent(concat!("sealift-bundler/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(Some(limits.connect))
            .timeout_connect(Some(limits.connect))
            .timeout_recv_response(Some(limits.answer))
            .timeout_per_read(Some(limits.silence))
            .timeout_per_write(Some(limits.silence))
            .max_idle_connections(limits.parallel)
            .max_idle_connections_per_host(limits.parallel)
            // Requests are short.
            .output_buffer_size(16 * 1024)
            .tls_config(tls)
            .build()
            .new_agent()
    }
}

/// Where a redirect leads.
fn next(url: &Url, at: &Url, headers: &HeaderMap) -> Result<Url, Trouble> {
    let location =
        headers.get(header::LOCATION).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let location = location.ok_or_else(|| at_host(failed(url, "is redirected to nowhere"), url, at))?;
    at.join(&location).map_err(|error| {
        let what = match error {
            UrlError::PlainHttp => "is redirected to plain HTTP, which is not followed".to_owned(),
            error => format!("is redirected to a place that {error}"),
        };
        let failure = at_host(failed(url, what), url, at);
        failure.hint("find out where the file is now, and name that https URL in the recipe").into()
    })
}

/// The system's CA certificates (`SSL_CERT_FILE` and `SSL_CERT_DIR` name others), and those of the site.
fn roots(ca: Option<&Path>) -> Result<Vec<Certificate<'static>>, Failure> {
    let system = rustls_native_certs::load_native_certs();
    let mut roots: Vec<_> = system.certs.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    if let Some(path) = ca {
        roots.extend(certificates(path)?);
    }
    if roots.is_empty() {
        let problems: Vec<String> = system.errors.iter().map(ToString::to_string).collect();
        return Err(Failure::usage("this machine", "has no CA certificates to check servers against")
            .found(if problems.is_empty() { "none".to_owned() } else { problems.join("; ") })
            .hint("install the system's set (ca-certificates), or name a file with SSL_CERT_FILE"));
    }
    Ok(roots)
}

/// The certificates of a file: DER, or PEM with any text around.
fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, Failure> {
    let bytes = read_limited(path, MAX_CA_BYTES)?;
    let mut found: Vec<CertificateDer<'_>> =
        CertificateDer::pem_slice_iter(&bytes).filter_map(Result::ok).collect();
    if found.is_empty() && bytes.first() == Some(&0x30) {
        found.push(CertificateDer::from(bytes.as_slice()));
    }
    let mut store = rustls::RootCertStore::empty();
    let (good, _) = store.add_parsable_certificates(found.iter().cloned());
    if good == 0 {
        return Err(Failure::usage(path.display().to_string(), "holds no CA certificate")
            .expected("certificates in PEM or DER"));
    }
    Ok(found.iter().map(|der| Certificate::from_der(der).to_owned()).collect())
}
