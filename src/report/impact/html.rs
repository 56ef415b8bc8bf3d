//! The impact of a change as one page: no other file, no network, readable without its script.
//!
//! The page carries a content security policy that allows the digests of its own style and script and nothing else.
//! The script reads only the page itself; no text of a log is ever part of a script, a style, an address or an id.
//!
//! `html!` escapes every text that is put into the page. Only its own style and script are put in as they are.

mod exclusions;
mod records;
mod timeline;

use maud::{Markup, html};

use super::{
    HEARING, approvals, approvals_needed, command, count, effect_in_all, headline, hearing,
    is_evadable, length, number, percent, reading, revision, share, signals_off, unread, verdict,
};
use crate::report::web::{self, sentence};
use crate::rules::impact::report::{Change, Direction, ImpactReport};

const SCRIPT: &str = include_str!("html/page.js");

pub fn render(report: &ImpactReport) -> String {
    let title = format!(
        "Exclusion review: {}, {}",
        report.env,
        verdict(report.direction)
    );
    web::page(
        &title,
        "",
        Some(SCRIPT),
        &html! {
            (heading(report))
            main {
                (faults(report))
                @if let Some(unread) = unread(&report.logs) {
                    p.note { b { "Caution:" } " " (sentence(&unread)) "." }
                }
                (heard(report))
                (figures(report))
                (exclusions::changed(report))
                (accounts(report))
                (switched_off(report))
                (records::groups(report))
                (timeline::section(&report.timeline))
                (exclusions::unchanged(report))
                (agreed(report))
            }
            (footer(report))
        },
    )
}

/// A direction with a sign, a word and a colour.
fn badge(direction: Direction) -> Markup {
    let (class, sign) = match direction {
        Direction::Unchanged => ("badge", "="),
        Direction::Narrowed => ("badge good", "▼"),
        Direction::Incomparable => ("badge warn", "◆"),
        Direction::Widened => ("badge bad", "▲"),
        Direction::Unknown => ("badge bad", "?"),
    };
    html! {
        span class=(class) { span aria-hidden="true" { (sign) } " " (verdict(direction)) }
    }
}

fn heading(report: &ImpactReport) -> Markup {
    let links = [
        ("#changed", "Exclusions"),
        ("#records", "Records"),
        ("#timeline", "Timeline"),
        ("#approvals", "Approvals"),
    ];
    html! {
        header {
            div.top {
                div {
                    p.soft { "Exclusion review" }
                    div.verdict { h1 { (report.env) } (badge(report.direction)) }
                    p { (headline(report).join(" · ")) }
                    p class="soft small" {
                        (revision(&report.base.name, report.base.commit.as_ref())) " → "
                        (revision(&report.head.name, report.head.commit.as_ref())) ", judged for " (report.today)
                    }
                }
                button id="theme" type="button" aria-label="Switch between light and dark" data-control hidden { "Dark" }
            }
            nav aria-label="Sections" {
                @for (id, name) in links { a href=(id) { (name) } }
            }
        }
    }
}

fn faults(report: &ImpactReport) -> Markup {
    let faults = &report.faults;
    html! {
        @if !faults.is_empty() {
            section.faults aria-labelledby="faults" {
                h2 id="faults" { "This change must not be merged: " (count(length(faults), "fault")) }
                ul {
                    @for fault in faults {
                        li {
                            code { (fault.code) }
                            @if let Some(id) = &fault.exclusion { " · " b { (id) } }
                            ": " (sentence(&fault.message)) br;
                            span class="soft small" { (sentence(&fault.help)) }
                        }
                    }
                }
            }
        }
    }
}

fn heard(report: &ImpactReport) -> Markup {
    let changes = hearing(report);
    html! {
        @if !changes.is_empty() {
            section aria-labelledby="hearing" {
                h2 id="hearing" { (HEARING) }
                ul {
                    @for (direction, what) in changes {
                        li { b { (direction.name()) ":" } " " (sentence(&what)) }
                    }
                }
            }
        }
    }
}

