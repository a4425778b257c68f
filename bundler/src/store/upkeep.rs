// SPDX-License-Identifier: Apache-2.0
//! The store looked at as a whole: what it holds, whether it is what the names say, what may go.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use manifests::digest::Sha256Digest;
use rustix::fs::FlockOperation;
use toml::de::{DeTable, DeValue};
use verifier::error::Code;
use verifier::progress::Progress;

use super::{FILES, MARK, PARTS, Store, failed_to_read, failed_to_write};
use crate::digest::{Follow, Job, read_all};
use crate::failure::Failure;
use crate::source::Source;

/// One file of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What its name says that it is.
    pub digest: Sha256Digest,
    /// Bytes.
    pub size: u64,
    /// When it was last downloaded or used.
    pub used: SystemTime,
}

/// A file that is not what its name says.
#[derive(Clone, Debug)]
pub struct Damage {
    /// What the name says.
    pub digest: Sha256Digest,
    /// Where it is.
    pub path: PathBuf,
    /// What is wrong.
    pub failure: Failure,
}

/// What a check of the whole store found.
#[derive(Clone, Debug)]
pub struct Audit {
    /// Files that are what their names say.
    pub sound: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Those that are not, by digest.
    pub damaged: Vec<Damage>,
}

/// What stays when a store is pruned.
#[derive(Clone, Debug, Default)]
pub struct Keep {
    /// What is named by these locks; none: no lock protects anything.
    pub named: Option<BTreeSet<Sha256Digest>>,
    /// What was downloaded or used after this.
    pub since: Option<SystemTime>,
}

/// Whether files are removed, or only named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// They go.
    Remove,
    /// They are named.
    Plan,
}

/// What a pruning took, or would take.
#[derive(Clone, Debug, Default)]
pub struct Pruned {
    /// Files, by digest.
    pub files: Vec<Entry>,
    /// Downloads that were never finished.
    pub parts: usize,
    /// Bytes of both.
    pub bytes: u64,
    /// Files that stay.
    pub kept: usize,
}

impl Store {
    /// Every file, by digest. What has another kind of name is none of the store's.
    pub fn entries(&self) -> Result<Vec<Entry>, Failure> {
        let mut entries = Vec::new();
        for folder in listing(&self.root.join(FILES))? {
            if !folder.is_dir() {
                continue;
            }
            for path in listing(&folder)? {
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                let Ok(digest) = Sha256Digest::from_hex(name) else { continue };
                if self.path(&digest) != path {
                    continue;
                }
                let found = fs::symlink_metadata(&path).map_err(|error| failed_to_read(&path, &error))?;
                let used = found.modified().map_err(|error| failed_to_read(&path, &error))?;
                entries.push(Entry { digest, size: found.len(), used });
            }
        }
        entries.sort_by_key(|entry| entry.digest);
        Ok(entries)
    }

