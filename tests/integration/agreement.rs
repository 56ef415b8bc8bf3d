//! The judge against two second opinions, record by record: an independent evaluation of the policy, and the compiled text
//! under both meanings of a missing field. They agree but for faults of the old readers of statements, which are named
//! below; and the text leaves nothing to a question that AWS leaves open.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic and print"
)]

use std::collections::{BTreeMap, HashMap};
use std::sync::{LazyLock, Mutex};

use pgvigil::audit_log::prefix::LogLinePrefix;
use pgvigil::audit_log::record::count_heads;
use pgvigil::audit_log::write::{
    PrefixFields, RecordFields, TextOut, write_entry, write_prefix, write_record,
};
use pgvigil::audit_log::{EntryKind, Kind, Prefix, judge_entry};
use pgvigil::compile::QuerySource;
use pgvigil::insights::{self, MissingField, Scratch};
use pgvigil::judge::{self, Answer, Judge, Rules};
use pgvigil::policy::model::{Exclusion, ServiceAccount, Signal};
use pgvigil::rules::Verdict;
use pgvigil::rules::evaluator::Evaluator;
use pgvigil::rules::evaluator::day_of;
use pgvigil::rules::reference::{self, Facts, Opinion};
use proptest::prelude::*;
use rayon::prelude::*;
use regex_automata::meta::Regex;

use crate::recorded;

/// All three for one environment and prefix.
pub(crate) struct Judges {
    judge: Judge,
    null: Evaluator,
    falsy: Evaluator,
    accounts: Vec<&'static ServiceAccount>,
    exclusions: Vec<&'static Exclusion>,
    signals: Vec<Signal>,
    prefix: LogLinePrefix,
    opinions: Mutex<HashMap<Vec<u8>, Opinion>>,
}

/// Room for them.
struct Room {
    judge: judge::Scratch,
    null: Scratch,
    falsy: Scratch,
}

/// How the opinions differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Difference {
    /// The judge silences what counts by the policy: a hole.
    Looser,
    /// The judge counts what could be silent: noise.
    Stricter,
    /// Both are silent, for other reasons.
    Reasons,
    /// The compiled text silences what the judge counts.
    Text,
    /// The compiled text depends on what a missing field is.
    Missing,
}

impl Judges {
    pub(crate) fn new(environment: &str, prefix: LogLinePrefix, signals: &[Signal]) -> Self {
        let policy = &recorded::shipped().policy;
        let mut source = QuerySource::of(policy, policy.environment(environment).unwrap());
        source.prefix = prefix;
        source.signals = signals.to_vec();
        let query = source.alarm("");
        Self {
            judge: Judge::new(&Rules {
                prefix,
                signals: signals.to_vec(),
                ..Rules::of(policy, policy.environment(environment).unwrap())
            }),
            null: Evaluator::new(&query, prefix, MissingField::Null).unwrap(),
            falsy: Evaluator::new(&query, prefix, MissingField::False).unwrap(),
            accounts: source.service_accounts.clone(),
            exclusions: source.exclusions.clone(),
            signals: source.signals.clone(),
            prefix,
            opinions: Mutex::default(),
        }
    }

    fn room(&self) -> Room {
        Room {
            judge: judge::Scratch::default(),
            null: self.null.scratch(),
            falsy: self.falsy.scratch(),
        }
    }

