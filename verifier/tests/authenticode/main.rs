// SPDX-License-Identifier: Apache-2.0
//! Authenticode beside osslsigncode, on programs, installers and cabinets that are made and signed here and
//! now; and what becomes of them when any byte changes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot make its fixtures must stop")]

mod fixtures;
mod mutations;
mod oracle;
