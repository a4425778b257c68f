// SPDX-License-Identifier: Apache-2.0
//! The command line of `bundler`: definitions and nothing else.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use manifests::digest::Sha256Digest;
use manifests::name::{BundleName, Name};
use manifests::sequence::Sequence;
use manifests::time::Timestamp;
use verifier::cli::Output;

use crate::root::KeyOption;

/// Collects software and its vendors' signatures into one signed bundle.
#[derive(Debug, Parser)]
#[command(name = "bundler", version, max_term_width = 80, propagate_version = true)]
#[command(after_help = "\
Examples:
  bundler lock && bundler build
  bundler sign first-1.0.bundle.tar --key builder.key")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Options of every command.
    #[command(flatten)]
    pub output: Output,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The whole story on an embedded example
    Demo(Demo),
    /// Write a commented recipe to start from
    Init(Init),
    /// Make or show keys
    #[command(subcommand)]
    Keys(Keys),
    /// The trust root's ceremony
    #[command(subcommand)]
    Root(Root),
    /// Fetch, check and pin everything that the recipe names
    Lock(Lock),
    /// Lock anew what the servers have now
    Update(Update),
    /// Build the bundle that the lock describes
    Build(Build),
    /// Prove a bundle, then add one signature
    Sign(Sign),
    /// Show a bundle, lock, key or trust root
    Show(Show),
    /// Show what changed between two bundles or two locks
    Diff(Diff),
    /// The store of downloads: list it, verify it, prune it
    #[command(subcommand)]
    Store(Store),
}

/// `bundler demo`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bundler demo
  bundler demo sealift-demo")]
pub struct Demo {
    /// A new or empty folder for everything that it makes [default: a
    /// new temporary one]
    pub dir: Option<PathBuf>,
}

/// `bundler init`
#[derive(Debug, Args)]
#[command(after_help = "\
A recipe may ask what only you can know: on a terminal you are asked, else it is
left open, and `bundler lock` names what is missing.

Examples:
  bundler init --recipe aws-signer aws
  bundler init site --recipe first")]
pub struct Init {
    /// Where bundle.toml goes [default: here]
    pub dir: Option<PathBuf>,
    /// Which recipe
    #[arg(long, value_name = "NAME", default_value = "first")]
    pub recipe: String,
    /// List the recipes that there are
    #[arg(long)]
    pub list: bool,
    /// Give a variable of the recipe another value
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    pub set: Vec<(String, String)>,
}

/// `bundler keys`
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Make a key pair: NAME.key, encrypted, and NAME.pub
    New(KeysNew),
    /// Show the id of a key
    Show(KeysShow),
}

/// `bundler keys new`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bundler keys new builder
  bundler keys new alice -o keys --passphrase-file alice.txt")]
pub struct KeysNew {
    /// The files' name
    #[arg(value_parser = name)]
    pub name: Name,
    /// How the key signs
    #[arg(long, value_enum, default_value_t)]
    pub algorithm: AlgorithmName,
    /// The folder for both files [default: here]
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Leave the private key unencrypted
    #[arg(long, conflicts_with = "passphrase_file")]
    pub no_passphrase: bool,
    /// Where the passphrase comes from.
    #[command(flatten)]
    pub passphrase: PassphraseOption,
}

/// Algorithms of new keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum AlgorithmName {
    /// RFC 8032.
    #[default]
    Ed25519,
}

/// `bundler keys show`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bundler keys show builder.pub
  bundler keys show builder.key --format json")]
pub struct KeysShow {
    /// A public or private key
    pub file: PathBuf,
    /// Where the passphrase comes from.
    #[command(flatten)]
    pub passphrase: PassphraseOption,
}

