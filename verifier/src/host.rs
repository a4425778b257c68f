// SPDX-License-Identifier: Apache-2.0
//! What a host is: its operating system, its processors, and the packages that it installs.
//!
//! In: the target of an install. Out: whether something that is meant for a platform is for it
//! (`docs/formats/manifest.md` §1.17).

use std::collections::BTreeSet;

use manifests::bundle::{Arch, Os, Package, Platform};

use crate::error::Refusal;
use crate::target::Target;

/// What `dpkg` has installed.
const DPKG_STATUS: &str = "/var/lib/dpkg/status";
/// Where `rpm` has its database, before and since RPM 4.17 of some distributions.
const RPM_FOLDERS: [&str; 2] = ["/var/lib/rpm", "/usr/lib/sysimage/rpm"];
/// The database itself, by its backend: sqlite, ndb, Berkeley DB. An empty folder is none.
const RPM_DATABASES: [&str; 3] = ["rpmdb.sqlite", "Packages.db", "Packages"];

/// A host, as far as platforms speak of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its operating system; none for one that no manifest has a word for.
    pub os: Option<Os>,
    /// Its processors; none for those that no manifest has a word for.
    pub arch: Option<Arch>,
    /// What it installs.
    pub packages: BTreeSet<Package>,
}

impl Host {
    /// The host that a target is the root of: this program's own system and processors, and the packages that the
    /// target's databases show.
    pub fn of(target: &Target) -> Result<Self, Refusal> {
        let os = os(std::env::consts::OS);
        let mut packages = BTreeSet::from([Package::Zip]);
        match os {
            Some(Os::Darwin) => _ = packages.insert(Package::Pkg),
            Some(Os::Windows) => _ = packages.insert(Package::Msi),
            Some(Os::Linux) => {
                if target.has(DPKG_STATUS)? {
                    packages.insert(Package::Deb);
                }
                for folder in RPM_FOLDERS {
                    for database in RPM_DATABASES {
                        if target.has(&format!("{folder}/{database}"))? {
                            packages.insert(Package::Rpm);
                        }
                    }
                }
            }
            None => {}
        }
        Ok(Self { os, arch: arch(std::env::consts::ARCH, cfg!(target_endian = "little")), packages })
    }

    /// For people: `linux/amd64, which installs deb and zip`.
    pub fn describe(&self) -> String {
        let system = self.os.map_or("unknown", Os::as_str);
        let processors = self.arch.map_or("unknown", Arch::as_str);
        let packages: Vec<&str> = self.packages.iter().map(|package| package.as_str()).collect();
        format!("{system}/{processors}, which installs {}", packages.join(" and "))
    }
}

/// Whether a host is all that a platform says.
pub fn matches(platform: &Platform, host: &Host) -> bool {
    platform.os.is_none_or(|os| host.os == Some(os))
        && platform.arch.is_none_or(|arch| host.arch == Some(arch))
        && platform.package.is_none_or(|package| host.packages.contains(&package))
}

/// An operating system by the standard library's word.
fn os(word: &str) -> Option<Os> {
    match word {
        "linux" => Some(Os::Linux),
        "macos" => Some(Os::Darwin),
        "windows" => Some(Os::Windows),
        _ => None,
    }
}

