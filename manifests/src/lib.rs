// SPDX-License-Identifier: Apache-2.0
//! The documents that cross an air gap in a bundle, and their strict readers.
//!
//! | document | written by | read by | module |
//! |---|---|---|---|
//! | `manifest.json` | `bundler build` | `verifier` | [`bundle`], [`statement`] |
//! | `signatures.json` | `bundler sign` | `verifier` | [`dsse`] |
//! | `root.json` | `bundler root` | `verifier trust` | [`root`] |
//! | `verifier check` and its like | `verifier` | people, scripts | [`evidence`] |
//!
//! No input or output, no clock, and no cryptography beyond the types of digests.
#![forbid(unsafe_code)]
#![deny(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::indexing_slicing)]

pub mod bundle;
pub mod digest;
pub mod dsse;
pub mod evidence;
pub mod fingerprint;
pub mod json;
pub mod name;
pub mod root;
pub mod sequence;
pub mod size;
pub mod statement;
pub mod time;
