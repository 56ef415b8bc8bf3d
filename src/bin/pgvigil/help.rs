//! The help texts: the arguments, with examples, no wider than a page, and coloured as requested.

use clap::{ColorChoice, Command, CommandFactory as _};

use crate::args::Cli;

/// Most columns of a help text, however wide the terminal is.
const WIDTH: usize = 100;

/// The examples at the end of each command's help. A test parses every line as the program would.
const EXAMPLES: [(&str, &[&str]); 29] = [
    (
        "check",
        &[
            "pgvigil check",
            "pgvigil check --deny warnings",
            "pgvigil check --format github",
        ],
    ),
    ("explain", &["pgvigil explain exclusion/evadable"]),
    (
        "rules test",
        &[
            "pgvigil rules test --min-score 95",
            "pgvigil rules test --env prod --format junit > junit.xml",
        ],
    ),
    (
        "rules eval",
        &[
            "pgvigil rules eval --env prod logs/*.gz",
            "pgvigil rules eval --env prod --summary logs/postgresql.log",
            "aws logs filter-log-events … | pgvigil rules eval --env prod --format jsonl -",
        ],
    ),
    (
        "rules explain",
        &[
            "pgvigil rules explain --env prod --line '2026-11-22 09:00:00 UTC:…:LOG:  AUDIT: SESSION,…'",
            "pgvigil rules explain --env prod logs/postgresql.log",
        ],
    ),
    (
        "rules attack",
        &[
            "pgvigil rules attack --env prod",
            "pgvigil rules attack --env prod --exclusion catalog-metadata",
        ],
    ),
    (
        "rules impact",
        &[
            "pgvigil rules impact --env prod --base origin/main logs/*.gz",
            "pgvigil rules impact --env prod --base v1 --head v2 --report impact.html logs/*.gz",
        ],
    ),
    (
        "report",
        &[
            "pgvigil report --env prod --since 2026-10-01 --until 2026-12-31 --save-records q4.jsonl.gz",
            "pgvigil report --env prod --since 2026-10-01 --until 2026-12-31 --records q4.jsonl.gz",
            "pgvigil report --env prod --since 2026-10-01 --until 2026-10-01 logs/*.gz",
        ],
    ),
    (
        "compile",
        &[
            "pgvigil compile --out build",
            "pgvigil compile --env prod --out build --check",
            "pgvigil compile --env prod --out build --target terraform",
        ],
    ),
    (
        "plan",
        &[
            "pgvigil plan --env prod --out prod.plan",
            "pgvigil plan --all --detailed-exitcode",
            "pgvigil plan --show prod.plan",
        ],
    ),
    (
        "apply",
        &[
            "pgvigil apply --env prod prod.plan",
            "pgvigil apply --env prod --package pgvigil-monitor-arm64.zip",
        ],
    ),
    (
        "destroy",
        &[
            "pgvigil destroy --env staging",
            "pgvigil destroy --env staging --also key,topic --out staging.plan",
        ],
    ),
    (
        "drift",
        &["pgvigil drift --env prod --blame", "pgvigil drift --all"],
    ),
    (
        "doctor",
        &[
            "pgvigil doctor --env prod",
            "pgvigil doctor --env prod --canary",
        ],
    ),
    (
        "iam-policy",
        &["pgvigil iam-policy --env prod --for plan > plan.json"],
    ),
    (
        "adopt",
        &[
            "pgvigil adopt --env prod",
            "pgvigil adopt --env prod --retire",
        ],
    ),
    (
        "package",
        &[
            "pgvigil package --env prod",
            "pgvigil package --architecture arm64 --binary pgvigil-monitor --out dist",
        ],
    ),
    (
        "enrol plan",
        &[
            "pgvigil enrol plan --env prod --out enrol.plan",
            "pgvigil enrol plan --env prod --database env:ORDERS_URL",
        ],
    ),
    (
        "enrol apply",
        &[
            "pgvigil enrol apply --env prod enrol.plan",
            "pgvigil enrol apply --env prod --dry-run",
        ],
    ),
    (
        "enrol coverage",
        &[
            "pgvigil enrol coverage --all",
            "pgvigil enrol coverage --env prod --cluster orders --logs logs/postgresql.log",
        ],
    ),
    (
        "enrol import",
        &["pgvigil enrol import --env prod --owner data-platform"],
    ),
    (
        "watch",
        &[
            "pgvigil watch --env own 'log/postgresql-*.log'",
            "pgvigil watch --env own --cursor watch.cursor --out counted.jsonl log",
        ],
    ),
    (
        "ci pr",
        &[
            "pgvigil ci pr --base origin/main",
            "pgvigil ci pr --env prod --logs samples --out pgvigil-ci",
        ],
    ),
    (
        "ci apply",
        &["pgvigil ci apply --plans pgvigil-ci/plans --out pgvigil-ci"],
    ),
    ("ci drift", &["pgvigil ci drift --blame --out pgvigil-ci"]),
    ("ci publish", &["pgvigil ci publish pgvigil-ci/result.json"]),
    (
        "ci render",
        &["pgvigil ci render pgvigil-ci/result.json --as sarif > results.sarif"],
    ),
    (
        "completions",
        &["pgvigil completions bash > /etc/bash_completion.d/pgvigil"],
    ),
    ("man", &["pgvigil man --out /usr/local/share/man/man1"]),
];

