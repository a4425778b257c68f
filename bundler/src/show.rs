// SPDX-License-Identifier: Apache-2.0
//! `bundler show`: what a file says of itself, and first of all whether anybody has proven it.

mod locked;

use std::fmt::Write;
use std::path::Path;

use manifests::bundle::Manifest;
use serde_json::{Value, json};
use verifier::error::Code;
use verifier::report::human::claimed;
use verifier::trust::threshold::Tally;
use verifier::trust::{Claim, UnsignedManifest};

use crate::failure::Failure;
use crate::files::read_limited;
use crate::report::{Report, count, shown};
use crate::root::{Root, grouped};
use crate::sign::key_file::{MAX_KEY_BYTES, Protection, key_of, protection};
use crate::sign::passphrase::Passphrases;
use crate::sign::slot;

pub use locked::signatures;

/// The start of a file, enough to tell what it is.
const HEAD: u64 = 512;

/// Shows whatever a file is.
pub fn any(path: &Path) -> Result<Report, Failure> {
    let head = head(path)?;
    let text = String::from_utf8_lossy(&head);
    if head.get(257..262) == Some(b"ustar") || path.is_dir() {
        return bundle(path);
    }
    if text.trim_start().starts_with('{') {
        return Ok(Report { schema: "describe", ..root(path)? });
    }
    if text.contains("-----BEGIN ") {
        return Ok(Report { schema: "describe", ..key(path, &Passphrases::default())? });
    }
    if path.extension().is_some_and(|extension| extension == "lock") {
        return locked::lock_file(path);
    }
    Err(Failure::new(Code::Usage, path.display().to_string(), "is nothing that bundler can show")
        .expected("a bundle, a lock, a key or a trust root")
        .hint("name such a file"))
}

fn head(path: &Path) -> Result<Vec<u8>, Failure> {
    use std::io::Read;
    if path.is_dir() {
        return Ok(Vec::new());
    }
    let name = path.display().to_string();
    let file = std::fs::File::open(path).map_err(|error| Failure::argument(&name, &error))?;
    let mut bytes = Vec::new();
    file.take(HEAD).read_to_end(&mut bytes).map_err(|error| Failure::reading(&name, &error))?;
    Ok(bytes)
}

fn bundle(path: &Path) -> Result<Report, Failure> {
    let front = slot::front(path)?;
    let claim = UnsignedManifest::read(&front.manifest)?;
    let manifest = claim.manifest();
    let mut out =
        "not verified: this is what the bundle says of itself, and nobody has checked it\n".to_owned();
    for line in claimed(&claim, &front.signatures) {
        let _ = writeln!(out, "{line}");
    }
    if front.signatures.is_empty() {
        let _ = writeln!(out, "signature  none");
    }
    let keys: Vec<String> = front.signatures.iter().map(|signature| signature.keyid.hex()).collect();
    let body = json!({"kind": "bundle", "verified": false, "bundle": {"id": claim.id().to_string()},
                      "manifest": manifest_value(manifest)?, "signatures": keys});
    Ok(Report { schema: "describe", outcome: "not-verified", text: out, body })
}

fn manifest_value(manifest: &Manifest) -> Result<Value, Failure> {
    let failed =
        |error: &dyn std::fmt::Display| Failure::new(Code::IoError, "manifest.json", error.to_string());
    let bytes = manifest.render().map_err(|error| failed(&error))?;
    serde_json::from_slice(&bytes).map_err(|error| failed(&error))
}

/// `bundler keys show`.
pub fn key(path: &Path, passphrases: &Passphrases) -> Result<Report, Failure> {
    let bytes = zeroize::Zeroizing::new(read_limited(path, MAX_KEY_BYTES)?);
    let text = String::from_utf8_lossy(&bytes);
    let (kind, note) = match protection(&text) {
        Some(Protection::Encrypted) => ("private", "private key, encrypted"),
        Some(Protection::Plain) => ("private", "private key, NOT encrypted"),
        None => ("public", "public key"),
    };
    let key = key_of(path, &text, passphrases)?;
    let (id, algorithm) = (key.id().hex(), key.algorithm());
    Ok(Report {
        schema: "keys",
        outcome: "shown",
        text: format!("{}: {note}\nalgorithm: {algorithm}\n   key id: {id}", shown(path)),
        body: json!({"file": path.display().to_string(), "kind": kind, "algorithm": algorithm.as_str(), "keyid": id}),
    })
}

/// `bundler root show`.
pub fn root(path: &Path) -> Result<Report, Failure> {
    let root = Root::read(path)?;
    let document = root.document();
    let signers = root.signers()?;
    let Tally { found, threshold } = root.tally()?;
    let mut out = String::new();
    let [first, second] = grouped(root.fingerprint());
    let _ = writeln!(out, "trust root of enclave {}, version {}", document.enclave, document.version);
    let _ = writeln!(out, "fingerprint: {}", root.fingerprint().hex());
    let _ = writeln!(out, "   to read: {first}\n            {second}");
    let _ = writeln!(out, "   expires: {}", document.expires);
    for (name, role) in &document.roles {
        let owners: Vec<&str> = role.owners.iter().map(|owner| owner.as_str()).collect();
        let _ = writeln!(out, "role {name}: {} of {}", role.threshold, owners.join(", "));
    }
    for (index, rule) in document.rules.iter().enumerate() {
        let names: Vec<String> = rule.names.iter().map(ToString::to_string).collect();
        let roles: Vec<&str> = rule.require.iter().map(|role| role.as_str()).collect();
        let _ = writeln!(out, "rule {}: {} need {}", index + 1, names.join(", "), roles.join(" and "));
    }
    for (name, owner) in &document.owners {
        for key in &owner.keys {
            let id = verifier::hash::sha256::digest(&key.spki.0).hex();
            let _ = writeln!(out, "owner {name}: {} key {id}", key.algorithm);
        }
    }
    for (name, sequence) in &document.floors {
        let _ = writeln!(out, "floor: {name} from sequence {sequence} on");
    }
    for digest in &document.denied {
        let _ = writeln!(out, "denied: {digest}");
    }
    if document.require_audience {
        let _ = writeln!(out, "every bundle must name its enclaves");
    }
    let names: Vec<&str> = signers.owners.keys().map(|owner| owner.as_str()).collect();
    let who = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
    let _ = writeln!(out, "signed by {who}: {found} of {threshold} needed in the role root");
    let body = json!({"kind": "root", "file": path.display().to_string(), "fingerprint": root.fingerprint().to_string(),
                      "root": document, "signedBy": names, "signed": found, "threshold": threshold});
    Ok(Report { schema: "root", outcome: "shown", text: out, body })
}

/// What `root new` and `root next` say.
pub fn new_root(root: &Root, path: &Path) -> Result<Report, Failure> {
    let threshold = root.tally()?.threshold;
    let [first, second] = grouped(root.fingerprint());
    let file = shown(path);
    let needed = count(threshold, "signature");
    Ok(Report {
        schema: "root",
        outcome: "written",
        text: format!(
            "{file}: version {} of the trust root of enclave {}\nfingerprint: {first}\n             {second}\n\
             it still needs {needed}: bundler root sign {file} --key KEY",
            root.document().version,
            root.document().enclave
        ),
        body: json!({"file": path.display().to_string(), "fingerprint": root.fingerprint().to_string(), "version": root.document().version.get(),
                     "enclave": root.document().enclave.as_str(), "threshold": threshold}),
    })
}
