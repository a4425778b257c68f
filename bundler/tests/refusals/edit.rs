// SPDX-License-Identifier: Apache-2.0
//! The few operations that every fault is made of: on text, and on bytes at a place.

use serde::Deserialize;

/// Bytes as a case writes them: a string, or parts that are joined.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Bytes {
    Plain(String),
    Parts(Vec<Part>),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Part {
    Plain(String),
    /// `{index}` in the text counts from 0.
    Repeat {
        repeat: String,
        times: usize,
    },
    Hex {
        hex: String,
    },
}

impl Bytes {
    pub(crate) fn get(&self) -> Vec<u8> {
        match self {
            Self::Plain(text) => text.clone().into_bytes(),
            Self::Parts(parts) => parts.iter().flat_map(Part::get).collect(),
        }
    }
}

impl Part {
    fn get(&self) -> Vec<u8> {
        match self {
            Self::Plain(text) => text.clone().into_bytes(),
            Self::Repeat { repeat, times } => {
                (0..*times).flat_map(|at| repeat.replace("{index}", &at.to_string()).into_bytes()).collect()
            }
            Self::Hex { hex } => unhex(hex),
        }
    }
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

/// An edit of a text: the first occurrence, or all of them; or at its ends.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TextEdit {
    replace: Option<String>,
    with: Option<Bytes>,
    #[serde(default)]
    all: bool,
    prepend: Option<Bytes>,
    append: Option<Bytes>,
}

impl TextEdit {
    /// Panics where nothing is found to replace: such a case would test nothing.
    pub(crate) fn apply(&self, text: &mut Vec<u8>) {
        if let Some(old) = &self.replace {
            let new = self.with.as_ref().map(Bytes::get).unwrap_or_default();
            let mut at = 0;
            let mut found = 0;
            while let Some(next) = text[at..].windows(old.len()).position(|part| part == old.as_bytes()) {
                let start = at + next;
                text.splice(start..start + old.len(), new.iter().copied());
                at = start + new.len();
                found += 1;
                if !self.all {
                    break;
                }
            }
            assert!(found > 0, "nothing to replace: {old}");
        }
        if let Some(more) = &self.prepend {
            text.splice(0..0, more.get());
        }
        if let Some(more) = &self.append {
            text.extend(more.get());
        }
    }
}

/// An edit of bytes at an offset; a negative one counts from the end.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ByteEdit {
    #[serde(default)]
    offset: i64,
    xor: Option<u8>,
    write: Option<Bytes>,
    insert: Option<Bytes>,
    remove: Option<usize>,
    /// Exchanges this many bytes with as many behind them.
    swap: Option<usize>,
}

impl ByteEdit {
    pub(crate) fn apply(&self, bytes: &mut Vec<u8>) {
        let before = bytes.clone();
        let at = match usize::try_from(self.offset) {
            Ok(at) => at,
            Err(_) => bytes.len() - usize::try_from(-self.offset).unwrap(),
        };
        if let Some(mask) = self.xor {
            bytes[at] ^= mask;
        }
        if let Some(new) = &self.write {
            let new = new.get();
            bytes[at..at + new.len()].copy_from_slice(&new);
        }
        if let Some(count) = self.remove {
            bytes.drain(at..at + count);
        }
        if let Some(new) = &self.insert {
            bytes.splice(at..at, new.get());
        }
        if let Some(count) = self.swap {
            let (front, back) = bytes[at..at + 2 * count].split_at_mut(count);
            front.swap_with_slice(back);
        }
        assert_ne!(*bytes, before, "an edit that changes nothing");
    }
}
