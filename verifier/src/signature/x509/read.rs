// SPDX-License-Identifier: Apache-2.0
//! Certificate files: DER or PEM (RFC 7468), with any text around.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use der::{Reader, SliceReader};

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
    if is_der(file) {
        return Ok(vec![Certificate::from_der(file)]);
    }
    let mut entries = Vec::new();
    let mut rest = file;
    while let Some(armour) = next_armour(rest) {
        rest = armour.after;
        if entries.len() >= MAX_POOL_CERTIFICATES {
            let note = format!("more than {MAX_POOL_CERTIFICATES} entries in one certificate file");
            return Err(Stop::found(Reason::LimitExceeded, note));
        }
        // §5.1: the two older labels mean the same.
        if matches!(armour.label, b"CERTIFICATE" | b"X509 CERTIFICATE" | b"X.509 CERTIFICATE") {
            entries.push(match armour.body {
                Some(body) => decode(body).and_then(|der| Certificate::from_der(&der)),
                None => Err(Malformed::new("PEM without its end line")),
            });
        }
    }
    if entries.is_empty() {
        entries.push(Err(Malformed::new("neither DER nor PEM of a certificate")));
    }
    Ok(entries)
}

/// What a file holds of which another program trusts all that it finds: nothing may be in it that we pass over and
/// another reads. So every entry is a certificate, or the first that is none is the error; DER may hold several, one
/// after the other, and no PEM inside. PEM stands in lines of its own (RFC 7468 §3, as `pem.Decode` of Go reads it).
pub fn every_entry(file: &[u8]) -> Result<Vec<Certificate>, Stop> {
    let malformed = |error: Malformed| Stop::found(Reason::CertificateMalformed, error.to_string());
    let entries = entries(file)?;
    if is_der(file) {
        if split(file, BEGIN).is_some() {
            return Err(malformed(Malformed::new(
                "DER with PEM inside: readers differ in which of them they read",
            )));
        }
        return one_after_the_other(file).map_err(malformed);
    }
    let mut rest = file;
    while let Some(armour) = next_armour(rest) {
        rest = armour.after;
        if armour.label != b"CERTIFICATE" {
            let label =
                String::from_utf8_lossy(armour.label.get(..armour.label.len().min(64)).unwrap_or_default());
            let note = format!("PEM of something else than a certificate: {}", label.escape_debug());
            return Err(malformed(Malformed::new(note)));
        }
        if let Some(fault) = armour.fault() {
            return Err(malformed(Malformed::new(fault)));
        }
    }
    if split(rest, BEGIN).is_some() {
        return Err(malformed(Malformed::new("PEM whose begin line is cut short")));
    }
    entries.into_iter().map(|entry| entry.map_err(malformed)).collect()
}

/// A certificate is a SEQUENCE; text never starts so.
fn is_der(file: &[u8]) -> bool {
    file.first() == Some(&0x30) && !file.starts_with(b"0 ")
}

/// Certificates in DER, one after the other, to the end.
fn one_after_the_other(file: &[u8]) -> Result<Vec<Certificate>, Malformed> {
    let wrong = Malformed::within("certificate");
    let mut reader = SliceReader::new(file).map_err(&wrong)?;
    let mut found = Vec::new();
    while !reader.is_finished() {
        if found.len() >= MAX_POOL_CERTIFICATES {
            return Err(Malformed::new(format!(
                "more than {MAX_POOL_CERTIFICATES} certificates in one file"
            )));
        }
        found.push(Certificate::from_der(reader.tlv_bytes().map_err(&wrong)?)?);
    }
    Ok(found)
}

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"END ";
const DASHES: &[u8] = b"-----";
/// The one blank of ASCII beside space, tab, CR and LF that [`decode`] leaves out.
const FORM_FEED: u8 = 0x0c;

/// What stands between two lines of dashes.
struct Armour<'a> {
    before: &'a [u8],
    label: &'a [u8],
    /// None where the next line of dashes is not its end.
    body: Option<&'a [u8]>,
    after: &'a [u8],
}

