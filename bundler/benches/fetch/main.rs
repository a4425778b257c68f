// SPDX-License-Identifier: Apache-2.0
//! 200 files of 8 MiB from a TLS server on loopback into the store, beside `curl --parallel` with the same
//! limit and then `openssl dgst -sha256`: as a ratio, and the memory that it takes. And a lock of 1,000 files from
//! URLs, made again with nothing changed: it fetches nothing.
//!
//! ```sh
//! cargo bench -p bundler --bench fetch [-- FOLDER]
//! cargo bench -p bundler --bench fetch -- relock FOLDER     # the second lock alone
//! ```
//! FOLDER (default: the system's temporary folder) needs 4 GB. The two run in turn (A B A B …); the medians are
//! compared. Both talk to one server, which is a process of its own.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a benchmark that cannot prepare has failed")]

#[path = "../../tests/fetch/server.rs"]
mod server;

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use bundler::fetch::hosts::Hosts;
use bundler::fetch::limits::{Limits, MAX_ARTIFACT_BYTES, MAX_PARALLEL};
use bundler::fetch::url::Url;
use bundler::fetch::{Fetcher, Settings, Wanted};
use bundler::store::Store;
use manifests::time::Timestamp;
use server::{Authority, Server, Then, head};
use verifier::progress::Mode;

const FILES: usize = 200;
const BYTES: usize = 8 << 20;
const RUNS: usize = 5;
/// Files from URLs of the recipe that is locked again, and what that may take, in seconds.
const LOCKED: usize = 1000;
const SECONDS: f64 = 1.0;
/// What fetching may take, in MiB.
const MEMORY: f64 = 128.0;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["serve", ca] => serve(Path::new(ca)),
        ["fetch", root, ca, authority] => fetch(Path::new(root), Path::new(ca), authority),
        ["relock", folder] => std::process::exit(i32::from(relock(Path::new(folder)))),
        [folder] => compare(Path::new(folder)),
        _ => compare(&std::env::temp_dir()),
    }
}

/// Locks files from URLs, and once more; whether the second lock took too long.
fn relock(base: &Path) -> bool {
    let scratch = base.join(format!("sealift-relock-{}", std::process::id()));
    fs::create_dir_all(&scratch).expect("a folder to work in");
    let authority = Authority::new();
    authority.write(&scratch.join("ca.pem"));
    let server = Server::start(authority.leaf(&["localhost"], |_| ()), |request, tls| {
        server::whole(tls, &[], request.path.as_bytes())
    });
    let mut recipe = String::from(
        "[bundle]\nname = \"many\"\nversion = \"1\"\nsequence = 1\ncreated = \"2026-11-22T00:00:00Z\"\n",
    );
    let _ = writeln!(recipe, "[host.\"{}\"]\nca = \"ca.pem\"", server.authority());
    for number in 0..LOCKED {
        let url = server.url(&format!("/{number}"));
        let _ = writeln!(recipe, "[[artifact]]\nname = \"a{number}\"\nsource = \"{url}\"\nunsigned = \"x\"");
    }
    fs::write(scratch.join("bundle.toml"), recipe).expect("a recipe");
    let lock = || {
        let start = Instant::now();
        let output = Command::new(env!("CARGO_BIN_EXE_bundler"))
            .args(["lock", "--store", "store", "--progress", "none"])
            .current_dir(&scratch)
            .output()
            .expect("bundler");
        let seconds = start.elapsed().as_secs_f64();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        seconds
    };
    let first = lock();
    let asked = server.requests().len();
    let again = median((0..RUNS).map(|_| lock()).collect());
    assert_eq!((asked, server.requests().len()), (LOCKED, LOCKED), "a second lock fetches nothing");
    println!("lock of {LOCKED} files from URLs: {first:.3} s; again: {again:.3} s, at most {SECONDS}");
    fs::remove_dir_all(&scratch).expect("the folder");
    again > SECONDS
}

