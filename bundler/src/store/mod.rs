// SPDX-License-Identifier: Apache-2.0
//! The content-addressed store: what was downloaded, by SHA-256, shared by all bundles and by several users.
//!
//! In: bytes whose digest has been computed while they came. Out: files by their digest. A file gets its name
//! only when its digest is known, by one rename; what is read from here is hashed again by whoever uses it,
//! so that a damaged or exchanged file is a refusal and never a part of a bundle.
//!
//! ```text
//! STORE/sealift-store      what makes a folder a store; shared lock: in use, exclusive: being pruned
//! STORE/sha256/ab/abcd…    the files, read-only
//! STORE/parts/             downloads under way (`part`) and notes of them (`note`), each user's own
//! ```

pub mod note;
mod part;
mod report;
mod upkeep;

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use manifests::digest::Sha256Digest;
use rustix::fs::{AtFlags, CWD, FlockOperation, Mode, OFlags, Timespec, Timestamps, UTIME_NOW};
use verifier::error::Code;
use verifier::hash::sha256;

use crate::digest::Locked;
use crate::failure::Failure;

pub use self::part::{Part, STEP_BYTES, Validator};
pub use self::report::{list, prune, verify};
pub use self::upkeep::{Action, Audit, Damage, Entry, Keep, Pruned};

/// The file that makes a folder a store, and what it says.
const MARK: &str = "sealift-store";
const FORMAT: &str = "sealift store 1\n";
/// Where the files are, and where the downloads under way.
const FILES: &str = "sha256";
const PARTS: &str = "parts";

/// An open store. While one is open anywhere, nothing is pruned.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    /// Carries the lock, until it is closed.
    lock: File,
}

/// What a look at a name in the store finds, without reading the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// A regular file of the right length.
    Whole,
    /// Nothing.
    Absent,
    /// Something else: another length, a link, a folder.
    Damaged,
}

