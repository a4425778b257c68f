// SPDX-License-Identifier: Apache-2.0
//! What this host has accepted: per bundle name the highest sequence and its manifest, and the
//! latest time seen in a trusted document. No clock is needed to refuse an older bundle.

use std::collections::BTreeMap;

use manifests::bundle::Identity;
use manifests::digest::Sha256Digest;
use manifests::json::{self, MAX_MEMBERS};
use manifests::name::{BundleName, Name};
use manifests::sequence::Sequence;
use manifests::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{Code, Refusal};

/// `type` of a ledger.
const LEDGER_DOCUMENT: &str = "sealift-ledger/1";
/// The longest ledger, in bytes: as many bundle names as an object may have members.
pub const MAX_LEDGER_BYTES: usize = 16 * 1024 * 1024;

/// The last bundle of a name that was installed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// Its sequence.
    pub sequence: Sequence,
    /// SHA-256 of its manifest.
    pub manifest: Sha256Digest,
}

/// A change of trust root by `trust init --replace`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replacement {
    /// When, by this host's clock.
    pub at: Timestamp,
    /// The fingerprint of the root that was given up.
    pub from: Sha256Digest,
    /// The fingerprint of the root that took its place.
    pub to: Sha256Digest,
}

/// The ledger of a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ledger {
    #[serde(rename = "type")]
    document_type: String,
    root: Sha256Digest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    host: Option<Name>,
    latest_seen: Option<Timestamp>,
    bundles: BTreeMap<BundleName, Accepted>,
    replacements: Vec<Replacement>,
}

/// How a bundle stands to what was accepted before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The first of its name.
    First,
    /// The very bundle that was installed last.
    Same,
    /// Newer; this many sequences in between never came here.
    Newer {
        /// Sequences that were skipped.
        skipped: u64,
    },
}

impl Ledger {
    /// The ledger that `trust init` makes, under the root with this fingerprint.
    pub fn empty(root: Sha256Digest) -> Self {
        Self {
            document_type: LEDGER_DOCUMENT.to_owned(),
            root,
            host: None,
            latest_seen: None,
            bundles: BTreeMap::new(),
            replacements: Vec::new(),
        }
    }

    /// Reads a ledger; `subject` names it in refusals. Anything odd is damage, never an empty ledger.
    pub fn read(bytes: &[u8], subject: &str) -> Result<Self, Refusal> {
        let damaged = |found: String| Refusal::new(Code::StateUnreadable, subject, "is damaged").found(found);
        let ledger: Self = json::read(bytes, MAX_LEDGER_BYTES).map_err(|error| damaged(error.to_string()))?;
        if ledger.document_type != LEDGER_DOCUMENT {
            return Err(damaged(format!("type `{}`", ledger.document_type)));
        }
        Ok(ledger)
    }

