//! The detections of a report: who did what to what on one day, under which grant.
//!
//! Detection records and judged logs lead to the same groups. A group has an id, so that a note in Git can name it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use sha2::{Digest, Sha256};

use crate::digest::hex;
use crate::policy::model::{Severity, Signal};

/// Hexadecimal digits of an id.
const ID_DIGITS: usize = 12;

/// Addresses, session names and digests that are kept of a group, each.
const KEPT: usize = 20;

/// What is not known for certain.
pub(super) const UNKNOWN: &str = "-";

/// What makes a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The day in UTC on which the first record was written; none where a record has no time that can be read.
    pub day: Option<Date>,
    /// The cluster.
    pub cluster: String,
    /// Role.
    pub user: String,
    /// Database.
    pub database: String,
    /// Class of pgAudit; the level of a refusal.
    pub class: String,
    /// Command; the message of a refusal.
    pub command: String,
    /// Object.
    pub object: String,
    /// The access grant that covers it; none if it is not expected.
    pub expected: Option<String>,
}

/// How much there was of a group, when, and what else is known of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sum {
    /// Statements.
    pub statements: u64,
    /// Records: a statement has one for each relation.
    pub records: u64,
    /// Records that no one judged one by one, and that count for that.
    pub not_judged: u64,
    /// When the first was written.
    pub first: Option<Timestamp>,
    /// When the last was written.
    pub last: Option<Timestamp>,
    /// The signals that count it.
    pub signals: BTreeSet<Signal>,
    /// The highest severity of its records, and the reason for it.
    pub severity: Severity,
    /// Why it has that severity.
    pub severity_reason: String,
    /// Addresses of clients.
    pub clients: BTreeSet<String>,
    /// What sessions called themselves, where several people use the role.
    pub session_names: BTreeSet<String>,
    /// Who answers for the role's entry in the policy.
    pub owner: Option<String>,
    /// The person's team.
    pub team: Option<String>,
    /// The person's name in single sign-on or IAM.
    pub identity: Option<String>,
    /// Digests of the rules that judged.
    pub rules: BTreeSet<String>,
}

/// Groups by what makes them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Groups(BTreeMap<Key, Sum>);

impl Key {
    /// What notes call the group: the same for the same group, on any machine and from any input.
    pub fn id(&self, environment: &str) -> String {
        let mut digest = Sha256::new();
        let day = self.day.map(|day| day.to_string()).unwrap_or_default();
        for part in [
            environment,
            &day,
            &self.cluster,
            &self.user,
            &self.database,
            &self.class,
            &self.command,
            &self.object,
            self.expected.as_deref().unwrap_or_default(),
        ] {
            // With its length, so that no two keys are the same text.
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part.as_bytes());
        }
        let mut id = hex(&digest.finalize());
        id.truncate(ID_DIGITS);
        id
    }
}

impl Sum {
    /// Adds another sum of the same group.
    pub fn add(&mut self, other: Self) {
        let Self {
            statements,
            records,
            not_judged,
            first,
            last,
            signals,
            severity,
            severity_reason,
            clients,
            session_names,
            owner,
            team,
            identity,
            rules,
        } = other;
        let is_first = self.records == 0 && self.not_judged == 0;
        self.statements = self.statements.saturating_add(statements);
        self.records = self.records.saturating_add(records);
        self.not_judged = self.not_judged.saturating_add(not_judged);
        self.first = self.first.into_iter().chain(first).min();
        let is_later = self.last < last;
        self.last = self.last.max(last);
        self.signals.extend(signals);
        if is_first || severity > self.severity {
            (self.severity, self.severity_reason) = (severity, severity_reason);
        }
        keep(&mut self.clients, clients);
        keep(&mut self.session_names, session_names);
        keep(&mut self.rules, rules);
        // What the policy said last.
        if is_later || self.owner.is_none() {
            self.owner = owner.or(self.owner.take());
            self.team = team.or(self.team.take());
            self.identity = identity.or(self.identity.take());
        }
    }
}

fn keep(known: &mut BTreeSet<String>, more: BTreeSet<String>) {
    for one in more {
        if known.len() < KEPT || known.contains(&one) {
            known.insert(one);
        }
    }
}

impl Groups {
    /// Adds to a group.
    pub fn add(&mut self, key: Key, sum: Sum) {
        match self.0.get_mut(&key) {
            Some(known) => known.add(sum),
            None => {
                self.0.insert(key, sum);
            }
        }
    }

    /// Adds all groups of others.
    pub fn append(&mut self, others: Self) {
        for (key, sum) in others.0 {
            self.add(key, sum);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In the order of day, cluster, role and so on.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Sum)> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key {
            day: Some("2026-12-01".parse().unwrap()),
            cluster: "orders".to_owned(),
            user: "alice".to_owned(),
            database: "shop".to_owned(),
            class: "READ".to_owned(),
            command: "SELECT".to_owned(),
            object: "public.cards".to_owned(),
            expected: None,
        }
    }

    #[test]
    fn an_id_depends_on_every_part_and_on_nothing_else() {
        let id = key().id("prod");
        assert_eq!(id.len(), ID_DIGITS);
        assert_eq!(id, key().id("prod"));
        let mut others = vec![key().id("stage")];
        let change = |change: &dyn Fn(&mut Key)| {
            let mut key = key();
            change(&mut key);
            key.id("prod")
        };
        others.push(change(&|key| key.day = None));
        others.push(change(&|key| key.cluster.push('x')));
        others.push(change(&|key| key.user.push('x')));
        others.push(change(&|key| key.database.push('x')));
        others.push(change(&|key| key.class.push('x')));
        others.push(change(&|key| key.command.push('x')));
        others.push(change(&|key| key.object.push('x')));
        others.push(change(&|key| key.expected = Some("CHG-1".to_owned())));
        // Parts do not run into each other.
        others.push(change(&|key| {
            key.user = "alices".to_owned();
            key.database = "hop".to_owned();
        }));
        others.push(id);
        let distinct: BTreeSet<&String> = others.iter().collect();
        assert_eq!(distinct.len(), others.len());
    }

    #[test]
    fn a_sum_keeps_the_highest_severity_and_a_bounded_number_of_names() {
        let mut sum = Sum::default();
        for number in 0..100 {
            sum.add(Sum {
                statements: 1,
                records: 1,
                severity: if number == 50 {
                    Severity::Critical
                } else {
                    Severity::Low
                },
                severity_reason: format!("reason {number}"),
                clients: BTreeSet::from([format!("10.0.0.{number}")]),
                ..Sum::default()
            });
        }
        assert_eq!(sum.statements, 100);
        assert_eq!(sum.severity, Severity::Critical);
        assert_eq!(sum.severity_reason, "reason 50");
        assert_eq!(sum.clients.len(), KEPT);
    }
}
