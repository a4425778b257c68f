// SPDX-License-Identifier: Apache-2.0
//! A repository's Release file: its text in, the dates and lists of files in it out.
//!
//! Source: Debian's repository format (`DebianRepository/Format`), apt's `debmetaindex.cc`. The lists say which
//! index files belong to the release: digest, size, path beneath the folder of the Release file.

use manifests::time::Timestamp;

use super::super::digest::Algorithm;
use super::super::openpgp::Sha1;
use super::super::{Reason, Stop};
use super::stanza::Stanzas;

/// A Release file with its signature. Debian's largest has 300 KiB.
pub const MAX_RELEASE_BYTES: usize = 4 * 1024 * 1024;
/// Tolerance for a repository's clock that runs ahead, as for signatures.
pub const SKEW_SECONDS: u64 = 60;

/// A file that a Release lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// In lower-case hexadecimal.
    pub digest: String,
    /// In bytes.
    pub size: u64,
    /// Beneath the folder of the Release file.
    pub path: String,
}

/// What a Release file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Origin, suite and codename, for people.
    pub name: String,
    /// When it was made.
    pub date: Option<Timestamp>,
    /// Until when it may be used.
    pub valid_until: Option<Timestamp>,
    /// Lists, the strongest algorithm first. MD5 is never read.
    pub lists: Vec<(Algorithm, Vec<Listed>)>,
}

/// Fields of lists: SHA-256 first, because every repository has it and the files are hashed with it anyway.
const LISTS: [(&str, Algorithm); 3] =
    [("sha256", Algorithm::Sha256), ("sha512", Algorithm::Sha512), ("sha1", Algorithm::Sha1)];

impl Release {
    /// Reads the text of a Release file.
    pub fn read(text: &[u8]) -> Result<Self, Stop> {
        let mut stanzas = Stanzas::new(text, "Release");
        let Some(stanza) = stanzas.next_stanza()? else { return malformed("it is empty") };
        if stanzas.next_stanza()?.is_some() {
            return malformed("more than one paragraph");
        }
        if stanza.get("package").is_some() {
            return malformed("a paragraph of Packages, not a Release file");
        }
        let mut lists = Vec::new();
        for (field, algorithm) in LISTS {
            if let Some(value) = stanza.get(field) {
                lists.push((algorithm, list(algorithm, value)?));
            }
        }
        let name = ["origin", "suite", "codename"].map(|field| stanza.get(field).unwrap_or_default());
        let name = name.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        let date = |field: &str| match stanza.get(field) {
            None => Ok(None),
            Some(text) => match date(text) {
                Some(date) => Ok(Some(date)),
                None => malformed(&format!("`{field}` is not a date")),
            },
        };
        let release = Self { name, date: date("date")?, valid_until: date("valid-until")?, lists };
        if release.lists.is_empty() && release.date.is_none() && release.name.is_empty() {
            return malformed("no field of a Release file in it");
        }
        Ok(release)
    }

    /// Whether it may be used at `now`.
    pub fn judge(&self, now: Timestamp) -> Result<(), Reason> {
        if self.date.is_some_and(|date| date.seconds() > now.seconds().saturating_add(SKEW_SECONDS)) {
            return Err(Reason::ReleaseFromTheFuture);
        }
        if self.valid_until.is_some_and(|until| until < now) {
            return Err(Reason::ReleaseExpired);
        }
        Ok(())
    }

    /// The list that counts, and its algorithm.
    pub fn list(&self, sha1: Sha1) -> Result<(Algorithm, &[Listed]), Stop> {
        match self.lists.first() {
            Some((Algorithm::Sha1, _)) if sha1 == Sha1::Refused => {
                Err(Stop::found(Reason::WeakHash, "Release lists no SHA-256"))
            }
            Some((algorithm, listed)) => Ok((*algorithm, listed)),
            None => Err(Stop::found(Reason::NotListed, "Release lists no SHA-256")),
        }
    }
}

fn malformed<T>(note: &str) -> Result<T, Stop> {
    Err(Stop::found(Reason::FileMalformed, format!("Release: {note}")))
}

/// Lines of digest, size and path.
fn list(algorithm: Algorithm, value: &str) -> Result<Vec<Listed>, Stop> {
    let mut listed: Vec<Listed> = Vec::new();
    for line in value.lines().filter(|line| !line.trim().is_empty()) {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let entry = match words.as_slice() {
            [digest, size, path] => is_digest(algorithm, digest)
                .then(|| size.parse().ok())
                .flatten()
                .map(|size| Listed { digest: digest.to_ascii_lowercase(), size, path: (*path).to_owned() }),
            _ => None,
        };
        match entry {
            Some(entry) => listed.push(entry),
            None => return malformed(&format!("a line of its list of {} is not one", algorithm.name())),
        }
    }
    let mut paths: Vec<&Listed> = listed.iter().collect();
    paths.sort_by(|one, other| one.path.cmp(&other.path));
    if paths.array_windows().any(|[one, other]| one.path == other.path && one != other) {
        return malformed("it lists one path with two contents");
    }
    Ok(listed)
}

