//! Plan, apply and drift together, on a folder.

use std::collections::BTreeSet;
use std::fs;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use super::apply::{End, State, Step, Written};
use super::plan::{Survey, Unread, compare};
use super::port::Reading;
use super::*;
use crate::cloud::faulty::{Fails, Faulty};
use crate::cloud::local::LocalFolder;
use crate::compile::resources::testing::{any_environment, documents, environment, local};
use crate::compile::resources::{Document, Kind, Ownership, canonical, file_of, pretty};
use crate::policy::model::Environment;
use crate::report::plan as report;

mod destroy;
mod prune;

struct World {
    folder: tempfile::TempDir,
    environment: Environment,
    documents: Vec<Document>,
}

impl World {
    fn new(environment: Environment) -> Self {
        let documents = documents(&environment);
        Self {
            folder: tempfile::tempdir().unwrap(),
            environment,
            documents,
        }
    }

    fn demo() -> Self {
        Self::new(local("dev", &["demo"]))
    }

    fn applied() -> Self {
        let world = Self::demo();
        world.apply(&world.plan());
        world
    }

    fn cloud(&self) -> LocalFolder {
        LocalFolder::new(self.folder.path(), &self.environment.name)
    }

    fn plan(&self) -> Plan {
        self.plan_with(&[])
    }

    fn plan_with(&self, prune: &[&str]) -> Plan {
        let prune = prune.iter().map(|address| (*address).to_owned()).collect();
        plan(
            &Identity::of(&self.environment),
            &self.documents,
            &self.cloud(),
            &prune,
        )
        .unwrap()
    }

    fn apply(&self, plan: &Plan) -> Report {
        let report = apply(plan, &self.cloud(), &plan.deletes(), &mut ()).unwrap();
        assert_eq!(report.end, End::Complete, "{report:?}");
        report
    }

    fn one(&self, kind: Kind) -> &Document {
        self.documents
            .iter()
            .find(|document| document.kind == kind)
            .unwrap()
    }

    fn change(&mut self, kind: Kind, field: &str, value: Value) {
        let document = self
            .documents
            .iter_mut()
            .find(|document| document.kind == kind)
            .unwrap();
        document.properties[field] = value;
    }

    fn live(&self, document: &Document) -> std::path::PathBuf {
        self.cloud().base().join(file_of(&document.address))
    }

    fn edit(&self, document: &Document, edit: impl FnOnce(&mut Value)) {
        let path = self.live(document);
        let mut value: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        edit(&mut value);
        fs::write(path, pretty(&value)).unwrap();
    }

    /// Everything live, as text.
    fn state(&self) -> Vec<Option<String>> {
        self.documents
            .iter()
            .map(|document| fs::read_to_string(self.live(document)).ok())
            .collect()
    }

    fn assert_converged(&self) {
        let plan = self.plan();
        assert!(
            plan.is_empty(),
            "{}",
            report::human::render_plan(&plan, report::human::Style::default())
        );
        assert_eq!(plan.outcome(), Ok(Outcome::Clean));
        assert!(plan.resources.iter().all(|resource| !resource.remember));
        for document in &self.documents {
            assert_eq!(
                fs::read_to_string(self.live(document)).unwrap(),
                pretty(&document.properties)
            );
        }
    }
}

fn to_saved(plan: &Plan) -> String {
    let made = Made {
        made_at: "2026-11-22T12:00:00Z".to_owned(),
        made_by: "pgvigil 0.1.0".to_owned(),
    };
    let plan = plan.clone();
    SavedPlan { plan, made }.to_text()
}

fn from_saved(text: &str) -> Result<Plan, SavedPlanError> {
    SavedPlan::from_text(text).map(|saved| saved.plan)
}

#[test]
fn nothing_is_there_then_everything_is() {
    let world = World::demo();
    let plan = world.plan();
    assert_eq!(plan.outcome(), Ok(Outcome::Pending));
    assert_eq!(
        (plan.counts().create, plan.counts().change),
        (world.documents.len() - 1, 1)
    );
    let adopted = plan
        .resources
        .iter()
        .find(|resource| resource.action == Action::Adopt)
        .unwrap();
    assert_eq!(
        adopted.desired.as_ref().unwrap().ownership,
        Ownership::Adopted
    );
    let report = world.apply(&plan);
    assert_eq!(report.done(), world.documents.len());
    world.assert_converged();
}

