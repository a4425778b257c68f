// SPDX-License-Identifier: Apache-2.0
//! `bundler init`: a recipe that ships with the program, written down to start from.
//!
//! A variable that is empty in a shipped recipe is a question: what nobody but the site can know, and what is never
//! guessed. It is asked on a terminal, answered by `--set`, or left for later; `bundler lock` stops at it.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use manifests::time::Timestamp;
use verifier::error::Code;
use verifier::nearest::nearest;

use crate::failure::Failure;
use crate::files::{Access, create_new, exists, require_absent};
use crate::lock::file::quoted;
use crate::recipe::Recipe;
use crate::source::{Source, Table, Value, list};

/// How long a new recipe's bundle is valid, where it has an end.
const YEAR_SECONDS: u64 = 365 * 24 * 60 * 60;

/// A recipe that ships with the program.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    /// What `--recipe` calls it.
    pub name: &'static str,
    /// What it is for, in a line.
    pub title: &'static str,
    /// Its text.
    pub text: &'static str,
    /// Files that lie beside it, by name.
    pub beside: &'static [(&'static str, &'static str)],
}

/// All of them.
pub const RECIPES: &[Shipped] = &[
    Shipped {
        name: "first",
        title: "the smallest one: a signed package, a note, a tree of documents",
        text: include_str!("../../manifests/recipes/first.toml"),
        beside: &[],
    },
    Shipped {
        name: "aws-signer",
        title: "Notation with the AWS Signer plug-in: rpm, deb, pkg, msi, zip; trust stores and policies of both partitions",
        text: include_str!("../../manifests/recipes/aws-signer.toml"),
        beside: &[
            ("trustpolicy.aws.json.in", include_str!("../../manifests/recipes/trustpolicy.aws.json.in")),
            (
                "trustpolicy.aws-us-gov.json.in",
                include_str!("../../manifests/recipes/trustpolicy.aws-us-gov.json.in"),
            ),
        ],
    },
    Shipped {
        name: "aws-cli",
        title: "the AWS CLI, version 2: Linux, macOS, Windows",
        text: include_str!("../../manifests/recipes/aws-cli.toml"),
        beside: &[],
    },
    Shipped {
        name: "files",
        title: "a site's own files, without a vendor",
        text: include_str!("../../manifests/recipes/files.toml"),
        beside: &[],
    },
];

/// What was written.
#[derive(Debug)]
pub struct Written {
    /// The recipe.
    pub recipe: PathBuf,
    /// The files beside it.
    pub beside: Vec<PathBuf>,
    /// Variables that still have no value, in the order of the text.
    pub unanswered: Vec<String>,
}

/// What a recipe asks: a variable, and what the comment above it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The variable.
    pub name: String,
    /// The comment, without its `#`; empty where the question before it had the same.
    pub about: String,
}

/// Writes `bundle.toml`, made at `now`, and what lies beside it into a folder, which is made where it is missing. `ask`
/// is given each question that `sets` does not answer, and gives an answer or none; an empty value in `sets` leaves it
/// for later. A file that is there already is never replaced: then, and where writing fails, nothing is written.
pub fn write(
    folder: &Path,
    recipe: &str,
    sets: &[(String, String)],
    now: Timestamp,
    mut ask: impl FnMut(&Question) -> Result<Option<String>, Failure>,
) -> Result<Written, Failure> {
    let shipped = find(recipe)?;
    let mut values = values_by_name(sets)?;
    let names = ["bundle.toml"].into_iter().chain(shipped.beside.iter().map(|(name, _)| *name));
    for name in names {
        require_absent(&folder.join(name))?;
    }
    let variables = given(shipped.text)?;
    // What is wrong on the command line is told before anything is asked.
    checked(shipped, &variables, &values, now)?;
    let mut asked = String::new();
    for (question, value) in &variables {
        if !value.is_empty() || values.contains_key(&question.name) {
            continue;
        }
        // One comment may stand above several variables: it is shown once.
        let about = if question.about == asked { String::new() } else { question.about.clone() };
        asked.clone_from(&question.about);
        if let Some(answer) = ask(&Question { name: question.name.clone(), about })? {
            values.insert(question.name.clone(), answer.trim().to_owned());
        }
    }
    let (text, unanswered) = checked(shipped, &variables, &values, now)?;
    let files = [("bundle.toml", text.as_str())].into_iter().chain(shipped.beside.iter().copied());
    let mut written = write_all(folder, files)?;
    let recipe = written.remove(0);
    Ok(Written { recipe, beside: written, unanswered })
}

