// SPDX-License-Identifier: Apache-2.0
//! Stores of certificates that `openssl` makes: each rule of a type, each thing that must not lie in a folder.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use verifier::notary::store::{certificates, find, is_store, read};
use verifier::notary::{StoreName, StoreType};
use verifier::signature::x509::{self, Budget, Certificate};
use verifier::signature::{Reason, Stop};

const CA: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n";
const LEAF: &str = "keyUsage=critical,digitalSignature\n";

/// Certificates by their names, as PEM and DER.
pub(crate) struct Made(tempfile::TempDir);

impl Made {
    /// None, said aloud, where there is no `openssl`.
    pub(crate) fn new() -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            eprintln!("skipped: openssl is not here");
            return None;
        }
        let made = Self(tempfile::tempdir().unwrap());
        made.certificate("root", None, "-sha256", "2048", CA);
        made.certificate("between", Some("root"), "-sha256", "2048", CA);
        made.certificate("leaf", Some("root"), "-sha256", "2048", LEAF);
        made.certificate("self", None, "-sha256", "2048", LEAF);
        made.certificate("self-sha1", None, "-sha1", "2048", LEAF);
        made.certificate("root-sha1", None, "-sha1", "2048", CA);
        made.certificate("weak", None, "-sha256", "1024", CA);
        made.certificate(
            "other-usage",
            None,
            "-sha256",
            "2048",
            "basicConstraints=CA:TRUE\nkeyUsage=cRLSign\n",
        );
        made.certificate(
            "between-other-usage",
            Some("root"),
            "-sha256",
            "2048",
            "basicConstraints=CA:TRUE\nkeyUsage=cRLSign\n",
        );
        // The root's key again under another name, signed by itself under the first.
        fs::copy(made.path("root.key"), made.path("renamed.key")).unwrap();
        made.openssl("req -new -key renamed.key -subj /CN=renamed -out renamed.csr");
        made.sign("renamed", Some("root"), "-sha256", CA);
        Some(made)
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn openssl(&self, arguments: &str) {
        let done =
            Command::new("openssl").current_dir(self.0.path()).args(arguments.split(' ')).output().unwrap();
        assert!(done.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&done.stderr));
    }

    fn certificate(&self, name: &str, issuer: Option<&str>, digest: &str, bits: &str, extensions: &str) {
        self.openssl(&format!(
            "req -new -newkey rsa:{bits} -nodes -keyout {name}.key -subj /C=DE/O=Vectors/CN={name} -out {name}.csr"
        ));
        self.sign(name, issuer, digest, extensions);
    }

    fn sign(&self, name: &str, issuer: Option<&str>, digest: &str, extensions: &str) {
        fs::write(self.path(&format!("{name}.ext")), extensions).unwrap();
        let by = issuer.map_or_else(
            || format!("-signkey {name}.key"),
            |issuer| format!("-CA {issuer}.pem -CAkey {issuer}.key -CAcreateserial"),
        );
        self.openssl(&format!(
            "x509 -req -in {name}.csr {by} -days 365 {digest} -extfile {name}.ext -out {name}.pem"
        ));
        self.openssl(&format!("x509 -in {name}.pem -outform DER -out {name}.der"));
    }

    pub(crate) fn pem(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(&format!("{name}.pem"))).unwrap()
    }

    pub(crate) fn der(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(&format!("{name}.der"))).unwrap()
    }
}

fn reason<T: std::fmt::Debug>(answer: Result<T, Stop>) -> (Reason, String) {
    match answer.unwrap_err() {
        Stop::Found(reason, note) => (reason, note),
        Stop::Read(error) => panic!("{error}"),
    }
}

fn judge(file: &[u8], store_type: StoreType) -> Result<Vec<Certificate>, Stop> {
    certificates(file, store_type, &Budget::default())
}

