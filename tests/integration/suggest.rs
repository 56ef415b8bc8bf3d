//! `rules suggest`: what it proposes is sound on records of real clients, and it proposes nothing for users' data.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic and print"
)]

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, date};
use pgvigil::audit_log::prefix::LogLinePrefix;
use pgvigil::check;
use pgvigil::diagnostic::Severity;
use pgvigil::judge::{Judge, Rules, Scratch, Verdict};
use pgvigil::policy::{self, Loaded};
use pgvigil::report;
use pgvigil::rules::attack::corpus::{Fact, TextOf, corpus, plain};
use pgvigil::rules::attack::{self, Attack, AttackRecord, Effort, Harm, Kind, Options, Who};
use pgvigil::rules::suggest::trail::Sibling;
use pgvigil::rules::suggest::{Answer, Context, Suggestion, Wish, suggest};
use pgvigil::rules::test;
use serde_json::Value;

use crate::cli::Repository;
use crate::output_schemas::holds;
use crate::recorded;

const TODAY: Date = date(2026, 12, 1);

fn wish() -> Wish {
    Wish {
        id: None,
        owner: Some("data-platform".to_owned()),
        reason: None,
        expires: None,
        by_client: false,
        keep_literals: false,
        today: TODAY,
    }
}

/// The shipped policy without these exclusions; without all of them if none is named.
fn without(ids: &[&str]) -> Loaded {
    let files = &recorded::shipped().files;
    policy::load_from(files.ids().filter_map(|id| {
        let (path, text) = (files.path(id), files.text(id));
        if path != "rules/exclusions.yaml" {
            return Some((path.to_owned(), text.to_owned()));
        }
        let mut parts = text.split("\n  - id: ");
        let mut kept = parts.next().unwrap().to_owned();
        for part in parts {
            let id = part.lines().next().unwrap();
            if !ids.is_empty() && !ids.contains(&id) {
                kept.push_str("\n  - id: ");
                kept.push_str(part);
            }
        }
        (!ids.is_empty()).then(|| (path.to_owned(), kept + "\n"))
    }))
}

fn with(loaded: &Loaded, path: &str, text: &str) -> Loaded {
    let files = &loaded.files;
    let known = files
        .ids()
        .map(|id| (files.path(id).to_owned(), files.text(id).to_owned()));
    policy::load_from(known.chain([(path.to_owned(), text.to_owned())]))
}

fn ask(
    loaded: &Loaded,
    prefix: LogLinePrefix,
    entry: &[u8],
    siblings: &[Sibling],
    wish: &Wish,
) -> Suggestion {
    let environment = loaded.policy.environment("local").unwrap();
    let rules = Rules {
        prefix,
        ..Rules::of(&loaded.policy, environment)
    };
    let context = Context {
        loaded,
        environment,
        rules: &rules,
        fixtures: &[],
    };
    suggest(context, entry, siblings, wish, |_, _| Vec::new())
}

/// Tries a proposal once more, without the code that made it.
#[track_caller]
fn is_sound(loaded: &Loaded, prefix: LogLinePrefix, entry: &[u8], suggestion: &Suggestion) {
    let proposal = suggestion.proposal.as_ref().unwrap();
    let loaded = with(loaded, &proposal.path, &proposal.yaml);
    let mut found = check::run(&loaded, TODAY);
    found.extend(pgvigil::rules::check(&loaded, TODAY));
    let errors: Vec<_> = found
        .iter()
        .filter(|one| one.severity == Severity::Error)
        .collect();
    assert!(errors.is_empty(), "{errors:#?}\n{}", proposal.yaml);
    let environment = loaded.policy.environment("local").unwrap();
    let rules = Rules {
        prefix,
        ..Rules::of(&loaded.policy, environment)
    };
    let verdict = Judge::new(&rules).verdict(&mut Scratch::default(), entry);
    assert_eq!(
        verdict,
        Verdict::Excluded(vec![proposal.id.clone()]),
        "{}",
        proposal.yaml
    );
    let tested = test::run(&loaded, &[], &[environment], TODAY);
    let one = tested.environments[0]
        .exclusions
        .iter()
        .find(|one| one.id == proposal.id)
        .unwrap();
    assert!(one.covered && tested.passed, "{one:#?}");
    let options = Options {
        effort: Effort::Full,
        exclusions: Some(vec![proposal.id.clone()]),
    };
    let attacked = attack::run(&loaded.policy, environment, TODAY, &options);
    assert!(
        attacked.passed && attacked.statements > 1_000,
        "{attacked:#?}"
    );
    // The other reader of YAML reads the same text.
    let theirs: Value = yaml_serde::from_str(&proposal.yaml).unwrap();
    let exclusion = loaded
        .policy
        .exclusions
        .iter()
        .find(|one| one.id == proposal.id)
        .unwrap();
    let sample = &theirs["exclusions"][0]["samples"]["silences"][0]["statement"];
    assert_eq!(sample.as_str().unwrap(), exclusion.silences[0].statement);
}

