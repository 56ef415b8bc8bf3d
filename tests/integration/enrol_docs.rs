//! docs/enrolment.md names tests that exist for each defect of the database setup, and every code.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic")]

use std::collections::BTreeSet;

use pgvigil::database::enrol::Code;

use crate::defects::tested;
use crate::recorded::root;

#[test]
fn every_defect_of_the_setup_has_a_test_that_exists() {
    let all: BTreeSet<String> = (1..=11).map(|number| format!("P{number}")).collect();
    assert_eq!(tested("docs/enrolment.md", &['P']), all);
}

#[test]
fn every_code_is_explained() {
    let text = std::fs::read_to_string(root().join("docs/enrolment.md")).unwrap();
    for code in Code::ALL {
        let row = format!(
            "| `{}` | {} | {} |",
            code.name(),
            code.severity().name(),
            code.meaning()
        );
        assert!(
            text.contains(&row),
            "docs/enrolment.md lacks the row\n{row}"
        );
    }
}