/// The values of `--set`; what is blank is empty.
fn values_by_name(sets: &[(String, String)]) -> Result<BTreeMap<String, String>, Failure> {
    let mut values = BTreeMap::new();
    for (name, value) in sets {
        let value = if value.trim().is_empty() { "" } else { value };
        match values.insert(name.clone(), value.to_owned()) {
            Some(before) if before != value => {
                return Err(Failure::usage(format!("--set {name}"), "is given twice, with different values")
                    .found(format!("`{before}` and `{value}`"))
                    .hint("give it once"));
            }
            _ => {}
        }
    }
    Ok(values)
}

/// The text with these values, and the variables that are still empty in it.
fn checked(
    shipped: &Shipped,
    variables: &[(Question, String)],
    values: &BTreeMap<String, String>,
    now: Timestamp,
) -> Result<(String, Vec<String>), Failure> {
    let text = with_values(shipped, values, now)?;
    let empty =
        variables.iter().filter(|(question, value)| values.get(&question.name).unwrap_or(value).is_empty());
    let unanswered: Vec<String> = empty.map(|(question, _)| question.name.clone()).collect();
    require_recipe(&text, &unanswered)?;
    Ok((text, unanswered))
}

/// Writes all files, by name, or leaves none of them behind; gives their paths.
fn write_all<'a>(
    folder: &Path,
    files: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<Vec<PathBuf>, Failure> {
    let folder_is_new = !exists(folder);
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::writing(folder.display().to_string(), &error))?;
    let mut written = Vec::new();
    for (name, text) in files {
        let path = folder.join(name);
        if let Err(failure) = create_new(&path, text.as_bytes(), Access::Public) {
            // Why writing failed comes first; what cannot be taken away stays.
            for path in written {
                let _ = std::fs::remove_file(path);
            }
            if folder_is_new {
                let _ = std::fs::remove_dir(folder);
            }
            return Err(failure);
        }
        written.push(path);
    }
    Ok(written)
}

/// Asks on a terminal: the comment, the name, a line for the answer.
pub fn ask_at(
    mut input: impl BufRead,
    mut output: impl Write,
    question: &Question,
) -> std::io::Result<Option<String>> {
    if !question.about.is_empty() {
        writeln!(output, "\n{}\n", question.about)?;
    }
    write!(output, "{} (empty: later): ", question.name)?;
    output.flush()?;
    let mut line = String::new();
    input.read_line(&mut line)?;
    Ok(Some(line))
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

/// The variables of a recipe.
fn variables<'a>(root: &Table<'a>) -> Result<Vec<Value<'a>>, Failure> {
    Ok(match root.optional("variables") {
        Some(section) => section.open_table("[variables]")?.entries(),
        None => Vec::new(),
    })
}

/// The variables of a recipe, each as a question with the last comment above it, and its value.
fn given(text: &str) -> Result<Vec<(Question, String)>, Failure> {
    let source = Source::new("bundle.toml", text);
    let document = source.parse()?;
    let root = Table::open(&source, "the recipe", 0..0, document.get_ref());
    let mut given = Vec::new();
    for variable in variables(&root)? {
        let above = text.get(..variable.key_span().start).unwrap_or_default();
        let question = Question { name: variable.key().to_owned(), about: comment(above) };
        given.push((question, variable.string()?.text));
    }
    Ok(given)
}

