// SPDX-License-Identifier: Apache-2.0
//! Runs every case on every carrier.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use verifier::error::Code;

use crate::base::built;
use crate::case::{Case, Place};
use crate::medium::{Carrier, Medium, Signature, slot};
use crate::scene::{Impossible, Look, Scene, bundle};

/// Codes that no bundle, root, state or target can provoke in `verifier`, and why.
const ELSEWHERE: &[(Code, &str)] = &[
    (Code::NoRole, "of `bundler sign`"),
    (Code::RecipeInvalid, "of `bundler lock`"),
    (Code::LockOutdated, "of `bundler build`"),
    (Code::FetchFailed, "of `bundler lock`"),
    (Code::ReadError, "needs a medium that fails: EIO"),
    (Code::ChangedWhileRead, "a property: `changed_between_two_reads`"),
    (Code::EvidenceUnsigned, "the manifest's rules tie every demand to a signature file"),
    (Code::Busy, "tests of the install"),
    (Code::IoError, "whatever the system says besides"),
    (Code::InstallFailed, "tests of the install"),
    (Code::InstallBroken, "tests of the install"),
];

/// `verifier`, as `cargo test --workspace` has built it beside this test.
fn program() -> PathBuf {
    let me = std::env::current_exe().unwrap();
    let program = me.parent().and_then(Path::parent).unwrap().join("verifier");
    if !program.is_file() {
        let built =
            Command::new(env!("CARGO")).args(["build", "-p", "verifier", "--bin", "verifier"]).status();
        assert!(built.unwrap().success() && program.is_file(), "{} cannot be built", program.display());
    }
    program
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

#[test]
fn every_case_is_refused_as_it_says() {
    let (program, cases) = (program(), Case::all());
    let next = AtomicUsize::new(0);
    let faults = Mutex::new(Vec::new());
    let codes = Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    for carrier in case.carriers() {
                        match run(&program, case, carrier) {
                            Ok(()) => {
                                codes.lock().unwrap().insert(case.code_on(carrier).to_owned());
                            }
                            Err(Impossible(why)) if why.starts_with("skipped") => eprintln!("{why}"),
                            Err(Impossible(fault)) => faults.lock().unwrap().push(fault),
                        }
                    }
                }
            });
        }
    });
    let (faults, codes) = (faults.into_inner().unwrap(), codes.into_inner().unwrap());
    assert!(faults.is_empty(), "{} faults\n\n{}", faults.len(), faults.join("\n\n"));
    let elsewhere: BTreeSet<Code> = ELSEWHERE.iter().map(|(code, _)| *code).collect();
    let missing: Vec<&str> = Code::ALL
        .iter()
        .filter(|code| !codes.contains(code.as_str()) && !elsewhere.contains(code))
        .map(|code| code.as_str())
        .collect();
    // Without the right to mount there is neither a full disk nor a read-only one.
    let mountless = ["no-space", "permission"];
    assert!(missing.iter().all(|code| mountless.contains(code)), "no case expects {missing:?}");
}

/// The control: without its fault, no case would be refused, and what the test lays is what was built.
#[test]
fn without_a_fault_the_bundle_is_trusted() {
    let program = program();
    let case = Case::good();
    let (medium, _) = bundle(&case);
    let unsigned = {
        let (parts, _) = built();
        let case = Case::signed_by(&[]);
        let manifest = parts.manifest(&parts.chains());
        Medium::new(parts, &manifest, slot(&case, &manifest), parts.chains()).archive()
    };
    assert!(unsigned == built().1, "the test lays the bundle otherwise than `bundler build`");
    assert!(medium.archive() != unsigned);
    for carrier in [Carrier::File, Carrier::Folder, Carrier::Stream] {
        let scene = Scene::lay(&case, carrier).unwrap_or_else(|Impossible(why)| panic!("{why}"));
        let look = Look { contents: true, folder_times: true };
        let before = scene.snapshot(look);
        for line in ["verify {bundle}", "show {bundle}", "install {bundle} --plan --root {target}"] {
            let done = scene.command(&program, &words(line)).output().unwrap();
            assert!(done.status.success(), "{carrier:?}: {line}: {}", String::from_utf8_lossy(&done.stderr));
            assert_eq!(same(&before, &scene.snapshot(look)), Ok(()), "{carrier:?}: {line}");
        }
        let line = words("install {bundle} --root {target}");
        let done = scene.command(&program, &line).output().unwrap();
        assert!(done.status.success(), "{carrier:?}: {}", String::from_utf8_lossy(&done.stderr));
        assert!(scene.path("target/opt/drop/hello.sh").is_file());
    }
}

