//! What the evasion analysis and the tests say of the exclusions that a change is about.

use std::collections::{BTreeMap, BTreeSet};

use super::assess::Question;
use super::opened::opened;
use super::report::{Attack, Change, Evasion, ExclusionImpact, Fault, Tests};
use crate::policy::model::Exclusion;
use crate::rules::attack::Kind;
use crate::rules::{attack, test};

/// Evasions of an exclusion that a report shows.
const EVASIONS: usize = 5;

/// Fills in what the evasion analysis and the tests say of the exclusions of head.
pub(super) fn examine(question: &Question<'_>, exclusions: &mut [ExclusionImpact]) {
    let (loaded, environment) = (question.head.loaded, question.environment);
    let (changed, same): (Vec<&ExclusionImpact>, Vec<&ExclusionImpact>) = exclusions
        .iter()
        .filter(|exclusion| exclusion.change != Change::Removed)
        .partition(|exclusion| exclusion.change != Change::Unchanged);
    let changed_ids: BTreeSet<&str> = changed.iter().map(|e| e.id.as_str()).collect();
    // An exclusion that the environment selects only now opens all that it names there. A new environment opens nothing that
    // its base did not hold elsewhere.
    let base = &question.base.loaded.policy;
    let old: Vec<&Exclusion> = match base.environment(&environment.name) {
        Some(was) => base.exclusions_in(was).collect(),
        None => base.exclusions.iter().collect(),
    };
    let opens = |id: &str| {
        let mut all = loaded.policy.exclusions.iter();
        all.find(|exclusion| exclusion.id == id).is_some_and(|now| {
            !opened(now, old.iter().find(|old| old.id == id).copied()).is_empty()
        })
    };
    let mut attacks: BTreeMap<String, Attack> = BTreeMap::new();
    for (some, effort) in [
        (changed, attack::Effort::Full),
        (same, attack::Effort::Bounded),
    ] {
        if some.is_empty() {
            continue;
        }
        let options = attack::Options {
            effort,
            exclusions: Some(some.iter().map(|exclusion| exclusion.id.clone()).collect()),
        };
        let report = attack::run(&loaded.policy, environment, question.today, &options);
        for mut found in report.exclusions {
            let mut silent = found.silent as u64;
            // What an exclusion named before is not brought by this change; `check` warns of it.
            let is_named = |evasion: &attack::Evasion| evasion.kind == Kind::Named;
            if found.evasions.iter().any(is_named) && !opens(&found.id) {
                found.evasions.retain(|evasion| !is_named(evasion));
            }
            // If a statement is silent only by an old and a new exclusion together, the new one is charged with it.
            if !changed_ids.contains(found.id.as_str()) {
                found.evasions.retain(|evasion| {
                    !evasion
                        .silenced_by
                        .iter()
                        .any(|id| changed_ids.contains(id.as_str()))
                });
            }
            if found.evasions.is_empty() {
                silent = 0;
            }
            attacks.insert(
                found.id,
                Attack {
                    tried: found.statements as u64,
                    silent,
                    evasions: found
                        .evasions
                        .into_iter()
                        .take(EVASIONS)
                        .map(|evasion| Evasion {
                            does: format!("{}, {}", evasion.does, evasion.kind.title()),
                            statement: evasion.script,
                        })
                        .collect(),
                },
            );
        }
    }
    let run;
    let tested = match question.tested {
        Some(tested) => tested,
        None => {
            run = test::run(loaded, &[], &[environment], question.today);
            &run
        }
    };
    let tested = tested
        .environments
        .iter()
        .filter(|report| report.name == environment.name)
        .flat_map(|report| &report.exclusions);
    let mut tests: BTreeMap<&str, Tests> = BTreeMap::new();
    for found in tested {
        let mutation = &found.findings.mutation;
        tests.insert(
            &found.id,
            Tests {
                silences: found.silenced as u64,
                near_misses: found.near_misses as u64,
                killed: mutation.killed as u64,
                mutants: mutation.total as u64,
                survivors: mutation
                    .survivors
                    .iter()
                    .map(|survivor| survivor.change.clone())
                    .collect(),
            },
        );
    }
    for exclusion in exclusions {
        if exclusion.change != Change::Removed {
            exclusion.attack = attacks.remove(&exclusion.id);
            exclusion.tests = tests.remove(exclusion.id.as_str());
        }
    }
}

/// The fault that an exclusion can be used to evade the alarm, and that no one accepted the risk.
pub(super) fn evadable(exclusion: &ExclusionImpact) -> Option<Fault> {
    let attack = exclusion.attack.as_ref()?;
    if attack.silent == 0 || exclusion.accepted_by.is_some() {
        return None;
    }
    Some(Fault {
        code: "impact/evadable".to_owned(),
        exclusion: Some(exclusion.id.clone()),
        message: format!(
            "the exclusion `{}` can be used to evade the alarm",
            exclusion.id
        ),
        help:
            "narrow it until the statement counts, or have someone accept the risk for a short time"
                .to_owned(),
    })
}
