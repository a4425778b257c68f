// SPDX-License-Identifier: Apache-2.0
//! Vendors' signatures: bytes and a demand in, [`Evidence`](manifests::evidence::Evidence) out.
//!
//! A checker knows no clock, no network and no trust store: the pinned identity, the keys and the time
//! come as arguments, so that every verdict can be replayed.
#![deny(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::indexing_slicing)]

pub mod approve;
pub mod file;
pub mod openpgp;

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

    // malformed
    /// `malformed`: a key file is not well-formed, or holds no key that this program reads.
    KeyMalformed = "key-malformed",
    /// `malformed`: the signature file is not well-formed.
    SignatureMalformed = "signature-malformed",
    /// `malformed`: the signature file is well-formed, but holds no detached signature.
    NoDetachedSignature = "no-detached-signature",
    /// `malformed`: an input exceeds a documented limit.
    LimitExceeded = "limit-exceeded",
    /// `malformed`: the file's bytes were not all shown to the checker. A fault of the calling program.
    NotHashed = "not-hashed",
}

impl Reason {
    /// The verdict that this reason belongs to.
    pub const fn verdict(self) -> manifests::evidence::Verdict {
        use manifests::evidence::Verdict;
        match self {
            Self::DigestMismatch => Verdict::Bad,
            Self::NotPinned | Self::KeyNotSupplied | Self::KeyNotBound => Verdict::WrongSigner,
            Self::NoSignature => Verdict::Unsigned,
            Self::KeyMalformed
            | Self::SignatureMalformed
            | Self::NoDetachedSignature
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
