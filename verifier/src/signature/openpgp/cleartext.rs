// SPDX-License-Identifier: Apache-2.0
//! Documents that are signed in the clear (RFC 9580 §7): `InRelease`, and the members that dpkg-sig writes.
//!
//! In: a document. Out: the text as its readers see it, the same text as its signatures cover it, and the
//! signatures. Nothing is judged here, and there is only one reading: a document with anything around the
//! signed text, or with a line that two programs could read in two ways, is refused.

use super::super::{Reason, Stop};

const OPENING: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE_OPENING: &[u8] = b"-----BEGIN PGP SIGNATURE-----";
const SIGNATURE_CLOSING: &[u8] = b"-----END PGP SIGNATURE-----";
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// `Hash` headers of one document: one for each algorithm that exists, and some.
pub const MAX_HASH_HEADERS: usize = 16;

/// A document, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleartext {
    /// The lines without dash escapes and without blanks at their ends, each ended by LF.
    pub text: Vec<u8>,
    /// What the signatures cover: the same with CR LF between lines, and no line end after the last
    /// (RFC 9580 §7.2).
    pub canonical: Vec<u8>,
    /// The armour blocks that follow the text.
    pub signatures: Vec<u8>,
}

/// Whether a document claims to be one that is signed in the clear.
pub fn begins(document: &[u8]) -> bool {
    let document = document.strip_prefix(BYTE_ORDER_MARK).unwrap_or(document);
    let line = document.split(|byte| *byte == b'\n').map(trimmed).find(|line| !line.is_empty());
    line == Some(OPENING)
}

impl Cleartext {
    /// Takes a document apart.
    pub fn read(document: &[u8]) -> Result<Self, Stop> {
        let document = document.strip_prefix(BYTE_ORDER_MARK).unwrap_or(document);
        let mut lines = Lines { rest: document };
        match lines.by_ref().find(|line| !trimmed(line).is_empty()) {
            Some(line) if trimmed(line) == OPENING => {}
            _ => return malformed("does not begin with the line that opens a clear-signed document"),
        }
        headers(&mut lines)?;
        let mut read = Self { text: Vec::new(), canonical: Vec::new(), signatures: Vec::new() };
        read.take_text(&mut lines)?;
        read.take_signatures(&mut lines)?;
        Ok(read)
    }

    /// RFC 9580 §7.1: dash-escaped lines, up to the first signature.
    fn take_text(&mut self, lines: &mut Lines<'_>) -> Result<(), Stop> {
        for (number, line) in lines.enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let line = match (line.strip_prefix(b"- "), line.first()) {
                (Some(escaped), _) => escaped,
                (None, Some(b'-')) if trimmed(line) == SIGNATURE_OPENING => return Ok(()),
                (None, Some(b'-')) => {
                    return malformed("a line of the text begins with a dash and is not escaped");
                }
                (None, _) => line,
            };
            // Programs disagree on whether a lone CR ends a line, and on what stands behind a zero.
            if line.iter().any(|byte| matches!(byte, b'\r' | 0)) {
                return malformed("the text holds a lone CR or a zero byte");
            }
            let line = trimmed(line);
            self.text.extend_from_slice(line);
            self.text.push(b'\n');
            if number > 0 {
                self.canonical.extend_from_slice(b"\r\n");
            }
            self.canonical.extend_from_slice(line);
        }
        malformed("the text ends without a signature")
    }

    /// One or more armour blocks and nothing else; the line that opens the first is taken already.
    fn take_signatures(&mut self, lines: &mut Lines<'_>) -> Result<(), Stop> {
        let mut inside = true;
        self.signatures.extend_from_slice(SIGNATURE_OPENING);
        self.signatures.push(b'\n');
        for line in lines {
            match trimmed(line) {
                b"" if !inside => continue,
                SIGNATURE_OPENING if !inside => inside = true,
                SIGNATURE_CLOSING if inside => inside = false,
                other if !inside || other.starts_with(b"-----") => {
                    return malformed("something follows that is neither text nor signature");
                }
                _ => {}
            }
            self.signatures.extend_from_slice(trimmed(line));
            self.signatures.push(b'\n');
        }
        if inside { malformed("the signature is cut off") } else { Ok(()) }
    }
}