/// T11, T3: the way to people stands before the schedule, and a failure stops what follows.
#[test]
fn t11_steps_go_in_the_safe_order() {
    let world = World::new(local("dev", &["orders", "billing"]));
    let steps = world.apply(&world.plan()).steps;
    let kinds: Vec<Kind> = steps.iter().map(|step| step.kind.unwrap()).collect();
    assert!(kinds.is_sorted());
    assert_eq!(kinds.last(), Some(&Kind::EventTarget));
    for document in &world.documents {
        let at = |address: &str| {
            steps
                .iter()
                .position(|step| step.address == address)
                .unwrap()
        };
        assert!(
            document
                .depends_on
                .iter()
                .all(|needed| at(needed) < at(&document.address))
        );
    }
}

#[test]
fn the_repository_moves() {
    let mut world = World::applied();
    world.change(
        Kind::SavedQuery,
        "query",
        json!("fields @timestamp\n| limit 5\n"),
    );
    let plan = world.plan();
    assert_eq!(plan.outcome(), Ok(Outcome::Pending));
    assert_eq!((plan.counts().change, plan.counts().drifted), (1, 0));
    assert!(plan.drift.is_empty());
    assert!(
        !plan
            .resources
            .iter()
            .find(|one| one.action == Action::Update)
            .unwrap()
            .changes[0]
            .lines
            .is_empty()
    );
    world.apply(&plan);
    world.assert_converged();
}

#[test]
fn drift_is_kept_apart_from_changes_and_healed() {
    let mut world = World::applied();
    let alarm = world.one(Kind::Alarm).clone();
    world.edit(&alarm, |value| value["threshold"] = json!(1000));
    let plan = world.plan();
    assert_eq!(plan.outcome(), Ok(Outcome::Drifted));
    assert_eq!(plan.drift.len(), 1);
    let edit = &plan.drift[0].changes[0];
    assert_eq!(
        (edit.path.as_str(), &edit.after),
        ("threshold", &Some(json!(1000)))
    );
    let heal = plan
        .resources
        .iter()
        .find(|one| one.action == Action::Update)
        .unwrap();
    assert_eq!(
        (heal.verdict, &heal.changes[0].before),
        (Verdict::Drifted, &Some(json!(1000)))
    );
    world.change(Kind::EventRule, "description", json!("other"));
    assert_eq!(world.plan().outcome(), Ok(Outcome::Both));
    world.apply(&world.plan());
    world.assert_converged();
}

#[test]
fn live_that_already_is_as_wanted_is_not_written() {
    let mut world = World::applied();
    world.change(Kind::SavedQuery, "query", json!("other"));
    let query = world.one(Kind::SavedQuery).clone();
    world.edit(&query, |value| value["query"] = json!("other"));
    let plan = world.plan();
    assert!(plan.is_empty());
    assert_eq!(plan.outcome(), Ok(Outcome::Clean));
    let counting = world.cloud();
    let counting = Faulty::new(&counting, usize::MAX, Fails::Before);
    let report = apply(&plan, &counting, &BTreeSet::new(), &mut ()).unwrap();
    assert_eq!(counting.calls(), 1, "the fingerprint alone");
    assert_eq!(report.steps.len(), 1);
    assert_eq!(
        (report.steps[0].action, &report.steps[0].state),
        (Action::None, &State::AlreadyDone)
    );
    world.assert_converged();
    world.edit(&query, |value| value["query"] = json!("third"));
    assert_eq!(
        world.plan().outcome(),
        Ok(Outcome::Drifted),
        "the fingerprint is up to date"
    );
}

#[test]
fn what_was_deleted_by_hand_is_missing_and_comes_back() {
    let world = World::applied();
    fs::remove_file(world.live(world.one(Kind::Alarm))).unwrap();
    let plan = world.plan();
    assert_eq!(plan.outcome(), Ok(Outcome::Drifted));
    assert_eq!(plan.drift[0].verdict, Verdict::Missing);
    world.apply(&plan);
    world.assert_converged();
}

