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

use super::super::digest::{Algorithm, Digest};
use crate::hash::sha256::Midstate;

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

/// A digest that is being computed: by our own code where it is faster.
#[derive(Clone)]
enum Running {
    Own(Box<Digest>),
    Library(Context),
}

impl Running {
    /// None for a hash that is not known.
    fn start(algorithm: HashAlgorithm) -> Option<Self> {
        match algorithm {
            HashAlgorithm::SHA384 => Some(Self::Own(Box::new(Algorithm::Sha384.start()))),
            HashAlgorithm::SHA512 => Some(Self::Own(Box::new(Algorithm::Sha512.start()))),
            other => Some(Self::Library(other.context().ok()?.for_digest())),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Own(digest) => digest.update(bytes),
            Self::Library(context) => context.update(bytes),
        }
    }

    /// None for one under attack: SHA-1 notices input that was made to collide.
    fn finish(self) -> Option<Vec<u8>> {
        match self {
            Self::Own(digest) => Some(digest.finish()),
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
    fn every_version_hash_and_mode_gives_what_the_library_would_compute() {
        use sequoia_openpgp::crypto::hash::Hash;
        use sequoia_openpgp::parse::Parse;
        const BINARY: u8 = 0;
        const TEXT: u8 = 1;
        // SHA-1, SHA-256, SHA-384, SHA-512 and SHA3-256, and the length of the salt with each (RFC 9580 §9.5).
        let hashes = [(2, 16), (8, 16), (9, 24), (10, 32), (12, 16)];
        let mut signatures = Vec::new();
        for (kind, (hash, salt)) in
            [BINARY, TEXT].into_iter().flat_map(|kind| hashes.map(|hash| (kind, hash)))
        {
            // The date 0x01020304; RSA with a number of one bit, or Ed25519.
            let date = b"\x01\x02\x03\x04";
            let third = [&[3, 5, kind], &date[..], b"ABCDEFGH", &[1, hash], b"\xaa\xbb\x00\x01\x01"].concat();
            let area = [b"\x06\x05\x02", &date[..]].concat();
            let fourth = [&[4, kind, 1, hash, 0], &area[..], b"\x00\x00\xaa\xbb\x00\x01\x01"].concat();
            let salted = [vec![salt], vec![7; usize::from(salt)], vec![9; 64]].concat();
            let sixth = [&[6, kind, 27, hash, 0, 0, 0], &area[..], b"\0\0\0\0\xaa\xbb", &salted].concat();
            for (version, bytes) in [(3, third), (4, fourth), (6, sixth)] {
                let signature = Signature::from_bytes(&bytes).unwrap();
                assert_eq!(signature.version(), version);
                signatures.push(signature);
            }
        }
        let data = b"one\ntwo\r\nthree\rfour".repeat(1000);
        let lines = b"one\r\ntwo\r\nthree\r\nfour".repeat(1000);
        let (mut hasher, mut file) = (Hasher::new(signatures.iter()), Midstate::EMPTY);
        // Versions 3 and 4 share; SHA-256 of the plain file is the file's own.
        assert_eq!(hasher.streams(), 2 * 2 * hashes.len() - 1);
        for chunk in data.chunks(6007) {
            hasher.update(chunk);
            file.update(crate::hash::Kernel::detect(), chunk);
        }
        for signature in &signatures {
            let mut context = signature.hash_algo().context().unwrap().for_signature(signature.version());
            context.update(signature.salt().unwrap_or_default());
            context.update(if signature.typ() == SignatureType::Text { &lines } else { &data });
            signature.hash(&mut context).unwrap();
            let expected = context.into_digest().unwrap();
            assert_eq!(hasher.digest(signature, &file), Some(expected), "{signature:?}");
        }
    }
}
