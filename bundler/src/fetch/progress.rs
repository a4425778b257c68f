// SPDX-License-Identifier: Apache-2.0
//! How far the downloads of a run are, on standard error: bars on a terminal, a line every few seconds elsewhere.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use manifests::name::printable;
use verifier::progress::Mode;

use crate::failure::Failure;

/// Time between two plain lines.
const INTERVAL: Duration = Duration::from_secs(3);
/// Characters of a URL beside its bar: the end, which tells files apart.
const NAME_WIDTH: usize = 36;

/// The line of one file, and the line of all.
const FILE: &str = "{msg:36} [{bar:20}] {bytes} of {total_bytes} ({bytes_per_sec}, {eta} left)";
const FILES: &str = "{msg:36} [{bar:20}] {pos} of {len} files";

/// All downloads of one run.
pub(super) struct Board {
    shown: Shown,
    files: usize,
    done: AtomicUsize,
    bytes: AtomicU64,
}

enum Shown {
    Bars { all: MultiProgress, total: ProgressBar },
    Lines(Mutex<Instant>),
    Nothing,
}

/// One download.
pub(super) struct Row<'a> {
    board: &'a Board,
    name: String,
    bar: Option<ProgressBar>,
}

impl Board {
    pub(super) fn new(mode: Mode, files: usize) -> Self {
        let shown = match mode {
            Mode::Bar => bars(files),
            Mode::Auto if std::io::stderr().is_terminal() => bars(files),
            Mode::Auto | Mode::Plain => Shown::Lines(Mutex::new(Instant::now())),
            Mode::None => Shown::Nothing,
        };
        Self { shown, files, done: AtomicUsize::new(0), bytes: AtomicU64::new(0) }
    }

    /// Begins a file.
    pub(super) fn row(&self, name: &str) -> Row<'_> {
        let bar = match &self.shown {
            Shown::Bars { all, total } => {
                let bar = all.insert_before(total, ProgressBar::no_length());
                bar.set_style(style(FILE));
                bar.set_message(end_of(name));
                Some(bar)
            }
            _ => None,
        };
        Row { board: self, name: name.to_owned(), bar }
    }

    /// Says something between the bars.
    fn say(&self, text: &str) {
        match &self.shown {
            // Standard error may be closed; the work goes on.
            Shown::Bars { all, .. } => drop(all.println(text)),
            Shown::Lines(_) => drop(writeln!(std::io::stderr(), "{text}")),
            Shown::Nothing => {}
        }
    }

    fn tick(&self) {
        let Shown::Lines(last) = &self.shown else { return };
        // A thread that finds another one printing has nothing to add.
        let Ok(mut last) = last.try_lock() else { return };
        if last.elapsed() >= INTERVAL {
            *last = Instant::now();
            let (done, bytes) = (self.done.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed));
            let _ = writeln!(
                std::io::stderr(),
                "fetching: {done} of {} files, {} so far",
                self.files,
                HumanBytes(bytes)
            );
        }
    }

    fn finish(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        match &self.shown {
            Shown::Bars { total, .. } => total.set_position(done as u64),
            Shown::Lines(last) if done == self.files && self.bytes.load(Ordering::Relaxed) > 0 => {
                let _last = last.lock().unwrap_or_else(PoisonError::into_inner);
                let bytes = HumanBytes(self.bytes.load(Ordering::Relaxed));
                let _ = writeln!(std::io::stderr(), "fetched: {done} of {} files, {bytes}", self.files);
            }
            _ => {}
        }
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        if let Shown::Bars { total, .. } = &self.shown {
            total.finish_and_clear();
        }
    }
}

impl Row<'_> {
    /// Where the file begins now, and how long it will be.
    pub(super) fn at(&self, position: u64, total: Option<u64>) {
        if let Some(bar) = &self.bar {
            if let Some(total) = total {
                bar.set_length(total);
            }
            bar.set_position(position);
            // What was there before says nothing of the speed.
            bar.reset_eta();
        }
    }

    /// More bytes came.
    pub(super) fn add(&self, bytes: u64) {
        self.board.bytes.fetch_add(bytes, Ordering::Relaxed);
        match &self.bar {
            Some(bar) => bar.inc(bytes),
            None => self.board.tick(),
        }
    }

    /// It failed, and is tried again after a pause.
    pub(super) fn pausing(&self, failure: &Failure) {
        let refusal = failure.refusal();
        let found = refusal.found.as_ref().map(|found| format!(" ({found})")).unwrap_or_default();
        self.board.say(&printable(&format!("note: {} {}{found}; trying again", self.name, refusal.what)));
    }
}

impl Drop for Row<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.board.finish();
    }
}

fn bars(files: usize) -> Shown {
    let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10));
    let total = all.add(ProgressBar::new(files as u64));
    total.set_style(style(FILES));
    total.set_message("fetching");
    Shown::Bars { all, total }
}

fn style(template: &str) -> ProgressStyle {
    // The templates are ours; one that does not parse would show the library's own.
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

fn end_of(name: &str) -> String {
    let name = printable(name);
    let length = name.chars().count();
    if length <= NAME_WIDTH {
        return name;
    }
    format!("…{}", name.chars().skip(length - NAME_WIDTH + 1).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_are_templates_that_the_library_knows() {
        for template in [FILE, FILES] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn a_long_name_shows_its_end() {
        assert_eq!(end_of("https://a/b"), "https://a/b");
        let long = end_of("https://example.com/a/very/long/path/to/package-1.0.x86_64.rpm");
        assert!(long.starts_with('…') && long.ends_with("package-1.0.x86_64.rpm"), "{long}");
        assert_eq!(long.chars().count(), NAME_WIDTH);
    }
}
