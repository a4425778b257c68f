// SPDX-License-Identifier: Apache-2.0
//! An RPM package, taken apart: lead, signature header, package header, payload.
//!
//! In: bytes. Out: the signatures that stand in the signature header, and the claims of the package header,
//! which mean something once a signature over that header holds. Nothing in the signature header is signed;
//! nothing in it is used but the signatures, and digests that can only refuse.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use manifests::digest::Sha256Digest;

use super::super::digest::{Algorithm, sha256};
use super::super::{Reason, Stop};
use super::header::{Extent, Header, INTRODUCTION, Role, malformed};
use crate::bytes::Bytes;

/// The lead: what `file` looks at. Nothing in it but magic, version, type and kind of signature is read.
pub const LEAD: usize = 96;
/// What every package begins with.
pub const MAGIC: [u8; 4] = [0xed, 0xab, 0xee, 0xdb];
/// `RPMSIGTYPE_HEADERSIG`, the one kind of signature since rpm 3.
const HEADER_SIGNATURE: [u8; 2] = [0, 5];

/// Signature header: header signatures (DSA, ECDSA and EdDSA; RSA), one OpenPGP packet each.
const HEADER_SIGNATURES: [u32; 2] = [267, 268];
/// Signature header: header signatures since rpm 6, as texts in base64.
const OPENPGP: u32 = 278;
/// Signatures in that tag, as many as are read of one file: there may be as many texts as bytes.
pub const MAX_OPENPGP_TEXTS: usize = 32;
/// Bytes of a field of the package's name that are shown.
const SHOWN: usize = 300;
/// Signature header: signatures over header and payload (RSA; DSA), as rpm 3 and 4 wrote them.
const LEGACY_SIGNATURES: [u32; 2] = [1002, 1005];
/// Signature header: MD5 over header and payload.
const MD5: u32 = 1004;
/// Signature header: digests of the package header, in hexadecimal.
const HEADER_DIGESTS: [(u32, Hash); 3] =
    [(269, Hash::Known(Algorithm::Sha1)), (273, Hash::Known(Algorithm::Sha256)), (279, Hash::Sha3)];

/// Package header: digests of the payload as it is stored.
const PAYLOAD_DIGEST: u32 = 5092;
/// Package header: the algorithm of 5092, by its number in OpenPGP; SHA-256 where it is absent (version 6).
const PAYLOAD_DIGEST_ALGORITHM: u32 = 5093;
/// Package header, version 6: more digests of the payload (`PAYLOADSHA512`, `PAYLOADSHA3_256`).
const MORE_PAYLOAD_DIGESTS: [(u32, Hash); 2] = [(5121, Hash::Known(Algorithm::Sha512)), (5123, Hash::Sha3)];

/// Package header: name.
pub const NAME: u32 = 1000;
/// Package header: version.
pub const VERSION: u32 = 1001;
/// Package header: release.
pub const RELEASE: u32 = 1002;
/// Package header: epoch, a number that comes before the version.
pub const EPOCH: u32 = 1003;
/// Package header: architecture.
pub const ARCHITECTURE: u32 = 1022;
/// Package header: the mark of a source package.
pub const SOURCE_PACKAGE: u32 = 1106;

/// A hash that RPM names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// One that other formats have too.
    Known(Algorithm),
    /// SHA3-256.
    Sha3,
}

impl Hash {
    /// How people write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Known(algorithm) => algorithm.name(),
            Self::Sha3 => "SHA3-256",
        }
    }

    const fn length(self) -> usize {
        match self {
            Self::Known(algorithm) => algorithm.length(),
            Self::Sha3 => 32,
        }
    }
}

/// A digest that the package claims of a part of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// By which hash.
    pub hash: Hash,
    /// The digest.
    pub digest: Vec<u8>,
}

impl Claim {
    fn read(header: &Header, role: Role, tag: u32, hash: Hash) -> Result<Option<Self>, Stop> {
        if !header.has(tag) {
            return Ok(None);
        }
        let fits = |text: &&[u8]| text.len() == hash.length().saturating_mul(2);
        let digest = header.text(tag).filter(fits).and_then(hexadecimal);
        match digest {
            Some(digest) => Ok(Some(Self { hash, digest })),
            None => malformed(role, format!("tag {tag}: not a digest by {}", hash.name())),
        }
    }
}

