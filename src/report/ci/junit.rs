//! Steps as JUnit XML, which CI systems show test by test: one suite for the repository and one for each environment.

use quick_junit::{TestCase, TestSuite};

use crate::ci::{CiResult, Finding, State, Step};
use crate::report::junit::{self, Outcome, text};

/// The steps as XML.
pub fn render(result: &CiResult) -> String {
    // A step of the whole repository finds what is about one environment too.
    let mut scopes: Vec<(&str, &[Step], Vec<&Finding>)> = vec![(
        "repository",
        &result.steps,
        result.findings.iter().collect(),
    )];
    for environment in &result.environments {
        let name = environment.name();
        let own = result.findings_of(Some(name));
        scopes.push((
            name,
            &environment.steps,
            own.chain(result.findings_of(None)).collect(),
        ));
    }
    let suites = scopes
        .into_iter()
        .filter(|(_, steps, _)| !steps.is_empty())
        .map(|(name, steps, findings)| {
            let mut suite = TestSuite::new(text(name));
            suite.add_properties(
                super::advice(result).map(|advice| ("decision".to_owned(), text(&advice))),
            );
            suite.add_test_cases(steps.iter().map(|step| case(name, step, &findings)));
            suite
        });
    junit::document(
        &format!("pgvigil ci {}", result.work.name()),
        suites.collect(),
    )
}

fn case(scope: &str, step: &Step, findings: &[&Finding]) -> TestCase {
    let message = step.summary.clone();
    let outcome = match step.state {
        State::Passed => Outcome::Passed,
        State::Skipped => Outcome::Skipped { message },
        State::Failed => {
            // An evasion is found by one step and decides the result of another.
            let of_step = |finding: &&&Finding| {
                finding.step == step.name
                    || finding
                        .code
                        .split_once('/')
                        .is_some_and(|(area, _)| area == step.name)
            };
            let told: Vec<String> = findings
                .iter()
                .filter(of_step)
                .map(|finding| {
                    let place = finding.spot.as_ref().map_or(String::new(), |spot| {
                        format!("{}:{}: ", spot.file, spot.line)
                    });
                    let statement = finding
                        .statement
                        .as_ref()
                        .map_or(String::new(), |statement| format!("\n  {statement}"));
                    let help: String = finding
                        .help
                        .iter()
                        .map(|help| format!("\n  help: {help}"))
                        .collect();
                    format!(
                        "{place}{}: {}: {}{statement}{help}",
                        finding.level.name(),
                        finding.code,
                        finding.message
                    )
                })
                .collect();
            // Some viewers show the body alone.
            let text = if told.is_empty() {
                message.clone()
            } else {
                told.join("\n")
            };
            Outcome::Failed { message, text }
        }
    };
    junit::case(&step.name, scope, Some(step.milliseconds), outcome)
}
