//! `explain`: what a code means.

use pgvigil::ci;
use pgvigil::database::enrol::finding;
use pgvigil::diagnostic::code::{Code, Entry};
use pgvigil::diagnostic::suggest;
use pgvigil::report::{self, visible};

use crate::args::{AttackFormat, CodeArgs};
use crate::exit::{Exit, Ran};
use crate::session::Session;

/// Every code, of all commands.
fn entries() -> Vec<Entry> {
    let diagnostics = Code::ALL.iter().map(|code| code.entry());
    let enrolment = finding::Code::ALL.iter().map(|code| code.entry());
    diagnostics
        .chain(ci::code::ALL.iter().copied())
        .chain(enrolment)
        .collect()
}

pub(crate) fn run(session: &Session, args: &CodeArgs) -> Ran {
    let entries = entries();
    let asked = args.code.trim();
    let Some(entry) = entries.iter().find(|entry| entry.id == asked) else {
        let named = |entry: &&Entry| {
            entry
                .id
                .split_once('/')
                .is_some_and(|(_, name)| name == asked)
        };
        let same_name = entries
            .iter()
            .find(named)
            .map(|entry| format!("did you mean `{}`?", entry.id));
        let help = same_name
            .or_else(|| suggest(asked, entries.iter().map(|entry| entry.id), "there are"))
            .unwrap_or_else(|| "docs/codes.md lists all codes".to_owned());
        session.say(&format!(
            "error: there is no code `{}`: {help}",
            visible(asked)
        ));
        return Ok(Exit::Usage);
    };
    let text = match args.format {
        AttackFormat::Human => report::code::human(entry, session.width()),
        AttackFormat::Json => report::code::json(entry),
    };
    session.show(&text)?;
    Ok(Exit::Clean)
}
