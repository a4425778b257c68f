// SPDX-License-Identifier: Apache-2.0
//! Several processes on one store, a process that is killed, and one whose disk is full.
//!
//! The processes are this test program itself, started to run [`child`] alone.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bundler::fetch::hosts::Hosts;
use bundler::fetch::{Fetcher, Missed};
use bundler::store::Store;

use crate::server::{Server, Then, begin, file, until_gone, whole};
use crate::support::{Site, bytes, locked, settings, state, wanted};

const MIB: usize = 1 << 20;
const ORDER: &str = "SEALIFT_TEST_FETCH";

/// What a process of its own does: fetches URLs, prints the digest or the failure of each.
#[test]
fn child() {
    let Ok(order) = std::env::var(ORDER) else { return };
    let mut words = order.split(' ');
    let (root, ca, authority) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
    let store = Store::open(Path::new(root)).unwrap();
    let mut hosts = Hosts::new();
    hosts.add(authority, &[], Some(ca.into())).unwrap();
    let all: Vec<_> = words.map(wanted).collect();
    for found in Fetcher::new(&store, hosts, settings()).fetch_all(&all) {
        match found {
            Ok(found) => println!("\nfound {}", found.state.digest),
            Err(Missed::Failed(failure)) => {
                println!("\nfailed {} {failure}", failure.refusal().code.as_str())
            }
            Err(changed) => panic!("{changed:?}"),
        }
    }
}

/// A shell that becomes the child, after what `before` does.
fn start(site: &Site, server: &Server, before: &str, urls: &[String]) -> Child {
    let ca = site.path().join("ca.pem");
    let order =
        format!("{} {} {} {}", site.store.root().display(), ca.display(), server.authority(), urls.join(" "));
    Command::new("sh")
        .args(["-c", &format!("{before}\"$0\" --exact processes::child --nocapture --test-threads 1")])
        .arg(std::env::current_exe().unwrap())
        .env(ORDER, order)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn lines(child: Child, word: &str) -> Vec<String> {
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<String> =
        text.lines().filter_map(|line| line.strip_prefix(word)).map(ToOwned::to_owned).collect();
    assert!(!lines.is_empty(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    lines
}

/// Waits for something that another process does.
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_killed_download_goes_on_where_it_was() {
    let mut site = Site::new();
    let body = bytes(6 * MIB, 1);
    let (sent, requests) = (body.clone(), AtomicUsize::new(0));
    let server = site.server(move |request, tls| {
        if requests.fetch_add(1, Ordering::SeqCst) > 0 {
            return file(request, tls, &sent, "\"one\"");
        }
        begin(request, tls, sent.len(), "\"one\"")?;
        std::io::Write::write_all(tls, &sent[..4 * MIB + 1000])?;
        std::io::Write::flush(tls)?;
        until_gone(tls);
        Ok(Then::Close)
    });
    let url = server.url("/a");
    let mut child = start(&site, &server, "exec ", std::slice::from_ref(&url));
    // Four steps have been noted when the trail has its line and four states.
    let trail = || {
        let name = site.parts().into_iter().find(|name| name.ends_with(".trail"))?;
        let text = std::fs::read(site.store.root().join("parts").join(name)).ok()?;
        let line = text.iter().position(|byte| *byte == b'\n')? + 1;
        Some((text.len() - line) / 32)
    };
    eventually("the child gets four MiB", || trail() == Some(4));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(site.files(), 0, "nothing has its real name");
    let found = site.fetch(wanted(&url)).unwrap();
    assert_eq!(found.state, state(&body));
    let asked = server.requests();
    assert_eq!((asked.len(), asked[1].from()), (2, Some(4 * MIB)));
    assert_eq!(asked[1].header("if-range"), Some("\"one\""));
    assert_eq!(site.bytes(&found.state), body);
}

#[test]
fn two_bundlers_on_one_store_do_not_disturb_each_other() {
    let mut site = Site::new();
    let body = bytes(2 * MIB, 2);
    let sent = body.clone();
    let server = site.server(move |request, tls| match request.path.as_str() {
        "/same" => file(request, tls, &sent, "\"one\""),
        path => whole(tls, &[], path.as_bytes()),
    });
    let mut urls: Vec<String> = (0..20).map(|number| server.url(&format!("/{number}"))).collect();
    urls.insert(10, server.url("/same"));
    let children: Vec<Child> = (0..3).map(|_| start(&site, &server, "exec ", &urls)).collect();
    let all: Vec<Vec<String>> = children.into_iter().map(|child| lines(child, "found ")).collect();
    for found in &all {
        assert_eq!(found.len(), 21);
        assert_eq!(found[10], state(&body).digest.to_string());
        assert_eq!(found, &all[0]);
    }
    assert_eq!((site.files(), site.parts().len()), (21, 0));
    assert_eq!(site.bytes(&state(&body)), body);
}

/// The second waits for the first, and finds in the store what the first has fetched.
#[test]
fn a_file_that_another_process_is_fetching_is_not_fetched_twice() {
    let mut site = Site::new();
    let server = site.server(|_, tls| whole(tls, &[], b"once"));
    let url = server.url("/a");
    let part = site.store.part(&url).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| site.fetch(locked(&url, b"once")).unwrap());
        let mut part = part;
        part.write(b"once").unwrap();
        std::thread::sleep(Duration::from_millis(300));
        assert!(!waiting.is_finished(), "the part is ours");
        part.publish(&site.store).unwrap();
        assert_eq!(waiting.join().unwrap().state, state(b"once"));
    });
    assert!(server.requests().is_empty());
    assert_eq!(site.parts(), Vec::<String>::new());
}

