// SPDX-License-Identifier: Apache-2.0
//! Bundles of any size for benchmarks: one tree, signed by a throw-away key.

#![allow(clippy::expect_used)]
use std::fs::{self, File};
use std::io::{BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use ed25519_dalek::pkcs8::EncodePublicKey;
use ed25519_dalek::{Signer, SigningKey};
use manifests::bundle::{CHUNK_BYTES, Manifest};
use manifests::digest::Sha256Digest;
use manifests::dsse::{Base64, Envelope, ROOT_TYPE, SLOT_UNIT, STATEMENT_TYPE, Signature, Signatures, pae};
use verifier::archive::format::{END, Entry, header, padding};
use verifier::hash::Kernel;
use verifier::hash::sha256::{self, Midstate, state_bytes};

/// What a file holds.
#[derive(Clone, Copy)]
pub(crate) enum Content {
    /// Bytes that do not repeat.
    Mixed,
    /// Zeros that take no space on disk.
    Holes,
}

/// A bundle and the root that trusts it.
pub(crate) struct Laid {
    /// The archive.
    pub(crate) bundle: PathBuf,
    /// The trust root.
    pub(crate) root: PathBuf,
    /// Its fingerprint.
    pub(crate) fingerprint: String,
}

/// Mixed bytes that depend only on the place in the file.
fn fill(block: &mut [u8], seed: u64) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for eight in block.chunks_exact_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        eight.copy_from_slice(&state.to_le_bytes());
    }
}

/// Digest and chaining values of a file; `each` sees every chunk.
fn digest(size: u64, content: Content, mut each: impl FnMut(&[u8])) -> (Sha256Digest, Vec<u8>) {
    let mut state = Midstate::EMPTY;
    let mut values = Vec::new();
    let mut chunk = vec![0; CHUNK_BYTES as usize];
    let mut at = 0;
    while at < size {
        let count = (size - at).min(CHUNK_BYTES) as usize;
        if let Content::Mixed = content {
            fill(&mut chunk[..count.next_multiple_of(8).min(CHUNK_BYTES as usize)], at + size);
        }
        state.update(Kernel::detect(), &chunk[..count]);
        each(&chunk[..count]);
        at += count as u64;
        if at < size {
            values.extend_from_slice(&state_bytes(&state.chaining_value().expect("a chunk is whole blocks")));
        }
    }
    (state.digest(), values)
}

/// Writes a bundle of `count` files of `size` bytes each into `folder`.
pub(crate) fn lay(folder: &Path, count: usize, size: u64, content: Content) -> Laid {
    fs::create_dir_all(folder).expect("a folder for the bundle");
    let bundle = folder.join("bench-1.bundle.tar");
    let (digest, one) = digest(size, content, |_| {});
    let chains = one.repeat(count);
    let files: Vec<serde_json::Value> =
        (0..count).map(|n| serde_json::json!({"path": path(n), "size": size, "mode": "0644"})).collect();
    let subject: Vec<serde_json::Value> = (0..count)
        .map(|n| serde_json::json!({"name": path(n), "digest": {"sha256": digest.hex()}}))
        .collect();
    let manifest = serde_json::json!({
        "_type": "https://in-toto.io/Statement/v1", "subject": subject, "predicateType": "urn:sealift:bundle:1",
        "predicate": {
            "bundle": {"name": "bench", "version": "1", "sequence": 1, "created": "2026-11-22T00:00:00Z", "profile": "standard"},
            "requires": [], "chains": {"size": chains.len(), "digest": {"sha256": sha256::digest(&chains).hex()}},
            "files": files, "signers": {}, "components": [], "artifacts": [],
            "trees": [{"name": "t", "directory": "files/t/", "links": [], "emptyDirectories": [], "unsigned": "a benchmark",
                       "install": {"action": "directory", "path": "/t"}}],
            "trustStores": [], "trustPolicies": [], "images": [], "checks": []}});
    let bytes = Manifest::read(manifest.to_string().as_bytes()).expect("a manifest").render().expect("JSON");
    let key = SigningKey::from_bytes(&[7; 32]);
    let slot = Signatures::default()
        .with(sign(&key, &pae(STATEMENT_TYPE, &bytes)))
        .to_slot(SLOT_UNIT)
        .expect("a slot");
    let mut out = BufWriter::with_capacity(1 << 20, File::create(&bundle).expect("a bundle"));
    for (name, content) in [("manifest.json", &bytes), ("signatures.json", &slot), ("chains.bin", &chains)] {
        out.write_all(&head(name, content.len() as u64)).expect("space");
        out.write_all(content).expect("space");
        out.write_all(&vec![0; padding(content.len() as u64) as usize]).expect("space");
    }
    for n in 0..count {
        out.write_all(&head(&path(n), size)).expect("space");
        match content {
            Content::Holes => out.seek_relative((size + padding(size)) as i64).expect("a seek"),
            Content::Mixed => {
                self::digest(size, content, |chunk| out.write_all(chunk).expect("space"));
                out.write_all(&vec![0; padding(size) as usize]).expect("space");
            }
        }
    }
    out.write_all(&[0; END]).expect("space");
    out.into_inner().expect("space").sync_all().expect("space");
    let (root, fingerprint) = trust(folder, &key);
    Laid { bundle, root, fingerprint }
}

fn path(n: usize) -> String {
    format!("files/t/{:02}/{n:05}", n / 1000)
}

fn head(name: &str, size: u64) -> Vec<u8> {
    let time = manifests::time::Timestamp::parse("2026-11-22T00:00:00Z").expect("a time");
    let mode = manifests::bundle::EntryMode::Plain;
    header(&Entry { path: &format!("bench-1/{name}"), size, mode, time })
}

fn sign(key: &SigningKey, message: &[u8]) -> Signature {
    let spki = key.verifying_key().to_public_key_der().expect("a key");
    Signature { keyid: sha256::digest(spki.as_bytes()), sig: Base64(key.sign(message).to_bytes().to_vec()) }
}

fn trust(folder: &Path, key: &SigningKey) -> (PathBuf, String) {
    let spki = Base64(key.verifying_key().to_public_key_der().expect("a key").into_vec());
    let payload = serde_json::json!({
        "type": "sealift-root/1", "version": 1, "enclave": "bench", "expires": "2099-01-01T00:00:00Z",
        "algorithms": ["ed25519"], "requireAudience": false,
        "owners": {"bench": {"keys": [{"algorithm": "ed25519", "spki": spki}]}},
        "roles": {"root": {"owners": ["bench"], "threshold": 1}, "builder": {"owners": ["bench"], "threshold": 1}},
        "rules": [{"names": ["*"], "require": ["builder"]}], "floors": {}, "denied": []})
    .to_string()
    .into_bytes();
    let signatures = Signatures::default().with(sign(key, &pae(ROOT_TYPE, &payload)));
    let fingerprint = sha256::digest(&payload).to_string();
    let envelope = Envelope { payload_type: ROOT_TYPE.to_owned(), payload: Base64(payload), signatures };
    let path = folder.join("root.json");
    fs::write(&path, envelope.render().expect("JSON")).expect("space");
    (path, fingerprint)
}
