//! Tables of defects in the documents: each row names tests that exist.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::recorded::root;

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

/// The defects that a page lists, by numbers behind these letters, each with tests that exist.
pub(crate) fn tested(page: &str, letters: &[char]) -> BTreeSet<String> {
    let mut code = String::new();
    sources(&root().join("src"), &mut code);
    sources(&root().join("tests"), &mut code);
    let text = fs::read_to_string(root().join(page)).unwrap();
    let mut defects = BTreeSet::new();
    for row in text.lines() {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, defect, _, tests, _] = cells.as_slice() else {
            continue;
        };
        let id = defect.split(' ').next().unwrap();
        if !id.starts_with(letters)
            || id.len() < 2
            || !id[1..].bytes().all(|digit| digit.is_ascii_digit())
        {
            continue;
        }
        for test in tests.split(", ") {
            let test = test.trim_matches('`');
            assert!(
                code.contains(&format!("fn {test}(")),
                "{page}, {id}: there is no test `{test}`"
            );
        }
        defects.insert(id.to_owned());
    }
    defects
}
