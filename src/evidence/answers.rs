//! The questions that an audit asks, in the order of docs/for-auditors.md, and how far a report answers each.

use std::collections::BTreeSet;

use super::drift;
use super::report::{Answer, Report, State};
use crate::diagnostic::count;
use crate::policy::model::Environment;
use crate::rules::direction::Verdict;

/// The questions, as docs/for-auditors.md has them.
pub const QUESTIONS: [&str; 12] = [
    "Who is audited, since when, until when, and who answers for it?",
    "Who is *not* audited, and why?",
    "Is anyone missing?",
    "What was excluded on a given day, and who approved it?",
    "What did that exclusion silence?",
    "When was something detected, by which rules?",
    "Does that digest belong to those rules?",
    "What became of it, and who looked into it?",
    "Who was notified?",
    "Was the monitor running?",
    "Was the deployed monitor changed outside pgvigil?",
    "What were the statements themselves?",
];

/// Answers every question.
pub(super) fn of(report: &Report, environment: &Environment) -> Vec<Answer> {
    let has_history = report.inputs.iter().any(|input| input.kind == "policy");
    let from_git = if has_history {
        (State::Answered, "")
    } else {
        (
            State::Partly,
            "; there is no history, so the report uses the files as they are now",
        )
    };
    let found = [
        (
            from_git.0,
            format!(
                "{} audited in the period{}",
                people(report.people.len()),
                from_git.1
            ),
            Some("people"),
        ),
        (
            from_git.0,
            format!(
                "{} declared as not audited, each with a reason and an owner{}",
                count(report.accounts.len(), "account"),
                from_git.1
            ),
            Some("accounts"),
        ),
        (
            State::NotAnswered,
            format!(
                "only the server knows its roles: run `pgvigil enrol coverage --env {} --format csv`",
                report.environment
            ),
            None,
        ),
        approved(report, has_history),
        silenced(report),
        (
            if report.rules.is_empty() && report.coverage.known == 0 {
                State::NotAnswered
            } else {
                State::Answered
            },
            format!(
                "{} with day, times and severity, by {}",
                count(report.detections.len(), "detection"),
                match report.rules.len() {
                    1 => "1 set of rules".to_owned(),
                    number => format!("{number} sets of rules"),
                }
            ),
            Some("detections"),
        ),
        rules(report),
        became(report),
        notified(environment),
        running(report),
        changed_outside(report),
        statements(report, environment),
    ];
    QUESTIONS
        .iter()
        .zip(found)
        .map(|(question, (state, answer, section))| Answer {
            question: question.replace('*', ""),
            state,
            answer,
            section: section.map(str::to_owned),
        })
        .collect()
}

