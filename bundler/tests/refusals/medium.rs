// SPDX-License-Identifier: Apache-2.0
//! A bundle as entries, the faults of a medium, and the three carriers that it is laid on.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use manifests::bundle::EntryMode;
use manifests::dsse::{SLOT_UNIT, STATEMENT_TYPE, pae};
use manifests::time::Timestamp;
use serde::Deserialize;
use verifier::archive::format::{END, Entry as Header, header, padding};

use crate::base::Parts;
use crate::case::Case;
use crate::edit::{ByteEdit, Bytes, unhex};
use crate::keys;

/// What a bundle comes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Carrier {
    File,
    Folder,
    Stream,
}

/// A piece of the archive. The last one, `end`, is nothing but content.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) path: String,
    pub(crate) header: Vec<u8>,
    pub(crate) content: Vec<u8>,
    pub(crate) padding: Vec<u8>,
}

/// A signature in the slot.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Signature {
    /// Whose key signs.
    pub(crate) by: String,
    /// Whose key it claims to be by.
    #[serde(rename = "as")]
    pub(crate) claims: Option<String>,
    /// Other bytes than the manifest.
    over: Option<Bytes>,
    /// Another payload type.
    #[serde(rename = "type")]
    payload_type: Option<String>,
    /// This instead of a signature.
    raw: Option<String>,
    /// S + L: the same signature, spelled a second way.
    #[serde(default)]
    respell: bool,
}

