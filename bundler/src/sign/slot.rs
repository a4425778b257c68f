// SPDX-License-Identifier: Apache-2.0
//! The signature slot of a bundle file, changed in place so that a crash leaves the old or the new one.
//!
//! Before the first byte changes, the old slot lies in `BUNDLE.signatures.bak`, synced. It goes when the
//! new slot is synced. A backup that is found later is from a run that was interrupted.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use manifests::dsse::Signatures;
use verifier::archive::reader::Archive;
use verifier::error::Code;
use verifier::media::Medium;

use crate::failure::Failure;
use crate::files::{Access, create_new, exists, read_limited, sync_folder};

/// A bundle's first two entries, and where the slot lies.
#[derive(Debug)]
pub struct Front {
    /// The bytes that signatures cover, before the pre-authentication encoding.
    pub manifest: Vec<u8>,
    /// The signatures that the slot holds.
    pub signatures: Signatures,
    /// Where the slot starts, in bytes.
    pub offset: u64,
    /// Bytes in the slot.
    pub size: usize,
}

/// Locates manifest and slot with the verifier's own reader.
pub fn front(path: &Path) -> Result<Front, Failure> {
    let archive = Archive::open(Medium::open(path)?)?;
    Ok(Front {
        manifest: archive.manifest().to_vec(),
        signatures: archive.signatures()?,
        offset: archive.slot_offset(),
        size: archive.slot_size(),
    })
}

/// A bundle that nobody else changes for as long as this lives.
pub struct Writable {
    file: File,
    path: PathBuf,
}

impl Writable {
    /// Opens a bundle for signing, and puts back what an interrupted run left behind.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let name = || path.display().to_string();
        let metadata = fs::metadata(path).map_err(|error| Failure::argument(name(), &error))?;
        if !metadata.is_file() {
            return Err(Failure::usage(name(), "is not a bundle file")
                .hint("name the .bundle.tar file, or write the signature beside it with -o"));
        }
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(|error| {
            Failure::writing(name(), &error).hint("write the signature beside it with -o")
        })?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => {
                Failure::new(Code::Busy, name(), "is being signed by another process")
            }
            TryLockError::Error(error) => Failure::writing(name(), &error),
        })?;
        let writable = Self { file, path: path.to_owned() };
        writable.recover()?;
        Ok(writable)
    }

    /// After an interrupted run: a whole slot stays, a half-written one is taken from the backup.
    fn recover(&self) -> Result<(), Failure> {
        let backup = backup_path(&self.path);
        if !exists(&backup) {
            return Ok(());
        }
        let archive = Archive::open(Medium::open(&self.path)?)?;
        if archive.signatures().is_err() {
            let old = read_limited(&backup, archive.slot_size() as u64)?;
            if old.len() != archive.slot_size() || Signatures::from_slot(&old).is_err() {
                return Err(Failure::new(
                    Code::SignaturesMalformed,
                    backup.display().to_string(),
                    "is no backup of this bundle's slot",
                )
                .hint("copy the bundle again, or use `verifier verify --signatures FILE`"));
            }
            self.write_slot(archive.slot_offset(), &old)?;
        }
        self.remove_backup()
    }

    /// Puts these signatures into the slot.
    pub fn write(&self, front: &Front, signatures: &Signatures) -> Result<(), Failure> {
        let name = self.path.display().to_string();
        let slot = to_slot(signatures, front.size, &name)?;
        let old = front
            .signatures
            .to_slot(front.size)
            .map_err(|error| Failure::new(Code::SignaturesMalformed, &name, error.to_string()))?;
        create_new(&backup_path(&self.path), &old, Access::Public)?;
        sync_folder(&self.path)?;
        self.write_slot(front.offset, &slot)?;
        self.remove_backup()
    }

    fn write_slot(&self, offset: u64, slot: &[u8]) -> Result<(), Failure> {
        self.file
            .write_all_at(slot, offset)
            .and_then(|()| self.file.sync_all())
            .map_err(|error| Failure::writing(self.path.display().to_string(), &error))
    }

    fn remove_backup(&self) -> Result<(), Failure> {
        let backup = backup_path(&self.path);
        fs::remove_file(&backup).map_err(|error| Failure::writing(backup.display().to_string(), &error))?;
        sync_folder(&self.path)
    }
}

fn to_slot(signatures: &Signatures, size: usize, name: &str) -> Result<Vec<u8>, Failure> {
    signatures.to_slot(size).map_err(|error| {
        Failure::new(Code::LimitExceeded, name, "has no room for another signature")
            .expected(format!("at most {size} bytes of signatures"))
            .found(error)
            .hint("write the signature beside the bundle with -o")
    })
}

/// Where the old slot lies while the new one is written.
fn backup_path(bundle: &Path) -> PathBuf {
    let mut name = bundle.as_os_str().to_owned();
    name.push(".signatures.bak");
    PathBuf::from(name)
}
