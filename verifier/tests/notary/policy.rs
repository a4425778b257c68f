// SPDX-License-Identifier: Apache-2.0
//! Documents by a model are read as what they are; each single fault is refused with its place.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};
use verifier::notary::StoreName;
use verifier::notary::identity::Identity;
use verifier::notary::policy::{
    Action, Form, Level, MAX_IDENTITIES, MAX_POLICY_BYTES, TimestampDemand, TrustPolicy, Validation,
};

pub(crate) const GOOD: &str = r#"{
  "version": "1.0",
  "trustPolicies": [
    {
      "name": "one",
      "registryScopes": ["registry.example/a", "localhost:5000/b/c"],
      "signatureVerification": {
        "level": "strict",
        "override": {"revocation": "skip", "expiry": "log"},
        "verifyTimestamp": "afterCertExpiry"
      },
      "trustStores": ["ca:e2e", "tsa:time.1"],
      "trustedIdentities": ["x509.subject: C=US, ST=WA, O=Notary\\, Inc., OU=a", "x509.subject:C=US,S=WA,O=b"]
    },
    {"name": "none", "registryScopes": ["registry.example/open"], "signatureVerification": {"level": "skip"}},
    {
      "name": "rest",
      "registryScopes": ["*"],
      "signatureVerification": {"level": "permissive"},
      "trustStores": ["signingAuthority:aws-signer-ts"],
      "trustedIdentities": ["arn:aws:signer:us-west-2:111122223333:/signing-profiles/example"]
    }
  ]
}"#;

const FILES: &str = r#"{"version": "1.0", "trustPolicies": [
  {"name": "one", "signatureVerification": {"level": "audit"}, "trustStores": ["ca:x"], "trustedIdentities": ["*"]},
  {"name": "none", "signatureVerification": {"level": "skip"}},
  {"name": "rest", "globalPolicy": true, "signatureVerification": {"level": "strict"}, "trustStores": ["ca:x"],
   "trustedIdentities": ["*"]}
]}"#;

