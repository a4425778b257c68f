// SPDX-License-Identifier: Apache-2.0
//! Collects software and its vendors' signatures into one signed bundle, on the connected side.
//!
//! `recipe` → `lock` → `build` → `sign`; `root` makes the trust that the far side starts from.
#![forbid(unsafe_code)]

pub mod build;
pub mod cli;
pub mod demo;
pub mod diff;
pub mod digest;
pub mod failure;
pub mod fetch;
pub mod files;
pub mod init;
pub mod inside;
pub mod keys;
pub mod lock;
pub mod place;
pub mod recipe;
pub mod report;
pub mod root;
pub mod run;
pub mod show;
pub mod sign;
pub mod source;
pub mod store;
