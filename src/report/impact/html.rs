//! The impact of a change as one page: no other file, no network, readable without its script.
//!
//! The page carries a content security policy that allows the digests of its own style and script and nothing else.
//! The script reads what stands in the page; no text of a log is ever part of a script, a style, an address or an id.

mod timeline;

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::{
    GRAVE, approvals, approvals_needed, attack, command, command_of, count, effect_in_all,
    grave_first, headline, is_changed, is_evadable, length, life, moment, number, percent, reading,
    record, revision, share, tests, unread, verdict,
};
use crate::report::escape::html;
use crate::rules::impact::report::{
    Change, Direction, ExclusionImpact, Fault, Group, ImpactReport,
};

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
            html(&unread)
        ));
    }
    figures(report, &mut page);
    changed(report, &mut page);
    accounts(report, &mut page);
    groups(report, &mut page);
    timeline::section(&report.timeline, &mut page);
    unchanged(report, &mut page);
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
    let side = |side: &crate::rules::impact::report::Revision| {
        html(&revision(&side.name, side.commit.as_ref()))
    };
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
            html(fault.code),
            html(&fault.message),
            html(&fault.help)
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
            "Silenced of what people did",
            measured(percent(totals.share_head)),
            format!("before {}", measured(percent(totals.share_base))),
        ),
        (
            false,
            "Counted records of people",
            measured(number(totals.counted_head)),
            format!("before {}", measured(number(totals.counted_base))),
        ),
        (
            evadable > 0,
            "Exclusions to hide behind",
            number(evadable),
            hide,
        ),
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
            html(&note)
        ));
    }
    page.push_str("</dl>\n");
}

fn changed(report: &ImpactReport, page: &mut String) {
    page.push_str(
        "<section aria-labelledby=\"changed\">\n<h2 id=\"changed\">Changed exclusions</h2>\n",
    );
    let mut any = false;
    for (index, exclusion) in report.exclusions.iter().enumerate() {
        if is_changed(exclusion) {
            card(index, exclusion, page);
            any = true;
        }
    }
    if !any {
        page.push_str("<p class=\"soft\">None.</p>\n");
    }
    page.push_str("</section>\n");
}

fn unchanged(report: &ImpactReport, page: &mut String) {
    let others = super::others(report);
    if others.is_empty() {
        return;
    }
    page.push_str(&format!(
        "<section aria-labelledby=\"unchanged\">\n<h2 id=\"unchanged\">Unchanged exclusions</h2>\n<div class=\"plain\">\n\
         <details><summary>{}</summary>\n",
        html(&others.join(" · ")),
    ));
    for (index, exclusion) in report.exclusions.iter().enumerate() {
        if !is_changed(exclusion) {
            card(index, exclusion, page);
        }
    }
    page.push_str("</details>\n</div>\n</section>\n");
}

fn card(index: usize, exclusion: &ExclusionImpact, page: &mut String) {
    page.push_str(&format!(
        "<article class=\"card\" id=\"exclusion-{index}\">\n<header><h3><code>{}</code></h3>\
         <span class=\"badge\">{}</span>{}</header>\n<p>{}</p>\n<dl class=\"facts\">\n",
        html(&exclusion.id),
        exclusion.change.name(),
        badge(exclusion.direction),
        html(&exclusion.title)
    ));
    fact("Owner", &html(&exclusion.owner), page);
    if let Some(ticket) = &exclusion.ticket {
        fact("Ticket", &link(ticket), page);
    }
    let life = life(exclusion);
    fact(
        "Last day",
        &html(life.strip_prefix("last day ").unwrap_or("none")),
        page,
    );
    if let Some(person) = &exclusion.accepted_by {
        fact("Risk accepted by", &html(person), page);
    }
    let file = html(&format!("{}:{}", exclusion.file, exclusion.line));
    fact("File", &format!("<code>{file}</code>"), page);
    page.push_str(&format!(
        "</dl>\n<p><span class=\"soft\">Reason:</span> {}</p>\n",
        html(&exclusion.reason)
    ));
    if !exclusion.why.is_empty() {
        page.push_str(&format!(
            "<p><span class=\"soft\">Why {}:</span> {}</p>\n",
            exclusion.direction.name(),
            html(&exclusion.why)
        ));
    }
    page.push_str("<div class=\"findings\">\n");
    if let Some(example) = &exclusion.counterexample {
        let statement = example
            .statement
            .as_ref()
            .map(|text| statement(text))
            .unwrap_or_default();
        page.push_str(&format!(
            "<div><h4>Newly silent, for example</h4><p><code>{}</code></p>{statement}</div>\n",
            html(&record(example))
        ));
    }
    if exclusion.change != Change::Removed {
        evasion(exclusion, page);
        tested(exclusion, page);
    }
    effect(exclusion, page);
    page.push_str("</div>\n</article>\n");
}