/// Where the store is when nobody says: `$XDG_CACHE_HOME/sealift/store`, `~/.cache/sealift/store`.
pub fn default_root(environment: impl Fn(&str) -> Option<String>) -> Result<PathBuf, Failure> {
    let absolute = |name| environment(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .map(|cache| cache.join("sealift/store"))
        .ok_or_else(|| {
            Failure::usage("the store", "has no place: neither XDG_CACHE_HOME nor HOME is set")
                .hint("name a folder with --store or SEALIFT_STORE")
        })
}

impl Store {
    /// Opens a store, and makes it where the folder is missing or empty.
    pub fn open(root: &Path) -> Result<Self, Failure> {
        // Only its owner may enter a store that we make; whoever shares one makes the folder with the wanted mode.
        let made = DirBuilder::new().recursive(true).mode(0o700).create(root);
        made.map_err(|error| failed_to_write(root, &error))?;
        if !root.join(MARK).exists() {
            require_empty(root)?;
        }
        let store = Self { root: root.to_owned(), lock: mark(root, OFlags::CREATE)? };
        store.share()?;
        store.initialise()?;
        Ok(store)
    }

    /// Opens a store that must be there, changing nothing; none where there is no folder.
    pub fn existing(root: &Path) -> Result<Option<Self>, Failure> {
        match mark(root, OFlags::empty()) {
            Ok(lock) => {
                let store = Self { root: root.to_owned(), lock };
                store.share()?;
                Ok(Some(store))
            }
            Err(_) if !root.exists() => Ok(None),
            Err(_) if !root.join(MARK).exists() => Err(no_store(root)),
            Err(failure) => Err(failure),
        }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where a file of this digest is, or would be.
    pub fn path(&self, digest: &Sha256Digest) -> PathBuf {
        let hex = digest.hex();
        self.root.join(FILES).join(&hex[..2]).join(hex)
    }

    /// Whether a file is there, by its length alone: its bytes are proven by whoever reads them.
    pub fn look(&self, wanted: &Locked) -> Look {
        match fs::symlink_metadata(self.path(&wanted.digest)) {
            Ok(found) if found.is_file() && found.len() == wanted.size => Look::Whole,
            Ok(_) => Look::Damaged,
            Err(_) => Look::Absent,
        }
    }

    /// The same as [`Self::look`], for one who will use the file: it counts as used now, and a damaged one is
    /// taken away, so that it is fetched again.
    pub fn claim(&self, wanted: &Locked) -> Result<bool, Failure> {
        match self.look(wanted) {
            Look::Whole => {
                let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
                let times = Timestamps { last_access: now, last_modification: now };
                let path = self.path(&wanted.digest);
                // Another user's file in a store that is shared: its age is then what it was.
                let _ = rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW);
                Ok(true)
            }
            Look::Absent => Ok(false),
            Look::Damaged => self.remove(&wanted.digest).map(|()| false),
        }
    }

    /// Opens a file, by its length alone; none where there is none.
    ///
    /// Whoever reads it must hash what he reads and, if the digest is another, call [`Self::damaged`].
    pub fn get(&self, wanted: &Locked) -> Result<Option<File>, Failure> {
        let path = self.path(&wanted.digest);
        let Some(file) = open_file(&path)? else { return Ok(None) };
        let found = file.metadata().map_err(|error| Failure::reading(path.display().to_string(), &error))?;
        Ok((found.is_file() && found.len() == wanted.size).then_some(file))
    }

    /// Reads a short file, proven; none where there is none, or where it was damaged and is gone now.
    pub fn read(&self, wanted: &Locked, ceiling: u64) -> Result<Option<Vec<u8>>, Failure> {
        if wanted.size > ceiling {
            return Err(Failure::new(Code::LimitExceeded, wanted.digest.to_string(), "is too long")
                .expected(format!("at most {ceiling} bytes"))
                .found(format!("{} bytes", wanted.size)));
        }
        let Some(file) = self.get(wanted)? else { return Ok(None) };
        let mut bytes = Vec::new();
        let path = self.path(&wanted.digest);
        file.take(wanted.size.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::reading(path.display().to_string(), &error))?;
        if bytes.len() as u64 == wanted.size && sha256::digest(&bytes) == wanted.digest {
            return Ok(Some(bytes));
        }
        self.remove(&wanted.digest)?;
        Ok(None)
    }

    /// What to say of a file whose bytes are not those of its name; it is taken out of the store.
    pub fn damaged(&self, wanted: &Locked, found: &Sha256Digest) -> Failure {
        let path = self.path(&wanted.digest);
        let failure = Failure::new(Code::DigestMismatch, path.display().to_string(), "is damaged")
            .expected(wanted.digest)
            .found(found);
        match self.remove(&wanted.digest) {
            Ok(()) => {
                failure.hint("it was removed from the store: run `bundler lock`, which fetches it again")
            }
            Err(_) => failure.hint("remove it, and run `bundler lock`, which fetches it again"),
        }
    }

    /// Takes a file out.
    fn remove(&self, digest: &Sha256Digest) -> Result<(), Failure> {
        let path = self.path(digest);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed_to_write(&path, &error)),
            _ => Ok(()),
        }
    }

    /// The download of this URL, as far as this user's earlier runs came; waits while another process of the
    /// same user is at it.
    pub fn part(&self, url: &str) -> Result<Part, Failure> {
        Part::open(self, url)
    }

    /// A folder in the store that all who may write to the store may write to.
    fn folder(&self, path: &Path) -> Result<(), Failure> {
        match fs::create_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(failed_to_write(path, &error)),
            // The store's own folder says who may write; a umask does not.
            Ok(()) => fs::set_permissions(path, Permissions::from_mode(self.mode()?))
                .map_err(|error| failed_to_write(path, &error)),
        }
    }

    fn mode(&self) -> Result<u32, Failure> {
        let found = fs::metadata(&self.root).map_err(|error| failed_to_read(&self.root, &error))?;
        Ok(found.mode() & 0o7777)
    }

    /// Says that the store is in use; waits while it is being pruned.
    fn share(&self) -> Result<(), Failure> {
        rustix::fs::flock(&self.lock, FlockOperation::LockShared)
            .map_err(|error| failed_to_write(&self.root.join(MARK), &error.into()))
    }

    /// Writes what a new store lacks. Two who do so at once write the same.
    fn initialise(&self) -> Result<(), Failure> {
        let path = self.root.join(MARK);
        let mut text = String::new();
        let mark = &self.lock;
        mark.take(64).read_to_string(&mut text).map_err(|error| failed_to_read(&path, &error))?;
        if text.is_empty() {
            use std::os::unix::fs::FileExt;
            mark.write_all_at(FORMAT.as_bytes(), 0).map_err(|error| failed_to_write(&path, &error))?;
            let mode = self.mode()? & 0o666;
            // Whoever made it sets it; for another who came in between it is set already, or about to be.
            let _ = mark.set_permissions(Permissions::from_mode(mode));
        } else if text != FORMAT {
            return Err(Failure::usage(self.root.display().to_string(), "is a store of another version")
                .expected(FORMAT.trim_end())
                .found(text.trim_end())
                .hint("use another folder with --store, or the version of bundler that made it"));
        }
        self.folder(&self.root.join(FILES))?;
        self.folder(&self.root.join(PARTS))
    }
}

/// Opens the file that makes a folder a store.
fn mark(root: &Path, flags: OFlags) -> Result<File, Failure> {
    let path = root.join(MARK);
    let open = |flags| rustix::fs::open(&path, flags | OFlags::CLOEXEC | OFlags::NOFOLLOW, Mode::from(0o600));
    open(OFlags::RDWR | flags)
        // A store of others that may only be read.
        .or_else(|_| open(OFlags::RDONLY))
        .map(File::from)
        .map_err(|error| failed_to_write(&path, &error.into()))
}

fn require_empty(root: &Path) -> Result<(), Failure> {
    let mut listing = fs::read_dir(root).map_err(|error| failed_to_read(root, &error))?;
    // Another process may be making the same store right now.
    if listing.next().is_none() || root.join(MARK).exists() { Ok(()) } else { Err(no_store(root)) }
}

fn no_store(root: &Path) -> Failure {
    Failure::usage(root.display().to_string(), "is not a store: it has other files")
        .hint("name a new or empty folder with --store or SEALIFT_STORE")
}

/// Opens a regular file under this very name; a pipe would otherwise block for ever.
fn open_file(path: &Path) -> Result<Option<File>, Failure> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => Ok(Some(file.into())),
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::LOOP) => Ok(None),
        Err(error) => Err(failed_to_read(path, &error.into())),
    }
}

fn failed_to_write(path: &Path, error: &io::Error) -> Failure {
    Failure::writing(path.display().to_string(), error)
}

fn failed_to_read(path: &Path, error: &io::Error) -> Failure {
    Failure::reading(path.display().to_string(), error)
}