type Found = (State, String, Option<&'static str>);

fn people(number: usize) -> String {
    match number {
        1 => "1 person was".to_owned(),
        number => format!("{number} people were"),
    }
}

fn approved(report: &Report, has_history: bool) -> Found {
    let without = report
        .changes
        .iter()
        .filter(|change| change.direction != Verdict::Unchanged && change.approvals.is_empty())
        .count();
    let in_force = count(report.exclusions.len(), "exclusion");
    if !has_history {
        let answer = format!(
            "{in_force} in the files as they are now; without a history nothing shows who approved them"
        );
        return (State::Partly, answer, Some("exclusions"));
    }
    if without == 0 {
        let answer = format!("{in_force} in force, with the approvals that Git records");
        return (State::Answered, answer, Some("changes"));
    }
    let answer = format!(
        "{in_force} in force; of {} Git records no approval: ask the forge for {} pull request{}",
        count(without, "change"),
        if without == 1 { "its" } else { "their" },
        if without == 1 { "" } else { "s" }
    );
    (State::Partly, answer, Some("changes"))
}

fn silenced(report: &Report) -> Found {
    if report.coverage.known == 0 && report.totals.silenced == 0 {
        let answer = "the inputs do not show that anything looked".to_owned();
        return (State::NotAnswered, answer, Some("coverage"));
    }
    let is_known = report
        .exclusions
        .iter()
        .any(|exclusion| exclusion.silenced.is_some());
    if !is_known && !report.exclusions.is_empty() {
        let answer =
            "the inputs do not say: give the monitor's log, or the logs of the server".to_owned();
        return (State::NotAnswered, answer, Some("exclusions"));
    }
    let answer = format!(
        "{}, listed by exclusion",
        count(report.totals.silenced, "record")
    );
    (State::Answered, answer, Some("exclusions"))
}

fn rules(report: &Report) -> Found {
    let unknown: Vec<&str> = report
        .rules
        .iter()
        .filter(|rules| rules.commit.is_none())
        .map(|rules| rules.digest.get(..12).unwrap_or(&rules.digest))
        .collect();
    if report.rules.is_empty() {
        let answer = "nothing was detected, so no digest has to be traced".to_owned();
        return (State::Answered, answer, Some("rules"));
    }
    if unknown.is_empty() {
        let answer = "every digest belongs to a commit of the period".to_owned();
        return (State::Answered, answer, Some("rules"));
    }
    let answer = format!(
        "no commit of the period has the rules {}, compiled by this version of pgvigil",
        unknown.join(", ")
    );
    (State::Partly, answer, Some("rules"))
}

fn became(report: &Report) -> Found {
    let totals = &report.totals;
    let own = report
        .detections
        .iter()
        .filter(|one| one.expected.is_none() && !one.is_explained())
        .filter(|one| one.own_note().is_some())
        .count();
    let mut answer = format!(
        "of {} that no grant covers, {} a finding in Git and {} none",
        count(size(totals.not_expected), "detection"),
        has_or_have(totals.explained),
        totals.unexplained
    );
    if own > 0 {
        answer.push_str(&format!(
            "; {own} of the latter {} only a note by the person who did the work, which is not a finding",
            if own == 1 { "has" } else { "have" }
        ));
    }
    let state = if totals.unexplained > 0 {
        State::Partly
    } else {
        State::Answered
    };
    (state, answer, Some("detections"))
}

fn has_or_have(number: u64) -> String {
    format!("{number} {}", if number == 1 { "has" } else { "have" })
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn notified(environment: &Environment) -> Found {
    let receivers = environment.notifications.len();
    let answer = format!(
        "the policy names {} and {}; who accepted a message is in the topic's subscriptions and in the alarm's history",
        count(receivers, "default receiver"),
        count(environment.routes.len(), "route")
    );
    (State::Partly, answer, None)
}

fn running(report: &Report) -> Found {
    let coverage = &report.coverage;
    if coverage.known == 0 {
        let answer = "the inputs do not show that anything looked".to_owned();
        return (State::NotAnswered, answer, Some("coverage"));
    }
    let answer = format!(
        "{} of {} hours have evidence, with {}; it rests on {}",
        coverage.known,
        coverage.hours,
        count(coverage.gaps.len(), "gap"),
        coverage.rests_on
    );
    let state = if coverage.gaps.is_empty() {
        State::Answered
    } else {
        State::Partly
    };
    (state, answer, Some("coverage"))
}

fn changed_outside(report: &Report) -> Found {
    if report.drift.is_empty() {
        let answer = format!(
            "only the account knows: run `pgvigil drift --env {} --blame`, or give the `result.json` of the period's `pgvigil ci drift` with `--drift`",
            report.environment
        );
        return (State::NotAnswered, answer, None);
    }
    let days = report
        .drift
        .iter()
        .filter(|check| check.outcome.is_some() && check.unread == 0)
        .map(|check| check.day)
        .collect::<BTreeSet<_>>();
    // One for each day.
    let state = if days.len() * 24 == report.coverage.hours {
        State::Answered
    } else {
        State::Partly
    };
    (state, drift::sentence(&report.drift), Some("drift"))
}

fn statements(report: &Report, environment: &Environment) -> Found {
    let logs = report
        .inputs
        .iter()
        .filter(|input| input.kind == "logs")
        .count();
    if logs > 0 {
        let answer = format!("in {}, whose digests the report has", count(logs, "log"));
        return (State::Answered, answer, Some("inputs"));
    }
    let answer = format!(
        "in the log groups of the clusters, which keep them for {} days",
        environment.retention_days
    );
    (State::Partly, answer, None)
}
