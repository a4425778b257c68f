// SPDX-License-Identifier: Apache-2.0
//! How far long work has come, on standard error: a bar on a terminal, a line every few seconds elsewhere.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What `--progress` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// A bar on a terminal, else a line every few seconds.
    Auto,
    /// A bar.
    Bar,
    /// A line every few seconds.
    Plain,
    /// Nothing.
    None,
}

/// Time between two plain lines.
const INTERVAL: Duration = Duration::from_secs(3);

/// Shows the progress of one piece of work.
pub struct Progress {
    label: &'static str,
    total: u64,
    done: AtomicU64,
    shown: Shown,
}

enum Shown {
    Bar(ProgressBar),
    Plain(Mutex<Instant>),
    Nothing,
}

impl Progress {
    /// Starts to show `label`, of `total` bytes.
    pub fn start(mode: Mode, label: &'static str, total: u64) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let shown = match mode {
            Mode::Auto if terminal => Shown::Bar(bar(label, total)),
            Mode::Bar => Shown::Bar(bar(label, total)),
            Mode::Auto | Mode::Plain => Shown::Plain(Mutex::new(Instant::now())),
            Mode::None => Shown::Nothing,
        };
        Self { label, total, done: AtomicU64::new(0), shown }
    }

    /// Notes that `bytes` more are done.
    pub fn add(&self, bytes: u64) {
        let done = self.done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        match &self.shown {
            Shown::Bar(bar) => bar.set_position(done.min(self.total)),
            Shown::Plain(last) => {
                // A thread that finds another one printing has nothing to add.
                let Ok(mut last) = last.try_lock() else { return };
                if last.elapsed() >= INTERVAL {
                    *last = Instant::now();
                    let (done, total) = (HumanBytes(done.min(self.total)), HumanBytes(self.total));
                    // Standard error may be closed; the work goes on.
                    let _ = writeln!(std::io::stderr(), "{}: {done} of {total}", self.label);
                }
            }
            Shown::Nothing => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}

fn bar(label: &'static str, total: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(10));
    let template = "{msg} [{bar:30}] {bytes} of {total_bytes} ({bytes_per_sec}, {eta} left)";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_message(label);
    bar
}
