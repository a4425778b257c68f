// SPDX-License-Identifier: Apache-2.0
//! The program as people run it: what it prints, what it leaves behind.
#![allow(clippy::unwrap_used, reason = "a test that cannot prepare its folder has failed")]

mod build;
mod notary;
mod output;
mod platforms;
mod recipe;
mod root;
mod sign;
mod support;
mod vendor;
