// SPDX-License-Identifier: Apache-2.0
//! A repository's Packages file: its bytes in, the paragraphs that might describe one package out.
//!
//! Nothing is unpacked before size and digest stand in a signed Release: the file is read once for its digest, and
//! once more for its paragraphs. The second reading is hashed too, so that what was searched is what was listed.

use std::cell::RefCell;
use std::io::{self, BufReader, Read};

use super::super::deb::compression::{Compression, Streams};
use super::super::deb::control::Identity;
use super::super::digest::{Algorithm, Digest};
use super::super::pass::{Sink, pass};
use super::super::{Reason, Stop};
use super::release::is_digest;
use super::stanza::{Stanza, Stanzas};
use crate::bytes::{Bytes, Sequential};
use crate::hash::Kernel;
use crate::hash::sha256::Midstate;

/// A Packages file, unpacked. Debian's largest has 60 MiB.
pub const MAX_PACKAGES_BYTES: u64 = 1024 * 1024 * 1024;
/// Paragraphs that have the size or the name of one package.
pub const MAX_CANDIDATES: usize = 4096;

/// A paragraph that might be about the package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Name, version, architecture.
    pub identity: Identity,
    /// Bytes of the .deb.
    pub size: u64,
    /// Its digest by the strongest algorithm named, and which that is.
    pub digest: Option<(Algorithm, String)>,
}

/// The digest of a file as it is stored, in hexadecimal.
pub(super) fn digest(packages: &dyn Bytes, algorithm: Algorithm) -> io::Result<String> {
    let mut running = Running::new(algorithm);
    pass(packages, &mut [&mut running])?;
    Ok(running.finish())
}

/// Reads all of `packages`, whose digest is `expected`; looks for packages of `size` bytes, or with the identity of
/// `package`.
pub fn search(
    packages: &dyn Bytes,
    (algorithm, expected): (Algorithm, &str),
    size: u64,
    package: Option<&Identity>,
) -> Result<Vec<Candidate>, Stop> {
    let state = RefCell::new(Running::new(algorithm));
    let mut hashed = Hashed { inner: Sequential::new(packages), state: &state };
    let candidates = match find(packages, &mut hashed, size, package) {
        Err(Stop::Read(error)) => return Err(Stop::Read(error)),
        other => other,
    };
    // What the search did not want belongs to the digest all the same.
    io::copy(&mut hashed, &mut io::sink())?;
    if state.into_inner().finish() != expected {
        return Err(Stop::found(Reason::DigestMismatch, "Packages changed while it was read"));
    }
    candidates
}

fn find(
    packages: &dyn Bytes,
    hashed: &mut impl Read,
    size: u64,
    package: Option<&Identity>,
) -> Result<Vec<Candidate>, Stop> {
    let content = Compression::of(packages)?.open(hashed, Streams::Several)?;
    let mut bounded = content.take(MAX_PACKAGES_BYTES);
    let mut stanzas = Stanzas::new(BufReader::with_capacity(64 * 1024, &mut bounded), "Packages");
    let mut found = Vec::new();
    while let Some(stanza) = stanzas.next_stanza()? {
        let candidate = candidate(&stanza)?;
        if candidate.size == size || package.is_some_and(|package| *package == candidate.identity) {
            if found.len() == MAX_CANDIDATES {
                let note = format!("Packages: more than {MAX_CANDIDATES} packages of one size or name");
                return Err(Stop::found(Reason::LimitExceeded, note));
            }
            found.push(candidate);
        }
    }
    if bounded.limit() == 0 {
        return Err(Stop::found(Reason::LimitExceeded, format!("Packages: over {MAX_PACKAGES_BYTES} bytes")));
    }
    Ok(found)
}

fn candidate(stanza: &Stanza) -> Result<Candidate, Stop> {
    let broken = |note: &str| Err(Stop::found(Reason::FileMalformed, format!("Packages: {note}")));
    let Some(identity) = Identity::of(stanza)? else {
        return broken("a paragraph without Package, Version or Architecture");
    };
    let Some(size) = stanza.get("size").and_then(|size| size.parse().ok()) else {
        return broken(&format!("{identity}: no size"));
    };
    let mut digest = None;
    let fields = [("sha1", Algorithm::Sha1), ("sha512", Algorithm::Sha512), ("sha256", Algorithm::Sha256)];
    for (field, algorithm) in fields {
        match stanza.get(field) {
            Some(text) if !is_digest(algorithm, text) => {
                return broken(&format!("{identity}: {field} is no digest"));
            }
            Some(text) => digest = Some((algorithm, text.to_ascii_lowercase())),
            None => {}
        }
    }
    Ok(Candidate { identity, size, digest })
}

/// A digest by any algorithm; SHA-256 by the fast kernels.
pub(super) enum Running {
    Sha256(Box<Midstate>),
    Other(Box<Digest>),
}

impl Running {
    pub(super) fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(Box::new(Midstate::EMPTY)),
            other => Self::Other(Box::new(other.start())),
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(midstate) => midstate.update(Kernel::detect(), bytes),
            Self::Other(digest) => digest.update(bytes),
        }
    }

    pub(super) fn finish(self) -> String {
        let digest = match self {
            Self::Sha256(midstate) => midstate.digest().as_bytes().to_vec(),
            Self::Other(digest) => digest.finish(),
        };
        manifests::digest::hex(&digest)
    }
}

impl Sink for Running {
    fn take(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }
}

/// A reader that hashes what goes through it.
struct Hashed<'a> {
    inner: Sequential<'a>,
    state: &'a RefCell<Running>,
}

impl Read for Hashed<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        self.state.borrow_mut().update(into.get(..count).unwrap_or_default());
        Ok(count)
    }
}
