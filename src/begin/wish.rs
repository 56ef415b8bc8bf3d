//! The description of a new policy repository, and all its errors, which are reported together.

use jiff::civil::Date;

use crate::check::notifications::is_address;
use crate::diagnostic::{is_hostile, quote};
use crate::policy::is_kebab;
use crate::policy::model::{ClusterKind, LogClass, Provider};

/// Where pull requests are reviewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forge {
    /// GitHub: workflows.
    Github,
    /// GitLab: a pipeline.
    Gitlab,
    /// No forge yet: no files for one.
    None,
}

/// A cluster or instance to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterWish {
    /// Its identifier in RDS.
    pub name: String,
    pub kind: ClusterKind,
    /// What is known about it. Written as a comment.
    pub remarks: Vec<String>,
}

impl ClusterWish {
    /// An Aurora cluster without further information.
    pub fn aurora(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: ClusterKind::Aurora,
            remarks: Vec::new(),
        }
    }
}

/// A person to audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserWish {
    pub role: String,
    /// The classes that pgAudit logs, if not all.
    pub log: Option<Vec<LogClass>>,
    /// What is known about it. Written as a comment.
    pub remarks: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EnvironmentWish {
    pub name: String,
    pub account: Option<String>,
    pub region: Option<String>,
    pub clusters: Vec<ClusterWish>,
    /// Clusters that were found and might belong here. Written as a comment.
    pub undecided: Vec<ClusterWish>,
    /// `log_line_prefix`, if it is not the default.
    pub log_line_prefix: Option<String>,
    /// Email addresses to notify.
    pub emails: Vec<String>,
    /// Variables with the URLs of incident platforms.
    pub https: Vec<String>,
    /// Minutes between two runs of the monitor.
    pub window_minutes: Option<u32>,
    /// Namespace of the metrics.
    pub namespace: Option<String>,
    /// Days that the clusters' logs are kept.
    pub retention_days: Option<u32>,
    /// Seconds after which a run is stopped.
    pub timeout_seconds: Option<u32>,
    pub memory_mb: Option<u32>,
    pub tags: Vec<(String, String)>,
}

/// A new policy repository.
#[derive(Debug, Clone)]
pub struct Wish {
    pub provider: Provider,
    /// Where pull requests are reviewed.
    pub forge: Forge,
    /// Owner of the entries.
    pub owner: String,
    /// Whom the forge asks for a review: `@org/team`, or addresses.
    pub code_owners: Vec<String>,
    pub environments: Vec<EnvironmentWish>,
    pub users: Vec<UserWish>,
    pub today: Date,
    /// Comment lines after the exclusions.
    pub proposals: String,
}

/// One thing that is wrong with a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What, as a sentence without its end.
    pub message: String,
    pub help: String,
}

impl Fault {
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: help.into(),
        }
    }
}

/// Most characters of an owner; team names are shorter.
const OWNER: usize = 100;

