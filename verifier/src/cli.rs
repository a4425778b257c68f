// SPDX-License-Identifier: Apache-2.0
//! The command line's definition and nothing else. Man pages and completions come from it.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ColorChoice, Parser, Subcommand, ValueEnum};
use manifests::digest::Sha256Digest;
use manifests::evidence::Weak;
use manifests::name::Name;
use manifests::time::Timestamp;

use crate::progress::Mode;

/// Prove and install a Sealift bundle on an isolated host.
///
/// Nothing is believed that is not signed by owners in this host's trust
/// root; no network is used.
///
/// Exit status: 0 done; 1 refused (trust, format or evidence); 2 wrong
/// usage; 3 the medium is damaged; 4 this machine cannot; 5 the install
/// failed and was undone; 6 it failed and was not all undone.
#[derive(Debug, Parser)]
#[command(
    name = "verifier",
    version,
    propagate_version = true,
    max_term_width = 80,
    arg_required_else_help = true
)]
#[command(after_help = "Examples:\n  verifier verify disc\n  verifier install first-1.0.bundle.tar --plan")]
pub struct Cli {
    /// What all commands have in common.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// What is said, and how.
    #[command(flatten)]
    pub output: Output,
    /// This host's trust root, ledger and journal [default:
    /// /var/lib/sealift for root, $XDG_STATE_HOME/sealift else]
    #[arg(long, global = true, value_name = "DIR", env = "SEALIFT_STATE", hide_env_values = true)]
    pub state: Option<PathBuf>,
}

/// What every command of both programs says, and how.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Output {
    /// Text for people, or JSON: one document, or one a line
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t = Format::Human,
        hide_possible_values = true,
        value_name = "human|json"
    )]
    pub format: Format,
    /// Colour: auto, always or never
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t = ColorChoice::Auto,
        hide_possible_values = true,
        value_name = "WHEN"
    )]
    pub color: ColorChoice,
    /// Less on standard error
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// More on standard error
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Progress on standard error: auto, bar, plain or none
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t = Mode::Auto,
        hide_possible_values = true,
        value_name = "HOW"
    )]
    pub progress: Mode,
}

impl Output {
    /// What programs ask for that read results: JSON, and no talk.
    pub const fn silent() -> Self {
        let (format, color, progress) = (Format::Json, ColorChoice::Never, Mode::None);
        Self { format, color, quiet: true, verbose: false, progress }
    }

    /// How progress is shown: not at all where `--quiet` asks for less.
    pub const fn progress_mode(&self) -> Mode {
        if self.quiet { Mode::None } else { self.progress }
    }

    /// What stands before a refusal on standard error, in red where `--color` and the environment want it:
    /// any `NO_COLOR` but an empty one says no (no-color.org), any `CLICOLOR_FORCE` but `0` says yes.
    pub fn error_label(&self) -> &'static str {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let wanted = match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto if set("NO_COLOR").is_some() => false,
            ColorChoice::Auto => {
                set("CLICOLOR_FORCE").is_some_and(|value| value != "0") || std::io::stderr().is_terminal()
            }
        };
        if wanted { "\u{1b}[1;31merror:\u{1b}[0m " } else { "error: " }
    }
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text for people
    Human,
    /// One JSON document, or one a line where there are several
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Set up, renew and show whom this host trusts
    #[command(subcommand)]
    Trust(Trust),
    /// Show what a bundle claims to be; nothing is verified
    #[command(
        after_help = "Examples:\n  verifier show first-1.0.bundle.tar\n  verifier show - --dsse < first-1.0.bundle.tar"
    )]
    Show {
        /// A file, a folder, or `-` for standard input
        bundle: PathBuf,
        /// Print manifest and signatures as one DSSE envelope
        #[arg(long)]
        dsse: bool,
    },
    /// Prove a bundle, byte for byte and signature for signature
    #[command(
        after_help = "Examples:\n  verifier verify first-1.0.bundle.tar\n  verifier verify disc --signatures countersigned.json"
    )]
    Verify(Source),
    /// Prove a bundle and put its files in place
    #[command(
        after_help = "Examples:\n  verifier install first-1.0.bundle.tar --plan\n  verifier install disc --root image --except docs"
    )]
    Install(Install),
    /// Check a vendor's signature on a file outside any bundle
    #[command(
        after_help = "Examples:\n  verifier check hello.sh --key vendor.asc --pin $PIN\n  verifier check hello.sh --as openpgp --signature hello.sh.sig \\\n      --key vendor.asc --pin $PIN --now 2026-11-22T00:00:00Z"
    )]
    Check(Box<Check>),
}

