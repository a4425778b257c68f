// SPDX-License-Identifier: Apache-2.0
//! SHA-512 and SHA-384, as vendors' signatures use them: the block function is ours where that is faster.
//!
//! Buffer and padding are those of the `digest` crate, and so are the traits: they stand in for `sha2`'s types.

#[cfg(target_arch = "x86_64")]
mod avx512;

use std::fmt;
use std::slice::from_ref;

use sha2::digest::block_buffer::Eager;
use sha2::digest::consts::{U48, U64, U128};
use sha2::digest::core_api::{
    AlgorithmName, BlockSizeUser, Buffer, BufferKindUser, CoreWrapper, CtVariableCoreWrapper, OutputSizeUser,
    TruncSide, UpdateCore, VariableOutputCore,
};
use sha2::digest::generic_array::GenericArray;
use sha2::digest::{HashMarker, InvalidOutputSize};

/// SHA-512 of one stream.
pub type Sha512 = CoreWrapper<CtVariableCoreWrapper<Core, U64>>;

/// SHA-384 of one stream.
pub type Sha384 = CoreWrapper<CtVariableCoreWrapper<Core, U48>>;

/// The eight words that are carried from block to block (FIPS 180-4 §6.4.2).
type State = [u64; 8];

/// 128 bytes (FIPS 180-4 §5.2.2).
type Block = GenericArray<u8, U128>;

/// The state of SHA-512 before the first block (FIPS 180-4 §5.3.5).
const INITIAL_512: State = [
    0x6a09_e667_f3bc_c908,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x9b05_688c_2b3e_6c1f,
    0x1f83_d9ab_fb41_bd6b,
    0x5be0_cd19_137e_2179,
];

/// The state of SHA-384 before the first block (FIPS 180-4 §5.3.4).
const INITIAL_384: State = [
    0xcbbb_9d5d_c105_9ed8,
    0x629a_292a_367c_d507,
    0x9159_015a_3070_dd17,
    0x152f_ecd8_f70e_5939,
    0x6733_2667_ffc0_0b31,
    0x8eb4_4a87_6858_1511,
    0xdb0c_2e0d_64f9_8fa7,
    0x47b5_481d_befa_4fa4,
];

/// SHA-512 after some whole blocks.
#[derive(Clone)]
pub struct Core {
    state: State,
    blocks: u128,
}

impl HashMarker for Core {}

impl AlgorithmName for Core {
    fn write_alg_name(f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sha512")
    }
}

impl BlockSizeUser for Core {
    type BlockSize = U128;
}

impl BufferKindUser for Core {
    type BufferKind = Eager;
}

impl OutputSizeUser for Core {
    type OutputSize = U64;
}

impl UpdateCore for Core {
    fn update_blocks(&mut self, blocks: &[Block]) {
        self.blocks += blocks.len() as u128;
        compress(&mut self.state, blocks);
    }
}

impl VariableOutputCore for Core {
    const TRUNC_SIDE: TruncSide = TruncSide::Left;

    fn new(output_size: usize) -> Result<Self, InvalidOutputSize> {
        let state = match output_size {
            48 => INITIAL_384,
            64 => INITIAL_512,
            _ => return Err(InvalidOutputSize),
        };
        Ok(Self { state, blocks: 0 })
    }

    fn finalize_variable_core(&mut self, buffer: &mut Buffer<Self>, out: &mut GenericArray<u8, U64>) {
        let bytes = self.blocks * Self::block_size() as u128 + buffer.get_pos() as u128;
        buffer.len128_padding_be(8 * bytes, |block| compress(&mut self.state, from_ref(block)));
        for (out, word) in out.chunks_exact_mut(8).zip(self.state) {
            out.copy_from_slice(&word.to_be_bytes());
        }
    }
}

/// Absorbs `blocks` into `state`, by the fastest way that this processor has.
fn compress(state: &mut State, blocks: &[Block]) {
    #[cfg(target_arch = "x86_64")]
    let blocks = avx512::Avx512::detect().map_or(blocks, |avx512| avx512.compress(state, blocks));
    sha2::compress512(state, blocks);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::Digest;

    use super::*;

    /// More than the fewest blocks that the wide code takes, and not a multiple of its groups.
    #[cfg(target_arch = "x86_64")]
    const BLOCKS: usize = (avx512::WORTHWHILE + 3) * avx512::LANES + 2;
    #[cfg(not(target_arch = "x86_64"))]
    const BLOCKS: usize = 9;

    #[test]
    fn every_number_of_bytes_agrees_with_sha2() {
        let bytes: Vec<u8> = (0..BLOCKS * 128).map(|n| (n * 7 + n / 128) as u8).collect();
        for length in 0..=bytes.len() {
            let bytes = &bytes[..length];
            assert_eq!(Sha512::digest(bytes), sha2::Sha512::digest(bytes), "SHA-512 of {length} bytes");
        }
        assert_eq!(Sha384::digest(&bytes), sha2::Sha384::digest(&bytes), "SHA-384");
        assert_eq!(Sha384::digest(&bytes[..99]), sha2::Sha384::digest(&bytes[..99]), "SHA-384");
    }

    proptest! {
        #[test]
        fn any_split_at_any_alignment_agrees_with_sha2(
            bytes in proptest::collection::vec(any::<u8>(), 0..128 * BLOCKS),
            from in 0usize..64,
            cut in 0usize..128 * BLOCKS,
        ) {
            let bytes = bytes.get(from..).unwrap_or_default();
            let (before, after) = bytes.split_at(cut.min(bytes.len()));
            let ours = Sha512::new().chain_update(before).chain_update(after).finalize();
            prop_assert_eq!(ours, sha2::Sha512::digest(bytes));
        }

        #[test]
        fn any_state_agrees_with_sha2(
            state: State,
            bytes in proptest::collection::vec(any::<u8>(), 128 * BLOCKS),
            from in 0usize..BLOCKS,
        ) {
            let blocks: Vec<Block> = bytes.chunks(128).map(|block| *Block::from_slice(block)).collect();
            let (mut ours, mut reference) = (state, state);
            compress(&mut ours, &blocks[from..]);
            sha2::compress512(&mut reference, &blocks[from..]);
            prop_assert_eq!(ours, reference);
        }
    }
}