fn fact(name: &str, value: &str, page: &mut String) {
    page.push_str(&format!("<div><dt>{name}</dt> <dd>{value}</dd></div>\n"));
}

/// A ticket, as a link where it is an address of the web and nothing else.
fn link(ticket: &str) -> String {
    let shown = html(ticket);
    let is_plain =
        |character: char| character.is_ascii_alphanumeric() || "-._~/?#=&%:+,".contains(character);
    if ticket.starts_with("https://") && ticket.chars().all(is_plain) {
        format!("<a href=\"{shown}\" rel=\"noopener noreferrer nofollow\">{shown}</a>")
    } else {
        shown
    }
}

fn statement(text: &str) -> String {
    format!("<pre><code>{}</code></pre>", html(text))
}

/// A finding with its sign: colour is not the only one.
fn judged((is_good, text): (bool, String)) -> String {
    let (class, sign) = if is_good {
        ("good", "✓")
    } else {
        ("bad", "✗")
    };
    format!(
        "<p class=\"{class}\"><span aria-hidden=\"true\">{sign}</span> {}</p>",
        html(&text)
    )
}

fn evasion(exclusion: &ExclusionImpact, page: &mut String) {
    page.push_str(&format!(
        "<div><h4>Evasion</h4>{}",
        judged(attack(exclusion.attack.as_ref()))
    ));
    let evasions = exclusion
        .attack
        .as_ref()
        .map_or(&[][..], |attack| &attack.evasions);
    let draw = |one: &crate::rules::impact::report::Evasion| {
        format!(
            "<p class=\"small\">{}</p>{}",
            html(&one.does),
            statement(&one.statement)
        )
    };
    if let Some((first, rest)) = evasions.split_first() {
        page.push_str(&draw(first));
        if !rest.is_empty() {
            page.push_str(&format!(
                "<details><summary class=\"small\">{} more</summary>",
                rest.len()
            ));
            rest.iter().for_each(|one| page.push_str(&draw(one)));
            page.push_str("</details>");
        }
    }
    page.push_str("</div>\n");
}

fn tested(exclusion: &ExclusionImpact, page: &mut String) {
    page.push_str(&format!(
        "<div><h4>Tests</h4>{}",
        judged(tests(exclusion.tests.as_ref()))
    ));
    let survivors = exclusion
        .tests
        .as_ref()
        .map_or(&[][..], |tests| &tests.survivors);
    if !survivors.is_empty() {
        page.push_str("<p class=\"small soft\">Not noticed:</p><ul>");
        for survivor in survivors {
            page.push_str(&format!("<li>{}</li>", html(survivor)));
        }
        page.push_str("</ul>");
    }
    page.push_str("</div>\n");
}

