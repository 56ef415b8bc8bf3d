//! Verdicts of single changes, each tried on the compiled text, and a property over random ones.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may panic"
)]

use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::area::Area;
use super::*;
use crate::audit_log::prefix::LogLinePrefix;
use crate::compile::query::QuerySource;
use crate::judge::Verdict as Judgement;
use crate::judge::{self, Rules, Scratch};
use crate::policy::model::{AcceptedRisk, Exclusion, Match, Policy, Selection, Signal, Statement};
use crate::policy::{self, Loaded, Pattern};
use crate::rules::reference::{self, Facts};

const TODAY: Date = date(2026, 11, 22);

const SAMPLE: &str = "{class: READ, command: SELECT, object_type: none, statement: x}";

/// A policy from the `match` of each exclusion, as YAML in flow style.
fn policy_of(matches: &[(&str, &str)]) -> Policy {
    policy_with(matches, "")
}

fn policy_with(matches: &[(&str, &str)], accounts: &str) -> Policy {
    let loaded = loaded(matches, accounts);
    assert_eq!(loaded.diagnostics.errors(), 0, "{:?}", loaded.diagnostics);
    assert_eq!(loaded.policy.exclusions.len(), matches.len());
    loaded.policy
}

fn loaded(matches: &[(&str, &str)], accounts: &str) -> Loaded {
    let mut rules = String::from("version: 1\nexclusions:\n");
    for (id, matcher) in matches {
        rules.push_str(&format!(
            "  - id: {id}\n    title: t\n    reason: made for a test of directions\n    owner: o\n    created: 2026-11-01\n    \
             expires: 2027-10-01\n    environments: all\n    match: {matcher}\n    samples: {{silences: [{SAMPLE}], stays_loud: [{SAMPLE}]}}\n"
        ));
    }
    let environment = "version: 1\nprovider: local\nfolder: .x\nclusters: [a]\n";
    let accounts = format!("version: 1\nservice_accounts: [{accounts}]\n");
    let mut files = vec![
        ("rules/rules.yaml", rules),
        ("environments/local.yaml", environment.to_owned()),
    ];
    if matches.is_empty() {
        files.remove(0);
    }
    if accounts.contains("reason") {
        files.push(("rules/accounts.yaml", accounts));
    }
    policy::load_from(files)
}

fn judge_of(policy: &Policy) -> judge::Judge {
    judge::Judge::new(&Rules::of(policy, policy.environment("local").unwrap()))
}

fn report(base: &Policy, head: &Policy) -> DirectionReport {
    let report = compare(base, head, "local", TODAY);
    check(&report, base, head);
    report
}

/// Every counterexample is real, and every widening has one.
fn check(report: &DirectionReport, base: &Policy, head: &Policy) {
    let judge =
        |policy: &Policy, entry: &[u8]| judge_of(policy).verdict(&mut Scratch::default(), entry);
    for change in &report.exclusions {
        let is_wider = matches!(change.verdict, Verdict::Widened | Verdict::Incomparable);
        // What is not proven counts as wider where a condition is gone.
        let is_unproven = change.why.starts_with("a condition is gone");
        assert!(
            is_wider == change.counterexample.is_some() || (is_wider && is_unproven),
            "{change:?}"
        );
        if let Some(record) = &change.counterexample {
            assert_eq!(judge(base, &record.entry), Judgement::Counted);
            let Judgement::Excluded(by) = judge(head, &record.entry) else {
                panic!("{record:?}");
            };
            assert!(by.contains(&change.id));
        }
    }
    for change in &report.accounts {
        if let Some(record) = &change.counterexample {
            assert_eq!(judge(base, &record.entry), Judgement::Counted);
            assert_eq!(judge(head, &record.entry), Judgement::OutOfScope);
        }
    }
}

fn verdict(base: &str, head: &str) -> Verdict {
    let report = report(&policy_of(&[("x", base)]), &policy_of(&[("x", head)]));
    assert_eq!(report.exclusions[0].verdict, report.overall);
    report.overall
}

/// Asserts that one is narrower than the other, both ways.
fn narrower(narrow: &str, wide: &str) {
    assert_eq!(
        verdict(wide, narrow),
        Verdict::Narrowed,
        "{narrow} in {wide}"
    );
    assert_eq!(
        verdict(narrow, wide),
        Verdict::Widened,
        "{narrow} in {wide}"
    );
    assert_eq!(verdict(wide, wide), Verdict::Unchanged);
}

