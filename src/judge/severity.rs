//! How much an entry that counts matters, and why. A severity decides no verdict.
//!
//! The highest severity of the entries that apply decides. What a person types can raise it: a record that names a setting of
//! the audit log has `high` at least, and an entry that cannot be read for certain the highest that the policy has. Nothing
//! that is typed can lower it: a severity below `medium` needs a record that is readable in one way only, and a statement that
//! does nothing but use relations.

use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};

use super::facts::Facts;
use super::grants::{more_than_relations, name_of};
use super::judging::{Read, names};
use super::records::{RuleRecords, Seen};
use super::scope;
use crate::audit_log::object_name::QualifiedName;
use crate::policy::model::{self, Severity, Signal};

/// The severity of an entry that counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Graded {
    pub severity: Severity,
    /// Why, in words of the policy or of pgvigil.
    pub reason: Arc<str>,
}

/// One entry of `sensitivity`, as far as the judge looks at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSensitivity {
    pub severity: Severity,
    /// Names of signals; any of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signals: Option<Vec<String>>,
    #[serde(default)]
    pub records: RuleRecords,
    pub reason: String,
}

impl RuleSensitivity {
    /// What the judge looks at of an entry.
    pub fn of(entry: &model::Sensitivity) -> Self {
        Self {
            severity: entry.severity,
            signals: entry.signals.as_ref().map(|signals| {
                signals
                    .iter()
                    .map(|signal| signal.name().to_owned())
                    .collect()
            }),
            records: RuleRecords::of(&entry.records),
            reason: entry.records.reason.clone(),
        }
    }
}

/// The entries, the highest severity first.
#[derive(Debug, Default)]
pub(super) struct Tiers(Vec<Tier>);

#[derive(Debug)]
struct Tier {
    signals: Option<Vec<Signal>>,
    records: RuleRecords,
    graded: Graded,
}

impl Graded {
    pub(crate) fn of(severity: Severity, reason: &'static str) -> Self {
        static REASONS: LazyLock<[(&str, Arc<str>); 6]> =
            LazyLock::new(|| REASONS_OF.map(|reason| (reason, reason.into())));
        let known = REASONS.iter().find(|(text, _)| *text == reason);
        Self {
            severity,
            reason: known.map_or_else(|| reason.into(), |(_, shared)| Arc::clone(shared)),
        }
    }

    /// `high (card data)`; of what no entry applies to, the severity alone.
    pub fn described(&self) -> String {
        let name = self.severity.name();
        if *self == Self::usual() {
            name.to_owned()
        } else {
            format!("{name} ({})", self.reason)
        }
    }

    /// Of what no entry applies to.
    pub(crate) fn usual() -> Self {
        Self::of(Severity::Medium, USUAL)
    }

    /// Of attempts that are told together: the severity of the gravest.
    pub(crate) fn together(severity: Severity) -> Self {
        Self::of(severity, TOGETHER)
    }
}

const USUAL: &str = "no entry of `sensitivity` applies";
const UNJUDGED: &str = "pgvigil did not judge it";
const TOGETHER: &str = "several attempts are shown together";
const IN_DOUBT: &str = "pgvigil cannot read the entry for certain";
const TAMPERS: &str = "it names a setting that decides what is logged";
const MORE: &str = "the statement does more than an entry with a lower severity allows";
const REASONS_OF: [&str; 6] = [USUAL, UNJUDGED, TOGETHER, IN_DOUBT, TAMPERS, MORE];

impl Tiers {
    pub(super) fn of(entries: &[RuleSensitivity]) -> Self {
        let mut tiers: Vec<Tier> = entries
            .iter()
            .map(|entry| Tier {
                signals: entry.signals.as_ref().map(|names| {
                    names
                        .iter()
                        .filter_map(|name| Signal::named(name))
                        .collect()
                }),
                records: entry.records.clone(),
                graded: Graded {
                    severity: entry.severity,
                    reason: entry.reason.as_str().into(),
                },
            })
            .collect();
        // Stable: of two that are alike the first in the policy gives the reason.
        tiers.sort_by_key(|tier| std::cmp::Reverse(tier.graded.severity));
        Self(tiers)
    }

