//! Plans for a pull request.

use super::{plan_heading, rules_heading, summary, value_text, verdicts, with_context};
use crate::deploy::diff::Change;
use crate::deploy::plan::{Action, Plan, Purpose};
use crate::deploy::rules::{LiveRules, RulesChange};
use crate::deploy::verdict::Verdict;
use crate::diagnostic::count;
use crate::report::escape::{code, fence, sentence, terminal};

/// GitHub's limit of a comment, in characters.
pub const COMMENT_LIMIT: usize = 65_536;

/// A plan: the counts, deletions first, the details folded. Cut at `limit` bytes, and it says so.
pub fn render_plan(plan: &Plan, limit: usize) -> String {
    let mut text = format!(
        "### Plan: {}\n\n**{}**\n",
        code(&plan_heading(plan)),
        summary(&plan.counts())
    );
    for obstacle in &plan.obstacles {
        text.push_str(&format!(
            "\n> **Cannot succeed:** {}: {}. {}\n",
            code(&obstacle.address),
            sentence(&obstacle.why),
            sentence(&obstacle.help)
        ));
    }
    for unread in &plan.unread {
        text.push_str(&format!(
            "\n> **Not read:** {}: {}\n",
            code(&unread.address),
            code(&unread.error)
        ));
    }
    let mut resources: Vec<_> = plan
        .resources
        .iter()
        .filter(|resource| resource.verdict != Verdict::Unreadable || resource.kind.is_none())
        .filter(|resource| {
            resource.action != Action::None
                || resource.verdict != Verdict::Clean
                || resource.note.is_some()
        })
        .collect();
    resources.sort_by_key(|resource| resource.action != Action::Delete);
    let mut words = String::new();
    for verdict in verdicts(plan) {
        words.push_str(&format!("\n- *{}*: {}", verdict.name(), verdict.meaning()));
    }
    // The words about what is left out need room too.
    let room = limit.saturating_sub(words.len() + 200);
    let mut left_out = 0;
    // What a reviewer weighs comes before the resources that carry it.
    for change in &plan.rules {
        let part = rules_text(change);
        if text.len() + part.len() > room {
            left_out += 1;
        } else {
            text.push_str(&part);
        }
    }
    for resource in resources {
        let sign = if resource.action == Action::None {
            '!'
        } else {
            resource.action.sign()
        };
        let what = match (plan.purpose, resource.action) {
            (Purpose::Destroy, Action::None) => "kept".to_owned(),
            _ => format!("{}, {}", resource.action.name(), resource.verdict.name()),
        };
        let mut part = format!(
            "\n{} {} ({what})\n",
            code(&sign.to_string()),
            code(&resource.address)
        );
        if let Some(note) = &resource.note {
            part.push_str(&format!("{}\n", code(note)));
        }
        if !resource.changes.is_empty() {
            let diff = diff_text(&resource.changes);
            let fence = fence(&diff);
            let fields = match resource.changes.len() {
                1 => "1 field".to_owned(),
                count => format!("{count} fields"),
            };
            part.push_str(&format!(
                "<details><summary>{fields}</summary>\n\n{fence}diff\n{diff}{fence}\n\n</details>\n"
            ));
        }
        if text.len() + part.len() > room {
            left_out += 1;
        } else {
            text.push_str(&part);
        }
    }
    if left_out > 0 {
        text.push_str(&format!(
            "\n{} more {} no room here: see the output of `pgvigil plan`.\n",
            count(left_out, "resource"),
            if left_out == 1 { "has" } else { "have" }
        ));
    }
    if !words.is_empty() {
        text.push_str(&words);
        text.push('\n');
    }
    text
}

/// A change of rules: its words, and the rules folded.
fn rules_text(change: &RulesChange) -> String {
    let mut text = format!("\n{}\n", code(&rules_heading(change)));
    let LiveRules::Read { differences, .. } = &change.live else {
        return text;
    };
    let mut diff = String::new();
    for difference in differences {
        // Only lines that begin with a sign of a diff are coloured.
        let sign = match difference.became.sign() {
            '~' => '!',
            sign => sign,
        };
        diff.push_str(&format!(
            "{sign} {} {}\n",
            difference.what.name(),
            terminal(&difference.name)
        ));
        diff.push_str(&diff_text(&difference.changes));
    }
    if !diff.is_empty() {
        let fence = fence(&diff);
        let changes = count(differences.len(), "change");
        text.push_str(&format!(
            "<details open><summary>rules: {changes}</summary>\n\n{fence}diff\n{diff}{fence}\n\n</details>\n"
        ));
    }
    text
}

fn diff_text(changes: &[Change]) -> String {
    let mut text = String::new();
    for change in changes {
        text.push_str(&format!("@@ {} @@\n", terminal(&change.path)));
        if change.lines.is_empty() {
            for (sign, value) in [('-', &change.before), ('+', &change.after)] {
                if let Some(value) = value {
                    text.push_str(&format!("{sign} {}\n", terminal(&value_text(value))));
                }
            }
            continue;
        }
        for line in with_context(&change.lines) {
            match line {
                Some(line) => text.push_str(&format!(
                    "{} {}\n",
                    line.sign.character(),
                    terminal(&line.text)
                )),
                None => text.push_str("  …\n"),
            }
        }
    }
    text
}
