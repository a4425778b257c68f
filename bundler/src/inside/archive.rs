// SPDX-License-Identifier: Apache-2.0
//! A zip that carries one program: what that program says. With several, none speaks for the whole.

use std::io::{self, Read};

use verifier::bytes::{Bytes, FileBytes};
use verifier::signature::Stop;
use verifier::unpack::zip::Archive;
use verifier::unpack::{Bound, EntryKind};

use super::fields::unreadable;
use super::{Inside, program};

/// Members whose first bytes are looked at: what vendors pack beside one program is a handful of texts.
const MAX_LOOKED_AT: usize = 10_000;
/// A program that is unpacked, to a file without a name: the largest of Go have 200 MiB.
const MAX_PROGRAM_BYTES: u64 = 512 * 1024 * 1024;

pub(super) fn read(file: &dyn Bytes) -> Result<Option<Inside>, Stop> {
    let archive = Archive::open(file, Bound::Ratio)?;
    if archive.entries().len() > MAX_LOOKED_AT {
        return Err(unreadable());
    }
    let mut programs = Vec::new();
    for (number, entry) in archive.entries().iter().enumerate() {
        let mut start = [0; 8];
        let Some(mut member) = archive.member(number).filter(|_| entry.kind == EntryKind::File) else {
            continue;
        };
        if entry.size < 8 {
            continue;
        }
        member.read_exact(&mut start)?;
        if program::begins(start) {
            programs.push((number, entry.size, start));
            if programs.len() > 1 {
                return Ok(None);
            }
        }
    }
    let Some((number, size, start)) = programs.pop().filter(|(_, size, _)| *size <= MAX_PROGRAM_BYTES) else {
        return Ok(None);
    };
    let mut member = archive.member(number).ok_or_else(unreadable)?;
    let mut unpacked = tempfile::tempfile()?;
    // To its end, where size and checksum are held.
    if io::copy(&mut member, &mut unpacked)? != size {
        return Err(unreadable());
    }
    program::read(&FileBytes::new(unpacked)?, start)
}
