// SPDX-License-Identifier: Apache-2.0
//! One signer of a SignedData (RFC 5652 §5.3 to §5.6).

use cms::signed_data::SignerIdentifier;
use const_oid::ObjectIdentifier;
use der::asn1::OctetStringRef;
use der::{Decode, Encode};
use spki::AlgorithmIdentifierOwned;

use super::{Malformed, normalise, parts};
use crate::signature::digest::Algorithm;
use crate::signature::x509::key::Failure;
use crate::signature::x509::{Certificate, Name, digest_algorithm};
use crate::signature::{Reason, Stop, Tolerated};

/// `id-data` (RFC 5652 §4).
pub(crate) const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
/// `id-contentType` (§11.1).
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
/// `id-messageDigest` (§11.2).
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");

type Attributes = Vec<(ObjectIdentifier, Vec<Vec<u8>>)>;

/// A signer: who, how, and the attributes that were signed along.
#[derive(Clone, Debug)]
pub struct SignerInfo {
    identifier: Identifier,
    digest: Result<Algorithm, Failure>,
    algorithm: AlgorithmIdentifierOwned,
    signed: Option<Signed>,
    unsigned: Attributes,
    signature: Vec<u8>,
}

#[derive(Clone, Debug)]
enum Identifier {
    /// The name, and the serial number's content octets.
    IssuerAndSerial(Name, Vec<u8>),
    Key(Vec<u8>),
}

/// Signed attributes: their values, and what the signature may cover.
#[derive(Clone, Debug)]
struct Signed {
    attributes: Attributes,
    /// As a SET in DER (§5.4), then in the order in which they came, where that is another.
    encodings: Vec<Vec<u8>>,
}

/// Whose permission SHA-1 needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sha1 {
    Allowed,
    Refused,
}

/// Whether the attribute that names the kind of content must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContentType {
    Required(ObjectIdentifier),
    /// Countersignatures have none by §11.4, those of Authenticode do.
    Optional(ObjectIdentifier),
}

