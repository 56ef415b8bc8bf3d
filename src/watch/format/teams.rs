//! A message with an Adaptive Card, for a workflow in Teams that a webhook starts.
//!
//! A message has at most 28 KB (Microsoft Learn, "Create Incoming Webhooks"; the workflow's trigger takes the same form), and
//! Teams shows cards up to version 1.5. Text is in `TextRun`s, which know no Markdown (Adaptive Cards, "TextRun").

use serde_json::{Value, json};

use super::Message;

/// Bytes of a message.
const LARGEST: usize = 28_000;
/// Groups of a message, as long as they fit.
const LISTED: usize = 20;

pub(super) fn body(message: &Message<'_>) -> String {
    let mut listed = LISTED.min(message.groups.len());
    loop {
        let body = with(message, listed);
        if body.len() <= LARGEST || listed == 0 {
            return body;
        }
        listed -= 1;
    }
}

fn with(message: &Message<'_>, listed: usize) -> String {
    let mut parts = vec![text(&message.title(), true)];
    for group in message.groups.iter().take(listed) {
        parts.push(text(&group.title(), true));
        for (name, value) in group.facts(message.writer.has_grants) {
            parts.push(text(&format!("{name}: {value}"), false));
        }
    }
    parts.extend(message.rest(listed).map(|rest| text(&rest, false)));
    let actions: Vec<Value> = message
        .writer
        .runbook
        .iter()
        .map(|url| json!({"type": "Action.OpenUrl", "title": "Runbook", "url": url}))
        .collect();
    let card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": parts,
        "actions": actions,
    });
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": card,
        }],
    })
    .to_string()
}

fn text(text: &str, is_title: bool) -> Value {
    let weight = if is_title { "bolder" } else { "default" };
    json!({"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, "weight": weight}]})
}