/// The bundle, and signatures that came beside it.
#[derive(Debug, Args)]
pub struct Source {
    /// A file, a folder, or `-` for standard input
    pub bundle: PathBuf,
    /// More signatures, as `bundler sign -o FILE` writes them
    #[arg(long, value_name = "FILE")]
    pub signatures: Option<PathBuf>,
}

/// Whom this host trusts.
#[derive(Debug, Subcommand)]
pub enum Trust {
    /// Trust a first root, whose fingerprint came another way
    #[command(
        after_help = "Examples:\n  verifier trust init root.json --fingerprint $FINGERPRINT\n  verifier trust init root.json --fingerprint $FINGERPRINT --replace"
    )]
    Init {
        /// The trust root
        root: PathBuf,
        /// Its SHA-256, as `bundler root show` prints it
        #[arg(long, value_name = "SHA256", value_parser = fingerprint)]
        fingerprint: Sha256Digest,
        /// What this host is called, in reports
        #[arg(long, value_name = "NAME", value_parser = name)]
        host: Option<Name>,
        /// Give up the present root; this is recorded, the ledger stays
        #[arg(long)]
        replace: bool,
    },
    /// Walk from this root to the next, and on
    #[command(
        after_help = "Examples:\n  verifier trust update root-2.json\n  verifier trust update root-2.json root-3.json"
    )]
    Update {
        /// The next trust roots, in order
        #[arg(required = true)]
        roots: Vec<PathBuf>,
    },
    /// Show the root, its rules, and what was accepted
    #[command(
        after_help = "Examples:\n  verifier trust show\n  verifier trust show --host-key > this-host.pub"
    )]
    Show {
        /// Print only this host's public key, for enrolment
        #[arg(long)]
        host_key: bool,
    },
}

/// What to install, and where.
#[derive(Debug, Args)]
pub struct Install {
    /// A file, a folder, or `-` for standard input
    #[arg(required_unless_present = "resume")]
    pub bundle: Option<PathBuf>,
    /// More signatures, as `bundler sign -o FILE` writes them
    #[arg(long, value_name = "FILE")]
    pub signatures: Option<PathBuf>,
    /// Only show what would be done
    #[arg(long)]
    pub plan: bool,
    /// Install this component and no other (repeatable)
    #[arg(long, value_name = "C", value_parser = name)]
    pub only: Vec<Name>,
    /// Leave this component out (repeatable)
    #[arg(long, value_name = "C", value_parser = name)]
    pub except: Vec<Name>,
    /// Install what is tied to this partition, too (repeatable)
    #[arg(long = "partition", value_name = "P", value_parser = name)]
    pub partitions: Vec<Name>,
    /// Install beneath this folder instead of /
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Bring an interrupted install to an end, and do nothing else
    #[arg(long, conflicts_with_all = ["bundle", "signatures", "plan", "only", "except", "partitions"])]
    pub resume: bool,
}

/// What to check, and against whom.
#[derive(Debug, Args)]
pub struct Check {
    /// Files to check; `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The kind of evidence [default: what the content says]
    #[arg(long = "as", value_enum, value_name = "KIND")]
    pub kind: Option<Kind>,
    /// What is demanded.
    #[command(flatten)]
    pub demand: Demand,
    /// Weak algorithms that this check tolerates (repeatable)
    #[arg(long, value_name = "WEAK", value_parser = weak())]
    pub allow: Vec<Weak>,
    /// Judge at this time instead of now
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub now: Option<Timestamp>,
}

