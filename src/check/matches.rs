//! Exclusions that silence what people do.

use super::{Check, Context, writer_only};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, quote};
use crate::policy::model::Match;

/// See [`Code::ExclusionEmptyMatch`] and [`Code::ExclusionTooWide`].
#[derive(Debug)]
pub struct Matches;

/// Commands that do people's work, as opposed to those around it (COMMIT, FETCH, PREPARE …).
const WORK: &[&str] = &[
    "SELECT",
    "SELECT INTO",
    "SELECT FOR UPDATE",
    "SELECT FOR SHARE",
    "SELECT FOR KEY SHARE",
    "SELECT FOR NO KEY UPDATE",
    "INSERT",
    "UPDATE",
    "DELETE",
    "MERGE",
    "???",
    "TRUNCATE TABLE",
    "COPY",
    "COPY FROM",
    "EXECUTE",
    "DO",
    "CALL",
];

impl Check for Matches {
    fn run(&self, context: &Context<'_>, sink: &mut Diagnostics) {
        for exclusion in &context.policy.exclusions {
            let matcher = &exclusion.matcher;
            if *matcher == Match::default()
                || matcher.statement.as_ref().is_some_and(|statement| {
                    *statement == crate::policy::model::Statement::default()
                        && is_only_statement(matcher)
                })
            {
                sink.push(
                    Diagnostic::new(
                        Code::ExclusionEmptyMatch,
                        format!(
                            "the exclusion {} has no condition: it silences everything",
                            quote(&exclusion.id)
                        ),
                    )
                    .at(exclusion.match_place.clone())
                    .help("write what it matches, at least `class` and `command`"),
                );
                continue;
            }
            if let Some(what) = too_wide(matcher).filter(|_| !writer_only::rests_on_text(matcher)) {
                sink.push(
                    Diagnostic::new(Code::ExclusionTooWide, format!("the exclusion {} silences {what}", quote(&exclusion.id)))
                        .at(exclusion.match_place.clone())
                        .help("narrow it: set `class` and `command`, and either `schema` and `relation` or a whole statement"),
                );
            }
        }
    }
}

fn is_only_statement(matcher: &Match) -> bool {
    Match {
        statement: None,
        ..matcher.clone()
    } == Match::default()
}

/// What the exclusion would silence besides noise, if it has too few conditions.
fn too_wide(matcher: &Match) -> Option<&'static str> {
    let statement = matcher.statement.as_ref();
    if statement.is_some_and(|statement| statement.equals.is_some() || statement.is_empty) {
        return None;
    }
    let (Some(classes), Some(commands)) = (&matcher.class, &matcher.command) else {
        return Some(if matcher.class.is_some() {
            "every command of a class"
        } else {
            "records of every class"
        });
    };
    // People can type a text that meets `starts_with` and `lacks`, so these do not narrow.
    let is_narrowed = matcher.schema.is_some()
        || matcher.relation.is_some()
        || statement.is_some_and(|statement| {
            statement.matches.is_some()
                || statement.only_calls.is_some()
                || statement.contains.is_some()
        });
    // ROLE and DDL records are not reads or writes, but a whole command of them is never noise either.
    let is_work = commands
        .iter()
        .any(|command| WORK.contains(&command.as_str()))
        && !(classes.iter().all(|class| class == "MISC")
            && commands
                .iter()
                .all(|command| matches!(command.as_str(), "EXECUTE" | "CALL")));
    let is_sensitive = classes
        .iter()
        .any(|class| class == "ROLE" || class == "DDL");
    match (is_narrowed, is_work, is_sensitive) {
        (false, true, _) => Some("people's own statements as well as the noise"),
        (false, _, true) => Some("every change of this kind to roles or schemas"),
        _ => None,
    }
}
