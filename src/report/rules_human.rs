//! Rule tests and explanations for a terminal.

use std::fmt::Write as _;

use super::visible;
use crate::diagnostic::count;
use crate::judge::{Answer, shorten};
use crate::rules::Verdict;
use crate::rules::explain::Explanation;
use crate::rules::mutation::{Change, Findings};
use crate::rules::test::{EnvironmentReport, Promise, TestReport};

/// Characters of a field that are shown.
const FIELD_SHOWN: usize = 400;

/// Survivors of each kind that are shown for one exclusion.
const SURVIVORS_SHOWN: usize = 5;

#[derive(Clone, Copy)]
enum Paint {
    Bold,
    Dim,
    Red,
    Green,
}

fn paint(colour: bool, paint: Paint, text: &str) -> String {
    let code = match paint {
        Paint::Bold => "1",
        Paint::Dim => "2",
        Paint::Red => "31",
        Paint::Green => "32",
    };
    if colour {
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}

/// One line for each exclusion and fixture, every failure in full, and the sum.
pub fn test(report: &TestReport, colour: bool) -> String {
    let mut text = String::new();
    for environment in &report.environments {
        environment_lines(&mut text, environment, colour);
    }
    for id in &report.not_applied {
        put(
            &mut text,
            &format!(
                "not tested: `{}` does not apply in any of these environments",
                visible(id)
            ),
        );
    }
    let totals = &report.totals;
    let word = if report.passed {
        paint(colour, Paint::Green, "passed")
    } else {
        paint(colour, Paint::Red, "failed")
    };
    let mut line = format!(
        "{word}: {} of {} ({} failed), {} of fixtures ({} failed)",
        count(totals.samples, "sample"),
        count(totals.exclusions, "exclusion"),
        totals.samples_failed,
        count(totals.ranges, "range"),
        totals.ranges_failed
    );
    if totals.fixture_faults > 0 {
        let _ = write!(
            line,
            ", {} in fixtures",
            count(totals.fixture_faults, "fault")
        );
    }
    if totals.exclusions_not_covered > 0 {
        let _ = write!(
            line,
            ", {} not covered",
            count(totals.exclusions_not_covered, "exclusion")
        );
    }
    put(&mut text, &line);
    let mut line = format!(
        "mutants: {} of {} of the rules caught ({} %), {} of {} loud",
        totals.mutants_killed,
        count(totals.mutants, "change"),
        totals.score(),
        totals.record_mutants_loud,
        count(totals.record_mutants, "changed record")
    );
    if let Some(percent) = totals.min_score {
        let word = if totals.score() >= percent as usize {
            "at least"
        } else {
            "less than"
        };
        let _ = write!(line, "; {word} the required {percent} %");
    }
    put(&mut text, &line);
    text
}

fn environment_lines(text: &mut String, environment: &EnvironmentReport, colour: bool) {
    put(
        text,
        &paint(colour, Paint::Bold, &visible(&environment.name)),
    );
    let width = environment
        .exclusions
        .iter()
        .map(|exclusion| exclusion.id.chars().count())
        .max()
        .unwrap_or(0);
    for exclusion in &environment.exclusions {
        let failed: Vec<_> = exclusion
            .samples
            .iter()
            .filter(|sample| !sample.passed)
            .collect();
        let mark = mark(failed.is_empty(), colour);
        let covered = if exclusion.covered {
            ""
        } else {
            ", not covered: add a sample that only this exclusion silences, and a near miss that fails one condition"
        };
        put(
            text,
            &format!(
                "  {mark} {:width$}  silenced {}, near misses {}, silenced only here {}, {} of {} caught{covered}",
                visible(&exclusion.id),
                exclusion.silenced,
                exclusion.near_misses,
                exclusion.decided_alone,
                exclusion.findings.mutation.killed,
                count(exclusion.findings.mutation.total, "mutant")
            ),
        );
        for sample in failed {
            let place = format!("{}:{}", visible(&sample.file), sample.line);
            put(
                text,
                &format!(
                    "      {place}: {}: {}",
                    sample.promise.name(),
                    visible(sample.failure.as_deref().unwrap_or_default())
                ),
            );
            put(
                text,
                &format!(
                    "        {}",
                    paint(colour, Paint::Dim, &visible(&sample.statement))
                ),
            );
        }
        survivor_lines(text, &exclusion.findings, colour);
    }
    for fixture in &environment.fixtures {
        put(
            text,
            &format!(
                "  {} {}  {}, {} counted; {} of people, {} of noise",
                mark(fixture.passed, colour),
                visible(&fixture.log),
                count(fixture.records, "record"),
                fixture.counted,
                count(fixture.human, "range"),
                fixture.noise
            ),
        );
        for failure in &fixture.failures {
            let place = match failure.line {
                0 => visible(&failure.file),
                line => format!("{}:{line}", visible(&failure.file)),
            };
            put(text, &format!("      {place}: {}", visible(&failure.what)));
        }
    }
}

/// The first survivors of both kinds; JSON has all.
fn survivor_lines(text: &mut String, findings: &Findings, colour: bool) {
    if !findings.conditions_not_exercised.is_empty() {
        put(
            text,
            &format!(
                "      conditions without a near miss of their own: {}",
                findings.conditions_not_exercised.join(", ")
            ),
        );
    }
    let survivors: Vec<_> = findings
        .mutation
        .survivors
        .iter()
        // A condition that can be dropped is named in the line above.
        .filter(|survivor| survivor.kind != Change::Drop)
        .collect();
    for survivor in survivors.iter().take(SURVIVORS_SHOWN) {
        let missing = match (survivor.kind, survivor.noticed_by) {
            (Change::Remove, _) => "no sample is silenced only by it",
            (_, Promise::StaysLoud) => "no near miss catches it",
            (_, Promise::Silences) => "no silenced sample catches it",
        };
        put(
            text,
            &format!("      {}: {missing}", visible(&survivor.change)),
        );
    }
    more(text, survivors.len(), "mutants");
    for record in findings
        .record_mutants
        .survivors
        .iter()
        .take(SURVIVORS_SHOWN)
    {
        put(
            text,
            &format!(
                "      {}:{}: still silent with {}",
                visible(&record.file),
                record.line,
                visible(&record.change)
            ),
        );
        let record = format!(
            "{},{},{},{}: {}",
            record.class, record.command, record.object_type, record.object, record.statement
        );
        put(
            text,
            &format!("        {}", paint(colour, Paint::Dim, &visible(&record))),
        );
    }
    more(
        text,
        findings.record_mutants.survivors.len(),
        "silent records",
    );
}

fn more(text: &mut String, number: usize, what: &str) {
    if let Some(rest) = number.checked_sub(SURVIVORS_SHOWN).filter(|rest| *rest > 0) {
        put(text, &format!("      and {rest} more {what}"));
    }
}

fn mark(passed: bool, colour: bool) -> String {
    if passed {
        paint(colour, Paint::Green, "ok  ")
    } else {
        paint(colour, Paint::Red, "FAIL")
    }
}

fn put(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// An explanation; `place` is the file and line of the entry, where it has one.
pub fn explanation(explanation: &Explanation, place: Option<&str>, colour: bool) -> String {
    let mut text = String::new();
    let verdict = match &explanation.verdict {
        Verdict::Counted => paint(colour, Paint::Red, "counted"),
        Verdict::Excluded(_) => paint(colour, Paint::Green, "excluded"),
        Verdict::OutOfScope => paint(colour, Paint::Green, "out of scope"),
        Verdict::NotARecord => "not a record".to_owned(),
    };
    let place = place
        .map(|place| format!("{}: ", visible(place)))
        .unwrap_or_default();
    put(
        &mut text,
        &format!("{place}{verdict}: {}", visible(&explanation.reason)),
    );
    let width = explanation
        .fields
        .iter()
        .map(|field| field.name.len())
        .max()
        .unwrap_or(0);
    for field in &explanation.fields {
        let trust = paint(colour, Paint::Dim, &format!("{:7}", field.trust.name()));
        put(
            &mut text,
            &format!(
                "  {:width$}  {trust}  {}",
                field.name,
                visible(&shorten(&field.value, FIELD_SHOWN))
            ),
        );
    }
    if let Some(graded) = &explanation.graded {
        put(
            &mut text,
            &format!("  severity: {}", visible(&graded.described())),
        );
    }
    if let Some(person) = &explanation.person {
        put(
            &mut text,
            &format!("  person: {}", visible(&person.described())),
        );
    }
    let width = explanation
        .exclusions
        .iter()
        .map(|exclusion| exclusion.id.chars().count())
        .max()
        .unwrap_or(0);
    if !explanation.exclusions.is_empty() {
        put(&mut text, "  exclusions");
    }
    for exclusion in &explanation.exclusions {
        let answer = match &exclusion.answer {
            Answer::Silences => paint(colour, Paint::Green, "silences it"),
            Answer::Fails(failed) => format!("{}: {}", failed.condition, visible(&failed.why)),
            Answer::NotRead => "not applied: the record is ambiguous".to_owned(),
        };
        put(
            &mut text,
            &format!("    {:width$}  {answer}", visible(&exclusion.id)),
        );
    }
    let width = explanation.grants.iter().map(|grant| grant.id.len()).max();
    if let Some(width) = width {
        put(&mut text, "  grants");
        for grant in &explanation.grants {
            let answer = match &grant.fails {
                None => "covers it: the record is expected, and counts".to_owned(),
                Some((key, why)) => format!("{key}: {}", visible(why)),
            };
            put(
                &mut text,
                &format!("    {:width$}  {answer}", visible(&grant.id)),
            );
        }
    }
    text
}