/// Processors by the standard library's word, which for POWER does not say in which order bytes lie.
fn arch(word: &str, is_little_endian: bool) -> Option<Arch> {
    match (word, is_little_endian) {
        ("x86_64", _) => Some(Arch::Amd64),
        ("aarch64", true) => Some(Arch::Arm64),
        ("powerpc64", true) => Some(Arch::Ppc64le),
        ("riscv64", _) => Some(Arch::Riscv64),
        ("s390x", _) => Some(Arch::S390x),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn host(os: Os, arch: Arch, packages: &[Package]) -> Host {
        Host { os: Some(os), arch: Some(arch), packages: packages.iter().copied().collect() }
    }

    #[test]
    fn a_host_is_all_that_a_platform_says() {
        let debian = host(Os::Linux, Arch::Amd64, &[Package::Deb, Package::Zip]);
        let fedora = host(Os::Linux, Arch::Arm64, &[Package::Rpm, Package::Zip]);
        let mac = host(Os::Darwin, Arch::Arm64, &[Package::Pkg, Package::Zip]);
        let windows = host(Os::Windows, Arch::Amd64, &[Package::Msi, Package::Zip]);
        let other = Host { os: None, arch: None, packages: [Package::Zip].into() };
        // Which of these five hosts each platform is for.
        for (platform, expected) in [
            ((Some(Os::Linux), None, None), [true, true, false, false, false]),
            ((Some(Os::Darwin), None, None), [false, false, true, false, false]),
            ((None, Some(Arch::Amd64), None), [true, false, false, true, false]),
            ((None, Some(Arch::Arm64), None), [false, true, true, false, false]),
            ((None, Some(Arch::S390x), None), [false; 5]),
            ((None, None, Some(Package::Deb)), [true, false, false, false, false]),
            ((None, None, Some(Package::Rpm)), [false, true, false, false, false]),
            ((None, None, Some(Package::Pkg)), [false, false, true, false, false]),
            ((None, None, Some(Package::Msi)), [false, false, false, true, false]),
            ((None, None, Some(Package::Zip)), [true; 5]),
            ((Some(Os::Linux), Some(Arch::Arm64), None), [false, true, false, false, false]),
            ((Some(Os::Linux), Some(Arch::Amd64), Some(Package::Rpm)), [false; 5]),
            ((Some(Os::Windows), Some(Arch::Amd64), Some(Package::Zip)), [false, false, false, true, false]),
        ] {
            let platform = Platform { os: platform.0, arch: platform.1, package: platform.2 };
            let found = [&debian, &fedora, &mac, &windows, &other].map(|host| matches(&platform, host));
            assert_eq!(found, expected, "{}", platform.describe());
        }
        assert_eq!(debian.describe(), "linux/amd64, which installs deb and zip");
    }

    #[test]
    fn words_of_the_standard_library() {
        let known = ["x86_64", "aarch64", "powerpc64", "riscv64"].map(|word| arch(word, true));
        assert_eq!(known, [Arch::Amd64, Arch::Arm64, Arch::Ppc64le, Arch::Riscv64].map(Some));
        assert_eq!(arch("s390x", false), Some(Arch::S390x));
        assert_eq!([arch("powerpc64", false), arch("aarch64", false), arch("x86", true)], [None; 3]);
        let known = ["linux", "macos", "windows", "freebsd"].map(os);
        assert_eq!(known, [Some(Os::Linux), Some(Os::Darwin), Some(Os::Windows), None]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn databases_beneath_the_root_tell_packages() {
        let scratch = tempfile::tempdir().unwrap();
        let packages = |files: &[&str], links: &[(&str, &str)]| {
            let root = tempfile::tempdir_in(scratch.path()).unwrap();
            let at = |path: &str| {
                let at = root.path().join(path);
                fs::create_dir_all(at.parent().unwrap()).unwrap();
                at
            };
            for file in files {
                fs::write(at(file), b"").unwrap();
            }
            for (path, to) in links {
                symlink(to, at(path)).unwrap();
            }
            let host = Host::of(&Target::open(Some(root.path())).unwrap()).unwrap();
            host.packages.into_iter().map(Package::as_str).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(packages(&[], &[]), "zip");
        assert_eq!(packages(&["var/lib/dpkg/status"], &[]), "deb zip");
        assert_eq!(packages(&["var/lib/rpm/Packages"], &[]), "rpm zip");
        assert_eq!(packages(&["usr/lib/sysimage/rpm/rpmdb.sqlite"], &[]), "rpm zip");
        assert_eq!(packages(&["var/lib/rpm/Packages.db", "var/lib/dpkg/status"], &[]), "rpm deb zip");
        // A folder without a database, and a file where the folder would be.
        assert_eq!(packages(&["var/lib/rpm/.rpm.lock", "var/lib/dpkg"], &[]), "zip");
        // As distributions link it; and links are followed inside the root alone.
        let moved = ("var/lib/rpm", "../../elsewhere/rpm");
        assert_eq!(packages(&["elsewhere/rpm/rpmdb.sqlite"], &[moved]), "rpm zip");
        assert_eq!(packages(&["elsewhere/status"], &[("var/lib/dpkg", "/elsewhere")]), "deb zip");
        let outside = scratch.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("status"), b"").unwrap();
        assert_eq!(packages(&[], &[("var/lib/dpkg", outside.to_str().unwrap())]), "zip");
        assert_eq!(packages(&[], &[("var/lib/dpkg", "../lib/dpkg")]), "zip");
    }
}
