// SPDX-License-Identifier: Apache-2.0
//! The flow, top to bottom, one short function per command: read this first.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use manifests::dsse::{Base64, Envelope, MAX_SLOT, STATEMENT_TYPE, Signatures};
use manifests::evidence::{Evidence, Verdict, Weak};
use manifests::root::MAX_ROOT_BYTES;
use manifests::time::Timestamp;

use crate::archive::reader::Archive;
use crate::check::read::FileError;
use crate::check::{Request, require_one_standard_input};
use crate::cli::{Check, Cli, Command, Format, Global, Install, Source, Trust};
use crate::contents::{self, Contents, Nowhere, Proof};
use crate::error::{Class, Code, Refusal};
use crate::install::{self, Change, Recovered, Selection, Target, plan, recover};
use crate::media::Medium;
use crate::outcome::Outcome;
use crate::progress::Progress;
use crate::report::talk::{self, detail, note};
use crate::report::{human, json};
use crate::signature::approve::{Approval, Approved, Vendors, approve};
use crate::stage::stage;
use crate::trust::ledger::{Ledger, Replacement};
use crate::trust::root::Candidate;
use crate::trust::state::{State, StateFolder};
use crate::trust::{self, Claim, TrustedManifest, UnsignedManifest};

/// Runs a command line, and prints its result or its refusal.
pub fn run(cli: &Cli) -> Outcome {
    let clock = clock();
    let (schema, done) = match &cli.command {
        Command::Trust(command) => ("sealift.trust/1", trust_command(&cli.global, command, clock)),
        Command::Show { bundle, dsse } => ("sealift.show/1", show(&cli.global, bundle, *dsse)),
        Command::Verify(source) => ("sealift.verify/1", verify(&cli.global, source, clock)),
        Command::Install(command) => ("sealift.install/1", self::install(&cli.global, command, clock)),
        Command::Check(check) => ("sealift.check/1", self::check(&cli.global, check, clock)),
    };
    match done {
        Ok(outcome) => outcome,
        Err(refusal) => {
            refuse(&cli.global, schema, &refusal);
            Outcome::Refused(refusal.class)
        }
    }
}

/// The system's clock, read once for each run.
fn clock() -> Timestamp {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    // A clock before 1970 or after 9999 is as good as none; the ledger's latest time then decides.
    Timestamp::from_seconds(seconds).unwrap_or(Timestamp::EPOCH)
}

fn state(global: &Global) -> StateFolder {
    let folder = global.state.clone().unwrap_or_else(|| {
        let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
        let user = || std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).or_else(home);
        match rustix::process::geteuid().is_root() {
            true => PathBuf::from("/var/lib/sealift"),
            false => user().unwrap_or_else(|| PathBuf::from("/var/lib")).join("sealift"),
        }
    });
    StateFolder::new(folder)
}

/// What this host believes and remembers, told to those who want to know more.
fn load(global: &Global, folder: &StateFolder) -> Result<State, Refusal> {
    let state = folder.load()?;
    detail(&global.output, || talk::state(folder, &state));
    Ok(state)
}

