// SPDX-License-Identifier: Apache-2.0
//! Streams of different lengths, absorbed together for as long as each lasts.

use super::sha256::padding;
use super::{BLOCK, Kernel, State};

/// Absorbs `streams[i]`, a whole number of blocks, into `states[i]`.
pub fn absorb(kernel: Kernel, states: &mut [State], streams: &[&[u8]]) {
    if streams.windows(2).all(|pair| pair[0].len() == pair[1].len()) {
        kernel.compress(states, streams);
        return;
    }
    let mut active: Vec<usize> = (0..streams.len()).filter(|at| !streams[*at].is_empty()).collect();
    // Longest last: the shortest ones fall away together, and the rest stay side by side.
    active.sort_by_key(|at| std::cmp::Reverse(streams[*at].len()));
    let mut done = 0;
    while let Some(shortest) = active.last().map(|at| streams[*at].len()) {
        let mut now: Vec<State> = active.iter().map(|at| states[*at]).collect();
        let blocks: Vec<&[u8]> = active.iter().map(|at| &streams[*at][done..shortest]).collect();
        kernel.compress(&mut now, &blocks);
        for (at, state) in active.iter().zip(now) {
            states[*at] = state;
        }
        done = shortest;
        active.retain(|at| streams[*at].len() > done);
    }
}

/// The last one or two blocks of a message: its bytes after the last whole block, and the padding.
pub struct LastBlocks {
    bytes: [u8; 2 * BLOCK],
    length: usize,
}

impl LastBlocks {
    /// For a message of `length` bytes in all whose last `length % 64` bytes are `tail`.
    pub fn new(tail: &[u8], length: u64) -> Self {
        let mut bytes = [0; 2 * BLOCK];
        let (padding, count) = padding(length);
        bytes[..tail.len()].copy_from_slice(tail);
        bytes[tail.len()..tail.len() + count].copy_from_slice(&padding[..count]);
        Self { bytes, length: tail.len() + count }
    }

    /// One block or two.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::Digest;

    use super::super::sha256::state_bytes;
    use super::super::{INITIAL, Kernel};
    use super::*;

    proptest! {
        #[test]
        fn messages_of_any_lengths_agree_with_sha2(messages in proptest::collection::vec(
            proptest::collection::vec(any::<u8>(), 0..700), 0..40)) {
            for kernel in Kernel::all_available() {
                let mut states = vec![INITIAL; messages.len()];
                let whole = |message: &Vec<u8>| message.len() - message.len() % BLOCK;
                let streams: Vec<&[u8]> = messages.iter().map(|m| &m[..whole(m)]).collect();
                absorb(kernel, &mut states, &streams);
                let last: Vec<LastBlocks> =
                    messages.iter().map(|m| LastBlocks::new(&m[whole(m)..], m.len() as u64)).collect();
                let streams: Vec<&[u8]> = last.iter().map(LastBlocks::bytes).collect();
                absorb(kernel, &mut states, &streams);
                for (state, message) in states.iter().zip(&messages) {
                    let expected: [u8; 32] = sha2::Sha256::digest(message).into();
                    prop_assert_eq!(state_bytes(state), expected);
                }
            }
        }
    }
}
