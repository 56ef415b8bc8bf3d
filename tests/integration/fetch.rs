//! What AWS would return: all that counts, in rows from which the reader reads what it reads in the log.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic and print"
)]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use pgvigil::audit_log::prefix::LogLinePrefix;
use pgvigil::audit_log::record::Record;
use pgvigil::audit_log::{EntryKind, Prefix, Suspicion, judge_entry};
use pgvigil::compile::QuerySource;
use pgvigil::compile::fetch::{Ask, Detail, Fetch, Fetched, Part};
use pgvigil::insights::{self, Event, MissingField, Options, Program, Scratch, Table};
use pgvigil::policy::model::Signal;
use pgvigil::rules::reference::Opinion;
use proptest::prelude::*;
use rayon::prelude::*;

use crate::agreement::{self, Expected, Judges, shown};
use crate::recorded;

const LOG: &str = "123456789012:/aws/rds/cluster/shop/postgresql";
const DAY_MS: i64 = 86_400_000;
/// The day of the generated records.
const NOW_MS: i64 = 20_779 * DAY_MS;

/// A fetch query under both meanings of a missing field, and what the policy says.
struct Desk {
    name: String,
    form: LogLinePrefix,
    judges: Judges,
    null: Program,
    falsy: Program,
}

fn program(text: &str, missing: MissingField) -> Program {
    let query = insights::parse(text).unwrap();
    let options = Options {
        missing,
        ..Options::default()
    };
    Program::new(&query, options).unwrap_or_else(|faults| panic!("{faults:?}\n{text}"))
}

/// Every set of signals that an environment is likely to have.
const SIGNALS: [&[Signal]; 3] = [
    &[Signal::Dml],
    &[Signal::Privilege, Signal::Schema, Signal::Denied],
    &Signal::ALL,
];

fn fetch(environment: &str, form: LogLinePrefix, signals: &[Signal]) -> Fetch {
    let policy = &recorded::shipped().policy;
    let mut source = QuerySource::of(policy, policy.environment(environment).unwrap());
    source.prefix = form;
    source.signals = signals.to_vec();
    Fetch::of(&source)
}

static DESKS: LazyLock<Vec<Desk>> = LazyLock::new(|| {
    let mut desks = Vec::new();
    for environment in recorded::shipped().policy.environments.iter() {
        for form in LogLinePrefix::ALL {
            for signals in SIGNALS {
                let text = fetch(&environment.name, form, signals).text(Ask::ALL);
                desks.push(Desk {
                    name: format!("{} {form} {signals:?}", environment.name),
                    form,
                    judges: Judges::new(&environment.name, form, signals),
                    null: program(&text, MissingField::Null),
                    falsy: program(&text, MissingField::False),
                });
            }
        }
    }
    desks
});

fn event(message: &[u8], at: i64) -> Event<'_> {
    Event {
        message,
        timestamp_ms: at,
        ingestion_ms: at + 2_500,
        log_stream: b"writer",
        log: LOG.as_bytes(),
    }
}

impl Desk {
    /// Says what is wrong with what is fetched of an entry: nothing that counts may be missing, and a missing field
    /// may mean either.
    fn fault(&self, scratches: &mut [Scratch; 2], entry: &[u8]) -> Option<String> {
        let [null, falsy] = scratches;
        let dropped = [
            self.null.judge(null, &event(entry, NOW_MS)).rejected_by,
            self.falsy.judge(falsy, &event(entry, NOW_MS)).rejected_by,
        ];
        if dropped[0] != dropped[1] {
            return Some(format!("{}: dropped by {dropped:?}", self.name));
        }
        let expected = self.judges.expected(entry);
        let counts = match &expected {
            Expected::Counted | Expected::Opinion(Opinion::Counted | Opinion::Excluded(_)) => true,
            // A broken record holds the words that begin one. Without them it is no record, and a refusal is told by
            // its own words.
            Expected::NotSilenced => has_mark(entry),
            Expected::Opinion(Opinion::OutOfScope) | Expected::NotARecord | Expected::NotSilent => {
                false
            }
        };
        let counts = counts || self.judges.is_in_scope(entry);
        (counts && dropped[0].is_some())
            .then(|| format!("{}: {expected:?} and not fetched", self.name))
    }

