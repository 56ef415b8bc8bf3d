//! Environments: what a file extends, what its provider needs, what it leaves to defaults.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::{Document, Lowering, ReferenceKind, has_invalid, is_kebab, severity, signal};
use crate::audit_log::prefix::LogLinePrefix;
use crate::diagnostic::{Code, Diagnostic, closest, quote, quote_all, suggest};
use crate::policy::model::{
    Architecture, Breakdown, Cluster, ClusterKind, Engine, Environment, Monitor, Notification,
    Provider, Roles, Route, Secret, Selection, Signal, SignalSettings,
};
use crate::policy::raw::route::RawRoute;
use crate::policy::raw::{
    OneOrMany, RETENTION_DAYS, RawArchitecture, RawAssumeRole, RawBreakdown, RawDatabase,
    RawEngine, RawEnvironment, RawProvider, RawReservation, RawRoles, RawSecret,
};
use crate::source::yaml::{InvalidAs, Kind, Node};
use crate::source::{DocPath, Place, Places};

/// What only a Lambda function needs.
const UNUSED_BY_LOG_ALARM: [&str; 7] = [
    "monitor/architecture",
    "monitor/memory_mb",
    "monitor/timeout_seconds",
    "monitor/reserved_concurrency",
    "monitor/namespace",
    "monitor/metrics",
    "monitor_retention_days",
];

/// Files of the longest chain of `extends`, with the one that begins it.
const MAX_CHAIN: usize = 16;

/// How many files each one is made of, itself among them; none where the chain is a circle.
fn lengths(known: &BTreeMap<String, Document>) -> BTreeMap<&str, Option<usize>> {
    let mut lengths: BTreeMap<&str, Option<usize>> = BTreeMap::new();
    for first in known.keys() {
        let (mut way, mut on_way) = (Vec::new(), BTreeSet::new());
        let mut next = Some(first.as_str());
        let behind = loop {
            let Some(name) = next else { break Some(0) };
            if let Some(length) = lengths.get(name) {
                break *length;
            }
            if !on_way.insert(name) {
                break None;
            }
            way.push(name);
            next = known
                .get_key_value(name)
                .and_then(|(_, document)| document.root.as_ref()?.get("extends")?.as_text())
                .and_then(|base| known.get_key_value(base))
                .map(|(base, _)| base.as_str());
        };
        for (more, name) in way.into_iter().rev().enumerate() {
            lengths.insert(name, behind.map(|length| length + more + 1));
        }
    }
    lengths
}