    /// What the policy says of an entry.
    pub(crate) fn expected(&self, text: &[u8]) -> Expected {
        match judge_entry(text, self.prefix) {
            EntryKind::Audit {
                doubt: Some(doubt), ..
            } if !doubt.is_only_names() => Expected::Counted,
            // The compiled text reads no such name, because it can look like the rest of the line.
            EntryKind::Audit { prefix, .. } if has_odd_names(&prefix) => Expected::Counted,
            EntryKind::Other { prefix, .. } if has_odd_names(&prefix) => Expected::NotSilent,
            EntryKind::Audit {
                prefix,
                record,
                doubt,
            } => {
                // The compiled text reads the object as it stands in the record: one that CSV quotes is
                // no plain name. And no statement begins with `<`, as the marks do.
                let object = record
                    .object_name
                    .map(|name| name.raw().to_vec())
                    .unwrap_or_default();
                let statement = record
                    .statement
                    .decoded()
                    .filter(|text| !text.starts_with(b"<"));
                // What stands behind the prefix, the application's name included.
                let message = [
                    prefix.application_name.unwrap_or_default(),
                    b":",
                    prefix.message,
                ]
                .concat();
                let facts = Facts {
                    message: &message,
                    user: prefix.user,
                    database: prefix.database,
                    client: prefix.client.host,
                    class: record.class,
                    command: record.command,
                    object_type: record.object_type.unwrap_or_default(),
                    object: &object,
                    statement: statement.as_deref(),
                    day: day_of(text),
                };
                let judge = |facts: &Facts<'_>| self.opinion(facts);
                let opinion = judge(&facts);
                // `a@b@c` is the user `a@b` in `c`, or `a` in `b@c`: silent only if both are.
                if doubt.is_some() {
                    let names = [prefix.user, b"@", prefix.database].concat();
                    let loud = memchr_at(&names).any(|at| {
                        let facts = Facts {
                            user: &names[..at],
                            database: &names[at + 1..],
                            ..facts.clone()
                        };
                        judge(&facts) == Opinion::Counted
                    });
                    if loud {
                        return Expected::Opinion(Opinion::Counted);
                    }
                }
                Expected::Opinion(opinion)
            }
            EntryKind::Suspicious { .. } => Expected::NotSilenced,
            EntryKind::Other { prefix, .. } => reference::judge_refusal(
                prefix.user,
                prefix.level,
                prefix.message,
                &self.signals,
                &self.accounts,
            )
            .map_or(Expected::NotARecord, Expected::Opinion),
            // A refusal under a prefix that is not understood stays.
            EntryKind::Foreign(_) if self.signals.contains(&Signal::Denied) => Expected::NotSilent,
            EntryKind::Foreign(_) => Expected::NotARecord,
        }
    }

    /// The reference compiles a pattern each time; a statement comes with a record for each relation.
    fn opinion(&self, facts: &Facts<'_>) -> Opinion {
        let day = facts.day.map(|day| day.to_string()).unwrap_or_default();
        let parts = [
            day.as_bytes(),
            facts.user,
            facts.database,
            facts.client,
            facts.class,
            facts.command,
            facts.object_type,
            facts.object,
            facts.statement.unwrap_or(b"\0none"),
            facts.message,
        ];
        let key = parts.join(&0);
        if let Some(known) = self.opinions.lock().unwrap().get(&key) {
            return known.clone();
        }
        let opinion = reference::judge(facts, &self.signals, &self.accounts, &self.exclusions, &[]);
        self.opinions.lock().unwrap().insert(key, opinion.clone());
        opinion
    }

    fn is_service_account(&self, text: &[u8]) -> bool {
        let (EntryKind::Suspicious {
            prefix: Some(prefix),
            ..
        }
        | EntryKind::Other { prefix, .. }) = judge_entry(text, self.prefix)
        else {
            return false;
        };
        let facts = Facts {
            user: prefix.user,
            class: b"READ",
            command: b"SELECT",
            ..Facts::default()
        };
        reference::judge(&facts, &[Signal::Dml], &self.accounts, &[], &[]) == Opinion::OutOfScope
    }

    fn differ(&self, room: &mut Room, text: &[u8]) -> Option<(Difference, String)> {
        let compiled = self.null.verdict(&mut room.null, text);
        let (null, falsy) = (
            self.null.dropped_by(&mut room.null, text),
            self.falsy.dropped_by(&mut room.falsy, text),
        );
        if null != falsy {
            return Some((
                Difference::Missing,
                format!("dropped by the stage {null:?} or {falsy:?}"),
            ));
        }
        let expected = self.expected(text);
        let verdict = self.judge.verdict(&mut room.judge, text);
        let differs = self
            .beside_policy(room, &expected, &verdict, text)
            .or_else(|| self.beside_text(room, &compiled, &verdict, text))?;
        Some((
            differs,
            format!("judge {verdict:?}, policy {expected:?}, text {compiled:?}"),
        ))
    }

