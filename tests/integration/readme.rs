//! README.md says what is true: outputs, exit codes, commands. Its blocks are as [`console`](crate::console) has them;
//! a command is pgvigil, or a script of this repository.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests may panic"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::console::{self, Place, refreshed};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    std::fs::read_to_string(root().join("README.md")).expect("README.md can be read")
}

/// The built binary, on the day of the recordings, or a script that runs it; both in the repository.
fn run(words: &[String]) -> Result<String, String> {
    let built = env!("CARGO_BIN_EXE_pgvigil");
    let (program, arguments) = words.split_first().ok_or("there is no command")?;
    let mut command = if program == "pgvigil" {
        let mut command = Command::new(built);
        command.args(["--today", "2026-11-22", "--color", "never"]);
        command
    } else {
        Command::new(root().join(program))
    };
    let output = command
        .args(arguments)
        .env("PGVIGIL", built)
        .current_dir(root())
        .env_remove("COLUMNS")
        .output()
        .map_err(|error| error.to_string())?;
    if output.stdout.is_empty() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!(
            "the command printed nothing to stdout, and to stderr: {said}"
        ));
    }
    String::from_utf8(output.stdout).map_err(|error| error.to_string())
}

/// The repository itself.
struct Repository;

impl Place for Repository {
    fn run(&mut self, command: &str) -> Result<String, String> {
        let words = words(command).ok_or("a quote is not closed")?;
        let is_ours = words
            .first()
            .is_some_and(|program| program == "pgvigil" || program.starts_with("tests/"));
        if !is_ours {
            return Err(format!(
                "only `pgvigil …` and scripts below `tests/` can be run, not `{command}`"
            ));
        }
        run(&words)
    }

    fn write(&mut self, path: &str, _: &str) -> Result<(), String> {
        Err(format!("README.md cannot write {path} into the repository"))
    }
}

/// The words of a command as a shell would take them, without expansions.
fn words(command: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = command.chars();
    while let Some(character) = characters.next() {
        match character {
            ' ' => words.extend(word.take()),
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next()? {
                        c if c == character => break,
                        '\\' if character == '"' => word.push(characters.next()?),
                        c => word.push(c),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(characters.next()?),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Some(words)
}

/// The rows of the table under a heading: cells, without the head of the table.
fn table<'a>(text: &'a str, heading: &str) -> Vec<Vec<&'a str>> {
    let below = text.lines().skip_while(|line| *line != heading).skip(1);
    let rows = below
        .take_while(|line| !line.starts_with("## "))
        .filter(|line| line.starts_with('|'));
    rows.skip(2)
        .map(|row| {
            row.trim()
                .trim_matches('|')
                .split('|')
                .map(str::trim)
                .collect()
        })
        .collect()
}

/// The codes in a table of exit codes; a reserved one is none.
fn codes_in(text: &str) -> BTreeSet<u8> {
    let rows = table(text, "## Exit codes")
        .into_iter()
        .filter(|row| !row.iter().any(|cell| cell.starts_with("reserved")));
    rows.filter_map(|row| row.first()?.trim_matches('`').parse().ok())
        .collect()
}

/// The names in code style in the first column of the table of commands.
fn commands_in(text: &str) -> BTreeSet<String> {
    let rows = table(text, "## Commands").into_iter();
    rows.filter_map(|row| row.first().copied())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(|name| name.trim_start_matches("pgvigil ").to_owned())
        .collect()
}

/// The subcommands that a help lists.
fn subcommands(arguments: &[&str]) -> Vec<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_pgvigil"))
        .args(arguments)
        .arg("--help")
        .output()
        .unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let listed = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty());
    let names = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn blocks_hold_what_the_commands_print() {
    console::holds(&root().join("README.md"), &mut Repository);
}

/// A server, a person and the watcher, for real.
#[cfg(feature = "http")]
#[test]
fn the_page_of_the_watcher_is_live() {
    console::holds(&root().join("docs/watch.md"), &mut Repository);
}

