// SPDX-License-Identifier: Apache-2.0
//! Apple's certificates: what a leaf may sign is told by marker extensions, many of them critical.
//!
//! The names are those of Apple's certification practice statements (Developer ID, WWDR) and of
//! Security.framework (`oidsalg.c`).

use const_oid::ObjectIdentifier;
use der::Decode as _;
use der::asn1::BitStringRef;

use crate::signature::x509::Certificate;
use crate::signature::{Reason, Stop};

/// What a signature is for, and so which leaf may make it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A flat package.
    Installer,
    /// Code.
    Application,
}

const fn oid(dotted: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(dotted)
}

const DEVELOPER_ID_APPLICATION: ObjectIdentifier = oid("1.2.840.113635.100.6.1.13");
const DEVELOPER_ID_INSTALLER: ObjectIdentifier = oid("1.2.840.113635.100.6.1.14");
const SOFTWARE_SIGNING: ObjectIdentifier = oid("1.2.840.113635.100.6.22");
const DEVELOPER_ID_CA: ObjectIdentifier = oid("1.2.840.113635.100.6.2.6");

/// Markers of leaves, with what Apple calls such a certificate.
const LEAF_MARKERS: [(ObjectIdentifier, &str); 19] = [
    (DEVELOPER_ID_APPLICATION, "Developer ID Application"),
    (DEVELOPER_ID_INSTALLER, "Developer ID Installer"),
    (SOFTWARE_SIGNING, "Apple software signing"),
    (oid("1.2.840.113635.100.6.1.18"), "Developer ID kernel extension"),
    (oid("1.2.840.113635.100.6.1.33"), "Developer ID date"),
    (oid("1.2.840.113635.100.6.1.1"), "Apple signing"),
    (oid("1.2.840.113635.100.6.1.2"), "Apple Development"),
    (oid("1.2.840.113635.100.6.1.3"), "iPhone OS application signing"),
    (oid("1.2.840.113635.100.6.1.4"), "Apple Distribution"),
    (oid("1.2.840.113635.100.6.1.5"), "Safari developer"),
    (oid("1.2.840.113635.100.6.1.6"), "iPhone OS VPN signing"),
    (oid("1.2.840.113635.100.6.1.7"), "3rd Party Mac Developer Application"),
    (oid("1.2.840.113635.100.6.1.8"), "3rd Party Mac Developer Installer"),
    (oid("1.2.840.113635.100.6.1.9"), "Mac App Store application"),
    (oid("1.2.840.113635.100.6.1.10"), "Mac App Store installer"),
    (oid("1.2.840.113635.100.6.1.12"), "Mac Developer"),
    (oid("1.2.840.113635.100.6.1.16"), "pass type"),
    (oid("1.2.840.113635.100.6.1.17"), "website push"),
    (oid("1.2.840.113635.100.6.1.25.1"), "TestFlight"),
];

/// Markers of intermediate CAs.
const AUTHORITY_MARKERS: [(ObjectIdentifier, &str); 8] = [
    (DEVELOPER_ID_CA, "Developer ID"),
    (oid("1.2.840.113635.100.6.2.1"), "Worldwide Developer Relations"),
    (oid("1.2.840.113635.100.6.2.3"), "application integration"),
    (oid("1.2.840.113635.100.6.2.9"), "timestamps"),
    (oid("1.2.840.113635.100.6.2.11"), "developer authentication"),
    (oid("1.2.840.113635.100.6.2.14"), "application integration G3"),
    (oid("1.2.840.113635.100.6.2.15"), "Worldwide Developer Relations G2"),
    (oid("1.2.840.113635.100.6.2.19"), "software update"),
];

const EXTENDED_KEY_USAGE: ObjectIdentifier = oid("2.5.29.37");
const ANY_USAGE: ObjectIdentifier = oid("2.5.29.37.0");
const CODE_SIGNING: ObjectIdentifier = oid("1.3.6.1.5.5.7.3.3");
/// `CSSMOID_APPLE_EKU_…`: Developer ID Installer.
const INSTALLER_SIGNING: ObjectIdentifier = oid("1.2.840.113635.100.4.13");
const KEY_USAGE: ObjectIdentifier = oid("2.5.29.15");
const ORGANIZATIONAL_UNIT: ObjectIdentifier = oid("2.5.4.11");