/// For noise that one shipped exclusion silences, the policy without it gets a proposal that is sound, or a reason.
#[test]
fn suggest_for_noise_of_real_clients_is_sound() {
    let shipped = recorded::shipped();
    let environment = shipped.policy.environment("local").unwrap();
    let mut wanted: BTreeMap<String, Vec<(LogLinePrefix, &[u8])>> = BTreeMap::new();
    let mut scratch = Scratch::default();
    for recording in recorded::all() {
        let rules = Rules {
            prefix: recording.prefix,
            ..Rules::of(&shipped.policy, environment)
        };
        let judge = Judge::new(&rules);
        let mut seen: BTreeSet<String> = BTreeSet::new();
        for entry in recording.few() {
            if let Verdict::Excluded(by) = judge.verdict(&mut scratch, &entry.text)
                && let [only] = by.as_slice()
                && seen.insert(only.clone())
            {
                let entries = wanted.entry(only.clone()).or_default();
                if entries.len() < 4 {
                    entries.push((recording.prefix, &entry.text));
                }
            }
        }
    }
    assert!(wanted.len() > 8, "{:?}", wanted.keys());
    let mut proposed: BTreeMap<&str, usize> = BTreeMap::new();
    for (id, entries) in &wanted {
        let loaded = without(&[id]);
        for (prefix, entry) in entries {
            let suggestion = ask(&loaded, *prefix, entry, &[], &wish());
            println!("{id}: {:?}: {}", suggestion.answer, suggestion.reason);
            for tried in &suggestion.tried {
                println!("    {}: {}", tried.form, tried.why);
            }
            match suggestion.answer {
                Answer::Proposed => {
                    is_sound(&loaded, *prefix, entry, &suggestion);
                    *proposed.entry(id).or_default() += 1;
                }
                Answer::Refused => assert!(suggestion.instead.is_some(), "{suggestion:#?}"),
                // What a tool writes into its own table is work on users' data to whoever does not know the tool.
                Answer::Grant => {
                    let relation = &suggestion.grant.as_ref().unwrap().relation;
                    assert!(
                        !["pg_catalog.", "information_schema."]
                            .iter()
                            .any(|schema| relation.starts_with(schema)),
                        "{suggestion:#?}"
                    );
                }
                other @ Answer::NotCounted => panic!("{other:?}: {suggestion:#?}"),
            }
        }
    }
    for id in [
        "catalog-metadata",
        "information-schema",
        "session-questions",
    ] {
        assert!(proposed.contains_key(id), "{id}: {proposed:?}");
    }
}

fn attack_record(fact: &Fact, own: &str, steps: &[String]) -> AttackRecord {
    AttackRecord {
        class: fact.class.clone(),
        command: fact.command.clone(),
        object_type: fact.object_type.clone(),
        object: fact.object.clone(),
        statement: match &fact.text {
            TextOf::Own => own.to_owned(),
            TextOf::Step(number) => steps[number - 1].clone(),
            TextOf::Other(text) => text.clone(),
        },
        parameters: None,
    }
}

