//! The impact of a change for a terminal.

use unicode_width::UnicodeWidthStr;

use super::{
    GRAVE, HEARING, approvals, attack, command, command_of, count, digest, effect, grave_first,
    headline, hearing, is_changed, length, life, moment, number, one_line, others, reading, record,
    revision, signals_off, tests, unread, verdict,
};
use crate::report::escape::{lines, terminal, without_commands};
use crate::report::plan::human::Paint;
pub use crate::report::plan::human::Style;
use crate::report::table::column;
use crate::rules::impact::report::{
    Change, Direction, ExclusionImpact, Group, Hears, ImpactReport, Revision,
};

/// Rows of a table and lines of a statement that are drawn; the page and the JSON hold all of it.
const ROWS: usize = 40;
const LINES: usize = 12;

/// Columns before a labelled text.
const LABEL: usize = 15;

/// The verdict, then faults, what changed, what falls silent and what becomes loud.
pub fn render(report: &ImpactReport, style: Style) -> String {
    let mut page = Page {
        text: String::new(),
        style,
    };
    page.heading(report);
    page.faults(report);
    page.hearing(report);
    for exclusion in report.exclusions.iter().filter(|one| is_changed(one)) {
        page.exclusion(exclusion);
    }
    page.accounts(report);
    page.signals_off(report);
    page.groups(
        "Newly silent",
        report.totals.newly_silent,
        &report.newly_silent,
    );
    page.groups("Newly loud", report.totals.newly_loud, &report.newly_loud);
    if report.groups_left_out > 0 {
        page.line(
            0,
            &format!(
                "{} not listed.",
                count(report.groups_left_out, "more group")
            ),
        );
    }
    page.end(report);
    without_commands(&page.text)
}

struct Page {
    text: String,
    style: Style,
}

impl Page {
    fn gap(&mut self) {
        self.text.push('\n');
    }

    fn title(&mut self, title: &str) {
        self.gap();
        let title = self.style.fit(title, 0);
        self.text.push_str(&self.style.paint(Paint::Bold, &title));
        self.gap();
    }

    /// A text of any length, broken between words.
    fn line(&mut self, indent: usize, text: &str) {
        self.labelled(indent, "", text, None);
    }

    fn labelled(&mut self, indent: usize, label: &str, text: &str, paint: Option<Paint>) {
        let start = if label.is_empty() { indent } else { LABEL };
        let room = self.style.width.saturating_sub(start).max(20);
        for (index, line) in wrap(&terminal(text), room).iter().enumerate() {
            let before = if index == 0 && !label.is_empty() {
                let label = format!("{label:<width$}", width = LABEL.saturating_sub(indent));
                format!(
                    "{}{}",
                    " ".repeat(indent),
                    self.style.paint(Paint::Dim, &label)
                )
            } else {
                " ".repeat(start)
            };
            let line = match paint {
                Some(paint) => self.style.paint(paint, line),
                None => line.clone(),
            };
            self.text.push_str(&format!("{before}{line}\n"));
        }
    }

    /// A statement, each line after a bar, so that no line can be mistaken for one of the report.
    fn statement(&mut self, statement: &str) {
        let shown: Vec<String> = lines(statement).collect();
        for line in shown.iter().take(LINES) {
            let line = self.style.fit(line, LABEL + 2);
            self.text
                .push_str(&format!("{}| {line}\n", " ".repeat(LABEL)));
        }
        if shown.len() > LINES {
            self.line(LABEL, &format!("| … {} more lines", shown.len() - LINES));
        }
    }

    fn heading(&mut self, report: &ImpactReport) {
        let style = self.style;
        let verdict = verdict(report.direction);
        let env = style.fit(&report.env, 26 + verdict.width());
        self.text.push_str(&format!(
            "{} · {env}  {}\n",
            style.paint(Paint::Bold, "Exclusion review"),
            style.paint(colour(report.direction), &verdict)
        ));
        self.line(0, &headline(report).join(" · "));
        if let Some(unread) = unread(&report.logs) {
            self.labelled(0, "", &format!("caution: {unread}"), Some(Paint::Yellow));
        }
    }

    fn faults(&mut self, report: &ImpactReport) {
        if report.faults.is_empty() {
            return;
        }
        self.gap();
        let title = format!(
            "This change must not be merged: {}",
            count(length(&report.faults), "fault")
        );
        self.text.push_str(&self.style.paint(Paint::Red, &title));
        self.gap();
        for fault in &report.faults {
            let at = fault
                .exclusion
                .as_ref()
                .map(|id| format!("  {id}"))
                .unwrap_or_default();
            let head = self.style.fit(&format!("{}{at}", fault.code), 4);
            self.text
                .push_str(&format!("  {} {head}\n", self.style.paint(Paint::Red, "x")));
            self.line(4, &fault.message);
            if !fault.help.is_empty() {
                self.labelled(4, "help", &fault.help, None);
            }
        }
    }

