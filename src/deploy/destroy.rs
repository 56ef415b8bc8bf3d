//! The plan that takes an environment down: what pgvigil made goes, what holds evidence stays and says why.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::document::{Document, Kind, Ownership};
use super::obstacle::Reservations;
use super::plan::{
    Action, FORMAT_VERSION, Plan, PlanError, Planned, Purpose, Survey, Unread, same_place,
};
use super::port::{CloudError, Found, Identity, Reader, Reading};
use super::prune::refuse_orphaned_topics;
use super::verdict::{Outcome, Verdict, judge};

/// What is kept unless it is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Also {
    /// The keys and their names.
    Key,
    Topic,
}

/// Days between the deletion of a key and its end: the longest that `ScheduleKeyDeletion` takes.
pub const KEY_DELETION_DAYS: u32 = 30;

/// What the deletion of a key means; it names [`KEY_DELETION_DAYS`].
pub(super) const KEY_ENDS: &str =
    "scheduled for deletion: it is deleted after 30 days, and can be restored until then";

/// Plans the removal of everything that pgvigil made for an environment, the schedule first. The plan is
/// carried out as any other is.
pub fn destroy(
    identity: &Identity,
    documents: &[Document],
    reader: &dyn Reader,
    also: &BTreeSet<Also>,
) -> Result<Plan, PlanError> {
    same_place(identity, reader)?;
    let documents: Vec<&Document> = documents.iter().collect();
    let survey = Survey::take(identity, &documents, reader);
    let mut unread = Vec::new();
    let mut found = match survey.found {
        Ok(found) => found,
        Err(error) => {
            unread.push(Unread {
                address: "the list of resources".to_owned(),
                error: error.to_string(),
            });
            Vec::new()
        }
    };
    let listed: BTreeSet<&str> = found.iter().map(|found| found.address.as_str()).collect();
    let mut asked = BTreeMap::new();
    for (document, reading) in documents.iter().zip(&survey.readings) {
        match reading {
            Err(error) => unread.push(Unread {
                address: document.address.clone(),
                error: error.to_string(),
            }),
            Ok(Reading::Present(_))
                if unread.is_empty() && !listed.contains(document.address.as_str()) =>
            {
                unread.push(Unread {
                    address: document.address.clone(),
                    error: "it exists, but the provider does not list it".to_owned(),
                });
            }
            Ok(_) => {}
        }
        asked.insert(document.address.clone(), (*document, reading));
    }
    found.sort_by(|left, right| {
        (Reverse(left.kind), &left.address).cmp(&(Reverse(right.kind), &right.address))
    });
    let resources: Vec<Planned> = found
        .iter()
        .map(|found| planned(found, asked.get(&found.address).copied(), also))
        .collect();
    refuse_orphaned_topics(&resources)?;
    Ok(Plan {
        format_version: FORMAT_VERSION,
        purpose: Purpose::Destroy,
        identity: identity.clone(),
        resources,
        drift: Vec::new(),
        rules: Vec::new(),
        obstacles: Vec::new(),
        reservations: Reservations::default(),
        alterations: Vec::new(),
        unread,
    })
}

fn planned(
    found: &Found,
    asked: Option<(&Document, &Result<Reading, CloudError>)>,
    also: &BTreeSet<Also>,
) -> Planned {
    let verdict = asked.map_or(Verdict::Extra, |(document, reading)| {
        judge(document, reading).0
    });
    let is_adopted = asked.is_some_and(|(document, _)| document.ownership == Ownership::Adopted);
    let (action, note) = match found.kind {
        None => (Action::None, Some("not made by pgvigil: never touched")),
        Some(Kind::LogGroup) if is_adopted => (
            Action::None,
            Some("kept: the cluster's own log, which RDS made and which contains the evidence"),
        ),
        Some(kind) if kind.is_protected() => (
            Action::None,
            Some("kept: a log group contains the evidence of detections, so it is never deleted"),
        ),
        Some(Kind::KmsKey | Kind::KmsAlias) if !also.contains(&Also::Key) => (
            Action::None,
            Some(
                "kept: data encrypted with the key cannot be read without it; `--also key` deletes it",
            ),
        ),
        Some(Kind::SnsTopic) if !also.contains(&Also::Topic) => (
            Action::None,
            Some("kept: other alarms might send to it; `--also topic` deletes it"),
        ),
        Some(_) if asked.is_none() && found.applied.is_none() => (
            Action::None,
            Some(
                "kept: nothing shows that pgvigil made it; `plan --prune` deletes it if you name it",
            ),
        ),
        Some(Kind::KmsKey) => (Action::Delete, Some(KEY_ENDS)),
        Some(_) => (Action::Delete, None),
    };
    Planned {
        address: found.address.clone(),
        kind: found.kind,
        name: found.name.clone(),
        action,
        verdict,
        outcome: Outcome::new(action == Action::Delete, false),
        changes: Vec::new(),
        desired_digest: None,
        live_digest: found.digest.clone(),
        remember: false,
        note: note.map(str::to_owned),
        desired: None,
    }
}
