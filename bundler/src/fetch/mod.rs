// SPDX-License-Identifier: Apache-2.0
//! From URLs to the store: several at once, each hashed as it comes, each going on where it was cut.
//!
//! In: URLs, and what the lock says of their files. Out, for each: the file in the store by its digest, or why
//! not; all failures of a run together. Nothing here decides whether a file is good: that is the digest of the
//! lock, and the vendor's signature. TLS keeps others out of the way between.

mod client;
mod download;
mod gates;
pub mod hosts;
pub mod limits;
mod local;
mod progress;
mod proxy;
mod retry;
mod trouble;
pub mod url;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use manifests::time::Timestamp;
use verifier::progress::Mode;

use self::client::Client;
use self::hosts::{Environment, Hosts};
use self::limits::Limits;
use self::progress::Board;
use self::url::Url;
use crate::digest::Locked;
use crate::failure::Failure;
use crate::store::Store;
use crate::store::note::Errand;

pub use self::local::files_below;
pub use self::proxy::Proxy;

/// One file that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Where it is.
    pub url: Url,
    /// What the lock says of it; none: it is being locked.
    pub expected: Option<Locked>,
    /// The longest that it may be ([`limits::MAX_ARTIFACT_BYTES`], [`limits::MAX_EVIDENCE_BYTES`]).
    pub ceiling: u64,
}

/// A file that is in the store now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Its length and digest.
    pub state: Locked,
    /// Where it came from.
    pub origin: Origin,
}

/// Where a file came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was in the store already; looked at by its length, and proven by whoever reads it.
    Store,
    /// It was fetched by an earlier run, which did not end well.
    Earlier {
        /// When: that run's time.
        at: Timestamp,
    },
    /// It was copied from a `file` URL.
    File {
        /// When: the run's own time.
        at: Timestamp,
    },
    /// It was downloaded.
    Network {
        /// When: the run's own time.
        at: Timestamp,
        /// What the server calls it.
        content_type: Option<String>,
        /// The host that a redirect led to; not its URL, which may be a password.
        redirected_to: Option<String>,
        /// It is called a web page, and the URL does not look like one: an error page, or one to log in.
        surprising: bool,
    },
}

/// Why a file is not what was wanted.
#[derive(Clone, Debug)]
pub enum Missed {
    /// The URL serves other bytes than the lock says. They are in the store, under their own digest, so that
    /// version and signer can be read from them and shown.
    Changed {
        /// What the lock says.
        expected: Locked,
        /// What came.
        found: Fetched,
    },
    /// It could not be fetched.
    Failed(Failure),
}

impl From<Failure> for Missed {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// What a run is told from outside.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Patience and ceilings.
    pub limits: Limits,
    /// The proxy, from [`Proxy::from_environment`].
    pub proxy: Option<Proxy>,
    /// Where headers find their secrets.
    pub environment: Environment,
    /// How progress is shown.
    pub progress: Mode,
    /// The time of this run, for [`Origin::Network`].
    pub now: Timestamp,
}

impl Settings {
    /// What the environment and the clock of this machine say.
    pub fn of_this_machine(progress: Mode) -> Result<Self, Failure> {
        let environment: Environment = |name| std::env::var(name).ok();
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = since.ok().and_then(|since| Timestamp::from_seconds(since.as_secs()));
        Ok(Self {
            limits: Limits::default(),
            proxy: Proxy::from_environment(environment)?,
            environment,
            progress,
            now: now.ok_or_else(|| {
                Failure::usage("this machine's clock", "shows no time between 1970 and 9999").hint("set it")
            })?,
        })
    }
}

/// Fetches into one store.
pub struct Fetcher<'a> {
    store: &'a Store,
    client: Client,
    settings: Settings,
    errand: Option<Errand>,
}

impl<'a> Fetcher<'a> {
    /// A fetcher that knows what the recipe says about hosts.
    pub fn new(store: &'a Store, hosts: Hosts, settings: Settings) -> Self {
        let client = Client::new(hosts, settings.environment, settings.proxy.clone(), settings.limits);
        Self { store, client, settings, errand: None }
    }