impl Wish {
    /// Every error, in the order of the questions.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        self.owners(&mut faults);
        if self.environments.is_empty() {
            faults.push(Fault::new(
                "there is no environment",
                "name one with --env, such as --env production",
            ));
        }
        let mut names: Vec<&str> = Vec::new();
        for environment in &self.environments {
            if names.contains(&environment.name.as_str()) {
                faults.push(Fault::new(
                    format!(
                        "the environment {} is named twice",
                        quote(&environment.name)
                    ),
                    "name each once",
                ));
                continue;
            }
            names.push(&environment.name);
            environment.faults(self.provider, &mut faults);
        }
        self.twice(&mut faults);
        self.roles(&mut faults);
        faults
    }

    fn owners(&self, faults: &mut Vec<Fault>) {
        let is_text = |text: &str| {
            !text.trim().is_empty()
                && text.trim() == text
                && text.chars().count() <= OWNER
                && !text
                    .chars()
                    .any(|character| is_hostile(character) || character.is_control())
        };
        if !is_text(&self.owner) {
            faults.push(Fault::new(
                format!("{} is not a valid owner", quote(&self.owner)),
                format!("write the name of a team or a person on one line, at most {OWNER} characters, as in --owner data-platform"),
            ));
        }
        for owner in &self.code_owners {
            if !is_code_owner(owner) {
                faults.push(Fault::new(
                    format!("{} is not a valid code owner", quote(owner)),
                    "write --code-owner @ORGANISATION/TEAM, @PERSON or an email address",
                ));
            }
        }
    }

    /// One cluster in two environments of the same place is watched twice.
    fn twice(&self, faults: &mut Vec<Fault>) {
        let mut seen: Vec<(&EnvironmentWish, &str)> = Vec::new();
        for environment in &self.environments {
            for cluster in &environment.clusters {
                let other = seen.iter().find(|(other, name)| {
                    *name == cluster.name
                        && other.account == environment.account
                        && other.region == environment.region
                });
                match other {
                    Some((other, name))
                        if self.provider == Provider::Aws || other.name == environment.name =>
                    {
                        faults.push(Fault::new(
                            format!(
                                "the cluster {} is listed in {} and in {}",
                                quote(name),
                                quote(&other.name),
                                quote(&environment.name)
                            ),
                            "keep it in one environment",
                        ));
                    }
                    _ => seen.push((environment, &cluster.name)),
                }
            }
        }
    }

    fn roles(&self, faults: &mut Vec<Fault>) {
        let mut seen: Vec<&str> = Vec::new();
        for user in &self.users {
            let role = user.role.as_str();
            if seen.contains(&role) {
                faults.push(Fault::new(
                    format!("the role {} is named twice", quote(role)),
                    "name each once",
                ));
                continue;
            }
            seen.push(role);
            if let Some(message) = role_fault(role) {
                faults.push(Fault::new(
                    message,
                    "write the name as in `pg_roles`; rename a role with `:`, `[` or `]` first",
                ));
            }
        }
    }
}

impl EnvironmentWish {
    fn faults(&self, provider: Provider, faults: &mut Vec<Fault>) {
        let named = quote(&self.name);
        if !is_kebab(&self.name, 32) {
            faults.push(Fault::new(
                format!("{named} is not a valid environment name"),
                "write lower-case words joined by hyphens, at most 32 characters",
            ));
        } else if self.name == "base" {
            faults.push(Fault::new(
                "`base` is the file that all environments share, not an environment",
                "choose another name",
            ));
        }
        let is_aws = provider == Provider::Aws;
        match &self.account {
            None if is_aws => faults.push(Fault::new(
                format!("{named} has no AWS account"),
                "give --account, twelve digits; --account ENV=ACCOUNT if environments differ",
            )),
            Some(account) if !is_account(account) => faults.push(Fault::new(
                format!("{} is not a valid AWS account number", quote(account)),
                "write twelve digits",
            )),
            _ => {}
        }
        match &self.region {
            None if is_aws => faults.push(Fault::new(
                format!("{named} has no AWS region"),
                "give --region, as in --region eu-central-1; --region ENV=REGION if environments differ",
            )),
            Some(region) if !is_region(region) => faults.push(Fault::new(
                format!("{} is not a valid AWS region", quote(region)),
                "write it as in eu-central-1",
            )),
            _ => {}
        }
        if self.clusters.is_empty() {
            faults.push(Fault::new(
                format!("{named} has no cluster"),
                format!(
                    "give --cluster {}=NAME, or --import-clusters if you have credentials for the account",
                    if is_kebab(&self.name, 32) { &self.name } else { "ENV" }
                ),
            ));
        }
        for cluster in &self.clusters {
            if !is_cluster(&cluster.name) {
                faults.push(Fault::new(
                    format!("{} is not a valid RDS cluster identifier", quote(&cluster.name)),
                    "write 1 to 63 lower-case letters, digits and single hyphens, starting with a letter",
                ));
            }
        }
        for email in &self.emails {
            if !is_address(email) {
                faults.push(Fault::new(
                    format!("{} is not a valid email address", quote(email)),
                    "write one address, as in dba@example.com",
                ));
            }
        }
    }
}