impl Lowering<'_> {
    pub(in crate::policy) fn environments(&mut self, documents: Vec<Document>) {
        let mut known: BTreeMap<String, Document> = BTreeMap::new();
        for document in documents {
            let is_base = document
                .root
                .as_ref()
                .and_then(|root| root.get("base"))
                .is_some_and(|node| node.to_json(InvalidAs::Null) == true);
            let start = Place::new(document.file, 0..0);
            let head = document.root.as_ref().map_or(start, Node::head);
            if !is_kebab(&document.name, 32) {
                self.sink.push(
                    Diagnostic::new(Code::EnvironmentName, format!("{} is not a valid environment name", quote(&document.name)))
                        .at(head.clone())
                        .help("rename the file: lower-case words joined by hyphens, at most 32 characters"),
                );
            }
            self.names.insert(document.name.clone(), is_base);
            if let Some(twin) = known.get(&document.name) {
                self.sink.push(
                    Diagnostic::new(
                        Code::EnvironmentDuplicate,
                        format!(
                            "the environment {} has a second file, {}",
                            quote(&document.name),
                            quote(self.files.path(twin.file))
                        ),
                    )
                    .at(head)
                    .help("delete one of the two"),
                );
                continue;
            }
            known.insert(document.name.clone(), document);
        }
        let lengths = lengths(&known);
        for (name, document) in &known {
            let Some(root) = &document.root else { continue };
            if let Some(Some(length)) = lengths.get(name.as_str())
                && *length > MAX_CHAIN
            {
                // Reported once: by the first that has one too many.
                if *length == MAX_CHAIN + 1 {
                    let place = root
                        .get("extends")
                        .map_or_else(|| root.head(), |node| node.place.clone());
                    self.sink.push(
                        Diagnostic::new(
                            Code::ReferenceDeep,
                            format!("this file extends a chain of more than {MAX_CHAIN} files"),
                        )
                        .at(place)
                        .help("combine what these files share into fewer bases"),
                    );
                }
                continue;
            }
            let Some((merged, files)) = self.resolve(name, root, &known) else {
                continue;
            };
            if self.names.get(name) == Some(&false) && document.incomplete.is_empty() {
                self.environment(files, root, merged);
            }
        }
    }

    /// The document on top of its bases, with the names of both, its own first; nothing if one of them cannot be had.
    fn resolve(
        &mut self,
        name: &str,
        root: &Node,
        known: &BTreeMap<String, Document>,
    ) -> Option<(Node, Vec<String>)> {
        let mut chain = vec![root];
        let mut seen = vec![name.to_owned()];
        while let Some(current) = chain.last() {
            let Some(extends) = current.get("extends") else {
                break;
            };
            let base = extends.as_text()?;
            let Some(document) = known.get(base) else {
                // Each file answers for its own `extends`.
                if chain.len() == 1 {
                    let others = known
                        .keys()
                        .map(String::as_str)
                        .filter(|other| *other != name);
                    self.sink.push(
                        Diagnostic::new(
                            Code::ReferenceBase,
                            format!("there is no file `environments/{base}.yaml` to extend"),
                        )
                        .at(extends.place.clone())
                        .maybe_help(suggest(base, others, "the files are")),
                    );
                }
                return None;
            };
            if seen.iter().any(|earlier| earlier == base) {
                // Reported once: by the first of the circle.
                if base == name && seen.iter().min().map(String::as_str) == Some(name) {
                    seen.push(base.to_owned());
                    let place = root
                        .get("extends")
                        .map_or_else(|| root.head(), |node| node.place.clone());
                    self.sink.push(
                        Diagnostic::new(
                            Code::ReferenceCycle,
                            format!(
                                "environments extend each other in a cycle: {}",
                                seen.join(" → ")
                            ),
                        )
                        .at(place)
                        .help("remove one `extends` from the cycle"),
                    );
                }
                return None;
            }
            seen.push(base.to_owned());
            chain.push(document.root.as_ref()?);
        }
        let mut merged: Option<Node> = None;
        for (position, node) in chain.iter().enumerate().rev() {
            let mut node = (*node).clone();
            if let (Kind::Mapping(entries), true) = (&mut node.kind, position > 0) {
                entries.retain(|entry| !matches!(entry.key.as_str(), "base" | "extends"));
            }
            merged = Some(match merged {
                Some(base) => node.over(base),
                None => node,
            });
        }
        merged.map(|merged| (merged, seen))
    }

    fn environment(&mut self, files: Vec<String>, own: &Node, merged: Node) {
        let Some(name) = files.first().cloned() else {
            return;
        };
        let name = name.as_str();
        let Some(raw) = self.entry::<RawEnvironment>(&merged, true) else {
            return;
        };
        let has_faulty = |key: &str| {
            merged
                .get(key)
                .is_some_and(|node| matches!(node.kind, Kind::Invalid))
        };
        let places = Places::new(merged.clone());
        let mut is_usable = true;
        let mut missing = |key: &str, why: &str, example: &str| {
            is_usable = false;
            if !has_faulty(key) {
                self.sink.push(
                    Diagnostic::new(
                        Code::EnvironmentMissing,
                        format!(
                            "the environment {} lacks the key {}{why}",
                            quote(name),
                            quote(key)
                        ),
                    )
                    .at(own.head())
                    .help(format!(
                        "add it here or in a base, as in {}",
                        quote(example)
                    )),
                );
            }
        };
        let provider = match raw.provider {
            Some(RawProvider::Aws) => Provider::Aws,
            Some(RawProvider::Local) => Provider::Local,
            None => {
                missing("provider", "", "provider: aws");
                Provider::Local
            }
        };
        if provider == Provider::Aws && raw.provider.is_some() {
            if raw.account.is_none() {
                missing("account", ", which AWS needs", "account: \"123456789012\"");
            }
            if raw.region.is_none() {
                missing("region", ", which AWS needs", "region: eu-central-1");
            }
        }
        let clusters = clusters(raw.clusters, raw.instances, &merged);
        let has_faulty_cluster = ["clusters", "instances"]
            .iter()
            .any(|key| merged.get(key).is_some_and(has_invalid));
        if clusters.is_empty() && !has_faulty_cluster {
            missing(
                "clusters",
                ": there is nothing to watch",
                "clusters: [orders-prod]",
            );
        }
        let unused: &[&str] = match (raw.provider, provider) {
            (None, _) => &[],
            (_, Provider::Aws) => &["folder"],
            (_, Provider::Local) => &[
                "account",
                "region",
                "log_deletion_protection",
                "permissions_boundary",
            ],
        };
        // `false` has no effect in any environment, so it is not worth a warning.
        let is_off = |key: &str| {
            key == "log_deletion_protection" && raw.log_deletion_protection == Some(false)
        };
        for key in unused {
            if places.has(*key) && !is_off(key) {
                self.sink.push(
                    Diagnostic::new(
                        Code::EnvironmentUnused,
                        format!("the provider does not use {}", quote(key)),
                    )
                    .at(places.key(*key))
                    .help("delete it"),
                );
            }
        }
        let engine = match raw.engine {
            Some(RawEngine::LogAlarm) => Engine::LogAlarm,
            Some(RawEngine::Monitor) | None => Engine::Monitor,
        };
        // Only where the file says so itself: a base may serve environments of both engines.
        let own_places = Places::new(own.clone());
        let unused: &[&str] = match engine {
            Engine::Monitor => &[],
            Engine::LogAlarm => &UNUSED_BY_LOG_ALARM,
        };
        for key in unused.iter().filter(|key| own_places.has(**key)) {
            self.sink.push(
                Diagnostic::new(
                    Code::EnvironmentUnused,
                    format!(
                        "the engine {} does not use {}",
                        quote(engine.name()),
                        quote(key.rsplit('/').next().unwrap_or(key))
                    ),
                )
                .at(own_places.key(*key))
                .help("delete it"),
            );
        }
        if raw.provider == Some(RawProvider::Local) && places.has("assume_role") {
            self.sink.push(
                Diagnostic::new(
                    Code::EnvironmentAssumeRole,
                    "the provider `local` does not support `assume_role`",
                )
                .at(places.key("assume_role"))
                .help("delete it, or set `provider: aws`"),
            );
        }
        let log_line_prefix = match raw.log_line_prefix {
            None => Some(LogLinePrefix::Short),
            Some(text) => {
                let prefix = text.parse::<LogLinePrefix>().ok();
                if prefix.is_none() {
                    let both = [LogLinePrefix::Short.as_str(), LogLinePrefix::Long.as_str()];
                    let closest = closest(&text, both)
                        .map(|closest| format!("did you mean {}?", quote(closest)));
                    self.sink.push(
                        Diagnostic::new(
                            Code::EnvironmentPrefix,
                            format!("the prefix {} is not supported", quote(&text)),
                        )
                        .at(places.value("log_line_prefix"))
                        .maybe_help(closest)
                        .help(format!("RDS offers {}", quote_all(both))),
                    );
                }
                prefix
            }
        };
        let exclusions = raw.exclusions.map_or(Selection::All, |raw| {
            self.selection(raw.0, &places, ReferenceKind::Exclusion)
        });
        let monitor = raw.monitor.unwrap_or_default();
        let window_minutes = match &monitor.schedule {
            None => Some(5),
            Some(text) => parse_rate(text)
                .map_err(|help| {
                    self.sink.push(
                        Diagnostic::new(
                            Code::EnvironmentRate,
                            format!("{} is not a rate", quote(text)),
                        )
                        .at(places.value("monitor/schedule"))
                        .help(help),
                    );
                })
                .ok(),
        };
        let monitor = Monitor {
            window_minutes: window_minutes.unwrap_or(5),
            settle_seconds: monitor.settle_seconds.unwrap_or(120),
            late_arrival_minutes: monitor.late_arrival_minutes.unwrap_or(15),
            architecture: match monitor.architecture {
                Some(RawArchitecture::X86) => Architecture::X86_64,
                Some(RawArchitecture::Arm64) | None => Architecture::Arm64,
            },
            memory_mb: monitor.memory_mb.unwrap_or(128),
            timeout_seconds: monitor.timeout_seconds.unwrap_or(300),
            // One run at a time: two would both find a window without a receipt.
            reserved_concurrency: match monitor.reserved_concurrency {
                None => Some(1),
                Some(RawReservation::Runs(runs)) => Some(runs),
                Some(RawReservation::Nothing) => None,
            },
            namespace: monitor
                .namespace
                .unwrap_or_else(|| "RDSAudit/UserActivity".to_owned()),
            metrics: breakdowns(monitor.metrics.as_deref()),
        };
        let signals = raw.signals.unwrap_or_default();
        let signals = Signal::ALL
            .into_iter()
            .filter_map(|signal| {
                let raw = match signal {
                    Signal::Dml => Some(signals.dml.clone().unwrap_or_default()),
                    Signal::Privilege => signals.privilege.clone(),
                    Signal::Schema => signals.schema.clone(),
                    Signal::AuditTampering => signals.audit_tampering.clone(),
                    Signal::Denied => signals.denied.clone(),
                };
                raw.map(|raw| SignalSettings {
                    signal,
                    threshold: raw.threshold.unwrap_or(0),
                })
            })
            .collect();
        let raw_notifications = raw.notifications.unwrap_or_default();
        let notifications = self.receivers(
            raw_notifications.email,
            raw_notifications.https,
            merged.at(&DocPath::from("notifications/https")),
        );
        let raw_routes = raw_notifications.routes.unwrap_or_default();
        let routes = raw_routes
            .into_iter()
            .enumerate()
            .map(|(index, raw)| {
                let https = format!("notifications/routes/{index}/https");
                self.route(raw, merged.at(&DocPath::from(https.as_str())))
            })
            .collect();
        let chat = raw_notifications.chat.unwrap_or(false);
        let events = raw_notifications.events;
        let runbook = raw_notifications.runbook;
        let (Some(log_line_prefix), Some(_), true) = (log_line_prefix, window_minutes, is_usable)
        else {
            return;
        };
        let is_aws = provider == Provider::Aws;
        let databases = self.databases(raw.databases.unwrap_or_default(), &clusters, &places);
        self.policy.environments.push(Environment {
            name: name.to_owned(),
            title: raw.title,
            provider,
            account: raw.account.filter(|_| is_aws),
            region: raw.region.filter(|_| is_aws),
            assume_role: raw.assume_role.filter(|_| is_aws).map(|raw| match raw {
                RawAssumeRole::One(arn) => Roles {
                    plan: arn.clone(),
                    apply: arn,
                },
                RawAssumeRole::Two(RawRoles { plan, apply }) => Roles { plan, apply },
            }),
            folder: (!is_aws)
                .then(|| PathBuf::from(raw.folder.unwrap_or_else(|| ".pgvigil/local".to_owned()))),
            clusters,
            databases,
            log_line_prefix,
            exclusions,
            engine,
            monitor,
            signals,
            notifications,
            routes,
            chat,
            events,
            runbook,
            retention_days: raw.retention_days.unwrap_or(365),
            monitor_retention_days: raw.monitor_retention_days.unwrap_or(365),
            log_deletion_protection: is_aws && raw.log_deletion_protection.unwrap_or(false),
            permissions_boundary: raw.permissions_boundary.filter(|_| is_aws),
            tags: raw.tags.unwrap_or_default().into_iter().collect(),
            place: own.head(),
            places,
            files: files.clone(),
            digest: String::new(),
        });
    }

    /// Receivers, as far as their references can be read.
    fn receivers(
        &mut self,
        email: Option<Vec<String>>,
        https: Option<Vec<RawSecret>>,
        node: Option<&Node>,
    ) -> Vec<Notification> {
        let emails = email.unwrap_or_default().into_iter();
        let mut receivers: Vec<Notification> = emails.map(Notification::Email).collect();
        let endpoints = node.map(Node::items).unwrap_or_default();
        let endpoints = endpoints
            .iter()
            .filter(|node| !matches!(node.kind, Kind::Invalid));
        for (raw, node) in https.unwrap_or_default().into_iter().zip(endpoints) {
            receivers.extend(self.secret(raw, node).map(Notification::Https));
        }
        receivers
    }

    fn route(&mut self, raw: RawRoute, https: Option<&Node>) -> Route {
        let texts = |list: Option<OneOrMany<String>>| list.map(|OneOrMany(texts)| texts);
        Route {
            receivers: self.receivers(raw.email, raw.https, https),
            severities: raw
                .severity
                .map(|OneOrMany(all)| all.into_iter().map(severity).collect()),
            signals: raw
                .signal
                .map(|OneOrMany(all)| all.into_iter().map(signal).collect()),
            teams: texts(raw.team),
            owners: texts(raw.owner),
        }
    }

    fn databases(
        &mut self,
        raw: BTreeMap<String, RawDatabase>,
        clusters: &[Cluster],
        places: &Places,
    ) -> Vec<(String, String)> {
        let mut databases = Vec::new();
        for (cluster, database) in raw {
            if clusters.iter().any(|known| known.name == cluster) {
                databases.push((cluster, database.from_env));
                continue;
            }
            let names = clusters.iter().map(|known| known.name.as_str());
            self.sink.push(
                Diagnostic::new(
                    Code::EnvironmentUnknownCluster,
                    format!("there is no cluster or instance {} here", quote(&cluster)),
                )
                .at(places.key(DocPath::from("databases").then(&cluster)))
                .maybe_help(suggest(&cluster, names, "there are")),
            );
        }
        databases
    }

    fn secret(&mut self, raw: RawSecret, node: &Node) -> Option<Secret> {
        let fault = |place: Place, message: String, help: &str| {
            Diagnostic::new(Code::EnvironmentSecretReference, message)
                .at(place)
                .help(help)
        };
        let value = |key: &str| {
            node.get(key)
                .map_or_else(|| node.head(), |value| value.place.clone())
        };
        let problem = match (raw.from_env, raw.from_secret) {
            (Some(name), None) => {
                let mut bytes = name.bytes();
                let is_name = bytes
                    .next()
                    .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
                    && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                if is_name {
                    return Some(Secret::FromEnv(name));
                }
                fault(
                    value("from_env"),
                    format!(
                        "{} is not a valid name for an environment variable",
                        quote(&name)
                    ),
                    "write letters, digits and `_`, as in `INCIDENT_URL`",
                )
            }
            (None, Some(name)) => {
                let is_name = (1..=2048).contains(&name.len())
                    && name
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b"/_+=.@!:-".contains(&byte));
                if is_name {
                    return Some(Secret::FromSecret(name));
                }
                fault(
                    value("from_secret"),
                    format!("{} is not a valid secret name", quote(&name)),
                    "write letters, digits and `/_+=.@!-`, or the secret's ARN",
                )
            }
            (Some(_), Some(_)) => fault(
                node.head(),
                "a reference cannot have both `from_env` and `from_secret`".to_owned(),
                "keep one of the two",
            ),
            (None, None) if has_invalid(node) => return None,
            (None, None) => fault(
                node.head(),
                "a reference needs `from_env` or `from_secret`".to_owned(),
                "write `{from_env: NAME}` or `{from_secret: NAME}`",
            ),
        };
        self.sink.push(problem);
        None
    }
}

