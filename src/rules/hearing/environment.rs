//! What is watched, what counts, how soon, and who is notified.

use std::collections::BTreeSet;

use super::{Cost, Drafts, Ground, Hears, routes, words};
use crate::policy::model::{
    Breakdown, Cluster, ClusterKind, Environment, Monitor, Provider, Roles, Signal, SignalSettings,
};

/// Who answers for an environment: its tag `owner`, where there is one.
pub(super) fn owner(environment: &Environment) -> Vec<String> {
    environment
        .tags
        .iter()
        .filter(|(key, _)| key == "owner")
        .map(|(_, value)| value.clone())
        .collect()
}

pub(super) fn environment(
    ground: &Ground<'_>,
    before: &Environment,
    after: &Environment,
    drafts: &mut Drafts,
) {
    // Title, tags and the places say nothing about what is heard; which exclusions are selected is judged with the
    // exclusions.
    let Environment {
        name: _,
        title: _,
        provider,
        account,
        region,
        assume_role,
        folder,
        clusters,
        databases,
        log_line_prefix,
        exclusions: _,
        engine,
        monitor,
        signals,
        notifications: _,
        routes: _,
        chat,
        events,
        // A link in messages that reach the same people.
        runbook: _,
        retention_days,
        monitor_retention_days,
        log_deletion_protection,
        permissions_boundary,
        tags: _,
        place: _,
        places: _,
        files: _,
        digest: _,
    } = before;
    let called = drafts.called.clone();
    // Whoever answered for it before, too: a change cannot choose whom it has to ask.
    let mut owners = owner(before);
    owners.extend(owner(after));
    owners.dedup();
    let mut say = |key, direction, text: String, cost| {
        drafts.add(key, direction, text, owners.clone(), cost);
    };

    let old = (provider, account, region, folder);
    let new = (
        &after.provider,
        &after.account,
        &after.region,
        &after.folder,
    );
    if old != new {
        say(
            "provider",
            Hears::NotComparable,
            format!(
                "{called} is deployed to {} instead of {}: the resources in the old place stay, and no one maintains them",
                at(after),
                at(before)
            ),
            Cost::Unknown,
        );
    }

    if *assume_role != after.assume_role {
        let name = |roles: &Option<Roles>| match roles {
            None => "the default credentials".to_owned(),
            Some(Roles { plan, apply }) if plan == apply => format!("`{plan}`"),
            Some(Roles { plan, apply }) => format!("`{plan}` and `{apply}`"),
        };
        say(
            "assume_role",
            Hears::NotComparable,
            format!(
                "{called} is planned and deployed with {} instead of {}: another role might see fewer resources, or different ones",
                name(&after.assume_role),
                name(assume_role)
            ),
            Cost::Unknown,
        );
    }

    let names = |clusters: &[Cluster]| -> BTreeSet<(String, &'static str)> {
        clusters
            .iter()
            .map(|cluster| {
                let Cluster {
                    name,
                    kind,
                    place: _,
                } = cluster;
                let kind = match kind {
                    ClusterKind::Aurora => "cluster",
                    ClusterKind::Instance => "instance",
                };
                (name.clone(), kind)
            })
            .collect()
    };
    let (old, new) = (names(clusters), names(&after.clusters));
    for (name, kind) in old.difference(&new) {
        let elsewhere: Vec<&str> = ground
            .head
            .environments
            .iter()
            .filter(|other| other.name != after.name)
            .filter(|other| other.clusters.iter().any(|cluster| cluster.name == *name))
            .map(|other| other.name.as_str())
            .collect();
        let tail = if elsewhere.is_empty() {
            String::new()
        } else {
            format!(
                "; {} watches one with the same name",
                words::listed(&elsewhere)
            )
        };
        say(
            "clusters",
            Hears::Less,
            format!("the {kind} `{name}` is no longer watched in {called}{tail}"),
            Cost::Unknown,
        );
    }
    for (name, kind) in new.difference(&old) {
        say(
            "clusters",
            Hears::More,
            format!("the {kind} `{name}` is watched in {called} too"),
            Cost::Unknown,
        );
    }

    for (cluster, variable) in databases {
        let now = after.databases.iter().find(|(name, _)| name == cluster);
        // A cluster that is gone is reported above.
        let is_watched = after.clusters.iter().any(|c| c.name == *cluster);
        match now {
            None if is_watched => say(
                "databases",
                Hears::Less,
                format!(
                    "`pgvigil enrol` no longer checks the database of `{cluster}`, so missing enrolments go unnoticed there"
                ),
                Cost::Unknown,
            ),
            Some((_, now)) if now != variable => say(
                "databases",
                Hears::NotComparable,
                format!(
                    "`pgvigil enrol` connects to the database in `{now}` instead of `{variable}` for `{cluster}`"
                ),
                Cost::Unknown,
            ),
            _ => {}
        }
    }
    for (cluster, _) in &after.databases {
        if !databases.iter().any(|(name, _)| name == cluster) {
            say(
                "databases",
                Hears::More,
                format!("`pgvigil enrol` checks a database of `{cluster}` too"),
                Cost::Unknown,
            );
        }
    }

    if *log_line_prefix != after.log_line_prefix {
        say(
            "log_line_prefix",
            Hears::NotComparable,
            format!(
                "log lines of {called} are read by the prefix `{}` instead of `{}`: if the prefix is wrong, no record is recognised",
                after.log_line_prefix.as_str(),
                log_line_prefix.as_str()
            ),
            Cost::Unknown,
        );
    }
    if *engine != after.engine {
        say(
            "engine",
            Hears::NotComparable,
            format!(
                "{called} is watched by the engine `{}` instead of `{}`, which counts, keeps and notifies in another way",
                after.engine.name(),
                engine.name()
            ),
            Cost::Unknown,
        );
    }
    for (key, before, now, what) in [
        (
            "retention_days",
            retention_days,
            after.retention_days,
            "the logs of the clusters are kept",
        ),
        (
            "monitor_retention_days",
            monitor_retention_days,
            after.monitor_retention_days,
            "the monitor's own log, the record of detection, is kept",
        ),
    ] {
        say(
            key,
            Hears::by(before, &now),
            format!(
                "{what} for {} instead of {}",
                words::amount(now, "day"),
                words::amount(*before, "day")
            ),
            Cost::Unknown,
        );
    }
    let protection = Hears::by(log_deletion_protection, &after.log_deletion_protection);
    let effect = match protection {
        Hears::Less => "are no longer protected from deletion: deleting one deletes its records",
        _ => "are protected from deletion",
    };
    say(
        "log_deletion_protection",
        protection,
        format!("the log groups of the clusters of {called} {effect}"),
        Cost::Unknown,
    );
    if *permissions_boundary != after.permissions_boundary {
        let name = |boundary: &Option<String>| {
            boundary
                .as_ref()
                .map_or_else(|| "no policy".to_owned(), |arn| format!("`{arn}`"))
        };
        let effect = match &after.permissions_boundary {
            Some(_) => "a boundary that forbids one of their calls stops the monitor",
            None => "only their own policies limit their calls",
        };
        say(
            "permissions_boundary",
            Hears::NotComparable,
            format!(
                "the roles of {called} are bounded by {} instead of {}: {effect}",
                name(&after.permissions_boundary),
                name(permissions_boundary)
            ),
            Cost::Unknown,
        );
    }
    count(signals, after, drafts, &called);
    routes::notify(before, after, drafts, &called);
    let heard = Hears::by(chat, &after.chat);
    let effect = match heard {
        Hears::Less => "no longer reach the chat",
        _ => "reach the chat too",
    };
    drafts.add(
        "notifications/chat",
        heard,
        format!("messages of the monitor of {called} {effect}"),
        owner(after),
        Cost::Unknown,
    );
    if *events != after.events {
        let (direction, effect) = match (events, &after.events) {
            (Some(bus), None) => (
                Hears::Less,
                format!("no longer reach the event bus `{bus}`"),
            ),
            (None, Some(bus)) => (Hears::More, format!("reach the event bus `{bus}` too")),
            (before, now) => (
                Hears::NotComparable,
                format!(
                    "reach the event bus `{}` instead of `{}`",
                    now.as_deref().unwrap_or_default(),
                    before.as_deref().unwrap_or_default()
                ),
            ),
        };
        drafts.add(
            "notifications/events",
            direction,
            format!("detections of {called} {effect}"),
            owner(after),
            Cost::Unknown,
        );
    }
    run(monitor, after, drafts, &called);
}

