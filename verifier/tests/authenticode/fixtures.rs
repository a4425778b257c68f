// SPDX-License-Identifier: Apache-2.0
//! Throw-away CAs by openssl; programs by hand, installers by wixl, cabinets by gcab; signatures by
//! osslsigncode.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use manifests::digest::Sha256Digest;
use manifests::evidence::{Evidence, Weak};
use manifests::time::Timestamp;
use verifier::signature::Tolerated;
use verifier::signature::authenticode::check;
use verifier::signature::x509::Certificate;
use verifier::signature::x509::demand::CertificateDemand;
use verifier::signature::x509::read::certificates;

/// Inside the validity of every certificate that is made here (2020 to 2040).
pub(crate) const NOW: &str = "2030-01-01T00:00:00Z";
/// Behind it. The roots hold until 2060.
pub(crate) const AFTER: &str = "2045-01-01T00:00:00Z";
/// When the fixtures are stamped: 2025-01-01.
pub(crate) const STAMPED: &str = "1735689600";
pub(crate) const STAMPED_AT: &str = "2025-01-01T00:00:00Z";

/// A folder with CAs, certificates and files.
pub(crate) struct Workshop {
    folder: tempfile::TempDir,
}

impl Workshop {
    /// None, said aloud, where a tool is missing.
    pub(crate) fn new(test: &str, tools: &[&str]) -> Option<Self> {
        for program in ["openssl", "osslsigncode"].iter().chain(tools) {
            if Command::new(program).arg("--version").output().is_err() {
                eprintln!("{test}: SKIPPED: {program} is not installed");
                return None;
            }
        }
        let this = Self { folder: tempfile::tempdir().unwrap() };
        for root in ["root", "other"] {
            this.root(root);
        }
        this.leaf("code", "root", "/CN=Fixture Publisher/O=Fixtures/C=DE", "codeSigning", &["rsa:2048"]);
        this.leaf("time", "root", "/CN=Fixture Time", "critical,timeStamping", &["rsa:2048"]);
        Some(this)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    /// Runs a tool in the folder.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Output {
        Command::new(program).args(arguments).current_dir(self.folder.path()).output().unwrap()
    }

    /// Runs a tool that must succeed.
    pub(crate) fn must(&self, program: &str, arguments: &[&str]) {
        let done = self.run(program, arguments);
        let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success(), "{program} {arguments:?}: {out}{err}");
    }

    fn root(&self, name: &str) {
        let (key, request) = (format!("{name}.key"), format!("{name}.csr"));
        let subject = format!("/CN=Fixture {name}");
        self.must(
            "openssl",
            &["req", "-newkey", "rsa:2048", "-nodes", "-keyout", &key, "-out", &request, "-subj", &subject],
        );
        self.write(
            &format!("{name}.cnf"),
            format!(
                "[ca]\ndefault_ca=d\n[d]\nnew_certs_dir=.\ndatabase={name}.db\nserial={name}.srl\n\
                 default_md=sha256\npolicy=p\nprivate_key={name}.key\ncertificate={name}.pem\n\
                 unique_subject=no\n[p]\ncommonName=supplied\norganizationName=optional\n\
                 countryName=optional\n[root]\nbasicConstraints=critical,CA:TRUE\n\
                 keyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n"
            )
            .as_bytes(),
        );
        self.write(&format!("{name}.db"), b"");
        self.write(&format!("{name}.srl"), b"1000\n");
        self.ca(name, &request, &["-selfsign", "-extensions", "root", "-enddate", "20600101000000Z"], name);
    }

    /// A certificate by `issuer` for `usage`.
    pub(crate) fn leaf(&self, name: &str, issuer: &str, subject: &str, usage: &str, key: &[&str]) {
        let (file, request) = (format!("{name}.key"), format!("{name}.csr"));
        let mut arguments = vec!["req", "-nodes", "-keyout", &file, "-out", &request, "-subj", subject];
        arguments.push("-newkey");
        arguments.extend_from_slice(key);
        self.must("openssl", &arguments);
        let extensions = format!("{name}.ext");
        self.write(
            &extensions,
            format!("extendedKeyUsage={usage}\nkeyUsage=critical,digitalSignature\n").as_bytes(),
        );
        self.ca(issuer, &request, &["-extfile", &extensions, "-enddate", "20400101000000Z"], name);
    }

    fn ca(&self, issuer: &str, request: &str, more: &[&str], name: &str) {
        let (config, out) = (format!("{issuer}.cnf"), format!("{name}.pem"));
        let mut arguments = vec!["ca", "-batch", "-notext", "-config", &config, "-in", request, "-out", &out];
        arguments.extend_from_slice(&["-startdate", "20200101000000Z"]);
        arguments.extend_from_slice(more);
        self.must("openssl", &arguments);
    }

    /// Signs `from` as `to` with the certificate `by`.
    pub(crate) fn sign(&self, by: &str, from: &str, to: &str, more: &[&str]) {
        // osslsigncode overwrites nothing.
        let _ = fs::remove_file(self.path(to));
        let (certificate, key) = (format!("{by}.pem"), format!("{by}.key"));
        let mut arguments = vec!["sign", "-certs", &certificate, "-key", &key, "-in", from, "-out", to];
        arguments.extend_from_slice(more);
        self.must("osslsigncode", &arguments);
    }

    /// Whether osslsigncode accepts a file at a time.
    pub(crate) fn osslsigncode(&self, file: &str, root: &str, time: &str) -> bool {
        let at = Timestamp::parse(time).unwrap().seconds().to_string();
        let root = format!("{root}.pem");
        self.run(
            "osslsigncode",
            &["verify", "-CAfile", &root, "-TSA-CAfile", "root.pem", "-time", &at, "-in", file],
        )
        .status
        .success()
    }

    pub(crate) fn certificates(&self, name: &str) -> Vec<Certificate> {
        certificates(&[self.read(&format!("{name}.pem"))]).unwrap().certificates
    }

    /// A program, an installer and a cabinet, unsigned, under these names; those whose tools are there.
    pub(crate) fn unsigned(&self) -> Vec<&'static str> {
        let mut made = vec!["program32.exe", "program64.exe"];
        self.write("program32.exe", &program(false));
        self.write("program64.exe", &program(true));
        self.write("content.txt", &content(9000));
        self.write("long.bin", &content(8_500_000));
        if Command::new("wixl").arg("--version").output().is_ok() {
            for (source, installer) in [("content.txt", "small.msi"), ("long.bin", "long.msi")] {
                self.write("installer.wxs", installer_source(source).as_bytes());
                self.must("wixl", &["-o", installer, "installer.wxs"]);
                made.push(installer);
            }
        } else {
            eprintln!("SKIPPED: installers: wixl is not installed");
        }
        if Command::new("gcab").arg("--version").output().is_ok() {
            self.must("gcab", &["-c", "cabinet.cab", "content.txt"]);
            made.push("cabinet.cab");
        } else {
            eprintln!("SKIPPED: cabinets: gcab is not installed");
        }
        made
    }
}