/// Nothing is proposed for any record of any statement that touches protected data.
#[test]
fn suggest_proposes_nothing_for_a_statement_on_users_data() {
    let loaded = without(&[]);
    let corpus = corpus();
    let statements = corpus
        .actions
        .iter()
        .map(|entry| (entry, ""))
        .chain(corpus.riders.iter().map(|entry| (entry, "SELECT ")));
    let (mut records, mut grants) = (0, 0);
    for (entry, before) in statements {
        let steps: Vec<String> = entry
            .steps
            .iter()
            .map(|step| format!("{before}{}", plain(&step.sql)))
            .collect();
        for (step, own) in entry.steps.iter().zip(&steps) {
            for facts in [&step.on, &step.off] {
                let attack = Attack {
                    exclusion: String::new(),
                    kind: Kind::Plain,
                    does: String::new(),
                    carrier: String::new(),
                    harm: Harm::Reads,
                    steps: Vec::new(),
                    log_relation: true,
                    records: facts
                        .iter()
                        .map(|fact| attack_record(fact, own, &steps))
                        .collect(),
                    who: Who {
                        user: "alice".to_owned(),
                        database: "shop".to_owned(),
                        client: "10.0.1.2(5000)".to_owned(),
                        application: String::new(),
                    },
                    condition: String::new(),
                    item: None,
                };
                let siblings: Vec<Sibling> = facts
                    .iter()
                    .filter(|fact| !fact.object.is_empty())
                    .map(|fact| Sibling {
                        object: fact.object.clone(),
                        counts: true,
                    })
                    .collect();
                for (text, fact) in attack.entries(LogLinePrefix::Short).iter().zip(facts) {
                    let suggestion = ask(&loaded, LogLinePrefix::Short, text, &siblings, &wish());
                    records += 1;
                    grants += usize::from(suggestion.answer == Answer::Grant);
                    let is_of_users = fact.object.starts_with("pgvigil_attack.");
                    let is_relation =
                        ["TABLE", "VIEW", "MATERIALIZED VIEW"].contains(&fact.object_type.as_str());
                    if is_of_users
                        && is_relation
                        && ["READ", "WRITE"].contains(&fact.class.as_str())
                    {
                        assert_eq!(
                            suggestion.answer,
                            Answer::Grant,
                            "{fact:?}: {suggestion:#?}"
                        );
                    }
                    assert!(
                        suggestion.proposal.is_none(),
                        "{} {fact:?}: {}",
                        entry.name,
                        suggestion.proposal.unwrap().yaml
                    );
                }
            }
        }
    }
    println!("{records} records, {grants} of them a grant");
    assert!(records > 300 && grants > 50, "{records} {grants}");
}

/// An entry of alice with this record.
fn entry(record: &str) -> String {
    format!(
        "2026-11-20 09:00:00 UTC:10.0.3.17(51234):alice@shop:[4711]:LOG:  AUDIT: SESSION,1,1,{record},<not logged>"
    )
}

fn quoted(statement: &str) -> String {
    format!("\"{}\"", statement.replace('"', "\"\""))
}

