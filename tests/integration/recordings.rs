//! The shipped rules on every recording, beside the reference system's query on the same logs.
//!
//! `cargo test --test integration recordings -- --nocapture` prints the table.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test prints its table"
)]

use std::fmt::Write as _;
use std::sync::LazyLock;

use pgvigil::audit_log::prefix::LogLinePrefix;
use pgvigil::audit_log::timestamp::time_of;
use pgvigil::insights::{self, Event, Options, Program};
use pgvigil::judge::{Judge, Outcome, Rules, Scratch};
use pgvigil::rules::fixture::{Fixture, Label};
use rayon::prelude::*;

use crate::recorded::{self, Recording};

/// Ranges that the rules may judge otherwise than the label says, each with a reason.
const EXCEPTIONS: &str = include_str!("recordings.exceptions.tsv");

/// The share of noise records that may count, with `log_relation` on.
const NOISE_MAX: f64 = 0.003;

/// How a query does on one recording.
#[derive(Debug, Default, Clone)]
pub(crate) struct Score {
    pub(crate) name: String,
    pub(crate) relation: bool,
    /// Ranges labelled human.
    pub(crate) human: usize,
    /// Those without any counted record: line and note.
    pub(crate) missed: Vec<(u64, String)>,
    /// Those that the reference's query misses.
    pub(crate) reference_missed: usize,
    /// Records in ranges labelled noise.
    pub(crate) noise: usize,
    /// Those that count: line and beginning.
    pub(crate) loud: Vec<(u64, String)>,
    /// Those that the reference's query counts.
    pub(crate) reference_loud: usize,
    /// The notes of ranges of noise with a record that counts.
    pub(crate) loud_ranges: Vec<String>,
}

/// The judge for each prefix, and the query of the system that pgvigil replaces.
struct Queries {
    ours: [Judge; 2],
    reference: Program,
}

static QUERIES: LazyLock<Queries> = LazyLock::new(|| {
    let policy = &recorded::shipped().policy;
    let text =
        std::fs::read_to_string(recorded::root().join("tests/fixtures/reference-query.cwli"))
            .unwrap();
    Queries {
        ours: LogLinePrefix::ALL.map(|prefix| {
            Judge::new(&Rules {
                prefix,
                ..Rules::of(policy, policy.environment("local").unwrap())
            })
        }),
        reference: Program::new(&insights::parse(&text).unwrap(), Options::default()).unwrap(),
    }
});

/// Room for all of them.
fn rooms() -> (Scratch, insights::Scratch) {
    (Scratch::default(), QUERIES.reference.scratch())
}

fn score((scratch, theirs): &mut (Scratch, insights::Scratch), recording: &Recording) -> Score {
    let mut judges = QUERIES.ours.iter();
    let judge = judges
        .find(|judge| judge.prefix() == recording.prefix)
        .unwrap();
    let mut score = Score {
        name: recording.name.clone(),
        relation: recording.relation,
        ..Score::default()
    };
    for range in &recording.log.expectations {
        let mut counted = Vec::new();
        let (mut records, mut by_reference) = (0, 0);
        for entry in recording.log.entries_in(range) {
            let outcome = judge.outcome(scratch, &entry.text, || time_of(&entry.text));
            let event = Event {
                message: &entry.text,
                timestamp_ms: 0,
                ingestion_ms: 0,
                log_stream: b"",
                log: b"",
            };
            by_reference += usize::from(
                QUERIES
                    .reference
                    .judge(theirs, &event)
                    .rejected_by
                    .is_none(),
            );
            records += usize::from(outcome != Outcome::NotARecord);
            if outcome == Outcome::Counted {
                counted.push(entry);
            }
        }
        match range.label {
            Label::Human => {
                score.human += 1;
                score.reference_missed += usize::from(by_reference == 0);
                if counted.is_empty() {
                    score.missed.push((range.first_line, range.note.clone()));
                }
            }
            Label::Noise => {
                if !counted.is_empty() {
                    score.loud_ranges.push(range.note.clone());
                }
                score.noise += records;
                score.reference_loud += by_reference;
                score.loud.extend(counted.iter().map(|entry| {
                    let text = String::from_utf8_lossy(&entry.text);
                    let record = text
                        .split_once("AUDIT: ")
                        .map_or(&*text, |(_, record)| record);
                    (entry.line, record.chars().take(300).collect())
                }));
            }
            Label::Aside => {}
        }
    }
    score
}

