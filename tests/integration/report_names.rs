//! Names in a report come from logs, from commits and from whoever connects: in no form does one become more than a name.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]

use std::process::Command;

use jiff::{SignedDuration, Timestamp};
use pgvigil::evidence::detection::{DETECTION, DETECTION_VERSION, Detection, Window};
use pgvigil::policy::model::{Severity, Signal};
use serde_json::Value;

use crate::browser::Browser;
use crate::git::git;

/// Names that other names would be mistaken for.
const HOSTILE: [&str; 12] = [
    "<script>window.owned=1</script>",
    "<img src=x onerror=window.owned=1>",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "@SUM(1)",
    "a\nb",
    "a\r\n| forged | row |",
    "a|b",
    "\u{1b}[2J\u{1b}]0;owned\u{7}",
    "\u{202e}desrever",
    "[link](javascript:alert(1)) `code` **bold**",
    "\",\"x\";y",
];

const POLICY: &str = "version: 1\nusers:\n  - {role: alice, owner: data, environments: all}\n";
const ENVIRONMENT: &str = "version: 1\nprovider: local\nfolder: live\nclusters: [shop]\n";

/// A detection with one name in every place where somebody chooses it.
fn named(name: &str, number: usize) -> Detection {
    let start: Timestamp = "2026-11-02T09:00:00Z".parse().unwrap();
    let end = start + SignedDuration::from_mins(5);
    Detection {
        record: DETECTION.to_owned(),
        version: DETECTION_VERSION,
        window: Window { start, end },
        rules: "rules".to_owned(),
        policy: "policy".to_owned(),
        environment: "prod".to_owned(),
        cluster: name.to_owned(),
        log_group: name.to_owned(),
        signals: vec![Signal::Dml],
        user: name.to_owned(),
        database: name.to_owned(),
        client: name.to_owned(),
        class: name.to_owned(),
        command: name.to_owned(),
        object: format!("{name}{number:02}"),
        statements: 1,
        records: 1,
        not_judged: 0,
        first_seen: start,
        last_seen: start,
        process: None,
        new: true,
        incomplete: false,
        expected: (number % 2 == 1).then(|| name.to_owned()),
        expected_until: None,
        severity: Severity::High,
        severity_reason: name.to_owned(),
        owner: Some(name.to_owned()),
        team: Some(name.to_owned()),
        identity: Some(name.to_owned()),
        session_name: Some(name.to_owned()),
    }
}

