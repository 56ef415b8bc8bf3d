//! What people are told: who did what, how often, when, and where to look.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::detection::{shown, time};
use super::judging::Judging;
use super::link::{Shown, insights};
use super::port::Publication;
use super::row::{Key, NOBODY, OTHERS, Row, in_turn};
use super::settings::Settings;
use super::{attributes, chat};
use crate::judge::Judge;
use crate::policy::model::Signal;
use crate::report::escape;

/// Characters of a subject at most: SNS takes fewer than 100, of ASCII, without line ends.
const SUBJECT_LONGEST: usize = 99;

/// Groups that a message lists; of more it says how many.
const LISTED: usize = 50;

/// Bytes of that list: SNS takes 256 KB, and the link takes up to 80 of them.
const LISTED_BYTES: usize = 150_000;

/// People that the link's query names.
const LINKED: usize = 20;

/// What a responder looks at before and after.
const AROUND_MS: i64 = 15 * 60 * 1000;

/// A message about one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) plain: Publication,
    /// The same for AWS's chat integration.
    pub(super) chat: Publication,
    /// Groups that it is about, listed or not.
    pub(super) groups: usize,
}

/// A group that is told.
pub(super) struct Told<'a> {
    pub(super) key: &'a Key,
    pub(super) statements: u64,
    pub(super) not_judged: u64,
    pub(super) first_ms: i64,
    pub(super) last_ms: i64,
    /// A process that wrote one of them.
    process: Option<&'a str>,
}

/// The message about the new groups of one log group. `rows` are those of windows that nobody was told of yet, in the
/// order of their windows; the ones with `true` are new.
pub(super) fn message(
    settings: &Settings,
    judging: &Judging,
    log_group: &str,
    rows: &[(&Row, bool)],
    incomplete: bool,
) -> Option<Message> {
    let mut groups: BTreeMap<&Key, Told<'_>> = BTreeMap::new();
    for (row, is_new) in rows {
        let sum = &row.sum;
        match groups.get_mut(&row.key) {
            Some(told) => {
                told.statements = told.statements.saturating_add(sum.statements);
                told.not_judged = told.not_judged.saturating_add(sum.not_judged);
                told.first_ms = told.first_ms.min(sum.first_ms);
                told.last_ms = told.last_ms.max(sum.last_ms);
            }
            None if *is_new => {
                let told = Told {
                    key: &row.key,
                    statements: sum.statements,
                    not_judged: sum.not_judged,
                    first_ms: sum.first_ms,
                    last_ms: sum.last_ms,
                    process: sum.process.as_deref(),
                };
                groups.insert(&row.key, told);
            }
            None => {}
        }
    }
    let account = rows.first().map(|(row, _)| row.sum.account.as_str())?;
    let groups = in_turn(groups.into_values().collect(), |told| {
        (told.key, told.statements)
    });
    if groups.is_empty() {
        return None;
    }
    let subject = subject(settings, log_group, &groups);
    let attributes = attributes::of(
        &judging.judge,
        groups.iter().map(|told| told.key),
        incomplete,
    );
    let chat = chat::notification(&chat::Told {
        settings,
        judge: &judging.judge,
        log_group,
        subject: &subject,
        groups: &groups,
        incomplete,
        link: link(settings, log_group, &groups),
    });
    Some(Message {
        chat: Publication {
            subject: subject.clone(),
            text: chat.to_string(),
            attributes: attributes.clone(),
        },
        plain: Publication {
            subject,
            text: text(settings, judging, log_group, account, &groups, incomplete),
            attributes,
        },
        groups: groups.len(),
    })
}

fn subject(settings: &Settings, log_group: &str, groups: &[Told<'_>]) -> String {
    let people: Vec<&str> = people(groups);
    let who = match people.as_slice() {
        [one] if groups.iter().all(|told| told.key.is_refusal()) => escape::unlinked(&shown(one)),
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
    judging: &Judging,
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
        "{statements} {} not reported before, in {} {}.",
        if statements == 1 {
            "statement"
        } else {
            "statements"
        },
        groups.len(),
        if groups.len() == 1 { "group" } else { "groups" },
    ));
    if incomplete {
        line("There were more people than one query can return: this list is NOT complete.");
    }
    let not_judged: u64 = groups.iter().map(|told| told.not_judged).sum();
    if not_judged > 0 {
        line(&format!(
            "There were more statements than one query can return: {not_judged} records were NOT judged. Exclusions might silence some of them."
        ));
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
        "rules        {}",
        judging.digest.get(..12).unwrap_or_default()
    ));
    let described: Vec<String> = groups
        .iter()
        .zip(1..)
        .take(LISTED)
        .map(|(told, number)| described(told, number, &judging.judge))
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
            "and {} more: the monitor's log contains all of them, with `\"record\":\"pgvigil.detection\"`",
            groups.len() - described.len()
        ));
    }
    line("");
    let (from_ms, until_ms) = around(groups);
    line(&format!(
        "Look at the statements from {} until {}, in Logs Insights:",
        time(from_ms),
        time(until_ms)
    ));
    line(&link(settings, log_group, groups).unwrap_or_else(|| statements_of(groups)));
    if let Some(address) = &settings.runbook {
        line("");
        line("Follow the runbook:");
        line(address);
    }
    text
}

