// SPDX-License-Identifier: Apache-2.0
//! The canonical archive: one form of header, two entries that are found before anything is trusted.

pub mod format;
pub mod reader;