#[test]
fn what_no_file_asks_for_stays_until_it_is_named_and_confirmed() {
    let mut world = World::applied();
    let gone: Vec<Document> = world
        .documents
        .extract_if(.., |one| one.kind == Kind::SnsSubscription)
        .collect();
    let plan = world.plan();
    assert_eq!(
        (plan.outcome(), plan.counts().extra),
        (Ok(Outcome::Pending), gone.len())
    );
    assert!(plan.is_empty());
    world.apply(&plan);
    assert!(world.live(&gone[0]).exists());
    let named = world.plan_with(&[&gone[0].address]);
    assert_eq!(named.counts().delete, 1);
    let refused = apply(&named, &world.cloud(), &BTreeSet::new(), &mut ());
    assert_eq!(
        refused,
        Err(Refused::Unconfirmed(vec![gone[0].address.clone()]))
    );
    world.apply(&named);
    assert!(!world.live(&gone[0]).exists() && world.live(&gone[1]).exists());
    // Again, with the same plan: it is already gone.
    assert_eq!(world.apply(&named).steps[0].state, State::AlreadyDone);
    world.edit(&gone[1], |value| value["protocol"] = json!("sms"));
    assert_eq!(
        world.plan().outcome(),
        Ok(Outcome::Drifted),
        "not as we applied it"
    );
}

#[test]
fn log_groups_cannot_even_be_named_and_a_key_not_without_its_topic() {
    let mut world = World::applied();
    let all = std::mem::take(&mut world.documents);
    let identity = Identity::of(&world.environment);
    for document in &all {
        let prune = BTreeSet::from([document.address.clone()]);
        let planned = plan(&identity, &[], &world.cloud(), &prune);
        if document.kind.is_protected() {
            assert_eq!(
                planned,
                Err(PlanError::Protected(vec![document.address.clone()]))
            );
        } else if matches!(document.kind, Kind::KmsKey | Kind::KmsAlias) {
            assert_eq!(
                planned,
                Err(PlanError::KeyInUse(vec![document.address.clone()]))
            );
        } else {
            assert_eq!(planned.unwrap().deletes(), prune);
        }
    }
    let prune = BTreeSet::from(["demo/alarm/none".to_owned()]);
    assert!(matches!(
        plan(&identity, &[], &world.cloud(), &prune),
        Err(PlanError::NothingToPrune(_))
    ));
    // The schedule goes first, its way to people last.
    let prune = all
        .iter()
        .filter(|one| !one.kind.is_protected())
        .map(|one| one.address.clone())
        .collect();
    let destroy = plan(&identity, &[], &world.cloud(), &prune).unwrap();
    let kinds: Vec<Kind> = world
        .apply(&destroy)
        .steps
        .iter()
        .map(|step| step.kind.unwrap())
        .collect();
    assert!(kinds.iter().rev().is_sorted());
    assert_eq!(kinds[0], Kind::EventTarget);
}

#[test]
fn unknown_files_are_reported_and_left_alone() {
    let world = World::applied();
    let path = world.cloud().base().join("README");
    fs::write(&path, "mine").unwrap();
    let plan = world.plan();
    assert_eq!(
        (plan.outcome(), plan.counts().extra),
        (Ok(Outcome::Clean), 1)
    );
    world.apply(&plan);
    assert_eq!(fs::read_to_string(path).unwrap(), "mine");
}

#[test]
fn what_cannot_be_read_is_never_clean() {
    let world = World::applied();
    let cloud = world.cloud();
    let blind = Faulty::unreadable(&cloud);
    let identity = Identity::of(&world.environment);
    let plan = plan(&identity, &world.documents, &blind, &BTreeSet::new()).unwrap();
    assert_eq!(plan.outcome().unwrap_err().len(), world.documents.len());
    assert!(!plan.is_empty());
    assert!(matches!(
        apply(&plan, &cloud, &BTreeSet::new(), &mut ()),
        Err(Refused::Unread(_))
    ));
    assert_eq!(
        drift(&identity, &world.documents, &blind).unwrap().outcome,
        None
    );
    fs::write(world.live(world.one(Kind::Alarm)), "{").unwrap();
    let broken = world.plan();
    let unread: &[Unread] = broken.outcome().unwrap_err();
    assert_eq!(unread.len(), 1);
    let sane = World::applied().plan();
    assert!(matches!(
        apply(&sane, &blind, &BTreeSet::new(), &mut ()),
        Err(Refused::Unread(_))
    ));
}

