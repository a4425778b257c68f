// SPDX-License-Identifier: Apache-2.0
//! A refusal: which file, what was wanted, what was found, what to do next.
//!
//! There is one type of refusal and one table of codes, because people and scripts meet them in one
//! place: standard error, the `refusal` member of JSON documents, and `docs/exit-codes.md`.

use std::fmt;
use std::io;

use serde::{Serialize, Serializer};

/// Who must act: the exit code (`docs/exit-codes.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Class {
    /// Trust, format or evidence: do not use this bundle.
    Refused = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The medium is damaged or incomplete: copy it again. Mostly, but not always, the manifest is trusted by then.
    Medium = 3,
    /// This machine cannot.
    Machine = 4,
    /// The install failed and was undone.
    InstallFailed = 5,
    /// The install failed and not all of it could be undone.
    InstallBroken = 6,
}

impl Serialize for Class {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(*self as u8)
    }
}

macro_rules! codes {
    ($($variant:ident $word:literal $class:ident $hint:literal)*) => {
        /// A stable word for a refusal; scripts depend on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = concat!("`", $word, "`")] $variant,)*
        }

        impl Code {
            /// Every code, in the order of `docs/exit-codes.md`.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// Its class.
            pub const fn class(self) -> Class {
                match self { $(Self::$variant => Class::$class,)* }
            }

            /// What to do next, where the refusal itself does not say it better.
            pub const fn hint(self) -> &'static str {
                match self { $(Self::$variant => $hint,)* }
            }
        }
    };
}

