// SPDX-License-Identifier: Apache-2.0
//! Bodies: whole, of the wrong length, of the wrong kind, without an end, and many at once.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use bundler::fetch::{Missed, Origin, Wanted};
use verifier::error::Code;

use crate::server::{Then, head, status, whole};
use crate::support::{Site, bytes, failure, locked, state, wanted};

#[test]
fn a_file_is_in_the_store_under_its_digest_and_is_not_fetched_twice() {
    let mut site = Site::new();
    let body = bytes(300_000, 1);
    let sent = body.clone();
    let server =
        site.server(move |_, tls| whole(tls, &["Content-Type: application/x-rpm".to_owned()], &sent));
    let url = server.url("/a.rpm");
    let found = site.fetch(wanted(&url)).unwrap();
    assert_eq!(found.state, state(&body));
    let Origin::Network { content_type, surprising, redirected_to, .. } = found.origin else { panic!() };
    assert_eq!(
        (content_type.as_deref(), surprising, redirected_to),
        (Some("application/x-rpm"), false, None)
    );
    assert_eq!(site.bytes(&state(&body)), body);
    assert_eq!(site.parts(), Vec::<String>::new());
    let again = site.fetch(locked(&url, &body)).unwrap();
    assert_eq!(again.origin, Origin::Store);
    assert_eq!(server.requests().len(), 1, "the store answered");
}

#[test]
fn many_come_at_once_and_answers_keep_their_order() {
    let mut site = Site::new();
    let server = site.server(|request, tls| {
        let number: u32 = request.path.trim_start_matches('/').parse().unwrap();
        if number.is_multiple_of(7) {
            return status(tls, "404 Not Found", &[]);
        }
        whole(tls, &[], &bytes(number as usize * 100, number))
    });
    let all: Vec<Wanted> = (0..50).map(|number| wanted(&server.url(&format!("/{number}")))).collect();
    let found = site.fetcher().fetch_all(&all);
    for (number, found) in (0u32..).zip(found) {
        if number.is_multiple_of(7) {
            let told = failure(found).to_string();
            assert!(told.contains(&format!("/{number} cannot be fetched: the server answers 404")), "{told}");
        } else {
            assert_eq!(found.unwrap().state, state(&bytes(number as usize * 100, number)));
        }
    }
}

