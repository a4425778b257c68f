// SPDX-License-Identifier: Apache-2.0
//! Trust stores: folders of certificates, `x509/TYPE/NAME/FILE` (specification, "trust store").
//!
//! A store is trusted as a whole, and one wrong file makes all of it unusable for Notation. So it is read through no
//! link, every file is looked at whatever its name, and each certificate must be an anchor of its type. Whether it has
//! expired decides nothing here.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use manifests::digest::Sha256Digest;
use manifests::name::printable;
use rustix::fs::{Dir, Mode, OFlags, openat2};
use rustix::io::Errno;

use super::{StoreName, StoreType, quoted};
use crate::beneath::BENEATH;
use crate::signature::x509::anchor::{
    is_issued_to_itself, require_strong_key, why_no_ca, why_not_self_signed,
};
use crate::signature::x509::read::{MAX_FILE_BYTES, MAX_FILE_BYTES_TOTAL, every_entry};
use crate::signature::x509::{Budget, Certificate, MAX_POOL_CERTIFICATES};
use crate::signature::{Reason, Stop};

/// Entries of one folder. Each file of a store holds a certificate at least, so no more could be read.
pub const MAX_ENTRIES: usize = 4096;

/// A named store in which every rule holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// Its type and name.
    pub name: StoreName,
    /// Its files, by name.
    pub files: Vec<StoreFile>,
}

/// A file of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreFile {
    /// Its name in the store's folder.
    pub name: String,
    /// What it holds, at least one.
    pub certificates: Vec<Certificate>,
}

/// A folder as the user names it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Named {
    /// It holds `x509`.
    All,
    /// It is `x509/TYPE/NAME`.
    One(StoreName),
}

impl Store {
    /// SHA-256 of each of its certificates, in the order of files.
    pub fn digests(&self) -> Vec<Sha256Digest> {
        let all = self.files.iter().flat_map(|file| &file.certificates);
        all.map(Certificate::digest).collect()
    }
}

/// The certificates in one file of a store: PEM of any number with text around, or DER, one after the other. Each
/// must be an anchor of the store's type.
pub fn certificates(file: &[u8], store_type: StoreType, budget: &Budget) -> Result<Vec<Certificate>, Stop> {
    let found = every_entry(file)?;
    for certificate in &found {
        require_anchor(certificate, store_type, budget)?;
    }
    Ok(found)
}

/// For `ca` and `signingAuthority` a CA, or a signer's own self-signed certificate; for `tsa` a root CA.
fn require_anchor(certificate: &Certificate, store_type: StoreType, budget: &Budget) -> Result<(), Stop> {
    let refuse = |wanted: &str, why: String| {
        let what = store_type.as_str();
        Err(Stop::found(
            Reason::NotAnAnchor,
            format!("{}: wanted for {what} {wanted}, but {why}", certificate.subject()),
        ))
    };
    let no_ca = why_no_ca(certificate);
    match (store_type, no_ca) {
        (StoreType::Tsa, Some(why)) => return refuse("a root CA", why),
        (StoreType::Tsa, None) => {
            if let Some(why) = why_not_self_signed(certificate, budget)? {
                return refuse("a root CA", why);
            }
            if !is_issued_to_itself(certificate) {
                return refuse("a root CA", "issuer and subject differ".to_owned());
            }
        }
        (StoreType::Ca | StoreType::SigningAuthority, Some(why)) => {
            if let Some(also) = why_not_self_signed(certificate, budget)? {
                return refuse("a CA or a self-signed certificate", format!("{why}, and {also}"));
            }
        }
        (StoreType::Ca | StoreType::SigningAuthority, None) => {}
    }
    require_strong_key(certificate)
}

/// Whether a folder is one to read as trust stores, by its content or its place.
pub fn is_store(folder: &Path) -> bool {
    named(folder).is_some()
}

/// Every store of a folder: the one that holds `x509`, or a single store at its place, `x509/TYPE/NAME`.
pub fn read(folder: &Path) -> Result<Vec<Store>, Stop> {
    // A slash behind the name would follow a link.
    let folder: PathBuf = folder.components().collect();
    let what = named(&folder).ok_or_else(|| {
        layout(&folder.display().to_string(), "a folder that holds x509, or one x509/TYPE/NAME", "neither")
    })?;
    let mut reader = Reader { budget: Budget::default(), bytes: 0, certificates: 0 };
    match what {
        Named::One(name) => {
            if folder.symlink_metadata()?.is_symlink() {
                return Err(layout(&name.path(), "a folder", "a link"));
            }
            Ok(vec![reader.store(&open(&folder)?, name)?])
        }
        Named::All => reader.all(&open(&folder)?),
    }
}

/// One store beneath the folder that holds `x509`. None where it is not there.
pub fn find(folder: &Path, name: &StoreName) -> Result<Option<Store>, Stop> {
    let handle = match beneath(&open(folder)?, &name.path(), OFlags::DIRECTORY) {
        Err(Errno::NOENT) => return Ok(None),
        handle => handle.map_err(|errno| unreadable(&name.path(), "a folder", errno))?,
    };
    let mut reader = Reader { budget: Budget::default(), bytes: 0, certificates: 0 };
    reader.store(&handle, name.clone()).map(Some)
}

fn named(folder: &Path) -> Option<Named> {
    if folder.join("x509").symlink_metadata().is_ok() {
        return Some(Named::All);
    }
    let whole = folder.canonicalize().ok().filter(|whole| whole.is_dir())?;
    // The last three names of the path.
    let mut names = whole.components().rev().map(|part| part.as_os_str().to_str());
    let (name, store_type, x509) = (names.next()??, names.next()??, names.next()??);
    let name = StoreName::new(StoreType::parse(store_type)?, name)?;
    (x509 == "x509").then_some(Named::One(name))
}

