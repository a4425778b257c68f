// SPDX-License-Identifier: Apache-2.0
//! CMS SignedData (RFC 5652 §5, and PKCS#7 as Authenticode writes it): BER or DER in, signers out.
//!
//! What is read is proven only by [`SignerInfo::verify`], with a certificate that a path leads to. `cms` reads
//! the structures; [`normalise`] and `parts` stand before it (`docs/decisions/0009-cms-and-x509.md`).

pub mod normalise;
mod parts;
mod signer;

use const_oid::ObjectIdentifier;
use der::asn1::AnyRef;
use der::{Decode, Encode, Tag, TagNumber};

use super::x509::Certificate;
pub use super::x509::Malformed;
pub use parts::{MAX_ATTRIBUTES, MAX_CERTIFICATES, MAX_IDENTIFIER_BYTES, MAX_SIGNERS};
pub use signer::SignerInfo;
pub(crate) use signer::{ContentType, DATA, Sha1};

/// Bytes of one SignedData. The page hashes of a program of 900 MiB fit; it is copied a few times in memory.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;

/// `id-signedData` (RFC 5652 §5.1).
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");

/// A SignedData that was read. Nothing is proven until [`SignerInfo::verify`] says so.
#[derive(Clone, Debug)]
pub struct SignedData {
    content_type: ObjectIdentifier,
    content: Option<Content>,
    certificates: Vec<Certificate>,
    signers: Vec<SignerInfo>,
    notes: Vec<String>,
}

/// What is signed, where it stands inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    der: Vec<u8>,
    header: usize,
}

impl Content {
    /// With tag and length.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The octets inside the outer tag and length: what signers digest (RFC 5652 §5.4).
    pub fn value(&self) -> &[u8] {
        self.der.get(self.header..).unwrap_or_default()
    }
}

impl SignedData {
    /// Reads a ContentInfo that holds SignedData, and says how many bytes of the input it took. What follows is
    /// the caller's business.
    pub fn parse(bytes: &[u8]) -> Result<(Self, usize), Malformed> {
        let bytes = bytes.get(..MAX_BYTES).unwrap_or(bytes);
        let (der, taken) = normalise::to_der(bytes)?;
        let wrong = Malformed::within("ContentInfo");
        let info = AnyRef::from_der(&der).map_err(&wrong)?;
        let info = parts::elements(info, Tag::Sequence, 2, "ContentInfo")?;
        let [kind, content] = info.as_slice() else {
            return Err(Malformed::new("ContentInfo: not a content type and its content"));
        };
        let kind: ObjectIdentifier = kind.decode_as().map_err(&wrong)?;
        if kind != SIGNED_DATA {
            return Err(Malformed::new(format!("ContentInfo: found {kind} instead of SignedData")));
        }
        let explicit = Tag::ContextSpecific { constructed: true, number: TagNumber::N0 };
        let inside = parts::elements(*content, explicit, 1, "ContentInfo")?;
        let inside = inside.first().ok_or_else(|| Malformed::new("ContentInfo: empty"))?;
        Ok((Self::read(parts::signed_data(*inside)?)?, taken))
    }

    fn read(parts: parts::Parts) -> Result<Self, Malformed> {
        let mut notes = Vec::new();
        if parts.dropped > 0 {
            notes.push(format!("{} attribute or other certificates were passed over", parts.dropped));
        }
        let mut certificates: Vec<Certificate> = Vec::new();
        for der in &parts.certificates {
            match Certificate::from_der(der) {
                Ok(certificate) if !certificates.contains(&certificate) => certificates.push(certificate),
                Ok(_) => {}
                Err(error) => notes.push(format!("a certificate that came along was passed over: {error}")),
            }
        }
        let content = match parts.content.econtent {
            Some(content) => {
                let der = content.to_der().map_err(Malformed::within("content"))?;
                Some(Content { header: der.len().saturating_sub(content.value().len()), der })
            }
            None => None,
        };
        let signers = parts.signers.iter().map(|der| SignerInfo::from_der(der)).collect::<Result<_, _>>()?;
        Ok(Self { content_type: parts.content.econtent_type, content, certificates, signers, notes })
    }

    /// What kind of content is signed.
    pub fn content_type(&self) -> ObjectIdentifier {
        self.content_type
    }

    /// The content, unless it is detached.
    pub fn content(&self) -> Option<&Content> {
        self.content.as_ref()
    }

    /// The certificates that came along, doubles and unreadable ones left out. None is believed for that.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The signers, doubles left out.
    pub fn signers(&self) -> &[SignerInfo] {
        &self.signers
    }

    /// What was passed over.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}
