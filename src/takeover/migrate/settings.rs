//! What function and Terraform say about an environment, and how each becomes a key of the policy.

use super::{At, Carried, Leftover};
use crate::begin::wish::{is_account, is_cluster, is_region};
use crate::begin::{ClusterWish, EnvironmentWish};
use crate::check::notifications::is_address;
use crate::diagnostic::quote;
use crate::policy::is_kebab;
use crate::policy::model::ClusterKind;
use crate::policy::raw::RETENTION_DAYS;

/// The variable that the environment's file names in the place of the incident platform's URL.
pub const INCIDENT_URL: &str = "INCIDENT_PLATFORM_URL";

/// Seconds after which a run is stopped, where nothing is said.
const TIMEOUT: u32 = 300;

/// The file that a setting becomes part of, as the report names it.
const FILE: &str = "environments/ENV.yaml";

#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The environment so far.
    pub environment: EnvironmentWish,
    /// What is carried over.
    pub carried: Vec<Carried>,
    pub left: Vec<Leftover>,
}

impl Settings {
    fn carry(&mut self, at: &At, name: &str, key: &str, note: Option<String>) {
        self.carried.push(Carried {
            at: at.clone(),
            name: name.to_owned(),
            becomes: format!("{FILE}: {key}"),
            note,
        });
    }

    /// Something that a person has to do.
    pub fn open(&mut self, at: &At, what: impl Into<String>, help: impl Into<String>) {
        self.left.push(Leftover {
            at: at.clone(),
            what: what.into(),
            help: help.into(),
            is_open: true,
        });
    }

    /// Something that is not carried over because it is not needed.
    pub fn done(&mut self, at: &At, what: impl Into<String>, why: impl Into<String>) {
        self.left.push(Leftover {
            at: at.clone(),
            what: what.into(),
            help: why.into(),
            is_open: false,
        });
    }

    /// Whether two inputs contradict each other. If so, reports it; the first one is kept.
    fn differs<T: PartialEq>(&mut self, at: &At, name: &str, was: Option<&T>, now: &T) -> bool {
        match was {
            Some(was) if was != now => {
                self.open(
                    at,
                    format!("{name} contradicts an earlier input"),
                    "the value of the first input was used: correct the file if it is wrong",
                );
                true
            }
            _ => false,
        }
    }

    /// `LOG_GROUP_NAME`: the cluster or instance.
    pub fn log_group(&mut self, at: &At, name: &str, value: &str) {
        let parts: Vec<&str> = value.split('/').collect();
        let kind = match parts.as_slice() {
            ["", "aws", "rds", "cluster", cluster, "postgresql"] => {
                Some((ClusterKind::Aurora, *cluster, "clusters"))
            }
            ["", "aws", "rds", "instance", instance, "postgresql"] => {
                Some((ClusterKind::Instance, *instance, "instances"))
            }
            _ => None,
        };
        match kind {
            Some((kind, cluster, key)) if is_cluster(cluster) => self.cluster(at, name, kind, cluster, key),
            _ => self.open(
                at,
                format!("{name}: {} is not a log group of an Aurora cluster or RDS instance", quote(value)),
                "pgvigil watches /aws/rds/cluster/NAME/postgresql and /aws/rds/instance/NAME/postgresql: name the cluster under `clusters` manually",
            ),
        }
    }

    fn cluster(&mut self, at: &At, name: &str, kind: ClusterKind, cluster: &str, key: &str) {
        self.carry(at, name, &format!("{key}: [{cluster}]"), None);
        let mut known = self.environment.clusters.iter();
        if !known.any(|wish| wish.name == cluster) {
            self.environment.clusters.push(ClusterWish {
                name: cluster.to_owned(),
                kind,
                remarks: Vec::new(),
            });
        }
    }

    /// `cluster_name`.
    pub fn cluster_name(&mut self, at: &At, name: &str, value: &str) {
        if is_cluster(value) {
            self.cluster(at, name, ClusterKind::Aurora, value, "clusters");
        } else {
            self.open(
                at,
                format!(
                    "{name}: {} is not a valid RDS cluster identifier",
                    quote(value)
                ),
                "name the cluster under `clusters` as RDS shows it",
            );
        }
    }

    /// `METRIC_NAMESPACE`.
    pub fn namespace(&mut self, at: &At, name: &str, value: &str) {
        let is_form = (1..=255).contains(&value.len())
            && value
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._/#:-".contains(&byte))
            && !value.starts_with(':')
            && !value.to_ascii_lowercase().starts_with("aws/");
        if !is_form {
            self.open(
                at,
                format!("{name}: CloudWatch refuses the namespace {}", quote(value)),
                "RDSAudit/UserActivity is used instead; the metrics in the old namespace do not continue",
            );
            return;
        }
        let was = self.environment.namespace.clone();
        let value = value.to_owned();
        if !self.differs(at, name, was.as_ref(), &value) {
            self.carry(
                at,
                name,
                "monitor.namespace",
                Some("metric, dimensions and dashboards keep their names".to_owned()),
            );
            self.environment.namespace = Some(value);
        }
    }

