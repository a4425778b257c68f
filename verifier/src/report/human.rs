// SPDX-License-Identifier: Apache-2.0
//! Text for people on standard output. What came from outside is escaped before it is printed.

use std::fmt::{self, Write};

use manifests::bundle::{Identity, Manifest};
use manifests::digest::Sha256Digest;
use manifests::dsse::Signatures;
use manifests::evidence::{Evidence, TimeSource};
use manifests::name::{Name, printable};

use super::json;
use super::meant::{meant, trust_and_checks};
use crate::install::{Change, Outcome as PathOutcome, Recovered};
use crate::signature::approve::{Approval, Basis};
use crate::trust::ledger::Ledger;
use crate::trust::root::TrustRoot;
use crate::trust::{Claim, TrustedManifest};

/// A size as people read it: `4.00 GiB`, and plain bytes below 1 KiB.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} bytes");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1023.995 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.2} {}", UNITS[unit])
}

/// Paths that are listed for people; more would only scroll away.
const MAX_LINES: usize = 40;

fn title(bundle: &Identity) -> String {
    format!("{} {}, sequence {}", bundle.name, bundle.version, bundle.sequence)
}

fn payload(manifest: &Manifest) -> String {
    let bytes = manifest.files().map(|(file, _)| file.size).sum();
    format!("{} files, {}", manifest.files().len(), size(bytes))
}

/// What `verify` prints of a trusted bundle.
pub fn trusted(claim: &TrustedManifest, approvals: &[Approval]) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_trusted(&mut text, claim, approvals);
    text
}

fn write_trusted(to: &mut String, claim: &TrustedManifest, approvals: &[Approval]) -> fmt::Result {
    let manifest = claim.manifest();
    writeln!(to, "trusted: {}", title(manifest.bundle()))?;
    writeln!(to, "  identity   {}", claim.id())?;
    writeln!(to, "  root       version {}, enclave {}", claim.root_version(), claim.enclave())?;
    for signer in claim.signers() {
        let keys: Vec<String> = signer.keyids.iter().map(short).collect();
        writeln!(to, "  signed by  {} (role {}, key {})", signer.owner, signer.role, keys.join(", "))?;
    }
    for keyid in claim.unknown_signatures() {
        writeln!(to, "  ignored    a signature by the unknown key {}", short(keyid))?;
    }
    writeln!(to, "  proven     {}, every byte", payload(manifest))?;
    write_approvals(to, approvals)?;
    for line in trust_and_checks(manifest.predicate()) {
        writeln!(to, "  {line}")?;
    }
    for thing in json::not_checked(manifest.predicate(), approvals) {
        writeln!(to, "  not checked: {}", printable(&thing))?;
    }
    for note in json::notes(claim) {
        writeln!(to, "  note: {note}")?;
    }
    Ok(())
}

fn write_approvals(to: &mut String, approvals: &[Approval]) -> fmt::Result {
    for approval in approvals {
        let name =
            format!("{}{}", approval.name, meant(approval.platform.as_ref(), approval.partition.as_ref()));
        match &approval.basis {
            Basis::Unsigned(reason) => {
                writeln!(to, "  unsigned   {name}: {}", printable(reason))?;
            }
            Basis::Vendor(evidence) => {
                for (signer, evidence) in evidence {
                    let at = evidence.signed_at.map(|at| format!(", {at}")).unwrap_or_default();
                    let id = evidence.signer.as_ref().map_or("", |signer| signer.id.as_str());
                    writeln!(to, "  good       {name}: {} by {signer} ({id}{at})", evidence.kind)?;
                    for note in &evidence.notes {
                        writeln!(to, "             note: {}", printable(note))?;
                    }
                }
            }
        }
    }
    Ok(())
}

/// The first digits of a key id, enough to tell keys apart by eye.
fn short(keyid: &Sha256Digest) -> String {
    keyid.hex().chars().take(16).collect()
}

/// What `install` did, or would do, to each path.
pub fn changes(outcome: &str, changes: &[Change]) -> String {
    let count = |wanted: PathOutcome| changes.iter().filter(|change| change.outcome == wanted).count();
    let (created, replaced) = (count(PathOutcome::Created), count(PathOutcome::Replaced));
    let unchanged = count(PathOutcome::Unchanged);
    let mut text = format!("{outcome}: {created} created, {replaced} replaced, {unchanged} unchanged\n");
    let shown = changes.iter().filter(|change| change.outcome != PathOutcome::Unchanged).take(MAX_LINES);
    for change in shown {
        let word = if change.outcome == PathOutcome::Created { "create" } else { "replace" };
        text += &format!("  {word:8} {} ({})\n", printable(&change.path), change.item);
    }
    let left = (created + replaced).saturating_sub(MAX_LINES);
    if left > 0 {
        text += &format!("  and {left} more; --format json lists them all\n");
    }
    text
}

/// What is told of partitions that nobody has chosen.
pub fn left_out(partitions: &[&Name]) -> String {
    let names: Vec<&str> = partitions.iter().map(|partition| partition.as_str()).collect();
    format!("left out: what is tied to {}; choose with --partition\n", names.join(", "))
}

/// What had been left of an interrupted install.
pub fn recovered(recovered: &Recovered) -> String {
    let (what, bundle) = match recovered {
        Recovered::Nothing => return "nothing was interrupted\n".to_owned(),
        Recovered::Removed { bundle } => {
            ("had not begun to change anything, and its files were removed", bundle)
        }
        Recovered::RolledBack { bundle } => ("was taken back: everything is as it was before", bundle),
        Recovered::Finished { bundle } => ("was complete, and what was left to do is done", bundle),
    };
    format!("the interrupted install of {} {what}\n", title(bundle))
}