#[test]
fn a_full_disk_is_told_and_leaves_nothing_under_its_real_name() {
    let mut site = Site::new();
    let body = bytes(4 * MIB, 3);
    let sent = body.clone();
    let server = site.server(move |request, tls| file(request, tls, &sent, "\"one\""));
    let url = server.url("/a");
    // No file of this process may be longer than 2 MiB; writing beyond is an error and not a signal.
    let child = start(&site, &server, "trap '' XFSZ; ulimit -f 4096; exec ", std::slice::from_ref(&url));
    let failed = lines(child, "failed ");
    assert!(failed[0].starts_with("no-space "), "{failed:?}");
    assert_eq!(site.files(), 0);
    // With room again it goes on.
    assert_eq!(site.fetch(wanted(&url)).unwrap().state, state(&body));
    assert_eq!(server.requests()[1].from(), Some(2 * MIB));
}

/// Another user adds to a shared store and uses what is there, and neither is in the other's way.
#[test]
fn two_users_share_a_store() {
    use std::os::unix::fs::PermissionsExt;
    let usable = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "test", "-x"])
        .arg(std::env::current_exe().unwrap())
        .output();
    if !usable.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: not root, no setpriv, or another user may not run this program");
        return;
    }
    let mut site = Site::new();
    let root = site.store.root().to_owned();
    for path in [site.path(), &root, &root.join("parts"), &root.join("sha256")] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
    }
    std::fs::set_permissions(root.join("sealift-store"), std::fs::Permissions::from_mode(0o666)).unwrap();
    let server = site.server(|request, tls| whole(tls, &[], request.path.as_bytes()));
    let urls: Vec<String> = ["/a", "/b"].iter().map(|path| server.url(path)).collect();
    assert_eq!(site.fetch(wanted(&urls[0])).unwrap().state, state(b"/a"));
    // A part of ours that is not theirs to go on with, nor in their way.
    let part = site.store.part(&urls[1]).unwrap();
    let as_other = "umask 077; exec setpriv --reuid=65534 --regid=65534 --clear-groups ";
    let found = lines(start(&site, &server, as_other, &urls), "found ");
    assert_eq!(found.len(), 2);
    drop(part);
    // What they fetched is ours to use, replace and prune.
    assert_eq!(site.fetch(locked(&urls[1], b"/b")).unwrap().state, state(b"/b"));
    assert_eq!(site.bytes(&state(b"/b")), b"/b");
    assert_eq!(site.fetch(wanted(&urls[1])).unwrap().state, state(b"/b"));
}
