// SPDX-License-Identifier: Apache-2.0
//! A zip of which one member is signed (AWS's plug-in for the Notary Project): by a detached OpenPGP signature, or in itself.
//!
//! In: the zip, the name of the member, and the demand of a detached signature. Out: one verdict. Proven by
//! `good`: the member's bytes are what the pinned key signed, and every reader of this zip sees these bytes
//! under that name, because the whole zip keeps the rules of [`unpack`](crate::unpack). Nothing is proven of
//! the other members, nor of names, modes and times: the report lists them as not covered.

use std::io::{self, Write};

use manifests::evidence::Evidence;

use super::openpgp::{self, Demand};
use super::{Reason, Stop};
use crate::bytes::{Bytes, FileBytes};
use crate::hash::Kernel;
use crate::hash::sha256::Midstate;
use crate::unpack::name::{Ending, EntryName};
use crate::unpack::zip::Archive;
use crate::unpack::{Bound, Entry, EntryKind, Error, Rule};

/// Names of members that a report lists; the rest is a number.
pub const MAX_LISTED: usize = 100;

/// The longest member with a signature of its own, in bytes: programs have up to a hundred million.
pub const MAX_MEMBER_BYTES: u64 = 1024 * 1024 * 1024;

const KIND: &str = "zip-member";

/// Checks the signature of `member`; none where no signature was found.
pub fn check(
    file: &dyn Bytes,
    member: &str,
    signature: Option<&Demand<'_>>,
    bound: Bound,
) -> io::Result<Evidence> {
    judge(file, member, signature, bound).or_else(|stop| stop.into_evidence(KIND))
}

/// A member that carries its own signature, laid into a file without a name that is gone with its last handle.
pub struct Extracted {
    /// Its bytes.
    pub bytes: FileBytes,
    /// What lies in the archive beside it, for the report.
    pub others: Vec<String>,
}

/// Takes a member out of a zip that keeps every rule.
pub fn extract(file: &dyn Bytes, member: &str, bound: Bound) -> Result<Extracted, Stop> {
    let archive = open(file, bound)?;
    let number = archive.entries().iter().position(|entry| names(entry, member));
    // No more than the size that the directory states is written: a member that is longer contradicts it.
    let size = number.and_then(|number| archive.entries().get(number)).map_or(0, |entry| entry.size);
    if size > MAX_MEMBER_BYTES {
        let note = format!("member `{member}` has {size} bytes, more than {MAX_MEMBER_BYTES}");
        return Err(Stop::found(Reason::LimitExceeded, note));
    }
    let mut out = tempfile::tempfile()?;
    let mut written = Ok(());
    archive.prove(number, &mut |bytes| {
        if written.is_ok() {
            written = out.write_all(bytes);
        }
    })?;
    written?;
    let number = number.ok_or_else(|| not_found(member))?;
    Ok(Extracted { bytes: FileBytes::new(out)?, others: others(archive.entries(), number) })
}

fn open(file: &dyn Bytes, bound: Bound) -> Result<Archive<'_>, Stop> {
    let archive = Archive::open(file, bound)?;
    if let Some(entry) = archive.ambiguous_from_the_front() {
        let what = "is stored with its size behind it: a reader from the front may take other bytes for it";
        return Err(Stop::found(Reason::ArchiveContradiction, format!("{} {what}", entry.path)));
    }
    Ok(archive)
}

fn not_found(member: &str) -> Stop {
    Stop::found(Reason::MemberNotFound, format!("no file `{member}` in the archive"))
}

fn judge(
    file: &dyn Bytes,
    member: &str,
    signature: Option<&Demand<'_>>,
    bound: Bound,
) -> Result<Evidence, Stop> {
    let archive = open(file, bound)?;
    let number = archive.entries().iter().position(|entry| names(entry, member));
    let check = signature.map(openpgp::prepare);
    let mut hasher = check.as_ref().and_then(|check| check.as_ref().ok()?.hasher());
    let (kernel, mut midstate) = (Kernel::detect(), Midstate::EMPTY);
    // The whole zip, whatever becomes of the signature: a broken one proves nothing.
    archive.prove(number, &mut |bytes| {
        midstate.update(kernel, bytes);
        hasher.iter_mut().for_each(|hasher| hasher.update(bytes));
    })?;
    let number = number.ok_or_else(|| not_found(member))?;
    let mut evidence = match check {
        None => openpgp::unsigned(),
        Some(Err(evidence)) => evidence,
        Some(Ok(check)) => check.judge(&midstate, hasher),
    };
    evidence.kind = KIND;
    for covered in &mut evidence.covers {
        covered.what = format!("member {member}");
    }
    evidence.not_covered = others(archive.entries(), number);
    Ok(evidence)
}

/// Whether an entry is the file that was asked for.
fn names(entry: &Entry, member: &str) -> bool {
    let asked = EntryName::new(member.as_bytes());
    entry.kind == EntryKind::File
        && asked.is_ok_and(|name| name.ending == Ending::Plain && name.path == entry.path)
}

/// What lies in the archive beside the member.
fn others(entries: &[Entry], number: usize) -> Vec<String> {
    let mut others = entries
        .iter()
        .enumerate()
        .filter(|(at, entry)| *at != number && entry.kind != EntryKind::Directory)
        .map(|(_, entry)| format!("member {}", entry.path));
    let mut listed: Vec<String> = others.by_ref().take(MAX_LISTED).collect();
    match others.count() {
        0 => {}
        more => listed.push(format!("{more} more members")),
    }
    listed.push("names, modes and times of all members".to_owned());
    listed
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        let fault = match error {
            Error::Read(error) => return Self::Read(error),
            Error::Fault(fault) => fault,
        };
        let reason = match fault.rule {
            Rule::Structure => Reason::ArchiveMalformed,
            Rule::Checksum => Reason::ArchiveChecksum,
            Rule::Contradiction => Reason::ArchiveContradiction,
            Rule::Unowned => Reason::UnownedBytes,
            Rule::Name => Reason::UnsafeName,
            Rule::Link => Reason::UnsafeLink,
            Rule::Special => Reason::SpecialEntry,
            Rule::Method => Reason::UnsupportedMethod,
            Rule::Expansion => Reason::ExpandsTooFar,
            Rule::Limit => Reason::LimitExceeded,
        };
        Self::found(reason, fault.note)
    }
}
