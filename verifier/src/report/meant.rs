// SPDX-License-Identifier: Apache-2.0
//! For people: for whom an item is meant, and what a bundle brings besides artifacts and trees.

use manifests::bundle::{Check, Expect, Platform, Predicate, TrustPolicy, TrustStore};
use manifests::name::{Name, printable};

/// ` (linux/amd64 rpm, partition west)` behind a name; nothing where an item is for every host.
pub(super) fn meant(platform: Option<&Platform>, partition: Option<&Name>) -> String {
    let parts =
        [platform.map(Platform::describe), partition.map(|partition| format!("partition {partition}"))];
    in_brackets(parts.into_iter().flatten())
}

fn in_brackets(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

/// A line for each trust store, trust policy and check, without line feeds.
pub(super) fn trust_and_checks(predicate: &Predicate) -> Vec<String> {
    let stores = predicate.trust_stores.iter().flat_map(store);
    let policies = predicate.trust_policies.iter().map(policy);
    stores.chain(policies).chain(predicate.checks.iter().map(check)).collect()
}

/// A store, and each of its certificates on a line.
fn store(store: &TrustStore) -> Vec<String> {
    let TrustStore { name, store_type, partition, certificates } = store;
    let mut lines =
        vec![format!("trust      store {}:{name}{}", store_type.as_str(), meant(None, partition.as_ref()))];
    lines.extend(certificates.iter().map(|certificate| format!("           {}", certificate.fingerprint)));
    lines
}

fn policy(policy: &TrustPolicy) -> String {
    let TrustPolicy { name, partition, parameters, .. } = policy;
    let needs: Vec<&str> = parameters.iter().map(|parameter| parameter.as_str()).collect();
    let needs = if needs.is_empty() { String::new() } else { format!(": needs {}", needs.join(", ")) };
    format!("trust      policy {name}{}{needs}", meant(None, partition.as_ref()))
}

fn check(check: &Check) -> String {
    let Check { name, component, platform, partition, run, expect } = check;
    let parts = [
        component.as_ref().map(|component| format!("component {component}")),
        platform.as_ref().map(Platform::describe),
        partition.as_ref().map(|partition| format!("partition {partition}")),
    ];
    let expect = match expect {
        None => String::new(),
        Some(Expect::Column(wanted)) => {
            format!("; expects {} in column {}", printable(&wanted.equals), printable(&wanted.column))
        }
        Some(Expect::Contains(wanted)) => format!("; expects {}", printable(&wanted.contains)),
    };
    let run: Vec<String> = run.iter().map(|word| quoted(word)).collect();
    let (name, run) = (printable(name), printable(&run.join(" ")));
    format!("check      {name}{}: {run}{expect}", in_brackets(parts.into_iter().flatten()))
}

/// A word of a command line, so that it is seen where it ends.
fn quoted(word: &str) -> String {
    let plain = !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || c == '"');
    if plain { word.to_owned() } else { format!("{word:?}") }
}
