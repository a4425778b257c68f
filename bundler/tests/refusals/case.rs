// SPDX-License-Identifier: Apache-2.0
//! `case.toml`: one fault, and the refusal that it must meet. `testdata/bundles/README.md` explains the form.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use toml::{Table, Value};

use crate::base::{LONG, testdata};
use crate::edit::{ByteEdit, Bytes, TextEdit};
use crate::medium::{Carrier, Fault, Signature};

/// A case, or one of those that its `each` stands for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Case {
    /// The folder's name, and the item of `each`.
    #[serde(skip)]
    pub(crate) name: String,
    /// Whether it speaks of the long file or its chains; else a short one takes its place.
    #[serde(skip)]
    pub(crate) chained: bool,
    /// The threat, or the clause, in one sentence.
    pub(crate) why: String,
    /// The code of the refusal.
    pub(crate) expect: String,
    /// The code on a carrier where it is another one.
    #[serde(default)]
    pub(crate) expect_on: BTreeMap<Carrier, String>,
    /// The class, where it is worth saying; else that of the code.
    pub(crate) class: Option<u8>,
    /// What people must be able to read in the refusal.
    #[serde(default)]
    pub(crate) says: Vec<String>,
    /// Neither expected nor found is there to be told.
    #[serde(default)]
    pub(crate) bare: bool,
    /// Those on which the fault can exist, where not all that `archive` allows.
    carriers: Option<Vec<Carrier>>,
    /// Arguments of `verifier`; `verify {bundle}`, and then `install {bundle} --root {target}`, where absent.
    pub(crate) command: Option<Vec<String>>,

    /// Payload files before the manifest is made of them.
    #[serde(default)]
    pub(crate) payload: Vec<PayloadEdit>,
    /// The list of chaining values before the manifest is made.
    #[serde(default)]
    pub(crate) chains: Vec<ByteEdit>,
    /// The manifest before it is signed.
    #[serde(default)]
    pub(crate) manifest: Vec<TextEdit>,
    /// Who signs; `builder-1`, where absent.
    signature: Option<Vec<Signature>>,
    /// Leaves the signatures in the order of the case.
    #[serde(default)]
    pub(crate) unsorted: bool,
    /// The slot.
    #[serde(default)]
    pub(crate) slot: Vec<TextEdit>,
    /// Bytes in the slot.
    pub(crate) slot_size: Option<usize>,
    /// The medium, when all is made and signed.
    #[serde(default)]
    pub(crate) archive: Vec<Fault>,
    /// The host.
    #[serde(default)]
    pub(crate) host: Host,
    /// Files that the command names as `{given}/NAME`.
    #[serde(default)]
    pub(crate) given: Vec<Given>,
    /// The folder that is installed beneath.
    #[serde(default)]
    pub(crate) target: Target,
}

/// Other content for a payload file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PayloadEdit {
    pub(crate) file: String,
    pub(crate) content: Option<Bytes>,
    pub(crate) append: Option<Bytes>,
    /// A file of testdata.
    pub(crate) from: Option<String>,
}

/// What the host believes and remembers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Host {
    /// Edits of its trust root.
    #[serde(default)]
    pub(crate) root: Vec<TextEdit>,
    /// The sequence of `base` that was installed last.
    pub(crate) accepted: Option<u64>,
    /// Whether what was installed was this very bundle.
    #[serde(default)]
    pub(crate) same: bool,
    pub(crate) latest_seen: Option<String>,
    /// Files of the state folder that are missing.
    #[serde(default)]
    pub(crate) missing: Vec<String>,
    /// Files of the state folder with other content.
    #[serde(default)]
    pub(crate) files: BTreeMap<String, Bytes>,
}

/// A file that the command line names: bytes, or a root in its envelope.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Given {
    pub(crate) name: String,
    pub(crate) content: Option<Bytes>,
    /// Edits of the root document.
    #[serde(default)]
    pub(crate) root: Vec<TextEdit>,
    /// Who signs the root; alice and bob, where absent.
    pub(crate) signed_by: Option<Vec<String>>,
    /// Edits of the envelope.
    #[serde(default)]
    pub(crate) envelope: Vec<TextEdit>,
}

