// SPDX-License-Identifier: Apache-2.0
//! Signed code: a thin or fat Mach-O file and a demand in, evidence out.
//!
//! Proven for a good file: in every slice, each page of the code and each blob that belongs to it has the hash
//! that all CodeDirectories state, the CMS signature binds these CodeDirectories, and a Developer ID
//! Application certificate (or Apple's own) of the demanded team signed it. The weakest slice decides, since a
//! host runs whichever it likes.

use std::io;

use manifests::digest::Sha256Digest;
use manifests::evidence::{Covered, Evidence, TimeSource, Verdict};

use super::certificates::{self, Role};
use super::directory::CodeDirectory;
use super::fields::malformed;
use super::judge::{Detached, Padding, detached};
use super::macho::{self, Image, Range, Slice};
use super::superblob::{self, EmbeddedSignature, MAX_SIGNATURE_BYTES};
use super::{cdhashes, pages};
use crate::bytes::{Bytes, Part};
use crate::signature::cms::SignerInfo;
use crate::signature::digest::Algorithm;
use crate::signature::x509::Certificate;
use crate::signature::x509::demand::CertificateDemand;
use crate::signature::{Reason, Stop, conclude, evidence};

/// The kind as documents name it.
pub const KIND: &str = "apple-code";

const SLOT_INFO_PLIST: u32 = 1;
const SLOT_REQUIREMENTS: u32 = 2;

/// Bytes of padding that may stand between the code and its signature, which begins at a multiple of 16.
const ALIGNMENT: u64 = 16;

/// Judges every slice of a Mach-O file; the answer is that of the weakest.
pub fn check(file: &dyn Bytes, demand: &CertificateDemand<'_>) -> io::Result<Evidence> {
    let slices = match macho::slices(file) {
        Ok(slices) => slices,
        Err(stop) => return stop.into_evidence(KIND),
    };
    let mut judged = Vec::new();
    for slice in &slices {
        let one = check_slice(file, slice, demand).or_else(|stop| stop.into_evidence(KIND))?;
        judged.push((slice.processor.name(), one));
    }
    Ok(weakest(judged))
}

/// All slices must be good: the first of the weakest speaks for the file, with what is known of the others.
fn weakest(judged: Vec<(String, Evidence)>) -> Evidence {
    let rank = |verdict| match verdict {
        Verdict::Bad => 0,
        Verdict::Malformed => 1,
        Verdict::Unsigned => 2,
        Verdict::WrongSigner => 3,
        Verdict::OutsidePolicy => 4,
        Verdict::Good => 5,
    };
    let fat = judged.len() > 1;
    let mut judged: Vec<Evidence> = judged
        .into_iter()
        .map(|(slice, mut one)| {
            if fat {
                for text in one.not_covered.iter_mut().chain(&mut one.notes) {
                    *text = format!("{slice}: {text}");
                }
                let answer = one.reason.unwrap_or("good");
                one.notes.insert(0, format!("{slice}: {answer}"));
            }
            one
        })
        .collect();
    judged.sort_by_key(|one| rank(one.verdict));
    let mut judged = judged.into_iter();
    let Some(mut first) = judged.next() else { return evidence(KIND, Err(Reason::NoSignature)) };
    for other in judged {
        // Who signed another slice is told there, unless it is the same.
        if other.signer != first.signer
            && let Some(signer) = other.signer
        {
            first.notes.push(format!(
                "another slice is signed by {} ({})",
                signer.name.unwrap_or_default(),
                signer.id
            ));
        }
        first.covers.extend(other.covers);
        first.not_covered.extend(other.not_covered);
        first.notes.extend(other.notes);
        // Of times, what holds for every slice: the latest, proven only where all are.
        let both = first.signed_at.is_some() && other.signed_at.is_some();
        first.signed_at = first.signed_at.max(other.signed_at).filter(|_| both);
        let source = if other.time_source == Some(TimeSource::Signature) {
            other.time_source
        } else {
            first.time_source
        };
        first.time_source = source.filter(|_| both);
    }
    if first.verdict != Verdict::Good {
        first.covers.clear();
    }
    first.not_checked.dedup();
    first
}

