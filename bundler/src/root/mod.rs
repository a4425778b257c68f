// SPDX-License-Identifier: Apache-2.0
//! The trust root's ceremony: made, rotated, co-signed, shown.
//!
//! In: public keys, roles and thresholds from the command line; rules from a small TOML file. Out: an
//! envelope that nobody has signed yet, then one signature after the other.

mod ceremony;
pub mod change;
mod rules;

pub use ceremony::{Root, RootSigned, create, next, sign};
pub use change::{Change, KeyOption};

use manifests::digest::Sha256Digest;

/// A fingerprint in groups of four digits, for reading over the telephone.
pub fn grouped(fingerprint: Sha256Digest) -> [String; 2] {
    let hex = fingerprint.hex();
    let (first, second) = hex.split_at(hex.len() / 2);
    [first, second].map(|half| {
        let digits: Vec<char> = half.chars().collect();
        digits.chunks(4).map(|four| four.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
    })
}
