// SPDX-License-Identifier: Apache-2.0
//! SHA-256 of sixteen streams at once, each in its own 32-bit lane of AVX-512 registers.
//!
//! Every register holds one word of all sixteen streams, so the rounds read as in the standard. A block of
//! each stream is loaded whole, 64 bytes a register, and the sixteen by sixteen words are transposed.
#![allow(unsafe_code)]

use std::arch::asm;
use std::arch::x86_64::{
    __m512i, _MM_HINT_T0, _mm_prefetch, _mm_set_epi64x, _mm512_add_epi32, _mm512_broadcast_i32x4,
    _mm512_loadu_si512, _mm512_ror_epi32, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_shuffle_epi8,
    _mm512_shuffle_i32x4, _mm512_srli_epi32, _mm512_storeu_si512, _mm512_sub_epi32,
    _mm512_ternarylogic_epi32, _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32,
    _mm512_unpacklo_epi64,
};

use super::{BLOCK, K, State, WIDE};

/// Proof that this processor has AVX-512 F and BW.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Avx512(());

impl Avx512 {
    /// The proof, where it holds.
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw")).then_some(Self(()))
    }

    /// Absorbs `streams[i]` into `states[i]`, as many blocks as the shortest stream has.
    ///
    /// Takes the first sixteen streams; the time is the same for fewer.
    pub(super) fn compress(self, states: &mut [State], streams: &[&[u8]]) {
        // SAFETY: an `Avx512` is made by `detect` alone, which found every feature that this function enables.
        unsafe { compress(states, streams) }
    }
}

/// The truth tables that `vpternlogd` takes, from FIPS 180-4 §4.1.2.
const CHOOSE: i32 = 0xca;
const MAJORITY: i32 = 0xe8;
const XOR: i32 = 0x96;

/// How far ahead of the rounds a stream is asked for, in bytes.
///
/// Sixteen streams are more than a processor follows by itself: a quarter of the speed from memory. 256 bytes
/// to 2 KiB do the same.
const AHEAD: usize = 512;

/// Σ or σ: two rotations and a third, or a shift.
macro_rules! sigma {
    ($x:expr, $first:literal, $second:literal, rotate $third:literal) => {
        sigma!($x, $first, $second, _mm512_ror_epi32::<$third>($x))
    };
    ($x:expr, $first:literal, $second:literal, shift $third:literal) => {
        sigma!($x, $first, $second, _mm512_srli_epi32::<$third>($x))
    };
    ($x:expr, $first:literal, $second:literal, $third:expr) => {
        _mm512_ternarylogic_epi32::<XOR>(
            _mm512_ror_epi32::<$first>($x),
            _mm512_ror_epi32::<$second>($x),
            $third,
        )
    };
}

/// One round (FIPS 180-4 §6.2.2): the new `a` is left in `h`, the new `e` in `d`.
///
/// Written for the shortest wait, not the fewest names: from one `e` to the next, and from one `a` to the
/// next, there are three operations. T1 is never alone: the new `e` is T1 + d, and the new `a` takes d off again.
macro_rules! round {
    ($a:ident, $b:ident, $c:ident, $d:ident, $e:ident, $f:ident, $g:ident, $h:ident, $k:expr, $w:expr) => {
        let words = _mm512_add_epi32(_mm512_add_epi32($w, _mm512_set1_epi32($k as i32)), $h);
        let known = in_this_order(_mm512_add_epi32(words, $d));
        let majority = _mm512_sub_epi32(_mm512_ternarylogic_epi32::<MAJORITY>($a, $b, $c), $d);
        let choice = in_this_order(_mm512_add_epi32(known, _mm512_ternarylogic_epi32::<CHOOSE>($e, $f, $g)));
        $d = _mm512_add_epi32(choice, sigma!($e, 6, 11, rotate 25));
        $h = _mm512_add_epi32(in_this_order(_mm512_add_epi32($d, majority)), sigma!($a, 2, 13, rotate 22));
    };
}