fn on(statement: &str) -> String {
    format!("{{class: READ, command: SELECT, object_type: none, statement: {{{statement}}}}}")
}

fn narrower_text(narrow: &str, wide: &str) {
    narrower(&on(narrow), &on(wide));
}

#[test]
fn each_field_is_compared() {
    for key in [
        "user",
        "database",
        "client",
        "class",
        "command",
        "object_type",
    ] {
        let (one, two, rest) = match key {
            "class" => ("READ", "[READ, WRITE]", "command: SELECT"),
            "command" => ("SELECT", "[SELECT, COPY]", "class: READ"),
            "object_type" => ("TABLE", "[TABLE, VIEW]", "class: READ, command: SELECT"),
            "client" => ("10.0.0.1", "[10.0.0.1, 10.0.0.2]", "class: READ"),
            _ => ("bob", "[bob, carol]", "class: READ"),
        };
        let with = |value: &str| format!("{{{rest}, {key}: {value}}}");
        narrower(&with(one), &with(two));
        narrower(&with(two), &format!("{{{rest}}}"));
    }
    narrower(
        "{class: READ, schema: app, relation: a}",
        "{class: READ, schema: app, relation: [a, b]}",
    );
    narrower(
        "{class: READ, schema: app, relation: a}",
        "{class: READ, schema: app}",
    );
    narrower(
        "{class: READ, schema: app}",
        "{class: READ, schema: [app, other]}",
    );
    narrower(
        "{class: READ, schema: app, relation: a}",
        "{class: READ, relation: a}",
    );
}

#[test]
fn each_condition_on_the_text_is_compared() {
    for (narrow, wide) in [
        ("equals: [select 1]", "equals: [select 1, select 2]"),
        (
            "equals: [select 1]",
            "matches: ['select[ \\t\\r\\n]+[0-9]+[ \\t\\r\\n]*;?']",
        ),
        ("matches: ['select [0-9]']", "matches: ['select [0-9]+']"),
        ("matches: ['select [0-9]+']", "starts_with: [select]"),
        ("matches: ['select [0-9]+']", "lacks: [from]"),
        ("matches: ['select [0-9]+']", "lacks_words: [from]"),
        ("matches: ['select [0-9]+']", "lacks_names: [pg_authid]"),
        ("matches: ['select [0-9]+']", "contains: [select]"),
        ("equals: [select version()]", "only_calls: [version]"),
        ("only_calls: [version]", "only_calls: [version, lo_get]"),
        ("starts_with: [select]", "starts_with: [select, table]"),
        ("contains: [abc]", "contains: [b]"),
        ("contains: [a]", "contains: [a, b]"),
        ("lacks: [a]", "lacks: [abc]"),
        ("lacks: [a, b]", "lacks: [a]"),
        ("lacks: [from]", "lacks_words: [from]"),
        ("lacks: [pg_authid]", "lacks_names: [pg_authid]"),
        ("lacks_words: [a, b]", "lacks_words: [a]"),
        ("lacks_names: [a, b]", "lacks_names: [a]"),
        ("is_empty: true", "lacks: [a]"),
        ("is_empty: true", "only_calls: [version]"),
        (
            "starts_with: [select], lacks: [from]",
            "starts_with: [select]",
        ),
        (
            "only_calls: [version], lacks: [abc]",
            "only_calls: [version]",
        ),
        (
            "only_calls: [version], lacks_words: [from], starts_with: [select]",
            "only_calls: [version, lo_get], lacks_words: [from], starts_with: [select]",
        ),
    ] {
        narrower_text(narrow, wide);
    }
}