#[test]
fn one_url_that_is_wanted_twice_is_fetched_once() {
    let mut site = Site::new();
    let server = site.server(|_, tls| whole(tls, &[], b"key"));
    let url = server.url("/key.asc");
    let found = site.fetcher().fetch_all(&[wanted(&url), wanted(&url), locked(&url, b"key")]);
    assert!(found.iter().all(|found| found.as_ref().unwrap().state == state(b"key")));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn empty_and_chunked_bodies_are_files_too() {
    let mut site = Site::new();
    let server = site.server(|request, tls| {
        if request.path == "/empty" {
            return whole(tls, &[], b"");
        }
        head(tls, "200 OK", &["Transfer-Encoding: chunked".to_owned()])?;
        tls.write_all(b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")?;
        Ok(Then::KeepOpen)
    });
    assert_eq!(site.fetch(wanted(&server.url("/empty"))).unwrap().state, state(b""));
    assert_eq!(site.fetch(wanted(&server.url("/chunked"))).unwrap().state, state(b"hello world"));
}

#[test]
fn a_chunked_body_without_its_end_is_cut_off() {
    let mut site = Site::new();
    let server = site.server(|_, tls| {
        head(tls, "200 OK", &["Transfer-Encoding: chunked".to_owned()])?;
        tls.write_all(b"5\r\nhello\r\n")?;
        Ok(Then::Close)
    });
    let told = site.refused(wanted(&server.url("/a")));
    assert!(told.contains("was cut off"), "{told}");
    assert_eq!((site.files(), site.parts().len()), (0, 0));
    assert_eq!(server.requests().len(), 3, "every attempt was used");
}

#[test]
fn a_server_that_promises_more_than_it_sends_is_not_believed() {
    let mut site = Site::new();
    let server = site.server(|_, tls| {
        head(tls, "200 OK", &["Content-Length: 1000".to_owned()])?;
        tls.write_all(&[7; 500])?;
        Ok(Then::Close)
    });
    let told = site.refused(locked(&server.url("/a"), &[7; 1000]));
    assert!(told.contains("was cut off"), "{told}");
    assert_eq!((site.files(), site.parts().len()), (0, 0));
}

#[test]
fn a_server_that_sends_more_than_it_promises_is_noticed_by_the_digest() {
    let mut site = Site::new();
    let server = site.server(|_, tls| {
        head(tls, "200 OK", &["Content-Length: 5".to_owned()])?;
        tls.write_all(b"hello world")?;
        Ok(Then::KeepOpen)
    });
    let all = [locked(&server.url("/a"), b"hello world"), wanted(&server.url("/b"))];
    let mut site_again = site.fetcher().fetch_all(&all);
    // What follows the five bytes is not taken for an answer to the next request either.
    assert_eq!(site_again.remove(1).unwrap().state, state(b"hello"));
    match site_again.remove(0) {
        Err(Missed::Changed { expected, found }) => {
            assert_eq!((expected, found.state), (state(b"hello world"), state(b"hello")));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn other_bytes_than_the_lock_says_are_told_with_both_states() {
    let mut site = Site::new();
    let server = site.server(|_, tls| whole(tls, &[], b"version 2"));
    match site.fetch(locked(&server.url("/latest"), b"version 1")) {
        Err(Missed::Changed { expected, found }) => {
            assert_eq!((expected, found.state), (state(b"version 1"), state(b"version 2")));
            // So that the caller can say which version and signer they have.
            assert_eq!(site.bytes(&found.state), b"version 2");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_web_page_in_place_of_a_file_is_noted() {
    let mut site = Site::new();
    let server = site
        .server(|_, tls| whole(tls, &["Content-Type: text/HTML; charset=utf-8".to_owned()], b"<html>log in"));
    for (path, expected) in [("/a.rpm", true), ("/a.rpm?x.html", true), ("/index.html", false)] {
        let Origin::Network { surprising, content_type, .. } =
            site.fetch(wanted(&server.url(path))).unwrap().origin
        else {
            panic!()
        };
        assert_eq!(surprising, expected, "{path}");
        assert_eq!(content_type.as_deref(), Some("text/HTML; charset=utf-8"));
    }
}

#[test]
fn what_is_too_long_is_refused_before_it_fills_the_disk() {
    let mut site = Site::new();
    let sent = std::sync::Arc::new(AtomicUsize::new(0));
    let count = sent.clone();
    let server = site.server(move |request, tls| {
        if request.path == "/promised" {
            head(tls, "200 OK", &["Content-Length: 1099511627777".to_owned()])?;
            return Ok(Then::Close);
        }
        head(tls, "200 OK", &["Transfer-Encoding: chunked".to_owned()])?;
        loop {
            tls.write_all(b"1000\r\n")?;
            tls.write_all(&[0; 4096])?;
            tls.write_all(b"\r\n")?;
            count.fetch_add(4096, Ordering::Relaxed);
        }
    });
    for path in ["/promised", "/endless"] {
        let small = Wanted { ceiling: 100_000, ..wanted(&server.url(path)) };
        let found = failure(site.fetch(small));
        assert_eq!(found.refusal().code, Code::LimitExceeded, "{found}");
        assert_eq!(found.refusal().expected.as_deref(), Some("at most 100000 bytes"));
    }
    assert_eq!((site.files(), site.parts().len()), (0, 0));
    assert!(sent.load(Ordering::Relaxed) < 64 << 20, "the connection was ended");
}

#[test]
fn a_file_that_the_disk_has_no_room_for_is_not_begun() {
    let mut site = Site::new();
    let server = site.server(|_, tls| {
        head(tls, "200 OK", &[format!("Content-Length: {}", u64::MAX / 2)])?;
        Ok(Then::Close)
    });
    let huge = Wanted { ceiling: u64::MAX, ..wanted(&server.url("/a")) };
    let found = failure(site.fetch(huge));
    assert_eq!(found.refusal().code, Code::NoSpace, "{found}");
    assert_eq!(server.requests().len(), 1, "a second attempt would meet the same");
}

#[test]
fn all_failures_are_told_at_once() {
    let mut site = Site::new();
    let server = site.server(|request, tls| match request.path.as_str() {
        "/good" => whole(tls, &[], b"good"),
        "/secret" => status(tls, "403 Forbidden", &[]),
        _ => status(tls, "410 Gone", &[]),
    });
    let all = ["/gone", "/good", "/secret"].map(|path| wanted(&server.url(path)));
    let found = site.fetcher().fetch_all(&all);
    let told: Vec<String> =
        found.into_iter().filter_map(Result::err).map(|error| format!("{error:?}")).collect();
    assert_eq!(told.len(), 2);
    assert!(
        told[0].contains("410") && told[1].contains("403") && told[1].contains("headers = {"),
        "{told:?}"
    );
}
