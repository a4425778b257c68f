// SPDX-License-Identifier: Apache-2.0
//! Notes of what a URL brought to a run that has not ended well: the next run goes on from there.
//!
//! A lock is written when everything in it is good. Until then nothing says which file of the store a URL brought,
//! so that one bad file of two hundred would have the others fetched again. A note is its user's own, is believed
//! for a day, and is taken away when the lock is written or when what it names was refused.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use manifests::digest::Sha256Digest;
use manifests::time::Timestamp;
use rustix::fs::{Mode, OFlags};
use verifier::hash::sha256;

use super::upkeep::listing;
use super::{Look, PARTS, Store};
use crate::digest::Locked;
use crate::failure::Failure;
use crate::fetch::url::MAX_URL_BYTES;

/// How long a note counts: what a URL brought yesterday may not be what it is asked for today.
pub const MAX_AGE_SECONDS: u64 = 86_400;
/// The longest note: a size, a digest, a time, and a URL.
const LENGTH: u64 = 200 + MAX_URL_BYTES as u64;

/// URLs that brought a file, by its digest.
pub(super) type Origins = BTreeMap<Sha256Digest, BTreeSet<String>>;

/// For what files are fetched: what one errand has brought is no answer to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// `bundler lock`
    Lock,
    /// `bundler update`, which asks for what there is now.
    Update,
}

impl Store {
    /// Notes what a URL brought. Without the note it is fetched again, so that a failure is none.
    pub fn note(&self, errand: Errand, url: &str, state: &Locked, at: Timestamp) {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        if let Ok(file) = rustix::fs::open(self.note_path(errand, url), flags, Mode::from(0o600)) {
            let text = format!("{} {} {at} {url}\n", state.size, state.digest.hex());
            let _ = fs::File::from(file).write_all(text.as_bytes());
        }
    }

    /// What an earlier run of this user noted and the store still has, and when it came.
    pub fn noted(&self, errand: Errand, url: &str, now: Timestamp) -> Option<(Locked, Timestamp)> {
        let Note { state, at, .. } = read(&self.note_path(errand, url))?;
        let age = now.seconds().checked_sub(at.seconds())?;
        (age <= MAX_AGE_SECONDS && self.look(&state) == Look::Whole).then_some((state, at))
    }

    /// What this user's notes say of where files came from, however old they are; a file may have come from several
    /// places.
    pub(super) fn origins(&self) -> Result<Origins, Failure> {
        let mut origins = Origins::new();
        for path in listing(&self.root.join(PARTS))? {
            let is_note = path.extension().is_some_and(|kind| kind == "lock" || kind == "update");
            if let Some(Note { state, url: Some(url), .. }) = is_note.then(|| read(&path)).flatten() {
                origins.entry(state.digest).or_default().insert(url);
            }
        }
        Ok(origins)
    }

    /// Takes a note away.
    pub fn forget(&self, errand: Errand, url: &str) {
        let _ = fs::remove_file(self.note_path(errand, url));
    }

    fn note_path(&self, errand: Errand, url: &str) -> PathBuf {
        let user = rustix::process::geteuid().as_raw();
        let kind = match errand {
            Errand::Lock => "lock",
            Errand::Update => "update",
        };
        let key = sha256::digest(url.as_bytes()).hex();
        self.root.join(PARTS).join(format!("{user}-{key}.{kind}"))
    }
}

/// What a note says.
struct Note {
    state: Locked,
    at: Timestamp,
    /// None in a note of an older version.
    url: Option<String>,
}

fn read(path: &Path) -> Option<Note> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = fs::File::from(rustix::fs::open(path, flags, Mode::empty()).ok()?);
    let found = file.metadata().ok()?;
    // In a store of several users, nobody is told by another what a URL brought.
    if found.uid() != rustix::process::geteuid().as_raw() || !found.is_file() {
        return None;
    }
    let mut text = String::new();
    file.take(LENGTH).read_to_string(&mut text).ok()?;
    let mut words = text.strip_suffix('\n')?.split(' ');
    let size = words.next()?.parse().ok()?;
    let digest = Sha256Digest::from_hex(words.next()?).ok()?;
    let at = Timestamp::parse(words.next()?).ok()?;
    Some(Note { state: Locked { size, digest }, at, url: words.next().map(str::to_owned) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_counts_for_a_day_for_its_errand_and_while_the_file_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        let mut part = store.part("https://a.example/x").unwrap();
        part.write(b"bytes").unwrap();
        let state = part.publish(&store).unwrap();
        let at = |seconds| Timestamp::from_seconds(1_800_000_000 + seconds).unwrap();
        let url = "https://a.example/x";
        assert_eq!(store.noted(Errand::Lock, url, at(0)), None);
        store.note(Errand::Lock, url, &state, at(0));
        assert_eq!(store.noted(Errand::Lock, url, at(0)), Some((state, at(0))));
        assert_eq!(store.noted(Errand::Lock, url, at(MAX_AGE_SECONDS)), Some((state, at(0))));
        assert_eq!(store.noted(Errand::Lock, url, at(MAX_AGE_SECONDS + 1)), None);
        assert_eq!(store.noted(Errand::Update, url, at(0)), None);
        assert_eq!(store.origins().unwrap()[&state.digest], BTreeSet::from([url.to_owned()]));
        assert_eq!(store.noted(Errand::Lock, "https://a.example/y", at(0)), None);
        fs::write(store.note_path(Errand::Lock, "https://a.example/z"), "5 x").unwrap();
        assert_eq!(store.noted(Errand::Lock, "https://a.example/z", at(0)), None);
        fs::remove_file(store.path(&state.digest)).unwrap();
        assert_eq!(store.noted(Errand::Lock, url, at(0)), None);
    }
}