/// Every pair of conditions is decided, both ways; what is called wider is proven by a record.
#[test]
fn every_pair_of_conditions_is_decided() {
    let conditions = [
        "is_empty: true",
        "equals: [select 1]",
        "matches: ['select [0-9]+']",
        "starts_with: [select]",
        "only_calls: [version]",
        "lacks: [from]",
        "lacks_words: [from]",
        "lacks_names: [from]",
        "contains: [lect]",
    ];
    // What a pattern calls is not decided: it counts as widened.
    let is_open = |a: &str, b: &str| a.starts_with("matches") && b.starts_with("only_calls");
    for a in conditions {
        for b in conditions {
            if is_open(a, b) || is_open(b, a) {
                continue;
            }
            let (ahead, back) = (verdict(&on(a), &on(b)), verdict(&on(b), &on(a)));
            let expected = match ahead {
                Verdict::Narrowed => Verdict::Widened,
                Verdict::Widened => Verdict::Narrowed,
                same => same,
            };
            assert_eq!(back, expected, "{a} {b}");
            assert_ne!(ahead, Verdict::Unknown, "{a} {b}");
            assert_eq!(ahead == Verdict::Unchanged, a == b, "{a} {b}");
        }
    }
}

#[test]
fn what_means_the_same_is_unchanged() {
    for (a, b) in [
        ("matches: ['a|b']", "matches: ['b|a']"),
        ("matches: ['[ab]']", "matches: ['(?:a|b)']"),
        ("matches: ['A']", "matches: ['a']"),
        (
            "equals: [select 1]",
            "matches: ['select[ \\t\\r\\n]+1[ \\t\\r\\n]*;?']",
        ),
        (
            "equals: [select 1, select 2]",
            "equals: ['SELECT  2;', select 1]",
        ),
        ("lacks: [b, a]", "lacks: [a, b]"),
        ("lacks: [ab, a]", "lacks: [a]"),
        ("only_calls: [version, now]", "only_calls: [now, version]"),
        ("equals: [a], lacks: [b]", "equals: [a]"),
        ("matches: ['[a-m]', '[n-z]']", "matches: ['[a-z]']"),
    ] {
        assert_eq!(verdict(&on(a), &on(b)), Verdict::Unchanged, "{a} {b}");
        assert_eq!(verdict(&on(b), &on(a)), Verdict::Unchanged, "{b} {a}");
    }
    assert_eq!(
        verdict(
            "{class: [READ, WRITE], command: SELECT}",
            "{class: [WRITE, READ], command: SELECT}"
        ),
        Verdict::Unchanged
    );
}

#[test]
fn neither_holds_the_other() {
    assert_eq!(
        verdict(&on("equals: [select 1]"), &on("equals: [select 2]")),
        Verdict::Incomparable
    );
    assert_eq!(
        verdict(
            "{class: READ, command: SELECT}",
            "{class: READ, command: COPY}"
        ),
        Verdict::Incomparable
    );
}

#[test]
fn others_of_the_policy_count() {
    let both = ("x", "{class: READ, command: [SELECT, COPY], schema: app}");
    let one = ("w", "{class: READ, command: SELECT, schema: app}");
    let two = ("z", "{class: READ, command: COPY, schema: [app, more]}");
    // One exclusion is split into two, of which one is wider.
    let report = report(&policy_of(&[both]), &policy_of(&[one, two]));
    let verdicts: Vec<_> = report
        .exclusions
        .iter()
        .map(|change| (change.id.as_str(), change.change, change.verdict))
        .collect();
    assert_eq!(
        verdicts,
        [
            ("w", Change::Added, Verdict::Unchanged),
            ("x", Change::Removed, Verdict::Unchanged),
            ("z", Change::Added, Verdict::Widened),
        ]
    );
    assert_eq!(report.overall, Verdict::Widened);
    let record = report.exclusions[2].counterexample.as_ref().unwrap();
    assert!(record.object.starts_with("more."), "{record:?}");
    let back = super::compare(&policy_of(&[one, two]), &policy_of(&[both]), "local", TODAY);
    assert_eq!(back.overall, Verdict::Narrowed);
}

#[test]
fn what_is_out_of_scope_is_not_new() {
    let commit = (
        "x",
        "{class: [MISC, DDL], command: [COMMIT, COMMIT PREPARED]}",
    );
    assert_eq!(
        report(&policy_of(&[]), &policy_of(&[commit])).overall,
        Verdict::Unchanged
    );
    let fetch = ("x", "{class: MISC, command: [COMMIT, FETCH]}");
    assert_eq!(
        report(&policy_of(&[]), &policy_of(&[fetch])).overall,
        Verdict::Widened
    );
}

