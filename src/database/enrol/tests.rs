//! Plans and coverage on snapshots. Those of other versions than 15 are constructed from the manuals: only 15 runs here.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::date;
use proptest::prelude::*;

use super::coverage::{Declared, coverage};
use super::finding::Code;
use super::place::Place;
use super::plan::{Asked, Plan, plan};
use super::snapshot::{Membership, Parameter, Role, Setting, Snapshot};
use super::statement::Step;
use crate::compile::enrolment::{Enrolment, enrolments};
use crate::policy;

/// pgAudit's settings by the major version of PostgreSQL. Source: the READMEs of pgAudit 1.5 (13), 1.6 (14), 1.7 (15), 16.0
/// and 17.0.
fn parameters(major: u32) -> Vec<Parameter> {
    let mut names = vec![
        ("pgaudit.log", "none"),
        ("pgaudit.log_catalog", "on"),
        ("pgaudit.log_client", "off"),
        ("pgaudit.log_level", "log"),
        ("pgaudit.log_parameter", "off"),
        ("pgaudit.log_relation", "off"),
        ("pgaudit.log_statement_once", "off"),
        ("pgaudit.role", ""),
        ("log_min_messages", "warning"),
    ];
    if major >= 14 {
        names.push(("pgaudit.log_rows", "off"));
        names.push(("pgaudit.log_statement", "on"));
    }
    if major >= 16 {
        names.push(("pgaudit.log_parameter_max_size", "0"));
    }
    names
        .into_iter()
        .map(|(name, value)| Parameter {
            name: name.to_owned(),
            value: value.to_owned(),
            source: "default".to_owned(),
        })
        .collect()
}

fn constructed(major: u32, roles: &[&str]) -> Snapshot {
    let mut snapshot = Snapshot {
        parameters: parameters(major),
        sessions: Some(Vec::new()),
        ..Snapshot::default()
    };
    snapshot.server.version_num = major * 10_000;
    snapshot.server.version = format!("{major}.0");
    snapshot.roles = roles
        .iter()
        .map(|name| Role {
            name: (*name).to_owned(),
            can_login: true,
            ..Role::default()
        })
        .collect();
    snapshot
}

/// pgAudit of PostgreSQL 13 may be 1.5.0, which makes no record of SELECT … FOR UPDATE.
#[test]
fn the_version_that_leaves_statements_out_is_told() {
    let told = |major| {
        let snapshot = constructed(major, &[]);
        let findings = super::around::findings(&snapshot, &BTreeMap::new(), &|_| {
            super::coverage::Class::Undeclared
        });
        findings
            .iter()
            .any(|finding| finding.code == Code::OldPgaudit)
    };
    assert_eq!([13, 14, 18].map(told), [true, false, false]);
}

fn people(names: &[&str]) -> Vec<Enrolment> {
    let users: Vec<String> = names
        .iter()
        .map(|name| format!("  - {{role: {name}, owner: x, environments: all}}\n"))
        .collect();
    let rules = format!("version: 1\nusers:\n{}", users.concat());
    let loaded = policy::load_from([
        ("rules/r.yaml", rules.as_str()),
        (
            "environments/e.yaml",
            "version: 1\nprovider: local\nclusters: [c]\n",
        ),
    ]);
    enrolments(
        &loaded.policy,
        &loaded.policy.environments[0],
        date(2026, 11, 22),
    )
}

fn planned(enrolments: &[Enrolment], unenrol: &[&str], snapshot: &Snapshot) -> Plan {
    let unenrol: BTreeSet<String> = unenrol.iter().map(|name| (*name).to_owned()).collect();
    let asked = Asked {
        enrolments,
        unenrol: &unenrol,
    };
    plan(&Place::default(), asked, snapshot).unwrap()
}

/// What the server would be after the steps.
fn after(snapshot: &Snapshot, steps: &[Step]) -> Snapshot {
    let mut snapshot = snapshot.clone();
    let mut settings: BTreeMap<(String, String, String), String> = snapshot
        .settings
        .drain(..)
        .map(|s| ((s.role, s.database, s.name), s.value))
        .collect();
    for step in steps {
        match step.clone() {
            Step::Set {
                role,
                setting,
                value,
            } => {
                settings.insert((role, String::new(), setting), value);
            }
            Step::Reset {
                role,
                database,
                setting,
            } => {
                settings.remove(&(role, database, setting));
            }
            Step::Note { role, fingerprint } => {
                let key = (role, String::new(), "pgvigil.enrolled".to_owned());
                match fingerprint {
                    Some(print) => settings.insert(key, print),
                    None => settings.remove(&key),
                };
            }
            Step::Comment { role, fingerprint } => {
                for known in snapshot.roles.iter_mut().filter(|known| known.name == role) {
                    known.comment = fingerprint
                        .as_ref()
                        .map(|f| format!("audited by pgvigil {f}"));
                }
            }
        }
    }
    snapshot.settings = settings
        .into_iter()
        .map(|((role, database, name), value)| Setting {
            role,
            database,
            name,
            value,
        })
        .collect();
    snapshot
}

#[test]
fn every_version_takes_the_five_settings() {
    for major in 13..=17 {
        let snapshot = constructed(major, &["alice"]);
        let plan = planned(&people(&["alice"]), &[], &snapshot);
        assert_eq!(plan.steps.len(), 6, "{major}: {:?}", plan.steps);
        assert!(plan.findings.is_empty(), "{major}: {:?}", plan.findings);
    }
}

