//! `man`: one manual page for each command.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::files::{Folder, Wanted};
use crate::args::ManArgs;
use crate::exit::Ran;
use crate::help;
use crate::session::Session;

pub(crate) fn run(session: &Session, args: &ManArgs) -> Ran {
    let mut command = help::command().disable_help_subcommand(true);
    command.build();
    let mut wanted = Vec::new();
    pages(command, &mut wanted)?;
    Folder {
        root: &args.out,
        wanted,
        extra: BTreeSet::new(),
    }
    .bring(session, false)
}

/// The page, with two mistakes of its generator corrected: it leaves an empty date out of the heading, so that the next
/// field takes its place, and it writes an empty line as three requests, two of which do nothing. There is no date: a page is
/// the same whenever it is made.
fn mended(page: &str, name: &str) -> String {
    let heading = format!(
        ".TH {name} 1 \"\" \"pgvigil {}\" \"pgvigil\"",
        env!("CARGO_PKG_VERSION")
    );
    let page = page.replace("\n.br\n\n.br\n", "\n.sp\n");
    let lines = page.lines().map(|line| match line.starts_with(".TH ") {
        true => heading.as_str(),
        false => line.trim_end(),
    });
    let mut text = lines.collect::<Vec<_>>().join("\n");
    text.push('\n');
    text
}

/// The page of a command, and those of the commands below it.
fn pages(command: clap::Command, wanted: &mut Vec<Wanted>) -> anyhow::Result<()> {
    for below in command
        .get_subcommands()
        .filter(|below| !below.is_hide_set())
    {
        pages(below.clone(), wanted)?;
    }
    let name = command
        .get_display_name()
        .unwrap_or_else(|| command.get_name())
        .to_owned();
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .title(name.clone())
        .render(&mut page)?;
    let text = mended(&String::from_utf8_lossy(&page), &name);
    wanted.push(Wanted {
        path: PathBuf::from(format!("{name}.1")),
        bytes: text.into_bytes(),
    });
    Ok(())
}