impl Armour<'_> {
    /// Why a reader that goes by lines passes over an entry that has its end line, or reads another.
    fn fault(&self) -> Option<&'static str> {
        let body = self.body?;
        if !(self.before.is_empty() || self.before.ends_with(b"\n")) {
            Some("PEM whose begin line has something before it")
        } else if !ends_its_line(body) {
            Some("PEM whose begin line has something behind it")
        } else if !body.ends_with(b"\n") {
            Some("PEM whose end line has something before it")
        } else if !ends_its_line(self.after) {
            Some("PEM whose end line has something behind it")
        } else if body.contains(&FORM_FEED) {
            Some("PEM with a form feed in its base64")
        } else {
            None
        }
    }
}

/// Whether nothing but blanks comes before the line's end.
fn ends_its_line(text: &[u8]) -> bool {
    let rest = text.iter().position(|byte| !matches!(byte, b' ' | b'\t')).and_then(|at| text.get(at..));
    rest.is_none_or(|rest| rest.starts_with(b"\n") || rest.starts_with(b"\r\n"))
}

/// The next entry. What follows its begin line is read once: base64 has no dashes.
fn next_armour(text: &[u8]) -> Option<Armour<'_>> {
    let (before, after) = split(text, BEGIN)?;
    let (label, inside) = split(after, DASHES)?;
    let Some((body, end)) = split(inside, DASHES) else {
        return Some(Armour { before, label, body: None, after: &[] });
    };
    let end = end.strip_prefix(END).and_then(|end| end.strip_prefix(label));
    Some(match end.and_then(|end| end.strip_prefix(DASHES)) {
        Some(after) => Armour { before, label, body: Some(body), after },
        // Another begins, or another ends: that one is read next.
        None => Armour { before, label, body: None, after: inside.get(body.len()..).unwrap_or_default() },
    })
}

fn split<'a>(text: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let start = text.windows(at.len()).position(|window| window == at)?;
    Some((text.get(..start)?, text.get(start.checked_add(at.len())?..)?))
}

fn decode(body: &[u8]) -> Result<Vec<u8>, Malformed> {
    let joined: Vec<u8> = body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD.decode(joined).map_err(|error| Malformed::new(format!("PEM: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands in the file: whether each entry was read as base64 of something.
    fn labels(text: &str) -> Vec<(String, bool)> {
        let mut found = Vec::new();
        let mut rest = text.as_bytes();
        while let Some(armour) = next_armour(rest) {
            found.push((String::from_utf8(armour.label.to_vec()).unwrap(), armour.body.is_some()));
            rest = armour.after;
        }
        found
    }

    #[test]
    fn entries_are_found_between_any_text() {
        let one = "-----BEGIN A-----\nAAAA\n-----END A-----";
        let entry = |label: &str, whole| (label.to_owned(), whole);
        assert_eq!(labels(&format!("text -- {one}{one} text\n{one}")), vec![entry("A", true); 3]);
        assert_eq!(labels("-----BEGIN A-----\nAAAA\n"), [entry("A", false)]);
        assert_eq!(labels(&format!("-----BEGIN B-----\nAA\n{one}")), [entry("B", false), entry("A", true)]);
        assert_eq!(labels("-----BEGIN A-----\nAAAA\n-----END B-----"), [entry("A", false)]);
        assert_eq!(labels("no certificate"), []);
    }

    #[test]
    fn files_without_any_certificate_are_refused() {
        let refused = |files: &[&[u8]]| {
            let files: Vec<Vec<u8>> = files.iter().map(|file| file.to_vec()).collect();
            matches!(certificates(&files), Err(Stop::Found(Reason::CertificateMalformed, _)))
        };
        assert!(refused(&[b""]) && refused(&[b"text"]) && refused(&[&[0x30, 0x82, 0xff, 0xff]]));
        assert!(refused(&[b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", b"text"]));
        assert!(certificates(&[]).is_ok_and(|found| found.certificates.is_empty()));
        let large = vec![vec![0; MAX_FILE_BYTES + 1]];
        assert!(matches!(certificates(&large), Err(Stop::Found(Reason::LimitExceeded, _))));
        let many = vec![b"-----BEGIN CERTIFICATE-----\n".repeat(MAX_POOL_CERTIFICATES + 1)];
        assert!(matches!(certificates(&many), Err(Stop::Found(Reason::LimitExceeded, _))));
    }
}
