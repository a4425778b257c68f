// SPDX-License-Identifier: Apache-2.0
//! SHA-256 by the SHA extensions of x86, on streams that take turns.
//!
//! `sha256rnds2` answers after four cycles or more, and each needs the answer of the one before. A second
//! stream fills the wait: two on one core are 1.7 to 1.9 times as fast as one. Four run out of registers.
#![allow(unsafe_code)]
// Lane and quarter index several arrays at once; an iterator over one of them would hide that.
#![allow(clippy::needless_range_loop)]

use std::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_loadu_si128, _mm_set_epi32, _mm_set_epi64x,
    _mm_setzero_si128, _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32, _mm_shuffle_epi8,
    _mm_shuffle_epi32, _mm_storeu_si128,
};

use super::{BLOCK, K, State};

/// Proof that this processor has the SHA extensions, and SSSE3 and SSE4.1 beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ShaNi(());

impl ShaNi {
    /// The proof, where it holds.
    pub(super) fn detect() -> Option<Self> {
        let has_all = is_x86_feature_detected!("sha")
            && is_x86_feature_detected!("ssse3")
            && is_x86_feature_detected!("sse4.1");
        has_all.then_some(Self(()))
    }

    /// Absorbs `streams[i]` into `states[i]`, as many blocks as the shortest stream has.
    pub(super) fn compress<const LANES: usize>(self, states: &mut [State; LANES], streams: &[&[u8]; LANES]) {
        // SAFETY: a `ShaNi` is made by `detect` alone, which found every feature that this function enables.
        unsafe { compress(states, streams) }
    }
}

/// Four rounds in every lane: `$step` of sixteen.
///
/// `w` keeps the last sixteen words of the message schedule, four a register.
macro_rules! four_rounds {
    ($step:literal, $lanes:ident, $abef:ident, $cdgh:ident, $w:ident) => {
        let [k0, k1, k2, k3] = K[$step];
        let constants = _mm_set_epi32(k3 as i32, k2 as i32, k1 as i32, k0 as i32);
        for lane in 0..$lanes {
            let w = &mut $w[lane];
            if $step >= 4 {
                let nine_to_twelve = _mm_alignr_epi8::<4>(w[($step + 3) % 4], w[($step + 2) % 4]);
                let partial = _mm_sha256msg1_epu32(w[$step % 4], w[($step + 1) % 4]);
                w[$step % 4] =
                    _mm_sha256msg2_epu32(_mm_add_epi32(partial, nine_to_twelve), w[($step + 3) % 4]);
            }
            let words = _mm_add_epi32(w[$step % 4], constants);
            $cdgh[lane] = _mm_sha256rnds2_epu32($cdgh[lane], $abef[lane], words);
            $abef[lane] =
                _mm_sha256rnds2_epu32($abef[lane], $cdgh[lane], _mm_shuffle_epi32::<0b00_00_11_10>(words));
        }
    };
}

#[target_feature(enable = "sha,ssse3,sse4.1")]
fn compress<const LANES: usize>(states: &mut [State; LANES], streams: &[&[u8]; LANES]) {
    let big_endian = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
    let zero = _mm_setzero_si128();
    let (mut abef, mut cdgh) = ([zero; LANES], [zero; LANES]);
    for lane in 0..LANES {
        let [a, b, c, d, e, f, g, h] = states[lane].map(|word| word as i32);
        abef[lane] = _mm_set_epi32(a, b, e, f);
        cdgh[lane] = _mm_set_epi32(c, d, g, h);
    }
    let blocks = streams.iter().map(|stream| stream.len() / BLOCK).min().unwrap_or(0);
    for block in 0..blocks {
        let (abef_before, cdgh_before) = (abef, cdgh);
        let mut w = [[zero; 4]; LANES];
        for lane in 0..LANES {
            let at = streams[lane].as_ptr().wrapping_add(block * BLOCK).cast::<__m128i>();
            for (quarter, words) in w[lane].iter_mut().enumerate() {
                // SAFETY: `block` is below the number of whole blocks in this stream, so the 64 bytes from
                // `at` lie within it; the load asks for no alignment.
                let loaded = unsafe { _mm_loadu_si128(at.add(quarter)) };
                *words = _mm_shuffle_epi8(loaded, big_endian);
            }
        }
        four_rounds!(0, LANES, abef, cdgh, w);
        four_rounds!(1, LANES, abef, cdgh, w);
        four_rounds!(2, LANES, abef, cdgh, w);
        four_rounds!(3, LANES, abef, cdgh, w);
        four_rounds!(4, LANES, abef, cdgh, w);
        four_rounds!(5, LANES, abef, cdgh, w);
        four_rounds!(6, LANES, abef, cdgh, w);
        four_rounds!(7, LANES, abef, cdgh, w);
        four_rounds!(8, LANES, abef, cdgh, w);
        four_rounds!(9, LANES, abef, cdgh, w);
        four_rounds!(10, LANES, abef, cdgh, w);
        four_rounds!(11, LANES, abef, cdgh, w);
        four_rounds!(12, LANES, abef, cdgh, w);
        four_rounds!(13, LANES, abef, cdgh, w);
        four_rounds!(14, LANES, abef, cdgh, w);
        four_rounds!(15, LANES, abef, cdgh, w);
        for lane in 0..LANES {
            abef[lane] = _mm_add_epi32(abef[lane], abef_before[lane]);
            cdgh[lane] = _mm_add_epi32(cdgh[lane], cdgh_before[lane]);
        }
    }
    for lane in 0..LANES {
        let [[f, e, b, a], [h, g, d, c]] = [abef[lane], cdgh[lane]].map(words);
        states[lane] = [a, b, c, d, e, f, g, h];
    }
}

/// The four words of a register, lowest first.
#[inline]
fn words(register: __m128i) -> [u32; 4] {
    let mut words = [0; 4];
    // SAFETY: `words` has the sixteen bytes that are written; the store asks for no alignment.
    unsafe { _mm_storeu_si128(words.as_mut_ptr().cast(), register) };
    words
}
