//! The report as one page: no other file, no network, no script.
//!
//! `html!` escapes every text that is put into the page.

use maud::{Markup, html};

use super::{
    HEARTBEAT, became, besides, completeness, day, days, headline, minute, optional_minute, person,
    short,
};
use crate::diagnostic::count;
use crate::evidence::drift_sentence;
use crate::evidence::report::{Answer, Detected, Report, State};
use crate::policy::model::Severity;
use crate::report::web::{page, sentence};
use crate::rules::direction::Verdict;

const STYLE: &str = include_str!("html/report.css");

/// Detections that the page lists.
const LISTED: usize = 2_000;

/// The page.
pub fn render(report: &Report) -> String {
    let title = format!(
        "Audit report: {}, {} to {}",
        report.environment,
        report.period.since(),
        report.period.until()
    );
    page(
        &title,
        STYLE,
        None,
        &html! {
            (heading(report))
            main {
                (lacks(report))
                (figures(report))
                (answers(report))
                (touched(report))
                (detections(report))
                (findings(report))
                (grants(report))
                (exclusions(report))
                (changes(report))
                (people(report))
                (accounts(report))
                (coverage(report))
                (drift(report))
                (rules(report))
                (inputs(report))
            }
            footer {
                p.soft { "Made by pgvigil " (report.pgvigil) ". The same inputs give the same page. All times are in UTC." }
            }
        },
    )
}

fn heading(report: &Report) -> Markup {
    let links = [
        ("#answers", "Questions"),
        ("#touched", "Who touched what"),
        ("#detections", "Detections"),
        ("#grants", "Access grants"),
        ("#exclusions", "Exclusions"),
        ("#changes", "Changes"),
        ("#people", "People"),
        ("#coverage", "Coverage"),
        ("#rules", "Rules"),
        ("#inputs", "Inputs"),
    ];
    html! {
        header {
            p.soft { "Audit report" }
            div.verdict {
                h1 { (report.environment) }
                @if report.complete {
                    span class="badge good" { (completeness(report)) }
                } @else {
                    span class="badge bad" { (completeness(report)) }
                }
            }
            p { (report.period.since()) " to " (report.period.until()) ", both days included" }
            p.soft { (headline(report).join(" · ")) }
            nav aria-label="Sections" {
                @for (id, name) in links { a href=(id) { (name) } }
            }
        }
    }
}

fn lacks(report: &Report) -> Markup {
    html! {
        @if !report.lacks.is_empty() {
            section.faults aria-labelledby="lacks" {
                h2 id="lacks" { "What is missing" }
                ul { @for lack in &report.lacks { li { (sentence(lack)) } } }
            }
        }
    }
}

fn figures(report: &Report) -> Markup {
    let totals = &report.totals;
    let coverage = &report.coverage;
    let figure = |name: &str, number: String, besides: String, is_alarm: bool| {
        html! {
            div.alarm[is_alarm] { dt { (name) } dd { (number) } dd { (besides) } }
        }
    };
    html! {
        dl.figures {
            (figure("Not expected", totals.not_expected.to_string(),
                format!("{} without a finding", totals.unexplained), totals.unexplained > 0))
            (figure("Expected", totals.expected.to_string(), "covered by an access grant".to_owned(), false))
            (figure("Statements", totals.statements.to_string(), format!("in {}", count(totals.records, "record")), false))
            (figure("Silenced", totals.silenced.to_string(), "records, by exclusions".to_owned(), false))
            (figure("Hours with evidence", coverage.known.to_string(),
                format!("of {}, {}", coverage.hours, count(coverage.gaps.len(), "gap")), !coverage.gaps.is_empty()))
            (figure("Not judged", totals.not_judged.to_string(), "records that count for that".to_owned(), totals.not_judged > 0))
        }
    }
}

fn state(answer: &Answer) -> Markup {
    let class = match answer.state {
        State::Answered => "badge good",
        State::Partly => "badge warn",
        State::NotAnswered => "badge bad",
    };
    html! { span class=(class) { (answer.state.name()) } }
}

