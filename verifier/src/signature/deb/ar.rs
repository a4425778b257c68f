// SPDX-License-Identifier: Apache-2.0
//! The ar archive that a .deb is (deb(5), ar(5)): bytes in, members out.
//!
//! Of the common form only; nothing that programs read in two ways. Names are whole in their sixteen bytes
//! (GNU ar's ending slash is taken off), numbers are digits and then blanks, no name occurs twice, and the
//! last member ends where the file does.

use super::super::{Reason, Stop};
use crate::bytes::{Bytes, Part};

/// What every ar archive begins with.
pub const MAGIC: [u8; 8] = *b"!<arch>\n";
/// Bytes of a member's header.
const HEADER: usize = 60;
/// Members of a .deb: three, and a signature for each of eight roles, of which tools know four.
pub const MAX_MEMBERS: usize = 11;

/// One member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name, printable ASCII.
    pub name: String,
    /// Where its content begins.
    pub start: u64,
    /// Bytes of content.
    pub length: u64,
}

impl Member {
    /// Its content.
    pub fn content<'a>(&self, archive: &'a dyn Bytes) -> Result<Part<'a>, Stop> {
        match Part::new(archive, self.start, self.length) {
            Some(part) => Ok(part),
            None => malformed(format!("{}: cut off", self.name)),
        }
    }

    /// Its content in memory, where it has no more than `limit` bytes.
    pub fn read(&self, archive: &dyn Bytes, limit: usize) -> Result<Vec<u8>, Stop> {
        let length = usize::try_from(self.length).ok().filter(|length| *length <= limit);
        let Some(length) = length else {
            return Err(Stop::found(Reason::LimitExceeded, format!("{}: over {limit} bytes", self.name)));
        };
        let mut content = vec![0; length];
        self.content(archive)?.read_at(0, &mut content)?;
        Ok(content)
    }
}

/// A refusal to read a .deb, in words.
pub(super) fn malformed<T>(note: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::found(Reason::FileMalformed, note))
}

/// All members, in order.
pub fn members(archive: &dyn Bytes) -> Result<Vec<Member>, Stop> {
    let mut found: Vec<Member> = Vec::new();
    match list(archive, &mut found) {
        Ok(()) => Ok(found),
        Err(stop) => Err(stop),
    }
}

/// All members up to the first that cannot be read: to name a damaged package, not to trust it.
pub fn members_so_far(archive: &dyn Bytes) -> Vec<Member> {
    let mut found = Vec::new();
    // What stopped the listing is told by `members`.
    drop(list(archive, &mut found));
    found
}

fn list(archive: &dyn Bytes, found: &mut Vec<Member>) -> Result<(), Stop> {
    let mut magic = [0; MAGIC.len()];
    if archive.length() < 8 {
        return malformed("no ar archive: it is too short");
    }
    archive.read_at(0, &mut magic)?;
    if magic != MAGIC {
        return malformed("no ar archive: it does not begin with `!<arch>`");
    }
    let mut at = 8_u64;
    while at < archive.length() {
        if found.len() == MAX_MEMBERS {
            return Err(Stop::found(Reason::LimitExceeded, format!("more than {MAX_MEMBERS} members")));
        }
        let member = member(archive, at)?;
        if found.iter().any(|other| other.name == member.name) {
            return malformed(format!("two members have the name {}", member.name));
        }
        at = end(archive, &member)?;
        found.push(member);
    }
    Ok(())
}

/// Where the next member begins: members begin at even offsets, after a LF where one is needed.
fn end(archive: &dyn Bytes, member: &Member) -> Result<u64, Stop> {
    let end = member.start.checked_add(member.length).filter(|end| *end <= archive.length());
    let Some(end) = end else {
        return malformed(format!(
            "{}: {} bytes are announced, and the file ends before",
            member.name, member.length
        ));
    };
    if end.is_multiple_of(2) || end == archive.length() {
        return Ok(end);
    }
    let mut padding = [0];
    archive.read_at(end, &mut padding)?;
    if padding != *b"\n" {
        return malformed(format!("{}: the byte behind it is not the padding of ar", member.name));
    }
    Ok(end.saturating_add(1))
}

