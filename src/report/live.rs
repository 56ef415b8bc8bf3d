//! A live comparison: what it will cost, and what two queries found in Logs Insights.

use serde_json::{Value, json};

use super::visible;
use crate::rules::direction::DirectionReport;
use crate::rules::hearing::{Hearing, together};
use crate::rules::live::{Answer, Estimate, GroupChange, newly};

/// Groups that people are shown, of each kind.
const SHOWN: usize = 40;

/// What is said before the first query is started.
pub fn estimate(estimate: &Estimate, region: &str) -> String {
    let gigabytes = |bytes: u64| format!("{:.1} GB", bytes as f64 / 1e9);
    let mut text = format!(
        "{} queries in {} will read about {} of {} log groups\n\
         estimated cost: {:.2} USD, or {:.2} USD if AWS tells the compressed size; prices of us-east-1, other regions differ\n",
        estimate.queries,
        visible(region),
        gigabytes(estimate.bytes),
        estimate.groups.len(),
        estimate.usd,
        estimate.usd_if_compressed
    );
    let unknown: Vec<String> = estimate.unknown().map(visible).collect();
    if !unknown.is_empty() {
        text.push_str(&format!(
            "not in the estimate, since their size is not known: {}\n",
            unknown.join(", ")
        ));
    }
    text
}

/// What was compared.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// The environment.
    pub env: &'a str,
    /// What base found.
    pub base: &'a Answer,
    /// What head found.
    pub head: &'a Answer,
    /// Which way the change goes.
    pub direction: &'a DirectionReport,
    /// What is heard more or less beside what exclusions silence.
    pub hearing: &'a Hearing,
}

/// For people.
pub fn human(found: &Found<'_>) -> String {
    let changes = newly(&found.base.groups, &found.head.groups);
    let read = found.base.statistics.plus(found.head.statistics);
    let mut text = format!(
        "{}: what the change silences is {}; {:.1} GB read\n",
        visible(found.env),
        together(found.direction.overall, found.hearing.direction).name(),
        read.bytes_scanned as f64 / 1e9
    );
    for change in &found.hearing.changes {
        text.push_str(&format!(
            "  {}: {}\n",
            change.direction.name(),
            visible(&change.sentence)
        ));
    }
    for (title, is_silent) in [("newly silent", true), ("newly loud", false)] {
        let mut rows: Vec<&GroupChange> = changes
            .iter()
            .filter(|change| change.is_newly_silent() == is_silent)
            .collect();
        rows.sort_by_key(|change| {
            std::cmp::Reverse(change.base.records.abs_diff(change.head.records))
        });
        let records: u64 = rows
            .iter()
            .map(|change| change.base.records.abs_diff(change.head.records))
            .sum();
        text.push_str(&format!("\n{title}: {records} records\n"));
        for change in rows.iter().take(SHOWN) {
            let group = &change.group;
            let cell = |value: &str| visible(value).replace('\n', "\\n");
            text.push_str(&format!(
                "{:>10}  {}  {}  {},{}  {}\n",
                change.base.records.abs_diff(change.head.records),
                cell(&group.user),
                cell(&group.database),
                cell(&group.class),
                cell(&group.command),
                cell(&group.object)
            ));
        }
        if rows.len() > SHOWN {
            text.push_str(&format!(
                "{:>10}  and {} more groups\n",
                "…",
                rows.len() - SHOWN
            ));
        }
    }
    text
}

/// For programs.
pub fn json(found: &Found<'_>) -> String {
    let groups: Vec<Value> = newly(&found.base.groups, &found.head.groups)
        .iter()
        .map(|change| {
            let group = &change.group;
            json!({
                "user": group.user,
                "database": group.database,
                "class": group.class,
                "command": group.command,
                "object": group.object,
                "records_base": change.base.records,
                "records_head": change.head.records,
                "newly": if change.is_newly_silent() { "silent" } else { "loud" },
            })
        })
        .collect();
    let read = found.base.statistics.plus(found.head.statistics);
    let document = json!({
        "format_version": 1,
        "env": found.env,
        "direction": together(found.direction.overall, found.hearing.direction).name(),
        "hearing": found.hearing,
        "bytes_scanned": read.bytes_scanned,
        "groups": groups,
    });
    format!("{document:#}\n")
}