    fn hearing(&mut self, report: &ImpactReport) {
        let changes = hearing(report);
        if changes.is_empty() {
            return;
        }
        self.title(HEARING);
        for (direction, sentence) in changes {
            let paint = match direction {
                Hears::Less => Paint::Red,
                Hears::NotComparable => Paint::Yellow,
                Hears::More | Hears::Same => Paint::Green,
            };
            let label = match direction {
                Hears::NotComparable => "other",
                known => known.name(),
            };
            self.labelled(2, label, &sentence, Some(paint));
        }
    }

    fn exclusion(&mut self, exclusion: &ExclusionImpact) {
        let style = self.style;
        let (sign, paint) = match exclusion.change {
            Change::Added => ("+", Paint::Green),
            Change::Removed => ("-", Paint::Red),
            Change::Changed => ("~", Paint::Yellow),
            Change::Unchanged => (" ", Paint::Dim),
        };
        let what = if exclusion.direction.may_silence_more() {
            verdict(exclusion.direction)
        } else {
            exclusion.direction.name().to_owned()
        };
        let change = exclusion.change.name();
        let id = style.fit(&exclusion.id, 6 + change.len() + what.len());
        self.text.push_str(&format!(
            "\n{} {}  {change}, {}\n",
            style.paint(paint, sign),
            style.paint(Paint::Bold, &id),
            style.paint(colour(exclusion.direction), &what)
        ));
        self.line(2, &exclusion.title);
        let mut facts = vec![exclusion.owner.clone()];
        if let Some(ticket) = &exclusion.ticket {
            facts.push(format!("ticket {ticket}"));
        }
        facts.push(life(exclusion));
        self.labelled(2, "owner", &facts.join(" · "), None);
        self.labelled(
            2,
            "file",
            &format!("{}:{}", exclusion.file, exclusion.line),
            None,
        );
        self.labelled(2, "reason", &exclusion.reason, None);
        if let Some(person) = &exclusion.accepted_by {
            self.labelled(
                2,
                "risk",
                &format!("accepted by {person}"),
                Some(Paint::Yellow),
            );
        }
        if !exclusion.why.is_empty() {
            self.labelled(2, exclusion.direction.name(), &exclusion.why, None);
        }
        if let Some(example) = &exclusion.counterexample {
            self.labelled(
                2,
                "made up",
                &format!("{} would be silent", record(example)),
                None,
            );
            if let Some(statement) = &example.statement {
                self.statement(statement);
            }
        }
        if exclusion.change != Change::Removed {
            self.judged("evasion", attack(exclusion));
            for evasion in exclusion
                .attack
                .iter()
                .flat_map(|attack| &attack.evasions)
                .take(3)
            {
                self.line(LABEL, &evasion.does);
                self.statement(&evasion.statement);
            }
            self.judged("tests", tests(exclusion.tests.as_ref()));
            for survivor in exclusion
                .tests
                .iter()
                .flat_map(|tests| &tests.survivors)
                .take(5)
            {
                self.line(LABEL, &format!("not caught: {survivor}"));
            }
        }
        self.labelled(2, "effect", &effect(exclusion), None);
    }

    fn judged(&mut self, label: &str, (is_good, text): (bool, String)) {
        let paint = if is_good { Paint::Green } else { Paint::Red };
        self.labelled(2, label, &text, Some(paint));
    }

    fn accounts(&mut self, report: &ImpactReport) {
        let changed: Vec<_> = report
            .accounts
            .iter()
            .filter(|account| account.change != Change::Unchanged)
            .collect();
        if changed.is_empty() {
            return;
        }
        self.title("Service accounts, which are not audited");
        for account in changed {
            let kind = if account.is_pattern { " (pattern)" } else { "" };
            self.line(
                2,
                &format!(
                    "{} {}{kind} · owner {} · {}",
                    account.change.name(),
                    account.role,
                    account.owner,
                    account.reason
                ),
            );
        }
    }

    fn signals_off(&mut self, report: &ImpactReport) {
        if let Some(what) = signals_off(report) {
            self.title("Switched off");
            self.line(2, &what);
        }
    }