fn trust_command(global: &Global, command: &Trust, clock: Timestamp) -> Result<Outcome, Refusal> {
    let folder = state(global);
    match command {
        Trust::Init { root, fingerprint, host, replace } => {
            let root = read_root(root)?.establish(*fingerprint, clock)?;
            let _held = folder.lock_new()?;
            let ledger = match folder.try_load()? {
                Some(present) if !replace => return Err(trust_root_exists(&folder, &present)),
                Some(present) => {
                    let (from, to) = (present.root.fingerprint(), root.fingerprint());
                    present.ledger.after_replacement(Replacement { at: clock, from, to })
                }
                None => Ledger::empty(root.fingerprint()),
            };
            let ledger = host.clone().map_or(ledger.clone(), |host| ledger.named(host));
            let state = State { root, ledger };
            folder.write(&state)?;
            detail(&global.output, || talk::state(&folder, &state));
            print_trust(global, "initialised", &state)
        }
        Trust::Update { roots } => {
            // Read before the lock is taken: a medium may be slow, and whoever holds the lock is waited for.
            let next = roots.iter().map(|path| read_root(path)).collect::<Result<Vec<_>, _>>()?;
            let _held = folder.lock()?;
            let State { mut root, ledger } = load(global, &folder)?;
            let before = root.fingerprint();
            for next in next {
                // The root that is in force already is no step: whole chains may be named again.
                if next.fingerprint() != root.fingerprint() {
                    root = root.walk(next)?;
                }
            }
            root.require_unexpired(clock)?;
            if root.fingerprint() == before {
                return print_trust(global, "unchanged", &State { root, ledger });
            }
            let ledger = ledger.after_root_update(root.fingerprint());
            let state = State { root, ledger };
            folder.write(&state)?;
            print_trust(global, "updated", &state)
        }
        Trust::Show { host_key: true } => {
            load(global, &folder)?;
            print(&folder.host_key()?)
        }
        Trust::Show { host_key: false } => print_trust(global, "shown", &load(global, &folder)?),
    }
}

fn trust_root_exists(folder: &StateFolder, present: &State) -> Refusal {
    let version = present.root.root().document().version;
    Refusal::new(Code::TrustRootExists, folder.path().display().to_string(), "holds a trust root already")
        .found(format!("version {version}"))
}

fn read_root(path: &Path) -> Result<Candidate, Refusal> {
    Candidate::read(&read_argument(path, MAX_ROOT_BYTES)?, &path.display().to_string())
}

fn print_trust(global: &Global, outcome: &str, state: &State) -> Result<Outcome, Refusal> {
    match global.output.format {
        Format::Human => print(&human::trust(&state.root, &state.ledger)),
        Format::Json => print(&json::line(&json::Trust::new(outcome, &state.root, &state.ledger))),
    }
}

fn show(global: &Global, bundle: &Path, dsse: bool) -> Result<Outcome, Refusal> {
    let archive = open(global, bundle)?;
    let signatures = archive.signatures()?;
    if dsse {
        let payload = Base64(archive.manifest().to_vec());
        let envelope = Envelope { payload_type: STATEMENT_TYPE.to_owned(), payload, signatures };
        return print(&json::line(&envelope));
    }
    let claim = UnsignedManifest::read(archive.manifest())?;
    match global.output.format {
        Format::Human => print(&human::shown(&claim, &signatures)),
        Format::Json => print(&json::line(&json::Shown::new(&claim, &signatures))),
    }
}

fn verify(global: &Global, source: &Source, clock: Timestamp) -> Result<Outcome, Refusal> {
    let state = load(global, &state(global))?;
    let approved = prove(global, &source.bundle, source.signatures.as_deref(), &state, clock)?;
    match global.output.format {
        Format::Human => print(&human::trusted(approved.get().claim(), approved.approvals())),
        Format::Json => print(&json::line(&json::Trusted::new(&approved))),
    }
}

/// carrier → Archive → TrustedManifest → Contents → Approved.
fn prove(
    global: &Global,
    bundle: &Path,
    signatures: Option<&Path>,
    state: &State,
    clock: Timestamp,
) -> Result<Approved<Contents<TrustedManifest>>, Refusal> {
    let start = Instant::now();
    let (archive, trusted) = open_trusted(global, bundle, signatures, state, clock)?;
    let (now, bytes) = (state.ledger.now(clock), payload_bytes(&trusted));
    let progress = Progress::start(global.output.progress_mode(), "proving", bytes);
    let proof = Proof { sink: &Nowhere, watch: &Vendors { now }, progress: &|bytes| progress.add(bytes) };
    let approved = approve(contents::prove(archive, trusted, proof)?, now)?;
    drop(progress);
    detail(&global.output, || talk::pace("proven", bytes, start.elapsed()));
    Ok(approved)
}

