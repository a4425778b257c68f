// SPDX-License-Identifier: Apache-2.0
//! The canonical archive: one form of header, two entries that are found before anything is trusted.
#![deny(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::indexing_slicing)]

pub mod format;
pub mod reader;
