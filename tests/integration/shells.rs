//! Completions as a shell makes them, and manual pages as `man` and `mandoc` render them: the real programs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests may panic"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn run(command: &mut Command) -> Output {
    let name = command.get_program().to_string_lossy().into_owned();
    command.output().unwrap_or_else(|_| {
        panic!(
            "missing: {name} (Debian has a package of that name; `tests/run` installs it as root)"
        )
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A folder with the completion script of a shell, and a `pgvigil` to complete for.
struct Shell {
    folder: tempfile::TempDir,
    script: PathBuf,
}

impl Shell {
    fn new(name: &str) -> Self {
        let output = run(Command::new(env!("CARGO_BIN_EXE_pgvigil")).args(["completions", name]));
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{output:?}"
        );
        let folder = tempfile::tempdir().unwrap();
        // The name under which zsh looks for it, whatever the shell.
        let script = folder.path().join("_pgvigil");
        std::fs::write(&script, output.stdout).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_pgvigil"), folder.path().join("pgvigil"))
            .unwrap();
        Self { folder, script }
    }

    /// Runs a shell program with a script; its lines on stdout. It must say nothing on stderr.
    fn lines(&self, program: &str, arguments: &[&str]) -> Vec<String> {
        let path = std::env::var("PATH").unwrap();
        let output = run(Command::new(program)
            .args(arguments)
            .env("PATH", format!("{}:{path}", self.folder.path().display()))
            .env("HOME", self.folder.path())
            .current_dir(self.folder.path()));
        assert_eq!(text(&output.stderr), "", "{program} {arguments:?}");
        text(&output.stdout).lines().map(str::to_owned).collect()
    }
}

/// What is typed, and what must be among what a shell offers; what must not.
const TYPED: [(&str, &[&str], &str); 5] = [
    ("pgvigil ru", &["rules"], "plan"),
    ("pgvigil rules ev", &["eval"], "explain"),
    ("pgvigil plan --deta", &["--detailed-exitcode"], "--env"),
    (
        "pgvigil check --format ",
        &["human", "json", "github"],
        "junit",
    ),
    ("pgvigil completions z", &["zsh"], "bash"),
];

fn hold(shell: &str, complete: impl Fn(&str) -> Vec<String>) {
    for (typed, wanted, unwanted) in TYPED {
        // clap_complete's script for fish offers no values of arguments without an option.
        if shell == "fish" && typed.contains("completions") {
            continue;
        }
        let offered = complete(typed);
        for word in wanted {
            assert!(
                offered.iter().any(|offer| offer == word),
                "{shell}: {typed}: {word}: {offered:?}"
            );
        }
        assert!(
            !offered.iter().any(|offer| offer == unwanted),
            "{shell}: {typed}: {unwanted}: {offered:?}"
        );
    }
}

#[test]
fn bash_completes() {
    let shell = Shell::new("bash");
    hold("bash", |typed| {
        // As readline calls it: by what `complete` has registered for the name, with the words before the cursor.
        let script = r#"
            . "$1"
            read -ra COMP_WORDS <<<"$2"
            [[ $2 == *' ' ]] && COMP_WORDS+=('')
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$2 COMP_POINT=${#2}
            registered=$(complete -p pgvigil)
            [[ $registered =~ -F\ ([^ ]+) ]]
            "${BASH_REMATCH[1]}" pgvigil "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
            printf '%s\n' "${COMPREPLY[@]}"
        "#;
        let file = shell.script.display().to_string();
        shell.lines("bash", &["--norc", "-c", script, "bash", &file, typed])
    });
}

#[test]
fn fish_completes() {
    let shell = Shell::new("fish");
    hold("fish", |typed| {
        let script = format!("source {}; complete -C '{typed}'", shell.script.display());
        let offered = shell.lines("fish", &["--no-config", "-c", &script]);
        // A word, and after a tab what it does.
        let mut words = Vec::new();
        for offer in &offered {
            let (word, about) = offer.split_once('\t').unwrap_or((offer, ""));
            assert!(!about.is_empty(), "nothing is said of {word}");
            words.push(word.to_owned());
        }
        words
    });
}

/// zsh completes in its line editor only: a terminal is made for it, the words are typed with a tab, and what it lists
/// is read off.
#[test]
fn zsh_completes() {
    let shell = Shell::new("zsh");
    hold("zsh", |typed| {
        let script = r#"
            zmodload zsh/zpty
            zpty inner 'PS1=ready; zsh -f -i'
            say() { zpty -w inner "$1" }
            say "PS1=; fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -D"
            say 'setopt no_beep; zstyle ":completion:*" menu no; LISTMAX=1000; COLUMNS=200'
            # Before what is offered is inserted, it is told.
            say 'compadd() { local -a found; builtin compadd -O found "$@"; print -rl -- "offer "${^found} >>'$1'/offers; builtin compadd "$@" }'
            say "print -r -- set'-'up"
            zpty -r inner line '*set-up*'
            zpty -w -n inner "$2"$'\t'
            # As long as the line editor has not begun, the terminal itself would take the next key, and wipe what was typed.
            for ((tries = 0; tries < 1500; tries++)); do [[ -s $1/offers ]] && break; sleep 0.02; done
            zpty -w -n inner $'\x15'"print -r -- do'-'ne"$'\n'
            zpty -r inner line '*do-ne*'
            zpty -d inner
            cat $1/offers
            rm $1/offers
        "#;
        let folder = shell.folder.path().display().to_string();
        let offered = shell.lines("zsh", &["-f", "-c", script, "zsh", &folder, typed]);
        let words = offered
            .iter()
            .filter_map(|offer| offer.strip_prefix("offer "));
        words.map(str::to_owned).collect()
    });
}

/// PowerShell is on no machine of ours: what can be told of its script is that every command is in it.
#[test]
fn powershell_has_every_command() {
    let shell = Shell::new("powershell");
    let script = std::fs::read_to_string(&shell.script).unwrap();
    assert!(script.contains("Register-ArgumentCompleter -Native -CommandName 'pgvigil'"));
    for command in [
        "check",
        "rules;eval",
        "rules;impact",
        "enrol;coverage",
        "ci;pr",
        "watch",
    ] {
        assert!(
            script.contains(&format!("'pgvigil;{command}'")),
            "{command}"
        );
    }
    for (open, close) in [('{', '}'), ('(', ')'), ('[', ']')] {
        let count = |mark| script.matches(mark).count();
        assert_eq!(count(open), count(close), "{open}{close}");
    }
}

/// The manual pages, in a folder.
fn pages() -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let output = run(Command::new(env!("CARGO_BIN_EXE_pgvigil"))
        .args(["man", "--out"])
        .arg(folder.path())
        .env("SOURCE_DATE_EPOCH", "1796221723"));
    assert!(output.status.success(), "{output:?}");
    let mut pages: Vec<PathBuf> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    pages.sort();
    assert!(pages.len() > 20, "{pages:?}");
    (folder, pages)
}

fn rendered(page: &Path) -> Output {
    run(Command::new("man")
        .args(["--warnings=w", "-E", "UTF-8", "-l", "-P", "cat"])
        .arg(page)
        .env("MANWIDTH", "100")
        .env("LC_ALL", "C.UTF-8"))
}

#[test]
fn manual_pages_render_without_a_warning() {
    let (_folder, pages) = pages();
    for page in &pages {
        let output = rendered(page);
        assert!(output.status.success(), "{}", page.display());
        assert_eq!(text(&output.stderr), "", "man: {}", page.display());
        let shown = text(&output.stdout);
        for heading in ["NAME", "SYNOPSIS"] {
            assert!(shown.contains(heading), "{}: {heading}", page.display());
        }
        assert!(shown.contains("2026-12-02"), "{}: no date", page.display());
        let faults = faults(page);
        assert!(faults.is_empty(), "{faults:?}");
    }
    let eval = pages
        .iter()
        .find(|page| page.ends_with("pgvigil-rules-eval.1"))
        .unwrap();
    let shown = text(&rendered(eval).stdout);
    assert!(
        shown.contains("--log-line-prefix") && shown.contains("--summary"),
        "{shown}"
    );
}

/// What mandoc finds wrong with a page.
fn faults(page: &Path) -> Vec<String> {
    let lint = run(Command::new("mandoc")
        .args(["-T", "lint", "-W", "warning"])
        .arg(page));
    text(&lint.stdout).lines().map(str::to_owned).collect()
}

/// The two programs that judge the pages say so when something is wrong.
#[test]
fn a_broken_manual_page_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("broken.1");
    std::fs::write(
        &page,
        ".TH broken 1\n.SH NAME\nbroken \\- a page\n.NOSUCH macro\n",
    )
    .unwrap();
    assert_ne!(text(&rendered(&page).stderr), "");
    assert!(!faults(&page).is_empty());
}
