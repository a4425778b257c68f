// SPDX-License-Identifier: Apache-2.0
//! SHA-512 of one stream: the rounds of four blocks, and between them the message schedules of the next four.
//!
//! A message schedule needs nothing of the blocks before: four of them share the lanes of AVX-512. The rounds
//! have no such freedom, each waits for the one before: they run in the scalar unit and are what takes the time.
//! Between them the vector unit has room for the schedules. In turn the two would take a tenth more.
#![allow(unsafe_code)]

use std::arch::naked_asm;
use std::arch::x86_64::{
    __m128i, __m512i, _MM_HINT_T0, _mm_loadu_si128, _mm_prefetch, _mm_set_epi64x, _mm512_add_epi64,
    _mm512_broadcast_i32x4, _mm512_castsi128_si512, _mm512_inserti32x4, _mm512_setzero_si512,
    _mm512_shuffle_epi8,
};
use std::mem::{offset_of, swap};

use super::{Block, State};

/// Blocks whose message schedules are made at once.
pub(super) const LANES: usize = 4;

/// Pairs of words in a block.
const LOADED: usize = 8;

/// Pairs of words in a message schedule: one for every two rounds.
const PAIRS: usize = 40;

/// Pairs of the next schedules that stand between the rounds of one block.
const SHARE: usize = PAIRS / LANES;

/// Groups of blocks from which this is faster than `sha2`: the schedules of the first cost rounds for nothing.
pub(super) const WORTHWHILE: usize = 8;

/// How far ahead the message is asked for, in bytes. Without it, what comes from the second cache takes a tenth longer.
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

    /// Absorbs the front of `blocks` into `state`. What is left is too few, and faster another way.
    pub(super) fn compress<'a>(self, state: &mut State, blocks: &'a [Block]) -> &'a [Block] {
        let (groups, rest) = blocks.as_chunks();
        if groups.len() < WORTHWHILE {
            return blocks;
        }
        // SAFETY: an `Avx512` is made by `detect` alone, which found every feature that this function enables.
        unsafe { compress(state, groups) };
        rest
    }
}

/// A pair of words of every lane, the round constants for it, and the sums of both.
#[derive(Clone, Copy)]
#[repr(C)]
struct Row {
    sums: __m512i,
    words: __m512i,
    constants: __m512i,
}

/// The message schedules of four blocks, and [`LOADED`] rows more: the last steps write there what nobody reads.
type Schedules = [Row; PAIRS + LOADED];

#[target_feature(enable = "avx512f,avx512bw,bmi2")]
fn compress(state: &mut State, groups: &[[Block; LANES]]) {
    let [first, others @ ..] = groups else { return };
    let zero = _mm512_setzero_si512();
    let mut one = [Row { sums: zero, words: zero, constants: zero }; PAIRS + LOADED];
    for (row, [even, odd]) in one.iter_mut().zip(&K) {
        row.constants = _mm512_broadcast_i32x4(_mm_set_epi64x(odd.cast_signed(), even.cast_signed()));
    }
    let mut other = one;
    let (mut now, mut next) = (&mut one, &mut other);
    load(first, next);
    // These rounds are of no block: only the schedules between them count.
    four_blocks(&mut [0; 8], now, next);
    for group in others.iter().map(Some).chain([None]) {
        swap(&mut now, &mut next);
        if let Some(group) = group {
            load(group, next);
        }
        four_blocks(state, now, next);
    }
}

/// The first rows of the message schedules: the blocks themselves (FIPS 180-4 §6.4.2, step 1).
#[target_feature(enable = "avx512f,avx512bw")]
fn load(group: &[Block; LANES], rows: &mut Schedules) {
    let big_endian = _mm512_broadcast_i32x4(_mm_set_epi64x(0x0809_0a0b_0c0d_0e0f, 0x0001_0203_0405_0607));
    for (pair, row) in rows[..LOADED].iter_mut().enumerate() {
        // It may point past the end of the message: a prefetch never faults.
        _mm_prefetch::<_MM_HINT_T0>(group.as_ptr().cast::<i8>().wrapping_add(AHEAD + 64 * pair));
        // SAFETY: `pair` is below `LOADED`, the pairs of 16 bytes in a block; the load asks for no alignment.
        let words =
            |lane: usize| unsafe { _mm_loadu_si128(group[lane].as_ptr().cast::<__m128i>().add(pair)) };
        let loaded = _mm512_inserti32x4::<1>(_mm512_castsi128_si512(words(0)), words(1));
        let loaded = _mm512_inserti32x4::<3>(_mm512_inserti32x4::<2>(loaded, words(2)), words(3));
        row.words = _mm512_shuffle_epi8(loaded, big_endian);
        row.sums = _mm512_add_epi64(row.words, row.constants);
    }
}

