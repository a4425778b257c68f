// SPDX-License-Identifier: Apache-2.0
//! The lock as text: sorted, one value a line, made for reading diffs. What is read must be what would be
//! written, so that nobody can hide a value in an odd spelling.

use std::collections::BTreeMap;
use std::fmt::Write;

use clap::ValueEnum;
use manifests::bundle::{EntryMode, Link, StoreType};
use manifests::digest::Sha256Digest;
use manifests::name::{Name, PortablePath};
use manifests::time::Timestamp;
use verifier::cli::Kind;

use super::{Lock, LockedArtifact, LockedFile, LockedKeys, LockedSignature, LockedTree, TreeFile};
use crate::digest::Locked;
use crate::failure::Failure;
use crate::fetch::url::Url;
use crate::inside::Facts;
use crate::keys::{Keys, bare};
use crate::source::{Source, Table, Value};

const HEADER: &str = "\
# Written by `bundler lock`: what the recipe meant when it was last resolved.
# Keep it in version control beside the recipe, read its diffs, and do not edit it.
";
const FORMAT: u64 = 1;
const HINT: &str = "do not edit the lock: run `bundler lock`";

const DOCUMENT: Keys =
    Keys::of(&bare(["format", "recipe", "set", "signer", "artifact", "tree", "trust-store", "trust-policy"]));
const SIGNER: Keys = Keys::of(&bare(["name", "fingerprint", "file"]));
const TRUST_STORE: Keys = Keys::of(&bare(["name", "type", "fingerprint", "file"]));
const TRUST_POLICY: Keys =
    Keys::of(&bare(["name", "partition", "path", "url", "size", "sha256", "fetched-at"]));
const FILE: Keys = Keys::of(&bare(["path", "url", "size", "sha256", "fetched-at"]));
const ARTIFACT: Keys =
    Keys::of(&bare(["name", "path", "url", "size", "sha256", "fetched-at", "inside", "signature"]));
const INSIDE: Keys =
    Keys::of(&bare(["name", "version", "arch", "made-at", "product-code", "toolchain", "scripts-sha256"]));
const SIGNATURE: Keys = Keys::of(&bare(["kind", "signer", "signed-at", "file"]));
const TREE: Keys = Keys::of(&bare(["name", "path", "file", "link", "empty-directory"]));
const TREE_FILE: Keys = Keys::of(&bare(["path", "mode", "size", "sha256"]));
const LINK: Keys = Keys::of(&bare(["path", "target"]));
const EMPTY: Keys = Keys::of(&bare(["path"]));

/// The text of a lock.
pub fn render(lock: &Lock) -> String {
    let mut out = String::from(HEADER);
    line(&mut out, "format", FORMAT);
    text(&mut out, "recipe", &lock.recipe.to_string());
    if !lock.sets.is_empty() {
        out.push_str("\n[set]\n");
        lock.sets.iter().for_each(|(name, value)| text(&mut out, &key(name), value));
    }
    for (name, signer) in &lock.signers {
        out.push_str("\n[[signer]]\n");
        text(&mut out, "name", name.as_str());
        keys(&mut out, "signer", signer);
    }
    for (name, artifact) in &lock.artifacts {
        out.push_str("\n[[artifact]]\n");
        text(&mut out, "name", name.as_str());
        file(&mut out, &artifact.file);
        artifact.inside.iter().for_each(|facts| inside(&mut out, facts));
        for signature in &artifact.signatures {
            out.push_str("\n[[artifact.signature]]\n");
            text(&mut out, "kind", signature.kind.as_str());
            text(&mut out, "signer", &signature.signer);
            if let Some(time) = signature.signed_at {
                text(&mut out, "signed-at", &time.to_string());
            }
            for one in &signature.files {
                out.push_str("\n[[artifact.signature.file]]\n");
                file(&mut out, one);
            }
        }
    }
    lock.trees.iter().for_each(|(name, tree)| render_tree(&mut out, name, tree));
    for ((store_type, name), store) in &lock.trust_stores {
        out.push_str("\n[[trust-store]]\n");
        text(&mut out, "name", name.as_str());
        text(&mut out, "type", store_type.as_str());
        keys(&mut out, "trust-store", store);
    }
    for ((name, partition), template) in &lock.trust_policies {
        out.push_str("\n[[trust-policy]]\n");
        text(&mut out, "name", name.as_str());
        partition.iter().for_each(|partition| text(&mut out, "partition", partition.as_str()));
        file(&mut out, template);
    }
    out
}

/// Fingerprints, one a line, and the files.
fn keys(out: &mut String, of: &str, keys: &LockedKeys) {
    out.push_str("fingerprint = [\n");
    for fingerprint in &keys.fingerprints {
        out.push_str(&format!("  {},\n", quoted(fingerprint)));
    }
    out.push_str("]\n");
    for one in &keys.files {
        out.push_str(&format!("\n[[{of}.file]]\n"));
        file(out, one);
    }
}

