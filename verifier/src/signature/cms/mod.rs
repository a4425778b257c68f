// SPDX-License-Identifier: Apache-2.0
//! CMS SignedData (RFC 5652 §5, and PKCS#7 as Authenticode writes it): BER or DER in, signers out.

mod signer;

use const_oid::ObjectIdentifier;

use super::x509::Certificate;
pub use super::x509::Malformed;
pub use signer::SignerInfo;

/// Bytes of one SignedData. A catalogue of Windows or the page hashes of a program of 1 GiB fit.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;

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
    /// Reads a ContentInfo that holds SignedData, and says how many bytes of the input it took.
    pub fn parse(_bytes: &[u8]) -> Result<(Self, usize), Malformed> {
        Err(Malformed::new("not built yet"))
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

    /// The signers.
    pub fn signers(&self) -> &[SignerInfo] {
        &self.signers
    }

    /// What was passed over.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}
