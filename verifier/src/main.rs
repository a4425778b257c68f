// SPDX-License-Identifier: Apache-2.0
//! Parse arguments, run, turn the outcome into an exit code.

use std::process::ExitCode;

use clap::Parser;
use verifier::cli::Cli;

fn main() -> ExitCode {
    without_backtraces();
    verifier::run::run(&Cli::parse()).into()
}

/// The static program carries no unwind tables (`.ci/static`), so that a library that takes a backtrace, as
/// `anyhow` does where the environment asks for it, would end it.
fn without_backtraces() {
    // SAFETY: no other thread runs yet that could read the environment meanwhile.
    unsafe {
        std::env::remove_var("RUST_BACKTRACE");
        std::env::set_var("RUST_LIB_BACKTRACE", "0");
    }
}
