// SPDX-License-Identifier: Apache-2.0
//! Certificates and signatures that `gpg` does not make: version 6, subkeys that never agreed, retirement,
//! designated revokers, key ids shared by many. Made by sequoia's own signer at test time.
#![expect(clippy::unwrap_used, reason = "a test that cannot make its fixtures must stop")]

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use manifests::evidence::{Evidence, Verdict};
use manifests::fingerprint::Fingerprint;
use manifests::time::Timestamp;
use sequoia_openpgp::cert::{CertBuilder, CertRevocationBuilder};
use sequoia_openpgp::crypto::KeyPair;
use sequoia_openpgp::packet::signature::SignatureBuilder;
use sequoia_openpgp::serialize::MarshalInto;
use sequoia_openpgp::types::{HashAlgorithm, KeyFlags, ReasonForRevocation, RevocationKey, SignatureType};
use sequoia_openpgp::{Cert, Packet, Profile};
use verifier::check::read::FileError;
use verifier::check::{Request, check as check_file};
use verifier::cli::{Demand as Options, Kind};
use verifier::hash::Kernel;
use verifier::hash::sha256::Midstate;
use verifier::signature::Reason;
use verifier::signature::openpgp::{
    Demand, MAX_CANDIDATES, MAX_KEY_BYTES, MAX_SIGNATURE_BYTES, MAX_SIGNATURES, MAX_STREAMS, Sha1, prepare,
};

const DATA: &[u8] = b"data";
const YEAR: u64 = 31_536_000;

/// `years` after 2020.
fn time(years: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_577_836_800 + years * YEAR)
}

fn judge_at(years: u64, data: &[u8], signature: &[u8], certs: &[&Cert], pin: &Cert) -> Evidence {
    let now = time(years).duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let pins = [Fingerprint::parse(&pin.fingerprint().to_hex()).unwrap()];
    let keys: Vec<_> = certs.iter().map(|cert| cert.to_vec().unwrap()).collect();
    let keys: Vec<_> = keys.iter().map(Vec::as_slice).collect();
    let now = Timestamp::from_seconds(now).unwrap();
    let check = match prepare(&Demand { signature, keys: &keys, pins: &pins, now, sha1: Sha1::Refused }) {
        Ok(check) => check,
        Err(evidence) => return evidence,
    };
    let (mut hasher, mut midstate) = (check.hasher(), Midstate::EMPTY);
    midstate.update(Kernel::detect(), data);
    hasher.iter_mut().for_each(|hasher| hasher.update(data));
    check.judge(&midstate, hasher)
}

fn answer(signature: &[u8], certs: &[&Cert], pin: &Cert) -> &'static str {
    judge_at(5, DATA, signature, certs, pin).reason.unwrap_or("good")
}

fn sign_as(kind: SignatureType, hash: HashAlgorithm, signer: &mut KeyPair) -> Vec<u8> {
    let signature = SignatureBuilder::new(kind)
        .set_hash_algo(hash)
        .set_signature_creation_time(time(2))
        .unwrap()
        .sign_message(signer, DATA)
        .unwrap();
    Packet::from(signature).to_vec().unwrap()
}

fn sign(signer: &mut KeyPair) -> Vec<u8> {
    sign_as(SignatureType::Binary, HashAlgorithm::SHA512, signer)
}

fn builder(name: &str) -> CertBuilder<'_> {
    CertBuilder::new().set_creation_time(time(1)).add_userid(name).add_signing_subkey()
}

fn primary(cert: &Cert) -> KeyPair {
    cert.primary_key().key().clone().parts_into_secret().unwrap().into_keypair().unwrap()
}

fn subkey(cert: &Cert) -> KeyPair {
    let key = cert.keys().subkeys().next().unwrap().key().clone();
    key.role_into_unspecified().parts_into_secret().unwrap().into_keypair().unwrap()
}