/// The times between which a responder looks.
fn around(groups: &[Told<'_>]) -> (i64, i64) {
    let first = groups.iter().map(|told| told.first_ms).min();
    let last = groups.iter().map(|told| told.last_ms).max();
    (
        first.unwrap_or_default() - AROUND_MS,
        last.unwrap_or_default() + AROUND_MS,
    )
}

/// The address that shows the statements; none where it is not known in which region this runs.
fn link(settings: &Settings, log_group: &str, groups: &[Told<'_>]) -> Option<String> {
    let (from_ms, until_ms) = around(groups);
    Some(insights(&Shown {
        region: settings.region.as_ref()?,
        log_group,
        query: &statements_of(groups),
        from_ms,
        until_ms,
    }))
}

/// The query that shows the entries of some people, as the log has them. Of somebody whose name could mean something else in
/// it, and of many people, it shows everybody's.
fn statements_of(groups: &[Told<'_>]) -> String {
    let is_plain = |name: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.$+-".contains(&byte);
        name != NOBODY && name != OTHERS && name.bytes().all(plain)
    };
    let mut people: Vec<(&str, &str)> = groups
        .iter()
        .map(|told| (told.key.user.as_str(), told.key.database.as_str()))
        .collect();
    people.sort_unstable();
    people.dedup();
    let are_plain = people
        .iter()
        .all(|(user, database)| is_plain(user) && is_plain(database));
    let mut query =
        "fields @timestamp, @message\n| filter @message like /AUDIT: |ERROR: |FATAL: /\n"
            .to_owned();
    if are_plain && people.len() <= LINKED {
        let names: Vec<String> = people
            .iter()
            .map(|(user, database)| format!("@message like ':{user}@{database}:'"))
            .collect();
        query.push_str(&format!("| filter {}\n", names.join(" or ")));
    }
    query.push_str("| sort @timestamp desc\n| limit 1000");
    query
}

/// `1. alice@shop from 10.0.3.17: SELECT on public.customers (READ; dml)`, and how often and when.
fn described(told: &Told<'_>, number: usize, judge: &Judge) -> String {
    let key = told.key;
    let name = |text: &str| {
        let text = escape::terminal(&shown(text));
        // Names of refused logins are chosen without an account: nobody follows a link that they hold.
        if told.key.is_refusal() {
            escape::unlinked(&text)
        } else {
            text
        }
    };
    let signals: Vec<&str> = key.signals.iter().copied().map(Signal::name).collect();
    let object = match key.object.as_str() {
        "-" | "" => String::new(),
        object => format!(" on {}", name(object)),
    };
    let mut described = format!(
        "{number}. {}@{} from {}: {}{object}",
        name(&key.user),
        name(&key.database),
        // The server says it, and nobody chooses it.
        escape::terminal(&shown(&key.client)),
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
    let person = judge.person(key.user.as_bytes());
    let of = person.map_or_else(
        || "in no file of the policy".to_owned(),
        |person| escape::terminal(&shown(&person.described())),
    );
    if key.user != NOBODY && key.user != OTHERS {
        let _ = write!(described, "\n   person: {of}");
    }
    if let Some(session) = &key.session_name {
        let _ = write!(
            described,
            "\n   the session calls itself {} (the person who connects chooses this name)",
            escape::unlinked(&escape::terminal(&shown(session)))
        );
    }
    let _ = write!(
        described,
        "\n   severity: {}",
        escape::terminal(&shown(&key.graded.described()))
    );
    if judge.has_grants() {
        described.push_str("\n   ");
        described.push_str(&mark(key));
    }
    if let Some(process) = &told.process {
        let _ = write!(
            described,
            "\n   process: {}",
            escape::terminal(&shown(process))
        );
    }
    if told.not_judged > 0 {
        let _ = write!(described, "\n   {} records not judged", told.not_judged);
    }
    described
}

/// `expected: CHG-123, until 2026-12-02 16:00 UTC`, or `not expected`.
pub(super) fn mark(key: &Key) -> String {
    let Some(expected) = &key.expected else {
        return "not expected".to_owned();
    };
    let until = jiff::Timestamp::from_millisecond(expected.until_ms).map_or_else(
        |_| expected.until(),
        |time| time.strftime("%Y-%m-%d %H:%M UTC").to_string(),
    );
    format!(
        "expected: {}, until {until}",
        escape::terminal(&shown(&expected.grant))
    )
}

pub(super) fn span(first_ms: i64, last_ms: i64) -> String {
    if first_ms == last_ms {
        time(first_ms)
    } else {
        format!("{} to {}", time(first_ms), time(last_ms))
    }
}