/// Where a passphrase comes from.
#[derive(Clone, Debug, Args)]
pub struct PassphraseOption {
    /// Read the passphrase from a file, else from SEALIFT_PASSPHRASE, else ask
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

/// `bundler root`
#[derive(Debug, Subcommand)]
pub enum Root {
    /// Make the first trust root
    New(RootNew),
    /// Make the trust root that follows another
    Next(RootNext),
    /// Add an owner's signature to a trust root
    Sign(RootSign),
    /// Show a trust root and its fingerprint
    Show(RootShow),
}

/// What a root can be told.
#[derive(Clone, Debug, Args)]
pub struct RootChange {
    /// Give an owner a key and a role; the owner is named after the file
    #[arg(long, value_name = "ROLE=[OWNER:]PUB")]
    pub key: Vec<KeyOption>,
    /// How many owners of a role must sign [default: 1]
    #[arg(long, value_name = "ROLE=N", value_parser = threshold)]
    pub threshold: Vec<(Name, u32)>,
    /// The name of the enclave whose hosts hold this root
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub enclave: Option<Name>,
    /// When its trust ends: 2031-01-01 or 2031-01-01T00:00:00Z
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub expires: Option<Timestamp>,
    /// Refuse bundles of this name below a sequence
    #[arg(long, value_name = "NAME=SEQUENCE", value_parser = floor)]
    pub floor: Vec<(BundleName, Sequence)>,
    /// Refuse the bundle with this manifest digest
    #[arg(long, value_name = "sha256:HEX", value_parser = digest)]
    pub deny: Vec<Sha256Digest>,
    /// Rules, floors, denied bundles and require-audience, as TOML
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
}

/// `bundler root new`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bundler root new -o root.json --key root=alice.pub --key root=bob.pub \\
    --threshold root=2 --key builder=builder.pub --expires 2031-01-01
  bundler root new -o root.json --key root=alice.pub --key builder=ci:ci.pub \\
    --enclave west --from root.toml --expires 2031-01-01")]
pub struct RootNew {
    /// The file to write
    #[arg(short, long, value_name = "ROOT")]
    pub output: PathBuf,
    /// What it says.
    #[command(flatten)]
    pub change: RootChange,
}

/// `bundler root next`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bundler root next root.json -o root-2.json --expires 2033-01-01
  bundler root next root.json -o root-2.json --key root=bob.pub")]
pub struct RootNext {
    /// The root that it follows
    pub old: PathBuf,
    /// The file to write
    #[arg(short, long, value_name = "ROOT")]
    pub output: PathBuf,
    /// Take an owner out, with all roles
    #[arg(long, value_name = "OWNER", value_parser = name)]
    pub remove: Vec<Name>,
    /// What else changes.
    #[command(flatten)]
    pub change: RootChange,
}

/// `bundler root sign`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bundler root sign root.json --key alice.key
  bundler root sign root-2.json --key alice.key --previous root.json")]
pub struct RootSign {
    /// The root to sign
    pub root: PathBuf,
    /// The private key of an owner in the role `root`
    #[arg(long, value_name = "KEY")]
    pub key: PathBuf,
    /// The root before it, for an owner who is leaving
    #[arg(long, value_name = "ROOT")]
    pub previous: Option<PathBuf>,
    /// Where the passphrase comes from.
    #[command(flatten)]
    pub passphrase: PassphraseOption,
}

/// `bundler root show`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bundler root show root.json
  bundler root show root.json --format json")]
pub struct RootShow {
    /// The root to show
    pub root: PathBuf,
}

/// Which recipe.
#[derive(Clone, Debug, Args)]
pub struct RecipeOption {
    /// The recipe
    #[arg(long, value_name = "FILE", default_value = "bundle.toml")]
    pub recipe_file: PathBuf,
    /// Give a value to a variable of the recipe, or to a parameter of its
    /// trust policies; it stays in the lock until another is given, and
    /// an empty one takes it back
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    pub set: Vec<(String, String)>,
}

/// `bundler lock`
#[derive(Debug, Args)]
#[command(after_help = "\
What the lock names is not asked for again: a server that brings other bytes
is refused until `bundler update`. HTTPS_PROXY and NO_PROXY are heeded; a CA and
headers of one host stand in the recipe, under [host.\"HOST\"].

Examples:
  bundler lock
  bundler lock --recipe-file site/bundle.toml --set version=2.1")]
pub struct Lock {
    /// Which recipe.
    #[command(flatten)]
    pub recipe: RecipeOption,
    /// Which store.
    #[command(flatten)]
    pub store: StoreOption,
}

/// `bundler update`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bundler update
  bundler update hello.sh --recipe-file bundle.toml")]
pub struct Update {
    /// Artifacts, signers, trust stores and policies [default: all]
    #[arg(value_name = "NAME", value_parser = name)]
    pub names: Vec<Name>,
    /// Which recipe; values of --set stay as they are locked, unless
    /// given.
    #[command(flatten)]
    pub recipe: RecipeOption,
    /// Which store.
    #[command(flatten)]
    pub store: StoreOption,
}

/// `bundler build`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bundler build
  bundler build --recipe-file site/bundle.toml -o site.bundle.tar")]
pub struct Build {
    /// The file to write [default: NAME-VERSION.bundle.tar here]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace another file of that name
    #[arg(long)]
    pub replace: bool,
    /// Which recipe.
    #[command(flatten)]
    pub recipe: RecipeOption,
    /// Which store.
    #[command(flatten)]
    pub store: StoreOption,
}

/// `bundler sign`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("how").required(true))]
#[command(override_usage = "bundler sign BUNDLE --key KEY | --export FILE | --import FILE …")]
#[command(after_help = "\
Examples:
  bundler sign first-1.0.bundle.tar --key builder.key --trust root.json
  bundler sign first-1.0.bundle.tar --import raw.sig --public-key builder.pub")]
pub struct Sign {
    /// The bundle
    pub bundle: PathBuf,
    /// Sign with this private key
    #[arg(long, value_name = "KEY", group = "how")]
    pub key: Option<PathBuf>,
    /// Write the bytes to sign, for a signing room
    #[arg(long, value_name = "FILE", group = "how", conflicts_with_all = ["output", "trust", "public_key"])]
    pub export: Option<PathBuf>,
    /// Take the raw signature over the exported bytes
    #[arg(long, value_name = "FILE", group = "how", requires = "public_key")]
    pub import: Option<PathBuf>,
    /// The key that made the imported signature
    #[arg(long, value_name = "PUB", requires = "import")]
    pub public_key: Option<PathBuf>,
    /// Write the signatures to a file beside the bundle
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Show the key's role in this trust root; refuse a key without one
    #[arg(long, value_name = "ROOT")]
    pub trust: Option<PathBuf>,
    /// Where the passphrase comes from.
    #[command(flatten)]
    pub passphrase: PassphraseOption,
}

/// `bundler show`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bundler show first-1.0.bundle.tar
  bundler show bundle.lock --format json")]
pub struct Show {
    /// A bundle, lock, key or trust root
    pub file: PathBuf,
}

/// `bundler diff`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bundler diff first-1.0.bundle.tar first-1.1.bundle.tar
  bundler diff bundle.lock next.lock --format json")]
pub struct Diff {
    /// A bundle or a lock (FILE.lock)
    pub old: PathBuf,
    /// Another of the same sort
    pub new: PathBuf,
    /// Which store.
    #[command(flatten)]
    pub store: StoreOption,
}

/// `bundler store`
#[derive(Debug, Subcommand)]
pub enum Store {
    /// List the files, with the time of their last use
    List(StoreList),
    /// Read every file and compare it with its name
    Verify(StoreVerify),
    /// Remove what is no longer needed, and unfinished downloads
    Prune(StorePrune),
}

/// Which store.
#[derive(Clone, Debug, Args)]
pub struct StoreOption {
    /// The store of downloads [default: $XDG_CACHE_HOME/sealift/store]
    #[arg(long, value_name = "DIR", env = "SEALIFT_STORE", hide_env_values = true)]
    pub store: Option<PathBuf>,
}

/// `bundler store list`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bundler store list
  bundler store list --store /srv/sealift/store --format json")]
pub struct StoreList {
    /// Which store.
    #[command(flatten)]
    pub store: StoreOption,
}

/// `bundler store verify`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bundler store verify
  bundler store verify --remove")]
pub struct StoreVerify {
    /// Remove damaged files, so that `bundler lock` fetches them again
    #[arg(long)]
    pub remove: bool,
    /// Which store.
    #[command(flatten)]
    pub store: StoreOption,
}

/// `bundler store prune`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bundler store prune --lock bundle.lock --plan
  bundler store prune --lock bundle.lock --older-than 90")]
pub struct StorePrune {
    /// Keep what this lock names; repeat it for every lock in use
    #[arg(long, value_name = "LOCK")]
    pub lock: Vec<PathBuf>,
    /// Keep what was fetched or used in the last so many days
    #[arg(long, value_name = "DAYS")]
    pub older_than: Option<u32>,
    /// Only say what would be removed
    #[arg(long)]
    pub plan: bool,
    /// Which store.
    #[command(flatten)]
    pub store: StoreOption,
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("is not of the form NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn name(text: &str) -> Result<Name, String> {
    Name::new(text).map_err(|error| error.to_string())
}

fn threshold(text: &str) -> Result<(Name, u32), String> {
    let (role, number) = text.split_once('=').ok_or("is not of the form ROLE=N")?;
    let number = number.parse().map_err(|_| "N is not a number")?;
    Ok((name(role)?, number))
}

fn floor(text: &str) -> Result<(BundleName, Sequence), String> {
    let (bundle, number) = text.split_once('=').ok_or("is not of the form NAME=SEQUENCE")?;
    let bundle = BundleName::new(bundle).map_err(|error| error.to_string())?;
    let sequence = number.parse().ok().and_then(Sequence::new).ok_or("a sequence is from 1 to 2^53 - 1")?;
    Ok((bundle, sequence))
}

fn date(text: &str) -> Result<Timestamp, String> {
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    Timestamp::parse(&whole).map_err(|error| error.to_string())
}

fn digest(text: &str) -> Result<Sha256Digest, String> {
    Sha256Digest::parse(text).map_err(|error| error.to_string())
}
