//! docs/enrolment.md names tests that exist for each defect of the database setup, and every code.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use pgvigil::database::enrol::Code;

fn sources(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|end| end == "rs") {
            all.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_defect_of_the_setup_has_a_test_that_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut code = String::new();
    sources(&root.join("src"), &mut code);
    sources(&root.join("tests"), &mut code);
    let text = fs::read_to_string(root.join("docs/enrolment.md")).unwrap();
    let mut defects = BTreeSet::new();
    for row in text.lines() {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, defect, _, tests, _] = cells.as_slice() else {
            continue;
        };
        let id = defect.split(' ').next().unwrap();
        if !id.starts_with('P') || id.len() < 2 || !id[1..].bytes().all(|b| b.is_ascii_digit()) {
            continue;
        }
        for test in tests.split(", ") {
            let test = test.trim_matches('`');
            assert!(
                code.contains(&format!("fn {test}(")),
                "docs/enrolment.md, {id}: there is no test `{test}`"
            );
        }
        defects.insert(id.to_owned());
    }
    let all: BTreeSet<String> = (1..=11).map(|number| format!("P{number}")).collect();
    assert_eq!(defects, all);
}

#[test]
fn every_code_is_explained() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("docs/enrolment.md")).unwrap();
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