/// A fault of the medium.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fault {
    /// Bytes of one entry.
    Bytes {
        entry: String,
        #[serde(default)]
        part: Where,
        #[serde(flatten)]
        edit: ByteEdit,
    },
    /// The archive ends here; an offset beyond the part is an error of the case.
    Truncate {
        entry: String,
        #[serde(default)]
        part: Where,
        #[serde(default)]
        offset: usize,
    },
    Drop(String),
    Double(String),
    Swap([String; 2]),
    Rename([String; 2]),
    Extra {
        after: String,
        path: String,
        content: Bytes,
    },
    /// Something else lies in the folder at this path.
    Plant {
        path: String,
        kind: Plant,
    },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Where {
    Header,
    #[default]
    Content,
    Padding,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Plant {
    /// A symbolic link to a file with the right content.
    Link,
    Folder,
    Fifo,
}

/// A laid-out bundle with its faults.
pub(crate) struct Medium {
    pub(crate) entries: Vec<Entry>,
    cut: Option<usize>,
    planted: Vec<(String, Plant)>,
}

fn entry(folder: &str, path: &str, mode: EntryMode, time: Timestamp, content: Vec<u8>) -> Entry {
    let whole = format!("{folder}/{path}");
    let header = header(&Header { path: &whole, size: content.len() as u64, mode, time });
    let padding = vec![0; padding(content.len() as u64) as usize];
    Entry { path: path.to_owned(), header, content, padding }
}

/// The signature slot that a case describes.
pub(crate) fn slot(case: &Case, manifest: &[u8]) -> Vec<u8> {
    let mut items: Vec<(String, String)> =
        case.signatures().iter().map(|item| item.render(manifest)).collect();
    if !case.unsorted {
        items.sort();
    }
    let items: Vec<String> =
        items.into_iter().map(|(id, sig)| format!("{{\"keyid\":\"{id}\",\"sig\":\"{sig}\"}}")).collect();
    let mut slot = format!("{{\"signatures\":[{}]}}", items.join(",")).into_bytes();
    slot.resize(SLOT_UNIT, b' ');
    for edit in &case.slot {
        edit.apply(&mut slot);
        // A slot keeps its size, unless that is the fault.
        let used = slot.iter().rposition(|byte| *byte != b' ').map_or(0, |at| at + 1);
        if slot.len() > SLOT_UNIT && used <= SLOT_UNIT {
            slot.truncate(SLOT_UNIT);
        } else if slot.len() < SLOT_UNIT {
            slot.resize(SLOT_UNIT, b' ');
        }
    }
    if let Some(size) = case.slot_size {
        slot.resize(size, b' ');
    }
    slot
}

impl Signature {
    /// A good one by this owner.
    pub(crate) fn by(owner: &str) -> Self {
        let by = owner.to_owned();
        Self { by, claims: None, over: None, payload_type: None, raw: None, respell: false }
    }

    fn render(&self, manifest: &[u8]) -> (String, String) {
        let over = self.over.as_ref().map_or_else(|| manifest.to_vec(), Bytes::get);
        let payload_type = self.payload_type.as_deref().unwrap_or(STATEMENT_TYPE);
        let mut raw = match &self.raw {
            Some(hex) => unhex(hex),
            None => keys::sign(&self.by, &pae(payload_type, &over)),
        };
        if self.respell {
            respell(&mut raw[32..]);
        }
        (keys::id(self.claims.as_ref().unwrap_or(&self.by)).hex(), STANDARD.encode(raw))
    }
}

/// Adds the group's order L to S, least significant byte first (RFC 8032 §5.1).
fn respell(s: &mut [u8]) {
    let order = unhex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let mut carry = 0u16;
    for (byte, more) in s.iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(more) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
}

impl Medium {
    /// Lays out a bundle, without faults.
    pub(crate) fn new(parts: &Parts, manifest: &[u8], slot: Vec<u8>, chains: Vec<u8>) -> Self {
        let bundle = &parts.predicate.bundle;
        let folder = format!("{}-{}", bundle.name, bundle.version);
        let plain = |path: &str, content| entry(&folder, path, EntryMode::Plain, bundle.created, content);
        let mut entries = vec![
            plain("manifest.json", manifest.to_vec()),
            plain("signatures.json", slot),
            plain("chains.bin", chains),
        ];
        entries.extend(
            parts
                .items
                .iter()
                .map(|item| entry(&folder, &item.path, item.mode, bundle.created, item.content.clone())),
        );
        let end = Entry { path: "end".into(), header: vec![], content: vec![0; END], padding: vec![] };
        entries.push(end);
        Self { entries, cut: None, planted: Vec::new() }
    }

    fn position(&self, path: &str) -> usize {
        self.entries.iter().position(|entry| entry.path == path).unwrap_or_else(|| panic!("no entry {path}"))
    }

    /// Applies a fault.
    pub(crate) fn spoil(&mut self, fault: &Fault, created: Timestamp) {
        match fault {
            Fault::Bytes { entry, part, edit } => {
                let at = self.position(entry);
                let entry = &mut self.entries[at];
                edit.apply(match part {
                    Where::Header => &mut entry.header,
                    Where::Content => &mut entry.content,
                    Where::Padding => &mut entry.padding,
                });
            }
            Fault::Truncate { entry, part, offset } => {
                let at = self.position(entry);
                let before: usize = self.entries[..at].iter().map(Entry::length).sum();
                let entry = &self.entries[at];
                let (start, length) = match part {
                    Where::Header => (0, entry.header.len()),
                    Where::Content => (entry.header.len(), entry.content.len()),
                    Where::Padding => (entry.header.len() + entry.content.len(), entry.padding.len()),
                };
                assert!(*offset < length, "nothing to cut there");
                self.cut = Some(before + start + offset);
            }
            Fault::Drop(path) => {
                let at = self.position(path);
                self.entries.remove(at);
            }
            Fault::Double(path) => {
                let at = self.position(path);
                self.entries.insert(at, self.entries[at].clone());
            }
            Fault::Swap([one, other]) => {
                let (one, other) = (self.position(one), self.position(other));
                self.entries.swap(one, other);
            }
            Fault::Rename([old, new]) => {
                let at = self.position(old);
                let content = std::mem::take(&mut self.entries[at].content);
                self.entries[at] = entry("base-1.0", new, EntryMode::Plain, created, content);
            }
            Fault::Extra { after, path, content } => {
                let at = self.position(after);
                let new = entry("base-1.0", path, EntryMode::Plain, created, content.get());
                self.entries.insert(at + 1, new);
            }
            Fault::Plant { path, kind } => self.planted.push((path.clone(), *kind)),
        }
    }

    /// The archive's bytes.
    pub(crate) fn archive(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self
            .entries
            .iter()
            .flat_map(|entry| [&entry.header, &entry.content, &entry.padding])
            .flatten()
            .copied()
            .collect();
        bytes.truncate(self.cut.unwrap_or(bytes.len()));
        bytes
    }

    /// What `tar xf` makes of the entries, and what was planted among them.
    pub(crate) fn extract(&self, to: &Path) {
        for entry in self.entries.iter().filter(|entry| entry.path != "end") {
            let path = to.join(&entry.path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, &entry.content).unwrap();
        }
        for (name, kind) in &self.planted {
            let path = to.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match kind {
                Plant::Link => {
                    let aside = to.with_extension("aside");
                    if path.exists() {
                        fs::rename(&path, &aside).unwrap();
                    } else {
                        fs::write(&aside, "elsewhere").unwrap();
                    }
                    symlink(&aside, path).unwrap();
                }
                Plant::Folder => {
                    // In the place of a file, or beside all others.
                    let _ = fs::remove_file(&path);
                    fs::create_dir(path).unwrap();
                }
                Plant::Fifo => {
                    let _ = fs::remove_file(&path);
                    let kind = rustix::fs::FileType::Fifo;
                    let mode = rustix::fs::Mode::from_raw_mode(0o644);
                    rustix::fs::mknodat(rustix::fs::CWD, &path, kind, mode, 0).unwrap();
                }
            }
        }
    }
}

impl Entry {
    pub(crate) fn length(&self) -> usize {
        self.header.len() + self.content.len() + self.padding.len()
    }
}

impl Fault {
    /// The carriers on which this fault can exist.
    pub(crate) fn carriers(&self) -> &'static [Carrier] {
        const ARCHIVES: &[Carrier] = &[Carrier::File, Carrier::Stream];
        const ALL: &[Carrier] = &[Carrier::File, Carrier::Folder, Carrier::Stream];
        match self {
            Self::Bytes { entry, part: Where::Content, .. } if entry != "end" => ALL,
            Self::Drop(_) | Self::Rename(_) | Self::Extra { .. } => ALL,
            Self::Plant { .. } => &[Carrier::Folder],
            _ => ARCHIVES,
        }
    }
}
