// SPDX-License-Identifier: Apache-2.0
//! The same facts for people and for programs. Handed everything, decides nothing.

pub mod human;
pub mod json;
mod meant;
pub mod talk;