#[test]
fn version_6_is_salted_and_any_hash_and_mode_work() {
    for profile in [Profile::RFC4880, Profile::RFC9580] {
        let (cert, _) = builder("a").set_profile(profile).unwrap().generate().unwrap();
        for kind in [SignatureType::Binary, SignatureType::Text] {
            for hash in
                [HashAlgorithm::SHA256, HashAlgorithm::SHA384, HashAlgorithm::SHA512, HashAlgorithm::SHA3_512]
            {
                let signature = sign_as(kind, hash, &mut subkey(&cert));
                let good = judge_at(5, DATA, &signature, &[&cert], &cert);
                assert_eq!(good.verdict, Verdict::Good, "{profile:?} {kind} {hash}: {good:?}");
                assert_eq!(good.signer.unwrap().chain.len(), 2);
                let bad = judge_at(5, b"Data", &signature, &[&cert], &cert);
                assert_eq!(bad.reason, Some("digest-mismatch"), "{profile:?} {kind} {hash}");
                assert_eq!((bad.signed_at, bad.covers.len()), (None, 0));
            }
        }
    }
}

#[test]
fn flags_dates_and_missing_issuers() {
    let (cert, _) =
        builder("a").set_primary_key_flags(KeyFlags::empty().set_certification()).generate().unwrap();
    assert_eq!(answer(&sign(&mut primary(&cert)), &[&cert], &cert), "key-not-for-signing");
    let early = SignatureBuilder::new(SignatureType::Binary)
        .set_signature_creation_time(time(0))
        .unwrap()
        .sign_message(&mut subkey(&cert), DATA)
        .unwrap();
    assert_eq!(answer(&Packet::from(early).to_vec().unwrap(), &[&cert], &cert), "signature-predates-key");
}

#[test]
fn a_subkey_belongs_to_whom_it_agreed_with() {
    let (victim, _) = builder("victim").generate().unwrap();
    let (thief, _) = CertBuilder::new().set_creation_time(time(1)).add_userid("thief").generate().unwrap();
    let signature = sign(&mut subkey(&victim));
    let stolen = victim.keys().subkeys().next().unwrap().key().clone();

    // The thief's certificate carries the victim's subkey: claimed by its primary, then not even that.
    let claim = SignatureBuilder::new(SignatureType::SubkeyBinding)
        .set_key_flags(KeyFlags::empty().set_signing())
        .unwrap()
        .set_signature_creation_time(time(1))
        .unwrap()
        .sign_subkey_binding(&mut primary(&thief), thief.primary_key().key(), &stolen)
        .unwrap();
    let packet = Packet::from(stolen);
    let (claimed, _) = thief.clone().insert_packets(vec![packet.clone(), claim.into()]).unwrap();
    let (unbound, _) = thief.clone().insert_packets(vec![packet]).unwrap();
    assert_eq!(answer(&signature, &[&claimed], &thief), "no-back-signature");
    assert_eq!(answer(&signature, &[&unbound], &thief), "key-not-bound");
    // Beside the victim's own certificate it changes nothing for either of them.
    assert_eq!(answer(&signature, &[&claimed, &victim], &victim), "good");
    assert_eq!(answer(&signature, &[&unbound, &victim], &thief), "not-pinned");
}

#[test]
fn retirement_spares_what_was_signed_before_and_other_revocations_spare_nothing() {
    let (cert, _) = builder("a").generate().unwrap();
    let signature = sign(&mut subkey(&cert));
    let revoked = |reason, years| {
        let revocation = CertRevocationBuilder::new()
            .set_signature_creation_time(time(years))
            .unwrap()
            .set_reason_for_revocation(reason, b"")
            .unwrap()
            .build(&mut primary(&cert), &cert, None)
            .unwrap();
        cert.clone().insert_packets(vec![Packet::from(revocation)]).unwrap().0
    };
    let retired = revoked(ReasonForRevocation::KeyRetired, 3);
    let evidence = judge_at(5, DATA, &signature, &[&retired], &cert);
    assert_eq!(evidence.verdict, Verdict::Good);
    assert_eq!(evidence.notes, ["the key was retired or superseded after it signed"]);
    assert_eq!(answer(&signature, &[&revoked(ReasonForRevocation::KeyRetired, 1)], &cert), "key-revoked");
    assert_eq!(answer(&signature, &[&revoked(ReasonForRevocation::KeyCompromised, 3)], &cert), "key-revoked");
}

