//! What every form of a detection has in common: its id, its words, and what a name in it may be taken for.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::IpAddr;

use serde_json::json;

use super::detection::Detection;
use crate::diagnostic;
use crate::digest::sha256;
use crate::policy::model::Signal;

/// Stands for a name in a detection that is not known for certain.
pub const NOBODY: &str = "-";

/// Characters of a name in a sentence. PostgreSQL's names have up to 63 bytes, so this cuts only refused ones and texts.
const IN_A_SENTENCE: usize = 100;

/// Characters of a text of the policy in a field that is looked up: Elasticsearch leaves longer ones out of its index
/// (`ignore_above` of ECS).
const LOOKED_UP: usize = 1000;

/// The id of a detection: SHA-256 of its group and window, 64 hexadecimal digits.
///
/// A window may be reported again, with a larger count: what makes the group is the same then, and so is the id. What changes
/// from report to report (counts, times, digests, `new`, `incomplete`, the owner of the role) has no part in it.
pub(super) fn uid(detection: &Detection) -> String {
    let group = json!([
        detection.environment,
        detection.log_group,
        detection.window,
        detection.signals,
        detection.user,
        detection.database,
        detection.client,
        detection.class,
        detection.command,
        detection.object,
        detection.expected,
        detection.expected_until,
        detection.severity,
        detection.severity_reason,
        detection.session_name,
    ]);
    // A list of JSON keeps its parts apart, whatever is in them.
    sha256(group.to_string())
}

/// Of the signals that count it the most specific: in the policy's order they come last.
pub(super) fn signal(detection: &Detection) -> Option<Signal> {
    detection.signals.last().copied()
}

/// Whether it is a refusal: the statement did not run, and `command` has the server's words.
pub(super) fn is_refusal(detection: &Detection) -> bool {
    detection.signals.contains(&Signal::Denied)
}

/// A name, where there is one.
pub(super) fn known(name: &str) -> Option<&str> {
    (!name.is_empty() && name != NOBODY).then_some(name)
}

/// The client, where it is an address. `[local]`, which is a socket of the server, and names of hosts are none.
pub(super) fn address(detection: &Detection) -> Option<IpAddr> {
    detection.client.parse().ok()
}

/// The server's process, where one alone did it.
pub(super) fn process(detection: &Detection) -> Option<u32> {
    detection.process.as_deref()?.parse().ok()
}

/// The identity, where it is an email address. It is more strict than RFC 5322: other systems refuse what they do not take for
/// an address.
pub(super) fn email(detection: &Detection) -> Option<&str> {
    let identity = detection.identity.as_deref()?;
    let (local, domain) = identity.split_once('@')?;
    let is_local =
        |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte);
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_email = !local.is_empty()
        && local.bytes().all(is_local)
        && domain.contains('.')
        && domain.split('.').all(is_label);
    is_email.then_some(identity)
}

/// One line for people: `alice@shop: SELECT on public.customers`.
pub(super) fn title(detection: &Detection) -> String {
    let mut title = match known(&detection.user) {
        Some(user) => plain(user),
        None => "unknown user".to_owned(),
    };
    // Writing to a text cannot fail.
    if let Some(database) = known(&detection.database) {
        let _ = write!(title, "@{}", plain(database));
    }
    match known(&detection.command) {
        Some(words) if is_refusal(detection) => {
            let _ = write!(title, ": refused: {}", plain(words));
        }
        Some(command) => {
            let _ = write!(title, ": {}", plain(command));
        }
        None => title.push_str(": an entry that cannot be read"),
    }
    if let Some(object) = known(&detection.object) {
        let _ = write!(title, " on {}", plain(object));
    }
    title
}

/// A few sentences for people, in one line: how often, when, from where, and how much it matters.
pub(super) fn description(detection: &Detection) -> String {
    let many = |count: u64, one: &str| {
        let ending = if count == 1 { "" } else { "s" };
        format!("{count} {one}{ending}")
    };
    let mut text = format!(
        "{} in {}",
        many(detection.statements, "statement"),
        many(detection.records, "record")
    );
    if let Some(class) = known(&detection.class) {
        let _ = write!(text, " of {}", plain(class));
    }
    if let Some(client) = known(&detection.client) {
        let _ = write!(text, " from {}", plain(client));
    }
    let _ = write!(
        text,
        " on cluster {} ({}), between {} and {}.",
        plain(&detection.cluster),
        plain(&detection.environment),
        detection.first_seen,
        detection.last_seen
    );
    let _ = write!(text, " Severity {}", detection.severity.name());
    match detection.severity_reason.as_str() {
        "" => text.push('.'),
        reason => {
            let _ = write!(text, ": {}.", plain(reason));
        }
    }
    if let Some(grant) = &detection.expected {
        let _ = write!(text, " Expected under the access grant {}", plain(grant));
        if let Some(until) = &detection.expected_until {
            let _ = write!(text, " until {}", plain(until));
        }
        text.push('.');
    }
    if detection.not_judged > 0 {
        let _ = write!(
            text,
            " {} could not be judged one by one.",
            many(detection.not_judged, "record")
        );
    }
    if detection.incomplete {
        text.push_str(" The window held more groups than one query returns.");
    }
    text
}

/// A text of the policy that other systems look up, cut where they would leave it out.
pub(super) fn looked_up(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(LOOKED_UP) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()).into(),
        None => text.into(),
    }
}

/// A name in a sentence: no character of it moves the cursor, hides, or turns the text around it.
fn plain(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    for (count, character) in name.chars().enumerate() {
        if count == IN_A_SENTENCE {
            plain.push('…');
            break;
        }
        if diagnostic::is_hostile(character) || character.is_control() {
            let _ = write!(plain, "\\u{{{:x}}}", u32::from(character));
        } else {
            plain.push(character);
        }
    }
    plain
}

#[cfg(test)]
#[path = "finding_tests.rs"]
mod tests;