fn clusters(
    aurora: Option<Vec<String>>,
    instances: Option<Vec<String>>,
    merged: &Node,
) -> Vec<Cluster> {
    let lower = |names: Option<Vec<String>>, key: &str, kind: ClusterKind| {
        let nodes: Vec<&Node> = merged
            .get(key)
            .map(Node::items)
            .unwrap_or_default()
            .iter()
            .filter(|node| !matches!(node.kind, Kind::Invalid))
            .collect();
        let named = names.unwrap_or_default().into_iter().zip(nodes);
        named
            .map(|(name, node)| Cluster {
                name,
                kind,
                place: node.place.clone(),
            })
            .collect::<Vec<_>>()
    };
    let mut all = lower(aurora, "clusters", ClusterKind::Aurora);
    all.extend(lower(instances, "instances", ClusterKind::Instance));
    all
}

/// Sorted, each once: the order in the file means nothing.
fn breakdowns(raw: Option<&[RawBreakdown]>) -> Vec<Breakdown> {
    let mut metrics: Vec<Breakdown> = raw
        .unwrap_or(&[RawBreakdown::Command])
        .iter()
        .map(|raw| match raw {
            RawBreakdown::Command => Breakdown::Command,
            RawBreakdown::User => Breakdown::User,
            RawBreakdown::Suppressed => Breakdown::Suppressed,
        })
        .collect();
    metrics.sort_unstable();
    metrics.dedup();
    metrics
}

