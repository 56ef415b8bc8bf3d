//! What is made of a server's answers to the attacks: the server of these tests says what it is told to.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use jiff::civil::{Date, date};
use pgvigil::policy::Loaded;
use pgvigil::report;
use pgvigil::rules::attack::server::{
    AttackServer, ConfirmError, OnServer, Ran, Script, ServerError, confirm,
};
use pgvigil::rules::attack::{self, AttackReport, Effort, Kind, Options};

use crate::attack::repository;

const TODAY: Date = date(2026, 11, 22);

const SAMPLE: &str = "{class: READ, command: SELECT, object_type: none, statement: select 1}";

const EVADABLE: &str =
    "{class: [READ, WRITE], command: [SELECT, DELETE], statement: {contains: healthcheck}}";

const SOUND: &str =
    "{class: READ, command: SELECT, object_type: none, statement: {equals: [select 1]}}";

/// Answers every script in the same way.
struct Told {
    answer: Ran,
    has_effect: bool,
}

impl AttackServer for Told {
    fn version(&self) -> &str {
        "15.0"
    }

    fn pgaudit(&self) -> &str {
        "1.7"
    }

    fn run(&mut self, _script: &Script) -> Result<Ran, ServerError> {
        Ok(self.answer.clone())
    }

    fn has_effect(&mut self, _script: &Script) -> Result<bool, ServerError> {
        Ok(self.has_effect)
    }
}

fn told(record: &str) -> Told {
    Told {
        answer: Ran::Records(vec![
            format!("AUDIT: SESSION,1,1,{record},<not logged>").into(),
        ]),
        has_effect: true,
    }
}

fn asked(loaded: &Loaded, server: &mut Told) -> AttackReport {
    let environment = &loaded.policy.environments[0];
    let options = Options {
        effort: Effort::Full,
        exclusions: None,
    };
    let mut report = attack::run(&loaded.policy, environment, TODAY, &options);
    confirm(
        &loaded.policy,
        environment,
        TODAY,
        &options,
        &mut report,
        server,
        &mut |_, _| true,
    )
    .unwrap();
    report
}

fn said(report: &AttackReport) -> Vec<&OnServer> {
    let evasions = report.exclusions.iter().flat_map(|one| &one.evasions);
    evasions.map(|one| one.server.as_ref().unwrap()).collect()
}

#[test]
fn a_silence_that_nobody_predicted_stands_first_and_fails() {
    let loaded = repository(&[SOUND.to_owned()], SAMPLE);
    let report = asked(&loaded, &mut told("READ,SELECT,,,select 1"));
    let server = report.server.as_ref().unwrap();
    assert!(!report.passed);
    assert!(server.executed > 5_000, "{}", server.executed);
    assert_eq!(server.unpredicted[0].exclusion, "x0");
    assert_eq!(server.unpredicted[0].evasion.silenced_by, ["x0"]);
    assert_eq!(
        server.unpredicted[0].evasion.records[0].record.statement,
        "select 1"
    );
    let human = report::attack::human(&report, false);
    let lines: Vec<&str> = human.lines().collect();
    assert_eq!(
        lines[1],
        "  HIDE x0  silent on the server, but a counted record was expected"
    );
    assert!(human.contains("\nfailed: "), "{human}");
    let json: serde_json::Value = serde_json::from_str(&report::attack::json(&report)).unwrap();
    assert_eq!(json["passed"], false);
    assert_eq!(json["server"]["version"], "15.0");
    assert_eq!(json["server"]["unpredicted"][0]["exclusion"], "x0");
    assert_eq!(
        json["server"]["unpredicted"][0]["server"]["result"],
        "confirmed"
    );
}

/// A server that writes nothing at all is as silent as one whose records are excluded.
#[test]
fn no_record_at_all_is_a_silence() {
    let loaded = repository(&[SOUND.to_owned()], SAMPLE);
    let mut server = Told {
        answer: Ran::Records(Vec::new()),
        has_effect: true,
    };
    let report = asked(&loaded, &mut server);
    assert!(!report.passed);
    assert!(!report.server.unwrap().unpredicted.is_empty());
}

#[test]
fn what_does_nothing_is_no_evasion() {
    let shadowed = "{class: [READ, MISC], command: [SELECT, \"???\"], statement: {equals: [select id from jobs]}}";
    let loaded = repository(&[shadowed.to_owned()], SAMPLE);
    for has_effect in [false, true] {
        let mut server = told("READ,SELECT,,,select id from jobs");
        server.has_effect = has_effect;
        let report = asked(&loaded, &mut server);
        let evasions = &report.exclusions[0].evasions;
        let shadow = evasions
            .iter()
            .find(|one| one.kind == Kind::Shadow)
            .unwrap();
        let without = matches!(shadow.server, Some(OnServer::WithoutEffect { .. }));
        assert_eq!(without, !has_effect);
        assert_eq!(report.server.unwrap().without_effect > 0, !has_effect);
    }
}

#[test]
fn an_evasion_is_confirmed_refuted_or_not_run() {
    let loaded = repository(&[EVADABLE.to_owned()], SAMPLE);
    let report = asked(&loaded, &mut told("READ,SELECT,,,select 'healthcheck'"));
    let server = report.server.as_ref().unwrap();
    assert!(server.confirmed > 0);
    assert!(
        said(&report)
            .iter()
            .all(|said| **said == OnServer::Confirmed)
    );
    assert_eq!(server.confirmed, said(&report).len());

    let report = asked(&loaded, &mut told("WRITE,DELETE,TABLE,a.b,delete from a.b"));
    assert_eq!(report.server.as_ref().unwrap().confirmed, 0);
    assert!(
        said(&report).iter().all(
            |said| matches!(said, OnServer::Counted { records } if records[0].object == "a.b")
        )
    );
    // What was predicted stays: the server may be another than that of the people.
    assert!(!report.passed);

    let mut server = Told {
        answer: Ran::Failed {
            code: "42P01".to_owned(),
            message: "\u{1b}[31mno table".to_owned(),
        },
        has_effect: true,
    };
    let report = asked(&loaded, &mut server);
    let server = report.server.as_ref().unwrap();
    assert_eq!((server.executed, server.confirmed), (0, 0));
    assert_eq!(server.failures[0].statements, server.failed_to_run);
    let human = report::attack::human(&report, false);
    assert!(
        human.contains("not confirmed, it does not run: "),
        "{human}"
    );
    assert!(!human.contains('\u{1b}'));
    assert!(!report::attack::json(&report).contains('\u{1b}'));
}

#[test]
fn a_run_can_be_stopped() {
    let loaded = repository(&[SOUND.to_owned()], SAMPLE);
    let environment = &loaded.policy.environments[0];
    let options = Options {
        effort: Effort::Full,
        exclusions: None,
    };
    let mut report = attack::run(&loaded.policy, environment, TODAY, &options);
    let stopped = confirm(
        &loaded.policy,
        environment,
        TODAY,
        &options,
        &mut report,
        &mut told("READ,SELECT,,,select 1"),
        &mut |done, _| done < 3,
    );
    assert!(matches!(stopped, Err(ConfirmError::Stopped)));
    assert!(report.server.is_none());
}
