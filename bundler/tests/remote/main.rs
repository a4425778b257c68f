// SPDX-License-Identifier: Apache-2.0
//! Recipes whose files come from URLs, by the program as people run it, against a real TLS server on loopback.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot prepare its server has failed"
)]

mod keys;
mod offline;
mod recipe;
mod refused;
#[path = "../fetch/server.rs"]
mod server;
mod site;
mod story;
