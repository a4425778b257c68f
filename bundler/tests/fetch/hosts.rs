// SPDX-License-Identifier: Apache-2.0
//! Who answers: certificates that are accepted and those that are not, tokens, and proxies.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use bundler::fetch::Proxy;
use bundler::fetch::hosts::Environment;
use rcgen::date_time_ymd;
use verifier::error::Code;

use crate::server::{Authority, Server, status, whole};
use crate::support::{Site, failure, state, wanted};

#[test]
fn certificates_that_prove_nothing_are_refused_and_not_tried_again() {
    let expired = |params: &mut rcgen::CertificateParams| params.not_after = date_time_ymd(2020, 1, 1);
    let early = |params: &mut rcgen::CertificateParams| params.not_before = date_time_ymd(2100, 1, 1);
    let site_of = |names: &[&str], change: fn(&mut rcgen::CertificateParams)| {
        let mut site = Site::new();
        let server = Server::start(site.authority.leaf(names, change), |_, tls| whole(tls, &[], b"evil"));
        site.trust(&server, &[("Authorization", "env:TOKEN")]);
        (site, server)
    };
    for ((site, server), what) in [
        (site_of(&["localhost"], expired), "has expired"),
        (site_of(&["localhost"], early), "is not valid yet"),
        (site_of(&["example.com"], |_| ()), "is another host's"),
    ] {
        let found = failure(site.fetch(wanted(&server.url("/a"))));
        assert_eq!(found.refusal().code, Code::FetchFailed);
        assert!(found.to_string().contains(what), "{found}");
        assert!(server.requests().is_empty(), "the token was not sent");
        assert_eq!((site.files(), site.parts().len()), (0, 0));
    }
}

#[test]
fn another_ca_is_refused_and_the_hint_says_where_to_name_one() {
    let mut site = Site::new();
    let server =
        Server::start(Authority::new().leaf(&["localhost"], |_| ()), |_, tls| whole(tls, &[], b"evil"));
    site.trust(&server, &[]);
    let told = site.refused(wanted(&server.url("/a")));
    assert!(told.contains("is from a CA that is not trusted here"), "{told}");
    assert!(told.contains(&format!("[host.\"{}\"] ca = ", server.authority())), "{told}");
}

#[test]
fn a_ca_serves_the_host_that_it_is_named_for_and_no_other() {
    let mut site = Site::new();
    let named = site.server(|_, tls| whole(tls, &[], b"named"));
    let other =
        Server::start(site.authority.leaf(&["localhost"], |_| ()), |_, tls| whole(tls, &[], b"other"));
    assert_eq!(site.fetch(wanted(&named.url("/a"))).unwrap().state, state(b"named"));
    // Without any CA of the system there is none to check with; with some, this one is not among them.
    let told = site.refused(wanted(&other.url("/a")));
    assert!(told.contains("not trusted here") || told.contains("no CA certificates"), "{told}");
}

#[test]
fn a_ca_file_without_a_certificate_is_told() {
    let mut site = Site::new();
    let server = site.server(|_, tls| whole(tls, &[], b"a"));
    for content in [&b"no certificate"[..], b"\x30\x03\x02\x01\x00", b""] {
        std::fs::write(site.path().join("ca.pem"), content).unwrap();
        let told = site.refused(wanted(&server.url("/a")));
        assert!(told.contains("holds no CA certificate"), "{told}");
    }
    std::fs::remove_file(site.path().join("ca.pem")).unwrap();
    let told = site.refused(wanted(&server.url("/a")));
    assert!(told.contains("ca.pem does not exist"), "{told}");
}