/// What was read so far, for the limits.
struct Reader {
    budget: Budget,
    bytes: usize,
    certificates: usize,
}

impl Reader {
    fn all(&mut self, folder: &OwnedFd) -> Result<Vec<Store>, Stop> {
        let x509 = subfolder(folder, "x509", "x509")?;
        let mut stores = Vec::new();
        for type_name in list(&x509, "x509")? {
            let at = format!("x509/{type_name}");
            let Some(store_type) = StoreType::parse(&type_name) else {
                return Err(layout(
                    &printable(&at),
                    "only folders ca, signingAuthority and tsa",
                    "another name",
                ));
            };
            let folder = subfolder(&x509, &type_name, &at)?;
            for name in list(&folder, &at)? {
                let at = printable(&format!("{at}/{name}"));
                let Some(named) = StoreName::new(store_type, &name) else {
                    return Err(layout(&at, "a name of letters, digits, `_`, `.` and `-`", "another"));
                };
                let handle = subfolder(&folder, &name, &at)?;
                stores.push(self.store(&handle, named)?);
            }
        }
        if stores.is_empty() {
            return Err(layout("x509", "at least one store", "none"));
        }
        Ok(stores)
    }

    fn store(&mut self, folder: &OwnedFd, name: StoreName) -> Result<Store, Stop> {
        let at = name.path();
        let mut files = Vec::new();
        for file in list(folder, &at)? {
            let at = printable(&format!("{at}/{file}"));
            let bytes = self.file(folder, &file, &at)?;
            let certificates =
                certificates(&bytes, name.store_type, &self.budget).map_err(|stop| within(&at, stop))?;
            self.certificates = self.certificates.saturating_add(certificates.len());
            if self.certificates > MAX_POOL_CERTIFICATES {
                return Err(limit(format!("more than {MAX_POOL_CERTIFICATES} certificates")));
            }
            files.push(StoreFile { name: file, certificates });
        }
        if files.is_empty() {
            return Err(layout(&at, "at least one certificate file", "none"));
        }
        Ok(Store { name, files })
    }

    fn file(&mut self, folder: &OwnedFd, name: &str, at: &str) -> Result<Vec<u8>, Stop> {
        // NONBLOCK: a FIFO must not hold us up before we see what it is.
        let handle = beneath(folder, name, OFlags::NONBLOCK)
            .map_err(|errno| unreadable(at, "a certificate file", errno))?;
        let file = File::from(handle);
        let facts = file.metadata()?;
        if !facts.is_file() {
            return Err(layout(
                at,
                "a certificate file",
                if facts.is_dir() { "a folder" } else { "no plain file" },
            ));
        }
        let mut bytes = Vec::new();
        let most = u64::try_from(MAX_FILE_BYTES).unwrap_or(u64::MAX).saturating_add(1);
        file.take(most).read_to_end(&mut bytes)?;
        self.bytes = self.bytes.saturating_add(bytes.len());
        if self.bytes > MAX_FILE_BYTES_TOTAL {
            return Err(limit(format!("certificate files of more than {MAX_FILE_BYTES_TOTAL} bytes")));
        }
        Ok(bytes)
    }
}

/// A folder that the user named; a link there is the user's own choice.
fn open(folder: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(folder, flags, Mode::empty())?)
}

/// Through no link. Without `NOFOLLOW`, which would call a link where a folder is wanted "no folder".
fn beneath(folder: &OwnedFd, name: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    openat2(folder, name, flags | OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty(), BENEATH)
}

fn subfolder(folder: &OwnedFd, name: &str, at: &str) -> Result<OwnedFd, Stop> {
    beneath(folder, name, OFlags::DIRECTORY).map_err(|errno| unreadable(at, "a folder", errno))
}

/// The names in a folder, sorted.
fn list(folder: &OwnedFd, at: &str) -> Result<Vec<String>, Stop> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder).map_err(io::Error::from)? {
        let entry = entry.map_err(io::Error::from)?;
        match entry.file_name().to_str() {
            Ok("." | "..") => continue,
            Ok(name) => names.push(name.to_owned()),
            Err(_) => {
                return Err(layout(at, "names in UTF-8", &quoted(&entry.file_name().to_string_lossy())));
            }
        }
        if names.len() > MAX_ENTRIES {
            return Err(limit(format!("{at} has more than {MAX_ENTRIES} entries")));
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn layout(at: &str, wanted: &str, found: &str) -> Stop {
    Stop::found(Reason::TrustStoreMalformed, format!("{at}: wanted {wanted}, found {found}"))
}

fn limit(note: String) -> Stop {
    Stop::found(Reason::LimitExceeded, note)
}

/// Why something beneath could not be opened: what it is, or what the machine says.
fn unreadable(at: &str, wanted: &str, errno: Errno) -> Stop {
    match errno {
        Errno::LOOP | Errno::XDEV => layout(at, wanted, "a link"),
        Errno::NOTDIR => layout(at, wanted, "no folder"),
        Errno::NXIO => layout(at, wanted, "no plain file"),
        errno => Stop::Read(errno.into()),
    }
}

/// The particulars, with the file before them.
fn within(at: &str, stop: Stop) -> Stop {
    match stop {
        Stop::Found(reason, note) => Stop::Found(reason, format!("{at}: {note}")),
        read => read,
    }
}
