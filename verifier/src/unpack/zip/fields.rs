// SPDX-License-Identifier: Apache-2.0
//! Little-endian numbers one after the other, as all records of a zip are made.

use crate::bytes::Bytes;
use crate::unpack::{Error, Fault, Rule, fault};

/// Bytes of a record that were not read yet.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let Some((taken, rest)) = self.0.split_at_checked(count) else {
            return fault(Rule::Structure, "a record is shorter than it says");
        };
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let Some((taken, rest)) = self.0.split_first_chunk::<N>() else {
            return fault(Rule::Structure, "a record is shorter than it says");
        };
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Fault> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32, Fault> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64, Fault> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub(super) const fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// `into.len()` bytes at `at`; a fault that names `what` where the file is not that long.
pub(super) fn read(file: &dyn Bytes, at: u64, into: &mut [u8], what: &str) -> Result<(), Error> {
    let end = at.checked_add(crate::unpack::length(into.len()));
    if end.is_none_or(|end| end > file.length()) {
        return Err(Fault::new(Rule::Structure, format!("{what} lies beyond the end of the file")).into());
    }
    file.read_at(at, into)?;
    Ok(())
}
