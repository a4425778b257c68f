// SPDX-License-Identifier: Apache-2.0
//! The extensions that path validation processes (RFC 5280 §4.2.1).

use const_oid::ObjectIdentifier;
use der::Decode;

use super::{Certificate, Malformed};

macro_rules! identifiers {
    ($($(#[$doc:meta])* $name:ident = $oid:literal;)*) => {
        $($(#[$doc])* pub(crate) const $name: ObjectIdentifier = ObjectIdentifier::new_unwrap($oid);)*
    };
}

identifiers! {
    /// §4.2.1.2.
    SUBJECT_KEY_IDENTIFIER = "2.5.29.14";
    /// §4.2.1.3.
    KEY_USAGE = "2.5.29.15";
    /// §4.2.1.6.
    SUBJECT_ALTERNATIVE_NAME = "2.5.29.17";
    /// §4.2.1.7.
    ISSUER_ALTERNATIVE_NAME = "2.5.29.18";
    /// §4.2.1.9.
    BASIC_CONSTRAINTS = "2.5.29.19";
    /// §4.2.1.10.
    NAME_CONSTRAINTS = "2.5.29.30";
    /// §4.2.1.4.
    CERTIFICATE_POLICIES = "2.5.29.32";
    /// §4.2.1.5.
    POLICY_MAPPINGS = "2.5.29.33";
    /// §4.2.1.1.
    AUTHORITY_KEY_IDENTIFIER = "2.5.29.35";
    /// §4.2.1.11.
    POLICY_CONSTRAINTS = "2.5.29.36";
    /// §4.2.1.12.
    EXTENDED_KEY_USAGE = "2.5.29.37";
    /// §4.2.1.14.
    INHIBIT_ANY_POLICY = "2.5.29.54";
    /// §4.2.1.12.
    ANY_EXTENDED_KEY_USAGE = "2.5.29.37.0";
    /// §4.2.1.12.
    CODE_SIGNING = "1.3.6.1.5.5.7.3.3";
    /// §4.2.1.12, RFC 3161 §2.3.
    TIME_STAMPING = "1.3.6.1.5.5.7.3.8";
}

/// What [`super::rules`] processes; any other critical extension is refused unless the checker knows it.
/// Revocation is not checked offline, so CRL distribution points that are critical are refused too.
pub(super) const PROCESSED: [ObjectIdentifier; 12] = [
    SUBJECT_KEY_IDENTIFIER,
    KEY_USAGE,
    SUBJECT_ALTERNATIVE_NAME,
    ISSUER_ALTERNATIVE_NAME,
    BASIC_CONSTRAINTS,
    NAME_CONSTRAINTS,
    CERTIFICATE_POLICIES,
    POLICY_MAPPINGS,
    AUTHORITY_KEY_IDENTIFIER,
    POLICY_CONSTRAINTS,
    EXTENDED_KEY_USAGE,
    INHIBIT_ANY_POLICY,
];

/// An extension's value; none where the certificate has none.
pub(super) fn decode<T>(certificate: &Certificate, id: ObjectIdentifier) -> Result<Option<T>, Malformed>
where
    T: for<'a> Decode<'a>,
{
    let found = certificate.extensions().iter().find(|extension| extension.extn_id == id);
    let decode = |extension: &x509_cert::ext::Extension| T::from_der(extension.extn_value.as_bytes());
    found.map(decode).transpose().map_err(Malformed::within(&format!("certificate: extension {id}")))
}
