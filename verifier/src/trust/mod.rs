// SPDX-License-Identifier: Apache-2.0
//! From bytes and signatures to a manifest that this host may believe.

pub mod key;
pub mod ledger;
pub mod root;
pub mod threshold;
