// SPDX-License-Identifier: Apache-2.0
//! What each command does, top to bottom: read this first.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use manifests::time::Timestamp;
use serde_json::json;
use verifier::error::Class;
use verifier::report::human::size;

use crate::build::{self, Existing, Outcome};
use crate::cli::{self, Cli, Command};
use crate::demo;
use crate::diff;
use crate::failure::{Failure, Failures};
use crate::fetch;
use crate::files;
use crate::init;
use crate::lock::{self, Lock, Remote, Renewal};
use crate::recipe::Recipe;
use crate::report::{Printer, Report, count, shown};
use crate::root::{self, Change, Root};
use crate::show;
use crate::sign::key_file::KeyPair;
use crate::sign::passphrase::Passphrases;
use crate::sign::{self, Signed, Target};
use crate::source::Source;
use crate::store::{self, Action, Keep, Store};

/// Runs one command, and prints its result or its refusal, whose class is the exit code.
pub fn run(cli: Cli) -> Result<(), Class> {
    let printer = Printer::new(cli.output);
    match cli.command {
        Command::Init(command) => printer.finish("init", init(&command)),
        Command::Keys(cli::Keys::New(command)) => printer.finish("keys", keys_new(&printer, &command)),
        Command::Keys(cli::Keys::Show(command)) => printer.finish("keys", keys_show(&command)),
        Command::Root(cli::Root::New(command)) => printer.finish("root", root_new(&command)),
        Command::Root(cli::Root::Next(command)) => printer.finish("root", root_next(&command)),
        Command::Root(cli::Root::Sign(command)) => printer.finish("root", root_sign(&printer, &command)),
        Command::Root(cli::Root::Show(command)) => printer.finish("root", show::root(&command.root)),
        Command::Lock(command) => printer.finish("lock", lock(&printer, &command)),
        Command::Update(command) => printer.finish("lock", update(&printer, &command)),
        Command::Build(command) => printer.finish("build", build(&printer, &command)),
        Command::Sign(command) => printer.finish("sign", sign(&printer, &command)),
        Command::Show(command) => printer.finish("describe", show::any(&command.file)),
        Command::Diff(command) => printer.finish("diff", diff(&printer, &command)),
        Command::Store(command) => printer.finish("store", store(&printer, &command)),
        Command::Demo(command) => match demo::tell(command.dir.as_deref()) {
            Ok(()) => Ok(()),
            Err(failure) => printer.finish("demo", Err(failure)),
        },
    }
}

fn init(command: &cli::Init) -> Result<Report, Failure> {
    if command.list {
        let lines: Vec<String> =
            init::RECIPES.iter().map(|recipe| format!("{:12} {}", recipe.name, recipe.title)).collect();
        let recipes: Vec<_> =
            init::RECIPES.iter().map(|recipe| json!({"name": recipe.name, "title": recipe.title})).collect();
        return Ok(Report {
            schema: "init",
            outcome: "listed",
            text: lines.join("\n"),
            body: json!({ "recipes": recipes }),
        });
    }
    let folder = command.dir.clone().unwrap_or_else(|| PathBuf::from("."));
    let terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let written = init::write(&folder, &command.recipe, &command.set, now()?, |question| {
        let answer = || init::ask_at(std::io::stdin().lock(), std::io::stderr(), question);
        if terminal { answer().map_err(|error| Failure::reading("the terminal", &error)) } else { Ok(None) }
    })?;
    let short = |path: &PathBuf| shown(path.strip_prefix(".").unwrap_or(path));
    let files: Vec<String> = [&written.recipe].into_iter().chain(&written.beside).map(short).collect();
    let mut text = format!("wrote {}: edit the recipe, then run `bundler lock`", files.join(", "));
    if !written.unanswered.is_empty() {
        text.push_str("\nwithout a value yet, to be found out as the recipe says: ");
        text.push_str(&written.unanswered.join(", "));
    }
    Ok(Report {
        schema: "init",
        outcome: "written",
        text,
        body: json!({
            "file": files.first(),
            "beside": files.get(1..),
            "recipe": command.recipe,
            "unanswered": written.unanswered,
        }),
    })
}