/// What is demanded of vendor evidence. Which option goes with which kind stands in `docs/vendor-signatures/`.
#[derive(Debug, Default, Args)]
pub struct Demand {
    /// Key fingerprint, or SHA-256 of the leaf certificate (repeatable:
    /// any)
    #[arg(long = "pin", value_name = "PIN")]
    pub pins: Vec<String>,
    /// Keys that may have signed: a file or folder (repeatable)
    #[arg(long = "key", value_name = "FILE", help_heading = "Signed with OpenPGP")]
    pub keys: Vec<PathBuf>,
    /// The detached signature [default: FILE.sig or FILE.asc]
    #[arg(long, value_name = "FILE", help_heading = "Signed with OpenPGP")]
    pub signature: Option<PathBuf>,
    /// The repository's Release or InRelease, for apt-deb
    #[arg(long, value_name = "FILE", help_heading = "Signed with OpenPGP")]
    pub release: Option<PathBuf>,
    /// The repository's Packages, for apt-deb
    #[arg(long, value_name = "FILE", help_heading = "Signed with OpenPGP")]
    pub packages: Option<PathBuf>,
    /// The member that is signed, for zip-member
    #[arg(long, value_name = "NAME", help_heading = "Signed with OpenPGP")]
    pub member: Option<String>,
    /// CA certificates that a chain may end in (repeatable)
    #[arg(long = "ca", value_name = "FILE", help_heading = "Signed with a certificate")]
    pub authorities: Vec<PathBuf>,
    /// The same for timestamps [default: those of --ca]
    #[arg(long = "tsa-ca", value_name = "FILE", help_heading = "Signed with a certificate")]
    pub timestamp_authorities: Vec<PathBuf>,
    /// Certificates between leaf and CA, for certificate (repeatable)
    #[arg(long = "intermediate", value_name = "FILE", help_heading = "Signed with a certificate")]
    pub intermediates: Vec<PathBuf>,
    /// What the leaf is for, for certificate [default: any]
    #[arg(long, value_enum, value_name = "PURPOSE", help_heading = "Signed with a certificate")]
    pub purpose: Option<Purpose>,
    /// The whole CN or DN of the leaf, for authenticode
    #[arg(long, value_name = "NAME", help_heading = "Signed with a certificate")]
    pub publisher: Option<String>,
    /// The Apple team, for apple-pkg and apple-code
    #[arg(long = "team-id", value_name = "ID", help_heading = "Signed with a certificate")]
    pub team: Option<String>,
}

/// Kinds of vendor evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Any file with a detached OpenPGP signature
    Openpgp,
    /// An RPM package
    Rpm,
    /// A .deb with debsigs signatures inside
    Deb,
    /// A signed InRelease, or Release with --signature
    AptRelease,
    /// A .deb by way of its repository's signed Release
    AptDeb,
    /// A Windows exe, dll, sys, msi or cab
    Authenticode,
    /// A macOS installer package
    ApplePkg,
    /// A macOS program (Mach-O)
    AppleCode,
    /// A zip of which one member has a detached signature
    ZipMember,
    /// A trust policy of Notation: is it valid
    TrustPolicy,
    /// A trust store of Notation, a folder: is it valid
    TrustStore,
    /// A certificate and its chain
    Certificate,
    /// A zip: is it safe to unpack
    Zip,
    /// A tar: is it safe to unpack
    Tar,
    /// A gzip: is it safe to unpack
    Gzip,
}

impl Kind {
    /// The word as the command line and documents write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Openpgp => "openpgp",
            Self::Rpm => "rpm",
            Self::Deb => "deb",
            Self::AptRelease => "apt-release",
            Self::AptDeb => "apt-deb",
            Self::Authenticode => "authenticode",
            Self::ApplePkg => "apple-pkg",
            Self::AppleCode => "apple-code",
            Self::ZipMember => "zip-member",
            Self::TrustPolicy => "trust-policy",
            Self::TrustStore => "trust-store",
            Self::Certificate => "certificate",
            Self::Zip => "zip",
            Self::Tar => "tar",
            Self::Gzip => "gzip",
        }
    }
}

/// What a certificate must be good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Purpose {
    /// Code signing
    CodeSigning,
    /// Timestamps
    Timestamping,
    /// Anything
    Any,
}

fn weak() -> impl TypedValueParser<Value = Weak> {
    PossibleValuesParser::new(Weak::ALL.map(Weak::as_str)).try_map(|text| {
        Weak::ALL.into_iter().find(|weak| weak.as_str() == text).ok_or("not a weakness that is known")
    })
}

fn fingerprint(text: &str) -> Result<Sha256Digest, String> {
    let joined: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    Sha256Digest::parse(&joined).map_err(|error| error.to_string())
}

fn name(text: &str) -> Result<Name, String> {
    Name::new(text).map_err(|error| error.to_string())
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn definitions_are_sound() {
        super::Cli::command().debug_assert();
    }
}
