// SPDX-License-Identifier: Apache-2.0
//! Parse arguments, run, turn the outcome into an exit code.

use std::process::ExitCode;

use clap::Parser;
use verifier::cli::Cli;

fn main() -> ExitCode {
    verifier::run::run(&Cli::parse()).into()
}
