//! One name, one meaning: ids, roles, clusters.

use std::collections::BTreeMap;

use super::{Check, Context};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity, quote};
use crate::policy::model::{RoleMatch, Selection};
use crate::source::Place;

/// See [`Code::ExclusionDuplicate`], [`Code::RoleDuplicate`], [`Code::RoleUserAndAccount`] and
/// [`Code::EnvironmentDuplicateCluster`].
#[derive(Debug)]
pub struct Duplicates;

impl Check for Duplicates {
    fn run(&self, context: &Context<'_>, sink: &mut Diagnostics) {
        exclusions(context, sink);
        roles(context, sink);
        clusters(context, sink);
    }
}

fn exclusions(context: &Context<'_>, sink: &mut Diagnostics) {
    let mut seen: BTreeMap<&str, &Place> = BTreeMap::new();
    for exclusion in &context.policy.exclusions {
        match seen.get(exclusion.id.as_str()) {
            Some(first) => sink.push(
                Diagnostic::new(
                    Code::ExclusionDuplicate,
                    format!("two exclusions have the id {}", quote(&exclusion.id)),
                )
                .label(exclusion.place.clone(), "used again")
                .context((*first).clone(), "used here")
                .help("rename one of them"),
            ),
            None => {
                seen.insert(&exclusion.id, &exclusion.place);
            }
        }
    }
}

struct Declared<'a> {
    environments: &'a Selection,
    place: &'a Place,
    is_user: bool,
}

fn roles(context: &Context<'_>, sink: &mut Diagnostics) {
    let users = context.policy.users.iter().map(|user| {
        (
            user.role.as_str(),
            Declared {
                environments: &user.environments,
                place: &user.place,
                is_user: true,
            },
        )
    });
    let accounts = context
        .policy
        .service_accounts
        .iter()
        .filter_map(|account| match &account.role {
            RoleMatch::Name(name) => Some((
                name.as_str(),
                Declared {
                    environments: &account.environments,
                    place: &account.place,
                    is_user: false,
                },
            )),
            RoleMatch::Pattern(_) => None,
        });
    let mut seen: BTreeMap<&str, Vec<Declared<'_>>> = BTreeMap::new();
    for (role, declared) in users.chain(accounts) {
        let earlier = seen.entry(role).or_default();
        if let Some(first) = earlier
            .iter()
            .find(|first| overlap(first.environments, declared.environments))
        {
            let (code, message) = if first.is_user == declared.is_user {
                (
                    Code::RoleDuplicate,
                    format!("the role {} is declared twice", quote(role)),
                )
            } else {
                (
                    Code::RoleUserAndAccount,
                    format!(
                        "the role {} is an audited person and an account that is not audited",
                        quote(role)
                    ),
                )
            };
            sink.push(
                Diagnostic::new(code, message)
                    .label(declared.place.clone(), "declared again")
                    .context(first.place.clone(), "declared here")
                    .help("keep one of the two, or give them different environments"),
            );
        }
        // Ten duplicates of a name are enough to report.
        if earlier.len() < 10 {
            earlier.push(declared);
        }
    }
}

/// Says whether two selections can mean the same environment.
pub(super) fn overlap(a: &Selection, b: &Selection) -> bool {
    match (a, b) {
        (Selection::All, _) | (_, Selection::All) => true,
        (Selection::Only(names), other) => names.iter().any(|name| other.contains(name)),
    }
}

fn clusters(context: &Context<'_>, sink: &mut Diagnostics) {
    let mut everywhere: BTreeMap<_, (&Place, &str)> = BTreeMap::new();
    for environment in &context.policy.environments {
        let mut here: BTreeMap<_, &Place> = BTreeMap::new();
        for cluster in &environment.clusters {
            let group = cluster.log_group();
            if let Some(first) = here.get(&group) {
                sink.push(
                    Diagnostic::new(
                        Code::EnvironmentDuplicateCluster,
                        format!("{} is watched twice", quote(&cluster.name)),
                    )
                    .label(cluster.place.clone(), "named again")
                    .context((*first).clone(), "named here")
                    .help("keep one of the two"),
                );
                continue;
            }
            here.insert(group.clone(), &cluster.place);
            let (Some(account), Some(region)) = (&environment.account, &environment.region) else {
                continue;
            };
            let key = (account.as_str(), region.as_str(), group);
            match everywhere.get(&key) {
                Some((first, other)) => {
                    let mut diagnostic = Diagnostic::new(
                        Code::EnvironmentDuplicateCluster,
                        format!(
                            "{} is watched by the environments {} and {}",
                            quote(&cluster.name),
                            quote(other),
                            quote(&environment.name)
                        ),
                    )
                    .label(cluster.place.clone(), "named again")
                    .context((*first).clone(), "named here")
                    .help("each alarm fires twice: keep one of the two");
                    diagnostic.severity = Severity::Warning;
                    sink.push(diagnostic);
                }
                None => {
                    everywhere.insert(key, (&cluster.place, &environment.name));
                }
            }
        }
    }
}
