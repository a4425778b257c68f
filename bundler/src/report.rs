// SPDX-License-Identifier: Apache-2.0
//! What people and programs see: results on standard output, talk on standard error.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use serde_json::Value;
use verifier::error::{Class, Refusal};
use verifier::report::human::size;

use crate::cli::{Color, Format, Global, ProgressMode};
use crate::failure::Failure;
use crate::progress::Progress;

/// A finished command: the same facts for people and for programs.
#[derive(Clone, Debug)]
pub struct Report {
    /// The schema's name without `sealift.` and version: that of the command.
    pub schema: &'static str,
    /// What happened, in a word.
    pub outcome: &'static str,
    /// Lines for people.
    pub text: String,
    /// Members of the document.
    pub body: Value,
}

#[derive(Serialize)]
struct Document<'a, T: Serialize> {
    schema: String,
    outcome: &'a str,
    #[serde(flatten)]
    body: &'a T,
}

#[derive(Serialize)]
struct Refused<'a> {
    refusal: &'a Refusal,
}

/// Where the words of one run go.
#[derive(Clone, Debug)]
pub struct Printer {
    global: Global,
}

impl Printer {
    /// A printer as the command line asks for it.
    pub const fn new(global: Global) -> Self {
        Self { global }
    }

    /// Prints the end of a command; a refusal's class is how the program ends.
    pub fn finish(&self, schema: &'static str, result: Result<Report, Failure>) -> Result<(), Class> {
        match result {
            Ok(report) => {
                match self.global.format {
                    Format::Human => out(&report.text),
                    Format::Json => self.document(report.schema, report.outcome, &report.body),
                }
                Ok(())
            }
            Err(failure) => {
                if self.global.format == Format::Json {
                    self.document(schema, "refused", &Refused { refusal: failure.refusal() });
                } else {
                    self.failure(&failure);
                }
                Err(failure.refusal().class)
            }
        }
    }

    fn document(&self, schema: &str, outcome: &str, body: &impl Serialize) {
        let document = Document { schema: format!("sealift.{schema}/1"), outcome, body };
        if let Ok(text) = serde_json::to_string(&document) {
            out(&text);
        }
    }

    fn failure(&self, failure: &Failure) {
        let label = if self.colourful() { "\x1b[1;31merror\x1b[0m" } else { "error" };
        err(&format!("{label}: {failure}"));
    }

    /// Something worth knowing that is no result.
    pub fn note(&self, text: &str) {
        if !self.global.quiet {
            err(&format!("note: {text}"));
        }
    }

    /// Something for those who want to know more.
    pub fn detail(&self, text: &str) {
        if self.global.verbose {
            err(text);
        }
    }

    fn colourful(&self) -> bool {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
        match self.global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto if set("NO_COLOR") => false,
            Color::Auto if set("CLICOLOR_FORCE") => true,
            Color::Auto => io::stderr().is_terminal(),
        }
    }

    /// Runs long work while another thread shows how far it is.
    pub fn watched<T>(&self, what: &'static str, work: impl FnOnce(&Progress) -> T) -> T {
        let progress = Progress::default();
        let mode = match self.global.progress {
            _ if self.global.quiet => ProgressMode::None,
            ProgressMode::Auto if io::stderr().is_terminal() => ProgressMode::Bar,
            ProgressMode::Auto => ProgressMode::Plain,
            mode => mode,
        };
        if mode == ProgressMode::None {
            return work(&progress);
        }
        let (stop, stopped) = channel::<()>();
        std::thread::scope(|scope| {
            let progress = &progress;
            scope.spawn(move || match mode {
                ProgressMode::Bar => bar(what, progress, &stopped),
                _ => lines(what, progress, &stopped),
            });
            let result = work(progress);
            drop(stop);
            result
        })
    }
}

fn bar(what: &'static str, progress: &Progress, stopped: &std::sync::mpsc::Receiver<()>) {
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    if let Ok(style) =
        ProgressStyle::with_template("{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}")
    {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_message(what);
    while stopped.recv_timeout(Duration::from_millis(100)) == Err(RecvTimeoutError::Timeout) {
        let (done, total) = progress.state();
        bar.set_length(total);
        bar.set_position(done);
    }
    bar.finish_and_clear();
}

fn lines(what: &str, progress: &Progress, stopped: &std::sync::mpsc::Receiver<()>) {
    let start = Instant::now();
    while stopped.recv_timeout(Duration::from_secs(5)) == Err(RecvTimeoutError::Timeout) {
        let (done, total) = progress.state();
        let seconds = start.elapsed().as_secs();
        err(&format!("{what}: {} of {} after {seconds} s", size(done), size(total)));
    }
}

/// `1 file`, `2 files`.
pub fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

/// A closed pipe ends the listener's interest, not the work.
fn out(text: &str) {
    let _ = writeln!(io::stdout(), "{}", text.trim_end_matches('\n'));
}

fn err(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
