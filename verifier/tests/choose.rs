// SPDX-License-Identifier: Apache-2.0
//! What a host installs of a bundle that was made for many: by platform, by partition, and only what this version can.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs;

use manifests::bundle::{Arch, FileInstall, Manifest, Os, Package, Platform};
use support::bundle::Bundle;
use support::{Host as Scene, name, scratch};
use verifier::error::{Code, Refusal};
use verifier::hash::sha256;
use verifier::host::Host;
use verifier::install::Selection;

fn host(os: Os, arch: Arch, packages: &[Package]) -> Host {
    Host {
        os: Some(os),
        arch: Some(arch),
        packages: packages.iter().copied().chain([Package::Zip]).collect(),
    }
}

fn platform(os: Option<Os>, arch: Option<Arch>, package: Option<Package>) -> Platform {
    Platform { os, arch, package }
}

fn selection(only: &[&str], except: &[&str], partitions: &[&str]) -> Selection {
    let names = |list: &[&str]| list.iter().copied().map(name).collect();
    Selection { only: names(only), except: names(except), partitions: names(partitions) }
}

/// The artifacts that are laid down, in the manifest's order.
fn chosen(manifest: &Manifest, selection: &Selection, host: &Host) -> Result<String, Refusal> {
    let chosen = selection.choose(manifest, host)?;
    Ok(chosen.files.iter().map(|file| file.artifact.name.as_str()).collect::<Vec<_>>().join(" "))
}

/// One tool in five forms for five kinds of hosts, and a file for all.
fn tool() -> Bundle {
    let linux = |arch, package| platform(Some(Os::Linux), Some(arch), Some(package));
    Bundle::new("app", 1)
        .file("readme", b"r", "/readme", "0644")
        .file("deb", b"d", "/tool", "0755")
        .component("tool", true)
        .alternative("tool", linux(Arch::Amd64, Package::Deb))
        .file("rpm-amd64", b"r", "/tool", "0755")
        .alternative("tool", linux(Arch::Amd64, Package::Rpm))
        .file("rpm-arm64", b"a", "/tool", "0755")
        .alternative("tool", linux(Arch::Arm64, Package::Rpm))
        .file("pkg", b"p", "/tool", "0755")
        .alternative("tool", platform(None, None, Some(Package::Pkg)))
        .file("exe", b"e", "/tool", "0755")
        .alternative("tool", platform(Some(Os::Windows), None, None))
}

#[test]
fn of_the_alternatives_exactly_one_is_for_a_host() {
    let manifest = tool().manifest();
    let all = Selection::default();
    for (host, expected) in [
        (host(Os::Linux, Arch::Amd64, &[Package::Deb]), "readme deb"),
        (host(Os::Linux, Arch::Amd64, &[Package::Rpm]), "readme rpm-amd64"),
        (host(Os::Linux, Arch::Arm64, &[Package::Rpm, Package::Deb]), "readme rpm-arm64"),
        (host(Os::Darwin, Arch::Arm64, &[Package::Pkg]), "readme pkg"),
        (host(Os::Windows, Arch::Arm64, &[Package::Msi]), "readme exe"),
    ] {
        assert_eq!(chosen(&manifest, &all, &host).unwrap(), expected);
    }
    for (host, code, expected, found) in [
        (
            host(Os::Linux, Arch::Amd64, &[]),
            Code::NoAlternative,
            "one artifact for linux/amd64, which installs zip",
            "deb (linux/amd64 deb), rpm-amd64 (linux/amd64 rpm), rpm-arm64 (linux/arm64 rpm), pkg (pkg), exe (windows)",
        ),
        (
            host(Os::Linux, Arch::Amd64, &[Package::Rpm, Package::Deb]),
            Code::AmbiguousAlternative,
            "exactly one for linux/amd64, which installs rpm and deb and zip",
            "deb (linux/amd64 deb), rpm-amd64 (linux/amd64 rpm)",
        ),
    ] {
        let refusal = chosen(&manifest, &all, &host).unwrap_err();
        assert_eq!((refusal.code, refusal.subject.as_str()), (code, "tool"), "{refusal}");
        assert_eq!((refusal.expected.as_deref(), refusal.found.as_deref()), (Some(expected), Some(found)));
        // A component that is left out has no alternatives.
        assert_eq!(chosen(&manifest, &selection(&[], &["tool"], &[]), &host).unwrap(), "readme");
    }
}

