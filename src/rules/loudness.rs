//! Finds log alarms that count so much of what tools do that people stop listening.
//!
//! A log alarm is a text of limited length. Of a policy that is longer it leaves exclusions out, and counts what they would
//! silence. How much that is, the fixtures show: records of tools, which the policy's author has recorded.

use std::path::Path;

use super::fixture::{self, Fixture, Label};
use crate::audit_log::prefix::LogLinePrefix;
use crate::audit_log::timestamp::time_of;
use crate::compile::QuerySource;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, quote};
use crate::judge::{Judge, Outcome, Scratch};
use crate::policy::Loaded;
use crate::policy::model::Engine;

/// Percent of the tools' records that a log alarm may count. Twenty times what the shipped rules leave loud of the recordings
/// (`tests/recordings`), and still few enough that a person is seen among them.
const MOST_PERCENT: u64 = 5;

/// Finds the environments whose log alarms count more than [`MOST_PERCENT`] of the noise in the fixtures below `root`.
/// The rule tests report fixtures that cannot be read.
pub fn check(root: &Path, loaded: &Loaded) -> Diagnostics {
    let mut sink = Diagnostics::default();
    let mut fixtures: Option<Vec<Fixture>> = None;
    for environment in &loaded.policy.environments {
        if environment.engine != Engine::LogAlarm {
            continue;
        }
        let whole = QuerySource::of(&loaded.policy, environment);
        let (fitting, left_out) = whole.that_fits();
        if left_out.is_empty() {
            continue;
        }
        let fixtures = fixtures.get_or_insert_with(|| fixture::find(root).unwrap_or_default());
        let (counted, of) = counted(&whole, &fitting, fixtures);
        if counted * 100 <= of * MOST_PERCENT {
            continue;
        }
        let place = match (left_out.exclusions.first(), left_out.accounts.first()) {
            (Some(exclusion), _) => &exclusion.place,
            (None, Some(account)) => &account.place,
            (None, None) => &environment.place,
        };
        let percent = (counted * 100).div_ceil(of.max(1));
        sink.push(
            Diagnostic::new(
                Code::CompileTooLoud,
                format!(
                    "the log alarms of {} would count {counted} of {of} records of tools in `{}`: {percent} %; the limit is {MOST_PERCENT} %",
                    quote(&environment.name),
                    fixture::FOLDER
                ),
            )
            .help("list the exclusions that silence most first, or select fewer: a log alarm leaves out those that do not fit \
                   (see `compile/left-out`)")
            .help("or use `engine: monitor`, which has room for all of them")
            .at(place.clone()),
        );
    }
    sink
}

/// How many of the records of tools `fitting` counts, and how many there are in scope. Both by the judge: the text of a log
/// alarm silences no more than the exclusions that it has.
fn counted(whole: &QuerySource<'_>, fitting: &QuerySource<'_>, fixtures: &[Fixture]) -> (u64, u64) {
    let (mut counted, mut all) = (0, 0);
    for prefix in [LogLinePrefix::Short, LogLinePrefix::Long] {
        let judges = [whole, fitting].map(|source| {
            let mut source = source.clone();
            source.prefix = prefix;
            Judge::new(&source.rules())
        });
        let mut scratches = [Scratch::default(), Scratch::default()];
        let of_prefix = fixtures
            .iter()
            .filter(|fixture| fixture.prefix.unwrap_or(whole.prefix) == prefix);
        for fixture in of_prefix {
            let noise = fixture
                .expectations
                .iter()
                .filter(|range| range.label == Label::Noise);
            for entry in noise.flat_map(|range| fixture.entries_in(range)) {
                let [whole, fitting] = &judges;
                let [mine, other] = &mut scratches;
                let time = || time_of(&entry.text);
                all += u64::from(is_in_scope(whole.outcome(mine, &entry.text, time)));
                let outcome = fitting.outcome(other, &entry.text, time);
                counted += u64::from(outcome == Outcome::Counted);
            }
        }
    }
    (counted, all)
}

/// Whether it is a record that some signal could count.
fn is_in_scope(outcome: Outcome) -> bool {
    !matches!(outcome, Outcome::NotARecord | Outcome::OutOfScope)
}
