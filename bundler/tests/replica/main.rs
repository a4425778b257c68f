// SPDX-License-Identifier: Apache-2.0
//! A replica of AWS's download sites, made by `testdata/make/replica`: over TLS by the fetcher, and to the
//! verdict that the verifier gives of each file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot prepare its server has failed"
)]

mod files;
mod made;
mod paths;
#[path = "../fetch/server.rs"]
mod server;
mod story;