    /// The severity of an entry that counts.
    pub(super) fn grade(&self, text: &[u8], read: Read<'_, '_>, signals: &[Signal]) -> Graded {
        let found = match read {
            Read::Nothing | Read::InDoubt => return self.uncertain(IN_DOUBT),
            Read::Refusal(prefix) => self.highest(
                &Seen {
                    user: prefix.user,
                    database: prefix.database,
                    class: prefix.level,
                    ..Seen::default()
                },
                signals,
            ),
            Read::Told(prefix, told) => self.of_readings(
                prefix,
                Seen {
                    class: prefix.level,
                    command: told.command().as_bytes(),
                    ..Seen::default()
                },
                signals,
            ),
            Read::Record(prefix, record) | Read::Names(prefix, record) => {
                let object = record.object_name.map(|name| name.decoded());
                let name = object.as_deref().and_then(QualifiedName::parse);
                let parts = name.and_then(|name| Some((name.schema?.value(), name.name.value())));
                let seen = Seen {
                    user: prefix.user,
                    database: prefix.database,
                    class: record.class,
                    command: record.command,
                    object: parts
                        .as_ref()
                        .map(|(schema, relation)| (&**schema, &**relation)),
                };
                if let Read::Names(..) = read {
                    self.of_readings(prefix, seen, signals)
                } else {
                    self.highest(&seen, signals)
                }
            }
        };
        let found = match found {
            Some(graded) if graded.severity < Severity::Medium && !is_plain(read) => {
                Graded::of(Severity::Medium, MORE)
            }
            Some(graded) => graded,
            None => Graded::usual(),
        };
        if found.severity < Severity::High && scope::tampers(text) {
            return Graded::of(Severity::High, TAMPERS);
        }
        found
    }

    /// Of what no one judged.
    pub(super) fn unjudged(&self) -> Graded {
        self.uncertain(UNJUDGED)
    }

    /// Somebody who makes an entry unreadable, or writes so much that it is not judged, hides which entry would apply.
    fn uncertain(&self, reason: &'static str) -> Graded {
        let highest = self.0.first().map(|tier| tier.graded.severity);
        Graded::of(highest.unwrap_or_default().max(Severity::High), reason)
    }

    fn highest(&self, seen: &Seen<'_>, signals: &[Signal]) -> Option<Graded> {
        let mut tiers = self.0.iter();
        let tier = tiers.find(|tier| {
            let has_signal = tier
                .signals
                .as_ref()
                .is_none_or(|of| of.iter().any(|signal| signals.contains(signal)));
            has_signal && tier.records.holds(seen)
        })?;
        Some(tier.graded.clone())
    }

    /// The highest of every reading of a prefix whose role and database cannot be told apart.
    fn of_readings(
        &self,
        prefix: &crate::audit_log::prefix::Prefix<'_>,
        seen: Seen<'_>,
        signals: &[Signal],
    ) -> Option<Graded> {
        let readings = names(prefix);
        let graded = readings.iter().filter_map(|(user, database)| {
            let seen = Seen {
                user,
                database,
                ..seen
            };
            self.highest(&seen, signals)
        });
        graded.max_by_key(|graded| graded.severity)
    }
}

/// Whether an entry is a record of one reading whose statement does nothing but use relations.
fn is_plain(read: Read<'_, '_>) -> bool {
    let Read::Record(prefix, record) = read else {
        return false;
    };
    let has_certain_name = record
        .object_name
        .is_none_or(|name| name_of(&name.decoded()).is_some());
    has_certain_name && more_than_relations(&Facts::of(prefix, record, None)).is_none()
}

#[cfg(test)]
mod tests;
