//! What stands at each role now: its settings, and the fingerprint of what was last applied.

use std::collections::BTreeMap;

use super::snapshot::{Role, Setting, Snapshot};
use crate::compile::audit_setting::{FINGERPRINT, LOG_MIN_MESSAGES};
use crate::compile::enrolment::fingerprint;

/// What a comment begins with that pgvigil wrote.
pub const COMMENT: &str = "audited by pgvigil ";

#[derive(Debug)]
pub struct Live<'a> {
    pub role: &'a Role,
    /// pgAudit's settings, but for `pgaudit.role`, which adds records and takes none away.
    pub settings: Vec<&'a Setting>,
    /// `log_min_messages`.
    pub log_level: Vec<&'a Setting>,
    /// What was last applied; absent where pgvigil applied nothing.
    pub applied: Option<&'a str>,
    /// It is noted in a setting of our own.
    pub has_note: bool,
    /// It is noted in the comment.
    pub has_comment: bool,
    /// The comment is somebody else's.
    pub has_own_comment: bool,
}

impl Live<'_> {
    /// The digest of what is live.
    pub fn fingerprint(&self) -> String {
        fingerprint(
            self.settings
                .iter()
                .map(|s| (s.database.as_str(), s.name.as_str(), s.value.as_str())),
        )
    }

    /// The value of a setting in every database.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.settings
            .iter()
            .find(|setting| setting.database.is_empty() && setting.name == name)
            .map(|setting| setting.value.as_str())
    }
}

/// Every role, by name.
pub fn live(snapshot: &Snapshot) -> BTreeMap<&str, Live<'_>> {
    let mut all: BTreeMap<&str, Live<'_>> = snapshot
        .roles
        .iter()
        .map(|role| {
            let applied = role.comment.as_deref().and_then(noted);
            let live = Live {
                role,
                settings: Vec::new(),
                log_level: Vec::new(),
                applied,
                has_note: false,
                has_comment: applied.is_some(),
                has_own_comment: role.comment.is_some() && applied.is_none(),
            };
            (role.name.as_str(), live)
        })
        .collect();
    for setting in &snapshot.settings {
        let Some(live) = all.get_mut(setting.role.as_str()) else {
            continue;
        };
        match setting.name.as_str() {
            FINGERPRINT if setting.database.is_empty() && is_fingerprint(&setting.value) => {
                live.has_note = true;
                // Where comments are what is written, they are what counts.
                if !(snapshot.server.is_managed && live.has_comment) {
                    live.applied = Some(&setting.value);
                }
            }
            LOG_MIN_MESSAGES => live.log_level.push(setting),
            "pgaudit.role" => {}
            name if name.starts_with("pgaudit.") => live.settings.push(setting),
            _ => {}
        }
    }
    all
}

/// The fingerprint in a comment of ours.
fn noted(comment: &str) -> Option<&str> {
    comment
        .strip_prefix(COMMENT)
        .filter(|print| is_fingerprint(print))
}

fn is_fingerprint(text: &str) -> bool {
    text.strip_prefix("1-").is_some_and(|digits| {
        digits.len() == 16
            && digits
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}
