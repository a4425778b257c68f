// SPDX-License-Identifier: Apache-2.0
//! Stand-in until the lead's `approve` is merged: the shape alone.

/// Proven bytes whose artifacts carry the vendor evidence that they demand.
pub struct Approved<P> {
    proven: P,
}

impl<P> Approved<P> {
    /// Stand-in for the judgement of vendor evidence.
    #[doc(hidden)]
    pub fn stand_in(proven: P) -> Self {
        Self { proven }
    }

    /// What was approved.
    pub const fn get(&self) -> &P {
        &self.proven
    }

    pub(crate) fn into_inner(self) -> P {
        self.proven
    }
}