/// Now; `SOURCE_DATE_EPOCH` where it is given, as reproducible builds do.
fn now() -> Result<Timestamp, Failure> {
    let (name, seconds) = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(given) => ("SOURCE_DATE_EPOCH", given.parse().ok()),
        Err(_) => {
            ("the clock", SystemTime::now().duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs()))
        }
    };
    let now = seconds.and_then(Timestamp::from_seconds);
    now.ok_or_else(|| Failure::usage(name, "gives no time between the years 1970 and 9999, in seconds"))
}

fn keys_new(printer: &Printer, command: &cli::KeysNew) -> Result<Report, Failure> {
    let name = command.name.as_str();
    let folder = command.output.clone().unwrap_or_default();
    let passphrase = if command.no_passphrase {
        printer.note(&format!(
            "{name}.key will not be encrypted: whoever can read the file, a backup of it or the disk \
             can sign as its owner"
        ));
        None
    } else {
        Some(passphrases(&command.passphrase).new_one(name)?)
    };
    std::fs::create_dir_all(&folder)
        .map_err(|error| Failure::writing(folder.display().to_string(), &error))?;
    let pair = KeyPair::generate()?;
    let new = pair.write(&folder, name, passphrase.as_ref().map(|text| text.as_str()))?;
    let (private, public) = (new.private.display().to_string(), new.public.display().to_string());
    let id = new.key.id().hex();
    let kept = if command.no_passphrase { "not encrypted" } else { "encrypted by its passphrase" };
    Ok(Report {
        schema: "keys",
        outcome: "made",
        text: format!(
            "private key: {} ({kept}): keep it\n public key: {}: hand it out\n     key id: {id}",
            shown(&new.private),
            shown(&new.public)
        ),
        body: json!({"privateKey": private, "publicKey": public, "keyid": id, "algorithm": "ed25519",
                     "encrypted": !command.no_passphrase}),
    })
}

fn keys_show(command: &cli::KeysShow) -> Result<Report, Failure> {
    show::key(&command.file, &passphrases(&command.passphrase))
}

fn passphrases(option: &cli::PassphraseOption) -> Passphrases {
    Passphrases { file: option.passphrase_file.clone() }
}

fn change(options: &cli::RootChange) -> Change {
    Change {
        keys: options.key.clone(),
        remove: Vec::new(),
        thresholds: options.threshold.clone(),
        enclave: options.enclave.clone(),
        expires: options.expires,
        floors: options.floor.clone(),
        denied: options.deny.clone(),
        rules: options.from.clone(),
    }
}

fn root_new(command: &cli::RootNew) -> Result<Report, Failure> {
    let root = root::create(&change(&command.change), &command.output)?;
    show::new_root(&root, &command.output)
}

fn root_next(command: &cli::RootNext) -> Result<Report, Failure> {
    let old = Root::read(&command.old)?;
    let change = Change { remove: command.remove.clone(), ..change(&command.change) };
    let root = root::next(&old, &change, &command.output)?;
    show::new_root(&root, &command.output)
}

fn root_sign(printer: &Printer, command: &cli::RootSign) -> Result<Report, Failure> {
    let root = Root::read(&command.root)?;
    for (name, role) in &root.document().roles {
        let owners: Vec<&str> = role.owners.iter().map(|owner| owner.as_str()).collect();
        printer.detail(|| format!("role {name}: {} of {}", role.threshold, owners.join(", ")));
    }
    let previous = command.previous.as_deref().map(Root::read).transpose()?;
    let key = KeyPair::read(&command.key, &passphrases(&command.passphrase))?;
    let signed = root::sign(&root, &key, previous.as_ref())?;
    Ok(Report {
        schema: "root",
        outcome: "signed",
        text: format!(
            "{}: signed by {} with key {}\n{} of {} needed in the role root",
            shown(&command.root),
            signed.owner,
            signed.key.hex(),
            signed.tally.found,
            signed.tally.threshold
        ),
        body: json!({"file": command.root.display().to_string(), "fingerprint": root.fingerprint().to_string(), "owner": signed.owner.as_str(),
                     "keyid": signed.key.hex(), "signed": signed.tally.found, "threshold": signed.tally.threshold}),
    })
}