/// Where an environment is deployed.
fn at(environment: &Environment) -> String {
    let mut parts = vec![match environment.provider {
        Provider::Aws => "aws".to_owned(),
        Provider::Local => "local".to_owned(),
    }];
    parts.extend(
        environment
            .account
            .as_ref()
            .map(|id| format!("account {id}")),
    );
    parts.extend(
        environment
            .region
            .as_ref()
            .map(|region| format!("region {region}")),
    );
    parts.extend(
        environment
            .folder
            .as_ref()
            .map(|folder| format!("folder {}", folder.display())),
    );
    format!("`{}`", parts.join(", "))
}

fn key_of(signal: Signal) -> &'static str {
    match signal {
        Signal::Dml => "signals/dml",
        Signal::Privilege => "signals/privilege",
        Signal::Schema => "signals/schema",
        Signal::AuditTampering => "signals/audit_tampering",
        Signal::Denied => "signals/denied",
    }
}

fn count(before: &[SignalSettings], after: &Environment, drafts: &mut Drafts, called: &str) {
    let threshold = |list: &[SignalSettings], wanted: Signal| {
        list.iter().find_map(|settings| {
            let SignalSettings { signal, threshold } = settings;
            (*signal == wanted).then_some(*threshold)
        })
    };
    for signal in Signal::ALL {
        let name = signal.name();
        let (direction, text, cost) = match (
            threshold(before, signal),
            threshold(&after.signals, signal),
        ) {
            (Some(_), None) => (
                Hears::Less,
                format!(
                    "the signal `{name}` is off in {called}: records that only it counts no longer raise an alarm"
                ),
                Cost::SignalOff,
            ),
            (None, Some(_)) => (
                Hears::More,
                format!("the signal `{name}` is on in {called}"),
                Cost::Unknown,
            ),
            (Some(was), Some(now)) => (
                Hears::by(&was, &now).turned(),
                format!(
                    "the alarm of `{name}` fires at more than {now} statements instead of {was} in {called}"
                ),
                Cost::Windows {
                    signal,
                    minutes: after.monitor.window_minutes,
                    before: was,
                    after: now,
                },
            ),
            (None, None) => continue,
        };
        drafts.add(key_of(signal), direction, text, owner(after), cost);
    }
}

