// SPDX-License-Identifier: Apache-2.0
//! Every path of the sites can be fetched over TLS by the CA of the replica, there is no other, and each file is
//! good against its pins and not against another's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use bundler::fetch::hosts::Hosts;
use bundler::fetch::url::Url;
use bundler::fetch::{Fetcher, Settings, Wanted};
use bundler::store::Store;
use clap::Parser;
use manifests::evidence::Verdict;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use verifier::check::{Request, check};
use verifier::cli::{Cli, Command as Task};
use verifier::hash::sha256;
use verifier::progress::Mode;

use crate::made::Replica;
use crate::paths::{PLUGIN, Proof, Served, Vendor, all};

#[test]
fn every_path_is_served_and_each_file_is_good() {
    let Some(replica) = Replica::open() else { return };
    let expected: Vec<Served> = all().into_iter().filter(|served| !replica.lacks(served.kind)).collect();
    let named: BTreeSet<String> = expected.iter().map(|served| served.path.clone()).collect();
    assert_eq!(named, written(&replica.site()));

    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    let fetched = fetch(&replica, &store, &expected);
    let scene = Scene { fetched: &fetched, work: folder.path(), sets: replica.sets() };
    let others = scene.with_other_pins();
    scene.certificates_are_those_that_are_pinned(&expected);
    for served in &expected {
        for (arguments, mistaken) in scene.demands(served).iter().zip(others.demands(served)) {
            assert_eq!(verdict(arguments), Verdict::Good, "{}: {arguments:?}", served.path);
            assert_eq!(verdict(&mistaken), Verdict::WrongSigner, "{}: {mistaken:?}", served.path);
        }
    }
}

#[test]
fn what_lies_beside_the_sites_is_not_served() {
    let Some(replica) = Replica::open() else { return };
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    let fetcher = fetcher(&replica, &store);
    for path in ["/tls/server.key", "/sets", "/signer/linux", "/signer/none"] {
        let url = Url::parse(&format!("{}{path}", replica.url())).unwrap();
        let missed = fetcher.fetch_all(&[Wanted { url, expected: None, ceiling: 1 << 20 }]).remove(0);
        assert!(format!("{:?}", missed.unwrap_err()).contains("404"), "{path}");
    }
}

/// The paths of all files below a folder.
fn written(site: &Path) -> BTreeSet<String> {
    let entries = walkdir::WalkDir::new(site).into_iter().map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().is_file());
    files.map(|file| format!("/{}", file.path().strip_prefix(site).unwrap().display())).collect()
}

fn fetcher<'a>(replica: &Replica, store: &'a Store) -> Fetcher<'a> {
    let mut hosts = Hosts::new();
    hosts.add(&replica.server.authority(), &[], Some(replica.ca())).unwrap();
    let settings = Settings { proxy: None, ..Settings::of_this_machine(Mode::None).unwrap() };
    Fetcher::new(store, hosts, settings)
}

/// Where each path's file lies in the store.
fn fetch(replica: &Replica, store: &Store, expected: &[Served]) -> BTreeMap<String, PathBuf> {
    let wanted = expected.iter().map(|served| Wanted {
        url: Url::parse(&format!("{}{}", replica.url(), served.path)).unwrap(),
        expected: None,
        ceiling: 1 << 30,
    });
    let found = fetcher(replica, store).fetch_all(&wanted.collect::<Vec<_>>());
    let paths = found.into_iter().map(|fetched| store.path(&fetched.unwrap().state.digest));
    expected.iter().map(|served| served.path.clone()).zip(paths).collect()
}

struct Scene<'a> {
    fetched: &'a BTreeMap<String, PathBuf>,
    work: &'a Path,
    sets: BTreeMap<String, String>,
}

