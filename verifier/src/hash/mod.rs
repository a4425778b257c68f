// SPDX-License-Identifier: Apache-2.0
//! SHA-256 of many streams at once: block functions in, chaining values out. SHA-512 of one stream: `sha512`.
//!
//! In: states and the 64-byte blocks that each of them absorbs next. Out: the states after them.
//! Nothing here knows files, chunks or trust. The kernel is picked at run time.

#[cfg(not(target_arch = "x86_64"))]
mod absent;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub mod lanes;
mod portable;
pub mod sha256;
pub mod sha512;
#[cfg(target_arch = "x86_64")]
mod sha_ni;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

#[cfg(not(target_arch = "x86_64"))]
use absent::{Avx512, ShaNi};
#[cfg(target_arch = "x86_64")]
use {avx512::Avx512, sha_ni::ShaNi};

/// Bytes in a block of SHA-256 (FIPS 180-4 §5.2.1).
pub const BLOCK: usize = 64;

/// The eight words that SHA-256 carries from block to block (FIPS 180-4 §6.2).
pub type State = [u32; 8];

/// The state before the first block (FIPS 180-4 §5.3.3).
pub const INITIAL: State =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// The constants of the rounds (FIPS 180-4 §4.2.2), four rounds a row.
#[cfg(target_arch = "x86_64")]
const K: [[u32; 4]; 16] = [
    [0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5],
    [0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5],
    [0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3],
    [0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174],
    [0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc],
    [0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da],
    [0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7],
    [0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967],
    [0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13],
    [0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85],
    [0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3],
    [0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070],
    [0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5],
    [0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3],
    [0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208],
    [0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2],
];

/// Streams that the widest block function takes at once.
const WIDE: usize = 16;

/// Streams from which sixteen lanes beat pairs, though the lanes left over work for nothing.
///
/// On Zen 5 measured: from 7 on, 6.7 GB/s for sixteen against 3.0 for a pair. On Intel an earlier form of the
/// kernel did 4.5 against 2.5, which by calculation is 9. The value lies between: little is lost on either.
const WIDE_BEATS_PAIRS: usize = 8;

/// The same against one stream at a time, where the processor has no SHA extensions: on Zen 5 two lanes do
/// 0.9 GB/s, and `sha2` without the extensions 0.5.
const WIDE_BEATS_PORTABLE: usize = 2;

/// A way to run SHA-256's block function on several streams.
///
/// It is the set of block functions that may be used; which of them a call uses depends on its number of streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel {
    wide: Option<Avx512>,
    narrow: Option<ShaNi>,
}

impl Kernel {
    /// The fastest kernel that this processor runs.
    pub fn detect() -> Self {
        static DETECTED: OnceLock<Kernel> = OnceLock::new();
        *DETECTED.get_or_init(|| Self { wide: Avx512::detect(), narrow: ShaNi::detect() })
    }

    /// Every kernel that this processor runs, the portable one first and the one that `detect` picks last.
    pub fn all_available() -> Vec<Self> {
        let Self { wide, narrow } = Self::detect();
        let mut kernels = Vec::new();
        for wide in [None].into_iter().chain(wide.map(Some)) {
            for narrow in [None].into_iter().chain(narrow.map(Some)) {
                kernels.push(Self { wide, narrow });
            }
        }
        kernels
    }

    /// How many streams to hand over at once for the best speed.
    pub const fn lanes(&self) -> usize {
        match self {
            Self { wide: Some(_), .. } => WIDE,
            Self { wide: None, narrow: Some(_) } => 2,
            Self { wide: None, narrow: None } => 1,
        }
    }

    /// The block functions in use, for people.
    pub const fn name(&self) -> &'static str {
        match self {
            Self { wide: Some(_), narrow: Some(_) } => "avx512+sha-ni",
            Self { wide: Some(_), narrow: None } => "avx512",
            Self { wide: None, narrow: Some(_) } => "sha-ni",
            Self { wide: None, narrow: None } => "portable",
        }
    }

    /// Absorbs `blocks[i]` into `states[i]` for every stream `i`, of which there may be any number.
    ///
    /// # Panics
    ///
    /// Unless there is one state for each stream, and all streams have the same number of bytes, a multiple
    /// of [`BLOCK`].
    pub fn compress(&self, states: &mut [State], blocks: &[&[u8]]) {
        assert_eq!(states.len(), blocks.len(), "one state for each stream");
        let length = blocks.first().map_or(0, |stream| stream.len());
        assert!(length.is_multiple_of(BLOCK), "whole blocks");
        assert!(blocks.iter().all(|stream| stream.len() == length), "streams of one length");
        for (states, streams) in states.chunks_mut(WIDE).zip(blocks.chunks(WIDE)) {
            match self.wide {
                Some(wide) if streams.len() >= self.wide_from() => wide.compress(states, streams),
                _ => self.compress_narrow(states, streams),
            }
        }
    }

    /// Streams from which the wide block function is the fastest.
    const fn wide_from(&self) -> usize {
        if self.narrow.is_some() { WIDE_BEATS_PAIRS } else { WIDE_BEATS_PORTABLE }
    }

    fn compress_narrow(&self, states: &mut [State], streams: &[&[u8]]) {
        let Some(narrow) = self.narrow else {
            for (state, stream) in states.iter_mut().zip(streams) {
                portable::compress(state, stream);
            }
            return;
        };
        let (state_pairs, last_state) = states.as_chunks_mut::<2>();
        let (stream_pairs, last_stream) = streams.as_chunks::<2>();
        for (pair, streams) in state_pairs.iter_mut().zip(stream_pairs) {
            narrow.compress(pair, streams);
        }
        if let ([state], [stream]) = (last_state, last_stream) {
            narrow.compress(std::array::from_mut(state), &[*stream]);
        }
    }
}
