// SPDX-License-Identifier: Apache-2.0
//! One stream at a time by the `sha2` crate: for every processor, and the yardstick of the other kernels.

use sha2::digest::block_buffer::EagerBuffer;
use sha2::digest::consts::U64;

use super::State;

/// Absorbs `stream`, a multiple of 64 bytes, into `state`.
pub(super) fn compress(state: &mut State, stream: &[u8]) {
    // An empty buffer hands whole blocks on where they lie, in one call: no copy, and no cast of ours.
    EagerBuffer::<U64>::default().digest_blocks(stream, |blocks| sha2::compress256(state, blocks));
}
