// SPDX-License-Identifier: Apache-2.0
//! Downloads that are cut: they go on where they were, and never become a mixture of two files.

use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};

use bundler::fetch::Missed;

use crate::server::{Request, Then, Tls, begin, file, head, status};
use crate::support::{Site, bytes, locked, state, wanted};

const MIB: usize = 1 << 20;

/// Sends the body from where it is asked for, and drops the connection after `most` bytes of it.
fn cut(request: &Request, tls: &mut Tls, body: &[u8], tag: &str, most: usize) -> io::Result<Then> {
    let Some(from) = begin(request, tls, body.len(), tag)? else { return Ok(Then::KeepOpen) };
    let end = body.len().min(from + most);
    tls.write_all(&body[from..end])?;
    tls.flush()?;
    if end < body.len() { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(Then::KeepOpen) }
}

#[test]
fn a_cut_download_goes_on_where_it_was() {
    let mut site = Site::new();
    let body = bytes(8 * MIB + 12345, 1);
    let sent = body.clone();
    let server = site.server(move |request, tls| cut(request, tls, &sent, "\"one\"", 2 * MIB));
    let found = site.fetch(wanted(&server.url("/a"))).unwrap();
    assert_eq!(found.state, state(&body));
    let asked = server.requests();
    // More cuts than attempts: each brought something.
    assert!(asked.len() > 3, "{}", asked.len());
    for (before, request) in asked.iter().zip(&asked[1..]) {
        let least = before.from().unwrap_or(0) + MIB;
        assert!(request.from().unwrap() >= least, "{asked:?}");
        assert_eq!(request.header("if-range"), Some("\"one\""));
    }
    assert_eq!(asked[0].from(), None);
}

#[test]
fn another_run_goes_on_where_the_last_one_ended() {
    let mut site = Site::new();
    let body = bytes(5 * MIB, 2);
    let (sent, requests) = (body.clone(), AtomicUsize::new(0));
    let server = site.server(move |request, tls| match requests.fetch_add(1, Ordering::SeqCst) {
        0 => cut(request, tls, &sent, "\"one\"", 3 * MIB + 500),
        1..=3 => status(tls, "503 Service Unavailable", &[]),
        _ => file(request, tls, &sent, "\"one\""),
    });
    let url = server.url("/a");
    let told = site.refused(wanted(&url));
    assert!(told.contains("503"), "{told}");
    assert_eq!(site.files(), 0);
    assert_eq!(site.parts().len(), 2, "the part and its trail");
    assert_eq!(site.fetch(wanted(&url)).unwrap().state, state(&body));
    let last = server.requests().pop().unwrap();
    // Whole steps are kept, less what the socket swallowed when it was cut.
    let from = last.from().unwrap();
    assert!(from > 0 && from <= 3 * MIB && from.is_multiple_of(MIB), "{from}");
    assert_eq!(site.parts(), Vec::<String>::new());
}

#[test]
fn a_part_whose_bytes_are_not_those_of_its_trail_is_cut_back() {
    let mut site = Site::new();
    let body = bytes(6 * MIB, 3);
    let (sent, requests) = (body.clone(), AtomicUsize::new(0));
    let server = site.server(move |request, tls| match requests.fetch_add(1, Ordering::SeqCst) {
        0 => cut(request, tls, &sent, "\"one\"", 5 * MIB + 1),
        1..=3 => status(tls, "503 Service Unavailable", &[]),
        _ => file(request, tls, &sent, "\"one\""),
    });
    let url = server.url("/a");
    site.refused(wanted(&url));
    // As after a power cut: the length is there, the bytes are not.
    let part = site.parts().into_iter().find(|name| name.ends_with(".part")).unwrap();
    let path = site.store.root().join("parts").join(part);
    let mut held = std::fs::read(&path).unwrap();
    assert!(held.len() > 2 * MIB, "{}", held.len());
    held[MIB + 7..].fill(0);
    std::fs::write(&path, held).unwrap();
    assert_eq!(site.fetch(wanted(&url)).unwrap().state, state(&body));
    assert_eq!(server.requests().pop().unwrap().from(), Some(MIB));
}

