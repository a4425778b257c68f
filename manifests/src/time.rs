// SPDX-License-Identifier: Apache-2.0
//! Instants as every document writes them: RFC 3339, UTC, whole seconds. No clock is read here.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Seconds since 1970-01-01T00:00:00Z, from that instant to the end of the year 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

/// 9999-12-31T23:59:59Z: the last year that RFC 3339 can write.
const LAST: u64 = 253_402_300_799;

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// From seconds since 1970; none beyond the year 9999.
    pub const fn from_seconds(seconds: u64) -> Option<Self> {
        if seconds > LAST { None } else { Some(Self(seconds)) }
    }

    /// Seconds since 1970.
    pub const fn seconds(self) -> u64 {
        self.0
    }

    /// Reads `2026-11-22T00:00:00Z` and no other spelling: what is printed again must be the same text.
    pub fn parse(text: &str) -> Result<Self, TimestampError> {
        let wrong = || TimestampError { text: text.chars().take(40).collect() };
        let instant: jiff::Timestamp = text.parse().map_err(|_| wrong())?;
        let seconds = u64::try_from(instant.as_second()).map_err(|_| wrong())?;
        let read = Self::from_seconds(seconds).ok_or_else(wrong)?;
        if read.to_string() == text { Ok(read) } else { Err(wrong()) }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instant =
            i64::try_from(self.0).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
        match instant {
            Some(instant) => fmt::Display::fmt(&instant, f),
            // Unreachable by `from_seconds`; jiff's own range ends a day before the year does.
            None => f.write_str("9999-12-31T23:59:59Z"),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Text that is not an instant in the one form that is read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a time of the form 2026-11-22T00:00:00Z", text.escape_debug())]
pub struct TimestampError {
    text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_only() {
        let good = "2026-11-22T00:00:00Z";
        assert_eq!(Timestamp::parse(good).unwrap().to_string(), good);
        assert_eq!(Timestamp::parse("1970-01-01T00:00:00Z").unwrap().seconds(), 0);
        for bad in [
            "2026-11-22",
            "2026-11-22T00:00:00",
            "2026-11-22t00:00:00z",
            "2026-11-22 00:00:00Z",
            "2026-11-22T00:00:00.5Z",
            "2026-11-22T00:00:00+00:00",
            "2026-11-22T01:00:00+01:00",
            "2026-02-30T00:00:00Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T23:59:60Z",
            "1969-12-31T23:59:59Z",
            "12026-11-22T00:00:00Z",
            " 2026-11-22T00:00:00Z",
        ] {
            assert!(Timestamp::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn last_second_prints() {
        let last = Timestamp::from_seconds(LAST).unwrap();
        assert_eq!(last.to_string(), "9999-12-31T23:59:59Z");
        assert_eq!(Timestamp::from_seconds(LAST + 1), None);
    }
}