/// What `show` prints: every line says that nothing of it is verified.
pub fn shown(claim: &impl Claim, signatures: &Signatures) -> String {
    claimed(claim, signatures).iter().map(|line| format!("not verified  {line}\n")).collect()
}

/// What a bundle says of itself, a line each, without line feeds; whoever prints it says that nothing of it is verified.
pub fn claimed(claim: &impl Claim, signatures: &Signatures) -> Vec<String> {
    let manifest = claim.manifest();
    let (bundle, predicate) = (manifest.bundle(), manifest.predicate());
    let mut lines = vec![
        format!("bundle     {}", title(bundle)),
        format!("identity   {}", claim.id()),
        format!("created    {}", bundle.created),
    ];
    lines.extend(bundle.expires.map(|expires| format!("expires    {expires}")));
    lines.extend(bundle.audience.iter().flatten().map(|enclave| format!("for        enclave {enclave}")));
    lines.extend(signatures.iter().map(|signature| format!("signature  by key {}", short(&signature.keyid))));
    lines.push(format!("holds      {}", payload(manifest)));
    lines.extend(predicate.artifacts.iter().map(|artifact| {
        let demand = match &artifact.demand {
            manifests::bundle::Demand::Unsigned(reason) => format!("unsigned: {}", printable(reason)),
            manifests::bundle::Demand::Vendor(demands) => {
                let signers: Vec<&str> = demands.iter().map(|demand| demand.signer().as_str()).collect();
                format!("must be signed by {}", signers.join(" and "))
            }
        };
        let whom = meant(artifact.platform.as_ref(), artifact.partition.as_ref());
        let version = artifact.version.iter().map(|version| format!(" {version}")).collect::<String>();
        format!("artifact   {}{version}{whom} ({demand})", artifact.name)
    }));
    lines.extend(
        predicate
            .trees
            .iter()
            .map(|tree| format!("tree       {} (unsigned: {})", tree.name, printable(&tree.unsigned))),
    );
    lines.extend(trust_and_checks(predicate));
    lines
}

/// What `check` prints for one file.
pub fn checked(file: &str, evidence: &Evidence) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_checked(&mut text, file, evidence);
    text
}

fn write_checked(to: &mut String, file: &str, evidence: &Evidence) -> fmt::Result {
    let reason = evidence.reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
    writeln!(to, "{}: {}{reason}", printable(file), evidence.verdict)?;
    if let Some(signer) = &evidence.signer {
        let name = signer.name.as_ref().map(|name| format!(" \"{}\"", printable(name))).unwrap_or_default();
        writeln!(to, "  signed by  {}{name}", printable(&signer.id))?;
    }
    if let Some(at) = evidence.signed_at {
        let source = match evidence.time_source {
            Some(TimeSource::Timestamp) => "proven by a timestamp",
            _ => "as the signer states",
        };
        writeln!(to, "  signed at  {at}, {source}")?;
    }
    for covered in &evidence.covers {
        writeln!(to, "  covers     {}, {}", printable(&covered.what), covered.digest)?;
    }
    for thing in &evidence.not_covered {
        writeln!(to, "  not covered: {}", printable(thing))?;
    }
    for thing in &evidence.not_checked {
        writeln!(to, "  not checked: {}", printable(thing))?;
    }
    for note in &evidence.notes {
        writeln!(to, "  note: {}", printable(note))?;
    }
    Ok(())
}

/// What `trust show` prints.
pub fn trust(root: &TrustRoot, ledger: &Ledger) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_trust(&mut text, root, ledger);
    text
}

fn write_trust(to: &mut String, root: &TrustRoot, ledger: &Ledger) -> fmt::Result {
    let document = root.root().document();
    writeln!(to, "trust root version {}, enclave {}", document.version, document.enclave)?;
    writeln!(to, "  fingerprint  {}", root.fingerprint())?;
    if let Some(host) = ledger.host() {
        writeln!(to, "  host         {host}")?;
    }
    writeln!(to, "  expires      {}", document.expires)?;
    if document.require_audience {
        writeln!(to, "  every bundle must name its enclaves")?;
    }
    for (name, role) in &document.roles {
        let owners: Vec<&str> = role.owners.iter().map(|owner| owner.as_str()).collect();
        writeln!(to, "  role {name}: {} of {}", role.threshold, owners.join(", "))?;
    }
    for rule in &document.rules {
        let names: Vec<String> = rule.names.iter().map(ToString::to_string).collect();
        let roles: Vec<&str> = rule.require.iter().map(|role| role.as_str()).collect();
        writeln!(to, "  bundles {} need {}", names.join(", "), roles.join(" and "))?;
    }
    for (name, floor) in &document.floors {
        writeln!(to, "  floor of {name}: sequence {floor}")?;
    }
    for denied in &document.denied {
        writeln!(to, "  denied: {denied}")?;
    }
    for (name, accepted) in ledger.bundles() {
        writeln!(to, "  accepted {name}: sequence {}, {}", accepted.sequence, accepted.manifest)?;
    }
    if let Some(seen) = ledger.latest_seen() {
        writeln!(to, "  latest time seen: {seen}")?;
    }
    for replacement in ledger.replacements() {
        writeln!(to, "  replaced {} by {} at {}", replacement.from, replacement.to, replacement.at)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_read_as_people_write_them() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1024, "1.00 KiB"),
            (4 << 30, "4.00 GiB"),
            ((1 << 20) - 1, "1.00 MiB"),
            (48_211_968, "45.98 MiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
