// SPDX-License-Identifier: Apache-2.0
//! The strict readers of zip, tar and gzip: rules that no outside file shows, byte for byte; and beside
//! independent readers, on what these write.
// A fixture that cannot be made should stop where it stands.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod gzip;
mod member;
mod mutations;
mod oracle;
mod tar;
mod tar_writer;
mod zip;
mod zip_writer;

use std::io::Read;

use verifier::unpack::zip::Archive;
use verifier::unpack::{Bound, Entry, EntryKind, Error, Rule};

/// The rule that was broken. An error of the machine has no place in a test.
fn rule(error: Error) -> Rule {
    match error {
        Error::Fault(fault) => fault.rule,
        Error::Read(error) => panic!("{error}"),
    }
}

/// All entries of a zip with their content.
fn read_zip(bytes: &[u8]) -> Result<Vec<(Entry, Vec<u8>)>, Error> {
    let bytes = bytes.to_vec();
    let archive = Archive::open(&bytes, Bound::Ratio)?;
    archive.prove(None, &mut |_| {})?;
    let mut all = Vec::new();
    for (number, entry) in archive.entries().iter().enumerate() {
        let mut content = Vec::new();
        if entry.kind == EntryKind::File {
            archive.member(number).unwrap().read_to_end(&mut content)?;
        }
        all.push((entry.clone(), content));
    }
    Ok(all)
}

/// All entries of a tar with their content.
fn read_tar(bytes: &[u8]) -> Result<Vec<(Entry, Vec<u8>)>, Error> {
    let proven = verifier::unpack::tar::prove(&mut &*bytes, Bound::Ratio)?;
    let mut all = Vec::new();
    proven.unpack(&mut &*bytes, &mut |entry, from| {
        let mut content = Vec::new();
        from.read_to_end(&mut content)?;
        all.push((entry.clone(), content));
        Ok(())
    })?;
    Ok(all)
}

/// The plain bytes of a gzip.
fn read_gzip(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut plain = Vec::new();
    verifier::unpack::gzip::Reader::new(bytes, Bound::Ratio).read_to_end(&mut plain)?;
    Ok(plain)
}
