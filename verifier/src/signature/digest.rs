// SPDX-License-Identifier: Apache-2.0
//! The digests that vendors' formats name, besides the SHA-256 of our own.

use manifests::digest::Sha256Digest;
use sha1collisiondetection::Sha1CD;
use sha2::digest::Digest as _;
use sha2::{Sha224, Sha256};

use crate::hash::sha512::{Sha384, Sha512};

/// A digest algorithm that is known here. Whether it is strong enough, a policy says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// 20 bytes; collisions can be made (since 2017). Input that was made to collide gets another digest here.
    Sha1,
    /// 28 bytes.
    Sha224,
    /// 32 bytes.
    Sha256,
    /// 48 bytes.
    Sha384,
    /// 64 bytes.
    Sha512,
}

impl Algorithm {
    /// How people write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA-1",
            Self::Sha224 => "SHA-224",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        }
    }

    /// Bytes of a digest.
    pub const fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// A digest of nothing yet.
    pub fn start(self) -> Digest {
        match self {
            Self::Sha1 => Digest::Sha1(Box::default()),
            Self::Sha224 => Digest::Sha224(Sha224::new()),
            Self::Sha256 => Digest::Sha256(Sha256::new()),
            Self::Sha384 => Digest::Sha384(Sha384::new()),
            Self::Sha512 => Digest::Sha512(Sha512::new()),
        }
    }

    /// The digest of all of `bytes`.
    pub fn digest(self, bytes: &[u8]) -> Vec<u8> {
        let mut digest = self.start();
        digest.update(bytes);
        digest.finish()
    }
}

/// A digest that is being computed.
#[derive(Clone, Debug)]
pub enum Digest {
    /// See [`Algorithm::Sha1`].
    Sha1(Box<Sha1CD>),
    /// See [`Algorithm::Sha224`].
    Sha224(Sha224),
    /// See [`Algorithm::Sha256`].
    Sha256(Sha256),
    /// See [`Algorithm::Sha384`].
    Sha384(Sha384),
    /// See [`Algorithm::Sha512`].
    Sha512(Sha512),
}

impl Digest {
    /// The next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(state) => state.update(bytes),
            Self::Sha224(state) => state.update(bytes),
            Self::Sha256(state) => state.update(bytes),
            Self::Sha384(state) => state.update(bytes),
            Self::Sha512(state) => state.update(bytes),
        }
    }

    /// The digest of all bytes so far.
    pub fn finish(self) -> Vec<u8> {
        match self {
            Self::Sha1(state) => state.finalize().to_vec(),
            Self::Sha224(state) => state.finalize().to_vec(),
            Self::Sha256(state) => state.finalize().to_vec(),
            Self::Sha384(state) => state.finalize().to_vec(),
            Self::Sha512(state) => state.finalize().to_vec(),
        }
    }
}

/// SHA-256 of bytes at hand, as documents write it.
pub fn sha256(bytes: &[u8]) -> Sha256Digest {
    crate::hash::sha256::digest(bytes)
}