    /// Whether an entry counts by the judge, or would without exclusions.
    pub(crate) fn is_in_scope(&self, text: &[u8]) -> bool {
        let verdict = self.judge.verdict(&mut judge::Scratch::default(), text);
        matches!(verdict, Verdict::Counted | Verdict::Excluded(_))
    }

    /// How the judge differs from the independent evaluation.
    fn beside_policy(
        &self,
        room: &mut Room,
        expected: &Expected,
        verdict: &Verdict,
        text: &[u8],
    ) -> Option<Difference> {
        match (expected, verdict) {
            (
                Expected::Counted | Expected::NotSilenced | Expected::Opinion(Opinion::Counted),
                Verdict::Counted,
            )
            | (Expected::Opinion(Opinion::OutOfScope), Verdict::OutOfScope)
            | (Expected::NotARecord, Verdict::NotARecord)
            | (Expected::NotSilent, Verdict::Counted | Verdict::NotARecord) => None,
            (Expected::Opinion(Opinion::Excluded(ours)), Verdict::Excluded(theirs)) => {
                let mut differ = ours
                    .iter()
                    .filter(|id| !theirs.contains(id))
                    .chain(theirs.iter().filter(|id| !ours.contains(id)));
                let all_by_calls = differ.all(|id| self.reads_calls(id));
                (!all_by_calls).then_some(Difference::Reasons)
            }
            // The readers of statements differ: that of the judge is held against PostgreSQL's grammar (`oracle.rs`).
            (Expected::Opinion(Opinion::Excluded(by)), Verdict::Counted)
                if by.iter().all(|id| self.fails_by_calls(room, id, text)) =>
            {
                None
            }
            (Expected::Opinion(Opinion::Counted), Verdict::Excluded(by))
                if by.iter().all(|id| self.reads_calls(id)) =>
            {
                None
            }
            // What a statement does beside its command.
            (Expected::Opinion(Opinion::OutOfScope), Verdict::Counted | Verdict::Excluded(_))
                if has_deed(text) =>
            {
                None
            }
            // Work without a record.
            (Expected::NotARecord, Verdict::Counted | Verdict::OutOfScope) if is_told(text) => None,
            // Nothing in it that could be a record.
            (Expected::NotSilenced, Verdict::NotARecord) if !has_head(text) => None,
            (
                Expected::Counted
                | Expected::NotSilenced
                | Expected::NotSilent
                | Expected::Opinion(Opinion::Counted),
                _,
            ) => Some(Difference::Looser),
            (_, Verdict::Counted) => Some(Difference::Stricter),
            _ => Some(Difference::Reasons),
        }
    }

    /// What the text silences and the judge counts. That the text counts more is only noise.
    fn beside_text(
        &self,
        room: &mut Room,
        compiled: &Verdict,
        verdict: &Verdict,
        text: &[u8],
    ) -> Option<Difference> {
        if *verdict != Verdict::Counted || *compiled == Verdict::Counted {
            return None;
        }
        let is_old_fault = match compiled {
            Verdict::Excluded(by) => {
                by.iter().all(|id| self.fails_by_calls(room, id, text))
                    // PostgreSQL refuses a quoted name that does not end before pgAudit could see the statement: there is
                    // no such record. The text takes the field's own quote for the end of the name.
                    || is_all_quotes(text)
            }
            Verdict::OutOfScope => has_deed(text) || self.is_service_account(text),
            Verdict::NotARecord => !has_head(text),
            Verdict::Counted => true,
        };
        // With one head there is one record at most, and its fields are the server's: whether the text before it is an
        // application name or a statement, the verdict is the record's.
        let has_one_reading =
            self.prefix == LogLinePrefix::Long && count_heads(text, 2) == 1 && has_one_middle(text);
        (!is_old_fault && !has_one_reading).then_some(Difference::Text)
    }

