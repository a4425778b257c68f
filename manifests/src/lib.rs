// SPDX-License-Identifier: Apache-2.0
//! The documents that cross an air gap in a bundle, and their strict readers.

pub mod digest;
pub mod evidence;
pub mod fingerprint;
pub mod sequence;
pub mod time;
