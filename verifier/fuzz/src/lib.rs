// SPDX-License-Identifier: Apache-2.0
//! One function for each parser of what comes off a medium: any bytes in, no panic, bounded time and memory.
//!
//! The fuzz targets call them with what the fuzzer makes up; `verifier/tests/corpus.rs` calls them with the
//! inputs that are kept in `testdata/corpus/`, so that what was found once is tested for ever.

use std::io::{self, Read};

use manifests::dsse::Signatures;
use manifests::evidence::{Evidence, Weak};
use manifests::fingerprint::Fingerprint;
use manifests::time::Timestamp;
use verifier::archive::reader::Archive;
use verifier::check::kind::recognise;
use verifier::cli::Demand;
use verifier::contents::{self, Nowhere, Proof};
use verifier::hash::sha256::Midstate;
use verifier::media::{Carrier, Medium};
use verifier::notary::policy::TrustPolicy;
use verifier::notary::{self, StoreType};
use verifier::signature::approve::{Vendors, approve};
use verifier::signature::cms::SignedData;
use verifier::signature::digest::Algorithm;
use verifier::signature::openpgp::{self, Sha1, Supplied};
use verifier::signature::x509::demand::CertificateDemand;
use verifier::signature::x509::{Budget, PathDemand, Purpose};
use verifier::signature::{Tolerated, apple, apt, authenticode, deb, rpm, timestamp, x509};
use verifier::trust::UnsignedManifest;
use verifier::trust::root::Candidate;
use verifier::unpack::{self, Bound};

/// A time at which most throw-away keys and certificates are valid: 2026-11-29.
fn now() -> Timestamp {
    Timestamp::from_seconds(1_795_910_400).unwrap_or(Timestamp::EPOCH)
}

/// The throw-away key that `testdata/make/first` made.
const KEY: &[u8] = include_bytes!("../../../testdata/recipes/first/vendor.asc");

fn supplied<T>(ask: impl FnOnce(&Supplied<'_>) -> T) -> T {
    let pins: Vec<Fingerprint> =
        Fingerprint::parse("29D896479579C2608A6E8F3489CBB31370DEC574").into_iter().collect();
    ask(&Supplied { keys: &[KEY], pins: &pins, now: now(), sha1: Sha1::Allowed })
}

const fn demand(budget: &Budget) -> CertificateDemand<'_> {
    CertificateDemand {
        authorities: &[],
        timestamp_authorities: None,
        pins: &[],
        publisher: None,
        team: None,
        now: Timestamp::EPOCH,
        tolerated: Tolerated(&Weak::ALL),
        budget,
    }
}

/// Bytes in memory are always readable: an error that is none of the content's would be a fault.
fn judged(evidence: io::Result<Evidence>) {
    if let Err(error) = evidence {
        assert!(error.kind() != io::ErrorKind::UnexpectedEof, "a read beyond the end: {error}");
    }
}

/// Certificates, PEM or DER, and a path from the first to the last.
pub fn certificate(bytes: &[u8]) {
    let Ok(found) = x509::read::certificates(&[bytes.to_vec()]) else { return };
    let (Some(leaf), Some(last)) = (found.certificates.first(), found.certificates.last()) else { return };
    let _ = (leaf.subject(), leaf.common_name(), leaf.extended_key_usage());
    let demand = PathDemand {
        authorities: std::slice::from_ref(last),
        intermediates: &found.certificates,
        purpose: Purpose::Any,
        at: now(),
        tolerated: Tolerated(&[]),
        known_critical: &[],
        budget: &Budget::default(),
    };
    let _ = x509::build(leaf, &demand);
}

/// A CMS structure, BER or DER, its signers and their signatures.
pub fn cms(bytes: &[u8]) {
    let Ok((signed, _)) = SignedData::parse(bytes) else { return };
    let content = signed.content().map_or(&[][..], |content| content.value());
    for signer in signed.signers() {
        if let Some(certificate) = signer.certificate(signed.certificates()) {
            let _ = signer.verify(certificate, content, signed.content_type(), Tolerated(&Weak::ALL));
        }
    }
}