#[test]
fn another_account_is_refused() {
    let world = World::new(environment("prod", &["orders"]));
    let identity = Identity::of(&world.environment);
    let planned = plan(
        &identity,
        &world.documents,
        &world.cloud(),
        &BTreeSet::new(),
    );
    let error = planned.unwrap_err().to_string();
    assert!(
        error.contains("aws, account 123456789012, region us-east-1"),
        "{error}"
    );
    let mut elsewhere = World::demo().plan();
    elsewhere.identity.account = "999999999999".to_owned();
    assert!(matches!(
        apply(&elsewhere, &world.cloud(), &BTreeSet::new(), &mut ()),
        Err(Refused::Place(_))
    ));
}

#[test]
fn a_saved_plan_is_what_was_planned_or_is_refused() {
    let world = World::demo();
    let mut plan = world.plan();
    let text = to_saved(&plan);
    // Before a saved plan is applied, what it reserves is looked at again.
    plan.reservations = Default::default();
    assert_eq!(from_saved(&text).unwrap(), plan);
    assert_eq!(text, to_saved(&world.plan()), "the same byte for byte");
    let edited = text.replacen("\"threshold\": 0", "\"threshold\": 9", 1);
    assert_ne!(edited, text);
    assert!(matches!(from_saved(&edited), Err(SavedPlanError::Edited)));
    let newer = text.replacen("\"format_version\": 1", "\"format_version\": 2", 1);
    assert!(matches!(
        from_saved(&newer),
        Err(SavedPlanError::Version(2))
    ));
    assert!(matches!(from_saved("{}"), Err(SavedPlanError::NotAPlan(_))));
    world.apply(&from_saved(&text).unwrap());
    world.assert_converged();
}

#[test]
fn a_saved_plan_is_refused_after_live_moved_and_names_what() {
    let mut world = World::applied();
    world.change(Kind::SavedQuery, "query", json!("other"));
    let plan = from_saved(&to_saved(&world.plan())).unwrap();
    let alarm = world.one(Kind::Alarm).clone();
    let rule = world.one(Kind::EventRule).clone();
    world.edit(&alarm, |value| value["threshold"] = json!(7));
    fs::remove_file(world.live(&rule)).unwrap();
    let before = world.state();
    let refused = apply(&plan, &world.cloud(), &BTreeSet::new(), &mut ()).unwrap_err();
    let text = refused.to_string();
    assert!(
        text.contains(&format!("{} was changed", alarm.address)),
        "{text}"
    );
    assert!(
        text.contains(&format!("{} was deleted", rule.address)),
        "{text}"
    );
    assert_eq!(world.state(), before, "nothing was written");
    let nothing = World::demo();
    let create = nothing.plan();
    let path = nothing.live(&alarm);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, "{}").unwrap();
    let refused = apply(&create, &nothing.cloud(), &BTreeSet::new(), &mut ())
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("exists, but the plan was to create it"),
        "{refused}"
    );
}

/// A step that fails, at every position: the report is true, and the same plan or a new one finishes the work.
#[test]
fn a_failure_at_each_step_is_told_truthfully_and_mended_by_the_next_apply() {
    let steps = World::demo().documents.len();
    for (at, fails, again) in (0..steps).flat_map(|at| {
        [
            (at, Fails::Before, true),
            (at, Fails::Before, false),
            (at, Fails::After, true),
            (at, Fails::After, false),
        ]
    }) {
        let world = World::demo();
        let plan = world.plan();
        let cloud = world.cloud();
        let faulty = Faulty::new(&cloud, at, fails);
        let report = apply(&plan, &faulty, &BTreeSet::new(), &mut ()).unwrap();
        assert_eq!((report.end, report.done()), (End::Failed, at));
        assert_eq!(faulty.calls(), at + 1, "nothing after the failure");
        assert_truthful(&world, &report);
        let failed = report.failure().unwrap();
        let State::Failed { written, error, .. } = &failed.state else {
            panic!()
        };
        assert_eq!(*written, Some(whole(fails == Fails::After)));
        assert!(error.contains("rate exceeded"));
        let drawn = report::human::render_apply(&report, report::human::Style::default());
        assert!(
            drawn.contains(&format!("{at} of {steps} steps done")),
            "{drawn}"
        );
        let next = if again { plan } else { world.plan() };
        world.apply(&next);
        world.assert_converged();
    }
}

