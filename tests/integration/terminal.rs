//! What a person sees on a terminal, and a program in a pipe: colour, progress, widths, `--quiet`, and readers that go away.
//!
//! The terminal is real: `script` of Debian's `bsdutils` gives the program one, and copies what arrives there.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests may panic"
)]

use std::process::{Command, Stdio};

use unicode_width::UnicodeWidthStr as _;

use crate::cli::{Repository, Run};
use crate::recorded;

const ESCAPE: char = '\u{1b}';

/// A terminal of so many columns, with nothing of this machine's environment but what is given.
struct Terminal {
    columns: usize,
    variables: Vec<(&'static str, &'static str)>,
}

impl Terminal {
    fn new(columns: usize) -> Self {
        Self {
            columns,
            variables: vec![("TERM", "xterm-256color"), ("PATH", "/usr/bin:/bin")],
        }
    }

    fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value));
        self
    }

    /// What arrives on the terminal while the program runs in a folder. Words of the line hold no quotes.
    fn shows(&self, folder: &std::path::Path, line: &str) -> String {
        let program = env!("CARGO_BIN_EXE_pgvigil");
        let line = format!("stty rows 24 cols {}; '{program}' {line}", self.columns);
        let output = Command::new("script")
            .args(["--quiet", "--return", "--command", &line, "/dev/null"])
            .env_clear()
            .envs(self.variables.iter().copied())
            .current_dir(folder)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }
}

/// Without the sequences that colour.
fn plain(text: &str) -> String {
    let codes = regex_automata::meta::Regex::new("\u{1b}\\[[0-9;?]*[A-Za-z]").unwrap();
    let mut plain = String::new();
    let mut end = 0;
    for found in codes.find_iter(text) {
        plain.push_str(&text[end..found.start()]);
        end = found.end();
    }
    plain + &text[end..]
}

#[test]
fn colour_is_for_people() {
    let repository = Repository::new();
    let folder = repository.path("");
    let line = "--today 2026-11-22 plan --env local";
    let coloured = |terminal: Terminal, line: &str| terminal.shows(&folder, line).contains(ESCAPE);
    assert!(coloured(Terminal::new(80), line));
    assert!(coloured(Terminal::new(80).with("NO_COLOR", ""), line));
    assert!(!coloured(Terminal::new(80).with("NO_COLOR", "1"), line));
    assert!(!coloured(Terminal::new(80).with("TERM", "dumb"), line));
    assert!(!coloured(
        Terminal::new(80),
        &format!("{line} --color never")
    ));
    // The help and a fault of the command line are printed before there are arguments.
    assert!(coloured(Terminal::new(80), "plan --help"));
    assert!(!coloured(Terminal::new(80), "plan --help --color never"));
    assert!(!coloured(Terminal::new(80), "--color=never plan --no-such"));
    // No pipe is a person, unless somebody says so.
    for args in [&["plan", "--env", "local"][..], &["--help"], &["chek"]] {
        let run = repository.run(args);
        assert!(!(run.out + &run.err).contains(ESCAPE), "{args:?}");
        let run = repository.run(&[args, &["--color", "always"]].concat());
        // clap reads no option behind what it does not know.
        if args != ["chek"] {
            assert!((run.out + &run.err).contains(ESCAPE), "{args:?}");
        }
    }
}

#[test]
fn long_work_shows_that_it_goes_on() {
    let line = "rules attack --env production --today 2026-11-22";
    let moving = "attacking 17 exclusions …";
    // On one core it takes long enough anywhere.
    let terminal = || Terminal::new(80).with("RAYON_NUM_THREADS", "1");
    let shown = terminal().shows(recorded::root(), line);
    assert!(shown.contains(moving), "{shown}");
    // It is wiped, and the result stands alone.
    let left = plain(shown.rsplit('\r').next().unwrap());
    assert!(!left.contains("attacking"), "{left}");
    assert!(plain(&shown).contains("passed: "), "{shown}");
    let quiet = terminal().shows(recorded::root(), &format!("--quiet {line}"));
    assert!(
        !quiet.contains("attacking") && quiet.contains("passed"),
        "{quiet}"
    );
    let dumb = terminal()
        .with("TERM", "dumb")
        .shows(recorded::root(), line);
    assert!(
        !dumb.contains("attacking") && dumb.contains("passed"),
        "{dumb}"
    );
    let mut piped = Command::new(env!("CARGO_BIN_EXE_pgvigil"));
    let piped = piped
        .env_clear()
        .args(line.split(' '))
        .current_dir(recorded::root())
        .output()
        .unwrap();
    // Where it takes very long, a line says what is waited for.
    let told = Run::of(piped).err;
    let mut lines = told.lines();
    assert!(
        lines.all(|line| line.starts_with("attacking 17 exclusions: ")),
        "{told}"
    );
}

#[test]
fn an_interrupt_leaves_a_clean_line() {
    let terminal = Terminal::new(80).with("RAYON_NUM_THREADS", "1");
    let program = env!("CARGO_BIN_EXE_pgvigil");
    let line = format!(
        "stty rows 24 cols 80; timeout --foreground --signal INT 1.5 '{program}' rules attack --env production --today 2026-11-22; \
         echo; echo ended"
    );
    let output = Command::new("script")
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .env_clear()
        .envs(terminal.variables.iter().copied())
        .current_dir(recorded::root())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("attacking 17 exclusions …"), "{shown}");
    // It was cut off, or there was nothing to wipe.
    assert!(!plain(&shown).contains("passed: "), "{shown}");
    // What stands on the line of the bar in the end: nothing.
    let (before, _) = shown.rsplit_once("ended").unwrap();
    let last = before.trim_end_matches(['\r', '\n']);
    let last = last.rsplit(['\r', '\n']).next().unwrap();
    assert_eq!(plain(last).trim(), "", "{shown:?}");
}

