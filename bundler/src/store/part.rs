// SPDX-License-Identifier: Apache-2.0
//! A download under way: its bytes, and beside them what proves how far they are good.
//!
//! In: the bytes of a URL, in order. Out: a file of the store. Beside the part lies its *trail*: what the
//! server said of the file, then the state of SHA-256 after each MiB. The bytes go first, the state follows.
//! Whoever goes on with a part hashes it and keeps what the trail confirms, so that neither a killed process
//! nor a power cut, which may leave a file longer than what reached the disk, puts a wrong byte into it.
//!
//! A part belongs to one user (nobody goes on with what another wrote) and one URL, and is locked while in use.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;
use std::time::Duration;

use rustix::fs::{FlockOperation, OFlags};
use serde::{Deserialize, Serialize};
use verifier::error::Code;
use verifier::hash::Kernel;
use verifier::hash::sha256::{self, Midstate, state_bytes};

use super::{PARTS, Store, failed_to_read, failed_to_write};
use crate::digest::Locked;
use crate::failure::Failure;

/// Bytes between two states of the trail: what a killed download loses at most.
pub const STEP_BYTES: usize = 1 << 20;
/// The longest first line of a trail: an entity tag is no longer than the header that carried it.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// Between two looks whether another process is done with the part.
const POLL: Duration = Duration::from_millis(100);

/// What a server said of the file that a part is of: an entity tag or a date for `If-Range`, and its length.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validator {
    /// A strong entity tag, or a date that counts as one (RFC 9110 §8.8).
    pub tag: Option<String>,
    /// The length of the whole.
    pub total: Option<u64>,
}

/// A download under way.
#[derive(Debug)]
pub struct Part {
    path: PathBuf,
    trail_path: PathBuf,
    file: File,
    trail: Option<Trail>,
    midstate: Midstate,
    validator: Validator,
    origin: Origin,
    kernel: Kernel,
}

#[derive(Debug)]
struct Trail {
    file: File,
    end: u64,
}

/// Whether all bytes of a part came in one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    OneAnswer,
    Several,
}

impl Part {
    pub(super) fn open(store: &Store, url: &str) -> Result<Self, Failure> {
        let user = rustix::process::geteuid().as_raw();
        let key = sha256::digest(url.as_bytes()).hex();
        let path = store.root.join(PARTS).join(format!("{user}-{key}.part"));
        let trail_path = path.with_extension("trail");
        let file = lock(&path)?;
        let mut part = Self {
            path,
            trail_path,
            file,
            trail: None,
            midstate: Midstate::EMPTY,
            validator: Validator::default(),
            origin: Origin::OneAnswer,
            kernel: Kernel::detect(),
        };
        part.recover()?;
        Ok(part)
    }

    /// Bytes that are good.
    pub fn length(&self) -> u64 {
        self.midstate.length()
    }

    /// What the server said of the file whose bytes these are.
    pub fn validator(&self) -> &Validator {
        &self.validator
    }

    /// Whether the bytes came in several answers, which together may be of no file that ever was.
    pub fn is_joined(&self) -> bool {
        self.origin == Origin::Several
    }

    /// The digest of the bytes so far.
    pub fn state(&self) -> Locked {
        Locked { size: self.length(), digest: self.midstate.digest() }
    }

    /// Forgets all bytes: what comes now is from the start of a file.
    pub fn restart(&mut self, validator: Validator) -> Result<(), Failure> {
        self.trail = None;
        remove(&self.trail_path).map_err(|error| failed_to_write(&self.trail_path, &error))?;
        self.file.set_len(0).map_err(|error| failed_to_write(&self.path, &error))?;
        self.midstate = Midstate::EMPTY;
        self.validator = validator;
        self.origin = Origin::OneAnswer;
        Ok(())
    }

    /// What comes now follows the bytes that are there, in another answer.
    pub fn go_on(&mut self) {
        self.origin = Origin::Several;
    }

    /// Adds bytes, hashed on the way.
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<(), Failure> {
        while !bytes.is_empty() {
            let at = self.midstate.length();
            let step = STEP_BYTES as u64;
            let room = usize::try_from(step - at % step).unwrap_or(STEP_BYTES);
            let (now, rest) = bytes.split_at(bytes.len().min(room));
            self.file.write_all_at(now, at).map_err(|error| failed_to_write(&self.path, &error))?;
            self.midstate.update(self.kernel, now);
            if self.midstate.length().is_multiple_of(step) {
                self.note()?;
            }
            bytes = rest;
        }
        Ok(())
    }

    /// Whether the file system has room for so many more bytes; one that cannot say is asked by writing.
    pub fn require_space(&self, bytes: u64) -> Result<(), Failure> {
        let Ok(found) = rustix::fs::fstatvfs(&self.file) else { return Ok(()) };
        let free = found.f_bavail.saturating_mul(found.f_frsize);
        if bytes <= free {
            return Ok(());
        }
        Err(Failure::new(Code::NoSpace, self.path.display().to_string(), "has no room on its file system")
            .expected(format!("{bytes} bytes free"))
            .found(format!("{free} bytes"))
            .hint("free some, run `bundler store prune`, or choose another place with --store"))
    }

