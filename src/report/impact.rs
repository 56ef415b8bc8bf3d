//! What a change of the policy silences, drawn for a terminal ([`human`]), for a pull request ([`markdown`]), for a
//! browser ([`html`]) and for programs ([`json`]).
//!
//! Here is what they say; how it looks is theirs. Names and statements come from logs and from policies and are
//! hostile: a sentence from here is plain text, which each form escapes for itself.

pub mod html;
pub mod human;
pub mod json;
pub mod markdown;

use std::collections::BTreeSet;

use crate::diagnostic::plural;
use crate::rules::impact::report::{
    Attack, Change, Counterexample, Direction, ExclusionImpact, Group, HearingChange, Hears,
    ImpactReport, Logs, Tests,
};

/// Days before its end from which an exclusion is said to end soon.
const SOON: i64 = 14;

/// A number with separators between the thousands.
pub(super) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun: `1 record`, `1,204 records`.
fn count(value: u64, noun: &str) -> String {
    format!("{} {}", number(value), plural(value, noun))
}

/// The length of a list as a count.
fn length<T>(list: &[T]) -> u64 {
    u64::try_from(list.len()).unwrap_or(u64::MAX)
}

/// A share in percent, rounded down, so that `100 %` means all; what is not zero is not shown as zero.
fn percent(share: f64) -> String {
    if !share.is_finite() {
        return "unknown".to_owned();
    }
    if share >= 1.0 {
        return "100 %".to_owned();
    }
    if share <= 0.0 {
        return "0 %".to_owned();
    }
    // Shares such as 0.0029 have no exact form: without the small sum they would lose a hundredth.
    let hundredths = (share * 10_000.0 + 1e-6).floor().min(9_999.0);
    if hundredths < 1.0 {
        return "under 0.01 %".to_owned();
    }
    format!("{} %", hundredths / 100.0)
}

/// One number by another.
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        #[expect(clippy::cast_precision_loss, reason = "shown with four digits")]
        let share = part as f64 / whole as f64;
        share
    }
}

/// A size in decimal units.
fn bytes(value: u64) -> String {
    let (unit, name) = match value {
        0..1_000 => return format!("{value} B"),
        1_000..1_000_000 => (1_000, "kB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    format!(
        "{}.{} {name}",
        number(value / unit),
        value % unit * 10 / unit
    )
}

/// `2026-11-22 10:04` of `2026-11-22T10:04:05Z`; another text as it is.
fn moment(time: &str) -> String {
    let form = b"0000-00-00T00:00";
    let fits = time.len() >= form.len()
        && time.bytes().zip(form).all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            _ => byte == *form,
        });
    match time.get(..form.len()) {
        Some(start) if fits && time.ends_with('Z') => start.replace('T', " "),
        _ => time.to_owned(),
    }
}

/// A statement on one line, for a table.
fn one_line(statement: &str) -> String {
    let words: Vec<&str> = statement.split_whitespace().collect();
    words.join(" ")
}

/// The direction as it is cried out.
fn verdict(direction: Direction) -> String {
    match direction {
        Direction::Unknown => "UNKNOWN, treated as widened".to_owned(),
        known => known.name().to_uppercase(),
    }
}

/// Whether an exclusion has something to say to a reviewer of this change.
fn is_changed(exclusion: &ExclusionImpact) -> bool {
    exclusion.change != Change::Unchanged
        || exclusion.direction != Direction::Unchanged
        || exclusion.newly_silent > 0
}

/// Whether an exclusion can be used to evade the alarm that stays.
fn is_evadable(exclusion: &ExclusionImpact) -> bool {
    exclusion.change != Change::Removed
        && exclusion
            .attack
            .as_ref()
            .is_some_and(|attack| attack.silent > 0 || !exclusion.opens.is_empty())
}

/// Of what the alarm covers more or less: a word, and a sentence for each change, the gravest first.
fn hearing(report: &ImpactReport) -> Vec<(Hears, String)> {
    let changes = report.hearing.changes.iter();
    changes
        .map(|change| (change.direction, change.told()))
        .collect()
}

/// The title of the effects of a change other than those on exclusions.
const HEARING: &str = "What the alarm covers";

