//! Names of the resources of a cluster: deterministic, readable, distinct.
//!
//! A name holds the environment, the cluster and eight digits of a hash over everything that makes the
//! cluster one of a kind (account and region too: names of IAM roles are shared by all regions of an
//! account). Where a service's limit is short, the cluster's part is cut and the hash keeps names apart.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::resources::Kind;
use crate::digest;
use crate::policy::model::{
    Cluster, ClusterKind, Engine, Environment, Notification, Policy, Secret, Signal,
};
use crate::source::Place;

/// What every name begins with.
pub const PREFIX: &str = "pgvigil";

/// Longest name that fits a Lambda function, an IAM role and an EventBridge rule.
const SHORTEST_LIMIT: usize = 64;

/// Characters of the cluster that a cut name keeps at least.
const CLUSTER_AT_LEAST: usize = 8;

/// Why a name cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameProblem {
    /// Longer than the service allows, even with the cluster's part cut.
    TooLong {
        /// Length of the name in characters.
        length: usize,
    },
    /// Holds a character that the service refuses.
    Character(char),
    /// Another cluster's resource has the name. Services that fold letter case count as such.
    Taken {
        /// Where the other one is declared.
        by: Place,
    },
}

/// A resource name that a service would refuse, or that two resources share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameFault {
    /// What would bear the name.
    pub kind: Kind,
    pub name: String,
    /// Most characters that the service allows.
    pub limit: usize,
    pub problem: NameProblem,
    /// The cluster whose resource it is, or the environment's file when that name is at fault.
    pub place: Place,
}

/// What the name of a signal's alarm ends with.
pub(super) fn signal_alarm_end(signal: Signal) -> String {
    format!("human-{}", signal.name().replace('_', "-"))
}

/// The names of one cluster's resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    base: String,
    log_group: String,
}

impl Names {
    /// The names for a cluster of an environment.
    pub fn new(environment: &Environment, cluster: &Cluster) -> Self {
        let hash = identity_hash(environment, cluster);
        // PREFIX, the environment, the cluster and the hash, with three hyphens between them.
        let taken = PREFIX.len() + environment.name.chars().count() + hash.len() + 3;
        let room = SHORTEST_LIMIT.saturating_sub(taken).max(CLUSTER_AT_LEAST);
        let part: String = cluster.name.chars().take(room).collect();
        let part = part.trim_end_matches('-');
        Self {
            base: format!("{PREFIX}-{}-{part}-{hash}", environment.name),
            log_group: cluster.log_group(),
        }
    }

    /// What the names of this cluster's resources begin with.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The log group of the cluster itself.
    pub fn cluster_log_group(&self) -> &str {
        &self.log_group
    }

    /// The monitor's own log group.
    pub fn monitor_log_group(&self) -> String {
        format!("/aws/lambda/{}", self.base)
    }

    /// The Lambda function, its role, its schedule, the topic, the dashboard and the key.
    pub fn shared(&self) -> String {
        self.base.clone()
    }

    /// The topic of AWS's chat integration.
    pub fn chat_topic(&self) -> String {
        chat_topic(&self.base)
    }

    pub fn alias(&self) -> String {
        format!("alias/{}", self.base)
    }

    /// The alarm of a signal.
    pub fn signal_alarm(&self, signal: Signal) -> String {
        format!("{}-{}", self.base, signal_alarm_end(signal))
    }

    /// An alarm about the monitor itself.
    pub fn monitor_alarm(&self, what: &str) -> String {
        format!("{}-{what}", self.base)
    }

    /// The role with which CloudWatch Logs runs the queries of log alarms.
    pub fn query_role(&self) -> String {
        query_role(&self.base)
    }

    /// The log alarm of a signal. CloudWatch has one name space for alarms of every type, and while an environment
    /// changes its engine the alarms of both stand side by side.
    pub fn log_alarm(&self, signal: Signal) -> String {
        format!("{}-log-{}", self.base, signal.name())
    }

    /// The log alarm about the way from the database to the alarms.
    pub fn log_heartbeat(&self) -> String {
        format!("{}-log-heartbeat", self.base)
    }

