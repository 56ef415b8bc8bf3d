//! A hundred thousand schedules: late, missed, doubled and retried invocations, calls and queries that fail, hang, are
//! throttled or cut, kills at any call, records out of order. Afterwards every record is in exactly one window's final
//! figure, the alarm has seen what it must and nothing else, and everybody was told of every new group.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde_json::Value;

use super::world::{Dice, Entry, Faults, GROUPS, World, settings};
use crate::compile::resources::{Metric, WINDOWS_RECOMPUTED};
use crate::monitor::{Receipts, What};
use crate::policy::model::Signal;

/// Schedules that are tried, each from its number.
const SCHEDULES: u64 = 100_000;

const USERS: [&str; 3] = ["alice", "bob", "carol"];
const COMMANDS: [&str; 2] = ["SELECT", "INSERT"];

/// Lambda's time for a run, in milliseconds.
const TIMEOUT_MS: i64 = 300_000;

/// Log group, window, user, command.
type Group = (usize, i64, &'static str, &'static str);

struct Schedule {
    world: World,
    /// Nothing goes wrong.
    clean: bool,
    /// Nothing is cut.
    whole: bool,
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
    let failed = (0..SCHEDULES)
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
        settings.row_limit = 3;
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
        let entry = Entry {
            group: dice.below(groups as u64) as usize,
            statement,
            user: USERS[dice.below(3) as usize],
            command: COMMANDS[dice.below(2) as usize],
            happens_ms,
            arrives_ms,
            found_ms: arrives_ms + dice.int(0, i64::from(settle) * 1000),
        };
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
    };
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
        whole,
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
                truth
                    .entry((entry.group, window, entry.user, entry.command))
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
                let counts: Vec<usize> = rows.map(|(_, statements)| statements.len()).collect();
                let expected: usize = counts.iter().sum();
                let published = self.world.greatest(&name, windows.start_ms(window));
                let published =
                    published.unwrap_or_else(|| panic!("window {window} was never counted"));
                let of_all: usize = truth
                    .keys()
                    .filter(|(_, other, _, _)| *other == window)
                    .count();
                if self.whole || of_all < self.world.settings.row_limit as usize {
                    assert!(
                        published == expected as f64,
                        "window {window}: {published}, not {expected}"
                    );
                } else {
                    assert!(
                        published <= expected as f64,
                        "window {window}: {published} of {expected}"
                    );
                }
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
            for at in acted {
                assert!(went_off.contains(&at), "no alarm for {at:?}");
            }
        }
    }

    /// Detection records for every group, and a message for every one that is new.
    fn told(&self, truth: &BTreeMap<Group, BTreeSet<u64>>) {
        let windows = self.world.settings.windows;
        let messages = self.world.messages.borrow();
        let mut records: BTreeMap<(String, String, String, String), Vec<(usize, u64, bool)>> =
            BTreeMap::new();
        let mut cut = BTreeSet::new();
        for (run, line) in self.world.lines.borrow().iter() {
            let line: Value = serde_json::from_str(line).unwrap();
            if line["record"] == "pgvigil.detection" {
                let text = |key: &str| line[key].as_str().unwrap().to_owned();
                let start = line["window"]["start"].as_str().unwrap().to_owned();
                if line["incomplete"] == true {
                    cut.insert(start.clone());
                }
                records
                    .entry((text("log_group"), start, text("user"), text("command")))
                    .or_default()
                    .push((
                        *run,
                        line["statements"].as_u64().unwrap(),
                        line["new"] == true,
                    ));
            }
        }
        for ((group, window, user, command), statements) in truth {
            let start = super::super::detection::time(windows.start_ms(*window));
            if cut.contains(&start) {
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
            if is_new {
                assert!(told > 0, "nobody was told of {key:?}");
            }
            if self.clean {
                assert_eq!(found.len(), 1, "{key:?} twice: {found:?}");
                assert_eq!(told, usize::from(is_new), "{key:?}");
            }
        }
    }
}
