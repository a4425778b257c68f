// SPDX-License-Identifier: Apache-2.0
//! The trust policy: bytes in, statements out, every rule of the specification ("trust policy properties",
//! "trust policy constraints") held.
//!
//! Two forms: for images (`registryScopes`; `trustpolicy.json`, `trustpolicy.oci.json`) and for files, which
//! Notation knows from version 2 on (no scopes, one statement may have `globalPolicy`; `trustpolicy.blob.json`).

use std::collections::{BTreeMap, BTreeSet};

use manifests::json;

use super::identity::{Identity, Subject};
use super::scope::is_scope;
use super::value::{Object, Place};
use super::{Malformed, StoreName, broken, quoted};

/// Bytes of one document. Real ones have less than 100 KiB.
pub const MAX_POLICY_BYTES: usize = 1024 * 1024;
/// Identities of one document: those of a statement are compared with each other. Real ones have a handful.
pub const MAX_IDENTITIES: usize = 1000;

/// A trust policy in which every rule holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustPolicy {
    form: Form,
    statements: Vec<Statement>,
}

/// What a policy is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Images and other artifacts in registries.
    Oci,
    /// Files.
    Blob,
}

/// One statement of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    name: String,
    scopes: Vec<String>,
    reach: Reach,
    level: Level,
    overrides: BTreeMap<Validation, Action>,
    timestamps: TimestampDemand,
    stores: Vec<StoreName>,
    identities: Vec<Identity>,
}

/// Whether a statement for files holds where none is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Named,
    Global,
}