    /// The saved query. The slash makes a folder in the console.
    pub fn saved_query(&self) -> String {
        format!("{PREFIX}/{}", self.base)
    }

    /// One of the saved queries beside it, by what it shows.
    pub fn saved_query_of(&self, what: &str) -> String {
        format!("{}/{what}", self.saved_query())
    }

    /// A subscription: its protocol and a hash of where it leads (of the reference, for a secret).
    pub fn subscription(&self, notification: &Notification) -> String {
        subscription(&self.base, notification)
    }
}

/// The topic of AWS's chat integration that belongs to a base.
pub(crate) fn chat_topic(base: &str) -> String {
    format!("{base}-chat")
}

/// A subscription under the names that begin so.
pub(crate) fn subscription(base: &str, notification: &Notification) -> String {
    let (protocol, endpoint) = match notification {
        Notification::Email(address) => ("email", format!("email:{address}")),
        Notification::Https(Secret::FromEnv(name)) => ("https", format!("from_env:{name}")),
        Notification::Https(Secret::FromSecret(name)) => ("https", format!("from_secret:{name}")),
    };
    format!("{}/{protocol}-{}", base, short_hash(&[&endpoint]))
}

/// What the name of a query role ends with.
const QUERY_ROLE: &str = "-query";

/// The query role that belongs to a base: the cluster's part is cut where there is no room.
pub(crate) fn query_role(base: &str) -> String {
    let (front, hash) = base.rsplit_once('-').unwrap_or((base, ""));
    let room = SHORTEST_LIMIT.saturating_sub(hash.len() + 1 + QUERY_ROLE.len());
    let front: String = front.chars().take(room).collect();
    format!("{}-{hash}{QUERY_ROLE}", front.trim_end_matches('-'))
}

/// The layer with an environment's rules. Layers of all environments of an account's region share one name space. Lambda
/// takes it wherever it takes the functions' names, which are longer and of the same characters.
pub(crate) fn policy_layer(environment: &Environment) -> String {
    let hash = short_hash(&[
        environment.account.as_deref().unwrap_or_default(),
        environment.region.as_deref().unwrap_or_default(),
        &environment.name,
    ]);
    format!("{PREFIX}-{}-policy-{hash}", environment.name)
}

/// Eight hexadecimal digits that tell one cluster from every other.
fn identity_hash(environment: &Environment, cluster: &Cluster) -> String {
    let kind = match cluster.kind {
        ClusterKind::Aurora => "aurora",
        ClusterKind::Instance => "instance",
    };
    short_hash(&[
        environment.account.as_deref().unwrap_or_default(),
        environment.region.as_deref().unwrap_or_default(),
        &environment.name,
        kind,
        &cluster.name,
    ])
}

/// The first eight hexadecimal digits of SHA-256 over the parts.
pub(crate) fn short_hash(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        // The length first: ["ab", "c"] and ["a", "bc"] must differ.
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    digest::short(&hasher.finalize(), 4)
}

/// Longest name that a service takes, in characters.
pub fn limit(kind: Kind) -> usize {
    match kind {
        Kind::LambdaFunction | Kind::EventRule | Kind::IamRole => SHORTEST_LIMIT,
        // `LayerName` of PublishLayerVersion.
        Kind::PolicyLayer => 140,
        // Written as OWNER/NAME: 64 for the owner, and as much for what belongs to it.
        Kind::EventTarget => 64 + 1 + 64,
        Kind::LambdaPermission => 64 + 1 + 100,
        Kind::IamRolePolicy => 64 + 1 + 128,
        Kind::SnsTopic | Kind::KmsAlias | Kind::KmsKey => 256,
        Kind::SnsSubscription => 256 + 1 + 64,
        Kind::Alarm | Kind::LogAlarm | Kind::Dashboard | Kind::SavedQuery => 255,
        Kind::LogGroup => 512,
    }
}

