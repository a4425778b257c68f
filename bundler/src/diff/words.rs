// SPDX-License-Identifier: Apache-2.0
//! Values of documents in words: one line for each value that differs, where JSON would have one line for all.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::Pair;

/// Members that tell an item of a list from the others.
const NAMES: [&str; 5] = ["name", "path", "url", "signer", "fingerprint"];

/// What differs at a place of the documents: `set profile-arn: nothing -> arn:aws:signer:…`.
pub(super) fn lines(place: &str, pair: &Pair<Value>) -> Vec<String> {
    let head = head(place);
    let leaves = |value| {
        let mut leaves = BTreeMap::new();
        collect(value, "", &mut leaves);
        leaves
    };
    let (old, new) = (leaves(&pair.old), leaves(&pair.new));
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let said = |found: Option<&String>| found.map_or("nothing", String::as_str).to_owned();
    let differing = keys.into_iter().filter(|key| old.get(*key) != new.get(*key));
    let lines = differing.map(|key| {
        let between = match key.as_str() {
            "" => "",
            // A thing with a name of its own stands apart from what is said of it.
            _ if place.contains('.') => ": ",
            _ => " ",
        };
        format!("{head}{between}{key}: {} -> {}", said(old.get(key)), said(new.get(key)))
    });
    let lines: Vec<String> = lines.collect();
    // An item about which nothing is said is still there or not.
    let is = |value: &Value| if value.is_null() { "nothing" } else { "there" }.to_owned();
    if lines.is_empty() { vec![format!("{head}: {} -> {}", is(&pair.old), is(&pair.new))] } else { lines }
}

/// `signers.vendor`: `signer vendor`; `bundle.sequence`: `bundle sequence`; `install`: `install`.
fn head(place: &str) -> String {
    match place.split_once('.') {
        Some((section, name)) => format!("{} {name}", singular(section)),
        None => words(place),
    }
}

/// `fetchedAt`: `fetched at`.
pub(super) fn words(member: &str) -> String {
    let mut words = String::new();
    for c in member.chars() {
        if c.is_ascii_uppercase() {
            words.push(' ');
        }
        words.push(c.to_ascii_lowercase());
    }
    words
}

/// `trustPolicies`: `trust policy`.
fn singular(list: &str) -> String {
    let words = words(list);
    match (words.strip_suffix("ies"), words.strip_suffix('s')) {
        (Some(stem), _) => format!("{stem}y"),
        (None, Some(stem)) => stem.to_owned(),
        (None, None) => words,
    }
}

/// Text as it is; a list of values as people write one.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "nothing".to_owned(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        value => value.to_string(),
    }
}

/// Every value below one, by what it is.
fn collect(value: &Value, label: &str, leaves: &mut BTreeMap<String, String>) {
    let below = |word: &str| if label.is_empty() { word.to_owned() } else { format!("{label} {word}") };
    match value {
        Value::Null => {}
        Value::Array(items) if items.is_empty() => {}
        Value::Object(members) => {
            for (key, value) in members {
                match value {
                    Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_object) => {
                        let items: Vec<_> = items.iter().filter_map(Value::as_object).collect();
                        listed(
                            &items,
                            &below(&noun(
                                key,
                                members.get("fingerprints").or_else(|| members.get("openpgp")),
                            )),
                            leaves,
                        );
                    }
                    value => collect(value, &below(&words(key)), leaves),
                }
            }
        }
        value => {
            leaves.insert(label.to_owned(), plain(value));
        }
    }
}

/// What a file of a signer or a trust store is: a certificate where digests are pinned, else a key.
fn noun(list: &str, pinned: Option<&Value>) -> String {
    let pins: Vec<&str> =
        pinned.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    match list {
        "files" if pins.iter().any(|pin| pin.starts_with("sha256:")) => "certificate".to_owned(),
        "files" if !pins.is_empty() => "key".to_owned(),
        list => singular(list),
    }
}

/// Items by their names; of a file the digest stands for it.
fn listed(items: &[&Map<String, Value>], label: &str, leaves: &mut BTreeMap<String, String>) {
    let mut told = BTreeSet::new();
    for item in items {
        let key = NAMES.into_iter().find(|key| item.get(*key).is_some_and(Value::is_string));
        let whole = key.and_then(|key| item.get(key)).map(plain).unwrap_or_default();
        let short = whole.rsplit('/').next().unwrap_or(&whole).to_owned();
        // Two files of one name are told by where they are.
        let name = if told.insert(short.clone()) { short } else { whole.clone() };
        let label = format!("{label} {name}");
        let mut rest = (*item).clone();
        key.map(|key| rest.remove(key));
        if let Some("path" | "url") = key {
            leaves.insert(format!("{label} from"), whole);
        }
        match rest.remove("digest") {
            Some(digest) => {
                // Other bytes of another length are other bytes.
                rest.remove("size");
                leaves.insert(label.clone(), plain(&digest));
            }
            None if rest.is_empty() => {
                leaves.insert(label.clone(), "there".to_owned());
            }
            None => {}
        }
        collect(&Value::Object(rest), &label, leaves);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(place: &str, old: Value, new: Value) -> Vec<String> {
        lines(place, &Pair { old, new })
    }

    #[test]
    fn each_value_that_differs_has_a_line_in_words() {
        assert_eq!(
            told("set.profile-arn", Value::Null, json!("arn:a")),
            ["set profile-arn: nothing -> arn:a"]
        );
        assert_eq!(told("bundle.sequence", json!(1), json!(2)), ["bundle sequence: 1 -> 2"]);
        assert_eq!(
            told(
                "trustPolicies.aws/policy.json",
                json!({"parameters": []}),
                json!({"parameters": ["a", "b"]})
            ),
            ["trust policy aws/policy.json: parameters: nothing -> a, b"]
        );
        assert_eq!(told("checks.runs", Value::Null, json!({})), ["check runs: nothing -> there"]);
        let install = |path| json!({"action": "file", "path": path});
        assert_eq!(told("install", install("/a"), install("/b")), ["install path: /a -> /b"]);
    }

    #[test]
    fn files_are_told_by_name_and_digest() {
        let signer = |pin, size, digest, url| {
            json!({"name": "vendor", "fingerprints": [pin],
                   "files": [{"url": url, "size": size, "digest": digest, "fetchedAt": "2026-11-22T00:00:00Z"}]})
        };
        let (one, two) = ("https://a.example/1/vendor.asc", "https://a.example/2/vendor.asc");
        let old = signer("29D8", 1, "sha256:aa", one);
        let found = told("signers.vendor", old, signer("29D8", 2, "sha256:bb", two));
        let from = format!("signer vendor: key vendor.asc from: {one} -> {two}");
        assert_eq!(found, ["signer vendor: key vendor.asc: sha256:aa -> sha256:bb", &from]);
        let new = signer("sha256:cc", 1, "sha256:aa", "https://a.example/root.crt");
        let found = told("trustStores.ca:west", Value::Null, new);
        let line = "trust store ca:west: certificate root.crt: nothing -> sha256:aa";
        assert!(found.iter().any(|found| found == line), "{found:?}");
        // Two files of one name stay two.
        let both = json!({"files": [{"path": "a/x", "digest": "sha256:aa"},
                                    {"path": "b/x", "digest": "sha256:bb"}]});
        assert_eq!(told("signers.s", Value::Null, both).len(), 4);
    }
}