/// The local provider writes a file as a whole or not at all.
fn whole(is_done: bool) -> Written {
    if is_done { Written::Yes } else { Written::No }
}

fn assert_truthful(world: &World, report: &Report) {
    for step in &report.steps {
        let document = world
            .documents
            .iter()
            .find(|document| document.address == step.address)
            .unwrap();
        let live = fs::read_to_string(world.live(document)).ok();
        let is_done = live.as_deref() == Some(&pretty(&document.properties));
        match &step.state {
            State::Done | State::AlreadyDone => assert!(is_done, "{step:?}"),
            State::Failed { written, .. } => assert_eq!(*written, Some(whole(is_done)), "{step:?}"),
            State::NotReached => assert_eq!(live, None, "{step:?}"),
        }
    }
}

struct StopAfter(usize);

impl Observer for StopAfter {
    fn ended(&mut self, _step: &Step) {
        self.0 = self.0.saturating_sub(1);
    }

    fn stop(&mut self) -> bool {
        self.0 == 0
    }
}

#[test]
fn an_interrupt_stops_between_two_steps() {
    for after in 0..World::demo().documents.len() {
        let world = World::demo();
        let plan = world.plan();
        let report = apply(
            &plan,
            &world.cloud(),
            &BTreeSet::new(),
            &mut StopAfter(after),
        )
        .unwrap();
        assert_eq!((report.end, report.done()), (End::Interrupted, after));
        assert_truthful(&world, &report);
        world.apply(&plan);
        world.assert_converged();
    }
}

/// Killed before any single operation on a file: what is live is whole, nobody is accused, the next apply finishes.
#[test]
fn killed_at_any_moment_nothing_is_half_written() {
    for at in 0.. {
        let mut world = World::applied();
        world.change(Kind::Alarm, "threshold", json!(9));
        world.change(Kind::EventRule, "description", json!("other"));
        let plan = world.plan();
        let cloud = world.cloud();
        cloud.die_before(at);
        let report = apply(&plan, &cloud, &BTreeSet::new(), &mut ()).unwrap();
        if !cloud.is_dead() {
            assert!(at > 8, "every operation was reached");
            assert_eq!(report.end, End::Complete);
            break;
        }
        let after = world.plan();
        let outcome = after
            .outcome()
            .unwrap_or_else(|unread| panic!("{at}: {unread:?}"));
        assert!(!outcome.live_moved(), "{at}: {outcome:?}");
        world.apply(&after);
        world.assert_converged();
    }
}