pub(crate) fn command() -> Command {
    let mut command = Cli::command().max_term_width(WIDTH);
    for (path, lines) in EXAMPLES {
        let names: Vec<&str> = path.split(' ').collect();
        command = with_examples(command, &names, lines);
    }
    command
}

fn with_examples(command: Command, names: &[&str], lines: &[&str]) -> Command {
    match names.split_first() {
        Some((name, rest)) => {
            command.mut_subcommand(*name, |below| with_examples(below, rest, lines))
        }
        None => command.after_help(format!("Examples:\n  {}", lines.join("\n  "))),
    }
}

/// The value of `--color` before the arguments are parsed, because help texts and usage errors are coloured too. The parser
/// refuses any other value later.
pub(crate) fn colour(arguments: impl IntoIterator<Item = String>) -> ColorChoice {
    let mut asked = ColorChoice::Auto;
    let mut is_value = false;
    for argument in arguments {
        let value = if is_value {
            Some(argument.as_str())
        } else {
            argument.strip_prefix("--color=")
        };
        match value {
            Some("always") => asked = ColorChoice::Always,
            Some("never") => asked = ColorChoice::Never,
            Some("auto") => asked = ColorChoice::Auto,
            _ => {}
        }
        is_value = argument == "--color";
        if argument == "--" {
            break;
        }
    }
    asked
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn each(command: &Command, look: &mut impl FnMut(&Command)) {
        look(command);
        for below in command.get_subcommands() {
            each(below, look);
        }
    }

    fn built() -> Command {
        let mut command = command();
        command.build();
        command
    }

    /// The words of a line as a shell takes them: quotes, and nothing after a `>` or before a `|`.
    fn words(line: &str) -> Vec<String> {
        let line = line.rsplit(" | ").next().unwrap();
        let line = line.split(" > ").next().unwrap();
        let mut words = Vec::new();
        for (index, part) in line.split('\'').enumerate() {
            if index % 2 == 1 {
                words.push(part.to_owned());
            } else {
                words.extend(part.split_whitespace().map(str::to_owned));
            }
        }
        words
    }

    #[test]
    fn examples_are_commands() {
        for (path, lines) in EXAMPLES {
            for line in lines {
                let words = words(line);
                assert!(
                    line.contains(&format!("pgvigil {path}")),
                    "{line} is no example of {path}"
                );
                if let Err(error) = Cli::try_parse_from(words) {
                    panic!("{line}\n{error}");
                }
            }
        }
    }

    /// `about` and the help of every option in one voice: a capital or a name, no full stop at the end.
    fn is_well_said(text: &str) -> bool {
        let begins = text
            .chars()
            .next()
            .is_some_and(|first| first.is_uppercase() || first == '`' || first.is_ascii_digit());
        begins && !text.ends_with('.') && !text.contains("  ") && text.trim() == text
    }

    #[test]
    fn helps_are_of_one_voice() {
        let mut seen = 0;
        each(&built(), &mut |command| {
            let name = command.get_display_name().unwrap_or(command.get_name());
            let about = command.get_about().map(ToString::to_string);
            assert!(
                about.as_deref().is_some_and(is_well_said),
                "{name}: {about:?}"
            );
            for argument in command.get_arguments() {
                let help = argument
                    .get_help()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                let id = argument.get_id();
                assert!(is_well_said(&help), "{name} {id}: {help:?}");
                for value in argument.get_possible_values() {
                    let Some(help) = value.get_help().map(ToString::to_string) else {
                        continue;
                    };
                    assert!(
                        is_well_said(&help),
                        "{name} {id} {}: {help}",
                        value.get_name()
                    );
                }
                seen += 1;
            }
        });
        assert!(seen > 100, "{seen}");
    }

    #[test]
    fn helps_fit_a_page() {
        each(&built(), &mut |command| {
            for help in [
                command.clone().render_help(),
                command.clone().render_long_help(),
            ] {
                for line in help.to_string().lines() {
                    assert!(line.chars().count() <= WIDTH, "{line}");
                }
            }
        });
    }

    /// The same name takes the same kind of value everywhere.
    #[test]
    fn one_option_is_one_idea() {
        use std::collections::BTreeMap;
        let mut kinds: BTreeMap<String, (String, String)> = BTreeMap::new();
        each(&built(), &mut |command| {
            for argument in command.get_arguments() {
                let Some(long) = argument.get_long() else {
                    continue;
                };
                let name = argument
                    .get_value_names()
                    .unwrap_or_default()
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(" ");
                let here = command.get_name().to_owned();
                // What is written differs: a file, a folder, either.
                if long == "out" {
                    continue;
                }
                let (known, there) = kinds
                    .entry(long.to_owned())
                    .or_insert_with(|| (name.clone(), here.clone()));
                assert_eq!(*known, name, "--{long} of {there} and of {here}");
            }
        });
    }

    #[test]
    fn colours_are_asked_for_before_arguments_are_read() {
        let asked = |line: &str| colour(line.split(' ').map(str::to_owned));
        assert_eq!(asked("pgvigil --help"), ColorChoice::Auto);
        assert_eq!(asked("pgvigil --color never --help"), ColorChoice::Never);
        assert_eq!(asked("pgvigil plan --color=always"), ColorChoice::Always);
        assert_eq!(asked("pgvigil --color maybe"), ColorChoice::Auto);
        assert_eq!(asked("pgvigil rules -- --color=never"), ColorChoice::Auto);
    }
}
