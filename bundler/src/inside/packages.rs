// SPDX-License-Identifier: Apache-2.0
//! Packages of Linux distributions: the package header of an RPM, the control member of a .deb. Both are read by
//! the verifier's own strict readers.

use manifests::time::Timestamp;
use verifier::bytes::Bytes;
use verifier::signature::Stop;
use verifier::signature::deb;
use verifier::signature::deb::control::{Control, MAX_SCRIPT_BYTES};
use verifier::signature::rpm::header::Header;
use verifier::signature::rpm::package::{
    ARCHITECTURE, EPOCH, NAME, Package, RELEASE, SOURCE_PACKAGE, VERSION,
};

use super::{Facts, Inside, Script, claim, claim_of};

/// `RPMTAG_BUILDTIME`, in seconds of Unix time.
const BUILD_TIME: u32 = 1006;
/// Scripts, each with the tags of its text and of what runs it (`rpmtag.h`; names as in a spec file).
const SCRIPTS: [(&str, u32, u32); 9] = [
    ("%pretrans", 1151, 1153),
    ("%pre", 1023, 1085),
    ("%post", 1024, 1086),
    ("%posttrans", 1152, 1154),
    ("%preuntrans", 5103, 5105),
    ("%preun", 1025, 1087),
    ("%postun", 1026, 1088),
    ("%postuntrans", 5104, 5106),
    ("%verifyscript", 1079, 1091),
];
/// Lists of scripts that other packages set off, in the same manner.
const TRIGGERS: [(&str, u32, u32); 3] =
    [("%trigger", 1065, 1092), ("%filetrigger", 5066, 5067), ("%transfiletrigger", 5076, 5077)];

pub(super) fn rpm(file: &dyn Bytes) -> Result<Option<Inside>, Stop> {
    let package = Package::read(file)?;
    let tags = package.tags();
    let text = |tag| tags.text(tag).and_then(claim_of);
    let version = match (text(VERSION), text(RELEASE), tags.integer(EPOCH)) {
        (Some(version), Some(release), Some(epoch)) => claim(format!("{epoch}:{version}-{release}")),
        (Some(version), Some(release), None) => claim(format!("{version}-{release}")),
        _ => None,
    };
    let arch = if tags.has(SOURCE_PACKAGE) { Some("src".to_owned()) } else { text(ARCHITECTURE) };
    let made_at = tags.integer(BUILD_TIME).and_then(|seconds| Timestamp::from_seconds(seconds.into()));
    Ok(Inside::new(Facts { name: text(NAME), version, arch, made_at, ..Facts::default() }, scripts(tags)))
}

fn scripts(tags: &Header) -> Vec<Script> {
    let mut scripts = Vec::new();
    for (name, text, program) in SCRIPTS {
        // `%post -p /sbin/ldconfig` has a program and no text.
        if tags.has(text) || tags.has(program) {
            let words = tags.texts(program).into_iter().flatten().collect::<Vec<_>>().join(&b' ');
            let text = tags.text(text).unwrap_or_default();
            scripts.push(script(name.to_owned(), &words, text));
        }
    }
    for (name, texts, programs) in TRIGGERS {
        let programs: Vec<&[u8]> = tags.texts(programs).into_iter().flatten().collect();
        for (at, text) in tags.texts(texts).into_iter().flatten().enumerate() {
            let program = programs.get(at).copied().unwrap_or_default();
            scripts.push(script(format!("{name} {}", at.saturating_add(1)), program, text));
        }
    }
    scripts
}

fn script(name: String, program: &[u8], text: &[u8]) -> Script {
    let interpreter = Some(String::from_utf8_lossy(program).into_owned()).filter(|words| !words.is_empty());
    Script { name, interpreter, text: (text.length() <= MAX_SCRIPT_BYTES).then(|| text.to_vec()) }
}

pub(super) fn deb(file: &dyn Bytes) -> Result<Option<Inside>, Stop> {
    let Control { identity, written, scripts } = deb::Package::read(file)?.control(file)?;
    let facts = Facts {
        name: claim(identity.package),
        version: claim(identity.version),
        arch: claim(identity.architecture),
        made_at: written.and_then(Timestamp::from_seconds),
        ..Facts::default()
    };
    let scripts = scripts.into_iter().map(|(name, text)| Script { name, interpreter: None, text });
    Ok(Inside::new(facts, scripts.collect()))
}