/// What is wrong with the name of a role.
pub fn role_fault(role: &str) -> Option<String> {
    let shown = quote(role);
    if role.is_empty() {
        Some("a role has no name".to_owned())
    } else if role.len() > 63 {
        Some(format!(
            "the role {shown} is longer than PostgreSQL's 63 bytes"
        ))
    } else if role
        .chars()
        .any(|sign| sign.is_control() || is_hostile(sign))
    {
        Some(format!("the role {shown} contains invisible characters"))
    } else if role.contains([':', '[', ']']) {
        Some(format!("the role {shown} can imitate a line of the log"))
    } else if role.trim_matches(' ') != role {
        Some(format!("the role {shown} begins or ends with a space"))
    } else {
        None
    }
}

pub fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The form of a region, as in `eu-central-1`.
pub fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let Some((number, words)) = parts.split_last() else {
        return false;
    };
    (1..=2).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && words.len() >= 2
        && words
            .first()
            .is_some_and(|area| (2..=4).contains(&area.len()))
        && words
            .iter()
            .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()))
}

/// The form of an identifier of RDS ("CreateDBCluster", DBClusterIdentifier).
pub fn is_cluster(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && !text.ends_with('-')
        && !text.contains("--")
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// `@person`, `@org/team`, `@group/subgroup`, or an address.
fn is_code_owner(text: &str) -> bool {
    match text.strip_prefix('@') {
        Some(name) => name.split('/').all(|part| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        }),
        None => is_address(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_aws() {
        for region in ["eu-central-1", "us-gov-west-1", "eusc-de-east-1"] {
            assert!(is_region(region), "{region}");
        }
        for region in [
            "",
            "eu",
            "eu-central",
            "eu-1",
            "EU-central-1",
            "eu--1",
            "eu-central-123",
            "a/b-c-1",
        ] {
            assert!(!is_region(region), "{region}");
        }
        for cluster in ["a", "orders-prod", "a1-b2"] {
            assert!(is_cluster(cluster), "{cluster}");
        }
        for cluster in ["", "1a", "a--b", "a-", "../a", "A", "a b", "ä"] {
            assert!(!is_cluster(cluster), "{cluster}");
        }
        for owner in ["@shop/dba", "@alice", "dba@example.com", "@a/b/c"] {
            assert!(is_code_owner(owner), "{owner}");
        }
        for owner in ["alice", "@", "@a/", "@a b", "@a\n* @evil", "#"] {
            assert!(!is_code_owner(owner), "{owner}");
        }
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let wish = Wish {
            provider: Provider::Aws,
            forge: Forge::Github,
            owner: "a\nb".to_owned(),
            code_owners: vec!["@a\n* @evil".to_owned()],
            environments: vec![
                EnvironmentWish {
                    name: "../etc".to_owned(),
                    account: Some("12".to_owned()),
                    clusters: vec![ClusterWish::aurora("UPPER")],
                    emails: vec!["nobody".to_owned()],
                    ..EnvironmentWish::default()
                },
                EnvironmentWish {
                    name: "../etc".to_owned(),
                    ..EnvironmentWish::default()
                },
                EnvironmentWish {
                    name: "base".to_owned(),
                    ..EnvironmentWish::default()
                },
            ],
            users: vec![UserWish {
                role: "a]b".to_owned(),
                log: None,
                remarks: Vec::new(),
            }],
            today: jiff::civil::date(2026, 11, 27),
            proposals: String::new(),
        };
        let faults = wish.faults();
        let told: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
        assert_eq!(
            told,
            [
                "`a\\nb` is not a valid owner",
                "`@a\\n* @evil` is not a valid code owner",
                "`../etc` is not a valid environment name",
                "`12` is not a valid AWS account number",
                "`../etc` has no AWS region",
                "`UPPER` is not a valid RDS cluster identifier",
                "`nobody` is not a valid email address",
                "the environment `../etc` is named twice",
                "`base` is the file that all environments share, not an environment",
                "`base` has no AWS account",
                "`base` has no AWS region",
                "`base` has no cluster",
                "the role `a]b` can imitate a line of the log",
            ]
        );
    }
}
