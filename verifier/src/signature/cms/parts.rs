// SPDX-License-Identifier: Apache-2.0
//! The second half of what stands before `cms`: takes a SignedData in DER apart, so that it gets only what it
//! can hold. Certificates are read one by one; attribute certificates, other kinds of certificates and
//! revocation lists are dropped (they decide nothing offline); unsigned attributes may repeat themselves.

use cms::signed_data as rustcrypto;
use der::asn1::AnyRef;
use der::{Decode, Encode, Header, Length, Reader, SliceReader, Tag, TagNumber, Tagged};

use super::Malformed;

/// Certificates of one SignedData. Real ones have up to ten.
pub const MAX_CERTIFICATES: usize = 256;
/// Signers of one SignedData. Vendors have one or two.
pub const MAX_SIGNERS: usize = 16;
/// Attributes of one signer, of each sort, and values of one attribute. Vendors have up to ten.
pub const MAX_ATTRIBUTES: usize = 64;
/// Bytes of the name and serial number by which a signer names its certificate. Real ones have 300.
pub const MAX_IDENTIFIER_BYTES: usize = 16 * 1024;

/// A SignedData without what `cms` cannot hold, and the rest of it beside.
pub(super) struct Parts {
    pub(super) content: rustcrypto::EncapsulatedContentInfo,
    pub(super) certificates: Vec<Vec<u8>>,
    pub(super) dropped: usize,
    pub(super) signers: Vec<Vec<u8>>,
}

/// A SignerInfo without its unsigned attributes, and these.
pub(super) struct SignerParts {
    pub(super) info: rustcrypto::SignerInfo,
    /// The signed attributes as a SET in the order in which they came.
    pub(super) received: Option<Vec<u8>>,
    pub(super) unsigned: Vec<(der::asn1::ObjectIdentifier, Vec<Vec<u8>>)>,
}

/// `[0]` and `[1]`, constructed.
const fn context(number: TagNumber) -> Tag {
    Tag::ContextSpecific { constructed: true, number }
}

/// Takes a SignedData (RFC 5652 §5.1) apart.
pub(super) fn signed_data(value: AnyRef<'_>) -> Result<Parts, Malformed> {
    let wrong = Malformed::within("SignedData");
    let mut kept = Vec::new();
    let mut parts = (Vec::new(), 0_usize);
    let elements = elements(value, Tag::Sequence, 6, "SignedData")?;
    let Some((signers, others)) = elements.split_last() else {
        return Err(Malformed::new("SignedData: empty"));
    };
    for element in others {
        match element.tag() {
            Tag::ContextSpecific { constructed: true, number: TagNumber::N0 } => {
                parts = certificates(*element)?
            }
            Tag::ContextSpecific { constructed: true, number: TagNumber::N1 } => {}
            // The digests that signers use: each names its own again, and doubles serve nobody.
            Tag::Set => kept.extend(wrap(Tag::Set, &[])?),
            _ => kept.extend(element.to_der().map_err(&wrong)?),
        }
    }
    kept.extend(wrap(Tag::Set, &[])?);
    let trimmed = rustcrypto::SignedData::from_der(&wrap(Tag::Sequence, &kept)?).map_err(&wrong)?;
    let signers = self::elements(*signers, Tag::Set, MAX_SIGNERS, "signers")?;
    let mut signers = signers.iter().map(Encode::to_der).collect::<der::Result<Vec<_>>>().map_err(&wrong)?;
    let mut seen = std::collections::HashSet::new();
    signers.retain(|signer| seen.insert(signer.clone()));
    Ok(Parts { content: trimmed.encap_content_info, certificates: parts.0, dropped: parts.1, signers })
}

/// `CertificateSet` (§10.2.3): the certificates, and how many of other kinds were dropped.
fn certificates(set: AnyRef<'_>) -> Result<(Vec<Vec<u8>>, usize), Malformed> {
    let mut certificates = Vec::new();
    let mut dropped = 0_usize;
    for one in elements(set, context(TagNumber::N0), MAX_CERTIFICATES, "certificates")? {
        if one.tag() == Tag::Sequence {
            certificates.push(one.to_der().map_err(Malformed::within("certificate"))?);
        } else {
            dropped = dropped.saturating_add(1);
        }
    }
    Ok((certificates, dropped))
}