/// Scores of all recordings.
pub(crate) fn scores() -> &'static [Score] {
    static SCORES: LazyLock<Vec<Score>> =
        LazyLock::new(|| recorded::all().par_iter().map_init(rooms, score).collect());
    &SCORES
}

/// The table for people and for documents: one line a recording, and the sums with and without
/// `log_relation`.
pub(crate) fn table(scores: &[Score]) -> String {
    let mut text = String::from(
        "| recording | human | missed | missed by the reference | noise | counted | counted by the reference |\n\
         | --- | --: | --: | --: | --: | --: | --: |\n",
    );
    let mut row = |name: &str, scores: &[&Score]| {
        let sum = |what: fn(&Score) -> usize| scores.iter().map(|score| what(score)).sum::<usize>();
        writeln!(
            text,
            "| {name} | {} | {} | {} | {} | {} | {} |",
            sum(|s| s.human),
            sum(|s| s.missed.len()),
            sum(|s| s.reference_missed),
            sum(|s| s.noise),
            sum(|s| s.loud.len()),
            sum(|s| s.reference_loud),
        )
        .unwrap();
    };
    for score in scores {
        row(&score.name, &[score]);
    }
    for relation in [true, false] {
        let some: Vec<&Score> = scores
            .iter()
            .filter(|score| score.relation == relation)
            .collect();
        row(
            if relation {
                "**all with log_relation on**"
            } else {
                "**all with log_relation off**"
            },
            &some,
        );
    }
    text
}

/// A number as documents write it: `3,124`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The documents have the figures of today's rules.
#[test]
fn documents_have_these_figures() {
    let read = |name: &str| std::fs::read_to_string(recorded::root().join(name)).unwrap();
    let (measured, model, noise) = (
        read("docs/measured.md"),
        read("docs/threat-model.md"),
        read("docs/exclusions.md"),
    );
    for relation in [true, false] {
        let some: Vec<&Score> = scores()
            .iter()
            .filter(|score| score.relation == relation)
            .collect();
        let sum = |what: fn(&Score) -> usize| some.iter().map(|score| what(score)).sum::<usize>();
        let name = if relation { "on" } else { "off" };
        let figures = [
            sum(|s| s.human),
            sum(|s| s.missed.len()),
            sum(|s| s.reference_missed),
            sum(|s| s.noise),
            sum(|s| s.loud.len()),
            sum(|s| s.reference_loud),
        ]
        .map(grouped);
        let row = format!("| {name} | {} |", figures.join(" | "));
        assert!(measured.contains(&row), "docs/measured.md: {row}");
        assert!(model.contains(&row), "docs/threat-model.md: {row}");
        let row = format!("| {name} | {} | {} |", figures[3], figures[4]);
        assert!(noise.contains(&row), "docs/exclusions.md: {row}");
    }
}

#[test]
fn numbers_are_grouped() {
    assert_eq!(
        [7, 883, 3124, 1_000_000].map(grouped),
        ["7", "883", "3,124", "1,000,000"]
    );
}

/// `CLIENT`, note, reason.
fn exceptions() -> Vec<(&'static str, &'static str, &'static str)> {
    EXCEPTIONS
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            let &[client, note, reason] = columns.as_slice() else {
                panic!("three columns: {line}")
            };
            assert!(!reason.is_empty(), "{line}");
            (client, note, reason)
        })
        .collect()
}