fn run(program: &Path, case: &Case, carrier: Carrier) -> Result<(), Impossible> {
    let skip = |Impossible(why)| Impossible(format!("skipped: {}: {why}", case.name));
    let scene = Scene::lay(case, carrier).map_err(skip)?;
    let runs = match &case.command {
        Some(line) => vec![(line.clone(), "json"), (line.clone(), "human")],
        None => {
            let (verify, install) = (words("verify {bundle}"), words("install {bundle} --root {target}"));
            vec![(verify.clone(), "json"), (verify, "human"), (install, "json")]
        }
    };
    // For whoever writes a case, or wants to read what users read.
    let show = std::env::var_os("SEALIFT_SHOW").is_some();
    let whole = scene.snapshot(Look { contents: true, folder_times: false });
    for (line, format) in &runs {
        // Where there is no room, the part that did not fit was there for a moment.
        // `trust init` and `trust update` hold the state's lock file while they look.
        let writes = matches!(line[0].as_str(), "install" | "trust") || case.target.of == Place::State;
        let look = Look { contents: false, folder_times: !writes };
        let before = scene.snapshot(look);
        let done = scene
            .command(program, line)
            .args(["--progress", "none", "--format", format])
            .output()
            .map_err(|error| Impossible(error.to_string()))?;
        if show && *format == "human" {
            eprintln!("{} on {carrier:?}\n{}", case.name, String::from_utf8_lossy(&done.stderr));
        }
        let judged =
            if *format == "json" { program_reads(case, carrier, &done) } else { people_read(case, &done) };
        judged.and_then(|()| same(&before, &scene.snapshot(look))).map_err(|what| {
            Impossible(format!(
                "{} on {carrier:?}: {what}\n  {}\n  {}\n  exit {:?}\n  {}{}",
                case.name,
                case.why,
                line.join(" "),
                done.status.code(),
                String::from_utf8_lossy(&done.stdout),
                String::from_utf8_lossy(&done.stderr)
            ))
        })?;
    }
    same(&whole, &scene.snapshot(Look { contents: true, folder_times: false }))
        .map_err(|what| Impossible(format!("{} on {carrier:?}: {what}", case.name)))
}

type Snapshot = BTreeMap<PathBuf, String>;

fn same(before: &Snapshot, after: &Snapshot) -> Result<(), String> {
    let new = after.iter().filter(|(path, facts)| before.get(*path) != Some(facts)).map(|(path, _)| path);
    let gone = before.keys().filter(|path| !after.contains_key(*path));
    let names: Vec<String> = new.chain(gone).map(|path| path.display().to_string()).collect();
    if names.is_empty() { Ok(()) } else { Err(format!("changed on disk: {}", names.join(", "))) }
}

/// The document on standard output, and the exit code.
fn program_reads(case: &Case, carrier: Carrier, done: &Output) -> Result<(), String> {
    let expected = case.code_on(carrier);
    let code = Code::ALL.iter().find(|code| code.as_str() == expected).ok_or("the case expects no code")?;
    let class = code.class() as u8;
    if case.class.is_some_and(|wanted| wanted != class) {
        return Err(format!("{expected} is of class {class}"));
    }
    let document: Value =
        serde_json::from_slice(&done.stdout).map_err(|_| "standard output is no document")?;
    let refusal = &document["refusal"];
    if refusal["code"] != expected {
        return Err(format!("wanted {expected}"));
    }
    if document["outcome"] != "refused"
        || refusal["class"] != class
        || done.status.code() != Some(class.into())
    {
        return Err(format!("wanted class {class}"));
    }
    for member in ["subject", "hint"] {
        if refusal[member].as_str().is_none_or(str::is_empty) {
            return Err(format!("`{member}` says nothing"));
        }
    }
    let told = ["expected", "found"].iter().any(|member| refusal[*member].is_string());
    if told == case.bare {
        return Err(format!("expected and found: told is {told}, bare is {}", case.bare));
    }
    Ok(())
}

/// The text on standard error.
fn people_read(case: &Case, done: &Output) -> Result<(), String> {
    let text = String::from_utf8_lossy(&done.stderr);
    if !text.starts_with("error: ") || !text.contains("\n      hint: ") || !done.stdout.is_empty() {
        return Err(
            "wanted `error:` and `hint:` on standard error, and nothing on standard output".to_owned()
        );
    }
    if text.chars().any(|c| c != '\n' && manifests::name::is_control_or_bidi(c)) {
        return Err("a control character is printed as it is".to_owned());
    }
    match case.says.iter().find(|words| !text.contains(*words)) {
        Some(words) => Err(format!("does not say `{words}`")),
        None => Ok(()),
    }
}

impl Case {
    /// No fault at all.
    pub(crate) fn good() -> Self {
        let mut good: Self = toml::from_str("why = \"no fault\"\nexpect = \"\"").unwrap();
        good.chained = true;
        good
    }

    /// No fault but for who signed.
    pub(crate) fn signed_by(owners: &[&str]) -> Self {
        let mut case = Self::good();
        case.set_signatures(owners.iter().map(|owner| Signature::by(owner)).collect());
        case
    }
}
