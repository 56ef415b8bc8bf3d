//! Why a record counts or does not: its fields, the verdict of the compiled text, and the first
//! condition that each exclusion's match fails.

use crate::audit_log::prefix::Prefix;
use crate::audit_log::record::Record;
use crate::audit_log::trust::{self, Trust};
use crate::audit_log::{EntryKind, Text, judge_entry};
use crate::compile::query::QuerySource;
use crate::insights::Scratch;
use crate::policy::model::{Exclusion, Match, RoleMatch, Signal, Statement};

use super::evaluator::{Evaluator, Verdict, day_of};
use super::reference::{self, Facts, Opinion};

/// Characters of a text that are shown.
const SHOWN: usize = 160;

/// Statements up to this length are read again and again to find the place where reading stops.
const SEARCHED_WHOLE: usize = 4096;

/// One field of the entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name, as in [`trust::FIELDS`].
    pub name: &'static str,
    /// How far it can be trusted.
    pub trust: Trust,
    /// The value, CSV quoting undone, or pgAudit's mark (`<not logged>`).
    pub value: Vec<u8>,
}

/// What an exclusion says to the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It silences the record.
    Silences,
    /// It does not: this is the first condition that does not hold.
    Fails(Failed),
    /// Every condition seems to hold, and the compiled text stays loud: it is the stricter one.
    Stricter,
    /// The record cannot be read in one way only, so no exclusion applies.
    NotRead,
}

/// A condition that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The key in the policy file, such as `statement.only_calls`.
    pub condition: &'static str,
    /// What the record has, and what was asked for.
    pub why: String,
}

/// The answer of one exclusion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExclusionAnswer {
    /// Its id.
    pub id: String,
    /// What it says.
    pub answer: Answer,
}

/// Everything about one entry.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// What the compiled text decides.
    pub verdict: Verdict,
    /// Why, in one sentence.
    pub reason: String,
    /// What is read, in the order of the entry; empty where nothing could be.
    pub fields: Vec<Field>,
    /// Every exclusion that applies, in the order of the policy; empty where none is asked.
    pub exclusions: Vec<ExclusionAnswer>,
}

/// Explains one entry. `evaluator` runs the query that `source` compiles to.
pub fn explain(
    evaluator: &Evaluator,
    scratch: &mut Scratch,
    source: &QuerySource<'_>,
    text: &[u8],
) -> Explanation {
    let verdict = evaluator.verdict(scratch, text);
    let (prefix, record, doubt, reading) = match judge_entry(text, evaluator.prefix()) {
        EntryKind::Audit {
            prefix,
            record,
            doubt,
        } => (
            Some(prefix),
            Some(record),
            doubt.is_some(),
            doubt.map(|doubt| doubt.to_string()),
        ),
        EntryKind::Suspicious { reason, prefix } => (prefix, None, true, Some(reason.to_string())),
        EntryKind::Other { prefix, .. } => (Some(prefix), None, false, None),
        EntryKind::Foreign(mismatch) => (None, None, false, Some(mismatch.to_string())),
    };
    let object = record
        .and_then(|record| record.object_name)
        .map(|name| name.decoded().into_owned());
    let statement = record.and_then(|record| record.statement.decoded());
    let facts = match (prefix, record) {
        (Some(prefix), Some(record)) => Some(Facts {
            user: prefix.user,
            database: prefix.database,
            client: prefix.client.host,
            class: record.class,
            command: record.command,
            object_type: record.object_type.unwrap_or_default(),
            object: object.as_deref().unwrap_or_default(),
            statement: statement.as_deref(),
            day: day_of(text),
            message: prefix.message,
        }),
        _ => None,
    };

    let mut exclusions = Vec::new();
    if matches!(verdict, Verdict::Counted | Verdict::Excluded(_)) {
        for exclusion in &source.exclusions {
            let silenced = matches!(&verdict, Verdict::Excluded(by) if by.contains(&exclusion.id));
            let answer = match &facts {
                _ if silenced => Answer::Silences,
                Some(facts) if !doubt => powerless(exclusion, source, facts)
                    .or_else(|| failed(&exclusion.matcher, facts))
                    .map_or(Answer::Stricter, Answer::Fails),
                _ => Answer::NotRead,
            };
            exclusions.push(ExclusionAnswer {
                id: exclusion.id.clone(),
                answer,
            });
        }
    }
    let reason = match &verdict {
        Verdict::NotARecord => "the entry holds no audit record".to_owned(),
        Verdict::OutOfScope => out_of_scope(facts.as_ref(), source),
        Verdict::Excluded(by) => match by.as_slice() {
            [only] => format!("the exclusion `{only}` silences it"),
            _ => format!("the exclusions `{}` silence it", by.join("`, `")),
        },
        Verdict::Counted => match (&reading, source.exclusions.is_empty()) {
            (Some(reading), _) if doubt => {
                format!("it cannot be read for certain, and stays loud: {reading}")
            }
            (_, true) => "there is no exclusion".to_owned(),
            _ => "no exclusion silences it".to_owned(),
        },
    };
    Explanation {
        verdict,
        reason,
        fields: fields(prefix.as_ref(), record.as_ref()),
        exclusions,
    }
}