/// RFC 9580 §7: only `Hash` headers, then an empty line. They say nothing that the signatures do not say.
fn headers(lines: &mut Lines<'_>) -> Result<(), Stop> {
    for line in lines.take(MAX_HASH_HEADERS.saturating_add(1)) {
        let line = trimmed(line);
        if line.is_empty() {
            return Ok(());
        }
        let names = line.strip_prefix(b"Hash: ").unwrap_or_default();
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'/' | b',' | b' ');
        if names.is_empty() || !names.iter().all(plain) {
            return malformed("a header other than Hash stands before the text");
        }
    }
    malformed("no empty line ends the headers")
}

fn malformed<T>(note: &str) -> Result<T, Stop> {
    Err(Stop::found(Reason::SignatureMalformed, format!("clear-signed document: {note}")))
}

/// Without what RFC 9580 §7.2 takes from the ends of lines, and the CR of a line end.
fn trimmed(line: &[u8]) -> &[u8] {
    let kept = line.iter().rposition(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
    line.get(..kept.map_or(0, |last| last.saturating_add(1))).unwrap_or_default()
}

/// Lines without their LF; nothing follows a last LF.
struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|byte| *byte == b'\n').unwrap_or(self.rest.len());
        let line = self.rest.get(..end)?;
        self.rest = self.rest.get(end.saturating_add(1)..).unwrap_or_default();
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAIL: &str = "-----BEGIN PGP SIGNATURE-----\n\nabcd\n-----END PGP SIGNATURE-----\n";

    fn document(text: &str) -> String {
        format!("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256, SHA512\n\n{text}{TAIL}")
    }

    fn note(document: &str) -> String {
        match Cleartext::read(document.as_bytes()) {
            Err(Stop::Found(Reason::SignatureMalformed, note)) => note,
            other => panic!("{document:?}: {other:?}"),
        }
    }

    #[test]
    fn text_loses_escapes_and_blanks_and_its_last_line_end() {
        let read = Cleartext::read(document("- --- a \t\r\n\n- From b\n c\t\n\n").as_bytes()).unwrap();
        assert_eq!(read.text, b"--- a\n\nFrom b\n c\n\n");
        assert_eq!(read.canonical, b"--- a\r\n\r\nFrom b\r\n c\r\n");
        assert_eq!(read.signatures, TAIL.as_bytes());
        let crlf = document("a\nb\n").replace('\n', "\r\n");
        assert_eq!(Cleartext::read(crlf.as_bytes()).unwrap().canonical, b"a\r\nb");
        let empty = Cleartext::read(document("").as_bytes()).unwrap();
        assert!(empty.text.is_empty() && empty.canonical.is_empty());
        let two = Cleartext::read(format!("\n{}\n{TAIL}\n", document("a\n")).as_bytes()).unwrap();
        assert_eq!(two.signatures, format!("{TAIL}{TAIL}").as_bytes());
    }

    #[test]
    fn whatever_is_not_signed_is_refused() {
        assert!(note(&format!("Origin: evil\n{}", document("a\n"))).contains("does not begin"));
        assert!(note(&format!("{}Origin: evil\n", document("a\n"))).contains("follows"));
        assert!(note(&format!("{}{}", document("a\n"), document("b\n"))).contains("follows"));
        let header = document("a\n").replace("Hash: SHA256, SHA512", "Origin: evil");
        assert!(note(&header).contains("other than Hash"));
        assert!(note(&document("a\n").replace("SHA512", "x\u{b}y: z")).contains("other than Hash"));
        let many = document("a\n").replace("Hash: SHA256, SHA512", "Hash: SHA256\n".repeat(17).trim_end());
        assert!(note(&many).contains("empty line"));
        assert!(note(&document("-a\n")).contains("dash"));
        assert!(note(&document("-----BEGIN PGP SIGNED MESSAGE-----\n")).contains("dash"));
        assert!(note(&document("a\rb\n")).contains("lone CR"));
        assert!(note(&document("a\0b\n")).contains("zero"));
        assert!(note(document("a\n").split("-----BEGIN PGP SIGNATURE").next().unwrap()).contains("without"));
        assert!(note(document("a\n").split("-----END").next().unwrap()).contains("cut off"));
        assert!(note("").contains("does not begin"));
    }

    #[test]
    fn what_a_document_claims_to_be_is_told_by_its_first_line() {
        assert!(begins(b"\xef\xbb\xbf\r\n-----BEGIN PGP SIGNED MESSAGE----- \r\n"));
        assert!(!begins(b"x\n-----BEGIN PGP SIGNED MESSAGE-----\n") && !begins(b""));
    }
}