impl SignerInfo {
    /// Reads one SignerInfo, BER or DER: a PKCS#9 countersignature stands so in its attribute.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let (der, taken) = normalise::to_der(bytes.get(..super::MAX_BYTES).unwrap_or(bytes))?;
        if taken != bytes.len() {
            return Err(Malformed::new("SignerInfo: bytes follow it"));
        }
        Self::from_der(&der)
    }

    pub(super) fn from_der(der: &[u8]) -> Result<Self, Malformed> {
        let wrong = Malformed::within("SignerInfo");
        let parts = parts::signer_info(der)?;
        let identifier = match &parts.info.sid {
            SignerIdentifier::IssuerAndSerialNumber(both) => {
                let issuer = both.issuer.to_der().map_err(&wrong)?;
                let serial = both.serial_number.to_der().map_err(&wrong)?;
                let serial = der::asn1::AnyRef::from_der(&serial).map_err(&wrong)?.value().to_vec();
                Identifier::IssuerAndSerial(Name::from_der(&issuer)?, serial)
            }
            SignerIdentifier::SubjectKeyIdentifier(key) => Identifier::Key(key.0.as_bytes().to_vec()),
        };
        let signed = match (&parts.info.signed_attrs, parts.received) {
            (Some(set), Some(received)) => {
                let mut encodings = vec![set.to_der().map_err(&wrong)?];
                if !encodings.contains(&received) {
                    encodings.push(received);
                }
                let mut attributes = Vec::new();
                for attribute in set.iter() {
                    let values = attribute.values.iter().map(Encode::to_der).collect::<der::Result<Vec<_>>>();
                    attributes.push((attribute.oid, values.map_err(&wrong)?));
                }
                Some(Signed { attributes, encodings })
            }
            _ => None,
        };
        Ok(Self {
            identifier,
            digest: digest_algorithm(&parts.info.digest_alg),
            algorithm: parts.info.signature_algorithm,
            signed,
            unsigned: parts.unsigned,
            signature: parts.info.signature.as_bytes().to_vec(),
        })
    }

    /// The signer's certificate, by issuer and serial number, or by subject key identifier (§5.3).
    pub fn certificate<'a>(&self, among: &'a [Certificate]) -> Option<&'a Certificate> {
        among.iter().find(|certificate| match &self.identifier {
            Identifier::IssuerAndSerial(issuer, serial) => {
                certificate.serial() == serial && certificate.issuer().same(issuer)
            }
            Identifier::Key(key) => certificate.subject_key_identifier().as_ref() == Some(key),
        })
    }

    /// What the signer digests the content with; none where it is unknown here.
    pub fn digest_algorithm(&self) -> Option<Algorithm> {
        self.digest.as_ref().ok().copied()
    }

    /// DER of a signed attribute's one value. An attribute that stands there twice, or has several values, is
    /// malformed: every attribute that is read here is single-valued (§11).
    pub fn signed_attribute(&self, id: ObjectIdentifier) -> Result<Option<&[u8]>, Malformed> {
        let attributes = self.signed.iter().flat_map(|signed| &signed.attributes);
        let mut found = attributes.filter(|(other, _)| *other == id);
        match (found.next(), found.next()) {
            (None, _) => Ok(None),
            (Some((_, values)), None) if values.len() == 1 => Ok(values.first().map(Vec::as_slice)),
            _ => Err(Malformed::new(format!("signed attribute {id}: not exactly one value"))),
        }
    }

    /// DER of each value of a signed attribute that may have several; an attribute that stands there twice is
    /// malformed (RFC 5652 §5.3: no two instances of a kind).
    pub fn signed_attribute_values(&self, id: ObjectIdentifier) -> Result<Option<&[Vec<u8>]>, Malformed> {
        let attributes = self.signed.iter().flat_map(|signed| &signed.attributes);
        let mut values = attributes.filter(|(found, _)| *found == id);
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some((_, values)), None) => Ok(Some(values)),
            _ => Err(Malformed::new(format!("signed attribute {id} stands there twice"))),
        }
    }

    /// DER of each value of an attribute that is not signed, doubles left out.
    pub fn unsigned_attributes(&self, id: ObjectIdentifier) -> Vec<&[u8]> {
        let found = self.unsigned.iter().filter(|(other, _)| *other == id);
        found.flat_map(|(_, values)| values.iter().map(Vec::as_slice)).collect()
    }

    /// The signature's octets: what a timestamp stamps.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Whether `signer` signed `content`: digests it with the signer's algorithm, and checks content type,
    /// message digest and the signature over the attributes (§5.4, §5.6). `bad` where it does not fit, even
    /// where the algorithms are too weak to count.
    pub fn verify(
        &self,
        signer: &Certificate,
        content: &[u8],
        content_type: ObjectIdentifier,
        tolerated: Tolerated<'_>,
    ) -> Result<(), Stop> {
        let sha1 = if tolerated.sha1() { Sha1::Allowed } else { Sha1::Refused };
        self.verify_as(signer, content, ContentType::Required(content_type), sha1)
    }

    pub(crate) fn verify_as(
        &self,
        signer: &Certificate,
        content: &[u8],
        content_type: ContentType,
        sha1: Sha1,
    ) -> Result<(), Stop> {
        let digest = match &self.digest {
            Ok(digest) => *digest,
            Err(failure) => return Err(stop(failure.clone())),
        };
        self.check_attributes(digest, content, content_type)?;
        let key = signer.key().map_err(|unusable| {
            // The path says why such a key does not count.
            Stop::found(Reason::UnknownAlgorithm, format!("{}: {unusable}", signer.subject()))
        })?;
        let verify = |message: &[u8]| key.verify(&self.algorithm, Some(digest), message, &self.signature);
        let used = match &self.signed {
            None => verify(content),
            Some(signed) => {
                // §5.4 wants the order of DER. Programs that sign the order in which they write exist; whoever
                // holds the key signed these attributes in either case.
                let mut last = Err(Failure::Mismatch);
                for encoding in &signed.encodings {
                    last = verify(encoding);
                    if last != Err(Failure::Mismatch) {
                        break;
                    }
                }
                last
            }
        };
        let used = used.map_err(stop)?;
        if [Some(digest), used].contains(&Some(Algorithm::Sha1)) && sha1 == Sha1::Refused {
            return Err(Stop::found(Reason::WeakHash, "the signature rests on SHA-1"));
        }
        Ok(())
    }

    /// §5.6 and §11.1, §11.2.
    fn check_attributes(&self, digest: Algorithm, content: &[u8], wanted: ContentType) -> Result<(), Stop> {
        let malformed = |error: Malformed| Stop::found(Reason::SignatureMalformed, error.to_string());
        let missing =
            |what: &str| Stop::found(Reason::SignatureMalformed, format!("no signed attribute {what}"));
        let (wanted_type, is_required) = match wanted {
            ContentType::Required(wanted) => (wanted, true),
            ContentType::Optional(wanted) => (wanted, false),
        };
        if self.signed.is_none() {
            // §5.3: attributes may be absent for plain data only; else a signature over the attributes of
            // something could be passed off as one over content that looks like them.
            return if wanted_type == DATA { Ok(()) } else { Err(missing("at all")) };
        }
        match self.signed_attribute(CONTENT_TYPE).map_err(malformed)? {
            Some(found) => {
                let found = ObjectIdentifier::from_der(found).map_err(Malformed::within("content type"));
                let found = found.map_err(malformed)?;
                if found != wanted_type {
                    let note = format!("the signature is for content of type {found}, not {wanted_type}");
                    return Err(Stop::found(Reason::DigestMismatch, note));
                }
            }
            None if is_required => return Err(missing("content-type")),
            None => {}
        }
        let stated = self.signed_attribute(MESSAGE_DIGEST).map_err(malformed)?;
        let stated = stated.ok_or_else(|| missing("message-digest"))?;
        let stated = OctetStringRef::from_der(stated).map_err(Malformed::within("message digest"));
        if stated.map_err(malformed)?.as_bytes() != digest.digest(content) {
            let note = format!("the content has another {} than was signed", digest.name());
            return Err(Stop::found(Reason::DigestMismatch, note));
        }
        Ok(())
    }
}

fn stop(failure: Failure) -> Stop {
    Stop::Found(failure.reason(), failure.to_string())
}