/// Takes a SignerInfo (§5.3) apart.
pub(super) fn signer_info(der: &[u8]) -> Result<SignerParts, Malformed> {
    let wrong = Malformed::within("SignerInfo");
    let value = AnyRef::from_der(der).map_err(&wrong)?;
    let mut kept = Vec::new();
    let mut received = None;
    let mut unsigned = Vec::new();
    for (at, element) in elements(value, Tag::Sequence, 7, "SignerInfo")?.into_iter().enumerate() {
        match element.tag() {
            // At the second place the same tag is a key identifier, but a primitive one.
            Tag::ContextSpecific { constructed: true, number: TagNumber::N0 } if at > 1 => {
                limited(element)?;
                received = Some(wrap(Tag::Set, element.value())?);
            }
            Tag::ContextSpecific { constructed: true, number: TagNumber::N1 } if at > 1 => {
                unsigned = attributes(element)?;
                continue;
            }
            _ if at == 1 && element.value().len() > MAX_IDENTIFIER_BYTES => {
                return Err(Malformed::new("SignerInfo: the signer's name is too long"));
            }
            _ => {}
        }
        kept.extend(element.to_der().map_err(&wrong)?);
    }
    let info = rustcrypto::SignerInfo::from_der(&wrap(Tag::Sequence, &kept)?).map_err(&wrong)?;
    Ok(SignerParts { info, received, unsigned })
}

/// Signed attributes within the bounds: `der` sorts sets in quadratic time.
fn limited(set: AnyRef<'_>) -> Result<(), Malformed> {
    for attribute in elements(set, context(TagNumber::N0), MAX_ATTRIBUTES, "signed attributes")? {
        for part in elements(attribute, Tag::Sequence, 2, "attribute")?.into_iter().skip(1) {
            elements(part, Tag::Set, MAX_ATTRIBUTES, "values of an attribute")?;
        }
    }
    Ok(())
}

/// Unsigned attributes, DER of each value, doubles merged.
fn attributes(set: AnyRef<'_>) -> Result<Vec<(der::asn1::ObjectIdentifier, Vec<Vec<u8>>)>, Malformed> {
    let wrong = Malformed::within("attribute");
    let mut found: Vec<(der::asn1::ObjectIdentifier, Vec<Vec<u8>>)> = Vec::new();
    for attribute in elements(set, context(TagNumber::N1), MAX_ATTRIBUTES, "unsigned attributes")? {
        let parts = elements(attribute, Tag::Sequence, 2, "attribute")?;
        let [id, values] = parts.as_slice() else { return Err(Malformed::new("attribute: not two parts")) };
        let id = id.decode_as().map_err(&wrong)?;
        let mut unique: Vec<Vec<u8>> = Vec::new();
        for value in elements(*values, Tag::Set, MAX_ATTRIBUTES, "values of an attribute")? {
            let value = value.to_der().map_err(&wrong)?;
            let known = found.iter().filter(|(other, _)| *other == id).flat_map(|(_, values)| values);
            if !unique.contains(&value) && !known.into_iter().any(|other| *other == value) {
                unique.push(value);
            }
        }
        found.push((id, unique));
    }
    Ok(found)
}

/// The elements inside `value`, which is tagged `tag`.
pub(super) fn elements<'a>(
    value: AnyRef<'a>,
    tag: Tag,
    limit: usize,
    what: &str,
) -> Result<Vec<AnyRef<'a>>, Malformed> {
    let wrong = Malformed::within(what);
    if value.tag() != tag {
        return Err(Malformed::new(format!("{what}: found {} instead of {tag}", value.tag())));
    }
    let mut reader = SliceReader::new(value.value()).map_err(&wrong)?;
    let mut elements = Vec::new();
    while !reader.is_finished() {
        if elements.len() == limit {
            return Err(Malformed::new(format!("{what}: more than {limit}")));
        }
        elements.push(AnyRef::decode(&mut reader).map_err(&wrong)?);
    }
    Ok(elements)
}

/// An element of DER around contents.
pub(super) fn wrap(tag: Tag, contents: &[u8]) -> Result<Vec<u8>, Malformed> {
    let length = Length::try_from(contents.len()).map_err(Malformed::within("length"))?;
    let header = Header::new(tag, length).and_then(|header| header.to_der());
    Ok([&header.map_err(Malformed::within("header"))?, contents].concat())
}
