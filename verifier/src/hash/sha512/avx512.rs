// SPDX-License-Identifier: Apache-2.0
//! SHA-512 of one stream: rounds one block after the other, message schedules of four blocks at once.
//!
//! A message schedule needs nothing of the blocks before: four of them share the lanes of AVX-512. The rounds
//! have no such freedom, each waits for the one before, and they are what takes the time: they run in the
//! scalar unit. A quarter of the next four schedules stands before each block's rounds. The processor sees that
//! far ahead, and does the one while it waits in the other: six per cent.
#![allow(unsafe_code)]

use std::arch::naked_asm;
use std::arch::x86_64::{
    __m128i, __m512i, _MM_HINT_T0, _mm_loadu_si128, _mm_prefetch, _mm_set_epi64x, _mm512_add_epi64,
    _mm512_alignr_epi8, _mm512_broadcast_i32x4, _mm512_castsi128_si512, _mm512_inserti32x4, _mm512_ror_epi64,
    _mm512_setzero_si512, _mm512_shuffle_epi8, _mm512_srli_epi64, _mm512_ternarylogic_epi64,
};
use std::mem::swap;
use std::ops::Range;

use super::{Block, State};

/// Blocks whose message schedules are made at once.
const LANES: usize = 4;

/// Pairs of words in a block.
const LOADED: usize = 8;

/// Pairs of words in a message schedule: one for every two rounds.
const PAIRS: usize = 40;

/// One pair of words of every lane after the other.
type Schedules = [__m512i; PAIRS];

/// How far ahead of the schedules the message is asked for, in bytes: a tenth of the speed from the second cache.
const AHEAD: usize = 2048;

/// Proof that this processor has AVX-512 F and BW, and BMI2.
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx512(());

impl Avx512 {
    /// The proof, where it holds.
    pub(super) fn detect() -> Option<Self> {
        let has_all = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("bmi2");
        has_all.then_some(Self(()))
    }

    /// Absorbs `blocks` into `state`.
    pub(super) fn compress(self, state: &mut State, blocks: &[Block]) {
        // SAFETY: an `Avx512` is made by `detect` alone, which found every feature that this function enables.
        unsafe { compress(state, blocks) }
    }
}

#[target_feature(enable = "avx512f,avx512bw,bmi2")]
fn compress(state: &mut State, blocks: &[Block]) {
    let mut groups = blocks.chunks(LANES).peekable();
    let mut w = [_mm512_setzero_si512(); PAIRS];
    let (mut words, mut next_words) = (&mut { w }, &mut { w });
    if let Some(first) = groups.peek() {
        schedule(first, 0..PAIRS, &mut w, words);
    }
    while let Some(group) = groups.next() {
        for lane in 0..group.len() {
            if let Some(next) = groups.peek() {
                const PART: usize = PAIRS / LANES;
                schedule(next, lane * PART..(lane + 1) * PART, &mut w, next_words);
            }
            // SAFETY: `lane` is below `LANES`: its pairs lie within the rows of `words`. BMI2 is enabled here.
            unsafe { rounds(state, words.as_ptr().cast::<[u64; 2]>().add(lane)) };
        }
        swap(&mut words, &mut next_words);
    }
}

/// σ of FIPS 180-4 §4.1.3: two rotations and a shift.
macro_rules! sigma {
    ($x:expr, $first:literal, $second:literal, shift $third:literal) => {
        _mm512_ternarylogic_epi64::<XOR>(
            _mm512_ror_epi64::<$first>($x),
            _mm512_ror_epi64::<$second>($x),
            _mm512_srli_epi64::<$third>($x),
        )
    };
}

/// The truth table that `vpternlogq` takes.
const XOR: i32 = 0x96;

/// Some `pairs` of the message schedules of one to four blocks (FIPS 180-4 §6.4.2, step 1), all before them in `w`.
///
/// They are left in `w`, and in `words` with the rounds' constants added. A lane without a block has the words of
/// the last one.
#[target_feature(enable = "avx512f,avx512bw")]
fn schedule(blocks: &[Block], pairs: Range<usize>, w: &mut Schedules, words: &mut Schedules) {
    let [.., last] = blocks else { return };
    let lane = |index| blocks.get(index).unwrap_or(last);
    let big_endian = _mm512_broadcast_i32x4(_mm_set_epi64x(0x0809_0a0b_0c0d_0e0f, 0x0001_0203_0405_0607));
    // In a register: from memory, where it was just put, it would come too late for the next pair.
    let mut newest = pairs.start.checked_sub(1).map_or(big_endian, |before| w[before]);
    for pair in pairs {
        newest = if pair < LOADED {
            // It may point past the end of the message: a prefetch never faults.
            _mm_prefetch::<_MM_HINT_T0>(blocks.as_ptr().cast::<i8>().wrapping_add(AHEAD + 64 * pair));
            // SAFETY: a block has 8 pairs of 16 bytes; the load asks for no alignment.
            let load = |index| unsafe { _mm_loadu_si128(lane(index).as_ptr().cast::<__m128i>().add(pair)) };
            let loaded = _mm512_inserti32x4::<1>(_mm512_castsi128_si512(load(0)), load(1));
            let loaded = _mm512_inserti32x4::<3>(_mm512_inserti32x4::<2>(loaded, load(2)), load(3));
            _mm512_shuffle_epi8(loaded, big_endian)
        } else {
            // The words 15 and 7 before a pair's first stand astride two pairs.
            let fifteen_before = _mm512_alignr_epi8::<8>(w[pair - 7], w[pair - 8]);
            let seven_before = _mm512_alignr_epi8::<8>(w[pair - 3], w[pair - 4]);
            let older = _mm512_add_epi64(w[pair - 8], sigma!(fifteen_before, 1, 8, shift 7));
            _mm512_add_epi64(_mm512_add_epi64(older, seven_before), sigma!(newest, 19, 61, shift 6))
        };
        w[pair] = newest;
        let [first, second] = K[pair];
        let constants = _mm512_broadcast_i32x4(_mm_set_epi64x(second.cast_signed(), first.cast_signed()));
        words[pair] = _mm512_add_epi64(newest, constants);
    }
}

