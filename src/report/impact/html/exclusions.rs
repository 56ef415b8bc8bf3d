//! Exclusions as cards, each with everything that is known of it.

use super::super::{attack, count, is_changed, life, moment, number, percent, record, tests};
use super::badge;
use crate::report::escape::{html, html_sentence};
use crate::rules::impact::report::{Change, Evasion, ExclusionImpact, ImpactReport};

pub(super) fn changed(report: &ImpactReport, page: &mut String) {
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

pub(super) fn unchanged(report: &ImpactReport, page: &mut String) {
    let others = super::super::others(report);
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
        html_sentence(&exclusion.reason)
    ));
    if !exclusion.why.is_empty() {
        page.push_str(&format!(
            "<p><span class=\"soft\">Why {}:</span> {}</p>\n",
            exclusion.direction.name(),
            html_sentence(&exclusion.why)
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
            "<div><h4>A record that would be silent (made up)</h4><p><code>{}</code></p>{statement}</div>\n",
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

pub(super) fn statement(text: &str) -> String {
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
        judged(attack(exclusion))
    ));
    let evasions = exclusion
        .attack
        .as_ref()
        .map_or(&[][..], |attack| &attack.evasions);
    let draw = |one: &Evasion| {
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
        page.push_str("<p class=\"small soft\">Not caught:</p><ul>");
        for survivor in survivors {
            page.push_str(&format!("<li>{}</li>", html_sentence(survivor)));
        }
        page.push_str("</ul>");
    }
    page.push_str("</div>\n");
}

fn effect(exclusion: &ExclusionImpact, page: &mut String) {
    if exclusion.change == Change::Removed {
        let text = html_sentence(&super::super::effect(exclusion));
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
    let share = format!("{} of people's records", percent(exclusion.share));
    lines.push(match exclusion.max_share {
        Some(most) if is_over => format!(
            "<span class=\"bad\"><span aria-hidden=\"true\">✗</span> {share}, over the limit of {}</span>",
            percent(most)
        ),
        Some(most) => format!("{share}, limit {}", percent(most)),
        None => share,
    });
    lines.push(html(&used));
    page.push_str(&format!(
        "<div><h4>Effect in the logs</h4><p>{}</p></div>\n",
        lines.join("<br>")
    ));
}