fn figures(report: &ImpactReport) -> Markup {
    let totals = report.totals;
    let staying: Vec<_> = report
        .exclusions
        .iter()
        .filter(|one| one.change != Change::Removed)
        .collect();
    let evadable = length(
        &staying
            .iter()
            .filter(|one| is_evadable(one))
            .collect::<Vec<_>>(),
    );
    let untried = staying
        .iter()
        .filter(|one| one.attack.as_ref().is_none_or(|attack| attack.tried == 0))
        .count();
    let measured = |text: String| {
        if totals.records == 0 {
            "–".to_owned()
        } else {
            text
        }
    };
    let grave: u64 = report
        .newly_silent
        .iter()
        .filter(|group| group.is_grave)
        .map(|group| group.records)
        .sum();
    let mut silent = vec![match totals.records {
        0 => effect_in_all(report),
        records => format!(
            "{} of {}",
            percent(share(totals.newly_silent, records)),
            count(records, "record")
        ),
    }];
    if grave > 0 {
        silent.push(format!("{} grave (!)", number(grave)));
    }
    let mut hide = format!("of {}", count(length(&staying), "exclusion"));
    if untried > 0 {
        hide.push_str(&format!("; {untried} not tried"));
    }
    let cards = [
        (
            totals.newly_silent > 0,
            "Newly silent",
            measured(number(totals.newly_silent)),
            silent.join(", "),
        ),
        (
            false,
            "Newly loud",
            measured(number(totals.newly_loud)),
            "records that count from now on".to_owned(),
        ),
        (
            false,
            "Silenced share of people's records",
            measured(percent(totals.share_head)),
            format!("before {}", measured(percent(totals.share_base))),
        ),
        (
            false,
            "Counted records of people",
            measured(number(totals.counted_head)),
            format!("before {}", measured(number(totals.counted_base))),
        ),
        (evadable > 0, "Evadable exclusions", number(evadable), hide),
        (
            false,
            "Approvals needed",
            report.approvals.required.to_string(),
            report
                .approvals
                .reasons
                .first()
                .cloned()
                .unwrap_or_default(),
        ),
    ];
    html! {
        dl.figures {
            @for (is_alarm, name, value, note) in cards {
                div class=[is_alarm.then_some("alarm")] {
                    dt { (name) } dd { (value) } dd { (sentence(&note)) }
                }
            }
        }
    }
}

fn switched_off(report: &ImpactReport) -> Markup {
    html! {
        @if let Some(what) = signals_off(report) {
            section aria-labelledby="off" {
                h2 id="off" { "Switched off" }
                p { (sentence(&what)) }
            }
        }
    }
}

fn accounts(report: &ImpactReport) -> Markup {
    let changed: Vec<_> = report
        .accounts
        .iter()
        .filter(|one| one.change != Change::Unchanged)
        .collect();
    html! {
        @if !changed.is_empty() {
            section aria-labelledby="accounts" {
                h2 id="accounts" { "Service accounts, which are not audited" }
                table.stack role="table" {
                    thead role="rowgroup" {
                        tr role="row" {
                            @for name in ["Change", "Role", "Owner", "Reason"] {
                                th scope="col" role="columnheader" { (name) }
                            }
                        }
                    }
                    tbody role="rowgroup" {
                        @for account in changed {
                            tr role="row" {
                                (records::cell("Change", account.change.name()))
                                (records::cell("Role", html! {
                                    code { (account.role) }
                                    @if account.is_pattern { " " span.soft { "(pattern)" } }
                                }))
                                (records::cell("Owner", &account.owner))
                                (records::cell("Reason", sentence(&account.reason)))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn agreed(report: &ImpactReport) -> Markup {
    html! {
        section aria-labelledby="approvals" {
            h2 id="approvals" { "Approvals" }
            p { (approvals_needed(report.approvals.required)) }
            ul {
                @for (what, list) in approvals(report) {
                    li { span.soft { (what) ":" } " " (sentence(&list.join(", "))) }
                }
            }
        }
    }
}

fn footer(report: &ImpactReport) -> Markup {
    let totals = report.totals;
    html! {
        footer.small {
            dl.facts {
                dt { "Logs" }
                dd { (reading(&report.logs)) }
                dt { "Audit records" }
                dd {
                    (number(totals.records)) ", of them " (number(totals.of_people)) " of people and "
                    (number(totals.of_accounts)) " of accounts that are not audited"
                }
                @for (name, side) in [("Before", &report.base), ("After", &report.head)] {
                    dt { (name) }
                    dd { (revision(&side.name, side.commit.as_ref())) ", rules " code { (side.rules_digest) } }
                }
                dt { "Again" }
                dd { code { (command(report)) } }
                dt { "Made by" }
                dd { "pgvigil " (report.pgvigil) }
            }
            details {
                summary { "Files that were read" }
                ul {
                    @for file in &report.logs.files { li { code { (file) } } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_sentence_quotes_is_code() {
        assert_eq!(
            sentence("`<b>` stays <b>, `").into_string(),
            "<code>&lt;b&gt;</code> stays &lt;b&gt;, `"
        );
    }

    /// Otherwise its digest would not be the one in the policy.
    #[test]
    fn the_page_leaves_its_script_as_it_is() {
        assert_eq!(crate::report::escape::page(SCRIPT), SCRIPT);
    }

    #[test]
    fn a_text_is_text_in_every_place() {
        let text = "</td><a href='x' y=\"\">&";
        let shown = "&lt;/td&gt;&lt;a href='x' y=&quot;&quot;&gt;&amp;";
        assert_eq!(
            records::cell(text, text).into_string(),
            format!("<td role=\"cell\" data-label=\"{shown}\"><span>{shown}</span></td>")
        );
    }
}
