// SPDX-License-Identifier: Apache-2.0
//! Numbers that only grow: a bundle's sequence and a root's version, as types that cannot be mixed.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

/// The largest number that every JSON reader keeps exactly (RFC 8259 §6).
const MAX: u64 = (1 << 53) - 1;

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(u64);

        impl $name {
            /// Accepts 1 to 2⁵³ − 1.
            pub const fn new(number: u64) -> Option<Self> {
                if number == 0 || number > MAX { None } else { Some(Self(number)) }
            }

            /// The number.
            pub const fn get(self) -> u64 {
                self.0
            }

            /// The number after this one; none at the end of the range.
            pub const fn next(self) -> Option<Self> {
                Self::new(self.0.saturating_add(1))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let number = u64::deserialize(deserializer)?;
                Self::new(number).ok_or_else(|| {
                    de::Error::custom(format_args!("{} must be from 1 to {MAX}, not {number}", $what))
                })
            }
        }
    };
}

counter!(
    /// A bundle's place in the series of its name.
    Sequence,
    "a sequence"
);
counter!(
    /// A trust root's place in the chain of roots.
    RootVersion,
    "a root's version"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_and_numbers_beyond_json_are_refused() {
        assert_eq!(Sequence::new(0), None);
        assert_eq!(Sequence::new(MAX).and_then(Sequence::next), None);
        for bad in ["0", "-1", "1.0", "9007199254740992", "\"1\""] {
            assert!(serde_json::from_str::<Sequence>(bad).is_err(), "{bad}");
        }
        assert_eq!(serde_json::from_str::<RootVersion>("3").unwrap().get(), 3);
    }
}
