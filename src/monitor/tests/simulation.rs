//! A hundred thousand schedules: late, missed, doubled and retried invocations, calls and queries that fail, hang, are
//! throttled or cut, kills at any call, records out of order, rules that change between two runs. Afterwards every record is in
//! exactly one window's final figure, the alarm has seen what it must and nothing else, and everybody was told of every new
//! group.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use rayon::prelude::*;
use serde_json::Value;

use super::world::{Dice, Entry, Faults, GROUPS, Says, World, judging, settings};
use crate::audit_log::prefix::LogLinePrefix;
use crate::compile::resources::{Metric, WINDOWS_RECOMPUTED};
use crate::judge::Rules;
use crate::monitor::{Receipts, What};
use crate::policy::model::Signal;

/// How many schedules are tried, each made from its number; each night more.
fn schedules() -> u64 {
    if super::is_thorough() {
        200_000
    } else {
        20_000
    }
}

const USERS: [&str; 3] = ["alice", "bob", "carol"];
const COMMANDS: [&str; 2] = ["SELECT", "INSERT"];

/// Lambda's time for a run, in milliseconds.
const TIMEOUT_MS: i64 = 300_000;

/// Rules that silence what [`is_silenced`] says.
static SILENCING: LazyLock<Rules> = LazyLock::new(|| {
    let loaded = crate::policy::load_from([
        (
            "environments/prod.yaml",
            "version: 1\nprovider: local\nlog_line_prefix: \"%t:%r:%u@%d:[%p]:\"\nclusters: [shop]\n",
        ),
        (
            "rules/all.yaml",
            "version: 1\nexclusions:\n  - id: everything\n    title: Everything is read\n    reason: For a test.\n    owner: test\n    \
             created: 2026-01-01\n    expires: 2036-01-01\n    environments: all\n    \
             match: {class: READ, command: SELECT, statement: {equals: select everything}}\n",
        ),
    ]);
    let rules = Rules::of(&loaded.policy, &loaded.policy.environments[0]);
    assert_eq!(rules.prefix, LogLinePrefix::Short);
    assert_eq!(rules.exclusions.len(), 1, "{:?}", loaded.diagnostics);
    rules
});

fn is_silenced(user: &str, command: &str) -> bool {
    user == "carol" && command == "SELECT"
}

/// Log group, window, user, command.
type Group = (usize, i64, &'static str, &'static str);

/// Log group, begin of the window, user, command: as a detection record tells them.
type Told = (String, String, String, String);

struct Schedule {
    world: World,
    clean: bool,
    /// The rules were others for some of the runs.
    changed: bool,
    length_ms: i64,
    /// Periods that the alarm looks at.
    periods: i64,
    /// The newest window that the last run computes.
    last: i64,
    /// The oldest that the first run computes.
    first: i64,
}

#[test]
fn every_record_is_counted_once_whatever_happens() {
    let failed = (0..schedules())
        .into_par_iter()
        .find_first(|seed| std::panic::catch_unwind(|| schedule(*seed).judge()).is_err());
    assert_eq!(failed, None, "the schedule of this number fails");
}

/// The number of a schedule that failed goes here.
#[test]
fn the_first_schedules_one_by_one() {
    for seed in 0..200 {
        schedule(seed).judge();
    }
}

