// SPDX-License-Identifier: Apache-2.0
//! What kind of evidence a file carries, by its content and the demand, never by its name.
//!
//! In: the file's first bytes, and which options are given. Out: one kind. It says what to look for and
//! proves nothing; where content and options point to different kinds, the content decides which checker
//! runs, and that one refuses options that say nothing about it, so that none is ignored. The table stands
//! in `docs/vendor-signatures/archives.md`.

use std::io;

use crate::bytes::Bytes;
use crate::cli::{Demand, Kind};
use crate::signature::openpgp::cleartext;
use crate::unpack::{gzip, tar, zip};

/// How much of a file is looked at: text before a certificate, fields of a Release, a PE header after its
/// program for MS-DOS.
pub const MAX_START_BYTES: usize = 64 * 1024;

const PEM: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// The kind of `file`, for this demand.
pub fn recognise(file: &dyn Bytes, demand: &Demand) -> io::Result<Kind> {
    let mut start = vec![0; usize::try_from(file.length()).unwrap_or(usize::MAX).min(MAX_START_BYTES)];
    file.read_at(0, &mut start)?;
    // Options that only one kind has.
    if demand.member.is_some() {
        return Ok(Kind::ZipMember);
    }
    if demand.release.is_some() || demand.packages.is_some() {
        return Ok(Kind::AptDeb);
    }
    if demand.signature.is_some() {
        // A signature beside the file: whatever it is, that is what was signed.
        return Ok(if is_release(&start) { Kind::AptRelease } else { Kind::Openpgp });
    }
    let Some(kind) = by_content(&start, file, demand)? else { return Ok(by_demand(demand)) };
    let openpgp_inside = matches!(kind, Kind::Rpm | Kind::Deb | Kind::AptRelease);
    let nothing_inside = matches!(kind, Kind::Zip | Kind::Tar | Kind::Gzip | Kind::TrustPolicy);
    // A key of OpenPGP for something that has none inside: a detached signature is meant.
    let keys = !demand.keys.is_empty() || (nothing_inside && !demand.pins.is_empty());
    Ok(if keys && !openpgp_inside && !has_chain_demand(demand) { Kind::Openpgp } else { kind })
}

fn has_chain_demand(demand: &Demand) -> bool {
    let files = [&demand.authorities, &demand.timestamp_authorities, &demand.intermediates];
    files.iter().any(|files| !files.is_empty())
        || demand.purpose.is_some()
        || demand.publisher.is_some()
        || demand.team.is_some()
}

/// Content that tells nothing: the options say what it was expected to be, and its checker says that it is
/// not.
fn by_demand(demand: &Demand) -> Kind {
    if demand.team.is_some() {
        Kind::AppleCode
    } else if demand.publisher.is_some() || !demand.timestamp_authorities.is_empty() {
        Kind::Authenticode
    } else if has_chain_demand(demand) {
        Kind::Certificate
    } else {
        Kind::Openpgp
    }
}

fn by_content(start: &[u8], file: &dyn Bytes, demand: &Demand) -> io::Result<Option<Kind>> {
    let by_magic = match start {
        [0xed, 0xab, 0xee, 0xdb, ..] => Some(Kind::Rpm),
        // CFB (msi), cab.
        [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, ..] | [b'M', b'S', b'C', b'F', ..] => {
            Some(Kind::Authenticode)
        }
        [b'x', b'a', b'r', b'!', ..] => Some(Kind::ApplePkg),
        [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..] | [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..] => Some(Kind::AppleCode),
        // A Java class has the same magic, and its version (45 and above) where a universal binary has the
        // number of its slices.
        [0xca, 0xfe, 0xba, 0xbe | 0xbf, 0, 0, 0, 0..45, ..] => Some(Kind::AppleCode),
        _ if start.starts_with(b"!<arch>\ndebian-binary") => Some(Kind::Deb),
        _ if cleartext::begins(start) => Some(Kind::AptRelease),
        _ if is_program(start, file)? || (start.starts_with(b"MZ") && has_chain_demand(demand)) => {
            Some(Kind::Authenticode)
        }
        _ if zip::has_magic(start) => Some(Kind::Zip),
        _ if start.starts_with(&gzip::MAGIC) => Some(Kind::Gzip),
        _ if tar::has_magic(start) => Some(Kind::Tar),
        _ if is_certificate(start, file.length(), demand) => Some(Kind::Certificate),
        _ if is_trust_policy(start) => Some(Kind::TrustPolicy),
        _ => None,
    };
    Ok(by_magic)
}

