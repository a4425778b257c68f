// SPDX-License-Identifier: Apache-2.0
//! What the Notary Project's verifiers on the target shall trust: `[[trust-store]]` and `[[trust-policy]]`.

use manifests::bundle::StoreType;
use manifests::name::Name;

use super::evidence::{authorities, certificate_pin};
use super::platform::word;
use super::{Authority, Location, TrustPolicy, TrustStore};
use crate::failure::Failure;
use crate::source::{Keys, Value};

const TRUST_STORE: Keys =
    Keys { known: &["name", "type", "partition", "certificate", "fingerprint"], later: &[] };
const TRUST_POLICY: Keys = Keys { known: &["name", "template", "partition", "parameters"], later: &[] };

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
    let mut parameters = Vec::new();
    if let Some(names) = table.optional("parameters") {
        for item in names.array()? {
            let parameter = item.parse(Name::new)?;
            if parameters.contains(&parameter) {
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
