// SPDX-License-Identifier: Apache-2.0
//! What an artifact says of itself: name, version, architecture, dates, and the scripts that it runs.
//!
//! In: an artifact's bytes. Out: [`Inside`], or nothing where the format is not one that is read here or where it
//! is damaged: what people would like to know decides nothing, so it refuses nothing. Nothing here proves who
//! said it; a vendor's signature covers all of it where it covers the artifact, since only such parts are read.
//!
//! Bytes may be hostile. Each reader takes a bounded part into memory, follows no number beyond the file, and
//! text that could turn or hide what stands beside it is no answer.
#![deny(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::indexing_slicing)]

mod archive;
mod fields;
mod flat_package;
mod installer;
mod packages;
mod program;

use std::fs::File;
use std::io;
use std::path::Path;

use manifests::bundle::{Arch, Platform};
use manifests::digest::Sha256Digest;
use manifests::name::{BundleVersion, is_control_or_bidi};
use manifests::time::Timestamp;
use verifier::bytes::{Bytes, FileBytes};
use verifier::hash::Kernel;
use verifier::hash::sha256::Midstate;
use verifier::signature::Stop;

use crate::failure::Failure;

pub use flat_package::MAX_XML_BYTES;
pub use installer::MAX_TABLE_BYTES;
pub use program::{MAX_BUILD_INFORMATION_BYTES, MAX_SEARCHED_BYTES};

/// Bytes of a name, a version and the like: real ones have a dozen, module paths up to a hundred.
pub const MAX_CLAIM_BYTES: usize = 256;

/// What an artifact says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inside {
    /// What is kept in the lock.
    pub facts: Facts,
    /// What it runs when it is installed or removed, in a fixed order.
    pub scripts: Vec<Script>,
}

/// What an artifact says of itself, as the lock keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Its name: of the package, the product, or the module.
    pub name: Option<String>,
    /// Its version, in the vendor's own spelling.
    pub version: Option<String>,
    /// What it runs on, in the format's own words: `x86_64`, `amd64`, `x64`, `linux/arm64`.
    pub arch: Option<String>,
    /// When it was made, or the newest source in it.
    pub made_at: Option<Timestamp>,
    /// What Windows Installer knows the product by.
    pub product_code: Option<String>,
    /// What it was built with.
    pub toolchain: Option<String>,
    /// SHA-256 over the scripts that it runs, where it has any.
    pub scripts: Option<Sha256Digest>,
}

/// A script that a package runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// As the format calls it: `%post`, `postinst`.
    pub name: String,
    /// What runs it, where the package says so beside the script.
    pub interpreter: Option<String>,
    /// Its text; none where it is too long to be read.
    pub text: Option<Vec<u8>>,
}

impl Facts {
    /// The version as a manifest can carry it: a plain name. The epoch of a package goes, which says nothing to
    /// people; a version with other characters is not carried.
    pub fn label(&self) -> Option<BundleVersion> {
        let version = self.version.as_deref()?;
        let label = match version.split_once(':') {
            Some((epoch, rest)) if epoch.bytes().all(|byte| byte.is_ascii_digit()) => rest,
            _ => version,
        };
        BundleVersion::new(label).ok()
    }
}

impl Inside {
    /// With the digest over the scripts; none where nothing was found out.
    fn new(facts: Facts, scripts: Vec<Script>) -> Option<Self> {
        let facts = Facts { scripts: digest(&scripts), ..facts };
        (facts != Facts::default()).then_some(Self { facts, scripts })
    }
}

/// SHA-256 over name, zero, interpreter, zero, length in eight bytes (big-endian), text of each script. One that
/// is too long to be read has the length 2⁶⁴ − 1 and no text.
fn digest(scripts: &[Script]) -> Option<Sha256Digest> {
    let (kernel, mut state) = (Kernel::detect(), Midstate::EMPTY);
    for script in scripts {
        let text = script.text.as_deref();
        let length = text.map_or(u64::MAX, |text| text.length());
        for part in [
            script.name.as_bytes(),
            &[0],
            script.interpreter.as_deref().unwrap_or_default().as_bytes(),
            &[0],
            &length.to_be_bytes(),
            text.unwrap_or_default(),
        ] {
            state.update(kernel, part);
        }
    }
    (!scripts.is_empty()).then(|| state.digest())
}

/// What a file says of itself. An error is the machine's.
pub fn read(bytes: &dyn Bytes) -> io::Result<Option<Inside>> {
    let mut start = [0; 8];
    let length = usize::try_from(bytes.length()).unwrap_or(usize::MAX).min(start.len());
    bytes.read_at(0, start.get_mut(..length).unwrap_or_default())?;
    let found = match start {
        [0xed, 0xab, 0xee, 0xdb, ..] => packages::rpm(bytes),
        [b'!', b'<', b'a', b'r', b'c', b'h', b'>', b'\n'] => packages::deb(bytes),
        [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1] => installer::read(bytes),
        [b'x', b'a', b'r', b'!', ..] => flat_package::read(bytes),
        [b'P', b'K', 3, 4, ..] => archive::read(bytes),
        start => program::read(bytes, start),
    };
    match found {
        Ok(inside) => Ok(inside),
        Err(Stop::Found(..)) => Ok(None),
        Err(Stop::Read(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(Stop::Read(error)) => Err(error),
    }
}

/// Whether a file is a package whose scripts are read, by its first bytes: where [`read`] finds nothing in one, it
/// may run what nobody has seen.
pub fn runs_scripts(bytes: &dyn Bytes) -> io::Result<bool> {
    let mut start = [0; 8];
    if bytes.length() < 8 {
        return Ok(false);
    }
    bytes.read_at(0, &mut start)?;
    Ok(start.starts_with(&[0xed, 0xab, 0xee, 0xdb]) || start == *b"!<arch>\n")
}

/// What a file of this machine says of itself.
pub fn of_file(path: &Path) -> Result<Option<Inside>, Failure> {
    File::open(path)
        .and_then(FileBytes::new)
        .and_then(|bytes| read(&bytes))
        .map_err(|error| Failure::reading(path.display().to_string(), &error))
}

/// What an artifact says of itself and its recipe does not: that it is for other processors.
pub fn other_platform(platform: Option<Platform>, facts: Option<&Facts>) -> Option<String> {
    let wanted = platform?.arch?;
    let said = facts?.arch.as_deref()?;
    let lower = said.to_ascii_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let is = |arch: Arch| {
        words.iter().any(|word| {
            *word == arch.as_str() || *word == arch.machine() || (*word == "x64" && arch == Arch::Amd64)
        })
    };
    let other = Arch::ALL.iter().copied().any(|arch| arch != wanted && is(arch));
    (other && !is(wanted))
        .then(|| format!("the file says that it is for {said}, the recipe says {}", wanted.as_str()))
}

/// Text that is short enough and does nothing to what stands beside it.
fn claim(text: impl AsRef<str>) -> Option<String> {
    let text = text.as_ref().trim();
    let plain = !text.is_empty() && text.len() <= MAX_CLAIM_BYTES && !text.chars().any(is_control_or_bidi);
    plain.then(|| text.to_owned())
}

/// The same out of bytes, which must be UTF-8.
fn claim_of(bytes: &[u8]) -> Option<String> {
    claim(std::str::from_utf8(bytes).ok()?)
}
