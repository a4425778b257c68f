// SPDX-License-Identifier: Apache-2.0
//! Who is trusted to sign, and what each artifact demands (`docs/formats/manifest.md` §1.9, §1.12).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::digest::Sha256Digest;
use crate::evidence::Weak;
use crate::fingerprint::Fingerprint;
use crate::name::{Name, PortablePath};

/// An identity that the recipe trusts for some artifacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "SignerDocument", try_from = "SignerDocument")]
pub struct Signer {
    /// What decides.
    pub identity: SignerIdentity,
    /// Weak algorithms that are tolerated in this signer's signatures.
    pub allow: Vec<Weak>,
}

/// How a signer is told from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignerIdentity {
    /// By an OpenPGP key.
    Key {
        /// Primary key fingerprints, alternatives to each other: these decide.
        openpgp: Vec<Fingerprint>,
        /// The payload entry that carries the keys: these only introduce.
        key: PortablePath,
    },
    /// By a certificate and its chain.
    Certificate(CertificateIdentity),
}

/// What must hold of a leaf certificate: all that is given, and at least one thing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateIdentity {
    /// Authenticode: the whole CN of the leaf, or its whole DN as RFC 4514 prints it.
    pub publisher: Option<String>,
    /// Apple: the team that the leaf is for.
    pub team: Option<String>,
    /// Digests of leaves, alternatives to each other.
    pub certificates: Vec<Sha256Digest>,
    /// CAs that a chain may end in, alternatives to each other. None: the leaf that is pinned stands by itself.
    pub authorities: Vec<Authority>,
    /// The same for timestamps; the CAs above serve, where none.
    pub timestamp_authorities: Vec<Authority>,
}

/// A CA certificate: the digest decides, the file only carries it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// The payload entry, PEM or DER.
    pub file: PortablePath,
    /// SHA-256 of the certificate's DER.
    pub fingerprint: Sha256Digest,
}

/// A signer as written.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct SignerDocument {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    openpgp: Option<Vec<Fingerprint>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<PortablePath>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    authenticode: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    apple_team: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    certificate: Vec<Sha256Digest>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ca: Vec<Authority>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tsa_ca: Vec<Authority>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    allow: Vec<Weak>,
}

impl TryFrom<SignerDocument> for Signer {
    type Error = &'static str;

    fn try_from(document: SignerDocument) -> Result<Self, Self::Error> {
        let SignerDocument { openpgp, key, authenticode, apple_team, certificate, ca, tsa_ca, allow } =
            document;
        let certificate = CertificateIdentity {
            publisher: authenticode,
            team: apple_team,
            certificates: certificate,
            authorities: ca,
            timestamp_authorities: tsa_ca,
        };
        let identity = match (openpgp, key) {
            (Some(openpgp), Some(key)) if certificate == CertificateIdentity::default() => {
                SignerIdentity::Key { openpgp, key }
            }
            (None, None) => SignerIdentity::Certificate(certificate),
            _ => return Err("a signer is told either by `openpgp` with `key`, or by a certificate"),
        };
        Ok(Self { identity, allow })
    }
}

impl From<Signer> for SignerDocument {
    fn from(signer: Signer) -> Self {
        let document = Self { allow: signer.allow, ..Self::default() };
        match signer.identity {
            SignerIdentity::Key { openpgp, key } => {
                Self { openpgp: Some(openpgp), key: Some(key), ..document }
            }
            SignerIdentity::Certificate(certificate) => Self {
                authenticode: certificate.publisher,
                apple_team: certificate.team,
                certificate: certificate.certificates,
                ca: certificate.authorities,
                tsa_ca: certificate.timestamp_authorities,
                ..document
            },
        }
    }
}

impl Signer {
    /// What is wrong with the parts together; none where they make sense.
    pub fn fault(&self) -> Option<&'static str> {
        let distinct: BTreeSet<&Weak> = self.allow.iter().collect();
        if distinct.len() != self.allow.len() {
            return Some("allows one weakness twice");
        }
        match &self.identity {
            SignerIdentity::Key { openpgp, .. } if openpgp.is_empty() => Some("pins no fingerprint"),
            SignerIdentity::Key { .. } if self.allow.iter().any(|weak| *weak != Weak::Sha1) => {
                Some("allows a weakness that OpenPGP does not have")
            }
            SignerIdentity::Key { .. } => None,
            SignerIdentity::Certificate(certificate) => certificate.fault(),
        }
    }

    /// The payload entries that carry its keys or certificates.
    pub fn files(&self) -> Vec<&PortablePath> {
        match &self.identity {
            SignerIdentity::Key { key, .. } => vec![key],
            SignerIdentity::Certificate(certificate) => {
                let authorities = certificate.authorities.iter().chain(&certificate.timestamp_authorities);
                authorities.map(|authority| &authority.file).collect()
            }
        }
    }

    /// The pins, as people read them: keys are alternatives, what is asked of a certificate must all hold.
    pub fn pins_in_words(&self) -> String {
        let joint = match self.identity {
            SignerIdentity::Key { .. } => " or ",
            SignerIdentity::Certificate(_) => " and ",
        };
        self.pins().join(joint)
    }

    fn pins(&self) -> Vec<String> {
        match &self.identity {
            SignerIdentity::Key { openpgp, .. } => openpgp.iter().map(ToString::to_string).collect(),
            SignerIdentity::Certificate(certificate) => {
                let publisher = certificate.publisher.iter().map(|name| format!("publisher {name}"));
                let team = certificate.team.iter().map(|team| format!("Apple team {team}"));
                let leaves: Vec<String> = certificate.certificates.iter().map(ToString::to_string).collect();
                let leaves = (!leaves.is_empty()).then(|| format!("certificate {}", leaves.join(" or ")));
                publisher.chain(team).chain(leaves).collect()
            }
        }
    }
}