    /// Whether an exclusion looks at the calls of a statement.
    fn reads_calls(&self, id: &str) -> bool {
        self.exclusions.iter().any(|exclusion| {
            exclusion.id == id
                && exclusion
                    .matcher
                    .statement
                    .as_ref()
                    .is_some_and(|statement| statement.only_calls.is_some())
        })
    }

    /// Whether the judge says that an exclusion does not apply because of a call or a cast.
    fn fails_by_calls(&self, room: &mut Room, id: &str, text: &[u8]) -> bool {
        let explanation = self.judge.explain(&mut room.judge, text);
        explanation.exclusions.iter().any(|answer| {
            answer.id == id
                && matches!(&answer.answer, Answer::Fails(failed) if failed.condition == "statement.only_calls"
                    // What changes the meaning of names.
                    || failed.why.starts_with("it changes the search path or the role"))
        })
    }
}

/// Whether a record may be of an `EXECUTE`, whose parameters the old readers do not look at, of a `SET`, or of what makes
/// a cast.
fn has_deed(text: &[u8]) -> bool {
    [
        &b",MISC,EXECUTE,"[..],
        b",MISC,EXPLAIN,",
        b",MISC,SET,",
        b",DDL,CREATE CAST,",
        b",DDL,CREATE DOMAIN,",
        b",DDL,CREATE TYPE,",
        b",DDL,ALTER DOMAIN,",
        b",DDL,ALTER TYPE,",
    ]
    .iter()
    .any(|head| text.windows(head.len()).any(|part| part == *head))
}

/// Whether an entry may tell of work without a record. The old readers know none of these.
fn is_told(text: &[u8]) -> bool {
    [&b"STATEMENT: "[..], b"plication co", b"fastpath function"]
        .iter()
        .any(|mark| text.windows(mark.len()).any(|part| part == *mark))
        || text.iter().filter(|byte| **byte == b']').count() < 2
}

fn memchr_at(names: &[u8]) -> impl Iterator<Item = usize> + '_ {
    names
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'@')
        .map(|(at, _)| at)
}

/// What has to be said of an entry.
#[derive(Debug)]
pub(crate) enum Expected {
    Opinion(Opinion),
    /// In doubt.
    Counted,
    /// Not understood: loud, unless nothing in it could be a record.
    NotSilenced,
    NotARecord,
    /// No record, under names that the compiled text does not read.
    NotSilent,
}

fn has_odd_names(prefix: &Prefix<'_>) -> bool {
    prefix.user.iter().any(|byte| b":[]\n".contains(byte))
        || prefix.database.iter().any(|byte| b":@[]\n".contains(byte))
}

fn has_head(text: &[u8]) -> bool {
    count_heads(text, 1) > 0
}

/// The middle of the long prefix stands in the line once: no name holds a second one.
fn has_one_middle(text: &[u8]) -> bool {
    static MIDDLE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?-u)\]:[0-9]+:[0-9A-Z]{5}:[0-9]").unwrap());
    MIDDLE.find_iter(text).take(2).count() == 1
}

pub(crate) fn shown(text: &[u8]) -> String {
    let text = text.escape_ascii().to_string();
    if text.len() > 1500 {
        format!("{} … {}", &text[..900], &text[text.len() - 500..])
    } else {
        text
    }
}

static JUDGES: LazyLock<Vec<Judges>> = LazyLock::new(|| {
    let environments = recorded::shipped().policy.environments.iter();
    environments
        .flat_map(|environment| {
            let dml = [Signal::Dml];
            LogLinePrefix::ALL.into_iter().flat_map(move |prefix| {
                [dml.as_slice(), &Signal::ALL]
                    .map(|signals| Judges::new(&environment.name, prefix, signals))
            })
        })
        .collect()
});