fn run(before: &Monitor, after: &Environment, drafts: &mut Drafts, called: &str) {
    let Monitor {
        window_minutes,
        settle_seconds,
        late_arrival_minutes,
        architecture: _,
        memory_mb,
        timeout_seconds,
        reserved_concurrency,
        namespace,
        metrics,
    } = before;
    let now = &after.monitor;
    let mut say = |key, direction, text: String| {
        drafts.add(key, direction, text, owner(after), Cost::Unknown);
    };
    if *window_minutes != now.window_minutes {
        let is_longer = now.window_minutes > *window_minutes;
        let has_threshold = after.signals.iter().any(|settings| settings.threshold > 0);
        let (direction, effect) = match (is_longer, has_threshold) {
            (true, _) => (Hears::Less, "people are notified later"),
            (false, false) => (Hears::More, "people are notified sooner"),
            (false, true) => (
                Hears::NotComparable,
                "a threshold is reached less often in a shorter window",
            ),
        };
        say(
            "monitor/schedule",
            direction,
            format!(
                "the monitor of {called} runs every {} instead of every {}: {effect}",
                words::minutes(now.window_minutes),
                words::minutes(*window_minutes)
            ),
        );
    }
    if *settle_seconds != now.settle_seconds {
        let effect = if now.settle_seconds < *settle_seconds {
            "records that arrive later are counted by a later run, or not at all"
        } else {
            "people are notified later"
        };
        say(
            "monitor/settle_seconds",
            Hears::NotComparable,
            format!(
                "a run of {called} waits {} for records instead of {}: {effect}",
                words::amount(now.settle_seconds, "second"),
                words::amount(*settle_seconds, "second")
            ),
        );
    }
    say(
        "monitor/late_arrival_minutes",
        Hears::by(late_arrival_minutes, &now.late_arrival_minutes),
        format!(
            "a record of {called} is counted for certain if it arrives within {} instead of {}",
            words::minutes(now.late_arrival_minutes),
            words::minutes(*late_arrival_minutes)
        ),
    );
    for (key, before, now, unit, what) in [
        (
            "monitor/memory_mb",
            memory_mb,
            now.memory_mb,
            "megabyte",
            "memory",
        ),
        (
            "monitor/timeout_seconds",
            timeout_seconds,
            now.timeout_seconds,
            "second",
            "time",
        ),
    ] {
        say(
            key,
            Hears::by(before, &now),
            format!(
                "a run of {called} has {} of {what} instead of {}: a run that needs more stops before it has counted",
                words::amount(now, unit),
                words::amount(*before, unit)
            ),
        );
    }
    let reserved = |runs: Option<u32>| match runs {
        None => "no concurrent runs".to_owned(),
        Some(runs) => words::amount(runs, "concurrent run"),
    };
    say(
        "monitor/reserved_concurrency",
        Hears::by(reserved_concurrency, &now.reserved_concurrency),
        format!(
            "Lambda reserves {} for the monitor of {called} instead of {}: without a reservation, other functions of the account can delay a run",
            reserved(now.reserved_concurrency),
            reserved(*reserved_concurrency)
        ),
    );
    if *namespace != now.namespace {
        say(
            "monitor/namespace",
            Hears::NotComparable,
            format!(
                "the metrics of {called} are in the namespace `{}` instead of `{namespace}`: dashboards and alarms on the old \
                 namespace get no new data",
                now.namespace
            ),
        );
    }
    for breakdown in Breakdown::ALL {
        let direction = Hears::by(
            &metrics.contains(&breakdown),
            &now.metrics.contains(&breakdown),
        );
        let verb = if direction == Hears::Less {
            "no longer published"
        } else {
            "published"
        };
        say(
            "monitor/metrics",
            direction,
            format!(
                "the metrics by `{}` are {verb} in {called}",
                breakdown.name()
            ),
        );
    }
}

