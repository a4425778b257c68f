// SPDX-License-Identifier: Apache-2.0
//! `bundler init`: a recipe that ships with the program, written down to start from.

use std::path::{Path, PathBuf};

use verifier::error::Code;
use verifier::nearest::nearest;

use crate::failure::Failure;
use crate::files::{Access, create_new};
use crate::lock::file::quoted;
use crate::source::{Source, Table, list};

/// A recipe that ships with the program.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    /// What `--recipe` calls it.
    pub name: &'static str,
    /// What it is for, in a line.
    pub title: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// All of them.
pub const RECIPES: &[Shipped] = &[Shipped {
    name: "first",
    title: "the smallest one: a signed package, a note, a tree of documents",
    text: include_str!("../../manifests/recipes/first.toml"),
}];

/// Writes `bundle.toml` into a folder, which is made where it is missing; says where it is.
pub fn write(folder: &Path, recipe: &str, sets: &[(String, String)]) -> Result<PathBuf, Failure> {
    let shipped = find(recipe)?;
    let text = with_variables(shipped, sets)?;
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::writing(folder.display().to_string(), &error))?;
    let path = folder.join("bundle.toml");
    create_new(&path, text.as_bytes(), Access::Public)?;
    Ok(path)
}

fn find(name: &str) -> Result<&'static Shipped, Failure> {
    let names: Vec<&str> = RECIPES.iter().map(|recipe| recipe.name).collect();
    RECIPES.iter().find(|recipe| recipe.name == name).ok_or_else(|| {
        let failure = Failure::usage(format!("--recipe {name}"), "names no recipe that ships with bundler");
        match nearest(name, names.iter().copied()) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure.hint(format!("there is {}; see --list", list(&names))),
        }
    })
}

/// The text with other values for some of its variables; comments and layout stay as they are.
fn with_variables(shipped: &Shipped, sets: &[(String, String)]) -> Result<String, Failure> {
    let source = Source::new(shipped.name, shipped.text);
    let document = source.parse()?;
    let root = Table::open(&source, "the recipe", 0..0, document.get_ref());
    let variables = match root.optional("variables") {
        Some(section) => section.open_table("[variables]")?.entries(),
        None => Vec::new(),
    };
    let mut replaced = Vec::new();
    for (name, value) in sets {
        let Some(variable) = variables.iter().find(|variable| variable.key() == name) else {
            let known: Vec<&str> = variables.iter().map(|variable| variable.key()).collect();
            return Err(Failure::usage(format!("--set {name}"), "names no variable of the recipe")
                .hint(format!("recipe `{}` has {}", shipped.name, list(&known))));
        };
        replaced.retain(|(span, _): &(std::ops::Range<usize>, String)| *span != variable.span());
        replaced.push((variable.span(), quoted(value)));
    }
    replaced.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
    let mut text = shipped.text.to_owned();
    for (span, value) in replaced {
        text.replace_range(span, &value);
    }
    // What is written must be a recipe.
    crate::recipe::Recipe::from_text("bundle.toml", &text, PathBuf::new(), Default::default()).map_err(
        |failure| Failure::new(Code::Usage, "--set", "makes a recipe that is not valid").found(failure),
    )?;
    Ok(text)
}