macro_rules! words {
    ($(#[$doc:meta])* $type:ident { $($(#[$about:meta])* $name:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $type { $($(#[$about])* $name,)* }

        impl $type {
            const WORDS: &[(&str, Self)] = &[$(($word, Self::$name),)*];

            /// The word as policies write it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

words! {
    /// What is verified, as a whole.
    Level {
        /// All is enforced.
        Strict = "strict",
        /// Integrity and authenticity are enforced, the rest is logged.
        Permissive = "permissive",
        /// Integrity is enforced, the rest is logged.
        Audit = "audit",
        /// Nothing is looked at.
        Skip = "skip",
    }
}

words! {
    /// A validation whose action may be set apart from the level. Integrity is none of them.
    Validation {
        /// The signer is trusted.
        Authenticity = "authenticity",
        /// The certificates were valid when it was signed.
        AuthenticTimestamp = "authenticTimestamp",
        /// The signature has not expired.
        Expiry = "expiry",
        /// No certificate was revoked.
        Revocation = "revocation",
    }
}

words! {
    /// What follows where a validation fails.
    Action {
        /// The signature is refused.
        Enforce = "enforce",
        /// It is said.
        Log = "log",
        /// It is not even looked at; for revocation alone.
        Skip = "skip",
    }
}

words! {
    /// When a signature needs a timestamp, where a `tsa` store is named.
    TimestampDemand {
        /// Always: what holds where nothing is said.
        Always = "always",
        /// Once a certificate of the chain has expired.
        AfterCertExpiry = "afterCertExpiry",
    }
}

impl TrustPolicy {
    /// Reads one document. Strict where Notation is not: no unknown keys, none twice or in another letter case,
    /// nothing behind the end.
    pub fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let document: serde_json::Value = json::scan(bytes, MAX_POLICY_BYTES)?.read_part()?;
        let top = Place::new("trust policy", &document).object(&["version", "trustPolicies"], ", ")?;
        let version = top.member("version", "\"1.0\"")?;
        if version.text()? != "1.0" {
            return Err(version.wanted("\"1.0\""));
        }
        let list = top.member("trustPolicies", "a list of statements")?;
        let items = list.items()?;
        if items.is_empty() {
            return Err(broken(list.at, "at least one statement", "an empty list"));
        }
        // Statements without scopes are for files; one with scopes makes the rest incomplete.
        let has_scopes =
            |item: &Place<'_>| item.members().is_ok_and(|keys| keys.contains_key("registryScopes"));
        let form = if items.iter().any(has_scopes) { Form::Oci } else { Form::Blob };
        let mut statements: Vec<Statement> = Vec::new();
        let mut identities = 0_usize;
        for (number, item) in (1_usize..).zip(&items) {
            let statement = Statement::read(item, number, form)?;
            identities = identities.saturating_add(statement.identities.len());
            if identities > MAX_IDENTITIES {
                let wanted = format!("at most {MAX_IDENTITIES} identities in all statements");
                return Err(broken(list.at, wanted, format!("{identities} or more")));
            }
            statements.push(statement);
        }
        require_unique_names(&statements)?;
        require_unique_scopes(&statements)?;
        require_one_global(&statements)?;
        Ok(Self { form, statements })
    }

    /// What it is about.
    pub const fn form(&self) -> Form {
        self.form
    }

    /// Its statements, in their order.
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// Every store that it names. Whether one exists, [`super::store`] says.
    pub fn stores(&self) -> BTreeSet<&StoreName> {
        self.statements.iter().flat_map(|statement| &statement.stores).collect()
    }

    /// The statement for a repository: the one that names it, else the one for all. None: no signature counts.
    pub fn for_repository(&self, repository: &str) -> Option<&Statement> {
        let names =
            |scope: &str| self.statements.iter().find(|one| one.scopes.iter().any(|own| own == scope));
        if repository == "*" { None } else { names(repository).or_else(|| names("*")) }
    }

    /// What is valid, and probably not meant.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.form == Form::Blob {
            notes.push(
                "a policy for files (no statement has registryScopes): Notation 1 does not read it"
                    .to_owned(),
            );
        }
        for statement in &self.statements {
            let said = statement.identities.iter().filter_map(Identity::note);
            notes.extend(said.map(|note| format!("statement {}: {note}", quoted(&statement.name))));
        }
        notes
    }
}

impl Statement {
    fn read(place: &Place<'_>, number: usize, form: Form) -> Result<Self, Malformed> {
        const COMMON: [&str; 4] = ["name", "signatureVerification", "trustStores", "trustedIdentities"];
        let own = match form {
            Form::Oci => "registryScopes",
            Form::Blob => "globalPolicy",
        };
        let keys = [&COMMON[..], &[own]].concat();
        let called = match place.members()?.get("name").and_then(|name| name.text().ok()) {
            Some(name) => format!("statement {number} {}", quoted(name)),
            None => format!("statement {number}"),
        };
        let object = place.clone().called(called).object(&keys, ", ")?;
        let name = object.member("name", "a name")?;
        if name.text()?.is_empty() {
            return Err(name.wanted("a name that is not empty"));
        }
        let name = name.text()?.to_owned();
        let verification = object.member("signatureVerification", "an object with `level`")?;
        let verification = verification.object(&["level", "override", "verifyTimestamp"], ".")?;
        let level_place = verification.member("level", &one_of(Level::WORDS))?;
        let level = word(&level_place, Level::WORDS)?;
        let timestamps = match verification.maybe("verifyTimestamp") {
            Some(place) => word(&place, TimestampDemand::WORDS)?,
            None => TimestampDemand::Always,
        };
        let scopes = match form {
            Form::Oci => scopes(&object)?,
            Form::Blob => Vec::new(),
        };
        let global = match object.maybe("globalPolicy") {
            Some(place) => place.boolean()?,
            None => false,
        };
        // Specification: `skip` must not be what holds for everything that is not named.
        if level == Level::Skip && (global || scopes.iter().any(|scope| scope == "*")) {
            let wanted = "another level for the statement that holds where none is named";
            return Err(level_place.wanted(wanted));
        }
        let statement = Self {
            name,
            scopes,
            reach: if global { Reach::Global } else { Reach::Named },
            level,
            overrides: overrides(&verification, level)?,
            timestamps,
            stores: stores(&object)?,
            identities: identities(&object)?,
        };
        statement.require_whom(&object)?;
        Ok(statement)
    }

    /// `skip` needs neither stores nor identities and may not have them; every other level needs both.
    fn require_whom(&self, object: &Object<'_>) -> Result<(), Malformed> {
        for (key, empty) in
            [("trustStores", self.stores.is_empty()), ("trustedIdentities", self.identities.is_empty())]
        {
            let (wanted, found) = match (self.level, empty) {
                (Level::Skip, false) => ("nothing with level skip", "entries"),
                (Level::Strict | Level::Permissive | Level::Audit, true) => ("at least one entry", "none"),
                _ => continue,
            };
            return Err(broken(object.place(key), wanted, found));
        }
        Ok(())
    }

    /// Its name, unique in the policy.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Repositories, or `*` alone. Empty in a policy for files.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// Whether, in a policy for files, it holds where no statement is named.
    pub fn is_global(&self) -> bool {
        self.reach == Reach::Global
    }

    /// What is verified.
    pub const fn level(&self) -> Level {
        self.level
    }

    /// Where it differs from the level.
    pub const fn overrides(&self) -> &BTreeMap<Validation, Action> {
        &self.overrides
    }

    /// When a timestamp is needed.
    pub const fn timestamps(&self) -> TimestampDemand {
        self.timestamps
    }

    /// The stores whose certificates count.
    pub fn stores(&self) -> &[StoreName] {
        &self.stores
    }

    /// Whose signatures count.
    pub fn identities(&self) -> &[Identity] {
        &self.identities
    }
}

fn one_of<T>(words: &[(&str, T)]) -> String {
    let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    format!("one of {}", words.join(", "))
}

/// One of some words, in their letter case.
fn word<T: Copy>(place: &Place<'_>, words: &[(&str, T)]) -> Result<T, Malformed> {
    let text = place.text()?;
    let known = words.iter().find(|(word, _)| *word == text);
    known.map(|(_, value)| *value).ok_or_else(|| place.wanted(&one_of(words)))
}

fn scopes(object: &Object<'_>) -> Result<Vec<String>, Malformed> {
    let items = object.member("registryScopes", "at least one repository, or `*`")?;
    let at = items.at.clone();
    let items = items.items()?;
    if items.is_empty() {
        return Err(broken(at, "at least one repository, or `*`", "an empty list"));
    }
    let mut scopes = Vec::new();
    for item in &items {
        match item.text()? {
            "*" if items.len() > 1 => return Err(item.wanted("`*` as the only scope of its statement")),
            text if text != "*" && !is_scope(text) => {
                return Err(
                    item.wanted("REGISTRY/REPOSITORY without scheme, tag, digest or wildcard, or `*` alone")
                );
            }
            text => scopes.push(text.to_owned()),
        }
    }
    Ok(scopes)
}

fn overrides(verification: &Object<'_>, level: Level) -> Result<BTreeMap<Validation, Action>, Malformed> {
    let mut overrides = BTreeMap::new();
    let Some(place) = verification.maybe("override") else { return Ok(overrides) };
    for (key, value) in place.members()? {
        let Some((_, validation)) = Validation::WORDS.iter().find(|(word, _)| *word == key) else {
            return Err(broken(&place.at, one_of(Validation::WORDS), format!("the key {}", quoted(key))));
        };
        let action = word(&value, Action::WORDS)?;
        if action == Action::Skip && *validation != Validation::Revocation {
            return Err(value.wanted("enforce or log: only revocation may be skipped"));
        }
        overrides.insert(*validation, action);
    }
    if level == Level::Skip && !overrides.is_empty() {
        return Err(broken(place.at, "nothing with level skip", "entries"));
    }
    Ok(overrides)
}

fn stores(object: &Object<'_>) -> Result<Vec<StoreName>, Malformed> {
    let Some(place) = object.maybe("trustStores") else { return Ok(Vec::new()) };
    let store = |item: &Place<'_>| {
        let wanted =
            "TYPE:NAME with type ca, signingAuthority or tsa, the name of letters, digits, `_`, `.` and `-`";
        StoreName::parse(item.text()?).ok_or_else(|| item.wanted(wanted))
    };
    place.items()?.iter().map(store).collect()
}

