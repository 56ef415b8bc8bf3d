//! One run.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::RunError;
use super::attempt::Patience;
use super::detection::{self, one_line, time};
use super::events;
use super::figures::{self, Figure};
use super::gather::{Gathered, gather};
use super::invocation::{Invocation, What};
use super::judging::Judging;
use super::notification;
use super::port::{Datum, Event, World};
use super::receipt::{self, LONGEST_MS, Receipts};
use super::reminder;
use super::row::{Key, Place, Row};
use super::settings::Settings;
use crate::compile::resources::{Metric, WINDOWS_RECOMPUTED};
use crate::evidence::event::{DETAIL_TYPE, LEFT_OUT_TYPE};
use crate::policy::model::Signal;

/// Windows of one query in a backlog: each query reads the allowances before and after its windows once more.
const BACKLOG_MS: i64 = 6 * 60 * 60 * 1000;

/// Windows that every run computes.
const RECOMPUTED: i64 = WINDOWS_RECOMPUTED as i64;

/// Time that is left for saying that a run failed, at most.
const MARGIN_MS: i64 = 15_000;

/// What a run did: the answer to the invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Statements of the signal `dml` in the newest window.
    pub operations: u64,
    /// Windows that were counted, first and last. The backlog is not among them.
    pub windows: (i64, i64),
    /// Windows that nobody had counted before and that were made up for beyond those.
    pub made_up: usize,
    /// Those windows: spans of numbers, first and last.
    pub made_up_spans: Vec<(i64, i64)>,
    /// Windows that are left to make up for.
    pub left: usize,
    /// New groups that people were told of.
    pub told: usize,
    /// Records that nobody judged, since there were more than a query returns. They count.
    pub not_judged: u64,
    /// Windows of which not even all people are known.
    pub incomplete: usize,
}

impl Answer {
    /// What the reference system answers, and more.
    pub fn json(&self, settings: &Settings) -> Value {
        let windows = settings.windows;
        let (first, last) = self.windows;
        json!({
            "statusCode": 200,
            "operationCount": self.operations,
            "window": { "start": time(windows.start_ms(last)), "end": time(windows.start_ms(last + 1)) },
            "logGroup": settings.log_groups.join(","),
            "counted": { "start": time(windows.start_ms(first)), "end": time(windows.start_ms(last + 1)) },
            "windowsMadeUp": self.made_up,
            "madeUp": self
                .made_up_spans
                .iter()
                .map(|(first, last)| {
                    json!({ "start": time(windows.start_ms(*first)), "end": time(windows.start_ms(last + 1)) })
                })
                .collect::<Vec<Value>>(),
            "windowsLeft": self.left,
            "newGroups": self.told,
            "recordsNotJudged": self.not_judged,
            "incompleteWindows": self.incomplete,
        })
    }
}

/// Does what an invocation asks for. What fails is told by the metric of errors too, and the invocation must fail, so
/// that Lambda tries it again.
///
/// # Errors
/// The first thing that failed. No window whose count, records or notification are not out has a receipt then.
pub async fn run<P: World>(
    settings: &Settings,
    judging: &Judging,
    receipts: &mut Receipts,
    port: &P,
    invocation: &Invocation,
) -> Result<Answer, RunError> {
    let began_ms = port.now_ms();
    let time = invocation.deadline_ms.saturating_sub(began_ms).max(0);
    let margin = MARGIN_MS.min(time / 4);
    let mut run = Run {
        settings,
        judging,
        receipts,
        port,
        patience: Patience::until(port, invocation.deadline_ms.saturating_sub(margin)),
        told: 0,
        not_judged: 0,
        incomplete: 0,
    };
    let result = run.go(invocation).await;
    if let Err(error) = &result {
        run.journal(
            json!({ "record": "pgvigil.error", "level": "ERROR", "message": error.to_string() }),
        );
        let last = Patience::until(port, invocation.deadline_ms.saturating_sub(margin / 4));
        if let Err(unsaid) = run.health(&last, false).await {
            run.journal(json!({
                "record": "pgvigil.error",
                "level": "ERROR",
                "message": format!("the error metric was not published: {unsaid}"),
            }));
        }
    }
    result
}

struct Run<'a, P> {
    settings: &'a Settings,
    judging: &'a Judging,
    receipts: &'a mut Receipts,
    port: &'a P,
    patience: Patience<'a, P>,
    told: usize,
    not_judged: u64,
    incomplete: usize,
}

