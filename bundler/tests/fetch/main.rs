// SPDX-License-Identifier: Apache-2.0
//! Downloads against a real TLS server on loopback that misbehaves in every way that is known of servers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot prepare its server has failed"
)]

mod bodies;
mod hosts;
mod local;
mod processes;
mod redirects;
mod resume;
mod server;
mod store;
mod support;
mod waiting;
