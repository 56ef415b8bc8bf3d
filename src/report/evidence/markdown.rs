//! The report as a page of Markdown.

use super::{
    HEARTBEAT, OWN, approved, became, besides, completeness, days, headline, minute,
    optional_minute, person, short,
};
use crate::diagnostic::count;
use crate::evidence::drift_sentence;
use crate::evidence::report::{Report, State};
use crate::report::escape::{cell, code, prose, sentence, without_commands};

/// Detections that a page lists.
const LISTED: usize = 500;

/// The page.
pub fn render(report: &Report) -> String {
    let mut page = String::new();
    let mut line = |text: &str| {
        page.push_str(text);
        page.push('\n');
    };
    line(&format!(
        "# Audit report: {}, {} to {}\n",
        prose(&report.environment),
        report.period.since(),
        report.period.until()
    ));
    line(&format!(
        "The report is **{}**. {}. All times are in UTC.\n",
        completeness(report),
        headline(report).join(", ")
    ));
    if !report.lacks.is_empty() {
        line("## What is missing\n");
        for lack in &report.lacks {
            line(&format!("- {}", sentence(lack)));
        }
        line("");
    }
    line("## Questions\n\n| question | answered | answer |\n| --- | --- | --- |");
    for answer in &report.answers {
        let state = match answer.state {
            State::Answered => "yes",
            other => other.name(),
        };
        line(&format!(
            "| {} | {state} | {} |",
            prose(&answer.question),
            sentence(&answer.answer)
        ));
    }
    line("\n## Who touched what\n");
    if report.touched.is_empty() {
        line("Nothing was detected.");
    } else {
        line(
            "| role | object | commands | statements | days | severity | expected | explained | without a finding |\n| --- | --- | --- | --: | --- | --- | --: | --: | --: |",
        );
    }
    for one in report.touched.iter().take(LISTED) {
        line(&format!(
            "| {} in {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            cell(&one.user),
            cell(&one.database),
            cell(&one.object),
            cell(&one.commands.join(", ")),
            one.statements,
            days(one),
            one.severity.name(),
            one.expected,
            one.explained,
            one.unexplained,
        ));
    }
    if report.touched.len() > LISTED {
        line(&format!(
            "\n… and {} beyond these, which the JSON contains.",
            count(report.touched.len() - LISTED, "line")
        ));
    }
    line("\n## Detections\n");
    if report.detections.is_empty() {
        line("None.");
    } else {
        line(
            "| id | first, last | who | what | how many | severity | what became of it |\n| --- | --- | --- | --- | --: | --- | --- |",
        );
    }
    for one in report.detections.iter().take(LISTED) {
        line(&format!(
            "| {} | {}, {} | {} in {} ({}) | {} on {} | {} | {}: {} | {} |",
            code(&one.id),
            optional_minute(one.first),
            optional_minute(one.last),
            cell(&one.user),
            cell(&one.database),
            prose(&person(one)),
            cell(&one.command),
            cell(&one.object),
            one.statements,
            one.severity.name(),
            prose(&one.severity_reason),
            prose(&became(one)),
        ));
    }
    if report.detections.len() > LISTED {
        line(&format!(
            "\n… and {} beyond these, which the CSV and the JSON contain.",
            count(report.detections.len() - LISTED, "detection")
        ));
    }
    rest(report, &mut page);
    without_commands(&page)
}