fn sets(given: &[(String, String)]) -> BTreeMap<String, String> {
    given.iter().cloned().collect()
}

fn lock(printer: &Printer, command: &cli::Lock) -> Result<Report, Failures> {
    let recipe_file = &command.recipe.recipe_file;
    let before = lock_before(&lock::path_beside(recipe_file));
    let sets = kept_sets(recipe_file, before.as_ref().ok().and_then(Option::as_ref), &command.recipe.set)?;
    let recipe = Recipe::load(recipe_file, sets)?;
    // Without URLs a lock pins nothing that this one would not: one that cannot be read is replaced.
    let before = if recipe.is_remote() { before? } else { before.ok().flatten() };
    relock(printer, recipe_file, &recipe, before, Renewal::Nothing, &command.store)
}

fn update(printer: &Printer, command: &cli::Update) -> Result<Report, Failures> {
    let recipe_file = &command.recipe.recipe_file;
    let before = lock_before(&lock::path_beside(recipe_file))?;
    let sets = kept_sets(recipe_file, before.as_ref(), &command.recipe.set)?;
    let recipe = Recipe::load(recipe_file, sets)?;
    let renewal = Renewal::of(&command.names, &recipe)?;
    relock(printer, recipe_file, &recipe, before, renewal, &command.store)
}

/// The values of the lock that is there, as far as the recipe still knows their names, and over them what is given now;
/// an empty value takes one back.
fn kept_sets(
    recipe_file: &Path,
    before: Option<&Lock>,
    given: &[(String, String)],
) -> Result<BTreeMap<String, String>, Failure> {
    let mut kept = before.map(|lock| lock.sets.clone()).unwrap_or_default();
    if !kept.is_empty() {
        let known = Recipe::settable(recipe_file)?;
        kept.retain(|name, _| known.contains(name));
    }
    for (name, value) in given {
        if value.is_empty() {
            kept.remove(name);
        } else {
            kept.insert(name.clone(), value.clone());
        }
    }
    Ok(kept)
}

/// The lock that is there, whose word on URLs counts.
fn lock_before(path: &Path) -> Result<Option<Lock>, Failure> {
    if !files::exists(path) {
        return Ok(None);
    }
    let read = Source::read(path).and_then(lock::file::read);
    read.map(Some).map_err(|failure| {
        failure
            .hint("it pins what URLs must bring: take it from version control, or remove it to lock all anew")
    })
}

