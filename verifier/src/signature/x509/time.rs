// SPDX-License-Identifier: Apache-2.0
//! UTCTime and GeneralizedTime (RFC 5280 §4.1.2.5, RFC 3161 §2.4.2). `der` reads none before 1970, and no fractions.

use std::time::Duration;

use der::asn1::AnyRef;
use der::{DateTime, Tag, Tagged};
use manifests::time::Timestamp;

use super::Malformed;

/// Seconds since 1970, negative before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Instant(i64);

/// 400 years, after which the Gregorian calendar repeats itself to the weekday.
const FOUR_CENTURIES: i64 = 146_097 * 86_400;

impl Instant {
    /// As documents write it; 1970 for all before.
    pub(super) fn timestamp(self) -> Timestamp {
        u64::try_from(self.0).ok().and_then(Timestamp::from_seconds).unwrap_or(Timestamp::EPOCH)
    }
}

impl From<Timestamp> for Instant {
    fn from(time: Timestamp) -> Self {
        Self(i64::try_from(time.seconds()).unwrap_or(i64::MAX))
    }
}

/// A time of a certificate: whole seconds, `Z` (RFC 5280 §4.1.2.5).
pub(super) fn instant(value: AnyRef<'_>) -> Result<Instant, Malformed> {
    let wrong = || Malformed::new("a date is not of the form YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ");
    let bytes = value.value();
    let year_digits = match value.tag() {
        Tag::UtcTime => 2,
        Tag::GeneralizedTime => 4,
        _ => return Err(wrong()),
    };
    let digits = bytes.strip_suffix(b"Z").ok_or_else(wrong)?;
    let (year, rest) = digits.split_at_checked(year_digits).ok_or_else(wrong)?;
    let mut year = number(year).ok_or_else(wrong)?;
    if year_digits == 2 {
        // §4.1.2.5.1: 50 to 99 are of the last century.
        year = year.saturating_add(if year < 50 { 2000 } else { 1900 });
    }
    civil(year, rest).ok_or_else(wrong)
}

/// A GeneralizedTime of a timestamp token, fractions of a second cut off (RFC 3161 §2.4.2).
pub(crate) fn generalized_time(value: AnyRef<'_>) -> Result<Timestamp, Malformed> {
    let wrong = || Malformed::new("a time is not of the form YYYYMMDDHHMMSS[.F]Z");
    if value.tag() != Tag::GeneralizedTime {
        return Err(wrong());
    }
    let text = value.value().strip_suffix(b"Z").ok_or_else(wrong)?;
    let (whole, fraction) = text.split_at_checked(14).ok_or_else(wrong)?;
    if !fraction.is_empty() {
        let digits = fraction.strip_prefix(b".").ok_or_else(wrong)?;
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return Err(wrong());
        }
    }
    let (year, rest) = whole.split_at_checked(4).ok_or_else(wrong)?;
    let instant = number(year).and_then(|year| civil(year, rest)).ok_or_else(wrong)?;
    Ok(instant.timestamp())
}

/// A signing-time attribute (RFC 5652 §11.3): as a time of a certificate.
pub(crate) fn signing_time(value: AnyRef<'_>) -> Result<Timestamp, Malformed> {
    Ok(instant(value)?.timestamp())
}

/// MMDDHHMMSS of a year.
fn civil(year: u16, rest: &[u8]) -> Option<Instant> {
    let (pairs, odd) = rest.as_chunks::<2>();
    let [month, day, hour, minute, second] = pairs else { return None };
    if !odd.is_empty() {
        return None;
    }
    let two = |pair: &[u8; 2]| number(pair).and_then(|number| u8::try_from(number).ok());
    let (shifted, shift) = if year < 1970 { (year.checked_add(400)?, FOUR_CENTURIES) } else { (year, 0) };
    let (shifted, shift) = match shifted {
        ..1970 => (year.checked_add(2000)?, FOUR_CENTURIES.checked_mul(5)?),
        _ => (shifted, shift),
    };
    let date = DateTime::new(shifted, two(month)?, two(day)?, two(hour)?, two(minute)?, two(second)?).ok()?;
    let since: Duration = date.unix_duration();
    Some(Instant(i64::try_from(since.as_secs()).ok()?.checked_sub(shift)?))
}

/// Up to four decimal digits.
fn number(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0_u16, |sum, digit| {
        let digit = char::from(*digit).to_digit(10).and_then(|digit| u16::try_from(digit).ok())?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> Option<i64> {
        instant(AnyRef::new(Tag::UtcTime, text.as_bytes()).unwrap()).ok().map(|instant| instant.0)
    }

    fn general(text: &str) -> Option<i64> {
        instant(AnyRef::new(Tag::GeneralizedTime, text.as_bytes()).unwrap()).ok().map(|instant| instant.0)
    }

    #[test]
    fn centuries_turn_at_fifty() {
        assert_eq!(utc("700101000000Z"), Some(0));
        assert_eq!(utc("500101000000Z"), Some(-631_152_000));
        assert_eq!(utc("491231235959Z"), Some(2_524_607_999));
        assert_eq!(general("20491231235959Z"), Some(2_524_607_999));
        assert_eq!(general("99991231235959Z"), Some(253_402_300_799));
        assert_eq!(general("00010101000000Z"), Some(-62_135_596_800));
        assert_eq!(general("19000228235959Z").map(|at| at + 1), general("19000301000000Z"));
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in ["7001010000Z", "700101000000+0000", "700101000000", "701301000000Z", "700230000000Z", ""]
        {
            assert_eq!(utc(text), None, "{text}");
        }
        for text in ["20200101000000", "20200101000000.5Z", "202001010000Z", "20200101000060Z"] {
            assert_eq!(general(text), None, "{text}");
        }
    }

    #[test]
    fn tokens_may_state_fractions() {
        let read = |text: &str| generalized_time(AnyRef::new(Tag::GeneralizedTime, text.as_bytes()).unwrap());
        assert_eq!(read("20240501100000.123Z").unwrap().to_string(), "2024-05-01T10:00:00Z");
        for bad in ["20240501100000.Z", "20240501100000,5Z", "20240501100000.5", "202405011000Z"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