    fn scratches(&self) -> [Scratch; 2] {
        [self.null.scratch(), self.falsy.scratch()]
    }
}

fn has_mark(entry: &[u8]) -> bool {
    memchr::memmem::find_iter(entry, b" AUDIT: ").any(|at| {
        entry[..at]
            .iter()
            .rev()
            .find(|byte| **byte != b' ')
            .is_some_and(|byte| *byte == b':')
    })
}

/// What the reader reads of an entry, but for time, port, process, session and ids.
fn said(entry: &[u8], form: LogLinePrefix) -> String {
    let who = |prefix: &Prefix<'_>| {
        format!(
            "{:?}@{:?} from {:?}, application {:?}, {:?}",
            prefix.user.escape_ascii().to_string(),
            prefix.database.escape_ascii().to_string(),
            prefix.client.host.escape_ascii().to_string(),
            prefix
                .application_name
                .map(|name| name.escape_ascii().to_string()),
            prefix.level.escape_ascii().to_string(),
        )
    };
    let what = |record: &Record<'_>| {
        format!(
            "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            record.kind,
            record.class,
            record.command,
            record.object_type,
            record.object_name,
            record.statement,
            record.parameters,
            record.rows
        )
    };
    match judge_entry(entry, form) {
        EntryKind::Audit {
            prefix,
            record,
            doubt,
        } => format!("record {} {} {doubt:?}", who(&prefix), what(&record)),
        EntryKind::Suspicious { reason, prefix } => {
            // The place of a fault moves with the length of the ids.
            let reason = match reason {
                Suspicion::Record(error) => format!("{:?}", error.fault),
                other => format!("{other:?}"),
            };
            format!("suspicious {reason} {:?}", prefix.as_ref().map(who))
        }
        EntryKind::Other { prefix, doubt } => format!(
            "other {} {} {doubt:?}",
            who(&prefix),
            prefix.message.escape_ascii()
        ),
        EntryKind::Foreign(mismatch) => format!("foreign {mismatch:?}"),
    }
}

/// The rows as the service hands them out: a field that is missing is left out.
fn rows(table: Table) -> Vec<Vec<(String, String)>> {
    table
        .rows
        .into_iter()
        .map(|row| {
            table
                .columns
                .iter()
                .cloned()
                .zip(row)
                .filter_map(|(name, value)| Some((name, value?)))
                .collect()
        })
        .collect()
}

/// Runs the query on entries and says how the rows differ from what was fetched.
fn regrouped(program: &Program, form: LogLinePrefix, entries: &[&[u8]]) -> Result<usize, String> {
    let mut run = program.run();
    let mut scratch = program.scratch();
    let mut expected: BTreeMap<String, i64> = BTreeMap::new();
    for entry in entries {
        // The service knows only texts.
        if std::str::from_utf8(entry).is_err() {
            continue;
        }
        let event = event(entry, NOW_MS);
        run.push(&event);
        if program.judge(&mut scratch, &event).rejected_by.is_none() {
            *expected.entry(said(entry, form)).or_default() += 1;
        }
    }
    let rows = rows(run.finish());
    let mut seen = 0;
    for fields in &rows {
        let row = Fetched::read(fields, Part::All).map_err(|fault| fault.to_string())?;
        if row.log != LOG
            || row.oldest_ms != NOW_MS
            || row.lag_ms != 2_500
            || row.statements > row.records
        {
            return Err(format!("a row says something else: {fields:?}"));
        }
        let entry = row.entry(form);
        let read = said(&entry, form);
        let left = expected.entry(read.clone()).or_default();
        *left -= i64::try_from(row.records).unwrap();
        if *left < 0 {
            return Err(format!(
                "a row that no entry said: {read}\n    {}",
                shown(&entry)
            ));
        }
        seen += 1;
    }
    match expected.into_iter().find(|(_, left)| *left != 0) {
        Some((read, left)) => Err(format!("{left} entries are in no row: {read}")),
        None => Ok(seen),
    }
}