#[test]
fn what_is_tied_to_a_partition_waits_for_it() {
    let debian = host(Os::Linux, Arch::Amd64, &[Package::Deb]);
    let manifest = tool()
        .file("west", b"w", "/region", "0644")
        .partition("aws-us-gov")
        .file("east", b"e", "/region", "0644")
        .partition("aws")
        .file("second", b"2", "/tool", "0755")
        .alternative("tool", platform(Some(Os::Linux), None, None))
        .partition("test")
        .manifest();
    let pick = |partitions: &[&str]| chosen(&manifest, &selection(&[], &[], partitions), &debian);
    assert_eq!(pick(&[]).unwrap(), "readme deb");
    assert_eq!(pick(&["aws-us-gov"]).unwrap(), "readme deb west");
    assert_eq!(pick(&["aws-us-gov", "aws"]).unwrap(), "readme deb west east");
    // Whoever names it wants it: nothing at all would be installed.
    let refusal = chosen(&manifest, &selection(&["west"], &[], &[]), &debian).unwrap_err();
    assert_eq!((refusal.code, refusal.subject.as_str()), (Code::Usage, "west"));
    assert_eq!(chosen(&manifest, &selection(&["west"], &[], &["aws-us-gov"]), &debian).unwrap(), "west");
    // Only what is asked for is an alternative.
    assert_eq!(pick(&["test"]).unwrap_err().code, Code::AmbiguousAlternative);
    let left_out = selection(&[], &[], &["aws"]).left_out(&manifest).into_iter().cloned().collect::<Vec<_>>();
    assert_eq!(left_out, [name("aws-us-gov"), name("test")]);

    let refusal = pick(&["aws-gov"]).unwrap_err();
    assert_eq!((refusal.code, refusal.subject.as_str()), (Code::Usage, "aws-gov"));
    assert_eq!(refusal.expected.as_deref(), Some("one of aws, aws-us-gov, test"));
    assert_eq!(refusal.hint, "did you mean `aws-us-gov`?");
    let refusal = pick(&["zzz"]).unwrap_err();
    assert_eq!(refusal.hint, "choose among these with --partition");
    let plain = Bundle::new("app", 1).file("a", b"a", "/a", "0644").manifest();
    let refusal = chosen(&plain, &selection(&[], &[], &["aws"]), &debian).unwrap_err();
    assert_eq!((refusal.code, refusal.hint.as_str()), (Code::Usage, "leave --partition out"));
}

#[test]
fn what_cannot_be_installed_yet_is_refused_all_at_once() {
    let debian = host(Os::Linux, Arch::Amd64, &[Package::Deb]);
    let pin = sha256::digest(b"pin");
    let manifest = tool()
        .file("package", b"p", "/p", "0644")
        .component("package-part", true)
        .action(Some(FileInstall::Deb {}))
        .file("carried", b"c", "/c", "0644")
        .action(None)
        .trust_store("everywhere", None, b"c", pin)
        .trust_store("west-only", Some("west"), b"d", pin)
        .trust_policy("trustpolicy.json", Some("west"), b"{}", &[])
        .check(r#"{"name": "for Windows", "for": {"os": "windows"}, "run": ["tool"]}"#)
        .check(r#"{"name": "in the west", "partition": "west", "run": ["tool"]}"#)
        .check(r#"{"name": "of the package", "component": "package-part", "run": ["tool"]}"#)
        .check(r#"{"name": "on Linux", "for": {"os": "linux"}, "run": ["tool"]}"#)
        .manifest();
    for (except, partitions, expected) in [
        (
            &[][..],
            &[][..],
            "artifact package (`deb`), trust store ca:everywhere, check \"of the package\", check \"on Linux\"",
        ),
        (
            &["package-part"],
            &["west"],
            "trust store ca:everywhere, trust store ca:west-only, trust policy trustpolicy.json, check \"in the west\", \
             check \"on Linux\"",
        ),
    ] {
        let refusal = chosen(&manifest, &selection(&[], except, partitions), &debian).unwrap_err();
        assert_eq!((refusal.code, refusal.subject.as_str()), (Code::VerifierTooOld, "app"));
        assert_eq!(refusal.found.as_deref(), Some(expected));
    }
    // Nothing of it is for this install.
    let west = tool()
        .file("package", b"p", "/p", "0644")
        .action(Some(FileInstall::Rpm {}))
        .partition("west")
        .trust_store("west-only", Some("west"), b"d", pin)
        .trust_policy("trustpolicy.json", Some("west"), b"{}", &[])
        .check(r#"{"name": "of the tool", "component": "tool", "run": ["tool"]}"#)
        .manifest();
    assert_eq!(chosen(&west, &selection(&[], &["tool"], &[]), &debian).unwrap(), "readme");
}

#[test]
#[cfg(target_os = "linux")]
fn the_target_says_which_alternative_is_installed() {
    let scratch = scratch();
    let scene = Scene::new(scratch.path());
    let any = |package| platform(Some(Os::Linux), None, Some(package));
    let bundle = Bundle::new("app", 1)
        .file("deb", b"for dpkg", "/tool", "0755")
        .component("tool", true)
        .alternative("tool", any(Package::Deb))
        .file("rpm", b"for rpm", "/tool", "0755")
        .alternative("tool", any(Package::Rpm))
        .file("west", b"west", "/region", "0644")
        .partition("west")
        .build();
    let before = scene.snapshot();
    let refusal = scene.install(&bundle).unwrap_err();
    assert_eq!((refusal.code, refusal.subject.as_str()), (Code::NoAlternative, "tool"));
    assert_eq!(scene.snapshot(), before);

    fs::create_dir_all(scene.at("/usr/lib/sysimage/rpm")).unwrap();
    fs::write(scene.at("/usr/lib/sysimage/rpm/rpmdb.sqlite"), b"").unwrap();
    scene.install(&bundle).unwrap();
    assert_eq!(fs::read(scene.at("/tool")).unwrap(), b"for rpm");
    assert!(!scene.at("/region").exists());
    scene.install_some(&bundle, &selection(&["west"], &[], &["west"])).unwrap();
    assert_eq!(fs::read(scene.at("/region")).unwrap(), b"west");
}