/// A package whose structure is sound.
#[derive(Debug)]
pub struct Package {
    signatures: Header,
    header: Header,
    /// Where the payload begins. It goes on to the end of the file.
    pub payload: u64,
}

impl Package {
    /// Reads lead and headers; the payload is left alone.
    pub fn read(bytes: &dyn Bytes) -> Result<Self, Stop> {
        check_lead(&read(bytes, 0, LEAD)?)?;
        let (signatures, after) = read_header(bytes, Role::Signature, LEAD)?;
        // The package header begins at a multiple of eight bytes.
        let start = after.next_multiple_of(8);
        if read(bytes, after, start.saturating_sub(after))?.iter().any(|byte| *byte != 0) {
            return malformed(Role::Signature, "the padding behind it is not zero");
        }
        let (header, payload) = read_header(bytes, Role::Package, start)?;
        Ok(Self { signatures, header, payload: u64::try_from(payload).unwrap_or(u64::MAX) })
    }

    /// The package header as it is stored, which signatures cover.
    pub fn header(&self) -> &[u8] {
        self.header.blob()
    }

    /// Its bytes.
    pub fn header_length(&self) -> u64 {
        u64::try_from(self.header.blob().len()).unwrap_or(u64::MAX)
    }

    /// The tags of the package header: what a signature over it covers.
    pub const fn tags(&self) -> &Header {
        &self.header
    }

    /// Its digest.
    pub fn header_digest(&self) -> Sha256Digest {
        sha256(self.header.blob())
    }

    /// Signatures over the header.
    pub fn header_signatures(&self) -> Result<Vec<Vec<u8>>, Stop> {
        let mut found = self.packets(&HEADER_SIGNATURES)?;
        if self.signatures.has(OPENPGP) {
            let Some(texts) = self.signatures.texts(OPENPGP) else {
                return malformed(Role::Signature, "tag 278: signatures are texts");
            };
            for (number, text) in texts.enumerate() {
                if number == MAX_OPENPGP_TEXTS {
                    let note = format!("signature header: tag 278: over {MAX_OPENPGP_TEXTS} signatures");
                    return Err(Stop::found(Reason::LimitExceeded, note));
                }
                match STANDARD.decode(text) {
                    Ok(packet) => found.push(packet),
                    Err(_) => return malformed(Role::Signature, "tag 278: not base64"),
                }
            }
        }
        Ok(found)
    }

    /// Signatures over header and payload.
    pub fn legacy_signatures(&self) -> Result<Vec<Vec<u8>>, Stop> {
        self.packets(&LEGACY_SIGNATURES)
    }

    fn packets(&self, tags: &[u32]) -> Result<Vec<Vec<u8>>, Stop> {
        let mut found = Vec::new();
        for tag in tags.iter().filter(|tag| self.signatures.has(**tag)) {
            // RFC 9580 §4.2: the first bit of a packet is set. Armour has no place here.
            match self
                .signatures
                .binary(*tag)
                .filter(|packet| packet.first().is_some_and(|byte| byte & 0x80 != 0))
            {
                Some(packet) => found.push(packet.to_vec()),
                None => {
                    let note = format!("signature header: tag {tag} holds no OpenPGP packet");
                    return Err(Stop::found(Reason::SignatureMalformed, note));
                }
            }
        }
        Ok(found)
    }

    /// Digests of the header that stand, unsigned, in the signature header.
    pub fn header_claims(&self) -> Result<Vec<Claim>, Stop> {
        let read = |(tag, hash)| Claim::read(&self.signatures, Role::Signature, tag, hash).transpose();
        HEADER_DIGESTS.into_iter().filter_map(read).collect()
    }

    /// Digests of the payload that stand in the header.
    pub fn payload_claims(&self) -> Result<Vec<Claim>, Stop> {
        let mut claims = Vec::new();
        if self.header.has(PAYLOAD_DIGEST) {
            // By another algorithm, see `unread_payload_digest`.
            if let Some(hash) = self.payload_algorithm() {
                claims.extend(Claim::read(&self.header, Role::Package, PAYLOAD_DIGEST, Hash::Known(hash))?);
            }
        }
        for (tag, hash) in MORE_PAYLOAD_DIGESTS {
            claims.extend(Claim::read(&self.header, Role::Package, tag, hash)?);
        }
        Ok(claims)
    }