fn schedule(seed: u64) -> Schedule {
    let dice = Dice::new(seed ^ 0x5eed);
    let clean = dice.in_thousand(250);
    let whole = clean || dice.in_thousand(800);
    let minutes = [1, 5, 15, 60][dice.below(4) as usize];
    let settle = [0, 30, 120][dice.below(3) as usize];
    let late = [0, 5, 15][dice.below(3) as usize];
    let groups = 1 + dice.below(2) as usize;
    let mut settings = settings(groups, minutes, settle, late);
    if !whole {
        settings.row_limit = 3 + dice.below(5) as u32;
    }
    let windows = settings.windows;
    let length_ms = windows.length_ms();
    let base_ms = 1_795_338_300_000 + dice.int(0, 86_400_000);
    let steps = dice.int(3, 9);
    let outage_ms = match (clean, dice.below(25)) {
        (false, 0) => (dice.int(1, 30) * 3_600_000).min(150 * length_ms),
        (false, 1..=5) => dice.int(1, 12) * length_ms,
        _ => 0,
    };
    let outage_at = dice.int(1, steps);
    let mut times: Vec<i64> = Vec::new();
    let mut time_ms = base_ms;
    for step in 0..=steps {
        if step == outage_at {
            time_ms += outage_ms / length_ms * length_ms;
        }
        times.push(time_ms);
        time_ms += length_ms;
    }
    // The end is quiet: what was missed is made up there.
    let quiet: Vec<i64> = (0..3).map(|step| time_ms + step * length_ms).collect();

    let mut world = World::new(settings, seed, base_ms);
    let span = (base_ms - 5 * length_ms, quiet[0]);
    for statement in 0..dice.below(12) {
        let arrives_ms = if dice.in_thousand(300) {
            // At the border of two windows.
            windows.start_ms(windows.of(dice.int(span.0, span.1))) + dice.int(-1, 1)
        } else {
            dice.int(span.0, span.1)
        };
        let happens_ms = if dice.in_thousand(100) {
            arrives_ms + dice.int(0, 7_200_000)
        } else {
            arrives_ms - dice.int(0, i64::from(late) * 60_000)
        };
        let (user, command) = (dice.below(3) as usize, dice.below(2) as usize);
        let mut entry = Entry {
            group: dice.below(groups as u64) as usize,
            statement,
            happens_ms,
            arrives_ms,
            found_ms: arrives_ms + dice.int(0, i64::from(settle) * 1000),
            ..Entry::of(USERS[user], COMMANDS[command])
        };
        if is_silenced(USERS[user], COMMANDS[command]) {
            let text = |word: &str| word.to_owned();
            entry.says = Says::Record(
                "READ",
                "SELECT",
                text("public.customers"),
                text("select everything"),
            );
        }
        // A statement on two tables has two records.
        if dice.in_thousand(200) {
            world.entries.push(entry.clone());
        }
        world.entries.push(entry);
    }

    let faults = Faults {
        busy: dice.below(150),
        lost: dice.below(100),
        answer_lost: dice.below(100),
        refused: dice.below(60),
        killed: dice.below(40),
        slow: dice.below(100),
        query_ends: dice.below(150),
        query_hangs: dice.below(60),
        unread_ms: dice.int(0, 200_000),
        untold: dice.below(100),
        untaken: dice.below(200),
    };
    let changes_at = dice.in_thousand(300).then(|| dice.int(1, steps) as usize);
    let begins_silent = dice.in_thousand(500);
    let rules = |world: &World, is_silent: bool| {
        let all = Rules::new(LogLinePrefix::Short);
        judging(&world.settings, if is_silent { &SILENCING } else { &all })
    };
    if changes_at.is_some() {
        world.judging = rules(&world, begins_silent);
    }
    let mut receipts = Receipts::default();
    let mut go = |world: &World, time_ms: i64, begins_ms: i64, timeout_ms: i64| {
        world.now_ms.set(world.now_ms.get().max(begins_ms));
        if dice.in_thousand(150) {
            // A new process remembers nothing.
            receipts = Receipts::default();
        }
        let done = world.invoke(&mut receipts, What::Scheduled { time_ms }, timeout_ms);
        if done.is_none() {
            receipts = Receipts::default();
        }
        matches!(done, Some(Ok(_)))
    };
    for (step, time_ms) in times.iter().enumerate() {
        if changes_at == Some(step) {
            world.judging = rules(&world, !begins_silent);
        }
        // The first run is well: a monitor that never ran does not count the past.
        world.faults = if clean || step == 0 {
            Faults::default()
        } else {
            faults
        };
        let jitter = dice.int(0, 40_000);
        if !clean && step > 0 && dice.in_thousand(150) {
            continue;
        }
        let mut begins_ms = time_ms + jitter;
        // Lambda tries a failed run twice more, with the same event.
        for pause in [60_000, 120_000, 0] {
            if go(&world, *time_ms, begins_ms, TIMEOUT_MS) {
                break;
            }
            begins_ms = world.now_ms.get() + pause;
        }
        if !clean && dice.in_thousand(100) {
            go(&world, *time_ms, begins_ms, TIMEOUT_MS);
        }
    }
    world.faults = Faults::default();
    for time_ms in &quiet {
        assert!(
            go(&world, *time_ms, time_ms + 1000, 100 * TIMEOUT_MS),
            "a quiet run failed"
        );
    }
    let behind = (i64::from(settle) * 1000 + TIMEOUT_MS) / length_ms + 1;
    Schedule {
        clean,
        changed: changes_at.is_some(),
        length_ms,
        periods: i64::from(WINDOWS_RECOMPUTED) + 1 + behind,
        last: windows.newest(quiet[2]),
        first: windows.newest(base_ms) + 1 - i64::from(WINDOWS_RECOMPUTED),
        world,
    }
}

