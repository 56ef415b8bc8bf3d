//! Access grants through the program: written, reviewed, and shown on real records.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests may panic"
)]

use std::collections::BTreeMap;

use pgvigil::audit_log::timestamp::fast_epoch_ms;
use pgvigil::judge::{Judge, RuleGrant, Rules, Scratch, Verdict};
use serde_json::Value;

use crate::git::{commit, git};
use crate::hearing::Repository;
use crate::recorded;

const GRANT: &str = "version: 1
grants:
  - id: CHG-123
    user: alice
    environments: [prod]
    databases: [shop]
    relations: [public.customers]
    kinds: [read]
    from: 2026-12-01T06:51:00Z
    until: 2026-12-01T06:53:00Z
    reason: look for customers without an address
    owner: shop-team
";

/// A review of the repository with these files beside `main`, as JSON.
fn review(files: &[(&str, &str)], author: &str) -> Value {
    let repository = Repository::new();
    for (name, text) in files {
        repository.write(name, text);
    }
    commit(repository.0.path(), author);
    let output = repository.run(
        "2026-12-01",
        &["ci", "pr", "--base", "main", "--format", "json"],
    );
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

fn step<'a>(environment: &'a Value, name: &str) -> &'a Value {
    let steps = environment["steps"].as_array().unwrap();
    steps.iter().find(|step| step["name"] == name).unwrap()
}

#[test]
fn a_change_of_grants_alone_has_a_short_review_and_needs_approvals() {
    let result = review(&[("access/CHG-123.yaml", GRANT)], "carol@example.com");
    let environments = result["environments"].as_array().unwrap();
    assert_eq!(environments.len(), 1, "{environments:#?}");
    let prod = &environments[0];
    assert_eq!(prod["impact"]["env"], "prod");
    let approvals = &prod["impact"]["approvals"];
    assert_eq!(approvals["required"], 2, "{approvals}");
    let reason = approvals["reasons"][0].as_str().unwrap();
    assert!(
        reason.starts_with("the grant `CHG-123` is new and marks more as expected"),
        "{reason}"
    );
    // Neither the author nor the person.
    let not_by = approvals["not_by"].as_array().unwrap();
    for address in ["alice@example.com", "carol@example.com"] {
        assert!(not_by.contains(&address.into()), "{approvals}");
    }
    assert_eq!(prod["impact"]["direction"], "unchanged");
    assert_eq!(prod["impact"]["hearing"]["direction"], "same");
    assert_eq!(prod["impact"]["logs"]["entries"], 0);
    for name in ["attack", "impact"] {
        let summary = step(prod, name).to_string();
        assert!(summary.contains("only access grants change"), "{summary}");
    }
}

#[test]
fn authors_cannot_grant_to_themselves() {
    let result = review(&[("access/CHG-123.yaml", GRANT)], "alice@example.com");
    let faults = result["environments"][0]["impact"]["faults"].to_string();
    assert!(
        faults.contains("impact/own-role") && faults.contains("the grant `CHG-123`"),
        "{faults}"
    );
}

#[test]
fn a_grant_beside_another_change_has_the_whole_review() {
    let more = "version: 1\nprovider: local\nfolder: dev\nclusters: [dev, other]\nnotifications: {email: [dba@example.com]}\n";
    let files = [
        ("access/CHG-123.yaml", GRANT),
        ("environments/dev.yaml", more),
    ];
    let result = review(&files, "carol@example.com");
    let environments = result["environments"].as_array().unwrap();
    assert_eq!(environments.len(), 2);
    for environment in environments {
        assert!(
            !environment["steps"]
                .to_string()
                .contains("only access grants")
        );
    }
}

