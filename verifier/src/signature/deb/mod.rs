// SPDX-License-Identifier: Apache-2.0
//! Debian packages with signatures inside, pinned by the fingerprint of the signer's primary key.
//!
//! In: a package's bytes, keys, pins, a time. Out: one verdict over all `_gpg…` members. Those of debsigs are
//! detached signatures over the contents of debian-binary, control.tar and data.tar, one after the other; those of
//! dpkg-sig are clear-signed lists with the SHA-1 of each member.
//!
//! debsigs signs neither names nor sizes of members. So that the signed bytes cannot be cut at other places, the
//! layout is fixed: three members in the order of deb(5), each of the format that its name says, then signatures, and
//! nothing else. A compressed control.tar is one whole stream. One that is not ends with zeros, and data.tar begins
//! with another byte: either with the magic number of its compression or with the name of its first entry.

pub mod ar;
pub mod compression;
pub mod control;
mod listed;

use std::io;

use manifests::evidence::{Covered, Evidence, Verdict};

use super::digest::Algorithm;
use super::openpgp::cleartext::{self, Cleartext};
use super::openpgp::{Check, Hasher, MAX_SIGNATURE_BYTES, Signers, Supplied, Version3};
use super::pass::{Sink, pass};
use super::{Reason, Stop, conclude, evidence};
use crate::bytes::Bytes;
use crate::hash::sha256::Midstate;
use ar::{Member, malformed};
use compression::{Compression, Streams};
use control::{Control, Identity};

const KIND: &str = "deb";

/// A package whose structure is sound.
#[derive(Debug)]
pub struct Package {
    /// debian-binary, control.tar, data.tar.
    pub contents: [Member; 3],
    /// `_gpg…` members.
    pub signatures: Vec<Member>,
}

impl Package {
    /// Reads the members and holds them to deb(5).
    pub fn read(bytes: &dyn Bytes) -> Result<Self, Stop> {
        let mut members = ar::members(bytes)?.into_iter();
        let mut next = |what: &str| members.next().map_or_else(|| malformed(format!("no {what}")), Ok);
        let contents = [next("debian-binary")?, next("control.tar")?, next("data.tar")?];
        let [binary, control, data] = &contents;
        check_version(bytes, binary)?;
        check_tar(bytes, control, "control.tar")?;
        check_tar(bytes, data, "data.tar")?;
        let signatures: Vec<Member> = members.collect();
        match signatures.iter().find(|member| role(&member.name).is_none()) {
            Some(other) => malformed(format!("{}: a member that no signature covers", other.name)),
            None => Ok(Self { contents, signatures }),
        }
    }

    /// Reads control.tar to its end: it must be one whole stream, with one control file.
    pub fn identity(&self, bytes: &dyn Bytes) -> Result<Identity, Stop> {
        let [_, control, _] = &self.contents;
        identity(bytes, control)
    }

    /// The same, with the scripts that the package runs.
    pub fn control(&self, bytes: &dyn Bytes) -> Result<Control, Stop> {
        let [_, member, _] = &self.contents;
        let content = member.content(bytes)?;
        let compression = Compression::of(&content)?;
        control::control(compression.open(crate::bytes::Sequential::new(&content), Streams::One)?)
    }
}

/// What a package says of itself, even where other parts of it are damaged: to name it, not to trust it.
pub fn claimed_identity(bytes: &dyn Bytes) -> Option<Identity> {
    let members = ar::members_so_far(bytes);
    let control = members.iter().find(|member| member.name.starts_with("control.tar"))?;
    identity(bytes, control).ok()
}

fn identity(bytes: &dyn Bytes, control: &Member) -> Result<Identity, Stop> {
    let content = control.content(bytes)?;
    let compression = Compression::of(&content)?;
    control::identity(compression.open(crate::bytes::Sequential::new(&content), Streams::One)?)
}

/// deb(5): the version of the format, of which only the minor part may change.
fn check_version(bytes: &dyn Bytes, member: &Member) -> Result<(), Stop> {
    if member.name != "debian-binary" {
        return malformed("no .deb: its first member is not debian-binary");
    }
    let version = if member.length > 8 { Vec::new() } else { member.read(bytes, 8)? };
    let minor = version.strip_prefix(b"2.").and_then(|rest| rest.strip_suffix(b"\n")).unwrap_or_default();
    if minor.is_empty() || !minor.iter().all(u8::is_ascii_digit) {
        return malformed("debian-binary: not version 2 of the format");
    }
    Ok(())
}

/// A tar whose name says how it is compressed, and which is.
fn check_tar(bytes: &dyn Bytes, member: &Member, name: &str) -> Result<(), Stop> {
    let Some(extension) = member.name.strip_prefix(name) else {
        return malformed(format!("{}: where {name} must be", member.name));
    };
    let found = Compression::of(&member.content(bytes)?)?;
    if found.extension() != extension {
        let found = if found == Compression::None { "not compressed" } else { found.extension() };
        return malformed(format!("{}: its content is {found}", member.name));
    }
    if found == Compression::None && !control::begins_tar(&member.content(bytes)?)? {
        return malformed(format!("{}: does not begin with the header of an entry", member.name));
    }
    Ok(())
}

/// The role of a signature member: `origin`, `maint`, `archive`, `builder`, ….
fn role(name: &str) -> Option<&str> {
    name.strip_prefix("_gpg").filter(|role| !role.is_empty())
}

