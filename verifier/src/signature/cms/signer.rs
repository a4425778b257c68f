// SPDX-License-Identifier: Apache-2.0
//! One signer of a SignedData (RFC 5652 §5.3 to §5.6).

use const_oid::ObjectIdentifier;

use super::Malformed;
use crate::signature::digest::Algorithm;
use crate::signature::x509::Certificate;
use crate::signature::{Reason, Stop, Tolerated};

/// A signer: who, how, and the attributes that were signed along.
#[derive(Clone, Debug)]
pub struct SignerInfo {
    digest: Option<Algorithm>,
    signed: Vec<(ObjectIdentifier, Vec<Vec<u8>>)>,
    unsigned: Vec<(ObjectIdentifier, Vec<Vec<u8>>)>,
    signature: Vec<u8>,
}

impl SignerInfo {
    /// The signer's certificate, by issuer and serial number, or by subject key identifier (§5.3).
    pub fn certificate<'a>(&self, _among: &'a [Certificate]) -> Option<&'a Certificate> {
        None
    }

    /// What the signer digests the content with; none where it is unknown here.
    pub fn digest_algorithm(&self) -> Option<Algorithm> {
        self.digest
    }

    /// DER of a signed attribute's one value. An attribute that stands there twice, or has several values, is
    /// malformed: every attribute that is read here is single-valued (§11).
    pub fn signed_attribute(&self, id: ObjectIdentifier) -> Result<Option<&[u8]>, Malformed> {
        let mut values = self.signed.iter().filter(|(found, _)| *found == id);
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some((_, values)), None) if values.len() == 1 => Ok(values.first().map(Vec::as_slice)),
            _ => Err(Malformed::new(format!("signed attribute {id}: not exactly one value"))),
        }
    }

    /// DER of each value of a signed attribute that may have several; an attribute that stands there twice is
    /// malformed (RFC 5652 §5.3: no two instances of a kind).
    pub fn signed_attribute_values(&self, id: ObjectIdentifier) -> Result<Option<&[Vec<u8>]>, Malformed> {
        let mut values = self.signed.iter().filter(|(found, _)| *found == id);
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some((_, values)), None) => Ok(Some(values)),
            _ => Err(Malformed::new(format!("signed attribute {id} stands there twice"))),
        }
    }

    /// DER of each value of an attribute that is not signed.
    pub fn unsigned_attributes(&self, id: ObjectIdentifier) -> Vec<&[u8]> {
        let found = self.unsigned.iter().filter(|(found, _)| *found == id);
        found.flat_map(|(_, values)| values.iter().map(Vec::as_slice)).collect()
    }

    /// The signature's octets: what a timestamp stamps.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Whether `signer` signed `content`: digests it with the signer's algorithm, and checks content type,
    /// message digest and the signature over the attributes (§5.4, §5.6). `bad` where it does not fit.
    pub fn verify(
        &self,
        _signer: &Certificate,
        _content: &[u8],
        _content_type: ObjectIdentifier,
        _tolerated: Tolerated<'_>,
    ) -> Result<(), Stop> {
        Err(Stop::found(Reason::UnknownAlgorithm, "not built yet"))
    }
}