impl Schedule {
    /// What people did, window by window.
    fn truth(&self) -> BTreeMap<Group, BTreeSet<u64>> {
        let mut truth: BTreeMap<Group, BTreeSet<u64>> = BTreeMap::new();
        for entry in &self.world.entries {
            let window = self.world.settings.windows.of(entry.arrives_ms);
            if (self.first..=self.last).contains(&window) {
                let Says::Record(_, command, ..) = entry.says else {
                    continue;
                };
                let user = USERS.into_iter().find(|user| *user == entry.user).unwrap();
                truth
                    .entry((entry.group, window, user, command))
                    .or_default()
                    .insert(entry.statement);
            }
        }
        truth
    }

    fn judge(&self) {
        let truth = self.truth();
        self.figures(&truth);
        self.alarm(&truth);
        self.told(&truth);
        // Nobody waits for a query that he does not stop, but a process that was killed.
        if self.clean {
            assert_eq!(self.world.stopped.get(), 0);
        }
    }

    /// Every record in one window's final figure.
    fn figures(&self, truth: &BTreeMap<Group, BTreeSet<u64>>) {
        let windows = self.world.settings.windows;
        for (group, log_group) in self.world.settings.log_groups.iter().enumerate() {
            let name = super::world::name_of(&Metric::signal_in(log_group, Signal::Dml));
            for window in self.first..=self.last {
                let rows = truth.range((group, window, "", "")..(group, window + 1, "", ""));
                let mut expected = 0..=0;
                for ((_, _, user, command), statements) in rows {
                    let most = expected.end() + statements.len();
                    let may_be_silent = self.changed && is_silenced(user, command);
                    let least = expected.start() + if may_be_silent { 0 } else { statements.len() };
                    expected = least..=most;
                }
                let published = self.world.greatest(&name, windows.start_ms(window));
                let published =
                    published.unwrap_or_else(|| panic!("window {window} was never counted"));
                if !self.knows_all_people(truth, window) {
                    expected = 0..=*expected.end();
                }
                // Where something was not judged, what is silent counts.
                assert!(
                    (*expected.start() as f64..=*expected.end() as f64).contains(&published),
                    "window {window}: {published}, not {expected:?}"
                );
            }
            // Nothing between two windows, nothing more than happened.
            for ((of, time_ms), values) in self.world.points.borrow().iter() {
                if *of == name {
                    let window = windows.of(*time_ms);
                    assert_eq!(*time_ms, windows.start_ms(window));
                    let rows = truth.range((group, window, "", "")..(group, window + 1, "", ""));
                    let most: usize = rows.map(|(_, statements)| statements.len()).sum();
                    assert!(
                        values.iter().all(|(value, _)| *value <= most as f64)
                            || window < self.first
                    );
                }
            }
        }
    }

    /// Whether a query by people returns all of them.
    fn knows_all_people(&self, truth: &BTreeMap<Group, BTreeSet<u64>>, window: i64) -> bool {
        let people: BTreeSet<(usize, &str)> = truth
            .keys()
            .filter(|(_, other, _, _)| *other == window)
            .map(|(group, _, user, _)| (*group, *user))
            .collect();
        people.len() < self.world.settings.row_limit as usize
    }

