// SPDX-License-Identifier: Apache-2.0
//! The control file of a .deb: the member `control.tar.*` in, name, version and architecture out.
//!
//! The tar is read front to back with no more than one block and the control file in memory. It must be whole,
//! with one control file and nothing that needs another program's opinion.

use std::collections::BTreeMap;
use std::io::{self, Read};

use super::super::apt::stanza::{MAX_STANZA_BYTES, Stanza, Stanzas};
use super::super::{Reason, Stop};
use super::ar::malformed;
use super::compression::is_about_content;
use crate::bytes::Bytes;

/// Bytes of a block, the unit of tar.
const BLOCK: usize = 512;
/// The content of control.tar: maintainer scripts, checksums of files, texts of questions.
pub const MAX_CONTROL_BYTES: u64 = 128 * 1024 * 1024;

/// The name, the version, the architecture of a package: file systems hold 255 bytes of all three together.
pub const MAX_IDENTITY_BYTES: usize = 1024;

/// What a package says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `Package`.
    pub package: String,
    /// `Version`.
    pub version: String,
    /// `Architecture`.
    pub architecture: String,
}

impl Identity {
    /// From a stanza that has all three, each of a length that can be kept.
    pub fn of(stanza: &Stanza) -> Result<Option<Self>, Stop> {
        let fields = ["package", "version", "architecture"].map(|name| stanza.get(name));
        if fields.iter().flatten().any(|value| value.len() > MAX_IDENTITY_BYTES) {
            let note = format!("Package, Version or Architecture over {MAX_IDENTITY_BYTES} bytes");
            return Err(Stop::found(Reason::LimitExceeded, note));
        }
        let [Some(package), Some(version), Some(architecture)] = fields.map(|value| value.map(str::to_owned))
        else {
            return Ok(None);
        };
        Ok(Some(Self { package, version, architecture }))
    }
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.package, self.version, self.architecture)
    }
}

/// Files of control.tar that dpkg runs, or that say what it runs (deb-preinst(5) and its like, deb-triggers(5)).
pub const SCRIPTS: [&str; 6] = ["config", "postinst", "postrm", "preinst", "prerm", "triggers"];
/// Bytes of one of them: real ones have some KiB. Larger ones are not read.
pub const MAX_SCRIPT_BYTES: u64 = 1024 * 1024;

/// What control.tar holds, as far as people want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// What the control file says.
    pub identity: Identity,
    /// When the control file was written, in seconds of Unix time.
    pub written: Option<u64>,
    /// The [`SCRIPTS`] that there are, by name; none for one over [`MAX_SCRIPT_BYTES`].
    pub scripts: BTreeMap<String, Option<Vec<u8>>>,
}

/// Reads the content of control.tar to its end, for what the package is.
pub fn identity(tar: impl Read) -> Result<Identity, Stop> {
    Ok(walk(tar, &[])?.identity)
}

/// Reads the content of control.tar to its end, for what the package is and what it runs.
pub fn control(tar: impl Read) -> Result<Control, Stop> {
    walk(tar, &SCRIPTS)
}

