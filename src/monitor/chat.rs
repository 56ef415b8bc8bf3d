//! A message as AWS's chat integration takes it: a custom notification of Amazon Q Developer in chat applications, formerly AWS
//! Chatbot (administrator guide, "Custom notifications"). `chat.schema.json` has the documented fields.
//!
//! The integration shows it in Slack or Teams in the Markdown of either. So texts that others chose stand between marks of
//! code, without the characters of which mentions, links and ends of code are made.

use serde_json::{Map, Value, json};

use super::detection::shown;
use super::notification::{Told as Group, mark, span};
use super::row::{NOBODY, OTHERS};
use super::settings::Settings;
use crate::digest::sha256;
use crate::judge::Judge;
use crate::policy::model::{Severity, Signal};
use crate::report::escape;

/// Groups that it lists: a chat is for a first look.
const LISTED: usize = 10;

/// Characters of the description. AWS documents no limit; Slack takes 3,000 in a block of text.
const DESCRIPTION_MAX: usize = 2900;

/// Characters of other fields. Slack takes 150 in a heading.
const LINE_MAX: usize = 150;

/// Characters of a name, of which a line has several.
const NAME_MAX: usize = 63;

/// Characters of a link: what a chat takes in one step beside its words.
const LINK_MAX: usize = 2800;

pub(super) struct Told<'a> {
    pub(super) settings: &'a Settings,
    pub(super) judge: &'a Judge,
    pub(super) log_group: &'a str,
    pub(super) subject: &'a str,
    pub(super) groups: &'a [Group<'a>],
    pub(super) incomplete: bool,
    pub(super) link: Option<String>,
}

/// The custom notification.
pub(super) fn notification(told: &Told<'_>) -> Value {
    let cluster = told.settings.cluster_of(told.log_group);
    let severity = told
        .groups
        .iter()
        .map(|group| group.key.graded.severity)
        .max()
        .unwrap_or_default();
    let title = plain(&format!("{}: {}", severity.name(), told.subject), LINE_MAX);
    let mut next_steps = vec![
        match &told.settings.runbook {
            Some(address) => format!("Follow the runbook: {address}"),
            None => "Follow the runbook of pgvigil: `docs/runbook.md`".to_owned(),
        },
        format!(
            "Read the detections in the log of the monitor of {}",
            code(cluster)
        ),
    ];
    if let Some(link) = told.link.as_ref().filter(|link| link.len() <= LINK_MAX) {
        next_steps.push(format!("Look at the statements: {link}"));
    }
    let mut keywords = vec![plain(&told.settings.environment, LINE_MAX)];
    keywords.push(plain(cluster, LINE_MAX));
    keywords.push(severity.name().to_owned());
    let is_told = |signal: &Signal| {
        told.groups
            .iter()
            .any(|group| group.key.signals.contains(signal))
    };
    let signals: Vec<&str> = Signal::ALL
        .iter()
        .filter(|signal| is_told(signal))
        .map(|signal| signal.name())
        .collect();
    keywords.extend(signals.iter().map(|signal| (*signal).to_owned()));
    let thread = plain(
        &format!("pgvigil/{}/{cluster}", told.settings.environment),
        LINE_MAX,
    );
    let content = json!({
        "textType": "client-markdown",
        "title": title,
        "description": description(told),
        "nextSteps": next_steps,
        "keywords": keywords,
    });
    let mut context = Map::new();
    context.insert("severity".to_owned(), json!(severity.name()));
    context.insert("signals".to_owned(), json!(signals.join(", ")));
    context.insert("groups".to_owned(), json!(told.groups.len().to_string()));
    let metadata = json!({
        "threadId": thread,
        "summary": title,
        "eventType": "pgvigil.detection",
        "relatedResources": [plain(told.log_group, 512)],
        "additionalContext": context,
    });
    // The same message has the same id when a run is tried again.
    let id: String = sha256(format!("{content}{}", span_of(told.groups)))
        .chars()
        .take(32)
        .collect();
    json!({
        "version": "1.0",
        "source": "custom",
        "id": id,
        "content": content,
        "metadata": metadata,
    })
}