#[test]
fn two_applies_at_once_do_not_break_anything() {
    for _ in 0..8 {
        let world = World::demo();
        let plan = world.plan();
        let results: Vec<_> = std::thread::scope(|scope| {
            let start = || {
                let (plan, cloud) = (&plan, world.cloud());
                scope.spawn(move || apply(plan, &cloud, &BTreeSet::new(), &mut ()))
            };
            let started = [start(), start(), start()];
            started
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        let ended = results
            .iter()
            .filter(|result| matches!(result, Ok(report) if report.end == End::Complete))
            .count();
        assert!(ended >= 1);
        assert!(results.iter().all(|result| matches!(
            result,
            Ok(_) | Err(Refused::Lock(CloudError::Locked { .. }))
        )));
        world.assert_converged();
    }
}

#[test]
fn drift_that_many_resources_share_is_told_once() {
    let world = World::applied();
    for document in world.documents.iter().filter(|one| one.kind == Kind::Alarm) {
        world.edit(document, |value| {
            value["actions_enabled"] = json!(false);
        });
    }
    let report = drift(
        &Identity::of(&world.environment),
        &world.documents,
        &world.cloud(),
    )
    .unwrap();
    assert_eq!(
        (report.outcome, report.drift.len(), report.alike.len()),
        (Some(Outcome::Drifted), 5, 1)
    );
    assert_eq!(
        (
            report.alike[0].path.as_str(),
            report.alike[0].addresses.len()
        ),
        ("actions_enabled", 5)
    );
}

const KEY: &str = "hunter2";

#[test]
fn no_secret_is_in_any_output() {
    let world = World::applied();
    for document in world
        .documents
        .iter()
        .filter(|one| one.kind == Kind::SnsSubscription)
    {
        world.edit(document, |value| {
            value["endpoint"] = json!(format!("https://x.example/?key={KEY}"))
        });
    }
    let function = world.one(Kind::LambdaFunction).clone();
    world.edit(&function, |value| {
        value["environment"]["TOKEN"] = json!(KEY)
    });
    let plan = world.plan();
    let drift = drift(
        &Identity::of(&world.environment),
        &world.documents,
        &world.cloud(),
    )
    .unwrap();
    let style = report::human::Style::default();
    let outputs = [
        to_saved(&plan),
        report::human::render_plan(&plan, style),
        report::human::render_drift(&drift, style),
        report::json::render_plan(&plan),
        report::json::render_drift(&drift),
        report::markdown::render_plan(&plan, report::markdown::COMMENT_LIMIT),
        format!(
            "{:?}",
            apply(&plan, &world.cloud(), &BTreeSet::new(), &mut ()).unwrap()
        ),
    ];
    for output in outputs {
        assert!(!output.contains(KEY), "{output}");
    }
    assert_eq!(plan.counts().drifted, 3);
}

/// Every place in a document, as a path of keys and indices.
fn places(value: &Value, path: String, all: &mut Vec<String>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                places(
                    value,
                    format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")),
                    all,
                );
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, value) in items.iter().enumerate() {
                places(value, format!("{path}/{index}"), all);
            }
        }
        _ => all.push(path),
    }
}

/// Each field of each resource, edited by hand: found, and named by the keys that lead to it.
#[test]
fn each_field_edited_by_hand_is_found_and_named() {
    let world = World::applied();
    let identity = Identity::of(&world.environment);
    let documents: Vec<&Document> = world.documents.iter().collect();
    let mut survey = Survey::take(&identity, &documents, &world.cloud());
    let mut fields = 0;
    for (index, document) in documents.iter().enumerate() {
        let mut all = Vec::new();
        places(&document.properties, String::new(), &mut all);
        // A digest that is compared vouches for them, and whoever reads them names it anew.
        all.retain(|place| {
            let vouched = document.kind.vouched();
            !vouched
                .iter()
                .any(|field| place.starts_with(&format!("/{field}/")))
        });
        for place in all {
            fields += 1;
            let Ok(Reading::Present(live)) = &mut survey.readings[index] else {
                panic!()
            };
            *live.properties.pointer_mut(&place).unwrap() = json!("edited by hand");
            let plan = compare(&identity, &documents, &survey, &BTreeSet::new()).unwrap();
            assert_eq!(
                plan.outcome(),
                Ok(Outcome::Drifted),
                "{} {place}",
                document.address
            );
            let [drift] = plan.drift.as_slice() else {
                panic!("{} {place}", document.address)
            };
            assert_eq!(drift.address, document.address);
            assert!(!drift.changes.is_empty());
            let key = place.split('/').nth(1).unwrap();
            assert!(
                drift
                    .changes
                    .iter()
                    .all(|change| change.path.starts_with(key)),
                "{place}: {:?}",
                drift.changes
            );
            let Ok(Reading::Present(live)) = &mut survey.readings[index] else {
                panic!()
            };
            live.properties = document.properties.clone();
        }
    }
    assert!(fields > 300, "{fields}");
    world.assert_converged();
}

