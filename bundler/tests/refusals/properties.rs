// SPDX-License-Identifier: Apache-2.0
//! What holds for every bundle that differs from a good one, whatever the difference.
//!
//! By the library, on all carriers: as the binary does it, without starting it a hundred thousand times.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Cursor, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::OnceLock;

use manifests::digest::Sha256Digest;
use manifests::name::PortablePath;
use manifests::time::Timestamp;
use proptest::prelude::*;
use verifier::archive::reader::Archive;
use verifier::bytes::Sequential;
use verifier::contents::{self, Contents, Nowhere, Proof};
use verifier::error::{Class, Code, Refusal};
use verifier::media::{self, Carrier, folder::Folder};
use verifier::signature::approve::{Approved, Vendors, approve};
use verifier::trust::ledger::Ledger;
use verifier::trust::root::{Candidate, TrustRoot};
use verifier::trust::{self, TrustedManifest};

use crate::base::{LONG, Parts, built, built_small};
use crate::case::Case;
use crate::medium::{Medium, slot};
use crate::scene::good_root;

const NOW: &str = "2026-12-24T00:00:00Z";
/// Bytes of a slot that a signature takes; the rest is spaces.
const USED_SLOT: usize = 300;

fn root() -> &'static TrustRoot {
    static ROOT: OnceLock<TrustRoot> = OnceLock::new();
    ROOT.get_or_init(|| {
        let (bytes, fingerprint): (Vec<u8>, Sha256Digest) = good_root();
        Candidate::read(&bytes, "root").unwrap().establish(fingerprint, now()).unwrap()
    })
}

fn now() -> Timestamp {
    Timestamp::parse(NOW).unwrap()
}

/// carrier → Archive → TrustedManifest → Contents → Approved, as `verifier verify` does it.
fn verify(carrier: Carrier) -> Result<Approved<Contents<TrustedManifest>>, Refusal> {
    let archive = Archive::open(media::Medium { name: "bundle".to_owned(), carrier })?;
    let trusted = trust::open(
        archive.manifest(),
        &archive.signatures()?,
        root(),
        &Ledger::empty(root().fingerprint()),
        now(),
    )?;
    let proof = Proof { sink: &Nowhere, watch: &Vendors { now: now() }, progress: &|_| {} };
    approve(contents::prove(archive, trusted, proof)?, now())
}

fn stream(bytes: &[u8]) -> Result<(), Refusal> {
    verify(Carrier::Stream(Box::new(Cursor::new(bytes.to_vec())))).map(drop)
}

fn file(path: &Path) -> Result<(), Refusal> {
    let file = File::open(path).unwrap();
    let length = file.metadata().unwrap().len();
    verify(Carrier::File { file, length }).map(drop)
}

fn folder(path: &Path) -> Result<(), Refusal> {
    verify(Carrier::Folder(Folder::open(path).unwrap())).map(drop)
}

/// The good bundle, signed by one builder: a signature less is one too few.
fn signed(parts: &Parts) -> Medium {
    let manifest = parts.manifest(&parts.chains());
    let slot = slot(&Case::good(), &manifest);
    Medium::new(parts, &manifest, slot, parts.chains())
}

/// Where each entry's header, content and padding begin, and the end.
fn boundaries(medium: &Medium) -> Vec<usize> {
    let mut at = 0;
    let mut all = vec![0];
    for entry in &medium.entries {
        for length in [entry.header.len(), entry.content.len(), entry.padding.len()] {
            at += length;
            all.push(at);
        }
    }
    all.dedup();
    all
}

/// Offsets of the spaces that fill the slot: 64 KiB in which every bit is like every other.
fn is_slot_space(medium: &Medium, at: usize) -> bool {
    let start = medium.entries[0].length() + medium.entries[1].header.len() + USED_SLOT;
    (start..medium.entries[0].length() + medium.entries[1].length()).contains(&at)
}

#[test]
fn good_bundles_are_good_on_every_carrier() {
    for (parts, _) in [built(), built_small()] {
        let medium = signed(parts);
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("bundle");
        fs::write(&path, medium.archive()).unwrap();
        medium.extract(&place.path().join("folder"));
        assert_eq!(stream(&medium.archive()), Ok(()));
        assert_eq!(file(&path), Ok(()));
        assert_eq!(folder(&place.path().join("folder")), Ok(()));
    }
}

/// Every byte of headers, manifest, signatures, list, payload, padding and end; one bit of each, and
/// three bits of every byte of a header. Of the spaces in the slot every sixty-fourth.
#[test]
fn any_flipped_bit_is_refused() {
    let medium = signed(&built_small().0);
    let bytes = medium.archive();
    let mut headers = BTreeSet::new();
    let mut at = 0;
    for entry in &medium.entries {
        headers.extend(at..at + entry.header.len());
        at += entry.length();
    }
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("bundle");
    fs::write(&path, &bytes).unwrap();
    let writer = File::options().write(true).open(&path).unwrap();
    let mut flips = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if is_slot_space(&medium, at) && at % 64 != 0 {
            continue;
        }
        let first = (at % 8) as u32;
        let bits = if headers.contains(&at) { vec![first, (first + 3) % 8, 7 - first] } else { vec![first] };
        for bit in bits {
            let flipped = byte ^ (1 << bit);
            writer.write_all_at(&[flipped], at as u64).unwrap();
            let by_file = file(&path).expect_err("a flipped bit was accepted");
            assert!(
                matches!(by_file.class, Class::Refused | Class::Medium),
                "byte {at} bit {bit}: {by_file}"
            );
            // The stream is another reader of the same rules: every sixteenth of these.
            if flips % 16 == 0 {
                let mut copy = bytes.clone();
                copy[at] = flipped;
                let by_stream = stream(&copy).expect_err("a flipped bit was accepted");
                assert_eq!(by_stream.class, by_file.class, "byte {at} bit {bit}: {by_stream} / {by_file}");
            }
            flips += 1;
        }
        writer.write_all_at(&[*byte], at as u64).unwrap();
    }
    assert!(flips > 20_000, "{flips}");
    assert_eq!(file(&path), Ok(()), "the flips were taken back");
}

