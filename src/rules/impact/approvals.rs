//! Who has to agree to a change, and who may not have written it.
//!
//! The base's limits and users count: a pull request cannot lower what is asked of itself.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;

use super::report::{Approvals, Direction, ExclusionImpact, Fault};
use crate::policy::model::{Environment, Exclusion, Limits, Policy, RoleMatch, User};
use crate::rules::hearing::grants::{self, GrantChange};
use crate::rules::hearing::{Hearing, HearingChange, guards};

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
    /// What the alarm covers apart from exclusions and accounts.
    pub hearing: &'a Hearing,
    /// Addresses of those who wrote the change.
    pub authors: &'a [String],
    /// The day for which both are judged.
    pub today: Date,
    /// The present moment.
    pub now: Timestamp,
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
    let (renewals, losses): (Vec<&HearingChange>, Vec<&HearingChange>) = facts
        .hearing
        .losses()
        .partition(|change| is_renewal(facts, change));
    for change in losses {
        is_widened = true;
        reasons.push(change.sentence.clone());
    }
    // A mark silences nothing, but tells readers that the work was approved.
    let granted: Vec<GrantChange> =
        grants::changes(facts.base, facts.head, &facts.environment.name, facts.now)
            .into_iter()
            .filter(|change| change.marks_more)
            .collect();
    is_widened |= !granted.is_empty();
    reasons.extend(granted.iter().map(|change| change.sentence.clone()));
    reasons.extend(renewals.iter().map(|change| change.sentence.clone()));
    let handed_over = handed_over(facts);
    if facts.direction.may_silence_more() && !is_widened && renewals.is_empty() {
        is_widened = true;
        reasons.push(format!(
            "the set of silenced records is {}",
            facts.direction.name()
        ));
    }
    let most = |limit: fn(&Limits) -> u32| limit(&facts.base.limits).max(limit(&facts.head.limits));
    let required = if is_widened {
        most(|limits| limits.approvals_when_widened)
    } else if !changed.is_empty() || !handed_over.is_empty() {
        if reasons.is_empty() && !changed.is_empty() {
            reasons.push("exclusions change".to_owned());
        }
        most(|limits| limits.approvals)
    } else {
        0
    };
    for (what, from, to) in &handed_over {
        reasons.push(format!(
            "{to} is now responsible for {what} instead of {from}"
        ));
    }
    let (covered, faults) = authors(facts, &granted);
    let mut not_by: BTreeSet<String> = covered;
    if required > 0 {
        not_by.extend(facts.authors.iter().cloned());
    }
    // Those who answered for it before: a change cannot choose whom it has to ask.
    let owner_of = |exclusion: &&ExclusionImpact| {
        let mut known = facts.base.exclusions.iter();
        let before = known.find(|before| before.id == exclusion.id);
        before
            .map_or(&exclusion.owner, |before| &before.owner)
            .clone()
    };
    let owners: BTreeSet<String> = changed
        .iter()
        .map(owner_of)
        .chain(handed_over.iter().map(|(_, from, _)| from.clone()))
        .chain(
            facts
                .hearing
                .losses()
                .flat_map(|change| change.owners.clone()),
        )
        .chain(granted.iter().filter_map(|change| change.owner.clone()))
        .collect();
    let approvals = Approvals {
        required,
        reasons,
        owners: owners.into_iter().collect(),
        not_by: not_by.into_iter().collect(),
        authors: facts.authors.to_vec(),
    };
    (approvals, faults)
}

/// Whether a change only renews an exclusion as it is. That needs as many approvals as any other
/// change of an exclusion that does not widen it: no record becomes silent, and someone decides to keep it that way.
fn is_renewal(facts: &Facts<'_>, change: &HearingChange) -> bool {
    facts.head.exclusions.iter().any(|now| {
        guards::is_renewal_of(change, &now.id)
            && facts.base.exclusions.iter().any(|was| {
                was.id == now.id && guards::is_renewed(was, now, &facts.base.limits, facts.today)
            })
    })
}

/// Entries with another owner after the change: the entry, the old owner, the new owner.
fn handed_over(facts: &Facts<'_>) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    let mut compare = |what: String, from: &str, to: &str| {
        if from != to {
            found.push((what, from.to_owned(), to.to_owned()));
        }
    };
    for was in &facts.base.exclusions {
        if let Some(now) = facts.head.exclusions.iter().find(|now| now.id == was.id) {
            compare(
                format!("the exclusion `{}`", was.id),
                &was.owner,
                &now.owner,
            );
        }
    }
    for was in &facts.base.users {
        // One entry for each: a role may have several.
        let mut entries = facts.head.users.iter().filter(|now| now.role == was.role);
        if let (Some(now), None) = (entries.next(), entries.next()) {
            compare(format!("`{}`", was.role), &was.owner, &now.owner);
        }
    }
    for was in &facts.base.service_accounts {
        let mut entries = facts.head.service_accounts.iter();
        if let Some(now) = entries.find(|now| now.role == was.role) {
            compare(
                format!("the service account `{}`", was.role.as_str()),
                &was.owner,
                &now.owner,
            );
        }
    }
    found
}

/// People whose own role the change covers, by their addresses; and the faults of authors among them.
fn authors(facts: &Facts<'_>, granted: &[GrantChange]) -> (BTreeSet<String>, Vec<Fault>) {
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
                message: format!("{author} adds {what} for their own role `{}`", user.role),
                help: "ask someone else to make this change: authors cannot silence their own role"
                    .to_owned(),
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
    for change in facts.hearing.losses() {
        for user in people
            .iter()
            .filter(|user| change.people.contains(&user.role))
        {
            cover(
                user,
                "a change that makes the alarm cover less".to_owned(),
                None,
            );
        }
    }
    for change in granted {
        for user in people
            .iter()
            .filter(|user| change.people.contains(&user.role))
        {
            covered.extend(user.git.iter().map(|address| address.to_lowercase()));
            let mut addresses = user.git.iter();
            let author = addresses.find(|one| facts.authors.contains(&one.to_lowercase()));
            let what = format!("the grant `{}`", change.id);
            if let Some(author) = author
                && told.insert((author.clone(), what.clone()))
            {
                faults.push(Fault {
                    code: "impact/own-role".to_owned(),
                    exclusion: None,
                    message: format!("{author} adds {what} for their own role `{}`", user.role),
                    help: "ask someone else to make this change: authors cannot approve their own work in advance".to_owned(),
                });
            }
        }
    }
    (covered, faults)
}