#[test]
fn a_file_that_changed_meanwhile_is_fetched_from_its_start() {
    let mut site = Site::new();
    let (old, new) = (bytes(4 * MIB, 4), bytes(4 * MIB, 5));
    let (then, now, requests) = (old, new.clone(), AtomicUsize::new(0));
    let server = site.server(move |request, tls| match requests.fetch_add(1, Ordering::SeqCst) {
        0 => cut(request, tls, &then, "\"old\"", 3 * MIB),
        _ => file(request, tls, &now, "\"new\""),
    });
    let found = site.fetch(wanted(&server.url("/a"))).unwrap();
    assert_eq!(found.state, state(&new));
}

/// A server that ignores `If-Range` and goes on with another file; its tag or its length betrays it.
#[test]
fn a_rest_of_another_file_is_not_put_behind_the_first() {
    for (tag, longer) in [("\"new\"", 0), ("\"old\"", 1)] {
        let mut site = Site::new();
        let (old, new) = (bytes(4 * MIB, 6), bytes(4 * MIB + longer, 7));
        let (then, now, requests) = (old, new.clone(), AtomicUsize::new(0));
        let server = site.server(move |request, tls| {
            if requests.fetch_add(1, Ordering::SeqCst) == 0 {
                return cut(request, tls, &then, "\"old\"", 3 * MIB);
            }
            let from = request.from().unwrap_or(0);
            let lines = [
                format!("ETag: {tag}"),
                format!("Content-Length: {}", now.len() - from),
                format!("Content-Range: bytes {from}-{}/{}", now.len() - 1, now.len()),
            ];
            head(tls, if from > 0 { "206 Partial Content" } else { "200 OK" }, &lines)?;
            tls.write_all(&now[from..])?;
            Ok(Then::KeepOpen)
        });
        assert_eq!(site.fetch(wanted(&server.url("/a"))).unwrap().state, state(&new), "{tag} {longer}");
    }
}