#[test]
fn a_later_last_day_is_told() {
    let base = policy_of(&[("x", "{class: READ, command: COPY}")]);
    let mut head = base.clone();
    head.exclusions[0].expires = None;
    let change = report(&base, &head).exclusions.remove(0);
    assert_eq!(
        (change.change, change.verdict, change.lives_longer),
        (Change::Changed, Verdict::Unchanged, true)
    );
    let change = report(&head, &base).exclusions.remove(0);
    assert!(!change.lives_longer);
    // A risk that is accepted for longer is one too: the exclusion ends with it.
    let accepted = |until: Date| {
        let mut policy = base.clone();
        policy.exclusions[0].accepted_risk = Some(AcceptedRisk {
            reason: "r".to_owned(),
            owner: "o".to_owned(),
            until,
        });
        policy
    };
    let (short, long) = (accepted(date(2026, 12, 1)), accepted(date(2026, 12, 31)));
    assert!(report(&short, &long).exclusions[0].lives_longer);
    assert!(!report(&long, &short).exclusions[0].lives_longer);
    let ended = accepted(date(2026, 11, 21));
    let renewed = compare(&ended, &long, "local", TODAY);
    assert_eq!(renewed.overall, Verdict::Widened);
    // What had expired and is renewed silences again.
    let mut expired = base.clone();
    expired.exclusions[0].expires = Some(date(2026, 11, 21));
    let renewed = compare(&expired, &base, "local", TODAY);
    assert_eq!(renewed.overall, Verdict::Widened);
    assert!(renewed.exclusions[0].counterexample.is_some());
    let same = compare(&expired, &expired, "local", TODAY);
    assert_eq!(same.overall, Verdict::Unchanged);
}

#[test]
fn where_an_exclusion_applies_counts() {
    let head = policy_of(&[("x", "{class: READ, command: COPY}")]);
    let mut base = head.clone();
    base.exclusions[0].environments = Selection::Only(vec!["other".to_owned()]);
    let report = report(&base, &head);
    assert_eq!(report.exclusions[0].change, Change::Added);
    assert_eq!(report.overall, Verdict::Widened);
}

fn account(role: &str) -> String {
    format!("{{{role}, reason: runs the nightly load of the shop, owner: o, environments: all}}")
}

#[test]
fn service_accounts_are_compared() {
    let of = |accounts: &[&str]| {
        let accounts: Vec<String> = accounts.iter().map(|role| account(role)).collect();
        policy_with(&[], &accounts.join(", "))
    };
    let verdict = |base: &[&str], head: &[&str]| report(&of(base), &of(head)).overall;
    assert_eq!(verdict(&[], &["role: etl"]), Verdict::Widened);
    assert_eq!(verdict(&["role: etl"], &[]), Verdict::Narrowed);
    assert_eq!(
        verdict(&["pattern: 'etl_[a-z]+'"], &["role: etl_x"]),
        Verdict::Narrowed
    );
    assert_eq!(
        verdict(&["pattern: 'etl_[a-z]+'"], &["pattern: 'etl_[a-z0-9]+'"]),
        Verdict::Widened
    );
    assert_eq!(
        verdict(&["pattern: 'a|b'"], &["pattern: '[ab]'"]),
        Verdict::Unchanged
    );
    assert_eq!(
        verdict(&["role: a", "role: b"], &["pattern: '[ab]'"]),
        Verdict::Unchanged
    );
    let widened = report(&of(&["role: etl_1"]), &of(&["pattern: 'etl_[0-9]'"]));
    let line = widened
        .accounts
        .iter()
        .find(|account| account.is_pattern)
        .unwrap();
    assert_eq!(line.counterexample.as_ref().unwrap().user, "etl_0");
}

#[test]
fn an_exclusion_of_an_account_silences_nothing() {
    let with = |matches: &[(&str, &str)]| policy_with(matches, &account("role: etl"));
    let report = report(&with(&[]), &with(&[("x", "{user: etl, class: READ}")]));
    assert_eq!(report.overall, Verdict::Unchanged);
}

