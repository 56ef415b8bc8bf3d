//! Links in the documents lead somewhere: to a file that is there, to a heading that is in it. Every page is in the index.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests may panic"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::recorded::root;

fn documents() -> Vec<PathBuf> {
    let mut documents: Vec<PathBuf> = std::fs::read_dir(root().join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "md"))
        .collect();
    for name in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"] {
        documents.push(root().join(name));
    }
    documents.sort();
    documents
}

/// The text without fenced blocks: what stands in them is no link.
fn prose(text: &str) -> String {
    let mut is_fenced = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_fenced = !is_fenced;
        } else if !is_fenced {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    prose
}

/// What links point to: `](TARGET)` outside code.
fn targets(text: &str) -> Vec<String> {
    let prose = prose(text);
    let lines = prose.lines().map(|line| {
        let parts: Vec<&str> = line.split('`').collect();
        // Code is every second part; a mark without a partner is no code.
        parts
            .iter()
            .enumerate()
            .filter(|(at, _)| at % 2 == 0 || at + 1 == parts.len())
            .map(|(_, part)| *part)
            .collect::<String>()
    });
    lines
        .flat_map(|line| {
            let targets = line.split("](").skip(1).map(str::to_owned);
            targets.collect::<Vec<_>>()
        })
        .filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()))
        .collect()
}

/// The anchors of headings, as GitHub makes them: lower case, spaces become hyphens, marks go.
fn anchors(text: &str) -> BTreeSet<String> {
    prose(text)
        .lines()
        .filter_map(|line| {
            line.trim_start_matches('#')
                .strip_prefix(' ')
                .filter(|_| line.starts_with('#'))
        })
        .map(|heading| {
            heading
                .to_lowercase()
                .chars()
                .filter_map(|character| match character {
                    ' ' => Some('-'),
                    '-' | '_' => Some(character),
                    _ => character.is_alphanumeric().then_some(character),
                })
                .collect()
        })
        .collect()
}

/// What is wrong with a link in a document.
pub(crate) fn fault(document: &Path, target: &str) -> Option<String> {
    if target.starts_with("https://") {
        return None;
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = match file {
        "" => document.to_owned(),
        _ => document.parent().unwrap().join(file),
    };
    if !path.exists() {
        return Some(format!("{target}: no such file"));
    }
    if anchor.is_empty() {
        return None;
    }
    let text = std::fs::read_to_string(&path).unwrap();
    (!anchors(&text).contains(anchor)).then(|| format!("{target}: no such heading"))
}

#[test]
fn every_link_leads_somewhere() {
    let mut links = 0;
    let mut faults = Vec::new();
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        for target in targets(&text) {
            links += 1;
            faults.extend(
                fault(&document, &target).map(|fault| format!("{}: {fault}", document.display())),
            );
        }
    }
    assert_eq!(faults, [""; 0]);
    assert!(links > 150, "{links}");
}

#[test]
fn every_page_is_in_the_index() {
    let index = root().join("docs/README.md");
    let listed: BTreeSet<String> = targets(&std::fs::read_to_string(index).unwrap())
        .into_iter()
        .collect();
    for document in documents() {
        let name = document.file_name().unwrap().to_str().unwrap();
        let is_page = document.parent() == Some(&root().join("docs")) && name != "README.md";
        assert!(
            !is_page || listed.contains(name),
            "docs/README.md lacks {name}"
        );
    }
}

#[test]
fn a_dead_link_is_found() {
    let text = "# A head: `x` & more\n[`a`](b.md) and `[no](c)`\n[b](#a-head-x--more)\n```\n[c](c.md)\n```\n";
    assert_eq!(targets(text), ["b.md", "#a-head-x--more"]);
    assert!(anchors(text).contains("a-head-x--more"));
    let here = root().join("docs/monitor.md");
    assert_eq!(fault(&here, "monitor.md#how-it-counts"), None);
    assert_eq!(fault(&here, "#how-it-counts"), None);
    assert!(fault(&here, "#how-it-is-not").is_some());
    assert!(fault(&here, "nowhere.md").is_some());
}
