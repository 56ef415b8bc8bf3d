//! Who has to agree to a change, and who may not have written it.
//!
//! The base's limits and users count: a pull request cannot lower what is asked of itself.

use std::collections::BTreeSet;

use super::report::{Approvals, Direction, ExclusionImpact, Fault};
use crate::policy::model::{Environment, Exclusion, Limits, Policy, RoleMatch, User};

/// What the approvals rest on.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The policy before the change.
    pub base: &'a Policy,
    /// The policy after it.
    pub head: &'a Policy,
    /// The environment, as head has it.
    pub environment: &'a Environment,
    /// Whether head silences more, all in all.
    pub direction: Direction,
    /// The exclusions of both.
    pub exclusions: &'a [ExclusionImpact],
    /// Addresses of those who wrote the change.
    pub authors: &'a [String],
}

/// The approvals that a change needs, and the faults of those who wrote it.
pub fn approvals(facts: &Facts<'_>) -> (Approvals, Vec<Fault>) {
    let changed: Vec<&ExclusionImpact> = facts
        .exclusions
        .iter()
        .filter(|exclusion| exclusion.change != super::report::Change::Unchanged)
        .collect();
    let mut reasons = Vec::new();
    let mut is_widened = false;
    for exclusion in changed.iter().filter(|e| e.direction.may_silence_more()) {
        is_widened = true;
        reasons.push(format!(
            "the exclusion `{}` is {}",
            exclusion.id,
            exclusion.direction.name()
        ));
    }
    if facts.direction.may_silence_more() && !is_widened {
        is_widened = true;
        reasons.push(format!("what is silenced is {}", facts.direction.name()));
    }
    let weaker = weakened(facts.base, facts.head);
    is_widened |= !weaker.is_empty();
    reasons.extend(weaker);
    let most = |limit: fn(&Limits) -> u32| limit(&facts.base.limits).max(limit(&facts.head.limits));
    let required = if is_widened {
        most(|limits| limits.approvals_when_widened)
    } else if !changed.is_empty() {
        reasons.push("exclusions change".to_owned());
        most(|limits| limits.approvals)
    } else {
        0
    };
    let (covered, faults) = authors(facts);
    let mut not_by: BTreeSet<String> = covered;
    if required > 0 {
        not_by.extend(facts.authors.iter().cloned());
    }
    let owners: BTreeSet<String> = changed.iter().map(|e| e.owner.clone()).collect();
    let approvals = Approvals {
        required,
        reasons,
        owners: owners.into_iter().collect(),
        not_by: not_by.into_iter().collect(),
        authors: facts.authors.to_vec(),
    };
    (approvals, faults)
}

/// What guards the policy itself and is weaker in head.
fn weakened(base: &Policy, head: &Policy) -> Vec<String> {
    let mut weaker = Vec::new();
    let (old, new) = (&base.limits, &head.limits);
    for (name, before, after) in [
        ("max_life_days", old.max_life_days, new.max_life_days),
        (
            "max_accepted_days",
            old.max_accepted_days,
            new.max_accepted_days,
        ),
    ] {
        if after > before {
            weaker.push(format!(
                "the limit `{name}` is raised from {before} to {after}"
            ));
        }
    }
    for (name, before, after) in [
        ("approvals", old.approvals, new.approvals),
        (
            "approvals_when_widened",
            old.approvals_when_widened,
            new.approvals_when_widened,
        ),
    ] {
        if after < before {
            weaker.push(format!(
                "the limit `{name}` is lowered from {before} to {after}"
            ));
        }
    }
    for (name, before, after) in [
        (
            "max_silenced_share",
            old.max_silenced_share,
            new.max_silenced_share,
        ),
        (
            "max_exclusion_share",
            old.max_exclusion_share,
            new.max_exclusion_share,
        ),
    ] {
        if before.is_some_and(|before| after.is_none_or(|after| after > before)) {
            weaker.push(format!("the limit `{name}` is raised or gone"));
        }
    }
    let conditions = |policy: &Policy| -> Vec<String> {
        let entries = policy.protected.iter().map(|entry| {
            format!(
                "{:?}",
                (
                    &entry.user,
                    &entry.database,
                    &entry.class,
                    &entry.command,
                    &entry.schema,
                    &entry.relation
                )
            )
        });
        let canaries = policy.canaries.iter().map(|canary| {
            format!(
                "{:?}",
                (
                    (&canary.user, &canary.database, &canary.client),
                    (&canary.class, &canary.command),
                    (&canary.object_type, &canary.object, &canary.statement)
                )
            )
        });
        entries.chain(canaries).collect()
    };
    let kept: BTreeSet<String> = conditions(head).into_iter().collect();
    let lost = conditions(base)
        .iter()
        .filter(|entry| !kept.contains(*entry))
        .count();
    if lost > 0 {
        weaker.push(format!(
            "{lost} protected entries or canaries are changed or gone"
        ));
    }
    weaker
}

/// People whose own role the change covers, by their addresses; and the faults of authors among them.
fn authors(facts: &Facts<'_>) -> (BTreeSet<String>, Vec<Fault>) {
    let mut covered = BTreeSet::new();
    let mut faults = Vec::new();
    let people: Vec<&User> = facts.base.users.iter().chain(&facts.head.users).collect();
    let widened: BTreeSet<&str> = facts
        .exclusions
        .iter()
        .filter(|exclusion| exclusion.direction.may_silence_more())
        .map(|exclusion| exclusion.id.as_str())
        .collect();
    let mut told = BTreeSet::new();
    let mut cover = |user: &User, what: String, exclusion: Option<&str>| {
        covered.extend(user.git.iter().map(|address| address.to_lowercase()));
        let author = user
            .git
            .iter()
            .find(|address| facts.authors.contains(&address.to_lowercase()));
        if let Some(author) = author
            && told.insert((author.clone(), what.clone()))
        {
            faults.push(Fault {
                code: "impact/own-role".to_owned(),
                exclusion: exclusion.map(str::to_owned),
                message: format!("{author} writes {what} for the own role `{}`", user.role),
                help: "let somebody else write it: nobody silences their own role".to_owned(),
            });
        }
    };
    let names_role = |exclusion: &Exclusion, role: &str| {
        exclusion
            .matcher
            .user
            .as_ref()
            .is_some_and(|users| users.iter().any(|user| user == role))
    };
    for exclusion in facts.head.exclusions_in(facts.environment) {
        if !widened.contains(exclusion.id.as_str()) {
            continue;
        }
        for user in people
            .iter()
            .filter(|user| names_role(exclusion, &user.role))
        {
            cover(
                user,
                format!("the exclusion `{}`", exclusion.id),
                Some(&exclusion.id),
            );
        }
    }
    let before: Vec<&RoleMatch> = facts
        .base
        .service_accounts
        .iter()
        .map(|account| &account.role)
        .collect();
    for account in facts.head.service_accounts_in(facts.environment) {
        if before.contains(&&account.role) {
            continue;
        }
        let role = match &account.role {
            RoleMatch::Name(name) => name.clone(),
            // A pattern that matches a person is refused by the checks.
            RoleMatch::Pattern(_) => continue,
        };
        for user in people.iter().filter(|user| user.role == role) {
            cover(user, format!("the service account `{role}`"), None);
        }
    }
    (covered, faults)
}
