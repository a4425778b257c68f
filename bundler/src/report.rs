// SPDX-License-Identifier: Apache-2.0
//! What people and programs see: results on standard output, talk on standard error.

use std::io::{self, Write};
use std::path::Path;

use manifests::name::printable;
use serde::Serialize;
use serde_json::Value;
use verifier::cli::{Format, Output};
use verifier::error::{Class, Refusal};
use verifier::progress::{Mode, Progress};
use verifier::report::json;

use crate::failure::{Failure, Failures};

/// A finished command: the same facts for people and for programs.
#[derive(Clone, Debug)]
pub struct Report {
    /// The schema's name without `sealift.` and version: that of the command.
    pub schema: &'static str,
    /// What happened, in a word.
    pub outcome: &'static str,
    /// Lines for people; what came from outside is escaped in them ([`shown`]).
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
    /// The one that decides the exit code.
    refusal: &'a Refusal,
    /// All, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refusals: Vec<&'a Refusal>,
}

/// Where the words of one run go.
#[derive(Clone, Debug)]
pub struct Printer {
    output: Output,
}

impl Printer {
    /// A printer as the command line asks for it.
    pub const fn new(output: Output) -> Self {
        Self { output }
    }

    /// A printer for callers that are programs: it talks to nobody.
    pub const fn silent() -> Self {
        Self { output: Output::silent() }
    }

    /// Prints the end of a command; the class of the worst refusal is how the program ends.
    pub fn finish<E: Into<Failures>>(
        &self,
        schema: &'static str,
        result: Result<Report, E>,
    ) -> Result<(), Class> {
        let printed = result.map_err(Into::into).and_then(|report| {
            let printed = match self.output.format {
                Format::Human => print(&report.text),
                Format::Json => document(report.schema, report.outcome, &report.body),
            };
            printed.map_err(Failures::from)
        });
        printed.map_err(|failures| {
            self.refuse(schema, &failures);
            failures.class()
        })
    }

    fn refuse(&self, schema: &str, failures: &Failures) {
        let all = failures.iter().map(Failure::refusal);
        let refusals = if failures.are_several() { all.collect() } else { Vec::new() };
        let refused = Refused { refusal: failures.worst().refusal(), refusals };
        if self.output.format == Format::Json && document(schema, "refused", &refused).is_ok() {
            return;
        }
        // For people; and for programs too, where standard output takes no document.
        for failure in failures.iter() {
            talk(&format!("{}{failure}", self.output.error_label()));
        }
    }

    /// How progress is shown.
    pub const fn progress_mode(&self) -> Mode {
        self.output.progress_mode()
    }

    /// Something worth knowing that is no result.
    pub fn note(&self, text: &str) {
        if !self.output.quiet {
            talk(&format!("note: {}", printable(text)));
        }
    }

    /// Something for those who want to know more; the text is made only for them.
    pub fn detail(&self, text: impl FnOnce() -> String) {
        if self.output.verbose {
            talk(&printable(&text()));
        }
    }

    /// Starts to show how far long work on `total` bytes is.
    pub fn progress(&self, label: &'static str, total: u64) -> Progress {
        Progress::start(self.output.progress_mode(), label, total)
    }
}

/// A path as people see it: a name cannot move the cursor, start a line or turn what stands beside it.
pub fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}

/// `1 file`, `2 files`.
pub fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

fn document(schema: &str, outcome: &str, body: &impl Serialize) -> Result<(), Failure> {
    print(&json::line(&Document { schema: format!("sealift.{schema}/1"), outcome, body }))
}

/// A result that nobody gets is a refusal; a pipe that the listener has closed ends his interest alone.
fn print(text: &str) -> Result<(), Failure> {
    match write_result(text) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| Failure::writing("standard output", &error)),
    }
}

/// Writes lines to standard output, all of them or an error.
pub fn write_result(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", text.trim_end_matches('\n'))?;
    out.flush()
}

fn talk(text: &str) {
    // Where nothing can be printed any more, the exit code still tells.
    let _ = writeln!(io::stderr(), "{text}");
}