    /// `QUERY_WINDOW_MINUTES` and `query_window_minutes`.
    pub fn window(&mut self, at: &At, name: &str, value: &str) {
        let minutes = value
            .parse::<u32>()
            .ok()
            .filter(|minutes| (1..=1440).contains(minutes));
        let Some(minutes) = minutes else {
            self.open(
                at,
                format!(
                    "{name}: {} is not a number of minutes from 1 to 1440",
                    quote(value)
                ),
                "five minutes are used instead: for another schedule, write `monitor: {schedule: rate(N minutes)}`",
            );
            return;
        };
        let was = self.environment.window_minutes;
        if !self.differs(at, name, was.as_ref(), &minutes) {
            let unit = if minutes == 1 { "minute" } else { "minutes" };
            let note = (minutes == 1).then(|| {
                "the old system wrote `rate(1 minutes)`, which EventBridge rejects".to_owned()
            });
            self.carry(
                at,
                name,
                &format!("monitor.schedule: rate({minutes} {unit})"),
                note,
            );
            self.environment.window_minutes = Some(minutes);
        }
    }

    /// `Timeout` of the function.
    pub fn timeout(&mut self, at: &At, name: &str, value: u32) {
        if !(1..=900).contains(&value) {
            self.open(
                at,
                format!("{name}: the value is not a valid function timeout"),
                "300 seconds are used instead",
            );
            return;
        }
        if value == TIMEOUT {
            self.done(at, format!("{name}: {value} seconds"), "pgvigil's default");
            return;
        }
        self.carry(at, name, &format!("monitor.timeout_seconds: {value}"), None);
        self.environment.timeout_seconds = Some(value);
    }

    /// What two settings together ask for, once all inputs are read.
    pub fn end(&mut self) {
        let environment = &mut self.environment;
        let window = environment.window_minutes.unwrap_or(5).saturating_mul(60);
        if let Some(timeout) = environment.timeout_seconds
            && timeout > window
        {
            // A run must not last longer than the time between two.
            environment.timeout_seconds = Some(window);
            for one in &mut self.carried {
                if one.becomes.contains("timeout_seconds") {
                    one.becomes = format!("{FILE}: monitor.timeout_seconds: {window}");
                    one.note = Some(format!(
                        "it was {timeout}: a run could have taken longer than the time between two runs"
                    ));
                }
            }
        }
    }

    /// An ARN of Lambda: region and account.
    pub fn arn(&mut self, at: &At, name: &str, value: &str) {
        // arn:PARTITION:lambda:REGION:ACCOUNT:function:NAME
        let parts: Vec<&str> = value.split(':').collect();
        match parts.as_slice() {
            ["arn", _, "lambda", region, account, "function", ..]
                if is_region(region) && is_account(account) =>
            {
                self.region(at, name, region);
                self.account(at, name, account);
            }
            _ => self.open(
                at,
                format!("{name} is not a function ARN"),
                "pass --account and --region",
            ),
        }
    }

    pub fn region(&mut self, at: &At, name: &str, value: &str) {
        if !is_region(value) {
            self.open(
                at,
                format!("{name}: {} is not a valid AWS region", quote(value)),
                "pass --region",
            );
            return;
        }
        let was = self.environment.region.clone();
        let value = value.to_owned();
        if !self.differs(at, name, was.as_ref(), &value) {
            self.carry(at, name, &format!("region: {value}"), None);
            self.environment.region = Some(value);
        }
    }

    pub fn account(&mut self, at: &At, name: &str, value: &str) {
        if !is_account(value) {
            self.open(
                at,
                format!("{name}: {} is not a valid AWS account number", quote(value)),
                "pass --account with twelve digits",
            );
            return;
        }
        let was = self.environment.account.clone();
        let value = value.to_owned();
        if !self.differs(at, name, was.as_ref(), &value) {
            self.carry(at, name, &format!("account: \"{value}\""), None);
            self.environment.account = Some(value);
        }
    }