#[test]
fn suggest_refuses_with_a_reason() {
    let rules = "version: 1
protected:
  - {schema: pg_catalog, relation: [pg_proc], reason: sources of functions, owner: security}
  - {user: carol, reason: break glass, owner: security}
";
    let loaded = with(&without(&[]), "rules/protected.yaml", rules);
    let carol = entry("READ,SELECT,,,select 1").replace("alice@", "carol@");
    let cases = [
        (
            entry("READ,SELECT,,,select set_config('pgaudit.log', 'none', false)"),
            "decides what is logged",
        ),
        (
            entry("ROLE,GRANT,TABLE,,grant select on t to bob"),
            "privileges",
        ),
        (
            entry("DDL,CREATE FUNCTION,FUNCTION,public.f,create function f()"),
            "makes, changes or drops",
        ),
        (
            entry("READ,SELECT,TABLE,pg_catalog.pg_proc,select 1 from pg_proc"),
            "sources of functions",
        ),
        (
            entry("READ,SELECT,TABLE,pg_catalog.pg_authid,select 1 from pg_authid"),
            "secrets",
        ),
        (entry("READ,SELECT,,,select lo_get(1)"), "`lo_get(1)`"),
        (entry("READ,SELECT,,,select a from b"), "the word `from`"),
        (
            entry("READ,SELECT,,,\"select 1; table b\""),
            "the word `table`",
        ),
        (entry("READ,SELECT,,,<not logged>"), "was not logged"),
        (entry("READ,SELECT,,,"), "no text"),
        (
            entry("FUNCTION,EXECUTE,FUNCTION,public.f,select f()"),
            "a call",
        ),
        (
            entry("MISC,VACUUM,,,vacuum"),
            "does not know that records of class MISC",
        ),
        (
            entry("WRITE,INSERT,,,insert into t values (1)"),
            "changes data",
        ),
        (carol, "break glass"),
        (
            entry(&format!(
                "READ,SELECT,,,{}",
                quoted("select 1 as \"\u{200b}\"")
            )),
            "not shown",
        ),
        (
            entry(&format!(
                "READ,SELECT,,,{}",
                quoted(&format!("select {}1", "1, ".repeat(2_000)))
            )),
            "longer than",
        ),
        (
            entry(
                "READ,SELECT,,,\"select 1\nx LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,select 1,<none>\"",
            ),
            "more than one way",
        ),
    ];
    for (text, reason) in cases {
        let suggestion = ask(&loaded, LogLinePrefix::Short, text.as_bytes(), &[], &wish());
        assert_eq!(
            suggestion.answer,
            Answer::Refused,
            "{text}: {suggestion:#?}"
        );
        assert!(
            suggestion.reason.contains(reason),
            "{text}: {}",
            suggestion.reason
        );
        assert!(suggestion.instead.is_some());
    }
    let sibling = Sibling {
        object: "public.orders".to_owned(),
        counts: true,
    };
    let text = entry("READ,SELECT,TABLE,pg_catalog.pg_class,select relname from pg_class");
    let suggestion = ask(
        &loaded,
        LogLinePrefix::Short,
        text.as_bytes(),
        &[sibling],
        &wish(),
    );
    assert!(
        suggestion.reason.contains("public.orders"),
        "{suggestion:#?}"
    );
}

#[test]
fn suggest_writes_hostile_statements_so_that_both_readers_read_them() {
    let loaded = without(&[]);
    for statement in [
        "select 1 as \"a: b # c\"",
        "select 1 as \"- {x: [y]} & *z !t\"",
        "select 1 as \"it's\"\n\t, 2 as \"%@`\"",
        "select 1 as \"::error::x\", 2 as \"Größe\"",
        "select 1 as \"\\\\\"",
    ] {
        let text = entry(&format!(
            "READ,SELECT,,,{}",
            quoted(statement).replace('\n', "\n\t")
        ));
        let suggestion = ask(&loaded, LogLinePrefix::Short, text.as_bytes(), &[], &wish());
        if suggestion.answer == Answer::Refused {
            println!("{statement}: {}", suggestion.reason);
            continue;
        }
        is_sound(&loaded, LogLinePrefix::Short, text.as_bytes(), &suggestion);
        for shown in [
            report::suggest::human(&suggestion, false),
            report::suggest::json(&suggestion),
        ] {
            assert!(
                !shown.chars().any(|c| c.is_control() && c != '\n'),
                "{shown:?}"
            );
        }
    }
}

/// Values and comments of a statement are not in the proposal, unless the user allows it.
#[test]
fn suggest_keeps_values_out_of_git() {
    let loaded = without(&[]);
    for statement in [
        "select relname from pg_class where relname = 'hunter2'",
        "select relname from pg_class where relname = $$hunter2$$",
        "select relname from pg_class -- hunter2",
        "select relname from pg_class /* hunter2 */ limit 1",
        "select current_setting('hunter2')",
    ] {
        let object = if statement.contains("pg_class") {
            "TABLE,pg_catalog.pg_class"
        } else {
            ","
        };
        let text = entry(&format!("READ,SELECT,{object},{}", quoted(statement)));
        let asked = ask(&loaded, LogLinePrefix::Short, text.as_bytes(), &[], &wish());
        let proposal = asked
            .proposal
            .as_ref()
            .unwrap_or_else(|| panic!("{statement}: {asked:#?}"));
        assert!(!proposal.yaml.contains("hunter2"), "{}", proposal.yaml);
        assert!(!asked.notes.is_empty());
        is_sound(&loaded, LogLinePrefix::Short, text.as_bytes(), &asked);
        let allowed = Wish {
            keep_literals: true,
            by_client: true,
            ..wish()
        };
        let asked = ask(
            &loaded,
            LogLinePrefix::Short,
            text.as_bytes(),
            &[],
            &allowed,
        );
        assert!(
            asked.proposal.as_ref().unwrap().yaml.contains("hunter2"),
            "{asked:#?}"
        );
        is_sound(&loaded, LogLinePrefix::Short, text.as_bytes(), &asked);
    }
}

