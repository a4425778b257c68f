// SPDX-License-Identifier: Apache-2.0
//! Ed25519 and DSSE against the vectors of others: Wycheproof, CCTV, RFC 8410, in-toto.
//!
//! The vectors lie beside the project, in `../shared/vectors/ed25519`, or where `SEALIFT_VECTORS` says.
//! Where they are absent, each test says that it was skipped.
//!
//! Our rule set, `docs/formats/trust-root.md` §2.7 and §3.4. It is RFC 8032 §5.1.7 without the cofactor,
//! and stricter in these points; it is nowhere looser:
//!
//! | point | RFC 8032 | ours |
//! |---|---|---|
//! | key A of small order | allowed | refused when the root is read |
//! | key A in a second spelling (y ≥ p) | refused | refused |
//! | R of small order | allowed | refused |
//! | R in a second spelling (y ≥ p) | refused | refused |
//! | S ≥ L | refused | refused |
//! | equation | either of the two | without cofactor: a residue of small order is refused |
//! | a component of small order in A or R that the equation survives | allowed | allowed |
// A test that cannot read its own vectors should stop where it stands.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use manifests::dsse::{Envelope, STATEMENT_TYPE, pae};
use serde_json::Value;
use verifier::trust::key::{KeyError, PublicKey};

/// SubjectPublicKeyInfo of an Ed25519 key up to the key itself (RFC 8410 §4).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const MAX_ENVELOPE_BYTES: usize = 64 * 1024;

fn vectors() -> Option<PathBuf> {
    let folder = std::env::var_os("SEALIFT_VECTORS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors/ed25519"),
        |folder| PathBuf::from(folder).join("ed25519"),
    );
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: {} is not here (SEALIFT_VECTORS names the folder of vectors)", folder.display());
    None
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn unhex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
}

fn spki(key: &[u8]) -> Vec<u8> {
    [&SPKI, key].concat()
}

/// Valid is accepted, invalid refused: no rule of ours is stricter on any of these.
#[test]
fn wycheproof() {
    let Some(folder) = vectors() else { return };
    let document = json(&folder.join("wycheproof/ed25519_test.json"));
    let mut run = 0;
    for group in document["testGroups"].as_array().unwrap() {
        let key = PublicKey::from_spki(&unhex(&group["publicKeyDer"])).unwrap();
        assert_eq!(PublicKey::from_pem(group["publicKeyPem"].as_str().unwrap()).unwrap(), key);
        for test in group["tests"].as_array().unwrap() {
            let accepted = key.verifies(&unhex(&test["msg"]), &unhex(&test["sig"]));
            assert_eq!(accepted, test["result"] == "valid", "{test}");
            run += 1;
        }
    }
    assert_eq!(run, 151);
}

/// Exactly the rule set above: of all flags only components of small order that cancel out pass.
#[test]
fn cctv() {
    let Some(folder) = vectors() else { return };
    let document = json(&folder.join("cctv/ed25519vectors.json"));
    let (mut accepted, mut weak) = (0, 0);
    for test in document.as_array().unwrap() {
        let flags: Vec<&str> =
            test["flags"].as_array().into_iter().flatten().map(|flag| flag.as_str().unwrap()).collect();
        let allowed =
            flags.iter().all(|flag| matches!(*flag, "low_order_component_A" | "low_order_component_R"));
        let verdict = match PublicKey::from_spki(&spki(&unhex(&test["key"]))) {
            Ok(key) => key.verifies(test["msg"].as_str().unwrap().as_bytes(), &unhex(&test["sig"])),
            Err(error) => {
                assert!(
                    flags.contains(&"low_order_A") || flags.contains(&"non_canonical_A"),
                    "{test}: {error}"
                );
                weak += 1;
                false
            }
        };
        assert_eq!(verdict, allowed, "{test}");
        accepted += usize::from(verdict);
    }
    assert_eq!(document.as_array().unwrap().len(), 914);
    assert_eq!(weak, 526, "every key of small order is refused as a key");
    assert_eq!(accepted, 35 + 7 + 1);
}

/// RFC 8410 has one encoding; the key id is a digest of it, so no second one may pass.
#[test]
fn keys_have_one_spelling() {
    let good = spki(&[
        0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e,
        0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
    ]);
    let key = PublicKey::from_spki(&good).unwrap();
    assert_eq!(key.spki().unwrap(), good);
    for (what, at, byte) in [
        ("unused bits in the bit string", 11, 1),
        ("another algorithm: Ed448", 8, 0x71),
        ("another algorithm: X25519", 8, 0x6e),
        ("a longer outer length", 1, 0x2b),
        ("a shorter inner length", 10, 0x20),
    ] {
        let mut der = good.clone();
        der[at] = byte;
        assert_eq!(PublicKey::from_spki(&der), Err(KeyError::Malformed), "{what}");
    }
    let null_parameters = [
        &[0x30, 0x2c, 0x30, 0x07, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x05, 0x00, 0x03, 0x21, 0x00][..],
        &good[12..],
    ];
    let long_form = [&[0x30, 0x81, 0x2a], &good[2..]];
    for (what, der) in [
        ("parameters that are NULL and not absent", null_parameters.concat()),
        ("a length in long form", long_form.concat()),
        ("bytes behind", [&good[..], &[0]].concat()),
        ("nothing but the key", good[12..].to_vec()),
        ("too short", good[..43].to_vec()),
        ("nothing", Vec::new()),
    ] {
        assert_eq!(PublicKey::from_spki(&der), Err(KeyError::Malformed), "{what}");
    }
}

