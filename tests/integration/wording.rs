//! The words of messages, helps, reports and pages: spelling, and the mechanical ones of the rules in CONTRIBUTING, "English".
//!
//! String literals of `src` are read, but not those of tests, SQL or queries, and the doc comments that become help texts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests may panic"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex_automata::meta::Regex;

use crate::moto::target;

/// Phrases that no text has, and what to write instead.
const FORBIDDEN: [(&str, &str); 8] = [
    (
        r"\b(?:is|are|was|were) (?:no|none)\b",
        "negate the verb: `is not a valid …`",
    ),
    (
        r"(?i)\b(?:some|no|every|any)body\b|\bwhoever\b",
        "name the actor; `someone` and `no one` are for people",
    ),
    (r"\bstands?\b", "`is`, `appears`, `contains`, `is listed`"),
    (
        r"\b(?:is|are) not known\b|\b(?:is|are) known about\b",
        "`could not determine`, `could not check`",
    ),
    (
        r"without this option|may be repeated",
        "`default: X`, `repeatable`",
    ),
    (
        r"\b(?:for ever|anew|all the same|lately|perhaps|mends?|goes off|e-mail|made up for|others than|so far as)\b",
        "`again`, `forever`, `anyway`, `recently`, `fix`, `fires`, `email`, `different from`",
    ),
    (
        r"\b(?:lets|let (?:it|them|each))\b",
        "policies `allow`; helps use the imperative",
    ),
    (
        r"\bknows of\b|\blive (?:has )?(?:moved|did)\b",
        "states change, services return",
    ),
];

/// What is right although a phrase of the list is in it.
const RIGHT: [&str; 7] = [
    "let it expire",
    "let them expire",
    // Names, on which scripts depend.
    "enrol/everybody",
    "environment/nobody-audited",
    "environment/nobody-told",
    "somebody-is-told",
    // A reason in a policy file.
    "nobody can log in as it",
];

/// What stands around a match and makes it right: `there is no X`, `is no longer`, `stands for`.
fn is_right(text: &str, start: usize, end: usize) -> bool {
    let (before, after) = (&text[..start], &text[end..]);
    let word = &text[start..end];
    let is_negated_noun = word.ends_with(" no") || word.ends_with(" none");
    (is_negated_noun
        && (before.to_lowercase().ends_with("there ")
            || after.starts_with(" longer")
            || after.starts_with(" more")))
        || (word.starts_with("stand") && after.starts_with(" for"))
        || RIGHT.iter().any(|right| text.contains(right))
}

/// A text and the line on which it begins.
type Literal = (usize, String);

/// The string literals of a source file, and its doc comments where they become help.
fn literals(source: &str, with_docs: bool) -> Vec<Literal> {
    let bytes = source.as_bytes();
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < bytes.len() {
        let rest = &source[at..];
        let (length, literal) = if rest.starts_with("//") {
            let length = rest.find('\n').unwrap_or(rest.len());
            let doc = rest[..length].strip_prefix("///").filter(|_| with_docs);
            (length, doc.map(str::to_owned))
        } else if let Some(hashes) = raw_start(rest) {
            let start = hashes + 2;
            let close = format!("\"{}", "#".repeat(hashes));
            let length = rest[start..]
                .find(&close)
                .map_or(rest.len() - start, |end| end);
            (
                start + length + close.len(),
                Some(rest[start..start + length].to_owned()),
            )
        } else if rest.starts_with('"') {
            let length = quoted(rest);
            (length, Some(joined(&rest[1..length - 1])))
        } else if rest.starts_with('\'') {
            (character(rest), None)
        } else {
            (rest.chars().next().map_or(1, char::len_utf8), None)
        };
        found.extend(literal.map(|literal| (line, literal)));
        line += rest[..length].matches('\n').count();
        at += length;
    }
    found
}

/// The number of hashes of a raw literal that begins here.
fn raw_start(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix('r')?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then_some(hashes)
}

/// The length of a quoted literal with both quotes.
fn quoted(rest: &str) -> usize {
    let mut escaped = false;
    for (at, character) in rest.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of a character literal or of the quote of a lifetime.
fn character(rest: &str) -> usize {
    let mut characters = rest.char_indices().skip(1);
    match (characters.next(), characters.next()) {
        (Some((_, '\\')), _) => rest[3..].find('\'').map_or(1, |end| 3 + end + 1),
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}

/// A literal that goes on in the next line is one text.
fn joined(literal: &str) -> String {
    let mut text = String::new();
    for (index, part) in literal.split("\\\n").enumerate() {
        text.push_str(if index == 0 { part } else { part.trim_start() });
    }
    text
}

/// Whether a text is prose and not a query, a path or a name.
fn is_prose(text: &str) -> bool {
    let words = text.split(|sign: char| !sign.is_ascii_alphabetic());
    words.filter(|word| word.len() > 1).count() >= 2
}

fn sources(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" {
            sources(&path, all);
        } else if name.ends_with(".rs") && name != "tests.rs" && !name.ends_with("_tests.rs") {
            all.push(path);
        }
    }
}

/// The part of a file that is not its tests.
fn product(source: &str) -> &str {
    source
        .find("#[cfg(test)]\nmod tests {")
        .map_or(source, |end| &source[..end])
}

#[test]
fn texts_keep_the_mechanical_rules_of_english() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    let rules = FORBIDDEN.map(|(pattern, instead)| (Regex::new(pattern).unwrap(), instead));
    let mut faults: BTreeMap<String, String> = BTreeMap::new();
    let mut texts = 0;
    for file in files {
        let source = std::fs::read_to_string(&file).unwrap();
        let shown = file.strip_prefix(root).unwrap().display().to_string();
        let is_help = shown.ends_with("policy/raw.rs") || shown.ends_with("pgvigil/args.rs");
        for (line, text) in literals(product(&source), is_help) {
            if !is_prose(&text) {
                continue;
            }
            texts += 1;
            for (rule, instead) in &rules {
                for found in rule.find_iter(&text) {
                    if !is_right(&text, found.start(), found.end()) {
                        let _ = writeln!(
                            faults.entry(format!("{shown}:{line}")).or_default(),
                            "    {:?} in {text:?}: {instead}",
                            &text[found.range()]
                        );
                    }
                }
            }
        }
    }
    assert!(
        texts > 3_000,
        "{texts} texts found: the reader of literals is wrong"
    );
    let told: String = faults
        .iter()
        .map(|(place, what)| format!("{place}\n{what}"))
        .collect();
    assert!(faults.is_empty(), "{} places:\n{told}", faults.len());
}

#[test]
fn no_word_is_misspelt() {
    let program = target().join("venv/bin/typos");
    assert!(
        program.exists(),
        "typos is not installed: run tests/moto/install ({} is missing)",
        program.display()
    );
    let output = Command::new(program)
        .args(["--format", "brief"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

#[test]
fn the_reader_of_literals_finds_them() {
    let source = "// \"no\"\nlet a = 'x'; f(\"one \\\n    two\", r#\"a \"b\"\"#, '\\'', \"\\\"\"); // \"no\"\nlet b: &'a str = \"three\";";
    let found: Vec<String> = literals(source, false)
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    assert_eq!(found, ["one two", "a \"b\"", "\\\"", "three"]);
}