fn install(global: &Global, command: &Install, clock: Timestamp) -> Result<Outcome, Refusal> {
    let folder = state(global);
    folder.load()?;
    let target = Target::open(command.root.as_deref())?.keeping(&folder);
    let (only, except) = (command.only.clone(), command.except.clone());
    let selection = Selection { only, except, partitions: command.partitions.clone() };
    let Some(bundle) = &command.bundle else {
        return print_recovered(global, &recover(&target, &folder)?);
    };
    if command.plan {
        let state = load(global, &folder)?;
        let approved = prove(global, bundle, command.signatures.as_deref(), &state, clock)?;
        let claim = approved.get().claim();
        let changes = plan(claim.manifest(), &selection, &target)?.changes().collect();
        tell_left_out(global, &selection, claim);
        return print_installed(global, "planned", claim, approved.approvals(), changes);
    }
    let recovered = recover(&target, &folder)?;
    if recovered != Recovered::Nothing && !global.output.quiet {
        note(&human::recovered(&recovered));
    }
    // Read again behind the lock: what was interrupted may have moved the ledger.
    let state = load(global, &folder)?;
    let start = Instant::now();
    let (archive, trusted) = open_trusted(global, bundle, command.signatures.as_deref(), &state, clock)?;
    let (now, bytes) = (state.ledger.now(clock), payload_bytes(&trusted));
    let progress = Progress::start(global.output.progress_mode(), "proving and copying", bytes);
    let watch = Vendors { now };
    let staged = stage(archive, trusted, &selection, &target, &folder, &watch, &|bytes| progress.add(bytes))?;
    let approved = approve(staged, now)?;
    let approvals = approved.approvals().to_vec();
    let installed = install::install(approved, &target, &folder)?;
    drop(progress);
    detail(&global.output, || talk::pace("proven and installed", bytes, start.elapsed()));
    let unchanged = installed.changes.iter().all(|change| change.outcome == install::Outcome::Unchanged);
    let outcome = if unchanged { "unchanged" } else { "installed" };
    tell_left_out(global, &selection, &installed.claim);
    print_installed(global, outcome, &installed.claim, &approvals, installed.changes)
}

/// Whoever forgets a partition learns of it.
fn tell_left_out(global: &Global, selection: &Selection, claim: &TrustedManifest) {
    let left_out = selection.left_out(claim.manifest());
    if !global.output.quiet && !left_out.is_empty() {
        note(&human::left_out(&left_out));
    }
}

fn print_installed(
    global: &Global,
    outcome: &'static str,
    claim: &TrustedManifest,
    approvals: &[Approval],
    changes: Vec<Change>,
) -> Result<Outcome, Refusal> {
    let text = match global.output.format {
        Format::Human => human::trusted(claim, approvals) + &human::changes(outcome, &changes),
        Format::Json => json::line(&json::Installed::new(outcome, claim, approvals, changes)),
    };
    match print(&text) {
        // What is done is done, whoever could be told.
        Err(refusal) if outcome != "planned" => {
            note(&format!("{outcome}, but the result could not be printed: {refusal}\n"));
            Ok(Outcome::Done)
        }
        printed => printed,
    }
}

fn print_recovered(global: &Global, recovered: &Recovered) -> Result<Outcome, Refusal> {
    match global.output.format {
        Format::Human => print(&human::recovered(recovered)),
        Format::Json => print(&json::line(&json::Resumed::new(recovered))),
    }
}

/// Finds manifest and signatures; nothing is trusted yet.
fn open(global: &Global, bundle: &Path) -> Result<Archive, Refusal> {
    let medium = Medium::open(bundle)?;
    detail(&global.output, || talk::carrier(&medium));
    Archive::open(medium)
}

fn open_trusted(
    global: &Global,
    bundle: &Path,
    signatures: Option<&Path>,
    state: &State,
    clock: Timestamp,
) -> Result<(Archive, TrustedManifest), Refusal> {
    let archive = open(global, bundle)?;
    let mut all = archive.signatures()?;
    if let Some(path) = signatures {
        for signature in read_signatures(path)?.iter() {
            all = all.with(signature.clone());
        }
    }
    let trusted = trust::open(archive.manifest(), &all, &state.root, &state.ledger, clock)?;
    detail(&global.output, || talk::hashing(archive.carrier()));
    Ok((archive, trusted))
}

