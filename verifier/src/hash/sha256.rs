// SPDX-License-Identifier: Apache-2.0
//! One SHA-256 stream, front to back, that can be stopped before its padding.
//!
//! The stop is what lets one read of a file serve two digests: the file's own, and that of an OpenPGP
//! v4 signature, which is the file followed by a trailer (RFC 9580 §5.2.4).

use manifests::digest::{SHA256_BYTES, Sha256Digest};

use super::{BLOCK, INITIAL, Kernel, State};

/// SHA-256 after some bytes and before any padding: the state, and the bytes since the last whole block.
#[derive(Clone, Copy, Debug)]
pub struct Midstate {
    state: State,
    tail: [u8; BLOCK],
    length: u64,
}

impl Midstate {
    /// The midstate of no bytes.
    pub const EMPTY: Self = Self { state: INITIAL, tail: [0; BLOCK], length: 0 };

    /// A midstate from its parts.
    ///
    /// `state` is what `length - length % 64` bytes led to; `tail` holds the `length % 64` bytes after
    /// them. None where the tail has another length.
    pub fn from_parts(state: State, tail: &[u8], length: u64) -> Option<Self> {
        if u64::try_from(tail.len()).ok()? != length % BLOCK as u64 {
            return None;
        }
        let mut kept = [0; BLOCK];
        kept[..tail.len()].copy_from_slice(tail);
        Some(Self { state, tail: kept, length })
    }

    /// Bytes absorbed so far.
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// The chaining value here; none in the middle of a block.
    pub const fn chaining_value(&self) -> Option<State> {
        if self.length.is_multiple_of(BLOCK as u64) { Some(self.state) } else { None }
    }

    /// Absorbs more bytes.
    pub fn update(&mut self, kernel: Kernel, mut bytes: &[u8]) {
        let held = (self.length % BLOCK as u64) as usize;
        self.length += bytes.len() as u64;
        if held > 0 {
            let take = bytes.len().min(BLOCK - held);
            self.tail[held..held + take].copy_from_slice(&bytes[..take]);
            bytes = &bytes[take..];
            if held + take < BLOCK {
                return;
            }
            let block = self.tail;
            kernel.compress(std::slice::from_mut(&mut self.state), &[&block]);
        }
        let whole = bytes.len() - bytes.len() % BLOCK;
        if whole > 0 {
            kernel.compress(std::slice::from_mut(&mut self.state), &[&bytes[..whole]]);
        }
        let rest = &bytes[whole..];
        self.tail[..rest.len()].copy_from_slice(rest);
    }

    /// The digest of the bytes absorbed so far.
    pub fn digest(&self) -> Sha256Digest {
        self.digest_with(&[])
    }

    /// The digest of the bytes absorbed so far and `suffix`.
    pub fn digest_with(&self, suffix: &[u8]) -> Sha256Digest {
        let kernel = Kernel::detect();
        let mut last = *self;
        last.update(kernel, suffix);
        let (padding, length) = padding(last.length);
        last.update(kernel, &padding[..length]);
        state_bytes_as_digest(&last.state)
    }
}

/// The padding after `length` bytes (FIPS 180-4 §5.1.1), and how many of its bytes count.
///
/// `length` is below 2⁶¹, so that its count of bits fits.
pub fn padding(length: u64) -> ([u8; 2 * BLOCK], usize) {
    let held = (length % BLOCK as u64) as usize;
    let total = if held < BLOCK - 8 { BLOCK - held } else { 2 * BLOCK - held };
    let mut bytes = [0; 2 * BLOCK];
    bytes[0] = 0x80;
    bytes[total - 8..total].copy_from_slice(&(length << 3).to_be_bytes());
    (bytes, total)
}

/// A state as the 32 bytes of a digest or of an entry in the list of chaining values.
pub fn state_bytes(state: &State) -> [u8; SHA256_BYTES] {
    let mut bytes = [0; SHA256_BYTES];
    for (out, word) in bytes.chunks_exact_mut(4).zip(state) {
        out.copy_from_slice(&word.to_be_bytes());
    }
    bytes
}

/// A state from the 32 bytes of an entry in the list of chaining values, or of a digest.
pub fn state_from_bytes(bytes: &[u8; SHA256_BYTES]) -> State {
    let mut state = [0; 8];
    for (word, four) in state.iter_mut().zip(bytes.chunks_exact(4)) {
        *word = u32::from_be_bytes([four[0], four[1], four[2], four[3]]);
    }
    state
}

fn state_bytes_as_digest(state: &State) -> Sha256Digest {
    Sha256Digest::new(state_bytes(state))
}

/// The digest of bytes in memory.
pub fn digest(bytes: &[u8]) -> Sha256Digest {
    let mut state = Midstate::EMPTY;
    state.update(Kernel::detect(), bytes);
    state.digest()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::Digest;

    use super::*;

    fn reference(bytes: &[u8]) -> Sha256Digest {
        Sha256Digest::new(sha2::Sha256::digest(bytes).into())
    }

    #[test]
    fn every_length_around_a_block_agrees_with_sha2() {
        let bytes: Vec<u8> = (0..300u32).map(|n| (n * 7) as u8).collect();
        for length in 0..bytes.len() {
            assert_eq!(digest(&bytes[..length]), reference(&bytes[..length]), "{length}");
        }
    }

    proptest! {
        #[test]
        fn any_split_and_suffix_agree_with_sha2(bytes: Vec<u8>, cut in 0usize..200, suffix: Vec<u8>) {
            let cut = cut.min(bytes.len());
            let mut state = Midstate::EMPTY;
            state.update(Kernel::detect(), &bytes[..cut]);
            state.update(Kernel::detect(), &bytes[cut..]);
            prop_assert_eq!(state.digest(), reference(&bytes));
            let joined: Vec<u8> = bytes.iter().chain(&suffix).copied().collect();
            prop_assert_eq!(state.digest_with(&suffix), reference(&joined));
        }
    }
}