fn effect(exclusion: &ExclusionImpact, page: &mut String) {
    if exclusion.change == Change::Removed {
        let text = html(&super::effect(exclusion));
        page.push_str(&format!(
            "<div><h4>Effect in the logs</h4><p>{text}</p></div>\n"
        ));
        return;
    }
    let is_over = exclusion
        .max_share
        .is_some_and(|most| exclusion.share > most);
    let used = match &exclusion.last_used {
        Some(time) => format!("last used {}", moment(time)),
        None => "unused in these logs".to_owned(),
    };
    let mut lines = vec![
        format!(
            "<b>{}</b> newly silent",
            count(exclusion.newly_silent, "record")
        ),
        format!(
            "silenced {} → {}, {}",
            number(exclusion.silenced_base),
            number(exclusion.silenced_head),
            count(exclusion.users, "user")
        ),
    ];
    let share = format!("{} of what people did", percent(exclusion.share));
    lines.push(match exclusion.max_share {
        Some(most) if is_over => format!(
            "<span class=\"bad\"><span aria-hidden=\"true\">✗</span> {share}, only {} allowed</span>",
            percent(most)
        ),
        Some(most) => format!("{share}, {} allowed", percent(most)),
        None => share,
    });
    lines.push(html(&used));
    page.push_str(&format!(
        "<div><h4>Effect in the logs</h4><p>{}</p></div>\n",
        lines.join("<br>")
    ));
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
            ("Reason", html(&account.reason)),
        ] {
            cell(label, "", &content, page);
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody>\n</table>\n</section>\n");
}

/// Names in their order, each with a number that stands for it in attributes.
fn numbered<'a>(names: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut numbers: BTreeMap<&str, usize> = names.map(|name| (name, 0)).collect();
    for (index, number) in numbers.values_mut().enumerate() {
        *number = index;
    }
    numbers
}

fn groups(report: &ImpactReport, page: &mut String) {
    page.push_str("<section aria-labelledby=\"records\">\n<h2 id=\"records\">Records that change sides</h2>\n");
    let both = || report.newly_silent.iter().chain(&report.newly_loud);
    if both().next().is_none() {
        page.push_str(&format!(
            "<p class=\"soft\">{}.</p>\n</section>\n",
            html(&effect_in_all(report))
        ));
        return;
    }
    let users = numbered(both().map(|group| group.user.as_str()));
    let by = numbered(both().flat_map(|group| &group.by).map(String::as_str));
    let options = |names: &BTreeMap<&str, usize>| -> String {
        names
            .iter()
            .map(|(name, number)| format!("<option value=\"{number}\">{}</option>", html(name)))
            .collect()
    };
    page.push_str(&format!(
        "<div class=\"filter\" role=\"search\" aria-label=\"Filter the records\" data-control hidden>\n\
         <label>Filter by any text <input type=\"search\" id=\"filter-text\" autocomplete=\"off\" spellcheck=\"false\"></label>\n\
         <label>Side <select id=\"filter-side\"><option value=\"\">both</option><option value=\"silent\">newly silent</option>\
         <option value=\"loud\">newly loud</option></select></label>\n\
         <label>User <select id=\"filter-user\"><option value=\"\">all</option>{}</select></label>\n\
         <label>Exclusion <select id=\"filter-by\"><option value=\"\">all</option>{}</select></label>\n\
         <button type=\"button\" id=\"filter-reset\">Reset</button>\n\
         <span id=\"shown\" class=\"soft small\" role=\"status\" aria-live=\"polite\"></span>\n</div>\n",
        options(&users),
        options(&by)
    ));
    page.push_str("<table class=\"groups stack\" id=\"groups\" role=\"table\">\n<thead role=\"rowgroup\"><tr role=\"row\">");
    for name in ["Side", "User", "Command", "Object"] {
        page.push_str(&head(name, ""));
    }
    page.push_str(&head("Records", " class=\"number\""));
    for name in ["Last seen", "Silenced by"] {
        page.push_str(&head(name, ""));
    }
    page.push_str("<th scope=\"col\" role=\"columnheader\">Examples</th></tr></thead>\n<tbody role=\"rowgroup\">\n");
    let cards: BTreeMap<&str, usize> = report
        .exclusions
        .iter()
        .enumerate()
        .map(|(index, exclusion)| (exclusion.id.as_str(), index))
        .collect();
    for (side, groups) in [
        ("silent", &report.newly_silent),
        ("loud", &report.newly_loud),
    ] {
        for group in grave_first(groups) {
            let user = users.get(group.user.as_str()).copied().unwrap_or_default();
            let numbers: Vec<String> = group
                .by
                .iter()
                .filter_map(|name| by.get(name.as_str()))
                .map(usize::to_string)
                .collect();
            row(group, side, user, &numbers.join(" "), &cards, page);
        }
    }
    page.push_str("</tbody>\n</table>\n<p class=\"small soft\">");
    page.push_str(&html(GRAVE));
    if report.groups_left_out > 0 {
        page.push_str(&format!(
            " · {} not listed",
            count(report.groups_left_out, "more group")
        ));
    }
    page.push_str("</p>\n</section>\n");
}

