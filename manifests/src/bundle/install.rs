// SPDX-License-Identifier: Apache-2.0
//! What becomes of artifacts and trees on the target (`docs/formats/manifest.md` §1.15).

use serde::{Deserialize, Serialize};

use super::platform::{Os, Package};
use crate::name::{InstallPath, Name};

/// What becomes of an artifact. Variants without a member have braces: of a bare one serde would take unknown members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", deny_unknown_fields, rename_all = "kebab-case")]
pub enum FileInstall {
    /// It is laid down as one file.
    File {
        /// Where.
        path: InstallPath,
        /// With which permissions.
        mode: InstallMode,
        /// Whose; the installing user's, where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<Owner>,
    },
    /// `rpm -U`.
    Rpm {},
    /// `dpkg -i`.
    Deb {},
    /// `installer -pkg`.
    Pkg {},
    /// `msiexec /i`.
    Msi {},
    /// Its program becomes a plug-in of Notation.
    NotationPlugin {},
    /// The AWS CLI's own installer, out of its zip.
    AwsCli {},
}

impl FileInstall {
    /// As recipes write it, where it needs no more than a word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::File { .. } => "file",
            Self::Rpm {} => "rpm",
            Self::Deb {} => "deb",
            Self::Pkg {} => "pkg",
            Self::Msi {} => "msi",
            Self::NotationPlugin {} => "notation-plugin",
            Self::AwsCli {} => "aws-cli",
        }
    }

    /// Every action that is one word.
    pub const WORDS: &[Self] =
        &[Self::Rpm {}, Self::Deb {}, Self::Pkg {}, Self::Msi {}, Self::NotationPlugin {}, Self::AwsCli {}];

    /// What hosts must install for it; none: anything.
    pub const fn package(&self) -> Option<Package> {
        match self {
            Self::File { .. } => None,
            Self::Rpm {} => Some(Package::Rpm),
            Self::Deb {} => Some(Package::Deb),
            Self::Pkg {} => Some(Package::Pkg),
            Self::Msi {} => Some(Package::Msi),
            Self::NotationPlugin {} | Self::AwsCli {} => Some(Package::Zip),
        }
    }

    /// The only operating system that it works on; none: any.
    pub const fn os(&self) -> Option<Os> {
        match self {
            Self::File { .. } | Self::NotationPlugin {} => None,
            Self::Rpm {} => Package::Rpm.os(),
            Self::Deb {} => Package::Deb.os(),
            Self::Pkg {} => Package::Pkg.os(),
            Self::Msi {} => Package::Msi.os(),
            Self::AwsCli {} => Some(Os::Linux),
        }
    }
}

/// What becomes of a tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", deny_unknown_fields, rename_all = "kebab-case")]
pub enum TreeInstall {
    /// Its files, links and empty folders are laid down beneath a folder.
    Directory {
        /// Which.
        path: InstallPath,
        /// Whose; the installing user's, where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<Owner>,
    },
}

/// Permission bits on the target: four octal digits, `0000` to `0777`. No bit that lends rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InstallMode(u32);

impl InstallMode {
    /// Reads `0644`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 4 && text.bytes().all(|b| matches!(b, b'0'..=b'7'));
        let bits = u32::from_str_radix(text, 8).ok().filter(|bits| digits && *bits <= 0o777)?;
        Some(Self(bits))
    }

    /// The bits.
    pub const fn bits(self) -> u32 {
        self.0
    }
}

impl TryFrom<String> for InstallMode {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("a mode is four octal digits from 0000 to 0777")
    }
}

impl From<InstallMode> for String {
    fn from(mode: InstallMode) -> Self {
        format!("{:04o}", mode.0)
    }
}

/// Whose a file is on the target: a number, or a name in the target's own passwd file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Owner(Name);

impl Owner {
    /// A user's name or number.
    pub const fn new(name: Name) -> Self {
        Self(name)
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}
