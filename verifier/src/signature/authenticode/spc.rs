// SPDX-License-Identifier: Apache-2.0
//! What Microsoft's structures say: the content of a signature (`SpcIndirectDataContent`) and the particulars
//! of a program (`SpcSpOpusInfo`), from DER ("Windows Authenticode Portable Executable Signature Format", 2008).

use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Reader, SliceReader, Tag, TagNumber};
use spki::AlgorithmIdentifierRef;

use crate::signature::digest::Algorithm;

/// `SPC_INDIRECT_DATA_OBJID`: the content type of every Authenticode signature.
pub(super) const INDIRECT_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.4");
/// `SPC_SP_OPUS_INFO_OBJID`, a signed attribute.
pub(super) const OPUS_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.12");
/// `szOID_NESTED_SIGNATURE`, an unsigned attribute.
pub(super) const NESTED: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.4.1");
/// `szOID_RFC3161_counterSign`, an unsigned attribute.
pub(super) const TOKEN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.3.3.1");
/// `szOID_RSA_counterSign` (PKCS #9), an unsigned attribute.
pub(super) const COUNTERSIGNATURE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.6");
/// `szOID_RSA_signingTime` (PKCS #9), a signed attribute.
pub(super) const SIGNING_TIME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.5");
/// `szOID_KP_LIFETIME_SIGNING`, an extended key usage: no timestamp prolongs what the certificate signed.
pub(super) const LIFETIME_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.10.3.13");

const PE_IMAGE_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.15");
const CAB_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.25");
const SIP_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.30");
const PAGE_HASHES_SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.3.1");
const PAGE_HASHES_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.3.2");

/// The class of serialized objects that hold page hashes: a6b586d5-b4a1-2466-ae05-a217da8e60d6.
const PAGE_HASHES_CLASS: [u8; 16] =
    [0xa6, 0xb5, 0x86, 0xd5, 0xb4, 0xa1, 0x24, 0x66, 0xae, 0x05, 0xa2, 0x17, 0xda, 0x8e, 0x60, 0xd6];
/// Windows Installer's class for files that it signs: {000C10F1-0000-0000-C000-000000000046}.
const INSTALLER_CLASS: [u8; 16] = [0xf1, 0x10, 0x0c, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46];

/// The kinds of file that signatures are made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// `SpcPeImageData`
    Image,
    /// `SpcSipInfo` of Windows Installer
    Installer,
    /// `SpcLink` under `SPC_CAB_DATA_OBJID`
    Cabinet,
    /// Scripts, catalogues, ….
    Other,
}

/// What a signature says about its file.
#[derive(Clone, Debug)]
pub(super) struct IndirectData {
    /// Which kind of file.
    pub(super) subject: Subject,
    /// Of the file's digest; none where it is not known here.
    pub(super) algorithm: Option<Algorithm>,
    /// Its identifier, for people.
    pub(super) algorithm_id: ObjectIdentifier,
    /// The file's digest.
    pub(super) digest: Vec<u8>,
    /// Of a PE image's pages.
    pub(super) pages: Option<PageTable>,
}

/// The table of page hashes, as it stands in the signature.
#[derive(Clone, Debug)]
pub(super) struct PageTable {
    /// Of each page.
    pub(super) algorithm: Algorithm,
    bytes: Vec<u8>,
}

impl PageTable {
    /// How many entries there are; none where the table ends within one.
    pub(super) fn len(&self) -> usize {
        let entry = self.algorithm.length().saturating_add(4);
        if self.bytes.len().is_multiple_of(entry) { self.bytes.len() / entry } else { 0 }
    }

    fn entry(&self, place: usize) -> Option<&[u8]> {
        self.bytes.chunks_exact(self.algorithm.length().saturating_add(4)).nth(place)
    }

    /// The offset that an entry is for.
    pub(super) fn offset(&self, place: usize) -> Option<u64> {
        let offset = self.entry(place)?.first_chunk::<4>()?;
        Some(u32::from_le_bytes(*offset).into())
    }

    /// The digest of an entry.
    pub(super) fn digest(&self, place: usize) -> Option<&[u8]> {
        self.entry(place)?.get(4..)
    }
}

impl IndirectData {
    /// Reads it from DER.
    pub(super) fn from_der(der: &[u8]) -> der::Result<Self> {
        let content: AnyRef<'_> = AnyRef::from_der(der)?;
        let mut content = open(content, Tag::Sequence)?;
        let mut data = open(content.decode()?, Tag::Sequence)?;
        let kind: ObjectIdentifier = data.decode()?;
        let value = data.decode::<Option<AnyRef<'_>>>()?;
        data.finish(())?;
        let mut info = open(content.decode()?, Tag::Sequence)?;
        content.finish(())?;
        let algorithm: AlgorithmIdentifierRef<'_> = info.decode()?;
        let digest: OctetStringRef<'_> = info.decode()?;
        info.finish(())?;
        if algorithm.parameters.is_some_and(|parameters| !parameters.is_null()) {
            return Err(Tag::Null.value_error());
        }
        let (subject, pages) = match (kind, value) {
            (PE_IMAGE_DATA, Some(value)) => (Subject::Image, page_table(value)?),
            (PE_IMAGE_DATA, None) => (Subject::Image, None),
            (CAB_DATA, _) => (Subject::Cabinet, None),
            (SIP_INFO, Some(value)) if is_installer(value)? => (Subject::Installer, None),
            _ => (Subject::Other, None),
        };
        let known = algorithm_of(algorithm.oid);
        if known.is_some_and(|known| known.length() != digest.as_bytes().len()) {
            return Err(Tag::OctetString.length_error());
        }
        let digest = digest.as_bytes().to_vec();
        Ok(Self { subject, algorithm: known, algorithm_id: algorithm.oid, digest, pages })
    }
}

