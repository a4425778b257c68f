// SPDX-License-Identifier: Apache-2.0
//! Where a passphrase comes from: a file, the environment, or a terminal; never an argument, which every
//! user of the machine can read.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use manifests::name::printable;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::files::read_open;

/// The variable of the environment.
const VARIABLE: &str = "SEALIFT_PASSPHRASE";
/// Longer ones are a wrong file.
const MAX_BYTES: u64 = 4096;

/// What the command line says about passphrases.
#[derive(Clone, Debug, Default)]
pub struct Passphrases {
    /// `--passphrase-file`.
    pub file: Option<PathBuf>,
}

impl Passphrases {
    /// The passphrase of a key that exists.
    pub fn existing(&self, key: &str) -> Result<Zeroizing<String>, Failure> {
        match self.given()? {
            Some(passphrase) => Ok(passphrase),
            None => prompt(&format!("Passphrase of {key}: ")),
        }
    }

    /// A passphrase for a new key: asked for twice.
    pub fn new_one(&self, key: &str) -> Result<Zeroizing<String>, Failure> {
        let passphrase = match self.given()? {
            Some(passphrase) => passphrase,
            None => {
                let first = prompt(&format!("New passphrase for {key}: "))?;
                let second = prompt("The same again: ")?;
                if *first != *second {
                    return Err(Failure::usage("the passphrase", "was not the same the second time"));
                }
                first
            }
        };
        if passphrase.is_empty() {
            return Err(Failure::usage("the passphrase", "is empty")
                .hint("give one, or say --no-passphrase, which tells what that means"));
        }
        Ok(passphrase)
    }

    fn given(&self) -> Result<Option<Zeroizing<String>>, Failure> {
        if let Some(path) = &self.file {
            return from_file(path).map(Some);
        }
        match std::env::var(VARIABLE) {
            Ok(text) => Ok(Some(Zeroizing::new(text))),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err(Failure::usage(VARIABLE, "is not UTF-8")),
        }
    }
}

/// The first line of a file, without its end: what an editor or `echo` adds is not meant.
fn from_file(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let name = || path.display().to_string();
    // A pipe is waited for: a shell gives one for `--passphrase-file <(…)`.
    let file = File::open(path).map_err(|error| Failure::argument(name(), &error))?;
    let bytes = Zeroizing::new(read_open(file, &name(), MAX_BYTES)?);
    let text =
        std::str::from_utf8(&bytes).map_err(|_| Failure::usage(name(), "is not UTF-8, so no passphrase"))?;
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.contains('\n') {
        return Err(Failure::usage(
            name(),
            "has more than one line: it is not clear which is the passphrase",
        ));
    }
    Ok(Zeroizing::new(line.to_owned()))
}

fn prompt(question: &str) -> Result<Zeroizing<String>, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage("the passphrase", "cannot be asked for: standard input is no terminal")
            .hint(format!("give it with --passphrase-file, or in {VARIABLE}")));
    }
    rpassword::prompt_password(printable(question))
        .map(Zeroizing::new)
        .map_err(|error| Failure::reading("the passphrase", &error))
}