    fn groups(&mut self, title: &str, records: u64, groups: &[Group]) {
        if groups.is_empty() {
            return;
        }
        self.title(&format!("{title}: {}", count(records, "record")));
        let rows = grave_first(groups);
        let shown = rows.get(..ROWS.min(rows.len())).unwrap_or_default();
        let head = ["user", "command", "object", "records", "last seen"].map(str::to_owned);
        let cells: Vec<[String; 5]> = shown
            .iter()
            .map(|group| {
                [
                    terminal(&group.user),
                    terminal(&command_of(group)),
                    terminal(&group.object),
                    number(group.records),
                    terminal(&moment(&group.last)),
                ]
            })
            .collect();
        // Names share what the figures leave.
        let widest = |column: usize| {
            let cells = cells.iter().chain([&head]);
            cells
                .filter_map(|row| row.get(column))
                .map(|cell| cell.width())
                .max()
                .unwrap_or(0)
        };
        let (records, last) = (widest(3), widest(4).min(25));
        let room = self
            .style
            .width
            .saturating_sub(4 + records + last + 4 * 2)
            .max(20);
        let user = widest(0).min(room / 3);
        let command = widest(1).min(room / 3);
        let object = widest(2).min(room - user - command);
        let draw = |grave: bool, row: &[String; 5]| {
            let [a, b, c, d, e] = row;
            let line = format!(
                "{} {}  {}  {}  {}{d}  {}",
                if grave { "(!)" } else { "   " },
                column(a, user),
                column(b, command),
                column(c, object),
                " ".repeat(records.saturating_sub(d.width())),
                column(e, last)
            );
            line.trim_end().to_owned()
        };
        let line = self.style.paint(Paint::Dim, &draw(false, &head));
        self.text.push_str(&format!("{line}\n"));
        for (group, row) in shown.iter().zip(&cells) {
            let line = draw(group.is_grave, row);
            // A record that becomes loud is no reason for alarm.
            let line = if group.is_grave && title == "Newly silent" {
                self.style.paint(Paint::Red, &line)
            } else {
                line
            };
            self.text.push_str(&format!("{line}\n"));
            let by = if group.by.is_empty() {
                String::new()
            } else {
                format!("[{}] ", group.by.join(", "))
            };
            let example = group
                .examples
                .first()
                .map_or(String::new(), |example| one_line(&example.statement));
            if !(by.is_empty() && example.is_empty()) {
                let detail = self.style.fit(format!("{by}{example}").trim_end(), 6);
                self.text.push_str(&format!(
                    "      {}\n",
                    self.style.paint(Paint::Dim, &detail)
                ));
            }
        }
        if groups.iter().any(|group| group.is_grave) {
            self.line(0, GRAVE);
        }
        if groups.len() > shown.len() {
            let more = length(groups) - length(shown);
            self.line(
                0,
                &format!(
                    "{} not drawn: the page and the JSON contain all",
                    count(more, "more group")
                ),
            );
        }
    }

    fn end(&mut self, report: &ImpactReport) {
        let others = others(report);
        if !others.is_empty() {
            self.gap();
            self.line(0, &format!("Also: {}.", others.join(" · ")));
        }
        self.title(&format!("Approvals needed: {}", report.approvals.required));
        for (what, list) in approvals(report) {
            self.line(2, &format!("{what}: {}", list.join(", ")));
        }
        self.gap();
        let side = |side: &Revision| {
            format!(
                "{} (rules {})",
                revision(&side.name, side.commit.as_ref()),
                digest(&side.rules_digest)
            )
        };
        for line in [
            format!(
                "{}; {}",
                reading(&report.logs),
                count(report.totals.records, "audit record")
            ),
            format!(
                "{} → {}, judged for {}",
                side(&report.base),
                side(&report.head),
                report.today
            ),
        ] {
            self.labelled(0, "", &line, Some(Paint::Dim));
        }
        let command = terminal(&command(report));
        self.text
            .push_str(&self.style.paint(Paint::Dim, &format!("$ {command}")));
        self.gap();
    }
}

fn colour(direction: Direction) -> Paint {
    match direction {
        Direction::Unchanged | Direction::Narrowed => Paint::Green,
        Direction::Incomparable => Paint::Yellow,
        Direction::Widened | Direction::Unknown => Paint::Red,
    }
}

/// Lines of at most so many columns, broken between words where a word fits a line.
fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut wrapped = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split(' ') {
        // A line may come to begin with it, and it would be a command of a runner.
        let word = match word.strip_prefix("::") {
            Some(rest) => format!("\\u{{3a}}:{rest}"),
            None => word.to_owned(),
        };
        let wide = word.width();
        if used > 0 && used + 1 + wide > room {
            wrapped.push(std::mem::take(&mut line));
            used = 0;
        } else if used > 0 {
            line.push(' ');
            used += 1;
        }
        for character in word.chars() {
            let wide = unicode_width::UnicodeWidthChar::width(character).unwrap_or(0);
            if used + wide > room {
                wrapped.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(character);
            used += wide;
        }
    }
    wrapped.push(line);
    wrapped
}