/// Whether a text is a digest by this algorithm.
pub(super) fn is_digest(algorithm: Algorithm, text: &str) -> bool {
    text.len() == algorithm.length().saturating_mul(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A date as RFC 1123 writes it and apt reads it: `Sat, 21 Nov 2026 02:11:18 UTC`. The day's name says nothing.
fn date(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let words = match words.as_slice() {
        [day, rest @ ..] if day.ends_with(',') => rest,
        all => all,
    };
    let [day, month, year, clock, zone] = words else { return None };
    let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))?.checked_add(1)?;
    let digits = |text: &str, length: std::ops::RangeInclusive<usize>| {
        (length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(())
    };
    digits(day, 1..=2)?;
    digits(year, 4..=4)?;
    let clock: Vec<&str> = clock.split(':').collect();
    let [hour, minute, second] = clock.as_slice() else { return None };
    digits(hour, 1..=2)?;
    digits(minute, 2..=2)?;
    digits(second, 2..=2)?;
    let time =
        Timestamp::parse(&format!("{year}-{month:02}-{day:0>2}T{hour:0>2}:{minute}:{second}Z")).ok()?;
    // apt reads no zone but these, because Release files have no other.
    matches!(*zone, "UTC" | "GMT" | "Z" | "+0000" | "-0000").then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(text: &str) -> String {
        match Release::read(text.as_bytes()) {
            Err(Stop::Found(Reason::FileMalformed, note)) => note,
            other => panic!("{text:?}: {other:?}"),
        }
    }

    #[test]
    fn dates_are_those_of_rfc_1123_in_utc() {
        for good in
            ["Sat, 21 Nov 2026 02:11:18 UTC", "21 nov 2026 2:11:18 GMT", "Fri, 21 Nov 2026 02:11:18 +0000"]
        {
            assert_eq!(date(good).unwrap().to_string(), "2026-11-21T02:11:18Z", "{good}");
        }
        for bad in [
            "Sat, 21 Nov 2026 02:11:18",
            "Sat, 21 Nov 2026 02:11:18 CET",
            "Sat, 31 Feb 2026 02:11:18 UTC",
            "Sat, 21 Nov 26 02:11:18 UTC",
            "Sat, 21 Now 2026 02:11:18 UTC",
            "Sat, -1 Nov 2026 02:11:18 UTC",
            "Sat, 21 Nov 2026 02:11 UTC",
            "2026-11-21T02:11:18Z",
            "",
        ] {
            assert_eq!(date(bad), None, "{bad}");
        }
    }

    #[test]
    fn dates_are_judged_to_the_second() {
        let text =
            "Suite: s\nDate: Sat, 21 Nov 2026 02:00:00 UTC\nValid-Until: Sat, 28 Nov 2026 02:00:00 UTC\n";
        let release = Release::read(text.as_bytes()).unwrap();
        let at = |time: &str| release.judge(Timestamp::parse(time).unwrap());
        assert_eq!(at("2026-11-21T01:58:59Z"), Err(Reason::ReleaseFromTheFuture));
        assert_eq!(at("2026-11-21T01:59:00Z"), Ok(()));
        assert_eq!(at("2026-11-28T02:00:00Z"), Ok(()));
        assert_eq!(at("2026-11-28T02:00:01Z"), Err(Reason::ReleaseExpired));
    }

    #[test]
    fn lists_name_each_path_once() {
        let digest = "a".repeat(64);
        let text =
            format!("Origin: o\nSHA256:\n {digest} 12 main/Packages\n {digest} 12 main/Packages\nSHA1: \n");
        let release = Release::read(text.as_bytes()).unwrap();
        let (algorithm, listed) = release.list(Sha1::Refused).unwrap();
        assert_eq!((algorithm, listed.len(), listed[0].size), (Algorithm::Sha256, 2, 12));
        assert!(note(&text.replacen("12 main", "13 main", 1)).contains("two contents"));
        assert!(note(&text.replacen(" 12 ", " x ", 1)).contains("not one"));
        assert!(note(&text.replacen("aa", "a", 1)).contains("not one"));
        assert!(note(&text.replacen("12 main", "main", 1)).contains("not one"));
    }

    #[test]
    fn sha1_counts_only_where_it_is_named() {
        let text = format!("Suite: s\nMD5Sum:\n x\nSHA1:\n {} 3 Packages\n", "b".repeat(40));
        let release = Release::read(text.as_bytes()).unwrap();
        assert!(matches!(release.list(Sha1::Refused), Err(Stop::Found(Reason::WeakHash, _))));
        assert_eq!(release.list(Sha1::Allowed).unwrap().0, Algorithm::Sha1);
        let none = Release::read(b"Suite: s\nMD5Sum:\n x\n").unwrap();
        assert!(matches!(none.list(Sha1::Allowed), Err(Stop::Found(Reason::NotListed, _))));
    }

    #[test]
    fn other_texts_are_no_release() {
        assert!(note("").contains("empty"));
        assert!(note("Suite: a\n\nSuite: b\n").contains("more than one"));
        assert!(note("Package: a\nVersion: 1\n").contains("Packages"));
        assert!(note("Foo: a\n").contains("no field"));
        assert!(note("Suite: a\nDate: yesterday\n").contains("not a date"));
        assert!(note("Suite: a\nValid-Until:\n").contains("not a date"));
    }
}