/// The rounds of the four blocks that `now` has the schedules of; those in `next` are completed.
#[target_feature(enable = "avx512f,avx512bw,bmi2")]
fn four_blocks(state: &mut State, now: &Schedules, next: &mut Schedules) {
    for lane in 0..LANES {
        // SAFETY: `lane` is below `LANES`, so its pair lies within the sums of each of the `PAIRS` rows, and from
        // its share of `next` on there are `SHARE` + `LOADED` rows, aligned as their type is. `now` is another
        // schedule than `next`: that is borrowed alone. The features are enabled here.
        unsafe {
            let sums = now.as_ptr().byte_add(offset_of!(Row, sums)).cast::<[u64; 2]>().add(lane);
            rounds(state, sums, next.as_mut_ptr().add(lane * SHARE));
        }
    }
}

/// One round (FIPS 180-4 §6.4.2, step 3): the new `a` is left in `h`, the new `e` in `d`.
///
/// `bc` is `b ^ c`; in `ab` is left `a ^ b`, which is that of the next round: Maj(a, b, c) is
/// `((a ^ b) & (b ^ c)) ^ b`. All but Σ1 is added to `d` beforehand, so that the next `e` waits for four
/// operations. At `$at` is the sum of the round's word and constant; between the steps stand up to three of others.
///
/// The order is the fastest of some thousands that were tried on Granite Rapids: 6.4 cycles a round, with all that
/// stands between. Step after step as in the standard it is about 7.5.
#[rustfmt::skip]
macro_rules! round {
    ($at:literal, $a:literal, $b:literal, $c:literal, $d:literal, $e:literal, $f:literal, $g:literal, $h:literal,
     $ab:literal, $bc:literal, $first:literal, $second:literal, $third:literal) => {
        concat!(
            "rorx r13, ", $e, ", 14;",
            "mov rdi, ", $f, ";",
            "xor rdi, ", $g, ";",
            "rorx r14, ", $e, ", 18;",
            "add ", $h, ", [rsi + ", $at, "];",
            "add ", $d, ", ", $h, ";",
            "xor r13, r14;",
            "and rdi, ", $e, ";",
            "xor rdi, ", $g, ";",
            $first, ";",
            "add ", $d, ", rdi;",
            "mov ", $ab, ", ", $a, ";",
            "xor ", $ab, ", ", $b, ";",
            "rorx r14, ", $e, ", 41;",
            "xor r13, r14;",
            "add ", $d, ", r13;",
            "add ", $h, ", r13;",
            "rorx r13, ", $a, ", 28;",
            $second, ";",
            "rorx r14, ", $a, ", 34;",
            "and ", $bc, ", ", $ab, ";",
            "add ", $h, ", rdi;",
            "xor r13, r14;",
            "xor ", $bc, ", ", $b, ";",
            "rorx r14, ", $a, ", 39;",
            "xor r13, r14;",
            "add ", $h, ", ", $bc, ";",
            "add ", $h, ", r13;",
            $third, ";",
        )
    };
}