/// Every boundary and the bytes beside it, and every seventh length between, but for the slot's spaces.
#[test]
fn any_truncation_is_refused() {
    let medium = signed(&built_small().0);
    let bytes = medium.archive();
    let near: BTreeSet<usize> = boundaries(&medium)
        .into_iter()
        .chain((0..=bytes.len()).step_by(512))
        .flat_map(|at| at.saturating_sub(1)..=at + 1)
        .filter(|at| *at < bytes.len())
        .collect();
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("bundle");
    fs::write(&path, &bytes).unwrap();
    let writer = File::options().write(true).open(&path).unwrap();
    for length in (0..bytes.len()).rev() {
        if near.contains(&length) || length % 7 == 0 && !is_slot_space(&medium, length) {
            writer.set_len(length as u64).unwrap();
            for refused in [file(&path), stream(&bytes[..length])] {
                assert_eq!(refused.expect_err("a part was accepted").code, Code::Truncated, "{length} bytes");
            }
        }
    }
}

/// A long file cut at and around its chunks.
#[test]
fn any_truncation_of_chunks_is_refused() {
    let medium = signed(&built().0);
    let bytes = medium.archive();
    let big = medium.entries.iter().position(|entry| entry.path == "files/big/big.bin").unwrap();
    let start: usize = medium.entries[..big].iter().map(|entry| entry.length()).sum::<usize>() + 512;
    for chunk in [0, 4 << 20, 8 << 20] {
        for length in [start + chunk - 1, start + chunk, start + chunk + 1, start + chunk + 64] {
            assert_eq!(stream(&bytes[..length]).unwrap_err().code, Code::Truncated);
        }
    }
}

/// What was proven is proven again when it is read again.
#[test]
fn changed_between_two_reads() {
    let place = tempfile::tempdir().unwrap();
    let medium = signed(&built().0);
    let (laid, archive) = (place.path().join("folder"), place.path().join("bundle"));
    medium.extract(&laid);
    fs::write(&archive, medium.archive()).unwrap();
    for path in ["files/hello/hello.sh", "files/big/big.bin", LONG] {
        let portable = PortablePath::new(path).unwrap();
        let entry = medium.entries.iter().position(|entry| entry.path == path).unwrap();
        let (content, header) = (&medium.entries[entry].content, medium.entries[entry].header.len());
        let in_archive: usize = medium.entries[..entry].iter().map(|entry| entry.length()).sum();
        let opened = File::open(&archive).unwrap();
        let length = opened.metadata().unwrap().len();
        for (carrier, file, start) in [
            (Carrier::Folder(Folder::open(&laid).unwrap()), laid.join(path), 0),
            (Carrier::File { file: opened, length }, archive.clone(), in_archive + header),
        ] {
            let proven = verify(carrier).unwrap_or_else(|refusal| panic!("{refusal}"));
            let read = || {
                let mut bytes = Vec::new();
                let opened = proven.get().open(&portable).unwrap().unwrap();
                Sequential::new(&*opened).read_to_end(&mut bytes).map(|_| bytes)
            };
            assert!(read().unwrap() == *content);
            let writer = File::options().write(true).open(&file).unwrap();
            for at in [0, content.len() / 2, content.len() - 1] {
                let place = (start + at) as u64;
                writer.write_all_at(&[content[at] ^ 1], place).unwrap();
                let error = read().expect_err("changed bytes were handed out");
                let refusal = error.get_ref().and_then(|inner| inner.downcast_ref::<Refusal>()).unwrap();
                assert_eq!((refusal.code, &*refusal.subject), (Code::ChangedWhileRead, path));
                writer.write_all_at(&content[at..=at], place).unwrap();
            }
            assert!(read().unwrap() == *content);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    /// A fault in an entry's content exists on all three carriers: one verdict.
    #[test]
    fn carriers_agree_on_content(entry in 0..10_usize, at: prop::sample::Index, mask in 1..=255_u8) {
        let mut medium = signed(&built_small().0);
        let content = &mut medium.entries[entry].content;
        let at = at.index(content.len().max(1));
        prop_assume!(at < content.len());
        content[at] ^= mask;
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("bundle");
        fs::write(&path, medium.archive()).unwrap();
        medium.extract(&place.path().join("folder"));
        let by_file = file(&path).unwrap_err();
        let by_folder = folder(&place.path().join("folder")).unwrap_err();
        let by_stream = stream(&medium.archive()).unwrap_err();
        prop_assert_eq!(by_file.code, by_stream.code);
        prop_assert_eq!(by_file.code, by_folder.code);
    }

    /// Bytes put in or taken out anywhere, several at a time: never accepted, never a panic.
    #[test]
    fn shifted_bytes_are_refused(at: prop::sample::Index, out in 0..600_usize, put in prop::collection::vec(any::<u8>(), 0..600)) {
        let mut bytes = signed(&built_small().0).archive();
        let good = bytes.clone();
        let at = at.index(bytes.len());
        let out = out.min(bytes.len() - at);
        bytes.splice(at..at + out, put);
        prop_assume!(bytes != good);
        let place = tempfile::NamedTempFile::new().unwrap();
        fs::write(place.path(), &bytes).unwrap();
        prop_assert!(file(place.path()).is_err());
        prop_assert!(stream(&bytes).is_err());
    }
}