fn read(document: &Value) -> Result<TrustPolicy, String> {
    TrustPolicy::read(document.to_string().as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn a_policy_is_read_as_what_it_says() {
    let policy = TrustPolicy::read(GOOD.as_bytes()).unwrap();
    assert_eq!(policy.form(), Form::Oci);
    let [one, none, rest] = policy.statements() else { panic!("three") };
    assert_eq!(
        (one.name(), one.level(), one.timestamps()),
        ("one", Level::Strict, TimestampDemand::AfterCertExpiry)
    );
    assert_eq!(one.overrides().get(&Validation::Revocation), Some(&Action::Skip));
    assert_eq!(one.overrides().get(&Validation::Expiry), Some(&Action::Log));
    assert_eq!(one.overrides().len(), 2);
    let Some(Identity::Subject(subject)) = one.identities().first() else { panic!("a subject") };
    assert_eq!(subject.attributes()["O"], "Notary, Inc.");
    assert!(none.stores().is_empty() && none.identities().is_empty());
    assert_eq!(rest.timestamps(), TimestampDemand::Always);
    assert!(matches!(rest.identities(), [Identity::SigningProfile(profile)] if profile.profile == "example"));
    let stores: Vec<String> = policy.stores().iter().map(ToString::to_string).collect();
    assert_eq!(stores, ["ca:e2e", "signingAuthority:aws-signer-ts", "tsa:time.1"]);
    let statement = |repository| policy.for_repository(repository).map(|statement| statement.name());
    assert_eq!(statement("localhost:5000/b/c"), Some("one"));
    assert_eq!(statement("localhost:5000/b/C"), Some("rest"));
    assert_eq!(statement("registry.example/open"), Some("none"));
    assert_eq!(statement("*"), None);
    assert!(policy.notes().is_empty());
}

#[test]
fn a_policy_for_files_has_no_scopes() {
    let policy = TrustPolicy::read(FILES.as_bytes()).unwrap();
    assert_eq!(policy.form(), Form::Blob);
    let global: Vec<bool> = policy.statements().iter().map(|statement| statement.is_global()).collect();
    assert_eq!(global, [false, false, true]);
    assert_eq!(policy.for_repository("registry.example/a"), None);
    assert!(policy.notes().iter().any(|note| note.contains("registryScopes")));
}

#[test]
fn identities_that_count_for_nobody_are_noted() {
    let mut document: Value = serde_json::from_str(GOOD).unwrap();
    document["trustPolicies"][2]["trustedIdentities"] = json!(["arn:aws:iam::1:role/x", "other:thing"]);
    let notes = read(&document).unwrap().notes();
    assert!(
        notes.len() == 2 && notes.iter().all(|note| note.starts_with("statement \"rest\": ")),
        "{notes:?}"
    );
}

type Fault = (&'static str, fn(&mut Value), [&'static str; 2]);

/// One rule each. `/` is the document, else the statement `one` of [`GOOD`]; then what the message must say.
const FAULTS: &[Fault] = &[
    ("/", |d| d["version"] = json!("1.1"), ["trust policy, version: wanted \"1.0\"", "\"1.1\""]),
    ("/", |d| d["version"] = json!(1), ["trust policy, version", "the number 1"]),
    ("/", |d| remove(d, "version"), ["trust policy, version", "nothing"]),
    ("/", |d| remove(d, "trustPolicies"), ["trust policy, trustPolicies", "nothing"]),
    ("/", |d| d["trustPolicies"] = json!([]), ["trust policy, trustPolicies", "an empty list"]),
    ("/", |d| d["trustPolicies"] = json!({}), ["trust policy, trustPolicies", "an object"]),
    ("/", |d| d["Version"] = json!("1.0"), ["the key `version`, in this letter case", "\"Version\""]),
    ("/", |d| d["extra"] = json!(1), ["no other keys than version", "\"extra\""]),
    ("/", |d| *d = json!([]), ["trust policy: wanted an object", "a list"]),
    ("name", |s| s["name"] = json!(""), ["statement 1 \"\", name", "found \"\""]),
    ("name", |s| remove(s, "name"), ["statement 1, name", "nothing"]),
    (
        "name",
        |s| s["name"] = json!("rest"),
        ["statement 3, name: wanted another name than statement 1", "\"rest\""],
    ),
    ("scopes", |s| s["registryScopes"] = json!([]), ["registryScopes: wanted at least one", "an empty list"]),
    ("scopes", |s| remove(s, "registryScopes"), ["registryScopes: wanted at least one", "nothing"]),
    ("scopes", |s| s["registryScopes"] = json!(null), ["registryScopes: wanted a list", "null"]),
    ("scopes", |s| s["registryScopes"] = json!("a/b"), ["registryScopes: wanted a list", "\"a/b\""]),
    (
        "scopes",
        |s| s["registryScopes"][1] = json!("*"),
        ["registryScopes[2]: wanted `*` as the only", "\"*\""],
    ),
    (
        "scopes",
        |s| s["registryScopes"][1] = json!("a/b:c"),
        ["registryScopes[2]: wanted REGISTRY", "\"a/b:c\""],
    ),
    (
        "scopes",
        |s| s["registryScopes"][1] = s["registryScopes"][0].clone(),
        ["registryScopes: wanted each", "/a"],
    ),
    ("scopes", |s| s["registryScopes"] = json!(["*"]), ["stands in statement 1 already", "\"*\""]),
    ("level", |s| remove(s, "signatureVerification"), ["signatureVerification", "nothing"]),
    (
        "level",
        |s| s["signatureVerification"] = json!({}),
        ["signatureVerification.level: wanted one", "nothing"],
    ),
    (
        "level",
        |s| level(s)["level"] = json!("Strict"),
        ["signatureVerification.level: wanted one", "\"Strict\""],
    ),
    (
        "level",
        |s| level(s)["level"] = json!("skip"),
        ["signatureVerification.override: wanted nothing", "entries"],
    ),
    (
        "level",
        |s| level(s)["verifyTimestamp"] = json!("never"),
        ["signatureVerification.verifyTimestamp", "never"],
    ),
    (
        "level",
        |s| level(s)["verifyTimestamps"] = json!("always"),
        ["signatureVerification: wanted no other", "s\""],
    ),
    ("override", |s| level(s)["override"] = json!([]), ["override: wanted an object", "a list"]),
    ("override", |s| level(s)["override"] = json!(null), ["override: wanted an object", "null"]),
    (
        "override",
        |s| level(s)["override"]["integrity"] = json!("log"),
        ["override: wanted one of", "integrity"],
    ),
    (
        "override",
        |s| level(s)["override"]["expiry"] = json!("warn"),
        ["override.expiry: wanted one of", "warn"],
    ),
    (
        "override",
        |s| level(s)["override"]["expiry"] = json!("skip"),
        ["override.expiry: wanted enforce", "skip"],
    ),
    ("stores", |s| s["trustStores"] = json!([]), ["trustStores: wanted at least one", "none"]),
    ("stores", |s| remove(s, "trustStores"), ["trustStores: wanted at least one", "none"]),
    ("stores", |s| s["trustStores"][1] = json!("e2e"), ["trustStores[2]: wanted TYPE:NAME", "\"e2e\""]),
    ("stores", |s| s["trustStores"][1] = json!("CA:e2e"), ["trustStores[2]: wanted TYPE:NAME", "\"CA:e2e\""]),
    ("stores", |s| s["trustStores"][1] = json!("ca:.."), ["trustStores[2]: wanted TYPE:NAME", "\"ca:..\""]),
    ("stores", |s| s["trustStores"][1] = json!("*"), ["trustStores[2]: wanted TYPE:NAME", "\"*\""]),
    ("stores", |s| s["trustStores"][1] = json!(7), ["trustStores[2]: wanted a string", "the number 7"]),
    (
        "identities",
        |s| s["trustedIdentities"] = json!([]),
        ["trustedIdentities: wanted at least one", "none"],
    ),
    (
        "identities",
        |s| s["trustedIdentities"][1] = json!("*"),
        ["trustedIdentities[2]: wanted `*` as the only", "*"],
    ),
    (
        "identities",
        |s| s["trustedIdentities"][1] = json!(""),
        ["trustedIdentities[2]: wanted `*`, or", "\"\""],
    ),
    (
        "identities",
        |s| s["trustedIdentities"][1] = json!("x509.subject"),
        ["trustedIdentities[2]", "subject\""],
    ),
    (
        "identities",
        |s| s["trustedIdentities"][1] = json!("x509.subject:"),
        ["trustedIdentities[2]", "subject:\""],
    ),
    (
        "identities",
        |s| s["trustedIdentities"][1] = json!("x509.subject:O=Notary\\, Inc.,S=WA,C=US"),
        ["trustedIdentities[2]: wanted a subject that does not overlap with statement 1 \"one\"", "O=Notary"],
    ),
    (
        "files",
        |s| s["globalPolicy"] = json!(false),
        ["statement 1 \"one\": wanted no other keys", "globalPolicy"],
    ),
];

fn remove(object: &mut Value, key: &str) {
    object.as_object_mut().unwrap().remove(key).unwrap();
}

fn level(statement: &mut Value) -> &mut Value {
    &mut statement["signatureVerification"]
}

/// Documents of one fault each.
pub(crate) fn faulty() -> impl Iterator<Item = (String, Value)> {
    FAULTS.iter().map(|(place, fault, said)| {
        let mut document: Value = serde_json::from_str(GOOD).unwrap();
        let part = if *place == "/" { &mut document } else { &mut document["trustPolicies"][0] };
        fault(part);
        (said.join(" … "), document)
    })
}

#[test]
fn every_single_fault_is_refused_with_its_place() {
    for ((_, document), (_, _, said)) in faulty().zip(FAULTS) {
        let error = read(&document).expect_err(&document.to_string());
        assert!(said.iter().all(|part| error.contains(part)), "{error}\nshould say {said:?}");
    }
}

#[test]
fn what_holds_where_none_is_named_is_not_skipped() {
    let mut images: Value = serde_json::from_str(GOOD).unwrap();
    images["trustPolicies"][1]["registryScopes"] = json!(["*"]);
    remove(&mut images["trustPolicies"][2], "registryScopes");
    images["trustPolicies"][2]["registryScopes"] = json!(["a/b"]);
    let error = read(&images).unwrap_err();
    assert!(error.contains("statement 2 \"none\", signatureVerification.level"), "{error}");
    let mut files: Value = serde_json::from_str(FILES).unwrap();
    files["trustPolicies"][1]["globalPolicy"] = json!(true);
    let error = read(&files).unwrap_err();
    assert!(error.contains("statement 2 \"none\", signatureVerification.level"), "{error}");
    let mut files: Value = serde_json::from_str(FILES).unwrap();
    files["trustPolicies"][0]["globalPolicy"] = json!(true);
    let error = read(&files).unwrap_err();
    assert!(error.contains("statement 3 \"rest\", globalPolicy"), "{error}");
}

#[test]
fn limits() {
    let mut document: Value = serde_json::from_str(GOOD).unwrap();
    let subjects =
        |count: usize| (0..count).map(|n| format!("x509.subject:C=US,ST=WA,O={n}")).collect::<Vec<_>>();
    // All statements count together; others have some too.
    let others =
        read(&document).unwrap().statements()[1..].iter().map(|it| it.identities().len()).sum::<usize>();
    document["trustPolicies"][0]["trustedIdentities"] = json!(subjects(MAX_IDENTITIES - others));
    read(&document).unwrap();
    document["trustPolicies"][0]["trustedIdentities"] = json!(subjects(MAX_IDENTITIES - others + 1));
    assert!(read(&document).unwrap_err().contains("at most 1000 identities in all statements"));
    document["trustPolicies"][0]["trustedIdentities"] = json!(subjects(MAX_IDENTITIES + 1));
    assert!(read(&document).unwrap_err().contains("at most 1000 entries"));
    let padded = |length: usize| GOOD.to_owned() + &" ".repeat(length - GOOD.len());
    TrustPolicy::read(padded(MAX_POLICY_BYTES).as_bytes()).unwrap();
    let error = TrustPolicy::read(padded(MAX_POLICY_BYTES + 1).as_bytes()).unwrap_err();
    assert!(error.to_string().contains("more than the 1048576"), "{error}");
}

/// A byte changed, taken out or put in, at every place.
pub(crate) fn mutations() -> impl Iterator<Item = Vec<u8>> {
    let bytes = GOOD.as_bytes();
    (0..bytes.len()).flat_map(move |at| {
        let replaced = [bytes[at] ^ 0x20, bytes[at] ^ 1, b'"', b'*', b' '].map(|byte| {
            let mut changed = bytes.to_vec();
            changed[at] = byte;
            changed
        });
        let without = [&bytes[..at], &bytes[at + 1..]].concat();
        let twice = [&bytes[..=at], &bytes[at..]].concat();
        replaced.into_iter().chain([without, twice, bytes[..at].to_vec()])
    })
}

#[test]
fn mutations_that_are_accepted_are_documents_that_every_reader_reads_alike() {
    const KEYS: [&str; 13] = [
        "version",
        "trustPolicies",
        "name",
        "registryScopes",
        "signatureVerification",
        "level",
        "override",
        "verifyTimestamp",
        "trustStores",
        "trustedIdentities",
        "revocation",
        "expiry",
        "authenticity",
    ];
    fn keys<'v>(value: &'v Value, to: &mut BTreeSet<&'v str>) {
        match value {
            Value::Object(members) => members.iter().for_each(|(key, value)| {
                to.insert(key);
                keys(value, to);
            }),
            Value::Array(items) => items.iter().for_each(|item| keys(item, to)),
            _ => {}
        }
    }
    let (mut accepted, mut refused) = (0, 0);
    for changed in mutations() {
        let Ok(policy) = TrustPolicy::read(&changed) else {
            refused += 1;
            continue;
        };
        accepted += 1;
        let lenient: Value = serde_json::from_slice(&changed).unwrap();
        assert_eq!(policy, read(&lenient).unwrap());
        let mut found = BTreeSet::new();
        keys(&lenient, &mut found);
        assert!(found.iter().all(|key| KEYS.contains(key)), "{found:?}");
    }
    assert!(accepted > 1000 && refused > 1000, "{accepted} {refused}");
}

