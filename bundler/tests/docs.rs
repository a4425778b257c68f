// SPDX-License-Identifier: Apache-2.0
//! Man pages and completions of both programs come from their `cli.rs`, the schema of recipes from the keys that the
//! reader knows; what is committed must not differ.
//!
//! `SEALIFT_REGENERATE=1 cargo test --test docs` writes them anew.
#![allow(clippy::unwrap_used, reason = "a test that cannot read its own files has failed")]

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};
use clap_complete::Shell;

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

fn programs() -> [Command; 2] {
    [bundler::cli::Cli::command(), verifier::cli::Cli::command()]
}

/// Compares a generated file with the committed one, or writes it.
fn hold(path: &Path, generated: &[u8]) {
    if std::env::var_os("SEALIFT_REGENERATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, generated).unwrap();
    }
    let committed = fs::read(path).unwrap_or_default();
    assert!(
        committed == generated,
        "{} is not what the code says; SEALIFT_REGENERATE=1 cargo test --test docs writes it anew",
        path.display()
    );
}

fn man_pages(command: &Command, name: &str, to: &mut Vec<(String, Vec<u8>)>) {
    let mut page = Vec::new();
    // clap wants names that live for ever; a test may leak a few.
    let titled = command.clone().name(&*name.to_owned().leak());
    clap_mangen::Man::new(titled).date("2026").render(&mut page).unwrap();
    to.push((format!("{name}.1"), page));
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        man_pages(sub, &format!("{name}-{}", sub.get_name()), to);
    }
}

#[test]
fn man_pages_are_those_of_the_command_line() {
    let mut pages = Vec::new();
    for mut program in programs() {
        program.build();
        let name = program.get_name().to_owned();
        man_pages(&program, &name, &mut pages);
    }
    for (name, page) in &pages {
        hold(&docs().join("man").join(name), page);
    }
    let committed = fs::read_dir(docs().join("man")).unwrap().count();
    assert_eq!(committed, pages.len(), "docs/man holds pages of commands that are gone");
}

#[test]
fn completions_are_those_of_the_command_line() {
    for mut program in programs() {
        let name = program.get_name().to_owned();
        for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut program, &name, &mut script);
            hold(&docs().join("completions").join(format!("{name}.{shell}")), &script);
        }
    }
}

#[test]
fn the_schema_of_recipes_is_that_of_the_reader() {
    let schema = serde_json::to_string_pretty(&bundler::recipe::schema::schema()).unwrap() + "\n";
    hold(&docs().join("formats/recipe.schema.json"), schema.as_bytes());
}

#[test]
fn help_fits_eighty_columns_and_ends_with_two_examples() {
    fn walk(command: &mut Command, program: &str) {
        let help = command.render_long_help().to_string();
        let name = command.get_name().to_owned();
        for line in help.lines() {
            assert!(line.chars().count() <= 80, "{program} {name}: {line}");
        }
        if command.get_subcommands().count() == 0 || name == program {
            let (_, examples) = help.rsplit_once("Examples:\n").unwrap_or_else(|| panic!("{name}: {help}"));
            let count = examples.lines().filter(|line| line.starts_with(&format!("  {program} "))).count();
            assert_eq!(count, 2, "{program} {name}: {examples}");
        }
        for sub in command.get_subcommands_mut().filter(|sub| sub.get_name() != "help") {
            walk(sub, program);
        }
    }
    for mut program in programs() {
        program.build();
        let name = program.get_name().to_owned();
        walk(&mut program, &name);
    }
}
