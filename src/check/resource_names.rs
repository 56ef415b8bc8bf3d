//! Names of resources that become too long. Naming belongs to the room `compile`, which is further
//! out: it hands its names in.

use crate::diagnostic::{Code, Diagnostic, Diagnostics, quote};
use crate::policy::model::{Cluster, Environment};

/// A name that a resource would get.
#[derive(Debug, Clone)]
pub struct ResourceName {
    /// What it is, for people: "the Lambda function".
    pub kind: &'static str,
    /// The name.
    pub name: String,
    /// Most characters that AWS allows.
    pub longest: usize,
}

/// Reports each name of a cluster's resources that is too long.
pub fn check_resource_names(
    environment: &Environment,
    cluster: &Cluster,
    names: &[ResourceName],
    sink: &mut Diagnostics,
) {
    for ResourceName {
        kind,
        name,
        longest,
    } in names
    {
        let length = name.chars().count();
        if length > *longest {
            sink.push(
                Diagnostic::new(Code::EnvironmentResourceName, format!("{kind} would be named {}: {length} characters, and at most {longest} are possible", quote(name)))
                    .at(cluster.place.clone())
                    .help(format!("shorten the name of the environment {}", quote(&environment.name))),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_what_is_too_long() {
        let loaded = crate::policy::load_from([(
            "environments/dev.yaml",
            "version: 1\nprovider: local\nclusters: [orders]\n",
        )]);
        let environment = &loaded.policy.environments[0];
        let names = ["x".repeat(64), "x".repeat(65)].map(|name| ResourceName {
            kind: "the Lambda function",
            name,
            longest: 64,
        });
        let mut sink = Diagnostics::default();
        check_resource_names(environment, &environment.clusters[0], &names, &mut sink);
        let found: Vec<_> = sink.iter().collect();
        assert_eq!(found.len(), 1);
        assert_eq!(loaded.files.slice(found[0].place().unwrap()), "orders");
    }
}