/// What is asked, with the usual answers.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) authorities: Vec<Certificate>,
    pub(crate) timestamp_authorities: Option<Vec<Certificate>>,
    pub(crate) pins: Vec<Sha256Digest>,
    pub(crate) publisher: Option<String>,
    pub(crate) now: &'static str,
    pub(crate) allow: Vec<Weak>,
}

impl Ask {
    pub(crate) fn new(authorities: Vec<Certificate>) -> Self {
        let (timestamp_authorities, pins, publisher, allow) = (None, Vec::new(), None, Vec::new());
        Self { authorities, timestamp_authorities, pins, publisher, now: NOW, allow }
    }

    pub(crate) fn of(&self, bytes: &Vec<u8>) -> Evidence {
        let demand = CertificateDemand {
            authorities: &self.authorities,
            timestamp_authorities: self.timestamp_authorities.as_deref(),
            pins: &self.pins,
            publisher: self.publisher.as_deref(),
            team: None,
            now: Timestamp::parse(self.now).unwrap(),
            tolerated: Tolerated(&self.allow),
            budget: &verifier::signature::x509::Budget::default(),
        };
        check(bytes, &demand).unwrap()
    }
}

/// Bytes that no compressor makes shorter.
fn content(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// Headers that osslsigncode reads, two sections, an odd end.
fn program(plus: bool) -> Vec<u8> {
    let wide = if plus { 16 } else { 0 };
    let mut bytes = vec![0; 512];
    let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
    put(0, b"MZ");
    put(60, &[0x80]);
    put(0x80, b"PE\0\0\x64\x86\x02\0");
    put(0x80 + 20, &[(224 + wide) as u8, 0]);
    put(0x98, if plus { &[0x0b, 2] } else { &[0x0b, 1] });
    put(0x98 + 32, &4096_u32.to_le_bytes());
    put(0x98 + 36, &512_u32.to_le_bytes());
    put(0x98 + 60, &512_u32.to_le_bytes());
    put(0x98 + 92 + wide, &[16]);
    for (place, (length, start)) in [(1024_u32, 512_u32), (9216, 1536)].into_iter().enumerate() {
        put(0x98 + 224 + wide + place * 40 + 16, &length.to_le_bytes());
        put(0x98 + 224 + wide + place * 40 + 20, &start.to_le_bytes());
    }
    bytes.extend(content(1024 + 9216 + 13));
    bytes
}

fn installer_source(file: &str) -> String {
    let (product, upgrade) = ("5c9e6b5e-25e5-4b0c-9bd0-000000000001", "5c9e6b5e-25e5-4b0c-9bd0-000000000002");
    format!(
        "<?xml version='1.0'?><Wix xmlns='http://schemas.microsoft.com/wix/2006/wi'>\
         <Product Id='{product}' Name='Fixture' Language='1033' Version='1.0' Manufacturer='Fixtures' \
         UpgradeCode='{upgrade}'><Package InstallerVersion='200' Compressed='yes'/>\
         <Media Id='1' Cabinet='one.cab' EmbedCab='yes'/><Directory Id='TARGETDIR' Name='SourceDir'>\
         <Component Id='C' Guid='5c9e6b5e-25e5-4b0c-9bd0-000000000003'><File Id='F' Source='{file}'/>\
         </Component></Directory><Feature Id='A' Level='1'><ComponentRef Id='C'/></Feature></Product></Wix>"
    )
}
