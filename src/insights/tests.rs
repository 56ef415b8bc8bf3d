//! What the language does, seen from outside.

mod properties;
mod refused;
mod results;

use super::{Event, Fault, MissingField, Options, Program, Table, parse};

pub(super) fn event(message: &[u8]) -> Event<'_> {
    Event {
        message,
        timestamp_ms: 0,
        ingestion_ms: 0,
        log_stream: b"writer",
        log: b"1:group",
    }
}

pub(super) fn program_with(text: &str, missing: MissingField) -> Program {
    let query = parse(text).unwrap_or_else(|faults| panic!("{text}: {faults:?}"));
    Program::new(
        &query,
        Options {
            missing,
            query_start_ms: 1_000,
        },
    )
    .unwrap_or_else(|faults| panic!("{text}: {faults:?}"))
}

pub(super) fn program(text: &str) -> Program {
    program_with(text, MissingField::Null)
}

pub(super) fn run(text: &str, messages: &[&str]) -> Table {
    let mut run = program(text).run();
    for (second, message) in (0..).zip(messages) {
        run.push(&Event {
            timestamp_ms: second * 1_000,
            ..event(message.as_bytes())
        });
    }
    run.finish()
}

/// The rows with their cells joined by ` | `; a missing cell is `-`.
pub(super) fn rows(table: &Table) -> Vec<String> {
    let line = |row: &Vec<Option<String>>| {
        row.iter()
            .map(|cell| cell.as_deref().unwrap_or("-"))
            .collect::<Vec<_>>()
            .join(" | ")
    };
    table.rows.iter().map(line).collect()
}

pub(super) fn faults(text: &str) -> Vec<Fault> {
    match parse(text) {
        Err(faults) => faults,
        Ok(query) => Program::new(&query, Options::default())
            .err()
            .unwrap_or_default(),
    }
}