fn head(name: &str, attributes: &str) -> String {
    format!(
        "<th scope=\"col\" role=\"columnheader\"{attributes}><button type=\"button\">{name}</button></th>"
    )
}

/// A cell, with the name of its column for narrow screens.
fn cell(label: &str, attributes: &str, content: &str, page: &mut String) {
    page.push_str(&format!(
        "<td role=\"cell\" data-label=\"{label}\"{attributes}><span>{content}</span></td>"
    ));
}

fn row(
    group: &Group,
    side: &str,
    user: usize,
    by: &str,
    cards: &BTreeMap<&str, usize>,
    page: &mut String,
) {
    // What wakes is no alarm.
    let grave = if group.is_grave && side == "silent" {
        " class=\"grave\""
    } else {
        ""
    };
    page.push_str(&format!(
        "<tr role=\"row\"{grave} data-side=\"{side}\" data-user=\"{user}\" data-by=\"{by}\">"
    ));
    let mark = if group.is_grave {
        " <b title=\"touches what is protected, or writes\">(!)</b>"
    } else {
        ""
    };
    let sign = if side == "silent" { "▲" } else { "▼" };
    cell(
        "Side",
        "",
        &format!(
            "<span class=\"{side}-word\"><span aria-hidden=\"true\">{sign}</span> {side}</span>{mark}"
        ),
        page,
    );
    let code = |text: &str| {
        if text.is_empty() {
            "–".to_owned()
        } else {
            format!("<code>{}</code>", html(text))
        }
    };
    cell("User", "", &code(&group.user), page);
    cell("Command", "", &html(&command_of(group)), page);
    cell("Object", "", &code(&group.object), page);
    let value = format!(" class=\"number\" data-value=\"{}\"", group.records);
    cell("Records", &value, &number(group.records), page);
    let last = html(&moment(&group.last));
    let since = if group.first.is_empty() {
        String::new()
    } else {
        format!(
            "<br><span class=\"soft small\">since {}</span>",
            html(&moment(&group.first))
        )
    };
    cell(
        "Last seen",
        "",
        &if last.is_empty() {
            "–".to_owned()
        } else {
            format!("{last}{since}")
        },
        page,
    );
    let names: Vec<String> = group
        .by
        .iter()
        .map(|name| match cards.get(name.as_str()) {
            Some(index) => format!("<a href=\"#exclusion-{index}\">{}</a>", html(name)),
            None => html(name),
        })
        .collect();
    cell("Silenced by", "", &names.join("<br>"), page);
    let mut examples = String::new();
    for example in &group.examples {
        examples.push_str(&format!(
            "{}<p class=\"soft small\">{}:{}</p>",
            statement(&example.statement),
            html(&example.file),
            example.line
        ));
    }
    if !examples.is_empty() {
        let summary = count(length(&group.examples), "example");
        examples = format!("<details><summary>{summary}</summary>{examples}</details>");
    }
    cell("Examples", "", &examples, page);
    page.push_str("</tr>\n");
}

fn agreed(report: &ImpactReport, page: &mut String) {
    page.push_str(&format!(
        "<section aria-labelledby=\"approvals\">\n<h2 id=\"approvals\">Approvals</h2>\n<p>{}</p>\n<ul>\n",
        approvals_needed(report.approvals.required)
    ));
    for (what, list) in approvals(report) {
        page.push_str(&format!(
            "<li><span class=\"soft\">{what}:</span> {}</li>\n",
            html(&list.join(", "))
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
                "{}, query <code>{}</code>",
                html(&revision(&side.name, side.commit.as_ref())),
                html(&side.query_digest)
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
