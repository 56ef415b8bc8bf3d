//! What is left of clusters that no file names any more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use serde_json::{Value, json};

use super::connect::Inner;
use super::look::log_group::{self, MONITORS};
use super::look::{alarm, function, log_alarm};
use super::names::{base_of, bases, prefix};
use super::note::{self, has_other_engine};
use super::service::{self, saved_query};
use super::sight::Sight;
use crate::compile::name::{PREFIX, chat_topic, query_role};
use crate::compile::resources::{DETECTIONS, ROLE};
use crate::deploy::document::{Document, Fingerprint, Kind, Ownership, Provenance};
use crate::deploy::port::{CloudError, Found, Live, Reading};
use crate::doctor::canary;
use crate::policy::model::Engine;

/// The cluster whose base this is, when it can be proven by the hash.
fn cluster_of(aws: &Inner, base: &str) -> Option<String> {
    let rest = base.strip_prefix(&prefix(aws))?;
    let (cluster, _) = rest.rsplit_once('-')?;
    bases(aws, cluster)
        .iter()
        .any(|candidate| candidate == base)
        .then(|| cluster.to_owned())
}

/// Shortest name whose cluster's part may have been cut, so that the hash proves nothing: one less than the limit, since
/// a hyphen at its end goes too.
const MAYBE_CUT: usize = 63;

/// The cluster of a base whose name does not hold the whole of it: what bears tags tells, and the hash proves it.
async fn tagged_cluster(
    aws: &Inner,
    sight: &Sight,
    base: &str,
) -> Result<Option<String>, CloudError> {
    if base.len() < MAYBE_CUT {
        return Ok(None);
    }
    let group = format!("{MONITORS}{base}");
    for tags in [
        function::tags(aws, sight, base).await?,
        log_group::tags(aws, sight, &group).await?,
    ] {
        let cluster = tags.and_then(|tags| tags.get("pgvigil:cluster").cloned());
        if let Some(cluster) = cluster
            && bases(aws, &cluster).iter().any(|other| other == base)
        {
            return Ok(Some(cluster));
        }
    }
    Ok(None)
}

/// What stands of clusters that no file names. Alarms, saved queries and monitors' log groups lead to them; the last
/// are never deleted.
pub(super) async fn list(aws: &Inner, sight: &Sight) -> Result<Vec<Found>, CloudError> {
    let alarms = alarm::all(aws, sight).await?;
    let log_alarms = log_alarm::all(aws, sight).await?;
    let queries = saved_query::all(aws, sight).await?;
    let groups = log_group::monitors(aws, sight).await?;
    // What documents ask about was read already. A cluster that none asks about is listed by its names like one that
    // no file names: so an environment is taken down.
    let asked: BTreeSet<String> = sight
        .documents
        .iter()
        .map(|document| super::names::base(aws, document))
        .collect();
    let known: BTreeSet<&str> = aws.bases.values().map(String::as_str).collect();
    let mut clusters: BTreeMap<String, String> = aws
        .bases
        .iter()
        .filter(|(_, base)| !asked.contains(*base))
        .map(|(cluster, base)| (cluster.clone(), base.clone()))
        .collect();
    let names = alarms
        .keys()
        .chain(log_alarms.keys())
        .chain(queries.keys())
        .chain(groups.keys());
    let found: BTreeSet<&str> = names.map(|name| base_of(name)).collect();
    for base in found.difference(&known).copied() {
        let cluster = match cluster_of(aws, base) {
            None => tagged_cluster(aws, sight, base).await?,
            proven => proven,
        };
        // A name that proves nothing may be another environment's.
        if let Some(cluster) = cluster {
            clusters.insert(cluster, base.to_owned());
        }
    }
    aws.former
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .extend(clusters.clone());
    let mut all = beside(aws, sight).await?;
    for (cluster, base) in aws.bases.iter().filter(|(_, base)| asked.contains(*base)) {
        if has_other_engine(aws, sight, base).await? {
            all.extend(of_other_engine(aws, sight, cluster, base).await?);
        }
    }
    for (cluster, base) in &clusters {
        all.extend(left_of(aws, sight, cluster, base).await?);
    }
    Ok(all)
}

/// What is left of the engine that an environment no longer has; its alarms are found beside the others.
async fn of_other_engine(
    aws: &Inner,
    sight: &Sight,
    cluster: &str,
    base: &str,
) -> Result<Vec<Found>, CloudError> {
    let names = match aws.environment.engine {
        Engine::Monitor => vec![(Kind::IamRole, query_role(base))],
        Engine::LogAlarm => vec![
            (Kind::LogGroup, format!("{MONITORS}{base}")),
            (Kind::IamRole, base.to_owned()),
            (Kind::LambdaFunction, base.to_owned()),
            (Kind::EventRule, base.to_owned()),
            (Kind::SavedQuery, format!("{PREFIX}/{base}/{DETECTIONS}")),
        ],
    };
    present(aws, sight, cluster, names).await
}

