//! The reader of statements against PostgreSQL's own grammar (`tests/oracle/tree.py`): what the reader holds harmless
//! has only listed calls and casts in the tree that PostgreSQL itself makes of the text.
//!
//! The other direction is no claim of the reader: it may stop at what is harmless. A text that PostgreSQL does not parse is never run.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic and print"
)]

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::{Seek as _, Write as _};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use pgvigil::audit_log::{EntryKind, judge_entry};
use pgvigil::judge;
use pgvigil::policy::sets;
use rayon::prelude::*;
use serde::Deserialize;
use serde_json::json;

use crate::moto::target;
use crate::oracle_texts::{Dice, Listed, changed, generated, templates, with_keywords, words};
use crate::recorded;

/// How many texts are made of templates, and how many of recorded texts.
const MADE: usize = 24_000;
const CHANGED: usize = 10_000;

/// How many places for two keywords are tried.
const PAIRS: usize = 150_000;

/// What the grammar says of a text: see `tests/oracle/tree.py`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Tree {
    error: Option<String>,
    kinds: Vec<String>,
    calls: Vec<Vec<String>>,
    syntax: Vec<Vec<String>>,
    types: Vec<Type>,
    operators: Vec<Vec<String>>,
    attributes: Vec<Attribute>,
}

#[derive(Debug, Deserialize)]
struct Type {
    name: Vec<String>,
    grammar: bool,
    definition: bool,
}

#[derive(Debug, Deserialize)]
struct Attribute {
    of: String,
    name: String,
}

/// What a text may hold.
struct Rules {
    functions: Vec<String>,
    types: Vec<String>,
    attributes: Vec<String>,
}

/// Functions that the grammar puts in the place of a syntax of its own. They compute from their arguments alone.
const SYNTAX: &[&str] = &[
    "btrim",
    "extract",
    "is_normalized",
    "like_escape",
    "ltrim",
    "normalize",
    "overlaps",
    "overlay",
    "pg_collation_for",
    "position",
    "rtrim",
    "similar_to_escape",
    "substring",
    "system_user",
    "timezone",
    "xmlexists",
];

/// Every operator of `pg_catalog.pg_operator` in PostgreSQL 15, asked of a server.
const OPERATORS: &str = "!! !~ !~* !~~ !~~* # ## #- #> #>> % & && &< &<| &> * *< *<= *<> *= *> *>= + - -> ->> -|- / < <-> << \
    <<= <<| <= <> <@ <^ = > >= >> >>= >^ ? ?# ?& ?- ?-| ?| ?|| @ @-@ @> @? @@ @@@ ^ ^@ | |&> |/ |>> || ||/ ~ ~* ~<=~ ~<~ ~= ~>=~ ~>~ ~~ ~~*";

/// Whether a list has a name of the tree: unqualified and `pg_catalog.` mean the same, other schemas stand in the list.
fn has(list: &[String], name: &[String]) -> bool {
    let name = match name {
        [schema, name] if schema == "pg_catalog" => name.clone(),
        // A quoted name with a dot in it.
        [name] if name.contains('.') => return false,
        name => name.join("."),
    };
    list.contains(&name)
}

impl Rules {
    /// What a tree holds that is not listed.
    fn unlisted(&self, tree: &Tree) -> Vec<String> {
        let mut found = Vec::new();
        for call in &tree.calls {
            if !has(&self.functions, call) {
                found.push(format!("call {}", call.join(" . ")));
            }
        }
        for call in &tree.syntax {
            if !SYNTAX.contains(&call.last().map_or("", String::as_str)) {
                found.push(format!("call by syntax {}", call.join(" . ")));
            }
        }
        for named in &tree.types {
            // What is defined with a type is cast when the definition is used, and DDL has records of its own.
            if !named.grammar && !named.definition && !has(&self.types, &named.name) {
                found.push(format!("type {}", named.name.join(" . ")));
            }
        }
        for Attribute { of, name } in &tree.attributes {
            if !self.attributes.contains(name) {
                found.push(format!("attribute {name} of {of}"));
            }
        }
        for operator in &tree.operators {
            let symbol = match operator.as_slice() {
                [schema, symbol] if schema == "pg_catalog" => symbol,
                [symbol] => symbol,
                _ => "of another schema",
            };
            if !OPERATORS.split(' ').any(|known| known == symbol) {
                found.push(format!("operator {}", operator.join(" . ")));
            }
        }
        found
    }
}

