//! Counted and silenced records over time, drawn as bars.
//!
//! Loud and silent have a strip each, with a scale of its own: what is silenced is often a hundred times what counts,
//! and on one scale the latter would be invisible.

use jiff::Timestamp;
use maud::{Markup, html};

use super::super::{length, number};
use crate::rules::impact::report::{Row, Timeline};

/// Bars of the large chart and of a small one; more steps are summed.
const BARS: usize = 168;
const SMALL_BARS: usize = 60;

/// Small charts of a kind.
const CHARTS: usize = 48;

/// Steps that are drawn as one bar.
#[derive(Clone, Copy)]
struct Scale {
    start: i64,
    /// Seconds of a bar.
    bar: i64,
    /// Steps of a bar.
    steps: usize,
}

impl Scale {
    fn new(timeline: &Timeline, bars: usize) -> Self {
        let steps = timeline
            .counted
            .len()
            .max(timeline.silenced.len())
            .div_ceil(bars)
            .max(1);
        let step = i64::try_from(timeline.step_seconds).unwrap_or(3_600);
        Self {
            start: timeline.start,
            bar: step.saturating_mul(i64::try_from(steps).unwrap_or(1)),
            steps,
        }
    }

    fn sums(self, values: &[u64]) -> Vec<u64> {
        values
            .chunks(self.steps)
            .map(|chunk| {
                chunk
                    .iter()
                    .fold(0_u64, |sum, value| sum.saturating_add(*value))
            })
            .collect()
    }

    /// When a bar begins.
    fn time(self, bar: usize) -> String {
        let seconds = self.start.saturating_add(
            self.bar
                .saturating_mul(i64::try_from(bar).unwrap_or(i64::MAX)),
        );
        Timestamp::from_second(seconds).map_or_else(
            |_| seconds.to_string(),
            |time| time.strftime("%Y-%m-%d %H:%M").to_string(),
        )
    }

    fn long(self) -> String {
        let hours = self.bar / 3_600;
        match hours {
            1 => "hour".to_owned(),
            24 => "day".to_owned(),
            _ if hours % 24 == 0 => format!("{} days", hours / 24),
            _ => format!("{hours} hours"),
        }
    }
}

/// The section of the page.
pub(super) fn section(timeline: &Timeline) -> Markup {
    let is_empty = timeline.counted.is_empty() && timeline.silenced.is_empty();
    html! {
        section aria-labelledby="timeline" {
            h2 id="timeline" { "Timeline, after the change" }
            @if is_empty {
                p.soft { "The logs hold no record with a time." }
            } @else {
                (views(timeline))
            }
        }
    }
}

/// The charts, and what chooses between them.
fn views(timeline: &Timeline) -> Markup {
    let scale = Scale::new(timeline, BARS);
    let small = Scale::new(timeline, SMALL_BARS);
    html! {
        fieldset data-control hidden {
            legend { "Show" }
            @for (value, name) in [("all", "all records"), ("user", "by user"), ("exclusion", "by exclusion")] {
                label { input type="radio" name="view" value=(value) checked[value == "all"]; " " (name) }
            }
        }
        div data-view="all" {
            figure { (strips(Some(&timeline.counted), &timeline.silenced, scale)) }
            (figures(timeline, scale))
        }
        div data-view="user" { (multiples(&timeline.by_user, true, small)) }
        div data-view="exclusion" { (multiples(&timeline.by_exclusion, false, small)) }
    }
}

fn total(values: &[u64]) -> u64 {
    values
        .iter()
        .fold(0_u64, |sum, value| sum.saturating_add(*value))
}

/// A chart for each row that has a record, and a line about the others.
fn multiples(rows: &[Row], has_counted: bool, scale: Scale) -> Markup {
    let in_use: Vec<&Row> = rows
        .iter()
        .filter(|row| total(&row.counted) > 0 || total(&row.silenced) > 0)
        .collect();
    let idle = rows.len() - in_use.len();
    let more = in_use.len().saturating_sub(CHARTS);
    html! {
        div.multiples {
            @for row in in_use.iter().take(CHARTS) {
                figure.multiple {
                    figcaption { code { (row.name) } }
                    (strips(has_counted.then_some(&row.counted), &row.silenced, scale))
                }
            }
        }
        @if idle > 0 { p class="small soft" { (idle) " without a record are not drawn." } }
        @if more > 0 { p class="small soft" { (more) " more are not drawn." } }
    }
}