/// Why an exclusion has no effect on the record at all, whatever it matches.
fn powerless(exclusion: &Exclusion, source: &QuerySource<'_>, facts: &Facts<'_>) -> Option<Failed> {
    if let Some(user) = source
        .protected_users
        .iter()
        .find(|user| user.as_bytes() == facts.user)
    {
        return Some(Failed {
            condition: "protected",
            why: format!("whatever `{user}` does counts"),
        });
    }
    if reference::tampers(facts) {
        return Some(Failed {
            condition: "audit",
            why: "what names a setting that decides what is logged is never silenced".to_owned(),
        });
    }
    if reference::is_alive(exclusion, facts.day) {
        return None;
    }
    let last = exclusion.last_day()?;
    Some(Failed {
        condition: "expires",
        why: match facts.day {
            Some(day) => format!("its last day was {last}, and the record is of {day}"),
            None => "the day of the record cannot be read".to_owned(),
        },
    })
}

fn out_of_scope(facts: Option<&Facts<'_>>, source: &QuerySource<'_>) -> String {
    let Some(facts) = facts else {
        return "no signal counts it".to_owned();
    };
    // A read in the place of what was done: only the account can still decide.
    let read = Facts {
        class: b"READ",
        command: b"SELECT",
        ..facts.clone()
    };
    let account = source.service_accounts.iter().find(|account| {
        reference::judge(&read, &[Signal::Dml], &[account], &[], &[]) == Opinion::OutOfScope
    });
    match account.map(|account| &account.role) {
        Some(RoleMatch::Name(name)) => {
            format!("the service account `{name}` is deliberately not audited")
        }
        Some(RoleMatch::Pattern(pattern)) => {
            format!("the service accounts that match `{pattern}` are deliberately not audited")
        }
        None => format!(
            "no signal counts the class `{}` with the command `{}`",
            String::from_utf8_lossy(facts.class),
            String::from_utf8_lossy(facts.command)
        ),
    }
}

fn fields(prefix: Option<&Prefix<'_>>, record: Option<&Record<'_>>) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut add = |name: &'static str, value: Option<Vec<u8>>| {
        if let Some(value) = value {
            fields.push(Field {
                name,
                trust: trust::of(name),
                value,
            });
        }
    };
    let number = |number: u64| number.to_string().into_bytes();
    if let Some(prefix) = prefix {
        add("client", Some(prefix.client.text.to_vec()));
        add("user", Some(prefix.user.to_vec()));
        add("database", Some(prefix.database.to_vec()));
        add("pid", Some(number(prefix.pid)));
        add("session", prefix.session_id.map(<[u8]>::to_vec));
        add("application", prefix.application_name.map(<[u8]>::to_vec));
        add("level", Some(prefix.level.to_vec()));
    }
    if let Some(record) = record {
        let text = |text: &Text<'_>| {
            text.decoded()
                .map_or_else(|| text.raw().to_vec(), std::borrow::Cow::into_owned)
        };
        add("kind", Some(record.kind.as_str().as_bytes().to_vec()));
        add("statement_id", Some(number(record.statement_id)));
        add("substatement_id", Some(number(record.substatement_id)));
        add("class", Some(record.class.to_vec()));
        add("command", Some(record.command.to_vec()));
        add("object_type", record.object_type.map(<[u8]>::to_vec));
        add(
            "object",
            record.object_name.map(|name| name.decoded().into_owned()),
        );
        add("statement", Some(text(&record.statement)));
        add("parameters", Some(text(&record.parameters)));
        add("rows", record.rows.map(number));
    }
    fields
}