fn member(archive: &dyn Bytes, at: u64) -> Result<Member, Stop> {
    let start = at.saturating_add(60);
    if start > archive.length() {
        return malformed("bytes after the last member that are no member");
    }
    let mut header = [0; HEADER];
    archive.read_at(at, &mut header)?;
    let field = |from: usize, to: usize| header.get(from..to).unwrap_or_default();
    if field(58, 60) != b"`\n" {
        return malformed(format!("no member begins at byte {at}"));
    }
    let name = until_blanks(field(0, 16));
    let name = name.strip_suffix(b"/").unwrap_or(name);
    let plain = |byte: &u8| byte.is_ascii_graphic() && *byte != b'/';
    if name.is_empty() || !name.iter().all(plain) || name.starts_with(b"#1") {
        return malformed(format!("the member at byte {at} has no plain name"));
    }
    let name = String::from_utf8_lossy(name).into_owned();
    // Date, owner, group, mode: in nobody's signature, but no place for anything else either.
    let numbers = [(16, 28, 10), (28, 34, 10), (34, 40, 10), (40, 48, 8)];
    let length = number(field(48, 58), 10).filter(|_| !until_blanks(field(48, 58)).is_empty());
    let sound = numbers.iter().all(|(from, to, radix)| number(field(*from, *to), *radix).is_some());
    match length {
        Some(length) if sound => Ok(Member { name, start, length }),
        _ => malformed(format!("{name}: a field of its header is not a number")),
    }
}

fn until_blanks(field: &[u8]) -> &[u8] {
    let end = field.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last.saturating_add(1));
    field.get(..end).unwrap_or_default()
}

/// Digits, then blanks; nothing at all is zero.
fn number(field: &[u8], radix: u32) -> Option<u64> {
    until_blanks(field).iter().try_fold(0_u64, |sum, byte| {
        let digit = char::from(*byte).to_digit(radix)?;
        sum.checked_mul(u64::from(radix))?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An archive of these members, as dpkg-deb writes it.
    pub(crate) fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for (name, content) in members {
            let length = content.len();
            bytes.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{length:<10}`\n", 0, 0, 0, 100_644).bytes());
            bytes.extend_from_slice(content);
            if !length.is_multiple_of(2) {
                bytes.push(b'\n');
            }
        }
        bytes
    }

    fn note(bytes: &[u8]) -> String {
        match members(&bytes.to_vec()) {
            Err(Stop::Found(_, note)) => note,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn members_are_found_with_either_form_of_names() {
        let bytes = archive(&[("debian-binary", b"2.0\n"), ("odd/", b"123"), ("last", b"")]);
        let names: Vec<_> =
            members(&bytes).unwrap().into_iter().map(|member| (member.name, member.length)).collect();
        assert_eq!(names, [("debian-binary".into(), 4), ("odd".into(), 3), ("last".into(), 0)]);
        // GNU ar leaves the padding of the last member out.
        assert_eq!(members(&bytes[..bytes.len() - 60 - 1].to_vec()).unwrap().len(), 2);
    }

    #[test]
    fn what_two_programs_could_read_in_two_ways_is_refused() {
        let good = archive(&[("odd", b"123"), ("last", b"4")]);
        let with = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            bytes
        };
        assert!(note(&with(0, b'?')).contains("no ar archive"));
        assert!(note(b"!<ar").contains("too short"));
        assert!(note(&with(8, b'/')).contains("no plain name"));
        assert!(note(&with(9, b' ')).contains("no plain name"));
        assert!(note(&with(8 + 17, b'x')).contains("not a number"));
        assert!(note(&with(8 + 40, b'9')).contains("not a number"));
        assert!(note(&with(8 + 49, b'-')).contains("not a number"));
        assert!(note(&with(8 + 48, b'9')).contains("padding"));
        assert!(note(&with(8 + 50, b'9')).contains("not a number"));
        assert!(note(&with(8 + 58, b'x')).contains("no member begins"));
        assert!(note(&with(8 + 60 + 3, 0)).contains("padding"));
        assert!(note(&[&good[..], b"x\n"].concat()).contains("no member"));
        assert!(note(&archive(&[("twice", b""), ("twice/", b"")])).contains("two members"));
        assert!(note(&archive(&[("#1/20", b"")])).contains("no plain name"));
        let many: Vec<String> = (0..=MAX_MEMBERS).map(|n| n.to_string()).collect();
        let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), &b""[..])).collect();
        assert!(note(&archive(&many)).contains("more than"));
        assert_eq!(members_so_far(&archive(&many)).len(), MAX_MEMBERS);
        assert!(note(&good[..good.len() - 2]).contains("announced"));
        assert!(note(&good[..100]).contains("no member"));
    }
}
