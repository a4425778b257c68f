// SPDX-License-Identifier: Apache-2.0
//! The digest that a signature covers: a file's bytes in, front to back; digests out.
//!
//! A signature's digest is that of a salt (version 6), the file (with CR LF line ends in text mode) and a
//! trailer made of the signature's own fields (RFC 9580 §5.2.4). Where that is SHA-256 of the plain file
//! and a trailer, the file's own midstate serves; for the rest each distinct hash, mode and salt runs once.

use sequoia_openpgp::crypto::hash::Context;
use sequoia_openpgp::packet::Signature;
use sequoia_openpgp::serialize::MarshalInto;
use sequoia_openpgp::types::{HashAlgorithm, SignatureType};
use sha2::Digest as _;

use crate::hash::sha256::Midstate;
use crate::hash::sha512::Sha512;

/// What two signatures must have in common to share one pass over the file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shape {
    algorithm: HashAlgorithm,
    mode: Mode,
    salt: Vec<u8>,
}

/// Whether a signature covers bytes, or lines whatever ends them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Binary,
    Text,
}

impl Mode {
    pub(super) fn of(signature: &Signature) -> Self {
        if signature.typ() == SignatureType::Text { Self::Text } else { Self::Binary }
    }
}

impl Shape {
    fn of(signature: &Signature) -> Self {
        Self {
            algorithm: signature.hash_algo(),
            mode: Mode::of(signature),
            salt: signature.salt().unwrap_or_default().to_vec(),
        }
    }

    fn is_plain_sha256(&self) -> bool {
        self.algorithm == HashAlgorithm::SHA256 && self.mode == Mode::Binary && self.salt.is_empty()
    }
}

/// Hashes a file for the signatures that need more than its SHA-256.
#[derive(Clone)]
pub struct Hasher {
    streams: Vec<Stream>,
    length: u64,
}

#[derive(Clone)]
struct Stream {
    shape: Shape,
    digest: Running,
    after_carriage_return: bool,
}

/// A digest that is being computed: SHA-512, which most signatures use that have not SHA-256, by our own code.
#[derive(Clone)]
enum Running {
    Sha512(Sha512),
    Library(Context),
}

impl Running {
    /// None for a hash that is not known.
    fn start(algorithm: HashAlgorithm) -> Option<Self> {
        match algorithm {
            HashAlgorithm::SHA512 => Some(Self::Sha512(Sha512::new())),
            other => Some(Self::Library(other.context().ok()?.for_digest())),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha512(digest) => digest.update(bytes),
            Self::Library(context) => context.update(bytes),
        }
    }

    /// None for one under attack: SHA-1 notices input that was made to collide.
    fn finish(self) -> Option<Vec<u8>> {
        match self {
            Self::Sha512(digest) => Some(digest.finalize().to_vec()),
            Self::Library(context) => context.into_digest().ok(),
        }
    }
}

impl Hasher {
    /// For all of `signatures` that the file's midstate does not serve.
    ///
    /// A hash that is not known has no stream: [`Hasher::digest`] then has no answer.
    pub(super) fn new<'a>(signatures: impl Iterator<Item = &'a Signature>) -> Self {
        let mut streams: Vec<Stream> = Vec::new();
        for shape in signatures.map(Shape::of).filter(|shape| !shape.is_plain_sha256()) {
            if streams.iter().any(|stream| stream.shape == shape) {
                continue;
            }
            if let Some(mut digest) = Running::start(shape.algorithm) {
                digest.update(&shape.salt);
                streams.push(Stream { shape, digest, after_carriage_return: false });
            }
        }
        Self { streams, length: 0 }
    }

    /// Passes over the file that run side by side.
    pub(super) fn streams(&self) -> usize {
        self.streams.len()
    }

    /// Takes over what `other` computes beyond this; both have seen the same bytes.
    pub(super) fn unite(&mut self, other: Self) {
        for stream in other.streams {
            if self.streams.iter().all(|own| own.shape != stream.shape) {
                self.streams.push(stream);
            }
        }
    }

    /// Whether it computes all that `needed` does.
    pub(super) fn serves(&self, needed: &Self) -> bool {
        needed.streams.iter().all(|stream| self.streams.iter().any(|own| own.shape == stream.shape))
    }

    /// The next bytes of the file.
    pub fn update(&mut self, bytes: &[u8]) {
        self.length = self.length.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        for stream in &mut self.streams {
            match stream.shape.mode {
                Mode::Binary => stream.digest.update(bytes),
                Mode::Text => stream.update_text(bytes),
            }
        }
    }

    /// Bytes seen so far.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The digest that `signature` must be over; none for a hash that is not known, or one under attack.
    pub(super) fn digest(&self, signature: &Signature, file: &Midstate) -> Option<Vec<u8>> {
        let shape = Shape::of(signature);
        let trailer = trailer(signature)?;
        if shape.is_plain_sha256() {
            return Some(file.digest_with(&trailer).as_bytes().to_vec());
        }
        let mut digest = self.streams.iter().find(|stream| stream.shape == shape)?.digest.clone();
        digest.update(&trailer);
        digest.finish()
    }
}

