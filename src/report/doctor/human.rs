//! Diagnoses for a terminal: a tree of environment or cluster, branch and check.

use unicode_width::UnicodeWidthStr;

use crate::doctor::canary::{Outcome, Report};
use crate::doctor::diagnosis::{Checked, Diagnosis, Finding, Verdict};
use crate::report::escape::terminal;
use crate::report::plan::human::{Paint, Style};

/// Columns of a verdict and the space after it.
const SIGN: usize = 8;

/// Columns before a verdict.
const INDENT: usize = 4;

/// The tree, then the numbers.
pub fn render(diagnosis: &Diagnosis, style: Style) -> String {
    let identity = &diagnosis.identity;
    let heading = format!(
        "{} ({}): {}",
        identity.environment,
        identity.at(),
        identity.clusters.join(", ")
    );
    let mut text = format!("{}\n", style.paint(Paint::Bold, &style.fit(&heading, 0)));
    draw_checks(&diagnosis.environment, style, &mut text);
    for cluster in &diagnosis.clusters {
        let name = style.fit(&cluster.cluster, 0);
        text.push_str(&format!("\n{}\n", style.paint(Paint::Bold, &name)));
        draw_checks(&cluster.checks, style, &mut text);
    }
    let counts = diagnosis.counts();
    let parts: Vec<String> = [
        (counts.fail, "failed"),
        (counts.unknown, "not read"),
        (counts.warn, "warned"),
        (counts.ok, "ok"),
        (counts.skip, "skipped"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect();
    let summary = format!("{}.", parts.join(", "));
    text.push_str(&format!("\n{}\n", style.paint(Paint::Bold, &summary)));
    text
}

fn draw_checks(checks: &[Checked], style: Style, text: &mut String) {
    let mut group = "";
    for check in checks {
        if check.group != group {
            group = check.group;
            text.push_str(&format!("  {}\n", style.paint(Paint::Dim, group)));
        }
        draw_check(check, style, text);
    }
}

fn draw_check(check: &Checked, style: Style, text: &mut String) {
    let quiet = check
        .findings
        .iter()
        .filter(|finding| finding.verdict == Verdict::Ok)
        .count();
    let loud: Vec<&Finding> = check
        .findings
        .iter()
        .filter(|finding| finding.verdict != Verdict::Ok)
        .collect();
    if loud.is_empty() {
        let sentence = match check.findings.as_slice() {
            [one] => sentence(one),
            many => format!("all {}", many.len()),
        };
        draw_line(
            Verdict::Ok,
            &format!("{}: {sentence}", check.id),
            style,
            text,
        );
        return;
    }
    for finding in loud {
        let line = format!("{}: {}", check.id, sentence(finding));
        draw_line(finding.verdict, &line, style, text);
        if let Some(remedy) = &finding.remedy {
            // Never cut or wrapped: it is copied.
            text.push_str(&format!(
                "{}{}: {}\n",
                " ".repeat(INDENT + SIGN),
                remedy.kind.name(),
                style.paint(Paint::Yellow, &terminal(&remedy.command))
            ));
        }
    }
    if quiet > 0 {
        let line = format!("{}: the other {quiet}", check.id);
        draw_line(Verdict::Ok, &line, style, text);
    }
    if matches!(check.verdict, Verdict::Warn | Verdict::Fail) {
        for line in wrap(&format!("why: {}", check.why), style.width, INDENT + SIGN) {
            text.push_str(&format!(
                "{}{}\n",
                " ".repeat(INDENT + SIGN),
                style.paint(Paint::Dim, &line)
            ));
        }
    }
}

/// The finding's sentence after the name of what it is about, escaped.
fn sentence(finding: &Finding) -> String {
    match &finding.about {
        Some(about) => format!("{}: {}", terminal(about), terminal(&finding.sentence)),
        None => terminal(&finding.sentence),
    }
}

/// A verdict and what follows it, in as many lines as that takes. The text is escaped already.
fn draw_line(verdict: Verdict, line: &str, style: Style, text: &mut String) {
    let paint = match verdict {
        Verdict::Ok => Paint::Green,
        Verdict::Skip => Paint::Dim,
        Verdict::Warn => Paint::Yellow,
        Verdict::Unknown | Verdict::Fail => Paint::Red,
    };
    let name = verdict.name();
    let mut lines = wrap(line, style.width, INDENT + SIGN).into_iter();
    text.push_str(&format!(
        "{}{}{}{}\n",
        " ".repeat(INDENT),
        style.paint(paint, name),
        " ".repeat(SIGN.saturating_sub(name.len())),
        lines.next().unwrap_or_default()
    ));
    for line in lines {
        text.push_str(&format!("{}{line}\n", " ".repeat(INDENT + SIGN)));
    }
}

/// Lines of whole words. A word that is too long gets a line of its own and is not broken.
pub(in crate::report) fn wrap(text: &str, width: usize, taken: usize) -> Vec<String> {
    let room = width.saturating_sub(taken).max(20);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && line.width() + 1 + word.width() > room {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// The proof of one cluster, step by step, and what it does not prove.
pub fn render_canary(report: &Report, style: Style) -> String {
    let name = style.fit(&report.cluster, 0);
    let mut text = format!("{}\n", style.paint(Paint::Bold, &name));
    for name in &report.left_behind {
        text.push_str(&format!(
            "  removed, left over from an earlier run: {}\n",
            terminal(name)
        ));
    }
    for proof in &report.steps {
        let (word, paint, detail) = match &proof.outcome {
            Outcome::Proven(detail) => ("proven", Paint::Green, detail),
            Outcome::Failed(detail) => ("FAILED", Paint::Red, detail),
            Outcome::NotReached(detail) => ("unproven", Paint::Yellow, detail),
        };
        let line = format!("{}: {}", proof.step.title(), terminal(detail));
        let mut lines = wrap(&line, style.width, 12).into_iter();
        text.push_str(&format!(
            "  {}{}{}\n",
            style.paint(paint, word),
            " ".repeat(10_usize.saturating_sub(word.len())),
            lines.next().unwrap_or_default()
        ));
        for line in lines {
            text.push_str(&format!("{}{line}\n", " ".repeat(12)));
        }
    }
    text.push_str("  This proves nothing about:\n");
    for part in &report.unproven {
        let mut lead = "  - ";
        for line in wrap(part, style.width, 4) {
            text.push_str(&format!("{lead}{line}\n"));
            lead = "    ";
        }
    }
    text
}
