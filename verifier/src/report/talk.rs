// SPDX-License-Identifier: Apache-2.0
//! Talk on standard error: never a result, and more of it with `--verbose`.

use std::io::{self, Write};
use std::time::Duration;

use manifests::name::printable;

use super::human::size;
use crate::cli::Output;
use crate::contents::workers;
use crate::hash::Kernel;
use crate::media::{Carrier, Medium};
use crate::trust::state::{State, StateFolder};

/// Something worth knowing that is no result. Its lines are printed as they are: what came from outside is
/// escaped before.
pub fn note(text: &str) {
    // Where nothing can be printed any more, the result still tells.
    let _ = io::stderr().write_all(text.as_bytes());
}

/// A line for those who want to know more; it is made only for them.
pub fn detail(output: &Output, line: impl FnOnce() -> String) {
    if output.verbose {
        note(&format!("{}\n", printable(&line())));
    }
}

/// Where this host's trust lies, and which it is.
pub fn state(folder: &StateFolder, state: &State) -> String {
    let document = state.root.root().document();
    format!(
        "state: {}, trust root version {} of enclave {}",
        folder.path().display(),
        document.version,
        document.enclave
    )
}

/// What the bundle comes on.
pub fn carrier(medium: &Medium) -> String {
    let kind = match &medium.carrier {
        Carrier::File { length, .. } => format!("a file of {}", size(*length)),
        Carrier::Folder(_) => "a folder".to_owned(),
        Carrier::Stream(_) => "a stream".to_owned(),
    };
    format!("carrier: {}, {kind}", medium.name)
}

/// How its bytes are about to be hashed.
pub fn hashing(carrier: &Carrier) -> String {
    let threads = match workers(carrier) {
        1 => "1 thread".to_owned(),
        more => format!("{more} threads"),
    };
    format!("hashing: {} on {threads}", Kernel::detect().name())
}

/// How long a piece of work on `bytes` took.
pub fn pace(done: &str, bytes: u64, took: Duration) -> String {
    let seconds = took.as_secs_f64();
    // Nobody has proven anything in less than a microsecond; this is against a clock that stands still.
    let each_second = bytes as f64 / seconds.max(1e-6);
    format!("{done}: {} in {seconds:.3} s, {}/s", size(bytes), size(each_second as u64))
}