    /// Why the digest of the payload that stands in the header is not read, where it is of an algorithm that
    /// proves nothing, or nothing to us.
    pub fn unread_payload_digest(&self) -> Option<Reason> {
        if !self.header.has(PAYLOAD_DIGEST) || self.payload_algorithm().is_some() {
            return None;
        }
        // RFC 9580 §9.5: 1 is MD5, 3 RIPEMD-160.
        let weak = matches!(self.header.integer(PAYLOAD_DIGEST_ALGORITHM), Some(1 | 3));
        Some(if weak { Reason::WeakHash } else { Reason::UnknownAlgorithm })
    }

    fn payload_algorithm(&self) -> Option<Algorithm> {
        // RFC 9580 §9.5.
        match self.header.integer(PAYLOAD_DIGEST_ALGORITHM) {
            None => (!self.header.has(PAYLOAD_DIGEST_ALGORITHM)).then_some(Algorithm::Sha256),
            Some(2) => Some(Algorithm::Sha1),
            Some(8) => Some(Algorithm::Sha256),
            Some(9) => Some(Algorithm::Sha384),
            Some(10) => Some(Algorithm::Sha512),
            Some(11) => Some(Algorithm::Sha224),
            Some(_) => None,
        }
    }

    /// Whether MD5 of header and payload stands in the signature header.
    pub fn has_md5(&self) -> bool {
        self.signatures.has(MD5)
    }

    /// `name-[epoch:]version-release.architecture`, as rpm prints it.
    pub fn name(&self) -> String {
        let shown = |text: &'_ [u8]| -> String {
            String::from_utf8_lossy(text.get(..SHOWN).unwrap_or(text)).into_owned()
        };
        let text = |tag| self.header.text(tag).map_or_else(|| "?".to_owned(), shown);
        let epoch = self.header.integer(EPOCH).map_or_else(String::new, |epoch| format!("{epoch}:"));
        let architecture =
            if self.header.has(SOURCE_PACKAGE) { "src".to_owned() } else { text(ARCHITECTURE) };
        let name = format!("{}-{epoch}{}-{}.{architecture}", text(NAME), text(VERSION), text(RELEASE));
        name.chars().take(SHOWN).collect()
    }
}

fn check_lead(lead: &[u8]) -> Result<(), Stop> {
    let refuse = |note: &str| Err(Stop::found(Reason::FileMalformed, format!("lead: {note}")));
    if !lead.starts_with(&MAGIC) {
        return refuse("no RPM package: it does not begin with the magic number");
    }
    match (lead.get(4), lead.get(6..8)) {
        (Some(3 | 4 | 6), Some([0, 0 | 1])) => {}
        _ => return refuse("neither a binary nor a source package of version 3, 4 or 6"),
    }
    if lead.get(78..80) != Some(&HEADER_SIGNATURE) {
        return refuse("a kind of signature that no version of rpm since 3 writes");
    }
    Ok(())
}

fn read_header(bytes: &dyn Bytes, role: Role, at: usize) -> Result<(Header, usize), Stop> {
    let introduction = read(bytes, at, INTRODUCTION)?;
    let Some(introduction) = introduction.first_chunk() else { return malformed(role, "cut off") };
    let extent = Extent::read(role, introduction)?;
    let blob = read(bytes, at, extent.length())?;
    Ok((Header::new(role, extent, blob)?, at.saturating_add(extent.length())))
}

/// `length` bytes, which the limits of the headers bound.
fn read(bytes: &dyn Bytes, at: usize, length: usize) -> Result<Vec<u8>, Stop> {
    let (start, end) =
        (u64::try_from(at).ok(), at.checked_add(length).and_then(|end| u64::try_from(end).ok()));
    match (start, end) {
        // Before anything is allocated.
        (Some(start), Some(end)) if end <= bytes.length() => {
            let mut block = vec![0; length];
            bytes.read_at(start, &mut block)?;
            Ok(block)
        }
        _ => Err(Stop::found(
            Reason::FileMalformed,
            format!("ends after {} bytes, within its headers", bytes.length()),
        )),
    }
}

fn hexadecimal(text: &[u8]) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |[high, low]: &[u8; 2]| Some(digit(*high)?.checked_mul(16)?.saturating_add(digit(*low)?));
    rest.is_empty().then(|| pairs.iter().map(pair).collect::<Option<Vec<u8>>>())?
}