#[test]
fn anchors_by_type() {
    let Some(made) = Made::new() else { return };
    let signers = [StoreType::Ca, StoreType::SigningAuthority];
    for name in ["root", "between", "self", "root-sha1", "other-usage", "renamed"] {
        for store_type in signers {
            for file in [made.pem(name), made.der(name)] {
                let found = judge(&file, store_type).expect(name);
                assert_eq!(found.len(), 1);
                assert_eq!(found[0].der(), made.der(name));
            }
        }
    }
    for (name, wanted, said) in [
        ("leaf", Reason::NotAnAnchor, "its own key does not verify"),
        ("self-sha1", Reason::NotAnAnchor, "SHA-1"),
        ("weak", Reason::WeakKey, "1024 bits"),
        ("between-other-usage", Reason::NotAnAnchor, "key is not for that"),
    ] {
        for store_type in signers {
            let (reason, note) = reason(judge(&made.pem(name), store_type));
            assert!(reason == wanted && note.contains(said), "{name}: {note}");
        }
    }
    judge(&made.pem("root"), StoreType::Tsa).unwrap();
    for (name, wanted, said) in [
        ("between", Reason::NotAnAnchor, "its own key does not verify"),
        ("self", Reason::NotAnAnchor, "is no CA"),
        ("leaf", Reason::NotAnAnchor, "is no CA"),
        ("root-sha1", Reason::NotAnAnchor, "SHA-1"),
        ("other-usage", Reason::NotAnAnchor, "key is not for that"),
        ("renamed", Reason::NotAnAnchor, "issuer and subject differ"),
        ("weak", Reason::WeakKey, "1024 bits"),
    ] {
        let (reason, note) = reason(judge(&made.pem(name), StoreType::Tsa));
        assert!(reason == wanted && note.contains(said), "{name}: {note}");
    }
}

#[test]
fn every_certificate_of_a_file_is_read_and_nothing_else_lies_in_it() {
    let Some(made) = Made::new() else { return };
    let (root, own, leaf) = (made.pem("root"), made.pem("self"), made.pem("leaf"));
    let join = |parts: &[&[u8]]| parts.concat();
    for several in [
        join(&[b"text\n", &root, b"more text\n", &own, b"end"]),
        join(&[&made.der("root"), &made.der("self")]),
    ] {
        let found = judge(&several, StoreType::Ca).unwrap();
        let names: Vec<_> = found.iter().map(|one| one.common_name().unwrap()).collect();
        assert_eq!(names, ["root", "self"]);
    }
    let key = fs::read(made.path("root.key")).unwrap();
    for (what, file) in [
        ("nothing", Vec::new()),
        ("text", b"no certificate\n".to_vec()),
        ("a key behind", join(&[&root, &key])),
        ("a key before", join(&[&key, &root])),
        (
            "another label",
            String::from_utf8(root.clone()).unwrap().replace("CERTIFICATE", "X509 CERTIFICATE").into(),
        ),
        ("no end line", root[..root.len() - 10].to_vec()),
        ("one without end, then a whole one", join(&[&root[..200], b"\n", &own])),
        ("a begin line", join(&[&root, b"-----BEGIN "])),
        ("headers", String::from_utf8(root.clone()).unwrap().replacen("\n", "\nA: b\n\n", 1).into()),
        ("DER, then PEM", join(&[&made.der("root"), b"\n", &own])),
        ("DER, then text", join(&[&made.der("root"), b"\n"])),
        ("DER cut", made.der("root")[..300].to_vec()),
        ("PEM of two in one", {
            use base64::Engine as _;
            let both = base64::engine::general_purpose::STANDARD
                .encode(join(&[&made.der("root"), &made.der("self")]));
            format!("-----BEGIN CERTIFICATE-----\n{both}\n-----END CERTIFICATE-----\n").into_bytes()
        }),
    ] {
        let (reason, note) = reason(judge(&file, StoreType::Ca));
        assert!(reason == Reason::CertificateMalformed, "{what}: {note}");
    }
    let (reason, _) = reason(judge(&join(&[&root, &leaf]), StoreType::Ca));
    assert_eq!(reason, Reason::NotAnAnchor);
}

