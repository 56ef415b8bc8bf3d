//! The order of the rooms: a room uses only those before it, and ARCHITECTURE.md lists them in that order.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::fs;
use std::path::{Path, PathBuf};

use crate::recorded;

/// The rooms of the library, innermost first.
fn rooms() -> Vec<String> {
    let text = fs::read_to_string(recorded::root().join("src/lib.rs")).unwrap();
    text.lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .map(str::to_owned)
        .collect()
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Tests may look at a room from outside: what is held here is what is built.
fn is_test(path: &Path) -> bool {
    path.components().any(|part| {
        let name = part.as_os_str().to_string_lossy();
        let stem = name.strip_suffix(".rs").unwrap_or(&name);
        stem == "tests" || stem == "testing" || stem.ends_with("_tests")
    })
}

/// The rooms that a text names by `crate::room`.
fn named(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .flat_map(|(number, line)| {
            line.match_indices("crate::").map(move |(at, prefix)| {
                let rest = &line[at + prefix.len()..];
                let end = rest
                    .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                    .unwrap_or(rest.len());
                (number + 1, &rest[..end])
            })
        })
}

#[test]
fn a_room_uses_only_rooms_before_it() {
    let rooms = rooms();
    assert!(rooms.len() > 20, "{rooms:?}");
    let place = |room: &str| rooms.iter().position(|known| known == room);
    let source = recorded::root().join("src");
    let mut found = Vec::new();
    files(&source, &mut found);
    let mut breaches = Vec::new();
    let mut looked_at = 0;
    for path in found {
        let below = path.strip_prefix(&source).unwrap();
        let first = below.components().next().unwrap().as_os_str();
        let first = first.to_string_lossy();
        let Some(own) = place(first.strip_suffix(".rs").unwrap_or(&first)) else {
            continue;
        };
        if is_test(below) {
            continue;
        }
        looked_at += 1;
        let text = fs::read_to_string(&path).unwrap();
        let product = text.split("#[cfg(test)]").next().unwrap();
        for (line, room) in named(product) {
            if place(room).is_some_and(|other| other > own) {
                breaches.push(format!("{}:{line}: crate::{room}", below.display()));
            }
        }
    }
    assert!(looked_at > 300, "{looked_at}");
    assert_eq!(breaches, Vec::<String>::new());
}

#[test]
fn the_architecture_lists_the_rooms_in_their_order() {
    let text = fs::read_to_string(recorded::root().join("ARCHITECTURE.md")).unwrap();
    let listed: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(room, _)| room)
        .filter(|room| !room.starts_with("bin/"))
        .take_while(|room| !room.contains(' '))
        .collect();
    assert_eq!(listed, rooms());
}

/// What the services of the adapter share is in layers below them: see ARCHITECTURE.md.
#[test]
fn services_of_the_adapter_know_nothing_of_each_other() {
    let folder = recorded::root().join("src/cloud/aws");
    for (layer, above) in [
        ("service", &["service", "provider", "former"][..]),
        ("look", &["service", "note", "provider", "former"]),
    ] {
        let mut found = Vec::new();
        files(&folder.join(layer), &mut found);
        assert!(found.len() > 5, "{layer}: {found:?}");
        for path in found {
            let text = fs::read_to_string(&path).unwrap();
            let own = text.split("#[cfg(test)]").next().unwrap_or_default();
            // Every path begins at the root, so that what is beside cannot be meant by another name.
            let names = above.iter().map(|name| format!("cloud::aws::{name}"));
            for name in names.chain(["super::".to_owned()]) {
                assert!(!own.contains(&name), "{} names {name}", path.display());
            }
        }
    }
}
