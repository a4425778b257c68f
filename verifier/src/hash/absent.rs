// SPDX-License-Identifier: Apache-2.0
//! Stands in for the block functions that this target does not have: types without a value.

use super::State;

/// AVX-512, which no processor of this target has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Avx512 {}

impl Avx512 {
    pub(super) fn detect() -> Option<Self> {
        None
    }

    pub(super) fn compress(self, _: &mut [State], _: &[&[u8]]) {
        match self {}
    }
}

/// The SHA extensions of x86, which no processor of this target has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ShaNi {}

impl ShaNi {
    pub(super) fn detect() -> Option<Self> {
        None
    }

    pub(super) fn compress<const LANES: usize>(self, _: &mut [State; LANES], _: &[&[u8]; LANES]) {
        match self {}
    }
}