/// Minutes of a rate, or what to write instead.
fn parse_rate(text: &str) -> Result<u32, String> {
    const LONGEST: u32 = 1440;
    let form =
        || "write it as in `rate(1 minute)`, `rate(5 minutes)` or `rate(2 hours)`".to_owned();
    let inside = text
        .strip_prefix("rate(")
        .and_then(|rest| rest.strip_suffix(')'))
        .ok_or_else(form)?;
    let (number, unit) = inside.split_once(' ').ok_or_else(form)?;
    if number.is_empty() || number.len() > 6 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(form());
    }
    let number: u32 = number.parse().map_err(|_| form())?;
    let (singular, minutes) = match unit {
        "minute" | "minutes" => ("minute", number),
        "hour" | "hours" => ("hour", number * 60),
        _ => return Err(form()),
    };
    if minutes == 0 || minutes > LONGEST {
        return Err("write a rate from `rate(1 minute)` to `rate(24 hours)`".to_owned());
    }
    let right = if number == 1 {
        singular.to_owned()
    } else {
        format!("{singular}s")
    };
    if unit == right {
        Ok(minutes)
    } else {
        Err(format!(
            "write {}: AWS requires this form",
            quote(&format!("rate({number} {right})"))
        ))
    }
}

/// The diagnostic for a retention that CloudWatch does not offer.
pub(in crate::policy) fn retention_fault(written: &str, subject: &str, place: Place) -> Diagnostic {
    let nearest = written.parse::<i64>().ok().and_then(|days| {
        RETENTION_DAYS.into_iter().min_by_key(|offered| {
            (
                i64::from(*offered).abs_diff(days),
                std::cmp::Reverse(*offered),
            )
        })
    });
    let all: Vec<String> = RETENTION_DAYS.iter().map(ToString::to_string).collect();
    Diagnostic::new(
        Code::EnvironmentRetention,
        format!(
            "{subject} cannot be {}: CloudWatch Logs does not offer it",
            quote(written)
        ),
    )
    .at(place)
    .maybe_help(nearest.map(|days| format!("the nearest value is `{days}`")))
    .help(format!("the possible values are {}", all.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_rates_as_aws_does() {
        assert_eq!(parse_rate("rate(1 minute)"), Ok(1));
        assert_eq!(parse_rate("rate(5 minutes)"), Ok(5));
        assert_eq!(parse_rate("rate(24 hours)"), Ok(1440));
        for wrong in [
            "rate(1 minutes)",
            "rate(5 minute)",
            "rate(0 minutes)",
            "rate(25 hours)",
            "rate(5 days)",
            "rate( 5 minutes)",
            "cron(* * * * ? *)",
            "rate(-5 minutes)",
            "5 minutes",
            "rate(99999999 minutes)",
        ] {
            assert!(parse_rate(wrong).is_err(), "{wrong}");
        }
    }
}