/// The first condition of an exclusion that does not hold.
pub fn failed(matcher: &Match, facts: &Facts<'_>) -> Option<Failed> {
    let fail = |condition, why| Some(Failed { condition, why });
    // Each condition is asked alone.
    let fields = [
        (
            "class",
            facts.class,
            matcher.class.as_deref(),
            Match {
                class: matcher.class.clone(),
                ..Match::default()
            },
        ),
        (
            "command",
            facts.command,
            matcher.command.as_deref(),
            Match {
                command: matcher.command.clone(),
                ..Match::default()
            },
        ),
        (
            "object_type",
            facts.object_type,
            matcher.object_type.as_deref(),
            Match {
                object_type: matcher.object_type.clone(),
                ..Match::default()
            },
        ),
        (
            "user",
            facts.user,
            matcher.user.as_deref(),
            Match {
                user: matcher.user.clone(),
                ..Match::default()
            },
        ),
        (
            "database",
            facts.database,
            matcher.database.as_deref(),
            Match {
                database: matcher.database.clone(),
                ..Match::default()
            },
        ),
        (
            "client",
            facts.client,
            matcher.client.as_deref(),
            Match {
                client: matcher.client.clone(),
                ..Match::default()
            },
        ),
    ];
    for (condition, value, wanted, alone) in fields {
        if !reference::silences(&alone, facts) {
            return fail(
                condition,
                format!("{}, and not {}", quote(value), any_of(wanted)),
            );
        }
    }
    let schema = Match {
        schema: matcher.schema.clone(),
        ..Match::default()
    };
    if !reference::silences(&schema, facts) {
        return fail(
            "schema",
            format!(
                "the object is {}, and not in {}",
                quote(facts.object),
                any_of(matcher.schema.as_deref())
            ),
        );
    }
    let relation = Match {
        schema: matcher.schema.clone(),
        relation: matcher.relation.clone(),
        ..Match::default()
    };
    if !reference::silences(&relation, facts) {
        return fail(
            "relation",
            format!("{} is not in the list", quote(facts.object)),
        );
    }
    let statement = matcher.statement.as_ref()?;
    let Some(text) = facts.statement else {
        return fail(
            "statement",
            "the text of the statement is not in the record".to_owned(),
        );
    };
    let holds = |statement: Statement| {
        reference::silences(
            &Match {
                statement: Some(statement),
                ..Match::default()
            },
            facts,
        )
    };
    let whole = Statement {
        equals: statement.equals.clone(),
        matches: statement.matches.clone(),
        ..Statement::default()
    };
    if !holds(whole) {
        let condition = if statement.equals.is_some() {
            "statement.equals"
        } else {
            "statement.matches"
        };
        return fail(
            condition,
            format!("the whole text is none of those wanted: {}", quote(text)),
        );
    }
    if !holds(Statement {
        starts_with: statement.starts_with.clone(),
        ..Statement::default()
    }) {
        let wanted = any_of(statement.starts_with.as_deref());
        return fail(
            "statement.starts_with",
            format!(
                "the text begins with {}, and not with {wanted}",
                quote(text)
            ),
        );
    }
    if let Some(functions) = &statement.only_calls
        && !reference::only_calls(text, functions)
    {
        return fail("statement.only_calls", stopped(text, functions));
    }
    for (condition, parts, is_word) in [
        ("statement.lacks", &statement.lacks, false),
        ("statement.lacks_words", &statement.lacks_words, true),
    ] {
        let found = parts.iter().flatten().find(|part| {
            let one = Some(vec![(*part).clone()]);
            let alone = if is_word {
                Statement {
                    lacks_words: one,
                    ..Statement::default()
                }
            } else {
                Statement {
                    lacks: one,
                    ..Statement::default()
                }
            };
            !holds(alone)
        });
        if let Some(found) = found {
            return fail(
                condition,
                format!("the text holds `{found}`: {}", around(text, found)),
            );
        }
    }
    if !holds(Statement {
        contains: statement.contains.clone(),
        ..Statement::default()
    }) {
        return fail(
            "statement.contains",
            format!(
                "the text holds none of {}",
                any_of(statement.contains.as_deref())
            ),
        );
    }
    None
}

