// SPDX-License-Identifier: Apache-2.0
//! Why a link does not hold: the bytes are wrong, or the signed list of chaining values is.
//!
//! Every link before the broken one held, so the state there is that of the file. From it the rest
//! is hashed in order; the digest then says which of the two it was. A carrier that is read again for
//! this may answer otherwise than before: then neither is at fault, but the carrier.

use manifests::digest::Sha256Digest;

use super::layout::Layout;
use super::{Spot, require_digest};
use crate::error::{Code, Refusal};
use crate::hash::Kernel;
use crate::hash::sha256::{Midstate, state_bytes};

/// A file that is hashed on from the last state that is known to be its own.
pub(super) struct Diagnosis {
    spot: Spot,
    state: Midstate,
    bytes: Bytes,
    /// Whether the link holds over the bytes as they came this time.
    holds_now: bool,
}

/// Where the bytes of a diagnosis come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bytes {
    /// Those that the broken link was computed over, which were kept.
    Same,
    /// Read again.
    ReadAgain,
}

impl Diagnosis {
    /// Begins at the broken link.
    pub(super) fn new(layout: &Layout, spot: Spot, bytes: Bytes) -> Option<Self> {
        let before = layout.before(spot.entry, spot.chunk);
        let start = layout.place(spot.entry).chunk(spot.chunk).start;
        Some(Self { spot, state: Midstate::from_parts(before, &[], start)?, bytes, holds_now: false })
    }

    /// Bytes of the file up to here.
    pub(super) const fn length(&self) -> u64 {
        self.state.length()
    }

    /// The next bytes of the file, of one chunk.
    pub(super) fn update(&mut self, layout: &Layout, bytes: &[u8]) {
        self.state.update(Kernel::detect(), bytes);
        let place = layout.place(self.spot.entry);
        if self.state.length() == place.chunk(self.spot.chunk).end && self.spot.chunk + 1 < place.chunks() {
            self.holds_now =
                self.state.chaining_value() == Some(layout.after(self.spot.entry, self.spot.chunk));
        }
    }

    /// The refusal, once the whole file has been seen.
    pub(super) fn conclude(self, layout: &Layout) -> Refusal {
        let Spot { entry, chunk } = self.spot;
        let (place, path) = (layout.place(entry), layout.path(entry));
        let expected = Sha256Digest::new(state_bytes(&layout.after(entry, place.chunks() - 1)));
        let found = self.state.digest();
        let range = place.chunk(chunk);
        let bytes = format!("bytes {} to {}", range.start, range.end.saturating_sub(1));
        let last = chunk + 1 == place.chunks();
        if self.bytes == Bytes::ReadAgain && (self.holds_now || last && found == expected) {
            return Refusal::new(Code::ChangedWhileRead, path, "is not the same each time it is read")
                .expected("the same bytes at each read")
                .found(format!("others in {bytes} a moment ago"));
        }
        match require_digest(path, expected, found) {
            Err(refusal) => refusal
                .expected(format!("{expected} ({} bytes)", place.size))
                .found(format!("{found} (first difference in {bytes})")),
            Ok(()) => {
                Refusal::new(Code::ChainsInconsistent, path, "does not fit its list of chaining values")
                    .expected("a list that leads to the file's own digest")
                    .found(format!("one that goes wrong at {bytes}"))
            }
        }
    }
}