/// One round (FIPS 180-4 §6.4.2, step 3): the new `a` is left in `h`, the new `e` in `d`.
///
/// `bc` is `b ^ c`; in `ab` is left `a ^ b`, which is that of the next round: Maj(a, b, c) is
/// `((a ^ b) & (b ^ c)) ^ b`. All but Σ1 is added to `d` beforehand, so that the next `e` waits for four
/// operations. The word at `$at` has the round's constant in it.
///
/// The order is the fastest of some thousands that were tried on Granite Rapids: 6.5 cycles a round, the
/// message schedule among them. Step after step as in the standard it is 7.4.
macro_rules! round {
    ($at:literal, $a:literal, $b:literal, $c:literal, $d:literal, $e:literal, $f:literal, $g:literal, $h:literal, $ab:literal, $bc:literal) => {
        concat!(
            "add ",
            $h,
            ", [rsi + ",
            $at,
            "];",
            "mov ",
            $ab,
            ", ",
            $a,
            ";",
            "rorx r14, ",
            $e,
            ", 18;",
            "mov rdi, ",
            $f,
            ";",
            "add ",
            $d,
            ", ",
            $h,
            ";",
            "rorx r13, ",
            $e,
            ", 14;",
            "xor rdi, ",
            $g,
            ";",
            "and rdi, ",
            $e,
            ";",
            "xor r13, r14;",
            "xor ",
            $ab,
            ", ",
            $b,
            ";",
            "xor rdi, ",
            $g,
            ";",
            "add ",
            $d,
            ", rdi;",
            "rorx r14, ",
            $e,
            ", 41;",
            "xor r13, r14;",
            "rorx rdx, ",
            $a,
            ", 28;",
            "rorx r14, ",
            $a,
            ", 34;",
            "and ",
            $bc,
            ", ",
            $ab,
            ";",
            "add ",
            $h,
            ", rdi;",
            "add ",
            $d,
            ", r13;",
            "xor ",
            $bc,
            ", ",
            $b,
            ";",
            "xor rdx, r14;",
            "add ",
            $h,
            ", r13;",
            "add ",
            $h,
            ", ",
            $bc,
            ";",
            "rorx r14, ",
            $a,
            ", 39;",
            "xor rdx, r14;",
            "add ",
            $h,
            ", rdx;",
        )
    };
}

/// The 80 rounds of one block (FIPS 180-4 §6.4.2, steps 2 to 4).
///
/// # Safety
///
/// The processor has BMI2. `words` is the first pair of the block's lane, and the others follow it, each a row on:
/// [`PAIRS`] in all.
#[unsafe(naked)]
unsafe extern "sysv64" fn rounds(state: *mut State, words: *const [u64; 2]) {
    naked_asm!(
        // What the caller keeps, then what there is no register for: the state, and where the words end.
        "push rbx; push rbp; push r12; push r13; push r14; push r15",
        "push rdi",
        "lea rax, [rsi + {end}]",
        "push rax",
        "mov rax, [rdi]; mov rbx, [rdi + 8]; mov rcx, [rdi + 16]; mov r8, [rdi + 24]",
        "mov r9, [rdi + 32]; mov r10, [rdi + 40]; mov r11, [rdi + 48]; mov r12, [rdi + 56]",
        "mov rbp, rbx; xor rbp, rcx",
        // Eight rounds, after which each register holds its own word of the state again.
        ".p2align 5",
        "2:",
        round!("0", "rax", "rbx", "rcx", "r8", "r9", "r10", "r11", "r12", "r15", "rbp"),
        round!("8", "r12", "rax", "rbx", "rcx", "r8", "r9", "r10", "r11", "rbp", "r15"),
        round!("64", "r11", "r12", "rax", "rbx", "rcx", "r8", "r9", "r10", "r15", "rbp"),
        round!("72", "r10", "r11", "r12", "rax", "rbx", "rcx", "r8", "r9", "rbp", "r15"),
        round!("128", "r9", "r10", "r11", "r12", "rax", "rbx", "rcx", "r8", "r15", "rbp"),
        round!("136", "r8", "r9", "r10", "r11", "r12", "rax", "rbx", "rcx", "rbp", "r15"),
        round!("192", "rcx", "r8", "r9", "r10", "r11", "r12", "rax", "rbx", "r15", "rbp"),
        round!("200", "rbx", "rcx", "r8", "r9", "r10", "r11", "r12", "rax", "rbp", "r15"),
        "add rsi, 256",
        "cmp rsi, [rsp]",
        "jb 2b",
        "pop rdi; pop rdi",
        "add [rdi], rax; add [rdi + 8], rbx; add [rdi + 16], rcx; add [rdi + 24], r8",
        "add [rdi + 32], r9; add [rdi + 40], r10; add [rdi + 48], r11; add [rdi + 56], r12",
        "pop r15; pop r14; pop r13; pop r12; pop rbp; pop rbx",
        "ret",
        end = const PAIRS * size_of::<__m512i>(),
    )
}