#[test]
fn a_missing_token_is_named_and_nothing_is_sent() {
    let mut site = Site::new();
    let server =
        Server::start(site.authority.leaf(&["localhost"], |_| ()), |_, tls| status(tls, "401 No", &[]));
    site.trust(&server, &[("Authorization", "Bearer env:NO_SUCH_TOKEN")]);
    let told = site.refused(wanted(&server.url("/a")));
    assert!(told.contains("the variable NO_SUCH_TOKEN is not set"), "{told}");
    assert!(server.requests().is_empty());
    site.trust(&server, &[("Authorization", "Bearer env:TOKEN")]);
    let told = site.refused(wanted(&server.url("/a")));
    assert!(told.contains("the server answers 401") && !told.contains("s3cret"), "{told}");
    assert_eq!(server.requests()[0].header("authorization"), Some("Bearer s3cret"));
}

/// A proxy that serves one connection; gives the lines that it was asked with.
fn proxy(answer: &'static str) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let served = std::thread::spawn(move || {
        let (client, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(client.try_clone().unwrap());
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if line.trim_end().is_empty() {
                break;
            }
            lines.push(line.trim_end().to_owned());
        }
        let mut back = client.try_clone().unwrap();
        back.write_all(answer.as_bytes()).unwrap();
        if answer.contains("200") {
            let target = lines[0].split(' ').nth(1).unwrap();
            let mut up = TcpStream::connect(target).unwrap();
            let mut down = up.try_clone().unwrap();
            let upward = std::thread::spawn(move || drop(std::io::copy(&mut &client, &mut up)));
            drop(std::io::copy(&mut down, &mut back));
            let _ = back.shutdown(std::net::Shutdown::Both);
            upward.join().unwrap();
        }
        lines
    });
    (address, served)
}

#[test]
fn a_proxy_is_asked_to_connect_and_sees_no_token() {
    let mut site = Site::new();
    let server =
        Server::start(site.authority.leaf(&["localhost"], |_| ()), |_, tls| whole(tls, &[], b"by proxy"));
    site.trust(&server, &[("Authorization", "Bearer env:TOKEN")]);
    let (address, served) = proxy("HTTP/1.1 200 OK\r\n\r\n");
    let address: &'static str = address.leak();
    ADDRESS.set(address).unwrap();
    let environment: Environment = |name| match name {
        "HTTPS_PROXY" => ADDRESS.get().map(|address| format!("http://user:pass@{address}")),
        _ => None,
    };
    site.settings.proxy = Proxy::from_environment(environment).unwrap();
    assert_eq!(site.fetch(wanted(&server.url("/a"))).unwrap().state, state(b"by proxy"));
    drop(server);
    let lines = served.join().unwrap();
    assert!(lines[0].starts_with("CONNECT localhost:"), "{lines:?}");
    assert!(
        lines.iter().any(|line| line.eq_ignore_ascii_case("proxy-authorization: basic dXNlcjpwYXNz")),
        "{lines:?}"
    );
    assert!(!lines.iter().any(|line| line.contains("s3cret")), "{lines:?}");
}

static ADDRESS: std::sync::OnceLock<&'static str> = std::sync::OnceLock::new();

#[test]
fn a_proxy_that_refuses_is_told_and_no_proxy_goes_past_it() {
    let mut site = Site::new();
    let server = site.server(|_, tls| whole(tls, &[], b"directly"));
    site.settings.limits.attempts = 1;
    let (address, served) = proxy("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
    REFUSING.set(address).unwrap();
    let refusing: Environment = |name| {
        if name == "https_proxy" { REFUSING.get().map(|address| format!("http://{address}")) } else { None }
    };
    site.settings.proxy = Proxy::from_environment(refusing).unwrap();
    let told = site.refused(wanted(&server.url("/a")));
    assert!(told.contains("the proxy refused the connection"), "{told}");
    served.join().unwrap();
    let past: Environment = |name| match name {
        "https_proxy" => REFUSING.get().map(|address| format!("http://{address}")),
        "no_proxy" => Some("localhost".to_owned()),
        _ => None,
    };
    site.settings.proxy = Proxy::from_environment(past).unwrap();
    assert_eq!(site.fetch(wanted(&server.url("/a"))).unwrap().state, state(b"directly"));
}

static REFUSING: std::sync::OnceLock<String> = std::sync::OnceLock::new();
