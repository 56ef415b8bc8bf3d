//! Plans and drift of many environments: each by itself, then one table of all.

use serde_json::{Value, json};

use super::human::{self, Paint, Style};
use super::json::{drift_value, plan_value, text};
use super::{markdown, summary};
use crate::deploy::drift::DriftReport;
use crate::deploy::plan::{FORMAT_VERSION, Plan};
use crate::deploy::port::Identity;
use crate::report::escape::{code, terminal};
use crate::report::table::lines;

#[derive(Debug, Clone, PartialEq)]
pub struct Entry<T> {
    pub identity: Identity,
    /// How long it took.
    pub milliseconds: u64,
    /// What it came to.
    pub result: T,
}

impl<T> Entry<T> {
    /// The same environment with another result.
    pub fn map<Other>(self, change: impl FnOnce(T) -> Other) -> Entry<Other> {
        Entry {
            identity: self.identity,
            milliseconds: self.milliseconds,
            result: change(self.result),
        }
    }
}

/// A result, or the reason why it is missing.
type Outcomes<T> = [Entry<Result<T, String>>];

pub fn human_plans(entries: &Outcomes<Plan>, style: Style) -> String {
    humans(
        entries,
        style,
        |plan| human::render_plan(plan, style),
        plan_cells,
    )
}

pub fn human_drifts(entries: &Outcomes<DriftReport>, style: Style) -> String {
    humans(
        entries,
        style,
        |report| human::render_drift(report, style),
        drift_cells,
    )
}

pub fn json_plans(entries: &Outcomes<Plan>) -> String {
    jsons(entries, "plan", plan_value)
}

pub fn json_drifts(entries: &Outcomes<DriftReport>) -> String {
    jsons(entries, "drift", drift_value)
}

/// For a pull request: the table first, then the plans. Each is cut to its share of `limit` bytes, and says so.
pub fn markdown_plans(entries: &Outcomes<Plan>, limit: usize) -> String {
    let mut page = String::from("### Plans\n\n");
    for (index, row) in rows(entries, plan_cells).iter().enumerate() {
        let cells: Vec<String> = row
            .iter()
            .map(|cell| {
                if index == 0 {
                    cell.clone()
                } else {
                    code(&cell.replace('|', "¦"))
                }
            })
            .collect();
        page.push_str(&format!("| {} |\n", cells.join(" | ")));
        if index == 0 {
            page.push_str("| --- | --- | --- | --- | --- | --- |\n");
        }
    }
    let plans: Vec<&Plan> = entries
        .iter()
        .filter_map(|entry| entry.result.as_ref().ok())
        .filter(|plan| !plan.is_empty() || !plan.unread.is_empty() || !plan.drift.is_empty())
        .collect();
    let share = limit.saturating_sub(page.len()) / plans.len().max(1);
    for plan in plans {
        let drawn = markdown::render_plan(plan, share.saturating_sub(1));
        if page.len() + drawn.len() < limit {
            page.push('\n');
            page.push_str(&drawn);
        }
    }
    page
}

fn humans<T>(
    entries: &Outcomes<T>,
    style: Style,
    draw: impl Fn(&T) -> String,
    cells: fn(&T) -> (String, String),
) -> String {
    let mut page = String::new();
    for entry in entries {
        match &entry.result {
            Ok(result) => page.push_str(&draw(result)),
            Err(error) => page.push_str(&format!(
                "{}\n\n  {} {}\n",
                style.paint(Paint::Bold, &terminal(&entry.identity.environment)),
                style.paint(Paint::Red, "!"),
                terminal(error)
            )),
        }
        page.push('\n');
    }
    page.push_str(&table(&rows(entries, cells), style));
    page
}

/// The cells of the table, with its head.
fn rows<T>(entries: &Outcomes<T>, cells: fn(&T) -> (String, String)) -> Vec<[String; 6]> {
    let head = [
        "environment",
        "account",
        "region",
        "verdict",
        "changes",
        "time",
    ];
    let mut rows = vec![head.map(str::to_owned)];
    for entry in entries {
        let (verdict, changes) = match &entry.result {
            Ok(result) => cells(result),
            Err(error) => ("failed".to_owned(), first_line(error)),
        };
        rows.push([
            entry.identity.environment.clone(),
            entry.identity.account.clone(),
            entry.identity.region.clone(),
            verdict,
            changes,
            format!(
                "{}.{:03} s",
                entry.milliseconds / 1000,
                entry.milliseconds % 1000
            ),
        ]);
    }
    rows
}

fn plan_cells(plan: &Plan) -> (String, String) {
    let verdict = plan.outcome().map_or("not read", |outcome| outcome.name());
    (verdict.to_owned(), summary(&plan.counts()))
}

fn drift_cells(report: &DriftReport) -> (String, String) {
    let verdict = report.outcome.map_or("not read", |outcome| outcome.name());
    let changes = match (report.drift.len(), report.unread.len()) {
        (0, 0) => "nothing drifted".to_owned(),
        (drifted, 0) => format!("{drifted} drifted"),
        (drifted, unread) => format!("{drifted} drifted; {unread} not read"),
    };
    (verdict.to_owned(), changes)
}

/// Enough of an error for a table.
fn first_line(error: &str) -> String {
    let line = error.lines().next().unwrap_or_default();
    match line.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or(line)),
        None => line.to_owned(),
    }
}

fn table(rows: &[[String; 6]], style: Style) -> String {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| terminal(cell)).collect())
        .collect();
    let mut drawn = String::new();
    for (index, line) in lines(&rows, style.width).iter().enumerate() {
        drawn.push_str(&if index == 0 {
            style.paint(Paint::Bold, line)
        } else {
            line.to_owned()
        });
        drawn.push('\n');
    }
    drawn
}

fn jsons<T>(entries: &Outcomes<T>, key: &str, value: fn(&T) -> Value) -> String {
    let environments: Vec<Value> = entries
        .iter()
        .map(|entry| {
            let (key, value) = match &entry.result {
                Ok(result) => (key, value(result)),
                Err(error) => ("error", error.as_str().into()),
            };
            json!({
                "environment": entry.identity.environment,
                "account": entry.identity.account,
                "region": entry.identity.region,
                "milliseconds": entry.milliseconds,
                key: value,
            })
        })
        .collect();
    text(&json!({ "format_version": FORMAT_VERSION, "environments": environments }))
}
