// SPDX-License-Identifier: Apache-2.0
//! Certificate files: DER or PEM (RFC 7468), with any text around.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Certificate, MAX_POOL_CERTIFICATES, Malformed};
use crate::signature::{Reason, Stop};

/// Bytes of one certificate file. A system's whole bundle of roots has 250 KiB.
pub const MAX_FILE_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of all certificate files of one demand: a folder with several such bundles.
pub const MAX_FILE_BYTES_TOTAL: usize = 16 * 1024 * 1024;

/// What files hold.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// In the order of the files, doubles left out.
    pub certificates: Vec<Certificate>,
    /// Entries that were passed over, and why.
    pub notes: Vec<String>,
}

/// The certificates in files. An entry that is no certificate is passed over with a note; files without any
/// certificate at all are refused.
pub fn certificates(files: &[Vec<u8>]) -> Result<Found, Stop> {
    let mut found = Found::default();
    let mut seen = HashSet::new();
    if files.iter().map(Vec::len).fold(0, usize::saturating_add) > MAX_FILE_BYTES_TOTAL {
        let note = format!("certificate files of more than {MAX_FILE_BYTES_TOTAL} bytes");
        return Err(Stop::found(Reason::LimitExceeded, note));
    }
    for file in files {
        for entry in entries(file)? {
            match entry {
                Ok(certificate) if seen.insert(certificate.digest()) => found.certificates.push(certificate),
                Ok(_) => {}
                Err(error) => {
                    found.notes.push(format!("an entry of a certificate file was skipped: {error}"))
                }
            }
        }
        if found.certificates.len() > MAX_POOL_CERTIFICATES {
            let note = format!("more than {MAX_POOL_CERTIFICATES} certificates");
            return Err(Stop::found(Reason::LimitExceeded, note));
        }
    }
    if found.certificates.is_empty() && !files.is_empty() {
        let note = found.notes.pop().unwrap_or_else(|| "no certificate in the certificate files".to_owned());
        return Err(Stop::found(Reason::CertificateMalformed, note));
    }
    Ok(found)
}

/// What one file holds, in order: each a certificate, or why not. At least one.
pub fn entries(file: &[u8]) -> Result<Vec<Result<Certificate, Malformed>>, Stop> {
    if file.len() > MAX_FILE_BYTES {
        let note = format!("a certificate file of more than {MAX_FILE_BYTES} bytes");
        return Err(Stop::found(Reason::LimitExceeded, note));
    }
    // A certificate is a SEQUENCE; text never starts so.
    if file.first() == Some(&0x30) && !file.starts_with(b"0 ") {
        return Ok(vec![Certificate::from_der(file)]);
    }
    let mut entries = Vec::new();
    let mut rest = file;
    while let Some((label, body, after)) = next_armour(rest) {
        rest = after;
        if entries.len() >= MAX_POOL_CERTIFICATES {
            let note = format!("more than {MAX_POOL_CERTIFICATES} entries in one certificate file");
            return Err(Stop::found(Reason::LimitExceeded, note));
        }
        // §4 and §5.1: the two older labels mean the same.
        if !matches!(label, b"CERTIFICATE" | b"X509 CERTIFICATE" | b"X.509 CERTIFICATE") {
            continue;
        }
        entries.push(match body {
            Some(body) => decode(body).and_then(|der| Certificate::from_der(&der)),
            None => Err(Malformed::new("PEM without its end line")),
        });
    }
    if entries.is_empty() {
        entries.push(Err(Malformed::new("neither DER nor PEM of a certificate")));
    }
    Ok(entries)
}

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// The next label, what stands between its lines (none without an end line), and what follows.
fn next_armour(text: &[u8]) -> Option<(&[u8], Option<&[u8]>, &[u8])> {
    let (_, after) = split(text, BEGIN)?;
    let (label, body) = split(after, DASHES)?;
    let Some((inside, end)) = split(body, END) else { return Some((label, None, &[])) };
    let after = end.strip_prefix(label).and_then(|end| end.strip_prefix(DASHES));
    match after {
        Some(after) if !inside.windows(BEGIN.len()).any(|window| window == BEGIN) => {
            Some((label, Some(inside), after))
        }
        // The end is another one's, or a second begins within: that one is read next.
        _ => Some((label, None, body)),
    }
}

fn split<'a>(text: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let start = text.windows(at.len()).position(|window| window == at)?;
    Some((text.get(..start)?, text.get(start.checked_add(at.len())?..)?))
}

fn decode(body: &[u8]) -> Result<Vec<u8>, Malformed> {
    let joined: Vec<u8> = body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD.decode(joined).map_err(|error| Malformed::new(format!("PEM: {error}")))
}