/// Go reads PEM by lines: what does not stand in lines of its own is nothing for it, and Notation finds no anchor.
#[test]
fn pem_that_does_not_stand_in_lines_of_its_own_is_refused() {
    let Some(made) = Made::new() else { return };
    let (root, own) = (made.pem("root"), made.pem("self"));
    let join = |parts: &[&[u8]]| parts.concat();
    let edit = |from: &str, to: &str| std::str::from_utf8(&root).unwrap().replacen(from, to, 1).into_bytes();
    let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
    let windows = std::str::from_utf8(&root).unwrap().replace('\n', "\r\n").into_bytes();
    for (what, file, count) in [
        ("CR LF", join(&[&windows, &windows]), 2),
        ("blanks behind lines", edit("-----\n", "----- \t\r\n"), 1),
        ("blanks at the end", join(&[root.trim_ascii_end(), b" \t"]), 1),
        ("text on lines of its own", join(&[b"\xef\xbb\xbf\n", &root, b"\x0c\n", &own]), 2),
    ] {
        assert_eq!(judge(&file, StoreType::Ca).expect(what).len(), count, "{what}");
    }
    for (file, said) in [
        (join(&[b"\xef\xbb\xbf", &root]), "begin line has something before it"),
        (join(&[b" ", &root]), "begin line has something before it"),
        (join(&[&own, b"a root: ", &root]), "begin line has something before it"),
        (join(&[b"text\r", &root]), "begin line has something before it"),
        (edit(begin, &format!("{begin}\x0c")), "begin line has something behind it"),
        (edit("-----\n", "-----\r"), "begin line has something behind it"),
        (edit(&format!("\n{end}"), end), "end line has something before it"),
        (edit(end, &format!(" {end}")), "end line has something before it"),
        (edit(end, &format!("{end}x")), "end line has something behind it"),
        (join(&[root.trim_ascii_end(), &own]), "end line has something behind it"),
        (join(&[root.trim_ascii_end(), b"\r"]), "end line has something behind it"),
        (edit("M", "\x0cM"), "form feed"),
    ] {
        let (reason, note) = reason(judge(&file, StoreType::Ca));
        assert!(reason == Reason::CertificateMalformed && note.contains(said), "{said}: {note}");
        // Where it is a CA that a demand names, any text may stand around.
        let found = x509::read::certificates(&[file]).unwrap();
        assert!(!found.certificates.is_empty() && found.notes.is_empty(), "{said}: {:?}", found.notes);
    }
}