/// Critical extensions that only Apple defines, and that are looked at here.
pub(super) fn known_critical() -> Vec<ObjectIdentifier> {
    LEAF_MARKERS.iter().chain(&AUTHORITY_MARKERS).map(|&(id, _)| id).collect()
}

/// The team that Apple gave a developer: the one organizational unit of the subject. An identifier in brackets
/// in the common name may be a person's.
pub(super) fn team(leaf: &Certificate) -> Option<String> {
    match leaf.subject_values(ORGANIZATIONAL_UNIT).as_slice() {
        [team] => Some(team.clone()),
        _ => None,
    }
}

/// Whether the leaf of a path may sign in this role: its marker, its extended key usage and those above it,
/// its key usage, and the marker of the CA that issued it.
pub(super) fn may_sign(path: &[Certificate], role: Role) -> Result<(), Stop> {
    let Some(leaf) = path.first() else { return Ok(()) };
    let (usage, markers): (_, &[_]) = match role {
        Role::Installer => (INSTALLER_SIGNING, &[DEVELOPER_ID_INSTALLER]),
        Role::Application => (CODE_SIGNING, &[DEVELOPER_ID_APPLICATION, SOFTWARE_SIGNING]),
    };
    let Some(marker) = markers.iter().find(|&&marker| leaf.extension(marker).is_some()) else {
        return Err(Stop::found(
            Reason::NotDeveloperId,
            format!("{}; {} was wanted", kind(leaf), wanted(role)),
        ));
    };
    let usages = |certificate: &Certificate| certificate.extended_key_usage();
    if !usages(leaf).is_some_and(|usages| usages.contains(&usage)) {
        return Err(wrong_usage(format!("the signer's extended key usage is not {usage}")));
    }
    // The last one is given, and counts by its key and name alone.
    let issuers = path.get(1..path.len().saturating_sub(1)).unwrap_or_default();
    for issuer in issuers {
        let bound =
            usages(issuer).is_some_and(|usages| !usages.contains(&usage) && !usages.contains(&ANY_USAGE));
        if bound || (usages(issuer).is_none() && issuer.extension(EXTENDED_KEY_USAGE).is_some()) {
            return Err(wrong_usage(format!("{} may not vouch for such certificates", issuer.subject())));
        }
    }
    if !signs_data(leaf) {
        return Err(wrong_usage("the signer's key usage lacks digitalSignature".to_owned()));
    }
    match issuers.first() {
        Some(issuer) if *marker != SOFTWARE_SIGNING && issuer.extension(DEVELOPER_ID_CA).is_none() => {
            let note =
                format!("{} issued the signer's certificate and is no Developer ID CA", issuer.subject());
            Err(Stop::found(Reason::NotDeveloperId, note))
        }
        _ => Ok(()),
    }
}

fn wrong_usage(note: String) -> Stop {
    Stop::found(Reason::WrongUsage, note)
}

const fn wanted(role: Role) -> &'static str {
    match role {
        Role::Installer => "Developer ID Installer",
        Role::Application => "Developer ID Application, or Apple's own for software",
    }
}

/// What kind of certificate it is, for people.
fn kind(leaf: &Certificate) -> String {
    let known = LEAF_MARKERS.iter().filter(|(id, _)| leaf.extension(*id).is_some());
    let names: Vec<&str> = known.map(|&(_, name)| name).collect();
    if names.is_empty() {
        return "the signer's certificate has no marker of Apple's".to_owned();
    }
    format!("the signer's certificate is marked: {}", names.join(", "))
}

/// digitalSignature, the first bit, where a key usage is present (RFC 5280 §4.2.1.3).
fn signs_data(leaf: &Certificate) -> bool {
    leaf.extension(KEY_USAGE).is_none_or(|usage| {
        let bits = BitStringRef::from_der(&usage.value);
        bits.is_ok_and(|bits| bits.raw_bytes().first().is_some_and(|byte| byte & 0x80 != 0))
    })
}
