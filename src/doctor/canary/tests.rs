//! The chain on a CloudWatch in memory, with everything that can go wrong in it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use super::*;
use crate::compile::resources::Metric;
use crate::doctor::tests::World;
use crate::policy::load_from;
use crate::policy::model::Signal;

#[derive(Debug, Clone)]
struct Made {
    points: Vec<(Timestamp, u32)>,
    state: AlarmState,
    actions: Vec<AlarmAction>,
}

/// An account with a clock, which goes on by a second with each call.
struct Account {
    now: Cell<Timestamp>,
    alarms: RefCell<BTreeMap<String, Made>>,
    published: RefCell<Vec<CanaryAlarm>>,
    /// Seconds from a point to the change of state.
    delay: i64,
    /// The topic takes messages.
    takes: bool,
    /// The number of the call that fails, and whether it is carried out all the same.
    fails: Option<(usize, bool)>,
    /// The number of the call before which somebody presses Ctrl-C.
    stops: Option<usize>,
    calls: Cell<usize>,
    stop: AtomicBool,
}

impl Account {
    fn new() -> Self {
        Self {
            now: Cell::new(crate::doctor::tests::now()),
            alarms: RefCell::default(),
            published: RefCell::default(),
            delay: 75,
            takes: true,
            fails: None,
            stops: None,
            calls: Cell::new(0),
            stop: AtomicBool::new(false),
        }
    }

    fn advance(&self, length: SignedDuration) {
        self.now.set(self.now.get() + length);
        for made in self.alarms.borrow_mut().values_mut() {
            let due = SignedDuration::from_secs(self.delay);
            let last = made
                .points
                .iter()
                .rfind(|(at, _)| self.now.get().duration_since(*at) >= due);
            let state = match last {
                None => made.state,
                Some((_, 0)) => AlarmState::Ok,
                Some(_) => AlarmState::Alarm,
            };
            if state != made.state {
                made.state = state;
                let message = if self.takes {
                    "Successfully executed action arn:aws:sns:x"
                } else {
                    "Failed to execute action arn:aws:sns:x. Received error: \"not authorized\""
                };
                let action = AlarmAction {
                    at: self.now.get(),
                    state: Some(state),
                    succeeded: self.takes,
                    message: message.to_owned(),
                };
                made.actions.insert(0, action);
            }
        }
    }

    fn call<T>(&self, act: impl FnOnce() -> T) -> Result<T, CloudError> {
        let number = self.calls.get();
        self.calls.set(number + 1);
        self.advance(SignedDuration::from_secs(1));
        if self.stops == Some(number) {
            self.stop.store(true, Ordering::SeqCst);
        }
        let error = CloudError::Unavailable {
            operation: "call",
            resource: "the service".to_owned(),
            message: format!("call {number} fails"),
        };
        match self.fails {
            Some((fails, true)) if fails == number => {
                act();
                Err(error)
            }
            Some((fails, false)) if fails == number => Err(error),
            _ => Ok(act()),
        }
    }

    fn run(&self) -> Report {
        let world = World::healthy();
        let subject = Subject::new(
            &world.environment,
            &world.environment.clusters[0],
            &world.documents,
        );
        let run = Run {
            subject: &subject,
            matcher: Outcome::Proven("counts".to_owned()),
            token: "t0ken",
            pages: true,
            patience: Patience::default(),
            stop: &self.stop,
            clock: self,
        };
        let report = prove(&run, Some(self), &mut |_| ());
        let order: Vec<Step> = report.steps.iter().map(|proof| proof.step).collect();
        assert_eq!(order, Step::ALL, "every step is told, in order");
        report
    }
}

impl Clock for Account {
    fn now(&self) -> Timestamp {
        self.now.get()
    }

    fn wait(&self, length: Duration) {
        self.advance(SignedDuration::try_from(length).unwrap());
    }
}

impl Canary for Account {
    fn publish(&self, alarm: &CanaryAlarm, value: u32) -> Result<(), CloudError> {
        self.call(|| {
            self.published.borrow_mut().push(alarm.clone());
            if let Some(made) = self.alarms.borrow_mut().get_mut(&alarm.name) {
                made.points.push((self.now.get(), value));
            }
        })
    }