fn check_slice(file: &dyn Bytes, slice: &Slice, demand: &CertificateDemand<'_>) -> Result<Evidence, Stop> {
    let code = Part::new(file, slice.start, slice.length).ok_or_else(|| malformed("a slice"))?;
    let image = macho::image(&code)?;
    let Some(range) = image.signature else {
        return Err(Stop::found(Reason::NoSignature, "there is no LC_CODE_SIGNATURE"));
    };
    if range.length > MAX_SIGNATURE_BYTES {
        return Err(Stop::found(Reason::LimitExceeded, format!("a signature of {} bytes", range.length)));
    }
    if range.end() != code.length() {
        let behind = code.length().saturating_sub(range.end());
        return Err(malformed(format!("{behind} bytes follow the signature")));
    }
    let bytes = macho::read(&code, range.start, range.length, "the signature")?;
    let signature = superblob::parse(&bytes)?;
    let subject = Subject { code: &code, image: &image, range, signature: &signature };
    match signature.cms {
        Some(cms) => subject.judge(cms, &slice.processor.name(), demand),
        None => Err(Stop::found(Reason::NoSignature, subject.without_signer()?)),
    }
}

/// An image with its signature.
struct Subject<'a> {
    code: &'a dyn Bytes,
    image: &'a Image,
    range: Range,
    signature: &'a EmbeddedSignature<'a>,
}