/// The report of detections with these names, whose policy somebody of that name committed, in a form.
fn made(names: &[&str], form: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for (name, text) in [
        ("rules/users.yaml", POLICY),
        ("environments/prod.yaml", ENVIRONMENT),
    ] {
        std::fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
        std::fs::write(root.join(name), text).unwrap();
    }
    git(root, &["init", "-q", "-b", "main"]);
    for (number, name) in names.iter().enumerate() {
        let policy =
            format!("{POLICY}  - {{role: user{number}, owner: data, environments: all}}\n");
        std::fs::write(root.join("rules/users.yaml"), policy).unwrap();
        git(root, &["add", "-A"]);
        let one_line: String = name
            .chars()
            .filter(|one| !"\r\n\0".contains(*one))
            .collect();
        let message = format!("{name}\n\nReviewed-by: {one_line}");
        let author = format!("user.name=x{}", one_line.replace(['<', '>'], ""));
        let output = Command::new("git")
            .arg("-C")
            .arg(root)
            .args(["-c", &author, "-c", "user.email=x@example.com"])
            .args(["commit", "-q", "--cleanup=verbatim", "-m", &message])
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .envs([
                ("GIT_COMMITTER_DATE", "2026-11-02T08:00:00Z"),
                ("GIT_AUTHOR_DATE", "2026-11-02T08:00:00Z"),
            ])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let lines: Vec<String> = names
        .iter()
        .enumerate()
        .map(|(number, name)| serde_json::to_string(&named(name, number)).unwrap())
        .collect();
    std::fs::write(root.join("records.jsonl"), lines.join("\n")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_pgvigil"))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .current_dir(root)
        .args([
            "-q",
            "report",
            "--env",
            "prod",
            "--since",
            "2026-11-02",
            "--until",
            "2026-11-02",
        ])
        .args([
            "--records",
            "records.jsonl",
            "--report",
            &format!("made.{form}"),
        ])
        .output()
        .unwrap();
    assert_eq!(
        output.status.code(),
        Some(17),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    std::fs::read_to_string(root.join(format!("made.{form}"))).unwrap()
}

/// As many harmless names.
const HARMLESS: [&str; 12] = [
    "n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8", "n9", "n10", "n11",
];

fn assert_printable(text: &str) {
    let odd = text
        .chars()
        .find(|one| (one.is_control() && !"\r\n".contains(*one)) || *one == '\u{202e}');
    assert_eq!(odd, None);
}

/// The cells of each row (RFC 4180).
fn cells(text: &str) -> Vec<Vec<String>> {
    let mut rows = vec![vec![String::new()]];
    let mut is_quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(one) = characters.next() {
        let row = rows.last_mut().unwrap();
        match one {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                characters.next();
                row.last_mut().unwrap().push('"');
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => row.push(String::new()),
            '\r' if !is_quoted => {}
            '\n' if !is_quoted => rows.push(vec![String::new()]),
            other => row.last_mut().unwrap().push(other),
        }
    }
    rows.pop();
    rows
}

/// A line of Markdown without its code: what is between two runs of as many backticks (CommonMark, 6.1).
fn without_code(line: &str) -> String {
    let mut left = String::new();
    let mut rest = line;
    while let Some(start) = rest.find('`') {
        let run = rest[start..]
            .bytes()
            .take_while(|byte| *byte == b'`')
            .count();
        left.push_str(&rest[..start]);
        let after = &rest[start + run..];
        let mut from = 0;
        let end = loop {
            let Some(next) = after[from..].find('`') else {
                break None;
            };
            let place = from + next;
            let length = after[place..]
                .bytes()
                .take_while(|byte| *byte == b'`')
                .count();
            if length == run {
                break Some(place);
            }
            from = place + length;
        };
        rest = match end {
            Some(place) => &after[place + run..],
            None => {
                left.push_str(&rest[start..start + run]);
                after
            }
        };
    }
    left.push_str(rest);
    left
}

#[test]
fn a_name_is_a_name_in_every_table() {
    let csv = made(&HOSTILE, "csv");
    assert_printable(&csv);
    let rows = cells(&csv);
    assert_eq!(rows.len(), HOSTILE.len() + 1);
    for row in &rows {
        assert_eq!(row.len(), rows[0].len());
        for cell in row {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t']), "{cell}");
        }
    }

    let markdown = made(&HOSTILE, "md");
    assert_printable(&markdown);
    let harmless = made(&HARMLESS, "md");
    assert_eq!(markdown.lines().count(), harmless.lines().count());
    let bars = |line: &str| line.replace("\\|", "").matches('|').count();
    for (hostile, plain) in markdown.lines().zip(harmless.lines()) {
        assert_eq!(bars(hostile), bars(plain), "{hostile}");
    }
    // Outside of code no tag and no link begins.
    for line in markdown.lines() {
        let line = without_code(line).replace("\\]", "");
        for begins in ["<script", "<img", "](javascript:", "**bold**"] {
            assert!(!line.contains(begins), "{line}");
        }
    }

    let terminal = made(&HOSTILE, "txt");
    assert_printable(&terminal);
    assert_eq!(
        terminal.lines().count(),
        made(&HARMLESS, "txt").lines().count()
    );

    let json = made(&HOSTILE, "json");
    assert_printable(&json);
    let document: Value = serde_json::from_str(&json).unwrap();
    let mut users: Vec<&str> = document["detections"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["user"].as_str().unwrap())
        .collect();
    users.sort_unstable();
    let mut expected = HOSTILE;
    expected.sort_unstable();
    assert_eq!(users, expected);
}

#[test]
fn a_name_is_a_name_in_the_page() {
    let page = made(&HOSTILE, "html");
    assert_printable(&page);
    assert!(page.contains("&lt;script&gt;window.owned=1"));
    assert!(!page.contains("<script") && !page.contains("<img"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    std::fs::write(&file, &page).unwrap();
    let browser = Browser::start();
    browser.requests();
    browser.open(&file);
    assert_eq!(browser.requests(), [format!("file://{}", file.display())]);
    assert_eq!(browser.log("browser"), [""; 0], "the console is empty");
    assert_eq!(browser.run("return typeof window.owned"), "undefined");
    // The same elements as with harmless names, but for the text in them.
    let elements = "return [...document.querySelectorAll('*')].map(e => e.tagName).sort().join()";
    let hostile = browser.run(elements);
    std::fs::write(&file, made(&HARMLESS, "html")).unwrap();
    browser.open(&file);
    assert_eq!(hostile, browser.run(elements));
    let links = "return [...document.querySelectorAll('a')].filter(a => !/^#[a-z]+$/.test(a.getAttribute('href'))).length";
    assert_eq!(browser.run(links), 0);
}
