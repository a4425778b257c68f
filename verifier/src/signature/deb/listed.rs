// SPDX-License-Identifier: Apache-2.0
//! What dpkg-sig signs: a list of the members with their sizes, MD5 and SHA-1.
//!
//! In: the signed text, the verdict on its signature, the digests of the members. Out: the verdict on the package.
//! Never better than SHA-1 is: outside policy, unless the demand names it.

use manifests::evidence::{Evidence, Verdict};

use super::super::apt::stanza::Stanzas;
use super::super::digest::Algorithm;
use super::super::openpgp::Sha1;
use super::super::{Reason, Stop};
use super::ar::malformed;
use super::{Package, Seen};

/// The verdict on the members, where `answer` is that on the text itself.
pub(super) fn judge(
    mut answer: Evidence,
    text: &[u8],
    seen: &Seen,
    package: &Package,
    sha1: Sha1,
) -> Result<Evidence, Stop> {
    answer.covers.clear();
    answer.notes.push("made by dpkg-sig, which signs the SHA-1 of each member".to_owned());
    if matches!(answer.verdict, Verdict::Bad) || answer.reason == Some(Reason::KeyNotSupplied.as_str()) {
        return Ok(answer);
    }
    let listed = match read(text) {
        Ok(listed) => listed,
        Err(stop) if answer.verdict == Verdict::Good => return Err(stop),
        // Somebody else's text need not be a list.
        Err(_) => return Ok(answer),
    };
    let mut unmatched = listed.len() != package.contents.len();
    for (member, digest) in package.contents.iter().zip(&seen.each) {
        let found = listed.iter().find(|listed| listed.name == member.name);
        unmatched |= found.is_none_or(|listed| listed.size != member.length || listed.sha1 != *digest);
    }
    let reason = match (unmatched, sha1) {
        (true, _) => Reason::DigestMismatch,
        (false, Sha1::Refused) if answer.verdict == Verdict::Good => Reason::WeakHash,
        (false, _) => {
            if answer.verdict == Verdict::Good {
                answer.covers.push(seen.covered(package));
            }
            return Ok(answer);
        }
    };
    answer.verdict = reason.verdict();
    answer.reason = Some(reason.as_str());
    Ok(answer)
}

struct Listed {
    sha1: Vec<u8>,
    size: u64,
    name: String,
}

/// The field `Files`: a line for each member with MD5, SHA-1, size and name.
fn read(text: &[u8]) -> Result<Vec<Listed>, Stop> {
    let mut stanzas = Stanzas::new(text, "dpkg-sig");
    let stanza = stanzas.next_stanza()?;
    let Some(files) = stanza.as_ref().and_then(|stanza| stanza.get("files")) else {
        return malformed("dpkg-sig: no list of files");
    };
    if stanzas.next_stanza()?.is_some() {
        return malformed("dpkg-sig: more than one paragraph");
    }
    let mut listed: Vec<Listed> = Vec::new();
    for line in files.lines().filter(|line| !line.trim().is_empty()) {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let entry = match words.as_slice() {
            [_, sha1, size, name] => bytes(sha1).zip(size.parse().ok()).map(|(sha1, size)| Listed {
                sha1,
                size,
                name: (*name).to_owned(),
            }),
            _ => None,
        };
        match entry.filter(|entry| listed.iter().all(|other| other.name != entry.name)) {
            Some(entry) => listed.push(entry),
            None => return malformed("dpkg-sig: a line of the list is not one, or lists a member twice"),
        }
    }
    Ok(listed)
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |[high, low]: &[u8; 2]| Some(digit(*high)?.checked_mul(16)?.saturating_add(digit(*low)?));
    let bytes = pairs.iter().map(pair).collect::<Option<Vec<u8>>>()?;
    (rest.is_empty() && bytes.len() == Algorithm::Sha1.length()).then_some(bytes)
}