    /// Notes what is fetched without a digest to expect, and goes on from what an earlier run noted.
    #[must_use]
    pub fn noting(self, errand: Errand) -> Self {
        Self { errand: Some(errand), ..self }
    }

    /// Fetches everything, and answers in the order of what is wanted. One failure stops nothing else.
    pub fn fetch_all(&self, wanted: &[Wanted]) -> Vec<Result<Fetched, Missed>> {
        let mut results: Vec<Option<Result<Fetched, Missed>>> =
            wanted.iter().map(|one| self.stored(one)).collect();
        let jobs = self.jobs(wanted, &results);
        let board = Board::new(self.settings.progress, jobs.iter().map(Vec::len).sum());
        let next = AtomicUsize::new(0);
        let found = Mutex::new(Vec::with_capacity(jobs.len()));
        let workers = self.settings.limits.parallel.min(jobs.len());
        std::thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| {
                    while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let done = self.one_url(wanted, job, &board);
                        found.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend(done);
                    }
                });
            }
        });
        for (index, result) in found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
            if let Some(place) = results.get_mut(index) {
                *place = Some(result);
            }
        }
        let untold = || Err(Failure::fault("a download", "ended without a result").into());
        results.into_iter().map(|result| result.unwrap_or_else(untold)).collect()
    }

    /// What the store answers alone.
    fn stored(&self, wanted: &Wanted) -> Option<Result<Fetched, Missed>> {
        let Some(expected) = wanted.expected else {
            let url = wanted.url.to_string();
            let (state, at) = self.store.noted(self.errand?, &url, self.settings.now)?;
            return (state.size <= wanted.ceiling)
                .then_some(Ok(Fetched { state, origin: Origin::Earlier { at } }));
        };
        match self.store.claim(&expected) {
            Ok(true) => Some(Ok(Fetched { state: expected, origin: Origin::Store })),
            Ok(false) => None,
            Err(failure) => Some(Err(failure.into())),
        }
    }

    /// What is left to fetch, in the order of what is wanted; the indexes of one URL are one job.
    fn jobs(&self, wanted: &[Wanted], results: &[Option<Result<Fetched, Missed>>]) -> Vec<Vec<usize>> {
        let mut places: BTreeMap<&Url, usize> = BTreeMap::new();
        let mut jobs: Vec<Vec<usize>> = Vec::new();
        for (index, (one, result)) in wanted.iter().zip(results).enumerate() {
            if result.is_some() {
                continue;
            }
            let place = *places.entry(&one.url).or_insert(jobs.len());
            match jobs.get_mut(place) {
                Some(job) => job.push(index),
                None => jobs.push(vec![index]),
            }
        }
        jobs
    }

    /// Fetches one URL, for all who want it; who wants the same gets the same answer.
    fn one_url(
        &self,
        wanted: &[Wanted],
        job: &[usize],
        board: &Board,
    ) -> Vec<(usize, Result<Fetched, Missed>)> {
        let mut done: Vec<(usize, Result<Fetched, Missed>)> = Vec::new();
        for index in job {
            let Some(one) = wanted.get(*index) else { continue };
            let same = done.iter().find(|(other, _)| wanted.get(*other) == Some(one));
            let result = match same {
                Some((_, result)) => {
                    drop(board.row(""));
                    result.clone()
                }
                None => self.one(one, board),
            };
            done.push((*index, result));
        }
        done
    }

    fn one(&self, wanted: &Wanted, board: &Board) -> Result<Fetched, Missed> {
        let mut row = board.row(&wanted.url.to_string());
        let fetched = match wanted.url.file_path() {
            Some(path) => self.copy_file(wanted, &path, &mut row),
            None => self.download(wanted, &mut row),
        };
        if let (Ok(fetched), None, Some(errand)) = (&fetched, &wanted.expected, self.errand) {
            self.store.note(errand, &wanted.url.to_string(), &fetched.state, self.settings.now);
        }
        fetched
    }
}
