// SPDX-License-Identifier: Apache-2.0
//! The program as people run it: what it prints, what it leaves behind.

mod build;
mod recipe;
mod root;
mod sign;
mod support;
mod vendor;
