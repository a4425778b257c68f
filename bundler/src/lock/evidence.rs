// SPDX-License-Identifier: Apache-2.0
//! Vendors' signatures, judged by the verifier's own checker at the time that the recipe gives the bundle.
//!
//! That time, and not the clock: an old lock still builds, and any machine comes to the same verdict.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use manifests::evidence::{Evidence, Verdict};
use manifests::fingerprint::Fingerprint;
use manifests::time::Timestamp;
use verifier::error::Code;
use verifier::hash::Kernel;
use verifier::hash::sha256::Midstate;
use verifier::signature::openpgp::{self, Demand, Hasher, Sha1};

use crate::failure::Failure;
use crate::progress::Progress;

/// Signatures that were read and wait for the file.
pub(super) struct Pending(Vec<Prepared>);

struct Prepared {
    /// The signature's path, for people.
    name: String,
    check: openpgp::Check,
    hasher: Option<Hasher>,
}

/// Who made a good signature, and when.
pub(super) struct Good {
    pub(super) signer: Fingerprint,
    pub(super) signed_at: Option<Timestamp>,
}

impl Pending {
    /// Reads all signatures of one artifact; each is a path for people and its bytes.
    pub(super) fn prepare(
        artifact: &str,
        signatures: &[(String, Vec<u8>)],
        key: &[u8],
        pins: &[Fingerprint],
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let mut checks = Vec::with_capacity(signatures.len());
        for (name, signature) in signatures {
            let demand = Demand { signature, keys: &[key], pins, now, sha1: Sha1::Refused };
            let check = openpgp::prepare(&demand).map_err(|evidence| refusal(artifact, name, &evidence))?;
            checks.push(Prepared { name: name.clone(), hasher: check.hasher(), check });
        }
        Ok(Self(checks))
    }

    /// Whether SHA-256 is not enough, so that the bytes must be seen in order.
    pub(super) fn needs_bytes(&self) -> bool {
        self.0.iter().any(|prepared| prepared.hasher.is_some())
    }

    /// Reads the file once for its own digest and for all that its signatures need.
    pub(super) fn read(&mut self, path: &Path, name: &str, progress: &Progress) -> Result<Midstate, Failure> {
        /// Large enough that starting a thread for it costs nothing, small enough to stay in the cache.
        const BLOCK: usize = 1 << 20;
        let mut file = File::open(path).map_err(|error| Failure::argument(name, &error))?;
        let kernel = Kernel::detect();
        let mut midstate = Midstate::EMPTY;
        let mut block = Vec::with_capacity(BLOCK);
        loop {
            block.clear();
            let bytes = (&mut file)
                .take(BLOCK as u64)
                .read_to_end(&mut block)
                .map_err(|error| Failure::reading(name, &error))?;
            if bytes == 0 {
                return Ok(midstate);
            }
            std::thread::scope(|scope| {
                for hasher in self.0.iter_mut().filter_map(|prepared| prepared.hasher.as_mut()) {
                    let block = &block;
                    scope.spawn(move || hasher.update(block));
                }
                midstate.update(kernel, &block);
            });
            progress.advance(bytes as u64);
        }
    }

    /// Judges every signature; all must be good.
    pub(super) fn judge(self, artifact: &str, file: &Midstate) -> Result<Vec<Good>, Failure> {
        let judged = self.0.into_iter().map(|prepared| {
            let evidence = prepared.check.judge(file, prepared.hasher);
            good(&evidence).ok_or_else(|| refusal(artifact, &prepared.name, &evidence))
        });
        judged.collect()
    }
}

fn good(evidence: &Evidence) -> Option<Good> {
    let signer = evidence.signer.as_ref().filter(|_| evidence.verdict == Verdict::Good)?;
    Some(Good { signer: Fingerprint::parse(&signer.id).ok()?, signed_at: evidence.signed_at })
}

fn refusal(artifact: &str, signature: &str, evidence: &Evidence) -> Failure {
    let (code, what) = match evidence.verdict {
        Verdict::Bad | Verdict::Good => (Code::EvidenceBad, "is not the file that the vendor signed"),
        Verdict::WrongSigner => (Code::EvidenceWrongSigner, "is signed by somebody else"),
        Verdict::OutsidePolicy => (Code::EvidenceOutsidePolicy, "has a signature that does not count"),
        Verdict::Unsigned => (Code::EvidenceUnsigned, "has no signature"),
        Verdict::Malformed => (Code::EvidenceMalformed, "has a signature or key that cannot be read"),
    };
    let mut found = vec![format!("{} in {signature}", evidence.verdict)];
    found.extend(evidence.reason.map(str::to_owned));
    found.extend(evidence.signer.as_ref().map(|signer| format!("signer {}", signer.id)));
    found.extend(evidence.notes.iter().cloned());
    Failure::new(code, artifact, what)
        .expected("a good signature by the pinned key")
        .found(found.join("; "))
        .hint("fetch file and signature from the vendor again; ask the vendor before you change a pin")
}
