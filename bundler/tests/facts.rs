// SPDX-License-Identifier: Apache-2.0
//! What the documents say about the code is so: codes with their classes, limits with their values, and the tests and
//! cases that the threat model rests on.
#![allow(clippy::unwrap_used, reason = "a test that cannot read its own files has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use verifier::error::Code;
use verifier::signature::Reason;
use walkdir::WalkDir;

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn document(name: &str) -> String {
    fs::read_to_string(top().join("docs").join(name)).unwrap()
}

/// The cells of every row of the tables in a document, without heads and rules.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let rows = text.lines().filter(|line| line.starts_with("| "));
    rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect())
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Every source file of the workspace, by its path in it.
fn sources() -> BTreeMap<String, String> {
    let crates = ["manifests", "verifier", "bundler"];
    let files = crates.into_iter().flat_map(|name| WalkDir::new(top().join(name)));
    let files = files.map(|entry| entry.unwrap().into_path());
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| {
            let name = path.strip_prefix(top()).unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect()
}

#[test]
fn every_code_and_reason_is_documented() {
    let text = document("exit-codes.md");
    let said: Vec<(&str, &str)> =
        rows(&text).filter_map(|row| Some((quoted(row.first()?).next()?, *row.get(1)?))).collect();
    let mut rows = BTreeSet::new();
    for row in said {
        assert!(rows.insert(row), "docs/exit-codes.md says it twice: {row:?}");
    }
    for code in Code::ALL {
        let class = (code.class() as u8).to_string();
        assert!(rows.contains(&(code.as_str(), &class)), "docs/exit-codes.md: {} {class}", code.as_str());
    }
    for reason in Reason::ALL {
        let word = reason.as_str();
        let verdict = rows.iter().any(|(named, verdict)| *named == word && verdict.parse::<u8>().is_err());
        assert!(verdict, "docs/exit-codes.md: {word}");
    }
}

/// Constants by `MODULE::NAME`, with their values as far as they are plain numbers.
fn constants() -> BTreeMap<String, u64> {
    let mut constants = BTreeMap::new();
    for (path, text) in sources().iter().filter(|(path, _)| path.contains("/src/")) {
        let stem = path.trim_end_matches("/mod.rs").trim_end_matches(".rs");
        let module = stem.rsplit('/').next().unwrap();
        for line in text.lines() {
            let Some((_, definition)) = line.split_once("const ").filter(|_| !line.starts_with("//")) else {
                continue;
            };
            let Some((name, rest)) = definition.split_once(": ") else { continue };
            let Some((_, value)) = rest.trim_end_matches(';').split_once(" = ") else { continue };
            if let Some(value) = number(value) {
                constants.insert(format!("{module}::{name}"), value);
            }
        }
    }
    constants
}

/// The value of a product, a power of two, or one less.
fn number(text: &str) -> Option<u64> {
    let text =
        text.strip_prefix("Duration::from_secs(").and_then(|text| text.strip_suffix(')')).unwrap_or(text);
    if let Some(power) = text.strip_prefix('(').and_then(|text| text.strip_suffix(") - 1")) {
        return Some(number(power)? - 1);
    }
    if let Some(bits) = text.strip_prefix("1 << ") {
        return Some(1 << bits.parse::<u32>().ok()?);
    }
    text.split(" * ")
        .try_fold(1u64, |product, factor| product.checked_mul(factor.replace('_', "").parse().ok()?))
}

/// The ways in which the table may write a number.
fn spellings(number: u64) -> Vec<String> {
    let digits = number.to_string();
    let head = digits.len() % 3;
    let groups = digits.as_bytes().iter().enumerate().fold(String::new(), |mut text, (at, digit)| {
        if at > 0 && at % 3 == head {
            text.push(',');
        }
        text.push(char::from(*digit));
        text
    });
    const RAISED: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let raised = |exponent: u32| {
        exponent.to_string().bytes().map(|digit| RAISED[usize::from(digit - b'0')]).collect::<String>()
    };
    let mut spellings = vec![groups];
    for (unit, bytes) in [("KiB", 1 << 10), ("MiB", 1 << 20)] {
        if number.is_multiple_of(bytes) {
            spellings.push(format!("{} {unit}", number / bytes));
        }
    }
    if number.is_power_of_two() {
        spellings.push(format!("2{}", raised(number.ilog2())));
    }
    if (number + 1).is_power_of_two() {
        spellings.push(format!("2{} − 1", raised((number + 1).ilog2())));
    }
    spellings
}

#[test]
fn every_limit_is_documented_with_its_value() {
    let text = document("limits.md");
    let constants = constants();
    let mut documented = BTreeSet::new();
    for row in rows(&text).filter(|row| row.len() == 4) {
        let Some(name) = quoted(row[3]).next() else { continue };
        let value = *constants.get(name).unwrap_or_else(|| panic!("docs/limits.md: no constant {name}"));
        let spellings = spellings(value);
        let said = spellings.iter().any(|spelling| {
            // Not as the end of a longer number.
            row[1]
                .match_indices(spelling.as_str())
                .any(|(at, _)| !row[1][..at].ends_with(|c: char| c.is_ascii_digit() || c == ','))
        });
        assert!(said, "docs/limits.md: {} is {spellings:?} in {name}, not {}", row[0], row[1]);
        documented.insert(name);
    }
    let missing: Vec<&String> = constants
        .keys()
        .filter(|name| name.contains("::MAX_") && !documented.contains(name.as_str()))
        .collect();
    assert!(missing.is_empty(), "docs/limits.md has no row, with its reason, for {missing:?}");
    assert!(documented.len() > 30, "the tables are read: {}", documented.len());
}

#[test]
fn the_threat_model_rests_on_tests_that_exist() {
    let text = document("threat-model.md");
    let sources = sources();
    let words: BTreeSet<&str> = Code::ALL
        .iter()
        .map(|code| code.as_str())
        .chain(Reason::ALL.iter().map(|reason| reason.as_str()))
        .collect();
    let snake = |word: &str| {
        word.contains('_') && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    let (mut cases, mut tests) = (0, 0);
    let threats: Vec<Vec<&str>> = rows(&text).filter(|row| row.len() == 4).collect();
    let numbers: Vec<usize> = threats.iter().filter_map(|row| row[0].parse().ok()).collect();
    assert_eq!(numbers, (1..=34).collect::<Vec<_>>());
    for row in &threats {
        for word in quoted(row[3]) {
            let exists = if let Some(case) = word.strip_prefix("bad/") {
                cases += 1;
                top().join("testdata/bundles/bad").join(case).join("case.toml").is_file()
            } else if word.ends_with(".rs") {
                sources.keys().any(|path| path.ends_with(word))
            } else if snake(word) && !word.starts_with('_') && word != "require_roles" {
                tests += 1;
                sources.values().any(|text| text.contains(&format!("fn {word}(")))
            } else if word.contains('-') && !word.contains(['/', ' ']) && !word.starts_with('-') {
                words.contains(word)
            } else {
                true
            };
            assert!(exists, "docs/threat-model.md, threat {}: there is no {word}", row[0]);
        }
        let covered = row[2].starts_with("covered");
        let shown =
            quoted(row[3]).any(|word| word.starts_with("bad/") || snake(word) || word == ".ci/static");
        assert!(!covered || shown || row[0] == "32", "threat {} is covered, and nothing shows it", row[0]);
    }
    assert!(cases > 40 && tests > 20, "the tables are read: {cases} cases, {tests} tests");
}
