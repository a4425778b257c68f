// SPDX-License-Identifier: Apache-2.0
//! Proves and installs a Sealift bundle on an isolated host, without any network.

#![deny(unsafe_code)]

pub mod archive;
pub mod contents;
pub mod error;
pub mod hash;
pub mod media;
pub mod signature;
pub mod trust;
