// SPDX-License-Identifier: Apache-2.0
//! What headers of an answer say about time and identity: when to come again, and which file it is.

use std::time::{Duration, SystemTime};

use jiff::fmt::rfc2822::DateTimeParser;
use ureq::http::{HeaderMap, header};

/// How long the server asks to wait: seconds, or a date (RFC 9110 §10.2.3).
pub(super) fn after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // What is beyond numbers is beyond patience.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let now = i64::try_from(now.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs()).ok()?;
    let wait = date(text)?.saturating_sub(now);
    Some(Duration::from_secs(u64::try_from(wait).unwrap_or(0)))
}

/// What `If-Range` may carry (RFC 9110 §13.1.5): a strong entity tag, or a date that is as good as one,
/// because the file was old when it was sent (§8.8.2.2).
pub(super) fn strong_tag(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if let Some(tag) = text(header::ETAG) {
        return (tag.len() >= 2 && tag.starts_with('"') && tag.ends_with('"')).then(|| tag.to_owned());
    }
    let modified = text(header::LAST_MODIFIED)?;
    (date(text(header::DATE)?)?.checked_sub(date(modified)?)? >= 1).then(|| modified.to_owned())
}

/// The first byte and the length of the whole in `bytes FIRST-LAST/TOTAL`, where it goes to the end
/// (RFC 9110 §14.4).
pub(super) fn content_range(headers: &HeaderMap) -> Option<(u64, u64)> {
    let text = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let total: u64 = total.parse().ok()?;
    let last: u64 = last.parse().ok()?;
    (last.checked_add(1)? == total).then_some((first.parse().ok()?, total))
}

/// Seconds since 1970 of a date as HTTP writes it.
fn date(text: &str) -> Option<i64> {
    DateTimeParser::new().parse_timestamp(text).ok().map(|time| time.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        // The date of RFC 9110 §5.6.7.
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (text, wait) in [
            ("120", Some(120)),
            ("0", Some(0)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:49:40 GMT", Some(3)),
            ("Sun, 06 Nov 1994 08:49:30 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            let found = after(&headers(&[("retry-after", text)]), at);
            assert_eq!(found, wait.map(Duration::from_secs), "{text}");
        }
        assert_eq!(after(&headers(&[]), at), None);
    }

    #[test]
    fn only_what_names_these_very_bytes_is_a_tag() {
        let modified = ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT");
        for (pairs, tag) in [
            (&[("etag", "\"a\"")][..], Some("\"a\"")),
            (&[("etag", "W/\"a\"")], None),
            (&[("etag", "a")], None),
            (&[("etag", "W/\"a\""), modified, ("date", "Sun, 06 Nov 1994 08:50:37 GMT")], None),
            (&[modified, ("date", "Sun, 06 Nov 1994 08:50:37 GMT")], Some(modified.1)),
            (&[modified, ("date", "Sun, 06 Nov 1994 08:49:37 GMT")], None),
            (&[modified], None),
            (&[], None),
        ] {
            assert_eq!(strong_tag(&headers(pairs)).as_deref(), tag, "{pairs:?}");
        }
    }

    #[test]
    fn a_range_goes_to_the_end_or_is_none() {
        for (text, range) in [
            ("bytes 5-9/10", Some((5, 10))),
            ("bytes 5-8/10", None),
            ("bytes 5-9/*", None),
            ("bytes */10", None),
            ("items 5-9/10", None),
            ("bytes 5-18446744073709551615/10", None),
        ] {
            assert_eq!(content_range(&headers(&[("content-range", text)])), range, "{text}");
        }
    }
}
