//! Plans for a terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{heading, plan_heading, rules_heading, summary, value_text, verdicts, with_context};
use crate::deploy::aftermath::Left;
use crate::deploy::apply::{End, Report, State, Step, Written};
use crate::deploy::blame::Blame;
use crate::deploy::diff::{Change, Line, Sign};
use crate::deploy::drift::DriftReport;
use crate::deploy::obstacle::Obstacle;
use crate::deploy::plan::{Action, Plan, Planned, Purpose, Unread};
use crate::deploy::rules::{Became, LiveRules, RulesChange};
use crate::deploy::verdict::Verdict;
use crate::diagnostic::count;
use crate::report::escape::terminal;

#[derive(Debug, Clone, Copy)]
pub struct Style {
    pub width: usize,
    /// Colours, as ANSI sequences.
    pub colour: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            width: 100,
            colour: false,
        }
    }
}

#[derive(Clone, Copy)]
pub(in crate::report) enum Paint {
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
}

impl Style {
    pub(in crate::report) fn paint(self, paint: Paint, text: &str) -> String {
        let code = match paint {
            Paint::Bold => "1",
            Paint::Dim => "2",
            Paint::Red => "31",
            Paint::Green => "32",
            Paint::Yellow => "33",
        };
        if self.colour {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    /// Escapes a text and cuts it to what is left of a line.
    pub(in crate::report) fn fit(self, text: &str, taken: usize) -> String {
        let text = terminal(text);
        let room = self.width.saturating_sub(taken).max(20);
        if text.width() <= room {
            return text;
        }
        let mut cut = String::new();
        let mut width = 1;
        for character in text.chars() {
            width += character.width().unwrap_or(0);
            if width > room {
                break;
            }
            cut.push(character);
        }
        cut.push('…');
        cut
    }

    fn sign(self, action: Action) -> String {
        let sign = action.sign().to_string();
        match action {
            Action::None => sign,
            Action::Create => self.paint(Paint::Green, &sign),
            Action::Adopt | Action::Update => self.paint(Paint::Yellow, &sign),
            Action::Delete => self.paint(Paint::Red, &sign),
        }
    }
}

/// A plan: what is done and what was found, then the summary, then what the words mean.
pub fn render_plan(plan: &Plan, style: Style) -> String {
    let mut text = format!(
        "{}\n",
        style.paint(Paint::Bold, &style.fit(&plan_heading(plan), 0))
    );
    let mut drawn = false;
    let mut had_details = true;
    for resource in &plan.resources {
        if resource.action == Action::None
            && resource.verdict == Verdict::Clean
            && resource.note.is_none()
        {
            continue;
        }
        // Told below, all but what has no document: that stops no apply.
        if resource.verdict == Verdict::Unreadable && resource.kind.is_some() {
            continue;
        }
        drawn = true;
        // One line after another; details are set apart.
        let has_details = !resource.changes.is_empty() || resource.note.is_some();
        if has_details || had_details {
            text.push('\n');
        }
        had_details = has_details;
        text.push_str(&head(plan.purpose, resource, style));
        draw_changes(&resource.changes, style, &mut text);
    }
    draw_rules(&plan.rules, style, &mut text);
    draw_obstacles(&plan.obstacles, style, &mut text);
    draw_unread(&plan.unread, style, &mut text);
    if drawn || !plan.obstacles.is_empty() || !plan.unread.is_empty() {
        text.push('\n');
    }
    text.push_str(&style.paint(Paint::Bold, &format!("{}.", summary(&plan.counts()))));
    text.push('\n');
    let words = verdicts(plan);
    if !words.is_empty() {
        text.push('\n');
    }
    for verdict in words {
        let line = format!("{}: {}", verdict.name(), verdict.meaning());
        text.push_str(&style.paint(Paint::Dim, &line));
        text.push('\n');
    }
    text
}

fn head(purpose: Purpose, resource: &Planned, style: Style) -> String {
    let what = match (resource.action, resource.verdict) {
        (Action::None, _) if purpose == Purpose::Destroy => "kept".to_owned(),
        (Action::None, verdict) => verdict.name().to_owned(),
        (action, Verdict::Pending | Verdict::Clean) => action.name().to_owned(),
        (action, verdict) => format!("{}, {}", action.name(), verdict.name()),
    };
    let address = style.fit(&resource.address, what.len() + 6);
    let mut text = format!(
        "  {} {}  {}\n",
        style.sign(resource.action),
        address,
        style.paint(Paint::Dim, &what)
    );
    if let Some(note) = &resource.note {
        text.push_str(&format!(
            "      {}\n",
            style.paint(Paint::Dim, &style.fit(note, 6))
        ));
    }
    text
}

/// Rules that change: each exclusion and each name on a line of its own.
fn draw_rules(rules: &[RulesChange], style: Style, text: &mut String) {
    for change in rules {
        text.push_str(&format!("\n  {}\n", style.fit(&rules_heading(change), 2)));
        let LiveRules::Read { differences, .. } = &change.live else {
            continue;
        };
        for difference in differences {
            let line = format!(
                "{} {} {}",
                difference.became.sign(),
                difference.what.name(),
                difference.name
            );
            let paint = match difference.became {
                Became::Added => Paint::Green,
                Became::Removed => Paint::Red,
                Became::Changed => Paint::Yellow,
            };
            text.push_str(&format!(
                "    {}\n",
                style.paint(paint, &style.fit(&line, 4))
            ));
            draw_changes(&difference.changes, style, text);
        }
    }
}

fn draw_changes(changes: &[Change], style: Style, text: &mut String) {
    for change in changes {
        let path = terminal(&change.path);
        if !change.lines.is_empty() {
            text.push_str(&format!("      {path}:\n"));
            draw_lines(&change.lines, style, text);
            continue;
        }
        let taken = 6 + path.width() + 6;
        let value = |value: &serde_json::Value| value_text(value);
        let line = match (&change.before, &change.after) {
            (Some(before), Some(after)) => {
                let (before, after) = (value(before), value(after));
                if before.width() + after.width() + taken <= style.width {
                    let (before, after) = (style.fit(&before, taken), style.fit(&after, taken));
                    format!(
                        "      {path}: {} → {}\n",
                        style.paint(Paint::Red, &before),
                        style.paint(Paint::Green, &after)
                    )
                } else {
                    let before = style.paint(Paint::Red, &format!("- {}", style.fit(&before, 10)));
                    let after = style.paint(Paint::Green, &format!("+ {}", style.fit(&after, 10)));
                    format!("      {path}:\n        {before}\n        {after}\n")
                }
            }
            (Some(before), None) => {
                let line = format!("- {path}: {}", style.fit(&value(before), taken));
                format!("      {}\n", style.paint(Paint::Red, &line))
            }
            (None, Some(after)) => {
                let line = format!("+ {path}: {}", style.fit(&value(after), taken));
                format!("      {}\n", style.paint(Paint::Green, &line))
            }
            (None, None) => String::new(),
        };
        text.push_str(&line);
    }
}

fn draw_lines(lines: &[Line], style: Style, text: &mut String) {
    for line in with_context(lines) {
        let Some(line) = line else {
            text.push_str(&format!("        {}\n", style.paint(Paint::Dim, "…")));
            continue;
        };
        let drawn = format!("{} {}", line.sign.character(), style.fit(&line.text, 10));
        let drawn = match line.sign {
            Sign::Same => drawn.trim_end().to_owned(),
            Sign::Removed => style.paint(Paint::Red, &drawn),
            Sign::Added => style.paint(Paint::Green, &drawn),
        };
        text.push_str(&format!("        {drawn}\n"));
    }
}

fn draw_obstacles(obstacles: &[Obstacle], style: Style, text: &mut String) {
    for obstacle in obstacles {
        text.push_str(&format!(
            "\n  {} {}  cannot succeed\n",
            style.paint(Paint::Red, "!"),
            terminal(&obstacle.address)
        ));
        text.push_str(&format!("      {}\n", terminal(&obstacle.why)));
        text.push_str(&format!("      {}\n", terminal(&obstacle.help)));
    }
}

fn draw_unread(unread: &[Unread], style: Style, text: &mut String) {
    for unread in unread {
        text.push_str(&format!(
            "\n  {} {}  unreadable\n",
            style.paint(Paint::Red, "!"),
            terminal(&unread.address)
        ));
        text.push_str(&format!("      {}\n", terminal(&unread.error)));
    }
}

/// Changes made outside pgvigil.
pub fn render_drift(report: &DriftReport, style: Style) -> String {
    let mut text = format!(
        "{}\n",
        style.paint(Paint::Bold, &style.fit(&heading(&report.identity), 0))
    );
    for drift in &report.drift {
        let verdict = style.paint(Paint::Yellow, drift.verdict.name());
        text.push_str(&format!(
            "\n  ! {}  {verdict}\n",
            style.fit(&drift.address, drift.verdict.name().len() + 6)
        ));
        if let Some(note) = &drift.note {
            text.push_str(&format!(
                "      {}\n",
                style.paint(Paint::Dim, &style.fit(note, 6))
            ));
        }
        draw_changes(&drift.changes, style, &mut text);
        if let Some(blame) = report.blame.get(&drift.address) {
            for line in blame_lines(blame) {
                text.push_str(&format!("      {}\n", style.fit(&line, 6)));
            }
        }
    }
    draw_rules(&report.rules, style, &mut text);
    for (address, note) in &report.notes {
        text.push_str(&format!(
            "\n    {}\n      {}\n",
            style.fit(address, 4),
            style.paint(Paint::Yellow, &style.fit(note, 6))
        ));
    }
    for alike in &report.alike {
        text.push_str(&format!(
            "\n  The same edit of {} on {}.\n",
            terminal(&alike.path),
            count(alike.addresses.len(), "resource")
        ));
    }
    draw_unread(&report.unread, style, &mut text);
    let result = match (report.drift.len(), report.unread.len()) {
        (0, 0) => "no changes made outside pgvigil".to_owned(),
        (0, unread) => format!("{unread} not read: could not check for drift"),
        (drifted, 0) => format!("{drifted} drifted"),
        (drifted, unread) => format!("{drifted} drifted; {unread} not read"),
    };
    text.push_str(&format!(
        "\n{}\n",
        style.paint(Paint::Bold, &format!("{result}."))
    ));
    text
}

/// Who changed a resource, as far as it is known.
fn blame_lines(blame: &Blame) -> Vec<String> {
    match blame {
        Blame::Known { deeds } => deeds
            .iter()
            .flat_map(|deed| {
                [
                    format!("{} by {}", deed.operation, deed.who),
                    format!("  {}, from {}, with {}", deed.at, deed.source, deed.agent),
                ]
            })
            .collect(),
        Blame::Nobody => vec![
            "CloudTrail has no matching event: events arrive minutes late and expire after 90 days"
                .to_owned(),
        ],
        Blame::NotAsked { reason } => vec![format!("CloudTrail was not queried: {reason}")],
    }
}

/// What the next apply does with a step that failed for good.
const LASTING: &str = "another apply would fail at this step too, until the cause is fixed";

/// One step of an apply, as it ends.
pub fn render_step(step: &Step, style: Style) -> String {
    let word = match &step.state {
        State::Done => match step.action {
            Action::Create => "created",
            Action::Adopt => "adopted",
            Action::Update => "changed",
            Action::Delete => "deleted",
            Action::None => "recorded",
        },
        State::AlreadyDone if step.action == Action::None => "recorded",
        State::AlreadyDone => "already so",
        State::Failed { .. } => "failed",
        State::NotReached => "not done",
    };
    let paint = match &step.state {
        State::Done | State::AlreadyDone => Paint::Green,
        State::Failed { .. } => Paint::Red,
        State::NotReached => Paint::Yellow,
    };
    let mut text = format!(
        "  {}  {}\n",
        style.paint(paint, &format!("{word:>10}")),
        style.fit(&step.address, 14)
    );
    if let State::Failed {
        error,
        written,
        lasting,
    } = &step.state
    {
        text.push_str(&format!("              {}\n", terminal(error)));
        let is_over = *written == Some(Written::Yes);
        let written = match written {
            Some(Written::Yes) if step.action == Action::Delete => {
                "it was deleted despite the error"
            }
            Some(_) if step.action == Action::Delete => "it is still there",
            None if step.action == Action::Delete => "could not determine whether it was deleted",
            Some(Written::Yes) => "it was written despite the error",
            Some(Written::Partly) if *lasting => "part of it was written",
            Some(Written::Partly) => "part of it was written: the next apply finishes it",
            Some(Written::No) => "it was not written",
            None => "could not determine whether it was written",
        };
        text.push_str(&format!("              {written}\n"));
        if *lasting && !is_over {
            text.push_str(&format!("              {LASTING}\n"));
        }
    }
    text
}

/// What an apply did and did not do, in the end.
pub fn render_apply(report: &Report, style: Style) -> String {
    let mut text = String::new();
    let total = report.steps.len();
    let done = report.done();
    match report.end {
        End::Complete => text.push_str(&style.paint(
            Paint::Bold,
            &format!("{done} of {} done.", count(total, "step")),
        )),
        End::Failed | End::Interrupted => {
            let why = if report.end == End::Failed {
                "a step failed"
            } else {
                "it was asked to stop"
            };
            let line = format!(
                "Stopped, because {why}: {done} of {} done. Not done:",
                count(total, "step")
            );
            text.push_str(&style.paint(Paint::Bold, &line));
            text.push('\n');
            for step in report
                .steps
                .iter()
                .filter(|step| !matches!(step.state, State::Done | State::AlreadyDone))
            {
                text.push_str(&render_step(step, style));
            }
            let is_lasting = report
                .failure()
                .is_some_and(|step| matches!(&step.state, State::Failed { lasting: true, .. }));
            text.push_str(if is_lasting {
                "First fix the cause of the failed step. Then run apply again: it skips the completed steps."
            } else {
                "Run apply again: it skips the completed steps."
            });
        }
    }
    text.push('\n');
    text
}

/// What is left after an apply.
pub fn render_left(left: &[Left], style: Style) -> String {
    if left.is_empty() {
        return "There is nothing left to do.\n".to_owned();
    }
    let line = format!("{} not in the planned state:", left.len());
    let mut text = format!("{}\n", style.paint(Paint::Bold, &line));
    for left in left {
        text.push_str(&format!(
            "  {} {}\n      {}\n",
            style.paint(Paint::Yellow, "!"),
            style.fit(&left.address, 4),
            style.fit(&left.why, 6)
        ));
    }
    text.push_str("Run plan again to see the current state.\n");
    text
}