impl CertificateIdentity {
    fn fault(&self) -> Option<&'static str> {
        let blank = |text: &Option<String>| text.as_ref().is_some_and(|text| text.trim().is_empty());
        match (&self.publisher, &self.team) {
            (Some(_), Some(_)) => Some("is told both by a publisher and by an Apple team"),
            (None, None) if self.certificates.is_empty() => {
                Some("pins neither publisher, Apple team nor certificate")
            }
            _ if blank(&self.publisher) || blank(&self.team) => Some("pins an empty name"),
            // Anybody's CA gives out any name.
            (None, None) => None,
            _ if self.authorities.is_empty() => Some("pins a name without the CA that vouches for it"),
            _ => None,
        }
    }
}

/// One vendor signature that must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", deny_unknown_fields, rename_all = "kebab-case")]
pub enum EvidenceDemand {
    /// A detached OpenPGP signature over the whole file.
    Openpgp {
        /// Who must have made it.
        signer: Name,
        /// The payload entry that holds it.
        signature: PortablePath,
    },
    /// A detached OpenPGP signature over one member of a zip.
    ZipMember {
        /// Who must have made it.
        signer: Name,
        /// The member, by its whole name.
        member: PortablePath,
        /// The payload entry that holds the signature.
        signature: PortablePath,
    },
    /// The signature inside an RPM package.
    Rpm {
        /// Who must have made it.
        signer: Name,
    },
    /// A debsigs signature inside a .deb.
    Deb {
        /// Who must have made it.
        signer: Name,
    },
    /// A .deb by way of its repository's signed Release.
    AptDeb {
        /// Who must have signed the Release.
        signer: Name,
        /// The payload entry that holds InRelease, or Release.
        release: PortablePath,
        /// The payload entry that holds Release.gpg; none where InRelease is signed in itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<PortablePath>,
        /// The payload entry that holds Packages, as the repository serves it.
        packages: PortablePath,
    },
    /// Authenticode inside an exe, dll, sys, msi or cab.
    Authenticode {
        /// Who must have made it.
        signer: Name,
        /// The member of a zip that is signed; none: the file itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        member: Option<PortablePath>,
    },
    /// The signature inside a macOS installer package.
    ApplePkg {
        /// Who must have made it.
        signer: Name,
    },
    /// The signature inside a Mach-O program.
    AppleCode {
        /// Who must have made it.
        signer: Name,
        /// The member of a zip that is signed; none: the file itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        member: Option<PortablePath>,
    },
}

impl EvidenceDemand {
    /// Who must have signed.
    pub const fn signer(&self) -> &Name {
        match self {
            Self::Openpgp { signer, .. }
            | Self::ZipMember { signer, .. }
            | Self::Rpm { signer }
            | Self::Deb { signer }
            | Self::AptDeb { signer, .. }
            | Self::Authenticode { signer, .. }
            | Self::ApplePkg { signer }
            | Self::AppleCode { signer, .. } => signer,
        }
    }

