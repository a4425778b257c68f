// SPDX-License-Identifier: Apache-2.0
//! What the Notary Project's verifiers on the target shall trust: `[[trust-store]]` and `[[trust-policy]]`.

use std::collections::BTreeSet;

use manifests::bundle::StoreType;
use manifests::name::Name;

use super::evidence::{AUTHORITY, authorities, certificate_pin};
use super::platform::word;
use super::sections::ABOUT_PARTITION;
use super::shapes::{LOCATION, NAME, PIN};
use super::{Authority, Location, TrustPolicy, TrustStore};
use crate::failure::Failure;
use crate::keys::{Key, Keys, Repeats, Rule, Shape, words};
use crate::source::Value;

pub(super) const TRUST_STORE: Keys = Keys::of(&[
    Key::required(
        "name",
        Shape::Text("^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"),
        "Plain name without + and ~. No two stores of one type have one name.",
    ),
    Key::required(
        "type",
        Shape::Words(|| words(&StoreType::ALL, StoreType::as_str)),
        "Which signatures it is for.",
    ),
    Key::optional("partition", NAME, ABOUT_PARTITION),
    Key::required(
        "certificate",
        Shape::AnyOf(&[
            LOCATION,
            Shape::Table(&AUTHORITY),
            Shape::List(&Shape::Table(&AUTHORITY), 1, Repeats::Allowed),
        ]),
        "Location of a certificate, PEM or DER; or a list of { source = LOCATION, fingerprint = SHA-256 }.",
    ),
    Key::optional(
        "fingerprint",
        PIN,
        "SHA-256 of the one certificate; it decides, the file only carries the certificate.",
    ),
])
.rules(&[Rule::WithText("certificate", "fingerprint")]);
pub(super) const TRUST_POLICY: Keys = Keys::of(&[
    Key::required("name", NAME, "Plain name: that of the file on the target."),
    Key::required("template", LOCATION, "Location of the document."),
    Key::optional("partition", NAME, "As for artifacts; a name may appear once for each partition."),
    Key::optional(
        "parameters",
        Shape::List(&NAME, 0, Repeats::Refused),
        "Plain names: in the document the string \"$NAME\" stands for a parameter.",
    ),
]);

pub(super) fn trust_store(value: &Value<'_>) -> Result<TrustStore, Failure> {
    let table = value.table("[[trust-store]]", TRUST_STORE)?;
    let at = table.required("certificate")?;
    let certificates = match table.optional("fingerprint") {
        Some(fingerprint) => {
            vec![Authority { source: Location::read(&at)?, fingerprint: certificate_pin(&fingerprint)? }]
        }
        None if at.is_string() => {
            return Err(at.error("names a certificate without its `fingerprint`").hint(
                "the file only carries the certificate, its SHA-256 decides: ask for it by another way",
            ));
        }
        None => authorities(&table, "certificate")?,
    };
    if certificates.is_empty() {
        return Err(at.error("names no certificate: nothing could be trusted"));
    }
    Ok(TrustStore {
        name: table.required("name")?.parse(store_name)?,
        store_type: word(&table.required("type")?, &StoreType::ALL, StoreType::as_str)?,
        partition: table.optional("partition").map(|value| value.parse(Name::new)).transpose()?,
        certificates,
        span: table.required("name")?.span(),
    })
}

/// A plain name that Notation takes too: letters, digits, `_`, `.` and `-`.
fn store_name(text: &str) -> Result<Name, String> {
    let name = Name::new(text).map_err(|wrong| wrong.to_string())?;
    if text.contains(['+', '~']) {
        return Err(format!("`{text}` has characters that Notation does not take: + or ~"));
    }
    Ok(name)
}

pub(super) fn trust_policy(value: &Value<'_>) -> Result<TrustPolicy, Failure> {
    let table = value.table("[[trust-policy]]", TRUST_POLICY)?;
    let (mut parameters, mut known) = (Vec::new(), BTreeSet::new());
    if let Some(names) = table.optional("parameters") {
        for item in names.array()? {
            // `--set` is looked up before variables are: a name is written out.
            let written = item.string_before_variables().unwrap_or_default();
            if written.contains('$') {
                return Err(item
                    .error("has a variable in the name of a parameter")
                    .hint("write the name out"));
            }
            let parameter = item.parse(Name::new)?;
            if !known.insert(parameter.clone()) {
                return Err(item.error(format!("names the parameter `{parameter}` twice")));
            }
            parameters.push(parameter);
        }
    }
    Ok(TrustPolicy {
        name: table.required("name")?.parse(Name::new)?,
        partition: table.optional("partition").map(|value| value.parse(Name::new)).transpose()?,
        template: Location::read(&table.required("template")?)?,
        parameters,
    })
}
