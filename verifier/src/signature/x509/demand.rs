// SPDX-License-Identifier: Apache-2.0
//! What the options of the kinds that rest on certificates amount to.

use manifests::digest::Sha256Digest;
use manifests::time::Timestamp;

use super::{Budget, COMMON_NAME, Certificate};
use crate::signature::Tolerated;

/// Whose signature is good enough, for formats that carry certificates.
#[derive(Clone, Copy, Debug)]
pub struct CertificateDemand<'a> {
    /// The CAs that a signer's chain may end in. None: a leaf that is pinned by its digest stands by itself.
    pub authorities: &'a [Certificate],
    /// The CAs that a timestamp's chain may end in; none: those of signers serve.
    pub timestamp_authorities: Option<&'a [Certificate]>,
    /// SHA-256 of the signer's certificate, any of them; empty: any signer.
    pub pins: &'a [Sha256Digest],
    /// The signer's whole common name, or whole subject; the latter where it has a `=` that is not escaped.
    pub publisher: Option<&'a str>,
    /// The signer's team (Apple).
    pub team: Option<&'a str>,
    /// The time of judgement.
    pub now: Timestamp,
    /// Weaknesses that are named.
    pub tolerated: Tolerated<'a>,
    /// What the searches for chains may cost. Make one for each file.
    pub budget: &'a Budget,
}

impl<'a> CertificateDemand<'a> {
    /// Where the chain of `leaf` may end.
    pub fn anchors<'l>(&self, leaf: &'l Certificate) -> &'l [Certificate]
    where
        'a: 'l,
    {
        match self.authorities {
            [] if self.pins.contains(&leaf.digest()) => std::slice::from_ref(leaf),
            given => given,
        }
    }

    /// The CAs that a timestamp's chain may end in.
    pub fn for_timestamps(&self) -> &'a [Certificate] {
        self.timestamp_authorities.unwrap_or(self.authorities)
    }

    /// Whether `leaf` is one of the pinned certificates; any is, where none is pinned.
    pub fn pins(&self, leaf: &Certificate) -> bool {
        self.pins.is_empty() || self.pins.contains(&leaf.digest())
    }

    /// Whether `leaf` bears the demanded publisher: as its whole subject in the form of RFC 4514 where the demand
    /// has that form, else as its one common name. A common name that spells a subject is none, and of several
    /// nobody can say which is meant.
    pub fn names(&self, leaf: &Certificate) -> bool {
        self.publisher.is_none_or(|publisher| {
            if is_subject(publisher) {
                return leaf.subject() == publisher;
            }
            matches!(leaf.subject_values(COMMON_NAME).as_slice(), [name] if name == publisher)
        })
    }
}

/// Whether a demand has the form of a subject: a `=` that no backslash escapes.
fn is_subject(publisher: &str) -> bool {
    let mut letters = publisher.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => drop(letters.next()),
            '=' => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::is_subject;

    #[test]
    fn a_demand_with_an_equals_sign_is_a_whole_subject() {
        for subject in ["CN=Example", "CN=Example,O=Example Ltd", "a=b", "a\\\\=b"] {
            assert!(is_subject(subject), "{subject}");
        }
        for name in ["Example", "Example, Ltd", "a\\=b", "\\"] {
            assert!(!is_subject(name), "{name}");
        }
    }
}