codes! {
    Unsigned "unsigned" Refused "ask the sender for a bundle that an owner in this host's trust root has signed; `verifier trust show` lists them"
    BelowThreshold "below-threshold" Refused "ask the missing owners to countersign it with `bundler sign`; `verifier trust show` lists them"
    BadSignature "bad-signature" Refused "a known key's signature does not fit this content: do not use it, and tell the sender"
    Expired "expired" Refused "ask the sender for a bundle that is still valid; check this host's clock with `date -u`"
    RootExpired "root-expired" Refused "bring the next trust root and run `verifier trust update`"
    SequenceTooOld "sequence-too-old" Refused "ask the sender for a bundle with a higher sequence; do not delete the state folder"
    Equivocation "equivocation" Refused "two different bundles carry the same sequence: use neither, and tell the security officer and the sender"
    Denied "denied" Refused "the trust root forbids this very bundle: ask the sender for its successor"
    WrongAudience "wrong-audience" Refused "this bundle is meant for another enclave: ask the sender for one that names this one"
    NoRule "no-rule" Refused "the trust root has no rule for this bundle name: ask its owners for a root that does"
    DatedBeyondRoot "dated-beyond-root" Refused "the bundle is dated after this host's trust root expires: check its recipe, or update the root first"
    WeakAlgorithm "weak-algorithm" Refused "the key is too weak to prove anything: make another"
    UnknownAlgorithm "unknown-algorithm" Refused "use a verifier that knows this algorithm, or a root without it"
    RootMalformed "root-malformed" Refused "this is no trust root: fetch the file again from those who made it"
    RootGap "root-gap" Refused "roots are walked one by one: bring the ones in between too"
    RootNotSignedByBoth "root-not-signed-by-both" Refused "a new root needs the signatures that the old root and it itself ask for: `bundler root sign`"
    FingerprintMismatch "fingerprint-mismatch" Refused "compare the fingerprint once more with those who hold the keys, by telephone: `bundler root show` prints it"
    NotABundle "not-a-bundle" Refused "name a .bundle.tar file, the folder that `tar xf` made of one, or `-`"
    ManifestMalformed "manifest-malformed" Refused "the manifest was signed but breaks the format: tell the sender, whose builder is at fault"
    SignaturesMalformed "signatures-malformed" Refused "the signature slot is damaged or was tampered with: copy the bundle again"
    UnsafeName "unsafe-name" Refused "the bundle holds a name that could harm a host: tell the sender"
    LimitExceeded "limit-exceeded" Refused "the bundle is beyond what this version accepts (docs/limits.md): tell the sender"
    ChainsInconsistent "chains-inconsistent" Refused "the file is right but the signed list of chaining values is not: tell the sender, whose builder is at fault"
    EvidenceBad "evidence-bad" Refused "the vendor's signature does not match the file: do not use it, and tell the sender"
    EvidenceWrongSigner "evidence-wrong-signer" Refused "the file is signed by somebody else than the recipe pins: do not use it, and tell the sender"
    EvidenceOutsidePolicy "evidence-outside-policy" Refused "the pinned vendor's signature no longer counts: ask the vendor for a new one"
    EvidenceUnsigned "evidence-unsigned" Refused "no vendor signature covers the file: ask the sender"
    EvidenceMalformed "evidence-malformed" Refused "the vendor's signature or key cannot be read: ask the sender"
    TrustStoreInvalid "trust-store-invalid" Refused "Notation would refuse this trust store: ask the sender for the certificate that the bundle pins"
    TrustPolicyInvalid "trust-policy-invalid" Refused "Notation would refuse this trust policy: correct it by docs/vendor-signatures/notary.md, or ask the sender"
    NoRole "no-role" Refused "ask the trust root's owners for a root in which this key's owner fills a role"
    RecipeInvalid "recipe-invalid" Usage "correct the line that is shown; docs/formats/recipe.md lists every key"
    LockOutdated "lock-outdated" Usage "run `bundler lock`, and look at what it changes in bundle.lock"
    Usage "usage" Usage "see --help"
    Truncated "truncated" Medium "copy the bundle again, and compare sizes before you do"
    HeaderMismatch "header-mismatch" Medium "the medium may be damaged, or the archive was repacked: copy the original file again"
    DigestMismatch "digest-mismatch" Medium "the medium may be damaged: copy it again and compare"
    MissingFile "missing-file" Medium "copy the bundle again, with every file in it"
    ExtraFile "extra-file" Medium "remove what does not belong there, or copy the bundle into an empty folder"
    TrailingBytes "trailing-bytes" Medium "something was appended to the bundle: copy the original file again"
    ReadError "read-error" Medium "the medium cannot be read: clean or replace it, and copy again"
    ChangedWhileRead "changed-while-read" Medium "something else writes to the medium: stop it, or copy the bundle to a disk of your own first"
    NoTrustRoot "no-trust-root" Machine "run `verifier trust init ROOT --fingerprint SHA256` first"
    TrustRootExists "trust-root-exists" Machine "to go from this root to the next, run `verifier trust update`; to start over, `trust init --replace`, which is recorded"
    StateUnreadable "state-unreadable" Machine "do not delete the state folder: restore it from a backup, or ask the administrator"
    VerifierTooOld "verifier-too-old" Machine "upgrade verifier on this host"
    NoAlternative "no-alternative" Machine "leave the component out with --except, or ask the sender for a bundle with an artifact for this host"
    AmbiguousAlternative "ambiguous-alternative" Machine "tell the sender: exactly one artifact of a component may be for a host; or leave it out with --except"
    NoSpace "no-space" Machine "free some space, or choose another place"
    Permission "permission" Machine "run it as a user who may, or choose another place"
    UnsafeTarget "unsafe-target" Machine "remove what is in the way, or choose another place with --root"
    UnknownOwner "unknown-owner" Machine "add the user on the target, or have the recipe name another"
    Busy "busy" Machine "wait until the other one has finished"
    FetchFailed "fetch-failed" Machine "look at the message above, and run it again: what was fetched is kept"
    IoError "io-error" Machine "look at the message above; the system refused"
    InstallFailed "install-failed" InstallFailed "nothing was changed; correct the cause and run it again"
    InstallBroken "install-broken" InstallBroken "run `verifier install --resume` once the cause is corrected"
}

/// Why something is not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Which kind of refusal.
    #[serde(serialize_with = "word")]
    pub code: Code,
    /// Its class: the exit code.
    pub class: Class,
    /// The file, bundle or key that is refused.
    pub subject: String,
    /// What about it, as the rest of a sentence that starts with the subject.
    #[serde(rename = "message")]
    pub what: String,
    /// What was wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// What to do next.
    pub hint: String,
}