/// Where reading stops that accepts only calls of `functions`.
fn stopped(text: &[u8], functions: &[String]) -> String {
    let reads = |end: &usize| {
        text.get(..*end)
            .is_some_and(|text| reference::only_calls(text, functions))
    };
    // The longest beginning that is accepted: a literal or comment that is still open is not.
    let end = if text.len() <= SEARCHED_WHOLE {
        (0..text.len()).rev().find(reads)
    } else {
        let step = text.len() / 256;
        let coarse = (0..256).map(|at| at * step).rev().find(reads).unwrap_or(0);
        (coarse..(coarse + 2 * step).min(text.len()))
            .rev()
            .find(reads)
    };
    let end = end.unwrap_or(0);
    let rest = text.get(end..).unwrap_or_default();
    let before = text.get(..end).unwrap_or_default();
    let gap = rest
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace())
        .count();
    let is_name = |byte: &u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'_' | b'$' | b'.' | b'"')
            || !byte.is_ascii()
    };
    let trimmed = before.trim_ascii_end();
    let start = trimmed
        .iter()
        .rposition(|byte| !is_name(byte))
        .map_or(0, |at| at + 1);
    let name = trimmed.get(start..).unwrap_or_default();
    if rest.get(gap) == Some(&b'(') && !name.is_empty() {
        return format!("{} is called, and is not in the list", quote(name));
    }
    let here = rest.get(..rest.len().min(40)).unwrap_or_default();
    let behind = before
        .get(before.len().saturating_sub(40)..)
        .unwrap_or_default();
    let what = match rest.first() {
        Some(b'\'' | b'"') => {
            "a literal or name that does not end, or with a backslash before a quote"
        }
        Some(b'$') => "a dollar quote",
        Some(b'\\') => "a backslash",
        Some(b'/') if rest.starts_with(b"/*") => "a comment that does not end or holds a `/`",
        _ => "what could be read in two ways",
    };
    format!(
        "reading stops at {}, behind {}: {what}",
        quote(here),
        quote(behind)
    )
}

/// What stands around the first place of `part`, whatever its letter case.
fn around(text: &[u8], part: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let at = memchr::memmem::find(&lower, part.to_lowercase().as_bytes()).unwrap_or(0);
    let from = at.saturating_sub(30);
    let to = (at + part.len() + 30).min(text.len());
    quote(text.get(from..to).unwrap_or_default())
}

fn any_of(wanted: Option<&[String]>) -> String {
    const LISTED: usize = 5;
    let wanted = wanted.unwrap_or_default();
    let mut names: Vec<String> = wanted
        .iter()
        .take(LISTED)
        .map(|name| {
            if name.is_empty() {
                "none".to_owned()
            } else {
                quote(name.as_bytes())
            }
        })
        .collect();
    if wanted.len() > LISTED {
        names.push(format!("{} more", wanted.len() - LISTED));
    }
    names.join(", ")
}

/// A text of the log in backticks: one line, shortened in the middle.
pub fn quote(text: &[u8]) -> String {
    format!("`{}`", shorten(text, SHOWN))
}