/// The figures next to the verdict, the gravest first.
fn headline(report: &ImpactReport) -> Vec<String> {
    let mut parts = Vec::new();
    if !report.faults.is_empty() {
        parts.push(format!(
            "refused: {}",
            count(length(&report.faults), "fault")
        ));
    }
    let is_lost = |change: &HearingChange| change.direction == Hears::Less;
    match report.hearing.direction {
        _ if report.hearing.changes.iter().any(is_lost) => {
            parts.push("the alarm covers less".to_owned());
        }
        Hears::Less => parts.push("the alarm covers less".to_owned()),
        Hears::NotComparable => parts.push("the alarm covers something else".to_owned()),
        Hears::More => parts.push("the alarm covers more".to_owned()),
        Hears::Same => {}
    }
    parts.push(effect_in_all(report));
    if report.totals.newly_loud > 0 {
        parts.push(format!("{} newly loud", number(report.totals.newly_loud)));
    }
    parts.push(approvals_needed(report.approvals.required));
    parts
}

/// `1,204 records newly silent (0.15 %)`
fn effect_in_all(report: &ImpactReport) -> String {
    let totals = report.totals;
    if totals.records == 0 {
        return "effect not measured: the logs hold no record".to_owned();
    }
    if totals.newly_silent == 0 {
        let by = if report.hearing.direction.may_be_less() {
            // Who is not audited leaves no record to be silenced.
            " by exclusions and accounts"
        } else {
            ""
        };
        return format!("no record newly silent{by} of {}", number(totals.records));
    }
    format!(
        "{} newly silent ({})",
        count(totals.newly_silent, "record"),
        percent(share(totals.newly_silent, totals.records))
    )
}

fn approvals_needed(required: u32) -> String {
    match required {
        0 => "no approval needed".to_owned(),
        1 => "1 approval needed".to_owned(),
        more => format!("{more} approvals needed"),
    }
}

/// Until when an exclusion silences.
fn life(exclusion: &ExclusionImpact) -> String {
    let Some(day) = &exclusion.last_day else {
        return "no last day".to_owned();
    };
    let left = match exclusion.days_left {
        None => return format!("last day {day}"),
        Some(0) => "ends today".to_owned(),
        Some(1) => "1 day left".to_owned(),
        Some(days @ 2..) => format!("{} days left", number(days.unsigned_abs())),
        Some(-1) => "ended yesterday".to_owned(),
        Some(days) => format!("ended {} days ago", number(days.unsigned_abs())),
    };
    format!("last day {day} ({left})")
}

/// What the evasion analysis found, and whether that is good.
fn attack(exclusion: &ExclusionImpact) -> (bool, String) {
    let (is_good, text) = tried(exclusion.attack.as_ref());
    if exclusion.opens.is_empty() {
        return (is_good, text);
    }
    (
        false,
        format!(
            "no trick is needed: every statement that reads {} is silent; besides, {text}",
            exclusion.opens.join(", ")
        ),
    )
}

fn tried(attack: Option<&Attack>) -> (bool, String) {
    match attack {
        None => (false, "not run".to_owned()),
        Some(Attack {
            tried: 0,
            silent: 0,
            ..
        }) => (false, "no statement was tried".to_owned()),
        Some(attack) if attack.silent == 0 => (
            true,
            format!(
                "{} tried, none stays silent",
                count(attack.tried, "statement")
            ),
        ),
        Some(attack) => (
            false,
            format!(
                "evadable: {} of {} {}",
                number(attack.silent),
                count(attack.tried, "statement"),
                if attack.silent == 1 {
                    "stays silent"
                } else {
                    "stay silent"
                }
            ),
        ),
    }
}

/// What the tests are worth, and whether that is good.
fn tests(tests: Option<&Tests>) -> (bool, String) {
    let Some(tests) = tests else {
        return (false, "not run".to_owned());
    };
    let near = count(tests.near_misses, "near miss");
    let mut text = format!(
        "{} silenced, {near} loud, {} of {} caught",
        count(tests.silences, "sample"),
        number(tests.killed),
        count(tests.mutants, "mutant")
    );
    let survived = tests.mutants.saturating_sub(tests.killed);
    if survived > 0 {
        text.push_str(&format!(" ({} survived)", number(survived)));
    }
    let is_good = tests.silences > 0 && tests.near_misses > 0 && tests.mutants > 0 && survived == 0;
    (is_good, text)
}