/// PEM inside of DER: Go looks for PEM first, and would trust another certificate than the one that fills the file.
#[test]
fn a_file_with_two_readings_is_refused() {
    let Some(made) = Made::new() else { return };
    let inside = made.pem("self");
    let hidden = format!("{CA}1.2.3.4=DER:04{:02x}{:04x}{}\n", 0x82, inside.len(), hex(&inside));
    made.certificate("outside", None, "-sha256", "2048", &hidden);
    let file = made.der("outside");
    assert!(Certificate::from_der(&file).is_ok());
    let (reason, note) = reason(judge(&file, StoreType::Ca));
    assert!(reason == Reason::CertificateMalformed && note.contains("PEM inside"), "{note}");
    // The same certificate in PEM has one reading.
    judge(&made.pem("outside"), StoreType::Ca).unwrap();
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn what_must_not_lie_in_a_folder() {
    let Some(made) = Made::new() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let top = scratch.path().join("top");
    let store = top.join("x509/ca/one");
    fs::create_dir_all(&store).unwrap();
    let refused = |said: &str| {
        let (reason, note) = reason(read(&top));
        assert!(reason == Reason::TrustStoreMalformed && note.contains(said), "{note}, not {said}");
    };
    refused("x509/ca/one: wanted at least one certificate file");
    fs::write(store.join("a.crt"), made.pem("root")).unwrap();
    fs::write(store.join("b"), made.der("self")).unwrap();
    let stores = read(&top).unwrap();
    let [one] = stores.as_slice() else { panic!("one") };
    let digests: Vec<_> = [made.der("root"), made.der("self")]
        .iter()
        .map(|der| Certificate::from_der(der).unwrap().digest())
        .collect();
    assert_eq!((one.name.to_string().as_str(), one.digests()), ("ca:one", digests));
    // One store at its place, and by its name.
    let name = StoreName::parse("ca:one").unwrap();
    assert_eq!(&read(&store).unwrap(), &stores);
    assert_eq!(find(&top, &name).unwrap().as_ref(), Some(one));
    assert_eq!(find(&top, &StoreName::parse("tsa:one").unwrap()).unwrap(), None);
    assert!(is_store(&top) && is_store(&store) && !is_store(&top.join("x509")) && !is_store(scratch.path()));

    let beside = |what: &str, make: &dyn Fn(&Path), at: &str, said: &str| {
        let path = top.join(at);
        make(&path);
        refused(said);
        let removed = if path.is_dir() && !path.is_symlink() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        removed.expect(what);
        read(&top).expect(what);
    };
    let file = |path: &Path| fs::write(path, made.pem("root")).unwrap();
    let folder = |path: &Path| fs::create_dir(path).unwrap();
    let link = |path: &Path| symlink("a.crt", path).unwrap();
    let link_to_folder = |path: &Path| symlink(scratch.path().join("top/x509/ca/one"), path).unwrap();
    let fifo = |path: &Path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    beside(
        "a link to a file",
        &link,
        "x509/ca/one/c",
        "x509/ca/one/c: wanted a certificate file, found a link",
    );
    beside("a folder", &folder, "x509/ca/one/c", "x509/ca/one/c: wanted a certificate file, found a folder");
    beside("a FIFO", &fifo, "x509/ca/one/c", "x509/ca/one/c: wanted a certificate file, found no plain file");
    beside("a link to a store", &link_to_folder, "x509/ca/two", "x509/ca/two: wanted a folder, found a link");
    beside("a file among stores", &file, "x509/ca/two", "x509/ca/two: wanted a folder, found no folder");
    beside("a store of an odd name", &folder, "x509/ca/t o", "x509/ca/t o: wanted a name of letters");
    beside(
        "a type that is none",
        &folder,
        "x509/CA",
        "x509/CA: wanted only folders ca, signingAuthority and tsa",
    );
    beside("a file among types", &file, "x509/readme", "x509/readme: wanted only folders");
    beside("a link for a type", &link_to_folder, "x509/tsa", "x509/tsa: wanted a folder, found a link");

    // The user's own link leads to the folder; one in a store's place does not.
    symlink(&top, scratch.path().join("link")).unwrap();
    assert_eq!(&read(&scratch.path().join("link")).unwrap(), &stores);
    symlink("one", top.join("x509/ca/linked")).unwrap();
    let (reason_, note) = reason(read(&top.join("x509/ca/linked/")));
    assert!(reason_ == Reason::TrustStoreMalformed && note.contains("found a link"), "{note}");
    assert!(find(&top, &StoreName::parse("ca:linked").unwrap()).is_err());
    fs::remove_file(top.join("x509/ca/linked")).unwrap();

    fs::remove_dir_all(&store).unwrap();
    refused("x509: wanted at least one store");
    fs::remove_dir_all(top.join("x509")).unwrap();
    refused("wanted a folder that holds x509");
}

#[test]
fn every_mutation_of_a_root_is_refused_or_the_same_anchor() {
    let Some(made) = Made::new() else { return };
    let der = made.der("root");
    for at in 0..der.len() {
        for bit in [1, 0x20, 0x80] {
            let mut changed = der.clone();
            changed[at] ^= bit;
            // A timestamp's root must be signed by itself: nothing in it can change.
            judge(&changed, StoreType::Tsa).unwrap_err();
        }
        judge(&der[..at], StoreType::Ca).unwrap_err();
    }
    let pem = made.pem("root");
    for at in 0..pem.len() {
        let mut changed = pem.clone();
        changed[at] ^= 1;
        if let Ok(found) = judge(&changed, StoreType::Tsa) {
            assert_eq!(found[0].der(), der, "byte {at}");
        }
    }
}