#[test]
fn what_a_server_does_not_know_is_not_planned_and_told() {
    let mut snapshot = constructed(13, &["alice"]);
    snapshot
        .parameters
        .retain(|known| known.name != "pgaudit.log_relation");
    let plan = planned(&people(&["alice"]), &[], &snapshot);
    assert_eq!(plan.steps.len(), 5, "{:?}", plan.steps);
    let codes: Vec<Code> = plan.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, [Code::Unsupported]);
}

#[test]
fn createrole_takes_over_before_16_only() {
    let rules = "version: 1\nusers:\n  - {role: alice, owner: x, environments: all}\nservice_accounts:\n  \
        - {role: svc, reason: An application of the shop., owner: x, environments: all}\n";
    let loaded = policy::load_from([
        ("rules/r.yaml", rules),
        (
            "environments/e.yaml",
            "version: 1\nprovider: local\nclusters: [c]\n",
        ),
    ]);
    let declared = Declared {
        policy: &loaded.policy,
        environment: &loaded.policy.environments[0],
        today: date(2026, 11, 22),
    };
    for (major, expected) in [(13, true), (15, true), (16, false), (17, false)] {
        let mut snapshot = constructed(major, &["alice", "svc"]);
        snapshot.roles[0].can_create_roles = true;
        let report = coverage(&Place::default(), declared, &snapshot, None);
        let found = report
            .findings
            .iter()
            .any(|finding| finding.code == Code::CanTakeOver);
        assert_eq!(found, expected, "{major}");
    }
}

#[test]
fn a_circle_of_memberships_ends() {
    // PostgreSQL refuses circles; a snapshot from elsewhere may hold one.
    let mut snapshot = constructed(15, &["a", "b"]);
    for (group, member) in [("a", "b"), ("b", "a")] {
        snapshot.members.push(Membership {
            group: group.to_owned(),
            member: member.to_owned(),
            can_grant: false,
        });
    }
    assert_eq!(snapshot.groups().above("a"), BTreeSet::from(["b"]));
}

fn setting() -> impl Strategy<Value = Setting> {
    (
        prop::sample::select(vec!["alice", "bob", "carol", "dave", ""]),
        prop::sample::select(vec!["", "", "shop"]),
        prop::sample::select(vec![
            ("pgaudit.log", "all"),
            ("pgaudit.log", "read"),
            ("pgaudit.log", "none"),
            ("pgaudit.log_relation", "on"),
            ("pgaudit.log_client", "on"),
            ("pgaudit.role", "auditor"),
            ("log_min_messages", "panic"),
            ("pgvigil.enrolled", "1-0123456789abcdef"),
            ("pgvigil.enrolled", "nonsense"),
        ]),
    )
        .prop_map(|(role, database, (name, value))| Setting {
            role: role.to_owned(),
            database: database.to_owned(),
            name: name.to_owned(),
            value: value.to_owned(),
        })
}

proptest! {
    /// Whatever stands there: an apply leaves nothing to do, touches nobody else, and never sets what is not declared.
    #[test]
    fn an_apply_ends_at_what_is_declared(
        settings in prop::collection::vec(setting(), 0..12),
        comments in prop::collection::vec(prop::option::of(prop::sample::select(vec!["of sales", "audited by pgvigil 1-0123456789abcdef"])), 4),
        is_managed in any::<bool>(),
        count in 0usize..4,
    ) {
        let names = ["alice", "bob", "carol", "dave"];
        let mut snapshot = constructed(15, &names);
        snapshot.server.is_managed = is_managed;
        let mut known = BTreeSet::new();
        snapshot.settings = settings
            .into_iter()
            .filter(|s| known.insert((s.role.clone(), s.database.clone(), s.name.clone())))
            .collect();
        for (role, comment) in snapshot.roles.iter_mut().zip(comments) {
            role.comment = comment.map(str::to_owned);
        }
        let wanted = people(&names[..count]);
        let first = planned(&wanted, &[], &snapshot);
        let now = after(&snapshot, &first.steps);
        let second = planned(&wanted, &[], &now);
        prop_assert_eq!(&second.steps, &[], "{:?}", first.steps);
        prop_assert_eq!(second.counts().change, 0);
        for role in &names[..count] {
            for (name, value) in &wanted[0].settings {
                let found = now.settings.iter().find(|s| s.role == *role && s.database.is_empty() && s.name == *name);
                prop_assert_eq!(found.map(|s| s.value.as_str()), Some(value.as_str()));
            }
        }
        // Comments of others, roles that nobody enrolled, settings beside pgAudit's.
        for (before, after) in snapshot.roles.iter().zip(&now.roles) {
            if before.comment.as_deref() == Some("of sales") {
                prop_assert_eq!(&before.comment, &after.comment);
            }
        }
        let kept = |snapshot: &Snapshot| -> BTreeSet<Setting> {
            snapshot
                .settings
                .iter()
                .filter(|s| s.role.is_empty() || s.name == "pgaudit.role" || s.name == "log_min_messages")
                .cloned()
                .collect()
        };
        prop_assert_eq!(kept(&snapshot), kept(&now));
    }
}