fn compare(base: &Path) {
    let scratch = base.join(format!("sealift-fetch-{}", std::process::id()));
    fs::create_dir_all(&scratch).expect("a folder to work in");
    let ca = scratch.join("ca.pem");
    let (mut server, authority) = start(&ca);
    let list = scratch.join("list");
    let lines = (0..FILES).fold(String::new(), |mut lines, number| {
        let _ = writeln!(lines, "url = https://{authority}/{number}\noutput = out/{number}");
        lines
    });
    fs::write(&list, lines).unwrap();
    let (mut ours, mut theirs, mut memory) = (Vec::new(), Vec::new(), None::<f64>);
    for run in 0..=RUNS {
        let (mine, used) = bundler(&scratch, &ca, &authority);
        let other = curl(&scratch);
        // The first is for warmth.
        if run > 0 {
            ours.push(mine);
            theirs.push(other);
            memory = used.map(|used| memory.map_or(used, |most| most.max(used)));
        }
    }
    server.kill().expect("the server");
    let _ = server.wait();
    fs::remove_dir_all(&scratch).expect("the folder");
    let (ours, theirs) = (median(ours), median(theirs));
    println!(
        "fetch, {FILES} files of 8 MiB, {MAX_PARALLEL} at once: {ours:.3} s; curl --parallel and openssl dgst: {theirs:.3} s; {:.2} times as fast, at least 1",
        theirs / ours
    );
    match memory {
        Some(memory) => println!("memory of fetch: {memory:.1} MiB resident, at most {MEMORY}"),
        None => println!("memory of fetch: not measured: /usr/bin/time is not there"),
    }
    let missed = relock(base) || ours > theirs || memory.is_some_and(|memory| memory > MEMORY);
    std::process::exit(i32::from(missed));
}

fn bundler(scratch: &Path, ca: &Path, authority: &str) -> (f64, Option<f64>) {
    let store = scratch.join("store");
    let this = std::env::current_exe().expect("a program has a path");
    let time = Path::new("/usr/bin/time");
    let mut command = if time.exists() { Command::new(time) } else { Command::new(&this) };
    if time.exists() {
        command.args(["-f", "%M"]).arg(&this);
    }
    command.arg("fetch").arg(&store).arg(ca).arg(authority);
    let start = Instant::now();
    let output = command.output().expect("this program");
    let seconds = start.elapsed().as_secs_f64();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    fs::remove_dir_all(&store).expect("a store");
    (seconds, text.lines().last().and_then(|line| line.parse::<f64>().ok()).map(|kib| kib / 1024.0))
}

fn curl(scratch: &Path) -> f64 {
    let out = scratch.join("out");
    fs::create_dir(&out).expect("a folder");
    let script = format!(
        "curl -sS --fail --http1.1 --parallel --parallel-max {MAX_PARALLEL} --cacert ca.pem -K list 2>curl.log; \
         openssl dgst -sha256 out/*"
    );
    let start = Instant::now();
    let status = Command::new("sh")
        .args(["-ec", &script])
        .current_dir(scratch)
        .stdout(Stdio::null())
        .status()
        .expect("sh");
    let seconds = start.elapsed().as_secs_f64();
    assert!(status.success(), "curl or openssl");
    fs::remove_dir_all(&out).expect("a folder");
    seconds
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The server as a process; it ends with its standard input.
fn start(ca: &Path) -> (Child, String) {
    let mut server = Command::new(std::env::current_exe().expect("a program has a path"))
        .arg("serve")
        .arg(ca)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program");
    let mut authority = String::new();
    BufReader::new(server.stdout.take().expect("a pipe")).read_line(&mut authority).expect("its address");
    (server, authority.trim_end().to_owned())
}

fn serve(ca: &Path) {
    let authority = Authority::new();
    authority.write(ca);
    // One body for all files, but for its first bytes.
    let mut state = 88_172_645_463_325_252u64;
    let body: Vec<u8> = (0..BYTES / 8)
        .flat_map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        })
        .collect();
    let server = Server::start(authority.leaf(&["localhost"], |_| ()), move |request, tls| {
        let name = format!("{:>64}", request.path);
        head(tls, "200 OK", &[format!("Content-Length: {}", body.len())])?;
        tls.write_all(name.as_bytes())?;
        tls.write_all(&body[name.len()..])?;
        Ok(Then::KeepOpen)
    });
    println!("{}", server.authority());
    let _ = std::io::stdin().lines().count();
    // Connections may still be open; nobody waits for them.
    std::process::exit(0);
}

fn fetch(root: &Path, ca: &Path, authority: &str) {
    let store = Store::open(root).expect("a store");
    let mut hosts = Hosts::new();
    hosts.add(authority, &[], Some(PathBuf::from(ca))).expect("a host");
    let settings = Settings {
        limits: Limits::default(),
        proxy: None,
        environment: |_| None,
        progress: Mode::None,
        now: Timestamp::EPOCH,
    };
    let wanted: Vec<Wanted> = (0..FILES)
        .map(|number| Wanted {
            url: Url::parse(&format!("https://{authority}/{number}")).expect("a URL"),
            expected: None,
            ceiling: MAX_ARTIFACT_BYTES,
        })
        .collect();
    for found in Fetcher::new(&store, hosts, settings).fetch_all(&wanted) {
        assert_eq!(found.expect("a file").state.size, BYTES as u64);
    }
}