/// The 80 rounds of one block (FIPS 180-4 §6.4.2, steps 2 to 4), and between them a [`SHARE`] of the next schedules.
///
/// # Safety
///
/// The processor has AVX-512 F and BW, and BMI2. `sums` is the block's lane in the sums of the first of [`PAIRS`]
/// rows that can be read. `next` is the first of [`SHARE`] + [`LOADED`] other rows that can be written, aligned to
/// 64 bytes: the words of the first [`LOADED`] are there, and all constants.
#[unsafe(naked)]
unsafe extern "sysv64" fn rounds(state: &mut State, sums: *const [u64; 2], next: *mut Row) {
    // The registers from zmm16 on leave no upper halves behind that legacy code would have to wait for.
    naked_asm!(
        // What the caller keeps, then what there is no register for: the state, and where the rows end.
        "push rbx; push rbp; push r12; push r13; push r14; push r15",
        "push rdi",
        "lea rax, [rsi + {end}]",
        "push rax",
        "mov rax, [rdi]; mov rbx, [rdi + 8]; mov rcx, [rdi + 16]; mov r8, [rdi + 24]",
        "mov r9, [rdi + 32]; mov r10, [rdi + 40]; mov r11, [rdi + 48]; mov r12, [rdi + 56]",
        "mov rbp, rbx; xor rbp, rcx",
        "vmovdqa64 zmm16, [rdx + 7*{row} + {words}]",
        // Eight rounds, after which each register holds its own word of the state again, and one pair for each lane:
        // the newest in zmm16. The words 15 and 7 before its first stand astride two pairs.
        ".p2align 5",
        "2:",
        round!(
            "0*{row}", "rax", "rbx", "rcx", "r8", "r9", "r10", "r11", "r12", "r15", "rbp",
            "vmovdqa64 zmm17, [rdx + {words}]",
            "vmovdqa64 zmm18, [rdx + 1*{row} + {words}]",
            "vmovdqa64 zmm19, [rdx + 5*{row} + {words}]"
        ),
        round!(
            "0*{row} + 8", "r12", "rax", "rbx", "rcx", "r8", "r9", "r10", "r11", "rbp", "r15",
            "vpalignr zmm19, zmm19, [rdx + 4*{row} + {words}], 8",
            "vpalignr zmm18, zmm18, zmm17, 8",
            "vprorq zmm20, zmm18, 1"
        ),
        round!(
            "1*{row}", "r11", "r12", "rax", "rbx", "rcx", "r8", "r9", "r10", "r15", "rbp",
            "vprorq zmm21, zmm18, 8",
            "vpsrlq zmm18, zmm18, 7",
            "vpternlogq zmm18, zmm21, zmm20, {xor}"
        ),
        round!(
            "1*{row} + 8", "r10", "r11", "r12", "rax", "rbx", "rcx", "r8", "r9", "rbp", "r15",
            "vpaddq zmm17, zmm17, zmm19",
            "vpaddq zmm17, zmm17, zmm18",
            "vprorq zmm20, zmm16, 19"
        ),
        round!(
            "2*{row}", "r9", "r10", "r11", "r12", "rax", "rbx", "rcx", "r8", "r15", "rbp",
            "vprorq zmm21, zmm16, 61",
            "vpsrlq zmm18, zmm16, 6",
            "vpternlogq zmm18, zmm21, zmm20, {xor}"
        ),
        round!(
            "2*{row} + 8", "r8", "r9", "r10", "r11", "r12", "rax", "rbx", "rcx", "rbp", "r15",
            "vpaddq zmm16, zmm17, zmm18",
            "vmovdqa64 [rdx + 8*{row} + {words}], zmm16",
            "vpaddq zmm17, zmm16, [rdx + 8*{row} + {constants}]"
        ),
        round!(
            "3*{row}", "rcx", "r8", "r9", "r10", "r11", "r12", "rax", "rbx", "r15", "rbp",
            "vmovdqa64 [rdx + 8*{row} + {sums}], zmm17",
            "add rdx, {row}",
            ""
        ),
        round!("3*{row} + 8", "rbx", "rcx", "r8", "r9", "r10", "r11", "r12", "rax", "rbp", "r15", "", "", ""),
        "add rsi, 4*{row}",
        "cmp rsi, [rsp]",
        "jb 2b",
        "pop rdi; pop rdi",
        "add [rdi], rax; add [rdi + 8], rbx; add [rdi + 16], rcx; add [rdi + 24], r8",
        "add [rdi + 32], r9; add [rdi + 40], r10; add [rdi + 48], r11; add [rdi + 56], r12",
        "pop r15; pop r14; pop r13; pop r12; pop rbp; pop rbx",
        "ret",
        row = const size_of::<Row>(),
        end = const PAIRS * size_of::<Row>(),
        sums = const offset_of!(Row, sums),
        words = const offset_of!(Row, words),
        constants = const offset_of!(Row, constants),
        xor = const 0x96,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_groups_are_taken_from_the_threshold_on() {
        let Some(kernel) = Avx512::detect() else {
            eprintln!("skipped: this processor has no AVX-512");
            return;
        };
        let blocks = [Block::default(); (WORTHWHILE + 3) * LANES];
        for count in 0..=blocks.len() {
            let (mut state, mut reference) = ([1; 8], [1; 8]);
            let left = kernel.compress(&mut state, &blocks[..count]).len();
            assert_eq!(left, if count < WORTHWHILE * LANES { count } else { count % LANES }, "{count}");
            sha2::compress512(&mut reference, &blocks[left..count]);
            assert_eq!(state, reference, "{count} blocks");
        }
    }
}
