// SPDX-License-Identifier: Apache-2.0
//! Vendors' signatures: bytes and a demand in, [`Evidence`](manifests::evidence::Evidence) out.
//!
//! A checker knows no clock, no network and no trust store: the pinned identity, the keys and the time
//! come as arguments, so that every verdict can be replayed.
#![deny(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::indexing_slicing)]

pub mod approve;
pub mod digest;
pub mod openpgp;
pub mod zip_member;

use std::io;

use manifests::evidence::{Evidence, Verdict, Weak};

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// Why a verdict is not `good`. The words are public and stable: `docs/exit-codes.md` lists them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Reason { $($(#[$doc])* $name,)* }

        impl Reason {
            /// Every reason, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The word as documents print it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

reasons! {
    // bad
    /// `bad`: a supplied key was applied, and the signature does not belong to these bytes.
    DigestMismatch = "digest-mismatch",

    // wrong-signer
    /// `wrong-signer`: sound, but the signer is none of the pinned identities.
    NotPinned = "not-pinned",
    /// `wrong-signer`: the key that signed is not among those supplied; nothing could be computed.
    KeyNotSupplied = "key-not-supplied",
    /// `wrong-signer`: the key that signed stands in the pinned certificate, but its primary key never vouched for it.
    KeyNotBound = "key-not-bound",

    // outside-policy
    /// `outside-policy`: the key had expired when the signature was made.
    KeyExpired = "key-expired",
    /// `outside-policy`: the key is revoked: for good, or before the signature was made.
    KeyRevoked = "key-revoked",
    /// `outside-policy`: the key may not sign data (its flags say so).
    KeyNotForSigning = "key-not-for-signing",
    /// `outside-policy`: the key is too short or of an algorithm that is no longer accepted.
    WeakKey = "weak-key",
    /// `outside-policy`: what binds the key rests on a weak hash or on an unknown critical part.
    SelfSignatureOutsidePolicy = "self-signature-outside-policy",
    /// `outside-policy`: nothing binds the key at the time of the signature.
    KeyNotBoundWhenSigned = "key-not-bound-when-signed",
    /// `outside-policy`: the primary key claims a signing subkey that never agreed (no back-signature).
    NoBackSignature = "no-back-signature",
    /// `outside-policy`: the signature claims to be older than the key that made it.
    SignaturePredatesKey = "signature-predates-key",
    /// `outside-policy`: the signature's own expiry has passed.
    SignatureExpired = "signature-expired",
    /// `outside-policy`: the signature is dated more than a minute after the time of judgement.
    SignatureFromTheFuture = "signature-from-the-future",
    /// `outside-policy`: the signature carries no time.
    SignatureWithoutTime = "signature-without-time",
    /// `outside-policy`: the signature uses a hash that is no longer accepted.
    WeakHash = "weak-hash",
    /// `outside-policy`: an algorithm that this program does not know.
    UnknownAlgorithm = "unknown-algorithm",
    /// `outside-policy`: a critical subpacket or notation that this program does not know.
    UnknownCritical = "unknown-critical",
    /// `outside-policy`: a signature packet of a version that is no longer accepted.
    ObsoleteVersion = "obsolete-version",
    /// `outside-policy`: signature and key are of versions or parameters that may not go together.
    VersionMismatch = "version-mismatch",

    // unsigned
    /// `unsigned`: there is no signature.
    NoSignature = "no-signature",
    /// `unsigned`: the archive has no file of the name that was asked for.
    MemberNotFound = "member-not-found",

    // malformed
    /// `malformed`: a key file is not well-formed, or holds no key that this program reads.
    KeyMalformed = "key-malformed",
    /// `malformed`: the signature file is not well-formed.
    SignatureMalformed = "signature-malformed",
    /// `malformed`: the signature file is well-formed, but holds no detached signature.
    NoDetachedSignature = "no-detached-signature",
    /// `malformed`: an archive that is not of its format's structure, or is cut short.
    ArchiveMalformed = "archive-malformed",
    /// `malformed`: a checksum inside an archive does not fit.
    ArchiveChecksum = "archive-checksum-mismatch",
    /// `malformed`: two places of an archive say the same thing differently.
    ArchiveContradiction = "archive-contradiction",
    /// `malformed`: bytes of an archive that no entry owns, or two.
    UnownedBytes = "unowned-bytes",
    /// `malformed`: a name in an archive that leaves the folder, or that some system takes for another.
    UnsafeName = "unsafe-name",
    /// `malformed`: a link in an archive that leaves the folder, or through which an entry would be written.
    UnsafeLink = "unsafe-link",
    /// `malformed`: a device, FIFO, socket, sparse file or the like in an archive.
    SpecialEntry = "special-entry",
    /// `malformed`: encryption in an archive, or a compression that is not read.
    UnsupportedMethod = "unsupported-method",
    /// `malformed`: an archive that expands to more than it may.
    ExpandsTooFar = "expands-too-far",
    /// `malformed`: an input exceeds a documented limit.
    LimitExceeded = "limit-exceeded",
    /// `malformed`: the file's bytes were not all shown to the checker. A fault of the calling program.
    NotHashed = "not-hashed",
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

impl Reason {
    /// The verdict that this reason belongs to.
    pub const fn verdict(self) -> Verdict {
        match self {
            Self::DigestMismatch => Verdict::Bad,
            Self::NotPinned | Self::KeyNotSupplied | Self::KeyNotBound => Verdict::WrongSigner,
            Self::NoSignature | Self::MemberNotFound => Verdict::Unsigned,
            Self::KeyMalformed
            | Self::SignatureMalformed
            | Self::NoDetachedSignature
            | Self::ArchiveMalformed
            | Self::ArchiveChecksum
            | Self::ArchiveContradiction
            | Self::UnownedBytes
            | Self::UnsafeName
            | Self::UnsafeLink
            | Self::SpecialEntry
            | Self::UnsupportedMethod
            | Self::ExpandsTooFar
            | Self::LimitExceeded
            | Self::NotHashed => Verdict::Malformed,
            _ => Verdict::OutsidePolicy,
        }
    }
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