fn identities(object: &Object<'_>) -> Result<Vec<Identity>, Malformed> {
    let Some(place) = object.maybe("trustedIdentities") else { return Ok(Vec::new()) };
    let items = place.items()?;
    if items.len() > MAX_IDENTITIES {
        return Err(broken(place.at, format!("at most {MAX_IDENTITIES} entries"), items.len().to_string()));
    }
    let mut identities = Vec::new();
    let mut subjects: Vec<(&Place<'_>, Subject)> = Vec::new();
    for item in &items {
        let identity = Identity::parse(item.text()?).map_err(|wanted| item.wanted(&wanted))?;
        match &identity {
            Identity::Any if items.len() > 1 => {
                return Err(item.wanted("`*` as the only identity of its statement"));
            }
            Identity::Subject(subject) => {
                let other = subjects.iter().find(|(_, other)| subject.covers(other) || other.covers(subject));
                if let Some((other, _)) = other {
                    return Err(item.wanted(&format!("a subject that does not overlap with {}", other.at)));
                }
                subjects.push((item, subject.clone()));
            }
            _ => {}
        }
        identities.push(identity);
    }
    Ok(identities)
}

fn require_unique_names(statements: &[Statement]) -> Result<(), Malformed> {
    let mut seen = BTreeMap::new();
    for (number, statement) in (1_usize..).zip(statements) {
        if let Some(first) = seen.insert(&statement.name, number) {
            let at = format!("statement {number}, name");
            return Err(broken(at, format!("another name than statement {first}"), quoted(&statement.name)));
        }
    }
    Ok(())
}

fn require_unique_scopes(statements: &[Statement]) -> Result<(), Malformed> {
    let mut seen = BTreeMap::new();
    for (number, statement) in (1_usize..).zip(statements) {
        for scope in &statement.scopes {
            if let Some(first) = seen.insert(scope, number) {
                let at = format!("statement {number} {}, registryScopes", quoted(&statement.name));
                let wanted = format!("each scope once, and it stands in statement {first} already");
                return Err(broken(at, wanted, quoted(scope)));
            }
        }
    }
    Ok(())
}

fn require_one_global(statements: &[Statement]) -> Result<(), Malformed> {
    let mut global = (1_usize..).zip(statements).filter(|(_, statement)| statement.is_global());
    match (global.next(), global.next()) {
        (Some((first, _)), Some((second, statement))) => {
            let at = format!("statement {second} {}, globalPolicy", quoted(&statement.name));
            Err(broken(at, format!("one global statement at most, and statement {first} is one"), "true"))
        }
        _ => Ok(()),
    }
}