    /// The alarm looks at the last periods and takes the maximum of each: it goes off for every window in which
    /// somebody did something, and for no other.
    fn alarm(&self, truth: &BTreeMap<Group, BTreeSet<u64>>) {
        let windows = self.world.settings.windows;
        let acted: BTreeSet<(usize, i64)> = truth
            .keys()
            .map(|(group, window, _, _)| (*group, *window))
            .collect();
        let mut went_off = BTreeSet::new();
        for (group, log_group) in self.world.settings.log_groups.iter().enumerate() {
            let name = super::world::name_of(&Metric::signal_in(log_group, Signal::Dml));
            for (at_ms, of, time_ms, value) in self.world.puts.borrow().iter() {
                let age = at_ms.div_euclid(self.length_ms) - windows.of(*time_ms);
                if *of == name && *value > 0.0 && age <= self.periods {
                    went_off.insert((group, windows.of(*time_ms)));
                }
            }
        }
        assert!(
            went_off
                .iter()
                .all(|at| acted.contains(at) || at.1 < self.first),
            "a false alarm"
        );
        if self.clean {
            for (group, window, user, command) in truth.keys() {
                let may_be_silent = self.changed && is_silenced(user, command);
                assert!(
                    may_be_silent || went_off.contains(&(*group, *window)),
                    "no alarm for {user} in {window}"
                );
            }
        }
    }

    /// Detection records for every group, and a message for every one that is new.
    fn told(&self, truth: &BTreeMap<Group, BTreeSet<u64>>) {
        let windows = self.world.settings.windows;
        let messages = self.world.messages.borrow();
        let mut records: BTreeMap<Told, Vec<(usize, u64, bool)>> = BTreeMap::new();
        let mut not_judged = BTreeSet::new();
        let key = |line: &Value| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (
                text(&line["log_group"]),
                text(&line["window"]["start"]),
                text(&line["user"]),
                text(&line["command"]),
            )
        };
        let mut events: BTreeMap<(usize, Told), usize> = BTreeMap::new();
        for (run, detail) in self.world.events.borrow().iter() {
            let detail: Value = serde_json::from_str(detail).unwrap();
            assert_eq!(detail["new"], true, "an event of what is not new");
            *events.entry((*run, key(&detail))).or_default() += 1;
        }
        for (run, line) in self.world.lines.borrow().iter() {
            let line: Value = serde_json::from_str(line).unwrap();
            if line["record"] == "pgvigil.detection" {
                let key = key(&line);
                if line["not_judged"] != 0 {
                    not_judged.insert(key.1.clone());
                }
                records.entry(key).or_default().push((
                    *run,
                    line["statements"].as_u64().unwrap(),
                    line["new"] == true,
                ));
            }
        }
        for ((group, window, user, command), statements) in truth {
            let start = super::super::detection::time(windows.start_ms(*window));
            if self.changed && is_silenced(user, command) {
                continue;
            }
            if !self.knows_all_people(truth, *window) {
                continue;
            }
            if not_judged.contains(&start) {
                let is_told = records.keys().any(|(log_group, of, who, _)| {
                    (log_group.as_str(), of, who.as_str()) == (GROUPS[*group], &start, *user)
                });
                assert!(is_told, "nobody heard of {user} in {start}");
                continue;
            }
            let key = (
                GROUPS[*group].to_owned(),
                start,
                (*user).to_owned(),
                (*command).to_owned(),
            );
            let found = records
                .get(&key)
                .unwrap_or_else(|| panic!("no detection record for {key:?}"));
            assert!(
                found
                    .iter()
                    .any(|(_, count, _)| *count == statements.len() as u64),
                "{key:?}: {found:?}"
            );
            let before = (window - 3).max(self.first)..*window;
            let is_new = !before
                .clone()
                .any(|earlier| truth.contains_key(&(*group, earlier, *user, *command)));
            let words = format!("{user}@shop from 10.0.3.17: {command} on");
            let cluster = self.world.settings.cluster_of(GROUPS[*group]);
            let told = found
                .iter()
                .filter(|(run, _, is_new)| {
                    *is_new
                        && messages.iter().any(|(of, subject, text)| {
                            of == run && subject.contains(cluster) && text.contains(&words)
                        })
                })
                .count();
            let sent: usize = found
                .iter()
                .filter_map(|(run, _, _)| events.get(&(*run, key.clone())))
                .sum();
            if is_new {
                assert!(told > 0, "nobody was told of {key:?}");
                assert!(sent > 0, "no event of {key:?}");
            }
            if self.clean && !self.changed {
                assert_eq!(found.len(), 1, "{key:?} twice: {found:?}");
                assert_eq!(told, usize::from(is_new), "{key:?}");
                assert_eq!(sent, usize::from(is_new), "{key:?}");
            }
        }
    }
}
