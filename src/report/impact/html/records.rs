//! The table of records that change sides, with its filter.

use std::collections::BTreeMap;

use maud::{Markup, Render, html};

use super::super::{GRAVE, command_of, count, effect_in_all, grave_first, length, moment, number};
use super::exclusions::statement;
use crate::rules::impact::report::{Group, ImpactReport};

/// Names in their order, each with the number that attributes use for it.
fn numbered<'a>(names: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut numbers: BTreeMap<&str, usize> = names.map(|name| (name, 0)).collect();
    for (index, number) in numbers.values_mut().enumerate() {
        *number = index;
    }
    numbers
}

pub(super) fn groups(report: &ImpactReport) -> Markup {
    let is_empty = report.newly_silent.is_empty() && report.newly_loud.is_empty();
    html! {
        section aria-labelledby="records" {
            h2 id="records" { "Records that change sides" }
            @if is_empty { p.soft { (effect_in_all(report)) "." } } @else { (table(report)) }
        }
    }
}

/// The table with its filter and its legend.
fn table(report: &ImpactReport) -> Markup {
    let both = || report.newly_silent.iter().chain(&report.newly_loud);
    let users = numbered(both().map(|group| group.user.as_str()));
    let by = numbered(both().flat_map(|group| &group.by).map(String::as_str));
    let cards: BTreeMap<&str, usize> = report
        .exclusions
        .iter()
        .enumerate()
        .map(|(index, exclusion)| (exclusion.id.as_str(), index))
        .collect();
    let options = |names: &BTreeMap<&str, usize>| {
        html! { @for (name, number) in names { option value=(number) { (name) } } }
    };
    html! {
        div.filter role="search" aria-label="Filter the records" data-control hidden {
            label {
                "Filter by any text " input type="search" id="filter-text" autocomplete="off" spellcheck="false";
            }
            label {
                "Side " select id="filter-side" {
                    option value="" { "both" }
                    option value="silent" { "newly silent" }
                    option value="loud" { "newly loud" }
                }
            }
            label { "User " select id="filter-user" { option value="" { "all" } (options(&users)) } }
            label { "Exclusion " select id="filter-by" { option value="" { "all" } (options(&by)) } }
            button type="button" id="filter-reset" { "Reset" }
            span id="shown" class="soft small" role="status" aria-live="polite" {}
        }
        table class="groups stack" id="groups" role="table" {
            thead role="rowgroup" {
                tr role="row" {
                    @for name in ["Side", "User", "Command", "Object", "Records", "Last seen", "Silenced by"] {
                        th scope="col" role="columnheader" class=[(name == "Records").then_some("number")] {
                            button type="button" { (name) }
                        }
                    }
                    th scope="col" role="columnheader" { "Examples" }
                }
            }
            tbody role="rowgroup" {
                @for (side, groups) in [("silent", &report.newly_silent), ("loud", &report.newly_loud)] {
                    @for group in grave_first(groups) {
                        (row(group, side, &users, &by, &cards))
                    }
                }
            }
        }
        p class="small soft" {
            (GRAVE)
            @if report.groups_left_out > 0 {
                " · " (count(report.groups_left_out, "more group")) " not listed"
            }
        }
    }
}

/// A cell, with the name of its column for narrow screens.
pub(super) fn cell(label: &str, content: impl Render) -> Markup {
    html! { td role="cell" data-label=(label) { span { (content) } } }
}

fn row(
    group: &Group,
    side: &str,
    users: &BTreeMap<&str, usize>,
    by: &BTreeMap<&str, usize>,
    cards: &BTreeMap<&str, usize>,
) -> Markup {
    // A record that becomes loud is no reason for alarm.
    let grave = (group.is_grave && side == "silent").then_some("grave");
    let user = users.get(group.user.as_str()).copied().unwrap_or_default();
    let numbers: Vec<String> = group
        .by
        .iter()
        .filter_map(|name| by.get(name.as_str()))
        .map(usize::to_string)
        .collect();
    let sign = if side == "silent" { "▲" } else { "▼" };
    let code = |text: &str| html! { @if text.is_empty() { "–" } @else { code { (text) } } };
    html! {
        tr role="row" class=[grave] data-side=(side) data-user=(user) data-by=(numbers.join(" ")) {
            (cell("Side", html! {
                span class={ (side) "-word" } { span aria-hidden="true" { (sign) } " " (side) }
                @if group.is_grave { " " b title="touches protected data, or writes" { "(!)" } }
            }))
            (cell("User", code(&group.user)))
            (cell("Command", command_of(group)))
            (cell("Object", code(&group.object)))
            td role="cell" data-label="Records" class="number" data-value=(group.records) {
                span { (number(group.records)) }
            }
            (cell("Last seen", html! {
                @if group.last.is_empty() {
                    "–"
                } @else {
                    (moment(&group.last))
                    @if !group.first.is_empty() {
                        br; span class="soft small" { "since " (moment(&group.first)) }
                    }
                }
            }))
            (cell("Silenced by", html! {
                @for (index, name) in group.by.iter().enumerate() {
                    @if index > 0 { br; }
                    @match cards.get(name.as_str()) {
                        Some(card) => { a href={ "#exclusion-" (card) } { (name) } }
                        None => { (name) }
                    }
                }
            }))
            (cell("Examples", examples(group)))
        }
    }
}

fn examples(group: &Group) -> Markup {
    html! {
        @if !group.examples.is_empty() {
            details {
                summary { (count(length(&group.examples), "example")) }
                @for example in &group.examples {
                    (statement(&example.statement))
                    p class="soft small" {
                        (example.file)
                        @if example.line > 0 { ":" (example.line) }
                    }
                }
            }
        }
    }
}
