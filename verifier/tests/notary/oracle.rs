// SPDX-License-Identifier: Apache-2.0
//! Held against Notation (`SEALIFT_NOTATION`, or `notation` on the path): it takes every policy and every certificate
//! file that we take, and what it takes beyond that is listed here with the reason.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use verifier::notary::StoreType;
use verifier::notary::policy::{Form, TrustPolicy};
use verifier::notary::store::certificates;
use verifier::signature::x509::Budget;

use super::policy::{GOOD, documents, faulty, mutations};
use super::store::Made;

struct Notation {
    program: PathBuf,
    scratch: tempfile::TempDir,
}

impl Notation {
    /// None, said aloud, where it is not here.
    fn find() -> Option<Self> {
        let program = std::env::var_os("SEALIFT_NOTATION").map_or_else(|| "notation".into(), PathBuf::from);
        if Command::new(&program).arg("version").output().is_err() {
            eprintln!("skipped: {} is not here (SEALIFT_NOTATION names it)", program.display());
            return None;
        }
        Some(Self { program, scratch: tempfile::tempdir().unwrap() })
    }

    fn run(&self, arguments: &[&str], content: &[u8]) -> bool {
        let config = self.scratch.path().join("config");
        let _ = fs::remove_dir_all(&config);
        fs::create_dir(&config).unwrap();
        let file = self.scratch.path().join("file.crt");
        fs::write(&file, content).unwrap();
        let done = Command::new(&self.program)
            .args(arguments)
            .arg(&file)
            .env("NOTATION_CONFIG", &config)
            .env("HOME", self.scratch.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        done.status.success()
    }

    fn takes_policy(&self, content: &[u8]) -> bool {
        self.run(&["policy", "import", "--force"], content)
    }

    fn takes_certificates(&self, content: &[u8], store_type: StoreType) -> bool {
        self.run(&["cert", "add", "--type", store_type.as_str(), "--store", "test"], content)
    }
}

/// Whether we take it, as a policy that Notation 1 knows.
fn good(content: &[u8]) -> bool {
    TrustPolicy::read(content).is_ok_and(|policy| policy.form() == Form::Oci)
}

fn vectors() -> Option<PathBuf> {
    let folder = std::env::var_os("SEALIFT_VECTORS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors"), PathBuf::from);
    let folder = folder.join("notation");
    if !folder.is_dir() {
        eprintln!("skipped: {} is not here", folder.display());
        return None;
    }
    Some(folder)
}

fn files(folder: &Path, to: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.symlink_metadata().unwrap() {
            facts if facts.is_dir() => files(&path, to),
            facts if facts.is_file() => to.push(path),
            _ => {}
        }
    }
}

#[test]
fn notation_takes_every_policy_that_we_take() {
    let Some(notation) = Notation::find() else { return };
    assert!(notation.takes_policy(GOOD.as_bytes()));
    let mut runner = TestRunner::deterministic();
    let documents = documents();
    let made = (0..40).map(|_| documents.new_tree(&mut runner).unwrap().current().to_string().into_bytes());
    // Each run starts a program, so not every mutation is shown.
    let changed = mutations().filter(|changed| good(changed)).step_by(17);
    let mut seen = 0;
    for document in made.chain(changed) {
        assert!(
            notation.takes_policy(&document),
            "refused by Notation: {}",
            String::from_utf8_lossy(&document)
        );
        seen += 1;
    }
    assert!(seen > 100, "only {seen}");
}

/// Single faults that Notation takes, by what we say of them, with the row of `docs/vendor-signatures/notary.md`.
const STRICTER: [(&str, u8); 6] = [
    ("the key `version`, in this letter case … \"Version\"", 1),
    ("no other keys than version … \"extra\"", 1),
    ("signatureVerification: wanted no other … s\"", 1),
    ("override: wanted an object … null", 1),
    ("trustStores[2]: wanted TYPE:NAME … \"ca:..\"", 9),
    ("statement 1 \"one\": wanted no other keys … globalPolicy", 1),
];

#[test]
fn single_faults_that_notation_takes_are_listed() {
    let Some(notation) = Notation::find() else { return };
    let taken: Vec<String> = faulty()
        .filter(|(_, document)| notation.takes_policy(document.to_string().as_bytes()))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(taken, STRICTER.map(|(fault, _)| fault));
}

#[test]
fn policies_of_others() {
    let (Some(notation), Some(folder)) = (Notation::find(), vectors()) else { return };
    let mut found = Vec::new();
    files(&folder, &mut found);
    let mut taken = Vec::new();
    let mut seen = 0;
    for path in found.iter().filter(|path| path.to_str().unwrap().contains("polic")) {
        let content = fs::read(path).unwrap();
        let (ours, theirs) = (good(&content), notation.takes_policy(&content));
        assert!(!ours || theirs, "refused by Notation alone: {}", path.display());
        if theirs && !ours {
            taken.push(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
        seen += usize::from(ours);
    }
    taken.sort();
    assert_eq!(taken, STRICTER_THAN_NOTATION.map(|(file, _)| file));
    assert!(seen > 15, "only {seen}");
}

/// Documents of others that Notation takes, with the row.
const STRICTER_THAN_NOTATION: [(&str, u8); 6] = [
    ("trap-duplicate-level.json", 1),
    ("trap-duplicate-trust-policies.json", 1),
    ("trap-key-in-other-case.json", 1),
    ("trap-unknown-field-statement.json", 1),
    ("trap-unknown-field-top.json", 1),
    ("trap-unknown-field-verification.json", 1),
];

#[test]
fn notation_takes_every_certificate_file_that_we_take() {
    let Some(notation) = Notation::find() else { return };
    let mut contents: Vec<(String, Vec<u8>)> = Vec::new();
    if let Some(made) = Made::new() {
        for name in
            ["root", "between", "leaf", "self", "self-sha1", "root-sha1", "weak", "other-usage", "renamed"]
        {
            contents.push((format!("{name} in PEM"), made.pem(name)));
            contents.push((format!("{name} in DER"), made.der(name)));
        }
        contents.push(("two in DER".to_owned(), [made.der("root"), made.der("self")].concat()));
        contents.push(("two in PEM".to_owned(), [made.pem("root"), made.pem("self")].concat()));
        contents.push(("two in PEM, one a leaf".to_owned(), [made.pem("root"), made.pem("leaf")].concat()));
    }
    if let Some(folder) = vectors() {
        let mut found = Vec::new();
        files(&folder, &mut found);
        let certificate = |path: &&PathBuf| {
            path.extension()
                .is_some_and(|end| ["crt", "cer", "pem", "der", "txt"].iter().any(|known| end == *known))
        };
        for path in found.iter().filter(certificate) {
            contents.push((path.display().to_string(), fs::read(path).unwrap()));
        }
    }
    let mut seen = 0;
    for (name, content) in contents {
        for store_type in StoreType::ALL {
            let ours = certificates(&content, store_type, &Budget::default());
            let theirs = notation.takes_certificates(&content, store_type);
            match &ours {
                Ok(_) => assert!(theirs, "{name} as {}: refused by Notation alone", store_type.as_str()),
                Err(stop) if theirs => eprintln!("{name} as {}: {stop:?}", store_type.as_str()),
                Err(_) => {}
            }
            seen += usize::from(ours.is_ok());
        }
    }
    assert!(seen > 10, "only {seen}");
}
