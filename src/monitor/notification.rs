//! What people are told: who did what, how often, when, and where to look.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::detection::{shown, time};
use super::link::{Shown, insights};
use super::row::{Key, Row};
use super::settings::Settings;
use crate::compile::query::investigation_of;
use crate::policy::model::Signal;
use crate::report::escape;

/// Characters of a subject at most: SNS takes fewer than 100, of ASCII, without line ends.
const SUBJECT_LONGEST: usize = 99;

/// Groups that a message lists; of more it says how many.
const LISTED: usize = 50;

/// Bytes of that list: SNS takes 256 KB, and the link takes up to 80 of them.
const LISTED_BYTES: usize = 150_000;

/// What a responder looks at before and after.
const AROUND_MS: i64 = 15 * 60 * 1000;

/// A message about one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) subject: String,
    pub(super) text: String,
    /// Groups that it is about, listed or not.
    pub(super) groups: usize,
}

/// A group that is told.
struct Told<'a> {
    key: &'a Key,
    statements: u64,
    first_ms: i64,
    last_ms: i64,
}

/// The message about the new groups of one log group. `rows` are those of windows that nobody was told of yet, in the
/// order of their windows; the ones with `true` are new.
pub(super) fn message(
    settings: &Settings,
    log_group: &str,
    rows: &[(&Row, bool)],
    incomplete: bool,
) -> Option<Message> {
    let mut groups: BTreeMap<&Key, Told<'_>> = BTreeMap::new();
    for (row, is_new) in rows {
        match groups.get_mut(&row.key) {
            Some(told) => {
                told.statements = told.statements.saturating_add(row.statements);
                told.first_ms = told.first_ms.min(row.first_ms);
                told.last_ms = told.last_ms.max(row.last_ms);
            }
            None if *is_new => {
                let told = Told {
                    key: &row.key,
                    statements: row.statements,
                    first_ms: row.first_ms,
                    last_ms: row.last_ms,
                };
                groups.insert(&row.key, told);
            }
            None => {}
        }
    }
    let account = rows.first().map(|(row, _)| row.account.as_str())?;
    let mut groups: Vec<Told<'_>> = groups.into_values().collect();
    if groups.is_empty() {
        return None;
    }
    groups.sort_by(|left, right| {
        right
            .statements
            .cmp(&left.statements)
            .then_with(|| left.key.cmp(right.key))
    });
    Some(Message {
        subject: subject(settings, log_group, &groups),
        text: text(settings, log_group, account, &groups, incomplete),
        groups: groups.len(),
    })
}

fn subject(settings: &Settings, log_group: &str, groups: &[Told<'_>]) -> String {
    let people: Vec<&str> = people(groups);
    let who = match people.as_slice() {
        [one] => shown(one),
        several => format!("{} people", several.len()),
    };
    let subject = format!(
        "pgvigil {}/{}: {who}, {} new {}",
        settings.environment,
        settings.cluster_of(log_group),
        groups.len(),
        if groups.len() == 1 { "group" } else { "groups" },
    );
    // What is no printable ASCII, SNS refuses, and with it the whole message.
    subject
        .chars()
        .map(|character| match character {
            ' '..='~' => character,
            _ => '?',
        })
        .take(SUBJECT_LONGEST)
        .collect()
}

fn people<'a>(groups: &[Told<'a>]) -> Vec<&'a str> {
    let mut people: Vec<&str> = groups.iter().map(|told| told.key.user.as_str()).collect();
    people.sort_unstable();
    people.dedup();
    people
}

fn text(
    settings: &Settings,
    log_group: &str,
    account: &str,
    groups: &[Told<'_>],
    incomplete: bool,
) -> String {
    let mut text = String::new();
    let mut line = |words: &str| {
        text.push_str(words);
        text.push('\n');
    };
    let statements: u64 = groups.iter().map(|told| told.statements).sum();
    line(&format!(
        "{statements} {} that nobody was told of before, in {} {}.",
        if statements == 1 {
            "statement"
        } else {
            "statements"
        },
        groups.len(),
        if groups.len() == 1 { "group" } else { "groups" },
    ));
    if incomplete {
        line("There were more groups than one query returns: this list is NOT complete.");
    }
    line("");
    line(&format!(
        "environment  {}",
        escape::terminal(&settings.environment)
    ));
    line(&format!(
        "cluster      {}",
        escape::terminal(settings.cluster_of(log_group))
    ));
    if !account.is_empty() {
        line(&format!("account      {}", escape::terminal(account)));
    }
    if let Some(region) = &settings.region {
        line(&format!("region       {}", escape::terminal(region)));
    }
    line(&format!("log group    {log_group}"));
    line(&format!(
        "query        {}",
        settings.query_digest.get(..12).unwrap_or_default()
    ));
    let described: Vec<String> = groups
        .iter()
        .zip(1..)
        .take(LISTED)
        .map(|(told, number)| described(told, number))
        .scan(0, |bytes, described| {
            *bytes += described.len();
            (*bytes <= LISTED_BYTES).then_some(described)
        })
        .collect();
    for described in &described {
        line("");
        line(described);
    }
    if groups.len() > described.len() {
        line("");
        line(&format!(
            "and {} more: every one is in the monitor's log, with `\"record\":\"pgvigil.detection\"`",
            groups.len() - described.len()
        ));
    }
    line("");
    let from_ms = groups
        .iter()
        .map(|told| told.first_ms)
        .min()
        .unwrap_or_default()
        - AROUND_MS;
    let until_ms = groups
        .iter()
        .map(|told| told.last_ms)
        .max()
        .unwrap_or_default()
        + AROUND_MS;
    line(&format!(
        "Look at the statements from {} until {}, in Logs Insights:",
        time(from_ms),
        time(until_ms)
    ));
    match (&settings.region, investigation_of(&settings.query)) {
        (Some(region), Some(query)) => line(&insights(&Shown {
            region,
            log_group,
            query: &query,
            from_ms,
            until_ms,
        })),
        _ => line("with the saved query that the alarm names"),
    }
    text
}

/// `1. alice@shop from 10.0.3.17: SELECT on public.customers (READ; dml)`, and how often and when.
fn described(told: &Told<'_>, number: usize) -> String {
    let name = |text: &str| escape::terminal(&shown(text));
    let key = told.key;
    let signals: Vec<&str> = key.signals.iter().copied().map(Signal::name).collect();
    let object = match key.object.as_str() {
        "-" | "" => String::new(),
        object => format!(" on {}", name(object)),
    };
    let mut described = format!(
        "{number}. {}@{} from {}: {}{object}",
        name(&key.user),
        name(&key.database),
        name(&key.client),
        name(&key.command),
    );
    // Writing to a text cannot fail.
    let _ = write!(
        described,
        "\n   {} {} ({}; {}), {}",
        told.statements,
        if told.statements == 1 {
            "statement"
        } else {
            "statements"
        },
        name(&key.class),
        signals.join(", "),
        span(told.first_ms, told.last_ms),
    );
    described
}

fn span(first_ms: i64, last_ms: i64) -> String {
    if first_ms == last_ms {
        time(first_ms)
    } else {
        format!("{} to {}", time(first_ms), time(last_ms))
    }
}
