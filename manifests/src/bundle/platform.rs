// SPDX-License-Identifier: Apache-2.0
//! For which hosts an item is meant (`docs/formats/manifest.md` §1.17).

use serde::{Deserialize, Serialize};

/// An enum that is written as one of a few words.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// Every one, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// As documents write it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

words! {
    /// An operating system, in the words of Go and OCI.
    Os {
        /// Linux.
        Linux "linux",
        /// macOS.
        Darwin "darwin",
        /// Windows.
        Windows "windows",
    }
}

words! {
    /// A processor architecture, in the words of Go and OCI.
    Arch {
        /// 64-bit x86.
        Amd64 "amd64",
        /// 64-bit ARM.
        Arm64 "arm64",
        /// 64-bit POWER, little-endian.
        Ppc64le "ppc64le",
        /// 64-bit RISC-V.
        Riscv64 "riscv64",
        /// IBM Z.
        S390x "s390x",
    }
}

words! {
    /// What kind of package a host installs.
    Package {
        /// RPM: Linux.
        Rpm "rpm",
        /// Debian's: Linux.
        Deb "deb",
        /// The installer of macOS.
        Pkg "pkg",
        /// Windows Installer.
        Msi "msi",
        /// An archive, which every host can unpack.
        Zip "zip",
    }
}

impl Arch {
    /// As `uname -m` of Linux says it: what vendors call `x86_64` and `aarch64`.
    pub const fn machine(self) -> &'static str {
        match self {
            Self::Amd64 => "x86_64",
            Self::Arm64 => "aarch64",
            other => other.as_str(),
        }
    }
}

impl Package {
    /// The one operating system whose hosts install such packages; none: all do.
    pub const fn os(self) -> Option<Os> {
        match self {
            Self::Rpm | Self::Deb => Some(Os::Linux),
            Self::Pkg => Some(Os::Darwin),
            Self::Msi => Some(Os::Windows),
            Self::Zip => None,
        }
    }
}

/// What a host must be for an item: all that is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Platform {
    /// Its operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<Os>,
    /// Its processors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<Arch>,
    /// What it installs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<Package>,
}

impl Platform {
    /// What is wrong with the parts together; none where there can be such a host.
    pub fn fault(&self) -> Option<&'static str> {
        if *self == Self::default() {
            return Some("is for a platform that says nothing");
        }
        match (self.os, self.package.and_then(Package::os)) {
            (Some(os), Some(wanted)) if os != wanted => {
                Some("is for a package that hosts of its operating system do not install")
            }
            _ => None,
        }
    }

    /// For people: `linux/amd64 rpm`.
    pub fn describe(&self) -> String {
        let system = [self.os.map(Os::as_str), self.arch.map(Arch::as_str)];
        let system = system.into_iter().flatten().collect::<Vec<_>>().join("/");
        let parts = [(!system.is_empty()).then_some(system.as_str()), self.package.map(Package::as_str)];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::{Arch, Os, Package, Platform};

    #[test]
    fn a_package_belongs_to_its_system() {
        let of = |os, package| Platform { os: Some(os), arch: None, package: Some(package) };
        for (os, package) in
            [(Os::Linux, Package::Rpm), (Os::Windows, Package::Msi), (Os::Darwin, Package::Zip)]
        {
            assert_eq!(of(os, package).fault(), None);
        }
        for (os, package) in
            [(Os::Linux, Package::Msi), (Os::Darwin, Package::Deb), (Os::Windows, Package::Pkg)]
        {
            assert!(of(os, package).fault().is_some());
        }
        assert!(Platform::default().fault().is_some());
    }

    #[test]
    fn people_read_it() {
        let platform = Platform { os: Some(Os::Linux), arch: Some(Arch::Arm64), package: Some(Package::Rpm) };
        assert_eq!(platform.describe(), "linux/arm64 rpm");
        assert_eq!(Platform { package: Some(Package::Zip), ..Platform::default() }.describe(), "zip");
        assert_eq!(Arch::Arm64.machine(), "aarch64");
    }
}
