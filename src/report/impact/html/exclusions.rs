//! Exclusions as cards, each with everything that is known of it.

use maud::{Markup, html};

use super::super::{
    attack, count, is_changed, life, moment, number, others, percent, record, tests,
};
use super::{badge, sentence};
use crate::rules::impact::report::{Change, Evasion, ExclusionImpact, ImpactReport};

pub(super) fn changed(report: &ImpactReport) -> Markup {
    html! {
        section aria-labelledby="changed" {
            h2 id="changed" { "Changed exclusions" }
            @for (index, exclusion) in report.exclusions.iter().enumerate() {
                @if is_changed(exclusion) { (card(index, exclusion)) }
            }
            @if !report.exclusions.iter().any(is_changed) { p.soft { "None." } }
        }
    }
}

pub(super) fn unchanged(report: &ImpactReport) -> Markup {
    let others = others(report);
    html! {
        @if !others.is_empty() {
            section aria-labelledby="unchanged" {
                h2 id="unchanged" { "Unchanged exclusions" }
                div.plain {
                    details {
                        summary { (others.join(" · ")) }
                        @for (index, exclusion) in report.exclusions.iter().enumerate() {
                            @if !is_changed(exclusion) { (card(index, exclusion)) }
                        }
                    }
                }
            }
        }
    }
}

fn card(index: usize, exclusion: &ExclusionImpact) -> Markup {
    let life = life(exclusion);
    html! {
        article.card id={ "exclusion-" (index) } {
            header {
                h3 { code { (exclusion.id) } }
                span.badge { (exclusion.change.name()) }
                (badge(exclusion.direction))
            }
            p { (exclusion.title) }
            dl.facts {
                (fact("Owner", html! { (exclusion.owner) }))
                @if let Some(ticket) = &exclusion.ticket { (fact("Ticket", link(ticket))) }
                (fact("Last day", html! { (life.strip_prefix("last day ").unwrap_or("none")) }))
                @if let Some(person) = &exclusion.accepted_by {
                    (fact("Risk accepted by", html! { (person) }))
                }
                (fact("File", html! { code { (exclusion.file) ":" (exclusion.line) } }))
            }
            p { span.soft { "Reason:" } " " (sentence(&exclusion.reason)) }
            @if !exclusion.why.is_empty() {
                p { span.soft { "Why " (exclusion.direction.name()) ":" } " " (sentence(&exclusion.why)) }
            }
            div.findings {
                @if let Some(example) = &exclusion.counterexample {
                    div {
                        h4 { "A record that would be silent (made up)" }
                        p { code { (record(example)) } }
                        @if let Some(text) = &example.statement { (statement(text)) }
                    }
                }
                @if exclusion.change != Change::Removed {
                    (evasion(exclusion))
                    (tested(exclusion))
                }
                (effect(exclusion))
            }
        }
    }
}

fn fact(name: &str, value: Markup) -> Markup {
    html! { div { dt { (name) } " " dd { (value) } } }
}

/// A ticket, as a link where it is an address of the web and nothing else.
fn link(ticket: &str) -> Markup {
    let is_plain =
        |character: char| character.is_ascii_alphanumeric() || "-._~/?#=&%:+,".contains(character);
    html! {
        @if ticket.starts_with("https://") && ticket.chars().all(is_plain) {
            a href=(ticket) rel="noopener noreferrer nofollow" { (ticket) }
        } @else {
            (ticket)
        }
    }
}

pub(super) fn statement(text: &str) -> Markup {
    html! { pre { code { (text) } } }
}

/// A finding with its sign: colour is not the only one.
fn judged((is_good, text): (bool, String)) -> Markup {
    let (class, sign) = if is_good {
        ("good", "✓")
    } else {
        ("bad", "✗")
    };
    html! { p class=(class) { span aria-hidden="true" { (sign) } " " (text) } }
}

fn evasion(exclusion: &ExclusionImpact) -> Markup {
    let evasions = exclusion
        .attack
        .as_ref()
        .map_or(&[][..], |attack| &attack.evasions);
    let draw = |one: &Evasion| html! { p.small { (one.does) } (statement(&one.statement)) };
    html! {
        div {
            h4 { "Evasion" }
            (judged(attack(exclusion)))
            @if let Some((first, rest)) = evasions.split_first() {
                (draw(first))
                @if !rest.is_empty() {
                    details {
                        summary.small { (rest.len()) " more" }
                        @for one in rest { (draw(one)) }
                    }
                }
            }
        }
    }
}

fn tested(exclusion: &ExclusionImpact) -> Markup {
    let survivors = exclusion
        .tests
        .as_ref()
        .map_or(&[][..], |tests| &tests.survivors);
    html! {
        div {
            h4 { "Tests" }
            (judged(tests(exclusion.tests.as_ref())))
            @if !survivors.is_empty() {
                p class="small soft" { "Not caught:" }
                ul {
                    @for survivor in survivors { li { (sentence(survivor)) } }
                }
            }
        }
    }
}

fn effect(exclusion: &ExclusionImpact) -> Markup {
    let share = format!("{} of people's records", percent(exclusion.share));
    html! {
        div {
            h4 { "Effect in the logs" }
            p {
                @if exclusion.change == Change::Removed {
                    (sentence(&super::super::effect(exclusion)))
                } @else {
                    b { (count(exclusion.newly_silent, "record")) } " newly silent" br;
                    "silenced " (number(exclusion.silenced_base)) " → " (number(exclusion.silenced_head)) ", "
                    (count(exclusion.users, "user")) br;
                    @match exclusion.max_share {
                        Some(most) if exclusion.share > most => {
                            span.bad {
                                span aria-hidden="true" { "✗" } " " (share) ", over the limit of " (percent(most))
                            }
                        }
                        Some(most) => { (share) ", limit " (percent(most)) }
                        None => { (share) }
                    }
                    br;
                    @match &exclusion.last_used {
                        Some(time) => { "last used " (moment(time)) }
                        None => { "unused in these logs" }
                    }
                }
            }
        }
    }
}
