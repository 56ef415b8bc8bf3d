//! Canaries: records that must count, regardless of the exclusions.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::sample;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, quote, quote_all};
use crate::judge::{Judge, Rules, Scratch, Verdict};
use crate::policy::Loaded;
use crate::policy::model::{Environment, Sample};

/// Judges the canaries in every environment.
pub fn check(loaded: &Loaded, today: Date) -> Diagnostics {
    let mut sink = Diagnostics::default();
    let mut reported = BTreeSet::new();
    for environment in &loaded.policy.environments {
        for (number, why, by) in silenced(loaded, environment, today) {
            let Some(canary) = loaded.policy.canaries.get(number) else {
                continue;
            };
            // Five hundred environments have the same fault as one.
            if reported.insert((number, why.clone())) {
                sink.push(silent(loaded, environment, canary, &why, &by));
            }
        }
    }
    sink
}

/// Judges the canaries in one environment, before anything of it is written or deployed.
pub fn prove(loaded: &Loaded, environment: &Environment, today: Date) -> Diagnostics {
    let mut sink = Diagnostics::default();
    for (number, why, by) in silenced(loaded, environment, today) {
        if let Some(canary) = loaded.policy.canaries.get(number) {
            sink.push(silent(loaded, environment, canary, &why, &by));
        }
    }
    sink
}

/// The canaries that do not count, by their number: why, and which exclusions silence them.
fn silenced(
    loaded: &Loaded,
    environment: &Environment,
    today: Date,
) -> Vec<(usize, String, Vec<String>)> {
    let policy = &loaded.policy;
    if policy.canaries.is_empty() {
        return Vec::new();
    }
    let judge = Judge::new(&Rules::of(policy, environment));
    let mut scratch = Scratch::default();
    let person = sample::person(policy, environment, today);
    let verdict = |(number, canary): (usize, &Sample)| {
        let entry = sample::entry(canary, judge.prefix(), person);
        match judge.verdict(&mut scratch, &entry) {
            Verdict::Counted => None,
            Verdict::OutOfScope => Some((number, "no signal counts it".to_owned(), Vec::new())),
            Verdict::NotARecord => Some((number, "it is not a record".to_owned(), Vec::new())),
            Verdict::Excluded(by) => Some((number, format!("{} silences it", quote_all(&by)), by)),
        }
    };
    policy
        .canaries
        .iter()
        .enumerate()
        .filter_map(verdict)
        .collect()
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
    .help("narrow the exclusion: a canary is a record that must always count");
    let exclusions = loaded.policy.exclusions.iter();
    for exclusion in exclusions.filter(|exclusion| by.contains(&exclusion.id)) {
        diagnostic = diagnostic.context(exclusion.place.clone(), "silences it");
    }
    diagnostic
}
