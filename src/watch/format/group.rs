//! Equal work in a batch: who did what to which table, how often and when.

use serde::Deserialize;

use crate::policy::model::Severity;
use crate::report::{escape, visible};
use crate::watch::outbox::Record;

/// Characters of a name that are shown.
const SHOWN: usize = 200;

/// A record, as it was rendered: see [`Line`](crate::rules::eval::Line) and [`Delivered`](crate::watch::judge::Delivered).
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Event {
    file: String,
    line: u64,
    signals: Vec<String>,
    user: Option<String>,
    database: Option<String>,
    client: Option<String>,
    pid: Option<u64>,
    class: Option<String>,
    command: Option<String>,
    object: Option<String>,
    expected: Option<Mark>,
    severity: Option<Severity>,
    severity_reason: Option<String>,
    owner: Option<String>,
    team: Option<String>,
    identity: Option<String>,
    session_name: Option<String>,
    time: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(default)]
struct Mark {
    grant: String,
    until: String,
}

/// Equal work.
pub(super) struct Group {
    /// The first record.
    event: Event,
    pub(super) records: usize,
    /// When the last was written.
    last: Option<String>,
}

/// What makes records equal work.
pub(super) type Key = (
    [Option<String>; 6],
    Vec<String>,
    Option<(String, String)>,
    Option<Severity>,
);

impl Group {
    /// Of one record.
    pub(super) fn of(record: &Record) -> Self {
        // What was rendered here is read here; a record that is not understood is shown without names.
        let event: Event = serde_json::from_str(&record.json).unwrap_or_default();
        Self {
            last: event.time.clone(),
            records: 1,
            event,
        }
    }

    pub(super) fn key(&self) -> Key {
        let event = &self.event;
        (
            [
                event.user.clone(),
                event.database.clone(),
                self.host().map(str::to_owned),
                event.class.clone(),
                event.command.clone(),
                event.object.clone(),
            ],
            event.signals.clone(),
            event.expected.clone().map(|mark| (mark.grant, mark.until)),
            event.severity,
        )
    }

    /// The client without its port.
    fn host(&self) -> Option<&str> {
        let client = self.event.client.as_deref()?;
        Some(client.split('(').next().unwrap_or(client))
    }

    pub(super) fn severity(&self) -> Severity {
        self.event.severity.unwrap_or(Severity::High)
    }

    /// When the first record was written, in UTC.
    pub(super) fn first(&self) -> Option<&str> {
        self.event.time.as_deref()
    }

    /// Role, database and relation, which stay the same while somebody goes on.
    pub(super) fn work(&self) -> [&str; 3] {
        [&self.event.user, &self.event.database, &self.event.object]
            .map(|name| name.as_deref().unwrap_or("-"))
    }

    pub(super) fn class(&self) -> String {
        shown(self.event.class.as_deref().unwrap_or("-"))
    }

    /// `alice@shop: SELECT on public.customers`.
    pub(super) fn title(&self) -> String {
        let [user, database, object] = self.work().map(shown);
        let command = shown(self.event.command.as_deref().unwrap_or("-"));
        let object = match object.as_str() {
            "-" => String::new(),
            object => format!(" on {object}"),
        };
        format!("{user}@{database}: {command}{object}")
    }

    /// Everything else, each with its name.
    pub(super) fn facts(&self, has_grants: bool) -> Vec<(&'static str, String)> {
        let event = &self.event;
        let person = match &event.owner {
            None => "in no file of the policy".to_owned(),
            Some(owner) => {
                let mut parts: Vec<String> =
                    event.identity.iter().map(|name| shown(name)).collect();
                parts.extend(
                    event
                        .team
                        .iter()
                        .map(|team| format!("team {}", shown(team))),
                );
                parts.push(format!("owner {}", shown(owner)));
                parts.join(", ")
            }
        };
        let how_many = if self.records == 1 {
            "1 record".to_owned()
        } else {
            format!("{} records", self.records)
        };
        let when = match (&event.time, &self.last) {
            (Some(first), Some(last)) if first != last => {
                format!("{} to {}", shown(first), shown(last))
            }
            (Some(first), _) => shown(first),
            (None, _) => "at an uncertain time".to_owned(),
        };
        let mut facts = vec![
            ("Person", person),
            ("Client", shown(self.host().unwrap_or("-"))),
            ("How many, and when", format!("{how_many}, {when}")),
        ];
        let reason = event.severity_reason.as_deref().unwrap_or_default();
        facts.push((
            "Severity",
            format!("{} ({})", self.severity().name(), shown(reason)),
        ));
        match &event.expected {
            Some(mark) => facts.push((
                "Expected",
                format!(
                    "expected: {}, until {}",
                    shown(&mark.grant),
                    shown(&mark.until)
                ),
            )),
            None if has_grants => facts.push(("Expected", "not expected".to_owned())),
            None => {}
        }
        facts.push((
            "Class and signals",
            format!("{}; {}", self.class(), shown(&event.signals.join(", "))),
        ));
        if let Some(session) = &event.session_name {
            facts.push((
                "The session calls itself",
                format!(
                    "{} (the person who connects chooses this name)",
                    shown(session)
                ),
            ));
        }
        if let Some(pid) = event.pid {
            facts.push(("Process", pid.to_string()));
        }
        facts.push((
            "First record",
            format!("{}:{}", shown(&event.file), event.line),
        ));
        facts
    }
}

/// The groups of a batch: what matters most comes first, and otherwise what came first.
pub(super) fn groups(records: &[&Record]) -> Vec<Group> {
    let mut groups: Vec<(Key, Group)> = Vec::new();
    for record in records {
        let one = Group::of(record);
        let key = one.key();
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, group)) => {
                group.records += 1;
                group.last = one.last;
            }
            None => groups.push((key, one)),
        }
    }
    let mut groups: Vec<Group> = groups.into_iter().map(|(_, group)| group).collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.severity()));
    groups
}

/// A name on one line, without what changes how the rest is shown or becomes a link, and with an end.
pub(super) fn shown(text: &str) -> String {
    let text = visible(text).replace(['\n', '\t'], " ");
    let may_link = text.contains("://") || text.to_ascii_lowercase().contains("www.");
    let text = if may_link {
        escape::unlinked(&text)
    } else {
        text
    };
    match escape::shorten(&text, SHOWN).as_str() {
        "" => "-".to_owned(),
        shown => shown.to_owned(),
    }
}