/// Says whether a service takes a character in a name.
fn allowed(kind: Kind, character: char) -> bool {
    let word = character.is_ascii_alphanumeric() || character == '-' || character == '_';
    match kind {
        Kind::LambdaFunction
        | Kind::PolicyLayer
        | Kind::SnsTopic
        | Kind::Dashboard
        | Kind::KmsKey => word,
        Kind::EventRule => word || character == '.',
        Kind::IamRole => word || "+=,.@".contains(character),
        Kind::KmsAlias | Kind::LambdaPermission | Kind::SnsSubscription => word || character == '/',
        Kind::EventTarget => word || character == '.' || character == '/',
        Kind::IamRolePolicy => word || "+=,.@/".contains(character),
        Kind::LogGroup => word || "/.#".contains(character),
        Kind::Alarm | Kind::LogAlarm | Kind::SavedQuery => !character.is_control(),
    }
}

/// Every fault of the names that a whole policy leads to, in the order of the files.
pub fn check_names(policy: &Policy) -> Vec<NameFault> {
    let mut faults = Vec::new();
    let mut taken: BTreeMap<(Kind, &str, &str, String), &Place> = BTreeMap::new();
    for environment in &policy.environments {
        let account = environment.account.as_deref().unwrap_or(&environment.name);
        for cluster in &environment.clusters {
            for (kind, name) in names_of(environment, cluster) {
                let limit = limit(kind);
                let length = name.chars().count();
                let fault = |problem, place: &Place| NameFault {
                    kind,
                    name: name.clone(),
                    limit,
                    problem,
                    place: place.clone(),
                };
                if length > limit {
                    // The cluster's part was cut as far as it goes: the environment's name is what is too long.
                    faults.push(fault(NameProblem::TooLong { length }, &environment.place));
                }
                if let Some(character) = name.chars().find(|character| !allowed(kind, *character)) {
                    let of_environment = environment.name.contains(character);
                    let place = if of_environment {
                        &environment.place
                    } else {
                        &cluster.place
                    };
                    faults.push(fault(NameProblem::Character(character), place));
                }
                // IAM does not tell letter case apart, and its names are shared by every region.
                let region = match kind {
                    Kind::IamRole | Kind::IamRolePolicy => "",
                    _ => environment.region.as_deref().unwrap_or_default(),
                };
                let key = (kind, account, region, name.to_lowercase());
                match taken.get(&key) {
                    Some(by) => faults.push(fault(
                        NameProblem::Taken { by: (*by).clone() },
                        &cluster.place,
                    )),
                    None => {
                        taken.insert(key, &cluster.place);
                    }
                }
            }
        }
    }
    faults
}

