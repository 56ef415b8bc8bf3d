//! JUnit XML, which CI systems show test by test: what every form shares, and the rule tests in it.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::visible;
use crate::rules::test::{EnvironmentReport, ExclusionReport, TestReport};

/// What a test case came to.
pub(in crate::report) enum Outcome {
    Passed,
    Skipped { message: String },
    Failed { message: String, text: String },
}

/// The report as XML: one suite for each environment, one case for each sample and fixture.
pub fn test(report: &TestReport) -> String {
    document(
        "pgvigil rules test",
        report.environments.iter().map(suite).collect(),
    )
}

/// A report as XML.
pub(in crate::report) fn document(name: &str, suites: Vec<TestSuite>) -> String {
    let mut report = Report::new(text(name));
    report.add_test_suites(suites);
    // Only a writer can fail, and a text takes everything.
    report.to_string().unwrap_or_default()
}

/// One case: `group` is what the viewers show as its class.
pub(in crate::report) fn case(
    name: &str,
    group: &str,
    milliseconds: Option<u64>,
    outcome: Outcome,
) -> TestCase {
    let status = match outcome {
        Outcome::Passed => TestCaseStatus::success(),
        Outcome::Skipped { message } => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(text(&message));
            status
        }
        Outcome::Failed {
            message,
            text: body,
        } => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(text(&message));
            status.set_description(text(&body));
            status
        }
    };
    let mut case = TestCase::new(text(name), status);
    case.set_classname(text(group));
    if let Some(milliseconds) = milliseconds {
        case.set_time(Duration::from_millis(milliseconds));
    }
    case
}

/// Text for XML, which cannot spell most control characters: quick-junit drops them, so they are made visible first.
pub(in crate::report) fn text(text: &str) -> String {
    visible(text)
        .replace('\u{fffe}', "\\u{fffe}")
        .replace('\u{ffff}', "\\u{ffff}")
}

fn suite(environment: &EnvironmentReport) -> TestSuite {
    let mut suite = TestSuite::new(text(&environment.name));
    for exclusion in &environment.exclusions {
        suite.add_properties(noticed(exclusion).map(|(name, value)| (text(&name), text(&value))));
        for sample in &exclusion.samples {
            let place = format!("{}:{}", sample.file, sample.line);
            let failure = sample
                .failure
                .as_ref()
                .map(|failure| format!("{failure}\n{}", sample.statement));
            let name = format!("{} {place}", sample.promise.name());
            suite.add_test_case(tried(&name, &exclusion.id, &place, failure));
        }
    }
    for fixture in &environment.fixtures {
        let failures: Vec<String> = fixture
            .failures
            .iter()
            .map(|failure| format!("{}:{}: {}", failure.file, failure.line, failure.what))
            .collect();
        let failure = (!failures.is_empty()).then(|| failures.join("\n"));
        suite.add_test_case(tried(&fixture.log, "fixtures", &fixture.expect, failure));
    }
    suite
}

fn tried(name: &str, group: &str, place: &str, failure: Option<String>) -> TestCase {
    let outcome = match failure {
        None => Outcome::Passed,
        Some(failure) => Outcome::Failed {
            message: failure.lines().next().unwrap_or_default().to_owned(),
            text: format!("{place}\n{failure}"),
        },
    };
    case(name, group, None, outcome)
}

/// How much of an exclusion its samples notice.
fn noticed(exclusion: &ExclusionReport) -> [(String, String); 2] {
    let findings = &exclusion.findings;
    let property = |what: &str, part: usize, whole: usize| {
        (
            format!("{}: {what}", exclusion.id),
            format!("{part} of {whole}"),
        )
    };
    let (rule, records) = (&findings.mutation, &findings.record_mutants);
    [
        property("mutants noticed", rule.killed, rule.total),
        property("changed records loud", records.loud, records.total),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        let mut suite = TestSuite::new(text("<c>&\u{202e}"));
        suite.add_property((text("d'"), text("\t")));
        suite.add_test_cases([
            case("passed", "x\ny", Some(1_007), Outcome::Passed),
            case(
                "skipped",
                "g",
                None,
                Outcome::Skipped {
                    message: "\u{fffe}".to_owned(),
                },
            ),
            case(
                "failed",
                "g",
                None,
                Outcome::Failed {
                    message: "\u{1b}[31m".to_owned(),
                    text: "]]></failure><x/>\nsecond".to_owned(),
                },
            ),
        ]);
        insta::assert_snapshot!(document("a\"b", vec![suite]));
    }
}