/// A timestamp token, and the same bytes as a countersignature.
pub fn timestamp(bytes: &[u8]) {
    let tolerated = Tolerated(&Weak::ALL);
    let _ = timestamp::token(bytes, b"signature", &[], now(), tolerated, &Budget::default());
    let _ = timestamp::countersignature(bytes, b"signature", &[], &[], now(), tolerated, &Budget::default());
}

/// A Windows program, installer or cabinet.
pub fn authenticode(bytes: &[u8]) {
    judged(authenticode::check(&bytes, &demand(&Budget::default())));
}

/// A macOS installer package.
pub fn apple_package(bytes: &[u8]) {
    judged(apple::package::check(&bytes, &demand(&Budget::default())));
}

/// A macOS program.
pub fn apple_code(bytes: &[u8]) {
    judged(apple::code::check(&bytes, &demand(&Budget::default())));
}

/// An RPM package.
pub fn rpm(bytes: &[u8]) {
    judged(supplied(|supplied| rpm::check(&bytes, supplied)));
}

/// A .deb with signatures inside.
pub fn deb(bytes: &[u8]) {
    judged(supplied(|supplied| deb::check(&bytes, supplied)));
}

/// InRelease, and Release with a signature that the same bytes hold.
pub fn apt_release(bytes: &[u8]) {
    judged(supplied(|supplied| apt::release(bytes, None, supplied)));
    judged(supplied(|supplied| apt::release(bytes, Some(bytes), supplied)));
}

/// Packages, compressed or not.
pub fn apt_packages(bytes: &[u8]) {
    let _ = apt::packages::search(&bytes, (Algorithm::Sha256, ""), 1, None);
}

/// A zip, every entry read.
pub fn zip(bytes: &[u8]) {
    if let Ok(archive) = unpack::zip::Archive::open(&bytes, Bound::Ratio) {
        let _ = archive.prove(None, &mut |_| {});
    }
}

/// A tar, every entry read.
pub fn tar(bytes: &[u8]) {
    let mut rest = bytes;
    let _ = unpack::tar::prove(&mut rest, Bound::Ratio);
}

/// A gzip, every member read.
pub fn gzip(bytes: &[u8]) {
    let _ = unpack::drain(&mut unpack::gzip::Reader::new(bytes, Bound::Ratio));
}

/// A detached OpenPGP signature, and a key.
pub fn openpgp(bytes: &[u8]) {
    for (signature, key) in [(bytes, KEY), (bytes, bytes)] {
        let demand = openpgp::Demand { signature, keys: &[key], pins: &[], now: now(), sha1: Sha1::Allowed };
        if let Ok(check) = openpgp::prepare(&demand) {
            let hasher = check.hasher();
            let _ = check.judge(&Midstate::EMPTY, hasher);
        }
    }
}

/// A trust policy of Notation, and the same bytes as a certificate file of each type of store.
pub fn trust_policy(bytes: &[u8]) {
    if let Ok(policy) = TrustPolicy::read(bytes) {
        let _ = (policy.stores(), policy.notes(), policy.for_repository("registry.example/a"));
    }
    for store_type in StoreType::ALL {
        let _ = notary::store::certificates(bytes, store_type, &Budget::default());
    }
}

/// What kind of evidence a file carries.
pub fn kind(bytes: &[u8]) {
    let _ = recognise(&bytes, &Demand::default());
}

/// A whole bundle, as it comes in a stream.
pub fn bundle(bytes: &[u8]) {
    let stream: Box<dyn Read + Send> = Box::new(io::Cursor::new(bytes.to_vec()));
    let medium = Medium { name: "fuzz".to_owned(), carrier: Carrier::Stream(stream) };
    let Ok(archive) = Archive::open(medium) else { return };
    let _ = archive.signatures();
    let Ok(claim) = UnsignedManifest::read(archive.manifest()) else { return };
    let proof = Proof { sink: &Nowhere, watch: &Vendors { now: now() }, progress: &|_| {} };
    let _ = contents::prove(archive, claim, proof).and_then(|proven| approve(proven, now()).map(|_| ()));
}

/// The signed documents by themselves: manifest, signatures, trust root.
pub fn documents(bytes: &[u8]) {
    let _ = UnsignedManifest::read(bytes);
    let _ = Signatures::from_slot(bytes);
    let _ = Candidate::read(bytes, "root.json");
}
