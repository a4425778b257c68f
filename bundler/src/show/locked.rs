// SPDX-License-Identifier: Apache-2.0
//! `bundler show` of a lock: all that it holds, for people in columns, for programs as the lock's own document.

use std::path::Path;

use manifests::name::printable;
use serde_json::{Value, json};
use verifier::report::human::size;

use crate::failure::Failure;
use crate::lock::{self, Lock, LockedArtifact, LockedFile, LockedKeys, LockedSignature, LockedTree};
use crate::recipe::{Artifact, Demand, Recipe};
use crate::report::{Report, count};
use crate::source::Source;

/// A lock, and the recipe that it was made from where that lies beside it: only the recipe has the signers' names.
struct Shown {
    lock: Lock,
    recipe: Option<Recipe>,
    lines: Vec<String>,
}

/// Shows a lock.
pub(super) fn lock_file(path: &Path) -> Result<Report, Failure> {
    let lock = lock::file::read(Source::read(path)?)?;
    // A recipe that cannot be read, or is another by now, says nothing of this lock.
    let recipe = Recipe::load(&path.with_extension("toml"), lock.sets.clone()).ok();
    let recipe = recipe.filter(|recipe| recipe.digest() == lock.recipe);
    let body = json!({"kind": "lock", "recipe": lock.recipe.to_string(), "set": lock.sets, "files": lock.files(),
                      "bytes": lock.bytes(), "signatures": signatures(&lock, recipe.as_ref()),
                      "lock": lock::document::document(&lock)});
    let text = Shown { lock, recipe, lines: Vec::new() }.text();
    Ok(Report { schema: "describe", outcome: "shown", text, body })
}

/// Who signed what, as the lock has it, and by which name the recipe trusts him where that is known.
pub fn signatures(lock: &Lock, recipe: Option<&Recipe>) -> Vec<Value> {
    let signed = lock.artifacts.iter().flat_map(|(name, artifact)| {
        artifact.signatures.iter().map(move |signature| {
            json!({"artifact": name.as_str(), "kind": signature.kind.as_str(), "signer": signature.signer,
                   "signedBy": signed_by(lock, recipe, name.as_str(), signature),
                   "signedAt": signature.signed_at.map(|time| time.to_string())})
        })
    });
    signed.collect()
}

/// The signer's name: what the recipe demands, else whoever pins what was found.
fn signed_by<'a>(
    lock: &'a Lock,
    recipe: Option<&'a Recipe>,
    artifact: &str,
    signature: &LockedSignature,
) -> Option<&'a str> {
    match demand(recipe, artifact) {
        Some(Demand::SignedBy { signer, .. }) => Some(signer.as_str()),
        _ => {
            let pins = |keys: &LockedKeys| keys.fingerprints.contains(&signature.signer);
            lock.signers.iter().find(|(_, keys)| pins(keys)).map(|(name, _)| name.as_str())
        }
    }
}

fn demand<'a>(recipe: Option<&'a Recipe>, name: &str) -> Option<&'a Demand> {
    let named = |artifact: &&Artifact| artifact.name.as_str() == name;
    recipe?.artifacts.iter().find(named).map(|artifact| &artifact.demand)
}

impl Shown {
    fn text(mut self) -> String {
        let lock = self.lock.clone();
        self.say("lock", &format!("of recipe {}", lock.recipe));
        lock.sets.iter().for_each(|(name, value)| self.say("set", &format!("{name}={value}")));
        self.say("holds", &format!("{}, {}", count(lock.files(), "file"), size(lock.bytes())));
        for (name, keys) in &lock.signers {
            self.say("signer", name.as_str());
            self.keys(keys);
        }
        lock.artifacts.iter().for_each(|(name, artifact)| self.artifact(name.as_str(), artifact));
        lock.trees.iter().for_each(|(name, tree)| self.tree(name.as_str(), tree));
        for ((store_type, name), keys) in &lock.trust_stores {
            self.say("trust", &format!("store {}:{name}", store_type.as_str()));
            self.keys(keys);
        }
        for ((name, partition), template) in &lock.trust_policies {
            let whose = partition.as_ref().map(|name| format!(" (partition {name})")).unwrap_or_default();
            self.say("trust", &format!("policy {name}{whose}"));
            self.file(template);
            let recipe = self.recipe.iter().flat_map(lock::document::open_parameters);
            let mut needs =
                recipe.filter(|(policy, _)| (&policy.name, &policy.partition) == (name, partition));
            if let Some(needs) = needs.next().map(|(_, needs)| needs.join(", ")) {
                self.more(&format!("needs at install: {needs}"));
            }
        }
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }

    /// A line with the word for what it is, in the columns that the verifier has too.
    fn say(&mut self, what: &str, text: &str) {
        self.lines.push(format!("{what:<11}{}", printable(text)));
    }

    /// A line that belongs to the one above.
    fn more(&mut self, text: &str) {
        self.say("", text);
    }

    fn keys(&mut self, keys: &LockedKeys) {
        keys.fingerprints.iter().for_each(|fingerprint| self.more(fingerprint));
        keys.files.iter().for_each(|file| self.file(file));
    }

    fn file(&mut self, file: &LockedFile) {
        let LockedFile { source, state, fetched_at } = file;
        let fetched = fetched_at.map(|time| format!(", fetched {time}")).unwrap_or_default();
        self.more(&format!("from {source}"));
        self.more(&format!("  {}, {}{fetched}", state.digest, size(state.size)));
    }

    fn artifact(&mut self, name: &str, artifact: &LockedArtifact) {
        self.say("artifact", name);
        self.file(&artifact.file);
        if let Some(facts) = &artifact.inside {
            let known = [&facts.name, &facts.version, &facts.arch].into_iter().flatten();
            let mut known: Vec<String> = vec![known.cloned().collect::<Vec<_>>().join(" ")];
            known.extend(facts.made_at.map(|time| format!("made {time}")));
            known.extend(facts.product_code.iter().map(|code| format!("product code {code}")));
            known.extend(facts.toolchain.iter().map(|toolchain| format!("built with {toolchain}")));
            known.extend(facts.scripts.map(|digest| format!("scripts {digest}")));
            known.retain(|part| !part.is_empty());
            self.more(&format!("says it is {}", known.join(", ")));
        }
        for signature in &artifact.signatures {
            let by = signed_by(&self.lock, self.recipe.as_ref(), name, signature);
            let by = by.map(|name| format!("{name}: ")).unwrap_or_default();
            let time =
                signature.signed_at.map_or_else(|| "at no stated time".to_owned(), |time| time.to_string());
            self.more(&format!("signed by {by}{} {}, {time}", signature.kind.as_str(), signature.signer));
            signature.files.iter().for_each(|file| self.file(file));
        }
        if artifact.signatures.is_empty() {
            let why = match demand(self.recipe.as_ref(), name) {
                Some(Demand::Unsigned(reason)) => format!(": {reason}"),
                _ => String::new(),
            };
            self.more(&format!("unsigned{why}"));
        }
    }

    fn tree(&mut self, name: &str, tree: &LockedTree) {
        let LockedTree { path, files, links, empty_directories } = tree;
        let (many, linked) = (count(files.len(), "file"), count(links.len(), "link"));
        let empty = count(empty_directories.len(), "empty folder");
        self.say("tree", &format!("{name}: {many}, {linked}, {empty}"));
        self.more(&format!("from {path}"));
        for file in files {
            let (mode, state) = (file.mode.bits(), file.state);
            self.more(&format!("  {mode:04o} {}, {}  {}", state.digest, size(state.size), file.path));
        }
        links.iter().for_each(|link| self.more(&format!("  link {} -> {}", link.path, link.target)));
        empty_directories.iter().for_each(|path| self.more(&format!("  empty folder {path}")));
    }
}