/// What an exclusion does in the logs.
fn effect(exclusion: &ExclusionImpact) -> String {
    if exclusion.change == Change::Removed {
        return format!(
            "silenced {} before",
            count(exclusion.silenced_base, "record")
        );
    }
    let mut parts = vec![
        format!("{} newly silent", count(exclusion.newly_silent, "record")),
        format!(
            "silenced {} → {}",
            number(exclusion.silenced_base),
            number(exclusion.silenced_head)
        ),
    ];
    let mut of = format!("{} of people's records", percent(exclusion.share));
    if let Some(most) = exclusion.max_share {
        of.push_str(&format!(", limit {}", percent(most)));
    }
    parts.push(of);
    parts.push(count(exclusion.users, "user"));
    parts.push(match &exclusion.last_used {
        Some(time) => format!("last used {}", moment(time)),
        None => "unused in these logs".to_owned(),
    });
    parts.join(" · ")
}

/// `bob: READ SELECT on TABLE public.accounts`
fn record(record: &Counterexample) -> String {
    let mut text = format!("{}: {} {}", record.user, record.class, record.command);
    for (before, part) in [(" on ", &record.object_type), (" ", &record.object)] {
        if !part.is_empty() {
            text.push_str(before);
            text.push_str(part);
        }
    }
    text
}

/// What there is to know of exclusions that the change leaves alone. The first part counts them.
/// Signals whose records no alarm reports any longer.
fn signals_off(report: &ImpactReport) -> Option<String> {
    let plural = if report.signals_off.len() == 1 {
        "signal"
    } else {
        "signals"
    };
    (!report.signals_off.is_empty()).then(|| {
        format!(
            "Records that only the {plural} {} counted become silent, and no alarm reports them.",
            report.signals_off.join(", ")
        )
    })
}

fn others(report: &ImpactReport) -> Vec<String> {
    let others: Vec<&ExclusionImpact> = report
        .exclusions
        .iter()
        .filter(|exclusion| !is_changed(exclusion))
        .collect();
    if others.is_empty() {
        return Vec::new();
    }
    let named = |list: &[&ExclusionImpact]| {
        let mut names: Vec<&str> = list.iter().take(5).map(|one| one.id.as_str()).collect();
        if list.len() > names.len() {
            names.push("…");
        }
        names.join(", ")
    };
    let mut parts = vec![format!("{} unchanged", count(length(&others), "exclusion"))];
    let evadable: Vec<_> = others
        .iter()
        .copied()
        .filter(|one| is_evadable(one))
        .collect();
    if !evadable.is_empty() {
        parts.push(format!(
            "{} evadable ({})",
            number(length(&evadable)),
            named(&evadable)
        ));
    }
    let unused: Vec<_> = others
        .iter()
        .copied()
        .filter(|one| one.last_used.is_none())
        .collect();
    if !unused.is_empty() && report.totals.records > 0 {
        parts.push(format!(
            "{} unused in these logs ({})",
            number(length(&unused)),
            named(&unused)
        ));
    }
    let ended: Vec<_> = others
        .iter()
        .copied()
        .filter(|one| one.days_left.is_some_and(|days| days < 0))
        .collect();
    if !ended.is_empty() {
        parts.push(format!(
            "{} ended ({})",
            number(length(&ended)),
            named(&ended)
        ));
    }
    let mut soon: Vec<_> = others
        .iter()
        .copied()
        .filter(|one| one.days_left.is_some_and(|days| (0..=SOON).contains(&days)))
        .collect();
    soon.sort_by_key(|one| one.days_left);
    if let Some(first) = soon.first() {
        let when = match first.days_left.unwrap_or_default() {
            0 => "today".to_owned(),
            days => format!("in {}", count(days.unsigned_abs(), "day")),
        };
        let verb = if soon.len() == 1 {
            "expires"
        } else {
            "expire, the first"
        };
        let many = number(length(&soon));
        parts.push(format!("{many} {verb} {when} ({})", named(&soon)));
    }
    parts
}

/// What was read, in one line.
fn reading(logs: &Logs) -> String {
    let mut parts = Vec::new();
    if let (Some(first), Some(last)) = (&logs.first, &logs.last) {
        parts.push(format!("{} to {} UTC", moment(first), moment(last)));
    }
    parts.push(count(length(&logs.files), "file"));
    parts.push(bytes(logs.bytes));
    parts.push(count(logs.entries, "entry"));
    parts.join(", ")
}

