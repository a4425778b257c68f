// SPDX-License-Identifier: Apache-2.0
//! Writes tars, honest ones and others.

/// The two blocks at the end.
pub(crate) const END: [u8; 1024] = [0; 1024];

/// A ustar header with its checksum.
pub(crate) fn header(kind: u8, name: &[u8], link: &[u8], size: usize) -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..name.len()].copy_from_slice(name);
    block[100..108].copy_from_slice(b"0000644\0");
    block[108..116].copy_from_slice(b"0000000\0");
    block[116..124].copy_from_slice(b"0000000\0");
    block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    block[136..148].copy_from_slice(b"00000000000\0");
    block[156] = kind;
    block[157..157 + link.len()].copy_from_slice(link);
    block[257..265].copy_from_slice(b"ustar\x0000");
    summed(block)
}

/// The header with the checksum that fits it.
pub(crate) fn summed(mut block: Vec<u8>) -> Vec<u8> {
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block[..512].iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// A header changed by hand, with its checksum.
pub(crate) fn changed(mut block: Vec<u8>, at: usize, bytes: &[u8]) -> Vec<u8> {
    block[at..at + bytes.len()].copy_from_slice(bytes);
    summed(block)
}

/// Content filled up to whole blocks.
pub(crate) fn blocks(content: &[u8]) -> Vec<u8> {
    let mut bytes = content.to_vec();
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

pub(crate) fn file(name: &str, content: &[u8]) -> Vec<u8> {
    entry(b'0', name, content)
}

pub(crate) fn entry(kind: u8, name: &str, content: &[u8]) -> Vec<u8> {
    [header(kind, name.as_bytes(), b"", content.len()), blocks(content)].concat()
}

pub(crate) fn link(kind: u8, name: &str, target: &str) -> Vec<u8> {
    header(kind, name.as_bytes(), target.as_bytes(), 0)
}

/// A pax record with its own length in front.
pub(crate) fn record(key: &str, value: &str) -> Vec<u8> {
    let rest = format!(" {key}={value}\n");
    let mut length = rest.len();
    while length != rest.len() + length.to_string().len() {
        length = rest.len() + length.to_string().len();
    }
    format!("{length}{rest}").into_bytes()
}

/// A pax header of these records, for the next entry (`x`) or all (`g`).
pub(crate) fn pax(kind: u8, records: &[u8]) -> Vec<u8> {
    entry(kind, "PaxHeaders/0", records)
}