/// The strips of a chart, one below the other on the same days.
fn strips(counted: Option<&Vec<u64>>, silenced: &[u64], scale: Scale) -> Markup {
    let counted = counted.map(|values| scale.sums(values));
    let silenced = scale.sums(silenced);
    let at = |values: &[u64], bar: usize| values.get(bar).copied().unwrap_or(0);
    let bars = counted.as_ref().map_or(0, Vec::len).max(silenced.len());
    let titles: Vec<String> = (0..bars)
        .map(|bar| {
            let loud = counted
                .as_ref()
                .map(|values| format!("{} counted, ", number(at(values, bar))))
                .unwrap_or_default();
            format!(
                "{} UTC: {loud}{} silenced",
                scale.time(bar),
                number(at(&silenced, bar))
            )
        })
        .collect();
    let day = |bar: usize| scale.time(bar).chars().take(10).collect::<String>();
    html! {
        @if let Some(counted) = &counted { (strip("Counted", counted, &titles, scale)) }
        (strip("Silenced", &silenced, &titles, scale))
        div.days aria-hidden="true" {
            span { (day(0)) }
            @if bars > 8 { span { (day(bars / 2)) } }
            span { (day(bars.saturating_sub(1))) }
        }
    }
}

fn strip(name: &str, values: &[u64], titles: &[String], scale: Scale) -> Markup {
    let most = values.iter().copied().max().unwrap_or(0);
    let sum = format!("{} in all", number(total(values)));
    let highest = format!(", at most {} per {}", number(most), scale.long());
    let width = length(titles).max(1) * 10;
    html! {
        div class={ "strip " (name.to_lowercase()) } {
            p { b { (name) } " " span.soft { (sum) span.most { (highest) } } }
            div.plot {
                div.scale aria-hidden="true" { span { (number(most)) } span { "0" } }
                svg viewBox={ "0 0 " (width) " 100" } preserveAspectRatio="none" role="img"
                    aria-label={ (name) ": " (sum) (highest) } {
                    @for (index, title) in titles.iter().enumerate() {
                        g {
                            title { (title) }
                            (bar(index, values.get(index).copied().unwrap_or(0), most))
                        }
                    }
                }
            }
        }
    }
}

/// A bar with the ground that answers to the pointer. `rect` needs its end tag: HTML would put what follows into it.
fn bar(index: usize, value: u64, most: u64) -> Markup {
    let left = index * 10;
    // What is not zero can be seen.
    let height = (u128::from(value) * 1_000).div_ceil(u128::from(most.max(1)));
    let height = if value > 0 { height.max(15) } else { 0 };
    let top = 1_000 - height;
    html! {
        rect.hit x=(left) y="0" width="10" height="100" {}
        @if height > 0 {
            rect.bar x=(left + 1) y={ (top / 10) "." (top % 10) } width="8"
                height={ (height / 10) "." (height % 10) } {}
        }
    }
}

/// The same for those who do not see the bars.
fn figures(timeline: &Timeline, scale: Scale) -> Markup {
    let counted = scale.sums(&timeline.counted);
    let silenced = scale.sums(&timeline.silenced);
    let at = |values: &[u64], bar: usize| number(values.get(bar).copied().unwrap_or(0));
    html! {
        details {
            summary.small { "The figures as a table" }
            div.scroll tabindex="0" role="region" aria-label="Figures of the timeline" {
                table {
                    thead {
                        tr {
                            th scope="col" { "From (UTC)" }
                            th scope="col" class="number" { "Counted" }
                            th scope="col" class="number" { "Silenced" }
                        }
                    }
                    tbody {
                        @for bar in 0..counted.len().max(silenced.len()) {
                            tr {
                                th scope="row" { (scale.time(bar)) }
                                td.number { (at(&counted, bar)) }
                                td.number { (at(&silenced, bar)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