#[test]
fn policy_and_compiled_text_agree_on_recordings() {
    let found: Vec<(Difference, String)> = recorded::all()
        .par_iter()
        .map_init(rooms, |rooms, recording| {
            let mut found = Vec::new();
            // With one signal, and with all of them.
            let of_form = JUDGES
                .iter()
                .zip(rooms)
                .filter(|(judges, _)| judges.prefix == recording.prefix)
                .take(2);
            for (judges, room) in of_form {
                for entry in recording.few() {
                    if let Some((difference, why)) = judges.differ(room, &entry.text) {
                        let (name, line, signals) =
                            (&recording.name, entry.line, judges.signals.len());
                        found.push((
                            difference,
                            format!(
                                "{name}:{line}, {signals} signals: {why}\n    {}",
                                shown(&entry.text)
                            ),
                        ));
                    }
                }
            }
            found
        })
        .flatten_iter()
        .collect();
    assert_same(&found, 12);
}

fn rooms() -> Vec<Room> {
    JUDGES.iter().map(Judges::room).collect()
}

/// Prints `most` differences of each kind, and fails if there is any.
fn assert_same(found: &[(Difference, String)], most: usize) {
    let mut by_kind: BTreeMap<Difference, Vec<&str>> = BTreeMap::new();
    for (difference, text) in found {
        by_kind.entry(*difference).or_default().push(text);
    }
    for (difference, texts) in &mut by_kind {
        texts.sort_by_key(|text| text.len());
        println!(
            "{difference:?}: {} records, such as\n  {}",
            texts.len(),
            texts[..texts.len().min(most)].join("\n  ")
        );
    }
    assert!(
        found.is_empty(),
        "{} records are judged in two ways",
        found.len()
    );
}

/// Nothing in the shipped queries rests on what AWS does not document.
/// Questions that cannot change a verdict here.
pub(crate) const SETTLED: &[&str] = &[
    // An engine that folds Unicode takes U+212A for `k` and U+017F for `s` in a function's name: two
    // characters beyond ASCII that no listed name has, and that the reading of calls refuses.
    "dialects differ in which characters `(?i)` treats as equal",
    // What is counted is an application name, and PostgreSQL prints ASCII alone there.
    "a count of `[^…]` counts bytes",
];

