//! What the receiver of a webhook shows: records as JSON, or as a message of a chat or a pager.
//!
//! The queue holds records as JSON. A chat gets one message for a batch, in which equal work is one group. A pager takes one
//! event in a request, so its batch ends where other work begins: the order of the records stays.
//!
//! Names of roles and tables are text of strangers. They appear only where the receiver's form does not interpret text
//! (`plain_text` in Slack, `TextRun` in Teams), so nobody is called by a mention and nothing becomes a link.

mod group;
mod pagerduty;
mod slack;
mod teams;

use serde_json::{Value, json};

use super::outbox::{FORMAT_VERSION, Record};
use group::Group;

/// The form of what is posted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// The records themselves.
    #[default]
    Json,
    /// A message of an incoming webhook of Slack, in Block Kit.
    Slack,
    /// A message with an Adaptive Card, for a webhook of a workflow in Teams.
    Teams,
    /// An event of PagerDuty's Events API v2.
    PagerDuty(RoutingKey),
}

/// The key of an integration in PagerDuty: a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct RoutingKey(pub String);

impl std::fmt::Debug for RoutingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RoutingKey")
    }
}

/// How messages are written.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    pub format: Format,
    /// Address of the runbook that messages link to.
    pub runbook: Option<String>,
    /// Whether the environment has access grants: only then a message says that work is not expected.
    pub has_grants: bool,
}

/// What every message is made of.
struct Message<'a> {
    environment: String,
    groups: Vec<Group>,
    /// Records in all groups.
    records: usize,
    writer: &'a Writer,
}

impl Writer {
    /// How many of these records, from the first on, one request carries.
    pub(super) fn takes(&self, records: &[&Record]) -> usize {
        match self.format {
            Format::Json | Format::Slack | Format::Teams => records.len(),
            Format::PagerDuty(_) => {
                let mut keys = records.iter().map(|record| Group::of(record).key());
                let first = keys.next();
                1 + keys.take_while(|key| Some(key) == first.as_ref()).count()
            }
        }
        .min(records.len())
    }

    /// The body of a request. `batch` is the same for the same records, and `source` says where they come from.
    pub(super) fn body(&self, batch: &str, source: &Value, records: &[&Record]) -> String {
        if self.format == Format::Json {
            let head = json!({"format_version": FORMAT_VERSION, "batch": batch, "source": source});
            // The records are JSON already.
            let head = head.to_string();
            let head = head.strip_suffix('}').unwrap_or(&head);
            let records: Vec<&str> = records.iter().map(|record| record.json.as_str()).collect();
            return format!("{head},\"records\":[{}]}}", records.join(","));
        }
        let environment = source.get("environment").and_then(Value::as_str);
        let message = Message {
            environment: group::shown(environment.unwrap_or_default()),
            groups: group::groups(records),
            records: records.len(),
            writer: self,
        };
        match &self.format {
            Format::Json => String::new(),
            Format::Slack => slack::body(&message),
            Format::Teams => teams::body(&message),
            Format::PagerDuty(key) => pagerduty::body(&message, key),
        }
    }
}

impl Message<'_> {
    /// `pgvigil production: 5 records count`. It has no text of a stranger but the environment, which is a file's name.
    fn title(&self) -> String {
        let verb = if self.records == 1 {
            "record counts"
        } else {
            "records count"
        };
        format!("pgvigil {}: {} {verb}", self.environment, self.records)
    }

    /// What a list that shows only some groups leaves out.
    fn rest(&self, listed: usize) -> Option<String> {
        let rest = self.groups.get(listed..)?;
        let records: usize = rest.iter().map(|group| group.records).sum();
        (!rest.is_empty()).then(|| {
            let groups = if rest.len() == 1 { "group" } else { "groups" };
            let noun = if records == 1 { "record" } else { "records" };
            format!(
                "and {} more {groups} with {records} {noun}: the output of `pgvigil watch` contains all of them",
                rest.len()
            )
        })
    }
}

#[cfg(test)]
mod tests;