/// The program: an entry named by any of its lines, the file that is written, and the document for programs.
#[test]
fn suggest_from_a_log_to_a_file() {
    let repository = Repository::new();
    let catalog =
        entry("READ,SELECT,TABLE,pg_catalog.pg_class,\"select relname\n\tfrom pg_class\"");
    let other = entry("READ,SELECT,TABLE,pg_catalog.pg_class,select oid from pg_class")
        .replace("[4711]", "[4712]");
    let orders = entry("READ,SELECT,TABLE,public.orders,select * from orders")
        .replace("SESSION,1", "SESSION,2");
    repository.write(
        "a.log",
        &format!("{catalog}\n{catalog}\n{orders}\n{other}\n"),
    );
    for line in ["a.log:1", "a.log:2", "a.log:4"] {
        let run = repository.run(&[
            "rules", "suggest", "--env", "local", "--format", "json", line,
        ]);
        assert_eq!(run.code, 0, "{}{}", run.out, run.err);
        let document: Value = serde_json::from_str(&run.out).unwrap();
        holds("suggestion", &document);
        assert_eq!(document["answer"], "proposed");
        assert_eq!(document["proposal"]["silences"], 2, "{document:#}");
        assert_eq!(document["proposal"]["others"], serde_json::json!([]));
    }
    let run = repository.run(&[
        "rules", "suggest", "--env", "local", "--format", "json", "a.log:5",
    ]);
    assert_eq!(run.code, 10, "{}{}", run.out, run.err);
    let document: Value = serde_json::from_str(&run.out).unwrap();
    holds("suggestion", &document);
    assert_eq!(document["answer"], "grant");

    // The command that it shows is one that the program takes.
    let command = document["grant_command"].as_str().unwrap();
    let script = command.replacen("pgvigil", "\"$PGVIGIL\" --today 2026-11-22", 1);
    let shell = std::process::Command::new("sh")
        .args(["-c", &script])
        .env("PGVIGIL", env!("CARGO_BIN_EXE_pgvigil"))
        .current_dir(repository.path("."))
        .output()
        .unwrap();
    assert!(
        shell.status.success(),
        "{command}: {}",
        String::from_utf8_lossy(&shell.stderr)
    );

    let write = ["rules", "suggest", "--env", "local", "--write", "a.log:1"];
    assert_eq!(repository.run(&write).code, 2);
    let reason = "--reason=the tables view of the shop's editor reads it at every start";
    let run = repository.run(&[&write[..], &[reason]].concat());
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(
        repository
            .read("rules/suggested/alice-pg-class.yaml")
            .contains("the tables view")
    );
    assert_eq!(
        repository.run(&["check"]).code,
        0,
        "{}",
        repository.run(&["check"]).out
    );
    // It is silent now, so there is nothing to suggest.
    let run = repository.run(&["rules", "suggest", "--env", "local", "a.log:1"]);
    assert_eq!(
        (run.code, run.out.starts_with("excluded: ")),
        (0, true),
        "{}",
        run.out
    );
    for wrong in ["a.log", "a.log:0", "a.log:99", "b.log:1", ":1"] {
        let run = repository.run(&["rules", "suggest", "--env", "local", wrong]);
        assert_eq!(run.code, 2, "{wrong}: {}{}", run.out, run.err);
    }
}