#[test]
fn no_open_questions() {
    let policy = &recorded::shipped().policy;
    let mut found = Vec::new();
    for environment in &policy.environments {
        for prefix in LogLinePrefix::ALL {
            let mut source = QuerySource::of(policy, environment);
            source.prefix = prefix;
            source.signals = Signal::ALL.to_vec();
            for (name, query) in [
                ("alarm", source.alarm("x")),
                ("summary", source.summary("x")),
                ("investigate", source.investigate("x")),
                ("table", source.table("x")),
            ] {
                let parsed = insights::parse(&query.text).unwrap();
                for fault in insights::open_questions(&parsed) {
                    if SETTLED
                        .iter()
                        .any(|settled| fault.message.starts_with(settled))
                    {
                        continue;
                    }
                    let place = query
                        .text
                        .get(fault.span.start..fault.span.end)
                        .unwrap_or_default();
                    found.push(format!(
                        "{} {prefix} {name}: {}: {place}",
                        environment.name, fault.message
                    ));
                }
            }
        }
    }
    found.dedup();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Pieces of SQL in which calls hide, and what they hide behind.
fn fragment() -> impl Strategy<Value = String> {
    const FIXED: &[&str] = &[
        " ",
        " ",
        " ",
        "\n",
        "\t",
        "\r\n",
        "(",
        "(",
        ")",
        ")",
        ",",
        ";",
        ".",
        "*",
        "'",
        "''",
        "\"",
        "\"\"",
        "--",
        "-- x\n",
        "--x",
        "/*",
        "*/",
        "/* x */",
        "/**/",
        "/*/",
        "*/*",
        "$$",
        "$a$",
        "$1",
        "\\",
        "\\'",
        "E'",
        "e'\\''",
        "U&'",
        "U&\"",
        "U&\"!006co\" uescape '!'",
        "B'1'",
        "x'1f'",
        "N'a'",
        "::",
        "=",
        "<>",
        "||",
        "~",
        "!~",
        "-",
        "/",
        "+",
        "%",
        "@",
        "#",
        "^",
        "&",
        "|",
        "`",
        "?",
        ":",
        "[",
        "]",
        "{",
        "}",
        "select",
        "SELECT",
        "from",
        "FROM",
        "where",
        "with",
        "as",
        "AS",
        "recursive",
        "in",
        "values",
        "table",
        "insert",
        "into",
        "update",
        "delete",
        "merge",
        "union",
        "lateral",
        "any",
        "array",
        "exists",
        "not",
        "and",
        "or",
        "case",
        "when",
        "then",
        "else",
        "end",
        "cast",
        "interval",
        "time",
        "operator(pg_catalog.=)",
        "operator(pg_catalog.-)",
        "operator(public.=)",
        "OPERATOR(",
        "collate",
        "version",
        "version()",
        "lower",
        "count(*)",
        "current_schema",
        "pg_catalog.pg_table_is_visible",
        "pg_catalog.",
        "pg_catalog.lo_get",
        "public.version",
        "information_schema._pg_expandarray",
        "lo_get",
        "lo_get(16400)",
        "pg_read_file",
        "pg_read_file('/x')",
        "set_config",
        "nextval",
        "dblink",
        "\"lo_get\"",
        "\"version\"",
        "orders",
        "pg_class",
        "pg_authid",
        "pgaudit",
        "PgAudit",
        "authid",
        "1",
        "0",
        "1e5",
        "1from",
        "a",
        "n",
        "x.y",
        "'orders'",
        "'lo_get('",
        "\"a.b\"",
        "é",
        "ſ",
        "K",
        "\u{a0}",
        "\u{2028}",
        "日本",
        "AUDIT: SESSION,1,1,READ,SELECT,,,x,<none>",
        ":LOG:  AUDIT: SESSION,2,1,READ,SELECT,,,select 1,<none>",
        "2026-11-22 06:55:28 UTC:10.0.0.1(1):a@b:[7]:LOG:  AUDIT: ",
        "<not logged>",
        "<previously logged>",
        "\u{0b}",
        "\u{0c}",
        "pos(n)",
        "g(s)",
        "keys(a)",
        "generate_series(1, 32)",
        "unnest",
        ".n",
        ").n",
        "ordinality",
        "prepare",
        "execute",
        "uescape '!'",
    ];
    prop_oneof![
        12 => proptest::sample::select(FIXED).prop_map(str::to_owned),
        2 => proptest::sample::select(harmless()).prop_map(|name| format!("{name}(")),
        1 => "[a-z_]{1,4}",
        // PostgreSQL takes no NUL.
        1 => any::<char>().prop_filter("NUL", |character| *character != '\0').prop_map(String::from),
    ]
}

/// Every function that some exclusion lists.
fn harmless() -> Vec<String> {
    recorded::shipped()
        .policy
        .exclusions
        .iter()
        .filter_map(|exclusion| exclusion.matcher.statement.as_ref()?.only_calls.clone())
        .flatten()
        .collect()
}

/// A statement: fragments, or a sample that exclusions silence, with fragments put into it.
fn statement() -> impl Strategy<Value = Vec<u8>> {
    let fragments =
        || proptest::collection::vec(fragment(), 0..10).prop_map(|parts| parts.concat());
    let spaced = proptest::collection::vec(fragment(), 0..12).prop_map(|parts| parts.join(" "));
    let put = |place: usize, text: &str, inside: &str| {
        let at = (0..=place % (text.len() + 1))
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0);
        format!("{}{inside}{}", &text[..at], &text[at..])
    };
    prop_oneof![
        2 => fragments(),
        2 => spaced,
        3 => (proptest::sample::select(samples()), any::<usize>(), fragments())
            .prop_map(move |(sample, place, inside)| put(place, &sample.statement, &inside)),
        1 => (proptest::sample::select(samples()), fragments()).prop_map(|(sample, end)| format!("{}{end}", sample.statement)),
        1 => fragments().prop_map(|middle| format!("select {middle}")),
    ]
    .prop_map(String::into_bytes)
}

