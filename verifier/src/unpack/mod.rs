// SPDX-License-Identifier: Apache-2.0
//! Vendors' archives, read strictly: zip, tar, gzip.
//!
//! In: bytes, and how far they may expand. Out: entries whose names, links, sizes and checksums hold, each
//! with its bytes as a stream; or the rule that the archive breaks. Proven is that every reader sees the
//! same entries in it, and that unpacking them into an empty folder writes nothing outside of it.
//!
//! Nothing here writes a file. The rules are those of "What is safe to unpack"; with their reasons they
//! stand in `docs/vendor-signatures/archives.md`.
#![deny(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::indexing_slicing)]

pub mod gzip;
mod inflate;
pub mod name;
pub mod tar;
pub mod tree;
pub mod zip;

use std::fmt;
use std::io::{self, Read};

use crate::bytes::read_full;

/// Entries of one archive, like the payload of a bundle: the sources of an operating system's kernel have 90,000.
pub const MAX_ENTRIES: usize = 100_000;
/// Length of a link's target: what Linux itself takes (PATH_MAX with its zero).
pub const MAX_TARGET_BYTES: u64 = 4096;
/// An entry or member up to here may expand as it likes: it fits in memory.
pub const FREE_EXPANSION: u64 = 1024 * 1024;
/// How many bytes one packed byte may become beyond that. Deflate itself ends at 1032, for nothing but one
/// repeated byte; programs and documents stay below 20, logs below 200.
pub const MAX_RATIO: u64 = 1000;

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// The rule that an archive breaks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Rule { $($(#[$doc])* $name,)* }

        impl Rule {
            /// Every rule.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

rules! {
    /// The structure is not that of its format, or is cut short.
    Structure,
    /// A checksum does not fit.
    Checksum,
    /// Two places in the archive that say the same thing differently: readers would see different entries.
    Contradiction,
    /// Bytes before, between or after the entries that none of them owns, or that two own.
    Unowned,
    /// A name that leaves the folder, or that some system cannot hold or takes for another.
    Name,
    /// A link that leaves the folder, or through which an entry would be written.
    Link,
    /// A device, FIFO, socket, sparse file or another kind of entry that is never unpacked.
    Special,
    /// Encryption, or a method of compression that is not read.
    Method,
    /// More bytes than the archive may expand to.
    Expansion,
    /// A documented limit.
    Limit,
}

/// What is wrong with an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The rule.
    pub rule: Rule,
    /// The particulars, for people.
    pub note: String,
}

impl Fault {
    /// A broken rule, with particulars.
    pub fn new(rule: Rule, note: impl Into<String>) -> Self {
        Self { rule, note: note.into() }
    }

    /// The same, said of one entry.
    fn of(self, entry: &str) -> Self {
        Self { note: format!("{}: {}", name::shown(entry), self.note), ..self }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.note)
    }
}

impl std::error::Error for Fault {}

/// So that streams can end in a fault; [`Error::from`] takes it out again.
impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        Self::new(io::ErrorKind::InvalidData, fault)
    }
}

/// Why an archive was not read to its end.
#[derive(Debug)]
pub enum Error {
    /// The machine did not let it be read: nothing was concluded.
    Read(io::Error),
    /// It breaks a rule.
    Fault(Fault),
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.downcast::<Fault>() {
            Ok(fault) => Self::Fault(fault),
            Err(error) => Self::Read(error),
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Read(error) => error,
            Error::Fault(fault) => fault.into(),
        }
    }
}

fn fault<T>(rule: Rule, note: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::new(rule, note))
}

/// How far an archive may expand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Nobody vouches for a size: [`MAX_RATIO`] for each entry or member above [`FREE_EXPANSION`].
    Ratio,
    /// A manifest states the size: this many bytes, all entries or members together, however well packed.
    Total(u64),
}

impl Bound {
    /// Refuses one entry or member of `plain` bytes out of `packed`, `before` of others unpacked already.
    fn check(self, before: u64, plain: u64, packed: u64) -> Result<(), Fault> {
        match self {
            Self::Ratio if plain > FREE_EXPANSION && plain > packed.saturating_mul(MAX_RATIO) => fault(
                Rule::Expansion,
                format!(
                    "{packed} bytes become {plain}, more than {MAX_RATIO} times as many \
                     (allowed up to {FREE_EXPANSION} bytes)"
                ),
            ),
            Self::Total(most) if before.saturating_add(plain) > most => {
                fault(Rule::Expansion, format!("unpacks to more than the {most} bytes that were announced"))
            }
            _ => Ok(()),
        }
    }

    /// The same while it is not known yet how long the packed bytes are: only what is certain.
    fn check_running(self, before: u64, plain: u64) -> Result<(), Fault> {
        match self {
            Self::Ratio => Ok(()),
            Self::Total(_) => self.check(before, plain, 0),
        }
    }
}

/// What one entry unpacks to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A plain file.
    File,
    /// A folder.
    Directory,
    /// A symbolic link, with its target as it stands in the archive.
    Symlink(Box<str>),
    /// Another name of an earlier file: the path of that entry.
    Hardlink(Box<str>),
}

/// One entry of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it goes, relative to the folder that the archive is unpacked in: components joined by `/`,
    /// none of them `.` or `..`. Empty for that folder itself, which a tar may name.
    pub path: Box<str>,
    /// What it is.
    pub kind: EntryKind,
    /// Bytes of a plain file; 0 for everything else.
    pub size: u64,
    /// Permission bits as the archive has them, set-user-id and the like included; none where it has none.
    pub mode: Option<u32>,
}

/// Reads a stream to its end for what its reader proves on the way; returns how many bytes there were.
pub fn drain(from: &mut dyn Read) -> io::Result<u64> {
    // On the stack: an archive has many short entries.
    let mut block = [0; 16 * 1024];
    let mut total = 0_u64;
    loop {
        match read_full(from, &mut block)? {
            0 => return Ok(total),
            count => total = total.saturating_add(length(count)),
        }
    }
}

/// A length in memory as a length in a file.
fn length(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