fn payload_bytes(claim: &impl Claim) -> u64 {
    claim.manifest().files().map(|(file, _)| file.size).sum()
}

fn read_signatures(path: &Path) -> Result<Signatures, Refusal> {
    let name = path.display().to_string();
    Signatures::from_slot(&read_argument(path, MAX_SLOT)?).map_err(|error| {
        Refusal::new(Code::SignaturesMalformed, name, "is not a file of signatures").found(error)
    })
}

fn check(global: &Global, check: &Check, clock: Timestamp) -> Result<Outcome, Refusal> {
    require_one_standard_input(&check.files, &check.demand).map_err(|error| unreadable(&error))?;
    let mut worst = Outcome::Judged(Verdict::Good);
    for file in &check.files {
        let request = Request {
            file,
            kind: check.kind,
            demand: &check.demand,
            allow: &check.allow,
            now: check.now.unwrap_or(clock),
        };
        let name = file.display().to_string();
        let evidence = match crate::check::check(&request) {
            Ok(evidence) => with_allowed(evidence, &check.allow),
            Err(error) => {
                let refusal = unreadable(&error);
                refuse(global, "sealift.check/1", &refusal);
                worst = worse(worst, Outcome::Refused(refusal.class));
                continue;
            }
        };
        match global.output.format {
            Format::Human => print(&human::checked(&name, &evidence))?,
            Format::Json => print(&json::line(&json::Checked::new(name, &evidence)))?,
        };
        worst = worse(worst, Outcome::Judged(evidence.verdict));
    }
    Ok(worst)
}

/// A verdict that a tolerated weakness may have helped to says so.
fn with_allowed(mut evidence: Evidence, allow: &[Weak]) -> Evidence {
    evidence.notes.extend(allow.iter().map(|weak| format!("allowed by the demand: {}", weak.as_str())));
    evidence
}

/// The one with the higher exit code.
fn worse(one: Outcome, other: Outcome) -> Outcome {
    let code = |outcome: Outcome| match outcome {
        Outcome::Done | Outcome::Judged(Verdict::Good) => 0,
        Outcome::Judged(_) => Class::Refused as u8,
        Outcome::Refused(class) => class as u8,
    };
    if code(other) > code(one) { other } else { one }
}

fn unreadable(error: &FileError) -> Refusal {
    match error {
        FileError::Read { path, source } => Refusal::argument(path.display().to_string(), source),
        FileError::StandardInputTwice => Refusal::new(Code::Usage, "-", error.to_string()),
        FileError::Demand(what) => Refusal::new(Code::Usage, "check", what),
    }
}

/// The whole of a file that the command line names.
fn read_argument(path: &Path, limit: usize) -> Result<Vec<u8>, Refusal> {
    let name = path.display().to_string();
    let unreadable = |error: io::Error| Refusal::argument(&name, &error);
    let file = File::open(path).map_err(unreadable)?;
    let facts = file.metadata().map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > limit {
        // A pipe has no size.
        let found = if facts.is_file() { format!("{} bytes", facts.len()) } else { "more".to_owned() };
        return Err(Refusal::new(Code::LimitExceeded, name, "is too long")
            .expected(format!("at most {limit} bytes"))
            .found(found));
    }
    Ok(bytes)
}

fn print(text: &str) -> Result<Outcome, Refusal> {
    let written = io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush());
    written.map_err(|error| Refusal::writing("standard output", &error))?;
    Ok(Outcome::Done)
}

/// A refusal: on standard error for people, on standard output as a document.
fn refuse(global: &Global, schema: &str, refusal: &Refusal) {
    // Where nothing can be printed any more, the exit code still tells.
    let _ = match global.output.format {
        Format::Json => io::stdout().write_all(json::line(&json::Refused::new(schema, refusal)).as_bytes()),
        Format::Human => writeln!(io::stderr(), "{}{refusal}", global.output.error_label()),
    };
}