/// Other bytes under the same tag and length: only the expected digest can tell.
#[test]
fn a_mixture_is_fetched_again_in_one_answer_before_it_is_judged() {
    let mut site = Site::new();
    let (old, new) = (bytes(4 * MIB, 8), bytes(4 * MIB, 9));
    let (then, now, requests) = (old.clone(), new.clone(), AtomicUsize::new(0));
    let server = site.server(move |request, tls| match requests.fetch_add(1, Ordering::SeqCst) {
        0 => cut(request, tls, &then, "\"same\"", 3 * MIB),
        _ => file(request, tls, &now, "\"same\""),
    });
    let url = server.url("/a");
    assert_eq!(site.fetch(locked(&url, &new)).unwrap().state, state(&new));
    let asked: Vec<_> = server.requests().iter().map(Request::from).collect();
    assert!(asked.len() == 3 && asked[1].is_some() && asked[2].is_none(), "{asked:?}");
    // And where the lock names the old file, what is told is a state that the server really has.
    match site.fetch(locked(&url, &old)) {
        Err(Missed::Changed { found, .. }) => assert_eq!(found.state, state(&new)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_wrong_range_is_not_used() {
    for range in ["bytes 0-4194303/4194304", "bytes 4194300-4194303/4194304", "bytes */4194304", "nonsense"] {
        let mut site = Site::new();
        let body = bytes(4 * MIB, 10);
        let (sent, requests) = (body.clone(), AtomicUsize::new(0));
        let server = site.server(move |request, tls| match requests.fetch_add(1, Ordering::SeqCst) {
            0 => cut(request, tls, &sent, "\"one\"", 3 * MIB),
            1 => {
                let lines = [
                    "ETag: \"one\"".to_owned(),
                    "Content-Length: 4".to_owned(),
                    format!("Content-Range: {range}"),
                ];
                head(tls, "206 Partial Content", &lines)?;
                tls.write_all(b"evil")?;
                Ok(Then::KeepOpen)
            }
            _ => file(request, tls, &sent, "\"one\""),
        });
        assert_eq!(site.fetch(wanted(&server.url("/a"))).unwrap().state, state(&body), "{range}");
    }
}

#[test]
fn without_a_strong_tag_and_a_lock_there_is_no_going_on() {
    let mut site = Site::new();
    let body = bytes(4 * MIB, 11);
    let (sent, requests) = (body.clone(), AtomicUsize::new(0));
    let server = site.server(move |request, tls| {
        let first = requests.fetch_add(1, Ordering::SeqCst) % 2 == 0;
        if first {
            cut(request, tls, &sent, "W/\"weak\"", 3 * MIB)
        } else {
            file(request, tls, &sent, "W/\"weak\"")
        }
    });
    assert_eq!(site.fetch(wanted(&server.url("/a"))).unwrap().state, state(&body));
    assert_eq!(server.requests()[1].from(), None);
    // With a lock, the digest decides.
    assert_eq!(
        site.fetch(locked(&server.url("/b"), &[&body[..], b""].concat())).unwrap().state,
        state(&body)
    );
}

/// A server that cuts every answer: what comes twice alike is the server's word, and it ends.
#[test]
fn a_changed_file_that_always_comes_in_pieces_is_judged_all_the_same() {
    let mut site = Site::new();
    let (old, new) = (bytes(4 * MIB, 12), bytes(4 * MIB, 13));
    let sent = new.clone();
    let server = site.server(move |request, tls| cut(request, tls, &sent, "\"new\"", 3 * MIB));
    match site.fetch(locked(&server.url("/a"), &old)) {
        Err(Missed::Changed { found, .. }) => assert_eq!(found.state, state(&new)),
        other => panic!("{other:?}"),
    }
    // And one that has other bytes each time under one tag.
    let requests = AtomicUsize::new(0);
    let server = site.server(move |request, tls| {
        let number = u32::try_from(requests.fetch_add(1, Ordering::SeqCst)).unwrap();
        cut(request, tls, &bytes(4 * MIB, 100 + number), "\"same\"", 3 * MIB)
    });
    let told = site.refused(locked(&server.url("/b"), &old));
    assert!(told.contains("is another file each time it is fetched"), "{told}");
    assert_eq!(site.parts(), Vec::<String>::new());
}

/// A server that begins anew and cuts, each time at the same place: what is fetched again is no progress.
#[test]
fn a_download_that_is_always_cut_at_the_same_place_ends() {
    let mut site = Site::new();
    let body = bytes(3 * MIB, 14);
    // Without a tag; with one that is another each time, so that `If-Range` misses.
    for tagged in [false, true] {
        let (sent, requests) = (body.clone(), AtomicUsize::new(0));
        let server = site.server(move |request, tls| {
            let number = requests.fetch_add(1, Ordering::SeqCst);
            let tag = if tagged { format!("\"{number}\"") } else { "W/\"weak\"".to_owned() };
            // Were it asked for ever, this test would be told that the file came.
            cut(request, tls, &sent, &tag, if number < 20 { 2 * MIB } else { 3 * MIB })
        });
        let told = site.refused(wanted(&server.url("/a")));
        assert!(told.contains("was cut off"), "{told}");
        let asked = server.requests();
        assert!(asked.len() <= 3 * site.settings.limits.attempts as usize, "{}", asked.len());
        assert_eq!(asked.iter().any(|request| request.from().is_some()), tagged, "{asked:?}");
    }
}

#[test]
fn attempts_end_whatever_they_bring() {
    let mut site = Site::new();
    site.settings.limits.attempts_in_all = 4;
    let body = bytes(20 * MIB, 15);
    let server = site.server(move |request, tls| cut(request, tls, &body, "\"one\"", 2 * MIB));
    let told = site.refused(wanted(&server.url("/a")));
    assert!(told.contains("was cut off"), "{told}");
    assert_eq!(server.requests().len(), 4);
}