/// y and y + p are one point. Whoever registers both would be two owners with one key.
#[test]
fn keys_with_y_above_p_are_refused() {
    let mut refused = 0;
    for low in 0xed..=0xff_u8 {
        for top in [0x7f, 0xff] {
            let mut key = [0xff; 32];
            key[0] = low;
            key[31] = top;
            assert!(PublicKey::from_spki(&spki(&key)).is_err(), "y = p + {}", low - 0xed);
            refused += 1;
        }
    }
    assert_eq!(refused, 38);
}

#[test]
fn rfc_8410_files() {
    let Some(folder) = vectors() else { return };
    let files = folder.join("rfc8032-rfc8410");
    let der = std::fs::read(files.join("ed25519-pub.der")).unwrap();
    let pem = std::fs::read_to_string(files.join("ed25519-pub.pem")).unwrap();
    let key = PublicKey::from_spki(&der).unwrap();
    assert_eq!(PublicKey::from_pem(&pem).unwrap(), key);
    assert_eq!(key.id(), verifier::hash::sha256::digest(&der));
    let private = std::fs::read(files.join("ed25519-pkcs8-enc.der")).unwrap();
    assert_eq!(PublicKey::from_spki(&private), Err(KeyError::Malformed));
    for other in ["ed25519-nopsw.key.pub", "ed25519-nopsw.key-cert.pub", "sk-ed25519-nopsw.key.pub"] {
        let text = std::fs::read_to_string(folder.join("openssh").join(other)).unwrap();
        assert_eq!(PublicKey::from_pem(&text), Err(KeyError::Malformed), "{other} is OpenSSH's own form");
    }
}

/// `signify` carries the raw key and the raw signature behind ten bytes of its own.
#[test]
fn signify() {
    let Some(folder) = vectors() else { return };
    let folder = folder.join("signify");
    let raw = |name: &str| {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        STANDARD.decode(text.lines().nth(1).unwrap()).unwrap()[10..].to_vec()
    };
    let key = PublicKey::from_spki(&spki(&raw("regresskey.pub"))).unwrap();
    let verifies =
        |name: &str| key.verifies(&std::fs::read(folder.join(name)).unwrap(), &raw(&format!("{name}.sig")));
    assert!(verifies("orders.txt"));
    assert!(!verifies("forgery.txt"));
}

#[test]
fn pae_of_the_protocol() {
    let Some(folder) = vectors() else { return };
    let text = std::fs::read_to_string(folder.join("dsse/protocol-test-vector.txt")).unwrap();
    let expected = text.lines().find(|line| line.starts_with("DSSEv1 ")).unwrap();
    assert_eq!(pae("http://example.com/HelloWorld", b"hello world"), expected.as_bytes());
    // POLICY. DSSE makes `keyid` optional; ours looks keys up by it and never tries them, so the
    // protocol's own envelope, which has none, is not ours.
    let envelope = text.split("```json").nth(1).unwrap().split("```").next().unwrap();
    assert!(Envelope::read(envelope.as_bytes(), MAX_ENVELOPE_BYTES).is_err());
}

/// The key that signed in-toto's test data; its `keyid` there is in-toto's own digest, not that of an SPKI.
fn in_toto_key(folder: &Path) -> PublicKey {
    let document = json(&folder.join("in-toto-dsse/test-data-raw/key.pub"));
    PublicKey::from_spki(&spki(&unhex(&document["keyval"]["public"]))).unwrap()
}

#[test]
fn in_toto_envelopes() {
    let Some(folder) = vectors() else { return };
    let key = in_toto_key(&folder);
    for name in ["build.fe1c6281.json", "test.fe1c6281.json"] {
        let bytes = std::fs::read(folder.join("in-toto-dsse/test-data").join(name)).unwrap();
        let envelope = Envelope::read(&bytes, MAX_ENVELOPE_BYTES).unwrap();
        assert_eq!(envelope.payload_type, STATEMENT_TYPE);
        let signature = envelope.signatures.iter().next().unwrap();
        assert!(key.verifies(&envelope.pae(), &signature.sig.0), "{name}");
        // Ours would not look the key up under this id: it is a digest of in-toto's own key document.
        assert_ne!(signature.keyid, key.id());
    }
}

/// What each derived envelope should give, and where ours is stricter on purpose.
#[test]
fn derived_envelopes() {
    let Some(folder) = vectors() else { return };
    let key = in_toto_key(&folder);
    let read = |name: &str| {
        Envelope::read(&std::fs::read(folder.join("dsse-derived").join(name)).unwrap(), MAX_ENVELOPE_BYTES)
    };
    let refusal = |name: &str| read(name).expect_err(name).to_string();
    let count = |name: &str| {
        let envelope = read(name).unwrap();
        envelope.signatures.iter().filter(|item| key.verifies(&envelope.pae(), &item.sig.0)).count()
    };
    assert!(refusal("duplicate-payload-key.json").contains("`payload` appears twice"));
    assert!(refusal("truncated.json").contains("EOF"));
    assert_eq!(count("no-signatures.json"), 0);
    assert_eq!(count("payload-bit-flipped.json"), 0);
    // "VALID once, a threshold of two must not be met": ours refuses the envelope, since our writers
    // never make one and CVE-2020-15093 was made of it.
    assert!(refusal("same-signature-twice.json").contains("has two signatures"));
    // POLICY. DSSE lets readers take both alphabets; ours takes one spelling, so that one envelope has
    // one form.
    assert!(refusal("payload-base64url-unpadded.json").contains("not padded standard base64"));
    // POLICY. DSSE calls `keyid` a hint and tries keys; ours looks the key up exactly, so this signature
    // counts for nobody, although it fits the key.
    let hint = read("keyid-hint-wrong.json").unwrap();
    let signature = hint.signatures.iter().next().unwrap();
    assert!(key.verifies(&hint.pae(), &signature.sig.0));
    assert_ne!(signature.keyid, key.id());
}
