//! The table of records that change sides, with its filter.

use std::collections::BTreeMap;

use super::super::{GRAVE, command_of, count, effect_in_all, grave_first, length, moment, number};
use super::exclusions::statement;
use crate::report::escape::html;
use crate::rules::impact::report::{Group, ImpactReport};

/// Names in their order, each with the number that attributes use for it.
fn numbered<'a>(names: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut numbers: BTreeMap<&str, usize> = names.map(|name| (name, 0)).collect();
    for (index, number) in numbers.values_mut().enumerate() {
        *number = index;
    }
    numbers
}

pub(super) fn groups(report: &ImpactReport, page: &mut String) {
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
pub(super) fn cell(label: &str, attributes: &str, content: &str, page: &mut String) {
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
    // A record that becomes loud is no reason for alarm.
    let grave = if group.is_grave && side == "silent" {
        " class=\"grave\""
    } else {
        ""
    };
    page.push_str(&format!(
        "<tr role=\"row\"{grave} data-side=\"{side}\" data-user=\"{user}\" data-by=\"{by}\">"
    ));
    let mark = if group.is_grave {
        " <b title=\"touches protected data, or writes\">(!)</b>"
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
        let line = match example.line {
            0 => String::new(),
            line => format!(":{line}"),
        };
        examples.push_str(&format!(
            "{}<p class=\"soft small\">{}{line}</p>",
            statement(&example.statement),
            html(&example.file)
        ));
    }
    if !examples.is_empty() {
        let summary = count(length(&group.examples), "example");
        examples = format!("<details><summary>{summary}</summary>{examples}</details>");
    }
    cell("Examples", "", &examples, page);
    page.push_str("</tr>\n");
}
