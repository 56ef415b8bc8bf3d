//! Whatever engine AWS has: the expressions that it is sent take time in proportion to the text, in engines that
//! backtrack (Java's, with a small stack, and PCRE2 without its compiler), and Hyperscan takes those that capture nothing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests may panic"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use pgvigil::audit_log::prefix::LogLinePrefix;
use pgvigil::compile::fetch::{Ask, Detail, Fetch, Part};
use pgvigil::policy::model::{RoleMatch, Signal};

use crate::moto::target;

/// Every expression of every fetch query.
fn expressions() -> BTreeSet<String> {
    let accounts = [
        RoleMatch::Name("rdsadmin".to_owned()),
        RoleMatch::Pattern(pgvigil::policy::Pattern::read("shop_worker_[0-9]+").unwrap()),
    ];
    let mut found = BTreeSet::new();
    for prefix in LogLinePrefix::ALL {
        for signals in [&[Signal::Dml][..], &[Signal::Schema], &Signal::ALL] {
            let fetch = Fetch::new(prefix, signals, 5, &accounts);
            for detail in Detail::ALL {
                for part in std::iter::once(Part::All).chain(fetch.parts()) {
                    let ask = Ask {
                        part,
                        detail,
                        windows: Some((1, 2)),
                    };
                    found.extend(expressions_of(&fetch.text(ask)));
                }
            }
        }
    }
    found
}

/// The expressions behind `like` and `parse FIELD`.
fn expressions_of(query: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in query.match_indices(" /") {
        let before = query[..at].rsplit(['|', ' ']).take(2).collect::<Vec<_>>();
        if !matches!(before.as_slice(), ["like", ..] | [_, "parse"]) {
            continue;
        }
        let rest = &query[at + 2..];
        let mut escaped = false;
        let end = rest
            .find(|character| {
                let ends = character == '/' && !escaped;
                escaped = character == '\\' && !escaped;
                ends
            })
            .unwrap();
        found.push(rest[..end].to_owned());
    }
    found
}

/// Texts that are long in one way: a beginning, what is repeated, an end.
fn texts() -> Vec<String> {
    let beginnings = [
        // Everything that is looked for anywhere.
        "",
        // What is read from the beginning on, of a message and of a record.
        "2026-11-22 06:55:28.765 UTC:10.0.1.1(5):alice@shop:[7]:1:00000:2026-11-22 06:55:28 UTC:3/2:0:6b.1:psql:LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,\"",
        "READ,SELECT,,,\"",
    ];
    // Texts in which one thing is repeated, and then comes what ends it.
    let parts = [
        "1",
        " ",
        "a",
        "\"",
        "\"\"",
        "`",
        "`\"",
        "\",\"",
        ",",
        ":",
        ": ",
        ": :",
        ":a",
        ":A: ",
        "@",
        "a@",
        "[",
        "[1",
        ":[",
        ":[1",
        ":[1]",
        ":[1]:",
        "[local]",
        "\\n",
        "\\t",
        ".",
        "(",
        "1(",
        "/",
        "AUDIT: ",
        ": AUDIT: ",
        ": AUDIT: SESSION,1,1,",
        ":LOG:  ",
        ":ERROR: ",
        ":ERROR:  x: ",
        ":FATAL: A: ",
        ":ERROR: 42501: ",
        "00000: ",
        "alter ",
        "reset ",
        "reset  \\t",
        "pgaudi",
        "a,b,c,",
        "role ",
        "😀",
        "😀a",
        "é",
        "~!~",
        "1,1,",
        "2026-11-22 06:55:28 UTC:",
    ];
    // Two places that could share what is repeated.
    let mut texts = [
        ":ERROR:\t \t!",
        "LOG:\t \t!",
        ": AUDIT: SESSION,\t1\t!",
        "reset\t\\n\t!",
    ]
    .map(str::to_owned)
    .to_vec();
    for beginning in beginnings {
        for part in parts {
            texts.push(format!("{beginning}\t{part}\t!"));
        }
    }
    texts
}

fn file(folder: &Path, name: &str, lines: impl IntoIterator<Item = String>) -> PathBuf {
    let path = folder.join(name);
    let text: String = lines.into_iter().map(|line| line + "\n").collect();
    std::fs::write(&path, text).unwrap();
    path
}

/// What an engine says of expressions: its faults, none for none.
fn faults(mut engine: Command, expressions: impl IntoIterator<Item = String>) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let done = engine
        .arg(file(folder.path(), "expressions", expressions))
        .arg(file(folder.path(), "texts", texts()))
        .output()
        .unwrap();
    let output = String::from_utf8(done.stdout).unwrap();
    assert!(
        done.status.success(),
        "{output}{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let mut lines: Vec<String> = output.lines().map(str::to_owned).collect();
    // It has got to the end.
    assert!(lines.pop().unwrap().starts_with("looked at "), "{output}");
    lines
}

fn engines() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engines")
}

fn java() -> Command {
    let mut java = Command::new("java");
    java.arg("-Xmx512m").arg(engines().join("Linear.java"));
    java
}

fn pcre2() -> Command {
    let mut python = Command::new(target().join("venv/bin/python"));
    python.arg(engines().join("linear.py"));
    python
}

#[test]
fn every_expression_is_found_in_the_texts() {
    let found = expressions();
    assert!(found.len() >= 15, "{found:#?}");
    assert!(
        found
            .iter()
            .any(|expression| expression.contains("shop_worker")),
        "{found:#?}"
    );
    assert!(
        found
            .iter()
            .any(|expression| expression.contains("permission")),
        "{found:#?}"
    );
}

#[test]
fn java_takes_time_in_proportion_to_the_text() {
    assert_eq!(faults(java(), expressions()), Vec::<String>::new());
}

#[test]
fn pcre2_takes_time_in_proportion_to_the_text_and_hyperscan_takes_what_captures_nothing() {
    assert_eq!(faults(pcre2(), expressions()), Vec::<String>::new());
}

/// What the engines must not be given: so they would tell.
#[test]
fn the_engines_tell_what_is_not_linear() {
    let offenders = [
        // Quadratic.
        "alter [^;]*reset".to_owned(),
        ":ERROR: +[^:\\n]*(?:authentication failed|pg_hba)".to_owned(),
        // A stack for each repetition, in Java.
        "^[^\"]*\"(?:[^\"]|\"\")*\",".to_owned(),
    ];
    let told = faults(java(), offenders.clone());
    assert_eq!(told.len(), 3, "{told:#?}");
    let told = faults(pcre2(), offenders[..2].to_vec());
    assert_eq!(told.len(), 2, "{told:#?}");
    let refused = faults(pcre2(), ["a(?:x|y\\z)z".to_owned()]);
    assert!(
        refused.iter().any(|line| line.starts_with("Hyperscan: ")),
        "{refused:#?}"
    );
}