/// Checks a package.
pub fn check(bytes: &dyn Bytes, supplied: &Supplied<'_>) -> io::Result<Evidence> {
    judge(bytes, supplied).or_else(|stop| stop.into_evidence(KIND))
}

fn judge(bytes: &dyn Bytes, supplied: &Supplied<'_>) -> Result<Evidence, Stop> {
    let package = Package::read(bytes)?;
    let identity = package.identity(bytes);
    if package.signatures.is_empty() {
        let notes = vec![format!("package {}", identity?), "no _gpg member in it".to_owned()];
        return Ok(Evidence { notes, ..evidence(KIND, Err(Reason::NoSignature)) });
    }
    let signers = Signers::read(supplied, Version3::Refused)?;
    let mut expected = Vec::new();
    for member in &package.signatures {
        expected.push(Expected::read(bytes, member, &signers)?);
    }
    let seen = Seen::of(bytes, &package, &expected)?;
    let mut judged = Vec::new();
    for expected in expected {
        judged.push(expected.judge(&seen, &package, supplied)?);
    }
    let mut answer = conclude(judged).unwrap_or_else(|| evidence(KIND, Err(Reason::NoSignature)));
    match identity {
        Ok(identity) => answer.notes.insert(0, format!("package {identity}")),
        // Good signatures on what cannot be unpacked whole might be cut at other places than they were made for.
        Err(stop) if answer.verdict == Verdict::Good => return Err(stop),
        Err(Stop::Found(_, note)) => answer.notes.push(note),
        Err(stop @ Stop::Read(_)) => return Err(stop),
    }
    answer.notes.extend(signers.notes().iter().cloned());
    if answer.verdict == Verdict::Good {
        answer.not_covered.push("dates, owners and modes in the headers of the ar archive".to_owned());
    }
    Ok(answer)
}

/// One `_gpg…` member that waits for the digests.
struct Expected {
    role: String,
    check: Check,
    /// What dpkg-sig signed.
    list: Option<Cleartext>,
}

impl Expected {
    fn read(bytes: &dyn Bytes, member: &Member, signers: &std::sync::Arc<Signers>) -> Result<Self, Stop> {
        let content = member.read(bytes, MAX_SIGNATURE_BYTES)?;
        let (check, list) = if cleartext::begins(&content) {
            let list = Cleartext::read(&content)?;
            (signers.expect(&[&list.signatures])?, Some(list))
        } else {
            (signers.expect(&[&content])?, None)
        };
        Ok(Self { role: role(&member.name).unwrap_or_default().to_owned(), check, list })
    }

    fn judge(mut self, seen: &Seen, package: &Package, supplied: &Supplied<'_>) -> Result<Evidence, Stop> {
        let mut answer = match self.list.take() {
            None => {
                let mut answer = self.check.judge(&seen.all, seen.hasher.clone());
                for covered in &mut answer.covers {
                    covered.what = names(package);
                }
                answer
            }
            Some(list) => {
                let mut midstate = Midstate::EMPTY;
                midstate.take(&list.canonical);
                let mut hasher = self.check.hasher();
                hasher.iter_mut().for_each(|hasher| hasher.update(&list.canonical));
                let answer = self.check.judge(&midstate, hasher);
                listed::judge(answer, &list.text, seen, package, supplied.sha1)?
            }
        };
        answer.kind = KIND;
        answer.notes.push(format!("role {}", self.role));
        Ok(answer)
    }
}

fn names(package: &Package) -> String {
    let [binary, control, data] = &package.contents;
    format!("{}, {} and {}", binary.name, control.name, data.name)
}

/// What one pass over the three members showed.
struct Seen {
    /// All three, one after the other.
    all: Midstate,
    /// What the signatures on them need beyond that, each hash once.
    hasher: Option<Hasher>,
    /// SHA-1 of each, where dpkg-sig asks for it.
    each: Vec<Vec<u8>>,
}

impl Seen {
    fn of(bytes: &dyn Bytes, package: &Package, expected: &[Expected]) -> Result<Self, Stop> {
        let detached = expected.iter().filter(|expected| expected.list.is_none());
        let hasher = Check::shared_hasher(detached.map(|expected| &expected.check))?;
        let mut seen = Self { all: Midstate::EMPTY, hasher, each: Vec::new() };
        let wants_each = expected.iter().any(|expected| expected.list.is_some());
        for member in &package.contents {
            let mut sha1 = wants_each.then(|| Algorithm::Sha1.start());
            let mut sinks: Vec<&mut dyn Sink> = vec![&mut seen.all];
            sinks.extend(seen.hasher.iter_mut().map(|hasher| -> &mut dyn Sink { hasher }));
            sinks.extend(sha1.iter_mut().map(|sha1| -> &mut dyn Sink { sha1 }));
            pass(&member.content(bytes)?, &mut sinks)?;
            seen.each.extend(sha1.map(super::digest::Digest::finish));
        }
        Ok(seen)
    }

    fn covered(&self, package: &Package) -> Covered {
        Covered { what: names(package), digest: self.all.digest() }
    }
}

/// Whether a file claims to be a package: an ar archive that begins with debian-binary.
pub fn begins(bytes: &dyn Bytes) -> io::Result<bool> {
    let mut start = [0; 21];
    if bytes.length() < 21 {
        return Ok(false);
    }
    bytes.read_at(0, &mut start)?;
    Ok(start == *b"!<arch>\ndebian-binary")
}