/// The parts that explain the detections.
fn rest(report: &Report, page: &mut String) {
    let mut line = |text: &str| {
        page.push_str(text);
        page.push('\n');
    };
    line("\n## Findings\n");
    let mut has_notes = false;
    for one in &report.detections {
        for note in &one.notes {
            has_notes = true;
            line(&format!(
                "- {}: **{}** by {} on {}{}{}: {}",
                code(&one.id),
                note.finding,
                prose(&note.author),
                note.date,
                note.ticket
                    .as_ref()
                    .map(|ticket| format!(", {}", code(ticket)))
                    .unwrap_or_default(),
                if note.about_oneself {
                    format!(" (**{OWN}**)")
                } else {
                    String::new()
                },
                prose(&note.text)
            ));
        }
    }
    if !has_notes {
        line("None.");
    }
    line(
        "\n## Access grants\n\n| id | who | what | from, until | reason | statements |\n| --- | --- | --- | --- | --- | --: |",
    );
    for grant in &report.grants {
        let late = if grant.after_the_fact {
            ", **written after the fact**"
        } else {
            ""
        };
        line(&format!(
            "| {} | {} | {}: {} | {}, {}{late} | {} | {} |",
            cell(&grant.id),
            cell(&grant.users.join(", ")),
            grant.kinds.join(", "),
            cell(&grant.relations.join(", ")),
            minute(grant.from),
            minute(grant.until),
            prose(&grant.reason),
            grant.statements
        ));
    }
    line(
        "\n## Exclusions in force\n\n| id | days | reason | owner | last day | approvals | records silenced |\n| --- | --- | --- | --- | --- | --- | --: |",
    );
    for exclusion in &report.exclusions {
        line(&format!(
            "| {} | {} to {} | {} | {} | {} | {} | {} |",
            cell(&exclusion.id),
            exclusion.since,
            exclusion.until,
            prose(&exclusion.reason),
            prose(&exclusion.owner),
            exclusion
                .expires
                .map_or_else(|| "none".to_owned(), |day| day.to_string()),
            prose(&approved(exclusion)),
            exclusion
                .silenced
                .map_or_else(|| "not known".to_owned(), |number| number.to_string()),
        ));
    }
    line(
        "\n## Changes of the policy\n\n| when | commit | author | title | the alarm | approvals in Git |\n| --- | --- | --- | --- | --- | --- |",
    );
    for change in &report.changes {
        line(&format!(
            "| {} | {} | {} | {} | {} | {} |",
            minute(change.committed),
            code(short(&change.commit)),
            prose(&change.author),
            prose(&change.subject),
            change.direction.name(),
            if change.approvals.is_empty() {
                "none".to_owned()
            } else {
                prose(&change.approvals.join(", "))
            }
        ));
    }
    line(
        "\n## Who was audited\n\n| role | person | days | statements |\n| --- | --- | --- | --: |",
    );
    for person in &report.people {
        let mut about = Vec::new();
        about.extend(person.identity.clone());
        about.extend(person.team.as_ref().map(|team| format!("team {team}")));
        about.push(format!("owner {}", person.owner));
        line(&format!(
            "| {} | {} | {} to {} | {} |",
            cell(&person.role),
            prose(&about.join(", ")),
            person.since,
            person.until,
            person.statements
        ));
    }
    line("\n## Who was not audited\n");
    line(if report.accounts.is_empty() {
        "None."
    } else {
        "| role | reason | owner | days |\n| --- | --- | --- | --- |"
    });
    for account in &report.accounts {
        line(&format!(
            "| {}{} | {} | {} | {} to {} |",
            cell(&account.role),
            if account.pattern { " (pattern)" } else { "" },
            prose(&account.reason),
            prose(&account.owner),
            account.since,
            account.until
        ));
    }
    line(&format!(
        "\n## Coverage\n\n{} of {} hours have evidence. It rests on {}. {}\n",
        report.coverage.known,
        report.coverage.hours,
        sentence(&report.coverage.rests_on),
        sentence(HEARTBEAT)
    ));
    for text in besides(&report.coverage) {
        line(&format!("- {text}"));
    }
    for gap in &report.coverage.gaps {
        line(&format!(
            "- nothing from {} until {}, {}",
            minute(gap.from),
            minute(gap.until),
            count(gap.hours, "hour")
        ));
    }
    if !report.drift.is_empty() {
        line(&format!(
            "\n## Changes outside pgvigil\n\n{}.\n",
            drift_sentence(&report.drift)
        ));
    }
    for check in report.drift.iter().filter(|check| !check.is_clean()) {
        line(&format!("- {}: {}", check.day, check.name()));
        for change in &check.changed {
            line(&format!("  - {}", sentence(change)));
        }
    }
    line("\n## Rules that judged\n\n| digest | commit | detections |\n| --- | --- | --: |");
    for rules in &report.rules {
        let commit = match (&rules.commit, rules.now) {
            (Some(commit), _) => code(short(commit)),
            (None, true) => "none; the files as they are now".to_owned(),
            (None, false) => "**none of the period**".to_owned(),
        };
        line(&format!(
            "| {} | {commit} | {} |",
            code(&rules.digest),
            rules.detections
        ));
    }
    line("\n## Inputs\n\n| kind | name | bytes | SHA-256 |\n| --- | --- | --: | --- |");
    for input in &report.inputs {
        line(&format!(
            "| {} | {} | {} | {} |",
            input.kind,
            cell(&input.name),
            input
                .bytes
                .map_or_else(|| "-".to_owned(), |bytes| bytes.to_string()),
            input
                .sha256
                .as_ref()
                .map_or_else(|| "-".to_owned(), |digest| code(digest))
        ));
    }
    line(&format!("\nMade by pgvigil {}.", report.pgvigil));
}