#[test]
fn outputs_say_what_is_expected() {
    let repository = Repository::new();
    let log = "samples/orders.log";
    let eval = |arguments: &[&str]| {
        let all = [&["rules", "eval", "--env", "prod"][..], arguments, &[log]].concat();
        String::from_utf8(repository.run("2026-12-02", &all).stdout).unwrap()
    };
    let before = eval(&["--summary"]);
    assert!(!before.contains("expected"), "{before}");
    let plain = eval(&["--format", "jsonl"]);
    repository.write("access/CHG-123.yaml", GRANT);
    // Alice reads from 06:51:04 on, eight records a minute: the sample says so, and no one counts by hand.
    let text = std::fs::read_to_string(repository.0.path().join(log)).unwrap();
    let covered = text
        .lines()
        .filter(|line| {
            line.contains(":alice@shop:") && ["06:51:", "06:52:"].iter().any(|at| line.contains(at))
        })
        .count();
    assert!(covered > 0);
    let marked = eval(&["--format", "jsonl"]);
    let lines: Vec<Value> = marked
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mark = serde_json::json!({"grant": "CHG-123", "until": "2026-12-01T06:53:00Z"});
    let with: Vec<&Value> = lines
        .iter()
        .filter(|line| line["expected"] == mark)
        .collect();
    assert_eq!(with.len(), covered);
    assert!(
        with.iter()
            .all(|line| line["user"] == "alice" && line["verdict"] == "counted")
    );
    // But for the mark nothing is another.
    let without: Vec<Value> = lines
        .iter()
        .cloned()
        .map(|mut line| {
            line["expected"] = Value::Null;
            line
        })
        .collect();
    let plain: Vec<Value> = plain
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(without, plain);
    let summary = eval(&["--summary"]);
    assert!(
        summary.contains(&format!("432 counted, of them {covered} expected")),
        "{summary}"
    );
    let json: Value = serde_json::from_str(&eval(&["--summary", "--format", "json"])).unwrap();
    assert_eq!(json["totals"]["expected"], covered);
    let table = eval(&[]);
    assert!(table.contains("CHG-123"), "{table}");
    let explain = |line: &str| {
        let arguments = ["rules", "explain", "--env", "prod", "--line", line];
        String::from_utf8(repository.run("2026-12-02", &arguments).stdout).unwrap()
    };
    let of = |at: &str| {
        let line = text
            .lines()
            .find(|line| line.contains(at) && line.contains("alice"));
        explain(line.unwrap())
    };
    assert!(
        of("06:52:0").contains("CHG-123  covers it"),
        "{}",
        of("06:52:0")
    );
    assert!(
        of("06:53:0").contains("CHG-123  until: "),
        "{}",
        of("06:53:0")
    );
}