#[test]
fn what_counts_in_the_recordings_is_fetched() {
    let faults: Vec<String> = recorded::all()
        .par_iter()
        .flat_map_iter(|recording| {
            let desks = DESKS.iter().filter(|desk| desk.form == recording.prefix);
            desks
                .flat_map(|desk| {
                    let mut scratches = desk.scratches();
                    recording.few().filter_map(move |entry| {
                        let fault = desk.fault(&mut scratches, &entry.text)?;
                        Some(format!("{fault}\n    {}", shown(&entry.text)))
                    })
                })
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(
        faults.is_empty(),
        "{} entries, such as\n{}",
        faults.len(),
        faults[..faults.len().min(12)].join("\n")
    );
}

#[test]
fn the_rows_of_the_recordings_say_what_the_logs_say() {
    let results: Vec<Result<(usize, usize), String>> = recorded::all()
        .par_iter()
        .map(|recording| {
            let entries: Vec<&[u8]> = recording.few().map(|entry| entry.text.as_slice()).collect();
            let mut rows = 0;
            for desk in DESKS
                .iter()
                .filter(|desk| desk.form == recording.prefix)
                .take(SIGNALS.len())
            {
                rows = regrouped(&desk.null, desk.form, &entries)
                    .map_err(|fault| format!("{} in {}: {fault}", recording.name, desk.name))?;
            }
            Ok((entries.len(), rows))
        })
        .collect();
    let faults: Vec<&String> = results
        .iter()
        .filter_map(|result| result.as_ref().err())
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
    let (entries, rows) = results
        .iter()
        .flatten()
        .fold((0, 0), |sum, (entries, rows)| {
            (sum.0 + entries, sum.1 + rows)
        });
    println!("{entries} entries, {rows} rows with every signal");
}

/// The coarser queries count the same entries.
#[test]
fn every_detail_counts_the_same_entries() {
    let faults: Vec<String> = recorded::all()
        .par_iter()
        .flat_map_iter(|recording| {
            let fetch = fetch("production", recording.prefix, &Signal::ALL);
            let count = |part, detail| {
                let mut run = program(
                    &fetch.text(Ask {
                        part,
                        detail,
                        windows: None,
                    }),
                    MissingField::Null,
                )
                .run();
                for entry in recording.few() {
                    run.push(&event(&entry.text, NOW_MS));
                }
                let rows = rows(run.finish());
                let records = |row: &Vec<(String, String)>| {
                    let (_, value) = row.iter().find(|(name, _)| name == "records").unwrap();
                    value.parse::<u64>().unwrap()
                };
                rows.iter().map(records).sum::<u64>()
            };
            let all = count(Part::All, Detail::Text);
            let mut faults = Vec::new();
            for detail in Detail::ALL {
                let parts: Vec<u64> = fetch.parts().map(|part| count(part, detail)).collect();
                if count(Part::All, detail) != all || parts.iter().sum::<u64>() != all {
                    faults.push(format!(
                        "{} {detail:?}: {all} and {parts:?}",
                        recording.name
                    ));
                }
            }
            faults
        })
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

/// An entry, with pieces put into it that no server writes there.
fn hostile() -> impl Strategy<Value = (Vec<u8>, bool)> {
    const PIECES: &[&str] = &[
        "MISC,SET",
        "DDL,CREATE TABLE",
        "ROLE,GRANT",
        "MISC,BEGIN",
        "\"",
        "\"\"",
        "`",
        "~!~",
        ",",
        "\n",
        "\n\t",
        "\r",
        ":[7]:",
        "[7]:",
        ":[7]:LOG:  ",
        ":LOG:  ",
        ":x: ",
        ":LOG:  AUDIT: SESSION,1,1,MISC,SET,,,",
        ": AUDIT: SESSION,1,1,",
        "AUDIT: ",
        ": ",
        ":",
        "@",
        "[",
        "]",
        "[local]",
        "é",
        "99999",
        "0",
        "(5)",
        " ",
        "pgaudit",
        "reset all",
        "<none>",
        ",7",
        "FATAL:  permission denied",
        "00000: ",
    ];
    let edits = proptest::collection::vec(
        (
            any::<prop::sample::Index>(),
            proptest::sample::select(PIECES),
            any::<bool>(),
        ),
        0..4,
    );
    (agreement::record(), any::<bool>(), edits).prop_map(|((entry, long), quiet, edits)| {
        let mut text = String::from_utf8(entry).unwrap();
        if quiet {
            // Classes that no signal counts are what AWS drops.
            for (loud, silent) in [
                ("READ,SELECT", "MISC,SET"),
                ("FUNCTION,EXECUTE", "DDL,CREATE TABLE"),
                ("WRITE,INSERT", "ROLE,GRANT"),
            ] {
                text = text.replace(loud, silent);
            }
        }
        for (place, piece, replaces) in edits {
            let at = place.index(text.len() + 1);
            let at = (0..=at)
                .rev()
                .find(|at| text.is_char_boundary(*at))
                .unwrap_or(0);
            if replaces && let Some(old) = text[at..].chars().next() {
                text.replace_range(at..at + old.len_utf8(), piece);
            } else {
                text.insert_str(at, piece);
            }
        }
        (text.into_bytes(), long)
    })
}

fn refusal() -> impl Strategy<Value = (Vec<u8>, bool)> {
    const MESSAGES: &[&str] = &[
        "password authentication failed for user \"alice\"",
        "permission denied for table orders",
        "must be owner of table orders",
        "must have CREATEROLE privilege",
        "role \"x\" does not exist",
        "only superusers can do that",
        "only roles with the CREATEDB attribute may",
        "no pg_hba.conf entry for host",
        "new row violates row-level security policy",
        "syntax error: permission denied",
        "authentication failed",
        "column \"role\" does not exist",
    ];
    let state = proptest::sample::select(&["", "42501: ", "28P01:  ", "00000: ", "FATAL: "][..]);
    let level = proptest::sample::select(&["ERROR", "FATAL", "LOG", "STATEMENT", "PANIC"][..]);
    let spaces = proptest::sample::select(&[" ", "  ", "      "][..]);
    (
        agreement::record(),
        level,
        spaces,
        state,
        proptest::sample::select(MESSAGES),
    )
        .prop_map(|((entry, long), level, spaces, state, message)| {
            let text = String::from_utf8(entry).unwrap();
            let front = text.find("AUDIT: ").map_or("", |at| &text[..at]);
            let front = front.trim_end_matches(' ').trim_end_matches(':');
            let front = front.rfind(':').map_or("", |at| &front[..=at]);
            (
                format!("{front}{level}:{spaces}{state}{message}").into_bytes(),
                long,
            )
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: agreement::cases() / 4, max_shrink_iters: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_counts_of_hostile_entries_is_fetched_and_read_alike(
        entries in proptest::collection::vec(prop_oneof![3 => hostile(), 1 => refusal(), 1 => agreement::record()], 1..12)
    ) {
        for desk in DESKS.iter() {
            let long = desk.form == LogLinePrefix::Long;
            let entries: Vec<&[u8]> = entries.iter().filter(|(_, form)| *form == long).map(|(entry, _)| entry.as_slice()).collect();
            let mut scratches = desk.scratches();
            for entry in &entries {
                if let Some(fault) = desk.fault(&mut scratches, entry) {
                    return Err(TestCaseError::fail(format!("{fault}\n    {}", entry.escape_ascii())));
                }
            }
            if let Err(fault) = regrouped(&desk.null, desk.form, &entries) {
                return Err(TestCaseError::fail(format!("{}: {fault}", desk.name)));
            }
        }
    }
}