/// Eight rounds on the words of `w` from `$from`, each made ready by `$ready` just before its round.
///
/// After eight rounds each name holds its own word of the state again.
macro_rules! eight_rounds {
    ($ready:ident, $w:ident, $k:expr, $from:literal, [$a:ident, $b:ident, $c:ident, $d:ident, $e:ident, $f:ident, $g:ident, $h:ident]) => {
        round!($a, $b, $c, $d, $e, $f, $g, $h, $k[$from], $ready!($w, $from));
        round!($h, $a, $b, $c, $d, $e, $f, $g, $k[$from + 1], $ready!($w, $from + 1));
        round!($g, $h, $a, $b, $c, $d, $e, $f, $k[$from + 2], $ready!($w, $from + 2));
        round!($f, $g, $h, $a, $b, $c, $d, $e, $k[$from + 3], $ready!($w, $from + 3));
        round!($e, $f, $g, $h, $a, $b, $c, $d, $k[$from + 4], $ready!($w, $from + 4));
        round!($d, $e, $f, $g, $h, $a, $b, $c, $k[$from + 5], $ready!($w, $from + 5));
        round!($c, $d, $e, $f, $g, $h, $a, $b, $k[$from + 6], $ready!($w, $from + 6));
        round!($b, $c, $d, $e, $f, $g, $h, $a, $k[$from + 7], $ready!($w, $from + 7));
    };
}

/// A word of the message as it was loaded.
macro_rules! loaded {
    ($w:ident, $at:expr) => {
        $w[$at]
    };
}

/// The next word of the message schedule, left in the place of the word sixteen before it.
macro_rules! scheduled {
    ($w:ident, $at:expr) => {{
        $w[$at] = _mm512_add_epi32(
            _mm512_add_epi32($w[$at], sigma!($w[($at + 1) % 16], 7, 18, shift 3)),
            _mm512_add_epi32($w[($at + 9) % 16], sigma!($w[($at + 14) % 16], 17, 19, shift 10)),
        );
        $w[$at]
    }};
}

/// The same value, out of the compiler's sight: it does not rearrange sums across this.
///
/// Left to itself it makes five operations out of the three that `round` waits for: a tenth of the speed.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn in_this_order(mut value: __m512i) -> __m512i {
    // SAFETY: a comment in assembly: it touches neither memory nor flags, and leaves the register as it is.
    unsafe {
        asm!("/* {} */", inout(zmm_reg) value, options(pure, nomem, nostack, preserves_flags));
    }
    value
}

#[target_feature(enable = "avx512f,avx512bw")]
fn compress(states: &mut [State], streams: &[&[u8]]) {
    let Some(first) = streams.first() else { return };
    // A lane without a stream follows the first one: it reads nothing that is not read anyway.
    let mut lanes = [*first; WIDE];
    for (lane, stream) in lanes.iter_mut().zip(streams) {
        *lane = stream;
    }
    let blocks = lanes.iter().map(|lane| lane.len() / BLOCK).min().unwrap_or(0);
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = gather(states);
    for block in 0..blocks {
        let before = [a, b, c, d, e, f, g, h];
        let mut w = [_mm512_setzero_si512(); WIDE];
        for (row, lane) in w.iter_mut().zip(&lanes) {
            let at = lane.as_ptr().wrapping_add(block * BLOCK);
            // It may point past the end of the stream: a prefetch never faults.
            _mm_prefetch::<_MM_HINT_T0>(at.wrapping_add(AHEAD).cast());
            // SAFETY: `block` is below the number of whole blocks in every lane, so the 64 bytes from `at`
            // lie within this one; the load asks for no alignment.
            *row = unsafe { _mm512_loadu_si512(at.cast()) };
        }
        w = transpose(w);
        let [first, rest @ ..] = &ROUNDS;
        eight_rounds!(loaded, w, first, 0, [a, b, c, d, e, f, g, h]);
        eight_rounds!(loaded, w, first, 8, [a, b, c, d, e, f, g, h]);
        for sixteen in rest {
            eight_rounds!(scheduled, w, sixteen, 0, [a, b, c, d, e, f, g, h]);
            eight_rounds!(scheduled, w, sixteen, 8, [a, b, c, d, e, f, g, h]);
        }
        let [a0, b0, c0, d0, e0, f0, g0, h0] = before;
        (a, b) = (_mm512_add_epi32(a, a0), _mm512_add_epi32(b, b0));
        (c, d) = (_mm512_add_epi32(c, c0), _mm512_add_epi32(d, d0));
        (e, f) = (_mm512_add_epi32(e, e0), _mm512_add_epi32(f, f0));
        (g, h) = (_mm512_add_epi32(g, g0), _mm512_add_epi32(h, h0));
    }
    scatter([a, b, c, d, e, f, g, h], states);
}

