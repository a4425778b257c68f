// SPDX-License-Identifier: Apache-2.0
//! The signed attributes that bind every CodeDirectory of an image, since the CMS signature itself stands over
//! the first one only.
//!
//! Apple's tools write two of them (Security.framework, `CMSEncoder.c`): a property list with the first twenty
//! bytes of each CodeDirectory's digest, and, later, one value for each CodeDirectory with the whole digest.
//! Where both stand, both must fit.

use const_oid::ObjectIdentifier;
use der::asn1::OctetStringRef;
use der::{Decode, Sequence};

use super::directory::CodeDirectory;
use super::fields::malformed;
use super::property_list;
use crate::signature::cms::{Malformed, SignerInfo};
use crate::signature::digest::Algorithm;
use crate::signature::{Reason, Stop};

/// `APPLE_HASH_AGILITY_OID`: the property list.
const HASH_AGILITY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113635.100.9.1");
/// `APPLE_HASH_AGILITY_V2_OID`: algorithm and digest of each CodeDirectory.
const HASH_AGILITY_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113635.100.9.2");

/// Bytes of a CodeDirectory's digest that make its name (`CS_CDHASH_LEN`).
const SHORT: usize = 20;

#[derive(Sequence)]
struct Entry<'a> {
    algorithm: ObjectIdentifier,
    digest: OctetStringRef<'a>,
}

/// Checks that what was signed names exactly these CodeDirectories.
///
/// A CodeDirectory that was not signed, or one that was and has been taken away, is `bad`: either changes what
/// a system takes for the code's identity.
pub(super) fn check(signer: &SignerInfo, directories: &[CodeDirectory<'_>]) -> Result<(), Stop> {
    let long = signer.signed_attribute_values(HASH_AGILITY_V2).map_err(unreadable)?;
    let list = signer.signed_attribute(HASH_AGILITY).map_err(unreadable)?;
    if long.is_none() && list.is_none() {
        // Before 2016 there was one CodeDirectory, and no attribute.
        return if directories.len() == 1 { Ok(()) } else { Err(differs("it names none but the first")) };
    }
    if let Some(values) = long {
        let found = values.iter().map(|value| entry(value)).collect::<Result<Vec<_>, _>>()?;
        let wanted = directories.iter().map(|one| (Some(one.hash.algorithm), one.digest()));
        same(found, wanted.collect())?;
    }
    if let Some(value) = list {
        let found = property_list::data_array(
            OctetStringRef::from_der(value).map_err(wrong)?.as_bytes(),
            "cdhashes",
        )?;
        let short = |mut digest: Vec<u8>| {
            digest.truncate(SHORT);
            digest
        };
        same(found, directories.iter().map(|one| short(one.digest())).collect())?;
    }
    Ok(())
}

fn entry(der: &[u8]) -> Result<(Option<Algorithm>, Vec<u8>), Stop> {
    let entry = Entry::from_der(der).map_err(wrong)?;
    Ok((algorithm(entry.algorithm), entry.digest.as_bytes().to_vec()))
}

fn algorithm(id: ObjectIdentifier) -> Option<Algorithm> {
    let known = [
        ("1.3.14.3.2.26", Algorithm::Sha1),
        ("2.16.840.1.101.3.4.2.1", Algorithm::Sha256),
        ("2.16.840.1.101.3.4.2.2", Algorithm::Sha384),
        ("2.16.840.1.101.3.4.2.3", Algorithm::Sha512),
    ];
    let id = id.to_string();
    known.into_iter().find(|(known, _)| *known == id).map(|(_, algorithm)| algorithm)
}

fn same<T: PartialEq>(found: Vec<T>, wanted: Vec<T>) -> Result<(), Stop> {
    if wanted.iter().any(|one| !found.contains(one)) {
        return Err(differs("one of the CodeDirectories is not what was signed"));
    }
    if found.len() != wanted.len() {
        return Err(differs("a CodeDirectory that was signed is missing"));
    }
    Ok(())
}

fn differs(note: &str) -> Stop {
    Stop::found(Reason::DigestMismatch, format!("the signature and the CodeDirectories do not fit: {note}"))
}

fn unreadable(error: Malformed) -> Stop {
    malformed(format!("the attribute that names the CodeDirectories: {error}"))
}

fn wrong(error: der::Error) -> Stop {
    malformed(format!("the attribute that names the CodeDirectories: {error}"))
}
