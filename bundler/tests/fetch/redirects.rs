// SPDX-License-Identifier: Apache-2.0
//! Redirects: followed, counted, never to plain HTTP, and never with another host's headers.

use bundler::fetch::Origin;

use crate::server::{Server, status, whole};
use crate::support::{Site, locked, state, wanted};

fn location(to: &str) -> [String; 1] {
    [format!("Location: {to}")]
}

#[test]
fn redirects_are_followed_and_the_other_host_is_named() {
    let mut site = Site::new();
    let far = site.server(|_, tls| whole(tls, &[], b"far"));
    let to = far.url("/there?signature=s3cret");
    let near = site.server(move |request, tls| match request.path.as_str() {
        "/a" => status(tls, "302 Found", &location("b/../c")),
        "/c" => status(tls, "308 Permanent Redirect", &location(&to)),
        _ => status(tls, "404 Not Found", &[]),
    });
    let found = site.fetch(wanted(&near.url("/a"))).unwrap();
    assert_eq!(found.state, state(b"far"));
    let Origin::Network { redirected_to, .. } = found.origin else { panic!() };
    assert_eq!(redirected_to, Some(far.authority()));
}

#[test]
fn secrets_are_not_carried_to_another_host() {
    let mut site = Site::new();
    let far = site.server(|_, tls| whole(tls, &[], b"far"));
    let to = far.url("/there");
    let near = Server::start(site.authority.leaf(&["localhost"], |_| ()), move |request, tls| {
        if request.header("authorization") != Some("Bearer s3cret") {
            return status(tls, "401 Unauthorized", &[]);
        }
        if request.path == "/near" {
            return status(tls, "302 Found", &location("/still-near"));
        }
        status(tls, "302 Found", &location(&to))
    });
    site.trust(&near, &[("Authorization", "Bearer env:TOKEN"), ("X-Site", "west")]);
    assert_eq!(site.fetch(wanted(&near.url("/near"))).unwrap().state, state(b"far"));
    let asked = far.requests().pop().unwrap();
    assert_eq!((asked.header("authorization"), asked.header("x-site")), (None, None));
    // The same name on another port is another host: what listens there may be somebody else's.
    assert_eq!(near.requests().len(), 2);
    assert!(near.requests().iter().all(|request| request.header("x-site") == Some("west")));
}

#[test]
fn a_redirect_to_plain_http_is_refused() {
    let mut site = Site::new();
    let server = site.server(|request, tls| {
        let to = if request.path == "/a" { "http://localhost/a" } else { "file:///etc/passwd" };
        status(tls, "301 Moved Permanently", &location(to))
    });
    let told = site.refused(wanted(&server.url("/a")));
    assert!(told.contains("is redirected to plain HTTP, which is not followed"), "{told}");
    let told = site.refused(wanted(&server.url("/b")));
    assert!(told.contains("is redirected to a place that is neither an https nor a file URL"), "{told}");
    assert_eq!(server.requests().len(), 2, "neither is tried again");
    assert_eq!(site.files(), 0);
}

#[test]
fn a_loop_of_redirects_ends() {
    let mut site = Site::new();
    let server = site.server(|request, tls| {
        let to = if request.path == "/a" { "/b" } else { "/a" };
        status(tls, "307 Temporary Redirect", &location(to))
    });
    let told = site.refused(locked(&server.url("/a"), b"x"));
    assert!(told.contains("is redirected more than 10 times"), "{told}");
    assert_eq!(server.requests().len(), 11);
}

#[test]
fn a_redirect_to_nowhere_is_told() {
    let mut site = Site::new();
    let server = site.server(|_, tls| status(tls, "302 Found", &[]));
    let told = site.refused(wanted(&server.url("/a")));
    assert!(told.contains("is redirected to nowhere"), "{told}");
}
