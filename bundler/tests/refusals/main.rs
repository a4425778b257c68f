// SPDX-License-Identifier: Apache-2.0
//! Bad input: every case of `testdata/bundles/bad` against the real `verifier`, and properties beside them.
//!
//! A case is one fault in the good bundle of `testdata/bundles/base`. On each carrier that can express it,
//! the refusal must have the right code and class, say what it means to programs and to people, and leave
//! everything on disk as it was.
// A test that cannot lay out its own case should stop where it stands.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod base;
mod case;
mod edit;
mod keys;
mod medium;
mod properties;
mod scene;
mod walk;
