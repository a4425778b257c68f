// SPDX-License-Identifier: Apache-2.0
//! Proves and installs a Sealift bundle on an isolated host, without any network.

pub mod hash;
pub mod signature;