fn answers(report: &Report) -> Markup {
    html! {
        section aria-labelledby="answers" {
            h2 id="answers" { "The questions of an audit" }
            table.stack {
                thead { tr { th scope="col" { "Question" } th scope="col" { "State" } th scope="col" { "Answer" } } }
                tbody {
                    @for answer in &report.answers {
                        tr {
                            td data-label="Question" { (answer.question) }
                            td data-label="State" { (state(answer)) }
                            td data-label="Answer" {
                                span {
                                    (sentence(&answer.answer))
                                    @if let Some(section) = &answer.section {
                                        " (" a href=(format!("#{section}")) { "details" } ")"
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn touched(report: &Report) -> Markup {
    html! {
        section aria-labelledby="touched" {
            h2 id="touched" { "Who touched what" }
            @if report.touched.is_empty() { p.soft { "Nothing was detected." } } @else {
                table.stack {
                    thead { tr {
                        th scope="col" { "Role" } th scope="col" { "Object" } th scope="col" { "Commands" }
                        th.number scope="col" { "Statements" } th scope="col" { "Days" } th scope="col" { "Severity" }
                        th.number scope="col" { "Expected" } th.number scope="col" { "Explained" }
                        th.number scope="col" { "Without a finding" }
                    } }
                    tbody {
                        @for one in report.touched.iter().take(LISTED) {
                            tr {
                                td.name data-label="Role" { span { b { (one.user) } " in " (one.database) } }
                                td.object data-label="Object" { code { (one.object) } }
                                td data-label="Commands" { (one.commands.join(", ")) }
                                td.number data-label="Statements" { (one.statements) }
                                td.when data-label="Days" { (days(one)) }
                                td data-label="Severity" { (severity(one.severity)) }
                                td.number data-label="Expected" { (one.expected) }
                                td.number data-label="Explained" { (one.explained) }
                                td.number data-label="No finding" {
                                    @if one.unexplained > 0 { span class="silent-word" { (one.unexplained) } } @else { "0" }
                                }
                            }
                        }
                    }
                }
                @if report.touched.len() > LISTED {
                    p.note {
                        "… and " (count(report.touched.len() - LISTED, "line")) " beyond these, which the JSON contains."
                    }
                }
            }
        }
    }
}

fn severity(severity: Severity) -> Markup {
    let class = match severity {
        Severity::Critical | Severity::High => "badge bad",
        Severity::Medium => "badge warn",
        Severity::Low => "badge",
    };
    html! { span class=(class) { (severity.name()) } }
}

fn detections(report: &Report) -> Markup {
    html! {
        section aria-labelledby="detections" {
            h2 id="detections" { "Detections" }
            p.soft {
                "What one role did to one object on one day. A note in Git can name the id and say what became of it."
            }
            @if report.detections.is_empty() {
                p { "None." }
            } @else {
                table.stack.detections {
                    thead { tr {
                        th scope="col" { "Id" } th scope="col" { "When" } th scope="col" { "Who" } th scope="col" { "What" } th.number scope="col" { "Statements" }
                        th scope="col" { "Severity" } th scope="col" { "What became of it" }
                    } }
                    tbody { @for one in report.detections.iter().take(LISTED) { (detection(one)) } }
                }
            }
            @if report.detections.len() > LISTED {
                p.note {
                    "… and " (count(report.detections.len() - LISTED, "detection"))
                    " beyond these, which the CSV and the JSON contain."
                }
            }
        }
    }
}

fn detection(one: &Detected) -> Markup {
    let is_open = one.expected.is_none() && !one.is_explained();
    html! {
        tr.open[is_open] {
            td data-label="Id" { code { (one.id) } }
            td data-label="When" {
                span {
                    (optional_minute(one.first))
                    @if one.first != one.last { br; (optional_minute(one.last)) }
                }
            }
            td data-label="Who" {
                span {
                    b { (one.user) } " in " (one.database)
                    br;
                    span class="soft small" {
                        (person(one))
                        @if !one.clients.is_empty() { "; from " (one.clients.join(", ")) }
                        @if !one.session_names.is_empty() {
                            "; the session calls itself " (one.session_names.join(", "))
                        }
                    }
                }
            }
            td.object data-label="What" {
                span {
                    (one.command) " " code { (one.object) }
                    br;
                    span class="soft small" {
                        (one.class) "; "
                        @for (number, signal) in one.signals.iter().enumerate() {
                            @if number > 0 { ", " }
                            (signal.name())
                        }
                    }
                }
            }
            td.number data-label="Statements" { (one.statements) }
            td data-label="Severity" {
                span {
                    (severity(one.severity))
                    br;
                    span class="soft small" { (one.severity_reason) }
                }
            }
            td data-label="Became" { (became(one)) }
        }
    }
}

fn findings(report: &Report) -> Markup {
    let has_notes = report.detections.iter().any(|one| !one.notes.is_empty());
    html! {
        @if has_notes {
            section aria-labelledby="findings" {
                h2 id="findings" { "Findings" }
                table.stack {
                    thead { tr { th scope="col" { "Detection" } th scope="col" { "Finding" } th scope="col" { "By, on" } th scope="col" { "In words" } } }
                    tbody {
                        @for one in &report.detections {
                            @for note in &one.notes {
                                tr {
                                    td data-label="Detection" { code.whole { (one.id) } }
                                    td data-label="Finding" { (note.finding) }
                                    td data-label="By, on" {
                                        span {
                                            (note.author) ", " (note.date)
                                            @if note.about_oneself { br; span class="badge bad" { "by the person who did the work" } }
                                        }
                                    }
                                    td data-label="In words" {
                                        span {
                                            (note.text)
                                            @if let Some(ticket) = &note.ticket { " (" (ticket) ")" }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn grants(report: &Report) -> Markup {
    html! {
        section aria-labelledby="grants" {
            h2 id="grants" { "Access grants" }
            @if report.grants.is_empty() { p.soft { "No grant was in force." } } @else {
                table.stack {
                    thead { tr {
                        th scope="col" { "Id" } th scope="col" { "Who" } th scope="col" { "What" } th scope="col" { "When" } th scope="col" { "Why" } th.number scope="col" { "Statements" }
                    } }
                    tbody {
                        @for grant in &report.grants {
                            tr {
                                td data-label="Id" { (grant.id) }
                                td data-label="Who" { (grant.users.join(", ")) }
                                td data-label="What" { (grant.kinds.join(", ")) ": " (grant.relations.join(", ")) }
                                td data-label="When" {
                                    span {
                                        (minute(grant.from)) " until " (minute(grant.until))
                                        @if grant.after_the_fact {
                                            " " span class="badge warn" { "written after the fact" }
                                        }
                                    }
                                }
                                td data-label="Why" {
                                    span {
                                        (grant.reason)
                                        @if let Some(ticket) = &grant.ticket { " (" (ticket) ")" }
                                    }
                                }
                                td.number data-label="Statements" {
                                    @if grant.statements == 0 { "0, covered nothing" } @else { (grant.statements) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn exclusions(report: &Report) -> Markup {
    html! {
        section aria-labelledby="exclusions" {
            h2 id="exclusions" { "Exclusions in force" }
            @if report.exclusions.is_empty() { p.soft { "None." } } @else {
                table.stack {
                    thead { tr {
                        th scope="col" { "Id" } th scope="col" { "Days of the period" } th scope="col" { "Reason" } th scope="col" { "Owner" } th scope="col" { "Last day" }
                        th scope="col" { "Approvals in Git" } th.number scope="col" { "Records silenced" }
                    } }
                    tbody {
                        @for one in &report.exclusions {
                            tr {
                                td data-label="Id" { span { b { (one.id) } br; span class="soft small" { (one.title) } } }
                                td data-label="Days" { (one.since) " to " (one.until) }
                                td data-label="Reason" {
                                    span {
                                        (one.reason)
                                        @if let Some(ticket) = &one.ticket { " (" (ticket) ")" }
                                    }
                                }
                                td.name data-label="Owner" { (one.owner) }
                                td.whole data-label="Last day" {
                                    @if let Some(day) = one.expires { (day) } @else { "none" }
                                }
                                td data-label="Approvals" {
                                    @match &one.origin {
                                        None => { span class="badge warn" { "not known" } }
                                        Some(origin) => {
                                            span {
                                                @if origin.approvals.is_empty() {
                                                    span class="badge warn" { "none" }
                                                } @else { (origin.approvals.join(", ")) }
                                                br;
                                                span class="soft small" {
                                                    code.whole { (short(&origin.commit)) } " of " (day(origin.committed))
                                                }
                                            }
                                        }
                                    }
                                }
                                td.number data-label="Silenced" {
                                    @if let Some(number) = one.silenced { (number) } @else { "not known" }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn changes(report: &Report) -> Markup {
    html! {
        section aria-labelledby="changes" {
            h2 id="changes" { "Changes of the policy" }
            @if report.changes.is_empty() { p.soft { "None in the history that was read." } } @else {
                table.stack {
                    thead { tr {
                        th scope="col" { "When" } th scope="col" { "Commit" } th scope="col" { "Author" } th scope="col" { "Title, effects" } th scope="col" { "The alarm" }
                        th scope="col" { "Approvals in Git" }
                    } }
                    tbody {
                        @for change in &report.changes {
                            tr {
                                td data-label="When" { (minute(change.committed)) }
                                td data-label="Commit" { code.whole { (short(&change.commit)) } }
                                td.author data-label="Author" {
                                    span {
                                        (change.author)
                                        @if !change.authors.is_empty() {
                                            br;
                                            span class="soft small" { (change.authors.join(", ")) }
                                        }
                                    }
                                }
                                td data-label="Title" {
                                    span {
                                        (change.subject)
                                        @if !change.effects.is_empty() {
                                            ul class="small" { @for effect in &change.effects { li { (sentence(effect)) } } }
                                        }
                                    }
                                }
                                td data-label="The alarm" { (direction(change.direction)) }
                                td data-label="Approvals" {
                                    @if change.approvals.is_empty() {
                                        @if change.direction == Verdict::Unchanged { "none" }
                                        @else { span class="badge warn" { "none" } }
                                    } @else { (change.approvals.join(", ")) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn direction(verdict: Verdict) -> Markup {
    let class = match verdict {
        Verdict::Unchanged => "badge",
        Verdict::Narrowed => "badge good",
        Verdict::Incomparable => "badge warn",
        Verdict::Widened | Verdict::Unknown => "badge bad",
    };
    html! { span class=(class) { (verdict.name()) } }
}

fn people(report: &Report) -> Markup {
    html! {
        section aria-labelledby="people" {
            h2 id="people" { "Who was audited" }
            table.stack {
                thead { tr { th scope="col" { "Role" } th scope="col" { "Person" } th scope="col" { "Days of the period" } th.number scope="col" { "Statements that counted" } } }
                tbody {
                    @for person in &report.people {
                        tr {
                            td data-label="Role" { (person.role) }
                            td data-label="Person" {
                                span {
                                    @if let Some(identity) = &person.identity { (identity) ", " }
                                    @if let Some(team) = &person.team { "team " (team) ", " }
                                    "owner " (person.owner)
                                    @if person.shared { ", a shared role" }
                                }
                            }
                            td data-label="Days" { (person.since) " to " (person.until) }
                            td.number data-label="Statements" { (person.statements) }
                        }
                    }
                }
            }
        }
    }
}

fn accounts(report: &Report) -> Markup {
    html! {
        section aria-labelledby="accounts" {
            h2 id="accounts" { "Who was not audited" }
            @if report.accounts.is_empty() { p.soft { "None." } } @else {
                table.stack {
                    thead { tr { th scope="col" { "Role" } th scope="col" { "Reason" } th scope="col" { "Owner" } th scope="col" { "Days of the period" } } }
                    tbody {
                        @for account in &report.accounts {
                            tr {
                                td data-label="Role" {
                                    span {
                                        code { (account.role) }
                                        @if account.pattern { " (pattern)" }
                                        @if account.system { " (of the platform)" }
                                    }
                                }
                                td data-label="Reason" { (account.reason) }
                                td data-label="Owner" { (account.owner) }
                                td data-label="Days" { (account.since) " to " (account.until) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn coverage(report: &Report) -> Markup {
    let coverage = &report.coverage;
    html! {
        section aria-labelledby="coverage" {
            h2 id="coverage" { "Coverage" }
            p {
                (coverage.known) " of " (coverage.hours) " hours have evidence. It rests on "
                (sentence(&coverage.rests_on)) ". " (sentence(HEARTBEAT))
            }
            @let besides = besides(coverage);
            @if !besides.is_empty() { ul { @for text in &besides { li { (text) } } } }
            @if !coverage.gaps.is_empty() {
                table.stack {
                    thead { tr { th scope="col" { "Nothing from" } th scope="col" { "until" } th.number scope="col" { "Hours" } } }
                    tbody {
                        @for gap in &coverage.gaps {
                            tr {
                                td data-label="From" { (minute(gap.from)) }
                                td data-label="Until" { (minute(gap.until)) }
                                td.number data-label="Hours" { (gap.hours) }
                            }
                        }
                    }
                }
            }
            p class="soft small" {
                (count(coverage.runs, "run")) " of the monitor in the records. An hour needs evidence of "
                @for (number, name) in coverage.log_groups.iter().enumerate() {
                    @if number > 0 { ", " }
                    code { (name) }
                }
            }
        }
    }
}

fn drift(report: &Report) -> Markup {
    html! {
        @if !report.drift.is_empty() {
            section aria-labelledby="drift" {
                h2 id="drift" { "Changes outside pgvigil" }
                p.soft { (drift_sentence(&report.drift)) "." }
                @if report.drift.iter().any(|check| !check.is_clean()) {
                    table.stack {
                        thead { tr { th scope="col" { "Day" } th scope="col" { "Result" } th scope="col" { "What was changed" } } }
                        tbody {
                            @for check in report.drift.iter().filter(|check| !check.is_clean()) {
                                tr {
                                    td data-label="Day" { (check.day) }
                                    td data-label="Result" { span class="badge bad" { (check.name()) } }
                                    td data-label="What" {
                                        @if check.changed.is_empty() { "-" } @else {
                                            ul { @for change in &check.changed { li { (sentence(change)) } } }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn rules(report: &Report) -> Markup {
    html! {
        section aria-labelledby="rules" {
            h2 id="rules" { "Rules that judged" }
            @if report.rules.is_empty() { p.soft { "None: nothing was detected." } } @else {
                table.stack {
                    thead { tr { th scope="col" { "Digest" } th scope="col" { "Commit" } th.number scope="col" { "Detections" } } }
                    tbody {
                        @for rules in &report.rules {
                            tr {
                                td data-label="Digest" { code { (rules.digest) } }
                                td data-label="Commit" {
                                    @if let Some(commit) = &rules.commit {
                                        code { (short(commit)) }
                                    } @else if rules.now {
                                        "none; the files as they are now"
                                    } @else {
                                        span class="badge bad" { "none of the period" }
                                    }
                                }
                                td.number data-label="Detections" { (rules.detections) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn inputs(report: &Report) -> Markup {
    html! {
        section aria-labelledby="inputs" {
            h2 id="inputs" { "Inputs" }
            table.stack {
                thead { tr { th scope="col" { "Kind" } th scope="col" { "Name" } th.number scope="col" { "Bytes" } th scope="col" { "SHA-256" } } }
                tbody {
                    @for input in &report.inputs {
                        tr {
                            td data-label="Kind" { (input.kind) }
                            td data-label="Name" { (input.name) }
                            td.number data-label="Bytes" {
                                @if let Some(bytes) = input.bytes { (bytes) } @else { "-" }
                            }
                            td data-label="SHA-256" {
                                @if let Some(digest) = &input.sha256 { code { (digest) } } @else { "-" }
                            }
                        }
                    }
                }
            }
        }
    }
}