fn word<S: Serializer>(code: &Code, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(code.as_str())
}

impl Refusal {
    /// A refusal with the hint that its code has.
    pub fn new(code: Code, subject: impl Into<String>, what: impl Into<String>) -> Self {
        Self::of(code, subject.into(), what.into())
    }

    // One copy for hundreds of callers, of which at most one is ever reached.
    #[cold]
    #[inline(never)]
    fn of(code: Code, subject: String, what: String) -> Self {
        let hint = code.hint().to_owned();
        Self { code, class: code.class(), subject, what, expected: None, found: None, hint }
    }

    /// Says what was wanted.
    #[must_use]
    pub fn expected(mut self, expected: impl fmt::Display) -> Self {
        self.expected = Some(clipped(&expected));
        self
    }

    /// Says what was found.
    #[must_use]
    pub fn found(mut self, found: impl fmt::Display) -> Self {
        self.found = Some(clipped(&found));
        self
    }

    /// Says what to do next, better than the code's own hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The refusal that an error from the system is, when it came while reading the medium.
    pub fn reading(subject: impl Into<String>, error: &io::Error) -> Self {
        let code = match io_code(error) {
            Code::IoError if error.kind() != io::ErrorKind::Unsupported => Code::ReadError,
            other => other,
        };
        Self::new(code, subject, "cannot be read").and_error(error)
    }

    /// The refusal that an error from the system is, when it came while writing.
    pub fn writing(subject: impl Into<String>, error: &io::Error) -> Self {
        Self::new(io_code(error), subject, "cannot be written").and_error(error)
    }

    fn and_error(self, error: &io::Error) -> Self {
        let refusal = self.found(error);
        match error.kind() {
            // ENOSYS and its like: no copy of the medium and no other user would help.
            io::ErrorKind::Unsupported => {
                refusal.hint("use Linux 5.6 or later, and a file system of its own (docs/limits.md)")
            }
            _ => refusal,
        }
    }

    /// The refusal for a file that the command line names and that is not there or not readable.
    pub fn argument(subject: impl Into<String>, error: &io::Error) -> Self {
        let subject = subject.into();
        match error.kind() {
            io::ErrorKind::NotFound => {
                Self::new(Code::Usage, subject, "does not exist").hint("check the path; see --help")
            }
            io::ErrorKind::IsADirectory => {
                Self::new(Code::Usage, subject, "is a folder, where a file is wanted")
            }
            io::ErrorKind::NotADirectory => {
                Self::new(Code::Usage, subject, "is no folder, where one is wanted")
            }
            _ => Self::reading(subject, error),
        }
    }
}

/// The longest text of a refusal, in characters: it may quote what came from outside.
const MAX_TEXT: usize = 1_000;

#[cold]
#[inline(never)]
fn clipped(text: &dyn fmt::Display) -> String {
    let text = text.to_string();
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{} … (cut)", &text[..end]),
        None => text,
    }
}

fn io_code(error: &io::Error) -> Code {
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Code::Permission,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            Code::NoSpace
        }
        io::ErrorKind::UnexpectedEof => Code::Truncated,
        _ => Code::IoError,
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use manifests::name::printable;
        write!(f, "{} {}", printable(&self.subject), printable(&self.what))?;
        if let Some(expected) = &self.expected {
            write!(f, "\n  expected: {}", printable(expected))?;
        }
        if let Some(found) = &self.found {
            write!(f, "\n     found: {}", printable(found))?;
        }
        write!(f, "\n      hint: {}", printable(&self.hint))
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_that_is_too_old_is_not_a_damaged_medium() {
        // ENOSYS, which openat2 gives before Linux 5.6.
        let old = io::Error::from_raw_os_error(38);
        for refusal in [Refusal::reading("files/a", &old), Refusal::writing("/opt/a", &old)] {
            assert_eq!(refusal.code, Code::IoError);
            assert!(refusal.hint.contains("Linux 5.6"), "{refusal}");
        }
        assert_eq!(Refusal::reading("files/a", &io::Error::from_raw_os_error(5)).code, Code::ReadError);
    }
}
