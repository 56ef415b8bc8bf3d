//! README.md says what is true: outputs, exit codes, commands.
//!
//! Between `<!-- output: COMMAND -->` and `<!-- end -->` stands a fenced block: the command after `$ `, then what it
//! prints to stdout. A COMMAND is pgvigil, or a script of this repository. `PGVIGIL_UPDATE=1 cargo test` rewrites these
//! blocks.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests may panic"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

const START: &str = "<!-- output: ";
const END: &str = "<!-- end -->";

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

/// The text with the true output in every block.
fn refreshed(
    text: &str,
    run: &dyn Fn(&[String]) -> Result<String, String>,
) -> Result<String, String> {
    let mut fresh = String::new();
    let mut blocks = 0;
    let mut lines = text.split_inclusive('\n').enumerate();
    while let Some((number, line)) = lines.next() {
        let place = format!("line {}", number + 1);
        fresh.push_str(line);
        let Some(marker) = line.trim_end().strip_prefix(START) else {
            if line.trim_end() == END {
                return Err(format!("{place}: `{END}` without `{START}COMMAND -->`"));
            }
            continue;
        };
        let command = marker
            .strip_suffix(" -->")
            .ok_or_else(|| format!("{place}: the comment must end with ` -->`"))?;
        let words = words(command).ok_or_else(|| format!("{place}: a quote is not closed"))?;
        let is_ours = words
            .first()
            .is_some_and(|program| program == "pgvigil" || program.starts_with("tests/"));
        if !is_ours {
            return Err(format!(
                "{place}: only `pgvigil …` and scripts below `tests/` can be run, not `{command}`"
            ));
        }
        let end = loop {
            match lines.next() {
                Some((_, line)) if line.trim_end() == END => break line,
                Some((_, line)) if !line.starts_with(START) => {}
                _ => return Err(format!("{place}: no `{END}` follows")),
            }
        };
        let output = run(&words).map_err(|fault| format!("{place}: {fault}"))?;
        let output = output.trim_end_matches('\n');
        if output.is_empty() || output.contains("```") {
            return Err(format!(
                "{place}: the command prints nothing that a fenced block can show"
            ));
        }
        fresh.push_str(&format!("```console\n$ {command}\n{output}\n```\n"));
        fresh.push_str(end);
        blocks += 1;
    }
    if blocks == 0 {
        return Err(format!(
            "no block `{START}COMMAND -->` … `{END}`: README shows no real run"
        ));
    }
    Ok(fresh)
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
    let text = readme();
    let fresh = refreshed(&text, &run).unwrap_or_else(|fault| panic!("README.md: {fault}"));
    if std::env::var_os("PGVIGIL_UPDATE").is_some() {
        std::fs::write(root().join("README.md"), &fresh).unwrap();
        return;
    }
    for (number, (is, should)) in text.lines().zip(fresh.lines()).enumerate() {
        assert_eq!(
            is,
            should,
            "README.md, line {}; PGVIGIL_UPDATE=1 rewrites it",
            number + 1
        );
    }
    assert_eq!(text, fresh, "README.md; PGVIGIL_UPDATE=1 rewrites it");
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
fn blocks_are_found_run_and_rewritten() {
    let run = |arguments: &[String]| Ok(format!("{}\n\n", arguments.join("|")));
    let text =
        "# A\n<!-- output: pgvigil a 'b c' \"d\\\"e\" f\\ g '' -->\nold\n<!-- end -->\nmore\n";
    let fresh = refreshed(text, &run).unwrap();
    assert_eq!(
        fresh,
        "# A\n<!-- output: pgvigil a 'b c' \"d\\\"e\" f\\ g '' -->\n```console\n$ pgvigil a 'b c' \"d\\\"e\" f\\ g ''\n\
         pgvigil|a|b c|d\"e|f g|\n```\n<!-- end -->\nmore\n"
    );
    assert_eq!(refreshed(&fresh, &run).unwrap(), fresh);

    for (text, fault) in [
        ("# A\n", "README shows no real run"),
        ("<!-- output: pgvigil a -->\n", "no `<!-- end -->` follows"),
        (
            "<!-- output: pgvigil a -->\n<!-- output: pgvigil b -->\n<!-- end -->\n",
            "line 1: no `<!-- end -->`",
        ),
        ("a\n<!-- end -->\n", "line 2: `<!-- end -->` without"),
        (
            "<!-- output: pgvigil 'a -->\n<!-- end -->\n",
            "a quote is not closed",
        ),
        (
            "<!-- output: rm -r a -->\n<!-- end -->\n",
            "only `pgvigil …` and scripts",
        ),
        ("<!-- output: pgvigil a\n<!-- end -->\n", "must end with"),
    ] {
        let found = refreshed(text, &run).unwrap_err();
        assert!(found.contains(fault), "{text}: {found}");
    }
    let silent = |_: &[String]| Ok(String::new());
    assert!(
        refreshed("<!-- output: pgvigil a -->\n<!-- end -->\n", &silent)
            .unwrap_err()
            .contains("prints nothing")
    );
    let real = "<!-- output: pgvigil --version -->\n<!-- end -->\n";
    assert!(
        refreshed(real, &self::run)
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