/// Alarms under the names of a watched cluster that no document asks for.
async fn beside(aws: &Inner, sight: &Sight) -> Result<Vec<Found>, CloudError> {
    let metric = alarm::all(aws, sight).await?;
    let log = log_alarm::all(aws, sight).await?;
    let alarms: Vec<(Kind, &String, Value)> = metric
        .iter()
        .map(|(name, live)| (Kind::Alarm, name, service::alarm::properties(live)))
        .chain(
            log.iter()
                .map(|(name, live)| (Kind::LogAlarm, name, service::log_alarm::properties(live))),
        )
        .collect();
    let mut all = Vec::new();
    for (cluster, base) in &aws.bases {
        // Nothing was asked about this cluster: what is there is not beside anything.
        if !sight.documents.iter().any(|document| {
            document.kind == Kind::Alarm && document.name.starts_with(base.as_str())
        }) {
            continue;
        }
        let notes = note::beside(aws, sight, base).await?;
        // The time in the name of a canary's alarm looks like the hash of a base.
        let is_of_cluster =
            |name: &str| base_of(name) == base.as_str() || canary::is_canary(base, name);
        let now = (aws.now)();
        let own = alarms
            .iter()
            .filter(|(_, name, _)| is_of_cluster(name) && !canary::may_run(base, name, now));
        for (kind, name, properties) in own {
            let address = Document::address_of(cluster, *kind, name);
            if sight
                .documents
                .iter()
                .any(|document| document.address == address)
            {
                continue;
            }
            all.push(Found {
                digest: Some(Fingerprint::of(*kind, properties)),
                applied: note::of(&notes, *kind, &address).applied,
                address,
                kind: Some(*kind),
                name: (*name).clone(),
            });
        }
    }
    Ok(all)
}

/// Every resource that bears a former cluster's name.
async fn left_of(
    aws: &Inner,
    sight: &Sight,
    cluster: &str,
    base: &str,
) -> Result<Vec<Found>, CloudError> {
    let mut names = vec![
        (Kind::LogGroup, format!("{MONITORS}{base}")),
        (Kind::KmsKey, base.to_owned()),
        (Kind::KmsAlias, format!("alias/{base}")),
        (Kind::SnsTopic, base.to_owned()),
        (Kind::SnsTopic, chat_topic(base)),
        (Kind::IamRole, base.to_owned()),
        (Kind::IamRole, query_role(base)),
        (Kind::LambdaFunction, base.to_owned()),
        (Kind::Dashboard, base.to_owned()),
        (Kind::SavedQuery, format!("{PREFIX}/{base}")),
        (Kind::SavedQuery, format!("{PREFIX}/{base}/{DETECTIONS}")),
        (Kind::SavedQuery, format!("{PREFIX}/{base}/{ROLE}")),
        (Kind::EventRule, base.to_owned()),
    ];
    let alarms = alarm::all(aws, sight).await?;
    let of_cluster = alarms
        .keys()
        .filter(|name| base_of(name) == base || canary::is_canary(base, name));
    names.extend(of_cluster.map(|name| (Kind::Alarm, name.clone())));
    let log_alarms = log_alarm::all(aws, sight).await?;
    let of_cluster = log_alarms.keys().filter(|name| base_of(name) == base);
    names.extend(of_cluster.map(|name| (Kind::LogAlarm, name.clone())));
    present(aws, sight, cluster, names).await
}

/// Those of the resources that are there, and what was added to them.
async fn present(
    aws: &Inner,
    sight: &Sight,
    cluster: &str,
    names: Vec<(Kind, String)>,
) -> Result<Vec<Found>, CloudError> {
    let mut all = Vec::new();
    for (kind, name) in names {
        let document = document(cluster, kind, &name);
        all.extend(service::beside(aws, sight, &document).await?);
        if let Reading::Present(live) = Box::pin(service::read(aws, sight, &document)).await? {
            all.push(found(&document, &live));
        }
    }
    Ok(all)
}

/// A document that asks for nothing: enough to read what is there.
fn document(cluster: &str, kind: Kind, name: &str) -> Document {
    Document {
        address: Document::address_of(cluster, kind, name),
        kind,
        name: name.to_owned(),
        depends_on: Vec::new(),
        ownership: Ownership::Owned,
        provenance: Provenance {
            policy: String::new(),
            query: String::new(),
        },
        properties: json!({ "code": Value::Null }),
    }
}

/// What was read, as a list tells it.
pub(super) fn found(document: &Document, live: &Live) -> Found {
    Found {
        address: document.address.clone(),
        kind: Some(document.kind),
        name: document.name.clone(),
        // Of a subscription that waits for its confirmation nothing can be read.
        digest: (document.kind != Kind::SnsSubscription || live.note.is_none())
            .then(|| Fingerprint::of(document.kind, &live.properties)),
        applied: live.applied.clone(),
    }
}