fn walk(tar: impl Read, wanted: &[&str]) -> Result<Control, Stop> {
    let mut tar = Tar { inner: tar.take(MAX_CONTROL_BYTES) };
    let (mut control, mut written) = (None, None);
    let mut scripts = BTreeMap::new();
    while let Some(entry) = tar.next_entry()? {
        let name = entry.name.strip_prefix(b"./").unwrap_or(&entry.name);
        if let Some(name) = wanted.iter().find(|wanted| wanted.as_bytes() == name) {
            let content = tar.script(&entry)?;
            if scripts.insert((*name).to_owned(), content).is_some() {
                return malformed(format!("control.tar: two files are called {name}"));
            }
            continue;
        }
        if name != b"control" {
            tar.skip(entry.padded)?;
            continue;
        }
        if control.is_some() || entry.kind != Kind::File {
            return malformed("control.tar: not exactly one control file");
        }
        if entry.length > u64::try_from(MAX_STANZA_BYTES).unwrap_or(u64::MAX) {
            return Err(Stop::found(
                Reason::LimitExceeded,
                format!("control file over {MAX_STANZA_BYTES} bytes"),
            ));
        }
        let mut content = Vec::new();
        tar.content(&entry, &mut content)?;
        written = entry.time;
        control = Some(content);
    }
    let Some(control) = control else { return malformed("control.tar: no control file in it") };
    let mut stanzas = Stanzas::new(control.as_slice(), "control");
    let identity = stanzas.next_stanza()?.as_ref().map(Identity::of).transpose()?.flatten();
    match (identity, stanzas.next_stanza()?) {
        (Some(identity), None) => Ok(Control { identity, written, scripts }),
        _ => malformed("control: not one paragraph with Package, Version and Architecture"),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    File,
    Other,
}

struct Entry {
    name: Vec<u8>,
    kind: Kind,
    time: Option<u64>,
    length: u64,
    /// With what fills the last block.
    padded: u64,
}

struct Tar<R> {
    inner: io::Take<R>,
}

impl<R: Read> Tar<R> {
    /// The next header; none at the end, behind which only zeros may stand.
    fn next_entry(&mut self) -> Result<Option<Entry>, Stop> {
        let mut block = [0; BLOCK];
        self.fill(&mut block)?;
        if block == [0; BLOCK] {
            self.only_zeros()?;
            return Ok(None);
        }
        let field = |from: usize, to: usize| block.get(from..to).unwrap_or_default();
        if !has_checksum(&block) {
            return malformed("control.tar: a header has a wrong checksum");
        }
        let Some(length) = octal(field(124, 136)).filter(|length| *length <= MAX_CONTROL_BYTES) else {
            return malformed("control.tar: the size of an entry is not a number");
        };
        let kind = match block.get(156) {
            Some(0 | b'0') => Kind::File,
            _ => Kind::Other,
        };
        let prefix = if field(257, 263) == b"ustar\0" { until_zero(field(345, 500)) } else { &[] };
        let name = until_zero(field(0, 100));
        let name = if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() };
        let time = octal(field(136, 148));
        Ok(Some(Entry { name, kind, time, length, padded: length.next_multiple_of(512) }))
    }

    fn skip(&mut self, bytes: u64) -> Result<(), Stop> {
        let skipped = io::copy(&mut (&mut self.inner).take(bytes), &mut io::sink()).map_err(stop)?;
        if skipped == bytes { Ok(()) } else { malformed("control.tar: ends too early") }
    }

    fn content(&mut self, entry: &Entry, into: &mut Vec<u8>) -> Result<(), Stop> {
        let read = (&mut self.inner).take(entry.length).read_to_end(into).map_err(stop)?;
        if u64::try_from(read).ok() != Some(entry.length) {
            return malformed("control.tar: ends too early");
        }
        self.skip(entry.padded.saturating_sub(entry.length))
    }

    /// A script; none where it is too long. A link has no content here, and is not followed.
    fn script(&mut self, entry: &Entry) -> Result<Option<Vec<u8>>, Stop> {
        if entry.length > MAX_SCRIPT_BYTES || entry.kind != Kind::File {
            self.skip(entry.padded)?;
            return Ok(None);
        }
        let mut content = Vec::new();
        self.content(entry, &mut content)?;
        Ok(Some(content))
    }

    fn fill(&mut self, block: &mut [u8; BLOCK]) -> Result<(), Stop> {
        self.inner.read_exact(block).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Stop::found(Reason::FileMalformed, "control.tar: ends too early"),
            _ => stop(error),
        })
    }

    fn only_zeros(&mut self) -> Result<(), Stop> {
        let mut block = [0; BLOCK];
        loop {
            let count = self.inner.read(&mut block).map_err(stop)?;
            if count == 0 {
                break;
            }
            if block.iter().take(count).any(|byte| *byte != 0) {
                return malformed("control.tar: bytes behind its end");
            }
        }
        if self.inner.limit() == 0 {
            let note = format!("control.tar: over {MAX_CONTROL_BYTES} bytes");
            return Err(Stop::found(Reason::LimitExceeded, note));
        }
        Ok(())
    }
}

/// Whether a tar that is not compressed begins with the header of an entry, whose name is not empty.
///
/// What follows control.tar must not begin with a zero: behind the end of a tar zeros may stand, and with such a
/// neighbour nobody could tell whose they are.
pub(super) fn begins_tar(bytes: &dyn Bytes) -> io::Result<bool> {
    let mut block = [0; BLOCK];
    if bytes.length() < u64::try_from(BLOCK).unwrap_or(u64::MAX) {
        return Ok(false);
    }
    bytes.read_at(0, &mut block)?;
    Ok(block.first() != Some(&0) && has_checksum(&block))
}

/// POSIX ustar: the sum of all bytes of a header, with blanks where it stands itself.
fn has_checksum(block: &[u8; BLOCK]) -> bool {
    let sum = block.iter().enumerate().fold(0_u64, |sum, (at, byte)| {
        sum.saturating_add(if (148..156).contains(&at) { u64::from(b' ') } else { u64::from(*byte) })
    });
    block.get(148..156).and_then(octal) == Some(sum)
}

/// What an error in reading amounts to.
fn stop(error: io::Error) -> Stop {
    if is_about_content(&error) {
        let note: String = error.to_string().chars().take(200).collect();
        Stop::found(Reason::FileMalformed, format!("control.tar: {note}"))
    } else {
        Stop::Read(error)
    }
}

fn until_zero(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Blanks, octal digits, then blanks or zeros (POSIX ustar).
fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?;
    u64::from_str_radix(text.trim_matches([' ', '\0']), 8).ok()
}