/// The other pages that show a run.
#[test]
fn pages_hold_what_their_commands_print() {
    let mut pages = 0;
    for entry in std::fs::read_dir(root().join("docs")).unwrap() {
        let path = entry.unwrap().path();
        let has_a_test = ["tutorial.md", "watch.md", "init.md", "migrate.md"]
            .iter()
            .any(|name| path.ends_with(name));
        if has_a_test || path.extension().is_none_or(|end| end != "md") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        if text.contains("<!-- output: ") {
            console::holds(&path, &mut Repository);
            pages += 1;
        }
    }
    assert!(pages > 1, "{pages}");
}

#[test]
fn exit_codes_are_those_of_the_program() {
    let source = std::fs::read_to_string(root().join("src/bin/pgvigil/exit.rs")).unwrap();
    let body = source
        .split_once("enum Exit {")
        .unwrap()
        .1
        .split_once('}')
        .unwrap()
        .0;
    let variants = body
        .lines()
        .filter_map(|line| line.trim().strip_suffix(',')?.split_once(" = "));
    let codes: BTreeSet<u8> = variants.map(|(_, code)| code.parse().unwrap()).collect();
    assert!(codes.contains(&0) && codes.len() > 5, "{codes:?}");
    assert_eq!(
        codes_in(&readme()),
        codes,
        "README.md, table under `## Exit codes`"
    );
    // In the words of the program, which the reference page has.
    let page = std::fs::read_to_string(root().join("docs/exit-codes.md")).unwrap();
    let readme = readme();
    for row in table(&readme, "## Exit codes") {
        assert!(
            page.contains(&format!("| {} | {} |", row[0], row[1])),
            "{row:?}"
        );
    }
}

#[test]
fn commands_are_those_of_the_program() {
    let mut commands = BTreeSet::new();
    for command in subcommands(&[]) {
        let below = subcommands(&[&command]);
        if below.is_empty() {
            commands.insert(command);
        } else {
            commands.extend(below.iter().map(|name| format!("{command} {name}")));
        }
    }
    assert!(commands.contains("rules eval"), "{commands:?}");
    assert_eq!(
        commands_in(&readme()),
        commands,
        "README.md, table under `## Commands`"
    );
}

#[test]
fn only_commands_of_the_repository_are_run() {
    let words = words("pgvigil a 'b c' \"d\\\"e\" f\\ g ''").unwrap();
    assert_eq!(words, ["pgvigil", "a", "b c", "d\"e", "f g", ""]);
    for (text, fault) in [
        (
            "<!-- output: pgvigil 'a -->\n<!-- end -->\n",
            "a quote is not closed",
        ),
        (
            "<!-- output: rm -r a -->\n<!-- end -->\n",
            "only `pgvigil …` and scripts",
        ),
        (
            "<!-- output: pgvigil check --quiet -->\n<!-- end -->\n",
            "printed nothing",
        ),
        (
            "<!-- file: a -->\n```\na\n```\n<!-- end -->\n",
            "cannot write a",
        ),
    ] {
        let found = refreshed(text, &mut Repository).unwrap_err();
        assert!(found.contains(fault), "{text}: {found}");
    }
    let real = "<!-- output: pgvigil --version -->\n<!-- end -->\n";
    assert!(
        refreshed(real, &mut Repository)
            .unwrap()
            .contains(&format!("\npgvigil {}\n", env!("CARGO_PKG_VERSION")))
    );
}

#[test]
fn tables_are_read() {
    let text = "## Commands\n\n| command | does |\n| --- | --- |\n| `plan`, `apply` | a |\n| `rules test` | `b` |\n\n\
                ## Exit codes\n| code | means |\n| --: | --- |\n| 0 | clean |\n| 12 | pending |\n| 16 | reserved: x |\n## More\n| 3 | x |\n";
    assert_eq!(codes_in(text), BTreeSet::from([0, 12]));
    assert_eq!(
        commands_in(text),
        BTreeSet::from(["apply", "plan", "rules test"].map(str::to_owned))
    );
}