fn samples() -> Vec<pgvigil::policy::model::Sample> {
    let exclusions = &recorded::shipped().policy.exclusions;
    exclusions
        .iter()
        .flat_map(|exclusion| exclusion.silences.iter().chain(&exclusion.stays_loud))
        .cloned()
        .collect()
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => proptest::sample::select(&["alice", "rdsadmin", "shop_api", "shop_worker_12", "bob", "shop"][..]).prop_map(str::to_owned),
        1 => proptest::sample::select(&["", "a@b", "rdsadmin@x", "a:b", "a[1]", "rdsadmin\n", "shop_api:[1]:LOG:  x", "\"q\"", "a,b", "RDSADMIN",
            "x:[1]:LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,", "shop_worker_", "shop_worker_1x", "é", "[unknown]", "rdsadmin "][..]).prop_map(str::to_owned),
        1 => "[ -~]{0,12}",
    ]
}

fn object() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => proptest::sample::select(samples()).prop_map(|sample| sample.object),
        1 => proptest::sample::select(&["", "pg_class", "pg_catalog", "pg_catalog.", "pg_catalog.pg_class2", "pg_catalog.PG_CLASS", "pg_catalog.\"pg_class\"",
            "\"pg_catalog\".pg_class", "\"pg_catalog.pg_class\".x", "pg_catalog.pg_class.x", "public.\"a,b\"", "public.\"pg_catalog.pg_class\"",
            "\"x,READ,SELECT,TABLE,pg_catalog\".pg_class", "pg_catalog.\"a\"\"b\"", "pg_catalog.pg_authid", "pg_catalog.pg_class\n"][..]).prop_map(str::to_owned),
    ]
}

/// One generated entry.
pub(crate) fn record() -> impl Strategy<Value = (Vec<u8>, bool)> {
    let what = prop_oneof![
        8 => proptest::sample::select(samples()).prop_map(|s| (s.class, s.command, s.object_type)),
        1 => (
            proptest::sample::select(&["READ", "WRITE", "FUNCTION", "MISC", "DDL", "ROLE", "NEW"][..]),
            proptest::sample::select(&["SELECT", "INSERT", "EXECUTE", "???", "SET", "SHOW", "FETCH", "CALL", "DO", "BEGIN", "VACUUM", "CREATE TABLE", "PREPARE", "DECLARE CURSOR", "COPY", "TRUNCATE TABLE"][..]),
            proptest::sample::select(&["", "TABLE", "VIEW", "FUNCTION", "SEQUENCE", "FOREIGN TABLE"][..]),
        )
            .prop_map(|(class, command, kind)| (class.to_owned(), command.to_owned(), kind.to_owned())),
    ];
    let client = proptest::sample::select(
        &[
            "10.0.1.123(50322)",
            "[local]",
            "::1(36018)",
            "",
            "db.example.com(1)",
            "fe80::1%eth0(9)",
        ][..],
    );
    // From PostgreSQL 16 on, each of the 63 bytes may print as four characters.
    let application = prop_oneof![9 => "[ -~]{0,20}", 1 => "[ -~]{0,20}(\\\\x[0-9a-f]{2}){10,40}"];
    let level = prop_oneof![20 => Just("LOG"), 1 => Just("NOTICE"), 1 => Just("DEBUG1"), 1 => Just("ERROR"), 1 => Just("STATEMENT"), 1 => Just("PROTOKOLL")];
    let texts = prop_oneof![20 => Just(0), 1 => Just(1), 1 => Just(2), 1 => Just(3)];
    (
        (
            what,
            object(),
            any::<bool>(),
            statement(),
            texts,
            proptest::option::of(statement()),
        ),
        (
            name(),
            name(),
            client,
            application,
            level,
            any::<bool>(),
            any::<bool>(),
            proptest::option::weighted(0.05, statement()),
        ),
    )
        .prop_map(
            |(
                (what, object, own_object, statement, marks, parameters),
                (user, database, client, application, level, kind, long, raw),
            )| {
                let (class, command, object_type) = what;
                let object = if own_object && object_type.is_empty() {
                    String::new()
                } else {
                    object
                };
                let record = write_record(&RecordFields {
                    kind: if kind { Kind::Session } else { Kind::Object },
                    class: class.as_bytes(),
                    command: command.as_bytes(),
                    object_type: object_type.as_bytes(),
                    object_name: object.as_bytes(),
                    statement: match marks {
                        0 => TextOut::Logged(&statement),
                        1 => TextOut::NotLogged,
                        2 => TextOut::PreviouslyLogged,
                        _ => TextOut::None,
                    },
                    parameters: parameters
                        .as_ref()
                        .map_or(TextOut::NotLogged, |text| TextOut::Logged(text)),
                    ..RecordFields::default()
                });
                let form = if long {
                    LogLinePrefix::Long
                } else {
                    LogLinePrefix::Short
                };
                let names = PrefixFields {
                    user: user.as_bytes(),
                    database: database.as_bytes(),
                    client: client.as_bytes(),
                    application_name: application.as_bytes(),
                    level: level.as_bytes(),
                    ..PrefixFields::default()
                };
                let entry = match raw {
                    // Anything at all behind the head, which no pgAudit writes.
                    Some(raw) => [
                        write_prefix(form, &names),
                        b"AUDIT: SESSION,1,1,READ,SELECT,".to_vec(),
                        raw,
                    ]
                    .concat(),
                    None => write_entry(form, &names, &record),
                };
                (entry, long)
            },
        )
}

