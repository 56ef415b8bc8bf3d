//! What became of one resource since it was last applied, and what became of all of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::document::{Document, Fingerprint};
use super::port::{CloudError, Reading};

/// What changed: the files, the deployed resource, or both.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Live is as the files declare.
    Clean,
    /// The files moved; live is as last applied, or was never applied.
    Pending,
    /// The deployed resource changed; the files did not.
    Drifted,
    /// Both moved, or what was last applied is no longer known.
    Both,
    /// It was deleted outside pgvigil.
    Missing,
    /// It is live and no file asks for it.
    Extra,
    /// It could not be read: nothing is known.
    Unreadable,
}

impl Verdict {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Pending => "pending",
            Self::Drifted => "drifted",
            Self::Both => "both",
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Unreadable => "unreadable",
        }
    }

    /// What the word means, in one line.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Clean => "the deployed resource is as the files declare",
            Self::Pending => "the files changed since the last apply; the resource did not",
            Self::Drifted => "the resource changed since the last apply; the files did not",
            Self::Both => "both changed, or the last apply is unknown",
            Self::Missing => "it was applied once, but has been deleted since",
            Self::Extra => "it is deployed, but no file declares it",
            Self::Unreadable => "it could not be read, so it could not be checked",
        }
    }
}

/// What a plan or a drift report comes to.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing to do.
    Clean,
    /// The repository moved.
    Pending,
    /// Somebody changed live.
    Drifted,
    /// Both.
    Both,
}

impl Outcome {
    /// The outcome of who moved.
    pub fn new(repository_moved: bool, live_moved: bool) -> Self {
        match (repository_moved, live_moved) {
            (false, false) => Self::Clean,
            (true, false) => Self::Pending,
            (false, true) => Self::Drifted,
            (true, true) => Self::Both,
        }
    }

    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Pending => "pending",
            Self::Drifted => "drifted",
            Self::Both => "both",
        }
    }

    /// Says whether the repository moved.
    pub fn repository_moved(self) -> bool {
        matches!(self, Self::Pending | Self::Both)
    }

    /// Says whether somebody changed live.
    pub fn live_moved(self) -> bool {
        matches!(self, Self::Drifted | Self::Both)
    }
}

/// Judges a resource that a file asks for, with who moved.
///
/// Live that already is as the files declare is clean, however it came to be so. Where no fingerprint stands beside a
/// resource of ours that differs, it cannot be told who moved: that is `Both`, the louder of the two. A resource
/// that we only adopt was never ours before its first apply: that is `Pending`.
pub fn judge(document: &Document, reading: &Result<Reading, CloudError>) -> (Verdict, Outcome) {
    let desired = Fingerprint::of_document(document);
    match reading {
        Err(_) => (Verdict::Unreadable, Outcome::Clean),
        Ok(Reading::Absent { applied: None }) => (Verdict::Pending, Outcome::Pending),
        Ok(Reading::Absent {
            applied: Some(applied),
        }) => (Verdict::Missing, Outcome::new(*applied != desired, true)),
        Ok(Reading::Present(live)) => {
            let now = live_fingerprint(document, &live.properties);
            let adopting = document.ownership == super::document::Ownership::Adopted;
            let verdict = match &live.applied {
                _ if now == desired => Verdict::Clean,
                None if adopting => Verdict::Pending,
                None => Verdict::Both,
                Some(applied) if *applied == now => Verdict::Pending,
                Some(applied) if *applied == desired => Verdict::Drifted,
                Some(_) => Verdict::Both,
            };
            let outcome = match verdict {
                Verdict::Clean => Outcome::Clean,
                Verdict::Pending => Outcome::Pending,
                Verdict::Drifted => Outcome::Drifted,
                _ => Outcome::Both,
            };
            (verdict, outcome)
        }
    }
}

/// The fingerprint of live properties, in the form of the document's.
pub(super) fn live_fingerprint(document: &Document, properties: &Value) -> Fingerprint {
    Fingerprint::of(document.kind, properties)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::compile::resources::testing;
    use crate::deploy::document::{Kind, Ownership};
    use crate::deploy::port::Live;

    /// One row for each combination of what the files say (1 or 2), what is live, and what was last applied.
    #[test]
    fn table_of_verdicts() {
        use Verdict::{Both, Clean, Drifted, Missing, Pending};
        let document = testing::documents(&testing::local("dev", &["demo"]))
            .into_iter()
            .find(|document| document.kind == Kind::SavedQuery)
            .unwrap();
        let value = |number: u32| json!({ "query": number });
        let print = |number: u32| Fingerprint::of(Kind::SavedQuery, &value(number));
        let owned = [
            // desired, live, applied, verdict, who moved
            (1, Some(1), Some(1), Clean, Outcome::Clean),
            (2, Some(2), Some(1), Clean, Outcome::Clean),
            (1, Some(1), None, Clean, Outcome::Clean),
            (2, Some(1), Some(1), Pending, Outcome::Pending),
            (1, Some(2), Some(1), Drifted, Outcome::Drifted),
            (3, Some(2), Some(1), Both, Outcome::Both),
            (1, Some(2), None, Both, Outcome::Both),
            (1, None, None, Pending, Outcome::Pending),
            (1, None, Some(1), Missing, Outcome::Drifted),
            (2, None, Some(1), Missing, Outcome::Both),
        ];
        for (desired, live, applied, verdict, outcome) in owned {
            let document = Document {
                properties: value(desired),
                ..document.clone()
            };
            let applied = applied.map(print);
            let reading = match live {
                Some(live) => Reading::Present(Live {
                    properties: value(live),
                    applied,
                    note: None,
                }),
                None => Reading::Absent { applied },
            };
            let row = format!("{desired} {live:?}");
            assert_eq!(judge(&document, &Ok(reading)), (verdict, outcome), "{row}");
        }
        let adopted = Document {
            properties: value(1),
            ownership: Ownership::Adopted,
            ..document.clone()
        };
        let live = Reading::Present(Live {
            properties: value(2),
            applied: None,
            note: None,
        });
        assert_eq!(judge(&adopted, &Ok(live)), (Pending, Outcome::Pending));
        let error = CloudError::Throttled {
            message: "slow down".to_owned(),
        };
        assert_eq!(judge(&document, &Err(error)).0, Verdict::Unreadable);
    }

    #[test]
    fn a_fingerprint_of_another_shape_says_nothing() {
        let print = Fingerprint::of(Kind::Alarm, &json!({}));
        assert_eq!(
            Fingerprint::parse(&format!("{print}\n")),
            Some(print.clone())
        );
        assert_eq!(
            Fingerprint::parse(&print.as_str().replacen("1-", "2-", 1)),
            None
        );
        assert_eq!(Fingerprint::parse(""), None);
        assert_ne!(print, Fingerprint::of(Kind::LogGroup, &json!({})));
    }
}
