// SPDX-License-Identifier: Apache-2.0
//! Archives that independent programs write, read by them and by us. A program that is missing is named.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use verifier::unpack::{Entry, EntryKind};

use super::{read_gzip, read_tar, read_zip};

/// Whether a program is there; said aloud where not.
pub(crate) fn has(program: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok();
    if !there {
        eprintln!("SKIPPED: {program} is not installed");
    }
    there
}

fn run(folder: &Path, command: &str) -> bool {
    Command::new("sh").arg("-c").arg(command).current_dir(folder).output().unwrap().status.success()
}

/// A tree such as vendors pack: plain names, links inside, an empty file and folder, something large.
fn tree() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join("t").join(path);
    fs::create_dir_all(at("bin/deep/er")).unwrap();
    fs::create_dir_all(at("empty")).unwrap();
    fs::write(at("bin/tool"), (0..300_000_u32).flat_map(|n| (n % 251).to_le_bytes()).collect::<Vec<_>>())
        .unwrap();
    fs::write(at("bin/nothing"), b"").unwrap();
    fs::write(at("README ünï.txt"), b"read me\n").unwrap();
    fs::write(at("bin/deep/er").join("n".repeat(180)), b"long name").unwrap();
    std::os::unix::fs::symlink("../bin/tool", at("empty/link")).unwrap();
    fs::hard_link(at("bin/tool"), at("bin/tool2")).unwrap();
    folder
}

/// What lies in a folder: files with content, links with targets, folders.
fn on_disk(folder: &Path, below: &str, into: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{below}{}", path.file_name().unwrap().to_str().unwrap());
        let kind = path.symlink_metadata().unwrap();
        if kind.is_symlink() {
            into.insert(name, format!("-> {}", fs::read_link(&path).unwrap().display()).into_bytes());
        } else if kind.is_dir() {
            into.insert(format!("{name}/"), Vec::new());
            on_disk(&path, &format!("{name}/"), into);
        } else {
            into.insert(name, fs::read(&path).unwrap());
        }
    }
}

/// The same of what we read.
fn as_read(entries: Vec<(Entry, Vec<u8>)>) -> BTreeMap<String, Vec<u8>> {
    let mut all: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (entry, content) in entries.into_iter().filter(|(entry, _)| !entry.path.is_empty()) {
        let path = entry.path.into_string();
        match entry.kind {
            EntryKind::File => all.insert(path, content),
            EntryKind::Directory => all.insert(format!("{path}/"), Vec::new()),
            EntryKind::Symlink(target) => all.insert(path, format!("-> {target}").into_bytes()),
            EntryKind::Hardlink(first) => {
                let content = all[&*first].clone();
                all.insert(path, content)
            }
        };
    }
    all
}

fn expected(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    on_disk(&folder.join("t"), "", &mut all);
    all
}

#[test]
fn tars_of_other_writers_are_what_was_packed() {
    let folder = tree();
    let wanted = expected(folder.path());
    let python = "python3 -c \"import tarfile; t = tarfile.open('a.tar', 'w', format=tarfile.FORMAT_FORMAT); t.add('t', arcname='.'); t.close()\"";
    let mut seen = 0;
    for (program, command) in [
        ("tar", "tar --format=gnu -C t -cf a.tar .".to_owned()),
        ("tar", "tar --format=pax -C t -cf a.tar .".to_owned()),
        ("tar", "tar --format=posix --sparse -C t -cf a.tar .".to_owned()),
        ("tar", "tar --format=oldgnu -C t -cf a.tar .".to_owned()),
        ("bsdtar", "bsdtar --format=pax -C t -cf a.tar .".to_owned()),
        ("bsdtar", "bsdtar --format=gnutar -C t -cf a.tar .".to_owned()),
        ("python3", python.replace("FORMAT_FORMAT", "PAX_FORMAT")),
        ("python3", python.replace("FORMAT_FORMAT", "GNU_FORMAT")),
    ] {
        if !has(program) {
            continue;
        }
        assert!(run(folder.path(), &command), "{command}");
        let bytes = fs::read(folder.path().join("a.tar")).unwrap();
        let read = as_read(read_tar(&bytes).unwrap_or_else(|error| panic!("{command}: {error:?}")));
        assert_eq!(read.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>(), "{command}");
        assert!(read == wanted, "{command}: other content");
        seen += 1;
    }
    assert!(seen > 0 || !has("tar"));
}

