// SPDX-License-Identifier: Apache-2.0
//! Arguments in, exit code out.

use std::process::ExitCode;

use bundler::cli::Cli;
use clap::Parser;

fn main() -> ExitCode {
    match bundler::run::run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(class) => ExitCode::from(class as u8),
    }
}
