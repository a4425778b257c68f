// SPDX-License-Identifier: Apache-2.0
//! Distinguished names: read, compared (RFC 5280 §7.1), written for people (RFC 4514).

use std::fmt;

use const_oid::ObjectIdentifier;
use der::asn1::AnyRef;
use der::{Decode, Encode, Reader, SliceReader, Tag, Tagged};
use x509_cert::attr::AttributeTypeAndValue;

use super::Malformed;

/// `id-at-commonName` (RFC 5280 A.1).
pub const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
/// `id-emailAddress` (RFC 5280 A.1, PKCS#9).
pub(super) const EMAIL: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.1");

/// Attributes of one name; real ones have about ten. It bounds how long comparisons take.
const MAX_ATTRIBUTES: usize = 256;

/// A name, as a sequence of sets of attributes (X.501), in the order of the certificate.
#[derive(Clone, Debug)]
pub struct Name {
    sets: Vec<Vec<AttributeTypeAndValue>>,
    /// The form in which names are compared.
    folded: Vec<Vec<Vec<u8>>>,
}

impl Name {
    /// Reads a `Name`. `x509_cert::name::Name` would refuse sets with doubles and sort quadratically.
    pub(super) fn parse(name: AnyRef<'_>) -> Result<Self, Malformed> {
        let wrong = Malformed::within("name");
        if name.tag() != Tag::Sequence {
            return Err(Malformed::new("name: not a sequence"));
        }
        let mut sets: Vec<Vec<AttributeTypeAndValue>> = Vec::new();
        let mut count = 0_usize;
        let mut reader = SliceReader::new(name.value()).map_err(&wrong)?;
        while !reader.is_finished() {
            let set = AnyRef::decode(&mut reader).map_err(&wrong)?;
            if set.tag() != Tag::Set {
                return Err(Malformed::new("name: a part is not a set"));
            }
            let mut parts = SliceReader::new(set.value()).map_err(&wrong)?;
            let mut attributes = Vec::new();
            while !parts.is_finished() {
                count = count.saturating_add(1);
                if count > MAX_ATTRIBUTES {
                    return Err(Malformed::new(format!("name: more than {MAX_ATTRIBUTES} attributes")));
                }
                attributes.push(AttributeTypeAndValue::decode(&mut parts).map_err(&wrong)?);
            }
            sets.push(attributes);
        }
        let folded = sets.iter().map(|set| fold_set(set)).collect::<Result<_, _>>().map_err(wrong)?;
        Ok(Self { sets, folded })
    }

    /// Reads a `Name` from DER.
    pub fn from_der(der: &[u8]) -> Result<Self, Malformed> {
        Self::parse(AnyRef::from_der(der).map_err(Malformed::within("name"))?)
    }

    /// Whether two names are one by RFC 5280 §7.1: letter case, kind of string and runs of spaces aside.
    pub fn same(&self, other: &Self) -> bool {
        self.folded == other.folded
    }

    /// Whether two names are one byte by byte, as Go and others compare them.
    pub(super) fn identical(&self, other: &Self) -> bool {
        self.sets == other.sets
    }

    /// The form in which names are compared.
    pub(super) fn folded(&self) -> &[Vec<Vec<u8>>] {
        &self.folded
    }

    /// Whether this name lies in the subtree of `base` (RFC 5280 §4.2.1.10).
    pub(super) fn is_within(&self, base: &Self) -> bool {
        self.folded.starts_with(&base.folded)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// The values of one attribute, in the order of the certificate. What is no text is left out.
    pub fn values(&self, attribute: ObjectIdentifier) -> Vec<String> {
        let found = self.sets.iter().flatten().filter(|part| part.oid == attribute);
        found.filter_map(|part| text(part.value.tag(), part.value.value())).collect()
    }
}

/// One set in the form that is compared: sorted, because a set has no order.
fn fold_set(set: &[AttributeTypeAndValue]) -> der::Result<Vec<Vec<u8>>> {
    let fold = |part: &AttributeTypeAndValue| {
        let mut bytes = part.oid.to_der()?;
        match text(part.value.tag(), part.value.value()) {
            // The prohibited and mapped characters of RFC 4518 beyond case and spaces do not occur in names of
            // CAs; leaving them as they are can only part names that are one.
            Some(text) => {
                let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
                bytes.push(0);
                bytes.extend_from_slice(words.join(" ").as_bytes());
            }
            None => bytes.extend_from_slice(&part.value.to_der()?),
        }
        Ok(bytes)
    };
    let mut folded = set.iter().map(fold).collect::<der::Result<Vec<_>>>()?;
    folded.sort_unstable();
    Ok(folded)
}

/// A string of any kind that names use (RFC 5280 §4.1.2.4).
fn text(tag: Tag, value: &[u8]) -> Option<String> {
    match tag {
        Tag::PrintableString | Tag::Utf8String | Tag::Ia5String | Tag::NumericString | Tag::VisibleString => {
            String::from_utf8(value.to_vec()).ok()
        }
        // T.61 in the standard, Latin-1 in every certificate that was ever made.
        Tag::TeletexString => Some(value.iter().copied().map(char::from).collect()),
        Tag::BmpString => {
            let (pairs, odd) = value.as_chunks::<2>();
            let units: Vec<u16> = pairs.iter().copied().map(u16::from_be_bytes).collect();
            if odd.is_empty() { String::from_utf16(&units).ok() } else { None }
        }
        _ => None,
    }
}

/// Short names: RFC 4514 §3, those of RFC 4519, and the usual ones of code-signing certificates.
const KEYWORDS: [(&str, &str); 21] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.4", "SN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.12", "title"),
    ("2.5.4.15", "businessCategory"),
    ("2.5.4.17", "postalCode"),
    ("2.5.4.42", "GN"),
    ("2.5.4.97", "organizationIdentifier"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
    ("1.3.6.1.4.1.311.60.2.1.1", "jurisdictionL"),
    ("1.3.6.1.4.1.311.60.2.1.2", "jurisdictionST"),
    ("1.3.6.1.4.1.311.60.2.1.3", "jurisdictionC"),
    ("2.5.4.46", "dnQualifier"),
];

impl fmt::Display for Name {
    /// RFC 4514 §2: last part first, `,` between parts, `+` within a set.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for set in self.sets.iter().rev() {
            for part in set {
                f.write_str(between)?;
                write_part(f, part)?;
                between = "+";
            }
            between = ",";
        }
        Ok(())
    }
}

