// SPDX-License-Identifier: Apache-2.0
//! Servers that are busy, silent, or slow on purpose.

use std::io::Write;
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::server::{Then, head, status, until_gone, whole};
use crate::support::{Site, failure, state, wanted};

#[test]
fn retry_after_is_heeded() {
    let mut site = Site::new();
    let requests = AtomicUsize::new(0);
    let server = site.server(move |_, tls| match requests.fetch_add(1, Ordering::SeqCst) {
        0 => status(tls, "429 Too Many Requests", &["Retry-After: 1".to_owned()]),
        1 => {
            status(tls, "503 Service Unavailable", &["Retry-After: Sun, 06 Nov 1994 08:49:37 GMT".to_owned()])
        }
        _ => whole(tls, &[], b"patience"),
    });
    let start = Instant::now();
    assert_eq!(site.fetch(wanted(&server.url("/a"))).unwrap().state, state(b"patience"));
    assert!(start.elapsed() >= Duration::from_secs(1), "{:?}", start.elapsed());
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_pause_that_is_too_long_is_told_and_not_made() {
    let mut site = Site::new();
    let server =
        site.server(|_, tls| status(tls, "429 Too Many Requests", &["Retry-After: 3600".to_owned()]));
    let told = site.refused(wanted(&server.url("/a")));
    assert!(
        told.contains("the server answers 429") && told.contains("asks to come back in 3600 seconds"),
        "{told}"
    );
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_server_that_stays_busy_is_given_up() {
    let mut site = Site::new();
    let server = site.server(|_, tls| status(tls, "500 Internal Server Error", &[]));
    let told = site.refused(wanted(&server.url("/a")));
    assert!(told.contains("the server answers 500"), "{told}");
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_server_that_drips_is_cut_off() {
    let mut site = Site::new();
    site.settings.limits.window = Duration::from_millis(200);
    site.settings.limits.window_bytes = 100_000;
    let server = site.server(|_, tls| {
        head(tls, "200 OK", &["Content-Length: 1000000".to_owned()])?;
        // Ends when the client has gone.
        loop {
            tls.write_all(b"x")?;
            tls.flush()?;
            std::thread::sleep(Duration::from_millis(10));
        }
    });
    let told = site.refused(wanted(&server.url("/a")));
    assert!(told.contains("was cut off: it comes too slowly"), "{told}");
    assert_eq!(server.requests().len(), 3);
    assert_eq!((site.files(), site.parts().len()), (0, 0));
}

#[test]
fn a_server_that_falls_silent_is_cut_off() {
    let mut site = Site::new();
    site.settings.limits.silence = Duration::from_millis(200);
    site.settings.limits.answer = Duration::from_millis(200);
    let server = site.server(|request, tls| {
        if request.path == "/body" {
            head(tls, "200 OK", &["Content-Length: 10".to_owned()])?;
            tls.write_all(b"hello")?;
            tls.flush()?;
        }
        until_gone(tls);
        Ok(Then::Close)
    });
    let told = site.refused(wanted(&server.url("/body")));
    assert!(told.contains("was cut off: the server has fallen silent"), "{told}");
    let told = site.refused(wanted(&server.url("/head")));
    assert!(told.contains("cannot be fetched: the server has fallen silent"), "{told}");
}

#[test]
fn a_host_that_nobody_reaches_is_given_up_once_for_all_its_files() {
    let mut site = Site::new();
    site.settings.limits.parallel = 1;
    // A port that was ours a moment ago, and where nobody listens.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    site.hosts.add(&format!("127.0.0.1:{port}"), &[], Some(site.path().join("ca.pem"))).unwrap();
    let all: Vec<_> = (0..3).map(|number| wanted(&format!("https://127.0.0.1:{port}/{number}"))).collect();
    let mut told = site.fetcher().fetch_all(&all).into_iter().map(|found| failure(found).to_string());
    let first = told.next().unwrap();
    assert!(first.contains("/0 cannot be fetched") && first.contains("refused"), "{first}");
    for (number, told) in (1..).zip(told) {
        assert!(
            told.contains(&format!("/{number} was not tried: 127.0.0.1:{port} could not be reached")),
            "{told}"
        );
    }
}

#[test]
fn a_host_that_does_not_exist_is_told() {
    let mut site = Site::new();
    site.hosts.add("no-such-host.invalid", &[], Some(site.path().join("ca.pem"))).unwrap();
    let told = site.refused(wanted("https://no-such-host.invalid/a"));
    assert!(told.contains("cannot be fetched: no such host"), "{told}");
}
