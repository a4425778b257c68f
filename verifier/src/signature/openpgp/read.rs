// SPDX-License-Identifier: Apache-2.0
//! Signature files and key files: bounded bytes in, packets and certificates out. Nothing is judged here.
//!
//! A signature file holds signature packets and nothing that contains others: messages, cleartext
//! documents and compressed data are refused unopened. Both kinds may be binary, or one or more blocks
//! of armour with any text around them.
//!
//! A wrong CRC-24 in the armour is no fault: RFC 9580 §6.1 forbids refusing it, and what the armour
//! carries proves itself (gpgv differs).

use std::collections::BTreeMap;
use std::io::Read;

use sequoia_openpgp::armor::{Reader, ReaderMode};
use sequoia_openpgp::cert::raw::RawCertParser;
use sequoia_openpgp::cert::{Cert, CertParser};
use sequoia_openpgp::packet::{Packet, Signature, Tag};
use sequoia_openpgp::parse::{Dearmor, PacketParserBuilder, PacketParserResult, Parse};
use sequoia_openpgp::types::SignatureType;

use super::super::{Reason, Stop};
use super::{
    MAX_CERTIFICATE_WORK, MAX_CERTIFICATES, MAX_KEY_BYTES, MAX_KEY_BYTES_TOTAL, MAX_KEY_PACKETS,
    MAX_SIGNATURE_BYTES, MAX_SIGNATURES,
};

/// What could be read, and what was passed over.
pub(super) struct Found<T> {
    pub(super) items: Vec<T>,
    pub(super) notes: Vec<String>,
}

/// A refusal to read, and a word about where.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) reason: Reason,
    pub(super) note: String,
}

fn unreadable<T>(reason: Reason, note: impl Into<String>) -> Result<T, Unreadable> {
    Err(Unreadable { reason, note: note.into() })
}

impl From<Unreadable> for Stop {
    fn from(unreadable: Unreadable) -> Self {
        Self::found(unreadable.reason, unreadable.note)
    }
}

/// The detached signatures (types 0x00 and 0x01) of signature files, in their order; at least one.
///
/// Files stand each for itself: a packet never goes on in the next one.
pub(super) fn signatures(files: &[&[u8]]) -> Result<Found<Signature>, Unreadable> {
    if files.iter().any(|file| file.len() > MAX_SIGNATURE_BYTES) {
        return unreadable(Reason::LimitExceeded, format!("signature file over {MAX_SIGNATURE_BYTES} bytes"));
    }
    let mut found = Found { items: Vec::new(), notes: Vec::new() };
    for file in files {
        for block in blocks(file).map_err(|note| Unreadable { reason: Reason::SignatureMalformed, note })? {
            block_signatures(&block, &mut found)?;
        }
    }
    if found.items.is_empty() {
        return unreadable(Reason::NoDetachedSignature, "the signature file holds no detached signature");
    }
    Ok(found)
}

fn block_signatures(block: &[u8], found: &mut Found<Signature>) -> Result<(), Unreadable> {
    let broken = |error: &dyn std::fmt::Display| Unreadable {
        reason: Reason::SignatureMalformed,
        note: format!("signature file: {}", one_line(error)),
    };
    let mut next = PacketParserBuilder::from_bytes(block)
        .map(|parser| parser.dearmor(Dearmor::Disabled).max_recursion_depth(0).buffer_unread_content())
        .and_then(PacketParserBuilder::build)
        .map_err(|error| broken(&error))?;
    while let PacketParserResult::Some(parser) = next {
        let (packet, rest) = parser.next().map_err(|error| broken(&error))?;
        match packet {
            Packet::Signature(signature) => match signature.typ() {
                SignatureType::Binary | SignatureType::Text => found.items.push(signature),
                other => {
                    found.notes.push(format!("passed over: a signature that is not over data ({other})"))
                }
            },
            // RFC 9580 §5.2.5 passes over unknown and broken signatures alike. A broken one of a known
            // version is refused here all the same: it is a damaged medium, or somebody trying.
            Packet::Unknown(unknown)
                if unknown.tag() == sequoia_openpgp::packet::Tag::Signature
                    && !matches!(unknown.body().first(), None | Some(3 | 4 | 6)) =>
            {
                found.notes.push("passed over: a signature packet of an unknown version".to_owned());
            }
            Packet::Unknown(unknown) if unknown.tag() == sequoia_openpgp::packet::Tag::Signature => {
                return Err(broken(unknown.error()));
            }
            // RFC 9580 §5.8 and §5.14: ignored wherever they stand.
            Packet::Marker(_) | Packet::Padding(_) => {}
            other => {
                return unreadable(
                    Reason::NoDetachedSignature,
                    format!("the signature file holds another packet: {}", other.tag()),
                );
            }
        }
        if found.items.len().saturating_add(found.notes.len()) > MAX_SIGNATURES {
            return unreadable(Reason::LimitExceeded, format!("more than {MAX_SIGNATURES} signatures"));
        }
        next = rest;
    }
    Ok(())
}

