//! The impact of a change as one page: no other file, no network, readable without its script.
//!
//! The page carries a content security policy that allows the digests of its own style and script and nothing else.
//! The script reads only the page itself; no text of a log is ever part of a script, a style, an address or an id.

mod exclusions;
mod records;
mod timeline;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::{
    HEARING, approvals, approvals_needed, command, count, effect_in_all, headline, hearing,
    is_evadable, length, number, percent, reading, revision, share, signals_off, unread, verdict,
};
use crate::report::escape::{html, html_sentence};
use crate::rules::impact::report::{Change, Direction, Fault, ImpactReport, Revision};

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// The whole page.
pub fn render(report: &ImpactReport) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '{}'; script-src '{}'; \
         base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<title>Exclusion review: {}, {}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<div class=\"wrap\">\n",
        source(STYLE),
        source(SCRIPT),
        html(&report.env),
        verdict(report.direction)
    );
    heading(report, &mut page);
    page.push_str("<main>\n");
    faults(&report.faults, &mut page);
    if let Some(unread) = unread(&report.logs) {
        page.push_str(&format!(
            "<p class=\"note\"><b>Caution:</b> {}.</p>\n",
            html_sentence(&unread)
        ));
    }
    heard(report, &mut page);
    figures(report, &mut page);
    exclusions::changed(report, &mut page);
    accounts(report, &mut page);
    switched_off(report, &mut page);
    records::groups(report, &mut page);
    timeline::section(&report.timeline, &mut page);
    exclusions::unchanged(report, &mut page);
    agreed(report, &mut page);
    page.push_str("</main>\n");
    footer(report, &mut page);
    page.push_str(&format!(
        "</div>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    ));
    page
}

/// The digest by which a policy allows a style or a script.
fn source(text: &str) -> String {
    format!(
        "sha256-{}",
        STANDARD.encode(Sha256::digest(text.as_bytes()))
    )
}

/// A direction with a sign, a word and a colour.
fn badge(direction: Direction) -> String {
    let (class, sign) = match direction {
        Direction::Unchanged => ("", "="),
        Direction::Narrowed => (" good", "▼"),
        Direction::Incomparable => (" warn", "◆"),
        Direction::Widened => (" bad", "▲"),
        Direction::Unknown => (" bad", "?"),
    };
    format!(
        "<span class=\"badge{class}\"><span aria-hidden=\"true\">{sign}</span> {}</span>",
        verdict(direction)
    )
}

fn heading(report: &ImpactReport, page: &mut String) {
    let side = |side: &Revision| html(&revision(&side.name, side.commit.as_ref()));
    let mut links = vec![
        ("changed", "Exclusions"),
        ("records", "Records"),
        ("timeline", "Timeline"),
    ];
    links.push(("approvals", "Approvals"));
    let links: String = links
        .iter()
        .map(|(id, name)| format!("<a href=\"#{id}\">{name}</a>"))
        .collect();
    page.push_str(&format!(
        "<header>\n<div class=\"top\">\n<div>\n<p class=\"soft\">Exclusion review</p>\n\
         <div class=\"verdict\"><h1>{}</h1>{}</div>\n<p>{}</p>\n\
         <p class=\"soft small\">{} → {}, judged for {}</p>\n</div>\n\
         <button id=\"theme\" type=\"button\" aria-label=\"Switch between light and dark\" data-control hidden>Dark</button>\n\
         </div>\n<nav aria-label=\"Sections\">{links}</nav>\n</header>\n",
        html(&report.env),
        badge(report.direction),
        html(&headline(report).join(" · ")),
        side(&report.base),
        side(&report.head),
        html(&report.today)
    ));
}

fn faults(faults: &[Fault], page: &mut String) {
    if faults.is_empty() {
        return;
    }
    page.push_str(&format!(
        "<section class=\"faults\" aria-labelledby=\"faults\">\n<h2 id=\"faults\">This change must not be merged: {}</h2>\n<ul>\n",
        count(length(faults), "fault")
    ));
    for fault in faults {
        let at = fault
            .exclusion
            .as_ref()
            .map(|id| format!(" · <b>{}</b>", html(id)))
            .unwrap_or_default();
        page.push_str(&format!(
            "<li><code>{}</code>{at}: {}<br><span class=\"soft small\">{}</span></li>\n",
            html(&fault.code),
            html_sentence(&fault.message),
            html_sentence(&fault.help)
        ));
    }
    page.push_str("</ul>\n</section>\n");
}

fn heard(report: &ImpactReport, page: &mut String) {
    let changes = hearing(report);
    if changes.is_empty() {
        return;
    }
    page.push_str(&format!(
        "<section aria-labelledby=\"hearing\">\n<h2 id=\"hearing\">{HEARING}</h2>\n<ul>\n"
    ));
    for (direction, sentence) in changes {
        page.push_str(&format!(
            "<li><b>{}:</b> {}</li>\n",
            direction.name(),
            html_sentence(&sentence)
        ));
    }
    page.push_str("</ul>\n</section>\n");
}

fn figures(report: &ImpactReport, page: &mut String) {
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
    page.push_str("<dl class=\"figures\">\n");
    for (is_alarm, name, value, note) in cards {
        let class = if is_alarm { " class=\"alarm\"" } else { "" };
        page.push_str(&format!(
            "<div{class}><dt>{name}</dt><dd>{}</dd><dd>{}</dd></div>\n",
            html(&value),
            html_sentence(&note)
        ));
    }
    page.push_str("</dl>\n");
}

fn switched_off(report: &ImpactReport, page: &mut String) {
    if let Some(what) = signals_off(report) {
        page.push_str(&format!(
            "<section aria-labelledby=\"off\">\n<h2 id=\"off\">Switched off</h2>\n<p>{}</p>\n</section>\n",
            html_sentence(&what)
        ));
    }
}

fn accounts(report: &ImpactReport, page: &mut String) {
    let changed: Vec<_> = report
        .accounts
        .iter()
        .filter(|one| one.change != Change::Unchanged)
        .collect();
    if changed.is_empty() {
        return;
    }
    page.push_str(
        "<section aria-labelledby=\"accounts\">\n<h2 id=\"accounts\">Service accounts, which are not audited</h2>\n\
         <table class=\"stack\" role=\"table\">\n<thead role=\"rowgroup\"><tr role=\"row\">\
         <th scope=\"col\" role=\"columnheader\">Change</th><th scope=\"col\" role=\"columnheader\">Role</th>\
         <th scope=\"col\" role=\"columnheader\">Owner</th><th scope=\"col\" role=\"columnheader\">Reason</th></tr>\
         </thead>\n<tbody role=\"rowgroup\">\n",
    );
    for account in changed {
        page.push_str("<tr role=\"row\">");
        let kind = if account.is_pattern {
            " <span class=\"soft\">(pattern)</span>"
        } else {
            ""
        };
        for (label, content) in [
            ("Change", account.change.name().to_owned()),
            (
                "Role",
                format!("<code>{}</code>{kind}", html(&account.role)),
            ),
            ("Owner", html(&account.owner)),
            ("Reason", html_sentence(&account.reason)),
        ] {
            records::cell(label, "", &content, page);
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody>\n</table>\n</section>\n");
}

fn agreed(report: &ImpactReport, page: &mut String) {
    page.push_str(&format!(
        "<section aria-labelledby=\"approvals\">\n<h2 id=\"approvals\">Approvals</h2>\n<p>{}</p>\n<ul>\n",
        approvals_needed(report.approvals.required)
    ));
    for (what, list) in approvals(report) {
        page.push_str(&format!(
            "<li><span class=\"soft\">{what}:</span> {}</li>\n",
            html_sentence(&list.join(", "))
        ));
    }
    page.push_str("</ul>\n</section>\n");
}

fn footer(report: &ImpactReport, page: &mut String) {
    page.push_str("<footer class=\"small\">\n<dl class=\"facts\">\n");
    let mut fact =
        |name: &str, value: &str| page.push_str(&format!("<dt>{name}</dt><dd>{value}</dd>\n"));
    fact("Logs", &html(&reading(&report.logs)));
    let totals = report.totals;
    fact(
        "Audit records",
        &format!(
            "{}, of them {} of people and {} of accounts that are not audited",
            number(totals.records),
            number(totals.of_people),
            number(totals.of_accounts)
        ),
    );
    for (name, side) in [("Before", &report.base), ("After", &report.head)] {
        fact(
            name,
            &format!(
                "{}, rules <code>{}</code>",
                html(&revision(&side.name, side.commit.as_ref())),
                html(&side.rules_digest)
            ),
        );
    }
    fact("Again", &format!("<code>{}</code>", html(&command(report))));
    fact("Made by", &html(&format!("pgvigil {}", report.pgvigil)));
    page.push_str("</dl>\n<details><summary>Files that were read</summary>\n<ul>\n");
    for file in &report.logs.files {
        page.push_str(&format!("<li><code>{}</code></li>\n", html(file)));
    }
    page.push_str("</ul>\n</details>\n</footer>\n");
}