/// What the grammar says of each text; with `escapes`, as a server reads it with `standard_conforming_strings = off`.
fn trees(texts: &[(&str, bool)]) -> Vec<Tree> {
    let python = target().join("venv/bin/python");
    let parts = std::thread::available_parallelism().map_or(1, usize::from);
    let size = texts.len().div_ceil(parts).max(1);
    texts
        .par_chunks(size)
        .flat_map(|texts| {
            let mut input = tempfile::tempfile().unwrap();
            for (text, escapes) in texts {
                writeln!(input, "{}", json!({"text": text, "escapes": escapes})).unwrap();
            }
            input.rewind().unwrap();
            let output = Command::new(&python)
                .arg(recorded::root().join("tests/oracle/tree.py"))
                .stdin(Stdio::from(input))
                .stderr(Stdio::inherit())
                .output()
                .unwrap_or_else(|error| panic!("run tests/moto/install: {}: {error}", python.display()));
            assert!(
                output.status.success(),
                "run tests/moto/install, or see tests/oracle/README.md where PyPI has no wheel of pglast for this machine"
            );
            let trees: Vec<Tree> = output
                .stdout
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.is_empty())
                .map(|line| serde_json::from_slice(line).unwrap())
                .collect();
            assert_eq!(trees.len(), texts.len());
            trees
        })
        .collect()
}

/// Texts with every way in which a server may read them: a backslash means two things.
fn ways(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let both = text.contains('\\') && text.contains('\'');
    std::iter::once((text, false)).chain(both.then_some((text, true)))
}

/// A text that the reader holds harmless, and what PostgreSQL finds in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Fault {
    length: usize,
    text: String,
    found: String,
}

impl Fault {
    /// What a text holds that is not listed, if there is any.
    fn of(text: &str, escapes: bool, tree: &Tree, rules: &Rules) -> Option<Self> {
        let mut found = rules.unlisted(tree);
        if escapes {
            found.push("with standard_conforming_strings = off".to_owned());
        }
        (found.len() > usize::from(escapes)).then(|| Self {
            length: text.len(),
            text: text.to_owned(),
            found: found.join(", "),
        })
    }
}

/// Where the reader and the grammar differ.
fn faults(
    texts: &[&str],
    rules: &Rules,
    harmless: &(dyn Fn(&str) -> bool + Sync),
) -> BTreeSet<Fault> {
    let quiet: Vec<(&str, bool)> = texts
        .par_iter()
        .filter(|text| harmless(text))
        .flat_map_iter(|text| ways(text))
        .collect();
    quiet
        .iter()
        .zip(trees(&quiet))
        .filter_map(|((text, escapes), tree)| Fault::of(text, *escapes, &tree, rules))
        .collect()
}

