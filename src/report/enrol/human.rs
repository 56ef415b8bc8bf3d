//! Plans and coverage for a terminal.

use unicode_width::UnicodeWidthStr as _;

use super::Entry;
use crate::database::enrol::coverage::{Class, Covered};
use crate::database::enrol::finding::{Finding, Severity};
use crate::database::enrol::plan::PlannedRole;
use crate::database::enrol::snapshot::Session;
use crate::database::enrol::{Coverage, Place, Plan};
use crate::report::doctor::human::wrap;
use crate::report::escape::terminal;
use crate::report::plan::human::{Paint, Style};

/// Open sessions that are shown of one role.
const SESSIONS: usize = 5;

/// Widest column of names.
const NAME: usize = 40;

/// Plans, one after the other.
pub fn plans(entries: &[Entry<Plan>], style: Style) -> String {
    let mut text = String::new();
    for entry in entries {
        match &entry.result {
            Ok(plan) => draw_plan(plan, style, &mut text),
            Err(error) => draw_unread(&entry.name(), error, style, &mut text),
        }
    }
    text
}

/// Coverage reports, one after the other.
pub fn coverages(entries: &[Entry<Coverage>], style: Style) -> String {
    let mut text = String::new();
    for entry in entries {
        match &entry.result {
            Ok(coverage) => draw_coverage(coverage, style, &mut text),
            Err(error) => draw_unread(&entry.name(), error, style, &mut text),
        }
    }
    text
}

fn draw_unread(name: &str, error: &str, style: Style, text: &mut String) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(&format!(
        "{}\n",
        style.paint(Paint::Bold, &style.fit(name, 0))
    ));
    draw(text, "  NOT READ  ", error, style);
}

fn heading(place: &Place, style: Style, text: &mut String) {
    if !text.is_empty() {
        text.push('\n');
    }
    let heading = format!("{place} (PostgreSQL {})", place.version);
    text.push_str(&format!(
        "{}\n",
        style.paint(Paint::Bold, &style.fit(&heading, 0))
    ));
}

/// Whole words after a lead; further lines begin under the first word. The sentence is escaped here.
fn draw(text: &mut String, lead: &str, sentence: &str, style: Style) {
    let indent = lead.chars().count();
    let mut lead = lead.to_owned();
    for line in wrap(&terminal(sentence), style.width, indent) {
        text.push_str(&format!("{lead}{line}\n"));
        lead = " ".repeat(indent);
    }
}

fn draw_plan(plan: &Plan, style: Style, text: &mut String) {
    heading(&plan.place, style, text);
    for role in plan
        .roles
        .iter()
        .filter(|role| role.is_changed() || role.unenrols)
    {
        text.push('\n');
        draw_role(role, style, text);
    }
    let remembered = plan
        .roles
        .iter()
        .filter(|role| role.remember && !role.is_changed())
        .count();
    if remembered > 0 {
        draw(
            text,
            "\n  ",
            &format!("{remembered} already as declared: only their comments are updated"),
            style,
        );
    }
    if !plan.extensions.is_empty() {
        let names: Vec<&str> = plan.extensions.iter().map(String::as_str).collect();
        draw(
            text,
            "\n  + ",
            &format!("the extension pgaudit in: {}", names.join(", ")),
            style,
        );
    }
    draw_findings(&plan.findings, style, text);
    let counts = plan.counts();
    let mut parts = vec![format!("{} to enrol or change", counts.change)];
    if counts.unenrol > 0 {
        parts.push(format!("{} to un-enrol", counts.unenrol));
    }
    parts.push(format!("{} unchanged", counts.unchanged));
    let drifted = if counts.drifted > 0 {
        format!("; {} changed outside pgvigil", counts.drifted)
    } else {
        String::new()
    };
    let summary = format!("{}{drifted}.", parts.join(", "));
    text.push_str(&format!("\n{}\n", style.paint(Paint::Bold, &summary)));
    if !plan.steps.is_empty() {
        let sessions = if plan.sees_sessions {
            match plan.sessions().count() {
                0 => "; none is open".to_owned(),
                1 => "; 1 is open".to_owned(),
                count => format!("; {count} are open"),
            }
        } else {
            "; could not check for open sessions".to_owned()
        };
        draw(
            text,
            "",
            &format!(
                "New settings apply to new sessions only{sessions}. With a connection pooler that can take long: end the open \
                 sessions, or make the pooler reconnect."
            ),
            style,
        );
    }
    if !plan.unenrols().is_empty() {
        draw(
            text,
            "",
            "Un-enrolling a role keeps its records in the log. From its next session on, the role produces no more.",
            style,
        );
    }
}

fn draw_role(role: &PlannedRole, style: Style, text: &mut String) {
    let (sign, paint, what) = if role.unenrols {
        ("-", Paint::Red, "un-enrol")
    } else if role.changes.iter().all(|change| change.from.is_none()) {
        ("+", Paint::Green, "enrol")
    } else {
        ("~", Paint::Yellow, "change")
    };
    let head = format!(
        "{}  {what}, {}: {}",
        role.role,
        role.verdict.name(),
        role.why
    );
    // Colours take no columns: the lines are broken without them.
    let mut drawn = String::new();
    draw(&mut drawn, &format!("  {sign} "), &head, style);
    text.push_str(&drawn.replacen(sign, &style.paint(paint, sign), 1));
    for change in &role.changes {
        let place = if change.database.is_empty() {
            String::new()
        } else {
            format!(" in {}", change.database)
        };
        let side = |value: &Option<String>| {
            value
                .as_ref()
                .map_or_else(|| "not set".to_owned(), |value| format!("\"{value}\""))
        };
        let weaker = if change.weakens && change.from.is_some() {
            "  (logs less)"
        } else {
            ""
        };
        let line = format!(
            "{}{place}: {} → {}{weaker}",
            change.setting,
            side(&change.from),
            side(&change.to)
        );
        text.push_str(&format!("      {}\n", style.fit(&line, 6)));
    }
    draw_sessions(&role.sessions, style, text);
}