/// PE: `MZ`, and at the place that byte 60 names, `PE` and two zeros.
fn is_program(start: &[u8], file: &dyn Bytes) -> io::Result<bool> {
    let Some(at) =
        start.get(60..64).and_then(|at| at.first_chunk::<4>()).filter(|_| start.starts_with(b"MZ"))
    else {
        return Ok(false);
    };
    let at = u64::from(u32::from_le_bytes(*at));
    let mut magic = [0; 4];
    if at.saturating_add(4) > file.length() {
        return Ok(false);
    }
    file.read_at(at, &mut magic)?;
    Ok(magic == *b"PE\0\0")
}

/// A repository's Release: fields as in a control file, a list of digests among them.
fn is_release(start: &[u8]) -> bool {
    let field = |line: &[u8]| {
        let name = line.iter().position(|byte| *byte == b':').and_then(|colon| line.get(..colon))?;
        name.iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
            .then(|| name.to_ascii_lowercase())
    };
    let lines = || start.split(|byte| *byte == b'\n').filter(|line| !line.starts_with(b" "));
    let has = |names: &[&[u8]]| lines().filter_map(field).any(|name| names.contains(&name.as_slice()));
    lines().next().is_some_and(|line| field(line).is_some_and(|name| !name.is_empty()))
        && has(&[b"md5sum", b"sha1", b"sha256", b"sha512"])
        && has(&[b"date", b"suite", b"codename", b"architectures", b"components", b"origin"])
}

/// A PEM file that begins with a certificate, or has text in front where a chain is asked for; or DER.
fn is_certificate(start: &[u8], length: u64, demand: &Demand) -> bool {
    let blank = start.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    if start.get(blank..).is_some_and(|rest| rest.starts_with(PEM)) {
        return true;
    }
    let later = has_chain_demand(demand) && start.windows(PEM.len()).any(|window| window == PEM);
    later || is_der_certificate(start, length)
}

/// A JSON object with the one key that every trust policy has; in any letter case, because Notation takes any.
fn is_trust_policy(start: &[u8]) -> bool {
    const KEY: &[u8] = b"\"trustPolicies\"";
    start.trim_ascii_start().starts_with(b"{")
        && start.windows(KEY.len()).any(|window| window.eq_ignore_ascii_case(KEY))
}

/// The outline of RFC 5280 §4.1: a sequence that fills the file, in it a sequence of version (or none),
/// serial number, algorithm, issuer and a validity with two times. Whether it is well-formed is the
/// checker's business.
fn is_der_certificate(start: &[u8], length: u64) -> bool {
    const SEQUENCE: u8 = 0x30;
    const INTEGER: u8 = 0x02;
    let Some((SEQUENCE, outer, header)) = der_header(start) else { return false };
    // One that is cut short, or has bytes after it, is still meant to be one.
    let Some(inside) = start.get(header..) else { return false };
    let Some((SEQUENCE, tbs, header)) = der_header(inside) else { return false };
    if tbs > outer || outer > length.saturating_mul(2) {
        return false;
    }
    let Some(mut rest) = inside.get(header..) else { return false };
    let mut tags = Vec::new();
    while tags.len() < 5 {
        let Some((tag, length, header)) = der_header(rest) else { return false };
        if tag == SEQUENCE && tags.len() == 3 {
            // Validity: what it holds tells a certificate from other structures of this outline.
            return matches!(rest.get(header), Some(0x17 | 0x18)) && tags == [INTEGER, SEQUENCE, SEQUENCE];
        }
        // The version stands in [0], and version 1 has none.
        if tag != 0xa0 || !tags.is_empty() {
            tags.push(tag);
        }
        let skip = usize::try_from(length).ok().and_then(|length| length.checked_add(header));
        let Some(next) = skip.and_then(|skip| rest.get(skip..)) else { return false };
        rest = next;
    }
    false
}

/// Tag, length of the content, and length of the two.
fn der_header(bytes: &[u8]) -> Option<(u8, u64, usize)> {
    match bytes {
        [tag, length @ 0..=0x7f, ..] => Some((*tag, u64::from(*length), 2)),
        [tag, 0x81, a, ..] => Some((*tag, u64::from(*a), 3)),
        [tag, 0x82, a, b, ..] => Some((*tag, u64::from(u16::from_be_bytes([*a, *b])), 4)),
        [tag, 0x83, a, b, c, ..] => Some((*tag, u64::from(u32::from_be_bytes([0, *a, *b, *c])), 5)),
        _ => None,
    }
}
