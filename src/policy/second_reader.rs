//! What our reader accepts, another reader of YAML (`yaml_serde`, on libyaml) reads as the same values.
//!
//! This holds the promise that scalars and forms on which readers disagree are refused.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value as Json;

use crate::diagnostic::is_invisible;
use crate::source::SourceFiles;
use crate::source::yaml::{self, InvalidAs};

/// `None` where pgvigil refuses the text: hidden characters are found before the YAML is read.
fn ours(text: &str) -> Option<Json> {
    let is_hidden = |character: char| {
        is_invisible(character) || character.is_control() && !matches!(character, '\n' | '\t')
    };
    if text.replace("\r\n", "\n").contains(is_hidden) {
        return None;
    }
    let mut files = SourceFiles::default();
    let file = files.add("rules/a.yaml".to_owned(), text);
    let parsed = yaml::parse(&files, file);
    let root = parsed.root.filter(|_| parsed.faults.is_empty())?;
    Some(root.to_json(InvalidAs::Null))
}

/// Whether the text was accepted, or how the readers differ.
fn compare(text: &str) -> Result<bool, String> {
    let Some(ours) = ours(text) else {
        return Ok(false);
    };
    match yaml_serde::from_str::<Json>(text) {
        Ok(theirs) if ours == theirs => Ok(true),
        Ok(_) => Err("read differently".to_owned()),
        Err(error) => Err(format!("accepted by us alone: {error}")),
    }
}

fn shipped() -> Vec<String> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    ["rules", "environments", "tests/cases/good/notes"]
        .into_iter()
        .flat_map(|folder| std::fs::read_dir(root.join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "yaml"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect()
}

#[test]
fn the_shipped_policy_is_one_for_both() {
    let files = shipped();
    assert!(files.len() > 3);
    for text in files {
        assert_eq!(compare(&text), Ok(true));
    }
}

/// Scalars and marks that readers of YAML have quarrelled about, and ordinary ones.
const PIECES: [&str; 64] = [
    "a",
    "yes",
    "NO",
    "on",
    "~",
    "null",
    "Null",
    "true",
    "True",
    "0o17",
    "017",
    "0x1F",
    "1_000",
    "1e3",
    "1.",
    ".5",
    "+1",
    "-0",
    "1:30",
    "2026-12-02",
    "2026-12-02T10:00:00Z",
    ".inf",
    ".nan",
    "=",
    "<<",
    "'it''s'",
    "\"a\\tb\"",
    "\"\\x41\"",
    "\"\\u00e9\"",
    "\"\"",
    "''",
    "é",
    "a b",
    "a #b",
    "a#b",
    "a: b",
    "a:b",
    "- a",
    "-a",
    "? a",
    "!tag a",
    "&x a",
    "*x",
    "[a, b]",
    "[a, b,]",
    "[]",
    "{}",
    "{a: 1}",
    "{a: [1, 2]}",
    "|\n    a\n    b",
    ">\n    a\n    b",
    "|-\n    a",
    "%a",
    "@a",
    "`a",
    "12345678901234567890",
    "1e400",
    "0.1",
    "a\u{85}b",
    "a\u{2028}b",
    "\u{feff}a",
    "a  ",
    "---",
    "...",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn small_documents(
        entries in prop::collection::vec((select(&PIECES[..]), select(&PIECES[..])), 1..4),
        as_list in any::<bool>(),
        end in select(&["\n", "\r\n"][..]),
    ) {
        let text: String = entries
            .iter()
            .enumerate()
            .map(|(index, (key, value))| match as_list {
                true => format!("- {value}\n"),
                false if index == 0 => format!("{key}: {value}\n"),
                false => format!("k{index}:\n  - {key}\n  - {value}\n"),
            })
            .collect();
        let text = text.replace('\n', end);
        let compared = compare(&text);
        prop_assert!(compared.is_ok(), "{compared:?} {text:?}");
    }

    #[test]
    fn damaged_policy(which in any::<Index>(), at in any::<Index>(), piece in select(&PIECES[..]), cut in 0usize..6) {
        let files = shipped();
        let text: &String = which.get(&files);
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let start = *at.get(&places);
        let end = text[start..].char_indices().nth(cut).map_or(text.len(), |(more, _)| start + more);
        let damaged = format!("{}{piece}{}", &text[..start], &text[end..]);
        let compared = compare(&damaged);
        let near: String = text[..start].chars().rev().take(40).collect::<Vec<_>>().into_iter().rev().collect();
        let after: String = text[end..].chars().take(40).collect();
        prop_assert!(compared.is_ok(), "{compared:?} {near:?} {piece:?} {after:?}");
    }
}

#[test]
fn most_ordinary_documents_are_accepted() {
    for text in [
        "a: b\n",
        "a: [b, c]\n",
        "a: 1\nb: true\n",
        "- 'x'\n- \"y\"\n",
    ] {
        assert_eq!(compare(text), Ok(true), "{text}");
    }
}
