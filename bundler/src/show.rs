// SPDX-License-Identifier: Apache-2.0
//! `bundler show`: what a file says of itself, and on every line whether anybody has proven it.

use std::fmt::Write;
use std::path::Path;

use manifests::bundle::{Demand, Manifest};
use manifests::name::printable;
use serde_json::{Value, json};
use verifier::error::Code;
use verifier::report::human::size;
use verifier::trust::threshold::Tally;
use verifier::trust::{Claim, UnsignedManifest};

use crate::failure::Failure;
use crate::files::read_limited;
use crate::lock::{self, Lock};
use crate::report::{Report, count, shown};
use crate::root::{Root, grouped};
use crate::sign::key_file::{MAX_KEY_BYTES, Protection, key_of, protection};
use crate::sign::passphrase::Passphrases;
use crate::sign::slot;
use crate::source::Source;

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
        return lock_file(path);
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
    let identity = manifest.bundle();
    let mut out = String::new();
    line(&mut out, "bundle", &format!("{} {}", identity.name, identity.version));
    line(&mut out, "id", &claim.id().to_string());
    line(&mut out, "sequence", &identity.sequence.to_string());
    line(&mut out, "created", &identity.created.to_string());
    if let Some(expires) = identity.expires {
        line(&mut out, "expires", &expires.to_string());
    }
    if let Some(audience) = &identity.audience {
        let names: Vec<&str> = audience.iter().map(|name| name.as_str()).collect();
        line(&mut out, "audience", &names.join(", "));
    }
    let bytes: u64 = manifest.files().map(|(file, _)| file.size).sum();
    line(&mut out, "payload", &format!("{}, {}", count(manifest.files().len(), "file"), size(bytes)));
    for artifact in &manifest.predicate().artifacts {
        let version = artifact.version.iter().map(|version| format!(" {version}")).collect::<String>();
        line(&mut out, "artifact", &format!("{}{version}: {}", artifact.name, demand(&artifact.demand)));
    }
    for tree in &manifest.predicate().trees {
        line(&mut out, "tree", &format!("{}: unsigned: {}", tree.name, tree.unsigned));
    }
    for signature in front.signatures.iter() {
        line(&mut out, "signature", &format!("by key {}", signature.keyid.hex()));
    }
    if front.signatures.is_empty() {
        line(&mut out, "signature", "none");
    }
    let keys: Vec<String> = front.signatures.iter().map(|signature| signature.keyid.hex()).collect();
    let body = json!({"kind": "bundle", "verified": false, "bundle": {"id": claim.id().to_string()},
                      "manifest": manifest_value(manifest)?, "signatures": keys});
    Ok(Report { schema: "describe", outcome: "not-verified", text: out, body })
}

/// Nothing about a bundle is shown without the word that nobody has checked it.
fn line(out: &mut String, what: &str, value: &str) {
    // Writing to a String does not fail.
    let _ = writeln!(out, "{what:>9}: {} (not verified)", printable(value));
}

fn demand(demand: &Demand) -> String {
    match demand {
        Demand::Unsigned(reason) => format!("unsigned: {reason}"),
        Demand::Vendor(evidence) => {
            let signers: Vec<&str> = evidence.iter().map(|demand| demand.signer().as_str()).collect();
            format!("signed by {}", signers.join(", "))
        }
    }
}

fn manifest_value(manifest: &Manifest) -> Result<Value, Failure> {
    let failed =
        |error: &dyn std::fmt::Display| Failure::new(Code::IoError, "manifest.json", error.to_string());
    let bytes = manifest.render().map_err(|error| failed(&error))?;
    serde_json::from_slice(&bytes).map_err(|error| failed(&error))
}

fn lock_file(path: &Path) -> Result<Report, Failure> {
    let lock = lock::file::read(Source::read(path)?)?;
    let mut out = String::new();
    let _ = writeln!(out, "lock of recipe {}", lock.recipe);
    for (name, value) in &lock.sets {
        let _ = writeln!(out, "--set {}={}", printable(name), printable(value));
    }
    let _ = writeln!(out, "{}, {}", count(lock.files(), "file"), size(lock.bytes()));
    for (name, artifact) in &lock.artifacts {
        let _ = writeln!(out, "{name}: {} {}", artifact.file.state.digest, size(artifact.file.state.size));
        if let Some(facts) = &artifact.inside {
            let known = [&facts.name, &facts.version, &facts.arch].into_iter().flatten();
            let known: Vec<&str> = known.map(String::as_str).collect();
            let _ = writeln!(out, "  {}", printable(&known.join(" ")));
        }
        for signature in &artifact.signatures {
            let time = signature.signed_at.map_or_else(|| "unknown".to_owned(), |time| time.to_string());
            let _ = writeln!(out, "  signed {time} by {}", signature.signer);
        }
    }
    for (name, tree) in &lock.trees {
        let (files, links) = (count(tree.files.len(), "file"), count(tree.links.len(), "link"));
        let empty = count(tree.empty_directories.len(), "empty folder");
        let _ = writeln!(out, "{name}: {files}, {links}, {empty}");
    }
    let body = json!({"kind": "lock", "recipe": lock.recipe.to_string(), "set": lock.sets, "files": lock.files(),
                      "bytes": lock.bytes(), "signatures": signatures(&lock)});
    Ok(Report { schema: "describe", outcome: "shown", text: out, body })
}

/// Who signed what, as the lock has it.
pub fn signatures(lock: &Lock) -> Vec<Value> {
    let signed = lock.artifacts.iter().flat_map(|(name, artifact)| {
        artifact.signatures.iter().map(move |signature| {
            json!({"artifact": name.as_str(), "kind": signature.kind.as_str(), "signer": signature.signer,
                   "signedAt": signature.signed_at.map(|time| time.to_string())})
        })
    });
    signed.collect()
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