/// The round constants, sixteen rounds a row.
static ROUNDS: [[u32; 16]; 4] = {
    let mut rows = [[0; 16]; 4];
    let mut round = 0;
    while round < 64 {
        rows[round / 16][round % 16] = K[round / 4][round % 4];
        round += 1;
    }
    rows
};

/// From a block of one stream a register to one word of all streams a register, in the order of the machine.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn transpose(mut w: [__m512i; WIDE]) -> [__m512i; WIDE] {
    let big_endian = _mm512_broadcast_i32x4(_mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203));
    for row in &mut w {
        *row = _mm512_shuffle_epi8(*row, big_endian);
    }
    // Pairs of rows, then fours: within each 128-bit part, words of four streams come together.
    let mut fours = w;
    for four in 0..4 {
        let [r0, r1, r2, r3] = [w[4 * four], w[4 * four + 1], w[4 * four + 2], w[4 * four + 3]];
        let (low01, high01) = (_mm512_unpacklo_epi32(r0, r1), _mm512_unpackhi_epi32(r0, r1));
        let (low23, high23) = (_mm512_unpacklo_epi32(r2, r3), _mm512_unpackhi_epi32(r2, r3));
        fours[4 * four] = _mm512_unpacklo_epi64(low01, low23);
        fours[4 * four + 1] = _mm512_unpackhi_epi64(low01, low23);
        fours[4 * four + 2] = _mm512_unpacklo_epi64(high01, high23);
        fours[4 * four + 3] = _mm512_unpackhi_epi64(high01, high23);
    }
    // `fours[4s + j]` has word 4p + j of streams 4s to 4s + 3 in part p: the parts are transposed, four by four.
    for j in 0..4 {
        let [s0, s1, s2, s3] = [fours[j], fours[4 + j], fours[8 + j], fours[12 + j]];
        let (even01, odd01) = (_mm512_shuffle_i32x4::<0x88>(s0, s1), _mm512_shuffle_i32x4::<0xdd>(s0, s1));
        let (even23, odd23) = (_mm512_shuffle_i32x4::<0x88>(s2, s3), _mm512_shuffle_i32x4::<0xdd>(s2, s3));
        w[j] = _mm512_shuffle_i32x4::<0x88>(even01, even23);
        w[8 + j] = _mm512_shuffle_i32x4::<0xdd>(even01, even23);
        w[4 + j] = _mm512_shuffle_i32x4::<0x88>(odd01, odd23);
        w[12 + j] = _mm512_shuffle_i32x4::<0xdd>(odd01, odd23);
    }
    w
}

/// One register for each word of the states; lanes without a state hold zero.
#[target_feature(enable = "avx512f,avx512bw")]
fn gather(states: &[State]) -> [__m512i; 8] {
    let mut words = [[0u32; WIDE]; 8];
    for (lane, state) in states.iter().take(WIDE).enumerate() {
        for (word, value) in words.iter_mut().zip(state) {
            word[lane] = *value;
        }
    }
    // SAFETY: each row has the 64 bytes that are read; the load asks for no alignment.
    words.map(|word| unsafe { _mm512_loadu_si512(word.as_ptr().cast()) })
}

/// What `gather` took, back in its place.
#[target_feature(enable = "avx512f,avx512bw")]
fn scatter(registers: [__m512i; 8], states: &mut [State]) {
    for (index, register) in registers.into_iter().enumerate() {
        let mut words = [0u32; WIDE];
        // SAFETY: `words` has the 64 bytes that are written; the store asks for no alignment.
        unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), register) };
        for (state, word) in states.iter_mut().zip(words) {
            state[index] = word;
        }
    }
}
