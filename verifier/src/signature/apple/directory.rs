// SPDX-License-Identifier: Apache-2.0
//! CodeDirectories: a blob in, its fields and hashes out (`CS_CodeDirectory` in `osfmk/kern/cs_blobs.h`).
//!
//! A CodeDirectory binds the image: the hash of each page, and in slots that count downwards the hashes of
//! what belongs to it (Info.plist, requirements, resources, entitlements, …).

use super::fields::{Fields, Order, as_index, as_u64, malformed};
use super::superblob::is_code_directory;
use crate::signature::digest::Algorithm;
use crate::signature::{Reason, Stop};

/// Versions that are known: `CS_SUPPORTSEXECSEG` and their like are additions within them. XNU and
/// Security.framework (`CodeDirectory::compatibilityLimit`) refuse others too.
const VERSIONS: std::ops::Range<u32> = 0x2_0001..0x3_0000;

/// Most special slots: eleven are defined.
pub const MAX_SPECIAL_SLOTS: u32 = 64;

const HAS_SCATTER: u32 = 0x2_0100;
const HAS_TEAM: u32 = 0x2_0200;
const HAS_LIMIT_64: u32 = 0x2_0300;

const FLAG_AD_HOC: u32 = 0x2;
const FLAG_LINKER_SIGNED: u32 = 0x2_0000;
const FLAG_RUNTIME: u32 = 0x1_0000;

/// How a CodeDirectory hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HashKind {
    pub(super) algorithm: Algorithm,
    /// Bytes of the digest that are kept.
    pub(super) length: usize,
}

impl HashKind {
    /// By the number that the CodeDirectory states (`CS_HASHTYPE_…`).
    fn of(number: u8) -> Option<Self> {
        let (algorithm, length) = match number {
            1 => (Algorithm::Sha1, 20),
            2 => (Algorithm::Sha256, 32),
            3 => (Algorithm::Sha256, 20),
            4 => (Algorithm::Sha384, 48),
            5 => (Algorithm::Sha512, 64),
            _ => return None,
        };
        Some(Self { algorithm, length })
    }

    /// The digest of `bytes`, as long as it is kept.
    pub(super) fn digest(self, bytes: &[u8]) -> Vec<u8> {
        self.kept(self.algorithm.digest(bytes))
    }

    pub(super) fn kept(self, mut digest: Vec<u8>) -> Vec<u8> {
        digest.truncate(self.length);
        digest
    }
}

/// One CodeDirectory.
#[derive(Clone, Debug)]
pub(super) struct CodeDirectory<'a> {
    /// The blob, which the signature or the cdhashes attribute binds.
    pub(super) blob: &'a [u8],
    pub(super) hash: HashKind,
    flags: u32,
    /// What the signer calls the code.
    pub(super) identifier: &'a str,
    /// The signer's team, as the signer states it.
    pub(super) team: Option<&'a str>,
    /// Bytes of the image that the pages cover.
    pub(super) code_limit: u64,
    /// Bytes of a page; none: the whole is one page.
    pub(super) page_size: Option<u64>,
    /// The hashes of the pages, one after another.
    pub(super) pages: &'a [u8],
    special: &'a [u8],
}

impl<'a> CodeDirectory<'a> {
    pub(super) fn parse(blob: &'a [u8]) -> Result<Self, Stop> {
        is_code_directory(blob)?;
        let mut fields = Fields::new(blob, Order::Big, "a CodeDirectory");
        fields.take(8)?;
        let (version, flags) = (fields.u32()?, fields.u32()?);
        if !VERSIONS.contains(&version) {
            let note = format!("a CodeDirectory of version {version:#x}");
            return Err(Stop::found(Reason::ObsoleteVersion, note));
        }
        let (hashes, identifier) = (fields.u32()?, fields.u32()?);
        let (special_count, page_count, code_limit) = (fields.u32()?, fields.u32()?, fields.u32()?);
        let (hash_length, hash_kind) = (fields.u8()?, fields.u8()?);
        fields.u8()?; // platform: which of Apple's systems the code belongs to
        let page_shift = fields.u8()?;
        fields.u32()?; // spare
        let scatter = if version >= HAS_SCATTER { fields.u32()? } else { 0 };
        let team = if version >= HAS_TEAM { fields.u32()? } else { 0 };
        let wide_limit = if version >= HAS_LIMIT_64 { (fields.u32()?, fields.u64()?).1 } else { 0 };
        if scatter != 0 {
            return Err(malformed("a CodeDirectory with a scatter vector, which no current tool writes"));
        }
        let hash = HashKind::of(hash_kind).ok_or_else(|| {
            Stop::found(
                Reason::UnknownAlgorithm,
                format!("a CodeDirectory hashes by unknown kind {hash_kind}"),
            )
        })?;
        if usize::from(hash_length) != hash.length {
            return Err(malformed(format!(
                "a CodeDirectory by {} has hashes of {hash_length} bytes",
                hash.algorithm.name()
            )));
        }
        if special_count > MAX_SPECIAL_SLOTS {
            return Err(Stop::found(Reason::LimitExceeded, format!("{special_count} special slots")));
        }
        let code_limit = if wide_limit == 0 { u64::from(code_limit) } else { wide_limit };
        let page_size = match page_shift {
            0 => None,
            1..=31 => 1_u64.checked_shl(u32::from(page_shift)),
            _ => return Err(malformed(format!("pages of 2^{page_shift} bytes"))),
        };
        let wanted = page_size.map_or(1, |size| code_limit.div_ceil(size));
        if u64::from(page_count) != wanted {
            return Err(malformed(format!(
                "{wanted} pages cover the code, the CodeDirectory has {page_count}"
            )));
        }
        let (special, pages) = hash_tables(blob, as_index(hashes), special_count, page_count, hash)?;
        let team = if team == 0 { None } else { Some(text(blob, team, "team")?) };
        let identifier = text(blob, identifier, "identifier")?;
        Ok(Self { blob, hash, flags, identifier, team, code_limit, page_size, pages, special })
    }

