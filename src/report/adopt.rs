//! The resources of other stacks, and the steps that take them out of service: for a terminal and for programs.

#![expect(clippy::indexing_slicing, reason = "a JSON object takes a new key")]

use serde_json::{Value, json};

use super::doctor::human::wrap;
use super::escape::{self, terminal};
use super::plan::human::{Paint, Style};
use crate::deploy::document::{canonical, pretty};
use crate::takeover::adopt::FORMAT_VERSION;
use crate::takeover::adopt::compare::{Adoption, Former, Resource};
use crate::takeover::adopt::proof::Proof;
use crate::takeover::adopt::retire::{Kept, Run, State, Taken};

/// A report as one JSON object.
pub fn json(adoption: &Adoption) -> String {
    versioned(serde_json::to_value(adoption).unwrap_or_default())
}

/// A run as one JSON object.
pub fn json_run(run: &Run) -> String {
    let mut value = serde_json::to_value(run).unwrap_or_default();
    value["proven"] = json!(run.is_proven());
    versioned(value)
}

fn versioned(mut value: Value) -> String {
    value["format_version"] = json!(FORMAT_VERSION);
    escape::json(&pretty(&value))
}

/// Lines of whole words after a lead; further lines begin under the first word.
fn draw(text: &mut String, lead: &str, sentence: &str, style: Style) {
    let indent = lead.chars().count();
    let mut lead = lead.to_owned();
    for line in wrap(sentence, style.width, indent) {
        text.push_str(&format!("{lead}{line}\n"));
        lead = " ".repeat(indent);
    }
}

/// A report: the resources by cluster, then what to know and what to do.
pub fn human(adoption: &Adoption, style: Style) -> String {
    let identity = &adoption.identity;
    let heading = format!("{} ({})", identity.environment, identity.at());
    let mut text = format!("{}\n", style.paint(Paint::Bold, &style.fit(&heading, 0)));
    for cluster in &adoption.clusters {
        draw_cluster(cluster, style, &mut text);
    }
    for unread in &adoption.unread {
        let sentence = format!(
            "{}: {}",
            terminal(&unread.resource),
            terminal(&unread.message)
        );
        text.push('\n');
        draw(&mut text, "NOT READ  ", &sentence, style);
    }
    if adoption.is_empty() {
        text.push_str("\nNo other stack watches these clusters.\n");
        return text;
    }
    let title = style.paint(Paint::Bold, "While both run");
    text.push_str(&format!("\n{title}\n"));
    for sentence in &adoption.meanwhile {
        draw(&mut text, "  - ", &terminal(sentence), style);
    }
    let title = style.paint(Paint::Bold, "What to do, in this order");
    text.push_str(&format!("\n{title}\n"));
    for (number, sentence) in adoption.order.iter().enumerate() {
        draw(
            &mut text,
            &format!("  {}. ", number + 1),
            &terminal(sentence),
            style,
        );
    }
    text
}

fn draw_cluster(cluster: &Former, style: Style, text: &mut String) {
    let name = style.fit(&cluster.cluster, 0);
    text.push_str(&format!("\n{}\n", style.paint(Paint::Bold, &name)));
    for defect in &cluster.defects {
        let lead = format!("  {:<4}", defect.id);
        draw(text, &lead, &terminal(&defect.sentence), style);
    }
    if cluster.resources.is_empty() {
        text.push_str("  no resources of another stack\n");
    }
    for resource in &cluster.resources {
        draw_resource(resource, style, text);
    }
}

fn draw_resource(resource: &Resource, style: Style, text: &mut String) {
    let name = format!("{} {}", resource.kind.name(), resource.name);
    text.push_str(&format!("  {}\n", style.fit(&name, 2)));
    if let Some(counterpart) = &resource.counterpart {
        let line = style.fit(&format!("pgvigil's: {counterpart}"), 6);
        text.push_str(&format!("      {}\n", style.paint(Paint::Dim, &line)));
    }
    for difference in &resource.differences {
        let sentence = format!(
            "{}: {} → {}",
            difference.field,
            canonical(&difference.former),
            canonical(&difference.pgvigil)
        );
        draw(text, "      ", &terminal(&sentence), style);
    }
    for defect in &resource.defects {
        let lead = format!("      {:<4}", defect.id);
        draw(text, &lead, &terminal(&defect.sentence), style);
    }
    for note in &resource.notes {
        draw(text, "      note ", &terminal(note), style);
    }
}

/// What a run is about to do: what was proven, the steps, what is left alone.
pub fn human_run(run: &Run, style: Style) -> String {
    let identity = &run.identity;
    let heading = format!("{} ({})", identity.environment, identity.at());
    let mut text = format!("{}\n", style.paint(Paint::Bold, &style.fit(&heading, 0)));
    for proof in &run.proofs {
        text.push_str(&human_proof(proof, style));
    }
    if !run.steps.is_empty() {
        text.push('\n');
    }
    for (number, taken) in run.steps.iter().enumerate() {
        draw(
            &mut text,
            &format!("  {}. ", number + 1),
            &terminal(&taken.step.sentence()),
            style,
        );
    }
    if !run.kept.is_empty() {
        text.push_str("\nKept\n");
    }
    for Kept { resource, why } in &run.kept {
        let sentence = format!("{}: {}", terminal(resource), terminal(why));
        draw(&mut text, "  - ", &sentence, style);
    }
    text
}

fn human_proof(proof: &Proof, style: Style) -> String {
    let (word, paint) = if proof.holds {
        ("ok", Paint::Green)
    } else {
        ("NO", Paint::Red)
    };
    let mut text = String::new();
    for (place, line) in wrap(&terminal(&proof.sentence), style.width, 6)
        .into_iter()
        .enumerate()
    {
        let lead = if place == 0 {
            style.paint(paint, word)
        } else {
            "  ".to_owned()
        };
        text.push_str(&format!("  {lead}  {line}\n"));
    }
    text
}

/// A step that was taken, on one line.
pub fn human_step(taken: &Taken, style: Style) -> String {
    let sentence = terminal(&taken.step.sentence());
    match &taken.state {
        State::Done => format!("{}  {sentence}", style.paint(Paint::Green, "done  ")),
        State::Failed(why) => format!(
            "{}  {sentence}: {}",
            style.paint(Paint::Red, "FAILED"),
            terminal(why)
        ),
        State::Planned | State::NotBegun => format!("-       {sentence}"),
    }
}
