// SPDX-License-Identifier: Apache-2.0
//! One artifact of each kind of vendor evidence, from the vendors' own tools by recipe, lock and bundle to the
//! isolated side's verdict, on every carrier; and none of them once a byte is another.
#![allow(clippy::unwrap_used, reason = "a test that cannot prepare its folder has failed")]

use std::fs::{self, File};
use std::io::Cursor;
use std::path::Path;
use std::process::{Command, Output};

use manifests::evidence::Verdict;
use verifier::archive::reader::Archive;
use verifier::contents::{self, Nowhere, Proof};
use verifier::error::Refusal;
use verifier::media::folder::Folder;
use verifier::media::{Carrier, Medium};
use verifier::signature::approve::{Basis, Vendors, approve};
use verifier::trust::{Claim, UnsignedManifest};

const TOOLS: [&str; 10] =
    ["ar", "dpkg-deb", "gpg", "openssl", "osslsigncode", "python3", "rpmbuild", "rpmsign", "wixl", "zip"];

/// The artifacts of the recipe, and the kind of evidence that each carries.
const KINDS: [(&str, &str); 10] = [
    ("zip", "zip-member"),
    ("rpm", "rpm"),
    ("deb", "deb"),
    ("apt", "apt-deb"),
    ("msi", "authenticode"),
    ("msi-by-leaf", "authenticode"),
    ("pkg", "apple-pkg"),
    ("macho", "apple-code"),
    ("macho-zip", "apple-code"),
    ("msi-zip", "authenticode"),
];

/// What the artifacts say of themselves, in the order of the lock: name, version, architecture, product code.
const INSIDE: [(&str, &str); 6] = [
    ("apt", "tool 1.2-3 all"),
    ("deb", "tool 1.2-3 all"),
    ("msi", "Tool 1.2.3 Intel {5D3C1F5E-7B0A-4C1E-9A55-000000000001}"),
    ("msi-by-leaf", "Tool 1.2.3 Intel {5D3C1F5E-7B0A-4C1E-9A55-000000000001}"),
    ("pkg", "org.example.tool 1.2.3"),
    ("rpm", "tool 1.2-3 noarch"),
];

/// A folder with all artifacts and the recipe; none where a tool is missing, which is said aloud.
fn made() -> Option<tempfile::TempDir> {
    let on_path = |tool: &&&str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(tool).is_file())
    };
    let missing: Vec<_> = TOOLS.iter().filter(|tool| !on_path(tool)).collect();
    if !missing.is_empty() {
        eprintln!("SKIPPED: {missing:?} not installed here");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/make/vendors");
    let done = Command::new(script).arg(folder.path()).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Some(folder)
}

fn bundler(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bundler")).args(arguments).current_dir(folder).output().unwrap()
}

fn good(folder: &Path, arguments: &[&str]) {
    let done = bundler(folder, arguments);
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// The kind of evidence that was good for each artifact.
fn approved(carrier: Carrier) -> Result<Vec<(String, &'static str)>, Refusal> {
    let archive = Archive::open(Medium { name: "bundle".to_owned(), carrier })?;
    let claim = UnsignedManifest::read(archive.manifest())?;
    let now = claim.manifest().bundle().created;
    let proof = Proof { sink: &Nowhere, watch: &Vendors { now }, progress: &|_| {} };
    let approved = approve(contents::prove(archive, claim, proof)?, now)?;
    let one = |approval: &verifier::signature::approve::Approval| match &approval.basis {
        Basis::Vendor(evidence) => {
            let [(_, evidence)] = evidence.as_slice() else { panic!("{evidence:?}") };
            assert_eq!(evidence.verdict, Verdict::Good);
            assert!(!evidence.covers.is_empty() && evidence.signer.is_some(), "{evidence:?}");
            (approval.name.as_str().to_owned(), evidence.kind)
        }
        Basis::Unsigned(reason) => panic!("{}: {reason}", approval.name),
    };
    Ok(approved.approvals().iter().map(one).collect())
}

#[test]
fn every_kind_goes_all_the_way_on_every_carrier() {
    let Some(folder) = made() else { return };
    let path = folder.path();
    good(path, &["lock"]);
    let lock = fs::read_to_string(path.join("bundle.lock")).unwrap();
    for (_, kind) in KINDS {
        assert!(lock.contains(&format!("kind = \"{kind}\"")), "{kind}: {lock}");
    }
    assert_eq!(inside(&lock), INSIDE.map(|(name, facts)| (name.to_owned(), facts.to_owned())));
    good(path, &["lock"]);
    assert_eq!(lock, fs::read_to_string(path.join("bundle.lock")).unwrap(), "a lock is the same tomorrow");
    good(path, &["build"]);
    let bundle = path.join("vendors-1.0.bundle.tar");
    let expected: Vec<_> = KINDS.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect();

    let file = File::open(&bundle).unwrap();
    let length = file.metadata().unwrap().len();
    assert_eq!(approved(Carrier::File { file, length }).unwrap(), expected);
    let stream = Cursor::new(fs::read(&bundle).unwrap());
    assert_eq!(approved(Carrier::Stream(Box::new(stream))).unwrap(), expected);
    tar::Archive::new(File::open(&bundle).unwrap()).unpack(path.join("disc")).unwrap();
    let disc = Folder::open(&path.join("disc/vendors-1.0")).unwrap();
    assert_eq!(approved(Carrier::Folder(disc)).unwrap(), expected);
}

/// Name, version and architecture in the lock, by artifact.
fn inside(lock: &str) -> Vec<(String, String)> {
    let artifacts = lock.split("\n[[artifact]]\n").skip(1);
    let value = |part: &str, key: &str| {
        let line = part.lines().find_map(|line| line.strip_prefix(&format!("{key} = ")))?;
        Some(line.trim_matches('"').to_owned())
    };
    let facts = artifacts.filter_map(|artifact| {
        let part = artifact.split("\n[artifact.inside]\n").nth(1)?.split("\n\n").next()?;
        let words =
            ["name", "version", "arch", "product-code"].into_iter().filter_map(|key| value(part, key));
        Some((value(artifact, "name")?, words.collect::<Vec<_>>().join(" ")))
    });
    facts.collect()
}

#[test]
fn a_damaged_artifact_says_something_else_or_nothing() {
    let Some(folder) = made() else { return };
    for name in ["tool.rpm", "tool.deb", "tool.msi", "tool.pkg", "tool.zip", "tool.macho"] {
        let mut bytes = fs::read(folder.path().join(name)).unwrap();
        let step = bytes.len() / 1000 + 1;
        for place in (0..600.min(bytes.len())).chain((600..bytes.len()).step_by(step)) {
            let old = bytes[place];
            for new in [old ^ 1, 0xff] {
                bytes[place] = new;
                bundler::inside::read(&bytes).unwrap();
            }
            bytes[place] = old;
        }
        for length in (0..bytes.len()).step_by(step) {
            bundler::inside::read(&bytes[..length].to_vec()).unwrap();
        }
    }
}

#[test]
fn a_changed_artifact_is_not_locked() {
    let Some(folder) = made() else { return };
    let path = folder.path();
    let files: [(&str, &str); 9] = [
        ("macho.zip", "is no zip with the member that is asked for"),
        ("msi.zip", "is no zip with the member that is asked for"),
        ("tool.zip", "has vendor evidence that cannot be read"),
        ("tool.rpm", "is not what its vendor signed"),
        ("tool.deb", "is not what its vendor signed"),
        ("repository/plain.deb", "is not what its vendor signed"),
        ("tool.msi", "is not what its vendor signed"),
        ("tool.pkg", "is not what its vendor signed"),
        ("tool.macho", "is not what its vendor signed"),
    ];
    for (name, expected) in files {
        let place = path.join(name);
        let intact = fs::read(&place).unwrap();
        let mut changed = intact.clone();
        let at = content(&place, &intact);
        changed[at] ^= 1;
        fs::write(&place, &changed).unwrap();
        let refused = bundler(path, &["lock"]);
        let text = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(1), "{name}: {text}");
        assert!(text.contains(&format!("{name} ")) && text.contains(expected), "{name}: {text}");
        fs::write(&place, &intact).unwrap();
    }
    assert!(!path.join("bundle.lock").exists());
}

