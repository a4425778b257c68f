// SPDX-License-Identifier: Apache-2.0
//! Single bytes changed, thousands of them. What is still taken must be read the same by Python.
//!
//! Python is more liberal, so of what we refuse nothing is asked of it.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use verifier::unpack::{Entry, EntryKind};

use super::oracle::has;
use super::tar_writer::{self, END, pax, record};
use super::zip_writer::{Descriptor, File, extra, file, link, zip};
use super::{gzip, read_gzip, read_tar, read_zip};

/// Each entry as a line: kind, path, target or size, and content in hex.
fn listing(entries: &[(Entry, Vec<u8>)]) -> String {
    let mut text = String::new();
    for (entry, content) in entries {
        let (kind, more) = match &entry.kind {
            EntryKind::File => {
                ("file", content.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}")))
            }
            EntryKind::Directory => ("folder", String::new()),
            EntryKind::Symlink(target) | EntryKind::Hardlink(target) => ("link", target.to_string()),
        };
        writeln!(text, "{kind} {} {more}", entry.path).unwrap();
    }
    text
}

const PYTHON: &str = r#"
import os, stat, sys, tarfile, zipfile
def line(kind, path, more=''):
    parts = [p for p in path.split('/') if p not in ('', '.')]
    return f"{kind} {'/'.join(parts)} {more}\n"
def of_zip(path):
    out = ''
    with zipfile.ZipFile(path) as z:
        for i in z.infolist():
            mode = i.external_attr >> 16
            if stat.S_ISLNK(mode): out += line('link', i.filename, z.read(i).decode())
            elif i.is_dir(): out += line('folder', i.filename)
            else: out += line('file', i.filename, z.read(i).hex())
    return out
def of_tar(path):
    out = ''
    with tarfile.open(path, 'r:', encoding='utf-8') as t:
        for i in t:
            if i.issym(): out += line('link', i.name, i.linkname)
            elif i.islnk(): out += line('link', i.name, '/'.join(p for p in i.linkname.split('/') if p not in ('', '.')))
            elif i.isdir(): out += line('folder', i.name)
            else: out += line('file', i.name, t.extractfile(i).read().hex())
    return out
wrong = 0
for name in sorted(os.listdir('.')):
    if name.endswith('.txt'): continue
    try: found = (of_zip if name.endswith('.zip') else of_tar)(name)
    except Exception as e: found = repr(e)
    if found != open(name + '.txt', encoding='utf-8', newline='').read():
        wrong += 1
        print(name, found[:300])
sys.exit(1 if wrong else 0)
"#;

/// Changes each byte of `good` in several ways; keeps what is still taken, with what we read in it.
fn accepted(
    good: &[u8],
    folder: &Path,
    kind: &str,
    read: impl Fn(&[u8]) -> Option<Vec<(Entry, Vec<u8>)>>,
) -> (usize, usize) {
    let (mut tried, mut taken) = (0, 0);
    for at in 0..good.len() {
        for change in [0x01, 0x80, 0xff, good[at], good[at] ^ 0x20] {
            if change == 0 {
                continue;
            }
            let mut bytes = good.to_vec();
            bytes[at] ^= change;
            tried += 1;
            if let Some(entries) = read(&bytes) {
                taken += 1;
                let name = format!("{at:05}-{change:02x}.{kind}");
                fs::write(folder.join(&name), &bytes).unwrap();
                fs::write(folder.join(name + ".txt"), listing(&entries)).unwrap();
            }
        }
    }
    (tried, taken)
}

fn compare(folder: &Path) {
    if !has("python3") {
        return;
    }
    let done = Command::new("python3").args(["-c", PYTHON]).current_dir(folder).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "Python reads something else:\n{out}{err}");
}

#[test]
fn changed_zips_are_refused_or_read_alike() {
    let good = zip(
        &[
            file("docs/a.txt", b"some text, some text, some text"),
            File { deflated: false, descriptor: Descriptor::NarrowSigned, ..file("b", b"stored") },
            File {
                central_extra: extra(0x5455, &[1, 2, 3, 4, 5]),
                mode: 0o100_755,
                ..file("bin/tool", &[7; 300])
            },
            link("l", "docs/a.txt"),
            File { mode: 0o040_755, deflated: false, ..file("empty/", b"") },
        ],
        b"a comment",
    );
    let folder = tempfile::tempdir().unwrap();
    let (tried, taken) = accepted(&good.bytes, folder.path(), "zip", |bytes| read_zip(bytes).ok());
    assert!(tried > 2_000, "{tried}");
    // Versions, attributes, times in extra fields, the comment: a tenth of this small file.
    assert!(taken > 0 && taken < tried / 5, "{taken} of {tried}");
    compare(folder.path());
}

#[test]
fn changed_tars_are_refused_or_read_alike() {
    let good = [
        tar_writer::entry(b'5', "d/", b""),
        tar_writer::file("d/a", b"some text"),
        pax(b'x', &[record("path", &"n".repeat(120)), record("mtime", "1.5")].concat()),
        tar_writer::file(&"n".repeat(100), b"more"),
        tar_writer::link(b'2', "l", "d/a"),
        END.to_vec(),
    ]
    .concat();
    let folder = tempfile::tempdir().unwrap();
    let (tried, taken) = accepted(&good, folder.path(), "tar", |bytes| read_tar(bytes).ok());
    assert!(tried > 2_000, "{tried}");
    // A tar has no sum over its content, and pads with what nobody reads.
    assert!(taken < tried, "{taken} of {tried}");
    compare(folder.path());
}

#[test]
fn changed_gzips_are_refused_or_hold_the_same() {
    let plain: Vec<u8> = (0..2000_u32).flat_map(|n| (n * n % 97).to_le_bytes()).collect();
    let good = [gzip::member(0x08, b"name\0", &plain), gzip::member(0, b"", b"second")].concat();
    let wanted = [&plain[..], b"second"].concat();
    let mut tried = 0;
    for at in 0..good.len() {
        for change in 1..=255 {
            let mut bytes = good.clone();
            bytes[at] ^= change;
            tried += 1;
            // Time, system and name are not summed.
            if let Ok(found) = read_gzip(&bytes) {
                assert!(found == wanted, "{at} {change}");
            }
        }
    }
    assert!(tried > 2_000, "{tried}");
}
