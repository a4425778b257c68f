// SPDX-License-Identifier: Apache-2.0
//! SHA-256 of many streams at once: block functions in, chaining values out.
//!
//! In: states and the 64-byte blocks that each of them absorbs next. Out: the states after them.
//! Nothing here knows files, chunks or trust. The kernel is picked once, at run time.

pub mod sha256;

/// Bytes in a block of SHA-256 (FIPS 180-4 §5.2.1).
pub const BLOCK: usize = 64;

/// The eight words that SHA-256 carries from block to block (FIPS 180-4 §6.2).
pub type State = [u32; 8];

/// The state before the first block (FIPS 180-4 §5.3.3).
pub const INITIAL: State =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// A way to run SHA-256's block function on several streams.
#[derive(Clone, Copy, Debug)]
pub struct Kernel;

impl Kernel {
    /// The fastest kernel that this processor runs.
    pub fn detect() -> Self {
        Self
    }

    /// Absorbs `blocks[i]` into `states[i]` for every stream `i`.
    ///
    /// All streams have the same number of bytes, a multiple of [`BLOCK`].
    pub fn compress(&self, states: &mut [State], blocks: &[&[u8]]) {
        for (state, stream) in states.iter_mut().zip(blocks) {
            for block in stream.chunks_exact(BLOCK) {
                sha2::compress256(state, &[*sha2::digest::generic_array::GenericArray::from_slice(block)]);
            }
        }
    }
}