/// What is wrong with the place of the install.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Target {
    /// Symbolic links: path → where they lead, relative to the target.
    #[serde(default)]
    pub(crate) links: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) files: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) folders: Vec<String>,
    /// Bytes of a file system of its own.
    pub(crate) size: Option<u64>,
    #[serde(default)]
    pub(crate) read_only: bool,
    /// What `size` and `read-only` speak of.
    #[serde(default)]
    pub(crate) of: Place,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Place {
    #[default]
    Target,
    State,
}

impl Case {
    /// Every case of `testdata/bundles/bad`, in the order of their names.
    pub(crate) fn all() -> Vec<Self> {
        let mut folders: Vec<_> =
            fs::read_dir(testdata().join("bundles/bad")).unwrap().map(|item| item.unwrap().path()).collect();
        folders.sort();
        folders.iter().flat_map(|folder| Self::read(folder)).collect()
    }

    fn read(folder: &Path) -> Vec<Self> {
        let name = folder.file_name().unwrap().to_str().unwrap();
        let text = fs::read_to_string(folder.join("case.toml")).unwrap_or_else(|e| panic!("{name}: {e}"));
        let text = text.replace("{long}", LONG);
        let chained = ["big.bin", "chain"].iter().any(|word| text.contains(word));
        let mut table: Table = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let case = |table: Table, suffix: &str| {
            let case: Self = table.try_into().unwrap_or_else(|error| panic!("{name}{suffix}: {error}"));
            Self { name: format!("{name}{suffix}"), chained, ..case }
        };
        let Some(each) = table.remove("each") else { return vec![case(table, "")] };
        let items = each.as_array().unwrap().iter();
        items
            .map(|item| {
                let mut filled = Value::Table(table.clone());
                fill(&mut filled, item);
                let Value::Table(filled) = filled else { unreachable!("it was a table") };
                let shown = format!(" [{item}]").chars().take(60).collect::<String>();
                case(filled, &shown)
            })
            .collect()
    }

    pub(crate) fn signatures(&self) -> Vec<Signature> {
        self.signature.clone().unwrap_or_else(|| vec![Signature::by("builder-1")])
    }

    pub(crate) fn set_signatures(&mut self, signatures: Vec<Signature>) {
        self.signature = Some(signatures);
    }

    /// The carriers that it runs on; only one, where the command names no bundle.
    pub(crate) fn carriers(&self) -> Vec<Carrier> {
        let names_bundle =
            self.command.as_ref().is_none_or(|words| words.iter().any(|word| word == "{bundle}"));
        if !names_bundle {
            return vec![Carrier::File];
        }
        let able = [Carrier::File, Carrier::Folder, Carrier::Stream]
            .into_iter()
            .filter(|carrier| self.archive.iter().all(|fault| fault.carriers().contains(carrier)))
            .collect::<Vec<_>>();
        match &self.carriers {
            None => able,
            Some(named) => {
                assert!(named.iter().all(|carrier| able.contains(carrier)), "{}: cannot be", self.name);
                named.clone()
            }
        }
    }

    pub(crate) fn code_on(&self, carrier: Carrier) -> &str {
        self.expect_on.get(&carrier).unwrap_or(&self.expect)
    }
}

/// Puts an item of `each` where a string says `{each}`; where it says nothing else, of any type.
fn fill(value: &mut Value, item: &Value) {
    match value {
        Value::String(text) if text == "{each}" => *value = item.clone(),
        Value::String(text) => {
            if let Some(item) = item.as_str() {
                *text = text.replace("{each}", item);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|inner| fill(inner, item)),
        Value::Table(table) => table.iter_mut().for_each(|(_, inner)| fill(inner, item)),
        _ => {}
    }
}