    /// `environment`.
    pub fn name(&mut self, at: &At, name: &str, value: &str) {
        let kebab: String = value
            .trim()
            .to_lowercase()
            .chars()
            .map(|sign| {
                if sign.is_ascii_alphanumeric() {
                    sign
                } else {
                    '-'
                }
            })
            .collect();
        let kebab = kebab
            .split('-')
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("-");
        if !is_kebab(&kebab, 32) || kebab == "base" {
            self.open(
                at,
                format!("{name}: {} is not a valid environment name", quote(value)),
                "pass --env NAME",
            );
            return;
        }
        let note = (kebab != value).then(|| {
            format!(
                "environment names are in kebab case: {} was {}",
                quote(&kebab),
                quote(value)
            )
        });
        let was = (!self.environment.name.is_empty()).then(|| self.environment.name.clone());
        if !self.differs(at, name, was.as_ref(), &kebab) {
            self.carried.push(Carried {
                at: at.clone(),
                name: name.to_owned(),
                becomes: format!("environments/{kebab}.yaml"),
                note,
            });
            self.environment.name = kebab;
        }
    }

    /// `alert_email`.
    pub fn email(&mut self, at: &At, name: &str, value: &str) {
        if value.is_empty() {
            self.done(
                at,
                format!("{name} is empty"),
                "no one was notified by email",
            );
        } else if is_address(value) {
            self.carry(at, name, "notifications.email", None);
            if !self.environment.emails.iter().any(|known| known == value) {
                self.environment.emails.push(value.to_owned());
            }
        } else {
            self.open(
                at,
                format!("{name}: {} is not a valid email address", quote(value)),
                "write it under `notifications: {email: [...]}`",
            );
        }
    }

    /// `incident_platform_url`: its value is a secret and is not copied.
    pub fn incident_url(&mut self, at: &At, name: &str, is_empty: bool) {
        if is_empty {
            self.done(
                at,
                format!("{name} is empty"),
                "no incident platform was notified",
            );
            return;
        }
        self.carry(
            at,
            name,
            &format!("notifications.https: [{{from_env: {INCIDENT_URL}}}]"),
            Some(format!(
                "the URL is a secret and was not copied: set {INCIDENT_URL} where an apply runs, or write from_secret with \
                 the name of a secret in AWS Secrets Manager; a file and Terraform's state contained it, so replace the key \
                 in it"
            )),
        );
        if !self
            .environment
            .https
            .iter()
            .any(|known| known == INCIDENT_URL)
        {
            self.environment.https.push(INCIDENT_URL.to_owned());
        }
    }

    /// `log_retention_days`.
    pub fn retention(&mut self, at: &At, name: &str, value: &str) {
        let days = value.parse::<u32>().ok();
        match days {
            Some(days) if RETENTION_DAYS.contains(&days) => {
                self.carry(at, name, &format!("retention_days: {days}"), None);
                self.environment.retention_days = Some(days);
            }
            Some(0) => {
                self.open(
                    at,
                    format!("{name}: 0 keeps the log forever"),
                    "365 days are used instead: choose a number of days under `retention_days`",
                );
            }
            Some(days) => {
                let next = RETENTION_DAYS.iter().copied().find(|known| *known > days);
                let next = next.unwrap_or(3653);
                self.carry(
                    at,
                    name,
                    &format!("retention_days: {next}"),
                    Some(format!(
                        "CloudWatch does not support {days} days: the next longer time was used"
                    )),
                );
                self.environment.retention_days = Some(next);
            }
            None => self.open(
                at,
                format!("{name}: {} is not a number of days", quote(value)),
                "365 days are used instead: for another time, write `retention_days`",
            ),
        }
    }

    /// One of `tags`.
    pub fn tag(&mut self, at: &At, key: &str, value: &str) {
        let is_text = |text: &str| {
            text.chars()
                .all(|sign| sign.is_alphanumeric() || " _.:/=+-@".contains(sign))
        };
        let is_reserved = key.to_ascii_lowercase().starts_with("aws:")
            || key.to_ascii_lowercase().starts_with("pgvigil");
        if is_reserved
            || key.is_empty()
            || key.chars().count() > 128
            || value.chars().count() > 256
            || !is_text(key)
            || !is_text(value)
        {
            self.open(
                at,
                format!("the tag {} cannot be carried over", quote(key)),
                "AWS allows letters, digits, spaces and `_ . : / = + - @`; the prefixes `aws:` and `pgvigil` are reserved",
            );
            return;
        }
        if self.environment.tags.iter().any(|(known, _)| known == key) {
            return;
        }
        if self.environment.tags.len() >= 18 {
            self.open(
                at,
                format!("the tag {} exceeds the limit", quote(key)),
                "keep only the tags that are in use: the limit is 20",
            );
            return;
        }
        self.carry(at, &format!("tags.{key}"), "tags", None);
        self.environment
            .tags
            .push((key.to_owned(), value.to_owned()));
    }
}
