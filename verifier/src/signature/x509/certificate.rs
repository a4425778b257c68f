// SPDX-License-Identifier: Apache-2.0
//! One certificate: DER in, its fields out. Nothing here is proven.

use std::fmt;
use std::sync::Arc;

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, BitStringRef};
use der::{Decode, Encode, Sequence, Tag, Tagged};
use manifests::digest::Sha256Digest;
use manifests::time::Timestamp;
use spki::AlgorithmIdentifierOwned;
use x509_cert::certificate::Version;
use x509_cert::ext::Extensions;

use super::extensions::{EXTENDED_KEY_USAGE, SUBJECT_KEY_IDENTIFIER};
use super::name::{COMMON_NAME, Name};
use super::time::{Instant, instant};
use super::{Malformed, key::PublicKey};
use crate::signature::digest;

/// Bytes of one certificate. The largest that are met, with thousands of host names, have 100 KiB.
pub const MAX_CERTIFICATE_BYTES: usize = 128 * 1024;

/// A certificate that was read. Cheap to clone. Equal to another where every byte is.
#[derive(Clone)]
pub struct Certificate(Arc<Fields>);

/// Fields of RFC 5280 §4.1, and what is computed from them once.
struct Fields {
    der: Vec<u8>,
    digest: Sha256Digest,
    signed: Vec<u8>,
    serial: Vec<u8>,
    issuer: Name,
    subject: Name,
    not_before: Instant,
    not_after: Instant,
    key_info: Vec<u8>,
    key: Result<PublicKey, super::key::Unusable>,
    version: Version,
    extensions: Extensions,
    algorithm: AlgorithmIdentifierOwned,
    signature: Vec<u8>,
}

/// An extension as it stands in a certificate (RFC 5280 §4.1.2.9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// Whoever does not process it must refuse the certificate.
    pub critical: bool,
    /// What the OCTET STRING holds, DER mostly.
    pub value: Vec<u8>,
}

/// RFC 5280 §4.1, the signed part left as it is.
#[derive(Sequence)]
struct Outer<'a> {
    signed: AnyRef<'a>,
    algorithm: AlgorithmIdentifierOwned,
    signature: BitStringRef<'a>,
}

/// `TBSCertificate` of RFC 5280 §4.1. As `x509_cert::TbsCertificate`, but with names, times and serial left
/// as they are: that type refuses years before 1970 (PKITS 4.2.3), long serials and doubles in names.
#[derive(Sequence)]
struct Signed<'a> {
    #[asn1(context_specific = "0", default = "Default::default")]
    version: Version,
    serial: AnyRef<'a>,
    algorithm: AlgorithmIdentifierOwned,
    issuer: AnyRef<'a>,
    validity: Validity<'a>,
    subject: AnyRef<'a>,
    key_info: AnyRef<'a>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    issuer_unique_id: Option<BitStringRef<'a>>,
    #[asn1(context_specific = "2", tag_mode = "IMPLICIT", optional = "true")]
    subject_unique_id: Option<BitStringRef<'a>>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Extensions>,
}

#[derive(Sequence)]
struct Validity<'a> {
    not_before: AnyRef<'a>,
    not_after: AnyRef<'a>,
}

impl Certificate {
    /// Reads a certificate from exactly these bytes.
    pub fn from_der(der: &[u8]) -> Result<Self, Malformed> {
        if der.len() > MAX_CERTIFICATE_BYTES {
            return Err(Malformed::new(format!(
                "certificate of {} bytes, at most {MAX_CERTIFICATE_BYTES} are read",
                der.len()
            )));
        }
        let wrong = Malformed::within("certificate");
        let outer = Outer::from_der(der).map_err(&wrong)?;
        let signed_der = outer.signed.to_der().map_err(&wrong)?;
        let signed = Signed::from_der(&signed_der).map_err(&wrong)?;
        // RFC 5280 §4.1.1.2: both say the same, or one was exchanged behind the signature's back.
        if signed.algorithm != outer.algorithm {
            return Err(Malformed::new("certificate: signature algorithm inside and outside differ"));
        }
        if signed.serial.tag() != Tag::Integer {
            return Err(Malformed::new("certificate: the serial number is no integer"));
        }
        let extensions = signed.extensions.unwrap_or_default();
        let twice = |(at, one): (usize, &x509_cert::ext::Extension)| {
            extensions.iter().take(at).any(|other| other.extn_id == one.extn_id)
        };
        if extensions.len() > MAX_EXTENSIONS || extensions.iter().enumerate().any(twice) {
            // RFC 5280 §4.2: two of a kind would leave open which one holds.
            return Err(Malformed::new(
                "certificate: an extension stands there twice, or there are too many",
            ));
        }
        let key_info = signed.key_info.to_der().map_err(&wrong)?;
        let fields = Fields {
            digest: digest::sha256(der),
            serial: signed.serial.value().to_vec(),
            issuer: Name::parse(signed.issuer)?,
            subject: Name::parse(signed.subject)?,
            not_before: instant(signed.validity.not_before)?,
            not_after: instant(signed.validity.not_after)?,
            key: PublicKey::parse(&key_info),
            key_info,
            version: signed.version,
            extensions,
            algorithm: outer.algorithm,
            // A signature with bits over is none that any key verifies (PKITS 4.1.2).
            signature: outer.signature.as_bytes().unwrap_or_default().to_vec(),
            der: der.to_vec(),
            signed: signed_der.clone(),
        };
        Ok(Self(Arc::new(fields)))
    }