/// The same faults in the shortest texts that leaving out words leads to.
fn shortest(
    faults: BTreeSet<Fault>,
    rules: &Rules,
    harmless: &(dyn Fn(&str) -> bool + Sync),
) -> BTreeSet<Fault> {
    let mut open: Vec<Fault> = faults.into_iter().take(300).collect();
    let mut done = BTreeSet::new();
    let mut seen = HashSet::new();
    while !open.is_empty() {
        let shorter: Vec<Vec<String>> = open
            .iter()
            .map(|fault| {
                let words = words(&fault.text);
                let mut cuts: Vec<String> = Vec::new();
                // A word, or up to eight of them, or all up to a place.
                for (at, (start, _)) in words.iter().enumerate() {
                    for length in [1, 2, 3, 5, 8, 20, 60] {
                        if let Some((_, end)) = words.get(at + length - 1) {
                            cuts.push(format!("{}{}", &fault.text[..*start], &fault.text[*end..]));
                        }
                    }
                }
                cuts.sort_by_key(String::len);
                cuts.truncate(1_500);
                cuts
            })
            .collect();
        let all: Vec<&str> = shorter.iter().flatten().map(String::as_str).collect();
        let found: HashMap<String, Fault> = self::faults(&all, rules, harmless)
            .into_iter()
            .map(|fault| (fault.text.clone(), fault))
            .collect();
        let mut next = Vec::new();
        for (fault, cuts) in open.into_iter().zip(shorter) {
            match cuts.iter().find_map(|cut| found.get(cut)) {
                Some(shorter) => {
                    if seen.insert(shorter.text.clone()) {
                        next.push(shorter.clone());
                    }
                }
                None => {
                    done.insert(fault);
                }
            }
        }
        open = next;
    }
    done
}

/// Every distinct text of the recordings that is UTF-8, as the grammar's parser wants it.
fn recorded_texts() -> &'static [String] {
    static TEXTS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let texts: BTreeSet<String> = recorded::all()
            .par_iter()
            .flat_map_iter(|recording| {
                let texts: BTreeSet<String> = recording
                    .log
                    .entries
                    .iter()
                    .filter_map(|entry| match judge_entry(&entry.text, recording.prefix) {
                        EntryKind::Audit { record, .. } => {
                            String::from_utf8(record.statement.decoded()?.into_owned()).ok()
                        }
                        _ => None,
                    })
                    .collect();
                texts
            })
            .collect();
        texts.into_iter().collect()
    });
    &TEXTS
}

/// The seed that `.ci/run` names, or 1.
fn seed() -> u64 {
    std::env::var("PROPTEST_RNG_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(1)
}

/// The functions that the shipped exclusions list.
fn functions() -> Vec<String> {
    let exclusions = recorded::shipped().policy.exclusions.iter();
    let listed: BTreeSet<String> = exclusions
        .filter_map(|exclusion| exclusion.matcher.statement.as_ref()?.only_calls.clone())
        .flatten()
        .collect();
    listed.into_iter().collect()
}

/// The types that a statement may cast to.
static TYPES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let set = sets::find("harmless-types").unwrap();
    set.names().map(str::to_owned).collect()
});

/// The same, as they are written.
const WRITTEN_TYPES: &[&str] = &[
    "\"char\"",
    "\"regtype\"",
    "bigint",
    "bool",
    "boolean",
    "bpchar",
    "char(1)",
    "int",
    "INT2",
    "int8",
    "integer",
    "name",
    "numeric",
    "oid",
    "pg_catalog.int2",
    "pg_catalog.oid",
    "pg_catalog.regclass",
    "pg_catalog.regtype",
    "pg_catalog.text",
    "regclass",
    "regnamespace",
    "regproc",
    "regtype",
    "smallint",
    "text",
    "text",
    "VARCHAR",
];

const ATTRIBUTES: &[&str] = &[
    "grantee",
    "grantor",
    "is_grantable",
    "n",
    "privilege_type",
    "x",
];

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().copied().map(str::to_owned).collect()
}