/// A name as a key of TOML: bare where it can be.
fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { quoted(name) }
}

/// What the artifact says of itself.
fn inside(out: &mut String, facts: &Facts) {
    out.push_str("\n[artifact.inside]\n");
    let values = [
        ("name", facts.name.clone()),
        ("version", facts.version.clone()),
        ("arch", facts.arch.clone()),
        ("made-at", facts.made_at.map(|time| time.to_string())),
        ("product-code", facts.product_code.clone()),
        ("toolchain", facts.toolchain.clone()),
        ("scripts-sha256", facts.scripts.map(|digest| digest.hex())),
    ];
    for (key, value) in values {
        value.iter().for_each(|value| text(out, key, value));
    }
}

fn render_tree(out: &mut String, name: &Name, tree: &LockedTree) {
    out.push_str("\n[[tree]]\n");
    text(out, "name", name.as_str());
    text(out, "path", &tree.path);
    for file in &tree.files {
        out.push_str("\n[[tree.file]]\n");
        text(out, "path", file.path.as_str());
        text(out, "mode", mode_text(file.mode));
        state(out, &file.state);
    }
    for link in &tree.links {
        out.push_str("\n[[tree.link]]\n");
        text(out, "path", link.path.as_str());
        text(out, "target", &link.target);
    }
    for directory in &tree.empty_directories {
        out.push_str("\n[[tree.empty-directory]]\n");
        text(out, "path", directory.as_str());
    }
}

const fn mode_text(mode: EntryMode) -> &'static str {
    match mode {
        EntryMode::Plain => "0644",
        EntryMode::Executable => "0755",
    }
}

fn file(out: &mut String, file: &LockedFile) {
    match file.fetched_at {
        None => {
            text(out, "path", &file.source);
            state(out, &file.state);
        }
        Some(time) => {
            text(out, "url", &file.source);
            state(out, &file.state);
            text(out, "fetched-at", &time.to_string());
        }
    }
}

fn state(out: &mut String, locked: &Locked) {
    line(out, "size", locked.size);
    text(out, "sha256", &locked.digest.hex());
}

fn text(out: &mut String, key: &str, value: &str) {
    line(out, key, quoted(value));
}

fn line(out: &mut String, key: &str, value: impl std::fmt::Display) {
    // Writing to a String does not fail.
    let _ = writeln!(out, "{key} = {value}");
}

/// A basic string of TOML.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Reads a lock.
pub fn read(source: Source) -> Result<Lock, Failure> {
    let source = source.with_hint(HINT);
    let document = source.parse()?;
    let root = Table::new(&source, "the lock", 0..0, document.get_ref(), DOCUMENT)?;
    let format = root.required("format")?;
    if format.integer()? != FORMAT {
        return Err(format.error("is of a format that this version does not know").expected(FORMAT));
    }
    let mut sets = BTreeMap::new();
    if let Some(section) = root.optional("set") {
        for value in section.open_table("[set]")?.entries() {
            sets.insert(value.key().to_owned(), value.string()?.text);
        }
    }
    let lock = Lock {
        recipe: root.required("recipe")?.parse(Sha256Digest::parse)?,
        sets,
        signers: named(&root, "signer", SIGNER, |table| read_keys(table, "signer"))?,
        artifacts: named(&root, "artifact", ARTIFACT, artifact)?,
        trees: named(&root, "tree", TREE, tree)?,
        trust_stores: keyed(&root, "trust-store", TRUST_STORE, |table| {
            let store_type = table
                .required("type")?
                .parse(|text| StoreType::parse(text).ok_or("it is no type of trust stores"))?;
            Ok(((store_type, table.required("name")?.parse(Name::new)?), read_keys(table, "trust-store")?))
        })?,
        trust_policies: keyed(&root, "trust-policy", TRUST_POLICY, |table| {
            let partition = table.optional("partition").map(|value| value.parse(Name::new)).transpose()?;
            Ok(((table.required("name")?.parse(Name::new)?, partition), read_file(table)?))
        })?,
    };
    let canonical = render(&lock);
    if canonical != source.text() {
        let differs = canonical.bytes().zip(source.text().bytes()).position(|(want, have)| want != have);
        let at = differs.unwrap_or_else(|| canonical.len().min(source.text().len()));
        return Err(source.error(at..at, "is not written as `bundler lock` writes it"));
    }
    Ok(lock)
}

