//! Counted and silenced records over time, drawn as bars.
//!
//! Loud and silent have a strip each, with a scale of its own: what is silenced is often a hundred times what counts,
//! and on one scale the latter would be invisible.

use jiff::Timestamp;

use super::super::{length, number};
use crate::report::escape::html;
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
pub(super) fn section(timeline: &Timeline, page: &mut String) {
    page.push_str("<section aria-labelledby=\"timeline\">\n<h2 id=\"timeline\">Timeline, after the change</h2>\n");
    if timeline.counted.is_empty() && timeline.silenced.is_empty() {
        page.push_str("<p class=\"soft\">The logs hold no record with a time.</p>\n</section>\n");
        return;
    }
    page.push_str("<fieldset data-control hidden><legend>Show</legend>");
    for (value, name, checked) in [
        ("all", "all records", " checked"),
        ("user", "by user", ""),
        ("exclusion", "by exclusion", ""),
    ] {
        page.push_str(&format!(
            "<label><input type=\"radio\" name=\"view\" value=\"{value}\"{checked}> {name}</label>"
        ));
    }
    page.push_str("</fieldset>\n<div data-view=\"all\">\n<figure>\n");
    let scale = Scale::new(timeline, BARS);
    strips(Some(&timeline.counted), &timeline.silenced, scale, page);
    page.push_str("</figure>\n");
    figures(timeline, scale, page);
    page.push_str("</div>\n");
    for (view, rows) in [
        ("user", &timeline.by_user),
        ("exclusion", &timeline.by_exclusion),
    ] {
        page.push_str(&format!("<div data-view=\"{view}\">\n"));
        multiples(rows, view == "user", Scale::new(timeline, SMALL_BARS), page);
        page.push_str("</div>\n");
    }
    page.push_str("</section>\n");
}

fn total(values: &[u64]) -> u64 {
    values
        .iter()
        .fold(0_u64, |sum, value| sum.saturating_add(*value))
}

/// A chart for each row that has a record, and a line about the others.
fn multiples(rows: &[Row], has_counted: bool, scale: Scale, page: &mut String) {
    let in_use: Vec<&Row> = rows
        .iter()
        .filter(|row| total(&row.counted) > 0 || total(&row.silenced) > 0)
        .collect();
    page.push_str("<div class=\"multiples\">\n");
    for row in in_use.iter().take(CHARTS) {
        page.push_str(&format!(
            "<figure class=\"multiple\"><figcaption><code>{}</code></figcaption>\n",
            html(&row.name)
        ));
        strips(
            has_counted.then_some(&row.counted),
            &row.silenced,
            scale,
            page,
        );
        page.push_str("</figure>\n");
    }
    page.push_str("</div>\n");
    let idle = rows.len() - in_use.len();
    if idle > 0 {
        page.push_str(&format!(
            "<p class=\"small soft\">{idle} without a record are not drawn.</p>\n"
        ));
    }
    if in_use.len() > CHARTS {
        let more = in_use.len() - CHARTS;
        page.push_str(&format!(
            "<p class=\"small soft\">{more} more are not drawn.</p>\n"
        ));
    }
}

/// The strips of a chart, one below the other on the same days.
fn strips(counted: Option<&Vec<u64>>, silenced: &[u64], scale: Scale, page: &mut String) {
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
    if let Some(counted) = &counted {
        strip("counted", "Counted", counted, &titles, scale, page);
    }
    strip("silenced", "Silenced", &silenced, &titles, scale, page);
    let day = |bar: usize| scale.time(bar).chars().take(10).collect::<String>();
    page.push_str(&format!(
        "<div class=\"days\" aria-hidden=\"true\"><span>{}</span>",
        day(0)
    ));
    if bars > 8 {
        page.push_str(&format!("<span>{}</span>", day(bars / 2)));
    }
    page.push_str(&format!(
        "<span>{}</span></div>\n",
        day(bars.saturating_sub(1))
    ));
}

fn strip(
    class: &str,
    name: &str,
    values: &[u64],
    titles: &[String],
    scale: Scale,
    page: &mut String,
) {
    let most = values.iter().copied().max().unwrap_or(0);
    let words = format!(
        "{} in all, at most {} per {}",
        number(total(values)),
        number(most),
        scale.long()
    );
    page.push_str(&format!(
        "<div class=\"strip {class}\"><p><b>{name}</b> <span class=\"soft\">{} in all<span class=\"most\">, at most {} per {}</span></span></p>\n\
         <div class=\"plot\"><div class=\"scale\" aria-hidden=\"true\"><span>{}</span><span>0</span></div>\n\
         <svg viewBox=\"0 0 {} 100\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{name}: {words}\">",
        number(total(values)),
        number(most),
        scale.long(),
        number(most),
        length(titles).max(1) * 10
    ));
    for (bar, title) in titles.iter().enumerate() {
        let value = values.get(bar).copied().unwrap_or(0);
        // What is not zero can be seen.
        let height = (u128::from(value) * 1_000).div_ceil(u128::from(most.max(1)));
        let height = if value > 0 { height.max(15) } else { 0 };
        page.push_str(&format!(
            "<g><title>{title}</title><rect class=\"hit\" x=\"{}\" y=\"0\" width=\"10\" height=\"100\"/>",
            bar * 10
        ));
        if height > 0 {
            let top = 1_000 - height;
            page.push_str(&format!(
                "<rect class=\"bar\" x=\"{}\" y=\"{}.{}\" width=\"8\" height=\"{}.{}\"/>",
                bar * 10 + 1,
                top / 10,
                top % 10,
                height / 10,
                height % 10
            ));
        }
        page.push_str("</g>");
    }
    page.push_str("</svg></div></div>\n");
}

/// The same for those who do not see the bars.
fn figures(timeline: &Timeline, scale: Scale, page: &mut String) {
    let counted = scale.sums(&timeline.counted);
    let silenced = scale.sums(&timeline.silenced);
    page.push_str(
        "<details><summary class=\"small\">The figures as a table</summary>\n\
         <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Figures of the timeline\">\n<table>\n<thead><tr>\
         <th scope=\"col\">From (UTC)</th><th scope=\"col\" class=\"number\">Counted</th>\
         <th scope=\"col\" class=\"number\">Silenced</th></tr></thead>\n<tbody>\n",
    );
    for bar in 0..counted.len().max(silenced.len()) {
        let at = |values: &[u64]| number(values.get(bar).copied().unwrap_or(0));
        page.push_str(&format!(
            "<tr><th scope=\"row\">{}</th><td class=\"number\">{}</td><td class=\"number\">{}</td></tr>\n",
            scale.time(bar),
            at(&counted),
            at(&silenced)
        ));
    }
    page.push_str("</tbody>\n</table>\n</div>\n</details>\n");
}
