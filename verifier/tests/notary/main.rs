// SPDX-License-Identifier: Apache-2.0
//! Trust policies and trust stores of Notation: documents made by a model, by single faults and by mutation; stores made
//! with `openssl`; and both held against Notation itself, where it is here.
// A test that cannot start its tool should stop where it stands.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod oracle;
mod policy;
mod store;
