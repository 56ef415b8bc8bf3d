//! Steps as JUnit XML, which CI systems show test by test: one suite for the repository and one for each environment.

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use crate::ci::{CiResult, Finding, State, Step};
use crate::report::visible;

/// The steps as XML.
///
/// # Errors
/// If the XML cannot be written, which is a bug.
pub fn render(result: &CiResult) -> Result<String, SerializeError> {
    let mut report = Report::new(format!("pgvigil ci {}", result.work.name()));
    let mut scopes: Vec<(&str, &[Step], Vec<&Finding>)> = vec![(
        "repository",
        &result.steps,
        result.findings_of(None).collect(),
    )];
    for environment in &result.environments {
        let name = environment.name();
        scopes.push((
            name,
            &environment.steps,
            result.findings_of(Some(name)).collect(),
        ));
    }
    for (name, steps, findings) in scopes {
        if steps.is_empty() {
            continue;
        }
        let mut suite = TestSuite::new(visible(name));
        for step in steps {
            suite.add_test_case(case(name, step, &findings));
        }
        report.add_test_suite(suite);
    }
    report.to_string()
}

fn case(scope: &str, step: &Step, findings: &[&Finding]) -> TestCase {
    let status = match step.state {
        State::Passed => TestCaseStatus::success(),
        State::Skipped => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(visible(&step.summary));
            status
        }
        State::Failed => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(visible(&step.summary));
            let told: Vec<String> = findings
                .iter()
                .filter(|finding| finding.step == step.name)
                .map(|finding| {
                    let place = finding.spot.as_ref().map_or(String::new(), |spot| {
                        format!("{}:{}: ", spot.file, spot.line)
                    });
                    let statement = finding
                        .statement
                        .as_ref()
                        .map_or(String::new(), |statement| format!("\n  {statement}"));
                    format!("{place}{}: {}{statement}", finding.code, finding.message)
                })
                .collect();
            status.set_description(visible(&told.join("\n")));
            status
        }
    };
    let mut case = TestCase::new(visible(&step.name), status);
    case.set_classname(visible(scope));
    case.set_time(std::time::Duration::from_millis(step.milliseconds));
    case
}