fn span_of(groups: &[Group<'_>]) -> String {
    let first = groups.iter().map(|group| group.first_ms).min();
    let last = groups.iter().map(|group| group.last_ms).max();
    format!("{first:?} {last:?}")
}

/// The groups that come first, one a paragraph. A paragraph that does not fit is left out whole: half of a mark of code would
/// set free what stands in it.
fn description(told: &Told<'_>) -> String {
    let mut text = String::new();
    if told.incomplete {
        text.push_str(
            "There were more people than one query can return: this list is NOT complete.\n\n",
        );
    }
    let not_judged: u64 = told.groups.iter().map(|group| group.not_judged).sum();
    if not_judged > 0 {
        text.push_str(&format!("{not_judged} records were NOT judged.\n\n"));
    }
    let mut listed = 0;
    for group in told.groups.iter().take(LISTED) {
        let paragraph = paragraph(told.judge, group);
        // Room for the last line.
        if text.chars().count() + paragraph.chars().count() + 120 > DESCRIPTION_MAX {
            break;
        }
        text.push_str(&paragraph);
        text.push_str("\n\n");
        listed += 1;
    }
    if told.groups.len() > listed {
        text.push_str(&format!(
            "and {} more: the email and the monitor's log contain them",
            told.groups.len() - listed
        ));
    }
    text.trim_end().to_owned()
}

fn paragraph(judge: &Judge, group: &Group<'_>) -> String {
    let key = group.key;
    let signals: Vec<&str> = key.signals.iter().copied().map(Signal::name).collect();
    let name = |text: &str| {
        let text = shown(text);
        // Names of refused logins are chosen without an account.
        if group.key.is_refusal() {
            code(&escape::unlinked(&text))
        } else {
            code(&text)
        }
    };
    let object = match key.object.as_str() {
        "-" | "" => String::new(),
        object => format!(" on {}", name(object)),
    };
    let mut lines = vec![
        format!(
            "{} in {} from {}: {}{object}",
            name(&key.user),
            name(&key.database),
            name(&key.client),
            name(&key.command),
        ),
        format!(
            "{} {} ({}), {}",
            group.statements,
            if group.statements == 1 {
                "statement"
            } else {
                "statements"
            },
            signals.join(", "),
            span(group.first_ms, group.last_ms),
        ),
    ];
    if key.user != NOBODY && key.user != OTHERS {
        let person = judge.person(key.user.as_bytes());
        lines.push(match person {
            Some(person) => format!("person: {}", code(&person.described())),
            None => "in no file of the policy".to_owned(),
        });
    }
    lines.push(match key.graded.severity {
        Severity::Medium if key.graded.described() == Severity::Medium.name() => {
            "severity: medium".to_owned()
        }
        _ => format!("severity: {}", code(&key.graded.described())),
    });
    if judge.has_grants() {
        lines.push(if key.expected.is_some() {
            code(&mark(key))
        } else {
            mark(key)
        });
    }
    lines.join("\n")
}

/// A text that others chose, as code.
fn code(text: &str) -> String {
    match plain(text, NAME_MAX).as_str() {
        "" => "`-`".to_owned(),
        plain => format!("`{plain}`"),
    }
}

/// A text on one line, without the characters of which Slack and Teams make mentions, links, entities and marks of code: others
/// that look alike stand in their place.
fn plain(text: &str, most: usize) -> String {
    let safe: String = escape::terminal(text)
        .chars()
        .map(|character| match character {
            '<' => '‹',
            '>' => '›',
            '@' => '＠',
            '&' => '＆',
            '`' => '\'',
            other => other,
        })
        .collect();
    escape::shorten(safe.trim(), most)
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;

    /// The documented fields.
    pub(in crate::monitor) static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
        let schema: Value = serde_json::from_str(include_str!("chat.schema.json")).unwrap();
        jsonschema::validator_for(&schema).unwrap()
    });

    /// Holds a message against the documented fields.
    pub(in crate::monitor) fn check(text: &str) {
        let message: Value = serde_json::from_str(text).unwrap();
        let faults: Vec<String> = SCHEMA
            .iter_errors(&message)
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{faults:?}\n{message:#}");
        for text in texts(&message) {
            for hostile in ["@here", "<!", "<@", "<http", "&lt;"] {
                assert!(!text.contains(hostile), "{hostile} in {text}");
            }
        }
    }

    /// The message with one fault, each in turn, and where: a value of another type, or a key that nobody knows. A schema that
    /// refuses none of them would hold nothing.
    pub(crate) fn faulty(message: &Value) -> Vec<(String, Value)> {
        let mut places = vec![String::new()];
        let mut faulty = Vec::new();
        while let Some(place) = places.pop() {
            let with = |change: &dyn Fn(&mut Value)| {
                let mut copy = message.clone();
                change(copy.pointer_mut(&place).unwrap());
                (place.clone(), copy)
            };
            match message.pointer(&place).unwrap() {
                Value::Object(fields) => {
                    let names = fields.keys().map(|name| name.replace('/', "~1"));
                    places.extend(names.map(|name| format!("{place}/{name}")));
                    faulty.push(with(&|value| value["unknown"] = Value::Null));
                    faulty.push(with(&|value| *value = "text".into()));
                }
                Value::Array(items) => {
                    places.extend((0..items.len()).map(|index| format!("{place}/{index}")));
                    faulty.push(with(&|value| *value = "text".into()));
                }
                Value::String(_) => faulty.push(with(&|value| *value = 7.into())),
                _ => faulty.push(with(&|value| *value = "text".into())),
            }
        }
        faulty
    }

    fn texts(value: &Value) -> Vec<&str> {
        match value {
            Value::String(text) => vec![text],
            Value::Array(items) => items.iter().flat_map(texts).collect(),
            Value::Object(fields) => fields.values().flat_map(texts).collect(),
            _ => Vec::new(),
        }
    }

    proptest! {
        /// Whatever stands in a log, it ends no code and makes no mention, link or entity.
        #[test]
        fn a_text_stays_code(text in "([<>@&`!|*_~\\n\\u{202e}]|@here|<!channel>|[a-zé ]){0,80}") {
            let code = code(&text);
            let inner = &code[1..code.len() - 1];
            prop_assert!(code.starts_with('`') && code.ends_with('`') && !inner.is_empty());
            prop_assert!(!inner.contains(['<', '>', '@', '&', '`', '\n']));
            prop_assert!(code.chars().count() <= NAME_MAX + 3);
        }
    }
}
