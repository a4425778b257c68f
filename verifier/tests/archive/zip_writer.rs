// SPDX-License-Identifier: Apache-2.0
//! Writes zips, honest ones and others: each field can be told to lie.

use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;

/// How the data descriptor is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Descriptor {
    None,
    Narrow,
    NarrowSigned,
    Wide,
    WideSigned,
}

/// One entry.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) name: Vec<u8>,
    pub(crate) content: Vec<u8>,
    pub(crate) deflated: bool,
    /// Upper half of the external attributes, of host Unix.
    pub(crate) mode: u32,
    pub(crate) descriptor: Descriptor,
    pub(crate) local_extra: Vec<u8>,
    pub(crate) central_extra: Vec<u8>,
    /// Packed bytes instead of those that follow from the content.
    pub(crate) packed: Option<Vec<u8>>,
    /// Bytes after it that belong to nobody.
    pub(crate) after: Vec<u8>,
}

/// A plain file, deflated.
pub(crate) fn file(name: &str, content: &[u8]) -> File {
    File {
        name: name.into(),
        content: content.into(),
        deflated: true,
        mode: 0o100_644,
        descriptor: Descriptor::None,
        local_extra: Vec::new(),
        central_extra: Vec::new(),
        packed: None,
        after: Vec::new(),
    }
}

/// A symbolic link.
pub(crate) fn link(name: &str, target: &str) -> File {
    File { mode: 0o120_777, deflated: false, ..file(name, target.as_bytes()) }
}

/// The archive, and where its parts begin.
#[derive(Clone, Debug, Default)]
pub(crate) struct Zip {
    pub(crate) bytes: Vec<u8>,
    pub(crate) locals: Vec<usize>,
    pub(crate) data: Vec<std::ops::Range<usize>>,
    pub(crate) centrals: Vec<usize>,
    pub(crate) directory: usize,
    pub(crate) end: usize,
}

impl Zip {
    /// The archive with other bytes at a place.
    pub(crate) fn with(&self, at: usize, bytes: &[u8]) -> Vec<u8> {
        let mut all = self.bytes.clone();
        all[at..at + bytes.len()].copy_from_slice(bytes);
        all
    }
}

pub(crate) fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

pub(crate) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An extra field.
pub(crate) fn extra(id: u16, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap();
    [&id.to_le_bytes()[..], &length.to_le_bytes(), body].concat()
}

fn u16s(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn u32s(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn short(length: usize) -> u16 {
    u16::try_from(length).unwrap()
}

fn long(length: usize) -> u32 {
    u32::try_from(length).unwrap()
}

/// Writes the entries, and a comment behind them.
pub(crate) fn zip(files: &[File], comment: &[u8]) -> Zip {
    let mut zip = Zip::default();
    let mut directory = Vec::new();
    for file in files {
        let packed = file
            .packed
            .clone()
            .unwrap_or_else(|| if file.deflated { deflate(&file.content) } else { file.content.clone() });
        let streamed = file.descriptor != Descriptor::None;
        let common = u16s(&[if streamed { 8 } else { 0 }, if file.deflated { 8 } else { 0 }, 0x6000, 0x5b7d]);
        let sums = [crc(&file.content), long(packed.len()), long(file.content.len())];
        zip.locals.push(zip.bytes.len());
        zip.bytes.extend([&b"PK\x03\x04\x14\0"[..], &common].concat());
        zip.bytes.extend(u32s(&if streamed { [0; 3] } else { sums }));
        zip.bytes.extend(u16s(&[short(file.name.len()), short(file.local_extra.len())]));
        zip.bytes.extend([&file.name[..], &file.local_extra].concat());
        zip.data.push(zip.bytes.len()..zip.bytes.len() + packed.len());
        zip.bytes.extend(&packed);
        let wide = [
            &sums[0].to_le_bytes()[..],
            &u64::from(sums[1]).to_le_bytes(),
            &u64::from(sums[2]).to_le_bytes(),
        ];
        let signature = b"PK\x07\x08".to_vec();
        zip.bytes.extend(match file.descriptor {
            Descriptor::None => Vec::new(),
            Descriptor::Narrow => u32s(&sums),
            Descriptor::NarrowSigned => [signature, u32s(&sums)].concat(),
            Descriptor::Wide => wide.concat(),
            Descriptor::WideSigned => [signature, wide.concat()].concat(),
        });
        zip.bytes.extend(&file.after);
        zip.centrals.push(directory.len());
        directory.extend([&b"PK\x01\x02\x14\x03\x14\0"[..], &common].concat());
        directory.extend(u32s(&sums));
        directory.extend(u16s(&[short(file.name.len()), short(file.central_extra.len()), 0, 0, 0]));
        directory.extend(u32s(&[file.mode << 16, long(*zip.locals.last().unwrap())]));
        directory.extend([&file.name[..], &file.central_extra].concat());
    }
    zip.directory = zip.bytes.len();
    zip.centrals.iter_mut().for_each(|at| *at += zip.directory);
    zip.bytes.extend(&directory);
    zip.end = zip.bytes.len();
    let count = short(files.len());
    zip.bytes.extend([&b"PK\x05\x06"[..], &u16s(&[0, 0, count, count])].concat());
    zip.bytes.extend(u32s(&[long(directory.len()), long(zip.directory)]));
    zip.bytes.extend([&u16s(&[short(comment.len())])[..], comment].concat());
    zip
}