    /// The bytes to write down.
    pub fn render(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// The time to judge by: the clock may have been turned back, what was signed cannot.
    pub fn now(&self, clock: Timestamp) -> Timestamp {
        self.latest_seen.map_or(clock, |seen| seen.max(clock))
    }

    /// The last accepted bundle of this name.
    pub fn accepted(&self, name: &BundleName) -> Option<Accepted> {
        self.bundles.get(name).copied()
    }

    /// Refuses an older bundle, and another bundle of the same sequence.
    pub fn judge(&self, bundle: &Identity, id: Sha256Digest) -> Result<Standing, Refusal> {
        let Some(last) = self.accepted(&bundle.name) else {
            // A ledger that could not be read again would be worse than no install.
            if self.bundles.len() >= MAX_MEMBERS {
                return Err(Refusal::new(
                    Code::LimitExceeded,
                    format!("bundle {}", bundle.name),
                    "is one name too many",
                )
                .expected(format!("at most {MAX_MEMBERS} bundle names in this host's ledger"))
                .found(format!("{} and this one", self.bundles.len())));
            }
            return Ok(Standing::First);
        };
        if bundle.sequence < last.sequence {
            return Err(Refusal::new(
                Code::SequenceTooOld,
                format!("bundle {}", bundle.name),
                "is older than what this host already accepted",
            )
            .expected(format!("sequence {} or higher", last.sequence))
            .found(format!("sequence {}", bundle.sequence)));
        }
        if bundle.sequence == last.sequence && id != last.manifest {
            return Err(Refusal::new(
                Code::Equivocation,
                format!("bundle {}", bundle.name),
                format!(
                    "is another bundle than the one of sequence {} that this host accepted",
                    last.sequence
                ),
            )
            .expected(last.manifest)
            .found(id));
        }
        if id == last.manifest {
            return Ok(Standing::Same);
        }
        Ok(Standing::Newer { skipped: bundle.sequence.get() - last.sequence.get() - 1 })
    }

    /// The ledger after the install of a bundle that [`Self::judge`] let through.
    #[must_use]
    pub fn with(&self, bundle: &Identity, id: Sha256Digest) -> Self {
        let mut next = self.clone();
        next.bundles.insert(bundle.name.clone(), Accepted { sequence: bundle.sequence, manifest: id });
        next.latest_seen = Some(self.now(bundle.created));
        next
    }

    /// The ledger after root N + 1, with this fingerprint: only that resets the latest time seen (a bundle dated 2099).
    #[must_use]
    pub fn after_root_update(&self, root: Sha256Digest) -> Self {
        Self { root, latest_seen: None, ..self.clone() }
    }

    /// The ledger after `trust init --replace`: what was accepted stays, and the change is recorded.
    #[must_use]
    pub fn after_replacement(&self, replacement: Replacement) -> Self {
        let mut next = self.after_root_update(replacement.to);
        next.replacements.push(replacement);
        next
    }

    /// The ledger of a host that was given a name.
    #[must_use]
    pub fn named(&self, host: Name) -> Self {
        Self { host: Some(host), ..self.clone() }
    }

    /// The fingerprint of the root that is in force.
    pub const fn root(&self) -> Sha256Digest {
        self.root
    }

    /// What this host is called, where somebody said so.
    pub const fn host(&self) -> Option<&Name> {
        self.host.as_ref()
    }

    /// Every replacement of the trust root, oldest first.
    pub fn replacements(&self) -> &[Replacement] {
        &self.replacements
    }

    /// The latest time seen in a trusted document.
    pub const fn latest_seen(&self) -> Option<Timestamp> {
        self.latest_seen
    }

    /// Every accepted bundle.
    pub const fn bundles(&self) -> &BTreeMap<BundleName, Accepted> {
        &self.bundles
    }
}

#[cfg(test)]
mod tests {
    use manifests::bundle::Profile;
    use manifests::name::BundleVersion;

    use super::*;

    fn bundle(name: &str) -> Identity {
        let time = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
        Identity {
            name: BundleName::new(name).unwrap(),
            version: BundleVersion::new("1").unwrap(),
            sequence: Sequence::new(1).unwrap(),
            created: time,
            expires: None,
            audience: None,
            profile: Profile::Standard,
        }
    }

    #[test]
    fn a_ledger_never_grows_beyond_what_is_read_again() {
        let id = Sha256Digest::new([1; 32]);
        let mut ledger = Ledger::empty(id);
        for number in 0..MAX_MEMBERS {
            let bundle = bundle(&format!("b{number}"));
            assert_eq!(ledger.judge(&bundle, id).unwrap(), Standing::First);
            ledger.bundles.insert(bundle.name, Accepted { sequence: bundle.sequence, manifest: id });
        }
        assert_eq!(Ledger::read(&ledger.render().unwrap(), "ledger").unwrap().bundles.len(), MAX_MEMBERS);
        assert_eq!(ledger.judge(&bundle("b1"), id).unwrap(), Standing::Same);
        assert_eq!(ledger.judge(&bundle("one-more"), id).unwrap_err().code, Code::LimitExceeded);
    }
}
