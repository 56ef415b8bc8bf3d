//! The fast ways of the interpreter against the plain one, on every recording: verdicts that are
//! remembered, and two queries at once. `judge_all` remembers nothing.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use pgvigil::compile::QuerySource;
use pgvigil::insights::{Event, MissingField, Scratch};
use pgvigil::rules::evaluator::Evaluator;
use pgvigil::rules::evaluator::Pair;
use rayon::prelude::*;

use crate::recorded;

/// The stage that drops an entry, without any memory.
fn plainly(evaluator: &Evaluator, scratch: &mut Scratch, text: &[u8]) -> Option<usize> {
    let event = Event {
        message: text,
        timestamp_ms: 0,
        ingestion_ms: 0,
        log_stream: b"",
        log: b"",
    };
    let all = evaluator.program().judge_all(scratch, &event);
    all.first().copied()
}

#[test]
fn remembered_verdicts_are_the_plain_ones_on_recordings() {
    let policy = &recorded::shipped().policy;
    let environment = policy.environments.first().unwrap();
    let differing: Vec<String> = recorded::all()
        .par_iter()
        .flat_map_iter(|recording| {
            let mut source = QuerySource::of(policy, environment);
            source.prefix = recording.prefix;
            let base = source.alarm("");
            // A change in the middle and at the end: other fields, other numbers of stages.
            source.exclusions.remove(source.exclusions.len() / 2);
            source.exclusions.pop();
            let head = source.alarm("");
            let null = MissingField::Null;
            let [base_alone, head_alone] =
                [&base, &head].map(|query| Evaluator::new(query, recording.prefix, null).unwrap());
            let pair = Pair::new(&base, &head, null).unwrap();
            let mut scratches = (base_alone.scratch(), head_alone.scratch(), pair.scratch());
            let mut found = Vec::new();
            // Twice, so that the second time everything is remembered; and not too many.
            let entries: Vec<_> = recording.log.entries.iter().step_by(8).collect();
            for (number, entry) in entries.iter().chain(&entries).enumerate() {
                let alone = (
                    base_alone.dropped_by(&mut scratches.0, &entry.text),
                    head_alone.dropped_by(&mut scratches.1, &entry.text),
                );
                let together = pair.dropped_by(&mut scratches.2, &entry.text, 0);
                let plain = if number % 4 == 0 {
                    let text = &entry.text;
                    (
                        plainly(&base_alone, &mut scratches.0, text),
                        plainly(&head_alone, &mut scratches.1, text),
                    )
                } else {
                    alone
                };
                if alone != plain || together != plain {
                    found.push(format!(
                        "{}:{}: {plain:?} {alone:?} {together:?}",
                        recording.name, entry.line
                    ));
                }
            }
            found
        })
        .collect();
    assert_eq!(differing, Vec::<String>::new());
}