/// A byte that the signature covers: inside what the file carries, behind headers, before signatures.
fn content(path: &Path, bytes: &[u8]) -> usize {
    let find = |needle: &[u8]| bytes.windows(needle.len()).position(|window| window == needle).unwrap();
    match path.extension().and_then(|extension| extension.to_str()).unwrap() {
        // The payload is the last thing in an rpm; the data member of a .deb begins with its gzip header.
        "rpm" => bytes.len() - 20,
        "deb" => find(b"data.tar.gz") + 60 + 20,
        "msi" => find(b"MSCF") + 40,
        "pkg" => bytes.len() - 100,
        "macho" => 0x4000 + 0x800,
        // Behind the first local header and its extra field: name, size, two bytes of what is compressed.
        _ => 30 + usize::from(bytes[26]) + usize::from(bytes[28]) + 2,
    }
}

/// A zip that is well-formed around a program that somebody changed.
#[test]
fn a_changed_program_in_a_good_zip_is_not_locked() {
    let Some(folder) = made() else { return };
    let path = folder.path();
    for (archive, member) in [("macho.zip", "tool.macho"), ("msi.zip", "tool.msi")] {
        let place = path.join("changed").join(member);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        let mut changed = fs::read(path.join(member)).unwrap();
        let at = content(&place, &changed);
        changed[at] ^= 1;
        fs::write(&place, changed).unwrap();
        let intact = fs::read(path.join(archive)).unwrap();
        let update = Command::new("zip").args(["-q", "-j", archive]).arg(&place).current_dir(path).status();
        assert!(update.unwrap().success());
        let refused = bundler(path, &["lock"]);
        let text = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(1), "{archive}: {text}");
        assert!(text.contains(&format!("{archive} is not what its vendor signed")), "{archive}: {text}");
        fs::write(path.join(archive), intact).unwrap();
    }
}

#[test]
fn a_signer_that_is_another_is_told_by_name() {
    let Some(folder) = made() else { return };
    let path = folder.path();
    let recipe = fs::read_to_string(path.join("bundle.toml")).unwrap();
    let cases: [(&str, &str, &str); 7] = [
        ("authenticode = \"Snakeoil Publisher\"", "authenticode = \"Snakeoil\"", "publisher Snakeoil"),
        ("apple-team = \"TEAM123456\"", "apple-team = \"TEAM654321\"", "Apple team TEAM654321"),
        ("windows-ca.pem\", fingerprint", "apple-pkg-ca.cer\", fingerprint", "carries no certificate"),
        ("source = \"tool.rpm\"", "source = \"tool.zip\"", "carries no signature inside"),
        ("member = \"tool.msi\"", "member = \"vendors\"", "carries no signature inside"),
        ("member = \"tool.msi\"", "member = \"other.msi\"", "no file `other.msi` in the archive"),
        ("source = \"msi.zip\"", "source = \"tool.msi\"", "is no zip with the member"),
    ];
    for (from, to, expected) in cases {
        assert!(recipe.contains(from), "{from}");
        fs::write(path.join("bundle.toml"), recipe.replacen(from, to, 1)).unwrap();
        let refused = bundler(path, &["lock"]);
        let text = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && text.contains(expected), "{to}: {text}");
    }
}
