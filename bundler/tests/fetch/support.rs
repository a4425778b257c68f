// SPDX-License-Identifier: Apache-2.0
//! A store in a folder of the test's own, and a fetcher that is impatient and trusts the test's CA.

use std::path::Path;
use std::time::Duration;

use bundler::digest::Locked;
use bundler::failure::Failure;
use bundler::fetch::hosts::Hosts;
use bundler::fetch::limits::Limits;
use bundler::fetch::url::Url;
use bundler::fetch::{Fetched, Fetcher, Missed, Settings, Wanted};
use bundler::store::Store;
use manifests::time::Timestamp;
use verifier::hash::sha256;
use verifier::progress::Mode;

use crate::server::{Authority, Server};

pub(crate) struct Site {
    folder: tempfile::TempDir,
    pub(crate) store: Store,
    pub(crate) hosts: Hosts,
    pub(crate) settings: Settings,
    pub(crate) authority: Authority,
}

impl Site {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        let authority = Authority::new();
        authority.write(&folder.path().join("ca.pem"));
        Self { folder, store, hosts: Hosts::new(), settings: settings(), authority }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The recipe's `[host."…"]` for a server of the test: its CA, and headers.
    pub(crate) fn trust(&mut self, server: &Server, headers: &[(&str, &str)]) {
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.hosts.add(&server.authority(), &headers, Some(self.path().join("ca.pem"))).unwrap();
    }

    /// A server with a good certificate, whose answers `answer` makes, and whom the site trusts.
    pub(crate) fn server<F>(&mut self, answer: F) -> Server
    where
        F: Fn(&crate::server::Request, &mut crate::server::Tls) -> std::io::Result<crate::server::Then>
            + Send
            + Sync
            + 'static,
    {
        let server = Server::start(self.authority.leaf(&["localhost"], |_| ()), answer);
        self.trust(&server, &[]);
        server
    }

    pub(crate) fn fetcher(&self) -> Fetcher<'_> {
        Fetcher::new(&self.store, self.hosts.clone(), self.settings.clone())
    }

    pub(crate) fn fetch(&self, wanted: Wanted) -> Result<Fetched, Missed> {
        self.fetcher().fetch_all(&[wanted]).remove(0)
    }

    /// Fetches and expects a failure; gives its text.
    pub(crate) fn refused(&self, wanted: Wanted) -> String {
        failure(self.fetch(wanted)).to_string()
    }

    /// The bytes of a file of the store, proven.
    pub(crate) fn bytes(&self, state: &Locked) -> Vec<u8> {
        self.store.read(state, u64::MAX).unwrap().expect("it is in the store")
    }

    /// Names of downloads under way.
    pub(crate) fn parts(&self) -> Vec<String> {
        let listing = std::fs::read_dir(self.store.root().join("parts")).unwrap();
        listing.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// How many files the store has.
    pub(crate) fn files(&self) -> usize {
        self.store.entries().unwrap().len()
    }
}

pub(crate) fn settings() -> Settings {
    let millis = Duration::from_millis;
    let limits = Limits {
        parallel: 4,
        attempts: 3,
        attempts_in_all: 16,
        pause: millis(1),
        wait: Duration::from_secs(5),
        connect: Duration::from_secs(10),
        answer: Duration::from_secs(10),
        silence: Duration::from_secs(10),
        window: Duration::from_secs(10),
        window_bytes: 1,
    };
    Settings {
        limits,
        proxy: None,
        environment: |name| (name == "TOKEN").then(|| "s3cret".to_owned()),
        progress: Mode::None,
        now: Timestamp::parse("2026-11-29T12:00:00Z").unwrap(),
    }
}

pub(crate) fn wanted(url: &str) -> Wanted {
    Wanted { url: Url::parse(url).unwrap(), expected: None, ceiling: 1 << 30 }
}

pub(crate) fn locked(url: &str, body: &[u8]) -> Wanted {
    Wanted { expected: Some(state(body)), ..wanted(url) }
}

pub(crate) fn state(body: &[u8]) -> Locked {
    Locked { size: body.len() as u64, digest: sha256::digest(body) }
}

pub(crate) fn failure(result: Result<Fetched, Missed>) -> Failure {
    match result {
        Err(Missed::Failed(failure)) => failure,
        other => panic!("a failure was expected, not {other:?}"),
    }
}

/// Bytes that no two places share.
pub(crate) fn bytes(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()
    };
    (0..length.div_ceil(4)).flat_map(|_| next()).take(length).collect()
}