fn statement(number: usize) -> impl Strategy<Value = Value> {
    let scopes = prop::collection::btree_set("[a-z]{1,8}(/[a-z0-9]{1,5}){0,2}", 1..4);
    let stores = prop::collection::vec(("ca|signingAuthority|tsa", "[a-zA-Z0-9_-][a-zA-Z0-9_.-]{0,9}"), 1..4);
    let subjects = prop::collection::btree_set("[ -~]{0,10}[!-~]", 1..4);
    let level = prop_oneof![Just("strict"), Just("permissive"), Just("audit")];
    let action = || prop::option::of(prop_oneof![Just("enforce"), Just("log")]);
    (scopes, stores, subjects, level, action(), action()).prop_map(
        move |(scopes, stores, subjects, level, expiry, authenticity)| {
            let actions = [("expiry", expiry), ("authenticity", authenticity)];
            let overrides: serde_json::Map<String, Value> = actions
                .into_iter()
                .filter_map(|(key, action)| Some((key.to_owned(), json!(action?))))
                .collect();
            let escape = |text: &String| {
                let special = |c: char| " \"#+,;<=>\\".contains(c);
                text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect::<String>()
            };
            json!({
                "name": format!("statement {number}"),
                "registryScopes": scopes.iter().map(|path| format!("r{number}.example/{path}")).collect::<Vec<_>>(),
                "signatureVerification": {"level": level, "override": overrides},
                "trustStores": stores.iter().map(|(kind, name)| format!("{kind}:{name}")).collect::<Vec<_>>(),
                "trustedIdentities": subjects
                    .iter()
                    .map(|text| format!("x509.subject: C=DE, ST=NW, O={}", escape(text)))
                    .collect::<Vec<_>>(),
            })
        },
    )
}