    fn create(&self, alarm: &CanaryAlarm) -> Result<(), CloudError> {
        let made = Made {
            points: Vec::new(),
            state: AlarmState::InsufficientData,
            actions: Vec::new(),
        };
        self.call(|| {
            self.alarms.borrow_mut().insert(alarm.name.clone(), made);
        })
    }

    fn state(&self, name: &str) -> Result<Option<AlarmState>, CloudError> {
        self.call(|| self.alarms.borrow().get(name).map(|made| made.state))
    }

    fn actions(&self, name: &str) -> Result<Vec<AlarmAction>, CloudError> {
        self.call(|| match self.alarms.borrow().get(name) {
            Some(made) => made.actions.clone(),
            None => Vec::new(),
        })
    }

    fn alarms(&self, prefix: &str) -> Result<Vec<String>, CloudError> {
        self.call(|| {
            let alarms = self.alarms.borrow();
            let names = alarms.keys().filter(|name| name.starts_with(prefix));
            names.cloned().collect()
        })
    }

    fn delete(&self, name: &str) -> Result<(), CloudError> {
        self.call(|| {
            self.alarms.borrow_mut().remove(name);
        })
    }
}

fn outcome(report: &Report, step: Step) -> &Outcome {
    let mut steps = report.steps.iter();
    &steps.find(|proof| proof.step == step).unwrap().outcome
}

fn failed(report: &Report, step: Step) -> bool {
    matches!(outcome(report, step), Outcome::Failed(_))
}

fn proven(report: &Report, step: Step) -> bool {
    matches!(outcome(report, step), Outcome::Proven(_))
}

#[test]
fn a_chain_that_works_is_proven_and_leaves_nothing() {
    let account = Account::new();
    let report = account.run();
    assert!(report.is_proven(), "{report:#?}");
    assert!(account.alarms.borrow().is_empty());
    // What it cannot prove is said all the same.
    assert_eq!(report.unproven.len(), 3);
    let published = account.published.borrow();
    assert_eq!(published.len(), 2);
    let world = World::healthy();
    let people = Metric::signal(&world.environment.clusters[0], Signal::Dml);
    for alarm in published.iter() {
        assert_ne!(alarm.metric, people.name);
        assert_ne!(alarm.dimensions, people.dimensions);
        assert!(
            alarm
                .dimensions
                .contains(&("OperationType", "Canary".to_owned()))
        );
        assert_eq!(
            alarm.topic.as_deref(),
            Some("arn:aws:sns:us-east-1:123456789012:pgvigil-prod-orders-43d08d89")
        );
        assert!(alarm.name.len() <= 255 && alarm.description.contains("Test"));
    }
}

#[test]
fn a_topic_that_refuses_is_told_with_the_services_words() {
    let account = Account {
        takes: false,
        ..Account::new()
    };
    let report = account.run();
    assert_eq!(
        outcome(&report, Step::Told),
        &Outcome::Failed(
            "Failed to execute action arn:aws:sns:x. Received error: \"not authorized\"".to_owned()
        )
    );
    assert!(proven(&report, Step::GoesOff) && proven(&report, Step::IsOver));
    assert!(failed(&report, Step::ToldOver) && proven(&report, Step::Removed));
    assert!(report.unproven.contains(&Step::Told.title().to_owned()));
    assert!(account.alarms.borrow().is_empty());
}

#[test]
fn an_alarm_that_never_goes_off_ends_by_the_timeout() {
    let account = Account {
        delay: 100_000,
        ..Account::new()
    };
    let report = account.run();
    assert!(failed(&report, Step::GoesOff) && proven(&report, Step::Removed));
    assert!(matches!(
        outcome(&report, Step::Told),
        Outcome::NotReached(_)
    ));
    assert!(account.alarms.borrow().is_empty());
    let waited = account
        .now
        .get()
        .duration_since(crate::doctor::tests::now());
    assert!((600..700).contains(&waited.as_secs()), "{waited:?}");
}

/// Whichever call fails, done or not, nothing is proven that was not, and the alarm is gone or named.
#[test]
fn whichever_call_fails_nothing_is_left_behind_unsaid() {
    let calls = {
        let account = Account::new();
        account.run();
        account.calls.get()
    };
    assert!(calls > 20, "{calls}");
    for number in 0..calls {
        for is_done in [false, true] {
            let account = Account {
                fails: Some((number, is_done)),
                ..Account::new()
            };
            let report = account.run();
            let is_gone = account.alarms.borrow().is_empty();
            assert!(
                is_gone || failed(&report, Step::Removed),
                "{number}: {report:#?}"
            );
            // The first call only looks for what is left behind.
            assert!(number == 0 || !report.is_proven(), "{number}: {report:#?}");
        }
    }
}