impl Subject<'_> {
    fn primary(&self) -> Result<&CodeDirectory<'_>, Stop> {
        self.signature.directories.first().ok_or_else(|| malformed("there is no CodeDirectory"))
    }

    /// What to say where nobody signed: an ad-hoc signature is a list of hashes that anybody can write.
    fn without_signer(&self) -> Result<String, Stop> {
        let primary = self.primary()?;
        let words = primary.flag_words().join(", ");
        let how = if primary.is_ad_hoc() { "signed ad hoc" } else { "without a CMS signature" };
        let fits = match self.contents() {
            Ok(_) => "its hashes fit".to_owned(),
            Err(Stop::Found(_, note)) => format!("its hashes do not even fit: {note}"),
            Err(read) => return Err(read),
        };
        let words = if words.is_empty() { String::new() } else { format!(" (flags: {words})") };
        Ok(format!("{how}{words}, which is no signature by anybody; {fits}"))
    }

    fn judge(&self, cms: &[u8], slice: &str, demand: &CertificateDemand<'_>) -> Result<Evidence, Stop> {
        let contents = std::cell::OnceCell::new();
        let bound = |signer: &SignerInfo, leaf: &Certificate| {
            cdhashes::check(signer, &self.signature.directories)?;
            // Read once, however many have signed.
            match contents.get_or_init(|| self.contents()) {
                Ok(_) => Ok(self.fault(leaf)?),
                Err(Stop::Found(reason, note)) => Err(Stop::found(*reason, note.clone())),
                Err(Stop::Read(error)) => Err(Stop::Read(error.kind().into())),
            }
        };
        let primary = self.primary()?;
        let signature = Detached {
            cms,
            padding: Padding::Zeros,
            content: primary.blob,
            beside: &[],
            tolerated: demand.tolerated,
            weak: &|| self.weak(demand),
            role: Role::Application,
        };
        let judged = detached(KIND, &signature, demand, &bound)?;
        let mut judged = conclude(judged).ok_or_else(|| malformed("the CMS signature has no signer"))?;
        if let (Verdict::Good, Some(Ok(digest))) = (judged.verdict, contents.get()) {
            let what = format!("{slice} code, bytes 0 to {}", primary.code_limit);
            judged.covers.push(Covered { what, digest: *digest });
        }
        self.report(&mut judged);
        Ok(judged)
    }

    /// SHA-1 is enough beside something stronger, since everything must fit both.
    fn weak(&self, demand: &CertificateDemand<'_>) -> Option<Stop> {
        let mut directories = self.signature.directories.iter();
        let weak = !demand.tolerated.sha1() && directories.all(|one| one.hash.algorithm == Algorithm::Sha1);
        weak.then(|| Stop::found(Reason::WeakHash, "the only CodeDirectory hashes by SHA-1"))
    }

    /// Whether the code and the blobs are those that the CodeDirectories state. SHA-256 of the code.
    fn contents(&self) -> Result<Sha256Digest, Stop> {
        let code_limit = self.primary()?.code_limit;
        for directory in &self.signature.directories {
            self.special_slots(directory)?;
            if directory.code_limit != code_limit {
                return Err(malformed("two CodeDirectories are about different amounts of code"));
            }
        }
        let padding = self.range.start.checked_sub(code_limit);
        if padding.is_none_or(|padding| padding >= ALIGNMENT)
            || macho::first_nonzero(self.code, code_limit, self.range.start)?.is_some()
            || self.image.segments_end > code_limit
        {
            return Err(malformed(format!(
                "the CodeDirectory covers {code_limit} bytes, the signature begins at {}, segments end at {}",
                self.range.start, self.image.segments_end
            )));
        }
        let pages = pages::hash(self.code, code_limit, &self.signature.directories)?;
        match pages.wrong {
            None => Ok(pages.digest),
            Some(note) => Err(Stop::found(Reason::DigestMismatch, note)),
        }
    }

    fn special_slots(&self, directory: &CodeDirectory<'_>) -> Result<(), Stop> {
        let differs = |slot, what| {
            Stop::found(Reason::DigestMismatch, format!("slot {slot} ({}) {what}", slot_name(slot)))
        };
        for &(slot, blob) in &self.signature.special {
            if directory.special(slot) != Some(directory.hash.digest(blob).as_slice()) {
                return Err(differs(slot, "has another hash than was signed"));
            }
        }
        for slot in directory.special_slots().filter(|&slot| !is_outside(slot)) {
            let present = self.signature.special.iter().any(|&(found, _)| found == slot);
            if !present && directory.special(slot).is_some() {
                return Err(differs(slot, "was signed and is missing"));
            }
        }
        Ok(())
    }

    /// What the signer vouches for and is wrong in itself.
    fn fault(&self, leaf: &Certificate) -> Result<Option<Stop>, Stop> {
        let primary = self.primary()?;
        let others = self.signature.directories.get(1..).unwrap_or_default();
        if others.iter().enumerate().any(|(at, one)| {
            !primary.agrees_with(one) || others.iter().take(at).any(|other| other.hash == one.hash)
        }) {
            return Ok(Some(malformed("the CodeDirectories contradict each other")));
        }
        if primary.is_ad_hoc() {
            return Ok(Some(malformed("the code says that it is signed ad hoc, and is signed by somebody")));
        }
        let team = certificates::team(leaf);
        if primary.team.is_some() && primary.team != team.as_deref() {
            let note = format!(
                "the code names team {}, the signer's certificate {}",
                primary.team.unwrap_or_default(),
                team.as_deref().unwrap_or("none")
            );
            return Ok(Some(Stop::found(Reason::TeamMismatch, note)));
        }
        Ok(None)
    }

    /// What people should know beside the verdict.
    fn report(&self, judged: &mut Evidence) {
        let Ok(primary) = self.primary() else { return };
        let mut about = format!("identifier {}", primary.identifier);
        if let Some(team) = primary.team {
            about.push_str(&format!(", team {team}"));
        }
        let words = primary.flag_words();
        if !words.is_empty() {
            about.push_str(&format!(", flags {}", words.join(", ")));
        }
        judged.notes.push(about);
        for slot in primary.special_slots().filter(|&slot| is_outside(slot)) {
            if primary.special(slot).is_some() && !(slot == SLOT_INFO_PLIST && self.info_plist_inside()) {
                judged.not_covered.push(format!("{}, outside this file", slot_name(slot)));
            }
        }
        judged.not_covered.extend(self.signature.loose.iter().cloned());
        judged.not_checked.push("revocation".to_owned());
        judged.not_checked.push(match self.signature.ticket {
            Some(bytes) => format!("notarization: a stapled ticket of {bytes} bytes is present"),
            None => "notarization".to_owned(),
        });
        if self.signature.special.iter().any(|&(slot, _)| slot == SLOT_REQUIREMENTS) {
            judged.not_checked.push("requirements".to_owned());
        }
    }

    /// Whether slot 1 is about the property list that the code itself holds: its pages cover it then.
    fn info_plist_inside(&self) -> bool {
        /// A property list of this size is one that describes; larger ones stay uncovered in the report.
        const MAX: u64 = 1024 * 1024;
        let Some(range) = self.image.info_plist.filter(|range| range.length <= MAX) else { return false };
        let Ok(bytes) = macho::read(self.code, range.start, range.length, "Info.plist") else { return false };
        let fits = |one: &CodeDirectory<'_>| {
            one.special(SLOT_INFO_PLIST) == Some(one.hash.digest(&bytes).as_slice())
        };
        self.signature.directories.iter().all(fits)
    }
}

/// Slots of things that a bundle holds beside its executable, or that a disk image has.
const fn is_outside(slot: u32) -> bool {
    matches!(slot, SLOT_INFO_PLIST | 3 | 4 | 6)
}

/// The names of `cs_blobs.h` and Security.framework (`codedirectory.h`), as people know the things.
const fn slot_name(slot: u32) -> &'static str {
    match slot {
        SLOT_INFO_PLIST => "Info.plist",
        SLOT_REQUIREMENTS => "requirements",
        3 => "resources",
        4 => "application",
        5 => "entitlements",
        6 => "disk image header",
        7 => "entitlements in DER",
        8 => "launch constraint on itself",
        9 => "launch constraint on its parent",
        10 => "launch constraint on who is responsible",
        11 => "library constraint",
        _ => "unknown",
    }
}