#[test]
fn the_expressions_are_those_of_the_query() {
    let policy = policy_of(&[(
        "x",
        &on(
            "equals: [a b], matches: ['x+'], starts_with: [select], only_calls: [version], lacks: [p], \
             lacks_words: [q], lacks_names: [r], contains: [s]",
        ),
    )]);
    let query = QuerySource::of(&policy, policy.environment("local").unwrap()).alarm("");
    let statement = policy.exclusions[0].matcher.statement.as_ref().unwrap();
    let conditions = super::text::conditions(statement);
    assert_eq!(conditions.len(), 7);
    for condition in conditions {
        let like = if condition.found { "not like" } else { "like" };
        let in_filter = format!("pgSql {like} /{}/", condition.expression);
        // The calls are read into a field.
        let in_parse = condition
            .expression
            .strip_prefix("(?i)^")
            .and_then(|rest| rest.strip_suffix("\\z"))
            .map(|body| format!("parse pgText /(?i)^(?<pgCalls>{body})\\z/"));
        assert!(
            query.text.contains(&in_filter)
                || in_parse.is_some_and(|parse| query.text.contains(&parse)),
            "{condition:?}\n{}",
            query.text
        );
    }
}

#[test]
fn a_text_reads_back_from_the_field() {
    assert_eq!(super::text::decoded(b","), b"");
    assert_eq!(super::text::decoded(b",select 1"), b"select 1");
    assert_eq!(
        super::text::decoded(b",\"select \"\"\"\"\"\"a\"\", 1\n\t\tx\""),
        b"select \"\"\"a\", 1\n\tx"
    );
}

#[test]
fn the_shipped_rules_have_no_finding_and_compare_as_equal() {
    let loaded = policy::load(std::path::Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    assert!(findings(&loaded, TODAY).is_empty());
    let name = loaded.policy.environments[0].name.clone();
    let report = compare(&loaded.policy, &loaded.policy, &name, TODAY);
    assert_eq!(report.overall, Verdict::Unchanged);
    assert!(report.exclusions.len() > 10);
    // Each exclusion is needed: without it something counts, and the automata agree.
    for at in 0..loaded.policy.exclusions.len() {
        let mut base = loaded.policy.clone();
        let exclusion = base.exclusions.remove(at);
        let report = compare(&base, &loaded.policy, &name, TODAY);
        assert_eq!(report.overall, Verdict::Widened, "{}", exclusion.id);
        let back = compare(&loaded.policy, &base, &name, TODAY);
        assert_eq!(back.overall, Verdict::Narrowed, "{}", exclusion.id);
    }
}

#[test]
fn findings_say_what_changes_nothing() {
    let codes = |matches: &[(&str, &str)]| -> Vec<&'static str> {
        findings(&loaded(matches, ""), TODAY)
            .iter()
            .map(|finding| finding.code.id())
            .collect()
    };
    let texts = |a: &str, b: &str| codes(&[("a", &on(a)), ("b", &on(b))]);
    assert_eq!(
        texts("equals: [a]", "matches: ['[a-z][ \\t\\r\\n]*;?']"),
        ["exclusion/shadowed"]
    );
    assert_eq!(
        texts("matches: ['[a-z][ \\t\\r\\n]*;?']", "equals: [a]"),
        ["exclusion/shadowed"]
    );
    assert_eq!(
        texts("matches: ['[ab]']", "matches: ['a|b']"),
        ["exclusion/shadowed"]
    );
    assert_eq!(texts("matches: ['[ab]']", "matches: ['b|c']"), [""; 0]);
    assert_eq!(
        texts("lacks: [a, b]", "lacks: [b, a]"),
        ["exclusion/duplicate-match"]
    );
    assert_eq!(
        codes(&[("a", &on("starts_with: [select], lacks: [s]"))]),
        ["exclusion/never-matches"]
    );
    assert_eq!(
        codes(&[("a", "{class: DDL, command: CREATE TABLE}")]),
        ["exclusion/unreachable"]
    );
    assert_eq!(
        codes(&[("a", "{class: MISC, command: [FETCH, SET]}")]),
        [""; 0]
    );
}