/// SHA-1 of OIW and NIST's SHA-2; MD5 and others are not known.
fn algorithm_of(id: ObjectIdentifier) -> Option<Algorithm> {
    use const_oid::db::rfc5912;
    Some(match id {
        rfc5912::ID_SHA_1 => Algorithm::Sha1,
        rfc5912::ID_SHA_224 => Algorithm::Sha224,
        rfc5912::ID_SHA_256 => Algorithm::Sha256,
        rfc5912::ID_SHA_384 => Algorithm::Sha384,
        rfc5912::ID_SHA_512 => Algorithm::Sha512,
        _ => return None,
    })
}

/// The content of a structure, where it is one of this kind.
fn open(any: AnyRef<'_>, tag: Tag) -> der::Result<SliceReader<'_>> {
    use der::Tagged;
    any.tag().assert_eq(tag)?;
    SliceReader::new(any.value())
}

const fn context(number: TagNumber, constructed: bool) -> Tag {
    Tag::ContextSpecific { constructed, number }
}

/// `SpcSipInfo`: a version, a class, five numbers.
fn is_installer(value: AnyRef<'_>) -> der::Result<bool> {
    let mut info = open(value, Tag::Sequence)?;
    let _version: AnyRef<'_> = info.decode()?;
    let class: OctetStringRef<'_> = info.decode()?;
    Ok(class.as_bytes() == INSTALLER_CLASS)
}

/// `SpcPeImageData`: flags, then a link that is a serialized object where there are page hashes.
fn page_table(value: AnyRef<'_>) -> der::Result<Option<PageTable>> {
    let mut data = open(value, Tag::Sequence)?;
    if data.peek_tag().is_ok_and(|tag| tag == Tag::BitString) {
        let _flags: AnyRef<'_> = data.decode()?;
    }
    let Some(file) = data.decode::<Option<AnyRef<'_>>>()? else { return data.finish(None) };
    data.finish(())?;
    let mut file = open(file, context(TagNumber::N0, true))?;
    let link: AnyRef<'_> = file.decode()?;
    file.finish(())?;
    let Ok(mut object) = open(link, context(TagNumber::N1, true)) else { return Ok(None) };
    let class: OctetStringRef<'_> = object.decode()?;
    let serialized: OctetStringRef<'_> = object.decode()?;
    object.finish(())?;
    if class.as_bytes() != PAGE_HASHES_CLASS {
        return Ok(None);
    }
    let mut set = open(AnyRef::from_der(serialized.as_bytes())?, Tag::Set)?;
    let mut hashes = open(set.decode()?, Tag::Sequence)?;
    set.finish(())?;
    let kind: ObjectIdentifier = hashes.decode()?;
    let mut values = open(hashes.decode()?, Tag::Set)?;
    hashes.finish(())?;
    let bytes: OctetStringRef<'_> = values.decode()?;
    values.finish(())?;
    let algorithm = match kind {
        PAGE_HASHES_SHA1 => Algorithm::Sha1,
        PAGE_HASHES_SHA256 => Algorithm::Sha256,
        _ => return Err(Tag::ObjectIdentifier.value_error()),
    };
    Ok(Some(PageTable { algorithm, bytes: bytes.as_bytes().to_vec() }))
}

/// The program's name and where to learn more, as the signer says.
pub(super) fn opus_info(der: &[u8]) -> der::Result<Vec<String>> {
    let mut info = open(AnyRef::from_der(der)?, Tag::Sequence)?;
    let mut words = Vec::new();
    while !info.is_finished() {
        use der::Tagged;
        let field: AnyRef<'_> = info.decode()?;
        let content = AnyRef::from_der(field.value())?;
        let name = field.tag() == context(TagNumber::N0, true);
        let text = match (name, content.tag()) {
            // SpcString: unicode (BMPString) or ascii.
            (true, tag) if tag == context(TagNumber::N0, false) => utf16(content.value()),
            (true, _) => String::from_utf8_lossy(content.value()).into_owned(),
            // SpcLink: a URL, or a file by an SpcString.
            (false, tag) if tag == context(TagNumber::N2, true) => {
                let file = AnyRef::from_der(content.value())?;
                if file.tag() == context(TagNumber::N0, false) {
                    utf16(file.value())
                } else {
                    String::from_utf8_lossy(file.value()).into_owned()
                }
            }
            (false, _) => String::from_utf8_lossy(content.value()).into_owned(),
        };
        let text: String = text.chars().take(MAX_WORDS).collect();
        if !text.is_empty() {
            words
                .push(format!("{}: {text}", if name { "program, as signed" } else { "about it, as signed" }));
        }
    }
    Ok(words)
}

/// Characters of a signer's words that a report repeats: a name or an address has some dozens.
const MAX_WORDS: usize = 200;

fn utf16(bytes: &[u8]) -> String {
    let units = bytes.as_chunks::<2>().0.iter().map(|unit| u16::from_be_bytes(*unit));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}