#[test]
fn the_command_writes_a_grant_that_is_sound_and_overwrites_nothing() {
    let repository = Repository::new();
    git(repository.0.path(), &["reset", "-q", "--hard", "main"]);
    let grant = |more: &[&str]| {
        let arguments = [
            "access",
            "grant",
            "--env",
            "prod",
            "--db",
            "shop",
            "--kind",
            "read",
            "--kind",
            "write",
            "--begin",
            "2026-12-02T14:00:00Z",
            "--reason",
            "look for customers: \"all\"",
        ];
        repository.run("2026-12-02", &[&arguments[..], more].concat())
    };
    let told = |output: &std::process::Output| {
        [&output.stdout[..], &output.stderr[..]]
            .map(|text| String::from_utf8_lossy(text).into_owned())
            .concat()
    };
    let good = [
        "--user",
        "alice",
        "--relation",
        "public.customers",
        "--length",
        "2h",
        "--ticket",
        "CHG-7",
    ];
    let output = grant(&[&good[..], &["--dry-run"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let path = repository.0.path().join("access/CHG-7.yaml");
    assert!(!path.exists());
    let output = grant(&good);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("until: 2026-12-02T16:00:00Z"), "{text}");
    let output = repository.run("2026-12-02", &["check"]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    // A second one with the same id.
    assert_eq!(grant(&good).status.code(), Some(2));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    let bad = |user: &str, relation: &str, length: &str, id: &str| {
        let output = grant(&[
            "--user",
            user,
            "--relation",
            relation,
            "--length",
            length,
            "--id",
            id,
            "--owner",
            "x",
        ]);
        assert!(
            !repository
                .0
                .path()
                .join(format!("access/{id}.yaml"))
                .exists()
        );
        (output.status.code(), told(&output))
    };
    for (user, relation, length, code) in [
        ("alicia", "public.customers", "2h", "grant/unknown-user"),
        ("alice", "customers", "2h", "grant/relation"),
        ("alice", "public.customers", "80h", "grant/too-long"),
    ] {
        let (exit, text) = bad(user, relation, length, "CHG-8");
        assert_eq!(exit, Some(10), "{text}");
        assert!(text.contains(code), "{text}");
    }
    for (length, id) in [("2 hours", "CHG-8"), ("2h", "-CHG"), ("2h", "a..b/../c")] {
        assert_eq!(
            bad("alice", "public.customers", length, id).0,
            Some(2),
            "{length} {id}"
        );
    }
}

/// Role, database and relation.
type Work = (Vec<u8>, Vec<u8>, Vec<u8>);

/// On real servers' logs: a grant on one relation marks the records of that relation by that role in that time, and no other.
#[test]
fn a_grant_marks_the_records_of_its_relation_in_recordings() {
    let mut marked = 0;
    for recording in recorded::all()
        .iter()
        .filter(|recording| recording.relation)
    {
        let policy = &recorded::shipped().policy;
        let mut rules = Rules {
            prefix: recording.prefix,
            ..Rules::of(policy, policy.environment("local").unwrap())
        };
        let plain = Judge::new(&rules);
        let mut scratch = Scratch::default();
        // Who reads what, by the records that count.
        let mut work: BTreeMap<Work, Vec<(usize, i64)>> = BTreeMap::new();
        let mut entries = Vec::new();
        for entry in &recording.log.entries {
            let judged = plain.judge(&mut scratch, &entry.text);
            let index = entries.len();
            entries.push((entry.text.clone(), judged.verdict.clone()));
            let (Some(who), Some(record)) = (judged.who(), judged.record()) else {
                continue;
            };
            let (Some(name), Some(time)) = (record.object_name, fast_epoch_ms(&entry.text)) else {
                continue;
            };
            let is_table = record.object_type.is_some_and(|kind| kind == b"TABLE");
            if judged.verdict == Verdict::Counted && record.class == b"READ" && is_table {
                let key = (
                    who.user.to_vec(),
                    who.database.to_vec(),
                    name.decoded().into_owned(),
                );
                work.entry(key).or_default().push((index, time));
            }
        }
        let is_plain = |name: &[u8]| {
            name.iter()
                .all(|byte| byte.is_ascii_lowercase() || b"_.".contains(byte))
                && name.iter().filter(|byte| **byte == b'.').count() == 1
        };
        let busiest = work
            .iter()
            .filter(|((_, _, name), _)| is_plain(name))
            .max_by_key(|(_, records)| records.len());
        let Some(((user, database, name), records)) = busiest else {
            continue;
        };
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let (schema, relation) = text(name)
            .split_once('.')
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
        let first = records.iter().map(|(_, time)| *time).min().unwrap();
        let last = records.iter().map(|(_, time)| *time).max().unwrap();
        // Until the middle, so that some of the same records are too late.
        let until = first + (last - first) / 2 + 1;
        let moment = |ms| jiff::Timestamp::from_millisecond(ms).unwrap();
        rules.grants = vec![RuleGrant {
            id: "CHG-1".to_owned(),
            users: vec![text(user)],
            databases: Some(vec![text(database)]),
            relations: vec![(schema, Some(relation))],
            kinds: vec!["read".to_owned()],
            from: moment(first),
            until: moment(until),
        }];
        let wanted: Vec<usize> = records
            .iter()
            .filter(|(_, time)| *time < until)
            .map(|(index, _)| *index)
            .collect();
        let judge = Judge::new(&rules);
        let mut found = Vec::new();
        for (index, (entry, verdict)) in entries.iter().enumerate() {
            let judged = judge.judge(&mut scratch, entry);
            assert_eq!(judged.verdict, *verdict);
            if judged.expected.is_some() {
                found.push(index);
            }
        }
        // A record whose statement does more than use relations, or names settings of the audit log, has no mark.
        let does_more = |index: &usize| {
            let mut scratch = Scratch::default();
            let explained = judge.explain(&mut scratch, &entries[*index].0);
            let mut answers = explained.grants.iter();
            answers.any(|answer| {
                matches!(&answer.fails, Some((key, _)) if ["audit", "statement"].contains(key))
            })
        };
        let wanted: Vec<usize> = wanted
            .into_iter()
            .filter(|index| !does_more(index))
            .collect();
        assert_eq!(found, wanted, "{}", recording.name);
        marked += found.len();
    }
    assert!(marked > 20, "{marked}");
}
