//! The clusters of an account: the port that lists them, remarks on each, and the environment that each belongs to.

use super::wish::{ClusterWish, EnvironmentWish, is_account, is_region};
use crate::audit_log::prefix::LogLinePrefix;
use crate::deploy::port::{At, CloudError};
use crate::policy;
use crate::policy::model::{ClusterKind, Environment};

/// Reads an account. It has no call that changes anything.
pub trait ClusterLister {
    /// Where the credentials lead.
    ///
    /// # Errors
    /// [`CloudError`] if there is no answer, or the credentials are refused.
    fn place(&self) -> Result<At, CloudError>;

    /// Every Aurora cluster with PostgreSQL of the account and region, by name.
    ///
    /// # Errors
    /// [`CloudError`] when the list or one of the groups cannot be read.
    fn clusters(&self) -> Result<Vec<FoundCluster>, CloudError>;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundCluster {
    pub name: String,
    /// Version of the engine, such as `15.12`.
    pub version: String,
    /// Whether the log goes to CloudWatch.
    pub exports_log: bool,
    /// `shared_preload_libraries`, where the parameter group could be read.
    pub preloads: Option<String>,
    /// Name of the cluster's parameter group.
    pub parameter_group: String,
    /// `log_line_prefix` of the group, where it has one.
    pub log_line_prefix: Option<String>,
}

impl FoundCluster {
    fn preloads_pgaudit(&self) -> Option<bool> {
        let libraries = self.preloads.as_deref()?;
        Some(libraries.split(',').any(|name| name.trim() == "pgaudit"))
    }

    /// Remarks on the cluster, each written as a comment.
    pub fn remarks(&self) -> Vec<String> {
        let log = if self.exports_log {
            "exports its log"
        } else {
            "does NOT export its log to CloudWatch: `pgvigil doctor` shows the command"
        };
        let library = match self.preloads_pgaudit() {
            Some(true) => "preloads pgaudit".to_owned(),
            Some(false) => format!(
                "does NOT preload pgaudit: add it to shared_preload_libraries of {}, then reboot",
                self.parameter_group
            ),
            None => "could not read its preloaded libraries".to_owned(),
        };
        vec![format!("PostgreSQL {}; {log}; {library}", self.version)]
    }

