//! Whether an exclusion is safe: the policy with it passes what every change has to pass, and it silences the record.

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::diagnostic::{Diagnostics, Severity};
use crate::judge::{Judge, Rules, Scratch, Verdict};
use crate::policy::Loaded;
use crate::rules::attack::{self, Effort, Options};
use crate::rules::test;
use crate::{check, compile};

use super::candidate::Candidate;
use super::trail::{self, Work};
use super::{Context, Proposal};

/// The proposal, or why the candidate is not one.
pub(super) fn of(
    context: Context<'_>,
    candidate: &Candidate,
    entry: &[u8],
    today: Date,
    measure: &mut impl FnMut(&Rules, &str) -> Vec<Work>,
) -> Result<Proposal, String> {
    if candidate.near_misses == 0 {
        return Err(
            "no near miss of it stays loud: other exclusions silence what is like it".to_owned(),
        );
    }
    let loaded = context.loaded.with_file(&candidate.path, &candidate.yaml);
    let environment = loaded
        .policy
        .environment(&context.environment.name)
        .ok_or("the environment cannot be read with it")?;
    let known: BTreeSet<String> = errors(&problems(context.loaded, today)).collect();
    if let Some(error) = errors(&problems(&loaded, today)).find(|error| !known.contains(error)) {
        return Err(format!("`check` refuses it: {error}"));
    }
    let rules = Rules {
        prefix: context.rules.prefix,
        ..Rules::of(&loaded.policy, environment)
    };
    let judge = Judge::new(&rules);
    let mut scratch = Scratch::default();
    if judge.verdict(&mut scratch, entry) != Verdict::Excluded(vec![candidate.id.clone()]) {
        return Err("it does not silence the record".to_owned());
    }

    let tested = test::run(&loaded, context.fixtures, &[environment], today);
    let report = tested
        .environments
        .first()
        .and_then(|tested| tested.exclusions.iter().find(|one| one.id == candidate.id))
        .ok_or("`rules test` does not find it")?;
    if let Some(failure) = report
        .samples
        .iter()
        .find_map(|sample| sample.failure.as_ref())
    {
        return Err(format!("`rules test` fails: {failure}"));
    }
    if !tested.passed {
        return Err("`rules test` fails with it, or failed before".to_owned());
    }
    if !report.covered {
        return Err("`rules test` does not call it covered".to_owned());
    }

    let options = Options {
        effort: Effort::Full,
        exclusions: Some(vec![candidate.id.clone()]),
    };
    let attacked = attack::run(&loaded.policy, environment, today, &options);
    let evasion = attacked
        .exclusions
        .iter()
        .find_map(|one| one.evasions.first());
    if let Some(evasion) = evasion {
        return Err(format!(
            "a person can use it to evade the alarm: {}",
            evasion.script
        ));
    }

    let own = trail::work(&judge, &mut scratch, entry);
    let silenced = measure(&rules, &candidate.id);
    let is_same = |work: &Work| {
        own.as_ref().is_some_and(|own| {
            Work {
                records: 0,
                ..work.clone()
            } == *own
        })
    };
    let silences = silenced.iter().map(|work| work.records).sum();
    let others = silenced.into_iter().filter(|work| !is_same(work)).collect();
    Ok(Proposal {
        id: candidate.id.clone(),
        path: candidate.path.clone(),
        yaml: candidate.yaml.clone(),
        form: candidate.form.to_owned(),
        attacked: attacked.statements,
        near_misses: candidate.near_misses,
        mutants_caught: report.findings.mutation.killed,
        mutants: report.findings.mutation.total,
        silences,
        others: trail::largest(others),
    })
}

/// Everything that `check` finds in a policy.
fn problems(loaded: &Loaded, today: Date) -> Diagnostics {
    let mut found = check::run(loaded, today);
    found.extend(compile::limits(loaded));
    found.extend(super::super::check(loaded, today));
    found
}

fn errors(found: &Diagnostics) -> impl Iterator<Item = String> {
    let errors = found.iter().filter(|one| one.severity == Severity::Error);
    errors
        .map(|one| one.message.clone())
        .collect::<Vec<_>>()
        .into_iter()
}
