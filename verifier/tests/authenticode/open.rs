// SPDX-License-Identifier: Apache-2.0
//! The fields that signatures leave open, each with its clause.

use std::ops::Range;

/// A structure of DER: where it begins and ends, where its content begins, its place in the outer ones.
struct Node {
    place: Vec<usize>,
    start: usize,
    content: usize,
    end: usize,
}

/// The first SignedData (1.2.840.113549.1.7.2) in a file, with all that it holds.
fn nodes(bytes: &[u8]) -> Vec<Node> {
    let id = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
    let at = bytes.windows(id.len()).position(|window| window == id).unwrap();
    // Its SEQUENCE has a length of two bytes.
    let mut found = Vec::new();
    walk(bytes, at - 4, &mut Vec::new(), &mut found);
    found
}

fn walk(bytes: &[u8], start: usize, place: &mut Vec<usize>, found: &mut Vec<Node>) -> usize {
    let (tag, first) = (bytes[start], bytes[start + 1]);
    let (content, length) = match first {
        0x81 => (start + 3, usize::from(bytes[start + 2])),
        0x82 => (start + 4, usize::from(u16::from_be_bytes([bytes[start + 2], bytes[start + 3]]))),
        short => (start + 2, usize::from(short)),
    };
    let end = content + length;
    found.push(Node { place: place.clone(), start, content, end });
    if tag & 0x20 != 0 {
        let (mut at, mut child) = (content, 0);
        while at < end {
            place.push(child);
            at = walk(bytes, at, place, found);
            place.pop();
            child += 1;
        }
    }
    end
}

/// Where in the SignedData a position lies, for people.
pub(crate) fn place_in_cms(bytes: &[u8], at: usize) -> String {
    let nodes = nodes(bytes);
    let inner = nodes.iter().rev().find(|node| (node.start..node.end).contains(&at));
    inner.map_or_else(String::new, |node| format!("{:?}+{}", node.place, at - node.start))
}

/// What CMS leaves open, in a SignedData and in the timestamp's within:
/// - RFC 5652 §5.1 `digestAlgorithms`: a hint for programs that read in one pass;
/// - §5.1 `certificates`: the timestamp's signer comes twice from osslsigncode, so that each copy is idle
///   beside the other;
/// - §5.1 and §5.3 `version`: what it says stands in the structure too, and old signers write 0;
/// - §5.3 `sid`: an issuer's name is compared without regard to case (RFC 5280 §7.1). It is not signed; the
///   key that it leads to decides.
pub(crate) fn in_cms(bytes: &[u8]) -> Vec<Range<usize>> {
    let nodes = nodes(bytes);
    let node = |place: &[usize]| nodes.iter().find(|node| node.place == place);
    let mut open = Vec::new();
    // The token: unsigned attributes of the signer, the first one's value.
    let token = [1, 0, 4, 0, 6, 0, 1, 0];
    for base in [&[][..], &token] {
        let at = |more: &[usize]| node(&[base, more].concat());
        open.extend(at(&[1, 0, 1]).map(|node| node.content..node.end));
        open.extend(at(&[1, 0, 0]).map(|node| node.content..node.end));
        open.extend(at(&[1, 0, 4, 0, 0]).map(|node| node.content..node.end));
        open.extend(at(&[1, 0, 4, 0, 1, 0]).map(|node| node.content..node.end));
    }
    let copies = |number| node(&[&token[..], &[1, 0, 3, number]].concat());
    if let (Some(one), Some(other)) = (copies(0), copies(1))
        && bytes[one.start..one.end] == bytes[other.start..other.end]
    {
        open.extend([one.start..one.end, other.start..other.end]);
    }
    open
}

/// What a signature of a compound file with `MsiDigitalSignatureEx` leaves open (version 3, one sector each
/// of allocation table and mini allocation table).
pub(crate) fn in_compound_file(bytes: &[u8]) -> Vec<Range<usize>> {
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let sector = |number: usize| (number + 1) * 512;
    let fat = |place: usize| sector(number(76)) + place * 4;
    let chain = |table: &dyn Fn(usize) -> usize, start: usize| {
        let next = |at: &usize| Some(number(table(*at))).filter(|next| *next < 0xffff_fff0);
        std::iter::successors(Some(start).filter(|start| *start < 0xffff_fff0), next).collect::<Vec<_>>()
    };
    assert_eq!(number(44), 1, "one sector of allocation table");
    // MS-CFB 2.2: class id and minor version, reserved, directory sectors (version 4), transaction, and the
    // counts of sectors whose chains say how many they are.
    let mut open = vec![8..26, 34..44, 52..56, 64..68, 72..76];
    // 2.3: entries of sectors that are free, and those of the tables themselves.
    let sectors = bytes.len() / 512 - 1;
    open.extend([fat(sectors)..fat(128), fat(number(76))..fat(number(76) + 1)]);
    // 2.4: entries of mini sectors that are free.
    let mini_fat = chain(&fat, number(60));
    let mini = |place: usize| sector(mini_fat[place / 128]) + place % 128 * 4;
    open.extend(
        (0..mini_fat.len() * 128)
            .filter(|place| number(mini(*place)) == 0xffff_ffff)
            .map(|place| mini(place)..mini(place) + 4),
    );
    let directory = chain(&fat, number(48));
    let entries: Vec<usize> =
        directory.iter().flat_map(|at| (0..4).map(move |place| (at + 1) * 512 + place * 128)).collect();
    let mini_stream = chain(&fat, number(entries[0] + 116));
    let mini_sector = |place: usize| sector(mini_stream[place * 64 / 512]) + place * 64 % 512;
    // 2.4: what the mini stream's last sector has behind it, and mini sectors that are free.
    let used = number(entries[0] + 120);
    open.push(
        sector(*mini_stream.last().unwrap()) + (used + 511) % 512 + 1
            ..sector(mini_stream.last().unwrap() + 1),
    );
    for entry in entries {
        let (length, kind, size) = (usize::from(bytes[entry + 64]), bytes[entry + 66], number(entry + 120));
        // 2.6.1: behind the name; the colour; a stream's class id; the upper half of its length.
        open.extend([entry + length..entry + 64, entry + 67..entry + 68, entry + 124..entry + 128]);
        let name = &bytes[entry..entry + length];
        let of_signature =
            name.starts_with(&[5, 0, b'D', 0]) || name.starts_with(&[5, 0, b'M', 0, b's', 0, b'i', 0]);
        match kind {
            0 => open.extend([entry..entry + 66, entry + 67..entry + 128]),
            1 => open.push(entry + 116..entry + 128),
            2 if of_signature => open.push(entry + 80..entry + 116),
            2 => open.push(entry + 80..entry + 96),
            // The root's name and times.
            _ => open.extend([entry..entry + 64, entry + 100..entry + 116]),
        }
        // Behind a stream's end, in its last sector.
        if kind == 2 && size >= 4096 {
            let last = *chain(&fat, number(entry + 116)).last().unwrap();
            open.push(sector(last) + (size + 511) % 512 + 1..sector(last + 1));
        } else if kind == 2 && size > 0 {
            let last = *chain(&mini, number(entry + 116)).last().unwrap();
            open.push(mini_sector(last) + (size + 63) % 64 + 1..mini_sector(last) + 64);
        }
    }
    open
}