/// The names of a cluster's resources that a service limits or that must be distinct.
fn names_of(environment: &Environment, cluster: &Cluster) -> Vec<(Kind, String)> {
    let names = Names::new(environment, cluster);
    let signals = || environment.signals.iter().map(|settings| settings.signal);
    let mut all = vec![(Kind::LogGroup, names.cluster_log_group().to_owned())];
    match environment.engine {
        Engine::Monitor => all.extend([
            (Kind::LogGroup, names.monitor_log_group()),
            (Kind::IamRole, names.shared()),
            (Kind::LambdaFunction, names.shared()),
            (Kind::EventRule, names.shared()),
        ]),
        Engine::LogAlarm => all.push((Kind::IamRole, names.query_role())),
    }
    all.extend([
        (Kind::KmsAlias, names.alias()),
        (Kind::SnsTopic, names.shared()),
        (Kind::Dashboard, names.shared()),
        (Kind::SavedQuery, names.saved_query()),
    ]);
    all.extend(
        super::resources::saved_queries(environment.engine)
            .iter()
            .map(|what| (Kind::SavedQuery, names.saved_query_of(what))),
    );
    match environment.engine {
        Engine::Monitor => {
            all.extend(signals().map(|signal| (Kind::Alarm, names.signal_alarm(signal))));
        }
        Engine::LogAlarm => {
            all.extend(signals().map(|signal| (Kind::LogAlarm, names.log_alarm(signal))));
            all.push((Kind::LogAlarm, names.log_heartbeat()));
        }
    }
    all.extend(
        super::resources::monitor_alarms(environment.engine)
            .iter()
            .map(|what| (Kind::Alarm, names.monitor_alarm(what))),
    );
    if environment.chat {
        all.push((Kind::SnsTopic, names.chat_topic()));
    }
    all.extend(
        environment
            .receivers()
            .iter()
            .map(|(receiver, _)| (Kind::SnsSubscription, names.subscription(receiver))),
    );
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::resources::testing;

    fn policy(environments: Vec<Environment>) -> Policy {
        Policy {
            environments,
            ..Policy::default()
        }
    }

    #[test]
    fn holds_environment_cluster_and_a_stable_hash() {
        let environment = testing::environment("prod", &["orders"]);
        let names = Names::new(&environment, &environment.clusters[0]);
        assert!(
            names.base().starts_with("pgvigil-prod-orders-"),
            "{}",
            names.base()
        );
        assert_eq!(
            names.base(),
            Names::new(&environment, &environment.clusters[0]).base()
        );
        assert_eq!(names.base(), "pgvigil-prod-orders-43d08d89");
    }

    /// T4, T5: a second cluster, environment, region or account never meets the first one's names.
    #[test]
    fn t4_t5_every_part_of_the_identity_is_in_the_name() {
        let base = |change: fn(&mut Environment)| {
            let mut environment = testing::environment("prod", &["orders"]);
            change(&mut environment);
            Names::new(&environment, &environment.clusters[0])
                .base()
                .to_owned()
        };
        let mut all = vec![
            base(|_| ()),
            base(|environment| environment.name = "test".to_owned()),
            base(|environment| environment.clusters[0].name = "billing".to_owned()),
            base(|environment| environment.clusters[0].kind = ClusterKind::Instance),
            base(|environment| environment.region = Some("eu-west-1".to_owned())),
            base(|environment| environment.account = Some("999999999999".to_owned())),
        ];
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 6);
    }

    #[test]
    fn cuts_a_long_cluster_and_keeps_names_apart() {
        let long = "a-cluster-whose-name-is-as-long-as-rds-lets-it-be-sixty-three-c";
        let other = "a-cluster-whose-name-is-as-long-as-rds-lets-it-be-sixty-three-d";
        let environment = testing::environment("production", &[long, other]);
        let first = Names::new(&environment, &environment.clusters[0]);
        let second = Names::new(&environment, &environment.clusters[1]);
        assert_ne!(first.base(), second.base());
        assert!(first.base().len() <= 64);
        assert_eq!(check_names(&policy(vec![environment])), []);
    }

    #[test]
    fn tells_of_an_environment_that_leaves_no_room() {
        let environment = testing::environment(&"e".repeat(39), &["orders-database"]);
        let faults = check_names(&policy(vec![environment]));
        let kinds: Vec<Kind> = faults.iter().map(|fault| fault.kind).collect();
        assert_eq!(
            kinds,
            [Kind::IamRole, Kind::LambdaFunction, Kind::EventRule]
        );
        assert!(
            faults
                .iter()
                .all(|fault| fault.problem == NameProblem::TooLong { length: 65 }
                    && fault.limit == 64)
        );
    }

    #[test]
    fn tells_of_a_character_that_a_service_refuses() {
        let environment = testing::environment("pro.d", &["orders"]);
        let faults = check_names(&policy(vec![environment]));
        let kinds: Vec<Kind> = faults.iter().map(|fault| fault.kind).collect();
        assert_eq!(
            kinds,
            [
                Kind::LambdaFunction,
                Kind::KmsAlias,
                Kind::SnsTopic,
                Kind::Dashboard,
                Kind::SnsSubscription,
                Kind::SnsSubscription
            ]
        );
        assert!(
            faults
                .iter()
                .all(|fault| fault.problem == NameProblem::Character('.'))
        );
    }

    #[test]
    fn tells_of_a_cluster_declared_twice() {
        let environment = testing::environment("prod", &["orders", "orders"]);
        let faults = check_names(&policy(vec![environment]));
        assert!(!faults.is_empty());
        assert!(
            faults
                .iter()
                .all(|fault| matches!(fault.problem, NameProblem::Taken { .. }))
        );
    }

    /// The log group of a cluster belongs to one environment of an account and region only.
    #[test]
    fn tells_of_a_cluster_watched_by_two_environments() {
        let faults = check_names(&policy(vec![
            testing::environment("prod", &["orders"]),
            testing::environment("live", &["orders"]),
        ]));
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].kind, Kind::LogGroup);
    }
}