pub(crate) fn documents() -> impl Strategy<Value = Value> {
    (1..5_usize).prop_flat_map(|count| {
        let statements: Vec<_> = (0..count).map(statement).collect();
        statements.prop_map(|statements| json!({"version": "1.0", "trustPolicies": statements}))
    })
}

proptest! {
    #[test]
    fn documents_of_the_model_are_read_as_they_were_written(document in documents()) {
        let policy = read(&document).unwrap();
        let wanted = document["trustPolicies"].as_array().unwrap();
        prop_assert_eq!(policy.statements().len(), wanted.len());
        for (statement, wanted) in policy.statements().iter().zip(wanted) {
            prop_assert_eq!(&json!(statement.name()), &wanted["name"]);
            prop_assert_eq!(&json!(statement.scopes()), &wanted["registryScopes"]);
            prop_assert_eq!(&json!(statement.level().as_str()), &wanted["signatureVerification"]["level"]);
            let overrides: serde_json::Map<String, Value> =
                statement.overrides().iter().map(|(key, to)| (key.as_str().to_owned(), json!(to.as_str()))).collect();
            prop_assert_eq!(&json!(overrides), &wanted["signatureVerification"]["override"]);
            let stores: Vec<String> = statement.stores().iter().map(StoreName::to_string).collect();
            prop_assert_eq!(&json!(stores), &wanted["trustStores"]);
            prop_assert_eq!(statement.identities().len(), wanted["trustedIdentities"].as_array().unwrap().len());
            for identity in statement.identities() {
                let Identity::Subject(subject) = identity else { panic!("a subject") };
                prop_assert_eq!(&subject.attributes()["ST"], "NW");
            }
            for scope in statement.scopes() {
                prop_assert_eq!(policy.for_repository(scope), Some(statement));
            }
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        if let Ok(policy) = TrustPolicy::read(text.as_bytes()) {
            prop_assert!(!policy.statements().is_empty());
        }
    }
}