/// Small matches over few values, so that they often meet.
fn small_match() -> impl Strategy<Value = Match> {
    fn some(values: &'static [&'static str]) -> impl Strategy<Value = Option<Vec<String>>> {
        let list = prop::sample::subsequence(values, 1..=values.len())
            .prop_map(|values| values.into_iter().map(str::to_owned).collect());
        prop::option::of(list)
    }
    let statement = (
        some(&["a b", "b", "c \"a\""]),
        some(&["[ab]+", "a|c[ ,]b", "(?:c|b) ?a*"]),
        some(&["a", "b"]),
        some(&["a", "c"]),
        some(&["a", "bb", "\""]),
        some(&["a", "b"]),
        some(&["a", "c"]),
        some(&["a", "b a", ",c"]),
        prop::bool::weighted(0.1),
    )
        .prop_map(
            |(
                equals,
                matches,
                starts_with,
                only_calls,
                lacks,
                lacks_words,
                lacks_names,
                contains,
                is_empty,
            )| {
                let matches = matches.map(|texts: Vec<String>| {
                    let read = texts.iter().map(|text| Pattern::read(text).unwrap());
                    read.collect()
                });
                Statement {
                    is_empty,
                    equals,
                    matches,
                    only_casts: None,
                    starts_with,
                    only_calls,
                    lacks,
                    lacks_words,
                    lacks_names,
                    contains,
                }
            },
        )
        .prop_filter("it has a condition", super::text::has_conditions);
    (
        some(&["u", "v"]),
        some(&["READ", "MISC"]),
        some(&["SELECT", "SET", "???"]),
        some(&["TABLE", ""]),
        some(&["s", "t"]),
        some(&["x", "y"]),
        prop::option::weighted(0.7, statement),
    )
        .prop_map(
            |(user, class, command, object_type, schema, relation, statement)| Match {
                user,
                class,
                command,
                object_type,
                schema,
                relation,
                statement,
                ..Match::default()
            },
        )
        .prop_filter("it has a condition", |matcher| *matcher != Match::default())
}

/// Both kinds of matches: independent ones, and those of which one is made from the other.
fn pairs() -> impl Strategy<Value = (Vec<Match>, Vec<Match>)> {
    let list = || prop::collection::vec(small_match(), 1..3);
    (list(), list(), 0..4_u8).prop_map(|(base, mut head, how)| {
        match how {
            0 => {}
            // The head has the base's text, or the base's fields, or one condition less.
            1 => head[0].statement = base[0].statement.clone(),
            2 => {
                head[0] = Match {
                    statement: head[0].statement.clone(),
                    ..base[0].clone()
                }
            }
            _ => {
                head[0] = base[0].clone();
                if let Some(statement) = &mut head[0].statement {
                    statement.lacks = None;
                    statement.starts_with = None;
                }
                if head[0]
                    .statement
                    .as_ref()
                    .is_some_and(|statement| !super::text::has_conditions(statement))
                {
                    head[0].statement = base[0].statement.clone();
                }
            }
        }
        (base, head)
    })
}

#[derive(Debug, Clone)]
struct Fields {
    user: &'static str,
    class: &'static str,
    command: &'static str,
    object_type: &'static str,
    object: &'static str,
    statement: Option<String>,
}

fn records() -> impl Strategy<Value = Vec<Fields>> {
    let text = prop_oneof![
        "[abc ]{0,4}",
        "[abc ,\"\n(;]{0,6}",
        Just("a b;".to_owned()),
        Just("c \"a\"".to_owned()),
        Just("a".to_owned()),
        Just("b ".to_owned()),
    ];
    let record = (
        prop::sample::select(&["u", "v", "w"][..]),
        prop::sample::select(&["READ", "MISC", "WRITE"][..]),
        prop::sample::select(&["SELECT", "SET", "???", "COPY"][..]),
        prop::sample::select(&["TABLE", "", "VIEW"][..]),
        prop::sample::select(&["s.x", "t.y", "s.z", "q.x", "", "\"S\".x"][..]),
        prop::option::weighted(0.9, text),
    )
        .prop_map(
            |(user, class, command, object_type, object, statement)| Fields {
                user,
                class,
                command,
                object_type,
                object,
                statement,
            },
        );
    prop::collection::vec(record, 60)
}

fn policy_from(template: &Policy, matches: &[Match]) -> Policy {
    let mut policy = template.clone();
    let exclusion = template.exclusions[0].clone();
    policy.exclusions = matches
        .iter()
        .enumerate()
        .map(|(number, matcher)| Exclusion {
            id: format!("x{number}"),
            matcher: matcher.clone(),
            ..exclusion.clone()
        })
        .collect();
    policy
}