    /// The full digest of the CodeDirectory by its own algorithm: its identity.
    pub(super) fn digest(&self) -> Vec<u8> {
        self.hash.algorithm.digest(self.blob)
    }

    /// What a special slot holds; none where it is absent or all zero (`not used`).
    pub(super) fn special(&self, slot: u32) -> Option<&'a [u8]> {
        // Slot 1 stands last, right before the pages.
        let from_end = as_index(slot).checked_mul(self.hash.length)?;
        let start = self.special.len().checked_sub(from_end)?;
        let hash = self.special.get(start..)?.get(..self.hash.length)?;
        hash.iter().any(|&byte| byte != 0).then_some(hash)
    }

    /// The numbers of all special slots that there is room for.
    pub(super) fn special_slots(&self) -> impl Iterator<Item = u32> + use<> {
        let count = self.special.len().checked_div(self.hash.length).unwrap_or(0);
        1..=u32::try_from(count).unwrap_or(0)
    }

    /// Signed by nobody: the hashes stand alone.
    pub(super) const fn is_ad_hoc(&self) -> bool {
        self.flags & FLAG_AD_HOC != 0
    }

    /// Such words of the flags as people know from `codesign -dv`.
    pub(super) fn flag_words(&self) -> Vec<&'static str> {
        let words =
            [(FLAG_AD_HOC, "adhoc"), (FLAG_RUNTIME, "runtime"), (FLAG_LINKER_SIGNED, "linker-signed")];
        words.into_iter().filter(|(bit, _)| self.flags & bit != 0).map(|(_, word)| word).collect()
    }

    /// Whether two CodeDirectories say the same about the same code, by different hashes.
    pub(super) fn agrees_with(&self, other: &Self) -> bool {
        (self.identifier, self.team, self.flags, self.code_limit)
            == (other.identifier, other.team, other.flags, other.code_limit)
            && self.hash != other.hash
    }
}

/// The special slots and the pages: hashes before and after the offset that the header names.
fn hash_tables(
    blob: &[u8],
    middle: usize,
    special_count: u32,
    page_count: u32,
    hash: HashKind,
) -> Result<(&[u8], &[u8]), Stop> {
    let beyond = || malformed("the hashes of a CodeDirectory lie beyond its end");
    let bytes = |count: u32| as_index(count).checked_mul(hash.length).ok_or_else(beyond);
    let start = middle.checked_sub(bytes(special_count)?).ok_or_else(beyond)?;
    let special = blob.get(start..middle).ok_or_else(beyond)?;
    let pages = blob.get(middle..).and_then(|rest| rest.get(..bytes(page_count).ok()?)).ok_or_else(beyond)?;
    Ok((special, pages))
}

/// Text that ends with a zero.
fn text<'a>(blob: &'a [u8], offset: u32, what: &str) -> Result<&'a str, Stop> {
    let rest = blob.get(as_index(offset)..).unwrap_or_default();
    let end = rest.iter().position(|&byte| byte == 0);
    let text = end.and_then(|end| rest.get(..end)).and_then(|bytes| std::str::from_utf8(bytes).ok());
    text.filter(|text| !text.is_empty() && as_u64(text.len()) <= 1024)
        .ok_or_else(|| malformed(format!("the {what} of a CodeDirectory is not text that ends with a zero")))
}
