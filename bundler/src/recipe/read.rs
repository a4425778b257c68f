// SPDX-License-Identifier: Apache-2.0
//! The whole document: variables first, then each section, then what the sections say of each other.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use manifests::bundle;
use manifests::name::Name;
use verifier::nearest::nearest;

use super::shapes::NAME_PATTERN;
use super::{
    Demand, Recipe, Signer, TrustPolicy, TrustStore, check, digest, evidence, hosts, image, notary, sections,
};
use crate::failure::Failure;
use crate::keys::{Key, Keys, Repeats, Shape};
use crate::source::{GIVEN, Source, Table, Value, is_variable};

/// The whole recipe.
pub(super) const DOCUMENT: Keys = Keys::of(&[
    Key::required("bundle", Shape::Table(&sections::BUNDLE), "The bundle itself."),
    Key::optional(
        "variables",
        Shape::Map("^(?!(?:source|os|arch|machine)$)[A-Za-z0-9_]*$", &Shape::Verbatim("")),
        "`$name` in a text of the recipe stands for the value; an empty one has none yet.",
    ),
    Key::optional(
        "host",
        Shape::Map(r"[\s\S]", &Shape::Table(&hosts::HOST)),
        "How to fetch from one host, HOST or HOST:PORT. Nothing of it is ever in the lock.",
    ),
    Key::optional(
        "signer",
        Shape::Map(NAME_PATTERN, &Shape::Table(&evidence::SIGNER)),
        "Who must have signed: told by an OpenPGP key, or by a certificate.",
    ),
    Key::optional(
        "component",
        sections_of(&Shape::Table(&sections::COMPONENT)),
        "What is installed together.",
    ),
    Key::optional("artifact", sections_of(&Shape::Table(&sections::ARTIFACT)), "A single file."),
    Key::optional("tree", sections_of(&Shape::Table(&sections::TREE)), "A folder."),
    Key::optional(
        "trust-store",
        sections_of(&Shape::Table(&notary::TRUST_STORE)),
        "A trust store of the Notary Project.",
    ),
    Key::optional(
        "trust-policy",
        sections_of(&Shape::Table(&notary::TRUST_POLICY)),
        "A trust policy of the Notary Project.",
    ),
    Key::optional(
        "image",
        sections_of(&Shape::Table(&image::IMAGE)),
        "An OCI image. This version reads and checks images, and carries none.",
    ),
    Key::optional(
        "check",
        sections_of(&Shape::Table(&check::CHECK)),
        "What must be true after an install, on a host that this bundle was installed on.",
    ),
]);

/// Any number of `[[…]]`.
const fn sections_of(section: &'static Shape) -> Shape {
    Shape::List(section, 0, Repeats::Allowed)
}

pub(super) fn recipe(
    source: Source,
    folder: PathBuf,
    sets: BTreeMap<String, String>,
) -> Result<Recipe, Failure> {
    let variables = variables(&source, &sets)?;
    let source = source.with_variables(variables);
    let document = source.parse()?;
    let root = Table::new(&source, "the recipe", 0..0, document.get_ref(), DOCUMENT)?;

    let bundle = sections::bundle(&root.required("bundle")?)?;
    let hosts = hosts::hosts(&root, &folder)?;
    let signers = signers(&root)?;
    let mut names = Names::default();
    let mut components = list(&root, "component", |item| names.component(item))?;
    // Components that nobody wrote: the alternatives of one section.
    let mut made = Vec::new();
    let artifacts = list(&root, "artifact", |item| {
        let mut artifacts = sections::artifacts(item)?;
        if let Some(own) = sections::component_of_alternatives(item, &artifacts)? {
            names.components.insert(own.name.clone());
            artifacts.iter_mut().for_each(|artifact| artifact.component = Some(own.name.clone()));
            made.push(own);
        }
        for artifact in &artifacts {
            names.member(item, &artifact.name, artifact.component.as_ref())?;
            if let Demand::SignedBy { signer, .. } = &artifact.demand {
                known_signer(item, signer, &signers)?;
            }
        }
        Ok(artifacts)
    })?;
    components.append(&mut made);
    let trees = list(&root, "tree", |item| {
        let tree = sections::tree(item)?;
        names.member(item, &tree.name, tree.component.as_ref())?;
        Ok(tree)
    })?;
    let trust_stores = list(&root, "trust-store", |item| names.trust_store(item))?;
    let trust_policies = list(&root, "trust-policy", |item| names.trust_policy(item))?;
    let images = list(&root, "image", |item| image::image(item, &trust_policies))?;
    let checks = list(&root, "check", |item| names.check(item))?;
    let digest = digest(&source);
    drop(root);
    drop(document);
    Ok(Recipe {
        source,
        folder,
        digest,
        sets,
        bundle,
        hosts,
        signers,
        components,
        artifacts: artifacts.into_iter().flatten().collect(),
        trees,
        trust_stores,
        trust_policies,
        images,
        checks,
    })
}

