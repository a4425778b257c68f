// SPDX-License-Identifier: Apache-2.0
//! One demand, the signer that it names and the bytes that it needs → one checker's evidence.
//!
//! The one place that leads from a kind of demand to its checker, for a bundle that is proven and for a
//! recipe that is locked alike.

use std::io;

use manifests::bundle::{EvidenceDemand, Signer, SignerIdentity};
use manifests::evidence::Evidence;
use manifests::name::PortablePath;
use manifests::time::Timestamp;

use crate::bytes::Bytes;
use crate::signature::openpgp::{self, Check, Sha1};
use crate::signature::{Reason, Tolerated, evidence};

/// A demand and who is to meet it.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// What is demanded.
    pub demand: &'a EvidenceDemand,
    /// The signer that it names.
    pub signer: &'a Signer,
    /// The time of judgement.
    pub now: Timestamp,
}

/// The bytes that stand beside an artifact: signatures, keys, CA certificates, a repository's index.
pub trait Beside {
    /// The file at this place in the bundle; none where there is none.
    fn get(&self, path: &PortablePath) -> io::Result<Option<Box<dyn Bytes + '_>>>;
}

impl<'a> Case<'a> {
    /// Reads a detached OpenPGP signature over a whole file, and the keys for it. An error is the verdict
    /// already.
    pub fn openpgp(&self, signature: &[u8], keys: &[&[u8]]) -> Result<Check, Evidence> {
        let SignerIdentity::Key { openpgp: pins, .. } = &self.signer.identity else {
            return Err(openpgp::unsigned());
        };
        let sha1 = if self.tolerated().sha1() { Sha1::Allowed } else { Sha1::Refused };
        openpgp::prepare(&openpgp::Demand { signature, keys, pins, now: self.now, sha1 })
    }

    /// Judges a demand of any kind over the artifact's bytes.
    pub fn judge(&self, file: &dyn Bytes, beside: &impl Beside) -> io::Result<Evidence> {
        let _ = (file, beside);
        Ok(evidence(self.demand.kind(), Err(Reason::NotHashed)))
    }

    fn tolerated(&self) -> Tolerated<'a> {
        Tolerated(&self.signer.allow)
    }
}
