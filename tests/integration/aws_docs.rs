//! The table of defects in docs/aws.md names tests that exist.

use std::collections::BTreeSet;

use crate::defects::tested;

#[test]
fn every_defect_has_a_test_that_exists() {
    let expected = |letter: char| (1..=18).map(move |number| format!("{letter}{number}"));
    let all: BTreeSet<String> = expected('A').chain(expected('T')).collect();
    assert_eq!(tested("docs/aws.md", &['A', 'T']), all);
    let all: BTreeSet<String> = (1..=13).map(|number| format!("L{number}")).collect();
    assert_eq!(tested("docs/monitor.md", &['L']), all);
}