fn entry_of(fields: &Fields) -> Vec<u8> {
    let record = Counterexample {
        user: fields.user.to_owned(),
        database: "shop".to_owned(),
        client: "10.0.0.1(1)".to_owned(),
        class: fields.class.to_owned(),
        command: fields.command.to_owned(),
        object_type: fields.object_type.to_owned(),
        object: fields.object.to_owned(),
        statement: fields.statement.clone().map(String::into_bytes),
        entry: Vec::new(),
    };
    super::witness::written(record, LogLinePrefix::Short).entry
}

fn is_silent(policy: &Policy, fields: &Fields) -> bool {
    let facts = Facts {
        user: fields.user.as_bytes(),
        database: b"shop",
        client: b"10.0.0.1",
        class: fields.class.as_bytes(),
        command: fields.command.as_bytes(),
        object_type: fields.object_type.as_bytes(),
        object: fields.object.as_bytes(),
        statement: fields.statement.as_deref().map(str::as_bytes),
        day: Some(jiff::civil::date(2026, 11, 22)),
        message: b"",
    };
    let exclusions: Vec<&Exclusion> = policy.exclusions.iter().collect();
    reference::judge(&facts, &[Signal::Dml], &[], &exclusions, &[]) != reference::Opinion::Counted
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_is_called_no_wider_silences_nothing_new((base, head) in pairs(), records in records()) {
        let template = policy_of(&[("x", "{class: READ, command: COPY}")]);
        let (base, head) = (policy_from(&template, &base), policy_from(&template, &head));
        let report = compare(&base, &head, "local", TODAY);
        check(&report, &base, &head);
        let (base_judge, head_judge) = (judge_of(&base), judge_of(&head));
        let (mut base_room, mut head_room) = (Scratch::default(), Scratch::default());
        let (mut ahead, mut behind) = (None, None);
        for fields in &records {
            let entry = entry_of(fields);
            let was_loud = base_judge.verdict(&mut base_room, &entry) == Judgement::Counted;
            let is_loud = head_judge.verdict(&mut head_room, &entry) == Judgement::Counted;
            if was_loud && !is_loud {
                ahead = Some(entry.clone());
            }
            if !was_loud && is_loud {
                behind = Some(entry);
            }
            if !report.overall.may_silence_more() {
                prop_assert!(!is_silent(&head, fields) || is_silent(&base, fields), "{fields:?}");
            }
        }
        let shown = |entry: &Option<Vec<u8>>| entry.as_ref().map(|e| String::from_utf8_lossy(e).into_owned());
        match report.overall {
            Verdict::Unchanged => {
                prop_assert_eq!(shown(&ahead), None);
                prop_assert_eq!(shown(&behind), None);
            }
            Verdict::Narrowed => prop_assert_eq!(shown(&ahead), None),
            Verdict::Widened | Verdict::Incomparable | Verdict::Unknown => {}
        }
    }
}

#[test]
fn areas_know_what_lies_within() {
    let wide = Match {
        class: Some(vec!["READ".to_owned()]),
        ..Match::default()
    };
    let narrow = Match {
        command: Some(vec!["SELECT".to_owned()]),
        ..wide.clone()
    };
    let (wide, narrow) = (Area::of(&wide), Area::of(&narrow));
    assert!(narrow.has_fields_within(&wide) && !wide.has_fields_within(&narrow));
}
/// What an exclusion asks of the prefix alone says nothing of a record that cannot be read.
#[test]
fn a_record_that_is_not_understood_stays_loud() {
    let record = "AUDIT: SESSION,1,1,WRITE,DELETE,TABLE,s.x,\"delete from orders /* : AUDIT: SESSION,1,1, */\",<none>";
    let entry = format!("2026-11-22 06:55:28 UTC:10.0.0.1(1):bob@shop:[1]:LOG:  {record}");
    for matcher in [
        "{user: bob, class: READ, command: SELECT, object_type: TABLE}",
        "{user: bob, object_type: none}",
        "{database: shop, class: READ, command: SELECT, object_type: none}",
        "{client: 10.0.0.1, class: READ, command: SELECT, object_type: none}",
        "{class: READ, command: SELECT, object_type: TABLE}",
        "{user: bob}",
    ] {
        let policy = policy_of(&[("x", matcher)]);
        let verdict = judge_of(&policy).verdict(&mut Scratch::default(), entry.as_bytes());
        assert_eq!(verdict, Judgement::Counted, "{matcher}");
    }
}
