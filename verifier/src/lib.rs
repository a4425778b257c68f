// SPDX-License-Identifier: Apache-2.0
//! Proves and installs a Sealift bundle on an isolated host, without any network.

#![deny(unsafe_code)]

pub mod archive;
mod beneath;
pub mod bytes;
pub mod check;
pub mod cli;
pub mod contents;
pub mod error;
pub mod hash;
pub mod host;
pub mod install;
mod journal;
pub mod media;
pub mod nearest;
pub mod notary;
pub mod outcome;
mod plan;
pub mod progress;
pub mod report;
pub mod run;
pub mod select;
pub mod signature;
pub mod stage;
mod target;
pub mod trust;
pub mod unpack;