fn write_part(f: &mut fmt::Formatter<'_>, part: &AttributeTypeAndValue) -> fmt::Result {
    let oid = part.oid.to_string();
    let keyword = KEYWORDS.iter().find(|(known, _)| *known == oid).map(|(_, keyword)| *keyword);
    let text = text(part.value.tag(), part.value.value());
    let (Some(keyword), Some(text)) = (keyword, text) else {
        // §2.4: a type without short name has its value in hex.
        let value = part.value.to_der().map_err(|_| fmt::Error)?;
        return write!(f, "{oid}=#{}", manifests::digest::hex(&value));
    };
    write!(f, "{keyword}=")?;
    let last = text.chars().count().saturating_sub(1);
    for (at, c) in text.chars().enumerate() {
        match c {
            '\0' => f.write_str("\\00")?,
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => write!(f, "\\{c}")?,
            '#' if at == 0 => f.write_str("\\#")?,
            ' ' if at == 0 || at == last => f.write_str("\\ ")?,
            _ => write!(f, "{c}")?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name of one attribute in each set: OID octets, tag, value.
    fn name(parts: &[(&[u8], u8, &[u8])]) -> Name {
        let element = |tag: u8, value: &[u8]| [&[tag, u8::try_from(value.len()).unwrap()], value].concat();
        let set = |(oid, tag, value): &(&[u8], u8, &[u8])| {
            element(0x31, &element(0x30, &[element(6, oid), element(*tag, value)].concat()))
        };
        Name::from_der(&element(0x30, &parts.iter().map(set).collect::<Vec<_>>().concat())).unwrap()
    }

    const CN: &[u8] = &[0x55, 4, 3];
    const O: &[u8] = &[0x55, 4, 10];

    #[test]
    fn names_are_written_as_rfc_4514_wants() {
        let one = name(&[
            (&[0x55, 4, 6], 0x13, b"DE"),
            (O, 0x0c, b"A, B & \"C\" e.V. "),
            (CN, 0x1e, &[0, 0x5a, 0, 0xfc]),
        ]);
        assert_eq!(one.to_string(), "CN=Z\u{fc},O=A\\, B & \\\"C\\\" e.V.\\ ,C=DE");
        assert_eq!(
            name(&[(CN, 0x0c, b"#1 "), (&[42, 3, 4], 0x0c, b"x")]).to_string(),
            "1.2.3.4=#0c0178,CN=\\#1\\ "
        );
        assert_eq!(name(&[]).to_string(), "");
    }

    #[test]
    fn names_are_compared_without_case_spaces_and_kind_of_string() {
        let one = name(&[(O, 0x13, b"Two  Words "), (CN, 0x0c, b"x")]);
        assert!(one.same(&name(&[(O, 0x0c, b"two words"), (CN, 0x14, b"X")])));
        for other in [
            name(&[(CN, 0x0c, b"x"), (O, 0x13, b"Two Words")]),
            name(&[(O, 0x13, b"TwoWords"), (CN, 0x0c, b"x")]),
            name(&[(O, 0x13, b"Two Words")]),
            name(&[(O, 4, b"Two Words"), (CN, 0x0c, b"x")]),
        ] {
            assert!(!one.same(&other), "{other}");
        }
        assert!(one.is_within(&name(&[(O, 0x0c, b"two words")])) && one.is_within(&name(&[])));
        assert!(!name(&[(O, 0x0c, b"two words")]).is_within(&one));
    }
}