/// The constants of the rounds (FIPS 180-4 §4.2.3), two rounds a pair.
#[rustfmt::skip]
static K: [[u64; 2]; PAIRS] = [
    [0x428a_2f98_d728_ae22, 0x7137_4491_23ef_65cd], [0xb5c0_fbcf_ec4d_3b2f, 0xe9b5_dba5_8189_dbbc],
    [0x3956_c25b_f348_b538, 0x59f1_11f1_b605_d019], [0x923f_82a4_af19_4f9b, 0xab1c_5ed5_da6d_8118],
    [0xd807_aa98_a303_0242, 0x1283_5b01_4570_6fbe], [0x2431_85be_4ee4_b28c, 0x550c_7dc3_d5ff_b4e2],
    [0x72be_5d74_f27b_896f, 0x80de_b1fe_3b16_96b1], [0x9bdc_06a7_25c7_1235, 0xc19b_f174_cf69_2694],
    [0xe49b_69c1_9ef1_4ad2, 0xefbe_4786_384f_25e3], [0x0fc1_9dc6_8b8c_d5b5, 0x240c_a1cc_77ac_9c65],
    [0x2de9_2c6f_592b_0275, 0x4a74_84aa_6ea6_e483], [0x5cb0_a9dc_bd41_fbd4, 0x76f9_88da_8311_53b5],
    [0x983e_5152_ee66_dfab, 0xa831_c66d_2db4_3210], [0xb003_27c8_98fb_213f, 0xbf59_7fc7_beef_0ee4],
    [0xc6e0_0bf3_3da8_8fc2, 0xd5a7_9147_930a_a725], [0x06ca_6351_e003_826f, 0x1429_2967_0a0e_6e70],
    [0x27b7_0a85_46d2_2ffc, 0x2e1b_2138_5c26_c926], [0x4d2c_6dfc_5ac4_2aed, 0x5338_0d13_9d95_b3df],
    [0x650a_7354_8baf_63de, 0x766a_0abb_3c77_b2a8], [0x81c2_c92e_47ed_aee6, 0x9272_2c85_1482_353b],
    [0xa2bf_e8a1_4cf1_0364, 0xa81a_664b_bc42_3001], [0xc24b_8b70_d0f8_9791, 0xc76c_51a3_0654_be30],
    [0xd192_e819_d6ef_5218, 0xd699_0624_5565_a910], [0xf40e_3585_5771_202a, 0x106a_a070_32bb_d1b8],
    [0x19a4_c116_b8d2_d0c8, 0x1e37_6c08_5141_ab53], [0x2748_774c_df8e_eb99, 0x34b0_bcb5_e19b_48a8],
    [0x391c_0cb3_c5c9_5a63, 0x4ed8_aa4a_e341_8acb], [0x5b9c_ca4f_7763_e373, 0x682e_6ff3_d6b2_b8a3],
    [0x748f_82ee_5def_b2fc, 0x78a5_636f_4317_2f60], [0x84c8_7814_a1f0_ab72, 0x8cc7_0208_1a64_39ec],
    [0x90be_fffa_2363_1e28, 0xa450_6ceb_de82_bde9], [0xbef9_a3f7_b2c6_7915, 0xc671_78f2_e372_532b],
    [0xca27_3ece_ea26_619c, 0xd186_b8c7_21c0_c207], [0xeada_7dd6_cde0_eb1e, 0xf57d_4f7f_ee6e_d178],
    [0x06f0_67aa_7217_6fba, 0x0a63_7dc5_a2c8_98a6], [0x113f_9804_bef9_0dae, 0x1b71_0b35_131c_471b],
    [0x28db_77f5_2304_7d84, 0x32ca_ab7b_40c7_2493], [0x3c9e_be0a_15c9_bebc, 0x431d_67c4_9c10_0d4c],
    [0x4cc5_d4be_cb3e_42b6, 0x597f_299c_fc65_7e2a], [0x5fcb_6fab_3ad6_faec, 0x6c44_198c_4a47_5817],
];