/// The last lines that begin with `#`.
fn comment(above: &str) -> String {
    let lines = above.lines().rev().skip_while(|line| !line.starts_with('#'));
    let mut lines: Vec<&str> = lines.map_while(|line| line.strip_prefix('#')).collect();
    lines.reverse();
    lines.iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

/// The text with other values for some of its variables, made now; comments and layout stay as they are.
fn with_values(
    shipped: &Shipped,
    values: &BTreeMap<String, String>,
    now: Timestamp,
) -> Result<String, Failure> {
    let source = Source::new(shipped.name, shipped.text);
    let document = source.parse()?;
    let root = Table::open(&source, "the recipe", 0..0, document.get_ref());
    let variables = variables(&root)?;
    let mut replaced: Vec<(Range<usize>, String)> = Vec::new();
    for (name, value) in values {
        let Some(variable) = variables.iter().find(|variable| variable.key() == name) else {
            let known: Vec<&str> = variables.iter().map(|variable| variable.key()).collect();
            return Err(Failure::usage(format!("--set {name}"), "names no variable of the recipe")
                .hint(format!("recipe `{}` has {}", shipped.name, list(&known))));
        };
        replaced.push((variable.span(), quoted(value)));
    }
    let bundle = root.required("bundle")?.open_table("[bundle]")?;
    replaced.push((bundle.required("created")?.span(), quoted(&now.to_string())));
    let in_a_year = Timestamp::from_seconds(now.seconds().saturating_add(YEAR_SECONDS));
    if let (Some(expires), Some(in_a_year)) = (bundle.optional("expires"), in_a_year) {
        replaced.push((expires.span(), quoted(&in_a_year.to_string())));
    }
    replaced.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
    let mut text = shipped.text.to_owned();
    for (span, value) in replaced {
        text.replace_range(span, &value);
    }
    Ok(text)
}

/// What is written must be a recipe, once its questions are answered.
fn require_recipe(text: &str, unanswered: &[String]) -> Result<(), Failure> {
    // Fits wherever an answer can stand: a name, a file, a fingerprint.
    let stand_in = "0".repeat(64);
    let answers = unanswered.iter().map(|name| (name.clone(), stand_in.clone())).collect();
    match Recipe::from_text("bundle.toml", text, PathBuf::new(), answers) {
        Ok(_) => Ok(()),
        Err(failure) => {
            // Its excerpt would be of a text that nobody has.
            let told = failure.to_string();
            let first = told.lines().next().unwrap_or_default();
            Err(Failure::new(Code::Usage, "--set", "makes a recipe that is not valid").found(first))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test whose own recipe is wrong has failed")]
    use super::*;

    #[test]
    fn every_shipped_recipe_is_one_and_is_made_now() {
        let now = Timestamp::parse("2031-02-03T04:05:06Z").unwrap();
        for shipped in RECIPES {
            let folder = tempfile::tempdir().unwrap();
            let written = write(folder.path(), shipped.name, &[], now, |_| Ok(None)).unwrap();
            let text = std::fs::read_to_string(&written.recipe).unwrap();
            assert!(text.contains("created = \"2031-02-03T04:05:06Z\""), "{}", shipped.name);
            assert_eq!(written.beside.len(), shipped.beside.len());
        }
    }

    #[test]
    fn what_is_not_known_is_asked_with_what_the_recipe_says_of_it() {
        let aws = find("aws-cli").unwrap();
        let asked: Vec<Question> = given(aws.text)
            .unwrap()
            .into_iter()
            .filter_map(|(question, value)| value.is_empty().then_some(question))
            .collect();
        let names: Vec<&str> = asked.iter().map(|question| question.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "windows_publisher",
                "windows_ca",
                "windows_ca_fingerprint",
                "windows_tsa_ca",
                "windows_tsa_ca_fingerprint"
            ]
        );
        assert!(asked.iter().all(|question| question.about.contains("Get-AuthenticodeSignature")));
        assert!(!asked[0].about.contains('#'));
    }

    #[test]
    fn an_answer_is_written_and_an_empty_one_left_for_later() {
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp::parse("2031-02-03T04:05:06Z").unwrap();
        let sets = [("windows_ca".to_owned(), "root.cer".to_owned())];
        let mut comments = 0;
        let written = write(folder.path(), "aws-cli", &sets, now, |question| {
            let mut shown = Vec::new();
            let line: &[u8] = if question.name == "windows_publisher" { b"CN=A \"B\"\n" } else { b"\n" };
            let answer = ask_at(line, &mut shown, question).unwrap();
            let shown = String::from_utf8(shown).unwrap();
            assert!(shown.ends_with("(empty: later): "));
            comments += usize::from(shown.contains("Get-AuthenticodeSignature"));
            Ok(answer)
        })
        .unwrap();
        let text = std::fs::read_to_string(&written.recipe).unwrap();
        assert!(
            text.contains("windows_publisher = \"CN=A \\\"B\\\"\"\nwindows_ca = \"root.cer\"\n"),
            "{text}"
        );
        assert_eq!(comments, 1, "one comment stands above all of them");
        assert_eq!(
            written.unanswered,
            ["windows_ca_fingerprint", "windows_tsa_ca", "windows_tsa_ca_fingerprint"]
        );
    }

    #[test]
    fn a_value_that_makes_no_recipe_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp::parse("2031-02-03T04:05:06Z").unwrap();
        let sets = [("cli_key".to_owned(), "12".to_owned())];
        let failure = write(folder.path(), "aws-cli", &sets, now, |_| unreachable!()).unwrap_err();
        assert!(failure.to_string().contains("makes a recipe that is not valid"), "{failure}");
        let found = failure.refusal().found.clone().unwrap();
        assert!(found.starts_with("bundle.toml:") && !found.contains('\n'), "{found}");
        let twice = ["ABCDE12345", "ABCDE54321"].map(|team| ("mac_team".to_owned(), team.to_owned()));
        let failure = write(folder.path(), "aws-cli", &twice, now, |_| unreachable!()).unwrap_err();
        assert!(failure.to_string().starts_with("--set mac_team is given twice"), "{failure}");
        let same = [twice[0].clone(), twice[0].clone()];
        assert!(!folder.path().join("bundle.toml").exists());
        write(folder.path(), "aws-cli", &same, now, |_| Ok(None)).unwrap();
    }

    #[test]
    fn an_empty_value_is_left_for_later_and_not_asked() {
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp::parse("2031-02-03T04:05:06Z").unwrap();
        let sets = ["cli_key", "windows_ca"].map(|name| (name.to_owned(), " ".to_owned()));
        let written = write(folder.path(), "aws-cli", &sets, now, |question| {
            assert!(!sets.iter().any(|(name, _)| *name == question.name), "{question:?}");
            Ok(Some("0".repeat(64)))
        })
        .unwrap();
        assert_eq!(written.unanswered, ["cli_key", "windows_ca"]);
        let text = std::fs::read_to_string(&written.recipe).unwrap();
        assert!(text.contains("\ncli_key = \"\" ") && text.contains("\nwindows_ca = \"\"\n"), "{text}");
    }

    #[test]
    fn nothing_is_asked_or_written_beside_a_file_that_is_there() {
        let now = Timestamp::parse("2031-02-03T04:05:06Z").unwrap();
        for (name, _) in find("aws-signer").unwrap().beside {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join(name), "mine").unwrap();
            let failure = write(folder.path(), "aws-signer", &[], now, |_| unreachable!()).unwrap_err();
            assert!(failure.to_string().contains("is not overwritten"), "{failure}");
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
            // And where it comes while the questions are answered.
            std::fs::remove_file(folder.path().join(name)).unwrap();
            let failure = write(folder.path(), "aws-signer", &[], now, |_| {
                std::fs::write(folder.path().join(name), "mine").unwrap();
                Ok(None)
            })
            .unwrap_err();
            assert!(failure.to_string().contains("is not overwritten"), "{failure}");
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
            assert_eq!(std::fs::read(folder.path().join(name)).unwrap(), b"mine");
        }
    }
}
