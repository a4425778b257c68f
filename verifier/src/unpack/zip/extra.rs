// SPDX-License-Identifier: Apache-2.0
//! Extra fields (APPNOTE 4.5, 4.6.9): those that change what a header says, and nothing of the others.

use super::fields::Fields;
use crate::unpack::inflate::Sum;
use crate::unpack::{Fault, Rule, fault};

const ZIP64: u16 = 0x0001;
const UNICODE_PATH: u16 = 0x7075;

/// Whether a header has a zip64 field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wide {
    Present,
    Absent,
}

/// The extra fields of one header.
pub(super) struct Extra<'a> {
    zip64: Option<&'a [u8]>,
    unicode_path: Option<&'a [u8]>,
}

/// What a central header says of an entry, with 64 bits.
pub(super) struct Sizes {
    pub(super) plain: u64,
    pub(super) packed: u64,
    pub(super) local_at: u64,
    pub(super) disk: u32,
}

impl<'a> Extra<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Fault> {
        let mut fields = Fields::new(bytes);
        let (mut zip64, mut unicode_path) = (None, None);
        while !fields.is_empty() {
            // `zipalign` of Android fills up with fewer zeros than a field would need.
            if fields.rest().len() < 4 && fields.rest().iter().all(|byte| *byte == 0) {
                break;
            }
            let overrun = |_| Fault::new(Rule::Structure, "an extra field is longer than its header");
            let id = fields.u16().map_err(overrun)?;
            let size = fields.u16().map_err(overrun)?;
            let body = fields.take(usize::from(size)).map_err(overrun)?;
            let place = match id {
                ZIP64 => &mut zip64,
                UNICODE_PATH => &mut unicode_path,
                _ => continue,
            };
            if place.replace(body).is_some() {
                return fault(
                    Rule::Contradiction,
                    format!("the extra field {id:#06x} stands twice in a header"),
                );
            }
        }
        Ok(Self { zip64, unicode_path })
    }

    pub(super) const fn has_wide_sizes(&self) -> Wide {
        if self.zip64.is_some() { Wide::Present } else { Wide::Absent }
    }

    /// Info-ZIP's Unicode path (4.6.9): a name that some readers take instead of the header's. It must be
    /// the same name.
    pub(super) fn same_name(&self, name: &[u8]) -> Result<(), Fault> {
        let Some(body) = self.unicode_path else { return Ok(()) };
        let mut sum = Sum::new();
        sum.update(name);
        let same = match body.split_at_checked(5) {
            Some(([1, crc @ ..], path)) => crc == sum.crc().to_le_bytes() && path == name,
            _ => false,
        };
        if !same {
            let note = "the Unicode path field (0x7075) has another name, sum or version than its header";
            return fault(Rule::Contradiction, note);
        }
        Ok(())
    }

    /// A value stands in the zip64 field exactly when the header's own is all ones, in this order (4.5.3).
    pub(super) fn central_sizes(
        &self,
        plain: u32,
        packed: u32,
        local_at: u32,
        disk: u16,
    ) -> Result<Sizes, Fault> {
        let values = [plain, packed, local_at];
        let disk_value = if disk == u16::MAX { u32::MAX } else { u32::from(disk) };
        let Some(body) = self.zip64 else {
            let [plain, packed, local_at] = values.map(u64::from);
            return Ok(Sizes { plain, packed, local_at, disk: disk_value });
        };
        let none_needed = values.iter().all(|value| *value != u32::MAX) && disk != u16::MAX;
        let mut fields = Fields::new(body);
        let mut wide = values.map(u64::from);
        for (value, wide) in values.into_iter().zip(&mut wide) {
            if value == u32::MAX {
                *wide = fields.u64()?;
            } else if none_needed && !fields.is_empty() {
                // Not asked for: then it must not say anything else.
                same(u64::from(value), fields.u64()?)?;
            }
        }
        let mut disk_wide = disk_value;
        if disk == u16::MAX {
            disk_wide = fields.u32()?;
        } else if none_needed && !fields.is_empty() {
            same(u64::from(disk), u64::from(fields.u32()?))?;
        }
        if !fields.is_empty() {
            return fault(Rule::Contradiction, "the zip64 field has values that its header does not ask for");
        }
        let [plain, packed, local_at] = wide;
        Ok(Sizes { plain, packed, local_at, disk: disk_wide })
    }

    /// Plain and packed size of a local header: both stand in the zip64 field, or none (4.5.3).
    pub(super) fn local_sizes(&self, plain: u32, packed: u32) -> Result<(u64, u64), Fault> {
        let header = (u64::from(plain), u64::from(packed));
        let Some(body) = self.zip64 else { return Ok(header) };
        let mut fields = Fields::new(body);
        let wide = (fields.u64()?, fields.u64()?);
        if !fields.is_empty() {
            return fault(Rule::Contradiction, "the zip64 field of a local header has more than two sizes");
        }
        let pairs = [(plain, wide.0), (packed, wide.1)];
        for (value, wide) in pairs {
            // Zeros: the header was written before the sizes were known, and the field with it.
            if value != u32::MAX && !(wide == 0 && value == 0) {
                same(u64::from(value), wide)?;
            }
        }
        Ok(wide)
    }
}

fn same(header: u64, field: u64) -> Result<(), Fault> {
    if header != field {
        let note = format!("the zip64 field says {field}, its header {header}");
        return fault(Rule::Contradiction, note);
    }
    Ok(())
}