    fn wish(&self) -> ClusterWish {
        ClusterWish {
            name: self.name.clone(),
            kind: ClusterKind::Aurora,
            remarks: self.remarks(),
        }
    }
}

/// An environment with nothing but an account and a region: enough to read the account.
pub fn somewhere(account: Option<&str>, region: &str) -> Option<Environment> {
    // Both are checked, so that they cannot add other keys to the file.
    let account = account
        .filter(|account| is_account(account))
        .unwrap_or("000000000000");
    let region = Some(region).filter(|region| is_region(region))?;
    let text = format!(
        "version: 1\nprovider: aws\naccount: \"{account}\"\nregion: {region}\nclusters: [unknown]\n"
    );
    let loaded = policy::load_from([("environments/unknown.yaml", text)]);
    loaded.policy.environments.into_iter().next()
}

/// Assigns clusters to environments of the same account and region: to the only one, else to the one whose name is part
/// of the cluster's name. Other clusters become a comment in the first environment. Returns the names of those.
pub fn assign(environments: &mut [&mut EnvironmentWish], found: &[FoundCluster]) -> Vec<String> {
    let mut left = Vec::new();
    let names: Vec<String> = environments
        .iter()
        .map(|environment| environment.name.clone())
        .collect();
    for cluster in found {
        let is_known = environments.iter().any(|environment| {
            let mut known = environment.clusters.iter();
            known.any(|wish| wish.name == cluster.name)
        });
        let at = match environments.iter().position(|environment| {
            let mut known = environment.clusters.iter();
            known.any(|wish| wish.name == cluster.name)
        }) {
            Some(at) => Some(at),
            None if names.len() == 1 => Some(0),
            None => named(&cluster.name, &names),
        };
        let Some(environment) = at.and_then(|at| environments.get_mut(at)) else {
            left.push(cluster.name.clone());
            if let Some(first) = environments.first_mut() {
                first.undecided.push(cluster.wish());
            }
            continue;
        };
        if is_known {
            for wish in &mut environment.clusters {
                if wish.name == cluster.name {
                    wish.remarks = cluster.remarks();
                }
            }
        } else {
            environment.clusters.push(cluster.wish());
        }
        prefix(environment, cluster);
    }
    left
}

/// An environment has one log_line_prefix; a cluster with another one gets a remark.
fn prefix(environment: &mut EnvironmentWish, cluster: &FoundCluster) {
    let theirs = cluster
        .log_line_prefix
        .as_deref()
        .unwrap_or(LogLinePrefix::Short.as_str());
    let is_first = environment.clusters.len() == 1;
    let known = LogLinePrefix::ALL
        .iter()
        .any(|form| form.as_str() == theirs);
    let ours = environment
        .log_line_prefix
        .as_deref()
        .unwrap_or(LogLinePrefix::Short.as_str());
    if theirs == ours {
        return;
    }
    if is_first && known {
        environment.log_line_prefix = Some(theirs.to_owned());
        return;
    }
    let ours = ours.to_owned();
    if let Some(wish) = environment
        .clusters
        .iter_mut()
        .find(|wish| wish.name == cluster.name)
    {
        wish.remarks.push(format!(
            "its log_line_prefix is {theirs}, but this environment expects {ours}: give it the same, or an environment of its own"
        ));
    }
}

/// Short forms of environment names, as used in the names of clusters.
const SHORT: [(&str, &[&str]); 4] = [
    ("production", &["prod", "prd", "live"]),
    ("staging", &["stage", "stg"]),
    ("development", &["dev", "develop"]),
    ("testing", &["test", "tst", "qa"]),
];

/// The environment whose name is part of the cluster's name, if there is only one.
fn named(cluster: &str, environments: &[String]) -> Option<usize> {
    let parts: Vec<&str> = cluster.split('-').collect();
    let group = |word: &str| {
        SHORT
            .iter()
            .position(|(long, short)| *long == word || short.contains(&word))
    };
    let mut matching = environments.iter().enumerate().filter(|(_, name)| {
        let whole = format!("-{cluster}-").contains(&format!("-{name}-"));
        whole
            || parts
                .iter()
                .any(|part| group(part).is_some() && group(part) == group(name))
    });
    let (at, _) = matching.next()?;
    matching.next().is_none().then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str) -> FoundCluster {
        FoundCluster {
            name: name.to_owned(),
            version: "15.12".to_owned(),
            exports_log: true,
            preloads: Some("pg_stat_statements, pgaudit".to_owned()),
            parameter_group: "audited".to_owned(),
            log_line_prefix: None,
        }
    }

    fn wish(name: &str) -> EnvironmentWish {
        EnvironmentWish {
            name: name.to_owned(),
            ..EnvironmentWish::default()
        }
    }

    #[test]
    fn a_cluster_goes_to_the_environment_that_its_name_names() {
        let (mut staging, mut production) = (wish("staging"), wish("production"));
        let all = [
            "orders-prod",
            "stg-billing",
            "lonely",
            "prod-staging",
            "product-db",
        ]
        .map(found);
        let left = assign(&mut [&mut staging, &mut production], &all);
        let names = |wish: &EnvironmentWish| -> Vec<String> {
            wish.clusters.iter().map(|c| c.name.clone()).collect()
        };
        assert_eq!(names(&staging), ["stg-billing"]);
        assert_eq!(names(&production), ["orders-prod"]);
        assert_eq!(left, ["lonely", "prod-staging", "product-db"]);
        assert_eq!(staging.undecided.len(), 3);

        let mut only = wish("eu");
        assert!(assign(&mut [&mut only], &all).is_empty());
        assert_eq!(only.clusters.len(), 5);
    }

    #[test]
    fn what_a_cluster_lacks_is_told_and_its_prefix_is_taken() {
        let mut long = found("a");
        long.log_line_prefix = Some(LogLinePrefix::Long.as_str().to_owned());
        let mut bare = found("b");
        bare.exports_log = false;
        bare.preloads = Some("pg_stat_statements".to_owned());
        let mut environment = wish("eu");
        assign(&mut [&mut environment], &[long, bare]);
        assert_eq!(
            environment.log_line_prefix.as_deref(),
            Some(LogLinePrefix::Long.as_str())
        );
        let told = environment.clusters[1].remarks.join("\n");
        for words in [
            "NOT export",
            "NOT preload pgaudit",
            "audited",
            "an environment of its own",
        ] {
            assert!(told.contains(words), "{told}");
        }
        assert_eq!(
            environment.clusters[0].remarks,
            ["PostgreSQL 15.12; exports its log; preloads pgaudit"]
        );
    }
}
