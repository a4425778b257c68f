// SPDX-License-Identifier: Apache-2.0
//! One file over the network: attempt after attempt, each going on where the last one ended.
//!
//! In: a URL and what is known of its file. Out: the file in the store, under its digest. Bytes are hashed as
//! they come. Where the file came in several answers and is not what was expected, it is fetched once more in
//! one: then it is the server's word, and not a mixture.

use std::io::Read;
use std::time::{Duration, Instant};

use ureq::http::header;
use verifier::error::Code;

use super::client::{Answer, Rest};
use super::progress::Row;
use super::retry::{content_range, strong_tag};
use super::trouble::{self, Reached, Trouble, at_host, failed, passing};
use super::{Fetched, Fetcher, Missed, Origin, Wanted};
use crate::digest::Locked;
use crate::failure::Failure;
use crate::store::{Part, STEP_BYTES, Validator};

/// Bytes taken from a connection at once: several TLS records, and little beside the second-level cache.
const READ_BYTES: usize = 128 * 1024;

/// What the last answer said beside the bytes.
#[derive(Clone, Debug, Default)]
struct Told {
    content_type: Option<String>,
    redirected_to: Option<String>,
}

/// Why an attempt ended without the whole file.
struct Ended {
    trouble: Trouble,
    /// Where the attempt began in the file and where it ended; none where nothing could come.
    span: Option<(u64, u64)>,
}

/// How far into the file any attempt has come. What is fetched again is no progress, or a server that begins anew each
/// time and cuts would be asked for ever.
struct Mark(u64);

impl Mark {
    /// Whether an attempt came far enough beyond all before it to make another worth while, however many there were.
    fn passed(&mut self, (from, to): (u64, u64)) -> bool {
        let farthest = self.0.max(from);
        self.0 = farthest.max(to);
        self.0 - farthest >= STEP_BYTES as u64
    }
}