/// Every difference among many records, without shrinking: for whoever works on the patterns.
#[test]
#[ignore = "a survey: PROPTEST_CASES=20000 cargo test survey -- --ignored --nocapture"]
fn survey_of_differences() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::{Config, TestRunner};
    let mut runner = TestRunner::new(Config::default());
    let entries: Vec<(Vec<u8>, bool)> = (0..cases())
        .map(|_| record().new_tree(&mut runner).unwrap().current())
        .collect();
    let found: Vec<(Difference, String)> = entries
        .par_chunks(256)
        .map_init(rooms, |rooms, entries| {
            let mut found = Vec::new();
            for (entry, long) in entries {
                let form = if *long {
                    LogLinePrefix::Long
                } else {
                    LogLinePrefix::Short
                };
                let at = JUDGES
                    .iter()
                    .position(|judges| judges.prefix == form)
                    .unwrap();
                if let Some((difference, why)) = JUDGES[at].differ(&mut rooms[at], entry) {
                    found.push((difference, format!("{why}\n    {}", shown(entry))));
                }
            }
            found
        })
        .flatten_iter()
        .collect();
    assert_same(&found, 1000);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn policy_and_compiled_text_agree_on_hostile_records((entry, long) in record()) {
        thread_local! {
            static ROOMS: std::cell::RefCell<Vec<Room>> = std::cell::RefCell::new(rooms());
        }
        let form = if long { LogLinePrefix::Long } else { LogLinePrefix::Short };
        ROOMS.with_borrow_mut(|rooms| {
            for (judges, room) in JUDGES.iter().zip(rooms) {
                if judges.prefix == form && let Some((difference, why)) = judges.differ(room, &entry) {
                    return Err(TestCaseError::fail(format!("{difference:?}: {why}\n{}", entry.escape_ascii())));
                }
            }
            Ok(())
        })?;
    }
}

/// Whether the statement is an odd number of double quotes and nothing else: a field of pairs within its own quotes.
fn is_all_quotes(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let Some((before, _)) = text.rsplit_once(",<") else {
        return false;
    };
    let field = before.rsplit(',').next().unwrap_or_default();
    field.len() >= 4 && field.len() % 4 == 0 && field.bytes().all(|byte| byte == b'"')
}

#[test]
fn what_is_all_quotes() {
    let record = |statement: &str| {
        format!("AUDIT: SESSION,1,1,READ,SELECT,TABLE,a.b,{statement},<not logged>")
    };
    for (statement, is) in [
        (r#""""""#, true),
        (r#""""""""""#, true),
        (r#""""a"""#, false),
        (r#""""""""#, false),
        ("x", false),
    ] {
        assert_eq!(
            is_all_quotes(record(statement).as_bytes()),
            is,
            "{statement}"
        );
    }
}

/// `PROPTEST_CASES`, or few.
pub(crate) fn cases() -> u32 {
    std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(1500)
}
