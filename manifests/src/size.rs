// SPDX-License-Identifier: Apache-2.0
//! Lengths in memory as the numbers of 64 bits that documents and offsets count with.

// What `wide` rests on: no length is cut.
const _: () = assert!(usize::BITS <= u64::BITS);

/// A length or count, for comparing it with what a document says.
#[allow(clippy::as_conversions, reason = "asserted above to keep every bit; `From` is not there for usize")]
pub const fn wide(length: usize) -> u64 {
    length as u64
}
