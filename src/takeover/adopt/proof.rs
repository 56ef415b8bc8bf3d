//! Whether pgvigil's own stack runs: the only reason to stop another one.

#![expect(
    clippy::indexing_slicing,
    reason = "a JSON value answers null for what it does not have"
)]

use jiff::Timestamp;
use serde::Serialize;

use super::port::{Search, Watched};
use super::remains::Remains;
use crate::deploy::document::{Document, Kind};
use crate::deploy::plan::Plan;

/// Runs whose points must be there, in as many periods as [`PERIODS`].
const RUNS: usize = 2;

/// Periods that are looked at. The newest may not have ended.
pub const PERIODS: u32 = 4;

/// Periods within which the newest point must lie: the running one, the one before, and one that settles.
const FRESH: u32 = 3;

/// A heartbeat's metric, as its alarm watches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    pub cluster: String,
    pub namespace: String,
    pub metric: String,
    pub dimensions: Vec<(String, String)>,
    /// Seconds between two runs.
    pub period_seconds: i32,
}

impl Heartbeat {
    /// The heartbeats of an environment's documents, one for each cluster.
    pub fn all(documents: &[Document]) -> Vec<Self> {
        let alarms = documents.iter().filter(|document| {
            document.kind == Kind::Alarm && document.name.ends_with("-heartbeat")
        });
        alarms
            .map(|alarm| {
                let text = |key: &str| {
                    alarm.properties[key]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned()
                };
                let dimensions = alarm.properties["dimensions"].as_object();
                let seconds = alarm.properties["period_seconds"].as_i64();
                Self {
                    cluster: cluster_of(&alarm.address).to_owned(),
                    namespace: text("namespace"),
                    metric: text("metric"),
                    dimensions: dimensions
                        .into_iter()
                        .flatten()
                        .map(|(name, value)| {
                            (name.clone(), value.as_str().unwrap_or_default().to_owned())
                        })
                        .collect(),
                    period_seconds: seconds
                        .and_then(|seconds| i32::try_from(seconds).ok())
                        .unwrap_or(300),
                }
            })
            .collect()
    }
}

/// The cluster of an address.
pub(super) fn cluster_of(address: &str) -> &str {
    address.split('/').next().unwrap_or_default()
}

/// Points of a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beats {
    /// Beginnings of the periods that have one, over the last [`PERIODS`].
    pub periods: Vec<Timestamp>,
    /// When they were asked for.
    pub now: Timestamp,
}

/// One thing that must hold, and whether it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proof {
    pub holds: bool,
    /// What was looked at, with what was seen.
    pub sentence: String,
}

fn proof(holds: bool, sentence: String) -> Proof {
    Proof { holds, sentence }
}

/// What must hold before an old schedule is stopped and, with `delete`, before the old alarms go.
pub fn proofs(
    plan: &Plan,
    heartbeats: &[Heartbeat],
    beats: &[Beats],
    search: &Search,
    remains: &Remains,
    delete: bool,
) -> Vec<Proof> {
    let mut all = vec![if plan.is_empty() {
        proof(true, "pgvigil's own stack matches the files".to_owned())
    } else {
        let counts = plan.counts();
        let left = counts.create + counts.change + counts.delete;
        proof(
            false,
            format!(
                "pgvigil's own stack does not match the files: {left} to change, {} not read; run `pgvigil apply` first",
                counts.unread
            ),
        )
    }];
    for (heartbeat, beats) in heartbeats.iter().zip(beats) {
        all.push(alive(heartbeat, beats));
    }
    if beats.len() != heartbeats.len() || heartbeats.len() != search.watched.len() {
        all.push(proof(false, "not every cluster has a heartbeat".to_owned()));
    }
    if delete {
        all.extend(search.watched.iter().map(|watched| heard(watched, remains)));
        all.push(proof(
            remains.unread.is_empty(),
            match remains.unread.len() {
                0 => "all parts of the old stacks could be read".to_owned(),
                unread => format!("{unread} parts of the old stacks could not be read"),
            },
        ));
    }
    all
}

/// The monitor of one cluster runs, and ran before: the time since the old one's last run is covered.
fn alive(heartbeat: &Heartbeat, beats: &Beats) -> Proof {
    let cluster = &heartbeat.cluster;
    let within = i64::from(heartbeat.period_seconds) * i64::from(FRESH);
    let newest = beats.periods.iter().max();
    let seen = beats.periods.len();
    let is_fresh =
        newest.is_some_and(|newest| beats.now.duration_since(*newest).as_secs() <= within);
    let sentence = match newest {
        None => format!("pgvigil's monitor of {cluster} has not published its heartbeat yet"),
        Some(newest) => format!(
            "pgvigil's monitor of {cluster} published its heartbeat in {seen} of the last {PERIODS} periods, most recently in \
             that of {newest}; required: {RUNS} periods, one of them among the last {FRESH}"
        ),
    };
    proof(is_fresh && seen >= RUNS, sentence)
}

/// Every receiver of the old alarms also gets the new ones.
fn heard(watched: &Watched, remains: &Remains) -> Proof {
    let cluster = &watched.cluster;
    let own = remains
        .own_listeners
        .iter()
        .find(|(name, _)| name == cluster)
        .map(|(_, listeners)| listeners.as_slice())
        .unwrap_or_default();
    let confirmed: Vec<_> = own
        .iter()
        .filter(|listener| listener.is_confirmed)
        .collect();
    if confirmed.is_empty() {
        return proof(
            false,
            format!("no one confirmed a subscription to pgvigil's topic of {cluster}"),
        );
    }
    let deaf: Vec<String> = remains
        .topics_of(&watched.log_group)
        .flat_map(|topic| &topic.subscriptions)
        .filter(|old| old.is_confirmed && !confirmed.iter().any(|new| new.is_same(old)))
        .map(super::remains::Subscription::name)
        .collect();
    if deaf.is_empty() {
        return proof(
            true,
            format!(
                "{} confirmed subscriptions to pgvigil's topic of {cluster}, including every receiver of the old alarms",
                confirmed.len()
            ),
        );
    }
    proof(
        false,
        format!(
            "these receivers get the old alarms of {cluster}, but not pgvigil's: {}",
            deaf.join(", ")
        ),
    )
}
