//! Rule tests as JUnit XML, which CI systems show test by test.

use quick_junit::{
    NonSuccessKind, Property, Report, SerializeError, TestCase, TestCaseStatus, TestSuite,
};

use super::visible;
use crate::rules::test::TestReport;

/// The report as XML: one suite for each environment, one case for each sample and fixture.
///
/// # Errors
/// If the XML cannot be written, which is a bug.
pub fn test(report: &TestReport) -> Result<String, SerializeError> {
    let mut document = Report::new("pgvigil rules test");
    for environment in &report.environments {
        let mut suite = TestSuite::new(visible(&environment.name));
        for exclusion in &environment.exclusions {
            let findings = &exclusion.findings;
            let properties = [
                (
                    "mutants noticed",
                    findings.mutation.killed,
                    findings.mutation.total,
                ),
                (
                    "changed records loud",
                    findings.record_mutants.loud,
                    findings.record_mutants.total,
                ),
            ];
            for (what, part, whole) in properties {
                let name = format!("{}: {what}", visible(&exclusion.id));
                suite.add_property(Property::new(name, format!("{part} of {whole}")));
            }
            for sample in &exclusion.samples {
                let place = format!("{}:{}", sample.file, sample.line);
                let name = format!("{} {place}", sample.promise.name());
                let failure = sample
                    .failure
                    .as_ref()
                    .map(|failure| format!("{failure}\n{}", sample.statement));
                suite.add_test_case(case(&name, &exclusion.id, &place, failure));
            }
        }
        for fixture in &environment.fixtures {
            let failures: Vec<String> = fixture
                .failures
                .iter()
                .map(|failure| format!("{}:{}: {}", failure.file, failure.line, failure.what))
                .collect();
            let failure = (!failures.is_empty()).then(|| failures.join("\n"));
            suite.add_test_case(case(&fixture.log, "fixtures", &fixture.expect, failure));
        }
        document.add_test_suite(suite);
    }
    document.to_string()
}

fn case(name: &str, group: &str, place: &str, failure: Option<String>) -> TestCase {
    let status = match failure {
        None => TestCaseStatus::success(),
        Some(failure) => {
            let failure = visible(&failure);
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(failure.lines().next().unwrap_or_default());
            status.set_description(format!("{}\n{failure}", visible(place)));
            status
        }
    };
    let mut case = TestCase::new(visible(name), status);
    case.set_classname(visible(group));
    case
}
