//! Canaries: records that must count, whatever exclusions there are.
//!
//! [`check`] asks the independent evaluation, for every environment at once; [`prove`] runs the
//! compiled text of one, before it is written or deployed.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::evaluator::{Evaluator, EvaluatorError, Verdict};
use super::reference::{self, Facts, Opinion};
use super::sample;
use crate::compile::QuerySource;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, quote, quote_all};
use crate::policy::Loaded;
use crate::policy::model::{Environment, Sample};

/// Judges the canaries in every environment by the policy itself.
pub fn check(loaded: &Loaded, today: Date) -> Diagnostics {
    let policy = &loaded.policy;
    let mut sink = Diagnostics::default();
    let mut told = BTreeSet::new();
    for (index, canary) in policy.canaries.iter().enumerate() {
        for environment in &policy.environments {
            let source = QuerySource::of(policy, environment);
            let user = canary
                .user
                .as_deref()
                .unwrap_or_else(|| sample::person(policy, environment, today));
            let facts = Facts {
                user: user.as_bytes(),
                database: canary
                    .database
                    .as_deref()
                    .unwrap_or(sample::DATABASE)
                    .as_bytes(),
                client: sample::host(canary).as_bytes(),
                class: canary.class.as_bytes(),
                command: canary.command.as_bytes(),
                object_type: canary.object_type.as_bytes(),
                object: canary.object.as_bytes(),
                statement: Some(canary.statement.as_bytes()),
                day: Some(today),
                message: canary.statement.as_bytes(),
            };
            let opinion = reference::judge(
                &facts,
                &source.signals,
                &source.service_accounts,
                &source.exclusions,
                &source.protected_users,
            );
            let (why, by) = match opinion {
                Opinion::Counted => continue,
                Opinion::OutOfScope => ("no signal counts it".to_owned(), Vec::new()),
                Opinion::Excluded(by) => (format!("{} silences it", quote_all(&by)), by),
            };
            // Five hundred environments tell the same story as one.
            if told.insert((index, why.clone())) {
                sink.push(silent(loaded, environment, canary, &why, &by));
            }
        }
    }
    sink
}

/// Judges the canaries by the compiled text of one environment's query.
///
/// # Errors
/// If the compiled query uses what the interpreter refuses.
pub fn prove(
    loaded: &Loaded,
    environment: &Environment,
    today: Date,
) -> Result<Diagnostics, EvaluatorError> {
    let policy = &loaded.policy;
    let mut sink = Diagnostics::default();
    if policy.canaries.is_empty() {
        return Ok(sink);
    }
    let evaluator = Evaluator::of(&QuerySource::of(policy, environment))?;
    let mut scratch = evaluator.scratch();
    let person = sample::person(policy, environment, today);
    for canary in &policy.canaries {
        let entry = sample::entry(canary, evaluator.prefix(), person);
        let (why, by) = match evaluator.verdict(&mut scratch, &entry) {
            Verdict::Counted => continue,
            Verdict::OutOfScope => ("no signal counts it".to_owned(), Vec::new()),
            Verdict::NotARecord => ("it is no record".to_owned(), Vec::new()),
            Verdict::Excluded(by) => (format!("{} silences it", quote_all(&by)), by),
        };
        sink.push(silent(loaded, environment, canary, &why, &by));
    }
    Ok(sink)
}

fn silent(
    loaded: &Loaded,
    environment: &Environment,
    canary: &Sample,
    why: &str,
    by: &[String],
) -> Diagnostic {
    let mut diagnostic = Diagnostic::new(
        Code::CanarySilent,
        format!(
            "a canary does not count in the environment {}: {why}",
            quote(&environment.name)
        ),
    )
    .at(canary.place.clone())
    .help("narrow the exclusion; a canary is a record that must always be heard");
    let exclusions = loaded.policy.exclusions.iter();
    for exclusion in exclusions.filter(|exclusion| by.contains(&exclusion.id)) {
        diagnostic = diagnostic.context(exclusion.place.clone(), "silences it");
    }
    diagnostic
}