/// Resolves the recipe and writes its lock.
fn relock(
    printer: &Printer,
    recipe_file: &Path,
    recipe: &Recipe,
    before: Option<Lock>,
    renewal: Renewal,
    store: &cli::StoreOption,
) -> Result<Report, Failures> {
    let remote = match recipe.is_remote() {
        true => Some(Remote {
            store: Arc::new(Store::open(&store_root(store)?)?),
            before,
            renewal,
            settings: fetch::Settings::of_this_machine(printer.progress_mode())?,
        }),
        false => None,
    };
    let lock = lock::resolve(recipe, remote.as_ref(), printer)?;
    // What could not be built of it is told now.
    build::manifest::plan(recipe, &lock, remote.as_ref().map(|remote| &remote.store))?;
    for (path, state, signatures) in lock.contents() {
        printer.detail(|| format!("locked {path}: {}, {}", size(state.size), state.digest));
        for signature in signatures {
            printer.detail(|| {
                let files: Vec<&str> = signature.files.iter().map(|file| file.source.as_str()).collect();
                let place =
                    if files.is_empty() { "inside".to_owned() } else { format!("in {}", files.join(", ")) };
                format!("  signed by {} ({}), {place}", signature.signer, signature.kind.as_str())
            });
        }
    }
    let path = lock::path_beside(recipe_file);
    let changes = match Source::read(&path).and_then(lock::file::read) {
        Ok(old) => diff::locks(&old, &lock)?,
        // There was none, or none that can be compared.
        Err(_) => None,
    };
    let text = lock::file::render(&lock);
    let unchanged = std::fs::read(&path).is_ok_and(|old| old == text.as_bytes());
    if !unchanged {
        files::replace(&path, text.as_bytes())?;
    }
    let (outcome, verb) = if unchanged { ("unchanged", "is up to date") } else { ("written", "written") };
    let mut lines = changes.as_ref().map(|changes| changes.text.clone()).unwrap_or_default();
    let open = lock::document::open_parameters(recipe);
    for (policy, parameters) in &open {
        let (name, needs) = (policy.key(), parameters.join(", "));
        lines.push_str(&format!("trust policy {name} needs at install: {needs}\n"));
    }
    let open = open.iter().map(|(policy, parameters)| {
        let partition = policy.partition.as_ref().map(|name| name.as_str());
        json!({"name": policy.name.as_str(), "partition": partition, "parameters": parameters})
    });
    let whole = format!("{}, {}", count(lock.files(), "file"), size(lock.bytes()));
    Ok(Report {
        schema: "lock",
        outcome,
        text: format!("{lines}{} {verb}: {whole}", shown(&path)),
        body: json!({"file": path.display().to_string(), "recipe": lock.recipe.to_string(), "files": lock.files(),
                     "bytes": lock.bytes(), "signatures": show::signatures(&lock, Some(recipe)),
                     "changes": changes.map(|changes| changes.members), "openParameters": open.collect::<Vec<_>>()}),
    })
}

fn build(printer: &Printer, command: &cli::Build) -> Result<Report, Failures> {
    let recipe_file = &command.recipe.recipe_file;
    let (recipe, lock) = locked_recipe(recipe_file, sets(&command.recipe.set))?;
    let output = command.output.clone().unwrap_or_else(|| build::default_output(&recipe));
    let existing = if command.replace { Existing::Replace } else { Existing::Keep };
    let store = match recipe.is_remote() {
        true => Store::existing(&store_root(&command.store)?)?.map(Arc::new),
        false => None,
    };
    let built = build::build(&recipe, &lock, store.as_ref(), &output, existing, printer)?;
    let (outcome, verb) = match built.outcome {
        Outcome::Written => ("built", "built"),
        Outcome::Unchanged => ("unchanged", "is there already, byte for byte"),
    };
    let file = built.path.display().to_string();
    Ok(Report {
        schema: "build",
        outcome,
        text: format!(
            "{} {verb}: {}, {}\nbundle: {}",
            shown(&built.path),
            count(built.files, "file"),
            size(built.payload),
            built.id
        ),
        body: json!({"file": file, "bundle": {"id": built.id.to_string(), "name": recipe.bundle.name.as_str(),
                     "version": recipe.bundle.version.as_str(), "sequence": recipe.bundle.sequence.get()},
                     "files": built.files, "bytes": built.payload, "size": built.size}),
    })
}

/// The recipe with the values that it was locked with, and the lock.
fn locked_recipe(path: &Path, given: BTreeMap<String, String>) -> Result<(Recipe, Lock), Failure> {
    let lock_path = lock::path_beside(path);
    if path.exists() && !lock_path.exists() {
        return Err(Failure::usage(lock_path.display().to_string(), "does not exist")
            .hint("run `bundler lock` first, and keep the lock beside the recipe"));
    }
    let recipe_text = Source::read(path)?;
    let lock = lock::file::read(Source::read(&lock_path)?)?;
    let sets = if given.is_empty() { lock.sets.clone() } else { given };
    // A recipe that changed since is told by its digest, before the lock's values are tried on it.
    let digest = verifier::hash::sha256::digest(recipe_text.text().as_bytes());
    let sets = if digest == lock.recipe { sets } else { BTreeMap::new() };
    let recipe = Recipe::load(path, sets)?;
    lock.require_current(&recipe, &lock_path.display().to_string())?;
    Ok((recipe, lock))
}