fn named<T>(
    root: &Table<'_>,
    key: &str,
    keys: Keys,
    read: impl Fn(&Table<'_>) -> Result<T, Failure>,
) -> Result<BTreeMap<Name, T>, Failure> {
    keyed(root, key, keys, |table| Ok((table.required("name")?.parse(Name::new)?, read(table)?)))
}

fn keyed<K: Ord, T>(
    root: &Table<'_>,
    key: &str,
    keys: Keys,
    read: impl Fn(&Table<'_>) -> Result<(K, T), Failure>,
) -> Result<BTreeMap<K, T>, Failure> {
    let mut all = BTreeMap::new();
    for item in items(root, key)? {
        let table = item.table(format!("[[{key}]]"), keys)?;
        let (name, value) = read(&table)?;
        if all.insert(name, value).is_some() {
            return Err(table.required("name")?.error("appears twice"));
        }
    }
    Ok(all)
}

fn read_keys(table: &Table<'_>, of: &str) -> Result<LockedKeys, Failure> {
    let fingerprints = table.required("fingerprint")?.array()?;
    Ok(LockedKeys {
        fingerprints: fingerprints
            .iter()
            .map(|value| Ok(value.string()?.text))
            .collect::<Result<_, Failure>>()?,
        files: files(table, of)?,
    })
}

fn items<'a>(table: &Table<'a>, key: &str) -> Result<Vec<Value<'a>>, Failure> {
    table.optional(key).map_or(Ok(Vec::new()), |items| items.array())
}

/// The items of `[[in.file]]`.
fn files(table: &Table<'_>, of: &str) -> Result<Vec<LockedFile>, Failure> {
    let items = items(table, "file")?;
    items.iter().map(|item| read_file(&item.table(format!("[[{of}.file]]"), FILE)?)).collect()
}

fn read_file(table: &Table<'_>) -> Result<LockedFile, Failure> {
    let state = read_state(table)?;
    let Some(url) = table.optional("url") else {
        return Ok(LockedFile { source: table.required("path")?.string()?.text, state, fetched_at: None });
    };
    let source = url.parse(Url::parse)?.to_string();
    Ok(LockedFile { source, state, fetched_at: Some(table.required("fetched-at")?.parse(Timestamp::parse)?) })
}

fn read_state(table: &Table<'_>) -> Result<Locked, Failure> {
    Ok(Locked {
        size: table.required("size")?.integer()?,
        digest: table.required("sha256")?.parse(Sha256Digest::from_hex)?,
    })
}

fn artifact(table: &Table<'_>) -> Result<LockedArtifact, Failure> {
    let mut signatures = Vec::new();
    for item in items(table, "signature")? {
        let table = item.table("[[artifact.signature]]", SIGNATURE)?;
        signatures.push(LockedSignature {
            kind: table.required("kind")?.parse(|text| Kind::from_str(text, false))?,
            files: files(&table, "artifact.signature")?,
            signer: table.required("signer")?.string()?.text,
            signed_at: table.optional("signed-at").map(|value| value.parse(Timestamp::parse)).transpose()?,
        });
    }
    let inside = table.optional("inside").map(|value| facts(&value)).transpose()?;
    Ok(LockedArtifact { file: read_file(table)?, inside, signatures })
}

fn facts(value: &Value<'_>) -> Result<Facts, Failure> {
    let table = value.table("[artifact.inside]", INSIDE)?;
    let text = |key| table.optional(key).map(|value| Ok::<_, Failure>(value.string()?.text)).transpose();
    Ok(Facts {
        name: text("name")?,
        version: text("version")?,
        arch: text("arch")?,
        made_at: table.optional("made-at").map(|value| value.parse(Timestamp::parse)).transpose()?,
        product_code: text("product-code")?,
        toolchain: text("toolchain")?,
        scripts: table
            .optional("scripts-sha256")
            .map(|value| value.parse(Sha256Digest::from_hex))
            .transpose()?,
    })
}

fn tree(table: &Table<'_>) -> Result<LockedTree, Failure> {
    let mut files = Vec::new();
    for item in items(table, "file")? {
        let table = item.table("[[tree.file]]", TREE_FILE)?;
        files.push(TreeFile {
            path: table.required("path")?.parse(PortablePath::new)?,
            mode: table.required("mode")?.parse(|text| match text {
                "0644" => Ok(EntryMode::Plain),
                "0755" => Ok(EntryMode::Executable),
                _ => Err("a mode in the lock is 0644 or 0755"),
            })?,
            state: read_state(&table)?,
        });
    }
    let mut links = Vec::new();
    for item in items(table, "link")? {
        let table = item.table("[[tree.link]]", LINK)?;
        let path = table.required("path")?.parse(PortablePath::new)?;
        links.push(Link { path, target: table.required("target")?.string()?.text });
    }
    let mut empty_directories = Vec::new();
    for item in items(table, "empty-directory")? {
        let table = item.table("[[tree.empty-directory]]", EMPTY)?;
        empty_directories.push(table.required("path")?.parse(PortablePath::new)?);
    }
    Ok(LockedTree { path: table.required("path")?.string()?.text, files, links, empty_directories })
}
