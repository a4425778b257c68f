// SPDX-License-Identifier: Apache-2.0
//! `verifier check` on zip, tar and gzip: is it well-formed and safe to unpack. Nothing is signed in them,
//! so the best answer is `unsigned`; except for a zip of which one member has a signature.

use std::io::Read;

use manifests::evidence::Evidence;

use super::Request;
use super::openpgp::{Supplied, locate};
use super::read::FileError;
use crate::bytes::{Bytes, Sequential};
use crate::signature::{Reason, Stop, evidence, zip_member};
use crate::unpack::zip::Archive;
use crate::unpack::{Bound, Entry, EntryKind, drain, gzip, tar};

pub(super) fn zip(file: &dyn Bytes, request: &Request<'_>) -> Result<Evidence, FileError> {
    let prove = || {
        let archive = Archive::open(file, Bound::Ratio)?;
        archive.prove(None, &mut |_| {})?;
        let ambiguous = archive.ambiguous_from_the_front().map(|entry| {
            format!(
                "where {} ends, for a reader that goes from the front: its size stands behind it",
                entry.path
            )
        });
        Ok((summary(archive.entries()), Vec::from_iter(ambiguous)))
    };
    answer("zip", request, prove())
}

/// A tar, or a gzip that holds one: what is asked is whether the tar may be unpacked.
pub(super) fn tar(file: &dyn Bytes, request: &Request<'_>) -> Result<Evidence, FileError> {
    let prove = || {
        let mut stream = Sequential::new(file);
        if !has_gzip_magic(file)? {
            return Ok((summary(tar::prove(&mut stream, Bound::Ratio)?.entries()), Vec::new()));
        }
        let mut stream = gzip::Reader::new(stream, Bound::Ratio);
        let proven = tar::prove(&mut stream, Bound::Ratio)?;
        Ok((format!("{}, packed with gzip", summary(proven.entries())), Vec::new()))
    };
    answer("tar", request, prove())
}

pub(super) fn gzip(file: &dyn Bytes, request: &Request<'_>) -> Result<Evidence, FileError> {
    let prove = || {
        let mut stream = gzip::Reader::new(Sequential::new(file), Bound::Ratio);
        let mut start = Vec::new();
        stream.by_ref().take(512).read_to_end(&mut start)?;
        let rest = drain(&mut stream)?;
        let bytes = rest.saturating_add(u64::try_from(start.len()).unwrap_or(u64::MAX));
        let members = stream.members();
        let holds = tar::has_magic(&start).then(|| "the tar inside: `--as tar` looks into it".to_owned());
        Ok((
            format!("unpacks to {bytes} bytes in {members} {}", plural(members, "member")),
            Vec::from_iter(holds),
        ))
    };
    answer("gzip", request, prove())
}

pub(super) fn zip_member(file: &dyn Bytes, request: &Request<'_>) -> Result<Evidence, FileError> {
    let Some(member) = &request.demand.member else {
        return Err(FileError::Demand(
            "zip-member needs --member: which file of the zip is signed".to_owned(),
        ));
    };
    let checked = match Supplied::read(request)? {
        None => zip_member::check(file, member, None, Bound::Ratio),
        Some(supplied) => {
            let keys = supplied.keys();
            let demand = supplied.demand(request, &keys);
            zip_member::check(file, member, Some(&demand), Bound::Ratio)
                .map(|evidence| supplied.annotate(evidence))
        }
    };
    checked.map_err(|source| FileError::reading(request.file, source))
}

/// What was found, and what was not looked at; or where it stopped.
fn answer(
    kind: &'static str,
    request: &Request<'_>,
    proven: Result<(String, Vec<String>), Stop>,
) -> Result<Evidence, FileError> {
    let (found, not_checked) = match proven {
        Ok(found) => found,
        Err(stop) => {
            return stop.into_evidence(kind).map_err(|source| FileError::reading(request.file, source));
        }
    };
    let mut notes = vec![format!("well-formed and safe to unpack: {found}")];
    if locate(request)?.path.is_some() {
        notes.push(
            "a detached signature lies beside it: name the vendor's --key and --pin to check it".to_owned(),
        );
    }
    let not_covered = vec!["whole file".to_owned()];
    Ok(Evidence { not_covered, not_checked, notes, ..evidence(kind, Err(Reason::NoSignature)) })
}

fn summary(entries: &[Entry]) -> String {
    let of = |wanted: fn(&EntryKind) -> bool| entries.iter().filter(|entry| wanted(&entry.kind)).count();
    let files = of(|kind| *kind == EntryKind::File);
    let folders = of(|kind| *kind == EntryKind::Directory);
    let links = of(|kind| matches!(kind, EntryKind::Symlink(_) | EntryKind::Hardlink(_)));
    let bytes = entries.iter().fold(0_u64, |sum, entry| sum.saturating_add(entry.size));
    let count = |count: usize, what| format!("{count} {}", plural(u64::try_from(count).unwrap_or(2), what));
    format!("{}, {}, {}, {bytes} bytes", count(files, "file"), count(folders, "folder"), count(links, "link"))
}

fn plural(count: u64, what: &str) -> String {
    if count == 1 { what.to_owned() } else { format!("{what}s") }
}

fn has_gzip_magic(file: &dyn Bytes) -> Result<bool, Stop> {
    let mut magic = [0; 2];
    Ok(file.length() >= 2 && file.read_at(0, &mut magic).map(|()| magic == gzip::MAGIC)?)
}