#[test]
fn a_designated_revoker_counts_where_supplied() {
    let (revoker, _) = builder("revoker").generate().unwrap();
    let named = RevocationKey::new(revoker.primary_key().key().pk_algo(), revoker.fingerprint(), false);
    let (cert, _) = builder("a").set_revocation_keys(vec![named]).generate().unwrap();
    let signature = sign(&mut subkey(&cert));
    let revocation = SignatureBuilder::new(SignatureType::KeyRevocation)
        .set_signature_creation_time(time(3))
        .unwrap()
        .set_reason_for_revocation(ReasonForRevocation::KeyCompromised, b"")
        .unwrap()
        .sign_direct_key(&mut primary(&revoker), cert.primary_key().key())
        .unwrap();
    let (revoked, _) = cert.clone().insert_packets(vec![Packet::from(revocation.clone())]).unwrap();
    assert_eq!(answer(&signature, &[&revoked, &revoker], &cert), "key-revoked");
    let unchecked = judge_at(5, DATA, &signature, &[&revoked], &cert);
    assert_eq!(unchecked.verdict, Verdict::Good);
    assert_eq!(unchecked.notes.len(), 1, "said aloud: {:?}", unchecked.notes);
    // Somebody whom the certificate does not name revokes nothing.
    let (other, _) = builder("b").generate().unwrap();
    let (unnamed, _) = other.clone().insert_packets(vec![Packet::from(revocation)]).unwrap();
    assert_eq!(answer(&sign(&mut subkey(&other)), &[&unnamed, &revoker], &other), "good");
}

#[test]
fn limits_are_refusals_not_crashes() {
    let (cert, _) = builder("a").set_profile(Profile::RFC9580).unwrap().generate().unwrap();
    let signature = sign(&mut subkey(&cert));
    let limit = Reason::LimitExceeded.as_str();
    // Every version 6 signature has a salt of its own, and so a pass of its own.
    let salted: Vec<u8> = (0..=MAX_STREAMS).flat_map(|_| sign(&mut subkey(&cert))).collect();
    assert_eq!(answer(&salted, &[&cert], &cert), limit);
    assert_eq!(answer(&signature.repeat(MAX_SIGNATURES), &[&cert], &cert), "good");
    assert_eq!(answer(&signature.repeat(MAX_SIGNATURES + 1), &[&cert], &cert), limit);
    assert_eq!(answer(&vec![0x80; MAX_SIGNATURE_BYTES + 1], &[&cert], &cert), limit);

    let shared = Packet::from(cert.keys().subkeys().next().unwrap().key().clone());
    let sharing: Vec<Cert> = (0..=MAX_CANDIDATES)
        .map(|n| {
            CertBuilder::new()
                .set_profile(Profile::RFC9580)
                .unwrap()
                .add_userid(n.to_string())
                .generate()
                .unwrap()
                .0
        })
        .map(|cert| cert.insert_packets(vec![shared.clone()]).unwrap().0)
        .collect();
    assert_eq!(answer(&signature, &sharing.iter().collect::<Vec<_>>(), &cert), limit);

    let pins = [Fingerprint::parse(&cert.fingerprint().to_hex()).unwrap()];
    let large = vec![0x99; MAX_KEY_BYTES + 1];
    let now = Timestamp::from_seconds(0).unwrap();
    let demand = Demand { signature: &signature, keys: &[&large], pins: &pins, now, sha1: Sha1::Refused };
    assert_eq!(prepare(&demand).err().unwrap().reason, Some(limit));
}

#[test]
fn any_time_of_judgement_is_answered() {
    let (cert, _) = builder("a").generate().unwrap();
    let signature = sign(&mut subkey(&cert));
    assert_eq!(judge_at(1, DATA, &signature, &[&cert], &cert).reason, Some("signature-from-the-future"));
    // Beyond 2106, where OpenPGP's own clock ends, and beyond every cut-off of the policy.
    for years in [87, 1_000, 7_900] {
        let late = judge_at(years, DATA, &signature, &[&cert], &cert);
        assert!(matches!(late.verdict, Verdict::Good | Verdict::OutsidePolicy), "{late:?}");
    }
}