/// Clusters that another environment comes to watch too: each enrols its own people there, and takes the others' settings
/// away.
pub(super) fn overlaps(ground: &Ground<'_>, after: &Environment, drafts: &mut Drafts) {
    let shared = |environments: &[Environment], name: &str| -> BTreeSet<(String, String)> {
        let Some(own) = environments.iter().find(|one| one.name == name) else {
            return BTreeSet::new();
        };
        environments
            .iter()
            .filter(|other| {
                other.name != own.name
                    && (other.provider, &other.account, &other.region)
                        == (own.provider, &own.account, &own.region)
            })
            .flat_map(|other| {
                own.clusters
                    .iter()
                    .filter(|cluster| {
                        other
                            .clusters
                            .iter()
                            .any(|one| (&one.name, one.kind) == (&cluster.name, cluster.kind))
                    })
                    .map(|cluster| (cluster.name.clone(), other.name.clone()))
            })
            .collect()
    };
    let before = shared(&ground.base.environments, ground.environment);
    let now = shared(&ground.head.environments, ground.environment);
    for (cluster, other) in now.difference(&before) {
        drafts.add(
            "clusters",
            Hears::NotComparable,
            format!(
                "`{cluster}` is now watched by {} and by {other}: each decides who is audited there, so the last one to enrol overrides the other",
                ground.called
            ),
            owner(after),
            Cost::Unknown,
        );
    }
}