    /// All bytes.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// SHA-256 of all bytes, as pins name it.
    pub fn digest(&self) -> Sha256Digest {
        self.0.digest
    }

    /// The subject as RFC 4514 writes it.
    pub fn subject(&self) -> String {
        self.0.subject.to_string()
    }

    /// The subject's last common name, the most specific one.
    pub fn common_name(&self) -> Option<String> {
        self.subject_values(COMMON_NAME).pop()
    }

    /// The subject's values of one attribute, from the most general to the most specific.
    pub fn subject_values(&self, attribute: ObjectIdentifier) -> Vec<String> {
        self.0.subject.values(attribute)
    }

    /// An extension by its identifier.
    pub fn extension(&self, id: ObjectIdentifier) -> Option<Extension> {
        let found = self.extensions().iter().find(|extension| extension.extn_id == id)?;
        Some(Extension { critical: found.critical, value: found.extn_value.as_bytes().to_vec() })
    }

    /// What the extended key usage lists. None without one, or with one that cannot be read.
    pub fn extended_key_usage(&self) -> Option<Vec<ObjectIdentifier>> {
        Vec::<ObjectIdentifier>::from_der(&self.extension(EXTENDED_KEY_USAGE)?.value).ok()
    }

    /// The first second of validity; 1970 stands for all before.
    pub fn not_before(&self) -> Timestamp {
        self.0.not_before.timestamp()
    }

    /// The last second of validity; 1970 stands for all before.
    pub fn not_after(&self) -> Timestamp {
        self.0.not_after.timestamp()
    }

    /// The serial number's content bytes.
    pub fn serial(&self) -> &[u8] {
        &self.0.serial
    }

    /// The name of whoever signed it.
    pub fn issuer(&self) -> &Name {
        &self.0.issuer
    }

    /// The name of whoever holds the key.
    pub fn subject_name(&self) -> &Name {
        &self.0.subject
    }

    /// The subject key identifier, where there is one (RFC 5280 §4.2.1.2).
    pub fn subject_key_identifier(&self) -> Option<Vec<u8>> {
        let extension = self.extension(SUBJECT_KEY_IDENTIFIER)?;
        Some(der::asn1::OctetStringRef::from_der(&extension.value).ok()?.as_bytes().to_vec())
    }

    /// The public key, or why it cannot be used.
    pub fn key(&self) -> Result<&PublicKey, &super::key::Unusable> {
        self.0.key.as_ref()
    }

    pub(super) fn validity(&self) -> (Instant, Instant) {
        (self.0.not_before, self.0.not_after)
    }

    /// Whether the certificate's issuer is its own subject (RFC 5280 §6.1: self-issued).
    pub(super) fn is_self_issued(&self) -> bool {
        self.0.issuer.same(&self.0.subject)
    }

    pub(super) fn extensions(&self) -> &[x509_cert::ext::Extension] {
        &self.0.extensions
    }

    pub(super) fn version(&self) -> Version {
        self.0.version
    }

    /// SubjectPublicKeyInfo, DER.
    pub fn key_info(&self) -> &[u8] {
        &self.0.key_info
    }

    /// The bytes that the issuer signed.
    pub(super) fn signed(&self) -> &[u8] {
        &self.0.signed
    }

    pub(super) fn algorithm(&self) -> &AlgorithmIdentifierOwned {
        &self.0.algorithm
    }

    pub(super) fn signature(&self) -> &[u8] {
        &self.0.signature
    }
}

/// Extensions of one certificate; real ones have about ten. It bounds the search for doubles.
const MAX_EXTENSIONS: usize = 100;

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({}, {})", self.subject(), self.digest())
    }
}