/// What of the input could not be read; a reviewer must not take it for silent or loud.
fn unread(logs: &Logs) -> Option<String> {
    let mut parts = Vec::new();
    if logs.broken > 0 {
        parts.push(count(logs.broken, "broken place"));
    }
    if logs.foreign > 0 {
        parts.push(format!(
            "{} outside any log entry",
            count(logs.foreign, "piece")
        ));
    }
    let read = (!parts.is_empty())
        .then(|| format!("part of the input could not be read: {}", parts.join(", ")));
    // The texts come from logs; they must fit on one line.
    let measured = logs.unread.first().map(|first| {
        let first = crate::report::visible(first).replace('\n', " ");
        match logs.unread.len() {
            1 => format!("the effect could not be measured: {first}"),
            many => format!(
                "the effect could not be measured: {first}; and {} more",
                many - 1
            ),
        }
    });
    match (measured, read) {
        (Some(measured), Some(read)) => Some(format!("{measured}; {read}")),
        (measured, read) => measured.or(read),
    }
}

/// A group's rows: the grave ones first, which a cut must not hide; otherwise most records first.
fn grave_first(groups: &[Group]) -> Vec<&Group> {
    let mut rows: Vec<&Group> = groups.iter().collect();
    rows.sort_by_key(|group| !group.is_grave);
    rows
}

/// `READ SELECT`
fn command_of(group: &Group) -> String {
    format!("{} {}", group.class, group.command)
}

/// What `(!)` means.
const GRAVE: &str = "(!) touches protected data, or writes";

/// The sentence under an approval.
fn approvals(report: &ImpactReport) -> Vec<(&'static str, Vec<String>)> {
    let approvals = &report.approvals;
    let mut lines = Vec::new();
    for (name, list) in [
        ("because", &approvals.reasons),
        ("owners who should be among them", &approvals.owners),
        ("not by", &approvals.not_by),
        ("written by", &approvals.authors),
    ] {
        let mut seen = BTreeSet::new();
        let unique: Vec<String> = list
            .iter()
            .filter(|one| seen.insert(*one))
            .cloned()
            .collect();
        if !unique.is_empty() {
            lines.push((name, unique));
        }
    }
    lines
}

/// The command that shows the same at home.
fn command(report: &ImpactReport) -> String {
    let mut text = format!("pgvigil rules impact --env {}", quoted(&report.env));
    text.push_str(&format!(
        " --base {}",
        quoted(report.base.commit.as_ref().unwrap_or(&report.base.name))
    ));
    if let Some(commit) = &report.head.commit {
        text.push_str(&format!(" --head {}", quoted(commit)));
    }
    if report.logs.files.is_empty() || report.logs.files.len() > 3 {
        text.push_str(" LOG…");
    } else {
        for file in &report.logs.files {
            text.push_str(&format!(" {}", quoted(file)));
        }
    }
    text
}

/// One word of a shell.
pub(super) fn quoted(word: &str) -> String {
    let is_plain =
        |character: char| character.is_ascii_alphanumeric() || "._/-+=@%:,".contains(character);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// The beginning of a digest, enough to compare by eye.
fn digest(text: &str) -> String {
    text.chars().take(12).collect()
}

/// The name of a revision, with its commit if the name is not the commit itself.
fn revision(name: &str, commit: Option<&String>) -> String {
    match commit {
        Some(commit) if commit.starts_with(name) => digest(commit),
        Some(commit) => format!("{name} ({})", digest(commit)),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn figures_are_for_people_and_never_flatter() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(0.000_001), "under 0.01 %");
        assert_eq!(percent(0.0029), "0.29 %");
        assert_eq!(percent(0.999_999_999_999), "99.99 %");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(f64::NAN), "unknown");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_250_000_000), "1.2 GB");
        assert_eq!(moment("2026-11-22T10:04:05Z"), "2026-11-22 10:04");
        assert_eq!(
            moment("2026-11-22T10:04:05+02:00"),
            "2026-11-22T10:04:05+02:00"
        );
        assert_eq!(moment("é026-11-22T10:04"), "é026-11-22T10:04");
    }

    #[test]
    fn a_word_of_a_shell_cannot_be_left() {
        assert_eq!(quoted("origin/main"), "origin/main");
        assert_eq!(quoted("a'; rm -rf"), "'a'\\''; rm -rf'");
        assert_eq!(quoted("$(x)"), "'$(x)'");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("--live"), "'--live'");
    }

    #[test]
    fn what_was_not_tried_is_not_called_good() {
        assert!(!tried(None).0);
        assert!(!tried(Some(&Attack::default())).0);
        assert!(!tests(None).0);
        assert!(!tests(Some(&Tests::default())).0);
    }
}
