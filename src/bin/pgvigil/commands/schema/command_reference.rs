//! The reference page of every command and its options, made of the command line itself.

use std::fmt::Write as _;

use clap::{Arg, ArgAction, Command, CommandFactory as _};

use crate::args::Cli;

/// The page.
pub(crate) fn render() -> String {
    let mut root = Cli::command().disable_help_subcommand(true).term_width(0);
    root.build();
    let mut page = String::from(
        "# Commands\n\nGenerated from `src/bin/pgvigil/args.rs`: the text of `pgvigil COMMAND --help`. Results go to stdout, everything else to \
         stderr. What the exit codes mean: [exit codes](exit-codes.md).\n\n## Options of every command\n",
    );
    let globals: Vec<&Arg> = root
        .get_arguments()
        .filter(|arg| arg.is_global_set() && !is_of_clap(arg))
        .collect();
    table(&mut page, &globals);
    section(&mut page, &root);
    page
}

/// The sections of the commands below one.
fn section(page: &mut String, command: &Command) {
    for below in command
        .get_subcommands()
        .filter(|below| !below.is_hide_set())
    {
        if below.get_subcommands().next().is_some() {
            section(page, below);
            continue;
        }
        let name = below.get_bin_name().unwrap_or_else(|| below.get_name());
        let about = below
            .get_long_about()
            .or_else(|| below.get_about())
            .map(|about| cell(&about.to_string()))
            .unwrap_or_default();
        let usage = below.clone().render_usage().to_string();
        let usage = usage
            .split_whitespace()
            .skip(1)
            .collect::<Vec<_>>()
            .join(" ");
        let _ = write!(page, "\n## `{name}`\n\n{about}.\n\n```\n{usage}\n```\n");
        let own: Vec<&Arg> = below
            .get_arguments()
            .filter(|arg| !arg.is_global_set() && !arg.is_hide_set() && !is_of_clap(arg))
            .collect();
        table(page, &own);
    }
}

/// `--help` and `--version`.
fn is_of_clap(arg: &Arg) -> bool {
    ["help", "version"].contains(&arg.get_id().as_str())
}

fn table(page: &mut String, arguments: &[&Arg]) {
    if arguments.is_empty() {
        return;
    }
    page.push_str("\n| option | default | does |\n| --- | --- | --- |\n");
    for arg in arguments {
        let _ = writeln!(
            page,
            "| {} | {} | {} |",
            option(arg),
            default(arg),
            help(arg)
        );
    }
}

/// How it is written.
fn option(arg: &Arg) -> String {
    let takes_value = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    let names: Vec<&str> = arg
        .get_value_names()
        .unwrap_or_default()
        .iter()
        .map(|name| name.as_str())
        .collect();
    let value = names.join(" ");
    let mut text = match (arg.get_long(), arg.get_short()) {
        (None, _) => format!("`{value}`"),
        (Some(long), _) if takes_value => format!("`--{long} {value}`"),
        (Some(long), _) => format!("`--{long}`"),
    };
    if let Some(short) = arg.get_short() {
        let _ = write!(text, ", `-{short}`");
    }
    if arg.is_required_set() {
        text.push_str(" (required)");
    }
    text.replace('|', "\\|")
}

fn default(arg: &Arg) -> String {
    if !matches!(arg.get_action(), ArgAction::Set | ArgAction::Append) {
        return String::new();
    }
    let values: Vec<String> = arg
        .get_default_values()
        .iter()
        .map(|value| format!("`{}`", value.to_string_lossy()))
        .collect();
    values.join(" ")
}

/// What it does, and the values that it takes, each with its meaning.
fn help(arg: &Arg) -> String {
    let text = arg
        .get_long_help()
        .or_else(|| arg.get_help())
        .map(ToString::to_string)
        .unwrap_or_default();
    let mut text = cell(&text);
    if !text.ends_with('.') {
        text.push('.');
    }
    let is_choice = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    for value in arg.get_possible_values().iter().filter(|_| is_choice) {
        let _ = write!(text, " `{}`", value.get_name());
        match value.get_help() {
            Some(help) => {
                let _ = write!(text, ": {}.", cell(&help.to_string()));
            }
            None => text.push('.'),
        }
    }
    text
}

/// A text as a cell of a table takes it.
fn cell(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page contains every command and every option of the help, each with its description.
    #[test]
    fn the_page_knows_every_option() {
        let page = render();
        let mut root = Cli::command().disable_help_subcommand(true);
        root.build();
        let mut ahead = vec![root];
        let mut options = 0;
        while let Some(command) = ahead.pop() {
            let below: Vec<Command> = command.get_subcommands().cloned().collect();
            let name = command
                .get_bin_name()
                .unwrap_or_else(|| command.get_name())
                .to_owned();
            let section = page
                .split("\n## ")
                .find(|section| section.starts_with(&format!("`{name}`\n")));
            assert_eq!(section.is_some(), below.is_empty(), "{name}");
            for arg in command
                .get_arguments()
                .filter(|arg| !is_of_clap(arg) && !arg.is_hide_set())
            {
                assert!(arg.get_help().is_some(), "{name}: {}", arg.get_id());
                let here = if arg.is_global_set() {
                    Some(page.as_str())
                } else {
                    section
                };
                if let (Some(long), Some(here)) = (arg.get_long(), here) {
                    let row = |line: &str| {
                        line.starts_with(&format!("| `--{long}`"))
                            || line.starts_with(&format!("| `--{long} "))
                    };
                    assert!(here.lines().any(row), "{name} --{long}");
                    options += 1;
                }
            }
            ahead.extend(below);
        }
        assert!(options > 100, "{options}");
        for line in page.lines().filter(|line| line.starts_with('|')) {
            let bars = line.matches('|').count() - line.matches("\\|").count();
            assert_eq!(bars, 4, "{line}");
        }
    }
}
