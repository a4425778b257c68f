// SPDX-License-Identifier: Apache-2.0
//! Vendors' signatures: bytes and a demand in, [`Evidence`] out.
//!
//! A checker knows no clock, no network and no trust store: the pinned identity, the keys and the time
//! come as arguments, so that every verdict can be replayed.
#![deny(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::indexing_slicing)]

pub mod apple;
pub mod approve;
pub mod apt;
pub mod authenticode;
pub mod cms;
pub mod deb;
pub mod digest;
pub mod openpgp;
pub mod pass;
pub mod rpm;
pub mod timestamp;
pub mod x509;
pub mod zip_member;

use std::io;

use manifests::evidence::{Evidence, Verdict, Weak};

macro_rules! reasons {
    ($($verdict:ident { $($(#[$doc:meta])* $name:ident = $word:literal,)* })*) => {
        /// Why a verdict is not `good`. The words are public and stable: `docs/exit-codes.md` lists them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Reason { $($($(#[$doc])* $name,)*)* }

        impl Reason {
            /// Every reason, in the order of the documentation.
            pub const ALL: &[Self] = &[$($(Self::$name,)*)*];

            /// The word as documents print it.
            pub const fn as_str(self) -> &'static str {
                match self { $($(Self::$name => $word,)*)* }
            }

            /// The verdict that this reason belongs to.
            pub const fn verdict(self) -> Verdict {
                match self { $($(Self::$name => Verdict::$verdict,)*)* }
            }
        }
    };
}

reasons! {
    Bad {
        /// A supplied key was applied, and the signature does not belong to these bytes.
        DigestMismatch = "digest-mismatch",
        /// A certificate's signature does not verify under the key of the CA that it names.
        ChainBroken = "chain-broken",
        /// The timestamp that is needed is not well-formed, or stamps something else.
        TimestampBroken = "timestamp-broken",
    }
    WrongSigner {
        /// Sound, but the signer is none of the pinned identities.
        NotPinned = "not-pinned",
        /// The key that signed is not among those supplied; nothing could be computed.
        KeyNotSupplied = "key-not-supplied",
        /// The key that signed stands in the pinned certificate, but its primary key never vouched for it.
        KeyNotBound = "key-not-bound",
        /// No chain leads from the signer's certificate to a given CA.
        UntrustedChain = "untrusted-chain",
    }
    OutsidePolicy {
        /// The key had expired when the signature was made.
        KeyExpired = "key-expired",
        /// The key is revoked: for good, or before the signature was made.
        KeyRevoked = "key-revoked",
        /// The key may not sign data (its flags say so).
        KeyNotForSigning = "key-not-for-signing",
        /// The key is too short or of an algorithm that is no longer accepted.
        WeakKey = "weak-key",
        /// What binds the key rests on a weak hash or on an unknown critical part.
        SelfSignatureOutsidePolicy = "self-signature-outside-policy",
        /// Nothing binds the key at the time of the signature.
        KeyNotBoundWhenSigned = "key-not-bound-when-signed",
        /// The primary key claims a signing subkey that never agreed (no back-signature).
        NoBackSignature = "no-back-signature",
        /// The signature claims to be older than the key that made it.
        SignaturePredatesKey = "signature-predates-key",
        /// The signature's own expiry has passed.
        SignatureExpired = "signature-expired",
        /// The signature is dated more than a minute after the time of judgement.
        SignatureFromTheFuture = "signature-from-the-future",
        /// The signature carries no time.
        SignatureWithoutTime = "signature-without-time",
        /// The signature uses a hash that is no longer accepted.
        WeakHash = "weak-hash",
        /// An algorithm that this program does not know.
        UnknownAlgorithm = "unknown-algorithm",
        /// A critical subpacket, notation or extension that this program does not know.
        UnknownCritical = "unknown-critical",
        /// A signature packet of a version that is no longer accepted.
        ObsoleteVersion = "obsolete-version",
        /// Signature and key are of versions or parameters that may not go together.
        VersionMismatch = "version-mismatch",
        /// A certificate of the chain had expired at the time that counts.
        CertificateExpired = "certificate-expired",
        /// A certificate of the chain was not yet valid at the time that counts.
        CertificateNotYetValid = "certificate-not-yet-valid",
        /// A certificate of the chain is for another purpose.
        WrongUsage = "wrong-usage",
        /// An issuer in the chain may not sign certificates.
        IssuerNotCa = "issuer-not-ca",
        /// More CAs beneath one than it permits.
        PathLengthExceeded = "path-length-exceeded",
        /// A name that a CA of the chain may not certify.
        NameNotPermitted = "name-not-permitted",
        /// The chain demands a certificate policy that it does not fulfil.
        PolicyNotFulfilled = "policy-not-fulfilled",
        /// The timestamp is not by an authority that leads to a given CA.
        TimestampUntrusted = "timestamp-untrusted",
        /// The timestamp is dated more than a minute after the time of judgement.
        TimestampFromTheFuture = "timestamp-from-the-future",
        /// The repository's Release says that it is no longer valid.
        ReleaseExpired = "release-expired",
        /// The repository's Release is dated more than a minute after the time of judgement.
        ReleaseFromTheFuture = "release-from-the-future",
        /// The signer's certificate is not of the kind that Apple issues for this (its markers say so).
        NotDeveloperId = "not-developer-id",
        /// The team that the code names is not the one of the signer's certificate.
        TeamMismatch = "team-mismatch",
    }
    Unsigned {
        /// There is no signature.
        NoSignature = "no-signature",
        /// An RPM package's header is signed, and nothing in it says what the payload must be.
        PayloadNotSigned = "payload-not-signed",
        /// The repository's signed lists do not name the file.
        NotListed = "not-listed",
        /// The archive has no file of the name that was asked for.
        MemberNotFound = "member-not-found",
    }
    Malformed {
        /// A key file is not well-formed, or holds no key that this program reads.
        KeyMalformed = "key-malformed",
        /// A certificate file is not well-formed, or holds no certificate.
        CertificateMalformed = "certificate-malformed",
        /// The signature file is not well-formed.
        SignatureMalformed = "signature-malformed",
        /// The signature file is well-formed, but holds no detached signature.
        NoDetachedSignature = "no-detached-signature",
        /// The certificate that is pinned as a CA is not in the file that should carry it.
        AuthorityNotCarried = "authority-not-carried",
        /// A trust policy that breaks a rule of its specification, or is not one.
        TrustPolicyMalformed = "trust-policy-malformed",
        /// A folder that is not a trust store, or holds what must not lie there.
        TrustStoreMalformed = "trust-store-malformed",
        /// A certificate in a trust store that is neither a CA's nor self-signed; for timestamps: not both.
        NotAnAnchor = "not-an-anchor",
        /// An input exceeds a documented limit.
        LimitExceeded = "limit-exceeded",
        /// The file's bytes were not all shown to the checker. A fault of the calling program.
        NotHashed = "not-hashed",
        /// The file is not a well-formed one of its kind.
        FileMalformed = "file-malformed",
        /// Something is compressed in a way that is not read here.
        CompressionNotSupported = "compression-not-supported",
        /// An archive that is not of its format's structure, or is cut short.
        ArchiveMalformed = "archive-malformed",
        /// A checksum inside an archive does not fit.
        ArchiveChecksum = "archive-checksum-mismatch",
        /// Two places of an archive say the same thing differently.
        ArchiveContradiction = "archive-contradiction",
        /// Bytes of an archive that no entry owns, or two.
        UnownedBytes = "unowned-bytes",
        /// A name in an archive that leaves the folder, or that some system takes for another.
        UnsafeName = "unsafe-name",
        /// A link in an archive that leaves the folder, or through which an entry would be written.
        UnsafeLink = "unsafe-link",
        /// A device, FIFO, socket, sparse file or the like in an archive.
        SpecialEntry = "special-entry",
        /// Encryption in an archive, or a compression that is not read.
        UnsupportedMethod = "unsupported-method",
        /// An archive that expands to more than it may.
        ExpandsTooFar = "expands-too-far",
    }
}

/// Why a checker stopped before it could say `good`.
#[derive(Debug)]
pub enum Stop {
    /// The machine did not let it read: nothing was concluded.
    Read(io::Error),
    /// The reason, and the particulars for people.
    Found(Reason, String),
}

impl Stop {
    /// A stop for `reason`, with particulars.
    pub fn found(reason: Reason, note: impl Into<String>) -> Self {
        Self::Found(reason, note.into())
    }

    /// The evidence of this kind that it amounts to, or the error of the machine.
    pub fn into_evidence(self, kind: &'static str) -> io::Result<Evidence> {
        match self {
            Self::Read(error) => Err(error),
            Self::Found(reason, note) => {
                let notes = Some(note).filter(|note| !note.is_empty()).into_iter().collect();
                Ok(Evidence { notes, ..evidence(kind, Err(reason)) })
            }
        }
    }
}

impl From<io::Error> for Stop {
    /// What an archive's stream ended in is a finding, everything else is the machine's.
    fn from(error: io::Error) -> Self {
        crate::unpack::Error::from(error).into()
    }
}

/// The weaknesses that a demand names.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tolerated<'a>(pub &'a [Weak]);

impl Tolerated<'_> {
    /// Whether SHA-1 may bear anything at all.
    pub fn sha1(self) -> bool {
        self.0.contains(&Weak::Sha1)
    }

    /// Whether SHA-1 may bear a timestamp token.
    pub fn sha1_in_timestamps(self) -> bool {
        self.sha1() || self.0.contains(&Weak::Sha1Timestamp)
    }

    /// Whether SHA-1 may be the checksum of a package's table of contents.
    pub fn sha1_in_table_of_contents(self) -> bool {
        self.sha1() || self.0.contains(&Weak::Sha1Toc)
    }
}

/// An answer with nothing else known.
pub fn evidence(kind: &'static str, answer: Result<(), Reason>) -> Evidence {
    Evidence {
        kind,
        verdict: answer.map_or_else(Reason::verdict, |()| Verdict::Good),
        reason: answer.err().map(Reason::as_str),
        signer: None,
        signed_at: None,
        time_source: None,
        covers: Vec::new(),
        not_covered: Vec::new(),
        not_checked: Vec::new(),
        notes: Vec::new(),
    }
}

/// The verdict over several signatures on one file (`command-line.md`): a refuted one first, then a good
/// one, then a pinned one outside policy, then those of others. Of equals the first speaks; the others
/// become notes. None where there is no signature at all.
pub fn conclude(mut judged: Vec<Evidence>) -> Option<Evidence> {
    let rank = |evidence: &Evidence| match evidence.verdict {
        Verdict::Bad => 0,
        Verdict::Good => 1,
        Verdict::OutsidePolicy => 2,
        // What is known says more than what is not.
        Verdict::WrongSigner if evidence.reason == Some(Reason::NotPinned.as_str()) => 3,
        Verdict::WrongSigner => 4,
        Verdict::Unsigned | Verdict::Malformed => 5,
    };
    judged.sort_by_key(rank);
    let mut judged = judged.into_iter();
    let mut first = judged.next()?;
    first.notes.extend(judged.map(|other| {
        let who = other.signer.map_or_else(|| "an unknown signer".to_owned(), |signer| signer.id);
        let what = other.reason.unwrap_or("good");
        let notes: String = other.notes.iter().map(|note| format!("; {note}")).collect();
        format!("another signature, by {who}: {what}{notes}")
    }));
    Some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_unique_kebab_case() {
        let mut words: Vec<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert!(words.iter().all(|word| word.chars().all(|c| c == '-' || c.is_ascii_lowercase())));
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Reason::ALL.len());
    }
}
