// SPDX-License-Identifier: Apache-2.0
//! Every kernel that this processor runs, against the `sha2` crate and the answers of the standard.

use proptest::prelude::*;
use sha2::digest::generic_array::GenericArray;

use super::{BLOCK, INITIAL, Kernel, State, sha256};

/// Noise that needs no dependency: splitmix64.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn state(&mut self) -> State {
        [(); 8].map(|()| self.next() as u32)
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        std::iter::repeat_with(|| self.next() as u8).take(length).collect()
    }
}

fn reference(mut state: State, stream: &[u8]) -> State {
    for block in stream.chunks_exact(BLOCK) {
        sha2::compress256(&mut state, &[*GenericArray::from_slice(block)]);
    }
    state
}

/// Streams that start at any alignment, overlap, and end at the very end of their memory.
fn agrees_with_sha2(count: usize, blocks: usize, seed: u64) {
    let mut noise = Noise(seed);
    let memory = noise.bytes(blocks * BLOCK + 4 * BLOCK);
    let mut states: Vec<State> = (0..count).map(|_| noise.state()).collect();
    let streams: Vec<&[u8]> = (0..count)
        .map(|stream| {
            let from = if stream == 0 { 4 * BLOCK } else { noise.next() as usize % (4 * BLOCK) };
            &memory[from..from + blocks * BLOCK]
        })
        .collect();
    let expected: Vec<State> =
        states.iter().zip(&streams).map(|(state, stream)| reference(*state, stream)).collect();
    let before = states.clone();
    for kernel in Kernel::all_available() {
        states.clone_from(&before);
        kernel.compress(&mut states, &streams);
        assert_eq!(states, expected, "{}, {count} streams of {blocks} blocks", kernel.name());
    }
}

#[test]
fn every_count_of_streams_agrees_with_sha2() {
    for count in 0..=70 {
        for blocks in 0..=3 {
            agrees_with_sha2(count, blocks, 7);
        }
    }
}

proptest! {
    #[test]
    fn any_streams_agree_with_sha2(count in 0usize..=40, blocks in 0usize..=70, seed: u64) {
        agrees_with_sha2(count, blocks, seed);
    }
}

/// FIPS 180-2 appendix B and the SHAVS short messages; the last is a million times `a`.
#[test]
fn answers_of_the_standard() {
    let million = [b'a'; 1_000_000];
    let cases: [(&[u8], &str); 5] = [
        (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
        (
            b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
        ),
        (&million, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ];
    for (message, answer) in cases {
        let (padding, length) = sha256::padding(message.len() as u64);
        let padded = [message, &padding[..length]].concat();
        for kernel in Kernel::all_available() {
            for count in [1, 2, 3, 16] {
                let mut states = vec![INITIAL; count];
                kernel.compress(&mut states, &vec![padded.as_slice(); count]);
                for state in states {
                    let hex: String = state.iter().map(|word| format!("{word:08x}")).collect();
                    assert_eq!(hex, answer, "{}, {} bytes", kernel.name(), message.len());
                }
            }
        }
    }
}

#[test]
fn the_detected_kernel_is_the_last_available() {
    let kernels = Kernel::all_available();
    assert_eq!(kernels.last(), Some(&Kernel::detect()));
    assert_eq!(kernels.first().map(Kernel::name), Some("portable"));
    assert_eq!(kernels.first().map(Kernel::lanes), Some(1));
}

#[test]
#[should_panic(expected = "streams of one length")]
fn streams_of_two_lengths_are_a_mistake() {
    Kernel::detect().compress(&mut [INITIAL; 2], &[&[0; BLOCK], &[0; 2 * BLOCK]]);
}

#[test]
#[should_panic(expected = "whole blocks")]
fn half_a_block_is_a_mistake() {
    Kernel::detect().compress(&mut [INITIAL], &[&[0; BLOCK / 2]]);
}
