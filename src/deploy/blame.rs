//! Who changed what drifted, as the provider's own record of calls says.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document::Kind;
use super::drift::DriftReport;
use super::port::CloudError;

/// Resources that are asked about in one run: the record answers slowly, and others of the account ask it too.
pub const MOST_ASKED: usize = 20;

/// Deeds that are told of one resource: the newest.
const MOST_TOLD: usize = 3;

/// A call that changed a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Deed {
    /// When.
    #[serde(serialize_with = "as_text", deserialize_with = "from_text")]
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Who: an ARN, or what the record names instead.
    pub who: String,
    /// The operation, such as `PutMetricAlarm`.
    pub operation: String,
    /// By which means: the program as it calls itself. It is the caller's own word.
    pub agent: String,
    /// From which address or service.
    pub source: String,
    /// Made by pgvigil, as far as the program's own word goes.
    pub by_pgvigil: bool,
}

fn as_text<S: serde::Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}

fn from_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    String::deserialize(deserializer)?
        .parse()
        .map_err(serde::de::Error::custom)
}

/// What is known about who changed a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Blame {
    /// These calls, newest first.
    Known {
        /// At least one.
        deeds: Vec<Deed>,
    },
    /// The record knows of no call that changed it.
    Nobody,
    /// It was not asked.
    NotAsked {
        /// Why.
        reason: String,
    },
}

/// The provider's record of calls.
pub trait Witness {
    /// Calls that changed a resource, newest first. `None` where the record cannot be asked for such a resource.
    ///
    /// # Errors
    /// The record cannot be read.
    fn deeds(&self, kind: Kind, name: &str) -> Result<Option<Vec<Deed>>, CloudError>;
}

/// Asks who changed each resource that drifted; by address. What cannot be asked is said, and stops nothing.
pub fn blame(report: &DriftReport, witness: &dyn Witness) -> BTreeMap<String, Blame> {
    let mut told: BTreeMap<(Kind, String), Blame> = BTreeMap::new();
    let mut refused: Option<CloudError> = None;
    let mut blames = BTreeMap::new();
    for drift in &report.drift {
        let Some(kind) = drift.kind else { continue };
        let name = drift
            .address
            .splitn(3, '/')
            .nth(2)
            .unwrap_or_default()
            .to_owned();
        let key = (kind, name);
        let blame = match told.get(&key) {
            Some(blame) => blame.clone(),
            None if told.len() >= MOST_ASKED => not_asked(format!(
                "CloudTrail is queried for the first {MOST_ASKED} resources of a report only"
            )),
            None => match &refused {
                Some(error) => not_asked(error.to_string()),
                None => {
                    let blame = match witness.deeds(kind, &key.1) {
                        Ok(None) => not_asked(
                            "CloudTrail cannot be searched for this kind of resource".to_owned(),
                        ),
                        Ok(Some(deeds)) => newest(deeds),
                        Err(error) => {
                            let blame = not_asked(error.to_string());
                            refused = Some(error);
                            blame
                        }
                    };
                    told.insert(key, blame.clone());
                    blame
                }
            },
        };
        blames.insert(drift.address.clone(), blame);
    }
    blames
}

fn not_asked(reason: String) -> Blame {
    Blame::NotAsked { reason }
}

/// The newest deeds of others; of pgvigil itself only where nobody else did anything.
fn newest(deeds: Vec<Deed>) -> Blame {
    let (own, others): (Vec<Deed>, Vec<Deed>) = deeds.into_iter().partition(|deed| deed.by_pgvigil);
    let mut deeds = if others.is_empty() { own } else { others };
    deeds.truncate(MOST_TOLD);
    if deeds.is_empty() {
        Blame::Nobody
    } else {
        Blame::Known { deeds }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::deploy::drift::DriftReport;
    use crate::deploy::plan::Drift;
    use crate::deploy::port::Identity;
    use crate::deploy::verdict::Verdict;

    struct Record {
        asked: Cell<usize>,
        answer: Result<Option<Vec<Deed>>, CloudError>,
    }

    impl Witness for Record {
        fn deeds(&self, _kind: Kind, _name: &str) -> Result<Option<Vec<Deed>>, CloudError> {
            self.asked.set(self.asked.get() + 1);
            self.answer.clone()
        }
    }

    fn report(count: usize) -> DriftReport {
        let drift = |number| Drift {
            address: format!("orders/alarm/a-{number}"),
            kind: Some(Kind::Alarm),
            verdict: Verdict::Drifted,
            changes: Vec::new(),
            note: None,
        };
        DriftReport {
            format_version: 1,
            identity: Identity {
                provider: "aws".to_owned(),
                account: String::new(),
                region: String::new(),
                environment: String::new(),
                clusters: Vec::new(),
            },
            outcome: None,
            drift: (0..count).map(drift).collect(),
            alterations: Vec::new(),
            alike: Vec::new(),
            rules: Vec::new(),
            unread: Vec::new(),
            notes: BTreeMap::new(),
            blame: BTreeMap::new(),
        }
    }

    fn deed(second: i64, by_pgvigil: bool) -> Deed {
        Deed {
            at: Timestamp::from_second(second).unwrap(),
            who: "somebody".to_owned(),
            operation: "PutMetricAlarm".to_owned(),
            agent: String::new(),
            source: String::new(),
            by_pgvigil,
        }
    }

    #[test]
    fn the_record_is_asked_a_bounded_number_of_times() {
        let record = Record {
            asked: Cell::new(0),
            answer: Ok(Some(Vec::new())),
        };
        let blames = blame(&report(50), &record);
        assert_eq!(record.asked.get(), MOST_ASKED);
        assert_eq!(blames.len(), 50);
        let nobody = blames.values().filter(|blame| **blame == Blame::Nobody);
        assert_eq!(nobody.count(), MOST_ASKED);
    }

    #[test]
    fn a_record_that_cannot_be_read_is_asked_once() {
        let record = Record {
            asked: Cell::new(0),
            answer: Err(CloudError::Throttled {
                message: "slow down".to_owned(),
            }),
        };
        let blames = blame(&report(3), &record);
        assert_eq!(record.asked.get(), 1);
        assert!(
            blames
                .values()
                .all(|blame| matches!(blame, Blame::NotAsked { .. }))
        );
    }

    #[test]
    fn others_are_told_before_pgvigil_itself() {
        let deeds = vec![deed(5, true), deed(4, false), deed(3, true)];
        assert_eq!(
            newest(deeds),
            Blame::Known {
                deeds: vec![deed(4, false)]
            }
        );
        let own = (0..9).map(|second| deed(second, true)).collect();
        assert!(matches!(newest(own), Blame::Known { deeds } if deeds.len() == MOST_TOLD));
    }
}