impl Scene<'_> {
    /// The same files, and pins that fit none of them.
    fn with_other_pins(&self) -> Self {
        let mut sets = self.sets.clone();
        for (name, other) in [
            ("signer_key", "0".repeat(40)),
            ("cli_key", "0".repeat(40)),
            ("mac_team", "OTHER12345".to_owned()),
            ("windows_publisher", "Snakeoil Web Services".to_owned()),
        ] {
            assert_ne!(sets.insert(name.to_owned(), other.clone()).unwrap(), other);
        }
        Self { sets, ..*self }
    }

    fn file(&self, path: &str) -> String {
        self.fetched.get(path).unwrap_or_else(|| panic!("{path}")).to_str().unwrap().to_owned()
    }

    /// Command lines of `verifier check` that prove a file.
    fn demands(&self, served: &Served) -> Vec<Vec<String>> {
        let file = self.file(&served.path);
        let signature = format!("{}.sig", served.path);
        let detached = |vendor| self.detached(&file, &signature, vendor);
        match served.proof {
            Proof::Detached(vendor) => vec![detached(vendor)],
            Proof::Rpm => vec![detached(Vendor::Signer), self.of(&file, "rpm", Some(Vendor::Signer))],
            Proof::Member => {
                let signature = format!("{}/{PLUGIN}.sig", served.path.rsplit_once('/').unwrap().0);
                let mut demand = self.of(&file, "zip-member", Some(Vendor::Signer));
                let more = ["--member", PLUGIN, "--signature", &self.file(&signature)];
                demand.extend(more.map(ToOwned::to_owned));
                vec![demand]
            }
            Proof::AppleMember => vec![self.of(&self.unpacked(served, PLUGIN), "apple-code", None)],
            Proof::WindowsMember => {
                vec![self.of(&self.unpacked(served, &format!("{PLUGIN}.exe")), "authenticode", None)]
            }
            Proof::Package => vec![self.of(&file, "apple-pkg", None)],
            Proof::Installer => vec![self.of(&file, "authenticode", None)],
            Proof::Root(_) | Proof::None => Vec::new(),
        }
    }

    fn detached(&self, file: &str, signature: &str, vendor: Vendor) -> Vec<String> {
        let mut demand = self.of(file, "openpgp", Some(vendor));
        demand.extend(["--signature".to_owned(), self.file(signature)]);
        demand
    }

    /// The command line for this kind, with key or certificates and their pins.
    fn of(&self, file: &str, kind: &str, vendor: Option<Vendor>) -> Vec<String> {
        let set = |name: &str| self.sets.get(name).unwrap_or_else(|| panic!("{name}")).clone();
        let pki = |name: &str| self.file(&format!("/pki/{name}"));
        let more = match (vendor, kind) {
            (Some(Vendor::Signer), _) => {
                vec![("--key", self.file("/signer/linux/public.key")), ("--pin", set("signer_key"))]
            }
            (Some(Vendor::Cli), _) => vec![("--key", pki("aws-cli.asc")), ("--pin", set("cli_key"))],
            (None, "authenticode") => vec![
                ("--ca", pki("windows-root.cer")),
                ("--tsa-ca", pki("tsa-root.cer")),
                ("--publisher", set("windows_publisher")),
            ],
            (None, _) => vec![("--ca", pki("apple-root.cer")), ("--team-id", set("mac_team"))],
        };
        let mut demand = vec![file.to_owned(), "--as".to_owned(), kind.to_owned()];
        demand.extend(more.into_iter().flat_map(|(option, value)| [option.to_owned(), value]));
        demand
    }

    /// AWS's own roots are what AWS says, and CAs of the replica what it says of them.
    fn certificates_are_those_that_are_pinned(&self, expected: &[Served]) {
        for served in expected {
            if let Proof::Root(pin) = served.proof {
                let root = CertificateDer::from_pem_file(self.file(&served.path)).unwrap();
                assert_eq!(sha256::digest(&root).hex().to_uppercase(), pin, "{}", served.path);
            }
        }
        for (name, file) in [
            ("mac_ca", "/pki/apple-root.cer"),
            ("windows_ca", "/pki/windows-root.cer"),
            ("windows_tsa_ca", "/pki/tsa-root.cer"),
        ] {
            assert!(self.sets[name].ends_with(file), "{name}");
            let digest = sha256::digest(&std::fs::read(self.file(file)).unwrap()).hex();
            assert_eq!(self.sets[&format!("{name}_fingerprint")], format!("sha256:{digest}"));
        }
    }

    /// One file of a zip.
    fn unpacked(&self, served: &Served, member: &str) -> String {
        let folder = self.work.join(served.path.replace('/', "-"));
        let zip = self.file(&served.path);
        let done =
            Command::new("unzip").args(["-q", "-o", &zip, member, "-d"]).arg(&folder).status().unwrap();
        assert!(done.success(), "{}", served.path);
        folder.join(member).to_str().unwrap().to_owned()
    }
}

fn verdict(arguments: &[String]) -> Verdict {
    let words = ["verifier", "check"].into_iter().chain(arguments.iter().map(String::as_str));
    let Task::Check(task) = Cli::try_parse_from(words).unwrap().command else { panic!("{arguments:?}") };
    let now = Settings::of_this_machine(Mode::None).unwrap().now;
    let file = task.files.first().unwrap();
    check(&Request { file, kind: task.kind, demand: &task.demand, allow: &task.allow, now }).unwrap().verdict
}