fn sign(printer: &Printer, command: &cli::Sign) -> Result<Report, Failure> {
    let bundle = &command.bundle;
    if let Some(to) = &command.export {
        let id = sign::export(bundle, to, printer)?;
        return Ok(Report {
            schema: "sign",
            outcome: "exported",
            text: format!("{}: the bytes to sign for bundle {id}", shown(to)),
            body: json!({"file": to.display().to_string(), "bundle": {"id": id.to_string()}}),
        });
    }
    let target = command.output.clone().map_or(Target::InPlace, Target::Beside);
    let trust = command.trust.as_deref();
    let signed = match (&command.key, &command.import, &command.public_key) {
        (Some(key), _, _) => {
            let key = KeyPair::read(key, &passphrases(&command.passphrase))?;
            sign::with_key(bundle, &key, trust, &target, printer)?
        }
        (None, Some(raw), Some(public)) => sign::import(bundle, raw, public, trust, &target, printer)?,
        // The command line's definition does not let this through.
        _ => return Err(Failure::usage("sign", "needs --key, --export or --import with --public-key")),
    };
    Ok(signed_report(&signed, bundle, &target))
}

fn signed_report(signed: &Signed, bundle: &Path, target: &Target) -> Report {
    let place = match target {
        Target::InPlace => bundle,
        Target::Beside(path) => path,
    };
    let mut text = format!("{}: {} signed with key {}", shown(place), signed.folder, signed.key.hex());
    if let Some(standing) = &signed.standing {
        text.push_str(&format!("\nby owner {} in the role {}", standing.owner, standing.role));
    }
    text.push_str(&format!("\nbundle: {}\nsignatures: {}", signed.bundle, signed.signatures));
    let standing =
        signed.standing.as_ref().map(|s| json!({"owner": s.owner.as_str(), "role": s.role.as_str()}));
    Report {
        schema: "sign",
        outcome: "signed",
        text,
        body: json!({"file": place.display().to_string(), "bundle": {"id": signed.bundle.to_string()}, "keyid": signed.key.hex(),
                     "signer": standing, "signatures": signed.signatures}),
    }
}

fn store(printer: &Printer, command: &cli::Store) -> Result<Report, Failures> {
    match command {
        cli::Store::List(command) => Ok(store::list(&store_root(&command.store)?)?),
        cli::Store::Verify(command) => {
            let action = if command.remove { Action::Remove } else { Action::Plan };
            store::verify(&store_root(&command.store)?, action, printer)
        }
        cli::Store::Prune(command) => {
            let named = (!command.lock.is_empty()).then(|| Keep::named_by(&command.lock)).transpose()?;
            let since = command.older_than.map(|days| Keep::since_days(days, SystemTime::now()));
            let action = if command.plan { Action::Plan } else { Action::Remove };
            Ok(store::prune(&store_root(&command.store)?, &Keep { named, since }, action)?)
        }
    }
}

fn diff(printer: &Printer, command: &cli::Diff) -> Result<Report, Failure> {
    // A store helps to show scripts; that there is none is no reason to show nothing.
    let store = store_root(&command.store).ok();
    diff::diff(&command.old, &command.new, store.as_deref(), printer)
}

/// The store that the command line or the environment names.
fn store_root(option: &cli::StoreOption) -> Result<PathBuf, Failure> {
    match &option.store {
        Some(root) => Ok(root.clone()),
        None => store::default_root(|name| std::env::var(name).ok()),
    }
}
