// SPDX-License-Identifier: Apache-2.0
//! Throw-away keys, one for each name, the same ones on every run.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::pkcs8::EncodePublicKey;
use ed25519_dalek::{Signer, SigningKey};
use manifests::digest::Sha256Digest;
use verifier::hash::sha256;

fn key(name: &str) -> SigningKey {
    SigningKey::from_bytes(sha256::digest(format!("sealift snakeoil {name}").as_bytes()).as_bytes())
}

fn spki(name: &str) -> Vec<u8> {
    key(name).verifying_key().to_public_key_der().unwrap().into_vec()
}

pub(crate) fn id(name: &str) -> Sha256Digest {
    sha256::digest(&spki(name))
}

pub(crate) fn sign(name: &str, message: &[u8]) -> Vec<u8> {
    key(name).sign(message).to_bytes().to_vec()
}

/// Puts keys where a document says `{spki:NAME}`.
pub(crate) fn fill(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let mut parts = text.split("{spki:");
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').unwrap();
        out.push_str(&STANDARD.encode(spki(name)));
        out.push_str(rest);
    }
    out.into_bytes()
}