/// The certificates of all key files. Copies of one are merged, so that a revocation in any of them holds.
pub(super) fn certificates(files: &[&[u8]]) -> Result<Found<Cert>, Unreadable> {
    let total = files.iter().fold(0, |sum: usize, file| sum.saturating_add(file.len()));
    if files.iter().any(|file| file.len() > MAX_KEY_BYTES) || total > MAX_KEY_BYTES_TOTAL {
        return unreadable(
            Reason::LimitExceeded,
            format!("key files over {MAX_KEY_BYTES} bytes, or {MAX_KEY_BYTES_TOTAL} together"),
        );
    }
    let mut merged = BTreeMap::new();
    let mut notes = Vec::new();
    let mut work = Work::default();
    for (index, file) in files.iter().enumerate() {
        let number = index.saturating_add(1);
        let broken = |note: String| Unreadable {
            reason: Reason::KeyMalformed,
            note: format!("key file {number}: {note}"),
        };
        let mut known = 0_usize;
        for block in blocks(file).map_err(broken)? {
            work.add(&block)?;
            let parser = CertParser::from_bytes(&block).map_err(|error| broken(one_line(&error)))?;
            for cert in parser {
                match cert {
                    Ok(cert) => {
                        known = known.saturating_add(1);
                        merge(&mut merged, cert).map_err(|error| broken(one_line(&error)))?;
                    }
                    // A well-formed key of a version that the library does not read: version 3, of PGP 2.6.
                    Err(error)
                        if matches!(
                            error.downcast_ref(),
                            Some(sequoia_openpgp::Error::UnsupportedCert(..))
                        ) =>
                    {
                        notes.push(format!("key file {number}: passed over: {}", one_line(&error)));
                    }
                    Err(error) => return Err(broken(one_line(&error))),
                }
                if merged.len().saturating_add(notes.len()) > MAX_CERTIFICATES {
                    return unreadable(Reason::LimitExceeded, format!("more than {MAX_CERTIFICATES} keys"));
                }
            }
        }
        if known == 0 {
            return Err(broken("no key in it that can be read".to_owned()));
        }
    }
    Ok(Found { items: merged.into_values().collect(), notes })
}

/// What the library will have to do to sort certificates out, counted before it begins: it tries each
/// stray signature on every component.
#[derive(Default)]
struct Work {
    packets: usize,
    /// Components and signatures of each certificate, by fingerprint: copies are merged.
    certificates: BTreeMap<String, (usize, usize)>,
}

impl Work {
    fn add(&mut self, block: &[u8]) -> Result<(), Unreadable> {
        // What cannot be split is told by the reader that comes next.
        let Ok(certificates) = RawCertParser::from_bytes(block) else { return Ok(()) };
        for certificate in certificates.flatten() {
            let (components, signatures) =
                self.certificates.entry(certificate.fingerprint().to_hex()).or_default();
            for packet in certificate.packets() {
                self.packets = self.packets.saturating_add(1);
                let counted =
                    if packet.tag() == Tag::Signature { &mut *signatures } else { &mut *components };
                *counted = counted.saturating_add(1);
            }
            if components.saturating_mul(*signatures) > MAX_CERTIFICATE_WORK || self.packets > MAX_KEY_PACKETS
            {
                return unreadable(
                    Reason::LimitExceeded,
                    format!(
                        "a key with {components} components and {signatures} signatures, where their product may \
                         be {MAX_CERTIFICATE_WORK}, or more than {MAX_KEY_PACKETS} packets"
                    ),
                );
            }
        }
        Ok(())
    }
}

fn merge(merged: &mut BTreeMap<String, Cert>, cert: Cert) -> sequoia_openpgp::Result<()> {
    let cert = cert.strip_secret_key_material();
    let id = cert.fingerprint().to_hex();
    let whole = match merged.remove(&id) {
        Some(before) => before.merge_public(cert)?,
        None => cert,
    };
    merged.insert(id, whole);
    Ok(())
}

/// The binary content: the file itself, or that of each of its armour blocks.
fn blocks(file: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    let file = file.strip_prefix(BYTE_ORDER_MARK).unwrap_or(file);
    // RFC 9580 §4.2: the first bit of every packet is set; text begins without it.
    if file.first().is_some_and(|byte| byte & 0x80 != 0) {
        return Ok(vec![file.to_vec()]);
    }
    let mut decoded = Vec::new();
    let mut rest = next_block(file);
    while let Some(block) = rest {
        let after = block.get(1..).unwrap_or_default();
        rest = next_block(after);
        let end = block.len().saturating_sub(rest.map_or(0, <[u8]>::len));
        decoded.push(dearmor(block.get(..end).unwrap_or_default())?);
    }
    if decoded.is_empty() { Err("neither OpenPGP packets nor armour".to_owned()) } else { Ok(decoded) }
}

/// What follows the next line that opens armour, that line included.
fn next_block(text: &[u8]) -> Option<&[u8]> {
    const OPENING: &[u8] = b"-----BEGIN PGP ";
    let mut start = 0_usize;
    loop {
        let from = text.get(start..)?;
        let at = start.checked_add(from.windows(OPENING.len()).position(|window| window == OPENING)?)?;
        let before = text.get(..at)?.iter().rev().find(|byte| !matches!(byte, b' ' | b'\t'));
        if matches!(before, None | Some(b'\n' | b'\r')) {
            return text.get(at..);
        }
        start = at.checked_add(1)?;
    }
}

fn dearmor(block: &[u8]) -> Result<Vec<u8>, String> {
    if block.starts_with(b"-----BEGIN PGP SIGNED MESSAGE-----") {
        return Err("a cleartext document, where only signatures or keys may stand".to_owned());
    }
    let mut bytes = Vec::new();
    Reader::from_bytes(block, ReaderMode::Tolerant(None))
        .read_to_end(&mut bytes)
        .map_err(|error| format!("armour: {}", one_line(&error)))?;
    Ok(bytes)
}

/// A library's message as one short line of plain text: it may quote the input.
pub(super) fn one_line(message: &(impl std::fmt::Display + ?Sized)) -> String {
    message.to_string().chars().take(200).flat_map(char::escape_debug).collect()
}