#[test]
fn whenever_it_is_stopped_the_alarm_is_taken_away() {
    let calls = {
        let account = Account::new();
        account.run();
        account.calls.get()
    };
    for number in 0..calls {
        let account = Account {
            stops: Some(number),
            ..Account::new()
        };
        let report = account.run();
        assert!(account.alarms.borrow().is_empty(), "{number}");
        assert!(!report.has_failed(), "{number}: {report:#?}");
    }
}

#[test]
fn what_a_killed_run_left_behind_is_taken_away_and_what_is_young_is_not() {
    let account = Account::new();
    let base = "pgvigil-prod-orders-43d08d89-canary-";
    let now = crate::doctor::tests::now().as_second();
    let made = Made {
        points: Vec::new(),
        state: AlarmState::Ok,
        actions: Vec::new(),
    };
    let old = format!("{base}{:x}-a", now - 7200);
    let young = format!("{base}{:x}-b", now - 60);
    let foreign = format!("{base}of-somebody");
    for name in [&old, &young, &foreign] {
        account
            .alarms
            .borrow_mut()
            .insert(name.clone(), made.clone());
    }
    let report = account.run();
    assert_eq!(report.left_behind, [old]);
    let left: Vec<String> = account.alarms.borrow().keys().cloned().collect();
    assert_eq!(left, [young, foreign]);
}

#[test]
fn the_chain_is_not_tried_before_the_matcher_works() {
    let account = Account::new();
    let world = World::healthy();
    let subject = Subject::new(
        &world.environment,
        &world.environment.clusters[0],
        &world.documents,
    );
    let run = Run {
        subject: &subject,
        matcher: Outcome::Failed("silenced".to_owned()),
        token: "t",
        pages: true,
        patience: Patience::default(),
        stop: &account.stop,
        clock: &account,
    };
    let report = prove(&run, Some(&account), &mut |_| ());
    assert_eq!(account.calls.get(), 0);
    assert!(report.has_failed());
    let folder = Run {
        matcher: Outcome::Proven(String::new()),
        ..run
    };
    let report = prove(&folder, None, &mut |_| ());
    assert!(!report.has_failed() && !report.is_proven());
}

const ENVIRONMENT: (&str, &str) = (
    "environments/dev.yaml",
    "version: 1\nprovider: local\nfolder: x\nclusters: [shop]\n",
);

fn matched(rules: &str) -> Outcome {
    let loaded = load_from([ENVIRONMENT, ("rules/rules.yaml", rules)]);
    let faults: Vec<_> = loaded.diagnostics.iter().collect();
    assert!(faults.is_empty(), "{faults:?}");
    let environment = &loaded.policy.environments[0];
    prove_matcher(
        &loaded.policy,
        environment,
        crate::doctor::tests::now(),
        "t0ken",
    )
}

#[test]
fn the_shipped_rules_hear_the_marked_records() {
    let loaded = crate::policy::load(std::path::Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    for environment in &loaded.policy.environments {
        for prefix in LogLinePrefix::ALL {
            let mut environment = environment.clone();
            environment.log_line_prefix = prefix;
            let now = crate::doctor::tests::now();
            let outcome = prove_matcher(&loaded.policy, &environment, now, "t0ken");
            assert!(matches!(outcome, Outcome::Proven(_)), "{outcome:?}");
        }
    }
}

#[test]
fn a_rule_that_silences_the_marked_record_is_named() {
    let rules = "version: 1\nexclusions:\n- id: too-wide\n  title: t\n  reason: r\n  owner: o\n  environments: all\n  created: 2026-11-01\n  \
                 expires: 2026-12-31\n  match: {class: [WRITE]}\n";
    assert_eq!(
        matched(rules),
        Outcome::Failed("a marked WRITE,DELETE is silenced by too-wide".to_owned())
    );
    let accounts = "version: 1\nservice_accounts:\n- pattern: pgvigil_[a-z]+\n  reason: r\n  owner: o\n  environments: all\n";
    let Outcome::Failed(why) = matched(accounts) else {
        panic!("it counts");
    };
    assert!(why.contains("out of scope"), "{why}");
}