    /// Gives the file its real name, which is its digest.
    pub fn publish(self, store: &Store) -> Result<Locked, Failure> {
        let state = self.state();
        let path = store.path(&state.digest);
        let failed = |error: &io::Error| failed_to_write(&path, error);
        // What a part held beyond the good bytes is none of the file.
        self.file.set_len(state.size).map_err(|error| failed(&error))?;
        self.file.set_permissions(Permissions::from_mode(0o444)).map_err(|error| failed(&error))?;
        if let Some(parent) = path.parent() {
            store.folder(parent)?;
        }
        // A folder of this name could not be replaced; a damaged file is.
        fs::rename(&self.path, &path).map_err(|error| failed(&error))?;
        // One that stays behind confirms nothing and is overwritten by the next download.
        let _ = remove(&self.trail_path);
        Ok(state)
    }

    /// Ends for now; a part that is too short to go on with is taken away.
    pub fn leave(self) -> Result<(), Failure> {
        if self.trail.is_some() { Ok(()) } else { self.discard() }
    }

    /// Leaves nothing behind: going on later would be of no use.
    pub fn discard(self) -> Result<(), Failure> {
        remove(&self.trail_path).map_err(|error| failed_to_write(&self.trail_path, &error))?;
        remove(&self.path).map_err(|error| failed_to_write(&self.path, &error))
    }

    /// Hashes what is there and keeps what the trail confirms.
    fn recover(&mut self) -> Result<(), Failure> {
        let Some((validator, states, head)) = self.read_trail()? else {
            return self.restart(Validator::default());
        };
        let mut buffer = vec![0; STEP_BYTES];
        let mut confirmed = 0u64;
        for expected in states.chunks_exact(32) {
            let at = self.midstate.length();
            if self.file.read_exact_at(&mut buffer, at).is_err() {
                break;
            }
            let mut next = self.midstate;
            next.update(self.kernel, &buffer);
            let reached = next.chaining_value().map(|state| state_bytes(&state));
            if reached.as_ref().map(<[u8; 32]>::as_slice) != Some(expected) {
                break;
            }
            self.midstate = next;
            confirmed += 32;
        }
        if confirmed == 0 {
            return self.restart(Validator::default());
        }
        let file = OpenOptions::new()
            .write(true)
            .custom_flags(no_follow())
            .open(&self.trail_path)
            .map_err(|error| failed_to_write(&self.trail_path, &error))?;
        self.trail = Some(Trail { file, end: head + confirmed });
        self.validator = validator;
        self.origin = Origin::Several;
        Ok(())
    }

    /// The trail's first line, its states, and how long the line is; none where there is no good one.
    fn read_trail(&self) -> Result<Option<(Validator, Vec<u8>, u64)>, Failure> {
        let opened = OpenOptions::new().read(true).custom_flags(no_follow()).open(&self.trail_path);
        let file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed_to_read(&self.trail_path, &error)),
        };
        let length = self.file.metadata().map_err(|error| failed_to_read(&self.path, &error))?.len();
        // No more states than the part has steps are of any use.
        let ceiling = MAX_HEAD_BYTES as u64 + length / STEP_BYTES as u64 * 32;
        let mut bytes = Vec::new();
        file.take(ceiling)
            .read_to_end(&mut bytes)
            .map_err(|error| failed_to_read(&self.trail_path, &error))?;
        let Some(end) = bytes.iter().take(MAX_HEAD_BYTES).position(|byte| *byte == b'\n') else {
            return Ok(None);
        };
        let states = bytes.split_off(end + 1);
        Ok(serde_json::from_slice(&bytes).ok().map(|validator| (validator, states, end as u64 + 1)))
    }

    /// Notes the state after a whole step.
    fn note(&mut self) -> Result<(), Failure> {
        let Some(state) = self.midstate.chaining_value() else { return Ok(()) };
        let failed = |error: &io::Error| failed_to_write(&self.trail_path, error);
        if self.trail.is_none() {
            let mut head = serde_json::to_vec(&self.validator).unwrap_or_default();
            head.push(b'\n');
            remove(&self.trail_path).map_err(|error| failed(&error))?;
            let file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&self.trail_path)
                .map_err(|error| failed(&error))?;
            file.write_all_at(&head, 0).map_err(|error| failed(&error))?;
            self.trail = Some(Trail { file, end: head.len() as u64 });
        }
        if let Some(trail) = &mut self.trail {
            trail.file.write_all_at(&state_bytes(&state), trail.end).map_err(|error| failed(&error))?;
            trail.end += 32;
        }
        Ok(())
    }
}

/// Makes or opens the file of a part and locks it: one process at a time is at a download.
fn lock(path: &PathBuf) -> Result<File, Failure> {
    let mut freed = false;
    loop {
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(no_follow())
            .open(path);
        let file = match opened {
            Ok(file) => file,
            // Killed after it was made read-only and before it got its name.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && !freed => {
                freed = true;
                fs::set_permissions(path, Permissions::from_mode(0o600))
                    .map_err(|_| failed_to_write(path, &error))?;
                continue;
            }
            Err(error) => return Err(failed_to_write(path, &error)),
        };
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                std::thread::sleep(POLL);
                continue;
            }
            Err(error) => return Err(failed_to_write(path, &error.into())),
        }
        // Whoever had it may have given it its real name meanwhile: then this file is another.
        let (ours, named) = (file.metadata(), fs::symlink_metadata(path));
        if let (Ok(ours), Ok(named)) = (ours, named)
            && (ours.dev(), ours.ino()) == (named.dev(), named.ino())
        {
            return Ok(file);
        }
    }
}

fn no_follow() -> i32 {
    i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or(0)
}

/// Removes a file; that it is gone already is no error.
fn remove(path: &PathBuf) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
