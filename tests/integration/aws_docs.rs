//! The table of defects in docs/aws.md names tests that exist.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

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
fn every_defect_has_a_test_that_exists() {
    let expected = |letter: char| (1..=18).map(move |number| format!("{letter}{number}"));
    let all: BTreeSet<String> = expected('A').chain(expected('T')).collect();
    assert_eq!(defects("docs/aws.md", &['A', 'T']), all);
    let all: BTreeSet<String> = (1..=13).map(|number| format!("L{number}")).collect();
    assert_eq!(defects("docs/monitor.md", &['L']), all);
}

/// The defects in a page's table. Each names a test, which must be there.
fn defects(page: &str, letters: &[char]) -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut code = String::new();
    sources(&root.join("src"), &mut code);
    sources(&root.join("tests"), &mut code);
    let text = fs::read_to_string(root.join(page)).unwrap();
    let mut defects = BTreeSet::new();
    for row in text.lines() {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, defect, _, test, _] = cells.as_slice() else {
            continue;
        };
        let id = defect.split(' ').next().unwrap();
        if !id.starts_with(letters) || !id[1..].chars().all(|digit| digit.is_ascii_digit()) {
            continue;
        }
        let test = test.trim_matches('`');
        assert!(
            code.contains(&format!("fn {test}(")),
            "{page}, {id}: there is no test `{test}`"
        );
        defects.insert(id.to_owned());
    }
    defects
}