/// `[variables]` with the values of `--set` over them. A value is taken as it stands.
fn variables(source: &Source, sets: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Failure> {
    let document = source.parse()?;
    let root = Table::open(source, "the recipe", 0..0, document.get_ref());
    let mut variables = BTreeMap::new();
    if let Some(section) = root.optional("variables") {
        for value in section.open_table("[variables]")?.entries() {
            if value.key().is_empty() || !value.key().chars().all(is_variable) || GIVEN.contains(&value.key())
            {
                return Err(source
                    .error(value.key_span(), format!("has a bad name for a variable: `{}`", value.key()))
                    .expected("letters, digits and _; not source, os, arch or machine, which are given"));
            }
            variables.insert(value.key().to_owned(), value.string()?.text);
        }
    }
    let parameters = parameters(&root)?;
    if let Some(section) = root.optional("variables")
        && let Some(both) =
            section.open_table("[variables]")?.entries().iter().find(|value| parameters.contains(value.key()))
    {
        return Err(source
            .error(both.key_span(), format!("has a variable and a parameter of one name: `{}`", both.key()))
            .hint("--set could not tell them apart: rename one of them"));
    }
    for (name, value) in sets {
        if parameters.contains(name) {
            continue;
        }
        if variables.insert(name.clone(), value.clone()).is_none() {
            let failure =
                Failure::usage(format!("--set {name}"), "names no variable or parameter of the recipe");
            let known = variables.keys().filter(|known| *known != name).chain(&parameters);
            let near = nearest(name, known.map(String::as_str));
            return Err(match near {
                Some(near) => failure.hint(format!("did you mean `{near}`?")),
                None => failure.hint("give it a default under [variables] first"),
            });
        }
    }
    Ok(variables)
}

/// The names of variables and parameters.
pub(super) fn settable(source: &Source) -> Result<BTreeSet<String>, Failure> {
    let document = source.parse()?;
    let root = Table::open(source, "the recipe", 0..0, document.get_ref());
    let mut names = parameters(&root)?;
    if let Some(section) = root.optional("variables") {
        let variables = section.open_table("[variables]")?.entries();
        names.extend(variables.iter().map(|variable| variable.key().to_owned()));
    }
    Ok(names)
}

/// The parameters of all trust policies, which `--set` may give too.
fn parameters(root: &Table<'_>) -> Result<BTreeSet<String>, Failure> {
    let policies = list(root, "trust-policy", |item| {
        let parameters = item.open_table("[[trust-policy]]")?.optional("parameters");
        let names = parameters.map(|value| value.array()).transpose()?.unwrap_or_default();
        names.iter().map(|name| Ok(name.string()?.text)).collect::<Result<Vec<_>, Failure>>()
    })?;
    Ok(policies.into_iter().flatten().collect())
}

fn signers(root: &Table<'_>) -> Result<BTreeMap<Name, Signer>, Failure> {
    let mut signers = BTreeMap::new();
    if let Some(section) = root.optional("signer") {
        for value in section.open_table("[signer]")?.entries() {
            let (name, signer) = evidence::signer(&value)?;
            signers.insert(name, signer);
        }
    }
    Ok(signers)
}

/// Each item of `[[key]]`, in the order of the text.
fn list<T>(
    root: &Table<'_>,
    key: &str,
    mut read: impl FnMut(&Value<'_>) -> Result<T, Failure>,
) -> Result<Vec<T>, Failure> {
    match root.optional(key) {
        Some(items) => items.array()?.iter().map(&mut read).collect(),
        None => Ok(Vec::new()),
    }
}

fn known_signer(item: &Value<'_>, signer: &Name, signers: &BTreeMap<Name, Signer>) -> Result<(), Failure> {
    if signers.contains_key(signer) {
        return Ok(());
    }
    let at = item.open_table("[[artifact]]")?.required("signed-by")?;
    let failure = at.error(format!("names the signer `{signer}`, which the recipe does not have"));
    Err(match nearest(signer.as_str(), signers.keys().map(Name::as_str)) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint(format!("add a section [signer.{signer}]")),
    })
}

/// Folders of a bundle that belong to no artifact or tree.
const TAKEN: [&str; 3] = ["signers", "trust-stores", "trust-policies"];

/// Names that must differ, and those that must be known.
#[derive(Default)]
struct Names {
    components: BTreeSet<Name>,
    /// Without regard to case.
    members: BTreeSet<String>,
    /// Those that are a component by themselves.
    alone: BTreeSet<Name>,
    stores: BTreeSet<String>,
    policies: BTreeMap<String, BTreeSet<Option<String>>>,
    checks: BTreeSet<String>,
}

impl Names {
    fn trust_store(&mut self, item: &Value<'_>) -> Result<TrustStore, Failure> {
        let store = notary::trust_store(item)?;
        if !self.stores.insert(store.reference().to_ascii_lowercase()) {
            return Err(at(item, "name")?
                .error(format!("names a second trust store `{}`", store.reference()))
                .hint("a store may have several certificates: `certificate` takes a list"));
        }
        Ok(store)
    }

    fn trust_policy(&mut self, item: &Value<'_>) -> Result<TrustPolicy, Failure> {
        let policy = notary::trust_policy(item)?;
        let of = self.policies.entry(policy.name.as_str().to_ascii_lowercase()).or_default();
        let (new, first) = (policy.partition.as_ref().map(ToString::to_string), of.is_empty());
        if !first && (new.is_none() || of.contains(&None)) || !of.insert(new) {
            return Err(at(item, "name")?
                .error(format!("names a second trust policy `{}`", policy.key()))
                .hint("one for each `partition`, or one for all"));
        }
        Ok(policy)
    }

    fn check(&mut self, item: &Value<'_>) -> Result<bundle::Check, Failure> {
        let check = check::check(item)?;
        if !self.checks.insert(check.name.clone()) {
            return Err(at(item, "name")?.error(format!("names a second check `{}`", check.name)));
        }
        if let Some(component) = &check.component
            && !self.components.contains(component)
            && !self.alone.contains(component)
        {
            return Err(self.unknown_component(item, component)?);
        }
        Ok(check)
    }

    fn unknown_component(&self, item: &Value<'_>, component: &Name) -> Result<Failure, Failure> {
        let failure = at(item, "component")?.error(format!("names an unknown component `{component}`"));
        Ok(match nearest(component.as_str(), self.components.iter().map(Name::as_str)) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure.hint("add a [[component]] of that name"),
        })
    }

    fn component(&mut self, item: &Value<'_>) -> Result<manifests::bundle::Component, Failure> {
        let component = sections::component(item)?;
        if !self.components.insert(component.name.clone()) {
            return Err(at(item, "name")?.error(format!("names a second component `{}`", component.name)));
        }
        Ok(component)
    }

    fn member(&mut self, item: &Value<'_>, name: &Name, component: Option<&Name>) -> Result<(), Failure> {
        if let Some(taken) = TAKEN.into_iter().find(|taken| name.as_str().eq_ignore_ascii_case(taken)) {
            return Err(at(item, "name")?
                .error(format!("has a name that is taken: `{name}`"))
                .hint(format!("files/{taken}/ holds other files of the bundle: choose another name")));
        }
        if !self.members.insert(name.as_str().to_ascii_lowercase()) {
            return Err(at(item, "name")?
                .error(format!("names a second artifact or tree `{name}`"))
                .hint("names must differ by more than upper and lower case"));
        }
        match component {
            Some(component) if !self.components.contains(component) => {
                Err(self.unknown_component(item, component)?)
            }
            None if self.components.contains(name) => Err(at(item, "name")?
                .error(format!("has the name of the component `{name}` without belonging to it"))
                .hint(format!("say `component = \"{name}\"`, or choose another name"))),
            None => {
                self.alone.insert(name.clone());
                Ok(())
            }
            Some(_) => Ok(()),
        }
    }
}

fn at<'a>(item: &Value<'a>, key: &str) -> Result<Value<'a>, Failure> {
    item.open_table("the section")?.required(key)
}
