// SPDX-License-Identifier: Apache-2.0
//! Programs: the build information that Go's linker puts into ELF, PE and Mach-O files, as `go version -m` and
//! the package `debug/buildinfo` read it. What other compilers leave behind names no version.
//!
//! Go 1.18 and later write it in place; before, it was scattered over the program and had to be followed by
//! addresses. Such programs, of 2022 and before, are not read.

mod elf;
mod mach_o;
mod pe;

use manifests::time::Timestamp;
use verifier::bytes::Bytes;
use verifier::signature::Stop;
use verifier::signature::apple::macho;

use super::fields::{Fields, Order, block, unreadable};
use super::{Facts, Inside, claim, claim_of};

/// What is searched for the build information: it stands first in the data, or in a section of its own.
pub const MAX_SEARCHED_BYTES: u64 = 64 * 1024 * 1024;
/// The build information: a line for each module, and programs of a thousand modules have 100 KiB.
pub const MAX_BUILD_INFORMATION_BYTES: usize = 1024 * 1024;

const MAGIC: &[u8; 14] = b"\xff Go buildinf:";
const ALIGNMENT: usize = 16;
const HEADER: u64 = 32;
/// In the header's last flag byte: the texts follow.
const IN_PLACE: u8 = 2;
/// Bytes before and after the text about modules (`cmd/go/internal/modload`, `infoStart` and `infoEnd`).
const SENTINEL: usize = 16;

/// A run of a file in which the build information is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    start: u64,
    length: u64,
}

/// Whether a file that begins like this may be a program.
pub(super) fn begins(start: [u8; 8]) -> bool {
    matches!(start, [0x7f, b'E', b'L', b'F', ..] | [b'M', b'Z', ..]) || macho::recognise(&start).is_some()
}

/// What a program says of itself.
pub(super) fn read(file: &dyn Bytes, start: [u8; 8]) -> Result<Option<Inside>, Stop> {
    if !begins(start) {
        return Ok(None);
    }
    let ranges = match start {
        [0x7f, ..] => vec![elf::range(file)?],
        [b'M', b'Z', ..] => vec![pe::range(file)?],
        _ => mach_o::ranges(file)?,
    };
    let mut all = Vec::new();
    for range in ranges {
        let Some(range) = range else { return Ok(None) };
        let Some((toolchain, modules)) = find(file, range)? else { return Ok(None) };
        all.push(facts(&toolchain, &modules));
    }
    Ok(Inside::new(united(all).unwrap_or_default(), Vec::new()))
}

/// The slices of one program: they must agree on all but what they run on.
fn united(mut all: Vec<Facts>) -> Option<Facts> {
    let arches: Option<Vec<String>> = all.iter().map(|facts| facts.arch.clone()).collect();
    all.iter_mut().for_each(|facts| facts.arch = None);
    let mut all = all.into_iter();
    let first = all.next()?;
    let agree = all.all(|other| other == first);
    agree.then(|| Facts { arch: arches.and_then(|arches| claim(arches.join(","))), ..first })
}

/// The two texts behind the header: Go's version, and what it was built from.
type Texts = (Vec<u8>, Vec<u8>);

/// Where the header stands, and what is behind it.
fn find(file: &dyn Bytes, range: Range) -> Result<Option<Texts>, Stop> {
    const STEP: u64 = 1024 * 1024;
    let length = range.length.min(MAX_SEARCHED_BYTES);
    let mut done = 0_u64;
    while done < length {
        let step = STEP.min(length.saturating_sub(done));
        let at = range.start.checked_add(done).ok_or_else(unreadable)?;
        let bytes = block(file, at, step, STEP)?;
        // Blocks begin at multiples of the alignment, so that no header lies across two.
        let found = bytes.chunks(ALIGNMENT).position(|chunk| chunk.starts_with(MAGIC));
        if let Some(found) = found {
            let within = u64::try_from(found.saturating_mul(ALIGNMENT)).map_err(|_| unreadable())?;
            return texts(file, at.saturating_add(within)).map(Some);
        }
        done = done.saturating_add(step);
    }
    Ok(None)
}

fn texts(file: &dyn Bytes, at: u64) -> Result<Texts, Stop> {
    let header = block(file, at, HEADER, HEADER)?;
    if Fields::new(&header, Order::Little).bytes(15, 1)?.iter().any(|flags| flags & IN_PLACE == 0) {
        return Err(unreadable());
    }
    let (toolchain, after) = text(file, at.saturating_add(HEADER))?;
    let (modules, _) = text(file, after)?;
    Ok((toolchain, modules))
}