#[test]
fn a_caller_that_hashed_nothing_gets_no_verdict() {
    let (cert, _) = builder("a").generate().unwrap();
    let keys = [&cert.to_vec().unwrap()[..]];
    let pins = [Fingerprint::parse(&cert.fingerprint().to_hex()).unwrap()];
    let now = Timestamp::parse("2025-01-01T00:00:00Z").unwrap();
    let signature = sign(&mut subkey(&cert));
    let demand = Demand { signature: &signature, keys: &keys, pins: &pins, now, sha1: Sha1::Refused };
    let mut file = Midstate::EMPTY;
    file.update(Kernel::detect(), DATA);
    let not_hashed = Some(Reason::NotHashed.as_str());
    assert_eq!(prepare(&demand).ok().unwrap().judge(&file, None).reason, not_hashed);
    let check = prepare(&demand).ok().unwrap();
    let unfed = check.hasher();
    assert_eq!(check.judge(&file, unfed).reason, not_hashed);
}

#[test]
fn the_signature_beside_a_file_is_found_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (cert, _) = builder("a").generate().unwrap();
    let (other, _) = builder("b").generate().unwrap();
    std::fs::write(path("x"), DATA).unwrap();
    std::fs::create_dir(path("keys")).unwrap();
    std::fs::write(path("keys/a"), cert.to_vec().unwrap()).unwrap();
    let check = |file: &str, keys: &[PathBuf]| {
        let now = Timestamp::parse("2025-01-01T00:00:00Z").unwrap();
        let file = path(file);
        let demand =
            Options { keys: keys.to_vec(), pins: vec![cert.fingerprint().to_hex()], ..Options::default() };
        check_file(&Request { file: &file, kind: Some(Kind::Openpgp), demand: &demand, allow: &[], now })
    };
    let keys = [path("keys")];

    let none = check("x", &keys).unwrap();
    assert_eq!(none.reason, Some("no-signature"));
    std::fs::write(path("x.asc"), sign(&mut subkey(&other))).unwrap();
    assert_eq!(check("x", &keys).unwrap().reason, Some("key-not-supplied"));
    std::fs::write(path("x.sig"), sign(&mut subkey(&cert))).unwrap();
    let both = check("x", &keys).unwrap();
    assert_eq!(both.notes, ["x.sig was used, x.asc beside it was not"]);
    let digest = verifier::hash::sha256::digest(DATA);
    assert_eq!(both.covers.first().map(|covered| covered.digest), Some(digest));

    assert!(matches!(check("absent", &keys), Err(FileError::Read { .. })));
    assert!(matches!(check("x", &[path("absent")]), Err(FileError::Read { .. })));
    assert!(matches!(check("x", &["-".into(), "-".into()]), Err(FileError::StandardInputTwice)));
}

/// The library tries each stray signature on each component: what that comes to is counted before.
#[test]
fn keys_that_would_take_too_much_work_are_refused_at_once() {
    let (cert, _) = builder("a").generate().unwrap();
    let signature = sign(&mut subkey(&cert));
    let many = |count: usize| {
        let names: Vec<String> = (0..count).map(|number| format!("user {number}")).collect();
        let certs = names.iter().fold(CertBuilder::new().set_creation_time(time(1)), |builder, name| {
            builder.add_userid(name.as_str())
        });
        certs.generate().unwrap().0
    };
    // 100 user ids, and 300: each with its own signature.
    assert_eq!(answer(&signature, &[&cert, &many(100)], &cert), "good");
    let heavy = many(300);
    let evidence = judge_at(5, DATA, &signature, &[&cert, &heavy], &cert);
    assert_eq!(evidence.reason, Some("limit-exceeded"), "{evidence:?}");
    assert!(evidence.notes[0].contains("50000"), "{evidence:?}");
}