    /// Reads and hashes every file, on all cores.
    pub fn audit(&self, progress: &Progress) -> Result<Audit, Failure> {
        let entries = self.entries()?;
        let next = AtomicUsize::new(0);
        let audit = Mutex::new(Audit { sound: 0, bytes: 0, damaged: Vec::new() });
        let workers = std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(entries.len());
        std::thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| {
                    while let Some(entry) = entries.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let found = self.prove(entry, progress);
                        let mut audit = audit.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                        match found {
                            Ok(()) => {
                                audit.sound += 1;
                                audit.bytes += entry.size;
                            }
                            Err(failure) => audit.damaged.push(Damage {
                                digest: entry.digest,
                                path: self.path(&entry.digest),
                                failure,
                            }),
                        }
                    }
                });
            }
        });
        let mut audit = audit.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        audit.damaged.sort_by_key(|damage| damage.digest);
        Ok(audit)
    }

    fn prove(&self, entry: &Entry, progress: &Progress) -> Result<(), Failure> {
        let path = self.path(&entry.digest);
        let name = path.display().to_string();
        let job =
            Job { name: name.clone(), path, locked: None, place: None, follow: Follow::No, keeper: None };
        let read = read_all(std::slice::from_ref(&job), None, progress)?;
        let found = read.first().map(crate::digest::Read::digest);
        if found == Some(entry.digest) {
            return Ok(());
        }
        let failure = Failure::new(Code::DigestMismatch, name, "is damaged").expected(entry.digest);
        let failure = match found {
            Some(found) => failure.found(found),
            None => failure,
        };
        Err(failure.hint("run `bundler store verify --remove`, then `bundler lock`, which fetches it again"))
    }

    /// Takes files out that were found damaged.
    pub fn remove_damaged(&self, damaged: &[Damage]) -> Result<(), Failure> {
        damaged.iter().try_for_each(|damage| self.remove(&damage.digest))
    }

    /// Takes out what need not be kept, and downloads that were never finished; refuses while anybody else uses
    /// the store.
    pub fn prune(&self, keep: &Keep, action: Action) -> Result<Pruned, Failure> {
        self.alone()?;
        let mut pruned = Pruned::default();
        for entry in self.entries()? {
            let named = keep.named.as_ref().is_some_and(|named| named.contains(&entry.digest));
            let fresh = keep.since.is_some_and(|since| entry.used > since);
            if named || fresh {
                pruned.kept += 1;
                continue;
            }
            if action == Action::Remove {
                self.remove(&entry.digest)?;
            }
            pruned.bytes += entry.size;
            pruned.files.push(entry);
        }
        self.prune_parts(keep.since, action, &mut pruned)?;
        Ok(pruned)
    }

    fn prune_parts(
        &self,
        since: Option<SystemTime>,
        action: Action,
        pruned: &mut Pruned,
    ) -> Result<(), Failure> {
        for path in listing(&self.root.join(PARTS))? {
            let found = fs::symlink_metadata(&path).map_err(|error| failed_to_read(&path, &error))?;
            if since.is_some_and(|since| found.modified().is_ok_and(|used| used > since)) {
                continue;
            }
            if action == Action::Remove {
                fs::remove_file(&path).map_err(|error| failed_to_write(&path, &error))?;
            }
            pruned.parts += usize::from(path.extension().is_some_and(|extension| extension == "part"));
            pruned.bytes += found.len();
        }
        Ok(())
    }

    /// Makes sure that nobody else has the store open: he may be about to lock what is not named yet.
    fn alone(&self) -> Result<(), Failure> {
        match rustix::fs::flock(&self.lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(()),
            Err(rustix::io::Errno::WOULDBLOCK) => {
                Err(Failure::new(Code::Busy, self.root.display().to_string(), "is in use by another bundler"))
            }
            Err(error) => Err(failed_to_write(&self.root.join(MARK), &error.into())),
        }
    }
}

impl Keep {
    /// What the locks name: every SHA-256 in them, whatever it is of.
    pub fn named_by(locks: &[PathBuf]) -> Result<BTreeSet<Sha256Digest>, Failure> {
        let mut named = BTreeSet::new();
        for path in locks {
            let source = Source::read(path)?;
            let document = source.parse()?;
            if !document.get_ref().contains_key("recipe") {
                return Err(Failure::usage(path.display().to_string(), "is not a lock")
                    .hint("name files that `bundler lock` wrote: what they name stays"));
            }
            collect(document.get_ref(), &mut named);
        }
        Ok(named)
    }

    /// From days before now.
    pub fn since_days(days: u32, now: SystemTime) -> SystemTime {
        now.checked_sub(Duration::from_secs(u64::from(days) * 86_400)).unwrap_or(SystemTime::UNIX_EPOCH)
    }
}

fn collect(table: &DeTable<'_>, named: &mut BTreeSet<Sha256Digest>) {
    table.values().for_each(|value| collect_value(value.get_ref(), named));
}

fn collect_value(value: &DeValue<'_>, named: &mut BTreeSet<Sha256Digest>) {
    match value {
        DeValue::String(text) => {
            named.extend(Sha256Digest::parse(text).ok());
        }
        DeValue::Array(items) => items.iter().for_each(|item| collect_value(item.get_ref(), named)),
        DeValue::Table(table) => collect(table, named),
        _ => {}
    }
}

/// Every path in a folder; a folder that is not there is empty.
pub(super) fn listing(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: &io::Error| failed_to_read(folder, error);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| failed(&error))?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(|error| failed(&error))?.path());
    }
    paths.sort();
    Ok(paths)
}
