// SPDX-License-Identifier: Apache-2.0
//! From what came out to an exit code: the one table (`docs/exit-codes.md`).

use std::process::ExitCode;

use manifests::evidence::Verdict;

use crate::error::Class;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// What was asked for is done.
    Done,
    /// The worst verdict of `check`.
    Judged(Verdict),
    /// A refusal of this class.
    Refused(Class),
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done | Outcome::Judged(Verdict::Good) => Self::SUCCESS,
            Outcome::Judged(_) => Self::from(Class::Refused as u8),
            Outcome::Refused(class) => Self::from(class as u8),
        }
    }
}
