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
    let epoch = std::env::var("SOURCE_DATE_EPOCH").ok();
    let date = date(epoch.as_deref(), CHANGES);
    let mut wanted = Vec::new();
    pages(command, &date, &mut wanted)?;
    Folder {
        root: &args.out,
        wanted,
        extra: BTreeSet::new(),
    }
    .bring(session, false)
}

/// The change log: it has the date of each release.
const CHANGES: &str = include_str!("../../../../CHANGELOG.md");

/// The date of the pages: the one that the build declares, as <https://reproducible-builds.org/specs/source-date-epoch/>
/// says, or that of this version's release. A version without a release has none. It is never today: a page is the same
/// whenever it is written.
fn date(epoch: Option<&str>, changes: &str) -> String {
    let declared = epoch
        .and_then(|seconds| seconds.parse().ok())
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
        .map(|time| time.strftime("%Y-%m-%d").to_string());
    let heading = concat!("## [", env!("CARGO_PKG_VERSION"), "] - ");
    let released = || {
        let rest = changes
            .lines()
            .find_map(|line| line.strip_prefix(heading))?;
        let date: jiff::civil::Date = rest.trim().parse().ok()?;
        Some(date.to_string())
    };
    declared.or_else(released).unwrap_or_default()
}

/// The page, with two mistakes of its generator corrected: it leaves an empty date out of the heading, so that the next
/// field takes its place, and it writes an empty line as three requests, two of which do nothing.
fn mended(page: &str, name: &str, date: &str) -> String {
    let heading = format!(
        ".TH {name} 1 \"{date}\" \"pgvigil {}\" \"pgvigil\"",
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
fn pages(command: clap::Command, date: &str, wanted: &mut Vec<Wanted>) -> anyhow::Result<()> {
    for below in command
        .get_subcommands()
        .filter(|below| !below.is_hide_set())
    {
        pages(below.clone(), date, wanted)?;
    }
    let name = command
        .get_display_name()
        .unwrap_or_else(|| command.get_name())
        .to_owned();
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .title(name.clone())
        .render(&mut page)?;
    let text = mended(&String::from_utf8_lossy(&page), &name, date);
    wanted.push(Wanted {
        path: PathBuf::from(format!("{name}.1")),
        bytes: text.into_bytes(),
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_is_that_of_the_build_or_of_the_release_and_never_today() {
        let changes = concat!(
            "## [Unreleased]\n\n## [",
            env!("CARGO_PKG_VERSION"),
            "] - 2027-01-31\n\n## [0.0.1] - 2026-01-01\n"
        );
        assert_eq!(date(Some("1796221723"), changes), "2026-12-02");
        assert_eq!(date(None, changes), "2027-01-31");
        assert_eq!(date(Some("soon"), changes), "2027-01-31");
        assert_eq!(date(None, "## [Unreleased]\n"), "");
    }
}
