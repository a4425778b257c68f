// SPDX-License-Identifier: Apache-2.0
//! Key pairs as files that `openssl pkey` reads: PKCS#8 and SubjectPublicKeyInfo, both PEM.
//!
//! A private key is encrypted with PBKDF2-HMAC-SHA256 and AES-256-CBC (RFC 8018): pkcs8's own choice,
//! scrypt, is more than OpenSSL 3 accepts. It is PKCS#8 version 1: OpenSSL 3.0 refuses version 2.

use std::path::{Path, PathBuf};

use ed25519_dalek::pkcs8::spki::EncodePublicKey;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey, KeypairBytes};
use ed25519_dalek::{Signer, SigningKey};
use pkcs8::pkcs5::pbes2;
use pkcs8::{EncryptedPrivateKeyInfo, LineEnding, PrivateKeyInfo, SecretDocument};
use verifier::error::Code;
use verifier::trust::key::PublicKey;
use zeroize::Zeroizing;

use super::passphrase::Passphrases;
use crate::failure::Failure;
use crate::files::{Access, create_new, read_limited, require_absent};

/// PBKDF2's rounds: OWASP's advice for HMAC-SHA256 (2023), half a second.
const ROUNDS: u32 = 600_000;
/// The longest key file, in bytes.
pub(crate) const MAX_KEY_BYTES: u64 = 64 * 1024;

const PRIVATE: &str = "PRIVATE KEY";
const ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY";

/// A private key with its public one.
pub struct KeyPair {
    signing: SigningKey,
    public: PublicKey,
}

/// How a private key lies in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// By a passphrase.
    Encrypted,
    /// By nothing but the file's mode.
    Plain,
}

/// Two files that were made.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// The private key.
    pub private: PathBuf,
    /// The public key.
    pub public: PathBuf,
    /// What both are about.
    pub key: PublicKey,
}

impl KeyPair {
    /// A new pair, from the system's random numbers.
    pub fn generate() -> Result<Self, Failure> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *seed)
            .map_err(|error| Failure::new(Code::IoError, "a new key", "cannot be made").found(error))?;
        Self::from_signing(SigningKey::from_bytes(&seed), "a new key")
    }

    /// Reads a private key; a passphrase is asked for only where there is one.
    pub fn read(path: &Path, passphrases: &Passphrases) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let bytes = Zeroizing::new(read_limited(path, MAX_KEY_BYTES)?);
        let malformed = || {
            Failure::usage(&name, "is no private key that can be read")
                .expected("an Ed25519 key as PKCS#8 in PEM form, as `bundler keys new` makes it")
        };
        let text = std::str::from_utf8(&bytes).map_err(|_| malformed())?;
        let (label, document) = SecretDocument::from_pem(text).map_err(|_| malformed())?;
        let plain = match label {
            PRIVATE => document,
            ENCRYPTED => {
                let encrypted =
                    EncryptedPrivateKeyInfo::try_from(document.as_bytes()).map_err(|_| malformed())?;
                let passphrase = passphrases.existing(&name)?;
                encrypted
                    .decrypt(passphrase.as_bytes())
                    .map_err(|_| Failure::usage(&name, "does not open with this passphrase"))?
            }
            "PUBLIC KEY" => {
                return Err(Failure::usage(&name, "is a public key").hint("name the private one, NAME.key"));
            }
            _ => return Err(malformed()),
        };
        let signing = SigningKey::from_pkcs8_der(plain.as_bytes()).map_err(|_| malformed())?;
        Self::from_signing(signing, &name)
    }

    fn from_signing(signing: SigningKey, name: &str) -> Result<Self, Failure> {
        let spki = signing
            .verifying_key()
            .to_public_key_der()
            .map_err(|error| Failure::usage(name, error.to_string()))?;
        let public = PublicKey::from_spki(spki.as_bytes())
            .map_err(|error| Failure::new(Code::WeakAlgorithm, name, "is not used").found(error))?;
        Ok(Self { signing, public })
    }

    /// The public half.
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs exactly these bytes.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.signing.sign(message).to_bytes().to_vec()
    }

    /// Writes `NAME.key` and `NAME.pub`. Neither may exist.
    pub fn write(&self, folder: &Path, name: &str, passphrase: Option<&str>) -> Result<NewKey, Failure> {
        let private = folder.join(format!("{name}.key"));
        let public = folder.join(format!("{name}.pub"));
        for path in [&private, &public] {
            require_absent(path).map_err(|failure| {
                failure.hint("choose another name: a key that signed something is not replaced")
            })?;
        }
        let failed = |error: &dyn std::fmt::Display| {
            Failure::new(Code::IoError, private.display().to_string(), format!("cannot be made: {error}"))
        };
        let plain = KeypairBytes { secret_key: self.signing.to_bytes(), public_key: None };
        let plain = plain.to_pkcs8_der().map_err(|error| failed(&error))?;
        let pem = match passphrase {
            None => plain.to_pem(PRIVATE, LineEnding::LF).map_err(|error| failed(&error))?,
            Some(passphrase) => {
                let (mut salt, mut iv) = ([0; 16], [0; 16]);
                getrandom::fill(&mut salt).map_err(|error| failed(&error))?;
                getrandom::fill(&mut iv).map_err(|error| failed(&error))?;
                let parameters = pbes2::Parameters::pbkdf2_sha256_aes256cbc(ROUNDS, &salt, &iv)
                    .map_err(|error| failed(&error))?;
                let info = PrivateKeyInfo::try_from(plain.as_bytes()).map_err(|error| failed(&error))?;
                let encrypted = info
                    .encrypt_with_params(parameters, passphrase.as_bytes())
                    .map_err(|error| failed(&error))?;
                encrypted.to_pem(ENCRYPTED, LineEnding::LF).map_err(|error| failed(&error))?
            }
        };
        let public_pem =
            self.signing.verifying_key().to_public_key_pem(LineEnding::LF).map_err(|error| failed(&error))?;
        create_new(&private, pem.as_bytes(), Access::Private)?;
        create_new(&public, public_pem.as_bytes(), Access::Public)?;
        Ok(NewKey { private, public, key: self.public.clone() })
    }
}

/// Reads a public key from a PEM file.
pub fn read_public(path: &Path) -> Result<PublicKey, Failure> {
    let name = path.display().to_string();
    let bytes = read_limited(path, MAX_KEY_BYTES)?;
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    if text.contains(PRIVATE) {
        return Err(
            Failure::usage(name, "is a private key where a public one is wanted").hint("name NAME.pub")
        );
    }
    PublicKey::from_pem(text).map_err(|error| {
        let code = match error {
            verifier::trust::key::KeyError::Weak => Code::WeakAlgorithm,
            _ => Code::Usage,
        };
        Failure::new(code, name, "is no public key that can be used").found(error)
    })
}

/// The public key in a file, whichever half of the pair the file holds.
pub fn key_of(path: &Path, text: &str, passphrases: &Passphrases) -> Result<PublicKey, Failure> {
    match protection(text) {
        Some(_) => Ok(KeyPair::read(path, passphrases)?.public().clone()),
        None => read_public(path),
    }
}

/// Whether a key file is private, and encrypted if so; none where it is public or no key at all.
pub fn protection(text: &str) -> Option<Protection> {
    if text.contains(&format!("-----BEGIN {ENCRYPTED}-----")) {
        Some(Protection::Encrypted)
    } else if text.contains(&format!("-----BEGIN {PRIVATE}-----")) {
        Some(Protection::Plain)
    } else {
        None
    }
}