/// Whoever edits the rules in the folder is found out, and told of as rules.
#[test]
fn rules_edited_by_hand_are_told_as_rules() {
    let world = World::applied();
    let layer = world.one(Kind::PolicyLayer).clone();
    world.edit(&layer, |live| {
        live["rules"]["service_accounts"] = json!([{ "role": "alice" }]);
    });
    let plan = world.plan();
    assert_eq!(plan.outcome(), Ok(Outcome::Drifted));
    let [change] = plan.rules.as_slice() else {
        panic!("{:?}", plan.rules)
    };
    let rules::LiveRules::Read { differences, .. } = &change.live else {
        panic!("{change:?}")
    };
    let told: Vec<_> = differences
        .iter()
        .map(|one| (one.became, one.what, one.name.as_str()))
        .collect();
    let account = rules::What::ServiceAccount;
    assert_eq!(told, [(rules::Became::Removed, account, "alice")]);
    let identity = Identity::of(&world.environment);
    let report = drift(&identity, &world.documents, &world.cloud()).unwrap();
    let rules::LiveRules::Read { differences, .. } = &report.rules[0].live else {
        panic!("{report:?}")
    };
    // Seen from the files: somebody added it.
    assert_eq!(differences[0].became, rules::Became::Added);
    let drawn = report::human::render_drift(&report, report::human::Style::default());
    assert!(drawn.contains("+ service account alice"), "{drawn}");
    // What is no file of rules any more is not guessed at.
    world.edit(&layer, |live| live["rules"] = json!("gone"));
    let plan = world.plan();
    assert!(matches!(
        plan.rules[0].live,
        rules::LiveRules::Unread { .. }
    ));
    world.apply(&plan);
    world.assert_converged();
}

/// A change of the policy: the layer first, then the functions, and the plan says which exclusions it is about.
#[test]
fn a_change_of_rules_is_told_once_for_all_functions() {
    let mut world = World::new(local("dev", &["orders", "billing"]));
    world.apply(&world.plan());
    let mut changed = world.environment.clone();
    changed.log_line_prefix = crate::audit_log::prefix::LogLinePrefix::Long;
    world.documents = documents(&changed);
    let plan = world.plan();
    assert_eq!(plan.outcome(), Ok(Outcome::Pending));
    let [change] = plan.rules.as_slice() else {
        panic!("{:?}", plan.rules)
    };
    assert_eq!(change.functions.len(), 2);
    let drawn = report::human::render_plan(&plan, report::human::Style::default());
    assert!(drawn.contains("Rules of 2 functions: live "), "{drawn}");
    assert!(drawn.contains("~ log_line_prefix"), "{drawn}");
    assert!(!drawn.contains("\"rules\""), "{drawn}");
    let back = from_saved(&to_saved(&plan)).unwrap();
    assert_eq!(back.rules, plan.rules);
    world.apply(&plan);
    world.assert_converged();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_plan_after_an_apply_is_empty(environment in any_environment()) {
        let world = World::new(environment);
        world.apply(&world.plan());
        world.assert_converged();
    }

    /// From any environment to any other of the same name, with edits by hand in between.
    #[test]
    fn any_change_and_any_edit_converge(
        first in any_environment(),
        second in any_environment(),
        edits in prop::collection::vec((any::<Index>(), "[a-z]{1,4}"), 0..4),
        fail_at in 0usize..12,
    ) {
        let mut world = World::new(first.clone());
        world.apply(&world.plan());
        for (index, text) in &edits {
            let document = index.get(&world.documents).clone();
            world.edit(&document, |value| value["edited"] = json!(text));
        }
        let second = Environment { name: first.name.clone(), clusters: first.clusters.clone(), ..second };
        world.documents = documents(&second);
        world.environment = second;
        let plan = world.plan();
        let cloud = world.cloud();
        let faulty = Faulty::new(&cloud, fail_at, Fails::Before);
        apply(&plan, &faulty, &BTreeSet::new(), &mut ()).unwrap();
        let extras: Vec<String> = world.plan().resources.iter()
            .filter(|one| one.verdict == Verdict::Extra)
            .map(|one| one.address.clone())
            .collect();
        let extras: Vec<&str> = extras.iter().map(String::as_str).collect();
        let rest = world.plan_with(&extras);
        world.apply(&rest);
        world.assert_converged();
    }

    #[test]
    fn a_saved_plan_survives_the_journey(environment in any_environment()) {
        let world = World::new(environment);
        let plan = world.plan();
        let back = from_saved(&to_saved(&plan)).unwrap();
        prop_assert_eq!(canonical(&serde_json::to_value(&back).unwrap()), canonical(&serde_json::to_value(&plan).unwrap()));
    }
}