#[test]
fn zips_of_other_writers_are_what_was_packed() {
    let folder = tree();
    let mut wanted = expected(folder.path());
    let python = "python3 -c \"import zipfile, os
z = zipfile.ZipFile('a.zip', 'w', zipfile.METHOD)
for d, ds, fs in os.walk('t'):
    for n in sorted(ds + fs):
        p = os.path.join(d, n)
        if not os.path.islink(p): z.write(p, os.path.relpath(p, 't'))
z.close()\"";
    let mut seen = 0;
    for (program, command) in [
        ("zip", "rm -f a.zip; cd t; zip -qry ../a.zip .".to_owned()),
        ("zip", "rm -f a.zip; cd t; zip -qry0 ../a.zip .".to_owned()),
        // From and to a pipe: data descriptors.
        ("zip", "rm -f a.zip; cd t; zip -qry - . | cat > ../a.zip".to_owned()),
        ("bsdtar", "bsdtar --format=zip -C t -cf a.zip .".to_owned()),
        ("python3", python.replace("METHOD", "ZIP_DEFLATED")),
        ("python3", python.replace("METHOD", "ZIP_STORED")),
    ] {
        if !has(program) {
            continue;
        }
        if program == "python3" {
            wanted.remove("empty/link");
        }
        assert!(run(folder.path(), &command), "{command}");
        let bytes = fs::read(folder.path().join("a.zip")).unwrap();
        let read = as_read(read_zip(&bytes).unwrap_or_else(|error| panic!("{command}: {error:?}")));
        assert_eq!(read.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>(), "{command}");
        assert!(read == wanted, "{command}: other content");
        if has("unzip") {
            assert!(run(folder.path(), "unzip -tq a.zip"), "{command}");
        }
        seen += 1;
    }
    assert!(seen > 0 || !has("zip"));
}

#[test]
fn gzips_of_other_writers_are_what_was_packed() {
    if !has("gzip") {
        return;
    }
    let folder = tree();
    let wanted = fs::read(folder.path().join("t/bin/tool")).unwrap();
    for command in [
        "gzip -9 -c t/bin/tool > a.gz",
        "gzip -1 -n -c t/bin/tool > a.gz",
        "head -c 1000 t/bin/tool | gzip > a.gz; tail -c +1001 t/bin/tool | gzip >> a.gz",
        "python3 -c \"import gzip; gzip.open('a.gz', 'wb').write(open('t/bin/tool', 'rb').read())\" || gzip -c t/bin/tool > a.gz",
    ] {
        assert!(run(folder.path(), command), "{command}");
        assert!(run(folder.path(), "gzip -tq a.gz"));
        let bytes = fs::read(folder.path().join("a.gz")).unwrap();
        assert!(read_gzip(&bytes).unwrap() == wanted, "{command}");
        // gzip warns of bytes after the end (exit 2) and refuses a wrong sum, as we do both.
        for (change, ours) in [(bytes.len() - 8, bytes[bytes.len() - 8] ^ 1), (3, 0xe0)] {
            let mut bad = bytes.clone();
            bad[change] = ours;
            fs::write(folder.path().join("bad.gz"), &bad).unwrap();
            assert!(read_gzip(&bad).is_err() && !run(folder.path(), "gzip -tq bad.gz"), "{change}");
        }
        let longer = [&bytes[..], b"tail"].concat();
        fs::write(folder.path().join("bad.gz"), &longer).unwrap();
        assert!(read_gzip(&longer).is_err() && !run(folder.path(), "gzip -t bad.gz"));
    }
}