impl Stream {
    /// RFC 9580 §5.2.1.2: every line end becomes CR LF. A lone CR or LF counts as one, as in sequoia.
    fn update_text(&mut self, bytes: &[u8]) {
        const KEPT: usize = 16 * 1024;
        let mut line = Vec::with_capacity(KEPT);
        for &byte in bytes {
            match byte {
                b'\n' if self.after_carriage_return => {}
                b'\r' | b'\n' => line.extend_from_slice(b"\r\n"),
                other => line.push(other),
            }
            self.after_carriage_return = byte == b'\r';
            if line.len() >= KEPT.saturating_sub(1) {
                self.digest.update(&line);
                line.clear();
            }
        }
        self.digest.update(&line);
    }
}

/// What follows the file in the digest of a signature, by its version (RFC 9580 §5.2.4); none for others.
fn trailer(signature: &Signature) -> Option<Vec<u8>> {
    let (version, kind) = (signature.version(), u8::from(signature.typ()));
    if version == 3 {
        let created = signature.signature_creation_time()?.duration_since(std::time::UNIX_EPOCH).ok()?;
        let created = u32::try_from(created.as_secs()).ok()?;
        return Some([&[kind][..], &created.to_be_bytes()].concat());
    }
    let hashed = signature.hashed_area().to_vec().ok()?;
    let mut bytes = vec![version, kind, signature.pk_algo().into(), signature.hash_algo().into()];
    match version {
        4 => bytes.extend_from_slice(&u16::try_from(hashed.len()).ok()?.to_be_bytes()),
        6 => bytes.extend_from_slice(&u32::try_from(hashed.len()).ok()?.to_be_bytes()),
        _ => return None,
    }
    bytes.extend_from_slice(&hashed);
    let length = u32::try_from(bytes.len()).ok()?;
    bytes.extend_from_slice(&[version, 0xff]);
    bytes.extend_from_slice(&length.to_be_bytes());
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(chunks: &[&[u8]]) -> Vec<u8> {
        let shape = Shape { algorithm: HashAlgorithm::SHA512, mode: Mode::Text, salt: vec![] };
        let digest = Running::start(shape.algorithm).unwrap();
        let mut stream = Stream { shape, digest, after_carriage_return: false };
        chunks.iter().for_each(|chunk| stream.update_text(chunk));
        stream.digest.finish().unwrap()
    }

    #[test]
    fn every_line_end_becomes_crlf_wherever_the_blocks_are_cut() {
        use sha2::Digest;
        let mixed = b"one\ntwo\r\nthree\rfour\n\n\r\r\n\nfive\r";
        let plain = b"one\r\ntwo\r\nthree\r\nfour\r\n\r\n\r\n\r\n\r\nfive\r\n";
        let expected = sha2::Sha512::digest(plain).to_vec();
        for cut in 0..=mixed.len() {
            let (before, after) = mixed.split_at(cut);
            assert_eq!(text(&[before, b"", after]), expected, "cut at {cut}");
        }
        let long = vec![b'\n'; 100_000];
        assert_eq!(text(&[&long]), sha2::Sha512::digest(b"\r\n".repeat(100_000)).to_vec());
    }

    #[test]
    fn every_version_and_hash_gives_what_the_library_would_compute() {
        use sequoia_openpgp::crypto::hash::Hash;
        use sequoia_openpgp::parse::Parse;
        const SHA1: u8 = 2;
        const SHA256: u8 = 8;
        const SHA512: u8 = 10;
        for (hash, name) in [(SHA1, "SHA-1"), (SHA256, "SHA-256"), (SHA512, "SHA-512")] {
            // The date 0x01020304; RSA with a number of one bit, or Ed25519 with a salt as long as its digest's half.
            let third =
                [b"\x03\x05\x00\x01\x02\x03\x04ABCDEFGH\x01", &[hash][..], b"\xaa\xbb\x00\x01\x01"].concat();
            let date = b"\x06\x05\x02\x01\x02\x03\x04";
            let fourth = [b"\x04\x00\x01", &[hash, 0][..], date, b"\x00\x00\xaa\xbb\x00\x01\x01"].concat();
            let salt = vec![7; if hash == SHA512 { 32 } else { 16 }];
            let salted = [&[u8::try_from(salt.len()).unwrap()][..], &salt, &[9; 64]].concat();
            let sixth = [b"\x06\x00\x1b", &[hash, 0, 0, 0][..], date, b"\0\0\0\0\xaa\xbb", &salted].concat();
            for (version, bytes) in [(3, third), (4, fourth), (6, sixth)] {
                let signature = Signature::from_bytes(&bytes).unwrap();
                assert_eq!(signature.version(), version);
                let mut context = signature.hash_algo().context().unwrap().for_signature(signature.version());
                context.update(signature.salt().unwrap_or_default());
                context.update(b"data");
                signature.hash(&mut context).unwrap();
                let mut hasher = Hasher::new([&signature].into_iter());
                assert_eq!(
                    hasher.streams(),
                    usize::from(hash != SHA256 || version == 6),
                    "{name}, {version}"
                );
                hasher.update(b"data");
                let mut file = Midstate::EMPTY;
                file.update(crate::hash::Kernel::detect(), b"data");
                let expected = context.into_digest().unwrap();
                assert_eq!(hasher.digest(&signature, &file), Some(expected), "{name}, {version}");
            }
        }
    }
}