impl<P: World> Run<'_, P> {
    async fn go(&mut self, invocation: &Invocation) -> Result<Answer, RunError> {
        let windows = self.settings.windows;
        let now_ms = self.port.now_ms();
        // A window that has not settled must not be counted, whoever says that it is time.
        let settled = windows.newest(now_ms);
        let (first, last) = match invocation.what {
            What::Scheduled { time_ms } => normal(windows.newest(time_ms.min(now_ms))),
            What::Now => normal(settled),
            What::Range { from_ms, until_ms } => {
                let oldest = windows.of(now_ms - LONGEST_MS);
                let first = windows.of(from_ms);
                let last = windows.of(until_ms - 1).min(settled);
                if first < oldest {
                    return Err(RunError::Invocation(format!(
                        "the range begins more than {} days ago, but CloudWatch does not accept data that old: begin at {} or later",
                        LONGEST_MS / 86_400_000,
                        time(windows.start_ms(oldest + 1)),
                    )));
                }
                if first > last {
                    return Err(RunError::Invocation(format!(
                        "the range does not contain a window that has ended and settled: the newest one ends at {}",
                        time(windows.start_ms(settled + 1)),
                    )));
                }
                (first, last)
            }
        };
        if let Err(error) = receipt::read(
            self.port,
            self.settings,
            &self.patience,
            self.receipts,
            last,
        )
        .await
        {
            // Without them a run only does more than it must: it tells again, which is better than never.
            self.journal(json!({
                "record": "pgvigil.warning",
                "level": "WARN",
                "message": format!("{error}: the last {WINDOWS_RECOMPUTED} windows are reported again unless their receipts are known"),
            }));
        }
        let mut answer = Answer {
            operations: 0,
            windows: (first, last),
            made_up: 0,
            made_up_spans: Vec::new(),
            left: 0,
            told: 0,
            not_judged: 0,
            incomplete: 0,
        };
        let is_range = matches!(invocation.what, What::Range { .. });
        if is_range {
            let wanted: Vec<i64> = (first..=last).collect();
            let (done, operations) = self.many(&wanted).await?;
            answer.operations = operations;
            answer.left = wanted.len() - done;
            if answer.left > 0 {
                let next = wanted.get(done).copied().unwrap_or(last);
                return Err(RunError::Invocation(format!(
                    "the time of the run was over after {done} windows: ask for the rest, from {}",
                    time(windows.start_ms(next)),
                )));
            }
            self.health(&self.patience, true).await?;
        } else {
            answer.operations = self.unit(first, last).await?;
            self.health(&self.patience, true).await?;
            if matches!(invocation.what, What::Scheduled { .. }) {
                self.remind(last).await?;
            }
            let missing = self.receipts.missing(
                self.settings.log_groups.len(),
                windows.of(windows.start_ms(last + 1) - LONGEST_MS),
                first,
            );
            let (done, _) = self.many(&missing).await?;
            (answer.made_up, answer.left) = (done, missing.len() - done);
            answer.made_up_spans = ranges(missing.get(..done).unwrap_or_default(), usize::MAX);
        }
        answer.told = self.told;
        answer.not_judged = self.not_judged;
        answer.incomplete = self.incomplete;
        let mut summary = answer.json(self.settings);
        if let Value::Object(fields) = &mut summary {
            fields.insert("record".to_owned(), json!("pgvigil.run"));
            fields.insert("level".to_owned(), json!("INFO"));
            fields.insert("rules".to_owned(), json!(self.judging.digest));
            fields.insert("policy".to_owned(), json!(self.settings.policy_digest));
        }
        self.journal(summary);
        Ok(answer)
    }

    /// Counts windows that need not be side by side, oldest first, as far as the time allows. Gives how many, and the
    /// operations of the last.
    async fn many(&mut self, wanted: &[i64]) -> Result<(usize, u64), RunError> {
        let most = usize::try_from(BACKLOG_MS / self.settings.windows.length_ms()).unwrap_or(1);
        let (mut done, mut operations) = (0, 0);
        let mut slowest = Duration::ZERO;
        for (first, last) in ranges(wanted, most.max(1)) {
            // One that cannot end would only read in vain.
            if done > 0 && self.patience.left() < slowest * 2 {
                break;
            }
            let before = self.patience.left();
            operations = match self.unit(first, last).await {
                Ok(operations) => operations,
                Err(RunError::Late { .. } | RunError::Busy { .. }) if done > 0 => break,
                Err(error) => return Err(error),
            };
            slowest = slowest.max(before.saturating_sub(self.patience.left()));
            done += usize::try_from(last - first + 1).unwrap_or_default();
        }
        if done < wanted.len() {
            self.journal(json!({
                "record": "pgvigil.warning",
                "level": "WARN",
                "message": format!("{} windows still have to be counted: the next run continues", wanted.len() - done),
            }));
        }
        Ok((done, operations))
    }

    /// Counts windows that are side by side: metrics, detection records, notification, events, receipts, in this order.
    /// Gives the operations of the last.
    async fn unit(&mut self, first: i64, last: i64) -> Result<u64, RunError> {
        let Gathered {
            rows,
            suppressed,
            incomplete,
        } = gather(
            self.settings,
            self.judging,
            self.port,
            &self.patience,
            (first, last),
        )
        .await?;
        let figures = figures::of(self.settings, &rows, first, last);
        let mut data = figures::data(self.settings, self.judging, &figures);
        data.extend(figures::suppressed(self.settings, &suppressed));
        self.put(&data).await?;

        // Not reported yet: windows without a receipt, and those whose count has grown since.
        let fresh: BTreeMap<Place, u64> = figures
            .iter()
            .map(|(place, figure)| (*place, figure.total()))
            .filter(|(place, total)| {
                self.receipts
                    .total(place.group, place.window)
                    .is_none_or(|known| *total > known)
            })
            .collect();
        let mut seen: BTreeMap<(usize, &Key), i64> = BTreeMap::new();
        let mut news: BTreeMap<usize, Vec<(&Row, bool)>> = BTreeMap::new();
        for row in &rows {
            let Place { window, group } = row.place;
            let before = seen.insert((group, &row.key), window);
            if fresh.contains_key(&row.place) {
                // As far back as every run sees, so that it does not depend on how many windows this one computes.
                let is_new = before.is_none_or(|before| window - before >= RECOMPUTED);
                news.entry(group).or_default().push((row, is_new));
            }
        }
        let (settings, judging) = (self.settings, self.judging);
        let line = |row: &Row, is_new| {
            let is_incomplete = incomplete.contains(&row.place.window);
            detection::line(settings, judging, row, is_new, is_incomplete)
        };
        for (row, is_new) in news.values().flatten() {
            self.port.write(&line(row, *is_new));
        }
        for (place, sums) in &suppressed {
            if fresh.contains_key(place) {
                let line = detection::suppressed_line(self.settings, self.judging, *place, sums);
                self.port.write(&line);
            }
        }
        let new = news.values().flatten().filter(|(_, is_new)| *is_new);
        let chosen = match &self.settings.event_bus {
            Some(_) => events::choose(new.map(|(row, _)| *row)),
            None => BTreeMap::new(),
        };
        let left_out: Vec<(Place, String)> = chosen
            .iter()
            .filter(|(_, chosen)| chosen.left_out > 0)
            .map(|(place, chosen)| {
                let (sent, left_out) = (chosen.rows.len(), chosen.left_out);
                let line = detection::left_out_line(self.settings, *place, sent, left_out);
                (*place, line)
            })
            .collect();
        for (_, line) in &left_out {
            self.port.write(line);
        }
        self.warn(&figures, &incomplete);
        for (group, rows) in &news {
            self.tell(*group, rows, !incomplete.is_empty()).await?;
        }
        // After people: what a bus refuses must not keep the message from them.
        if let Some(bus) = &self.settings.event_bus {
            let new = chosen.values().flat_map(|chosen| &chosen.rows);
            let events = new.map(|row| Event {
                detail_type: DETAIL_TYPE,
                time_ms: row.sum.last_ms,
                detail: line(row, true),
            });
            // Last: who reads them knows then that no more follow.
            let left_out = left_out.into_iter().map(|(place, detail)| Event {
                detail_type: LEFT_OUT_TYPE,
                time_ms: settings.windows.start_ms(place.window + 1),
                detail,
            });
            events::send(self.port, &self.patience, bus, events.chain(left_out)).await?;
        }
        let receipts: Vec<Datum> = fresh
            .iter()
            .filter_map(|(place, total)| {
                let name = self.settings.log_groups.get(place.group)?;
                Some(receipt::datum(self.settings, name, place.window, *total))
            })
            .collect();
        self.put(&receipts).await?;
        for (place, total) in fresh {
            self.receipts.add(place.group, place.window, total);
        }
        self.incomplete += incomplete.len();
        let newest = figures.iter().filter(|(place, _)| place.window == last);
        Ok(newest
            .filter_map(|(_, figure)| figure.signals.get(&Signal::Dml))
            .sum())
    }

    /// Says which windows held more than a query returns.
    fn warn(&mut self, figures: &BTreeMap<Place, Figure>, incomplete: &BTreeSet<i64>) {
        for (place, figure) in figures.iter().filter(|(_, figure)| figure.not_judged > 0) {
            self.not_judged += figure.not_judged;
            let message = format!(
                "{} records of {} in the window that begins at {} were not judged, because there \
                    were more than one query can return: they count, but exclusions might \
                    silence some of them",
                figure.not_judged,
                self.settings.log_group(place.group),
                time(self.settings.windows.start_ms(place.window)),
            );
            self.journal(
                json!({ "record": "pgvigil.warning", "level": "WARN", "message": message }),
            );
        }
        for window in incomplete {
            let message = format!(
                "in the window that begins at {} there were more people than one query can return: its figures are lower bounds",
                time(self.settings.windows.start_ms(*window))
            );
            self.journal(
                json!({ "record": "pgvigil.warning", "level": "WARN", "message": message }),
            );
        }
    }

    async fn tell(
        &mut self,
        group: usize,
        rows: &[(&Row, bool)],
        incomplete: bool,
    ) -> Result<(), RunError> {
        let settings = self.settings;
        let Some(log_group) = settings.log_groups.get(group) else {
            return Ok(());
        };
        if settings.topic.is_none() && settings.chat_topic.is_none() {
            return Ok(());
        }
        let Some(message) =
            notification::message(settings, self.judging, log_group, rows, incomplete)
        else {
            return Ok(());
        };
        // The chat last: what it refuses must not keep the message from everyone else.
        for (topic, publication) in [
            (&settings.topic, &message.plain),
            (&settings.chat_topic, &message.chat),
        ] {
            let Some(topic) = topic else { continue };
            self.patience
                .call("notify people of new groups", async |within| {
                    self.port.publish(topic, publication, within).await
                })
                .await?;
        }
        self.told += message.groups;
        Ok(())
    }

    /// Says which exclusions end.
    async fn remind(&self, newest: i64) -> Result<(), RunError> {
        let due = reminder::due(&self.judging.last_days, self.settings.windows, newest);
        if due.is_empty() {
            return Ok(());
        }
        let message = reminder::message(self.settings, &due);
        self.journal(
            json!({ "record": "pgvigil.warning", "level": "WARN", "message": message.text }),
        );
        let Some(topic) = &self.settings.topic else {
            return Ok(());
        };
        self.patience
            .call("notify people of exclusions that end", async |within| {
                self.port.publish(topic, &message, within).await
            })
            .await
    }

    async fn put(&self, data: &[Datum]) -> Result<(), RunError> {
        self.put_within(&self.patience, data).await
    }

    async fn put_within(&self, patience: &Patience<'_, P>, data: &[Datum]) -> Result<(), RunError> {
        for data in figures::calls(data) {
            patience
                .call("publish metrics", async |within| {
                    self.port.put(&self.settings.namespace, data, within).await
                })
                .await?;
        }
        Ok(())
    }

    /// Says how the run went, at its own time.
    async fn health(&self, patience: &Patience<'_, P>, well: bool) -> Result<(), RunError> {
        let time_ms = self.port.now_ms();
        let datum = |metric, value| Datum {
            metric,
            time_ms,
            value,
        };
        let mut data = Vec::new();
        for name in &self.settings.log_groups {
            data.push(datum(Metric::errors_in(name), if well { 0.0 } else { 1.0 }));
            if well {
                data.push(datum(Metric::heartbeat_in(name), 1.0));
            }
        }
        self.put_within(patience, &data).await
    }

    fn journal(&self, value: Value) {
        self.port.write(&one_line(&value));
    }
}

/// The windows that every run computes, first and last.
fn normal(newest: i64) -> (i64, i64) {
    (newest - RECOMPUTED + 1, newest)
}

/// Runs of numbers that follow each other, none longer than `most`.
fn ranges(numbers: &[i64], most: usize) -> Vec<(i64, i64)> {
    numbers
        .chunk_by(|left, right| left + 1 == *right)
        .flat_map(|run| run.chunks(most))
        .filter_map(|run| Some((*run.first()?, *run.last()?)))
        .collect()
}