fn draw_sessions(sessions: &[Session], style: Style, text: &mut String) {
    for session in sessions.iter().take(SESSIONS) {
        let line = format!(
            "open: {} in {} from {} since {} ({})",
            session.pid,
            session.database,
            session.client.as_deref().unwrap_or("a socket"),
            session.since,
            session.application
        );
        text.push_str(&format!(
            "      {}\n",
            style.paint(Paint::Dim, &style.fit(&line, 6))
        ));
    }
    if sessions.len() > SESSIONS {
        text.push_str(&format!(
            "      and {} more open\n",
            sessions.len() - SESSIONS
        ));
    }
}

/// Sessions that keep what they had, after an apply.
pub fn open_sessions(sessions: &[Session], style: Style) -> String {
    let mut text = String::new();
    if sessions.is_empty() {
        return text;
    }
    draw(
        &mut text,
        "",
        &format!(
            "{} open sessions of these roles keep their old settings until they reconnect:",
            sessions.len()
        ),
        style,
    );
    for session in sessions.iter().take(50) {
        let line = format!(
            "{}  pid {} in {} from {} ({})",
            session.role,
            session.pid,
            session.database,
            session.client.as_deref().unwrap_or("a socket"),
            session.application
        );
        text.push_str(&format!("  {}\n", style.fit(&line, 2)));
    }
    if sessions.len() > 50 {
        text.push_str(&format!("  and {} more\n", sessions.len() - 50));
    }
    draw(
        &mut text,
        "",
        "`select pg_terminate_backend(PID)` ends one.",
        style,
    );
    text
}

/// Findings with the same code and remedy are grouped.
fn draw_findings(findings: &[Finding], style: Style, text: &mut String) {
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    for finding in findings {
        let same = groups.iter_mut().find(|group| {
            group
                .first()
                .is_some_and(|first| first.code == finding.code && first.remedy == finding.remedy)
        });
        match same {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    for group in groups {
        let Some(first) = group.first() else { continue };
        let paint = match first.severity {
            Severity::Gap => Paint::Red,
            Severity::Warning => Paint::Yellow,
            Severity::Note => Paint::Dim,
        };
        let word = style.paint(paint, &format!("{:<8}", first.severity.name()));
        text.push_str(&format!("\n  {word}{}\n", first.code.name()));
        for finding in &group {
            draw(text, "          ", &finding.why, style);
        }
        draw(text, "          do: ", &first.remedy, style);
    }
}

fn draw_coverage(coverage: &Coverage, style: Style, text: &mut String) {
    heading(&coverage.place, style, text);
    text.push('\n');
    let width = coverage
        .roles
        .iter()
        .map(|role| terminal(&role.role).width())
        .max()
        .unwrap_or(4)
        .clamp(4, NAME);
    for role in &coverage.roles {
        draw_covered(role, width, style, text);
    }
    draw_findings(&coverage.findings, style, text);
    let summary = format!(
        "{} login roles: {} audited, {} service, {} system, {} undeclared. {}, {}, {}.",
        coverage.roles.len(),
        coverage.of_class(Class::Audited),
        coverage.of_class(Class::Service),
        coverage.of_class(Class::System),
        coverage.of_class(Class::Undeclared),
        count(coverage.count(Severity::Gap), "gap"),
        count(coverage.count(Severity::Warning), "warning"),
        count(coverage.count(Severity::Note), "note"),
    );
    text.push_str(&format!("\n{}\n", style.paint(Paint::Bold, &summary)));
}

fn count(number: usize, word: &str) -> String {
    match number {
        1 => format!("1 {word}"),
        _ => format!("{number} {word}s"),
    }
}

fn draw_covered(role: &Covered, width: usize, style: Style, text: &mut String) {
    let mut name = terminal(&role.role);
    if name.width() > width {
        name = crate::report::escape::shorten(&name, width - 1);
    }
    let pad = " ".repeat(width.saturating_sub(name.width()));
    let class = format!("{:<10}", role.class.name());
    let class = if role.class == Class::Undeclared {
        style.paint(Paint::Red, &class)
    } else {
        class
    };
    let codes: Vec<&str> = role
        .findings
        .iter()
        .map(|code| code.name().trim_start_matches("enrol/"))
        .collect();
    let settings = if role.settings.is_empty() {
        "-".to_owned()
    } else {
        role.settings.join("; ")
    };
    let rest = if codes.is_empty() {
        settings
    } else {
        format!("{settings}  [{}]", codes.join(", "))
    };
    let line = format!("  {name}{pad}  {class}  {}", style.fit(&rest, width + 16));
    text.push_str(line.trim_end());
    text.push('\n');
}