/// Texts from templates and changed recordings, with the templates of the former.
fn texts(harmless: &(dyn Fn(&str) -> bool + Sync)) -> Vec<(String, Vec<&'static str>)> {
    let mut dice = Dice::new(seed());
    let listed = Listed {
        functions: functions(),
        types: owned(WRITTEN_TYPES),
        attributes: owned(ATTRIBUTES),
    };
    let mut texts: Vec<(String, Vec<&'static str>)> = (0..MADE)
        .map(|_| {
            let text = generated(&mut dice, &listed);
            (text.sql, text.templates)
        })
        .collect();
    // Long ones hold the same constructs many times.
    let quiet: Vec<&String> = recorded_texts()
        .iter()
        .filter(|text| text.len() < 1_500 && harmless(text))
        .collect();
    texts.extend((0..CHANGED).map(|_| {
        let text = *dice.pick(&quiet);
        (changed(&mut dice, text), Vec::new())
    }));
    texts
}

fn show(faults: &BTreeSet<Fault>) -> String {
    let lines: Vec<String> = faults
        .iter()
        .map(|fault| format!("{}\n    {}", fault.text.escape_debug(), fault.found))
        .collect();
    lines.join("\n")
}

#[test]
fn harmless_texts_hold_only_what_is_listed() {
    let rules = Rules {
        functions: functions(),
        types: TYPES.clone(),
        attributes: owned(ATTRIBUTES),
    };
    let harmless = |text: &str| judge::stops_at(text.as_bytes(), &rules.functions, None).is_none();
    let recorded = recorded_texts();
    let made = texts(&harmless);
    let all: Vec<(&str, bool)> = made
        .iter()
        .map(|(text, _)| text)
        .chain(recorded)
        .flat_map(|text| ways(text))
        .collect();
    let mut seen = Seen::default();
    let mut parsed: HashSet<&str> = HashSet::new();
    let mut faults = BTreeSet::new();
    for ((text, escapes), tree) in all.iter().zip(&trees(&all)) {
        if tree.error.is_some() {
            continue;
        }
        let quiet = harmless(text);
        if parsed.insert(text) {
            seen.quiet += usize::from(quiet);
        }
        seen.kinds.extend(tree.kinds.iter().cloned());
        for what in rules.unlisted(tree) {
            let kind = what.split(' ').next().unwrap_or_default().to_owned();
            *seen.unlisted.entry(kind).or_default() += 1;
        }
        if quiet {
            faults.extend(Fault::of(text, *escapes, tree, &rules));
        }
    }
    let mut dead: BTreeSet<&str> = templates().collect();
    for (text, templates) in &made {
        if parsed.contains(text.as_str()) {
            templates.iter().for_each(|template| {
                dead.remove(template);
            });
        }
    }
    println!(
        "{} texts, {} of them recorded; {} parse, {} of them are held harmless; not listed: {:?}; {} kinds of statements",
        made.len() + recorded.len(),
        recorded.len(),
        parsed.len(),
        seen.quiet,
        seen.unlisted,
        seen.kinds.len()
    );
    assert_none(faults, &rules, &harmless);

    // The test can fail: the texts parse, each template is among them, and every way to hide a call is found in the tree.
    assert_eq!(dead, BTreeSet::new(), "templates of which no text parses");
    assert!(parsed.len() > 10_000 && seen.quiet > 4_000 && seen.kinds.len() > 40);
    let least = [
        ("attribute", 100),
        ("call", 1000),
        ("operator", 50),
        ("type", 1000),
    ];
    for (kind, least) in least {
        assert!(seen.unlisted.get(kind) >= Some(&least), "{kind}");
    }
    let unread: Vec<&String> = recorded
        .iter()
        .filter(|text| !parsed.contains(text.as_str()))
        .collect();
    assert!(
        unread.len() < 40,
        "{} recorded texts do not parse: {unread:?}",
        unread.len()
    );
}

/// Every keyword can be a name of its own somewhere: each is tried in each of these places.
#[test]
fn keywords_hide_nothing() {
    let rules = Rules {
        functions: functions(),
        types: TYPES.clone(),
        attributes: owned(ATTRIBUTES),
    };
    let harmless = |text: &str| judge::stops_at(text.as_bytes(), &rules.functions, None).is_none();
    let texts = with_keywords(&mut Dice::new(seed()), &keywords(), PAIRS);
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    assert_none(faults(&texts, &rules, &harmless), &rules, &harmless);
}

fn assert_none(faults: BTreeSet<Fault>, rules: &Rules, harmless: &(dyn Fn(&str) -> bool + Sync)) {
    let found = faults.len();
    let faults = shortest(faults, rules, harmless);
    assert!(
        faults.is_empty(),
        "{found} texts are held harmless that are not; the shortest that they lead to:\n{}",
        show(&faults)
    );
}

/// The grammar's own list.
fn keywords() -> Vec<String> {
    let output = Command::new(target().join("venv/bin/python"))
        .arg(recorded::root().join("tests/oracle/tree.py"))
        .arg("keywords")
        .output()
        .unwrap();
    let keywords: Vec<String> = serde_json::from_slice(&output.stdout).unwrap();
    assert!(keywords.len() > 450);
    keywords
}

/// What the texts of the test are made of.
#[derive(Default)]
struct Seen {
    quiet: usize,
    kinds: BTreeSet<String>,
    unlisted: BTreeMap<String, usize>,
}

/// The script finds a call in each of its forms, and only there.
#[test]
fn the_grammar_names_calls_and_casts() {
    let rules = Rules {
        functions: owned(&["count"]),
        types: owned(&["text"]),
        attributes: owned(&["n"]),
    };
    let cases: &[(&str, &str)] = &[
        (
            "select count(a), pg_catalog.count(a), \"count\"(a), a::text, a::int, a || b, (a).n",
            "",
        ),
        ("select public.count(a)", "call public . count"),
        ("select \"Count\"(a)", "call Count"),
        ("select \"pg_catalog.count\"(a)", "call pg_catalog.count"),
        ("select U&\"lo\\005fget\"(a)", "call lo_get"),
        ("select from t tablesample k(1)", "call k"),
        ("execute p(k(1))", "call k"),
        ("call k()", "call k"),
        (
            "create table a partition of b for values in (k(1))",
            "call k",
        ),
        (
            "create trigger a after insert on b execute function k()",
            "call k",
        ),
        ("exists (select k(1))", "call k"),
        ("select treat(a as d)", "call by syntax pg_catalog . d"),
        (
            "select substring(a for 2), a at time zone b, a like b escape c",
            "",
        ),
        (
            "select pg_catalog.timezone(a)",
            "call pg_catalog . timezone",
        ),
        ("select d 'x'", "type d"),
        ("select interval 'x' day, n'x', date 'x'", "type date"),
        ("select a::d[]", "type d"),
        ("select a::pg_temp.text", "type pg_temp . text"),
        ("prepare a (d) as select 1", "type d"),
        ("select json_value(a, '$' returning d)", "type d"),
        ("select from k() as (a d)", "call k, type d"),
        ("select (a).k", "attribute k of ColumnRef"),
        ("select a operator(public.=) b", "operator public . ="),
        ("select a order by a using ==", "operator =="),
        ("do ''; create table a of d; alter table a add b d", ""),
        ("drop function k(d)", ""),
        (
            "select '\\' || ', k(1), '\\''",
            "call k, with standard_conforming_strings = off",
        ),
        ("select '\\' || k(1) || '\\'", "call k"),
    ];
    let asked: Vec<(&str, bool)> = cases.iter().flat_map(|(text, _)| ways(text)).collect();
    let found: Vec<(&str, String)> = asked
        .iter()
        .zip(trees(&asked))
        .filter(|(_, tree)| tree.error.is_none())
        .map(|((text, escapes), tree)| {
            let found = Fault::of(text, *escapes, &tree, &rules).map(|fault| fault.found);
            (*text, found.unwrap_or_default())
        })
        .collect();
    let expected: Vec<(&str, String)> = cases
        .iter()
        .map(|(text, found)| (*text, (*found).to_owned()))
        .collect();
    assert_eq!(found, expected);
}