/// A text of the log on one line, with `…` in the middle where it is longer than `most` characters.
/// What a terminal would obey is spelt out by the report, and line breaks are here.
pub fn shorten(text: &[u8], most: usize) -> String {
    let text = String::from_utf8_lossy(text);
    let line: String = text
        .chars()
        .flat_map(|character| match character {
            '\n' | '\r' | '\t' => character.escape_default().collect::<Vec<_>>(),
            _ => vec![character],
        })
        .collect();
    let length = line.chars().count();
    if length <= most {
        return line;
    }
    let half = most / 2;
    let start: String = line.chars().take(half).collect();
    let end: String = line.chars().skip(length - half).collect();
    format!("{start} … {end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(statement: &str) -> Facts<'_> {
        Facts {
            user: b"alice",
            database: b"shop",
            client: b"10.0.0.1",
            class: b"READ",
            command: b"SELECT",
            object_type: b"TABLE",
            object: b"pg_catalog.pg_class",
            statement: Some(statement.as_bytes()),
            day: None,
            message: statement.as_bytes(),
        }
    }

    fn some(values: &[&str]) -> Option<Vec<String>> {
        Some(values.iter().map(|value| (*value).to_owned()).collect())
    }

    fn why(matcher: &Match, statement: &str) -> (&'static str, String) {
        let failed = failed(matcher, &read(statement)).expect("fails");
        (failed.condition, failed.why)
    }

    #[test]
    fn says_which_field_fails() {
        let matcher = Match {
            class: some(&["WRITE"]),
            user: some(&["bob"]),
            ..Match::default()
        };
        assert_eq!(
            why(&matcher, "x"),
            ("class", "`READ`, and not `WRITE`".to_owned())
        );
        let matcher = Match {
            object_type: some(&[""]),
            ..Match::default()
        };
        assert_eq!(
            why(&matcher, "x"),
            ("object_type", "`TABLE`, and not none".to_owned())
        );
        let matcher = Match {
            schema: some(&["public"]),
            ..Match::default()
        };
        assert_eq!(why(&matcher, "x").0, "schema");
        let matcher = Match {
            schema: some(&["pg_catalog"]),
            relation: some(&["pg_proc"]),
            ..Match::default()
        };
        assert_eq!(
            why(&matcher, "x"),
            (
                "relation",
                "`pg_catalog.pg_class` is not in the list".to_owned()
            )
        );
        assert_eq!(failed(&Match::default(), &read("x")), None);
    }

    #[test]
    fn says_where_reading_stops() {
        let calls = Statement {
            only_calls: some(&["version"]),
            ..Statement::default()
        };
        let matcher = Match {
            statement: Some(calls),
            ..Match::default()
        };
        for (statement, part) in [
            ("SELECT version(), lo_get(16400)", "`lo_get` is called"),
            (
                "select '(' || pg_catalog.lo_get ('x')",
                "`pg_catalog.lo_get` is called",
            ),
            ("select $$ lo_get( $$", "a dollar quote"),
            ("select 'a\\' || lo_get(1) --'", "backslash before a quote"),
            ("select 1 /* /* */ */", "a comment that"),
        ] {
            let (condition, why) = why(&matcher, statement);
            assert!(
                condition == "statement.only_calls" && why.contains(part),
                "{statement}: {why}"
            );
        }
        let long = format!("select {} lo_get(1)", "version(), ".repeat(2_000));
        assert!(why(&matcher, &long).1.contains("`lo_get` is called"));
    }

    #[test]
    fn says_which_text_is_there() {
        let lacks = Statement {
            lacks: some(&["pgaudit"]),
            lacks_words: some(&["from"]),
            ..Statement::default()
        };
        let matcher = Match {
            statement: Some(lacks),
            ..Match::default()
        };
        assert_eq!(
            why(&matcher, "show PgAudit.log").1,
            "the text holds `pgaudit`: `show PgAudit.log`"
        );
        assert_eq!(why(&matcher, "select x from y").0, "statement.lacks_words");
    }

    #[test]
    fn long_texts_are_cut_in_the_middle() {
        assert_eq!(shorten(b"a\nb", 10), "a\\nb");
        assert_eq!(shorten(b"0123456789abcdef", 6), "012 … def");
    }
}