    /// The word as documents write it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Openpgp { .. } => "openpgp",
            Self::ZipMember { .. } => "zip-member",
            Self::Rpm { .. } => "rpm",
            Self::Deb { .. } => "deb",
            Self::AptDeb { .. } => "apt-deb",
            Self::Authenticode { .. } => "authenticode",
            Self::ApplePkg { .. } => "apple-pkg",
            Self::AppleCode { .. } => "apple-code",
        }
    }

    /// What people call such a signature.
    pub const fn title(&self) -> &'static str {
        match self {
            Self::Openpgp { .. } => "OpenPGP",
            Self::ZipMember { .. } => "OpenPGP (over a member of the zip)",
            Self::Rpm { .. } => "RPM",
            Self::Deb { .. } => "debsigs",
            Self::AptDeb { .. } => "repository",
            Self::Authenticode { .. } => "Authenticode",
            Self::ApplePkg { .. } => "Apple installer",
            Self::AppleCode { .. } => "Apple code",
        }
    }

    /// The payload entries that it needs besides the artifact and the signer's.
    pub fn files(&self) -> Vec<&PortablePath> {
        match self {
            Self::Openpgp { signature, .. } | Self::ZipMember { signature, .. } => vec![signature],
            Self::AptDeb { release, signature, packages, .. } => {
                [release].into_iter().chain(signature).chain([packages]).collect()
            }
            Self::Rpm { .. }
            | Self::Deb { .. }
            | Self::Authenticode { .. }
            | Self::ApplePkg { .. }
            | Self::AppleCode { .. } => Vec::new(),
        }
    }

    /// Whether evidence of this kind can come from such a signer.
    pub const fn suits(&self, signer: &Signer) -> bool {
        match (self, &signer.identity) {
            (
                Self::Openpgp { .. }
                | Self::ZipMember { .. }
                | Self::Rpm { .. }
                | Self::Deb { .. }
                | Self::AptDeb { .. },
                SignerIdentity::Key { .. },
            ) => true,
            (Self::Authenticode { .. }, SignerIdentity::Certificate(certificate)) => {
                certificate.team.is_none()
            }
            (Self::ApplePkg { .. } | Self::AppleCode { .. }, SignerIdentity::Certificate(certificate)) => {
                certificate.publisher.is_none()
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(members: &str) -> Result<Signer, String> {
        serde_json::from_str(&format!("{{{members}}}")).map_err(|error| error.to_string())
    }

    fn ca() -> String {
        format!(r#""ca":[{{"file":"files/signers/s/ca.pem","fingerprint":"sha256:{}"}}]"#, "ab".repeat(32))
    }

    #[test]
    fn signers_that_make_no_sense_are_told() {
        let pin = format!(r#""openpgp":["{}"],"key":"files/signers/s/k""#, "A".repeat(40));
        let leaf = format!(r#""certificate":["sha256:{}"]"#, "cd".repeat(32));
        for (members, fault) in [
            (pin.clone(), None),
            (format!(r#"{pin},"allow":["sha1"]"#), None),
            (format!(r#"{pin},"allow":["sha1-toc"]"#), Some("allows a weakness that OpenPGP does not have")),
            (format!(r#"{pin},"allow":["sha1","sha1"]"#), Some("allows one weakness twice")),
            (r#""openpgp":[],"key":"files/signers/s/k""#.to_owned(), Some("pins no fingerprint")),
            (leaf.clone(), None),
            (format!(r#""authenticode":"X",{}"#, ca()), None),
            (r#""authenticode":"X""#.to_owned(), Some("pins a name without the CA that vouches for it")),
            (format!(r#""appleTeam":" ",{}"#, ca()), Some("pins an empty name")),
            (ca(), Some("pins neither publisher, Apple team nor certificate")),
            (
                format!(r#""authenticode":"X","appleTeam":"Y",{}"#, ca()),
                Some("is told both by a publisher and by an Apple team"),
            ),
        ] {
            assert_eq!(signer(&members).unwrap().fault(), fault, "{members}");
        }
        for mixed in [format!("{pin},{leaf}"), format!("{pin},{}", ca()), r#""key":"files/k""#.to_owned()] {
            assert!(signer(&mixed).unwrap_err().contains("either by `openpgp` with `key`"), "{mixed}");
        }
    }

    #[test]
    fn evidence_comes_only_from_signers_that_can_give_it() {
        let key = signer(&format!(r#""openpgp":["{}"],"key":"files/k""#, "A".repeat(40))).unwrap();
        let publisher = signer(&format!(r#""authenticode":"X",{}"#, ca())).unwrap();
        let team = signer(&format!(r#""appleTeam":"X",{}"#, ca())).unwrap();
        for (kind, more, suits) in [
            ("openpgp", r#","signature":"files/s""#, [true, false, false]),
            ("zip-member", r#","member":"m","signature":"files/s""#, [true, false, false]),
            ("rpm", "", [true, false, false]),
            ("deb", "", [true, false, false]),
            ("apt-deb", r#","release":"files/r","packages":"files/p""#, [true, false, false]),
            ("authenticode", "", [false, true, false]),
            ("apple-pkg", "", [false, false, true]),
            ("apple-code", "", [false, false, true]),
        ] {
            let demand: EvidenceDemand =
                serde_json::from_str(&format!(r#"{{"kind":"{kind}","signer":"s"{more}}}"#)).unwrap();
            assert_eq!((demand.kind(), [&key, &publisher, &team].map(|by| demand.suits(by))), (kind, suits));
        }
    }
}
