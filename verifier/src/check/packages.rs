// SPDX-License-Identifier: Apache-2.0
//! `verifier check` for the kinds of Linux distributions: paths and options in, evidence out.

use std::path::Path;

use manifests::evidence::Evidence;
use manifests::fingerprint::Fingerprint;

use super::Request;
use super::read::{FileError, open_anywhere, read_whole};
use crate::bytes::Bytes;
use crate::signature::apt::{self, Chain, release::MAX_RELEASE_BYTES};
use crate::signature::openpgp::{MAX_SIGNATURE_BYTES, Supplied};
use crate::signature::{deb as debian, rpm as redhat};

pub(super) fn rpm(file: &dyn Bytes, request: &Request<'_>) -> Result<Evidence, FileError> {
    Demanded::read(request)?.ask(request, request.file, |supplied| redhat::check(file, supplied))
}

pub(super) fn deb(file: &dyn Bytes, request: &Request<'_>) -> Result<Evidence, FileError> {
    Demanded::read(request)?.ask(request, request.file, |supplied| debian::check(file, supplied))
}

pub(super) fn apt_release(file: &dyn Bytes, request: &Request<'_>) -> Result<Evidence, FileError> {
    let text = whole(file, MAX_RELEASE_BYTES).map_err(|error| FileError::reading(request.file, error))?;
    let signature = signature(request)?;
    Demanded::read(request)?
        .ask(request, request.file, |supplied| apt::release(&text, signature.as_deref(), supplied))
}

pub(super) fn apt_deb(file: &dyn Bytes, request: &Request<'_>) -> Result<Evidence, FileError> {
    let (Some(release), Some(packages)) = (&request.demand.release, &request.demand.packages) else {
        return Err(FileError::Demand("apt-deb needs --release and --packages".to_owned()));
    };
    let index = open_anywhere(packages)?;
    let (release, signature) = (read_whole(release, MAX_RELEASE_BYTES)?, signature(request)?);
    let chain = Chain { release: &release, signature: signature.as_deref(), packages: &index };
    Demanded::read(request)?.ask(request, request.file, |supplied| apt::package(file, &chain, supplied))
}

/// Keys and pins of a request, read.
struct Demanded {
    keys: Vec<Vec<u8>>,
    pins: Vec<Fingerprint>,
}

impl Demanded {
    fn read(request: &Request<'_>) -> Result<Self, FileError> {
        Ok(Self { keys: request.keys()?, pins: request.key_pins()? })
    }

    fn ask(
        &self,
        request: &Request<'_>,
        path: &Path,
        checker: impl FnOnce(&Supplied<'_>) -> std::io::Result<Evidence>,
    ) -> Result<Evidence, FileError> {
        let keys: Vec<&[u8]> = self.keys.iter().map(Vec::as_slice).collect();
        let supplied = Supplied { keys: &keys, pins: &self.pins, now: request.now, sha1: request.sha1() };
        checker(&supplied).map_err(|error| FileError::reading(path, error))
    }
}

fn signature(request: &Request<'_>) -> Result<Option<Vec<u8>>, FileError> {
    request.demand.signature.as_deref().map(|path| read_whole(path, MAX_SIGNATURE_BYTES)).transpose()
}

/// All of it, or one byte more than `limit`, so that the checker sees the excess.
fn whole(file: &dyn Bytes, limit: usize) -> std::io::Result<Vec<u8>> {
    let length = usize::try_from(file.length()).unwrap_or(usize::MAX).min(limit.saturating_add(1));
    let mut bytes = vec![0; length];
    file.read_at(0, &mut bytes)?;
    Ok(bytes)
}