#[test]
fn people_are_counted_and_tools_are_not() {
    let scores = scores();
    println!("{}", table(scores));
    let exceptions = exceptions();
    let mut used = vec![false; exceptions.len()];
    let mut missed = Vec::new();
    for score in scores {
        for (line, note) in &score.missed {
            let known = exceptions.iter().position(|(client, known, _)| {
                // `CLIENT.VARIANT`, or of another server `CLIENT_VERSION.VARIANT`.
                let rest = score.name.strip_prefix(client).unwrap_or_default();
                let rest = rest.trim_start_matches(|c: char| c == '_' || c.is_ascii_digit());
                rest.starts_with('.') && known == note
            });
            match known {
                Some(index) => used[index] = true,
                None => missed.push(format!("{}:{line}: {note}", score.name)),
            }
        }
    }
    for score in scores.iter().filter(|score| score.relation) {
        for (line, text) in &score.loud {
            println!("loud noise: {}:{line}: {}", score.name, text.escape_debug());
        }
    }
    let on = || scores.iter().filter(|score| score.relation);
    let (noise, loud) = (
        on().map(|s| s.noise).sum::<usize>(),
        on().map(|s| s.loud.len()).sum::<usize>(),
    );
    assert!(
        missed.is_empty(),
        "{} statements of people are not counted:\n{}",
        missed.len(),
        missed.join("\n")
    );
    #[expect(clippy::cast_precision_loss, reason = "some ten thousand")]
    let share = loud as f64 / noise as f64;
    assert!(
        share <= NOISE_MAX,
        "{loud} of {noise} noise records are counted"
    );
    for (exception, used) in exceptions.iter().zip(used) {
        assert!(used, "an exception that is not needed: {exception:?}");
    }
}

/// A version, and how many of psql's commands, of its completions and of the statements of a whole pg_dump count: what
/// `tests/record/clients/metacommands.py` does.
const SHOWN: &[(&str, [usize; 3])] = &[
    ("metacommands_13.on-short", [2, 2, 3]),
    ("metacommands.on-short", [2, 2, 3]),
    ("metacommands_17.on-short", [2, 2, 3]),
    ("metacommands_18.on-short", [2, 2, 3]),
];

/// What may count of them at most.
const SHOWN_MAX: [usize; 3] = [3, 4, 3];

#[test]
fn psql_and_pg_dump_of_every_version_are_quiet() {
    const PARTS: [&str; 3] = ["psql: ", "completion: ", "pg_dump: "];
    println!("| recording | psql's commands | completions | pg_dump |\n| --- | --: | --: | --: |");
    let mut found = Vec::new();
    for (name, _) in SHOWN {
        let score = scores().iter().find(|score| score.name == *name).unwrap();
        for note in &score.loud_ranges {
            println!("counted: {name}: {note}");
        }
        let counts = PARTS.map(|part| {
            let notes = score.loud_ranges.iter();
            notes.filter(|note| note.starts_with(part)).count()
        });
        println!("| {name} | {} | {} | {} |", counts[0], counts[1], counts[2]);
        for (count, most) in counts.iter().zip(SHOWN_MAX) {
            assert!(*count <= most, "{name}: {counts:?}");
        }
        found.push((*name, counts));
    }
    assert_eq!(found, SHOWN, "fewer is better: write it down here");
}

#[test]
fn logs_with_lines_of_another_system_are_judged_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["odbc.on-short", "pgbench.on-short", "psycopg3.on-short"] {
        let path = recorded::root().join(format!("tests/recordings/{name}.log"));
        let text = std::fs::read_to_string(&path).unwrap();
        let other = folder.path().join("other.log");
        std::fs::write(&other, text.replace('\n', "\r\n")).unwrap();
        let recording = recorded::all().iter().find(|one| one.name == name).unwrap();
        let labels = path.with_extension("labels.tsv");
        let labels = std::fs::read_to_string(&labels).unwrap();
        let log = Fixture::read(
            name.to_owned(),
            &other,
            "other.labels.tsv".to_owned(),
            &labels,
        );
        assert_eq!(log.faults, [], "{name}");
        let other = Recording {
            few: Vec::new(),
            name: name.to_owned(),
            relation: recording.relation,
            prefix: recording.prefix,
            log,
        };
        let figures = |score: Score| (score.human, score.missed, score.noise, score.loud.len());
        let (ours, theirs) = (score(&mut rooms(), recording), score(&mut rooms(), &other));
        assert!(ours.noise > 0 && ours.human > 0, "{name}");
        assert_eq!(figures(ours), figures(theirs), "{name}");
    }
}

#[test]
fn the_reference_misses_people_and_counts_tools() {
    let scores: Vec<&Score> = scores().iter().filter(|score| score.relation).collect();
    let missed: usize = scores.iter().map(|score| score.reference_missed).sum();
    let loud: usize = scores.iter().map(|score| score.reference_loud).sum();
    assert!(
        missed > 0 && loud > 0,
        "the reference's query is not run: {missed}, {loud}"
    );
}
