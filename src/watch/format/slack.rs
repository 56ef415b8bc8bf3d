//! A message of an incoming webhook of Slack, in Block Kit.
//!
//! Limits: 50 blocks in a message, 150 characters in a header, 3,000 in the text of a section, 10 fields of 2,000 characters
//! (Slack, "Block Kit: blocks", read on 2 December 2026). Text is `plain_text`, which knows no mentions and no links.

use serde_json::{Value, json};

use super::Message;

/// Groups of a message; each is one block.
const LISTED: usize = 20;
const HEADER: usize = 150;
const FIELDS: usize = 10;

pub(super) fn body(message: &Message<'_>) -> String {
    let title: String = message.title().chars().take(HEADER).collect();
    let mut blocks = vec![json!({"type": "header", "text": plain(&title)})];
    for group in message.groups.iter().take(LISTED) {
        let fields: Vec<Value> = group
            .facts(message.writer.has_grants)
            .iter()
            .take(FIELDS)
            .map(|(name, value)| plain(&format!("{name}\n{value}")))
            .collect();
        blocks.push(json!({"type": "section", "text": plain(&group.title()), "fields": fields}));
    }
    if let Some(rest) = message.rest(LISTED) {
        blocks.push(json!({"type": "section", "text": plain(&rest)}));
    }
    if let Some(runbook) = &message.writer.runbook {
        let link = format!("<{}|Runbook>", escaped(runbook));
        blocks.push(json!({"type": "context", "elements": [{"type": "mrkdwn", "text": link}]}));
    }
    // What a notification shows; it is read as mrkdwn.
    json!({"text": escaped(&title), "blocks": blocks}).to_string()
}

fn plain(text: &str) -> Value {
    json!({"type": "plain_text", "text": text, "emoji": false})
}

/// The three characters that mrkdwn gives a meaning (Slack, "Formatting text for app surfaces").
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