impl Fetcher<'_> {
    pub(super) fn download(&self, wanted: &Wanted, row: &mut Row<'_>) -> Result<Fetched, Missed> {
        let mut part = self.store.part(&wanted.url.to_string())?;
        // Another process may have fetched it while this one waited.
        if let Some(expected) = &wanted.expected
            && self.store.claim(expected)?
        {
            part.discard()?;
            return Ok(Fetched { state: *expected, origin: Origin::Store });
        }
        let mut mixture = None;
        loop {
            let told = match self.attempts(wanted, &mut part, row) {
                Ok(told) => told,
                Err(failure) => {
                    // What stays for the next run is kept; too short a part is not, and the failure comes first.
                    let _ = if failure.refusal().code == Code::LimitExceeded {
                        part.discard()
                    } else {
                        part.leave()
                    };
                    return Err(failure.into());
                }
            };
            let state = part.state();
            if part.is_joined() && wanted.expected.is_some_and(|expected| expected != state) {
                match mixture {
                    None => {
                        mixture = Some(state);
                        part.restart(Validator::default())?;
                        continue;
                    }
                    // Twice the same out of different pieces: that is what the server has.
                    Some(before) if before == state => {}
                    Some(_) => {
                        part.discard()?;
                        return Err(failed(&wanted.url, "is another file each time it is fetched").into());
                    }
                }
            }
            let state = part.publish(self.store)?;
            return self.judge(wanted, state, told);
        }
    }

    fn judge(&self, wanted: &Wanted, state: Locked, told: Told) -> Result<Fetched, Missed> {
        let page = told.content_type.as_deref().is_some_and(|kind| {
            let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            matches!(kind.as_str(), "text/html" | "application/xhtml+xml")
        });
        let surprising = page && !wanted.url.names_a_page();
        let origin = Origin::Network {
            at: self.settings.now,
            content_type: told.content_type,
            redirected_to: told.redirected_to,
            surprising,
        };
        let found = Fetched { state, origin };
        match wanted.expected {
            Some(expected) if expected != state => Err(Missed::Changed { expected, found }),
            _ => Ok(found),
        }
    }

    /// Tries until the part is the whole file, or no attempt is left.
    fn attempts(&self, wanted: &Wanted, part: &mut Part, row: &mut Row<'_>) -> Result<Told, Failure> {
        let limits = &self.settings.limits;
        let (mut tried, mut in_all, mut pause, mut mark) = (0, 0, limits.pause, Mark(0));
        loop {
            let ended = match self.attempt(wanted, part, row) {
                Ok(told) => return Ok(told),
                Err(ended) => ended,
            };
            let (failure, wait, reached) = match ended.trouble {
                Trouble::Lasting(failure) => return Err(failure),
                Trouble::Passing { failure, wait, reached } => (failure, wait, reached),
            };
            if ended.span.is_some_and(|span| mark.passed(span)) {
                (tried, pause) = (0, limits.pause);
            }
            (tried, in_all) = (tried + 1, in_all + 1);
            if tried >= limits.attempts || in_all >= limits.attempts_in_all {
                if let Reached::Nobody(authority) = &reached {
                    self.client.gates.give_up(authority);
                }
                return Err(failure);
            }
            row.pausing(&failure);
            std::thread::sleep(wait.unwrap_or(pause));
            pause = pause.saturating_mul(2);
        }
    }

    fn attempt(&self, wanted: &Wanted, part: &mut Part, row: &mut Row<'_>) -> Result<Told, Ended> {
        let still = |trouble: Trouble| Ended { trouble, span: None };
        let tag = part.validator().tag.clone();
        // Without a tag only the expected digest can tell whether the rest is of the same file.
        let goes_on = part.length() > 0 && (tag.is_some() || wanted.expected.is_some());
        let rest = goes_on.then(|| Rest { from: part.length(), tag: tag.as_deref() });
        let answer = self.client.get(&wanted.url, rest).map_err(still)?;
        self.start(wanted, part, &answer).map_err(still)?;
        row.at(part.length(), part.validator().total);
        let told = Told {
            content_type: answer
                .headers
                .get(header::CONTENT_TYPE)
                .and_then(|value| value.to_str().ok())
                .map(ToOwned::to_owned),
            redirected_to: answer
                .at
                .authority()
                .filter(|authority| Some(*authority) != wanted.url.authority())
                .map(ToString::to_string),
        };
        let before = part.length();
        let copied = self.copy(wanted, part, answer, row);
        copied.map(|()| told).map_err(|trouble| Ended { trouble, span: Some((before, part.length())) })
    }

    /// Brings the part to where the answer begins.
    fn start(&self, wanted: &Wanted, part: &mut Part, answer: &Answer) -> Result<(), Trouble> {
        let url = &wanted.url;
        let new = strong_tag(&answer.headers);
        match answer.status {
            206 => {
                let known = part.validator().clone();
                let range = content_range(&answer.headers);
                let same = range.is_some_and(|(first, total)| {
                    first == part.length() && known.total.is_none_or(|known| known == total)
                });
                // RFC 9110 §15.3.7: the tag of the whole must come with a part of it.
                let changed = known.tag.is_some() && new.is_some() && known.tag != new;
                if part.length() == 0 || !same || changed {
                    part.restart(Validator::default())?;
                    return Err(passing(failed(url, "goes on with another file than it began with")));
                }
                part.go_on();
            }
            416 => {
                part.restart(Validator::default())?;
                return Err(passing(failed(url, "is shorter than what came of it before")));
            }
            _ => part.restart(Validator { tag: new, total: answer.body.content_length() })?,
        }
        let total = part.validator().total;
        if let Some(total) = total.filter(|total| *total > wanted.ceiling) {
            return Err(too_long(wanted, Some(total)).into());
        }
        if let Some(total) = total {
            part.require_space(total.saturating_sub(part.length()))?;
        }
        Ok(())
    }

    /// Takes the answer's bytes in, to its end.
    fn copy(
        &self,
        wanted: &Wanted,
        part: &mut Part,
        answer: Answer,
        row: &mut Row<'_>,
    ) -> Result<(), Trouble> {
        let (url, at) = (&wanted.url, answer.at);
        let mut reader = answer.body.into_with_config().limit(u64::MAX).reader();
        let mut buffer = vec![0; READ_BYTES];
        let mut pace = Pace::new(self.settings.limits.window, self.settings.limits.window_bytes);
        loop {
            let length = reader.read(&mut buffer).map_err(|error| trouble::of_body(url, &at, &error))?;
            let Some(bytes) = buffer.get(..length).filter(|bytes| !bytes.is_empty()) else { break };
            if part.length() + length as u64 > wanted.ceiling {
                return Err(too_long(wanted, None).into());
            }
            part.write(bytes)?;
            row.add(length as u64);
            if !pace.holds(length as u64) {
                let failure = failed(url, "was cut off: it comes too slowly");
                let least = format!("{} bytes in {} seconds", pace.least, pace.window.as_secs_f32());
                return Err(passing(at_host(failure.expected(least), url, &at)));
            }
        }
        match part.validator().total {
            Some(total) if total != part.length() => Err(passing(at_host(
                failed(url, "was cut off").found(format!("{} of {total} bytes", part.length())),
                url,
                &at,
            ))),
            _ => Ok(()),
        }
    }
}

fn too_long(wanted: &Wanted, found: Option<u64>) -> Failure {
    let failure =
        Failure::new(Code::LimitExceeded, wanted.url.to_string(), "is longer than a file of its kind may be")
            .expected(format!("at most {} bytes", wanted.ceiling))
            .hint("check the URL: the server sends something else, or something without an end");
    match found {
        Some(found) => failure.found(format!("{found} bytes")),
        None => failure,
    }
}

/// Whether bytes come fast enough. A server that sends a byte now and then would hold a download for ever.
struct Pace {
    window: Duration,
    least: u64,
    since: Instant,
    came: u64,
}

impl Pace {
    fn new(window: Duration, least: u64) -> Self {
        Self { window, least, since: Instant::now(), came: 0 }
    }

    /// Notes bytes; false where a window went by with too few.
    fn holds(&mut self, bytes: u64) -> bool {
        self.came += bytes;
        if self.since.elapsed() < self.window {
            return true;
        }
        let enough = self.came >= self.least;
        (self.since, self.came) = (Instant::now(), 0);
        enough
    }
}