/// A length as base-128 number, then so many bytes; and where they end.
fn text(file: &dyn Bytes, at: u64) -> Result<(Vec<u8>, u64), Stop> {
    let available = file.length().saturating_sub(at).min(10);
    let start = block(file, at, available, 10)?;
    let (mut length, mut shift, mut used) = (0_usize, 0_u32, 0_u64);
    for byte in start {
        used = used.saturating_add(1);
        let part = usize::from(byte & 0x7f).checked_shl(shift).unwrap_or(usize::MAX);
        length |= part;
        shift = shift.saturating_add(7);
        if length > MAX_BUILD_INFORMATION_BYTES {
            return Err(unreadable());
        }
        if byte & 0x80 == 0 {
            let from = at.saturating_add(used);
            let size = u64::try_from(length).map_err(|_| unreadable())?;
            return Ok((block(file, from, size, size)?, from.saturating_add(size)));
        }
    }
    Err(unreadable())
}

/// Lines of words with tabs between them (`debug.BuildInfo`, method `String`).
fn facts(toolchain: &[u8], modules: &[u8]) -> Facts {
    let end = modules.len().saturating_sub(SENTINEL);
    let text = modules.get(SENTINEL..end).and_then(|text| std::str::from_utf8(text).ok());
    let mut facts = Facts { toolchain: claim_of(toolchain), ..Facts::default() };
    let (mut system, mut processor) = (None, None);
    for line in text.unwrap_or_default().lines() {
        let words: Vec<&str> = line.split('\t').collect();
        match words.as_slice() {
            // The package; the module says more, and comes later.
            ["path", path] => facts.name = claim(path),
            ["mod", path, version, ..] => {
                facts.name = claim(path);
                // What was built from a working copy has no version.
                facts.version = claim(version).filter(|version| version != "(devel)");
            }
            ["build", setting] => match setting.split_once('=') {
                Some(("GOOS", value)) => system = claim(value),
                Some(("GOARCH", value)) => processor = claim(value),
                Some(("vcs.time", value)) => facts.made_at = Timestamp::parse(value).ok(),
                _ => {}
            },
            _ => {}
        }
    }
    if let (Some(system), Some(processor)) = (system, processor) {
        facts.arch = claim(format!("{system}/{processor}"));
    }
    facts
}

/// A count of entries and their size: how many bytes, within a limit.
fn table(file: &dyn Bytes, at: u64, count: u64, entry: u64) -> Result<Vec<u8>, Stop> {
    /// Sections or segments: programs have some dozens; debuggers' sections for each function some thousands.
    const MAX_TABLE_BYTES: u64 = 4 * 1024 * 1024;
    block(file, at, count.checked_mul(entry).ok_or_else(unreadable)?, MAX_TABLE_BYTES)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_go_writes_them() {
        let lines = "path\texample.org/tool/cmd/tool\nmod\texample.org/tool\tv1.2.3\th1:abc=\n\
                     dep\tother\tv9\nbuild\tGOARCH=arm64\nbuild\tGOOS=linux\nbuild\tvcs.time=2026-01-02T03:04:05Z\n";
        let text = [&[0; 16][..], lines.as_bytes(), &[0; 16]].concat();
        let read = facts(b"go1.26.8", &text);
        assert_eq!(read.name.as_deref(), Some("example.org/tool"));
        assert_eq!(read.version.as_deref(), Some("v1.2.3"));
        assert_eq!(read.arch.as_deref(), Some("linux/arm64"));
        assert_eq!(read.made_at, Timestamp::parse("2026-01-02T03:04:05Z").ok());
        assert_eq!(read.toolchain.as_deref(), Some("go1.26.8"));
        let copy = [&[0; 16][..], b"path\ta\nmod\ta\t(devel)\t\n", &[0; 16]].concat();
        assert_eq!(facts(b"", &copy), Facts { name: Some("a".to_owned()), ..Facts::default() });
    }

    #[test]
    fn slices_that_disagree_say_nothing() {
        let one = |arch: &str, version: &str| Facts {
            arch: Some(arch.to_owned()),
            version: Some(version.to_owned()),
            ..Facts::default()
        };
        let agree = united(vec![one("darwin/amd64", "v1"), one("darwin/arm64", "v1")]).unwrap();
        assert_eq!(agree.arch.as_deref(), Some("darwin/amd64,darwin/arm64"));
        assert_eq!(united(vec![one("darwin/amd64", "v1"), one("darwin/arm64", "v2")]), None);
    }

    #[test]
    fn lengths_beyond_the_limit_or_the_file_are_refused() {
        for bytes in [&[0xff; 10][..], &[0x80], &[5, b'a'], &[0xff, 0xff, 0xff, 0x7f], &[]] {
            assert!(text(&bytes.to_vec(), 0).is_err(), "{bytes:?}");
        }
        assert_eq!(text(&vec![2, b'a', b'b', b'c'], 0).unwrap(), (b"ab".to_vec(), 3));
    }
}
