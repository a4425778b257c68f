// SPDX-License-Identifier: Apache-2.0
//! How much patience downloads have, and how much they may take. Tests choose shorter times.

use std::time::Duration;

/// The longest artifact, 1 TiB: more than the largest single medium holds; a server may send without an end.
pub const MAX_ARTIFACT_BYTES: u64 = 1 << 40;
/// The longest signature, key or certificate: what a bundle may hold (`contents::MAX_EVIDENCE_BYTES`).
pub const MAX_EVIDENCE_BYTES: u64 = 4 * 1024 * 1024;
/// Downloads at once: more do not fill a line better, and servers begin to refuse them.
pub const MAX_PARALLEL: usize = 8;
/// Attempts without progress on one file: with the pauses between them, half a minute.
pub const MAX_ATTEMPTS: u32 = 5;
/// Attempts on one file, with progress or without: a line that breaks each GiB brings the longest artifact.
pub const MAX_ATTEMPTS_IN_ALL: u32 = 1_024;
/// Redirects of one request: vendors need one to three; browsers stop at twenty.
pub const MAX_REDIRECTS: u32 = 10;
/// The longest pause that a server may ask for: whoever waits longer should rather come back.
pub const MAX_WAIT: Duration = Duration::from_secs(120);
/// The longest time until a connection stands, with TLS.
pub const MAX_CONNECT: Duration = Duration::from_secs(30);
/// The longest time until an answer's headers are complete.
pub const MAX_ANSWER: Duration = Duration::from_secs(60);
/// The longest silence in an answer.
pub const MAX_SILENCE: Duration = Duration::from_secs(30);
/// How often the speed is judged.
pub const PACE_WINDOW: Duration = Duration::from_secs(30);
/// Bytes that must come in that time, or the connection is cut: 1 KiB a second, a tenth of the slowest modem line.
pub const PACE_BYTES: u64 = 30 * 1024;

/// Patience and ceilings of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Downloads at once.
    pub parallel: usize,
    /// Attempts without progress.
    pub attempts: u32,
    /// Attempts, with progress or without.
    pub attempts_in_all: u32,
    /// The pause before the second attempt; each further one is twice as long.
    pub pause: Duration,
    /// The longest pause that a server may ask for.
    pub wait: Duration,
    /// Until a connection stands.
    pub connect: Duration,
    /// Until an answer's headers are complete.
    pub answer: Duration,
    /// The longest silence in an answer.
    pub silence: Duration,
    /// How often the speed is judged.
    pub window: Duration,
    /// Bytes that must come in a window.
    pub window_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            parallel: MAX_PARALLEL,
            attempts: MAX_ATTEMPTS,
            attempts_in_all: MAX_ATTEMPTS_IN_ALL,
            pause: Duration::from_secs(1),
            wait: MAX_WAIT,
            connect: MAX_CONNECT,
            answer: MAX_ANSWER,
            silence: MAX_SILENCE,
            window: PACE_WINDOW,
            window_bytes: PACE_BYTES,
        }
    }
}