/// The object is the column that matters: it is whole where other columns can give way.
#[test]
fn the_object_is_whole_on_narrow_terminals() {
    let repository = Repository::new();
    let log = recorded::root().join("tests/recordings/psql.on-short.log.gz");
    std::fs::copy(log, repository.path("psql.log.gz")).unwrap();
    let eval = |columns: usize| {
        Terminal::new(columns).shows(
            &repository.path(""),
            "--today 2026-11-22 --quiet rules eval --env local psql.log.gz",
        )
    };
    let wide = plain(&eval(200));
    let objects: Vec<&str> = wide
        .split_whitespace()
        .filter(|word| word.starts_with("public.") || word.starts_with("pg_catalog."))
        .filter(|word| word.len() <= 24)
        .collect();
    assert!(!objects.is_empty(), "{wide}");
    for columns in [60, 80] {
        let shown = plain(&eval(columns));
        for object in &objects {
            assert!(shown.contains(object), "{columns}: {object}\n{shown}");
        }
        assert!(
            shown.lines().all(|line| line.trim_end().width() <= columns),
            "{shown}"
        );
    }
}

#[test]
fn lines_fit_the_terminal() {
    let repository = Repository::new();
    let log = recorded::root().join("tests/recordings/psql.on-short.log.gz");
    std::fs::copy(log, repository.path("psql.log.gz")).unwrap();
    for columns in [72, 80, 132] {
        for line in [
            "plan --env local",
            "plan --all",
            "drift --env local",
            "rules eval --env local psql.log.gz",
        ] {
            let line = format!("--quiet --today 2026-11-22 {line}");
            let shown = Terminal::new(columns).shows(&repository.path(""), &line);
            let drawn = plain(&shown);
            assert!(drawn.lines().count() > 1, "{drawn}");
            for row in drawn.lines() {
                // What is no result is not drawn: errors, and hints that name commands.
                let is_drawn = !row.starts_with("error: ")
                    && !row.trim_start().starts_with("! ")
                    && !row.contains('`');
                assert!(
                    !is_drawn || row.trim_end().width() <= columns,
                    "{columns} columns, {line}: {row}"
                );
            }
        }
    }
    // COLUMNS says it better than the terminal, and where there is none.
    let row = |terminal: Terminal| {
        let shown = terminal.shows(
            &repository.path(""),
            "--quiet --today 2026-11-22 rules eval --env local psql.log.gz",
        );
        shown.lines().map(|row| row.width()).max().unwrap()
    };
    assert!(row(Terminal::new(200)) > 60);
    assert!(row(Terminal::new(200).with("COLUMNS", "60")) <= 60);
}

/// Commands that print much or little, with the exit code that does not depend on who reads.
const COMMANDS: [(&[&str], i32); 16] = [
    (&["check"], 0),
    (&["check", "--format", "json"], 0),
    (&["rules", "test"], 0),
    (&["rules", "attack", "--env", "local"], 0),
    (&["rules", "eval", "--env", "local", "psql.log.gz"], 0),
    (
        &[
            "rules",
            "eval",
            "--env",
            "local",
            "--format",
            "jsonl",
            "psql.log.gz",
        ],
        0,
    ),
    (&["rules", "explain", "--env", "local", "psql.log.gz"], 0),
    (&["compile", "--out", "out"], 0),
    (&["plan", "--env", "local"], 0),
    (&["plan", "--env", "local", "--detailed-exitcode"], 12),
    (&["drift", "--env", "local"], 12),
    (&["iam-policy", "--env", "prod", "--for", "apply"], 0),
    (&["completions", "bash"], 0),
    (&["schema"], 0),
    (&["--help"], 0),
    (&["--version"], 0),
];

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let repository = Repository::new();
    let log = recorded::root().join("tests/recordings/psql.on-short.log.gz");
    std::fs::copy(log, repository.path("psql.log.gz")).unwrap();
    for (args, code) in COMMANDS {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = repository
            .command()
            .args(args)
            .arg("--quiet")
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(err, "", "{args:?}");
        assert_eq!(output.status.code(), Some(code), "{args:?}");
    }
    // A terminal that is gone takes stderr with it.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = repository
        .command()
        .args(["check"])
        .stdout(writer.try_clone().unwrap())
        .stderr(writer)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn quiet_leaves_results_and_errors() {
    let repository = Repository::new();
    for args in [
        &["check"][..],
        &["compile", "--out", "out"],
        &["plan", "--env", "local", "--out", "local.plan"],
        &["plan", "--show", "local.plan"],
        &["apply", "--env", "local", "local.plan"],
        &["apply", "--env", "local", "--auto-approve"],
    ] {
        let loud = repository.run(&[&["--quiet"], args].concat()).exits(0);
        assert_eq!(loud.err, "", "{args:?}");
    }
    let hint = repository.run(&["check"]).exits(0).err;
    assert!(hint.contains("no faults"), "{hint}");
    let error = repository
        .run(&["--quiet", "plan", "--env", "nowhere"])
        .exits(2)
        .err;
    assert!(error.starts_with("error: "), "{error}");
}
